/* Rules of tenants: each is asked about its own tenant's calls only, and names only what that tenant has. */
#include "tests/unit/dialplan/dialplan_tests.h"

#include <errno.h>
#include <string.h>

static bool known_gateway(const char *name, void *arg)
{
	(void)arg;
	return strcmp(name, "pbx-a") == 0 || strcmp(name, "pbx-b") == 0;
}

static bool known_cause(const char *name, void *arg)
{
	(void)arg;
	return strcmp(name, "closed") == 0;
}

static bool known_number(const char *e164, void *arg)
{
	(void)arg;
	return strcmp(e164, "+12025550101") == 0 || strcmp(e164, "+12025550102") == 0;
}

static bool known_tenant(const char *name, void *arg)
{
	(void)arg;
	return strcmp(name, "a") == 0 || strcmp(name, "b") == 0;
}

static bool has_gateway(const char *tenant, const char *gateway, void *arg)
{
	(void)arg;
	return strcmp(tenant, gateway + strlen("pbx-")) == 0;
}

static bool has_number(const char *tenant, const char *e164, void *arg)
{
	(void)arg;
	return tenant[0] - 'a' == e164[11] - '1';
}

static const struct dialplan_names names = {.known_gateway = known_gateway,
	.known_cause = known_cause,
	.known_number = known_number,
	.known_tenant = known_tenant,
	.tenant_has_gateway = has_gateway,
	.tenant_has_number = has_number};

static const char two_tenants[] =
	"- {name: b-first, tenant: b, match: {direction: inbound}, actions: [{bridge: {gateways: [pbx-b]}}]}\n"
	"- {name: a-in, tenant: a, match: {direction: inbound}, actions: [{bridge: {gateways: [pbx-a],"
	" headers: [{name: X-Tenant, value: \"{tenant}\"}]}}]}\n"
	"- {name: b-out, tenant: b, match: {direction: outbound}, actions: [{whatsapp: {number: \"+12025550102\"}}]}\n"
	"- {name: b-asks, tenant: b, match: {direction: message}, actions: [{ask: {url: \"https://x/\", fallback: "
	"b-says}}]}\n"
	"- {name: b-says, tenant: b, match: {direction: message}, actions: [{send_text: {text: no}}]}\n";

static struct dialplan *build(const char *yaml)
{
	struct conf_errors errors = {0};
	struct dialplan *dp = NULL;

	if (table_build_with(yaml, &names, &errors, &dp) < 0)
		fail_msg("%s", errors.count ? errors.text[0] : "no error text");
	return dp;
}

static void each_asks_its_own(void **state)
{
	static const struct {
		const char *tenant;
		enum call_direction direction;
		const char *rule; /* NULL: none */
	} rows[] = {
		{"a", CALL_INBOUND, "a-in"},
		{"b", CALL_INBOUND, "b-first"},
		{"a", CALL_OUTBOUND, NULL},
		{"b", CALL_OUTBOUND, "b-out"},
		{"a", CALL_MESSAGE, NULL},
		{"", CALL_INBOUND, NULL},
		{NULL, CALL_OUTBOUND, NULL},
		{"A", CALL_INBOUND, NULL},
		{"*", CALL_INBOUND, NULL},
	};
	struct dialplan *dp = build(two_tenants);
	struct arena arena;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct call_facts facts = {
			.direction = rows[i].direction, .tenant = rows[i].tenant, .to = "+12025550101"};
		struct route route;

		arena_init(&arena, 0);
		assert_int_equal(dialplan_route(dp, &facts, 0, &arena, &route), 0);
		if (rows[i].rule)
			assert_string_equal(route.rule, rows[i].rule);
		else
			assert_int_equal(route.kind, ROUTE_NONE);
		if (rows[i].rule && strcmp(rows[i].rule, "a-in") == 0)
			assert_string_equal(route.headers[0].value, "a");
		arena_done(&arena);
	}
	dialplan_free(dp);
}

static void answers_stay_within(void **state)
{
	static const char theirs[] = "{\"actions\":[{\"bridge\":{\"gateways\":[\"pbx-b\"]}}]}",
			  number[] = "{\"actions\":[{\"whatsapp\":{\"number\":\"+12025550102\"}}]}",
			  own[] = "{\"actions\":[{\"bridge\":{\"gateways\":[\"pbx-a\"]}}]}";
	const struct route asked = {.kind = ROUTE_ASK, .rule = "a-in"};
	struct call_facts facts = {.direction = CALL_INBOUND, .tenant = "a"};
	struct dialplan *dp = build(two_tenants);
	struct arena arena;
	struct route route;
	char why[200];

	(void)state;
	arena_init(&arena, 0);
	assert_int_equal(
		dialplan_read_answer(dp, &facts, theirs, strlen(theirs), &asked, &arena, &route, why, 200), -EBADMSG);
	assert_non_null(strstr(why, "another tenant's"));
	assert_int_equal(dialplan_read_answer(dp, &facts, own, strlen(own), &asked, &arena, &route, why, 200), 0);
	facts.direction = CALL_OUTBOUND;
	assert_int_equal(
		dialplan_read_answer(dp, &facts, number, strlen(number), &asked, &arena, &route, why, 200), -EBADMSG);
	assert_non_null(strstr(why, "another tenant's"));
	arena_done(&arena);
	dialplan_free(dp);
}

static void what_is_refused(void **state)
{
	static const struct {
		const char *yaml, *error;
	} rows[] = {
		{"- {name: x, actions: [{reject: {cause: closed}}]}\n", "dialplan[0].tenant: a rule names its tenant"},
		{"- {name: x, tenant: \"\", actions: [{reject: {cause: closed}}]}\n",
			"dialplan[0].tenant: a rule names its tenant"},
		{"- {name: x, tenant: \"*\", actions: [{reject: {cause: closed}}]}\n",
			"dialplan[0].tenant: no tenant has the name \"*\""},
		{"- {name: x, tenant: a, actions: [{bridge: {gateways: [pbx-a, pbx-b]}}]}\n",
			"dialplan[0].actions[0].bridge.gateways[1]: gateway \"pbx-b\" is another tenant's"},
		{"- {name: x, tenant: a, match: {direction: message}, actions: [{call_back: {gateways: [pbx-b]}}]}\n",
			"dialplan[0].actions[0].call_back.gateways[0]: gateway \"pbx-b\" is another tenant's"},
		{"- {name: x, tenant: a, match: {direction: outbound}, actions: [{whatsapp: {number: "
		 "\"+12025550102\"}}]}\n",
			"dialplan[0].actions[0].whatsapp.number: +12025550102 is another tenant's"},
		{"- {name: x, tenant: a, match: {direction: inbound}, actions: [{ask: {url: \"https://x/\", fallback: "
		 "y}}]}\n"
		 "- {name: y, tenant: b, actions: [{bridge: {gateways: [pbx-b]}}]}\n",
			"dialplan[0].actions[0].ask.fallback: no rule has the name \"y\""},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct conf_errors errors = {0};
		struct dialplan *dp = NULL;

		assert_int_equal(table_build_with(rows[i].yaml, &names, &errors, &dp), -EBADMSG);
		assert_int_equal(errors.count, 1);
		if (!strstr(errors.text[0], rows[i].error))
			fail_msg("%s\n     not: %s", errors.text[0], rows[i].error);
		conf_errors_done(&errors);
	}
}

static void without_tenants_there_are_none(void **state)
{
	struct conf_errors errors = {0};
	struct dialplan *dp = NULL;

	(void)state;
	assert_int_equal(table_build("- {name: x, tenant: a, actions: [{bridge: {gateways: [pbx]}}]}\n", &errors, &dp),
		-EBADMSG);
	assert_non_null(strstr(errors.text[0], "there is no section tenants"));
	conf_errors_done(&errors);
}

int dialplan_tests_tenants(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_asks_its_own),
		cmocka_unit_test(answers_stay_within),
		cmocka_unit_test(what_is_refused),
		cmocka_unit_test(without_tenants_there_are_none),
	};
	return cmocka_run_group_tests_name("tenants", tests, NULL, NULL);
}
