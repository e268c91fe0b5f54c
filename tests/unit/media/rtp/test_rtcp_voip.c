/* RTCP XR, VoIP metrics (RFC 3611 s4.7). */
#include "media/rtp/rtcp.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

static const struct rtcp_voip sample = {.ssrc = 0x22222222,
	.loss_rate = 12,
	.discard_rate = 3,
	.burst_density = 90,
	.gap_density = 2,
	.burst_ms = 140,
	.gap_ms = 4200,
	.round_trip_ms = 81,
	.end_system_ms = 67,
	.signal_dbm = -21,
	.noise_dbm = -60,
	.rerl_db = 127,
	.gmin = 16,
	.r_factor = 83,
	.external_r_factor = 127,
	.mos_lq_x10 = 41,
	.mos_cq_x10 = 40,
	.plc = 3,
	.jb_adaptive = 2,
	.jb_rate = 5,
	.jb_nominal_ms = 40,
	.jb_max_ms = 80,
	.jb_limit_ms = 200};

static void test_written_as_the_rfc_draws_it(void **state)
{
	static const uint8_t block[] = {7, 0, 0, 8, 0x22, 0x22, 0x22, 0x22, 12, 3, 90, 2, 0, 140, 0x10, 0x68, 0, 81, 0,
		67, 0xeb, 0xc4, 127, 16, 83, 127, 41, 40, 0xe5, 0, 0, 40, 0, 80, 0, 200};
	const struct rtcp_info info = {.ssrc = 0x11111111, .has_voip = true, .voip = sample};
	uint8_t bytes[RTCP_MAX_BYTES];
	size_t n = rtcp_write(&info, "c", bytes, sizeof(bytes));

	(void)state;
	assert_int_equal(sizeof(block), RTCP_VOIP_BYTES);
	assert_true(n > 8 + sizeof(block));
	const uint8_t *xr = bytes + n - sizeof(block) - 8;
	assert_memory_equal(xr, "\x80\xcf\x00\x0a\x11\x11\x11\x11", 8);
	assert_memory_equal(xr + 8, block, sizeof(block));
}

static void test_read_back(void **state)
{
	struct rtcp_info in = {.ssrc = 1, .has_sender = true, .has_block = true, .has_voip = true, .bye = true}, out;
	uint8_t bytes[RTCP_MAX_BYTES];
	char cname[RTCP_CNAME_MAX + 1];

	(void)state;
	in.voip = sample;
	memset(cname, 'c', sizeof(cname) - 1);
	cname[sizeof(cname) - 1] = '\0';
	size_t n = rtcp_write(&in, cname, bytes, sizeof(bytes)); /* the longest there is */
	assert_true(n > 0);
	assert_int_equal(rtcp_parse(bytes, n, 0x22222222, &out), 0);
	assert_true(out.has_voip && out.bye);
	assert_memory_equal(&out.voip, &sample, sizeof(sample));
	for (size_t cut = 1; cut < n; cut++)
		assert_int_equal(rtcp_write(&in, cname, bytes, cut), 0);
}

static size_t xr_of(uint8_t *dst, const uint8_t *blocks, size_t length)
{
	const uint8_t head[] = {0x80, 207, 0, (uint8_t)(1 + length / 4), 0, 0, 0, 9};

	memcpy(dst, head, sizeof(head));
	memcpy(dst + sizeof(head), blocks, length);
	return sizeof(head) + length;
}

static void test_which_block(void **state)
{
	static const uint8_t rrt[] = {4, 0, 0, 2, 1, 2, 3, 4, 5, 6, 7, 8}; /* receiver reference time */
	uint8_t about[2][RTCP_VOIP_BYTES] = {{7, 0, 0, 8, 0, 0, 0, 1, 50}, {7, 0, 0, 8, 0, 0, 0, 2, 60}};
	uint8_t blocks[128], bytes[160];
	struct rtcp_info out;

	(void)state;
	memcpy(blocks, rrt, sizeof(rrt));
	memcpy(blocks + sizeof(rrt), about, sizeof(about));
	size_t n = xr_of(bytes, blocks, sizeof(rrt) + sizeof(about));
	assert_int_equal(rtcp_parse(bytes, n, 2, &out), 0);
	assert_int_equal(out.voip.loss_rate, 60); /* ours */
	assert_int_equal(rtcp_parse(bytes, n, 1, &out), 0);
	assert_int_equal(out.voip.loss_rate, 50);
	n = xr_of(bytes, rrt, sizeof(rrt));
	assert_int_equal(rtcp_parse(bytes, n, 1, &out), 0);
	assert_false(out.has_voip);
	n = xr_of(bytes, about[0], sizeof(about[0]));
	assert_int_equal(rtcp_parse(bytes, n, 77, &out), 0); /* a sole one, whatever it names */
	assert_true(out.has_voip);
}

static void test_lengths_that_cannot_be(void **state)
{
	uint8_t block[RTCP_VOIP_BYTES] = {7, 0, 0, 8}, bytes[160];
	struct rtcp_info out;
	size_t n;

	(void)state;
	block[3] = 9; /* says more than is there */
	n = xr_of(bytes, block, sizeof(block));
	assert_int_equal(rtcp_parse(bytes, n, 1, &out), -EPROTO);
	block[3] = 7; /* too short for what it is: skipped, and what follows is no block header */
	n = xr_of(bytes, block, sizeof(block) - 4);
	assert_int_equal(rtcp_parse(bytes, n, 1, &out), 0);
	assert_false(out.has_voip);
	for (size_t cut = 1; cut < n; cut++)
		assert_int_equal(rtcp_parse(bytes, cut, 1, &out), -EPROTO);
	assert_int_equal(rtcp_parse((const uint8_t[]){0x80, 207, 0, 0}, 4, 1, &out), -EPROTO); /* not even an SSRC */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_written_as_the_rfc_draws_it),
		cmocka_unit_test(test_read_back),
		cmocka_unit_test(test_which_block),
		cmocka_unit_test(test_lengths_that_cannot_be),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
