/* b2bua/app/on_graph.c -- answers of the Graph API -> call events */
#include "b2bua/app/dial.h"

#include "graph/error_table.h"
#include "lib/base/counter.h"
#include "lib/base/str.h"

#include <errno.h>
#include <stdlib.h>
#include <utlist.h>

static enum call_verb call_verb_of(enum graph_verb v)
{
	switch (v) {
	case GRAPH_PRE_ACCEPT: return VERB_PRE_ACCEPT;
	case GRAPH_ACCEPT: return VERB_ACCEPT;
	case GRAPH_REJECT: return VERB_REJECT;
	case GRAPH_CONNECT: return VERB_CONNECT;
	case GRAPH_TERMINATE: break;
	}
	return VERB_TERMINATE;
}

static enum call_verb_outcome outcome_of(enum graph_outcome o)
{
	switch (o) {
	case GRAPH_OK: return VERB_OK;
	case GRAPH_ALREADY_OVER: return VERB_ALREADY_OVER;
	case GRAPH_REFUSED: return VERB_REFUSED;
	case GRAPH_FAILED: break;
	}
	return VERB_FAILED;
}

/* A request may outlive its call (the last terminate does, when Meta is slow): it names the call by key. */
struct graph_ticket {
	struct app *app;
	uint64_t key;
	const struct config_number *number; /* its configuration is held */
	struct graph_ticket *prev, *next;   /* app->graph_tickets, so that none is lost when the program ends first */
};

static void ticket_free(struct graph_ticket *t)
{
	DL_DELETE(t->app->graph_tickets, t);
	config_free(t->number->config);
	free(t);
}

void end_orphan(struct app *app, const struct config_number *number, const char *wacid)
{
	const struct graph_number graph_number = graph_number_of(number);
	const struct graph_request request = {.verb = GRAPH_TERMINATE, .number = &graph_number, .call_id = wacid};

	counter_inc(CNT_CALLS_ORPHANED);
	log_warn("orphan_call", "number_id=%s action=terminate", number->phone_number_id);
	tombstones_add(app->tombstones, wacid, loop_wall_ms(app->loop));
	if (send_graph(app, 0, &request, number))
		log_error("orphan_call", "error=\"terminate could not be sent\"");
}

/* Meta has made our call: from now on it is known by Meta's id, also after a crash. */
static void connected(struct app *app, struct app_call *ac, const struct config_number *number, const char *wacid)
{
	if (!ac) {
		end_orphan(app, number, wacid);
		return;
	}
	if (registry_set_wacid(ac, wacid)) {
		log_error("wacid_refused", "call=%s", ac->id);
		return;
	}
	leftovers_note(ac);
}

static void on_graph_done(const struct graph_result *result, void *arg)
{
	struct graph_ticket *t = arg;
	struct app *app = t->app;
	struct app_call *ac = t->key ? registry_by_key(app, t->key) : NULL;
	struct call_event ev = {.kind = CALL_EV_GRAPH_DONE,
		.u.graph = {call_verb_of(result->verb), outcome_of(result->outcome), result->code,
			*result->details ? result->details : result->message, result->call_id}};
	const char *id = ac ? ac->id : "-";

	if (result->outcome == GRAPH_OK || result->outcome == GRAPH_ALREADY_OVER)
		log_info("graph_done", "call=%s verb=%s attempts=%u ms=%llu already_over=%d t_us=%llu", id,
			graph_verb_name(result->verb), result->attempts, (unsigned long long)result->total_us / 1000,
			result->outcome == GRAPH_ALREADY_OVER, (unsigned long long)loop_now_us(app->loop));
	else
		log_warn("graph_error",
			"call=%s verb=%s code=%d class=%s http=%u attempts=%u message=\"%s\" details=\"%s\" trace=%s",
			id, graph_verb_name(result->verb), result->code, graph_error_info(result->code)->name,
			result->http_status, result->attempts, result->message, result->details, result->trace_id);
	if (result->verb == GRAPH_CONNECT && *result->call_id)
		connected(app, ac, t->number, result->call_id);
	ticket_free(t);
	if (ac)
		app_step(ac, &ev);
	else
		shutdown_check(app);
}

int send_graph(struct app *app, uint64_t key, const struct graph_request *request, const struct config_number *number)
{
	struct graph_ticket *t = calloc(1, sizeof(*t));
	uint64_t id;
	int r;

	if (!t)
		return -ENOMEM;
	t->app = app;
	t->key = key;
	t->number = number;
	r = graph_send(app->graph, request, on_graph_done, t, &id);
	if (r) {
		free(t);
		return r;
	}
	config_hold(number->config);
	DL_APPEND(app->graph_tickets, t);
	return 0;
}

void drop_graph_tickets(struct app *app)
{
	struct graph_ticket *t, *next;

	DL_FOREACH_SAFE (app->graph_tickets, t, next)
		ticket_free(t);
}
