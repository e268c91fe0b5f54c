/* admin/routes.c
 *
 * Every request of the interface. A test holds this table against docs/openapi.yaml, in both directions.
 */
#include "admin/admin_internal.h"

#include "lib/base/str.h"

#include <stdio.h>
#include <string.h>

#define LIVE_CALL "bad-request not-found conflict not-offered busy"

const struct api_route api_routes[] = {
	{"GET", "/healthz", get_health, 200, "", NULL, "", .open = true, .scope = API_SCOPE_TENANT},
	{"GET", "/v1/calls", get_calls, 200, "", NULL, "", .scope = API_SCOPE_TENANT},
	{"POST", "/v1/calls", post_call, 202,
		"bad-request no-permission conflict under-way target-refused unknown-number key-reused limit-reached "
		"not-offered meta-refused busy meta-timeout",
		&call_body, "", .keyed = true, .scope = API_SCOPE_TENANT},
	{"GET", "/v1/calls/{id}", get_call, 200, "not-found busy", NULL, "", .scope = API_SCOPE_TENANT},
	{"POST", "/v1/calls/{id}/hangup", post_hangup, 200, "not-found", NULL, "", .scope = API_SCOPE_TENANT},
	{"POST", "/v1/calls/{id}/transfer", post_transfer, 202, LIVE_CALL " target-refused", &transfer_body, "",
		.scope = API_SCOPE_TENANT},
	{"POST", "/v1/calls/{id}/hold", post_hold, 200, LIVE_CALL, &hold_body, "", .scope = API_SCOPE_TENANT},
	{"POST", "/v1/calls/{id}/mute", post_mute, 200, LIVE_CALL, &mute_body, "", .scope = API_SCOPE_TENANT},
	{"POST", "/v1/calls/{id}/dtmf", post_dtmf, 202, LIVE_CALL, &dtmf_body, "", .scope = API_SCOPE_TENANT},
	{"POST", "/v1/calls/{id}/recording", post_recording, 202, LIVE_CALL, &recording_body, "",
		.scope = API_SCOPE_TENANT},
	{"POST", "/v1/calls/{id}/fork", post_fork, 202, LIVE_CALL " target-refused", &fork_body, "",
		.scope = API_SCOPE_OPERATOR},
	{"GET", "/v1/history", get_history, 200, "bad-request busy", NULL,
		"number user status direction gateway from to limit offset cursor", .scope = API_SCOPE_TENANT},
	{"GET", "/v1/counters", get_counters, 200, "not-found", NULL, "", .scope = API_SCOPE_OPERATOR},
	{"GET", "/v1/permissions", get_permissions, 200, "bad-request not-offered", NULL,
		"number user status limit cursor", .scope = API_SCOPE_TENANT},
	{"GET", "/v1/permissions/{user}", get_permission, 200,
		"bad-request not-found unknown-number limit-reached not-offered meta-refused busy meta-timeout", NULL,
		"number refresh", .scope = API_SCOPE_TENANT},
	{"POST", "/v1/permissions/{user}/request", post_permission_request, 202,
		"bad-request conflict under-way unknown-number key-reused limit-reached not-offered meta-refused busy "
		"meta-timeout",
		&permission_request_body, "", .keyed = true, .scope = API_SCOPE_TENANT},
	{"GET", "/v1/parked", get_parked, 200, "bad-request not-offered", NULL, "number user",
		.scope = API_SCOPE_TENANT},
	{"DELETE", "/v1/parked/{id}", delete_parked, 200, "not-found conflict not-offered busy", NULL, "",
		.scope = API_SCOPE_TENANT},
	{"GET", "/v1/registrations", get_registrations, 200, "not-found not-offered", NULL, "user",
		.scope = API_SCOPE_OPERATOR},
	{"DELETE", "/v1/registrations/{id}", delete_registration, 200, "not-found not-offered", NULL, "",
		.scope = API_SCOPE_OPERATOR},
	{"GET", "/v1/gateways", get_gateways, 200, "not-found not-offered", NULL, "", .scope = API_SCOPE_OPERATOR},
	{"GET", "/v1/bans", get_bans, 200, "not-found not-offered", NULL, "", .scope = API_SCOPE_OPERATOR},
	{"DELETE", "/v1/bans/{source}", delete_ban, 200, "not-found not-offered", NULL, "",
		.scope = API_SCOPE_OPERATOR},
	{"POST", "/v1/messages", post_message, 201,
		"bad-request conflict under-way unknown-number key-reused limit-reached not-offered meta-refused busy "
		"meta-timeout",
		&message_body, "", .keyed = true, .scope = API_SCOPE_TENANT},
	{"POST", "/v1/reload", post_reload, 200, "bad-configuration not-found not-offered busy", NULL, "",
		.scope = API_SCOPE_OPERATOR},
	{"GET", "/v1/events", get_events, 200, "bad-request not-offered busy", NULL, "types",
		.scope = API_SCOPE_TENANT},
	{"GET", "/v1/events/dead", get_dead_events, 200, "bad-request not-offered busy", NULL, "receiver limit",
		.scope = API_SCOPE_TENANT},
	{"POST", "/v1/events/revive", post_revive, 200, "bad-request not-offered busy", &revive_body, "",
		.scope = API_SCOPE_TENANT},
};
const size_t api_route_count = sizeof(api_routes) / sizeof(api_routes[0]);

/* "/v1/calls/{id}/hold" takes "/v1/calls/c-1/hold", and c-1 is the id. */
static bool path_matches(const char *pattern, const char *path, char *ret_id, size_t cap)
{
	size_t before = strcspn(pattern, "{"), length;
	const char *after = strchr(pattern, '}');

	*ret_id = '\0';
	if (!after)
		return strcmp(pattern, path) == 0;
	if (strncmp(pattern, path, before) != 0) /* first: a shorter path ends before the id would begin */
		return false;
	length = strcspn(path + before, "/");
	return length > 0 && strcmp(path + before + length, after + 1) == 0 &&
	       str_copy_n(ret_id, cap, path + before, length) == 0;
}

const struct api_route *route_find(
	const char *method, const char *path, char *ret_id, size_t cap, char *ret_allow, size_t allow_cap)
{
	const struct api_route *exact = NULL;
	struct strbuf allow;
	char id[API_ID_MAX];

	strbuf_init(&allow, ret_allow, allow_cap);
	for (size_t i = 0; i < api_route_count; i++) {
		const struct api_route *route = &api_routes[i];
		if (!path_matches(route->path, path, id, sizeof(id)))
			continue;
		strbuf_printf(&allow, "%s%s", allow.length ? ", " : "", route->method);
		if (!exact && strcmp(route->method, method) == 0) {
			exact = route;
			str_copy(ret_id, cap, id);
		}
	}
	return exact;
}
