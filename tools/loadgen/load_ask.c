/* tools/loadgen/load_ask.c -- see load_internal.h */
#include "lib/base/str.h"
#include "lib/http/http_client.h"
#include "tools/loadgen/load_internal.h"

#include <stdio.h>
#include <string.h>

enum { ASK_TIMEOUT_MS = 2000, HISTORY_MAX = 300 };

static void ask(struct load *ld, const char *path, void (*on_done)(const struct http_result *result, void *arg))
{
	char url[400], authorization[200];
	const char *const headers[] = {authorization, NULL};
	const struct http_send send = {.method = "GET",
		.url = url,
		.headers = headers,
		.timeout_ms = ASK_TIMEOUT_MS,
		.on_done = on_done,
		.arg = ld};
	uint64_t id;

	snprintf(url, sizeof(url), "%s%s", ld->target->admin_url, path);
	snprintf(authorization, sizeof(authorization), "Authorization: Bearer %s", ld->target->admin_token);
	if (http_send(ld->http, &send, &id) == 0)
		ld->asking++;
}

static json_t *answer_of(const struct http_result *result)
{
	return !result->error && result->status == 200 ? json_loadb(result->body, result->body_length, 0, NULL) : NULL;
}

static void on_health(const struct http_result *result, void *arg)
{
	struct load *ld = arg;

	ld->asking--;
	ld->healthy = !result->error && result->status == 200;
}

void load_ask_health(struct load *ld)
{
	ask(ld, "/healthz", on_health);
}

static void take_count(const json_t *object, const char *name, uint64_t *ret_value)
{
	const json_t *v = json_object_get(object, name);
	if (json_is_integer(v))
		*ret_value = (uint64_t)json_integer_value(v);
}

static void on_counters(const struct http_result *result, void *arg)
{
	struct load *ld = arg;
	struct load_result *res = &ld->res;
	json_t *top = answer_of(result);
	const json_t *gauges = json_object_get(top, "gauges");
	uint64_t longest_us = 0;

	ld->asking--;
	take_count(gauges, "calls", &res->gauge_calls);
	take_count(gauges, "media_sessions", &res->gauge_sessions);
	take_count(gauges, "media_ports", &res->gauge_ports);
	take_count(gauges, "sip_legs", &res->gauge_legs);
	take_count(gauges, "sip_lingering", &res->gauge_lingering);
	take_count(gauges, "longest_callback_us", &longest_us);
	take_count(top, "loop_slow_callbacks", &res->slow_callbacks);
	take_count(top, "media_send_failed", &res->send_failed);
	take_count(top, "media_pool_empty", &res->pool_empty);
	take_count(top, "media_events_lost", &res->events_lost);
	if (longest_us > res->longest_callback_us)
		res->longest_callback_us = longest_us;
	json_decref(top);
}

void load_ask_counters(struct load *ld)
{
	ask(ld, "/v1/counters", on_counters);
}

static void take_sample(struct samples *s, const json_t *object, const char *name, double factor)
{
	const json_t *v = json_object_get(object, name);
	if (json_is_number(v))
		samples_add(s, json_number_value(v) * factor);
}

static void on_history(const struct http_result *result, void *arg)
{
	struct load *ld = arg;
	struct load_result *res = &ld->res;
	json_t *top = answer_of(result), *record;
	size_t i;

	ld->asking--;
	json_array_foreach(json_object_get(top, "records"), i, record)
	{
		const json_t *wa = json_object_get(record, "wa_rx");
		take_sample(&res->own_invite, record, "setup_invite_us", 0.001);
		take_sample(&res->own_accept, record, "setup_accept_us", 0.001);
		take_sample(&res->hold, wa, "playout_delay_ms", 1);
		take_sample(&res->wa_concealed, wa, "concealed_ms", 1);
		take_sample(&res->wa_lost, wa, "lost", 1);
	}
	json_decref(top);
}

void load_ask_history(struct load *ld)
{
	char path[40];

	snprintf(path, sizeof(path), "/v1/history?limit=%d", HISTORY_MAX);
	ask(ld, path, on_history);
}
