/* dialplan/schema.c
 *
 * The shape of a rule in YAML. What a schema cannot say is checked, with better words, by build.c; so almost everything
 * is optional here.
 */
#include "dialplan/dialplan_conf.h"

#include "dialplan/limits.h"

#define OPTIONAL_TEXT(key, type, member)                                                                               \
	CYAML_FIELD_STRING_PTR(key, CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, type, member, 0, CYAML_UNLIMITED)
#define OPTIONAL_LIST(key, type, member, entry)                                                                        \
	CYAML_FIELD_SEQUENCE(key, CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, type, member, entry, 0, CYAML_UNLIMITED)

#define OPTIONAL_NUMBER(key, type, member) CYAML_FIELD_UINT(key, CYAML_FLAG_OPTIONAL, type, member)
#define OPTIONAL_NUMBER_PTR(key, type, member)                                                                         \
	CYAML_FIELD_UINT_PTR(key, CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, type, member)
#define OPTIONAL_FLAG(key, type, member) CYAML_FIELD_BOOL(key, CYAML_FLAG_OPTIONAL, type, member)
#define OPTIONAL_KEYS(key, type, member, fields)                                                                       \
	CYAML_FIELD_MAPPING_PTR(key, CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, type, member, fields)

static const cyaml_schema_value_t name_schema = {CYAML_VALUE_STRING(CYAML_FLAG_POINTER, char, 0, CYAML_UNLIMITED)};

static const cyaml_schema_field_t match_fields[] = {
	OPTIONAL_TEXT("direction", struct dialplan_match_conf, direction),
	OPTIONAL_TEXT("to", struct dialplan_match_conf, to),
	OPTIONAL_TEXT("from", struct dialplan_match_conf, from),
	OPTIONAL_TEXT("name", struct dialplan_match_conf, name),
	OPTIONAL_TEXT("payload", struct dialplan_match_conf, payload),
	OPTIONAL_TEXT("hours", struct dialplan_match_conf, hours),
	OPTIONAL_TEXT("gateway", struct dialplan_match_conf, gateway),
	/* An empty list would be no condition at all. */
	CYAML_FIELD_SEQUENCE("keywords", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct dialplan_match_conf, keywords,
		&name_schema, 1, DIALPLAN_KEYWORDS_MAX),
	OPTIONAL_TEXT("text", struct dialplan_match_conf, text),
	OPTIONAL_TEXT("reply_id", struct dialplan_match_conf, reply_id),
	OPTIONAL_TEXT("status", struct dialplan_match_conf, status),
	OPTIONAL_TEXT("call", struct dialplan_match_conf, call),
	CYAML_FIELD_END,
};

static const cyaml_schema_field_t header_fields[] = {
	CYAML_FIELD_STRING_PTR("name", CYAML_FLAG_POINTER, struct dialplan_header_conf, name, 0, CYAML_UNLIMITED),
	CYAML_FIELD_STRING_PTR("value", CYAML_FLAG_POINTER, struct dialplan_header_conf, value, 0, CYAML_UNLIMITED),
	CYAML_FIELD_END,
};
static const cyaml_schema_value_t header_schema = {
	CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct dialplan_header_conf, header_fields)};

static const cyaml_schema_value_t weight_schema = {CYAML_VALUE_UINT(CYAML_FLAG_DEFAULT, unsigned)};

static const cyaml_schema_field_t bridge_fields[] = {
	OPTIONAL_LIST("gateways", struct dialplan_bridge_conf, gateways, &name_schema),
	OPTIONAL_LIST("weights", struct dialplan_bridge_conf, weights, &weight_schema),
	OPTIONAL_LIST("failover", struct dialplan_bridge_conf, failover, &name_schema),
	OPTIONAL_TEXT("mode", struct dialplan_bridge_conf, mode),
	OPTIONAL_TEXT("accept_on", struct dialplan_bridge_conf, accept_on),
	OPTIONAL_LIST("timeouts", struct dialplan_bridge_conf, timeouts, &weight_schema),
	OPTIONAL_TEXT("user", struct dialplan_bridge_conf, user),
	OPTIONAL_TEXT("caller_id", struct dialplan_bridge_conf, caller_id),
	OPTIONAL_TEXT("display_name", struct dialplan_bridge_conf, display_name),
	OPTIONAL_NUMBER("timeout", struct dialplan_bridge_conf, timeout),
	OPTIONAL_LIST("headers", struct dialplan_bridge_conf, headers, &header_schema),
	CYAML_FIELD_END,
};

static const cyaml_schema_field_t reject_fields[] = {
	OPTIONAL_TEXT("cause", struct dialplan_reject_conf, cause),
	CYAML_FIELD_END,
};

static const cyaml_schema_field_t template_fields[] = {
	OPTIONAL_TEXT("name", struct dialplan_template_conf, name),
	OPTIONAL_TEXT("language", struct dialplan_template_conf, language),
	OPTIONAL_LIST("parameters", struct dialplan_template_conf, parameters, &name_schema),
	CYAML_FIELD_END,
};

static const cyaml_schema_field_t whatsapp_fields[] = {
	OPTIONAL_TEXT("number", struct dialplan_whatsapp_conf, number),
	OPTIONAL_TEXT("user", struct dialplan_whatsapp_conf, user),
	OPTIONAL_NUMBER("timeout", struct dialplan_whatsapp_conf, timeout),
	OPTIONAL_FLAG("ringback", struct dialplan_whatsapp_conf, ringback),
	OPTIONAL_TEXT("on_no_permission", struct dialplan_whatsapp_conf, permission.on_no_permission),
	OPTIONAL_NUMBER("park", struct dialplan_whatsapp_conf, permission.park),
	OPTIONAL_TEXT("request_text", struct dialplan_whatsapp_conf, permission.request_text),
	OPTIONAL_KEYS("request_template", struct dialplan_whatsapp_conf, permission.request_template, template_fields),
	CYAML_FIELD_END,
};

static const cyaml_schema_field_t send_text_fields[] = {
	OPTIONAL_TEXT("text", struct dialplan_send_text_conf, text),
	CYAML_FIELD_END,
};

static const cyaml_schema_field_t call_button_fields[] = {
	OPTIONAL_TEXT("text", struct dialplan_call_button_conf, text),
	OPTIONAL_TEXT("button", struct dialplan_call_button_conf, button),
	OPTIONAL_TEXT("payload", struct dialplan_call_button_conf, payload),
	OPTIONAL_NUMBER_PTR("ttl_minutes", struct dialplan_call_button_conf, ttl_minutes),
	CYAML_FIELD_END,
};

static const cyaml_schema_field_t call_back_fields[] = {
	OPTIONAL_LIST("gateways", struct dialplan_call_back_conf, bridge.gateways, &name_schema),
	OPTIONAL_LIST("weights", struct dialplan_call_back_conf, bridge.weights, &weight_schema),
	OPTIONAL_LIST("failover", struct dialplan_call_back_conf, bridge.failover, &name_schema),
	OPTIONAL_TEXT("mode", struct dialplan_call_back_conf, bridge.mode),
	OPTIONAL_TEXT("user", struct dialplan_call_back_conf, bridge.user),
	OPTIONAL_TEXT("caller_id", struct dialplan_call_back_conf, bridge.caller_id),
	OPTIONAL_TEXT("display_name", struct dialplan_call_back_conf, bridge.display_name),
	OPTIONAL_TEXT("order", struct dialplan_call_back_conf, order),
	OPTIONAL_NUMBER("timeout", struct dialplan_call_back_conf, bridge.timeout),
	OPTIONAL_NUMBER("agent_timeout", struct dialplan_call_back_conf, agent_timeout),
	OPTIONAL_FLAG("chat_context", struct dialplan_call_back_conf, chat_context),
	OPTIONAL_LIST("headers", struct dialplan_call_back_conf, bridge.headers, &header_schema),
	OPTIONAL_TEXT("on_no_permission", struct dialplan_call_back_conf, permission.on_no_permission),
	OPTIONAL_NUMBER("park", struct dialplan_call_back_conf, permission.park),
	OPTIONAL_TEXT("request_text", struct dialplan_call_back_conf, permission.request_text),
	OPTIONAL_KEYS("request_template", struct dialplan_call_back_conf, permission.request_template, template_fields),
	CYAML_FIELD_END,
};

static const cyaml_schema_field_t ask_fields[] = {
	OPTIONAL_TEXT("url", struct dialplan_ask_conf, url),
	OPTIONAL_NUMBER_PTR("timeout", struct dialplan_ask_conf, timeout),
	OPTIONAL_TEXT("fallback", struct dialplan_ask_conf, fallback),
	CYAML_FIELD_END,
};

static const cyaml_schema_field_t action_fields[] = {
	OPTIONAL_KEYS("bridge", struct dialplan_action_conf, bridge, bridge_fields),
	OPTIONAL_KEYS("reject", struct dialplan_action_conf, reject, reject_fields),
	OPTIONAL_KEYS("whatsapp", struct dialplan_action_conf, whatsapp, whatsapp_fields),
	OPTIONAL_KEYS("send_text", struct dialplan_action_conf, send_text, send_text_fields),
	OPTIONAL_KEYS("send_template", struct dialplan_action_conf, send_template, template_fields),
	OPTIONAL_KEYS("call_button", struct dialplan_action_conf, call_button, call_button_fields),
	OPTIONAL_KEYS("call_back", struct dialplan_action_conf, call_back, call_back_fields),
	OPTIONAL_KEYS("ask", struct dialplan_action_conf, ask, ask_fields),
	CYAML_FIELD_END,
};
static const cyaml_schema_value_t action_schema = {
	CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct dialplan_action_conf, action_fields)};

static const cyaml_schema_field_t record_fields[] = {
	OPTIONAL_TEXT("path", struct dialplan_record_conf, path),
	OPTIONAL_TEXT("format", struct dialplan_record_conf, format),
	OPTIONAL_TEXT("announce", struct dialplan_record_conf, announce),
	CYAML_FIELD_END,
};

static const cyaml_schema_field_t fork_fields[] = {
	OPTIONAL_TEXT("to", struct dialplan_fork_conf, to),
	OPTIONAL_TEXT("directions", struct dialplan_fork_conf, directions),
	OPTIONAL_TEXT("format", struct dialplan_fork_conf, format),
	CYAML_FIELD_END,
};

static const cyaml_schema_field_t rule_fields[] = {
	OPTIONAL_TEXT("name", struct dialplan_rule_conf, name),
	OPTIONAL_TEXT("tenant", struct dialplan_rule_conf, tenant),
	CYAML_FIELD_MAPPING("match", CYAML_FLAG_OPTIONAL, struct dialplan_rule_conf, match, match_fields),
	OPTIONAL_LIST("actions", struct dialplan_rule_conf, actions, &action_schema),
	OPTIONAL_KEYS("record", struct dialplan_rule_conf, record, record_fields),
	OPTIONAL_KEYS("fork", struct dialplan_rule_conf, fork, fork_fields),
	CYAML_FIELD_END,
};
const cyaml_schema_value_t dialplan_rule_schema = {
	CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct dialplan_rule_conf, rule_fields)};

static const cyaml_schema_field_t answer_fields[] = {
	CYAML_FIELD_SEQUENCE("actions", CYAML_FLAG_POINTER, struct dialplan_answer_conf, actions, &action_schema, 0,
		CYAML_UNLIMITED),
	CYAML_FIELD_END,
};
const cyaml_schema_value_t dialplan_answer_schema = {
	CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, struct dialplan_answer_conf, answer_fields)};
