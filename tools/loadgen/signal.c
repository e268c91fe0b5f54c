/* tools/loadgen/signal.c -- see signal.h */
#include "tools/loadgen/signal.h"

#include <math.h>

static const double two_pi = 6.283185307179586;

void signal_bursts(int16_t *pcm, unsigned rate_hz, unsigned seconds)
{
	const unsigned period = rate_hz * SIGNAL_BURST_PERIOD_MS / 1000, from = rate_hz * SIGNAL_BURST_AT_MS / 1000;
	const unsigned to = from + rate_hz * SIGNAL_BURST_ON_MS / 1000;

	for (unsigned i = 0; i < rate_hz * seconds; i++) {
		unsigned at = i % period;
		double phase = two_pi * SIGNAL_BURST_HZ * (double)at / rate_hz;
		pcm[i] = at >= from && at < to ? (int16_t)(SIGNAL_BURST_PEAK * sin(phase)) : 0;
	}
}

/* One syllable lasts 250 ms; of every six, one is a fricative and one a pause. */
struct voice {
	uint32_t rng;
	double phase; /* of the pitch, in turns */
};

static double noise(struct voice *v)
{
	v->rng = v->rng * 1664525u + 1013904223u;
	return (double)(int32_t)v->rng / 2147483648.0;
}

static double voiced(struct voice *v, double pitch_hz, const double *formants, unsigned rate_hz)
{
	double sum = 0;

	v->phase += pitch_hz / rate_hz;
	v->phase -= floor(v->phase);
	for (int k = 1; k * pitch_hz < 3400; k++) {
		double f = k * pitch_hz, gain = 0;
		for (int i = 0; i < 3; i++) {
			double d = (f - formants[i]) / (80 + 40 * i);
			gain += 1 / ((1 + d * d) * (1 + i));
		}
		sum += gain * sin(two_pi * k * v->phase);
	}
	return sum;
}

void signal_speechlike(int16_t *pcm, unsigned rate_hz, unsigned seconds)
{
	static const double vowels[4][3] = {{730, 1090, 2440}, {270, 2290, 3010}, {300, 870, 2240}, {530, 1840, 2480}};
	struct voice v = {.rng = 1};
	const unsigned syllable = rate_hz / 4;

	for (unsigned i = 0; i < rate_hz * seconds; i++) {
		unsigned n = i / syllable, at = i % syllable;
		double place = (double)at / syllable, envelope = sin(two_pi / 2 * place);
		double x = 0;
		if (n % 6 == 3)
			x = 0.35 * noise(&v);
		else if (n % 6 != 5)
			x = voiced(&v, 110 + 15 * (n % 5) - 20 * place, vowels[n * 7 % 4], rate_hz) + 0.02 * noise(&v);
		pcm[i] = (int16_t)(4500 * envelope * x / 1.5);
	}
}
