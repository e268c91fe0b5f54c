/* b2bua/call/outbound_wa.c
 *
 * What Meta says of a business-initiated call: the answer to connect, the `connect` webhook with its SDP (media can
 * come up; nobody has picked up), the statuses, terminate. None of them comes in a sure order: statuses overtake the
 * SDP, webhooks overtake the answer to connect, terminate may come first of all.
 */
#include "b2bua/call/call_internal.h"

#include "lib/base/str.h"

#include <string.h>

void call_outbound_connect(struct call *c)
{
	c->state = CALL_DIALLING;
	call_emit_verb(c, VERB_CONNECT, c->wa.local_sdp);
	call_timer_set(c, CALL_TIMER_RING, call_after_ms(c, c->dial.ring_ms));
}

/* ---- Meta's name of the call ---- */

void call_take_wacid(struct call *c, const char *wacid)
{
	if (c->outbound && !c->wacid[0] && wacid && strlen(wacid) <= LIMIT_ID_CHARS)
		str_copy(c->wacid_told, LIMIT_ID_CHARS + 1, wacid);
}

/* Is the webhook about our connect? Learns the name. */
static bool is_ours(struct call *c, const char *wacid)
{
	if (!c->wa.sent[VERB_CONNECT] || (c->wacid[0] && wacid && !str_equal(c->wacid, wacid)))
		return false;
	call_take_wacid(c, wacid);
	return true;
}

static bool calling(const struct call *c)
{
	return c->state == CALL_DIALLING || c->state == CALL_ALERTING;
}

/* ---- picked up ---- */

void call_outbound_up(struct call *c)
{
	c->state = CALL_UP;
	c->meta_code = 0; /* whatever the answer to connect said did no harm */
	c->meta_text[0] = '\0';
}

static void set_early_media(struct call *c)
{
	if (c->sip.sdp.has_remote && !c->emitted[CALL_DO_MEDIA_SET_SIP])
		call_set_sip_media(c, &c->sip);
}

/* 200 to the caller who waited. Without an offer of his it carries ours, and the ACK his answer (RFC 3261 s13.2.1). */
static void answer_caller(struct call *c)
{
	const char *sdp = negotiate_sip_text(&c->sip.sdp);
	struct call_action *a;

	if (!sdp && negotiate_sip_offer(&c->sip.sdp, &sdp) < 0) {
		call_end(c, CAUSE_INTERNAL, ENDED_BY_US);
		return;
	}
	a = call_emit_sip(c, CALL_DO_SIP_ACCEPT, CALL_LEG_MAIN);
	a->u.respond.code = 200;
	a->u.respond.sdp = sdp;
	c->sip.state = LEG_ANSWERED;
	c->sip_answered_us = c->now_us;
	set_early_media(c);
	call_emit(c, CALL_DO_MEDIA_START_WA);
	call_outbound_up(c);
}

static void on_picked_up(struct call *c)
{
	unsigned limit_ms = call_or_default(c->settings->max_call_ms, LIMIT_CALL_MS);

	call_timer_set(c, CALL_TIMER_LIMIT, call_after_ms(c, limit_ms));
	if (c->dial.order == DIAL_SIP_CALLS) {
		answer_caller(c);
		return;
	}
	call_emit(c, CALL_DO_MEDIA_START_WA);
	if (c->dial.order == DIAL_AGENT_FIRST)
		call_outbound_up(c);
	else
		call_outbound_join(c);
}

/* The user is there. Media is given its time to come up, Meta's SDP among it. */
static void on_accepted(struct call *c)
{
	unsigned setup_ms = call_or_default(c->settings->media_setup_ms, LIMIT_MEDIA_SETUP_MS);

	c->wa.accepted = true;
	c->answered_ms = c->wall_ms;
	c->accept_us = c->now_us;
	call_timer_cancel(c, CALL_TIMER_RING);
	if (!c->media_up)
		call_timer_set(c, CALL_TIMER_MEDIA, call_after_ms(c, setup_ms));
	if (c->wa.answered)
		on_picked_up(c);
}

/* ---- statuses ---- */

static void on_ringing(struct call *c)
{
	bool early = c->dial.early_ringback && c->dial.sip_offer;
	const char *offer = NULL;
	struct call_action *a;

	c->state = CALL_ALERTING;
	c->rang_ms = c->wall_ms;
	if (c->dial.order != DIAL_SIP_CALLS)
		return;
	if (early)
		set_early_media(c);
	/* For a caller who made none, and must have one in a reliable response (RFC 3262 s5). */
	if (!negotiate_sip_text(&c->sip.sdp))
		(void)negotiate_sip_offer(&c->sip.sdp, &offer);
	a = call_emit_sip(c, CALL_DO_SIP_RING, CALL_LEG_MAIN);
	a->u.respond.code = early ? 183 : 180;
	a->u.respond.sdp = early ? negotiate_sip_text(&c->sip.sdp) : offer;
}

void call_outbound_on_wa_status(struct call *c, const struct call_event *ev)
{
	if (!calling(c) || c->wa.accepted || !is_ours(c, ev->u.wa_status.wacid)) {
		call_ignore(c);
		return;
	}
	switch (ev->u.wa_status.status) {
	case WA_RINGING:
		if (c->state == CALL_DIALLING)
			on_ringing(c);
		else
			call_ignore(c);
		break;
	case WA_ACCEPTED: on_accepted(c); break;
	case WA_REJECTED:
		c->wa.over = true; /* a terminate webhook follows by itself */
		call_end(c, CAUSE_USER_DECLINED, ENDED_BY_USER);
		break;
	default: call_ignore(c);
	}
}

/* ---- Meta's SDP ---- */

static bool keep_answer(struct call *c, const char *sdp, size_t length)
{
	struct sdp_error error;

	if (!sdp || length > SDP_TEXT_MAX)
		sdp = "", length = 0;
	c->wa_remote_sdp = arena_strndup(&c->arena, sdp, length);
	if (!c->wa_remote_sdp)
		return false;
	c->wa_remote_sdp_length = length;
	if (negotiate_wa_read_answer(sdp, length, c->dial.offer_active, &c->wa.offer, &error) == 0)
		return true;
	str_copy(c->meta_text, sizeof(c->meta_text), error.what);
	return false;
}

void call_outbound_on_wa_answer(struct call *c, const struct call_event *ev)
{
	if (!calling(c) || c->wa.answered || !is_ours(c, ev->u.wa_answer.wacid)) {
		call_ignore(c);
		return;
	}
	if (!keep_answer(c, ev->u.wa_answer.sdp, ev->u.wa_answer.sdp_length)) {
		call_end(c, c->wa_remote_sdp ? CAUSE_BAD_OFFER : CAUSE_INTERNAL, ENDED_BY_US);
		return;
	}
	c->wa.answered = true;
	call_emit(c, CALL_DO_MEDIA_SET_WA)->u.wa = c->wa.offer.remote;
	if (c->wa.accepted)
		on_picked_up(c);
}

/* ---- the answer to connect ---- */

void call_outbound_on_graph_done(struct call *c, const struct call_event *ev)
{
	enum call_verb_outcome outcome = ev->u.graph.outcome;

	if (ev->u.graph.verb != VERB_CONNECT || !c->wa.sent[VERB_CONNECT] || c->wa.done[VERB_CONNECT]) {
		call_ignore(c);
		return;
	}
	c->wa.done[VERB_CONNECT] = true;
	c->wa.outcome[VERB_CONNECT] = outcome;
	call_take_wacid(c, ev->u.graph.wacid);
	if (outcome == VERB_OK || c->wacid[0]) /* a webhook knows of the call: it is there, whatever the answer says */
		return;
	call_keep_meta_error(c, ev->u.graph.error_code, ev->u.graph.error_text);
	if (outcome == VERB_FAILED)
		call_end(c, CAUSE_META_UNREACHABLE, ENDED_BY_US);
	else
		call_end(c, c->meta_code ? cause_from_meta(c->meta_code) : CAUSE_META_REFUSED, ENDED_BY_META);
}

/* ---- the end ---- */

static enum cause end_cause(const struct call *c, const struct call_event *ev)
{
	if (c->state == CALL_UP)
		return CAUSE_NORMAL;
	if (c->state == CALL_JOINING)
		return CAUSE_CANCELLED; /* he picked up, and would not wait for the SIP side */
	/* Picked up and hung up before anybody could talk; or nobody picked up at all. */
	return c->wa.accepted || ev->u.wa_terminate.was_answered ? CAUSE_USER_DECLINED : CAUSE_NO_ANSWER;
}

void call_outbound_on_wa_terminate(struct call *c, const struct call_event *ev)
{
	int code = ev->u.wa_terminate.error_code;
	enum cause cause = end_cause(c, ev);

	c->wa.over = true;
	call_keep_meta_error(c, code, ev->u.wa_terminate.error_text);
	if (code)
		call_end(c, cause_from_meta(code), ENDED_BY_META);
	else if (ev->u.wa_terminate.failed)
		call_end(c, CAUSE_META_FAILED, ENDED_BY_META);
	else
		call_end(c, cause, cause == CAUSE_NO_ANSWER ? ENDED_BY_META : ENDED_BY_USER);
}
