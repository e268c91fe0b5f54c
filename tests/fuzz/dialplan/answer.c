/* tests/fuzz/dialplan/answer.c
 *
 * The first byte says what was asked about, the rest is what a service answered. Refused with a reason, or a route that
 * fits the question.
 */
#include "dialplan/dialplan_conf.h"
#include "lib/base/assert.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool known(const char *name, void *arg)
{
	(void)arg;
	return name[0] != '!';
}

static void check_route(const struct call_facts *facts, const struct route *r)
{
	const bool afterwards = facts->direction == CALL_MESSAGE || facts->direction == CALL_ENDED;

	ASSERT(strcmp(r->rule, "asked") == 0);
	ASSERT(afterwards == (r->kind == ROUTE_ACTIONS));
	ASSERT(r->kind != ROUTE_NONE && r->kind != ROUTE_ASK);
	ASSERT(r->kind != ROUTE_BRIDGE || (facts->direction == CALL_INBOUND && r->gateway_count > 0));
	ASSERT(r->kind != ROUTE_WHATSAPP || facts->direction == CALL_OUTBOUND);
	ASSERT(r->kind != ROUTE_REJECT || r->cause[0]);
	ASSERT(r->action_count <= ROUTE_ACTIONS_MAX);
	for (size_t i = 0; i < r->header_count; i++)
		ASSERT(!strpbrk(r->headers[i].value, "\r\n"));
	for (size_t i = 0; i < r->action_count; i++) {
		const struct route_action *a = &r->actions[i];
		ASSERT(a->kind != ROUTE_SEND_TEXT || strlen(a->text) <= 4 * 4096);
		ASSERT(a->kind != ROUTE_CALL_BUTTON || strlen(a->button_text) <= 4 * 20);
		ASSERT(a->kind != ROUTE_CALL_BACK || a->call_back.gateway_count > 0);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct dialplan_names names = {
		.known_gateway = known, .known_cause = known, .known_number = known};
	struct call_facts facts = {.from = "+44", .name = "Ana\r\n", .text = "hi", .call_direction = "inbound"};
	const struct route asked = {.kind = ROUTE_ASK, .rule = "asked"};
	struct route route = {.kind = ROUTE_NONE};
	struct conf_errors errors = {0};
	struct dialplan *dp;
	struct arena arena;
	char why[120] = "";

	if (size == 0)
		return 0;
	facts.direction = (enum call_direction)(data[0] & 3);
	ASSERT(dialplan_build(NULL, 0, &names, NULL, &errors, &dp) == 0);
	arena_init(&arena, 0);
	int r = dialplan_read_answer(
		dp, &facts, (const char *)data + 1, size - 1, &asked, &arena, &route, why, sizeof(why));
	dialplan_free(dp);
	ASSERT(r == 0 || (r == -EBADMSG && why[0] && route.kind == ROUTE_NONE));
	if (r == 0)
		check_route(&facts, &route);
	arena_done(&arena);
	return 0;
}
