/* media/tap/record_mix.h
 *
 * Frames of two parties, each with its time, to one stream of stereo on one clock: left the WhatsApp user, right the
 * SIP side. What was not said, or came too late, is silence. Pure but for the callback.
 */
#ifndef MEDIA_TAP_RECORD_MIX_H
#define MEDIA_TAP_RECORD_MIX_H

#include "media/tap/place.h"
#include "media/tap/record_ring.h"

enum {
	RECORD_RATE_MAX_HZ = 16000,
	RECORD_MIX_FRAMES = RECORD_RATE_MAX_HZ, /* a second at least */
	RECORD_MIX_HOLD_MS = 250,               /* the other party may come so much later */
};

struct record_mix {
	/* as given */
	uint32_t rate_hz;
	uint64_t start_us;
	uint64_t max_frames; /* UINT64_MAX: none */
	int (*write)(void *arg, const int16_t *stereo, size_t frames);
	void *arg;
	/* ours */
	struct place place[2];
	uint64_t base;                         /* frames written */
	int16_t window[RECORD_MIX_FRAMES * 2]; /* what follows */
};

/* pcm: at rate_hz, at most TAP_FRAME_BYTES_MAX / 2 or 120 ms. Returns 0, 1 (max_frames are written: it is complete) or
 * what write() said. */
int record_mix_put(struct record_mix *m, enum media_side side, const int16_t *pcm, size_t samples, uint64_t at_us);
/* Everything before that time is written. The same returns. */
int record_mix_flush(struct record_mix *m, uint64_t until_us);

#endif
