/* media/codec/g722.c -- spandsp's */
#include "media/codec/g722.h"

#include <errno.h>
#include <spandsp/telephony.h>
#include <spandsp/g722.h>
#include <stdlib.h>

enum { BITRATE = 64000 };

struct g722_enc {
	g722_encode_state_t *state;
};
struct g722_dec {
	g722_decode_state_t *state;
};

int g722_enc_new(struct g722_enc **ret_enc)
{
	struct g722_enc *e = calloc(1, sizeof(*e));

	if (!e)
		return -ENOMEM;
	e->state = g722_encode_init(NULL, BITRATE, 0);
	if (!e->state) {
		free(e);
		return -ENOMEM;
	}
	*ret_enc = e;
	return 0;
}

int g722_dec_new(uint32_t rate_hz, struct g722_dec **ret_dec)
{
	if (rate_hz != 8000 && rate_hz != 16000)
		return -EINVAL;
	struct g722_dec *d = calloc(1, sizeof(*d));

	if (!d)
		return -ENOMEM;
	d->state = g722_decode_init(NULL, BITRATE, rate_hz == 8000 ? G722_SAMPLE_RATE_8000 : 0);
	if (!d->state) {
		free(d);
		return -ENOMEM;
	}
	*ret_dec = d;
	return 0;
}

void g722_from_pcm(struct g722_enc *e, const int16_t *pcm, size_t count, uint8_t *bytes)
{
	g722_encode(e->state, bytes, pcm, (int)(2 * count));
}

void g722_to_pcm(struct g722_dec *d, const uint8_t *bytes, size_t count, int16_t *pcm)
{
	g722_decode(d->state, pcm, bytes, (int)count);
}

struct g722_enc *g722_enc_free(struct g722_enc *e)
{
	if (e)
		g722_encode_free(e->state);
	free(e);
	return NULL;
}

struct g722_dec *g722_dec_free(struct g722_dec *d)
{
	if (d)
		g722_decode_free(d->state);
	free(d);
	return NULL;
}
