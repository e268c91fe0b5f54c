/* tests/unit/lib/base/test_str.c */
#include "lib/base/str.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static void copies_and_cuts(void **state)
{
	char dst[4] = "zzz";

	(void)state;
	assert_int_equal(str_copy(dst, sizeof(dst), "abc"), 0);
	assert_string_equal(dst, "abc");
	assert_int_equal(str_copy(dst, sizeof(dst), "wxyz"), -ENAMETOOLONG);
	assert_string_equal(dst, "wxy");
	assert_int_equal(str_copy(dst, sizeof(dst), NULL), 0);
	assert_string_equal(dst, "");
	assert_int_equal(str_copy(dst, 0, "a"), -ENAMETOOLONG);
	assert_int_equal(str_copy_n(dst, sizeof(dst), "abcdef", 2), 0);
	assert_string_equal(dst, "ab");
	assert_int_equal(str_copy_n(dst, sizeof(dst), "a", 100), 0);
	assert_string_equal(dst, "a");
	assert_int_equal(str_copy(dst, sizeof(dst), dst), 0);
}

static void compares(void **state)
{
	(void)state;
	assert_true(str_equal("a", "a") && !str_equal("a", "A") && !str_equal("a", NULL) && str_equal(NULL, NULL));
	assert_true(str_equal_nocase("PCMU", "pcmu") && !str_equal_nocase("a", "ab") && !str_equal_nocase("ab", "a"));
	assert_false(str_equal_nocase("\xc4", "\xe4"));
	assert_true(str_equal_nocase(NULL, NULL) && !str_equal_nocase("", NULL));
	assert_true(str_starts("sip:x", "sip:") && str_starts("a", "") && !str_starts("si", "sip") &&
		    !str_starts(NULL, ""));
}

static void reads_numbers(void **state)
{
	static const struct {
		const char *text;
		uint64_t min, max;
		int r;
		uint64_t value;
	} cases[] = {
		{"0", 0, 10, 0, 0},
		{"007", 0, 10, 0, 7},
		{"10", 0, 10, 0, 10},
		{"11", 0, 10, -ERANGE, 0},
		{"1", 2, 10, -ERANGE, 0},
		{"18446744073709551615", 0, UINT64_MAX, 0, UINT64_MAX},
		{"18446744073709551616", 0, UINT64_MAX, -ERANGE, 0},
		{"99999999999999999999999", 0, UINT64_MAX, -ERANGE, 0},
		{"", 0, 10, -EINVAL, 0},
		{NULL, 0, 10, -EINVAL, 0},
		{"-1", 0, 10, -EINVAL, 0},
		{"+1", 0, 10, -EINVAL, 0},
		{" 1", 0, 10, -EINVAL, 0},
		{"1 ", 0, 10, -EINVAL, 0},
		{"0x1", 0, 10, -EINVAL, 0},
		{"99999999999999999999999x", 0, 10, -EINVAL, 0},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		uint64_t value = 12345;
		int r = str_to_u64(cases[i].text, cases[i].min, cases[i].max, &value);
		if (r != cases[i].r || value != (r ? 12345 : cases[i].value))
			fail_msg("%s: %d", cases[i].text, r);
	}
}

static void masks_numbers(void **state)
{
	static const struct {
		const char *number;
		size_t cap;
		const char *masked;
	} cases[] = {
		{"+447700900123", 32, "+4477*****123"},
		{"447700900123", 32, "44770****123"},
		{"1234567890", 32, "12345**890"},
		{"123456789", 32, "12***"},
		{"1001", 32, "10***"},
		{"12", 32, "1***"},
		{"1", 32, "1***"},
		{"+", 32, "+***"},
		{"", 32, ""},
		{NULL, 32, ""},
		{"alice", 32, "al***"},
		{"anonymous caller", 32, "an***"},
		{"+447700900123", 8, "+4***"},
		{"+447700900123", 10, "+4477*123"},
		{"+4477009001234567890", 12, "+4477***890"},
	};
	char dst[32];

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++)
		assert_string_equal(str_mask_number(dst, cases[i].cap, cases[i].number), cases[i].masked);
}

static void normalises_e164(void **state)
{
	static const struct {
		const char *text;
		size_t cap;
		int r;
		const char *number;
	} cases[] = {
		{"447700900123", 20, 0, "+447700900123"},
		{"+44 7700-900123", 20, 0, "+447700900123"},
		{"+1 (202) 555.0100", 20, 0, "+12025550100"},
		{"123", 5, 0, "+123"},
		{"123", 4, -ENAMETOOLONG, ""},
		{"", 20, -EINVAL, ""},
		{"+", 20, -EINVAL, ""},
		{"+-", 20, -EINVAL, ""},
		{"++1", 20, -EINVAL, ""},
		{"1+2", 20, -EINVAL, ""},
		{"12a", 20, -EINVAL, ""},
		{"alice", 20, -EINVAL, ""},
		{NULL, 20, -EINVAL, ""},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		char dst[20] = "";
		int r = str_e164(cases[i].text, dst, cases[i].cap);
		if (r != cases[i].r || (r == 0 && strcmp(dst, cases[i].number) != 0))
			fail_msg("%s: %d %s", cases[i].text, r, dst);
	}
}

static void hex_both_ways(void **state)
{
	static const uint8_t bytes[] = {0x00, 0x7f, 0x80, 0xff};
	char text[9];
	uint8_t back[4];

	(void)state;
	str_hex(text, bytes, 4);
	assert_string_equal(text, "007f80ff");
	assert_int_equal(str_unhex("007F80ff", back, sizeof(back)), 4);
	assert_memory_equal(back, bytes, 4);
	assert_int_equal(str_unhex("", back, sizeof(back)), 0);
	assert_int_equal(str_unhex("0", back, sizeof(back)), -EINVAL);
	assert_int_equal(str_unhex("000", back, sizeof(back)), -EINVAL);
	assert_int_equal(str_unhex("0g", back, sizeof(back)), -EINVAL);
	assert_int_equal(str_unhex("0011223344", back, sizeof(back)), -EINVAL);
	assert_int_equal(str_unhex(NULL, back, sizeof(back)), -EINVAL);
}

/* RFC 3629 s4 and s10: what a decoder must not take. */
static void utf8_characters(void **state)
{
	static const struct {
		const char *text;
		size_t bytes;
	} cases[] = {
		{"a", 1},
		{"\x7f", 1},
		{"\xc3\xbc", 2},
		{"\xe2\x82\xac", 3},
		{"\xf0\x9f\x93\x9e", 4},
		{"\xf4\x8f\xbf\xbf", 4},
		{"\x80", 0},
		{"\xc0\x80", 0},
		{"\xc1\xbf", 0},
		{"\xe0\x80\x80", 0},
		{"\xed\xa0\x80", 0},
		{"\xf4\x90\x80\x80", 0},
		{"\xf5\x80\x80\x80", 0},
		{"\xff", 0},
		{"\xc3", 0},
		{"\xe2\x82", 0},
		{"\xe2\x82\x41", 0},
		{"\xe2\x41\x80", 0},
		{"", 0},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++)
		assert_int_equal(str_utf8_char(cases[i].text, strlen(cases[i].text)), cases[i].bytes);
	assert_int_equal(str_utf8_char("\0", 1), 1);
}

static void writes_into_a_fixed_buffer(void **state)
{
	char buffer[8];
	struct strbuf sb;

	(void)state;
	strbuf_init(&sb, buffer, sizeof(buffer));
	assert_string_equal(sb.text, "");
	strbuf_put(&sb, "ab");
	strbuf_put_n(&sb, "cdef", 1);
	strbuf_put(&sb, NULL);
	strbuf_printf(&sb, "%d", 42);
	assert_string_equal(sb.text, "abc42");
	assert_false(sb.truncated);
	strbuf_printf(&sb, "%s", "xy");
	assert_false(sb.truncated);
	assert_int_equal(sb.length, 7);
	strbuf_printf(&sb, "%s", "z");
	assert_true(sb.truncated);
	strbuf_put(&sb, "more");
	assert_string_equal(sb.text, "abc42xy");

	strbuf_init(&sb, buffer, 1);
	strbuf_put(&sb, "a");
	strbuf_printf(&sb, "b");
	assert_string_equal(sb.text, "");
	assert_true(sb.truncated);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(copies_and_cuts),
		cmocka_unit_test(compares),
		cmocka_unit_test(reads_numbers),
		cmocka_unit_test(masks_numbers),
		cmocka_unit_test(normalises_e164),
		cmocka_unit_test(hex_both_ways),
		cmocka_unit_test(utf8_characters),
		cmocka_unit_test(writes_into_a_fixed_buffer),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
