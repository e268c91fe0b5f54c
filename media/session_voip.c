/* media/session_voip.c
 *
 * How we hear the SIP side, told to it where it asks (RFC 3611).
 */
#include "media/quality.h"
#include "media/session_inner.h"

#include <math.h>

enum { DELAY_OURS_MS = 27 }; /* a frame of 20 ms filled, and Opus' look-ahead: docs/quality.md */

static uint8_t of_256(double percent)
{
	double n = percent * 2.56;
	return n <= 0 ? 0 : n >= 255 ? 255 : (uint8_t)n;
}

static uint16_t ms(double v)
{
	return v <= 0 ? 0 : v >= 65535 ? 65535 : (uint16_t)lround(v);
}

static uint8_t tenths(double mos)
{
	return mos < 1 ? RTCP_VOIP_UNKNOWN : (uint8_t)lround(mos * 10);
}

void session_fill_voip(struct session *s)
{
	struct rtp_stream *stream = &s->sip.stream;
	struct rtcp_voip *v = &stream->voip;
	const struct burst_metrics burst = burst_metrics(&stream->rx_burst);
	unsigned packet_ms = s->to_wa.last_packet_samples * 1000 / LINE_RATE_HZ;
	struct media_stats stats;

	stream->has_voip = s->sip_remote.xr_voip;
	if (!stream->has_voip)
		return;
	session_stats(s, &stats);
	const struct quality_verdict q =
		quality_judge(&stats.rx[END_SIP], s->sip_remote.codec == AUDIO_OPUS ? EMODEL_OPUS_NB : EMODEL_G711_PLC);
	*v = (struct rtcp_voip){.loss_rate = of_256(q.loss_percent),
		.discard_rate = of_256(q.discard_percent),
		.burst_density = of_256(burst.burst_density * 100),
		.gap_density = of_256(burst.gap_density * 100),
		.burst_ms = ms(burst.burst_packets * packet_ms),
		.gap_ms = ms(burst.gap_packets * packet_ms),
		.round_trip_ms = ms(stats.rx[END_SIP].rtt_ms),
		.end_system_ms = ms(DELAY_OURS_MS + stats.rx[END_WA].playout_delay_ms),
		.signal_dbm = RTCP_VOIP_UNKNOWN,
		.noise_dbm = RTCP_VOIP_UNKNOWN,
		.rerl_db = RTCP_VOIP_UNKNOWN,
		.gmin = BURST_GMIN,
		.r_factor = q.r < 0 ? RTCP_VOIP_UNKNOWN : (uint8_t)lround(q.r),
		.external_r_factor = RTCP_VOIP_UNKNOWN,
		.mos_lq_x10 = tenths(q.mos_lq),
		.mos_cq_x10 = tenths(q.mos_cq),
		/* gaps stay gaps, the phone conceals; nothing is held but for what overtakes another packet */
		.jb_adaptive = RTCP_VOIP_JB_FIXED,
		.jb_max_ms = REORDER_HOLD_US / 1000,
		.jb_limit_ms = REORDER_HOLD_US / 1000};
}
