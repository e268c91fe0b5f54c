#include "media/dsp/level.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

static void test_levels(void **state)
{
	(void)state;
	int16_t pcm[160] = {0};
	assert_true(level_dbov(pcm, 0) == -127.0);
	for (int i = 0; i < 160; i++)
		pcm[i] = 0;
	assert_true(level_dbov(pcm, 160) == -127.0);
	assert_true(level_is_quiet(pcm, 160));
	for (int i = 0; i < 160; i++)
		pcm[i] = INT16_MIN;
	assert_true(level_dbov(pcm, 160) == 0.0);
	assert_false(level_is_quiet(pcm, 160));
	for (int i = 0; i < 160; i++)
		pcm[i] = (int16_t)(i % 2 ? 328 : -328); /* -40 dBov */
	assert_true(level_dbov(pcm, 160) > -40.1 && level_dbov(pcm, 160) < -39.9);
	assert_false(level_is_quiet(pcm, 160));
	for (int i = 0; i < 160; i++)
		pcm[i] = (int16_t)(i % 2 ? 100 : -100); /* -50 dBov */
	assert_true(level_is_quiet(pcm, 160));
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_levels)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
