/* media/dsp/music.c
 *
 * file --> libsndfile --> mono, float --> speexdsp resampler --> 16 bits at 8 kHz
 */
#include "media/dsp/music.h"

#include "lib/base/str.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <sndfile.h>
#include <speex/speex_resampler.h>

enum {
	RATE_MIN_HZ = 4000,
	RATE_MAX_HZ = 192000,
	CHUNK = 4096, /* frames read at once */
	CHUNK_OUT = CHUNK * (SOUND_RATE_HZ / RATE_MIN_HZ) + 16,
	RESAMPLER_QUALITY = 5,
};

/* A file half read. */
struct reader {
	SNDFILE *file;
	SF_INFO info;
	SpeexResamplerState *resampler;
	float in[CHUNK * 2], out[CHUNK_OUT];
	struct sound sound;
	size_t cap;
};

static int complain(int error, const char *what, char *why, size_t why_cap)
{
	if (why && why_cap)
		str_copy(why, why_cap, what);
	return error;
}

static int check_format(const SF_INFO *info, char *why, size_t why_cap)
{
	if (info->channels < 1 || info->channels > 2)
		return complain(-ENOTSUP, "neither mono nor stereo", why, why_cap);
	if (info->samplerate < RATE_MIN_HZ || info->samplerate > RATE_MAX_HZ)
		return complain(-ENOTSUP, "sample rate not within 4 to 192 kHz", why, why_cap);
	if (info->frames < 1)
		return complain(-EPROTO, "no sound in it", why, why_cap);
	if (info->frames > (sf_count_t)MUSIC_MAX_SECONDS * info->samplerate)
		return complain(-EFBIG, "longer than 10 minutes", why, why_cap);
	return 0;
}

static int open_file(const char *path, SNDFILE **ret_file, SF_INFO *ret_info, char *why, size_t why_cap)
{
	struct stat st;
	int r;

	*ret_file = NULL;
	if (stat(path, &st)) {
		r = -errno;
		return complain(r, strerror(-r), why, why_cap);
	}
	if (!S_ISREG(st.st_mode))
		return complain(-EINVAL, "not a regular file", why, why_cap);
	memset(ret_info, 0, sizeof(*ret_info));
	*ret_file = sf_open(path, SFM_READ, ret_info);
	if (!*ret_file)
		return complain(-EPROTO, sf_strerror(NULL), why, why_cap);
	return check_format(ret_info, why, why_cap);
}

static int16_t clip(float v)
{
	v *= 32768.0f;
	return v >= 32767.0f ? 32767 : v <= -32768.0f ? -32768 : (int16_t)lrintf(v);
}

/* count frames of in[], mono. */
static void resample(struct reader *rd, size_t count)
{
	size_t done = 0;
	while (done < count) {
		spx_uint32_t in = (spx_uint32_t)(count - done), out = CHUNK_OUT;
		if (speex_resampler_process_float(rd->resampler, 0, rd->in + done, &in, rd->out, &out) || (!in && !out))
			return;
		done += in;
		for (size_t i = 0; i < out && rd->sound.samples < rd->cap; i++)
			rd->sound.pcm[rd->sound.samples++] = clip(rd->out[i]);
	}
}

static void read_all(struct reader *rd)
{
	sf_count_t n;
	while ((n = sf_readf_float(rd->file, rd->in, CHUNK)) > 0) {
		for (sf_count_t i = 0; rd->info.channels == 2 && i < n; i++)
			rd->in[i] = (rd->in[2 * i] + rd->in[2 * i + 1]) / 2;
		resample(rd, (size_t)n);
	}
	/* what the filter still holds */
	memset(rd->in, 0, sizeof(rd->in));
	resample(rd, (size_t)speex_resampler_get_input_latency(rd->resampler));
}

static int read_sound(struct reader *rd, char *why, size_t why_cap)
{
	rd->cap = (size_t)(rd->info.frames * SOUND_RATE_HZ / rd->info.samplerate);
	rd->resampler =
		speex_resampler_init(1, (spx_uint32_t)rd->info.samplerate, SOUND_RATE_HZ, RESAMPLER_QUALITY, NULL);
	rd->sound.pcm = malloc((rd->cap ? rd->cap : 1) * sizeof(int16_t));
	if (!rd->resampler || !rd->sound.pcm)
		return complain(-ENOMEM, "out of memory", why, why_cap);
	speex_resampler_skip_zeros(rd->resampler);
	read_all(rd);
	return rd->sound.samples ? 0 : complain(-EPROTO, "no sound in it", why, why_cap);
}

int music_read(const char *path, struct sound *ret_sound, char *why, size_t why_cap)
{
	struct reader *rd = calloc(1, sizeof(*rd));
	int r;

	if (!rd)
		return complain(-ENOMEM, "out of memory", why, why_cap);
	r = open_file(path, &rd->file, &rd->info, why, why_cap);
	if (r == 0)
		r = read_sound(rd, why, why_cap);
	if (r == 0)
		*ret_sound = rd->sound;
	else
		sound_done(&rd->sound);
	if (rd->resampler)
		speex_resampler_destroy(rd->resampler);
	if (rd->file)
		sf_close(rd->file);
	free(rd);
	return r;
}

int music_check(const char *path, char *why, size_t why_cap)
{
	float frame[2];
	SNDFILE *file;
	SF_INFO info;
	int r = open_file(path, &file, &info, why, why_cap);

	if (r == 0 && sf_readf_float(file, frame, 1) != 1)
		r = complain(-EPROTO, "no sound in it", why, why_cap);
	if (file)
		sf_close(file);
	return r;
}

/* ---- ours ---- */

enum { CHORDS = 4, VOICES = 4, CHORD_SAMPLES = 4 * SOUND_RATE_HZ };

/* C major seventh, A minor seventh, D minor seventh, G with a fourth: equal temperament, A4 = 440 Hz. */
static const float chords_hz[CHORDS][VOICES] = {
	{261.63f, 329.63f, 392.00f, 493.88f},
	{220.00f, 329.63f, 392.00f, 523.25f},
	{293.66f, 349.23f, 440.00f, 523.25f},
	{246.94f, 349.23f, 392.00f, 523.25f},
};

/* A tone turned by a fixed angle a sample, so that a sine is needed only at its start. */
static void add_voice(int16_t *pcm, float hz, float peak)
{
	const double angle = 2.0 * 3.14159265358979 * (double)hz / SOUND_RATE_HZ, turn = 2.0 * cos(angle);
	double before = -sin(angle), now = 0.0;
	for (int i = 0; i < CHORD_SAMPLES; i++) {
		/* swells and fades: zero at both ends, so chords join without a click */
		double x = (double)i / CHORD_SAMPLES, swell = 4.0 * x * (1.0 - x), next = turn * now - before;
		pcm[i] = (int16_t)(pcm[i] + lrint((double)peak * swell * now));
		before = now;
		now = next;
	}
}

int music_chords(struct sound *ret_sound)
{
	int16_t *pcm = calloc(CHORDS * CHORD_SAMPLES, sizeof(*pcm));
	if (!pcm)
		return -ENOMEM;
	for (int chord = 0; chord < CHORDS; chord++)
		for (int voice = 0; voice < VOICES; voice++)
			add_voice(pcm + chord * CHORD_SAMPLES, chords_hz[chord][voice], 1300.0f);
	*ret_sound = (struct sound){pcm, CHORDS * CHORD_SAMPLES};
	return 0;
}
