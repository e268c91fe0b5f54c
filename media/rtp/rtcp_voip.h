/* media/rtp/rtcp_voip.h
 *
 * The VoIP Metrics Report Block of RTCP XR (RFC 3611 s4.7): how one stream is heard, told to whoever sends it. Pure.
 */
#ifndef MEDIA_RTP_RTCP_VOIP_H
#define MEDIA_RTP_RTCP_VOIP_H

#include <stdbool.h>
#include <stdint.h>

struct rd;
struct wr;

enum {
	RTCP_VOIP_BYTES = 36,    /* with its header */
	RTCP_VOIP_UNKNOWN = 127, /* levels, R factors, MOS */
	RTCP_VOIP_JB_FIXED = 2,  /* jb_adaptive: s4.7.6. 3 is adaptive, 0 not known */
};

struct rtcp_voip {
	uint32_t ssrc;                                               /* of the stream */
	uint8_t loss_rate, discard_rate, burst_density, gap_density; /* of 256 */
	uint16_t burst_ms, gap_ms;                                   /* mean lengths */
	uint16_t round_trip_ms, end_system_ms;                       /* 0: not measured */
	int8_t signal_dbm, noise_dbm;
	uint8_t rerl_db, gmin;
	uint8_t r_factor, external_r_factor;
	uint8_t mos_lq_x10, mos_cq_x10; /* 10 to 50 */
	uint8_t plc, jb_adaptive, jb_rate;
	uint16_t jb_nominal_ms, jb_max_ms, jb_limit_ms;
};

/* The blocks of an XR packet, behind its header. Takes the one about our_ssrc, else a sole one (Meta's relay rewrites
 * our SSRC; so do others). True when there is one; false too when lengths cannot be: then *r has failed. */
bool rtcp_voip_read(struct rd *r, uint32_t our_ssrc, struct rtcp_voip *ret_voip);
void rtcp_voip_write(const struct rtcp_voip *v, struct wr *w);

#endif
