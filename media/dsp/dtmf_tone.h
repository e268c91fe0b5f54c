/* media/dsp/dtmf_tone.h
 *
 * The sound of a key (ITU-T Q.23): two tones, as loud as a telephone makes them. Pure; embedded in its owner.
 */
#ifndef MEDIA_DSP_DTMF_TONE_H
#define MEDIA_DSP_DTMF_TONE_H

#include <stddef.h>
#include <stdint.h>

enum {
	DTMF_TONE_LOW_DBM0 = -9, /* ITU-T Q.23: the higher group is sent 2 dB louder, lines weaken it more */
	DTMF_TONE_HIGH_DBM0 = -7,
};

struct dtmf_tone {
	char digit; /* 0: none sounds */
	uint32_t low, high;
};

/* The sound of digit (0-9 * # A-D) goes on for so many samples; of another digit than before it begins. Other
 * characters: silence. rate_hz: 8000 or 16000. */
void dtmf_tone_read(struct dtmf_tone *t, char digit, unsigned rate_hz, int16_t *pcm, size_t samples);

#endif
