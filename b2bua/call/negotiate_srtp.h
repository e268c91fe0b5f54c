/* b2bua/call/negotiate_srtp.h
 *
 * Inside negotiate_sip*.c: whether the SIP leg has SRTP, and with which keys (RFC 4568).
 *
 *   policy     we offer                 offered / answered plain   offered / answered with keys
 *   OFF        RTP/AVP                  plain                      RTP/AVP: plain; RTP/SAVP: refused
 *   OFFER      RTP/AVP and a=crypto     plain                      SRTP
 *   REQUIRE    RTP/SAVP and a=crypto    refused                    SRTP
 */
#ifndef B2BUA_CALL_NEGOTIATE_SRTP_H
#define B2BUA_CALL_NEGOTIATE_SRTP_H

#include "b2bua/call/negotiate.h"

/* Protocol and keys of our offer. */
void negotiate_srtp_offer(const struct sip_negotiation *n, struct sdp_audio *offer);
/* What the peer's description means; is_answer: to an offer of ours. *ret_tag is what an answer to it must repeat.
 * Returns 0 or -ENOENT (see the table). */
int negotiate_srtp_read(const struct sip_negotiation *n, const struct sdp_audio *peer, bool is_answer,
	struct media_sip_srtp *ret_srtp, uint16_t *ret_tag);
/* Our line in the answer to what was read. */
void negotiate_srtp_answer(const struct media_sip_srtp *srtp, uint16_t tag, struct sdp_audio *answer);
bool negotiate_srtp_equal(const struct media_sip_srtp *a, const struct media_sip_srtp *b);

#endif
