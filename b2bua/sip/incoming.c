/* b2bua/sip/incoming.c
 *
 * Legs that came in: from an INVITE of somebody who may, until its final answer and the ACK to that.
 */
#include "b2bua/sip/leg.h"

#include "b2bua/sip/caller.h"
#include "b2bua/sip/headers.h"
#include "b2bua/sip/reason.h"
#include "b2bua/sip/text.h"
#include "lib/base/id.h"
#include "lib/base/str.h"

#include <sofia-sip/sip_status.h>
#include <string.h>

enum {
	INCOMING_MAX = 4000,
	CALL_ID_MAX = 255,
	RETRY_AFTER_S = 5,
	PHRASE_MAX = 100,
};

/* ---- the INVITE ---- */

/* Refused before there is a leg. phrase: static. */
static void refuse_new(nua_handle_t *nh, int code, const char *phrase, const char *headers)
{
	nua_respond(nh, code, phrase, TAG_IF(*headers, SIPTAG_HEADER_STR(headers)), TAG_END());
	nua_handle_destroy(nh);
}

static bool has_body(const sip_t *sip)
{
	return sip->sip_payload && sip->sip_payload->pl_data && sip->sip_payload->pl_len;
}

static bool body_is_sdp(const sip_t *sip)
{
	return sip->sip_content_type && sip->sip_content_type->c_type &&
	       str_equal_nocase(sip->sip_content_type->c_type, "application/sdp") && !sip->sip_content_encoding;
}

static enum sip_transport transport_of(const sip_t *sip)
{
	const char *protocol = sip->sip_via && sip->sip_via->v_protocol ? strrchr(sip->sip_via->v_protocol, '/') : NULL;

	if (protocol && str_equal_nocase(protocol + 1, "TLS"))
		return SIP_TLS;
	return protocol && str_equal_nocase(protocol + 1, "TCP") ? SIP_TCP : SIP_UDP;
}

/* The dialog that Replaces names (RFC 3891 s3). Returns 0 (no header, or *ret_leg), or the status to refuse with. */
static int find_replaced(const struct sip_stack *s, const sip_t *sip, uint64_t *ret_leg)
{
	const struct sip_leg *leg = NULL;

	*ret_leg = 0;
	if (!sip->sip_replaces)
		return 0;
	for (size_t i = 0; i < s->listener_count && !leg; i++) {
		nua_handle_t *nh = nua_handle_by_replaces(s->listeners[i]->nua, sip->sip_replaces);
		if (!nh)
			continue;
		leg = nua_handle_magic(nh);
		nua_handle_unref(nh);
	}
	if (!leg || leg->phase == LEG_INCOMING)
		return 481; /* an early dialog that its taker did not begin cannot be replaced */
	if (!leg->id || leg->phase == LEG_ENDING || leg->phase == LEG_CANCELLED)
		return 603;
	if (sip->sip_replaces->rp_early_only && leg->phase != LEG_CALLING)
		return 486;
	*ret_leg = leg->id;
	return 0;
}

/* May the answer be SDP? Without Accept it may (RFC 3261 s20.1, s21.4.7). */
static bool accepts_sdp(const sip_t *sip)
{
	if (!sip->sip_accept)
		return true;
	for (const sip_accept_t *a = sip->sip_accept; a; a = a->ac_next)
		if (a->ac_type &&
			(str_equal_nocase(a->ac_type, "application/sdp") ||
				str_equal_nocase(a->ac_type, "application/*") || str_equal_nocase(a->ac_type, "*/*")))
			return true;
	return false;
}

/* Returns 0, or the status to refuse with. */
static int check_new(const struct sip_stack *s, const sip_t *sip)
{
	size_t max = s->conf.incoming_max ? s->conf.incoming_max : INCOMING_MAX;

	if (s->closing || s->incoming_total >= max)
		return 503;
	if (!sip->sip_call_id || !sip->sip_call_id->i_id || strlen(sip->sip_call_id->i_id) > CALL_ID_MAX ||
		!sip->sip_contact || !sip->sip_to || !sip->sip_from)
		return 400;
	if (has_body(sip) && !body_is_sdp(sip))
		return 415;
	return accepts_sdp(sip) ? 0 : 406;
}

static const char *refusal_headers(int code)
{
	if (code == 503)
		return "Retry-After: 5\r\n";
	return code == 415 ? "Accept: application/sdp\r\n" : "";
}

static const struct sip_dialog_policy *policy_for(const struct sip_stack *s, const struct addr *source)
{
	return s->conf.policy_of ? s->conf.policy_of(source, s->conf.arg) : NULL;
}

static struct sip_leg *make_leg(
	struct sip_listener *listener, nua_handle_t *nh, const sip_t *sip, const struct addr *source)
{
	struct sip_leg *leg = leg_new(listener->stack, NULL, sip->sip_call_id->i_id);
	struct addr local;

	if (!leg)
		return NULL;
	stack_local_toward(listener, source, &local);
	if (contact_build(leg->contact, sizeof(leg->contact), leg->stack, listener, &local, transport_of(sip),
		    CONTACT_USER)) {
		leg_drop(leg);
		return NULL;
	}
	leg->way.came_in = true;
	if (leg->stack->conf.tls_of &&
		way_init(&leg->way, leg->stack, leg->stack->conf.tls_of(source, leg->stack->conf.arg))) {
		leg_drop(leg);
		return NULL;
	}
	leg->listener = listener;
	leg->nh = nh;
	refresh_init(leg, policy_for(listener->stack, source));
	nua_handle_bind(nh, leg);
	leg->offerless = !has_body(sip);
	transfer_keep_route(leg, sip->sip_record_route, false);
	digits_keep_dialog(leg, sip->sip_contact, NULL, sip->sip_from);
	return leg;
}

/* Timer and 100rel as the policy for this caller says. */
static bool refuse_extensions(struct sip_leg *leg, const sip_t *sip)
{
	enum sip_rel100 rel100 = leg->refresh.timer.policy.rel100;
	bool required = leg_list_has(sip->sip_require, "100rel");
	bool known = required || leg_list_has(sip->sip_supported, "100rel");
	char lines[REFRESH_LINES_MAX];
	int code = refresh_check(leg, sip, lines);

	if (!code && required && rel100 == SIP_REL100_OFF) {
		code = 420;
		str_copy(lines, sizeof(lines), "Unsupported: 100rel\r\n");
	} else if (!code && !known && rel100 == SIP_REL100_REQUIRE) {
		code = 421;
		str_copy(lines, sizeof(lines), "Require: 100rel\r\n");
	}
	if (code) {
		incoming_refuse(leg, code, sip_status_phrase(code), "", lines);
		return true;
	}
	leg->wants_100rel = required || rel100 == SIP_REL100_REQUIRE;
	if (rel100 == SIP_REL100_OFF)
		nua_set_hparams(leg->nh, SIPTAG_SUPPORTED_STR(STACK_SUPPORTED_NO_100REL), TAG_END());
	return false;
}

void incoming_invite(
	struct sip_listener *listener, nua_handle_t *nh, const sip_t *sip, const msg_t *msg, const char *auth_user)
{
	struct caller_text text;
	struct sip_incoming in;
	struct sip_event ev = {.kind = SIP_EV_INVITE, .phrase = "", .contact = "", .why = "", .in = &in};
	struct sip_leg *leg;
	uint64_t replaces = 0;
	int code = check_new(listener->stack, sip);

	if (!code && caller_read(sip, &text, &in))
		code = 414;
	if (!code)
		code = find_replaced(listener->stack, sip, &replaces);
	if (code) {
		refuse_new(nh, code, sip_status_phrase(code), refusal_headers(code));
		return;
	}
	stack_source_of(msg, &in.source);
	leg = make_leg(listener, nh, sip, &in.source);
	if (!leg) {
		refuse_new(nh, 503, sip_status_phrase(503), refusal_headers(503));
		return;
	}
	if (refuse_extensions(leg, sip))
		return;
	in.auth_user = auth_user;
	in.replaces_leg = replaces;
	if (has_body(sip)) {
		ev.sdp = sip->sip_payload->pl_data;
		ev.sdp_length = sip->sip_payload->pl_len;
	}
	leg_emit(leg, &ev);
}

/* ---- answers ---- */

static void answer(
	struct sip_leg *leg, int code, const char *phrase, const char *sdp, const char *reason, const char *headers)
{
	nua_respond(leg->nh, code, phrase, TAG_IF(code < 300 && leg->contact[0], SIPTAG_CONTACT_STR(leg->contact)),
		TAG_IF(sdp, SIPTAG_CONTENT_TYPE_STR("application/sdp")), TAG_IF(sdp, SIPTAG_PAYLOAD_STR(sdp)),
		TAG_IF(*reason, SIPTAG_REASON_STR(reason)), TAG_IF(*headers, SIPTAG_HEADER_STR(headers)), TAG_END());
}

void sip_leg_ring(struct sip_stack *s, uint64_t id, int code, const char *sdp)
{
	struct sip_leg *leg = slotmap_get(s->known, id);
	const char *phrase = code > 100 && code < 200 ? sip_status_phrase(code) : NULL;

	if (!leg || !phrase || !leg_may(leg, LEG_OP_RING))
		return;
	/* Our offer to who made none: in the first reliable response (RFC 3261 s13.2.1, RFC 3262 s5), in no other. */
	if (leg->offerless && (!leg->wants_100rel || leg->offer_in_18x))
		sdp = NULL;
	else if (leg->offerless && !sdp)
		return; /* until the 200, 100 must do */
	leg->offer_in_18x = leg->offer_in_18x || (leg->offerless && sdp);
	refresh_keep_sdp(leg, sdp);
	answer(leg, code, phrase, sdp, "", leg->wants_100rel ? "Require: 100rel\r\n" : "");
}

void sip_leg_accept(struct sip_stack *s, uint64_t id, const char *sdp)
{
	struct sip_leg *leg = slotmap_get(s->known, id);
	char lines[REFRESH_LINES_MAX];

	if (!leg || !leg_may(leg, LEG_OP_ANSWER))
		return;
	leg->phase = LEG_ANSWERED;
	leg->unacked = true;
	leg->answer_in_ack = leg->offerless;
	refresh_keep_sdp(leg, sdp);
	refresh_answer(leg, lines);
	answer(leg, SIP_200_OK, leg->offer_in_18x ? NULL : sdp, "", lines);
}

void incoming_acked(struct sip_leg *leg)
{
	leg->phase = LEG_UP;
	if (leg->bye_reason)
		leg_bye(leg, leg->bye_reason);
}

bool incoming_refuse(struct sip_leg *leg, int code, const char *phrase, const char *reason, const char *headers)
{
	char clean[PHRASE_MAX + 1];
	struct strbuf sb;
	char *kept;

	if (!leg_may(leg, LEG_OP_ANSWER))
		return false;
	strbuf_init(&sb, clean, sizeof(clean));
	text_put_line(&sb, phrase ? phrase : "Refused", PHRASE_MAX);
	/* The library reads the phrase later: it lives as long as the handle. */
	kept = su_strdup(nua_handle_home(leg->nh), clean);
	answer(leg, code, kept ? kept : "Refused", NULL, reason, headers);
	leg_ended(leg);
	return true;
}

void sip_leg_reject(struct sip_stack *s, uint64_t id, int code, const char *phrase, int q850,
	const struct sip_header *headers, size_t header_count)
{
	struct sip_leg *leg = slotmap_get(s->known, id);
	char reason[REASON_MAX], lines[SIP_HEADERS_MAX];

	if (!leg || code < 300 || code > 699)
		return;
	if (!phrase || !*phrase)
		phrase = sip_status_phrase(code);
	/* A header that cannot be sent is no reason to leave the caller without an answer. */
	if (headers_build(lines, sizeof(lines), NULL, headers, header_count))
		lines[0] = '\0';
	incoming_refuse(leg, code, phrase, reason_build(reason, 0, q850, NULL), lines);
}
