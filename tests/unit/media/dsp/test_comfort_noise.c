#include "media/dsp/comfort_noise.h"
#include "media/dsp/level.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <string.h>

enum { SECOND = 8000 };

static int16_t pcm[SECOND];

static const struct {
	const char *what;
	uint8_t payload[3];
	size_t length;
	double dbov;
} levels[] = {
	{"as said", {45}, 1, -45},
	{"another", {65}, 1, -65},
	{"the first bit is reserved", {0x80 | 50}, 1, -50},
	{"too loud", {5}, 1, -30},
	{"not to be heard", {127}, 1, -127},
	{"with a spectrum", {40, 120, 90}, 3, -40},
	{"no level", {0}, 0, -60},
};

static void test_levels(void **state)
{
	(void)state;
	struct comfort_noise n = {0};
	comfort_noise_read(&n, pcm, SECOND);
	assert_true(level_dbov(pcm, SECOND) < -126);
	for (size_t i = 0; i < sizeof(levels) / sizeof(levels[0]); i++) {
		comfort_noise_start(&n, levels[i].payload, levels[i].length);
		comfort_noise_read(&n, pcm, SECOND / 2);
		comfort_noise_read(&n, pcm, SECOND);
		double got = level_dbov(pcm, SECOND);
		if (got < levels[i].dbov - 1.5 || got > levels[i].dbov + 1.5)
			fail_msg("%s: %f", levels[i].what, got);
		int32_t mean = 0;
		for (size_t k = 0; k < SECOND; k++)
			mean += pcm[k];
		assert_in_range(mean / SECOND + 100, 40, 160);
	}
	comfort_noise_stop(&n);
	comfort_noise_read(&n, pcm, SECOND);
	assert_true(level_dbov(pcm, SECOND) < -126);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_levels)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
