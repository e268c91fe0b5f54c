/* b2bua/sip/digest.h
 *
 * Digest authentication of callers, the server's side (RFC 3261 s22, RFC 7616, RFC 8760). Nothing is kept for a
 * challenge: the nonce carries its time and number, signed with a key of this process. Kept is only, for each of the
 * last 4096 nonces, the highest count it was used with. Owner: control thread.
 */
#ifndef B2BUA_SIP_DIGEST_H
#define B2BUA_SIP_DIGEST_H

#include "b2bua/sip/sip.h"

enum {
	DIGEST_NONCE_LIFE_S = 300, /* then stale=true: the client tries again by itself */
	DIGEST_NONCES = 4096,
	DIGEST_HEX_MAX = 65, /* SHA-256 in hex, terminated */
	DIGEST_CHALLENGE_MAX = 1024,
};

enum digest_algorithm { DIGEST_MD5, DIGEST_SHA256, DIGEST_ALGORITHM_COUNT };

/* Parameters of an Authorization header, unquoted; NULL: not there. */
struct digest_credentials {
	const char *username, *realm, *nonce, *uri, *response, *algorithm, *cnonce, *qop, *nc;
};

enum digest_result {
	DIGEST_OK,
	DIGEST_STALE, /* the password is known, the nonce is too old, not ours, or was used with this count: ask again
		       */
	DIGEST_WRONG, /* user, password or form: the caller cannot tell which */
};

struct digest;

/* realm: without quotes and backslashes. Names and what is derived from the passwords are copied, wiped by
 * digest_free(). Returns 0, -EINVAL (an empty name or password, a realm that cannot be quoted) or -ENOMEM. */
int digest_new(const char *realm, const struct sip_user *users, size_t count, struct digest **ret_digest);
struct digest *digest_free(struct digest *d); /* accepts NULL; returns NULL */

/* Asks for and takes nothing but a. Before it: both algorithms, MD5 first. */
void digest_only(struct digest *d, enum digest_algorithm a);

/* "WWW-Authenticate: Digest ...\r\n" of every algorithm that is asked for, with one new nonce. */
void digest_challenge(struct digest *d, uint64_t now_us, bool stale, char dst[DIGEST_CHALLENGE_MAX]);
/* use: a count is good once. Without, only looks. *ret_user: the user's name, as long as d lives, on DIGEST_OK. */
enum digest_result digest_check(struct digest *d, uint64_t now_us, const char *method,
	const struct digest_credentials *c, bool use, const char **ret_user);

/* For digest_check() and tests. H(user:realm:password), and the response of RFC 7616 s3.4.1 to it; qop NULL: that of
 * RFC 2069. dst: DIGEST_HEX_MAX. */
void digest_ha1(enum digest_algorithm a, const char *user, const char *realm, const char *password, char *dst);
void digest_response(
	enum digest_algorithm a, const char *ha1, const char *method, const struct digest_credentials *c, char *dst);

#endif
