/* media/digit_voice.h
 *
 * Digits that wait to be sent (tev_tx), as sound: for a listener who has no telephone-event. Pure; embedded.
 */
#ifndef MEDIA_DIGIT_VOICE_H
#define MEDIA_DIGIT_VOICE_H

#include "media/dsp/dtmf_tone.h"
#include "media/rtp/telephone_event.h"

#include <stdbool.h>

struct digit_voice {
	bool wanted; /* set by the owner: digits go as tones, not as events */
	struct dtmf_tone tone;
};

/* ms of sound have begun at RTP time ts. Returns true when they are a digit's: pcm, of ms * rate_hz / 1000 samples, is
 * filled, with silence after its end. Between two digits the voice goes on. */
bool digit_voice_read(
	struct digit_voice *v, struct tev_tx *tx, uint32_t ts, unsigned ms, unsigned rate_hz, int16_t *pcm);

#endif
