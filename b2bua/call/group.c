/* b2bua/call/group.c
 *
 * A call with several gateways: they are tried in the order the route gives, each with a ring time of its own. The next
 * one rings when the one before failed for a cause that the route names; in the same state, with the same media
 * session, in a dialog of its own. Inbound, Meta's accept window bounds them all. (All at once: fork.c.)
 *
 * And what became of each INVITE, for the record.
 */
#include "b2bua/call/call_internal.h"

#include "lib/base/str.h"

#include <errno.h>
#include <string.h>

enum { ATTEMPTS_AT_FIRST = 2 };

void call_group_init(struct call *c, const struct route_failover *causes, bool parallel)
{
	struct group *g = &c->group;
	enum cause cause;

	memset(g, 0, sizeof(*g));
	g->parallel = parallel;
	for (size_t i = 0; i < causes->count; i++)
		if (cause_parse(causes->causes[i], &cause) == 0)
			g->next_on[cause] = true;
	if (!causes->count)
		g->next_on[CAUSE_GATEWAY_DOWN] = g->next_on[CAUSE_GATEWAY_FAILED] = g->next_on[CAUSE_CONGESTION] = true;
}

int call_group_add(struct call *c, const struct call_place *from)
{
	struct call_place *place = &c->group.places[c->group.count];

	if (c->group.count == ROUTE_GATEWAYS_MAX || !from->uri || strlen(from->uri) > LIMIT_URI_CHARS)
		return -ENOMEM;
	*place = *from;
	place->uri = arena_strdup(&c->arena, from->uri);
	if (!place->uri)
		return -ENOMEM;
	c->group.count++;
	return 0;
}

static unsigned ring_ms(const struct call *c)
{
	unsigned s = c->route.timeout_s, own = c->sip.gateway ? c->sip.gateway->ring_ms : 0;

	if (!c->group.parallel && c->group.places[c->group.at].ring_ms)
		return c->group.places[c->group.at].ring_ms;
	if (c->outbound)
		return call_or_default(c->dial.agent_ring_ms, call_or_default(own, LIMIT_AGENT_RING_MS));
	if (s)
		return s < LIMIT_RING_MS / 1000 ? s * 1000 : LIMIT_RING_MS;
	return call_or_default(own, call_or_default(c->settings->default_ring_ms, LIMIT_RING_MS));
}

int call_group_invite(struct call *c)
{
	const struct call_place *place = &c->group.places[c->group.at];
	int r;

	if (c->group.parallel)
		return call_fork_invite(c);
	c->sip.gateway = place->gateway;
	c->sip.target = place->uri;
	c->sip.redirects = 0;
	c->sip.plain = false;
	r = call_leg_invite(c, CALL_LEG_MAIN);
	if (r < 0)
		return r;
	c->group.attempts++;
	return 0;
}

void call_group_ring(struct call *c)
{
	call_timer_set(c, CALL_TIMER_RING, call_after_ms(c, ring_ms(c)));
}

bool call_group_next(struct call *c, enum cause cause)
{
	struct group *g = &c->group;
	bool rings = c->state == CALL_RINGING || c->state == CALL_AGENT || c->state == CALL_JOINING;
	bool in_time = c->outbound || c->now_us < c->window_us;

	if (!rings || g->parallel || g->at + 1 >= g->count || !g->next_on[cause] || !in_time)
		return false;
	call_leg_close(c, CALL_LEG_MAIN, cause);
	g->at++;
	if (call_group_invite(c) < 0)
		return false;
	call_group_ring(c);
	return true;
}

void call_gateway_failed(struct call *c, enum cause cause, enum call_ended_by by)
{
	if (!call_group_next(c, cause))
		call_end(c, cause, by);
}

/* ---- what became of each ---- */

/* Most calls have one. */
static bool room_for_attempt(struct call *c)
{
	size_t room = c->attempt_room ? c->attempt_room * 4 : ATTEMPTS_AT_FIRST;
	struct call_attempt *attempts;
	uint64_t *began_us;

	if (c->attempt_count < c->attempt_room)
		return true;
	if (c->attempt_count == LIMIT_ATTEMPTS)
		return false;
	attempts = arena_alloc(&c->arena, room * sizeof(*attempts));
	began_us = arena_alloc(&c->arena, room * sizeof(*began_us));
	if (!attempts || !began_us)
		return false;
	if (c->attempts) {
		memcpy(attempts, c->attempts, c->attempt_count * sizeof(*attempts));
		memcpy(began_us, c->attempt_us, c->attempt_count * sizeof(*began_us));
	}
	c->attempts = attempts;
	c->attempt_us = began_us;
	c->attempt_room = room;
	return true;
}

void call_attempt_begin(struct call *c, struct sip_leg *leg)
{
	leg->attempt = 0;
	if (!leg->gateway || !room_for_attempt(c))
		return;
	c->attempt_us[c->attempt_count] = c->now_us;
	c->attempts[c->attempt_count].gateway = leg->gateway->name;
	c->attempts[c->attempt_count].why = "";
	leg->attempt = ++c->attempt_count;
}

void call_attempt_note(struct call *c, const struct sip_leg *leg, const char *why)
{
	const char *kept;

	if (!leg || !leg->attempt || !why || !*why || c->attempts[leg->attempt - 1].over)
		return;
	kept = arena_strndup(&c->arena, why, strnlen(why, LIMIT_WHY_CHARS));
	if (kept)
		c->attempts[leg->attempt - 1].why = kept;
}

void call_attempt_end(struct call *c, const struct sip_leg *leg, int sip_code, enum cause cause)
{
	size_t i = leg->attempt;

	if (!i || c->attempts[i - 1].over)
		return;
	c->attempts[i - 1].sip_code = sip_code;
	c->attempts[i - 1].cause = cause;
	c->attempts[i - 1].ms = (unsigned)((c->now_us - c->attempt_us[i - 1]) / 1000);
	c->attempts[i - 1].over = true;
}
