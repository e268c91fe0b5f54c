/* lib/sdp/media_desc.h
 *
 * What two negotiated session descriptions say to the media engine, as plain values: the call logic fills them in from
 * SDP (b2bua/call/negotiate.c), the engine acts on them. Nothing here but data.
 */
#ifndef LIB_SDP_MEDIA_DESC_H
#define LIB_SDP_MEDIA_DESC_H

#include "lib/base/addr.h"

#include <stdbool.h>
#include <stdint.h>

enum audio_codec { AUDIO_NONE, AUDIO_PCMU, AUDIO_PCMA, AUDIO_OPUS, AUDIO_G722 };

enum { MEDIA_CANDIDATES_MAX = 4, MEDIA_UFRAG_MAX = 257, MEDIA_PWD_MAX = 257, MEDIA_FINGERPRINT_BYTES = 32 };

enum { MEDIA_FORMATS_MAX = 4 }; /* beside the one in use */

/* SRTP with the SIP side, its keys in the SDP (RFC 4568). The order is that of preference. */
enum media_srtp_suite { MEDIA_SRTP_NONE, MEDIA_SRTP_SHA1_80, MEDIA_SRTP_SHA1_32, MEDIA_SRTP_SUITES };
/* What a gateway wants of it. OFFER: used when the peer takes part, plain RTP when it does not. */
enum media_srtp_policy { MEDIA_SRTP_OFF, MEDIA_SRTP_OFFER, MEDIA_SRTP_REQUIRE };

enum {
	MEDIA_SRTP_KEY_BYTES = 30, /* RFC 4568 s6.2: AES-128 key of 16, salt of 14 */
	MEDIA_SIP_LEGS = 40,       /* SIP dialogs that one call has keys for, transfers and redirections included */
};

/* Ours of one dialog, by suite. RFC 4568 s6.1: every key in an SDP differs from the others. */
struct media_srtp_keys {
	uint8_t of[MEDIA_SRTP_SUITES][MEDIA_SRTP_KEY_BYTES]; /* [MEDIA_SRTP_NONE] unused */
};

/* As agreed. Secret: never logged, wiped by whoever held it. */
struct media_sip_srtp {
	enum media_srtp_suite suite; /* NONE: plain RTP */
	uint8_t tx[MEDIA_SRTP_KEY_BYTES], rx[MEDIA_SRTP_KEY_BYTES];
};

/* The two parties of a bridged call, and what may be played to one of them instead of the other. */
enum media_side { SIDE_WA, SIDE_SIP };
enum media_sound { SOUND_NONE, SOUND_RINGBACK, SOUND_MUSIC, SOUND_SILENCE };

/* Our WhatsApp end, as it goes into our SDP. */
struct media_wa_local {
	struct addr addr;                             /* public address and port */
	char ufrag[9], pwd[25];                       /* RFC 8445 s5.3: at least 4 and 22 characters */
	uint8_t fingerprint[MEDIA_FINGERPRINT_BYTES]; /* SHA-256 of our certificate */
	uint32_t ssrc;
	char cname[20];
};

/* What a receiver of Opus says of itself (RFC 7587 s6.1), besides its maxaveragebitrate. All zero: nothing special. */
struct media_opus_receiver {
	uint32_t max_playback_hz; /* maxplaybackrate; 0: not said */
	bool cbr;                 /* wants a constant bit rate */
	bool no_fec;              /* useinbandfec is not 1: redundancy is lost on it */
};

/* Meta's side, out of its SDP. */
struct media_wa_remote {
	char ufrag[MEDIA_UFRAG_MAX], pwd[MEDIA_PWD_MAX];
	uint8_t fingerprint[MEDIA_FINGERPRINT_BYTES];
	bool ice_lite;
	bool we_are_dtls_client;
	uint8_t candidate_count;
	struct {
		struct addr addr;
		uint32_t priority;
	} candidates[MEDIA_CANDIDATES_MAX];
	uint8_t opus_pt;      /* 111 */
	uint8_t event_pt;     /* telephone-event/8000, 126; 0: none */
	uint32_t max_bitrate; /* maxaveragebitrate, 0: not signalled */
	struct media_opus_receiver opus;
};

/* The SIP side after negotiation. May be given again during the call (re-INVITE, UPDATE). */
struct media_sip_remote {
	struct addr rtp, rtcp; /* where to send first; symmetric RTP may move it. rtcp unset: no RTCP sent */
	enum audio_codec codec;
	uint8_t pt;              /* both ways: we answer with the peer's number */
	uint8_t event_pt;        /* telephone-event; 0: none */
	bool no_events_out;      /* digits toward this peer go another way; its own are understood */
	bool tones_out;          /* they go as tones in the voice */
	bool tones_in;           /* it may send its own so: listen */
	uint8_t event_pt_own;    /* the number of our offer, where the answer has another; 0: none */
	uint32_t event_clock_hz; /* of its durations; 0: 8000 */
	uint8_t cn_pt;           /* comfort noise, beside the static 13; 0: none */
	uint16_t ptime_ms;       /* what we send: 10..60; Opus goes as it comes, or in 20 ms */
	uint16_t maxptime_ms;    /* of Opus passed on; 0: not said */
	uint32_t max_bitrate;    /* Opus: maxaveragebitrate, 0: not said */
	struct media_opus_receiver opus;
	/* What else the two descriptions have in common: the peer may change to it without a word. */
	uint8_t also_count;
	struct media_sip_format {
		enum audio_codec codec;
		uint8_t pt;
	} also[MEDIA_FORMATS_MAX];
	bool send, receive; /* our view: hold is send false or receive false */
	bool rtcp_mux;      /* RTCP goes where RTP goes, from the same port (RFC 5761) */
	bool xr_voip;       /* it wants RTCP XR with VoIP metrics (RFC 3611 s5.1) */
	struct media_sip_srtp srtp;
	bool new_peer; /* another party than before: what the old one still sends is dropped, and symmetric RTP
			  learns anew */
};

/* Everything of ours that SDPs toward both sides need. */
struct media_local {
	struct media_wa_local wa;
	struct addr sip_rtp;                             /* public address of our RTP port; RTCP is the next one */
	struct media_srtp_keys sip_keys[MEDIA_SIP_LEGS]; /* random; each dialog takes the next */
};

#endif
