/* media/session.h
 *
 * The media of one call: the WhatsApp end (ICE, DTLS-SRTP, Opus), the SIP end (RTP, G.711) and the bridge between them.
 * Stepped: packets, commands and time come in as arguments; packets and events go out by callback; no socket, clock,
 * lock or log inside, no malloc after session_new() (OpenSSL's handshake excepted). Owner: one media worker; in tests,
 * anybody.
 *
 *   WhatsApp -> SIP: input -> demux -> SRTP -> jbuf (adaptive) -> every ptime: Opus decode at 8 kHz | FEC | PLC ->
 * G.711 -> RTP SIP -> WhatsApp: input -> RTP latch -> reorder window -> G.711 decode -> Opus encode at 8 kHz, on
 * arrival -> SRTP
 */
#ifndef MEDIA_SESSION_H
#define MEDIA_SESSION_H

#include "media/media_types.h"

#include <stddef.h>
#include <stdint.h>

enum { SESSION_PACKETS = 16 }; /* that one session may hold of the pool: reserve so many for each */

struct session;
struct pktpool;
struct dtls_ctx;
struct sounds;
struct record_ring;
struct rtp_copy_conf;

enum session_channel { SESSION_RTP, SESSION_RTCP }; /* SIP end: two sockets. WhatsApp end: always SESSION_RTP (muxed) */

enum session_event_kind {
	SESSION_ICE_NOMINATED, /* remote: the pair's address; the worker connects its socket */
	SESSION_DTLS_UP,
	SESSION_FIRST_AUDIO, /* end: first valid audio packet received from that side */
	SESSION_FIRST_SENT,  /* end: first audio packet sent to that side that carries the other side's sound */
	SESSION_SIP_LATCHED, /* remote: symmetric RTP moved to this address */
	SESSION_SIP_PINNED,  /* remote: the worker connects the socket of the SIP side's RTP; unset: dissolves that */
	SESSION_DTMF,        /* digit, duration_ms, way; end: who pressed it */
	SESSION_FAILED,      /* failure; told once, the session does nothing more */
};

struct session_event {
	enum session_event_kind kind;
	enum media_end end;
	enum media_failure failure;
	struct addr remote;
	char digit;
	enum media_digit_way way;
	unsigned duration_ms;
	uint64_t at_us;
};

struct session_io {
	/* to: NULL when the worker's socket is connected (after SESSION_ICE_NOMINATED for END_WA). Bytes are borrowed.
	 */
	void (*send)(void *arg, enum media_end end, enum session_channel channel, const void *bytes, size_t length,
		const struct addr *to);
	void (*event)(void *arg, const struct session_event *ev);
	/* A packet of the RTP copy. NULL: there is none. */
	void (*copy)(void *arg, const uint8_t *bytes, size_t length, const struct addr *to);
};

struct session_conf {
	struct pktpool *pool;        /* the worker's, borrowed */
	struct dtls_ctx *dtls;       /* process-wide certificate and SSL_CTX, borrowed */
	const struct sounds *sounds; /* for session_play(), borrowed; NULL: all are silence */
	struct media_wa_local wa;    /* our ufrag, pwd, SSRC */
	const struct session_io *io;
	void *io_arg;
	uint16_t jbuf_min_ms, jbuf_max_ms; /* 0: 20 and 200 */
	uint32_t opus_bitrate;             /* 0: 24000; bounded by the remote's maxaveragebitrate */
	uint8_t opus_complexity;           /* 0..10 */
	/* of the encoder toward WhatsApp, read before each frame, borrowed; NULL: opus_complexity for ever */
	const uint8_t *opus_complexity_now;
	uint8_t opus_loss_percent;       /* expected loss, > 0 turns in-band FEC on; then driven by RTCP */
	uint32_t ice_timeout_ms;         /* 0: 15000 */
	uint32_t wa_silence_timeout_ms;  /* 0: 30000; counts from session_start_wa() */
	uint32_t sip_silence_timeout_ms; /* 0: 60000; counts once both session_set_sip() and session_start_wa() have
					    been called, not while on hold */
	uint64_t random_seed;            /* 0: system randomness; tests give one */
};

/* Returns 0, -EINVAL or -ENOMEM. */
int session_new(const struct session_conf *conf, uint64_t now_us, struct session **ret_session);

/* Meta's SDP is known: start ICE, then DTLS. Once. */
int session_set_wa(struct session *s, const struct media_wa_remote *remote, uint64_t now_us);
/* The SIP peer's SDP is known, or has changed. SSRC, sequence and timestamps toward WhatsApp never notice; of a new
 * peer neither: packets of the one before are dropped, its digits are ended. */
int session_set_sip(struct session *s, const struct media_sip_remote *remote, uint64_t now_us);
/* The SIP side has answered, WhatsApp is about to be told: what is said from now on is kept until media may go there
 * (media/greeting.h). Allocates. Does nothing before session_set_sip() and once media flows. */
void session_keep_greeting(struct session *s, uint64_t now_us);
/* `accept` has returned 200: media may go to WhatsApp, and does so at once (silence when the SIP side says nothing). */
void session_start_wa(struct session *s, uint64_t now_us);
/* What `side` hears instead of the other party; SOUND_NONE: the other party. Toward WhatsApp once media may go there,
 * toward SIP as soon as it is known where to, WhatsApp or not. The same again: it plays on. While WhatsApp hears a
 * sound, the SIP side's silence is no fault. */
void session_play(struct session *s, enum media_side side, enum media_sound sound, uint64_t now_us);
/* Silence in place of what `side` says. Its digits pass, and its silence is still a fault. */
void session_mute(struct session *s, enum media_side side, bool on, uint64_t now_us);
/* A digit that the SIP side told by INFO. What it tells in its stream, too, is the same press. */
void session_info_digit(struct session *s, char digit, unsigned duration_ms, uint64_t now_us);
/* Digits to `side`, RFC 4733 events or tones as that wants them, after those that still wait. Where they cannot be sent
 * (no way agreed on, on hold, not accepted yet) they are dropped. */
void session_send_dtmf(struct session *s, enum media_side side, const char *digits, uint64_t now_us);

/* Recording: what both parties say goes to the ring from now on, after the announcement where there is one. The ring is
 * the session's until it is closed by session_record_stop() or session_close(). One at a time: another one is closed
 * first. announce: each of these sides hears the announcement before, once, unless something else is played to it. */
void session_record(struct session *s, struct record_ring *ring, bool announce_wa, bool announce_sip, uint64_t now_us);
void session_record_pause(struct session *s, bool paused); /* silence in the file */
void session_record_stop(struct session *s, uint64_t now_us);
/* An RTP copy of what is said, by session_io.copy. */
void session_copy(struct session *s, const struct rtp_copy_conf *conf, uint64_t now_us);
void session_copy_stop(struct session *s);

/* One datagram. bytes may be overwritten (SRTP works in place); nothing is kept beyond the call but what was copied
 * into the pool. */
void session_input(struct session *s, enum media_end end, enum session_channel channel, uint8_t *bytes, size_t length,
	const struct addr *from, uint64_t now_us);
/* Do what is due. Call at or after session_deadline(). */
void session_tick(struct session *s, uint64_t now_us);
/* Monotonic time of the next thing to do; UINT64_MAX: nothing. */
uint64_t session_deadline(const struct session *s);

void session_stats(const struct session *s, struct media_stats *ret_stats);
/* Sends RTCP BYE both ways first. Accepts NULL; always returns NULL. */
struct session *session_close(struct session *s, uint64_t now_us);

#endif
