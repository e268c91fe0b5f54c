/* lib/base/ratelimit.c
 *
 * A token is a million micro-tokens, so that elapsed microseconds times the rate is the refill, without a division or a
 * remainder.
 */
#include "lib/base/ratelimit.h"

enum { TOKEN = 1000000 };

void ratelimit_init(struct ratelimit *rl, uint32_t per_second, uint32_t burst, uint64_t now_us)
{
	*rl = (struct ratelimit){per_second, burst, (uint64_t)burst * TOKEN, now_us};
}

bool ratelimit_take(struct ratelimit *rl, uint64_t now_us)
{
	uint64_t missing = (uint64_t)rl->burst * TOKEN - rl->micro_tokens;

	if (now_us > rl->last_us && rl->per_second) {
		uint64_t elapsed_us = now_us - rl->last_us;
		if (elapsed_us > missing / rl->per_second)
			rl->micro_tokens += missing;
		else
			rl->micro_tokens += elapsed_us * rl->per_second;
		rl->last_us = now_us;
	}
	if (rl->micro_tokens < TOKEN)
		return false;
	rl->micro_tokens -= TOKEN;
	return true;
}
