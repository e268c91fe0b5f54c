/* tests/unit/lib/http/until.h
 *
 * Turn the loop until something is true: tests wait on events, with a deadline, never for a while.
 */
#ifndef TESTS_UNIT_LIB_HTTP_UNTIL_H
#define TESTS_UNIT_LIB_HTTP_UNTIL_H

#include "lib/base/clock.h"
#include "lib/loop/loop.h"

#define UNTIL_WITHIN(loop, condition, ms)                                                                              \
	do {                                                                                                           \
		uint64_t until_end = clock_mono_us() + (uint64_t)(ms)*1000;                                            \
		while (!(condition)) {                                                                                 \
			if (clock_mono_us() > until_end)                                                               \
				fail_msg("never happened: %s", #condition);                                            \
			loop_step(loop, 5);                                                                            \
		}                                                                                                      \
	} while (0)
#define UNTIL(loop, condition) UNTIL_WITHIN(loop, condition, 10000)

#endif
