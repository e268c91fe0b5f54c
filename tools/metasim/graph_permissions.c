/* tools/metasim/graph_permissions.c
 *
 * GET call_permissions: Meta, "User call permissions". Times are integers here; the documentation calls the end of a
 * permission `expiration` in a table and `expiration_time` in the sample: the sample's name is sent.
 */
#include "lib/http/http_server.h"
#include "tools/metasim/meta_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DAY_S = 24 * 3600, WEEK_S = 7 * DAY_S };

static json_t *limit(const char *period, unsigned max, unsigned used, uint64_t first_ms, uint64_t window_s)
{
	json_t *l = json_pack(
		"{s:s, s:i, s:i}", "time_period", period, "max_allowed", (int)max, "current_usage", (int)used);

	if (used >= max)
		json_object_set_new(
			l, "limit_expiration_time", json_integer((json_int_t)(first_ms / 1000) + (json_int_t)window_s));
	return l;
}

static json_t *actions(struct meta_user *u)
{
	const struct plan *p = u->meta->plan;
	uint64_t day_ms, week_ms, call_ms;
	unsigned day = meta_user_requests(u, DAY_S, &day_ms), week = meta_user_requests(u, WEEK_S, &week_ms);
	unsigned calls = meta_user_calls(u, &call_ms);
	char why[160];

	return json_pack("[{s:s, s:b, s:[o, o]}, {s:s, s:b, s:[o]}]", "action_name", "send_call_permission_request",
		"can_perform_action", meta_user_may_be_asked(u) == 0, "limits",
		limit("PT24H", p->limits.requests_per_day, day, day_ms, DAY_S),
		limit("P7D", p->limits.requests_per_week, week, week_ms, WEEK_S), "action_name", "start_call",
		"can_perform_action", meta_user_may_call(u, why, sizeof(why)) == 0, "limits",
		limit("PT24H", p->limits.calls_per_day, calls, call_ms, DAY_S));
}

/* A number that cannot be called gives no_permission, not an error. */
static json_t *no_permission(void)
{
	return json_pack("{s:s, s:{s:s}, s:[{s:s, s:b, s:[]}, {s:s, s:b, s:[]}]}", "messaging_product", "whatsapp",
		"permission", "status", "no_permission", "actions", "action_name", "send_call_permission_request",
		"can_perform_action", 0, "limits", "action_name", "start_call", "can_perform_action", 0, "limits");
}

static json_t *permission_of(struct meta_user *u)
{
	static const char *const words[] = {"no_permission", "temporary", "permanent"};
	enum plan_permission has = meta_user_permission(u);
	json_t *permission = json_pack("{s:s}", "status", words[has]);

	if (has == PLAN_TEMPORARY)
		json_object_set_new(permission, "expiration_time", json_integer((json_int_t)u->expires_s));
	return json_pack(
		"{s:s, s:o, s:o}", "messaging_product", "whatsapp", "permission", permission, "actions", actions(u));
}

void graph_permissions_get(struct meta *m, struct http_request *req)
{
	const char *number = http_request_query(req, "user_wa_id"), *id = http_request_query(req, "recipient");
	struct meta_user *u;
	json_t *answer;
	char *text;

	if (graph_planned_failure(m, req, NULL, PLAN_CALL_PERMISSIONS))
		return;
	if ((!number || !*number || strspn(number, "0123456789") != strlen(number)) && (!id || !*id)) {
		graph_refuse(m, req, NULL, 400, 100, 0, "user_wa_id (digits) or recipient is required");
		return;
	}
	u = meta_user_find(m, number, id);
	meta_timeline_user(m, u, "permission_asked", "");
	answer = u && !u->plan->uncallable ? permission_of(u) : no_permission();
	text = json_dumps(answer, JSON_COMPACT);
	json_decref(answer);
	graph_succeed(m, req, PLAN_CALL_PERMISSIONS, text ? text : "{}");
	free(text);
}
