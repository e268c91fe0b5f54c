/* dialplan/dialplan_conf.h
 *
 * The dialplan's part of the configuration file: libcyaml schema and builder. etc/watrunk.yaml explains every key.
 *
 *   dialplan:
 *     - name: sales
 *       match: {direction: inbound, to: "+12025550123", from: "^\\+44", hours: "Mon-Fri 09:00-17:30 Europe/London"}
 *       actions: [{bridge: {gateways: [pbx], user: "600", headers: [{name: X-Order, value: "{payload}"}]}}]
 *     - {name: out, match: {direction: outbound}, actions: [{whatsapp: {number: "+12025550123", timeout: 45}}]}
 *     - name: call-me
 *       match: {direction: message, keywords: [falar, call me]}
 *       actions: [{send_text: {text: "One moment"}}, {call_back: {gateways: [pbx], order: agent_first}}]
 *     - {name: missed, match: {direction: ended, status: missed, call: inbound}, actions: [{send_text: {text:
 * "Sorry"}}]}
 *     - {name: asked, match: {direction: inbound}, actions: [{ask: {url: "https://example.com/route", fallback:
 * sales}}]}
 *
 * hours: "DAYS HH:MM-HH:MM[,HH:MM-HH:MM] ZONE", several joined by ";". DAYS: Mon-Fri, Sat, Mon,Wed,Fri, Fri-Mon;
 * 22:00-06:00 crosses midnight and belongs to the day it began; 24:00 is allowed as an end; ZONE an IANA name (UTC when
 * absent). "to", when it is a plain number, is compared as a number (any punctuation); otherwise to, from, name,
 * payload, text and reply_id are PCRE2 patterns.
 */
#ifndef DIALPLAN_DIALPLAN_CONF_H
#define DIALPLAN_DIALPLAN_CONF_H

#include "dialplan/dialplan.h"
#include "lib/base/conf.h"

/* Texts and lists that are not there are NULL, counts 0. */
struct dialplan_match_conf {
	char *direction, *to, *from, *name, *payload, *hours;
	char *gateway;   /* outbound */
	char **keywords; /* message */
	unsigned keywords_count;
	char *text, *reply_id; /* message */
	char *status, *call;   /* ended */
};
struct dialplan_header_conf {
	char *name, *value;
};
struct dialplan_bridge_conf {
	char **gateways;
	unsigned gateways_count;
	unsigned *weights; /* one for each gateway; NULL: as listed */
	unsigned weights_count;
	char **failover; /* names of causes */
	unsigned failover_count;
	char *mode, *accept_on;
	char *user, *caller_id, *display_name;
	unsigned timeout;
	unsigned *timeouts; /* one for each gateway; NULL: `timeout` */
	unsigned timeouts_count;
	struct dialplan_header_conf *headers;
	unsigned headers_count;
};
struct dialplan_reject_conf {
	char *cause;
};
struct dialplan_template_conf {
	char *name, *language;
	char **parameters;
	unsigned parameters_count;
};
struct dialplan_permission_conf {
	char *on_no_permission, *request_text;
	unsigned park;
	struct dialplan_template_conf *request_template;
};
struct dialplan_whatsapp_conf {
	char *number, *user;
	unsigned timeout;
	bool ringback;
	struct dialplan_permission_conf permission;
};
struct dialplan_send_text_conf {
	char *text;
};
struct dialplan_call_button_conf {
	char *text, *button, *payload;
	unsigned *ttl_minutes;
};
struct dialplan_call_back_conf {
	struct dialplan_bridge_conf bridge; /* timeout: the WhatsApp side's */
	char *order;
	unsigned agent_timeout;
	bool chat_context;
	struct dialplan_permission_conf permission;
};
struct dialplan_ask_conf {
	char *url, *fallback;
	unsigned *timeout;
};
struct dialplan_action_conf { /* exactly one is set */
	struct dialplan_bridge_conf *bridge;
	struct dialplan_reject_conf *reject;
	struct dialplan_whatsapp_conf *whatsapp;
	struct dialplan_send_text_conf *send_text;
	struct dialplan_template_conf *send_template;
	struct dialplan_call_button_conf *call_button;
	struct dialplan_call_back_conf *call_back;
	struct dialplan_ask_conf *ask;
};
struct dialplan_record_conf {
	char *path, *format, *announce;
};
struct dialplan_fork_conf {
	char *to, *directions, *format;
};
struct dialplan_rule_conf {
	char *name, *tenant;
	struct dialplan_record_conf *record;
	struct dialplan_fork_conf *fork;
	struct dialplan_match_conf match;
	struct dialplan_action_conf *actions;
	unsigned actions_count;
};
/* What an asked service answers. */
struct dialplan_answer_conf {
	struct dialplan_action_conf *actions;
	unsigned actions_count;
};

/* Schema of one rule, for CYAML_FIELD_SEQUENCE("dialplan", ...) in the whole file's schema. */
extern const cyaml_schema_value_t dialplan_rule_schema;

extern const cyaml_schema_value_t dialplan_answer_schema;

/* Answers for names that other modules own. They are asked while the table is built and, for dialplan_read_answer(), as
 * long as it lives: so must arg. */
struct dialplan_names {
	bool (*known_gateway)(const char *name, void *arg);
	bool (*known_cause)(const char *name, void *arg);
	bool (*known_number)(const char *e164, void *arg); /* "+E.164": one of the business numbers */
	/* NULL: every header that dialplan/header_name.h lets pass. */
	bool (*allowed_header)(const char *name, void *arg);
	/* NULL: there are no tenants, and no rule may name one. Else every rule names one that is known, and its
	 * gateways and business numbers (known ones) are that tenant's. */
	bool (*known_tenant)(const char *name, void *arg);
	bool (*tenant_has_gateway)(const char *tenant, const char *gateway, void *arg);
	bool (*tenant_has_number)(const char *tenant, const char *e164, void *arg);
	/* Can the program do this? 0, or why[cap] says why not. NULL: it can. */
	int (*check_record)(const struct route_record *record, char *why, size_t cap, void *arg);
	int (*check_fork)(const struct route_fork *fork, char *why, size_t cap, void *arg);
	void *arg;
};

/* Build the table. Errors go to `errors` with key paths "dialplan[i]...". Returns 0, -EBADMSG (errors added) or
 * -ENOMEM. */
int dialplan_build(const struct dialplan_rule_conf *rules, size_t count, const struct dialplan_names *names,
	const struct conf_file *file, struct conf_errors *errors, struct dialplan **ret_dp);

#endif
