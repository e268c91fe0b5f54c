/* media/srtp/srtp.h
 *
 * SRTP and SRTCP (RFC 3711, RFC 7714) of one media flow: one master key each way, a few SSRCs each way. Works in place.
 * Two back ends behind this one header: OpenSSL EVP with contexts kept per session (the default), and libsrtp2, whose
 * Debian build is many times slower and serves as the reference that the first is tested against, byte for byte.
 *
 * Owner: the media worker that owns the session. Not thread-safe, no clock. Allocates in srtp_session_new() only;
 * beneath it libsrtp2 allocates once for each new SSRC, and OpenSSL 3.0 a SHA-1 state of 96 bytes for each HMAC (with
 * GCM nothing).
 */
#ifndef MEDIA_SRTP_SRTP_H
#define MEDIA_SRTP_SRTP_H

#include <stddef.h>
#include <stdint.h>

enum {
	SRTP_MASTER_KEY_BYTES = 16,
	SRTP_MASTER_SALT_BYTES = 14, /* RFC 3711 s8.2; the first 12 are used with GCM, RFC 7714 s12 */
	SRTP_TRAILER_MAX = 20,       /* the most that protecting adds: GCM tag 16 and SRTCP index 4 */
	SRTP_SSRC_MAX = 4,           /* streams each way; a peer has no reason to use more */
};

/* Numbers as in the DTLS use_srtp extension: RFC 5764 s4.1.2, RFC 7714 s14.2. SHA1_32 shortens the tag of SRTP, never
 * of SRTCP. */
enum srtp_profile {
	SRTP_PROFILE_NONE = 0,
	SRTP_PROFILE_AES128_CM_SHA1_80 = 0x0001,
	SRTP_PROFILE_AES128_CM_SHA1_32 = 0x0002,
	SRTP_PROFILE_AEAD_AES_128_GCM = 0x0007,
};

enum srtp_backend { SRTP_BACKEND_EVP, SRTP_BACKEND_LIBSRTP };

struct srtp_master {
	uint8_t key[SRTP_MASTER_KEY_BYTES];
	uint8_t salt[SRTP_MASTER_SALT_BYTES];
};

struct srtp_conf {
	enum srtp_profile profile;
	enum srtp_backend backend;
	struct srtp_master tx, rx; /* copied; the caller wipes its own */
};

struct srtp_session;

/* Returns 0, -EINVAL (unknown profile or back end), -ENOMEM or -EIO (the library refused). */
int srtp_session_new(const struct srtp_conf *conf, struct srtp_session **ret_session);

/* Encrypt and authenticate in place. cap: room in the buffer; length + SRTP_TRAILER_MAX always suffices.
 * Returns 0, -EINVAL (not RTP or RTCP), -ENOBUFS, -EALREADY (this sequence number went out before: sending two payloads
 * under one key stream would reveal both), -ENOSPC (too many SSRCs), -EKEYEXPIRED (2^31 RTCP packets), -EIO. The bytes
 * are undefined after -EIO. */
int srtp_session_protect_rtp(struct srtp_session *s, uint8_t *bytes, size_t length, size_t cap, size_t *ret_length);
int srtp_session_protect_rtcp(struct srtp_session *s, uint8_t *bytes, size_t length, size_t cap, size_t *ret_length);

/* Check and decrypt in place. Returns 0, -EPROTO (malformed), -EALREADY (seen before), -ESTALE (older than the replay
 * window), -EBADMSG (authentication failed) or -ENOSPC (an SSRC beyond SRTP_SSRC_MAX). Only a packet that passed
 * changes any state; the bytes are undefined after -EBADMSG. */
int srtp_session_unprotect_rtp(struct srtp_session *s, uint8_t *bytes, size_t length, size_t *ret_length);
int srtp_session_unprotect_rtcp(struct srtp_session *s, uint8_t *bytes, size_t length, size_t *ret_length);

/* Wipes the keys. Accepts NULL; always returns NULL. */
struct srtp_session *srtp_session_free(struct srtp_session *s);

#endif
