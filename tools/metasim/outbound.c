/* tools/metasim/outbound.c
 *
 * A business-initiated call after Meta took it (Meta: "Business-initiated calls"):
 *
 *   connect posted -> webhook connect (SDP answer) -> RINGING -> ACCEPTED -> ... -> terminate
 *                                                        |-----> REJECTED -------> terminate
 *                                                        '-----> nobody answers -> terminate without start_time
 *
 * One timer a call: what the user's phone does next.
 */
#include "lib/base/clock.h"
#include "tools/metasim/meta_internal.h"

#include <stdio.h>
#include <string.h>

static void next_phase(struct meta_call *c, uint64_t after_ms, void (*fn)(void *arg))
{
	struct meta *m = c->meta;
	loop_timer_set(m->loop, &c->phase, loop_now_us(m->loop) + after_ms * 1000, fn, c);
}

static bool is_lost(const struct meta_call *c, enum plan_lose what)
{
	return c->meta->plan->outbound.lose == what;
}

static void on_ring_over(void *arg)
{
	struct meta_call *c = arg;

	meta_timeline(c->meta, c, "unanswered", "");
	meta_end(c, "meta", 0);
}

static void on_pick_up(void *arg)
{
	struct meta_call *c = arg;
	struct meta *m = c->meta;

	c->state = META_ACCEPTED;
	c->rep.picked_up_us = clock_mono_us();
	c->user_from_us = loop_wall_ms(m->loop) / 1000;
	wa_user_accepted(c->user, loop_now_us(m->loop));
	meta_user_connected(c->who);
	meta_timeline(m, c, "accepted", "");
	if (!is_lost(c, PLAN_LOSE_ACCEPTED))
		webhook_status(c, "ACCEPTED");
	meta_trigger(c->who, PLAN_ON_ANSWERED);
}

static void on_decline(void *arg)
{
	struct meta_call *c = arg;

	c->rep.declined_us = clock_mono_us();
	meta_timeline(c->meta, c, "rejected", "");
	webhook_status(c, "REJECTED");
	meta_end(c, "user", 0);
}

static void on_ring(void *arg)
{
	struct meta_call *c = arg;
	const struct plan *p = c->meta->plan;
	const struct plan_user *u = c->who->plan;

	c->state = META_RINGING;
	c->rep.ringing_us = clock_mono_us();
	meta_timeline(c->meta, c, "ringing", "");
	if (!is_lost(c, PLAN_LOSE_RINGING))
		webhook_status(c, "RINGING");
	meta_trigger(c->who, PLAN_ON_CALL);
	if (u->on_call == PLAN_LET_RING || u->answer_after_ms >= p->outbound.ring_ms)
		next_phase(c, p->outbound.ring_ms, on_ring_over);
	else
		next_phase(c, u->answer_after_ms, u->on_call == PLAN_PICK_UP ? on_pick_up : on_decline);
}

static void on_connect(void *arg)
{
	struct meta_call *c = arg;

	next_phase(c, c->who->plan->ring_after_ms, on_ring);
	if (is_lost(c, PLAN_LOSE_CONNECT)) {
		outbound_delivered(c);
		return;
	}
	meta_timeline(c->meta, c, "connect_sent", "");
	webhook_connect(c);
}

void outbound_begin(struct meta_call *c)
{
	const struct plan *p = c->meta->plan;

	c->rep.connect_us = clock_mono_us();
	if (p->outbound.connect_before_response)
		on_connect(c);
	else
		next_phase(c, p->outbound.connect_after_ms, on_connect);
}

void outbound_answer(struct meta_call *c, bool pick_up)
{
	loop_timer_cancel(&c->phase);
	if (pick_up)
		on_pick_up(c);
	else
		on_decline(c);
}

/* Now the answer to the POST may follow. */
void outbound_delivered(struct meta_call *c)
{
	struct late_reply *reply = c->reply;

	c->reply = NULL;
	if (reply)
		graph_release(reply);
}

/* After its end, before the terminate webhook. A call that rang and was not answered counts against the permission. */
void outbound_over(struct meta_call *c)
{
	loop_timer_cancel(&c->phase);
	outbound_delivered(c);
	if (c->rep.ringing_us && !c->rep.picked_up_us)
		meta_user_unanswered(c->who);
}
