/* tests/support/call/play_watch.c
 *
 * Invariants of a call as the shell sees it: from the events it gave and the actions it was told, nothing else.
 */
#include "tests/support/call/play.h"

#include <string.h>

static void note_answer(struct play_watch *w, enum call_verb verb, enum call_verb_outcome outcome)
{
	bool overtaken =
		verb == VERB_PRE_ACCEPT && w->verb_sent[VERB_ACCEPT]; /* "over" says nothing of the call then */

	if (!w->verb_sent[verb] || w->verb_done[verb])
		return;
	w->verb_done[verb] = true;
	w->meta_over |= outcome == VERB_ALREADY_OVER && !overtaken;
	w->accepted |= verb == VERB_ACCEPT && outcome == VERB_OK;
}

/* What the event means to the shell, before the call has said anything. */
static void note_event(struct play_watch *w, const struct call_event *ev)
{
	bool leg = w->invited && w->sip_alive;

	switch (ev->kind) {
	case CALL_EV_OFFER: w->offered = true; break;
	case CALL_EV_WA_TERMINATE: w->meta_over = true; break;
	case CALL_EV_MEDIA_OPENED: w->media_ready |= w->media_opened && !w->media_closed; break;
	case CALL_EV_MEDIA_CLOSED: w->media_closed |= w->media_ready; break;
	case CALL_EV_SIP_ANSWERED: w->sip_answered |= leg; break;
	case CALL_EV_SIP_REFUSED: w->sip_alive &= w->sip_answered; break;
	case CALL_EV_SIP_BYE:
	case CALL_EV_SIP_LOST: w->sip_alive = false; break;
	case CALL_EV_GRAPH_DONE: note_answer(w, ev->u.graph.verb, ev->u.graph.outcome); break;
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

	if (!w->verb_sent[before])
		return "terminate although Meta has heard nothing";
	return w->verb_done[before] || waited ? NULL : "terminate overtakes a verb on its way";
}

static const char *watch_verb(struct play_watch *w, const struct call_event *ev, const struct call_action *a)
{
	enum call_verb verb = a->u.graph.verb;
	bool closes = verb == VERB_REJECT || verb == VERB_TERMINATE;
	const char *fault;
	bool spoke = w->verb_sent[VERB_PRE_ACCEPT] || w->verb_sent[VERB_ACCEPT];

	if (w->verb_sent[verb])
		return "a verb twice";
	if (verb == VERB_REJECT && spoke)
		return "reject although Meta has our SDP";
	fault = verb == VERB_TERMINATE ? watch_terminate(w, ev) : NULL;
	if (fault)
		return fault;
	if (closes && (w->verb_sent[VERB_REJECT] || w->verb_sent[VERB_TERMINATE]))
		return "two closing verbs";
	if (closes && w->meta_over)
		return "a closing verb although Meta said the call is over";
	if ((verb == VERB_PRE_ACCEPT || verb == VERB_ACCEPT) == !a->u.graph.sdp)
		return "SDP with the wrong verb";
	if (verb == VERB_PRE_ACCEPT)
		strncpy(w->pre_accept_sdp, a->u.graph.sdp, sizeof(w->pre_accept_sdp) - 1);
	if (verb == VERB_ACCEPT) {
		if (!w->sip_answered || !w->sip_alive)
			return "accept without an answer from the SIP side";
		if (!w->media_opened || w->media_closed)
			return "accept without media";
		if (w->verb_sent[VERB_PRE_ACCEPT] && strcmp(w->pre_accept_sdp, a->u.graph.sdp) != 0)
			return "accept with another SDP than pre_accept";
		if (ev->now_us > w->window_us + 500000)
			return "accept beyond the window";
	}
	w->verb_sent[verb] = true;
	return NULL;
}

static const char *watch_media(struct play_watch *w, enum call_action_kind kind)
{
	if (kind == CALL_DO_MEDIA_OPEN) {
		if (w->media_opened)
			return "media opened twice";
		w->media_opened = true;
		return NULL;
	}
	if (!w->media_opened || w->media_closed)
		return "media told something that it is not there to hear";
	if (kind == CALL_DO_MEDIA_START_WA && !w->accepted)
		return "audio to WhatsApp before accept returned 200";
	if (kind == CALL_DO_MEDIA_CLOSE)
		w->media_closed = true;
	return NULL;
}

static const char *watch_sip(struct play_watch *w, const struct call_event *ev, enum call_action_kind kind)
{
	if (kind == CALL_DO_SIP_INVITE) {
		if (w->invited)
			return "INVITE twice";
		w->invited = w->sip_alive = true;
		return NULL;
	}
	if (!w->invited || !w->sip_alive)
		return "SIP leg told something that it is not there to hear";
	if (kind == CALL_DO_SIP_RESPOND)
		return ev->kind == CALL_EV_SIP_OFFER ? NULL : "a response to nothing";
	if ((kind == CALL_DO_SIP_CANCEL) == w->sip_answered)
		return "CANCEL after the answer, or BYE before it";
	w->sip_alive = false;
	return NULL;
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

static const char *watch_release(struct play_watch *w)
{
	if (!w->recorded)
		return "RELEASE without a record";
	if (w->invited && w->sip_alive)
		return "RELEASE with the SIP leg alive";
	if (w->media_opened && !w->media_closed)
		return "RELEASE with media open";
	if (!w->meta_over && !w->verb_sent[VERB_REJECT] && !w->verb_sent[VERB_TERMINATE])
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
	case CALL_DO_MEDIA_CLOSE: return watch_media(w, a->kind);
	case CALL_DO_GRAPH: return watch_verb(w, ev, a);
	case CALL_DO_SIP_INVITE:
	case CALL_DO_SIP_CANCEL:
	case CALL_DO_SIP_BYE:
	case CALL_DO_SIP_RESPOND: return watch_sip(w, ev, a->kind);
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

static const char *watch_after(const struct play_watch *w, const struct call_event *ev, const struct call_out *out)
{
	bool any = false;
	unsigned responses = 0;

	for (int t = 0; t < CALL_TIMER_COUNT; t++)
		any |= w->timer_at_us[t] != 0;
	for (size_t i = 0; i < out->count; i++)
		responses += out->actions[i].kind == CALL_DO_SIP_RESPOND;
	if (w->offered && !w->released && !any)
		return "no timer runs: the call may live for ever";
	if (ev->kind == CALL_EV_SIP_OFFER && w->invited && w->sip_alive && responses != 1)
		return "an offer of the SIP side got no answer, or more than one";
	return NULL;
}

const char *play_watch_step(struct play_watch *w, const struct call_event *ev, const struct call_out *out)
{
	bool was_opened = w->media_opened;
	const char *fault = NULL;

	note_event(w, ev);
	for (size_t i = 0; i < out->count && !fault; i++)
		fault = watch_action(w, ev, &out->actions[i]);
	/* Refused: there is nothing to close. */
	if (ev->kind == CALL_EV_MEDIA_REFUSED && was_opened && !w->media_ready)
		w->media_closed = true;
	return fault ? fault : watch_after(w, ev, out);
}
