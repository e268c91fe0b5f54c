#include "tests/support/media/spectral.h"

#include <math.h>
#include <string.h>

enum { RATE_HZ = 8000, LOW_HZ = 150, HIGH_HZ = 3500 };

static const double pi = 3.14159265358979;
static const double floor_power = 1e-5; /* -50 dB of full scale: below, nobody hears a difference */

static double mel(double hz)
{
	return 2595.0 * log10(1.0 + hz / 700.0);
}

static double hz(double m)
{
	return 700.0 * (pow(10.0, m / 2595.0) - 1.0);
}

/* Two Goertzel filters share a band. */
enum { FILTERS = 2 * SPECTRAL_BANDS };
static float coefficient[FILTERS], window[SPECTRAL_WINDOW];

static void make_tables(void)
{
	if (window[SPECTRAL_WINDOW / 2] > 0)
		return;
	for (int i = 0; i < SPECTRAL_WINDOW; i++)
		window[i] = (float)(0.5 - 0.5 * cos(2.0 * pi * (i + 0.5) / SPECTRAL_WINDOW)) / 32768.0f;
	for (int i = 0; i < FILTERS; i++) {
		double m = mel(LOW_HZ) + (mel(HIGH_HZ) - mel(LOW_HZ)) * i / (FILTERS - 1);
		coefficient[i] = (float)(2.0 * cos(2.0 * pi * hz(m) / RATE_HZ));
	}
}

static void levels(const int16_t *pcm, float *db)
{
	float a[FILTERS] = {0}, b[FILTERS] = {0};
	for (int i = 0; i < SPECTRAL_WINDOW; i++) {
		float x = (float)pcm[i] * window[i];
		for (int f = 0; f < FILTERS; f++) {
			float next = x + coefficient[f] * a[f] - b[f];
			b[f] = a[f];
			a[f] = next;
		}
	}
	for (int band = 0; band < SPECTRAL_BANDS; band++) {
		double power = 0;
		for (int f = 2 * band; f < 2 * band + 2; f++)
			power += (double)(a[f] * a[f] + b[f] * b[f] - coefficient[f] * a[f] * b[f]);
		db[band] = (float)(10.0 * log10(power / SPECTRAL_WINDOW + floor_power));
	}
}

/* Takes samples until a frame is full; returns how many it took. */
static size_t take(struct spectral_frames *in, const int16_t *pcm, size_t samples, float *db, int *ret_full)
{
	size_t n = SPECTRAL_WINDOW - in->samples;
	if (n > samples)
		n = samples;
	memcpy(in->pcm + in->samples, pcm, n * sizeof(*pcm));
	in->samples += n;
	*ret_full = in->samples == SPECTRAL_WINDOW;
	if (!*ret_full)
		return n;
	make_tables();
	levels(in->pcm, db);
	in->samples -= SPECTRAL_HOP;
	memmove(in->pcm, in->pcm + SPECTRAL_HOP, in->samples * sizeof(*pcm));
	return n;
}

void spectral_learn(struct spectral_clean *c, const int16_t *pcm, size_t samples)
{
	int full;
	while (samples && c->frames < SPECTRAL_LOOP) {
		size_t n = take(&c->in, pcm, samples, c->db[c->frames], &full);
		c->frames += (size_t)full;
		pcm += n;
		samples -= n;
	}
}

static double difference(const float *x, const float *y)
{
	double sum = 0;
	for (int band = 0; band < SPECTRAL_BANDS; band++)
		sum += (double)((x[band] - y[band]) * (x[band] - y[band]));
	return sqrt(sum / SPECTRAL_BANDS);
}

/* Of frame i of the block to the clean result, so much later. */
static double frame_distance(const struct spectral *s, size_t i, int lag)
{
	size_t at = s->frames - SPECTRAL_BLOCK + SPECTRAL_LOOP + i - (size_t)lag;
	return difference(s->db[i], s->clean->db[at % SPECTRAL_LOOP]);
}

static int best_lag(const struct spectral *s)
{
	double least = 1e9;
	int best = 0;
	for (int lag = SPECTRAL_LAG_MIN; lag <= SPECTRAL_LAG_MAX; lag++) {
		double sum = 0;
		for (size_t i = 0; i < SPECTRAL_BLOCK && sum < least; i += 2)
			sum += frame_distance(s, i, lag);
		if (sum < least) {
			least = sum;
			best = lag;
		}
	}
	return best;
}

static void lay_over(struct spectral *s)
{
	int lag = best_lag(s);
	double sum = 0;
	for (size_t i = 0; i < SPECTRAL_BLOCK; i++) {
		double least = 1e9;
		for (int beside = -SPECTRAL_BESIDE; beside <= SPECTRAL_BESIDE; beside++) {
			double d = frame_distance(s, i, lag + beside);
			least = d < least ? d : least;
		}
		sum += least;
	}
	s->sum_db += sum / SPECTRAL_BLOCK;
	s->blocks++;
}

void spectral_hear(struct spectral *s, const int16_t *pcm, size_t samples)
{
	int full;
	while (samples) {
		size_t n = take(&s->in, pcm, samples, s->db[s->frames % SPECTRAL_BLOCK], &full);
		pcm += n;
		samples -= n;
		if (full && ++s->frames % SPECTRAL_BLOCK == 0)
			lay_over(s);
	}
}

double spectral_distance_db(const struct spectral *s)
{
	return s->blocks ? s->sum_db / (double)s->blocks : -1.0;
}
