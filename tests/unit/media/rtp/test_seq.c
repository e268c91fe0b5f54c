#include "media/rtp/seq.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

static const struct {
	uint16_t seq;
	enum seq_verdict verdict;
	uint32_t extended;
	int64_t lost;
} table[] = {
	{65533, SEQ_NEWEST, 65533, 0},
	{65534, SEQ_NEWEST, 65534, 0},
	{65534, SEQ_DUPLICATE, 65534, 0},
	{0, SEQ_NEWEST, 65536, 1}, /* wraps, 65535 missing */
	{65535, SEQ_REORDERED, 65536, 0},
	{65535, SEQ_DUPLICATE, 65536, 0},
	{4, SEQ_NEWEST, 65540, 3},
	{2, SEQ_REORDERED, 65540, 2},
	{20000, SEQ_SUSPICIOUS, 65540, 2}, /* RFC 3550 A.1: one far away is not believed */
	{5, SEQ_NEWEST, 65541, 2},
	{20000, SEQ_SUSPICIOUS, 65541, 2},
	{20001, SEQ_RESTARTED, 20001, 2}, /* two in a row are */
	{20002, SEQ_NEWEST, 20002, 2},
	{20005, SEQ_NEWEST, 20005, 4},
};

static void test_table(void **state)
{
	(void)state;
	struct seq_tracker t;
	seq_init(&t, 8000);
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		assert_int_equal(seq_packet(&t, table[i].seq), table[i].verdict);
		assert_int_equal(seq_extended_max(&t), table[i].extended);
		assert_int_equal(seq_lost(&t), table[i].lost);
	}
	assert_int_equal(t.duplicates, 2);
	assert_int_equal(t.reordered, 2);
}

static void test_report_fractions(void **state)
{
	(void)state;
	struct seq_tracker t;
	uint8_t fraction;
	int32_t cumulative;
	seq_init(&t, 8000);
	for (uint16_t s = 0; s < 100; s++)
		if (s % 4 != 1)
			seq_packet(&t, s);
	seq_report(&t, &fraction, &cumulative);
	assert_int_equal(fraction, 64); /* a quarter of 256 */
	assert_int_equal(cumulative, 25);
	for (uint16_t s = 100; s < 200; s++)
		seq_packet(&t, s);
	seq_report(&t, &fraction, &cumulative);
	assert_int_equal(fraction, 0);
	assert_int_equal(cumulative, 25);
	for (int i = 0; i < 40; i++)
		seq_packet(&t, 199); /* duplicates make it negative: RFC 3550 s6.4.1 */
	seq_report(&t, &fraction, &cumulative);
	assert_int_equal(fraction, 0);
	assert_int_equal(cumulative, -15);
	seq_packet(&t, 1200);
	seq_report(&t, &fraction, &cumulative);
	assert_int_equal(fraction, 255); /* 1000 of 1001 */
}

/* RFC 3550 A.8: J += (|D| - J) / 16, kept times 16 and rounded. Worked by hand below, clock 8000. */
static const struct {
	uint32_t ts;
	uint64_t at_us;
	uint32_t jitter_q4;
} a8[] = {
	{0, 1000000, 0},     /* first: no difference yet */
	{160, 1020000, 0},   /* on time */
	{320, 1050000, 80},  /* 10 ms late: D = 80 */
	{480, 1060000, 155}, /* back on time: D = -80; 80 + 80 - ((80 + 8) >> 4) = 155 */
	{640, 1080000, 145}, /* D = 0; 155 - ((155 + 8) >> 4) = 145 */
	{800, 1100000, 136},
};

static void test_jitter_of_rfc3550_a8(void **state)
{
	(void)state;
	struct seq_tracker t;
	seq_init(&t, 8000);
	for (size_t i = 0; i < sizeof(a8) / sizeof(a8[0]); i++) {
		seq_jitter(&t, a8[i].ts, a8[i].at_us);
		assert_int_equal(t.jitter_q4, a8[i].jitter_q4);
	}
	/* a constant deviation of 16 units settles at 16 */
	for (uint32_t i = 0; i < 2000; i++)
		seq_jitter(&t, 960 + i * 160, 1120000 + i * 20000 + (i % 2 ? 2000 : 0));
	assert_in_range(t.jitter_q4 >> 4, 15, 17);
	/* a leap of the source's clock is not jitter */
	seq_jitter(&t, 0x80000000, 41140000);
	assert_in_range(t.jitter_q4 >> 4, 15, 17);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_report_fractions),
		cmocka_unit_test(test_jitter_of_rfc3550_a8),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
