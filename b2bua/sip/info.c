/* b2bua/sip/info.c */
#include "b2bua/sip/info.h"

#include "lib/base/str.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { BODY_MAX = 256 };

static bool is_relay(const char *content_type)
{
	return str_equal_nocase(content_type, "application/dtmf-relay");
}

bool info_is_dtmf(const char *content_type)
{
	return content_type && (is_relay(content_type) || str_equal_nocase(content_type, "application/dtmf"));
}

/* "5", "*", "a"; "10" and "11" are * and # by their event codes (RFC 4733 s3.2). */
static int digit_of(const char *text, size_t length, char *ret_digit)
{
	char c;

	if (length == 2 && text[0] == '1' && text[1] >= '0' && text[1] <= '5') {
		*ret_digit = "*#ABCD"[text[1] - '0'];
		return 0;
	}
	if (length != 1)
		return -EINVAL;
	c = *text;
	if (c >= 'a' && c <= 'd')
		c = (char)(c - 'a' + 'A');
	if (!(c >= '0' && c <= '9') && !(c >= 'A' && c <= 'D') && c != '*' && c != '#')
		return -EINVAL;
	*ret_digit = c;
	return 0;
}

static const char *trim(const char *text, size_t *length)
{
	while (*length && strchr(" \t\r\n", *text)) {
		text++;
		(*length)--;
	}
	while (*length && strchr(" \t\r\n", text[*length - 1]))
		(*length)--;
	return text;
}

static int duration_of(const char *text, size_t length, unsigned *ret_ms)
{
	char digits[8];
	uint64_t ms;

	if (str_copy_n(digits, sizeof(digits), text, length) || str_to_u64(digits, 1, 9999999, &ms))
		return -EINVAL;
	*ret_ms = ms > INFO_DTMF_MS_MAX ? INFO_DTMF_MS_MAX : (unsigned)ms;
	return 0;
}

static int relay_line(const char *line, size_t length, bool *signal, char *ret_digit, unsigned *ret_ms)
{
	const char *equal = memchr(line, '=', length), *value;
	size_t name_length, value_length;

	line = trim(line, &length);
	if (length == 0)
		return 0;
	if (!equal || equal < line)
		return -EINVAL;
	name_length = (size_t)(equal - line);
	value_length = length - name_length - 1;
	value = trim(equal + 1, &value_length);
	line = trim(line, &name_length);
	if (name_length == 6 && strncasecmp(line, "Signal", 6) == 0 && !*signal) {
		*signal = true;
		return digit_of(value, value_length, ret_digit);
	}
	if (name_length == 8 && strncasecmp(line, "Duration", 8) == 0)
		return duration_of(value, value_length, ret_ms);
	return 0;
}

int info_dtmf(const char *content_type, const char *body, size_t length, char *ret_digit, unsigned *ret_duration_ms)
{
	unsigned ms = INFO_DTMF_MS;
	bool signal = false;
	char digit = 0;

	if (length > BODY_MAX || memchr(body, '\0', length))
		return -EINVAL;
	if (!is_relay(content_type)) {
		body = trim(body, &length);
		signal = length > 0 && digit_of(body, length, &digit) == 0;
		length = 0;
	}
	while (length) {
		const char *end = memchr(body, '\n', length);
		size_t line = end ? (size_t)(end - body) + 1 : length;
		if (relay_line(body, line, &signal, &digit, &ms))
			return -EINVAL;
		body += line;
		length -= line;
	}
	if (!signal)
		return -EINVAL;
	*ret_digit = digit;
	*ret_duration_ms = ms;
	return 0;
}

void info_build(char *dst, size_t cap, char digit, unsigned duration_ms)
{
	unsigned ms = duration_ms ? duration_ms : INFO_DTMF_MS;

	(void)snprintf(dst, cap, "Signal=%c\r\nDuration=%u\r\n", digit, ms > INFO_DTMF_MS_MAX ? INFO_DTMF_MS_MAX : ms);
}
