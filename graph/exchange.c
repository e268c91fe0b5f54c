/* graph/exchange.c */
#include "graph/exchange.h"

#include "lib/base/counter.h"
#include "lib/base/crypto.h"
#include "lib/base/id.h"
#include "lib/base/str.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	RETRY_DELAY_MS = 150,
	RETRY_JITTER_MS = 100,
	RETRY_AFTER_MAX_S = 2, /* a caller is waiting: longer is no better than giving up */
};

struct graph_exchange *graph_exchange_free(struct graph_exchange *x)
{
	if (!x)
		return NULL;
	loop_timer_cancel(&x->retry_timer);
	if (x->http_id)
		http_cancel(x->graph->http, x->http_id);
	if (x->id)
		slotmap_remove(x->graph->pending, x->id);
	if (x->authorization)
		crypto_wipe(x->authorization, strlen(x->authorization));
	free(x->authorization);
	free(x->url);
	free(x->body);
	free(x);
	return NULL;
}

static void finish(struct graph_exchange *x)
{
	if (x->outcome == GRAPH_REFUSED || x->outcome == GRAPH_FAILED)
		counter_inc(CNT_GRAPH_ERRORS);
	slotmap_remove(x->graph->pending, x->id); /* its id is no longer known to graph_cancel() */
	x->id = 0;
	x->done(x);
	graph_exchange_free(x);
}

/* ---- one attempt ---- */

static int attempt(struct graph_exchange *x);

static void on_retry_due(void *arg)
{
	struct graph_exchange *x = arg;

	counter_inc(CNT_GRAPH_RETRIES);
	if (attempt(x)) {
		x->outcome = GRAPH_FAILED;
		finish(x);
	}
}

static int retry_later(struct graph_exchange *x, unsigned retry_after_s)
{
	uint64_t ms = RETRY_DELAY_MS + crypto_random_u32() % RETRY_JITTER_MS;

	if (retry_after_s > RETRY_AFTER_MAX_S)
		return -ETIME;
	if (ms < (uint64_t)retry_after_s * 1000)
		ms = (uint64_t)retry_after_s * 1000;
	return loop_timer_set(
		x->graph->loop, &x->retry_timer, loop_now_us(x->graph->loop) + ms * 1000, on_retry_due, x);
}

/* No answer to a request that went out, or one that does not tell. */
static bool is_uncertain(const struct graph_exchange *x, const struct http_result *http)
{
	if (http->error)
		return http->may_have_been_processed;
	return !x->answer.ok && !x->answer.refused;
}

static void on_http_done(const struct http_result *http, void *arg)
{
	struct graph_exchange *x = arg;
	bool again;

	x->http_id = 0;
	x->http_status = http->status;
	memset(&x->answer, 0, sizeof(x->answer));
	if (http->error)
		(void)str_copy(x->answer.message, sizeof(x->answer.message), http->error_text);
	again = x->judge(x, http);
	x->uncertain = x->outcome == GRAPH_FAILED && (x->uncertain || is_uncertain(x, http));
	if (again && retry_later(x, http->retry_after_s) == 0)
		return;
	finish(x);
}

static int attempt(struct graph_exchange *x)
{
	struct graph *g = x->graph;
	const char *const headers[] = {x->authorization, x->body ? "Content-Type: application/json" : NULL, NULL};
	struct http_send send = {.method = x->method,
		.url = x->url,
		.headers = headers,
		.body = x->body,
		.body_length = x->body ? strlen(x->body) : 0,
		.timeout_ms = g->timeout_ms,
		.on_done = on_http_done,
		.arg = x};

	x->attempts++;
	counter_inc(CNT_GRAPH_REQUESTS);
	return http_send(g->http, &send, &x->http_id);
}

/* ---- making a request ---- */

static bool all_chars(const char *text, int (*ok)(int))
{
	for (const char *p = text; *p; p++) {
		if (!ok((unsigned char)*p))
			return false;
	}
	return *text != '\0';
}

static bool number_ok(const struct graph_number *n)
{
	return n && n->phone_number_id && all_chars(n->phone_number_id, isalnum) && n->token &&
	       all_chars(n->token, isgraph);
}

static char *url_of(const struct graph *g, const struct graph_number *n, const char *edge)
{
	uint8_t mac[32];
	char proof[65], *url;
	int r;

	if (g->appsecret_proof && n->app_secret && *n->app_secret) {
		crypto_hmac_sha256(n->app_secret, strlen(n->app_secret), n->token, strlen(n->token), mac);
		str_hex(proof, mac, sizeof(mac));
		r = asprintf(&url, "%s/%s/%s%cappsecret_proof=%s", g->base, n->phone_number_id, edge,
			strchr(edge, '?') ? '&' : '?', proof);
		crypto_wipe(proof, sizeof(proof));
	} else {
		r = asprintf(&url, "%s/%s/%s", g->base, n->phone_number_id, edge);
	}
	return r < 0 ? NULL : url;
}

int graph_exchange_start(struct graph *g, struct graph_exchange *x, const struct graph_number *number, const char *edge,
	uint64_t *ret_id)
{
	int r = -EINVAL;

	x->graph = g;
	x->started_us = loop_now_us(g->loop);
	if (!number_ok(number))
		goto fail;
	r = -ENOMEM;
	x->url = url_of(g, number, edge);
	if (asprintf(&x->authorization, "Authorization: Bearer %s", number->token) < 0)
		x->authorization = NULL;
	x->id = x->url && x->authorization ? slotmap_add(g->pending, x) : 0;
	if (!x->id)
		goto fail;
	r = attempt(x);
	if (r == 0) {
		*ret_id = x->id;
		return 0;
	}
fail:
	graph_exchange_free(x);
	return r;
}
