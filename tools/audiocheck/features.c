/* Sound -> 8 kHz -> short-time spectrum -> band energies in dB, normalised. */
#include "tools/audiocheck/features.h"

#include <complex.h>
#include <errno.h>
#include <math.h>
#include <speex/speex_resampler.h>
#include <stdlib.h>
#include <string.h>

enum {
	WINDOW = 256, /* 32 ms */
	BINS = WINDOW / 2,
	RESAMPLER_QUALITY = 5,
};

static const float SILENCE_DB = -65;      /* quieter than this is silence, whatever else is in the recording */
static const float ACTIVE_RANGE_DB = 32;  /* speech reaches from its peaks this far down */
static const float FEATURE_RANGE_DB = 35; /* in each band; below it are pauses and the codec's own noise */

/* ---- resampling ---- */

static int to_8k(const struct audio_clip *clip, int16_t **ret_samples, size_t *ret_count)
{
	size_t cap = (size_t)((double)clip->count * FEATURE_RATE_HZ / clip->rate_hz) + WINDOW;
	int16_t *out = calloc(cap, sizeof(*out));
	spx_uint32_t in_length = (spx_uint32_t)clip->count, out_length = (spx_uint32_t)cap;
	SpeexResamplerState *rs;
	int error = 0;

	if (!out)
		return -ENOMEM;
	if (clip->rate_hz == FEATURE_RATE_HZ) {
		if (clip->count > 0)
			memcpy(out, clip->samples, clip->count * sizeof(*out));
		*ret_samples = out;
		*ret_count = clip->count;
		return 0;
	}
	rs = speex_resampler_init(1, clip->rate_hz, FEATURE_RATE_HZ, RESAMPLER_QUALITY, &error);
	if (!rs) {
		free(out);
		return -ENOMEM;
	}
	speex_resampler_skip_zeros(rs); /* no delay of its own */
	if (clip->count == 0)
		out_length = 0;
	else
		speex_resampler_process_int(rs, 0, clip->samples, &in_length, out, &out_length);
	speex_resampler_destroy(rs);
	*ret_samples = out;
	*ret_count = out_length;
	return 0;
}

/* ---- spectrum ---- */

struct analyser {
	float window[WINDOW];
	float complex twiddle[WINDOW / 2];
	float weight[FEATURE_BANDS][BINS]; /* triangles that overlap by half */
};

static double mel(double hz)
{
	return 2595 * log10(1 + hz / 700);
}

static double mel_to_hz(double m)
{
	return 700 * (pow(10, m / 2595) - 1);
}

static void analyser_init(struct analyser *a)
{
	double low = mel(250), high = mel(3400);

	memset(a, 0, sizeof(*a));
	for (int i = 0; i < WINDOW; i++)
		a->window[i] = (float)(0.5 - 0.5 * cos(2 * M_PI * (i + 0.5) / WINDOW));
	for (int i = 0; i < WINDOW / 2; i++)
		a->twiddle[i] = (float complex)cexp(-2 * M_PI * I * i / WINDOW);
	for (int b = 0; b < FEATURE_BANDS; b++) {
		double step = (high - low) / (FEATURE_BANDS + 1);
		double left = mel_to_hz(low + step * b), centre = mel_to_hz(low + step * (b + 1)),
		       right = mel_to_hz(low + step * (b + 2));

		for (int k = 1; k < BINS; k++) {
			double hz = (double)k * FEATURE_RATE_HZ / WINDOW;
			double w = hz < centre ? (hz - left) / (centre - left) : (right - hz) / (right - centre);

			a->weight[b][k] = w > 0 ? (float)w : 0;
		}
	}
}

/* In place, radix 2, length WINDOW. */
static void fft(const struct analyser *a, float complex *x)
{
	for (unsigned i = 1, j = 0; i < WINDOW; i++) { /* bit reversal */
		unsigned bit = WINDOW >> 1;

		for (; j & bit; bit >>= 1)
			j ^= bit;
		j ^= bit;
		if (i < j) {
			float complex swap = x[i];

			x[i] = x[j];
			x[j] = swap;
		}
	}
	for (unsigned length = 2; length <= WINDOW; length *= 2) {
		unsigned half = length / 2, stride = WINDOW / length;

		for (unsigned at = 0; at < WINDOW; at += length) {
			for (unsigned k = 0; k < half; k++) {
				float complex u = x[at + k], v = x[at + k + half] * a->twiddle[k * stride];

				x[at + k] = u + v;
				x[at + k + half] = u - v;
			}
		}
	}
}

static float to_db(double power)
{
	return (float)(10 * log10(power + 1e-12));
}

/* The frame that is centred on sample `centre`; outside of the sound is silence. */
static void analyse(const struct analyser *a, const int16_t *samples, size_t count, size_t centre, float *ret_bands,
	float *ret_energy_db)
{
	float complex x[WINDOW];
	float power[BINS];
	double energy = 0;

	for (size_t i = 0; i < WINDOW; i++) {
		size_t at = centre + i; /* shifted by half a window to stay unsigned */

		x[i] = at >= WINDOW / 2 && at - WINDOW / 2 < count
			       ? a->window[i] * (float)samples[at - WINDOW / 2] / 32768.0f
			       : 0;
	}
	fft(a, x);
	for (int k = 0; k < BINS; k++) /* a full-scale square wave has 0 dB */
		power[k] = (crealf(x[k]) * crealf(x[k]) + cimagf(x[k]) * cimagf(x[k])) * 2 / (WINDOW * WINDOW * 0.375f);
	for (int b = 0; b < FEATURE_BANDS; b++) {
		double sum = 0;

		for (int k = 1; k < BINS; k++)
			sum += a->weight[b][k] * power[k];
		ret_bands[b] = to_db(sum);
		energy += sum;
	}
	*ret_energy_db = to_db(energy);
}

/* ---- normalisation ---- */

static int compare_floats(const void *a, const void *b)
{
	float x = *(const float *)a, y = *(const float *)b;

	return (x > y) - (x < y);
}

/* The level that the loudest twentieth of what is not silence exceeds; -INFINITY when all is silence. */
static float loud_level(float *scratch, size_t count, const float *values, size_t stride, float silence)
{
	size_t n = 0;

	for (size_t i = 0; i < count; i++) {
		if (values[i * stride] > silence)
			scratch[n++] = values[i * stride];
	}
	if (n == 0)
		return -INFINITY;
	qsort(scratch, n, sizeof(*scratch), compare_floats);
	return scratch[n * 95 / 100];
}

static void find_active(struct features *f, float *scratch)
{
	float loud = loud_level(scratch, f->frames, f->energy_db, 1, SILENCE_DB);
	float threshold = fmaxf(SILENCE_DB, loud - ACTIVE_RANGE_DB);

	f->first = f->frames;
	for (size_t i = 0; i < f->frames; i++) {
		f->active[i] = f->energy_db[i] > threshold;
		if (f->active[i]) {
			if (f->first == f->frames)
				f->first = i;
			f->end = i + 1;
		}
	}
	if (f->end == 0)
		f->first = 0;
}

static void normalise_band(struct features *f, int b, float *scratch)
{
	float loud = loud_level(scratch, f->frames, &f->band[0][b], FEATURE_BANDS, SILENCE_DB - FEATURE_RANGE_DB);
	float floor_db = loud - FEATURE_RANGE_DB;
	double sum = 0;
	size_t n = 0;

	for (size_t i = 0; i < f->frames; i++) {
		if (f->band[i][b] < floor_db || !isfinite(floor_db))
			f->band[i][b] = isfinite(floor_db) ? floor_db : 0;
		if (f->active[i]) {
			sum += f->band[i][b];
			n++;
		}
	}
	for (size_t i = 0; i < f->frames; i++)
		f->band[i][b] -= n ? (float)(sum / (double)n) : f->band[i][b];
}

/* ---- life ---- */

static int fill(struct features *f, const int16_t *samples, size_t count)
{
	struct analyser *a = malloc(sizeof(*a));
	float *scratch = calloc(f->frames + 1, sizeof(*scratch));

	if (!a || !scratch) {
		free(a);
		free(scratch);
		return -ENOMEM;
	}
	analyser_init(a);
	for (size_t i = 0; i < f->frames; i++)
		analyse(a, samples, count, i * FEATURE_HOP + FEATURE_HOP / 2, f->band[i], &f->energy_db[i]);
	find_active(f, scratch);
	for (int b = 0; b < FEATURE_BANDS; b++)
		normalise_band(f, b, scratch);
	free(a);
	free(scratch);
	return 0;
}

int features_new(const struct audio_clip *clip, struct features **ret_features)
{
	struct features *f;
	int16_t *samples = NULL;
	size_t count = 0;
	int r;

	if (clip->rate_hz < AUDIO_RATE_MIN_HZ || clip->rate_hz > AUDIO_RATE_MAX_HZ)
		return -EINVAL;
	if (clip->count / clip->rate_hz > AUDIO_SECONDS_MAX)
		return -E2BIG;
	f = calloc(1, sizeof(*f));
	if (!f)
		return -ENOMEM;
	r = to_8k(clip, &samples, &count);
	if (r == 0) {
		f->frames = count / FEATURE_HOP;
		f->band = calloc(f->frames + 1, sizeof(*f->band));
		f->energy_db = calloc(f->frames + 1, sizeof(*f->energy_db));
		f->active = calloc(f->frames + 1, sizeof(*f->active));
		r = f->band && f->energy_db && f->active ? fill(f, samples, count) : -ENOMEM;
	}
	free(samples);
	if (r < 0) {
		features_free(f);
		return r;
	}
	*ret_features = f;
	return 0;
}

struct features *features_free(struct features *f)
{
	if (f) {
		free(f->band);
		free(f->energy_db);
		free(f->active);
		free(f);
	}
	return NULL;
}
