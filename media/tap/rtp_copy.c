#include "media/tap/rtp_copy.h"

#include "media/codec/g711.h"
#include "media/codec/opus_codec.h"
#include "media/rtp/rtp.h"

#include <string.h>

enum { PACKET_BYTES = RTP_HEADER_BYTES + TAP_FRAME_BYTES_MAX };

void rtp_copy_start(struct rtp_copy *c, const struct rtp_copy_conf *conf, uint64_t now_us)
{
	c->conf = *conf;
	for (int side = 0; side < 2; side++)
		c->stream[side] = (struct rtp_copy_stream){
			.ssrc = (conf->ssrc & ~1u) | (uint32_t)side, .first_ts = (uint32_t)(now_us / 125)};
	c->on = true;
}

void rtp_copy_stop(struct rtp_copy *c)
{
	c->on = false;
}

/* Another clock is another line of timestamps, and so another SSRC (RFC 7160 s4.1). */
static void set_clock(struct rtp_copy_stream *s, uint32_t clock_hz)
{
	if (s->clock_hz == clock_hz)
		return;
	if (s->clock_hz)
		s->ssrc += 2;
	s->clock_hz = clock_hz;
	s->place = (struct place){0};
}

static void send_one(struct rtp_copy *c, struct rtp_copy_stream *s, const struct tap_frame *f, uint8_t pt, size_t ticks,
	uint8_t *packet, size_t payload)
{
	int64_t behind = s->place.next;
	bool first = !s->place.begun;
	/* the line began long ago: only differences count */
	int64_t at = place_put(&s->place, 0, f->at_us, s->clock_hz, ticks);
	const struct rtp_hdr h = {.pt = pt,
		.marker = first || at != behind, /* RFC 3551 s4.1: first after silence */
		.seq = s->seq++,
		.ts = s->first_ts + (uint32_t)at,
		.ssrc = s->ssrc};

	rtp_write(&h, packet);
	c->send(c->send_arg, packet, RTP_HEADER_BYTES + payload, &c->conf.to);
	c->packets++;
}

static void send_pcmu(struct rtp_copy *c, struct rtp_copy_stream *s, const struct tap_frame *f)
{
	uint8_t packet[PACKET_BYTES];
	int16_t pcm[TAP_FRAME_BYTES_MAX / 2];
	size_t n = f->length / 2;

	memcpy(pcm, f->bytes, n * 2);
	if (f->rate_hz == 16000) { /* the telephone's band is all that is wanted: means of two */
		n /= 2;
		for (size_t i = 0; i < n; i++)
			pcm[i] = (int16_t)((pcm[2 * i] + pcm[2 * i + 1]) / 2);
	}
	set_clock(s, 8000);
	g711_from_pcm(G711_MU, pcm, n, packet + RTP_HEADER_BYTES);
	send_one(c, s, f, RTP_COPY_PT_PCMU, n, packet, n);
}

static void send_l16(struct rtp_copy *c, struct rtp_copy_stream *s, const struct tap_frame *f)
{
	uint8_t packet[PACKET_BYTES];
	int16_t pcm[TAP_FRAME_BYTES_MAX / 2];
	size_t n = f->length / 2;

	memcpy(pcm, f->bytes, n * 2);
	for (size_t i = 0; i < n; i++) { /* network byte order */
		packet[RTP_HEADER_BYTES + 2 * i] = (uint8_t)((uint16_t)pcm[i] >> 8);
		packet[RTP_HEADER_BYTES + 2 * i + 1] = (uint8_t)pcm[i];
	}
	set_clock(s, f->rate_hz);
	send_one(c, s, f, f->rate_hz == 16000 ? RTP_COPY_PT_L16_16K : RTP_COPY_PT_L16_8K, n, packet, 2 * n);
}

static void send_opus(struct rtp_copy *c, struct rtp_copy_stream *s, const struct tap_frame *f)
{
	uint8_t packet[PACKET_BYTES];
	int ticks = opus_packet_duration_ts(f->bytes, f->length);

	if (ticks <= 0)
		return;
	set_clock(s, OPUS_CODEC_RTP_CLOCK_HZ);
	memcpy(packet + RTP_HEADER_BYTES, f->bytes, f->length);
	send_one(c, s, f, RTP_COPY_PT_OPUS, (size_t)ticks, packet, f->length);
}

void rtp_copy_put(struct rtp_copy *c, const struct tap_frame *f)
{
	struct rtp_copy_stream *s = &c->stream[f->side];

	if (!c->on || !c->conf.side[f->side] || f->length > TAP_FRAME_BYTES_MAX)
		return;
	if (f->kind == TAP_OPUS)
		send_opus(c, s, f);
	else if (c->conf.format == RTP_COPY_PCMU)
		send_pcmu(c, s, f);
	else
		send_l16(c, s, f);
}
