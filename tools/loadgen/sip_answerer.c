/* tools/loadgen/sip_answerer.c -- see sip_answerer.h */
#include "tools/loadgen/sip_answerer.h"

#include "lib/base/clock.h"
#include "lib/base/crypto.h"
#include "lib/base/str.h"
#include "lib/loop/loop.h"
#include "media/rtp/rtp.h"
#include "tools/loadgen/sip_message.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>
#include <uthash.h>

enum {
	DATAGRAM_MAX = 8192,
	CALL_ID_MAX = 128,
	TICK_US = 2000,
	FRAME_US = 20000,
	FRAME_SAMPLES = 160,
	BURST_MAX = 5, /* frames sent at once after a pause of ours */
	BATCH = 64,
	T1_US = 500000,        /* RFC 3261 s17.1.1.1 */
	T2_US = 4000000,       /* s13.3.1.4: the 200 is sent again at T1, 2 T1, ... at most every T2 */
	GIVE_UP_US = 32000000, /* ... for 64 T1 */
	LINGER_US = 1000000,   /* an ended call answers retransmissions so long; they are rare on loopback */
	PCMU_PT = 0,
	SIP_RCVBUF = 1 << 20, /* a burst of INVITEs must not be lost in our own socket */
};

enum call_state { RINGING, ANSWERED, CONFIRMED, ENDED };

struct answered_call {
	struct sip_answerer *owner;
	char call_id[CALL_ID_MAX];
	UT_hash_handle hh;
	enum call_state state;
	struct addr peer; /* where its SIP comes from */
	uint32_t invite_cseq;
	char to_tag[17];
	char *invite; /* text of the INVITE, from which later responses are made */
	size_t invite_length;
	char last[2048]; /* response to the INVITE, for retransmissions */
	size_t last_length;
	uint64_t answer_at_us, resend_at_us, resend_wait_us, release_at_us;
	/* media */
	int rtp_fd;
	struct sip_offer offer;
	uint16_t rtp_port;
	struct answered_wish wish;
	size_t next_packet;
	uint64_t next_send_us;
	uint16_t seq;
	uint32_t ts, ssrc;
	bool have_rx;
	uint16_t rx_seq;
	void *handle;
	struct answered_report rep;
};

struct sip_answerer {
	struct loop *loop;
	struct sip_answerer_conf conf;
	struct addr local;
	int sip_fd;
	int prompt_fd, patient_fd; /* epolls of RTP sockets: the first is watched, the second looked at in the tick */
	struct loop_watch *sip_watch, *rtp_watch;
	struct loop_timer tick;
	struct answered_call *calls;
	uint64_t malformed;
};

/* ---- SIP out ---- */

static void send_sip(struct sip_answerer *a, const struct addr *to, const char *text, size_t length)
{
	(void)sendto(a->sip_fd, text, length, MSG_DONTWAIT, &to->u.sa, addr_len(to));
}

/* Without a call, or to a request inside one. */
static void respond(struct sip_answerer *a, const struct addr *to, const struct sip_request *q, unsigned code,
	const char *reason, const char *to_tag)
{
	const struct sip_response resp = {.code = code, .reason = reason, .to_tag = to_tag};
	char text[DATAGRAM_MAX];
	int n = sip_response_write(q, &resp, text, sizeof(text));

	if (n > 0)
		send_sip(a, to, text, (size_t)n);
}

/* To the INVITE; remembered for its retransmissions. */
static void respond_invite(struct answered_call *c, unsigned code, const char *reason, const char *sdp)
{
	struct sip_request q;
	char contact[96], host[ADDR_TEXT_MAX];
	struct sip_response resp = {.code = code, .reason = reason, .to_tag = code > 100 ? c->to_tag : NULL};
	int n;

	if (sip_request_parse(c->invite, c->invite_length, &q))
		return; /* it was parsed when it came */
	snprintf(contact, sizeof(contact), "<sip:agent@%s:%u>", addr_host(&c->owner->local, host, sizeof(host)),
		(unsigned)addr_port(&c->owner->local));
	if (code > 100 && code < 300)
		resp.contact = contact;
	resp.body = sdp;
	n = sip_response_write(&q, &resp, c->last, sizeof(c->last));
	c->last_length = n > 0 ? (size_t)n : 0;
	send_sip(c->owner, &c->peer, c->last, c->last_length);
}

static void answer(struct answered_call *c, uint64_t now_us)
{
	char sdp[512], host[ADDR_TEXT_MAX];
	struct strbuf sb;

	addr_host(&c->owner->local, host, sizeof(host));
	strbuf_init(&sb, sdp, sizeof(sdp));
	strbuf_printf(&sb, "v=0\r\no=- 1 1 IN IP4 %s\r\ns=-\r\nc=IN IP4 %s\r\nt=0 0\r\nm=audio %u RTP/AVP 0", host,
		host, (unsigned)c->rtp_port);
	if (c->offer.event_pt >= 0)
		strbuf_printf(&sb, " %d", c->offer.event_pt);
	strbuf_put(&sb, "\r\na=rtpmap:0 PCMU/8000\r\n");
	if (c->offer.event_pt >= 0)
		strbuf_printf(&sb, "a=rtpmap:%d telephone-event/8000\r\na=fmtp:%d 0-15\r\n", c->offer.event_pt,
			c->offer.event_pt);
	strbuf_put(&sb, "a=ptime:20\r\na=sendrecv\r\n");
	if (!c->rep.ok_us)
		c->rep.ok_us = clock_mono_us();
	respond_invite(c, 200, "OK", sdp);
	c->state = ANSWERED;
	c->resend_wait_us = T1_US;
	c->resend_at_us = now_us + T1_US;
	c->next_send_us = now_us;
}

/* ---- a call's life ---- */

static void free_call(struct answered_call *c)
{
	HASH_DELETE(hh, c->owner->calls, c);
	if (c->rtp_fd >= 0)
		close(c->rtp_fd);
	free(c->invite);
	free(c);
}

/* Retransmissions are still answered for a while. */
static void end_call(struct answered_call *c, enum answered_end how, uint64_t now_us)
{
	if (c->state == ENDED)
		return;
	c->state = ENDED;
	c->rep.end = how;
	c->rep.end_us = now_us;
	c->release_at_us = now_us + LINGER_US;
	if (c->rtp_fd >= 0)
		close(c->rtp_fd);
	c->rtp_fd = -1;
	if (c->owner->conf.on_end)
		c->owner->conf.on_end(c->handle, &c->rep);
	c->handle = NULL;
}

static int open_rtp(struct answered_call *c)
{
	struct sip_answerer *a = c->owner;
	struct addr local = a->local;
	socklen_t length = sizeof(local.u);
	struct epoll_event ev = {.events = EPOLLIN, .data.ptr = c};

	addr_set_port(&local, 0);
	c->rtp_fd = socket(local.u.sa.sa_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (c->rtp_fd < 0 || bind(c->rtp_fd, &local.u.sa, addr_len(&local)) ||
		getsockname(c->rtp_fd, &local.u.sa, &length) ||
		connect(c->rtp_fd, &c->offer.rtp.u.sa, addr_len(&c->offer.rtp)) ||
		epoll_ctl(a->prompt_fd, EPOLL_CTL_ADD, c->rtp_fd, &ev))
		return -errno;
	c->rtp_port = addr_port(&local);
	return 0;
}

static struct answered_call *new_call(
	struct sip_answerer *a, const char *call_id, const char *text, size_t length, const struct addr *from)
{
	struct answered_call *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->invite = malloc(length);
	if (!c->invite) {
		free(c);
		return NULL;
	}
	memcpy(c->invite, text, length);
	c->invite_length = length;
	c->owner = a;
	c->peer = *from;
	c->rtp_fd = -1;
	str_copy(c->call_id, sizeof(c->call_id), call_id);
	crypto_random_hex(c->to_tag, sizeof(c->to_tag) - 1);
	c->ssrc = crypto_random_u32();
	c->ts = crypto_random_u32();
	c->seq = (uint16_t)crypto_random_u32();
	HASH_ADD_STR(a->calls, call_id, c);
	return c;
}

static void on_new_invite(struct sip_answerer *a, const struct sip_request *q, const char *call_id, const char *text,
	size_t length, const struct addr *from, uint64_t now_us)
{
	struct answered_call *c = new_call(a, call_id, text, length, from);
	char wa_call_id[256];
	int r;

	if (!c) {
		respond(a, from, q, 503, "Service Unavailable", NULL);
		return;
	}
	c->invite_cseq = q->cseq;
	c->rep.invite_us = now_us;
	respond_invite(c, 100, "Trying", NULL);
	r = sip_offer_parse(q->body, &c->offer);
	if (r == 0)
		r = open_rtp(c);
	if (str_copy_n(wa_call_id, sizeof(wa_call_id), q->wa_call_id.at, q->wa_call_id.length))
		wa_call_id[0] = '\0';
	if (a->conf.on_invite)
		c->handle = a->conf.on_invite(c, wa_call_id, &c->wish, a->conf.arg);
	if (r) {
		respond_invite(c, r == -ENOTSUP ? 488 : r == -EPROTO ? 400 : 503, "Refused", NULL);
		end_call(c, ANSWERED_REFUSED, now_us);
		return;
	}
	respond_invite(c, 180, "Ringing", NULL);
	c->answer_at_us = now_us + a->conf.ring_ms * 1000ULL;
	if (!a->conf.ring_ms)
		answer(c, now_us);
}

/* ---- SIP in ---- */

static void on_request_in_call(
	struct answered_call *c, const struct sip_request *q, const struct addr *from, uint64_t now_us)
{
	struct sip_answerer *a = c->owner;

	if (sip_text_is(q->method, "INVITE")) {
		if (q->cseq == c->invite_cseq)
			send_sip(a, from, c->last, c->last_length);
		else
			respond(a, from, q, 488, "Not Acceptable Here", c->to_tag);
	} else if (sip_text_is(q->method, "ACK")) {
		if (c->state == ANSWERED) {
			c->state = CONFIRMED;
			c->rep.ack_us = now_us;
		}
	} else if (sip_text_is(q->method, "BYE")) {
		respond(a, from, q, 200, "OK", c->to_tag);
		end_call(c, ANSWERED_BYE, now_us);
	} else if (sip_text_is(q->method, "CANCEL")) {
		respond(a, from, q, 200, "OK", c->to_tag);
		if (c->state == RINGING) {
			respond_invite(c, 487, "Request Terminated", NULL);
			end_call(c, ANSWERED_CANCELLED, now_us);
		}
	} else {
		respond(a, from, q, 501, "Not Implemented", c->to_tag);
	}
}

static void on_datagram(struct sip_answerer *a, const char *text, size_t length, const struct addr *from)
{
	uint64_t now_us = clock_mono_us();
	struct sip_request q;
	char call_id[CALL_ID_MAX];
	struct answered_call *c = NULL;

	if (sip_request_parse(text, length, &q) ||
		str_copy_n(call_id, sizeof(call_id), q.call_id.at, q.call_id.length)) {
		a->malformed++;
		return;
	}
	HASH_FIND_STR(a->calls, call_id, c);
	if (c)
		on_request_in_call(c, &q, from, now_us);
	else if (sip_text_is(q.method, "INVITE") && !sip_text_tag(q.to).length)
		on_new_invite(a, &q, call_id, text, length, from, now_us);
	else if (sip_text_is(q.method, "OPTIONS"))
		respond(a, from, &q, 200, "OK", "agent");
	else if (!sip_text_is(q.method, "ACK"))
		respond(a, from, &q, 481, "Call/Transaction Does Not Exist", "agent");
}

static void on_sip_readable(void *arg, int ready)
{
	struct sip_answerer *a = arg;
	char text[DATAGRAM_MAX];
	struct addr from = {0};
	socklen_t from_length = sizeof(from.u);
	ssize_t n;

	(void)ready;
	while ((n = recvfrom(a->sip_fd, text, sizeof(text), MSG_DONTWAIT, &from.u.sa, &from_length)) >= 0) {
		on_datagram(a, text, (size_t)n, &from);
		from_length = sizeof(from.u);
	}
}

/* ---- media ---- */

static void become_patient(struct answered_call *c)
{
	struct epoll_event ev = {.events = EPOLLIN, .data.ptr = c};

	if (epoll_ctl(c->owner->patient_fd, EPOLL_CTL_ADD, c->rtp_fd, &ev) == 0)
		(void)epoll_ctl(c->owner->prompt_fd, EPOLL_CTL_DEL, c->rtp_fd, NULL);
}

static void on_rtp(struct answered_call *c, const uint8_t *bytes, size_t length)
{
	struct rtp_hdr h;

	if (rtp_parse(bytes, length, &h) || (h.pt != PCMU_PT && h.pt != c->offer.event_pt)) {
		c->rep.rx_strange++;
		return;
	}
	if (!c->have_rx) {
		c->have_rx = true;
		c->rep.first_rx_us = clock_mono_us();
		if (!c->wish.prompt)
			become_patient(c);
	} else {
		int16_t step = (int16_t)(h.seq - c->rx_seq);
		if (step > 1)
			c->rep.rx_lost += (uint64_t)(step - 1);
	}
	c->rx_seq = h.seq;
	c->rep.rx_packets++;
	if (c->owner->conf.on_heard)
		c->owner->conf.on_heard(c->handle, &h, bytes + h.payload_offset);
}

static int read_ready(int epoll_fd)
{
	struct epoll_event events[BATCH];
	uint8_t bytes[1500];
	int count = epoll_wait(epoll_fd, events, BATCH, 0);

	for (int i = 0; i < count; i++) {
		struct answered_call *c = events[i].data.ptr;
		ssize_t n = recv(c->rtp_fd, bytes, sizeof(bytes), MSG_DONTWAIT);
		if (n >= 0)
			on_rtp(c, bytes, (size_t)n);
	}
	return count;
}

static void on_rtp_readable(void *arg, int ready)
{
	(void)ready;
	(void)read_ready(((struct sip_answerer *)arg)->prompt_fd);
}

static void send_frame(struct answered_call *c)
{
	static const uint8_t silence[FRAME_SAMPLES] = {[0 ... FRAME_SAMPLES - 1] = 0xff};
	const struct rtp_hdr h = {
		.pt = PCMU_PT, .marker = c->rep.tx_packets == 0, .seq = c->seq, .ts = c->ts, .ssrc = c->ssrc};
	uint8_t bytes[RTP_HEADER_BYTES + FRAME_SAMPLES];

	rtp_write(&h, bytes);
	memcpy(bytes + RTP_HEADER_BYTES, c->wish.speech ? c->wish.speech->packets[c->next_packet].bytes : silence,
		FRAME_SAMPLES);
	c->seq++;
	c->ts += FRAME_SAMPLES;
	if (send(c->rtp_fd, bytes, sizeof(bytes), MSG_DONTWAIT) != (ssize_t)sizeof(bytes))
		return;
	c->rep.tx_packets++;
	if (c->wish.speech) {
		if (c->owner->conf.on_sent)
			c->owner->conf.on_sent(c->handle, c->next_packet);
		c->next_packet = (c->next_packet + 1) % c->wish.speech->count;
	}
}

static void tick_call(struct answered_call *c, uint64_t now_us)
{
	switch (c->state) {
	case RINGING:
		if (now_us >= c->answer_at_us)
			answer(c, now_us);
		break;
	case ANSWERED:
		if (now_us >= c->rep.ok_us + GIVE_UP_US) {
			end_call(c, ANSWERED_NO_ACK, now_us);
			return;
		}
		if (now_us >= c->resend_at_us) {
			send_sip(c->owner, &c->peer, c->last, c->last_length);
			c->resend_wait_us = c->resend_wait_us * 2 < T2_US ? c->resend_wait_us * 2 : T2_US;
			c->resend_at_us = now_us + c->resend_wait_us;
		}
		break;
	case CONFIRMED: break;
	case ENDED:
		if (now_us >= c->release_at_us)
			free_call(c);
		return;
	}
	for (int i = 0; c->state != RINGING && c->next_send_us <= now_us && i < BURST_MAX; i++) {
		send_frame(c);
		c->next_send_us += FRAME_US;
	}
}

static void on_tick(void *arg)
{
	struct sip_answerer *a = arg;
	uint64_t now_us = loop_now_us(a->loop);
	struct answered_call *c, *next;

	while (read_ready(a->patient_fd) == BATCH)
		;
	HASH_ITER (hh, a->calls, c, next)
		tick_call(c, now_us);
	loop_timer_set(a->loop, &a->tick, now_us + TICK_US, on_tick, a);
}

/* ---- the door ---- */

static int open_sip(struct sip_answerer *a)
{
	socklen_t length = sizeof(a->local.u);
	int room = SIP_RCVBUF;

	a->sip_fd = socket(a->conf.listen.u.sa.sa_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (a->sip_fd < 0 || bind(a->sip_fd, &a->conf.listen.u.sa, addr_len(&a->conf.listen)) ||
		getsockname(a->sip_fd, &a->local.u.sa, &length))
		return -errno;
	(void)setsockopt(a->sip_fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room));
	return loop_watch(a->loop, a->sip_fd, LOOP_READ, on_sip_readable, a, &a->sip_watch);
}

int sip_answerer_new(struct loop *l, const struct sip_answerer_conf *conf, struct sip_answerer **ret_answerer)
{
	struct sip_answerer *a = calloc(1, sizeof(*a));
	int r;

	if (!a)
		return -ENOMEM;
	a->loop = l;
	a->conf = *conf;
	a->sip_fd = -1;
	a->prompt_fd = epoll_create1(EPOLL_CLOEXEC);
	a->patient_fd = epoll_create1(EPOLL_CLOEXEC);
	r = a->prompt_fd < 0 || a->patient_fd < 0 ? -errno : open_sip(a);
	if (r == 0)
		r = loop_watch(l, a->prompt_fd, LOOP_READ, on_rtp_readable, a, &a->rtp_watch);
	if (r == 0)
		r = loop_timer_set(l, &a->tick, loop_now_us(l) + TICK_US, on_tick, a);
	if (r) {
		sip_answerer_free(a);
		return r;
	}
	*ret_answerer = a;
	return 0;
}

void sip_answerer_addr(const struct sip_answerer *a, struct addr *ret_addr)
{
	*ret_addr = a->local;
}

size_t sip_answerer_live(const struct sip_answerer *a)
{
	size_t live = 0;

	for (const struct answered_call *c = a->calls; c; c = c->hh.next)
		live += c->state != ENDED;
	return live;
}

uint64_t sip_answerer_malformed(const struct sip_answerer *a)
{
	return a->malformed;
}

void answered_call_report(const struct answered_call *call, struct answered_report *ret_report)
{
	*ret_report = call->rep;
}

struct sip_answerer *sip_answerer_free(struct sip_answerer *a)
{
	struct answered_call *c, *next;

	if (!a)
		return NULL;
	loop_timer_cancel(&a->tick);
	loop_unwatch(a->sip_watch);
	loop_unwatch(a->rtp_watch);
	HASH_ITER (hh, a->calls, c, next)
		free_call(c);
	if (a->sip_fd >= 0)
		close(a->sip_fd);
	if (a->prompt_fd >= 0)
		close(a->prompt_fd);
	if (a->patient_fd >= 0)
		close(a->patient_fd);
	free(a);
	return NULL;
}
