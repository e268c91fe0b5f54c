/* b2bua/call/negotiate_opus.h
 *
 * What a receiver of Opus says of itself in its fmtp line (RFC 7587 s6.1). Pure. Shared by negotiate_wa.c and
 * negotiate_codec.c.
 */
#ifndef B2BUA_CALL_NEGOTIATE_OPUS_H
#define B2BUA_CALL_NEGOTIATE_OPUS_H

#include "lib/sdp/media_desc.h"
#include "lib/sdp/sdp_audio.h"

/* maxaveragebitrate within 6000 to 510000; 0: not said. */
uint32_t negotiate_opus_bitrate(const struct sdp_codec *opus);
struct media_opus_receiver negotiate_opus_receiver(const struct sdp_codec *opus);

#endif
