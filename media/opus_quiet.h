/* media/opus_quiet.h
 *
 * Silence is coded once. A side on hold, a muted one, an agent that waits, a pause in a sound: they are frames without
 * a sample above the least step of G.711, and Opus packets of them are as good as equal. After QUIET_SETTLE_FRAMES of
 * them the encoder and the listener's decoder have both come to rest (they do in three,
 * tests/unit/media/session/test_opus_quiet.c), and the packet of the last is sent again and again, until a frame is not
 * silent.
 *
 * Nothing is reset then. What the encoder remembers is silence, and so is what the decoder remembers; a SILK packet
 * says its gains, filters and seed by itself (RFC 6716 s4.2.7: first subframes and filters are coded independently in
 * the first frame of a packet), so that the same packet decodes to the same near nothing however often. Packets with
 * redundancy of the frame before are not kept.
 *
 * Embedded in its owner; its thread. Allocates nothing.
 */
#ifndef MEDIA_OPUS_QUIET_H
#define MEDIA_OPUS_QUIET_H

#include "media/codec/opus_codec.h"

enum {
	QUIET_PEAK = 8, /* A-law has no zero: its least value is 8 (ITU-T G.711) */
	QUIET_SETTLE_FRAMES = 10,
	QUIET_SAMPLES_MAX = 320, /* 20 ms at 16 kHz; of longer frames each is coded */
	QUIET_PACKET_MAX = 64,   /* at rest it is some 7 bytes; a longer one is not at rest */
};

struct opus_quiet {
	unsigned silent_frames; /* coded in a row, up to QUIET_SETTLE_FRAMES */
	uint8_t packet[QUIET_PACKET_MAX];
	uint8_t length;   /* 0: nothing is kept */
	uint16_t samples; /* of the frame in it */
	uint64_t saved;   /* frames not coded */
};

/* As opus_enc_frame(). */
int opus_quiet_frame(
	struct opus_quiet *q, struct opus_enc *enc, const int16_t *pcm, size_t samples, uint8_t *dst, size_t cap);
/* Another encoder from now on, or packets went out that it does not know of: it all begins anew. */
void opus_quiet_forget(struct opus_quiet *q);

#endif
