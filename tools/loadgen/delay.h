/* tools/loadgen/delay.h
 *
 * Delay of one direction of one call: when did the beginning of a tone burst go in, when did it come out? Both ends are
 * in this process, so one clock serves. What goes in is judged by a decoder of its own with the same detector; so
 * neither the sender's codec nor the detector's own slowness counts, while look-ahead, jitter buffer and waiting in the
 * program under test do.
 */
#ifndef TOOLS_LOADGEN_DELAY_H
#define TOOLS_LOADGEN_DELAY_H

#include "tools/loadgen/samples.h"
#include "tools/metasim/speech.h"

#include <stdint.h>

enum { DELAY_HZ = 8000 };

/* Finds beginnings of loud parts after silence, in 8 kHz samples. Zero-initialised: silence so far unknown. */
struct onset {
	uint16_t ring[16]; /* 2 ms of |sample| */
	unsigned at;
	uint32_t sum;
	unsigned quiet; /* samples since the last loud one */
};
/* The next `count` samples. Returns the index of an onset among them, or -1. At most one in 40 ms is looked for. */
int onset_find(struct onset *o, const int16_t *pcm, size_t count);

/* Where a stream of packets has its onsets: by packet, microseconds from the packet's first sample; -1 none. */
struct delay_marks {
	size_t count;
	int32_t onset_us[];
};
/* signal_bursts() coded as `coding`. Returns 0, -EINVAL (no onset is found in it) or -ENOMEM. */
int delay_marks_of(const struct speech *s, enum speech_coding coding, struct delay_marks **ret_marks);

/* One direction. Zero-initialise, then set the first three. */
struct delay_line {
	const struct delay_marks *marks; /* of what is sent */
	struct opus_dec *dec;            /* of what is heard; NULL: G.711 mu-law. Freed by delay_line_done() */
	struct samples *ms;              /* where delays go */
	struct onset heard;
	uint64_t sent_us; /* beginning of the last burst sent; 0: none, or heard already */
	unsigned missed;  /* bursts that were sent and not heard before the next one */
};
void delay_sent(struct delay_line *d, size_t packet, uint64_t now_us);
void delay_heard(struct delay_line *d, const uint8_t *payload, size_t length, uint64_t now_us);
void delay_line_done(struct delay_line *d);

#endif
