/* lib/base/str.c */
#include "lib/base/str.h"

#include "lib/base/assert.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

int str_copy_n(char *dst, size_t cap, const char *src, size_t length)
{
	size_t n = src ? strnlen(src, length) : 0;
	int r = 0;

	if (n >= cap) {
		r = -ENAMETOOLONG;
		if (!cap)
			return r;
		n = cap - 1;
	}
	if (n)
		memmove(dst, src, n);
	dst[n] = '\0';
	return r;
}

int str_copy(char *dst, size_t cap, const char *src)
{
	return str_copy_n(dst, cap, src, PTRDIFF_MAX);
}

bool str_equal(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

static int lower(char c)
{
	return c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c;
}

bool str_equal_nocase(const char *a, const char *b)
{
	if (!a || !b)
		return a == b;
	while (*a && lower(*a) == lower(*b)) {
		a++;
		b++;
	}
	return lower(*a) == lower(*b);
}

bool str_starts(const char *text, const char *prefix)
{
	return text && prefix && strncmp(text, prefix, strlen(prefix)) == 0;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

int str_to_u64(const char *text, uint64_t min, uint64_t max, uint64_t *ret_value)
{
	uint64_t value = 0;
	bool overflow = false;

	if (!text || !*text)
		return -EINVAL;
	for (; *text; text++) {
		if (!is_digit(*text))
			return -EINVAL;
		overflow |= __builtin_mul_overflow(value, UINT64_C(10), &value);
		overflow |= __builtin_add_overflow(value, (uint64_t)(*text - '0'), &value);
	}
	if (overflow || value < min || value > max)
		return -ERANGE;
	*ret_value = value;
	return 0;
}

/* Longer numbers keep country and area code and the last digits: enough to find a call, too little to ring the person.
 */
enum { MASK_KEEP_HEAD = 5, MASK_KEEP_TAIL = 3, MASK_MIN_LENGTH = 10 };

const char *str_mask_number(char *dst, size_t cap, const char *number)
{
	size_t length = number ? strlen(number) : 0, head = 2, tail = 0, stars = 3;
	bool digits = length > 0;

	ASSERT(cap >= 8);
	for (size_t i = number && number[0] == '+' ? 1 : 0; i < length; i++)
		digits = digits && is_digit(number[i]);
	if (digits && length >= MASK_MIN_LENGTH && cap > MASK_KEEP_HEAD + MASK_KEEP_TAIL + 1) {
		head = MASK_KEEP_HEAD;
		tail = MASK_KEEP_TAIL;
		stars = (length < cap ? length : cap - 1) - head - tail;
	}
	if (length <= head)
		head = length ? 1 : 0;
	if (!length)
		stars = 0;
	memcpy(dst, number ? number : "", head);
	memset(dst + head, '*', stars);
	if (tail)
		memcpy(dst + head + stars, number + length - tail, tail);
	dst[head + stars + tail] = '\0';
	return dst;
}

int str_e164(const char *text, char *dst, size_t cap)
{
	size_t n = 1;

	if (!text)
		return -EINVAL;
	if (*text == '+')
		text++;
	for (const char *p = text; *p; p++)
		if (!is_digit(*p) && !strchr(" -.()", *p))
			return -EINVAL;
	for (const char *p = text; *p; p++) {
		if (!is_digit(*p))
			continue;
		if (n + 1 >= cap)
			return -ENAMETOOLONG;
		dst[n++] = *p;
	}
	if (n == 1)
		return -EINVAL;
	dst[0] = '+';
	dst[n] = '\0';
	return 0;
}

void str_hex(char *dst, const uint8_t *bytes, size_t length)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < length; i++) {
		*dst++ = digits[bytes[i] >> 4];
		*dst++ = digits[bytes[i] & 15];
	}
	*dst = '\0';
}

static int nibble(char c)
{
	if (is_digit(c))
		return c - '0';
	c = (char)lower(c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int str_unhex(const char *text, uint8_t *dst, size_t cap)
{
	size_t n = 0;

	if (!text)
		return -EINVAL;
	for (; *text; text += 2) {
		int high = nibble(text[0]);
		int low = high < 0 ? -1 : nibble(text[1]);
		if (low < 0 || n >= cap)
			return -EINVAL;
		dst[n++] = (uint8_t)(high << 4 | low);
	}
	return (int)n;
}

/* RFC 3629 s4, the table of well-formed sequences: no overlong forms, no surrogates, nothing above U+10FFFF. */
size_t str_utf8_char(const char *text, size_t length)
{
	static const struct {
		uint8_t first_min, first_max, second_min, second_max, bytes;
	} forms[] = {
		{0x00, 0x7f, 0, 0, 1},
		{0xc2, 0xdf, 0x80, 0xbf, 2},
		{0xe0, 0xe0, 0xa0, 0xbf, 3},
		{0xe1, 0xec, 0x80, 0xbf, 3},
		{0xed, 0xed, 0x80, 0x9f, 3},
		{0xee, 0xef, 0x80, 0xbf, 3},
		{0xf0, 0xf0, 0x90, 0xbf, 4},
		{0xf1, 0xf3, 0x80, 0xbf, 4},
		{0xf4, 0xf4, 0x80, 0x8f, 4},
	};
	const uint8_t *b = (const uint8_t *)text;

	for (size_t i = 0; length && i < sizeof(forms) / sizeof(forms[0]); i++) {
		if (b[0] < forms[i].first_min || b[0] > forms[i].first_max)
			continue;
		if (length < forms[i].bytes)
			return 0;
		if (forms[i].bytes > 1 && (b[1] < forms[i].second_min || b[1] > forms[i].second_max))
			return 0;
		for (size_t k = 2; k < forms[i].bytes; k++)
			if ((b[k] & 0xc0) != 0x80)
				return 0;
		return forms[i].bytes;
	}
	return 0;
}

void strbuf_init(struct strbuf *sb, char *buffer, size_t cap)
{
	ASSERT(cap >= 1);
	*sb = (struct strbuf){buffer, cap, 0, false};
	buffer[0] = '\0';
}

void strbuf_put_n(struct strbuf *sb, const char *text, size_t length)
{
	size_t room = sb->cap - 1 - sb->length;

	length = text ? strnlen(text, length) : 0;
	if (length > room) {
		length = room;
		sb->truncated = true;
	}
	if (length)
		memcpy(sb->text + sb->length, text, length);
	sb->length += length;
	sb->text[sb->length] = '\0';
}

void strbuf_put(struct strbuf *sb, const char *text)
{
	strbuf_put_n(sb, text, PTRDIFF_MAX);
}

void strbuf_printf(struct strbuf *sb, const char *fmt, ...)
{
	size_t room = sb->cap - sb->length;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(sb->text + sb->length, room, fmt, ap);
	va_end(ap);
	if (n < 0) {
		sb->text[sb->length] = '\0';
		sb->truncated = true;
	} else if ((size_t)n >= room) {
		sb->length = sb->cap - 1;
		sb->truncated = true;
	} else {
		sb->length += (size_t)n;
	}
}
