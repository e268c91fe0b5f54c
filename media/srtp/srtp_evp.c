/* media/srtp/srtp_evp.c
 *
 * SRTP by OpenSSL EVP. What costs time in other back ends is making contexts, expanding keys and fetching algorithms
 * for each packet: here each direction keeps four contexts (RTP and RTCP, cipher and MAC), shared by its SSRCs, because
 * session keys do not depend on the SSRC.
 *
 *   AES-CM   RTP   header | encrypted payload | tag                    tag over header, payload and ROC
 *            RTCP  8 bytes | encrypted rest | E + index | tag          tag over all before it
 *   AES-GCM  RTP   header | encrypted payload | tag                    header is associated data
 *            RTCP  8 bytes | encrypted rest | tag | E + index          8 bytes and E + index are associated data
 */
#include "lib/base/crypto.h"
#include "media/srtp/srtp_inner.h"
#include "media/srtp/srtp_key.h"
#include "media/srtp/srtp_window.h"

#include <errno.h>
#include <openssl/evp.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum {
	SHA1_BLOCK_BYTES = 64,
	SHA1_BYTES = 20,
	GCM_TAG_BYTES = 16,
	GCM_IV_BYTES = 12,
	AUTH_KEY_BYTES = 20,
	RTCP_INDEX_LIMIT = 0x7fffffff, /* RFC 3711 s3.4: 31 bits, then new keys are due */
};
#define RTCP_E_BIT UINT32_C(0x80000000)

/* One session key set: of RTP or of RTCP, in one direction. */
struct channel {
	EVP_CIPHER_CTX *cipher;
	EVP_MD_CTX *inner, *outer; /* SHA-1 that has read the HMAC key's pads (RFC 2104); NULL with GCM */
	EVP_MD_CTX *work;          /* the session's: where they are copied to */
	uint8_t salt[SRTP_MASTER_SALT_BYTES];
	uint8_t tag_bytes;
	bool gcm;
};

struct stream {
	uint32_t ssrc;
	bool used;
	struct srtp_window rtp, rtcp;
	uint32_t rtcp_tx_index; /* last one sent */
};

struct direction {
	struct channel rtp, rtcp;
	struct stream streams[SRTP_SSRC_MAX];
};

struct evp_session {
	struct srtp_session base;
	struct direction tx, rx;
	EVP_MD_CTX *work;
};

static struct evp_session *evp(struct srtp_session *s)
{
	return (struct evp_session *)s;
}

/* The stream of this SSRC, or an unused one (with *ret_new), or NULL when all are taken. */
static struct stream *stream_of(struct direction *d, uint32_t ssrc, bool *ret_new)
{
	struct stream *unused = NULL;

	for (size_t i = 0; i < SRTP_SSRC_MAX; i++) {
		struct stream *st = &d->streams[i];
		if (st->used && st->ssrc == ssrc) {
			*ret_new = false;
			return st;
		}
		if (!st->used && !unused)
			unused = st;
	}
	*ret_new = true;
	return unused;
}

static void stream_take(struct stream *st, uint32_t ssrc)
{
	st->ssrc = ssrc;
	st->used = true;
}

/* RFC 3711 s4.1.1: IV = salt * 2^16 XOR SSRC * 2^64 XOR index * 2^16. */
static void cm_iv(const struct channel *c, uint32_t ssrc, uint64_t index, uint8_t iv[16])
{
	memcpy(iv, c->salt, SRTP_MASTER_SALT_BYTES);
	iv[14] = iv[15] = 0;
	for (int i = 0; i < 4; i++)
		iv[4 + i] ^= (uint8_t)(ssrc >> (24 - 8 * i));
	for (int i = 0; i < 6; i++)
		iv[8 + i] ^= (uint8_t)(index >> (40 - 8 * i));
}

/* RFC 7714 s8.1 (RTP: 0, SSRC, ROC, SEQ) and s9.1 (RTCP: 0, SSRC, 0, index): both are SSRC at byte 2 and a 48-bit index
 * at byte 6. */
static void gcm_iv(const struct channel *c, uint32_t ssrc, uint64_t index, uint8_t iv[GCM_IV_BYTES])
{
	memcpy(iv, c->salt, GCM_IV_BYTES);
	for (int i = 0; i < 4; i++)
		iv[2 + i] ^= (uint8_t)(ssrc >> (24 - 8 * i));
	for (int i = 0; i < 6; i++)
		iv[6 + i] ^= (uint8_t)(index >> (40 - 8 * i));
}

static bool cm_crypt(struct channel *c, uint32_t ssrc, uint64_t index, uint8_t *bytes, size_t length)
{
	uint8_t iv[16];
	int n;

	cm_iv(c, ssrc, index, iv);
	return EVP_EncryptInit_ex(c->cipher, NULL, NULL, NULL, iv) == 1 &&
	       EVP_EncryptUpdate(c->cipher, bytes, &n, bytes, (int)length) == 1;
}

/* HMAC from kept pads. Of the ways that OpenSSL 3.0 offers this is the cheapest: EVP_MAC does the same with more around
 * it, and starting a context over costs two blocks more. In each of them OpenSSL allocates 96 bytes of state anew. */
static bool cm_mac(struct channel *c, const uint8_t *bytes, size_t length, const uint8_t *more, size_t more_length,
	uint8_t mac[SHA1_BYTES])
{
	EVP_MD_CTX *work = c->work;

	return EVP_MD_CTX_copy_ex(work, c->inner) == 1 && EVP_DigestUpdate(work, bytes, length) == 1 &&
	       EVP_DigestUpdate(work, more, more_length) == 1 && EVP_DigestFinal_ex(work, mac, NULL) == 1 &&
	       EVP_MD_CTX_copy_ex(work, c->outer) == 1 && EVP_DigestUpdate(work, mac, SHA1_BYTES) == 1 &&
	       EVP_DigestFinal_ex(work, mac, NULL) == 1;
}

static bool gcm_begin(struct channel *c, const uint8_t *iv, const uint8_t *aad, size_t aad_length, const uint8_t *aad2,
	size_t aad2_length)
{
	int n;

	return EVP_CipherInit_ex(c->cipher, NULL, NULL, NULL, iv, -1) == 1 &&
	       EVP_CipherUpdate(c->cipher, NULL, &n, aad, (int)aad_length) == 1 &&
	       (aad2_length == 0 || EVP_CipherUpdate(c->cipher, NULL, &n, aad2, (int)aad2_length) == 1);
}

/* The tag goes to bytes[length]. */
static bool gcm_seal(struct channel *c, uint8_t *bytes, size_t length)
{
	int n;

	return (length == 0 || EVP_CipherUpdate(c->cipher, bytes, &n, bytes, (int)length) == 1) &&
	       EVP_CipherFinal_ex(c->cipher, bytes + length, &n) == 1 &&
	       EVP_CIPHER_CTX_ctrl(c->cipher, EVP_CTRL_AEAD_GET_TAG, GCM_TAG_BYTES, bytes + length) == 1;
}

static bool gcm_open(struct channel *c, uint8_t *bytes, size_t length)
{
	int n;

	return EVP_CIPHER_CTX_ctrl(c->cipher, EVP_CTRL_AEAD_SET_TAG, GCM_TAG_BYTES, bytes + length) == 1 &&
	       (length == 0 || EVP_CipherUpdate(c->cipher, bytes, &n, bytes, (int)length) == 1) &&
	       EVP_CipherFinal_ex(c->cipher, bytes + length, &n) == 1;
}

static int evp_protect_rtp(struct srtp_session *s, uint8_t *bytes, size_t length, size_t cap, size_t *ret_length)
{
	struct direction *d = &evp(s)->tx;
	struct channel *c = &d->rtp;
	size_t header = srtp_rtp_header_bytes(bytes, length);
	uint32_t ssrc = srtp_get_u32(bytes + 8);
	uint8_t iv[GCM_IV_BYTES], roc[4], mac[SHA1_BYTES];
	struct stream *st;
	uint64_t index;
	bool fresh;
	int r;

	if (cap < length || cap - length < c->tag_bytes)
		return -ENOBUFS;
	st = stream_of(d, ssrc, &fresh);
	if (!st)
		return -ENOSPC;
	index = srtp_window_guess(&st->rtp, (uint16_t)(bytes[2] << 8 | bytes[3]));
	r = srtp_window_check(&st->rtp, index);
	if (r < 0)
		return r;
	if (c->gcm) {
		gcm_iv(c, ssrc, index, iv);
		if (!gcm_begin(c, iv, bytes, header, NULL, 0) || !gcm_seal(c, bytes + header, length - header))
			return -EIO;
	} else {
		srtp_put_u32(roc, (uint32_t)(index >> 16));
		if (!cm_crypt(c, ssrc, index, bytes + header, length - header) ||
			!cm_mac(c, bytes, length, roc, sizeof(roc), mac))
			return -EIO;
		memcpy(bytes + length, mac, c->tag_bytes);
	}
	stream_take(st, ssrc);
	srtp_window_add(&st->rtp, index);
	*ret_length = length + c->tag_bytes;
	return 0;
}

static int evp_unprotect_rtp(struct srtp_session *s, uint8_t *bytes, size_t length, size_t *ret_length)
{
	struct direction *d = &evp(s)->rx;
	struct channel *c = &d->rtp;
	uint8_t iv[GCM_IV_BYTES], roc[4], mac[SHA1_BYTES];
	struct stream *st;
	size_t header;
	uint64_t index;
	uint32_t ssrc;
	bool fresh;
	int r;

	if (length < c->tag_bytes)
		return -EPROTO;
	length -= c->tag_bytes;
	header = srtp_rtp_header_bytes(bytes, length);
	if (header == 0)
		return -EPROTO;
	ssrc = srtp_get_u32(bytes + 8);
	st = stream_of(d, ssrc, &fresh);
	if (!st)
		return -ENOSPC;
	index = srtp_window_guess(&st->rtp, (uint16_t)(bytes[2] << 8 | bytes[3]));
	r = srtp_window_check(&st->rtp, index);
	if (r < 0)
		return r;
	if (c->gcm) {
		gcm_iv(c, ssrc, index, iv);
		if (!gcm_begin(c, iv, bytes, header, NULL, 0) || !gcm_open(c, bytes + header, length - header))
			return -EBADMSG;
	} else {
		srtp_put_u32(roc, (uint32_t)(index >> 16));
		if (!cm_mac(c, bytes, length, roc, sizeof(roc), mac) ||
			!crypto_equal(mac, bytes + length, c->tag_bytes) ||
			!cm_crypt(c, ssrc, index, bytes + header, length - header))
			return -EBADMSG;
	}
	stream_take(st, ssrc);
	srtp_window_add(&st->rtp, index);
	*ret_length = length;
	return 0;
}

static int evp_protect_rtcp(struct srtp_session *s, uint8_t *bytes, size_t length, size_t cap, size_t *ret_length)
{
	struct direction *d = &evp(s)->tx;
	struct channel *c = &d->rtcp;
	uint8_t *body = bytes + SRTP_RTCP_HEADER_BYTES;
	size_t body_length = length - SRTP_RTCP_HEADER_BYTES;
	uint32_t ssrc = srtp_get_u32(bytes + 4), index;
	uint8_t iv[GCM_IV_BYTES], trailer[SRTP_RTCP_INDEX_BYTES], mac[SHA1_BYTES];
	struct stream *st;
	bool fresh;

	if (cap < length || cap - length < c->tag_bytes + sizeof(trailer))
		return -ENOBUFS;
	st = stream_of(d, ssrc, &fresh);
	if (!st)
		return -ENOSPC;
	if (st->rtcp_tx_index == RTCP_INDEX_LIMIT)
		return -EKEYEXPIRED;
	index = st->rtcp_tx_index + 1; /* the first is 1, as libsrtp does; a receiver takes any */
	srtp_put_u32(trailer, index | RTCP_E_BIT);
	if (c->gcm) {
		gcm_iv(c, ssrc, index, iv);
		if (!gcm_begin(c, iv, bytes, SRTP_RTCP_HEADER_BYTES, trailer, sizeof(trailer)) ||
			!gcm_seal(c, body, body_length))
			return -EIO;
		memcpy(bytes + length + GCM_TAG_BYTES, trailer, sizeof(trailer));
	} else {
		if (!cm_crypt(c, ssrc, index, body, body_length) ||
			!cm_mac(c, bytes, length, trailer, sizeof(trailer), mac))
			return -EIO;
		memcpy(bytes + length, trailer, sizeof(trailer));
		memcpy(bytes + length + sizeof(trailer), mac, c->tag_bytes);
	}
	stream_take(st, ssrc);
	st->rtcp_tx_index = index;
	*ret_length = length + sizeof(trailer) + c->tag_bytes;
	return 0;
}

static int evp_unprotect_rtcp(struct srtp_session *s, uint8_t *bytes, size_t length, size_t *ret_length)
{
	struct direction *d = &evp(s)->rx;
	struct channel *c = &d->rtcp;
	uint8_t iv[GCM_IV_BYTES], mac[SHA1_BYTES];
	const uint8_t *trailer;
	uint32_t ssrc, word, index;
	struct stream *st;
	size_t plain;
	bool fresh, ok;
	int r;

	if (length < (size_t)SRTP_RTCP_HEADER_BYTES + SRTP_RTCP_INDEX_BYTES + c->tag_bytes)
		return -EPROTO;
	plain = length - SRTP_RTCP_INDEX_BYTES - c->tag_bytes;
	trailer = bytes + (c->gcm ? plain + c->tag_bytes : plain);
	word = srtp_get_u32(trailer);
	if (!(word & RTCP_E_BIT)) /* both ends have agreed on encryption: RFC 5764 has no UNENCRYPTED_SRTCP */
		return -EPROTO;
	index = word & ~RTCP_E_BIT;
	ssrc = srtp_get_u32(bytes + 4);
	st = stream_of(d, ssrc, &fresh);
	if (!st)
		return -ENOSPC;
	r = srtp_window_check(&st->rtcp, index);
	if (r < 0)
		return r;
	if (c->gcm) {
		gcm_iv(c, ssrc, index, iv);
		ok = gcm_begin(c, iv, bytes, SRTP_RTCP_HEADER_BYTES, trailer, SRTP_RTCP_INDEX_BYTES) &&
		     gcm_open(c, bytes + SRTP_RTCP_HEADER_BYTES, plain - SRTP_RTCP_HEADER_BYTES);
	} else {
		ok = cm_mac(c, bytes, plain, trailer, SRTP_RTCP_INDEX_BYTES, mac) &&
		     crypto_equal(mac, trailer + SRTP_RTCP_INDEX_BYTES, c->tag_bytes) &&
		     cm_crypt(c, ssrc, index, bytes + SRTP_RTCP_HEADER_BYTES, plain - SRTP_RTCP_HEADER_BYTES);
	}
	if (!ok)
		return -EBADMSG;
	stream_take(st, ssrc);
	srtp_window_add(&st->rtcp, index);
	*ret_length = plain;
	return 0;
}

/* A SHA-1 that has read the key, XORed with the mask. */
static int make_pad(const uint8_t auth_key[AUTH_KEY_BYTES], uint8_t mask, EVP_MD_CTX **ret_md)
{
	uint8_t pad[SHA1_BLOCK_BYTES];
	bool ok;

	*ret_md = EVP_MD_CTX_new();
	if (!*ret_md)
		return -ENOMEM;
	memset(pad, mask, sizeof(pad));
	for (size_t i = 0; i < AUTH_KEY_BYTES; i++)
		pad[i] ^= auth_key[i];
	ok = EVP_DigestInit_ex(*ret_md, EVP_sha1(), NULL) == 1 && EVP_DigestUpdate(*ret_md, pad, sizeof(pad)) == 1;
	crypto_wipe(pad, sizeof(pad));
	return ok ? 0 : -EIO;
}

/* labels: 0 for RTP, SRTP_LABEL_RTCP for RTCP. encrypt matters to GCM only: counter mode is its own inverse. */
static int channel_init(
	struct channel *c, const struct srtp_master *master, unsigned labels, size_t tag_bytes, bool gcm, bool encrypt)
{
	uint8_t key[SRTP_MASTER_KEY_BYTES], auth_key[AUTH_KEY_BYTES];
	struct srtp_master m = *master;
	int r = -EIO;

	c->tag_bytes = (uint8_t)tag_bytes;
	c->gcm = gcm;
	if (gcm) /* RFC 7714 s11: the 96-bit master salt is padded with zeros on the right */
		memset(m.salt + GCM_IV_BYTES, 0, SRTP_MASTER_SALT_BYTES - GCM_IV_BYTES);
	c->cipher = EVP_CIPHER_CTX_new();
	if (!c->cipher)
		return -ENOMEM;
	if (srtp_key_derive(&m, labels + SRTP_LABEL_CIPHER, key, sizeof(key)) == 0 &&
		srtp_key_derive(&m, labels + SRTP_LABEL_SALT, c->salt, gcm ? GCM_IV_BYTES : SRTP_MASTER_SALT_BYTES) ==
			0 &&
		srtp_key_derive(&m, labels + SRTP_LABEL_AUTH, auth_key, sizeof(auth_key)) == 0 &&
		EVP_CipherInit_ex(
			c->cipher, gcm ? EVP_aes_128_gcm() : EVP_aes_128_ctr(), NULL, key, NULL, encrypt || !gcm) == 1)
		r = 0;
	if (r == 0 && !gcm)
		r = make_pad(auth_key, 0x36, &c->inner);
	if (r == 0 && !gcm)
		r = make_pad(auth_key, 0x5c, &c->outer);
	crypto_wipe(key, sizeof(key));
	crypto_wipe(auth_key, sizeof(auth_key));
	crypto_wipe(&m, sizeof(m));
	return r;
}

static int direction_init(
	struct direction *d, const struct srtp_conf *conf, const struct srtp_master *master, bool encrypt)
{
	bool gcm = conf->profile == SRTP_PROFILE_AEAD_AES_128_GCM;
	int r = channel_init(&d->rtp, master, 0, srtp_rtp_tag_bytes(conf->profile), gcm, encrypt);

	if (r == 0)
		r = channel_init(&d->rtcp, master, SRTP_LABEL_RTCP, srtp_rtcp_tag_bytes(conf->profile), gcm, encrypt);
	return r;
}

static void channel_done(struct channel *c)
{
	EVP_CIPHER_CTX_free(c->cipher); /* wipes the key schedule */
	EVP_MD_CTX_free(c->inner);
	EVP_MD_CTX_free(c->outer);
}

static void evp_free(struct srtp_session *s)
{
	struct evp_session *e = evp(s);

	channel_done(&e->tx.rtp);
	channel_done(&e->tx.rtcp);
	channel_done(&e->rx.rtp);
	channel_done(&e->rx.rtcp);
	EVP_MD_CTX_free(e->work);
	crypto_wipe(e, sizeof(*e));
	free(e);
}

static const struct srtp_ops evp_ops = {
	.protect_rtp = evp_protect_rtp,
	.protect_rtcp = evp_protect_rtcp,
	.unprotect_rtp = evp_unprotect_rtp,
	.unprotect_rtcp = evp_unprotect_rtcp,
	.free = evp_free,
};

int srtp_evp_new(const struct srtp_conf *conf, struct srtp_session **ret_session)
{
	struct evp_session *e = calloc(1, sizeof(*e));
	int r;

	if (!e)
		return -ENOMEM;
	e->base.ops = &evp_ops;
	e->work = EVP_MD_CTX_new();
	e->tx.rtp.work = e->tx.rtcp.work = e->rx.rtp.work = e->rx.rtcp.work = e->work;
	r = !e->work ? -ENOMEM : direction_init(&e->tx, conf, &conf->tx, true);
	if (r == 0)
		r = direction_init(&e->rx, conf, &conf->rx, false);
	if (r < 0) {
		evp_free(&e->base);
		return r;
	}
	*ret_session = &e->base;
	return 0;
}
