/* dialplan/schema.c
 *
 * The shape of a rule in YAML. What a schema cannot say is checked, with better words, by build.c; so almost everything
 * is optional here.
 */
#include "dialplan/dialplan_conf.h"

#define OPTIONAL_TEXT(key, type, member)                                                                               \
	CYAML_FIELD_STRING_PTR(key, CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, type, member, 0, CYAML_UNLIMITED)
#define OPTIONAL_LIST(key, type, member, entry)                                                                        \
	CYAML_FIELD_SEQUENCE(key, CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, type, member, entry, 0, CYAML_UNLIMITED)

static const cyaml_schema_value_t name_schema = {CYAML_VALUE_STRING(CYAML_FLAG_POINTER, char, 0, CYAML_UNLIMITED)};

static const cyaml_schema_field_t match_fields[] = {
	OPTIONAL_TEXT("direction", struct dialplan_match_conf, direction),
	OPTIONAL_TEXT("to", struct dialplan_match_conf, to),
	OPTIONAL_TEXT("from", struct dialplan_match_conf, from),
	OPTIONAL_TEXT("name", struct dialplan_match_conf, name),
	OPTIONAL_TEXT("payload", struct dialplan_match_conf, payload),
	OPTIONAL_TEXT("hours", struct dialplan_match_conf, hours),
	CYAML_FIELD_END,
};

static const cyaml_schema_field_t header_fields[] = {
	CYAML_FIELD_STRING_PTR("name", CYAML_FLAG_POINTER, struct dialplan_header_conf, name, 0, CYAML_UNLIMITED),
	CYAML_FIELD_STRING_PTR("value", CYAML_FLAG_POINTER, struct dialplan_header_conf, value, 0, CYAML_UNLIMITED),
	CYAML_FIELD_END,
};
static const cyaml_schema_value_t header_schema = {
	CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct dialplan_header_conf, header_fields)};

static const cyaml_schema_field_t bridge_fields[] = {
	OPTIONAL_LIST("gateways", struct dialplan_bridge_conf, gateways, &name_schema),
	OPTIONAL_TEXT("user", struct dialplan_bridge_conf, user),
	OPTIONAL_TEXT("caller_id", struct dialplan_bridge_conf, caller_id),
	OPTIONAL_TEXT("display_name", struct dialplan_bridge_conf, display_name),
	CYAML_FIELD_UINT("timeout", CYAML_FLAG_OPTIONAL, struct dialplan_bridge_conf, timeout),
	OPTIONAL_LIST("headers", struct dialplan_bridge_conf, headers, &header_schema),
	CYAML_FIELD_END,
};

static const cyaml_schema_field_t reject_fields[] = {
	OPTIONAL_TEXT("cause", struct dialplan_reject_conf, cause),
	CYAML_FIELD_END,
};

static const cyaml_schema_field_t action_fields[] = {
	CYAML_FIELD_MAPPING_PTR(
		"bridge", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct dialplan_action_conf, bridge, bridge_fields),
	CYAML_FIELD_MAPPING_PTR(
		"reject", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct dialplan_action_conf, reject, reject_fields),
	CYAML_FIELD_END,
};
static const cyaml_schema_value_t action_schema = {
	CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct dialplan_action_conf, action_fields)};

static const cyaml_schema_field_t rule_fields[] = {
	OPTIONAL_TEXT("name", struct dialplan_rule_conf, name),
	CYAML_FIELD_MAPPING("match", CYAML_FLAG_OPTIONAL, struct dialplan_rule_conf, match, match_fields),
	OPTIONAL_LIST("actions", struct dialplan_rule_conf, actions, &action_schema),
	CYAML_FIELD_END,
};
const cyaml_schema_value_t dialplan_rule_schema = {
	CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct dialplan_rule_conf, rule_fields)};
