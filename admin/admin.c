/* admin/admin.c
 *
 * Routes of the operator's interface. Answers from memory are given at once; those that need the database wait for the
 * store thread, and are forgotten when the client goes away first.
 */
#include "admin/admin.h"

#include "admin/admin_json.h"
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
	MAX_CONNECTIONS = 64,
	IDLE_TIMEOUT_S = 30,
	GAUGES_MAX = 32,
	HISTORY_LIMIT_MAX = 1000,
};

struct admin {
	struct http_server *server;
	uint8_t token_digest[32]; /* SHA-256: equal lengths, so that the comparison tells nothing */
	struct store *store;
	struct admin_ops ops;
	struct waiting *waiting; /* requests that wait for the store */
};

/* ---- answers ---- */

static void reply_json(
	struct http_request *req, unsigned status, const char *type, json_t *body, const char *const *headers)
{
	static const char no_memory[] = "out of memory\n";
	char *text = body ? json_dumps(body, JSON_COMPACT) : NULL;

	json_decref(body);
	if (text)
		http_reply(req, status, type, text, strlen(text), headers);
	else
		http_reply(req, 500, NULL, no_memory, sizeof(no_memory) - 1, NULL);
	free(text);
}

static void reply_ok(struct http_request *req, json_t *body)
{
	reply_json(req, 200, "application/json", body, NULL);
}

/* Rather no answer than a list from which something is missing. */
static void reply_list(struct http_request *req, const char *name, json_t *list, bool incomplete)
{
	if (list && !incomplete) {
		reply_ok(req, json_pack("{s:o}", name, list));
		return;
	}
	json_decref(list);
	reply_ok(req, NULL);
}

/* RFC 9457. header: one more line, or NULL. */
static void reply_problem_with(
	struct http_request *req, unsigned status, const char *title, const char *detail, const char *header)
{
	const char *const headers[] = {header, NULL};

	reply_json(req, status, "application/problem+json",
		json_pack("{s:s, s:s, s:i, s:s}", "type", "about:blank", "title", title, "status", (int)status,
			"detail", detail),
		headers);
}

static void reply_problem(struct http_request *req, unsigned status, const char *title, const char *detail)
{
	reply_problem_with(req, status, title, detail, NULL);
}

/* ---- waiting for the store ---- */

struct waiting {
	struct admin *admin;      /* NULL: it has gone */
	struct http_request *req; /* NULL: the client has gone */
	bool single;              /* one call wanted: 404 when there is none */
	struct waiting *next;
};

static void on_client_gone(void *arg)
{
	((struct waiting *)arg)->req = NULL;
}

static void stop_waiting(struct waiting *w)
{
	for (struct waiting **p = w->admin ? &w->admin->waiting : NULL; p && *p; p = &(*p)->next) {
		if (*p == w) {
			*p = w->next;
			break;
		}
	}
	free(w);
}

static void reply_records(struct http_request *req, const struct call_record *const *records, size_t count)
{
	json_t *list = json_array();
	bool incomplete = false;

	for (size_t i = 0; i < count; i++)
		incomplete |= json_array_append_new(list, admin_json_record(records[i])) != 0;
	reply_list(req, "records", list, incomplete);
}

static void on_records(int status, const struct call_record *const *records, size_t count, void *arg)
{
	struct waiting *w = arg;

	if (!w->req) {
		stop_waiting(w);
		return;
	}
	if (status)
		reply_problem(w->req, 503, "The call log cannot be read", strerror(-status));
	else if (w->single && count == 0)
		reply_problem(w->req, 404, "No such call", "neither live nor in the call log");
	else if (w->single)
		reply_ok(w->req, admin_json_record(records[0]));
	else
		reply_records(w->req, records, count);
	stop_waiting(w);
}

static void ask_store(struct admin *a, struct http_request *req, const struct store_query *query, bool single)
{
	struct waiting *w = calloc(1, sizeof(*w));
	int r = w ? store_find(a->store, query, on_records, w) : -ENOMEM;

	if (r) {
		free(w);
		reply_problem(req, 503, "The call log is busy", strerror(-r));
		return;
	}
	w->admin = a;
	w->req = req;
	w->single = single;
	w->next = a->waiting;
	a->waiting = w;
	http_request_on_gone(req, on_client_gone, w);
}

/* ---- routes ---- */

struct listing {
	json_t *list;
	const char *wanted; /* id, or NULL: all */
	bool out_of_memory;
};

static void list_call(const struct admin_call *call, void *arg)
{
	struct listing *l = arg;

	if (l->wanted && strcmp(l->wanted, call->id) != 0)
		return;
	if (json_array_append_new(l->list, admin_json_call(call)))
		l->out_of_memory = true;
}

static void get_calls(struct admin *a, struct http_request *req)
{
	struct listing l = {.list = json_array()};

	a->ops.each_call(list_call, &l, a->ops.arg);
	reply_list(req, "calls", l.list, l.out_of_memory);
}

static void get_call(struct admin *a, struct http_request *req, const char *id)
{
	struct listing l = {.list = json_array(), .wanted = id};
	struct store_query query = {.limit = 1};

	a->ops.each_call(list_call, &l, a->ops.arg);
	if (json_array_size(l.list) || l.out_of_memory)
		reply_ok(req, json_incref(json_array_get(l.list, 0)));
	else if (str_copy(query.id, sizeof(query.id), id))
		reply_problem(req, 404, "No such call", "that is not a call id");
	else
		ask_store(a, req, &query, true);
	json_decref(l.list);
}

static void post_hangup(struct admin *a, struct http_request *req, const char *id)
{
	if (a->ops.hangup(id, a->ops.arg))
		reply_problem(req, 404, "No such call", "no live call has this id");
	else
		reply_ok(req, json_pack("{s:s, s:b}", "id", id, "ended", 1));
}

static int query_number(struct http_request *req, const char *name, uint64_t max, uint64_t *ret_value)
{
	const char *text = http_request_query(req, name);

	*ret_value = 0;
	return text ? str_to_u64(text, 0, max, ret_value) : 0;
}

static int query_e164(struct http_request *req, const char *name, char *dst, size_t cap)
{
	const char *text = http_request_query(req, name);
	return text && *text ? str_e164(text, dst, cap) : 0;
}

static void get_history(struct admin *a, struct http_request *req)
{
	struct store_query q = {0};
	uint64_t limit, offset;
	enum call_status status;
	const char *status_text = http_request_query(req, "status");
	const char *wrong = NULL;

	if (query_e164(req, "number", q.number, sizeof(q.number)))
		wrong = "number: not a phone number";
	else if (query_e164(req, "user", q.user_number, sizeof(q.user_number)))
		wrong = "user: not a phone number";
	else if (status_text && call_status_parse(status_text, &status))
		wrong = "status: completed, missed, rejected, failed or cancelled";
	else if (query_number(req, "from", UINT64_MAX / 2, &q.from_ms) ||
		 query_number(req, "to", UINT64_MAX / 2, &q.to_ms))
		wrong = "from, to: milliseconds since 1970";
	else if (query_number(req, "limit", HISTORY_LIMIT_MAX, &limit) ||
		 query_number(req, "offset", UINT32_MAX, &offset))
		wrong = "limit: 1 to 1000; offset: a number";
	if (wrong) {
		reply_problem(req, 400, "Bad query", wrong);
		return;
	}
	str_copy(q.status, sizeof(q.status), status_text);
	q.limit = (unsigned)limit;
	q.offset = (unsigned)offset;
	ask_store(a, req, &q, false);
}

static void get_counters(struct admin *a, struct http_request *req)
{
	struct admin_gauge gauges[GAUGES_MAX];
	size_t n = a->ops.gauges(gauges, GAUGES_MAX, a->ops.arg);
	json_t *top = json_object(), *g = json_object();

	for (int c = 0; c < CNT_COUNT; c++)
		json_object_set_new(
			top, counter_name((enum counter)c), json_integer((json_int_t)counter_sum((enum counter)c)));
	for (size_t i = 0; i < n; i++)
		json_object_set_new(g, gauges[i].name, json_integer((json_int_t)gauges[i].value));
	json_object_set_new(top, "gauges", g);
	reply_ok(req, top);
}

static void count_call(const struct admin_call *call, void *arg)
{
	(void)call;
	(*(int *)arg)++;
}

static void get_health(struct admin *a, struct http_request *req)
{
	int calls = 0;

	a->ops.each_call(count_call, &calls, a->ops.arg);
	reply_ok(req, json_pack("{s:s, s:s, s:i}", "status", "ok", "version", WATRUNK_VERSION, "calls", calls));
}

/* "/v1/calls/ID" -> ID, "/v1/calls/ID/hangup" with suffix -> ID; false when the path has another form. */
static bool call_id_in(const char *path, const char *suffix, char *id, size_t cap)
{
	static const char prefix[] = "/v1/calls/";
	const char *start;
	size_t length;

	if (!str_starts(path, prefix)) /* first: a shorter path ends before the id would begin */
		return false;
	start = path + sizeof(prefix) - 1;
	length = strcspn(start, "/");
	return length > 0 && strcmp(start + length, suffix) == 0 && str_copy_n(id, cap, start, length) == 0;
}

enum resource { RES_NONE, RES_HEALTH, RES_CALLS, RES_CALL, RES_HANGUP, RES_HISTORY, RES_COUNTERS };

static enum resource resource_of(const char *path, char *id, size_t cap)
{
	if (strcmp(path, "/healthz") == 0)
		return RES_HEALTH;
	if (strcmp(path, "/v1/calls") == 0)
		return RES_CALLS;
	if (strcmp(path, "/v1/history") == 0)
		return RES_HISTORY;
	if (strcmp(path, "/v1/counters") == 0)
		return RES_COUNTERS;
	if (call_id_in(path, "", id, cap))
		return RES_CALL;
	return call_id_in(path, "/hangup", id, cap) ? RES_HANGUP : RES_NONE;
}

static bool authorized(const struct admin *a, const struct http_request *req)
{
	const char *header = http_request_header(req, "Authorization");
	uint8_t digest[32];

	if (!header || !str_starts(header, "Bearer "))
		return false;
	crypto_sha256(header + 7, strlen(header + 7), digest);
	return crypto_equal(digest, a->token_digest, sizeof(digest));
}

static void answer(struct admin *a, struct http_request *req, enum resource res, const char *id)
{
	switch (res) {
	case RES_HEALTH: get_health(a, req); break;
	case RES_CALLS: get_calls(a, req); break;
	case RES_CALL: get_call(a, req, id); break;
	case RES_HANGUP: post_hangup(a, req, id); break;
	case RES_HISTORY: get_history(a, req); break;
	case RES_COUNTERS: get_counters(a, req); break;
	case RES_NONE: reply_problem(req, 404, "Not found", "no such resource"); break;
	}
}

static void on_request(struct http_request *req, void *arg)
{
	struct admin *a = arg;
	char id[64];
	enum resource res = resource_of(http_request_path(req), id, sizeof(id));
	const char *method = res == RES_HANGUP ? "POST" : "GET";
	bool fits = strcmp(http_request_method(req), method) == 0;

	if (!(res == RES_HEALTH && fits) && !authorized(a, req)) {
		counter_inc(CNT_ADMIN_BAD_TOKEN);
		/* RFC 9110 s11.6.1: a 401 names the scheme. */
		reply_problem_with(req, 401, "Unauthorized",
			"send Authorization: Bearer with the configured admin.token", "WWW-Authenticate: Bearer");
	} else if (res != RES_NONE && !fits) { /* RFC 9110 s15.5.6: a 405 names what is allowed */
		reply_problem_with(req, 405, "Method not allowed", "this resource has another method",
			res == RES_HANGUP ? "Allow: POST" : "Allow: GET");
	} else {
		answer(a, req, res, id);
	}
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
	a->store = conf->store;
	a->ops = conf->ops;
	crypto_sha256(conf->token, strlen(conf->token), a->token_digest);
	r = http_server_new(l, &server, &a->server);
	if (r) {
		free(a);
		return r;
	}
	*ret_admin = a;
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
	/* The store still owes these an answer, at the latest from store_close(): they go with it. */
	for (struct waiting *w = a->waiting; w; w = w->next) {
		w->req = NULL;
		w->admin = NULL;
	}
	free(a);
	return NULL;
}
