#include "media/dsp/dtmf_ear.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include <spandsp/telephony.h>
#include <spandsp/fast_convert.h>
#include <spandsp/logging.h>
#include <spandsp/queue.h>
#include <spandsp/complex.h>
#include <spandsp/dds.h>
#include <spandsp/tone_detect.h>
#include <spandsp/tone_generate.h>
#include <spandsp/super_tone_rx.h>
#include <spandsp/dtmf.h>

enum {
	PIECE = 40, /* 5 ms: how exactly it is known when a key began */
	SAMPLES_MS = 8,
	LATE_MS = 25, /* two blocks of 102 samples */
};

struct dtmf_ear {
	dtmf_rx_state_t *rx;
	uint64_t clock, began; /* samples */
	char digit;            /* 0: none sounds */
	struct dtmf_heard *heard;
	size_t count;
};

static void note(struct dtmf_ear *e, struct dtmf_heard heard)
{
	if (e->heard && e->count < DTMF_HEARD_MAX)
		e->heard[e->count++] = heard;
}

static struct dtmf_heard ended(struct dtmf_ear *e)
{
	struct dtmf_heard heard = {e->digit, true, (unsigned)((e->clock - e->began) / SAMPLES_MS)};
	e->digit = 0;
	return heard;
}

static void on_change(void *arg, int code, int level, int delay)
{
	struct dtmf_ear *e = arg;
	(void)level, (void)delay;
	if (e->digit)
		note(e, ended(e));
	if (!code)
		return;
	e->digit = (char)code;
	e->began = e->clock;
	note(e, (struct dtmf_heard){.digit = e->digit});
}

static void listen(struct dtmf_ear *e)
{
	dtmf_rx_set_realtime_callback(e->rx, on_change, e);
}

int dtmf_ear_new(struct dtmf_ear **ret_ear)
{
	struct dtmf_ear *e = calloc(1, sizeof(*e));
	if (!e)
		return -ENOMEM;
	e->rx = dtmf_rx_init(NULL, NULL, NULL);
	if (!e->rx) {
		free(e);
		return -ENOMEM;
	}
	listen(e);
	*ret_ear = e;
	return 0;
}

size_t dtmf_ear_hear(
	struct dtmf_ear *e, const int16_t *pcm, size_t samples, struct dtmf_heard ret_heard[DTMF_HEARD_MAX])
{
	e->heard = ret_heard;
	e->count = 0;
	while (samples) {
		size_t n = samples < PIECE ? samples : PIECE;
		e->clock += n;
		dtmf_rx(e->rx, pcm, (int)n);
		pcm += n;
		samples -= n;
	}
	e->heard = NULL;
	return e->count;
}

void dtmf_ear_miss(struct dtmf_ear *e, size_t samples)
{
	e->clock += samples;
	dtmf_rx_fillin(e->rx, (int)samples);
}

size_t dtmf_ear_reset(struct dtmf_ear *e, struct dtmf_heard ret_heard[1])
{
	size_t n = e->digit != 0;
	if (n) {
		ret_heard[0] = ended(e);
		ret_heard[0].duration_ms += LATE_MS; /* its end is known at once, its beginning was not */
	}
	dtmf_rx_init(e->rx, NULL, NULL); /* in place */
	listen(e);
	return n;
}

char dtmf_ear_digit(const struct dtmf_ear *e, unsigned *ret_so_far_ms)
{
	*ret_so_far_ms = e->digit ? (unsigned)((e->clock - e->began) / SAMPLES_MS) : 0;
	return e->digit;
}

bool dtmf_ear_suspects(const struct dtmf_ear *e)
{
	return dtmf_rx_status(e->rx) != 0; /* 'x': one block was a hit */
}

struct dtmf_ear *dtmf_ear_free(struct dtmf_ear *e)
{
	if (!e)
		return NULL;
	dtmf_rx_free(e->rx);
	free(e);
	return NULL;
}
