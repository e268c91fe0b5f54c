/* Events through the real outbox: what a receiver has not taken survives the end of the program. */
#include "events/events.h"

#include "lib/base/counter.h"
#include "lib/base/str.h"
#include "store/outbox.h"
#include "store/store.h"
#include "tests/unit/events/event_rig.h"
#include "tests/unit/store/temp_dir.h"

#include <stdio.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include "tests/unit/lib/http/until.h"

static struct {
	struct loop *loop;
	struct http_client *http;
	struct store *store;
	struct events *events;
	struct temp_dir dir;
} m;
static struct hook hook;

static void begin(void)
{
	const struct http_client_conf client = {0};
	const struct events_receiver receiver = {.name = "crm", .url = hook.url};
	const struct events_conf conf = {.source = "watrunk/test",
		.receivers = &receiver,
		.receiver_count = 1,
		.retry_first_ms = 20,
		.retry_max_ms = 80};
	char why[256] = "";

	assert_int_equal(http_client_new(m.loop, &client, &m.http), 0);
	assert_int_equal(store_open(m.loop, m.dir.url, &m.store, why, sizeof(why)), 0);
	assert_int_equal(events_new(m.loop, m.http, m.store, &conf, &m.events), 0);
}

static void end(void)
{
	m.events = events_free(m.events);
	m.http = http_client_free(m.http);
	m.store = store_close(m.store);
}

static int set_up(void **state)
{
	(void)state;
	memset(&m, 0, sizeof(m));
	assert_int_equal(loop_new(&m.loop), 0);
	hook_up(&hook, m.loop);
	temp_dir_make(&m.dir);
	begin();
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	end();
	hook_done(&hook);
	loop_free(m.loop);
	temp_dir_remove(&m.dir);
	return 0;
}

static void emit(int n)
{
	const struct event_field f = {"n", FIELD_INT, NULL, n};
	char subject[16];

	snprintf(subject, sizeof(subject), "c-%d", n % 7);
	assert_int_equal(events_emit(m.events, "", "call.answered", subject, &f, 1), 0);
}

static bool has_all(int count)
{
	for (int n = 0; n < count; n++) {
		bool seen = false;
		for (size_t i = 0; i < hook.got_count; i++)
			seen |= hook.got[i].n == n;
		if (!seen)
			return false;
	}
	return true;
}

static void assert_in_order(void)
{
	for (size_t i = 0; i < hook.got_count; i++) {
		for (size_t j = i + 1; j < hook.got_count; j++)
			assert_true(strcmp(hook.got[i].subject, hook.got[j].subject) != 0 ||
				    hook.got[i].n <= hook.got[j].n);
	}
}

static void test_nothing_is_lost_through_failures_and_restarts(void **state)
{
	uint64_t failed = counter_sum(CNT_EVENTS_FAILED);
	int n = 0;

	(void)state;
	while (n < 40)
		emit(n++);
	UNTIL(m.loop, has_all(40));
	hook_down(&hook);
	while (n < 100)
		emit(n++);
	UNTIL(m.loop, counter_sum(CNT_EVENTS_FAILED) >= failed + 2);
	end();
	begin(); /* the receiver is still down */
	while (n < 140)
		emit(n++);
	UNTIL(m.loop, counter_sum(CNT_EVENTS_FAILED) >= failed + 4);
	hook_again(&hook);
	UNTIL_WITHIN(m.loop, has_all(140), 30000);
	assert_in_order();
	UNTIL(m.loop, events_pending(m.events) == 0);
	end();
	size_t got = hook.got_count;
	begin(); /* nothing was left over */
	emit(n++);
	UNTIL(m.loop, has_all(n));
	assert_int_equal(hook.got_count, got + 1);
}

struct dead_list {
	bool answered;
	size_t count;
	char error[128];
};

static void on_dead(int status, const struct outbox_event *events, size_t count, uint64_t next_due_ms, void *arg)
{
	struct dead_list *d = arg;

	(void)next_due_ms;
	assert_int_equal(status, 0);
	d->answered = true;
	d->count = count;
	if (count)
		str_copy(d->error, sizeof(d->error), events[0].error);
}

static void on_revived(int status, size_t count, void *arg)
{
	assert_int_equal(status, 0);
	*(size_t *)arg = count;
}

static void test_dead_events_come_back(void **state)
{
	struct dead_list d = {0};
	size_t revived = 0;

	(void)state;
	hook.status = 410;
	emit(0);
	emit(1);
	UNTIL(m.loop, hook.got_count == 2);
	loop_step(m.loop, 50);
	assert_int_equal(store_dead_events(m.store, "crm", 10, on_dead, &d), 0);
	UNTIL(m.loop, d.answered);
	assert_int_equal(d.count, 2);
	assert_string_equal(d.error, "HTTP 410");
	hook.status = 204;
	assert_int_equal(store_revive_events(m.store, "crm", 0, on_revived, &revived), 0);
	UNTIL(m.loop, revived == 2);
	events_kick(m.events);
	UNTIL(m.loop, hook.got_count == 4);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		T(test_nothing_is_lost_through_failures_and_restarts),
		T(test_dead_events_come_back),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
