/* dialplan/dialplan.c
 *
 * The table in use: find the rule, make a route of it.
 */
#include "dialplan/dialplan.h"

#include "dialplan/rule.h"
#include "lib/base/str.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* The first match from rule `first` on; may_ask false: among those that say by themselves what is to be done. */
static int route_from(const struct dialplan *dp, size_t first, bool may_ask, const struct call_facts *facts,
	uint64_t wall_ms, struct arena *arena, struct route *ret_route)
{
	struct route route = {.kind = ROUTE_NONE};
	struct question q;
	const char *why;
	int r = 0;

	question_init(&q, facts, wall_ms);
	for (size_t i = first; i < dp->count && r == 0; i++)
		if (may_ask || dp->rules[i].kind != ROUTE_ASK) {
			r = rule_match(&dp->rules[i], &q, &why);
			if (r > 0 && rule_route(&dp->rules[i], facts, arena, &route) < 0)
				r = -ENOMEM;
		}
	question_done(&q);
	if (r < 0)
		return r;
	*ret_route = route;
	return 0;
}

int dialplan_route(const struct dialplan *dp, const struct call_facts *facts, uint64_t wall_ms, struct arena *arena,
	struct route *ret_route)
{
	return route_from(dp, 0, true, facts, wall_ms, arena, ret_route);
}

static size_t find_rule(const struct dialplan *dp, const char *name)
{
	size_t i = 0;

	while (i < dp->count && !str_equal(dp->rules[i].name, name))
		i++;
	return i;
}

int dialplan_route_fallback(const struct dialplan *dp, const struct call_facts *facts, uint64_t wall_ms,
	const struct route *asked, struct arena *arena, struct route *ret_route)
{
	const char *name = asked->ask.fallback;
	size_t i = find_rule(dp, name && *name ? name : asked->rule);

	if (name && *name && i < dp->count && dp->rules[i].kind != ROUTE_ASK)
		return rule_route(&dp->rules[i], facts, arena, ret_route);
	return route_from(dp, i + 1, false, facts, wall_ms, arena, ret_route);
}

struct route_extras dialplan_extras(const struct dialplan *dp, const char *rule)
{
	size_t i = rule ? find_rule(dp, rule) : dp->count;

	return i < dp->count ? dp->rules[i].extras : (struct route_extras){0};
}

void dialplan_explain(const struct dialplan *dp, const struct call_facts *facts, uint64_t wall_ms,
	void (*fn)(const char *rule, bool matched, const char *why, void *arg), void *arg)
{
	struct question q;
	bool matched = false;

	question_init(&q, facts, wall_ms);
	for (size_t i = 0; i < dp->count && !matched; i++) {
		const char *why;
		matched = rule_match(&dp->rules[i], &q, &why) > 0;
		fn(dp->rules[i].name, matched, why, arg);
	}
	question_done(&q);
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
