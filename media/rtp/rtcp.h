/* media/rtp/rtcp.h
 *
 * Compound RTCP packets (RFC 3550 s6): what one peer says about itself and about what it hears from us. Pure.
 */
#ifndef MEDIA_RTP_RTCP_H
#define MEDIA_RTP_RTCP_H

#include "media/rtp/rtcp_voip.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	RTCP_SR = 200,
	RTCP_RR = 201,
	RTCP_SDES = 202,
	RTCP_BYE = 203,
	RTCP_XR = 207, /* RFC 3611 s2 */
	RTCP_CNAME_MAX = 63,
	RTCP_MAX_BYTES = 204, /* the longest rtcp_write() makes: SR with one block, SDES, XR, BYE */
};

struct rtcp_block { /* RFC 3550 s6.4.1 */
	uint32_t ssrc;
	uint8_t fraction_lost;   /* of 256 */
	int32_t cumulative_lost; /* 24 bits */
	uint32_t highest_seq;
	uint32_t jitter;    /* of the stream's RTP clock */
	uint32_t lsr, dlsr; /* 1/65536 s */
};

struct rtcp_sender {
	uint64_t ntp; /* any reference clock: RFC 3550 s4 */
	uint32_t rtp_ts, packets, octets;
};

struct rtcp_info {
	uint32_t ssrc; /* who sent it */
	bool has_sender, has_block, has_voip, bye;
	struct rtcp_sender sender;
	struct rtcp_block block; /* about our stream */
	struct rtcp_voip voip;   /* the same, as speech */
};

/* our_ssrc picks the report block about us; a sole block is taken whatever it names, because Meta's relay rewrites our
 * SSRC (Meta: one SSRC for the whole call). Packets of other types are skipped. Returns 0 or -EPROTO (a length or
 * version that cannot be). */
int rtcp_parse(const void *bytes, size_t length, uint32_t our_ssrc, struct rtcp_info *ret_info);

/* SR (has_sender) or RR with at most one block, SDES with the CNAME, XR (has_voip), and BYE. Returns bytes written, 0
 * when cap is too small. */
size_t rtcp_write(const struct rtcp_info *info, const char *cname, uint8_t *dst, size_t cap);

/* Our reference clock: 32.32 seconds. */
uint64_t rtcp_ntp(uint64_t now_us);
/* Round trip (RFC 3550 s6.4.1) in microseconds; -1 when the block holds no LSR or one that makes no sense. */
int64_t rtcp_rtt_us(const struct rtcp_block *block, uint64_t now_us);

#endif
