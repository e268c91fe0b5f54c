/* admin/admin.c
 *
 * The HTTP interface: who may ask, and which route answers. Answers from memory are given at once; others wait for the
 * store, the shell or Meta (api_reply.h).
 */
#include "admin/admin.h"

#include "admin/admin_internal.h"
#include "admin/problem.h"
#include "lib/base/counter.h"
#include "lib/base/crypto.h"
#include "lib/base/str.h"
#include "lib/http/http_server.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	MAX_BODY_BYTES = 64 * 1024,
	MAX_CONNECTIONS = 128, /* 32 of them may be event streams */
	IDLE_TIMEOUT_S = 30,
};

/* Before there is a reply. header: one more line, or NULL. */
static void refuse(struct http_request *req, const char *instance, enum api_problem problem, const char *detail,
	const char *header)
{
	static const char no_memory[] = "out of memory\n";
	const char *const headers[] = {header, NULL};
	const struct api_fault fault = {.problem = problem, .detail = detail};
	json_t *body = problem_json(&fault, instance);
	char *text = body ? json_dumps(body, JSON_COMPACT) : NULL;

	json_decref(body);
	if (text)
		http_reply(req, problem_status(problem), "application/problem+json", text, strlen(text), headers);
	else
		http_reply(req, 500, NULL, no_memory, sizeof(no_memory) - 1, NULL);
	free(text);
}

/* Every token is looked at, whichever it is: the time taken tells nothing. */
static bool who_asks(const struct admin *a, const struct http_request *req, struct asker *ret_asker)
{
	const char *header = http_request_header(req, "Authorization");
	const struct token_of *tenants = NULL;
	bool is_operator;

	*ret_asker = (struct asker){.known = false};
	if (!header || !str_starts(header, "Bearer "))
		return false;
	crypto_sha256(header + 7, strlen(header + 7), ret_asker->token);
	is_operator = crypto_equal(ret_asker->token, a->token_digest, sizeof(a->token_digest));
	for (size_t i = 0; i < a->token_count; i++) {
		if (crypto_equal(ret_asker->token, a->tokens[i].digest, sizeof(a->tokens[i].digest)))
			tenants = &a->tokens[i];
	}
	if (!is_operator && tenants)
		str_copy(ret_asker->tenant, sizeof(ret_asker->tenant), tenants->tenant);
	ret_asker->known = is_operator || tenants;
	return ret_asker->known;
}

struct query_check {
	const char *known; /* "number user" */
	char unknown[64];
};

static bool check_query(const char *name, void *arg)
{
	struct query_check *q = arg;
	size_t length = strlen(name), word;

	for (const char *known = q->known; *known; known += word + (known[word] == ' ')) {
		word = strcspn(known, " ");
		if (word == length && memcmp(known, name, word) == 0)
			return true;
	}
	str_copy(q->unknown, sizeof(q->unknown), *name ? name : "?");
	return false;
}

/* A misspelt filter would show everything. True: refused. Of requests that have none it changes nothing. */
static bool refuse_query(struct http_request *req, const struct api_route *route, const char *instance)
{
	struct query_check q = {.known = route->query};
	char detail[320];

	if (!*route->query || !strstr(route->problems, "bad-request"))
		return false;
	http_request_each_query(req, check_query, &q);
	if (!*q.unknown)
		return false;
	snprintf(detail, sizeof(detail), "%s: no such parameter; there are %s", q.unknown, route->query);
	refuse(req, instance, API_BAD_REQUEST, detail, NULL);
	return true;
}

static void on_request(struct http_request *req, void *arg)
{
	struct admin *a = arg;
	char id[API_ID_MAX], allow[64], header[80], instance[160];
	const struct api_route *route =
		route_find(http_request_method(req), http_request_path(req), id, sizeof(id), allow, sizeof(allow));
	struct api_reply *r;
	struct asker asker;
	bool known = who_asks(a, req, &asker);

	problem_instance(http_request_path(req), instance, sizeof(instance));
	if (!known && !(route && route->open)) {
		counter_inc(CNT_ADMIN_BAD_TOKEN);
		/* RFC 9110 s11.6.1: a 401 names the scheme. */
		refuse(req, instance, API_UNAUTHORIZED, "send Authorization: Bearer with a configured token",
			"WWW-Authenticate: Bearer");
		return;
	}
	if (!route && *allow) { /* RFC 9110 s15.5.6: a 405 names what is allowed */
		snprintf(header, sizeof(header), "Allow: %s", allow);
		refuse(req, instance, API_METHOD, "this resource has another method", header);
		return;
	}
	if (!route || (*asker.tenant && !route->open && route->scope != API_SCOPE_TENANT)) {
		refuse(req, instance, API_NOT_FOUND, "no such resource", NULL);
		return;
	}
	if (refuse_query(req, route, instance))
		return;
	r = reply_new(a, req, route, id, instance, &asker);
	if (r)
		route->run(r);
	else
		refuse(req, instance, API_BUSY, "too many requests are waiting for an answer", NULL);
}

/* ---- life ---- */

int admin_new(struct loop *l, const struct admin_conf *conf, struct admin **ret_admin)
{
	struct admin *a = calloc(1, sizeof(*a));
	struct http_server_conf server = {
		.listen = conf->listen,
		.max_body_bytes = MAX_BODY_BYTES,
		.max_connections = MAX_CONNECTIONS,
		.idle_timeout_s = IDLE_TIMEOUT_S,
		.on_request = on_request,
		.arg = a,
	};
	int r;

	if (!a)
		return -ENOMEM;
	a->loop = l;
	a->store = conf->store;
	a->ops = conf->ops;
	a->api = conf->api;
	a->events = conf->events;
	a->heartbeat_ms = conf->heartbeat_ms;
	crypto_sha256(conf->token, strlen(conf->token), a->token_digest);
	r = admin_set_tokens(a, conf->tokens, conf->token_count);
	if (r == 0)
		r = http_server_new(l, &server, &a->server);
	if (r) {
		free(a->tokens);
		free(a);
		return r;
	}
	*ret_admin = a;
	return 0;
}

int admin_set_tokens(struct admin *a, const struct admin_token *tokens, size_t count)
{
	struct token_of *list = calloc(count + 1, sizeof(*list));

	if (!list)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		crypto_sha256(tokens[i].token, strlen(tokens[i].token), list[i].digest);
		if (str_copy(list[i].tenant, sizeof(list[i].tenant), tokens[i].tenant) || !*list[i].tenant) {
			free(list); /* cut short, or "", it would be somebody else's */
			return -EINVAL;
		}
	}
	free(a->tokens);
	a->tokens = list;
	a->token_count = count;
	events_api_check(a);
	return 0;
}

void admin_addr(const struct admin *a, struct addr *ret_addr)
{
	http_server_addr(a->server, ret_addr);
}

struct admin *admin_free(struct admin *a)
{
	if (!a)
		return NULL;
	http_server_free(a->server);
	events_api_close(a);
	/* The store and the shell still owe these an answer: they go with it. */
	reply_detach_all(a);
	free(a->tokens);
	free(a);
	return NULL;
}
