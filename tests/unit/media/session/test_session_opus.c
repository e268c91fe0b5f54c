/* Opus on the SIP side, too: passed on as it is where it fits, and one line toward either side whatever happens. */
#include "media/session_inner.h"
#include "media/sounds.h"
#include "tests/support/media/session_sim.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <string.h>

static struct sim m;

static void connected(unsigned sip_ptime_ms, double loss)
{
	const struct sim_conf conf = {
		.wa_link = {.delay_ms = 30, .jitter_ms = 10, .loss_percent = loss, .reorders = loss > 0, .seed = 1},
		.sip_link = {.delay_ms = 5, .jitter_ms = 10, .loss_percent = loss, .reorders = loss > 0, .seed = 2},
		.sip_ptime_ms = sip_ptime_ms,
		.wa_sends_fec = true,
		.opus = true};
	sim_init(&m, &conf);
	sim_connect(&m);
}

static struct media_stats stats(void)
{
	struct media_stats st;
	session_stats(m.session, &st);
	return st;
}

static void assert_wa_line(void)
{
	assert_int_equal(m.wa.other_ssrc + m.wa.seq_steps_not_one + m.wa.ts_not_forward + m.wa.ts_odd_steps, 0);
	assert_int_equal(sim_count_events(&m, SESSION_FAILED), 0);
}

static void assert_sip_line(void)
{
	assert_int_equal(m.sip.other_ssrc + m.sip.ts_not_forward + m.sip.ts_odd_steps, 0);
}

static void test_passed_on_both_ways(void **state)
{
	(void)state;
	connected(20, 0);
	sim_run_ms(&m, 10000);
	assert_wa_line();
	assert_sip_line();
	assert_int_equal(m.sip.seq_steps_not_one, 0);
	assert_int_equal(m.sip.last_pt, SIM_OPUS_PT);
	assert_in_range(stats().rx[END_WA].passed, 490, 501);
	assert_in_range(stats().rx[END_SIP].passed, 490, 501);
	assert_in_range(m.wa.audio, 497, 503);
	assert_in_range(m.sip.audio, 497, 512);
	assert_true(m.wa.loud > 250 && m.sip.loud > 250);
	assert_int_equal(stats().rx[END_WA].discarded + stats().rx[END_SIP].discarded, 0);
	/* nothing is held: the WhatsApp user's packets are 30 to 40 ms old when they arrive, and go on at once */
	assert_true(m.sip.longest_pause_us <= 60000);
	sim_done(&m);
}

/* Toward WhatsApp the sequence has no holes (the line is ours); toward SIP it has, for the listener's own recovery. */
static void test_loss_and_reordering(void **state)
{
	(void)state;
	connected(20, 5);
	sim_run_ms(&m, 20000);
	assert_wa_line();
	assert_sip_line();
	assert_true(m.wa.loud > 400 && m.sip.loud > 400);
	assert_in_range(m.wa.ts_gaps, 20, 120);
	assert_in_range(m.sip.ts_gaps, 20, 120);
	assert_in_range(m.sip.seq_steps_not_one, 20, 120);
	/* neither line runs away from time */
	assert_in_range((m.wa.last_ts - m.wa.first_ts) / 48, 19900, 20100);
	assert_in_range((m.sip.last_ts - m.sip.first_ts) / 48, 19900, 20200);
	sim_done(&m);
}

/* Meta's packet time is 20 ms: what is not so is made anew. */
static void test_other_durations(void **state)
{
	static const unsigned ptimes[] = {10, 40, 60};
	(void)state;
	for (size_t i = 0; i < sizeof(ptimes) / sizeof(ptimes[0]); i++) {
		connected(ptimes[i], 0);
		sim_run_ms(&m, 6000);
		assert_wa_line();
		assert_int_equal(stats().rx[END_SIP].passed, 0);
		assert_in_range(m.wa.audio, 290, 304);
		assert_true(m.wa.loud > 140);
		assert_true(m.wa.ts_gaps <= 2);
		m.conf.sip_ptime_ms = 20; /* and in the middle of the call */
		sim_run_ms(&m, 2000);
		assert_in_range(stats().rx[END_SIP].passed, 90, 101);
		m.conf.sip_ptime_ms = ptimes[i];
		sim_run_ms(&m, 2000);
		assert_wa_line();
		assert_in_range((m.wa.last_ts - m.wa.first_ts) / 48, 9880, 10060);
		sim_done(&m);
	}
}

/* The bit says two channels; what follows is good for that, too: a frame of silence. */
static void test_stereo_is_made_mono(void **state)
{
	static const uint8_t stereo_20ms_celt[] = {0xfc, 0xff, 0xfe};
	(void)state;
	connected(20, 0);
	sim_run_ms(&m, 500);
	m.sip_talks = false;
	uint64_t passed = (uint64_t)stats().rx[END_SIP].passed;
	for (int i = 0; i < 50; i++) {
		sim_sip_sends(&m, SIM_OPUS_PT, false, m.sip_ts, stereo_20ms_celt, sizeof(stereo_20ms_celt));
		sim_run_ms(&m, 20);
	}
	assert_true((uint64_t)stats().rx[END_SIP].passed <= passed + 1);
	assert_int_equal(stats().rx[END_SIP].discarded, 0);
	assert_wa_line();
	sim_done(&m);
}

static void test_sounds_and_mute(void **state)
{
	struct sounds *sounds;
	(void)state;
	assert_int_equal(sounds_new("eu", "", &sounds), 0);
	connected(20, 0);
	m.session->sounds = sounds;
	sim_run_ms(&m, 1000);
	int64_t wa_passed = stats().rx[END_WA].passed, sip_passed = stats().rx[END_SIP].passed;
	session_play(m.session, SIDE_WA, SOUND_MUSIC, m.now_us);
	session_play(m.session, SIDE_SIP, SOUND_MUSIC, m.now_us);
	uint64_t sip = m.sip.audio, wa = m.wa.audio;
	sim_run_ms(&m, 2000);
	assert_true(stats().rx[END_WA].passed <= wa_passed + 2);
	assert_true(stats().rx[END_SIP].passed <= sip_passed + 2);
	assert_in_range(m.sip.audio - sip, 98, 103);
	assert_in_range(m.wa.audio - wa, 98, 103);
	session_play(m.session, SIDE_WA, SOUND_NONE, m.now_us);
	session_play(m.session, SIDE_SIP, SOUND_NONE, m.now_us);
	session_mute(m.session, SIDE_WA, true, m.now_us);
	sim_run_ms(&m, 100);
	uint64_t loud = m.sip.loud;
	sim_run_ms(&m, 2000);
	assert_int_equal(m.sip.loud, loud);
	session_mute(m.session, SIDE_WA, false, m.now_us);
	sim_run_ms(&m, 2000);
	assert_true(m.sip.loud > loud + 40);
	assert_true(stats().rx[END_WA].passed > wa_passed + 90);
	assert_wa_line();
	assert_sip_line();
	assert_int_equal(m.sip.seq_steps_not_one, 0);
	assert_in_range((m.sip.last_ts - m.sip.first_ts) / 48, 6900, 7300);
	sim_done(&m);
	sounds_free(sounds);
}

static void test_hold(void **state)
{
	(void)state;
	connected(20, 0);
	sim_run_ms(&m, 1000);
	struct media_sip_remote remote = sim_sip_remote(&m);
	remote.send = remote.receive = false;
	assert_int_equal(session_set_sip(m.session, &remote, m.now_us), 0);
	uint64_t sip = m.sip.audio, loud;
	sim_run_ms(&m, 100);
	loud = m.wa.loud;
	sim_run_ms(&m, 90000);
	assert_int_equal(m.sip.audio, sip);
	assert_int_equal(m.wa.loud, loud);
	remote.send = remote.receive = true;
	assert_int_equal(session_set_sip(m.session, &remote, m.now_us), 0);
	sim_run_ms(&m, 2000);
	assert_true(m.sip.audio > sip + 95 && m.wa.loud > loud + 30);
	assert_in_range((m.sip.last_ts - m.sip.first_ts) / 48, 92900, 93300);
	assert_wa_line();
	assert_sip_line();
	sim_done(&m);
}

static const struct {
	uint32_t clock_hz;
	unsigned duration; /* of 100 ms */
} event_clocks[] = {{0, 800}, {48000, 4800}};

static void test_digits(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(event_clocks) / sizeof(event_clocks[0]); i++) {
		const struct sim_conf conf = {.wa_link = {.delay_ms = 30, .seed = 1},
			.sip_link = {.delay_ms = 5, .seed = 2},
			.opus = true,
			.event_clock_hz = event_clocks[i].clock_hz};
		sim_init(&m, &conf);
		sim_connect(&m);
		sim_run_ms(&m, 1000);
		session_send_dtmf(m.session, SIDE_SIP, "15", m.now_us);
		sim_run_ms(&m, 600);
		assert_string_equal(m.sip.digits, "15");
		assert_in_range(m.sip.digit_ms[0], 100, 120);
		/* of WhatsApp's, three seconds: beyond what a field of 16 bits holds at 48000 */
		m.wa_talks = false;
		for (unsigned k = 1; k <= 60; k++) {
			unsigned units = k * 400, end = k == 60 ? 0x8a : 0x0a;
			sim_wa_sends(&m, SIM_WA_EVENT_PT, 5000,
				(uint8_t[]){7, (uint8_t)end, (uint8_t)(units >> 8), (uint8_t)units}, 4);
			sim_run_ms(&m, 50);
		}
		m.wa_talks = true;
		sim_run_ms(&m, 300);
		assert_string_equal(m.sip.digits, "157");
		assert_in_range(m.sip.digit_ms[2], 2950, 3060);
		/* of the SIP side's, in its clock */
		unsigned units = event_clocks[i].duration;
		sim_sip_sends(&m, SIM_SIP_EVENT_PT, true, m.sip_ts,
			(uint8_t[]){9, 0x8a, (uint8_t)(units >> 8), (uint8_t)units}, 4);
		sim_run_ms(&m, 500);
		assert_string_equal(m.wa.digits, "9");
		assert_in_range(m.wa.digit_ms[0], 95, 125);
		assert_wa_line();
		assert_int_equal(m.sip.other_ssrc + m.sip.ts_not_forward, 0);
		sim_done(&m);
	}
}

/* By re-INVITE: another clock is another SSRC toward SIP (RFC 7160 s4.1); WhatsApp notices nothing. */
static void test_the_codec_changes(void **state)
{
	struct media_sip_remote remote;
	(void)state;
	connected(20, 0);
	for (int i = 0; i < 6; i++) {
		sim_run_ms(&m, 1500);
		uint32_t ssrc = m.session->sip.stream.ssrc;
		m.conf.opus = i % 2;
		m.conf.g722 = i == 2;
		remote = sim_sip_remote(&m);
		assert_int_equal(session_set_sip(m.session, &remote, m.now_us), 0);
		m.sip_pt = remote.pt;
		assert_int_not_equal(m.session->sip.stream.ssrc, ssrc);
		m.sip.audio = m.sip.events = 0; /* of the new stream */
		uint64_t wa = m.wa.loud, sip = m.sip.loud;
		sim_run_ms(&m, 1500);
		assert_true(m.wa.loud > wa + 20);
		assert_true(m.sip.loud > sip + 20);
		assert_int_equal(m.sip.last_pt, remote.pt);
		assert_int_equal(m.sip.other_ssrc, 0);
	}
	assert_wa_line();
	assert_in_range((m.wa.last_ts - m.wa.first_ts) / 48, 17900, 18100);
	sim_done(&m);
}

/* Several formats were agreed on: the peer changes between them without a word. */
static void test_the_peer_changes_as_it_likes(void **state)
{
	static const uint8_t pts[] = {8, SIM_G722_PT, SIM_OPUS_PT, 0, SIM_OPUS_PT, SIM_G722_PT};
	static const enum audio_codec first[] = {AUDIO_PCMU, AUDIO_OPUS};
	(void)state;
	for (size_t k = 0; k < sizeof(first) / sizeof(first[0]); k++) {
		const struct sim_conf conf = {.wa_link = {.delay_ms = 30, .seed = 1},
			.sip_link = {.delay_ms = 5, .seed = 2},
			.opus = first[k] == AUDIO_OPUS};
		sim_init(&m, &conf);
		sim_connect(&m);
		struct media_sip_remote remote = sim_sip_remote(&m);
		remote.also_count = 3;
		remote.also[0] = (struct media_sip_format){AUDIO_G722, SIM_G722_PT};
		remote.also[1] = (struct media_sip_format){AUDIO_OPUS, SIM_OPUS_PT};
		remote.also[2] = (struct media_sip_format){AUDIO_PCMA, 8};
		assert_int_equal(session_set_sip(m.session, &remote, m.now_us), 0);
		for (size_t i = 0; i < sizeof(pts); i++) {
			m.sip_pt = pts[i];
			m.sip_ssrc += i % 2;
			uint64_t loud = m.wa.loud;
			sim_run_ms(&m, 1600);
			assert_true(m.wa.loud > loud + 35);
		}
		assert_wa_line();
		assert_int_equal(stats().rx[END_SIP].discarded, 0);
		assert_in_range((m.wa.last_ts - m.wa.first_ts) / 48, 9500, 9700);
		assert_true(m.wa.longest_gap_us <= 101000);
		remote.also_count = MEDIA_FORMATS_MAX + 1;
		assert_true(session_set_sip(m.session, &remote, m.now_us) < 0);
		sim_done(&m);
	}
}

static void test_srtp(void **state)
{
	struct sim_conf conf = {
		.wa_link = {.delay_ms = 30, .loss_percent = 3, .reorders = true, .jitter_ms = 20, .seed = 1},
		.sip_link = {.delay_ms = 5, .seed = 2},
		.opus = true,
		.srtp = {.suite = MEDIA_SRTP_SHA1_80}};
	(void)state;
	memset(conf.srtp.tx, 5, sizeof(conf.srtp.tx));
	memset(conf.srtp.rx, 9, sizeof(conf.srtp.rx));
	sim_init(&m, &conf);
	sim_connect(&m);
	sim_run_ms(&m, 3000);
	for (int i = 0; i < 12; i++) { /* more SSRCs of ours than one SRTP session has room for */
		m.conf.opus = i % 2;
		struct media_sip_remote remote = sim_sip_remote(&m);
		assert_int_equal(session_set_sip(m.session, &remote, m.now_us), 0);
		m.sip_pt = remote.pt;
		sim_sip_keys(&m, &conf.srtp); /* the simulated PBX has no room either */
		m.sip_ssrc++;
		uint64_t wa = m.wa.loud, sip = m.sip.loud;
		sim_run_ms(&m, 1500);
		assert_true(m.wa.loud > wa + 20 && m.sip.loud > sip + 20);
	}
	assert_wa_line();
	sim_done(&m);
}

static void test_rubbish(void **state)
{
	static const uint8_t bad[][4] = {{0xff, 0xff, 0xff, 0xff}, {0x03, 0, 0, 0}, {0x03, 0x3f, 1, 1}};
	static uint8_t huge[1400];
	(void)state;
	connected(20, 0);
	sim_run_ms(&m, 1000);
	uint32_t rng = 11;
	for (int i = 0; i < 600; i++) {
		uint8_t bytes[60];
		for (size_t k = 0; k < sizeof(bytes); k++)
			bytes[k] = (uint8_t)((rng = rng * 1664525 + 1013904223) >> 24);
		sim_sip_sends(&m, SIM_OPUS_PT, false, m.sip_ts, bytes, rng % sizeof(bytes));
		sim_sip_sends(&m, SIM_OPUS_PT, false, m.sip_ts, bad[i % 3], sizeof(bad[0]));
		sim_run_ms(&m, 10);
	}
	memset(huge, 0x08, sizeof(huge));
	sim_sip_sends(&m, SIM_OPUS_PT, false, m.sip_ts, huge, sizeof(huge));
	sim_run_ms(&m, 2000);
	assert_int_equal(m.wa.other_ssrc + m.wa.seq_steps_not_one + m.wa.ts_not_forward + m.wa.ts_odd_steps, 0);
	uint64_t loud = m.wa.loud;
	sim_run_ms(&m, 2000);
	assert_true(m.wa.loud > loud + 40);
	sim_done(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_passed_on_both_ways),
		cmocka_unit_test(test_loss_and_reordering),
		cmocka_unit_test(test_other_durations),
		cmocka_unit_test(test_stereo_is_made_mono),
		cmocka_unit_test(test_sounds_and_mute),
		cmocka_unit_test(test_hold),
		cmocka_unit_test(test_digits),
		cmocka_unit_test(test_the_codec_changes),
		cmocka_unit_test(test_the_peer_changes_as_it_likes),
		cmocka_unit_test(test_srtp),
		cmocka_unit_test(test_rubbish),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
