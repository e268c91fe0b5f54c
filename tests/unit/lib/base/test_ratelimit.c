/* tests/unit/lib/base/test_ratelimit.c */
#include "lib/base/ratelimit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* 10 a second, burst 3, from time 1000 ms on */
static const struct {
	uint64_t at_ms;
	bool allowed;
} bucket[] = {
	{1000, true}, {1000, true}, {1000, true}, {1000, false}, {1099, false}, {1100, true}, {1100, false},
	{1250, true},                                            /* the half token is kept */
	{1250, false}, {1300, true}, {1200, false},              /* time going back adds nothing */
	{9000, true}, {9000, true}, {9000, true}, {9000, false}, /* a long rest fills the bucket, not more */
};

static void token_bucket(void **state)
{
	struct ratelimit rl;

	(void)state;
	ratelimit_init(&rl, 10, 3, 1000 * 1000);
	for (size_t i = 0; i < sizeof(bucket) / sizeof(bucket[0]); i++)
		if (ratelimit_take(&rl, bucket[i].at_ms * 1000) != bucket[i].allowed)
			fail_msg("row %zu", i);
}

static void extremes(void **state)
{
	struct ratelimit rl;

	(void)state;
	ratelimit_init(&rl, 0, 1, 0);
	assert_true(ratelimit_take(&rl, 0));
	assert_false(ratelimit_take(&rl, UINT64_MAX));
	ratelimit_init(&rl, 5, 0, 0);
	assert_false(ratelimit_take(&rl, UINT64_MAX));
	ratelimit_init(&rl, UINT32_MAX, UINT32_MAX, 0);
	assert_true(ratelimit_take(&rl, UINT64_MAX));
	assert_true(rl.micro_tokens == ((uint64_t)UINT32_MAX - 1) * 1000000);
	assert_true(ratelimit_take(&rl, UINT64_MAX));
}

/* Steady state: taking as fast as one may gives per_second tokens a second, no drift over an hour. */
static void no_drift(void **state)
{
	struct ratelimit rl;
	unsigned taken = 0;

	(void)state;
	ratelimit_init(&rl, 7, 2, 0);
	for (uint64_t ms = 1; ms <= 3600 * 1000; ms++)
		taken += ratelimit_take(&rl, ms * 1000);
	assert_in_range(taken, 7 * 3600, 7 * 3600 + 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(token_bucket),
		cmocka_unit_test(extremes),
		cmocka_unit_test(no_drift),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
