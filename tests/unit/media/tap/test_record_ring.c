/* The ring between a media worker and the recorder: order, wrap-around, full, closed; and two threads at once. */
#include "media/tap/record_ring.h"

#include "lib/base/thread.h"

#include <errno.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static struct tap_frame frame_of(uint8_t *bytes, size_t length, uint32_t number)
{
	memset(bytes, (int)(number & 0xff), length);
	return (struct tap_frame){(enum media_side)(number & 1), TAP_PCM, 8000, number, bytes, length};
}

static void test_sizes(void **state)
{
	struct record_ring *ring = NULL;

	(void)state;
	assert_int_equal(record_ring_new(RECORD_RING_BYTES_MIN - 1, &ring), -EINVAL);
	assert_int_equal(record_ring_new(RECORD_RING_BYTES_MIN + 1, &ring), -EINVAL);
	assert_int_equal(record_ring_new(0, &ring), -EINVAL);
	assert_null(record_ring_free(NULL));
}

static void test_full_then_free_again(void **state)
{
	uint8_t in[TAP_FRAME_BYTES_MAX + 1], out[TAP_FRAME_BYTES_MAX];
	struct record_ring *ring;
	struct tap_frame f;
	uint32_t put = 0, got = 0;
	uint64_t end_us;

	(void)state;
	assert_int_equal(record_ring_new(RECORD_RING_BYTES_MIN, &ring), 0);
	assert_int_equal(record_ring_start_us(ring), 0);
	record_ring_begin(ring, 77);
	assert_int_equal(record_ring_start_us(ring), 77);
	f = frame_of(in, sizeof(in), 0);
	assert_int_equal(record_ring_put(ring, &f), -EMSGSIZE);
	for (int round = 0; round < 50; round++) { /* many times around */
		for (f = frame_of(in, 333, put); record_ring_put(ring, &f) == 0; f = frame_of(in, 333, put))
			put++;
		assert_in_range(put - got, RECORD_RING_BYTES_MIN / 400, RECORD_RING_BYTES_MIN / 333);
		for (int i = 0; i < 7 && record_ring_get(ring, &f, out); i++, got++) {
			assert_int_equal(f.at_us, got);
			assert_int_equal(f.side, got & 1);
			assert_int_equal(f.length, 333);
			assert_int_equal(out[0], got & 0xff);
			assert_int_equal(out[332], got & 0xff);
		}
	}
	assert_int_equal(record_ring_lost(ring), 50);
	assert_false(record_ring_closed(ring, &end_us));
	record_ring_close(ring, 99);
	assert_true(record_ring_closed(ring, &end_us));
	assert_int_equal(end_us, 99);
	while (record_ring_get(ring, &f, out))
		got++;
	assert_int_equal(got, put);
	record_ring_free(ring);
}

enum { MANY = 20000 };

static void put_many(void *arg)
{
	struct record_ring *ring = arg;
	uint8_t in[TAP_FRAME_BYTES_MAX];

	for (uint32_t i = 0; i < MANY;) {
		struct tap_frame f = frame_of(in, i % 700, i);
		if (record_ring_put(ring, &f) == 0)
			i++;
		else
			sched_yield();
	}
	record_ring_close(ring, MANY);
}

static void test_two_threads(void **state)
{
	uint8_t out[TAP_FRAME_BYTES_MAX];
	struct record_ring *ring;
	struct thread *t;
	struct tap_frame f;
	uint64_t end_us = 0;
	uint32_t got = 0;

	(void)state;
	assert_int_equal(record_ring_new(RECORD_RING_BYTES_MIN, &ring), 0);
	assert_int_equal(thread_start("put", put_many, ring, &t), 0);
	for (bool closed = false;;) {
		closed = record_ring_closed(ring, &end_us);
		while (record_ring_get(ring, &f, out)) {
			assert_int_equal(f.at_us, got);
			assert_int_equal(f.length, got % 700);
			if (f.length)
				assert_int_equal(out[f.length - 1], got & 0xff);
			got++;
		}
		if (closed)
			break;
		sched_yield();
	}
	assert_int_equal(got, MANY);
	thread_join(t);
	record_ring_free(ring);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_full_then_free_again),
		cmocka_unit_test(test_two_threads),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
