/* media/rtp/jbuf_delay.h
 *
 * How much later than the fastest packets of late do packets arrive, and how long must they be held so that nearly all
 * can be played? The jitter buffer's estimator; pure, embedded.
 */
#ifndef MEDIA_RTP_JBUF_DELAY_H
#define MEDIA_RTP_JBUF_DELAY_H

#include <stdbool.h>
#include <stdint.h>

enum {
	JBUF_BIN_US = 4000,
	JBUF_BINS = 128,               /* up to 512 ms */
	JBUF_BASE_WINDOW_US = 5000000, /* the base is the least of the last one to two windows */
	JBUF_MEMORY_PACKETS = 500,     /* 10 s of 20 ms packets: how fast the histogram forgets */
};

struct jbuf_delay {
	bool started;
	int64_t window_min_us, last_window_min_us; /* arrival - timestamp */
	uint64_t window_start_us;
	uint32_t seen;
	float weight[JBUF_BINS]; /* share of packets, sums to 1 */
};

void jbuf_delay_init(struct jbuf_delay *d);
/* The stream begins anew: forget the base, keep the histogram. */
void jbuf_delay_rebase(struct jbuf_delay *d);
/* One packet whose arrival minus timestamp is delay_us. */
void jbuf_delay_add(struct jbuf_delay *d, int64_t delay_us, uint64_t now_us);
static inline int64_t jbuf_delay_base_us(const struct jbuf_delay *d)
{
	return d->window_min_us < d->last_window_min_us ? d->window_min_us : d->last_window_min_us;
}
/* Upper edge of the percentile, in microseconds above the base. */
uint32_t jbuf_delay_percentile_us(const struct jbuf_delay *d, unsigned percent);

#endif
