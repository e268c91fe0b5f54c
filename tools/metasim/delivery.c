/* tools/metasim/delivery.c
 *
 * The way of a webhook: signed, and as late, doubled, reordered or lost as the plan says. Messages that were not
 * answered 200 come again (Meta, "Webhooks": repeated for days; here for some seconds); call events do not.
 */
#include "lib/base/clock.h"
#include "lib/base/crypto.h"
#include "lib/base/str.h"
#include "lib/http/http_client.h"
#include "tools/metasim/meta_internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { RETRY_MAX_MS = 1000, META_PATIENCE_MS = 20000 };

struct delivery {
	struct meta *meta;
	struct meta_call *call; /* the connect whose answer is to be noted; NULL: none */
	char *body;
	bool again;
	bool resent; /* on another connection, once */
	unsigned tries;
	struct loop_timer timer;
	struct delivery *next;
};

static void send_now(void *arg);

static void free_delivery(struct delivery *d)
{
	for (struct delivery **p = &d->meta->deliveries; *p; p = &(*p)->next) {
		if (*p == d) {
			*p = d->next;
			break;
		}
	}
	d->meta->webhooks_pending--;
	if (d->call)
		d->call->deliveries--;
	loop_timer_cancel(&d->timer);
	free(d->body);
	free(d);
}

/* A delivery that came to nothing. Returns true when it is sent again. */
static bool try_again(struct delivery *d)
{
	struct meta *m = d->meta;
	unsigned wait_ms = m->plan->webhook.retry_ms;

	if (!d->again || d->tries > m->plan->webhook.retries)
		return false;
	for (unsigned i = 1; i < d->tries && wait_ms < RETRY_MAX_MS; i++)
		wait_ms *= 2;
	if (wait_ms > RETRY_MAX_MS)
		wait_ms = RETRY_MAX_MS;
	meta_timeline_user(m, NULL, "webhook_again", "");
	loop_timer_set(m->loop, &d->timer, loop_now_us(m->loop) + wait_ms * 1000ULL, send_now, d);
	return true;
}

/* A connection kept open from the webhook before can be closed by watrunk, which has heard nothing for a while, at the
 * moment it is used again: any HTTP client then opens another. watrunk sorts out what came twice. */
static bool resend(struct delivery *d, const struct http_result *result)
{
	if (result->error != -ECONNRESET || d->resent)
		return false;
	d->resent = true;
	d->tries--;
	loop_timer_set(d->meta->loop, &d->timer, loop_now_us(d->meta->loop), send_now, d);
	return true;
}

static void on_delivered(const struct http_result *result, void *arg)
{
	struct delivery *d = arg;
	struct meta_call *c = d->call;

	if (resend(d, result))
		return;
	if (c) {
		c->rep.webhook_status = result->status;
		if (!c->rep.webhook_done_us)
			c->rep.webhook_done_us = clock_mono_us();
		outbound_delivered(c);
	}
	if (result->error || result->status != 200) {
		fprintf(stderr, "metasim: webhook answered %u %s\n", result->status, result->error_text);
		if (try_again(d))
			return;
	} else if (d->again) {
		meta_timeline_user(d->meta, NULL, "message_delivered", "");
	}
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
		.timeout_ms = META_PATIENCE_MS,
		.on_done = on_delivered,
		.arg = d};
	uint64_t id;

	crypto_hmac_sha256(secret, strlen(secret), d->body, strlen(d->body), mac);
	if (m->plan->webhook.bad_signature)
		mac[0] ^= 1;
	str_hex(header + strlen(header), mac, sizeof(mac));
	d->tries++;
	if (d->call && !d->call->rep.webhook_us)
		d->call->rep.webhook_us = clock_mono_us();
	if (http_send(m->client, &send, &id)) {
		if (d->call)
			outbound_delivered(d->call);
		free_delivery(d);
	}
}

static bool dropped(struct meta *m)
{
	m->seed = m->seed * 6364136223846793005ULL + 1442695040888963407ULL;
	return m->plan->webhook.drop > 0 && (double)(m->seed >> 40) / (double)(1 << 24) < m->plan->webhook.drop;
}

static void schedule(struct meta *m, struct meta_call *call, const char *body, bool again, uint64_t delay_us)
{
	struct delivery *d = calloc(1, sizeof(*d));

	if (!d)
		abort();
	d->meta = m;
	d->call = call;
	if (call)
		call->deliveries++;
	d->body = strdup(body);
	d->again = again;
	d->next = m->deliveries;
	m->deliveries = d;
	m->webhooks_pending++;
	loop_timer_set(m->loop, &d->timer, loop_now_us(m->loop) + delay_us, send_now, d);
}

void webhook_deliver(
	struct meta *m, const char *field, json_t *value, struct meta_call *connect_of, bool again, uint64_t delay_us)
{
	const struct plan *p = m->plan;
	json_t *top = json_pack("{s:s, s:[{s:s, s:[{s:s, s:o}]}]}", "object", "whatsapp_business_account", "entry",
		"id", "210000000000001", "changes", "field", field, "value", value);
	char *body = json_dumps(top, JSON_COMPACT | JSON_ENSURE_ASCII);

	json_decref(top);
	delay_us += p->webhook.delay_ms * 1000ULL;
	if (m->deliveries_made++ % 2 == 0)
		delay_us += p->webhook.reorder_ms * 1000ULL;
	for (unsigned i = 0; body && i <= p->webhook.duplicates; i++) {
		if (!dropped(m))
			schedule(m, i == 0 ? connect_of : NULL, body, again, delay_us + i * 1000);
		else if (i == 0 && connect_of)
			outbound_delivered(connect_of);
	}
	free(body);
}

void webhooks_drop_all(struct meta *m)
{
	while (m->deliveries) {
		m->deliveries->call = NULL; /* gone, or about to be */
		free_delivery(m->deliveries);
	}
}
