/* tools/loadgen/ear.c -- see ear.h */
#include "tools/loadgen/ear.h"

#include "media/codec/g711.h"
#include "media/codec/opus_codec.h"
#include "media/rtp/rtp.h"
#include "tools/audiocheck/audio_similarity.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
	HZ = 8000,
	KEPT = EAR_SECONDS * HZ,
	ROOM = 2 * KEPT, /* so that samples are moved only every few seconds */
	FRAME_MAX = HZ * OPUS_CODEC_PACKET_MAX_MS / 1000,
	US_A_SAMPLE = 1000000 / HZ,
	GAP_MAX = HZ, /* a longer hole in the timestamps is another line */
};

/* Stricter than what tells speech from other speech: here the network loses nothing. With a tenth lost it is 0.95, with
 * half of it silence 0.7. */
static const double EAR_LIKE = 0.8;

/* One end. */
struct track {
	struct opus_dec *dec; /* NULL: mu-law */
	unsigned unit;        /* ticks of RTP to a sample */
	bool known;
	uint32_t next_ts;
	uint64_t end_us; /* of the last sample */
	size_t count;
	int16_t pcm[ROOM];
};

struct ear {
	struct track said, heard;
};

static void append(struct track *t, const int16_t *pcm, size_t count)
{
	if (t->count + count > ROOM) {
		memmove(t->pcm, t->pcm + t->count - KEPT, KEPT * sizeof(*pcm));
		t->count = KEPT;
	}
	memcpy(t->pcm + t->count, pcm, count * sizeof(*pcm));
	t->count += count;
}

static void append_silence(struct track *t, size_t count)
{
	static const int16_t zeros[FRAME_MAX];

	for (size_t n; count; count -= n) {
		n = count < FRAME_MAX ? count : FRAME_MAX;
		append(t, zeros, n);
	}
}

/* What cannot be decoded is not heard. */
static size_t take(struct track *t, const uint8_t *payload, size_t length, uint64_t now_us)
{
	int16_t pcm[FRAME_MAX];
	int n = (int)(length < FRAME_MAX ? length : FRAME_MAX);

	if (t->dec)
		n = opus_dec_packet(t->dec, payload, length, pcm, FRAME_MAX);
	else
		g711_to_pcm(G711_MU, payload, (size_t)n, pcm);
	if (n <= 0)
		return 0;
	append(t, pcm, (size_t)n);
	t->end_us = now_us + (uint64_t)n * US_A_SAMPLE;
	return (size_t)n;
}

void ear_said(struct ear *e, const uint8_t *payload, size_t length, uint64_t now_us)
{
	take(&e->said, payload, length, now_us);
}

void ear_heard(struct ear *e, const struct rtp_hdr *hdr, const uint8_t *payload, uint64_t now_us)
{
	struct track *t = &e->heard;
	int32_t gap = t->known ? (int32_t)(hdr->ts - t->next_ts) / (int32_t)t->unit : 0;

	if (gap < 0 && gap > -GAP_MAX)
		return; /* its time is over */
	if (gap > 0 && gap < GAP_MAX)
		append_silence(t, (size_t)gap);
	t->next_ts = hdr->ts + (uint32_t)take(t, payload, hdr->payload_length, now_us) * t->unit;
	t->known = true;
}

static struct audio_clip last_of(const struct track *t)
{
	size_t n = t->count < KEPT ? t->count : KEPT;
	return (struct audio_clip){.samples = t->pcm + t->count - n, .count = n, .rate_hz = HZ};
}

static double begins_ms(const struct track *t, const struct audio_clip *clip)
{
	return ((double)t->end_us - (double)clip->count * US_A_SAMPLE) / 1000;
}

int ear_judge(const struct ear *e, struct ear_verdict *ret_verdict)
{
	const struct audio_clip said = last_of(&e->said), heard = last_of(&e->heard);
	struct audio_similarity s = {0};
	int r;

	if (said.count < EAR_LEAST_MS * HZ / 1000)
		return -ENODATA;
	*ret_verdict = (struct ear_verdict){0};
	if (heard.count < EAR_LEAST_MS * HZ / 1000)
		return 0;
	r = audio_similarity(&said, &heard, &s);
	if (r)
		return r == -EINVAL ? -ENODATA : r; /* half a second of sound at least */
	ret_verdict->likeness = s.score;
	ret_verdict->delay_ms = s.delay_ms + begins_ms(&e->heard, &heard) - begins_ms(&e->said, &said);
	ret_verdict->good =
		s.score >= EAR_LIKE && ret_verdict->delay_ms > -20 && ret_verdict->delay_ms < EAR_DELAY_MAX_MS;
	return 0;
}

int ear_new(enum ear_kind kind, struct ear **ret_ear)
{
	struct ear *e = calloc(1, sizeof(*e));
	struct track *opus;
	int r;

	if (!e)
		return -ENOMEM;
	opus = kind == EAR_TO_AGENT ? &e->said : &e->heard;
	e->said.unit = e->heard.unit = 1;
	opus->unit = OPUS_CODEC_RTP_CLOCK_HZ / HZ;
	r = opus_dec_new(HZ, &opus->dec);
	if (r) {
		ear_free(e);
		return r;
	}
	*ret_ear = e;
	return 0;
}

struct ear *ear_free(struct ear *e)
{
	if (!e)
		return NULL;
	opus_dec_free(e->said.dec);
	opus_dec_free(e->heard.dec);
	free(e);
	return NULL;
}
