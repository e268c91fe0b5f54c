/* lib/sdp/sdp_crypto.c
 *
 * Keys in session descriptions (SDES, RFC 4568).
 */
#include "lib/base/crypto.h"
#include "lib/base/str.h"
#include "lib/sdp/sdp_audio.h"

#include <errno.h>
#include <string.h>

enum { KEY_BYTES_MAX = 72 };

int sdp_crypto_key(const struct sdp_crypto *crypto, uint8_t *ret_key, size_t length)
{
	uint8_t key[KEY_BYTES_MAX];
	int n = crypto_unbase64(crypto->inline_key, strlen(crypto->inline_key), key, sizeof(key));
	int r = n >= 0 && (size_t)n == length ? 0 : -EBADMSG;

	if (r == 0)
		memcpy(ret_key, key, length);
	crypto_wipe(key, sizeof(key));
	return r;
}

int sdp_add_crypto(struct sdp_audio *sdp, uint16_t tag, const char *suite, const uint8_t *key, size_t length)
{
	struct sdp_crypto *c;

	if (strlen(suite) >= sizeof(c->suite) || 4 * ((length + 2) / 3) + 1 > sizeof(c->inline_key))
		return -EINVAL;
	if (sdp->crypto_count == SDP_CRYPTO_MAX)
		return -ENOSPC;
	c = &sdp->crypto[sdp->crypto_count++];
	memset(c, 0, sizeof(*c));
	c->tag = tag;
	str_copy(c->suite, sizeof(c->suite), suite);
	crypto_base64(c->inline_key, key, length);
	return 0;
}

void sdp_wipe(void *secret, size_t length)
{
	crypto_wipe(secret, length);
}

static const char mark[] = "inline:";
enum { MARK_LENGTH = sizeof(mark) - 1 };

static bool is_mark(const char *p)
{
	for (size_t i = 0; i < MARK_LENGTH; i++) {
		char c = p[i] >= 'A' && p[i] <= 'Z' ? (char)(p[i] | 0x20) : p[i];
		if (c != mark[i])
			return false;
	}
	return true;
}

/* A blank or the end of the line ends a key; so do "|" and ";", but what follows them may be another one. */
void sdp_redact_keys(char *text)
{
	const char *from = text;
	char *to = text;

	while (*from) {
		if (!is_mark(from)) {
			*to++ = *from++;
			continue;
		}
		memmove(to, from, MARK_LENGTH);
		to += MARK_LENGTH;
		from += MARK_LENGTH;
		size_t key = strcspn(from, " \t\r\n|;");
		from += key;
		if (key)
			*to++ = 'x';
	}
	*to = '\0';
}
