/* Digits as tones through a session, both ways, and digits that the SIP side tells in several ways. */
#include "media/session_inner.h"
#include "media/sip_ear.h"
#include "tests/support/media/session_sim.h"
#include "tests/support/oom.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static struct sim m;

static const struct peer {
	const char *what;
	bool g722;
	uint8_t pt;
	unsigned ptime_ms; /* both ways */
	double loss_percent;
	unsigned exact_ms;
} peers[] = {
	{"PCMU", false, 0, 20, 0, 20},
	{"PCMA, 10 ms", false, 8, 10, 0, 20},
	{"PCMU, 30 ms", false, 0, 30, 0, 20},
	{"PCMA, 60 ms", false, 8, 60, 0, 20},
	{"G.722", true, SIM_G722_PT, 20, 0, 20},
	{"PCMU, loss", false, 0, 20, 3, 40},
};

static void connected(const struct peer *p, bool out)
{
	const struct sim_conf conf = {.wa_link = {.delay_ms = 30, .seed = 1},
		.sip_link = {.delay_ms = 5, .loss_percent = p->loss_percent, .seed = 2},
		.g722 = p->g722,
		.sip_ptime_ms = p->ptime_ms,
		.session_ptime_ms = p->ptime_ms};
	sim_init(&m, &conf);
	sim_connect(&m);
	m.sip_pt = p->pt;
	struct media_sip_remote remote = sim_sip_remote(&m);
	remote.pt = p->pt;
	remote.codec = p->g722 ? AUDIO_G722 : p->pt == 8 ? AUDIO_PCMA : AUDIO_PCMU;
	remote.no_events_out = true;
	remote.tones_in = true;
	remote.tones_out = out;
	assert_int_equal(session_set_sip(m.session, &remote, m.now_us), 0);
	sim_run_ms(&m, 1000);
}

static void press_in_voice(char digit, unsigned ms, unsigned pause_ms)
{
	m.sip_key = digit;
	sim_run_ms(&m, ms);
	m.sip_key = '-'; /* silence */
	sim_run_ms(&m, pause_ms);
	m.sip_key = 0;
}

static void assert_line(void)
{
	assert_int_equal(m.wa.other_ssrc + m.wa.seq_steps_not_one + m.wa.ts_not_forward + m.wa.ts_odd_steps, 0);
	assert_int_equal(m.sip.other_ssrc + m.sip.seq_steps_not_one + m.sip.ts_not_forward, 0);
}

/* Told by the session, as heard by the user, each within `exact` of ms. */
static void assert_user_got(const char *digits, unsigned ms, unsigned exact, enum media_digit_way way)
{
	size_t n = 0;
	assert_string_equal(m.wa.digits, digits);
	for (size_t i = 0; i < m.wa.digit_count; i++)
		assert_in_range(m.wa.digit_ms[i], ms - exact, ms + exact);
	for (size_t i = 0; i < m.event_count; i++) {
		if (m.events[i].kind != SESSION_DTMF)
			continue;
		assert_int_equal(m.events[i].digit, digits[n++]);
		assert_int_equal(m.events[i].end, END_SIP);
		assert_int_equal(m.events[i].way, way);
		assert_in_range(m.events[i].duration_ms, ms - exact, ms + exact);
	}
	assert_int_equal(n, strlen(digits));
}

static void test_tones_to_user(void **state)
{
	(void)state;
	static const char keys[] = "159#0*D55";
	for (size_t i = 0; i < sizeof(peers) / sizeof(peers[0]); i++) {
		connected(&peers[i], true);
		for (const char *d = keys; *d; d++)
			press_in_voice(*d, 120, 120);
		sim_run_ms(&m, 1000);
		assert_user_got(keys, 120, peers[i].exact_ms, DIGIT_BY_TONE);
		assert_int_equal(m.wa.tone_count, 0); /* what slips through before it is known is too short to be one */
		assert_line();
		sim_run_ms(&m, 2000);
		assert_true(m.wa.loud > 30); /* and the voice is back */
		sim_done(&m);
	}
}

static void test_tones_while_the_voice_is_replaced(void **state)
{
	(void)state;
	connected(&peers[0], true);
	session_mute(m.session, SIDE_SIP, true, m.now_us);
	press_in_voice('4', 100, 100);
	session_play(m.session, SIDE_WA, SOUND_SILENCE, m.now_us);
	press_in_voice('2', 100, 100);
	sim_run_ms(&m, 500);
	assert_user_got("42", 100, 20, DIGIT_BY_TONE);
	sim_done(&m);
}

static void test_a_tone_that_never_ends(void **state)
{
	(void)state;
	connected(&peers[0], true);
	m.sip_key = '8';
	sim_run_ms(&m, 100);
	m.sip_talks = false; /* voice activity detection: nothing comes any more */
	sim_run_ms(&m, 1000);
	assert_user_got("8", 100, 20, DIGIT_BY_TONE);
	m.sip_talks = true;
	sim_run_ms(&m, 100);
	m.sip_ssrc++; /* another stream */
	m.sip_key = 0;
	sim_run_ms(&m, 1000);
	assert_int_equal(m.wa.digit_count, 2);
	m.sip_key = '3';
	sim_run_ms(&m, 100);
	struct media_sip_remote remote = sim_sip_remote(&m);
	assert_int_equal(session_set_sip(m.session, &remote, m.now_us), 0); /* tones are not wanted any more */
	assert_null(m.session->ear);
	sim_run_ms(&m, 1000);
	assert_string_equal(m.wa.digits, "883");
	assert_false(tev_tx_active(&m.session->to_wa.events));
	sim_done(&m);
}

/* A key of the user, held for so long. */
static void press_on_phone(char digit, unsigned ms)
{
	uint32_t ts = m.wa_ts;
	uint8_t event = (uint8_t)tev_event(digit);
	m.wa_talks = false;
	for (unsigned at = 20; at <= ms; at += 20) {
		for (unsigned copy = 0; copy < (at == ms ? 3 : 1); copy++)
			sim_wa_sends(&m, SIM_WA_EVENT_PT, ts,
				(uint8_t[]){event, (uint8_t)(at == ms ? 0x8a : 0x0a), (uint8_t)(at * 8 >> 8),
					(uint8_t)(at * 8)},
				4);
		sim_run_ms(&m, 20);
	}
	m.wa_talks = true;
}

static void test_user_to_tones(void **state)
{
	(void)state;
	static const char keys[] = "159#0*D55";
	for (size_t i = 0; i + 1 < sizeof(peers) / sizeof(peers[0]); i++) {
		connected(&peers[i], true);
		m.sip.tone_count = 0;
		for (const char *d = keys; *d; d++) {
			press_on_phone(*d, 120);
			sim_run_ms(&m, 100);
		}
		sim_run_ms(&m, 1000);
		assert_string_equal(m.sip.tones, keys);
		for (size_t k = 0; k < m.sip.tone_count; k++)
			assert_in_range(m.sip.tone_ms[k], 100, 145); /* and what the ear of the test is off by */
		assert_int_equal(m.sip.events, 0);
		assert_int_equal(m.session->dtmf_digits, strlen(keys));
		assert_line();
		sim_done(&m);
	}
}

static void test_we_dial_in_tones(void **state)
{
	(void)state;
	connected(&peers[0], true);
	session_play(m.session, SIDE_SIP, SOUND_SILENCE, m.now_us);
	session_send_dtmf(m.session, SIDE_SIP, "12334", m.now_us);
	sim_run_ms(&m, 2000);
	assert_string_equal(m.sip.tones, "12334");
	assert_int_equal(m.sip.events, 0);
	sim_done(&m);
}

static void press_event(char digit, unsigned at, unsigned ms, uint32_t ts)
{
	bool end = at == ms;
	for (unsigned copy = 0; copy < (end ? 3 : 1); copy++)
		sim_sip_sends(&m, SIM_SIP_EVENT_PT, at == 20, ts,
			(uint8_t[]){(uint8_t)tev_event(digit), (uint8_t)(end ? 0x8a : 0x0a), (uint8_t)(at * 8 >> 8),
				(uint8_t)(at * 8)},
			4);
}

/* The tone, and events beside it, and an INFO after it. */
static void press_in_every_way(char digit, bool tone, bool event, bool info)
{
	uint32_t ts = m.sip_ts;
	if (tone)
		m.sip_key = digit;
	for (unsigned at = 20; at <= 120; at += 20) {
		if (event)
			press_event(digit, at, 120, ts);
		sim_run_ms(&m, 20);
	}
	m.sip_key = '-';
	sim_run_ms(&m, 40);
	if (info)
		session_info_digit(m.session, digit, 120, m.now_us);
	sim_run_ms(&m, 60);
	m.sip_key = 0;
}

static void test_told_in_several_ways(void **state)
{
	(void)state;
	for (unsigned ways = 1; ways < 8; ways++) {
		connected(&peers[0], true);
		for (const char *d = "1553"; *d; d++)
			press_in_every_way(*d, ways & 1, ways & 2, ways & 4);
		sim_run_ms(&m, 1000);
		assert_string_equal(m.wa.digits, "1553");
		for (size_t i = 0; i < m.wa.digit_count; i++)
			assert_in_range(m.wa.digit_ms[i], 100, 140);
		assert_int_equal(sim_count_events(&m, SESSION_DTMF), 4);
		assert_line();
		sim_done(&m);
	}
}

static void test_talk_is_no_digit(void **state)
{
	(void)state;
	for (size_t i = 0; i < 5; i++) {
		connected(&peers[i], true);
		sim_run_ms(&m, 8000);
		assert_int_equal(m.wa.events + m.session->dtmf_digits, 0);
		sim_done(&m);
	}
}

static void test_nothing_allocated_and_every_failure_told(void **state)
{
	(void)state;
	connected(&peers[0], true);
	m.no_copies = true;
	oom_fail_nth(1);
	press_in_voice('4', 100, 100);
	press_on_phone('2', 100);
	sim_run_ms(&m, 500);
	assert_false(oom_off());
	assert_string_equal(m.wa.digits, "4");
	assert_string_equal(m.sip.tones, "2");
	sim_done(&m);
	int r = -ENOMEM;
	for (unsigned n = 1; r < 0; n++) {
		const struct sim_conf conf = {.wa_link = {.seed = 1}, .sip_link = {.seed = 2}};
		sim_init(&m, &conf);
		sim_connect(&m);
		struct media_sip_remote remote = sim_sip_remote(&m);
		remote.tones_in = true;
		remote.also_count = 2;
		remote.also[0] = (struct media_sip_format){AUDIO_G722, SIM_G722_PT};
		remote.also[1] = (struct media_sip_format){AUDIO_OPUS, SIM_OPUS_PT};
		oom_fail_nth(n);
		r = session_set_sip(m.session, &remote, m.now_us);
		oom_off();
		assert_true(r == 0 || r == -ENOMEM);
		sim_run_ms(&m, 200);
		sim_done(&m);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tones_to_user),
		cmocka_unit_test(test_tones_while_the_voice_is_replaced),
		cmocka_unit_test(test_a_tone_that_never_ends),
		cmocka_unit_test(test_user_to_tones),
		cmocka_unit_test(test_we_dial_in_tones),
		cmocka_unit_test(test_told_in_several_ways),
		cmocka_unit_test(test_talk_is_no_digit),
		cmocka_unit_test(test_nothing_allocated_and_every_failure_told),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
