/* media/webrtc/demux.h
 *
 * What a datagram on the one flow is, by its first bytes (RFC 7983 s7, RFC 5761 s4). Pure.
 */
#ifndef MEDIA_WEBRTC_DEMUX_H
#define MEDIA_WEBRTC_DEMUX_H

#include "media/webrtc/stun.h"

#include <stddef.h>
#include <stdint.h>

enum demux_kind { DEMUX_UNKNOWN, DEMUX_STUN, DEMUX_DTLS, DEMUX_RTP, DEMUX_RTCP };

static inline enum demux_kind demux(const uint8_t *bytes, size_t length)
{
	if (length < 2)
		return DEMUX_UNKNOWN;
	if (bytes[0] >= 128 && bytes[0] <= 191) /* packet types 192..223, which muxed RTP leaves free */
		return bytes[1] >= 192 && bytes[1] <= 223 ? DEMUX_RTCP : DEMUX_RTP;
	if (bytes[0] >= 20 && bytes[0] <= 63)
		return DEMUX_DTLS;
	return stun_is(bytes, length) ? DEMUX_STUN : DEMUX_UNKNOWN;
}

#endif
