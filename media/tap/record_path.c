#include "media/tap/record_path.h"

#include "lib/base/str.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum { NAME_MAX_CHARS = 16 };

static bool plain(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
	       c == '+';
}

static void clean(const char *value, char *dst)
{
	size_t n = 0;

	if (!value || !*value)
		value = "unknown";
	for (; *value && n < RECORD_VALUE_MAX; value++)
		dst[n++] = plain(*value) ? *value : '_';
	dst[n] = '\0';
}

/* dst[RECORD_VALUE_MAX + 1]. False: there is no such value. */
static bool value_of(const char *name, const struct record_facts *f, char *dst)
{
	time_t s = (time_t)(f->wall_ms / 1000);
	struct tm tm;

	dst[0] = '\0';
	if (strcmp(name, "call_id") == 0)
		clean(f->call_id, dst);
	else if (strcmp(name, "from") == 0)
		clean(f->from, dst);
	else if (strcmp(name, "to") == 0)
		clean(f->to, dst);
	else if (strcmp(name, "number") == 0)
		clean(f->number, dst);
	else if (gmtime_r(&s, &tm) && strcmp(name, "date") == 0)
		strftime(dst, RECORD_VALUE_MAX, "%Y-%m-%d", &tm);
	else if (strcmp(name, "time") == 0)
		strftime(dst, RECORD_VALUE_MAX, "%H%M%S", &tm);
	return dst[0] != '\0';
}

static int refuse(char *why, size_t cap, const char *what)
{
	snprintf(why, cap, "%s", what);
	return -EINVAL;
}

/* One {name}, *at behind its brace; then behind the closing one. */
static int add_value(const char **at, const struct record_facts *f, struct strbuf *out, char *why, size_t cap)
{
	const char *end = strchr(*at, '}');
	char name[NAME_MAX_CHARS], value[RECORD_VALUE_MAX + 1];

	if (!end || (size_t)(end - *at) >= sizeof(name))
		return refuse(why, cap, "a { without its }");
	str_copy_n(name, sizeof(name), *at, (size_t)(end - *at));
	if (!value_of(name, f, value))
		return refuse(why, cap, "an unknown {name}: call_id, date, time, from, to, number");
	strbuf_printf(out, "%s", value);
	*at = end + 1;
	return 0;
}

static int expand(const char *t, const struct record_facts *f, struct strbuf *out, char *why, size_t cap)
{
	bool begins = true; /* a level of the path */

	if (!*t || strlen(t) > RECORD_TEMPLATE_MAX)
		return refuse(why, cap, "empty, or longer than 200 characters");
	while (*t) {
		char c = *t++;
		if (c == '{') {
			int r = add_value(&t, f, out, why, cap);
			if (r)
				return r;
			begins = false;
			continue;
		}
		if (c == '/' && (begins || !*t))
			return refuse(why, cap, "a level without a name; it begins below the directory");
		if (c == '.' && begins)
			return refuse(why, cap, "a level that begins with a dot");
		if (c != '/' && c != '.' && !plain(c))
			return refuse(why, cap, "other characters than letters, digits, - _ + . and /");
		strbuf_printf(out, "%c", c);
		begins = c == '/';
	}
	return out->length < RECORD_PATH_MAX - 1 ? 0 : refuse(why, cap, "too long when filled in");
}

int record_path_check(const char *template, char *why, size_t cap)
{
	char longest[RECORD_VALUE_MAX + 1], path[RECORD_PATH_MAX];
	const struct record_facts facts = {longest, longest, longest, longest, 0};
	struct strbuf out;

	memset(longest, 'x', RECORD_VALUE_MAX);
	longest[RECORD_VALUE_MAX] = '\0';
	strbuf_init(&out, path, sizeof(path));
	return expand(template, &facts, &out, why, cap);
}

int record_path_expand(const char *template, const struct record_facts *facts, char *dst)
{
	struct strbuf out;
	char why[8];

	strbuf_init(&out, dst, RECORD_PATH_MAX);
	return expand(template, facts, &out, why, sizeof(why));
}
