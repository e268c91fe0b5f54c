/* b2bua/call/closing.c
 *
 * How a call closes. call_end() tells everybody once: CANCEL, BYE or a refusal, reject or terminate, MEDIA_CLOSE. Then
 * media and Graph are waited for, at most LIMIT_CLOSE_MS; the record is written with what they reported, and the call
 * is forgotten. The SIP legs are not waited for: what is left of them (crossing answers, repeats) is the SIP module's.
 *
 * One thing may come late: terminate is held back while Meta has not answered pre_accept or accept, at most
 * LIMIT_HELD_VERB_MS; or while nobody has told what Meta calls a call that connect has made, until its answer or a
 * webhook does.
 */
#include "b2bua/call/call_internal.h"

static enum call_verb closing_verb(const struct call *c)
{
	return c->outbound || c->wa.sent[VERB_PRE_ACCEPT] || c->wa.sent[VERB_ACCEPT] ? VERB_TERMINATE : VERB_REJECT;
}

static void close_sip(struct call *c)
{
	call_transfer_abandon(c);
	call_fork_close(c, c->cause);
	call_leg_close(c, CALL_LEG_MAIN, c->cause);
	c->sip.state = LEG_OVER;
}

static bool verb_pending(const struct call *c, enum call_verb verb)
{
	return c->wa.sent[verb] && !c->wa.done[verb];
}

/* Does terminate have to wait? Inbound for the answer to the verb before it; once accept is sent, it alone decides: a
 * pre_accept that it overtook changes nothing. Outbound for the name. */
static bool must_wait(const struct call *c)
{
	if (c->outbound)
		return !c->wacid[0];
	return verb_pending(c, c->wa.sent[VERB_ACCEPT] ? VERB_ACCEPT : VERB_PRE_ACCEPT);
}

/* A connect that Meta refused has made nothing; one of unknown outcome may have. */
static bool connect_made_nothing(const struct call *c)
{
	bool unclear = c->wa.outcome[VERB_CONNECT] == VERB_OK || c->wa.outcome[VERB_CONNECT] == VERB_FAILED;

	return !c->wa.sent[VERB_CONNECT] || (c->wa.done[VERB_CONNECT] && !unclear && !c->wacid[0]);
}

/* Held back while pre_accept or accept is on its way: requests are independent, and a terminate that overtook them
 * would be refused and leave the user's phone ringing. */
static void close_wa(struct call *c)
{
	if (c->outbound && connect_made_nothing(c))
		c->wa.over = true;
	if (c->wa.over)
		return;
	c->wa.held = must_wait(c);
	if (!c->wa.held)
		call_emit_verb(c, closing_verb(c), NULL);
}

static void close_media(struct call *c)
{
	if (c->media != MEDIA_ASKED && c->media != MEDIA_OPEN)
		return;
	c->media = MEDIA_CLOSING;
	call_emit(c, CALL_DO_MEDIA_CLOSE);
}

static bool all_reported(const struct call *c)
{
	return c->media != MEDIA_CLOSING && !c->wa.held && !verb_pending(c, VERB_REJECT) &&
	       !verb_pending(c, VERB_TERMINATE);
}

static void release(struct call *c)
{
	call_timer_cancel(c, CALL_TIMER_CLOSE);
	call_emit(c, CALL_DO_RECORD);
	call_emit(c, CALL_DO_RELEASE);
	c->state = CALL_RELEASED;
}

/* The timer runs to the end of the hold first, then on to the end of closing; a hold does not lengthen closing. A
 * connect on its way is waited for until then: its answer has the name, and the phone may ring for long. */
static void release_or_wait(struct call *c)
{
	uint64_t hold_us = (uint64_t)LIMIT_HELD_VERB_MS * 1000;

	if (all_reported(c))
		release(c);
	else if (c->wa.held && !verb_pending(c, VERB_CONNECT))
		call_timer_set(c, CALL_TIMER_CLOSE, c->now_us + hold_us);
	else
		call_timer_set(c, CALL_TIMER_CLOSE, c->close_by_us);
}

void call_end(struct call *c, enum cause cause, enum call_ended_by by)
{
	ASSERT(c->state < CALL_CLOSING);
	c->ended = true;
	c->cause = cause;
	c->ended_by = by;
	c->ended_ms = c->wall_ms;
	c->close_by_us = c->now_us + (uint64_t)LIMIT_CLOSE_MS * 1000;
	c->state = CALL_CLOSING;
	for (int t = 0; t < CALL_TIMER_COUNT; t++)
		call_timer_cancel(c, (enum call_timer)t);
	close_sip(c);
	close_wa(c);
	close_media(c);
	release_or_wait(c);
}

/* ---- events while closing ---- */

/* What terminate waited for has come, or has taken too long. */
static void end_hold(struct call *c)
{
	c->wa.held = false;
	c->wa.nameless = !c->wa.over && !c->wacid[0];
	if (!c->wa.over && !c->wa.nameless)
		call_emit_verb(c, closing_verb(c), NULL);
	release_or_wait(c);
}

static void on_graph_done(struct call *c, const struct call_event *ev)
{
	enum call_verb verb = ev->u.graph.verb;

	if ((unsigned)verb >= VERB_COUNT || !verb_pending(c, verb)) {
		call_ignore(c);
		return;
	}
	c->wa.done[verb] = true;
	c->wa.outcome[verb] = ev->u.graph.outcome;
	/* "Already over" is what both sides hanging up together looks like: no error. */
	if (ev->u.graph.outcome == VERB_REFUSED || ev->u.graph.outcome == VERB_FAILED)
		call_keep_meta_error(c, ev->u.graph.error_code, ev->u.graph.error_text);
	if (verb == VERB_CONNECT) {
		call_take_wacid(c, ev->u.graph.wacid);
		c->wa.over |= connect_made_nothing(c);
	}
	if ((c->wa.held || c->wa.nameless) && (c->wa.over || !must_wait(c))) {
		c->wa.over |= ev->u.graph.outcome == VERB_ALREADY_OVER;
		end_hold(c);
	} else if (all_reported(c)) {
		release(c);
	}
}

/* Meta confirms every end by this webhook; the first one may still say something worth keeping. */
static void on_wa_terminate(struct call *c, const struct call_event *ev)
{
	if (c->wa.over) {
		call_ignore(c);
		return;
	}
	c->wa.over = true;
	c->wa.nameless = false;
	call_keep_meta_error(c, ev->u.wa_terminate.error_code, ev->u.wa_terminate.error_text);
	if (c->wa.held)
		end_hold(c);
}

/* A webhook tells the name, too; even after the hold, while the call is not released, it is of use. */
static void on_wa_name(struct call *c, const char *wacid, bool over)
{
	if (!c->outbound || !(c->wa.held || c->wa.nameless)) {
		call_ignore(c);
		return;
	}
	call_take_wacid(c, wacid);
	c->wa.over = over;
	if (over || !must_wait(c))
		end_hold(c);
}

static void on_wa_answer(struct call *c, const struct call_event *ev)
{
	on_wa_name(c, ev->u.wa_answer.wacid, false);
}

static void on_wa_status(struct call *c, const struct call_event *ev)
{
	on_wa_name(c, ev->u.wa_status.wacid, ev->u.wa_status.status == WA_REJECTED);
}

static void on_media_closed(struct call *c, const struct call_event *ev)
{
	(void)ev;
	if (c->media != MEDIA_CLOSING) {
		call_ignore(c);
		return;
	}
	c->media = MEDIA_CLOSED;
	if (all_reported(c))
		release(c);
}

static void on_timer(struct call *c, const struct call_event *ev)
{
	if (!call_timer_take(c, ev))
		return;
	if (c->wa.held)
		end_hold(c);
	else
		release(c);
}

call_handler *const call_closing_path[CALL_EV_KIND_COUNT] = {
	[CALL_EV_WA_TERMINATE] = on_wa_terminate,
	[CALL_EV_GRAPH_DONE] = on_graph_done,
	[CALL_EV_MEDIA_REFUSED] = on_media_closed, /* it was never open: as good as closed */
	[CALL_EV_MEDIA_CLOSED] = on_media_closed,
	[CALL_EV_TIMER] = on_timer,
	[CALL_EV_WA_ANSWER] = on_wa_answer,
	[CALL_EV_WA_STATUS] = on_wa_status,
};
