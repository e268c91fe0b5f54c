/* media/opus_line.h
 *
 * What one peer hears, as Opus: toward WhatsApp always, toward SIP when that speaks Opus, too. It meets an adaptive
 * receiver, so nothing is held: what comes in is passed on or transcoded on arrival, gaps stay gaps.
 *
 *   Opus of whole 20 ms, mono --> reorder window (one packet, 15 ms) ------------------> RTP, the bytes as they came
 *   G.711 | G.722 | other Opus --> reorder window --> PCM --> 20 ms slots --> Opus --> RTP
 *   nothing for a while --> a frame of silence every 20 ms, so that packets keep flowing
 *   a sound, or mute -----> a frame of it every 20 ms, and what comes from the source is dropped
 *
 * The line is one for the whole call: slot k has timestamp base + 960 k, and slots only go forward. Where the source's
 * own timestamps lie on that line is anchored when it begins and again whenever it leaps, changes its SSRC or had been
 * replaced by silence; anchors follow real time, so the listener never hears that. (Meta: one SSRC, one timestamp
 * line.)
 *
 * Samples are counted at 8 kHz, the RTP clock of G.711 and of G.722 (RFC 3551 s4.5.2), a sixth of that of Opus (RFC
 * 7587 s4.1); PCM has `width` of them each: 1 where the source is G.711, else 2.
 *
 * Embedded in its owner; its thread. Allocates only in _init() and _set_source().
 */
#ifndef MEDIA_OPUS_LINE_H
#define MEDIA_OPUS_LINE_H

#include "media/codec/g711.h"
#include "media/codec/g722.h"
#include "media/codec/opus_codec.h"
#include "media/dsp/comfort_noise.h"
#include "media/dsp/sound.h"
#include "media/opus_quiet.h"
#include "media/rtp/reorder.h"
#include "media/rtp/rtp_stream.h"
#include "media/rtp/telephone_event.h"
#include "media/tap/tap.h"

enum {
	LINE_RATE_HZ = 8000,
	LINE_SLOT_SAMPLES = 160,
	LINE_WIDTH_MAX = 2,
	LINE_SLOT_TS = 960,
	LINE_SLOT_US = 20000,
	LINE_SLOT_MS = 20,
	LINE_SILENT_AFTER_US = 80000, /* of nothing from the source: start sending silence. More than one lost packet of
					 40 ms */
};

/* What a packet of the source holds. */
enum line_format { LINE_PCMU = G711_MU, LINE_PCMA = G711_A, LINE_G722, LINE_OPUS };

/* What a source may send; G.711 is always understood. */
struct line_source {
	bool wide; /* the codec agreed on has 16 kHz or more */
	bool g722, opus;
};

struct opus_line_io {
	/* One RTP packet, in a buffer of cap bytes that may be overwritten (SRTP). */
	void (*send)(void *arg, uint8_t *bytes, size_t length, size_t cap);
	void (*first_sound)(void *arg, uint64_t now_us); /* the first packet with the source's sound has been sent */
};

/* A packet of the source in its turn, before anything is done with it, and whether it would be passed on or not.
 * Returns false when it had better not be. */
typedef bool (*opus_line_hear)(void *arg, const struct reorder_packet *p, unsigned samples, uint64_t now_us);

struct opus_line_conf {
	struct opus_enc_conf enc;  /* its rate follows from the source */
	const uint8_t *complexity; /* read before each frame, borrowed; NULL: enc.complexity for ever */
	struct rtp_stream *stream; /* toward the listener, borrowed */
	const struct opus_line_io *io;
	void *io_arg;
	uint32_t first_ts;
	uint16_t pass_max_ms; /* Opus packets longer than that are transcoded into slots */
	bool tell_loss;       /* lost packets leave holes in the sequence numbers, for the listener's recovery (FEC) */
	struct tap *tap;      /* sees what the source says; NULL: nobody. Borrowed */
	enum media_side source_side; /* who the source is */
};

struct opus_line {
	/* fixed after init: */
	struct rtp_stream *stream;
	const struct opus_line_io *io;
	void *io_arg;
	const uint8_t *complexity;     /* NULL: it stays */
	struct opus_enc_conf enc_conf; /* as it is now */
	struct opus_enc *enc;
	struct opus_quiet quiet;
	uint32_t first_ts;
	uint16_t pass_max_ms;
	bool tell_loss;
	struct tap *tap;
	enum media_side source_side;
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
	int16_t pcm[LINE_SLOT_SAMPLES * LINE_WIDTH_MAX];
	unsigned width;        /* 1: G.711, 2: G.722 or Opus */
	struct g722_dec *g722; /* these two NULL until they are needed */
	struct opus_dec *dec;
	int16_t last_narrow; /* G.711 although a wider codec was agreed on: the sample before */
	/* the source */
	struct reorder reorder;
	bool anchored;
	unsigned unit;    /* ticks of its clock to a sample: 1, with Opus 6 */
	uint32_t next_ts; /* its timestamp at line position (slot, filled) */
	uint64_t last_packet_us;
	unsigned last_packet_samples;
	/* what is heard instead of the source */
	bool playing, muted;
	struct sound_player player;
	struct comfort_noise noise; /* of a source that has said so; else silence */
	/* digits */
	struct tev_tx events;
	bool digit_open;
	/* who listens to what comes from the source; NULL: nobody. Set by the owner after _init() */
	opus_line_hear hear;
	void *hear_arg;
	/* statistics */
	uint64_t discarded, passed;
};

/* Returns 0, -EINVAL or -ENOMEM; opus_line_done() is right after either. */
int opus_line_init(struct opus_line *b, const struct opus_line_conf *conf);
/* Returns 0 or -ENOMEM; allocates when it changes. */
int opus_line_set_source(struct opus_line *b, const struct line_source *source);
void opus_line_set_bitrate(struct opus_line *b, uint32_t bitrate);
/* Of what we encode; what is passed on is the source's affair. */
void opus_line_set_receiver(struct opus_line *b, const struct media_opus_receiver *receiver);
void opus_line_set_loss(struct opus_line *b, unsigned percent);
/* event_pt 0: none. event_clock_hz: of its durations, 8000 even beside Opus, or 48000. */
void opus_line_set_remote(struct opus_line *b, uint8_t opus_pt, uint8_t event_pt, uint32_t event_clock_hz);
/* From now on packets may be sent; the first goes with the next tick, which is due at once. */
void opus_line_start(struct opus_line *b, uint64_t now_us);
/* On hold: nothing is sent, nothing heard. The line goes on with real time. */
void opus_line_stop(struct opus_line *b);

/* One audio packet, not a duplicate. G.722 and Opus are dropped unless the source may send them. */
void opus_line_packet(struct opus_line *b, const struct rtp_hdr *hdr, enum line_format format, const uint8_t *payload,
	size_t length, uint64_t now_us);
/* RFC 3389: the source falls silent, and this is how its silence sounds. From its next packet's time on noise is sent,
 * until audio comes. */
void opus_line_comfort_noise(struct opus_line *b, const uint8_t *payload, size_t length, uint64_t now_us);
/* This sequence number carried something else: it is no hole. */
void opus_line_other_packet(struct opus_line *b, const struct rtp_hdr *hdr, uint64_t now_us);
/* Another SSRC, or the sender began anew, or it went on hold. */
void opus_line_new_source(struct opus_line *b);
void opus_line_digit(struct opus_line *b, const struct tev_report *report, uint64_t now_us);
/* A digit of ours. False: it cannot be sent now. */
bool opus_line_can_dial(const struct opus_line *b);
void opus_line_dial(struct opus_line *b, char digit, unsigned duration_ms, uint64_t now_us);
/* From the next slot on. sound: NULL is silence. */
void opus_line_play(struct opus_line *b, bool on, const struct sound *sound, uint64_t now_us);
void opus_line_mute(struct opus_line *b, bool on, uint64_t now_us);
/* Another listener from now on: the digits for the one before are dropped. */
void opus_line_new_peer(struct opus_line *b);

void opus_line_tick(struct opus_line *b, uint64_t now_us);
uint64_t opus_line_deadline(const struct opus_line *b);

void opus_line_done(struct opus_line *b);

#endif
