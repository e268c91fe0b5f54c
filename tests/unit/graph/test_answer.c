/* What Meta's answers mean, and which of them allow a second try. */
#include "graph/answer.h"
#include "lib/base/str.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct graph_answer read_answer(enum graph_verb verb, unsigned status, const char *body)
{
	struct graph_answer a;
	size_t n = strlen(body);
	char *exact = malloc(n ? n : 1); /* a read beyond the end shows */
	memcpy(exact, body, n);
	graph_answer_read(verb, status, exact, n, &a);
	free(exact);
	return a;
}

static void successes(void **state)
{
	static const struct {
		enum graph_verb verb;
		unsigned status;
		const char *body;
		bool ok, refused;
	} cases[] = {
		{GRAPH_ACCEPT, 200, "{\"messaging_product\":\"whatsapp\",\"success\":true}", true, false},
		{GRAPH_TERMINATE, 200, "{\"success\":true}", true, false},
		{GRAPH_TERMINATE, 200, "{\"success\":\"true\"}", true, false},
		{GRAPH_TERMINATE, 200, "{\"success\":false}", false, true},
		{GRAPH_TERMINATE, 200, "{}", false, false},
		{GRAPH_TERMINATE, 200, "", false, false},
		{GRAPH_TERMINATE, 200, "<html>", false, false},
		{GRAPH_TERMINATE, 200, "[1]", false, false},
		{GRAPH_TERMINATE, 500, "{\"success\":true}", false, false},
		{GRAPH_TERMINATE, 404, "<html>", false, true},
		{GRAPH_TERMINATE, 429, "", false, false},
		{GRAPH_TERMINATE, 503, "<html>", false, false},
		{GRAPH_TERMINATE, 302, "", false, false},
		{GRAPH_CONNECT, 200, "{\"messaging_product\":\"whatsapp\",\"calls\":[{\"id\":\"wacid.X\"}]}", true,
			false},
		{GRAPH_CONNECT, 200, "{\"calls\":[{\"id\":\"wacid.X\"}],\"unknown\":{}}", true, false},
		{GRAPH_CONNECT, 200, "{\"success\":true}", false, false},
		{GRAPH_CONNECT, 200, "{\"calls\":[]}", false, false},
		{GRAPH_CONNECT, 200, "{\"calls\":[{\"id\":\"\"}]}", false, false},
		{GRAPH_CONNECT, 200, "{\"calls\":[{\"id\":7}]}", false, false},
		{GRAPH_CONNECT, 200, "{\"calls\":{\"id\":\"x\"}}", false, false},
	};
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct graph_answer a = read_answer(cases[i].verb, cases[i].status, cases[i].body);
		assert_int_equal(a.ok, cases[i].ok);
		assert_int_equal(a.refused, cases[i].refused);
		assert_int_equal(a.code, 0);
		assert_int_equal(a.message[0] == '\0', a.ok);
		assert_string_equal(a.call_id, a.ok && cases[i].verb == GRAPH_CONNECT ? "wacid.X" : "");
	}
}

static void every_part_of_an_error(void **state)
{
	struct graph_answer a = read_answer(GRAPH_ACCEPT, 400,
		"{\"error\":{\"message\":\"(#100) Invalid "
		"parameter\",\"type\":\"OAuthException\",\"code\":100,\"error_subcode\":2494010,"
		"\"error_data\":{\"messaging_product\":\"whatsapp\",\"details\":\"fingerprint "
		"algorithm\"},\"fbtrace_id\":\"AbC\"}}");
	(void)state;
	assert_false(a.ok);
	assert_true(a.refused);
	assert_int_equal(a.code, 100);
	assert_int_equal(a.subcode, 2494010);
	assert_string_equal(a.message, "(#100) Invalid parameter");
	assert_string_equal(a.details, "fingerprint algorithm");
	assert_string_equal(a.trace_id, "AbC");
	assert_int_equal(a.call_state, GRAPH_CALL_UNTOLD);
}

static void parts_may_be_missing_or_odd(void **state)
{
	struct graph_answer a = read_answer(GRAPH_ACCEPT, 200, "{\"error\":{}}");
	(void)state;
	assert_true(a.refused && !a.ok && a.code == 0 && a.message[0]);
	a = read_answer(GRAPH_ACCEPT, 200, "{\"error\":\"bad gateway \\\"x\\\"\\n\"}");
	assert_string_equal(a.message, "bad gateway 'x' ");
	assert_true(a.refused);
	a = read_answer(GRAPH_ACCEPT, 500,
		"{\"error\":{\"code\":\"138004\",\"error_data\":\"text\",\"is_transient\":true,\"message\":5}}");
	assert_int_equal(a.code, 138004);
	assert_string_equal(a.details, "text");
	assert_true(a.transient);
	a = read_answer(
		GRAPH_ACCEPT, 400, "{\"error\":{\"code\":-3,\"error_user_title\":\"t\",\"error_user_msg\":\"m\"}}");
	assert_string_equal(a.details, "m");
	/* code 0 is a token fault as well */
	a = read_answer(GRAPH_ACCEPT, 401, "{\"error\":{\"code\":0,\"message\":\"AuthException\"}}");
	assert_int_equal(a.code, 190);
	assert_int_equal(graph_error_info(a.code)->class, GRAPH_ERR_TOKEN);
}

static void long_text_is_cut_at_a_character(void **state)
{
	char body[700] = "{\"error\":{\"code\":1,\"message\":\"";
	struct graph_answer a;
	(void)state;
	for (unsigned i = 0; i < 100; i++)
		strcat(body, "\xe2\x82\xac"); /* three bytes each */
	strcat(body, "\"}}");
	a = read_answer(GRAPH_ACCEPT, 400, body);
	assert_int_equal(strlen(a.message), 126);
	assert_memory_equal(a.message + 123, "\xe2\x82\xac", 4);
}

static void too_long_call_id_is_no_call_id(void **state)
{
	char body[700] = "{\"calls\":[{\"id\":\"";
	struct graph_answer a;
	(void)state;
	for (unsigned i = 0; i < 257; i++)
		strcat(body, "A");
	strcat(body, "\"}]}");
	a = read_answer(GRAPH_CONNECT, 200, body);
	assert_false(a.ok);
	assert_string_equal(a.call_id, "");
}

static void words_tell_the_state_of_the_call(void **state)
{
	static const struct {
		int code;
		const char *text;
		enum graph_call_state call_state;
	} cases[] = {
		{100, "User already terminated the call", GRAPH_CALL_ENDED},
		{138004, "CALL HAS ENDED", GRAPH_CALL_ENDED},
		{100, "Reject already in progress", GRAPH_CALL_ENDED},
		{100, "Cannot terminate a call that is not in progress", GRAPH_CALL_ENDED},
		{138999, "accept of a completed call", GRAPH_CALL_ENDED},
		{100, "Call already in progress", GRAPH_CALL_LIVE},
		{100, "call was already accepted", GRAPH_CALL_LIVE},
		{100, "Call has already been accepted", GRAPH_CALL_LIVE},
		{100, "Call has already been terminated", GRAPH_CALL_ENDED},
		{7777, "the call was terminated", GRAPH_CALL_ENDED}, /* a code that is new to us */
		{190, "The session has ended", GRAPH_CALL_UNTOLD},
		{4, "call ended", GRAPH_CALL_UNTOLD},
		{100, "Invalid parameter", GRAPH_CALL_UNTOLD},
		{138007, "The request could not be completed", GRAPH_CALL_UNTOLD},
		{100, "Object with ID '310' does not exist", GRAPH_CALL_UNTOLD},
	};
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(graph_text_call_state(cases[i].code, cases[i].text), cases[i].call_state);
}

static void table_is_sound(void **state)
{
	static const struct {
		int code;
		enum graph_error_class class;
	} some[] = {{190, GRAPH_ERR_TOKEN}, {3, GRAPH_ERR_PERMISSION}, {10, GRAPH_ERR_PERMISSION},
		{200, GRAPH_ERR_PERMISSION}, {250, GRAPH_ERR_PERMISSION}, {299, GRAPH_ERR_PERMISSION},
		{300, GRAPH_ERR_UNKNOWN}, {4, GRAPH_ERR_RATE}, {80007, GRAPH_ERR_RATE}, {130429, GRAPH_ERR_RATE},
		{613, GRAPH_ERR_RATE}, {100, GRAPH_ERR_PARAMETER}, {138008, GRAPH_ERR_PARAMETER},
		{138006, GRAPH_ERR_USER}, {138021, GRAPH_ERR_MEDIA}, {138004, GRAPH_ERR_TRANSIENT},
		{138007, GRAPH_ERR_TRANSIENT}, {131055, GRAPH_ERR_PERMISSION}, {0, GRAPH_ERR_UNKNOWN},
		{-1, GRAPH_ERR_UNKNOWN}, {999999, GRAPH_ERR_UNKNOWN}};
	int previous = 0;
	(void)state;
	for (size_t i = 0; i < sizeof(some) / sizeof(some[0]); i++) {
		const struct graph_error_info *info = graph_error_info(some[i].code);
		assert_int_equal(info->class, some[i].class);
		assert_true(info->name[0] && info->meaning[0]);
		assert_null(strpbrk(info->name, " \""));
	}
#define GRAPH_ERROR(code, class, name, meaning)                                                                        \
	assert_true(code > previous);                                                                                  \
	previous = code;
#include "graph/error_table.def"
#undef GRAPH_ERROR
}

static void second_tries(void **state)
{
	static const struct {
		enum graph_verb verb;
		int code;
		unsigned http_status, attempt;
		bool may;
	} cases[] = {
		{GRAPH_ACCEPT, 138004, 500, 1, true},
		{GRAPH_ACCEPT, 138004, 500, 2, false},
		{GRAPH_TERMINATE, 138007, 400, 1, true},
		{GRAPH_REJECT, 2, 200, 1, true},
		{GRAPH_ACCEPT, 0, 0, 1, true},
		{GRAPH_ACCEPT, 0, 503, 1, true},
		{GRAPH_ACCEPT, 0, 404, 1, false},
		{GRAPH_ACCEPT, 0, 200, 1, false},
		{GRAPH_ACCEPT, 3, 500, 1, false},
		{GRAPH_ACCEPT, 100, 500, 1, false},
		{GRAPH_ACCEPT, 190, 500, 1, false},
		{GRAPH_ACCEPT, 4, 429, 1, true},
		{GRAPH_ACCEPT, 777777, 500, 1, true},
		{GRAPH_ACCEPT, 777777, 400, 1, false},
		{GRAPH_CONNECT, 138004, 500, 1, false},
		{GRAPH_CONNECT, 0, 0, 1, false},
		{GRAPH_PRE_ACCEPT, 138004, 500, 1, false},
		{GRAPH_PRE_ACCEPT, 0, 0, 1, false},
	};
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(graph_may_retry(cases[i].verb, cases[i].code, cases[i].http_status, cases[i].attempt),
			cases[i].may);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(successes),
		cmocka_unit_test(every_part_of_an_error),
		cmocka_unit_test(parts_may_be_missing_or_odd),
		cmocka_unit_test(long_text_is_cut_at_a_character),
		cmocka_unit_test(too_long_call_id_is_no_call_id),
		cmocka_unit_test(words_tell_the_state_of_the_call),
		cmocka_unit_test(table_is_sound),
		cmocka_unit_test(second_tries),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
