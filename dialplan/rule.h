/* dialplan/rule.h
 *
 * Inside dialplan: one rule, compiled. Built by build.c, never changed afterwards. Texts and what pointers point at
 * live in the arena it was built in, but patterns and hours, which rule_done() frees.
 */
#ifndef DIALPLAN_RULE_H
#define DIALPLAN_RULE_H

#include "dialplan/dialplan.h"
#include "dialplan/dialplan_conf.h"
#include "dialplan/hours.h"
#include "dialplan/pattern.h"
#include "dialplan/template.h"

struct rule_header {
	const char *name;
	struct template value;
};

/* A SIP side to be called: of a bridge, or of a call back. */
struct rule_bridge {
	size_t gateway_count;
	const char *gateways[ROUTE_GATEWAYS_MAX];
	bool weighted;
	unsigned weights[ROUTE_GATEWAYS_MAX];
	bool parallel, accept_early;
	unsigned timeouts_s[ROUTE_GATEWAYS_MAX]; /* 0: timeout_s */
	struct route_failover failover;
	struct template user, caller_id, display_name;
	unsigned timeout_s;
	size_t header_count;
	struct rule_header headers[ROUTE_HEADERS_MAX];
};

/* A message template of Meta's. */
struct rule_template {
	const char *name, *language; /* "": none */
	size_t parameter_count;
	struct template parameters[ROUTE_PARAMETERS_MAX];
};

struct rule_permission {
	bool request;
	unsigned park_s;
	struct template text;
	struct rule_template template;
};

struct rule_whatsapp {
	const char *number; /* "": not said */
	struct template user;
	unsigned timeout_s;
	bool ringback;
	struct rule_permission permission;
};

struct rule_action {
	enum route_action_kind kind;
	struct template text, button_text, payload;
	unsigned ttl_minutes;
	struct rule_template template;
	/* ROUTE_CALL_BACK */
	struct rule_bridge bridge;
	bool agent_first, chat_context;
	unsigned agent_timeout_s;
	struct rule_permission permission;
};

struct rule {
	const char *name;
	const char *tenant; /* "": there are none */
	/* match; NULL: any */
	enum call_direction direction;
	const char *to_number; /* "+E.164"; compared as a number instead of `to` */
	const char *gateway, *status, *call_direction;
	size_t keyword_count;
	const char **keywords; /* as fold_words() makes them */
	struct pattern *to, *from, *profile_name, *payload, *text, *reply_id;
	struct hours *hours;
	/* action: the kind says which */
	enum route_kind kind;
	const struct rule_bridge *bridge;
	const char *cause;
	const struct rule_whatsapp *whatsapp;
	size_t action_count;
	struct rule_action *actions;
	struct route_ask ask;
	struct route_extras extras;
};

struct dialplan {
	struct arena arena;
	struct dialplan_names names; /* for dialplan_read_answer() */
	size_t count;
	struct rule rules[];
};

/* What rules are asked about; the text is folded once, when the first of them wants it. */
struct question {
	const struct call_facts *facts;
	uint64_t wall_ms;
	char *folded, *words; /* NULL: not yet */
};
void question_init(struct question *q, const struct call_facts *facts, uint64_t wall_ms);
void question_done(struct question *q);

/* 1 when every condition holds, 0 when not, -ENOMEM. *ret_why says what decided, as a fixed text. */
int rule_match(const struct rule *rule, struct question *q, const char **ret_why);
/* The route that the rule means for this call. Returns 0 or -ENOMEM. */
int rule_route(const struct rule *rule, const struct call_facts *facts, struct arena *arena, struct route *ret_route);
void rule_done(struct rule *rule);

#endif
