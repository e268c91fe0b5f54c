/* What strangers typed must stay inside the place it is put. */
#include "dialplan/template.h"
#include "tests/unit/dialplan/dialplan_tests.h"

#include <errno.h>
#include <string.h>

static const struct call_facts ana = {
	.to = "+12025550123",
	.from = "+447700900123",
	.from_user_id = "bsuid-1",
	.name = "Ana Müller",
	.payload = "order-17",
	.phone_number_id = "1001",
	.call_id = "c-1",
};

static void expansions(void **state)
{
	static const struct {
		const char *text, *user, *header;
	} rows[] = {
		{"", "", ""},
		{"600", "600", "600"},
		{"{from}", "+447700900123", "+447700900123"},
		{"{to}{number_id}", "+120255501231001", "+120255501231001"},
		{"a {call_id} b", "a%20c-1%20b", "a c-1 b"},
		{"{name}", "Ana%20M%C3%BCller", "Ana Müller"},
		{"{payload};u={from_user_id}", "order-17;u=bsuid-1", "order-17;u=bsuid-1"},
		{"{{", "%7B", "{"},
		{"{{name}", "%7Bname%7D", "{name}"},
		{"{{{name}}", "%7BAna%20M%C3%BCller%7D", "{Ana Müller}"},
		{"}", "%7D", "}"},
		{"*98#", "*98%23", "*98#"},
		{"*98%23", "*98%23", "*98%23"},
		{"100%", "100%25", "100%"},
		{"a@b:c<d>\"e\"", "a%40b%3Ac%3Cd%3E%22e%22", "a@b:c<d>\"e\""},
		{"-_.!~*'()&=+$,;?/", "-_.!~*'()&=+$,;%3F/", "-_.!~*'()&=+$,;?/"},
	};
	struct arena arena;
	(void)state;
	arena_init(&arena, 0);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct template t;
		char why[100];
		assert_int_equal(template_read(&arena, rows[i].text, &t, why, sizeof(why)), 0);
		assert_string_equal(template_user(&t, &ana, &arena), rows[i].user);
		assert_string_equal(template_text(&t, &ana, &arena), rows[i].header);
	}
	arena_done(&arena);
}

static void hostile_facts(void **state)
{
	static const struct {
		const char *fact, *user, *header;
	} rows[] = {
		{NULL, "", ""},
		{"a\r\nVia: x", "a%0D%0AVia%3A%20x", "aVia: x"},
		{"\x01\x1f\x7f", "%01%1F%7F", ""},
		{"a\tb", "a%09b", "ab"},
		{"%41", "%2541", "%41"}, /* a fact is never taken as escaped already */
		{"  x  ", "%20%20x%20%20", "x"},
		{"\xff\xfe"
		 "a\xc3",
			"%FF%FE"
			"a%C3",
			"a"},
		{"\xc0\x8a", "%C0%8A", ""}, /* an overlong line feed */
		{"\xed\xa0\x80", "%ED%A0%80", ""},
		{"\xf4\x90\x80\x80", "%F4%90%80%80", ""},
		{"\xc2\x85x", "%C2%85x", "x"}, /* C1 next line */
		{"\xe2\x80\xa8x", "%E2%80%A8x", "x"},
		{"\xf0\x9f\x98\x80", "%F0%9F%98%80", "\xf0\x9f\x98\x80"},
		{"sip:x@evil;lr>", "sip%3Ax%40evil%3Blr%3E", "sip:x@evil;lr>"},
		{"-_.!~*'()+&=$,;?/", "-_.!~*'()+%26%3D%24%2C%3B%3F%2F", "-_.!~*'()+&=$,;?/"},
	};
	struct arena arena;
	struct template t;
	char why[100];
	(void)state;
	arena_init(&arena, 0);
	assert_int_equal(template_read(&arena, "{payload}", &t, why, sizeof(why)), 0);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct call_facts facts = {.payload = rows[i].fact};
		assert_string_equal(template_user(&t, &facts, &arena), rows[i].user);
		assert_string_equal(template_text(&t, &facts, &arena), rows[i].header);
	}
	arena_done(&arena);
}

static void long_facts_are_cut_between_characters(void **state)
{
	static char euros[3 * 400 + 1];
	struct call_facts facts = {.payload = euros, .name = "tail"};
	struct arena arena;
	struct template t;
	char why[100];
	(void)state;
	for (size_t i = 0; i < 400; i++)
		memcpy(euros + 3 * i, "\xe2\x82\xac", 3);
	arena_init(&arena, 0);
	assert_int_equal(template_read(&arena, "{payload}{name}", &t, why, sizeof(why)), 0);
	const char *text = template_text(&t, &facts, &arena);
	assert_int_equal(strlen(text), TEMPLATE_TEXT_MAX / 3 * 3);
	assert_memory_equal(text, euros, strlen(text));
	const char *user = template_user(&t, &facts, &arena);
	assert_int_equal(strlen(user), TEMPLATE_USER_MAX / 9 * 9);
	assert_string_equal(user + strlen(user) - 9, "%E2%82%AC");
	arena_done(&arena);
}

static void mistakes_are_named(void **state)
{
	static const struct {
		const char *text, *why;
	} rows[] = {
		{"{nmae}", "unknown placeholder \"nmae\""},
		{"{}", "unknown placeholder \"\""},
		{"{ name }", "unknown placeholder \" name \""},
		{"{Name}", "unknown placeholder"},
		{"x{name", "brace without an end"},
		{"x{", "brace without an end"},
		{"{na{me}}", "brace without an end"},
		{"{{{", "brace without an end"},
		{"{to}{to}{to}{to}{to}{to}{to}{to}{to}{to}{to}{to}{to}{to}{to}{to}{to}{to}{to}{to}{to}{to}{to}{to}{to}{"
		 "to}"
		 "{to}{to}{to}{to}{to}{to}{to}",
			"more than 32 pieces"},
	};
	struct arena arena;
	(void)state;
	arena_init(&arena, 0);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct template t;
		char why[100] = "";
		assert_int_equal(template_read(&arena, rows[i].text, &t, why, sizeof(why)), -EBADMSG);
		if (!strstr(why, rows[i].why))
			fail_msg("\"%s\": %s", rows[i].text, why);
	}
	arena_done(&arena);
}

int dialplan_tests_template(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(expansions),
		cmocka_unit_test(hostile_facts),
		cmocka_unit_test(long_facts_are_cut_between_characters),
		cmocka_unit_test(mistakes_are_named),
	};
	return cmocka_run_group_tests_name("dialplan template", tests, NULL, NULL);
}
