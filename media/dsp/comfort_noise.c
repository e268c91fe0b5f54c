#include "media/dsp/comfort_noise.h"

#include <math.h>
#include <string.h>

enum { LEVEL_MASK = 0x7f };

/* The filter y = x/2 + y'/2 leaves a third of the power of white noise, and that of uniform samples of +-a is a^2/3: so
 * a is three times the level wanted. */
static int32_t scale_of(unsigned db)
{
	return db >= COMFORT_NOISE_QUIETEST_DB ? 0 : (int32_t)(3.0 * 32768.0 * pow(10.0, -(double)db / 20.0));
}

void comfort_noise_start(struct comfort_noise *n, const uint8_t *payload, size_t length)
{
	unsigned db = length ? payload[0] & LEVEL_MASK : COMFORT_NOISE_UNSAID_DB; /* RFC 3389 s3.1: -dBov */
	n->on = true;
	n->scale = scale_of(db < COMFORT_NOISE_LOUDEST_DB ? COMFORT_NOISE_LOUDEST_DB : db);
}

void comfort_noise_stop(struct comfort_noise *n)
{
	n->on = false;
	n->before = 0;
}

void comfort_noise_read(struct comfort_noise *n, int16_t *pcm, size_t samples)
{
	if (!n->on) {
		memset(pcm, 0, samples * sizeof(*pcm));
		return;
	}
	for (size_t i = 0; i < samples; i++) {
		n->random = n->random * 1664525u + 1013904223u; /* Numerical Recipes: its upper bits are good enough */
		int32_t white = (int32_t)(n->random >> 16) - 32768;
		n->before = (white * (n->scale / 2) / 32768 + n->before / 2);
		pcm[i] = (int16_t)n->before;
	}
}
