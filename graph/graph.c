/* graph/graph.c
 *
 * One call action from graph_send() to its result:
 *
 *   send -> answer -> done
 *             |
 *             +-- may be repeated (error_table.h) -> wait RETRY_DELAY -> send once more -> done
 */
#include "graph/graph.h"

#include "graph/answer.h"
#include "graph/body.h"
#include "graph/error_table.h"
#include "lib/base/assert.h"
#include "lib/base/counter.h"
#include "lib/base/crypto.h"
#include "lib/base/id.h"
#include "lib/base/str.h"
#include "lib/http/http_client.h"
#include "lib/loop/loop.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	DEFAULT_TIMEOUT_MS = 5000,
	PENDING_MAX = 65536,
	RETRY_DELAY_MS = 150,
	RETRY_JITTER_MS = 100,
	RETRY_AFTER_MAX_S = 2, /* a caller is waiting: longer is no better than giving up */
};

struct pending {
	struct graph *graph;
	uint64_t id, http_id;
	char *url, *authorization, *body;
	uint64_t started_us;
	struct loop_timer retry_timer;
	struct graph_result result;
	void (*on_done)(const struct graph_result *result, void *arg);
	void *arg;
};

struct graph {
	struct loop *loop;
	struct http_client *http;
	char *base; /* "https://graph.facebook.com/v25.0" */
	unsigned timeout_ms;
	bool appsecret_proof;
	struct slotmap *pending;
};

const char *graph_verb_name(enum graph_verb verb)
{
	static const char *const names[] = {"pre_accept", "accept", "reject", "terminate", "connect"};
	return names[verb];
}

static struct pending *pending_free(struct pending *p)
{
	if (!p)
		return NULL;
	loop_timer_cancel(&p->retry_timer);
	if (p->http_id)
		http_cancel(p->graph->http, p->http_id);
	if (p->id)
		slotmap_remove(p->graph->pending, p->id);
	if (p->authorization)
		crypto_wipe(p->authorization, strlen(p->authorization));
	free(p->authorization);
	free(p->url);
	free(p->body);
	free(p);
	return NULL;
}

static void pending_finish(struct pending *p, enum graph_outcome outcome)
{
	struct graph_result *res = &p->result;

	res->outcome = outcome;
	res->total_us = loop_now_us(p->graph->loop) - p->started_us;
	if (outcome == GRAPH_REFUSED || outcome == GRAPH_FAILED)
		counter_inc(CNT_GRAPH_ERRORS);
	slotmap_remove(p->graph->pending, p->id); /* its id is no longer known to graph_cancel() */
	p->id = 0;
	p->on_done(res, p->arg);
	pending_free(p);
}

/* ---- one attempt ---- */

static int attempt(struct pending *p);

static void on_retry_due(void *arg)
{
	struct pending *p = arg;
	counter_inc(CNT_GRAPH_RETRIES);
	if (attempt(p))
		pending_finish(p, GRAPH_FAILED);
}

static bool may_retry(const struct pending *p, const struct graph_answer *a, unsigned retry_after_s)
{
	const struct graph_result *res = &p->result;

	if (retry_after_s > RETRY_AFTER_MAX_S)
		return false;
	if (a->transient) /* Meta says so: as good as a transient code */
		return graph_may_retry(res->verb, 0, 0, res->attempts);
	return graph_may_retry(res->verb, res->code, res->http_status, res->attempts);
}

static int retry_later(struct pending *p, unsigned retry_after_s)
{
	uint64_t ms = RETRY_DELAY_MS + crypto_random_u32() % RETRY_JITTER_MS;
	if (ms < (uint64_t)retry_after_s * 1000)
		ms = (uint64_t)retry_after_s * 1000;
	return loop_timer_set(
		p->graph->loop, &p->retry_timer, loop_now_us(p->graph->loop) + ms * 1000, on_retry_due, p);
}

/* Is the call in the state that this verb wanted, or over, whatever the error? */
static bool settled(const struct pending *p, const struct graph_answer *a, enum graph_outcome *ret_outcome)
{
	enum graph_verb verb = p->result.verb;
	/* pre_accept overtaken by accept, or an accept whose first answer was lost: the call is up, as we want it. */
	bool live_is_fine = verb == GRAPH_PRE_ACCEPT || (verb == GRAPH_ACCEPT && p->result.attempts > 1);

	if (a->ok || (a->call_state == GRAPH_CALL_LIVE && live_is_fine))
		*ret_outcome = GRAPH_OK;
	else if (a->call_state != GRAPH_CALL_UNTOLD && verb != GRAPH_CONNECT)
		*ret_outcome = GRAPH_ALREADY_OVER;
	else
		return false;
	return true;
}

static enum graph_outcome outcome_of_error(const struct graph_answer *a)
{
	enum graph_error_class class = graph_error_info(a->code)->class;
	return !a->refused || a->transient || class == GRAPH_ERR_TRANSIENT ? GRAPH_FAILED : GRAPH_REFUSED;
}

static void on_http_done(const struct http_result *http, void *arg)
{
	struct pending *p = arg;
	struct graph_result *res = &p->result;
	struct graph_answer a = {0};
	enum graph_outcome outcome;

	p->http_id = 0;
	res->http_status = http->status;
	if (http->error)
		(void)str_copy(a.message, sizeof(a.message), http->error_text);
	else
		graph_answer_read(res->verb, http->status, http->body, http->body_length, &a);
	res->code = a.code;
	res->subcode = a.subcode;
	(void)str_copy(res->message, sizeof(res->message), a.message);
	(void)str_copy(res->details, sizeof(res->details), a.details);
	(void)str_copy(res->trace_id, sizeof(res->trace_id), a.trace_id);
	(void)str_copy(res->call_id, sizeof(res->call_id), a.call_id);
	if (settled(p, &a, &outcome)) {
		pending_finish(p, outcome);
		return;
	}
	if (may_retry(p, &a, http->retry_after_s) && retry_later(p, http->retry_after_s) == 0)
		return;
	pending_finish(p, outcome_of_error(&a));
}

static int attempt(struct pending *p)
{
	struct graph *g = p->graph;
	const char *const headers[] = {p->authorization, "Content-Type: application/json", NULL};
	struct http_send send = {.method = "POST",
		.url = p->url,
		.headers = headers,
		.body = p->body,
		.body_length = strlen(p->body),
		.timeout_ms = g->timeout_ms,
		.on_done = on_http_done,
		.arg = p};

	p->result.attempts++;
	counter_inc(CNT_GRAPH_REQUESTS);
	return http_send(g->http, &send, &p->http_id);
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

static char *url_of(const struct graph *g, const struct graph_number *n)
{
	uint8_t mac[32];
	char proof[65], *url;
	int r;

	if (g->appsecret_proof && n->app_secret && *n->app_secret) {
		crypto_hmac_sha256(n->app_secret, strlen(n->app_secret), n->token, strlen(n->token), mac);
		str_hex(proof, mac, sizeof(mac));
		r = asprintf(&url, "%s/%s/calls?appsecret_proof=%s", g->base, n->phone_number_id, proof);
		crypto_wipe(proof, sizeof(proof));
	} else {
		r = asprintf(&url, "%s/%s/calls", g->base, n->phone_number_id);
	}
	return r < 0 ? NULL : url;
}

int graph_send(struct graph *g, const struct graph_request *request,
	void (*on_done)(const struct graph_result *result, void *arg), void *arg, uint64_t *ret_id)
{
	struct pending *p;
	int r;

	if (!number_ok(request->number))
		return -EINVAL;
	p = calloc(1, sizeof(*p));
	if (!p)
		return -ENOMEM;
	p->graph = g;
	p->result.verb = request->verb;
	p->on_done = on_done;
	p->arg = arg;
	p->started_us = loop_now_us(g->loop);
	r = graph_body(request, &p->body);
	if (r)
		goto fail;
	r = -ENOMEM;
	p->url = url_of(g, request->number);
	if (asprintf(&p->authorization, "Authorization: Bearer %s", request->number->token) < 0)
		p->authorization = NULL;
	p->id = p->url && p->authorization ? slotmap_add(g->pending, p) : 0;
	if (!p->id)
		goto fail;
	r = attempt(p);
	if (r == 0) {
		*ret_id = p->id;
		return 0;
	}
fail:
	pending_free(p);
	return r;
}

void graph_cancel(struct graph *g, uint64_t id)
{
	pending_free(slotmap_get(g->pending, id));
}

size_t graph_pending(const struct graph *g)
{
	return slotmap_count(g->pending);
}

/* ---- entry points ---- */

int graph_new(struct loop *l, struct http_client *http, const struct graph_conf *conf, struct graph **ret_graph)
{
	struct graph *g;
	size_t length = conf->base_url ? strlen(conf->base_url) : 0;
	int r = -ENOMEM;

	while (length && conf->base_url[length - 1] == '/')
		length--;
	if (!length || !conf->version || !*conf->version)
		return -EINVAL;
	g = calloc(1, sizeof(*g));
	if (!g)
		return r;
	g->loop = l;
	g->http = http;
	g->timeout_ms = conf->timeout_ms ? conf->timeout_ms : DEFAULT_TIMEOUT_MS;
	g->appsecret_proof = conf->appsecret_proof;
	if (asprintf(&g->base, "%.*s/%s", (int)length, conf->base_url, conf->version) < 0)
		g->base = NULL;
	if (g->base)
		r = slotmap_new(0, PENDING_MAX, &g->pending);
	if (r == 0)
		r = http_keep_warm(http, conf->base_url);
	if (r) {
		graph_free(g);
		return r;
	}
	*ret_graph = g;
	return 0;
}

struct graph *graph_free(struct graph *g)
{
	struct pending *p;
	size_t cursor = 0;

	if (!g)
		return NULL;
	while (g->pending && (p = slotmap_next(g->pending, &cursor)))
		pending_free(p);
	slotmap_free(g->pending);
	free(g->base);
	free(g);
	return NULL;
}
