#include "tests/support/media/sim_voice.h"

#include <math.h>
#include <stdbool.h>

/* The pitch comes again after seven words, and so does everything: worked out once, because simulations of hours would
 * spend a quarter of their time in sin(). */
enum {
	RATE_HZ = 8000,
	WORD_SAMPLES = 4000,
	PAUSE_SAMPLES = 2400,
	WORDS = 7,
	PERIOD = WORDS * (WORD_SAMPLES + PAUSE_SAMPLES)
};

static int16_t voice[PERIOD];

static int16_t sample(unsigned word, unsigned in_word)
{
	double t = (double)in_word / RATE_HZ, pitch_hz = 110.0 + word * 9.0 + 20.0 * t, v = 0.0;
	for (int harmonic = 1; harmonic <= 12; harmonic++)
		v += sin(2.0 * 3.14159265358979 * pitch_hz * harmonic * t) / harmonic;
	return (int16_t)(4500.0 * v * sin(3.14159265358979 * (double)in_word / WORD_SAMPLES));
}

void sim_voice(int16_t *pcm, size_t samples, uint64_t from)
{
	static bool known;
	for (unsigned i = 0; !known && i < PERIOD; i++) {
		unsigned in_word = i % (WORD_SAMPLES + PAUSE_SAMPLES);
		voice[i] = in_word < WORD_SAMPLES ? sample(i / (WORD_SAMPLES + PAUSE_SAMPLES), in_word) : 0;
	}
	known = true;
	for (size_t i = 0; i < samples; i++)
		pcm[i] = voice[(from + i) % PERIOD];
}
