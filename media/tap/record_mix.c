#include "media/tap/record_mix.h"

#include <string.h>

static int flush_frames(struct record_mix *m, uint64_t until)
{
	while (m->base < until) {
		uint64_t n = until - m->base;
		int r;

		if (m->base >= m->max_frames)
			return 1;
		if (n > RECORD_MIX_FRAMES)
			n = RECORD_MIX_FRAMES;
		if (n > m->max_frames - m->base)
			n = m->max_frames - m->base;
		r = m->write(m->arg, m->window, (size_t)n);
		if (r)
			return r;
		memmove(m->window, m->window + 2 * n, (RECORD_MIX_FRAMES - n) * 2 * sizeof(m->window[0]));
		memset(m->window + 2 * (RECORD_MIX_FRAMES - n), 0, n * 2 * sizeof(m->window[0]));
		m->base += n;
	}
	return m->base >= m->max_frames ? 1 : 0;
}

int record_mix_put(struct record_mix *m, enum media_side side, const int16_t *pcm, size_t samples, uint64_t at_us)
{
	int64_t at = place_put(&m->place[side], m->start_us, at_us, m->rate_hz, samples);
	int64_t end = at + (int64_t)samples;
	int channel = side == SIDE_WA ? 0 : 1, r;

	if (end > (int64_t)(m->base + RECORD_MIX_FRAMES)) {
		r = flush_frames(m, (uint64_t)end - RECORD_MIX_FRAMES / 2);
		if (r)
			return r;
	}
	for (size_t i = 0; i < samples; i++) {
		int64_t to = at + (int64_t)i - (int64_t)m->base;
		if (to >= 0)
			m->window[2 * to + channel] = pcm[i];
	}
	return 0;
}

int record_mix_flush(struct record_mix *m, uint64_t until_us)
{
	if (until_us <= m->start_us)
		return 0;
	return flush_frames(m, (until_us - m->start_us) * m->rate_hz / 1000000);
}
