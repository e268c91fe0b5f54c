/* tests/bench/rtpengine_load.c
 *
 * The same streams as loadgen's, through rtpengine: N calls, Opus over SRTP (keys in the SDP) on one side, PCMU over
 * RTP on the other, transcoded both ways, in user space. Says what a call costs rtpengine, and whether it was heard.
 *
 *   offer  (Opus, RTP/SAVP)  --ng--> rtpengine --> SDP for the PCMU side
 *   answer (PCMU, RTP/AVP)   --ng--> rtpengine --> SDP for the Opus side
 *
 * usage: rtpengine_load PID NG_PORT CALLS [SECONDS]      rtpengine runs on 127.0.0.1 and listens for ng there; JSON
 */
#include "lib/base/clock.h"
#include "lib/base/crypto.h"
#include "lib/sdp/sdp_audio.h"
#include "media/rtp/rtp.h"
#include "media/srtp/srtp.h"
#include "tools/loadgen/proc.h"
#include "tools/loadgen/signal.h"
#include "tools/metasim/speech.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
	FRAME_US = 20000,
	SLOT_US = 2000,
	SPEECH_SECONDS = 10,
	WARM_UP_US = 3000000,
	NG_WAIT_MS = 3000,
	TEXT_MAX = 8192,
	OPUS_PT = 111,
	KEY_BYTES = SRTP_MASTER_KEY_BYTES + SRTP_MASTER_SALT_BYTES,
	LOUD = 20, /* of 160 bytes of PCMU this many that are no silence: speech */
};

struct side {
	int fd;
	struct addr to;
	uint64_t due_us;
	size_t at; /* next packet of the speech */
	uint16_t seq;
	uint32_t ts, ssrc;
	uint64_t sent, heard, loud;
};

struct call {
	struct side opus, pcmu;
	struct srtp_session *srtp;
	uint64_t not_authentic;
};

struct bench {
	int ng;
	unsigned count;
	struct call *calls;
	struct speech *opus, *pcmu;
};

/* ---- ng: bencode over UDP ---- */

/* What rtpengine made of an SDP; false: it refused, or is not there. */
static bool ask(struct bench *b, const char *command, unsigned id, const char *sdp, struct sdp_audio *ret_sdp)
{
	static unsigned cookie; /* rtpengine answers one that it has seen as it did before */
	bool offer = strcmp(command, "offer") == 0;
	char text[TEXT_MAX], call_id[24];
	struct pollfd p = {.fd = b->ng, .events = POLLIN};
	const char *at;
	char *body;
	size_t length;
	ssize_t n;

	snprintf(call_id, sizeof(call_id), "bench-%u", id);
	n = snprintf(text, sizeof(text), "load%u d7:call-id%zu:%s7:command%zu:%s8:from-tag1:a%s3:sdp%zu:%s%se",
		++cookie, strlen(call_id), call_id, strlen(command), command, offer ? "" : "6:to-tag1:b", strlen(sdp),
		sdp,
		offer ? "3:ICE6:remove5:codecd4:maskl4:opuse9:transcodel4:PCMUee18:transport-protocol7:RTP/AVP" : "");
	if (send(b->ng, text, (size_t)n, 0) != n || poll(&p, 1, NG_WAIT_MS) != 1)
		return false;
	n = recv(b->ng, text, sizeof(text) - 1, 0);
	if (n <= 0)
		return false;
	text[n] = '\0';
	at = strstr(text, "3:sdp");
	if (!at) {
		fprintf(stderr, "rtpengine_load: %s: %s\n", command, text);
		return false;
	}
	length = strtoul(at + 5, &body, 10);
	return *body == ':' && sdp_audio_parse(body + 1, length, ret_sdp, NULL) == 0;
}

/* ---- calls ---- */

static bool open_socket(struct side *s, struct addr *ret_addr)
{
	socklen_t length = sizeof(ret_addr->u);

	if (addr_set(ret_addr, "127.0.0.1", 0))
		return false;
	s->fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	s->ssrc = crypto_random_u32();
	s->seq = (uint16_t)(crypto_random_u32() & 0x7fff);
	return s->fd >= 0 && bind(s->fd, &ret_addr->u.sa, addr_len(ret_addr)) == 0 &&
	       getsockname(s->fd, &ret_addr->u.sa, &length) == 0;
}

static bool connect_side(struct side *s, const struct sdp_audio *sdp)
{
	return addr_is_set(&sdp->rtp) && connect(s->fd, &sdp->rtp.u.sa, addr_len(&sdp->rtp)) == 0;
}

static void keys_of(struct srtp_master *m, const uint8_t key[KEY_BYTES])
{
	memcpy(m->key, key, sizeof(m->key));
	memcpy(m->salt, key + sizeof(m->key), sizeof(m->salt));
}

static bool open_call(struct bench *b, unsigned id)
{
	struct call *c = &b->calls[id];
	struct sdp_audio offer = {.proto = SDP_RTP_SAVP, .direction = SDP_SENDRECV, .ptime_ms = 20, .origin_id = 1},
			 answer = {.proto = SDP_RTP_AVP, .direction = SDP_SENDRECV, .ptime_ms = 20, .origin_id = 2},
			 got;
	struct srtp_conf keys = {.profile = SRTP_PROFILE_AES128_CM_SHA1_80};
	uint8_t ours[KEY_BYTES], theirs[KEY_BYTES];
	char text[TEXT_MAX];

	crypto_random(ours, sizeof(ours));
	if (!open_socket(&c->opus, &offer.rtp) || !open_socket(&c->pcmu, &answer.rtp))
		return false;
	sdp_add_codec(&offer, OPUS_PT, "opus", 48000, 2, "useinbandfec=1");
	sdp_add_crypto(&offer, 1, "AES_CM_128_HMAC_SHA1_80", ours, sizeof(ours));
	sdp_add_codec(&answer, 0, "PCMU", 8000, 1, "");
	if (sdp_write(&offer, text, sizeof(text)) < 0 || !ask(b, "offer", id, text, &got) ||
		!connect_side(&c->pcmu, &got))
		return false;
	if (sdp_write(&answer, text, sizeof(text)) < 0 || !ask(b, "answer", id, text, &got) ||
		!connect_side(&c->opus, &got) || !got.crypto_count ||
		sdp_crypto_key(&got.crypto[0], theirs, sizeof(theirs)))
		return false;
	keys_of(&keys.tx, ours);
	keys_of(&keys.rx, theirs);
	return srtp_session_new(&keys, &c->srtp) == 0;
}

static void begin(struct bench *b)
{
	uint64_t now_us = clock_mono_us();

	for (unsigned i = 0; i < b->count; i++) {
		struct call *c = &b->calls[i];
		c->opus.at = i * 37 % b->opus->count;
		c->pcmu.at = i * 53 % b->pcmu->count;
		c->opus.due_us = now_us + (uint64_t)i * FRAME_US / b->count;
		c->pcmu.due_us = now_us + (uint64_t)(i * 7 + 3) % b->count * FRAME_US / b->count;
	}
}

/* ---- packets ---- */

static void say(struct side *s, const struct speech *speech, uint8_t pt, uint32_t step_ts, struct srtp_session *srtp)
{
	const struct speech_packet *p = &speech->packets[s->at];
	const struct rtp_hdr h = {.pt = pt, .seq = s->seq++, .ts = s->ts, .ssrc = s->ssrc};
	uint8_t bytes[RTP_HEADER_BYTES + sizeof(p->bytes) + SRTP_TRAILER_MAX];
	size_t length = RTP_HEADER_BYTES + p->length;

	rtp_write(&h, bytes);
	memcpy(bytes + RTP_HEADER_BYTES, p->bytes, p->length);
	s->ts += step_ts;
	s->at = (s->at + 1) % speech->count;
	s->due_us += FRAME_US;
	if (srtp && srtp_session_protect_rtp(srtp, bytes, length, sizeof(bytes), &length))
		return;
	s->sent += send(s->fd, bytes, length, MSG_DONTWAIT) == (ssize_t)length;
}

static void hear(struct call *c, struct side *s, bool srtp)
{
	uint8_t bytes[2048];
	ssize_t n;

	while ((n = recv(s->fd, bytes, sizeof(bytes), MSG_DONTWAIT)) > 0) {
		size_t length = (size_t)n, voiced = 0;
		if (rtp_is_rtcp(bytes, length))
			continue;
		if (srtp && srtp_session_unprotect_rtp(c->srtp, bytes, length, &length)) {
			c->not_authentic++;
			continue;
		}
		s->heard++;
		for (size_t i = RTP_HEADER_BYTES; i < length; i++)
			voiced += (bytes[i] & 0x7f) < 0x50;
		s->loud += srtp ? length > RTP_HEADER_BYTES + 20 : voiced > LOUD;
	}
}

static void run_until(struct bench *b, uint64_t end_us)
{
	uint64_t now_us = clock_mono_us();

	while (now_us < end_us) {
		uint64_t at_us = (now_us / SLOT_US + 1) * SLOT_US;
		const struct timespec ts = {(time_t)(at_us / 1000000), (long)(at_us % 1000000) * 1000};
		clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL);
		now_us = clock_mono_us();
		for (unsigned i = 0; i < b->count; i++) {
			struct call *c = &b->calls[i];
			if (c->opus.due_us <= now_us)
				say(&c->opus, b->opus, OPUS_PT, 960, c->srtp);
			if (c->pcmu.due_us <= now_us)
				say(&c->pcmu, b->pcmu, 0, 160, NULL);
			hear(c, &c->opus, true);
			hear(c, &c->pcmu, false);
		}
	}
}

/* ---- the run ---- */

struct sums {
	uint64_t sent[2], heard[2], loud[2],
		not_authentic; /* [0] what the PCMU side says, [1] what the Opus side says */
};

static struct sums sum_up(const struct bench *b)
{
	struct sums s = {0};

	for (unsigned i = 0; i < b->count; i++) {
		const struct call *c = &b->calls[i];
		const struct side *from[2] = {&c->pcmu, &c->opus}, *to[2] = {&c->opus, &c->pcmu};
		for (int d = 0; d < 2; d++) {
			s.sent[d] += from[d]->sent;
			s.heard[d] += to[d]->heard;
			s.loud[d] += to[d]->loud;
		}
		s.not_authentic += c->not_authentic;
	}
	return s;
}

static double loss(const struct sums *a, const struct sums *b, int d)
{
	double sent = (double)(b->sent[d] - a->sent[d]), heard = (double)(b->heard[d] - a->heard[d]);

	return sent > heard ? 100.0 * (sent - heard) / sent : 0;
}

static int measure(struct bench *b, pid_t pid, double seconds, uint64_t rss_before_kb)
{
	struct proc_cpu from, to;
	uint64_t began_us, rss_kb = 0;
	struct sums first, last;

	begin(b);
	run_until(b, clock_mono_us() + WARM_UP_US);
	began_us = clock_mono_us();
	first = sum_up(b);
	if (proc_cpu(pid, &from))
		return 2;
	run_until(b, began_us + (uint64_t)(seconds * 1e6));
	if (proc_cpu(pid, &to) || proc_rss_kb(pid, &rss_kb))
		return 2;
	double frames = b->count * (double)(clock_mono_us() - began_us) / FRAME_US;
	last = sum_up(b);
	double heard[2] = {(double)(last.heard[0] - first.heard[0]), (double)(last.heard[1] - first.heard[1])};
	printf("{\"calls\": %u, \"cpu_us_per_call_per_20ms\": %.1f, \"kb_per_call\": %.0f, \"not_authentic\": %llu, "
	       "\"loss_percent\": {\"user_to_agent\": %.3f, \"agent_to_user\": %.3f}, "
	       "\"voiced\": {\"user_to_agent\": %.2f, \"agent_to_user\": %.2f}}\n",
		b->count, (double)(to.total_us - from.total_us) / frames, (double)(rss_kb - rss_before_kb) / b->count,
		(unsigned long long)last.not_authentic, loss(&first, &last, 1), loss(&first, &last, 0),
		heard[1] > 0 ? (double)(last.loud[1] - first.loud[1]) / heard[1] : 0.0,
		heard[0] > 0 ? (double)(last.loud[0] - first.loud[0]) / heard[0] : 0.0);
	return heard[0] > 0 && heard[1] > 0 ? 0 : 1;
}

static struct speech *make_speech(enum speech_coding coding, unsigned hz)
{
	int16_t *pcm = calloc(hz * SPEECH_SECONDS, sizeof(*pcm));
	struct speech *s = NULL;

	if (pcm) {
		signal_speechlike(pcm, hz, SPEECH_SECONDS);
		(void)speech_encode(pcm, hz * SPEECH_SECONDS, hz, coding, &s);
	}
	free(pcm);
	return s;
}

static bool reach(struct bench *b, const char *port)
{
	struct addr ng;

	b->ng = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	return addr_set(&ng, "127.0.0.1", (uint16_t)atoi(port)) == 0 && connect(b->ng, &ng.u.sa, addr_len(&ng)) == 0;
}

static void close_all(struct bench *b)
{
	for (unsigned i = 0; b->calls && i < b->count; i++) {
		srtp_session_free(b->calls[i].srtp);
		if (b->calls[i].opus.fd > 0)
			close(b->calls[i].opus.fd);
		if (b->calls[i].pcmu.fd > 0)
			close(b->calls[i].pcmu.fd);
	}
	free(b->calls);
	speech_free(b->opus);
	speech_free(b->pcmu);
	close(b->ng);
}

int main(int argc, char **argv)
{
	struct bench b = {.count = argc > 3 ? (unsigned)atoi(argv[3]) : 0};
	pid_t pid = argc > 1 ? atoi(argv[1]) : 0;
	double seconds = argc > 4 ? atof(argv[4]) : 5;
	uint64_t rss_kb = 0;
	int code = 2;

	if (!b.count || pid <= 0 || seconds <= 0 || !reach(&b, argv[2])) {
		fprintf(stderr, "usage: rtpengine_load PID NG_PORT CALLS [SECONDS]\n");
		return 2;
	}
	b.calls = calloc(b.count, sizeof(*b.calls));
	b.opus = make_speech(SPEECH_OPUS, 16000);
	b.pcmu = make_speech(SPEECH_PCMU, 8000);
	bool ok = b.calls && b.opus && b.pcmu && proc_rss_kb(pid, &rss_kb) == 0;
	for (unsigned i = 0; ok && i < b.count; i++)
		ok = open_call(&b, i);
	if (ok)
		code = measure(&b, pid, seconds, rss_kb);
	else
		fprintf(stderr, "rtpengine_load: the calls could not be set up\n");
	close_all(&b);
	return code;
}
