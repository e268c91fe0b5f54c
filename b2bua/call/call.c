/* b2bua/call/call.c
 *
 * Steps a call, and writes down its actions. What an event means stands in the table of the call's path (inbound.c,
 * outbound.c) until the call ends, and in closing.c's table from then on; events of a transfer's target stand in
 * transfer.c's.
 */
#include "b2bua/call/call_internal.h"

#include <string.h>

/* Early by less than this is due: clocks of different grain. */
enum { TIMER_EARLY_US = 1000 };

/* ---- actions ---- */

struct call_action *call_emit(struct call *c, enum call_action_kind kind)
{
	struct call_action *a;

	ASSERT(c->out && c->out->count < CALL_ACTIONS_MAX);
	if (c->emitted[CALL_DO_RELEASE])
		c->broken = "an action after RELEASE";
	a = &c->out->actions[c->out->count++];
	memset(a, 0, sizeof(*a));
	a->kind = kind;
	c->emitted[kind]++;
	return a;
}

void call_emit_verb(struct call *c, enum call_verb verb, const char *sdp)
{
	bool heard_of_us = c->wa.sent[VERB_PRE_ACCEPT] || c->wa.sent[VERB_ACCEPT] || c->wa.sent[VERB_CONNECT];
	struct call_action *a;

	if (c->wa.sent[verb])
		c->broken = "a verb sent twice";
	if (verb == VERB_REJECT && heard_of_us)
		c->broken = "reject after pre_accept or accept";
	if (verb == VERB_TERMINATE && !heard_of_us)
		c->broken = "terminate before pre_accept, accept and connect";
	if (verb == VERB_TERMINATE && !c->wacid[0])
		c->broken = "terminate of a call without a name";
	if (c->outbound != (verb == VERB_CONNECT) && verb != VERB_TERMINATE)
		c->broken = "a verb of the other direction";
	if (verb == VERB_ACCEPT &&
		((c->sip.state != LEG_ANSWERED && c->sip.state != LEG_EARLY) || c->media != MEDIA_OPEN))
		c->broken = "accept without media or without an answer";
	c->wa.sent[verb] = true;
	a = call_emit(c, CALL_DO_GRAPH);
	a->u.graph.verb = verb;
	a->u.graph.sdp = sdp;
}

void call_timer_set(struct call *c, enum call_timer which, uint64_t at_us)
{
	struct call_action *a = call_emit(c, CALL_DO_TIMER_SET);

	if (at_us == 0)
		at_us = 1; /* 0 says "not set" */
	c->timer_at_us[which] = at_us;
	a->u.timer.which = which;
	a->u.timer.at_us = at_us;
}

void call_timer_cancel(struct call *c, enum call_timer which)
{
	if (!c->timer_at_us[which])
		return;
	c->timer_at_us[which] = 0;
	call_emit(c, CALL_DO_TIMER_CANCEL)->u.timer.which = which;
}

bool call_timer_take(struct call *c, const struct call_event *ev)
{
	enum call_timer which = ev->u.timer;

	if ((unsigned)which >= CALL_TIMER_COUNT || !c->timer_at_us[which]) {
		call_ignore(c);
		return false;
	}
	if (ev->now_us + TIMER_EARLY_US < c->timer_at_us[which]) {
		call_ignore(c);
		call_timer_set(
			c, which, c->timer_at_us[which]); /* the one that was due may be the one that just fired */
		return false;
	}
	c->timer_at_us[which] = 0;
	return true;
}

void call_run_timer(
	struct call *c, const struct call_event *ev, void (*const by_timer[CALL_TIMER_COUNT])(struct call *))
{
	if (!call_timer_take(c, ev))
		return;
	ASSERT(by_timer[ev->u.timer]); /* CLOSE is armed in closing only */
	by_timer[ev->u.timer](c);
}

void call_ignore(struct call *c)
{
	c->ignored++;
}

uint64_t call_after_ms(const struct call *c, unsigned ms)
{
	return c->now_us + (uint64_t)ms * 1000;
}

unsigned call_or_default(unsigned value, unsigned fallback)
{
	return value ? value : fallback;
}

/* ---- stepping ---- */

/* SIP_REPLACED is about a leg that the call is to get. */
static bool is_of_a_sip_leg(enum call_event_kind kind)
{
	switch (kind) {
	case CALL_EV_SIP_PROGRESS:
	case CALL_EV_SIP_ANSWERED:
	case CALL_EV_SIP_REFUSED:
	case CALL_EV_SIP_BYE:
	case CALL_EV_SIP_OFFER:
	case CALL_EV_SIP_ACK:
	case CALL_EV_SIP_LOST:
	case CALL_EV_SIP_CANCELLED:
	case CALL_EV_SIP_REFER: return true;
	default: return false;
	}
}

static call_handler *find_handler(struct call *c, const struct call_event *ev)
{
	if (c->state == CALL_RELEASED)
		return NULL;
	if (is_of_a_sip_leg(ev->kind) && ev->leg != CALL_LEG_MAIN) {
		if (!call_leg_lives(call_leg(c, ev->leg)))
			return NULL;
		return (ev->leg == CALL_LEG_TARGET ? call_target_path : call_branch_path)[ev->kind];
	}
	return (c->state < CALL_CLOSING ? c->path : call_closing_path)[ev->kind];
}

void call_step(struct call *c, const struct call_event *ev, struct call_out *out)
{
	call_handler *handler;

	ASSERT((unsigned)ev->kind < CALL_EV_KIND_COUNT);
	out->count = 0;
	c->out = out;
	c->now_us = ev->now_us;
	c->wall_ms = ev->wall_ms;
	if (!c->started_ms)
		c->started_ms = ev->wall_ms;
	handler = find_handler(c, ev);
	if (handler && ev->kind == CALL_EV_SIP_REFUSED)
		call_attempt_note(c, call_leg(c, ev->leg), ev->u.sip.why);
	if (handler)
		handler(c, ev);
	else
		call_ignore(c);
	call_play_sounds(c);
	c->out = NULL;
}
