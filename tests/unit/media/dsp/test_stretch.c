#include "media/dsp/stretch.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { COUNT = 320 };

/* A vowel: harmonics of one pitch. */
static void vowel(int16_t *pcm, size_t count, double hz, unsigned rate_hz)
{
	for (size_t i = 0; i < count; i++) {
		double v = 0;
		for (int h = 1; h <= 6; h++)
			v += sin(2.0 * 3.14159265358979 * hz * h * (double)i / rate_hz) / h;
		pcm[i] = (int16_t)(6000 * v);
	}
}

static int largest_step(const int16_t *pcm, size_t count)
{
	int most = 0;
	for (size_t i = 1; i < count; i++)
		if (abs(pcm[i] - pcm[i - 1]) > most)
			most = abs(pcm[i] - pcm[i - 1]);
	return most;
}

static void test_a_period_of_a_vowel_is_taken_away(void **state)
{
	static const struct {
		double hz;
		unsigned rate_hz, step;
	} voices[] = {{80, 8000, 1}, {110, 8000, 1}, {150, 8000, 1}, {233, 8000, 1}, {380, 8000, 1}, {110, 16000, 2},
		{200, 16000, 2}};
	(void)state;
	for (size_t i = 0; i < sizeof(voices) / sizeof(voices[0]); i++) {
		int16_t pcm[2 * COUNT], before[2 * COUNT];
		size_t count = COUNT * voices[i].rate_hz / 8000;
		vowel(pcm, count, voices[i].hz, voices[i].rate_hz);
		memcpy(before, pcm, sizeof(pcm));
		size_t n =
			stretch_cut(pcm, count, voices[i].rate_hz, count / 2, voices[i].step, STRETCH_LIKENESS_PERCENT);
		double periods = (double)n * voices[i].hz / voices[i].rate_hz;
		assert_true(n > 0 && n % voices[i].step == 0);
		assert_true(fabs(periods - round(periods)) < 0.05 * periods + 0.05);
		assert_int_equal(pcm[0], before[0]); /* both ends join what is around them */
		assert_memory_equal(pcm + count - n - 20, before + count - 20, 20 * sizeof(pcm[0]));
		assert_true(largest_step(pcm, count - n) <= largest_step(before, count) * 11 / 10);
	}
}

static void test_no_more_than_asked_for(void **state)
{
	(void)state;
	int16_t pcm[COUNT];
	vowel(pcm, COUNT, 100, 8000); /* a period of 80 */
	assert_int_equal(stretch_cut(pcm, COUNT, 8000, 60, 1, 95), 0);
	assert_in_range(stretch_cut(pcm, COUNT, 8000, 60, 1, 0), 20, 60); /* whatever is best of it */
	assert_int_equal(stretch_cut(pcm, COUNT, 8000, 10, 1, 0), 0);
	assert_int_equal(stretch_cut(pcm, 30, 8000, 100, 1, 0), 0);
	assert_int_equal(stretch_cut(pcm, 0, 8000, 0, 1, 0), 0);
}

static void test_noise_is_not_alike(void **state)
{
	(void)state;
	int16_t pcm[COUNT];
	uint32_t random = 1;
	for (size_t i = 0; i < COUNT; i++)
		pcm[i] = (int16_t)((random = random * 1664525 + 1013904223) >> 16);
	assert_int_equal(stretch_cut(pcm, COUNT, 8000, 160, 1, STRETCH_LIKENESS_PERCENT), 0);
	assert_in_range(stretch_cut(pcm, COUNT, 8000, 160, 1, 0), 20, 133);
}

static void test_loudest_and_silence(void **state)
{
	(void)state;
	int16_t pcm[COUNT];
	for (size_t i = 0; i < COUNT; i++)
		pcm[i] = i / 40 % 2 ? INT16_MIN : INT16_MAX; /* 100 Hz, as loud as can be */
	assert_true(stretch_cut(pcm, COUNT, 8000, 160, 1, STRETCH_LIKENESS_PERCENT) % 80 <= 1);
	memset(pcm, 0, sizeof(pcm));
	assert_int_equal(stretch_cut(pcm, COUNT, 8000, 160, 1, STRETCH_LIKENESS_PERCENT), 0); /* nothing to be alike */
	assert_int_equal(stretch_cut_exactly(pcm, COUNT, 160), 160);
	assert_int_equal(stretch_cut_exactly(pcm, COUNT, 161), 0);
	assert_int_equal(stretch_cut_exactly(pcm, COUNT, 0), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_period_of_a_vowel_is_taken_away),
		cmocka_unit_test(test_no_more_than_asked_for),
		cmocka_unit_test(test_noise_is_not_alike),
		cmocka_unit_test(test_loudest_and_silence),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
