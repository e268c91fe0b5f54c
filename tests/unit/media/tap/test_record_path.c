/* Names of recordings: what may stand in a template, and what becomes of hostile values. */
#include "media/tap/record_path.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <string.h>

#include <cmocka.h>

enum { WALL_S = 1795271130 }; /* 2026-11-21 14:25:30 UTC */

static void test_templates(void **state)
{
	static const struct {
		const char *template;
		int r;
	} cases[] = {
		{RECORD_PATH_DEFAULT, 0}, {"{call_id}", 0}, {"{date}/{time}_{from}-{to}+{number}/v1.{call_id}", 0},
		{"", -EINVAL}, {"/tmp/{call_id}", -EINVAL}, {"../{call_id}", -EINVAL}, {"a/../{call_id}", -EINVAL},
		{"a//{call_id}", -EINVAL}, {"{call_id}/", -EINVAL}, {".{call_id}", -EINVAL}, {"{call_id", -EINVAL},
		{"{}", -EINVAL}, {"{name}", -EINVAL}, {"{a_name_longer_than_any}", -EINVAL}, {"a b", -EINVAL},
		{"a\nb", -EINVAL}, {"a\\b", -EINVAL}, {"\xc3\xa9", -EINVAL},
		{"{from}{from}{from}{from}{from}{from}{from}{from}{from}", -EINVAL}, /* too long when filled in */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char why[80] = "";
		assert_int_equal(record_path_check(cases[i].template, why, sizeof(why)), cases[i].r);
		assert_int_equal(why[0] != '\0', cases[i].r != 0);
	}
}

static void test_values(void **state)
{
	static const struct {
		const char *from, *path;
	} cases[] = {
		{"+12025550123", "2026-11-21/142530_+12025550123"},
		{"../../etc/passwd", "2026-11-21/142530_______etc_passwd"},
		{"..", "2026-11-21/142530___"},
		{"/", "2026-11-21/142530__"},
		{"a\nb\tc d", "2026-11-21/142530_a_b_c_d"},
		{"{call_id}", "2026-11-21/142530__call_id_"},
		{"%2e%2e%2f", "2026-11-21/142530__2e_2e_2f"},
		{"caf\xc3\xa9", "2026-11-21/142530_caf__"},
		{"", "2026-11-21/142530_unknown"},
		{NULL, "2026-11-21/142530_unknown"},
		{"-rf", "2026-11-21/142530_-rf"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct record_facts f = {"c-1", cases[i].from, "x", "y", WALL_S * 1000ull};
		char path[RECORD_PATH_MAX];
		assert_int_equal(record_path_expand("{date}/{time}_{from}", &f, path), 0);
		assert_string_equal(path, cases[i].path);
	}
}

/* Whatever bytes a peer sends: one level, of harmless characters, bounded. */
static void test_no_value_adds_a_level(void **state)
{
	char value[200], path[RECORD_PATH_MAX];
	uint32_t seed = 1;

	(void)state;
	for (int round = 0; round < 2000; round++) {
		size_t n = seed % (sizeof(value) - 1);
		for (size_t i = 0; i < n; i++) {
			seed = seed * 1664525 + 1013904223;
			value[i] = (char)(1 + (seed >> 16) % 255);
		}
		value[n] = '\0';
		seed = seed * 1664525 + 1013904223;
		const struct record_facts f = {value, value, value, value, seed};
		assert_int_equal(record_path_expand("a/{from}", &f, path), 0);
		assert_int_equal(strspn(path + 2, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+-_"),
			strlen(path + 2));
		assert_in_range(strlen(path + 2), 1, RECORD_VALUE_MAX);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_templates),
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_no_value_adds_a_level),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
