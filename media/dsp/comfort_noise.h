/* media/dsp/comfort_noise.h
 *
 * What is heard while the other party is silent and sends only how silent it is (RFC 3389): noise of that level, a
 * little softened. The form of its spectrum, which few senders tell, is not followed. Pure; embedded in its owner.
 */
#ifndef MEDIA_DSP_COMFORT_NOISE_H
#define MEDIA_DSP_COMFORT_NOISE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	COMFORT_NOISE_LOUDEST_DB = 30,  /* below overload: what says more is no background any more */
	COMFORT_NOISE_QUIETEST_DB = 80, /* and this is not heard */
	COMFORT_NOISE_UNSAID_DB = 60,
};

struct comfort_noise {
	bool on;
	int32_t scale;
	int32_t before; /* of the filter */
	uint32_t random;
};

/* The payload of an RFC 3389 packet: it begins, or changes its level. */
void comfort_noise_start(struct comfort_noise *n, const uint8_t *payload, size_t length);
void comfort_noise_stop(struct comfort_noise *n);
/* Silence when it is not on. */
void comfort_noise_read(struct comfort_noise *n, int16_t *pcm, size_t samples);

#endif
