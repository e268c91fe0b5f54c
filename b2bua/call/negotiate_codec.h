/* b2bua/call/negotiate_codec.h
 *
 * Codecs and payload types of the SIP leg. Inside the negotiation only.
 */
#ifndef B2BUA_CALL_NEGOTIATE_CODEC_H
#define B2BUA_CALL_NEGOTIATE_CODEC_H

#include "b2bua/call/negotiate.h"

bool negotiate_codec_known(enum audio_codec codec);
/* Numbers before anything has been agreed on. */
void negotiate_codec_init(struct sip_negotiation *n);
/* All we have, as lines of an offer. */
void negotiate_codec_offer(const struct sip_negotiation *n, struct sdp_audio *offer);
/* What of the peer's description is used: writes the parts of *r that say so. Returns 0, or -ENOENT: nothing in common.
 */
int negotiate_codec_read(
	const struct sip_negotiation *n, const struct sdp_audio *peer, bool is_answer, struct media_sip_remote *r);
/* The one codec in use, under the peer's numbers. */
void negotiate_codec_answer(
	const struct sip_negotiation *n, const struct media_sip_remote *r, struct sdp_audio *answer);
/* After an answer of ours under the peer's numbers: RFC 3264 s8.3.2: a number stays with its format for the session. */
void negotiate_codec_keep(struct sip_negotiation *n, const struct media_sip_remote *r);
bool negotiate_codec_equal(const struct media_sip_remote *a, const struct media_sip_remote *b);

#endif
