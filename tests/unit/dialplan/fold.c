/* What people mean by what they type. */
#include "dialplan/fold.h"
#include "tests/unit/dialplan/dialplan_tests.h"

#include <stdlib.h>
#include <string.h>

static char *fold(const char *text)
{
	char *folded = NULL;
	assert_int_equal(fold_text(text, &folded), 0);
	return folded;
}

static char *words(const char *text)
{
	char *folded = fold(text), *w = NULL;
	assert_int_equal(fold_words(folded, &w), 0);
	free(folded);
	return w;
}

static bool holds(const char *text, const char *keyword)
{
	char *in = words(text), *what = words(keyword);
	bool found = strstr(in, what) != NULL;
	free(in);
	free(what);
	return found;
}

static void folded(void **state)
{
	static const struct {
		const char *text, *folded;
	} rows[] = {
		{"", ""},
		{"FALÁR", "falar"},
		{"Ligação", "ligacao"},
		{"URGENTE!!", "urgente!!"},
		{"  please call   me\r\n\tnow ", "please call me now"},
		{"a\xc2\xa0\xe2\x80\x83z", "a z"},                              /* no-break space, em space */
		{"\xc4\xb0STANBUL ISRAR \xc4\xb1srar", "istanbul israr israr"}, /* both Turkish i */
		{"Straße STRASSE \xe1\xba\x9e", "strasse strasse ss"},
		{"e\xcc\x81\xcc\xa3", "e"}, /* e, combining acute, combining dot below */
		{"Ørsted Łódź Đặng Ærø Œuvre", "orsted lodz dang aero oeuvre"},
		{"ΆΈΉ ς Σ", "αεη σ σ"},
		{"ЁЖИК", "ежик"},
		{"\xef\xbc\xa3\xef\xbc\xa1\xef\xbc\xac\xef\xbc\xac", "call"},                 /* full width */
		{"\xf0\x9d\x97\x96\xf0\x9d\x97\xae\xf0\x9d\x97\xb9\xf0\x9d\x97\xb9", "call"}, /* mathematical bold */
		{"\xef\xac\x81x", "fix"},
		{"ca\xc2\xadll\xe2\x80\x8b \xe2\x80\x8fme",
			"call me"},                           /* soft hyphen, zero-width space, direction mark */
		{"\xe2\x9d\xa4\xef\xb8\x8f", "\xe2\x9d\xa4"}, /* heart with a variation selector */
		{"\xf0\x9f\x86\x98", "\xf0\x9f\x86\x98"},
		/* a family: joiners of three bytes before characters of four; the move wrote over what was read */
		{"\xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x91\xa7x", "\xf0\x9f\x91\xa9\xf0\x9f\x91\xa7x"},
		{"مَكَالَمَة", "مكالمة"}, /* Arabic without its short vowels */
		{"\xff\xfe"
		 "a\xc3",
			"\xef\xbf\xbd\xef\xbf\xbd"
			"a\xef\xbf\xbd"},
		{"\xc0\x8a\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
	};
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char *text = fold(rows[i].text);
		if (strcmp(text, rows[i].folded) != 0)
			fail_msg("row %zu: \"%s\"", i, text);
		free(text);
	}
}

static void keywords(void **state)
{
	static const struct {
		const char *text, *keyword;
		bool holds;
	} rows[] = {
		{"Quero FALÁR com alguém", "falar", true},
		{"quero falar", "FALÁR", true},
		{"falaremos", "falar", false},
		{"A ligação caiu", "ligacao", true},
		{"URGENTE!!", "urgente", true},
		{"(urgente)", "urgente", true},
		{"*urgente*, _por favor_", "urgente", true}, /* WhatsApp's bold */
		{"ajuda,urgente", "urgente", true},
		{"please call   me", "call me", true},
		{"Call, me?", "call me", true},
		{"recall me", "call me", false},
		{"call\nme", "call me", true},
		{"don't call", "don't", true},
		{"don\xe2\x80\x99t call", "don't", true}, /* the curly apostrophe of telephones */
		{"help\xf0\x9f\x86\x98\xf0\x9f\x86\x98", "\xf0\x9f\x86\x98", true},
		{"help\xf0\x9f\x86\x98", "help", true},
		{"\xf0\x9f\x91\x8d\xf0\x9f\x8f\xbd", "\xf0\x9f\x91\x8d", true}, /* thumb with a skin tone */
		{"我要打电话", "打电话", true},
		{"我要", "打电话", false},
		{"", "call", false},
		{"fal\xff"
		 "ar",
			"falar", false},
	};
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (holds(rows[i].text, rows[i].keyword) != rows[i].holds)
			fail_msg("row %zu", i);
}

static void no_words(void **state)
{
	static const char *const texts[] = {"", " ", "!!", "...", "\xe2\x80\x8b"};
	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		char *w = words(texts[i]);
		assert_string_equal(w, " ");
		free(w);
	}
}

/* However long, and however much its characters grow. */
static void bounded(void **state)
{
	static char text[200000];
	(void)state;
	memset(text, 'A', sizeof(text) - 1);
	char *f = fold(text);
	assert_int_equal(strlen(f), FOLD_MAX_CHARS);
	free(f);
	memset(text, 0xff, sizeof(text) - 1);
	f = fold(text);
	assert_int_equal(strlen(f), 3 * FOLD_MAX_CHARS);
	free(f);
	for (size_t i = 0; i + 3 < sizeof(text); i += 3)
		memcpy(text + i, "\xef\xb7\xba", 3); /* U+FDFA: eighteen characters */
	f = fold(text);
	assert_int_equal(strlen(f), 3 * FOLD_MAX_CHARS);
	free(f);
	for (size_t i = 0; i + 3 < sizeof(text); i += 3)
		memcpy(text + i, "\xe3\x8c\x96", 3); /* U+3316: six */
	f = fold(text);
	assert_int_equal(strlen(f), 3 * 3 * FOLD_MAX_CHARS);
	free(f);
	f = words(text);
	assert_int_equal(strlen(f), 1 + 4 * 3 * FOLD_MAX_CHARS);
	free(f);
}

int dialplan_tests_fold(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(folded),
		cmocka_unit_test(keywords),
		cmocka_unit_test(no_words),
		cmocka_unit_test(bounded),
	};
	return cmocka_run_group_tests_name("dialplan fold", tests, NULL, NULL);
}
