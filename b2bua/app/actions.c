/* b2bua/app/actions.c
 *
 * What a rule for messages, or for calls that are over, does: texts, templates, call buttons go out one after another,
 * in the rule's order; a call back is parked first, so that it survives a crash, and dialled at once. From then on the
 * message it answers counts as dealt with: a crash may cost the texts that a rule sends after it, never a second call.
 */
#include "b2bua/app/dial.h"

#include "b2bua/app/job.h"
#include "graph/messages.h"
#include "lib/base/crypto.h"
#include "lib/base/str.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct run {
	struct job job;
	struct action_facts who;
	const char *rule;
	const struct route_action *actions; /* in memory of who asked, until on_done */
	size_t count, at;
	bool calls_back;
	void (*on_done)(void *arg);
	void *arg;
};

static void next_action(struct run *run);

static void run_next(struct run *run)
{
	run->at++;
	next_action(run);
}

/* ---- messages ---- */

static void on_sent(const struct graph_message_result *result, void *arg)
{
	struct run *run = arg;

	if (result->outcome == GRAPH_OK)
		log_info("message_sent", "rule=%s number_id=%s", run->rule, run->who.number->phone_number_id);
	else
		log_warn("message_not_sent", "rule=%s number_id=%s code=%d message=\"%s\" trace=%s", run->rule,
			run->who.number->phone_number_id, result->code,
			*result->details ? result->details : result->message, result->trace_id);
	run_next(run);
}

void message_set_template(struct graph_message *m, const struct route_template *t)
{
	m->kind = GRAPH_MSG_TEMPLATE;
	m->template_name = t->name;
	m->template_language = t->language;
	_Static_assert(sizeof(m->parameters) == sizeof(t->parameters), "as many parameters on both sides");
	m->parameter_count = t->parameter_count;
	memcpy(m->parameters, t->parameters, sizeof(t->parameters));
}

static void send_message(struct run *run, const struct route_action *a)
{
	const struct graph_number number = graph_number_of(run->who.number);
	struct graph_message m = {.to = run->who.user_number, .recipient = run->who.user_id, .text = a->text};
	uint64_t id;
	int r;

	switch (a->kind) {
	case ROUTE_SEND_TEXT: m.kind = GRAPH_MSG_TEXT; break;
	case ROUTE_CALL_BUTTON:
		m.kind = GRAPH_MSG_CALL_BUTTON;
		m.button_text = a->button_text;
		m.payload = a->payload;
		m.ttl_minutes = a->ttl_minutes;
		break;
	case ROUTE_SEND_TEMPLATE:
	case ROUTE_CALL_BACK: message_set_template(&m, &a->template); break;
	}
	r = graph_send_message(run->job.app->graph, &number, &m, on_sent, run, &id);
	if (r == 0)
		return;
	log_warn("message_not_sent", "rule=%s error=\"%s\"", run->rule, strerror(-r));
	run_next(run);
}

/* ---- a call back ---- */

static void on_parked(int status, void *arg)
{
	struct run *run = arg;

	if (status) {
		log_error("call_back_lost", "rule=%s error=\"%s\"", run->rule, strerror(-status));
	} else {
		if (run->who.message_id) /* before the dial's own intent: the store keeps the order */
			(void)store_done_inbox(run->job.app->store, run->who.message_id);
		parking_minute(run->job.app); /* what is due is dialled */
	}
	run_next(run);
}

/* The gateways after the first. */
static int fill_fallback(
	struct dial *d, const struct app *app, const struct config_number *number, const struct route_action *a)
{
	const struct route_failover *causes = &a->call_back.failover;
	struct dial_fallback *f = &d->fallback;
	char uri[TARGET_URI_MAX];

	f->parallel = a->call_back.parallel;
	for (size_t i = 1; i < a->call_back.gateway_count; i++) {
		const struct call_gateway *gateway =
			config_gateway_of_tenant(app->config, number->tenant, a->call_back.gateways[i]);
		if (!gateway || target_at_gateway(gateway, a->call_back.user, uri))
			return -EINVAL;
		f->places[f->count].gateway = dial_text(d, gateway->name);
		f->places[f->count].uri = dial_text(d, uri);
		if (!f->places[f->count].gateway || !f->places[f->count].uri)
			return -ENOMEM;
		f->count++;
	}
	for (; f->cause_count < causes->count; f->cause_count++) {
		f->causes[f->cause_count] = dial_text(d, causes->causes[f->cause_count]);
		if (!f->causes[f->cause_count])
			return -ENOMEM;
	}
	return 0;
}

static int fill(struct dial *d, const struct run *run, const struct route_action *a)
{
	struct app *app = run->job.app;
	const struct call_gateway *gateway =
		a->call_back.gateway_count
			? config_gateway_of_tenant(app->config, run->who.number->tenant, a->call_back.gateways[0])
			: NULL;
	struct route_header headers[ROUTE_HEADERS_MAX + 1];
	char uri[TARGET_URI_MAX], context[2048];
	size_t count = a->call_back.header_count;

	int r = fill_fallback(d, app, run->who.number, a);
	if (r)
		return r;
	if (!gateway || target_at_gateway(gateway, a->call_back.user, uri))
		return -EINVAL;
	memcpy(headers, a->call_back.headers, count * sizeof(headers[0]));
	if (a->call_back.chat_context && count < ROUTE_HEADERS_MAX &&
		*chat_context(app, run->who.number->phone_number_id,
			*run->who.user_number ? run->who.user_number : run->who.user_id, context, sizeof(context)))
		headers[count++] = (struct route_header){"X-WA-Chat", context};
	d->user_number = dial_text(d, run->who.user_number);
	d->user_id = dial_text(d, run->who.user_id);
	d->profile_name = dial_text(d, run->who.profile_name);
	d->rule = dial_text(d, run->rule);
	d->gateway = dial_text(d, gateway->name);
	d->uri = dial_text(d, uri);
	d->from_user = dial_text(d, a->call_back.caller_id);
	d->from_display = dial_text(d, a->call_back.display_name);
	d->order = a->call_back.agent_first ? DIAL_AGENT_FIRST : DIAL_USER_FIRST;
	d->ring_s = a->call_back.timeout_s;
	d->agent_ring_s = a->call_back.agent_timeout_s;
	d->expires_ms =
		d->created_ms + 600 * 1000; /* a call back that could not be made by then is not wanted any more */
	if (dial_take_number(d, run->who.number) || !d->user_number || !d->user_id || !d->profile_name || !d->rule ||
		!d->gateway || !d->uri || !d->from_user || !d->from_display)
		return -ENOMEM;
	return dial_take_headers(d, headers, count) || dial_take_permission(d, &a->call_back.permission) ? -ENOMEM : 0;
}

static void call_back(struct run *run, const struct route_action *a)
{
	struct dial *d = dial_new(run->job.app);
	int r = d ? fill(d, run, a) : -ENOMEM;

	if (r == 0) {
		if (run->who.message_id && !run->calls_back)
			dial_id_of_message(d->id, run->who.message_id);
		run->calls_back = true;
		parking_put(run->job.app, d, false, on_parked, run);
		return;
	}
	dial_free(d);
	log_error("call_back_lost", "rule=%s error=\"%s\"", run->rule, strerror(-r));
	run_next(run);
}

/* ---- the run ---- */

static void next_action(struct run *run)
{
	const struct route_action *a;

	if (run->at >= run->count) {
		void (*on_done)(void *) = run->on_done;
		void *arg = run->arg;
		job_free(&run->job);
		on_done(arg);
		return;
	}
	a = &run->actions[run->at];
	if (a->kind == ROUTE_CALL_BACK)
		call_back(run, a);
	else
		send_message(run, a);
}

void actions_run(struct app *app, const struct route *route, const struct action_facts *who, void (*on_done)(void *arg),
	void *arg)
{
	struct run *run = job_new(app, sizeof(*run), 0);

	if (!run) {
		log_error("actions_lost", "rule=%s error=\"out of memory\"", route->rule);
		on_done(arg);
		return;
	}
	run->who = *who;
	run->rule = route->rule;
	run->actions = route->actions;
	run->count = route->action_count;
	run->on_done = on_done;
	run->arg = arg;
	next_action(run);
}

/* ---- a call is over ---- */

struct ended {
	struct job job;
	struct arena arena;
	struct call_facts facts;
	const struct config_number *number;
	char user_number[24], user_id[64];
	const char *name;
};

static void ended_done(struct job *job)
{
	arena_done(&((struct ended *)job)->arena);
}

static void on_ended_finished(void *arg)
{
	struct ended *e = arg;
	struct app *app = e->job.app;

	job_free(&e->job);
	shutdown_check(app);
}

static void on_ended_route(const struct route *route, void *arg)
{
	struct ended *e = arg;
	const struct action_facts who = {e->number, e->user_number, e->user_id, e->name, NULL};

	if (route->kind == ROUTE_ACTIONS)
		actions_run(e->job.app, route, &who, on_ended_finished, e);
	else
		on_ended_finished(e);
}

static int ended_facts(struct ended *e, const struct call_record *r)
{
	struct arena *a = &e->arena;

	str_copy(e->user_number, sizeof(e->user_number), r->user_number);
	str_copy(e->user_id, sizeof(e->user_id), r->user_id);
	e->name = arena_strdup(a, r->user_name);
	e->facts = (struct call_facts){
		.direction = CALL_ENDED,
		.tenant = e->number->tenant,
		.to = e->number->number,
		.from = e->user_number,
		.from_user_id = e->user_id,
		.name = e->name,
		.payload = arena_strdup(a, r->payload),
		.phone_number_id = e->number->phone_number_id,
		.call_id = arena_strdup(a, r->id),
		.gateway = arena_strdup(a, r->gateway),
		.status = call_status_name(r->status),
		.cause = arena_strdup(a, r->cause),
		.call_direction = strcmp(r->direction, "outbound") == 0 ? "outbound" : "inbound",
		.duration_s = (unsigned)(r->duration_ms / 1000),
		.random = crypto_random_u64(),
	};
	return e->name && e->facts.payload && e->facts.call_id && e->facts.gateway && e->facts.cause ? 0 : -ENOMEM;
}

void actions_on_ended(struct app *app, const struct call_record *record)
{
	const struct config_number *number = config_number_by_id(app->config, record->number_id);
	struct ended *e;
	struct route route = {0};

	if (!number || app->stopping)
		return;
	if (!str_equal(number->tenant, record->tenant)) { /* nobody's rules: not his call, not their number */
		log_info("actions_none", "call=%s reason=\"its number has become another tenant's\"", record->id);
		return;
	}
	e = job_new(app, sizeof(*e), 0);
	if (!e)
		return;
	e->job.done = ended_done;
	e->number = number;
	arena_init(&e->arena, 64 * 1024);
	if (ended_facts(e, record) ||
		dialplan_route(app->config->dialplan, &e->facts, loop_wall_ms(app->loop), &e->arena, &route)) {
		log_error("actions_lost", "call=%s error=\"out of memory\"", record->id);
		job_free(&e->job);
		return;
	}
	if (route.kind == ROUTE_ASK && ask_route(app, &route, &e->facts, &e->arena, on_ended_route, e))
		return;
	on_ended_route(&route, e);
}
