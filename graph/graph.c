/* graph/graph.c
 *
 * The call actions, and the object they and the requests of messages.h share.
 */
#include "graph/graph.h"

#include "graph/body.h"
#include "graph/error_table.h"
#include "graph/exchange.h"
#include "lib/base/id.h"
#include "lib/base/str.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DEFAULT_TIMEOUT_MS = 5000, PENDING_MAX = 65536 };

struct action {
	struct graph_exchange x; /* first */
	enum graph_verb verb;
	void (*on_done)(const struct graph_result *result, void *arg);
	void *arg;
};

const char *graph_verb_name(enum graph_verb verb)
{
	static const char *const names[] = {"pre_accept", "accept", "reject", "terminate", "connect"};
	return names[verb];
}

/* Is the call in the state that this verb wanted, or over, whatever the error? */
static bool settled(const struct action *action, enum graph_outcome *ret_outcome)
{
	const struct graph_answer *a = &action->x.answer;
	enum graph_verb verb = action->verb;
	/* pre_accept overtaken by accept, or an accept whose first answer was lost: the call is up, as we want it. */
	bool live_is_fine = verb == GRAPH_PRE_ACCEPT || (verb == GRAPH_ACCEPT && action->x.attempts > 1);

	if (a->ok || (a->call_state == GRAPH_CALL_LIVE && live_is_fine))
		*ret_outcome = GRAPH_OK;
	else if (a->call_state != GRAPH_CALL_UNTOLD && verb != GRAPH_CONNECT)
		*ret_outcome = GRAPH_ALREADY_OVER;
	else
		return false;
	return true;
}

static bool action_judge(struct graph_exchange *x, const struct http_result *http)
{
	struct action *action = (struct action *)x;
	struct graph_answer *a = &x->answer;

	if (!http->error)
		graph_answer_read(action->verb, http->status, http->body, http->body_length, a);
	if (settled(action, &x->outcome))
		return false;
	x->outcome = graph_answer_outcome(a);
	if (a->transient) /* Meta says so: as good as a transient code */
		return graph_may_retry(action->verb, 0, 0, x->attempts);
	return graph_may_retry(action->verb, a->code, http->status, x->attempts);
}

static void action_done(struct graph_exchange *x)
{
	const struct action *action = (const struct action *)x;
	const struct graph_answer *a = &x->answer;
	struct graph_result res = {.verb = action->verb,
		.outcome = x->outcome,
		.code = a->code,
		.subcode = a->subcode,
		.http_status = x->http_status,
		.attempts = x->attempts,
		.uncertain = x->uncertain,
		.total_us = loop_now_us(x->graph->loop) - x->started_us};

	(void)str_copy(res.message, sizeof(res.message), a->message);
	(void)str_copy(res.details, sizeof(res.details), a->details);
	(void)str_copy(res.trace_id, sizeof(res.trace_id), a->trace_id);
	(void)str_copy(res.call_id, sizeof(res.call_id), a->call_id);
	action->on_done(&res, action->arg);
}

int graph_send(struct graph *g, const struct graph_request *request,
	void (*on_done)(const struct graph_result *result, void *arg), void *arg, uint64_t *ret_id)
{
	struct action *action = calloc(1, sizeof(*action));
	int r;

	if (!action)
		return -ENOMEM;
	action->verb = request->verb;
	action->on_done = on_done;
	action->arg = arg;
	action->x.method = "POST";
	action->x.judge = action_judge;
	action->x.done = action_done;
	r = graph_body(request, &action->x.body);
	if (r) {
		free(action);
		return r;
	}
	return graph_exchange_start(g, &action->x, request->number, "calls", ret_id);
}

void graph_cancel(struct graph *g, uint64_t id)
{
	graph_exchange_free(slotmap_get(g->pending, id));
}

size_t graph_pending(const struct graph *g)
{
	return slotmap_count(g->pending);
}

/* ---- entry points ---- */

int graph_new(struct loop *l, struct http_client *http, const struct graph_conf *conf, struct graph **ret_graph)
{
	struct graph *g;
	size_t length = conf->base_url ? strlen(conf->base_url) : 0;
	int r = -ENOMEM;

	while (length && conf->base_url[length - 1] == '/')
		length--;
	if (!length || !conf->version || !*conf->version)
		return -EINVAL;
	g = calloc(1, sizeof(*g));
	if (!g)
		return r;
	g->loop = l;
	g->http = http;
	g->timeout_ms = conf->timeout_ms ? conf->timeout_ms : DEFAULT_TIMEOUT_MS;
	g->appsecret_proof = conf->appsecret_proof;
	if (asprintf(&g->base, "%.*s/%s", (int)length, conf->base_url, conf->version) < 0)
		g->base = NULL;
	if (g->base)
		r = slotmap_new(0, PENDING_MAX, &g->pending);
	if (r == 0)
		r = http_keep_warm(http, conf->base_url);
	if (r) {
		graph_free(g);
		return r;
	}
	*ret_graph = g;
	return 0;
}

struct graph *graph_free(struct graph *g)
{
	struct graph_exchange *x;
	size_t cursor = 0;

	if (!g)
		return NULL;
	while (g->pending && (x = slotmap_next(g->pending, &cursor)))
		graph_exchange_free(x);
	slotmap_free(g->pending);
	free(g->base);
	free(g);
	return NULL;
}
