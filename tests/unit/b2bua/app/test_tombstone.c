/* Names of calls that are over: how long, how many, and out of memory. */
#include "b2bua/app/tombstone.h"

#include "tests/support/oom.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <cmocka.h>

enum { LIFE = TOMBSTONE_LIFE_MS };

static void test_life(void **state)
{
	(void)state;
	enum { ADD, HAS, NOT };
	static const struct {
		uint64_t wall_ms;
		int what;
		const char *wacid;
	} steps[] = {
		{1000, NOT, "a"}, {1000, ADD, "a"}, {1000, HAS, "a"}, {1000, NOT, "A"}, {1000, NOT, ""},
		{1000, NOT, "aa"}, {2000, ADD, "a"}, /* again: changes nothing */
		{2000, ADD, "b"}, {1000 + LIFE, HAS, "a"}, {1001 + LIFE, NOT, "a"}, {1001 + LIFE, HAS, "b"},
		{1001 + LIFE, ADD, "a"}, /* over a second time: as good as new */
		{1002 + LIFE, HAS, "a"}, {2001 + LIFE, NOT, "b"}, {2001 + LIFE, ADD, "c"},
		{1001 + 2ull * LIFE, HAS, "a"}, {1002 + 2ull * LIFE, NOT, "a"},
		{5000, HAS, "c"}, /* the clock was set back */
	};
	struct tombstones *t = tombstones_new();

	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		if (steps[i].what == ADD)
			assert_true(tombstones_add(t, steps[i].wacid, steps[i].wall_ms));
		else
			assert_int_equal(tombstones_has(t, steps[i].wacid, steps[i].wall_ms), steps[i].what == HAS);
	}
	assert_null(tombstones_free(t));
	assert_null(tombstones_free(NULL));
}

/* A call that ended anew after its first stone had expired was not remembered. */
static void test_expired_stone_is_set_up_again(void **state)
{
	(void)state;
	struct tombstones *t = tombstones_new();

	assert_true(tombstones_add(t, "newer", 900000));
	assert_true(tombstones_add(t, "older", 1000)); /* by a clock that went back */
	assert_true(tombstones_add(t, "older", 2000 + LIFE));
	assert_true(tombstones_has(t, "older", 3000 + LIFE));
	tombstones_free(t);
}

static void test_oldest_is_forgotten_first(void **state)
{
	(void)state;
	struct tombstones *t = tombstones_new();
	char name[32];

	for (unsigned i = 0; i < TOMBSTONES_MAX + 10; i++) {
		snprintf(name, sizeof(name), "wacid.%u", i);
		assert_true(tombstones_add(t, name, 1000));
	}
	for (unsigned i = 0; i < TOMBSTONES_MAX + 10; i++) {
		snprintf(name, sizeof(name), "wacid.%u", i);
		assert_int_equal(tombstones_has(t, name, 1000), i >= 10);
	}
	tombstones_free(t);
}

static void test_every_allocation_fails_once(void **state)
{
	(void)state;
	enum { MANY = 2000 };

	for (unsigned n = 1; oom_next(n); n++) {
		struct tombstones *t = tombstones_new();
		unsigned missing = 0;
		char name[32];
		for (unsigned i = 0; t && i < MANY; i++) {
			snprintf(name, sizeof(name), "wacid.%u", i);
			bool added = tombstones_add(t, name, 1000);
			assert_int_equal(tombstones_has(t, name, 1000), added);
			missing += !added;
		}
		assert_true(missing <= 1);
		assert_true(oom_off() || (t && !missing));
		tombstones_free(t);
		if (n == 40)
			n = MANY - 10; /* the rest is more of the same */
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_life),
		cmocka_unit_test(test_expired_stone_is_set_up_again),
		cmocka_unit_test(test_oldest_is_forgotten_first),
		cmocka_unit_test(test_every_allocation_fails_once),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
