#include "media/quality.h"

enum { PACKET_MS = 20 };

static const double OPUS_LOOKAHEAD_MS = 6.5; /* RFC 6716 s2.1.5: 5 ms, and 1.5 of SILK's resampling */

static double over(int64_t part, int64_t whole)
{
	return whole > 0 && part > 0 ? 100.0 * (double)part / (double)whole : 0;
}

static double positive(double v)
{
	return v > 0 ? v : 0;
}

struct quality_verdict quality_judge(const struct media_rx_stats *rx, enum emodel_codec codec)
{
	struct quality_verdict q = {-1, -1, -1, -1, -1, -1, -1};
	int64_t expected = rx->packets - rx->duplicates + rx->lost;

	if (rx->packets <= 0 || expected <= 0)
		return q; /* nothing came: nothing to judge */
	q.loss_percent = over(rx->lost, expected);
	q.discard_percent = over(rx->late, expected);
	q.one_way_ms = positive(rx->rtt_ms) / 2 + positive(rx->playout_delay_ms) + PACKET_MS +
		       (codec == EMODEL_OPUS_NB ? OPUS_LOOKAHEAD_MS : 0);
	if (rx->concealed_ms >= 0 && rx->played_ms > 0)
		q.concealed_percent = over(rx->concealed_ms, rx->concealed_ms + rx->played_ms + rx->fec_ms);
	/* What redundancy has brought back is not heard as loss. Where nothing is played here, all is loss that has not
	 * come in time. */
	struct emodel_input in = {.codec = codec,
		.loss_percent = q.concealed_percent >= 0 ? q.concealed_percent : q.loss_percent + q.discard_percent,
		.burst_ratio = rx->burst_ratio};

	q.mos_lq = emodel_mos(&in);
	in.one_way_delay_ms = q.one_way_ms;
	q.r = emodel_r(&in);
	q.mos_cq = emodel_mos_of_r(q.r);
	return q;
}
