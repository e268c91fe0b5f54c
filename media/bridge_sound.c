/* media/bridge_sound.c
 *
 * Packets are fetched on the grid, so delay goes down by whole frames: one is fetched early (`extra`), and then periods
 * of the voice are taken away until so much is gone, or in a pause all at once.
 *
 *   FIFO  |  to be played now  |   extra   |      <- frame fetched early
 *   FIFO  |  to be played now  |ext|              <- a period taken away, and another ...
 *   FIFO  |  to be played now  |                  <- a frame less of delay
 */
#include "media/bridge_sound.h"

#include "lib/base/pktbuf.h"
#include "media/dsp/level.h"
#include "media/dsp/stretch.h"

#include <string.h>

enum {
	TS_PER_SAMPLE = JBUF_CLOCK_HZ / BRIDGE_RATE_HZ,
	CONCEAL_GRAIN = BRIDGE_RATE_HZ / 400, /* 2.5 ms: libopus conceals in such steps only */
	PULLS_MAX = 64,                       /* of a hostile stream with tiny frames; then silence fills the packet */
	CUT_LEAST_US = 20000,                 /* above what is wanted */
	CUT_PAUSE = 60 * BRIDGE_SAMPLES_PER_MS, /* between two cuts: a sixth faster goes unnoticed */
	CUT_HURRY_US = 60000,                   /* above what is wanted: as fast as it goes */
	CUT_LONGEST = BRIDGE_RATE_HZ / STRETCH_HZ_MIN,
	CUT_PATIENCE = 400 * BRIDGE_SAMPLES_PER_MS, /* then the best there is will do */
};

static int16_t *fifo_end(struct bridge_to_sip *b)
{
	return b->fifo + b->fifo_samples * b->width;
}

static unsigned fifo_room(const struct bridge_to_sip *b)
{
	return BRIDGE_FIFO_SAMPLES - b->fifo_samples;
}

static void add_silence(struct bridge_to_sip *b, unsigned samples)
{
	memset(fifo_end(b), 0, samples * b->width * sizeof(b->fifo[0]));
	b->fifo_samples += samples;
	b->quiet = true;
}

static void conceal(struct bridge_to_sip *b, unsigned samples)
{
	unsigned whole = (samples + CONCEAL_GRAIN - 1) / CONCEAL_GRAIN * CONCEAL_GRAIN;
	bool too_long = b->concealed_run >= BRIDGE_CONCEAL_MAX_MS * BRIDGE_SAMPLES_PER_MS;

	b->concealed_run += samples;
	if (too_long || whole > fifo_room(b) || opus_dec_conceal(b->dec, fifo_end(b), whole * b->width) < 0) {
		add_silence(b, samples);
		return;
	}
	b->quiet = level_is_quiet(fifo_end(b), samples * b->width);
	b->fifo_samples += samples;
}

static void play_missing(struct bridge_to_sip *b, const struct jbuf_out *out, unsigned samples)
{
	const struct pkt *next = out->next;
	uint64_t ms = samples / BRIDGE_SAMPLES_PER_MS;

	if (next && samples && samples % CONCEAL_GRAIN == 0) {
		const uint8_t *bytes = next->data + next->offset;
		if (opus_packet_has_redundancy(bytes, next->length) &&
			opus_dec_fec(b->dec, bytes, next->length, fifo_end(b), samples * b->width) ==
				(int)(samples * b->width)) {
			b->fifo_samples += samples;
			b->fec_ms += ms;
			return;
		}
	}
	b->concealed_ms += ms;
	conceal(b, samples);
}

static void play_packet(struct bridge_to_sip *b, struct jbuf_out *out, unsigned samples)
{
	int n = opus_dec_packet(
		b->dec, out->pkt->data + out->pkt->offset, out->pkt->length, fifo_end(b), fifo_room(b) * b->width);

	out->pkt = pkt_put(b->pool, out->pkt);
	if (n < 0) {
		b->discarded++;
		b->concealed_ms += samples / BRIDGE_SAMPLES_PER_MS;
		conceal(b, samples);
		return;
	}
	b->quiet = level_is_quiet(fifo_end(b), (size_t)n);
	b->fifo_samples += (unsigned)n / b->width;
	b->concealed_run = 0;
}

/* Adds what comes next to the FIFO. Returns false when there is nothing at all. *ret_sound: it was WhatsApp's. */
static bool pull(struct bridge_to_sip *b, uint64_t play_us, bool *ret_sound)
{
	struct jbuf_out out;
	uint64_t extra_us = (uint64_t)b->extra * BRIDGE_SAMPLE_US;
	jbuf_get(b->jb, play_us + (uint64_t)b->fifo_samples * BRIDGE_SAMPLE_US, extra_us, b->quiet, &out);
	/* only a whole frame can be won */
	b->may_hurry = out.kind == JBUF_PACKET && out.above_us >= CUT_LEAST_US &&
		       out.above_us >= (int32_t)(out.duration_ts / TS_PER_SAMPLE * BRIDGE_SAMPLE_US);
	b->above_us = out.above_us;
	unsigned samples = out.duration_ts / TS_PER_SAMPLE;
	switch (out.kind) {
	case JBUF_IDLE: return false;
	case JBUF_PACKET:
		play_packet(b, &out, samples);
		*ret_sound = true;
		break;
	case JBUF_MISSING: play_missing(b, &out, samples); break;
	case JBUF_GAP:
	case JBUF_EMPTY:
	case JBUF_STRETCH: conceal(b, samples); break;
	}
	return true;
}

/* ---- played more quickly ---- */

/* A frame more than is wanted now, if there is one: what is taken away of it has been won. */
static void fetch_early(struct bridge_to_sip *b)
{
	unsigned before = b->fifo_samples;
	bool sound;

	if (!jbuf_is_ready(b->jb) || fifo_room(b) < OPUS_CODEC_PACKET_MAX_MS * BRIDGE_SAMPLES_PER_MS)
		return;
	pull(b, b->next_us, &sound);
	b->extra += b->fifo_samples - before;
}

static size_t least_of(size_t a, size_t b)
{
	return a < b ? a : b;
}

static void cut(struct bridge_to_sip *b, unsigned played)
{
	unsigned least = b->uncut > CUT_PATIENCE ? 0 : STRETCH_LIKENESS_PERCENT;
	size_t count = b->fifo_samples * b->width, most = least_of(b->extra * b->width, count / 2), n;

	if (b->quiet)
		n = stretch_cut_exactly(b->fifo, count, most);
	else
		n = stretch_cut(b->fifo, count, BRIDGE_RATE_HZ * b->width, most, b->width, least);
	n /= b->width;
	b->uncut = n ? 0 : b->uncut + played;
	b->cut_wait = !n || b->quiet || b->above_us > CUT_HURRY_US ? 0 : CUT_PAUSE;
	b->fifo_samples -= (unsigned)n;
	b->extra -= (unsigned)n;
	b->cut_samples += n;
}

/* Packets are fetched on the grid, so that only a whole frame less of them is less delay. What is left of one may be
 * less than a period of the voice, which is then looked for in the next one, too. */
static void play_quickly(struct bridge_to_sip *b, unsigned samples)
{
	b->cut_wait -= samples < b->cut_wait ? samples : b->cut_wait;
	if (b->extra < CUT_LONGEST && b->may_hurry)
		fetch_early(b);
	if (b->extra && !b->cut_wait)
		cut(b, samples);
}

/* ---- entry points ---- */

void bridge_sound_fetch(struct bridge_to_sip *b, unsigned samples, bool *ret_sound)
{
	for (int i = 0; i < PULLS_MAX && b->fifo_samples < samples; i++)
		if (!pull(b, b->next_us, ret_sound))
			break;
	if (b->fifo_samples < samples)
		add_silence(b, samples - b->fifo_samples);
	if (b->extra > b->fifo_samples - samples)
		b->extra = b->fifo_samples - samples; /* nothing was taken away, and now its turn has come */
	play_quickly(b, samples);
}

void bridge_sound_played(struct bridge_to_sip *b, unsigned samples)
{
	b->fifo_samples -= samples;
	memmove(b->fifo, b->fifo + samples * b->width, b->fifo_samples * b->width * sizeof(b->fifo[0]));
}
