/* b2bua/sip/leg.c
 *
 * One leg is one nua handle. The handle outlives what the caller sees:
 *
 *   caller      sip_leg_invite ---- events ---- ENDED/REFUSED/BYE/LOST, sip_leg_cancel(), sip_leg_bye()
 *   this module CALLING ----------- UP -------- CANCELLED or ENDING ------------------------------------ dropped
 *   nua         INVITE              ACK         CANCEL, BYE, repeats, a crossing 200 nua_i_terminated
 *
 * Debian's Sofia-SIP aborts or dereferences freed memory when a request is made on a handle whose session is ending, so
 * everything sent on a handle passes leg_may():
 *
 *   - nothing but destroy once a BYE went either way or the INVITE was refused (LEG_ENDING);
 *   - after our CANCEL only the ACK (the stack's) and BYE to a 200 that crossed it;
 *   - no request of ours but INVITE, CANCEL and BYE exists, so that none can wait behind another, and no re-INVITE can
 * meet an INVITE of the peer's whose ACK is missing. Who adds one adds a queue: one client request at a time.
 *
 * A handle is destroyed in nua_i_terminated, which comes once for each session. Exceptions: 401/407 that we do not
 * answer (no such event follows), and the linger timer for peers that never finish.
 */
#include "b2bua/sip/leg.h"

#include "b2bua/sip/headers.h"
#include "b2bua/sip/reason.h"
#include "lib/base/crypto.h"
#include "lib/base/id.h"
#include "lib/base/str.h"

#include <errno.h>
#include <sofia-sip/sip_status.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

enum {
	T1X64_MS = 32000,       /* RFC 3261 s17.1.1.2: timers B, D, F, H */
	LINGER_EXTRA_MS = 4000, /* beyond, so that the stack's own timers come first */
	EARLY_SDP_MAX = 16384,
};

bool leg_may(const struct sip_leg *leg, enum leg_op op)
{
	static const bool allowed[LEG_PHASE_COUNT][LEG_OP_RESPOND + 1] = {
		[LEG_CALLING] = {[LEG_OP_CANCEL] = true, [LEG_OP_RESPOND] = true},
		[LEG_UP] = {[LEG_OP_BYE] = true, [LEG_OP_RESPOND] = true},
		[LEG_CANCELLED] = {[LEG_OP_BYE] = true}, /* only from a 2xx: nua sends none before */
	};

	return leg->nh && allowed[leg->phase][op];
}

/* ---- birth and death ---- */

static void on_linger(void *arg)
{
	leg_drop(arg);
}

static void linger_start(struct sip_leg *leg)
{
	unsigned t1x64_ms = leg->stack->conf.t1x64_ms ? leg->stack->conf.t1x64_ms : T1X64_MS;
	uint64_t at_us = loop_now_us(leg->stack->loop) + (t1x64_ms + LINGER_EXTRA_MS) * 1000ull;

	if (leg->linger.loop)
		return;
	/* Without memory for the timer the leg waits for nua_i_terminated alone. */
	(void)loop_timer_set(leg->stack->loop, &leg->linger, at_us, on_linger, leg);
}

static struct sip_leg *leg_new(struct sip_stack *s, void *arg)
{
	struct sip_leg *leg = calloc(1, sizeof(*leg));
	uint8_t random[16];

	if (!leg)
		return NULL;
	leg->stack = s;
	leg->arg = arg;
	leg->id = slotmap_add(s->known, leg);
	if (!leg->id) {
		free(leg);
		return NULL;
	}
	crypto_random(random, sizeof(random));
	str_hex(leg->call_id, random, sizeof(random));
	HASH_ADD_STR(s->by_call, call_id, leg);
	DL_APPEND(s->legs, leg);
	s->leg_total++;
	return leg;
}

static void forget_id(struct sip_leg *leg)
{
	if (leg->id)
		slotmap_remove(leg->stack->known, leg->id);
	leg->id = 0;
	leg->arg = NULL;
}

static void pending_done(struct sip_leg *leg)
{
	if (leg->pending == PENDING_UPDATE)
		nua_destroy_event(leg->update);
	leg->pending = PENDING_NONE;
}

void leg_drop(struct sip_leg *leg)
{
	struct sip_stack *s = leg->stack;

	forget_id(leg);
	loop_timer_cancel(&leg->linger);
	pending_done(leg);
	if (leg->nh) {
		/* Unbound first: an event already under way then finds no leg. */
		nua_handle_bind(leg->nh, NULL);
		nua_handle_destroy(leg->nh);
	}
	HASH_DEL(s->by_call, leg);
	DL_DELETE(s->legs, leg);
	s->leg_total--;
	free(leg->early_sdp);
	free(leg);
}

void leg_ended(struct sip_leg *leg)
{
	leg->phase = LEG_ENDING;
	pending_done(leg);
	forget_id(leg);
	linger_start(leg);
}

void leg_emit(struct sip_leg *leg, struct sip_event *ev)
{
	struct sip_stack *s = leg->stack;

	ev->leg = leg->id;
	ev->leg_arg = leg->arg;
	ev->sip_call_id = leg->call_id;
	if (!ev->leg || s->closing)
		return;
	if (ev->kind == SIP_EV_REFUSED || ev->kind == SIP_EV_BYE || ev->kind == SIP_EV_LOST)
		forget_id(leg);
	s->conf.on_event(ev, s->conf.arg);
}

void leg_keep_early_sdp(struct sip_leg *leg, const char *sdp, size_t length, const char *tag)
{
	char *copy;

	if (length > EARLY_SDP_MAX || !tag || strlen(tag) >= sizeof(leg->early_tag))
		return;
	copy = strndup(sdp, length);
	if (!copy)
		return;
	free(leg->early_sdp);
	leg->early_sdp = copy;
	str_copy(leg->early_tag, sizeof(leg->early_tag), tag);
}

/* ---- requests and answers ---- */

bool leg_cancel(struct sip_leg *leg, const char *reason)
{
	if (!leg_may(leg, LEG_OP_CANCEL))
		return false;
	/* Before any 1xx the stack holds the CANCEL back and sends it with the first (RFC 3261 s9.1). */
	nua_cancel(leg->nh, TAG_IF(*reason, SIPTAG_REASON_STR(reason)), TAG_END());
	leg->phase = LEG_CANCELLED;
	forget_id(leg);
	linger_start(leg);
	return true;
}

bool leg_bye(struct sip_leg *leg, const char *reason)
{
	if (!leg_may(leg, LEG_OP_BYE))
		return false;
	nua_bye(leg->nh, TAG_IF(*reason, SIPTAG_REASON_STR(reason)), TAG_END());
	leg_ended(leg);
	return true;
}

bool leg_respond(struct sip_leg *leg, int code, const char *sdp)
{
	const char *phrase = sip_status_phrase(code); /* static, as nua_respond() needs it */

	if (leg->pending == PENDING_NONE || !leg_may(leg, LEG_OP_RESPOND))
		return false;
	if (!phrase)
		phrase = "Refused";
	nua_respond(leg->nh, code, phrase, TAG_IF(leg->pending == PENDING_UPDATE, NUTAG_WITH_SAVED(leg->update)),
		TAG_IF(sdp, SIPTAG_CONTENT_TYPE_STR("application/sdp")), TAG_IF(sdp, SIPTAG_PAYLOAD_STR(sdp)),
		TAG_END());
	leg->answer_in_ack = leg->pending == PENDING_INVITE && leg->offerless && code < 300;
	pending_done(leg);
	return true;
}

/* ---- what the caller asks ---- */

/* Contact: where in-dialog requests of the peer shall come. "" where only the stack knows. */
static int contact_build(char *dst, size_t cap, const struct sip_stack *s, const struct sip_listener *listener,
	const struct addr *local, enum sip_transport transport)
{
	char host[ADDR_TEXT_MAX];
	struct strbuf sb;
	size_t n;
	uint16_t port = 0;

	strbuf_init(&sb, dst, cap);
	if (s->public_address[0]) {
		(void)sip_hostport_parse(s->public_address, &n, &port);
		strbuf_printf(&sb, "<sip:watrunk@%.*s", (int)n, s->public_address);
	} else if (addr_is_set(local)) {
		addr_host(local, host, sizeof(host));
		strbuf_printf(&sb, addr_is_v6(local) ? "<sip:watrunk@[%s]" : "<sip:watrunk@%s", host);
	} else {
		return 0;
	}
	strbuf_printf(&sb, ":%u;transport=%s>", port ? port : addr_port(&listener->addr),
		transport == SIP_TCP ? "tcp" : "udp");
	return sb.truncated ? -EINVAL : 0;
}

struct invite_text {
	char to[SIP_URI_MAX], from[SIP_NAME_ADDR_MAX], contact[SIP_URI_MAX], headers[SIP_HEADERS_MAX];
};

static int invite_text(
	struct sip_stack *s, const struct sip_invite *in, struct invite_text *t, struct sip_listener **ret_listener)
{
	struct sip_uri target;
	struct addr local = {0};
	const char *domain = in->from_domain && *in->from_domain ? in->from_domain : s->domain;

	if (!in->sdp || !in->target_uri || sip_uri_parse(in->target_uri, &target))
		return -EINVAL;
	*ret_listener = stack_listener_for(s, &target, &local);
	if (!*ret_listener)
		return -EINVAL;
	if (sip_to_build(t->to, sizeof(t->to), &target) ||
		sip_from_build(t->from, sizeof(t->from), in->from_display, in->from_user, domain) ||
		contact_build(t->contact, sizeof(t->contact), s, *ret_listener, &local, target.transport) ||
		headers_build(t->headers, sizeof(t->headers), in->pai_uri, in->headers, in->header_count))
		return -EINVAL;
	return 0;
}

int sip_leg_invite(struct sip_stack *s, const struct sip_invite *invite, uint64_t *ret_leg)
{
	struct invite_text t;
	struct sip_listener *listener;
	struct sip_leg *leg;
	int r = invite_text(s, invite, &t, &listener);

	if (r)
		return r;
	leg = leg_new(s, invite->leg_arg);
	if (!leg)
		return -ENOMEM;
	/* Tags of the handle go into every request of it: body and call data belong to the INVITE alone. */
	leg->nh = nua_handle(listener->nua, leg, NUTAG_URL((const url_string_t *)invite->target_uri),
		SIPTAG_TO_STR(t.to), SIPTAG_FROM_STR(t.from), SIPTAG_CALL_ID_STR(leg->call_id),
		TAG_IF(t.contact[0], SIPTAG_CONTACT_STR(t.contact)), TAG_END());
	if (!leg->nh) {
		leg_drop(leg);
		return -ENOMEM;
	}
	nua_invite(leg->nh, TAG_IF(t.headers[0], SIPTAG_HEADER_STR(t.headers)),
		SIPTAG_CONTENT_TYPE_STR("application/sdp"), SIPTAG_PAYLOAD_STR(invite->sdp), TAG_END());
	*ret_leg = leg->id;
	return 0;
}

/* The verb follows from what the leg is, not from what the caller believes: an answer may have crossed. */
static void hang_up(struct sip_stack *s, uint64_t id, int sip_code, int q850, const char *text)
{
	struct sip_leg *leg = slotmap_get(s->known, id);
	char reason[REASON_MAX];

	if (!leg)
		return;
	reason_build(reason, sip_code, q850, text);
	if (!leg_cancel(leg, reason))
		leg_bye(leg, reason);
}

void sip_leg_cancel(struct sip_stack *s, uint64_t leg, int sip_code, int q850, const char *text)
{
	hang_up(s, leg, sip_code, q850, text);
}

void sip_leg_bye(struct sip_stack *s, uint64_t leg, int sip_code, int q850, const char *text)
{
	hang_up(s, leg, sip_code, q850, text);
}

void sip_leg_respond(struct sip_stack *s, uint64_t id, int code, const char *sdp)
{
	struct sip_leg *leg = slotmap_get(s->known, id);

	if (leg && code >= 200 && code < 700)
		leg_respond(leg, code, sdp);
}

bool sip_target_allowed(const char *uri)
{
	struct sip_uri target;

	return sip_uri_parse(uri, &target) == 0 && target.transport != SIP_TLS;
}

size_t sip_leg_count(const struct sip_stack *s)
{
	return slotmap_count(s->known);
}

size_t sip_lingering_count(const struct sip_stack *s)
{
	return s->leg_total - slotmap_count(s->known);
}
