#include "media/rtp/rtp_stream.h"

#include "lib/base/str.h"

#include <string.h>

static uint32_t random_below(struct rtp_stream *s, uint32_t limit)
{
	s->random_state ^= s->random_state << 13;
	s->random_state ^= s->random_state >> 7;
	s->random_state ^= s->random_state << 17;
	return (uint32_t)((s->random_state >> 32) * limit >> 32);
}

void rtp_stream_init(struct rtp_stream *s, const struct rtp_stream_conf *conf)
{
	memset(s, 0, sizeof(*s));
	s->clock_hz = conf->clock_hz;
	s->ssrc = conf->ssrc;
	s->seq = conf->first_seq;
	str_copy(s->cname, sizeof(s->cname), conf->cname);
	s->random_state = conf->random_seed | 1; /* xorshift never leaves zero */
	s->report_due_us = UINT64_MAX;
	seq_init(&s->rx, conf->clock_hz);
}

void rtp_stream_header(struct rtp_stream *s, uint8_t pt, bool marker, uint32_t ts, size_t payload_length,
	uint64_t now_us, uint8_t dst[RTP_HEADER_BYTES])
{
	struct rtp_hdr h = {.pt = pt, .marker = marker, .seq = s->seq++, .ts = ts, .ssrc = s->ssrc};
	rtp_write(&h, dst);
	s->tx_ts = ts;
	s->tx_ts_at_us = now_us;
	s->tx_packets++;
	s->tx_bytes += payload_length;
}

void rtp_stream_forget_peer(struct rtp_stream *s)
{
	if (s->has_peer) {
		s->lost_before += seq_lost(&s->rx);
		s->duplicates_before += s->rx.duplicates;
		s->reordered_before += s->rx.reordered;
		s->ssrc_changes++;
	}
	s->peer_sr_mid = 0;
	s->has_peer = s->bye_received = false;
	seq_init(&s->rx, s->clock_hz);
}

void rtp_stream_change_clock(struct rtp_stream *s, uint32_t clock_hz)
{
	uint32_t before = s->ssrc;
	s->clock_hz = clock_hz;
	rtp_stream_forget_peer(s);
	while (s->ssrc == before)
		s->ssrc = random_below(s, UINT32_MAX);
	s->seq = (uint16_t)random_below(s, 0x8000); /* the lower half: no wrap before SRTP has its bearings */
	s->tx_packets_before = s->tx_packets;
	s->tx_bytes_before = s->tx_bytes;
	s->tx_packets_reported = s->tx_packets;
}

static void follow_new_ssrc(struct rtp_stream *s, uint32_t ssrc)
{
	if (s->has_peer)
		rtp_stream_forget_peer(s);
	s->peer_ssrc = ssrc;
	s->has_peer = true;
}

enum seq_verdict rtp_stream_received(
	struct rtp_stream *s, const struct rtp_hdr *hdr, bool timed, uint64_t now_us, bool *ret_new_source)
{
	bool is_new = !s->has_peer || hdr->ssrc != s->peer_ssrc;
	if (is_new)
		follow_new_ssrc(s, hdr->ssrc);
	uint16_t step = (uint16_t)(hdr->seq - s->rx.max_seq);
	enum seq_verdict v = seq_packet(&s->rx, hdr->seq);
	if (v == SEQ_NEWEST || v == SEQ_RESTARTED)
		burst_received(&s->rx_burst, is_new || v == SEQ_RESTARTED ? 0 : step - 1u);
	*ret_new_source = is_new || v == SEQ_RESTARTED;
	s->last_rx_us = now_us;
	s->rx_packets++;
	s->rx_bytes += hdr->payload_length;
	if (timed && (v == SEQ_NEWEST || v == SEQ_RESTARTED)) {
		seq_jitter(&s->rx, hdr->ts, now_us);
		s->jitter_sum_ms += seq_jitter_ms(&s->rx);
		s->jitter_count++;
	}
	return v;
}

void rtp_stream_start_reports(struct rtp_stream *s, uint64_t now_us)
{
	if (s->report_due_us == UINT64_MAX)
		s->report_due_us =
			now_us + (RTCP_FIRST_MIN_MS + random_below(s, RTCP_FIRST_MAX_MS - RTCP_FIRST_MIN_MS)) * 1000ull;
}

static void fill_block(struct rtp_stream *s, uint64_t now_us, struct rtcp_block *b)
{
	b->ssrc = s->peer_ssrc;
	seq_report(&s->rx, &b->fraction_lost, &b->cumulative_lost);
	b->highest_seq = seq_extended_max(&s->rx);
	b->jitter = s->rx.jitter_q4 >> 4;
	b->lsr = s->peer_sr_mid;
	b->dlsr = s->peer_sr_mid ? (uint32_t)(rtcp_ntp(now_us - s->peer_sr_at_us) >> 16) : 0;
}

size_t rtp_stream_report(struct rtp_stream *s, bool bye, uint64_t now_us, uint8_t *dst, size_t cap)
{
	struct rtcp_info info = {.ssrc = s->ssrc, .bye = bye};
	info.has_sender = s->tx_packets != s->tx_packets_reported;
	if (info.has_sender) {
		uint64_t since_us = now_us - s->tx_ts_at_us;
		info.sender.ntp = rtcp_ntp(now_us);
		info.sender.rtp_ts = s->tx_ts + (uint32_t)(since_us * s->clock_hz / 1000000);
		info.sender.packets = (uint32_t)(s->tx_packets - s->tx_packets_before);
		info.sender.octets = (uint32_t)(s->tx_bytes - s->tx_bytes_before);
	}
	info.has_block = s->has_peer;
	if (info.has_block)
		fill_block(s, now_us, &info.block);
	info.has_voip = s->has_voip && s->has_peer;
	if (info.has_voip) {
		info.voip = s->voip;
		info.voip.ssrc = s->peer_ssrc;
	}
	s->tx_packets_reported = s->tx_packets;
	s->report_due_us = now_us + (RTCP_INTERVAL_MS / 2 + random_below(s, RTCP_INTERVAL_MS)) * 1000ull;
	return rtcp_write(&info, s->cname, dst, cap);
}

int rtp_stream_rtcp(struct rtp_stream *s, const void *bytes, size_t length, uint64_t now_us, bool *ret_has_block)
{
	struct rtcp_info info;
	int r = rtcp_parse(bytes, length, s->ssrc, &info);
	*ret_has_block = false;
	if (r < 0)
		return r;
	s->last_rx_us = now_us;
	if (info.has_sender) {
		s->peer_sr_mid = (uint32_t)(info.sender.ntp >> 16);
		s->peer_sr_at_us = now_us;
	}
	if (info.has_block) {
		int64_t rtt_us = rtcp_rtt_us(&info.block, now_us);
		if (rtt_us >= 0) {
			s->rtt_sum_ms += (double)rtt_us / 1000.0;
			s->rtt_count++;
		}
		s->remote_fraction_lost = info.block.fraction_lost;
		s->remote_loss_sum_percent += info.block.fraction_lost * 100.0 / 256.0;
		s->remote_jitter_sum_ms += info.block.jitter * 1000.0 / s->clock_hz;
		s->remote_count++;
		*ret_has_block = true;
	}
	if (info.has_voip) {
		s->peer_voip = info.voip;
		s->peer_has_voip = true;
	}
	s->bye_received |= info.bye;
	return 0;
}

int64_t rtp_stream_lost(const struct rtp_stream *s)
{
	return s->lost_before + seq_lost(&s->rx);
}

uint64_t rtp_stream_duplicates(const struct rtp_stream *s)
{
	return s->duplicates_before + s->rx.duplicates;
}

uint64_t rtp_stream_reordered(const struct rtp_stream *s)
{
	return s->reordered_before + s->rx.reordered;
}

static double mean(double sum, uint64_t count)
{
	return count ? sum / (double)count : -1.0;
}

double rtp_stream_jitter_ms(const struct rtp_stream *s)
{
	return mean(s->jitter_sum_ms, s->jitter_count);
}

double rtp_stream_rtt_ms(const struct rtp_stream *s)
{
	return mean(s->rtt_sum_ms, s->rtt_count);
}

double rtp_stream_remote_loss_percent(const struct rtp_stream *s)
{
	return mean(s->remote_loss_sum_percent, s->remote_count);
}

double rtp_stream_remote_jitter_ms(const struct rtp_stream *s)
{
	return mean(s->remote_jitter_sum_ms, s->remote_count);
}
