#include "media/rtp/seq.h"

#include <string.h>

enum { SEQ_MOD = 1 << 16, NO_BAD_SEQ = SEQ_MOD + 1, SEEN_BITS = 64 };

static void start_run(struct seq_tracker *t, uint16_t seq)
{
	t->started = true;
	t->base_seq = seq;
	t->max_seq = seq;
	t->cycles = 0;
	t->bad_seq = NO_BAD_SEQ;
	t->received = t->received_all = 1;
	t->expected_prior = t->received_prior = 0;
	t->seen = 1;
	t->have_transit = false;
}

void seq_init(struct seq_tracker *t, uint32_t clock_hz)
{
	memset(t, 0, sizeof(*t));
	t->clock_hz = clock_hz;
	t->bad_seq = NO_BAD_SEQ;
}

uint32_t seq_extended_max(const struct seq_tracker *t)
{
	return t->cycles + t->max_seq;
}

static int64_t expected(const struct seq_tracker *t)
{
	return t->started ? (int64_t)seq_extended_max(t) - t->base_seq + 1 : 0;
}

static int64_t lost_in_run(const struct seq_tracker *t)
{
	int64_t lost = expected(t) - t->received;
	return lost > 0 ? lost : 0;
}

int64_t seq_lost(const struct seq_tracker *t)
{
	return t->lost_before + lost_in_run(t);
}

static enum seq_verdict older_packet(struct seq_tracker *t, uint16_t behind)
{
	uint64_t bit = behind < SEEN_BITS ? 1ull << behind : 0;
	t->received_all++;
	/* beyond the window nobody can tell; call it reordered, it is too late to be played anyway */
	if (bit & t->seen) {
		t->duplicates++;
		return SEQ_DUPLICATE;
	}
	t->seen |= bit;
	t->received++;
	t->reordered++;
	return SEQ_REORDERED;
}

enum seq_verdict seq_packet(struct seq_tracker *t, uint16_t seq)
{
	if (!t->started) {
		start_run(t, seq); /* RFC 3550 A.1 with probation 0: no speech is thrown away to be sure */
		return SEQ_NEWEST;
	}
	uint16_t ahead = (uint16_t)(seq - t->max_seq);
	if (ahead == 0)
		return older_packet(t, 0);
	if (ahead < SEQ_MAX_DROPOUT) {
		if (seq < t->max_seq)
			t->cycles += SEQ_MOD;
		t->max_seq = seq;
		t->seen = ahead < SEEN_BITS ? t->seen << ahead | 1 : 1;
		t->received++;
		t->received_all++;
		return SEQ_NEWEST;
	}
	if (ahead > SEQ_MOD - SEQ_MAX_MISORDER)
		return older_packet(t, (uint16_t)(t->max_seq - seq));
	if (seq == t->bad_seq) {
		t->lost_before += lost_in_run(t);
		start_run(t, seq);
		return SEQ_RESTARTED;
	}
	t->bad_seq = (seq + 1u) & (SEQ_MOD - 1);
	return SEQ_SUSPICIOUS;
}

void seq_jitter(struct seq_tracker *t, uint32_t ts, uint64_t now_us)
{
	/* split, so that days of uptime do not overflow the product */
	uint64_t arrival = now_us / 1000000 * t->clock_hz + now_us % 1000000 * t->clock_hz / 1000000;
	uint32_t transit = (uint32_t)arrival - ts;
	if (t->have_transit) {
		int32_t d = (int32_t)(transit - t->transit);
		uint32_t distance = d < 0 ? 0u - (uint32_t)d : (uint32_t)d;
		/* a jump of the source's clock is no jitter; it would take minutes to fade */
		if (distance < 4 * t->clock_hz)
			t->jitter_q4 += distance - ((t->jitter_q4 + 8) >> 4);
	}
	t->transit = transit;
	t->have_transit = true;
}

double seq_jitter_ms(const struct seq_tracker *t)
{
	return (double)t->jitter_q4 / 16.0 * 1000.0 / t->clock_hz;
}

void seq_report(struct seq_tracker *t, uint8_t *ret_fraction, int32_t *ret_cumulative)
{
	/* RFC 3550 A.3 */
	int64_t cumulative = expected(t) - t->received_all;
	uint32_t expected_interval = (uint32_t)expected(t) - t->expected_prior;
	uint32_t received_interval = t->received_all - t->received_prior;
	int64_t lost_interval = (int64_t)expected_interval - received_interval;

	t->expected_prior = (uint32_t)expected(t);
	t->received_prior = t->received_all;
	int64_t fraction = lost_interval > 0 ? (lost_interval << 8) / expected_interval : 0;
	*ret_fraction = (uint8_t)(fraction > 255 ? 255 : fraction);
	*ret_cumulative = (int32_t)(cumulative > 0x7fffff ? 0x7fffff : cumulative < -0x800000 ? -0x800000 : cumulative);
}
