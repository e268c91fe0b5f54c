/* The worker's packet path allocates nothing; each failed allocation of the control thread is told and leaks nothing.
 */
#include "lib/loop/loop.h"
#include "tests/support/oom.h"
#include "tests/unit/media/engine/engine_bench.h"
#include "tests/unit/media/engine/fake_session.h"

#include <errno.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static void watch_memory(void)
{
	oom_fail_nth(1); /* counts in the thread that calls it: the worker's */
}

static void test_packet_path_allocates_nothing(void **state)
{
	(void)state;
	struct bench b = {0};
	struct media_engine_conf conf = bench_conf(&b);
	struct media_local local;
	char answer[64];

	fake_watch_memory = watch_memory;
	fake_memory_was_used = oom_off;
	conf.workers = 1;
	bench_init(&b, &conf);
	bench_open(&b, &local);
	const uint16_t ports[] = {
		addr_port(&local.wa.addr), addr_port(&local.sip_rtp), (uint16_t)(addr_port(&local.sip_rtp) + 1)};
	for (int i = 0; i < 3; i++) /* counters and the like: once a thread */
		assert_true(bench_ask(&b, ports[i], "first", answer));
	assert_true(bench_ask(&b, ports[0], "m", answer));
	unsigned ticks = fake_ticks();
	for (int i = 0; i < 600 || fake_ticks() < ticks + 5; i++)
		assert_true(bench_ask(&b, ports[i % 3], "packet", answer));
	assert_true(bench_ask(&b, ports[0], "M", answer));
	assert_string_equal(answer, "clean");
	bench_done(&b);
}

static void test_every_allocation_of_engine_new_fails_once(void **state)
{
	(void)state;
	struct bench b = {0};
	struct media_engine_conf conf = bench_conf(&b);

	assert_int_equal(loop_new(&b.loop), 0);
	int fds = open_descriptors();
	for (unsigned n = 1; oom_next(n); n++) {
		struct media_engine *engine = NULL;
		int r = media_engine_new(b.loop, &conf, &engine);
		oom_off();
		assert_true(r == 0 ? engine != NULL : r == -ENOMEM && !engine);
		media_engine_free(engine);
		assert_int_equal(open_descriptors(), fds);
	}
	loop_free(b.loop);
}

static void test_every_allocation_of_open_fails_once(void **state)
{
	(void)state;
	struct bench b = {0};
	const struct media_engine_conf conf = bench_conf(&b);
	const struct media_wa_remote wa = {.ufrag = "meta"};
	struct media_local local;

	bench_init(&b, &conf);
	int fds = open_descriptors();
	for (unsigned n = 1; oom_next(n); n++) {
		uint64_t id = 0;
		int r = media_open(b.engine, &id, &local);
		if (r == 0)
			r = media_set_wa(b.engine, id, &wa);
		oom_off();
		assert_true(r == 0 || r == -ENOMEM);
		if (!id) {
			assert_int_equal(open_descriptors(), fds);
			assert_int_equal(media_ports_in_use(b.engine), 0);
			continue;
		}
		media_close(b.engine, id);
		bench_wait(&b, MEDIA_CLOSED, id, 1);
	}
	bench_done(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_packet_path_allocates_nothing),
		cmocka_unit_test(test_every_allocation_of_engine_new_fails_once),
		cmocka_unit_test(test_every_allocation_of_open_fails_once),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
