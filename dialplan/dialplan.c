/* dialplan/dialplan.c
 *
 * The table in use: find the rule, make a route of it.
 */
#include "dialplan/dialplan.h"

#include "dialplan/rule.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* NULL texts are failed copies. */
static int route_headers(
	const struct rule *rule, const struct call_facts *facts, struct arena *arena, struct route *route)
{
	for (size_t i = 0; i < rule->header_count; i++) {
		struct route_header *h = &route->headers[i];
		h->name = arena_strdup(arena, rule->headers[i].name);
		h->value = template_text(&rule->headers[i].value, facts, arena);
		if (!h->name || !h->value)
			return -ENOMEM;
	}
	route->header_count = rule->header_count;
	return 0;
}

static int route_bridge(
	const struct rule *rule, const struct call_facts *facts, struct arena *arena, struct route *route)
{
	for (size_t i = 0; i < rule->gateway_count; i++) {
		route->gateways[i] = arena_strdup(arena, rule->gateways[i]);
		if (!route->gateways[i])
			return -ENOMEM;
	}
	route->gateway_count = rule->gateway_count;
	route->user = template_user(&rule->user, facts, arena);
	route->caller_id = template_text(&rule->caller_id, facts, arena);
	route->display_name = template_text(&rule->display_name, facts, arena);
	route->timeout_s = rule->timeout_s;
	if (!route->user || !route->caller_id || !route->display_name)
		return -ENOMEM;
	return route_headers(rule, facts, arena, route);
}

static int route_from_rule(
	const struct rule *rule, const struct call_facts *facts, struct arena *arena, struct route *route)
{
	route->kind = rule->kind;
	route->rule = arena_strdup(arena, rule->name);
	if (!route->rule)
		return -ENOMEM;
	if (rule->kind == ROUTE_BRIDGE)
		return route_bridge(rule, facts, arena, route);
	route->cause = arena_strdup(arena, rule->cause);
	return route->cause ? 0 : -ENOMEM;
}

int dialplan_route(const struct dialplan *dp, const struct call_facts *facts, uint64_t wall_ms, struct arena *arena,
	struct route *ret_route)
{
	struct route route = {.kind = ROUTE_NONE};
	const char *why;

	for (size_t i = 0; i < dp->count; i++) {
		int r = rule_match(&dp->rules[i], facts, wall_ms, &why);
		if (r > 0)
			r = route_from_rule(&dp->rules[i], facts, arena, &route);
		if (r < 0)
			return r;
		if (route.kind != ROUTE_NONE)
			break;
	}
	*ret_route = route;
	return 0;
}

void dialplan_explain(const struct dialplan *dp, const struct call_facts *facts, uint64_t wall_ms,
	void (*fn)(const char *rule, bool matched, const char *why, void *arg), void *arg)
{
	for (size_t i = 0; i < dp->count; i++) {
		const char *why;
		bool matched = rule_match(&dp->rules[i], facts, wall_ms, &why) > 0;
		fn(dp->rules[i].name, matched, why, arg);
		if (matched)
			return;
	}
}

size_t dialplan_rule_count(const struct dialplan *dp)
{
	return dp->count;
}

struct dialplan *dialplan_free(struct dialplan *dp)
{
	if (dp) {
		for (size_t i = 0; i < dp->count; i++)
			rule_done(&dp->rules[i]);
		arena_done(&dp->arena);
		free(dp);
	}
	return NULL;
}
