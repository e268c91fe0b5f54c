/* Digits through a session, both ways. */
#include "media/rtp/telephone_event.h"
#include "media/session_inner.h"
#include "tests/support/media/session_sim.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <string.h>

static struct sim m;

static void connected(uint8_t event_pt)
{
	const struct sim_conf conf = {.wa_link = {.delay_ms = 30, .seed = 1}, .sip_link = {.delay_ms = 5, .seed = 2}};
	sim_init(&m, &conf);
	sim_connect(&m);
	if (!event_pt) {
		struct media_sip_remote remote = sim_sip_remote(&m);
		remote.event_pt = 0;
		session_set_sip(m.session, &remote, m.now_us);
	}
	sim_run_ms(&m, 1000);
}

/* The user holds a key for 160 ms: events of 20 ms instead of audio, in the audio's sequence and clock. */
static void press_on_phone(char digit, unsigned ends_lost)
{
	uint32_t ts = m.wa_ts;
	uint8_t event = (uint8_t)tev_event(digit);
	m.wa_talks = false;
	for (unsigned i = 1; i <= 8; i++) {
		uint16_t duration = (uint16_t)(i * 160);
		bool end = i == 8;
		for (unsigned copy = 0; copy < (end ? 3 - ends_lost : 1); copy++)
			sim_wa_sends(&m, SIM_WA_EVENT_PT, ts,
				(uint8_t[]){event, (uint8_t)(end ? 0x8a : 0x0a), (uint8_t)(duration >> 8),
					(uint8_t)duration},
				4);
		sim_run_ms(&m, 20);
	}
	m.wa_talks = true;
}

static void assert_told(enum media_end end, const char *digits)
{
	size_t n = 0;
	for (size_t i = 0; i < m.event_count; i++) {
		if (m.events[i].kind != SESSION_DTMF)
			continue;
		assert_int_equal(m.events[i].end, end);
		assert_int_equal(m.events[i].digit, digits[n]);
		assert_in_range(m.events[i].duration_ms, 130, 180);
		n++;
	}
	assert_int_equal(n, strlen(digits));
	assert_int_equal(m.session->dtmf_digits, n);
}

static void test_user_to_sip(void **state)
{
	(void)state;
	connected(SIM_SIP_EVENT_PT);
	uint64_t audio = m.sip.audio;
	for (const char *d = "15#0"; *d; d++) {
		press_on_phone(*d, 0);
		sim_run_ms(&m, 500);
	}
	assert_told(END_WA, "15#0");
	/* each 160 ms: seven or eight updates, three ends; the audio stops for them */
	assert_in_range(m.sip.events, 4 * 10, 4 * 11);
	assert_in_range(m.sip.audio - audio, 4 * 33 - 36, 4 * 33 - 4 * 7);
	assert_int_equal(m.sip.other_ssrc + m.sip.seq_steps_not_one + m.sip.ts_not_forward, 0);
	struct media_stats st;
	session_stats(m.session, &st);
	assert_int_equal(st.dtmf_digits, 4);
	assert_int_equal(st.rx[END_WA].lost, 0);
	assert_int_equal(st.rx[END_WA].concealed_ms, 0); /* events are no loss of audio */
	sim_done(&m);
}

static void test_end_packets_lost(void **state)
{
	(void)state;
	connected(SIM_SIP_EVENT_PT);
	press_on_phone('7', 3);
	assert_int_equal(sim_count_events(&m, SESSION_DTMF), 0);
	sim_run_ms(&m, 400);
	assert_told(END_WA, "7");
	sim_run_ms(&m, 400);
	assert_false(tev_tx_active(&m.session->to_sip.events));
	sim_done(&m);
}

static void test_sip_side_takes_no_events(void **state)
{
	(void)state;
	connected(0);
	press_on_phone('3', 0);
	sim_run_ms(&m, 400);
	assert_told(END_WA, "3");
	assert_int_equal(m.sip.events, 0);
	sim_done(&m);
}

static void test_sip_to_user(void **state)
{
	(void)state;
	connected(SIM_SIP_EVENT_PT);
	uint64_t audio = m.wa.audio;
	uint32_t ts = m.sip_ts;
	m.sip_talks = false;
	for (unsigned i = 1; i <= 8; i++) {
		uint16_t duration = (uint16_t)(i * 160);
		sim_sip_sends(&m, SIM_SIP_EVENT_PT, i == 1, ts,
			(uint8_t[]){9, (uint8_t)(i == 8 ? 0x8a : 0x0a), (uint8_t)(duration >> 8), (uint8_t)duration},
			4);
		sim_run_ms(&m, 20);
	}
	m.sip_talks = true;
	sim_run_ms(&m, 1000);
	assert_told(END_SIP, "9");
	assert_in_range(m.wa.events, 9, 11);
	assert_in_range(m.wa.audio - audio, 48, 52);
	assert_int_equal(m.wa.other_ssrc + m.wa.seq_steps_not_one + m.wa.ts_not_forward + m.wa.ts_odd_steps, 0);
	assert_true(m.wa.loud > 30);
	sim_done(&m);
}

/* ---- digits of ours ---- */

static const struct sim_received *heard_by(enum media_side side)
{
	return side == SIDE_WA ? &m.wa : &m.sip;
}

/* 100 ms each, 60 between them, in steps of 20. */
static void assert_sent(enum media_side side, const char *digits)
{
	const struct sim_received *r = heard_by(side);
	assert_string_equal(r->digits, digits);
	for (size_t i = 0; i < r->digit_count; i++) {
		assert_int_equal(r->digit_ms[i], 100);
		if (i)
			assert_in_range(r->digit_begun_us[i] - r->digit_ended_us[i - 1], 60000, 100000);
	}
	assert_int_equal(m.wa.other_ssrc + m.wa.seq_steps_not_one + m.wa.ts_not_forward + m.wa.ts_odd_steps, 0);
	assert_int_equal(m.sip.other_ssrc + m.sip.seq_steps_not_one + m.sip.ts_not_forward, 0);
	assert_int_equal(sim_count_events(&m, SESSION_DTMF), 0); /* nobody has pressed them */
}

static void test_we_dial(void **state)
{
	(void)state;
	for (enum media_side side = SIDE_WA; side <= SIDE_SIP; side++) {
		connected(SIM_SIP_EVENT_PT);
		session_send_dtmf(m.session, side, "12x,3", m.now_us);
		sim_run_ms(&m, 200);
		session_send_dtmf(m.session, side, "*#AD0", m.now_us); /* appended */
		sim_run_ms(&m, 8 * 200);
		assert_sent(side, "123*#AD0");
		assert_int_equal(heard_by(!side)->digit_count, 0);
		sim_run_ms(&m, 2000);
		assert_true(m.wa.loud > 70 && m.sip.loud > 70); /* and they talk on */
		sim_done(&m);
	}
}

static void test_we_dial_into_silence_and_music(void **state)
{
	(void)state;
	for (enum media_side side = SIDE_WA; side <= SIDE_SIP; side++) {
		connected(SIM_SIP_EVENT_PT);
		m.wa.longest_gap_us = 0;
		session_play(m.session, side, SOUND_SILENCE, m.now_us);
		m.sip_talks = false;
		session_send_dtmf(m.session, side, "42", m.now_us);
		sim_run_ms(&m, 1000);
		assert_sent(side, "42");
		assert_true(side == SIDE_SIP || m.wa.longest_gap_us <= 60000);
		sim_done(&m);
	}
}

static void test_we_dial_no_more_than_fits(void **state)
{
	(void)state;
	connected(SIM_SIP_EVENT_PT);
	for (int i = 0; i < 3; i++)
		session_send_dtmf(m.session, SIDE_SIP, "01234567890123456789012345678901", m.now_us);
	sim_run_ms(&m, 96 * 180);
	assert_in_range(m.sip.digit_count, DTMF_QUEUE_MAX, DTMF_QUEUE_MAX + 1); /* the first one had left the queue */
	assert_int_equal(m.session->dial[SIDE_SIP].count, 0);
	sim_done(&m);
}

static void test_nobody_to_dial_to(void **state)
{
	(void)state;
	connected(0); /* no telephone-event */
	session_send_dtmf(m.session, SIDE_SIP, "123", m.now_us);
	sim_run_ms(&m, 1000);
	assert_int_equal(m.sip.events, 0);
	struct media_sip_remote remote = sim_sip_remote(&m);
	remote.send = remote.receive = false; /* on hold, and taken up again while they would be under way */
	session_set_sip(m.session, &remote, m.now_us);
	session_send_dtmf(m.session, SIDE_SIP, "123", m.now_us);
	sim_run_ms(&m, 100);
	remote.send = remote.receive = true;
	session_set_sip(m.session, &remote, m.now_us);
	sim_run_ms(&m, 1000);
	assert_int_equal(m.sip.events, 0);
	sim_done(&m);
	const struct sim_conf conf = {.wa_link = {.seed = 1}, .sip_link = {.seed = 2}};
	sim_init(&m, &conf);
	session_send_dtmf(m.session, SIDE_WA, "1", m.now_us); /* nobody there at all */
	session_send_dtmf(m.session, SIDE_SIP, "", m.now_us);
	sim_run_ms(&m, 100);
	assert_int_equal(m.wa.events + m.sip.events, 0);
	sim_done(&m);
}

/* The user presses a key in the midst of ours: all come out whole, one after another. */
static void test_both_dial(void **state)
{
	(void)state;
	connected(SIM_SIP_EVENT_PT);
	session_send_dtmf(m.session, SIDE_SIP, "123", m.now_us);
	sim_run_ms(&m, 30);
	press_on_phone('9', 0);
	sim_run_ms(&m, 2000);
	assert_int_equal(m.sip.digit_count, 4);
	assert_non_null(strchr(m.sip.digits, '9'));
	for (size_t i = 0; i < 4; i++)
		assert_in_range(m.sip.digit_ms[i], 100, 180);
	assert_int_equal(m.sip.seq_steps_not_one + m.sip.ts_not_forward, 0);
	sim_done(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_user_to_sip),
		cmocka_unit_test(test_end_packets_lost),
		cmocka_unit_test(test_sip_side_takes_no_events),
		cmocka_unit_test(test_sip_to_user),
		cmocka_unit_test(test_we_dial),
		cmocka_unit_test(test_we_dial_into_silence_and_music),
		cmocka_unit_test(test_we_dial_no_more_than_fits),
		cmocka_unit_test(test_nobody_to_dial_to),
		cmocka_unit_test(test_both_dial),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
