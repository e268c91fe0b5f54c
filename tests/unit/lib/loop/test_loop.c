/* tests/unit/lib/loop/test_loop.c */
#include "lib/loop/loop.h"

#include "lib/base/clock.h"
#include "lib/base/counter.h"
#include "lib/base/mailbox.h"
#include "lib/base/thread.h"
#include "lib/loop/loop_su.h"
#include "tests/support/oom.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

enum { DEADLINE_MS = 10000 };

static struct loop *l;
static char trace[256]; /* what happened, one letter each */

static void note(char c)
{
	size_t n = strlen(trace);
	assert_true(n + 1 < sizeof(trace));
	trace[n] = c;
	trace[n + 1] = '\0';
}

static void note_arg(void *arg)
{
	note(*(const char *)arg);
}

static void stop(void *arg)
{
	(void)arg;
	loop_stop(l);
}

static int set_up(void **state)
{
	(void)state;
	trace[0] = '\0';
	return loop_new(&l);
}

static int tear_down(void **state)
{
	(void)state;
	l = loop_free(l);
	return 0;
}

/* Runs until loop_stop() or fails. */
static void run(void)
{
	struct loop_timer deadline = {0};
	uint64_t end_us = clock_mono_us() + DEADLINE_MS * 1000u;

	assert_int_equal(loop_timer_set(l, &deadline, end_us, stop, NULL), 0);
	loop_run(l);
	assert_true(clock_mono_us() < end_us);
	loop_timer_cancel(&deadline);
}

static void run_ms(unsigned ms)
{
	struct loop_timer t = {0};
	loop_timer_set(l, &t, clock_mono_us() + ms * 1000u, stop, NULL);
	run();
	/* On a machine so busy that the time was over before the first poll: what was ready then. */
	for (int i = 0; i < 4; i++)
		loop_step(l, 0);
}

/* ---- timers ---- */

static void timers_fire_in_order(void **state)
{
	struct loop_timer a = {0}, b = {0}, c = {0}, d = {0}, end = {0};
	uint64_t now = loop_now_us(l);

	(void)state;
	loop_timer_set(l, &c, now + 3000, note_arg, "c");
	loop_timer_set(l, &a, now + 1000, note_arg, "a");
	loop_timer_set(l, &b, now + 1000, note_arg, "b"); /* equal times: in order of arming */
	loop_timer_set(l, &d, 0, note_arg, "d");          /* long past: at once */
	loop_timer_set(l, &end, now + 4000, stop, NULL);
	assert_ptr_equal(a.loop, l);
	run();
	assert_string_equal(trace, "dabc");
	assert_null(a.loop);
	assert_true(clock_mono_us() >= now + 4000);
}

struct punctual {
	uint64_t due_us;
	int64_t late_us;
};

static void measure(void *arg)
{
	struct punctual *p = arg;
	p->late_us = (int64_t)(loop_now_us(l) - p->due_us);
	loop_stop(l);
}

/* Never early; the best of twenty within a millisecond even on a busy machine. */
static void millisecond_resolution(void **state)
{
	int64_t best_us = INT64_MAX;

	(void)state;
	for (int i = 0; i < 20; i++) {
		struct loop_timer t = {0};
		struct punctual p = {.due_us = clock_mono_us() + 3000 + (uint64_t)i * 37};
		loop_timer_set(l, &t, p.due_us, measure, &p);
		run();
		assert_true(p.late_us >= 0);
		best_us = p.late_us < best_us ? p.late_us : best_us;
	}
	assert_in_range(best_us, 0, 1000);
}

static void cancelled_and_moved(void **state)
{
	struct loop_timer a = {0}, b = {0}, c = {0}, idle = {0};
	uint64_t now = loop_now_us(l);

	(void)state;
	loop_timer_set(l, &a, now + 1000, note_arg, "a");
	loop_timer_set(l, &b, now + 1000, note_arg, "b");
	loop_timer_set(l, &c, now + 2000, note_arg, "c");
	loop_timer_cancel(&a);
	loop_timer_cancel(&a);
	loop_timer_cancel(&idle);
	loop_timer_set(l, &b, now + 5000, note_arg, "B"); /* later */
	loop_timer_set(l, &c, now + 4000, note_arg, "C");
	loop_timer_set(l, &c, now + 1000, note_arg, "C"); /* and earlier again */
	run_ms(10);
	assert_string_equal(trace, "CB");
}

static struct loop_timer again, victim;
static int rounds;

static void rearm(void *arg)
{
	(void)arg;
	note('r');
	if (++rounds < 5)
		loop_timer_set(l, &again, rounds % 2 ? loop_now_us(l) : loop_now_us(l) + 500, rearm, NULL);
	else
		loop_stop(l);
}

static void rearms_itself(void **state)
{
	(void)state;
	rounds = 0;
	again = (struct loop_timer){0};
	loop_timer_set(l, &again, 1, rearm, NULL);
	run();
	assert_string_equal(trace, "rrrrr");
	assert_null(again.loop);
}

static void for_ever(void *arg)
{
	(void)arg;
	rounds++;
	loop_timer_set(l, &again, 1, for_ever, NULL);
}

/* A timer that is always due does not keep the others, or descriptors, from their turn. */
static void always_due_starves_nobody(void **state)
{
	(void)state;
	rounds = 0;
	again = (struct loop_timer){0};
	loop_timer_set(l, &again, 1, for_ever, NULL);
	run_ms(20);
	assert_true(rounds > 10);
	loop_timer_cancel(&again);
}

static void cancel_victim(void *arg)
{
	(void)arg;
	note('c');
	loop_timer_cancel(&victim);
	loop_timer_cancel(&again); /* itself: no harm */
}

static void cancels_another_that_is_due_too(void **state)
{
	uint64_t now = loop_now_us(l);

	(void)state;
	again = victim = (struct loop_timer){0};
	loop_timer_set(l, &again, now + 1000, cancel_victim, NULL);
	loop_timer_set(l, &victim, now + 1000, note_arg, "v");
	run_ms(5);
	assert_string_equal(trace, "c");
}

static void free_owner(void *arg)
{
	note('f');
	free(arg);
}

static void a_timer_may_free_its_owner(void **state)
{
	struct loop_timer *t = calloc(1, sizeof(*t));

	(void)state;
	assert_non_null(t);
	loop_timer_set(l, t, 1, free_owner, t);
	run_ms(5);
	assert_string_equal(trace, "f");
}

enum { MANY = 10000 };

static struct many {
	struct loop_timer timer;
	uint64_t due_us;
	bool fired;
} many[MANY];
static size_t fired_count;
static uint64_t last_due_us;

static void on_many(void *arg)
{
	struct many *m = arg;

	assert_false(m->fired);
	assert_true(loop_now_us(l) >= m->due_us);
	assert_true(m->due_us >= last_due_us);
	last_due_us = m->due_us;
	m->fired = true;
	fired_count++;
	/* Cancel a neighbour here and there, due or not. */
	struct many *other = &many[(m - many + 7919) % MANY];
	if (fired_count % 10 == 0 && !other->fired) {
		loop_timer_cancel(&other->timer);
		other->fired = true;
	}
}

static void ten_thousand_timers(void **state)
{
	uint64_t now = loop_now_us(l), seed = 12345;
	size_t cancelled = 0;

	(void)state;
	memset(many, 0, sizeof(many));
	fired_count = 0;
	last_due_us = 0;
	for (size_t i = 0; i < MANY; i++) {
		seed = seed * 6364136223846793005u + 1442695040888963407u;
		many[i].due_us = now + 100000 + (seed >> 33) % 100000;
		assert_int_equal(loop_timer_set(l, &many[i].timer, many[i].due_us, on_many, &many[i]), 0);
	}
	for (size_t i = 0; i < MANY; i += 3) { /* move a third, up and down the heap */
		many[i].due_us = now + 50000 + many[i].due_us % 150000;
		assert_int_equal(loop_timer_set(l, &many[i].timer, many[i].due_us, on_many, &many[i]), 0);
	}
	run_ms(250);
	for (size_t i = 0; i < MANY; i++) {
		assert_true(many[i].fired);
		assert_null(many[i].timer.loop);
	}
	cancelled = MANY - fired_count;
	assert_in_range(cancelled, 1, MANY / 5);
}

/* ---- watches ---- */

struct pair {
	int fds[2];
	struct loop_watch *watch;
	struct pair *other;
	int reads, ready;
};

static void pair_open(struct pair *p)
{
	*p = (struct pair){0};
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, p->fds), 0);
}

static void pair_close(struct pair *p)
{
	p->watch = loop_unwatch(p->watch);
	close(p->fds[0]);
	close(p->fds[1]);
}

static void on_pair(void *arg, int ready)
{
	struct pair *p = arg;
	char c;

	p->ready |= ready;
	if (ready & LOOP_READ && read(p->fds[0], &c, 1) == 1) {
		p->reads++;
		note(c);
		loop_stop(l);
	}
	if (ready & LOOP_WRITE) {
		loop_watch_change(p->watch, LOOP_READ);
		loop_stop(l);
	}
}

static void reads_and_writes(void **state)
{
	struct pair p;

	(void)state;
	pair_open(&p);
	assert_int_equal(loop_watch(l, p.fds[0], LOOP_READ, on_pair, &p, &p.watch), 0);
	run_ms(3);
	assert_int_equal(p.ready, 0);
	assert_int_equal(write(p.fds[1], "x", 1), 1);
	run();
	assert_string_equal(trace, "x");
	assert_int_equal(p.ready, LOOP_READ);
	assert_int_equal(loop_watch_change(p.watch, LOOP_READ | LOOP_WRITE), 0);
	run();
	assert_int_equal(p.ready, LOOP_READ | LOOP_WRITE);

	/* No events wanted: nothing comes, not even a hang-up; wanted again: it comes. */
	assert_int_equal(loop_watch_change(p.watch, 0), 0);
	p.ready = 0;
	assert_int_equal(write(p.fds[1], "y", 1), 1);
	shutdown(p.fds[1], SHUT_RDWR);
	run_ms(3);
	assert_int_equal(p.ready, 0);
	assert_int_equal(loop_watch_change(p.watch, 0), 0);
	assert_int_equal(loop_watch_change(p.watch, LOOP_READ), 0);
	run();
	assert_string_equal(trace, "xy");
	assert_int_equal(p.ready, LOOP_READ | LOOP_WRITE); /* hang-up as both */
	pair_close(&p);
}

static void watch_from_nothing(void **state)
{
	struct pair p;

	(void)state;
	pair_open(&p);
	assert_int_equal(loop_watch(l, p.fds[0], 0, on_pair, &p, &p.watch), 0);
	assert_int_equal(write(p.fds[1], "x", 1), 1);
	run_ms(3);
	assert_int_equal(p.ready, 0);
	assert_int_equal(loop_watch_change(p.watch, LOOP_READ), 0);
	run();
	assert_string_equal(trace, "x");
	pair_close(&p);
	assert_null(loop_unwatch(NULL));
}

static void bad_descriptors(void **state)
{
	struct loop_watch *w = NULL, *twice = NULL;
	int fds[2];

	(void)state;
	assert_int_equal(pipe(fds), 0);
	close(fds[1]);
	assert_true(loop_watch(l, fds[1], LOOP_READ, on_pair, NULL, &w) < 0);
	assert_null(w);
	assert_int_equal(loop_watch(l, fds[0], LOOP_READ, on_pair, NULL, &w), 0);
	assert_true(loop_watch(l, fds[0], LOOP_READ, on_pair, NULL, &twice) < 0);
	loop_unwatch(w);
	close(fds[0]);
}

static void free_both(void *arg, int ready)
{
	struct pair *p = arg;

	(void)ready;
	note('f');
	p->other->watch = loop_unwatch(p->other->watch);
	p->watch = loop_unwatch(p->watch);
}

/* Both readable in one poll; whichever comes first frees both. */
static void a_callback_frees_its_neighbours_watch(void **state)
{
	(void)state;
	for (int round = 0; round < 10; round++) {
		struct pair a, b;
		pair_open(&a);
		pair_open(&b);
		a.other = &b;
		b.other = &a;
		assert_int_equal(loop_watch(l, a.fds[0], LOOP_READ, free_both, &a, &a.watch), 0);
		assert_int_equal(loop_watch(l, b.fds[0], LOOP_READ, free_both, &b, &b.watch), 0);
		assert_int_equal(write(a.fds[1], "a", 1), 1);
		assert_int_equal(write(b.fds[1], "b", 1), 1);
		trace[0] = '\0';
		run_ms(2);
		assert_string_equal(trace, "f");
		pair_close(&a);
		pair_close(&b);
	}
}

static void swap_watches(void *arg, int ready)
{
	struct pair *p = arg, *fresh = p->other;

	(void)ready;
	note('s');
	p->watch = loop_unwatch(p->watch);
	if (!fresh->watch)
		assert_int_equal(loop_watch(l, fresh->fds[0], LOOP_READ, on_pair, fresh, &fresh->watch), 0);
}

/* The new watch may get the freed one's place in su_root: it must not get its event. */
static void a_stale_event_meets_no_new_watch(void **state)
{
	struct pair a, b, fresh;

	(void)state;
	pair_open(&a);
	pair_open(&b);
	pair_open(&fresh);
	a.other = b.other = &fresh;
	assert_int_equal(loop_watch(l, a.fds[0], LOOP_READ, swap_watches, &a, &a.watch), 0);
	assert_int_equal(loop_watch(l, b.fds[0], LOOP_READ, swap_watches, &b, &b.watch), 0);
	assert_int_equal(write(a.fds[1], "a", 1), 1);
	assert_int_equal(write(b.fds[1], "b", 1), 1);
	run_ms(5);
	assert_string_equal(trace, "ss");
	assert_int_equal(fresh.ready, 0);
	assert_int_equal(write(fresh.fds[1], "n", 1), 1);
	run();
	assert_string_equal(trace, "ssn");
	pair_close(&a);
	pair_close(&b);
	pair_close(&fresh);
}

/* ---- deferred calls ---- */

static void defer_two(void *arg)
{
	(void)arg;
	note('<');
	assert_int_equal(loop_defer(l, note_arg, "1"), 0);
	assert_int_equal(loop_defer(l, note_arg, "2"), 0);
	note('>');
}

static void deferred_follow_their_callback(void **state)
{
	struct loop_timer a = {0}, b = {0};

	(void)state;
	loop_timer_set(l, &a, 1, defer_two, NULL);
	loop_timer_set(l, &b, 1, note_arg, "b");
	run_ms(3);
	assert_string_equal(trace, "<>12b");
}

static void defer_from_watch(void *arg, int ready)
{
	struct pair *p = arg;
	char c;

	if (ready & LOOP_READ && read(p->fds[0], &c, 1) == 1)
		defer_two(NULL);
}

static void deferred_from_anywhere(void **state)
{
	struct pair p;

	(void)state;
	assert_int_equal(loop_defer(l, note_arg, "o"), 0); /* outside any callback */
	run_ms(3);
	pair_open(&p);
	assert_int_equal(loop_watch(l, p.fds[0], LOOP_READ, defer_from_watch, &p, &p.watch), 0);
	assert_int_equal(write(p.fds[1], "x", 1), 1);
	run_ms(3);
	assert_string_equal(trace, "o<>12");
	pair_close(&p);
}

static void defer_for_ever(void *arg)
{
	rounds++;
	loop_defer(l, defer_for_ever, arg);
}

static void deferring_itself_starves_nobody(void **state)
{
	(void)state;
	rounds = 0;
	loop_defer(l, defer_for_ever, NULL);
	run_ms(5);
	assert_true(rounds > 2);
	/* The pending one is dropped with the loop: no leak, no call. */
}

/* ---- time, statistics ---- */

static void be_slow(void *arg)
{
	uint64_t began = loop_now_us(l);

	(void)arg;
	while (clock_mono_us() < began + 7000) {
	}
	assert_true(loop_now_us(l) == began); /* read once */
	loop_refresh_now(l);
	assert_true(loop_now_us(l) >= began + 7000);
	loop_stop(l);
}

static void slow_callbacks_are_seen(void **state)
{
	uint64_t before = counter_sum(CNT_LOOP_SLOW_CALLBACKS), now;
	struct loop_timer t = {0};

	(void)state;
	loop_timer_set(l, &t, 1, be_slow, NULL);
	run();
	assert_true(counter_sum(CNT_LOOP_SLOW_CALLBACKS) > before);
	assert_true(loop_take_longest_us(l) >= 7000);
	assert_true(loop_take_longest_us(l) < 7000);
	now = loop_now_us(l);
	while (clock_mono_us() <= now) {
	}
	assert_true(loop_now_us(l) > now); /* outside callbacks: the clock */
	assert_true(loop_wall_ms(l) / 10000 == clock_wall_ms() / 10000 || loop_wall_ms(l) <= clock_wall_ms());
}

static void step_runs_for_its_time(void **state)
{
	struct loop_timer a = {0}, b = {0}, late = {0};
	uint64_t now = clock_mono_us();

	(void)state;
	loop_timer_set(l, &a, now + 1000, note_arg, "a");
	loop_timer_set(l, &b, now + 3000, note_arg, "b");
	loop_timer_set(l, &late, now + 60000000, note_arg, "l");
	loop_step(l, 20);
	assert_string_equal(trace, "ab");
	assert_true(clock_mono_us() >= now + 20000);
	loop_timer_set(l, &a, 1, stop, NULL);
	loop_step(l, 5000); /* loop_stop() ends it early */
	assert_true(clock_mono_us() < now + 3000000);
	loop_step(l, 0);
	loop_timer_cancel(&late);
}

/* ---- with su_root and with threads ---- */

static void on_su_timer(su_root_magic_t *magic, su_timer_t *timer, su_timer_arg_t *arg)
{
	(void)magic;
	(void)timer;
	(void)arg;
	note('s');
	loop_defer(l, stop, NULL); /* as from a callback of the SIP stack */
}

static void sofia_shares_the_loop(void **state)
{
	su_timer_t *t = su_timer_create(su_root_task(loop_su_root(l)), 2);

	(void)state;
	assert_non_null(t);
	assert_int_equal(su_timer_set(t, on_su_timer, NULL), 0);
	run();
	assert_string_equal(trace, "s");
	su_timer_destroy(t);
}

static void post_and_end(void *arg)
{
	int m = 42;
	mailbox_put(arg, &m);
}

static void on_mailbox(void *arg, int ready)
{
	int m = 0;

	(void)ready;
	mailbox_clear(arg);
	while (mailbox_get(arg, &m))
		note(m == 42 ? 'm' : '?');
	loop_stop(l);
}

static void another_thread_wakes_the_loop(void **state)
{
	struct loop_watch *w;
	struct mailbox *mb;
	struct thread *t;

	(void)state;
	assert_int_equal(mailbox_new(sizeof(int), 4, &mb), 0);
	assert_int_equal(loop_watch(l, mailbox_fd(mb), LOOP_READ, on_mailbox, mb, &w), 0);
	assert_int_equal(thread_start("poster", post_and_end, mb, &t), 0);
	run();
	assert_string_equal(trace, "m");
	thread_join(t);
	loop_unwatch(w);
	mailbox_free(mb);
}

/* ---- life ---- */

static void what_outlives_the_loop(void **state)
{
	struct loop_timer t = {0};
	struct loop_watch *w;
	struct pair p;

	(void)state;
	pair_open(&p);
	loop_timer_set(l, &t, clock_mono_us() + 1000000, note_arg, "t");
	assert_int_equal(loop_watch(l, p.fds[0], LOOP_READ, on_pair, &p, &w), 0);
	assert_int_equal(loop_defer(l, note_arg, "d"), 0);
	l = loop_free(l);
	assert_null(loop_free(NULL));
	loop_timer_cancel(&t); /* idle by now */
	assert_null(loop_unwatch(w));
	pair_close(&p);
	assert_string_equal(trace, "");
}

static void stopped_before_it_runs(void **state)
{
	(void)state;
	loop_stop(l);
	loop_run(l);
}

static void out_of_memory(void **state)
{
	(void)state;
	for (unsigned n = 1; oom_next(n); n++) {
		struct loop *other = NULL;
		int r = loop_new(&other);
		assert_int_equal(r, oom_off() ? -ENOMEM : 0);
		loop_free(other);
	}
	struct loop_watch *w = NULL;
	struct loop_timer t = {0};
	oom_fail_nth(1);
	assert_int_equal(loop_watch(l, 0, LOOP_READ, on_pair, NULL, &w), -ENOMEM);
	oom_fail_nth(1);
	assert_int_equal(loop_defer(l, note_arg, "d"), -ENOMEM);
	oom_fail_nth(1);
	assert_int_equal(loop_timer_set(l, &t, 1, note_arg, "t"), -ENOMEM);
	oom_off();
	assert_null(w);
	assert_null(t.loop);
	/* An armed timer can always be moved. */
	assert_int_equal(loop_timer_set(l, &t, 1, note_arg, "t"), 0);
	oom_fail_nth(1);
	assert_int_equal(loop_timer_set(l, &t, 2, note_arg, "t"), 0);
	assert_false(oom_off());
	loop_timer_cancel(&t);
}

#define LOOP_TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		LOOP_TEST(timers_fire_in_order),
		LOOP_TEST(millisecond_resolution),
		LOOP_TEST(cancelled_and_moved),
		LOOP_TEST(rearms_itself),
		LOOP_TEST(always_due_starves_nobody),
		LOOP_TEST(cancels_another_that_is_due_too),
		LOOP_TEST(a_timer_may_free_its_owner),
		LOOP_TEST(ten_thousand_timers),
		LOOP_TEST(reads_and_writes),
		LOOP_TEST(watch_from_nothing),
		LOOP_TEST(bad_descriptors),
		LOOP_TEST(a_callback_frees_its_neighbours_watch),
		LOOP_TEST(a_stale_event_meets_no_new_watch),
		LOOP_TEST(deferred_follow_their_callback),
		LOOP_TEST(deferred_from_anywhere),
		LOOP_TEST(deferring_itself_starves_nobody),
		LOOP_TEST(slow_callbacks_are_seen),
		LOOP_TEST(step_runs_for_its_time),
		LOOP_TEST(sofia_shares_the_loop),
		LOOP_TEST(another_thread_wakes_the_loop),
		LOOP_TEST(what_outlives_the_loop),
		LOOP_TEST(stopped_before_it_runs),
		LOOP_TEST(out_of_memory),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
