/* lib/sdp/sdp_line.c
 *
 * Lines end with CRLF or LF, the last one perhaps with nothing (RFC 8866 s5: "parsers SHOULD be tolerant and also
 * accept records terminated with a single newline character").
 */
#include "lib/sdp/sdp_line.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

struct sdp_word sdp_word_trim(struct sdp_word w)
{
	while (w.length && is_blank(w.at[0])) {
		w.at++;
		w.length--;
	}
	while (w.length && is_blank(w.at[w.length - 1]))
		w.length--;
	return w;
}

struct sdp_word sdp_word_until(struct sdp_word *rest, char mark)
{
	struct sdp_word w = *rest;
	const char *found;

	if (w.length == 0)
		return w;
	found = memchr(w.at, mark, w.length);
	if (!found) {
		rest->at = w.at + w.length;
		rest->length = 0;
		return w;
	}
	w.length = (size_t)(found - w.at);
	rest->at = found + 1;
	rest->length -= w.length + 1;
	return w;
}

void sdp_lines_init(struct sdp_lines *lines, const char *text, size_t length)
{
	lines->rest = (struct sdp_word){text, length};
	lines->number = 0;
}

int sdp_lines_next(struct sdp_lines *lines, struct sdp_line *ret_line)
{
	while (lines->rest.length) {
		struct sdp_word w = sdp_word_until(&lines->rest, '\n');
		lines->number++;
		ret_line->number = lines->number;
		if (w.length && w.at[w.length - 1] == '\r')
			w.length--;
		/* A lone CR could pass for a line end further on, in whatever we would copy it to. */
		if (w.length && memchr(w.at, '\r', w.length))
			return -EBADMSG;
		if (sdp_word_trim(w).length == 0)
			continue;
		if (w.length < 2 || w.at[1] != '=')
			return -EBADMSG;
		ret_line->type = w.at[0];
		ret_line->value = sdp_word_trim((struct sdp_word){w.at + 2, w.length - 2});
		return 1;
	}
	return 0;
}

struct sdp_word sdp_word_next(struct sdp_word *rest)
{
	struct sdp_word w = sdp_word_trim(*rest);
	size_t n = 0;

	if (w.length == 0) /* perhaps at NULL, which must not be moved even by nothing */
		return *rest = w;
	while (n < w.length && !is_blank(w.at[n]))
		n++;
	rest->at = w.at + n;
	rest->length = w.length - n;
	w.length = n;
	return w;
}

bool sdp_word_is(struct sdp_word w, const char *text)
{
	return w.length == strlen(text) && strncasecmp(w.at, text, w.length) == 0;
}

bool sdp_word_copy(struct sdp_word w, char *dst, size_t cap)
{
	dst[0] = '\0';
	if (w.length == 0 || w.length >= cap)
		return false;
	for (size_t i = 0; i < w.length; i++)
		if (w.at[i] < 0x20 || w.at[i] > 0x7e)
			return false;
	memcpy(dst, w.at, w.length);
	dst[w.length] = '\0';
	return true;
}

bool sdp_word_number(struct sdp_word w, uint64_t max, uint64_t *ret_value)
{
	uint64_t value = 0;

	if (w.length == 0)
		return false;
	for (size_t i = 0; i < w.length; i++) {
		if (w.at[i] < '0' || w.at[i] > '9')
			return false;
		uint64_t digit = (uint64_t)(w.at[i] - '0');
		if (value > (max - digit) / 10 || digit > max)
			return false;
		value = value * 10 + digit;
	}
	*ret_value = value;
	return true;
}
