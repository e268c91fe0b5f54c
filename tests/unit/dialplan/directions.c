/* Calls toward users, messages, and what comes after a call. */
#include "tests/unit/dialplan/dialplan_tests.h"

#include <errno.h>
#include <string.h>

static const char shop[] =
	"- name: desk\n"
	"  match: {direction: outbound, gateway: desk1, to: \"^\\\\+44\"}\n"
	"  actions: [{whatsapp: {number: \"+12025550123\", user: \"{to}\", timeout: 45, ringback: true,\n"
	"    on_no_permission: request, park: 3600, request_text: \"May {from} call?\",\n"
	"    request_template: {name: may_we, language: en_US, parameters: [\"{name}\", \"{from}\"]}}}]\n"
	"- name: plain\n"
	"  match: {direction: outbound, to: \"+351210000000\"}\n"
	"  actions: [{whatsapp: {}}]\n"
	"- {name: nobody, match: {direction: outbound}, actions: [{reject: {cause: not_allowed}}]}\n"
	"- name: call-me\n"
	"  match: {direction: message, keywords: [falar, \"call me\"]}\n"
	"  actions:\n"
	"  - send_text: {text: \"Hello {name}\\nYou said: {text}\"}\n"
	"  - call_back: {gateways: [pbx, backup], user: \"7{to}\", caller_id: \"{from}\", display_name: \"{name}\",\n"
	"      order: agent_first, timeout: 40, agent_timeout: 20, chat_context: yes, on_no_permission: request,\n"
	"      headers: [{name: X-Asked, value: \"{text}\"}]}\n"
	"- name: pattern\n"
	"  match: {direction: message, text: \"^(pedido|Order) [0-9]+$\"}\n"
	"  actions: [{call_button: {text: \"Call us\", button: \"Call {name}\", payload: \"o {text}\", ttl_minutes: "
	"60}}]\n"
	"- name: tapped\n"
	"  match: {direction: message, reply_id: \"^call-\"}\n"
	"  actions: [{send_template: {name: soon, language: pt_BR, parameters: [\"{name}\", \"{text}\"]}}]\n"
	"- name: missed\n"
	"  match: {direction: ended, status: missed, call: inbound}\n"
	"  actions: [{send_text: {text: \"{status} {cause} {duration}\"}}, {call_back: {gateways: [pbx]}}]\n"
	"- name: done\n"
	"  match: {direction: ended, call: outbound}\n"
	"  actions: [{send_text: {text: \"We talked for {duration}.\"}}]\n";

static struct dialplan *dp;
static struct arena arena;

static int set_up(void **state)
{
	(void)state;
	dp = table(shop);
	arena_init(&arena, 0);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	dp = dialplan_free(dp);
	arena_done(&arena);
	return 0;
}

static struct route ask(struct call_facts facts)
{
	struct route route;
	memset(&route, 0x5a, sizeof(route));
	assert_int_equal(dialplan_route(dp, &facts, 0, &arena, &route), 0);
	return route;
}

static void which_rule(void **state)
{
	static const struct {
		struct call_facts facts;
		const char *rule;
	} rows[] = {
		{{CALL_OUTBOUND, .gateway = "desk1", .to = "+447700900123"}, "desk"},
		{{CALL_OUTBOUND, .gateway = "desk2", .to = "+447700900123"}, "nobody"},
		{{CALL_OUTBOUND, .to = "+447700900123"}, "nobody"},
		{{CALL_OUTBOUND, .gateway = "desk1", .to = "+33123"}, "nobody"},
		{{CALL_OUTBOUND, .to = "+351 210 000 000"}, "plain"},
		{{CALL_INBOUND, .to = "+351210000000"}, NULL},
		{{CALL_MESSAGE, .text = "quero FALÁR!"}, "call-me"},
		{{CALL_MESSAGE, .text = "Please call  me."}, "call-me"},
		{{CALL_MESSAGE, .text = "Pédido  17"}, "pattern"}, /* the folded text matches */
		{{CALL_MESSAGE, .text = "Order 17"}, "pattern"},   /* the original */
		{{CALL_MESSAGE, .text = "ORDER 17"}, NULL},
		{{CALL_MESSAGE, .text = "\xff"}, NULL},
		{{CALL_MESSAGE}, NULL},
		{{CALL_MESSAGE, .text = "x", .reply_id = "call-1"}, "tapped"},
		{{CALL_ENDED, .status = "missed", .call_direction = "inbound"}, "missed"},
		{{CALL_ENDED, .status = "failed", .call_direction = "inbound"}, NULL},
		{{CALL_ENDED, .status = "missed", .call_direction = "outbound"}, "done"},
		{{CALL_ENDED}, NULL},
	};
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct route route = ask(rows[i].facts);
		if (rows[i].rule ? !route.rule || strcmp(route.rule, rows[i].rule) != 0 : route.kind != ROUTE_NONE)
			fail_msg("row %zu: %s", i, route.rule ? route.rule : "no rule");
	}
}

static void a_call_out_in_full(void **state)
{
	struct route r = ask((struct call_facts){
		CALL_OUTBOUND, .gateway = "desk1", .to = "+447700900123", .from = "201", .name = " \t"});
	struct route_whatsapp *w = &r.whatsapp;
	(void)state;
	dp = dialplan_free(dp); /* the route outlives it */
	assert_int_equal(r.kind, ROUTE_WHATSAPP);
	assert_string_equal(w->number, "+12025550123");
	assert_string_equal(w->user, "+447700900123");
	assert_int_equal(w->timeout_s, 45);
	assert_true(w->ringback && w->permission.request);
	assert_int_equal(w->permission.park_s, 3600);
	assert_string_equal(w->permission.text, "May 201 call?");
	assert_string_equal(w->permission.template.name, "may_we");
	assert_string_equal(w->permission.template.language, "en_US");
	assert_int_equal(w->permission.template.parameter_count, 2);
	assert_string_equal(w->permission.template.parameters[0], "-"); /* Meta takes no empty ones */
	assert_string_equal(w->permission.template.parameters[1], "201");
}

static void a_call_out_that_says_nothing(void **state)
{
	struct route r = ask((struct call_facts){CALL_OUTBOUND, .to = "+351210000000"});
	(void)state;
	assert_string_equal(r.whatsapp.number, "");
	assert_string_equal(r.whatsapp.user, "");
	assert_int_equal(r.whatsapp.timeout_s, 0);
	assert_false(r.whatsapp.ringback || r.whatsapp.permission.request);
	assert_string_equal(r.whatsapp.permission.text, "");
	assert_string_equal(r.whatsapp.permission.template.name, "");
}

static void actions_in_order(void **state)
{
	struct route r = ask((struct call_facts){
		CALL_MESSAGE, .to = "+12025550123", .from = "+44", .name = "Ana", .text = "falar\r\njá \x07"});
	const struct route_action *a = r.actions;
	(void)state;
	dp = dialplan_free(dp);
	assert_int_equal(r.kind, ROUTE_ACTIONS);
	assert_int_equal(r.action_count, 2);
	assert_int_equal(a[0].kind, ROUTE_SEND_TEXT);
	assert_string_equal(a[0].text, "Hello Ana\nYou said: falar\njá"); /* lines stay, other controls do not */
	assert_int_equal(a[1].kind, ROUTE_CALL_BACK);
	assert_int_equal(a[1].call_back.gateway_count, 2);
	assert_string_equal(a[1].call_back.gateways[1], "backup");
	assert_string_equal(a[1].call_back.user, "7+12025550123");
	assert_string_equal(a[1].call_back.caller_id, "+44");
	assert_string_equal(a[1].call_back.display_name, "Ana");
	assert_true(a[1].call_back.agent_first && a[1].call_back.chat_context);
	assert_int_equal(a[1].call_back.timeout_s, 40);
	assert_int_equal(a[1].call_back.agent_timeout_s, 20);
	assert_int_equal(a[1].call_back.header_count, 1);
	assert_string_equal(a[1].call_back.headers[0].name, "X-Asked");
	assert_string_equal(a[1].call_back.headers[0].value, "falarjá");
	assert_true(a[1].call_back.permission.request);
	assert_string_equal(a[1].call_back.permission.template.name, "");
}

static void buttons_and_templates(void **state)
{
	struct route r =
		ask((struct call_facts){CALL_MESSAGE, .text = "Order 17", .name = "Ana Maria da Conceição Ação"});
	(void)state;
	assert_int_equal(r.actions[0].kind, ROUTE_CALL_BUTTON);
	assert_string_equal(r.actions[0].text, "Call us");
	assert_string_equal(r.actions[0].button_text, "Call Ana Maria da Co"); /* twenty characters */
	assert_string_equal(r.actions[0].payload, "o Order 17");
	assert_int_equal(r.actions[0].ttl_minutes, 60);
	r = ask((struct call_facts){CALL_MESSAGE, .reply_id = "call-1", .name = " A\n\n\tB   C ", .text = "z"});
	assert_int_equal(r.actions[0].kind, ROUTE_SEND_TEMPLATE);
	assert_string_equal(r.actions[0].template.language, "pt_BR");
	assert_string_equal(r.actions[0].template.parameters[0], "A B C");
	assert_string_equal(r.actions[0].template.parameters[1], "z");
}

static void after_a_call(void **state)
{
	struct call_facts facts = {CALL_ENDED, .status = "missed", .call_direction = "inbound", .cause = "no_answer"};
	(void)state;
	assert_string_equal(ask(facts).actions[0].text, "missed no_answer 0:00");
	facts = (struct call_facts){CALL_ENDED, .call_direction = "outbound", .duration_s = 3725};
	assert_string_equal(ask(facts).actions[0].text, "We talked for 62:05.");
}

static void long_texts_are_cut(void **state)
{
	static char text[3 * 6000 + 1];
	(void)state;
	memcpy(text, "falar ", 6);
	for (size_t i = 0; i < 5990; i++)
		memcpy(text + 6 + 3 * i, "\xe2\x82\xac", 3);
	struct route r = ask((struct call_facts){CALL_MESSAGE, .text = text, .name = "Ana"});
	const char *sent = r.actions[0].text;
	size_t chars = 0;
	for (const char *p = sent; *p; p++)
		chars += (*p & 0xc0) != 0x80;
	assert_int_equal(chars, 4096);
	assert_string_equal(sent + strlen(sent) - 3, "\xe2\x82\xac");
}

/* Keywords are looked for in all of a message, a pattern is held against its beginning. */
static void long_messages(void **state)
{
	static char text[4096 + 1];
	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	memcpy(text, "Order 1", 7);
	assert_null(ask((struct call_facts){CALL_MESSAGE, .text = text}).rule);
	memset(text, '1', sizeof(text) - 1);
	memcpy(text, "Order 1", 7);
	assert_string_equal(ask((struct call_facts){CALL_MESSAGE, .text = text}).rule, "pattern");
	memcpy(text + 4096 - 8, " call me", 8);
	assert_string_equal(ask((struct call_facts){CALL_MESSAGE, .text = text}).rule, "call-me");
}

static void fallbacks(void **state)
{
	static const char rules[] = "- {name: a, match: {direction: inbound, to: \"+1\"}, actions: [{ask: {url: "
				    "\"https://x/\", fallback: z}}]}\n"
				    "- {name: b, match: {direction: inbound}, actions: [{ask: {url: "
				    "\"http://h:1/p?q=1\", timeout: 250}}]}\n"
				    "- {name: c, match: {direction: inbound}, actions: [{ask: {url: \"https://x\"}}]}\n"
				    "- {name: d, match: {from: \"^.\"}, actions: [{reject: {cause: closed}}]}\n"
				    "- {name: z, match: {from: never}, actions: [{bridge: {gateways: [pbx]}}]}\n";
	struct call_facts facts = {.to = "+1", .from = "+2"};
	struct route asked, route;
	(void)state;
	dialplan_free(dp);
	dp = table(rules);
	asked = ask(facts);
	assert_int_equal(asked.kind, ROUTE_ASK);
	assert_string_equal(asked.ask.url, "https://x/");
	assert_int_equal(asked.ask.timeout_ms, 1000);
	assert_int_equal(dialplan_route_fallback(dp, &facts, 0, &asked, &arena, &route), 0);
	assert_string_equal(route.rule, "z"); /* whatever its conditions */
	facts.to = "+3";
	asked = ask(facts);
	assert_string_equal(asked.rule, "b");
	assert_int_equal(asked.ask.timeout_ms, 250);
	assert_int_equal(dialplan_route_fallback(dp, &facts, 0, &asked, &arena, &route), 0);
	assert_string_equal(route.rule, "d"); /* c would ask again */
	facts.from = "";
	assert_int_equal(dialplan_route_fallback(dp, &facts, 0, &asked, &arena, &route), 0);
	assert_int_equal(route.kind, ROUTE_NONE);
	asked.rule = "of another table";
	assert_int_equal(dialplan_route_fallback(dp, &facts, 0, &asked, &arena, &route), 0);
	assert_int_equal(route.kind, ROUTE_NONE);
}

int dialplan_tests_directions(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(which_rule, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_call_out_in_full, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_call_out_that_says_nothing, set_up, tear_down),
		cmocka_unit_test_setup_teardown(actions_in_order, set_up, tear_down),
		cmocka_unit_test_setup_teardown(buttons_and_templates, set_up, tear_down),
		cmocka_unit_test_setup_teardown(after_a_call, set_up, tear_down),
		cmocka_unit_test_setup_teardown(long_texts_are_cut, set_up, tear_down),
		cmocka_unit_test_setup_teardown(long_messages, set_up, tear_down),
		cmocka_unit_test_setup_teardown(fallbacks, set_up, tear_down),
	};
	return cmocka_run_group_tests_name("dialplan directions", tests, NULL, NULL);
}
