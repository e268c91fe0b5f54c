/* graph/body.c */
#include "graph/body.h"

#include "lib/base/str.h"

#include <errno.h>
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

int graph_wa_number(const char *text, char dst[GRAPH_NUMBER_CAP])
{
	char e164[GRAPH_NUMBER_CAP];
	int r = str_e164(text, e164, sizeof(e164));

	return r ? r : str_copy(dst, GRAPH_NUMBER_CAP, e164 + 1);
}

int graph_body_add(json_t *object, const char *name, const char *text)
{
	return has(text) ? json_object_set_new(object, name, json_string(text)) : 0;
}

/* to: the user's number as Meta writes it, for connect */
static json_t *build(const struct graph_request *q, const char *to)
{
	bool connect = q->verb == GRAPH_CONNECT;
	bool with_sdp = connect || q->verb == GRAPH_PRE_ACCEPT || q->verb == GRAPH_ACCEPT;
	bool with_opaque = connect || q->verb == GRAPH_ACCEPT;
	json_t *body = json_object();
	int bad = graph_body_add(body, "messaging_product", "whatsapp") |
		  graph_body_add(body, "action", graph_verb_name(q->verb));

	if (connect)
		bad |= graph_body_add(body, "to", to) | graph_body_add(body, "recipient", q->recipient);
	else
		bad |= graph_body_add(body, "call_id", q->call_id);
	if (with_sdp) {
		json_t *session = json_object();
		/* Parameter tables of Meta's pages say "offer" for pre_accept and accept as well; that is refused. */
		bad |= graph_body_add(session, "sdp_type", connect ? "offer" : "answer") |
		       graph_body_add(session, "sdp", q->sdp);
		bad |= json_object_set_new(body, "session", session);
	}
	if (with_opaque)
		bad |= graph_body_add(body, "biz_opaque_callback_data", q->opaque);
	if (!bad)
		return body;
	json_decref(body);
	return NULL;
}

bool graph_is_utf8(const char *text)
{
	size_t length = text ? strlen(text) : 0;

	for (size_t n; length; text += n, length -= n) {
		n = str_utf8_char(text, length);
		if (!n)
			return false;
	}
	return true;
}

int graph_body(const struct graph_request *q, char **ret_body)
{
	char to[GRAPH_NUMBER_CAP] = "";
	json_t *body;
	char *text;

	if (!request_ok(q) || !graph_is_utf8(q->sdp) || !graph_is_utf8(q->opaque) || !graph_is_utf8(q->call_id) ||
		!graph_is_utf8(q->recipient))
		return -EINVAL;
	if (q->verb == GRAPH_CONNECT && has(q->to) && graph_wa_number(q->to, to))
		return -EINVAL;
	body = build(q, to);
	text = body ? json_dumps(body, JSON_COMPACT) : NULL;
	json_decref(body);
	if (!text)
		return -ENOMEM;
	*ret_body = text;
	return 0;
}
