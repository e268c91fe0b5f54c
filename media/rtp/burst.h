/* media/rtp/burst.h
 *
 * Are losses spread out or in bursts? The counts of RFC 3611 A.2, of packets in the order of their sequence numbers: a
 * burst is a time in which fewer than BURST_GMIN packets in a row arrive between two losses. Pure; embedded in its
 * owner.
 */
#ifndef MEDIA_RTP_BURST_H
#define MEDIA_RTP_BURST_H

#include <stdint.h>

enum { BURST_GMIN = 16 }; /* RFC 3611 s4.7.2: recommended */

struct burst {
	uint64_t since_loss; /* received since the last loss */
	uint64_t in_burst;   /* lost in the burst, or alone, that is the latest */
	uint64_t lost, runs; /* runs: of losses in a row */
	uint64_t c11, c13, c14, c22, c23, c33;
};

/* What a stream's losses amount to. Densities: share of packets lost in it, 0 to 1. */
struct burst_metrics {
	double burst_density, gap_density;
	double burst_packets, gap_packets; /* mean lengths */
	double ratio; /* mean length of runs of losses over that of random loss at the same rate: BurstR of ITU-T G.107;
			 1 is random */
};

/* Packets that never came, then one that did. */
void burst_received(struct burst *b, unsigned lost_before);
struct burst_metrics burst_metrics(const struct burst *b);

#endif
