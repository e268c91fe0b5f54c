/* tools/metasim/speech.c -- see speech.h */
#include "tools/metasim/speech.h"

#include "media/codec/g711.h"

#include <errno.h>
#include <opus.h>
#include <sndfile.h>
#include <speex/speex_resampler.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	OPUS_HZ = 16000,
	G711_HZ = 8000,
	MAX_SECONDS = 600,
	OPUS_BITRATE = 24000,
	OPUS_COMPLEXITY = 5,
	OPUS_LOSS_PERCENT = 10
};

/* The whole file as mono; malloc'd. */
static int read_wav(
	const char *path, int16_t **ret_pcm, size_t *ret_samples, unsigned *ret_hz, char *why, size_t why_cap)
{
	SF_INFO info = {0};
	SNDFILE *f = sf_open(path, SFM_READ, &info);
	short *frames;
	sf_count_t n;

	if (!f || info.frames <= 0 || info.frames > (sf_count_t)MAX_SECONDS * info.samplerate) {
		snprintf(why, why_cap, "%s: %s", path, f ? "empty, or longer than ten minutes" : sf_strerror(NULL));
		if (f)
			sf_close(f);
		return -EINVAL;
	}
	frames = calloc((size_t)info.frames * (size_t)info.channels, sizeof(*frames));
	if (!frames) {
		sf_close(f);
		return -ENOMEM;
	}
	n = sf_readf_short(f, frames, info.frames);
	for (sf_count_t i = 0; i < n; i++)
		frames[i] = frames[i * info.channels]; /* first channel */
	*ret_pcm = frames;
	*ret_samples = (size_t)n;
	*ret_hz = (unsigned)info.samplerate;
	sf_close(f);
	return 0;
}

static int resample(int16_t **pcm, size_t *samples, unsigned from_hz, unsigned to_hz)
{
	size_t room = (size_t)((double)*samples * to_hz / from_hz) + 64;
	int err = 0;
	SpeexResamplerState *rs;
	int16_t *out;

	if (from_hz == to_hz)
		return 0;
	rs = speex_resampler_init(1, from_hz, to_hz, 8, &err);
	out = calloc(room, sizeof(*out));
	if (!rs || !out) {
		if (rs)
			speex_resampler_destroy(rs);
		free(out);
		return -ENOMEM;
	}
	spx_uint32_t in_n = (spx_uint32_t)*samples, out_n = (spx_uint32_t)room;
	speex_resampler_skip_zeros(rs);
	speex_resampler_process_int(rs, 0, *pcm, &in_n, out, &out_n);
	speex_resampler_destroy(rs);
	free(*pcm);
	*pcm = out;
	*samples = out_n;
	return 0;
}

static int encode_opus(const int16_t *pcm, struct speech *s)
{
	const size_t frame = OPUS_HZ / 50;
	int err = 0;
	OpusEncoder *enc = opus_encoder_create(OPUS_HZ, 1, OPUS_APPLICATION_VOIP, &err);

	if (!enc)
		return -ENOMEM;
	opus_encoder_ctl(enc, OPUS_SET_BITRATE(OPUS_BITRATE));
	opus_encoder_ctl(enc, OPUS_SET_COMPLEXITY(OPUS_COMPLEXITY));
	opus_encoder_ctl(enc, OPUS_SET_INBAND_FEC(1)); /* as Meta's fmtp asks: useinbandfec=1 */
	opus_encoder_ctl(enc, OPUS_SET_PACKET_LOSS_PERC(OPUS_LOSS_PERCENT));
	for (size_t i = 0; i < s->count; i++) {
		opus_int32 n =
			opus_encode(enc, pcm + i * frame, (int)frame, s->packets[i].bytes, sizeof(s->packets[i].bytes));
		s->packets[i].length = n > 0 ? (uint16_t)n : 0;
	}
	opus_encoder_destroy(enc);
	return 0;
}

int speech_encode(
	const int16_t *pcm, size_t samples, unsigned rate_hz, enum speech_coding coding, struct speech **ret_speech)
{
	unsigned want_hz = coding == SPEECH_OPUS ? OPUS_HZ : G711_HZ;
	size_t frame = want_hz / 50;
	int16_t *copy = malloc((samples ? samples : 1) * sizeof(*copy));
	struct speech *s = NULL;
	int r = copy ? 0 : -ENOMEM;

	if (r == 0) {
		memcpy(copy, pcm, samples * sizeof(*copy));
		r = resample(&copy, &samples, rate_hz, want_hz);
	}
	if (r == 0 && samples < frame)
		r = -EINVAL;
	if (r == 0) {
		s = calloc(1, sizeof(*s) + samples / frame * sizeof(s->packets[0]));
		r = s ? 0 : -ENOMEM;
	}
	if (r == 0) {
		s->count = samples / frame;
		if (coding == SPEECH_OPUS)
			r = encode_opus(copy, s);
		for (size_t i = 0; coding != SPEECH_OPUS && i < s->count; i++) {
			g711_from_pcm(
				coding == SPEECH_PCMU ? G711_MU : G711_A, copy + i * frame, frame, s->packets[i].bytes);
			s->packets[i].length = (uint16_t)frame;
		}
	}
	free(copy);
	if (r)
		free(s);
	else
		*ret_speech = s;
	return r;
}

int speech_load(const char *wav_path, enum speech_coding coding, struct speech **ret_speech, char *why, size_t why_cap)
{
	int16_t *pcm;
	size_t samples;
	unsigned hz;
	int r = read_wav(wav_path, &pcm, &samples, &hz, why, why_cap);

	if (r)
		return r;
	r = speech_encode(pcm, samples, hz, coding, ret_speech);
	free(pcm);
	if (r)
		snprintf(why, why_cap, "%s: %s", wav_path, strerror(-r));
	return r;
}

void speech_free(struct speech *s)
{
	free(s);
}

int speech_write_wav(const char *path, const int16_t *pcm, size_t samples, unsigned rate_hz)
{
	SF_INFO info = {.samplerate = (int)rate_hz, .channels = 1, .format = SF_FORMAT_WAV | SF_FORMAT_PCM_16};
	SNDFILE *f = sf_open(path, SFM_WRITE, &info);

	if (!f)
		return -EIO;
	sf_count_t n = sf_writef_short(f, pcm, (sf_count_t)samples);
	sf_close(f);
	return n == (sf_count_t)samples ? 0 : -EIO;
}
