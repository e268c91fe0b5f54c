/* media/rtp/seq.h
 *
 * What one SSRC's sequence numbers and timestamps tell: loss, duplicates, reordering, jitter (RFC 3550 A.1, A.3, A.8).
 * Pure; embedded.
 */
#ifndef MEDIA_RTP_SEQ_H
#define MEDIA_RTP_SEQ_H

#include <stdbool.h>
#include <stdint.h>

enum {
	SEQ_MAX_DROPOUT = 3000, /* RFC 3550 A.1 */
	SEQ_MAX_MISORDER = 100, /* RFC 3550 A.1 */
};

enum seq_verdict {
	SEQ_NEWEST,     /* ahead of all before, gap or not */
	SEQ_REORDERED,  /* older than the newest, not seen before */
	SEQ_DUPLICATE,  /* seen before */
	SEQ_RESTARTED,  /* two packets in a row far away from the rest: the source began again here */
	SEQ_SUSPICIOUS, /* one packet far away: not counted, do not use */
};

struct seq_tracker {
	uint32_t clock_hz;
	bool started;
	uint16_t max_seq;
	uint32_t cycles; /* shifted count of wraps */
	uint32_t base_seq;
	uint32_t bad_seq;
	uint32_t received;     /* distinct packets of this run */
	uint32_t received_all; /* duplicates included, as RFC 3550 s6.4.1 wants it for reports */
	uint32_t expected_prior, received_prior;
	uint32_t transit;
	bool have_transit;
	uint32_t jitter_q4; /* RFC 3550 A.8: scaled by 16 */
	uint64_t seen;      /* bit i: max_seq - i has been received */
	/* since seq_init(), through restarts */
	uint64_t duplicates, reordered;
	int64_t lost_before; /* of the runs ended by restarts */
};

void seq_init(struct seq_tracker *t, uint32_t clock_hz);
enum seq_verdict seq_packet(struct seq_tracker *t, uint16_t seq);
/* Only for packets whose timestamp says when they were sampled: not telephone-event. */
void seq_jitter(struct seq_tracker *t, uint32_t ts, uint64_t now_us);

uint32_t seq_extended_max(const struct seq_tracker *t);
double seq_jitter_ms(const struct seq_tracker *t);
int64_t seq_lost(const struct seq_tracker *t); /* never received so far, duplicates not set off against it; >= 0 */
/* For a report block: since the last call of this, and in all (24 bits, signed). */
void seq_report(struct seq_tracker *t, uint8_t *ret_fraction, int32_t *ret_cumulative);

#endif
