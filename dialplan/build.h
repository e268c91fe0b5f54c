/* dialplan/build.h
 *
 * Inside dialplan: what the builders of a rule's parts share. Every mistake is reported, each once and at its key; one
 * is enough to refuse the whole.
 */
#ifndef DIALPLAN_BUILD_H
#define DIALPLAN_BUILD_H

#include "dialplan/rule.h"

enum { BUILD_PATH_MAX_BYTES = 160, BUILD_WHY_MAX = 200 };

struct build {
	const struct dialplan_names *names;
	const struct conf_file *file;
	struct conf_errors *errors;
	struct arena *arena;             /* of what is built */
	const char *tenant;              /* of the rule being read; NULL or "": none */
	char path[BUILD_PATH_MAX_BYTES]; /* of the mapping being read: "dialplan[3].actions[0].bridge" */
	bool bad;
	bool no_memory; /* stops everything: later errors would only be its echo */
};

void build_at(struct build *b, const char *fmt, ...) __attribute__((format(printf, 2, 3))); /* sets the path */
/* key: below the path; "" is the mapping itself. */
void build_error(struct build *b, const char *key, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* The common end of everything that compiles a text: 0, or a reason. */
void build_take(struct build *b, const char *key, int result, const char *why);
const char *build_copy(struct build *b, const char *text); /* NULL: no_memory is set */
void *build_alloc(struct build *b, size_t bytes);
bool build_is_empty(const char *text);

const char *direction_name(enum call_direction direction);
void build_match(struct build *b, const struct dialplan_match_conf *match, struct rule *rule);
/* rule->direction is known; base: the path of what "actions" stands in, "" for an answer. Without a direction
 * (has_direction false) bridge and reject make it inbound. An answer may have no actions where a rule needs some, and
 * may not ask again. */
void build_actions(struct build *b, const char *base, const struct dialplan_action_conf *actions, size_t count,
	bool has_direction, bool is_answer, struct rule *rule);
/* "record" and "fork" of rule `index`; its direction is known. */
void build_extras(struct build *b, size_t index, const struct dialplan_rule_conf *conf, struct rule *rule);
/* One action's content: build_call.c and build_message.c. The path is set. */
void build_bridge(struct build *b, const struct dialplan_bridge_conf *conf, struct rule_bridge *bridge);
void build_whatsapp(struct build *b, const struct dialplan_whatsapp_conf *conf, struct rule_whatsapp *whatsapp);
void build_call_back(struct build *b, const struct dialplan_call_back_conf *conf, struct rule_action *action);
void build_send_text(struct build *b, const struct dialplan_send_text_conf *conf, struct rule_action *action);
void build_send_template(struct build *b, const struct dialplan_template_conf *conf, struct rule_action *action);
void build_call_button(struct build *b, const struct dialplan_call_button_conf *conf, struct rule_action *action);
void build_ask(struct build *b, const struct dialplan_ask_conf *conf, struct route_ask *ask);

/* A text with placeholders of at most max_chars characters (0: bounded elsewhere). */
void build_template(
	struct build *b, const char *key, const char *text, size_t max_chars, struct template *ret_template);
void build_required(
	struct build *b, const char *key, const char *text, size_t max_chars, struct template *ret_template);
/* A template of Meta's; prefix stands before its keys: "" or "request_template.". */
void build_meta_template(
	struct build *b, const char *prefix, const struct dialplan_template_conf *conf, struct rule_template *template);
void build_permission(struct build *b, const struct dialplan_permission_conf *conf, struct rule_permission *permission);

#endif
