/* The core of audiocheck on made-up "speech" (syllables of random pitch and length, seeded), and its limits. Real
 * speech is in audiocheck_cases.py. */
#include "tools/audiocheck/audio_similarity.h"

#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { SECONDS = 6, RATE = 8000, SAMPLES = SECONDS * RATE };

static unsigned next(unsigned *state)
{
	*state = *state * 1664525u + 1013904223u;
	return *state >> 8;
}

static void babble(unsigned seed, uint32_t rate_hz, int16_t *samples, size_t count)
{
	for (size_t at = 0; at < count;) {
		double low = 300 + next(&seed) % 500, high = 900 + next(&seed) % 2200;
		double gain = 2000 + next(&seed) % 6000;
		size_t length = (60 + next(&seed) % 200) * rate_hz / 1000, pause = (next(&seed) % 120) * rate_hz / 1000;

		for (size_t i = 0; i < length && at < count; i++, at++) {
			double t = (double)i / rate_hz;

			samples[at] = (int16_t)(gain * sin(M_PI * (double)i / (double)length) *
						(sin(2 * M_PI * low * t) + 0.6 * sin(2 * M_PI * high * t)));
		}
		for (size_t i = 0; i < pause && at < count; i++)
			samples[at++] = 0;
	}
}

static struct audio_similarity compare(const int16_t *heard, size_t count)
{
	static int16_t reference[SAMPLES];
	struct audio_similarity s = {0};

	babble(1, RATE, reference, SAMPLES);
	assert_int_equal(audio_similarity(&(struct audio_clip){reference, SAMPLES, RATE},
				 &(struct audio_clip){heard, count, RATE}, &s),
		0);
	assert_true(s.score >= 0 && s.score <= 1.0001);
	return s;
}

static void shifted_and_quieter(void **state)
{
	static const struct {
		int shift; /* samples; negative: the begin is missing */
		double gain, score, delay_ms, level_db;
	} cases[] = {
		{0, 1, 0.99, 0, 0},
		{800, 1, 0.99, 100, 0},
		{24000, 0.5, 0.95, 3000, -6},
		{-8000, 0.25, 0.95, -1000, -12},
		{-16000, 1, 0.95, -2000, 0},
	};
	static int16_t original[SAMPLES], heard[SAMPLES * 2];

	(void)state;
	babble(1, RATE, original, SAMPLES);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct audio_similarity s;

		memset(heard, 0, sizeof(heard));
		for (int k = 0; k < SAMPLES; k++) {
			if (k + cases[i].shift >= 0)
				heard[k + cases[i].shift] = (int16_t)(original[k] * cases[i].gain);
		}
		s = compare(heard, SAMPLES * 2);
		assert_true(s.score >= cases[i].score);
		assert_true(fabs(s.delay_ms - cases[i].delay_ms) <= 20);
		assert_true(fabs(s.level_db - cases[i].level_db) < 0.5);
		assert_true(s.heard_seconds <= s.reference_seconds + 0.001);
	}
}

static void something_else(void **state)
{
	static int16_t heard[SAMPLES];
	unsigned seed = 7;

	(void)state;
	for (unsigned other = 2; other < 8; other++) {
		babble(other, RATE, heard, SAMPLES);
		assert_true(compare(heard, SAMPLES).score < 0.5);
	}
	for (int i = 0; i < SAMPLES; i++)
		heard[i] = (int16_t)(next(&seed) % 20000 - 10000);
	assert_true(compare(heard, SAMPLES).score < 0.3);
	for (int i = 0; i < SAMPLES; i++)
		heard[i] = i % 2 ? INT16_MIN : INT16_MAX; /* the loudest there is, above the band */
	assert_true(compare(heard, SAMPLES).score < 0.3);
	for (int i = 0; i < SAMPLES; i++)
		heard[i] = 3000; /* only an offset */
	assert_true(compare(heard, SAMPLES).score < 0.3);
}

static void nothing_heard(void **state)
{
	static const int16_t silence[SAMPLES];
	static const size_t lengths[] = {0, 1, 79, 80, 255, 4000, SAMPLES};

	(void)state;
	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		struct audio_similarity s = compare(lengths[i] ? silence : NULL, lengths[i]);

		assert_true(s.score == 0);
		assert_true(s.heard_seconds == 0);
		assert_true(s.clipped_start_ms == s.reference_seconds * 1000);
	}
}

static void every_rate(void **state)
{
	static const uint32_t rates[] = {8000, 11025, 16000, 22050, 32000, 44100, 48000};
	int16_t *heard = calloc((size_t)SECONDS * 48000, sizeof(*heard));

	(void)state;
	assert_non_null(heard);
	for (size_t i = 0; i < sizeof(rates) / sizeof(rates[0]); i++) {
		static int16_t reference[SAMPLES];
		struct audio_similarity s;

		babble(1, RATE, reference, SAMPLES);
		babble(1, rates[i], heard, SECONDS * rates[i]);
		assert_int_equal(audio_similarity(&(struct audio_clip){reference, SAMPLES, RATE},
					 &(struct audio_clip){heard, SECONDS * rates[i], rates[i]}, &s),
			0);
		assert_true(s.score > 0.9);
	}
	free(heard);
}

static void unusable_clips(void **state)
{
	static int16_t sound[SAMPLES];
	static const int16_t silence[SAMPLES];
	const struct audio_clip good = {sound, SAMPLES, RATE};
	struct audio_similarity s;

	(void)state;
	babble(1, RATE, sound, SAMPLES);
	assert_int_equal(audio_similarity(&(struct audio_clip){sound, SAMPLES, 0}, &good, &s), -EINVAL);
	assert_int_equal(audio_similarity(&good, &(struct audio_clip){sound, SAMPLES, 7999}, &s), -EINVAL);
	assert_int_equal(audio_similarity(&good, &(struct audio_clip){sound, SAMPLES, 48001}, &s), -EINVAL);
	assert_int_equal(audio_similarity(&(struct audio_clip){NULL, 0, RATE}, &good, &s), -EINVAL);
	assert_int_equal(audio_similarity(&(struct audio_clip){silence, SAMPLES, RATE}, &good, &s), -EINVAL);
	assert_int_equal(audio_similarity(&(struct audio_clip){sound, RATE / 4, RATE}, &good, &s), -EINVAL);
	assert_int_equal(audio_similarity(&good, &(struct audio_clip){sound, SIZE_MAX / 4, RATE}, &s), -E2BIG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(shifted_and_quieter),
		cmocka_unit_test(something_else),
		cmocka_unit_test(nothing_heard),
		cmocka_unit_test(every_rate),
		cmocka_unit_test(unusable_clips),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
