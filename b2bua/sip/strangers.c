/* b2bua/sip/strangers.c
 *
 * Requests that belong to no leg. The parser hook is the only place from which a message can be dropped without a
 * trace: after it the stack answers 100, and a 403 costs a transaction for 64*T1. It looks at requests only; responses
 * are matched to our own requests by the transaction layer and may come from any address. A request within a dialog of
 * ours counts as ours too, wherever it comes from (its Call-ID is 128 random bits): hosted services send BYE from
 * another machine than the one that was called.
 */
#include "b2bua/sip/leg.h"

#include "lib/base/counter.h"

#include <errno.h>
#include <sofia-sip/msg_addr.h>
#include <sofia-sip/msg_mclass.h>
#include <sofia-sip/sip_header.h>
#include <sofia-sip/sip_status.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

enum {
	/* Answers to strangers; what is over it gets silence. */
	ANSWERS_PER_S = 10,
	ANSWERS_BURST = 50,
};

/* The hook knows of a message its parser class only. */
static struct sip_stack *hooked;

static struct sip_stack *stack_of(const msg_t *msg)
{
	struct sip_stack *s;

	LL_FOREACH (hooked, s)
		if (s->mclass == msg_mclass(msg))
			break;
	return s;
}

static bool source_allowed(const struct sip_stack *s, msg_t *msg)
{
	const su_sockaddr_t *su = msg ? msg_addr(msg) : NULL;
	struct addr source = {0};

	if (!su || !s->conf.source_allowed)
		return false;
	addr_from_sockaddr(&source, &su->su_sa, sizeof(*su));
	return s->conf.source_allowed(&source, s->conf.arg);
}

static bool in_dialog(const struct sip_stack *s, const sip_t *sip)
{
	struct sip_leg *leg = NULL;

	if (!sip->sip_call_id || !sip->sip_call_id->i_id || !sip->sip_to || !sip->sip_to->a_tag)
		return false;
	HASH_FIND_STR(s->by_call, sip->sip_call_id->i_id, leg);
	return leg != NULL;
}

static bool let_in(struct sip_stack *s, msg_t *msg, const sip_t *sip)
{
	sip_method_t method = sip->sip_request->rq_method;

	if (in_dialog(s, sip) || source_allowed(s, msg))
		return true;
	if (method == sip_method_ack && !s->conf.drop_strangers)
		return true; /* of a 403 */
	counter_inc(CNT_SIP_REFUSED_SOURCE);
	if (s->conf.drop_strangers || (method != sip_method_invite && method != sip_method_options))
		return false;
	return ratelimit_take(&s->stranger_answers, loop_now_us(s->loop));
}

static issize_t hook(msg_t *msg, msg_pub_t *pub, char b[], isize_t length, int eos)
{
	sip_t *sip = (sip_t *)pub;
	struct sip_stack *s = stack_of(msg);

	if (s && sip && sip->sip_request && !let_in(s, msg, sip)) {
		counter_inc(CNT_SIP_PARSE_DROPPED);
		sip->sip_request = NULL;
		sip->sip_status = NULL;
		sip->sip_flags |= MSG_FLG_ERROR;
		return -1;
	}
	return sip_default_mclass()->mc_extract_body(msg, pub, b, length, eos);
}

int strangers_hook(struct sip_stack *s)
{
	s->mclass = msg_mclass_clone(sip_default_mclass(), 0, 0);
	if (!s->mclass)
		return -ENOMEM;
	s->mclass->mc_extract_body = hook;
	ratelimit_init(&s->stranger_answers, ANSWERS_PER_S, ANSWERS_BURST, loop_now_us(s->loop));
	LL_PREPEND(hooked, s);
	return 0;
}

void strangers_unhook(struct sip_stack *s)
{
	if (!s->mclass)
		return;
	LL_DELETE(hooked, s);
	free(s->mclass);
	s->mclass = NULL;
}

void strangers_request(struct sip_stack *s, nua_event_t event, int status, nua_t *nua, nua_handle_t *nh)
{
	msg_t *request = nua_current_request(nua);

	if (nh == nua_default(nua))
		return;
	if (status < 200 && event == nua_i_invite)
		nua_respond(nh, 403, source_allowed(s, request) ? "Calls toward WhatsApp are not enabled" : "Forbidden",
			TAG_END());
	else if (status < 200 && !source_allowed(s, request))
		nua_respond(nh, SIP_403_FORBIDDEN, NUTAG_WITH_THIS(nua), TAG_END());
	else if (status < 200 && event == nua_i_options)
		nua_respond(nh, SIP_200_OK, NUTAG_WITH_THIS(nua), TAG_END());
	else if (status < 200)
		nua_respond(nh, SIP_405_METHOD_NOT_ALLOWED, NUTAG_WITH_THIS(nua), TAG_END());
	nua_handle_destroy(nh);
}
