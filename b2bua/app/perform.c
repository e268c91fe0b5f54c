/* b2bua/app/perform.c
 *
 * Actions of the call logic -> calls into the modules. One small function each.
 */
#include "b2bua/app/shell.h"

#include "b2bua/sip/uri.h"
#include "lib/base/assert.h"
#include "lib/base/clock.h"
#include "lib/base/counter.h"
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
	struct call_event ev = {.kind = CALL_EV_MEDIA_OPENED};
	uint64_t session;
	int r = media_open(ac->app->media, &session, &ev.u.local);

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

/* Written before pre_accept goes out: from then on Meta holds state that somebody must end if we die. */
static void remember_live(struct app_call *ac)
{
	struct live_call live = {.started_ms = loop_wall_ms(ac->app->loop)};
	struct call_report rep;

	call_report(ac->call, &rep);
	str_copy(live.id, sizeof(live.id), ac->id);
	str_copy(live.wacid, sizeof(live.wacid), ac->wacid);
	str_copy(live.number_id, sizeof(live.number_id), ac->number->phone_number_id);
	str_copy(live.user_number, sizeof(live.user_number), rep.user_number);
	store_put_live(ac->app->store, &live);
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
	int r;

	if (verb == VERB_PRE_ACCEPT || verb == VERB_ACCEPT)
		remember_live(ac);
	r = send_graph(ac->app, ac->key, &request);
	if (r) {
		const struct call_event ev = {
			.kind = CALL_EV_GRAPH_DONE, .u.graph = {verb, VERB_FAILED, 0, "request could not be made"}};
		log_error("graph_failed", "call=%s verb=%s error=\"%s\"", ac->id, graph_verb_name(request.verb),
			strerror(-r));
		app_queue_event(ac, &ev);
		return;
	}
	if (verb == VERB_ACCEPT && ac->answer_us && ac->setup_accept_us < 0)
		ac->setup_accept_us = (int64_t)(clock_mono_us() - ac->answer_us);
	log_info("graph_sent", "call=%s verb=%s t_us=%llu", ac->id, graph_verb_name(request.verb),
		(unsigned long long)clock_mono_us());
}

/* ---- SIP ---- */

static void queue_sip_refused(struct app_call *ac, int code)
{
	const struct call_event ev = {.kind = CALL_EV_SIP_REFUSED, .u.sip = {.code = code}};
	app_queue_event(ac, &ev);
}

static void do_invite(struct app_call *ac, const struct call_action *a)
{
	const struct call_gateway *gw = a->u.invite.gateway;
	struct sip_header headers[ROUTE_HEADERS_MAX + 16];
	struct sip_invite invite = {
		.target_uri = ac->sip_target,
		.from_user = a->u.invite.from_user,
		.from_display = a->u.invite.from_display,
		.from_domain = ac->app->config->sip.domain,
		.headers = headers,
		.sdp = a->u.invite.sdp,
	};
	char pai[SIP_URI_MAX] = "";
	uint64_t leg;
	int r = str_copy(ac->sip_target, sizeof(ac->sip_target), a->u.invite.target);

	for (size_t i = 0; i < a->u.invite.header_count && i < sizeof(headers) / sizeof(headers[0]); i++)
		headers[invite.header_count++] =
			(struct sip_header){a->u.invite.headers[i].name, a->u.invite.headers[i].value};
	if (a->u.invite.pai_user && *a->u.invite.pai_user)
		snprintf(pai, sizeof(pai), "sip:%s@%s", a->u.invite.pai_user, ac->app->config->sip.domain);
	invite.pai_uri = pai;
	if (r == 0)
		r = sip_leg_invite(ac->app->sip, &invite, &leg);
	if (r == 0) {
		r = registry_set_leg(ac, leg);
		if (r)
			sip_leg_cancel(ac->app->sip, leg, 0, 0, NULL);
	}
	if (r) {
		log_error("sip_invite_failed", "call=%s gateway=%s error=\"%s\"", ac->id, gw->name, strerror(-r));
		queue_sip_refused(ac, 500);
		return;
	}
	ac->setup_invite_us = (int64_t)(clock_mono_us() - ac->webhook_us);
	log_info("sip_invite", "call=%s gateway=%s t_us=%llu", ac->id, gw->name, (unsigned long long)clock_mono_us());
}

static void do_cancel(struct app_call *ac, enum cause cause)
{
	const struct cause_info *info = cause_info(cause);

	log_info("sip_cancel", "call=%s cause=%s", ac->id, info->name);
	sip_leg_cancel(ac->app->sip, ac->sip_leg, info->sip_code, info->q850, info->text);
	(void)registry_set_leg(ac, 0);
}

static void do_bye(struct app_call *ac, enum cause cause)
{
	const struct cause_info *info = cause_info(cause);

	log_info("sip_bye_sent", "call=%s cause=%s", ac->id, info->name);
	sip_leg_bye(ac->app->sip, ac->sip_leg, info->sip_code, info->q850, info->text);
	(void)registry_set_leg(ac, 0);
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

/* ---- the end ---- */

static void do_release(struct app_call *ac)
{
	tombstones_add(ac->app->tombstones, ac->wacid, loop_wall_ms(ac->app->loop));
	ac->released = true; /* step.c frees it when its actions are done */
}

void perform(struct app_call *ac, const struct call_action *a)
{
	struct media_engine *media = ac->app->media;

	switch (a->kind) {
	case CALL_DO_MEDIA_OPEN: do_media_open(ac); break;
	case CALL_DO_MEDIA_SET_WA: check_media(ac, media_set_wa(media, ac->media_session, &a->u.wa)); break;
	case CALL_DO_MEDIA_SET_SIP: check_media(ac, media_set_sip(media, ac->media_session, &a->u.sip_media)); break;
	case CALL_DO_MEDIA_START_WA: check_media(ac, media_start_wa(media, ac->media_session)); break;
	case CALL_DO_MEDIA_CLOSE: media_close(media, ac->media_session); break;
	case CALL_DO_GRAPH: do_graph(ac, a->u.graph.verb, a->u.graph.sdp); break;
	case CALL_DO_SIP_INVITE: do_invite(ac, a); break;
	case CALL_DO_SIP_CANCEL: do_cancel(ac, a->u.cause); break;
	case CALL_DO_SIP_BYE: do_bye(ac, a->u.cause); break;
	case CALL_DO_SIP_RESPOND:
		sip_leg_respond(ac->app->sip, ac->sip_leg, a->u.respond.code, a->u.respond.sdp);
		break;
	case CALL_DO_TIMER_SET: do_timer_set(ac, a->u.timer.which, a->u.timer.at_us); break;
	case CALL_DO_TIMER_CANCEL: loop_timer_cancel(&ac->timers[a->u.timer.which]); break;
	case CALL_DO_ASK_ROUTE:
	case CALL_DO_ASK_PERMISSION:
	case CALL_DO_SIP_RING:
	case CALL_DO_SIP_ACCEPT:
	case CALL_DO_SIP_REJECT:
	case CALL_DO_SIP_REFER_RESPOND:
	case CALL_DO_SIP_NOTIFY:
	case CALL_DO_SIP_PROMOTE:
	case CALL_DO_MEDIA_PLAY:
	case CALL_DO_MEDIA_MUTE:
	case CALL_DO_MEDIA_DTMF: break;
	case CALL_DO_RECORD: record_call(ac); break;
	case CALL_DO_RELEASE: do_release(ac); break;
	case CALL_ACTION_KIND_COUNT: break;
	}
}
