/* dialplan/build.c
 *
 * Configuration -> table of compiled rules. Every mistake is reported, each once and at its key; one is enough to
 * refuse the table.
 */
#include "dialplan/dialplan_conf.h"
#include "dialplan/header_name.h"
#include "dialplan/rule.h"

#include "lib/base/assert.h"
#include "lib/base/str.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NAME_MAX_CHARS = 64, TIMEOUT_MAX_S = 300, NUMBER_MAX = 32, PATH_MAX_BYTES = 160, WHY_MAX = 200 };

struct build {
	const struct dialplan_names *names;
	const struct conf_file *file;
	struct conf_errors *errors;
	struct dialplan *dp;
	char path[PATH_MAX_BYTES]; /* of the mapping being read: "dialplan[3].actions[0].bridge" */
	bool bad;
	bool no_memory; /* stops everything: later errors would only be its echo */
};

static void error_at(struct build *b, const char *key, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
static void error_at(struct build *b, const char *key, const char *fmt, ...)
{
	char path[PATH_MAX_BYTES + 64], what[WHY_MAX + 64];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	snprintf(path, sizeof(path), "%s%s%s", b->path, *key ? "." : "", key);
	conf_error(b->errors, b->file, path, "%s", what);
	b->bad = true;
}

/* The common end of everything that compiles a text: 0, or a reason. */
static void take_result(struct build *b, const char *key, int result, const char *why)
{
	if (result == -ENOMEM)
		b->no_memory = true;
	else if (result < 0)
		error_at(b, key, "%s", why);
}

static const char *copy(struct build *b, const char *text)
{
	const char *t = arena_strdup(&b->dp->arena, text);
	if (!t)
		b->no_memory = true;
	return t;
}

static bool is_empty(const char *text)
{
	return !text || !*text;
}

/* ---- match ---- */

static void build_direction(struct build *b, const char *text, struct rule *rule)
{
	static const char *const names[] = {
		[CALL_INBOUND] = "inbound", [CALL_OUTBOUND] = "outbound", [CALL_MESSAGE] = "message"};

	rule->any_direction = !text;
	for (size_t i = 0; text && i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcmp(text, names[i]) == 0) {
			rule->direction = (enum call_direction)i;
			return;
		}
	}
	if (text)
		error_at(b, "direction", "unknown direction \"%.40s\": inbound, outbound or message", text);
}

static void build_pattern(struct build *b, const char *key, const char *text, struct pattern **ret_pattern)
{
	char why[WHY_MAX];
	if (text)
		take_result(b, key, pattern_new(text, ret_pattern, why, sizeof(why)), why);
}

static void build_to(struct build *b, const char *text, struct rule *rule)
{
	char number[NUMBER_MAX];

	if (text && str_e164(text, number, sizeof(number)) == 0)
		rule->to_number = copy(b, number);
	else
		build_pattern(b, "to", text, &rule->to);
}

static void build_match(struct build *b, const struct dialplan_match_conf *match, struct rule *rule)
{
	char why[WHY_MAX];

	build_direction(b, match->direction, rule);
	build_to(b, match->to, rule);
	build_pattern(b, "from", match->from, &rule->from);
	build_pattern(b, "name", match->name, &rule->profile_name);
	build_pattern(b, "payload", match->payload, &rule->payload);
	if (match->hours)
		take_result(b, "hours", hours_new(match->hours, &rule->hours, why, sizeof(why)), why);
}

/* ---- actions ---- */

static void build_template(struct build *b, const char *key, const char *text, struct template *ret_template)
{
	char why[WHY_MAX];
	take_result(b, key, template_read(&b->dp->arena, text, ret_template, why, sizeof(why)), why);
}

static void build_gateways(struct build *b, const struct dialplan_bridge_conf *bridge, struct rule *rule)
{
	if (bridge->gateways_count == 0)
		error_at(b, "gateways", "needs at least one gateway");
	if (bridge->gateways_count > ROUTE_GATEWAYS_MAX) {
		error_at(b, "gateways", "more than %d gateways", ROUTE_GATEWAYS_MAX);
		return;
	}
	for (unsigned i = 0; i < bridge->gateways_count; i++) {
		const char *name = bridge->gateways[i] ? bridge->gateways[i] : "";
		char key[32];
		snprintf(key, sizeof(key), "gateways[%u]", i);
		if (!b->names->known_gateway(name, b->names->arg))
			error_at(b, key, "unknown gateway \"%.40s\"", name);
		else
			rule->gateways[rule->gateway_count++] = copy(b, name);
	}
}

static void build_header(struct build *b, unsigned index, const struct dialplan_header_conf *header, struct rule *rule)
{
	const char *name = header->name ? header->name : "";
	struct rule_header *h = &rule->headers[rule->header_count++];
	char key[32];

	snprintf(key, sizeof(key), "headers[%u].name", index);
	if (!header_name_is_token(name))
		error_at(b, key, "\"%.70s\" is not a header name", name);
	else if (header_name_is_reserved(name))
		error_at(b, key, "header %s is not the dialplan's to set", name);
	h->name = copy(b, name);
	snprintf(key, sizeof(key), "headers[%u].value", index);
	build_template(b, key, header->value, &h->value);
}

static void build_bridge(struct build *b, const struct dialplan_bridge_conf *bridge, struct rule *rule)
{
	rule->kind = ROUTE_BRIDGE;
	build_gateways(b, bridge, rule);
	build_template(b, "user", bridge->user, &rule->user);
	build_template(b, "caller_id", bridge->caller_id, &rule->caller_id);
	build_template(b, "display_name", bridge->display_name, &rule->display_name);
	if (bridge->timeout > TIMEOUT_MAX_S)
		error_at(b, "timeout", "longer than %d seconds", TIMEOUT_MAX_S);
	rule->timeout_s = bridge->timeout;
	if (bridge->headers_count > ROUTE_HEADERS_MAX) {
		error_at(b, "headers", "more than %d headers", ROUTE_HEADERS_MAX);
		return;
	}
	for (unsigned i = 0; i < bridge->headers_count; i++)
		build_header(b, i, &bridge->headers[i], rule);
}

static void build_reject(struct build *b, const struct dialplan_reject_conf *reject, struct rule *rule)
{
	rule->kind = ROUTE_REJECT;
	if (is_empty(reject->cause))
		error_at(b, "cause", "needs a cause");
	else if (!b->names->known_cause(reject->cause, b->names->arg))
		error_at(b, "cause", "unknown cause \"%.40s\"", reject->cause);
	else
		rule->cause = copy(b, reject->cause);
}

static void build_action(struct build *b, size_t index, const struct dialplan_rule_conf *conf, struct rule *rule)
{
	const struct dialplan_action_conf *action = conf->actions;

	snprintf(b->path, sizeof(b->path), "dialplan[%zu]", index);
	if (conf->actions_count != 1) {
		error_at(b, "actions",
			conf->actions_count ? "more than one action" : "needs an action: bridge or reject");
		return;
	}
	snprintf(b->path, sizeof(b->path), "dialplan[%zu].actions[0]", index);
	if (!action->bridge == !action->reject) {
		error_at(b, "", action->bridge ? "both bridge and reject" : "needs bridge or reject");
		return;
	}
	snprintf(b->path, sizeof(b->path), "dialplan[%zu].actions[0].%s", index, action->bridge ? "bridge" : "reject");
	if (action->bridge)
		build_bridge(b, action->bridge, rule);
	else
		build_reject(b, action->reject, rule);
}

/* ---- rules ---- */

static void build_name(struct build *b, const struct dialplan_rule_conf *rules, size_t index, struct rule *rule)
{
	const char *name = rules[index].name;

	rule->name = copy(b, name ? name : "");
	if (is_empty(name)) {
		error_at(b, "name", "a rule needs a name");
		return;
	}
	if (strlen(name) > NAME_MAX_CHARS)
		error_at(b, "name", "longer than %d characters", NAME_MAX_CHARS);
	for (size_t i = 0; i < index; i++) {
		if (str_equal(rules[i].name, name)) {
			error_at(b, "name", "\"%.*s\" is also the name of dialplan[%zu]", NAME_MAX_CHARS, name, i);
			return;
		}
	}
}

int dialplan_build(const struct dialplan_rule_conf *rules, size_t count, const struct dialplan_names *names,
	const struct conf_file *file, struct conf_errors *errors, struct dialplan **ret_dp)
{
	struct build b = {.names = names, .file = file, .errors = errors};

	ASSERT(names && names->known_gateway && names->known_cause);
	b.dp = calloc(1, sizeof(*b.dp) + count * sizeof(b.dp->rules[0]));
	if (!b.dp)
		return -ENOMEM;
	arena_init(&b.dp->arena, 0);
	b.dp->count = count;
	for (size_t i = 0; i < count && !b.no_memory; i++) {
		snprintf(b.path, sizeof(b.path), "dialplan[%zu]", i);
		build_name(&b, rules, i, &b.dp->rules[i]);
		snprintf(b.path, sizeof(b.path), "dialplan[%zu].match", i);
		build_match(&b, &rules[i].match, &b.dp->rules[i]);
		build_action(&b, i, &rules[i], &b.dp->rules[i]);
	}
	if (b.no_memory || b.bad) {
		dialplan_free(b.dp);
		return b.no_memory ? -ENOMEM : -EBADMSG;
	}
	*ret_dp = b.dp;
	return 0;
}
