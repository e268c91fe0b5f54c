/* Only the latest is kept, the arena does not grow with their number, and nothing secret stays behind. */
#include "b2bua/call/kept_text.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

static void test_latest_only(void **state)
{
	struct arena arena;
	struct kept_text k = {0};
	char text[4096];

	(void)state;
	arena_init(&arena, 20 * 1024);
	assert_string_equal(kept_text(&k), "");
	kept_text_wipe(&k);
	assert_int_equal(kept_text_set(&k, &arena, NULL, 7), 0);
	assert_string_equal(kept_text(&k), "");
	assert_int_equal(kept_text_set(&k, &arena, "short\0 not this", 15), 0);
	assert_string_equal(kept_text(&k), "short");
	for (size_t n = 1; n < sizeof(text); n++) {
		memset(text, 'a' + (int)(n % 26), n);
		assert_int_equal(kept_text_set(&k, &arena, text, n), 0);
		assert_int_equal(strlen(kept_text(&k)), n);
	}
	for (int i = 0; i < 1000; i++)
		assert_int_equal(kept_text_set(&k, &arena, text, (size_t)i * 4), 0);
	arena_done(&arena);
}

static void test_what_is_left_behind_is_wiped(void **state)
{
	struct arena arena;
	struct kept_text k = {0};
	char large[300];

	(void)state;
	arena_init(&arena, 0);
	assert_int_equal(kept_text_set(&k, &arena, "secret", 6), 0);
	const char *before = k.at;
	memset(large, 'x', sizeof(large));
	assert_int_equal(kept_text_set(&k, &arena, large, sizeof(large)), 0);
	assert_ptr_not_equal(k.at, before);
	assert_memory_equal(before, "\0\0\0\0\0\0", 6);
	const char *kept = k.at;
	kept_text_wipe(&k);
	assert_string_equal(kept_text(&k), "");
	assert_int_equal(kept_text_set(&k, &arena, "again", 5), 0);
	assert_ptr_equal(k.at, kept);
	arena_done(&arena);
}

static void test_no_room(void **state)
{
	struct arena arena;
	struct kept_text k = {0};
	char large[300] = {'x'};

	(void)state;
	arena_init(&arena, 128);
	assert_int_equal(kept_text_set(&k, &arena, "first", 5), 0);
	memset(large, 'x', sizeof(large));
	assert_int_equal(kept_text_set(&k, &arena, large, sizeof(large)), -ENOMEM);
	assert_string_equal(kept_text(&k), "first");
	arena_done(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_latest_only),
		cmocka_unit_test(test_what_is_left_behind_is_wiped),
		cmocka_unit_test(test_no_room),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
