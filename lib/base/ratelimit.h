/* lib/base/ratelimit.h
 *
 * Token bucket; pure, time is an argument.
 */
#ifndef LIB_BASE_RATELIMIT_H
#define LIB_BASE_RATELIMIT_H

#include <stdbool.h>
#include <stdint.h>

struct ratelimit {
	uint32_t per_second; /* refill */
	uint32_t burst;      /* bucket size */
	uint64_t micro_tokens;
	uint64_t last_us;
};

void ratelimit_init(struct ratelimit *rl, uint32_t per_second, uint32_t burst, uint64_t now_us);
bool ratelimit_take(struct ratelimit *rl, uint64_t now_us); /* true: allowed */

#endif
