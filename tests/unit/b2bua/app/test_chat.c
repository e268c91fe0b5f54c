/* A user's last texts as one header value: which, how many, how long, and nothing in it that ends a header. */
#include "b2bua/app/config.h"
#include "b2bua/app/dial.h"

#include "lib/base/str.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static struct config config;
static struct app app = {.config = &config};

static int setup(void **state)
{
	(void)state;
	config.messages.context_texts = 3;
	config.messages.context_minutes = 60;
	return loop_new(&app.loop);
}

static int teardown(void **state)
{
	(void)state;
	chat_stop(&app);
	app.loop = loop_free(app.loop);
	return 0;
}

static void expect(const char *user, const char *wanted)
{
	char text[2048];

	assert_string_equal(chat_context(&app, "1", user, text, sizeof(text)), wanted);
}

static void the_last_ones_newest_last(void **state)
{
	(void)state;
	expect("+1", "");
	chat_add(&app, "1", "+1", "one");
	expect("+1", "one");
	chat_add(&app, "1", "+1", "");
	chat_add(&app, "1", "+2", "another user");
	chat_add(&app, "2", "+1", "another number");
	chat_add(&app, "1", "+1", "two");
	chat_add(&app, "1", "+1", "three");
	chat_add(&app, "1", "+1", "four");
	expect("+1", "two | three | four");
	expect("+2", "another user");
}

static void off_unless_configured(void **state)
{
	(void)state;
	config.messages.context_texts = 0;
	chat_add(&app, "1", "+1", "one");
	assert_null(app.chats);
	expect("+1", "");
}

static void nothing_that_ends_a_header(void **state)
{
	(void)state;
	chat_add(&app, "1", "+1", "a\r\nX-Evil: 1\tb\x7f|c\xc3\x28\xff\xc0\x80");
	expect("+1", "a  X-Evil: 1 b  c(");
	chat_add(&app, "1", "+2", "\xff\xfe");
	expect("+2", "");
}

static bool whole_characters(const char *text)
{
	size_t length = strlen(text), bytes;

	for (size_t i = 0; i < length; i += bytes) {
		bytes = str_utf8_char(text + i, length - i);
		if (!bytes)
			return false;
	}
	return true;
}

/* However long texts are, they are cut between characters. */
static void cut_at_characters(void **state)
{
	char text[1000], got[2048];
	(void)state;
	for (size_t lead = 0; lead < 4; lead++) {
		size_t n = lead;
		memset(text, 'x', lead);
		while (n + 4 < sizeof(text)) {
			memcpy(text + n, "\xf0\x9f\x98\x80", 4);
			n += 4;
		}
		text[n] = '\0';
		chat_add(&app, "1", "+1", text);
		chat_context(&app, "1", "+1", got, sizeof(got));
		assert_true(whole_characters(got));
		assert_true(strlen(got) > 100 && strlen(got) < 4 * 170);
	}
}

/* Twenty long texts do not fit in the header: the newest do. */
static void the_newest_have_precedence(void **state)
{
	char text[200], got[2048], small[32];
	(void)state;
	config.messages.context_texts = 20;
	for (int i = 0; i < 25; i++) {
		snprintf(text, sizeof(text), "%02d %0150d\xc3\xa9", i, i);
		chat_add(&app, "1", "+1", text);
	}
	chat_add(&app, "1", "+1", "call me");
	chat_context(&app, "1", "+1", got, sizeof(got));
	assert_true(strlen(got) > 1700);
	assert_string_equal(got + strlen(got) - strlen(" | call me"), " | call me");
	assert_true(whole_characters(got));
	assert_memory_equal(strstr(got, " | ") + 3 + 2, " 0", 2); /* whole texts only */
	assert_string_equal(chat_context(&app, "1", "+1", small, sizeof(small)), "call me");
	assert_string_equal(chat_context(&app, "1", "+1", small, 4), "");
}

static void forgotten_in_time(void **state)
{
	(void)state;
	chat_add(&app, "1", "+1", "one");
	chat_minute(&app);
	expect("+1", "one");
	config.messages.context_minutes = 0;
	chat_minute(&app);
	expect("+1", "");
}

static void bounded_users(void **state)
{
	char user[24];
	(void)state;
	for (int i = 0; i < 10001; i++) {
		snprintf(user, sizeof(user), "+%d", i);
		chat_add(&app, "1", user, "x");
		if (i == 5000)
			chat_add(&app, "1", "+0", "again"); /* and is not the oldest any more */
	}
	expect("+0", "x | again");
	expect("+1", "");
	expect("+10000", "x");
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_last_ones_newest_last),
		TEST(off_unless_configured),
		TEST(nothing_that_ends_a_header),
		TEST(cut_at_characters),
		TEST(the_newest_have_precedence),
		TEST(forgotten_in_time),
		TEST(bounded_users),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
