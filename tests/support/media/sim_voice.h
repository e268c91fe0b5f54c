/* tests/support/media/sim_voice.h
 *
 * Something like speech: a voiced buzz of changing pitch in words of half a second with pauses between. Deterministic.
 */
#ifndef TESTS_SUPPORT_MEDIA_SIM_VOICE_H
#define TESTS_SUPPORT_MEDIA_SIM_VOICE_H

#include <stddef.h>
#include <stdint.h>

/* samples of 8 kHz from position `from` on. */
void sim_voice(int16_t *pcm, size_t samples, uint64_t from);

#endif
