/* b2bua/call/transfer.c
 *
 * Transfer of a call that is up: by REFER of the SIP peer (blind, or attended with a Replaces to pass on), by the API,
 * or by an INVITE with Replaces that takes the main leg's place. A second SIP leg, the target, rings; when it answers
 * it becomes the main leg, when it fails it is forgotten and the transferor goes on. Should he have hung up meanwhile,
 * the call lives and dies with the target. WhatsApp sees nothing of all this. RFC 3515, 3891, 5589.
 */
#include "b2bua/call/call_internal.h"

#include <errno.h>
#include <string.h>

bool call_transferring(const struct call *c)
{
	return call_leg_lives(c->transfer.leg);
}

/* ---- what the transferor hears ---- */

static void notify(struct call *c, int code, bool final)
{
	struct call_action *a;

	if (!c->transfer.notify || c->sip.state != LEG_ANSWERED)
		return;
	a = call_emit_sip(c, CALL_DO_SIP_NOTIFY, CALL_LEG_MAIN);
	a->u.notify.code = code;
	a->u.notify.final = final;
	c->transfer.notify = !final;
}

static void refer_respond(struct call *c, const struct call_event *ev, int code)
{
	if (ev->kind == CALL_EV_SIP_REFER)
		call_emit_sip(c, CALL_DO_SIP_REFER_RESPOND, ev->leg)->u.respond.code = code;
	else
		call_ignore(c); /* the API sees in the report that nothing has begun */
}

/* ---- it begins ---- */

static int make_leg(struct call *c)
{
	if (!c->transfer.leg)
		c->transfer.leg = arena_alloc(&c->arena, sizeof(*c->transfer.leg));
	if (!c->transfer.leg || c->transfer.tried >= LIMIT_TRANSFERS)
		return -ENOMEM;
	memset(c->transfer.leg, 0, sizeof(*c->transfer.leg));
	c->transfer.leg->gateway = c->sip.gateway;
	c->transfer.tried++;
	return 0;
}

static int begin(struct call *c, const struct call_sip_target *to)
{
	if (make_leg(c) < 0 || call_leg_aim(c, c->transfer.leg, to) < 0)
		return -ENOMEM;
	if (!c->transfer.leg->gateway)
		c->transfer.leg->gateway = c->sip.gateway;
	c->transfer.target = c->transfer.leg->target;
	c->transfer.code = 0;
	c->transfer.rang = c->transfer.notify = false;
	return 0;
}

static void ring_target(struct call *c, const struct call_event *ev)
{
	unsigned ring_ms = call_or_default(c->settings->transfer_ring_ms, LIMIT_TRANSFER_RING_MS);

	if (begin(c, &ev->u.refer.target) < 0) {
		refer_respond(c, ev, 500);
		return;
	}
	if (ev->kind == CALL_EV_SIP_REFER) {
		refer_respond(c, ev, 202);
		c->transfer.notify = true;
		notify(c, 100, false);
	}
	if (call_leg_invite(c, CALL_LEG_TARGET) < 0) {
		notify(c, 500, true);
		return;
	}
	call_timer_set(c, CALL_TIMER_TRANSFER, call_after_ms(c, ring_ms));
}

void call_on_sip_refer(struct call *c, const struct call_event *ev)
{
	int code = ev->u.refer.code;

	if (!call_leg_lives(&c->sip))
		call_ignore(c);
	else if (!ev->u.refer.allowed)
		refer_respond(c, ev, code >= 300 && code <= 699 ? code : 403);
	else if (c->state != CALL_UP || call_transferring(c))
		refer_respond(c, ev, 491);
	else
		ring_target(c, ev);
}

void call_on_transfer(struct call *c, const struct call_event *ev)
{
	if (c->state != CALL_UP || call_transferring(c) || !ev->u.refer.allowed)
		call_ignore(c);
	else
		ring_target(c, ev);
}

/* ---- it succeeds ---- */

/* The target has answered, and takes the main leg's place. */
static void promote(struct call *c)
{
	struct sip_leg *target = c->transfer.leg;

	call_timer_cancel(c, CALL_TIMER_TRANSFER);
	c->transfer.code = 200;
	c->transfer.done++;
	notify(c, 200, true);
	c->transfer.notify = false;
	target->new_peer = true;
	if (target->sdp.has_remote)
		call_set_sip_media(c, target);
	call_leg_close(c, CALL_LEG_MAIN, CAUSE_NORMAL);
	call_emit_sip(c, CALL_DO_SIP_PROMOTE, CALL_LEG_TARGET);
	call_leg_take_place(c, target);
}

/* ---- it fails ---- */

/* The target is over. */
static void fail(struct call *c, int code, enum cause cause, enum call_ended_by by)
{
	c->transfer.leg->state = LEG_OVER;
	call_timer_cancel(c, CALL_TIMER_TRANSFER);
	c->transfer.code = code;
	notify(c, code, true);
	if (c->sip.state == LEG_ANSWERED)
		return;
	c->sip_code = code;
	call_end(c, cause, by); /* nobody is left for the user to talk to */
}

static void on_progress(struct call *c, const struct call_event *ev)
{
	int code = ev->u.sip.code;

	call_keep_call_id(c->transfer.leg, ev);
	if (code < 180 || code > 199 || c->transfer.rang)
		return;
	c->transfer.rang = true;
	notify(c, code, false);
}

static void on_answered(struct call *c, const struct call_event *ev)
{
	struct sip_leg *target = c->transfer.leg;
	int r;

	target->state = LEG_ANSWERED;
	call_keep_call_id(target, ev);
	call_keep_remote_sdp(c, target, ev->u.sip.sdp, ev->u.sip.sdp_length);
	r = ev->u.sip.sdp ? negotiate_sip_answer(&target->sdp, ev->u.sip.sdp, ev->u.sip.sdp_length) : -EBADMSG;
	if (r >= 0) {
		promote(c);
		return;
	}
	call_leg_close(c, CALL_LEG_TARGET, CAUSE_NO_CODEC);
	fail(c, 488, r == -ENOENT ? CAUSE_NO_CODEC : CAUSE_GATEWAY_FAILED, ENDED_BY_US);
}

static void on_refused(struct call *c, const struct call_event *ev)
{
	int code = ev->u.sip.code >= 300 && ev->u.sip.code <= 699 ? ev->u.sip.code : 500;

	if (call_leg_redirected(c, ev)) {
		c->transfer.target = c->transfer.leg->target;
		return;
	}
	fail(c, code, cause_from_sip(ev->u.sip.code, ev->u.sip.q850), ENDED_BY_SIP);
}

static void on_lost(struct call *c, const struct call_event *ev)
{
	(void)ev;
	fail(c, 503, CAUSE_GATEWAY_DOWN, ENDED_BY_SIP);
}

/* It rings, so our offer is not answered yet (RFC 3311 s5.2). */
static void on_offer(struct call *c, const struct call_event *ev)
{
	call_respond(c, CALL_LEG_TARGET, ev->u.sip.sdp ? 491 : 200, NULL);
}

static void on_refer(struct call *c, const struct call_event *ev)
{
	refer_respond(c, ev, 491);
}

void call_on_transfer_timer(struct call *c)
{
	call_leg_close(c, CALL_LEG_TARGET, CAUSE_NO_ANSWER);
	fail(c, 408, CAUSE_NO_ANSWER, ENDED_BY_US);
}

call_handler *const call_target_path[CALL_EV_KIND_COUNT] = {
	[CALL_EV_SIP_PROGRESS] = on_progress,
	[CALL_EV_SIP_ANSWERED] = on_answered,
	[CALL_EV_SIP_REFUSED] = on_refused,
	[CALL_EV_SIP_BYE] = on_lost,
	[CALL_EV_SIP_OFFER] = on_offer,
	[CALL_EV_SIP_LOST] = on_lost,
	[CALL_EV_SIP_REFER] = on_refer,
};

/* ---- the others act meanwhile ---- */

/* Nothing is sent there any more, nor expected from there; the user hears ringback (sounds.c). */
void call_transferor_gone(struct call *c)
{
	c->transfer.notify = false;
	if (!c->sip.sdp.has_remote)
		return;
	c->sip.sdp.remote.send = c->sip.sdp.remote.receive = false;
	call_set_sip_media(c, &c->sip);
}

void call_transfer_abandon(struct call *c)
{
	if (!call_transferring(c))
		return;
	c->transfer.code = 487;
	notify(c, 487, true);
	call_leg_close(c, CALL_LEG_TARGET, c->cause);
}

/* ---- somebody takes the main leg's place by himself ---- */

static void refuse_replacement(struct call *c, int code)
{
	struct call_action *a = call_emit_sip(c, CALL_DO_SIP_REJECT, CALL_LEG_TARGET);

	a->u.reject.code = code;
	a->u.reject.cause = code == 488 ? CAUSE_NO_CODEC : CAUSE_INTERNAL;
	a->u.reject.q850 = cause_info(a->u.reject.cause)->q850;
	a->u.reject.text = cause_info(a->u.reject.cause)->text;
	a->u.reject.meta_text = "";
	c->transfer.leg->state = LEG_OVER;
}

/* Attended transfer from the other end: the transferor's peer calls us. Without SDP ours goes into the 200, and the
 * answer comes with the ACK. */
void call_on_sip_replaced(struct call *c, const struct call_event *ev)
{
	struct sip_leg *target;
	struct call_action *a;
	const char *sdp = NULL;
	int r;

	if (c->state != CALL_UP || c->sip.state != LEG_ANSWERED || call_transferring(c) || make_leg(c) < 0) {
		call_ignore(c);
		return;
	}
	target = c->transfer.leg;
	target->theirs = true;
	target->state = LEG_CALLING;
	target->user = target->target = target->from_user = target->from_display = target->pai_user = "";
	c->transfer.target = "";
	r = call_leg_begin(c, target);
	call_keep_call_id(target, ev);
	call_keep_remote_sdp(c, target, ev->u.sip.sdp, ev->u.sip.sdp_length);
	if (r == 0)
		r = ev->u.sip.sdp ? negotiate_sip_reoffer(&target->sdp, ev->u.sip.sdp, ev->u.sip.sdp_length, &sdp)
				  : negotiate_sip_offer(&target->sdp, &sdp);
	if (r < 0) {
		refuse_replacement(c, r == -ENOBUFS ? 500 : 488);
		return;
	}
	a = call_emit_sip(c, CALL_DO_SIP_ACCEPT, CALL_LEG_TARGET);
	a->u.respond.code = 200;
	a->u.respond.sdp = sdp;
	target->state = LEG_ANSWERED;
	promote(c);
}
