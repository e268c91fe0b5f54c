/* media/dsp/music.h
 *
 * Music for those who wait: a file, or a few soft chords of ours.
 */
#ifndef MEDIA_DSP_MUSIC_H
#define MEDIA_DSP_MUSIC_H

#include "media/dsp/sound.h"

enum { MUSIC_MAX_SECONDS = 600 };

/* A WAV file (or what else libsndfile reads) of 4 to 192 kHz, mono or stereo, at most MUSIC_MAX_SECONDS long. Returns 0
 * or negative errno: -EPROTO no sound in it that could be read, -EFBIG too long, -ENOTSUP rate or channels, -EINVAL not
 * a regular file, -ENOMEM, or what open() said; why (may be NULL) is then a line about it. Blocks on the disk. */
int music_read(const char *path, struct sound *ret_sound, char *why, size_t why_cap);
/* The same judgement, without the sound. */
int music_check(const char *path, char *why, size_t why_cap);
/* Ours. Returns 0 or -ENOMEM. */
int music_chords(struct sound *ret_sound);

#endif
