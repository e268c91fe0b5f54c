/* dialplan/answer.c
 *
 * What an asked service answered, read as if its actions stood in the file:
 *
 *   bytes -> json_text.c (strict JSON, rewritten) -> libcyaml with the file's schema -> build_actions() -> rule_route()
 *
 * It runs on the control thread: the length, the number of values and the depth are bounded before anything costs.
 */
#include "dialplan/build.h"
#include "dialplan/json_text.h"
#include "dialplan/limits.h"
#include "lib/base/str.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static int refuse(char *why, size_t cap, const char *what)
{
	snprintf(why, cap, "%s", what);
	return -EBADMSG;
}

/* The first of the errors, without the file and line that every message begins with. */
static int first_error(const struct conf_errors *errors, char *why, size_t cap)
{
	const char *text = errors->count ? errors->text[0] : "out of memory", *rest = strstr(text, ": ");

	return refuse(why, cap, rest ? rest + strlen(": ") : text);
}

static int build_answer(const struct dialplan *dp, const struct call_facts *facts, const struct route *asked,
	const struct dialplan_answer_conf *conf, struct build *b, struct rule *rule)
{
	rule->name = asked->rule;
	b->tenant = rule->tenant = facts->tenant ? facts->tenant : "";
	rule->direction = facts->direction;
	rule->call_direction = facts->call_direction;
	b->names = &dp->names;
	build_actions(b, "", conf->actions, conf->actions_count, true, true, rule);
	if (b->no_memory)
		return -ENOMEM;
	return b->bad ? -EBADMSG : 0;
}

int dialplan_read_answer(const struct dialplan *dp, const struct call_facts *facts, const char *json, size_t length,
	const struct route *asked, struct arena *arena, struct route *ret_route, char *why, size_t why_cap)
{
	struct conf_errors errors = {0};
	struct conf_file *file = NULL;
	struct rule rule = {.kind = ROUTE_NONE};
	struct arena scratch;
	struct build b = {.errors = &errors, .arena = &scratch};
	const char *text;
	void *data = NULL;
	int r;

	if (length > DIALPLAN_ANSWER_MAX_BYTES)
		return refuse(why, why_cap, "longer than 64 KiB");
	arena_init(&scratch, 0);
	r = json_text_read(json, length, &scratch, &text, &length, why, why_cap);
	if (r)
		goto done;
	r = conf_load_text("answer", text, length, &dialplan_answer_schema, &file, &data, &errors);
	b.file = file;
	if (r == 0)
		r = build_answer(dp, facts, asked, data, &b, &rule);
	if (r == 0)
		r = rule_route(&rule, facts, arena, ret_route);
	if (r == -EBADMSG)
		r = first_error(&errors, why, why_cap);
done:
	conf_data_free(&dialplan_answer_schema, data);
	conf_file_free(file);
	conf_errors_done(&errors);
	arena_done(&scratch);
	return r;
}
