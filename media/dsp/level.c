#include "media/dsp/level.h"

#include <math.h>

enum { QUIET_MEAN_SQUARE = 33954 }; /* 32768^2 * 10^-4.5 */

static uint64_t sum_of_squares(const int16_t *pcm, size_t samples)
{
	uint64_t sum = 0;
	for (size_t i = 0; i < samples; i++)
		sum += (uint64_t)((int32_t)pcm[i] * pcm[i]);
	return sum;
}

double level_dbov(const int16_t *pcm, size_t samples)
{
	uint64_t sum = sum_of_squares(pcm, samples);
	if (!sum)
		return -127.0;
	double db = 10.0 * log10((double)sum / (double)samples / (32768.0 * 32768.0));
	return db < -127.0 ? -127.0 : db;
}

bool level_is_quiet(const int16_t *pcm, size_t samples)
{
	return sum_of_squares(pcm, samples) <= (uint64_t)QUIET_MEAN_SQUARE * samples;
}
