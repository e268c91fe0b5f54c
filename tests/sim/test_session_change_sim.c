/* tests/sim/test_session_change_sim.c
 *
 * What a SIP peer may change in the middle of a talk, told by an SDP or not: Meta sees one SSRC, a sequence without
 * holes, timestamps that rise, and no more than a frame is missing. Every line of the table is one change, tried at
 * several moments against the slots of the line.
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

enum { PCMU = 0, PCMA = 8, MOMENTS = 3, KEEP = 255 };

static struct sim m;

struct change {
	const char *what;
	uint8_t pt;        /* from now on; KEEP */
	unsigned ptime_ms; /* 0: as before */
	bool ssrc, seq, told;
	int32_t ts_leap;
	unsigned lost_max; /* frames of 20 ms */
};

static const struct change changes[] = {
	{"another SSRC", KEEP, 0, true, false, false, 0, 1},
	{"another SSRC, sequence and timestamp", KEEP, 0, true, true, false, 123456789, 1},
	{"the sequence restarts", KEEP, 0, false, true, false, 0, 1},
	{"the sequence restarts, timestamps too", KEEP, 0, false, true, false, -98765432, 1},
	{"timestamps leap forward", KEEP, 0, false, false, false, 1 << 20, 1},
	{"timestamps leap back", KEEP, 0, false, false, false, -(1 << 20), 1},
	{"timestamps leap by 3 s", KEEP, 0, false, false, false, 24000, 1},
	{"PCMU to PCMA without a word", PCMA, 0, false, false, false, 0, 0},
	{"PCMU to G.722 without a word", SIM_G722_PT, 0, false, false, false, 0, 0},
	{"PCMU to PCMA by SDP", PCMA, 0, false, false, true, 0, 1},
	{"PCMU to G.722 by SDP", SIM_G722_PT, 0, false, false, true, 0, 1},
	{"PCMU to G.722 by SDP, another SSRC", SIM_G722_PT, 0, true, true, true, 777777, 1},
	{"PCMU to Opus by SDP", SIM_OPUS_PT, 0, true, true, true, 1234567, 2},
	{"10 ms without a word", KEEP, 10, false, false, false, 0, 1},
	{"30 ms without a word", KEEP, 30, false, false, false, 0, 1},
	{"60 ms without a word", KEEP, 60, false, false, false, 0, 2}, /* that much later it comes */
	{"60 ms and PCMA without a word", PCMA, 60, false, false, false, 0, 2},
};

static struct media_sip_remote remote_of(uint8_t pt)
{
	struct media_sip_remote r = sim_sip_remote(&m);
	r.codec = pt == SIM_OPUS_PT   ? AUDIO_OPUS
		  : pt == SIM_G722_PT ? AUDIO_G722
		  : pt == PCMA        ? AUDIO_PCMA
				      : AUDIO_PCMU;
	r.pt = pt;
	r.also_count = 2;
	r.also[0] = (struct media_sip_format){AUDIO_PCMA, PCMA};
	r.also[1] = (struct media_sip_format){AUDIO_G722, SIM_G722_PT};
	return r;
}

static void talk(void)
{
	const struct sim_conf conf = {.wa_link = {.delay_ms = 30, .seed = 1}, .sip_link = {.delay_ms = 5, .seed = 2}};
	sim_init(&m, &conf);
	sim_connect(&m);
	const struct media_sip_remote r = remote_of(PCMU);
	assert_int_equal(session_set_sip(m.session, &r, m.now_us), 0);
	sim_run_ms(&m, 500);
}

static void make(const struct change *c)
{
	if (c->told) {
		const struct media_sip_remote r = remote_of(c->pt);
		assert_int_equal(session_set_sip(m.session, &r, m.now_us), 0);
	}
	if (c->pt != KEEP)
		m.sip_pt = c->pt;
	if (c->ptime_ms)
		m.conf.sip_ptime_ms = c->ptime_ms;
	m.sip_ssrc += c->ssrc;
	m.sip_seq = (uint16_t)(m.sip_seq + (c->seq ? 30000 : 0));
	m.sip_ts += (uint32_t)c->ts_leap;
}

static void assert_line(const struct change *c, unsigned moment, uint64_t frames)
{
	const struct sim_received *wa = &m.wa;
	bool whole = !wa->other_ssrc && !wa->seq_steps_not_one && !wa->ts_not_forward && !wa->ts_odd_steps;
	uint64_t packets = wa->audio, most_us = 20000ull * (1 + c->lost_max) + 12000;
	if (!whole || packets + c->lost_max < frames || packets > frames + 3 || wa->longest_pause_us > most_us)
		fail_msg("%s, at %u ms: %lu frames of %lu, ssrc %lu, seq %lu, ts %lu %lu, pause %lu ms", c->what,
			moment, (unsigned long)packets, (unsigned long)frames, (unsigned long)wa->other_ssrc,
			(unsigned long)wa->seq_steps_not_one, (unsigned long)wa->ts_not_forward,
			(unsigned long)wa->ts_odd_steps, (unsigned long)wa->longest_pause_us / 1000);
}

static void test_each_change(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		for (unsigned k = 0; k < MOMENTS; k++) {
			talk();
			sim_run_ms(&m, 7 * k + 1);
			m.wa.longest_pause_us = 0;
			uint64_t before = m.wa.audio;
			make(&changes[i]);
			sim_run_ms(&m, 1000);
			m.wa.audio -= before;
			assert_line(&changes[i], 7 * k + 1, 50);
			sim_forget_heard(&m);
			uint64_t loud = m.wa.loud;
			sim_run_ms(&m, 1500);
			if (m.wa.loud - loud < 30)
				fail_msg("%s: not heard", changes[i].what);
			sim_done(&m);
		}
	}
}

/* PCMU, PCMA, G.722, and another packet time, each packet; now and then another SSRC. */
static void test_packet_by_packet(void **state)
{
	(void)state;
	static const uint8_t pts[] = {PCMU, PCMA, SIM_G722_PT};
	static const unsigned ptimes[] = {20, 10, 30, 60, 40};
	talk();
	m.wa.longest_pause_us = 0;
	uint64_t before = m.wa.audio;
	for (unsigned i = 0; i < 500; i++) {
		m.sip_pt = pts[i % 3];
		m.conf.sip_ptime_ms = ptimes[i / 3 % 5];
		m.sip_ssrc += i % 50 == 49;
		sim_run_ms(&m, 20);
	}
	assert_int_equal(m.wa.other_ssrc + m.wa.seq_steps_not_one + m.wa.ts_not_forward + m.wa.ts_odd_steps, 0);
	assert_in_range(m.wa.audio - before, 485, 501);
	assert_true(m.wa.longest_pause_us <= 82000);
	sim_done(&m);
}

/* The peer falls silent and says how that sounds (RFC 3389), then speaks again. */
static void test_comfort_noise(void **state)
{
	(void)state;
	talk();
	m.wa.longest_gap_us = 0;
	m.sip_talks = false;
	sim_sip_sends(&m, 13, false, m.sip_ts, (uint8_t[]){40}, 1);
	sim_run_ms(&m, 500);
	sim_forget_heard(&m);
	sim_run_ms(&m, 1000);
	uint64_t sum = 0;
	for (size_t i = 0; i < m.wa.heard_samples; i++)
		sum += (uint64_t)((int32_t)m.wa.heard[i] * m.wa.heard[i]);
	uint64_t power = sum / m.wa.heard_samples;
	assert_in_range(power, 328 * 328 / 3, 328 * 328 * 2); /* -40 dBov, through the codec */
	sim_sip_sends(&m, 13, false, m.sip_ts, (uint8_t[]){127}, 1);
	sim_run_ms(&m, 500);
	sim_forget_heard(&m);
	sim_run_ms(&m, 500);
	for (size_t i = 0; i < m.wa.heard_samples; i++)
		assert_in_range(m.wa.heard[i] + 100, 0, 200);
	m.sip_talks = true;
	sim_run_ms(&m, 2000);
	assert_true(m.wa.loud > 50);
	assert_int_equal(m.wa.other_ssrc + m.wa.seq_steps_not_one + m.wa.ts_not_forward + m.wa.ts_odd_steps, 0);
	assert_true(m.wa.longest_gap_us <= 42000);
	assert_int_equal(m.session->discarded[END_SIP], 0);
	sim_done(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_change),
		cmocka_unit_test(test_packet_by_packet),
		cmocka_unit_test(test_comfort_noise),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
