/* tests/fuzz/dialplan/template.c
 *
 * The first line is a template, the rest is what a stranger typed. Whatever both are, the expansions stay inside their
 * place.
 */
#include "dialplan/template.h"
#include "lib/base/assert.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_user(const char *user)
{
	ASSERT(strlen(user) <= TEMPLATE_USER_MAX);
	for (const char *p = user; *p; p++) {
		if (*p == '%') {
			ASSERT(p[1] && p[2] && strspn(p + 1, "0123456789ABCDEFabcdef") >= 2);
			continue;
		}
		ASSERT(strspn(p, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.!~*'()&=+$,;?/") >
			0);
	}
}

static void check_text(const char *text)
{
	ASSERT(strlen(text) <= TEMPLATE_TEXT_MAX);
	for (const char *p = text; *p; p++)
		ASSERT((unsigned char)*p >= 0x20 && *p != 0x7f);
	ASSERT(text[0] != ' ' && (!text[0] || text[strlen(text) - 1] != ' '));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena arena;
	struct template t;
	char why[64] = "";
	char *copy = malloc(size + 1);

	ASSERT(copy);
	if (size)
		memcpy(copy, data, size);
	copy[size] = '\0';
	char *fact = strchr(copy, '\n');
	if (fact)
		*fact++ = '\0';
	struct call_facts facts = {.from = fact, .name = fact, .payload = fact, .to = "+12025550123"};
	arena_init(&arena, 0);
	int r = template_read(&arena, copy, &t, why, sizeof(why));
	if (r == 0) {
		check_user(template_user(&t, &facts, &arena));
		check_text(template_text(&t, &facts, &arena));
	} else {
		ASSERT(r == -EBADMSG && why[0]);
	}
	arena_done(&arena);
	free(copy);
	return 0;
}
