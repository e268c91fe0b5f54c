/* media/engine.h
 *
 * The control thread's face of the media engine: open, steer and close the media of calls. Sessions live on worker
 * threads (one per core); commands and reports travel through bounded mailboxes. Owner: control thread.
 */
#ifndef MEDIA_ENGINE_H
#define MEDIA_ENGINE_H

#include "media/media_types.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct loop;
struct media_engine;
struct record_ring;
struct rtp_copy_conf;

enum media_event_kind {
	MEDIA_ICE_UP,      /* candidate pair nominated */
	MEDIA_DTLS_UP,     /* keys in place */
	MEDIA_FIRST_AUDIO, /* end: first audio packet received from that side */
	MEDIA_FIRST_SENT,  /* end: first packet of the other side's sound sent to that side */
	MEDIA_DTMF,        /* digit, duration_ms, way, end */
	MEDIA_FAILED,      /* failure; media_close() must still follow */
	MEDIA_STATS,       /* answer to media_ask_stats() */
	MEDIA_CLOSED,      /* last event of a session: final stats */
};

struct media_event {
	enum media_event_kind kind;
	uint64_t session; /* from media_open() */
	uint64_t at_us;   /* monotonic time at the worker */
	enum media_end end;
	enum media_failure failure;
	char digit;
	enum media_digit_way way;
	unsigned duration_ms;
	struct media_stats stats; /* MEDIA_STATS, MEDIA_CLOSED */
};

struct media_engine_conf {
	struct addr bind;                    /* host that sockets bind to; usually 0.0.0.0 or a private address */
	struct addr public_addr;             /* host written into SDP */
	struct addr sip_public_addr;         /* host written into SDP toward SIP; unset: the same */
	uint16_t wa_port_min, wa_port_max;   /* webrtc_ports */
	uint16_t sip_port_min, sip_port_max; /* rtp_ports: pairs, even + odd */
	unsigned workers;                    /* 0: one per core */
	unsigned max_sessions;               /* 0: 2000 */
	uint16_t jbuf_min_ms, jbuf_max_ms;
	uint32_t opus_bitrate;
	uint8_t opus_complexity, opus_complexity_max; /* what the governor of each worker chooses from; max not above
							 the other: fixed */
	uint8_t opus_loss_percent;
	uint32_t ice_timeout_ms, wa_silence_timeout_ms, sip_silence_timeout_ms;
	const char *music_path; /* WAV for SOUND_MUSIC, any rate, mono or stereo; NULL or "": a soft tone of ours. Read
				   and resampled once, at start, shared read-only by all workers; at most 10 minutes */
	const char *announcement_path; /* what is said before a recording, as music_path; NULL or "": nothing */
	const char *tone_country; /* ITU-T E.180 ringback for SOUND_RINGBACK: "uk", "us", "de", "br" ... "" : "eu" */
	void (*on_event)(const struct media_event *ev, void *arg); /* control thread */
	void *arg;
};

struct media_worker_load {
	unsigned calls;
	unsigned busy_percent;  /* time at work of the time that passed */
	unsigned load_permille; /* the same of the last two seconds, were the encoders' effort the least */
	unsigned complexity;    /* of the Opus encoders */
};

/* Generates the process's certificate (ECDSA P-256) and starts the workers. Returns 0 or negative errno. */
int media_engine_new(struct loop *l, const struct media_engine_conf *conf, struct media_engine **ret_engine);
/* Closes every session, joins the workers. Accepts NULL; returns NULL. */
struct media_engine *media_engine_free(struct media_engine *e);

/* Bind ports, pick the least loaded worker (media/placement.h), create the session there. Returns 0 with the session id
 * and the addresses for our SDPs, or -EADDRNOTAVAIL (no free ports), -EMFILE, -ENOSPC (max_sessions), -EAGAIN (the
 * worker's mailbox is full), -ENOMEM. */
int media_open(struct media_engine *e, uint64_t *ret_session, struct media_local *ret_local);
/* Commands. Unknown or closed ids are ignored. Return 0, -EAGAIN (mailbox full: the caller ends the call) or
 * -ENOMEM. */
int media_set_wa(struct media_engine *e, uint64_t session, const struct media_wa_remote *remote);
int media_set_sip(struct media_engine *e, uint64_t session, const struct media_sip_remote *remote);
/* The SIP side of a call that WhatsApp waits for has answered: keep what it says until media_start_wa(). After
 * media_set_sip(). */
int media_keep_greeting(struct media_engine *e, uint64_t session);
int media_start_wa(struct media_engine *e, uint64_t session);
/* What `side` hears instead of the other party, from now on; SOUND_NONE: the other party again. Toward WhatsApp it is
 * Opus in the one stream of the call (same SSRC, sequence, timestamp line); toward SIP it starts as soon as
 * media_set_sip() has said where to. */
int media_play(struct media_engine *e, uint64_t session, enum media_side side, enum media_sound sound);
/* Silence in place of what `side` says. */
int media_mute(struct media_engine *e, uint64_t session, enum media_side side, bool on);
/* RFC 4733 digits (0-9 * # A-D, at most 32; others skipped) to `side`, one after another, 100 ms each with 60 ms
 * between. A side without telephone-event: nothing is sent. Digits that come while others are being sent are appended.
 */
int media_send_dtmf(struct media_engine *e, uint64_t session, enum media_side side, const char *digits);
/* What both parties say goes to the ring, after the announcement to each of these sides: media/session.h. On 0 the ring
 * is the worker's until record_ring_closed(). Else, also -ENOENT when there is no such session, it stays the caller's.
 */
int media_record(
	struct media_engine *e, uint64_t session, struct record_ring *ring, bool announce_wa, bool announce_sip);
int media_record_pause(struct media_engine *e, uint64_t session, bool paused);
int media_record_stop(struct media_engine *e, uint64_t session);
/* A copy of what they say as RTP (media/tap/rtp_copy.h), sent from a socket of the worker's own. What becomes of its
 * packets does not touch the call. */
int media_copy(struct media_engine *e, uint64_t session, const struct rtp_copy_conf *conf);
int media_copy_stop(struct media_engine *e, uint64_t session);
/* A digit that the SIP side told by INFO: it goes to WhatsApp, and MEDIA_DTMF follows, unless the same press was told
 * in the SIP side's stream. */
int media_sip_digit(struct media_engine *e, uint64_t session, char digit, unsigned duration_ms);
/* Is this a ringback tone we know, a music file we can read? For checking a configuration; why names what is wrong. */
bool media_tone_known(const char *country);
int media_music_check(const char *path, char *why, size_t why_cap); /* 0 or negative errno */
int media_ask_stats(struct media_engine *e, uint64_t session);
/* MEDIA_CLOSED follows; ports go back to rest before they are used again. Never fails: room is kept for it. */
void media_close(struct media_engine *e, uint64_t session);

size_t media_session_count(const struct media_engine *e);
enum { MEDIA_WORKERS_MAX = 64 };
/* One each, cap at most; returns how many there are: MEDIA_WORKERS_MAX at most. */
size_t media_worker_loads(const struct media_engine *e, struct media_worker_load *ret_loads, size_t cap);
size_t media_ports_in_use(const struct media_engine *e);

#endif
