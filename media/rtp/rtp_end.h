/* media/rtp/rtp_end.h
 *
 * The SIP end of a call: RTP and RTCP with a PBX whose true address may differ from what its SDP says (symmetric RTP),
 * guarded against packets of strangers. Owns the addresses; what is in the packets is rtp_stream's. Stepped, pure;
 * embedded.
 *
 *   OPEN ---- a packet from the host in the SDP, or the second in a row from another one --> LOCKED on its source
 *   LOCKED -- a packet from elsewhere: taken, and the lock moves, only when
 *             it comes from the address in the SDP, or
 *             from the host in the SDP, while the lock is on another host, or
 *             it goes on with the SSRC and sequence of the stream, or
 *             the locked source has been silent for RTP_END_RELATCH_MS, and it comes from the same host; or for
 *             RTP_END_RELATCH_ELSEWHERE_MS, and it is the second in a row of whatever host, unless the lock is where
 *             the SDP says: then no silence lets another host in
 *   any ----- an authentic packet (SRTP) --> LOCKED on its source
 *   any ----- new remote address by SDP --> OPEN
 *   any ----- another peer by SDP --------> OPEN, and the addresses of the one before are shunned, until an SDP names
 *             one of them again
 *
 * So a stranger who sends to our port while the peer speaks is not heard, and is sent nothing. One who is there before
 * the peer's first packet is, until that comes from where the SDP says. Only SRTP shuts it out.
 */
#ifndef MEDIA_RTP_RTP_END_H
#define MEDIA_RTP_RTP_END_H

#include "lib/base/addr.h"
#include "media/rtp/rtp_stream.h"

enum {
	RTP_END_RELATCH_MS = 2000,
	RTP_END_RELATCH_ELSEWHERE_MS = 10000,
	RTP_END_SEQ_NEAR =
		100, /* RFC 3550 A.1 MAX_MISORDER: a guesser would have to know the sequence as well as the SSRC */
	RTP_END_SHUNNED_MAX = 4, /* peers before this one whose packets may still be on their way */
};

/* What is known of a packet besides its header. */
enum rtp_end_trust {
	RTP_END_PLAIN,
	RTP_END_STRANGE,   /* of a payload type nobody agreed on: it never moves the lock */
	RTP_END_AUTHENTIC, /* SRTP has checked it */
};

/* Where a peer was: by its SDP, and in truth. */
struct rtp_end_addrs {
	struct addr signalled_rtp, signalled_rtcp, rtp, rtcp;
};

struct rtp_end {
	struct rtp_stream stream;
	struct addr signalled_rtp, signalled_rtcp; /* rtcp unset: no RTCP sent */
	struct addr rtp;                           /* LOCKED: source; else unset */
	struct addr rtcp;                          /* last source of valid RTCP; else unset */
	uint64_t last_rtp_us;
	uint64_t wrong_source;
	/* the last packet of a host not in the SDP that the lock might move to */
	struct addr probe_from;
	uint32_t probe_ssrc;
	uint16_t probe_seq;
	struct rtp_end_addrs shunned[RTP_END_SHUNNED_MAX];
	unsigned shunned_next; /* overwritten next */
};

void rtp_end_init(struct rtp_end *e, const struct rtp_stream_conf *conf);
/* Where the peer's SDP says it is. The same addresses again change nothing. */
void rtp_end_set_remote(struct rtp_end *e, const struct addr *rtp, const struct addr *rtcp);
/* The same, of another party than before: it may send from anywhere but where that one was, unless its SDP says that it
 * is in the same place. Its stream begins anew. */
void rtp_end_set_new_peer(struct rtp_end *e, const struct addr *rtp, const struct addr *rtcp);

/* Is an RTP packet with this (valid) header to be taken? *ret_moved: the lock is now on `from`, and that is not where
 * we sent before. */
bool rtp_end_accept(struct rtp_end *e, const struct rtp_hdr *hdr, const struct addr *from, enum rtp_end_trust trust,
	uint64_t now_us, bool *ret_moved);
/* The lock is on the host in the peer's SDP. Elsewhere it may be a stranger's, who came before the peer. */
bool rtp_end_is_at_home(const struct rtp_end *e);
/* The same for RTCP: only hosts that we expect. */
bool rtp_end_accept_rtcp(struct rtp_end *e, const struct addr *from);

/* Where to send; NULL: nowhere. Borrowed until the next call. */
const struct addr *rtp_end_rtp_to(const struct rtp_end *e);
/* ret_addr is written and returned. */
const struct addr *rtp_end_rtcp_to(const struct rtp_end *e, struct addr *ret_addr);

#endif
