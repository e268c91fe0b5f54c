/* media/tap/place.h
 *
 * Where a frame lies on a line of samples that runs with the clock. Frames come with a time each, but whoever made them
 * counted samples: what follows within a few milliseconds of where it should is put right behind the one before, so
 * that jitter of the times makes no clicks; what is farther off is placed by its time. Pure.
 */
#ifndef MEDIA_TAP_PLACE_H
#define MEDIA_TAP_PLACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { PLACE_SLACK_MS = 30 };

struct place {
	bool begun;
	int64_t next; /* position behind the last frame */
};

/* Position of `samples` that began at at_us, on a line of rate_hz that began at start_us; may be negative. */
int64_t place_put(struct place *p, uint64_t start_us, uint64_t at_us, uint32_t rate_hz, size_t samples);

#endif
