/* graph/ask_permission.c
 *
 * GET /{phone_number_id}/call_permissions (Meta: "User call permissions"). Asking again does no harm, so a passing
 * error, too many questions (613) among them, is worth one more try.
 */
#include "graph/body.h"
#include "graph/exchange.h"
#include "graph/messages_internal.h"
#include "lib/base/str.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct question {
	struct graph_exchange x; /* first */
	struct graph_permission_result result;
	void (*on_done)(const struct graph_permission_result *result, void *arg);
	void *arg;
};

/* ---- the answer ---- */

/* Integers here, says Meta, where webhooks have texts: both are taken. 0 for anything else. */
static uint64_t get_u64(const json_t *object, const char *name)
{
	const json_t *json = json_object_get(object, name);
	uint64_t value = 0;

	if (json_is_integer(json))
		return json_integer_value(json) > 0 ? (uint64_t)json_integer_value(json) : 0;
	if (json_is_string(json))
		(void)str_to_u64(json_string_value(json), 0, INT64_MAX, &value);
	return value;
}

static unsigned get_usage(const json_t *limit)
{
	uint64_t value = get_u64(limit, "current_usage");
	return value < UINT32_MAX ? (unsigned)value : UINT32_MAX;
}

/* Where an action stands with its limits. */
struct action {
	bool may;
	uint64_t limit_expires_s;
	unsigned in_24h, in_7d;
};

/* ISO 8601 durations; Meta writes PT24H and P7D. */
static void read_limit(const json_t *limit, struct action *a)
{
	const char *period = json_string_value(json_object_get(limit, "time_period"));
	uint64_t expires_s = get_u64(limit, "limit_expiration_time");

	if (str_equal(period, "PT24H") || str_equal(period, "P1D"))
		a->in_24h = get_usage(limit);
	else if (str_equal(period, "P7D") || str_equal(period, "P1W") || str_equal(period, "PT168H"))
		a->in_7d = get_usage(limit);
	if (!a->may && expires_s > a->limit_expires_s) /* all of them must end before it may be done */
		a->limit_expires_s = expires_s;
}

static void read_action(const json_t *action, struct action *a)
{
	const json_t *limits = json_object_get(action, "limits"), *may, *limit;
	size_t i;

	may = json_object_get(action, "can_perform_action");
	if (json_is_boolean(may))
		a->may = json_is_true(may);
	json_array_foreach(limits, i, limit)
	{
		read_limit(limit, a);
	}
}

static void read_actions(const json_t *actions, struct graph_permission_result *res)
{
	bool allowed = res->status != GRAPH_PERMISSION_NONE;
	struct action call = {.may = allowed}, request = {.may = !allowed};
	const json_t *action;
	size_t i;

	json_array_foreach(actions, i, action)
	{
		const char *name = json_string_value(json_object_get(action, "action_name"));
		if (str_equal(name, "start_call"))
			read_action(action, &call);
		else if (str_equal(name, "send_call_permission_request"))
			read_action(action, &request);
		else
			continue;
		res->has_actions = true;
	}
	res->may_call = call.may;
	res->may_request = request.may;
	res->call_limit_expires_s = call.limit_expires_s;
	res->request_limit_expires_s = request.limit_expires_s;
	res->calls_24h = call.in_24h;
	res->requests_24h = request.in_24h;
	res->requests_7d = request.in_7d;
}

static void read_success(const json_t *root, struct graph_answer *a, struct graph_permission_result *res)
{
	const json_t *permission = json_object_get(root, "permission");
	const char *status = json_string_value(json_object_get(permission, "status"));

	a->ok = true;
	if (str_equal(status, "temporary")) {
		res->status = GRAPH_PERMISSION_TEMPORARY;
		/* The field table says expiration, the sample expiration_time. */
		res->expires_s = get_u64(permission, "expiration_time");
		if (!res->expires_s)
			res->expires_s = get_u64(permission, "expiration");
	} else if (str_equal(status, "permanent")) {
		res->status = GRAPH_PERMISSION_PERMANENT;
	} else if (str_equal(status, "no_permission")) {
		res->status = GRAPH_PERMISSION_NONE;
	} else {
		a->ok = false;
		(void)str_copy(a->message, sizeof(a->message), "answer without a usable permission status");
		return;
	}
	read_actions(json_object_get(root, "actions"), res);
}

void graph_permission_answer_read(unsigned http_status, const void *body, size_t length,
	struct graph_answer *ret_answer, struct graph_permission_result *ret_result)
{
	json_t *root = json_loadb(body, length, JSON_ALLOW_NUL, NULL);

	memset(ret_result, 0, sizeof(*ret_result));
	if (!graph_answer_is_error(root, http_status, ret_answer))
		read_success(root, ret_answer, ret_result);
	json_decref(root);
}

/* ---- the question ---- */

/* RFC 3986 s2.1 */
static void percent_encode(char *dst, const char *text)
{
	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;
		dst += isalnum(c) || strchr("-._~", c) ? sprintf(dst, "%c", c) : sprintf(dst, "%%%02X", c);
	}
	*dst = '\0';
}

int graph_permission_edge(const char *to, const char *recipient, char **ret_edge)
{
	char number[GRAPH_NUMBER_CAP], id[3 * GRAPH_BSUID_MAX + 1];
	int r;

	if (to && *to) {
		if (graph_wa_number(to, number))
			return -EINVAL;
		r = asprintf(ret_edge, "call_permissions?user_wa_id=%s", number);
	} else if (recipient && *recipient && strlen(recipient) <= GRAPH_BSUID_MAX) {
		percent_encode(id, recipient);
		r = asprintf(ret_edge, "call_permissions?recipient=%s", id);
	} else {
		return -EINVAL;
	}
	return r < 0 ? -ENOMEM : 0;
}

static bool question_judge(struct graph_exchange *x, const struct http_result *http)
{
	struct question *q = (struct question *)x;
	const struct graph_answer *a = &x->answer;

	if (!http->error)
		graph_permission_answer_read(http->status, http->body, http->body_length, &x->answer, &q->result);
	x->outcome = a->ok ? GRAPH_OK : graph_answer_outcome(a);
	return !a->ok && x->attempts == 1 && (a->transient || graph_error_is_passing(a->code, http->status));
}

static void question_done(struct graph_exchange *x)
{
	struct question *q = (struct question *)x;
	const struct graph_answer *a = &x->answer;
	struct graph_permission_result *res = &q->result;

	res->outcome = x->outcome;
	res->code = a->code;
	res->http_status = x->http_status;
	(void)str_copy(res->message, sizeof(res->message), a->message);
	(void)str_copy(res->details, sizeof(res->details), a->details);
	(void)str_copy(res->trace_id, sizeof(res->trace_id), a->trace_id);
	q->on_done(res, q->arg);
}

int graph_ask_permission(struct graph *g, const struct graph_number *number, const char *to, const char *recipient,
	void (*on_done)(const struct graph_permission_result *result, void *arg), void *arg, uint64_t *ret_id)
{
	struct question *q;
	char *edge;
	int r = graph_permission_edge(to, recipient, &edge);

	if (r)
		return r;
	q = calloc(1, sizeof(*q));
	if (!q) {
		free(edge);
		return -ENOMEM;
	}
	q->on_done = on_done;
	q->arg = arg;
	q->x.method = "GET";
	q->x.judge = question_judge;
	q->x.done = question_done;
	r = graph_exchange_start(g, &q->x, number, edge, ret_id);
	free(edge);
	return r;
}
