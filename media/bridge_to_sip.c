#include "media/bridge_to_sip.h"

#include "lib/base/assert.h"
#include "lib/base/pktbuf.h"
#include "media/bridge_sound.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
	TS_PER_SAMPLE = JBUF_CLOCK_HZ / BRIDGE_RATE_HZ,
	BEHIND_MAX_US = 500000, /* the machine slept: do not send a burst of old audio */
	PACKET_BYTES = RTP_HEADER_BYTES + BRIDGE_PTIME_MAX_MS * BRIDGE_SAMPLES_PER_MS,
};

/* ---- packets to SIP ---- */

static void send_packet(struct bridge_to_sip *b, uint8_t pt, bool marker, uint32_t ts, uint8_t *packet, size_t payload)
{
	rtp_stream_header(b->stream, pt, marker, ts, payload, b->next_us, packet);
	b->io->send(b->io_arg, packet, RTP_HEADER_BYTES + payload);
}

static void send_digit(struct bridge_to_sip *b)
{
	struct tev_packet packets[TEV_PACKETS_MAX];
	size_t n = tev_tx_step(&b->events, b->ts, b->ptime_ms, packets);
	for (size_t i = 0; i < n; i++) {
		uint8_t packet[RTP_HEADER_BYTES + TEV_PAYLOAD_BYTES];
		memcpy(packet + RTP_HEADER_BYTES, packets[i].payload, TEV_PAYLOAD_BYTES);
		send_packet(b, b->event_pt, packets[i].marker, packets[i].ts, packet, TEV_PAYLOAD_BYTES);
	}
	b->mark_next = true;
}

static void send_audio(struct bridge_to_sip *b, unsigned samples, bool sound)
{
	uint8_t packet[PACKET_BYTES];
	int16_t instead[BRIDGE_PTIME_MAX_MS * BRIDGE_SAMPLES_PER_MS * BRIDGE_WIDTH_MAX];
	const int16_t *pcm = b->fifo;
	if (b->voice.wanted &&
		digit_voice_read(&b->voice, &b->events, b->ts, b->ptime_ms, BRIDGE_RATE_HZ * b->width, instead)) {
		pcm = instead;
		sound = false;
	} else if (b->playing || b->muted) {
		if (b->width == 1)
			sound_player_read(&b->player, instead, samples);
		else
			sound_player_read_wide(&b->player, instead, samples);
		pcm = instead;
		sound = false;
	}
	if (b->width == 1)
		g711_from_pcm(b->law, pcm, samples, packet + RTP_HEADER_BYTES);
	else
		g722_from_pcm(b->g722, pcm, samples, packet + RTP_HEADER_BYTES);
	send_packet(b, b->pt, b->mark_next, b->ts, packet, samples);
	b->mark_next = false;
	if (sound && !b->sound_sent) {
		b->sound_sent = true;
		b->io->first_sound(b->io_arg, b->next_us);
	}
}

/* One packet of the grid, whether it may be sent or not: on hold the stream goes on being consumed. */
static void play_one(struct bridge_to_sip *b)
{
	unsigned samples = b->ptime_ms * BRIDGE_SAMPLES_PER_MS;
	bool sound = false;

	bridge_sound_fetch(b, samples, &sound);
	if (!b->playing && !b->muted)
		tap_pcm(b->tap, SIDE_WA, b->fifo, samples * b->width, BRIDGE_RATE_HZ * b->width, b->next_us);
	if (b->send && !b->voice.wanted && tev_tx_due(&b->events, b->ts))
		send_digit(b);
	else if (b->send)
		send_audio(b, samples, sound);
	bridge_sound_played(b, samples);
	b->ts += samples;
	b->next_us += (uint64_t)samples * BRIDGE_SAMPLE_US;
}

/* The stream from WhatsApp has just begun: put the grid where its packets will be due, rather than hold each of them up
 * to one ptime longer for ever. RTP time goes on with real time. */
static void move_grid(struct bridge_to_sip *b)
{
	uint64_t start_us = jbuf_start_us(b->jb), ptime_us = b->ptime_ms * 1000ull;
	if (!start_us || b->phased)
		return;
	b->phased = true;
	uint64_t late_us = start_us > b->next_us ? (start_us - b->next_us) % ptime_us
						 : (ptime_us - (b->next_us - start_us) % ptime_us) % ptime_us;
	unsigned samples = (unsigned)((late_us + BRIDGE_SAMPLE_US - 1) / BRIDGE_SAMPLE_US);
	b->next_us += (uint64_t)samples * BRIDGE_SAMPLE_US;
	b->ts += samples;
	b->mark_next = true;
}

/* ---- entry points ---- */

int bridge_to_sip_init(struct bridge_to_sip *b, const struct bridge_to_sip_conf *conf)
{
	const struct jbuf_conf jc = {.pool = conf->pool, .min_ms = conf->jbuf_min_ms, .max_ms = conf->jbuf_max_ms};
	memset(b, 0, sizeof(*b));
	b->stream = conf->stream;
	b->io = conf->io;
	b->io_arg = conf->io_arg;
	b->pool = conf->pool;
	b->ts = b->first_ts = conf->first_ts;
	b->enc_conf = conf->enc;
	b->tap = conf->tap;
	b->ptime_ms = BRIDGE_PTIME_DEFAULT_MS;
	b->width = 1;
	b->mark_next = true;
	tev_tx_init(&b->events, BRIDGE_RATE_HZ, TEV_CLOCK_HZ);
	b->fifo = calloc(BRIDGE_FIFO_SAMPLES, sizeof(*b->fifo));
	if (!b->fifo)
		return -ENOMEM;
	int r = jbuf_new(&jc, &b->jb);
	return r < 0 ? r : opus_dec_new(BRIDGE_RATE_HZ, &b->dec);
}

void bridge_to_sip_done(struct bridge_to_sip *b)
{
	b->jb = jbuf_free(b->jb);
	b->dec = opus_dec_free(b->dec);
	b->g722 = g722_enc_free(b->g722);
	if (b->line)
		opus_line_done(b->line);
	free(b->line);
	b->line = NULL;
	free(b->fifo);
	b->fifo = NULL;
}

static uint16_t usable_ptime(uint16_t ptime_ms)
{
	if (!ptime_ms)
		return BRIDGE_PTIME_DEFAULT_MS;
	ptime_ms = (uint16_t)(ptime_ms / 10 * 10);
	return ptime_ms < BRIDGE_PTIME_MIN_MS   ? BRIDGE_PTIME_MIN_MS
	       : ptime_ms > BRIDGE_PTIME_MAX_MS ? BRIDGE_PTIME_MAX_MS
						: ptime_ms;
}

/* Opus is decoded at another rate from now on; what it knew of the past is lost, a few milliseconds. */
static int set_width(struct bridge_to_sip *b, unsigned width)
{
	struct opus_dec *dec;
	int16_t *fifo;
	int r = width == 2 && !b->g722 ? g722_enc_new(&b->g722) : 0;

	if (r == 0)
		r = opus_dec_new(BRIDGE_RATE_HZ * width, &dec);
	if (r < 0)
		return r;
	fifo = calloc((size_t)BRIDGE_FIFO_SAMPLES * width, sizeof(*fifo));
	if (!fifo) {
		opus_dec_free(dec);
		return -ENOMEM;
	}
	free(b->fifo);
	b->fifo = fifo;
	opus_dec_free(b->dec);
	b->dec = dec;
	b->width = width;
	b->fifo_samples = b->extra = 0;
	return 0;
}

/* ---- Opus on the SIP side, too ---- */

static void line_send(void *arg, uint8_t *bytes, size_t length, size_t cap)
{
	struct bridge_to_sip *b = arg;
	(void)cap;
	b->io->send(b->io_arg, bytes, length);
}

static void line_first_sound(void *arg, uint64_t now_us)
{
	struct bridge_to_sip *b = arg;
	if (b->sound_sent)
		return;
	b->sound_sent = true;
	b->io->first_sound(b->io_arg, now_us);
}

static const struct opus_line_io line_io = {line_send, line_first_sound};

static int make_line(struct bridge_to_sip *b)
{
	const struct opus_line_conf conf = {.enc = b->enc_conf,
		.stream = b->stream,
		.io = &line_io,
		.io_arg = b,
		.first_ts = b->first_ts,
		.pass_max_ms = OPUS_CODEC_PACKET_MAX_MS,
		.tell_loss = true,
		.tap = b->tap,
		.source_side = SIDE_WA};
	static const struct line_source whatsapp = {.wide = true, .opus = true};
	struct opus_line *line = calloc(1, sizeof(*line));

	if (!line)
		return -ENOMEM;
	int r = opus_line_init(line, &conf);
	if (r == 0)
		r = opus_line_set_source(line, &whatsapp);
	if (r < 0) {
		opus_line_done(line);
		free(line);
		return r;
	}
	b->line = line;
	return 0;
}

static uint32_t line_bitrate(const struct bridge_to_sip *b, const struct media_sip_remote *remote)
{
	uint32_t own = b->enc_conf.bitrate ? b->enc_conf.bitrate : OPUS_CODEC_BITRATE_DEFAULT;
	return remote->max_bitrate && remote->max_bitrate < own ? remote->max_bitrate : own;
}

static int set_opus(struct bridge_to_sip *b, const struct media_sip_remote *remote, uint64_t now_us)
{
	int r = b->line ? 0 : make_line(b);
	uint16_t most_ms = remote->maxptime_ms ? remote->maxptime_ms : OPUS_CODEC_PACKET_MAX_MS;
	uint32_t event_hz = remote->event_clock_hz ? remote->event_clock_hz : TEV_CLOCK_HZ;

	if (r < 0)
		return r;
	b->line->pass_max_ms = most_ms;
	opus_line_set_remote(b->line, remote->pt, remote->no_events_out ? 0 : remote->event_pt, event_hz);
	opus_line_set_bitrate(b->line, line_bitrate(b, remote));
	opus_line_set_receiver(b->line, &remote->opus);
	if (!b->opus) {
		bridge_to_sip_new_source(b);
		bridge_to_sip_new_peer(b);
		opus_line_new_source(b->line);
		opus_line_mute(b->line, b->muted, now_us);
		opus_line_play(b->line, b->playing, b->player.sound, now_us);
	}
	b->opus = b->running = true;
	if (remote->send)
		opus_line_start(b->line, now_us);
	else
		opus_line_stop(b->line);
	return 0;
}

static void leave_opus(struct bridge_to_sip *b, uint64_t now_us)
{
	if (!b->opus)
		return;
	opus_line_stop(b->line);
	b->opus = false;
	b->next_us = now_us;
	b->mark_next = true;
}

int bridge_to_sip_set_remote(struct bridge_to_sip *b, const struct media_sip_remote *remote, uint64_t now_us)
{
	if (remote->codec == AUDIO_OPUS)
		return set_opus(b, remote, now_us);
	unsigned width = remote->codec == AUDIO_G722 ? 2 : 1;
	int r = width != b->width ? set_width(b, width) : 0;

	if (r < 0)
		return r;
	leave_opus(b, now_us);
	b->law = remote->codec == AUDIO_PCMA ? G711_A : G711_MU;
	b->pt = remote->pt;
	b->event_pt = remote->no_events_out ? 0 : remote->event_pt;
	b->ptime_ms = usable_ptime(remote->ptime_ms);
	jbuf_set_ptime(b->jb, b->ptime_ms);
	if (remote->send && !b->send)
		b->mark_next = true;
	b->send = remote->send;
	b->voice.wanted = remote->tones_out;
	if (!(b->event_pt || b->voice.wanted) || !b->send)
		tev_tx_drop(&b->events);
	if (!b->running) {
		b->running = true;
		b->next_us = now_us;
	}
	return 0;
}

void bridge_to_sip_packet(
	struct bridge_to_sip *b, const struct rtp_hdr *hdr, const uint8_t *payload, size_t length, uint64_t now_us)
{
	if (b->opus) {
		opus_line_packet(b->line, hdr, LINE_OPUS, payload, length, now_us);
		return;
	}
	int duration_ts = opus_packet_duration_ts(payload, length);
	if (!b->running || duration_ts < 0 || length > PKT_DATA_BYTES - PKT_HEADROOM) {
		b->discarded++;
		bridge_to_sip_other_packet(b, hdr, now_us);
		return;
	}
	struct pkt *pkt = pkt_get_for(b->pool, length);
	if (!pkt) {
		b->discarded++;
		return;
	}
	memcpy(pkt->data + pkt->offset, payload, length);
	pkt->length = (uint16_t)length;
	int r = jbuf_put(b->jb, hdr->seq, hdr->ts, (uint32_t)duration_ts, pkt, now_us);
	if (r == -EPROTO) {
		bridge_to_sip_new_source(b);
		r = jbuf_put(b->jb, hdr->seq, hdr->ts, (uint32_t)duration_ts, pkt, now_us);
	}
	if (r < 0)
		pkt_put(b->pool, pkt);
	move_grid(b);
}

void bridge_to_sip_other_packet(struct bridge_to_sip *b, const struct rtp_hdr *hdr, uint64_t now_us)
{
	if (b->opus)
		opus_line_other_packet(b->line, hdr, now_us);
	else
		jbuf_skip(b->jb, hdr->seq);
}

void bridge_to_sip_new_source(struct bridge_to_sip *b)
{
	if (b->opus)
		opus_line_new_source(b->line);
	jbuf_flush(b->jb);
	b->phased = false;
}

bool bridge_to_sip_can_dial(const struct bridge_to_sip *b)
{
	return b->opus ? opus_line_can_dial(b->line) : b->running && b->send && (b->event_pt || b->voice.wanted);
}

bool bridge_to_sip_dials(const struct bridge_to_sip *b)
{
	return tev_tx_active(b->opus ? &b->line->events : &b->events);
}

void bridge_to_sip_digit(struct bridge_to_sip *b, const struct tev_report *report, uint64_t now_us)
{
	if (b->opus) {
		opus_line_digit(b->line, report, now_us);
		return;
	}
	if (!bridge_to_sip_can_dial(b))
		return;
	if (report->kind == TEV_BEGIN || !b->digit_open) {
		b->digit_open = tev_tx_begin(&b->events, report->digit) == 0;
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

void bridge_to_sip_dial(struct bridge_to_sip *b, char digit, unsigned duration_ms, uint64_t now_us)
{
	if (b->opus)
		opus_line_dial(b->line, digit, duration_ms, now_us);
	else if (tev_tx_begin(&b->events, digit) == 0)
		tev_tx_end(&b->events, duration_ms);
}

void bridge_to_sip_play(struct bridge_to_sip *b, bool on, const struct sound *sound, uint64_t now_us)
{
	b->playing = on;
	sound_player_start(&b->player, on ? sound : NULL);
	if (b->opus)
		opus_line_play(b->line, on, sound, now_us);
}

void bridge_to_sip_mute(struct bridge_to_sip *b, bool on, uint64_t now_us)
{
	b->muted = on;
	if (b->opus)
		opus_line_mute(b->line, on, now_us);
}

void bridge_to_sip_new_peer(struct bridge_to_sip *b)
{
	tev_tx_drop(&b->events);
	b->digit_open = false;
	b->mark_next = true;
	if (b->opus)
		opus_line_new_peer(b->line);
}

uint64_t bridge_to_sip_deadline(const struct bridge_to_sip *b)
{
	if (b->opus)
		return opus_line_deadline(b->line);
	return b->running ? b->next_us : UINT64_MAX;
}

void bridge_to_sip_tick(struct bridge_to_sip *b, uint64_t now_us)
{
	if (b->opus) {
		opus_line_tick(b->line, now_us);
		return;
	}
	if (!b->running)
		return;
	if (now_us > b->next_us + BEHIND_MAX_US) {
		uint64_t missed = (now_us - b->next_us) / (b->ptime_ms * 1000ull);
		b->next_us += missed * b->ptime_ms * 1000ull;
		b->ts += (uint32_t)missed * b->ptime_ms * BRIDGE_SAMPLES_PER_MS;
		b->mark_next = true;
	}
	while (b->next_us <= now_us)
		play_one(b);
}
