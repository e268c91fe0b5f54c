/* media/dsp/stretch.h
 *
 * Speech made shorter without a change of pitch: two pieces that follow each other and are alike, as the periods of a
 * vowel are, become one by fading from the first into the second (overlap-add, as in PICOLA and WSOLA). Works in place
 * on a piece of mono PCM whose first sample follows what has been played, and whose last one will be followed by what
 * comes: both ends stay as they are. Pure, no state.
 *
 * spandsp's time_scale() does the same, but looks for periods down to 60 Hz in blocks of 33 ms that it keeps: as much
 * delay as it should take away.
 */
#ifndef MEDIA_DSP_STRETCH_H
#define MEDIA_DSP_STRETCH_H

#include <stddef.h>
#include <stdint.h>

enum {
	STRETCH_HZ_MAX = 400, /* periods looked for: 2.5 ms */
	STRETCH_HZ_MIN = 60,  /* to 16.7 ms */
	STRETCH_LIKENESS_PERCENT = 80,
};

/* Take one period away, of `most` samples at most and a multiple of `step`; count >= twice that is needed to use them
 * all. least_percent: how alike the two pieces have to be (their correlation); 0 takes the best there is. Returns the
 * samples taken away, 0: there was nothing fit. */
size_t stretch_cut(int16_t *pcm, size_t count, unsigned rate_hz, size_t most, unsigned step, unsigned least_percent);
/* Take `samples` away, whatever is there: for pauses. Needs count >= 2 * samples, else does nothing. Returns what was
 * taken away. */
size_t stretch_cut_exactly(int16_t *pcm, size_t count, size_t samples);

#endif
