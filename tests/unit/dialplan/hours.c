/* Opening hours, most of all around changes of the clock. */
#include "dialplan/hours.h"
#include "tests/unit/dialplan/dialplan_tests.h"

#include <errno.h>
#include <string.h>

static struct hours *hours(const char *text)
{
	struct hours *h = NULL;
	char why[200] = "";
	if (hours_new(text, &h, why, sizeof(why)) < 0)
		fail_msg("%s: %s", text, why);
	return h;
}

struct moment {
	int year, month, day, hour, minute; /* UTC */
	bool open;
};

static void check(const char *text, const struct moment *rows, size_t count)
{
	struct hours *h = hours(text);
	for (size_t i = 0; i < count; i++) {
		const struct moment *m = &rows[i];
		uint64_t ms = utc_ms(m->year, m->month, m->day, m->hour, m->minute);
		if (hours_hold(h, ms) != m->open)
			fail_msg("%s: row %zu should be %s", text, i, m->open ? "open" : "closed");
	}
	hours_free(h);
}
#define CHECK(text, rows) check(text, rows, sizeof(rows) / sizeof((rows)[0]))

static void ranges_hold_their_first_minute_and_not_their_last(void **state)
{
	static const struct moment rows[] = {
		{2026, 7, 1, 8, 59, false}, /* Wednesday */
		{2026, 7, 1, 9, 0, true},
		{2026, 7, 1, 17, 29, true},
		{2026, 7, 1, 17, 30, false},
		{2026, 7, 4, 12, 0, false}, /* Saturday */
		{2026, 7, 5, 12, 0, false},
		{2026, 7, 6, 12, 0, true},
	};
	(void)state;
	CHECK("Mon-Fri 09:00-17:30", rows);
	CHECK("mon-FRI 09:00-17:30 UTC", rows);
	CHECK("Mon,Tue,Wed,Thu-Fri 09:00-12:00,12:00-17:30 Etc/UTC", rows);
	CHECK("Mon-Tue 09:00-17:30 ;\tWed-Fri  09:00-17:30  UTC", rows);

	/* the last second of the last minute, the first of the next */
	struct hours *h = hours("Wed 09:00-17:30");
	assert_true(hours_hold(h, utc_ms(2026, 7, 1, 17, 30) - 1));
	assert_false(hours_hold(h, utc_ms(2026, 7, 1, 9, 0) - 1));
	hours_free(h);
}

/* Summer time began on 29 March 2026 at 01:00 UTC and ended on 25 October at 01:00 UTC. */
static void london_changes_its_clock(void **state)
{
	static const struct moment rows[] = {
		{2026, 3, 27, 8, 59, false}, /* Friday, GMT */
		{2026, 3, 27, 9, 0, true},
		{2026, 3, 27, 17, 29, true},
		{2026, 3, 27, 17, 30, false},
		{2026, 3, 30, 7, 59, false}, /* Monday, BST */
		{2026, 3, 30, 8, 0, true},
		{2026, 3, 30, 16, 29, true},
		{2026, 3, 30, 16, 30, false},
		{2026, 10, 23, 7, 59, false},
		{2026, 10, 23, 8, 0, true},
		{2026, 10, 26, 8, 59, false}, /* GMT again */
		{2026, 10, 26, 9, 0, true},
	};
	/* the night itself: 01:00 to 02:00 does not exist in March, and comes twice in October */
	static const struct moment night[] = {
		{2026, 3, 29, 0, 29, false},
		{2026, 3, 29, 0, 30, true}, /* 00:30 GMT */
		{2026, 3, 29, 0, 59, true},
		{2026, 3, 29, 1, 0, false}, /* 02:00 BST: behind 01:30 */
		{2026, 10, 24, 23, 29, false},
		{2026, 10, 24, 23, 30, true}, /* 00:30 BST on Sunday */
		{2026, 10, 25, 0, 29, true},  /* 01:29 BST */
		{2026, 10, 25, 0, 30, false},
		{2026, 10, 25, 0, 59, false},
		{2026, 10, 25, 1, 0, true}, /* 01:00 GMT, the second time */
		{2026, 10, 25, 1, 29, true},
		{2026, 10, 25, 1, 30, false},
	};
	(void)state;
	CHECK("Mon-Fri 09:00-17:30 Europe/London", rows);
	CHECK("Sun 00:30-01:30 Europe/London", night);
}

/* 2026: from 8 March 07:00 UTC to 1 November 06:00 UTC. */
static void new_york_changes_its_clock(void **state)
{
	static const struct moment rows[] = {
		{2026, 3, 7, 13, 59, false}, /* Saturday, EST */
		{2026, 3, 7, 14, 0, true},
		{2026, 3, 7, 21, 59, true},
		{2026, 3, 7, 22, 0, false},
		{2026, 3, 8, 12, 59, false}, /* Sunday, EDT since the morning */
		{2026, 3, 8, 13, 0, true},
		{2026, 3, 8, 21, 0, false},
		{2026, 10, 31, 13, 0, true},
		{2026, 11, 1, 13, 59, false}, /* EST */
		{2026, 11, 1, 14, 0, true},
	};
	static const struct moment night[] = {
		{2026, 3, 8, 6, 59, true},  /* 01:59 EST */
		{2026, 3, 8, 7, 0, false},  /* 03:00 EDT: 02:00 to 03:00 was left out */
		{2026, 11, 1, 5, 59, true}, /* 01:59 EDT */
		{2026, 11, 1, 6, 0, true},  /* 01:00 EST */
		{2026, 11, 1, 7, 29, true}, /* 02:29 EST */
		{2026, 11, 1, 7, 30, false},
	};
	(void)state;
	CHECK("Sat-Sun 09:00-17:00 America/New_York", rows);
	CHECK("Sun 00:00-02:30 America/New_York", night);
}

static void kolkata_is_half_an_hour_off(void **state)
{
	static const struct moment rows[] = {
		{2026, 3, 29, 18, 29, false}, /* Sunday 23:59 */
		{2026, 3, 29, 18, 30, true},  /* Monday 00:00 */
		{2026, 3, 30, 18, 29, true},
		{2026, 3, 30, 18, 30, false},
	};
	(void)state;
	CHECK("Mon 00:00-24:00 Asia/Kolkata", rows);
}

static void a_night_belongs_to_the_day_it_begins_on(void **state)
{
	static const struct moment rows[] = {
		{2026, 7, 3, 21, 59, false}, /* Friday */
		{2026, 7, 3, 22, 0, true},
		{2026, 7, 4, 0, 0, true},
		{2026, 7, 4, 5, 59, true},
		{2026, 7, 4, 6, 0, false},
		{2026, 7, 4, 22, 0, false},
		{2026, 7, 3, 5, 0, false},
	};
	static const struct moment sunday[] = {
		{2026, 7, 5, 23, 0, true},
		{2026, 7, 6, 1, 0, true}, /* the week ends, the night does not */
		{2026, 7, 6, 23, 0, false},
		{2026, 7, 5, 1, 0, false},
	};
	static const struct moment to_midnight[] = {
		{2026, 7, 3, 23, 59, true},
		{2026, 7, 4, 0, 0, false},
	};
	(void)state;
	CHECK("Fri 22:00-06:00", rows);
	CHECK("Sun 22:00-06:00 UTC", sunday);
	CHECK("Fri 22:00-24:00", to_midnight);
	CHECK("Fri 22:00-00:00", to_midnight);
}

static void weeks_may_wrap(void **state)
{
	static const struct moment rows[] = {
		{2026, 7, 2, 12, 0, false}, /* Thursday */
		{2026, 7, 3, 12, 0, true},
		{2026, 7, 4, 12, 0, true},
		{2026, 7, 5, 12, 0, true},
		{2026, 7, 6, 12, 0, true},
		{2026, 7, 7, 12, 0, false},
	};
	(void)state;
	CHECK("Fri-Mon 00:00-24:00", rows);
}

static void any_part_will_do(void **state)
{
	static const struct moment rows[] = {
		{2026, 7, 1, 7, 59, false}, /* before London opens */
		{2026, 7, 1, 8, 0, true},
		{2026, 7, 1, 20, 59, true}, /* New York still open */
		{2026, 7, 1, 21, 0, false},
	};
	(void)state;
	CHECK("Wed 09:00-17:00 Europe/London;Wed 09:00-17:00 America/New_York", rows);
}

static void ends_of_time(void **state)
{
	struct hours *h = hours("Mon-Sun 00:00-24:00 America/New_York");
	(void)state;
	assert_true(hours_hold(h, 0)); /* still 1969 there */
	assert_true(hours_hold(h, UINT64_MAX));
	hours_free(h);
}

static void mistakes_are_named(void **state)
{
	static const struct {
		const char *text, *why;
	} rows[] = {
		{"", "expected days"},
		{"   ", "expected days"},
		{";", "expected days"},
		{"Mon 09:00-10:00;", "expected days"},
		{"Mon", "no times"},
		{"09:00-17:00", "\"09:00\" is not a day"},
		{"Montag 09:00-10:00", "\"Montag\" is not a day"},
		{"Mon- 09:00-10:00", "\"\" is not a day"},
		{"Mon-Tue-Wed 09:00-10:00", "\"Tue-Wed\" is not a day"},
		{"Mon, 09:00-10:00", "\"\" is not a day"},
		{",Mon 09:00-10:00", "\"\" is not a day"},
		{"Mon 9:00-10:00", "\"9:00\" is not a time"},
		{"Mon 09:00", "not a range"},
		{"Mon 09:00-", "\"\" is not a time"},
		{"Mon 09:00-10:00,", "not a range"},
		{"Mon 09.00-10:00", "\"09.00\" is not a time"},
		{"Mon 09:60-10:00", "there is no time 09:60"},
		{"Mon 09:00-24:01", "there is no time 24:01"},
		{"Mon 09:00-99:00", "there is no time 99:00"},
		{"Mon 24:00-10:00", "cannot begin at 24:00"},
		{"Mon 09:00-09:00", "whole day is 00:00-24:00"},
		{"Mon 00:00-00:00", "whole day is 00:00-24:00"},
		{"Mon 09:00-10:00 Europe/Londn", "unknown time zone \"Europe/Londn\""},
		{"Mon 09:00-10:00 Europe", "unknown time zone"},
		{"Mon 09:00-10:00 /etc/localtime", "unknown time zone"},
		{"Mon 09:00-10:00 ../../../etc/localtime", "unknown time zone"},
		{"Mon 09:00-10:00 +02:00", "unknown time zone"},
		{"Mon 09:00-10:00 GMT+3", "unknown time zone"},
		{"Mon 09:00-10:00 Mon 11:00-12:00", "unexpected \"11:00-12:00\""},
		{"Mon "
		 "00:00-01:00,02:00-03:00,04:00-05:00,06:00-07:00,08:00-09:00,10:00-11:00,12:00-13:00,14:00-15:00,16:"
		 "00-17:00",
			"more than 8 ranges"},
		{"Mon 00:00-01:00;Mon 00:00-01:00;Mon 00:00-01:00;Mon 00:00-01:00;Mon 00:00-01:00;Mon 00:00-01:00;"
		 "Mon 00:00-01:00;Mon 00:00-01:00;Mon 00:00-01:00;Mon 00:00-01:00;Mon 00:00-01:00;Mon 00:00-01:00;"
		 "Mon 00:00-01:00;Mon 00:00-01:00;Mon 00:00-01:00;Mon 00:00-01:00;Mon 00:00-01:00",
			"more than 16 parts"},
	};
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct hours *h = NULL;
		char why[200] = "";
		assert_int_equal(hours_new(rows[i].text, &h, why, sizeof(why)), -EBADMSG);
		assert_null(h);
		if (!strstr(why, rows[i].why))
			fail_msg("\"%s\": %s", rows[i].text, why);
	}
}

int dialplan_tests_hours(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ranges_hold_their_first_minute_and_not_their_last),
		cmocka_unit_test(london_changes_its_clock),
		cmocka_unit_test(new_york_changes_its_clock),
		cmocka_unit_test(kolkata_is_half_an_hour_off),
		cmocka_unit_test(a_night_belongs_to_the_day_it_begins_on),
		cmocka_unit_test(weeks_may_wrap),
		cmocka_unit_test(any_part_will_do),
		cmocka_unit_test(ends_of_time),
		cmocka_unit_test(mistakes_are_named),
	};
	return cmocka_run_group_tests_name("dialplan hours", tests, NULL, NULL);
}
