/* Regular expressions, and texts that try to keep them busy. */
#include "dialplan/pattern.h"
#include "tests/unit/dialplan/dialplan_tests.h"

#include <errno.h>
#include <string.h>

static int match(const char *pattern, const char *subject)
{
	struct pattern *p = NULL;
	char why[200] = "";
	if (pattern_new(pattern, &p, why, sizeof(why)) < 0)
		fail_msg("%s", why);
	int r = pattern_match(p, subject);
	pattern_free(p);
	return r;
}

static void matches(void **state)
{
	(void)state;
	assert_int_equal(match("^\\+44", "+447700900123"), 1);
	assert_int_equal(match("^\\+44", "+12025550123"), 0);
	assert_int_equal(match("^$", ""), 1);
	assert_int_equal(match("(?i)^ána", "Ána"), 1); /* a character, not its bytes */
	assert_int_equal(match("^.$", "ü"), 1);
	assert_int_equal(match("x$", "x\n"), 0); /* the end is the end */
}

static void hostile_subjects(void **state)
{
	char text[5000];
	(void)state;
	assert_int_equal(match("a", "\xff"
				    "a"),
		-EILSEQ);
	assert_int_equal(match("a", "a\xc3"), -EILSEQ);
	memset(text, 'a', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	assert_int_equal(match("a", text), -EOVERFLOW);
	text[2000] = '\0';
	assert_int_equal(match("^(a+)+$", text), 1);
	text[1999] = '!';
	assert_int_equal(match("^(a+)+$", text), -EOVERFLOW); /* would take longer than the universe has */
	assert_int_equal(match("^(?:(?:a|b)*)*[cd]", text), -EOVERFLOW);
}

static void mistakes_say_where(void **state)
{
	static const struct {
		const char *text, *why;
	} rows[] = {
		{"ab(", "at offset 3"},
		{"[a", "at offset 2"},
		{"+44", "at offset 0"},
		{"a\\Cb", "\\C"},
	};
	static char longer[1100];
	struct pattern *p = NULL;
	char why[200];
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(pattern_new(rows[i].text, &p, why, sizeof(why)), -EBADMSG);
		assert_null(p);
		if (!strstr(why, rows[i].why))
			fail_msg("%s: %s", rows[i].text, why);
	}
	memset(longer, 'a', sizeof(longer) - 1);
	assert_int_equal(pattern_new(longer, &p, why, sizeof(why)), -EBADMSG);
	memset(longer, '(', 900);
	assert_int_equal(pattern_new(longer, &p, why, sizeof(why)), -EBADMSG);
	assert_null(pattern_free(NULL));
}

int dialplan_tests_pattern(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(matches),
		cmocka_unit_test(hostile_subjects),
		cmocka_unit_test(mistakes_say_where),
	};
	return cmocka_run_group_tests_name("dialplan pattern", tests, NULL, NULL);
}
