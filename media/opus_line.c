/* media/opus_line.c -- the line itself: slots, what fills them when the source does not, digits */
#include "media/opus_line_inner.h"

#include <string.h>

enum {
	OPUS_BYTES = 400, /* 20 ms at 128 kb/s, and then some */
	SRTP_ROOM = 64,
	BEHIND_MAX_US = 500000,
	LINE_OFF_MAX_US = 60000,
	CATCH_UP_US = 5000, /* a slot, at most */
	PAUSE_MAX_US = 60000,
};

/* ---- the line toward WhatsApp ---- */

static uint32_t slot_ts(const struct opus_line *b, int64_t slot)
{
	return b->first_ts + (uint32_t)slot * LINE_SLOT_TS;
}

/* The SIP side is not heard: slots are filled by us, at our pace. */
bool line_replaced(const struct opus_line *b)
{
	return b->playing || b->muted;
}

/* The slot that real time has reached, and not one used before. */
int64_t line_slot_now(const struct opus_line *b, uint64_t now_us)
{
	if (b->last_slot < 0)
		return 0;
	/* several slots of one packet were sent before their time */
	uint64_t last_us = b->line_us > b->last_sent_us ? b->line_us : b->last_sent_us;
	uint64_t since_us = now_us > last_us ? now_us - last_us : 0;
	int64_t steps = (int64_t)((since_us + LINE_SLOT_US / 2) / LINE_SLOT_US);
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
static void note_sent(struct opus_line *b, int64_t slot, uint64_t now_us)
{
	uint64_t due_us = b->last_slot < 0 ? now_us : b->line_us + (uint64_t)(slot - b->last_slot) * LINE_SLOT_US;
	b->line_us =
		clamp_us(due_us, now_us > LINE_OFF_MAX_US ? now_us - LINE_OFF_MAX_US : 0, now_us + LINE_OFF_MAX_US);
	b->last_slot = slot;
	b->last_sent_us = now_us;
}

/* packet: room for the header, then the payload, then SRTP. */
static void send_packet(struct opus_line *b, int64_t slot, uint8_t *packet, size_t payload, size_t cap, uint64_t now_us)
{
	bool marker = slot != b->last_slot + 1 || b->last_slot < 0; /* RFC 7587 s4.2: talkspurt */
	rtp_stream_header(b->stream, b->pt, marker, slot_ts(b, slot), payload, now_us, packet);
	b->io->send(b->io_arg, packet, RTP_HEADER_BYTES + payload, cap);
}

/* Whoever governs it says it once for all calls: each takes it up with its next frame. */
static void follow_complexity(struct opus_line *b)
{
	if (!b->complexity || *b->complexity == b->enc_conf.complexity)
		return;
	b->enc_conf.complexity = *b->complexity;
	opus_enc_set_complexity(b->enc, b->enc_conf.complexity);
}

static void send_frame(struct opus_line *b, int64_t slot, const int16_t *pcm, uint64_t now_us)
{
	uint8_t packet[RTP_HEADER_BYTES + OPUS_BYTES + SRTP_ROOM];
	follow_complexity(b);
	int n = opus_quiet_frame(
		&b->quiet, b->enc, pcm, LINE_SLOT_SAMPLES * b->width, packet + RTP_HEADER_BYTES, OPUS_BYTES);
	if (n > 0)
		send_packet(b, slot, packet, (size_t)n, sizeof(packet), now_us);
	note_sent(b, slot, now_us);
}

static uint64_t next_fill_us(const struct opus_line *b, uint64_t at_us)
{
	if (tev_tx_active(&b->events))
		return at_us + LINE_SLOT_US; /* digits are as long as they say */
	return clamp_us(
		b->line_us + LINE_SLOT_US, at_us + LINE_SLOT_US - CATCH_UP_US, at_us + LINE_SLOT_US + CATCH_UP_US);
}

int16_t *line_pcm_end(struct opus_line *b)
{
	return b->pcm + b->filled * b->width;
}

static void note_sound(struct opus_line *b, uint64_t now_us)
{
	if (b->sound_sent)
		return;
	b->sound_sent = true;
	b->io->first_sound(b->io_arg, now_us);
}

void line_finish_slot(struct opus_line *b, uint64_t now_us)
{
	memset(line_pcm_end(b), 0, (LINE_SLOT_SAMPLES - b->filled) * b->width * sizeof(b->pcm[0]));
	send_frame(b, b->slot++, b->pcm, now_us);
	tap_pcm(b->tap, b->source_side, b->pcm, LINE_SLOT_SAMPLES * b->width, LINE_RATE_HZ * b->width, b->line_us);
	b->filled = 0;
	note_sound(b, now_us);
}

void line_pass(struct opus_line *b, const uint8_t *payload, size_t length, unsigned slots, uint64_t now_us)
{
	uint8_t packet[RTP_HEADER_BYTES + REORDER_PAYLOAD_MAX + SRTP_ROOM];
	memcpy(packet + RTP_HEADER_BYTES, payload, length);
	opus_quiet_forget(&b->quiet); /* the listener's decoder remembers these now */
	send_packet(b, b->slot, packet, length, sizeof(packet), now_us);
	b->slot += slots;
	note_sent(b, b->slot - 1, now_us);
	tap_opus(b->tap, b->source_side, payload, length, b->line_us - (slots - 1) * LINE_SLOT_US);
	b->passed++;
	note_sound(b, now_us);
}

bool opus_line_can_dial(const struct opus_line *b)
{
	return b->running && b->event_pt;
}

/* When we go on where the SIP side's audio stops: when its next packet would have come. */
static uint64_t take_over_us(const struct opus_line *b, uint64_t now_us)
{
	uint64_t due_us = clamp_us(b->line_us + LINE_SLOT_US, 0, b->last_sent_us + PAUSE_MAX_US);
	return due_us > now_us ? due_us : now_us;
}

static bool begin_digit(struct opus_line *b, char digit, uint64_t now_us)
{
	if (tev_tx_begin(&b->events, digit))
		return false;
	if (!b->silent)
		b->fill_us = take_over_us(b, now_us);
	return true;
}

void opus_line_dial(struct opus_line *b, char digit, unsigned duration_ms, uint64_t now_us)
{
	if (begin_digit(b, digit, now_us))
		tev_tx_end(&b->events, duration_ms);
}

void opus_line_digit(struct opus_line *b, const struct tev_report *report, uint64_t now_us)
{
	if (!opus_line_can_dial(b))
		return;
	if (report->kind == TEV_BEGIN || !b->digit_open) {
		b->digit_open = begin_digit(b, report->digit, now_us);
		if (!b->digit_open)
			return;
	}
	if (report->kind != TEV_END) {
		tev_tx_update(&b->events, report->duration_ms);
		return;
	}
	tev_tx_end(&b->events, report->duration_ms);
	b->digit_open = false;
}

/* ---- silence, sounds and digits, every 20 ms ---- */

static void send_digit(struct opus_line *b, int64_t slot, uint64_t now_us)
{
	struct tev_packet packets[TEV_PACKETS_MAX];
	size_t n = tev_tx_step(&b->events, slot_ts(b, slot), LINE_SLOT_US / 1000, packets);
	for (size_t i = 0; i < n; i++) {
		uint8_t packet[RTP_HEADER_BYTES + TEV_PAYLOAD_BYTES + SRTP_ROOM];
		memcpy(packet + RTP_HEADER_BYTES, packets[i].payload, TEV_PAYLOAD_BYTES);
		rtp_stream_header(
			b->stream, b->event_pt, packets[i].marker, packets[i].ts, TEV_PAYLOAD_BYTES, now_us, packet);
		b->io->send(b->io_arg, packet, RTP_HEADER_BYTES + TEV_PAYLOAD_BYTES, sizeof(packet));
	}
	note_sent(b, slot, now_us);
}

static void read_sound(struct opus_line *b, int16_t *pcm, size_t samples)
{
	if (!line_replaced(b))
		comfort_noise_read(&b->noise, pcm, samples * b->width);
	else if (b->width == 1)
		sound_player_read(&b->player, pcm, samples);
	else
		sound_player_read_wide(&b->player, pcm, samples);
}

/* The player is without a sound when there is just silence to be sent. */
static void send_sound(struct opus_line *b, int64_t slot, uint64_t now_us)
{
	int16_t pcm[LINE_SLOT_SAMPLES * LINE_WIDTH_MAX];
	read_sound(b, pcm, LINE_SLOT_SAMPLES);
	send_frame(b, slot, pcm, now_us);
}

/* The slot that the SIP side had begun: the sound takes over in its middle, so that no slot is sent before its time. */
static void send_first_of_sound(struct opus_line *b, uint64_t now_us)
{
	read_sound(b, line_pcm_end(b), LINE_SLOT_SAMPLES - b->filled);
	send_frame(b, b->slot, b->pcm, now_us);
	b->filled = 0;
}

static void fill(struct opus_line *b, uint64_t at_us)
{
	if (line_replaced(b) && b->filled)
		send_first_of_sound(b, at_us);
	else if (b->filled)
		line_finish_slot(b, at_us);
	else if (tev_tx_due(&b->events, slot_ts(b, line_slot_now(b, at_us))))
		send_digit(b, line_slot_now(b, at_us), at_us);
	else
		send_sound(b, line_slot_now(b, at_us), at_us);
	b->silent = true;
	b->anchored = false;
	b->fill_us = next_fill_us(b, at_us);
}

/* Playing has begun or ended. When it begins, slots go on at the pace of those before. */
static void replace(struct opus_line *b, bool was, uint64_t now_us)
{
	if (!b->running || b->silent || was || !line_replaced(b))
		return;
	reorder_drop(&b->reorder);
	b->anchored = false;
	b->silent = true;
	b->fill_us = take_over_us(b, now_us);
}

void opus_line_play(struct opus_line *b, bool on, const struct sound *sound, uint64_t now_us)
{
	bool was = line_replaced(b);
	b->playing = on;
	sound_player_start(&b->player, on ? sound : NULL);
	replace(b, was, now_us);
}

void opus_line_mute(struct opus_line *b, bool on, uint64_t now_us)
{
	bool was = line_replaced(b);
	b->muted = on;
	replace(b, was, now_us);
}

void opus_line_comfort_noise(struct opus_line *b, const uint8_t *payload, size_t length, uint64_t now_us)
{
	comfort_noise_start(&b->noise, payload, length);
	if (b->running && !b->silent && !tev_tx_active(&b->events))
		b->fill_us = take_over_us(b, now_us);
}

uint64_t opus_line_deadline(const struct opus_line *b)
{
	if (!b->running)
		return UINT64_MAX;
	uint64_t held_us = reorder_deadline(&b->reorder);
	return held_us < b->fill_us ? held_us : b->fill_us;
}

void opus_line_tick(struct opus_line *b, uint64_t now_us)
{
	if (!b->running)
		return;
	reorder_tick(&b->reorder, now_us);
	if (now_us > b->fill_us + BEHIND_MAX_US)
		b->fill_us = now_us; /* the machine slept: the line goes on at real time */
	while (b->fill_us <= now_us)
		fill(b, b->fill_us);
}

void opus_line_start(struct opus_line *b, uint64_t now_us)
{
	if (b->running)
		return;
	b->running = true;
	b->silent = true;
	b->anchored = false;
	b->fill_us = now_us;
}

void opus_line_stop(struct opus_line *b)
{
	b->running = false;
	b->filled = 0;
	reorder_drop(&b->reorder);
	tev_tx_drop(&b->events);
	b->digit_open = false;
}

void opus_line_new_peer(struct opus_line *b)
{
	tev_tx_drop(&b->events);
	b->digit_open = false;
}

void opus_line_set_remote(struct opus_line *b, uint8_t opus_pt, uint8_t event_pt, uint32_t event_clock_hz)
{
	b->pt = opus_pt;
	if (event_clock_hz != b->events.clock_hz)
		tev_tx_init(&b->events, OPUS_CODEC_RTP_CLOCK_HZ, event_clock_hz);
	if (!event_pt)
		opus_line_new_peer(b);
	b->event_pt = event_pt;
}

void opus_line_set_bitrate(struct opus_line *b, uint32_t bitrate)
{
	b->enc_conf.bitrate = bitrate;
	opus_enc_set_bitrate(b->enc, bitrate);
	opus_quiet_forget(&b->quiet); /* with a constant bit rate its packet has another length */
}

void opus_line_set_receiver(struct opus_line *b, const struct media_opus_receiver *receiver)
{
	b->enc_conf.max_playback_hz = receiver->max_playback_hz;
	b->enc_conf.cbr = receiver->cbr;
	b->enc_conf.no_fec = receiver->no_fec;
	opus_enc_set_receiver(b->enc, receiver->max_playback_hz, receiver->cbr, receiver->no_fec);
	opus_quiet_forget(&b->quiet);
}

void opus_line_set_loss(struct opus_line *b, unsigned percent)
{
	b->enc_conf.loss_percent = (uint8_t)percent;
	opus_enc_set_loss(b->enc, percent);
}

int opus_line_init(struct opus_line *b, const struct opus_line_conf *conf)
{
	memset(b, 0, sizeof(*b));
	b->stream = conf->stream;
	b->io = conf->io;
	b->io_arg = conf->io_arg;
	b->first_ts = conf->first_ts;
	b->last_slot = -1;
	b->fill_us = UINT64_MAX;
	b->width = 1;
	b->unit = 1;
	b->complexity = conf->complexity;
	b->pass_max_ms = conf->pass_max_ms;
	b->tell_loss = conf->tell_loss;
	b->tap = conf->tap;
	b->source_side = conf->source_side;
	b->enc_conf = conf->enc;
	b->enc_conf.rate_hz = LINE_RATE_HZ;
	reorder_init(&b->reorder, line_take, b);
	tev_tx_init(&b->events, OPUS_CODEC_RTP_CLOCK_HZ, TEV_CLOCK_HZ);
	return opus_enc_new(&b->enc_conf, &b->enc);
}

void opus_line_done(struct opus_line *b)
{
	b->enc = opus_enc_free(b->enc);
	b->g722 = g722_dec_free(b->g722);
	b->dec = opus_dec_free(b->dec);
}
