/* b2bua/app/step.c
 *
 * The one place where a call is stepped: event in, actions performed in order, then whatever those actions caused at
 * once.
 */
#include "b2bua/app/dial.h"

#include "lib/base/assert.h"
#include "lib/base/counter.h"

#include <string.h>

void app_queue_event(struct app_call *ac, const struct call_event *ev)
{
	for (size_t i = 0; i < ac->pending_count; i++) {
		/* A full mailbox refuses several commands of one step: that is one failure. */
		if (ev->kind == CALL_EV_MEDIA_FAILED && ac->pending[i].kind == CALL_EV_MEDIA_FAILED)
			return;
	}
	ASSERT(ac->pending_count < PENDING_EVENTS_MAX);
	ac->pending[ac->pending_count++] = *ev;
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
}

void app_step(struct app_call *ac, struct call_event *ev)
{
	struct app *app = ac->app;

	step_once(ac, ev);
	while (ac->pending_count && !ac->released) {
		struct call_event next = ac->pending[0];
		ac->pending_count--;
		memmove(&ac->pending[0], &ac->pending[1], ac->pending_count * sizeof(ac->pending[0]));
		step_once(ac, &next);
	}
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
