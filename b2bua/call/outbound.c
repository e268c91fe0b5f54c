/* b2bua/call/outbound.c
 *
 * A business-initiated call, in three orders, until both sides talk. Media is opened first, so that everything that can
 * fail here has failed before anybody's phone rings; then the shell is asked whether this user may be called; then
 *
 *   SIP calls:    connect; RINGING -> 180 to the caller; ACCEPTED -> 200
 *   agent first:  INVITE; answered -> connect; ACCEPTED -> both talk
 *   user first:   connect; ACCEPTED -> INVITE, the user hears ringback; answered -> both talk
 *
 * This file has the SIP side and the clock; outbound_wa.c what Meta says.
 */
#include "b2bua/call/call_internal.h"

#include "lib/base/str.h"

#include <errno.h>

/* ---- dial, media, permission ---- */

static void on_dial(struct call *c, const struct call_event *ev)
{
	(void)ev;
	if (c->state != CALL_NEW) {
		call_ignore(c);
		return;
	}
	c->offer_us = c->now_us;
	c->state = CALL_OPENING;
	c->media = MEDIA_ASKED;
	call_timer_set(c, CALL_TIMER_WINDOW, call_after_ms(c, LIMIT_PERMISSION_MS));
	call_emit(c, CALL_DO_MEDIA_OPEN);
}

/* The caller's offer is answered now, though sent later: a call that cannot talk must not ring. */
static enum cause read_caller(struct call *c)
{
	const char *answer = NULL;
	int r;

	if (call_leg_begin(c, &c->sip) < 0)
		return CAUSE_INTERNAL;
	if (!c->dial.sip_offer)
		return CAUSE_NORMAL;
	r = negotiate_sip_reoffer(&c->sip.sdp, c->dial.sip_offer, c->dial.sip_offer_length, &answer);
	return r >= 0 ? CAUSE_NORMAL : r == -ENOBUFS ? CAUSE_INTERNAL : CAUSE_NO_CODEC;
}

static enum cause prepare(struct call *c)
{
	char text[LIMIT_WA_SDP_BYTES];

	if (negotiate_wa_make_offer(&c->wa_local, c->dial.offer_active, text, sizeof(text)) < 0)
		return CAUSE_INTERNAL;
	c->wa.local_sdp = arena_strdup(&c->arena, text);
	if (!c->wa.local_sdp)
		return CAUSE_INTERNAL;
	return c->sip.theirs ? read_caller(c) : CAUSE_NORMAL;
}

static void on_media_opened(struct call *c, const struct call_event *ev)
{
	enum cause cause;

	if (c->state != CALL_OPENING) {
		call_ignore(c);
		return;
	}
	c->media = MEDIA_OPEN;
	cause = call_take_local(c, ev->u.local) < 0 ? CAUSE_INTERNAL : prepare(c);
	if (cause != CAUSE_NORMAL) {
		call_end(c, cause, ENDED_BY_US);
		return;
	}
	c->state = CALL_ASKING;
	call_emit(c, CALL_DO_ASK_PERMISSION);
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

static void invite(struct call *c, enum call_state state)
{
	if (call_group_invite(c) < 0) {
		call_end(c, CAUSE_INTERNAL, ENDED_BY_US);
		return;
	}
	call_group_ring(c);
	c->state = state;
}

static void on_permission(struct call *c, const struct call_event *ev)
{
	enum cause cause = ev->u.permission.cause;

	if (c->state != CALL_ASKING) {
		call_ignore(c);
		return;
	}
	if (!ev->u.permission.granted) {
		str_copy(c->refusal, sizeof(c->refusal), ev->u.permission.text ? ev->u.permission.text : "");
		call_end(c, (unsigned)cause < CAUSE_COUNT && cause != CAUSE_NORMAL ? cause : CAUSE_NO_PERMISSION,
			ENDED_BY_US);
		return;
	}
	call_timer_cancel(c, CALL_TIMER_WINDOW);
	if (c->dial.order == DIAL_AGENT_FIRST)
		invite(c, CALL_AGENT);
	else
		call_outbound_connect(c);
}

/* ---- the SIP side ---- */

/* User first: the user is there, and hears ringback (sounds.c) until somebody is found for him. */
void call_outbound_join(struct call *c)
{
	if (call_leg_headers(c, &c->sip, c->sip.headers, c->sip.header_count) <
		0) /* now with Meta's name of the call */
		call_end(c, CAUSE_INTERNAL, ENDED_BY_US);
	else
		invite(c, CALL_JOINING);
}

/* Its early media is not heard: the user is not there, or hears our ringback. */
static void on_sip_progress(struct call *c, const struct call_event *ev)
{
	if (!call_leg_rings(&c->sip))
		call_ignore(c);
	else
		call_note_progress(c, &c->sip, ev);
}

void call_outbound_answered(struct call *c)
{
	if (c->state == CALL_AGENT)
		call_outbound_connect(c);
	else
		call_outbound_up(c);
}

static void on_sip_answered(struct call *c, const struct call_event *ev)
{
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
	call_set_sip_media(c, &c->sip);
	call_outbound_answered(c);
}

/* ---- media and time ---- */

static void on_media_up(struct call *c, const struct call_event *ev)
{
	(void)ev;
	if (c->media != MEDIA_OPEN || !c->wa.answered || c->media_up) {
		call_ignore(c);
		return;
	}
	c->media_up = true;
	c->media_up_us = c->now_us;
	if (c->wa.accepted)
		call_timer_cancel(c, CALL_TIMER_MEDIA);
}

/* Nobody said in time whether the user may be called. */
static void on_window(struct call *c)
{
	call_end(c, c->state == CALL_ASKING ? CAUSE_META_UNREACHABLE : CAUSE_INTERNAL, ENDED_BY_US);
}

static void on_ring(struct call *c)
{
	call_gateway_failed(c, CAUSE_NO_ANSWER, ENDED_BY_US);
}

/* Picked up, but Meta's answer never came, or ICE and DTLS do not get anywhere with it. */
static void on_media_timer(struct call *c)
{
	str_copy(c->media_failure, sizeof(c->media_failure), c->wa.answered ? "setup_timeout" : "no_answer_sdp");
	call_end(c, CAUSE_MEDIA_FAILED, ENDED_BY_US);
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

call_handler *const call_outbound_path[CALL_EV_KIND_COUNT] = {
	[CALL_EV_DIAL] = on_dial,
	[CALL_EV_PERMISSION] = on_permission,
	[CALL_EV_WA_ANSWER] = call_outbound_on_wa_answer,
	[CALL_EV_WA_STATUS] = call_outbound_on_wa_status,
	[CALL_EV_WA_TERMINATE] = call_outbound_on_wa_terminate,
	[CALL_EV_GRAPH_DONE] = call_outbound_on_graph_done,
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
	[CALL_EV_SIP_CANCELLED] = call_on_sip_cancelled,
	[CALL_EV_SIP_REFER] = call_on_sip_refer,
	[CALL_EV_SIP_REPLACED] = call_on_sip_replaced,
	[CALL_EV_TRANSFER] = call_on_transfer,
	[CALL_EV_HOLD] = call_on_hold,
	[CALL_EV_MUTE] = call_on_mute,
	[CALL_EV_SEND_DTMF] = call_on_send_dtmf,
	[CALL_EV_TIMER] = on_timer,
	[CALL_EV_HANGUP] = call_on_hangup,
};
