/* b2bua/call/midcall.c
 *
 * Offers the SIP peer makes during the call (hold, other codec, other address, session refresh): answered here at once,
 * never shown to WhatsApp, whose leg cannot be renegotiated.
 */
#include "b2bua/call/call_internal.h"

#include "lib/base/str.h"

void call_keep_remote_sdp(struct call *c, const char *sdp, size_t length)
{
	str_copy_n(c->sip.remote_sdp, sizeof(c->sip.remote_sdp), sdp ? sdp : "", sdp ? length : 0);
}

void call_set_sip_media(struct call *c)
{
	call_emit(c, CALL_DO_MEDIA_SET_SIP)->u.sip_media = c->sip.sdp.remote;
}

static void respond(struct call *c, int code, const char *sdp)
{
	struct call_action *a = call_emit(c, CALL_DO_SIP_RESPOND);

	a->u.respond.code = code;
	a->u.respond.sdp = sdp;
}

/* re-INVITE without an offer asks for ours, answered in the ACK (RFC 3261 s14.2); an UPDATE without one only refreshes
 * the session (RFC 4028). */
static void answer_offerless(struct call *c, bool is_update)
{
	const char *sdp = NULL;

	if (is_update)
		respond(c, 200, NULL);
	else if (negotiate_sip_offer(&c->sip.sdp, &sdp) == 0)
		respond(c, 200, sdp);
	else
		respond(c, 488, NULL);
}

void call_on_sip_offer(struct call *c, const struct call_event *ev)
{
	const char *answer = NULL;
	int r;

	if (c->sip.state == LEG_CALLING) { /* RFC 3311 s5.2: our offer in the INVITE is not answered yet */
		respond(c, ev->u.sip.sdp ? 491 : 200, NULL);
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
		respond(c, 488, NULL); /* the session stays as it was (RFC 3261 s14.2) */
		return;
	}
	call_keep_remote_sdp(c, ev->u.sip.sdp, ev->u.sip.sdp_length);
	if (r > 0)
		call_set_sip_media(c);
	respond(c, 200, answer);
}

void call_on_sip_ack(struct call *c, const struct call_event *ev)
{
	int r;

	if (c->sip.state != LEG_ANSWERED || !c->sip.sdp.offered || !ev->u.sip.sdp) {
		call_ignore(c);
		return;
	}
	/* An answer we cannot use leaves things as they were; a peer that means it sends BYE (RFC 3261 s13.2.2.4). */
	r = negotiate_sip_answer(&c->sip.sdp, ev->u.sip.sdp, ev->u.sip.sdp_length);
	if (r < 0) {
		call_ignore(c);
		return;
	}
	call_keep_remote_sdp(c, ev->u.sip.sdp, ev->u.sip.sdp_length);
	if (r > 0)
		call_set_sip_media(c);
}
