/* The timing wheel, its clock a column. */
#include "media/wheel.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

enum { START_US = 5000000, ENTRIES = 4 };
#define NEVER UINT64_MAX

struct step {
	uint64_t now_us; /* since START_US */
	int set;         /* entry, -1: none */
	uint64_t to_us;  /* since START_US, or NEVER */
	const char *due; /* served afterwards, in any order: "02" */
};

static uint64_t at(uint64_t us)
{
	return us == NEVER ? NEVER : START_US + us;
}

static void serve(struct wheel *w, struct wheel_entry *entries, uint64_t now_us, char served[ENTRIES * 2 + 1])
{
	struct wheel_entry *e;
	size_t n = 0;

	while ((e = wheel_next_due(w, now_us))) {
		assert_true(n < ENTRIES * 2);
		served[n++] = (char)('0' + (e - entries));
	}
	served[n] = '\0';
}

static void play(const struct step *steps, size_t count)
{
	struct wheel_entry entries[ENTRIES] = {0};
	struct wheel w;
	char served[ENTRIES * 2 + 1];

	wheel_init(&w, START_US);
	assert_true(wheel_deadline(&w) == NEVER);
	for (size_t i = 0; i < count; i++) {
		const struct step *s = &steps[i];
		if (s->set >= 0)
			wheel_set(&w, &entries[s->set], at(s->to_us));
		serve(&w, entries, at(s->now_us), served);
		assert_int_equal(strlen(served), strlen(s->due));
		for (const char *p = s->due; *p; p++)
			assert_non_null(strchr(served, *p));
	}
}

#define PLAY(steps) play(steps, sizeof(steps) / sizeof((steps)[0]))

static void test_nothing_before_its_deadline(void **state)
{
	(void)state;
	static const struct step steps[] = {
		{0, 0, 2500, ""}, /* rounded up to the slot at 3000 */
		{2499, -1, 0, ""},
		{2500, -1, 0, ""},
		{2999, -1, 0, ""},
		{3000, -1, 0, "0"},
		{3000, -1, 0, ""},
		{3500, 0, 4000, ""}, /* on an edge: not rounded */
		{3999, -1, 0, ""},
		{4000, -1, 0, "0"},
	};
	PLAY(steps);
}

static void test_together_moved_and_taken_out(void **state)
{
	(void)state;
	static const struct step steps[] = {
		{0, 0, 10000, ""},
		{0, 1, 10000, ""},
		{0, 2, 10000, ""},
		{0, 3, 10000, ""},
		{0, 1, 12000, ""}, /* moved back, out of the middle of the list */
		{0, 2, NEVER, ""}, /* taken out */
		{0, 2, NEVER, ""}, /* twice */
		{0, 3, 9000, ""},  /* moved forward */
		{9000, -1, 0, "3"},
		{11000, -1, 0, "0"},
		{20000, -1, 0, "1"},
		{90000, -1, 0, ""},
	};
	PLAY(steps);
}

/* What is due in the past comes once now and once in each later slot: never twice in one, never not at all. */
static void test_past_deadline_comes_once_a_slot(void **state)
{
	(void)state;
	static const struct step steps[] = {
		{50000, 0, 1000, "0"},
		{50100, 0, 1000, ""},
		{50999, -1, 0, ""},
		{51000, -1, 0, "0"},
		{51000, 0, 0, ""},
		{52000, 0, 0, "0"},
	};
	PLAY(steps);
}

/* A deadline beyond the wheel waits in its last slot, and is set again from there. */
static void test_far_deadline_waits_in_the_last_slot(void **state)
{
	(void)state;
	static const struct step steps[] = {
		{0, -1, 0, ""},
		{0, 0, 5000000, ""},
		{1023000, -1, 0, ""},
		{1023000, 0, 5000000, ""}, /* set again: the last slot is farther off now */
		{2046000, -1, 0, ""},
		{2047000, -1, 0, "0"},
		{2047000, 0, 2049000, ""},
		{2048000, -1, 0, ""},
		{2049000, -1, 0, "0"},
	};
	PLAY(steps);
}

static void test_none_lost_in_a_long_sleep(void **state)
{
	(void)state;
	static const struct step steps[] = {
		{0, 0, 1000, ""},
		{0, 1, 500000, ""},
		{0, 2, 1023000, ""},
		{0, 3, 9000000, ""},
		{7777777, -1, 0, "0123"},
		{7777777, -1, 0, ""},
		{99999999, 0, 99999000, "0"},
	};
	PLAY(steps);
}

/* A session set again while the slots of a long sleep are still being served used to land in one of those: it was
 * served twice, the second time before its deadline. */
static void test_set_again_while_catching_up(void **state)
{
	(void)state;
	for (uint64_t slept_ms = 1000; slept_ms < 4000; slept_ms += 7) {
		struct wheel_entry entries[ENTRIES] = {0};
		struct wheel w;
		uint64_t now_us = at(slept_ms * 1000), next_us = now_us + 20000;
		unsigned served[ENTRIES] = {0};
		struct wheel_entry *e;

		wheel_init(&w, START_US);
		for (int i = 0; i < ENTRIES; i++)
			wheel_set(&w, &entries[i], at((uint64_t)i * 300000));
		while ((e = wheel_next_due(&w, now_us))) {
			assert_true(++served[e - entries] == 1);
			wheel_set(&w, e, next_us);
		}
		for (int i = 0; i < ENTRIES; i++)
			assert_int_equal(served[i], 1);
		assert_true(wheel_deadline(&w) >= next_us && wheel_deadline(&w) < next_us + WHEEL_SLOT_US);
		assert_null(wheel_next_due(&w, next_us - 1));
		for (int i = 0; i < ENTRIES; i++)
			assert_non_null(wheel_next_due(&w, wheel_deadline(&w)));
		assert_null(wheel_next_due(&w, next_us + 10000000));
	}
}

/* Against a plain list: random deadlines, moves and sleeps. */
static void test_like_a_plain_list(void **state)
{
	(void)state;
	enum { MANY = 200, ROUNDS = 3000 };
	static struct wheel w;
	static struct wheel_entry entries[MANY];
	uint64_t want[MANY], now_us = START_US;
	unsigned seed = 4;

	memset(entries, 0, sizeof(entries));
	wheel_init(&w, now_us);
	for (int i = 0; i < MANY; i++)
		want[i] = NEVER;
	for (int round = 0; round < ROUNDS; round++) {
		int i = rand_r(&seed) % MANY;
		want[i] = rand_r(&seed) % 10 == 0 ? NEVER : now_us + (uint64_t)(rand_r(&seed) % 900000);
		wheel_set(&w, &entries[i], want[i]);
		now_us += (uint64_t)(rand_r(&seed) % 100 == 0 ? rand_r(&seed) % 900000 : rand_r(&seed) % 3000);
		struct wheel_entry *e;
		while ((e = wheel_next_due(&w, now_us))) {
			assert_true(want[e - entries] <= now_us);
			want[e - entries] = NEVER;
		}
		for (int k = 0; k < MANY; k++) /* none later than one slot */
			assert_true(want[k] == NEVER || want[k] + WHEEL_SLOT_US > now_us);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nothing_before_its_deadline),
		cmocka_unit_test(test_together_moved_and_taken_out),
		cmocka_unit_test(test_past_deadline_comes_once_a_slot),
		cmocka_unit_test(test_far_deadline_waits_in_the_last_slot),
		cmocka_unit_test(test_none_lost_in_a_long_sleep),
		cmocka_unit_test(test_set_again_while_catching_up),
		cmocka_unit_test(test_like_a_plain_list),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
