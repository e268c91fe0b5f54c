/* graph/graph.c
 *
 * One request a call action: body, address, attempts, answer. The connection is kept warm by lib/http, so that `accept`
 * costs one round trip.
 */
#include "graph/graph.h"

#include "graph/answer.h"
#include "graph/error_table.h"
#include "lib/base/counter.h"
#include "lib/base/crypto.h"
#include "lib/base/id.h"
#include "lib/base/str.h"
#include "lib/http/http_client.h"
#include "lib/loop/loop.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	DEFAULT_TIMEOUT_MS = 5000,
	RETRY_DELAY_MS = 200,  /* and as much again at random, so that a burst does not come back as one */
	RETRY_AFTER_MAX_S = 2, /* a call cannot wait longer: its window is 30 s */
	MAX_REQUESTS = 20000,
	OPAQUE_MAX = 512, /* Meta: biz_opaque_callback_data */
};

struct pending {
	struct graph *graph;
	uint64_t id, http_id;
	uint64_t started_us;
	enum graph_verb verb;
	unsigned attempt;
	char *url, *authorization, *body;
	size_t body_length;
	struct loop_timer retry;
	void (*on_done)(const struct graph_result *result, void *arg);
	void *arg;
};

struct graph {
	struct loop *loop;
	struct http_client *http;
	char *base; /* base_url/version */
	unsigned timeout_ms;
	bool appsecret_proof;
	struct slotmap *pending;
};

const char *graph_verb_name(enum graph_verb verb)
{
	static const char *const names[] = {[GRAPH_PRE_ACCEPT] = "pre_accept",
		[GRAPH_ACCEPT] = "accept",
		[GRAPH_REJECT] = "reject",
		[GRAPH_TERMINATE] = "terminate",
		[GRAPH_CONNECT] = "connect"};
	return names[verb];
}

/* ---- the request ---- */

static json_t *session_json(enum graph_verb verb, const char *sdp)
{
	/* "answer" for pre_accept and accept, whatever the parameter tables say (Meta: call samples) */
	return json_pack("{s:s, s:s}", "sdp_type", verb == GRAPH_CONNECT ? "offer" : "answer", "sdp", sdp);
}

static char *body_text(const struct graph_request *req)
{
	json_t *j = json_pack("{s:s, s:s}", "messaging_product", "whatsapp", "action", graph_verb_name(req->verb));
	char *text;
	int bad = 0;

	if (req->call_id)
		bad |= json_object_set_new(j, "call_id", json_string(req->call_id));
	if (req->to && *req->to)
		bad |= json_object_set_new(j, "to", json_string(req->to));
	if (req->recipient && *req->recipient)
		bad |= json_object_set_new(j, "recipient", json_string(req->recipient));
	if (req->sdp)
		bad |= json_object_set_new(j, "session", session_json(req->verb, req->sdp));
	if (req->opaque)
		bad |= json_object_set_new(j, "biz_opaque_callback_data", json_string(req->opaque));
	text = bad ? NULL : json_dumps(j, JSON_COMPACT);
	json_decref(j);
	return text;
}

static char *proof_of(const struct graph_number *n)
{
	static const char key[] = "?appsecret_proof=";
	uint8_t mac[32];
	char *text = malloc(sizeof(key) + 64);

	if (!text)
		return NULL;
	crypto_hmac_sha256(n->app_secret, strlen(n->app_secret), n->token, strlen(n->token), mac);
	memcpy(text, key, sizeof(key) - 1);
	str_hex(text + sizeof(key) - 1, mac, sizeof(mac));
	return text;
}

static char *format(const char *a, const char *b, const char *c, const char *d)
{
	size_t cap = strlen(a) + strlen(b) + strlen(c) + strlen(d) + 1;
	char *text = malloc(cap);

	if (text)
		snprintf(text, cap, "%s%s%s%s", a, b, c, d);
	return text;
}

static int fill(struct pending *p, const struct graph *g, const struct graph_request *req)
{
	const struct graph_number *n = req->number;
	char *proof = g->appsecret_proof && n->app_secret ? proof_of(n) : NULL;

	p->url = format(g->base, "/", n->phone_number_id, "/calls");
	if (p->url && proof) {
		char *with_proof = format(p->url, proof, "", "");
		free(p->url);
		p->url = with_proof;
	}
	free(proof);
	p->authorization = format("Authorization: Bearer ", n->token, "", "");
	p->body = body_text(req);
	if (!p->url || !p->authorization || !p->body)
		return -ENOMEM;
	p->body_length = strlen(p->body);
	return 0;
}

/* ---- life of a request ---- */

static void free_pending(struct pending *p)
{
	slotmap_remove(p->graph->pending, p->id);
	loop_timer_cancel(&p->retry);
	if (p->authorization)
		crypto_wipe(p->authorization, strlen(p->authorization));
	free(p->authorization);
	free(p->url);
	free(p->body);
	free(p);
}

static void finish(struct pending *p, struct graph_result *r)
{
	void (*on_done)(const struct graph_result *result, void *arg) = p->on_done;
	void *arg = p->arg;

	r->attempts = p->attempt;
	r->total_us = loop_now_us(p->graph->loop) - p->started_us;
	if (r->outcome != GRAPH_OK && r->outcome != GRAPH_ALREADY_OVER)
		counter_inc(CNT_GRAPH_ERRORS);
	free_pending(p); /* first: on_done may free the call, or ask for more */
	on_done(r, arg);
}

static int attempt(struct pending *p);

static void on_retry(void *arg)
{
	struct pending *p = arg;
	struct graph_result r = {.verb = p->verb, .outcome = GRAPH_FAILED};

	counter_inc(CNT_GRAPH_RETRIES);
	if (attempt(p)) {
		str_copy(r.message, sizeof(r.message), "out of memory");
		finish(p, &r);
	}
}

static uint64_t retry_delay_us(unsigned retry_after_s)
{
	return (retry_after_s ? retry_after_s * 1000ULL : RETRY_DELAY_MS + crypto_random_u32() % RETRY_DELAY_MS) *
	       1000ULL;
}

static void on_http_done(const struct http_result *h, void *arg)
{
	struct pending *p = arg;
	struct graph_result r = {.verb = p->verb};
	uint64_t now_us = loop_now_us(p->graph->loop);

	if (h->error) {
		r.outcome = GRAPH_FAILED;
		str_copy(r.message, sizeof(r.message), h->error_text);
	} else {
		graph_answer_read(p->verb, h->status, h->body, h->body_length, p->attempt, &r);
	}
	if (r.outcome != GRAPH_OK && r.outcome != GRAPH_ALREADY_OVER &&
		graph_may_retry(p->verb, r.code, h->status, p->attempt) && h->retry_after_s <= RETRY_AFTER_MAX_S &&
		loop_timer_set(p->graph->loop, &p->retry, now_us + retry_delay_us(h->retry_after_s), on_retry, p) == 0)
		return;
	finish(p, &r);
}

static int attempt(struct pending *p)
{
	const char *const headers[] = {p->authorization, "Content-Type: application/json", NULL};
	const struct http_send send = {.method = "POST",
		.url = p->url,
		.headers = headers,
		.body = p->body,
		.body_length = p->body_length,
		.timeout_ms = p->graph->timeout_ms,
		.on_done = on_http_done,
		.arg = p};
	int r = http_send(p->graph->http, &send, &p->http_id);

	if (r == 0) {
		p->attempt++;
		counter_inc(CNT_GRAPH_REQUESTS);
	}
	return r;
}

static bool is_complete(const struct graph_request *req)
{
	bool wants_sdp = req->verb == GRAPH_PRE_ACCEPT || req->verb == GRAPH_ACCEPT || req->verb == GRAPH_CONNECT;
	bool has_target = req->verb == GRAPH_CONNECT ? (req->to && *req->to) || (req->recipient && *req->recipient)
						     : req->call_id && *req->call_id;

	return req->number && has_target && wants_sdp == (req->sdp != NULL) &&
	       (!req->opaque || strlen(req->opaque) <= OPAQUE_MAX);
}

int graph_send(struct graph *g, const struct graph_request *request,
	void (*on_done)(const struct graph_result *result, void *arg), void *arg, uint64_t *ret_id)
{
	struct pending *p;
	int r;

	if (!is_complete(request))
		return -EINVAL;
	p = calloc(1, sizeof(*p));
	if (!p)
		return -ENOMEM;
	p->graph = g;
	p->verb = request->verb;
	p->on_done = on_done;
	p->arg = arg;
	p->started_us = loop_now_us(g->loop);
	p->id = slotmap_add(g->pending, p);
	r = p->id ? fill(p, g, request) : -ENOMEM;
	if (r == 0)
		r = attempt(p);
	if (r) {
		free_pending(p);
		return r;
	}
	*ret_id = p->id;
	return 0;
}

void graph_cancel(struct graph *g, uint64_t id)
{
	struct pending *p = slotmap_get(g->pending, id);

	if (p) {
		http_cancel(g->http, p->http_id);
		free_pending(p);
	}
}

size_t graph_pending(const struct graph *g)
{
	return slotmap_count(g->pending);
}

/* ---- life ---- */

int graph_new(struct loop *l, struct http_client *http, const struct graph_conf *conf, struct graph **ret_graph)
{
	struct graph *g = calloc(1, sizeof(*g));
	size_t length = strlen(conf->base_url);
	int r = -ENOMEM;

	if (!g)
		return r;
	g->loop = l;
	g->http = http;
	g->timeout_ms = conf->timeout_ms ? conf->timeout_ms : DEFAULT_TIMEOUT_MS;
	g->appsecret_proof = conf->appsecret_proof;
	g->base = format(conf->base_url, length && conf->base_url[length - 1] == '/' ? "" : "/", conf->version, "");
	if (g->base)
		r = slotmap_new(0, MAX_REQUESTS, &g->pending);
	if (r == 0)
		r = http_keep_warm(http, g->base);
	if (r) {
		graph_free(g);
		return r;
	}
	*ret_graph = g;
	return 0;
}

struct graph *graph_free(struct graph *g)
{
	size_t cursor = 0;
	struct pending *p;

	if (!g)
		return NULL;
	while (g->pending && (p = slotmap_next(g->pending, &cursor))) {
		http_cancel(g->http, p->http_id);
		free_pending(p);
	}
	slotmap_free(g->pending);
	free(g->base);
	free(g);
	return NULL;
}
