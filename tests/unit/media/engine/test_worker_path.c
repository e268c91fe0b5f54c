/* The worker itself, many calls: one wake-up for all that a slot of 2 ms has brought, one read for each packet, none in
 * vain; no memory, lock, log line or write; the clock twice a wake-up, however many packets. */
#include "lib/base/clock.h"
#include "tests/support/path_count.h"
#include "tests/unit/media/engine/engine_bench.h"
#include "tests/unit/media/engine/fake_session.h"

#include <poll.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

enum { CALLS = 40, GROUP = CALLS / 2, ROUNDS = 60, SLOT_MS = 2, SLOT_EDGES = 2 };

/* ---- what the worker asks of the system; by its thread, read when it has answered ---- */

static _Thread_local bool watched;
static struct {
	unsigned wakes, reads, in_vain, in_this_wake, most_in_a_wake;
} seen;
static struct path_count path;

/* By the linker (--wrap): the worker's calls, and nobody else's. */
ssize_t __real_recvfrom(int fd, void *bytes, size_t length, int flags, void *from, socklen_t *from_length);
ssize_t __wrap_recvfrom(int fd, void *bytes, size_t length, int flags, void *from, socklen_t *from_length);
int __real_epoll_wait(int epoll_fd, struct epoll_event *events, int most, int timeout_ms);
int __wrap_epoll_wait(int epoll_fd, struct epoll_event *events, int most, int timeout_ms);

ssize_t __wrap_recvfrom(int fd, void *bytes, size_t length, int flags, void *from, socklen_t *from_length)
{
	ssize_t n = __real_recvfrom(fd, bytes, length, flags, from, from_length);

	if (!watched)
		return n;
	seen.reads++;
	seen.in_vain += n < 0;
	if (++seen.in_this_wake > seen.most_in_a_wake)
		seen.most_in_a_wake = seen.in_this_wake;
	return n;
}

int __wrap_epoll_wait(int epoll_fd, struct epoll_event *events, int most, int timeout_ms)
{
	if (watched) {
		seen.wakes++;
		seen.in_this_wake = 0;
	}
	return __real_epoll_wait(epoll_fd, events, most, timeout_ms);
}

static void watch(void)
{
	watched = true;
	path_count_start(0);
}

static bool stop_watching(void)
{
	watched = false;
	path = path_count_stop();
	return false;
}

/* ---- the peer ---- */

static void collect(struct bench *b, unsigned count)
{
	struct pollfd p = {.fd = b->peer, .events = POLLIN};
	char answer[64];

	for (unsigned i = 0; i < count; i++) {
		assert_int_equal(poll(&p, 1, BENCH_DEADLINE_MS), 1);
		assert_int_equal(recv(b->peer, answer, sizeof(answer), 0), 6);
	}
}

/* The two halves of the calls, and their two sockets, in turn, so that none is ready in two wake-ups running: that is a
 * backlog, and read to its end. */
static void talk(struct bench *b, const struct media_local *local)
{
	for (unsigned i = 0; i < 2 * ROUNDS; i++) {
		const struct media_local *half = local + i % 2 * GROUP;
		for (unsigned k = 0; k < GROUP; k++)
			bench_send(b, addr_port(i % 4 < 2 ? &half[k].wa.addr : &half[k].sip_rtp), "packet");
		collect(b, GROUP);
	}
}

static uint16_t rtcp_port(const struct media_local *local)
{
	return (uint16_t)(addr_port(&local->sip_rtp) + 1);
}

static void test_slots_and_reads(void **state)
{
	(void)state;
	struct bench b = {0};
	struct media_engine_conf conf = bench_conf(&b);
	struct media_local local[CALLS];
	char answer[64];

	conf.workers = 1;
	fake_watch_memory = watch;
	fake_memory_was_used = stop_watching;
	bench_init(&b, &conf);
	for (int i = 0; i < CALLS; i++)
		bench_open(&b, &local[i]);
	talk(&b, local); /* counters and the like: once a thread */
	assert_true(bench_ask(&b, rtcp_port(&local[0]), "m", answer));
	uint64_t begun_us = clock_mono_us();
	talk(&b, local);
	uint64_t passed_ms = (clock_mono_us() - begun_us) / 1000;
	assert_true(bench_ask(&b, rtcp_port(&local[CALLS - 1]), "M", answer));
	print_message("%u packets, %u reads, %u in vain, %u wake-ups in %u ms, %u packets in one of them; %u clocks\n",
		2 * ROUNDS * GROUP, seen.reads, seen.in_vain, seen.wakes, (unsigned)passed_ms, seen.most_in_a_wake,
		path.clocks);
	assert_int_equal(seen.in_vain, 0);
	assert_int_equal(seen.reads, 2 * ROUNDS * GROUP + 1); /* and the one that ends it */
	assert_in_range(seen.wakes, 1, passed_ms / SLOT_MS + SLOT_EDGES);
	assert_in_range(seen.most_in_a_wake, GROUP / 2, CALLS);
	assert_int_equal(path.taken + path.given, 0);
	assert_int_equal(path.locks + path.writes + path.log_lines, 0);
	assert_in_range(path.clocks, seen.wakes, 2 * seen.wakes + 2);
	bench_done(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_slots_and_reads)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
