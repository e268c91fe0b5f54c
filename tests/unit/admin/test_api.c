/* What the API asks of the shell, and how answers come back. */
#include "admin/admin_internal.h"
#include "lib/base/str.h"
#include "lib/http/http_client.h"
#include "tests/support/oom.h"
#include "tests/unit/admin/admin_rig.h"
#include "tests/unit/admin/api_shell.h"
#include "tests/unit/admin/fake_store.h"
#include "tests/unit/admin/test_api_bodies.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include "tests/unit/lib/http/until.h"

#define DIAL "{\"to\":\"+447700900123\",\"gateway\":\"pbx\"}"

static int set_up(void **state)
{
	struct admin_conf c = rig_conf();

	(void)state;
	memset(&rig, 0, sizeof(rig));
	shell_reset();
	c.api = shell_ops;
	assert_int_equal(loop_new(&rig.loop), 0);
	return rig_up_with(&c);
}

/* ---- answers ---- */

static void test_without_a_shell_nothing_is_offered(void **state)
{
	static const struct {
		const char *method, *target, *body;
	} rows[] = {
		{"POST", "/v1/calls", DIAL},
		{"POST", "/v1/calls/c-1/transfer", "{\"gateway\":\"pbx\"}"},
		{"POST", "/v1/calls/c-1/hold", "{\"on\":true}"},
		{"POST", "/v1/calls/c-1/mute", "{\"on\":true,\"side\":\"sip\"}"},
		{"POST", "/v1/calls/c-1/dtmf", "{\"digits\":\"1\",\"to\":\"sip\"}"},
		{"POST", "/v1/calls/c-1/recording", "{\"action\":\"start\"}"},
		{"POST", "/v1/calls/c-1/fork", "{\"action\":\"stop\"}"},
		{"GET", "/v1/permissions", ""},
		{"GET", "/v1/permissions/+447700900123", ""},
		{"POST", "/v1/permissions/+447700900123/request", ""},
		{"GET", "/v1/parked", ""},
		{"DELETE", "/v1/parked/p-1", ""},
		{"GET", "/v1/registrations", ""},
		{"DELETE", "/v1/registrations/b-1", ""},
		{"GET", "/v1/gateways", ""},
		{"GET", "/v1/bans", ""},
		{"DELETE", "/v1/bans/192.0.2.1", ""},
		{"POST", "/v1/messages", "{\"type\":\"text\",\"text\":\"x\",\"to\":\"+447700900123\"}"},
		{"POST", "/v1/reload", ""},
		{"GET", "/v1/events", ""},
		{"GET", "/v1/events/dead?receiver=crm", ""},
		{"POST", "/v1/events/revive", "{\"receiver\":\"crm\"}"},
	};
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		json_t *body;
		rig_say_body(rows[i].method, rows[i].target, "", rows[i].body);
		assert_int_equal(rig_hear(&body), 501);
		assert_string_equal(rig_text(body, "type"), "/problems/not-offered");
		json_decref(body);
	}
}

static void test_answers_of_operations(void **state)
{
	static const struct {
		const char *target, *body;
		unsigned status;
		const char *answer;
	} rows[] = {
		{"/v1/calls", DIAL, 202, "{\"id\":\"c-new\",\"state\":\"dialing\"}"},
		{"/v1/calls/c-1/transfer", "{\"gateway\":\"pbx\"}", 202, "{\"id\":\"c-1\",\"transferring\":true}"},
		{"/v1/calls/c-1/hold", "{\"on\":true}", 200, "{\"id\":\"c-1\",\"on\":true}"},
		{"/v1/calls/c-1/mute", "{\"on\":false,\"side\":\"sip\"}", 200,
			"{\"id\":\"c-1\",\"on\":false,\"side\":\"sip\"}"},
		{"/v1/calls/c-1/recording", "{\"action\":\"pause\"}", 202, "{\"action\":\"pause\",\"id\":\"c-1\"}"},
		{"/v1/calls/c-1/fork", "{\"action\":\"start\",\"to\":\"127.0.0.1:9000\"}", 202,
			"{\"action\":\"start\",\"id\":\"c-1\"}"},
		{"/v1/calls/c-1/dtmf", "{\"digits\":\"1#\",\"to\":\"user\"}", 202,
			"{\"digits\":\"1#\",\"id\":\"c-1\",\"to\":\"user\"}"},
		{"/v1/messages", "{\"type\":\"text\",\"text\":\"x\",\"to\":\"+447700900123\"}", 201,
			"{\"wamid\":\"wamid.HBgM\"}"},
	};
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		json_t *body, *expected = json_loads(rows[i].answer, 0, NULL);
		assert_int_equal(rig_post(rows[i].target, rows[i].body, &body), rows[i].status);
		assert_true(json_equal(body, expected));
		json_decref(body);
		json_decref(expected);
	}
}

static void test_refusals_become_problems(void **state)
{
	static const struct {
		struct api_fault fault;
		unsigned status;
		const char *type;
	} rows[] = {
		{{.problem = API_NO_PERMISSION, .detail = "it expired", .until_ms = 1763708751123}, 403,
			"no-permission"},
		{{.problem = API_CONFLICT}, 409, "conflict"},
		{{.problem = API_TARGET_REFUSED, .detail = "not \xff UTF-8"}, 422, "target-refused"},
		{{.problem = API_LIMIT, .retry_after_s = 77}, 429, "limit-reached"},
		{{.problem = API_META_REFUSED, .meta_code = 131047, .meta_text = "Re-engagement message"}, 502,
			"meta-refused"},
		{{.problem = API_META_TIMEOUT}, 504, "meta-timeout"},
	};
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char type[64];
		json_t *body;
		shell.fault = &rows[i].fault;
		assert_int_equal(rig_post("/v1/calls", DIAL, &body), rows[i].status);
		assert_int_equal(raw_count(&rig.client, "application/problem+json"), 1);
		snprintf(type, sizeof(type), "/problems/%s", rows[i].type);
		assert_string_equal(rig_text(body, "type"), type);
		assert_string_equal(rig_text(body, "instance"), "/v1/calls");
		assert_true(strlen(rig_text(body, "title")) > 6 && strlen(rig_text(body, "detail")) > 6);
		assert_int_equal(json_integer_value(json_object_get(body, "status")), rows[i].status);
		assert_int_equal(json_integer_value(json_object_get(body, "meta_code")), rows[i].fault.meta_code);
		assert_int_equal(json_integer_value(json_object_get(body, "until_ms")), rows[i].fault.until_ms);
		assert_int_equal(raw_count(&rig.client, "Retry-After: 77\r\n"), rows[i].fault.retry_after_s == 77);
		json_decref(body);
	}
}

static void test_parked_dial_says_until_when(void **state)
{
	json_t *body;

	(void)state;
	shell.later = true;
	rig_say_body("POST", "/v1/calls", "", DIAL);
	UNTIL(rig.loop, shell.held_count == 1);
	api_done_originate(shell.held[0], "p-1", "parked", 1763708751123);
	assert_int_equal(rig_hear(&body), 202);
	assert_string_equal(rig_text(body, "state"), "parked");
	assert_int_equal(json_integer_value(json_object_get(body, "expires_ms")), 1763708751123);
	json_decref(body);
}

static void test_answer_after_client_or_interface_left(void **state)
{
	static const struct api_fault fault = {.problem = API_META_TIMEOUT};

	(void)state;
	shell.later = true;
	for (unsigned i = 0; i < 4; i++) {
		rig_say_body("POST", "/v1/calls", "", DIAL);
		UNTIL(rig.loop, shell.held_count == i + 1);
		raw_close(&rig.client);
	}
	loop_step(rig.loop, 50);
	api_done_originate(shell.held[0], "c-1", "dialing", 0);
	api_refuse(shell.held[1], &fault);
	rig.admin = admin_free(rig.admin);
	api_done_originate(shell.held[2], "c-1", "dialing", 0);
	api_refuse(shell.held[3], &fault);
}

/* ---- Idempotency-Key ---- */

#define KEY "Idempotency-Key: order-4711\r\n"

static unsigned post_with_key(const char *key, const char *body, json_t **ret_body)
{
	rig_say_body("POST", "/v1/calls", key, body);
	UNTIL(rig.loop, fake_store.claims_waiting || rig.client.closed);
	if (fake_store.claims_waiting)
		fake_store_answer_claim();
	return rig_hear(ret_body);
}

static void test_key_gives_the_same_answer_again(void **state)
{
	json_t *first, *second;

	(void)state;
	assert_int_equal(post_with_key(KEY, DIAL, &first), 202);
	assert_int_equal(raw_count(&rig.client, "Idempotency-Replayed"), 0);
	assert_int_equal(post_with_key(KEY, DIAL, &second), 202);
	assert_int_equal(raw_count(&rig.client, "Idempotency-Replayed: true\r\n"), 1);
	assert_int_equal(raw_count(&rig.client, "Content-Type: application/json\r\n"), 1);
	assert_true(json_equal(first, second));
	assert_int_equal(shell.count, 1);
	json_decref(first);
	json_decref(second);
	/* Another request under it. */
	assert_int_equal(post_with_key(KEY, "{\"to\":\"+447700900124\",\"gateway\":\"pbx\"}", &first), 422);
	assert_string_equal(rig_text(first, "type"), "/problems/key-reused");
	json_decref(first);
	rig_say_body("POST", "/v1/messages", KEY, "{\"type\":\"text\",\"text\":\"x\",\"to\":\"+447700900123\"}");
	UNTIL(rig.loop, fake_store.claims_waiting);
	fake_store_answer_claim();
	assert_int_equal(rig_hear(NULL), 422);
	assert_int_equal(shell.count, 1);
	/* Another key. */
	assert_int_equal(post_with_key("Idempotency-Key: 2\r\n", DIAL, NULL), 202);
	assert_int_equal(shell.count, 2);
}

static void test_refusal_is_kept_unless_of_the_moment(void **state)
{
	static const struct api_fault no = {.problem = API_NO_PERMISSION}, busy = {.problem = API_BUSY};
	json_t *body;

	(void)state;
	shell.fault = &busy;
	assert_int_equal(post_with_key(KEY, DIAL, NULL), 503);
	assert_int_equal(post_with_key(KEY, DIAL, NULL), 503);
	assert_int_equal(shell.count, 2); /* tried again */
	assert_int_equal(raw_count(&rig.client, "Idempotency-Replayed"), 0);
	shell.fault = &no;
	assert_int_equal(post_with_key(KEY, DIAL, NULL), 403);
	shell.fault = NULL;
	assert_int_equal(post_with_key(KEY, DIAL, &body), 403);
	assert_int_equal(raw_count(&rig.client, "Idempotency-Replayed: true\r\n"), 1);
	assert_int_equal(raw_count(&rig.client, "application/problem+json"), 1);
	assert_string_equal(rig_text(body, "type"), "/problems/no-permission");
	assert_int_equal(shell.count, 3);
	json_decref(body);
	/* A body that is refused claims nothing. */
	assert_int_equal(post_with_key("Idempotency-Key: 3\r\n", "{}", NULL), 400);
	assert_int_equal(post_with_key("Idempotency-Key: 3\r\n", DIAL, NULL), 202);
}

static void test_key_under_way(void **state)
{
	json_t *body;

	(void)state;
	shell.later = true;
	rig_say_body("POST", "/v1/calls", KEY, DIAL);
	UNTIL(rig.loop, fake_store.claims_waiting == 1);
	raw_close(&rig.client); /* while the store is asked */
	loop_step(rig.loop, 20);
	rig_say_body("POST", "/v1/calls", KEY, DIAL);
	assert_int_equal(rig_hear(NULL), 409);
	fake_store_answer_claim();
	UNTIL(rig.loop, shell.held_count == 1);
	rig_say_body("POST", "/v1/calls", KEY, DIAL);
	assert_int_equal(rig_hear(&body), 409);
	assert_string_equal(rig_text(body, "type"), "/problems/under-way");
	json_decref(body);
	api_done_originate(shell.held[0], "c-late", "dialing", 0);
	/* Its client had left, but the answer is there for the next one who asks. */
	assert_int_equal(post_with_key(KEY, DIAL, &body), 202);
	assert_string_equal(rig_text(body, "id"), "c-late");
	json_decref(body);
	assert_int_equal(shell.count, 1);
}

static void test_key_of_a_run_that_died(void **state)
{
	json_t *body;

	(void)state;
	shell.later = true;
	rig_say_body("POST", "/v1/calls", KEY, DIAL);
	UNTIL(rig.loop, fake_store.claims_waiting);
	fake_store_answer_claim();
	UNTIL(rig.loop, shell.held_count == 1);
	rig.admin = admin_free(rig.admin);
	api_done_originate(shell.held[0], "c-1", "dialing", 0);
	raw_close(&rig.client);
	struct admin_conf c = rig_conf();
	c.api = shell_ops;
	rig_up_with(&c);
	assert_int_equal(post_with_key(KEY, DIAL, &body), 409);
	assert_non_null(strstr(rig_text(body, "detail"), "restarted"));
	assert_int_equal(shell.count, 1); /* nothing is dialled twice */
	json_decref(body);
}

static void test_store_that_cannot_keep_keys(void **state)
{
	(void)state;
	fake_store.refuse = -EAGAIN;
	assert_int_equal(post_with_key(KEY, DIAL, NULL), 503);
	fake_store.refuse = 0;
	fake_store.fail_claims = -EIO;
	assert_int_equal(post_with_key(KEY, DIAL, NULL), 503);
	fake_store.fail_claims = 0;
	assert_int_equal(shell.count, 0);
	assert_int_equal(post_with_key(KEY, DIAL, NULL), 202);
	assert_int_equal(rig_post("/v1/calls", DIAL, NULL), 202); /* none is needed */
}

static void test_bad_keys(void **state)
{
	char longest[200], header[240];

	(void)state;
	assert_int_equal(post_with_key("Idempotency-Key: a b\r\n", DIAL, NULL), 400);
	assert_int_equal(post_with_key("Idempotency-Key: caf\xc3\xa9\r\n", DIAL, NULL), 400);
	memset(longest, 'k', sizeof(longest));
	longest[128] = '\0';
	snprintf(header, sizeof(header), "Idempotency-Key: %s\r\n", longest);
	assert_int_equal(post_with_key(header, DIAL, NULL), 400);
	longest[127] = '\0';
	snprintf(header, sizeof(header), "Idempotency-Key: %s\r\n", longest);
	assert_int_equal(post_with_key(header, DIAL, NULL), 202);
	assert_int_equal(shell.count, 1);
}

static void test_interface_gone_while_the_key_is_claimed(void **state)
{
	(void)state;
	rig_say_body("POST", "/v1/calls", KEY, DIAL);
	UNTIL(rig.loop, fake_store.claims_waiting);
	rig.admin = admin_free(rig.admin);
	fake_store_answer_claim();
	assert_int_equal(shell.count, 0);
	raw_close(&rig.client);
}

/* ---- permissions and parked dials ---- */

static const struct permission five[] = {
	{.number_id = "2", .user = "+447700900125", .status = PERMISSION_NONE},
	{.number_id = "1",
		.user = "+447700900123",
		.status = PERMISSION_TEMPORARY,
		.source = PERMISSION_FROM_USER,
		.expires_ms = 1763708751123,
		.checked_ms = 1763708751000,
		.requested_ms = {1763708750000, 0}},
	{.number_id = "1", .user = "US.1", .status = PERMISSION_PERMANENT},
	{.number_id = "2", .user = "+447700900123", .status = PERMISSION_NONE, .request_pending = true},
	{.number_id = "1", .user = "+447700900124", .status = PERMISSION_UNKNOWN},
};

static void assert_users(const json_t *body, const char *expected)
{
	const json_t *list = json_object_get(body, "permissions"), *p;
	char text[512];
	struct strbuf sb;
	size_t i;

	strbuf_init(&sb, text, sizeof(text));
	json_array_foreach(list, i, p)
	{
		strbuf_printf(&sb, "%s%s/%s", i ? " " : "", rig_text(p, "user"),
			strcmp(rig_text(p, "number"), "+12025550123") == 0 ? "1" : "2");
	}
	assert_string_equal(text, expected);
}

static void test_permissions_in_pages(void **state)
{
	char target[400], seen[400] = "";
	json_t *body, *p;
	int pages = 0;

	(void)state;
	shell.permissions = five;
	shell.permission_count = 5;
	assert_int_equal(rig_ask("GET", "/v1/permissions", &body), 200);
	assert_users(body, "+447700900123/1 +447700900123/2 +447700900124/1 +447700900125/2 US.1/1");
	assert_true(json_is_null(json_object_get(body, "next")));
	p = json_array_get(json_object_get(body, "permissions"), 0);
	assert_string_equal(rig_text(p, "status"), "temporary");
	assert_string_equal(rig_text(p, "source"), "user");
	assert_int_equal(json_integer_value(json_object_get(p, "expires_ms")), 1763708751123);
	assert_int_equal(json_array_size(json_object_get(p, "requested_ms")), 1);
	json_decref(body);
	/* Two at a time: each once, in order. */
	snprintf(target, sizeof(target), "/v1/permissions?limit=2");
	for (const char *next = ""; next; pages++) {
		assert_int_equal(rig_ask("GET", target, &body), 200);
		size_t i;
		json_array_foreach(json_object_get(body, "permissions"), i, p)
		{
			size_t used = strlen(seen);
			snprintf(seen + used, sizeof(seen) - used, "%s ", rig_text(p, "user"));
		}
		next = json_string_value(json_object_get(body, "next"));
		if (next)
			snprintf(target, sizeof(target), "/v1/permissions?limit=2&cursor=%s", next);
		json_decref(body);
	}
	assert_int_equal(pages, 3);
	assert_string_equal(seen, "+447700900123 +447700900123 +447700900124 +447700900125 US.1 ");
}

static void test_permission_filters(void **state)
{
	static const struct {
		const char *query, *users;
	} rows[] = {
		{"number=12025550123", "+447700900123/1 +447700900124/1 US.1/1"},
		{"user=%2B44%207700%20900123", "+447700900123/1 +447700900123/2"},
		{"user=US.1", "US.1/1"},
		{"status=none", "+447700900123/2 +447700900125/2"},
		{"status=none&user=447700900123", "+447700900123/2"},
		{"status=permanent&number=442071838750", ""},
	};
	static const char *const bad[] = {"number=x", "status=maybe", "status=", "limit=0x", "limit=1001", "cursor=!",
		"cursor=", "cursor=AAAA", "cursor=MQo",
		"user=0123456789012345678901234567890123456789012345678901234567890123456789"};
	char target[200];
	json_t *body;

	(void)state;
	shell.permissions = five;
	shell.permission_count = 5;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		snprintf(target, sizeof(target), "/v1/permissions?%s", rows[i].query);
		assert_int_equal(rig_ask("GET", target, &body), 200);
		assert_users(body, rows[i].users);
		json_decref(body);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		snprintf(target, sizeof(target), "/v1/permissions?%s", bad[i]);
		assert_int_equal(rig_ask("GET", target, NULL), 400);
	}
}

static void test_one_permission(void **state)
{
	json_t *body;

	(void)state;
	shell.permissions = &five[1];
	assert_int_equal(rig_ask("GET", "/v1/permissions/+447700900123", &body), 200);
	assert_string_equal(shell.asked, "permission user_number=+447700900123 refresh=no");
	assert_string_equal(rig_text(body, "status"), "temporary");
	json_decref(body);
	assert_int_equal(rig_ask("GET", "/v1/permissions/US.1?number=%2B12025550123&refresh=true", NULL), 200);
	assert_string_equal(shell.asked, "permission number=+12025550123 user_id=US.1 refresh=yes");
	assert_int_equal(rig_ask("GET", "/v1/permissions/US.1?refresh=1", NULL), 400);
	assert_int_equal(rig_ask("GET", "/v1/permissions/US.1?number=x", NULL), 400);
	assert_int_equal(rig_ask("GET", "/v1/permissions/a%20b", NULL), 400);
}

static void test_gateways(void **state)
{
	json_t *body, *g;

	(void)state;
	assert_int_equal(rig_ask("GET", "/v1/gateways", &body), 200);
	g = json_array_get(json_object_get(body, "gateways"), 0);
	assert_string_equal(rig_text(g, "state"), "unwatched");
	assert_true(json_is_null(json_object_get(g, "registered")));
	assert_int_equal(json_integer_value(json_object_get(g, "calls")), 2);
	g = json_array_get(json_object_get(body, "gateways"), 1);
	assert_string_equal(rig_text(g, "state"), "down");
	assert_string_equal(rig_text(g, "tenant"), "acme");
	assert_int_equal(json_integer_value(json_object_get(g, "options_code")), 408);
	assert_int_equal(json_integer_value(json_object_get(g, "down_since_ms")), 5);
	assert_true(json_is_false(json_object_get(g, "registered")));
	json_decref(body);
}

static void test_parked_dials(void **state)
{
	static const struct api_parked two[] = {
		{"p-1", "", "+12025550123", "+447700900123", "pbx", "", "api", 1000, 2000},
		{"p-2", "", "+442071838750", "US.1", "", "sip:a@b", "escalate", 1000, 2000},
	};
	static const struct api_fault none = {.problem = API_NOT_FOUND, .detail = "no such parked dial"};
	json_t *body, *p;

	(void)state;
	shell.parked = two;
	shell.parked_count = 2;
	assert_int_equal(rig_ask("GET", "/v1/parked", &body), 200);
	assert_int_equal(json_array_size(json_object_get(body, "parked")), 2);
	p = json_array_get(json_object_get(body, "parked"), 1);
	assert_string_equal(rig_text(p, "uri"), "sip:a@b");
	assert_true(json_is_null(json_object_get(p, "gateway")));
	json_decref(body);
	assert_int_equal(rig_ask("GET", "/v1/parked?user=US.1&number=442071838750", &body), 200);
	assert_int_equal(json_array_size(json_object_get(body, "parked")), 1);
	json_decref(body);
	assert_int_equal(rig_ask("GET", "/v1/parked?number=x", NULL), 400);
	assert_int_equal(rig_ask("DELETE", "/v1/parked/p-1", &body), 200);
	assert_string_equal(shell.asked, "cancel id=p-1");
	assert_true(json_is_true(json_object_get(body, "cancelled")));
	json_decref(body);
	shell.fault = &none;
	assert_int_equal(rig_ask("DELETE", "/v1/parked/p-9", NULL), 404);
}

/* ---- registrations and bans ---- */

static void test_registrations(void **state)
{
	static const struct api_fault none = {.problem = API_NOT_FOUND};
	json_t *body, *g;

	(void)state;
	assert_int_equal(rig_ask("GET", "/v1/registrations", &body), 200);
	assert_int_equal(json_array_size(json_object_get(body, "registrations")), 2);
	g = json_array_get(json_object_get(body, "registrations"), 0);
	assert_string_equal(rig_text(g, "contact"), "sip:10@192.0.2.1;rinstance=a");
	assert_true(json_is_null(json_object_get(g, "path")));
	assert_true(json_real_value(json_object_get(g, "q")) == 0.5);
	json_decref(body);
	assert_int_equal(rig_ask("GET", "/v1/registrations?user=desk2", &body), 200);
	assert_int_equal(json_array_size(json_object_get(body, "registrations")), 1);
	json_decref(body);
	assert_int_equal(rig_ask("DELETE", "/v1/registrations/b-1", &body), 200);
	assert_string_equal(shell.asked, "drop id=b-1");
	assert_true(json_is_true(json_object_get(body, "removed")));
	json_decref(body);
	shell.fault = &none;
	assert_int_equal(rig_ask("DELETE", "/v1/registrations/b-9", NULL), 404);
}

static void test_bans(void **state)
{
	static const struct api_fault none = {.problem = API_NOT_FOUND};
	json_t *body, *b;

	(void)state;
	assert_int_equal(rig_ask("GET", "/v1/bans", &body), 200);
	b = json_array_get(json_object_get(body, "bans"), 0);
	assert_string_equal(rig_text(b, "source"), "2001:db8::/64");
	assert_int_equal(json_integer_value(json_object_get(b, "left_s")), 12);
	assert_int_equal(json_integer_value(json_object_get(b, "dropped")), 3);
	json_decref(body);
	assert_int_equal(rig_ask("DELETE", "/v1/bans/2001%3Adb8%3A%3A", &body), 200);
	assert_string_equal(shell.asked, "lift source=2001:db8::");
	json_decref(body);
	shell.fault = &none;
	assert_int_equal(rig_ask("DELETE", "/v1/bans/192.0.2.1", NULL), 404);
}

/* ---- odds and ends ---- */

static void test_cursors(void **state)
{
	char cursor[CURSOR_MAX], one[64], two[64];

	(void)state;
	cursor_write(cursor, "1763708751123", "c-1\xff?>");
	assert_null(strpbrk(cursor, "+/="));
	assert_int_equal(cursor_read(cursor, one, sizeof(one), two, sizeof(two)), 0);
	assert_string_equal(one, "1763708751123");
	assert_string_equal(two, "c-1\xff?>");
	assert_int_equal(cursor_read(cursor, one, 5, two, sizeof(two)), -EINVAL);
	assert_int_equal(cursor_read(cursor, one, sizeof(one), two, 3), -EINVAL);
	for (size_t n = strlen(cursor); n-- > 0;) { /* cut anywhere: refused, or another one that is harmless */
		cursor[n] = '\0';
		(void)cursor_read(cursor, one, sizeof(one), two, sizeof(two));
	}
	assert_int_equal(cursor_read("", one, sizeof(one), two, sizeof(two)), -EINVAL);
}

static void test_every_allocation_fails_once(void **state)
{
	bool failed = true;

	(void)state;
	for (unsigned n = 1; failed; n++) {
		fake_store.key_count = 0;
		rig_say_body("POST", "/v1/calls", KEY,
			"{\"to\":\"+447700900123\",\"gateway\":\"pbx\",\"headers\":[{\"name\":\"X-A\",\"value\":\"1\"}]"
			"}");
		oom_fail_nth(n);
		for (int i = 0; i < 2000 && !rig.client.closed; i++) {
			loop_step(rig.loop, 1);
			if (fake_store.claims_waiting)
				fake_store_answer_claim();
		}
		failed = oom_off();
		rig.client.heard[rig.client.length] = '\0';
		assert_true(rig.client.closed);
		assert_true(rig.client.length == 0 || raw_count(&rig.client, "HTTP/1.1 503") ||
			    raw_count(&rig.client, "HTTP/1.1 500") || raw_count(&rig.client, "HTTP/1.1 202"));
		raw_close(&rig.client);
	}
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, rig_down)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_without_a_shell_nothing_is_offered, rig_up, rig_down),
		T(test_bodies_reach_the_shell),
		T(test_bad_bodies_name_the_key),
		T(test_answers_of_operations),
		T(test_refusals_become_problems),
		T(test_parked_dial_says_until_when),
		T(test_answer_after_client_or_interface_left),
		T(test_key_gives_the_same_answer_again),
		T(test_refusal_is_kept_unless_of_the_moment),
		T(test_key_under_way),
		T(test_key_of_a_run_that_died),
		T(test_store_that_cannot_keep_keys),
		T(test_bad_keys),
		T(test_interface_gone_while_the_key_is_claimed),
		T(test_permissions_in_pages),
		T(test_permission_filters),
		T(test_one_permission),
		T(test_parked_dials),
		T(test_gateways),
		T(test_registrations),
		T(test_bans),
		cmocka_unit_test(test_cursors),
		T(test_every_allocation_fails_once),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
