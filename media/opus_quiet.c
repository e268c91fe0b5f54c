/* media/opus_quiet.c */
#include "media/opus_quiet.h"

#include "lib/base/counter.h"

#include <stdbool.h>
#include <string.h>

/* Speech says so within a few samples. */
static bool is_silent(const int16_t *pcm, size_t samples)
{
	for (size_t i = 0; i < samples; i++)
		if (pcm[i] > QUIET_PEAK || pcm[i] < -QUIET_PEAK)
			return false;
	return true;
}

static void keep(struct opus_quiet *q, const uint8_t *packet, int length)
{
	q->length = 0;
	if (++q->silent_frames < QUIET_SETTLE_FRAMES)
		return;
	q->silent_frames = QUIET_SETTLE_FRAMES;
	if (length <= 0 || length > QUIET_PACKET_MAX || opus_packet_has_redundancy(packet, (size_t)length))
		return;
	memcpy(q->packet, packet, (size_t)length);
	q->length = (uint8_t)length;
}

static int again(struct opus_quiet *q, uint8_t *dst)
{
	memcpy(dst, q->packet, q->length);
	q->saved++;
	counter_inc(CNT_MEDIA_SILENCE_REUSED);
	return q->length;
}

int opus_quiet_frame(
	struct opus_quiet *q, struct opus_enc *enc, const int16_t *pcm, size_t samples, uint8_t *dst, size_t cap)
{
	static const int16_t zeros[QUIET_SAMPLES_MAX]; /* the hiss of G.711's least steps would not come to rest */

	if (samples != q->samples) {
		opus_quiet_forget(q);
		q->samples = (uint16_t)samples;
	}
	if (samples > QUIET_SAMPLES_MAX || !is_silent(pcm, samples)) {
		opus_quiet_forget(q);
		return opus_enc_frame(enc, pcm, samples, dst, cap);
	}
	if (q->length && q->length <= cap)
		return again(q, dst);
	int n = opus_enc_frame(enc, zeros, samples, dst, cap);
	keep(q, dst, n);
	return n;
}

void opus_quiet_forget(struct opus_quiet *q)
{
	q->silent_frames = 0;
	q->length = 0;
}
