#include "tests/support/media/sim_voice.h"

#include <math.h>

enum { RATE_HZ = 8000, WORD_SAMPLES = 4000, PAUSE_SAMPLES = 2400 };

void sim_voice(int16_t *pcm, size_t samples, uint64_t from)
{
	for (size_t i = 0; i < samples; i++) {
		uint64_t at = from + i, in_word = at % (WORD_SAMPLES + PAUSE_SAMPLES),
			 word = at / (WORD_SAMPLES + PAUSE_SAMPLES);
		if (in_word >= WORD_SAMPLES) {
			pcm[i] = 0;
			continue;
		}
		double t = (double)in_word / RATE_HZ, pitch_hz = 110.0 + (double)(word % 7) * 9.0 + 20.0 * t, v = 0.0;
		for (int harmonic = 1; harmonic <= 12; harmonic++)
			v += sin(2.0 * 3.14159265358979 * pitch_hz * harmonic * t) / harmonic;
		pcm[i] = (int16_t)(4500.0 * v * sin(3.14159265358979 * (double)in_word / WORD_SAMPLES));
	}
}
