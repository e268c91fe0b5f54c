/* b2bua/sip/transfer.c
 *
 * REFER within a dialog (RFC 3515) and the NOTIFYs about what became of it; one transfer a leg at a time:
 *
 *   REFER -> ASKED --sip_leg_refer_respond(202)--> OPEN --sip_leg_notify(final), answered--> none
 *                  --(300..699)----------------> none
 *
 * A NOTIFY tells a state: of those that have to wait only the newest is kept. One is under way at a time (leg.c has the
 * rules). One that is refused or not answered ends the subscription (RFC 6665 s4.2.2), not the call; but for 404, 410
 * and their like, which say that the dialog's other end does not exist (RFC 5057 s5.1): the leg is lost.
 *
 * The library sends a BYE only after the answer to a NOTIFY, and some peers give none. The BYE then also leaves beside
 * that queue, on a handle of its own, with the highest CSeq there is; the library's own follows when it may, and is
 * answered 481.
 */
#include "b2bua/sip/leg.h"

#include "b2bua/sip/caller.h"
#include "lib/base/id.h"
#include "lib/base/str.h"

#include <sofia-sip/sip_header.h>
#include <sofia-sip/sip_status.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum transfer_state { TRANSFER_NONE, TRANSFER_ASKED, TRANSFER_OPEN };

struct transfer {
	enum transfer_state state;
	nua_saved_event_t refer[1]; /* TRANSFER_ASKED */
	char event[64];             /* Event header of its NOTIFYs: refer, refer;id=93809823 */
	bool under_way;             /* a NOTIFY is unanswered, */
	bool ending;                /* the last one */
	bool waiting;               /* another is to follow */
	int code;
	bool final;
	/* for the BYE beside the queue, "" where they are too long to keep */
	char target[SIP_URI_MAX], local[SIP_NAME_ADDR_MAX], remote[SIP_NAME_ADDR_MAX];
	nua_handle_t *bye;
};

enum { NOTIFY_WAIT_MS = 500 };

static const char cseq_of_bye[] = "2147483646 BYE";

/* ---- what a request beside the handle needs ---- */

static void keep_header(char *dst, size_t cap, const void *header)
{
	issize_t n = header ? sip_header_field_e(dst, (isize_t)cap, header, 0) : 0;

	if (n <= 0 || (size_t)n >= cap)
		dst[0] = '\0';
}

static void keep_dialog(struct transfer *t, const sip_t *sip)
{
	issize_t n = sip->sip_contact ? url_e(t->target, sizeof(t->target), sip->sip_contact->m_url) : 0;
	struct sip_uri uri;

	if (n <= 0 || (size_t)n >= sizeof(t->target) || sip_uri_parse(t->target, &uri))
		t->target[0] = '\0';
	keep_header(t->local, sizeof(t->local), sip->sip_to);
	keep_header(t->remote, sizeof(t->remote), sip->sip_from);
}

void transfer_keep_route(struct sip_leg *leg, const sip_record_route_t *rr, bool reverse)
{
	enum { ROUTES_MAX = 16 };
	const sip_record_route_t *all[ROUTES_MAX];
	char text[2048], one[SIP_URI_MAX];
	struct strbuf sb;
	size_t count = 0;

	for (; rr && count < ROUTES_MAX; rr = rr->r_next)
		all[count++] = rr;
	if (count == 0 || leg->route)
		return;
	strbuf_init(&sb, text, sizeof(text));
	for (size_t i = 0; i < count; i++) {
		keep_header(one, sizeof(one), all[reverse ? count - 1 - i : i]);
		strbuf_put(&sb, i ? ", " : "");
		strbuf_put(&sb, one);
		if (!one[0])
			return;
	}
	if (!sb.truncated)
		leg->route = strdup(text);
}

bool transfer_under_way(const struct sip_leg *leg)
{
	return leg->transfer && leg->transfer->under_way;
}

bool transfer_blocks_bye(const struct sip_leg *leg)
{
	return leg->transfer && leg->transfer->under_way && !leg->transfer->bye;
}

static void on_bye_due(void *arg)
{
	struct sip_leg *leg = arg;

	leg_bye(leg, leg->bye_reason);
}

bool transfer_holds_bye(struct sip_leg *leg, const char *reason)
{
	const struct transfer *t = leg->transfer;
	struct loop *loop = leg->stack->loop;

	if (!t || t->state != TRANSFER_OPEN || (!t->under_way && !t->waiting) || !(t->final || t->ending) ||
		leg->stack->closing || !leg_may(leg, LEG_OP_BYE))
		return false;
	leg->bye_reason = strdup(reason);
	if (!leg->bye_reason ||
		loop_timer_set(loop, &leg->bye_timer, loop_now_us(loop) + NOTIFY_WAIT_MS * 1000, on_bye_due, leg))
		return false;
	leg_let_go(leg);
	return true;
}

void transfer_bye_now(struct sip_leg *leg, const char *reason)
{
	struct transfer *t = leg->transfer;

	if (!t->target[0] || !t->local[0] || !t->remote[0])
		return;
	t->bye = nua_handle(leg->listener->nua, leg, NUTAG_URL((const url_string_t *)t->target),
		SIPTAG_TO_STR(t->remote), SIPTAG_FROM_STR(t->local), SIPTAG_CALL_ID_STR(leg->call_id), TAG_END());
	if (t->bye)
		nua_method(t->bye, NUTAG_METHOD("BYE"), SIPTAG_CSEQ_STR(cseq_of_bye),
			TAG_IF(leg->route, SIPTAG_ROUTE_STR(leg->route)), TAG_IF(*reason, SIPTAG_REASON_STR(reason)),
			TAG_END());
}

/* ---- life ---- */

static void transfer_over(struct transfer *t)
{
	if (t->state == TRANSFER_ASKED)
		nua_destroy_event(t->refer);
	t->state = TRANSFER_NONE;
	t->waiting = false;
	t->ending = false;
}

void transfer_stop(struct sip_leg *leg)
{
	if (leg->transfer)
		transfer_over(leg->transfer);
}

void transfer_free(struct sip_leg *leg)
{
	struct transfer *t = leg->transfer;

	if (!t)
		return;
	transfer_over(t);
	if (t->bye) {
		nua_handle_bind(t->bye, NULL);
		nua_handle_destroy(t->bye);
	}
	free(t);
	leg->transfer = NULL;
}

/* ---- REFER ---- */

static void refuse(struct sip_leg *leg, nua_t *nua, int code)
{
	nua_respond(leg->nh, code, sip_status_phrase(code), NUTAG_WITH_THIS(nua), TAG_END());
}

/* Returns 0, or the status to refuse with. */
static int accept_refer(struct sip_leg *leg, nua_t *nua, const sip_t *sip, struct refer_text *text)
{
	if (leg->phase != LEG_UP ||
		(leg->transfer && (leg->transfer->state != TRANSFER_NONE || leg->transfer->under_way)))
		return 491;
	if (!leg->id)
		return 603;
	if (caller_refer(sip, text))
		return 400;
	if (!leg->transfer)
		leg->transfer = calloc(1, sizeof(*leg->transfer));
	if (!leg->transfer || !nua_save_event(nua, leg->transfer->refer))
		return 500;
	return 0;
}

void transfer_refer(struct sip_leg *leg, nua_t *nua, const sip_t *sip, const tagi_t *tags)
{
	struct refer_text text;
	struct sip_event ev = {.kind = SIP_EV_REFER, .phrase = "", .contact = "", .why = ""};
	const sip_event_t *event = NULL;
	int code = sip ? accept_refer(leg, nua, sip, &text) : 500;

	if (code) {
		refuse(leg, nua, code);
		return;
	}
	leg->transfer->state = TRANSFER_ASKED;
	(void)tl_gets(tags, NUTAG_REFER_EVENT_REF(event), TAG_END());
	keep_header(leg->transfer->event, sizeof(leg->transfer->event), event);
	if (!leg->transfer->event[0])
		str_copy(leg->transfer->event, sizeof(leg->transfer->event), "refer");
	keep_dialog(leg->transfer, sip);
	ev.refer_to = text.to;
	ev.refer_replaces = text.replaces[0] ? text.replaces : NULL;
	ev.referred_by = text.referred_by[0] ? text.referred_by : NULL;
	leg_emit(leg, &ev);
}

void sip_leg_refer_respond(struct sip_stack *s, uint64_t id, int code)
{
	struct sip_leg *leg = slotmap_get(s->known, id);
	struct transfer *t = leg ? leg->transfer : NULL;
	const char *phrase;

	if (!t || t->state != TRANSFER_ASKED || code < 200 || code > 699 || !leg_may(leg, LEG_OP_RESPOND))
		return;
	code = leg_refusal(code, sip_method_refer);
	phrase = sip_status_phrase(code);
	nua_respond(leg->nh, code, phrase ? phrase : "Refused", NUTAG_WITH_SAVED(t->refer),
		TAG_IF(code < 300 && leg->contact[0], SIPTAG_CONTACT_STR(leg->contact)), TAG_END());
	nua_destroy_event(t->refer);
	t->state = code < 300 ? TRANSFER_OPEN : TRANSFER_NONE;
}

/* ---- NOTIFY ---- */

static void notify_send(struct sip_leg *leg)
{
	struct transfer *t = leg->transfer;
	const char *phrase = sip_status_phrase(t->code);
	char body[160];

	(void)snprintf(body, sizeof(body), "SIP/2.0 %d %s\r\n", t->code, phrase ? phrase : "Unknown");
	t->waiting = false;
	t->under_way = true;
	t->ending = t->final;
	nua_notify(leg->nh, SIPTAG_EVENT_STR(t->event),
		NUTAG_SUBSTATE(t->final ? nua_substate_terminated : nua_substate_active),
		TAG_IF(t->final, SIPTAG_SUBSCRIPTION_STATE_STR("terminated;reason=noresource")),
		TAG_IF(leg->contact[0], SIPTAG_CONTACT_STR(leg->contact)),
		SIPTAG_CONTENT_TYPE_STR("message/sipfrag;version=2.0"), SIPTAG_PAYLOAD_STR(body), TAG_END());
}

void transfer_continue(struct sip_leg *leg)
{
	const struct transfer *t = leg->transfer;

	if (t && t->state == TRANSFER_OPEN && t->waiting && !t->under_way && leg_may(leg, LEG_OP_NOTIFY))
		notify_send(leg);
}

void transfer_notified(struct sip_leg *leg, int status, bool terminated)
{
	struct transfer *t = leg->transfer;

	if (!t || status < 200)
		return;
	/* After a challenge that we do not answer, the library goes on holding its queue. */
	if (status != 401 && status != 407)
		t->under_way = false;
	if (t->state == TRANSFER_OPEN && (t->ending || terminated))
		transfer_over(t);
	leg_continue(leg);
	if (leg->bye_reason && !t->under_way && !t->waiting)
		leg_bye(leg, leg->bye_reason);
}

void sip_leg_notify(struct sip_stack *s, uint64_t id, int code, bool final)
{
	struct sip_leg *leg = slotmap_get(s->known, id);
	struct transfer *t = leg ? leg->transfer : NULL;

	if (!t || t->state != TRANSFER_OPEN || code < 100 || code > 699 || t->ending || (t->waiting && t->final))
		return;
	t->code = code;
	t->final = final;
	t->waiting = true;
	transfer_continue(leg);
}
