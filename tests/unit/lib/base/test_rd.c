/* tests/unit/lib/base/test_rd.c */
#include "lib/base/rd.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void reads_network_order(void **state)
{
	static const uint8_t bytes[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21};
	struct rd r = rd_init(bytes, sizeof(bytes));

	(void)state;
	assert_int_equal(rd_u8(&r), 1);
	assert_int_equal(rd_u16(&r), 0x0203);
	assert_int_equal(rd_u24(&r), 0x040506);
	assert_int_equal(rd_u32(&r), 0x0708090a);
	assert_true(rd_u64(&r) == UINT64_C(0x0b0c0d0e0f101112));
	rd_skip(&r, 1);
	assert_ptr_equal(rd_bytes(&r, 2), bytes + 19);
	assert_int_equal(rd_left(&r), 0);
	assert_true(rd_ok(&r));
	assert_non_null(rd_bytes(&r, 0));
	assert_true(rd_ok(&r));
}

/* For every length and every read: never past the end, and zeros for ever after the first failure. */
static void fails_once_and_for_all(void **state)
{
	static const uint8_t bytes[] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};

	(void)state;
	for (size_t length = 0; length <= sizeof(bytes); length++) {
		struct rd r = rd_init(bytes, length);
		assert_int_equal(rd_u64(&r) & 0xffffffff, 0); /* the half that was there may be read */
		assert_false(rd_ok(&r));
		assert_int_equal(rd_left(&r), 0);
		assert_int_equal(rd_u8(&r) | rd_u16(&r) | rd_u24(&r), 0);
		assert_int_equal(rd_u32(&r), 0);
		assert_null(rd_bytes(&r, 0));
	}
	struct rd r = rd_init(bytes, 3);
	rd_skip(&r, SIZE_MAX);
	assert_false(rd_ok(&r));
}

static void writes_network_order(void **state)
{
	static const uint8_t expected[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 'a', 'b'};
	uint8_t bytes[17];
	struct wr w = wr_init(bytes, sizeof(bytes));

	(void)state;
	wr_u8(&w, 1);
	wr_u16(&w, 0x0203);
	wr_u32(&w, 0x04050607);
	wr_u64(&w, UINT64_C(0x08090a0b0c0d0e0f));
	wr_bytes(&w, "ab", 2);
	wr_bytes(&w, NULL, 0);
	assert_false(w.failed);
	assert_int_equal(w.length, sizeof(expected));
	assert_memory_equal(bytes, expected, sizeof(expected));
	wr_u8(&w, 1);
	assert_true(w.failed);
	assert_int_equal(w.length, sizeof(expected));
}

static void a_failed_writer_writes_no_more(void **state)
{
	uint8_t bytes[4] = {0};
	struct wr w = wr_init(bytes, 3);

	(void)state;
	wr_u16(&w, 0x0102);
	wr_u16(&w, 0x0304);
	wr_u8(&w, 5);
	assert_true(w.failed);
	assert_int_equal(w.length, 2);
	assert_int_equal(bytes[2], 0);
	assert_null(wr_room(&w, 0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_network_order),
		cmocka_unit_test(fails_once_and_for_all),
		cmocka_unit_test(writes_network_order),
		cmocka_unit_test(a_failed_writer_writes_no_more),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
