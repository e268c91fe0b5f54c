/* tools/audiocheck/features.h
 *
 * What of a sound survives a speech codec: the energy in bands of the telephone channel, a hundred times a second, on a
 * logarithmic scale and relative to the mean of its band (so that gain and the colour of the channel drop out).
 */
#ifndef TOOLS_AUDIOCHECK_FEATURES_H
#define TOOLS_AUDIOCHECK_FEATURES_H

#include "tools/audiocheck/audio_similarity.h"

#include <stdbool.h>

enum {
	FEATURE_RATE_HZ = 8000,
	FEATURE_HOP = 80,   /* samples: 10 ms */
	FEATURE_BANDS = 16, /* 250 to 3400 Hz, equally wide on the mel scale */
	FEATURE_FRAMES_A_SECOND = FEATURE_RATE_HZ / FEATURE_HOP,
};

struct features {
	size_t frames;
	float (*band)[FEATURE_BANDS]; /* frames of them */
	float *energy_db;             /* of the frame, dB relative to full scale */
	bool *active;                 /* louder than the pauses */
	size_t first, end;            /* the active part: [first, end); empty when there is no sound */
};

/* Returns 0, -EINVAL (rate), -E2BIG or -ENOMEM. */
int features_new(const struct audio_clip *clip, struct features **ret_features);
struct features *features_free(struct features *f); /* accepts NULL; returns NULL */

#endif
