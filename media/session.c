/* media/session.c
 *
 * Glue: sorts what comes in to the ends, the bridge's two directions and the DTMF receivers, keeps the time-outs,
 * passes on what goes out. Commands are in session_commands.c, what comes from the SIP side in session_sip.c.
 */
#include "media/session_inner.h"

#include "lib/base/assert.h"
#include "lib/base/counter.h"
#include "lib/base/crypto.h"
#include "lib/base/pktbuf.h"
#include "media/webrtc/webrtc_end.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
	SRTCP_ROOM = 64,
	JBUF_MIN_MS = 20,
	JBUF_MAX_MS = 200,
	WA_SILENCE_MS = 30000,
	SIP_SILENCE_MS = 60000,
};

/* ---- out: packets and events ---- */

void session_tell(struct session *s, struct session_event ev, uint64_t now_us)
{
	ev.at_us = now_us;
	if (!s->failed)
		s->io->event(s->io_arg, &ev);
}

static void fail(struct session *s, enum media_end end, enum media_failure failure, uint64_t now_us)
{
	session_tell(s, (struct session_event){.kind = SESSION_FAILED, .end = end, .failure = failure}, now_us);
	s->failed = true;
}

static void send_to_wa(void *arg, uint8_t *bytes, size_t length, size_t cap)
{
	struct session *s = arg;
	webrtc_end_send_rtp(s->webrtc, bytes, length, cap); /* only called when it is up */
}

static void send_to_sip(void *arg, const uint8_t *bytes, size_t length)
{
	struct session *s = arg;
	uint8_t packet[SIP_SRTP_PACKET_MAX];
	const struct addr *to = rtp_end_rtp_to(&s->sip);
	if (!to || length > sizeof(packet))
		return;
	memcpy(packet, bytes, length);
	if (sip_srtp_protect(&s->sip_srtp, false, packet, length, sizeof(packet), &length) == 0)
		s->io->send(s->io_arg, END_SIP, SESSION_RTP, packet, length, to);
}

static void first_sound(struct session *s, enum media_end end, uint64_t now_us)
{
	s->first_tx_us[end] = (int64_t)now_us;
	session_tell(s, (struct session_event){.kind = SESSION_FIRST_SENT, .end = end}, now_us);
}

static void first_sound_to_wa(void *arg, uint64_t now_us)
{
	first_sound(arg, END_WA, now_us);
}

static void first_sound_to_sip(void *arg, uint64_t now_us)
{
	first_sound(arg, END_SIP, now_us);
}

static void send_copy(void *arg, const uint8_t *bytes, size_t length, const struct addr *to)
{
	struct session *s = arg;
	if (s->io->copy)
		s->io->copy(s->io_arg, bytes, length, to);
}

static const struct opus_line_io to_wa_io = {send_to_wa, first_sound_to_wa};
static const struct bridge_to_sip_io to_sip_io = {send_to_sip, first_sound_to_sip};

static void report_to_wa(struct session *s, bool bye, uint64_t now_us)
{
	uint8_t bytes[RTCP_MAX_BYTES + SRTCP_ROOM];
	size_t n = rtp_stream_report(&s->wa, bye, now_us, bytes, RTCP_MAX_BYTES);
	if (n && s->flowing)
		webrtc_end_send_rtcp(s->webrtc, bytes, n, sizeof(bytes));
}

void session_report_to_sip(struct session *s, bool bye, uint64_t now_us)
{
	uint8_t bytes[RTCP_MAX_BYTES + SRTCP_ROOM];
	struct addr to;
	session_fill_voip(s);
	size_t n = rtp_stream_report(&s->sip.stream, bye, now_us, bytes, RTCP_MAX_BYTES);
	const struct addr *where = s->sip_remote.rtcp_mux ? rtp_end_rtp_to(&s->sip) : rtp_end_rtcp_to(&s->sip, &to);
	if (n && where && sip_srtp_protect(&s->sip_srtp, true, bytes, n, sizeof(bytes), &n) == 0)
		s->io->send(s->io_arg, END_SIP, s->sip_remote.rtcp_mux ? SESSION_RTP : SESSION_RTCP, bytes, n, where);
}

/* ---- in: WhatsApp ---- */

void session_note_first_audio(struct session *s, enum media_end end, uint64_t now_us)
{
	if (s->first_rx_us[end])
		return;
	s->first_rx_us[end] = (int64_t)now_us;
	session_tell(s, (struct session_event){.kind = SESSION_FIRST_AUDIO, .end = end}, now_us);
}

static void wa_stream_begins(struct session *s, uint64_t now_us)
{
	session_end_wa_digit(s, now_us);
	bridge_to_sip_new_source(&s->to_sip);
}

static void on_wa_rtp(struct session *s, const uint8_t *bytes, size_t length, uint64_t now_us)
{
	struct rtp_hdr h;
	bool new_source;
	if (rtp_parse(bytes, length, &h) < 0) {
		counter_inc(CNT_MEDIA_RX_BAD_RTP);
		s->discarded[END_WA]++;
		return;
	}
	bool is_audio = h.pt == s->wa_opus_pt, is_event = s->wa_event_pt && h.pt == s->wa_event_pt;
	enum seq_verdict v = rtp_stream_received(&s->wa, &h, is_audio, now_us, &new_source);
	if (v == SEQ_DUPLICATE || v == SEQ_SUSPICIOUS)
		return;
	if (new_source)
		wa_stream_begins(s, now_us);
	const uint8_t *payload = bytes + h.payload_offset;
	if (is_audio && h.payload_length) {
		session_note_first_audio(s, END_WA, now_us);
		bridge_to_sip_packet(&s->to_sip, &h, payload, h.payload_length, now_us);
		return;
	}
	bridge_to_sip_other_packet(&s->to_sip, &h, now_us);
	if (is_event) {
		struct tev_report reports[TEV_REPORTS_MAX];
		session_pass_digits(s, END_WA, DIGIT_BY_EVENT, reports,
			tev_rx_packet(&s->wa_events, h.ts, payload, h.payload_length, now_us, reports), now_us);
	} else if (!is_audio) {
		s->discarded[END_WA]++;
	}
}

static void on_wa_media(void *arg, uint8_t *bytes, size_t length, bool is_rtcp, uint64_t now_us)
{
	struct session *s = arg;
	bool has_block;
	if (s->failed)
		return;
	s->wa_heard_us = now_us;
	if (!is_rtcp)
		on_wa_rtp(s, bytes, length, now_us);
	else if (rtp_stream_rtcp(&s->wa, bytes, length, now_us, &has_block) < 0)
		counter_inc(CNT_MEDIA_RX_BAD_RTP);
	else if (has_block)
		opus_line_set_loss(&s->to_wa, loss_follower_report(&s->wa_loss, s->wa.remote_fraction_lost, now_us));
}

static void send_wa_packet(void *arg, const void *bytes, size_t length, const struct addr *to)
{
	struct session *s = arg;
	s->io->send(s->io_arg, END_WA, SESSION_RTP, bytes, length, to);
}

void session_maybe_flow(struct session *s, uint64_t now_us)
{
	if (s->flowing || s->failed || !s->started || !webrtc_end_is_up(s->webrtc))
		return;
	s->flowing = true;
	opus_line_start(&s->to_wa, now_us);
	session_play_greeting(s, now_us);
	opus_line_tick(&s->to_wa, now_us); /* the first packet goes at once */
	rtp_stream_start_reports(&s->wa, now_us);
}

static void on_wa_event(
	void *arg, enum webrtc_end_event ev, enum media_failure failure, const struct addr *remote, uint64_t now_us)
{
	struct session *s = arg;
	struct session_event se = {.end = END_WA};
	switch (ev) {
	case WEBRTC_NOMINATED:
		if (s->ice_us < 0)
			s->ice_us = (int64_t)(now_us - s->wa_set_us);
		se.kind = SESSION_ICE_NOMINATED;
		if (remote)
			se.remote = *remote;
		session_tell(s, se, now_us);
		break;
	case WEBRTC_DTLS_UP:
		if (s->dtls_us < 0)
			s->dtls_us = (int64_t)(now_us - s->wa_set_us);
		se.kind = SESSION_DTLS_UP;
		session_tell(s, se, now_us);
		session_maybe_flow(s, now_us);
		break;
	case WEBRTC_FAILED: fail(s, END_WA, failure, now_us); break;
	}
}

static const struct webrtc_end_io webrtc_io = {send_wa_packet, on_wa_media, on_wa_event};

void session_input(struct session *s, enum media_end end, enum session_channel channel, uint8_t *bytes, size_t length,
	const struct addr *from, uint64_t now_us)
{
	ASSERT(s->magic == SESSION_MAGIC);
	if (s->failed)
		return;
	if (end == END_WA)
		webrtc_end_input(s->webrtc, bytes, length, from, now_us);
	else if (!s->sip_set)
		s->discarded[END_SIP]++; /* before there is a peer, nobody may latch */
	else if (channel == SESSION_RTCP || rtp_is_rtcp(bytes, length))
		session_on_sip_rtcp(s, bytes, length, from, now_us);
	else
		session_on_sip_rtp(s, bytes, length, from, now_us);
}

/* ---- time ---- */

static uint64_t min_us(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static uint64_t wa_silence_deadline(const struct session *s)
{
	return s->started && s->wa_set ? s->wa_heard_us + s->wa_silence_us : UINT64_MAX;
}

/* While WhatsApp hears something else, the SIP side is on hold or not there yet, and owes us nothing. */
static uint64_t sip_silence_deadline(const struct session *s)
{
	bool expected = s->started && s->sip_set && s->sip_remote.receive && s->playing[SIDE_WA] == SOUND_NONE;
	return expected ? s->sip_heard_us + s->sip_silence_us : UINT64_MAX;
}

uint64_t session_deadline(const struct session *s)
{
	if (s->failed)
		return UINT64_MAX;
	uint64_t at = webrtc_end_deadline(s->webrtc);
	at = min_us(at, bridge_to_sip_deadline(&s->to_sip));
	at = min_us(at, opus_line_deadline(&s->to_wa));
	at = min_us(at, session_greeting_deadline(s));
	at = min_us(at, rtp_stream_deadline(&s->wa));
	at = min_us(at, rtp_stream_deadline(&s->sip.stream));
	at = min_us(at, sip_pin_deadline(&s->pin));
	at = min_us(at, session_digits_deadline(s));
	at = min_us(at, s->announce_until_us);
	at = min_us(at, wa_silence_deadline(s));
	return min_us(at, sip_silence_deadline(s));
}

void session_tick(struct session *s, uint64_t now_us)
{
	ASSERT(s->magic == SESSION_MAGIC);
	if (s->failed)
		return;
	webrtc_end_tick(s->webrtc, now_us);
	if (s->failed)
		return;
	session_maybe_flow(s, now_us);
	session_announce_tick(s, now_us);
	session_digits_tick(s, now_us);
	bridge_to_sip_tick(&s->to_sip, now_us);
	session_tick_greeting(s, now_us);
	opus_line_tick(&s->to_wa, now_us);
	session_dial_tick(s, now_us);
	session_pin(s, sip_pin_tick(&s->pin, now_us), now_us);
	if (rtp_stream_deadline(&s->wa) <= now_us)
		report_to_wa(s, false, now_us);
	if (rtp_stream_deadline(&s->sip.stream) <= now_us)
		session_report_to_sip(s, false, now_us);
	if (wa_silence_deadline(s) <= now_us)
		fail(s, END_WA, MEDIA_FAIL_WA_SILENT, now_us);
	else if (sip_silence_deadline(s) <= now_us)
		fail(s, END_SIP, MEDIA_FAIL_SIP_SILENT, now_us);
}

/* ---- life ---- */

/* splitmix64 */
static uint64_t next_random(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15u;
	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return z ^ z >> 31;
}

static int make_webrtc(struct session *s, const struct session_conf *conf, uint64_t random)
{
	struct webrtc_end_conf wc = {.dtls = conf->dtls,
		.io = &webrtc_io,
		.io_arg = s,
		.ice_timeout_ms = conf->ice_timeout_ms,
		.random_seed = random};
	_Static_assert(sizeof(wc.ufrag) >= sizeof(conf->wa.ufrag) && sizeof(wc.pwd) >= sizeof(conf->wa.pwd),
		"credentials fit");
	memcpy(wc.ufrag, conf->wa.ufrag, sizeof(conf->wa.ufrag));
	memcpy(wc.pwd, conf->wa.pwd, sizeof(conf->wa.pwd));
	return webrtc_end_new(&wc, &s->webrtc);
}

static void make_streams(struct session *s, const struct session_conf *conf, uint64_t *random)
{
	struct rtp_stream_conf rc = {
		.clock_hz = OPUS_CODEC_RTP_CLOCK_HZ, .ssrc = conf->wa.ssrc, .cname = conf->wa.cname};
	rc.first_seq = (uint16_t)(next_random(random) &
				  0x7fff); /* the lower half: no wrap before SRTP has its bearings, RFC 3711 s3.3.1 */
	rc.random_seed = next_random(random);
	rtp_stream_init(&s->wa, &rc);
	rc.clock_hz = BRIDGE_RATE_HZ;
	rc.ssrc = (uint32_t)next_random(random);
	rc.first_seq = (uint16_t)(next_random(random) & 0x7fff);
	rc.random_seed = next_random(random);
	rtp_end_init(&s->sip, &rc);
	tev_rx_init(&s->wa_events, OPUS_CODEC_RTP_CLOCK_HZ, TEV_CLOCK_HZ);
	tev_rx_init(&s->sip_events, BRIDGE_RATE_HZ, TEV_CLOCK_HZ);
}

static int make_bridges(struct session *s, const struct session_conf *conf, uint64_t *random)
{
	const struct opus_enc_conf enc = {
		.bitrate = conf->opus_bitrate, .complexity = conf->opus_complexity, .loss_percent = s->wa_loss.percent};
	const struct bridge_to_sip_conf to_sip = {.pool = conf->pool,
		.jbuf_min_ms = conf->jbuf_min_ms ? conf->jbuf_min_ms : JBUF_MIN_MS,
		.jbuf_max_ms = conf->jbuf_max_ms ? conf->jbuf_max_ms : JBUF_MAX_MS,
		.stream = &s->sip.stream,
		.io = &to_sip_io,
		.io_arg = s,
		.first_ts = (uint32_t)next_random(random),
		.enc = enc,
		.tap = &s->tap};
	const struct opus_line_conf to_wa = {.enc = enc,
		.complexity = conf->opus_complexity_now,
		.stream = &s->wa,
		.io = &to_wa_io,
		.io_arg = s,
		.first_ts = (uint32_t)next_random(random),
		.pass_max_ms = LINE_SLOT_MS, /* Meta: a=ptime:20, maxptime:20 */
		.tap = &s->tap,
		.source_side = SIDE_SIP};
	int r = bridge_to_sip_init(&s->to_sip, &to_sip);
	return r < 0 ? r : opus_line_init(&s->to_wa, &to_wa);
}

static struct session *destroy(struct session *s)
{
	greeting_free(s->greeting);
	bridge_to_sip_done(&s->to_sip);
	opus_line_done(&s->to_wa);
	session_digits_done(s);
	sip_srtp_done(&s->sip_srtp);
	webrtc_end_free(s->webrtc);
	s->magic = 0;
	free(s);
	return NULL;
}

static uint64_t us_or(uint32_t ms, uint32_t otherwise_ms)
{
	return (ms ? ms : otherwise_ms) * 1000ull;
}

int session_new(const struct session_conf *conf, uint64_t now_us, struct session **ret_session)
{
	(void)now_us;
	if (!conf->pool || !conf->io || !conf->io->send || !conf->io->event)
		return -EINVAL;
	struct session *s = calloc(1, sizeof(*s));
	if (!s)
		return -ENOMEM;
	uint64_t random = conf->random_seed ? conf->random_seed : crypto_random_u64();
	s->magic = SESSION_MAGIC;
	s->sounds = conf->sounds;
	s->io = conf->io;
	s->io_arg = conf->io_arg;
	s->wa_silence_us = us_or(conf->wa_silence_timeout_ms, WA_SILENCE_MS);
	s->sip_silence_us = us_or(conf->sip_silence_timeout_ms, SIP_SILENCE_MS);
	s->opus_bitrate = conf->opus_bitrate ? conf->opus_bitrate : OPUS_CODEC_BITRATE_DEFAULT;
	loss_follower_init(&s->wa_loss, conf->opus_loss_percent);
	s->ice_us = s->dtls_us = -1;
	s->announce_until_us = UINT64_MAX;
	s->tap.copy.send = send_copy;
	s->tap.copy.send_arg = s;
	make_streams(s, conf, &random);
	int r = make_bridges(s, conf, &random);
	if (r == 0)
		r = make_webrtc(s, conf, conf->random_seed ? next_random(&random) : 0);
	if (r < 0) {
		destroy(s);
		return r;
	}
	*ret_session = s;
	return 0;
}

struct session *session_close(struct session *s, uint64_t now_us)
{
	if (!s)
		return NULL;
	ASSERT(s->magic == SESSION_MAGIC);
	if (!s->failed && s->flowing)
		report_to_wa(s, true, now_us);
	if (s->sip_set)
		session_report_to_sip(s, true, now_us);
	tap_done(&s->tap, now_us);
	return destroy(s);
}
