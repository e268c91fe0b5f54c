/* The encoder toward WhatsApp obeys: the bit rate of Meta's SDP, the worker's governor, the loss that RTCP reports.
 * What counts is what is on the wire. */
#include "media/rtp/rtcp.h"
#include "media/session_inner.h"
#include "tests/support/media/session_sim.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

static struct sim m;

static void call_with(struct sim_conf conf)
{
	conf.wa_link.seed = 1;
	conf.sip_link.seed = 2;
	sim_init(&m, &conf);
	sim_connect(&m);
	sim_run_ms(&m, 500);
}

/* Bytes sent to WhatsApp meanwhile. */
static uint64_t bytes_in(unsigned ms)
{
	uint64_t before = m.wa.bytes;
	sim_run_ms(&m, ms);
	return m.wa.bytes - before;
}

/* Packets with redundancy meanwhile. */
static uint64_t redundant_in(unsigned ms)
{
	uint64_t before = m.wa.redundant;
	sim_run_ms(&m, ms);
	return m.wa.redundant - before;
}

static uint64_t bytes_with(uint32_t own, uint32_t max)
{
	call_with((struct sim_conf){.opus_bitrate = own, .wa_max_bitrate = max});
	uint64_t n = bytes_in(8000);
	sim_done(&m);
	return n;
}

/* Ours is a wish, Meta's maxaveragebitrate a limit, whichever is less. */
static void test_bit_rate(void **state)
{
	static const struct {
		uint32_t own, max;
		uint32_t is_like; /* ours alone */
	} table[] = {{0, 0, 24000}, {24000, 64000, 24000}, {24000, 20000, 20000}, {24000, 8000, 8000},
		{8000, 20000, 8000}, {64000, 6000, 6000}};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		assert_int_equal(bytes_with(table[i].own, table[i].max), bytes_with(table[i].is_like, 0));
	for (uint32_t rate = 6000; rate <= 20000; rate += 2000) {
		uint64_t sent = bytes_with(0, rate); /* bytes in 8 s: bits a second */
		if (sent > rate * 102 / 100)
			fail_msg("%lu bit/s, of %u", (unsigned long)sent, rate);
	}
	assert_true(bytes_with(0, 8000) < bytes_with(0, 20000) * 9 / 10); /* it is the rate that decides */
}

/* The worker's governor has all its encoders try harder, or less, from their next frame on. */
static void test_complexity_of_the_moment(void **state)
{
	uint8_t steady = 0, moving = 0;
	uint64_t bytes[2][3];

	(void)state;
	for (int run = 0; run < 2; run++) {
		uint8_t *now = run ? &moving : &steady;
		call_with((struct sim_conf){.complexity_now = now});
		bytes[run][0] = bytes_in(2000);
		moving = 5;
		bytes[run][1] = bytes_in(4000);
		moving = 0;
		sim_run_ms(&m, 4000);
		bytes[run][2] = bytes_in(2000);
		sim_done(&m);
	}
	assert_int_equal(bytes[0][0], bytes[1][0]);
	assert_true(bytes[0][1] != bytes[1][1]);
	assert_in_range(bytes[1][2], bytes[0][2] * 9 / 10, bytes[0][2] * 11 / 10);
}

/* WhatsApp reports what it has lost. */
static void wa_reports(unsigned fraction_lost)
{
	const struct rtcp_info info = {.ssrc = m.wa_ssrc,
		.has_block = true,
		.block = {.ssrc = 0x33330000, .fraction_lost = (uint8_t)fraction_lost}};
	uint8_t bytes[RTCP_MAX_BYTES];
	size_t n = rtcp_write(&info, "user", bytes, sizeof(bytes));

	session_input(m.session, END_WA, SESSION_RTP, bytes, n, &m.wa_addr, m.now_us);
}

static void test_redundancy_by_reported_loss(void **state)
{
	(void)state;
	call_with((struct sim_conf){.complexity = 5});
	assert_int_equal(redundant_in(4000), 0);
	wa_reports(2); /* under 1 % */
	assert_int_equal(redundant_in(4000), 0);
	wa_reports(26);
	sim_run_ms(&m, 200);
	uint64_t with = redundant_in(4000); /* half a second of words in 800 ms */
	assert_in_range(with, 60, 200);
	for (int i = 0; i < 24; i++) { /* two minutes without loss */
		wa_reports(0);
		sim_run_ms(&m, 5000);
	}
	assert_int_equal(redundant_in(4000), 0);
	sim_done(&m);
}

/* Until the first report, what the configuration expects; and never for a receiver that cannot use it. */
static void test_redundancy_before_a_report(void **state)
{
	const struct media_opus_receiver deaf = {.no_fec = true};

	(void)state;
	call_with((struct sim_conf){.complexity = 5, .opus_loss_percent = 10});
	assert_in_range(redundant_in(4000), 60, 200);
	opus_line_set_receiver(&m.session->to_wa, &deaf);
	wa_reports(51);
	sim_run_ms(&m, 200);
	assert_int_equal(redundant_in(4000), 0);
	sim_done(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bit_rate),
		cmocka_unit_test(test_complexity_of_the_moment),
		cmocka_unit_test(test_redundancy_by_reported_loss),
		cmocka_unit_test(test_redundancy_before_a_report),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
