#include "media/bridge_to_wa.h"

#include <string.h>

enum {
	LEAP_SAMPLES = TO_WA_RATE_HZ, /* timestamps off from arrival by a second: another timeline */
	REORDER_MAX = 3,              /* a larger hole is loss; waiting helps nobody */
	OPUS_BYTES = 400,             /* 20 ms at 128 kb/s, and then some */
	SRTP_ROOM = 64,
	BEHIND_MAX_US = 500000,
	LINE_OFF_MAX_US = 60000,
	CATCH_UP_US = 5000, /* a slot, at most */
	PAUSE_MAX_US = 60000,
};

/* ---- the line toward WhatsApp ---- */

static uint32_t slot_ts(const struct bridge_to_wa *b, int64_t slot)
{
	return b->first_ts + (uint32_t)slot * TO_WA_SLOT_TS;
}

/* The SIP side is not heard: slots are filled by us, at our pace. */
static bool replaced(const struct bridge_to_wa *b)
{
	return b->playing || b->muted;
}

/* The slot that real time has reached, and not one used before. */
static int64_t slot_now(const struct bridge_to_wa *b, uint64_t now_us)
{
	if (b->last_slot < 0)
		return 0;
	/* several slots of one packet were sent before their time */
	uint64_t last_us = b->line_us > b->last_sent_us ? b->line_us : b->last_sent_us;
	uint64_t since_us = now_us > last_us ? now_us - last_us : 0;
	int64_t steps = (int64_t)((since_us + TO_WA_SLOT_US / 2) / TO_WA_SLOT_US);
	return b->last_slot + (steps > 1 ? steps : 1);
}

static uint64_t clamp_us(uint64_t v, uint64_t least, uint64_t most)
{
	return v < least ? least : v > most ? most : v;
}

/* Slots are neither used twice nor cut, so each change between the SIP side's pace and ours moves the line against time
 * by a part of a slot or a packet. It would add up, and the phone would hold its packets for so much longer: line_us
 * says when the last slot would have been due, and what we fill in ourselves makes up for the difference
 * (next_fill_us). It is bounded, because what the SIP side's clock has done in a long talk is no fault: the phone has
 * adapted to that. */
static void note_sent(struct bridge_to_wa *b, int64_t slot, uint64_t now_us)
{
	uint64_t due_us = b->last_slot < 0 ? now_us : b->line_us + (uint64_t)(slot - b->last_slot) * TO_WA_SLOT_US;
	b->line_us =
		clamp_us(due_us, now_us > LINE_OFF_MAX_US ? now_us - LINE_OFF_MAX_US : 0, now_us + LINE_OFF_MAX_US);
	b->last_slot = slot;
	b->last_sent_us = now_us;
}

static void send_frame(struct bridge_to_wa *b, int64_t slot, const int16_t *pcm, uint64_t now_us)
{
	uint8_t packet[RTP_HEADER_BYTES + OPUS_BYTES + SRTP_ROOM];
	int n = opus_enc_frame(b->enc, pcm, TO_WA_SLOT_SAMPLES * b->width, packet + RTP_HEADER_BYTES, OPUS_BYTES);
	if (n > 0) {
		bool marker = slot != b->last_slot + 1 || b->last_slot < 0; /* RFC 7587 s4.2: talkspurt */
		rtp_stream_header(b->stream, b->pt, marker, slot_ts(b, slot), (size_t)n, now_us, packet);
		b->io->send(b->io_arg, packet, RTP_HEADER_BYTES + (size_t)n, sizeof(packet));
	}
	note_sent(b, slot, now_us);
}

static uint64_t next_fill_us(const struct bridge_to_wa *b, uint64_t at_us)
{
	if (tev_tx_active(&b->events))
		return at_us + TO_WA_SLOT_US; /* digits are as long as they say */
	return clamp_us(
		b->line_us + TO_WA_SLOT_US, at_us + TO_WA_SLOT_US - CATCH_UP_US, at_us + TO_WA_SLOT_US + CATCH_UP_US);
}

static int16_t *pcm_end(struct bridge_to_wa *b)
{
	return b->pcm + b->filled * b->width;
}

static void finish_slot(struct bridge_to_wa *b, uint64_t now_us)
{
	memset(pcm_end(b), 0, (TO_WA_SLOT_SAMPLES - b->filled) * b->width * sizeof(b->pcm[0]));
	send_frame(b, b->slot++, b->pcm, now_us);
	b->filled = 0;
	if (!b->sound_sent) {
		b->sound_sent = true;
		b->io->first_sound(b->io_arg, now_us);
	}
}

static uint64_t silent_after_us(const struct bridge_to_wa *b)
{
	/* a peer that sends 60 ms at a time is not silent in between */
	return TO_WA_SILENT_AFTER_US + b->last_packet_samples * 1000000ull / TO_WA_RATE_HZ;
}

static void anchor(struct bridge_to_wa *b, uint32_t ts, uint64_t now_us)
{
	if (b->filled)
		finish_slot(b, now_us);
	b->slot = slot_now(b, now_us);
	b->next_ts = ts;
	b->anchored = true;
}

/* ---- audio from SIP ---- */

/* A hole in the timestamps: the slot begun is filled up with silence, whole slots are left out. */
static void leave_gap(struct bridge_to_wa *b, unsigned samples, uint64_t now_us)
{
	if (b->filled) {
		unsigned rest = TO_WA_SLOT_SAMPLES - b->filled, pad = samples < rest ? samples : rest;
		memset(pcm_end(b), 0, pad * b->width * sizeof(b->pcm[0]));
		b->filled += pad;
		samples -= pad;
		if (b->filled == TO_WA_SLOT_SAMPLES)
			finish_slot(b, now_us);
	}
	if (!b->filled) {
		b->slot += samples / TO_WA_SLOT_SAMPLES;
		b->filled = samples % TO_WA_SLOT_SAMPLES;
		memset(b->pcm, 0, b->filled * b->width * sizeof(b->pcm[0]));
	}
}

static bool leaps(const struct bridge_to_wa *b, int32_t gap, uint64_t now_us)
{
	int64_t passed = (int64_t)((now_us - b->last_packet_us) * TO_WA_RATE_HZ / 1000000);
	int64_t off = (int64_t)gap + b->last_packet_samples - passed;
	return gap < 0 || off > LEAP_SAMPLES || off < -LEAP_SAMPLES;
}

/* To the end of what fills the slot. */
static void decode(struct bridge_to_wa *b, enum to_wa_format format, const uint8_t *payload, size_t samples)
{
	int16_t *to = pcm_end(b);

	if (format == TO_WA_G722) {
		g722_to_pcm(b->g722, payload, samples, to);
		return;
	}
	g711_to_pcm(format == TO_WA_PCMA ? G711_A : G711_MU, payload, samples, b->width == 2 ? to + samples : to);
	if (b->width == 2)
		sound_widen(to, samples, &b->last_narrow);
}

static void feed(struct bridge_to_wa *b, enum to_wa_format format, uint32_t ts, const uint8_t *payload, size_t length,
	uint64_t now_us)
{
	if (!b->running || replaced(b) || tev_tx_active(&b->events)) {
		b->anchored = false;
		return;
	}
	int32_t gap = (int32_t)(ts - b->next_ts);
	if (!b->anchored || leaps(b, gap, now_us))
		anchor(b, ts, now_us);
	else if (gap > 0)
		leave_gap(b, (unsigned)gap, now_us);
	b->silent = false;
	while (length) {
		size_t room = TO_WA_SLOT_SAMPLES - b->filled, n = length < room ? length : room;
		decode(b, format, payload, n);
		b->filled += (unsigned)n;
		payload += n;
		length -= n;
		ts += (uint32_t)n;
		if (b->filled == TO_WA_SLOT_SAMPLES)
			finish_slot(b, now_us);
	}
	b->next_ts = ts;
}

static void take(struct bridge_to_wa *b, uint16_t seq, uint32_t ts, enum to_wa_format format, const uint8_t *payload,
	size_t length, uint64_t now_us)
{
	feed(b, format, ts, payload, length, now_us);
	b->last_packet_us = now_us;
	b->last_packet_samples = (unsigned)length;
	if (!replaced(b) && !tev_tx_active(&b->events))
		b->fill_us = now_us + silent_after_us(b);
	b->next_seq = (uint16_t)(seq + 1);
	b->seq_known = true;
}

static void take_held(struct bridge_to_wa *b, uint64_t now_us)
{
	if (!b->held.used)
		return;
	b->held.used = false;
	take(b, b->held.seq, b->held.ts, b->held.format, b->held.payload, b->held.length, now_us);
}

/* Orders seq against what came before. Returns false when it is too late to be used. */
static bool in_order(struct bridge_to_wa *b, uint16_t seq, uint64_t now_us)
{
	if (b->held.used && (int16_t)(uint16_t)(seq - b->held.seq) > 0)
		take_held(b, now_us); /* one packet of patience is enough */
	if (b->seq_known && (int16_t)(uint16_t)(seq - b->next_seq) < 0) {
		b->late++;
		return false;
	}
	return true;
}

static void release_held(struct bridge_to_wa *b, uint64_t now_us)
{
	if (b->held.used && b->held.seq == b->next_seq)
		take_held(b, now_us);
}

void bridge_to_wa_packet(struct bridge_to_wa *b, const struct rtp_hdr *hdr, enum to_wa_format format,
	const uint8_t *payload, size_t length, uint64_t now_us)
{
	if (!length) {
		bridge_to_wa_other_packet(b, hdr, now_us);
		return;
	}
	if (!in_order(b, hdr->seq, now_us))
		return;
	uint16_t ahead = (uint16_t)(hdr->seq - b->next_seq);
	if (b->seq_known && b->anchored && !b->held.used && ahead > 0 && ahead <= REORDER_MAX &&
		length <= TO_WA_PAYLOAD_MAX) {
		b->held.used = true;
		b->held.seq = hdr->seq;
		b->held.ts = hdr->ts;
		b->held.format = format;
		b->held.length = (uint16_t)length;
		b->held.until_us = now_us + TO_WA_HOLD_US;
		memcpy(b->held.payload, payload, length);
		return;
	}
	take(b, hdr->seq, hdr->ts, format, payload, length, now_us);
	release_held(b, now_us);
}

void bridge_to_wa_other_packet(struct bridge_to_wa *b, const struct rtp_hdr *hdr, uint64_t now_us)
{
	if (!b->seq_known || !in_order(b, hdr->seq, now_us))
		return;
	if (hdr->seq == b->next_seq)
		b->next_seq++;
	release_held(b, now_us);
}

void bridge_to_wa_new_source(struct bridge_to_wa *b)
{
	b->held.used = false;
	b->seq_known = false;
	b->anchored = false;
}

bool bridge_to_wa_can_dial(const struct bridge_to_wa *b)
{
	return b->running && b->event_pt;
}

/* When we go on where the SIP side's audio stops: when its next packet would have come. */
static uint64_t take_over_us(const struct bridge_to_wa *b, uint64_t now_us)
{
	uint64_t due_us = clamp_us(b->line_us + TO_WA_SLOT_US, 0, b->last_sent_us + PAUSE_MAX_US);
	return due_us > now_us ? due_us : now_us;
}

static bool begin_digit(struct bridge_to_wa *b, char digit, uint64_t now_us)
{
	if (tev_tx_begin(&b->events, digit))
		return false;
	if (!b->silent)
		b->fill_us = take_over_us(b, now_us);
	return true;
}

void bridge_to_wa_dial(struct bridge_to_wa *b, char digit, unsigned duration_ms, uint64_t now_us)
{
	if (begin_digit(b, digit, now_us))
		tev_tx_end(&b->events, duration_ms);
}

void bridge_to_wa_digit(struct bridge_to_wa *b, const struct tev_report *report, uint64_t now_us)
{
	if (!bridge_to_wa_can_dial(b))
		return;
	if (report->kind == TEV_BEGIN || !b->digit_open) {
		b->digit_open = begin_digit(b, report->digit, now_us);
		if (!b->digit_open)
			return;
	}
	if (report->kind == TEV_END) {
		tev_tx_end(&b->events, report->duration_ms);
		b->digit_open = false;
	}
}

/* ---- silence, sounds and digits, every 20 ms ---- */

static void send_digit(struct bridge_to_wa *b, int64_t slot, uint64_t now_us)
{
	struct tev_packet packets[TEV_PACKETS_MAX];
	size_t n = tev_tx_step(&b->events, slot_ts(b, slot), TO_WA_SLOT_US / 1000, packets);
	for (size_t i = 0; i < n; i++) {
		uint8_t packet[RTP_HEADER_BYTES + TEV_PAYLOAD_BYTES + SRTP_ROOM];
		memcpy(packet + RTP_HEADER_BYTES, packets[i].payload, TEV_PAYLOAD_BYTES);
		rtp_stream_header(
			b->stream, b->event_pt, packets[i].marker, packets[i].ts, TEV_PAYLOAD_BYTES, now_us, packet);
		b->io->send(b->io_arg, packet, RTP_HEADER_BYTES + TEV_PAYLOAD_BYTES, sizeof(packet));
	}
	note_sent(b, slot, now_us);
}

static void read_sound(struct bridge_to_wa *b, int16_t *pcm, size_t samples)
{
	if (b->width == 1)
		sound_player_read(&b->player, pcm, samples);
	else
		sound_player_read_wide(&b->player, pcm, samples);
}

/* The player is without a sound when there is just silence to be sent. */
static void send_sound(struct bridge_to_wa *b, int64_t slot, uint64_t now_us)
{
	int16_t pcm[TO_WA_SLOT_SAMPLES * TO_WA_WIDTH_MAX];
	read_sound(b, pcm, TO_WA_SLOT_SAMPLES);
	send_frame(b, slot, pcm, now_us);
}

/* The slot that the SIP side had begun: the sound takes over in its middle, so that no slot is sent before its time. */
static void send_first_of_sound(struct bridge_to_wa *b, uint64_t now_us)
{
	read_sound(b, pcm_end(b), TO_WA_SLOT_SAMPLES - b->filled);
	send_frame(b, b->slot, b->pcm, now_us);
	b->filled = 0;
}

static void fill(struct bridge_to_wa *b, uint64_t at_us)
{
	if (replaced(b) && b->filled)
		send_first_of_sound(b, at_us);
	else if (b->filled)
		finish_slot(b, at_us);
	else if (tev_tx_active(&b->events))
		send_digit(b, slot_now(b, at_us), at_us);
	else
		send_sound(b, slot_now(b, at_us), at_us);
	b->silent = true;
	b->anchored = false;
	b->fill_us = next_fill_us(b, at_us);
}

/* Playing has begun or ended. When it begins, slots go on at the pace of those before. */
static void replace(struct bridge_to_wa *b, bool was, uint64_t now_us)
{
	if (!b->running || b->silent || was || !replaced(b))
		return;
	b->held.used = false;
	b->anchored = false;
	b->silent = true;
	b->fill_us = take_over_us(b, now_us);
}

void bridge_to_wa_play(struct bridge_to_wa *b, bool on, const struct sound *sound, uint64_t now_us)
{
	bool was = replaced(b);
	b->playing = on;
	sound_player_start(&b->player, on ? sound : NULL);
	replace(b, was, now_us);
}

void bridge_to_wa_mute(struct bridge_to_wa *b, bool on, uint64_t now_us)
{
	bool was = replaced(b);
	b->muted = on;
	replace(b, was, now_us);
}

uint64_t bridge_to_wa_deadline(const struct bridge_to_wa *b)
{
	if (!b->running)
		return UINT64_MAX;
	return b->held.used && b->held.until_us < b->fill_us ? b->held.until_us : b->fill_us;
}

void bridge_to_wa_tick(struct bridge_to_wa *b, uint64_t now_us)
{
	if (!b->running)
		return;
	if (b->held.used && b->held.until_us <= now_us)
		take_held(b, now_us);
	if (now_us > b->fill_us + BEHIND_MAX_US)
		b->fill_us = now_us; /* the machine slept: the line goes on at real time */
	while (b->fill_us <= now_us)
		fill(b, b->fill_us);
}

void bridge_to_wa_start(struct bridge_to_wa *b, uint64_t now_us)
{
	if (b->running)
		return;
	b->running = true;
	b->fill_us = now_us;
	bridge_to_wa_tick(b, now_us);
}

void bridge_to_wa_set_remote(struct bridge_to_wa *b, uint8_t opus_pt, uint8_t event_pt)
{
	b->pt = opus_pt;
	b->event_pt = event_pt;
}

void bridge_to_wa_set_bitrate(struct bridge_to_wa *b, uint32_t bitrate)
{
	b->enc_conf.bitrate = bitrate;
	opus_enc_set_bitrate(b->enc, bitrate);
}

void bridge_to_wa_set_loss(struct bridge_to_wa *b, unsigned percent)
{
	b->enc_conf.loss_percent = (uint8_t)percent;
	opus_enc_set_loss(b->enc, percent);
}

/* Another rate is another encoder. The slot that had been begun is given up. */
int bridge_to_wa_set_codec(struct bridge_to_wa *b, bool g722)
{
	struct opus_enc_conf conf = b->enc_conf;
	struct opus_enc *enc;
	unsigned width = g722 ? 2 : 1;
	int r;

	if (width == b->width)
		return 0;
	conf.rate_hz = TO_WA_RATE_HZ * width;
	r = g722 && !b->g722 ? g722_dec_new(&b->g722) : 0;
	if (r == 0)
		r = opus_enc_new(&conf, &enc);
	if (r < 0)
		return r;
	opus_enc_free(b->enc);
	b->enc = enc;
	b->enc_conf = conf;
	b->width = width;
	b->filled = 0;
	b->held.used = b->anchored = false;
	return 0;
}

int bridge_to_wa_init(struct bridge_to_wa *b, const struct bridge_to_wa_conf *conf)
{
	memset(b, 0, sizeof(*b));
	b->stream = conf->stream;
	b->io = conf->io;
	b->io_arg = conf->io_arg;
	b->first_ts = conf->first_ts;
	b->last_slot = -1;
	b->fill_us = UINT64_MAX;
	b->width = 1;
	b->enc_conf = conf->enc;
	tev_tx_init(&b->events, OPUS_CODEC_RTP_CLOCK_HZ);
	return opus_enc_new(&conf->enc, &b->enc);
}

void bridge_to_wa_done(struct bridge_to_wa *b)
{
	b->enc = opus_enc_free(b->enc);
	b->g722 = g722_dec_free(b->g722);
}
