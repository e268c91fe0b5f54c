/* What a session does at the edges of a call: start, hold, changes of the SIP side, time-outs. Long calls are in
 * tests/sim. */
#include "media/session_inner.h"
#include "tests/support/media/fake_webrtc_end.h"
#include "tests/support/media/session_sim.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

static struct sim m;

static void start(void)
{
	const struct sim_conf conf = {.wa_link = {.delay_ms = 30, .seed = 1}, .sip_link = {.delay_ms = 5, .seed = 2}};
	sim_init(&m, &conf);
}

static void connected(void)
{
	start();
	sim_connect(&m);
	sim_run_ms(&m, 1000);
}

static void assert_one_line_to_wa(void)
{
	assert_int_equal(m.wa.other_ssrc, 0);
	assert_int_equal(m.wa.seq_steps_not_one, 0);
	assert_int_equal(m.wa.ts_not_forward, 0);
	assert_int_equal(m.wa.ts_odd_steps, 0);
}

/* Milliseconds that the timestamps toward WhatsApp have advanced. */
static uint32_t wa_line_ms(void)
{
	return (m.wa.last_ts - m.wa.first_ts) / 48;
}

static void test_nothing_to_whatsapp_before_accept(void **state)
{
	(void)state;
	start();
	sim_set_wa(&m);
	sim_run_ms(&m, 200);
	assert_int_equal(sim_count_events(&m, SESSION_ICE_NOMINATED), 1);
	assert_int_equal(sim_count_events(&m, SESSION_DTLS_UP), 1);
	struct media_sip_remote remote = sim_sip_remote(&m);
	assert_int_equal(session_set_sip(m.session, &remote, m.now_us), 0);
	m.sip_talks = true; /* early media */
	sim_run_ms(&m, 7000);
	assert_int_equal(m.wa.audio + m.wa.events + m.wa.rtcp, 0);
	session_start_wa(m.session, m.now_us);
	assert_int_equal(m.wa.audio, 1); /* at once */
	assert_int_equal(m.wa.loud, 0);
	sim_run_ms(&m, 3000);
	assert_in_range(m.wa.audio, 149, 152);
	assert_in_range(m.wa.rtcp, 1, 1);
	assert_one_line_to_wa();
	assert_int_equal(sim_find_event(&m, SESSION_FIRST_SENT)->end, END_WA);
	sim_done(&m);
}

static void test_accept_before_dtls_is_up(void **state)
{
	(void)state;
	start();
	session_start_wa(m.session, m.now_us);
	sim_set_wa(&m);
	sim_run_ms(&m, FAKE_WEBRTC_UP_US / 1000 - 1);
	assert_int_equal(m.wa.audio, 0);
	sim_run_ms(&m, 1);
	assert_int_equal(m.wa.audio, 1);
	sim_done(&m);
}

/* The PBX is still ringing: WhatsApp hears silence, and nothing goes to SIP. */
static void test_no_sip_side_yet(void **state)
{
	(void)state;
	start();
	sim_set_wa(&m);
	sim_run_ms(&m, 200);
	session_start_wa(m.session, m.now_us);
	m.wa_talks = m.sip_talks = true;
	sim_run_ms(&m, 2000);
	assert_in_range(m.wa.audio, 100, 101);
	assert_int_equal(m.wa.loud, 0);
	assert_int_equal(m.sip.audio + m.sip.rtcp, 0);
	assert_int_equal(sim_count_events(&m, SESSION_FIRST_AUDIO), 1);
	assert_int_equal(m.session->sip.wrong_source, 0);
	assert_one_line_to_wa();
	const struct media_sip_remote remote = sim_sip_remote(&m);
	assert_int_equal(session_set_sip(m.session, &remote, m.now_us), 0);
	sim_run_ms(&m, 1000);
	assert_in_range(m.sip.audio, 48, 51);
	assert_true(m.sip.loud > 15);
	assert_true(m.wa.loud > 15);
	assert_one_line_to_wa();
	sim_done(&m);
}

static void test_events_in_order(void **state)
{
	(void)state;
	connected();
	static const enum session_event_kind kinds[] = {SESSION_ICE_NOMINATED, SESSION_DTLS_UP, SESSION_FIRST_AUDIO,
		SESSION_FIRST_AUDIO, SESSION_FIRST_SENT, SESSION_FIRST_SENT};
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		assert_int_equal(sim_count_events(&m, kinds[i]),
			kinds[i] == SESSION_FIRST_AUDIO || kinds[i] == SESSION_FIRST_SENT ? 2 : 1);
	assert_int_equal(m.event_count, 6);
	struct media_stats st;
	session_stats(m.session, &st);
	assert_int_equal(st.ice_us, FAKE_WEBRTC_ICE_US);
	assert_int_equal(st.dtls_us, FAKE_WEBRTC_UP_US);
	for (int end = 0; end < END_COUNT; end++) {
		assert_true(st.first_rx_us[end] > 0);
		assert_true(st.first_tx_us[end] >= st.first_rx_us[!end]);
		assert_in_range(st.rx[end].packets, 45, 51);
		assert_in_range(st.tx[end].packets, 48, 52);
	}
	sim_done(&m);
}

static void test_hold_and_resume(void **state)
{
	(void)state;
	connected();
	struct media_sip_remote remote = sim_sip_remote(&m);
	remote.send = remote.receive = false; /* a=inactive */
	session_set_sip(m.session, &remote, m.now_us);
	uint64_t sip_before = m.sip.audio, loud_before = m.wa.loud;
	sim_run_ms(&m, 90000); /* longer than the time-out for silence */
	assert_int_equal(m.sip.audio, sip_before);
	assert_true(m.wa.loud <= loud_before + 1);
	assert_in_range(m.wa.audio, 91 * 50 - 10, 91 * 50 + 5);    /* silence kept flowing */
	assert_in_range(m.session->to_wa.quiet.saved, 4470, 4500); /* coded once */
	remote.send = remote.receive = true;
	session_set_sip(m.session, &remote, m.now_us);
	sim_run_ms(&m, 2000);
	assert_true(m.sip.audio >= sip_before + 98);
	assert_true(m.wa.loud > loud_before + 30);
	assert_int_equal(sim_count_events(&m, SESSION_FAILED), 0);
	assert_in_range(wa_line_ms(), 92900, 93100);
	assert_one_line_to_wa();
	/* the SIP side's own line went on with real time */
	assert_in_range((m.sip.last_ts - m.sip.first_ts) / 8, 92900, 93100);
	assert_int_equal(m.sip.seq_steps_not_one, 0);
	struct media_stats st;
	session_stats(m.session, &st);
	assert_true(st.rx[END_WA].playout_delay_ms < 60);
	sim_done(&m);
}

static void test_one_way_hold(void **state)
{
	(void)state;
	connected();
	struct media_sip_remote remote = sim_sip_remote(&m);
	remote.receive = false; /* we only send: the peer put us on hold and plays no music */
	session_set_sip(m.session, &remote, m.now_us);
	uint64_t sip_before = m.sip.audio;
	m.sip_talks = false;
	sim_run_ms(&m, 70000);
	assert_true(m.sip.audio >= sip_before + 3490);
	assert_int_equal(sim_count_events(&m, SESSION_FAILED), 0);
	sim_done(&m);
}

/* VAD on the SIP side: what comes after a pause has the right place on the line. */
static void test_pauses_of_the_sip_side(void **state)
{
	(void)state;
	connected();
	for (int i = 0; i < 20; i++) {
		m.sip_talks = false;
		sim_run_ms(&m, 333);
		m.sip_talks = true;
		sim_run_ms(&m, 777);
	}
	assert_one_line_to_wa();
	assert_in_range(wa_line_ms(), 23200 - 60, 23200 + 20 * 20);
	assert_true(m.wa.longest_pause_us <= 130000);
	sim_done(&m);
}

static void test_sip_peer_changes_everything(void **state)
{
	(void)state;
	connected();
	m.sip_ssrc = 0x77777777; /* a transfer: another stream */
	m.sip_seq = 5;
	m.sip_ts = 123456;
	sim_run_ms(&m, 1000);
	assert_one_line_to_wa();
	m.sip_ts += 80000000; /* timestamps leap forward, and back */
	sim_run_ms(&m, 1000);
	m.sip_ts -= 90000000;
	sim_run_ms(&m, 1000);
	assert_one_line_to_wa();
	struct media_sip_remote remote = sim_sip_remote(&m);
	remote.codec = AUDIO_PCMA;
	remote.pt = 8;
	m.sip_pt = 8;
	session_set_sip(m.session, &remote, m.now_us);
	sim_run_ms(&m, 1000);
	assert_int_equal(m.sip.last_pt, 8);
	m.sip_seq = (uint16_t)(m.sip_seq + 20000); /* restarts without saying so */
	sim_run_ms(&m, 1000);
	assert_one_line_to_wa();
	assert_in_range(m.wa.audio, 297, 303);
	assert_in_range(wa_line_ms(), 5900, 6100);
	assert_true(m.wa.loud > 130);
	assert_int_equal(sim_count_events(&m, SESSION_FAILED), 0);
	sim_done(&m);
}

static void test_whatsapp_stream_begins_anew(void **state)
{
	(void)state;
	connected();
	m.wa_ssrc++;
	m.wa_seq = 1;
	m.wa_ts = 5;
	sim_run_ms(&m, 1000);
	uint64_t loud = m.sip.loud;
	sim_run_ms(&m, 2000);
	assert_true(m.sip.loud > loud + 40);
	m.wa_ts += 48000 * 100;
	sim_run_ms(&m, 2000);
	assert_true(m.sip.loud > loud + 80);
	assert_int_equal(m.sip.other_ssrc + m.sip.seq_steps_not_one + m.sip.ts_not_forward, 0);
	sim_done(&m);
}

static const struct {
	unsigned sip_ptime_ms, session_ptime_ms;
} ptimes[] = {{10, 20}, {30, 20}, {40, 30}, {60, 60}, {20, 10}, {20, 40}};

static void test_packet_times(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(ptimes) / sizeof(ptimes[0]); i++) {
		const struct sim_conf conf = {.wa_link = {.delay_ms = 30, .jitter_ms = 10, .seed = 1},
			.sip_link = {.delay_ms = 5, .jitter_ms = 5, .seed = 2},
			.sip_ptime_ms = ptimes[i].sip_ptime_ms,
			.session_ptime_ms = ptimes[i].session_ptime_ms};
		sim_init(&m, &conf);
		sim_connect(&m);
		sim_run_ms(&m, 20000);
		assert_one_line_to_wa();
		assert_in_range(m.wa.audio, 990, 1003);
		assert_true(m.wa.ts_gaps <= 3);
		assert_in_range(
			m.sip.audio, 20000 / ptimes[i].session_ptime_ms - 2, 20000 / ptimes[i].session_ptime_ms + 1);
		assert_true(m.sip.ts_gaps <= 1);
		struct media_stats st;
		session_stats(m.session, &st);
		assert_true(st.rx[END_WA].concealed_ms <= 300);
		sim_done(&m);
	}
}

static void check_silence_timeout(bool wa_silent, unsigned expect_ms, enum media_failure failure)
{
	connected();
	if (wa_silent)
		m.wa_talks = false;
	else
		m.sip_talks = false;
	sim_run_ms(&m, expect_ms - 100);
	assert_int_equal(sim_count_events(&m, SESSION_FAILED), 0);
	sim_run_ms(&m, 300);
	assert_int_equal(sim_count_events(&m, SESSION_FAILED), 1);
	assert_int_equal(sim_find_event(&m, SESSION_FAILED)->failure, failure);
	assert_int_equal(sim_find_event(&m, SESSION_FAILED)->end, wa_silent ? END_WA : END_SIP);
	uint64_t sent = m.wa.audio + m.sip.audio;
	assert_int_equal(session_deadline(m.session), UINT64_MAX);
	sim_run_ms(&m, 5000);
	assert_int_equal(m.wa.audio + m.sip.audio, sent); /* nothing more */
	assert_int_equal(sim_count_events(&m, SESSION_FAILED), 1);
	sim_done(&m);
}

static void test_silence_timeouts(void **state)
{
	(void)state;
	check_silence_timeout(true, 30000, MEDIA_FAIL_WA_SILENT);
	check_silence_timeout(false, 60000, MEDIA_FAIL_SIP_SILENT);
}

static void test_webrtc_fails(void **state)
{
	(void)state;
	fake_webrtc_end_fails_with(MEDIA_FAIL_DTLS);
	start();
	fake_webrtc_end_fails_with(MEDIA_FAIL_NONE);
	sim_set_wa(&m);
	sim_run_ms(&m, 1000);
	assert_int_equal(sim_count_events(&m, SESSION_FAILED), 1);
	assert_int_equal(sim_find_event(&m, SESSION_FAILED)->failure, MEDIA_FAIL_DTLS);
	assert_string_equal(media_failure_name(MEDIA_FAIL_DTLS), "dtls_failed");
	sim_done(&m);
}

static void test_symmetric_rtp(void **state)
{
	(void)state;
	start();
	sim_connect(&m);
	addr_set_port(&m.sip_addr, 45678); /* behind a NAT, not where its SDP says */
	sim_run_ms(&m, 1000);
	assert_int_equal(sim_count_events(&m, SESSION_SIP_LATCHED), 1);
	assert_int_equal(addr_port(&sim_find_event(&m, SESSION_SIP_LATCHED)->remote), 45678);
	assert_int_equal(addr_port(rtp_end_rtp_to(&m.session->sip)), 45678);
	sim_done(&m);
}

static void test_hostile_input(void **state)
{
	(void)state;
	connected();
	uint32_t rng = 7;
	for (int i = 0; i < 3000; i++) {
		uint8_t bytes[64];
		for (size_t k = 0; k < sizeof(bytes); k++)
			bytes[k] = (uint8_t)((rng = rng * 1664525 + 1013904223) >> 24);
		if (i % 2)
			bytes[0] = 0x80;
		if (i % 4 == 1)
			bytes[1] = SIM_WA_PT;
		session_input(m.session, i & 8 ? END_WA : END_SIP, i & 16 ? SESSION_RTCP : SESSION_RTP, bytes,
			rng % sizeof(bytes), &m.sip_addr, m.now_us);
		if (i % 10 == 0)
			sim_run_ms(&m, 20);
	}
	sim_run_ms(&m, 3000);
	uint64_t loud = m.sip.loud + m.wa.loud;
	sim_run_ms(&m, 3000);
	assert_true(m.sip.loud + m.wa.loud > loud + 50); /* and it has recovered */
	assert_one_line_to_wa();
	sim_done(&m);
}

static void test_commands_out_of_place(void **state)
{
	(void)state;
	connected();
	struct media_wa_remote wa = {.candidate_count = 1};
	assert_int_equal(session_set_wa(m.session, &wa, m.now_us), -EALREADY);
	struct media_sip_remote remote = sim_sip_remote(&m);
	remote.codec = AUDIO_NONE;
	assert_int_equal(session_set_sip(m.session, &remote, m.now_us), -ENOTSUP);
	session_start_wa(m.session, m.now_us);
	sim_run_ms(&m, 100);
	assert_one_line_to_wa();
	/* the machine slept for ten seconds */
	m.now_us += 10000000;
	m.wa_next_us = m.sip_next_us = (double)m.now_us;
	m.wa_ts += 480000;
	m.sip_ts += 80000;
	uint64_t before = m.sip.audio;
	sim_run_ms(&m, 1000);
	assert_in_range(m.sip.audio - before, 49, 80);
	assert_one_line_to_wa();
	assert_in_range(wa_line_ms(), 11900, 12300);
	sim_done(&m);
	assert_null(session_close(NULL, 0));
	const struct session_conf nothing = {0};
	struct session *s = NULL;
	assert_int_equal(session_new(&nothing, 1, &s), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nothing_to_whatsapp_before_accept),
		cmocka_unit_test(test_accept_before_dtls_is_up),
		cmocka_unit_test(test_no_sip_side_yet),
		cmocka_unit_test(test_events_in_order),
		cmocka_unit_test(test_hold_and_resume),
		cmocka_unit_test(test_one_way_hold),
		cmocka_unit_test(test_pauses_of_the_sip_side),
		cmocka_unit_test(test_sip_peer_changes_everything),
		cmocka_unit_test(test_whatsapp_stream_begins_anew),
		cmocka_unit_test(test_packet_times),
		cmocka_unit_test(test_silence_timeouts),
		cmocka_unit_test(test_webrtc_fails),
		cmocka_unit_test(test_symmetric_rtp),
		cmocka_unit_test(test_hostile_input),
		cmocka_unit_test(test_commands_out_of_place),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
