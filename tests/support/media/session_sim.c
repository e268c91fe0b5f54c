#include "tests/support/media/session_sim.h"

#include "lib/base/assert.h"
#include "lib/base/pktbuf.h"
#include "media/codec/g711.h"
#include "media/codec/g722.h"
#include "media/rtp/rtp.h"
#include "media/srtp/srtp.h"
#include "tests/support/media/sim_voice.h"

#include <stdlib.h>
#include <string.h>

enum { START_US = 1000000, FRAME_SAMPLES = 160 };

/* The simulation itself has gone wrong: say where, nothing after it means anything. */
#define require(ok) ASSERT(ok)

/* ---- what the peers receive ---- */

static void check_line(struct sim_received *r, const struct rtp_hdr *h, uint32_t frame_ts, uint64_t now_us)
{
	if (!r->audio) {
		r->first_ts = h->ts;
		r->first_us = now_us;
	} else {
		uint32_t step = h->ts - r->last_ts;
		r->ts_not_forward += (int32_t)step <= 0;
		r->ts_odd_steps += step % frame_ts != 0;
		r->ts_gaps += step > frame_ts;
		if (now_us - r->last_us > r->longest_pause_us)
			r->longest_pause_us = now_us - r->last_us;
	}
	r->last_ts = h->ts;
	r->last_pt = h->pt;
	r->last_us = now_us;
}

/* Sequence numbers and pace, whatever the packet carries. */
static void check_any(struct sim_received *r, const struct rtp_hdr *h, uint64_t now_us)
{
	if (r->audio || r->events) {
		r->seq_steps_not_one += (uint16_t)(h->seq - r->last_seq) != 1;
		r->other_ssrc += h->ssrc != r->ssrc;
		if (now_us - r->last_any_us > r->longest_gap_us)
			r->longest_gap_us = now_us - r->last_any_us;
	} else {
		r->ssrc = h->ssrc;
	}
	r->last_seq = h->seq;
	r->last_any_us = now_us;
}

/* What is heard moves through a room of twice its length, so that it is copied only every two seconds. */
static void hear_tones(struct sim_received *r, const int16_t *pcm, size_t samples)
{
	struct dtmf_heard heard[DTMF_HEARD_MAX];
	size_t n = dtmf_ear_hear(r->ear, pcm, samples, heard);
	for (size_t i = 0; i < n; i++) {
		if (!heard[i].ended)
			continue;
		require(r->tone_count < SIM_DIGITS_MAX - 1);
		r->tone_ms[r->tone_count] = heard[i].duration_ms;
		r->tones[r->tone_count++] = heard[i].digit;
	}
}

static void hear(struct sim_received *r, const int16_t *pcm, size_t samples)
{
	hear_tones(r, pcm, samples);
	if (!r->heard_samples)
		r->heard = r->heard_room;
	size_t at = (size_t)(r->heard - r->heard_room), end = at + r->heard_samples;
	if (end + samples > 2 * SIM_HEARD_SAMPLES) {
		memcpy(r->heard_room, r->heard + samples, (SIM_HEARD_SAMPLES - samples) * sizeof(*pcm));
		at = 0;
		end = SIM_HEARD_SAMPLES - samples;
	}
	memcpy(r->heard_room + end, pcm, samples * sizeof(*pcm));
	end += samples;
	if (end - at > SIM_HEARD_SAMPLES)
		at = end - SIM_HEARD_SAMPLES;
	r->heard = r->heard_room + at;
	r->heard_samples = end - at;
}

static void hear_event(struct sim_received *r, const struct rtp_hdr *h, const uint8_t *payload, uint64_t now_us)
{
	struct tev_report reports[TEV_REPORTS_MAX];
	size_t n = tev_rx_packet(&r->event_rx, h->ts, payload, h->payload_length, now_us, reports);
	r->events++;
	for (size_t i = 0; i < n; i++) {
		require(r->digit_count < SIM_DIGITS_MAX - 1);
		if (reports[i].kind == TEV_UPDATE)
			continue;
		if (reports[i].kind == TEV_BEGIN) {
			r->digit_begun_us[r->digit_count] = now_us;
			continue;
		}
		r->digit_ms[r->digit_count] = reports[i].duration_ms;
		r->digit_ended_us[r->digit_count] = now_us;
		r->digits[r->digit_count++] = reports[i].digit;
	}
}

static bool is_loud(const int16_t *pcm, int samples)
{
	for (int i = 0; i < samples; i++)
		if (pcm[i] > 1000 || pcm[i] < -1000)
			return true;
	return false;
}

static void wa_receives(struct sim *m, const uint8_t *bytes, size_t length)
{
	struct rtp_hdr h;
	int16_t pcm[960];
	if (rtp_is_rtcp(bytes, length)) {
		m->wa.rtcp++;
		return;
	}
	require(rtp_parse(bytes, length, &h) == 0);
	check_any(&m->wa, &h, m->now_us);
	if (h.pt == SIM_WA_EVENT_PT) { /* several of one timestamp: that they go forward is checked on audio */
		m->wa.ts_odd_steps += m->wa.audio && (h.ts - m->wa.first_ts) % 960 != 0;
		hear_event(&m->wa, &h, bytes + h.payload_offset, m->now_us);
		return;
	}
	require(h.pt == SIM_WA_PT);
	check_line(&m->wa, &h, 960, m->now_us);
	m->wa.audio++;
	m->wa.bytes += h.payload_length;
	m->wa.redundant += opus_packet_has_redundancy(bytes + h.payload_offset, h.payload_length);
	if (m->wa_deaf)
		return;
	/* its decoder is narrowband, whatever was encoded */
	int n = opus_dec_packet(m->wa_dec, bytes + h.payload_offset, h.payload_length, pcm, 960);
	require(n == FRAME_SAMPLES);
	m->wa.loud += is_loud(pcm, n);
	hear(&m->wa, pcm, FRAME_SAMPLES);
}

/* At 8 kHz; of G.722 every second sample, with which the voice of the simulation is content. Returns the samples. */
static size_t hear_payload(struct sim *m, uint8_t pt, const uint8_t *payload, size_t length, int16_t *pcm)
{
	int16_t wide[960];
	if (pt == SIM_OPUS_PT) {
		int n = opus_dec_packet(m->sip_opus_dec, payload, length, pcm, 960);
		require(n > 0);
		return (size_t)n;
	}
	require(length <= 480);
	if (pt != SIM_G722_PT) {
		g711_to_pcm(pt == 8 ? G711_A : G711_MU, payload, length, pcm);
		return length;
	}
	g722_to_pcm(m->g722_dec, payload, length, wide);
	for (size_t i = 0; i < length; i++)
		pcm[i] = wide[2 * i];
	return length;
}

/* Returns the bytes. */
static size_t say_payload(struct sim *m, const int16_t *pcm, size_t samples, uint8_t *payload, size_t cap)
{
	int16_t wide[960];
	if (m->sip_pt == SIM_OPUS_PT) {
		int n = opus_enc_frame(m->sip_opus_enc, pcm, samples, payload, cap);
		require(n > 0);
		return (size_t)n;
	}
	if (m->sip_pt != SIM_G722_PT) {
		g711_from_pcm(m->sip_pt == 8 ? G711_A : G711_MU, pcm, samples, payload);
		return samples;
	}
	for (size_t i = 0; i < samples; i++)
		wide[2 * i] = wide[2 * i + 1] = pcm[i];
	g722_from_pcm(m->g722_enc, wide, samples, payload);
	return samples;
}

static void sip_receives(struct sim *m, const uint8_t *bytes, size_t length)
{
	struct rtp_hdr h;
	int16_t pcm[960];
	require(rtp_parse(bytes, length, &h) == 0);
	check_any(&m->sip, &h, m->now_us);
	if (h.pt == SIM_SIP_EVENT_PT) {
		hear_event(&m->sip, &h, bytes + h.payload_offset, m->now_us);
		return;
	}
	check_line(&m->sip, &h, h.pt == SIM_OPUS_PT ? 960 : m->conf.session_ptime_ms * 8, m->now_us);
	m->sip.audio++;
	size_t samples = hear_payload(m, h.pt, bytes + h.payload_offset, h.payload_length, pcm);
	m->sip.loud += is_loud(pcm, (int)samples);
	hear(&m->sip, pcm, samples);
	if (m->listen)
		m->listen(m->listen_arg, pcm, samples, m->now_us);
}

/* Copied, because SRTP works in place. */
static void sip_receives_secured(struct sim *m, enum session_channel channel, const void *bytes, size_t length)
{
	bool rtcp = channel == SESSION_RTCP || rtp_is_rtcp(bytes, length);
	uint8_t copy[SIM_PACKET_MAX];
	require(length <= sizeof(copy));
	memcpy(copy, bytes, length);
	int r = !m->srtp ? 0
		: rtcp   ? srtp_session_unprotect_rtcp(m->srtp, copy, length, &length)
			 : srtp_session_unprotect_rtp(m->srtp, copy, length, &length);
	if (r < 0)
		m->sip.undecipherable++;
	else if (rtcp)
		m->sip.rtcp++, m->sip.rtcp_muxed += channel == SESSION_RTP;
	else
		sip_receives(m, copy, length);
}

static void on_send(void *arg, enum media_end end, enum session_channel channel, const void *bytes, size_t length,
	const struct addr *to)
{
	struct sim *m = arg;
	(void)to;
	if (end == END_WA)
		wa_receives(m, bytes, length);
	else
		sip_receives_secured(m, channel, bytes, length);
}

static void on_event(void *arg, const struct session_event *ev)
{
	struct sim *m = arg;
	require(m->event_count < SIM_EVENTS_MAX);
	m->events[m->event_count++] = *ev;
}

static const struct session_io io = {on_send, on_event};

size_t sim_count_events(const struct sim *m, enum session_event_kind kind)
{
	size_t n = 0;
	for (size_t i = 0; i < m->event_count; i++)
		n += m->events[i].kind == kind;
	return n;
}

const struct session_event *sim_find_event(const struct sim *m, enum session_event_kind kind)
{
	for (size_t i = 0; i < m->event_count; i++)
		if (m->events[i].kind == kind)
			return &m->events[i];
	return NULL;
}

/* ---- what the peers send ---- */

static void send_rtp(struct sim *m, struct sim_link *link, const struct rtp_hdr *h, const void *payload, size_t length)
{
	uint8_t bytes[SIM_PACKET_MAX];
	require(length <= sizeof(bytes) - RTP_HEADER_BYTES);
	rtp_write(h, bytes);
	memcpy(bytes + RTP_HEADER_BYTES, payload, length);
	length += RTP_HEADER_BYTES;
	if (link == &m->to_sip_end && m->srtp)
		require(srtp_session_protect_rtp(m->srtp, bytes, length, sizeof(bytes), &length) == 0);
	sim_link_send(link, bytes, length, m->now_us);
}

void sim_wa_sends(struct sim *m, uint8_t pt, uint32_t ts, const void *payload, size_t length)
{
	const struct rtp_hdr h = {.pt = pt, .seq = m->wa_seq++, .ts = ts, .ssrc = m->wa_ssrc};
	send_rtp(m, &m->to_wa_end, &h, payload, length);
}

void sim_sip_sends(struct sim *m, uint8_t pt, bool marker, uint32_t ts, const void *payload, size_t length)
{
	const struct rtp_hdr h = {.pt = pt, .marker = marker, .seq = m->sip_seq++, .ts = ts, .ssrc = m->sip_ssrc};
	send_rtp(m, &m->to_sip_end, &h, payload, length);
}

static void wa_frame(struct sim *m)
{
	if (m->wa_talks)
		sim_wa_sends(m, SIM_WA_PT, m->wa_ts, m->frames[m->wa_frame].bytes, m->frames[m->wa_frame].length);
	m->wa_frame = (m->wa_frame + 1) % SIM_VOICE_FRAMES;
	m->wa_ts += 960;
	m->wa_next_us += 20000.0 / (1.0 + m->conf.wa_skew_ppm / 1e6);
}

static void sip_frame(struct sim *m)
{
	int16_t pcm[480];
	uint8_t payload[480];
	size_t samples = m->conf.sip_ptime_ms * 8;
	if (m->sip_talks) {
		if (m->sip_key)
			dtmf_tone_read(&m->sip_tone, m->sip_key, 8000, pcm, samples);
		else
			sim_voice(pcm, samples, m->sip_position);
		size_t length = say_payload(m, pcm, samples, payload, sizeof(payload));
		sim_sip_sends(m, m->sip_pt, false, m->sip_ts, payload, length);
	}
	m->sip_position += samples;
	m->sip_ts += (uint32_t)samples * (m->sip_pt == SIM_OPUS_PT ? 6 : 1);
	m->sip_next_us += m->conf.sip_ptime_ms * 1000.0 / (1.0 + m->conf.sip_skew_ppm / 1e6);
}

static void deliver(struct sim *m, struct sim_link *link, enum media_end end)
{
	struct sim_packet p;
	while (sim_link_receive(link, m->now_us, &p)) {
		/* an exact-size copy, so that a read past the end is seen */
		uint8_t *bytes = m->no_copies ? p.bytes : malloc(p.length);
		require(bytes);
		if (bytes != p.bytes)
			memcpy(bytes, p.bytes, p.length);
		session_input(m->session, end, SESSION_RTP, bytes, p.length, end == END_WA ? &m->wa_addr : &m->sip_addr,
			m->now_us);
		if (bytes != p.bytes)
			free(bytes);
	}
}

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

void sim_run_until(struct sim *m, uint64_t until_us)
{
	for (;;) {
		uint64_t at = least((uint64_t)m->wa_next_us, (uint64_t)m->sip_next_us);
		at = least(at, least(sim_link_deadline(&m->to_wa_end), sim_link_deadline(&m->to_sip_end)));
		at = least(at, session_deadline(m->session));
		if (at > until_us)
			break;
		if (at > m->now_us)
			m->now_us = at;
		if ((uint64_t)m->wa_next_us <= m->now_us)
			wa_frame(m);
		if ((uint64_t)m->sip_next_us <= m->now_us)
			sip_frame(m);
		deliver(m, &m->to_wa_end, END_WA);
		deliver(m, &m->to_sip_end, END_SIP);
		if (session_deadline(m->session) <= m->now_us) {
			session_tick(m->session, m->now_us);
			require(session_deadline(m->session) > m->now_us); /* else a worker would spin */
		}
	}
	m->now_us = until_us;
}

/* ---- life ---- */

void sim_sip_keys(struct sim *m, const struct media_sip_srtp *keys)
{
	struct srtp_conf conf = {.profile = keys->suite == MEDIA_SRTP_SHA1_80 ? SRTP_PROFILE_AES128_CM_SHA1_80
									      : SRTP_PROFILE_AES128_CM_SHA1_32,
		.backend = SRTP_BACKEND_EVP};
	memcpy(&conf.tx, keys->rx, MEDIA_SRTP_KEY_BYTES);
	memcpy(&conf.rx, keys->tx, MEDIA_SRTP_KEY_BYTES);
	m->conf.srtp = *keys;
	m->srtp = srtp_session_free(m->srtp);
	if (keys->suite != MEDIA_SRTP_NONE)
		require(srtp_session_new(&conf, &m->srtp) == 0);
}

/* The same for every simulation of a process, and dear: made once. */
static void encode_voice(struct sim *m)
{
	static struct {
		bool known;
		unsigned char frames[sizeof(m->frames)];
	} made[2];
	if (made[m->conf.wa_sends_fec].known) {
		memcpy(m->frames, made[m->conf.wa_sends_fec].frames, sizeof(m->frames));
		return;
	}
	const struct opus_enc_conf conf = {
		.rate_hz = 8000, .complexity = 5, .loss_percent = m->conf.wa_sends_fec ? 20 : 0};
	struct opus_enc *e;
	require(opus_enc_new(&conf, &e) == 0);
	for (size_t i = 0; i < SIM_VOICE_FRAMES; i++) {
		int16_t pcm[FRAME_SAMPLES];
		sim_voice(pcm, FRAME_SAMPLES, i * FRAME_SAMPLES);
		int n = opus_enc_frame(e, pcm, FRAME_SAMPLES, m->frames[i].bytes, sizeof(m->frames[i].bytes));
		require(n > 0);
		m->frames[i].length = (size_t)n;
	}
	opus_enc_free(e);
	memcpy(made[m->conf.wa_sends_fec].frames, m->frames, sizeof(m->frames));
	made[m->conf.wa_sends_fec].known = true;
}

void sim_init(struct sim *m, const struct sim_conf *conf)
{
	memset(m, 0, sizeof(*m));
	m->conf = *conf;
	if (!m->conf.sip_ptime_ms)
		m->conf.sip_ptime_ms = 20;
	if (!m->conf.session_ptime_ms)
		m->conf.session_ptime_ms = 20;
	m->now_us = START_US;
	m->wa_next_us = m->sip_next_us = START_US;
	m->wa_ssrc = 0x11110000;
	m->sip_ssrc = 0x22220000;
	m->wa_seq = 65000;
	m->sip_seq = 65100;
	m->wa_ts = 0xffff0000;
	m->sip_ts = 0xfffff000;
	require(addr_parse("203.0.113.20:3484", &m->wa_addr) == 0);
	require(addr_parse("192.0.2.7:4000", &m->sip_addr) == 0);
	require(addr_parse("192.0.2.7:4001", &m->sip_rtcp_addr) == 0);
	sim_link_init(&m->to_wa_end, &conf->wa_link);
	sim_link_init(&m->to_sip_end, &conf->sip_link);
	encode_voice(m);
	sim_sip_keys(m, &conf->srtp);
	require(g722_enc_new(&m->g722_enc) == 0 && g722_dec_new(16000, &m->g722_dec) == 0);
	const struct opus_enc_conf sip_enc = {.rate_hz = 8000, .complexity = 5, .loss_percent = 20};
	require(opus_enc_new(&sip_enc, &m->sip_opus_enc) == 0 && opus_dec_new(8000, &m->sip_opus_dec) == 0);
	m->sip_pt = conf->opus ? SIM_OPUS_PT : conf->g722 ? SIM_G722_PT : 0;
	require(opus_dec_new(8000, &m->wa_dec) == 0);
	require(dtmf_ear_new(&m->wa.ear) == 0 && dtmf_ear_new(&m->sip.ear) == 0);
	require(pktpool_new(SESSION_PACKETS * 2, &m->pool) == 0);
	tev_rx_init(&m->wa.event_rx, 48000, 8000);
	tev_rx_init(&m->sip.event_rx, conf->opus ? 48000 : 8000, conf->event_clock_hz ? conf->event_clock_hz : 8000);
	struct session_conf sc = {.pool = m->pool,
		.sounds = conf->sounds,
		.wa = {.ufrag = "ufrag", .pwd = "0123456789012345678901", .ssrc = 0x33330000, .cname = "sim"},
		.io = &io,
		.io_arg = m,
		.opus_complexity = conf->complexity,
		.opus_complexity_now = conf->complexity_now,
		.opus_bitrate = conf->opus_bitrate,
		.opus_loss_percent = conf->opus_loss_percent,
		.random_seed = 42};
	require(session_new(&sc, m->now_us, &m->session) == 0);
}

void sim_set_wa(struct sim *m)
{
	struct media_wa_remote wa = {.ufrag = "remote",
		.pwd = "remotepwd0123456789012",
		.ice_lite = true,
		.we_are_dtls_client = true,
		.candidate_count = 1,
		.opus_pt = SIM_WA_PT,
		.event_pt = SIM_WA_EVENT_PT,
		.max_bitrate = m->conf.wa_max_bitrate};
	wa.candidates[0].addr = m->wa_addr;
	require(session_set_wa(m->session, &wa, m->now_us) == 0);
}

struct media_sip_remote sim_sip_remote(const struct sim *m)
{
	return (struct media_sip_remote){.rtp = m->sip_addr,
		.rtcp = m->sip_rtcp_addr,
		.codec = m->conf.opus   ? AUDIO_OPUS
			 : m->conf.g722 ? AUDIO_G722
					: AUDIO_PCMU,
		.pt = m->conf.opus   ? SIM_OPUS_PT
		      : m->conf.g722 ? SIM_G722_PT
				     : 0,
		.event_pt = SIM_SIP_EVENT_PT,
		.event_clock_hz = m->conf.event_clock_hz,
		.ptime_ms = (uint16_t)m->conf.session_ptime_ms,
		.send = true,
		.receive = true,
		.srtp = m->conf.srtp};
}

void sim_connect(struct sim *m)
{
	const struct media_sip_remote sip = sim_sip_remote(m);
	sim_set_wa(m);
	sim_run_ms(m, 200);
	require(session_set_sip(m->session, &sip, m->now_us) == 0);
	session_start_wa(m->session, m->now_us);
	m->wa_talks = m->sip_talks = true;
}

void sim_forget_heard(struct sim *m)
{
	m->wa.heard_samples = m->sip.heard_samples = 0;
}

void sim_done(struct sim *m)
{
	m->session = session_close(m->session, m->now_us);
	require(pktpool_in_use(m->pool) == 0);
	m->pool = pktpool_free(m->pool);
	m->wa_dec = opus_dec_free(m->wa_dec);
	m->wa.ear = dtmf_ear_free(m->wa.ear);
	m->sip.ear = dtmf_ear_free(m->sip.ear);
	m->sip_opus_enc = opus_enc_free(m->sip_opus_enc);
	m->sip_opus_dec = opus_dec_free(m->sip_opus_dec);
	m->g722_enc = g722_enc_free(m->g722_enc);
	m->g722_dec = g722_dec_free(m->g722_dec);
	m->srtp = srtp_session_free(m->srtp);
}
