/* tests/unit/lib/base/test_thread.c: threads, clocks, counters, assertions */
#include "lib/base/assert.h"
#include "lib/base/clock.h"
#include "lib/base/counter.h"
#include "lib/base/thread.h"

#include "tests/support/oom.h"

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

struct seen {
	char name[16];
	sigset_t blocked;
};

static void look_around(void *arg)
{
	struct seen *s = arg;
	pthread_getname_np(pthread_self(), s->name, sizeof(s->name));
	pthread_sigmask(SIG_SETMASK, NULL, &s->blocked);
}

static void threads_have_name_and_no_signals(void **state)
{
	struct thread *t;
	struct seen s;
	sigset_t mine;

	(void)state;
	assert_int_equal(thread_start("a-rather-long-name", look_around, &s, &t), 0);
	assert_null(thread_join(t));
	assert_null(thread_join(NULL));
	assert_string_equal(s.name, "a-rather-long-n");
	assert_true(sigismember(&s.blocked, SIGTERM) && sigismember(&s.blocked, SIGPIPE) &&
		    sigismember(&s.blocked, SIGHUP));
	assert_false(sigismember(&s.blocked, SIGSEGV));
	pthread_sigmask(SIG_SETMASK, NULL, &mine);
	assert_false(sigismember(&mine, SIGTERM));
}

static void thread_out_of_memory(void **state)
{
	struct seen s;

	(void)state;
	for (unsigned n = 1; oom_next(n); n++) {
		struct thread *t = NULL;
		int r = thread_start("oom", look_around, &s, &t);
		assert_int_equal(r, oom_off() ? -ENOMEM : 0);
		thread_join(t);
	}
}

static void clocks_run(void **state)
{
	uint64_t mono = clock_mono_us(), cpu = clock_thread_cpu_us(), wall = clock_wall_ms();

	(void)state;
	assert_true(mono > 0);
	while (clock_thread_cpu_us() < cpu + 2000) {
	}
	assert_true(clock_mono_us() >= mono + 1000);
	assert_true(wall > UINT64_C(1577836800000)); /* 2020 */
	assert_true(wall < UINT64_C(4102444800000)); /* 2100: milliseconds, not microseconds */
}

enum { ADDS = 100000 };

static void add_many(void *arg)
{
	(void)arg;
	for (int i = 0; i < ADDS; i++)
		counter_inc(CNT_MEDIA_RX_BAD_RTP);
	counter_add(CNT_STORE_WRITES, 5);
}

static void counters_sum_over_threads(void **state)
{
	struct thread *t[3];
	uint64_t before = counter_sum(CNT_MEDIA_RX_BAD_RTP), seen = before;

	(void)state;
	for (int i = 0; i < 3; i++)
		assert_int_equal(thread_start("adder", add_many, NULL, &t[i]), 0);
	for (int i = 0; i < 100; i++) { /* a reader meanwhile: never backwards */
		uint64_t now = counter_sum(CNT_MEDIA_RX_BAD_RTP);
		assert_true(now >= seen);
		seen = now;
	}
	for (int i = 0; i < 3; i++)
		thread_join(t[i]);
	assert_int_equal(counter_sum(CNT_MEDIA_RX_BAD_RTP), before + 3 * ADDS);
	assert_int_equal(counter_sum(CNT_STORE_WRITES), 15);
	assert_int_equal(counter_sum(CNT_STORE_ERRORS), 0);
}

static void add_without_memory(void *arg)
{
	(void)arg;
	oom_fail_nth(1);
	counter_inc(CNT_GRAPH_ERRORS);
	oom_off();
	counter_inc(CNT_GRAPH_ERRORS);
}

static void counters_count_without_memory(void **state)
{
	struct thread *t;

	(void)state;
	assert_int_equal(thread_start("poor", add_without_memory, NULL, &t), 0);
	thread_join(t);
	assert_int_equal(counter_sum(CNT_GRAPH_ERRORS), 2);
}

static void counters_have_names(void **state)
{
	(void)state;
	assert_string_equal(counter_name(CNT_WEBHOOK_BAD_SIGNATURE), "webhook_bad_signature");
	for (int i = 0; i < CNT_COUNT; i++) {
		assert_true(strlen(counter_help((enum counter)i)) > 0);
		for (int k = 0; k < i; k++)
			assert_string_not_equal(counter_name((enum counter)i), counter_name((enum counter)k));
	}
}

static void assertions_say_where_and_abort(void **state)
{
	char said[256] = "";
	int pipe_fds[2], status;
	pid_t child;

	(void)state;
	assert_int_equal(pipe(pipe_fds), 0);
	child = fork();
	if (child == 0) {
		dup2(pipe_fds[1], STDERR_FILENO);
		signal(SIGABRT, SIG_DFL);
		ASSERT(1 + 1 == 2);
		ASSERT(1 + 1 == 3);
		_exit(0);
	}
	close(pipe_fds[1]);
	assert_true(read(pipe_fds[0], said, sizeof(said) - 1) > 0);
	close(pipe_fds[0]);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
	assert_non_null(strstr(said, "assertion failed: 1 + 1 == 3 ("));
	assert_non_null(strstr(said, "test_thread.c:"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(threads_have_name_and_no_signals),
		cmocka_unit_test(thread_out_of_memory),
		cmocka_unit_test(clocks_run),
		cmocka_unit_test(counters_sum_over_threads),
		cmocka_unit_test(counters_count_without_memory),
		cmocka_unit_test(counters_have_names),
		cmocka_unit_test(assertions_say_where_and_abort),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
