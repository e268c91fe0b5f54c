/* tests/sim/test_session_digits_sim.c
 *
 * Digits over a bad network: each arrives once, as long as it was pressed, whatever was lost of it, in both directions,
 * with every clock that is about.
 */
#include "media/session_inner.h"
#include "tests/support/media/session_sim.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

enum { EXACT_MS = 20, BURST_MS = 60 /* what was lost is not made up */, PRESSES = 60 };

static struct sim m;

static const struct network {
	const char *what;
	double loss_percent;
	unsigned jitter_ms;
	bool reorders, g722, opus, bursts;
	uint32_t event_clock_hz; /* of the SIP side */
	unsigned update_ms;      /* how often the sender speaks of a key that is held */
} networks[] = {
	{"5 %, G.711", 5, 0, false, false, false, false, 8000, 20},
	{"5 %, jitter, reordering", 5, 30, true, false, false, false, 8000, 20},
	{"5 %, told every 50 ms", 5, 0, false, false, false, false, 8000, 50},
	{"5 %, G.722", 5, 0, false, true, false, false, 8000, 20},
	{"5 %, Opus, events of 48000", 5, 0, false, false, true, false, 48000, 20},
	{"5 %, Opus, events of 8000", 5, 0, false, false, true, false, 8000, 20},
	{"10 %", 10, 0, false, false, false, false, 8000, 20},
	{"bursts", 0, 0, false, false, false, true, 8000, 20},
};

static const char keys[] = "00112233445566778899**##AABBCCDD147*2580369#ABCD159D000#123456";

/* 60, 120, 260, 400 ms; with pauses of 60, 120 and 200. */
static unsigned press_ms(unsigned i)
{
	static const unsigned lengths[] = {60, 120, 260, 400};
	return lengths[i % 4];
}

static unsigned pause_ms(unsigned i)
{
	static const unsigned lengths[] = {60, 120, 200};
	return lengths[i % 3];
}

static void press(enum media_end from, char key, unsigned ms, unsigned clock_hz, unsigned update_ms)
{
	uint32_t ts = from == END_WA ? m.wa_ts : m.sip_ts;
	unsigned told = 0;
	*(from == END_WA ? &m.wa_talks : &m.sip_talks) = false;
	for (unsigned at = 10; at <= ms; at += 10) {
		bool end = at == ms;
		sim_run_ms(&m, 10);
		if (!end && at < told + update_ms)
			continue;
		told = at;
		for (unsigned copy = 0; copy < (end ? 3 : 1); copy++) {
			uint32_t d = at * (clock_hz / 1000);
			const uint8_t payload[] = {
				(uint8_t)tev_event(key), (uint8_t)(end ? 0x8a : 0x0a), (uint8_t)(d >> 8), (uint8_t)d};
			if (from == END_WA)
				sim_wa_sends(&m, SIM_WA_EVENT_PT, ts, payload, 4);
			else
				sim_sip_sends(&m, SIM_SIP_EVENT_PT, at <= update_ms, ts, payload, 4);
		}
	}
	*(from == END_WA ? &m.wa_talks : &m.sip_talks) = true;
}

static void check(const struct network *n, enum media_end from)
{
	const struct sim_received *r = from == END_WA ? &m.sip : &m.wa;
	unsigned worst = 0;
	if (r->digit_count != PRESSES || strncmp(r->digits, keys, PRESSES) != 0)
		fail_msg("%s, from %d: %zu digits, %s", n->what, from, r->digit_count, r->digits);
	for (unsigned i = 0; i < PRESSES; i++) {
		int off = (int)r->digit_ms[i] - (int)press_ms(i);
		unsigned by = (unsigned)(off < 0 ? -off : off);
		worst = by > worst ? by : worst;
		if (by > (n->bursts ? BURST_MS : EXACT_MS))
			fail_msg("%s, from %d: %c, number %u, of %u ms came as %u", n->what, from, keys[i], i,
				press_ms(i), r->digit_ms[i]);
	}
	printf("%-28s from %s: %u digits, durations off by %u ms at most\n", n->what,
		from == END_WA ? "WhatsApp" : "SIP", PRESSES, worst);
	assert_int_equal(m.session->dtmf_digits, PRESSES);
	assert_int_equal(r->other_ssrc + r->ts_not_forward, 0);
	if (!n->opus || from == END_SIP) /* toward Opus what is lost leaves a hole: its receiver has the redundancy */
		assert_int_equal(r->seq_steps_not_one, 0);
}

static void run(const struct network *n, enum media_end from)
{
	const struct sim_link_conf link = {.delay_ms = 30,
		.loss_percent = n->loss_percent,
		.jitter_ms = n->jitter_ms,
		.reorders = n->reorders,
		.burst_enter_percent = n->bursts ? 1.5 : 0,
		.burst_leave_percent = n->bursts ? 30 : 0,
		.seed = 77};
	const struct sim_conf conf = {.wa_link = link,
		.sip_link = link,
		.g722 = n->g722,
		.opus = n->opus,
		.event_clock_hz = n->event_clock_hz};
	sim_init(&m, &conf);
	sim_connect(&m);
	sim_run_ms(&m, 1000);
	for (unsigned i = 0; i < PRESSES; i++) {
		press(from, keys[i], press_ms(i), from == END_WA ? TEV_CLOCK_HZ : n->event_clock_hz, n->update_ms);
		sim_run_ms(&m, pause_ms(i));
	}
	sim_run_ms(&m, 1000);
	check(n, from);
	sim_done(&m);
}

static void test_each_once_and_as_long(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(networks) / sizeof(networks[0]); i++) {
		run(&networks[i], END_WA);
		run(&networks[i], END_SIP);
	}
}

/* RFC 4733 s2.5.1.3: a key held for 20 s goes through in three segments, and is one. */
static void test_long_press(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++) {
		enum media_end from = i ? END_SIP : END_WA;
		const struct sim_conf conf = {.wa_link = {.seed = 1}, .sip_link = {.seed = 2}};
		sim_init(&m, &conf);
		sim_connect(&m);
		sim_run_ms(&m, 500);
		uint32_t ts = from == END_WA ? m.wa_ts : m.sip_ts, unit = from == END_WA ? 6 : 1, segments = 0;
		*(from == END_WA ? &m.wa_talks : &m.sip_talks) = false;
		for (uint32_t at = 160; at <= 160000; at += 160) {
			if (at - segments > TEV_SEGMENT_MAX)
				segments += TEV_SEGMENT_MAX;
			uint32_t d = at - segments;
			const uint8_t payload[] = {
				11, (uint8_t)(at == 160000 ? 0x8a : 0x0a), (uint8_t)(d >> 8), (uint8_t)d};
			if (from == END_WA)
				sim_wa_sends(&m, SIM_WA_EVENT_PT, ts + segments * unit, payload, 4);
			else
				sim_sip_sends(&m, SIM_SIP_EVENT_PT, at == 160, ts + segments * unit, payload, 4);
			sim_run_ms(&m, 20);
		}
		sim_run_ms(&m, 1000);
		const struct sim_received *r = from == END_WA ? &m.sip : &m.wa;
		assert_string_equal(r->digits, "#");
		assert_in_range(r->digit_ms[0], 19980, 20020);
		sim_done(&m);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_once_and_as_long), cmocka_unit_test(test_long_press)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
