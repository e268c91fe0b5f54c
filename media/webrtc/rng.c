/* media/webrtc/rng.c */
#include "media/webrtc/rng.h"
#include "lib/base/crypto.h"

#include <string.h>

void rng_init(struct rng *r, uint64_t seed)
{
	r->state = seed;
}

uint64_t rng_u64(struct rng *r)
{
	uint64_t z;

	if (r->state == 0)
		return crypto_random_u64();
	r->state += UINT64_C(0x9e3779b97f4a7c15); /* splitmix64 */
	if (r->state == 0)
		r->state = 1;
	z = r->state;
	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

void rng_bytes(struct rng *r, void *dst, size_t length)
{
	uint8_t *at = dst;

	while (length > 0) {
		uint64_t v = rng_u64(r);
		size_t n = length < sizeof(v) ? length : sizeof(v);

		memcpy(at, &v, n);
		at += n;
		length -= n;
	}
}

uint32_t rng_below(struct rng *r, uint32_t limit)
{
	return (uint32_t)(rng_u64(r) % limit);
}
