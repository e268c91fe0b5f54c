/* media/rtp/rtp_stream.h
 *
 * RTP with one peer: the line we send (one SSRC, one sequence space, for ever), what is received (following the peer's
 * SSRC when it changes), and the RTCP that goes with both. Knows no addresses and no payload. Stepped, pure; embedded
 * in its owner.
 */
#ifndef MEDIA_RTP_RTP_STREAM_H
#define MEDIA_RTP_RTP_STREAM_H

#include "media/rtp/burst.h"
#include "media/rtp/rtcp.h"
#include "media/rtp/rtp.h"
#include "media/rtp/seq.h"

enum {
	RTCP_FIRST_MIN_MS = 1000, /* RFC 3550 s6.2: half the interval before the first report; we add chance */
	RTCP_FIRST_MAX_MS = 2000,
	RTCP_INTERVAL_MS = 5000, /* RFC 3550 s6.2: minimum; times 0.5 to 1.5 at random */
};

struct rtp_stream_conf {
	uint32_t clock_hz;
	uint32_t ssrc;
	uint16_t first_seq;
	const char *cname; /* copied */
	uint64_t random_seed;
};

struct rtp_stream {
	uint32_t clock_hz, ssrc; /* until rtp_stream_change_clock() */
	/* fixed after rtp_stream_init(): */
	char cname[RTCP_CNAME_MAX + 1];
	/* sending */
	uint16_t seq;   /* of the next packet */
	uint32_t tx_ts; /* of the last packet */
	uint64_t tx_ts_at_us;
	uint64_t tx_packets, tx_bytes; /* payload */
	uint64_t tx_packets_reported;
	uint64_t tx_packets_before, tx_bytes_before; /* of SSRCs of ours that are gone */
	/* receiving */
	bool has_peer;
	uint32_t peer_ssrc;
	struct seq_tracker rx;
	int64_t lost_before; /* of SSRCs gone */
	uint64_t duplicates_before, reordered_before;
	uint64_t rx_packets, rx_bytes, ssrc_changes;
	uint64_t last_rx_us;   /* RTP or RTCP; 0 never */
	struct burst rx_burst; /* through changes of SSRC */
	double jitter_sum_ms;
	uint64_t jitter_count;
	/* RTCP */
	uint64_t random_state;
	uint64_t report_due_us; /* UINT64_MAX: not started */
	uint32_t peer_sr_mid;   /* middle 32 bits of the last SR's NTP time; 0 none */
	uint64_t peer_sr_at_us;
	double rtt_sum_ms, remote_loss_sum_percent, remote_jitter_sum_ms;
	uint64_t rtt_count, remote_count;
	uint8_t remote_fraction_lost;     /* of the last report */
	bool has_voip, peer_has_voip;     /* has_voip: the owner keeps voip up to date, and it goes with each report */
	struct rtcp_voip voip, peer_voip; /* how we hear the peer; how it hears us, the latest */
	bool bye_received;
};

void rtp_stream_init(struct rtp_stream *s, const struct rtp_stream_conf *conf);

/* Header of the next packet we send; counts it. */
void rtp_stream_header(struct rtp_stream *s, uint8_t pt, bool marker, uint32_t ts, size_t payload_length,
	uint64_t now_us, uint8_t dst[RTP_HEADER_BYTES]);

/* A packet from the peer. timed: its timestamp is its sampling time (audio). *ret_new_source: the SSRC changed or the
 * source restarted; forget what you know of its timestamps. SEQ_DUPLICATE and SEQ_SUSPICIOUS packets are not to be
 * used. */
enum seq_verdict rtp_stream_received(
	struct rtp_stream *s, const struct rtp_hdr *hdr, bool timed, uint64_t now_us, bool *ret_new_source);

/* Somebody else will send from now on: the next packet begins a stream, whatever its SSRC. What was counted stays, and
 * so does the line we send. */
void rtp_stream_forget_peer(struct rtp_stream *s);

/* Both ways audio is counted in another clock from now on: what we send gets another SSRC (RFC 7160 s4.1), and the
 * peer's next packet begins a stream. Send a BYE for the SSRC of before first. */
void rtp_stream_change_clock(struct rtp_stream *s, uint32_t clock_hz);

/* Start reporting: first report in one to two seconds. Does nothing when started. */
void rtp_stream_start_reports(struct rtp_stream *s, uint64_t now_us);
/* When rtp_stream_report() is due; UINT64_MAX: not started. */
static inline uint64_t rtp_stream_deadline(const struct rtp_stream *s)
{
	return s->report_due_us;
}
/* SR when we sent since the last report, else RR; schedules the next. Returns its length, at most RTCP_MAX_BYTES. */
size_t rtp_stream_report(struct rtp_stream *s, bool bye, uint64_t now_us, uint8_t *dst, size_t cap);
/* RTCP from the peer. Returns 0 or -EPROTO. *ret_has_block: it says how it hears us (s->remote_fraction_lost). */
int rtp_stream_rtcp(struct rtp_stream *s, const void *bytes, size_t length, uint64_t now_us, bool *ret_has_block);

int64_t rtp_stream_lost(const struct rtp_stream *s);
uint64_t rtp_stream_duplicates(const struct rtp_stream *s);
uint64_t rtp_stream_reordered(const struct rtp_stream *s);
/* Means over the call; -1 when nothing was measured. */
double rtp_stream_jitter_ms(const struct rtp_stream *s);
double rtp_stream_rtt_ms(const struct rtp_stream *s);
double rtp_stream_remote_loss_percent(const struct rtp_stream *s);
double rtp_stream_remote_jitter_ms(const struct rtp_stream *s);

#endif
