/* media/rtp/reorder.h
 *
 * A reorder window of one packet, for a direction that holds nothing else: a packet after a small hole waits
 * REORDER_HOLD_US at most for the one before it. What comes out is in order; what comes later than that is dropped.
 * Stepped, pure; embedded in its owner.
 */
#ifndef MEDIA_RTP_REORDER_H
#define MEDIA_RTP_REORDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	REORDER_HOLD_US = 15000,
	REORDER_AHEAD_MAX = 3,      /* a larger hole is loss; waiting helps nobody */
	REORDER_PAYLOAD_MAX = 1275, /* one Opus frame (RFC 6716 s3.2.1), 159 ms of G.711; longer ones do not wait */
};

struct reorder_packet {
	uint16_t seq;
	uint32_t ts;
	int kind; /* the owner's */
	const uint8_t *payload;
	size_t length;
	unsigned lost; /* out only: sequence numbers before it that have not come */
};

/* A packet in its turn; borrowed. */
typedef void (*reorder_take)(void *arg, const struct reorder_packet *p, uint64_t now_us);

struct reorder {
	reorder_take take;
	void *arg;
	bool known; /* next_seq means something */
	uint16_t next_seq;
	uint64_t late; /* dropped, for statistics */
	bool holds;
	struct reorder_packet held;
	uint64_t until_us;
	uint8_t bytes[REORDER_PAYLOAD_MAX];
};

void reorder_init(struct reorder *r, reorder_take take, void *arg);
/* One packet, not a duplicate. may_wait: false when nobody minds a hole now. */
void reorder_packet(struct reorder *r, const struct reorder_packet *p, bool may_wait, uint64_t now_us);
/* This sequence number was something else: it is no hole. */
void reorder_other(struct reorder *r, uint16_t seq, uint64_t now_us);
void reorder_tick(struct reorder *r, uint64_t now_us);
uint64_t reorder_deadline(const struct reorder *r); /* UINT64_MAX: nothing waits */
/* The packet that waits is not wanted any more. */
void reorder_drop(struct reorder *r);
/* Another stream begins. */
void reorder_forget(struct reorder *r);

#endif
