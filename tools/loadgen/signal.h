/* tools/loadgen/signal.h
 *
 * Test signals, made and not recorded, so that a measurement needs no file: something with the rhythm and spectrum of
 * speech for the codecs to work on, and bursts of tone whose beginnings can be found again at the other end.
 */
#ifndef TOOLS_LOADGEN_SIGNAL_H
#define TOOLS_LOADGEN_SIGNAL_H

#include <stddef.h>
#include <stdint.h>

enum {
	SIGNAL_BURST_PERIOD_MS = 1000,
	SIGNAL_BURST_ON_MS = 200,
	SIGNAL_BURST_AT_MS = 5, /* into a 20 ms packet: a codec's look-ahead then moves it within the packet */
	SIGNAL_BURST_HZ = 1000,
	SIGNAL_BURST_PEAK = 8000,
};

/* 200 ms of tone every second, silence between; pcm holds rate_hz * seconds samples. */
void signal_bursts(int16_t *pcm, unsigned rate_hz, unsigned seconds);
/* Voiced syllables of changing pitch and vowel, fricatives and pauses; the same every time. */
void signal_speechlike(int16_t *pcm, unsigned rate_hz, unsigned seconds);

#endif
