/* media/greeting.h
 *
 * The first words of the SIP side. Media may go to WhatsApp only once Meta has answered `accept` (Meta: pre_accept,
 * accept); whoever speaks as soon as it has answered would be cut short. So what it says from its answer on is kept,
 * played from its beginning when media may flow, and the delay that follows from that is worked off in its pauses.
 *
 *   held:     packets come -----> kept, in order ------------------------------> GREETING_MAX_MS; what is older is lost
 *   playing:  packets come -----> behind those kept --> one after another, pauses shortened --> the line to WhatsApp
 *   nothing is left: the owner frees it, and packets go to the line as they come, moved by its shift
 *
 * A pause keeps GREETING_PAUSE_AFTER_MS after a word, so that its end is not cut, and GREETING_PAUSE_BEFORE_MS before
 * the next one. Packets go out as they came in, whatever the codec, under sequence numbers and timestamps without the
 * parts left out: the listener never sees that anything was.
 *
 * Beyond GREETING_MAX_MS the oldest is dropped: then the beginning is cut as it would be without us, but what is heard
 * is one piece up to the present, where the other choice would take words out of its middle, and the delay has a bound.
 *
 * Stepped, one thread. One block of memory and the decoders that measure levels, made when a call is set up and freed
 * some seconds later; nothing is allocated in between.
 */
#ifndef MEDIA_GREETING_H
#define MEDIA_GREETING_H

#include "media/opus_line.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	GREETING_MAX_MS = 2000,
	GREETING_BYTES = 20000,        /* 2 s of G.711 or G.722 are 16000 */
	GREETING_ITEMS = 256,          /* 2 s in packets of 10 ms, and digits */
	GREETING_PAUSE_AFTER_MS = 60,  /* hangover: words end softly */
	GREETING_PAUSE_BEFORE_MS = 40, /* and begin so */
	GREETING_REORDER_MAX = 4,      /* packets that one may be late by */
};

struct greeting;

struct greeting_io {
	/* To the line, in order. Of hdr only seq and ts say something. */
	void (*audio)(void *arg, const struct rtp_hdr *hdr, enum line_format format, const uint8_t *payload,
		size_t length, uint64_t now_us);
	void (*digit)(void *arg, const struct tev_report *report, uint64_t now_us);
	void (*new_source)(void *arg, uint64_t now_us); /* the next packet begins another stream */
	bool (*busy)(void *arg);                        /* a digit is on the wire; audio waits for its end */
};

/* By how much the source's numbers are ahead of the line's: subtract it of every later packet of the same stream. */
struct greeting_shift {
	uint16_t seq;
	uint32_t ts;
};

struct greeting_stats {
	int64_t held_ms;    /* when playing began: the delay that was to be worked off */
	int64_t lost_ms;    /* came before GREETING_MAX_MS of others */
	int64_t skipped_ms; /* pauses left out */
	int64_t late;       /* packets too late to be put in order */
};

/* source: what may come, for the decoders that measure it. Returns 0 or -ENOMEM. */
int greeting_new(
	const struct line_source *source, const struct greeting_io *io, void *io_arg, struct greeting **ret_greeting);

/* The source may send something else now. Returns 0 or -ENOMEM. */
int greeting_set_source(struct greeting *g, const struct line_source *source);

/* One audio packet, not a duplicate; copied. */
void greeting_audio(
	struct greeting *g, const struct rtp_hdr *hdr, enum line_format format, const uint8_t *payload, size_t length);
/* Behind the audio that came before it. Audio that comes while a digit is held down is dropped, as the line does. */
void greeting_digit(struct greeting *g, const struct tev_report *report);
void greeting_new_source(struct greeting *g);

/* Media may flow: the first packet goes at once. */
void greeting_start(struct greeting *g, uint64_t now_us);
void greeting_tick(struct greeting *g, uint64_t now_us);
uint64_t greeting_deadline(const struct greeting *g); /* UINT64_MAX: held */
/* The delay is worked off: take the shift, and free it. */
bool greeting_is_over(const struct greeting *g);
struct greeting_shift greeting_shift(const struct greeting *g);

unsigned greeting_backlog_ms(const struct greeting *g);
struct greeting_stats greeting_stats(const struct greeting *g);

/* Accepts NULL; always returns NULL. */
struct greeting *greeting_free(struct greeting *g);

#endif
