#include "media/tap/recording.h"

#include "lib/base/str.h"
#include "media/codec/opus_codec.h"
#include "media/tap/record_file.h"
#include "media/tap/record_mix.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
	PCM_MAX = OPUS_CODEC_PACKET_MAX_MS * RECORD_RATE_MAX_HZ / 1000,
	DIRECTORY_MAX = 1024,
	UNHEARD_MS = 1000, /* paused from its first moment, or Opus of somebody who is silent */
};

struct recording {
	uint64_t id, max_ms;
	char directory[DIRECTORY_MAX], name[RECORD_PATH_MAX];
	struct record_file_conf file_conf;
	struct record_ring *ring;
	struct record_file *file;
	struct opus_dec *dec[2];
	enum { FRESH, BEGUN, WHOLE } state; /* WHOLE: nothing more is written; ENDED has been told */
	bool mixing;                        /* the rate is known */
	struct record_mix mix;
};

int recording_new(const struct recording_conf *conf, struct recording **ret_recording, struct record_ring **ret_ring)
{
	struct recording *r = calloc(1, sizeof(*r));
	int e;

	if (!r)
		return -ENOMEM;
	e = record_ring_new(RECORD_RING_BYTES, &r->ring);
	if (e == 0 && (str_copy(r->directory, sizeof(r->directory), conf->directory) ||
			      str_copy(r->name, sizeof(r->name), conf->name)))
		e = -ENAMETOOLONG;
	if (e) {
		recording_free(r);
		return e;
	}
	r->id = conf->id;
	r->max_ms = conf->max_ms;
	r->file_conf = (struct record_file_conf){
		.directory = r->directory, .name = r->name, .opus = conf->opus, .max_bytes = conf->max_bytes};
	*ret_recording = r;
	*ret_ring = r->ring;
	return 0;
}

static int write_frames(void *arg, const int16_t *stereo, size_t frames)
{
	struct recording *r = arg;
	return record_file_write(r->file, stereo, frames);
}

static int begin_mix(struct recording *r, uint32_t rate_hz)
{
	struct record_mix *m = &r->mix;

	if (r->mixing)
		return 0;
	m->rate_hz = rate_hz;
	m->start_us = record_ring_start_us(r->ring);
	m->max_frames = r->max_ms ? r->max_ms * rate_hz / 1000 : UINT64_MAX;
	m->write = write_frames;
	m->arg = r;
	r->mixing = true;
	return record_file_begin(r->file, rate_hz);
}

/* ---- frames ---- */

/* The codec has changed in mid-call, and the file's rate cannot. Means: telephone speech has little up there. */
static size_t to_rate(int16_t *pcm, size_t n, uint32_t from_hz, uint32_t to_hz)
{
	if (from_hz == 2 * to_hz) {
		for (size_t i = 0; i < n / 2; i++)
			pcm[i] = (int16_t)((pcm[2 * i] + pcm[2 * i + 1]) / 2);
		return n / 2;
	}
	if (2 * from_hz == to_hz && 2 * n <= PCM_MAX) {
		for (size_t i = n; i-- > 0;) {
			pcm[2 * i + 1] = pcm[i];
			pcm[2 * i] = (int16_t)(i ? (pcm[i] + pcm[i - 1]) / 2 : pcm[i]);
		}
		return 2 * n;
	}
	return n;
}

static int decode(struct recording *r, const struct tap_frame *f, int16_t *pcm, size_t *ret_n)
{
	struct opus_dec **dec = &r->dec[f->side];
	int e = *dec ? 0 : opus_dec_new(r->mix.rate_hz, dec);
	int n = e ? 0 : opus_dec_packet(*dec, f->bytes, f->length, pcm, PCM_MAX);

	*ret_n = n > 0 ? (size_t)n : 0; /* what cannot be decoded is silence */
	return e;
}

static int take(struct recording *r, const struct tap_frame *f)
{
	int16_t pcm[PCM_MAX];
	size_t n = 0;
	int e = begin_mix(r, f->kind == TAP_PCM ? f->rate_hz : RECORD_RATE_MAX_HZ);

	if (e)
		return e;
	if (f->kind == TAP_OPUS) {
		e = decode(r, f, pcm, &n);
	} else {
		n = f->length / sizeof(pcm[0]);
		memcpy(pcm, f->bytes, f->length);
		n = to_rate(pcm, n, f->rate_hz, r->mix.rate_hz);
	}
	return e ? e : n ? record_mix_put(&r->mix, f->side, pcm, n, f->at_us) : 0;
}

/* Nothing has come that would tell the rate: silence is written at the one that loses nothing of what may come, as it
 * passes. An hour of it at once would keep the other recordings waiting. */
static int begin_unheard(struct recording *r, uint64_t until_us)
{
	uint64_t start_us = record_ring_start_us(r->ring);

	if (r->mixing || !start_us || until_us < start_us + UNHEARD_MS * 1000ull)
		return 0;
	return begin_mix(r, RECORD_RATE_MAX_HZ);
}

/* Returns 0 to go on, 1 complete, or a negative errno. */
static int drain(struct recording *r, uint64_t until_us)
{
	uint8_t bytes[TAP_FRAME_BYTES_MAX];
	struct tap_frame f;
	int e = 0;

	while (e == 0 && record_ring_get(r->ring, &f, bytes))
		e = take(r, &f);
	if (e == 0)
		e = begin_unheard(r, until_us);
	return e || !r->mixing ? e : record_mix_flush(&r->mix, until_us);
}

/* ---- steps ---- */

static void describe(const struct recording *r, enum recorder_event_kind kind, struct recorder_event *ev)
{
	memset(ev, 0, sizeof(*ev));
	ev->kind = kind;
	ev->id = r->id;
	ev->lost_frames = record_ring_lost(r->ring);
	if (r->file) {
		(void)str_copy(ev->path, sizeof(ev->path), record_file_name(r->file));
		ev->bytes = record_file_bytes(r->file);
	}
	if (r->mixing)
		ev->length_ms = r->mix.base * 1000 / r->mix.rate_hz;
}

static void end(struct recording *r, int error, struct recorder_event *ev)
{
	bool limit = error == 1 || error == -EFBIG;
	int e = 0;

	if (limit)
		error = 0;
	if (r->file && !r->mixing && !error)
		error = begin_mix(r, RECORD_RATE_MAX_HZ / 2); /* nothing was said: a recording of no length */
	if (r->file)
		e = record_file_finish(r->file);
	describe(r, RECORDER_ENDED, ev);
	ev->error = error ? error : e;
	ev->limit = limit && !ev->error;
	r->file = record_file_free(r->file);
	r->state = WHOLE;
}

static bool begin(struct recording *r, struct recorder_event *ev)
{
	int e = record_file_new(&r->file_conf, &r->file);

	if (e)
		end(r, e, ev);
	else
		describe(r, RECORDER_BEGUN, ev);
	if (!e)
		r->state = BEGUN;
	return true;
}

static void throw_away(struct recording *r)
{
	uint8_t bytes[TAP_FRAME_BYTES_MAX];
	struct tap_frame f;

	while (record_ring_get(r->ring, &f, bytes)) {
	}
}

bool recording_step(struct recording *r, uint64_t now_us, struct recorder_event *ret_event)
{
	uint64_t end_us, hold_us = RECORD_MIX_HOLD_MS * 1000ull;
	/* before the ring is emptied: then all that was put is seen */
	bool closed = record_ring_closed(r->ring, &end_us);
	int e;

	if (r->state == WHOLE) {
		throw_away(r);
		return false;
	}
	if (r->state == FRESH)
		return begin(r, ret_event);
	e = drain(r, closed ? end_us : now_us > hold_us ? now_us - hold_us : 0);
	if (e == 0 && !closed)
		return false;
	end(r, e, ret_event);
	return true;
}

void recording_close(struct recording *r, uint64_t now_us)
{
	uint64_t end_us;
	if (!record_ring_closed(r->ring, &end_us))
		record_ring_close(r->ring, now_us);
}

bool recording_is_over(const struct recording *r)
{
	uint64_t end_us;
	return r->state == WHOLE && record_ring_closed(r->ring, &end_us);
}

struct recording *recording_free(struct recording *r)
{
	if (!r)
		return NULL;
	for (int side = 0; side < 2; side++)
		opus_dec_free(r->dec[side]);
	record_file_free(r->file);
	record_ring_free(r->ring);
	free(r);
	return NULL;
}
