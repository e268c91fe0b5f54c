/* Plans of users: what is read, and what is refused with which words. */
#include "tools/metasim/plan.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static int read_text(struct plan *p, const char *json, char *why, size_t why_cap)
{
	char path[] = "/tmp/metasim-plan-XXXXXX";
	int fd = mkstemp(path), r;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, json, strlen(json)), strlen(json));
	close(fd);
	r = plan_read(p, path, why, why_cap);
	unlink(path);
	return r;
}

static void reads_users_and_their_steps(void **state)
{
	struct plan p;
	char why[200] = "";

	(void)state;
	plan_init(&p);
	assert_int_equal(
		read_text(&p,
			"{\"serve\": true, \"users\": [{\"number\": \"447700900123\", \"permission\": \"temporary\","
			" \"on_request\": \"accept_permanent\", \"on_call\": \"ignore\", \"talk_ms\": 7,"
			" \"steps\": [{\"text\": \"call me\", \"at_ms\": 5},"
			" {\"on\": \"call_button\", \"call\": true, \"payload\": \"p\", \"times\": 3}]},"
			" {\"user_id\": \"GB.7\"}], \"outbound\": {\"dtls\": \"actpass\", \"lose\": \"connect\"},"
			" \"limits\": {\"unanswered\": 2}, \"graph\": {\"connect\": {\"drop\": true}},"
			" \"templates\": [{\"name\": \"t\", \"parameters\": 2}]}",
			why, sizeof(why)),
		0);
	assert_int_equal(p.calls, 0);
	assert_true(p.serve);
	assert_int_equal(p.user_count, 2);
	assert_int_equal(p.users[0].permission, PLAN_TEMPORARY);
	assert_int_equal(p.users[0].on_request, PLAN_ACCEPT_FOR_GOOD);
	assert_int_equal(p.users[0].on_call, PLAN_LET_RING);
	assert_int_equal(p.users[0].talk_ms, 7);
	assert_int_equal(p.users[0].step_count, 2);
	assert_int_equal(p.users[0].steps[0].deed, PLAN_DEED_TEXT);
	assert_string_equal(p.users[0].steps[0].text, "call me");
	assert_int_equal(p.users[0].steps[1].deed, PLAN_DEED_CALL);
	assert_int_equal(p.users[0].steps[1].on, PLAN_ON_CALL_BUTTON);
	assert_int_equal(p.users[0].steps[1].times, 3);
	assert_string_equal(p.users[1].user_id, "GB.7");
	assert_int_equal(p.outbound.dtls, PLAN_DTLS_ACTPASS);
	assert_int_equal(p.outbound.lose, PLAN_LOSE_CONNECT);
	assert_int_equal(p.limits.unanswered, 2);
	assert_int_equal(p.limits.calls_per_day, 100);
	assert_true(p.graph[PLAN_CONNECT].drop);
	assert_false(p.graph[PLAN_ACCEPT].drop);
	assert_int_equal(p.templates[0].parameters, 2);
	assert_string_equal(p.templates[0].language, "en_US");
	plan_done(&p);
}

static void calls_of_the_plan_stay_when_given(void **state)
{
	struct plan p;
	char why[200];

	(void)state;
	plan_init(&p);
	assert_int_equal(read_text(&p, "{\"talk_ms\": 5}", why, sizeof(why)), 0);
	assert_int_equal(p.calls, 1);
	assert_int_equal(read_text(&p, "{\"calls\": 2, \"users\": []}", why, sizeof(why)), 0);
	assert_int_equal(p.calls, 2);
	plan_done(&p);
}

static void refuses_what_it_does_not_know(void **state)
{
	static const struct {
		const char *json, *why;
	} rows[] = {
		{"{\"user\": 5}", "\"user\": wrong kind of value"},
		{"{\"usrs\": []}", "\"usrs\": no such key"},
		{"{\"users\": {}}", "\"users\": an array was expected"},
		{"{\"users\": [5]}", "an object was expected"},
		{"{\"users\": [{}]}", "\"users\": every user needs a number of digits, or a user_id"},
		{"{\"users\": [{\"number\": \"+44\"}]}",
			"\"users\": every user needs a number of digits, or a user_id"},
		{"{\"users\": [{\"number\": \"44\", \"permission\": \"maybe\"}]}",
			"\"permission\": wrong kind of value"},
		{"{\"users\": [{\"number\": \"44\", \"steps\": 1}]}", "\"steps\": an array was expected"},
		{"{\"users\": [{\"number\": \"44\", \"steps\": [{}]}]}",
			"a step needs exactly one deed (text, button, reply, call ...)"},
		{"{\"users\": [{\"number\": \"44\", \"steps\": [{\"text\": \"a\", \"grant\": true}]}]}",
			"a step needs exactly one deed (text, button, reply, call ...)"},
		{"{\"users\": [{\"number\": \"44\", \"steps\": [{\"text\": \"a\"}, {\"txt\": 1}]}]}",
			"\"txt\": no such key"},
		{"{\"outbound\": {\"dtls\": \"holdconn\"}}", "\"dtls\": wrong kind of value"},
		{"{\"limits\": {\"calls_per_day\": 1001}}", "\"calls_per_day\": at most 1000"},
		{"{\"graph\": {\"calls\": {}}}", "graph: \"calls\" is not a request of the Graph API"},
		{"{\"templates\": 5}", "\"templates\": an array of at most 8 was expected"},
		{"{\"webhook\": []}", "an object was expected"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct plan p;
		char why[200] = "";
		plan_init(&p);
		assert_int_equal(read_text(&p, rows[i].json, why, sizeof(why)), -EINVAL);
		assert_string_equal(why, rows[i].why);
		plan_done(&p);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {cmocka_unit_test(reads_users_and_their_steps),
		cmocka_unit_test(calls_of_the_plan_stay_when_given), cmocka_unit_test(refuses_what_it_does_not_know)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
