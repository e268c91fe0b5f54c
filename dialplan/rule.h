/* dialplan/rule.h
 *
 * Inside dialplan: one rule, compiled. Built by build.c, never changed afterwards.
 */
#ifndef DIALPLAN_RULE_H
#define DIALPLAN_RULE_H

#include "dialplan/dialplan.h"
#include "dialplan/hours.h"
#include "dialplan/pattern.h"
#include "dialplan/template.h"

struct rule_header {
	const char *name;
	struct template value;
};

/* Texts live in the dialplan's arena. */
struct rule {
	const char *name;
	/* match; NULL: any */
	bool any_direction;
	enum call_direction direction;
	const char *to_number; /* "+E.164"; compared as a number instead of `to` */
	struct pattern *to, *from, *profile_name, *payload;
	struct hours *hours;
	/* action */
	enum route_kind kind;
	size_t gateway_count;
	const char *gateways[ROUTE_GATEWAYS_MAX];
	struct template user, caller_id, display_name;
	unsigned timeout_s;
	size_t header_count;
	struct rule_header headers[ROUTE_HEADERS_MAX];
	const char *cause;
};

struct dialplan {
	struct arena arena;
	size_t count;
	struct rule rules[];
};

/* 1 when every condition holds, 0 when not, -ENOMEM. *ret_why says what decided, as a fixed text. */
int rule_match(const struct rule *rule, const struct call_facts *facts, uint64_t wall_ms, const char **ret_why);
void rule_done(struct rule *rule);

#endif
