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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_user_to_sip),
		cmocka_unit_test(test_end_packets_lost),
		cmocka_unit_test(test_sip_side_takes_no_events),
		cmocka_unit_test(test_sip_to_user),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
