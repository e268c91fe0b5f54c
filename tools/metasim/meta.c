/* tools/metasim/meta.c
 *
 * The calls of the plan: begun at their pace, watched by Meta's clocks, ended by whoever ends them.
 */
#include "tools/metasim/meta.h"

#include "lib/base/clock.h"
#include "lib/base/crypto.h"
#include "lib/http/http_client.h"
#include "lib/http/http_server.h"
#include "media/webrtc/dtls_ctx.h"
#include "tools/metasim/meta_internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

enum {
	TICK_US = 2000,
	LINGER_US = 300000, /* an ended call's socket stays so long: late packets are looked at too */
	MID_CALL_NO_MEDIA_FACTOR_PERCENT = 150, /* Meta: 20 s at the start, 30 s mid-call */
	CODE_NO_MEDIA = 138021,
};

static void tell(struct meta *m, unsigned call, const char *user, const char *event, const char *detail)
{
	json_t *line;

	m->last_event_us = loop_now_us(m->loop);
	if (!m->conf.timeline)
		return;
	line = json_pack("{s:I, s:s, s:i, s:s, s:s, s:s}", "t_us", (json_int_t)clock_mono_us(), "src", "metasim",
		"call", (int)call, "user", user, "event", event, "detail", detail);
	json_dumpf(line, stdout, JSON_PRESERVE_ORDER);
	json_decref(line);
	printf("\n");
	fflush(stdout);
}

void meta_timeline(struct meta *m, const struct meta_call *c, const char *event, const char *detail)
{
	tell(m, c->rep.number, c->who->plan->number, event, detail);
}

void meta_timeline_user(struct meta *m, const struct meta_user *u, const char *event, const char *detail)
{
	tell(m, 0, u ? u->plan->number : "", event, detail);
}

void meta_message_note(struct meta *m, const struct meta_message_report *rep)
{
	if (m->conf.on_message)
		m->conf.on_message(rep, m->conf.arg);
}

struct meta_call *meta_find(struct meta *m, const char *wacid)
{
	for (struct meta_call *c = m->calls; c; c = c->next) {
		if (strcmp(c->wacid, wacid) == 0)
			return c;
	}
	return NULL;
}

void meta_end(struct meta_call *c, const char *by, int error_code)
{
	struct meta *m = c->meta;

	if (c->state == META_ENDED)
		return;
	c->state = META_ENDED;
	c->rep.ended_by = by;
	c->rep.ended_us = clock_mono_us();
	c->rep.error_code = error_code;
	c->release_us = loop_now_us(m->loop) + LINGER_US + m->plan->webhook.delay_ms * 1000ULL;
	meta_timeline(m, c, "ended", by);
	if (c->outbound) {
		outbound_over(c);
		if (m->plan->outbound.lose != PLAN_LOSE_TERMINATE)
			webhook_terminate(c, error_code, 0);
	} else if (!m->plan->webhook.terminate_first && !m->plan->webhook.terminate_only) {
		webhook_terminate(c, error_code, 0);
	}
	meta_trigger(c->who, PLAN_ON_ENDED);
}

/* ---- one call ---- */

static void on_user_event(const char *event, void *arg)
{
	struct meta_call *c = arg;
	meta_timeline(c->meta, c, event, "");
}

static void on_user_sent(size_t speech_packet, void *arg)
{
	const struct meta_call *c = arg;
	const struct meta_observer *o = c->meta->conf.observer;
	o->on_sent(c->rep.number, speech_packet, o->arg);
}

static void on_user_heard(const struct rtp_hdr *hdr, const uint8_t *payload, void *arg)
{
	const struct meta_call *c = arg;
	const struct meta_observer *o = c->meta->conf.observer;
	o->on_heard(c->rep.number, hdr, payload, o->arg);
}

static void observe(struct meta_call *c, struct wa_user_conf *user)
{
	const struct meta_observer *o = c->meta->conf.observer;
	const struct speech *speech;
	bool prompt = false;

	if (!o)
		return;
	speech = o->on_start(c->rep.number, c->wacid, &prompt, o->arg);
	user->poll_fd = prompt ? 0 : c->meta->poll_fd;
	if (speech)
		user->speech = speech;
	user->on_sent = on_user_sent;
	user->on_heard = on_user_heard;
}

static void make_wacid(struct meta_call *c)
{
	uint8_t random[48];
	char text[80];

	crypto_random(random, sizeof(random));
	crypto_base64(text, random, sizeof(random)); /* the real ones hold + / and = too */
	snprintf(c->wacid, sizeof(c->wacid), "wacid.HBgM%sGAsxMjAyFQIAABUKAA==", text);
}

void meta_wamid(char wamid[META_WAMID_MAX])
{
	uint8_t random[30];
	char text[44];

	crypto_random(random, sizeof(random));
	crypto_base64(text, random, sizeof(random));
	snprintf(wamid, META_WAMID_MAX, "wamid.HBgM%sAA==", text);
}

int meta_call_new(struct meta *m, struct meta_user *who, bool outbound, struct meta_call **ret_call)
{
	struct meta_call *c = calloc(1, sizeof(*c));
	unsigned every = m->conf.record_every ? m->conf.record_every : 1;
	struct wa_user_conf user = {.loop = m->loop,
		.dtls = m->dtls,
		.speech = m->conf.speech,
		.record = m->conf.record && m->numbered % every == 0,
		.listen = m->conf.timeline,
		.loss = m->plan->loss,
		.seed = m->numbered,
		.dtmf = *m->plan->dtmf ? m->plan->dtmf : NULL,
		.on_event = on_user_event,
		.arg = c};
	int r;

	if (!c)
		return -ENOMEM;
	c->meta = m;
	c->who = who;
	c->outbound = outbound;
	c->state = outbound ? META_CONNECTING : META_OFFERED;
	c->rep.number = ++m->numbered;
	c->rep.outbound = outbound;
	c->rep.with = who->plan->number;
	c->rep.opaque = c->opaque;
	c->rep.wacid = c->wacid;
	c->rep.ended_by = "";
	make_wacid(c);
	if (!outbound)
		observe(c, &user);
	r = wa_user_new(&user, &c->user);
	if (r) {
		free(c);
		return r;
	}
	c->next = m->calls;
	m->calls = c;
	*ret_call = c;
	return 0;
}

static void tell_end_first(struct meta_call *c)
{
	struct meta *m = c->meta;

	webhook_terminate(c, 0, 0);
	if (m->plan->webhook.terminate_first) {
		c->rep.webhook_us = 0;
		webhook_connect(c);
	}
	meta_end(c, "user", 0);
	c->release_us += 500000; /* time for a wrong reaction to show */
}

int meta_user_calls_us(struct meta_user *u, const char *payload, bool from_button, bool planned)
{
	struct meta *m = u->meta;
	struct meta_call *c;
	int r;

	if (planned)
		m->started++;
	r = meta_call_new(m, u, false, &c);
	if (r)
		return r;
	c->planned = planned;
	snprintf(c->payload, sizeof(c->payload), "%s", payload);
	c->from_button = from_button;
	m->live += planned;
	meta_timeline(m, c, "webhook", "");
	if (m->plan->webhook.terminate_first || m->plan->webhook.terminate_only)
		tell_end_first(c);
	else
		webhook_connect(c);
	meta_user_called_us(u, c->wacid);
	return 0;
}

static int start_call(struct meta *m)
{
	return meta_user_calls_us(meta_user_find(m, m->plan->user, NULL), m->plan->payload, false, true);
}

static void watch_call(struct meta_call *c, uint64_t now_us)
{
	const struct plan *p = c->meta->plan;
	struct wa_user_report rep;
	uint64_t since;

	unsigned talk_ms = c->planned ? p->talk_ms : c->who->plan->talk_ms;

	wa_user_report(c->user, &rep);
	if (c->outbound && c->state != META_ACCEPTED)
		return;
	if (c->state != META_ACCEPTED) {
		since = c->rep.webhook_us ? c->rep.webhook_us : now_us;
		if (now_us > since + p->give_up_ms * 1000ULL)
			meta_end(c, "user", 0);
		return;
	}
	if (talk_ms && now_us > rep.accepted_us + talk_ms * 1000ULL) {
		meta_end(c, "user", 0);
		return;
	}
	since = rep.last_rx_us ? rep.last_rx_us : rep.accepted_us;
	if (now_us > since + p->no_media_ms * 10ULL * (rep.last_rx_us ? MID_CALL_NO_MEDIA_FACTOR_PERCENT : 100))
		meta_end(c, "meta", CODE_NO_MEDIA);
}

static void free_call(struct meta_call *c)
{
	loop_timer_cancel(&c->phase);
	wa_user_free(c->user);
	free(c->answer);
	free(c);
}

static void release_call(struct meta_call *c)
{
	struct meta *m = c->meta;

	wa_user_report(c->user, &c->rep.user);
	m->conf.on_call_done(&c->rep, m->conf.arg);
	for (struct meta_call **p = &m->calls; *p; p = &(*p)->next) {
		if (*p == c) {
			*p = c->next;
			break;
		}
	}
	m->done += c->planned;
	m->outbound_done += c->outbound;
	free_call(c);
}

void meta_report_live(struct meta *m)
{
	for (struct meta_call *c = m->calls; c; c = c->next) {
		wa_user_report(c->user, &c->rep.user);
		m->conf.on_call_done(&c->rep, m->conf.arg);
	}
}

/* ---- the pace ---- */

static void start_due(struct meta *m, uint64_t now_us)
{
	const struct plan *p = m->plan;

	while (m->started < p->calls) {
		if (p->interval_ms ? now_us < m->next_start_us : m->live >= p->at_once)
			return;
		if (start_call(m)) {
			fprintf(stderr, "metasim: a user could not be made: out of memory or descriptors\n");
			m->started = p->calls;
		}
		m->next_start_us += p->interval_ms * 1000ULL;
	}
}

static void poll_users(const struct meta *m)
{
	struct epoll_event events[64];
	int n;

	if (!m->poll_fd)
		return;
	do {
		n = epoll_wait(m->poll_fd, events, 64, 0);
		for (int i = 0; i < n; i++)
			wa_user_readable(events[i].data.ptr);
	} while (n == 64);
}

static bool is_all_done(const struct meta *m, uint64_t now_us)
{
	const struct plan *p = m->plan;

	return m->done == p->calls && m->outbound_done >= p->outbound.calls && m->webhooks_pending == 0 && !p->serve &&
	       !m->actions && (!p->linger_ms || now_us > m->last_event_us + p->linger_ms * 1000ULL) && !m->calls;
}

static void on_tick(void *arg)
{
	struct meta *m = arg;
	uint64_t now_us = loop_now_us(m->loop);
	struct meta_call *next;

	poll_users(m);
	m->live = 0;
	for (struct meta_call *c = m->calls; c; c = next) {
		next = c->next;
		wa_user_tick(c->user, now_us);
		if (c->state != META_ENDED) {
			watch_call(c, now_us);
			m->live += c->planned;
		} else if (now_us > c->release_us && !c->deliveries) {
			release_call(c);
		}
	}
	start_due(m, now_us);
	if (!m->all_done && is_all_done(m, now_us)) {
		m->all_done = true;
		m->conf.on_all_done(m->conf.arg);
	}
	loop_timer_set(m->loop, &m->tick, now_us + TICK_US, on_tick, m);
}

void meta_start(struct meta *m)
{
	m->next_start_us = m->last_event_us = loop_now_us(m->loop);
	for (struct meta_user *u = m->users; u; u = u->next)
		meta_trigger(u, PLAN_ON_START);
	on_tick(m);
}

int meta_new(struct loop *l, const struct meta_conf *conf, struct meta **ret_meta)
{
	const struct http_client_conf http = {.max_per_host = 128, .user_agent = "facebookexternalua"};
	struct meta *m = calloc(1, sizeof(*m));
	int r;

	if (!m)
		return -ENOMEM;
	m->loop = l;
	m->conf = *conf;
	m->plan = conf->plan;
	m->seed = 42;
	r = dtls_ctx_new(&m->dtls);
	if (r == 0 && conf->observer) {
		m->poll_fd = epoll_create1(EPOLL_CLOEXEC);
		r = m->poll_fd > 0 ? 0 : -errno;
	}
	if (r == 0)
		r = http_client_new(l, &http, &m->client);
	if (r == 0)
		r = meta_users_new(m);
	if (r == 0)
		r = graph_api_start(m);
	if (r) {
		meta_free(m);
		return r;
	}
	*ret_meta = m;
	return 0;
}

void meta_graph_addr(const struct meta *m, struct addr *ret_addr)
{
	http_server_addr(m->server, ret_addr);
}

struct meta *meta_free(struct meta *m)
{
	if (!m)
		return NULL;
	loop_timer_cancel(&m->tick);
	graph_api_stop(m);
	meta_actions_free(m);
	webhooks_drop_all(m);
	http_client_free(m->client);
	while (m->calls) {
		struct meta_call *c = m->calls;
		m->calls = c->next;
		free_call(c);
	}
	meta_users_free(m);
	dtls_ctx_free(m->dtls);
	if (m->poll_fd > 0)
		close(m->poll_fd);
	free(m);
	return NULL;
}
