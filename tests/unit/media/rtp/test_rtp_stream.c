#include "media/rtp/rtp_stream.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>

static void start(struct rtp_stream *s, uint32_t ssrc)
{
	const struct rtp_stream_conf conf = {
		.clock_hz = 8000, .ssrc = ssrc, .first_seq = 65534, .cname = "unit", .random_seed = 7 + ssrc};
	rtp_stream_init(s, &conf);
}

static bool deliver(struct rtp_stream *from, struct rtp_stream *to, uint32_t ts, uint64_t now_us, bool lost)
{
	uint8_t bytes[RTP_HEADER_BYTES];
	struct rtp_hdr h;
	bool is_new = false;
	rtp_stream_header(from, 0, false, ts, 160, now_us, bytes);
	if (lost)
		return false;
	assert_int_equal(rtp_parse(bytes, sizeof(bytes), &h), 0);
	assert_int_equal(rtp_stream_received(to, &h, true, now_us, &is_new), SEQ_NEWEST);
	return is_new;
}

/* One way 30 ms each; every tenth packet is lost. */
static void test_two_streams_report_to_each_other(void **state)
{
	(void)state;
	struct rtp_stream a, b;
	uint8_t report[RTCP_MAX_BYTES];
	bool has_block;
	uint64_t now_us = 5000000;
	int reports = 0;
	start(&a, 0xa);
	start(&b, 0xb);
	assert_int_equal(rtp_stream_deadline(&a), UINT64_MAX);
	rtp_stream_start_reports(&a, now_us);
	rtp_stream_start_reports(&b, now_us);
	assert_in_range(rtp_stream_deadline(&a) - now_us, 1000000, 2000000);
	for (uint32_t i = 0; i < 3000; i++, now_us += 20000) {
		bool is_new = deliver(&a, &b, i * 160, now_us, i % 10 == 9);
		assert_int_equal(is_new, i == 0);
		deliver(&b, &a, i * 160, now_us, false);
		struct rtp_stream *ends[2] = {&a, &b};
		for (int k = 0; k < 2; k++) {
			if (now_us < rtp_stream_deadline(ends[k]))
				continue;
			size_t n = rtp_stream_report(ends[k], false, now_us, report, sizeof(report));
			assert_int_equal(report[1], RTCP_SR);
			assert_in_range(rtp_stream_deadline(ends[k]) - now_us, 2500000, 7500000);
			assert_int_equal(rtp_stream_rtcp(ends[!k], report, n, now_us + 30000, &has_block), 0);
			assert_true(has_block);
			reports++;
		}
	}
	assert_in_range(reports, 20, 30);
	assert_int_equal(rtp_stream_lost(&b), 299); /* the last loss is not seen yet */
	assert_true(rtp_stream_remote_loss_percent(&a) > 9.0 && rtp_stream_remote_loss_percent(&a) < 11.0);
	assert_true(rtp_stream_remote_loss_percent(&b) == 0.0);
	/* reports travel 30 ms each way and nothing else delays them */
	assert_true(rtp_stream_rtt_ms(&a) > 59.0 && rtp_stream_rtt_ms(&a) < 61.0);
	assert_true(rtp_stream_jitter_ms(&b) < 0.5);
	size_t n = rtp_stream_report(&a, true, now_us, report, sizeof(report));
	assert_int_equal(rtp_stream_rtcp(&b, report, n, now_us, &has_block), 0);
	assert_true(b.bye_received);
}

static void test_silent_side_sends_receiver_reports(void **state)
{
	(void)state;
	struct rtp_stream s;
	uint8_t report[RTCP_MAX_BYTES];
	start(&s, 1);
	rtp_stream_start_reports(&s, 0);
	assert_true(rtp_stream_report(&s, false, 2000000, report, sizeof(report)) > 0);
	assert_int_equal(report[1], RTCP_RR);
	assert_int_equal(report[0], 0x80); /* and nothing heard: no block */
}

static void test_peer_ssrc_changes(void **state)
{
	(void)state;
	struct rtp_stream a, a2, b;
	start(&a, 0xa);
	start(&a2, 0xaa);
	start(&b, 0xb);
	deliver(&a, &b, 0, 0, false);
	deliver(&a, &b, 160, 20000, true);
	deliver(&a, &b, 320, 40000, false);
	assert_true(deliver(&a2, &b, 777, 60000, false));
	assert_false(deliver(&a2, &b, 937, 80000, false));
	assert_int_equal(b.ssrc_changes, 1);
	assert_int_equal(rtp_stream_lost(&b), 1);
	assert_int_equal(b.rx_packets, 4);
	assert_true(rtp_stream_rtt_ms(&b) == -1.0);
}

static void test_malformed_rtcp(void **state)
{
	(void)state;
	struct rtp_stream s;
	bool has_block = true;
	start(&s, 1);
	assert_int_equal(rtp_stream_rtcp(&s, "\x80\xc8\x00\x06", 4, 1, &has_block), -EPROTO);
	assert_false(has_block);
	assert_int_equal(s.last_rx_us, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_two_streams_report_to_each_other),
		cmocka_unit_test(test_silent_side_sends_receiver_reports),
		cmocka_unit_test(test_peer_ssrc_changes),
		cmocka_unit_test(test_malformed_rtcp),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
