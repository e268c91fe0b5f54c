/* tools/metasim/wa_user.h
 *
 * A WhatsApp user behind Meta's relay: ice-lite WebRTC on one UDP socket of the loop, speech in, what was heard out.
 * Strict: whatever the business does that Meta or the phone would not stand is written down as a violation.
 */
#ifndef TOOLS_METASIM_WA_USER_H
#define TOOLS_METASIM_WA_USER_H

#include "tools/metasim/speech.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct loop;
struct dtls_ctx;
struct wa_user;
struct rtp_hdr;
struct sdp_audio;

enum { USER_VIOLATIONS_MAX = 8, USER_HEARD_HZ = 16000 };

struct wa_user_conf {
	struct loop *loop;
	struct dtls_ctx *dtls;
	const struct speech *speech; /* said again and again once the call is up; NULL: silence */
	bool record;                 /* decode and keep what is heard */
	bool listen;                 /* decode it: on_event "audio_heard" at the first sound that is not silence */
	double loss;                 /* 0..1 of packets dropped, each way */
	unsigned seed;
	const char *dtmf; /* digits sent as RFC 4733 events two seconds into the call; NULL: none */
	void (*on_event)(const char *event, void *arg); /* "ice_up", "dtls_up", "first_rx" ...: for the timeline */
	/* > 0: once media flows the socket leaves the loop for this epoll, whose owner calls wa_user_readable() (event
	 * data: the user) when it likes. Many users then cost the sender no wake-up of this process for each packet. 0
	 * or less: the loop all the time. */
	int poll_fd;
	/* For measurements, NULL: none. speech_packet: which one of speech->packets went out; what was heard is one RTP
	 * packet's payload. */
	void (*on_sent)(size_t speech_packet, void *arg);
	void (*on_heard)(const struct rtp_hdr *hdr, const uint8_t *payload, void *arg);
	void *arg;
};

struct wa_user_report {
	uint64_t ice_us, dtls_us, first_rx_us, last_rx_us, accepted_us; /* monotonic; 0 never */
	uint64_t tx_packets, rx_packets, rx_lost, rx_rtcp, early_rtp;
	uint32_t rx_ssrc;
	size_t violation_count;
	char violations[USER_VIOLATIONS_MAX][120];
	const int16_t *heard; /* USER_HEARD_HZ; silence where packets were missing */
	size_t heard_samples;
};

int wa_user_new(const struct wa_user_conf *conf, struct wa_user **ret_user);
/* Meta's offer in the shape that traces show (Meta: calls webhook, "connect"). Returns its length or -ENOBUFS. */
int wa_user_offer(struct wa_user *u, char *text, size_t cap);
/* setup in Meta's answer to a business's offer. ACTPASS, illegal in an answer, makes us the server. */
enum wa_user_role { WA_USER_PASSIVE, WA_USER_ACTIVE, WA_USER_ACTPASS };
/* The business's offer, already checked: start ICE and DTLS, write Meta's answer. An offer with setup active is
 * answered passive whatever the role. Returns its length, -ENOBUFS, or what went wrong. */
int wa_user_connect(struct wa_user *u, const struct sdp_audio *offer, enum wa_user_role role, uint64_t now_us,
	char *text, size_t cap);
/* The business's answer, already checked: start ICE and DTLS. */
int wa_user_answer(struct wa_user *u, const struct sdp_audio *answer, uint64_t now_us);
/* Meta has taken the business's accept, or the user picked up: media may flow. */
void wa_user_accepted(struct wa_user *u, uint64_t now_us);
/* Every few milliseconds. */
void wa_user_tick(struct wa_user *u, uint64_t now_us);
void wa_user_readable(struct wa_user *u);
void wa_user_violation(struct wa_user *u, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void wa_user_report(const struct wa_user *u, struct wa_user_report *ret_report);
struct wa_user *wa_user_free(struct wa_user *u);

#endif
