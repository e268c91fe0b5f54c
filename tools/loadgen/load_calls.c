/* tools/loadgen/load_calls.c -- see load_internal.h */
#include "lib/base/clock.h"
#include "media/codec/opus_codec.h"
#include "media/rtp/rtp.h"
#include "tools/loadgen/load_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	OPUS_PT = 111,
	WINDOW_AFTER_US = 300000,      /* both streams run evenly by then */
	WINDOW_BEFORE_END_US = 100000, /* calls that end by themselves: nothing of the end's disorder counts */
};

static struct load_call *call_of(struct load *ld, unsigned number)
{
	return &ld->calls[number - 1];
}

static void listen_to(struct load *ld, struct load_call *c)
{
	if (ld->ears == ld->conf.listen)
		return;
	ld->ears++;
	if (ear_new(EAR_TO_AGENT, &c->ear[EAR_TO_AGENT]) || ear_new(EAR_TO_USER, &c->ear[EAR_TO_USER]))
		abort();
}

/* NULL: nobody listens now. Not before both streams run, and not while calls are ended. */
static struct ear *open_ear(const struct load_call *c, enum ear_kind kind)
{
	return c->window_open && !c->window_shut ? c->ear[kind] : NULL;
}

static void say_to(struct ear *ear, const struct speech *speech, size_t packet)
{
	if (ear)
		ear_said(ear, speech->packets[packet].bytes, speech->packets[packet].length, clock_mono_us());
}

/* ---- the user's side ---- */

static const struct speech *on_start(unsigned number, const char *wacid, bool *ret_prompt, void *arg)
{
	struct load *ld = arg;
	struct load_call *c = call_of(ld, number);
	const struct load_conf *conf = &ld->conf;

	c->load = ld;
	c->number = number;
	c->started = true;
	snprintf(c->wacid, sizeof(c->wacid), "%s", wacid);
	HASH_ADD_STR(ld->by_wacid, wacid, c);
	c->probed = conf->probe_every && (number - 1) % conf->probe_every == 0;
	if (!c->probed) {
		listen_to(ld, c);
		return conf->user_says;
	}
	*ret_prompt = true;
	c->to_agent = (struct delay_line){.marks = conf->user_marks, .ms = &ld->res.delay_to_agent};
	c->to_user = (struct delay_line){.marks = conf->agent_marks, .ms = &ld->res.delay_to_user};
	if (opus_dec_new(DELAY_HZ, &c->to_user.dec))
		abort();
	return conf->user_bursts;
}

static void on_user_sent(unsigned number, size_t packet, void *arg)
{
	struct load_call *c = call_of(arg, number);

	c->now.user_tx++;
	say_to(open_ear(c, EAR_TO_AGENT), c->load->conf.user_says, packet);
	if (c->probed)
		delay_sent(&c->to_agent, packet, clock_mono_us());
}

static void on_user_heard(unsigned number, const struct rtp_hdr *hdr, const uint8_t *payload, void *arg)
{
	struct load_call *c = call_of(arg, number);
	struct ear *ear = open_ear(c, EAR_TO_USER);

	c->now.user_rx++;
	if (ear && hdr->pt == OPUS_PT)
		ear_heard(ear, hdr, payload, clock_mono_us());
	if (c->probed && hdr->pt == OPUS_PT)
		delay_heard(&c->to_user, payload, hdr->payload_length, clock_mono_us());
}

struct meta_observer load_observer(struct load *ld)
{
	return (struct meta_observer){on_start, on_user_sent, on_user_heard, ld};
}

/* ---- the agent's side ---- */

void *load_on_invite(struct answered_call *call, const char *wa_call_id, struct answered_wish *ret_wish, void *arg)
{
	struct load *ld = arg;
	struct load_call *c = NULL;

	HASH_FIND_STR(ld->by_wacid, wa_call_id, c);
	if (!c)
		return NULL;
	c->agent = call;
	ret_wish->speech = c->probed ? ld->conf.agent_bursts : ld->conf.agent_says;
	ret_wish->prompt = c->probed;
	return c;
}

void load_on_agent_sent(void *handle, size_t packet)
{
	struct load_call *c = handle;

	if (!c)
		return;
	c->now.agent_tx++;
	say_to(open_ear(c, EAR_TO_USER), c->load->conf.agent_says, packet);
	if (c->probed)
		delay_sent(&c->to_user, packet, clock_mono_us());
}

void load_on_agent_heard(void *handle, const struct rtp_hdr *hdr, const uint8_t *payload)
{
	struct load_call *c = handle;
	struct ear *ear;

	if (!c)
		return;
	ear = open_ear(c, EAR_TO_AGENT);
	c->now.agent_rx++;
	if (ear && hdr->pt == 0)
		ear_heard(ear, hdr, payload, clock_mono_us());
	if (c->probed && hdr->pt == 0)
		delay_heard(&c->to_agent, payload, hdr->payload_length, clock_mono_us());
}

void load_on_agent_end(void *handle, const struct answered_report *report)
{
	struct load_call *c = handle;

	if (!c)
		return;
	c->agent_rep = *report;
	c->agent = NULL;
}

/* ---- windows ---- */

static void look_at_call(struct load *ld, struct load_call *c, uint64_t now_us)
{
	uint64_t talk_us = ld->conf.talk_ms * 1000ULL;

	if (!c->flowing && c->now.user_rx && c->now.agent_rx) {
		c->flowing = true;
		c->flowing_us = now_us;
		if (!ld->first_flow_us)
			ld->first_flow_us = now_us;
		/* bursts that were sent before anybody could hear them */
		c->to_agent.sent_us = c->to_user.sent_us = 0;
	}
	if (c->flowing && !c->window_open && now_us >= c->flowing_us + WINDOW_AFTER_US) {
		c->window_open = true;
		c->first = c->now;
		c->to_agent.missed = c->to_user.missed = 0;
	}
	if (c->window_open && !c->window_shut) {
		c->last = c->now;
		if (ld->conf.calls > ld->conf.at_once && now_us + WINDOW_BEFORE_END_US >= c->flowing_us + talk_us)
			c->window_shut = true;
	}
}

unsigned load_look_at_calls(struct load *ld, uint64_t now_us)
{
	unsigned live = 0;

	for (unsigned i = 0; i < ld->conf.calls; i++) {
		struct load_call *c = &ld->calls[i];
		if (!c->started || c->ended)
			continue;
		look_at_call(ld, c, now_us);
		live += c->flowing;
	}
	return live;
}

void load_shut_windows(struct load *ld)
{
	for (unsigned i = 0; i < ld->conf.calls; i++)
		ld->calls[i].window_shut = true;
}

/* ---- the end of a call ---- */

static void add_span(struct samples *s, uint64_t from_us, uint64_t to_us)
{
	if (from_us && to_us)
		samples_add(s, ((double)to_us - (double)from_us) / 1000);
}

static void judge(struct load *ld, struct load_call *c, const struct meta_call_report *rep)
{
	struct load_result *res = &ld->res;
	const struct answered_report *agent = &c->agent_rep;

	res->calls++;
	if (!rep->accept_us || !c->flowing || strcmp(rep->ended_by, "user") != 0 || agent->end != ANSWERED_BYE) {
		if (!res->failed++)
			snprintf(res->first_failure, sizeof(res->first_failure),
				"call %u: accepted %s, heard by agent %s, by user %s, ended by %s, webhook answered "
				"%u, "
				"agent's side %s",
				c->number, rep->accept_us ? "yes" : "no", c->now.agent_rx ? "yes" : "no",
				c->now.user_rx ? "yes" : "no", rep->ended_by, rep->webhook_status,
				agent->end == ANSWERED_BYE ? "ended by BYE"
				: agent->invite_us         ? "not ended by BYE"
							   : "never rang");
	}
	for (size_t i = 0; i < rep->user.violation_count; i++) {
		if (!res->violations++)
			snprintf(res->first_violation, sizeof(res->first_violation), "call %u: %s", c->number,
				rep->user.violations[i]);
	}
}

static void add_loss(struct load_loss *loss, uint64_t sent, uint64_t heard, uint64_t gaps)
{
	loss->sent += sent;
	loss->heard += heard;
	loss->gaps += gaps;
}

void load_on_call_done(const struct meta_call_report *rep, void *arg)
{
	struct load *ld = arg;
	struct load_call *c = call_of(ld, rep->number);
	struct load_result *res = &ld->res;

	if (c->agent)
		answered_call_report(c->agent, &c->agent_rep);
	c->ended = true;
	judge(ld, c, rep);
	add_span(&res->webhook_to_invite, rep->webhook_us, c->agent_rep.invite_us);
	add_span(&res->ok_to_accept, c->agent_rep.ok_us, rep->accept_us);
	add_span(&res->webhook_to_audio_agent, rep->webhook_us, c->agent_rep.first_rx_us);
	add_span(&res->webhook_to_audio_user, rep->webhook_us, rep->user.first_rx_us);
	add_loss(&res->to_agent, c->last.user_tx - c->first.user_tx, c->last.agent_rx - c->first.agent_rx,
		c->agent_rep.rx_lost);
	add_loss(&res->to_user, c->last.agent_tx - c->first.agent_tx, c->last.user_rx - c->first.user_rx,
		rep->user.rx_lost);
	res->delay_missed += c->to_agent.missed + c->to_user.missed;
	delay_line_done(&c->to_agent);
	delay_line_done(&c->to_user);
	if (ld->res.calls == ld->conf.calls)
		ld->ended_us = clock_mono_us();
}

void load_judge_ears(struct load *ld)
{
	struct samples *const likeness[] = {
		[EAR_TO_AGENT] = &ld->res.like_to_agent, [EAR_TO_USER] = &ld->res.like_to_user};
	struct ear_verdict v;

	for (unsigned i = 0; i < ld->conf.calls; i++) {
		for (int kind = 0; kind < 2; kind++) {
			if (!ld->calls[i].ear[kind] || ear_judge(ld->calls[i].ear[kind], &v))
				continue;
			samples_add(likeness[kind], v.likeness);
			ld->res.misheard += !v.good;
		}
	}
}
