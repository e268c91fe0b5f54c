/* Players, and the ringback of each country: its cadence and its frequencies. */
#include "media/dsp/ringback.h"
#include "media/dsp/sound.h"
#include "tests/support/media/tone_probe.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

static void test_player_goes_round(void **state)
{
	(void)state;
	int16_t pcm[3] = {1, 2, 3}, out[8];
	const struct sound three = {pcm, 3}, none = {0};
	struct sound_player p = {0};
	sound_player_read(&p, out, 2); /* never started: silence */
	assert_int_equal(out[0] | out[1], 0);
	sound_player_start(&p, &three);
	sound_player_read(&p, out, 2);
	sound_player_read(&p, out + 2, 6);
	assert_memory_equal(out, ((int16_t[]){1, 2, 3, 1, 2, 3, 1, 2}), sizeof(out));
	sound_player_start(&p, &three); /* from its beginning */
	sound_player_read(&p, out, 1);
	assert_int_equal(out[0], 1);
	sound_player_start(&p, &none);
	sound_player_read(&p, out, 8);
	assert_memory_equal(out, ((int16_t[8]){0}), sizeof(out));
}

/* hz2: 0 none; < 0: side bands so far beside hz. Milliseconds as E.180 Supplement 2 has them. */
static const struct {
	const char *country;
	double hz, hz2;
	unsigned ms[4]; /* on, off, on, off */
} tones[] = {
	{"", 425, 0, {1000, 4000}},
	{"eu", 425, 0, {1000, 4000}},
	{"us", 440, 480, {2000, 4000}},
	{"uk", 400, 450, {400, 200, 400, 2000}},
	{"de", 425, 0, {1000, 4000}},
	{"fr", 440, 0, {1500, 3500}},
	{"es", 425, 0, {1500, 3000}},
	{"it", 425, 0, {1000, 4000}},
	{"br", 425, 0, {1000, 4000}},
	{"in", 400, -25, {400, 200, 400, 2000}},
	{"au", 400, 450, {400, 200, 400, 2000}},
	{"jp", 400, -16, {1000, 2000}},
	{"mx", 425, 0, {1000, 4000}},
	{"za", 400, -33, {400, 200, 400, 2000}},
	{"nl", 425, 0, {1000, 4000}},
	{"ch", 425, 0, {1000, 4000}},
	{"at", 420, 0, {1000, 5000}},
	{"pt", 425, 0, {1000, 5000}},
	{"ie", 400, 450, {400, 200, 400, 2000}},
	{"nz", 400, 450, {400, 200, 400, 2000}},
	{"sg", 425, -24, {400, 200, 400, 2000}},
	{"hk", 440, 480, {400, 200, 400, 3000}},
	{"ae", 400, 450, {400, 200, 400, 2000}},
	{"sa", 425, 0, {1200, 4600}},
};

static void check_burst(size_t row, const int16_t *pcm, size_t samples)
{
	double hz = tones[row].hz, hz2 = tones[row].hz2, share = tone_share(pcm, samples, hz);
	double level = tone_level_db(pcm, samples);
	if (hz2 == 0 && share < 0.98)
		fail_msg("%s: %.2f at %.0f Hz", tones[row].country, share, hz);
	if (hz2 > 0 && (share < 0.45 || share + tone_share(pcm, samples, hz2) < 0.95))
		fail_msg("%s: %.2f at %.0f Hz", tones[row].country, share, hz);
	if (hz2 < 0 &&
		(share < 0.6 || tone_share(pcm, samples, hz - hz2) < 0.05 || tone_share(pcm, samples, hz + hz2) < 0.05))
		fail_msg("%s: %.2f at %.0f Hz, modulated", tones[row].country, share, hz);
	if (level < -21 || level > -14)
		fail_msg("%s: %.1f dB", tones[row].country, level);
}

static void test_ringback_of_each_country(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(tones) / sizeof(tones[0]); i++) {
		struct sound s;
		size_t at = 0;
		assert_true(ringback_known(tones[i].country));
		assert_int_equal(ringback_new(tones[i].country, &s), 0);
		for (int part = 0; part < 4; part++) {
			size_t samples = tones[i].ms[part] * 8;
			assert_true(at + samples <= s.samples);
			if (samples && part % 2 == 0)
				check_burst(i, s.pcm + at, samples);
			else if (samples)
				assert_true(tone_level_db(s.pcm + at, samples) == -127.0);
			at += samples;
		}
		assert_int_equal(at, s.samples);
		sound_done(&s);
		assert_null(s.pcm);
	}
}

static void test_unknown_countries(void **state)
{
	(void)state;
	struct sound s;
	static const char *const unknown[] = {"xx", "US", "u", "usa", " us", "../us"};
	for (size_t i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++) {
		assert_false(ringback_known(unknown[i]));
		assert_int_equal(ringback_new(unknown[i], &s), -EINVAL);
	}
	assert_true(ringback_known(NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_player_goes_round),
		cmocka_unit_test(test_ringback_of_each_country),
		cmocka_unit_test(test_unknown_countries),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
