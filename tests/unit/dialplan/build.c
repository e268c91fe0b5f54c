/* Each mistake in the file: one error, at its line and key. */
#include "tests/unit/dialplan/dialplan_tests.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define ACTION       "  actions: [{reject: {cause: closed}}]\n"
#define BRIDGE(rest) "- name: a\n  actions:\n  - bridge:\n      gateways: [pbx]\n" rest

static void one_mistake_one_error(void **state)
{
	static const struct {
		const char *yaml, *error;
	} rows[] = {
		{"- match: {to: \"1\"}\n" ACTION, "test.yaml:2: dialplan[0].name: a rule needs a name"},
		{"- name: \"\"\n" ACTION, "test.yaml:2: dialplan[0].name: a rule needs a name"},
		{"- name: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n" ACTION,
			"dialplan[0].name: longer than 64"},
		{"- name: a\n" ACTION "- name: a\n" ACTION,
			"test.yaml:4: dialplan[1].name: \"a\" is also the name of dialplan[0]"},
		{"- name: a\n  match:\n    direction: Inbound\n" ACTION,
			"test.yaml:4: dialplan[0].match.direction: unknown direction \"Inbound\""},
		{"- name: a\n  match: {to: \"60[\"}\n" ACTION, "dialplan[0].match.to: bad pattern at offset 3"},
		{"- name: a\n  match: {from: \"+44\"}\n" ACTION, "dialplan[0].match.from: bad pattern at offset 0"},
		{"- name: a\n  match: {name: \"(\"}\n" ACTION, "dialplan[0].match.name: bad pattern at offset 1"},
		{"- name: a\n  match: {payload: \"a**b(\"}\n" ACTION, "dialplan[0].match.payload: bad pattern"},
		{"- name: a\n  match: {hours: \"Mon 9-17\"}\n" ACTION, "dialplan[0].match.hours: \"9\" is not a time"},
		{"- name: a\n  match: {hours: \"Mon 09:00-17:00 Europe/Atlantis\"}\n" ACTION,
			"dialplan[0].match.hours: unknown time zone \"Europe/Atlantis\""},
		{"- name: a\n", "test.yaml:2: dialplan[0].actions: needs an action"},
		{"- name: a\n  actions: []\n", "test.yaml:3: dialplan[0].actions: needs an action"},
		{"- name: a\n  actions: [{reject: {cause: closed}}, {reject: {cause: closed}}]\n",
			"dialplan[0].actions: more than one action"},
		{"- name: a\n  actions: [{}]\n", "dialplan[0].actions[0]: needs bridge, reject or ask"},
		{"- name: a\n  actions: [{bridge: {gateways: [pbx]}, reject: {cause: closed}}]\n",
			"dialplan[0].actions[0]: both bridge and reject"},
		{"- name: a\n  actions: [{reject: {}}]\n", "dialplan[0].actions[0].reject.cause: needs a cause"},
		{"- name: a\n  actions: [{reject: {cause: shut}}]\n",
			"dialplan[0].actions[0].reject.cause: unknown cause \"shut\""},
		{"- name: a\n  actions: [{bridge: {}}]\n",
			"dialplan[0].actions[0].bridge.gateways: needs at least one"},
		{"- name: a\n  actions: [{bridge: {gateways: []}}]\n", "bridge.gateways: needs at least one"},
		{"- name: a\n  actions:\n  - bridge:\n      gateways:\n      - pbx\n      - bpx\n",
			"test.yaml:7: dialplan[0].actions[0].bridge.gateways[1]: unknown gateway \"bpx\""},
		{"- name: a\n  actions: [{bridge: {gateways: [pbx, pbx, pbx, pbx, pbx, pbx, pbx, pbx, pbx]}}]\n",
			"bridge.gateways: more than 8"},
		{"- name: a\n  match: {gateway: pbx}\n" ACTION,
			"dialplan[0].match.gateway: is for direction outbound only"},
		{"- name: a\n  match: {direction: outbound, text: x}\n" ACTION,
			"dialplan[0].match.text: is for direction message only"},
		{"- name: a\n  match: {direction: inbound, call: inbound}\n" ACTION,
			"match.call: is for direction ended"},
		{BRIDGE("      user: \"{number}\"\n"),
			"test.yaml:6: dialplan[0].actions[0].bridge.user: unknown placeholder \"number\""},
		{BRIDGE("      caller_id: \"{from\"\n"), "bridge.caller_id: brace without an end"},
		{BRIDGE("      display_name: \"{x}\"\n"), "bridge.display_name: unknown placeholder"},
		{BRIDGE("      timeout: 301\n"), "bridge.timeout: longer than 300"},
		{BRIDGE("      headers:\n      - {name: X-A, value: a}\n      - {name: \"X A\", value: b}\n"),
			"test.yaml:8: dialplan[0].actions[0].bridge.headers[1].name: \"X A\" is not a header name"},
		{BRIDGE("      headers: [{name: \"\", value: b}]\n"), "headers[0].name: \"\" is not a header name"},
		{BRIDGE("      headers: [{name: \"X:\", value: b}]\n"), "headers[0].name: \"X:\" is not a header name"},
		{BRIDGE("      headers: [{name: \"X\\r\\nVia\", value: b}]\n"), "is not a header name"},
		{BRIDGE("      headers: [{name: contact, value: b}]\n"), "header contact is not the dialplan's"},
		{BRIDGE("      headers: [{name: X-A, value: \"{x}\"}]\n"),
			"dialplan[0].actions[0].bridge.headers[0].value: unknown placeholder \"x\""},
		{BRIDGE("      headers: [{name: X, value: a},{name: X, value: a},{name: X, value: a},{name: X, value: "
			"a},"
			"{name: X, value: a},{name: X, value: a},{name: X, value: a},{name: X, value: a},{name: X, "
			"value: a},"
			"{name: X, value: a},{name: X, value: a},{name: X, value: a},{name: X, value: a},{name: X, "
			"value: a},"
			"{name: X, value: a},{name: X, value: a},{name: X, value: a}]\n"),
			"bridge.headers: more than 16"},
	};
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct conf_errors errors = {0};
		struct dialplan *dp = NULL;
		assert_int_equal(table_build(rows[i].yaml, &errors, &dp), -EBADMSG);
		assert_null(dp);
		if (errors.count != 1 || !strstr(errors.text[0], rows[i].error))
			fail_msg("row %zu, %zu errors: %s", i, errors.count, errors.count ? errors.text[0] : "");
		conf_errors_done(&errors);
	}
}

static void all_mistakes_are_reported(void **state)
{
	struct conf_errors errors = {0};
	struct dialplan *dp = NULL;
	(void)state;
	assert_int_equal(table_build("- name: a\n"
				     "  match: {direction: sideways, from: \"(\", hours: never}\n"
				     "  actions: [{bridge: {gateways: [nope, neither], user: \"{x}\", timeout: 9999,\n"
				     "    headers: [{name: Via, value: \"{y}\"}]}}]\n"
				     "- name: a\n",
				 &errors, &dp),
		-EBADMSG);
	assert_int_equal(errors.count, 3 + 2 + 1 + 1 + 2 + 2);
	conf_errors_done(&errors);
}

static void headers_that_are_not_ours_to_set(void **state)
{
	static const char *const names[] = {"Via", "from", "TO", "Call-ID", "CSeq", "Contact", "Max-Forwards", "Route",
		"Record-Route", "Content-Length", "Content-Type", "Authorization", "Proxy-Authorization", "Require",
		"Supported", "Session-Expires", "Refer-To", "Replaces", "v", "i", "M", "l", "c", "r", "x"};
	static const char *const allowed[] = {"X-Order", "P-Asserted-Identity", "Subject", "s", "User-Agent",
		"Diversion", "History-Info", "x-twilio-whatever"};
	char yaml[256];
	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct conf_errors errors = {0};
		struct dialplan *dp = NULL;
		snprintf(yaml, sizeof(yaml), BRIDGE("      headers: [{name: %s, value: b}]\n"), names[i]);
		if (table_build(yaml, &errors, &dp) != -EBADMSG || errors.count != 1)
			fail_msg("%s", names[i]);
		conf_errors_done(&errors);
	}
	for (size_t i = 0; i < sizeof(allowed) / sizeof(allowed[0]); i++) {
		snprintf(yaml, sizeof(yaml), BRIDGE("      headers: [{name: %s, value: b}]\n"), allowed[i]);
		dialplan_free(table(yaml));
	}
}

static void what_is_allowed(void **state)
{
	(void)state;
	struct dialplan *dp =
		table("- {name: all, actions: [{reject: {cause: closed}}]}\n"
		      "- {name: unreachable, match: {}, actions: [{bridge: {gateways: [pbx, backup]}}]}\n");
	assert_int_equal(dialplan_rule_count(dp), 2);
	dialplan_free(dp);
	dp = table("  []\n");
	assert_int_equal(dialplan_rule_count(dp), 0);
	dialplan_free(dp);
	assert_null(dialplan_free(NULL));
}

int dialplan_tests_build(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_mistake_one_error),
		cmocka_unit_test(all_mistakes_are_reported),
		cmocka_unit_test(headers_that_are_not_ours_to_set),
		cmocka_unit_test(what_is_allowed),
	};
	return cmocka_run_group_tests_name("dialplan build", tests, NULL, NULL);
}
