/* dialplan/template.c
 *
 * A template is a list of pieces: literal text or a fact of the call. "{{" is a brace; a closing brace alone is only
 * itself.
 */
#include "dialplan/template.h"

#include "lib/base/assert.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

enum { PIECES_MAX = 32, UTF8_MAX = 4 };

struct template_piece {
	const char *literal; /* NULL: a fact */
	size_t fact_offset;  /* of a const char * in struct call_facts, or DURATION */
};
#define DURATION SIZE_MAX

static const struct {
	const char *name;
	size_t offset;
} placeholders[] = {
	{"from", offsetof(struct call_facts, from)},
	{"to", offsetof(struct call_facts, to)},
	{"name", offsetof(struct call_facts, name)},
	{"payload", offsetof(struct call_facts, payload)},
	{"call_id", offsetof(struct call_facts, call_id)},
	{"from_user_id", offsetof(struct call_facts, from_user_id)},
	{"number_id", offsetof(struct call_facts, phone_number_id)},
	{"tenant", offsetof(struct call_facts, tenant)},
	{"text", offsetof(struct call_facts, text)},
	{"status", offsetof(struct call_facts, status)},
	{"cause", offsetof(struct call_facts, cause)},
	{"duration", DURATION},
};

/* ---- reading ---- */

static int refuse(char *why, size_t cap, const char *what, const char *text, size_t length)
{
	snprintf(why, cap, "%s \"%.*s\"", what, length > 40 ? 40 : (int)length, text);
	return -EBADMSG;
}

/* text stands after the "{". Returns the length of the name, or -EBADMSG. */
static int read_placeholder(const char *text, struct template_piece *piece, char *why, size_t cap)
{
	size_t length = strcspn(text, "{}");

	if (text[length] != '}')
		return refuse(why, cap, "brace without an end (\"{{\" is a brace) at", text, strlen(text));
	for (size_t i = 0; i < sizeof(placeholders) / sizeof(placeholders[0]); i++) {
		if (strlen(placeholders[i].name) == length && memcmp(placeholders[i].name, text, length) == 0) {
			piece->literal = NULL;
			piece->fact_offset = placeholders[i].offset;
			return (int)length;
		}
	}
	return refuse(why, cap, "unknown placeholder", text, length);
}

/* One piece from *text on; moves it. */
static int read_piece(struct arena *arena, const char **text, struct template_piece *piece, char *why, size_t cap)
{
	const char *at = *text;
	int length;

	if (at[0] == '{' && at[1] != '{') {
		length = read_placeholder(at + 1, piece, why, cap);
		if (length < 0)
			return length;
		*text = at + length + 2;
		return 0;
	}
	/* "{{" is its first brace and what follows up to the next one. */
	size_t n = at[0] == '{' ? 1 : 0, skip = n;
	n += strcspn(at + n + skip, "{");
	piece->literal = arena_strndup(arena, at + skip, n);
	if (!piece->literal)
		return -ENOMEM;
	*text = at + skip + n;
	return 0;
}

int template_read(struct arena *arena, const char *text, struct template *ret_template, char *why, size_t cap)
{
	struct template_piece pieces[PIECES_MAX];
	struct template t = {0};

	while (text && *text) {
		int r;
		if (t.count == PIECES_MAX) {
			snprintf(why, cap, "more than %d pieces", PIECES_MAX);
			return -EBADMSG;
		}
		r = read_piece(arena, &text, &pieces[t.count], why, cap);
		if (r < 0)
			return r;
		t.count++;
	}
	t.pieces = arena_alloc(arena, t.count * sizeof(pieces[0]));
	if (!t.pieces)
		return -ENOMEM;
	if (t.count)
		memcpy(t.pieces, pieces, t.count * sizeof(pieces[0]));
	*ret_template = t;
	return 0;
}

/* ---- expanding ---- */

struct out {
	char text[TEMPLATE_CHARS_MAX * UTF8_MAX];
	size_t length, max, chars, max_chars;
	bool full;
};

/* One character. */
static void out_put(struct out *out, const char *bytes, size_t n)
{
	if (out->full || out->max - out->length < n || out->chars == out->max_chars) {
		out->full = true;
		return;
	}
	memcpy(out->text + out->length, bytes, n);
	out->length += n;
	out->chars++;
}

/* Bytes of the well-formed UTF-8 character at s (RFC 3629 s4), 0 when there is none. The terminator ends it by itself.
 */
static size_t utf8_length(const char *text)
{
	const unsigned char *s = (const unsigned char *)text;
	size_t n = s[0] < 0x80 ? 1 : s[0] < 0xc2 ? 0 : s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : s[0] < 0xf5 ? 4 : 0;

	for (size_t i = 1; i < n; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	/* overlong, surrogate, beyond U+10FFFF */
	if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f))
		return 0;
	if ((s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] > 0x8f))
		return 0;
	return n;
}

/* C0, DEL, C1, and the line and paragraph separators U+2028 and U+2029. */
static bool is_control(const char *s, size_t n)
{
	unsigned char c = (unsigned char)s[0];

	if (n == 1)
		return c < 0x20 || c == 0x7f;
	if (n == 2)
		return c == 0xc2 && (unsigned char)s[1] < 0xa0;
	return n == 3 && (memcmp(s, "\xe2\x80\xa8", 3) == 0 || memcmp(s, "\xe2\x80\xa9", 3) == 0);
}

static void put_text(struct out *out, const char *s, bool literal)
{
	(void)literal;
	while (*s && !out->full) {
		size_t n = utf8_length(s);
		if (n == 0 || is_control(s, n)) {
			s += n ? n : 1;
			continue;
		}
		if (*s != ' ' || out->length) /* no blanks in front */
			out_put(out, s, n);
		s += n;
	}
}

static void put_message(struct out *out, const char *s, bool literal)
{
	(void)literal;
	while (*s && !out->full) {
		size_t n = utf8_length(s);
		if (*s == '\n')
			out_put(out, s, 1);
		else if (*s == '\t')
			out_put(out, " ", 1);
		else if (n && !is_control(s, n))
			out_put(out, s, n);
		s += n ? n : 1;
	}
}

static void put_line(struct out *out, const char *s, bool literal)
{
	(void)literal;
	while (*s && !out->full) {
		size_t n = utf8_length(s);
		bool blank = *s == ' ' || (n && is_control(s, n));
		if (blank && out->length && out->text[out->length - 1] != ' ')
			out_put(out, " ", 1);
		else if (n && !blank)
			out_put(out, s, n);
		s += n ? n : 1;
	}
}

static bool is_hex(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'F') || (c >= 'a' && c <= 'f');
}

/* RFC 3261 s25.1: unreserved / user-unreserved, but for '?', which our own reading of URIs refuses unescaped. Of a fact
 * what may separate parts of a user part (";phone-context=") is data, and escaped (RFC 3261 s19.1.2); not the plus sign
 * of numbers. */
static bool is_user_char(char c, bool literal)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
	       strchr(literal ? "-_.!~*'()&=+$,;/" : "-_.!~*'()+", c);
}

static void put_user(struct out *out, const char *s, bool literal)
{
	while (*s && !out->full) {
		char escaped[3 * 4 + 1];
		size_t n = utf8_length(s);
		n = n ? n : 1;
		if (is_user_char(*s, literal)) {
			out_put(out, s, 1);
		} else if (literal && *s == '%' && is_hex(s[1]) && is_hex(s[2])) {
			n = 3;
			out_put(out, s, 3);
		} else {
			for (size_t i = 0; i < n; i++)
				snprintf(escaped + 3 * i, 4, "%%%02X", (unsigned char)s[i]);
			out_put(out, escaped, 3 * n);
		}
		s += n;
	}
}

/* A fact as text; buffer[cap] for those that are none. */
static const char *fact_text(const struct call_facts *facts, size_t offset, char *buffer, size_t cap)
{
	const char *text;

	if (offset == DURATION) {
		snprintf(buffer, cap, "%u:%02u", facts->duration_s / 60, facts->duration_s % 60);
		return facts->direction == CALL_ENDED ? buffer : "";
	}
	memcpy(&text, (const char *)facts + offset, sizeof(text));
	return text ? text : "";
}

static const char *expand(const struct template *t, const struct call_facts *facts, struct arena *arena, size_t max,
	size_t max_chars, void (*put)(struct out *out, const char *s, bool literal))
{
	struct out out;
	char buffer[24];

	out.length = out.chars = 0;
	out.max = max;
	out.max_chars = max_chars;
	out.full = false;
	for (size_t i = 0; i < t->count; i++) {
		const struct template_piece *p = &t->pieces[i];
		put(&out, p->literal ? p->literal : fact_text(facts, p->fact_offset, buffer, sizeof(buffer)),
			p->literal != NULL);
	}
	while (out.length && out.text[out.length - 1] == ' ')
		out.length--;
	return arena_strndup(arena, out.text, out.length);
}

const char *template_user(const struct template *t, const struct call_facts *facts, struct arena *arena)
{
	return expand(t, facts, arena, TEMPLATE_USER_MAX, SIZE_MAX, put_user);
}

const char *template_text(const struct template *t, const struct call_facts *facts, struct arena *arena)
{
	return expand(t, facts, arena, TEMPLATE_TEXT_MAX, SIZE_MAX, put_text);
}

const char *template_message(
	const struct template *t, const struct call_facts *facts, struct arena *arena, size_t max_chars)
{
	ASSERT(max_chars <= TEMPLATE_CHARS_MAX);
	return expand(t, facts, arena, max_chars * UTF8_MAX, max_chars, put_message);
}

const char *template_line(
	const struct template *t, const struct call_facts *facts, struct arena *arena, size_t max_chars)
{
	ASSERT(max_chars <= TEMPLATE_CHARS_MAX);
	return expand(t, facts, arena, max_chars * UTF8_MAX, max_chars, put_line);
}
