/* Complexity by load: up slowly, down at once, never back and forth. */
#include "media/governor.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

enum { SLOT_US = 2000, START_US = 1000000 };

static struct governor g;
static uint64_t now_us;

static void begin(unsigned least, unsigned most)
{
	now_us = START_US;
	governor_init(&g, least, most, now_us);
}

static void run(unsigned busy_percent, unsigned ms)
{
	for (uint64_t end_us = now_us + ms * 1000; now_us < end_us;) {
		now_us += SLOT_US;
		governor_note(&g, SLOT_US * busy_percent / 100, now_us);
	}
}

struct step {
	unsigned busy_percent, ms, complexity; /* after it */
};

static void play(unsigned least, unsigned most, const struct step *steps, size_t count)
{
	begin(least, most);
	for (size_t i = 0; i < count; i++) {
		run(steps[i].busy_percent, steps[i].ms);
		if (g.complexity != steps[i].complexity)
			print_error("step %zu: complexity %u at %u %%\n", i, g.complexity, g.busy_percent);
		assert_int_equal(g.complexity, steps[i].complexity);
		assert_in_range(
			g.busy_percent, steps[i].busy_percent ? steps[i].busy_percent - 1 : 0, steps[i].busy_percent);
	}
}

#define PLAY(least, most, steps) play(least, most, steps, sizeof(steps) / sizeof(steps[0]))

static void test_up_slowly_down_at_once(void **state)
{
	static const struct step steps[] = {
		{10, 4500, 0}, /* not yet */
		{10, 500, 1},
		{20, 5000, 2},
		{30, 5000, 3},
		{39, 5000, 5},  /* 4 is the same as 5 */
		{39, 60000, 5}, /* the most */
		{50, 60000, 5}, /* in between nothing changes */
		{65, 60000, 5},
		{66, 500, 3}, /* at once */
		{66, 500, 2},
		{66, 500, 1},
		{66, 500, 0},
		{66, 5000, 0},
		{20, 29500, 0}, /* it had to come down: longer */
		{20, 500, 1},
		{20, 4500, 1},
		{20, 500, 2},
		{81, 500, 0},
		{100, 5000, 0},
	};
	(void)state;
	PLAY(0, 5, steps);
}

/* Low load that is interrupted is no low load. */
static void test_calm_begins_anew(void **state)
{
	static const struct step steps[] = {
		{10, 4500, 0}, {50, 500, 0}, {10, 4500, 0}, {70, 500, 0}, {10, 4500, 0}, {10, 500, 1}};
	(void)state;
	PLAY(0, 5, steps);
}

static void test_bounds(void **state)
{
	static const struct step all[] = {{0, 5000, 1}, {0, 5000, 2}, {0, 5000, 3}, {0, 5000, 5}, {0, 5000, 6},
		{0, 5000, 8}, {0, 5000, 10}, {0, 60000, 10}, {90, 500, 0}};
	static const struct step four[] = {
		{0, 15000, 3}, {0, 5000, 4}, {0, 60000, 4}, {70, 500, 3}}; /* though no step of its own */
	static const struct step from_two[] = {{0, 5000, 3}, {0, 5000, 5}, {90, 500, 2}, {90, 60000, 2}};
	static const struct step fixed[] = {{0, 60000, 7}, {100, 60000, 7}, {0, 60000, 7}};
	static const struct step upside_down[] = {{0, 60000, 5}, {100, 60000, 5}};

	(void)state;
	PLAY(0, 10, all);
	PLAY(0, 99, all);
	PLAY(0, 4, four);
	PLAY(2, 5, from_two);
	PLAY(7, 7, fixed);
	PLAY(5, 3, upside_down);
}

/* Cost of each step against complexity 0, the whole of a call's work (encoder at 8 kHz, and 30 us besides). */
static double cost(unsigned complexity)
{
	static const double us[] = {42, 52, 83, 100, 122, 122, 150, 155, 190, 195, 226};
	return (us[complexity] + 30) / (us[0] + 30);
}

/* Load follows from what was chosen. From any number of calls it comes to rest, and rests below the upper bound. */
static void test_comes_to_rest(void **state)
{
	(void)state;
	for (unsigned base = 1; base <= 60; base++) {
		unsigned changes = 0, last = 0;
		begin(0, 10);
		for (unsigned window = 0; window < 1200; window++) { /* ten minutes */
			double busy = base * cost(g.complexity);
			run(busy > 100 ? 100 : (unsigned)busy, 500);
			if (window > 600 && g.complexity != last)
				changes++;
			last = g.complexity;
		}
		assert_int_equal(changes, 0);
		assert_in_range(g.busy_percent, 0, GOVERNOR_HIGH_PERCENT);
		if (base < 10)
			assert_int_equal(g.complexity, 10);
	}
}

/* A worker that slept for an hour without a call, one that was stopped for a while, and a clock that stood still. */
static void test_odd_times(void **state)
{
	(void)state;
	begin(0, 5);
	now_us += 3600 * 1000000ull;
	assert_true(governor_note(&g, 100, now_us));
	assert_int_equal(g.busy_percent, 0);
	assert_int_equal(g.complexity, 1); /* one step, however long */
	assert_false(governor_note(&g, 0, now_us));
	now_us += 3000000;
	assert_true(governor_note(&g, 4000000, now_us)); /* more than there was */
	assert_int_equal(g.busy_percent, 100);
	assert_int_equal(g.complexity, 0);
}

/* What others are told of the load: a mean, and the same whatever the effort. */
static void test_load_without_effort(void **state)
{
	(void)state;
	begin(0, 5);
	run(20, 500);
	assert_in_range(g.load_permille, 40, 60); /* a quarter of the way */
	run(20, 4500);
	assert_in_range(g.load_permille, 180, 200);
	run(30, 20000); /* the same calls, coded with more effort */
	assert_int_equal(g.complexity, 5);
	assert_in_range(g.load_permille, 190, 210);
	run(90, 500);
	assert_int_equal(g.complexity, 0);
	run(90, 5000);
	assert_in_range(g.load_permille, 840, 900);
	now_us += 3600 * 1000000ull; /* nobody called for an hour */
	governor_note(&g, 0, now_us);
	assert_int_equal(g.load_permille, 0);
	begin(5, 5); /* fixed: that is the least */
	run(40, 10000);
	assert_in_range(g.load_permille, 380, 400);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_up_slowly_down_at_once),
		cmocka_unit_test(test_calm_begins_anew),
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_comes_to_rest),
		cmocka_unit_test(test_odd_times),
		cmocka_unit_test(test_load_without_effort),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
