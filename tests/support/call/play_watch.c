/* tests/support/call/play_watch.c
 *
 * Invariants of a call as the shell sees it: from the events it gave and the actions it was told, nothing else.
 */
#include "tests/support/call/play.h"

#include <string.h>

static void note_answer(struct play_watch *w, const struct call_event *ev)
{
	enum call_verb verb = ev->u.graph.verb;
	enum call_verb_outcome outcome = ev->u.graph.outcome;
	bool overtaken =
		verb == VERB_PRE_ACCEPT && w->verb_sent[VERB_ACCEPT]; /* "over" says nothing of the call then */

	if (!w->verb_sent[verb] || w->verb_done[verb])
		return;
	w->verb_done[verb] = true;
	if (verb == VERB_CONNECT) {
		w->no_call = !w->wacid[0] && (outcome == VERB_REFUSED || outcome == VERB_ALREADY_OVER);
		return;
	}
	w->meta_over |= outcome == VERB_ALREADY_OVER && !overtaken;
	w->accepted |= verb == VERB_ACCEPT && outcome == VERB_OK;
}

/* What Meta calls it: the first word holds. False: this is about another call. */
static bool note_name(struct play_watch *w, const char *wacid)
{
	if (!w->verb_sent[VERB_CONNECT] || (wacid && w->wacid[0] && strcmp(w->wacid, wacid) != 0))
		return false;
	if (wacid && !w->wacid[0])
		strncpy(w->wacid, wacid, sizeof(w->wacid) - 1);
	return true;
}

static void note_leg(struct play_watch_leg *leg, enum call_event_kind kind, bool has_sdp)
{
	bool ours_rings = leg->alive && !leg->theirs && !leg->answered;

	switch (kind) {
	case CALL_EV_SIP_PROGRESS: leg->early |= ours_rings && has_sdp; break;
	case CALL_EV_SIP_ANSWERED: leg->answered |= ours_rings; break;
	case CALL_EV_SIP_REFUSED: leg->alive &= !ours_rings; break;
	case CALL_EV_SIP_CANCELLED: leg->alive &= !leg->theirs || leg->answered; break;
	case CALL_EV_SIP_BYE:
	case CALL_EV_SIP_LOST: leg->alive = false; break;
	default: break;
	}
}

static void note_wa(struct play_watch *w, const struct call_event *ev)
{
	switch (ev->kind) {
	case CALL_EV_WA_TERMINATE: w->meta_over = true; break;
	case CALL_EV_WA_ANSWER: w->wa_answered |= note_name(w, ev->u.wa_answer.wacid); break;
	case CALL_EV_WA_STATUS:
		if (!note_name(w, ev->u.wa_status.wacid))
			break;
		w->meta_over |= ev->u.wa_status.status == WA_REJECTED && !w->user_there;
		w->user_there |= ev->u.wa_status.status == WA_ACCEPTED;
		break;
	case CALL_EV_GRAPH_DONE:
		if (ev->u.graph.verb == VERB_CONNECT && !w->verb_done[VERB_CONNECT])
			note_name(w, ev->u.graph.wacid);
		note_answer(w, ev);
		break;
	default: break;
	}
}

/* What the event means to the shell, before the call has said anything. */
static void note_event(struct play_watch *w, const struct call_event *ev)
{
	if ((unsigned)ev->leg < CALL_LEG_COUNT)
		note_leg(&w->leg[ev->leg], ev->kind, ev->kind == CALL_EV_SIP_PROGRESS && ev->u.sip.sdp);
	w->subscribed &= w->leg[CALL_LEG_MAIN].alive;
	note_wa(w, ev);
	switch (ev->kind) {
	case CALL_EV_OFFER: w->begun |= !w->outbound; break;
	case CALL_EV_DIAL: w->begun |= w->outbound; break;
	case CALL_EV_MEDIA_OPENED: w->media_ready |= w->media_opened && !w->media_closed; break;
	case CALL_EV_MEDIA_CLOSED: w->media_closed |= w->media_ready; break;
	case CALL_EV_MEDIA_REFUSED: w->media_closed |= w->media_opened && !w->media_ready; break; /* nothing to close */
	case CALL_EV_PERMISSION: w->granted |= w->asked_permission && ev->u.permission.granted; break;
	case CALL_EV_TIMER:
		if ((unsigned)ev->u.timer < CALL_TIMER_COUNT && ev->now_us >= w->timer_at_us[ev->u.timer])
			w->timer_at_us[ev->u.timer] = 0;
		break;
	default: break;
	}
}

/* terminate neither overtakes the verb that made the phone ring, nor waits for it longer than its timer. */
static const char *watch_terminate(const struct play_watch *w, const struct call_event *ev)
{
	enum call_verb before = w->verb_sent[VERB_ACCEPT] ? VERB_ACCEPT : VERB_PRE_ACCEPT;
	bool waited = ev->kind == CALL_EV_TIMER && ev->u.timer == CALL_TIMER_CLOSE;

	if (w->outbound)
		return w->wacid[0] ? NULL : "terminate of a call without a name";
	if (!w->verb_sent[before])
		return "terminate although Meta has heard nothing";
	return w->verb_done[before] || waited ? NULL : "terminate overtakes a verb on its way";
}

static const char *watch_accept(const struct play_watch *w, const struct call_event *ev, const struct call_action *a)
{
	const struct play_watch_leg *sip = &w->leg[CALL_LEG_MAIN];

	if (!sip->alive || !(sip->answered || (sip->early && w->accept_early)))
		return "accept without an answer from the SIP side";
	if (!w->media_opened || w->media_closed)
		return "accept without media";
	if (w->verb_sent[VERB_PRE_ACCEPT] && strcmp(w->pre_accept_sdp, a->u.graph.sdp) != 0)
		return "accept with another SDP than pre_accept";
	return ev->now_us > w->window_us + 500000 ? "accept beyond the window" : NULL;
}

static const char *watch_verb(struct play_watch *w, const struct call_event *ev, const struct call_action *a)
{
	enum call_verb verb = a->u.graph.verb;
	bool closes = verb == VERB_REJECT || verb == VERB_TERMINATE;
	const char *fault = NULL;
	bool spoke = w->verb_sent[VERB_PRE_ACCEPT] || w->verb_sent[VERB_ACCEPT];

	if (w->verb_sent[verb])
		return "a verb twice";
	if (w->outbound != (verb == VERB_CONNECT) && verb != VERB_TERMINATE)
		return "a verb of the other direction";
	if (verb == VERB_CONNECT && !w->granted)
		return "connect without permission";
	if (verb == VERB_REJECT && spoke)
		return "reject although Meta has our SDP";
	if (closes && (w->verb_sent[VERB_REJECT] || w->verb_sent[VERB_TERMINATE]))
		return "two closing verbs";
	if (closes && w->meta_over)
		return "a closing verb although Meta said the call is over";
	if (closes == (a->u.graph.sdp != NULL))
		return "SDP with the wrong verb";
	if (verb == VERB_PRE_ACCEPT)
		strncpy(w->pre_accept_sdp, a->u.graph.sdp, sizeof(w->pre_accept_sdp) - 1);
	if (verb == VERB_TERMINATE)
		fault = watch_terminate(w, ev);
	else if (verb == VERB_ACCEPT)
		fault = watch_accept(w, ev, a);
	w->verb_sent[verb] = true;
	return fault;
}

static const char *watch_media(struct play_watch *w, const struct call_action *a)
{
	bool may_talk = w->outbound ? w->user_there && w->wa_answered : w->accepted;

	if (a->kind == CALL_DO_MEDIA_OPEN) {
		if (w->media_opened)
			return "media opened twice";
		w->media_opened = true;
		return NULL;
	}
	if (!w->media_opened || w->media_closed)
		return "media told something that it is not there to hear";
	if (a->kind == CALL_DO_MEDIA_START_WA && !may_talk)
		return "audio to WhatsApp before the call is accepted";
	if (a->kind == CALL_DO_MEDIA_PLAY) {
		if (w->sound[a->u.play.side] == a->u.play.sound)
			return "what plays already";
		w->sound[a->u.play.side] = a->u.play.sound;
	}
	if (a->kind == CALL_DO_MEDIA_CLOSE)
		w->media_closed = true;
	return NULL;
}

static const char *watch_their_invite(struct play_watch *w, const struct call_action *a)
{
	struct play_watch_leg *leg = &w->leg[a->leg];

	if (!leg->alive || !leg->theirs || leg->answered)
		return "an answer to no INVITE";
	if (a->kind == CALL_DO_SIP_ACCEPT && a->leg == CALL_LEG_MAIN && !w->user_there)
		return "the caller is answered before the user";
	if (a->kind == CALL_DO_SIP_ACCEPT && !a->u.respond.sdp)
		return "200 to an INVITE without SDP";
	if (a->kind == CALL_DO_SIP_REJECT && (a->u.reject.code < 400 || a->u.reject.code > 699 || !a->u.reject.text))
		return "no final failure";
	leg->answered = a->kind == CALL_DO_SIP_ACCEPT;
	leg->alive = a->kind != CALL_DO_SIP_REJECT;
	return NULL;
}

static const char *watch_promote(struct play_watch *w, enum call_leg which)
{
	struct play_watch_leg *main_leg = &w->leg[CALL_LEG_MAIN], *target = &w->leg[which];

	if (which == CALL_LEG_MAIN || main_leg->alive || !target->alive || !target->answered)
		return "a leg made main that cannot be";
	for (int i = CALL_LEG_BRANCH; i < CALL_LEG_COUNT; i++)
		if (i != (int)which && w->leg[i].alive)
			return "one gateway has answered, and others ring on";
	*main_leg = *target;
	*target = (struct play_watch_leg){0};
	return NULL;
}

static const char *watch_refer(struct play_watch *w, const struct call_event *ev, const struct call_action *a)
{
	if (a->kind == CALL_DO_SIP_REFER_RESPOND) {
		if (ev->kind != CALL_EV_SIP_REFER || a->leg != ev->leg)
			return "an answer to no REFER";
		w->subscribed |= a->u.respond.code == 202;
		return NULL;
	}
	if (!w->subscribed || a->leg != CALL_LEG_MAIN)
		return "NOTIFY to nobody";
	w->subscribed = !a->u.notify.final;
	return NULL;
}

static const char *watch_hangup(struct play_watch *w, const struct call_action *a)
{
	struct play_watch_leg *leg = &w->leg[a->leg];

	if (!leg->alive)
		return "SIP leg told something that it is not there to hear";
	if ((a->kind == CALL_DO_SIP_CANCEL) == leg->answered || (a->kind == CALL_DO_SIP_CANCEL && leg->theirs))
		return "CANCEL after the answer, or BYE before it";
	if (a->leg == CALL_LEG_MAIN && w->subscribed)
		return "the transferor never heard the end of it";
	leg->alive = false;
	return NULL;
}

static const char *watch_sip(struct play_watch *w, const struct call_event *ev, const struct call_action *a)
{
	if ((unsigned)a->leg >= CALL_LEG_COUNT)
		return "a leg that no call has";
	switch (a->kind) {
	case CALL_DO_SIP_INVITE:
		if (w->leg[a->leg].alive)
			return "INVITE twice";
		w->leg[a->leg] = (struct play_watch_leg){.alive = true};
		return w->media_ready && !w->media_closed ? NULL : "INVITE without media";
	case CALL_DO_SIP_RESPOND:
		return ev->kind == CALL_EV_SIP_OFFER && a->leg == ev->leg && w->leg[a->leg].alive
			       ? NULL
			       : "a response to nothing";
	case CALL_DO_SIP_RING:
	case CALL_DO_SIP_ACCEPT:
	case CALL_DO_SIP_REJECT: return watch_their_invite(w, a);
	case CALL_DO_SIP_PROMOTE: return watch_promote(w, a->leg);
	case CALL_DO_SIP_NOTIFY:
	case CALL_DO_SIP_REFER_RESPOND: return watch_refer(w, ev, a);
	default: return watch_hangup(w, a);
	}
}

static const char *watch_timer(struct play_watch *w, const struct call_action *a)
{
	enum call_timer which = a->u.timer.which;

	if (a->kind == CALL_DO_TIMER_CANCEL) {
		bool armed = w->timer_at_us[which] != 0;
		w->timer_at_us[which] = 0;
		return armed ? NULL : "a timer cancelled that is not set";
	}
	w->timer_at_us[which] = a->u.timer.at_us;
	if (which == CALL_TIMER_WINDOW)
		w->window_us = a->u.timer.at_us;
	return a->u.timer.at_us ? NULL : "a timer at 0";
}

/* Does Meta have a call that we can end? */
static bool meta_waits(const struct play_watch *w)
{
	return !w->outbound || (w->verb_sent[VERB_CONNECT] && !w->no_call && w->wacid[0]);
}

static const char *watch_release(struct play_watch *w)
{
	if (!w->recorded)
		return "RELEASE without a record";
	for (int i = 0; i < CALL_LEG_COUNT; i++)
		if (w->leg[i].alive)
			return "RELEASE with a SIP leg alive";
	if (w->media_opened && !w->media_closed)
		return "RELEASE with media open";
	if (!w->meta_over && meta_waits(w) && !w->verb_sent[VERB_REJECT] && !w->verb_sent[VERB_TERMINATE])
		return "RELEASE without a word to Meta";
	for (int t = 0; t < CALL_TIMER_COUNT; t++)
		if (w->timer_at_us[t])
			return "RELEASE with a timer set";
	w->released = true;
	return NULL;
}

static const char *watch_action(struct play_watch *w, const struct call_event *ev, const struct call_action *a)
{
	if (w->released)
		return "an action after RELEASE";
	switch (a->kind) {
	case CALL_DO_MEDIA_OPEN:
	case CALL_DO_MEDIA_SET_WA:
	case CALL_DO_MEDIA_SET_SIP:
	case CALL_DO_MEDIA_START_WA:
	case CALL_DO_MEDIA_PLAY:
	case CALL_DO_MEDIA_MUTE:
	case CALL_DO_MEDIA_DTMF:
	case CALL_DO_MEDIA_CLOSE: return watch_media(w, a);
	case CALL_DO_GRAPH: return watch_verb(w, ev, a);
	case CALL_DO_SIP_INVITE:
	case CALL_DO_SIP_CANCEL:
	case CALL_DO_SIP_BYE:
	case CALL_DO_SIP_RING:
	case CALL_DO_SIP_ACCEPT:
	case CALL_DO_SIP_REJECT:
	case CALL_DO_SIP_REFER_RESPOND:
	case CALL_DO_SIP_NOTIFY:
	case CALL_DO_SIP_PROMOTE:
	case CALL_DO_SIP_RESPOND: return watch_sip(w, ev, a);
	case CALL_DO_ASK_ROUTE: return w->outbound ? "a route asked for where there is none" : NULL;
	case CALL_DO_ASK_PERMISSION: {
		bool again = w->asked_permission;
		w->asked_permission = true;
		return again || !w->outbound ? "permission asked for twice, or for nothing" : NULL;
	}
	case CALL_DO_TIMER_SET:
	case CALL_DO_TIMER_CANCEL: return watch_timer(w, a);
	case CALL_DO_RECORD: {
		bool twice = w->recorded;
		w->recorded = true;
		return twice ? "two records" : NULL;
	}
	case CALL_DO_RELEASE: return watch_release(w);
	default: return "an action of no kind";
	}
}

static unsigned count_actions(const struct call_out *out, enum call_action_kind kind)
{
	unsigned n = 0;
	for (size_t i = 0; i < out->count; i++)
		n += out->actions[i].kind == kind;
	return n;
}

static const char *watch_after(const struct play_watch *w, const struct call_event *ev, const struct call_out *out)
{
	bool any = false;
	bool of_leg = (unsigned)ev->leg < CALL_LEG_COUNT && w->leg[ev->leg].alive;

	for (int t = 0; t < CALL_TIMER_COUNT; t++)
		any |= w->timer_at_us[t] != 0;
	if (w->begun && !w->released && !any)
		return "no timer runs: the call may live for ever";
	if (ev->kind == CALL_EV_SIP_OFFER && of_leg && count_actions(out, CALL_DO_SIP_RESPOND) != 1)
		return "an offer of the SIP side got no answer, or more than one";
	if (ev->kind == CALL_EV_SIP_REFER && of_leg && count_actions(out, CALL_DO_SIP_REFER_RESPOND) != 1)
		return "a REFER got no answer, or more than one";
	if (w->subscribed && !w->leg[CALL_LEG_TARGET].alive)
		return "the transferor never heard the end of it";
	return NULL;
}

const char *play_watch_step(struct play_watch *w, const struct call_event *ev, const struct call_out *out)
{
	bool new_leg = ev->kind == CALL_EV_SIP_REPLACED && !w->leg[CALL_LEG_TARGET].alive;
	const char *fault = NULL;

	note_event(w, ev);
	if (new_leg)
		w->leg[CALL_LEG_TARGET] = (struct play_watch_leg){.alive = true, .theirs = true};
	for (size_t i = 0; i < out->count && !fault; i++)
		fault = watch_action(w, ev, &out->actions[i]);
	/* Nobody answered it: the shell refuses it itself. */
	if (new_leg && !count_actions(out, CALL_DO_SIP_ACCEPT))
		w->leg[CALL_LEG_TARGET].alive = false;
	return fault ? fault : watch_after(w, ev, out);
}
