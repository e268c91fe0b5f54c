/* media/opus_line_source.c
 *
 * What comes from the source, onto the line: Opus that fits as it is, everything else by way of PCM.
 */
#include "media/opus_line_inner.h"

#include <string.h>

enum {
	LEAP_SAMPLES = LINE_RATE_HZ, /* timestamps off from arrival by a second: another timeline */
	OPUS_UNIT = OPUS_CODEC_RTP_CLOCK_HZ / LINE_RATE_HZ,
	HALF_SLOT = LINE_SLOT_SAMPLES / 2,
	SAMPLES_MS = LINE_RATE_HZ / 1000,
	LOSS_MAX = 100, /* a hole in the sequence that still is one: RFC 3550 A.1 */
};

static uint64_t silent_after_us(const struct opus_line *b)
{
	/* a peer that sends 60 ms at a time is not silent in between */
	return LINE_SILENT_AFTER_US + b->last_packet_samples * 1000000ull / LINE_RATE_HZ;
}

static void anchor(struct opus_line *b, uint32_t ts, uint64_t now_us)
{
	if (b->filled)
		line_finish_slot(b, now_us);
	b->slot = line_slot_now(b, now_us);
	b->next_ts = ts;
	b->anchored = true;
}

/* A hole in the timestamps: the slot begun is filled up with silence, whole slots are left out. */
static void leave_gap(struct opus_line *b, unsigned samples, uint64_t now_us)
{
	if (b->filled) {
		unsigned rest = LINE_SLOT_SAMPLES - b->filled, pad = samples < rest ? samples : rest;
		memset(line_pcm_end(b), 0, pad * b->width * sizeof(b->pcm[0]));
		b->filled += pad;
		samples -= pad;
		if (b->filled == LINE_SLOT_SAMPLES)
			line_finish_slot(b, now_us);
	}
	if (!b->filled) {
		b->slot += samples / LINE_SLOT_SAMPLES;
		b->filled = samples % LINE_SLOT_SAMPLES;
		memset(b->pcm, 0, b->filled * b->width * sizeof(b->pcm[0]));
	}
}

/* In samples; its timestamps against those expected. */
static int32_t gap_before(const struct opus_line *b, uint32_t ts)
{
	return (int32_t)(ts - b->next_ts) / (int32_t)b->unit;
}

/* least: how far timestamps may step back and still go on. */
static bool leaps(const struct opus_line *b, int32_t gap, int32_t least, uint64_t now_us)
{
	int64_t passed = (int64_t)((now_us - b->last_packet_us) * LINE_RATE_HZ / 1000000);
	int64_t off = (int64_t)gap + b->last_packet_samples - passed;
	return gap < least || off > LEAP_SAMPLES || off < -LEAP_SAMPLES;
}

/* ---- Opus as it is ---- */

/* Whole slots, which the listener has been told to expect, and mono: a phone call has one channel. */
static bool fits(const struct opus_line *b, const struct reorder_packet *p, unsigned samples)
{
	return samples % LINE_SLOT_SAMPLES == 0 && samples <= b->pass_max_ms * (unsigned)SAMPLES_MS &&
	       !opus_packet_is_stereo(p->payload, p->length);
}

static void pass(struct opus_line *b, const struct reorder_packet *p, unsigned samples, uint64_t now_us)
{
	unsigned slots = samples / LINE_SLOT_SAMPLES;
	int32_t gap = gap_before(b, p->ts);

	if (!b->anchored || b->filled || leaps(b, gap, -HALF_SLOT, now_us)) {
		anchor(b, p->ts, now_us);
	} else {
		/* rounded; the rest stays in next_ts */
		unsigned left_out = (unsigned)(gap + HALF_SLOT) / LINE_SLOT_SAMPLES;
		b->slot += left_out;
		b->next_ts += left_out * LINE_SLOT_TS;
		if (b->tell_loss && !b->silent && p->lost < LOSS_MAX)
			b->stream->seq = (uint16_t)(b->stream->seq + p->lost);
	}
	b->silent = false;
	line_pass(b, p->payload, p->length, slots, now_us);
	b->next_ts += slots * LINE_SLOT_TS;
}

/* ---- by way of PCM ---- */

/* To the end of what fills the slot. pcm: of Opus, already decoded. */
static void decode(
	struct opus_line *b, const struct reorder_packet *p, const int16_t *pcm, unsigned from, unsigned samples)
{
	int16_t *to = line_pcm_end(b);

	if (p->kind == LINE_OPUS) {
		memcpy(to, pcm + from * b->width, samples * b->width * sizeof(*pcm));
		return;
	}
	if (p->kind == LINE_G722) {
		g722_to_pcm(b->g722, p->payload + from, samples, to);
		return;
	}
	g711_to_pcm(
		p->kind == LINE_PCMA ? G711_A : G711_MU, p->payload + from, samples, b->width == 2 ? to + samples : to);
	if (b->width == 2)
		sound_widen(to, samples, &b->last_narrow);
}

static void transcode(struct opus_line *b, const struct reorder_packet *p, unsigned samples, uint64_t now_us)
{
	int16_t pcm[OPUS_CODEC_PACKET_MAX_MS * SAMPLES_MS * LINE_WIDTH_MAX];
	int32_t gap = gap_before(b, p->ts);

	if (p->kind == LINE_OPUS &&
		opus_dec_packet(b->dec, p->payload, p->length, pcm, samples * b->width) != (int)(samples * b->width)) {
		b->discarded++;
		return;
	}
	if (!b->anchored || leaps(b, gap, 0, now_us))
		anchor(b, p->ts, now_us);
	else if (gap > 0)
		leave_gap(b, (unsigned)gap, now_us);
	b->silent = false;
	for (unsigned at = 0; at < samples;) {
		unsigned room = LINE_SLOT_SAMPLES - b->filled, n = samples - at < room ? samples - at : room;
		decode(b, p, pcm, at, n);
		b->filled += n;
		at += n;
		if (b->filled == LINE_SLOT_SAMPLES)
			line_finish_slot(b, now_us);
	}
	b->next_ts = p->ts + samples * b->unit;
}

/* ---- both ---- */

static void feed(struct opus_line *b, const struct reorder_packet *p, unsigned samples, uint64_t now_us)
{
	unsigned unit = p->kind == LINE_OPUS ? OPUS_UNIT : 1;

	if (!b->running || line_replaced(b) || tev_tx_active(&b->events)) {
		b->anchored = false;
		return;
	}
	if (unit != b->unit) { /* another clock: nothing follows from its timestamps before */
		b->unit = unit;
		b->anchored = false;
	}
	if (p->kind == LINE_OPUS && fits(b, p, samples))
		pass(b, p, samples, now_us);
	else
		transcode(b, p, samples, now_us);
}

/* In samples; 0: not what it should be, or what a re-INVITE has taken the decoder of. */
static unsigned length_of(const struct opus_line *b, const struct reorder_packet *p)
{
	if (p->kind == LINE_G722 && !b->g722)
		return 0;
	if (p->kind != LINE_OPUS)
		return (unsigned)p->length;
	if (!b->dec || p->length > REORDER_PAYLOAD_MAX || !opus_packet_is_whole(p->payload, p->length))
		return 0;
	int ts = opus_packet_duration_ts(p->payload, p->length);
	return ts > 0 ? (unsigned)ts / OPUS_UNIT : 0;
}

void line_take(void *arg, const struct reorder_packet *p, uint64_t now_us)
{
	struct opus_line *b = arg;
	unsigned samples = length_of(b, p);

	if (!samples) {
		b->discarded++;
		return;
	}
	if (!b->hear || b->hear(b->hear_arg, p, samples, now_us))
		feed(b, p, samples, now_us);
	comfort_noise_stop(&b->noise);
	b->last_packet_us = now_us;
	b->last_packet_samples = samples;
	if (b->running && !line_replaced(b) && !tev_tx_active(&b->events))
		b->fill_us = now_us + silent_after_us(b);
}

void opus_line_packet(struct opus_line *b, const struct rtp_hdr *hdr, enum line_format format, const uint8_t *payload,
	size_t length, uint64_t now_us)
{
	const struct reorder_packet p = {
		.seq = hdr->seq, .ts = hdr->ts, .kind = format, .payload = payload, .length = length};
	if (!length)
		opus_line_other_packet(b, hdr, now_us);
	else
		reorder_packet(&b->reorder, &p, b->anchored, now_us);
}

void opus_line_other_packet(struct opus_line *b, const struct rtp_hdr *hdr, uint64_t now_us)
{
	reorder_other(&b->reorder, hdr->seq, now_us);
}

void opus_line_new_source(struct opus_line *b)
{
	reorder_forget(&b->reorder);
	comfort_noise_stop(&b->noise);
	b->anchored = false;
}

/* Another rate is another encoder, and other decoders. The slot that had been begun is given up. */
static int set_width(struct opus_line *b, unsigned width)
{
	struct opus_enc_conf conf = b->enc_conf;
	struct opus_enc *enc;

	conf.rate_hz = LINE_RATE_HZ * width;
	int r = opus_enc_new(&conf, &enc);
	if (r < 0)
		return r;
	opus_enc_free(b->enc);
	b->enc = enc;
	b->enc_conf = conf;
	opus_quiet_forget(&b->quiet);
	b->width = width;
	b->g722 = g722_dec_free(b->g722);
	b->dec = opus_dec_free(b->dec);
	b->filled = 0;
	reorder_drop(&b->reorder);
	b->anchored = false;
	return 0;
}

int opus_line_set_source(struct opus_line *b, const struct line_source *source)
{
	unsigned width = source->wide ? 2 : 1;
	int r = width != b->width ? set_width(b, width) : 0;

	if (r == 0 && source->g722 && !b->g722)
		r = g722_dec_new(LINE_RATE_HZ * width, &b->g722);
	if (r == 0 && source->opus && !b->dec)
		r = opus_dec_new(LINE_RATE_HZ * width, &b->dec);
	return r;
}
