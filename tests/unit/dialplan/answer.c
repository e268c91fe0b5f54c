/* What asked services answer, and what strangers in their place might. */
#include "tests/unit/dialplan/dialplan_tests.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static struct dialplan *dp;
static struct arena arena;

static int set_up(void **state)
{
	(void)state;
	dp = table("- {name: asked, match: {direction: inbound}, actions: [{ask: {url: \"https://x/\"}}]}\n");
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

static int answer(enum call_direction direction, const char *json, struct route *ret_route, char why[200])
{
	const struct call_facts facts = {
		direction, .from = "+44", .name = "Ana", .text = "hi", .call_direction = "inbound", .duration_s = 61};
	const struct route asked = {.kind = ROUTE_ASK, .rule = "asked"};
	why[0] = '\0';
	return dialplan_read_answer(dp, &facts, json, strlen(json), &asked, &arena, ret_route, why, 200);
}

static void good_answers(void **state)
{
	struct route r;
	char why[200];
	(void)state;
	assert_int_equal(
		answer(CALL_INBOUND,
			"{\"actions\":[{\"bridge\":{\"gateways\":[\"pbx\"],\"user\":\"6{from}\",\"timeout\":25,"
			"\"caller_id\":null,\"headers\":[{\"name\":\"X-A\",\"value\":\"\\ud83d\\ude00 {name}\"}]}}]}",
			&r, why),
		0);
	assert_int_equal(r.kind, ROUTE_BRIDGE);
	assert_string_equal(r.rule, "asked");
	assert_string_equal(r.gateways[0], "pbx");
	assert_string_equal(r.user, "6+44");
	assert_string_equal(r.caller_id, ""); /* null: as if it were not there */
	assert_int_equal(r.timeout_s, 25);
	assert_string_equal(r.headers[0].value, "\xf0\x9f\x98\x80 Ana");
	assert_int_equal(
		answer(CALL_INBOUND, "\t{ \"actions\" :\r\n\t[ { \"reject\" : {\"cause\": \"closed\"}}]}\n", &r, why),
		0);
	assert_string_equal(r.cause, "closed");
	assert_int_equal(
		answer(CALL_OUTBOUND, "{\"actions\": [{\"whatsapp\": {\"number\": \"+12025550123\"}}]}", &r, why), 0);
	assert_string_equal(r.whatsapp.number, "+12025550123");
	assert_int_equal(answer(CALL_MESSAGE, "{\"actions\": []}", &r, why), 0); /* nothing is to be done */
	assert_int_equal(r.kind, ROUTE_ACTIONS);
	assert_int_equal(r.action_count, 0);
	assert_int_equal(
		answer(CALL_ENDED,
			"{\"actions\": [{\"send_text\": {\"text\": \"a\\nb \\/ \\\"{duration}\\\" & *x\\u00e9\"}},"
			"{\"call_back\": {\"gateways\": [\"pbx\"], \"chat_context\": true}}]}",
			&r, why),
		0);
	dp = dialplan_free(dp); /* the route outlives it */
	assert_int_equal(r.action_count, 2);
	assert_string_equal(r.actions[0].text, "a\nb / \"1:01\" & *xé");
	assert_true(r.actions[1].call_back.chat_context);
}

static void answers_refused(void **state)
{
	static const struct {
		enum call_direction direction;
		const char *json, *why;
	} rows[] = {
		{CALL_INBOUND, "", "no object at byte 0"},
		{CALL_INBOUND, "null", "no object"},
		{CALL_INBOUND, "[]", "no object"},
		{CALL_INBOUND, "actions: []", "no object"},
		{CALL_INBOUND, "{}", "actions"},
		{CALL_INBOUND, "{\"actions\": null}", "actions"},
		{CALL_INBOUND, "{\"actions\": []}", "actions: needs an action: bridge or reject"},
		{CALL_INBOUND, "{\"actions\": {}}", "actions: must be a list"},
		{CALL_INBOUND, "{\"actions\": [], \"actions\": []}", "actions"},
		{CALL_INBOUND, "{\"actions\": [], \"more\": 1}", "more"},
		{CALL_INBOUND, "{\"actions\": [null]}", "null in a list"},
		{CALL_INBOUND, "{\"actions\": [{}]}", "actions[0]: needs bridge or reject"},
		{CALL_INBOUND, "{\"actions\": [{\"ask\": {\"url\": \"https://y/\"}}]}",
			"actions[0]: ask is not for an answer"},
		{CALL_INBOUND, "{\"actions\": [{\"send_text\": {\"text\": \"x\"}}]}",
			"actions[0]: send_text is not for"},
		{CALL_INBOUND, "{\"actions\": [{\"bridge\": {\"gateways\": [\"nope\"]}}]}",
			"actions[0].bridge.gateways[0]: unknown gateway \"nope\""},
		{CALL_INBOUND, "{\"actions\": [{\"bridge\": {\"gateways\": [\"pbx\"], \"user\": \"{x}\"}}]}",
			"actions[0].bridge.user: unknown placeholder"},
		{CALL_INBOUND, "{\"actions\": [{\"bridge\": {\"gateways\": [\"pbx\"], \"timeout\": 2.5}}]}",
			"actions[0].bridge.timeout: must be a whole number"},
		{CALL_INBOUND,
			"{\"actions\": [{\"bridge\": {\"gateways\": [\"pbx\"], \"headers\": [{\"name\": \"Via\", "
			"\"value\": \"x\"}]}}]}",
			"headers[0].name: header Via"},
		{CALL_INBOUND, "{\"actions\": [{\"reject\": {\"cause\": \"x\"}}, {\"reject\": {\"cause\": \"x\"}}]}",
			"more than one action"},
		{CALL_OUTBOUND, "{\"actions\": [{\"whatsapp\": {\"number\": \"+1\"}}]}",
			"not one of the business numbers"},
		{CALL_MESSAGE,
			"{\"actions\": [{\"call_back\": {\"gateways\": [\"pbx\"]}}, {\"call_back\": {\"gateways\": "
			"[\"pbx\"]}}]}",
			"actions[1].call_back: a second call_back"},
		/* what YAML knows and JSON does not */
		{CALL_MESSAGE, "{\"actions\": &a []}", "no value"},
		{CALL_MESSAGE, "{\"actions\": *a}", "no value"},
		{CALL_MESSAGE, "{\"actions\": !!seq []}", "no value"},
		{CALL_MESSAGE, "{actions: []}", "no text in quotes"},
		{CALL_MESSAGE, "{'actions': []}", "no text in quotes"},
		{CALL_MESSAGE, "{\"actions\": [],}", "no text in quotes"},
		{CALL_MESSAGE, "{\"actions\": [{},]}", "no value"},
		{CALL_MESSAGE, "{\"actions\": []} # done", "something after the end"},
		{CALL_MESSAGE, "{\"actions\": []}\n---\n{}", "something after the end"},
		{CALL_MESSAGE, "{\"actions\": []", "no \",\" or end"},
		{CALL_MESSAGE, "{\"actions\": [", "no value"},
		{CALL_MESSAGE, "{\"actions", "a text without its end"},
		{CALL_MESSAGE, "{\"actions\"}", "no \":\""},
		{CALL_MESSAGE, "{\"actions\": True}", "no value"},
		{CALL_MESSAGE, "{\"actions\": 01}", "no \",\" or end"},
		{CALL_MESSAGE, "{\"actions\": 1.}", "no value"},
		{CALL_MESSAGE, "{\"actions\": 1e}", "no value"},
		{CALL_MESSAGE, "{\"actions\": -}", "no value"},
		{CALL_MESSAGE, "{\"a\\", "an escape without its end"},
		{CALL_MESSAGE, "{\"a\\x41\": 1}", "a wrong escape"},
		{CALL_MESSAGE, "{\"a\\u12", "an escape without its end"},
		{CALL_MESSAGE, "{\"a\\u12g4\": 1}", "a wrong escape"},
		{CALL_MESSAGE, "{\"a\\u0000\": 1}", "a zero character"},
		{CALL_MESSAGE, "{\"a\\ud83d\": 1}", "half a surrogate pair"},
		{CALL_MESSAGE, "{\"a\\ude00\": 1}", "half a surrogate pair"},
		{CALL_MESSAGE, "{\"a\\ud83d\\u0041\": 1}", "half a surrogate pair"},
		{CALL_MESSAGE, "{\"a\nb\": 1}", "a control character"},
		{CALL_MESSAGE, "{\"a\xff\": 1}", "not UTF-8"},
		{CALL_MESSAGE, "{\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\": 1}",
			"a long key"},
		{CALL_MESSAGE, "{\"a\": [[[[[[[[[[[[[1]]]]]]]]]]]]]}", "nested too deeply"},
	};
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct route r = {.kind = ROUTE_NONE};
		char why[200];
		int result = answer(rows[i].direction, rows[i].json, &r, why);
		if (result != -EBADMSG || !strstr(why, rows[i].why))
			fail_msg("row %zu: %d, %s", i, result, why);
		assert_int_equal(r.kind, ROUTE_NONE); /* untouched */
	}
}

/* Characters that JSON allows as they are and libyaml's reader does not. */
static void odd_characters(void **state)
{
	struct route r;
	char why[200];
	(void)state;
	assert_int_equal(answer(CALL_MESSAGE,
				 "{\"actions\": [{\"send_text\": {\"text\": \"a\x7f\xc2\x85\xef\xbb\xbf\xe2\x80\xa8"
				 "\xef\xbf\xbf\\u001f\\t\xf0\x9f\x98\x80z\"}}]}",
				 &r, why),
		0);
	assert_string_equal(r.actions[0].text, "a\xef\xbb\xbf\xef\xbf\xbf \xf0\x9f\x98\x80z");
}

static void too_much(void **state)
{
	static char json[70000];
	const struct call_facts facts = {CALL_MESSAGE};
	const struct route asked = {.rule = "asked"};
	struct route r;
	char why[200];
	(void)state;
	memset(json, ' ', sizeof(json));
	memcpy(json, "{\"actions\": []}", 15);
	assert_int_equal(dialplan_read_answer(dp, &facts, json, 65536, &asked, &arena, &r, why, sizeof(why)), 0);
	assert_int_equal(dialplan_read_answer(dp, &facts, json, 65537, &asked, &arena, &r, why, sizeof(why)), -EBADMSG);
	assert_string_equal(why, "longer than 64 KiB");
	int n = snprintf(json, sizeof(json), "{\"actions\": [");
	for (int i = 0; i < 300; i++)
		n += snprintf(json + n, sizeof(json) - (size_t)n, "{},");
	assert_int_equal(
		dialplan_read_answer(dp, &facts, json, (size_t)n, &asked, &arena, &r, why, sizeof(why)), -EBADMSG);
	assert_non_null(strstr(why, "too many values"));
	n = snprintf(json, sizeof(json), "{\"actions\": [{}, {}, {}, {}, {}, {}, {}, {}, {}]}");
	assert_int_equal(
		dialplan_read_answer(dp, &facts, json, (size_t)n, &asked, &arena, &r, why, sizeof(why)), -EBADMSG);
	assert_non_null(strstr(why, "more than 8 actions"));
}

/* After an outbound call: a call back would follow itself for ever. */
static void no_circle(void **state)
{
	static const char json[] = "{\"actions\": [{\"call_back\": {\"gateways\": [\"pbx\"]}}]}";
	const struct call_facts facts = {CALL_ENDED, .call_direction = "outbound"};
	const struct route asked = {.rule = "asked"};
	struct route r;
	char why[200];
	(void)state;
	assert_int_equal(dialplan_read_answer(dp, &facts, json, sizeof(json) - 1, &asked, &arena, &r, why, sizeof(why)),
		-EBADMSG);
	assert_non_null(strstr(why, "calls back after calls of its own"));
}

int dialplan_tests_answer(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(good_answers, set_up, tear_down),
		cmocka_unit_test_setup_teardown(answers_refused, set_up, tear_down),
		cmocka_unit_test_setup_teardown(odd_characters, set_up, tear_down),
		cmocka_unit_test_setup_teardown(too_much, set_up, tear_down),
		cmocka_unit_test_setup_teardown(no_circle, set_up, tear_down),
	};
	return cmocka_run_group_tests_name("dialplan answer", tests, NULL, NULL);
}
