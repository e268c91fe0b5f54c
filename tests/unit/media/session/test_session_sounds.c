/* Sounds and mute: what each party hears, and that the lines toward both never show it. */
#include "media/session_inner.h"
#include "media/sounds.h"
#include "tests/support/media/session_sim.h"
#include "tests/support/media/tone_probe.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

static struct sim m;
static struct sounds *sounds; /* ringback of the USA: 440 and 480 Hz, 2 s on, 4 s off */

static int make_sounds(void **state)
{
	(void)state;
	return sounds_new("us", NULL, &sounds);
}

static int free_sounds(void **state)
{
	(void)state;
	sounds = sounds_free(sounds);
	return 0;
}

static void start(unsigned sip_ptime_ms)
{
	const struct sim_conf conf = {.wa_link = {.delay_ms = 30, .seed = 1},
		.sip_link = {.delay_ms = 5, .seed = 2},
		.sip_ptime_ms = sip_ptime_ms,
		.complexity = 5,
		.sounds = sounds};
	sim_init(&m, &conf);
}

static void connected(void)
{
	start(20);
	sim_connect(&m);
	sim_run_ms(&m, 1000);
}

static void assert_lines(void)
{
	assert_int_equal(m.wa.other_ssrc + m.wa.seq_steps_not_one + m.wa.ts_not_forward + m.wa.ts_odd_steps, 0);
	assert_int_equal(m.sip.other_ssrc + m.sip.seq_steps_not_one + m.sip.ts_not_forward, 0);
	assert_int_equal(sim_count_events(&m, SESSION_FAILED), 0);
}

static bool rings(const struct sim_received *r)
{
	double low = tone_share(r->heard, r->heard_samples, 440), high = tone_share(r->heard, r->heard_samples, 480);
	return low > 0.3 && high > 0.3 && low + high > 0.8;
}

/* The first of our chords. */
static bool has_music(const struct sim_received *r)
{
	double share = tone_share(r->heard, r->heard_samples, 261.63) + tone_share(r->heard, r->heard_samples, 329.63) +
		       tone_share(r->heard, r->heard_samples, 392.00);
	return share > 0.4 && tone_level_db(r->heard, r->heard_samples) > -35;
}

static bool is_silent(const struct sim_received *r)
{
	return tone_level_db(r->heard, r->heard_samples) < -70;
}

/* What both hear of the next so many ms, after 300 in which the old dies away. */
static void listen_ms(unsigned ms)
{
	sim_run_ms(&m, 300);
	sim_forget_heard(&m);
	sim_run_ms(&m, ms);
}

static void set_sip(bool new_peer)
{
	struct media_sip_remote remote = sim_sip_remote(&m);
	remote.new_peer = new_peer;
	assert_int_equal(session_set_sip(m.session, &remote, m.now_us), 0);
}

/* The one who calls WhatsApp hears it ring, long before there is anything of WhatsApp. */
static void test_early_ringback(void **state)
{
	(void)state;
	start(20);
	session_play(m.session, SIDE_SIP, SOUND_RINGBACK, m.now_us);
	sim_run_ms(&m, 500);
	assert_int_equal(m.sip.audio, 0);
	set_sip(false);
	sim_run_ms(&m, 1000);
	assert_in_range(m.sip.audio, 49, 51);
	assert_true(rings(&m.sip));
	sim_run_ms(&m, 1100); /* 2.1 s from its beginning, which was not lost */
	sim_forget_heard(&m);
	sim_run_ms(&m, 3800);
	assert_true(is_silent(&m.sip));
	sim_run_ms(&m, 600);
	sim_forget_heard(&m);
	sim_run_ms(&m, 1000);
	assert_true(rings(&m.sip));
	sim_run_ms(&m, 5 * 60000); /* it rings for long: nobody is missed */
	assert_int_equal(m.event_count, 0);
	sim_set_wa(&m);
	sim_run_ms(&m, 500);
	session_start_wa(m.session, m.now_us);
	session_play(m.session, SIDE_SIP, SOUND_NONE, m.now_us);
	m.wa_talks = m.sip_talks = true;
	uint64_t loud = m.sip.loud;
	sim_run_ms(&m, 2000);
	assert_true(m.sip.loud > loud + 40 && m.wa.loud > 40);
	assert_in_range((m.sip.last_ts - m.sip.first_ts) / 8, 309900, 310040); /* real time, all along */
	assert_int_equal(sim_count_events(&m, SESSION_FIRST_SENT), 2);
	assert_lines();
	sim_done(&m);
}

/* Before `accept` nothing may go to WhatsApp; then it hears the sound from its beginning. */
static void test_sound_waits_for_accept(void **state)
{
	(void)state;
	start(20);
	sim_set_wa(&m);
	session_play(m.session, SIDE_WA, SOUND_RINGBACK, m.now_us);
	sim_run_ms(&m, 3000);
	assert_int_equal(m.wa.audio, 0);
	session_start_wa(m.session, m.now_us);
	assert_int_equal(m.wa.audio, 1);
	sim_run_ms(&m, 1900);
	assert_true(rings(&m.wa));
	assert_int_equal(sim_count_events(&m, SESSION_FIRST_SENT), 0); /* of nobody's voice */
	assert_true(m.wa.longest_gap_us <= 20000);
	assert_lines();
	sim_done(&m);
}

static void test_hold_with_music_and_resume(void **state)
{
	(void)state;
	connected();
	struct media_sip_remote remote = sim_sip_remote(&m);
	m.wa.longest_gap_us = 0;
	remote.send = remote.receive = false;
	session_set_sip(m.session, &remote, m.now_us);
	session_play(m.session, SIDE_WA, SOUND_MUSIC, m.now_us);
	m.sip_talks = false;
	listen_ms(1700);
	assert_true(has_music(&m.wa));
	sim_run_ms(&m, 90000);
	remote.send = remote.receive = true;
	session_set_sip(m.session, &remote, m.now_us);
	session_play(m.session, SIDE_WA, SOUND_NONE, m.now_us);
	m.sip_talks = true;
	uint64_t loud = m.wa.loud;
	sim_run_ms(&m, 3000);
	assert_true(m.wa.loud > loud + 80);
	assert_true(m.wa.longest_gap_us <= 40000);
	assert_in_range((m.wa.last_ts - m.wa.first_ts) / 48, 95900, 96060);
	assert_lines();
	sim_done(&m);
}

/* The SIP side does not say hold, it just says nothing; nor is it heard while it does talk. */
static void test_music_excuses_the_sip_side(void **state)
{
	(void)state;
	connected();
	session_play(m.session, SIDE_WA, SOUND_RINGBACK, m.now_us);
	listen_ms(1500);
	assert_true(rings(&m.wa)); /* no voice in it */
	m.sip_talks = false;
	sim_run_ms(&m, 200000);
	assert_int_equal(sim_count_events(&m, SESSION_FAILED), 0);
	session_play(m.session, SIDE_WA, SOUND_NONE, m.now_us);
	sim_run_ms(&m, 59000);
	assert_lines();
	sim_run_ms(&m, 2000);
	assert_int_equal(sim_find_event(&m, SESSION_FAILED)->failure, MEDIA_FAIL_SIP_SILENT);
	session_play(m.session, SIDE_WA, SOUND_MUSIC, m.now_us); /* too late: ignored */
	session_mute(m.session, SIDE_WA, true, m.now_us);
	session_send_dtmf(m.session, SIDE_WA, "1", m.now_us);
	assert_true(session_deadline(m.session) == UINT64_MAX);
	sim_done(&m);
}

/* A phone sends all the time, whatever is played to the PBX. */
static void test_whatsapp_is_missed_all_the_same(void **state)
{
	(void)state;
	connected();
	session_play(m.session, SIDE_SIP, SOUND_MUSIC, m.now_us);
	m.wa_talks = false;
	sim_run_ms(&m, 31000);
	assert_int_equal(sim_find_event(&m, SESSION_FAILED)->failure, MEDIA_FAIL_WA_SILENT);
	sim_done(&m);
}

/* What WhatsApp says meanwhile is consumed, not kept for later. */
static void test_sound_to_sip_in_a_call(void **state)
{
	(void)state;
	connected();
	session_play(m.session, SIDE_SIP, SOUND_MUSIC, m.now_us);
	listen_ms(1700);
	assert_true(has_music(&m.sip));
	sim_run_ms(&m, 30000);
	session_play(m.session, SIDE_SIP, SOUND_NONE, m.now_us);
	uint64_t loud = m.sip.loud;
	sim_run_ms(&m, 2000);
	assert_true(m.sip.loud > loud + 40);
	struct media_stats st;
	session_stats(m.session, &st);
	assert_true(st.rx[END_WA].playout_delay_ms < 60);
	assert_int_equal(st.rx[END_WA].concealed_ms, 0);
	assert_true(m.sip.longest_gap_us <= 40000);
	assert_lines();
	sim_done(&m);
}

static void test_told_twice_it_plays_on(void **state)
{
	(void)state;
	connected();
	session_play(m.session, SIDE_WA, SOUND_MUSIC, m.now_us);
	session_play(m.session, SIDE_SIP, SOUND_MUSIC, m.now_us);
	sim_run_ms(&m, 1000);
	session_play(m.session, SIDE_WA, SOUND_MUSIC, m.now_us);
	session_play(m.session, SIDE_SIP, SOUND_MUSIC, m.now_us);
	assert_true(m.session->to_wa.player.at >= 7800 && m.session->to_sip.player.at >= 7800);
	session_play(m.session, SIDE_WA, SOUND_SILENCE, m.now_us);
	listen_ms(1000);
	assert_true(is_silent(&m.wa));
	assert_false(is_silent(&m.sip));
	assert_lines();
	sim_done(&m);
}

static void test_mute(void **state)
{
	(void)state;
	connected();
	session_mute(m.session, SIDE_WA, true, m.now_us);
	listen_ms(1500);
	assert_true(is_silent(&m.sip));
	assert_false(is_silent(&m.wa));
	session_mute(m.session, SIDE_WA, false, m.now_us);
	session_mute(m.session, SIDE_SIP, true, m.now_us);
	listen_ms(1500);
	assert_true(is_silent(&m.wa));
	assert_false(is_silent(&m.sip));
	/* a sound is heard all the same, and after it silence again */
	session_play(m.session, SIDE_WA, SOUND_RINGBACK, m.now_us);
	listen_ms(1000);
	assert_true(rings(&m.wa));
	session_play(m.session, SIDE_WA, SOUND_NONE, m.now_us);
	listen_ms(1000);
	assert_true(is_silent(&m.wa));
	session_mute(m.session, SIDE_SIP, false, m.now_us);
	listen_ms(1500);
	assert_false(is_silent(&m.wa));
	assert_true(m.wa.longest_gap_us <= 40000);
	assert_in_range((m.wa.last_ts - m.wa.first_ts) / 48, m.now_us / 1000 - 1200 - 40, m.now_us / 1000 - 1200 + 40);
	assert_lines();
	sim_done(&m);
}

/* A muted party that goes silent is still missed: mute is ours, not its doing. */
static void test_muted_and_gone(void **state)
{
	(void)state;
	connected();
	session_mute(m.session, SIDE_SIP, true, m.now_us);
	m.sip_talks = false;
	sim_run_ms(&m, 61000);
	assert_int_equal(sim_find_event(&m, SESSION_FAILED)->failure, MEDIA_FAIL_SIP_SILENT);
	sim_done(&m);
}

static void test_digits_pass_a_mute(void **state)
{
	(void)state;
	connected();
	session_mute(m.session, SIDE_SIP, true, m.now_us);
	session_mute(m.session, SIDE_WA, true, m.now_us);
	uint32_t sip_ts = m.sip_ts, wa_ts = m.wa_ts;
	for (unsigned i = 1; i <= 6; i++) {
		const uint8_t end = i == 6 ? 0x8a : 0x0a;
		sim_sip_sends(&m, SIM_SIP_EVENT_PT, i == 1, sip_ts, (uint8_t[]){4, end, 0, (uint8_t)(i * 40)}, 4);
		sim_wa_sends(&m, SIM_WA_EVENT_PT, wa_ts, (uint8_t[]){5, end, 0, (uint8_t)(i * 40)}, 4);
		sim_run_ms(&m, 20);
	}
	sim_run_ms(&m, 500);
	assert_string_equal(m.wa.digits, "4");
	assert_string_equal(m.sip.digits, "5");
	assert_lines();
	sim_done(&m);
}

/* On and off at all moments, with packets of the PBX that are not as long as ours: the line neither runs ahead of time
 * nor falls behind. */
static void test_many_changes(void **state)
{
	(void)state;
	static const unsigned sip_ptimes_ms[] = {20, 30, 10, 60};
	for (size_t p = 0; p < sizeof(sip_ptimes_ms) / sizeof(sip_ptimes_ms[0]); p++) {
		uint64_t random = 11;
		start(sip_ptimes_ms[p]);
		sim_connect(&m);
		sim_run_ms(&m, 1000);
		m.wa.longest_gap_us = 0;
		for (int i = 0; i < 400; i++) {
			enum media_side side = sim_random(&random) < 0.7 ? SIDE_WA : SIDE_SIP;
			enum media_sound sound = (enum media_sound)(sim_random(&random) * 4);
			if (sim_random(&random) < 0.2)
				session_mute(m.session, !side, sound >= SOUND_MUSIC, m.now_us);
			else
				session_play(m.session, side, i % 2 ? sound : SOUND_NONE, m.now_us);
			sim_run_ms(&m, (uint64_t)(sim_random(&random) * 180));
		}
		int64_t line_ms = (m.wa.last_ts - m.wa.first_ts) / 48, real_ms = (int64_t)m.now_us / 1000 - 1200;
		if (line_ms < real_ms - 100 || line_ms > real_ms + 200)
			fail_msg(
				"%u ms packets: line %ld, time %ld ms", sip_ptimes_ms[p], (long)line_ms, (long)real_ms);
		assert_true(m.wa.longest_gap_us <= 20000 + 1000 * (uint64_t)sip_ptimes_ms[p]);
		assert_lines();
		sim_done(&m);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_early_ringback),
		cmocka_unit_test(test_sound_waits_for_accept),
		cmocka_unit_test(test_hold_with_music_and_resume),
		cmocka_unit_test(test_music_excuses_the_sip_side),
		cmocka_unit_test(test_whatsapp_is_missed_all_the_same),
		cmocka_unit_test(test_sound_to_sip_in_a_call),
		cmocka_unit_test(test_told_twice_it_plays_on),
		cmocka_unit_test(test_mute),
		cmocka_unit_test(test_muted_and_gone),
		cmocka_unit_test(test_digits_pass_a_mute),
		cmocka_unit_test(test_many_changes),
	};
	return cmocka_run_group_tests(tests, make_sounds, free_sounds);
}
