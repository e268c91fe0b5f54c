/* tests/unit/media/engine/fake_session.c -- see fake_session.h; also what else of media/ the engine calls */
#include "tests/unit/media/engine/fake_session.h"

#include "media/session.h"
#include "media/tap/tap.h"
#include "media/webrtc/dtls_ctx.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

struct session {
	const struct session_io *io;
	void *io_arg;
	uint32_t ssrc;
	uint64_t deadline_us, packets;
	bool failed;
	struct record_ring *ring;
};

static _Atomic size_t alive;
static atomic_uint ticks, fail_next;
static pthread_mutex_t gate_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t gate_changed = PTHREAD_COND_INITIALIZER;
static bool gate_closed;
static unsigned at_gate;
void (*fake_watch_memory)(void);
bool (*fake_memory_was_used)(void);

size_t fake_sessions_alive(void)
{
	return atomic_load(&alive);
}

unsigned fake_ticks(void)
{
	return atomic_load(&ticks);
}

void fake_fail_next(unsigned n)
{
	atomic_store(&fail_next, n);
}

/* ---- the gate ---- */

static void set_gate(bool closed)
{
	pthread_mutex_lock(&gate_lock);
	gate_closed = closed;
	pthread_cond_broadcast(&gate_changed);
	pthread_mutex_unlock(&gate_lock);
}

void fake_close_gate(void)
{
	set_gate(true);
}

void fake_open_gate(void)
{
	set_gate(false);
}

void fake_wait_at_gate(void)
{
	pthread_mutex_lock(&gate_lock);
	while (!at_gate)
		pthread_cond_wait(&gate_changed, &gate_lock);
	pthread_mutex_unlock(&gate_lock);
}

static void pass_gate(void)
{
	pthread_mutex_lock(&gate_lock);
	at_gate++;
	pthread_cond_broadcast(&gate_changed);
	while (gate_closed)
		pthread_cond_wait(&gate_changed, &gate_lock);
	at_gate--;
	pthread_mutex_unlock(&gate_lock);
}

/* ---- the session ---- */

static void tell(struct session *s, struct session_event ev)
{
	ev.duration_ms = s->ssrc & 0xffff;
	s->io->event(s->io_arg, &ev);
}

int session_new(const struct session_conf *conf, uint64_t now_us, struct session **ret_session)
{
	struct session *s;
	unsigned n = atomic_load(&fail_next);

	pass_gate();
	while (n && !atomic_compare_exchange_weak(&fail_next, &n, n - 1)) {
	}
	if (n)
		return -ENOMEM;
	s = calloc(1, sizeof(*s));
	if (!s)
		return -ENOMEM;
	s->io = conf->io;
	s->io_arg = conf->io_arg;
	s->ssrc = conf->wa.ssrc;
	s->deadline_us = now_us + FAKE_TICK_US;
	atomic_fetch_add(&alive, 1);
	*ret_session = s;
	return 0;
}

int session_set_wa(struct session *s, const struct media_wa_remote *remote, uint64_t now_us)
{
	if (!remote->ufrag[0])
		return -EINVAL;
	if (remote->candidate_count)
		tell(s, (struct session_event){
				.kind = SESSION_ICE_NOMINATED, .at_us = now_us, .remote = remote->candidates[0].addr});
	tell(s, (struct session_event){.kind = SESSION_DTLS_UP, .at_us = now_us});
	return 0;
}

int session_set_sip(struct session *s, const struct media_sip_remote *remote, uint64_t now_us)
{
	if (remote->codec == AUDIO_NONE)
		return -ENOTSUP;
	tell(s, (struct session_event){.kind = SESSION_DTMF, .digit = 'S', .end = END_SIP, .at_us = now_us});
	return 0;
}

void session_start_wa(struct session *s, uint64_t now_us)
{
	tell(s, (struct session_event){.kind = SESSION_DTMF, .digit = 'A', .at_us = now_us});
}

void session_keep_greeting(struct session *s, uint64_t now_us)
{
	(void)s, (void)now_us;
}

void session_play(struct session *s, enum media_side side, enum media_sound sound, uint64_t now_us)
{
	tell(s, (struct session_event){.kind = SESSION_DTMF,
			.digit = (char)('0' + sound),
			.end = side == SIDE_WA ? END_WA : END_SIP,
			.at_us = now_us});
}

void session_mute(struct session *s, enum media_side side, bool on, uint64_t now_us)
{
	tell(s, (struct session_event){.kind = SESSION_DTMF,
			.digit = on ? 'Q' : 'q',
			.end = side == SIDE_WA ? END_WA : END_SIP,
			.at_us = now_us});
}

void session_send_dtmf(struct session *s, enum media_side side, const char *digits, uint64_t now_us)
{
	for (; *digits; digits++)
		tell(s, (struct session_event){.kind = SESSION_DTMF,
				.digit = *digits,
				.end = side == SIDE_WA ? END_WA : END_SIP,
				.at_us = now_us});
}

void session_record(struct session *s, struct record_ring *ring, bool announce_wa, bool announce_sip, uint64_t now_us)
{
	(void)announce_wa, (void)announce_sip;
	session_record_stop(s, now_us);
	s->ring = ring;
	record_ring_begin(ring, now_us);
}

void session_record_pause(struct session *s, bool paused)
{
	(void)s, (void)paused;
}

void session_record_stop(struct session *s, uint64_t now_us)
{
	if (s->ring)
		record_ring_close(s->ring, now_us);
	s->ring = NULL;
}

void session_copy(struct session *s, const struct rtp_copy_conf *conf, uint64_t now_us)
{
	(void)now_us;
	s->io->copy(s->io_arg, (const uint8_t *)"copy", 4, &conf->to);
}

void session_copy_stop(struct session *s)
{
	(void)s;
}

void session_info_digit(struct session *s, char digit, unsigned duration_ms, uint64_t now_us)
{
	tell(s, (struct session_event){.kind = SESSION_DTMF,
			.digit = digit,
			.way = DIGIT_BY_INFO,
			.duration_ms = duration_ms,
			.end = END_SIP,
			.at_us = now_us});
}

static void fail(struct session *s, enum media_end end, uint64_t now_us)
{
	if (s->failed)
		return;
	s->failed = true;
	s->deadline_us = UINT64_MAX;
	tell(s, (struct session_event){.kind = SESSION_FAILED, .end = end, .failure = FAKE_FAILURE, .at_us = now_us});
}

void session_input(struct session *s, enum media_end end, enum session_channel channel, uint8_t *bytes, size_t length,
	const struct addr *from, uint64_t now_us)
{
	const char *answer = NULL;

	s->packets++;
	switch (bytes[0]) {
	case 'F': fail(s, end, now_us); return;
	case 'E':
		for (int i = 0; i < FAKE_BURST; i++)
			tell(s, (struct session_event){.kind = SESSION_DTMF, .digit = 'E', .at_us = now_us});
		return;
	case 'P': tell(s, (struct session_event){.kind = SESSION_SIP_PINNED, .end = end, .remote = *from}); break;
	case 'U': tell(s, (struct session_event){.kind = SESSION_SIP_PINNED, .end = end}); break;
	case 'm': fake_watch_memory(); break;
	case 'M': answer = fake_memory_was_used() ? "dirty" : "clean"; break;
	}
	s->io->send(
		s->io_arg, end, channel, answer ? (const void *)answer : bytes, answer ? strlen(answer) : length, from);
}

void session_tick(struct session *s, uint64_t now_us)
{
	atomic_fetch_add(&ticks, 1);
	if (!s->failed)
		s->deadline_us = now_us + FAKE_TICK_US;
}

uint64_t session_deadline(const struct session *s)
{
	return s->deadline_us;
}

void session_stats(const struct session *s, struct media_stats *ret_stats)
{
	memset(ret_stats, 0, sizeof(*ret_stats));
	ret_stats->rx[END_WA].packets = (int64_t)s->packets;
	ret_stats->dtmf_digits = s->ssrc;
}

struct session *session_close(struct session *s, uint64_t now_us)
{
	if (s) {
		session_record_stop(s, now_us);
		atomic_fetch_sub(&alive, 1);
		free(s);
	}
	return NULL;
}

/* ---- the certificate ---- */

struct dtls_ctx {
	uint8_t fingerprint[32];
};

int dtls_ctx_new(struct dtls_ctx **ret_ctx)
{
	*ret_ctx = calloc(1, sizeof(**ret_ctx));
	return *ret_ctx ? 0 : -ENOMEM;
}

void dtls_ctx_fingerprint(const struct dtls_ctx *ctx, uint8_t ret_fingerprint[32])
{
	memcpy(ret_fingerprint, ctx->fingerprint, sizeof(ctx->fingerprint));
}

struct dtls_ctx *dtls_ctx_free(struct dtls_ctx *ctx)
{
	free(ctx);
	return NULL;
}
