/* b2bua/call/headers.c */
#include "b2bua/call/headers.h"

#include "b2bua/call/limits.h"
#include "lib/base/str.h"

#include <errno.h>
#include <string.h>

/* Bytes of the well-formed UTF-8 character at s (RFC 3629 s4), 0 when it is not one. Stops at the terminator by itself.
 */
static size_t utf8_length(const unsigned char *s)
{
	size_t more;
	unsigned char low = 0x80, high = 0xbf; /* bounds of the second byte: no overlong forms, no surrogates */

	if (s[0] < 0x80)
		return 1;
	if (s[0] >= 0xc2 && s[0] <= 0xdf)
		more = 1;
	else if (s[0] >= 0xe0 && s[0] <= 0xef)
		more = 2;
	else if (s[0] >= 0xf0 && s[0] <= 0xf4)
		more = 3;
	else
		return 0;
	if (s[0] == 0xe0)
		low = 0xa0;
	if (s[0] == 0xed)
		high = 0x9f;
	if (s[0] == 0xf0)
		low = 0x90;
	if (s[0] == 0xf4)
		high = 0x8f;
	if (s[1] < low || s[1] > high)
		return 0;
	for (size_t i = 2; i <= more; i++)
		if (s[i] < 0x80 || s[i] > 0xbf)
			return 0;
	return more + 1;
}

/* C0, DEL, and C1 (U+0080..U+009F). */
static bool is_control(const unsigned char *s, size_t length)
{
	return (length == 1 && (s[0] < 0x20 || s[0] == 0x7f)) || (length == 2 && s[0] == 0xc2 && s[1] < 0xa0);
}

char *header_text(struct arena *a, const char *text, size_t max_chars)
{
	const unsigned char *s = (const unsigned char *)(text ? text : "");
	size_t room = strlen((const char *)s), n = 0;
	char *dst;

	if (room > max_chars)
		room = max_chars;
	dst = arena_alloc(a, room + 1);
	if (!dst)
		return NULL;
	while (*s && n < room) {
		size_t length = utf8_length(s);
		if (length == 0) {
			dst[n++] = '?';
			s++;
			continue;
		}
		if (*s == '\t' || *s == ' ') {
			if (n > 0)
				dst[n++] = ' ';
		} else if (!is_control(s, length)) {
			if (n + length > room)
				break;
			memcpy(dst + n, s, length);
			n += length;
		}
		s += length;
	}
	while (n > 0 && dst[n - 1] == ' ')
		n--;
	dst[n] = '\0';
	return dst;
}

static bool user_char(unsigned char ch)
{
	/* RFC 3261 s25.1: unreserved and user-unreserved. */
	return (ch >= '0' && ch <= '9') || (ch >= 'A' && ch <= 'Z') || (ch >= 'a' && ch <= 'z') ||
	       (ch && strchr("-_.!~*'()&=+$,;?/", ch));
}

char *header_uri_user(struct arena *a, const char *text, size_t max_chars)
{
	static const char hex[] = "0123456789ABCDEF";
	size_t length = text ? strlen(text) : 0, n = 0;
	char *dst;

	if (length > max_chars)
		length = max_chars;
	dst = arena_alloc(a, 3 * length + 1);
	if (!dst)
		return NULL;
	for (size_t i = 0; i < length; i++) {
		unsigned char ch = (unsigned char)text[i];
		if (user_char(ch)) {
			dst[n++] = (char)ch;
			continue;
		}
		dst[n++] = '%';
		dst[n++] = hex[ch >> 4];
		dst[n++] = hex[ch & 15];
	}
	dst[n] = '\0';
	return dst;
}

char *header_digits(struct arena *a, const char *text)
{
	size_t length = text ? strlen(text) : 0, n = 0;
	char *dst = arena_alloc(a, length + 1);

	if (!dst)
		return NULL;
	for (size_t i = 0; i < length; i++)
		if (text[i] >= '0' && text[i] <= '9')
			dst[n++] = text[i];
	dst[n] = '\0';
	return dst;
}

static bool route_has(const struct route_header *route, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++)
		if (str_equal_nocase(route[i].name, name))
			return true;
	return false;
}

int header_list(struct arena *a, const struct header_facts *facts, const struct route_header *route, size_t route_count,
	const struct route_header **ret_headers, size_t *ret_count)
{
	const struct {
		const char *name, *value;
		size_t max_chars;
	} own[] = {
		{"X-WA-Call-Id", facts->wacid, LIMIT_ID_CHARS},
		{"X-WA-Number-Id", facts->phone_number_id, LIMIT_NAME_CHARS},
		{"X-WA-User", facts->user_number, LIMIT_NAME_CHARS},
		{"X-WA-User-Id", facts->user_id, LIMIT_NAME_CHARS},
		{"X-WA-Name", facts->profile_name, LIMIT_NAME_CHARS},
		{"X-WA-Payload", facts->payload, LIMIT_PAYLOAD_CHARS},
		{"X-WA-Tenant", facts->tenant, LIMIT_NAME_CHARS},
	};
	const size_t own_count = sizeof(own) / sizeof(own[0]);
	struct route_header *list = arena_alloc(a, (own_count + route_count) * sizeof(*list));
	size_t n = 0;

	if (!list)
		return -ENOMEM;
	for (size_t i = 0; i < own_count; i++) {
		char *value;
		if (!own[i].value || !own[i].value[0] || route_has(route, route_count, own[i].name))
			continue;
		value = header_text(a, own[i].value, own[i].max_chars);
		if (!value)
			return -ENOMEM;
		if (value[0])
			list[n++] = (struct route_header){own[i].name, value};
	}
	for (size_t i = 0; i < route_count; i++)
		list[n++] = route[i];
	*ret_headers = list;
	*ret_count = n;
	return 0;
}
