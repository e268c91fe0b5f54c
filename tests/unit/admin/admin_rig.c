/* tests/unit/admin/admin_rig.c -- see admin_rig.h */
#include "tests/unit/admin/admin_rig.h"

#include "admin/admin_internal.h"
#include "admin/problem.h"
#include "lib/base/str.h"
#include "tests/unit/admin/fake_store.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include "tests/unit/lib/http/until.h"

struct rig rig;

const struct admin_call rig_two_calls[2] = {
	{.id = "c-1",
		.wacid = "wacid.one",
		.state = "talking",
		.direction = "inbound",
		.number = "+12025550123",
		.user = "+447700900123",
		.user_name = "A \"quoted\" \xf0\x9f\x98\x80",
		.gateway = "pbx",
		.rule = "all",
		.started_ms = 1000,
		.rang_ms = 2000,
		.answered_ms = 3000},
	{.id = "c-2", .wacid = "", .state = "ringing", .direction = "inbound", .user_name = "not \xff UTF-8"},
};

static void each_call(void (*fn)(const struct admin_call *call, void *fn_arg), void *fn_arg, void *arg)
{
	assert_ptr_equal(arg, &rig);
	for (size_t i = 0; i < rig.call_count; i++)
		fn(&rig.calls[i], fn_arg);
}

static int hangup(const char *id, const char *tenant, void *arg)
{
	assert_ptr_equal(arg, &rig);
	for (size_t i = 0; i < rig.call_count; i++) {
		if (strcmp(rig.calls[i].id, id) == 0 && (!*tenant || str_equal(rig.calls[i].tenant, tenant))) {
			str_copy(rig.hung_up, sizeof(rig.hung_up), id);
			return 0;
		}
	}
	return -ENOENT;
}

static size_t workers(struct admin_worker *ret, size_t cap, void *arg)
{
	(void)cap, (void)arg;
	ret[0] = (struct admin_worker){0, 0, 0};
	ret[1] = (struct admin_worker){17, 31, 5};
	return 2;
}

static size_t gauges(struct admin_gauge *ret, size_t cap, void *arg)
{
	(void)arg;
	assert_true(cap >= 2);
	ret[0] = (struct admin_gauge){"calls", 2};
	ret[1] = (struct admin_gauge){"media_ports", 1234567890123};
	return 2;
}

struct admin_conf rig_conf(void)
{
	struct admin_conf c = {.token = TOKEN, .ops = {each_call, hangup, gauges, &rig, workers}};

	assert_int_equal(addr_set(&c.listen, "127.0.0.1", 0), 0);
	return c;
}

int rig_up_with(const struct admin_conf *conf)
{
	rig.calls = rig_two_calls;
	rig.call_count = 2;
	assert_int_equal(admin_new(rig.loop, conf, &rig.admin), 0);
	admin_addr(rig.admin, &rig.addr);
	return 0;
}

int rig_up(void **state)
{
	const struct admin_conf c = rig_conf();

	(void)state;
	memset(&rig, 0, sizeof(rig));
	assert_int_equal(loop_new(&rig.loop), 0);
	return rig_up_with(&c);
}

int rig_down(void **state)
{
	(void)state;
	admin_free(rig.admin);
	loop_free(rig.loop);
	fake_store_reset();
	return 0;
}

void rig_say(const char *method, const char *target, const char *headers)
{
	char request[4096];

	raw_open(&rig.client, rig.loop, &rig.addr);
	str_copy(rig.method, sizeof(rig.method), method);
	str_copy(rig.target, sizeof(rig.target), target);
	snprintf(request, sizeof(request), "%s %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n%s\r\n", method, target,
		headers);
	raw_say(&rig.client, request);
}

void rig_say_body(const char *method, const char *target, const char *headers, const char *body)
{
	char all[2048];

	snprintf(all, sizeof(all), AUTH "%sContent-Type: application/json\r\nContent-Length: %zu\r\n", headers,
		strlen(body));
	rig_say(method, target, all);
	raw_say(&rig.client, body);
}

/* What the table does not say, docs/openapi.yaml does not say either. */
static void hold_against_table(unsigned status)
{
	char path[512], id[API_ID_MAX], allow[64], words[512], *word, *rest = words;
	const struct api_route *route;
	bool known = status == 401 || status == 500;

	str_copy_n(path, sizeof(path), rig.target, strcspn(rig.target, "?"));
	route = route_find(rig.method, path, id, sizeof(id), allow, sizeof(allow));
	if (!route)
		return;
	known |= status == route->ok;
	str_copy(words, sizeof(words), route->problems);
	while ((word = strsep(&rest, " ")) != NULL) {
		for (int p = 0; p < API_PROBLEM_COUNT; p++)
			known |= strcmp(problem_type((enum api_problem)p), word) == 0 &&
				 problem_status((enum api_problem)p) == status;
	}
	if (!known)
		fail_msg("%s %s: status %u is not in the route table", rig.method, rig.target, status);
}

unsigned rig_hear(json_t **ret_body)
{
	unsigned status = 0;

	UNTIL(rig.loop, rig.client.closed);
	rig.client.heard[rig.client.length] = '\0';
	assert_int_equal(sscanf(rig.client.heard, "HTTP/1.1 %u", &status), 1);
	hold_against_table(status);
	if (ret_body) {
		const char *body = strstr(rig.client.heard, "\r\n\r\n");
		assert_non_null(body);
		*ret_body = json_loads(body + 4, 0, NULL);
		assert_non_null(*ret_body);
	}
	raw_close(&rig.client);
	return status;
}

unsigned rig_ask(const char *method, const char *target, json_t **ret_body)
{
	rig_say(method, target, AUTH);
	return rig_hear(ret_body);
}

unsigned rig_post(const char *target, const char *body, json_t **ret_body)
{
	rig_say_body("POST", target, "", body);
	return rig_hear(ret_body);
}

const char *rig_text(const json_t *o, const char *key)
{
	const char *t = json_string_value(json_object_get(o, key));
	return t ? t : "(none)";
}
