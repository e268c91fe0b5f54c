/* b2bua/call/report.c
 *
 * What the call record and the admin API see of a call.
 */
#include "b2bua/call/call_internal.h"

/* A cause that sounds like a conversation, on a call that Meta never accepted, is none: what a person ended before an
 * answer was refused. */
static enum call_end_status end_status(const struct call *c)
{
	enum call_end_status status = cause_info(c->cause)->status;
	bool talked = c->answered_ms && (c->outbound || c->sip_answered_us); /* not with early media alone */
	return status == CALL_END_COMPLETED && !talked ? CALL_END_REJECTED : status;
}

static void report_end(const struct call *c, struct call_report *r)
{
	r->ended = c->ended;
	if (!c->ended)
		return;
	r->cause = c->cause;
	r->ended_by = c->ended_by;
	r->status = end_status(c);
	r->sip_code = c->sip_code ? c->sip_code : cause_info(c->cause)->sip_code;
	r->q850 = c->q850 ? c->q850 : cause_info(c->cause)->q850;
	r->ended_ms = c->ended_ms;
}

static void report_times(const struct call *c, struct call_report *r)
{
	r->started_ms = c->started_ms;
	r->rang_ms = c->rang_ms;
	r->answered_ms = c->answered_ms;
	r->offer_us = c->offer_us;
	r->invite_us = c->invite_us;
	r->sip_answered_us = c->sip_answered_us;
	r->accept_us = c->accept_us;
	r->media_up_us = c->media_up_us;
}

void call_report(const struct call *c, struct call_report *ret_report)
{
	struct call_report r = {
		.state = c->state,
		.call_id = c->call_id,
		.wacid = c->wacid,
		.phone_number_id = c->phone_number_id,
		.number = c->number,
		.user_number = c->user_number,
		.user_id = c->user_id,
		.profile_name = c->profile_name,
		.payload = c->payload,
		.rule = c->route.rule ? c->route.rule : "",
		.gateway = c->sip.gateway ? c->sip.gateway->name : "",
		.sip_target = c->sip.target ? c->sip.target : "",
		.sip_call_id = c->sip.call_id,
		.attempts = c->group.attempts,
		.parallel = c->group.parallel,
		.accept_early = c->route.accept_early,
		.tries = c->attempts,
		.try_count = c->attempt_count,
		.meta_code = c->meta_code,
		.meta_text = c->meta_text,
		.media_failure = c->media_failure,
		.sip_codec = c->sip.sdp.remote.codec,
		.early_media = c->early_media,
		.accepted_early = c->accepted_early,
		.ignored = c->ignored,
		.outbound = c->outbound,
		.order = c->dial.order,
		.on_hold = c->on_hold,
		.transferring = call_transferring(c),
		.transfers = c->transfer.done,
		.transfer_target = c->transfer.target,
		.transfer_code = c->transfer.code,
		.sdp_wa_remote = c->wa_remote_sdp,
		.sdp_wa_local = c->wa.local_sdp,
		.sdp_sip_local = negotiate_sip_text(&c->sip.sdp),
		.sdp_sip_remote = *kept_text(&c->sip.remote_sdp) ? kept_text(&c->sip.remote_sdp) : NULL,
	};

	report_end(c, &r);
	report_times(c, &r);
	*ret_report = r;
}
