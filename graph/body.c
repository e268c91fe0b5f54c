/* graph/body.c */
#include "graph/body.h"

#include <errno.h>
#include <jansson.h>
#include <string.h>

enum { CALL_ID_MAX = 256, OPAQUE_MAX = 512 };

static bool has(const char *text)
{
	return text && *text;
}

static bool request_ok(const struct graph_request *q)
{
	if (q->opaque && strlen(q->opaque) > OPAQUE_MAX)
		return false;
	if (q->verb != GRAPH_CONNECT && (!has(q->call_id) || strlen(q->call_id) > CALL_ID_MAX))
		return false;
	switch (q->verb) {
	case GRAPH_CONNECT: return has(q->sdp) && (has(q->to) || has(q->recipient));
	case GRAPH_PRE_ACCEPT:
	case GRAPH_ACCEPT: return has(q->sdp);
	case GRAPH_REJECT:
	case GRAPH_TERMINATE: return true;
	}
	return false;
}

/* Adds nothing for NULL or "". Text that is not UTF-8, or no memory: -1. */
static int add(json_t *object, const char *name, const char *text)
{
	return has(text) ? json_object_set_new(object, name, json_string(text)) : 0;
}

static json_t *build(const struct graph_request *q)
{
	bool connect = q->verb == GRAPH_CONNECT;
	bool with_sdp = connect || q->verb == GRAPH_PRE_ACCEPT || q->verb == GRAPH_ACCEPT;
	bool with_opaque = connect || q->verb == GRAPH_ACCEPT;
	json_t *body = json_object();
	int bad = add(body, "messaging_product", "whatsapp") | add(body, "action", graph_verb_name(q->verb));

	if (connect)
		bad |= add(body, "to", q->to) | add(body, "recipient", q->recipient);
	else
		bad |= add(body, "call_id", q->call_id);
	if (with_sdp) {
		json_t *session = json_object();
		/* Parameter tables of Meta's pages say "offer" for pre_accept and accept as well; that is refused. */
		bad |= add(session, "sdp_type", connect ? "offer" : "answer") | add(session, "sdp", q->sdp);
		bad |= json_object_set_new(body, "session", session);
	}
	if (with_opaque)
		bad |= add(body, "biz_opaque_callback_data", q->opaque);
	if (!bad)
		return body;
	json_decref(body);
	return NULL;
}

static bool is_utf8(const char *text)
{
	json_t *json = text ? json_string(text) : NULL;
	bool ok = json || !text;
	json_decref(json);
	return ok;
}

int graph_body(const struct graph_request *q, char **ret_body)
{
	json_t *body;
	char *text;

	if (!request_ok(q))
		return -EINVAL;
	body = build(q);
	if (!body)
		return is_utf8(q->sdp) && is_utf8(q->opaque) && is_utf8(q->call_id) && is_utf8(q->to) &&
				       is_utf8(q->recipient)
			       ? -ENOMEM
			       : -EINVAL;
	text = json_dumps(body, JSON_COMPACT);
	json_decref(body);
	if (!text)
		return -ENOMEM;
	*ret_body = text;
	return 0;
}
