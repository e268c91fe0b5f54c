/* tools/metasim/webhooks.c
 *
 * Meta's webhooks: signed, and as late, doubled, reordered or lost as the plan says.
 */
#include "lib/base/clock.h"
#include "lib/base/crypto.h"
#include "lib/base/str.h"
#include "lib/http/http_client.h"
#include "tools/metasim/meta_internal.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct delivery {
	struct meta *meta;
	struct meta_call *call; /* the connect whose answer is to be noted; NULL: none */
	char *body;
	struct loop_timer timer;
};

static void free_delivery(struct delivery *d)
{
	d->meta->webhooks_pending--;
	if (d->call)
		d->call->deliveries--;
	loop_timer_cancel(&d->timer);
	free(d->body);
	free(d);
}

static void on_delivered(const struct http_result *result, void *arg)
{
	struct delivery *d = arg;

	if (d->call) {
		d->call->rep.webhook_status = result->status;
		if (!d->call->rep.webhook_done_us)
			d->call->rep.webhook_done_us = clock_mono_us();
	}
	if (result->error || result->status != 200)
		fprintf(stderr, "metasim: webhook answered %u %s\n", result->status, result->error_text);
	free_delivery(d);
}

static void send_now(void *arg)
{
	struct delivery *d = arg;
	struct meta *m = d->meta;
	const char *secret = m->plan->app_secret;
	uint8_t mac[32];
	char header[128] = "X-Hub-Signature-256: sha256=";
	const char *const headers[] = {"Content-Type: application/json", header, NULL};
	const struct http_send send = {.method = "POST",
		.url = m->plan->webhook_url,
		.headers = headers,
		.body = d->body,
		.body_length = strlen(d->body),
		.timeout_ms = 20000, /* Meta's own patience */
		.on_done = on_delivered,
		.arg = d};
	uint64_t id;

	crypto_hmac_sha256(secret, strlen(secret), d->body, strlen(d->body), mac);
	if (m->plan->webhook.bad_signature)
		mac[0] ^= 1;
	str_hex(header + strlen(header), mac, sizeof(mac));
	if (d->call && !d->call->rep.webhook_us)
		d->call->rep.webhook_us = clock_mono_us();
	if (http_send(m->client, &send, &id))
		free_delivery(d);
}

static bool dropped(struct meta *m)
{
	m->seed = m->seed * 6364136223846793005ULL + 1442695040888963407ULL;
	return m->plan->webhook.drop > 0 && (double)(m->seed >> 40) / (double)(1 << 24) < m->plan->webhook.drop;
}

static void deliver(struct meta *m, struct meta_call *call, json_t *change, uint64_t delay_us)
{
	json_t *top = json_pack("{s:s, s:[{s:s, s:[o]}]}", "object", "whatsapp_business_account", "entry", "id",
		"210000000000001", "changes", change);
	char *body = json_dumps(top, JSON_COMPACT | JSON_ENSURE_ASCII);
	unsigned copies = 1 + m->plan->webhook.duplicates;

	json_decref(top);
	for (unsigned i = 0; body && i < copies; i++) {
		struct delivery *d;
		if (dropped(m))
			continue;
		d = calloc(1, sizeof(*d));
		if (!d)
			abort();
		d->meta = m;
		d->call = i == 0 ? call : NULL;
		if (d->call)
			d->call->deliveries++;
		d->body = strdup(body);
		m->webhooks_pending++;
		loop_timer_set(m->loop, &d->timer, loop_now_us(m->loop) + delay_us + i * 1000, send_now, d);
	}
	free(body);
}

static json_t *value_of(struct meta *m, json_t *calls)
{
	const struct plan *p = m->plan;
	json_t *contact = json_pack("{s:{s:s}}", "profile", "name", p->name);

	if (!p->webhook.no_identity)
		json_object_set_new(contact, "wa_id", json_string(p->user));
	if (*p->user_id)
		json_object_set_new(contact, "user_id", json_string(p->user_id));
	return json_pack("{s:s, s:{s:s, s:s}, s:[o], s:o}", "messaging_product", "whatsapp", "metadata",
		"display_phone_number", p->number, "phone_number_id", p->number_id, "contacts", contact, "calls",
		calls);
}

static json_t *call_item(struct meta_call *c, const char *event)
{
	const struct plan *p = c->meta->plan;
	char timestamp[24];
	json_t *item;

	snprintf(timestamp, sizeof(timestamp), "%llu",
		(unsigned long long)(loop_wall_ms(c->meta->loop) / 1000 - p->webhook.age_s));
	item = json_pack("{s:s, s:s, s:s, s:s, s:s}", "id", c->wacid, "to", p->number, "event", event, "timestamp",
		timestamp, "direction", "USER_INITIATED");
	if (!p->webhook.no_identity)
		json_object_set_new(item, "from", json_string(p->user));
	if (*p->user_id)
		json_object_set_new(item, "from_user_id", json_string(p->user_id));
	if (*p->payload)
		json_object_set_new(item, "deeplink_payload", json_string(p->payload));
	return item;
}

void webhook_connect(struct meta_call *c)
{
	struct meta *m = c->meta;
	const struct plan *p = m->plan;
	json_t *item, *calls = json_array();
	char sdp[4096];

	if (wa_user_offer(c->user, sdp, sizeof(sdp)) < 0)
		abort();
	item = call_item(c, "connect");
	json_object_set_new(item, "session", json_pack("{s:s, s:s}", "sdp_type", "offer", "sdp", sdp));
	if (p->webhook.batched)
		json_array_append_new(calls,
			json_pack("{s:s, s:s, s:s}", "id", "wacid.UNKNOWN", "event", "call_created", "timestamp", "1"));
	json_array_append_new(calls, item);
	deliver(m, c, json_pack("{s:s, s:o}", "field", "calls", "value", value_of(m, calls)),
		p->webhook.delay_ms * 1000ULL);
}

void webhook_terminate(struct meta_call *c, int error_code, uint64_t extra_delay_us)
{
	struct meta *m = c->meta;
	json_t *item = call_item(c, "terminate"), *calls = json_array(), *value;
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
	json_array_append_new(calls, item);
	value = value_of(m, calls);
	if (error_code)
		json_object_set_new(value, "errors",
			json_pack("[{s:i, s:s, s:s, s:{s:s}}]", "code", error_code, "title", "Call failed", "message",
				"Call failed", "error_data", "details", "No media was received from the business"));
	deliver(m, NULL, json_pack("{s:s, s:o}", "field", "calls", "value", value),
		m->plan->webhook.delay_ms * 1000ULL + extra_delay_us);
}
