/* media/webrtc/dtls.h
 *
 * One DTLS 1.2 handshake that yields SRTP keys (RFC 5764), by OpenSSL, stepped: datagrams and time come in, datagrams
 * go out. The peer is whoever holds the certificate whose SHA-256 fingerprint its SDP named.
 *
 * Memory: OpenSSL's connection is the largest thing a session holds beside the codecs, so it is freed as soon as
 * nothing of it is needed. The client can let go when it is up: the server has all it needs. The server must repeat its
 * last flight should the client miss it, so it holds on until dtls_peer_is_up() or DTLS_LINGER_MS. The record of
 * close_notify is made at that time and kept for dtls_close().
 *
 * Owner: the media worker that owns the session. Allocates; the packet path does not come here.
 */
#ifndef MEDIA_WEBRTC_DTLS_H
#define MEDIA_WEBRTC_DTLS_H

#include "media/media_types.h"
#include "media/srtp/srtp.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct dtls;
struct dtls_ctx;

enum {
	DTLS_RETRY_FIRST_MS = 100, /* RFC 6347 s4.2.4.1 says 1 s and lets real-time applications go lower; that ladder
				      costs seconds of speech */
	DTLS_RETRY_MAX_MS = 1000,  /* doubles up to here */
	DTLS_TIMEOUT_MS = 15000,   /* the whole handshake, waiting for the client's first message included */
	DTLS_LINGER_MS = 5000,     /* server: time to repeat the last flight, from the last message that asked for it */
	DTLS_LINGER_LIMIT_MS = 30000, /* ... but no longer than this after the end of the handshake */
	DTLS_MTU = 1200,              /* below what IPv6, VPNs and mobile networks leave */
};

enum dtls_state { DTLS_HANDSHAKING, DTLS_UP, DTLS_FAILED };

struct dtls_conf {
	struct dtls_ctx *ctx; /* borrowed for the life of the object */
	bool client;
	uint8_t peer_fingerprint[MEDIA_FINGERPRINT_BYTES];
	/* One datagram; borrowed. */
	void (*send)(void *arg, const void *bytes, size_t length);
	void *arg;
};

/* The client sends its first flight at once, the server waits. Returns 0 or -ENOMEM. */
int dtls_new(const struct dtls_conf *conf, uint64_t now_us, struct dtls **ret_dtls);

/* One datagram from the peer. Afterwards look at dtls_state(). */
void dtls_input(struct dtls *d, const void *bytes, size_t length, uint64_t now_us);
void dtls_tick(struct dtls *d, uint64_t now_us);
uint64_t dtls_deadline(const struct dtls *d); /* UINT64_MAX: nothing to do */

enum dtls_state dtls_state(const struct dtls *d);
bool dtls_is_lean(const struct dtls *d); /* has OpenSSL's connection been freed? */

/* DTLS_UP only, once: moves profile and both master keys into conf (backend is left alone) and forgets them. */
void dtls_take_keys(struct dtls *d, struct srtp_conf *conf);

/* The peer has sent something under the new keys: it needs no more of our flights. */
void dtls_peer_is_up(struct dtls *d);

/* Send close_notify if up. */
void dtls_close(struct dtls *d);
struct dtls *dtls_free(struct dtls *d); /* accepts NULL; always returns NULL */

#endif
