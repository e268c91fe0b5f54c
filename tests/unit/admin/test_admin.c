/* The admin interface over real HTTP on loopback; calls and the store are the test's. */
#include "admin/admin.h"

#include "lib/base/counter.h"
#include "lib/base/str.h"
#include "tests/support/oom.h"
#include "tests/unit/admin/admin_rig.h"
#include "tests/unit/admin/fake_store.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include "tests/unit/lib/http/until.h"

static void test_only_the_token_opens(void **state)
{
	(void)state;
	static const char *const wrong[] = {
		"",
		"Authorization: Bearer \r\n",
		"Authorization: Bearer wrong\r\n",
		"Authorization: Bearer " TOKEN "x\r\n",
		"Authorization: Bearer correct horse battery stapl\r\n",
		"Authorization: Basic Y29ycmVjdA==\r\n",
		"Authorization: " TOKEN "\r\n",
		"X-Authorization: Bearer " TOKEN "\r\n",
	};
	static const char *const targets[] = {
		"/v1/calls", "/v1/calls/c-1", "/v1/history", "/v1/counters", "/", "/nowhere", "/v1/calls/c-1/hangup"};
	uint64_t refused = counter_sum(CNT_ADMIN_BAD_TOKEN);

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		rig_say("GET", "/v1/calls", wrong[i]);
		assert_int_equal(rig_hear(NULL), 401);
		assert_int_equal(raw_count(&rig.client, "WWW-Authenticate: Bearer"), 1);
		assert_int_equal(raw_count(&rig.client, "application/problem+json"), 1);
	}
	for (size_t i = 0; i < sizeof(targets) / sizeof(targets[0]); i++) {
		rig_say("GET", targets[i], "");
		assert_int_equal(rig_hear(NULL), 401);
		rig_say("POST", targets[i], "Content-Length: 0\r\n");
		assert_int_equal(rig_hear(NULL), 401);
	}
	assert_string_equal(rig.hung_up, "");
	assert_int_equal(fake_store.asked_count, 0);
	assert_int_equal(counter_sum(CNT_ADMIN_BAD_TOKEN),
		refused + sizeof(wrong) / sizeof(wrong[0]) + 2 * sizeof(targets) / sizeof(targets[0]));
	assert_int_equal(rig_ask("GET", "/v1/calls", NULL), 200);
}

static void test_health_needs_no_token(void **state)
{
	(void)state;
	json_t *body;

	rig_say("GET", "/healthz", "");
	assert_int_equal(rig_hear(&body), 200);
	assert_string_equal(rig_text(body, "status"), "ok");
	assert_string_equal(rig_text(body, "version"), WATRUNK_VERSION);
	assert_int_equal(json_integer_value(json_object_get(body, "calls")), 2);
	json_decref(body);
}

static void test_paths_and_methods(void **state)
{
	(void)state;
	static const struct {
		const char *method, *target;
		unsigned status;
		const char *allow;
	} rows[] = {
		{"GET", "/", 404, NULL},
		{"GET", "/v1", 404, NULL},
		{"GET", "/v1/call", 404, NULL},
		{"GET", "/v1/callsx", 404, NULL},
		{"GET", "/v1/calls/", 404, NULL},
		{"GET", "/v1/calls//hangup", 404, NULL},
		{"GET", "/v1/calls/c-1/hangup/x", 404, NULL},
		{"GET", "/v1/calls/c-1/other", 404, NULL},
		{"POST", "/v1/calls/c-1/hangups", 404, NULL},
		{"POST", "/v1/calls//hangup", 404, NULL},
		{"POST", "/v1/calls/c-9/hangup", 404, NULL},
		{"POST", "/healthz", 405, "Allow: GET"},
		{"PUT", "/v1/calls", 405, "Allow: GET, POST"},
		{"DELETE", "/v1/calls/c-1", 405, "Allow: GET"},
		{"PUT", "/v1/history", 405, "Allow: GET"},
		{"POST", "/v1/counters", 405, "Allow: GET"},
		{"GET", "/v1/calls/c-1/hangup", 405, "Allow: POST"},
		{"DELETE", "/v1/nowhere", 404, NULL},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		rig_say(rows[i].method, rows[i].target, AUTH "Content-Length: 0\r\n");
		assert_int_equal(rig_hear(NULL), rows[i].status);
		assert_int_equal(raw_count(&rig.client, "Allow: "), rows[i].allow != NULL);
		if (rows[i].allow)
			assert_int_equal(raw_count(&rig.client, rows[i].allow), 1);
	}
	assert_string_equal(rig.hung_up, "");
}

static void test_live_calls(void **state)
{
	(void)state;
	json_t *body, *list;

	assert_int_equal(rig_ask("GET", "/v1/calls", &body), 200);
	list = json_object_get(body, "calls");
	assert_int_equal(json_array_size(list), 2);
	assert_string_equal(rig_text(json_array_get(list, 0), "user_name"), rig_two_calls[0].user_name);
	assert_int_equal(json_integer_value(json_object_get(json_array_get(list, 0), "answered_ms")), 3000);
	assert_true(json_is_null(json_object_get(json_array_get(list, 1), "user_name")));
	assert_true(json_is_null(json_object_get(json_array_get(list, 1), "wacid")));
	assert_true(json_is_null(json_object_get(json_array_get(list, 1), "started_ms")));
	json_decref(body);

	assert_int_equal(rig_ask("GET", "/v1/calls/c-2", &body), 200);
	assert_string_equal(rig_text(body, "id"), "c-2");
	json_decref(body);
	rig.call_count = 0;
	assert_int_equal(rig_ask("GET", "/v1/calls", &body), 200);
	assert_int_equal(json_array_size(json_object_get(body, "calls")), 0);
	json_decref(body);
}

static void test_hangup(void **state)
{
	(void)state;
	json_t *body;

	rig_say("POST", "/v1/calls/c-2/hangup", AUTH "Content-Length: 0\r\n");
	assert_int_equal(rig_hear(&body), 200);
	assert_string_equal(rig_text(body, "id"), "c-2");
	assert_true(json_is_true(json_object_get(body, "ended")));
	assert_string_equal(rig.hung_up, "c-2");
	json_decref(body);
}

static void test_counters(void **state)
{
	(void)state;
	json_t *body, *g;

	assert_int_equal(rig_ask("GET", "/v1/counters", &body), 200);
	for (int c = 0; c < CNT_COUNT; c++)
		assert_true(json_is_integer(json_object_get(body, counter_name((enum counter)c))));
	g = json_object_get(body, "gauges");
	assert_int_equal(json_object_size(g), 2);
	assert_int_equal(json_integer_value(json_object_get(g, "media_ports")), 1234567890123);
	g = json_array_get(json_object_get(body, "media_workers"), 1);
	assert_int_equal(json_integer_value(json_object_get(g, "calls")), 17);
	assert_int_equal(json_integer_value(json_object_get(g, "busy_percent")), 31);
	assert_int_equal(json_integer_value(json_object_get(g, "complexity")), 5);
	json_decref(body);
}

/* ---- what the store answers ---- */

static struct call_record *record(const char *id)
{
	struct call_record *r = call_record_new();

	assert_non_null(r);
	str_copy(r->id, sizeof(r->id), id);
	str_copy(r->user_name, sizeof(r->user_name), "broken \xc3");
	str_copy(r->cause, sizeof(r->cause), "normal");
	r->status = CALL_STATUS_COMPLETED;
	r->started_ms = 1700000000000;
	str_copy(r->accepted_on, sizeof(r->accepted_on), "answer");
	r->attempts = strdup("[{\"gateway\":\"pbx\",\"sip_code\":503,\"cause\":\"gateway_down\",\"ms\":7}]");
	return r;
}

static void test_one_call_of_the_log(void **state)
{
	(void)state;
	struct call_record *r = record("c-old");
	const struct call_record *const records[] = {r};
	json_t *body;

	rig_say("GET", "/v1/calls/c-old", AUTH);
	UNTIL(rig.loop, fake_store.asked_count == 1);
	assert_string_equal(fake_store.asked[0].id, "c-old");
	assert_int_equal(fake_store.asked[0].limit, 1);
	fake_store_answer(0, records, 1);
	assert_int_equal(rig_hear(&body), 200);
	assert_string_equal(rig_text(body, "id"), "c-old");
	assert_string_equal(rig_text(body, "status"), "completed");
	assert_true(json_is_null(json_object_get(body, "user_name")));
	assert_string_equal(rig_text(body, "accepted_on"), "answer");
	assert_true(json_is_null(json_object_get(body, "early_media")));
	assert_string_equal(rig_text(json_array_get(json_object_get(body, "attempts"), 0), "cause"), "gateway_down");
	assert_true(json_is_null(json_object_get(json_object_get(body, "wa_rx"), "mos")));
	json_decref(body);

	rig_say("GET", "/v1/calls/c-none", AUTH);
	UNTIL(rig.loop, fake_store.asked_count == 2);
	fake_store_answer(0, NULL, 0);
	assert_int_equal(rig_hear(NULL), 404);
	rig_say("GET", "/v1/calls/c-broken", AUTH);
	UNTIL(rig.loop, fake_store.asked_count == 3);
	fake_store_answer(-EIO, NULL, 0);
	assert_int_equal(rig_hear(NULL), 503);
	/* An id longer than any: not even asked for. */
	assert_int_equal(rig_ask("GET", "/v1/calls/c-0123456789012345678901234567890123456789", NULL), 404);
	assert_int_equal(
		rig_ask("GET", "/v1/calls/c-0123456789012345678901234567890123456789012345678901234567890123456789",
			NULL),
		404);
	assert_int_equal(fake_store.asked_count, 3);
	fake_store.refuse = -EAGAIN;
	assert_int_equal(rig_ask("GET", "/v1/history", NULL), 503);
	call_record_free(r);
}

static void test_history_query(void **state)
{
	(void)state;
	struct call_record *one = record("c-a"), *two = record("c-b");
	const struct call_record *const records[] = {one, two};
	const struct store_query *q = &fake_store.asked[0];
	json_t *body;

	rig_say("GET",
		"/v1/history?number=%2B1%20202%20555-0123&user=447700900123&status=missed&from=10&to=20&limit=1000&"
		"offset=7",
		AUTH);
	UNTIL(rig.loop, fake_store.asked_count == 1);
	assert_string_equal(q->number, "+12025550123");
	assert_string_equal(q->user_number, "+447700900123");
	assert_string_equal(q->status, "missed");
	assert_true(q->from_ms == 10 && q->to_ms == 20 && q->limit == 1000 && q->offset == 7);
	assert_string_equal(q->id, "");
	fake_store_answer(0, records, 2);
	assert_int_equal(rig_hear(&body), 200);
	assert_int_equal(json_array_size(json_object_get(body, "records")), 2);
	json_decref(body);

	rig_say("GET", "/v1/history?number=&user=", AUTH); /* empty: as if not given */
	UNTIL(rig.loop, fake_store.asked_count == 2);
	assert_string_equal(fake_store.asked[1].number, "");
	assert_int_equal(fake_store.asked[1].limit, 0);
	fake_store_answer(0, NULL, 0);
	assert_int_equal(rig_hear(&body), 200);
	assert_int_equal(json_array_size(json_object_get(body, "records")), 0);
	json_decref(body);
	call_record_free(one);
	call_record_free(two);
}

static void test_history_in_pages(void **state)
{
	struct call_record *one = record("c-a"), *two = record("c-b");
	const struct call_record *const records[] = {one, two};
	char target[400];
	json_t *body;

	(void)state;
	rig_say("GET", "/v1/history?limit=2&direction=outbound&gateway=pbx", AUTH);
	UNTIL(rig.loop, fake_store.asked_count == 1);
	assert_string_equal(fake_store.asked[0].direction, "outbound");
	assert_string_equal(fake_store.asked[0].gateway, "pbx");
	assert_true(fake_store.asked[0].after_started_ms == 0);
	fake_store_answer(0, records, 2);
	assert_int_equal(rig_hear(&body), 200);
	snprintf(target, sizeof(target), "/v1/history?limit=2&cursor=%s", rig_text(body, "next"));
	json_decref(body);
	rig_say("GET", target, AUTH);
	UNTIL(rig.loop, fake_store.asked_count == 2);
	assert_true(fake_store.asked[1].after_started_ms == 1700000000000);
	assert_string_equal(fake_store.asked[1].after_id, "c-b");
	fake_store_answer(0, records, 1); /* fewer than asked for: the end */
	assert_int_equal(rig_hear(&body), 200);
	assert_true(json_is_null(json_object_get(body, "next")));
	json_decref(body);
	call_record_free(one);
	call_record_free(two);
}

static void test_bad_history_queries(void **state)
{
	(void)state;
	static const char *const bad[] = {
		"number=abc",
		"number=%2B",
		"number=12025550123123456789012345",
		"user=%27%20OR%201%3D1",
		"user=%FF%FE",
		"status=",
		"status=ended",
		"status=completed%27--",
		"from=yesterday",
		"from=-1",
		"from=1e3",
		"to=99999999999999999999999",
		"to=18446744073709551615",
		"limit=1001",
		"limit=-5",
		"limit=ten",
		"limit=0x10",
		"limit=",
		"offset=4294967296",
		"offset=%200",
		"direction=up",
		"direction=",
		"gateway=0123456789012345678901234567890123456789012345678901234567890123456789",
		"cursor=x",
		"limit=1&staus=failed", /* without a word it showed everything */
		"user=1&lim=5",
		"=1",
		"cursor=",
		"cursor=MQpjCg&limit=1",
		"offset=1&cursor=MQoxCmMtMQ",
	};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		char target[200];
		json_t *body;
		snprintf(target, sizeof(target), "/v1/history?%s", bad[i]);
		assert_int_equal(rig_ask("GET", target, &body), 400);
		assert_string_equal(rig_text(body, "type"), "/problems/bad-request");
		assert_string_equal(rig_text(body, "instance"), "/v1/history");
		assert_int_equal(json_integer_value(json_object_get(body, "status")), 400);
		json_decref(body);
	}
	assert_int_equal(fake_store.asked_count, 0);
}

static void test_client_gone_while_the_store_answers(void **state)
{
	(void)state;
	struct call_record *r = record("c-old");
	const struct call_record *const records[] = {r};
	json_t *body;

	rig_say("GET", "/v1/history", AUTH);
	UNTIL(rig.loop, fake_store.asked_count == 1);
	raw_close(&rig.client);
	for (int i = 0; i < 20; i++)
		loop_step(rig.loop, 5);
	rig_say("GET", "/v1/history", AUTH);
	UNTIL(rig.loop, fake_store.asked_count == 2);
	fake_store_answer(0, records, 1);
	fake_store_answer(0, NULL, 0);
	assert_int_equal(rig_hear(&body), 200);
	assert_int_equal(json_array_size(json_object_get(body, "records")), 0);
	json_decref(body);
	call_record_free(r);
}

static void test_admin_gone_while_the_store_answers(void **state)
{
	(void)state;

	for (unsigned i = 1; i <= 3; i++) {
		static struct raw_client clients[3];
		raw_open(&clients[i - 1], rig.loop, &rig.addr);
		raw_say(&clients[i - 1], "GET /v1/history HTTP/1.1\r\nHost: x\r\n" AUTH "\r\n");
		UNTIL(rig.loop, fake_store.asked_count == i);
		if (i == 3) {
			raw_close(&clients[1]);
			fake_store_answer(0, NULL, 0);
			rig.admin = admin_free(rig.admin);
			fake_store_answer(0, NULL, 0);
			fake_store_answer(-ECANCELED, NULL, 0);
			raw_close(&clients[0]);
			raw_close(&clients[2]);
		}
	}
	assert_null(admin_free(NULL));
}

static void test_every_allocation_fails_once(void **state)
{
	(void)state;
	const struct admin_conf c = rig_conf();

	for (unsigned n = 1; oom_next(n); n++) {
		struct admin *a = NULL;
		int r = admin_new(rig.loop, &c, &a);
		oom_off();
		assert_true(r == 0 ? a != NULL : r == -ENOMEM && !a);
		admin_free(a);
	}
	/* While a request is served: a refusal or a dropped connection, never a wrong answer. */
	bool failed = true;
	for (unsigned n = 1; failed; n++) {
		unsigned asked = fake_store.asked_count = fake_store.answered_count = 0;
		rig_say("GET", "/v1/history", AUTH);
		oom_fail_nth(n);
		for (int i = 0; i < 400 && !rig.client.closed && fake_store.asked_count == asked; i++)
			loop_step(rig.loop, 5);
		if (fake_store.asked_count > asked)
			fake_store_answer(0, NULL, 0);
		for (int i = 0; i < 400 && !rig.client.closed; i++)
			loop_step(rig.loop, 5);
		failed = oom_off();
		rig.client.heard[rig.client.length] = '\0';
		assert_true(rig.client.closed);
		assert_true(rig.client.length == 0 || raw_count(&rig.client, "HTTP/1.1 503") ||
			    raw_count(&rig.client, " 500 ") || raw_count(&rig.client, "\"records\":[]"));
		raw_close(&rig.client);
	}
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, rig_up, rig_down)
	const struct CMUnitTest tests[] = {
		T(test_only_the_token_opens),
		T(test_health_needs_no_token),
		T(test_paths_and_methods),
		T(test_live_calls),
		T(test_hangup),
		T(test_counters),
		T(test_one_call_of_the_log),
		T(test_history_query),
		T(test_history_in_pages),
		T(test_bad_history_queries),
		T(test_client_gone_while_the_store_answers),
		T(test_admin_gone_while_the_store_answers),
		T(test_every_allocation_fails_once),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
