/* media/webrtc/webrtc_end.h
 *
 * The WhatsApp end of a call: demultiplexing (RFC 7983), ICE (RFC 8445), consent (RFC 7675), DTLS 1.2 (RFC 5764) and
 * SRTP on one UDP flow. Stepped: no socket, no clock. Also plays the other side (ice-lite, either DTLS role) for
 * tools/metasim and tests.
 */
#ifndef MEDIA_WEBRTC_WEBRTC_END_H
#define MEDIA_WEBRTC_WEBRTC_END_H

#include "media/media_types.h"
#include "media/srtp/srtp.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct webrtc_end;
struct dtls_ctx; /* media/webrtc/dtls_ctx.h: certificate and SSL_CTX, shared by all sessions of all workers, read-only
		    after creation */

enum webrtc_end_event { WEBRTC_NOMINATED, WEBRTC_DTLS_UP, WEBRTC_FAILED };

/* Called from within start, input, tick and send; must not free the end there. */
struct webrtc_end_io {
	/* to: NULL once a pair is nominated (connected socket). */
	void (*send)(void *arg, const void *bytes, size_t length, const struct addr *to);
	/* Decrypted, authenticated RTP or RTCP, in place in the input buffer. Never before WEBRTC_DTLS_UP. */
	void (*media)(void *arg, uint8_t *bytes, size_t length, bool is_rtcp, uint64_t now_us);
	/* WEBRTC_FAILED is told once; the end then ignores input and sends nothing. remote: the pair's address from
	 * WEBRTC_NOMINATED on, else NULL. failure: only with WEBRTC_FAILED. */
	void (*event)(void *arg, enum webrtc_end_event ev, enum media_failure failure, const struct addr *remote,
		uint64_t now_us);
};

struct webrtc_end_conf {
	struct dtls_ctx *dtls;
	char ufrag[MEDIA_UFRAG_MAX], pwd[MEDIA_PWD_MAX]; /* ours */
	bool ice_lite; /* we answer checks only (metasim). Else: full agent, controlling */
	const struct webrtc_end_io *io;
	void *io_arg;
	uint32_t ice_timeout_ms;        /* 0: 15000 */
	uint64_t random_seed;           /* 0: system randomness */
	bool ipv6;                      /* the socket can reach IPv6: also check such candidates. false: skip them */
	enum srtp_backend srtp_backend; /* 0: OpenSSL EVP */
};

/* Returns 0, -EINVAL (no credentials of our own: ufrag under 4 or pwd under 22 characters, RFC 8445 s5.3) or -ENOMEM.
 */
int webrtc_end_new(const struct webrtc_end_conf *conf, struct webrtc_end **ret_end);
/* Start ICE toward the candidates (ice_lite: wait for checks), then DTLS in the role given. Returns 0, -EINVAL (no
 * usable candidate for a full agent, empty credentials), -EALREADY. */
int webrtc_end_start(struct webrtc_end *e, const struct media_wa_remote *remote, uint64_t now_us);
/* One datagram, overwritten when it is media. from NULL: the connected socket's peer. Anything not authentic is counted
 * and dropped. */
void webrtc_end_input(struct webrtc_end *e, uint8_t *bytes, size_t length, const struct addr *from, uint64_t now_us);
void webrtc_end_tick(struct webrtc_end *e, uint64_t now_us);
/* When to call webrtc_end_tick(); UINT64_MAX: nothing to do. */
uint64_t webrtc_end_deadline(const struct webrtc_end *e);
/* Protect in place and send. cap: room in the buffer, at least length + 32. Returns 0, -ENOTCONN (not up), or what
 * srtp_session_protect_rtp() refused: -ENOBUFS, -EINVAL (not RTP), -EALREADY (sequence number sent before), -ENOSPC
 * (too many SSRCs). */
int webrtc_end_send_rtp(struct webrtc_end *e, uint8_t *bytes, size_t length, size_t cap);
int webrtc_end_send_rtcp(struct webrtc_end *e, uint8_t *bytes, size_t length, size_t cap);
bool webrtc_end_is_up(const struct webrtc_end *e);
double webrtc_end_rtt_ms(const struct webrtc_end *e);     /* of consent checks, -1 unknown */
struct webrtc_end *webrtc_end_free(struct webrtc_end *e); /* sends a DTLS close_notify when up */

#endif
