/* media/tap/rtp_copy.h
 *
 * A read-only copy of what the parties of a call say, as RTP to a place of its own: for transcription and voice AI. One
 * stream for each party, with its own SSRC (even: the WhatsApp user, odd: the SIP side), sequence and timestamps; what
 * was not said leaves a gap in the timestamps, as RFC 3550 s5.1 wants it.
 *
 * Embedded in the session's tap; its thread. Pure but for the callback; nothing is allocated.
 */
#ifndef MEDIA_TAP_RTP_COPY_H
#define MEDIA_TAP_RTP_COPY_H

#include "lib/base/addr.h"
#include "media/tap/place.h"
#include "media/tap/record_ring.h"

enum rtp_copy_format {
	RTP_COPY_PCMU, /* 8 kHz, payload type 0 */
	RTP_COPY_L16,  /* RFC 3551 s4.5.11, at the rate of the call: type 96 at 8 kHz, 97 at 16 kHz */
};
enum {
	RTP_COPY_PT_PCMU = 0,
	RTP_COPY_PT_L16_8K = 96,
	RTP_COPY_PT_L16_16K = 97,
	RTP_COPY_PT_OPUS = 111, /* where the call passes Opus on as it is, the copy is Opus, whatever the format */
};

struct rtp_copy_conf {
	struct addr to;
	enum rtp_copy_format format;
	bool side[2];  /* [enum media_side]: whose speech */
	uint32_t ssrc; /* even: of SIDE_WA; SIDE_SIP has the next one */
};

struct rtp_copy {
	struct rtp_copy_conf conf;
	bool on;
	struct rtp_copy_stream {
		uint32_t ssrc, clock_hz, first_ts;
		uint16_t seq;
		struct place place;
	} stream[2];
	void (*send)(void *arg, const uint8_t *bytes, size_t length, const struct addr *to);
	void *send_arg;
	uint64_t packets;
};

void rtp_copy_start(struct rtp_copy *c, const struct rtp_copy_conf *conf, uint64_t now_us);
void rtp_copy_stop(struct rtp_copy *c);
void rtp_copy_put(struct rtp_copy *c, const struct tap_frame *frame);

#endif
