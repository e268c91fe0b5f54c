/* media/greeting.c -- see the header for what it is for */
#include "media/greeting.h"

#include "media/dsp/level.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
	SAMPLES_MS = LINE_RATE_HZ / 1000,
	OPUS_UNIT = OPUS_CODEC_RTP_CLOCK_HZ / LINE_RATE_HZ,
	MAX_SAMPLES = GREETING_MAX_MS * SAMPLES_MS,
	AFTER_SAMPLES = GREETING_PAUSE_AFTER_MS * SAMPLES_MS,
	BEFORE_SAMPLES = GREETING_PAUSE_BEFORE_MS * SAMPLES_MS,
	LOSS_SAMPLES = 100 * SAMPLES_MS, /* a longer hole in the timestamps is silence that was not sent */
	MEASURED_MAX = OPUS_CODEC_PACKET_MAX_MS * SAMPLES_MS,
	DIGIT_STEP_US = LINE_SLOT_US,
	BEHIND_MAX_US = 500000, /* as the line: after a halt of the machine time goes on from now */
};

/* A pause: quiet as such; or little above the quietest and far below the loudest of late, which is a noisy room. */
static const double QUIET_DB = -45, ROOM_DB = 6, BELOW_SPEECH_DB = 18, FORGET_DB = 0.05;

enum item_kind { ITEM_AUDIO, ITEM_DIGIT, ITEM_NEW_SOURCE };

struct item {
	uint8_t kind, format;
	bool quiet;
	uint16_t seq, length, samples, gap; /* gap: samples that are missing before it */
	uint32_t ts;
	struct tev_report report;
};

struct greeting {
	const struct greeting_io *io;
	void *io_arg;
	struct g722_dec *g722; /* these two NULL where the source does not speak it */
	struct opus_dec *opus;
	double floor_db, peak_db;
	struct greeting_stats stats;
	/* incoming */
	bool known, digit_open;
	uint32_t next_ts; /* expected after the newest */
	unsigned unit;    /* ticks to a sample */
	unsigned held;    /* samples kept, gaps and all */
	/* outgoing */
	bool playing, over, begun;
	uint64_t due_us;
	unsigned run; /* samples of pause played last */
	uint16_t in_seq, out_seq;
	uint32_t in_ts, out_ts; /* after the packet played last */
	/* kept, oldest first; the bytes in the same order */
	size_t item_count, byte_count;
	struct item items[GREETING_ITEMS];
	uint8_t bytes[GREETING_BYTES];
};

/* ---- the store ---- */

static bool is_audio(const struct item *it)
{
	return it->kind == ITEM_AUDIO;
}

static size_t bytes_before(const struct greeting *g, size_t at)
{
	size_t n = 0;

	for (size_t i = 0; i < at; i++)
		n += g->items[i].length;
	return n;
}

static void remove_first(struct greeting *g)
{
	struct item it = g->items[0];

	g->held -= it.samples + it.gap;
	g->item_count--;
	g->byte_count -= it.length;
	memmove(g->items, g->items + 1, g->item_count * sizeof(it));
	memmove(g->bytes, g->bytes + it.length, g->byte_count);
}

static void insert(struct greeting *g, size_t at, const struct item *it, const uint8_t *payload)
{
	size_t offset = bytes_before(g, at);

	memmove(g->items + at + 1, g->items + at, (g->item_count - at) * sizeof(*it));
	memmove(g->bytes + offset + it->length, g->bytes + offset, g->byte_count - offset);
	g->items[at] = *it;
	if (payload)
		memcpy(g->bytes + offset, payload, it->length);
	g->item_count++;
	g->byte_count += it->length;
	g->held += it->samples + it->gap;
}

/* ---- pauses ---- */

/* Is it known to stay quiet for as long as the next word's beginning may need? */
static bool word_is_far(const struct greeting *g, size_t at)
{
	unsigned ahead = 0;

	for (size_t i = at + 1; i < g->item_count && ahead < BEFORE_SAMPLES; i++) {
		if (is_audio(&g->items[i]) && !g->items[i].quiet)
			return false;
		ahead += g->items[i].samples + g->items[i].gap;
	}
	return ahead >= BEFORE_SAMPLES;
}

/* Leaves out what pauses have too much of. One pass: items and bytes move up over those left out. */
static void shorten_pauses(struct greeting *g)
{
	size_t kept = 0, from = 0, to = 0, count = g->item_count;
	unsigned run = g->run;

	for (size_t i = 0; i < count; i++) {
		struct item it = g->items[i];
		bool out = is_audio(&it) && it.quiet && run >= AFTER_SAMPLES && word_is_far(g, i);

		if (out) {
			g->held -= it.samples + it.gap;
			g->stats.skipped_ms += (it.samples + it.gap) / SAMPLES_MS;
		} else {
			memmove(g->bytes + to, g->bytes + from, it.length);
			to += it.length;
			g->items[kept++] = it;
		}
		from += it.length;
		run = is_audio(&it) && !it.quiet ? 0 : run + it.samples;
	}
	g->item_count = kept;
	g->byte_count = to;
}

/* All that is left is a pause: then there is no word to wait for. */
static bool only_pause_left(const struct greeting *g)
{
	if (g->run < AFTER_SAMPLES)
		return false;
	for (size_t i = 0; i < g->item_count; i++)
		if (!is_audio(&g->items[i]) || !g->items[i].quiet)
			return false;
	return true;
}

/* ---- what comes in ---- */

static double level_of(
	struct greeting *g, enum line_format format, const uint8_t *payload, size_t length, unsigned samples)
{
	int16_t pcm[MEASURED_MAX];
	int n = (int)(samples < MEASURED_MAX ? samples : MEASURED_MAX);

	switch (format) {
	case LINE_PCMU:
	case LINE_PCMA: g711_to_pcm(format == LINE_PCMA ? G711_A : G711_MU, payload, (size_t)n, pcm); break;
	case LINE_G722:
		if (!g->g722)
			return 0;
		g722_to_pcm(g->g722, payload, (size_t)n, pcm);
		break;
	case LINE_OPUS: n = g->opus ? opus_dec_packet(g->opus, payload, length, pcm, MEASURED_MAX) : -1; break;
	}
	return n > 0 ? level_dbov(pcm, (size_t)n) : 0;
}

static bool is_pause(struct greeting *g, double db)
{
	if (db <= QUIET_DB)
		return true;
	g->floor_db = db < g->floor_db ? db : g->floor_db + FORGET_DB;
	g->peak_db = db > g->peak_db ? db : g->peak_db - FORGET_DB;
	return db <= g->floor_db + ROOM_DB && db <= g->peak_db - BELOW_SPEECH_DB;
}

/* In samples; 0: not what it should be. */
static unsigned samples_of(enum line_format format, const uint8_t *payload, size_t length)
{
	if (length > REORDER_PAYLOAD_MAX)
		return 0;
	if (format != LINE_OPUS)
		return (unsigned)length;
	int ts = opus_packet_is_whole(payload, length) ? opus_packet_duration_ts(payload, length) : 0;
	return ts > 0 ? (unsigned)ts / OPUS_UNIT : 0;
}

/* Where it belongs by its sequence number; false: what came after it has gone already. */
static bool place_of(const struct greeting *g, uint16_t seq, size_t *ret_at)
{
	size_t at = g->item_count;

	while (at && is_audio(&g->items[at - 1]) && (int16_t)(uint16_t)(seq - g->items[at - 1].seq) < 0)
		at--;
	*ret_at = at;
	if (g->item_count - at > GREETING_REORDER_MAX)
		return false;
	return at || !g->begun || (int16_t)(uint16_t)(seq - g->in_seq) > 0;
}

/* How much is missing before the packet at the end; and of one that comes late, after it no more. */
static void note_gap(struct greeting *g, size_t at, struct item *it)
{
	if (at < g->item_count) {
		struct item *next = &g->items[at];
		int32_t hole = next->gap - (int32_t)it->samples;
		int32_t behind = (int32_t)(next->ts - it->ts) / (int32_t)g->unit - (int32_t)it->samples;
		hole = hole < 0 ? 0 : hole;
		behind = behind < 0 ? 0 : behind > hole ? hole : behind;
		g->held -= next->gap - (unsigned)behind;
		next->gap = (uint16_t)behind;
		it->gap = (uint16_t)(hole - behind);
		return;
	}
	int32_t gap = g->known ? (int32_t)(it->ts - g->next_ts) / (int32_t)g->unit : 0;
	if (gap < 0)
		gap = 0;
	it->gap = (uint16_t)(gap > LOSS_SAMPLES ? AFTER_SAMPLES : gap);
	g->next_ts = it->ts + it->samples * g->unit;
	g->known = true;
}

static void make_room(struct greeting *g, const struct item *it)
{
	if (g->item_count == GREETING_ITEMS || g->byte_count + it->length > GREETING_BYTES ||
		g->held + it->samples + it->gap > MAX_SAMPLES)
		shorten_pauses(g);
	while (g->item_count && (g->item_count == GREETING_ITEMS || g->byte_count + it->length > GREETING_BYTES ||
					g->held + it->samples + it->gap > MAX_SAMPLES)) {
		g->stats.lost_ms += g->items[0].samples / SAMPLES_MS;
		remove_first(g);
	}
}

static void add_last(struct greeting *g, const struct item *it)
{
	make_room(g, it);
	insert(g, g->item_count, it, NULL);
}

void greeting_audio(
	struct greeting *g, const struct rtp_hdr *hdr, enum line_format format, const uint8_t *payload, size_t length)
{
	unsigned samples = samples_of(format, payload, length), unit = format == LINE_OPUS ? OPUS_UNIT : 1;
	struct item it = {.kind = ITEM_AUDIO,
		.format = (uint8_t)format,
		.seq = hdr->seq,
		.ts = hdr->ts,
		.length = (uint16_t)length,
		.samples = (uint16_t)samples};
	size_t at;

	if (!samples)
		return;
	if (unit != g->unit)
		g->known = false;
	g->unit = unit;
	it.quiet = is_pause(g, level_of(g, format, payload, length, samples));
	if (g->digit_open) {
		g->next_ts = it.ts + samples * unit;
		return;
	}
	if (!place_of(g, it.seq, &at)) {
		g->stats.late++;
		return;
	}
	note_gap(g, at, &it);
	make_room(g, &it);
	if (!place_of(g, it.seq, &at))
		return; /* its place went for the room */
	insert(g, at, &it, payload);
}

static bool begins_digit(const struct greeting *g)
{
	for (size_t i = 0; i < g->item_count; i++)
		if (g->items[i].kind == ITEM_DIGIT && g->items[i].report.kind == TEV_BEGIN)
			return true;
	return false;
}

void greeting_digit(struct greeting *g, const struct tev_report *report)
{
	const struct item it = {.kind = ITEM_DIGIT, .report = *report};

	if (report->kind == TEV_BEGIN)
		g->digit_open = true;
	else if (report->kind == TEV_END)
		g->digit_open = false;
	else if (begins_digit(g))
		return; /* how long it is its end will say, before it is played */
	add_last(g, &it);
}

void greeting_new_source(struct greeting *g)
{
	const struct item it = {.kind = ITEM_NEW_SOURCE};

	g->known = g->digit_open = false;
	if (g->item_count || g->begun)
		add_last(g, &it);
}

/* ---- what goes out ---- */

static void play_audio(struct greeting *g, uint64_t at_us)
{
	const struct item it = g->items[0];
	unsigned unit = it.format == LINE_OPUS ? OPUS_UNIT : 1;
	uint8_t payload[REORDER_PAYLOAD_MAX];

	memcpy(payload, g->bytes, it.length);
	g->out_seq = g->begun ? (uint16_t)(g->out_seq + 1) : it.seq;
	g->out_ts = g->begun ? g->out_ts + it.gap * unit : it.ts;
	g->begun = true;
	g->in_seq = it.seq;
	g->in_ts = it.ts + it.samples * unit;
	g->run = it.quiet ? g->run + it.samples : 0;
	remove_first(g);
	const struct rtp_hdr hdr = {.seq = g->out_seq, .ts = g->out_ts};
	g->io->audio(g->io_arg, &hdr, (enum line_format)it.format, payload, it.length, at_us);
	g->out_ts += it.samples * unit;
	g->due_us = at_us + it.samples * 1000ull / SAMPLES_MS;
}

static void play_other(struct greeting *g, uint64_t at_us)
{
	const struct item it = g->items[0];

	remove_first(g);
	if (it.kind == ITEM_DIGIT) {
		g->run = 0;
		g->io->digit(g->io_arg, &it.report, at_us);
		return;
	}
	g->begun = false;
	g->io->new_source(g->io_arg, at_us);
}

/* More of the digit on the wire, or its end: these do not wait for it. */
static bool next_is_of_digit(const struct greeting *g)
{
	return g->item_count && g->items[0].kind == ITEM_DIGIT && g->items[0].report.kind != TEV_BEGIN;
}

static void play_next(struct greeting *g, uint64_t at_us)
{
	shorten_pauses(g);
	if (only_pause_left(g))
		while (g->item_count > 1) {
			g->stats.skipped_ms += g->items[0].samples / SAMPLES_MS;
			remove_first(g);
		}
	if (!g->item_count) {
		g->over = true;
	} else if (!is_audio(&g->items[0])) {
		play_other(g, at_us);
	} else if (g->items[0].gap) { /* its time has not come */
		g->due_us = at_us + g->items[0].gap * 1000ull / SAMPLES_MS;
		if (g->begun)
			g->out_ts += g->items[0].gap * (g->items[0].format == LINE_OPUS ? OPUS_UNIT : 1u);
		g->held -= g->items[0].gap;
		g->items[0].gap = 0;
	} else {
		play_audio(g, at_us);
		g->over = !g->item_count;
	}
}

void greeting_tick(struct greeting *g, uint64_t now_us)
{
	if (!g->playing)
		return;
	if (now_us > g->due_us + BEHIND_MAX_US)
		g->due_us = now_us;
	while (!g->over && g->due_us <= now_us) {
		if (g->io->busy(g->io_arg) && !next_is_of_digit(g))
			g->due_us += DIGIT_STEP_US;
		else
			play_next(g, g->due_us);
	}
}

void greeting_start(struct greeting *g, uint64_t now_us)
{
	if (g->playing)
		return;
	g->playing = true;
	g->due_us = now_us;
	shorten_pauses(g); /* nobody waits for the one before the first word */
	g->stats.held_ms = greeting_backlog_ms(g);
	greeting_tick(g, now_us);
}

uint64_t greeting_deadline(const struct greeting *g)
{
	return g->playing && !g->over ? g->due_us : UINT64_MAX;
}

bool greeting_is_over(const struct greeting *g)
{
	return g->over;
}

struct greeting_shift greeting_shift(const struct greeting *g)
{
	if (!g->begun)
		return (struct greeting_shift){0};
	return (struct greeting_shift){.seq = (uint16_t)(g->in_seq - g->out_seq), .ts = g->in_ts - g->out_ts};
}

unsigned greeting_backlog_ms(const struct greeting *g)
{
	return g->held / SAMPLES_MS;
}

struct greeting_stats greeting_stats(const struct greeting *g)
{
	return g->stats;
}

/* ---- life ---- */

int greeting_set_source(struct greeting *g, const struct line_source *source)
{
	int r = 0;

	if (source->g722 && !g->g722)
		r = g722_dec_new(LINE_RATE_HZ, &g->g722);
	if (r == 0 && source->opus && !g->opus)
		r = opus_dec_new(LINE_RATE_HZ, &g->opus);
	return r;
}

int greeting_new(
	const struct line_source *source, const struct greeting_io *io, void *io_arg, struct greeting **ret_greeting)
{
	struct greeting *g = calloc(1, sizeof(*g));
	int r;

	if (!g)
		return -ENOMEM;
	g->io = io;
	g->io_arg = io_arg;
	g->unit = 1;
	g->run = AFTER_SAMPLES; /* before the first word there is a pause */
	g->floor_db = 0;
	g->peak_db = QUIET_DB;
	r = greeting_set_source(g, source);
	if (r < 0) {
		greeting_free(g);
		return r;
	}
	*ret_greeting = g;
	return 0;
}

struct greeting *greeting_free(struct greeting *g)
{
	if (g) {
		g722_dec_free(g->g722);
		opus_dec_free(g->opus);
		free(g);
	}
	return NULL;
}
