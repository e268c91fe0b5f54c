/* b2bua/call/fork.c
 *
 * Gateways called in parallel: one INVITE to each, all at once, each on a leg (a branch) of its own with a description
 * of its own of the one RTP port that the call has. The first that answers with something we can talk by becomes the
 * main leg, and its answer alone reaches media; the others get CANCEL. (A 200 that crosses it is ACKed and ended with
 * BYE by the SIP module.) Branches that fail are waited out: the call fails with the last of them, with the best of
 * their answers in the order of RFC 3261 s16.7, or at once with a 6xx, which speaks for the user everywhere.
 */
#include "b2bua/call/call_internal.h"

#include "lib/base/str.h"

#include <errno.h>

/* Early by less than this is due: clocks of different grain. */
enum { BRANCH_EARLY_US = 1000 };

bool call_forking(const struct call *c)
{
	for (size_t i = 0; i < c->fork.count; i++)
		if (call_leg_lives(&c->fork.branches[i].leg))
			return true;
	return false;
}

void call_fork_close(struct call *c, enum cause cause)
{
	for (size_t i = 0; i < c->fork.count; i++)
		call_leg_close(c, CALL_LEG_BRANCH + (enum call_leg)i, cause);
}

/* ---- it begins ---- */

/* Who calls, and with which headers, is the main leg's. */
static void set_up(struct call *c, struct branch *b, const struct call_place *place)
{
	b->leg.gateway = place->gateway;
	b->leg.target = place->uri;
	b->leg.user = c->sip.user;
	b->leg.from_user = c->sip.from_user;
	b->leg.from_display = c->sip.from_display;
	b->leg.pai_user = c->sip.pai_user;
	b->leg.referred_by = c->sip.referred_by;
	b->leg.replaces = c->sip.replaces;
	b->leg.headers = c->sip.headers;
	b->leg.header_count = c->sip.header_count;
	b->give_up_us = place->ring_ms ? call_after_ms(c, place->ring_ms) : 0;
}

static void arm(struct call *c)
{
	uint64_t next_us = UINT64_MAX;

	for (size_t i = 0; i < c->fork.count; i++) {
		const struct branch *b = &c->fork.branches[i];
		if (call_leg_lives(&b->leg) && b->give_up_us && b->give_up_us < next_us)
			next_us = b->give_up_us;
	}
	if (next_us == UINT64_MAX)
		call_timer_cancel(c, CALL_TIMER_BRANCH);
	else if (c->timer_at_us[CALL_TIMER_BRANCH] != next_us)
		call_timer_set(c, CALL_TIMER_BRANCH, next_us);
}

int call_fork_invite(struct call *c)
{
	const struct group *g = &c->group;

	c->fork.branches = arena_alloc(&c->arena, g->count * sizeof(*c->fork.branches));
	if (!c->fork.branches)
		return -ENOMEM;
	c->fork.count = g->count;
	c->sip.gateway = g->places[0].gateway; /* until one is better than the others */
	c->sip.target = g->places[0].uri;
	for (size_t i = 0; i < g->count; i++) {
		int r;
		set_up(c, &c->fork.branches[i], &g->places[i]);
		r = call_leg_invite(c, CALL_LEG_BRANCH + (enum call_leg)i);
		if (r < 0)
			return r;
		c->group.attempts++;
	}
	arm(c);
	return 0;
}

/* ---- one fails ---- */

/* RFC 3261 s16.7 step 6: the lowest class; within 4xx what helps the caller to ask better; rather an answer than
 * silence, which counts as 408; and rather that of a phone than that of a gateway. Lower is better. */
static unsigned rank(const struct branch *b)
{
	static const int telling[] = {401, 407, 415, 420, 484};
	int code = b->code ? b->code : 408;

	for (size_t i = 0; i < sizeof(telling) / sizeof(telling[0]); i++)
		if (code == telling[i])
			return 40;
	if (code == 408)
		return b->cause == CAUSE_NO_ANSWER ? 42 : 43;
	return (unsigned)code / 100 * 10 + 1;
}

static void fail_call(struct call *c)
{
	const struct branch *b = c->fork.best;

	c->sip.gateway = b->leg.gateway;
	c->sip.target = b->leg.target;
	str_copy(c->sip.call_id, sizeof(c->sip.call_id), b->leg.call_id);
	c->sip_code = b->code;
	c->q850 = b->q850;
	call_end(c, b->cause, b->by);
}

/* All of a step's failures are noted, then this once. */
static void go_on(struct call *c)
{
	const struct branch *best = c->fork.best;

	if (!call_forking(c) || (best && best->code >= 600))
		fail_call(c);
	else
		arm(c);
}

static void note_failure(struct call *c, struct branch *b, int code, enum cause cause, enum call_ended_by by)
{
	call_attempt_end(c, &b->leg, code, cause);
	b->leg.state = LEG_OVER;
	b->code = code;
	b->cause = cause;
	b->by = by;
	if (code >= 600 || !c->fork.best || rank(b) < rank(c->fork.best))
		c->fork.best = b;
}

static struct branch *branch_of(struct call *c, const struct call_event *ev)
{
	return &c->fork.branches[ev->leg - CALL_LEG_BRANCH];
}

static void on_refused(struct call *c, const struct call_event *ev)
{
	struct branch *b = branch_of(c, ev);
	int code = ev->u.sip.code >= 300 && ev->u.sip.code <= 699 ? ev->u.sip.code : 500;

	if (call_leg_redirected(c, ev))
		return;
	b->q850 = ev->u.sip.q850;
	note_failure(c, b, code, cause_from_sip(code, ev->u.sip.q850), ENDED_BY_SIP);
	go_on(c);
}

/* Also a BYE before the answer, which no callee may send (RFC 3261 s15). */
static void on_lost(struct call *c, const struct call_event *ev)
{
	note_failure(c, branch_of(c, ev), 0, CAUSE_GATEWAY_DOWN, ENDED_BY_SIP);
	go_on(c);
}

void call_on_branch_timer(struct call *c)
{
	for (size_t i = 0; i < c->fork.count; i++) {
		struct branch *b = &c->fork.branches[i];
		if (!call_leg_lives(&b->leg) || !b->give_up_us || b->give_up_us > c->now_us + BRANCH_EARLY_US)
			continue;
		call_leg_close(c, CALL_LEG_BRANCH + (enum call_leg)i, CAUSE_NO_ANSWER);
		note_failure(c, b, 0, CAUSE_NO_ANSWER, ENDED_BY_US);
	}
	go_on(c);
}

/* ---- one rings, one answers ---- */

static void on_progress(struct call *c, const struct call_event *ev)
{
	call_note_progress(c, &branch_of(c, ev)->leg, ev);
}

static void take(struct call *c, struct branch *b, enum call_leg which)
{
	call_attempt_end(c, &b->leg, 200, CAUSE_NORMAL);
	for (size_t i = 0; i < c->fork.count; i++)
		if (&c->fork.branches[i] != b)
			call_leg_close(c, CALL_LEG_BRANCH + (enum call_leg)i, CAUSE_ANSWERED_ELSEWHERE);
	call_timer_cancel(c, CALL_TIMER_BRANCH);
	call_timer_cancel(c, CALL_TIMER_RING);
	call_emit_sip(c, CALL_DO_SIP_PROMOTE, which);
	call_leg_take_place(c, &b->leg);
	c->sip_answered_us = c->now_us;
	call_set_sip_media(c, &c->sip);
	if (c->outbound)
		call_outbound_answered(c);
	else
		call_inbound_answered(c);
}

static void on_answered(struct call *c, const struct call_event *ev)
{
	struct branch *b = branch_of(c, ev);
	int r;

	b->leg.state = LEG_ANSWERED;
	call_keep_call_id(&b->leg, ev);
	call_keep_remote_sdp(c, &b->leg, ev->u.sip.sdp, ev->u.sip.sdp_length);
	r = ev->u.sip.sdp ? negotiate_sip_answer(&b->leg.sdp, ev->u.sip.sdp, ev->u.sip.sdp_length) : -EBADMSG;
	if (r >= 0) {
		take(c, b, ev->leg);
		return;
	}
	enum cause cause = r == -ENOENT ? CAUSE_NO_CODEC : CAUSE_GATEWAY_FAILED;
	call_attempt_end(c, &b->leg, ev->u.sip.code, cause);
	call_leg_close(c, ev->leg, cause);
	note_failure(c, b, r == -ENOENT ? 488 : 500, cause, ENDED_BY_US);
	go_on(c);
}

/* Our offer is not answered yet (RFC 3311 s5.2). */
static void on_offer(struct call *c, const struct call_event *ev)
{
	call_respond(c, ev->leg, ev->u.sip.sdp ? 491 : 200, NULL);
}

static void on_refer(struct call *c, const struct call_event *ev)
{
	call_emit_sip(c, CALL_DO_SIP_REFER_RESPOND, ev->leg)->u.respond.code = 491;
}

call_handler *const call_branch_path[CALL_EV_KIND_COUNT] = {
	[CALL_EV_SIP_PROGRESS] = on_progress,
	[CALL_EV_SIP_ANSWERED] = on_answered,
	[CALL_EV_SIP_REFUSED] = on_refused,
	[CALL_EV_SIP_BYE] = on_lost,
	[CALL_EV_SIP_OFFER] = on_offer,
	[CALL_EV_SIP_LOST] = on_lost,
	[CALL_EV_SIP_REFER] = on_refer,
};
