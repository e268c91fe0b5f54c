/* Why a recording failed, in one word. */
#include "b2bua/app/listeners.h"

#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

static void test_each_failure_has_its_word(void **state)
{
	static const struct {
		int error;
		const char *word;
	} rows[] = {{-ENOSPC, "disk_full"}, {-EDQUOT, "disk_full"}, {-EACCES, "not_writable"}, {-EPERM, "not_writable"},
		{-EROFS, "not_writable"}, {-ENOENT, "no_directory"}, {-ENOTDIR, "no_directory"}, {-ENOMEM, "resources"},
		{-EAGAIN, "resources"}, {-EIO, "disk_error"}};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_string_equal(recording_failure_name(rows[i].error), rows[i].word);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_each_failure_has_its_word)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
