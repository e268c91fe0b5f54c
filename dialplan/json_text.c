/* dialplan/json_text.c
 *
 * A recursive descent over RFC 8259's grammar that writes what it reads. Each byte read makes at most
 * ESCAPE_MAX_BYTES, so that the room is known beforehand.
 */
#include "dialplan/json_text.h"

#include "lib/base/str.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum { ESCAPE_MAX_BYTES = 4, NULL_VALUE = 1 };

struct json {
	const char *at, *end, *start;
	char *out;
	size_t length;
	unsigned values, depth;
	char *why;
	size_t cap;
};

static int refuse(struct json *j, const char *what)
{
	snprintf(j->why, j->cap, "not JSON as expected: %s at byte %zu", what, (size_t)(j->at - j->start));
	return -EBADMSG;
}

static void put(struct json *j, const char *bytes, size_t n)
{
	memcpy(j->out + j->length, bytes, n);
	j->length += n;
}

static void skip_blanks(struct json *j)
{
	while (j->at < j->end && memchr(" \t\r\n", *j->at, 4))
		j->at++;
}

static bool next_is(const struct json *j, char c)
{
	return j->at < j->end && *j->at == c;
}

static bool is_digit(const struct json *j)
{
	return j->at < j->end && *j->at >= '0' && *j->at <= '9';
}

/* ---- strings ---- */

/* What libyaml's reader lets pass as it is (YAML 1.1 s5.1), but for what it would take for a line end or escape. */
static bool is_plain(uint32_t c)
{
	if (c == '"' || c == '\\' || c == 0xfeff || c == 0x2028 || c == 0x2029)
		return false;
	return (c >= 0x20 && c < 0x7f) || (c >= 0xa0 && c <= 0xd7ff) || (c >= 0xe000 && c <= 0xfffd) || c >= 0x10000;
}

static void put_utf8(struct json *j, uint32_t c)
{
	char bytes[4];
	size_t n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
	static const unsigned char first[] = {0, 0, 0xc0, 0xe0, 0xf0};

	for (size_t i = n - 1; i > 0; i--, c >>= 6)
		bytes[i] = (char)(0x80 | (c & 0x3f));
	bytes[0] = (char)(first[n] | c);
	put(j, bytes, n);
}

static void put_char(struct json *j, uint32_t c)
{
	char escape[8];

	if (is_plain(c)) {
		put_utf8(j, c);
		return;
	}
	snprintf(escape, sizeof(escape), c < 0x100 ? "\\x%02x" : "\\u%04x", (unsigned)c);
	put(j, escape, strlen(escape));
}

static int read_hex4(struct json *j, uint32_t *ret_c)
{
	uint32_t c = 0;

	if (j->end - j->at < 4)
		return refuse(j, "an escape without its end");
	for (unsigned i = 0; i < 4; i++, j->at++) {
		static const char digits[] = "0123456789abcdef";
		const char *digit =
			*j->at ? strchr(digits, *j->at >= 'A' && *j->at <= 'F' ? *j->at + 32 : *j->at) : NULL;
		if (!digit)
			return refuse(j, "a wrong escape");
		c = c << 4 | (uint32_t)(digit - digits);
	}
	*ret_c = c;
	return 0;
}

/* After "\u". Half of a surrogate pair stands for nothing. */
static int read_unicode(struct json *j)
{
	uint32_t c, low;
	int r = read_hex4(j, &c);

	if (r)
		return r;
	if (c >= 0xd800 && c <= 0xdbff && j->end - j->at >= 6 && j->at[0] == '\\' && j->at[1] == 'u') {
		j->at += 2;
		r = read_hex4(j, &low);
		if (r)
			return r;
		if (low < 0xdc00 || low > 0xdfff)
			return refuse(j, "half a surrogate pair");
		c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
	}
	if (c == 0 || (c >= 0xd800 && c <= 0xdfff))
		return refuse(j, c ? "half a surrogate pair" : "a zero character");
	put_char(j, c);
	return 0;
}

static int read_escape(struct json *j)
{
	static const char letters[] = "\"\\/bfnrt", means[] = "\"\\/\b\f\n\r\t";
	const char *letter;

	j->at++;
	if (j->at == j->end)
		return refuse(j, "an escape without its end");
	if (*j->at == 'u') {
		j->at++;
		return read_unicode(j);
	}
	letter = *j->at ? strchr(letters, *j->at) : NULL;
	if (!letter)
		return refuse(j, "a wrong escape");
	put_char(j, (unsigned char)means[letter - letters]);
	j->at++;
	return 0;
}

static uint32_t decode(const char *at, size_t n)
{
	static const unsigned char mask[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
	uint32_t c = (unsigned char)at[0] & mask[n];

	for (size_t i = 1; i < n; i++)
		c = c << 6 | ((unsigned char)at[i] & 0x3f);
	return c;
}

static int read_string(struct json *j)
{
	size_t before;

	if (!next_is(j, '"'))
		return refuse(j, "no text in quotes");
	j->at++;
	put(j, "\"", 1);
	before = j->length;
	while (!next_is(j, '"')) {
		size_t n = j->at < j->end ? str_utf8_char(j->at, (size_t)(j->end - j->at)) : 0;
		int r = 0;
		if (j->at == j->end)
			return refuse(j, "a text without its end");
		if (n == 0)
			return refuse(j, "not UTF-8");
		if (j->length - before > JSON_TEXT_STRING_MAX_BYTES)
			return refuse(j, "a long text");
		if ((unsigned char)*j->at < 0x20)
			return refuse(j, "a control character");
		if (*j->at == '\\') {
			r = read_escape(j);
		} else {
			put_char(j, decode(j->at, n));
			j->at += n;
		}
		if (r)
			return r;
	}
	j->at++;
	put(j, "\"", 1);
	return 0;
}

/* ---- other values ---- */

static bool digits(struct json *j)
{
	bool any = is_digit(j);

	while (is_digit(j))
		j->at++;
	return any;
}

static int read_number(struct json *j)
{
	const char *start = j->at;
	bool good;

	j->at += next_is(j, '-');
	if (next_is(j, '0')) {
		j->at++;
		good = true;
	} else {
		good = digits(j);
	}
	if (good && next_is(j, '.')) {
		j->at++;
		good = digits(j);
	}
	if (good && (next_is(j, 'e') || next_is(j, 'E'))) {
		j->at++;
		j->at += next_is(j, '+') || next_is(j, '-');
		good = digits(j);
	}
	if (!good)
		return refuse(j, "no value");
	put(j, start, (size_t)(j->at - start));
	return 0;
}

static bool read_word(struct json *j, const char *word)
{
	size_t n = strlen(word);

	if ((size_t)(j->end - j->at) < n || memcmp(j->at, word, n) != 0)
		return false;
	j->at += n;
	put(j, word, n);
	return true;
}

static int read_value(struct json *j);

static int read_member(struct json *j)
{
	size_t before = j->length;
	int r = read_string(j);

	if (r)
		return r;
	if (j->length - before > JSON_TEXT_KEY_MAX_BYTES)
		return refuse(j, "a long key");
	skip_blanks(j);
	if (!next_is(j, ':'))
		return refuse(j, "no \":\"");
	j->at++;
	put(j, ": ", 2);
	return read_value(j);
}

/* An object or a list; at its bracket. Separators of what is left out go with it. */
static int read_items(struct json *j, char close, int (*read_item)(struct json *j))
{
	bool first = true, empty = true;

	put(j, j->at++, 1);
	skip_blanks(j);
	while (!next_is(j, close) || !first) {
		size_t before = j->length;
		int r;
		if (!empty)
			put(j, ", ", 2);
		r = read_item(j);
		if (r < 0)
			return r;
		if (r == NULL_VALUE && close == ']')
			return refuse(j, "null in a list");
		if (r == NULL_VALUE)
			j->length = before;
		else
			empty = false;
		first = false;
		skip_blanks(j);
		if (next_is(j, close))
			break;
		if (!next_is(j, ','))
			return refuse(j, "no \",\" or end");
		j->at++;
		skip_blanks(j);
	}
	put(j, j->at++, 1);
	return 0;
}

static int read_value(struct json *j)
{
	int r;

	skip_blanks(j);
	if (++j->values > JSON_TEXT_VALUES_MAX)
		return refuse(j, "too many values");
	if (next_is(j, '"'))
		return read_string(j);
	if (next_is(j, '{') || next_is(j, '[')) {
		if (j->depth == JSON_TEXT_DEPTH_MAX)
			return refuse(j, "nested too deeply");
		j->depth++;
		r = next_is(j, '{') ? read_items(j, '}', read_member) : read_items(j, ']', read_value);
		j->depth--;
		return r;
	}
	if (read_word(j, "null"))
		return NULL_VALUE;
	if (read_word(j, "true") || read_word(j, "false"))
		return 0;
	return read_number(j);
}

int json_text_read(const char *json, size_t length, struct arena *arena, const char **ret_text, size_t *ret_length,
	char *why, size_t cap)
{
	struct json j = {.at = json, .start = json, .end = json + length, .why = why, .cap = cap};
	int r;

	j.out = arena_alloc(arena, length * ESCAPE_MAX_BYTES + 1);
	if (!j.out)
		return -ENOMEM;
	skip_blanks(&j);
	r = next_is(&j, '{') ? read_value(&j) : refuse(&j, "no object");
	if (r)
		return r;
	skip_blanks(&j);
	if (j.at != j.end)
		return refuse(&j, "something after the end");
	*ret_text = j.out;
	*ret_length = j.length;
	return 0;
}
