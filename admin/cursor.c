/* admin/cursor.c -- where a list goes on; opaque to clients, so that it may change. See admin_internal.h */
#include "admin/admin_internal.h"

#include "lib/base/crypto.h"
#include "lib/base/str.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { PLAIN_MAX = 180 };

static void swap_alphabet(char *text, char from_plus, char to_plus, char from_slash, char to_slash)
{
	for (; *text; text++) {
		if (*text == from_plus)
			*text = to_plus;
		else if (*text == from_slash)
			*text = to_slash;
	}
}

void cursor_write(char dst[CURSOR_MAX], const char *one, const char *two)
{
	char plain[PLAIN_MAX];
	int n = snprintf(plain, sizeof(plain), "1\n%s\n%s", one, two);

	if (n < 0 || (size_t)n >= sizeof(plain))
		n = 0;
	crypto_base64(dst, plain, (size_t)n);
	dst[strcspn(dst, "=")] = '\0';
	swap_alphabet(dst, '+', '-', '/', '_');
}

int cursor_read(const char *cursor, char *one, size_t one_cap, char *two, size_t two_cap)
{
	char text[CURSOR_MAX + 4];
	uint8_t plain[CURSOR_MAX];
	const char *first, *second;
	int n;

	if (str_copy(text, CURSOR_MAX, cursor) || strpbrk(text, "+/="))
		return -EINVAL;
	swap_alphabet(text, '-', '+', '_', '/');
	while (strlen(text) % 4)
		strcat(text, "=");
	n = crypto_unbase64(text, strlen(text), plain, sizeof(plain) - 1);
	if (n < 2 || memchr(plain, 0, (size_t)n) || plain[0] != '1' || plain[1] != '\n')
		return -EINVAL;
	plain[n] = '\0';
	first = (const char *)plain + 2;
	second = strchr(first, '\n');
	if (!second || str_copy_n(one, one_cap, first, (size_t)(second - first)) || str_copy(two, two_cap, second + 1))
		return -EINVAL;
	return 0;
}
