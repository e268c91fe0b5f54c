#include "tests/support/media/tone_probe.h"

#include <math.h>

#include <spandsp/telephony.h>
#include <spandsp/complex.h>
#include <spandsp/tone_detect.h>

static double energy(const int16_t *pcm, size_t samples)
{
	double sum = 0;
	for (size_t i = 0; i < samples; i++)
		sum += (double)pcm[i] * pcm[i];
	return sum;
}

double tone_share(const int16_t *pcm, size_t samples, double hz)
{
	goertzel_descriptor_t tone;
	goertzel_state_t *g;
	double all = energy(pcm, samples), result;

	if (all <= 0)
		return 0;
	make_goertzel_descriptor(&tone, (float)hz, (int)samples);
	g = goertzel_init(NULL, &tone);
	goertzel_update(g, pcm, (int)samples);
	result = (double)goertzel_result(g);
	goertzel_free(g);
	return result / (all * (double)samples / 2.0);
}

double tone_level_db(const int16_t *pcm, size_t samples)
{
	double all = energy(pcm, samples);
	return all > 0 ? 10.0 * log10(all / (double)samples / (32768.0 * 32768.0)) : -127.0;
}
