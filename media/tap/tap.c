#include "media/tap/tap.h"

static void update(struct tap *t)
{
	t->active = t->ring || t->copy.on;
}

void tap_record(struct tap *t, struct record_ring *ring, uint64_t from_us)
{
	t->ring = ring;
	t->paused = false;
	t->from_us = from_us;
	record_ring_begin(ring, from_us);
	update(t);
}

void tap_record_pause(struct tap *t, bool paused)
{
	t->paused = paused;
}

void tap_record_stop(struct tap *t, uint64_t now_us)
{
	if (t->ring)
		record_ring_close(t->ring, now_us); /* from here on it is its reader's */
	t->ring = NULL;
	update(t);
}

void tap_copy(struct tap *t, const struct rtp_copy_conf *conf, uint64_t now_us)
{
	rtp_copy_start(&t->copy, conf, now_us);
	update(t);
}

void tap_copy_stop(struct tap *t)
{
	rtp_copy_stop(&t->copy);
	update(t);
}

void tap_done(struct tap *t, uint64_t now_us)
{
	tap_copy_stop(t);
	tap_record_stop(t, now_us);
}

void tap_take(struct tap *t, const struct tap_frame *frame)
{
	if (t->ring && !t->paused && frame->at_us >= t->from_us)
		(void)record_ring_put(t->ring, frame); /* refused: counted there */
	rtp_copy_put(&t->copy, frame);
}
