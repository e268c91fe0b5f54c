/* Where new calls go: by number while there is time to spare, by measured load where there is not. */
#include "media/placement.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

enum { WORKERS = 3, TALKS_AFTER = 40 /* calls begun since */ };

static void test_table(void **state)
{
	static const struct {
		unsigned calls, busy_permille, weight;
	} table[] = {{0, 0, 0}, {1, 0, 5}, {80, 350, 400}, {80, 400, 400}, {200, 80, 1000}, {120, 600, 1000},
		{80, 700, 1000}, {2000, 1000, 11200}};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		assert_int_equal(placement_weight(table[i].calls, table[i].busy_permille), table[i].weight);
}

/* Calls come one after another; each is a load only when it has rung for a while. */
struct worker {
	unsigned calls, ringing[TALKS_AFTER], at, talking_permille, others_permille;
};

static unsigned busy(const struct worker *w)
{
	unsigned n = w->talking_permille + w->others_permille;
	return n < 1000 ? n : 1000;
}

static struct worker *least(struct worker *all)
{
	struct worker *best = &all[0];

	for (int i = 1; i < WORKERS; i++)
		if (placement_weight(all[i].calls, busy(&all[i])) < placement_weight(best->calls, busy(best)))
			best = &all[i];
	return best;
}

static void answer(struct worker *w)
{
	w->at = (w->at + 1) % TALKS_AFTER;
	w->talking_permille += w->ringing[w->at];
	w->ringing[w->at] = 0;
}

static void begin_calls(struct worker *all, unsigned calls, unsigned cost_permille)
{
	for (unsigned n = 0; n < calls; n++) {
		struct worker *w = least(all);
		w->calls++;
		for (int i = 0; i < WORKERS; i++)
			answer(&all[i]);
		w->ringing[w->at] += cost_permille;
	}
	for (int i = 0; i < WORKERS; i++)
		for (int k = 0; k < TALKS_AFTER; k++)
			answer(&all[i]);
}

static unsigned most_busy(const struct worker *all)
{
	unsigned most = 0;

	for (int i = 0; i < WORKERS; i++)
		most = busy(&all[i]) > most ? busy(&all[i]) : most;
	return most;
}

static unsigned most_calls(const struct worker *all)
{
	unsigned most = 0;

	for (int i = 0; i < WORKERS; i++)
		most = all[i].calls > most ? all[i].calls : most;
	return most;
}

static void test_equal_calls_are_spread_evenly(void **state)
{
	struct worker all[WORKERS] = {{0}};

	(void)state;
	begin_calls(all, 60, 5);
	assert_int_equal(most_calls(all), 20);
	begin_calls(all, 300, 5); /* into full load, and a burst that rings */
	assert_in_range(most_calls(all), 120, 122);
}

/* One worker's processor is wanted by others, too. */
static void test_a_busy_processor_gets_less(void **state)
{
	struct worker all[WORKERS] = {{.others_permille = 500}};

	(void)state;
	begin_calls(all, 300, 5);
	assert_in_range(all[0].calls, 20, 70); /* not a hundred */
	assert_true(most_busy(all) < 800);
}

/* One worker has the calls that cost next to nothing: more of the dear ones are for it. */
static void test_cheap_calls_do_not_fill_a_worker(void **state)
{
	struct worker all[WORKERS] = {{.calls = 200, .talking_permille = 60}};

	(void)state;
	begin_calls(all, 400, 5);
	assert_true(all[0].calls > 250);
	assert_true(most_busy(all) < 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_equal_calls_are_spread_evenly),
		cmocka_unit_test(test_a_busy_processor_gets_less),
		cmocka_unit_test(test_cheap_calls_do_not_fill_a_worker),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
