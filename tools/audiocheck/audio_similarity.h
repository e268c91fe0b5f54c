/* tools/audiocheck/audio_similarity.h
 *
 * Does a recording contain the speech of a reference, after codecs, loss, delay and a change of level? Opus does not
 * keep the waveform, so what is compared is how the spectrum moves over time. Meant for tests: it tells "this speech
 * arrived" from silence, noise, tones and other speech; it does not rate quality. Pure; any thread.
 */
#ifndef TOOLS_AUDIOCHECK_AUDIO_SIMILARITY_H
#define TOOLS_AUDIOCHECK_AUDIO_SIMILARITY_H

#include <stddef.h>
#include <stdint.h>

enum {
	AUDIO_RATE_MIN_HZ = 8000,
	AUDIO_RATE_MAX_HZ = 48000,
	AUDIO_SECONDS_MAX = 600, /* of either clip; the time it takes grows with the product of the two */
};
#define AUDIO_SIMILARITY_THRESHOLD                                                                                     \
	0.6 /* at least this: it is the reference. After codecs and 10 % loss: 0.9 and more; other speech: under 0.5   \
	     */

struct audio_clip {
	const int16_t *samples; /* mono */
	size_t count;
	uint32_t rate_hz;
};

struct audio_similarity {
	double score;             /* 0 to 1. Less than half of the reference heard: reduced in proportion */
	double delay_ms;          /* the reference begins this far into the recording; negative: its begin is missing */
	double reference_seconds; /* speech in the reference, from its first to its last sound */
	double heard_seconds;     /* of it, what was recognised */
	double clipped_start_ms;  /* speech missing at the begin, and at the end */
	double clipped_end_ms;
	double level_db; /* recording relative to reference, over what both contain; 0 when nothing was recognised */
};

/* Returns 0; -EINVAL: rate out of range, or under half a second of sound in the reference; -E2BIG: too long; -ENOMEM. A
 * recording that is short or silent is no error: score 0. */
int audio_similarity(
	const struct audio_clip *reference, const struct audio_clip *heard, struct audio_similarity *ret_result);

#endif
