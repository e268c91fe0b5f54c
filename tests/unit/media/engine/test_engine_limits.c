/* Ports that rest, ports that others hold, full mailboxes, sessions that cannot be made. */
#include "lib/base/clock.h"
#include "lib/loop/loop.h"
#include "media/port_pool.h"
#include "tests/unit/media/engine/engine_bench.h"
#include "tests/unit/media/engine/fake_session.h"

#include <errno.h>
#include <sys/resource.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static void test_ports_rest_after_a_call(void **state)
{
	(void)state;
	struct bench b = {0};
	struct media_engine_conf conf = bench_conf(&b);
	struct media_local local;
	uint64_t id;

	conf.wa_port_max = conf.wa_port_min + 1; /* two ports, two pairs */
	conf.sip_port_max = conf.sip_port_min + 3;
	bench_init(&b, &conf);
	uint64_t one = bench_open(&b, &local), two = bench_open(&b, &local);
	assert_int_equal(media_open(b.engine, &id, &local), -EADDRNOTAVAIL);
	media_close(b.engine, one);
	media_close(b.engine, two);
	bench_wait(&b, MEDIA_CLOSED, 0, 2);
	uint64_t closed_us = clock_mono_us();
	assert_int_equal(media_ports_in_use(b.engine), 0);
	assert_int_equal(media_open(b.engine, &id, &local), -EADDRNOTAVAIL);
	assert_int_equal(media_session_count(b.engine), 0);
	while (media_open(b.engine, &id, &local)) {
		assert_true(clock_mono_us() < closed_us + BENCH_DEADLINE_MS * 1000ull);
		loop_step(b.loop, 10);
	}
	/* Reports are read up to two steps of the loop after the ports came back. */
	assert_true(clock_mono_us() + 100000 >= closed_us + PORT_REST_US);
	bench_done(&b);
}

static int hold_port(uint16_t port)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct addr a;

	assert_int_equal(addr_set(&a, "127.0.0.1", port), 0);
	assert_int_equal(bind(fd, &a.u.sa, addr_len(&a)), 0);
	return fd;
}

static void test_ports_of_other_programs_are_passed_over(void **state)
{
	(void)state;
	struct bench b = {0};
	struct media_engine_conf conf = bench_conf(&b);
	struct media_local local;
	uint64_t id;

	conf.wa_port_max = conf.wa_port_min + 2;
	conf.sip_port_max = conf.sip_port_min + 5;
	bench_init(&b, &conf);
	int held[] = {hold_port(conf.wa_port_min), hold_port(conf.wa_port_min + 2), hold_port(conf.sip_port_min),
		hold_port(conf.sip_port_min + 3)}; /* an even port, and the odd one of another pair */
	bench_open(&b, &local);
	assert_int_equal(addr_port(&local.wa.addr), conf.wa_port_min + 1);
	assert_int_equal(addr_port(&local.sip_rtp), conf.sip_port_min + 4);
	int fds = open_descriptors();
	assert_int_equal(media_open(b.engine, &id, &local), -EADDRNOTAVAIL);
	assert_int_equal(open_descriptors(), fds);
	assert_int_equal(media_ports_in_use(b.engine), 2);
	assert_int_equal(media_session_count(b.engine), 1);
	for (size_t i = 0; i < sizeof(held) / sizeof(held[0]); i++)
		close(held[i]);
	bench_done(&b);
}

static void test_no_descriptors_left(void **state)
{
	(void)state;
	struct bench b = {0};
	const struct media_engine_conf conf = bench_conf(&b);
	struct rlimit all, few;
	struct media_local local;
	uint64_t id;

	bench_init(&b, &conf);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &all), 0);
	for (rlim_t spare = 0; spare < 3; spare++) { /* a session needs three */
		int fd = dup(b.peer);
		few = (struct rlimit){(rlim_t)fd + spare, all.rlim_max};
		close(fd);
		assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
		int r = media_open(b.engine, &id, &local);
		assert_int_equal(setrlimit(RLIMIT_NOFILE, &all), 0);
		assert_int_equal(r, -EMFILE);
		assert_int_equal(media_ports_in_use(b.engine), 0);
	}
	bench_open(&b, &local);
	bench_done(&b);
}

static void test_session_that_cannot_be_made(void **state)
{
	(void)state;
	struct bench b = {0};
	const struct media_engine_conf conf = bench_conf(&b);
	const struct media_wa_remote wa = {.ufrag = "meta"};
	struct media_local local;

	bench_init(&b, &conf);
	fake_fail_next(1);
	uint64_t id = bench_open(&b, &local);
	bench_wait(&b, MEDIA_FAILED, id, 1);
	assert_int_equal(bench_last(&b, MEDIA_FAILED, id)->failure, MEDIA_FAIL_RESOURCES);
	/* The call does not know yet: what it says goes nowhere. */
	media_set_wa(b.engine, id, &wa);
	media_start_wa(b.engine, id);
	media_ask_stats(b.engine, id);
	media_close(b.engine, id);
	bench_wait(&b, MEDIA_CLOSED, id, 1);
	assert_int_equal(b.event_count, 2);
	assert_int_equal(media_ports_in_use(b.engine), 0);
	bench_done(&b);
}

static void test_remotes_that_a_session_refuses(void **state)
{
	(void)state;
	struct bench b = {0};
	const struct media_engine_conf conf = bench_conf(&b);
	const struct media_wa_remote no_ufrag = {0};
	const struct media_sip_remote no_codec = {0};
	struct media_local local;

	bench_init(&b, &conf);
	uint64_t one = bench_open(&b, &local), two = bench_open(&b, &local);
	media_set_wa(b.engine, one, &no_ufrag);
	media_set_sip(b.engine, two, &no_codec);
	bench_wait(&b, MEDIA_FAILED, one, 1);
	bench_wait(&b, MEDIA_FAILED, two, 1);
	assert_int_equal(bench_last(&b, MEDIA_FAILED, one)->failure, MEDIA_FAIL_ICE);
	assert_int_equal(bench_last(&b, MEDIA_FAILED, one)->end, END_WA);
	assert_int_equal(bench_last(&b, MEDIA_FAILED, two)->end, END_SIP);
	bench_done(&b);
}

/* A full mailbox of commands refuses everything but the end of what is open. */
static void test_full_commands_never_lose_a_close(void **state)
{
	(void)state;
	enum { OPEN = 6 };
	struct bench b = {0};
	struct media_engine_conf conf = bench_conf(&b);
	const struct media_wa_remote wa = {.ufrag = "meta"};
	struct media_local local;
	uint64_t ids[OPEN], id;

	conf.workers = 1;
	conf.max_sessions = 20;
	bench_init(&b, &conf);
	fake_close_gate();
	for (int i = 0; i < OPEN; i++)
		ids[i] = bench_open(&b, &local);
	fake_wait_at_gate();
	int n = 0;
	while (media_ask_stats(b.engine, ids[0]) == 0)
		assert_true(++n < 100000);
	int fds = open_descriptors();
	assert_int_equal(media_open(b.engine, &id, &local), -EAGAIN);
	assert_int_equal(media_set_wa(b.engine, ids[1], &wa), -EAGAIN);
	assert_int_equal(open_descriptors(), fds);
	assert_int_equal(media_session_count(b.engine), OPEN);
	assert_int_equal(media_ports_in_use(b.engine), OPEN * 2);
	for (int i = 0; i < OPEN; i++)
		media_close(b.engine, ids[i]);
	fake_open_gate();
	bench_wait(&b, MEDIA_CLOSED, 0, OPEN);
	assert_int_equal(media_ports_in_use(b.engine), 0);
	bench_done(&b);
}

/* STOP too finds room, and nothing that was still under way is left behind. */
static void test_full_commands_at_the_end(void **state)
{
	(void)state;
	struct bench b = {0};
	struct media_engine_conf conf = bench_conf(&b);
	const struct media_wa_remote wa = {.ufrag = "meta"};
	struct media_local local;

	conf.workers = 1;
	conf.max_sessions = 20;
	bench_init(&b, &conf);
	fake_close_gate();
	uint64_t id = bench_open(&b, &local);
	bench_open(&b, &local);
	fake_wait_at_gate();
	while (media_set_wa(b.engine, id, &wa) == 0) {
	}
	media_close(b.engine, id);
	fake_open_gate();
	bench_done(&b);
}

/* The control thread reads no reports for a while. A failure and the end of a session are told all the same, also when
 * the session was never made: their loss would keep the call, its ports and its place for ever. */
static void test_full_reports_lose_no_failure_and_no_end(void **state)
{
	(void)state;
	struct bench b = {0};
	struct media_engine_conf conf = bench_conf(&b);
	struct media_local noisy_local, local;
	char answer[64];

	conf.workers = 1;
	bench_init(&b, &conf);
	uint64_t noisy = bench_open(&b, &noisy_local), failing = bench_open(&b, &local);
	uint16_t noisy_port = addr_port(&noisy_local.wa.addr);
	assert_true(bench_ask(&b, noisy_port, "ready", answer));
	bench_send(&b, noisy_port, "E");
	bench_send(&b, addr_port(&local.sip_rtp), "F");
	fake_fail_next(1);
	uint64_t unmade = bench_open(&b, &local), closed = bench_open(&b, &local);
	media_close(b.engine, closed);
	assert_true(bench_ask(&b, noisy_port, "done", answer)); /* the worker has been through all that */
	assert_int_equal(b.event_count, 0);

	bench_wait(&b, MEDIA_FAILED, failing, 1);
	bench_wait(&b, MEDIA_FAILED, unmade, 1);
	bench_wait(&b, MEDIA_CLOSED, closed, 1);
	assert_int_equal(bench_last(&b, MEDIA_FAILED, failing)->failure, FAKE_FAILURE);
	assert_int_equal(bench_last(&b, MEDIA_FAILED, failing)->end, END_SIP);
	assert_true(bench_count(&b, MEDIA_DTMF, noisy) < FAKE_BURST); /* it was full indeed */

	bench_send(&b, noisy_port, "E");
	assert_true(bench_ask(&b, noisy_port, "full again", answer));
	media_close(b.engine, unmade);
	media_close(b.engine, failing);
	media_close(b.engine, noisy);
	bench_wait(&b, MEDIA_CLOSED, 0, 4);
	for (int i = 0; i < 20; i++) /* each failure is told once */
		loop_step(b.loop, 5);
	assert_int_equal(bench_count(&b, MEDIA_FAILED, 0), 2);
	assert_int_equal(bench_count(&b, MEDIA_CLOSED, 0), 4);
	assert_int_equal(media_session_count(b.engine), 0);
	assert_int_equal(media_ports_in_use(b.engine), 0);
	bench_done(&b);
}

static void test_engine_ends_while_reports_are_full(void **state)
{
	(void)state;
	struct bench b = {0};
	struct media_engine_conf conf = bench_conf(&b);
	struct media_local local;
	char answer[64];

	conf.workers = 1;
	bench_init(&b, &conf);
	uint64_t noisy = bench_open(&b, &local);
	uint16_t port = addr_port(&local.wa.addr);
	bench_open(&b, &local);
	bench_send(&b, port, "E");
	assert_true(bench_ask(&b, port, "full", answer));
	media_close(b.engine, noisy);
	bench_done(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ports_rest_after_a_call),
		cmocka_unit_test(test_ports_of_other_programs_are_passed_over),
		cmocka_unit_test(test_no_descriptors_left),
		cmocka_unit_test(test_session_that_cannot_be_made),
		cmocka_unit_test(test_remotes_that_a_session_refuses),
		cmocka_unit_test(test_full_commands_never_lose_a_close),
		cmocka_unit_test(test_full_commands_at_the_end),
		cmocka_unit_test(test_full_reports_lose_no_failure_and_no_end),
		cmocka_unit_test(test_engine_ends_while_reports_are_full),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
