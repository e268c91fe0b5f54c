/* lib/base/counter.h
 *
 * Process-wide counters of things worth counting: refused input, drops, retries. Each thread adds to a block of its own
 * that lives as long as the process (relaxed atomics, no lock, no malloc after the thread's first add); readers sum the
 * blocks.
 */
#ifndef LIB_BASE_COUNTER_H
#define LIB_BASE_COUNTER_H

#include <stdint.h>

enum counter {
#define COUNTER(id, name, help) CNT_##id,
#include "lib/base/counter.def"
#undef COUNTER
	CNT_COUNT
};

void counter_add(enum counter c, uint64_t n);
#define counter_inc(c) counter_add((c), 1)
uint64_t counter_sum(enum counter c);
const char *counter_name(enum counter c); /* as in metrics: "webhook_bad_signature" */
const char *counter_help(enum counter c);

#endif
