/* lib/base/log_record.c
 *
 * Takes a printf format apart into key=value pairs, expands each value by itself, and writes them as text or JSON.
 * Because value and format never mix, no value can end its own quotes.
 */
#include "lib/base/log_record.h"

#include "lib/base/str.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/* The conversions below are cut out of a format that the compiler has already checked at the call of log_line(). */
#pragma GCC diagnostic ignored "-Wformat-nonliteral"

enum { SPEC_MAX = 32, VALUE_MAX = 512 };

const char *log_level_name(enum log_level level)
{
	static const char *const names[] = {"error", "warn", "info", "debug"};
	return names[level];
}

void log_record_begin(struct log_record *rec, enum log_level level, const char *event, uint64_t wall_ms)
{
	rec->wall_ms = wall_ms;
	rec->level = level;
	rec->used = 0;
	rec->truncated = false;
	(void)str_copy(rec->event, sizeof(rec->event), event);
}

/* ---- format -> pairs ---- */

/* va_list by pointer: each conversion takes its argument off the same list. */
struct args {
	va_list ap;
};

static void expand_integer(struct strbuf *out, const char *spec, const char *size, bool is_signed, struct args *args)
{
	if (size[0] == 'l' && size[1] == 'l')
		is_signed ? strbuf_printf(out, spec, va_arg(args->ap, long long))
			  : strbuf_printf(out, spec, va_arg(args->ap, unsigned long long));
	else if (size[0] == 'l')
		is_signed ? strbuf_printf(out, spec, va_arg(args->ap, long))
			  : strbuf_printf(out, spec, va_arg(args->ap, unsigned long));
	else if (size[0] == 'j')
		strbuf_printf(out, spec, va_arg(args->ap, uintmax_t));
	else if (size[0] == 'z' || size[0] == 't')
		strbuf_printf(out, spec, va_arg(args->ap, size_t));
	else
		strbuf_printf(out, spec, va_arg(args->ap, int));
}

/* %s by hand: with a precision the text need not be terminated, and widths are of no use here. */
static void expand_string(struct strbuf *out, int precision, struct args *args)
{
	const char *text = va_arg(args->ap, const char *);

	if (!text)
		strbuf_put(out, "-");
	else if (precision >= 0)
		strbuf_put_n(out, text, (size_t)precision);
	else
		strbuf_put(out, text);
}

/* One conversion; fmt points behind the '%'. Returns where the format goes on, NULL when we do not know the conversion
 * (then its argument's size is unknown too, and the rest of the line is given up). */
static const char *expand(struct strbuf *out, const char *fmt, struct args *args)
{
	char spec[SPEC_MAX], size[3] = "";
	struct strbuf s;
	int precision = -1;

	strbuf_init(&s, spec, sizeof(spec));
	strbuf_put(&s, "%");
	for (; *fmt && strchr("-+ #0'123456789.*", *fmt); fmt++) {
		int given = 0;
		if (*fmt == '*')
			strbuf_printf(&s, "%d", given = va_arg(args->ap, int));
		else
			strbuf_put_n(&s, fmt, 1);
		if (*fmt == '.')
			precision = 0;
		else if (precision >= 0)
			precision = *fmt == '*' ? given : precision * 10 + (*fmt - '0');
	}
	for (; *fmt && strchr("hljztL", *fmt); fmt++) {
		(void)str_copy_n(size + strlen(size), sizeof(size) - strlen(size), fmt, 1);
		strbuf_put_n(&s, fmt, 1);
	}
	strbuf_put_n(&s, fmt, 1);
	if (s.truncated)
		return NULL;
	switch (*fmt) {
	case 'd':
	case 'i': expand_integer(out, spec, size, true, args); break;
	case 'u':
	case 'x':
	case 'X':
	case 'o': expand_integer(out, spec, size, false, args); break;
	case 'c': strbuf_printf(out, "%c", va_arg(args->ap, int)); break;
	case 's': expand_string(out, precision, args); break;
	case 'p': strbuf_printf(out, "%p", va_arg(args->ap, void *)); break;
	case 'f':
	case 'F':
	case 'e':
	case 'E':
	case 'g':
	case 'G':
		if (size[0] == 'L')
			strbuf_printf(out, spec, va_arg(args->ap, long double));
		else
			strbuf_printf(out, spec, va_arg(args->ap, double));
		break;
	case '%': strbuf_put(out, "%"); break;
	default: return NULL;
	}
	return fmt + 1;
}

static void append(struct log_record *rec, const char *text)
{
	size_t room = sizeof(rec->pairs) - rec->used;
	if (str_copy(rec->pairs + rec->used, room, text))
		rec->truncated = true;
	rec->used = (uint16_t)(rec->used + strlen(rec->pairs + rec->used) + 1);
}

static void append_pair(struct log_record *rec, const char *key, const struct strbuf *value)
{
	/* Room for the key, a byte of the value and both terminators, or the pair is left out whole. */
	if (sizeof(rec->pairs) - rec->used < strlen(key) + 3) {
		rec->truncated = true;
		return;
	}
	append(rec, key);
	append(rec, value->text);
	rec->truncated |= value->truncated;
}

/* Up to the end of the value: a space, or the closing quote when the format opened one. */
static const char *expand_value(struct strbuf *out, const char *fmt, struct args *args)
{
	bool quoted = *fmt == '"';

	if (quoted)
		fmt++;
	while (fmt && *fmt && !(quoted ? *fmt == '"' : *fmt == ' ')) {
		if (*fmt == '%')
			fmt = expand(out, fmt + 1, args);
		else
			strbuf_put_n(out, fmt++, 1);
	}
	return fmt && quoted && *fmt == '"' ? fmt + 1 : fmt;
}

void log_record_add_v(struct log_record *rec, const char *fmt, va_list ap)
{
	struct args args;

	va_copy(args.ap, ap);
	while (fmt && *fmt) {
		size_t key_length = strcspn(fmt, "= %\"");
		char key[64] = "", value[VALUE_MAX];
		struct strbuf out;

		if (*fmt == ' ') {
			fmt++;
			continue;
		}
		if (fmt[key_length] == '=') {
			(void)str_copy_n(key, sizeof(key), fmt, key_length);
			fmt += key_length + 1;
		}
		strbuf_init(&out, value, sizeof(value));
		fmt = expand_value(&out, fmt, &args);
		append_pair(rec, key, &out);
	}
	if (!fmt)
		rec->truncated = true;
	va_end(args.ap);
}

void log_record_add(struct log_record *rec, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	log_record_add_v(rec, fmt, ap);
	va_end(ap);
}

/* ---- pairs -> line ---- */

static void put_time(struct strbuf *sb, uint64_t wall_ms)
{
	time_t seconds = (time_t)(wall_ms / 1000);
	struct tm tm;

	if (!gmtime_r(&seconds, &tm))
		memset(&tm, 0, sizeof(tm));
	strbuf_printf(sb, "%04d-%02d-%02dT%02d:%02d:%02d.%03uZ", tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday,
		tm.tm_hour, tm.tm_min, tm.tm_sec, (unsigned)(wall_ms % 1000));
}

/* Control characters, also the C1 ones that some terminals obey (U+0080 to U+009F). */
static bool is_control(const char *at, size_t bytes)
{
	unsigned char c = (unsigned char)at[0];
	return bytes == 1 ? c < 0x20 || c == 0x7f : bytes == 2 && c == 0xc2 && (unsigned char)at[1] < 0xa0;
}

/* The same escapes serve both formats, except that JSON has no \x: there a byte that is not UTF-8 becomes U+FFFD. */
static void put_quoted(struct strbuf *sb, const char *text, enum log_format format)
{
	size_t left = strlen(text);

	strbuf_put(sb, "\"");
	while (left) {
		size_t n = str_utf8_char(text, left);
		unsigned char c = (unsigned char)*text;

		if (n == 0 && format == LOG_FORMAT_JSON)
			strbuf_put(sb, "\\ufffd");
		else if (n == 0)
			strbuf_printf(sb, "\\x%02x", c);
		else if (c == '"' || c == '\\')
			strbuf_printf(sb, "\\%c", c);
		else if (c == '\n')
			strbuf_put(sb, "\\n");
		else if (c == '\r')
			strbuf_put(sb, "\\r");
		else if (c == '\t')
			strbuf_put(sb, "\\t");
		else if (is_control(text, n))
			strbuf_printf(sb, "\\u%04x", n == 1 ? c : (unsigned char)text[1]);
		else
			strbuf_put_n(sb, text, n);
		n = n ? n : 1;
		text += n;
		left -= n;
	}
	strbuf_put(sb, "\"");
}

static bool needs_quotes(const char *text)
{
	if (!*text)
		return true;
	for (; *text; text++)
		if (!isgraph((unsigned char)*text) || *text == '"' || *text == '\\' || *text == '=')
			return true;
	return false;
}

static void put_text_value(struct strbuf *sb, const char *text)
{
	if (needs_quotes(text))
		put_quoted(sb, text, LOG_FORMAT_TEXT);
	else
		strbuf_put(sb, text);
}

/* Words without a key, joined by spaces. */
static void collect_words(const struct log_record *rec, struct strbuf *sb)
{
	for (const char *at = rec->pairs, *end = at + rec->used; at < end;) {
		const char *key = at, *value = key + strlen(key) + 1;
		if (!*key) {
			strbuf_put(sb, sb->length ? " " : "");
			strbuf_put(sb, value);
		}
		at = value + strlen(value) + 1;
	}
}

static void put_pair(struct strbuf *sb, const char *key, const char *value, enum log_format format)
{
	if (format == LOG_FORMAT_TEXT) {
		strbuf_put(sb, " ");
		strbuf_put(sb, key);
		strbuf_put(sb, "=");
		put_text_value(sb, value);
	} else {
		strbuf_put(sb, ",");
		put_quoted(sb, key, format);
		strbuf_put(sb, ":");
		put_quoted(sb, value, format);
	}
}

size_t log_record_render(const struct log_record *rec, enum log_format format, char *dst, size_t cap)
{
	char words[LOG_PAIRS_BYTES];
	struct strbuf sb, message;

	strbuf_init(&sb, dst, cap);
	strbuf_put(&sb, format == LOG_FORMAT_JSON ? "{\"time\":\"" : "");
	put_time(&sb, rec->wall_ms);
	strbuf_put(&sb, format == LOG_FORMAT_JSON ? "\",\"level\":\"" : " ");
	strbuf_put(&sb, log_level_name(rec->level));
	strbuf_put(&sb, format == LOG_FORMAT_JSON ? "\"" : "");
	put_pair(&sb, "event", rec->event, format);
	for (const char *at = rec->pairs, *end = at + rec->used; at < end;) {
		const char *key = at, *value = key + strlen(key) + 1;
		if (*key)
			put_pair(&sb, key, value, format);
		at = value + strlen(value) + 1;
	}
	strbuf_init(&message, words, sizeof(words));
	collect_words(rec, &message);
	if (message.length)
		put_pair(&sb, "msg", words, format);
	if (rec->truncated)
		put_pair(&sb, "truncated", "true", format);
	strbuf_put(&sb, format == LOG_FORMAT_JSON ? "}\n" : "\n");
	return sb.length;
}
