/* media/rtp/jbuf.h
 *
 * Adaptive jitter buffer for one incoming RTP stream of 48 kHz clock (RFC 7587 s4.1). It holds packets and says what to
 * play next; decoding, concealing and pacing are the caller's. Owner: the media worker that owns the session. Not
 * thread-safe, never blocks, allocates only in jbuf_new(); packets come from and go back to the worker's pool.
 *
 * How long a packet is held follows from how late packets arrive: for each one, arrival minus timestamp; the least of
 * the last seconds is the path's fastest, and the 98th percentile of what exceeds it is the hold wanted. The buffer
 * nears it by dropping or repeating whole frames in pauses of speech; in the middle of a word it says by how much it is
 * off, and the caller may play more quickly. That also takes up the drift of the sender's clock. A packet that has not
 * come is waited for up to max_ms: what then comes late is played late.
 *
 *                      base          base + target                    max
 *   timestamp ---------|--------------|--------------------------------|----> time
 *                      fastest        when it is played (P = want)
 */
#ifndef MEDIA_RTP_JBUF_H
#define MEDIA_RTP_JBUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct jbuf;
struct pkt;
struct pktpool;

enum {
	JBUF_CLOCK_HZ = 48000,
	JBUF_START_MS = 40, /* hold before anything is known of the path, within min..max */
	JBUF_PERCENTILE = 98,
	JBUF_FRAME_TS_DEFAULT = 960, /* 20 ms: until a packet says otherwise */
	JBUF_PACKETS_SPARE = 8,      /* beyond max_ms / 20: bursts after a stall */
	JBUF_HOLD_BIN_MS = 5,
	JBUF_HOLD_BINS = 128,
};

struct jbuf_conf {
	struct pktpool *pool; /* borrowed */
	uint16_t min_ms;      /* hold never below */
	uint16_t max_ms;      /* nor above, <= 500; with JBUF_PACKETS_SPARE also bounds the packets kept */
};

enum jbuf_kind {
	JBUF_IDLE,    /* nothing to play: the stream has not begun, or is held back at its start. duration 0 */
	JBUF_PACKET,  /* decode it */
	JBUF_MISSING, /* a packet was lost: recover it from `next` if that is given, else conceal */
	JBUF_GAP,     /* nothing was lost, the sender's timestamps leap: silence */
	JBUF_EMPTY,   /* the next packet has not come yet: conceal; when it does it will be played, unless that is too
			 late */
	JBUF_STRETCH, /* play something of the past once more, to hold packets longer: conceal */
};

struct jbuf_out {
	enum jbuf_kind kind;
	uint32_t duration_ts; /* how much to play; of a PACKET: what its sender said with jbuf_put() */
	struct pkt *pkt;      /* PACKET: now the caller's, back to the pool with pkt_put() */
	const struct pkt
		*next;    /* MISSING: the very next packet, borrowed until the next call; NULL when it is not there */
	uint32_t held_us; /* PACKET: from arrival to play_us */
	int32_t above_us; /* PACKET: held so much longer than wanted; < 0: shorter */
};

struct jbuf_stats {
	uint64_t late, discarded; /* packets too late; dropped, but not in a pause */
	uint64_t missing_ms;      /* told as MISSING */
	uint64_t empty_ms;        /* told as EMPTY and turned out to be loss or lateness, not the sender's silence */
	uint64_t stretched_ms, dropped_ms; /* to hold longer, or not so long */
	uint64_t flushes;
	double hold_sum_ms; /* over played packets */
	uint64_t played, played_ms;
	unsigned target_max_ms;
	uint32_t hold_bin[JBUF_HOLD_BINS]; /* played packets by how long they were held */
};

/* Returns 0, -EINVAL (conf out of range) or -ENOMEM; *ret_jb only on 0. */
int jbuf_new(const struct jbuf_conf *conf, struct jbuf **ret_jb);

/* Offer one packet: audio of duration_ts from ts on. Takes over pkt when it returns 0 or 1. Returns 0 queued, 1
 * duplicate (freed), -ETIME too late to play, -EPROTO the timestamps leapt: caller flushes and offers it again. */
int jbuf_put(struct jbuf *jb, uint16_t seq, uint32_t ts, uint32_t duration_ts, struct pkt *pkt, uint64_t now_us);
/* This sequence number was something else than audio (telephone-event): it is not missing. */
void jbuf_skip(struct jbuf *jb, uint16_t seq);

/* What to play at play_us (the grid's time, not the clock's). extra_us: it is fetched so much before the grid wants it,
 * and has to be there by then: the caller keeps sound of its own. quiet: what was played last was a pause; frames may
 * be dropped or stretched. */
void jbuf_get(struct jbuf *jb, uint64_t play_us, uint64_t extra_us, bool quiet, struct jbuf_out *ret_out);
/* The next frame can be had: its packet is there. */
bool jbuf_is_ready(const struct jbuf *jb);

/* Sound is fetched in pieces of ptime_ms. Where that is not a multiple of the frames' length some frames are fetched
 * before their time, up to ptime less one frame; the hold is lengthened by so much. */
void jbuf_set_ptime(struct jbuf *jb, uint16_t ptime_ms);
/* Time at which a stream that has just begun wants to start playing; 0 when idle or already playing. */
uint64_t jbuf_start_us(const struct jbuf *jb);
/* Drop all packets, begin anew with the next one. What was learnt of jitter is kept. */
void jbuf_flush(struct jbuf *jb);

unsigned jbuf_target_ms(const struct jbuf *jb);
unsigned jbuf_limit_ms(const struct jbuf *jb); /* max_ms */
/* Of all packets played so many percent were held no longer than this; -1: none was played. */
double jbuf_hold_percentile_ms(const struct jbuf *jb, unsigned percent);
size_t jbuf_packets(const struct jbuf *jb);
const struct jbuf_stats *jbuf_stats(const struct jbuf *jb);
/* For the buffer itself: one packet of duration_ms has been played. */
void jbuf_stats_played(struct jbuf_stats *st, uint32_t duration_ms, uint32_t held_us);

/* Accepts NULL; always returns NULL: jb = jbuf_free(jb). */
struct jbuf *jbuf_free(struct jbuf *jb);

#endif
