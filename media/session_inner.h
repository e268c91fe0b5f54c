/* media/session_inner.h
 *
 * What media/session*.c and media/stats.c share. Nobody else includes it.
 */
#ifndef MEDIA_SESSION_INNER_H
#define MEDIA_SESSION_INNER_H

#include "media/bridge_to_sip.h"
#include "media/digit_gate.h"
#include "media/dtmf_queue.h"
#include "media/loss_follower.h"
#include "media/greeting.h"
#include "media/opus_line.h"
#include "media/rtp/rtp_end.h"
#include "media/rtp/telephone_event.h"
#include "media/session.h"
#include "media/sip_pin.h"
#include "media/sip_srtp.h"

struct webrtc_end;
struct sounds;
struct sip_ear;

enum { SESSION_MAGIC = 0x5e551011 };

struct session {
	unsigned magic;
	/* fixed after session_new(): */
	const struct sounds *sounds;
	const struct session_io *io;
	void *io_arg;
	uint64_t wa_silence_us, sip_silence_us;
	uint32_t opus_bitrate;
	/* the two ends and what joins them */
	struct webrtc_end *webrtc;
	struct rtp_stream wa;
	struct rtp_end sip;
	struct sip_pin pin;
	struct sip_srtp sip_srtp;
	struct bridge_to_sip to_sip;
	struct opus_line to_wa;
	struct tap tap; /* sees what passes through the two */
	struct tev_rx wa_events, sip_events;
	struct loss_follower wa_loss; /* as WhatsApp reports it */
	struct greeting *greeting;    /* NULL but for the first seconds */
	struct greeting_shift shift;
	struct sip_ear *ear; /* NULL: the SIP side is not listened to for tones */
	struct digit_gate gate;
	bool greeted; /* there was one */
	/* as commanded */
	bool announcing[2]; /* enum media_side: hears the announcement of a recording */
	uint64_t announce_until_us;
	bool wa_set, sip_set, started, flowing; /* flowing: started, and DTLS is up */
	bool failed;
	uint8_t wa_opus_pt, wa_event_pt;
	struct media_sip_remote sip_remote;
	enum media_sound playing[2];        /* enum media_side: what that side hears instead of the other one */
	struct dtmf_queue dial[2];          /* enum media_side: digits of ours to that side */
	uint64_t wa_heard_us, sip_heard_us; /* last sign of life, or when waiting for one began */
	/* statistics */
	uint64_t wa_set_us;
	int64_t ice_us, dtls_us;
	int64_t first_rx_us[END_COUNT], first_tx_us[END_COUNT];
	uint64_t discarded[END_COUNT]; /* malformed, of unknown type, or not wanted now */
	uint32_t dtmf_digits;
	struct greeting_stats greeting_stats; /* once it is over */
};

/* To whoever watches; nothing once the session has failed. */
void session_tell(struct session *s, struct session_event ev, uint64_t now_us);
void session_note_first_audio(struct session *s, enum media_end end, uint64_t now_us);
void session_pass_digits(struct session *s, enum media_end from, enum media_digit_way way,
	const struct tev_report *reports, size_t count, uint64_t now_us);
/* Those under way are over: another stream begins. */
void session_end_wa_digit(struct session *s, uint64_t now_us);
void session_end_sip_digit(struct session *s, uint64_t now_us);
/* Listen for tones of the SIP side, or no more. Returns 0 or -ENOMEM. */
int session_set_ear(struct session *s, bool tones, const struct line_source *source, uint64_t now_us);
uint64_t session_digits_deadline(const struct session *s);
/* Ends those of which nothing is heard any more; what that makes due is for the ticks of the two directions, which come
 * after it. Ours, then, may follow at once. */
void session_digits_tick(struct session *s, uint64_t now_us);
void session_dial_tick(struct session *s, uint64_t now_us);
void session_digits_done(struct session *s);
void session_report_to_sip(struct session *s, bool bye, uint64_t now_us);
/* A datagram of the SIP side. */
void session_on_sip_rtp(struct session *s, uint8_t *bytes, size_t length, const struct addr *from, uint64_t now_us);
void session_on_sip_rtcp(struct session *s, uint8_t *bytes, size_t length, const struct addr *from, uint64_t now_us);
/* The SIP side's socket is to be connected, or no longer. */
void session_pin(struct session *s, enum sip_pin_change change, uint64_t now_us);
/* Media may flow once the call is accepted and there are keys, whichever is last. */
void session_maybe_flow(struct session *s, uint64_t now_us);
/* What comes from the SIP side is another stream than before. */
void session_sip_stream_begins(struct session *s, uint64_t now_us);
/* The announcement of a recording is over when it is due. */
void session_announce_tick(struct session *s, uint64_t now_us);

/* What its next report says of how we hear the SIP side. */
void session_fill_voip(struct session *s);
/* Where the SIP side's audio, digits and other packets go: session_greeting.c. */
void session_sip_audio(
	struct session *s, const struct rtp_hdr *h, enum line_format format, const uint8_t *payload, uint64_t now_us);
void session_sip_other(struct session *s, const struct rtp_hdr *h, uint64_t now_us);
void session_sip_digit(struct session *s, const struct tev_report *report, uint64_t now_us);
void session_sip_new_source(struct session *s);
void session_play_greeting(struct session *s, uint64_t now_us);
void session_tick_greeting(struct session *s, uint64_t now_us);
uint64_t session_greeting_deadline(const struct session *s);
/* Whoever was speaking is not to be heard any more. */
void session_drop_greeting(struct session *s);
/* The SIP side may send something else now. */
void session_greeting_source(struct session *s, const struct line_source *source);
struct line_source session_source_of(const struct media_sip_remote *r);

#endif
