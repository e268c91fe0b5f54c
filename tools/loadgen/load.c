/* tools/loadgen/load.c -- see load.h */
#include "tools/loadgen/load.h"

#include "lib/base/clock.h"
#include "lib/http/http_client.h"
#include "tools/loadgen/load_internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	TICK_US = 10000,
	READY_POLL_US = 50000,
	READY_LIMIT_US = 15000000,
	ALL_UP_LIMIT_US = 15000000, /* after the last call was begun */
	HOLD_US = 2000000,
	SETTLE_US = 1500000,
	DRAIN_POLL_US = 100000,
	DRAIN_LIMIT_US = 10000000,
	LINGER_US = 1000000, /* after our connections were closed: time for watrunk to notice */
	END_LIMIT_US = 40000000,
};

static void enter(struct load *ld, enum load_stage stage, uint64_t now_us)
{
	ld->stage = stage;
	ld->stage_us = now_us;
}

static void finish(struct load *ld)
{
	ld->stage = LOAD_DONE;
	loop_timer_cancel(&ld->tick);
	ld->conf.on_done(ld->conf.arg);
}

static void fail(struct load *ld, const char *why)
{
	snprintf(ld->res.failure, sizeof(ld->res.failure), "%s", why);
	finish(ld);
}

static bool held(const struct load *ld)
{
	return !ld->conf.pace && ld->conf.calls <= ld->conf.at_once;
}

static unsigned started(const struct load *ld)
{
	unsigned n = 0;

	while (n < ld->conf.calls && ld->calls[n].started)
		n++;
	return n;
}

/* ---- measuring the process ---- */

static void take_rss(const struct load *ld, uint64_t *ret_kb)
{
	(void)proc_rss_kb(ld->target->pid, ret_kb);
}

static void cpu_minus(struct proc_cpu *a, const struct proc_cpu *b)
{
	a->total_us -= b->total_us;
	a->control_us -= b->control_us;
	a->media_us -= b->media_us;
	a->other_us -= b->other_us;
}

static void steady_begin(struct load *ld, uint64_t now_us)
{
	ld->steady_us = now_us;
	ld->steady_started = started(ld);
	ld->live_us = 0;
	if (proc_cpu(ld->target->pid, &ld->cpu_from) || proc_cpu(getpid(), &ld->own_from))
		fail(ld, "the processor time of watrunk cannot be read");
}

static void steady_end(struct load *ld, uint64_t now_us)
{
	struct load_result *res = &ld->res;

	if (proc_cpu(ld->target->pid, &res->cpu) || proc_cpu(getpid(), &res->own_cpu)) {
		fail(ld, "watrunk ended during the run");
		return;
	}
	cpu_minus(&res->cpu, &ld->cpu_from);
	cpu_minus(&res->own_cpu, &ld->own_from);
	res->window_started = started(ld) - ld->steady_started;
	res->window_s = (double)(now_us - ld->steady_us) / 1e6;
	res->live_mean = ld->live_us / (double)(now_us - ld->steady_us);
	take_rss(ld, &res->rss_end_kb);
	(void)proc_fds(ld->target->pid, &res->fds_full);
}

/* ---- stages ---- */

static void first_call(struct load *ld, uint64_t now_us)
{
	const struct load_conf *conf = &ld->conf;

	take_rss(ld, &ld->res.rss_idle_kb);
	if (proc_fds(ld->target->pid, &ld->res.fds_before)) {
		fail(ld, "the process of watrunk cannot be looked at");
		return;
	}
	conf->plan->calls = conf->calls;
	conf->plan->interval_ms = conf->pace ? 1000 / conf->pace : 0;
	conf->plan->at_once = 0;
	conf->plan->talk_ms = held(ld) ? 0 : conf->talk_ms;
	ld->next_rise_us = now_us;
	meta_start(ld->meta);
	enter(ld, conf->low ? LOAD_RAMP_LOW : LOAD_RAMP, now_us);
}

static void do_ready(struct load *ld, uint64_t now_us)
{
	if (ld->counted && !ld->asking) {
		ld->slow_before = ld->res.slow_callbacks;
		ld->res.longest_callback_us = 0; /* of watrunk's own start */
		first_call(ld, now_us);
	} else if (ld->healthy && !ld->asking) {
		ld->counted = true;
		load_ask_counters(ld);
	} else if (target_gone(ld->target)) {
		fail(ld, "watrunk did not start");
	} else if (now_us > ld->stage_us + READY_LIMIT_US) {
		fail(ld, "watrunk did not become ready");
	} else if (!ld->asking && now_us >= ld->ask_us) {
		ld->ask_us = now_us + READY_POLL_US;
		load_ask_health(ld);
	}
}

/* metasim keeps `at_once` calls alive: raising it one by one begins calls one by one. Returns true when all are up, or
 * as many as will be. */
static bool ramp(struct load *ld, unsigned to, unsigned live, uint64_t now_us)
{
	struct plan *p = ld->conf.plan;

	if (ld->conf.pace)
		return true;
	while (p->at_once < to && now_us >= ld->next_rise_us) {
		p->at_once++;
		ld->next_rise_us += (uint64_t)(1e6 / ld->conf.rate);
	}
	if (p->at_once < to)
		return false;
	return live >= to || !held(ld) || now_us > ld->next_rise_us + ALL_UP_LIMIT_US;
}

static void do_hold_low(struct load *ld, unsigned live, uint64_t now_us)
{
	if (now_us < ld->stage_us + HOLD_US)
		return;
	take_rss(ld, &ld->res.rss_low_kb);
	ld->res.live_low = live;
	ld->next_rise_us = now_us;
	enter(ld, LOAD_RAMP, now_us);
}

static void do_settle(struct load *ld, unsigned live, uint64_t now_us)
{
	if (now_us < ld->stage_us + SETTLE_US)
		return;
	take_rss(ld, &ld->res.rss_full_kb);
	ld->res.live_full = live;
	enter(ld, LOAD_STEADY, now_us);
	steady_begin(ld, now_us);
}

static void do_steady(struct load *ld, uint64_t now_us)
{
	bool over = held(ld) ? now_us >= ld->steady_us + ld->conf.talk_ms * 1000ULL : started(ld) == ld->conf.calls;

	if (!over)
		return;
	steady_end(ld, now_us);
	if (ld->stage == LOAD_DONE)
		return;
	if (held(ld)) { /* each call now ends as long after its beginning as the first one: at the pace of the ramp */
		load_shut_windows(ld);
		ld->conf.plan->talk_ms = (unsigned)((now_us - ld->first_flow_us) / 1000);
	}
	enter(ld, LOAD_ENDING, now_us);
}

static bool drained(const struct load_result *res)
{
	return res->gauge_calls == 0 && res->gauge_sessions == 0 && res->gauge_ports == 0 && res->gauge_legs == 0;
}

static void do_drain(struct load *ld, uint64_t now_us)
{
	struct load_result *res = &ld->res;

	if (ld->asking)
		return;
	res->drained = ld->ask_us > ld->stage_us && drained(res); /* not by what was asked before the first call */
	if (res->drained || now_us > ld->stage_us + DRAIN_LIMIT_US) {
		res->slow_callbacks -= ld->slow_before;
		res->drain_ms = ld->ended_us ? (now_us - ld->ended_us) / 1000 : 0;
		load_ask_history(ld);
		ld->meta = meta_free(ld->meta);
		enter(ld, LOAD_LINGER, now_us);
	} else if (now_us >= ld->ask_us) {
		ld->ask_us = now_us + DRAIN_POLL_US;
		load_ask_counters(ld);
	}
}

static void do_linger(struct load *ld, uint64_t now_us)
{
	if (now_us < ld->stage_us + LINGER_US || ld->asking)
		return;
	(void)proc_fds(ld->target->pid, &ld->res.fds_after);
	load_judge_ears(ld);
	finish(ld);
}

static void run_stage(struct load *ld, unsigned live, uint64_t now_us)
{
	switch (ld->stage) {
	case LOAD_READY: do_ready(ld, now_us); break;
	case LOAD_RAMP_LOW:
		if (ramp(ld, ld->conf.low, live, now_us))
			enter(ld, LOAD_HOLD_LOW, now_us);
		break;
	case LOAD_HOLD_LOW: do_hold_low(ld, live, now_us); break;
	case LOAD_RAMP:
		if (ramp(ld, ld->conf.at_once, live, now_us))
			enter(ld, LOAD_SETTLE, now_us);
		break;
	case LOAD_SETTLE: do_settle(ld, live, now_us); break;
	case LOAD_STEADY: do_steady(ld, now_us); break;
	case LOAD_ENDING:
		if (ld->all_done)
			enter(ld, LOAD_DRAIN, now_us);
		else if (now_us > ld->stage_us + END_LIMIT_US + ld->conf.talk_ms * 1000ULL)
			fail(ld, "the calls did not end");
		break;
	case LOAD_DRAIN: do_drain(ld, now_us); break;
	case LOAD_LINGER: do_linger(ld, now_us); break;
	case LOAD_DONE: break;
	}
}

static void on_tick(void *arg)
{
	struct load *ld = arg;
	uint64_t now_us = loop_now_us(ld->loop);
	unsigned live = load_look_at_calls(ld, now_us);

	if (ld->stage == LOAD_STEADY)
		ld->live_us += (double)live * (double)(now_us - ld->last_tick_us);
	if (live > ld->res.live_most)
		ld->res.live_most = live;
	ld->last_tick_us = now_us;
	if (ld->stage > LOAD_READY && ld->stage < LOAD_LINGER && target_gone(ld->target)) {
		fail(ld, "watrunk ended during the run");
		return;
	}
	run_stage(ld, live, now_us);
	if (ld->stage != LOAD_DONE)
		loop_timer_set(ld->loop, &ld->tick, now_us + TICK_US, on_tick, ld);
}

static void on_all_done(void *arg)
{
	((struct load *)arg)->all_done = true;
}

/* ---- the door ---- */

static int open_both_sides(struct load *ld)
{
	const struct load_conf *conf = &ld->conf;
	const struct sip_answerer_conf agent = {.listen = conf->agent_listen,
		.ring_ms = conf->ring_ms,
		.on_invite = load_on_invite,
		.on_sent = load_on_agent_sent,
		.on_heard = load_on_agent_heard,
		.on_end = load_on_agent_end,
		.arg = ld};
	const struct meta_conf meta = {.plan = conf->plan,
		.graph_listen = conf->graph_listen,
		.speech = conf->user_says,
		.on_call_done = load_on_call_done,
		.on_all_done = on_all_done,
		.arg = ld,
		.observer = &ld->observer};
	const struct http_client_conf http = {.max_per_host = 2};
	int r = sip_answerer_new(ld->loop, &agent, &ld->agent);

	if (r == 0)
		r = meta_new(ld->loop, &meta, &ld->meta);
	if (r == 0)
		r = http_client_new(ld->loop, &http, &ld->http);
	return r;
}

int load_new(struct loop *l, const struct load_conf *conf, struct load **ret_load)
{
	struct load *ld = calloc(1, sizeof(*ld));
	int r;

	if (!ld)
		return -ENOMEM;
	ld->loop = l;
	ld->conf = *conf;
	ld->observer = load_observer(ld);
	ld->res.gauge_calls = ld->res.gauge_sessions = ld->res.gauge_ports = ld->res.gauge_legs = UINT64_MAX;
	ld->res.gauge_lingering = UINT64_MAX;
	ld->calls = calloc(conf->calls, sizeof(*ld->calls));
	r = ld->calls ? open_both_sides(ld) : -ENOMEM;
	if (r) {
		load_free(ld);
		return r;
	}
	*ret_load = ld;
	return 0;
}

void load_graph_addr(const struct load *ld, struct addr *ret_addr)
{
	meta_graph_addr(ld->meta, ret_addr);
}

void load_agent_addr(const struct load *ld, struct addr *ret_addr)
{
	sip_answerer_addr(ld->agent, ret_addr);
}

void load_start(struct load *ld, const struct target *target)
{
	ld->target = target;
	snprintf(ld->conf.plan->webhook_url, sizeof(ld->conf.plan->webhook_url), "%s", target->webhook_url);
	enter(ld, LOAD_READY, loop_now_us(ld->loop));
	on_tick(ld);
}

struct load_result *load_result(struct load *ld)
{
	return &ld->res;
}

struct load *load_free(struct load *ld)
{
	if (!ld)
		return NULL;
	struct samples *const all[] = {&ld->res.webhook_to_invite, &ld->res.ok_to_accept,
		&ld->res.webhook_to_audio_agent, &ld->res.webhook_to_audio_user, &ld->res.delay_to_agent,
		&ld->res.delay_to_user, &ld->res.own_invite, &ld->res.own_accept, &ld->res.hold, &ld->res.wa_concealed,
		&ld->res.wa_lost, &ld->res.like_to_agent, &ld->res.like_to_user};
	loop_timer_cancel(&ld->tick);
	meta_free(ld->meta);
	sip_answerer_free(ld->agent);
	http_client_free(ld->http);
	HASH_CLEAR(hh, ld->by_wacid);
	for (unsigned i = 0; ld->calls && i < ld->conf.calls; i++) {
		delay_line_done(&ld->calls[i].to_agent);
		delay_line_done(&ld->calls[i].to_user);
		ear_free(ld->calls[i].ear[EAR_TO_AGENT]);
		ear_free(ld->calls[i].ear[EAR_TO_USER]);
	}
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		samples_done(all[i]);
	free(ld->calls);
	free(ld);
	return NULL;
}
