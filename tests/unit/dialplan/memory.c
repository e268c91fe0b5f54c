/* The n-th allocation fails, for every n. GLib and PCRE2 are shared libraries and keep theirs. */
#include "tests/support/oom.h"
#include "tests/unit/dialplan/dialplan_tests.h"

#include <errno.h>
#include <string.h>

static const char text[] =
	"dialplan:\n"
	"- name: sales\n"
	"  match: {direction: inbound, to: \"+12025550123\", from: \"^\\\\+44\", name: a, payload: "
	"b, hours: \"Mon-Sun 00:00-24:00\"}\n"
	"  actions: [{bridge: {gateways: [pbx, backup], user: \"6{to}\", caller_id: \"{from}\", "
	"display_name: \"{name}\",\n"
	"             headers: [{name: X-A, value: \"a{payload}b\"}, {name: X-B, value: b}]}}]\n"
	"- {name: rest, match: {to: \"^1\"}, actions: [{reject: {cause: closed}}]}\n"
	"- name: out\n"
	"  match: {direction: outbound, gateway: desk}\n"
	"  actions: [{whatsapp: {number: \"+12025550123\", user: \"{to}\", on_no_permission: request,\n"
	"    request_text: a, request_template: {name: a, language: en, parameters: [\"{name}\"]}}}]\n"
	"- name: asked\n"
	"  match: {direction: outbound}\n"
	"  actions: [{ask: {url: \"https://x/\", fallback: out}}]\n"
	"- name: call-me\n"
	"  match: {direction: message, keywords: [call, falar], text: \"^a\", reply_id: \"^$\"}\n"
	"  actions: [{send_text: {text: \"{text}\"}}, {send_template: {name: a, language: en}},\n"
	"    {call_button: {text: a, button: \"{name}\", payload: b}}, {call_back: {gateways: [pbx],\n"
	"      headers: [{name: X-A, value: \"{text}\"}]}}]\n"
	"- {name: over, match: {direction: ended, status: missed, call: inbound},\n"
	"   actions: [{send_text: {text: \"{duration}\"}}]}\n";

static struct table_yaml *load(const char *yaml, struct conf_file **ret_file)
{
	struct conf_errors errors = {0};
	struct table_yaml *data = NULL;
	assert_int_equal(conf_load_text("t", yaml, strlen(yaml), &table_schema, ret_file, (void **)&data, &errors), 0);
	return data;
}

static void building(void **state)
{
	struct conf_file *file;
	struct table_yaml *data = load(text, &file);
	unsigned rounds = 0;
	(void)state;
	for (unsigned n = 1; oom_next(n); n++, rounds++) {
		struct conf_errors errors = {0};
		struct dialplan *dp = NULL;
		int r = dialplan_build(data->dialplan, data->dialplan_count, &table_names, file, &errors, &dp);
		bool failed = oom_off();
		assert_int_equal(r, failed ? -ENOMEM : 0);
		assert_int_equal(errors.count + errors.dropped, 0);
		assert_true(failed ? !dp : dp != NULL);
		dialplan_free(dp);
		conf_errors_done(&errors);
	}
	assert_true(rounds > 5);
	conf_data_free(&table_schema, data);
	conf_file_free(file);
}

/* Also while there are mistakes to report. */
static void building_what_is_wrong(void **state)
{
	struct conf_file *file;
	struct table_yaml *data = load("dialplan:\n- {name: a, match: {from: \"(\", hours: x}}\n- {name: a}\n", &file);
	(void)state;
	for (unsigned n = 1; oom_next(n); n++) {
		struct conf_errors errors = {0};
		struct dialplan *dp = NULL;
		int r = dialplan_build(data->dialplan, data->dialplan_count, &table_names, file, &errors, &dp);
		oom_off();
		assert_true(r == -ENOMEM || r == -EBADMSG);
		assert_null(dp);
		conf_errors_done(&errors);
	}
	conf_data_free(&table_schema, data);
	conf_file_free(file);
}

static void routing(void **state)
{
	static char payload[400], name[400];
	struct call_facts facts = {.to = "+12025550123", .from = "+447700900123", .name = name, .payload = payload};
	struct conf_file *file;
	struct table_yaml *data = load(text, &file);
	struct conf_errors errors = {0};
	struct dialplan *dp = NULL;
	unsigned rounds = 0;
	(void)state;
	memset(payload, 'b', sizeof(payload) - 1);
	memset(name, 'a', sizeof(name) - 1);
	assert_int_equal(dialplan_build(data->dialplan, data->dialplan_count, &table_names, file, &errors, &dp), 0);
	for (unsigned n = 1; oom_next(n); n++, rounds++) {
		struct arena arena;
		struct route route = {.kind = ROUTE_NONE};
		arena_init(&arena, 0);
		int r = dialplan_route(dp, &facts, utc_ms(2026, 7, 3, 12, 0), &arena, &route);
		bool failed = oom_off();
		assert_int_equal(r, failed ? -ENOMEM : 0);
		assert_int_equal(route.kind, failed ? ROUTE_NONE : ROUTE_BRIDGE);
		arena_done(&arena);
	}
	assert_true(rounds >= 2);
	dialplan_free(dp);
	conf_data_free(&table_schema, data);
	conf_file_free(file);
}

static void routing_messages(void **state)
{
	const struct call_facts facts = {CALL_MESSAGE, .name = "Ana", .text = "Áh, call!"};
	struct conf_file *file;
	struct table_yaml *data = load(text, &file);
	struct conf_errors errors = {0};
	struct dialplan *dp = NULL;
	unsigned rounds = 0;
	(void)state;
	assert_int_equal(dialplan_build(data->dialplan, data->dialplan_count, &table_names, file, &errors, &dp), 0);
	for (unsigned n = 1; oom_next(n); n++, rounds++) {
		struct arena arena;
		struct route route = {.kind = ROUTE_NONE};
		arena_init(&arena, 0);
		int r = dialplan_route(dp, &facts, 0, &arena, &route);
		bool failed = oom_off();
		assert_int_equal(r, failed ? -ENOMEM : 0);
		assert_int_equal(route.kind, failed ? ROUTE_NONE : ROUTE_ACTIONS);
		arena_done(&arena);
	}
	assert_true(rounds > 4);
	dialplan_free(dp);
	conf_data_free(&table_schema, data);
	conf_file_free(file);
}

static void reading_answers(void **state)
{
	static const char *const answers[] = {
		"{\"actions\": [{\"send_text\": {\"text\": \"{text}\"}}, {\"call_back\": {\"gateways\": [\"pbx\"]}}]}",
		"{\"actions\": [{\"send_text\": {\"text\": \"{x}\"}}, {\"call_back\": {\"gateways\": [\"nope\"]}}]}",
		"{\"actions\": [1], \"x\": 2}",
	};
	const struct call_facts facts = {CALL_MESSAGE, .text = "hi"};
	const struct route asked = {.rule = "asked"};
	struct dialplan *dp = table("  []\n");
	(void)state;
	for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
		for (unsigned n = 1; oom_next(n); n++) {
			struct arena arena;
			struct route route = {.kind = ROUTE_NONE};
			char why[100] = "";
			arena_init(&arena, 0);
			int r = dialplan_read_answer(
				dp, &facts, answers[i], strlen(answers[i]), &asked, &arena, &route, why, sizeof(why));
			bool failed = oom_off();
			/* A message that finds no room is not the answer's fault, but the answer is as bad. */
			assert_true(failed ? r == -ENOMEM || (i > 0 && r == -EBADMSG) : r == (i ? -EBADMSG : 0));
			assert_int_equal(route.kind, r == 0 ? ROUTE_ACTIONS : ROUTE_NONE);
			arena_done(&arena);
		}
	}
	dialplan_free(dp);
}

int dialplan_tests_memory(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(building),
		cmocka_unit_test(building_what_is_wrong),
		cmocka_unit_test(routing),
		cmocka_unit_test(routing_messages),
		cmocka_unit_test(reading_answers),
	};
	return cmocka_run_group_tests_name("dialplan memory", tests, NULL, NULL);
}
