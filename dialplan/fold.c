/* dialplan/fold.c
 *
 *   mend (well-formed, bounded) -> NFKD -> drop marks -> fold case -> NFKD, drop marks -> letters without
 *   decomposition -> blanks
 *
 * Twice, because folding case can bring marks about: U+0130 (I with a dot) folds to i and U+0307. Unicode Standard
 * 3.13, "Default Caseless Matching", with the marks left out.
 */
#include "dialplan/fold.h"

#include "lib/base/str.h"

#include <errno.h>
#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

enum {
	UTF8_MAX = 4,
	/* Texts grow when they are taken apart, Hangul threefold. A text that grows more is nobody's message. */
	OUT_MAX_CHARS = 3 * FOLD_MAX_CHARS,
};

static const char replacement[] = "\xef\xbf\xbd";

/* Two Arabic phrases that are one character each, U+FDFA and U+FDFB: taken apart they are 18 and 8, and a text of
 * nothing else would cost twenty milliseconds. They become U+FFFD. */
static bool is_phrase(const char *text, size_t n)
{
	return n == 3 && (memcmp(text, "\xef\xb7\xba", 3) == 0 || memcmp(text, "\xef\xb7\xbb", 3) == 0);
}

/* Valid UTF-8 of at most FOLD_MAX_CHARS characters; each byte that belongs to none becomes U+FFFD. */
static char *mend(const char *text)
{
	size_t left = strnlen(text, (size_t)FOLD_MAX_CHARS * UTF8_MAX), length = 0;
	char *mended = malloc((left < FOLD_MAX_CHARS ? left : FOLD_MAX_CHARS) * UTF8_MAX + 1);

	for (size_t count = 0; mended && left && count < FOLD_MAX_CHARS; count++) {
		size_t n = str_utf8_char(text, left);
		bool kept = n && !is_phrase(text, n);
		memcpy(mended + length, kept ? text : replacement, kept ? n : sizeof(replacement) - 1);
		length += kept ? n : sizeof(replacement) - 1;
		text += n ? n : 1;
		left -= n ? n : 1;
	}
	if (mended)
		mended[length] = '\0';
	return mended;
}

/* Marks that people leave out when they type fast: accents of Latin, Greek and Cyrillic (classes 200 to 240 and
 * overlays), points of Hebrew and Arabic (10 to 36). The vowel signs and voicing marks of other scripts make another
 * word. Beside them what cannot be seen: joiners, direction marks, variation selectors. */
static bool is_dropped(gunichar c)
{
	int combining = g_unichar_combining_class(c);

	switch (g_unichar_type(c)) {
	case G_UNICODE_ENCLOSING_MARK:
	case G_UNICODE_FORMAT: return true;
	case G_UNICODE_NON_SPACING_MARK:
		return combining == 1 || (combining >= 10 && combining <= 36) || combining >= 200 ||
		       (c >= 0xfe00 && c <= 0xfe0f) || (c >= 0xe0100 && c <= 0xe01ef);
	default: return false;
	}
}

static bool is_blank(gunichar c)
{
	return c < 0x20 || c == 0x7f || g_unichar_isspace(c) || g_unichar_type(c) == G_UNICODE_SPACE_SEPARATOR ||
	       g_unichar_type(c) == G_UNICODE_CONTROL;
}

/* Letters that Unicode does not take apart, and that people write without their stroke or dot. */
static const struct {
	gunichar letter;
	const char *plain;
} plain_letters[] = {
	{0x131, "i"}, /* Turkish dotless i: "ISRAR" has lost the difference */
	{0xf8, "o"},
	{0x142, "l"},
	{0x111, "d"},
	{0x127, "h"},
	{0x167, "t"},
	{0xe6, "ae"},
	{0x153, "oe"},
};

static void append_plain(GString *out, gunichar c)
{
	for (size_t i = 0; i < sizeof(plain_letters) / sizeof(plain_letters[0]); i++) {
		if (c == plain_letters[i].letter) {
			g_string_append(out, plain_letters[i].plain);
			return;
		}
	}
	g_string_append_unichar(out, c);
}

/* At most OUT_MAX_CHARS. Frees its argument. */
static char *without_marks(char *text)
{
	char *parts = g_utf8_normalize(text, -1, G_NORMALIZE_ALL), *to = parts;
	size_t count = 0;

	g_free(text);
	for (const char *at = parts, *next; at && *at && count < OUT_MAX_CHARS; at = next) {
		size_t n = (size_t)(g_utf8_next_char(at) - at);
		next = at + n; /* now: the move may write over the character */
		if (is_dropped(g_utf8_get_char(at)))
			continue;
		memmove(to, at, n);
		to += n;
		count++;
	}
	if (to)
		*to = '\0';
	return parts;
}

static char *copy_out(GString *out)
{
	char *copy = malloc(out->len + 1);

	if (copy)
		memcpy(copy, out->str, out->len + 1);
	g_string_free(out, TRUE);
	return copy;
}

int fold_text(const char *text, char **ret_text)
{
	char *mended = mend(text), *marked, *plain;
	GString *out;

	if (!mended)
		return -ENOMEM;
	marked = without_marks(g_strdup(mended));
	free(mended);
	plain = without_marks(g_utf8_casefold(marked, -1));
	g_free(marked);
	out = g_string_sized_new(strlen(plain) + 1);
	for (const char *at = plain; *at; at = g_utf8_next_char(at)) {
		/* Lower case once more: GLib folds Cherokee's two cases into each other. */
		gunichar c = g_unichar_tolower(g_utf8_get_char(at));
		if (!is_blank(c))
			append_plain(out, c);
		else if (out->len && out->str[out->len - 1] != ' ')
			g_string_append_c(out, ' ');
	}
	g_free(plain);
	if (out->len && out->str[out->len - 1] == ' ')
		g_string_truncate(out, out->len - 1);
	*ret_text = copy_out(out);
	return *ret_text ? 0 : -ENOMEM;
}

/* ---- words ---- */

enum glyph { SEPARATES, JOINS, STANDS_ALONE };

static enum glyph glyph_of(gunichar c)
{
	switch (g_unichar_get_script(c)) {
	case G_UNICODE_SCRIPT_HAN:
	case G_UNICODE_SCRIPT_HIRAGANA:
	case G_UNICODE_SCRIPT_KATAKANA:
	case G_UNICODE_SCRIPT_THAI:
	case G_UNICODE_SCRIPT_LAO:
	case G_UNICODE_SCRIPT_KHMER:
	case G_UNICODE_SCRIPT_MYANMAR: return STANDS_ALONE;
	default: break;
	}
	if (g_unichar_isalnum(c) || g_unichar_ismark(c))
		return JOINS;
	return g_unichar_type(c) == G_UNICODE_OTHER_SYMBOL ? STANDS_ALONE : SEPARATES;
}

int fold_words(const char *folded, char **ret_words)
{
	GString *out = g_string_sized_new(strlen(folded) + 2);

	g_string_append_c(out, ' ');
	for (const char *at = folded; *at; at = g_utf8_next_char(at)) {
		gunichar c = g_utf8_get_char(at);
		enum glyph glyph = glyph_of(c);
		if (glyph != JOINS && out->str[out->len - 1] != ' ')
			g_string_append_c(out, ' ');
		if (glyph != SEPARATES)
			g_string_append_unichar(out, c);
		if (glyph == STANDS_ALONE)
			g_string_append_c(out, ' ');
	}
	if (out->str[out->len - 1] != ' ')
		g_string_append_c(out, ' ');
	*ret_words = copy_out(out);
	return *ret_words ? 0 : -ENOMEM;
}
