/* Events to real receivers on loopback. Nothing here asserts how long something took: tests wait for what must happen,
 * and look at the order in which it did. */
#include "events/events.h"

#include "lib/base/counter.h"
#include "lib/base/crypto.h"
#include "lib/base/str.h"
#include "tests/support/oom.h"
#include "tests/unit/events/event_rig.h"
#include "tests/unit/events/fake_outbox.h"
#include "tests/unit/events/test_cloud_event.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include "tests/unit/lib/http/until.h"

static struct {
	struct loop *loop;
	struct http_client *http;
	struct events *events;
	unsigned faults, repairs;
	char fault[128];
} m;
static struct hook one, two;

static void on_fault(const char *receiver, const char *what, void *arg)
{
	assert_ptr_equal(arg, &m);
	assert_true(strcmp(receiver, "one") == 0 || strcmp(receiver, "two") == 0);
	if (what)
		m.faults++;
	else
		m.repairs++;
	if (what)
		str_copy(m.fault, sizeof(m.fault), what);
}

static struct events_conf quick(const struct events_receiver *receivers, size_t count)
{
	return (struct events_conf){.source = "watrunk/test",
		.receivers = receivers,
		.receiver_count = count,
		.retry_first_ms = 20,
		.retry_max_ms = 80,
		.on_fault = on_fault,
		.arg = &m};
}

static void start_with(const struct events_conf *conf)
{
	assert_int_equal(events_new(m.loop, m.http, (struct store *)&m, conf, &m.events), 0);
}

static void start(void)
{
	const struct events_receiver r = {.name = "one", .url = one.url, .secret = "s3cret"};
	const struct events_conf conf = quick(&r, 1);

	start_with(&conf);
}

static int set_up(void **state)
{
	const struct http_client_conf conf = {0};

	(void)state;
	memset(&m, 0, sizeof(m));
	assert_int_equal(loop_new(&m.loop), 0);
	assert_int_equal(http_client_new(m.loop, &conf, &m.http), 0);
	fake_outbox_reset(m.loop);
	hook_up(&one, m.loop);
	hook_up(&two, m.loop);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	events_free(m.events);
	http_client_free(m.http);
	fake_outbox_done();
	hook_done(&one);
	hook_done(&two);
	loop_free(m.loop);
	return 0;
}

static void emit(const char *type, const char *subject, int64_t n)
{
	const struct event_field f = {"n", FIELD_INT, NULL, n};

	assert_int_equal(events_emit(m.events, "", type, subject, &f, 1), 0);
}

/* Every n from 0 to count - 1 was taken; for a subject in order. */
static void assert_all_in_order(const struct hook *h, size_t count)
{
	for (size_t i = 0; i < h->got_count; i++) {
		for (size_t j = i + 1; j < h->got_count; j++) {
			if (strcmp(h->got[i].subject, h->got[j].subject) == 0)
				assert_true(h->got[i].n <= h->got[j].n);
		}
	}
	for (size_t n = 0; n < count; n++) {
		bool seen = false;
		for (size_t i = 0; i < h->got_count; i++)
			seen |= h->got[i].n == (int64_t)n;
		assert_true(seen);
	}
}

static void test_event_arrives_signed(void **state)
{
	char t[24], v[72], text[512], hex[65];
	uint8_t mac[32];

	(void)state;
	start();
	emit("call.answered", "c-1", 7);
	UNTIL(m.loop, fake_outbox_count(ROW_DELIVERED) == 1);
	assert_int_equal(one.got_count, 1);
	assert_string_equal(one.got[0].type, "com.watrunk.call.answered");
	assert_string_equal(one.got[0].subject, "c-1");
	assert_string_equal(one.got[0].id, fake_outbox.rows[0].e.id);
	assert_string_equal(one.got[0].content_type, "application/cloudevents+json; charset=utf-8");
	assert_int_equal(sscanf(one.got[0].signature, "t=%20[0-9],v1=%64[0-9a-f]", t, v), 2);
	snprintf(text, sizeof(text), "%s.%s", t, one.got[0].body);
	crypto_hmac_sha256("s3cret", 6, text, strlen(text), mac);
	str_hex(hex, mac, sizeof(mac));
	assert_string_equal(v, hex);
	assert_int_equal(m.faults, 0);
	assert_int_equal(events_pending(m.events), 0);
}

static void test_each_receiver_gets_what_it_wants(void **state)
{
	static const char *const types[] = {"permission.*", "call.ended"};
	const struct events_receiver r[] = {
		{.name = "one", .url = one.url}, {.name = "two", .url = two.url, .types = types, .type_count = 2}};
	const struct events_conf conf = quick(r, 2);

	(void)state;
	start_with(&conf);
	emit("call.answered", "c-1", 0);
	emit("call.ended", "c-1", 1);
	emit("permission.granted", "+447700900123", 2);
	UNTIL(m.loop, fake_outbox_count(ROW_DELIVERED) == 5);
	assert_int_equal(one.got_count, 3);
	assert_int_equal(two.got_count, 2);
	assert_string_equal(one.got[0].signature, ""); /* no secret */
	for (size_t i = 0; i < 3; i++)                 /* the same id for all */
		assert_true(strcmp(one.got[i].id, two.got[0].id) != 0 || one.got[i].n == two.got[0].n);
}

static void test_receiver_that_was_dead_loses_nothing(void **state)
{
	uint64_t failed = counter_sum(CNT_EVENTS_FAILED);
	char subject[16];

	(void)state;
	start();
	hook_down(&one);
	for (int i = 0; i < 300; i++) {
		snprintf(subject, sizeof(subject), "c-%d", i % 20);
		emit("call.answered", subject, i);
		if (i % 50 == 0)
			loop_step(m.loop, 5);
	}
	UNTIL(m.loop, counter_sum(CNT_EVENTS_FAILED) >= failed + 4);
	assert_int_equal(m.faults, 1);
	assert_int_equal(fake_outbox_count(ROW_WAITING), 300);
	hook_again(&one);
	UNTIL(m.loop, fake_outbox_count(ROW_DELIVERED) == 300);
	assert_all_in_order(&one, 300);
	assert_int_equal(one.got_count, 300); /* none twice: they were never taken before */
	assert_int_equal(m.faults, 1);
	assert_int_equal(m.repairs, 1);
}

static void test_order_of_a_subject_holds_through_failures(void **state)
{
	(void)state;
	start();
	one.bad_n = 3;
	one.bad_n_status = 500;
	for (int i = 0; i < 10; i++)
		emit("call.dtmf", i % 2 ? "c-odd" : "c-even", i);
	UNTIL(m.loop, fake_outbox_count(ROW_DELIVERED) == 6 && fake_outbox.rows[3].e.attempts >= 2);
	assert_int_equal(fake_outbox.rows[5].state, ROW_WAITING); /* waits behind 3 */
	assert_string_equal(fake_outbox.rows[3].e.error, "HTTP 500");
	one.bad_n = -1;
	UNTIL(m.loop, fake_outbox_count(ROW_DELIVERED) == 10);
	assert_all_in_order(&one, 10);
}

static void test_slow_receiver_blocks_nobody(void **state)
{
	const struct events_receiver r[] = {{.name = "one", .url = one.url}, {.name = "two", .url = two.url}};
	struct events_conf conf = quick(r, 2);
	char subject[16];

	(void)state;
	conf.timeout_ms = 60000;
	start_with(&conf);
	one.status = 0;
	for (int i = 0; i < 40; i++) {
		snprintf(subject, sizeof(subject), "c-%d", i / 2);
		emit("call.answered", subject, i);
	}
	UNTIL(m.loop, fake_outbox_count(ROW_DELIVERED) == 40 && one.held_count == 8);
	assert_int_equal(two.got_count, 40);
	assert_int_equal(events_pending(m.events), 8);
	while (fake_outbox_count(ROW_DELIVERED) < 80) {
		hook_answer_held(&one, 200);
		UNTIL(m.loop, one.held_count > 0 || fake_outbox_count(ROW_DELIVERED) == 80);
	}
	assert_int_equal(one.held_max, 8); /* never more at a time */
	assert_all_in_order(&one, 40);
	assert_int_equal(one.got_count, 40);
}

static void test_answers_decide(void **state)
{
	static const struct {
		unsigned status;
		enum fake_row_state state;
	} rows[] = {
		{200, ROW_DELIVERED},
		{204, ROW_DELIVERED},
		{302, ROW_WAITING},
		{400, ROW_DEAD},
		{401, ROW_DEAD},
		{404, ROW_DEAD},
		{408, ROW_WAITING},
		{409, ROW_WAITING},
		{410, ROW_DEAD},
		{425, ROW_WAITING},
		{429, ROW_WAITING},
		{500, ROW_WAITING},
		{503, ROW_WAITING},
	};
	(void)state;
	start();
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		one.status = rows[i].status;
		emit("call.answered", "", (int64_t)i);
		UNTIL(m.loop, fake_outbox.rows[i].state == rows[i].state &&
				      (rows[i].state != ROW_WAITING || fake_outbox.rows[i].e.attempts >= 2));
		one.status = 204;
		UNTIL(m.loop, fake_outbox_count(ROW_WAITING) == 0);
		if (rows[i].state == ROW_DEAD) {
			char error[32];
			snprintf(error, sizeof(error), "HTTP %u", rows[i].status);
			assert_string_equal(fake_outbox.rows[i].e.error, error);
		}
	}
}

static void test_too_old_is_dead(void **state)
{
	(void)state;
	start();
	one.status = 500;
	emit("call.answered", "c-1", 0);
	UNTIL(m.loop, fake_outbox.rows[0].e.attempts >= 1);
	fake_outbox.rows[0].e.created_ms -= (uint64_t)86401 * 1000;
	UNTIL(m.loop, fake_outbox.rows[0].state == ROW_DEAD);

	/* Many too old ones behind a receiver that does not answer: not each of them waits for its own attempt. */
	hook_down(&one);
	for (int i = 1; i <= 50; i++) {
		emit("call.answered", "", i);
		fake_outbox.rows[i].e.created_ms -= (uint64_t)86401 * 1000;
	}
	UNTIL(m.loop, fake_outbox_count(ROW_DEAD) == 51);
}

static void test_what_a_previous_run_left_goes_out_first(void **state)
{
	struct outbox_event e = {.receiver = "one", .id = "ev-old", .subject = "c-1", .type = "call.received"};

	(void)state;
	e.body = "{\"id\":\"ev-old\",\"subject\":\"c-1\",\"data\":{\"n\":0}}";
	assert_int_equal(store_put_event(NULL, &e), 0);
	start();
	emit("call.answered", "c-1", 1);
	UNTIL(m.loop, fake_outbox_count(ROW_DELIVERED) == 2);
	assert_string_equal(one.got[0].id, "ev-old");
	assert_all_in_order(&one, 2);
}

static void test_kick_ends_a_pause(void **state)
{
	const struct events_receiver r = {.name = "one", .url = one.url};
	struct events_conf conf = quick(&r, 1);

	(void)state;
	conf.retry_first_ms = conf.retry_max_ms = 3600000;
	start_with(&conf);
	one.status = 503;
	one.retry_after = "Retry-After: 999999";
	emit("call.answered", "", 0);
	UNTIL(m.loop, m.faults == 1);
	one.status = 204;
	emit("call.answered", "", 1);
	loop_step(m.loop, 20);
	assert_int_equal(one.got_count, 1); /* paused as a whole */
	fake_outbox.rows[0].e.next_ms = 0;
	events_kick(m.events);
	UNTIL(m.loop, fake_outbox_count(ROW_DELIVERED) == 2);
	assert_int_equal(m.repairs, 1);
}

static void test_store_that_refuses_is_asked_again(void **state)
{
	(void)state;
	start();
	UNTIL(m.loop, fake_outbox.asked == 1);
	loop_step(m.loop, 1);
	fake_outbox.refuse_asks = -EAGAIN;
	emit("call.answered", "c-1", 0);
	fake_outbox.refuse_asks = 0;
	UNTIL(m.loop, fake_outbox_count(ROW_DELIVERED) == 1);
	/* The answer cannot be written down: the event is not sent again meanwhile. */
	fake_outbox.refuse_tells = -EAGAIN;
	emit("call.answered", "c-1", 1);
	emit("call.answered", "c-2", 2);
	UNTIL(m.loop, one.got_count == 3);
	emit("call.answered", "c-3", 3);
	UNTIL(m.loop, one.got_count == 4);
	fake_outbox.refuse_tells = 0;
	UNTIL(m.loop, fake_outbox_count(ROW_DELIVERED) == 4);
	fake_outbox.fail_asks = -EIO;
	emit("call.answered", "c-1", 4);
	loop_step(m.loop, 10);
	fake_outbox.fail_asks = 0;
	UNTIL(m.loop, fake_outbox_count(ROW_DELIVERED) == 5);
	assert_int_equal(one.got_count, 5);
}

static void test_answer_that_crosses_a_question_is_not_sent_twice(void **state)
{
	(void)state;
	start();
	one.status = 0;
	emit("call.answered", "c-1", 0);
	UNTIL(m.loop, one.held_count == 1);
	fake_outbox.hold = true;
	emit("call.answered", "c-1", 1); /* asks, and sees event 0 still waiting */
	hook_answer_held(&one, 200);
	UNTIL(m.loop, fake_outbox_count(ROW_DELIVERED) == 1);
	fake_outbox.hold = false;
	fake_outbox_answer();
	one.status = 204;
	UNTIL(m.loop, fake_outbox_count(ROW_DELIVERED) == 2);
	assert_int_equal(one.got_count, 2);
}

static void test_bad_url_is_a_fault(void **state)
{
	const struct events_receiver r = {.name = "one", .url = "not a url"};
	const struct events_conf conf = quick(&r, 1);

	(void)state;
	start_with(&conf);
	emit("call.answered", "c-1", 0);
	UNTIL(m.loop, m.faults == 1 && fake_outbox.rows[0].e.attempts >= 1);
}

static void test_gone_with_everything_under_way(void **state)
{
	(void)state;
	start();
	one.status = 0;
	emit("call.answered", "c-1", 0);
	UNTIL(m.loop, one.held_count == 1);
	fake_outbox.hold = true;
	emit("call.answered", "c-2", 1);
	m.events = events_free(m.events);
	fake_outbox_answer();
	assert_int_equal(fake_outbox_count(ROW_WAITING), 2);
	assert_null(events_free(NULL));
}

static void test_emit_refuses_what_does_not_fit(void **state)
{
	static char big[OUTBOX_BODY_MAX];
	const struct event_field f = {"text", FIELD_TEXT, big, 0};
	char subject[80];

	(void)state;
	start();
	memset(big, 'x', sizeof(big) - 1);
	assert_int_equal(events_emit(m.events, "", "call.answered", "c-1", &f, 1), -EINVAL);
	memset(subject, 's', sizeof(subject) - 1);
	subject[sizeof(subject) - 1] = '\0';
	assert_int_equal(events_emit(m.events, "", "call.answered", subject, NULL, 0), -EINVAL);
	assert_int_equal(events_emit(m.events, "", subject, "c-1", NULL, 0), -EINVAL);
	assert_int_equal(fake_outbox.count, 0);
}

/* ---- listeners ---- */

static struct {
	unsigned heard;
	char last[80];
	struct events_listener *self, *other;
} ear;

static void on_event(const char *id, const char *tenant, const char *type, const char *json, void *arg)
{
	assert_true(strstr(json, id) != NULL);
	assert_string_equal(tenant, "");
	ear.heard++;
	snprintf(ear.last, sizeof(ear.last), "%s %s", type, (const char *)arg);
}

static void on_event_once(const char *id, const char *tenant, const char *type, const char *json, void *arg)
{
	on_event(id, tenant, type, json, arg);
	ear.self = events_unlisten(ear.self);
	ear.other = events_unlisten(ear.other);
	ear.self = events_listen(m.events, on_event, "new");
}

static void test_listeners(void **state)
{
	struct events_listener *many[64];

	(void)state;
	memset(&ear, 0, sizeof(ear));
	start();
	ear.other = events_listen(m.events, on_event, "other");
	ear.self = events_listen(m.events, on_event_once, "self");
	emit("call.answered", "c-1", 0);
	assert_int_equal(ear.heard, 1); /* the one taken out within it hears nothing, nor does the new one */
	assert_string_equal(ear.last, "call.answered self");
	emit("call.ended", "c-1", 1);
	assert_int_equal(ear.heard, 2);
	assert_string_equal(ear.last, "call.ended new");
	ear.self = events_unlisten(ear.self);
	emit("call.ended", "c-1", 2);
	assert_int_equal(ear.heard, 2);
	for (size_t i = 0; i < 64; i++)
		assert_non_null(many[i] = events_listen(m.events, on_event, ""));
	assert_null(events_listen(m.events, on_event, ""));
	events_unlisten(many[5]);
	assert_non_null(many[5] = events_listen(m.events, on_event, ""));
	assert_null(events_unlisten(NULL));
}

static void test_every_allocation_fails_once(void **state)
{
	static const char *const types[] = {"call.*", "permission.*"};
	const struct events_receiver r[] = {{.name = "one", .url = one.url, .secret = "s"},
		{.name = "two", .url = two.url, .types = types, .type_count = 2}};
	const struct events_conf conf = quick(r, 2);

	(void)state;
	for (unsigned n = 1; oom_next(n); n++) {
		struct events *e = NULL;
		int result = events_new(m.loop, m.http, NULL, &conf, &e);
		oom_off();
		assert_true(result == 0 ? e != NULL : result == -ENOMEM && !e);
		events_free(e);
		loop_step(m.loop, 1);
	}
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_event_is_cloud_events_json),
		cmocka_unit_test(test_hostile_text_stays_json),
		cmocka_unit_test(test_what_does_not_fit_is_refused),
		cmocka_unit_test(test_times),
		cmocka_unit_test(test_signature_is_hmac_over_time_and_body),
		cmocka_unit_test(test_patterns),
		T(test_event_arrives_signed),
		T(test_each_receiver_gets_what_it_wants),
		T(test_receiver_that_was_dead_loses_nothing),
		T(test_order_of_a_subject_holds_through_failures),
		T(test_slow_receiver_blocks_nobody),
		T(test_answers_decide),
		T(test_too_old_is_dead),
		T(test_what_a_previous_run_left_goes_out_first),
		T(test_kick_ends_a_pause),
		T(test_store_that_refuses_is_asked_again),
		T(test_answer_that_crosses_a_question_is_not_sent_twice),
		T(test_bad_url_is_a_fault),
		T(test_gone_with_everything_under_way),
		T(test_emit_refuses_what_does_not_fit),
		T(test_listeners),
		T(test_every_allocation_fails_once),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
