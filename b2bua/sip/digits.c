/* b2bua/sip/digits.c
 *
 * Digits as INFO requests of ours, for peers that want them so: one is under way at a time, so that they arrive in
 * order, and none while an INVITE of the peer's is unanswered (leg.c). What the peer answers does not matter: there is
 * no other way to tell it.
 */
#include "b2bua/sip/info.h"
#include "b2bua/sip/leg.h"

#include "lib/base/id.h"

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
};

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
	digits_continue(leg);
}

void digits_free(struct sip_leg *leg)
{
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
