/* media/sip_srtp.h
 *
 * SRTP and SRTCP with the SIP side, its keys from the SDP (RFC 4568): what is new with each offer and answer is taken
 * over without a gap. Plain RTP passes untouched while there is none. Stepped; allocates only when keys change.
 * Embedded in the session; its owner's thread.
 */
#ifndef MEDIA_SIP_SRTP_H
#define MEDIA_SIP_SRTP_H

#include "lib/sdp/media_desc.h"

#include <stddef.h>
#include <stdint.h>

enum { SIP_SRTP_PACKET_MAX = 2048 };

struct srtp_session;

struct sip_srtp {
	struct media_sip_srtp keys;
	/* One for each direction, because each side changes its key when it likes: ours goes on counting (RFC 3711
	 * s3.3.1) while the peer's begins anew. */
	struct srtp_session *tx, *rx;
	struct srtp_session *rx_before; /* until the first packet under the peer's new key */
	uint64_t retry_us;              /* not before: room for another SSRC */
};

/* As agreed, or agreed anew; embedded zeroed. Returns 0 or negative errno, then nothing has changed. */
int sip_srtp_set(struct sip_srtp *p, const struct media_sip_srtp *keys);
/* Our stream has another SSRC from now on: there is room for it, however many there were. Returns 0 or negative errno.
 */
int sip_srtp_new_line(struct sip_srtp *p);
/* In place; cap: room for SRTP_TRAILER_MAX more than length. Returns 0 or negative errno. */
int sip_srtp_protect(struct sip_srtp *p, bool rtcp, uint8_t *bytes, size_t length, size_t cap, size_t *ret_length);
/* In place. Returns 0, or the errors of srtp_session_unprotect_rtp(). */
int sip_srtp_unprotect(
	struct sip_srtp *p, bool rtcp, uint8_t *bytes, size_t length, uint64_t now_us, size_t *ret_length);
/* Wipes the keys. */
void sip_srtp_done(struct sip_srtp *p);

#endif
