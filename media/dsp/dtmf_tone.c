#include "media/dsp/dtmf_tone.h"

#include <math.h>
#include <string.h>

#include <spandsp/telephony.h>
#include <spandsp/fast_convert.h>
#include <spandsp/complex.h>
#include <spandsp/dds.h>

enum { DDS_RATE_HZ = 8000, KEYS_A_ROW = 4 };

static const char keys[] = "123A456B789C*0#D";
static const float low_hz[] = {697.0f, 770.0f, 852.0f, 941.0f}, high_hz[] = {1209.0f, 1336.0f, 1477.0f, 1633.0f};

static int32_t step_of(float hz, unsigned rate_hz)
{
	return dds_phase_rate(hz * DDS_RATE_HZ / (float)rate_hz); /* spandsp thinks in 8 kHz */
}

void dtmf_tone_read(struct dtmf_tone *t, char digit, unsigned rate_hz, int16_t *pcm, size_t samples)
{
	const char *key = digit ? strchr(keys, digit) : NULL;

	if (digit != t->digit)
		*t = (struct dtmf_tone){.digit = digit};
	if (!key) {
		memset(pcm, 0, samples * sizeof(*pcm));
		return;
	}
	int32_t low = step_of(low_hz[(key - keys) / KEYS_A_ROW], rate_hz);
	int32_t high = step_of(high_hz[(key - keys) % KEYS_A_ROW], rate_hz);
	int16_t low_scale = dds_scaling_dbm0(DTMF_TONE_LOW_DBM0), high_scale = dds_scaling_dbm0(DTMF_TONE_HIGH_DBM0);

	for (size_t i = 0; i < samples; i++)
		pcm[i] = (int16_t)(dds_mod(&t->low, low, low_scale, 0) + dds_mod(&t->high, high, high_scale, 0));
}
