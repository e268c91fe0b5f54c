/* tests/sim/test_session_sim.c
 *
 * Calls of ten minutes in seconds: every line of the table is one call over its own network. Under a sanitizer they are
 * shorter; the argument "long" makes them as long as they should be.
 */
#include "media/session_inner.h"
#include "tests/support/media/session_sim.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
	const char *what;
	double loss_percent;
	unsigned jitter_ms;
	bool reorders;
	double wa_skew_ppm, sip_skew_ppm;
	unsigned minutes, minutes_long;
	/* limits */
	unsigned hold_max_ms;       /* mean of any one minute */
	double concealed_over_loss; /* percent of all audio */
} calls[] = {
	{"clean", 0, 0, false, 0, 0, 1, 4, 22, 0.02},
	{"loss 2", 2, 0, false, 0, 0, 1, 4, 22, 0.1},
	{"loss 5, jitter 30", 5, 30, false, 0, 0, 1, 4, 35, 0.5},
	{"loss 10, jitter 60", 10, 60, false, 0, 0, 1, 4, 60, 1.0},
	{"jitter 30", 0, 30, false, 0, 0, 1, 4, 35, 0.5},
	{"jitter 60 and reordering", 0, 60, true, 0, 0, 1, 4, 60, 1.0},
	{"loss 5, reordering", 5, 30, true, 0, 0, 1, 4, 35, 0.5},
	{"user's clock fast", 0, 0, false, 200, -200, 4, 60, 45, 0.1},
	{"user's clock slow", 0, 0, false, -200, 200, 4, 60, 45, 0.1},
	{"everything", 5, 30, true, 200, 200, 1, 4, 45, 0.5},
};

static struct sim world;
static bool full_length;

/* Mean hold of the packets played since the last call of this. */
static double hold_since(const struct jbuf_stats *before)
{
	const struct jbuf_stats *now = jbuf_stats(world.session->to_sip.jb);
	uint64_t played = now->played - before->played;
	return played ? (now->hold_sum_ms - before->hold_sum_ms) / (double)played : 0.0;
}

static void check_line(const struct sim_received *r, uint64_t expected)
{
	assert_int_equal(r->other_ssrc, 0);
	assert_int_equal(r->seq_steps_not_one, 0);
	assert_int_equal(r->ts_not_forward, 0);
	assert_in_range(r->audio, expected * 98 / 100, expected * 1005 / 1000);
}

/* WhatsApp's line keeps the pace of the PBX's clock; what was lost or reordered on the way has not moved it. */
static void check_pace(const struct sim_received *r, double skew_ppm)
{
	double line_ms = (double)(r->last_ts - r->first_ts) / 48, real_ms = (double)(r->last_us - r->first_us) / 1000;
	assert_true(fabs(line_ms - real_ms * (1.0 + skew_ppm / 1e6)) < 60.0);
}

static void run_call(size_t i)
{
	struct sim_conf conf = {
		.wa_link = {.loss_percent = calls[i].loss_percent,
			.jitter_ms = calls[i].jitter_ms,
			.reorders = calls[i].reorders,
			.delay_ms = 40,
			.duplicate_percent = calls[i].reorders ? 1.0 : 0.0,
			.seed = 100 + i},
		.sip_link = {.loss_percent = calls[i].loss_percent / 5,
			.delay_ms = 5,
			.jitter_ms = calls[i].jitter_ms ? 3 : 0,
			.seed = 200 + i},
		.wa_skew_ppm = calls[i].wa_skew_ppm,
		.sip_skew_ppm = calls[i].sip_skew_ppm,
	};
	double hold_max = 0;
	unsigned minutes = full_length ? calls[i].minutes_long : calls[i].minutes;
	sim_init(&world, &conf);
	world.wa_deaf = calls[i].minutes_long >= 60;
	sim_connect(&world);
	for (unsigned minute = 0; minute < minutes; minute++) {
		struct jbuf_stats before = *jbuf_stats(world.session->to_sip.jb);
		sim_run_ms(&world, 60000);
		double hold = hold_since(&before);
		if (hold > hold_max)
			hold_max = hold;
	}
	struct media_stats st;
	session_stats(world.session, &st);
	const struct jbuf_stats *jb = jbuf_stats(world.session->to_sip.jb);
	double audio_ms = minutes * 60000.0;
	double lost = (double)world.to_wa_end.lost * 20.0 / audio_ms * 100.0;
	double concealed = (double)(st.rx[END_WA].concealed_ms + st.rx[END_WA].fec_ms) / audio_ms * 100.0;
	printf("%-26s hold max %.1f mean %.1f ms, lost %.2f %%, concealed %.2f %%, late %ld, discarded %ld, stretched "
	       "%lu ms, jitter %.1f ms\n",
		calls[i].what, hold_max, st.rx[END_WA].playout_delay_ms, lost, concealed, (long)st.rx[END_WA].late,
		(long)st.rx[END_WA].discarded, (unsigned long)jb->stretched_ms, st.rx[END_WA].jitter_ms);
	assert_int_equal(sim_count_events(&world, SESSION_FAILED), 0);
	assert_true(hold_max <= calls[i].hold_max_ms);
	assert_true(concealed <= lost + calls[i].concealed_over_loss);
	assert_true(concealed >= lost - 0.3);
	assert_true(llabs(st.rx[END_WA].lost - (int64_t)world.to_wa_end.lost) <= 3);
	check_line(&world.sip, minutes * 3000);
	check_line(&world.wa, minutes * 3000);
	check_pace(&world.wa, calls[i].sip_skew_ppm);
	assert_int_equal(world.wa.ts_odd_steps, 0);
	assert_true(world.wa.longest_pause_us < 200000);
	assert_true(world.sip.longest_pause_us <= 40000);
	assert_true(world.sip.ts_gaps <= 1); /* the grid moves once, to where the stream is */
	sim_done(&world);
}

static void test_calls(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
		run_call(i);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_calls)};
	full_length = argc > 1 && !strcmp(argv[1], "long");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
