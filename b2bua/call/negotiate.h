/* b2bua/call/negotiate.h
 *
 * Offer and answer (RFC 3264) of both legs: session descriptions in and out, plain values for the media engine. Knows
 * nothing of call states.
 */
#ifndef B2BUA_CALL_NEGOTIATE_H
#define B2BUA_CALL_NEGOTIATE_H

#include "b2bua/call/kept_text.h"
#include "b2bua/call/limits.h"
#include "lib/sdp/media_desc.h"
#include "lib/sdp/sdp_audio.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Where the audio stream stood among the m= lines of an offer: answers refuse the others in their places (RFC 3264 s6).
 */
struct media_places {
	size_t count, index;
	struct sdp_other_media others[SDP_MEDIA_MAX];
};
void negotiate_keep_places(struct media_places *places, const struct sdp_audio *offer);
void negotiate_put_places(const struct media_places *places, struct sdp_audio *sdp);

/* ---- WhatsApp leg ---- */

/* Meta's offer, and what of it our answer must repeat. */
struct wa_offer {
	struct media_wa_remote remote;
	char mid[64];
	enum sdp_proto proto;
	enum sdp_direction direction; /* of our answer */
	struct media_places places;
};

/* Read Meta's offer. Returns 0, or -EBADMSG when it cannot be used: not SDP, no Opus, no sha-256 fingerprint, no ICE
 * credentials, nobody to talk to. *ret_error says why (fit for a log line). */
int negotiate_wa_offer(const char *sdp, size_t length, struct wa_offer *ret_offer, struct sdp_error *ret_error);

/* Write our answer, in the shape that Meta is known to take. Returns the length or -ENOBUFS. */
int negotiate_wa_answer(const struct wa_offer *offer, const struct media_wa_local *local, char *text, size_t cap);

/* Write our offer of a business-initiated call. active: we shall be the DTLS client; else Meta says who is. Returns the
 * length or -ENOBUFS. */
int negotiate_wa_make_offer(const struct media_wa_local *local, bool active, char *text, size_t cap);

/* Read Meta's answer to it; returns as negotiate_wa_offer() does. Only ret_answer->remote is filled in. */
int negotiate_wa_read_answer(
	const char *sdp, size_t length, bool active, struct wa_offer *ret_answer, struct sdp_error *ret_error);

/* ---- SIP leg ---- */

/* Everything that offers and answers of one SIP dialog must remember. */
struct sip_negotiation {
	/* fixed after negotiate_sip_init() */
	enum audio_codec codecs[4]; /* of the gateway, in order of preference; AUDIO_NONE ends */
	uint16_t ptime_ms;
	struct addr local;
	enum media_srtp_policy srtp;
	struct media_srtp_keys keys; /* ours */
	uint32_t opus_bitrate;       /* most that WhatsApp takes, for the SIP side's own Opus; 0: not known */
	/* moves with every offer and answer */
	uint64_t origin_id, version; /* RFC 3264 s8: the version grows by one when, and only when, the text changes */
	struct media_sip_remote remote;
	bool has_remote;
	enum sdp_proto proto;                    /* of the descriptions last agreed on */
	bool offered;                            /* our offer waits for its answer */
	bool nowhere;                            /* the peer takes nothing: c=0.0.0.0, or no stream */
	uint8_t opus_pt, event_pt, event_pt_48k; /* Opus, telephone-event beside G.711 and beside it: our numbers */
	struct media_places places;              /* once there, an m= line stays (RFC 3264 s8) */
	struct arena *arena;                     /* the call's, for these: */
	struct kept_text text[2];
	unsigned current; /* text[current] was sent last */
};

void negotiate_sip_init(struct sip_negotiation *n, const enum audio_codec codecs[4], uint16_t ptime_ms,
	const struct addr *local, uint64_t origin_id, struct arena *arena);
/* After _init(), when there is to be SRTP. Keys are copied; they serve this dialog alone. */
void negotiate_sip_secure(struct sip_negotiation *n, enum media_srtp_policy policy, const struct media_srtp_keys *keys);
/* After _init(): what Meta's description allows (maxaveragebitrate); 0: not known. */
void negotiate_sip_bitrate(struct sip_negotiation *n, uint32_t opus_bitrate);
/* Overwrite all keys, and the texts that hold them. */
void negotiate_sip_wipe(struct sip_negotiation *n);

/* Our offer: first INVITE, or 200 to an offerless re-INVITE. Returns 0, -ENOBUFS or -ENOMEM; *ret_text lives
 * until the second one after it. */
int negotiate_sip_offer(struct sip_negotiation *n, const char **ret_text);

/* The answer to it, or to what was sent last and is sent again to refresh the session. Returns 0 (n->remote unchanged),
 * 1 (changed), -EBADMSG (not usable SDP), -ENOENT (stream refused, no common codec, or plain RTP where SRTP is
 * required, or SRTP that we did not offer); on failure n->remote stays as it was. */
int negotiate_sip_answer(struct sip_negotiation *n, const char *sdp, size_t length);

/* The peer's offer (re-INVITE, UPDATE): read, and answer. Returns 0, 1, -EBADMSG or -ENOENT as above, or -ENOBUFS or
 * -ENOMEM; *ret_text as above. */
int negotiate_sip_reoffer(struct sip_negotiation *n, const char *sdp, size_t length, const char **ret_text);

/* What was sent last, NULL when nothing was. */
const char *negotiate_sip_text(const struct sip_negotiation *n);

#endif
