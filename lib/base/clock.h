/* lib/base/clock.h
 *
 * The only place that reads the system's clocks. Called once per wake-up by the loops (lib/loop, media/worker), which
 * hand the value down as an argument; pure code never includes this header. Any thread.
 */
#ifndef LIB_BASE_CLOCK_H
#define LIB_BASE_CLOCK_H

#include <stdint.h>

uint64_t clock_mono_us(void);       /* CLOCK_MONOTONIC, microseconds; never 0 */
uint64_t clock_wall_ms(void);       /* CLOCK_REALTIME, milliseconds since 1970 UTC */
uint64_t clock_thread_cpu_us(void); /* CPU time of the calling thread */

#endif
