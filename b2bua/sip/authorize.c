/* b2bua/sip/authorize.c -- see authorize.h */
#include "b2bua/sip/authorize.h"

#include "lib/base/crypto.h"
#include "lib/base/str.h"

#include <errno.h>
#include <sofia-sip/msg_header.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { CHALLENGES_MAX = 8, CNONCE_LENGTH = 32 };

/* The text between the quotes, or a token. False: too long, or not fit for a header of ours. */
static bool plain(char *dst, const char *value)
{
	size_t length = value ? strlen(value) : 0;
	bool quoted = length >= 2 && value[0] == '"' && value[length - 1] == '"';

	if (quoted) {
		value++;
		length -= 2;
	}
	for (size_t i = 0; i < length; i++) {
		if ((unsigned char)value[i] < 0x20 || value[i] == 0x7f ||
			(value[i] == '"' && (!i || value[i - 1] != '\\')))
			return false;
	}
	return str_copy_n(dst, AUTHORIZE_TEXT_MAX, value ? value : "", length) == 0;
}

/* "auth,auth-int": is it among them? */
static bool offers(const char *list, const char *wanted)
{
	while (*list) {
		size_t n;
		list += strspn(list, " \t,");
		n = strcspn(list, " \t,");
		if (n == strlen(wanted) && strncasecmp(list, wanted, n) == 0)
			return true;
		list += n;
	}
	return false;
}

static bool read_one(const msg_auth_t *au, struct authorize *a)
{
	char word[AUTHORIZE_TEXT_MAX];
	const char *algorithm = msg_params_find(au->au_params, "algorithm="),
		   *qop = msg_params_find(au->au_params, "qop="), *stale = msg_params_find(au->au_params, "stale=");

	*a = (struct authorize){.set = true, .algorithm_named = algorithm != NULL, .qop = qop != NULL};
	if (!plain(word, algorithm))
		return false;
	if (str_equal_nocase(word, "SHA-256"))
		a->algorithm = DIGEST_SHA256;
	else if (algorithm && !str_equal_nocase(word, "MD5"))
		return false;
	if (qop && (!plain(word, qop) || !offers(word, "auth")))
		return false;
	a->plain_md5 = a->algorithm == DIGEST_MD5 && !(qop && offers(word, "auth-int"));
	a->stale = plain(word, stale) && str_equal_nocase(word, "true");
	return plain(a->realm, msg_params_find(au->au_params, "realm=")) &&
	       plain(a->nonce, msg_params_find(au->au_params, "nonce=")) && a->nonce[0] &&
	       plain(a->opaque, msg_params_find(au->au_params, "opaque="));
}

int authorize_read(const sip_t *sip, int status, const char *realm, struct authorize *ret_a)
{
	const msg_auth_t *au = !sip ? NULL : status == 407 ? sip->sip_proxy_authenticate : sip->sip_www_authenticate;
	struct authorize one;
	bool plain_md5 = true;

	ret_a->set = false;
	for (unsigned i = 0; au && i < CHALLENGES_MAX; au = au->au_next, i++) {
		bool good = au->au_scheme && str_equal_nocase(au->au_scheme, "Digest") && read_one(au, &one);
		plain_md5 = plain_md5 && good && one.plain_md5;
		if (good && (!realm || !*realm || strcmp(realm, one.realm) == 0) &&
			(!ret_a->set || one.algorithm > ret_a->algorithm))
			*ret_a = one;
	}
	ret_a->proxy = status == 407;
	ret_a->plain_md5 = plain_md5;
	return ret_a->set ? 0 : -ENOENT;
}

void authorize_put(
	struct authorize *a, const struct sip_credentials *c, const char *method, const char *uri, struct strbuf *sb)
{
	static const char *const names[] = {[DIGEST_MD5] = "MD5", [DIGEST_SHA256] = "SHA-256"};
	char ha1[DIGEST_HEX_MAX], response[DIGEST_HEX_MAX], cnonce[CNONCE_LENGTH + 1], count[12];
	struct digest_credentials d = {.nonce = a->nonce, .uri = uri};

	crypto_random_text(cnonce, CNONCE_LENGTH);
	(void)snprintf(count, sizeof(count), "%08x", (unsigned)++a->count);
	if (a->qop) {
		d.qop = "auth";
		d.cnonce = cnonce;
		d.nc = count;
	}
	digest_ha1(a->algorithm, c->user, a->realm, c->password, ha1);
	digest_response(a->algorithm, ha1, method, &d, response);
	crypto_wipe(ha1, sizeof(ha1));
	strbuf_printf(sb, "%s: Digest username=\"%s\", realm=\"%s\", nonce=\"%s\", uri=\"%s\", response=\"%s\"",
		a->proxy ? "Proxy-Authorization" : "Authorization", c->user, a->realm, a->nonce, uri, response);
	if (a->algorithm_named)
		strbuf_printf(sb, ", algorithm=%s", names[a->algorithm]);
	if (a->opaque[0])
		strbuf_printf(sb, ", opaque=\"%s\"", a->opaque);
	if (a->qop)
		strbuf_printf(sb, ", qop=auth, nc=%s, cnonce=\"%s\"", count, cnonce);
	strbuf_put(sb, "\r\n");
}
