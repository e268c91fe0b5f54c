/* media/tap/record_ring.h
 *
 * What was said, on its way from a media worker to the thread that writes it to disk: frames of both parties in a
 * bounded ring of bytes, one for each recording. One thread puts, one thread gets; no lock, no system call, nothing
 * allocated after record_ring_new(). A full ring refuses the frame and counts it: the recording then has silence there,
 * and the call never waits for a disk.
 */
#ifndef MEDIA_TAP_RECORD_RING_H
#define MEDIA_TAP_RECORD_RING_H

#include "lib/sdp/media_desc.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum tap_kind {
	TAP_PCM,  /* int16_t, mono, rate_hz of them a second */
	TAP_OPUS, /* a packet as it came */
};

enum {
	TAP_FRAME_BYTES_MAX = 1920,      /* 60 ms of PCM at 16 kHz; an Opus frame has 1275 at most */
	RECORD_RING_BYTES = 1 << 17,     /* two seconds of both parties at 16 kHz, four at 8 kHz */
	RECORD_RING_BYTES_MIN = 1 << 12, /* for tests */
};

struct tap_frame {
	enum media_side side; /* who said it */
	enum tap_kind kind;
	uint32_t rate_hz; /* TAP_PCM: 8000 or 16000 */
	uint64_t at_us;   /* monotonic time of its first sample */
	const void *bytes;
	size_t length;
};

struct record_ring;

/* bytes: a power of two, at least RECORD_RING_BYTES_MIN. Returns 0, -EINVAL or -ENOMEM. */
int record_ring_new(size_t bytes, struct record_ring **ret_ring);

/* The putting thread. begin: the recording's first moment, once, before anything is put. Returns 0, -ENOSPC (full) or
 * -EMSGSIZE. After close it does not touch the ring any more. */
void record_ring_begin(struct record_ring *ring, uint64_t start_us);
int record_ring_put(struct record_ring *ring, const struct tap_frame *frame);
void record_ring_close(struct record_ring *ring, uint64_t end_us);

/* The getting thread. False: nothing there now. frame->bytes then points into bytes[TAP_FRAME_BYTES_MAX]. */
bool record_ring_get(struct record_ring *ring, struct tap_frame *ret_frame, void *bytes);
uint64_t record_ring_start_us(const struct record_ring *ring); /* 0: not begun */
/* Nothing will be put any more; what is in it can still be got. */
bool record_ring_closed(const struct record_ring *ring, uint64_t *ret_end_us);
uint64_t record_ring_lost(const struct record_ring *ring); /* frames refused */

/* When neither thread uses it any more. Accepts NULL; always returns NULL. */
struct record_ring *record_ring_free(struct record_ring *ring);

#endif
