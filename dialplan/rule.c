/* dialplan/rule.c
 *
 * Whether a rule is meant for a call. Cheap conditions first; the first that fails is the reason.
 */
#include "dialplan/rule.h"

#include "lib/base/str.h"

#include <errno.h>
#include <string.h>

enum { NUMBER_MAX = 32 };

static bool same_number(const char *wanted, const char *text)
{
	char number[NUMBER_MAX];
	return str_e164(text, number, sizeof(number)) == 0 && strcmp(number, wanted) == 0;
}

int rule_match(const struct rule *rule, const struct call_facts *facts, uint64_t wall_ms, const char **ret_why)
{
	const struct {
		const struct pattern *pattern;
		const char *subject, *why;
	} patterns[] = {
		{rule->to, facts->to, "the called number does not match"},
		{rule->from, facts->from, "the caller's number does not match"},
		{rule->profile_name, facts->name, "the caller's name does not match"},
		{rule->payload, facts->payload, "the payload does not match"},
	};

	*ret_why = "the direction differs";
	if (!rule->any_direction && rule->direction != facts->direction)
		return 0;
	*ret_why = "the called number differs";
	if (rule->to_number && !same_number(rule->to_number, facts->to ? facts->to : ""))
		return 0;
	*ret_why = "outside the hours";
	if (rule->hours && !hours_hold(rule->hours, wall_ms))
		return 0;
	for (size_t i = 0; i < sizeof(patterns) / sizeof(patterns[0]); i++) {
		int r = patterns[i].pattern
				? pattern_match(patterns[i].pattern, patterns[i].subject ? patterns[i].subject : "")
				: 1;
		*ret_why = r == -ENOMEM      ? "out of memory"
			   : r == -EILSEQ    ? "a text to compare is not UTF-8"
			   : r == -EOVERFLOW ? "a pattern took too long"
					     : patterns[i].why;
		if (r != 1)
			return r == -ENOMEM ? r : 0;
	}
	*ret_why = "every condition holds";
	return 1;
}

void rule_done(struct rule *rule)
{
	rule->to = pattern_free(rule->to);
	rule->from = pattern_free(rule->from);
	rule->profile_name = pattern_free(rule->profile_name);
	rule->payload = pattern_free(rule->payload);
	rule->hours = hours_free(rule->hours);
}
