/* tests/unit/events/event_rig.c -- see event_rig.h */
#include "tests/unit/events/event_rig.h"

#include "lib/base/assert.h"
#include "lib/base/str.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void keep(struct hook *h, const struct http_request *req, struct got *g)
{
	size_t length;
	const char *bytes = (const char *)http_request_body(req, &length);
	const char *signature = http_request_header(req, "X-Watrunk-Signature");
	json_t *top = json_loadb(bytes, length, JSON_REJECT_DUPLICATES, NULL), *data = json_object_get(top, "data");

	(void)h;
	ASSERT(data);
	str_copy(g->id, sizeof(g->id), json_string_value(json_object_get(top, "id")));
	str_copy(g->type, sizeof(g->type), json_string_value(json_object_get(top, "type")));
	str_copy(g->subject, sizeof(g->subject), json_string_value(json_object_get(top, "subject")));
	str_copy(g->signature, sizeof(g->signature), signature);
	str_copy(g->content_type, sizeof(g->content_type), http_request_header(req, "Content-Type"));
	g->n = json_integer_value(json_object_get(data, "n"));
	free(g->body);
	g->body = malloc(length + 1); /* what came has no end mark */
	ASSERT(g->body);
	memcpy(g->body, bytes, length);
	g->body[length] = '\0';
	json_decref(top);
}

static void on_request(struct http_request *req, void *arg)
{
	struct hook *h = arg;
	struct got *g = &h->got[h->got_count++];
	const char *const headers[] = {h->retry_after, NULL};
	unsigned status;

	ASSERT(h->got_count <= HOOK_GOT_MAX);
	keep(h, req, g);
	status = g->n == h->bad_n ? h->bad_n_status : h->status;
	if (status) {
		http_reply(req, status, NULL, "", 0, headers);
		return;
	}
	ASSERT(h->held_count < HOOK_HELD_MAX);
	h->held[h->held_count++] = req;
	if (h->held_count > h->held_max)
		h->held_max = h->held_count;
}

void hook_again(struct hook *h)
{
	const struct http_server_conf conf = {
		.listen = h->addr,
		.max_body_bytes = 64 * 1024,
		.max_connections = 64,
		.idle_timeout_s = 30,
		.on_request = on_request,
		.arg = h,
	};
	ASSERT(http_server_new(h->loop, &conf, &h->server) == 0);
}

void hook_up(struct hook *h, struct loop *l)
{
	char where[ADDR_TEXT_MAX];

	memset(h, 0, sizeof(*h));
	h->loop = l;
	h->status = 204;
	h->bad_n = -1;
	ASSERT(addr_set(&h->addr, "127.0.0.1", 0) == 0);
	hook_again(h);
	http_server_addr(h->server, &h->addr);
	snprintf(h->url, sizeof(h->url), "http://%s/hook", addr_format(&h->addr, where, sizeof(where)));
}

void hook_down(struct hook *h)
{
	h->server = http_server_free(h->server);
	h->held_count = 0;
}

void hook_done(struct hook *h)
{
	hook_down(h);
	for (size_t i = 0; i < HOOK_GOT_MAX; i++)
		free(h->got[i].body);
}

void hook_answer_held(struct hook *h, unsigned status)
{
	struct http_request *held[HOOK_HELD_MAX];
	size_t n = h->held_count;

	memcpy(held, h->held, sizeof(held));
	h->held_count = 0;
	for (size_t i = 0; i < n; i++)
		http_reply(held[i], status, NULL, "", 0, NULL);
}
