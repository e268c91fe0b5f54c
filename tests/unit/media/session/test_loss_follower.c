/* Redundancy by reported loss: on quickly, off slowly. */
#include "media/loss_follower.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

struct report {
	unsigned at_ms, lost; /* of 256 */
	unsigned percent;     /* for the encoder, after it */
};

static void play(unsigned expected, const struct report *reports, size_t count)
{
	struct loss_follower f;

	loss_follower_init(&f, expected);
	assert_int_equal(f.percent, expected < LOSS_FOLLOWER_MAX_PERCENT ? expected : LOSS_FOLLOWER_MAX_PERCENT);
	for (size_t i = 0; i < count; i++) {
		unsigned percent = loss_follower_report(&f, (uint8_t)reports[i].lost, reports[i].at_ms * 1000ull);
		if (percent != reports[i].percent)
			print_error("report %zu: %u %%, the mean %f\n", i, percent, f.mean_percent);
		assert_int_equal(percent, reports[i].percent);
		assert_int_equal(f.percent, percent);
	}
}

#define PLAY(expected, reports) play(expected, reports, sizeof(reports) / sizeof(reports[0]))

static void test_up_at_once_down_slowly(void **state)
{
	static const struct report reports[] = {{5000, 26, 10}, {10000, 51, 20},                     /* at once */
		{15000, 26, 17}, {20000, 26, 16}, {25000, 26, 14}, {30000, 26, 13}, {60000, 26, 11}, /* slowly */
		{65000, 255, 30}, {70000, 0, 30}, {75000, 0, 30}, {80000, 0, 30}, {85000, 0, 30}, {90000, 0, 24},
		{95000, 0, 18}, {100000, 0, 13}};
	(void)state;
	PLAY(0, reports);
}

static void test_off_when_clear_for_a_while(void **state)
{
	/* expected 5 %, and nothing is lost: 20 s of reports have to say so */
	static const struct report clear[] = {
		{1500, 0, 2}, {6500, 0, 2}, {11500, 0, 2}, {16500, 0, 2}, {21500, 0, 0}, {26500, 0, 0}};
	/* a packet lost now and then does not turn it on; 2 % do, and then it stays a while */
	static const struct report now_and_then[] = {{1000, 2, 0}, {6000, 4, 0}, {11000, 0, 0}, {16000, 6, 2},
		{21000, 0, 2}, {26000, 0, 2}, {31000, 0, 2}, {36000, 0, 2}, {41000, 0, 2}, {46000, 0, 0}};
	/* on and off lies between 1 % and 2 % */
	static const struct report between[] = {
		{1000, 6, 2}, {20000, 4, 2}, {40000, 4, 2}, {90000, 4, 2}, {190000, 4, 2}};
	/* never on again by itself */
	static const struct report expected_none[] = {{1000, 0, 0}, {90000, 3, 0}};

	(void)state;
	PLAY(5, clear);
	PLAY(0, now_and_then);
	PLAY(0, between);
	PLAY(0, expected_none);
}

/* Reports of every second or every 15 s: the same time. Of no time at all: no step. */
static void test_time_not_number(void **state)
{
	struct loss_follower often, seldom;

	(void)state;
	loss_follower_init(&often, 0);
	loss_follower_init(&seldom, 0);
	loss_follower_report(&often, 77, 1000000);
	loss_follower_report(&seldom, 77, 1000000);
	for (unsigned s = 2; s <= 16; s++)
		loss_follower_report(&often, 0, s * 1000000ull);
	loss_follower_report(&seldom, 0, 16000000);
	assert_in_range(seldom.percent, 15, 15);
	assert_in_range(often.percent, 11, 15);
	unsigned before = often.percent;
	for (unsigned i = 0; i < 1000; i++)
		assert_int_equal(loss_follower_report(&often, 0, 16000000), before);
}

static void test_expected_is_bounded(void **state)
{
	(void)state;
	play(50, NULL, 0);
	play(0, NULL, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_up_at_once_down_slowly),
		cmocka_unit_test(test_off_when_clear_for_a_while),
		cmocka_unit_test(test_time_not_number),
		cmocka_unit_test(test_expected_is_bounded),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
