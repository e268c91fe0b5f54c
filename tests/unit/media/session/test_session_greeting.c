/* Meta answers `accept` later than the SIP side has answered: the user hears it from its first word on, whatever the
 * codec, and soon without delay. */
#include "media/session_inner.h"
#include "tests/support/media/session_sim.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

static struct sim m;

enum speech { PCMU, G722, OPUS, SPEECHES };

static void answered(enum speech speech, unsigned ptime_ms)
{
	const struct sim_conf conf = {.wa_link = {.delay_ms = 30, .seed = 1},
		.sip_link = {.delay_ms = 5, .jitter_ms = 8, .seed = 2},
		.g722 = speech == G722,
		.opus = speech == OPUS,
		.sip_ptime_ms = ptime_ms};
	sim_init(&m, &conf);
	sim_set_wa(&m);
	sim_run_ms(&m, 200);
	const struct media_sip_remote remote = sim_sip_remote(&m);
	assert_int_equal(session_set_sip(m.session, &remote, m.now_us), 0);
	m.sip_position = 0;
	m.sip_talks = m.wa_talks = true; /* half a second of words, 300 ms of pause, and so on */
}

static void assert_one_line_to_wa(void)
{
	assert_int_equal(m.wa.other_ssrc, 0);
	assert_int_equal(m.wa.seq_steps_not_one, 0);
	assert_int_equal(m.wa.ts_not_forward, 0);
	assert_int_equal(m.wa.ts_odd_steps, 0);
}

static unsigned backlog_ms(void)
{
	return m.session->greeting ? greeting_backlog_ms(m.session->greeting) : 0;
}

static void test_whole_greeting_is_heard(void **state)
{
	static const struct {
		enum speech speech;
		unsigned ptime_ms, held_ms;
	} calls[] = {{PCMU, 20, 600}, {PCMU, 10, 600}, {PCMU, 30, 900}, {PCMU, 60, 1500}, {G722, 20, 600},
		{OPUS, 20, 600}, {OPUS, 60, 600}};
	(void)state;
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		answered(calls[i].speech, calls[i].ptime_ms);
		session_keep_greeting(m.session, m.now_us);
		sim_run_ms(&m, calls[i].held_ms);
		assert_int_equal(m.wa.audio, 0); /* not before accept */
		session_start_wa(m.session, m.now_us);
		sim_run_ms(&m, 15);
		assert_true(m.wa.audio >= 1); /* at once, as soon as 20 ms are together */
		sim_run_ms(&m, 85);
		assert_true(m.wa.loud >= 3); /* the first word, from its beginning */
		sim_run_ms(&m, 2900);
		if (calls[i].held_ms <= 600)
			assert_null(m.session->greeting); /* the normal delay is back in 3 s */
		sim_run_ms(&m, 4000);
		m.sip_talks = false;
		sim_run_ms(&m, 1000);
		assert_null(m.session->greeting);
		assert_true(m.session->greeting_stats.held_ms > 300);
		assert_int_equal(m.session->greeting_stats.lost_ms, 0);
		/* 25 frames a word; the softest at its edges are not counted as loud */
		unsigned words = (calls[i].held_ms + 7000) / 800;
		if (m.wa.loud < words * 22u || m.wa.loud > (words + 1) * 27u)
			fail_msg("call %zu: %u words, %lu loud frames", i, words, (unsigned long)m.wa.loud);
		assert_one_line_to_wa();
		sim_done(&m);
	}
}

/* What is left of the delay, each half second after Meta's answer. Words and pauses as above. */
static void test_delay_over_time(void **state)
{
	static const struct {
		unsigned at_ms, least_ms, most_ms;
	} table[] = {{0, 500, 600}, {300, 250, 450}, {900, 100, 350}, {1200, 0, 150}, {1800, 0, 100}, {2000, 0, 0},
		{3000, 0, 0}};
	(void)state;
	answered(PCMU, 20);
	session_keep_greeting(m.session, m.now_us);
	sim_run_ms(&m, 600);
	uint64_t begun_us = m.now_us;
	session_start_wa(m.session, m.now_us);
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		sim_run_until(&m, begun_us + table[i].at_ms * 1000);
		if (backlog_ms() < table[i].least_ms || backlog_ms() > table[i].most_ms)
			fail_msg("at %u ms: %u ms are left", table[i].at_ms, backlog_ms());
	}
	assert_null(m.session->greeting);
	sim_done(&m);
}

/* As a call was before: what comes before accept is lost. */
static void test_switched_off(void **state)
{
	(void)state;
	answered(PCMU, 20);
	sim_run_ms(&m, 500);
	session_start_wa(m.session, m.now_us);
	sim_run_ms(&m, 240);
	assert_null(m.session->greeting);
	assert_true(m.wa.loud <= 2); /* the pause after the first word */
	sim_done(&m);
}

static void test_too_late_or_too_early_keeps_nothing(void **state)
{
	const struct sim_conf conf = {.wa_link = {.seed = 1}, .sip_link = {.seed = 2}};
	(void)state;
	sim_init(&m, &conf);
	session_keep_greeting(m.session, m.now_us); /* there is no SIP side */
	assert_null(m.session->greeting);
	sim_connect(&m);
	session_keep_greeting(m.session, m.now_us); /* media flows */
	assert_null(m.session->greeting);
	sim_run_ms(&m, 200);
	sim_done(&m);
}

/* The listener must not wait for the backlog where something else is to be heard. */
static void test_given_up_for_a_sound_a_mute_a_hold_another_peer(void **state)
{
	(void)state;
	for (int what = 0; what < 4; what++) {
		answered(PCMU, 20);
		session_keep_greeting(m.session, m.now_us);
		sim_run_ms(&m, 600);
		session_start_wa(m.session, m.now_us);
		sim_run_ms(&m, 100);
		struct media_sip_remote remote = sim_sip_remote(&m);
		remote.receive = what != 2;
		remote.new_peer = what == 3;
		if (what == 0)
			session_play(m.session, SIDE_WA, SOUND_SILENCE, m.now_us);
		else if (what == 1)
			session_mute(m.session, SIDE_SIP, true, m.now_us);
		else
			assert_int_equal(session_set_sip(m.session, &remote, m.now_us), 0);
		assert_null(m.session->greeting);
		sim_run_ms(&m, 2000);
		assert_one_line_to_wa();
		sim_done(&m);
	}
}

/* PBXs send a re-INVITE as soon as a call is answered: same stream, or another one, or another codec. */
static void test_reinvite_meanwhile(void **state)
{
	(void)state;
	answered(PCMU, 20);
	session_keep_greeting(m.session, m.now_us);
	sim_run_ms(&m, 300);
	m.conf.g722 = true;
	struct media_sip_remote remote = sim_sip_remote(&m);
	assert_int_equal(session_set_sip(m.session, &remote, m.now_us), 0);
	m.sip_pt = remote.pt;
	m.sip_ssrc++;
	m.sip_ts += 123456;
	sim_run_ms(&m, 300);
	session_start_wa(m.session, m.now_us);
	sim_run_ms(&m, 4000);
	assert_null(m.session->greeting);
	assert_true(m.wa.loud > 4 * 22);
	assert_one_line_to_wa();
	sim_done(&m);
}

static void press(char digit, unsigned duration_ms)
{
	uint32_t ts = m.sip_ts;
	m.sip_talks = false;
	for (unsigned ms = 20; ms <= duration_ms; ms += 20) {
		const uint8_t payload[TEV_PAYLOAD_BYTES] = {(uint8_t)tev_event(digit),
			(uint8_t)(ms == duration_ms ? 0x8a : 0x0a), (uint8_t)(ms * 8 >> 8), (uint8_t)(ms * 8)};
		sim_sip_sends(&m, SIM_SIP_EVENT_PT, ms == 20, ts, payload, sizeof(payload));
		sim_run_ms(&m, 20);
	}
	m.sip_talks = true;
}

static void test_digits_wait_for_the_words_before_them(void **state)
{
	(void)state;
	answered(PCMU, 20);
	session_keep_greeting(m.session, m.now_us);
	sim_run_ms(&m, 400);
	press('7', 100);
	sim_run_ms(&m, 100);
	assert_int_equal(sim_count_events(&m, SESSION_DTMF), 1); /* told at once, whoever asked for it */
	uint64_t begun_us = m.now_us;
	session_start_wa(m.session, m.now_us);
	sim_run_ms(&m, 4000);
	assert_string_equal(m.wa.digits, "7");
	assert_in_range(m.wa.digit_ms[0], 80, 120);
	assert_in_range(m.wa.digit_begun_us[0] - begun_us, 340000, 480000); /* after 400 ms of words */
	assert_null(m.session->greeting);
	assert_int_equal(m.wa.other_ssrc + m.wa.seq_steps_not_one + m.wa.ts_not_forward, 0);
	sim_done(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_whole_greeting_is_heard),
		cmocka_unit_test(test_delay_over_time),
		cmocka_unit_test(test_switched_off),
		cmocka_unit_test(test_too_late_or_too_early_keeps_nothing),
		cmocka_unit_test(test_given_up_for_a_sound_a_mute_a_hold_another_peer),
		cmocka_unit_test(test_reinvite_meanwhile),
		cmocka_unit_test(test_digits_wait_for_the_words_before_them),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
