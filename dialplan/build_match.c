/* dialplan/build_match.c
 *
 * The conditions of a rule. A condition that could never hold for the rule's direction is a mistake, not a rule that
 * never matches.
 */
#include "dialplan/build.h"
#include "dialplan/fold.h"
#include "lib/base/str.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NUMBER_MAX = 32 };

static const char *const directions[] = {
	[CALL_INBOUND] = "inbound", [CALL_OUTBOUND] = "outbound", [CALL_MESSAGE] = "message", [CALL_ENDED] = "ended"};
/* As in the call log: store/call_record.h. */
static const char *const statuses[] = {"completed", "missed", "rejected", "failed", "cancelled"};
static const char *const calls[] = {"inbound", "outbound"};

#define COUNT(list) (sizeof(list) / sizeof((list)[0]))

const char *direction_name(enum call_direction direction)
{
	return directions[direction];
}

/* Index of the word; -1, with an error, when it is none of them. */
static int build_word(
	struct build *b, const char *key, const char *what, const char *text, const char *const *words, size_t count)
{
	char list[80];
	struct strbuf sb;

	strbuf_init(&sb, list, sizeof(list));
	for (size_t i = 0; i < count; i++) {
		if (strcmp(words[i], text) == 0)
			return (int)i;
		strbuf_printf(&sb, "%s%s", i == 0 ? "" : i + 1 < count ? ", " : " or ", words[i]);
	}
	build_error(b, key, "unknown %s \"%.40s\": %s", what, text, list);
	return -1;
}

/* Without one, the actions decide: build_actions.c. */
static void build_direction(struct build *b, const char *text, struct rule *rule)
{
	int i = text ? build_word(b, "direction", "direction", text, directions, COUNT(directions)) : -1;

	rule->direction = i >= 0 ? (enum call_direction)i : CALL_INBOUND;
}

static void build_pattern(struct build *b, const char *key, const char *text, struct pattern **ret_pattern)
{
	char why[BUILD_WHY_MAX];
	if (text)
		build_take(b, key, pattern_new(text, ret_pattern, why, sizeof(why)), why);
}

static void build_to(struct build *b, const char *text, struct rule *rule)
{
	char number[NUMBER_MAX];

	if (text && str_e164(text, number, sizeof(number)) == 0)
		rule->to_number = build_copy(b, number);
	else
		build_pattern(b, "to", text, &rule->to);
}

static void build_keyword(struct build *b, unsigned index, const char *text, struct rule *rule)
{
	char *folded = NULL, *words = NULL, key[32];

	if (fold_text(text ? text : "", &folded) || fold_words(folded, &words)) {
		b->no_memory = true;
	} else if (strcmp(words, " ") == 0) {
		snprintf(key, sizeof(key), "keywords[%u]", index);
		build_error(b, key, "\"%.40s\" holds no word", text ? text : "");
	} else {
		rule->keywords[rule->keyword_count++] = build_copy(b, words);
	}
	free(folded);
	free(words);
}

static void build_keywords(struct build *b, const struct dialplan_match_conf *match, struct rule *rule)
{
	if (!match->keywords)
		return;
	rule->keywords = build_alloc(b, match->keywords_count * sizeof(rule->keywords[0]));
	for (unsigned i = 0; rule->keywords && i < match->keywords_count; i++)
		build_keyword(b, i, match->keywords[i], rule);
}

static void only_for(struct build *b, const char *key, bool given, enum call_direction direction,
	const struct dialplan_match_conf *match)
{
	const char *mine = directions[direction];

	if (given && (!match->direction || strcmp(match->direction, mine) != 0))
		build_error(b, key, "is for direction %s only", mine);
}

void build_match(struct build *b, const struct dialplan_match_conf *match, struct rule *rule)
{
	char why[BUILD_WHY_MAX];

	build_direction(b, match->direction, rule);
	build_to(b, match->to, rule);
	build_pattern(b, "from", match->from, &rule->from);
	build_pattern(b, "name", match->name, &rule->profile_name);
	build_pattern(b, "payload", match->payload, &rule->payload);
	if (match->hours)
		build_take(b, "hours", hours_new(match->hours, &rule->hours, why, sizeof(why)), why);
	only_for(b, "gateway", match->gateway, CALL_OUTBOUND, match);
	if (match->gateway)
		rule->gateway = build_copy(b, match->gateway);
	only_for(b, "keywords", match->keywords, CALL_MESSAGE, match);
	only_for(b, "text", match->text, CALL_MESSAGE, match);
	only_for(b, "reply_id", match->reply_id, CALL_MESSAGE, match);
	build_keywords(b, match, rule);
	build_pattern(b, "text", match->text, &rule->text);
	build_pattern(b, "reply_id", match->reply_id, &rule->reply_id);
	only_for(b, "status", match->status, CALL_ENDED, match);
	only_for(b, "call", match->call, CALL_ENDED, match);
	if (match->status && build_word(b, "status", "status", match->status, statuses, COUNT(statuses)) >= 0)
		rule->status = build_copy(b, match->status);
	if (match->call && build_word(b, "call", "direction", match->call, calls, COUNT(calls)) >= 0)
		rule->call_direction = build_copy(b, match->call);
}
