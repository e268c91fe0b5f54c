/* media/dsp/level.h
 *
 * How loud a piece of audio is. Pure.
 */
#ifndef MEDIA_DSP_LEVEL_H
#define MEDIA_DSP_LEVEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Mean power relative to a full-scale square wave (dBov, RFC 6464 s3): 0 is loudest, -127 stands for silence and for no
 * samples. */
double level_dbov(const int16_t *pcm, size_t samples);
/* Below about -45 dBov: a pause between words, where a frame may be dropped or repeated unheard. No logarithm: for the
 * packet path. */
bool level_is_quiet(const int16_t *pcm, size_t samples);

#endif
