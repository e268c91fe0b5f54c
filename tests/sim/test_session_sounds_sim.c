/* tests/sim/test_session_sounds_sim.c
 *
 * Calls in which everything happens to the SIP side: hold with music, mute, digits of ours, transfers to
 * another party while ringback plays, re-INVITEs; over a lossy network and with clocks that differ. WhatsApp must see
 * one line all along. Under a sanitizer the calls are shorter; the argument "long" makes them as long as they should
 * be.
 */
#include "media/session_inner.h"
#include "media/sounds.h"
#include "tests/support/media/session_sim.h"
#include "tests/support/media/tone_probe.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
	const char *what;
	double loss_percent, skew_ppm;
	unsigned jitter_ms, sip_ptime_ms, minutes, minutes_long;
} calls[] = {
	{"clean", 0, 0, 0, 20, 8, 30},
	{"loss 5, jitter 30, fast clock", 5, 200, 30, 20, 5, 5},
	{"packets of 30 ms, slow clock", 1, -200, 5, 30, 5, 5},
};

static struct sim m;
static bool full_length;
static struct sounds *sounds;
static unsigned peers;
static uint64_t dialled, random_state;

static int make_sounds(void **state)
{
	(void)state;
	return sounds_new("uk", NULL, &sounds);
}

static int free_sounds(void **state)
{
	(void)state;
	sounds = sounds_free(sounds);
	return 0;
}

static unsigned some(unsigned limit)
{
	return (unsigned)(sim_random(&random_state) * limit);
}

static void set_sip(bool hold, bool new_peer)
{
	struct media_sip_remote remote = sim_sip_remote(&m);
	remote.send = remote.receive = !hold;
	remote.new_peer = new_peer;
	assert_int_equal(session_set_sip(m.session, &remote, m.now_us), 0);
}

static void hold_with_music(void)
{
	set_sip(true, false);
	session_play(m.session, SIDE_WA, SOUND_MUSIC, m.now_us);
	m.sip_talks = false;
	sim_run_ms(&m, 1000 + some(20000));
	set_sip(false, false);
	session_play(m.session, SIDE_WA, SOUND_NONE, m.now_us);
	m.sip_talks = true;
}

/* The PBX sends WhatsApp's user to somebody else, whose phone rings first. */
static void transfer(void)
{
	char rtp[32];
	m.sip_talks = false;
	session_play(m.session, SIDE_WA, SOUND_RINGBACK, m.now_us);
	sim_run_ms(&m, 1000 + some(8000));
	snprintf(rtp, sizeof(rtp), "192.0.2.%u:%u", 10 + peers % 200, 5000 + peers * 2);
	peers++;
	assert_int_equal(addr_parse(rtp, &m.sip_addr), 0);
	m.sip_rtcp_addr = m.sip_addr;
	addr_set_port(&m.sip_rtcp_addr, (uint16_t)(addr_port(&m.sip_addr) + 1));
	m.sip_ssrc += 0x101;
	m.sip_seq = (uint16_t)some(65536);
	m.sip_ts = some(UINT32_MAX);
	m.sip_next_us += some(20000);
	set_sip(false, true);
	session_play(m.session, SIDE_WA, SOUND_NONE, m.now_us);
	m.sip_talks = true;
}

static void dial(void)
{
	session_send_dtmf(m.session, SIDE_WA, "12", m.now_us);
	session_send_dtmf(m.session, SIDE_SIP, "34", m.now_us);
	sim_run_ms(&m, 800);
	dialled += 2;
}

static void mute(void)
{
	session_mute(m.session, SIDE_SIP, true, m.now_us);
	session_mute(m.session, SIDE_WA, true, m.now_us);
	sim_run_ms(&m, some(5000));
	session_mute(m.session, SIDE_SIP, false, m.now_us);
	session_mute(m.session, SIDE_WA, false, m.now_us);
}

static void ring_to_sip(void)
{
	session_play(m.session, SIDE_SIP, SOUND_RINGBACK, m.now_us);
	sim_run_ms(&m, some(8000));
	session_play(m.session, SIDE_SIP, SOUND_NONE, m.now_us);
}

static void another_stream(void)
{
	m.sip_ssrc++;
	m.sip_seq = (uint16_t)some(65536);
	m.sip_ts = some(UINT32_MAX);
}

static void forget_digits(void)
{
	m.wa.digit_count = m.sip.digit_count = 0;
	memset(m.wa.digits, 0, sizeof(m.wa.digits));
	memset(m.sip.digits, 0, sizeof(m.sip.digits));
}

static void run_call(size_t i)
{
	static void (*const happenings[])(void) = {hold_with_music, transfer, dial, mute, ring_to_sip, another_stream};
	const struct sim_conf conf = {.wa_link = {.loss_percent = calls[i].loss_percent,
					      .jitter_ms = calls[i].jitter_ms,
					      .delay_ms = 40,
					      .seed = 1 + i},
		.sip_link = {.loss_percent = calls[i].loss_percent / 5,
			.jitter_ms = calls[i].jitter_ms / 10,
			.delay_ms = 3,
			.seed = 2 + i},
		.sip_skew_ppm = calls[i].skew_ppm,
		.sip_ptime_ms = calls[i].sip_ptime_ms,
		.sounds = sounds};
	uint64_t end_us, sent_digits = 0;
	random_state = 77 + i;
	peers = 0;
	dialled = 0;
	sim_init(&m, &conf);
	sim_connect(&m);
	sim_run_ms(&m, 2000);
	m.wa.longest_gap_us = m.sip.longest_gap_us = 0;
	end_us = m.now_us + (full_length ? calls[i].minutes_long : calls[i].minutes) * 60000000ull;
	while (m.now_us < end_us) {
		happenings[some(sizeof(happenings) / sizeof(happenings[0]))]();
		sim_run_ms(&m, 500 + some(6000));
		sent_digits += m.wa.digit_count + m.sip.digit_count;
		forget_digits();
	}
	long off_ms = (long)((m.wa.last_ts - m.wa.first_ts) / 48) - (long)((m.now_us - m.wa.first_us) / 1000);
	printf("%-32s %u transfers, %lu digits, longest gap to WhatsApp %lu ms, line %ld ms off\n", calls[i].what,
		peers, (unsigned long)sent_digits, (unsigned long)m.wa.longest_gap_us / 1000, off_ms);
	assert_int_equal(m.wa.other_ssrc + m.wa.seq_steps_not_one + m.wa.ts_not_forward + m.wa.ts_odd_steps, 0);
	assert_int_equal(m.sip.other_ssrc + m.sip.seq_steps_not_one + m.sip.ts_not_forward, 0);
	assert_int_equal(sim_count_events(&m, SESSION_FAILED), 0);
	assert_int_equal(sent_digits, 2 * dialled);
	assert_true(peers > 1);
	assert_true(labs(off_ms) <= 150);
	/* loss on the SIP side is a gap of as many packets, which nobody fills; a clean one has none */
	assert_true(m.wa.longest_gap_us <= (calls[i].loss_percent > 0 ? 130000 : 60000));
	sim_done(&m);
}

static void test_calls_in_which_much_happens(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
		run_call(i);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_calls_in_which_much_happens)};
	full_length = argc > 1 && !strcmp(argv[1], "long");
	return cmocka_run_group_tests(tests, make_sounds, free_sounds);
}
