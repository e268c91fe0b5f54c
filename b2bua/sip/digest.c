/* b2bua/sip/digest.c */
#include "b2bua/sip/digest.h"

#include "b2bua/sip/text.h"
#include "lib/base/crypto.h"
#include "lib/base/str.h"

#include <errno.h>
#include <sofia-sip/su_md5.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	MAC_BYTES = 16,
	NONCE_LENGTH = 8 + 8 + 2 * MAC_BYTES, /* seconds, number, MAC, in hex */
	FIELD_MAX = 512,                      /* longest parameter that is looked at */
};

struct digest_user {
	char *name;
	char ha1[DIGEST_ALGORITHM_COUNT][DIGEST_HEX_MAX];
};

struct digest {
	uint8_t key[32];
	char realm[256];
	struct digest_user *users; /* one more than count: nobody, whose response nobody can know */
	size_t count;
	bool refused[DIGEST_ALGORITHM_COUNT];
	uint32_t issued;
	/* By number modulo size. A number lower than the one here is of a nonce too old to be known. */
	struct {
		uint32_t number, count;
	} used[DIGEST_NONCES];
};

/* ---- hashes ---- */

static void hash_text(enum digest_algorithm a, const char *text, char *dst)
{
	if (a == DIGEST_MD5) {
		su_md5_t md5;
		su_md5_init(&md5);
		su_md5_update(&md5, text, (usize_t)strlen(text));
		su_md5_hexdigest(&md5, dst);
		crypto_wipe(&md5, sizeof(md5));
	} else {
		uint8_t bytes[32];
		crypto_sha256(text, strlen(text), bytes);
		str_hex(dst, bytes, sizeof(bytes));
	}
}

/* Parts joined by ':' . What is too long gives a hash that fits nothing. */
static void hash_parts(enum digest_algorithm a, const char *const *parts, size_t count, char *dst)
{
	char text[6 * FIELD_MAX];
	struct strbuf sb;

	strbuf_init(&sb, text, sizeof(text));
	for (size_t i = 0; i < count; i++) {
		strbuf_put(&sb, i ? ":" : "");
		strbuf_put(&sb, parts[i]);
	}
	hash_text(a, sb.truncated ? "" : text, dst);
	crypto_wipe(text, sizeof(text));
}

void digest_ha1(enum digest_algorithm a, const char *user, const char *realm, const char *password, char *dst)
{
	const char *const parts[] = {user, realm, password};

	hash_parts(a, parts, 3, dst);
}

void digest_response(
	enum digest_algorithm a, const char *ha1, const char *method, const struct digest_credentials *c, char *dst)
{
	char ha2[DIGEST_HEX_MAX];
	const char *const request[] = {method, c->uri};

	hash_parts(a, request, 2, ha2);
	if (c->qop) {
		const char *const parts[] = {ha1, c->nonce, c->nc, c->cnonce, c->qop, ha2};
		hash_parts(a, parts, 6, dst);
	} else {
		const char *const parts[] = {ha1, c->nonce, ha2};
		hash_parts(a, parts, 3, dst);
	}
}

/* ---- nonces ---- */

static void nonce_build(const struct digest *d, uint32_t second, uint32_t number, char dst[NONCE_LENGTH + 1])
{
	uint8_t mac[32];

	(void)snprintf(dst, 17, "%08x%08x", (unsigned)second, (unsigned)number);
	crypto_hmac_sha256(d->key, sizeof(d->key), dst, 16, mac);
	str_hex(dst + 16, mac, MAC_BYTES);
}

static bool nonce_read(const struct digest *d, const char *nonce, uint32_t *ret_second, uint32_t *ret_number)
{
	char own[NONCE_LENGTH + 1];
	uint8_t bytes[8];
	char head[17];

	if (strlen(nonce) != NONCE_LENGTH)
		return false;
	str_copy_n(head, sizeof(head), nonce, 16);
	if (str_unhex(head, bytes, sizeof(bytes)) != 8)
		return false;
	*ret_second = (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
	*ret_number = (uint32_t)bytes[4] << 24 | (uint32_t)bytes[5] << 16 | (uint32_t)bytes[6] << 8 | bytes[7];
	nonce_build(d, *ret_second, *ret_number, own);
	return crypto_equal(own, nonce, NONCE_LENGTH);
}

/* Is this count of this nonce new? */
static bool nonce_use(struct digest *d, uint32_t number, uint32_t count, bool use)
{
	size_t slot = number % DIGEST_NONCES;
	bool first = number > d->used[slot].number;

	if (number < d->used[slot].number || (!first && count <= d->used[slot].count))
		return false;
	if (use) {
		d->used[slot].number = number;
		d->used[slot].count = count;
	}
	return true;
}

void digest_challenge(struct digest *d, uint64_t now_us, bool stale, char dst[DIGEST_CHALLENGE_MAX])
{
	/* MD5 first: much of what registers with a telephone system reads the first challenge only. Who can guess a
	 * password from a recorded response can do so with either hash. */
	static const char *const names[] = {[DIGEST_MD5] = "MD5", [DIGEST_SHA256] = "SHA-256"};
	char nonce[NONCE_LENGTH + 1];
	struct strbuf sb;

	nonce_build(d, (uint32_t)(now_us / 1000000), ++d->issued, nonce);
	strbuf_init(&sb, dst, DIGEST_CHALLENGE_MAX);
	for (size_t a = 0; a < DIGEST_ALGORITHM_COUNT; a++)
		if (!d->refused[a])
			strbuf_printf(&sb,
				"WWW-Authenticate: Digest realm=\"%s\", nonce=\"%s\", algorithm=%s, qop=\"auth\"%s\r\n",
				d->realm, nonce, names[a], stale ? ", stale=true" : "");
}

/* ---- credentials ---- */

static int algorithm_of(const struct digest_credentials *c)
{
	if (!c->algorithm || str_equal_nocase(c->algorithm, "MD5"))
		return DIGEST_MD5;
	return str_equal_nocase(c->algorithm, "SHA-256") ? DIGEST_SHA256 : -1;
}

/* Without qop (RFC 2069) there is no count: such a nonce is good once. */
static int count_of(const struct digest_credentials *c, uint32_t *ret_count)
{
	uint8_t b[4];

	if (!c->qop) {
		*ret_count = UINT32_MAX;
		return 0;
	}
	if (!str_equal_nocase(c->qop, "auth") || !c->nc || !c->cnonce || strlen(c->nc) != 8 ||
		str_unhex(c->nc, b, 4) != 4)
		return -EINVAL;
	*ret_count = (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
	return *ret_count ? 0 : -EINVAL;
}

static bool well_formed(const struct digest *d, const struct digest_credentials *c)
{
	const char *const needed[] = {c->username, c->realm, c->nonce, c->uri, c->response};

	for (size_t i = 0; i < sizeof(needed) / sizeof(needed[0]); i++)
		if (!needed[i] || strlen(needed[i]) >= FIELD_MAX)
			return false;
	if ((c->cnonce && strlen(c->cnonce) >= FIELD_MAX) || (c->qop && strlen(c->qop) >= FIELD_MAX))
		return false;
	return str_equal(c->realm, d->realm);
}

/* Always some user: an unknown name takes the same way as a wrong password. */
static const struct digest_user *user_of(const struct digest *d, const char *name)
{
	const struct digest_user *found = &d->users[d->count];

	for (size_t i = 0; i < d->count; i++)
		if (strcmp(d->users[i].name, name) == 0)
			found = &d->users[i];
	return found;
}

enum digest_result digest_check(struct digest *d, uint64_t now_us, const char *method,
	const struct digest_credentials *c, bool use, const char **ret_user)
{
	const struct digest_user *user;
	char expected[DIGEST_HEX_MAX], given[DIGEST_HEX_MAX] = "";
	uint32_t second, number, count, now_s = (uint32_t)(now_us / 1000000);
	int a = algorithm_of(c);

	if (a < 0 || d->refused[a] || !well_formed(d, c) || count_of(c, &count))
		return DIGEST_WRONG;
	user = user_of(d, c->username);
	digest_response((enum digest_algorithm)a, user->ha1[a], method, c, expected);
	if (str_copy(given, sizeof(given), c->response) || strlen(given) != strlen(expected))
		return DIGEST_WRONG;
	for (char *p = given; *p; p++)
		if (*p >= 'A' && *p <= 'F')
			*p = (char)(*p - 'A' + 'a');
	if (!crypto_equal(given, expected, strlen(expected)) || user == &d->users[d->count])
		return DIGEST_WRONG;
	if (!nonce_read(d, c->nonce, &second, &number) || now_s - second > DIGEST_NONCE_LIFE_S ||
		!nonce_use(d, number, count, use))
		return DIGEST_STALE;
	*ret_user = user->name;
	return DIGEST_OK;
}

/* ---- life ---- */

static int add_user(struct digest *d, struct digest_user *u, const struct sip_user *from)
{
	if (!from->name || !*from->name || !from->password || !*from->password || strlen(from->name) >= FIELD_MAX ||
		strlen(from->password) >= FIELD_MAX)
		return -EINVAL;
	u->name = strdup(from->name);
	if (!u->name)
		return -ENOMEM;
	for (int a = 0; a < DIGEST_ALGORITHM_COUNT; a++)
		digest_ha1((enum digest_algorithm)a, from->name, d->realm, from->password, u->ha1[a]);
	d->count++;
	return 0;
}

int digest_new(const char *realm, const struct sip_user *users, size_t count, struct digest **ret_digest)
{
	struct digest *d = calloc(1, sizeof(*d));
	char random[33] = "";
	int r = 0;

	if (!d)
		return -ENOMEM;
	crypto_random(d->key, sizeof(d->key));
	d->users = calloc(count + 1, sizeof(*d->users));
	if (!d->users)
		r = -ENOMEM;
	else if (!*realm || strpbrk(realm, "\"\\\r\n") || str_copy(d->realm, sizeof(d->realm), realm))
		r = -EINVAL;
	for (size_t i = 0; !r && i < count; i++)
		r = add_user(d, &d->users[i], &users[i]);
	if (r) {
		digest_free(d);
		return r;
	}
	crypto_random_text(random, 32);
	for (int a = 0; a < DIGEST_ALGORITHM_COUNT; a++)
		digest_ha1((enum digest_algorithm)a, "", realm, random, d->users[count].ha1[a]);
	*ret_digest = d;
	return 0;
}

void digest_only(struct digest *d, enum digest_algorithm a)
{
	for (int i = 0; i < DIGEST_ALGORITHM_COUNT; i++)
		d->refused[i] = i != (int)a;
}

struct digest *digest_free(struct digest *d)
{
	if (!d)
		return NULL;
	for (size_t i = 0; d->users && i < d->count; i++)
		free(d->users[i].name);
	if (d->users)
		crypto_wipe(d->users, (d->count + 1) * sizeof(*d->users));
	free(d->users);
	crypto_wipe(d, sizeof(*d));
	free(d);
	return NULL;
}
