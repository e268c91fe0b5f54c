/* media/sip_srtp.c
 */
#include "media/sip_srtp.h"

#include "lib/base/crypto.h"
#include "media/srtp/srtp.h"

#include <errno.h>
#include <string.h>

enum { RETRY_US = 100000 };

static const enum srtp_profile profiles[MEDIA_SRTP_SUITES] = {
	[MEDIA_SRTP_SHA1_80] = SRTP_PROFILE_AES128_CM_SHA1_80,
	[MEDIA_SRTP_SHA1_32] = SRTP_PROFILE_AES128_CM_SHA1_32,
};

_Static_assert(SRTP_MASTER_KEY_BYTES + SRTP_MASTER_SALT_BYTES == (int)MEDIA_SRTP_KEY_BYTES, "key and salt");

static void master(const uint8_t key[MEDIA_SRTP_KEY_BYTES], struct srtp_master *ret_master)
{
	memcpy(ret_master->key, key, SRTP_MASTER_KEY_BYTES);
	memcpy(ret_master->salt, key + SRTP_MASTER_KEY_BYTES, SRTP_MASTER_SALT_BYTES);
}

/* For one direction: the other one is never used. */
static int make(enum media_srtp_suite suite, const uint8_t key[MEDIA_SRTP_KEY_BYTES], struct srtp_session **ret_session)
{
	struct srtp_conf conf = {.backend = SRTP_BACKEND_EVP};
	int r;

	if ((unsigned)suite >= MEDIA_SRTP_SUITES)
		return -EINVAL;
	conf.profile = profiles[suite];
	master(key, &conf.tx);
	master(key, &conf.rx);
	r = srtp_session_new(&conf, ret_session);
	crypto_wipe(&conf, sizeof(conf));
	return r;
}

static void end(struct sip_srtp *p)
{
	p->tx = srtp_session_free(p->tx);
	p->rx = srtp_session_free(p->rx);
	p->rx_before = srtp_session_free(p->rx_before);
}

int sip_srtp_set(struct sip_srtp *p, const struct media_sip_srtp *keys)
{
	struct srtp_session *tx = NULL, *rx = NULL;
	bool same_suite = p->tx && keys->suite == p->keys.suite;
	int r = 0;

	if (keys->suite == MEDIA_SRTP_NONE) {
		end(p);
		p->keys = *keys;
		return 0;
	}
	if (!same_suite || memcmp(keys->tx, p->keys.tx, sizeof(keys->tx)) != 0)
		r = make(keys->suite, keys->tx, &tx);
	if (r == 0 && (!same_suite || memcmp(keys->rx, p->keys.rx, sizeof(keys->rx)) != 0))
		r = make(keys->suite, keys->rx, &rx);
	if (r < 0) {
		srtp_session_free(tx);
		srtp_session_free(rx);
		return r;
	}
	if (tx) {
		srtp_session_free(p->tx);
		p->tx = tx;
	}
	if (rx) { /* the peer sends under the old key until it knows that we have the new one */
		srtp_session_free(p->rx_before);
		p->rx_before = p->rx;
		p->rx = rx;
	}
	p->keys = *keys;
	return 0;
}

/* The key stream depends on the SSRC (RFC 3711 s4.1.1): beginning to count anew under another one repeats nothing. */
int sip_srtp_new_line(struct sip_srtp *p)
{
	struct srtp_session *tx;
	int r = p->tx ? make(p->keys.suite, p->keys.tx, &tx) : 0;

	if (!p->tx || r < 0)
		return r;
	srtp_session_free(p->tx);
	p->tx = tx;
	return 0;
}

int sip_srtp_protect(struct sip_srtp *p, bool rtcp, uint8_t *bytes, size_t length, size_t cap, size_t *ret_length)
{
	if (!p->tx) {
		*ret_length = length;
		return 0;
	}
	return rtcp ? srtp_session_protect_rtcp(p->tx, bytes, length, cap, ret_length)
		    : srtp_session_protect_rtp(p->tx, bytes, length, cap, ret_length);
}

static int open_with(struct srtp_session *s, bool rtcp, uint8_t *bytes, size_t length, size_t *ret_length)
{
	return rtcp ? srtp_session_unprotect_rtcp(s, bytes, length, ret_length)
		    : srtp_session_unprotect_rtp(s, bytes, length, ret_length);
}

/* Some PBXs change their SSRC with every announcement. The newest is let in by beginning anew, but only when its packet
 * is genuine, and not at the pace of whoever sends what is not. */
static int open_another_ssrc(
	struct sip_srtp *p, bool rtcp, uint8_t *bytes, size_t length, uint64_t now_us, size_t *ret_length)
{
	struct srtp_session *fresh;
	int r;

	if (now_us < p->retry_us)
		return -ENOSPC;
	p->retry_us = now_us + RETRY_US;
	r = make(p->keys.suite, p->keys.rx, &fresh);
	if (r < 0)
		return r;
	r = open_with(fresh, rtcp, bytes, length, ret_length);
	if (r < 0) {
		srtp_session_free(fresh);
		return r;
	}
	srtp_session_free(p->rx);
	p->rx = fresh;
	return 0;
}

/* Under either of two keys: the bytes of a failed try are lost, so there must be a copy. */
static int open_during_change(struct sip_srtp *p, bool rtcp, uint8_t *bytes, size_t length, size_t *ret_length)
{
	uint8_t copy[SIP_SRTP_PACKET_MAX];
	int r;

	if (length > sizeof(copy))
		return -EPROTO;
	memcpy(copy, bytes, length);
	r = open_with(p->rx, rtcp, bytes, length, ret_length);
	if (r == 0) {
		p->rx_before = srtp_session_free(p->rx_before);
		return 0;
	}
	memcpy(bytes, copy, length);
	return open_with(p->rx_before, rtcp, bytes, length, ret_length);
}

int sip_srtp_unprotect(
	struct sip_srtp *p, bool rtcp, uint8_t *bytes, size_t length, uint64_t now_us, size_t *ret_length)
{
	int r;

	if (!p->rx) {
		*ret_length = length;
		return 0;
	}
	if (p->rx_before)
		return open_during_change(p, rtcp, bytes, length, ret_length);
	r = open_with(p->rx, rtcp, bytes, length, ret_length);
	return r == -ENOSPC ? open_another_ssrc(p, rtcp, bytes, length, now_us, ret_length) : r;
}

void sip_srtp_done(struct sip_srtp *p)
{
	end(p);
	crypto_wipe(p, sizeof(*p));
}
