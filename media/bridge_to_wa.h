/* media/bridge_to_wa.h
 *
 * The direction SIP -> WhatsApp of one session. It meets an adaptive receiver in the phone, so nothing is held:
 * transcoded on arrival, gaps stay gaps.
 *
 *   G.711 | G.722 --> reorder window (one packet, 15 ms) --> PCM --> 20 ms slots --> Opus --> RTP
 *   nothing for a while --> a frame of silence every 20 ms, so that packets keep flowing
 *   a sound, or mute -----> a frame of it every 20 ms, and what comes from SIP is dropped
 *
 * The line toward WhatsApp is one for the whole call: slot k has timestamp base + 960 k, and slots only go forward.
 * Where the SIP stream's own timestamps lie on that line is anchored when it begins and again whenever it leaps,
 * changes its SSRC or had been replaced by silence; anchors follow real time, so the phone never hears that. (Meta: one
 * SSRC, one timestamp line.)
 *
 * Samples are counted at 8 kHz, the RTP clock of both codecs (RFC 3551 s4.5.2); with G.722 each is `width` 2 of PCM.
 *
 * Embedded in the session; its owner's thread. Allocates only in _init() and _set_codec().
 */
#ifndef MEDIA_BRIDGE_TO_WA_H
#define MEDIA_BRIDGE_TO_WA_H

#include "media/codec/g711.h"
#include "media/codec/g722.h"
#include "media/codec/opus_codec.h"
#include "media/dsp/sound.h"
#include "media/rtp/rtp_stream.h"
#include "media/rtp/telephone_event.h"

enum {
	TO_WA_RATE_HZ = 8000,
	TO_WA_SLOT_SAMPLES = 160,
	TO_WA_WIDTH_MAX = 2,
	TO_WA_SLOT_TS = 960,
	TO_WA_SLOT_US = 20000,
	TO_WA_HOLD_US = 15000, /* how long a packet after a hole waits for the one before */
	TO_WA_SILENT_AFTER_US =
		80000,           /* of nothing from SIP: start sending silence. More than one lost packet of 40 ms */
	TO_WA_PAYLOAD_MAX = 480, /* 60 ms of G.711 */
};

/* What a packet from SIP holds. */
enum to_wa_format { TO_WA_PCMU = G711_MU, TO_WA_PCMA = G711_A, TO_WA_G722 };

struct bridge_to_wa_io {
	/* One RTP packet, in a buffer of cap bytes that may be overwritten (SRTP). */
	void (*send)(void *arg, uint8_t *bytes, size_t length, size_t cap);
	void (*first_sound)(void *arg, uint64_t now_us);
};

struct bridge_to_wa_conf {
	struct opus_enc_conf enc;
	struct rtp_stream *stream; /* toward WhatsApp, borrowed */
	const struct bridge_to_wa_io *io;
	void *io_arg;
	uint32_t first_ts;
};

struct bridge_to_wa {
	/* fixed after init: */
	struct rtp_stream *stream;
	const struct bridge_to_wa_io *io;
	void *io_arg;
	struct opus_enc_conf enc_conf; /* as it is now */
	struct opus_enc *enc;
	uint32_t first_ts;
	uint8_t pt, event_pt;
	/* the line */
	bool running, silent; /* silent: we fill in */
	int64_t last_slot;    /* sent; -1: none */
	uint64_t last_sent_us;
	uint64_t line_us; /* when the last slot was due */
	uint64_t fill_us; /* next silence or event */
	bool sound_sent;
	/* the slot being filled */
	int64_t slot;
	unsigned filled;
	int16_t pcm[TO_WA_SLOT_SAMPLES * TO_WA_WIDTH_MAX];
	unsigned width;        /* 1: G.711, 2: G.722 */
	struct g722_dec *g722; /* NULL until it is needed */
	int16_t last_narrow;   /* G.711 although G.722 was agreed on: the sample before */
	/* the SIP stream */
	bool anchored;
	uint32_t next_ts; /* SIP timestamp of line position (slot, filled) */
	uint64_t last_packet_us;
	unsigned last_packet_samples;
	bool seq_known;
	uint16_t next_seq;
	struct {
		bool used;
		uint16_t seq;
		uint32_t ts;
		enum to_wa_format format;
		uint16_t length;
		uint64_t until_us;
		uint8_t payload[TO_WA_PAYLOAD_MAX];
	} held;
	/* what is heard instead of the SIP side */
	bool playing, muted;
	struct sound_player player;
	/* digits */
	struct tev_tx events;
	bool digit_open;
	/* statistics */
	uint64_t late, discarded;
};

/* Returns 0, -EINVAL or -ENOMEM; bridge_to_wa_done() is right after either. */
int bridge_to_wa_init(struct bridge_to_wa *b, const struct bridge_to_wa_conf *conf);
/* The SIP side's codec, as agreed; G.711 packets are understood with either. Returns 0 or -ENOMEM; allocates when it
 * changes. */
int bridge_to_wa_set_codec(struct bridge_to_wa *b, bool g722);
void bridge_to_wa_set_bitrate(struct bridge_to_wa *b, uint32_t bitrate);
void bridge_to_wa_set_loss(struct bridge_to_wa *b, unsigned percent);
void bridge_to_wa_set_remote(struct bridge_to_wa *b, uint8_t opus_pt, uint8_t event_pt);
/* From now on media may be sent; the first packet goes at once. */
void bridge_to_wa_start(struct bridge_to_wa *b, uint64_t now_us);

/* One audio packet, not a duplicate. G.722 only when it was agreed on. */
void bridge_to_wa_packet(struct bridge_to_wa *b, const struct rtp_hdr *hdr, enum to_wa_format format,
	const uint8_t *payload, size_t length, uint64_t now_us);
/* This sequence number carried something else: it is no hole. */
void bridge_to_wa_other_packet(struct bridge_to_wa *b, const struct rtp_hdr *hdr, uint64_t now_us);
/* Another SSRC, or the sender began anew, or it went on hold. */
void bridge_to_wa_new_source(struct bridge_to_wa *b);
void bridge_to_wa_digit(struct bridge_to_wa *b, const struct tev_report *report, uint64_t now_us);
/* A digit of ours. False: it cannot be sent now. */
bool bridge_to_wa_can_dial(const struct bridge_to_wa *b);
void bridge_to_wa_dial(struct bridge_to_wa *b, char digit, unsigned duration_ms, uint64_t now_us);
/* From the next slot on. sound: NULL is silence. */
void bridge_to_wa_play(struct bridge_to_wa *b, bool on, const struct sound *sound, uint64_t now_us);
void bridge_to_wa_mute(struct bridge_to_wa *b, bool on, uint64_t now_us);

void bridge_to_wa_tick(struct bridge_to_wa *b, uint64_t now_us);
uint64_t bridge_to_wa_deadline(const struct bridge_to_wa *b);

void bridge_to_wa_done(struct bridge_to_wa *b);

#endif
