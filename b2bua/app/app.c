/* b2bua/app/app.c
 *
 * Start, run, end: the order in which the modules come up and go down.
 */
#include "b2bua/app/dial.h"
#include "b2bua/app/listeners.h"

#include "admin/admin.h"
#include "b2bua/app/job.h"
#include "b2bua/app/rehearse.h"
#include "events/events.h"
#include "lib/base/id.h"
#include "lib/http/http_client.h"
#include "webhook/receiver.h"

#include <errno.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	MAX_LIVE_CALLS = 100000,
	MINUTE_US = 60 * 1000000,
	QUIET_TRIM_US = 30 * 1000000, /* Sofia keeps what a burst of calls needed; give it back in quiet moments */
	GRAPH_CONNECTIONS = 64,
};

/* ---- parts ---- */

static void on_store_health(int status, const char *why, void *arg)
{
	(void)arg;
	if (status)
		log_error("store_failing", "why=\"%s\" note=\"records are kept in memory and tried again\"", why);
	else
		log_info("store_works_again", "status=0");
}

static int start_store(struct app *app, char *why, size_t why_cap)
{
	int r = store_open(app->loop, app->config->store.url, &app->store, why, why_cap);

	if (r == 0)
		store_on_health(app->store, on_store_health, app);
	return r;
}

static int start_graph(struct app *app, char *why, size_t why_cap)
{
	const struct http_client_conf http = {.max_per_host = GRAPH_CONNECTIONS};
	const struct graph_conf conf = {
		.base_url = app->config->graph.base_url,
		.version = app->config->graph.version,
		.timeout_ms = app->config->graph.timeout_ms,
	};
	int r = http_client_new(app->loop, &http, &app->http);

	if (r == 0)
		r = graph_new(app->loop, app->http, &conf, &app->graph);
	if (r)
		snprintf(why, why_cap, "Graph API client: %s", strerror(-r));
	return r;
}

static int start_media(struct app *app, char *why, size_t why_cap)
{
	struct media_engine_conf conf = app->config->media;
	int r;

	conf.on_event = on_media_event;
	conf.arg = app;
	r = media_engine_new(app->loop, &conf, &app->media);
	if (r)
		snprintf(why, why_cap, "media engine: %s", strerror(-r));
	return r;
}

static int start_sip(struct app *app, char *why, size_t why_cap)
{
	struct sip_stack_conf conf = sip_conf_of(app->config);
	int r;

	conf.source_allowed = on_sip_source;
	conf.is_gateway = on_sip_gateway_addr;
	conf.tls_of = on_sip_tls;
	conf.policy_of = on_sip_policy;
	conf.on_event = on_sip_event;
	conf.on_gateway = on_gateway_event;
	conf.on_tls_failure = on_tls_failure;
	conf.on_binding = on_binding;
	conf.on_ban = on_ban;
	conf.on_name = on_name;
	conf.arg = app;
	r = sip_stack_new(app->loop, &conf, &app->sip);
	if (r)
		snprintf(why, why_cap, "sip.listen: %s",
			r == -EADDRINUSE ? "an address or port is in use, or not ours" : strerror(-r));
	return r;
}

static int start_admin(struct app *app, char *why, size_t why_cap)
{
	char text[ADDR_TEXT_MAX];
	int r = on_admin_start(app);

	if (r)
		snprintf(why, why_cap, "admin.listen %s: %s",
			addr_format(&app->config->admin.listen, text, sizeof(text)), strerror(-r));
	return r;
}

/* Last: once it listens, calls come in. */
static int start_webhook(struct app *app, char *why, size_t why_cap)
{
	const struct config *c = app->config;
	const struct webhook_receiver_conf conf = {
		.listen = c->webhook.listen,
		.path = c->webhook.path,
		.verify_token = c->webhook.verify_token,
		.app_secrets = (const char *const *)c->webhook.app_secrets,
		.app_secret_count = c->webhook.app_secret_count,
		.on_event = on_webhook_event,
		.on_keep = on_webhook_keep,
		.on_fault = on_webhook_fault,
		.arg = app,
	};
	char text[ADDR_TEXT_MAX];
	int r = webhook_receiver_new(app->loop, &conf, &app->webhook);

	if (r)
		snprintf(why, why_cap, "webhook.listen %s: %s", addr_format(&c->webhook.listen, text, sizeof(text)),
			strerror(-r));
	return r;
}

static int start_leftovers(struct app *app, char *why, size_t why_cap)
{
	int r = end_leftovers(app);

	if (r)
		snprintf(why, why_cap, "store: calls of the previous run could not be read: %s", strerror(-r));
	return r;
}

static void on_event_fault(const char *receiver, const char *what, void *arg)
{
	(void)arg;
	if (what)
		log_warn("event_receiver_failing",
			"receiver=%s what=\"%.160s\" note=\"events are kept and sent again\"", receiver, what);
	else
		log_info("event_receiver_works_again", "receiver=%s", receiver);
}

static int start_events(struct app *app, char *why, size_t why_cap)
{
	const struct events_conf conf = {
		.source = app->config->events_source,
		.receivers = app->config->events,
		.receiver_count = app->config->event_count,
		.on_fault = on_event_fault,
		.arg = app,
	};
	int r = events_new(app->loop, app->http, app->store, &conf, &app->events);

	if (r)
		snprintf(why, why_cap, "events: %s", strerror(-r));
	return r;
}

static void on_minute(void *arg)
{
	struct app *app = arg;

	permissions_minute(app);
	parking_minute(app);
	chat_minute(app);
	loop_timer_set(app->loop, &app->minute_timer, loop_now_us(app->loop) + MINUTE_US, on_minute, app);
}

/* Before the leftovers: a rule for calls that have ended may park a call back. Nothing is dialled before the loop runs.
 */
static int start_waiting(struct app *app, char *why, size_t why_cap)
{
	int r = parking_start(app);

	if (r == 0)
		r = messages_start(app);
	if (r == 0)
		r = loop_timer_set(app->loop, &app->minute_timer, loop_now_us(app->loop) + MINUTE_US, on_minute, app);
	if (r)
		snprintf(why, why_cap, "store: what waited in the previous run could not be read: %s", strerror(-r));
	return r;
}

static int start_permissions(struct app *app, char *why, size_t why_cap)
{
	int r = permissions_start(app);

	if (r)
		snprintf(why, why_cap, "store: permissions could not be read: %s", strerror(-r));
	return r;
}

static void on_quiet(void *arg)
{
	struct app *app = arg;

	if (!app->by_id)
		malloc_trim(0);
	loop_timer_set(app->loop, &app->quiet_timer, loop_now_us(app->loop) + QUIET_TRIM_US, on_quiet, app);
}

static int start_base(struct app *app, char *why, size_t why_cap)
{
	int r = loop_new(&app->loop);

	app->signal_fd = -1;
	if (r == 0)
		r = shutdown_watch_signals(app); /* before any thread: they inherit the mask */
	if (r == 0)
		r = slotmap_new(0, MAX_LIVE_CALLS, &app->calls);
	app->tombstones = tombstones_new();
	if (r == 0 && !app->tombstones)
		r = -ENOMEM;
	if (r == 0)
		r = loop_timer_set(app->loop, &app->quiet_timer, loop_now_us(app->loop) + QUIET_TRIM_US, on_quiet, app);
	if (r)
		snprintf(why, why_cap, "event loop: %s", strerror(-r));
	return r;
}

/* ---- the end ---- */

/* Only after a forced stop are there calls left; their records are written all the same. */
static void drop_calls(struct app *app)
{
	struct app_call *ac, *next;

	HASH_ITER (by_id, app->by_id, ac, next) {
		record_call(ac);
		registry_remove(ac);
	}
}

/* Whatever was started. The configuration is still needed: SIP, taking its leave, runs the loop. */
static void stop_parts(struct app *app)
{
	reload_drop(app);
	app->webhook = webhook_receiver_free(app->webhook); /* deliveries that wait for the store go with it */
	sip_stack_free(app->sip);                           /* runs the loop a last time */
	admin_free(app->admin);
	media_engine_free(app->media);
	recorder_free(app->recorder); /* what the calls' rings hold is written */
	drop_incoming(app);
	drop_calls(app);
	asks_drop(app);
	events_free(app->events);
	graph_free(app->graph);
	drop_graph_tickets(app);
	http_client_free(app->http);
	store_close(app->store);
	jobs_drop(app); /* after everything that could still finish one */
	parking_stop(app);
	permissions_stop(app);
	chat_stop(app);
	gateways_stop(app);
	slotmap_free(app->calls);
	tombstones_free(app->tombstones);
	loop_timer_cancel(&app->stop_timer);
	loop_timer_cancel(&app->quiet_timer);
	loop_timer_cancel(&app->minute_timer);
	loop_unwatch(app->signal_watch);
	if (app->signal_fd >= 0)
		close(app->signal_fd);
	loop_free(app->loop);
}

/* ---- the door ---- */

int app_new(struct config *config, struct app **ret_app, char *why, size_t why_cap)
{
	static int (*const parts[])(struct app *, char *, size_t) = {start_base, start_store, start_graph, start_events,
		start_permissions, start_media, listeners_start, start_sip, registrations_start, gateways_start,
		start_admin, start_waiting, start_leftovers, start_webhook};
	struct app *app = calloc(1, sizeof(*app));
	int r = 0;

	if (!app) {
		snprintf(why, why_cap, "out of memory");
		return -ENOMEM;
	}
	app->config = config;
	for (size_t i = 0; r == 0 && i < sizeof(parts) / sizeof(parts[0]); i++)
		r = parts[i](app, why, why_cap);
	if (r) { /* the configuration stays the caller's */
		stop_parts(app);
		free(app);
		return r;
	}
	app->boot = config_hold(config);
	*ret_app = app;
	return 0;
}

void app_run(struct app *app)
{
	char webhook[ADDR_TEXT_MAX], admin[ADDR_TEXT_MAX];
	struct addr a;

	webhook_receiver_addr(app->webhook, &a);
	addr_format(&a, webhook, sizeof(webhook));
	admin_addr(app->admin, &a);
	addr_format(&a, admin, sizeof(admin));
	log_info("ready", "version=%s webhook=%s admin=%s numbers=%zu gateways=%zu rules=%zu", WATRUNK_VERSION, webhook,
		admin, app->config->number_count, app->config->gateway_count,
		dialplan_rule_count(app->config->dialplan));
	loop_run(app->loop);
	log_info("stopped", "calls=%u", HASH_CNT(by_id, app->by_id));
}

struct app *app_free(struct app *app)
{
	if (!app)
		return NULL;
	stop_parts(app);
	config_free(app->config);
	config_free(app->boot);
	free(app);
	return NULL;
}
