/* media/dsp/sound.h
 *
 * Something to be played to a party of a call: PCM at 8 kHz, mono, without an end. Made once, then read by any number
 * of threads, each with players of its own.
 */
#ifndef MEDIA_DSP_SOUND_H
#define MEDIA_DSP_SOUND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SOUND_RATE_HZ = 8000 };

struct sound {
	int16_t *pcm; /* owned */
	size_t samples;
};

void sound_done(struct sound *s); /* frees; what was made half, too */

/* Embedded; one thread. A player without a sound plays silence. */
struct sound_player {
	const struct sound *sound; /* borrowed */
	size_t at;
	int16_t last; /* before `at` */
};

/* From its beginning. NULL, or one without samples: silence. */
void sound_player_start(struct sound_player *p, const struct sound *sound);
/* What comes next; the end is followed by the beginning. */
void sound_player_read(struct sound_player *p, int16_t *pcm, size_t samples);
/* The same for 16 kHz: 2 * samples of it, those between are means. What is played was made for the telephone. */
void sound_player_read_wide(struct sound_player *p, int16_t *pcm, size_t samples);
/* pcm holds 8 kHz in its second half, and then 16 kHz in whole. *last: the sample before; becomes the last one. */
void sound_widen(int16_t *pcm, size_t samples, int16_t *last);

#endif
