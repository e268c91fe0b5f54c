/* lib/base/clock.c */
#include "lib/base/clock.h"

#include "lib/base/assert.h"

#include <time.h>

static uint64_t read_us(clockid_t id)
{
	struct timespec ts;
	ASSERT(clock_gettime(id, &ts) == 0);
	return (uint64_t)ts.tv_sec * 1000000u + (uint64_t)ts.tv_nsec / 1000u;
}

uint64_t clock_mono_us(void)
{
	uint64_t us = read_us(CLOCK_MONOTONIC);
	return us ? us : 1; /* 0 means "no time" all over the program */
}

uint64_t clock_wall_ms(void)
{
	return read_us(CLOCK_REALTIME) / 1000u;
}

uint64_t clock_thread_cpu_us(void)
{
	return read_us(CLOCK_THREAD_CPUTIME_ID);
}
