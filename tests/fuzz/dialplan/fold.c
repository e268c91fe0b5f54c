/* tests/fuzz/dialplan/fold.c
 *
 * Text from a stranger, folded: well-formed whatever it was, bounded, and folded once and for all.
 */
#include "dialplan/fold.h"
#include "lib/base/assert.h"
#include "lib/base/str.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t check_utf8(const char *text)
{
	size_t chars = 0;

	for (size_t left = strlen(text), n; left; left -= n, text += n, chars++) {
		n = str_utf8_char(text, left);
		ASSERT(n > 0);
	}
	return chars;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1), *folded, *again, *words;

	ASSERT(text);
	if (size)
		memcpy(text, data, size);
	text[size] = '\0';
	ASSERT(fold_text(text, &folded) == 0);
	ASSERT(check_utf8(folded) <= 3 * FOLD_MAX_CHARS);
	ASSERT(folded[0] != ' ' && !strstr(folded, "  "));
	ASSERT(!folded[0] || folded[strlen(folded) - 1] != ' ');
	ASSERT(fold_words(folded, &words) == 0);
	check_utf8(words);
	ASSERT(words[0] == ' ' && words[strlen(words) - 1] == ' ' && !strstr(words, "  "));
	ASSERT(fold_text(folded, &again) == 0);
	if (strlen(folded) <= FOLD_MAX_CHARS)
		ASSERT(strcmp(folded, again) == 0);
	free(again);
	free(words);
	free(folded);
	free(text);
	return 0;
}
