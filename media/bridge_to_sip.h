/* media/bridge_to_sip.h
 *
 * The direction WhatsApp -> SIP of one session. It comes over the internet and may meet a naive receiver: packets are
 * held in an adaptive jitter buffer and played on an absolute grid of the SIP side's ptime; what is lost is recovered
 * (FEC) or concealed.
 *
 *   Opus packet --> jbuf --> every ptime: decode | FEC | PLC | silence --> G.711 | G.722 --> RTP
 *   a sound, or mute -------------------> instead of what was decoded
 *   digit ------------------------------> telephone-event instead of audio
 *
 * Where the SIP side speaks Opus itself, it is an adaptive receiver as a phone is: packets go on as they come, on a
 * line of their own (opus_line.h), and none of the above is at work.
 *
 * Samples are counted at 8 kHz, the RTP clock of both codecs (RFC 3551 s4.5.2); with G.722 each is `width` 2 of PCM.
 *
 * Embedded in the session; its owner's thread. Allocates only in _init() and _set_remote().
 */
#ifndef MEDIA_BRIDGE_TO_SIP_H
#define MEDIA_BRIDGE_TO_SIP_H

#include "media/codec/g711.h"
#include "media/codec/g722.h"
#include "media/codec/opus_codec.h"
#include "media/digit_voice.h"
#include "media/dsp/sound.h"
#include "media/media_types.h"
#include "media/opus_line.h"
#include "media/rtp/jbuf.h"
#include "media/rtp/rtp_stream.h"
#include "media/rtp/telephone_event.h"

struct pktpool;

enum {
	BRIDGE_RATE_HZ = 8000,
	BRIDGE_SAMPLES_PER_MS = 8,
	BRIDGE_WIDTH_MAX = 2,
	BRIDGE_PTIME_MIN_MS = 10,
	BRIDGE_PTIME_MAX_MS = 60,
	BRIDGE_PTIME_DEFAULT_MS = 20,
	BRIDGE_CONCEAL_MAX_MS = 100, /* invented speech sounds like a robot after that; then silence */
	/* of decoded audio not yet sent: one ptime, what is left of a frame fetched early, then one Opus packet */
	BRIDGE_FIFO_SAMPLES = (BRIDGE_PTIME_MAX_MS + 20 + OPUS_CODEC_PACKET_MAX_MS) * BRIDGE_SAMPLES_PER_MS,
};

struct bridge_to_sip_io {
	void (*send)(void *arg, const uint8_t *bytes, size_t length); /* one RTP packet */
	void (*first_sound)(void *arg, uint64_t now_us); /* the first packet with WhatsApp's sound has been sent */
};

struct bridge_to_sip_conf {
	struct pktpool *pool;
	uint16_t jbuf_min_ms, jbuf_max_ms;
	struct rtp_stream *stream; /* toward SIP, borrowed */
	const struct bridge_to_sip_io *io;
	void *io_arg;
	uint32_t first_ts;
	struct opus_enc_conf enc; /* for sounds of ours, where the SIP side speaks Opus */
	struct tap *tap;          /* sees what WhatsApp says; NULL: nobody. Borrowed */
};

struct bridge_to_sip {
	/* fixed after init: */
	struct rtp_stream *stream;
	const struct bridge_to_sip_io *io;
	void *io_arg;
	struct pktpool *pool;
	struct opus_dec *dec;
	struct jbuf *jb;
	struct opus_enc_conf enc_conf;
	struct tap *tap;
	uint32_t first_ts;
	/* instead of all below while the SIP side speaks Opus; NULL until it does */
	struct opus_line *line;
	bool opus;
	/* the SIP side as negotiated */
	bool running, send;
	enum g711_law law;
	unsigned width;        /* 1: G.711, 2: G.722 */
	struct g722_enc *g722; /* NULL until it is needed */
	uint8_t pt, event_pt;
	uint16_t ptime_ms;
	/* playing */
	uint64_t next_us; /* of the grid */
	uint32_t ts;      /* of the packet at next_us */
	bool phased;      /* the grid has been moved to where this stream's packets arrive */
	bool mark_next;   /* after a leap of the grid, or silence */
	bool sound_sent;
	bool quiet;             /* what was played last was a pause */
	unsigned concealed_run; /* samples since the last real ones */
	int16_t *fifo;          /* BRIDGE_FIFO_SAMPLES * width */
	unsigned fifo_samples;
	unsigned extra;    /* of them, from a frame fetched early so that the rest of it can be taken away */
	int32_t above_us;  /* the last packet was held so much longer than wanted */
	bool may_hurry;    /* by a frame at least */
	unsigned cut_wait; /* samples to be played before the next cut */
	unsigned uncut;    /* samples played in vain: nothing was alike enough */
	/* what is heard instead of WhatsApp */
	bool playing, muted;
	struct sound_player player;
	/* digits */
	struct tev_tx events;
	struct digit_voice voice;
	bool digit_open;
	/* statistics */
	uint64_t discarded, concealed_ms, fec_ms, cut_samples;
};

/* Returns 0, -EINVAL or -ENOMEM; bridge_to_sip_done() is right after either. */
int bridge_to_sip_init(struct bridge_to_sip *b, const struct bridge_to_sip_conf *conf);
/* The SIP side is known, or has changed; starts the grid. Returns 0 or -ENOMEM; allocates when the codec changes. */
int bridge_to_sip_set_remote(struct bridge_to_sip *b, const struct media_sip_remote *remote, uint64_t now_us);

/* One Opus packet, not a duplicate. payload is copied. */
void bridge_to_sip_packet(
	struct bridge_to_sip *b, const struct rtp_hdr *hdr, const uint8_t *payload, size_t length, uint64_t now_us);
/* This packet carried something else. */
void bridge_to_sip_other_packet(struct bridge_to_sip *b, const struct rtp_hdr *hdr, uint64_t now_us);
/* Another SSRC, or the sender began anew. */
void bridge_to_sip_new_source(struct bridge_to_sip *b);
void bridge_to_sip_digit(struct bridge_to_sip *b, const struct tev_report *report, uint64_t now_us);

/* A digit of ours. False: it cannot be sent now (no telephone-event, on hold). */
bool bridge_to_sip_can_dial(const struct bridge_to_sip *b);
void bridge_to_sip_dial(struct bridge_to_sip *b, char digit, unsigned duration_ms, uint64_t now_us);
bool bridge_to_sip_dials(const struct bridge_to_sip *b); /* a digit is on the wire, or waits */
/* From the next packet on. sound: NULL is silence. WhatsApp's stream goes on being consumed. */
void bridge_to_sip_play(struct bridge_to_sip *b, bool on, const struct sound *sound, uint64_t now_us);
void bridge_to_sip_mute(struct bridge_to_sip *b, bool on, uint64_t now_us);
/* Another party listens from now on: the digits for the one before are dropped. */
void bridge_to_sip_new_peer(struct bridge_to_sip *b);

void bridge_to_sip_tick(struct bridge_to_sip *b, uint64_t now_us);
uint64_t bridge_to_sip_deadline(const struct bridge_to_sip *b);

void bridge_to_sip_done(struct bridge_to_sip *b);

#endif
