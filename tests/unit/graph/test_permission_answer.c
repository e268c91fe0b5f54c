/* What GET call_permissions says: each case is a body and the line it becomes. */
#include "graph/messages_internal.h"
#include "lib/base/str.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define TEMPORARY(rest) "{\"messaging_product\":\"whatsapp\",\"permission\":{\"status\":\"temporary\"" rest "}"
#define REQUEST(may, limits)                                                                                           \
	"{\"action_name\":\"send_call_permission_request\",\"can_perform_action\":" may ",\"limits\":[" limits "]}"
#define CALL(may, limits) "{\"action_name\":\"start_call\",\"can_perform_action\":" may ",\"limits\":[" limits "]}"
#define LIMIT(period, usage, expires)                                                                                  \
	"{\"time_period\":\"" period "\",\"max_allowed\":1,\"current_usage\":" usage expires "}"

static const struct {
	const char *body, *line;
} cases[] = {
	/* as in Meta's sample */
	{TEMPORARY(",\"expiration_time\":1790604800") ",\"actions\":[" REQUEST(
		 "false", LIMIT("PT24H", "1", ",\"limit_expiration_time\":1790086400") "," LIMIT(
				  "P7D", "1", "")) "," CALL("true",
		 "{\"time_period\":\"PT24H\",\"max_allowed\":100,\"current_usage\":3}") "]}",
		"temporary until 1790604800; call yes, 3; request no until 1790086400, 1 1"},
	/* the other name, texts for numbers, other ways to write the periods */
	{TEMPORARY(",\"expiration\":\"1790604800\"") ",\"actions\":[" CALL(
		 "false", LIMIT("P1D", "\"100\"", ",\"limit_expiration_time\":\"1790000001\"")) "," REQUEST("false",
		 LIMIT("P1D", "1", ",\"limit_expiration_time\":1") "," LIMIT(
			 "P1W", "2", ",\"limit_expiration_time\":7")) "]}",
		"temporary until 1790604800; call no until 1790000001, 100; request no until 7, 1 2"},
	{"{\"permission\":{\"status\":\"permanent\",\"expiration_time\":5}}",
		"permanent; call yes, 0; request no, 0 0 -"},
	{"{\"permission\":{\"status\":\"no_permission\"}}", "none; call no, 0; request yes, 0 0 -"},
	{"{\"permission\":{\"status\":\"no_permission\"},\"actions\":[]}", "none; call no, 0; request yes, 0 0 -"},
	{"{\"permission\":{\"status\":\"no_permission\"},\"actions\":[{\"action_name\":\"new\"}]}",
		"none; call no, 0; request yes, 0 0 -"},
	{"{\"permission\":{\"status\":\"no_permission\"},\"actions\":[" CALL("true", "") "]}",
		"none; call yes, 0; request yes, 0 0"},
	/* what may be done has no limit to wait for */
	{TEMPORARY("") ",\"actions\":[" CALL("true", LIMIT("PT24H", "1", ",\"limit_expiration_time\":9")) "]}",
		"temporary; call yes, 1; request no, 0 0"},
	/* types that are not what they should be */
	{TEMPORARY(",\"expiration_time\":-1,\"expiration\":{}") ",\"actions\":{}}",
		"temporary; call yes, 0; request no, 0 0 -"},
	{TEMPORARY(
		 ",\"expiration_time\":\"x\"") ",\"actions\":[7,[],{\"action_name\":7},{\"action_name\":\"start_call\","
					       "\"can_perform_action\":\"x\",\"limits\":[7,{\"time_period\":7,"
					       "\"current_usage\":5},{\"time_period\":\"PT24H\",\"current_usage\":"
					       "99999999999}]}]}",
		"temporary; call yes, 4294967295; request no, 0 0"},
};

static void read_answer(const char *body, struct graph_answer *a, struct graph_permission_result *res)
{
	size_t n = strlen(body);
	char *exact = malloc(n ? n : 1); /* a read beyond the end shows */
	memcpy(exact, body, n);
	graph_permission_answer_read(200, exact, n, a, res);
	free(exact);
}

static void put_until(struct strbuf *sb, uint64_t s)
{
	if (s)
		strbuf_printf(sb, " until %llu", (unsigned long long)s);
}

static void answers_become_results(void **state)
{
	static const char *const names[] = {"none", "temporary", "permanent"};
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct graph_permission_result res;
		struct graph_answer a;
		struct strbuf sb;
		char line[256];
		read_answer(cases[i].body, &a, &res);
		assert_true(a.ok);
		strbuf_init(&sb, line, sizeof(line));
		strbuf_put(&sb, names[res.status]);
		put_until(&sb, res.expires_s);
		strbuf_printf(&sb, "; call %s", res.may_call ? "yes" : "no");
		put_until(&sb, res.call_limit_expires_s);
		strbuf_printf(&sb, ", %u; request %s", res.calls_24h, res.may_request ? "yes" : "no");
		put_until(&sb, res.request_limit_expires_s);
		strbuf_printf(&sb, ", %u %u%s", res.requests_24h, res.requests_7d, res.has_actions ? "" : " -");
		assert_string_equal(line, cases[i].line);
	}
}

static void what_is_no_answer(void **state)
{
	static const char *const bad[] = {"", "[]", "{}", "{\"permission\":7}", "{\"permission\":{\"status\":null}}",
		"{\"permission\":{\"status\":\"TEMPORARY\"}}"};
	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct graph_permission_result res;
		struct graph_answer a;
		read_answer(bad[i], &a, &res);
		assert_false(a.ok || a.refused);
		assert_true(a.message[0]);
		assert_false(res.may_call || res.may_request || res.has_actions);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answers_become_results),
		cmocka_unit_test(what_is_no_answer),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
