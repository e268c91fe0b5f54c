/* Server-sent events and dead ones, with the real events module. */
#include "admin/admin_internal.h"
#include "events/events.h"
#include "lib/base/counter.h"
#include "lib/http/http_client.h"
#include "tests/unit/admin/admin_rig.h"
#include "tests/unit/admin/fake_store.h"
#include "tests/unit/events/fake_outbox.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include "tests/unit/lib/http/until.h"

static struct http_client *http;
static struct events *events;
static struct raw_client streams[40];

static int set_up(void **state)
{
	const struct http_client_conf client = {0};
	const struct events_conf conf = {.source = "watrunk/test"};
	struct admin_conf c = rig_conf();

	(void)state;
	memset(&rig, 0, sizeof(rig));
	assert_int_equal(loop_new(&rig.loop), 0);
	fake_outbox_reset(rig.loop);
	assert_int_equal(http_client_new(rig.loop, &client, &http), 0);
	assert_int_equal(events_new(rig.loop, http, NULL, &conf, &events), 0);
	c.events = events;
	c.heartbeat_ms = 100;
	return rig_up_with(&c);
}

static int tear_down(void **state)
{
	(void)state;
	rig.admin = admin_free(rig.admin);
	events = events_free(events);
	http = http_client_free(http);
	fake_outbox_done();
	return rig_down(state);
}

static void listen_to(struct raw_client *c, const char *query)
{
	char request[256];

	snprintf(request, sizeof(request), "GET /v1/events%s HTTP/1.1\r\nHost: x\r\n" AUTH "\r\n", query);
	raw_open(c, rig.loop, &rig.addr);
	raw_say(c, request);
}

static void emit(const char *type, int n)
{
	const struct event_field f = {"n", FIELD_INT, NULL, n};
	assert_int_equal(events_emit(events, "", type, "c-1", &f, 1), 0);
}

static void test_events_are_streamed(void **state)
{
	struct raw_client *all = &streams[0], *calls = &streams[1];

	(void)state;
	listen_to(all, "");
	listen_to(calls, "?types=call.*,permission.granted");
	UNTIL(rig.loop, raw_count(all, "retry: 2000\n") && raw_count(calls, "retry: 2000\n"));
	assert_int_equal(raw_count(all, "HTTP/1.1 200"), 1);
	assert_int_equal(raw_count(all, "Content-Type: text/event-stream\r\n"), 1);
	emit("call.answered", 1);
	emit("permission.denied", 2);
	emit("permission.granted", 3);
	UNTIL(rig.loop, raw_count(all, "\"n\":3}}\n\n") && raw_count(calls, "\"n\":3}}\n\n"));
	assert_int_equal(raw_count(all, "event: com.watrunk.call.answered\ndata: {\"specversion\":\"1.0\""), 1);
	assert_int_equal(raw_count(all, "id: ev-"), 3);
	assert_int_equal(raw_count(calls, "id: ev-"), 2);
	assert_int_equal(raw_count(calls, "denied"), 0);
	raw_close(all);
	raw_close(calls);
}

static void emit_of(const char *tenant, int n)
{
	const struct event_field f = {"n", FIELD_INT, NULL, n};
	assert_int_equal(events_emit(events, tenant, "call.ringing", "c-1", &f, 1), 0);
}

/* A tenant is told of his own; the operator of everybody's; and of a token that is withdrawn nothing is left. */
static void test_a_tenant_hears_his_own(void **state)
{
	static const struct admin_token tokens[] = {{"acme", "acme-token"}, {"other", "other-token"}};
	struct raw_client *all = &streams[0], *acme = &streams[1];

	(void)state;
	assert_int_equal(admin_set_tokens(rig.admin, tokens, 2), 0);
	listen_to(all, "");
	raw_open(acme, rig.loop, &rig.addr);
	raw_say(acme,
		"GET /v1/events HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer acme-token\r\n\r\n");
	UNTIL(rig.loop, raw_count(all, "retry: 2000\n") && raw_count(acme, "retry: 2000\n"));
	emit_of("other", 1);
	emit_of("", 2);
	emit_of("acm", 3);
	emit_of("acme", 4);
	UNTIL(rig.loop, raw_count(all, "\"n\":4}}\n\n") && raw_count(acme, "\"n\":4}}\n\n"));
	assert_int_equal(raw_count(all, "id: ev-"), 4);
	assert_int_equal(raw_count(acme, "id: ev-"), 1);
	assert_int_equal(admin_set_tokens(rig.admin, tokens + 1, 1), 0);
	UNTIL(rig.loop, acme->closed);
	emit_of("acme", 5);
	UNTIL(rig.loop, raw_count(all, "\"n\":5}}\n\n"));
	raw_close(all);
	raw_close(acme);
}

/* Nothing of it, as of one that nobody knows; the store is not even asked. */
static void test_a_foreign_receiver_is_not_there(void **state)
{
	static const struct admin_token token = {"acme", "acme-token"};
	static const char revive[] = "{\"receiver\":\"crm\"}";
	char headers[256];
	json_t *body;

	(void)state;
	assert_int_equal(admin_set_tokens(rig.admin, &token, 1), 0);
	rig_say("GET", "/v1/events/dead?receiver=crm", "Authorization: Bearer acme-token\r\n");
	assert_int_equal(rig_hear(&body), 200);
	assert_int_equal(json_array_size(json_object_get(body, "events")), 0);
	json_decref(body);
	snprintf(headers, sizeof(headers), "Authorization: Bearer acme-token\r\nContent-Length: %zu\r\n",
		sizeof(revive) - 1);
	rig_say("POST", "/v1/events/revive", headers);
	raw_say(&rig.client, revive);
	assert_int_equal(rig_hear(&body), 200);
	assert_int_equal(json_integer_value(json_object_get(body, "revived")), 0);
	json_decref(body);
	assert_string_equal(fake_store.receiver, "");
}

static void test_quiet_streams_get_a_heartbeat(void **state)
{
	(void)state;
	listen_to(&streams[0], "");
	UNTIL(rig.loop, raw_count(&streams[0], ": alive\n\n") >= 3);
	raw_close(&streams[0]);
	listen_to(&streams[1], ""); /* the timer starts anew with the next one */
	UNTIL(rig.loop, raw_count(&streams[1], ": alive\n\n") >= 2);
	raw_close(&streams[1]);
}

static void test_stream_that_does_not_read_is_cut(void **state)
{
	static char big[8000];
	const struct event_field f = {"text", FIELD_TEXT, big, 0};
	struct raw_client *slow = &streams[0], *good = &streams[1];

	(void)state;
	memset(big, 'x', sizeof(big) - 1);
	uint64_t cut = counter_sum(CNT_HTTP_STREAMS_CUT);
	listen_to(slow, "");
	listen_to(good, "?types=call.answered");
	UNTIL(rig.loop, raw_count(slow, "retry") && raw_count(good, "retry"));
	slow->watch = loop_unwatch(slow->watch);
	for (int i = 0; i < 3000; i++) {
		assert_int_equal(events_emit(events, "", "call.dtmf", "c-1", &f, 1), 0);
		if (i % 10 == 0)
			loop_step(rig.loop, 0);
	}
	emit("call.answered", 1);
	UNTIL(rig.loop, raw_count(good, "\"n\":1}}\n\n"));
	assert_int_equal(counter_sum(CNT_HTTP_STREAMS_CUT), cut + 1);
	raw_close(slow);
	raw_close(good);
}

static void test_too_many_streams(void **state)
{
	unsigned open = 0;

	(void)state;
	for (; open < 32; open++) {
		listen_to(&streams[open], "");
		UNTIL(rig.loop, raw_count(&streams[open], "retry"));
	}
	assert_int_equal(rig_ask("GET", "/v1/events", NULL), 503);
	raw_close(&streams[3]);
	loop_step(rig.loop, 50);
	listen_to(&streams[3], "");
	UNTIL(rig.loop, raw_count(&streams[3], "retry"));
	assert_int_equal(rig_ask("GET", "/v1/events?types=a,,b", NULL), 503); /* still full */
	rig.admin = admin_free(rig.admin);
	while (open--) {
		UNTIL(rig.loop, streams[open].closed);
		raw_close(&streams[open]);
	}
}

static void test_bad_types(void **state)
{
	static const char *const bad[] = {"types=,", "types=a,,b", "types=1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17"};
	char target[400];

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		snprintf(target, sizeof(target), "/v1/events?%s", bad[i]);
		assert_int_equal(rig_ask("GET", target, NULL), 400);
	}
	memset(target, 'a', sizeof(target) - 1);
	memcpy(target, "/v1/events?types=", 17);
	target[sizeof(target) - 1] = '\0';
	assert_int_equal(rig_ask("GET", target, NULL), 400);
}

static void test_dead_events(void **state)
{
	static const struct outbox_event dead[] = {
		{.seq = 7,
			.receiver = "crm",
			.id = "ev-1",
			.type = "call.ended",
			.body = "{\"id\":\"ev-1\"}",
			.created_ms = 1000,
			.attempts = 3,
			.error = "HTTP 410"},
	};
	json_t *body, *e;

	(void)state;
	fake_store.dead = dead;
	fake_store.dead_count = 1;
	rig_say("GET", "/v1/events/dead?receiver=crm", AUTH);
	UNTIL(rig.loop, *fake_store.receiver);
	assert_string_equal(fake_store.receiver, "crm");
	assert_int_equal(fake_store.limit, 100);
	fake_store_answer_dead();
	assert_int_equal(rig_hear(&body), 200);
	e = json_array_get(json_object_get(body, "events"), 0);
	assert_int_equal(json_integer_value(json_object_get(e, "seq")), 7);
	assert_string_equal(rig_text(e, "error"), "HTTP 410");
	assert_string_equal(rig_text(json_object_get(e, "event"), "id"), "ev-1");
	json_decref(body);
	assert_int_equal(rig_ask("GET", "/v1/events/dead", NULL), 400);
	assert_int_equal(rig_ask("GET", "/v1/events/dead?receiver=crm&limit=101", NULL), 400);

	memset(fake_store.receiver, 0, sizeof(fake_store.receiver));
	rig_say_body("POST", "/v1/events/revive", "", "{\"receiver\":\"crm\",\"seq\":7}");
	UNTIL(rig.loop, *fake_store.receiver);
	assert_int_equal(fake_store.revived_seq, 7);
	fake_store_answer_dead();
	assert_int_equal(rig_hear(&body), 200);
	assert_int_equal(json_integer_value(json_object_get(body, "revived")), 1);
	json_decref(body);
	assert_int_equal(rig_post("/v1/events/revive", "{\"seq\":7}", NULL), 400);
	assert_int_equal(rig_post("/v1/events/revive", "{\"receiver\":\"crm\",\"seq\":-7}", NULL), 400);
}

static void test_outbox_that_fails(void **state)
{
	(void)state;
	fake_store.refuse = -EAGAIN;
	assert_int_equal(rig_ask("GET", "/v1/events/dead?receiver=crm", NULL), 503);
	assert_int_equal(rig_post("/v1/events/revive", "{\"receiver\":\"crm\"}", NULL), 503);
	fake_store.refuse = 0;
	fake_store.fail_dead = -EIO;
	for (int i = 0; i < 2; i++) {
		memset(fake_store.receiver, 0, sizeof(fake_store.receiver));
		if (i == 0)
			rig_say("GET", "/v1/events/dead?receiver=crm", AUTH);
		else
			rig_say_body("POST", "/v1/events/revive", "", "{\"receiver\":\"crm\"}");
		UNTIL(rig.loop, *fake_store.receiver);
		fake_store_answer_dead();
		assert_int_equal(rig_hear(NULL), 503);
	}
	/* The interface has gone when the answer comes. */
	memset(fake_store.receiver, 0, sizeof(fake_store.receiver));
	rig_say_body("POST", "/v1/events/revive", "", "{\"receiver\":\"crm\"}");
	UNTIL(rig.loop, *fake_store.receiver);
	rig.admin = admin_free(rig.admin);
	fake_store.fail_dead = 0;
	fake_store_answer_dead();
	raw_close(&rig.client);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		T(test_events_are_streamed),
		T(test_a_tenant_hears_his_own),
		T(test_a_foreign_receiver_is_not_there),
		T(test_quiet_streams_get_a_heartbeat),
		T(test_stream_that_does_not_read_is_cut),
		T(test_too_many_streams),
		T(test_bad_types),
		T(test_dead_events),
		T(test_outbox_that_fails),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
