/* tests/unit/lib/base/test_mailbox.c */
#include "lib/base/mailbox.h"

#include "lib/base/thread.h"
#include "tests/support/oom.h"

#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/resource.h>

#include <cmocka.h>

struct message {
	uint64_t number;
	uint8_t filler[12];
};

static bool readable(const struct mailbox *mb, int wait_ms)
{
	struct pollfd p = {.fd = mailbox_fd(mb), .events = POLLIN};
	return poll(&p, 1, wait_ms) == 1;
}

static void first_in_first_out(void **state)
{
	struct mailbox *mb;
	uint64_t next_in = 0, next_out = 0, got;

	(void)state;
	assert_int_equal(mailbox_new(sizeof(uint64_t), 3, &mb), 0); /* rounded up to 4 */
	assert_false(mailbox_get(mb, &got));
	assert_true(mailbox_has_room(mb, 4));
	assert_false(mailbox_has_room(mb, 5));
	for (int round = 0; round < 10; round++) { /* wraps around */
		for (int i = 0; i < 4; i++, next_in++)
			assert_int_equal(mailbox_put(mb, &next_in), 0);
		assert_int_equal(mailbox_put(mb, &next_in), -EAGAIN);
		assert_false(mailbox_has_room(mb, 1));
		assert_true(mailbox_has_room(mb, 0));
		for (int i = 0; i < 3; i++, next_out++) {
			assert_true(mailbox_get(mb, &got));
			assert_int_equal(got, next_out);
		}
		assert_true(mailbox_has_room(mb, 3));
		assert_int_equal(mailbox_put(mb, &next_in), 0);
		next_in++;
		while (mailbox_get(mb, &got))
			assert_int_equal(got, next_out++);
		assert_int_equal(next_out, next_in);
	}
	assert_null(mailbox_free(mb));
	assert_null(mailbox_free(NULL));
}

static void the_descriptor_tells(void **state)
{
	struct mailbox *mb;
	int m = 7, got;

	(void)state;
	assert_int_equal(mailbox_new(sizeof(m), 8, &mb), 0);
	assert_false(readable(mb, 0));
	for (int round = 0; round < 3; round++) {
		mailbox_put(mb, &m);
		mailbox_put(mb, &m);
		assert_true(readable(mb, 0));
		mailbox_clear(mb);
		assert_false(readable(mb, 0));
		assert_true(mailbox_get(mb, &got));
		mailbox_put(mb, &m); /* while draining: rings again */
		assert_true(readable(mb, 0));
		while (mailbox_get(mb, &got)) {
		}
		mailbox_clear(mb);
		assert_false(readable(mb, 0));
		mailbox_clear(mb);
	}
	mailbox_free(mb);
}

static void refuses_bad_sizes(void **state)
{
	static const struct {
		size_t bytes, capacity;
	} bad[] = {{0, 1}, {1, 0}, {1, (size_t)1 << 25}, {SIZE_MAX / 2, 8}};
	struct mailbox *mb = NULL;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(mailbox_new(bad[i].bytes, bad[i].capacity, &mb), -EINVAL);
	assert_null(mb);
}

static void out_of_memory_and_descriptors(void **state)
{
	struct mailbox *mb;
	struct rlimit before, none;

	(void)state;
	for (unsigned n = 1; oom_next(n); n++) {
		mb = NULL;
		int r = mailbox_new(8, 8, &mb);
		assert_int_equal(r, oom_off() ? -ENOMEM : 0);
		mailbox_free(mb);
	}
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	none = before;
	none.rlim_cur = 3; /* the standard ones */
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	int r = mailbox_new(8, 8, &mb);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	assert_int_equal(r, -EMFILE);
}

/* ---- two threads ---- */

enum { MESSAGES = 1000000, RING = 64 };

static void write_all(void *arg)
{
	struct mailbox *mb = arg;

	for (uint64_t i = 0; i < MESSAGES; i++) {
		struct message m = {.number = i};
		memset(m.filler, (int)(i & 0xff), sizeof(m.filler));
		while (mailbox_put(mb, &m) == -EAGAIN)
			sched_yield();
		if (i % 4096 == 0)
			sched_yield(); /* let the reader run dry and sleep now and then */
	}
}

/* The reader sleeps in poll() whenever the ring is empty: a lost wake-up is a time-out. */
static void a_million_messages_between_threads(void **state)
{
	struct mailbox *mb;
	struct thread *writer;
	struct message m;
	uint64_t next = 0;

	(void)state;
	assert_int_equal(mailbox_new(sizeof(m), RING, &mb), 0);
	assert_int_equal(thread_start("writer", write_all, mb, &writer), 0);
	while (next < MESSAGES) {
		assert_true(readable(mb, 20000));
		mailbox_clear(mb);
		while (mailbox_get(mb, &m)) {
			if (m.number != next || m.filler[0] != (next & 0xff) || m.filler[11] != (next & 0xff))
				fail_msg(
					"message %llu is %llu", (unsigned long long)next, (unsigned long long)m.number);
			next++;
		}
	}
	thread_join(writer);
	assert_false(mailbox_get(mb, &m));
	mailbox_free(mb);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(first_in_first_out),
		cmocka_unit_test(the_descriptor_tells),
		cmocka_unit_test(refuses_bad_sizes),
		cmocka_unit_test(out_of_memory_and_descriptors),
		cmocka_unit_test(a_million_messages_between_threads),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
