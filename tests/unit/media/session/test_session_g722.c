/* G.722 with the SIP side: wideband, on a clock that is the same as that of G.711. */
#include "media/session_inner.h"
#include "media/sounds.h"
#include "tests/support/media/session_sim.h"
#include "tests/support/media/sim_voice.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <math.h>
#include <string.h>

static struct sim m;

static void connected(unsigned sip_ptime_ms, unsigned session_ptime_ms, double loss)
{
	const struct sim_conf conf = {.wa_link = {.delay_ms = 30, .loss_percent = loss, .seed = 1},
		.sip_link = {.delay_ms = 5, .loss_percent = loss, .seed = 2},
		.sip_ptime_ms = sip_ptime_ms,
		.session_ptime_ms = session_ptime_ms,
		.wa_sends_fec = true,
		.g722 = true};
	sim_init(&m, &conf);
	sim_connect(&m);
}

static void assert_lines(void)
{
	assert_int_equal(m.wa.other_ssrc + m.wa.seq_steps_not_one + m.wa.ts_not_forward + m.wa.ts_odd_steps, 0);
	assert_int_equal(m.sip.other_ssrc + m.sip.seq_steps_not_one + m.sip.ts_not_forward, 0);
	assert_int_equal(sim_count_events(&m, SESSION_FAILED), 0);
}

/* The best correlation of what was heard with the voice, over all delays. */
static double likeness(const int16_t *heard, size_t count)
{
	enum { PERIOD = 44800, PROBE = 8000 }; /* seven words and pauses; a second of it */
	static int16_t voice[PERIOD + PROBE];
	double best = 0;

	assert_true(count >= PROBE);
	sim_voice(voice, PERIOD + PROBE, 0);
	for (size_t at = 0; at < PERIOD; at++) {
		double xy = 0, xx = 0, yy = 0;
		for (size_t i = 0; i < PROBE; i += 7) {
			double x = heard[count - PROBE + i], y = voice[at + i];
			xy += x * y;
			xx += x * x;
			yy += y * y;
		}
		if (xx > 0 && yy > 0 && xy / sqrt(xx * yy) > best)
			best = xy / sqrt(xx * yy);
	}
	return best;
}

static void test_the_voice_comes_through(void **state)
{
	static const struct {
		unsigned sip_ptime_ms, session_ptime_ms;
	} rows[] = {{20, 20}, {10, 60}, {30, 10}, {60, 30}};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		connected(rows[i].sip_ptime_ms, rows[i].session_ptime_ms, 0);
		sim_run_ms(&m, 4000);
		assert_true(likeness(m.wa.heard, m.wa.heard_samples) > 0.8);
		assert_true(likeness(m.sip.heard, m.sip.heard_samples) > 0.8);
		assert_int_equal(m.sip.last_pt, SIM_G722_PT);
		assert_lines();
		sim_done(&m);
	}
}

static void test_loss(void **state)
{
	(void)state;
	connected(20, 20, 5);
	sim_run_ms(&m, 20000);
	assert_true(m.wa.loud > 400);
	assert_true(m.sip.loud > 400);
	assert_true(m.session->to_sip.fec_ms > 0);
	assert_lines();
	sim_done(&m);
}

/* G.711, G.722 and back, by re-INVITE. */
static void test_the_codec_changes(void **state)
{
	struct media_sip_remote remote;

	(void)state;
	connected(20, 20, 0);
	for (int i = 0; i < 6; i++) {
		m.conf.g722 = i % 2;
		remote = sim_sip_remote(&m);
		assert_int_equal(session_set_sip(m.session, &remote, m.now_us), 0);
		m.sip_pt = remote.pt;
		uint64_t wa = m.wa.loud, sip = m.sip.loud;
		sim_run_ms(&m, 1500);
		assert_true(m.wa.loud > wa + 20);
		assert_true(m.sip.loud > sip + 20);
		assert_int_equal(m.sip.last_pt, remote.pt);
	}
	sim_run_ms(&m, 2500);
	assert_true(likeness(m.wa.heard, m.wa.heard_samples) > 0.8);
	assert_lines();
	sim_done(&m);
}

/* Some peers switch to G.711 without asking. */
static void test_g711_meanwhile(void **state)
{
	(void)state;
	connected(20, 20, 0);
	m.sip_pt = 8;
	sim_run_ms(&m, 4000);
	assert_true(likeness(m.wa.heard, m.wa.heard_samples) > 0.8);
	assert_int_equal(m.session->discarded[END_SIP], 0);
	assert_lines();
	sim_done(&m);
}

static void test_sounds_and_mute(void **state)
{
	(void)state;
	connected(20, 20, 0);
	sim_run_ms(&m, 1000);
	session_play(m.session, SIDE_WA, SOUND_SILENCE, m.now_us);
	session_play(m.session, SIDE_SIP, SOUND_SILENCE, m.now_us);
	sim_run_ms(&m, 200);
	uint64_t wa = m.wa.loud, sip = m.sip.loud;
	sim_run_ms(&m, 1000);
	assert_int_equal(m.wa.loud + m.sip.loud, wa + sip);
	session_play(m.session, SIDE_WA, SOUND_NONE, m.now_us);
	session_play(m.session, SIDE_SIP, SOUND_NONE, m.now_us);
	sim_run_ms(&m, 1000);
	assert_true(m.wa.loud > wa + 10 && m.sip.loud > sip + 10);
	assert_lines();
	sim_done(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_voice_comes_through),
		cmocka_unit_test(test_loss),
		cmocka_unit_test(test_the_codec_changes),
		cmocka_unit_test(test_g711_meanwhile),
		cmocka_unit_test(test_sounds_and_mute),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
