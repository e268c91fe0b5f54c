/* media/stats.c
 *
 * The numbers of a session, gathered from where they are counted.
 */
#include "media/session_inner.h"
#include "media/webrtc/webrtc_end.h"

#include <string.h>

/* In conversation, else as listening; 1 to 5 by RFC 3611 s4.7.5, anything else is not known. */
static double voip_mos(const struct rtcp_voip *v)
{
	uint8_t x10 = v->mos_cq_x10 >= 10 && v->mos_cq_x10 <= 50 ? v->mos_cq_x10 : v->mos_lq_x10;
	return x10 >= 10 && x10 <= 50 ? x10 / 10.0 : -1.0;
}

static void stream_stats(const struct rtp_stream *s, struct media_rx_stats *rx, struct media_tx_stats *tx)
{
	rx->packets = (int64_t)s->rx_packets;
	rx->bytes = (int64_t)s->rx_bytes;
	rx->lost = rtp_stream_lost(s);
	rx->duplicates = (int64_t)rtp_stream_duplicates(s);
	rx->reordered = (int64_t)rtp_stream_reordered(s);
	rx->jitter_ms = rtp_stream_jitter_ms(s);
	rx->rtt_ms = rtp_stream_rtt_ms(s);
	tx->packets = (int64_t)s->tx_packets;
	tx->bytes = (int64_t)s->tx_bytes;
	tx->remote_loss_percent = rtp_stream_remote_loss_percent(s);
	rx->burst_ratio = burst_metrics(&s->rx_burst).ratio;
	tx->remote_discard_percent = s->peer_has_voip ? s->peer_voip.discard_rate / 2.56 : -1.0;
	tx->remote_mos = s->peer_has_voip ? voip_mos(&s->peer_voip) : -1.0;
	tx->remote_jitter_ms = rtp_stream_remote_jitter_ms(s);
}

void session_stats(const struct session *s, struct media_stats *ret_stats)
{
	struct media_rx_stats *wa = &ret_stats->rx[END_WA], *sip = &ret_stats->rx[END_SIP];
	const struct jbuf_stats *jb = jbuf_stats(s->to_sip.jb);

	memset(ret_stats, 0, sizeof(*ret_stats));
	stream_stats(&s->wa, wa, &ret_stats->tx[END_WA]);
	stream_stats(&s->sip.stream, sip, &ret_stats->tx[END_SIP]);

	const struct opus_line *line = s->to_sip.line;
	wa->late = (int64_t)(jb->late + (line ? line->reorder.late : 0));
	wa->discarded =
		(int64_t)(jb->discarded + s->to_sip.discarded + (line ? line->discarded : 0) + s->discarded[END_WA]);
	wa->passed = line ? (int64_t)line->passed : 0;
	wa->concealed_ms = (int64_t)(s->to_sip.concealed_ms + jb->empty_ms);
	wa->fec_ms = (int64_t)s->to_sip.fec_ms;
	wa->playout_delay_ms = jb->played ? jb->hold_sum_ms / (double)jb->played : -1.0;
	wa->playout_p95_ms = jbuf_hold_percentile_ms(s->to_sip.jb, 95);
	wa->hold_target_ms = jbuf_target_ms(s->to_sip.jb);
	wa->hold_target_max_ms = jb->target_max_ms;
	wa->hold_limit_ms = jbuf_limit_ms(s->to_sip.jb);
	wa->played_ms = (int64_t)jb->played_ms;
	wa->shortened_ms = (int64_t)(jb->dropped_ms + s->to_sip.cut_samples / BRIDGE_SAMPLES_PER_MS);
	wa->longer_ms = (int64_t)jb->stretched_ms;
	if (wa->rtt_ms < 0)
		wa->rtt_ms =
			webrtc_end_rtt_ms(s->webrtc); /* Meta's relay may send no reports; consent checks do as well */

	sip->late = (int64_t)s->to_wa.reorder.late +
		    (s->greeting ? greeting_stats(s->greeting).late : s->greeting_stats.late);
	sip->passed = (int64_t)s->to_wa.passed;
	sip->discarded = (int64_t)(s->to_wa.discarded + s->discarded[END_SIP]);
	sip->playout_delay_ms = -1.0; /* nothing is held, nothing concealed: the phone does that */
	sip->concealed_ms = sip->fec_ms = -1;
	sip->playout_p95_ms = sip->hold_target_ms = sip->hold_target_max_ms = sip->hold_limit_ms = -1.0;

	ret_stats->ice_us = s->ice_us;
	ret_stats->dtls_us = s->dtls_us;
	for (int end = 0; end < END_COUNT; end++) {
		ret_stats->first_rx_us[end] = s->first_rx_us[end];
		ret_stats->first_tx_us[end] = s->first_tx_us[end];
	}
	ret_stats->dtmf_digits = s->dtmf_digits;
	const struct greeting_stats greeting = s->greeting ? greeting_stats(s->greeting) : s->greeting_stats;
	ret_stats->greeting_held_ms = s->greeted ? greeting.held_ms : -1;
	ret_stats->greeting_lost_ms = s->greeted ? greeting.lost_ms : -1;
}
