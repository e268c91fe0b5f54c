#include "media/rtp/reorder.h"

#include <string.h>

static int ahead_of(uint16_t seq, uint16_t other)
{
	return (int16_t)(uint16_t)(seq - other);
}

static void take(struct reorder *r, const struct reorder_packet *p, uint64_t now_us)
{
	struct reorder_packet out = *p;
	out.lost = r->known ? (unsigned)ahead_of(p->seq, r->next_seq) : 0;
	r->next_seq = (uint16_t)(p->seq + 1);
	r->known = true;
	r->take(r->arg, &out, now_us);
}

static void take_held(struct reorder *r, uint64_t now_us)
{
	if (!r->holds)
		return;
	r->holds = false;
	take(r, &r->held, now_us);
}

/* Against what came before. False: too late to be used. */
static bool in_order(struct reorder *r, uint16_t seq, uint64_t now_us)
{
	if (r->holds && ahead_of(seq, r->held.seq) > 0)
		take_held(r, now_us); /* one packet of patience is enough */
	if (r->known && ahead_of(seq, r->next_seq) < 0) {
		r->late++;
		return false;
	}
	return true;
}

static void release(struct reorder *r, uint64_t now_us)
{
	if (r->holds && r->held.seq == r->next_seq)
		take_held(r, now_us);
}

void reorder_packet(struct reorder *r, const struct reorder_packet *p, bool may_wait, uint64_t now_us)
{
	if (!in_order(r, p->seq, now_us))
		return;
	int ahead = ahead_of(p->seq, r->next_seq);
	if (may_wait && r->known && !r->holds && ahead > 0 && ahead <= REORDER_AHEAD_MAX &&
		p->length <= REORDER_PAYLOAD_MAX) {
		memcpy(r->bytes, p->payload, p->length);
		r->held = *p;
		r->held.payload = r->bytes;
		r->holds = true;
		r->until_us = now_us + REORDER_HOLD_US;
		return;
	}
	take(r, p, now_us);
	release(r, now_us);
}

void reorder_other(struct reorder *r, uint16_t seq, uint64_t now_us)
{
	if (!r->known || !in_order(r, seq, now_us))
		return;
	if (seq == r->next_seq)
		r->next_seq++;
	release(r, now_us);
}

void reorder_tick(struct reorder *r, uint64_t now_us)
{
	if (r->holds && r->until_us <= now_us)
		take_held(r, now_us);
}

uint64_t reorder_deadline(const struct reorder *r)
{
	return r->holds ? r->until_us : UINT64_MAX;
}

void reorder_drop(struct reorder *r)
{
	r->holds = false;
}

void reorder_forget(struct reorder *r)
{
	r->holds = r->known = false;
}

void reorder_init(struct reorder *r, reorder_take take_fn, void *arg)
{
	memset(r, 0, sizeof(*r));
	r->take = take_fn;
	r->arg = arg;
}
