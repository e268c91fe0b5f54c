/* b2bua/sip/translate.c
 *
 * nua events -> what happens to the leg, and what the caller is told. One function an event, chosen by a table.
 */
#include "b2bua/sip/leg.h"
#include "b2bua/sip/info.h"
#include "b2bua/sip/reason.h"
#include "lib/base/counter.h"
#include "lib/base/str.h"

#include <sofia-sip/nta.h>
#include <sofia-sip/sip_status.h>
#include <string.h>

struct input {
	int status;
	const char *phrase;
	nua_t *nua;
	const sip_t *sip; /* NULL: made by the stack itself */
	const tagi_t *tags;
};

/* The SDP of a message, if its body is that and nothing else. */
static void body(const struct input *in, struct sip_event *ev)
{
	const sip_t *sip = in->sip;

	if (!sip || !sip->sip_payload || !sip->sip_payload->pl_data || !sip->sip_payload->pl_len)
		return;
	if (!sip->sip_content_type || !str_equal_nocase(sip->sip_content_type->c_type, "application/sdp"))
		return;
	ev->sdp = sip->sip_payload->pl_data;
	ev->sdp_length = sip->sip_payload->pl_len;
}

static struct sip_event event_of(enum sip_event_kind kind, const struct input *in)
{
	struct sip_event ev = {
		.kind = kind,
		.code = in->status,
		.phrase = in->phrase ? in->phrase : "",
		.contact = "",
		.why = "",
	};

	if (in->sip)
		ev.q850 = reason_q850(in->sip->sip_reason);
	body(in, &ev);
	return ev;
}

/* A response nobody sent: timer B, or no transport. */
static bool made_here(const struct input *in)
{
	const msg_t *msg = nua_current_request(in->nua);

	return !in->sip || !msg || nta_is_internal_msg(msg);
}

static bool is_challenge(const struct input *in)
{
	return in->status == 401 || in->status == 407;
}

/* A final answer to a request that stands in the current callback. */
#define answer_now(leg, in, code_and_phrase)                                                                           \
	do {                                                                                                           \
		if (leg_may(leg, LEG_OP_RESPOND))                                                                      \
			nua_respond((leg)->nh, code_and_phrase, NUTAG_WITH_THIS((in)->nua), TAG_END());                \
	} while (0)

/* ---- our INVITE ---- */

static void on_progress(struct sip_leg *leg, const struct input *in)
{
	struct sip_event ev = event_of(SIP_EV_PROGRESS, in);

	hops_heard(leg);
	if (in->status == 100 || !in->sip)
		return;
	if (ev.sdp && in->sip->sip_to)
		leg_keep_early_sdp(leg, ev.sdp, ev.sdp_length, in->sip->sip_to->a_tag);
	leg_emit(leg, &ev);
}

static void on_answer(struct sip_leg *leg, const struct input *in)
{
	struct sip_event ev = event_of(SIP_EV_ANSWERED, in);
	const char *tag = in->sip && in->sip->sip_to ? in->sip->sip_to->a_tag : NULL;

	leg->phase = LEG_UP;
	outgoing_answered(leg);
	hops_heard(leg);
	refresh_begin(leg, in->sip);
	if (in->sip)
		transfer_keep_route(leg, in->sip->sip_record_route, true);
	if (in->sip)
		digits_keep_dialog(leg, in->sip->sip_contact, in->sip->sip_from, in->sip->sip_to);
	if (!ev.sdp && leg->early_sdp && tag && strcmp(tag, leg->early_tag) == 0) {
		ev.sdp = leg->early_sdp;
		ev.sdp_length = strlen(leg->early_sdp);
	}
	leg_emit(leg, &ev);
}

/* Where a 3xx points to (RFC 3261 s8.1.3.4): the first Contact that can be called. */
static const char *redirection(const struct input *in, char *dst, size_t cap)
{
	struct sip_uri uri;

	dst[0] = '\0';
	for (const sip_contact_t *m = in->sip ? in->sip->sip_contact : NULL; m; m = m->m_next) {
		issize_t n = url_e(dst, (isize_t)cap, m->m_url);
		if (n > 0 && (size_t)n < cap && sip_uri_parse(dst, &uri) == 0)
			return dst;
		dst[0] = '\0';
	}
	return dst;
}

static void on_refusal(struct sip_leg *leg, const struct input *in)
{
	struct sip_event ev = event_of(SIP_EV_REFUSED, in);
	bool challenged = is_challenge(in);
	char contact[SIP_URI_MAX] = "";

	ev.contact = in->status >= 300 && in->status < 400 ? redirection(in, contact, sizeof(contact)) : contact;
	if (in->sip && in->sip->sip_retry_after)
		ev.retry_after_s = (unsigned)in->sip->sip_retry_after->af_delta;
	ev.local = made_here(in);
	if (ev.code >= 700) { /* the library's own: a request it could not make */
		ev.code = 503;
		ev.local = true;
	}
	ev.why = ev.local ? way_why(&leg->way) : "";
	leg_emit(leg, &ev);
	leg_ended(leg);
	/* nua waits for credentials: no nua_i_terminated would come. */
	if (challenged)
		leg_drop(leg);
}

/* Our re-INVITE or UPDATE was answered, or nobody was reached. */
static void on_refreshed(struct sip_leg *leg, const struct input *in)
{
	struct sip_event ev = event_of(SIP_EV_REFRESHED, in);

	if (in->status < 200 || (is_challenge(in) && proof_request(leg, in->status, in->sip)))
		return;
	if (is_challenge(in))
		return; /* the library holds its queue from now on: the session ends with its timer */
	refresh_answered(leg, in->status >= 500 && made_here(in) ? 408 : in->status, in->sip, &ev);
}

static void on_r_invite(struct sip_leg *leg, const struct input *in)
{
	if (leg->phase == LEG_CALLING && in->status < 200)
		on_progress(leg, in);
	else if (leg->phase == LEG_CALLING && in->status < 300)
		on_answer(leg, in);
	else if (leg->phase == LEG_CALLING && is_challenge(in) && proof_invite(leg, in->status, in->sip))
		return; /* sent again */
	else if (leg->phase == LEG_CALLING && in->status == 422 && refresh_invite_again(leg, in->sip))
		return;
	else if (leg->phase == LEG_CALLING && in->status >= 300 && hops_next(leg, in->status, made_here(in)))
		return; /* to the next address */
	else if (leg->phase == LEG_UP && in->status >= 200)
		on_refreshed(leg, in);
	else if (leg->phase == LEG_CANCELLED && in->status >= 200 && in->status < 300)
		leg_bye(leg, ""); /* it crossed our CANCEL; the ACK is on its way */
	else if ((leg->phase == LEG_CALLING || leg->phase == LEG_CANCELLED) && in->status >= 300)
		on_refusal(leg, in); /* tells nobody after a CANCEL */
	/* else: a provisional response that came after the answer (RFC 3261 s17.1.1.2 lets them cross), or nothing of
	 * ours */
}

/* ---- the peer's requests ---- */

static void on_i_invite(struct sip_leg *leg, const struct input *in)
{
	struct sip_event ev = event_of(SIP_EV_OFFER, in);

	char lines[REFRESH_LINES_MAX];

	if (in->status >= 200 || !leg_may(leg, LEG_OP_RESPOND))
		return;
	if (refresh_check(leg, in->sip, lines)) {
		nua_respond(leg->nh, SIP_422_SESSION_TIMER_TOO_SMALL, NUTAG_WITH_THIS(in->nua),
			SIPTAG_HEADER_STR(lines), TAG_END());
		return;
	}
	if (leg->pending != PENDING_NONE || leg->phase == LEG_INCOMING || leg->phase == LEG_ANSWERED) {
		answer_now(leg, in, SIP_491_REQUEST_PENDING);
		return;
	}
	leg->pending = PENDING_INVITE;
	leg->offerless = !ev.sdp;
	leg_emit(leg, &ev);
}

static void on_i_update(struct sip_leg *leg, const struct input *in)
{
	struct sip_event ev = event_of(SIP_EV_OFFER, in);

	char lines[REFRESH_LINES_MAX];

	if (in->status >= 200 || !leg_may(leg, LEG_OP_RESPOND))
		return;
	if (refresh_check(leg, in->sip, lines)) {
		nua_respond(leg->nh, SIP_422_SESSION_TIMER_TOO_SMALL, NUTAG_WITH_THIS(in->nua),
			SIPTAG_HEADER_STR(lines), TAG_END());
		return;
	}
	if (!ev.sdp) { /* a session refresh (RFC 4028 s7.4) */
		refresh_answer(leg, lines);
		nua_respond(leg->nh, SIP_200_OK, NUTAG_WITH_THIS(in->nua), TAG_IF(*lines, SIPTAG_HEADER_STR(lines)),
			TAG_END());
		return;
	}
	if (leg->phase != LEG_UP || leg->pending != PENDING_NONE) { /* RFC 3311 s5.2 */
		answer_now(leg, in, SIP_491_REQUEST_PENDING);
		return;
	}
	if (!nua_save_event(in->nua, leg->update)) {
		answer_now(leg, in, SIP_500_INTERNAL_SERVER_ERROR);
		return;
	}
	leg->pending = PENDING_UPDATE;
	ev.is_update = true;
	leg_emit(leg, &ev);
}

/* Answered by the library. */
static void on_i_prack(struct sip_leg *leg, const struct input *in)
{
	struct sip_event ev = event_of(SIP_EV_ACK, in);

	if (leg->offer_in_18x && !leg->answer_in_prack && ev.sdp)
		leg->answer_in_prack = strndup(ev.sdp, ev.sdp_length); /* without memory: as if there were none */
}

static void on_i_ack(struct sip_leg *leg, const struct input *in)
{
	struct sip_event ev = event_of(SIP_EV_ACK, in);
	bool answer = leg->answer_in_ack;

	if (leg->offer_in_18x && leg->phase == LEG_ANSWERED) {
		ev.sdp = leg->answer_in_prack;
		ev.sdp_length = ev.sdp ? strlen(ev.sdp) : 0;
	}
	leg->answer_in_ack = false;
	leg->unacked = false;
	if (leg->came_in && in->sip)
		digits_keep_dialog(leg, NULL, in->sip->sip_to, in->sip->sip_from);
	if (leg->phase == LEG_ANSWERED)
		incoming_acked(leg);
	if (answer)
		leg_emit(leg, &ev);
	leg_continue(leg);
}

/* The peer takes its INVITE back; the stack answers 487. */
static void on_i_cancel(struct sip_leg *leg, const struct input *in)
{
	struct sip_event ev = event_of(SIP_EV_CANCELLED, in);

	if (leg->phase == LEG_INCOMING) {
		leg_emit(leg, &ev);
		leg_ended(leg);
	} else if (leg->pending == PENDING_INVITE) {
		leg->pending = PENDING_NONE;
		leg_continue(leg);
	}
}

static void on_i_bye(struct sip_leg *leg, const struct input *in)
{
	struct sip_event ev = event_of(SIP_EV_BYE, in);

	if (leg->phase == LEG_INCOMING) {
		ev.kind = SIP_EV_CANCELLED; /* a caller may (RFC 3261 s15); the stack answers 200, and 487 to the INVITE
					     */
	} else if (leg->phase == LEG_CALLING) {
		/* No callee may do this (RFC 3261 s15), some do. (The library loses 3 KB each time: its INVITE is never
		 * freed.) */
		ev.kind = SIP_EV_REFUSED;
		ev.code = 480;
	}
	leg_emit(leg, &ev);
	leg_ended(leg);
}

static void on_i_refer(struct sip_leg *leg, const struct input *in)
{
	if (in->status < 200 && leg_may(leg, LEG_OP_RESPOND))
		transfer_refer(leg, in->nua, in->sip, in->tags);
}

static void on_i_info(struct sip_leg *leg, const struct input *in)
{
	struct sip_event ev = {.kind = SIP_EV_INFO_DTMF, .phrase = "", .contact = "", .why = ""};
	const sip_t *sip = in->sip;
	const char *type = sip && sip->sip_content_type ? sip->sip_content_type->c_type : NULL;
	bool has_body = sip && sip->sip_payload && sip->sip_payload->pl_data && sip->sip_payload->pl_len;

	if (in->status >= 200)
		return;
	if (has_body && !info_is_dtmf(type)) {
		counter_inc(CNT_SIP_INFO_IGNORED);
		if (leg_may(leg, LEG_OP_RESPOND))
			nua_respond(leg->nh, SIP_415_UNSUPPORTED_MEDIA, NUTAG_WITH_THIS(in->nua),
				SIPTAG_ACCEPT_STR("application/dtmf-relay, application/dtmf"), TAG_END());
		return;
	}
	answer_now(leg, in, SIP_200_OK);
	if (!has_body)
		return; /* some keep their connection alive with it */
	if (info_dtmf(type, sip->sip_payload->pl_data, sip->sip_payload->pl_len, &ev.digit, &ev.duration_ms))
		counter_inc(CNT_SIP_INFO_IGNORED);
	else
		leg_emit(leg, &ev);
}

/* OPTIONS: taken, without consequences. */
static void on_i_harmless(struct sip_leg *leg, const struct input *in)
{
	if (in->status < 200)
		answer_now(leg, in, SIP_200_OK);
}

static void on_r_notify(struct sip_leg *leg, const struct input *in)
{
	int substate = nua_substate_active;

	if (is_challenge(in) && proof_request(leg, in->status, in->sip))
		return;
	(void)tl_gets(in->tags, NUTAG_SUBSTATE_REF(substate), TAG_END());
	transfer_notified(leg, in->status, substate == nua_substate_terminated);
}

static void on_r_info(struct sip_leg *leg, const struct input *in)
{
	if (!is_challenge(in) || !proof_request(leg, in->status, in->sip))
		digits_answered(leg, in->status);
}

/* To a BYE. The end of one that stays refused is the linger timer's. */
static void on_r_other(struct sip_leg *leg, const struct input *in)
{
	if (is_challenge(in))
		(void)proof_request(leg, in->status, in->sip);
}

/* ---- the end ---- */

/* The ACK to our 200 never came: the stack sends a BYE (RFC 3261 s13.3.1.4). */
static void on_i_error(struct sip_leg *leg, const struct input *in)
{
	struct sip_event ev = event_of(SIP_EV_LOST, in);

	if (leg->phase != LEG_ANSWERED || in->status != 408)
		return;
	leg_emit(leg, &ev);
	leg_ended(leg);
}

static void on_i_terminated(struct sip_leg *leg, const struct input *in)
{
	struct sip_event ev = event_of(SIP_EV_LOST, in);

	if (leg->phase == LEG_INCOMING)
		ev.kind = SIP_EV_CANCELLED;
	if (leg->phase == LEG_CALLING) {
		ev.kind = SIP_EV_REFUSED;
		ev.local = true;
		if (ev.code < 300 || ev.code >= 700)
			ev.code = 503;
	}
	leg_emit(leg, &ev);
	leg_drop(leg);
}

static const struct {
	nua_event_t event;
	void (*fn)(struct sip_leg *leg, const struct input *in);
} handlers[] = {
	{nua_r_invite, on_r_invite},
	{nua_i_invite, on_i_invite},
	{nua_i_update, on_i_update},
	{nua_i_prack, on_i_prack},
	{nua_i_ack, on_i_ack},
	{nua_i_cancel, on_i_cancel},
	{nua_i_bye, on_i_bye},
	{nua_i_info, on_i_info},
	{nua_i_refer, on_i_refer},
	{nua_i_options, on_i_harmless},
	{nua_r_notify, on_r_notify},
	{nua_r_info, on_r_info},
	{nua_r_bye, on_r_other},
	{nua_r_update, on_refreshed},
	{nua_i_error, on_i_error},
	{nua_i_terminated, on_i_terminated},
};

static void leg_event(struct sip_leg *leg, nua_event_t event, const struct input *in)
{
	for (size_t i = 0; i < sizeof(handlers) / sizeof(handlers[0]); i++) {
		if (handlers[i].event != event)
			continue;
		handlers[i].fn(leg, in);
		return;
	}
	/* Answers to our BYE, CANCEL and refreshes, and state reports, need nothing: nua_i_terminated follows. */
	if (nua_event_is_incoming_request(event) && in->status < 200)
		answer_now(leg, in, SIP_405_METHOD_NOT_ALLOWED);
}

void translate_event(nua_event_t event, int status, const char *phrase, nua_t *nua, struct sip_listener *listener,
	nua_handle_t *nh, struct sip_leg *leg, const sip_t *sip, tagi_t tags[])
{
	const struct input in = {refresh_status(sip, status), phrase, nua, sip, tags};

	if (event == nua_r_shutdown && status >= 200)
		listener->shut_down = true;
	if (!listener->stack)
		return;
	loop_refresh_now(listener->stack->loop);
	if (leg && leg->nh == nh)
		leg_event(leg, event, &in);
	else if (!leg && nh && event == nua_r_method)
		gateway_response(listener->stack, nh, status, sip, made_here(&in));
	else if (!leg && nh && nua_event_is_incoming_request(event))
		strangers_request(listener, event, status, nua, nh, sip);
	/* else: the answer to a BYE beside the queue */
}
