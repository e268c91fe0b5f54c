/* tools/loadgen/delay.c -- see delay.h */
#include "tools/loadgen/delay.h"

#include "media/codec/g711.h"
#include "media/codec/opus_codec.h"
#include "tools/loadgen/signal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
	WINDOW = 16,                                  /* 2 ms: two periods of the tone */
	LOUD = SIGNAL_BURST_PEAK * 32 / 100 * WINDOW, /* half of the tone's mean magnitude, 2/pi of its peak */
	QUIET_SAMPLES = DELAY_HZ / 10,                /* a burst begins only after so much without */
	FRAME_MAX = DELAY_HZ * OPUS_CODEC_PACKET_MAX_MS / 1000,
};

int onset_find(struct onset *o, const int16_t *pcm, size_t count)
{
	int found = -1;

	for (size_t i = 0; i < count; i++) {
		uint16_t magnitude = (uint16_t)abs(pcm[i]);
		o->sum += magnitude;
		o->sum -= o->ring[o->at];
		o->ring[o->at] = magnitude;
		o->at = (o->at + 1) % WINDOW;
		if (o->sum < LOUD) {
			o->quiet++;
			continue;
		}
		if (o->quiet >= QUIET_SAMPLES && found < 0)
			found = (int)i;
		o->quiet = 0;
	}
	return found;
}

static size_t decode(struct opus_dec *dec, const uint8_t *payload, size_t length, int16_t pcm[FRAME_MAX])
{
	int n;

	if (!dec) {
		length = length < FRAME_MAX ? length : FRAME_MAX;
		g711_to_pcm(G711_MU, payload, length, pcm);
		return length;
	}
	n = opus_dec_packet(dec, payload, length, pcm, FRAME_MAX);
	return n > 0 ? (size_t)n : 0;
}

static int32_t us_of(int sample)
{
	return sample < 0 ? -1 : sample * (1000000 / DELAY_HZ);
}

/* Decoded twice over: the second time round the codec's state is what it is in the middle of a call. */
int delay_marks_of(const struct speech *s, enum speech_coding coding, struct delay_marks **ret_marks)
{
	struct delay_marks *m = calloc(1, sizeof(*m) + s->count * sizeof(m->onset_us[0]));
	struct opus_dec *dec = NULL;
	struct onset o = {0};
	int16_t pcm[FRAME_MAX];
	int r = m ? 0 : -ENOMEM;
	size_t marks = 0;

	if (r == 0 && coding == SPEECH_OPUS)
		r = opus_dec_new(DELAY_HZ, &dec);
	for (size_t i = 0; r == 0 && i < 2 * s->count; i++) {
		const struct speech_packet *p = &s->packets[i % s->count];
		size_t n = decode(dec, p->bytes, p->length, pcm);
		m->onset_us[i % s->count] = us_of(onset_find(&o, pcm, n));
		marks += i >= s->count && m->onset_us[i % s->count] >= 0;
	}
	opus_dec_free(dec);
	if (r == 0 && !marks)
		r = -EINVAL;
	if (r) {
		free(m);
		return r;
	}
	m->count = s->count;
	*ret_marks = m;
	return 0;
}

void delay_sent(struct delay_line *d, size_t packet, uint64_t now_us)
{
	if (!d->marks || packet >= d->marks->count || d->marks->onset_us[packet] < 0)
		return;
	if (d->sent_us)
		d->missed++;
	d->sent_us = now_us + (uint64_t)d->marks->onset_us[packet];
}

void delay_heard(struct delay_line *d, const uint8_t *payload, size_t length, uint64_t now_us)
{
	int16_t pcm[FRAME_MAX];
	int32_t onset_us;

	if (!d->marks)
		return;
	onset_us = us_of(onset_find(&d->heard, pcm, decode(d->dec, payload, length, pcm)));
	if (onset_us < 0 || !d->sent_us)
		return;
	samples_add(d->ms, ((double)now_us + onset_us - (double)d->sent_us) / 1000);
	d->sent_us = 0;
}

void delay_line_done(struct delay_line *d)
{
	d->dec = opus_dec_free(d->dec);
}
