/* What a tenant's token gets, of every request there is: what is another's is answered as what does not exist. A
 * request that is not in the table below fails the test: whoever adds one decides, and says so here. */
#include "admin/admin_internal.h"
#include "lib/base/counter.h"
#include "lib/base/str.h"
#include "tests/unit/admin/admin_rig.h"
#include "tests/unit/admin/api_shell.h"
#include "tests/unit/admin/fake_store.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include "tests/unit/lib/http/until.h"

#define ACME "Authorization: Bearer acme-token\r\n"

static const struct admin_token tokens[] = {{"acme", "acme-token"}, {"acme", "acme-second"}, {"other", "other-token"}};

static const struct admin_call calls[] = {
	{.id = "c-mine", .tenant = "acme", .state = "up", .direction = "inbound"},
	{.id = "c-theirs", .tenant = "other", .state = "up", .direction = "inbound"},
};
static const struct permission permissions[] = {
	{.number_id = "1", .user = "+447700900001"}, {.number_id = "2", .user = "+447700900002"}};
static const struct api_parked parked[] = {
	{.id = "p-mine", .tenant = "acme", .number = "", .user = "", .gateway = "", .uri = "", .source = ""},
	{.id = "p-theirs", .tenant = "other", .number = "", .user = "", .gateway = "", .uri = "", .source = ""},
};

static int set_up(void **state)
{
	struct admin_conf c = rig_conf();

	(void)state;
	memset(&rig, 0, sizeof(rig));
	shell_reset();
	shell.permissions = permissions;
	shell.permission_count = 2;
	shell.parked = parked;
	shell.parked_count = 2;
	c.api = shell_ops;
	c.tokens = tokens;
	c.token_count = sizeof(tokens) / sizeof(tokens[0]);
	assert_int_equal(loop_new(&rig.loop), 0);
	rig_up_with(&c);
	rig.calls = calls;
	rig.call_count = 2;
	return 0;
}

/* As somebody; the body of the answer, malloc'd. */
static unsigned ask_as(const char *token, const char *method, const char *target, const char *body, char **ret_body)
{
	char headers[1024];
	unsigned status;
	json_t *answer;

	snprintf(headers, sizeof(headers),
		"Authorization: Bearer %s\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n", token,
		strlen(body));
	rig_say(method, target, headers);
	raw_say(&rig.client, body);
	if (strstr(target, "c-theirs") || strstr(target, "c-nobody") || strstr(target, "history")) {
		/* The call log may be asked. */
		UNTIL(rig.loop, rig.client.closed || fake_store.asked_count > fake_store.answered_count);
		if (fake_store.asked_count > fake_store.answered_count)
			fake_store_answer(0, NULL, 0);
	}
	status = rig_hear(&answer);
	*ret_body = json_dumps(answer, JSON_SORT_KEYS);
	json_decref(answer);
	return status;
}

enum kind {
	FREE,     /* needs no token */
	OPERATOR, /* there is no such path */
	LIST,     /* "mine" is in it, "theirs" is not */
	BY_ID,    /* "c-theirs" and "c-nobody" are the same */
	SHELL,    /* the shell is told who asks */
	LOG,      /* the store is told who asks */
	EVENTS,   /* test_api_events.c */
};

static const struct row {
	const char *method, *path; /* of the table of routes */
	enum kind kind;
	const char *target, *body;
} rows[] = {
	{"GET", "/healthz", FREE, "/healthz", ""},
	{"GET", "/v1/calls", LIST, "/v1/calls", ""},
	{"POST", "/v1/calls", SHELL, "/v1/calls", "{\"to\":\"+447700900123\",\"gateway\":\"pbx\"}"},
	{"GET", "/v1/calls/{id}", BY_ID, "", ""},
	{"POST", "/v1/calls/{id}/hangup", BY_ID, "", ""},
	{"POST", "/v1/calls/{id}/transfer", SHELL, "/v1/calls/c-theirs/transfer", "{\"gateway\":\"pbx\"}"},
	{"POST", "/v1/calls/{id}/hold", SHELL, "/v1/calls/c-theirs/hold", "{\"on\":true}"},
	{"POST", "/v1/calls/{id}/mute", SHELL, "/v1/calls/c-theirs/mute", "{\"on\":true,\"side\":\"sip\"}"},
	{"POST", "/v1/calls/{id}/dtmf", SHELL, "/v1/calls/c-theirs/dtmf", "{\"digits\":\"1\",\"to\":\"sip\"}"},
	{"POST", "/v1/calls/{id}/recording", SHELL, "/v1/calls/c-theirs/recording", "{\"action\":\"start\"}"},
	{"POST", "/v1/calls/{id}/fork", OPERATOR, "/v1/calls/c-theirs/fork", "{\"action\":\"stop\"}"},
	{"GET", "/v1/history", LOG, "/v1/history", ""},
	{"GET", "/v1/counters", OPERATOR, "/v1/counters", ""},
	{"GET", "/v1/permissions", LIST, "/v1/permissions", ""},
	{"GET", "/v1/permissions/{user}", SHELL, "/v1/permissions/+447700900123", ""},
	{"POST", "/v1/permissions/{user}/request", SHELL, "/v1/permissions/+447700900123/request", ""},
	{"GET", "/v1/parked", LIST, "/v1/parked", ""},
	{"DELETE", "/v1/parked/{id}", SHELL, "/v1/parked/p-theirs", ""},
	{"GET", "/v1/registrations", OPERATOR, "/v1/registrations", ""},
	{"DELETE", "/v1/registrations/{id}", OPERATOR, "/v1/registrations/b-1", ""},
	{"GET", "/v1/gateways", OPERATOR, "/v1/gateways", ""},
	{"GET", "/v1/bans", OPERATOR, "/v1/bans", ""},
	{"DELETE", "/v1/bans/{source}", OPERATOR, "/v1/bans/192.0.2.1", ""},
	{"POST", "/v1/messages", SHELL, "/v1/messages", "{\"type\":\"text\",\"text\":\"x\",\"to\":\"+447700900123\"}"},
	{"POST", "/v1/reload", OPERATOR, "/v1/reload", ""},
	{"GET", "/v1/events", EVENTS, "/v1/events", ""},
	{"GET", "/v1/events/dead", EVENTS, "/v1/events/dead?receiver=crm", ""},
	{"POST", "/v1/events/revive", EVENTS, "/v1/events/revive", "{\"receiver\":\"crm\"}"},
};

static const struct row *row_of(const struct api_route *route)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (strcmp(rows[i].method, route->method) == 0 && strcmp(rows[i].path, route->path) == 0)
			return &rows[i];
	}
	fail_msg("%s %s: what does a tenant's token get? Decide in admin/routes.c, and say it in this table",
		route->method, route->path);
	return NULL;
}

static void check_operator(const struct row *row)
{
	char *body, *unknown, at[160];
	const char *place;

	assert_int_equal(ask_as("acme-token", row->method, row->target, row->body, &body), 404);
	assert_int_equal(ask_as("acme-token", row->method, "/v1/nowhere", row->body, &unknown), 404);
	/* The same but for the path that it repeats. */
	snprintf(at, sizeof(at), "\"%s\"", row->target);
	place = strstr(body, at);
	assert_non_null(place);
	assert_memory_equal(body, unknown, (size_t)(place - body));
	assert_string_equal(place + strlen(at), strstr(unknown, "\"/v1/nowhere\"") + strlen("\"/v1/nowhere\""));
	free(body);
	free(unknown);
}

static void check_list(const struct row *row)
{
	char *mine, *all;

	assert_int_equal(ask_as("acme-token", row->method, row->target, row->body, &mine), 200);
	assert_int_equal(ask_as(TOKEN, row->method, row->target, row->body, &all), 200);
	assert_true(strlen(mine) < strlen(all));
	assert_non_null(strstr(all, row->path[4] == 'p' && row->path[5] == 'e' ? "+447700900002" : "theirs"));
	assert_non_null(strstr(mine, row->path[4] == 'p' && row->path[5] == 'e' ? "+447700900001" : "mine"));
	assert_null(strstr(mine, "theirs"));
	assert_null(strstr(mine, "+447700900002"));
	free(mine);
	free(all);
}

static void blank(char *text, const char *word)
{
	for (char *at = strstr(text, word); at; at = strstr(text, word))
		memset(at, '#', strlen("c-nobody"));
}

static void put_id(char dst[128], const char *path, const char *id)
{
	snprintf(dst, 128, "%.*s%s%s", (int)strcspn(path, "{"), path, id, strchr(path, '}') + 1);
}

static void check_by_id(const struct row *row)
{
	char target[128], *theirs, *nobody;

	put_id(target, row->path, "c-theirs");
	assert_int_equal(ask_as("acme-token", row->method, target, row->body, &theirs), 404);
	put_id(target, row->path, "c-nobody");
	assert_int_equal(ask_as("acme-token", row->method, target, row->body, &nobody), 404);
	blank(theirs, "c-theirs");
	blank(nobody, "c-nobody");
	assert_string_equal(theirs, nobody);
	assert_string_equal(rig.hung_up, "");
	free(theirs);
	free(nobody);
}

static void check_shell(const struct row *row)
{
	char *body;

	(void)ask_as("acme-token", row->method, row->target, row->body, &body);
	free(body);
	assert_non_null(strstr(shell.asked, " tenant=acme"));
	(void)ask_as(TOKEN, row->method, row->target, row->body, &body);
	free(body);
	assert_null(strstr(shell.asked, "tenant="));
}

static void check_log(const struct row *row)
{
	char *body;

	assert_int_equal(ask_as("acme-second", row->method, row->target, row->body, &body), 200);
	assert_string_equal(fake_store.asked[fake_store.asked_count - 1].tenant, "acme");
	free(body);
	assert_int_equal(ask_as(TOKEN, row->method, row->target, row->body, &body), 200);
	assert_string_equal(fake_store.asked[fake_store.asked_count - 1].tenant, "");
	free(body);
}

static void test_every_request(void **state)
{
	(void)state;
	for (size_t i = 0; i < api_route_count; i++) {
		const struct api_route *route = &api_routes[i];
		const struct row *row = row_of(route);
		if (route->scope == API_SCOPE_UNDECIDED)
			fail_msg("%s %s has no scope", route->method, route->path);
		assert_int_equal(route->scope == API_SCOPE_OPERATOR, row->kind == OPERATOR);
		assert_int_equal(route->open, row->kind == FREE);
		switch (row->kind) {
		case OPERATOR: check_operator(row); break;
		case LIST: check_list(row); break;
		case BY_ID: check_by_id(row); break;
		case SHELL: check_shell(row); break;
		case LOG: check_log(row); break;
		case FREE:
		case EVENTS: break;
		}
	}
}

static void test_health_tells_strangers_no_calls(void **state)
{
	static const char *const others[] = {"", ACME, "Authorization: Bearer wrong\r\n"};
	json_t *body;

	(void)state;
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		rig_say("GET", "/healthz", others[i]);
		assert_int_equal(rig_hear(&body), 200);
		assert_string_equal(rig_text(body, "status"), "ok");
		assert_null(json_object_get(body, "calls"));
		json_decref(body);
	}
	assert_int_equal(rig_ask("GET", "/healthz", &body), 200);
	assert_int_equal(json_integer_value(json_object_get(body, "calls")), 2);
	json_decref(body);
}

static void test_wrong_tokens(void **state)
{
	static const char *const wrong[] = {
		"", "acme", "acme-toke", "acme-token ", "acme-tokenx", "ACME-TOKEN", "other"};
	uint64_t before = counter_sum(CNT_ADMIN_BAD_TOKEN);

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		char *body;
		assert_int_equal(ask_as(wrong[i], "GET", "/v1/calls", "", &body), 401);
		free(body);
	}
	assert_int_equal(counter_sum(CNT_ADMIN_BAD_TOKEN), before + sizeof(wrong) / sizeof(wrong[0]));
}

static void test_tokens_change(void **state)
{
	static const struct admin_token long_name[] = {{"a-name-longer-than-any-tenant-may-have-in-a-file", "x"}};
	char *body;

	(void)state;
	assert_int_equal(admin_set_tokens(rig.admin, long_name, 1), -EINVAL);
	assert_int_equal(ask_as("acme-second", "GET", "/v1/calls", "", &body), 200);
	free(body);
	assert_int_equal(admin_set_tokens(rig.admin, tokens, 1), 0);
	assert_int_equal(ask_as("acme-second", "GET", "/v1/calls", "", &body), 401);
	free(body);
	assert_int_equal(ask_as("acme-token", "GET", "/v1/calls", "", &body), 200);
	free(body);
}

static unsigned keyed(const char *token, const char *key)
{
	static const char body[] = "{\"to\":\"+447700900123\",\"gateway\":\"pbx\"}";
	char headers[512];
	unsigned claims = fake_store.key_count;

	(void)claims;
	snprintf(headers, sizeof(headers),
		"Authorization: Bearer %s\r\nIdempotency-Key: %s\r\nContent-Type: application/json\r\n"
		"Content-Length: %zu\r\n",
		token, key, sizeof(body) - 1);
	rig_say("POST", "/v1/calls", headers);
	raw_say(&rig.client, body);
	UNTIL(rig.loop, fake_store.claims_waiting || rig.client.closed);
	if (fake_store.claims_waiting)
		fake_store_answer_claim();
	return rig_hear(NULL);
}

/* The key that one has used is free for the other, and tells nothing of him. */
static void test_keys_are_everybodys_own(void **state)
{
	(void)state;
	assert_int_equal(keyed("acme-token", "k"), 202);
	assert_int_equal(raw_count(&rig.client, "Idempotency-Replayed"), 0);
	assert_int_equal(keyed("other-token", "k"), 202);
	assert_int_equal(raw_count(&rig.client, "Idempotency-Replayed"), 0);
	assert_int_equal(keyed(TOKEN, "k"), 202);
	assert_int_equal(raw_count(&rig.client, "Idempotency-Replayed"), 0);
	assert_int_equal(shell.count, 3);
	assert_int_equal(keyed("acme-second", "k"), 202); /* the same tenant */
	assert_int_equal(raw_count(&rig.client, "Idempotency-Replayed"), 1);
	assert_int_equal(shell.count, 3);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, rig_down)
	const struct CMUnitTest tests[] = {
		T(test_every_request),
		T(test_health_tells_strangers_no_calls),
		T(test_wrong_tokens),
		T(test_tokens_change),
		T(test_keys_are_everybodys_own),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
