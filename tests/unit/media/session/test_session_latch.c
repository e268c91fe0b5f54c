/* Who is heard on the SIP side, and for how long nobody may be: strangers, late media, pauses, packets of all lengths.
 */
#include "media/session_inner.h"
#include "tests/support/media/session_sim.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <string.h>

static struct sim m;

static void connected(bool opus)
{
	const struct sim_conf conf = {
		.wa_link = {.delay_ms = 30, .seed = 1}, .sip_link = {.delay_ms = 5, .seed = 2}, .opus = opus};
	sim_init(&m, &conf);
	sim_connect(&m);
	sim_run_ms(&m, 1000);
}

static void assert_sends_to(const char *text)
{
	char got[ADDR_TEXT_MAX];
	assert_string_equal(addr_format(rtp_end_rtp_to(&m.session->sip), got, sizeof(got)), text);
}

static void assert_line_to_wa(void)
{
	assert_int_equal(m.wa.other_ssrc + m.wa.seq_steps_not_one + m.wa.ts_not_forward + m.wa.ts_odd_steps, 0);
	assert_int_equal(sim_count_events(&m, SESSION_FAILED), 0);
}

/* Full scale, 1 kHz, from anywhere. */
static void stranger_sends(const char *from, uint8_t pt, uint32_t ssrc, uint16_t seq, uint32_t ts)
{
	uint8_t packet[RTP_HEADER_BYTES + 160];
	const struct rtp_hdr h = {.pt = pt, .seq = seq, .ts = ts, .ssrc = ssrc};
	struct addr a;
	assert_int_equal(addr_parse(from, &a), 0);
	rtp_write(&h, packet);
	for (size_t i = 0; i < 160; i++)
		packet[RTP_HEADER_BYTES + i] = i % 8 < 4 ? 0x80 : 0x00;
	session_input(m.session, END_SIP, SESSION_RTP, packet, sizeof(packet), &a, m.now_us);
}

/* A stream beside the call's, from another host: during speech, in pauses, on hold. */
static void test_stranger_beside_the_call(void **state)
{
	(void)state;
	for (int opus = 0; opus < 2; opus++) {
		connected(opus);
		uint16_t seq = 1;
		m.sip_talks = false;
		sim_run_ms(&m, 200);
		uint64_t loud = m.wa.loud;
		for (int i = 0; i < 50 * 40; i++) { /* the peer is silent for most of a minute: VAD, or it is looking */
			stranger_sends("203.0.113.66:4000", opus ? SIM_OPUS_PT : 0, 0x66, seq, seq * 160u);
			stranger_sends("203.0.113.67:4000", SIM_SIP_EVENT_PT, 0x67, seq, 5);
			seq++;
			sim_run_ms(&m, 20);
		}
		assert_sends_to("192.0.2.7:4000");
		assert_int_equal(m.wa.loud, loud);
		assert_int_equal(m.wa.digit_count, 0);
		m.sip_talks = true;
		sim_run_ms(&m, 2000);
		assert_true(m.wa.loud > loud + 30);
		assert_line_to_wa();
		sim_done(&m);
	}
}

/* He knows the SSRC, but not where the sequence is; or has the address, but no payload type of the call. */
static void test_stranger_who_knows_a_part(void **state)
{
	(void)state;
	connected(false);
	for (int i = 0; i < 200; i++) {
		stranger_sends("203.0.113.66:4000", 0, m.sip_ssrc, (uint16_t)(m.sip_seq + 3000 + i * 150), m.sip_ts);
		stranger_sends("203.0.113.66:4000", 77, m.sip_ssrc, m.sip_seq, m.sip_ts);
		sim_run_ms(&m, 20);
	}
	assert_sends_to("192.0.2.7:4000");
	assert_int_equal(m.session->sip.stream.ssrc_changes, 0);
	assert_line_to_wa();
	sim_done(&m);
}

/* Its first packet comes half a minute after its 200; then nothing for 50 s, twice. */
static void test_late_media_and_pauses(void **state)
{
	(void)state;
	for (int opus = 0; opus < 2; opus++) {
		const struct sim_conf conf = {
			.wa_link = {.delay_ms = 30, .seed = 1}, .sip_link = {.delay_ms = 5, .seed = 2}, .opus = opus};
		sim_init(&m, &conf);
		sim_connect(&m);
		m.sip_talks = false;
		sim_run_ms(&m, 30000);
		assert_int_equal(m.wa.loud, 0);
		assert_in_range(m.wa.audio, 1490, 1505); /* silence all the while */
		assert_true(m.sip.loud > 700);           /* and the user is heard from the beginning */
		for (int i = 0; i < 2; i++) {
			uint64_t loud = m.wa.loud;
			m.sip_talks = true;
			sim_run_ms(&m, 3000);
			assert_true(m.wa.loud > loud + 60);
			m.sip_talks = false;
			sim_run_ms(&m, 50000);
		}
		m.sip_talks = true;
		sim_run_ms(&m, 1000);
		assert_true(m.wa.longest_gap_us <= 101000);
		assert_line_to_wa();
		sim_done(&m);
	}
}

/* Comfort noise under both its numbers is a pause, no fault of the peer's. */
static void test_comfort_noise(void **state)
{
	struct media_stats st;
	(void)state;
	connected(false);
	struct media_sip_remote remote = sim_sip_remote(&m);
	remote.cn_pt = 98;
	assert_int_equal(session_set_sip(m.session, &remote, m.now_us), 0);
	m.sip_talks = false;
	for (int i = 0; i < 400; i++) {
		sim_sip_sends(&m, i % 2 ? 13 : 98, false, m.sip_ts, (uint8_t[]){60}, 1);
		sim_run_ms(&m, 200);
	}
	m.sip_talks = true;
	uint64_t loud = m.wa.loud;
	sim_run_ms(&m, 1000);
	assert_true(m.wa.loud > loud + 20);
	session_stats(m.session, &st);
	assert_int_equal(st.rx[END_SIP].discarded, 0);
	assert_line_to_wa();
	sim_done(&m);
}

/* Every packet time, changed in the middle of a word, in every codec. */
static void test_packet_time_changes(void **state)
{
	static const unsigned ptimes[] = {20, 10, 60, 30, 40, 50, 10, 20};
	(void)state;
	for (int g722 = 0; g722 < 2; g722++) {
		const struct sim_conf conf = {
			.wa_link = {.delay_ms = 30, .seed = 1}, .sip_link = {.delay_ms = 5, .seed = 2}, .g722 = g722};
		sim_init(&m, &conf);
		sim_connect(&m);
		sim_run_ms(&m, 400);
		m.wa.ts_gaps = 0;
		for (size_t i = 0; i < sizeof(ptimes) / sizeof(ptimes[0]); i++) {
			m.conf.sip_ptime_ms = ptimes[i];
			uint64_t loud = m.wa.loud;
			sim_run_ms(&m, 1600);
			assert_true(m.wa.loud > loud + 35);
		}
		assert_int_equal(m.wa.ts_gaps, 0);
		assert_in_range((m.wa.last_ts - m.wa.first_ts) / 48, 13100, 13220);
		assert_line_to_wa();
		sim_done(&m);
	}
}

/* The numbers of our offer, where the answer has others: many send by their own, some by ours (RFC 3264 s5.1). */
static void test_events_under_either_number(void **state)
{
	(void)state;
	connected(false);
	struct media_sip_remote remote = sim_sip_remote(&m);
	remote.event_pt_own = 97;
	assert_int_equal(session_set_sip(m.session, &remote, m.now_us), 0);
	sim_sip_sends(&m, SIM_SIP_EVENT_PT, true, m.sip_ts, (uint8_t[]){1, 0x8a, 3, 0x20}, 4);
	sim_run_ms(&m, 300);
	sim_sip_sends(&m, 97, true, m.sip_ts, (uint8_t[]){2, 0x8a, 3, 0x20}, 4);
	sim_run_ms(&m, 300);
	assert_string_equal(m.wa.digits, "12");
	assert_line_to_wa();
	sim_done(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_stranger_beside_the_call),
		cmocka_unit_test(test_stranger_who_knows_a_part),
		cmocka_unit_test(test_late_media_and_pauses),
		cmocka_unit_test(test_comfort_noise),
		cmocka_unit_test(test_packet_time_changes),
		cmocka_unit_test(test_events_under_either_number),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
