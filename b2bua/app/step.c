/* b2bua/app/step.c
 *
 * The one place where a call is stepped: event in, actions performed in order, then whatever those actions caused at
 * once.
 */
#include "b2bua/app/dial.h"
#include "b2bua/app/listeners.h"

#include "lib/base/assert.h"
#include "lib/base/counter.h"
#include "lib/base/crypto.h"

#include <string.h>

void app_queue_event(struct app_call *ac, const struct call_event *ev)
{
	struct pending_events *p = ac->pending;

	ASSERT(p);
	for (size_t i = 0; i < p->count; i++) {
		/* A full mailbox refuses several commands of one step: that is one failure. */
		if (ev->kind == CALL_EV_MEDIA_FAILED && p->events[i].kind == CALL_EV_MEDIA_FAILED)
			return;
	}
	ASSERT(p->count < PENDING_EVENTS_MAX);
	p->events[p->count++] = *ev;
}

static void step_once(struct app_call *ac, struct call_event *ev)
{
	struct app *app = ac->app;
	struct call_report before, after;
	struct call_out out;

	ev->now_us = loop_now_us(app->loop);
	ev->wall_ms = loop_wall_ms(app->loop);
	call_report(ac->call, &before);
	call_step(ac->call, ev, &out);
	call_report(ac->call, &after);
	if (after.ignored != before.ignored)
		counter_inc(CNT_CALL_EVENTS_IGNORED);
	if (after.state != before.state)
		log_debug("call_state", "call=%s from=%s to=%s on=%s", ac->id, call_state_name(before.state),
			call_state_name(after.state), call_event_name(ev->kind));
	emit_call_changes(ac, &before, &after);
	for (size_t i = 0; i < out.count; i++)
		perform(ac, &out.actions[i]);
	listeners_call_changes(ac, &before, &after);
}

static void step_with_pending(struct app_call *ac, struct call_event *ev)
{
	struct pending_events here = {.count = 0};

	ac->pending = &here;
	step_once(ac, ev);
	while (here.count && !ac->released) {
		struct call_event next = here.events[0];
		here.count--;
		memmove(&here.events[0], &here.events[1], here.count * sizeof(here.events[0]));
		step_once(ac, &next);
	}
	ac->pending = NULL;
	crypto_wipe(&here.media_local, sizeof(here.media_local));
}

void app_step(struct app_call *ac, struct call_event *ev)
{
	struct app *app = ac->app;

	if (ac->pending) { /* by an action of the step under way */
		step_once(ac, ev);
		return;
	}
	step_with_pending(ac, ev);
	if (ac->released) {
		registry_remove(ac);
		parking_on_call_gone(app);
		shutdown_check(app);
	}
}

void app_step_hangup(struct app_call *ac, enum cause cause, enum call_ended_by by)
{
	struct call_event ev = {.kind = CALL_EV_HANGUP, .u.hangup = {cause, by}};
	app_step(ac, &ev);
}
