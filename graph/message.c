/* graph/message.c
 *
 * POST /{phone_number_id}/messages. Never repeated: an answer that was lost may have been to a message that was sent,
 * and nobody wants to read it twice.
 */
#include "graph/exchange.h"
#include "graph/messages_internal.h"
#include "lib/base/str.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct sending {
	struct graph_exchange x; /* first */
	struct graph_message_result result;
	void (*on_done)(const struct graph_message_result *result, void *arg);
	void *arg;
};

static void read_success(const json_t *root, struct graph_answer *a, struct graph_message_result *res)
{
	const json_t *message = json_array_get(json_object_get(root, "messages"), 0);
	const json_t *contact = json_array_get(json_object_get(root, "contacts"), 0);
	const char *id = json_string_value(json_object_get(message, "id"));

	a->ok = id && *id && strlen(id) < sizeof(res->wamid);
	if (!a->ok) {
		(void)str_copy(a->message, sizeof(a->message), "answer without a usable message id");
		return;
	}
	(void)str_copy(res->wamid, sizeof(res->wamid), id);
	graph_answer_copy_text(res->wa_id, sizeof(res->wa_id), json_string_value(json_object_get(contact, "wa_id")));
}

void graph_message_answer_read(unsigned http_status, const void *body, size_t length, struct graph_answer *ret_answer,
	struct graph_message_result *ret_result)
{
	json_t *root = json_loadb(body, length, JSON_ALLOW_NUL, NULL);

	memset(ret_result, 0, sizeof(*ret_result));
	if (!graph_answer_is_error(root, http_status, ret_answer))
		read_success(root, ret_answer, ret_result);
	json_decref(root);
}

static bool sending_judge(struct graph_exchange *x, const struct http_result *http)
{
	struct sending *s = (struct sending *)x;

	if (!http->error)
		graph_message_answer_read(http->status, http->body, http->body_length, &x->answer, &s->result);
	x->outcome = x->answer.ok ? GRAPH_OK : graph_answer_outcome(&x->answer);
	return false;
}

static void sending_done(struct graph_exchange *x)
{
	struct sending *s = (struct sending *)x;
	const struct graph_answer *a = &x->answer;
	struct graph_message_result *res = &s->result;

	res->outcome = x->outcome;
	res->code = a->code;
	res->subcode = a->subcode;
	res->http_status = x->http_status;
	res->uncertain = x->uncertain;
	(void)str_copy(res->message, sizeof(res->message), a->message);
	(void)str_copy(res->details, sizeof(res->details), a->details);
	(void)str_copy(res->trace_id, sizeof(res->trace_id), a->trace_id);
	s->on_done(res, s->arg);
}

int graph_send_message(struct graph *g, const struct graph_number *number, const struct graph_message *message,
	void (*on_done)(const struct graph_message_result *result, void *arg), void *arg, uint64_t *ret_id)
{
	struct sending *s = calloc(1, sizeof(*s));
	int r;

	if (!s)
		return -ENOMEM;
	s->on_done = on_done;
	s->arg = arg;
	s->x.method = "POST";
	s->x.judge = sending_judge;
	s->x.done = sending_done;
	r = graph_message_body(message, &s->x.body);
	if (r) {
		free(s);
		return r;
	}
	return graph_exchange_start(g, &s->x, number, "messages", ret_id);
}
