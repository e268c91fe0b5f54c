/* media/rtp/rtp.h
 *
 * The RTP header (RFC 3550 s5.1). Pure.
 */
#ifndef MEDIA_RTP_RTP_H
#define MEDIA_RTP_RTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { RTP_HEADER_BYTES = 12 };

struct rtp_hdr {
	uint8_t pt; /* 0..127 */
	bool marker;
	uint16_t seq;
	uint32_t ts;
	uint32_t ssrc;
	/* filled by rtp_parse(), not read by rtp_write(): */
	uint16_t payload_offset; /* past CSRCs and extension */
	uint16_t payload_length; /* without padding */
};

/* Returns 0, or -EPROTO: too short, version not 2, CSRC list, extension or padding beyond the packet, or longer than
 * 65535. */
int rtp_parse(const void *bytes, size_t length, struct rtp_hdr *ret_hdr);
/* The fixed header, no CSRC, no extension: dst[RTP_HEADER_BYTES]. */
void rtp_write(const struct rtp_hdr *hdr, uint8_t *dst);
/* On a port that carries both (RFC 5761 s4): is this RTCP? */
bool rtp_is_rtcp(const void *bytes, size_t length);

#endif
