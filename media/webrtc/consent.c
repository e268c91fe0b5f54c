/* media/webrtc/consent.c */
#include "media/webrtc/consent.h"

#include <string.h>

static void schedule(struct consent *c, struct rng *rng, uint64_t now_us)
{
	uint64_t interval_us = CONSENT_INTERVAL_MS * UINT64_C(1000);

	c->next_us = now_us + interval_us * 8 / 10 + rng_below(rng, (uint32_t)(interval_us * 4 / 10));
}

void consent_start(struct consent *c, struct rng *rng, uint64_t now_us)
{
	memset(c, 0, sizeof(*c));
	c->rtt_ms = -1;
	c->expires_us = now_us + CONSENT_EXPIRY_MS * UINT64_C(1000);
	schedule(c, rng, now_us);
}

bool consent_is_due(const struct consent *c, uint64_t now_us)
{
	return now_us >= c->next_us;
}

bool consent_has_expired(const struct consent *c, uint64_t now_us)
{
	return now_us >= c->expires_us;
}

uint64_t consent_deadline(const struct consent *c)
{
	return c->next_us < c->expires_us ? c->next_us : c->expires_us;
}

void consent_ask(struct consent *c, struct rng *rng, uint64_t now_us, uint8_t ret_txid[STUN_TXID_BYTES])
{
	unsigned slot = c->next_slot++ % CONSENT_IN_FLIGHT;

	rng_bytes(rng, c->asked[slot].txid, STUN_TXID_BYTES);
	c->asked[slot].sent_us = now_us;
	memcpy(ret_txid, c->asked[slot].txid, STUN_TXID_BYTES);
	schedule(c, rng, now_us);
}

bool consent_answered(struct consent *c, const uint8_t txid[STUN_TXID_BYTES], uint64_t now_us)
{
	for (unsigned i = 0; i < CONSENT_IN_FLIGHT; i++) {
		double rtt_ms;

		if (c->asked[i].sent_us == 0 || memcmp(c->asked[i].txid, txid, STUN_TXID_BYTES) != 0)
			continue;
		rtt_ms = (double)(now_us - c->asked[i].sent_us) / 1000;
		c->rtt_ms = c->rtt_ms < 0 ? rtt_ms : c->rtt_ms * 7 / 8 + rtt_ms / 8;
		c->expires_us = now_us + CONSENT_EXPIRY_MS * UINT64_C(1000);
		c->asked[i].sent_us = 0;
		return true;
	}
	return false;
}

void consent_heard(struct consent *c, uint64_t now_us)
{
	c->expires_us = now_us + CONSENT_EXPIRY_MS * UINT64_C(1000);
}
