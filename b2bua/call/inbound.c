/* b2bua/call/inbound.c
 *
 * A user-initiated call, from Meta's offer until both sides talk: the dialplan says where to, at once or through a
 * service that is asked; INVITE and pre_accept go out together as soon as media is open; the SIP answer leads to
 * accept; Meta's 200 to it lets audio flow. One function an event.
 */
#include "b2bua/call/call_internal.h"

#include "b2bua/call/headers.h"
#include "lib/base/str.h"

#include <errno.h>
#include <string.h>

/* ---- offer: where does it go, and can it be used ---- */

static const struct call_gateway *find_gateway(const struct call_settings *s, const char *name)
{
	for (size_t i = 0; i < s->gateway_count; i++)
		if (str_equal(s->gateways[i].name, name))
			return &s->gateways[i];
	return NULL;
}

static enum cause reject_cause(const struct route *route)
{
	enum cause cause;
	return cause_parse(route->cause, &cause) == 0 ? cause : CAUSE_NOT_ALLOWED;
}

static enum cause ask_dialplan(struct call *c)
{
	const struct call_facts facts = {
		.direction = CALL_INBOUND,
		.tenant = c->settings->tenant,
		.to = c->number,
		.from = c->user_number,
		.from_user_id = c->user_id,
		.name = c->profile_name,
		.payload = c->payload,
		.phone_number_id = c->phone_number_id,
		.call_id = c->call_id,
		.random = c->random,
	};

	if (!c->settings->dialplan)
		return CAUSE_NO_ROUTE;
	if (dialplan_route(c->settings->dialplan, &facts, c->wall_ms, &c->arena, &c->route) < 0) {
		memset(&c->route, 0, sizeof(c->route));
		return CAUSE_INTERNAL;
	}
	return CAUSE_NORMAL;
}

/* CAUSE_NORMAL: go on. */
static enum cause judge_route(struct call *c)
{
	if (c->route.kind == ROUTE_REJECT)
		return reject_cause(&c->route);
	if (c->route.kind != ROUTE_BRIDGE || c->route.gateway_count == 0)
		return CAUSE_NO_ROUTE;
	for (size_t i = 0; i < c->route.gateway_count; i++)
		if (!find_gateway(c->settings, c->route.gateways[i]))
			return CAUSE_NO_ROUTE;
	c->sip.gateway = find_gateway(c->settings, c->route.gateways[0]);
	return CAUSE_NORMAL;
}

static enum cause read_offer(struct call *c)
{
	struct sdp_error error;

	if (negotiate_wa_offer(c->wa_remote_sdp, c->wa_remote_sdp_length, &c->wa.offer, &error) == 0)
		return CAUSE_NORMAL;
	str_copy(c->meta_text, sizeof(c->meta_text), error.what);
	return CAUSE_BAD_OFFER;
}

static void open_media(struct call *c)
{
	enum cause cause = judge_route(c);

	if (cause != CAUSE_NORMAL) {
		call_end(c, cause, ENDED_BY_US);
		return;
	}
	c->state = CALL_OPENING;
	c->media = MEDIA_ASKED;
	call_emit(c, CALL_DO_MEDIA_OPEN);
}

static void ask_route(struct call *c)
{
	c->state = CALL_ASKING;
	call_emit(c, CALL_DO_ASK_ROUTE)->u.route = &c->route;
}

static void on_offer(struct call *c, const struct call_event *ev)
{
	enum cause cause;

	(void)ev;
	if (c->state != CALL_NEW) {
		call_ignore(c);
		return;
	}
	c->offer_us = c->now_us;
	cause = ask_dialplan(c);
	if (cause == CAUSE_NORMAL && c->route.kind != ROUTE_ASK)
		cause = judge_route(c);
	if (cause == CAUSE_NORMAL)
		cause = read_offer(c);
	if (cause != CAUSE_NORMAL) {
		call_end(c, cause, ENDED_BY_US);
		return;
	}
	c->window_us = call_after_ms(c, call_or_default(c->settings->accept_window_ms, LIMIT_WINDOW_MS));
	call_timer_set(c, CALL_TIMER_WINDOW, c->window_us);
	if (c->route.kind == ROUTE_ASK)
		ask_route(c);
	else
		open_media(c);
}

static void on_routed(struct call *c, const struct call_event *ev)
{
	if (c->state != CALL_ASKING) {
		call_ignore(c);
		return;
	}
	if (ev->u.route)
		c->route = *ev->u.route;
	else
		c->route.kind = ROUTE_NONE;
	open_media(c);
}

/* ---- media is open: call the SIP side, tell Meta ---- */

/* "sip:host;transport=udp" and "600" -> "sip:600@host;transport=udp". A gateway that is called under one name only (a
 * project, a room) has it in its URI: that stands when the rule says nothing. */
static const char *target_uri(struct call *c, const char *uri, const char *user)
{
	const char *colon = strchr(uri, ':'), *rest = colon ? colon + 1 : uri, *at = strchr(rest, '@');

	if (at && !(c->route.user && c->route.user[0]))
		return uri;
	return arena_printf(&c->arena, "%.*s%s@%s", (int)(rest - uri), uri, user, at ? at + 1 : rest);
}

static int name_parties(struct call *c)
{
	struct sip_leg *sip = &c->sip;
	const char *caller_id, *display;

	sip->from_said = c->route.caller_id && c->route.caller_id[0];
	sip->display_said = c->route.display_name && c->route.display_name[0];
	caller_id = sip->from_said ? c->route.caller_id : c->user_number;
	display = sip->display_said ? c->route.display_name : c->profile_name;
	sip->user = c->route.user && c->route.user[0] ? c->route.user : header_digits(&c->arena, c->number);
	sip->from_user = header_uri_user(&c->arena, caller_id, LIMIT_USER_CHARS);
	sip->from_display = header_text(&c->arena, display, LIMIT_NAME_CHARS);
	sip->pai_user = header_uri_user(&c->arena, c->user_number, LIMIT_USER_CHARS);
	if (!sip->user || !sip->from_user || !sip->from_display || !sip->pai_user)
		return -ENOMEM;
	return 0;
}

static int list_places(struct call *c)
{
	call_group_init(c, &c->route.failover, c->route.parallel && c->route.gateway_count > 1);
	for (size_t i = 0; i < c->route.gateway_count; i++) {
		const struct call_gateway *gateway = find_gateway(c->settings, c->route.gateways[i]);
		const struct call_place place = {
			gateway, target_uri(c, gateway->uri, c->sip.user), c->route.timeouts_s[i] * 1000};
		int r = call_group_add(c, &place);
		if (r < 0)
			return r;
	}
	return 0;
}

/* All that can fail before anything is sent. Returns 0, -ENOMEM or -ENOBUFS. */
static int prepare(struct call *c)
{
	char text[LIMIT_WA_SDP_BYTES];
	int r = negotiate_wa_answer(&c->wa.offer, &c->wa_local, text, sizeof(text));

	if (r < 0)
		return r;
	c->wa.local_sdp = arena_strdup(&c->arena, text);
	if (!c->wa.local_sdp || name_parties(c) < 0 || list_places(c) < 0)
		return -ENOMEM;
	return call_leg_headers(c, &c->sip, c->route.headers, c->route.header_count);
}

static void on_media_opened(struct call *c, const struct call_event *ev)
{
	if (c->state != CALL_OPENING) {
		call_ignore(c);
		return;
	}
	c->media = MEDIA_OPEN;
	if (call_take_local(c, ev->u.local) < 0 || prepare(c) < 0) {
		call_end(c, CAUSE_INTERNAL, ENDED_BY_US);
		return;
	}
	call_emit(c, CALL_DO_MEDIA_SET_WA)->u.wa = c->wa.offer.remote;
	if (call_group_invite(c) < 0) {
		call_end(c, CAUSE_INTERNAL, ENDED_BY_US);
		return;
	}
	if (c->settings->use_pre_accept)
		call_emit_verb(c, VERB_PRE_ACCEPT, c->wa.local_sdp);
	call_group_ring(c);
	c->state = CALL_RINGING;
}

static void on_media_refused(struct call *c, const struct call_event *ev)
{
	(void)ev;
	if (c->state != CALL_OPENING) {
		call_ignore(c);
		return;
	}
	c->media = MEDIA_NONE;
	call_end(c, CAUSE_CONGESTION, ENDED_BY_US);
}

/* ---- the SIP side rings and answers ---- */

static void send_accept(struct call *c)
{
	unsigned setup_ms = call_or_default(c->settings->media_setup_ms, LIMIT_MEDIA_SETUP_MS);

	if (c->now_us > c->window_us + LIMIT_WINDOW_GRACE_MS * 1000u) { /* Meta has given the call up by now, or will */
		call_end(c, CAUSE_NO_ANSWER, ENDED_BY_US);
		return;
	}
	c->state = CALL_ACCEPTING;
	c->accept_us = c->now_us;
	c->accepted_early = c->sip.state == LEG_EARLY;
	call_emit_verb(c, VERB_ACCEPT, c->wa.local_sdp);
	call_timer_cancel(c, CALL_TIMER_WINDOW);
	call_timer_set(c, CALL_TIMER_MEDIA, call_after_ms(c, setup_ms));
}

/* Can media come up before accept? Meta's relay answers our checks only once it has our SDP. */
static bool media_may_come(const struct call *c)
{
	return c->wa.sent[VERB_PRE_ACCEPT] &&
	       !(c->wa.done[VERB_PRE_ACCEPT] && c->wa.outcome[VERB_PRE_ACCEPT] == VERB_FAILED);
}

static void accept_or_wait(struct call *c)
{
	uint64_t wait_until_us = call_after_ms(c, c->settings->media_wait_ms);

	c->state = CALL_ANSWERED;
	if (wait_until_us > c->window_us)
		wait_until_us = c->window_us;
	if (c->media_up || !media_may_come(c) || wait_until_us <= c->now_us)
		send_accept(c);
	else
		call_timer_set(c, CALL_TIMER_MEDIA, wait_until_us);
}

/* Meta has no early media: what comes before the answer is heard only by accepting the call on it. When several phones
 * are rung behind the gateway (RFC 3261 s13.2.2.4: each early dialog another To tag), the latest to say where it sends
 * from is heard. One that we cannot talk by changes nothing: there may be a better one, and there will be an answer. */
static void hear_early_media(struct call *c, const struct call_event *ev)
{
	bool first = c->sip.state == LEG_CALLING;
	int r = negotiate_sip_answer(&c->sip.sdp, ev->u.sip.sdp, ev->u.sip.sdp_length);

	if (r < 0 || (r == 0 && !first))
		return;
	call_keep_remote_sdp(c, &c->sip, ev->u.sip.sdp, ev->u.sip.sdp_length);
	c->sip.new_peer = !first;
	call_set_sip_media(c, &c->sip);
	if (!first)
		return;
	c->sip.state = LEG_EARLY;
	accept_or_wait(c);
}

static void on_sip_progress(struct call *c, const struct call_event *ev)
{
	if (!call_leg_rings(&c->sip)) {
		call_ignore(c);
		return;
	}
	call_note_progress(c, &c->sip, ev);
	if (ev->u.sip.sdp && c->route.accept_early)
		hear_early_media(c, ev);
}

void call_inbound_answered(struct call *c)
{
	if (c->state == CALL_RINGING)
		accept_or_wait(c);
	else if (c->state == CALL_EARLY)
		c->state = CALL_UP;
	/* else it was early: accept is on its way, or waits for media already */
}

static void on_sip_answered(struct call *c, const struct call_event *ev)
{
	bool early = c->sip.state == LEG_EARLY;
	int r;

	if (!call_leg_rings(&c->sip)) {
		call_ignore(c);
		return;
	}
	c->sip.state = LEG_ANSWERED;
	c->sip_answered_us = c->now_us;
	call_keep_call_id(&c->sip, ev);
	call_keep_remote_sdp(c, &c->sip, ev->u.sip.sdp, ev->u.sip.sdp_length);
	call_timer_cancel(c, CALL_TIMER_RING);
	r = ev->u.sip.sdp ? negotiate_sip_answer(&c->sip.sdp, ev->u.sip.sdp, ev->u.sip.sdp_length) : -EBADMSG;
	if (r < 0) {
		enum cause cause = r == -ENOENT ? CAUSE_NO_CODEC : CAUSE_GATEWAY_FAILED;
		call_attempt_end(c, &c->sip, ev->u.sip.code, cause);
		call_gateway_failed(c, cause, ENDED_BY_US);
		return;
	}
	call_attempt_end(c, &c->sip, ev->u.sip.code, CAUSE_NORMAL);
	c->sip.new_peer = early && r > 0; /* not the one that was heard */
	if (!early || r > 0)
		call_set_sip_media(c, &c->sip);
	call_inbound_answered(c);
}

/* ---- Meta answers ---- */

static void on_pre_accept_done(struct call *c, enum call_verb_outcome outcome)
{
	/* Once accept is out, it decides: requests may overtake each other, and a pre_accept behind its accept is
	 * refused. */
	if (c->state != CALL_RINGING && c->state != CALL_ANSWERED)
		return;
	if (outcome == VERB_ALREADY_OVER) {
		c->wa.over = true;
		call_end(c, CAUSE_CANCELLED, ENDED_BY_USER);
	} else if (outcome == VERB_REFUSED) {
		call_end(c, CAUSE_META_REFUSED, ENDED_BY_META);
	} else if (outcome == VERB_FAILED && c->state == CALL_ANSWERED) {
		call_timer_cancel(c, CALL_TIMER_MEDIA); /* nothing left to wait for */
		send_accept(c);
	}
}

static void on_accepted(struct call *c)
{
	c->state = c->sip.state == LEG_EARLY ? CALL_EARLY : CALL_UP;
	c->answered_ms = c->wall_ms;
	c->meta_code = 0; /* whatever pre_accept failed with did no harm */
	c->meta_text[0] = '\0';
	if (c->media_up)
		call_timer_cancel(c, CALL_TIMER_MEDIA);
	call_timer_set(c, CALL_TIMER_LIMIT, call_after_ms(c, call_or_default(c->settings->max_call_ms, LIMIT_CALL_MS)));
	call_emit(c, CALL_DO_MEDIA_START_WA);
}

static void on_accept_done(struct call *c, enum call_verb_outcome outcome)
{
	if (outcome == VERB_OK) {
		on_accepted(c);
	} else if (outcome == VERB_ALREADY_OVER) {
		c->wa.over = true;
		call_end(c, CAUSE_CANCELLED, ENDED_BY_USER);
	} else if (outcome == VERB_REFUSED) {
		call_end(c, CAUSE_META_REFUSED, ENDED_BY_META);
	} else {
		call_end(c, CAUSE_META_UNREACHABLE, ENDED_BY_US);
	}
}

static void on_graph_done(struct call *c, const struct call_event *ev)
{
	enum call_verb verb = ev->u.graph.verb;
	enum call_verb_outcome outcome = ev->u.graph.outcome;

	if ((unsigned)verb >= VERB_COUNT || !c->wa.sent[verb] || c->wa.done[verb]) {
		call_ignore(c);
		return;
	}
	c->wa.done[verb] = true;
	c->wa.outcome[verb] = outcome;
	if (c->state != CALL_UP && c->state != CALL_EARLY && (outcome == VERB_REFUSED || outcome == VERB_FAILED))
		call_keep_meta_error(c, ev->u.graph.error_code, ev->u.graph.error_text);
	if (verb == VERB_PRE_ACCEPT)
		on_pre_accept_done(c, outcome);
	else if (verb == VERB_ACCEPT)
		on_accept_done(c, outcome);
}

static void on_media_up(struct call *c, const struct call_event *ev)
{
	(void)ev;
	if (c->media != MEDIA_OPEN || c->media_up) {
		call_ignore(c);
		return;
	}
	c->media_up = true;
	c->media_up_us = c->now_us;
	if (c->state == CALL_ANSWERED) {
		call_timer_cancel(c, CALL_TIMER_MEDIA);
		send_accept(c);
	} else if (c->state == CALL_UP || c->state == CALL_EARLY) {
		call_timer_cancel(c, CALL_TIMER_MEDIA);
	}
}

/* ---- time ---- */

static void on_window(struct call *c)
{
	if (c->state == CALL_ANSWERED) {
		call_timer_cancel(c, CALL_TIMER_MEDIA);
		send_accept(c);
	} else {
		static const enum cause causes[CALL_STATE_COUNT] = {[CALL_OPENING] = CAUSE_INTERNAL,
			[CALL_RINGING] = CAUSE_NO_ANSWER,
			[CALL_ASKING] = CAUSE_NO_ROUTE};
		call_end(c, causes[c->state], ENDED_BY_US);
	}
}

static void on_ring(struct call *c)
{
	call_gateway_failed(c, CAUSE_NO_ANSWER, ENDED_BY_US);
}

static void on_media_timer(struct call *c)
{
	if (c->state == CALL_ANSWERED) {
		send_accept(c);
	} else if (c->media_up) {
		call_end(c, CAUSE_META_UNREACHABLE, ENDED_BY_US); /* media stands, but accept was never answered */
	} else {
		str_copy(c->media_failure, sizeof(c->media_failure), "setup_timeout");
		call_end(c, CAUSE_MEDIA_FAILED, ENDED_BY_US);
	}
}

static void on_timer(struct call *c, const struct call_event *ev)
{
	static void (*const by_timer[CALL_TIMER_COUNT])(struct call *) = {
		[CALL_TIMER_WINDOW] = on_window,
		[CALL_TIMER_RING] = on_ring,
		[CALL_TIMER_MEDIA] = on_media_timer,
		[CALL_TIMER_LIMIT] = call_on_limit,
		[CALL_TIMER_TRANSFER] = call_on_transfer_timer,
		[CALL_TIMER_BRANCH] = call_on_branch_timer,
	};

	call_run_timer(c, ev, by_timer);
}

call_handler *const call_inbound_path[CALL_EV_KIND_COUNT] = {
	[CALL_EV_OFFER] = on_offer,
	[CALL_EV_WA_TERMINATE] = call_on_wa_terminate,
	[CALL_EV_GRAPH_DONE] = on_graph_done,
	[CALL_EV_MEDIA_OPENED] = on_media_opened,
	[CALL_EV_MEDIA_REFUSED] = on_media_refused,
	[CALL_EV_MEDIA_UP] = on_media_up,
	[CALL_EV_MEDIA_FAILED] = call_on_media_failed,
	[CALL_EV_MEDIA_CLOSED] = call_on_media_gone,
	[CALL_EV_SIP_PROGRESS] = on_sip_progress,
	[CALL_EV_SIP_ANSWERED] = on_sip_answered,
	[CALL_EV_SIP_REFUSED] = call_on_sip_refused,
	[CALL_EV_SIP_BYE] = call_on_sip_bye,
	[CALL_EV_SIP_OFFER] = call_on_sip_offer,
	[CALL_EV_SIP_ACK] = call_on_sip_ack,
	[CALL_EV_SIP_LOST] = call_on_sip_lost,
	[CALL_EV_TIMER] = on_timer,
	[CALL_EV_HANGUP] = call_on_hangup,
	[CALL_EV_ROUTED] = on_routed,
	[CALL_EV_SIP_REFER] = call_on_sip_refer,
	[CALL_EV_SIP_REPLACED] = call_on_sip_replaced,
	[CALL_EV_TRANSFER] = call_on_transfer,
	[CALL_EV_HOLD] = call_on_hold,
	[CALL_EV_MUTE] = call_on_mute,
	[CALL_EV_SEND_DTMF] = call_on_send_dtmf,
};
