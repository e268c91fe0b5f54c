/* dialplan/dialplan_conf.h
 *
 * The dialplan's part of the configuration file: libcyaml schema and builder.
 *
 *   dialplan:
 *     - name: sales
 *       match: {direction: inbound, to: "+12025550123", from: "^\\+44", name: "^Ana", payload: "^order-", hours:
 * "Mon-Fri 09:00-17:30 Europe/London"} actions: [{bridge: {gateways: [pbx], user: "600", caller_id: "{from}",
 * display_name: "{name}", timeout: 25, headers: [{name: X-Order, value: "{payload}"}]}}]
 *     - {name: everything-else, match: {direction: inbound}, actions: [{reject: {cause: closed}}]}
 *
 * hours: "DAYS HH:MM-HH:MM[,HH:MM-HH:MM] ZONE", several joined by ";". DAYS: Mon-Fri, Sat, Mon,Wed,Fri, Fri-Mon;
 * 22:00-06:00 crosses midnight and belongs to the day it began; 24:00 is allowed as an end; ZONE an IANA name (UTC when
 * absent). "to", when it is a plain number, is compared as a number (any punctuation); otherwise to, from, name and
 * payload are PCRE2 patterns.
 */
#ifndef DIALPLAN_DIALPLAN_CONF_H
#define DIALPLAN_DIALPLAN_CONF_H

#include "dialplan/dialplan.h"
#include "lib/base/conf.h"

struct dialplan_match_conf {
	char *direction, *to, *from, *name, *payload, *hours; /* NULL: any */
};
struct dialplan_header_conf {
	char *name, *value;
};
struct dialplan_bridge_conf {
	char **gateways;
	unsigned gateways_count;
	char *user, *caller_id, *display_name;
	unsigned timeout;
	struct dialplan_header_conf *headers;
	unsigned headers_count;
};
struct dialplan_reject_conf {
	char *cause;
};
struct dialplan_action_conf { /* exactly one is set */
	struct dialplan_bridge_conf *bridge;
	struct dialplan_reject_conf *reject;
};
struct dialplan_rule_conf {
	char *name;
	struct dialplan_match_conf match;
	struct dialplan_action_conf *actions;
	unsigned actions_count;
};

/* Schema of one rule, for CYAML_FIELD_SEQUENCE("dialplan", ...) in the whole file's schema. */
extern const cyaml_schema_value_t dialplan_rule_schema;

/* Build the table. known_gateway and known_cause answer for names the other modules own. Errors go to `errors` with key
 * paths "dialplan[i]...". Returns 0, -EBADMSG (errors added) or -ENOMEM. */
struct dialplan_names {
	bool (*known_gateway)(const char *name, void *arg);
	bool (*known_cause)(const char *name, void *arg);
	void *arg;
};
int dialplan_build(const struct dialplan_rule_conf *rules, size_t count, const struct dialplan_names *names,
	const struct conf_file *file, struct conf_errors *errors, struct dialplan **ret_dp);

#endif
