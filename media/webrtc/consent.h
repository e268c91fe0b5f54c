/* media/webrtc/consent.h
 *
 * Consent freshness (RFC 7675): when to ask the peer whether it still wants our packets, and when its silence means no.
 * Knows time and transaction ids; ice.c makes the messages. A plain value; pure.
 */
#ifndef MEDIA_WEBRTC_CONSENT_H
#define MEDIA_WEBRTC_CONSENT_H

#include "media/webrtc/rng.h"
#include "media/webrtc/stun.h"

#include <stdbool.h>
#include <stdint.h>

enum {
	CONSENT_INTERVAL_MS = 5000, /* RFC 7675 s5.1: each interval times 0.8 to 1.2 at random */
	CONSENT_EXPIRY_MS = 30000,  /* RFC 7675 s5.1: silence this long means stop sending */
	CONSENT_IN_FLIGHT = 8,      /* more than fit into the expiry time */
};

struct consent {
	uint64_t next_us;    /* when to ask next */
	uint64_t expires_us; /* when it ends unless an answer comes */
	struct {
		uint8_t txid[STUN_TXID_BYTES];
		uint64_t sent_us; /* 0: unused */
	} asked[CONSENT_IN_FLIGHT];
	unsigned next_slot;
	double rtt_ms; /* smoothed as in RFC 6298 s2; -1: unknown */
};

/* The pair was nominated: consent is given now. */
void consent_start(struct consent *c, struct rng *rng, uint64_t now_us);
bool consent_is_due(const struct consent *c, uint64_t now_us);
bool consent_has_expired(const struct consent *c, uint64_t now_us);
uint64_t consent_deadline(const struct consent *c);
/* A request is being sent: draws its transaction id and the time of the next. Requests are never repeated: each is new
 * (RFC 7675 s5.1). */
void consent_ask(struct consent *c, struct rng *rng, uint64_t now_us, uint8_t ret_txid[STUN_TXID_BYTES]);
/* An authentic success response came. False: not an answer to one of ours. */
bool consent_answered(struct consent *c, const uint8_t txid[STUN_TXID_BYTES], uint64_t now_us);
/* Authenticated SRTP came from the peer: it is there and wants this call, whether or not it answers checks
 * (docs/adr/0010). */
void consent_heard(struct consent *c, uint64_t now_us);

#endif
