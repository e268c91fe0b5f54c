/* b2bua/sip/digits.c
 *
 * Digits as INFO requests of ours, for peers that want them so: one is under way at a time, so that they arrive in
 * order, and none while an INVITE of the peer's is unanswered (leg.c). What the peer answers does not matter: there is
 * no other way to tell it.
 *
 * The library sends a BYE only after the answer to an INFO, for which it waits 64*T1. The BYE then leaves beside that
 * queue, on a handle of its own, as in transfer.c.
 */
#include "b2bua/sip/info.h"
#include "b2bua/sip/leg.h"

#include "lib/base/id.h"

#include <sofia-sip/sip_header.h>
#include <sofia-sip/url.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct digits {
	bool under_way;
	size_t count;
	struct {
		char digit;
		unsigned ms;
	} waiting[DIGITS_WAITING_MAX];
	nua_handle_t *bye;
};

struct leg_dialog {
	char *target, *local, *remote; /* NULL: not known */
};

static const char cseq_of_bye[] = "2147483646 BYE";

/* ---- the BYE ---- */

static void keep(char **kept, const char *text)
{
	if (*kept && strcmp(*kept, text) == 0)
		return;
	free(*kept);
	*kept = *text ? strdup(text) : NULL;
}

static void keep_header(char **kept, const void *header)
{
	char text[SIP_NAME_ADDR_MAX];
	issize_t n = sip_header_field_e(text, sizeof(text), header, 0);

	keep(kept, n > 0 && (size_t)n < sizeof(text) ? text : "");
}

static void keep_target(char **kept, const url_t *url)
{
	char text[SIP_URI_MAX];
	struct sip_uri uri;
	issize_t n = url_e(text, sizeof(text), url);

	keep(kept, n > 0 && (size_t)n < sizeof(text) && sip_uri_parse(text, &uri) == 0 ? text : "");
}

void digits_keep_dialog(
	struct sip_leg *leg, const sip_contact_t *contact, const sip_from_t *local, const sip_to_t *remote)
{
	struct leg_dialog *d = leg->dialog;

	if (!d)
		d = leg->dialog = calloc(1, sizeof(*d));
	if (!d)
		return;
	if (contact)
		keep_target(&d->target, contact->m_url);
	if (local)
		keep_header(&d->local, local);
	if (remote)
		keep_header(&d->remote, remote);
}

bool digits_block_bye(const struct sip_leg *leg)
{
	return leg->digits && leg->digits->under_way && !leg->digits->bye;
}

void digits_bye_now(struct sip_leg *leg, const char *reason)
{
	const struct leg_dialog *d = leg->dialog;
	nua_handle_t *nh;

	if (!leg->digits)
		leg->digits = calloc(1, sizeof(*leg->digits));
	if (!leg->digits || leg->digits->bye)
		return;
	leg->digits->count = 0;
	if (!d || !d->target || !d->local || !d->remote)
		return;
	nh = nua_handle(leg->listener->nua, leg, NUTAG_URL((const url_string_t *)d->target), SIPTAG_TO_STR(d->remote),
		SIPTAG_FROM_STR(d->local), SIPTAG_CALL_ID_STR(leg->call_id), TAG_END());
	leg->digits->bye = nh;
	if (nh)
		nua_method(nh, NUTAG_METHOD("BYE"), SIPTAG_CSEQ_STR(cseq_of_bye),
			TAG_IF(leg->route, SIPTAG_ROUTE_STR(leg->route)), TAG_IF(*reason, SIPTAG_REASON_STR(reason)),
			TAG_END());
}

/* ---- the digits ---- */

void digits_continue(struct sip_leg *leg)
{
	struct digits *d = leg->digits;
	char body[INFO_TEXT_MAX], proof[SIP_HEADERS_MAX];

	if (!d || d->under_way || !d->count || !leg_may(leg, LEG_OP_INFO))
		return;
	info_build(body, sizeof(body), d->waiting[0].digit, d->waiting[0].ms);
	d->count--;
	memmove(&d->waiting[0], &d->waiting[1], d->count * sizeof(d->waiting[0]));
	d->under_way = true;
	proof_lines(leg, "INFO", proof, sizeof(proof));
	nua_info(leg->nh, SIPTAG_CONTENT_TYPE_STR("application/dtmf-relay"), SIPTAG_PAYLOAD_STR(body),
		TAG_IF(*proof, SIPTAG_HEADER_STR(proof)), TAG_END());
}

void digits_answered(struct sip_leg *leg, int status)
{
	if (!leg->digits || status < 200)
		return;
	leg->digits->under_way = false;
	leg_continue(leg);
}

void digits_free(struct sip_leg *leg)
{
	if (leg->digits && leg->digits->bye) {
		nua_handle_bind(leg->digits->bye, NULL);
		nua_handle_destroy(leg->digits->bye);
	}
	if (leg->dialog) {
		free(leg->dialog->target);
		free(leg->dialog->local);
		free(leg->dialog->remote);
	}
	free(leg->dialog);
	leg->dialog = NULL;
	free(leg->digits);
	leg->digits = NULL;
}

void sip_leg_digit(struct sip_stack *s, uint64_t id, char digit, unsigned duration_ms)
{
	struct sip_leg *leg = slotmap_get(s->known, id);
	struct digits *d;

	if (!leg || !digit || !strchr("0123456789*#ABCD", digit))
		return;
	if (!leg->digits)
		leg->digits = calloc(1, sizeof(*leg->digits));
	d = leg->digits;
	if (!d || d->count == DIGITS_WAITING_MAX)
		return;
	d->waiting[d->count].digit = digit;
	d->waiting[d->count++].ms = duration_ms;
	digits_continue(leg);
}
