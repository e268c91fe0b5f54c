/* dialplan/build.c
 *
 * Configuration -> table of compiled rules.
 *
 *   dialplan_build()  each rule: name, build_match.c, build_actions.c (-> build_call.c, build_message.c); then what
 *                     holds between rules
 */
#include "dialplan/build.h"

#include "dialplan/limits.h"
#include "lib/base/assert.h"
#include "lib/base/str.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- for all builders ---- */

void build_at(struct build *b, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(b->path, sizeof(b->path), fmt, ap);
	va_end(ap);
}

void build_error(struct build *b, const char *key, const char *fmt, ...)
{
	char path[BUILD_PATH_MAX_BYTES + 64], what[BUILD_WHY_MAX + 64];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	snprintf(path, sizeof(path), "%s%s%s", b->path, *key && *b->path ? "." : "", key);
	conf_error(b->errors, b->file, path, "%s", what);
	b->bad = true;
}

void build_take(struct build *b, const char *key, int result, const char *why)
{
	if (result == -ENOMEM)
		b->no_memory = true;
	else if (result < 0)
		build_error(b, key, "%s", why);
}

const char *build_copy(struct build *b, const char *text)
{
	const char *t = arena_strdup(b->arena, text);
	if (!t)
		b->no_memory = true;
	return t;
}

void *build_alloc(struct build *b, size_t bytes)
{
	void *at = arena_alloc(b->arena, bytes);
	if (!at)
		b->no_memory = true;
	return at;
}

bool build_is_empty(const char *text)
{
	return !text || !*text;
}

/* ---- rules ---- */

static void build_name(struct build *b, const struct dialplan_rule_conf *rules, size_t index, struct rule *rule)
{
	const char *name = rules[index].name;

	rule->name = build_copy(b, name ? name : "");
	if (build_is_empty(name)) {
		build_error(b, "name", "a rule needs a name");
		return;
	}
	if (strlen(name) > DIALPLAN_NAME_MAX_CHARS)
		build_error(b, "name", "longer than %d characters", DIALPLAN_NAME_MAX_CHARS);
	for (size_t i = 0; i < index; i++) {
		if (str_equal(rules[i].name, name)) {
			build_error(b, "name", "\"%.*s\" is also the name of dialplan[%zu]", DIALPLAN_NAME_MAX_CHARS,
				name, i);
			return;
		}
	}
}

/* Nothing is everybody's: a rule that names no tenant would be for nobody, or for all. */
static void build_tenant(struct build *b, const char *tenant, struct rule *rule)
{
	if (!b->names->known_tenant && tenant)
		build_error(b, "tenant", "there is no section tenants");
	else if (b->names->known_tenant && build_is_empty(tenant))
		build_error(b, "tenant", "a rule names its tenant");
	else if (b->names->known_tenant && !b->names->known_tenant(tenant, b->names->arg))
		build_error(b, "tenant", "no tenant has the name \"%.40s\"", tenant);
	b->tenant = rule->tenant = build_copy(b, tenant ? tenant : "");
}

static const struct rule *find_rule(const struct dialplan *dp, const char *name)
{
	for (size_t i = 0; i < dp->count; i++)
		if (strcmp(dp->rules[i].name, name) == 0)
			return &dp->rules[i];
	return NULL;
}

static bool calls_back(const struct rule *rule)
{
	for (size_t i = 0; i < rule->action_count; i++)
		if (rule->actions[i].kind == ROUTE_CALL_BACK)
			return true;
	return false;
}

/* The rule that a fallback names must be able to stand in: a real action, for the same kind of question. */
static void check_fallback(struct build *b, const struct dialplan *dp, size_t index)
{
	const struct rule *asking = &dp->rules[index], *other;
	const char *name = asking->ask.fallback;

	if (asking->kind != ROUTE_ASK || build_is_empty(name))
		return;
	build_at(b, "dialplan[%zu].actions[0].ask", index);
	other = find_rule(dp, name);
	if (!other || !str_equal(other->tenant, asking->tenant))
		build_error(b, "fallback", "no rule has the name \"%.*s\"", DIALPLAN_NAME_MAX_CHARS, name);
	else if (other->kind == ROUTE_ASK)
		build_error(b, "fallback", "rule \"%.*s\" would ask again", DIALPLAN_NAME_MAX_CHARS, name);
	else if (other->direction != asking->direction)
		build_error(b, "fallback", "rule \"%.*s\" is for direction %s", DIALPLAN_NAME_MAX_CHARS, name,
			direction_name(other->direction));
	else if (other->direction == CALL_ENDED && calls_back(other) && !str_equal(asking->call_direction, "inbound"))
		build_error(b, "fallback", "rule \"%.*s\" calls back: only after call: inbound",
			DIALPLAN_NAME_MAX_CHARS, name);
}

static void build_rules(struct build *b, const struct dialplan_rule_conf *rules, struct dialplan *dp)
{
	for (size_t i = 0; i < dp->count && !b->no_memory; i++) {
		char base[32];
		build_at(b, "dialplan[%zu]", i);
		build_name(b, rules, i, &dp->rules[i]);
		build_tenant(b, rules[i].tenant, &dp->rules[i]);
		build_at(b, "dialplan[%zu].match", i);
		build_match(b, &rules[i].match, &dp->rules[i]);
		snprintf(base, sizeof(base), "dialplan[%zu]", i);
		build_actions(b, base, rules[i].actions, rules[i].actions_count, rules[i].match.direction != NULL,
			false, &dp->rules[i]);
		build_extras(b, i, &rules[i], &dp->rules[i]);
	}
	for (size_t i = 0; i < dp->count && !b->no_memory; i++)
		check_fallback(b, dp, i);
}

int dialplan_build(const struct dialplan_rule_conf *rules, size_t count, const struct dialplan_names *names,
	const struct conf_file *file, struct conf_errors *errors, struct dialplan **ret_dp)
{
	struct build b = {.names = names, .file = file, .errors = errors};
	struct dialplan *dp;

	ASSERT(names && names->known_gateway && names->known_cause && names->known_number);
	ASSERT(!names->known_tenant || (names->tenant_has_gateway && names->tenant_has_number));
	dp = calloc(1, sizeof(*dp) + count * sizeof(dp->rules[0]));
	if (!dp)
		return -ENOMEM;
	arena_init(&dp->arena, 0);
	dp->names = *names;
	dp->count = count;
	b.arena = &dp->arena;
	build_rules(&b, rules, dp);
	if (b.no_memory || b.bad) {
		dialplan_free(dp);
		return b.no_memory ? -ENOMEM : -EBADMSG;
	}
	*ret_dp = dp;
	return 0;
}
