/* media/media_types.h
 *
 * Words shared by the control-thread face of the media engine, its workers and the stepped session. Plain values only: they travel through
 * mailboxes by copy.
 */
#ifndef MEDIA_MEDIA_TYPES_H
#define MEDIA_MEDIA_TYPES_H

#include "lib/base/addr.h"

#include <stdbool.h>
#include <stdint.h>

enum media_end { END_WA, END_SIP, END_COUNT };

enum audio_codec { AUDIO_NONE, AUDIO_PCMU, AUDIO_PCMA, AUDIO_OPUS, AUDIO_G722 };

enum { MEDIA_CANDIDATES_MAX = 4, MEDIA_UFRAG_MAX = 257, MEDIA_PWD_MAX = 257, MEDIA_FINGERPRINT_BYTES = 32 };

/* Our WhatsApp end, as it goes into our SDP. */
struct media_wa_local {
	struct addr addr;    /* public address and port */
	char ufrag[9], pwd[25]; /* RFC 8445 s5.3: at least 4 and 22 characters */
	uint8_t fingerprint[MEDIA_FINGERPRINT_BYTES]; /* SHA-256 of our certificate */
	uint32_t ssrc;
	char cname[20];
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
	uint8_t opus_pt;       /* 111 */
	uint8_t event_pt;      /* telephone-event/8000, 126; 0: none */
	uint32_t max_bitrate;  /* maxaveragebitrate, 0: not signalled */
};

/* The SIP side after negotiation. May be given again during the call (re-INVITE, UPDATE). */
struct media_sip_remote {
	struct addr rtp, rtcp;   /* where to send first; symmetric RTP may move it. rtcp unset: no RTCP sent */
	enum audio_codec codec;
	uint8_t pt;              /* both ways: we answer with the peer's number */
	uint8_t event_pt;        /* telephone-event; 0: none */
	uint16_t ptime_ms;       /* what we send: 10..60 */
	bool send, receive;      /* our view: hold is send false or receive false */
};

enum media_failure {
	MEDIA_FAIL_NONE,
	MEDIA_FAIL_ICE,        /* no candidate pair worked in time */
	MEDIA_FAIL_DTLS,       /* handshake failed, or wrong fingerprint */
	MEDIA_FAIL_CONSENT,    /* RFC 7675: no answer to consent checks for 30 s */
	MEDIA_FAIL_WA_SILENT,  /* no packet from WhatsApp for the configured time */
	MEDIA_FAIL_SIP_SILENT, /* no packet from the SIP side for the configured time (not while on hold) */
	MEDIA_FAIL_RESOURCES,  /* out of memory or descriptors */
};
const char *media_failure_name(enum media_failure f); /* "ice_timeout" ... */

/* One direction, as it entered us. Counters since the session began; -1 where nothing could be measured. */
struct media_rx_stats {
	int64_t packets, bytes, lost, late, duplicates, reordered, discarded;
	int64_t concealed_ms, fec_ms;
	double jitter_ms, rtt_ms, playout_delay_ms; /* means */
};
struct media_tx_stats {
	int64_t packets, bytes;
	double remote_loss_percent, remote_jitter_ms; /* from the peer's RTCP reports */
};
struct media_stats {
	struct media_rx_stats rx[END_COUNT];
	struct media_tx_stats tx[END_COUNT];
	int64_t ice_us, dtls_us;                 /* from set_wa to nominated / handshake done; -1 never */
	int64_t first_rx_us[END_COUNT], first_tx_us[END_COUNT]; /* monotonic time of the first audio packet; 0 never */
	uint32_t dtmf_digits;
};

#endif
