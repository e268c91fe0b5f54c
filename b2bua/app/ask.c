/* b2bua/app/ask.c
 *
 * The dialplan's action `ask`: the facts of a call go to an HTTP service, actions in the words of the dialplan come
 * back. No usable answer in time: the rule's fallback.
 */
#include "b2bua/app/dial.h"

#include "lib/base/counter.h"
#include "lib/http/http_client.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

enum { ASK_TIMEOUT_MS = 1000 };

struct ask {
	struct app *app;
	struct config *config; /* whose rule asks, held */
	struct route asked;
	const struct call_facts *facts;
	struct arena *arena;
	void (*done)(const struct route *route, void *arg);
	void *arg;
	uint64_t request;
	struct loop_timer later; /* a fallback without having asked */
	struct ask *prev, *next;
};

static void text_field(json_t *o, const char *name, const char *text)
{
	if (text && *text)
		json_object_set_new(o, name, json_string(text));
}

static char *facts_json(const struct call_facts *f)
{
	static const char *const directions[] = {[CALL_INBOUND] = "inbound",
		[CALL_OUTBOUND] = "outbound",
		[CALL_MESSAGE] = "message",
		[CALL_ENDED] = "ended"};
	json_t *o = json_object();
	char *text;

	text_field(o, "direction", directions[f->direction]);
	text_field(o, "tenant", f->tenant);
	text_field(o, "to", f->to);
	text_field(o, "from", f->from);
	text_field(o, "from_user_id", f->from_user_id);
	text_field(o, "name", f->name);
	text_field(o, "payload", f->payload);
	text_field(o, "phone_number_id", f->phone_number_id);
	text_field(o, "call_id", f->call_id);
	text_field(o, "gateway", f->gateway);
	text_field(o, "text", f->text);
	text_field(o, "reply_id", f->reply_id);
	text_field(o, "status", f->status);
	text_field(o, "cause", f->cause);
	text_field(o, "call_direction", f->call_direction);
	if (f->direction == CALL_ENDED)
		json_object_set_new(o, "duration_s", json_integer(f->duration_s));
	text = o ? json_dumps(o, JSON_COMPACT) : NULL;
	json_decref(o);
	return text;
}

static void finish(struct ask *a, const struct route *route)
{
	void (*done)(const struct route *, void *) = a->done;
	void *arg = a->arg;

	struct config *config = a->config;

	DL_DELETE(a->app->asks, a);
	free(a);
	done(route, arg);
	config_free(config);
}

static void fall_back(struct ask *a, const char *why)
{
	struct route route = {0};

	counter_inc(CNT_ROUTE_ASK_FAILED);
	log_warn("route_ask_failed", "rule=%s url=%s why=\"%.160s\" fallback=%s", a->asked.rule, a->asked.ask.url, why,
		*a->asked.ask.fallback ? a->asked.ask.fallback : "(next rules)");
	if (dialplan_route_fallback(
		    a->config->dialplan, a->facts, loop_wall_ms(a->app->loop), &a->asked, a->arena, &route))
		memset(&route, 0, sizeof(route));
	finish(a, &route);
}

static void on_answer(const struct http_result *result, void *arg)
{
	struct ask *a = arg;
	struct route route = {0};
	char why[200];

	if (result->error) {
		fall_back(a, result->error_text);
		return;
	}
	if (result->status != 200) {
		snprintf(why, sizeof(why), "answered %u", result->status);
		fall_back(a, why);
		return;
	}
	if (dialplan_read_answer(a->config->dialplan, a->facts, result->body, result->body_length, &a->asked, a->arena,
		    &route, why, sizeof(why))) {
		fall_back(a, why);
		return;
	}
	log_info("route_asked", "rule=%s ms=%llu", a->asked.rule, (unsigned long long)result->total_us / 1000);
	finish(a, &route);
}

static void on_later(void *arg)
{
	fall_back(arg, "the request could not be made");
}

struct ask *ask_route(struct app *app, const struct route *asked, const struct call_facts *facts, struct arena *arena,
	void (*done)(const struct route *route, void *arg), void *arg)
{
	static const char *const headers[] = {"Content-Type: application/json", "Accept: application/json", NULL};
	struct ask *a = calloc(1, sizeof(*a));
	char *body = facts_json(facts);
	int r = -1;

	if (!a || !body) {
		free(a);
		free(body);
		return NULL;
	}
	*a = (struct ask){.app = app, .asked = *asked, .facts = facts, .arena = arena, .done = done, .arg = arg};
	const struct http_send send = {.method = "POST",
		.url = asked->ask.url,
		.headers = headers,
		.body = body,
		.body_length = strlen(body),
		.timeout_ms = asked->ask.timeout_ms ? asked->ask.timeout_ms : ASK_TIMEOUT_MS,
		.on_done = on_answer,
		.arg = a};
	r = http_send(app->http, &send, &a->request);
	free(body);
	if (r && loop_timer_set(app->loop, &a->later, 0, on_later, a)) {
		free(a);
		return NULL;
	}
	a->config = config_hold(app->config);
	DL_APPEND(app->asks, a);
	return a;
}

void ask_cancel(struct ask *a)
{
	if (!a)
		return;
	loop_timer_cancel(&a->later);
	if (a->request)
		http_cancel(a->app->http, a->request);
	DL_DELETE(a->app->asks, a);
	config_free(a->config);
	free(a);
}

void asks_drop(struct app *app)
{
	while (app->asks)
		ask_cancel(app->asks);
}
