/* media/governor.h
 *
 * How hard the Opus encoders of one media worker try. Effort is worth having only while there is time for it:
 *complexity goes up a step after a while of low load, down a step as soon as load is high, and back to its least where
 *voice is about to suffer. Between the two bounds nothing changes, and one step up never leads from below the lower
 *bound to above the upper one: the dearest, 1 to 2, takes 1.6 times the time (docs/benchmarks.md). So it does not
 *swing; where it had to come down, the next step up waits longer.
 *
 *	busy, of a window    > 80 %   > 65 %       40 to 65 %   < 40 % for 5 s (for 30 s after a step down)
 *	complexity           least    a step down  stays        a step up
 *
 * Pure: time is an argument. Embedded in its owner, a media worker.
 */
#ifndef MEDIA_GOVERNOR_H
#define MEDIA_GOVERNOR_H

#include <stdbool.h>
#include <stdint.h>

enum {
	GOVERNOR_WINDOW_US = 500000, /* ten times the longest slot of a timer, and over before anybody hears it */
	GOVERNOR_CALM_US = 5000000,
	GOVERNOR_CALM_AFTER_FALL_US = 30000000,
	GOVERNOR_CALM_PERCENT = 40,
	GOVERNOR_HIGH_PERCENT = 65,
	GOVERNOR_DANGER_PERCENT = 80,
	GOVERNOR_COMPLEXITY_MAX = 10,
	GOVERNOR_LOAD_WINDOWS = 4, /* that load_permille is a mean of */
	GOVERNOR_DEFAULT_MAX = 5,  /* beyond, telephone audio at 24 kb/s gains nothing that could be measured */
};

struct governor {
	uint8_t complexity; /* now; sessions read it before each frame */
	uint8_t least, most;
	uint8_t busy_percent;   /* of the last window */
	uint16_t load_permille; /* of the last two seconds, were the effort the least */
	uint64_t window_us, busy_us;
	uint64_t calm_since_us, calm_for_us;
};

/* Begins at `least`; least == most: it stays there, and only the load is measured. */
void governor_init(struct governor *g, unsigned least, unsigned most, uint64_t now_us);
/* busy_us: time spent at work since the call before. Returns whether a window has ended: busy_percent is new, and
 * complexity perhaps. */
bool governor_note(struct governor *g, uint64_t busy_us, uint64_t now_us);

#endif
