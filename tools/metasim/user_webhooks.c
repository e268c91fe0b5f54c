/* tools/metasim/user_webhooks.c
 *
 * Webhooks of the field "messages": what users write, tap and decide, and what became of the business's messages. Meta,
 * "Messages webhook", "User call permissions".
 */
#include "tools/metasim/meta_internal.h"

#include <stdio.h>
#include <string.h>

static json_t *timestamp(const struct meta *m)
{
	char text[24];

	snprintf(text, sizeof(text), "%llu",
		(unsigned long long)(loop_wall_ms(m->loop) / 1000 - m->plan->webhook.age_s));
	return json_string(text);
}

void webhook_message(struct meta_user *u, json_t *message)
{
	struct meta *m = u->meta;
	json_t *value = webhook_value(m, u);
	char wamid[META_WAMID_MAX];

	meta_wamid(wamid);
	json_object_set_new(message, "id", json_string(wamid));
	json_object_set_new(message, "timestamp", timestamp(m));
	if (!m->plan->webhook.no_identity && *u->plan->number)
		json_object_set_new(message, "from", json_string(u->plan->number));
	if (*meta_user_id(u))
		json_object_set_new(message, "from_user_id", json_string(meta_user_id(u)));
	json_object_set_new(value, "messages", json_pack("[o]", message));
	webhook_deliver(m, "messages", value, NULL, true, 0);
}

/* Same array name as a call's statuses, another field: that is Meta's trap. */
void webhook_message_status(struct meta_user *u, const char *wamid, const char *status)
{
	struct meta *m = u->meta;
	json_t *value = webhook_value(m, NULL);
	json_t *item = json_pack("{s:s, s:s, s:o}", "id", wamid, "status", status, "timestamp", timestamp(m));

	if (!m->plan->webhook.no_identity && *u->plan->number)
		json_object_set_new(item, "recipient_id", json_string(u->plan->number));
	if (*meta_user_id(u))
		json_object_set_new(item, "recipient_user_id", json_string(meta_user_id(u)));
	json_object_set_new(value, "statuses", json_pack("[o]", item));
	webhook_deliver(m, "messages", value, NULL, true, 0);
}

void webhook_permission_reply(struct meta_user *u, const char *context, bool automatic)
{
	enum plan_permission has = meta_user_permission(u);
	json_t *reply = json_pack("{s:s, s:s}", "response", has == PLAN_NO_PERMISSION ? "reject" : "accept",
		"response_source", automatic ? "automatic" : "user_action");
	json_t *message = json_pack("{s:s}", "type", "interactive");

	if (has != PLAN_NO_PERMISSION)
		json_object_set_new(reply, "is_permanent", json_boolean(has == PLAN_PERMANENT));
	if (has == PLAN_TEMPORARY)
		json_object_set_new(reply, "expiration_timestamp", json_integer((json_int_t)u->expires_s));
	json_object_set_new(message, "interactive",
		json_pack("{s:s, s:o}", "type", "call_permission_reply", "call_permission_reply", reply));
	if (context)
		json_object_set_new(
			message, "context", json_pack("{s:s, s:s}", "from", u->meta->plan->number, "id", context));
	webhook_message(u, message);
}
