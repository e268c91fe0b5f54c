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
		{BRIDGE("      weights: [1, 2]\n"), "bridge.weights: needs one weight for each of the gateways"},
		{BRIDGE("      weights: [1001]\n"), "bridge.weights: more than 1000"},
		{BRIDGE("      weights: [0]\n"), "bridge.weights: nothing but 0"},
		{BRIDGE("      failover: [closed, shut]\n"), "bridge.failover[1]: unknown cause \"shut\""},
		{BRIDGE("      mode: all\n"), "bridge.mode: unknown word \"all\": serial or parallel"},
		{BRIDGE("      mode: parallel\n      weights: [1]\n"),
			"bridge.weights: has no effect with mode: parallel"},
		{BRIDGE("      mode: parallel\n      failover: [closed]\n"),
			"bridge.failover: has no effect with mode: parallel"},
		{BRIDGE("      accept_on: ringing\n"),
			"bridge.accept_on: unknown word \"ringing\": answer or early_media"},
		{BRIDGE("      mode: parallel\n      accept_on: early_media\n"),
			"bridge.accept_on: early_media needs mode: serial"},
		{BRIDGE("      timeouts: [1, 2]\n"), "bridge.timeouts: needs one number for each"},
		{BRIDGE("      timeouts: [301]\n"), "bridge.timeouts[0]: longer than 300"},
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

#define RULE(direction, rest) "- name: a\n  match: {direction: " direction "}\n  actions: [{" rest "}]\n"
#define PARAMETERS9           "[a, a, a, a, a, a, a, a, a]"

/* What came with the other directions. */
static void one_mistake_in_other_directions(void **state)
{
	static const struct {
		const char *yaml, *error;
	} rows[] = {
		{"- name: a\n  actions: [{whatsapp: {}}]\n",
			"test.yaml:2: dialplan[0].match.direction: must be said in a rule with whatsapp"},
		{"- name: a\n  actions: [{ask: {url: \"https://x\"}}]\n", "must be said in a rule with ask"},
		{RULE("inbound", "whatsapp: {}"),
			"dialplan[0].actions[0]: whatsapp is not for inbound: bridge, reject or ask"},
		{RULE("outbound", "bridge: {gateways: [pbx]}"), "bridge is not for outbound: whatsapp, reject or ask"},
		{RULE("message", "reject: {cause: closed}"),
			"reject is not for message: send_text, send_template, call_button, call_back or ask"},
		{RULE("ended", "whatsapp: {}"), "whatsapp is not for ended"},
		{RULE("outbound", "whatsapp: {}}, {reject: {cause: closed}"),
			"dialplan[0].actions: more than one action"},
		{RULE("message", "send_text: {text: a}}, {ask: {url: \"https://x\"}"),
			"dialplan[0].actions[1]: ask stands alone"},
		{RULE("message", "send_text: {text: a}, call_button: {text: a}"), "both send_text and call_button"},
		{RULE("message",
			 "send_text: {text: 1}},{send_text: {text: 2}},{send_text: {text: 3}},{send_text: {text: "
			 "4}},{send_text: {text: 5}},{send_text: {text: 6}},{send_text: {text: 7}},{send_text: "
			 "{text: 8}},{send_text: {text: 9}"),
			"dialplan[0].actions: more than 8 actions"},
		{"- name: a\n  match: {direction: message}\n", "dialplan[0].actions: needs an action: send_text,"},
		/* conditions */
		{"- {name: a, match: {direction: message, keywords: []}, actions: [{send_text: {text: a}}]}\n",
			"match.keywords: has 0 entries; at least 1"},
		{"- {name: a, match: {direction: message, keywords: [a, \"!!\"]}, actions: [{send_text: {text: a}}]}\n",
			"match.keywords[1]: \"!!\" holds no word"},
		{"- {name: a, match: {direction: message, text: \"(\"}, actions: [{send_text: {text: a}}]}\n",
			"match.text: bad pattern"},
		{"- {name: a, match: {direction: message, reply_id: \"(\"}, actions: [{send_text: {text: a}}]}\n",
			"match.reply_id: bad pattern"},
		{"- {name: a, match: {direction: ended, status: done}, actions: [{send_text: {text: a}}]}\n",
			"match.status: unknown status \"done\": completed, missed, rejected, failed or cancelled"},
		{"- {name: a, match: {direction: ended, call: out}, actions: [{send_text: {text: a}}]}\n",
			"match.call: unknown direction \"out\": inbound or outbound"},
		{"- {name: a, match: {direction: ended, gateway: pbx}, actions: [{send_text: {text: a}}]}\n",
			"match.gateway: is for direction outbound only"},
		/* calls out */
		{RULE("outbound", "whatsapp: {number: \"12025550123\"}"),
			"dialplan[0].actions[0].whatsapp.number: \"12025550123\" is not a number in international "
			"form"},
		{RULE("outbound", "whatsapp: {number: \"+12025550999\"}"),
			"whatsapp.number: +12025550999 is not one of the business numbers"},
		{RULE("outbound", "whatsapp: {user: \"{x}\"}"), "whatsapp.user: unknown placeholder"},
		{RULE("outbound", "whatsapp: {timeout: 301}"), "whatsapp.timeout: longer than 300"},
		{RULE("outbound", "whatsapp: {on_no_permission: ask}"),
			"whatsapp.on_no_permission: unknown word \"ask\": refuse or request"},
		{RULE("outbound", "whatsapp: {park: 60}"),
			"whatsapp.park: has no effect without on_no_permission: request"},
		{RULE("outbound", "whatsapp: {on_no_permission: refuse, request_text: a}"),
			"whatsapp.request_text: has no"},
		{RULE("outbound", "whatsapp: {on_no_permission: request, park: 604801}"), "park: longer than 604800"},
		{RULE("outbound", "whatsapp: {on_no_permission: request, request_template: {name: A, language: en}}"),
			"whatsapp.request_template.name: \"A\" is not a name of a template"},
		{RULE("outbound", "whatsapp: {on_no_permission: request, request_template: {name: a}}"),
			"whatsapp.request_template.language: \"\" is not a language code"},
		{RULE("outbound", "whatsapp: {on_no_permission: request, request_template: {name: a, language: en, "
				  "parameters: [\"{x}\"]}}"),
			"whatsapp.request_template.parameters[0]: unknown placeholder"},
		/* messages */
		{RULE("message", "send_text: {}"), "send_text.text: needs a text"},
		{RULE("message", "send_text: {text: \" \\n\"}"), "send_text.text: needs a text"},
		{RULE("message", "send_template: {name: a, language: e}"), "send_template.language: \"e\" is not"},
		{RULE("message", "send_template: {name: a, language: en, parameters: " PARAMETERS9 "}"),
			"send_template.parameters: more than 8"},
		{RULE("message", "send_template: {name: a, language: en, parameters: [\"\"]}"),
			"send_template.parameters[0]: needs a text"},
		{RULE("message", "call_button: {button: a}"), "call_button.text: needs a text"},
		{RULE("message", "call_button: {text: a, button: \"123456789012345678901\"}"),
			"call_button.button: longer than 20 characters"},
		{RULE("message", "call_button: {text: a, ttl_minutes: 0}"),
			"ttl_minutes: 0 is out of range: 1 to 43200"},
		{RULE("message", "call_button: {text: a, ttl_minutes: 43201}"), "ttl_minutes: 43201 is out of range"},
		/* calls back */
		{RULE("message", "call_back: {}"), "call_back.gateways: needs at least one"},
		{RULE("message", "call_back: {gateways: [pbx], order: both}"),
			"call_back.order: unknown order \"both\": agent_first or user_first"},
		{RULE("message", "call_back: {gateways: [pbx], agent_timeout: 301}"),
			"call_back.agent_timeout: longer"},
		{RULE("message", "call_back: {gateways: [pbx], park: 1}"), "call_back.park: has no effect"},
		{RULE("message", "call_back: {gateways: [pbx], headers: [{name: To, value: a}]}"),
			"call_back.headers[0].name: header To"},
		{RULE("message", "call_back: {gateways: [pbx]}}, {call_back: {gateways: [pbx]}"),
			"actions[1].call_back: a second call_back"},
		{RULE("ended", "call_back: {gateways: [pbx]}"), "call_back: calls back after calls of its own"},
		{"- {name: a, match: {direction: ended, call: outbound}, actions: [{call_back: {gateways: [pbx]}}]}\n",
			"calls back after calls of its own"},
		/* asking */
		{RULE("inbound", "ask: {}"), "dialplan[0].actions[0].ask.url: \"\" is not an http(s) URL"},
		{RULE("inbound", "ask: {url: \"ftp://x/\"}"), "is not an http(s) URL"},
		{RULE("inbound", "ask: {url: \"https:///x\"}"), "is not an http(s) URL"},
		{RULE("inbound", "ask: {url: \"https://x/a b\"}"), "is not an http(s) URL"},
		{RULE("inbound", "ask: {url: \"https://x/\\r\\nHost: y\"}"), "is not an http(s) URL"},
		{RULE("inbound", "ask: {url: \"https://user:secret@x/\"}"), "is not an http(s) URL"},
		{RULE("inbound", "ask: {url: \"https://x\", timeout: 0}"),
			"ask.timeout: 0 ms is out of range: 10 to 10000"},
		{RULE("inbound", "ask: {url: \"https://x\", timeout: 10001}"), "ask.timeout: 10001 ms is out of range"},
		{RULE("inbound", "ask: {url: \"https://x\", fallback: b}"), "ask.fallback: no rule has the name \"b\""},
		{RULE("inbound", "ask: {url: \"https://x\", fallback: a}"), "ask.fallback: rule \"a\" would ask again"},
		{RULE("outbound", "ask: {url: \"https://x\", fallback: b}") "- {name: b, actions: [{reject: {cause: "
									    "closed}}]}\n",
			"ask.fallback: rule \"b\" is for direction inbound"},
		{RULE("ended", "ask: {url: \"https://x\", fallback: b}") "- {name: b, match: {direction: ended, call: "
									 "inbound}, actions: [{call_back: {gateways: "
									 "[pbx]}}]}\n",
			"ask.fallback: rule \"b\" calls back: only after call: inbound"},
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

/* Bounds are in characters, not bytes, and are themselves allowed. */
static void lengths_of_texts(void **state)
{
	static const struct {
		const char *before, *after;
		unsigned max;
	} rows[] = {
		{"send_text: {text: \"", "\"}", 4096},
		{"call_button: {text: \"", "\"}", 1024},
		{"call_button: {text: a, button: \"", "\"}", 20},
		{"call_button: {text: a, payload: \"", "\"}", 512},
		{"send_template: {name: a, language: en, parameters: [\"", "\"]}", 1024},
		{"call_back: {gateways: [pbx], on_no_permission: request, request_text: \"", "\"}", 1024},
	};
	static char yaml[20000], text[3 * 4097 + 1];
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		for (unsigned chars = rows[i].max; chars <= rows[i].max + 1; chars++) {
			struct conf_errors errors = {0};
			struct dialplan *dp = NULL;
			for (unsigned k = 0; k < chars; k++)
				memcpy(text + 3 * k, "\xe2\x82\xac", 4);
			snprintf(yaml, sizeof(yaml), RULE("message", "%s%s%s"), rows[i].before, text, rows[i].after);
			assert_int_equal(table_build(yaml, &errors, &dp), chars > rows[i].max ? -EBADMSG : 0);
			assert_true(errors.count == 0 || strstr(errors.text[0], "longer than"));
			conf_errors_done(&errors);
			dialplan_free(dp);
		}
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
		cmocka_unit_test(one_mistake_in_other_directions),
		cmocka_unit_test(lengths_of_texts),
		cmocka_unit_test(all_mistakes_are_reported),
		cmocka_unit_test(headers_that_are_not_ours_to_set),
		cmocka_unit_test(what_is_allowed),
	};
	return cmocka_run_group_tests_name("dialplan build", tests, NULL, NULL);
}
