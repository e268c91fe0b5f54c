#include "media/rtp/jbuf_delay.h"

#include <string.h>

void jbuf_delay_init(struct jbuf_delay *d)
{
	memset(d, 0, sizeof(*d));
}

void jbuf_delay_rebase(struct jbuf_delay *d)
{
	d->started = false;
}

static void move_window(struct jbuf_delay *d, int64_t delay_us, uint64_t now_us)
{
	if (!d->started) {
		d->started = true;
		d->window_min_us = d->last_window_min_us = delay_us;
		d->window_start_us = now_us;
	} else if (now_us - d->window_start_us >= JBUF_BASE_WINDOW_US) {
		d->last_window_min_us = d->window_min_us;
		d->window_min_us = delay_us;
		d->window_start_us = now_us;
	} else if (delay_us < d->window_min_us) {
		d->window_min_us = delay_us;
	}
}

void jbuf_delay_add(struct jbuf_delay *d, int64_t delay_us, uint64_t now_us)
{
	move_window(d, delay_us, now_us);
	int64_t bin = (delay_us - jbuf_delay_base_us(d)) / JBUF_BIN_US;
	if (bin >= JBUF_BINS)
		bin = JBUF_BINS - 1;
	if (d->seen < JBUF_MEMORY_PACKETS)
		d->seen++; /* the first packets weigh more: 1, 1/2, 1/3 ... */
	float share = 1.0f / (float)d->seen;
	for (int i = 0; i < JBUF_BINS; i++)
		d->weight[i] *= 1.0f - share;
	d->weight[bin] += share;
}

uint32_t jbuf_delay_percentile_us(const struct jbuf_delay *d, unsigned percent)
{
	float above = 1.0f - (float)percent / 100.0f, tail = 0.0f;
	int bin = JBUF_BINS - 1;
	if (!d->seen)
		return 0;
	/* from above, so that rounding of the sum cannot hide the tail */
	for (; bin > 0; bin--) {
		tail += d->weight[bin];
		if (tail > above)
			break;
	}
	return (uint32_t)(bin + 1) * JBUF_BIN_US;
}
