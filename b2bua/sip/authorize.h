/* b2bua/sip/authorize.h
 *
 * Digest authentication, the client's side (RFC 3261 s22, RFC 7616, RFC 8760): a challenge is read, and answered with
 * MD5 or SHA-256. Pure, but for the random cnonce.
 */
#ifndef B2BUA_SIP_AUTHORIZE_H
#define B2BUA_SIP_AUTHORIZE_H

#include "b2bua/sip/digest.h"
#include "b2bua/sip/sip.h"

#include <sofia-sip/sip.h>

struct strbuf;

enum { AUTHORIZE_TEXT_MAX = 512, AUTHORIZE_LINE_MAX = 3072 };

/* Text is as between the quotes of the challenge. */
struct authorize {
	bool set;
	enum digest_algorithm algorithm;
	bool algorithm_named, qop, stale;
	bool plain_md5; /* and so is every challenge beside it: MD5, and no auth-int, which breaks where a body is
			   changed on its way and which the library would choose */
	bool proxy;
	uint32_t count; /* of the nonce's uses */
	char realm[AUTHORIZE_TEXT_MAX], nonce[AUTHORIZE_TEXT_MAX], opaque[AUTHORIZE_TEXT_MAX];
};

/* The best challenge of a 401 or 407 that can be answered: SHA-256 before MD5 (RFC 8760 s2.4). realm: the only one that
 * is; "" or NULL: any. Returns 0 or -ENOENT. */
int authorize_read(const sip_t *sip, int status, const char *realm, struct authorize *ret_a);
/* Appends "Authorization: Digest ...\r\n" (or Proxy-Authorization), one use of the nonce. */
void authorize_put(
	struct authorize *a, const struct sip_credentials *c, const char *method, const char *uri, struct strbuf *sb);

#endif
