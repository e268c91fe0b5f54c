/* b2bua/sip/leg.c
 *
 * One leg is one nua handle. The handle outlives what the caller sees:
 *
 *   caller      sip_leg_invite ---- events ---- ENDED/REFUSED/BYE/LOST, sip_leg_cancel(), sip_leg_bye()
 *   this module CALLING ----------- UP -------- CANCELLED or ENDING ------------------------------------ dropped
 *   nua         INVITE              ACK         CANCEL, BYE, repeats, a crossing 200 nua_i_terminated
 *
 *   caller      SIP_EV_INVITE ----- accept ---- (ACK) --- as above, or SIP_EV_CANCELLED, reject
 *   this module INCOMING ---------- ANSWERED -- UP ------ ENDING --------------------------------------- dropped
 *
 * Debian's Sofia-SIP aborts or dereferences freed memory when a request is made on a handle whose session is ending, so
 * everything sent on a handle passes leg_may():
 *
 *   - nothing but destroy once a BYE went either way or the INVITE was refused (LEG_ENDING);
 *   - after our CANCEL only the ACK (the stack's) and BYE to a 200 that crossed it;
 *   - no BYE of ours before the ACK to our first 200 (LEG_ANSWERED): the caller's hang-up waits for it;
 *   - the only other requests of ours are NOTIFY (transfer.c), INFO (digits.c) and the refresh, UPDATE or re-INVITE
 * (refresh.c): none while an INVITE of the peer's is unanswered or un-ACKed, and no refresh beside another one. Each
 * file keeps what must wait, leg_continue() tells them all. A BYE does not wait behind one.
 *
 * A handle is destroyed in nua_i_terminated, which comes once for each session. Exceptions: 401/407 (no such event
 * follows), whose handle is destroyed when we do not answer, or when proof.c goes on with another one; and the linger
 * timer for peers that never finish.
 */
#include "b2bua/sip/leg.h"

#include "b2bua/sip/flow.h"
#include "b2bua/sip/reason.h"
#include "lib/base/crypto.h"
#include "lib/base/id.h"
#include "lib/base/str.h"

#include <errno.h>
#include <sofia-sip/sip_status.h>
#include <sofia-sip/sip_util.h>
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
	static const bool allowed[LEG_PHASE_COUNT][LEG_OP_COUNT] = {
		[LEG_CALLING] = {[LEG_OP_CANCEL] = true, [LEG_OP_RESPOND] = true},
		[LEG_INCOMING] = {[LEG_OP_RING] = true, [LEG_OP_ANSWER] = true, [LEG_OP_RESPOND] = true},
		[LEG_ANSWERED] = {[LEG_OP_RESPOND] = true},
		[LEG_UP] = {[LEG_OP_BYE] = true,
			[LEG_OP_RESPOND] = true,
			[LEG_OP_NOTIFY] = true,
			[LEG_OP_INFO] = true,
			[LEG_OP_REFRESH] = true},
		[LEG_CANCELLED] = {[LEG_OP_BYE] = true}, /* only from a 2xx: nua sends none before */
	};

	/* A request of ours never meets an INVITE of the peer's that is unanswered or un-ACKed; BYE alone may, which
	 * leaves nothing to come after it. */
	if ((op == LEG_OP_NOTIFY || op == LEG_OP_INFO || op == LEG_OP_REFRESH) &&
		(leg->unacked || leg->pending == PENDING_INVITE))
		return false;
	if ((op == LEG_OP_NOTIFY || op == LEG_OP_INFO) && leg->refresh.under_way)
		return false;
	/* RFC 3311 s5.2: no offer of ours while the peer's is unanswered. */
	if (op == LEG_OP_REFRESH && (leg->refresh.under_way || transfer_under_way(leg) || digits_block_bye(leg) ||
					    leg->pending != PENDING_NONE))
		return false;
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

static char *new_call_id(void)
{
	uint8_t random[16];
	char text[33];

	crypto_random(random, sizeof(random));
	str_hex(text, random, sizeof(random));
	return strdup(text);
}

struct sip_leg *leg_new(struct sip_stack *s, void *arg, const char *call_id)
{
	struct sip_leg *leg = calloc(1, sizeof(*leg));

	if (!leg)
		return NULL;
	leg->stack = s;
	leg->arg = arg;
	leg->call_id = call_id ? strdup(call_id) : new_call_id();
	if (leg->call_id)
		leg->id = slotmap_add(s->known, leg);
	if (!leg->id) {
		free(leg->call_id);
		free(leg);
		return NULL;
	}
	/* Those that came in may have the same (a call that comes by two ways): asked is only whether there is one. */
	HASH_ADD_KEYPTR(hh, s->by_call, leg->call_id, strlen(leg->call_id), leg);
	if (call_id) {
		leg->came_in = true;
		leg->phase = LEG_INCOMING;
		s->incoming_total++;
	}
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
	loop_timer_cancel(&leg->bye_timer);
	loop_timer_cancel(&leg->unreached);
	refresh_free(leg);
	outgoing_answered(leg);
	pending_done(leg);
	if (leg->nh) {
		/* Unbound first: an event already under way then finds no leg. */
		nua_handle_bind(leg->nh, NULL);
		nua_handle_destroy(leg->nh);
	}
	transfer_free(leg);
	digits_free(leg);
	proof_free(leg);
	hops_free(leg);
	flow_forget(leg);
	way_done(&leg->way);
	HASH_DEL(s->by_call, leg);
	s->incoming_total -= leg->came_in;
	DL_DELETE(s->legs, leg);
	s->leg_total--;
	free(leg->early_sdp);
	free(leg->answer_in_prack);
	free(leg->route);
	free(leg->bye_reason);
	free(leg->call_id);
	free(leg);
}

void leg_let_go(struct sip_leg *leg)
{
	forget_id(leg);
	linger_start(leg);
}

void leg_ended(struct sip_leg *leg)
{
	leg->phase = LEG_ENDING;
	loop_timer_cancel(&leg->bye_timer);
	refresh_stop(leg);
	hops_heard(leg);
	pending_done(leg);
	transfer_stop(leg);
	leg_let_go(leg);
}

void leg_emit(struct sip_leg *leg, struct sip_event *ev)
{
	struct sip_stack *s = leg->stack;

	ev->leg = leg->id;
	ev->leg_arg = leg->arg;
	ev->sip_call_id = leg->call_id;
	if (!ev->leg || s->closing)
		return;
	if (ev->kind == SIP_EV_REFUSED || ev->kind == SIP_EV_BYE || ev->kind == SIP_EV_LOST ||
		ev->kind == SIP_EV_CANCELLED)
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

void leg_continue(struct sip_leg *leg)
{
	transfer_continue(leg);
	digits_continue(leg);
	refresh_continue(leg);
}

bool leg_cancel(struct sip_leg *leg, const char *reason)
{
	if (!leg_may(leg, LEG_OP_CANCEL))
		return false;
	/* Before any 1xx the stack holds the CANCEL back and sends it with the first (RFC 3261 s9.1). */
	nua_cancel(leg->nh, TAG_IF(*reason, SIPTAG_REASON_STR(reason)), TAG_END());
	leg->phase = LEG_CANCELLED;
	hops_heard(leg);
	leg_let_go(leg);
	return true;
}

bool leg_bye(struct sip_leg *leg, const char *reason)
{
	char proof[SIP_HEADERS_MAX];

	if (!leg_may(leg, LEG_OP_BYE))
		return false;
	if (transfer_blocks_bye(leg))
		transfer_bye_now(leg, reason);
	else if (digits_block_bye(leg) || refresh_blocks_bye(leg))
		digits_bye_now(leg, reason);
	proof_lines(leg, "BYE", proof, sizeof(proof));
	nua_bye(leg->nh, TAG_IF(*reason, SIPTAG_REASON_STR(reason)), TAG_IF(*proof, SIPTAG_HEADER_STR(proof)),
		TAG_END());
	leg_ended(leg);
	return true;
}

/* 404, 416 and others end the dialog (RFC 5057 s5.1), and the library acts on its own answers, too. */
int leg_refusal(int code, sip_method_t method)
{
	if (code < 300 || sip_response_terminates_dialog(code, method, NULL) == 0)
		return code;
	return method == sip_method_refer ? 603 : 488;
}

bool leg_respond(struct sip_leg *leg, int code, const char *sdp)
{
	char lines[REFRESH_LINES_MAX] = "";
	const char *phrase;

	if (leg->pending == PENDING_NONE || !leg_may(leg, LEG_OP_RESPOND))
		return false;
	code = leg_refusal(code, leg->pending == PENDING_INVITE ? sip_method_invite : sip_method_update);
	phrase = sip_status_phrase(code); /* static, as nua_respond() needs it */
	if (!phrase)
		phrase = "Refused";
	if (code < 300) {
		refresh_answer(leg, lines);
		refresh_keep_sdp(leg, sdp);
	}
	nua_respond(leg->nh, code, phrase, TAG_IF(leg->pending == PENDING_UPDATE, NUTAG_WITH_SAVED(leg->update)),
		TAG_IF(*lines, SIPTAG_HEADER_STR(lines)), TAG_IF(code == 488, SIPTAG_WARNING_STR(SIP_WARNING_MEDIA)),
		TAG_IF(sdp, SIPTAG_CONTENT_TYPE_STR("application/sdp")), TAG_IF(sdp, SIPTAG_PAYLOAD_STR(sdp)),
		TAG_END());
	leg->unacked = leg->pending == PENDING_INVITE && code < 300;
	leg->answer_in_ack = leg->unacked && leg->offerless;
	pending_done(leg);
	leg_continue(leg);
	return true;
}

/* The verb follows from what the leg is, not from what the caller believes: an answer may have crossed. */
static void hang_up(struct sip_stack *s, uint64_t id, int refusal, int sip_code, int q850, const char *text)
{
	struct sip_leg *leg = slotmap_get(s->known, id);
	char reason[REASON_MAX];

	if (!leg)
		return;
	reason_build(reason, sip_code, q850, text);
	if (transfer_holds_bye(leg, reason))
		return;
	if (leg_cancel(leg, reason) || leg_bye(leg, reason))
		return;
	if (leg->phase == LEG_ANSWERED) {
		/* Not before its ACK (RFC 3261 s15). Should that never come, the stack sends the BYE. */
		leg->bye_reason = strdup(reason);
		leg_let_go(leg);
	} else {
		incoming_refuse(leg, refusal, sip_status_phrase(refusal), reason, "");
	}
}

void sip_leg_cancel(struct sip_stack *s, uint64_t leg, int sip_code, int q850, const char *text)
{
	hang_up(s, leg, 487, sip_code, q850, text);
}

void sip_leg_bye(struct sip_stack *s, uint64_t leg, int sip_code, int q850, const char *text)
{
	hang_up(s, leg, 480, sip_code, q850, text);
}

void sip_leg_respond(struct sip_stack *s, uint64_t id, int code, const char *sdp)
{
	struct sip_leg *leg = slotmap_get(s->known, id);

	if (leg && code >= 200 && code < 700)
		leg_respond(leg, code, sdp);
}

size_t sip_leg_count(const struct sip_stack *s)
{
	return slotmap_count(s->known);
}

size_t sip_lingering_count(const struct sip_stack *s)
{
	return s->leg_total - slotmap_count(s->known);
}
