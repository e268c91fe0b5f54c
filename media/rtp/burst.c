#include "media/rtp/burst.h"

enum { LOST_MAX = 3000 }; /* a minute: more is a pause of the sender */

static void lose_one(struct burst *b)
{
	if (b->since_loss || b->lost == 0)
		b->runs++;
	b->lost++;
	if (b->since_loss >= BURST_GMIN || b->lost == 1) {
		if (b->in_burst == 1)
			b->c14++; /* alone: it belongs to the gap */
		else if (b->in_burst)
			b->c13++;
		b->in_burst = 1;
		b->c11 += b->since_loss;
	} else {
		b->in_burst++;
		if (b->since_loss == 0) {
			b->c33++;
		} else {
			b->c23++;
			b->c22 += b->since_loss - 1;
		}
	}
	b->since_loss = 0;
}

void burst_received(struct burst *b, unsigned lost_before)
{
	unsigned n = lost_before < LOST_MAX ? lost_before : LOST_MAX;

	while (n--)
		lose_one(b);
	b->since_loss++;
}

/* The last burst is not closed yet. */
static struct burst closed(const struct burst *b)
{
	struct burst c = *b;

	if (c.in_burst == 1)
		c.c14++;
	else if (c.in_burst > 1)
		c.c13++;
	c.c11 += c.since_loss;
	return c;
}

struct burst_metrics burst_metrics(const struct burst *b)
{
	const struct burst c = closed(b);
	struct burst_metrics m = {.ratio = 1};
	double c31 = (double)c.c13, c32 = (double)c.c23, c33 = (double)c.c33, c22 = (double)c.c22, c23 = (double)c.c23;
	double total = (double)(c.c11 + c.c14 + c.c13 + c.c22 + c.c23 + c.c33) + c31 + c32;
	double received = (double)(c.c11 + c.c22 + c.c23), lost = (double)c.lost;

	if (c.c11 + c.c14)
		m.gap_density = (double)c.c14 / (double)(c.c11 + c.c14);
	m.gap_packets = total;
	if (c.c13) {
		double p32 = c32 / (c31 + c32 + c33), p23 = c22 + c23 < 1 ? 1 : 1 - c22 / (c22 + c23);
		m.burst_density = p23 + p32 > 0 ? p23 / (p23 + p32) : 0;
		m.gap_packets = (double)(c.c11 + c.c14 + c.c13) / (double)c.c13;
		m.burst_packets = total / (double)c.c13 - m.gap_packets;
	}
	if (c.runs && received + lost > 0) {
		m.ratio = lost / (double)c.runs * (1 - lost / (received + lost));
		m.ratio = m.ratio < 1 ? 1 : m.ratio;
	}
	return m;
}
