/* b2bua/app/on_admin.c -- what the operator's interface asks of the shell */
#include "b2bua/app/dial.h"
#include "b2bua/app/listeners.h"

#include "admin/admin.h"
#include "events/events.h"
#include "lib/base/str.h"

#include <errno.h>
#include <stdlib.h>
#include <stdlib.h>

static void each_call(void (*fn)(const struct admin_call *call, void *fn_arg), void *fn_arg, void *arg)
{
	struct app *app = arg;
	const struct app_call *ac, *next;

	HASH_ITER (by_id, app->by_id, ac, next) {
		struct call_report rep;
		call_report(ac->call, &rep);
		char *attempts = record_attempts(&rep);
		const struct admin_call call = {
			.id = ac->id,
			.tenant = ac->number->tenant,
			.wacid = ac->wacid,
			.state = call_state_name(rep.state),
			.direction = rep.outbound ? "outbound" : "inbound",
			.number = rep.number,
			.user = *rep.user_number ? rep.user_number : rep.user_id,
			.user_name = rep.profile_name,
			.gateway = rep.gateway ? rep.gateway : "",
			.rule = rep.rule ? rep.rule : "",
			.started_ms = rep.started_ms,
			.rang_ms = rep.rang_ms,
			.answered_ms = rep.answered_ms,
			.on_hold = rep.on_hold,
			.transferring = rep.transferring,
			.recording = recording_state(ac),
			.forked = fork_is_on(ac),
			.attempts = attempts,
		};
		fn(&call, fn_arg);
		free(attempts);
	}
}

static int hangup(const char *id, const char *tenant, void *arg)
{
	struct app *app = arg;
	struct app_call *ac = registry_by_id(app, id);

	if (!ac || (*tenant && !str_equal(ac->number->tenant, tenant)))
		return -ENOENT;
	log_info("admin_hangup", "call=%s", ac->id);
	app_step_hangup(ac, CAUSE_ADMIN, ENDED_BY_ADMIN);
	return 0;
}

static size_t workers(struct admin_worker *ret, size_t cap, void *arg)
{
	struct app *app = arg;
	struct media_worker_load loads[MEDIA_WORKERS_MAX];
	size_t n = media_worker_loads(app->media, loads, sizeof(loads) / sizeof(loads[0]));

	if (n > cap)
		n = cap;
	for (size_t i = 0; i < n; i++)
		ret[i] = (struct admin_worker){loads[i].calls, loads[i].busy_percent, loads[i].complexity};
	return n;
}

/* Of the worker that is worst off. */
static unsigned most_busy_percent(struct app *app)
{
	struct admin_worker all[MEDIA_WORKERS_MAX];
	size_t n = workers(all, sizeof(all) / sizeof(all[0]), app);
	unsigned most = 0;

	for (size_t i = 0; i < n; i++)
		most = all[i].busy_percent > most ? all[i].busy_percent : most;
	return most;
}

static size_t gauges(struct admin_gauge *ret, size_t cap, void *arg)
{
	struct app *app = arg;
	const struct admin_gauge all[] = {
		{"calls", HASH_CNT(by_id, app->by_id)},
		{"media_sessions", media_session_count(app->media)},
		{"media_ports", media_ports_in_use(app->media)},
		{"media_busy_percent", most_busy_percent(app)},
		{"sip_legs", sip_leg_count(app->sip)},
		{"sip_lingering", sip_lingering_count(app->sip)},
		{"gateways_down", gateways_down(app)},
		{"gateways_registered", gateways_registered(app)},
		{"registrations", sip_registrar_count(app->sip)},
		{"sip_banned", sip_bans_count(app->sip)},
		{"graph_pending", graph_pending(app->graph)},
		{"events_under_way", app->events ? events_pending(app->events) : 0},
		{"longest_callback_us", loop_take_longest_us(app->loop)},
	};
	size_t n = sizeof(all) / sizeof(all[0]);

	if (n > cap)
		n = cap;
	for (size_t i = 0; i < n; i++)
		ret[i] = all[i];
	return n;
}

/* Borrowed from the configuration. NULL: out of memory. */
static struct admin_token *tokens_of(const struct config *c, size_t *ret_count)
{
	struct admin_token *list;
	size_t n = 0;

	for (size_t i = 0; i < c->tenant_count; i++)
		n += c->tenants[i].token_count;
	list = calloc(n + 1, sizeof(*list));
	*ret_count = list ? n : 0;
	n = 0;
	for (size_t i = 0; list && i < c->tenant_count; i++) {
		for (size_t k = 0; k < c->tenants[i].token_count; k++)
			list[n++] = (struct admin_token){c->tenants[i].name, c->tenants[i].tokens[k]};
	}
	return list;
}

int on_admin_take(struct app *app, const struct config *c)
{
	size_t count;
	struct admin_token *tokens = tokens_of(c, &count);
	int r = tokens ? admin_set_tokens(app->admin, tokens, count) : -ENOMEM;

	free(tokens);
	return r;
}

int on_admin_start(struct app *app)
{
	struct admin_conf conf = {
		.listen = app->config->admin.listen,
		.token = app->config->admin.token,
		.store = app->store,
		.ops = {each_call, hangup, gauges, app, workers},
	};
	int r;

	conf.events = app->events;
	on_api_ops(app, &conf.api);
	r = admin_new(app->loop, &conf, &app->admin);
	return r ? r : on_admin_take(app, app->config);
}
