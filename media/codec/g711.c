/* media/codec/g711.c
 *
 * The arithmetic is spandsp's (inline, no tables: a call touches it every 20 ms and the cache belongs to the Opus
 * states).
 */
#include "media/codec/g711.h"

#include <spandsp/telephony.h>
#include <spandsp/bit_operations.h>
#include <spandsp/g711.h>

void g711_to_pcm(enum g711_law law, const uint8_t *bytes, size_t count, int16_t *pcm)
{
	if (law == G711_MU) {
		for (size_t i = 0; i < count; i++)
			pcm[i] = ulaw_to_linear(bytes[i]);
	} else {
		for (size_t i = 0; i < count; i++)
			pcm[i] = alaw_to_linear(bytes[i]);
	}
}

void g711_from_pcm(enum g711_law law, const int16_t *pcm, size_t count, uint8_t *bytes)
{
	if (law == G711_MU) {
		for (size_t i = 0; i < count; i++)
			bytes[i] = linear_to_ulaw(pcm[i]);
	} else {
		for (size_t i = 0; i < count; i++)
			bytes[i] = linear_to_alaw(pcm[i]);
	}
}
