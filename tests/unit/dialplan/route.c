/* Calls through a table. */
#include "tests/unit/dialplan/dialplan_tests.h"

#include "lib/base/str.h"

#include <errno.h>
#include <string.h>

static const char shop[] = "- name: blocked\n"
			   "  match: {from: \"^\\\\+999\"}\n"
			   "  actions: [{reject: {cause: not_allowed}}]\n"
			   "- name: orders\n"
			   "  match: {direction: inbound, to: \"(202) 555-0123\", payload: \"^order-\\\\d+$\"}\n"
			   "  actions: [{bridge: {gateways: [backup, pbx], user: \"700\", headers: [{name: X-Order, "
			   "value: \"{payload}\"},\n"
			   "             {name: X-Who, value: \"{name} <{from}>\"}]}}]\n"
			   "- name: sales\n"
			   "  match: {direction: inbound, to: \"+1 202-555-0123\", from: \"^\\\\+44\", hours: "
			   "\"Mon-Fri 09:00-17:30 Europe/London\"}\n"
			   "  actions: [{bridge: {gateways: [pbx], user: \"600\", caller_id: \"{from}\", display_name: "
			   "\"{name}\", timeout: 25}}]\n"
			   "- name: sales-numbers\n"
			   "  match: {direction: inbound, to: \"^\\\\+1202555\", name: \"^Ana\"}\n"
			   "  actions: [{bridge: {gateways: [pbx]}}]\n"
			   "- name: closed\n"
			   "  match: {direction: inbound}\n"
			   "  actions: [{reject: {cause: closed}}]\n";

static void first_match_wins(void **state)
{
	static const struct {
		enum call_direction direction;
		const char *to, *from, *name, *payload;
		int hour; /* UTC on Friday 2026-07-03: London opens at 8 */
		const char *rule;
	} rows[] = {
		{CALL_INBOUND, "+12025550123", "+447700900123", "Ana", "", 8, "sales"},
		{CALL_INBOUND, "12025550123", "+447700900123", "Ana", NULL, 16,
			"sales"}, /* punctuation does not count */
		{CALL_INBOUND, "+12025550123", "+447700900123", "Ana", NULL, 7, "sales-numbers"},
		{CALL_INBOUND, "+12025550123", "+447700900123", "Bob", NULL, 7, "closed"},
		{CALL_INBOUND, "+12025550999", "+447700900123", "Ana", NULL, 8, "sales-numbers"},
		{CALL_INBOUND, "+12025550123", "+9991", "Ana", "", 8, "blocked"},
		{CALL_OUTBOUND, "+12025550123", "+9991", "Ana", "", 8, NULL}, /* no direction: inbound */
		{CALL_OUTBOUND, "+12025550123", "+447700900123", "Ana", "", 8, NULL},
		{CALL_MESSAGE, "+12025550123", "+447700900123", "Ana", "", 8, NULL},
		{CALL_INBOUND, "+12025550123", "", "Ana", "", 8, "sales-numbers"}, /* caller known by id only */
		{CALL_INBOUND, "+12025550123", NULL, NULL, NULL, 8, "closed"},
		{CALL_INBOUND, NULL, NULL, NULL, NULL, 8, "closed"},
		{CALL_INBOUND, "+2025550123", "+1", "x", "order-17", 8, "orders"},
		{CALL_INBOUND, "+2025550123", "+1", "x", "order-17\n", 8, "closed"},
		{CALL_INBOUND, "+2025550123", "+1", "x", "order-\xff", 8, "closed"}, /* not UTF-8: matches nothing */
		{CALL_INBOUND, "not a number", "+1", "x", "order-17", 8, "closed"},
	};
	struct dialplan *dp = table(shop);
	struct arena arena;
	(void)state;
	arena_init(&arena, 0);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct call_facts facts = {.direction = rows[i].direction,
			.to = rows[i].to,
			.from = rows[i].from,
			.name = rows[i].name,
			.payload = rows[i].payload};
		struct route route;
		memset(&route, 0x5a, sizeof(route));
		assert_int_equal(dialplan_route(dp, &facts, utc_ms(2026, 7, 3, rows[i].hour, 0), &arena, &route), 0);
		if (rows[i].rule ? !route.rule || strcmp(route.rule, rows[i].rule) != 0 : route.kind != ROUTE_NONE)
			fail_msg("row %zu: %s", i, route.rule ? route.rule : "no rule");
	}
	arena_done(&arena);
	dialplan_free(dp);
}

static void a_bridge_in_full(void **state)
{
	const struct call_facts facts = {.to = "+12025550123", .from = "+447700900123", .name = "Ana\r\nVia: x"};
	struct dialplan *dp = table(shop);
	struct arena arena;
	struct route route;
	(void)state;
	arena_init(&arena, 0);
	assert_int_equal(dialplan_route(dp, &facts, utc_ms(2026, 7, 3, 12, 0), &arena, &route), 0);
	dialplan_free(dp); /* the route outlives it */
	assert_int_equal(route.kind, ROUTE_BRIDGE);
	assert_string_equal(route.rule, "sales");
	assert_int_equal(route.gateway_count, 1);
	assert_string_equal(route.gateways[0], "pbx");
	assert_string_equal(route.user, "600");
	assert_string_equal(route.caller_id, "+447700900123");
	assert_string_equal(route.display_name, "AnaVia: x");
	assert_int_equal(route.timeout_s, 25);
	assert_int_equal(route.header_count, 0);
	assert_null(route.cause);
	arena_done(&arena);
}

static void gateways_and_headers_in_order(void **state)
{
	const struct call_facts facts = {.to = "+2025550123", .from = "+1", .name = "Bo", .payload = "order-7"};
	struct dialplan *dp = table(shop);
	struct arena arena;
	struct route route;
	(void)state;
	arena_init(&arena, 0);
	assert_int_equal(dialplan_route(dp, &facts, 0, &arena, &route), 0);
	dialplan_free(dp);
	assert_int_equal(route.gateway_count, 2);
	assert_string_equal(route.gateways[0], "backup");
	assert_string_equal(route.gateways[1], "pbx");
	assert_int_equal(route.header_count, 2);
	assert_string_equal(route.headers[0].name, "X-Order");
	assert_string_equal(route.headers[0].value, "order-7");
	assert_string_equal(route.headers[1].value, "Bo <+1>");
	assert_string_equal(route.user, "700");
	assert_string_equal(route.caller_id, ""); /* the rule says nothing: the caller's number */
	arena_done(&arena);
}

/* Each gateway comes first in as many draws as its weight says; one of weight 0 only after the others. */
static void gateways_by_weight(void **state)
{
	static const char yaml[] =
		"- name: a\n  actions: [{bridge: {gateways: [backup, pbx], weights: [1, 3], failover: [closed]}}]\n";
	static const char zero[] = "- name: a\n  actions: [{bridge: {gateways: [backup, pbx], weights: [0, 2]}}]\n";
	struct dialplan *dp = table(yaml), *never = table(zero);
	unsigned pbx = 0;

	(void)state;
	for (uint64_t random = 0; random < 100; random++) {
		const struct call_facts facts = {.random = random};
		struct arena arena;
		struct route r;
		arena_init(&arena, 0);
		assert_int_equal(dialplan_route(dp, &facts, 0, &arena, &r), 0);
		assert_int_equal(r.gateway_count, 2);
		assert_string_not_equal(r.gateways[0], r.gateways[1]);
		assert_int_equal(r.failover.count, 1);
		assert_string_equal(r.failover.causes[0], "closed");
		pbx += strcmp(r.gateways[0], "pbx") == 0;
		assert_int_equal(dialplan_route(never, &facts, 0, &arena, &r), 0);
		assert_string_equal(r.gateways[0], "pbx");
		assert_string_equal(r.gateways[1], "backup");
		arena_done(&arena);
	}
	assert_int_equal(pbx, 75);
	dialplan_free(dp);
	dialplan_free(never);
}

static void gateways_at_once(void **state)
{
	static const char yaml[] = "- name: a\n  actions: [{bridge: {gateways: [backup, pbx], mode: parallel, "
				   "timeouts: [7, 0], timeout: 20}}]\n";
	static const char early[] = "- name: a\n  actions: [{bridge: {gateways: [backup, pbx], weights: [0, 1], "
				    "timeouts: [7, 3], accept_on: "
				    "early_media}}]\n";
	struct dialplan *dp = table(yaml), *heard = table(early);
	const struct call_facts facts = {.random = 5};
	struct arena arena;
	struct route r;

	(void)state;
	arena_init(&arena, 0);
	assert_int_equal(dialplan_route(dp, &facts, 0, &arena, &r), 0);
	assert_true(r.parallel);
	assert_false(r.accept_early);
	assert_int_equal(r.timeouts_s[0], 7);
	assert_int_equal(r.timeouts_s[1], 0);
	assert_int_equal(r.timeout_s, 20);
	assert_int_equal(dialplan_route(heard, &facts, 0, &arena, &r), 0);
	assert_false(r.parallel);
	assert_true(r.accept_early);
	assert_string_equal(r.gateways[0], "pbx");
	assert_int_equal(r.timeouts_s[0], 3); /* each keeps its own, however they are drawn */
	assert_int_equal(r.timeouts_s[1], 7);
	arena_done(&arena);
	dialplan_free(dp);
	dialplan_free(heard);
}

static void a_rejection(void **state)
{
	const struct call_facts facts = {.to = "+1", .from = "+2"};
	struct dialplan *dp = table(shop);
	struct arena arena;
	struct route route;
	(void)state;
	arena_init(&arena, 0);
	assert_int_equal(dialplan_route(dp, &facts, 0, &arena, &route), 0);
	dialplan_free(dp);
	assert_int_equal(route.kind, ROUTE_REJECT);
	assert_string_equal(route.cause, "closed");
	assert_int_equal(route.gateway_count, 0);
	arena_done(&arena);
}

static void tell(const char *rule, bool matched, const char *why, void *arg)
{
	struct strbuf *told = arg;
	strbuf_printf(told, "%s%c %s\n", rule, matched ? '+' : '-', why);
}

static void explained(void **state)
{
	struct dialplan *dp = table(shop);
	struct call_facts facts = {.to = "+12025550123", .from = "+447700900123", .name = "Bob"};
	char text[1024];
	struct strbuf told;
	(void)state;
	strbuf_init(&told, text, sizeof(text));
	dialplan_explain(dp, &facts, utc_ms(2026, 7, 4, 12, 0), tell, &told);
	assert_string_equal(text, "blocked- the caller's number does not match\n"
				  "orders- the called number differs\n"
				  "sales- outside the hours\n"
				  "sales-numbers- the caller's name does not match\n"
				  "closed+ every condition holds\n");
	strbuf_init(&told, text, sizeof(text));
	facts = (struct call_facts){.to = "+19995550123", .from = "\xff"};
	dialplan_explain(dp, &facts, 0, tell, &told);
	assert_string_equal(text, "blocked- a text to compare is not UTF-8\n"
				  "orders- the called number differs\n"
				  "sales- the called number differs\n"
				  "sales-numbers- the called number does not match\n"
				  "closed+ every condition holds\n");
	strbuf_init(&told, text, sizeof(text));
	facts = (struct call_facts){.direction = CALL_OUTBOUND, .to = "+12025550123"};
	dialplan_explain(dp, &facts, 0, tell, &told);
	assert_string_equal(text, "blocked- the direction differs\n"
				  "orders- the direction differs\n"
				  "sales- the direction differs\n"
				  "sales-numbers- the direction differs\n"
				  "closed- the direction differs\n");
	dialplan_free(dp);
}

static void a_small_arena_is_out_of_memory(void **state)
{
	const struct call_facts facts = {.to = "+2025550123", .from = "+1", .name = "Bo", .payload = "order-7"};
	struct dialplan *dp = table(shop);
	(void)state;
	for (size_t limit = 1;; limit += 16) {
		struct arena arena;
		struct route route = {.kind = ROUTE_NONE};
		arena_init(&arena, limit);
		int r = dialplan_route(dp, &facts, 0, &arena, &route);
		arena_done(&arena);
		if (r == 0)
			break;
		assert_int_equal(r, -ENOMEM);
		assert_int_equal(route.kind, ROUTE_NONE); /* untouched */
		assert_true(limit < 4096);
	}
	dialplan_free(dp);
}

int dialplan_tests_route(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(first_match_wins),
		cmocka_unit_test(a_bridge_in_full),
		cmocka_unit_test(gateways_and_headers_in_order),
		cmocka_unit_test(gateways_by_weight),
		cmocka_unit_test(gateways_at_once),
		cmocka_unit_test(a_rejection),
		cmocka_unit_test(explained),
		cmocka_unit_test(a_small_arena_is_out_of_memory),
	};
	return cmocka_run_group_tests_name("dialplan route", tests, NULL, NULL);
}
