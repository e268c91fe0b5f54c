/* media/media_types.h
 *
 * Words shared by the control-thread face of the media engine, its workers and the stepped session. Plain values only:
 * they travel through mailboxes by copy.
 */
#ifndef MEDIA_MEDIA_TYPES_H
#define MEDIA_MEDIA_TYPES_H

#include "lib/base/addr.h"
#include "lib/sdp/media_desc.h"

#include <stdbool.h>
#include <stdint.h>

enum media_end { END_WA, END_SIP, END_COUNT };

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

/* How a key was told. */
enum media_digit_way { DIGIT_BY_EVENT, DIGIT_BY_TONE, DIGIT_BY_INFO, MEDIA_DIGIT_WAYS };
const char *media_digit_way_name(enum media_digit_way way); /* "rfc4733", "inband", "info" */

/* One direction, as it entered us. Counters since the session began; -1 where nothing could be measured. */
struct media_rx_stats {
	int64_t packets, bytes, lost, late, duplicates, reordered, discarded;
	int64_t passed; /* Opus that went to the other side as it came */
	int64_t concealed_ms, fec_ms;
	double jitter_ms, rtt_ms, playout_delay_ms; /* means */
	/* of what was played: 95 of 100 packets were held no longer; the hold wanted now, and the longest so far; the
	 * longest allowed. -1 where nothing is held */
	double playout_p95_ms, hold_target_ms, hold_target_max_ms, hold_limit_ms;
	int64_t played_ms;               /* out of packets */
	double burst_ratio;              /* of losses, as ITU-T G.107 has it; 1: random */
	int64_t shortened_ms, longer_ms; /* taken away from, or put into, what was played, to change the hold */
};
struct media_tx_stats {
	int64_t packets, bytes;
	double remote_loss_percent, remote_jitter_ms; /* from the peer's RTCP reports, means */
	double remote_discard_percent, remote_mos;    /* from its last RTCP XR (RFC 3611 s4.7) */
};
struct media_stats {
	struct media_rx_stats rx[END_COUNT];
	struct media_tx_stats tx[END_COUNT];
	int64_t ice_us, dtls_us; /* from set_wa to nominated / handshake done; -1 never */
	int64_t first_rx_us[END_COUNT], first_tx_us[END_COUNT]; /* monotonic time of the first audio packet; 0 never */
	uint32_t dtmf_digits;
	int64_t greeting_held_ms, greeting_lost_ms; /* media/greeting.h; -1: none was kept */
};

#endif
