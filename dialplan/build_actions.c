/* dialplan/build_actions.c
 *
 * Which actions a rule has, and whether they are its direction's. The table of words is the place for a new one.
 */
#include "dialplan/build.h"
#include "lib/base/str.h"

#include <stddef.h>
#include <string.h>

#define FOR(direction) (1u << (direction))
enum {
	ON_CALLS = FOR(CALL_INBOUND) | FOR(CALL_OUTBOUND),
	AFTERWARDS = FOR(CALL_MESSAGE) | FOR(CALL_ENDED),
};

static const struct word {
	const char *name;
	size_t offset; /* of its pointer in struct dialplan_action_conf */
	enum route_kind kind;
	unsigned directions;
} words[] = {
	{"bridge", offsetof(struct dialplan_action_conf, bridge), ROUTE_BRIDGE, FOR(CALL_INBOUND)},
	{"whatsapp", offsetof(struct dialplan_action_conf, whatsapp), ROUTE_WHATSAPP, FOR(CALL_OUTBOUND)},
	{"reject", offsetof(struct dialplan_action_conf, reject), ROUTE_REJECT, ON_CALLS},
	{"send_text", offsetof(struct dialplan_action_conf, send_text), ROUTE_ACTIONS, AFTERWARDS},
	{"send_template", offsetof(struct dialplan_action_conf, send_template), ROUTE_ACTIONS, AFTERWARDS},
	{"call_button", offsetof(struct dialplan_action_conf, call_button), ROUTE_ACTIONS, AFTERWARDS},
	{"call_back", offsetof(struct dialplan_action_conf, call_back), ROUTE_ACTIONS, AFTERWARDS},
	{"ask", offsetof(struct dialplan_action_conf, ask), ROUTE_ASK, ON_CALLS | AFTERWARDS},
};
enum { WORDS = sizeof(words) / sizeof(words[0]), LIST_MAX_BYTES = 96 };

static bool has_word(const struct dialplan_action_conf *action, const struct word *word)
{
	const void *at;

	memcpy(&at, (const char *)action + word->offset, sizeof(at));
	return at != NULL;
}

/* "bridge, reject or ask" */
static const char *legal_words(enum call_direction direction, bool is_answer, char *dst, size_t cap)
{
	const char *last = NULL;
	struct strbuf sb;

	strbuf_init(&sb, dst, cap);
	for (size_t i = 0; i < WORDS; i++) {
		if (!(words[i].directions & FOR(direction)) || (is_answer && words[i].kind == ROUTE_ASK))
			continue;
		if (last)
			strbuf_printf(&sb, "%s%s", sb.length ? ", " : "", last);
		last = words[i].name;
	}
	strbuf_printf(&sb, " or %s", last);
	return dst;
}

/* The action's word; NULL, with an error, when it has none or several. The path is the action's. */
static const struct word *only_word(
	struct build *b, const struct dialplan_action_conf *action, enum call_direction direction, bool is_answer)
{
	const struct word *found = NULL;
	char list[LIST_MAX_BYTES];

	for (size_t i = 0; i < WORDS; i++) {
		if (!has_word(action, &words[i]))
			continue;
		if (found) {
			build_error(b, "", "both %s and %s", found->name, words[i].name);
			return NULL;
		}
		found = &words[i];
	}
	if (!found)
		build_error(b, "", "needs %s", legal_words(direction, is_answer, list, sizeof(list)));
	return found;
}

/* A rule that does not say its direction is about calls that come in, as long as it does what is done with these. */
static bool implies_inbound(struct build *b, const char *base, const struct dialplan_action_conf *actions, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		for (size_t w = 0; w < WORDS; w++) {
			bool fits = words[w].kind == ROUTE_BRIDGE || words[w].kind == ROUTE_REJECT;
			if (fits || !has_word(&actions[i], &words[w]))
				continue;
			build_at(b, "%s", base);
			build_error(b, "match.direction", "must be said in a rule with %s", words[w].name);
			return false;
		}
	}
	return true;
}

static const char *to_reject(struct build *b, const struct dialplan_reject_conf *reject)
{
	if (build_is_empty(reject->cause))
		build_error(b, "cause", "needs a cause");
	else if (!b->names->known_cause(reject->cause, b->names->arg))
		build_error(b, "cause", "unknown cause \"%.40s\"", reject->cause);
	else
		return build_copy(b, reject->cause);
	return "";
}

static void build_single(
	struct build *b, const struct dialplan_action_conf *action, enum route_kind kind, struct rule *rule)
{
	struct rule_bridge *bridge;
	struct rule_whatsapp *whatsapp;

	rule->kind = kind;
	if (kind == ROUTE_REJECT) {
		rule->cause = to_reject(b, action->reject);
	} else if (kind == ROUTE_ASK) {
		build_ask(b, action->ask, &rule->ask);
	} else if (kind == ROUTE_BRIDGE && (bridge = build_alloc(b, sizeof(*bridge)))) {
		build_bridge(b, action->bridge, bridge);
		rule->bridge = bridge;
	} else if (kind == ROUTE_WHATSAPP && (whatsapp = build_alloc(b, sizeof(*whatsapp)))) {
		build_whatsapp(b, action->whatsapp, whatsapp);
		rule->whatsapp = whatsapp;
	}
}

/* A call back ends as well, and would be answered by the next one, for ever. */
static void check_circle(struct build *b, const struct rule *rule)
{
	if (rule->direction == CALL_ENDED && (!rule->call_direction || strcmp(rule->call_direction, "inbound") != 0))
		build_error(b, "", "calls back after calls of its own: only after call: inbound");
	for (size_t i = 0; i < rule->action_count; i++)
		if (rule->actions[i].kind == ROUTE_CALL_BACK)
			build_error(b, "", "a second call_back in one rule");
}

static void build_one_of_many(struct build *b, const struct dialplan_action_conf *action, struct rule *rule)
{
	struct rule_action *to = &rule->actions[rule->action_count];

	if (action->send_text) {
		build_send_text(b, action->send_text, to);
	} else if (action->send_template) {
		build_send_template(b, action->send_template, to);
	} else if (action->call_button) {
		build_call_button(b, action->call_button, to);
	} else {
		check_circle(b, rule);
		build_call_back(b, action->call_back, to);
	}
	rule->action_count++;
}

static void build_action(struct build *b, const char *base, const struct dialplan_action_conf *actions, size_t index,
	size_t count, bool is_answer, struct rule *rule)
{
	const struct word *word;
	char list[LIST_MAX_BYTES];

	build_at(b, "%s%sactions[%zu]", base, *base ? "." : "", index);
	word = only_word(b, &actions[index], rule->direction, is_answer);
	if (!word)
		return;
	if (!(word->directions & FOR(rule->direction)) || (is_answer && word->kind == ROUTE_ASK)) {
		build_error(b, "", "%s is not for %s%s: %s", word->name, is_answer ? "an answer, " : "",
			direction_name(rule->direction), legal_words(rule->direction, is_answer, list, sizeof(list)));
		return;
	}
	if (word->kind == ROUTE_ASK && count > 1) {
		build_error(b, "", "ask stands alone: the answer says the rest");
		return;
	}
	build_at(b, "%s%sactions[%zu].%s", base, *base ? "." : "", index, word->name);
	if (word->kind == ROUTE_ACTIONS)
		build_one_of_many(b, &actions[index], rule);
	else
		build_single(b, &actions[index], word->kind, rule);
}

static bool count_is_right(struct build *b, size_t count, bool is_answer, const struct rule *rule)
{
	bool many = FOR(rule->direction) & AFTERWARDS;
	char list[LIST_MAX_BYTES];

	if (count == 0 && !(many && is_answer))
		build_error(b, "actions", "needs an action: %s",
			legal_words(rule->direction, is_answer, list, sizeof(list)));
	else if (count > 1 && !many)
		build_error(b, "actions", "more than one action");
	else if (count > ROUTE_ACTIONS_MAX)
		build_error(b, "actions", "more than %d actions", ROUTE_ACTIONS_MAX);
	else
		return true;
	return false;
}

void build_actions(struct build *b, const char *base, const struct dialplan_action_conf *actions, size_t count,
	bool has_direction, bool is_answer, struct rule *rule)
{
	if (!has_direction && !implies_inbound(b, base, actions, count))
		return;
	build_at(b, "%s", base);
	if (!count_is_right(b, count, is_answer, rule))
		return;
	rule->kind = ROUTE_ACTIONS;
	rule->actions = build_alloc(b, count * sizeof(rule->actions[0]));
	for (size_t i = 0; rule->actions && i < count; i++)
		build_action(b, base, actions, i, count, is_answer, rule);
}
