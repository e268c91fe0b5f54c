#include "media/dsp/stretch.h"

#include <string.h>

/* Correlation of two pieces, squared with its sign, in parts of a hundred squared: no root on the packet path. Every
 * second sample will do to find a period. */
static double likeness(const int16_t *x, const int16_t *y, size_t count)
{
	int64_t xy = 0, xx = 1, yy = 1;
	for (size_t i = 0; i < count; i += 2) {
		xy += (int32_t)(x[i] * y[i]);
		xx += (int32_t)(x[i] * x[i]);
		yy += (int32_t)(y[i] * y[i]);
	}
	double squared = (double)xy * (double)xy / ((double)xx * (double)yy) * 1e4;
	return xy < 0 ? -squared : squared;
}

size_t stretch_cut_exactly(int16_t *pcm, size_t count, size_t samples)
{
	if (!samples || count / 2 < samples)
		return 0;
	for (size_t i = 0; i < samples; i++) {
		int64_t mixed = (int64_t)pcm[i] * (int64_t)(samples - i) + (int64_t)pcm[samples + i] * (int64_t)i;
		pcm[samples + i] = (int16_t)(mixed / (int64_t)samples);
	}
	memmove(pcm, pcm + samples, (count - samples) * sizeof(*pcm));
	return samples;
}

size_t stretch_cut(int16_t *pcm, size_t count, unsigned rate_hz, size_t most, unsigned step, unsigned least_percent)
{
	size_t longest = rate_hz / STRETCH_HZ_MIN, shortest = rate_hz / STRETCH_HZ_MAX, best = 0;
	double best_likeness = least_percent ? (double)(least_percent * least_percent) : -1e9;

	if (longest > most)
		longest = most;
	if (longest > count / 2)
		longest = count / 2;
	for (size_t period = shortest; period <= longest; period += step) {
		/* of short periods several are compared: two halves of one are alike in places */
		size_t over = period < 2 * shortest && count >= period + 2 * shortest ? 2 * shortest : period;
		double like = likeness(pcm, pcm + period, over);
		if (like > best_likeness) {
			best_likeness = like;
			best = period;
		}
	}
	return stretch_cut_exactly(pcm, count, best);
}
