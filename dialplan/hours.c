/* dialplan/hours.c
 *
 *   text    = part *( ";" part )
 *   part    = days times [ zone ]            blanks between
 *   days    = day [ "-" day ] *( "," ... )   "Mon-Fri", "Mon,Wed", "Fri-Mon"
 *   times   = range *( "," range )
 *   range   = HH:MM "-" HH:MM                22:00-06:00 belongs to the day it begins on
 */
#include "dialplan/hours.h"

#include "lib/base/str.h"

#include <errno.h>
#include <glib.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { PARTS_MAX = 16, RANGES_MAX = 8, ZONE_MAX = 64, DAY_MINUTES = 24 * 60, DAY_SECONDS = 24 * 3600, DAYS = 7 };

struct range {
	int start, end; /* minutes of the day; end <= start: on the day after */
};

struct part {
	unsigned days; /* bit 0: Monday */
	size_t range_count;
	struct range ranges[RANGES_MAX];
	GTimeZone *zone;
};

struct hours {
	size_t count;
	struct part parts[PARTS_MAX];
};

/* A piece of the text still to be read, and where to say what is wrong with it. */
struct reader {
	const char *at, *end;
	char *why;
	size_t cap;
};

static int refuse(struct reader *r, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static int refuse(struct reader *r, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(r->why, r->cap, fmt, ap);
	va_end(ap);
	return -EBADMSG;
}

static int length_for_message(const struct reader *r)
{
	return r->end - r->at > 32 ? 32 : (int)(r->end - r->at);
}

/* What stands before any of the marks becomes *ret_piece; the mark is passed over. False when nothing is left at all.
 */
static bool cut(struct reader *r, const char *marks, struct reader *ret_piece)
{
	const char *p = r->at;

	if (!r->at)
		return false;
	while (p < r->end && !strchr(marks, *p))
		p++;
	*ret_piece = *r;
	ret_piece->end = p;
	r->at = p < r->end ? p + 1 : NULL; /* a mark promises more: "Mon," has an empty second piece */
	return true;
}

static void skip_blanks(struct reader *r)
{
	while (r->at < r->end && (*r->at == ' ' || *r->at == '\t'))
		r->at++;
}

/* The next word of a part; empty at its end. */
static struct reader word(struct reader *r)
{
	struct reader w = *r;

	skip_blanks(r);
	w.at = r->at;
	while (r->at < r->end && *r->at != ' ' && *r->at != '\t')
		r->at++;
	w.end = r->at;
	return w;
}

static int read_day(struct reader *r)
{
	static const char *const names[DAYS] = {"mon", "tue", "wed", "thu", "fri", "sat", "sun"};

	for (int i = 0; i < DAYS; i++)
		if (r->end - r->at == 3 && strncasecmp(r->at, names[i], 3) == 0)
			return i;
	return refuse(r, "\"%.*s\" is not a day: Mon Tue Wed Thu Fri Sat Sun", length_for_message(r), r->at);
}

static int read_days(struct reader w, unsigned *ret_days)
{
	struct reader item, name;
	unsigned days = 0;

	while (cut(&w, ",", &item)) {
		int first, last;
		(void)cut(&item, "-", &name);
		first = last = read_day(&name);
		if (first < 0)
			return first;
		if (item.at) {
			last = read_day(&item);
			if (last < 0)
				return last;
		}
		for (int d = first;; d = (d + 1) % DAYS) {
			days |= 1u << d;
			if (d == last)
				break;
		}
	}
	*ret_days = days;
	return 0;
}

/* "HH:MM" as minutes; 24:00 is for the caller to judge. */
static int read_time(struct reader *r)
{
	const char *s = r->at;
	int hour, minute;
	bool shaped = r->end - s == 5 && g_ascii_isdigit(s[0]) && g_ascii_isdigit(s[1]) && s[2] == ':' &&
		      g_ascii_isdigit(s[3]) && g_ascii_isdigit(s[4]);

	if (!shaped)
		return refuse(r, "\"%.*s\" is not a time HH:MM", length_for_message(r), s);
	hour = (s[0] - '0') * 10 + (s[1] - '0');
	minute = (s[3] - '0') * 10 + (s[4] - '0');
	if (minute > 59 || hour * 60 + minute > DAY_MINUTES)
		return refuse(r, "there is no time %.*s", 5, s);
	return hour * 60 + minute;
}

static int read_range(struct reader *item, struct range *ret_range)
{
	struct reader whole = *item, first;
	int start, end;

	(void)cut(item, "-", &first);
	if (!item->at)
		return refuse(&whole, "\"%.*s\" is not a range HH:MM-HH:MM", length_for_message(&whole), whole.at);
	start = read_time(&first);
	if (start < 0)
		return start;
	end = read_time(item);
	if (end < 0)
		return end;
	if (start == DAY_MINUTES)
		return refuse(&whole, "a range cannot begin at 24:00");
	if (start == end)
		return refuse(&whole, "the range %.*s is empty; a whole day is 00:00-24:00", length_for_message(&whole),
			whole.at);
	*ret_range = (struct range){start, end};
	return 0;
}

static int read_times(struct reader w, struct part *part)
{
	struct reader item;

	while (cut(&w, ",", &item)) {
		int r;
		if (part->range_count == RANGES_MAX)
			return refuse(&w, "more than %d ranges", RANGES_MAX);
		r = read_range(&item, &part->ranges[part->range_count]);
		if (r < 0)
			return r;
		part->range_count++;
	}
	return 0;
}

/* Only IANA names go to GLib, which would also take paths, "+02:00", and POSIX rules such as "GMT+3" (that is west of
 * Greenwich, and seldom what was meant). */
static bool is_zone_name(const char *name)
{
	const char *allowed = strchr(name, '/') ? "+-_/" : "-_";

	if (!g_ascii_isalpha(name[0]))
		return false;
	for (const char *p = name; *p; p++)
		if (!g_ascii_isalnum(*p) && !strchr(allowed, *p))
			return false;
	return true;
}

static int read_zone(struct reader w, GTimeZone **ret_zone)
{
	char name[ZONE_MAX];

	if (w.at == w.end) {
		*ret_zone = g_time_zone_new_utc();
		return 0;
	}
	if (str_copy_n(name, sizeof(name), w.at, (size_t)(w.end - w.at)) == 0 && is_zone_name(name))
		*ret_zone = g_time_zone_new_identifier(name);
	if (!*ret_zone)
		return refuse(&w, "unknown time zone \"%.*s\"", length_for_message(&w), w.at);
	return 0;
}

static int read_part(struct reader r, struct part *part)
{
	struct reader days = word(&r), times = word(&r), zone = word(&r);
	int result;

	if (days.at == days.end)
		return refuse(&r, "expected days, times and a zone: \"Mon-Fri 09:00-17:30 Europe/London\"");
	result = read_days(days, &part->days);
	if (result < 0)
		return result;
	if (times.at == times.end)
		return refuse(&r, "no times after the days");
	result = read_times(times, part);
	if (result < 0)
		return result;
	skip_blanks(&r);
	if (r.at != r.end)
		return refuse(&r, "unexpected \"%.*s\" (parts are separated by \";\")", length_for_message(&r), r.at);
	return read_zone(zone, &part->zone);
}

int hours_new(const char *text, struct hours **ret_hours, char *why, size_t cap)
{
	struct reader r = {text, text + strlen(text), why, cap}, part;
	struct hours *h = calloc(1, sizeof(*h));
	int result = 0;

	if (!h)
		return -ENOMEM;
	while (result == 0 && cut(&r, ";", &part)) {
		if (h->count == PARTS_MAX)
			result = refuse(&r, "more than %d parts", PARTS_MAX);
		else
			result = read_part(part, &h->parts[h->count++]);
	}
	if (result < 0) {
		hours_free(h);
		return result;
	}
	*ret_hours = h;
	return 0;
}

struct hours *hours_free(struct hours *h)
{
	if (h) {
		for (size_t i = 0; i < h->count; i++)
			if (h->parts[i].zone)
				g_time_zone_unref(h->parts[i].zone);
		free(h);
	}
	return NULL;
}

static bool part_holds(const struct part *part, int64_t utc_s)
{
	int interval = g_time_zone_find_interval(part->zone, G_TIME_TYPE_UNIVERSAL, utc_s);
	int64_t local_s = utc_s + (interval < 0 ? 0 : g_time_zone_get_offset(part->zone, interval));
	int64_t day = local_s / DAY_SECONDS - (local_s % DAY_SECONDS < 0);
	int minute = (int)((local_s - day * DAY_SECONDS) / 60);
	int weekday = (int)(((day + 3) % DAYS + DAYS) % DAYS); /* 1970-01-01 was a Thursday */
	bool today = part->days & 1u << weekday;
	bool yesterday = part->days & 1u << (weekday + DAYS - 1) % DAYS;

	for (size_t i = 0; i < part->range_count; i++) {
		const struct range *r = &part->ranges[i];
		if (r->start < r->end ? today && minute >= r->start && minute < r->end
				      : (today && minute >= r->start) || (yesterday && minute < r->end))
			return true;
	}
	return false;
}

bool hours_hold(const struct hours *h, uint64_t wall_ms)
{
	for (size_t i = 0; i < h->count; i++)
		if (part_holds(&h->parts[i], (int64_t)(wall_ms / 1000)))
			return true;
	return false;
}
