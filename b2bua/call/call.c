/* b2bua/call/call.c
 *
 * Makes a call, steps it, and writes down its actions. What an event means stands in the table of the call's path
 * (inbound.c) until the call ends, and in closing.c's table from then on.
 */
#include "b2bua/call/call_internal.h"

#include "b2bua/call/headers.h"

#include <errno.h>
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
	bool heard_of_us = c->wa.sent[VERB_PRE_ACCEPT] || c->wa.sent[VERB_ACCEPT];
	struct call_action *a;

	if (c->wa.sent[verb])
		c->broken = "a verb sent twice";
	if (verb == VERB_REJECT && heard_of_us)
		c->broken = "reject after pre_accept or accept";
	if (verb == VERB_TERMINATE && !heard_of_us)
		c->broken = "terminate before pre_accept and accept";
	if (verb == VERB_ACCEPT && (c->sip.state != LEG_ANSWERED || c->media != MEDIA_OPEN))
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

void call_ignore(struct call *c)
{
	c->ignored++;
}

/* ---- making ---- */

static int copy(struct call *c, const char **ret_copy, const char *text, size_t max_chars)
{
	size_t length = text ? strlen(text) : 0;
	const char *made = arena_strndup(&c->arena, text ? text : "", length < max_chars ? length : max_chars);

	if (!made)
		return -ENOMEM;
	*ret_copy = made;
	return 0;
}

/* Text for people may hold anything and be cut; its cut must not split a character. */
static int copy_text(struct call *c, const char **ret_copy, const char *text, size_t max_chars)
{
	const char *made = header_text(&c->arena, text, max_chars);

	if (!made)
		return -ENOMEM;
	*ret_copy = made;
	return 0;
}

static int take_offer(struct call *c, const struct call_offer *o)
{
	/* A text too long to be read is not kept either: sdp_audio_parse() would refuse it, and so does "". */
	size_t sdp_length = o->sdp && o->sdp_length <= SDP_TEXT_MAX ? o->sdp_length : 0;

	if (copy(c, &c->call_id, o->call_id, LIMIT_ID_CHARS) || copy(c, &c->wacid, o->wacid, LIMIT_ID_CHARS) ||
		copy(c, &c->phone_number_id, o->phone_number_id, LIMIT_NAME_CHARS) ||
		copy(c, &c->number, o->number, LIMIT_NAME_CHARS) ||
		copy(c, &c->user_number, o->user_number, LIMIT_NAME_CHARS) ||
		copy(c, &c->user_id, o->user_id, LIMIT_NAME_CHARS) ||
		copy_text(c, &c->profile_name, o->profile_name, LIMIT_NAME_CHARS) ||
		copy_text(c, &c->payload, o->payload, LIMIT_PAYLOAD_CHARS))
		return -ENOMEM;
	c->wa_remote_sdp = arena_strndup(&c->arena, sdp_length ? o->sdp : "", sdp_length);
	c->wa_remote_sdp_length = sdp_length;
	return c->wa_remote_sdp ? 0 : -ENOMEM;
}

int call_new(const struct call_settings *settings, const struct call_offer *offer, struct call **ret_call)
{
	struct arena arena;
	struct call *c;

	arena_init(&arena, LIMIT_ARENA_BYTES);
	c = arena_alloc(&arena, sizeof(*c));
	if (!c)
		goto fail;
	c->arena = arena; /* from here on the call holds what holds it */
	c->settings = settings;
	c->path = call_inbound_path;
	if (take_offer(c, offer) < 0) {
		arena = c->arena;
		goto fail;
	}
	*ret_call = c;
	return 0;
fail:
	arena_done(&arena);
	return -ENOMEM;
}

struct call *call_free(struct call *c)
{
	if (c) {
		struct arena arena = c->arena;
		arena_done(&arena);
	}
	return NULL;
}

/* ---- stepping ---- */

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
	handler = (c->state < CALL_CLOSING ? c->path : call_closing_path)[ev->kind];
	if (handler && c->state != CALL_RELEASED)
		handler(c, ev);
	else
		call_ignore(c);
	c->out = NULL;
}
