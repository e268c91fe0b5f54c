/* media/tap/tap.h
 *
 * What the two parties of a call say to each other, seen where it passes: toward a recording's ring, and as an RTP
 * copy. The places where speech passes call tap_pcm() or tap_opus(), which cost a test of one byte when nobody listens.
 * What is played to a party by us, and what it says while muted, does not pass and is not seen.
 *
 *   bridge_to_sip.c   the WhatsApp user, as decoded, on the grid of the SIP side's ptime --+
 *   opus_line.c       the SIP side, slot by slot; Opus that is passed on, either way ------+--> tap --> ring --> disk
 *                                                                                             \--> RTP copy
 *
 * Embedded in the session; its thread. Nothing is allocated, and nothing waits.
 */
#ifndef MEDIA_TAP_TAP_H
#define MEDIA_TAP_TAP_H

#include "media/tap/record_ring.h"
#include "media/tap/rtp_copy.h"

struct tap {
	bool active;              /* somebody listens */
	bool paused;              /* the recording does not */
	struct record_ring *ring; /* NULL: no recording */
	uint64_t from_us;         /* the recording begins */
	struct rtp_copy copy;
};

/* The recording begins at from_us, which may lie ahead. The ring is the tap's until tap_record_stop() closes it. */
void tap_record(struct tap *t, struct record_ring *ring, uint64_t from_us);
void tap_record_pause(struct tap *t, bool paused); /* silence meanwhile: time in the file goes on */
void tap_record_stop(struct tap *t, uint64_t now_us);
void tap_copy(struct tap *t, const struct rtp_copy_conf *conf, uint64_t now_us); /* instead of one before */
void tap_copy_stop(struct tap *t);
void tap_done(struct tap *t, uint64_t now_us);

void tap_take(struct tap *t, const struct tap_frame *frame);

/* t may be NULL. at_us: of the first sample. */
static inline void tap_pcm(
	struct tap *t, enum media_side side, const int16_t *pcm, size_t samples, uint32_t rate_hz, uint64_t at_us)
{
	if (t && t->active)
		tap_take(t, &(struct tap_frame){side, TAP_PCM, rate_hz, at_us, pcm, samples * sizeof(*pcm)});
}

static inline void tap_opus(struct tap *t, enum media_side side, const uint8_t *bytes, size_t length, uint64_t at_us)
{
	if (t && t->active)
		tap_take(t, &(struct tap_frame){side, TAP_OPUS, 0, at_us, bytes, length});
}

#endif
