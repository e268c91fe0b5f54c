/* b2bua/call/endings.c
 *
 * Events that end a call, whichever way it was set up: who ended it, and why.
 */
#include "b2bua/call/call_internal.h"

#include "lib/base/str.h"

void call_keep_meta_error(struct call *c, int code, const char *text)
{
	if (c->meta_code || !code)
		return; /* the first one tells most */
	c->meta_code = code;
	str_copy(c->meta_text, sizeof(c->meta_text), text ? text : "");
}

/* Meta's word that the call was picked up, when it overtook the 200 to our accept. */
static bool picked_up(const struct call *c, const struct call_event *ev)
{
	return c->state == CALL_UP || c->state == CALL_EARLY ||
	       (c->wa.sent[VERB_ACCEPT] && ev->u.wa_terminate.was_answered);
}

void call_on_wa_terminate(struct call *c, const struct call_event *ev)
{
	int code = ev->u.wa_terminate.error_code;

	c->wa.over = true;
	call_keep_meta_error(c, code, ev->u.wa_terminate.error_text);
	if (picked_up(c, ev) && !c->answered_ms)
		c->answered_ms = c->wall_ms;
	if (code)
		call_end(c, cause_from_meta(code), ENDED_BY_META);
	else if (ev->u.wa_terminate.failed)
		call_end(c, CAUSE_META_FAILED, ENDED_BY_META);
	else
		call_end(
			c, c->answered_ms && c->sip.state != LEG_EARLY ? CAUSE_NORMAL : CAUSE_CANCELLED, ENDED_BY_USER);
}

void call_on_media_failed(struct call *c, const struct call_event *ev)
{
	const char *name = ev->u.media_failure.name ? ev->u.media_failure.name : "";
	bool silent = str_equal(name, "wa_silent") || str_equal(name, "sip_silent");

	if (c->media != MEDIA_OPEN) {
		call_ignore(c);
		return;
	}
	str_copy(c->media_failure, sizeof(c->media_failure), name);
	call_end(c,
		silent && (c->state == CALL_UP || c->state == CALL_EARLY) ? CAUSE_MEDIA_TIMEOUT : CAUSE_MEDIA_FAILED,
		ENDED_BY_US);
}

/* Closed without our having asked: there is nothing left to close. */
void call_on_media_gone(struct call *c, const struct call_event *ev)
{
	(void)ev;
	if (c->media != MEDIA_OPEN) {
		call_ignore(c);
		return;
	}
	c->media = MEDIA_CLOSED;
	str_copy(c->media_failure, sizeof(c->media_failure), "closed");
	call_end(c, CAUSE_MEDIA_FAILED, ENDED_BY_US);
}

void call_on_sip_refused(struct call *c, const struct call_event *ev)
{
	enum cause cause = cause_from_sip(ev->u.sip.code, ev->u.sip.q850);

	if (!call_leg_rings(&c->sip)) {
		call_ignore(c);
		return;
	}
	if (c->sip.state == LEG_CALLING && call_leg_redirected(c, ev)) /* who was heard already is the call's */
		return;
	call_attempt_end(c, &c->sip, ev->u.sip.code, cause);
	c->sip.state = LEG_OVER;
	if (call_group_next(c, cause))
		return;
	c->sip_code = ev->u.sip.code;
	c->q850 = ev->u.sip.q850;
	call_end(c, cause, ENDED_BY_SIP);
}

/* The SIP side hangs up before both talked: inbound it has picked up, and wants the call no more; outbound it gives up
 * calling. */
static enum cause bye_cause(const struct call *c)
{
	if (c->state == CALL_UP)
		return CAUSE_NORMAL;
	return c->outbound && c->state != CALL_JOINING ? CAUSE_CANCELLED : CAUSE_DECLINED;
}

void call_on_sip_bye(struct call *c, const struct call_event *ev)
{
	if (!call_leg_lives(&c->sip)) {
		call_ignore(c);
		return;
	}
	call_attempt_end(c, &c->sip, 0, bye_cause(c));
	c->sip.state = LEG_OVER;
	if (call_transferring(c)) {
		call_transferor_gone(c);
		return;
	}
	c->q850 = ev->u.sip.q850;
	call_end(c, bye_cause(c), ENDED_BY_SIP);
}

void call_on_sip_lost(struct call *c, const struct call_event *ev)
{
	if (!call_leg_lives(&c->sip)) {
		call_ignore(c);
		return;
	}
	call_attempt_end(c, &c->sip, 0, CAUSE_GATEWAY_DOWN);
	c->sip.state = LEG_OVER;
	if (call_transferring(c))
		call_transferor_gone(c);
	else
		call_gateway_failed(c, ev->u.sip.expired ? CAUSE_SESSION_EXPIRED : CAUSE_GATEWAY_DOWN, ENDED_BY_SIP);
}

void call_on_sip_cancelled(struct call *c, const struct call_event *ev)
{
	(void)ev;
	if (c->sip.state != LEG_CALLING || !c->sip.theirs) {
		call_ignore(c);
		return;
	}
	c->sip.state = LEG_OVER;
	call_end(c, CAUSE_CANCELLED, ENDED_BY_SIP);
}

void call_on_limit(struct call *c)
{
	call_end(c, CAUSE_TIME_LIMIT, ENDED_BY_US);
}

void call_on_hangup(struct call *c, const struct call_event *ev)
{
	enum cause cause = ev->u.hangup.cause;

	call_end(c, (unsigned)cause < CAUSE_COUNT ? cause : CAUSE_INTERNAL, ev->u.hangup.by);
}
