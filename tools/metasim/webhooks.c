/* tools/metasim/webhooks.c
 *
 * Webhooks of the field "calls": Meta, "Calling API reference". Where pages and traces differ, both shapes are sent.
 */
#include "lib/base/clock.h"
#include "tools/metasim/meta_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

json_t *webhook_value(struct meta *m, const struct meta_user *who)
{
	const struct plan *p = m->plan;
	json_t *contact, *value = json_pack("{s:s, s:{s:s, s:s}}", "messaging_product", "whatsapp", "metadata",
				 "display_phone_number", p->number, "phone_number_id", p->number_id);

	if (!who)
		return value;
	contact = json_pack("{s:{s:s}}", "profile", "name", meta_user_name(who));
	if (!p->webhook.no_identity && *who->plan->number)
		json_object_set_new(contact, "wa_id", json_string(who->plan->number));
	if (*meta_user_id(who))
		json_object_set_new(contact, "user_id", json_string(meta_user_id(who)));
	json_object_set_new(value, "contacts", json_pack("[o]", contact));
	return value;
}

/* The user's number and id under the names that this object has for them. */
static void identify(json_t *item, const struct meta_user *who, const char *number_key, const char *id_key)
{
	if (!who->meta->plan->webhook.no_identity && *who->plan->number)
		json_object_set_new(item, number_key, json_string(who->plan->number));
	if (*meta_user_id(who))
		json_object_set_new(item, id_key, json_string(meta_user_id(who)));
}

static json_t *timestamp(const struct meta *m)
{
	char text[24];

	snprintf(text, sizeof(text), "%llu",
		(unsigned long long)(loop_wall_ms(m->loop) / 1000 - m->plan->webhook.age_s));
	return json_string(text);
}

static json_t *call_item(struct meta_call *c, const char *event)
{
	const struct plan *p = c->meta->plan;
	json_t *item = json_pack("{s:s, s:s, s:s, s:o, s:s}", "id", c->wacid, c->outbound ? "from" : "to", p->number,
		"event", event, "timestamp", timestamp(c->meta), "direction",
		c->outbound ? "BUSINESS_INITIATED" : "USER_INITIATED");

	identify(item, c->who, c->outbound ? "to" : "from", c->outbound ? "to_user_id" : "from_user_id");
	if (*c->payload)
		json_object_set_new(item, c->from_button ? "cta_payload" : "deeplink_payload", json_string(c->payload));
	if (*c->opaque)
		json_object_set_new(item, "biz_opaque_callback_data", json_string(c->opaque));
	return item;
}

/* The older duplicate that Meta still sends: JSON inside a string. */
static json_t *legacy_connection(const char *sdp)
{
	json_t *inner = json_pack("{s:s, s:s}", "sdp", sdp, "type", "answer"), *outer;
	char *text = json_dumps(inner, JSON_COMPACT);

	outer = json_pack("{s:{s:s}}", "webrtc", "sdp", text ? text : "");
	free(text);
	json_decref(inner);
	return outer;
}

void webhook_connect(struct meta_call *c)
{
	struct meta *m = c->meta;
	json_t *item = call_item(c, "connect"), *calls = json_array(), *value;

	if (!c->outbound && wa_user_offer(c->user, c->sdp, sizeof(c->sdp)) < 0)
		abort();
	json_object_set_new(
		item, "session", json_pack("{s:s, s:s}", "sdp_type", c->outbound ? "answer" : "offer", "sdp", c->sdp));
	if (c->outbound)
		json_object_set_new(item, "connection", legacy_connection(c->sdp));
	if (m->plan->webhook.batched)
		json_array_append_new(calls,
			json_pack("{s:s, s:s, s:s}", "id", "wacid.UNKNOWN", "event", "call_created", "timestamp", "1"));
	json_array_append_new(calls, item);
	value = webhook_value(m, c->outbound ? NULL : c->who);
	json_object_set_new(value, "calls", calls);
	webhook_deliver(m, "calls", value, c, false, 0);
}

void webhook_status(struct meta_call *c, const char *status)
{
	struct meta *m = c->meta;
	json_t *value = webhook_value(m, NULL);
	json_t *item = json_pack(
		"{s:s, s:s, s:s, s:o}", "id", c->wacid, "type", "call", "status", status, "timestamp", timestamp(m));

	identify(item, c->who, "recipient_id", "recipient_user_id");
	if (*c->opaque)
		json_object_set_new(item, "biz_opaque_callback_data", json_string(c->opaque));
	json_object_set_new(value, "statuses", json_pack("[o]", item));
	webhook_deliver(m, "calls", value, NULL, false, 0);
}

static json_t *errors_of(int code)
{
	return json_pack("[{s:i, s:s, s:s, s:{s:s}}]", "code", code, "title", "Call failed", "message", "Call failed",
		"error_data", "details", "No media was received from the business");
}

void webhook_terminate(struct meta_call *c, int error_code, uint64_t extra_delay_us)
{
	struct meta *m = c->meta;
	json_t *item = call_item(c, "terminate"), *value = webhook_value(m, c->who);
	uint64_t now_s = loop_wall_ms(m->loop) / 1000;
	char start[24], end[24];

	json_object_set_new(item, "status", json_string(error_code ? "FAILED" : "COMPLETED"));
	if (c->user_from_us) {
		snprintf(start, sizeof(start), "%llu", (unsigned long long)c->user_from_us);
		snprintf(end, sizeof(end), "%llu", (unsigned long long)now_s);
		json_object_set_new(item, "start_time", json_string(start));
		json_object_set_new(item, "end_time", json_string(end));
		json_object_set_new(item, "duration", json_integer((json_int_t)(now_s - c->user_from_us)));
	}
	if (error_code) { /* documented in the one place, seen in both */
		json_object_set_new(item, "errors", errors_of(error_code));
		json_object_set_new(value, "errors", errors_of(error_code));
	}
	json_object_set_new(value, "calls", json_pack("[o]", item));
	webhook_deliver(m, "calls", value, NULL, false, extra_delay_us);
}
