/* dialplan/rule.c
 *
 * Whether a rule is meant for a call. Cheap conditions first; the first that fails is the reason.
 */
#include "dialplan/rule.h"

#include "dialplan/fold.h"
#include "lib/base/str.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { NUMBER_MAX = 32, TEXT_MAX_CHARS = 1024 /* that a pattern is held against */ };

void question_init(struct question *q, const struct call_facts *facts, uint64_t wall_ms)
{
	*q = (struct question){.facts = facts, .wall_ms = wall_ms};
}

void question_done(struct question *q)
{
	free(q->folded);
	free(q->words);
	q->folded = q->words = NULL;
}

static const char *or_empty(const char *text)
{
	return text ? text : "";
}

static int fold_once(struct question *q)
{
	int r = q->folded ? 0 : fold_text(or_empty(q->facts->text), &q->folded);

	return r == 0 && !q->words ? fold_words(q->folded, &q->words) : r;
}

static bool same_number(const char *wanted, const char *text)
{
	char number[NUMBER_MAX];
	return str_e164(text, number, sizeof(number)) == 0 && strcmp(number, wanted) == 0;
}

static bool same(const char *wanted, const char *text)
{
	return !wanted || strcmp(wanted, or_empty(text)) == 0;
}

/* NULL: all of them hold. */
static const char *plain_conditions(const struct rule *rule, const struct question *q)
{
	const struct call_facts *facts = q->facts;

	if (strcmp(or_empty(rule->tenant), or_empty(facts->tenant)) != 0)
		return "it is another tenant's rule";
	if (rule->direction != facts->direction)
		return "the direction differs";
	if (rule->to_number && !same_number(rule->to_number, or_empty(facts->to)))
		return "the called number differs";
	if (!same(rule->gateway, facts->gateway))
		return "it came from another gateway";
	if (!same(rule->call_direction, facts->call_direction))
		return "the call's direction differs";
	if (!same(rule->status, facts->status))
		return "the status differs";
	if (rule->hours && !hours_hold(rule->hours, q->wall_ms))
		return "outside the hours";
	return NULL;
}

static int keywords_hold(const struct rule *rule, struct question *q)
{
	int r = rule->keyword_count ? fold_once(q) : 0;

	for (size_t i = 0; r == 0 && i < rule->keyword_count; i++)
		if (strstr(q->words, rule->keywords[i]))
			return 1;
	return r < 0 ? r : !rule->keyword_count;
}

static int pattern_holds(const struct pattern *pattern, const char *subject)
{
	return pattern ? pattern_match(pattern, or_empty(subject)) : 1;
}

/* The beginning of a message, up to TEXT_MAX_CHARS: "[a-z ]+[0-9]" takes time with the square of the length, and
 * messages may have 4096 characters. */
static int text_matches(const struct pattern *pattern, const char *text)
{
	size_t length = 0;

	for (size_t chars = 0; text[length]; length++) {
		chars += ((unsigned char)text[length] & 0xc0) != 0x80;
		if (chars > TEXT_MAX_CHARS)
			break;
	}
	return pattern_match_n(pattern, text, length);
}

/* The pattern may be written for either face of the text. A text that is not UTF-8 has still a folded one. */
static int text_holds(const struct rule *rule, struct question *q)
{
	int r = rule->text ? text_matches(rule->text, or_empty(q->facts->text)) : 1, folded;

	if (r == 1 || r == -ENOMEM)
		return r;
	folded = fold_once(q);
	if (folded < 0)
		return folded;
	folded = text_matches(rule->text, q->folded);
	return folded != 0 || r == -EILSEQ ? folded : r;
}

int rule_match(const struct rule *rule, struct question *q, const char **ret_why)
{
	const struct {
		const struct pattern *pattern;
		const char *subject, *why;
	} patterns[] = {
		{rule->to, q->facts->to, "the called number does not match"},
		{rule->from, q->facts->from, "the caller's number does not match"},
		{rule->profile_name, q->facts->name, "the caller's name does not match"},
		{rule->payload, q->facts->payload, "the payload does not match"},
		{rule->reply_id, q->facts->reply_id, "the reply does not match"},
	};
	int r = 1;

	*ret_why = plain_conditions(rule, q);
	if (*ret_why)
		return 0;
	for (size_t i = 0; r == 1 && i < sizeof(patterns) / sizeof(patterns[0]); i++) {
		r = pattern_holds(patterns[i].pattern, patterns[i].subject);
		*ret_why = patterns[i].why;
	}
	if (r == 1) {
		r = keywords_hold(rule, q);
		*ret_why = "the text holds none of the keywords";
	}
	if (r == 1) {
		r = text_holds(rule, q);
		*ret_why = "the text does not match";
	}
	if (r == 1)
		*ret_why = "every condition holds";
	else if (r < 0)
		*ret_why = r == -ENOMEM   ? "out of memory"
			   : r == -EILSEQ ? "a text to compare is not UTF-8"
					  : "a pattern took too long";
	return r == 1 || r == -ENOMEM ? r : 0;
}

void rule_done(struct rule *rule)
{
	rule->to = pattern_free(rule->to);
	rule->from = pattern_free(rule->from);
	rule->profile_name = pattern_free(rule->profile_name);
	rule->payload = pattern_free(rule->payload);
	rule->text = pattern_free(rule->text);
	rule->reply_id = pattern_free(rule->reply_id);
	rule->hours = hours_free(rule->hours);
}
