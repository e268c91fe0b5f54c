/* b2bua/call/check.c
 *
 * Invariants of a call, written down. Each row says what must hold after every step, whatever happened before.
 */
#include "b2bua/call/call_internal.h"

static bool verbs_once(const struct call *c)
{
	unsigned sent = 0;
	for (int v = 0; v < VERB_COUNT; v++)
		sent += c->wa.sent[v];
	return c->emitted[CALL_DO_GRAPH] == sent && !(c->wa.sent[VERB_REJECT] && c->wa.sent[VERB_TERMINATE]);
}

static bool opened_once(const struct call *c)
{
	return c->emitted[CALL_DO_MEDIA_OPEN] <= 1 && c->emitted[CALL_DO_MEDIA_SET_WA] <= 1 &&
	       c->emitted[CALL_DO_MEDIA_START_WA] <= 1 && c->emitted[CALL_DO_ASK_ROUTE] <= 1 &&
	       c->emitted[CALL_DO_ASK_PERMISSION] <= 1;
}

/* In all; sip_leg.c holds each action against its leg. */
static bool closed_once(const struct call *c)
{
	unsigned opened =
		c->emitted[CALL_DO_SIP_INVITE] + c->emitted[CALL_DO_SIP_ACCEPT] + c->emitted[CALL_DO_SIP_REJECT];
	unsigned closed = c->emitted[CALL_DO_SIP_CANCEL] + c->emitted[CALL_DO_SIP_BYE] + c->emitted[CALL_DO_SIP_REJECT];

	return c->emitted[CALL_DO_MEDIA_CLOSE] <= c->emitted[CALL_DO_MEDIA_OPEN] && closed <= opened;
}

static bool audio_after_accept(const struct call *c)
{
	bool accepted = c->wa.done[VERB_ACCEPT] && c->wa.outcome[VERB_ACCEPT] == VERB_OK;

	return !c->emitted[CALL_DO_MEDIA_START_WA] || (c->outbound ? c->wa.accepted && c->wa.answered : accepted);
}

static bool permission_first(const struct call *c)
{
	return !c->wa.sent[VERB_CONNECT] || c->emitted[CALL_DO_ASK_PERMISSION];
}

/* A caller of ours waits, or there is no SIP leg yet. */
static bool sip_side_waits(const struct call *c)
{
	return c->sip.state == LEG_NONE || (c->sip.state == LEG_CALLING && c->sip.theirs);
}

static bool dialling_has_legs(const struct call *c)
{
	static const enum leg_state wanted[] = {
		[DIAL_SIP_CALLS] = LEG_CALLING, [DIAL_AGENT_FIRST] = LEG_ANSWERED, [DIAL_USER_FIRST] = LEG_NONE};

	return c->media == MEDIA_OPEN && c->wa.sent[VERB_CONNECT] && c->sip.state == wanted[c->dial.order];
}

static bool up_has_legs(const struct call *c)
{
	bool talks = c->outbound ? c->wa.accepted && c->wa.answered : c->wa.sent[VERB_ACCEPT];

	return c->media == MEDIA_OPEN && talks &&
	       (c->sip.state == LEG_ANSWERED || (c->sip.state == LEG_OVER && call_transferring(c)));
}

/* One INVITE of ours is out, or several; never both. */
static bool rings(const struct call *c)
{
	return call_forking(c) ? c->sip.state == LEG_NONE : c->sip.state == LEG_CALLING;
}

/* What the SIP side says can be heard: it has picked up, or its early media was taken for that. */
static bool heard(const struct call *c)
{
	return c->sip.state == LEG_ANSWERED || (c->sip.state == LEG_EARLY && c->route.accept_early);
}

static bool states_have_legs(const struct call *c)
{
	bool open = c->media == MEDIA_OPEN;

	switch (c->state) {
	case CALL_NEW: return c->media == MEDIA_NONE && sip_side_waits(c);
	case CALL_OPENING: return c->media == MEDIA_ASKED && sip_side_waits(c);
	case CALL_RINGING: return open && rings(c);
	case CALL_ANSWERED: return open && heard(c) && !c->wa.sent[VERB_ACCEPT];
	case CALL_ACCEPTING: return open && heard(c) && c->wa.sent[VERB_ACCEPT];
	case CALL_EARLY: return open && c->sip.state == LEG_EARLY && c->wa.sent[VERB_ACCEPT];
	case CALL_ASKING: return c->media == (c->outbound ? MEDIA_OPEN : MEDIA_NONE) && sip_side_waits(c);
	case CALL_AGENT: return open && rings(c) && !c->wa.sent[VERB_CONNECT];
	case CALL_DIALLING:
	case CALL_ALERTING: return dialling_has_legs(c);
	case CALL_JOINING: return open && rings(c) && c->wa.accepted;
	case CALL_UP: return up_has_legs(c);
	default: return !open && c->media != MEDIA_ASKED && c->sip.state == LEG_OVER;
	}
}

static bool one_target(const struct call *c)
{
	bool rings = call_transferring(c);

	return rings == (c->timer_at_us[CALL_TIMER_TRANSFER] != 0) &&
	       (!rings || (c->state == CALL_UP && c->transfer.leg->state == LEG_CALLING)) &&
	       (!c->transfer.notify || rings);
}

/* Branches ring only while the call does; those that are to be given up, under their timer. */
static bool branches_ring(const struct call *c)
{
	bool state = c->state == CALL_RINGING || c->state == CALL_AGENT || c->state == CALL_JOINING;
	bool limited = false;

	for (size_t i = 0; i < c->fork.count; i++) {
		const struct branch *b = &c->fork.branches[i];
		if (call_leg_lives(&b->leg) && (!state || b->leg.state != LEG_CALLING))
			return false;
		limited |= call_leg_lives(&b->leg) && b->give_up_us;
	}
	return limited == (c->timer_at_us[CALL_TIMER_BRANCH] != 0);
}

static bool attempts_end(const struct call *c)
{
	for (size_t i = 0; c->ended && i < c->attempt_count; i++)
		if (!c->attempts[i].over)
			return false;
	return true;
}

static bool closed_at_meta(const struct call *c)
{
	return c->state < CALL_CLOSING || c->wa.over || c->wa.sent[VERB_REJECT] || c->wa.sent[VERB_TERMINATE] ||
	       c->wa.held || c->wa.nameless;
}

static bool held_for_a_reason(const struct call *c)
{
	bool pre_accept = c->wa.sent[VERB_PRE_ACCEPT] && !c->wa.done[VERB_PRE_ACCEPT];
	bool accept = c->wa.sent[VERB_ACCEPT] && !c->wa.done[VERB_ACCEPT];
	bool name = c->wa.sent[VERB_CONNECT] && !c->wacid[0];

	return !c->wa.held || (c->state == CALL_CLOSING && c->timer_at_us[CALL_TIMER_CLOSE] && !c->wa.over &&
				      !c->wa.sent[VERB_TERMINATE] && (pre_accept || accept || name));
}

static bool end_is_settled(const struct call *c)
{
	return c->ended == (c->state >= CALL_CLOSING);
}

static bool one_record(const struct call *c)
{
	unsigned released = c->state == CALL_RELEASED;
	return c->emitted[CALL_DO_RECORD] == released && c->emitted[CALL_DO_RELEASE] == released;
}

/* Time alone leads to RELEASE: some timer runs, but where the shell owes OFFER. */
static bool timer_runs(const struct call *c)
{
	bool any = false;
	for (int t = 0; t < CALL_TIMER_COUNT; t++)
		any |= c->timer_at_us[t] != 0;
	return c->state == CALL_RELEASED ? !any : any || c->state == CALL_NEW;
}

static bool completed_was_answered(const struct call *c)
{
	struct call_report r;
	call_report(c, &r);
	return !r.ended || r.status != CALL_END_COMPLETED || r.answered_ms;
}

static bool within_arena(const struct call *c)
{
	return c->arena.used_bytes <= c->arena.limit_bytes;
}

const char *call_check(const struct call *c)
{
	static const struct {
		bool (*holds)(const struct call *);
		const char *what;
	} invariants[] = {
		{verbs_once, "each verb is sent once, and never both reject and terminate"},
		{opened_once, "media is opened once, everything is asked once"},
		{closed_once, "only what was opened is closed, and once"},
		{audio_after_accept, "audio flows to WhatsApp after accept returned 200, or the user picked up, only"},
		{permission_first, "nobody is dialled before permission was asked for"},
		{states_have_legs, "state, media and SIP leg agree"},
		{one_target, "a transfer's target rings under its timer, in a call that is up"},
		{branches_ring, "gateways ring in parallel while the call rings, under their timer"},
		{attempts_end, "every INVITE to a gateway of an ended call has come to something"},
		{closed_at_meta, "the WhatsApp leg of an ended call is over, being closed, or held"},
		{held_for_a_reason,
			"terminate is held back while closing, for a verb on its way or a name, under a timer"},
		{end_is_settled, "a call has a cause from CLOSING on"},
		{one_record, "one record and one RELEASE, together"},
		{timer_runs, "a timer runs until RELEASE, none after"},
		{completed_was_answered, "a completed call was accepted"},
		{within_arena, "the arena keeps its limit"},
	};

	if (c->broken)
		return c->broken;
	for (size_t i = 0; i < sizeof(invariants) / sizeof(invariants[0]); i++)
		if (!invariants[i].holds(c))
			return invariants[i].what;
	return NULL;
}
