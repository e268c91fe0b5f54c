/* tools/metasim/wa_user.c -- see wa_user.h */
#include "tools/metasim/wa_user.h"

#include "lib/base/crypto.h"
#include "lib/loop/loop.h"
#include "lib/sdp/sdp_audio.h"
#include "media/rtp/rtp.h"
#include "media/webrtc/dtls_ctx.h"
#include "media/webrtc/webrtc_end.h"
#include "tools/metasim/user_sdp.h"

#include <errno.h>
#include <opus.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

enum {
	OPUS_PT = 111,
	EVENT_PT = 126,
	FRAME_US = 20000,
	FRAME_TS = 960,
	FRAME_SAMPLES = USER_HEARD_HZ / 50,
	MAX_HEARD_SAMPLES = USER_HEARD_HZ * 300,
	MAX_GAP_FRAMES = 500,
	RTCP_EVERY_US = 2000000,
	SOUND_LEVEL = 300, /* mean of the samples' sizes: over comfort noise and an encoder's idle hum, under speech */
	DTMF_AFTER_US = 2000000,
	DTMF_PACKETS = 8, /* 8 x 20 ms, then three end packets */
	DTMF_PAUSE_PACKETS = 5,
};

struct wa_user {
	struct wa_user_conf conf;
	struct webrtc_end *end;
	int fd;
	struct loop_watch *watch;
	struct addr local, peer;
	char ufrag[15], pwd[25];
	uint32_t ssrc, ts;
	uint16_t seq;
	uint64_t next_send_us;
	size_t next_packet;
	uint64_t next_rtcp_us;
	size_t dtmf_step; /* packets sent of the digit string */
	uint32_t dtmf_ts;
	bool called; /* by the business */
	uint32_t rng;
	/* what comes from the business */
	bool have_rx;
	uint16_t rx_seq;
	uint32_t rx_ts, rx_first_ts;
	OpusDecoder *dec;
	bool sound; /* heard already */
	int16_t *heard;
	struct wa_user_report rep;
};

void wa_user_violation(struct wa_user *u, const char *fmt, ...)
{
	va_list ap;

	if (u->rep.violation_count >= USER_VIOLATIONS_MAX)
		return;
	va_start(ap, fmt);
	vsnprintf(u->rep.violations[u->rep.violation_count++], sizeof(u->rep.violations[0]), fmt, ap);
	va_end(ap);
}

static bool lost(struct wa_user *u)
{
	u->rng = u->rng * 1664525u + 1013904223u; /* Numerical Recipes' LCG: a repeatable coin is all that is needed */
	return u->conf.loss > 0 && (double)(u->rng >> 8) / (double)(1u << 24) < u->conf.loss;
}

static void tell(struct wa_user *u, const char *event)
{
	if (u->conf.on_event)
		u->conf.on_event(event, u->conf.arg);
}

/* ---- the WebRTC end's callbacks ---- */

static void on_send(void *arg, const void *bytes, size_t length, const struct addr *to)
{
	struct wa_user *u = arg;
	const struct addr *dst = to ? to : &u->peer;

	if (lost(u) || !addr_is_set(dst))
		return;
	(void)sendto(u->fd, bytes, length, MSG_DONTWAIT, &dst->u.sa, addr_len(dst));
}

static void on_end_event(
	void *arg, enum webrtc_end_event ev, enum media_failure failure, const struct addr *remote, uint64_t now_us)
{
	struct wa_user *u = arg;

	switch (ev) {
	case WEBRTC_NOMINATED:
		u->peer = *remote;
		u->rep.ice_us = now_us;
		tell(u, "ice_up");
		break;
	case WEBRTC_DTLS_UP:
		u->rep.dtls_us = now_us;
		tell(u, "dtls_up");
		break;
	case WEBRTC_FAILED: wa_user_violation(u, "media failed: %s", media_failure_name(failure)); break;
	}
}

static void keep_heard(struct wa_user *u, const uint8_t *payload, size_t length, uint32_t ts)
{
	size_t at = (size_t)((uint32_t)(ts - u->rx_first_ts) / 3); /* 48 kHz ticks -> 16 kHz samples */
	int16_t pcm[FRAME_SAMPLES * 6];
	long sum = 0;
	int n;

	n = opus_decode(u->dec, payload, (opus_int32)length, pcm, FRAME_SAMPLES * 6, 0);
	if (n < 0) {
		wa_user_violation(u, "a packet that is not Opus");
		return;
	}
	for (int i = 0; i < n && !u->sound; i++)
		sum += labs(pcm[i]);
	if (!u->sound && n && sum / n >= SOUND_LEVEL) {
		u->sound = true;
		tell(u, "audio_heard");
	}
	if (!u->heard || at + (size_t)n > MAX_HEARD_SAMPLES)
		return;
	memcpy(u->heard + at, pcm, (size_t)n * sizeof(*pcm));
	if (at + (size_t)n > u->rep.heard_samples)
		u->rep.heard_samples = at + (size_t)n;
}

/* Meta: one SSRC, one sequence space and one time stamp line for the whole call. */
static void check_continuity(struct wa_user *u, const struct rtp_hdr *h)
{
	int16_t step = (int16_t)(h->seq - u->rx_seq);
	int32_t ts_step = (int32_t)(h->ts - u->rx_ts);

	if (h->ssrc != u->rep.rx_ssrc)
		wa_user_violation(u, "SSRC changed from %08x to %08x", (unsigned)u->rep.rx_ssrc, (unsigned)h->ssrc);
	if (step > 1)
		u->rep.rx_lost += (uint64_t)(step - 1);
	if (step > 0 && h->pt == OPUS_PT && ts_step <= 0)
		wa_user_violation(u, "time stamp went from %u to %u", (unsigned)u->rx_ts, (unsigned)h->ts);
	if (ts_step > MAX_GAP_FRAMES * FRAME_TS)
		wa_user_violation(u, "time stamp jumped by %d", (int)ts_step);
}

static void on_media(void *arg, uint8_t *bytes, size_t length, bool is_rtcp, uint64_t now_us)
{
	struct wa_user *u = arg;
	struct rtp_hdr h;

	if (is_rtcp) {
		u->rep.rx_rtcp++;
		return;
	}
	if (rtp_parse(bytes, length, &h)) {
		wa_user_violation(u, "malformed RTP");
		return;
	}
	if (!u->rep.accepted_us) {
		u->rep.early_rtp++;
		wa_user_violation(u, u->called ? "RTP before the user picked up" : "RTP before accept was answered");
		return;
	}
	u->rep.rx_packets++;
	u->rep.last_rx_us = now_us;
	if (!u->have_rx) {
		u->have_rx = true;
		u->rep.first_rx_us = now_us;
		u->rep.rx_ssrc = h.ssrc;
		u->rx_first_ts = h.ts;
		tell(u, "first_rx");
	} else {
		check_continuity(u, &h);
	}
	u->rx_seq = h.seq;
	u->rx_ts = h.ts;
	if (u->conf.on_heard)
		u->conf.on_heard(&h, bytes + h.payload_offset, u->conf.arg);
	if (h.pt == OPUS_PT && u->dec && (u->heard || !u->sound))
		keep_heard(u, bytes + h.payload_offset, h.payload_length, h.ts);
}

static const struct webrtc_end_io end_io = {on_send, on_media, on_end_event};

void wa_user_readable(struct wa_user *u)
{
	struct addr from = {0};
	socklen_t from_length = sizeof(from.u);
	uint8_t bytes[1600];
	ssize_t n;

	while ((n = recvfrom(u->fd, bytes, sizeof(bytes), MSG_DONTWAIT, &from.u.sa, &from_length)) > 0) {
		if (!lost(u))
			webrtc_end_input(u->end, bytes, (size_t)n, &from, loop_now_us(u->conf.loop));
		from_length = sizeof(from.u);
	}
}

static void on_readable(void *arg, int ready)
{
	(void)ready;
	wa_user_readable(arg);
}

static void leave_loop(struct wa_user *u)
{
	struct epoll_event ev = {.events = EPOLLIN, .data.ptr = u};

	if (u->conf.poll_fd > 0 && u->watch && epoll_ctl(u->conf.poll_fd, EPOLL_CTL_ADD, u->fd, &ev) == 0)
		u->watch = loop_unwatch(u->watch);
}

/* ---- life ---- */

static int open_socket(struct wa_user *u)
{
	socklen_t length = sizeof(u->local.u);

	u->fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (u->fd < 0 || addr_set(&u->local, "127.0.0.1", 0) || bind(u->fd, &u->local.u.sa, addr_len(&u->local)) ||
		getsockname(u->fd, &u->local.u.sa, &length))
		return -errno;
	return loop_watch(u->conf.loop, u->fd, LOOP_READ, on_readable, u, &u->watch);
}

static int open_end(struct wa_user *u)
{
	struct webrtc_end_conf conf = {.dtls = u->conf.dtls, .ice_lite = true, .io = &end_io, .io_arg = u};

	/* As Meta's: a slash in the ufrag, '=' at the end of the password, which RFC 8839's ice-char does not know. */
	crypto_random_text(u->ufrag, sizeof(u->ufrag) - 1);
	u->ufrag[3] = '/';
	crypto_random_text(u->pwd, sizeof(u->pwd) - 1);
	u->pwd[22] = u->pwd[23] = '=';
	snprintf(conf.ufrag, sizeof(conf.ufrag), "%s", u->ufrag);
	snprintf(conf.pwd, sizeof(conf.pwd), "%s", u->pwd);
	return webrtc_end_new(&conf, &u->end);
}

int wa_user_new(const struct wa_user_conf *conf, struct wa_user **ret_user)
{
	struct wa_user *u = calloc(1, sizeof(*u));
	int err = 0, r = -ENOMEM;

	if (!u)
		return r;
	u->conf = *conf;
	u->fd = -1;
	u->rng = conf->seed * 2654435761u + 1;
	u->ssrc = crypto_random_u32();
	u->seq = (uint16_t)crypto_random_u32();
	u->ts = crypto_random_u32();
	if (conf->record || conf->listen)
		u->dec = opus_decoder_create(USER_HEARD_HZ, 1, &err);
	if (conf->record)
		u->heard = calloc(MAX_HEARD_SAMPLES, sizeof(*u->heard));
	if (err || (conf->record && !u->heard))
		goto fail;
	r = open_end(u);
	if (r == 0)
		r = open_socket(u);
	if (r == 0) {
		*ret_user = u;
		return 0;
	}
fail:
	wa_user_free(u);
	return r;
}

struct wa_user *wa_user_free(struct wa_user *u)
{
	if (!u)
		return NULL;
	loop_unwatch(u->watch);
	webrtc_end_free(u->end);
	if (u->fd >= 0)
		close(u->fd);
	if (u->dec)
		opus_decoder_destroy(u->dec);
	free(u->heard);
	free(u);
	return NULL;
}

/* ---- SDP ---- */

static struct user_sdp sdp_of(const struct wa_user *u)
{
	struct user_sdp s = {.port = addr_port(&u->local), .ssrc = u->ssrc, .ufrag = u->ufrag, .pwd = u->pwd};

	dtls_ctx_fingerprint(u->conf.dtls, s.fingerprint);
	return s;
}

int wa_user_offer(struct wa_user *u, char *text, size_t cap)
{
	struct user_sdp s = sdp_of(u);
	return user_sdp_offer(&s, text, cap);
}

static int start_end(struct wa_user *u, const struct sdp_audio *theirs, bool client, uint64_t now_us)
{
	struct media_wa_remote remote = {
		.we_are_dtls_client = client,
		.opus_pt = OPUS_PT,
		.event_pt = EVENT_PT,
	};

	snprintf(remote.ufrag, sizeof(remote.ufrag), "%s", theirs->ice_ufrag);
	snprintf(remote.pwd, sizeof(remote.pwd), "%s", theirs->ice_pwd);
	memcpy(remote.fingerprint, theirs->fingerprint, sizeof(remote.fingerprint));
	for (size_t i = 0; i < theirs->candidate_count && i < MEDIA_CANDIDATES_MAX; i++) {
		remote.candidates[i].addr = theirs->candidates[i].addr;
		remote.candidates[i].priority = theirs->candidates[i].priority;
		remote.candidate_count++;
	}
	return webrtc_end_start(u->end, &remote, now_us);
}

int wa_user_connect(struct wa_user *u, const struct sdp_audio *offer, enum wa_user_role role, uint64_t now_us,
	char *text, size_t cap)
{
	static const char *const setups[] = {"passive", "active", "actpass"};
	struct user_sdp s = sdp_of(u);
	int n, r;

	if (offer->setup == SDP_SETUP_ACTIVE && role == WA_USER_ACTIVE)
		role = WA_USER_PASSIVE;
	u->called = true;
	n = user_sdp_answer(&s, offer->mid, setups[role], text, cap);
	r = n < 0 ? n : start_end(u, offer, role == WA_USER_ACTIVE, now_us);
	return r < 0 ? r : n;
}

int wa_user_answer(struct wa_user *u, const struct sdp_audio *answer, uint64_t now_us)
{
	return start_end(u, answer, answer->setup == SDP_SETUP_PASSIVE, now_us);
}

/* ---- sending ---- */

void wa_user_accepted(struct wa_user *u, uint64_t now_us)
{
	if (!u->rep.accepted_us)
		u->rep.accepted_us = now_us;
}

static void send_rtp(struct wa_user *u, uint8_t pt, bool marker, uint32_t ts, const uint8_t *payload, size_t length)
{
	const struct rtp_hdr h = {.pt = pt, .marker = marker, .seq = u->seq++, .ts = ts, .ssrc = u->ssrc};
	uint8_t bytes[600];

	rtp_write(&h, bytes);
	memcpy(bytes + RTP_HEADER_BYTES, payload, length);
	if (webrtc_end_send_rtp(u->end, bytes, RTP_HEADER_BYTES + length, sizeof(bytes)) == 0)
		u->rep.tx_packets++;
}

/* RFC 4733: time stamp of the 48 kHz audio line, duration on the 8 kHz clock (Meta: telephone-event/8000 beside Opus).
 * Returns false when there is nothing (more) to press. */
static bool send_dtmf(struct wa_user *u, uint64_t now_us)
{
	static const char keys[] = "0123456789*#ABCD";
	const size_t per_digit = DTMF_PACKETS + 3 + DTMF_PAUSE_PACKETS;
	size_t digit = u->dtmf_step / per_digit, k = u->dtmf_step % per_digit;

	if (!u->conf.dtmf || now_us < u->rep.accepted_us + DTMF_AFTER_US || digit >= strlen(u->conf.dtmf))
		return false;
	u->dtmf_step++;
	if (k == 0)
		u->dtmf_ts = u->ts;
	if (k >= DTMF_PACKETS + 3)
		return false; /* a pause: speech goes on */
	const char *key = strchr(keys, u->conf.dtmf[digit]);
	size_t steps = k < DTMF_PACKETS ? k + 1 : DTMF_PACKETS;
	uint16_t duration = (uint16_t)(steps * 160);
	const uint8_t payload[4] = {key ? (uint8_t)(key - keys) : 0, (uint8_t)((k >= DTMF_PACKETS ? 0x80 : 0) | 10),
		(uint8_t)(duration >> 8), (uint8_t)duration};
	send_rtp(u, EVENT_PT, k == 0, u->dtmf_ts, payload, sizeof(payload));
	return true;
}

static void send_frame(struct wa_user *u, uint64_t now_us)
{
	static const uint8_t silence[] = {0xf8, 0xff, 0xfe}; /* Opus: 20 ms of silence, CELT, fullband */
	const struct speech *s = u->conf.speech;

	if (!send_dtmf(u, now_us)) {
		const struct speech_packet *p = s ? &s->packets[u->next_packet] : NULL;
		send_rtp(u, OPUS_PT, u->next_packet == 0, u->ts, p ? p->bytes : silence,
			p ? p->length : sizeof(silence));
		if (p && u->conf.on_sent)
			u->conf.on_sent(u->next_packet, u->conf.arg);
	}
	u->ts += FRAME_TS;
	if (s)
		u->next_packet = (u->next_packet + 1) % s->count;
}

static void send_rtcp(struct wa_user *u, uint64_t now_us)
{
	uint64_t ntp = (now_us << 32) / 1000000; /* any epoch will do: only differences matter (RFC 3550 s6.4.1) */
	uint8_t sr[28 + 64] = {0x80, 200, 0, 6};
	const uint32_t words[6] = {u->ssrc, (uint32_t)(ntp >> 32), (uint32_t)ntp, u->ts, (uint32_t)u->rep.tx_packets,
		(uint32_t)u->rep.tx_packets * 60};

	for (int i = 0; i < 6; i++) {
		sr[4 + i * 4] = (uint8_t)(words[i] >> 24);
		sr[5 + i * 4] = (uint8_t)(words[i] >> 16);
		sr[6 + i * 4] = (uint8_t)(words[i] >> 8);
		sr[7 + i * 4] = (uint8_t)words[i];
	}
	(void)webrtc_end_send_rtcp(u->end, sr, 28, sizeof(sr));
}

/* The phone speaks only after the business's first packet has opened the path: whoever waits for it waits for ever. */
static void send_what_is_due(struct wa_user *u, uint64_t now_us)
{
	if (!u->have_rx || !webrtc_end_is_up(u->end))
		return;
	if (!u->next_send_us) {
		u->next_send_us = now_us;
		leave_loop(u);
	}
	for (int burst = 0; u->next_send_us <= now_us && burst < 5; burst++) {
		send_frame(u, now_us);
		u->next_send_us += FRAME_US;
	}
	if (u->next_rtcp_us <= now_us) {
		send_rtcp(u, now_us);
		u->next_rtcp_us = now_us + RTCP_EVERY_US;
	}
}

void wa_user_tick(struct wa_user *u, uint64_t now_us)
{
	if (webrtc_end_deadline(u->end) <= now_us)
		webrtc_end_tick(u->end, now_us);
	send_what_is_due(u, now_us);
}

void wa_user_report(const struct wa_user *u, struct wa_user_report *ret_report)
{
	*ret_report = u->rep;
	ret_report->heard = u->heard;
}
