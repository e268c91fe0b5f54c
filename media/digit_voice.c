#include "media/digit_voice.h"

bool digit_voice_read(
	struct digit_voice *v, struct tev_tx *tx, uint32_t ts, unsigned ms, unsigned rate_hz, int16_t *pcm)
{
	char digit = 0;
	unsigned sounds_ms = tev_tx_tone(tx, ts, ms, &digit), per_ms = rate_hz / 1000;

	if (!sounds_ms) {
		v->tone.digit = 0;
		return false;
	}
	dtmf_tone_read(&v->tone, digit, rate_hz, pcm, (size_t)sounds_ms * per_ms);
	if (sounds_ms < ms)
		dtmf_tone_read(&v->tone, 0, rate_hz, pcm + sounds_ms * per_ms, (size_t)(ms - sounds_ms) * per_ms);
	return true;
}
