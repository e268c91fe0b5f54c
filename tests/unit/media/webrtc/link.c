/* tests/unit/media/webrtc/link.c */
#include "tests/unit/media/webrtc/link.h"
#include "lib/base/assert.h"
#include "media/webrtc/demux.h"

#include <stdlib.h>
#include <string.h>

struct dtls_ctx *link_dtls(int side)
{
	static struct dtls_ctx *ctx[2];

	if (!ctx[side])
		ASSERT(dtls_ctx_new(&ctx[side]) == 0);
	return ctx[side];
}

static void push(struct link *l, int to, const struct addr *from, const void *bytes, size_t length, uint64_t at_us)
{
	struct link_packet *p;

	ASSERT(l->queued < LINK_QUEUE_MAX);
	p = &l->queue[l->queued++];
	p->at_us = at_us;
	p->to = to;
	p->from = *from;
	p->length = length;
	p->bytes = malloc(length ? length : 1); /* exactly as long as it is: a read beyond is seen */
	if (!p->bytes)
		p->bytes = malloc(length ? length : 1); /* the out-of-memory test meant the ends, not the link */
	ASSERT(p->bytes);
	memcpy(p->bytes, bytes, length);
}

void link_inject(struct link *l, int to, const struct addr *from, const void *bytes, size_t length, uint64_t at_us)
{
	push(l, to, from, bytes, length, at_us);
}

static void on_send(void *arg, const void *bytes, size_t length, const struct addr *to)
{
	struct link_side *s = arg;
	struct link *l = s->link;
	int self = s == &l->side[OUR] ? OUR : PEER, other = !self;

	ASSERT(!to == s->connected); /* exactly from the nomination on */
	ASSERT(length > 0 && length <= 1280);
	s->sent_stun += demux(bytes, length) == DEMUX_STUN;
	s->sent_dtls += demux(bytes, length) == DEMUX_DTLS;
	if (to && !addr_equal(to, &l->side[other].addr))
		return; /* a candidate where nobody listens */
	if (l->filter && !l->filter(l, self, bytes, length))
		return;
	if (rng_below(&l->rng, 100) < l->loss_percent)
		return;
	for (int copies = rng_below(&l->rng, 100) < l->duplicate_percent ? 2 : 1; copies > 0; copies--) {
		uint64_t delay_us =
			l->delay_ms * UINT64_C(1000) + (l->jitter_ms ? rng_below(&l->rng, l->jitter_ms * 1000) : 0);
		push(l, other, &s->addr, bytes, length, l->now_us + delay_us);
	}
}

static void on_media(void *arg, uint8_t *bytes, size_t length, bool is_rtcp, uint64_t now_us)
{
	struct link_side *s = arg;

	(void)now_us;
	ASSERT(s->up_us != 0);
	if (is_rtcp) {
		s->rtcp_rx++;
		return;
	}
	ASSERT(length == 52 && bytes[1] == 111);
	for (size_t i = 12; i < length; i++)
		ASSERT(bytes[i] == 0x5a);
	s->rtp_rx++;
}

static void on_event(
	void *arg, enum webrtc_end_event ev, enum media_failure failure, const struct addr *remote, uint64_t now_us)
{
	struct link_side *s = arg;
	struct link *l = s->link;

	ASSERT(now_us == l->now_us);
	switch (ev) {
	case WEBRTC_NOMINATED:
		ASSERT(!s->connected && addr_equal(remote, &l->side[s == &l->side[OUR] ? PEER : OUR].addr));
		s->connected = true;
		s->nominated_us = now_us;
		break;
	case WEBRTC_DTLS_UP:
		ASSERT(s->connected && s->up_us == 0);
		s->up_us = now_us;
		break;
	case WEBRTC_FAILED:
		ASSERT(s->failed_us == 0 && failure != MEDIA_FAIL_NONE);
		s->failed_us = now_us;
		s->failure = failure;
		break;
	}
}

static const struct webrtc_end_io io = {.send = on_send, .media = on_media, .event = on_event};

void link_init(struct link *l, uint64_t seed)
{
	static const char *const names[2][3] = {
		{"192.0.2.1:40000", "OurU", "OurPwd0123456789abcdefgh"},
		{"203.0.113.20:3484", "ExampleUfragMeta", "c3ludGhldGljLXB3ZC0wMQ=="},
	};

	memset(l, 0, sizeof(*l));
	rng_init(&l->rng, seed);
	l->now_us = 1000000;
	l->delay_ms = 20;
	for (int i = 0; i < 2; i++) {
		struct link_side *s = &l->side[i];
		s->link = l;
		ASSERT(addr_parse(names[i][0], &s->addr) == 0);
		strcpy(s->conf.ufrag, names[i][1]);
		strcpy(s->conf.pwd, names[i][2]);
		s->conf.io = &io;
		s->conf.io_arg = s;
		s->conf.random_seed = seed * 2 + (uint64_t)i + 1;
		s->conf.dtls = link_dtls(i);
		s->seq = (uint16_t)(1000 * i);
	}
	for (int i = 0; i < 2; i++) {
		struct link_side *s = &l->side[i], *o = &l->side[!i];
		strcpy(s->remote.ufrag, o->conf.ufrag);
		strcpy(s->remote.pwd, o->conf.pwd);
		dtls_ctx_fingerprint(o->conf.dtls, s->remote.fingerprint);
		s->remote.candidate_count = 1;
		s->remote.candidates[0].addr = o->addr;
		s->remote.candidates[0].priority = 2122260223;
	}
	l->side[PEER].conf.ice_lite = true;
	l->side[OUR].remote.ice_lite = true;
	l->side[OUR].remote.we_are_dtls_client = true;
}

void link_open(struct link *l)
{
	for (int i = 0; i < 2; i++)
		ASSERT(webrtc_end_new(&l->side[i].conf, &l->side[i].end) == 0);
	for (int i = PEER; i >= OUR; i--)
		ASSERT(webrtc_end_start(l->side[i].end, &l->side[i].remote, l->now_us) == 0);
}

void link_send_rtp(struct link *l, int side)
{
	struct link_side *s = &l->side[side];
	uint8_t b[128] = {0x80, 111};

	b[2] = (uint8_t)(s->seq >> 8);
	b[3] = (uint8_t)s->seq;
	b[8] = 1;
	memset(b + 12, 0x5a, 40);
	if (webrtc_end_send_rtp(s->end, b, 52, sizeof(b)) == 0) {
		s->seq++;
		s->rtp_tx++;
	}
}

static size_t earliest(const struct link *l)
{
	size_t best = 0;

	for (size_t i = 1; i < l->queued; i++)
		if (l->queue[i].at_us < l->queue[best].at_us)
			best = i;
	return best;
}

static void deliver(struct link *l, size_t index)
{
	struct link_packet p = l->queue[index];

	l->queue[index] = l->queue[--l->queued];
	webrtc_end_input(l->side[p.to].end, p.bytes, p.length, &p.from, l->now_us);
	free(p.bytes);
}

bool link_run(struct link *l, uint64_t until_ms, bool (*stop)(const struct link *l))
{
	uint64_t until_us = 1000000 + until_ms * 1000;

	for (;;) {
		uint64_t next = until_us;
		size_t first = earliest(l);
		int tick = -1;

		if (stop && stop(l))
			return true;
		if (l->media && l->media_us < next)
			next = l->media_us;
		for (int i = 0; i < 2; i++) {
			uint64_t at = webrtc_end_deadline(l->side[i].end);
			ASSERT(at > l->now_us || at == UINT64_MAX || l->queued || at == l->now_us);
			if (at < next) {
				next = at;
				tick = i;
			}
		}
		if (l->queued && l->queue[first].at_us <= next && l->queue[first].at_us < until_us) {
			l->now_us = l->queue[first].at_us > l->now_us ? l->queue[first].at_us : l->now_us;
			deliver(l, first);
			continue;
		}
		l->now_us = next > l->now_us ? next : l->now_us;
		if (tick >= 0) {
			webrtc_end_tick(l->side[tick].end, l->now_us);
			/* progress: what was due is done */
			ASSERT(webrtc_end_deadline(l->side[tick].end) > l->now_us);
		} else if (l->media && l->media_us == next && next < until_us) {
			l->media_us += 20000;
			link_send_rtp(l, OUR);
			link_send_rtp(l, PEER);
		} else {
			return false;
		}
	}
}

bool link_both_up(const struct link *l)
{
	return webrtc_end_is_up(l->side[OUR].end) && webrtc_end_is_up(l->side[PEER].end);
}

bool link_any_failed(const struct link *l)
{
	return l->side[OUR].failed_us || l->side[PEER].failed_us;
}

bool link_both_failed(const struct link *l)
{
	return l->side[OUR].failed_us && l->side[PEER].failed_us;
}

uint64_t link_now_ms(const struct link *l)
{
	return (l->now_us - 1000000) / 1000;
}

void link_done(struct link *l)
{
	for (int i = 0; i < 2; i++)
		l->side[i].end = webrtc_end_free(l->side[i].end);
	for (size_t i = 0; i < l->queued; i++)
		free(l->queue[i].bytes);
	l->queued = 0;
}
