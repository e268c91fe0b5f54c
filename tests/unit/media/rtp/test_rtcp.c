#include "media/rtp/rtcp.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

static struct rtcp_info sample(void)
{
	return (struct rtcp_info){
		.ssrc = 0x11111111,
		.has_sender = true,
		.sender = {.ntp = 0xb44db705e0000000, .rtp_ts = 160, .packets = 7, .octets = 1120},
		.has_block = true,
		.block = {.ssrc = 0x22222222,
			.fraction_lost = 64,
			.cumulative_lost = -2,
			.highest_seq = 0x10005,
			.jitter = 33,
			.lsr = 0xb7058000,
			.dlsr = 0x00054000},
	};
}

static void test_compound_is_read_back(void **state)
{
	(void)state;
	struct rtcp_info in = sample(), out;
	uint8_t bytes[RTCP_MAX_BYTES];
	in.bye = true;
	/* every CNAME length, for the padding of SDES */
	for (size_t length = 0; length <= RTCP_CNAME_MAX; length++) {
		char cname[RTCP_CNAME_MAX + 1] = {0};
		memset(cname, 'c', length);
		size_t n = rtcp_write(&in, cname, bytes, sizeof(bytes));
		assert_true(n > 0 && n % 4 == 0);
		assert_int_equal(rtcp_parse(bytes, n, 0x22222222, &out), 0);
		assert_int_equal(out.ssrc, in.ssrc);
		assert_true(out.has_sender && out.has_block && out.bye);
		assert_int_equal(out.sender.ntp, in.sender.ntp);
		assert_int_equal(out.sender.rtp_ts, in.sender.rtp_ts);
		assert_int_equal(out.sender.packets, in.sender.packets);
		assert_int_equal(out.sender.octets, in.sender.octets);
		assert_int_equal(out.block.ssrc, in.block.ssrc);
		assert_int_equal(out.block.fraction_lost, in.block.fraction_lost);
		assert_int_equal(out.block.cumulative_lost, in.block.cumulative_lost);
		assert_int_equal(out.block.highest_seq, in.block.highest_seq);
		assert_int_equal(out.block.jitter, in.block.jitter);
		assert_int_equal(out.block.lsr, in.block.lsr);
		assert_int_equal(out.block.dlsr, in.block.dlsr);
		for (size_t cut = 1; cut < n; cut++)
			assert_int_equal(rtcp_write(&in, cname, bytes, cut), 0);
	}
}

static void test_receiver_report_without_blocks(void **state)
{
	(void)state;
	struct rtcp_info in = {.ssrc = 5}, out;
	uint8_t bytes[RTCP_MAX_BYTES];
	size_t n = rtcp_write(&in, "x", bytes, sizeof(bytes));
	assert_int_equal(bytes[1], RTCP_RR);
	assert_int_equal(rtcp_parse(bytes, n, 1, &out), 0);
	assert_false(out.has_sender || out.has_block || out.bye);
}

static void test_block_about_us(void **state)
{
	(void)state;
	struct rtcp_info in = sample(), out;
	uint8_t bytes[RTCP_MAX_BYTES + 24];
	size_t n = rtcp_write(&in, "x", bytes, RTCP_MAX_BYTES);
	/* a relay that renamed our SSRC: a sole block is about us */
	assert_int_equal(rtcp_parse(bytes, n, 99, &out), 0);
	assert_true(out.has_block);
	/* two blocks: only the one that names us */
	memmove(bytes + 28 + 48, bytes + 28 + 24, n - 52);
	memcpy(bytes + 52, bytes + 28, 24);
	bytes[0] = 0x82;
	bytes[3] = (uint8_t)(bytes[3] + 6);
	bytes[52 + 3] = 0x33;
	assert_int_equal(rtcp_parse(bytes, n + 24, 99, &out), 0);
	assert_false(out.has_block);
	assert_int_equal(rtcp_parse(bytes, n + 24, 0x22222233, &out), 0);
	assert_true(out.has_block);
	assert_int_equal(out.block.ssrc, 0x22222233);
}

static void test_hostile(void **state)
{
	(void)state;
	struct rtcp_info in = sample(), out;
	uint8_t bytes[RTCP_MAX_BYTES];
	size_t n = rtcp_write(&in, "x", bytes, sizeof(bytes));
	assert_int_equal(rtcp_parse(bytes, 0, 1, &out), -EPROTO);
	assert_int_equal(rtcp_parse(bytes, 3, 1, &out), -EPROTO);
	assert_int_equal(rtcp_parse(bytes, 30, 1, &out), -EPROTO);
	bytes[0] = 0x9f; /* 31 blocks claimed */
	assert_int_equal(rtcp_parse(bytes, n, 1, &out), -EPROTO);
	bytes[0] = 0x41;
	assert_int_equal(rtcp_parse(bytes, n, 1, &out), -EPROTO);
	/* unknown packet types are skipped: RFC 3550 s6.1 */
	static const uint8_t app[] = {0x80, 204, 0, 2, 0, 0, 0, 1, 'n', 'a', 'm', 'e'};
	assert_int_equal(rtcp_parse(app, sizeof(app), 1, &out), 0);
}

/* The example of RFC 3550 s6.4.1, figure 2: A = 0xb710:8000, LSR 0xb705:2000, DLSR 0x0005:4000 -> 6.125 s */
static void test_round_trip_of_rfc3550(void **state)
{
	(void)state;
	const struct rtcp_block b = {.lsr = 0xb7052000, .dlsr = 0x00054000};
	uint64_t a_us = 0xb710ull * 1000000 + 500000;
	assert_int_equal(rtcp_ntp(a_us) >> 16 & 0xffffffff, 0xb7108000);
	assert_int_equal(rtcp_rtt_us(&b, a_us), 6125000);

	const struct rtcp_block none = {.lsr = 0, .dlsr = 5}, future = {.lsr = 0xb7200000};
	assert_int_equal(rtcp_rtt_us(&none, a_us), -1);
	assert_int_equal(rtcp_rtt_us(&future, a_us), -1);
	const struct rtcp_block rounded = {.lsr = 0xb7108001};
	assert_int_equal(rtcp_rtt_us(&rounded, a_us), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_compound_is_read_back),
		cmocka_unit_test(test_receiver_report_without_blocks),
		cmocka_unit_test(test_block_about_us),
		cmocka_unit_test(test_hostile),
		cmocka_unit_test(test_round_trip_of_rfc3550),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
