/* b2bua/sip/text.c
 *
 * A header ends at CR LF and a quoted-string at '"'; profile names, payloads and reasons come from people. Nothing
 * passes here that could end either, whatever the bytes are.
 */
#include "b2bua/sip/text.h"

#include <string.h>

/* Length of the UTF-8 character at p, 0 if it is none (RFC 3629 s4: no overlong forms, no surrogates). */
static size_t utf8_length(const unsigned char *p)
{
	static const struct {
		unsigned char first, last, second_min, second_max;
		size_t length;
	} forms[] = {
		{0xc2, 0xdf, 0x80, 0xbf, 2},
		{0xe0, 0xe0, 0xa0, 0xbf, 3},
		{0xe1, 0xec, 0x80, 0xbf, 3},
		{0xed, 0xed, 0x80, 0x9f, 3},
		{0xee, 0xef, 0x80, 0xbf, 3},
		{0xf0, 0xf0, 0x90, 0xbf, 4},
		{0xf1, 0xf3, 0x80, 0xbf, 4},
		{0xf4, 0xf4, 0x80, 0x8f, 4},
	};

	if (*p < 0x80)
		return 1;
	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		if (*p < forms[i].first || *p > forms[i].last)
			continue;
		if (p[1] < forms[i].second_min || p[1] > forms[i].second_max)
			return 0;
		for (size_t n = 2; n < forms[i].length; n++)
			if ((p[n] & 0xc0) != 0x80)
				return 0;
		return forms[i].length;
	}
	return 0;
}

static void put(struct strbuf *sb, const char *text, size_t max, bool quoted)
{
	const unsigned char *p = (const unsigned char *)text;
	size_t used = 0;

	while (*p) {
		size_t length = utf8_length(p);
		size_t step = length ? length : 1;

		if (used + step > max)
			return;
		if (length == 0)
			strbuf_put(sb, "?");
		else if (*p < 0x20 || *p == 0x7f || (length == 2 && p[0] == 0xc2 && p[1] < 0xa0)) /* C0, DEL, C1 */
			strbuf_put(sb, " ");
		else if (quoted && (*p == '"' || *p == '\\'))
			strbuf_put_n(sb, (const char[]){'\\', (char)*p}, 2);
		else
			strbuf_put_n(sb, (const char *)p, length);
		used += step;
		p += step;
	}
}

void text_put_line(struct strbuf *sb, const char *text, size_t max)
{
	put(sb, text, max, false);
}

void text_put_quoted(struct strbuf *sb, const char *text, size_t max)
{
	strbuf_put(sb, "\"");
	put(sb, text, max, true);
	strbuf_put(sb, "\"");
}

bool text_is_token(const char *text, size_t length)
{
	static const char marks[] = "-.!%*_+`'~";

	for (size_t i = 0; i < length; i++) {
		char c = text[i];
		bool alnum = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
		if (!alnum && (!c || !strchr(marks, c)))
			return false;
	}
	return length > 0;
}
