/* b2bua/call/midcall.c
 *
 * Offers the SIP peer makes during the call (hold, other codec, other address, session refresh): answered here at once,
 * never shown to WhatsApp, whose leg cannot be renegotiated. And what the API asks of a call that is up.
 */
#include "b2bua/call/call_internal.h"

#include <errno.h>
#include <string.h>

/* re-INVITE without an offer asks for ours, answered in the ACK (RFC 3261 s14.2); an UPDATE without one only refreshes
 * the session (RFC 4028). */
static void answer_offerless(struct call *c, bool is_update)
{
	const char *sdp = NULL;

	if (is_update)
		call_respond(c, CALL_LEG_MAIN, 200, NULL);
	else if (negotiate_sip_offer(&c->sip.sdp, &sdp) == 0)
		call_respond(c, CALL_LEG_MAIN, 200, sdp);
	else
		call_respond(c, CALL_LEG_MAIN, 488, NULL);
}

void call_on_sip_offer(struct call *c, const struct call_event *ev)
{
	const char *answer = NULL;
	int r;

	if (c->sip.state == LEG_CALLING ||
		c->sip.state == LEG_EARLY) { /* RFC 3311 s5.2: the offer in the INVITE is not answered yet */
		call_respond(c, CALL_LEG_MAIN, ev->u.sip.sdp ? 491 : 200, NULL);
		return;
	}
	if (c->sip.state != LEG_ANSWERED) {
		call_ignore(c);
		return;
	}
	if (!ev->u.sip.sdp) {
		answer_offerless(c, ev->u.sip.is_update);
		return;
	}
	r = negotiate_sip_reoffer(&c->sip.sdp, ev->u.sip.sdp, ev->u.sip.sdp_length, &answer);
	if (r < 0) {
		call_respond(c, CALL_LEG_MAIN, 488, NULL); /* the session stays as it was (RFC 3261 s14.2) */
		return;
	}
	call_keep_remote_sdp(c, &c->sip, ev->u.sip.sdp, ev->u.sip.sdp_length);
	if (r > 0)
		call_set_sip_media(c, &c->sip);
	call_respond(c, CALL_LEG_MAIN, 200, answer);
}

void call_on_sip_ack(struct call *c, const struct call_event *ev)
{
	bool first = c->sip.sdp.offered && !c->sip.sdp.has_remote;
	int r;

	if (c->sip.state != LEG_ANSWERED || !(first || (ev->u.sip.sdp && c->sip.sdp.has_remote))) {
		call_ignore(c);
		return;
	}
	r = ev->u.sip.sdp ? negotiate_sip_answer(&c->sip.sdp, ev->u.sip.sdp, ev->u.sip.sdp_length) : -EBADMSG;
	if (r < 0 && first) { /* the answer of the first INVITE: there is nothing to fall back to */
		call_end(c, r == -ENOENT ? CAUSE_NO_CODEC : CAUSE_GATEWAY_FAILED, ENDED_BY_US);
		return;
	}
	/* An answer we cannot use leaves things as they were; a peer that means it sends BYE (RFC 3261 s13.2.2.4). */
	if (r < 0) {
		call_ignore(c);
		return;
	}
	call_keep_remote_sdp(c, &c->sip, ev->u.sip.sdp, ev->u.sip.sdp_length);
	if (r > 0)
		call_set_sip_media(c, &c->sip);
}

/* ---- asked by the API ---- */

void call_on_hold(struct call *c, const struct call_event *ev)
{
	if (c->state != CALL_UP || c->on_hold == ev->u.on) {
		call_ignore(c);
		return;
	}
	c->on_hold = ev->u.on; /* heard through sounds.c */
}

static bool is_side(enum media_side side)
{
	return side == SIDE_WA || side == SIDE_SIP;
}

void call_on_mute(struct call *c, const struct call_event *ev)
{
	struct call_action *a;

	if (c->state != CALL_UP || !is_side(ev->u.mute.side)) {
		call_ignore(c);
		return;
	}
	a = call_emit(c, CALL_DO_MEDIA_MUTE);
	a->u.mute.side = ev->u.mute.side;
	a->u.mute.on = ev->u.mute.on;
}

void call_on_send_dtmf(struct call *c, const struct call_event *ev)
{
	const char *digits = ev->u.dtmf.digits;
	struct call_action *a;

	if (c->state != CALL_UP || !is_side(ev->u.dtmf.side) || !digits[0] ||
		!memchr(digits, '\0', sizeof(ev->u.dtmf.digits))) {
		call_ignore(c);
		return;
	}
	a = call_emit(c, CALL_DO_MEDIA_DTMF);
	a->u.dtmf.side = ev->u.dtmf.side;
	memcpy(a->u.dtmf.digits, digits, sizeof(a->u.dtmf.digits));
}
