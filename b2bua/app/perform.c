/* b2bua/app/perform.c
 *
 * Actions of the call logic -> calls into the modules. One small function each.
 */
#include "b2bua/app/dial.h"

#include "b2bua/app/invite.h"
#include "b2bua/app/job.h"
#include "lib/base/assert.h"
#include "lib/base/clock.h"
#include "lib/base/counter.h"
#include "lib/base/crypto.h"
#include "lib/base/str.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* ---- media ---- */

static void queue_media_failed(struct app_call *ac, enum media_failure failure)
{
	const struct call_event ev = {
		.kind = CALL_EV_MEDIA_FAILED, .u.media_failure = {false, media_failure_name(failure)}};
	app_queue_event(ac, &ev);
}

static void do_media_open(struct app_call *ac)
{
	struct call_event ev = {.kind = CALL_EV_MEDIA_OPENED, .u.local = &ac->pending->media_local};
	uint64_t session;
	int r = media_open(ac->app->media, &session, &ac->pending->media_local);

	if (r == 0) {
		r = registry_set_media(ac, session);
		if (r)
			media_close(ac->app->media, session);
	}
	if (r) {
		counter_inc(CNT_CALLS_REFUSED_LIMIT);
		log_warn("media_refused", "call=%s error=\"%s\"", ac->id, strerror(-r));
		ev.kind = CALL_EV_MEDIA_REFUSED;
	}
	app_queue_event(ac, &ev);
}

static void check_media(struct app_call *ac, int r)
{
	if (r)
		queue_media_failed(ac, MEDIA_FAIL_RESOURCES);
}

/* Only of a call that WhatsApp waits for: who calls a user may well say something before he answers, and it is not
 * meant for him. Once media flows the engine has nothing to keep. */
static void do_set_sip(struct app_call *ac, const struct media_sip_remote *remote)
{
	struct call_report rep;
	int r = media_set_sip(ac->app->media, ac->media_session, remote);

	call_report(ac->call, &rep);
	if (r == 0 && !rep.outbound && ac->config->keep_greeting)
		r = media_keep_greeting(ac->app->media, ac->media_session);
	check_media(ac, r);
}

/* ---- Graph ---- */

static enum graph_verb graph_verb_of(enum call_verb v)
{
	ASSERT(v < VERB_COUNT);
	switch (v) {
	case VERB_PRE_ACCEPT: return GRAPH_PRE_ACCEPT;
	case VERB_ACCEPT: return GRAPH_ACCEPT;
	case VERB_REJECT: return GRAPH_REJECT;
	case VERB_TERMINATE: return GRAPH_TERMINATE;
	case VERB_CONNECT: return GRAPH_CONNECT;
	case VERB_COUNT: break;
	}
	return GRAPH_TERMINATE;
}

static void send_verb(struct app_call *ac, const struct graph_request *request, enum call_verb verb)
{
	int r = send_graph(ac->app, ac->key, request, ac->number);

	if (r) {
		const struct call_event ev = {
			.kind = CALL_EV_GRAPH_DONE, .u.graph = {verb, VERB_FAILED, 0, "request could not be made", ""}};
		log_error("graph_failed", "call=%s verb=%s error=\"%s\"", ac->id, graph_verb_name(request->verb),
			strerror(-r));
		app_queue_event(ac, &ev);
		return;
	}
	log_info("graph_sent", "call=%s verb=%s t_us=%llu", ac->id, graph_verb_name(request->verb),
		(unsigned long long)clock_mono_us());
}

/* ---- connect: the intent is on disk before Meta hears of it, so that no crash leads to a second call ---- */

struct intent_job {
	struct job job;
	const char *sdp; /* in the call's arena */
	bool was_parked;
};

static void connect_refused(struct app_call *ac, const char *why)
{
	struct call_event ev = {.kind = CALL_EV_GRAPH_DONE, .u.graph = {VERB_CONNECT, VERB_REFUSED, 0, why, ""}};

	log_error("dial_intent_failed", "call=%s why=\"%s\"", ac->id, why);
	app_step(ac, &ev);
}

static void post_connect(struct app_call *ac, const char *sdp)
{
	const struct graph_request request = {
		.verb = GRAPH_CONNECT,
		.number = &ac->graph_number,
		.sdp = sdp,
		.opaque = ac->id,
		.to = ac->dial->user_number,
		.recipient = ac->dial->user_id,
	};
	int r = send_graph(ac->app, ac->key, &request, ac->number);

	if (r) {
		connect_refused(ac, strerror(-r));
		return;
	}
	log_info("graph_sent", "call=%s verb=connect t_us=%llu", ac->id, (unsigned long long)clock_mono_us());
}

static void on_intent(int status, void *arg)
{
	struct intent_job *j = arg;
	struct app *app = j->job.app;
	struct app_call *ac = registry_by_key(app, j->job.key);
	const char *sdp = j->sdp;
	struct call_report rep;

	if (ac && status)
		ac->dial->is_parked = j->was_parked; /* nothing was written: it still lies in the store */
	job_free(&j->job);
	if (!ac)
		return;
	loop_refresh_now(app->loop);
	call_report(ac->call, &rep);
	if (rep.ended) /* given up while the disk wrote: nobody is dialled */
		connect_refused(ac, "given up before it was made");
	else if (status)
		connect_refused(ac, "the dial intent could not be written");
	else
		post_connect(ac, sdp);
}

static void do_connect(struct app_call *ac, const char *sdp)
{
	const struct live_call live = leftovers_entry(ac);
	struct intent_job *j = job_new(ac->app, sizeof(*j), ac->key);
	int r = -ENOMEM;

	if (j) {
		j->sdp = sdp;
		j->was_parked = ac->dial->is_parked;
		r = store_put_live_then(ac->app->store, &live, ac->dial->is_parked ? ac->dial->id : NULL, on_intent, j);
	}
	if (r) {
		const struct call_event ev = {.kind = CALL_EV_GRAPH_DONE,
			.u.graph = {VERB_CONNECT, VERB_REFUSED, 0, "the dial intent could not be written", ""}};
		if (j)
			job_free(&j->job);
		log_error("dial_intent_failed", "call=%s why=\"%s\"", ac->id, strerror(-r));
		app_queue_event(ac, &ev);
		return;
	}
	ac->dial->is_parked = false; /* the same transaction takes it out of the store */
}

static void do_graph(struct app_call *ac, enum call_verb verb, const char *sdp)
{
	const struct graph_request request = {
		.verb = graph_verb_of(verb),
		.number = &ac->graph_number,
		.call_id = ac->wacid,
		.sdp = sdp,
		.opaque = verb == VERB_ACCEPT ? ac->id : NULL,
	};

	if (verb == VERB_CONNECT) {
		do_connect(ac, sdp);
		return;
	}
	/* Written before pre_accept goes out: from then on Meta holds state that somebody must end if we die. */
	if (verb == VERB_PRE_ACCEPT || verb == VERB_ACCEPT)
		leftovers_note(ac);
	send_verb(ac, &request, verb);
	if (verb == VERB_ACCEPT && ac->answer_us && ac->setup_accept_us < 0)
		ac->setup_accept_us = (int64_t)(clock_mono_us() - ac->answer_us);
}

/* ---- SIP ---- */

static void queue_sip_refused(struct app_call *ac, enum call_leg which, int code, const char *why)
{
	const struct call_event ev = {.kind = CALL_EV_SIP_REFUSED, .leg = which, .u.sip = {.code = code, .why = why}};
	app_queue_event(ac, &ev);
}

static void queue_not_called(struct app_call *ac, enum call_leg which, enum cause why)
{
	const struct call_event ev = {.kind = CALL_EV_SIP_REFUSED,
		.leg = which,
		.u.sip = {.code = cause_info(why)->sip_code, .q850 = cause_info(why)->q850}};
	app_queue_event(ac, &ev);
}

static struct call_facts facts_of(const struct app_call *ac)
{
	struct call_report rep;

	call_report(ac->call, &rep);
	return invite_facts(&rep, ac->number->tenant);
}

static int send_invite(struct app_call *ac, const struct call_action *a)
{
	const struct call_facts facts = facts_of(ac);
	struct invite_parts parts;
	struct arena arena;
	uint64_t leg;
	int r;

	arena_init(&arena, 0);
	r = invite_make(ac->config, a, &facts, &arena, &parts);
	if (r == 0)
		r = sip_leg_invite(ac->app->sip, &parts.invite, &leg);
	arena_done(&arena);
	if (r)
		return r;
	r = registry_set_leg(ac, a->leg, leg);
	if (r)
		sip_leg_cancel(ac->app->sip, leg, 0, 0, NULL);
	return r;
}

static void do_invite(struct app_call *ac, const struct call_action *a)
{
	const struct call_gateway *gw = a->u.invite.gateway;
	enum cause why = gateway_refuses(ac->app, gw);
	int r;

	if (why != CAUSE_NORMAL) {
		counter_inc(CNT_GATEWAY_LIMITED);
		log_warn("gateway_not_called", "call=%s gateway=%s cause=%s", ac->id, gw->name, cause_info(why)->name);
		queue_not_called(ac, a->leg, why);
		return;
	}
	r = send_invite(ac, a);
	if (r) {
		log_error("sip_invite_failed", "call=%s gateway=%s error=\"%s\"", ac->id, gw->name, strerror(-r));
		queue_sip_refused(ac, a->leg, 500,
			r == -EINVAL ? "the INVITE cannot be made: its target, a name or a header"
				     : "the INVITE cannot be made");
		return;
	}
	ac->legs[a->leg].gateway = gw;
	if (ac->setup_invite_us < 0)
		ac->setup_invite_us = (int64_t)(clock_mono_us() - ac->webhook_us);
	log_info("sip_invite", "call=%s gateway=%s t_us=%llu", ac->id, gw->name, (unsigned long long)clock_mono_us());
}

static void do_cancel(struct app_call *ac, enum call_leg which, enum cause cause)
{
	const struct cause_info *info = cause_info(cause);

	log_info("sip_cancel", "call=%s gateway=%s cause=%s", ac->id,
		ac->legs[which].gateway ? ac->legs[which].gateway->name : "-", info->name);
	sip_leg_cancel(ac->app->sip, ac->legs[which].id, info->sip_code, info->q850, info->text);
	(void)registry_set_leg(ac, which, 0);
}

static void do_bye(struct app_call *ac, enum call_leg which, enum cause cause)
{
	const struct cause_info *info = cause_info(cause);

	log_info("sip_bye_sent", "call=%s cause=%s", ac->id, info->name);
	sip_leg_bye(ac->app->sip, ac->legs[which].id, info->sip_code, info->q850, info->text);
	(void)registry_set_leg(ac, which, 0);
}

static void do_accept(struct app_call *ac, enum call_leg which, const char *sdp)
{
	log_info("sip_accepted", "call=%s t_us=%llu", ac->id, (unsigned long long)clock_mono_us());
	sip_leg_accept(ac->app->sip, ac->legs[which].id, sdp);
}

static void do_reject(struct app_call *ac, const struct call_action *a)
{
	char error[320], retry[16];
	struct sip_header headers[3];
	size_t count = 0;

	if (a->u.reject.code == 488)
		headers[count++] = (struct sip_header){"Warning", SIP_WARNING_MEDIA};
	if (a->u.reject.meta_code) {
		snprintf(error, sizeof(error), "%d;text=\"%.200s\"", a->u.reject.meta_code,
			a->u.reject.meta_text ? a->u.reject.meta_text : "");
		for (char *p = strchr(error, '"') ? strchr(error, '"') + 1 : error; *p && p[1]; p++) {
			if (*p == '"' || *p == '\\')
				*p = '\'';
		}
		headers[count++] = (struct sip_header){"X-WA-Error", error};
	}
	if (a->u.reject.retry_after_s) {
		snprintf(retry, sizeof(retry), "%u", a->u.reject.retry_after_s);
		headers[count++] = (struct sip_header){"Retry-After", retry};
	}
	log_info("sip_rejected", "call=%s code=%d cause=%s", ac->id, a->u.reject.code,
		cause_info(a->u.reject.cause)->name);
	sip_leg_reject(ac->app->sip, ac->legs[a->leg].id, a->u.reject.code, a->u.reject.text, a->u.reject.q850, headers,
		count);
	(void)registry_set_leg(ac, a->leg, 0);
}

/* A transfer's target, or the first of several gateways to answer. */
static void do_promote(struct app_call *ac, enum call_leg which)
{
	uint64_t leg = ac->legs[which].id;
	const struct call_gateway *gateway = ac->legs[which].gateway;

	log_info(which == CALL_LEG_TARGET ? "sip_transferred" : "sip_gateway_won", "call=%s gateway=%s t_us=%llu",
		ac->id, gateway ? gateway->name : "-", (unsigned long long)clock_mono_us());
	(void)registry_set_leg(ac, which, 0);
	ac->legs[CALL_LEG_MAIN].gateway = gateway;
	if (registry_set_leg(ac, CALL_LEG_MAIN, leg)) {
		sip_leg_bye(ac->app->sip, leg, 500, 0, "out of memory");
		queue_media_failed(ac, MEDIA_FAIL_RESOURCES);
	}
}

/* ---- asking for the route ---- */

static void on_routed(const struct route *route, void *arg)
{
	struct app_call *ac = arg;
	struct call_event ev = {.kind = CALL_EV_ROUTED, .u.route = route};

	ac->ask = NULL;
	app_step(ac, &ev);
}

static void do_ask_route(struct app_call *ac, const struct route *asked)
{
	struct call_facts *facts = arena_alloc(&ac->route_arena, sizeof(*facts));

	if (facts) {
		*facts = facts_of(ac); /* their text lives as long as the call */
		facts->random = crypto_random_u64();
		ac->ask = ask_route(ac->app, asked, facts, &ac->route_arena, on_routed, ac);
	}
	if (!ac->ask)
		log_error("route_ask_failed", "call=%s why=\"out of memory\"", ac->id); /* its window ends the call */
}

/* ---- timers ---- */

static void on_timer(void *arg)
{
	struct timer_arg *ta = arg;
	struct call_event ev = {.kind = CALL_EV_TIMER, .u.timer = ta->which};

	app_step(ta->ac, &ev);
}

static void do_timer_set(struct app_call *ac, enum call_timer which, uint64_t at_us)
{
	/* Without its timers a call could live for ever: better to stop here than to leak calls in silence. */
	ASSERT(loop_timer_set(ac->app->loop, &ac->timers[which], at_us, on_timer, &ac->timer_args[which]) == 0);
}

/* ---- digits ---- */

/* Whose wishes hold for the main leg; NULL: nobody's. */
static const struct call_gateway *main_gateway(const struct app_call *ac)
{
	const struct call_gateway *called = ac->legs[CALL_LEG_MAIN].gateway;

	return called || !ac->dial ? called : ac->dial->caller;
}

void info_digit(struct app_call *ac, char digit, unsigned duration_ms)
{
	const struct call_gateway *gw = main_gateway(ac);

	if (gw && (gw->dtmf == CALL_DTMF_INFO || gw->dtmf == CALL_DTMF_BOTH))
		sip_leg_digit(ac->app->sip, ac->legs[CALL_LEG_MAIN].id, digit, duration_ms);
}

static void do_dtmf(struct app_call *ac, const struct call_action *a)
{
	if (a->u.dtmf.side == SIDE_SIP)
		for (const char *digit = a->u.dtmf.digits; *digit; digit++)
			info_digit(ac, *digit, 0);
	check_media(ac, media_send_dtmf(ac->app->media, ac->media_session, a->u.dtmf.side, a->u.dtmf.digits));
}

/* ---- the end ---- */

static void do_release(struct app_call *ac)
{
	if (*ac->wacid)
		tombstones_add(ac->app->tombstones, ac->wacid, loop_wall_ms(ac->app->loop));
	ac->released = true; /* step.c frees it when its actions are done */
}

void perform(struct app_call *ac, const struct call_action *a)
{
	struct media_engine *media = ac->app->media;
	struct sip_stack *sip = ac->app->sip;

	switch (a->kind) {
	case CALL_DO_MEDIA_OPEN: do_media_open(ac); break;
	case CALL_DO_MEDIA_SET_WA: check_media(ac, media_set_wa(media, ac->media_session, &a->u.wa)); break;
	case CALL_DO_MEDIA_SET_SIP: do_set_sip(ac, &a->u.sip_media); break;
	case CALL_DO_MEDIA_START_WA: check_media(ac, media_start_wa(media, ac->media_session)); break;
	case CALL_DO_MEDIA_CLOSE: media_close(media, ac->media_session); break;
	case CALL_DO_GRAPH: do_graph(ac, a->u.graph.verb, a->u.graph.sdp); break;
	case CALL_DO_SIP_INVITE: do_invite(ac, a); break;
	case CALL_DO_SIP_CANCEL: do_cancel(ac, a->leg, a->u.cause); break;
	case CALL_DO_SIP_BYE: do_bye(ac, a->leg, a->u.cause); break;
	case CALL_DO_SIP_RESPOND: sip_leg_respond(sip, ac->legs[a->leg].id, a->u.respond.code, a->u.respond.sdp); break;
	case CALL_DO_SIP_RING: sip_leg_ring(sip, ac->legs[a->leg].id, a->u.respond.code, a->u.respond.sdp); break;
	case CALL_DO_SIP_ACCEPT: do_accept(ac, a->leg, a->u.respond.sdp); break;
	case CALL_DO_SIP_REJECT: do_reject(ac, a); break;
	case CALL_DO_SIP_REFER_RESPOND: sip_leg_refer_respond(sip, ac->legs[a->leg].id, a->u.respond.code); break;
	case CALL_DO_SIP_NOTIFY: sip_leg_notify(sip, ac->legs[a->leg].id, a->u.notify.code, a->u.notify.final); break;
	case CALL_DO_SIP_PROMOTE: do_promote(ac, a->leg); break;
	case CALL_DO_ASK_ROUTE: do_ask_route(ac, a->u.route); break;
	case CALL_DO_ASK_PERMISSION: permissions_ask(ac); break;
	case CALL_DO_MEDIA_PLAY:
		check_media(ac, media_play(media, ac->media_session, a->u.play.side, a->u.play.sound));
		break;
	case CALL_DO_MEDIA_MUTE:
		check_media(ac, media_mute(media, ac->media_session, a->u.mute.side, a->u.mute.on));
		break;
	case CALL_DO_MEDIA_DTMF: do_dtmf(ac, a); break;
	case CALL_DO_TIMER_SET: do_timer_set(ac, a->u.timer.which, a->u.timer.at_us); break;
	case CALL_DO_TIMER_CANCEL: loop_timer_cancel(&ac->timers[a->u.timer.which]); break;
	case CALL_DO_RECORD: record_call(ac); break;
	case CALL_DO_RELEASE: do_release(ac); break;
	case CALL_ACTION_KIND_COUNT: break;
	}
}
