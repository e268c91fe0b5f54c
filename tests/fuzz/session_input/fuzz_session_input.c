/* tests/fuzz/session_input/fuzz_session_input.c
 *
 * A connected session (without encryption) is given packets of both sides, commands and time as the bytes say. Whatever
 * comes: nothing is read out of bounds, the lines that we send stay in order, and the session never asks to be woken in
 * the past.
 *
 *   one step: kind, length, time (2 ms units), then `length` bytes
 */
#include "lib/base/assert.h"
#include "lib/base/pktbuf.h"
#include "media/rtp/rtp.h"
#include "media/session.h"
#include "media/tap/record_ring.h"
#include "media/tap/rtp_copy.h"
#include "tests/support/media/fake_webrtc_end.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { STEPS_MAX = 400, RINGS_MAX = 16, COPY_PORT = 9000 };

struct line {
	bool begun;
	uint32_t ssrc;
	uint16_t seq;
};

static struct line lines[END_COUNT], copies[2];
static struct record_ring *rings[RINGS_MAX];
static unsigned ring_count;
static uint16_t peer_seq;
static struct addr wa_addr, sip_addr, rtcp_addr, other_addr;

static void on_send(void *arg, enum media_end end, enum session_channel channel, const void *bytes, size_t length,
	const struct addr *to)
{
	struct rtp_hdr h;
	(void)arg, (void)to;
	if (channel == SESSION_RTCP || rtp_is_rtcp(bytes, length))
		return;
	ASSERT(rtp_parse(bytes, length, &h) == 0);
	struct line *l = &lines[end];
	/* toward SIP another clock is another SSRC, and Opus passed on keeps the holes that loss has left */
	if (end == END_WA)
		ASSERT(!l->begun || (h.ssrc == l->ssrc && h.seq == (uint16_t)(l->seq + 1)));
	else
		ASSERT(!l->begun || h.ssrc != l->ssrc || (uint16_t)(h.seq - l->seq - 1) <= 100);
	*l = (struct line){true, h.ssrc, h.seq};
}

static void on_event(void *arg, const struct session_event *ev)
{
	(void)arg;
	ASSERT(ev->kind != SESSION_DTMF || ev->digit);
}

static void on_copy(void *arg, const uint8_t *bytes, size_t length, const struct addr *to)
{
	struct rtp_hdr h;
	(void)arg;
	ASSERT(rtp_parse(bytes, length, &h) == 0 && h.payload_length && addr_port(to) == COPY_PORT);
	struct line *l = &copies[h.ssrc & 1];
	ASSERT(!l->begun || h.ssrc != l->ssrc || h.seq == (uint16_t)(l->seq + 1));
	*l = (struct line){true, h.ssrc, h.seq};
}

static const struct session_io io = {on_send, on_event, on_copy};

static void set_sip(struct session *s, uint8_t flags, uint8_t more, uint8_t rest, uint64_t now_us)
{
	static const struct media_sip_format formats[] = {
		{AUDIO_PCMU, 0}, {AUDIO_PCMA, 8}, {AUDIO_OPUS, 96}, {AUDIO_G722, 9}};
	unsigned format = (flags & 1) | (more & 2);
	const struct media_sip_remote remote = {.rtp = flags & 8 ? other_addr : sip_addr,
		.rtcp = rtcp_addr,
		.codec = formats[format].codec,
		.pt = formats[format].pt,
		.event_pt = flags & 2 ? 101 : 0,
		.event_clock_hz = more & 4 ? 48000 : 0,
		.maxptime_ms = more & 8 ? 40 : 0,
		.also_count = more & 16 ? 1 : 0,
		.also = {formats[2]},
		.ptime_ms = (uint16_t)(flags >> 4) * 5,
		.send = !(flags & 4),
		.receive = !(flags & 0x40),
		.tones_in = more & 32,
		.tones_out = more & 64,
		.no_events_out = rest & 1,
		.rtcp_mux = rest & 2,
		.xr_voip = rest & 4,
		.cn_pt = rest & 8 ? 19 : 0,
		.event_pt_own = rest & 16 ? 110 : 0,
		.opus = {.max_playback_hz = rest & 32 ? 8000 : 0, .cbr = rest & 64, .no_fec = rest & 128},
		.new_peer = more & 1};
	ASSERT(session_set_sip(s, &remote, now_us) == 0);
}

/* ---- who listens along ---- */

static void record(struct session *s, uint8_t how, uint64_t now_us)
{
	if (how & 1) {
		session_record_pause(s, how & 2);
	} else if (how & 2) {
		session_record_stop(s, now_us);
	} else if (ring_count < RINGS_MAX) {
		ASSERT(record_ring_new(RECORD_RING_BYTES_MIN << (how >> 2 & 3), &rings[ring_count]) == 0);
		session_record(s, rings[ring_count++], how & 0x10, how & 0x20, now_us);
	}
}

static void copy(struct session *s, uint8_t how, uint64_t now_us)
{
	struct rtp_copy_conf conf = {.format = how & 1 ? RTP_COPY_L16 : RTP_COPY_PCMU, .side = {how & 2, how & 4}};
	ASSERT(addr_parse("127.0.0.1:9000", &conf.to) == 0);
	memset(copies, 0, sizeof(copies));
	if (how & 8)
		session_copy_stop(s);
	else
		session_copy(s, &conf, now_us);
}

/* What a recorder would read, some time. */
static void read_ring(struct record_ring *ring, uint64_t now_us)
{
	uint8_t bytes[TAP_FRAME_BYTES_MAX];
	struct tap_frame f;
	while (record_ring_get(ring, &f, bytes)) {
		ASSERT(f.length && f.at_us >= record_ring_start_us(ring) && f.at_us < now_us + 1000000);
		ASSERT(f.kind == TAP_OPUS || (f.length % 2 == 0 && (f.rate_hz == 8000 || f.rate_hz == 16000)));
	}
}

static void end_recordings(uint64_t now_us)
{
	uint64_t end_us;
	while (ring_count) {
		struct record_ring *ring = rings[--ring_count];
		ASSERT(record_ring_closed(ring, &end_us));
		read_ring(ring, now_us);
		record_ring_free(ring);
	}
}

static void listen_along(struct session *s, uint8_t kind, uint8_t how, uint64_t now_us)
{
	switch (kind & 3) {
	case 0: session_start_wa(s, now_us); break;
	case 1: session_keep_greeting(s, now_us); break;
	case 2: record(s, how, now_us); break;
	case 3: copy(s, how, now_us); break;
	}
}

static void command(struct session *s, uint8_t kind, const uint8_t *bytes, size_t length, uint64_t now_us)
{
	enum media_side side = kind & 1 ? SIDE_SIP : SIDE_WA;
	char digits[256] = "";

	switch (kind >> 2 & 3) {
	case 0: listen_along(s, kind, length ? bytes[0] : 0, now_us); break;
	case 1: session_play(s, side, (enum media_sound)(length ? bytes[0] % 4 : 0), now_us); break;
	case 2: session_mute(s, side, kind & 2, now_us); break;
	case 3:
		if (kind & 2 && length)
			session_info_digit(s, (char)bytes[0], bytes[0] * 50u, now_us);
		memcpy(digits, bytes, length);
		session_send_dtmf(s, side, digits, now_us);
		break;
	}
}

static void one_packet(struct session *s, uint8_t kind, const uint8_t *bytes, size_t length, uint64_t now_us)
{
	uint8_t *copy = malloc(length + 1); /* of exact size: SRTP may write, nothing may read beyond */
	ASSERT(copy);
	memcpy(copy, bytes, length);
	session_input(s, kind & 1 ? END_SIP : END_WA, kind & 2 ? SESSION_RTCP : SESSION_RTP, copy, length,
		kind & 4   ? &other_addr
		: kind & 1 ? &sip_addr
			   : &wa_addr,
		now_us);
	free(copy);
}

/* The packets of a well-behaved peer cost the fuzzer too many bytes: it says only what differs. */
static void short_packet(struct session *s, uint8_t kind, const uint8_t *bytes, size_t length, uint64_t now_us)
{
	uint8_t packet[RTP_HEADER_BYTES + 256] = {0};
	bool g711 = kind & 1 && !(kind & 8);
	struct rtp_hdr h = {.pt = g711       ? 0
				  : kind & 1 ? 96
					     : 111,
		.seq = peer_seq,
		.ts = peer_seq * (g711 ? 160u : 960u),
		.ssrc = 7};
	peer_seq++;
	if (length >= 3) {
		h.seq = (uint16_t)(h.seq + (int8_t)bytes[0]);
		h.ts += (uint32_t)(int8_t)bytes[1] * 240;
		if (bytes[2] & 0x80)
			h.pt = kind & 1 ? 101 : 126;
	}
	rtp_write(&h, packet);
	memcpy(packet + RTP_HEADER_BYTES, bytes, length);
	one_packet(s, kind & 1, packet, RTP_HEADER_BYTES + length, now_us);
}

static void run_until(struct session *s, uint64_t until_us)
{
	uint64_t at;
	while ((at = session_deadline(s)) <= until_us) {
		session_tick(s, at);
		ASSERT(session_deadline(s) > at);
	}
}

static struct session *connected(struct pktpool *pool, uint64_t now_us)
{
	const struct session_conf conf = {.pool = pool, .io = &io, .random_seed = 1};
	struct media_wa_remote wa = {.candidate_count = 1, .opus_pt = 111, .event_pt = 126};
	struct session *s;
	wa.candidates[0].addr = wa_addr;
	ASSERT(session_new(&conf, now_us, &s) == 0);
	ASSERT(session_set_wa(s, &wa, now_us) == 0);
	return s;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint64_t now_us = 1000000;
	struct pktpool *pool;
	addr_parse("203.0.113.1:3478", &wa_addr);
	addr_parse("192.0.2.1:4000", &sip_addr);
	addr_parse("192.0.2.1:4001", &rtcp_addr);
	addr_parse("198.51.100.1:5000", &other_addr);
	memset(lines, 0, sizeof(lines));
	memset(copies, 0, sizeof(copies));
	peer_seq = 0;
	ASSERT(pktpool_new(12, &pool) == 0);
	struct session *s = connected(pool, now_us);
	for (int step = 0; step < STEPS_MAX && size >= 3; step++) {
		uint8_t kind = data[0];
		size_t length = data[1] < size - 3 ? data[1] : size - 3;
		now_us += data[2] * 2000ull;
		run_until(s, now_us);
		if (ring_count && data[2] & 1)
			read_ring(rings[ring_count - 1], now_us);
		const uint8_t *bytes = data + 3;
		if (kind < 0x60)
			one_packet(s, kind, bytes, length, now_us);
		else if (kind < 0xe0)
			short_packet(s, kind, bytes, length, now_us);
		else if (kind < 0xf0)
			set_sip(s, length ? bytes[0] : 0, length > 1 ? bytes[1] : 0, length > 2 ? bytes[2] : 0, now_us);
		else
			command(s, kind, bytes, length, now_us);
		data += 3 + length;
		size -= 3 + length;
	}
	struct media_stats st;
	session_stats(s, &st);
	session_close(s, now_us);
	end_recordings(now_us);
	ASSERT(pktpool_in_use(pool) == 0);
	pktpool_free(pool);
	return 0;
}
