/* The numbers of a call: what a listener would say, and what the SIP side is told of it. */
#include "media/quality.h"
#include "media/session_inner.h"
#include "tests/support/media/session_sim.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <math.h>
#include <string.h>

static struct sim m;

static void call_with(double loss_percent, bool xr)
{
	const struct sim_conf conf = {.wa_link = {.delay_ms = 30, .loss_percent = loss_percent, .seed = 1},
		.sip_link = {.delay_ms = 5, .loss_percent = loss_percent, .seed = 2}};
	sim_init(&m, &conf);
	sim_connect(&m);
	struct media_sip_remote remote = sim_sip_remote(&m);
	remote.xr_voip = xr;
	assert_int_equal(session_set_sip(m.session, &remote, m.now_us), 0);
}

static void sip_reports(const struct rtcp_info *info)
{
	uint8_t bytes[RTCP_MAX_BYTES];
	size_t n = rtcp_write(info, "pbx", bytes, sizeof(bytes));
	session_input(m.session, END_SIP, SESSION_RTCP, bytes, n, &m.sip_rtcp_addr, m.now_us);
}

static void test_verdict(void **state)
{
	static const struct {
		struct media_rx_stats rx;
		enum emodel_codec codec;
		double loss, discard, concealed, least_mos, most_mos;
	} table[] = {
		{{.packets = 1000, .concealed_ms = -1, .burst_ratio = 1}, EMODEL_G711_PLC, 0, 0, -1, 4.3, 4.5},
		{{.packets = 900, .lost = 100, .late = 50, .concealed_ms = -1, .burst_ratio = 1}, EMODEL_G711_PLC, 10,
			5, -1, 2.0, 3.3},
		/* lost, but brought back by redundancy */
		{{.packets = 900, .lost = 100, .concealed_ms = 0, .fec_ms = 2000, .played_ms = 18000, .burst_ratio = 1},
			EMODEL_OPUS_NB, 10, 0, 0, 4.2, 4.5},
		{{.packets = 900, .lost = 100, .concealed_ms = 2000, .played_ms = 18000, .burst_ratio = 1},
			EMODEL_OPUS_NB, 10, 0, 10, 1.5, 3.4},
		/* half a second away */
		{{.packets = 1000, .rtt_ms = 1000, .concealed_ms = -1, .burst_ratio = 1}, EMODEL_G711_PLC, 0, 0, -1,
			1.0, 3.2},
	};
	const struct media_rx_stats nothing = {.packets = 0};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		const struct quality_verdict q = quality_judge(&table[i].rx, table[i].codec);
		assert_true(fabs(q.loss_percent - table[i].loss) < 0.01);
		assert_true(fabs(q.discard_percent - table[i].discard) < 0.01);
		assert_true(fabs(q.concealed_percent - table[i].concealed) < 0.01);
		if (q.mos_cq < table[i].least_mos || q.mos_cq > table[i].most_mos)
			fail_msg("%zu: MOS %.2f", i, q.mos_cq);
		assert_true(q.mos_lq >= q.mos_cq); /* delay does not hurt a listener */
	}
	assert_true(quality_judge(&nothing, EMODEL_G711_PLC).mos_cq == -1);
}

static void test_voip_metrics_when_asked(void **state)
{
	(void)state;
	for (int asked = 0; asked < 2; asked++) {
		call_with(5, asked);
		sim_run_ms(&m, 30000);
		session_fill_voip(m.session);
		const struct rtp_stream *stream = &m.session->sip.stream;
		assert_int_equal(stream->has_voip, asked);
		if (asked) {
			assert_in_range(stream->voip.loss_rate, 8, 18); /* of 256: 5 % */
			assert_in_range(stream->voip.r_factor, 60, 92);
			assert_in_range(stream->voip.mos_cq_x10, 30, 44);
			assert_in_range(stream->voip.end_system_ms, 40, 200);
			assert_int_equal(stream->voip.gmin, 16);
		}
		sim_done(&m);
	}
}

static void test_what_the_peer_says_of_us(void **state)
{
	struct rtcp_info info = {.ssrc = 0x22220000, .has_block = true, .has_voip = true};
	struct media_stats st;

	(void)state;
	call_with(0, false);
	sim_run_ms(&m, 2000);
	session_stats(m.session, &st);
	assert_true(st.tx[END_SIP].remote_mos == -1);
	info.block = (struct rtcp_block){.ssrc = m.session->sip.stream.ssrc, .fraction_lost = 64, .jitter = 80};
	info.voip = (struct rtcp_voip){
		.ssrc = m.session->sip.stream.ssrc, .discard_rate = 128, .mos_cq_x10 = 38, .mos_lq_x10 = 41};
	sip_reports(&info);
	session_stats(m.session, &st);
	assert_true(st.tx[END_SIP].remote_loss_percent == 25);
	assert_true(st.tx[END_SIP].remote_jitter_ms == 10);
	assert_true(st.tx[END_SIP].remote_discard_percent == 50);
	assert_true(fabs(st.tx[END_SIP].remote_mos - 3.8) < 0.001);
	info.voip.mos_cq_x10 = 127;
	sip_reports(&info);
	session_stats(m.session, &st);
	assert_true(fabs(st.tx[END_SIP].remote_mos - 4.1) < 0.001);
	info.voip.mos_lq_x10 = 255;
	sip_reports(&info);
	session_stats(m.session, &st);
	assert_true(st.tx[END_SIP].remote_mos == -1);
	sim_done(&m);
}

/* RFC 3550 s6.4.1: the round trip out of the peer's echo of our report. */
static void test_round_trip(void **state)
{
	struct rtcp_info info = {.ssrc = 0x22220000, .has_block = true};
	struct media_stats st;

	(void)state;
	call_with(0, false);
	sim_run_ms(&m, 2000);
	info.block = (struct rtcp_block){.ssrc = m.session->sip.stream.ssrc,
		.lsr = (uint32_t)(rtcp_ntp(m.now_us - 150000) >> 16),
		.dlsr = 65536 / 10};
	sip_reports(&info);
	session_stats(m.session, &st);
	assert_true(fabs(st.rx[END_SIP].rtt_ms - 50) < 0.1);
	sim_done(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_verdict),
		cmocka_unit_test(test_voip_metrics_when_asked),
		cmocka_unit_test(test_what_the_peer_says_of_us),
		cmocka_unit_test(test_round_trip),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
