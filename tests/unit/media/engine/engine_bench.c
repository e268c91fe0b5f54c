/* tests/unit/media/engine/engine_bench.c -- see engine_bench.h */
#include "tests/unit/media/engine/engine_bench.h"

#include "lib/base/clock.h"
#include "lib/loop/loop.h"
#include "tests/unit/media/engine/fake_session.h"

#include <dirent.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

int open_descriptors(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int n = 0;

	assert_non_null(dir);
	while (readdir(dir))
		n++;
	closedir(dir);
	return n;
}

static void on_event(const struct media_event *ev, void *arg)
{
	struct bench *b = arg;

	if (b->event_count == b->event_cap) {
		b->event_cap = b->event_cap ? b->event_cap * 2 : 1024;
		b->events = realloc(b->events, b->event_cap * sizeof(*b->events));
		assert_non_null(b->events);
	}
	b->events[b->event_count++] = *ev;
}

struct media_engine_conf bench_conf(struct bench *b)
{
	uint16_t first = (uint16_t)(2700 + getpid() % 2 * (BENCH_WA_PORTS + BENCH_SIP_PORTS));
	struct media_engine_conf conf = {
		.wa_port_min = first,
		.wa_port_max = first + BENCH_WA_PORTS - 1,
		.sip_port_min = first + BENCH_WA_PORTS,
		.sip_port_max = first + BENCH_WA_PORTS + BENCH_SIP_PORTS - 1,
		.workers = 2,
		.on_event = on_event,
		.arg = b,
	};

	assert_int_equal(addr_set(&conf.bind, "127.0.0.1", 0), 0);
	assert_int_equal(addr_set(&conf.public_addr, "192.0.2.1", 0), 0);
	return conf;
}

void bench_init(struct bench *b, const struct media_engine_conf *conf)
{
	struct addr here;

	b->fds_before = open_descriptors();
	assert_int_equal(loop_new(&b->loop), 0);
	assert_int_equal(media_engine_new(b->loop, conf, &b->engine), 0);
	assert_int_equal(addr_set(&here, "127.0.0.1", 0), 0);
	b->peer = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(b->peer, &here.u.sa, addr_len(&here)), 0);
}

void bench_done(struct bench *b)
{
	media_engine_free(b->engine);
	assert_int_equal(fake_sessions_alive(), 0);
	loop_free(b->loop);
	close(b->peer);
	free(b->events);
	assert_int_equal(open_descriptors(), b->fds_before);
	memset(b, 0, sizeof(*b));
}

size_t bench_count(const struct bench *b, enum media_event_kind kind, uint64_t session)
{
	size_t n = 0;

	for (size_t i = 0; i < b->event_count; i++)
		n += b->events[i].kind == kind && (!session || b->events[i].session == session);
	return n;
}

void bench_wait(struct bench *b, enum media_event_kind kind, uint64_t session, size_t count)
{
	uint64_t until_us = clock_mono_us() + BENCH_DEADLINE_MS * 1000ull;

	while (bench_count(b, kind, session) < count) {
		if (clock_mono_us() > until_us)
			fail_msg("%zu reports of kind %d came, not %zu", bench_count(b, kind, session), kind, count);
		loop_step(b->loop, 2);
	}
}

const struct media_event *bench_last(const struct bench *b, enum media_event_kind kind, uint64_t session)
{
	for (size_t i = b->event_count; i-- > 0;)
		if (b->events[i].kind == kind && b->events[i].session == session)
			return &b->events[i];
	fail_msg("no report of kind %d", kind);
	return NULL;
}

uint64_t bench_open(struct bench *b, struct media_local *ret_local)
{
	uint64_t session = 0;

	assert_int_equal(media_open(b->engine, &session, ret_local), 0);
	assert_true(session != 0);
	return session;
}

void bench_send(struct bench *b, uint16_t port, const char *text)
{
	struct addr to;

	assert_int_equal(addr_set(&to, "127.0.0.1", port), 0);
	assert_int_equal(sendto(b->peer, text, strlen(text), 0, &to.u.sa, addr_len(&to)), (ssize_t)strlen(text));
}

bool bench_ask(struct bench *b, uint16_t port, const char *text, char answer[64])
{
	struct pollfd p = {.fd = b->peer, .events = POLLIN};
	ssize_t n;

	bench_send(b, port, text);
	if (poll(&p, 1, BENCH_DEADLINE_MS) != 1)
		return false;
	n = recv(b->peer, answer, 63, 0);
	answer[n > 0 ? n : 0] = '\0';
	return n > 0;
}
