/* tests/support/media/tone_probe.h
 *
 * Which tones are in a piece of audio at 8 kHz.
 */
#ifndef TESTS_SUPPORT_MEDIA_TONE_PROBE_H
#define TESTS_SUPPORT_MEDIA_TONE_PROBE_H

#include <stddef.h>
#include <stdint.h>

/* The share of its energy that lies at hz: 1 a pure tone, 0 none. Goertzel's filter, as wide as 8000 / samples Hz. */
double tone_share(const int16_t *pcm, size_t samples, double hz);
/* Mean power in dB below full scale; -127 nothing. */
double tone_level_db(const int16_t *pcm, size_t samples);

#endif
