/* media/rtp/jbuf_stats.c -- how long what was played had been held */
#include "media/rtp/jbuf.h"

void jbuf_stats_played(struct jbuf_stats *st, uint32_t duration_ms, uint32_t held_us)
{
	uint32_t bin = held_us / 1000 / JBUF_HOLD_BIN_MS;
	st->hold_bin[bin < JBUF_HOLD_BINS ? bin : JBUF_HOLD_BINS - 1]++;
	st->hold_sum_ms += held_us / 1000.0;
	st->played++;
	st->played_ms += duration_ms;
}

double jbuf_hold_percentile_ms(const struct jbuf *jb, unsigned percent)
{
	const struct jbuf_stats *st = jbuf_stats(jb);
	uint64_t below = 0;
	if (!st->played)
		return -1.0;
	for (unsigned i = 0; i < JBUF_HOLD_BINS; i++) {
		below += st->hold_bin[i];
		if (below * 100 >= st->played * percent)
			return (i + 1) * JBUF_HOLD_BIN_MS;
	}
	return JBUF_HOLD_BINS * JBUF_HOLD_BIN_MS;
}
