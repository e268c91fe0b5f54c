/* media/dsp/dtmf_ear.h
 *
 * Hears the keys in a voice signal (ITU-T Q.24), by spandsp's detector: two blocks of 12.75 ms that agree are a key,
 * two without it end it. So both are known some 25 to 40 ms late, and the duration is right to about 13 ms. Speech does
 * not keep up the two tones, alone, for that long.
 *
 * Owner: one thread; allocates only in dtmf_ear_new(), about 1 KB.
 */
#ifndef MEDIA_DSP_DTMF_EAR_H
#define MEDIA_DSP_DTMF_EAR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct dtmf_ear;

struct dtmf_heard {
	char digit;
	bool ended;
	unsigned duration_ms; /* once it has */
};

enum { DTMF_HEARD_MAX = 16 };

/* Returns 0 or -ENOMEM. */
int dtmf_ear_new(struct dtmf_ear **ret_ear);
/* What comes next, at 8 kHz; at most 120 ms. Returns how many keys were found to begin or end. */
size_t dtmf_ear_hear(
	struct dtmf_ear *e, const int16_t *pcm, size_t samples, struct dtmf_heard ret_heard[DTMF_HEARD_MAX]);
/* So many samples are lost: a key that sounds goes on. */
void dtmf_ear_miss(struct dtmf_ear *e, size_t samples);
/* Another signal begins. Returns 1 when a key sounded: it has ended. */
size_t dtmf_ear_reset(struct dtmf_ear *e, struct dtmf_heard ret_heard[1]);
char dtmf_ear_digit(const struct dtmf_ear *e, unsigned *ret_so_far_ms); /* the key that sounds; 0: none */
/* The last block may have been the first of a key, or the next one is needed to know. */
bool dtmf_ear_suspects(const struct dtmf_ear *e);
/* Accepts NULL; always returns NULL. */
struct dtmf_ear *dtmf_ear_free(struct dtmf_ear *e);

#endif
