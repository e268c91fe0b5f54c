/* tests/sim/test_profiles_sim.c
 *
 * What a bad network does to the user's voice: for each kind of network two calls in virtual time, with limits for what
 * had to be invented, for how long voice is held, and for how far it is from what a clean network lets through. Calls
 * of ten minutes with the argument "long", else of one.
 */
#include "media/session_inner.h"
#include "tests/support/media/session_sim.h"
#include "tests/support/media/spectral.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CALLS = 2, LISTEN_AFTER_MS = 2000, LEARN_MS = 11000, DELAY_MS = 40 };

static const struct profile {
	const char *what;
	struct sim_link_conf link;
	/* limits; percent of the call's time, ms, dB */
	double concealed_over_loss; /* invented or recovered, beyond what the network lost */
	double concealed;           /* invented: neither received nor recovered */
	double hold_mean_ms, hold_p95_ms;
	double distance_db;
} profiles[] = {
	{"clean", {.loss_percent = 0}, 0.01, 0.01, 21, 25, 0.02},
	{"2 % lost", {.loss_percent = 2}, 0.05, 0.9, 21, 25, 0.08},
	{"5 % lost", {.loss_percent = 5}, 0.05, 2.2, 21, 25, 0.14},
	{"10 % lost", {.loss_percent = 10}, 0.05, 4.9, 21, 25, 0.25},
	{"bursts", {.burst_enter_percent = 1.5, .burst_leave_percent = 30}, 0.1, 4.6, 21, 25, 0.3},
	{"60 ms jitter", {.jitter_ms = 60}, 0.1, 0.1, 45, 75, 0.03},
	{"reordering", {.jitter_ms = 60, .reorders = true, .loss_percent = 1}, 0.2, 0.6, 48, 80, 0.06},
	{"128 kbit/s, shared", {.bits_per_second = 128000, .queue_ms = 150, .cross_ms = 1500}, 1.6, 4.0, 132, 155,
		0.28},
	{"handover, lost", {.handover_ms = 3000, .handover_first_ms = 25000}, 0.1, 11, 21, 25, 1.05},
	{"handover, late", {.handover_ms = 3000, .handover_first_ms = 25000, .handover_late = true}, 11, 11, 21, 25,
		1.05},
};

static struct sim world;
static struct spectral_clean clean;
static bool full_length;
static unsigned over; /* limits */

/* Packets of the PBX as its clock plays them: where the line leaps there is silence. */
struct listener {
	uint64_t begun_us, samples;
	struct spectral *heard; /* NULL: learn */
};

static void give(struct listener *l, const int16_t *pcm, size_t samples)
{
	if (l->heard)
		spectral_hear(l->heard, pcm, samples);
	else
		spectral_learn(&clean, pcm, samples);
	l->samples += samples;
}

static void pbx_hears(void *arg, const int16_t *pcm, size_t samples, uint64_t now_us)
{
	static const int16_t silence[SPECTRAL_HOP];
	struct listener *l = arg;
	if (now_us < l->begun_us)
		return;
	uint64_t due = (now_us - l->begun_us) / 125;
	while (l->samples + samples < due) {
		size_t n = due - l->samples - samples;
		give(l, silence, n < SPECTRAL_HOP ? n : SPECTRAL_HOP);
	}
	give(l, pcm, samples);
}

static void connect_one_way(struct sim_conf conf)
{
	conf.wa_link.delay_ms = DELAY_MS;
	conf.sip_link = (struct sim_link_conf){.delay_ms = 5, .seed = 1};
	conf.wa_sends_fec = true;
	sim_init(&world, &conf);
	world.no_copies = true;
	sim_set_wa(&world);
	sim_run_ms(&world, 200);
	const struct media_sip_remote sip = sim_sip_remote(&world);
	assert_int_equal(session_set_sip(world.session, &sip, world.now_us), 0);
	world.wa_talks = true; /* not accepted yet, as far as the session knows: only one way is of interest */
}

static void begin(const struct sim_link_conf *link, struct listener *l)
{
	connect_one_way((struct sim_conf){.wa_link = *link});
	l->begun_us = world.now_us + LISTEN_AFTER_MS * 1000ull;
	world.listen = pbx_hears;
	world.listen_arg = l;
}

static int learn_clean(void **state)
{
	struct listener l = {0};
	(void)state;
	begin(&(struct sim_link_conf){.seed = 1}, &l);
	sim_run_ms(&world, LISTEN_AFTER_MS + LEARN_MS);
	sim_done(&world);
	return clean.frames == SPECTRAL_LOOP ? 0 : -1;
}

/* All are told before the test fails. */
static void within(const char *what, double value, double limit)
{
	if (value <= limit)
		return;
	printf("    %s: %.2f is over %.2f\n", what, value, limit);
	over++;
}

static void run_call(const struct profile *p, unsigned call)
{
	static struct spectral heard;
	struct listener l = {.heard = &heard};
	struct sim_link_conf link = p->link;
	struct media_stats st;
	unsigned minutes = full_length ? 10 : 1;
	double ms = minutes * 60000.0;

	heard = (struct spectral){.clean = &clean};
	link.seed = 1000 + call;
	begin(&link, &l);
	sim_run_ms(&world, (uint64_t)ms);
	session_stats(world.session, &st);
	const struct media_rx_stats *wa = &st.rx[END_WA];
	double lost = (double)world.to_wa_end.lost * 2000.0 / ms;
	double concealed = (double)wa->concealed_ms * 100.0 / ms, fec = (double)wa->fec_ms * 100.0 / ms;
	printf("%-20s lost %5.2f %%, recovered %5.2f %%, concealed %5.2f %%, late %ld, discarded %ld, held %5.1f ms, "
	       "p95 "
	       "%3.0f, longest target %3.0f, %ld ms put in, %ld taken out, distance %.2f dB\n",
		p->what, lost, fec, concealed, (long)wa->late, (long)wa->discarded, wa->playout_delay_ms,
		wa->playout_p95_ms, wa->hold_target_max_ms, (long)wa->longer_ms, (long)wa->shortened_ms,
		spectral_distance_db(&heard));
	assert_int_equal(sim_count_events(&world, SESSION_FAILED), 0);
	assert_int_equal(world.sip.other_ssrc + world.sip.seq_steps_not_one + world.sip.ts_not_forward, 0);
	assert_true(world.sip.longest_pause_us <= 40000);
	within("recovered and concealed beyond the loss", concealed + fec - lost, p->concealed_over_loss);
	within("concealed", concealed, p->concealed);
	within("held", wa->playout_delay_ms, p->hold_mean_ms);
	within("held, p95", wa->playout_p95_ms, p->hold_p95_ms);
	within("distance", spectral_distance_db(&heard), p->distance_db);
	sim_done(&world);
}

static void test_profiles(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(profiles) / sizeof(profiles[0]); i++)
		for (unsigned call = 0; call < (full_length ? CALLS : 1); call++)
			run_call(&profiles[i], call);
	assert_int_equal(over, 0);
}

/* Packets of other lengths than the frames, and 16 kHz: the same network, and much to be made good by playing faster.
 */
static void test_other_packet_times(void **state)
{
	static const struct {
		unsigned ptime_ms;
		bool g722;
	} shapes[] = {{10, false}, {30, false}, {40, true}, {60, false}, {20, true}};
	(void)state;
	for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
		const struct sim_conf conf = {
			.wa_link = {.bits_per_second = 128000, .queue_ms = 150, .cross_ms = 1500, .seed = i},
			.session_ptime_ms = shapes[i].ptime_ms,
			.g722 = shapes[i].g722};
		struct media_stats st;
		unsigned seconds = full_length ? 120 : 20;
		connect_one_way(conf);
		sim_run_ms(&world, seconds * 1000);
		session_stats(world.session, &st);
		const struct media_rx_stats *wa = &st.rx[END_WA];
		double ms = seconds * 1000.0, lost = (double)world.to_wa_end.lost * 2000.0 / ms;
		double concealed = (double)(wa->concealed_ms + wa->fec_ms) * 100.0 / ms;
		printf("%2u ms, %-5s lost %5.2f %%, concealed %5.2f %%, late %ld, discarded %ld, held %5.1f ms, %ld ms "
		       "put in, "
		       "%ld taken out\n",
			shapes[i].ptime_ms, shapes[i].g722 ? "G.722" : "PCMU", lost, concealed, (long)wa->late,
			(long)wa->discarded, wa->playout_delay_ms, (long)wa->longer_ms, (long)wa->shortened_ms);
		within("concealed beyond the loss", concealed - lost, 4);
		within("held", wa->playout_delay_ms, 140 + shapes[i].ptime_ms);
		assert_int_equal(world.sip.seq_steps_not_one + world.sip.ts_not_forward, 0);
		assert_true(world.sip.longest_pause_us <= 2000ull * shapes[i].ptime_ms);
		sim_done(&world);
	}
	assert_int_equal(over, 0);
}

static void network_gone(bool late)
{
	world.to_wa_end.conf.handover_ms = 3000;
	world.to_wa_end.conf.handover_late = late;
	world.to_wa_end.conf.handover_first_ms = 60000;
	world.to_wa_end.handover_us = world.now_us;
	sim_run_ms(&world, 3000);
}

static void gone_and_lost(void)
{
	network_gone(false);
}

static void gone_and_late(void)
{
	network_gone(true);
}

static void timestamps_leap(void)
{
	world.wa_ts += 60u * 48000;
}

static void timestamps_leap_back(void)
{
	world.wa_ts -= 5u * 48000;
}

static void another_ssrc(void)
{
	world.wa_ssrc++;
	world.wa_ts += 0x12345678;
	world.wa_seq += 0x4321;
}

/* A fifth of a second later voice is played again, and held no longer than before. */
static void test_recovers_at_once(void **state)
{
	static void (*const mishaps[])(void) = {
		gone_and_lost, gone_and_late, timestamps_leap, timestamps_leap_back, another_ssrc};
	(void)state;
	for (size_t i = 0; i < sizeof(mishaps) / sizeof(mishaps[0]); i++) {
		connect_one_way((struct sim_conf){.wa_link = {.seed = 1}});
		sim_run_ms(&world, 5000);
		const struct jbuf_stats *jb = jbuf_stats(world.session->to_sip.jb);
		mishaps[i]();
		sim_run_ms(&world, 200);
		struct jbuf_stats before = *jb;
		sim_run_ms(&world, 200);
		assert_int_equal(jb->played - before.played, 10);
		assert_true((jb->hold_sum_ms - before.hold_sum_ms) / 10 < 25);
		assert_int_equal(jb->late, before.late);
		sim_done(&world);
	}
}

/* One long vowel instead of words and pauses. */
static void never_pause(void)
{
	const struct opus_enc_conf conf = {.rate_hz = 8000, .complexity = 5, .loss_percent = 20};
	struct opus_enc *e;

	assert_int_equal(opus_enc_new(&conf, &e), 0);
	for (unsigned i = 0; i < SIM_VOICE_FRAMES; i++) {
		int16_t pcm[160];
		for (unsigned k = 0; k < 160; k++) {
			double turns = 125.0 * (i * 160 + k) / 8000, v = 0;
			for (int h = 1; h <= 12; h++)
				v += sin(2 * 3.14159265358979 * turns * h) / h;
			pcm[k] = (int16_t)(3000 * v);
		}
		int n = opus_enc_frame(e, pcm, 160, world.frames[i].bytes, sizeof(world.frames[i].bytes));
		assert_true(n > 0);
		world.frames[i].length = (size_t)n;
	}
	opus_enc_free(e);
}

/* The path becomes quicker while somebody talks without a pause: packets are held too long by the difference. Little is
 * made good by playing faster, and nothing is left out; much is left out at once. */
static void test_made_good_in_the_middle_of_a_word(void **state)
{
	static const struct {
		unsigned quicker_ms, within_ms;
		bool leaves_out, g722;
		unsigned ptime_ms;
	} table[] = {{40, 1000, false, false, 20}, {80, 1500, false, false, 20}, {140, 2000, false, false, 20},
		{80, 1500, false, true, 20}, {80, 1500, false, false, 60}, {80, 2000, false, true, 60},
		{300, 800, true, false, 20}};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		connect_one_way((struct sim_conf){
			.wa_link = {.seed = 1}, .session_ptime_ms = table[i].ptime_ms, .g722 = table[i].g722});
		never_pause();
		world.to_wa_end.conf.delay_ms = DELAY_MS + table[i].quicker_ms;
		sim_run_ms(&world, 8000);
		const struct jbuf_stats *jb = jbuf_stats(world.session->to_sip.jb);
		world.to_wa_end.conf.delay_ms = DELAY_MS;
		struct jbuf_stats before = *jb;
		sim_run_ms(&world, table[i].within_ms + table[i].quicker_ms);
		struct jbuf_stats then = *jb;
		sim_run_ms(&world, 200);
		double hold_ms = (jb->hold_sum_ms - then.hold_sum_ms) / (double)(jb->played - then.played);
		printf("%u ms quicker: held %.1f ms, %lu ms left out, %lu samples taken away\n", table[i].quicker_ms,
			hold_ms, (unsigned long)(jb->dropped_ms - before.dropped_ms),
			(unsigned long)world.session->to_sip.cut_samples);
		assert_true(hold_ms < 5 + table[i].ptime_ms + 20);
		assert_int_equal(jb->dropped_ms > before.dropped_ms, table[i].leaves_out);
		if (!table[i].leaves_out)
			assert_true(world.session->to_sip.cut_samples / 8 + 25 + table[i].ptime_ms - 20 >=
				    table[i].quicker_ms);
		sim_done(&world);
	}
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_profiles), cmocka_unit_test(test_other_packet_times),
		cmocka_unit_test(test_recovers_at_once), cmocka_unit_test(test_made_good_in_the_middle_of_a_word)};
	full_length = argc > 1 && !strcmp(argv[1], "long");
	return cmocka_run_group_tests(tests, learn_clean, NULL);
}
