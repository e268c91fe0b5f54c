/* Pages that hold nothing are not resident, and everything reads as before. */
#include "media/codec/lean_memory.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static bool resident(const unsigned char *page)
{
	unsigned char in = 0;

	assert_int_equal(mincore((void *)(uintptr_t)page, 1, &in), 0);
	return in & 1;
}

static void test_zero_pages_go(void **state)
{
	const size_t page = (size_t)sysconf(_SC_PAGESIZE), bytes = 5 * page - 100;
	unsigned char *m = lean_alloc(bytes);

	(void)state;
	assert_non_null(m);
	assert_int_equal((uintptr_t)m % page, 0);
	for (size_t i = 0; i < bytes; i++)
		assert_int_equal(m[i], 0);
	m[0] = 1;
	m[3 * page - 1] = 2;
	m[3 * page] = 3;
	lean_drop_zero_pages(m, bytes);
	assert_true(resident(m));
	assert_false(resident(m + page));
	assert_true(resident(m + 2 * page));
	assert_true(resident(m + 3 * page));
	assert_false(resident(m + 4 * page));
	assert_int_equal(m[0] + m[3 * page - 1] + m[3 * page], 6);
	m[page] = 7; /* in use after all */
	lean_drop_zero_pages(m, bytes);
	assert_int_equal(m[page], 7);
	for (size_t i = 0; i < bytes; i++)
		assert_int_equal(m[i] != 0, i == 0 || i == page || i == 3 * page - 1 || i == 3 * page);
	free(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_zero_pages_go)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
