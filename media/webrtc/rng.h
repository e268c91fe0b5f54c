/* media/webrtc/rng.h
 *
 * Randomness as an input: the system's for calls, a seeded sequence for tests. Belongs to one session.
 */
#ifndef MEDIA_WEBRTC_RNG_H
#define MEDIA_WEBRTC_RNG_H

#include <stddef.h>
#include <stdint.h>

struct rng {
	uint64_t state; /* 0: take the system's */
};

void rng_init(struct rng *r, uint64_t seed); /* 0: system randomness */
void rng_bytes(struct rng *r, void *dst, size_t length);
uint64_t rng_u64(struct rng *r);
uint32_t rng_below(struct rng *r, uint32_t limit); /* 0 to limit - 1; limit > 0 */

#endif
