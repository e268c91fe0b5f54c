/* tests/support/media/spectral.h
 *
 * How far is what was heard from what a clean network would have let through? Both are cut into frames of 20 ms, each
 * with the level of 16 bands of the telephone channel in decibels. What was heard is laid over the clean result second
 * by second, where it fits best, because it may come later than that by as much as it was held; each frame may lie 40
 * ms beside that, because holds change. What is left is the distance: root of the mean square over the bands, mean over
 * the frames. In the middle of a word 1 dB is not heard; silence in its place is 20 to 30.
 *
 * The clean result is a piece that comes again and again, as the simulated user's voice does.
 */
#ifndef TESTS_SUPPORT_MEDIA_SPECTRAL_H
#define TESTS_SUPPORT_MEDIA_SPECTRAL_H

#include <stddef.h>
#include <stdint.h>

enum {
	SPECTRAL_HOP = 160,    /* samples of 8 kHz */
	SPECTRAL_WINDOW = 200, /* 25 ms */
	SPECTRAL_BANDS = 16,
	SPECTRAL_LOOP = 500,   /* frames of the clean result: 10 s */
	SPECTRAL_BLOCK = 50,   /* frames laid over it together: longer than a word and a pause */
	SPECTRAL_LAG_MIN = -3, /* frames */
	SPECTRAL_LAG_MAX = 20,
	SPECTRAL_BESIDE = 2,
};

struct spectral_frames {
	int16_t pcm[SPECTRAL_WINDOW];
	size_t samples; /* of them, so far */
};

/* The clean result, learnt by one call. */
struct spectral_clean {
	struct spectral_frames in;
	size_t frames;
	float db[SPECTRAL_LOOP][SPECTRAL_BANDS];
};

struct spectral {
	const struct spectral_clean *clean;
	struct spectral_frames in;
	size_t frames; /* in all */
	float db[SPECTRAL_BLOCK][SPECTRAL_BANDS];
	double sum_db;
	size_t blocks;
};

/* samples of 8 kHz; those beyond the loop are not needed. */
void spectral_learn(struct spectral_clean *c, const int16_t *pcm, size_t samples);
/* The first sample heard belongs to the first one learnt, but for the lag. */
void spectral_hear(struct spectral *s, const int16_t *pcm, size_t samples);
double spectral_distance_db(const struct spectral *s);

#endif
