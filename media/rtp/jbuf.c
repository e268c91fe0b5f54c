/* media/rtp/jbuf.c
 *
 * Packets lie in a ring by extended sequence number. Three numbers describe the playing: next_seq and next_ts, the
 * first not yet played, and for every decision P = play time - timestamp, to be compared with want = base + target.
 *
 *   not yet there   P < want: stretch               P >= want: wait; beyond base + max: go on without it
 *   hole            P < want: stretch (wait)        P >= want: go on without it
 *   packet there    P far below want: stretch       P a frame above want: drop one in a pause, or when it is far
 *
 * What is concealed while waiting is owed: when a packet comes that tells of a hole, the hole has been played already.
 */
#include "media/rtp/jbuf.h"

#include "lib/base/assert.h"
#include "lib/base/pktbuf.h"
#include "media/rtp/jbuf_delay.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
	SLOTS = 64, /* power of two */
	MAX_MS_LIMIT = 500,
	LEAP_US = 1000000,         /* arrival against timestamp off by this much: another timeline */
	LATE_RUN_LEAP = 5,         /* this many late in a row: our idea of the timeline is wrong */
	PAUSE_FRAMES = 10,         /* empty for so long: a restart costs nothing */
	EARLY_TOLERANCE_US = 2000, /* below want: within the noise of the estimate */
	PATIENCE_US = 1000000,     /* then stretch even in the middle of speech */
	FAR_FRAMES = 8,            /* above want: too much to be played more quickly */
};

struct slot {
	bool used, is_audio;
	int64_t seq; /* extended */
	int64_t ts;  /* extended */
	uint32_t duration_ts;
	uint64_t arrived_us;
	struct pkt *pkt;
};

struct jbuf {
	/* fixed after jbuf_new(): */
	struct pktpool *pool;
	uint32_t min_us, max_us;
	size_t packets_max;
	/* state */
	enum { IDLE, HOLDING, PLAYING } state;
	uint64_t start_us; /* HOLDING: when to begin */
	int64_t newest_seq, newest_ts;
	int64_t next_seq, next_ts;
	uint32_t waited_ts;      /* concealed since, while next_ts stood still */
	uint32_t unexplained_ts; /* empty before the last flush: the sender was silent, or an outage was */
	uint32_t frame_ts;       /* duration of the last packet */
	uint32_t target_us;
	uint32_t ptime_ts, lead_us; /* see jbuf_set_ptime() */
	size_t packets;
	unsigned late_run;     /* audio packets in a row that came too late */
	unsigned empty_run;    /* frames told EMPTY since the last packet arrived */
	uint64_t off_since_us; /* hold has been off by more than allowed since; 0: is not */
	struct jbuf_delay delay;
	struct jbuf_stats stats;
	struct slot slots[SLOTS];
};

static int64_t ts_us(int64_t ts)
{
	return ts * 1000 / (JBUF_CLOCK_HZ / 1000);
}

static uint32_t ts_ms(uint32_t ts)
{
	return ts / (JBUF_CLOCK_HZ / 1000);
}

static struct slot *slot_at(struct jbuf *jb, int64_t seq)
{
	return &jb->slots[(uint64_t)seq & (SLOTS - 1)];
}

static bool holds(const struct slot *s, int64_t seq)
{
	return s->used && s->seq == seq;
}

static void clear_slot(struct jbuf *jb, struct slot *s)
{
	if (s->used && s->is_audio) {
		s->pkt = pkt_put(jb->pool, s->pkt);
		jb->packets--;
	}
	s->used = false;
}

/* The oldest audio packet; *ret_lost: sequence numbers before it of which nothing is known. */
static struct slot *oldest(struct jbuf *jb, int64_t *ret_lost)
{
	*ret_lost = 0;
	if (!jb->packets)
		return NULL;
	for (int64_t seq = jb->next_seq; seq <= jb->newest_seq; seq++) {
		struct slot *s = slot_at(jb, seq);
		if (!holds(s, seq))
			++*ret_lost;
		else if (s->is_audio)
			return s;
	}
	return NULL;
}

static void consumed(struct jbuf *jb, const struct slot *s)
{
	jb->next_seq = s->seq + 1;
	jb->next_ts = s->ts + s->duration_ts;
	jb->waited_ts = 0;
}

static void drop_oldest(struct jbuf *jb)
{
	int64_t lost;
	struct slot *s = oldest(jb, &lost);
	ASSERT(s);
	consumed(jb, s);
	jb->stats.dropped_ms += ts_ms(s->duration_ts);
	if (jb->unexplained_ts >= s->duration_ts) { /* so that was it */
		jb->stats.empty_ms += ts_ms(s->duration_ts);
		jb->unexplained_ts -= s->duration_ts;
	}
	clear_slot(jb, s);
}

void jbuf_flush(struct jbuf *jb)
{
	for (int i = 0; i < SLOTS; i++)
		clear_slot(jb, &jb->slots[i]);
	if (jb->state != IDLE)
		jb->stats.flushes++;
	jb->state = IDLE;
	jb->unexplained_ts = jb->empty_run * jb->frame_ts;
	jb->late_run = jb->empty_run = 0;
	jb->waited_ts = 0;
	jb->off_since_us = 0;
	jbuf_delay_rebase(&jb->delay);
}

static void retarget(struct jbuf *jb)
{
	uint32_t us = jbuf_delay_percentile_us(&jb->delay, JBUF_PERCENTILE);
	/* half a second of packets says little; until then not less than the start value */
	if (jb->delay.seen < 25 && us < JBUF_START_MS * 1000)
		us = JBUF_START_MS * 1000;
	jb->target_us = us < jb->min_us ? jb->min_us : us > jb->max_us ? jb->max_us : us;
	if (jb->target_us / 1000 > jb->stats.target_max_ms)
		jb->stats.target_max_ms = jb->target_us / 1000;
}

static void begin(struct jbuf *jb, uint16_t seq, uint32_t ts, uint64_t now_us)
{
	jb->newest_seq = jb->next_seq = 65536 + (int64_t)seq; /* never negative, also when older ones follow */
	jb->newest_ts = jb->next_ts = ((int64_t)1 << 32) + ts;
	jb->state = HOLDING;
	retarget(jb);
	jb->start_us = now_us + jb->target_us + jb->lead_us;
}

/* After EMPTY frames a packet arrives. What its sequence number leaves out was lost, and by as much as its own time has
 * passed it is late; without either the sender was silent. */
static void settle_empty(struct jbuf *jb, int64_t seq, int64_t ts)
{
	int64_t late = (jb->next_ts + jb->waited_ts - ts) / jb->frame_ts, lost = seq - jb->next_seq;
	for (int64_t s = jb->next_seq; s < seq && s - jb->next_seq < SLOTS; s++)
		lost -= holds(slot_at(jb, s), s);
	int64_t frames = (lost > 0 ? lost : 0) + (late > 0 ? late : 0);
	jb->stats.empty_ms += (uint64_t)(frames < jb->empty_run ? frames : jb->empty_run) * ts_ms(jb->frame_ts);
	jb->empty_run = 0;
}

/* Too late. While EMPTY it cost a concealed frame; after a MISSING that is counted already. */
static int too_late(struct jbuf *jb, int64_t seq)
{
	if (++jb->late_run >= LATE_RUN_LEAP)
		return -EPROTO;
	jb->stats.late++;
	if (seq >= jb->next_seq) {
		jb->stats.empty_ms += ts_ms(jb->frame_ts);
		if (jb->empty_run)
			jb->empty_run--;
		if (seq == jb->next_seq)
			jb->next_seq++;
	}
	return -ETIME;
}

static void make_room(struct jbuf *jb, int64_t seq)
{
	while (jb->packets && (jb->packets >= jb->packets_max || seq - jb->next_seq >= SLOTS)) {
		drop_oldest(jb);
		jb->stats.discarded++;
	}
	if (seq - jb->next_seq >= SLOTS)
		jb->next_seq = seq; /* a long outage: the ring holds nothing of it */
}

static void store(struct jbuf *jb, int64_t seq, struct slot content)
{
	struct slot *s = slot_at(jb, seq);
	clear_slot(jb, s);
	*s = content;
	jb->packets += content.is_audio;
	if (seq > jb->newest_seq)
		jb->newest_seq = seq;
}

int jbuf_put(struct jbuf *jb, uint16_t seq16, uint32_t ts32, uint32_t duration_ts, struct pkt *pkt, uint64_t now_us)
{
	if (jb->state == IDLE)
		begin(jb, seq16, ts32, now_us);
	int64_t seq = jb->newest_seq + (int16_t)(uint16_t)(seq16 - (uint16_t)jb->newest_seq);
	int64_t ts = jb->newest_ts + (int32_t)(ts32 - (uint32_t)jb->newest_ts);
	int64_t delay_us = (int64_t)now_us - ts_us(ts);
	if (holds(slot_at(jb, seq), seq)) {
		pkt_put(jb->pool, pkt);
		return 1;
	}
	if (jb->delay.started && llabs(delay_us - jbuf_delay_base_us(&jb->delay)) > LEAP_US)
		return -EPROTO;
	if (jb->state == HOLDING && seq < jb->next_seq && jb->next_seq - seq < SLOTS / 2) {
		jb->next_seq = seq; /* the first packets came out of order */
		jb->next_ts = ts;
	}
	bool late = seq < jb->next_seq || ts < jb->next_ts;
	/* A sender whose timestamps stood still while it was silent is not late, and says nothing about the path */
	if (late && jb->empty_run >= PAUSE_FRAMES && !jb->packets)
		return -EPROTO;
	jbuf_delay_add(&jb->delay, delay_us, now_us);
	retarget(jb);
	if (late)
		return too_late(jb, seq);
	jb->late_run = 0;
	if (jb->empty_run)
		settle_empty(jb, seq, ts);
	make_room(jb, seq);
	if (seq < jb->next_seq) { /* its place went for the room: nobody would ever find it there */
		jb->stats.discarded++;
		return -ETIME;
	}
	store(jb, seq,
		(struct slot){.used = true,
			.is_audio = true,
			.seq = seq,
			.ts = ts,
			.duration_ts = duration_ts,
			.arrived_us = now_us,
			.pkt = pkt});
	if (ts > jb->newest_ts)
		jb->newest_ts = ts;
	return 0;
}

void jbuf_skip(struct jbuf *jb, uint16_t seq16)
{
	if (jb->state == IDLE)
		return;
	int64_t seq = jb->newest_seq + (int16_t)(uint16_t)(seq16 - (uint16_t)jb->newest_seq);
	if (seq < jb->next_seq || seq - jb->next_seq >= SLOTS || holds(slot_at(jb, seq), seq))
		return;
	if (seq == jb->next_seq && !jb->packets) {
		jb->next_seq++; /* minutes of nothing else must not fill the ring */
		if (seq > jb->newest_seq)
			jb->newest_seq = seq;
		return;
	}
	store(jb, seq, (struct slot){.used = true, .seq = seq});
}

/* Is an adjustment due? Wait for a pause, but not for ever. */
static bool may_adjust(struct jbuf *jb, uint64_t play_us, bool quiet, bool urgent)
{
	if (quiet || urgent)
		return true;
	if (!jb->off_since_us)
		jb->off_since_us = play_us;
	return play_us - jb->off_since_us >= PATIENCE_US;
}

static void tell(struct jbuf *jb, enum jbuf_kind kind, uint32_t duration_ts, struct jbuf_out *out)
{
	*out = (struct jbuf_out){.kind = kind, .duration_ts = duration_ts};
	switch (kind) {
	case JBUF_STRETCH: jb->stats.stretched_ms += ts_ms(duration_ts); return; /* time passes, the stream does not */
	case JBUF_MISSING: jb->stats.missing_ms += ts_ms(duration_ts); break;
	case JBUF_EMPTY: jb->empty_run++; break;
	case JBUF_IDLE:
	case JBUF_PACKET:
	case JBUF_GAP: break;
	}
	jb->next_ts += duration_ts;
}

static void set_frame(struct jbuf *jb, uint32_t frame_ts)
{
	uint32_t a = jb->ptime_ts, b = frame_ts;
	jb->frame_ts = frame_ts;
	while (b) { /* the greatest common divisor: frames begin at its multiples within a piece */
		uint32_t rest = a % b;
		a = b;
		b = rest;
	}
	jb->lead_us = jb->ptime_ts ? (uint32_t)ts_us(jb->ptime_ts - a) : 0;
}

void jbuf_set_ptime(struct jbuf *jb, uint16_t ptime_ms)
{
	jb->ptime_ts = ptime_ms * (JBUF_CLOCK_HZ / 1000u);
	set_frame(jb, jb->frame_ts);
}

static void tell_packet(struct jbuf *jb, struct slot *s, uint64_t play_us, int64_t above_us, struct jbuf_out *out)
{
	*out = (struct jbuf_out){
		.kind = JBUF_PACKET, .duration_ts = s->duration_ts, .pkt = s->pkt, .above_us = (int32_t)above_us};
	out->held_us = play_us > s->arrived_us ? (uint32_t)(play_us - s->arrived_us) : 0;
	jbuf_stats_played(&jb->stats, ts_ms(s->duration_ts), out->held_us);
	jb->unexplained_ts = 0;
	if (s->duration_ts != jb->frame_ts)
		set_frame(jb, s->duration_ts);
	consumed(jb, s);
	s->used = false; /* the packet is the caller's now */
	s->pkt = NULL;
	jb->packets--;
}

static void pass_missing(struct jbuf *jb)
{
	while (holds(slot_at(jb, jb->next_seq), jb->next_seq)) /* telephone-events */
		clear_slot(jb, slot_at(jb, jb->next_seq++));
	jb->next_seq++;
}

static void tell_hole(struct jbuf *jb, const struct slot *next, int64_t lost, int64_t above_us, struct jbuf_out *out)
{
	uint32_t gap_ts = (uint32_t)(next->ts - jb->next_ts < jb->frame_ts ? next->ts - jb->next_ts : jb->frame_ts);
	if (above_us < -EARLY_TOLERANCE_US) {
		tell(jb, JBUF_STRETCH, jb->frame_ts, out); /* it may still come */
	} else if (lost > 0) {
		bool adjacent = next->ts == jb->next_ts + gap_ts;
		tell(jb, JBUF_MISSING, gap_ts, out);
		out->next = adjacent ? next->pkt : NULL;
		pass_missing(jb);
	} else if (above_us > 0 && above_us > (int64_t)ts_us(gap_ts)) {
		jb->next_ts += gap_ts; /* silence is where holding too long is made good unheard */
		*out = (struct jbuf_out){.kind = JBUF_GAP};
	} else {
		tell(jb, JBUF_GAP, gap_ts, out);
	}
}

/* Nothing is there. Waiting costs delay, going on without it what it says: so wait while there is delay to spend. */
static void tell_nothing(struct jbuf *jb, int64_t above_us, struct jbuf_out *out)
{
	int64_t spent_us = above_us + jb->target_us + 2 * ts_us(jb->frame_ts);
	if (above_us < -EARLY_TOLERANCE_US) {
		tell(jb, JBUF_STRETCH, jb->frame_ts, out);
	} else if (spent_us <= jb->max_us) {
		*out = (struct jbuf_out){.kind = JBUF_EMPTY, .duration_ts = jb->frame_ts};
		jb->empty_run++;
		jb->waited_ts += jb->frame_ts;
	} else {
		tell(jb, JBUF_EMPTY, jb->frame_ts, out);
	}
}

/* A hole before the next packet: as much of it as was concealed while waiting is done. */
static void skip_waited(struct jbuf *jb, const struct slot *next, int64_t lost)
{
	int64_t hole_ts = next->ts - jb->next_ts, done_ts = hole_ts < jb->waited_ts ? hole_ts : jb->waited_ts;
	for (int64_t ts = 0; ts < done_ts && lost > 0; ts += jb->frame_ts, lost--)
		pass_missing(jb);
	jb->next_ts += done_ts;
	jb->waited_ts = 0;
}

/* Is the packet to be dropped, or a frame to be put before it? */
enum change { CHANGE_NONE, CHANGE_DROP, CHANGE_STRETCH };

static enum change change_wanted(struct jbuf *jb, uint64_t play_us, int64_t above_us, bool quiet)
{
	int64_t frame_us = ts_us(jb->frame_ts);
	bool too_long = above_us >= frame_us && jb->packets > 1, too_short = above_us < -EARLY_TOLERANCE_US;
	if (too_long)
		return quiet || above_us > FAR_FRAMES * frame_us ? CHANGE_DROP : CHANGE_NONE;
	if (!too_short)
		jb->off_since_us = 0;
	else if (may_adjust(jb, play_us, quiet, above_us < -frame_us))
		return CHANGE_STRETCH;
	return CHANGE_NONE;
}

void jbuf_get(struct jbuf *jb, uint64_t play_us, uint64_t extra_us, bool quiet, struct jbuf_out *ret_out)
{
	*ret_out = (struct jbuf_out){.kind = JBUF_IDLE};
	if (jb->state == IDLE || (jb->state == HOLDING && play_us < jb->start_us))
		return;
	bool beginning = jb->state == HOLDING;
	jb->state = PLAYING;
	for (;;) {
		int64_t lost;
		struct slot *s = oldest(jb, &lost);
		/* > 0: held longer than wanted */
		int64_t above_us = (int64_t)(play_us - extra_us) - ts_us(jb->next_ts) - jbuf_delay_base_us(&jb->delay) -
				   jb->target_us - jb->lead_us;
		if (!s) {
			tell_nothing(jb, above_us, ret_out);
			return;
		}
		if (s->ts > jb->next_ts && jb->waited_ts) {
			skip_waited(jb, s, lost);
			continue;
		}
		if (s->ts > jb->next_ts) {
			tell_hole(jb, s, lost, above_us, ret_out);
			if (ret_out->kind == JBUF_GAP && !ret_out->duration_ts)
				continue;
			return;
		}
		switch (change_wanted(jb, play_us, above_us, quiet || beginning)) {
		case CHANGE_DROP:
			drop_oldest(jb);
			jb->stats.discarded += !quiet; /* in a pause nothing is missing */
			continue;
		case CHANGE_STRETCH:
			tell(jb, JBUF_STRETCH, jb->frame_ts, ret_out);
			jb->off_since_us = 0;
			return;
		case CHANGE_NONE: tell_packet(jb, s, play_us, above_us, ret_out); return;
		}
	}
}

bool jbuf_is_ready(const struct jbuf *jb)
{
	const struct slot *s = &jb->slots[(uint64_t)jb->next_seq & (SLOTS - 1)];
	return jb->state == PLAYING && holds(s, jb->next_seq) && s->is_audio && s->ts <= jb->next_ts;
}

uint64_t jbuf_start_us(const struct jbuf *jb)
{
	return jb->state == HOLDING ? jb->start_us : 0;
}

unsigned jbuf_target_ms(const struct jbuf *jb)
{
	return jb->target_us / 1000;
}

unsigned jbuf_limit_ms(const struct jbuf *jb)
{
	return jb->max_us / 1000;
}

size_t jbuf_packets(const struct jbuf *jb)
{
	return jb->packets;
}

const struct jbuf_stats *jbuf_stats(const struct jbuf *jb)
{
	return &jb->stats;
}

int jbuf_new(const struct jbuf_conf *conf, struct jbuf **ret_jb)
{
	if (!conf->pool || conf->max_ms > MAX_MS_LIMIT || conf->max_ms < conf->min_ms || conf->max_ms < 20)
		return -EINVAL;
	struct jbuf *jb = calloc(1, sizeof(*jb));
	if (!jb)
		return -ENOMEM;
	jb->pool = conf->pool;
	jb->min_us = conf->min_ms * 1000u;
	jb->max_us = conf->max_ms * 1000u;
	jb->packets_max = conf->max_ms / 20u + JBUF_PACKETS_SPARE;
	jb->frame_ts = JBUF_FRAME_TS_DEFAULT;
	jbuf_delay_init(&jb->delay);
	retarget(jb);
	*ret_jb = jb;
	return 0;
}

struct jbuf *jbuf_free(struct jbuf *jb)
{
	if (jb)
		jbuf_flush(jb);
	free(jb);
	return NULL;
}
