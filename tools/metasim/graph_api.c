/* tools/metasim/graph_api.c
 *
 * The door of the Graph API, /vNN.N/{phone_number_id}/{calls, messages, call_permissions}: token, path, answers that
 * are late or lost, errors in Meta's shape. And the control path, /metasim/steps, by which a test makes users act.
 */
#include "lib/http/http_server.h"
#include "tools/metasim/meta_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* An answer that comes later than the request, or never. */
struct late_reply {
	struct meta *meta;
	struct http_request *req; /* NULL: the client gave up */
	char *body;
	unsigned status;
	struct loop_timer timer;
	struct late_reply *next;
};

static void free_late(struct late_reply *l)
{
	for (struct late_reply **p = &l->meta->late; *p; p = &(*p)->next) {
		if (*p == l) {
			*p = l->next;
			break;
		}
	}
	loop_timer_cancel(&l->timer);
	free(l->body);
	free(l);
}

static void on_gone(void *arg)
{
	((struct late_reply *)arg)->req = NULL;
}

static void on_late(void *arg)
{
	struct late_reply *l = arg;

	if (l->req)
		http_reply(l->req, l->status, "application/json", l->body, strlen(l->body), NULL);
	free_late(l);
}

void graph_release(struct late_reply *l)
{
	on_late(l);
}

static struct late_reply *hold(struct meta *m, struct http_request *req, unsigned status, const char *body)
{
	struct late_reply *l = calloc(1, sizeof(*l));

	if (!l)
		abort();
	l->meta = m;
	l->req = req;
	l->status = status;
	l->body = strdup(body);
	l->next = m->late;
	m->late = l;
	http_request_on_gone(req, on_gone, l);
	return l;
}

struct late_reply *graph_hold(struct meta *m, struct http_request *req, const char *body)
{
	return hold(m, req, 200, body);
}

static void reply(
	struct meta *m, struct http_request *req, unsigned delay_ms, bool drop, unsigned status, const char *body)
{
	struct late_reply *l;

	if (!delay_ms && !drop) {
		http_reply(req, status, "application/json", body, strlen(body), NULL);
		return;
	}
	l = hold(m, req, status, body);
	if (!drop)
		loop_timer_set(m->loop, &l->timer, loop_now_us(m->loop) + delay_ms * 1000ULL, on_late, l);
}

static void error_body(char *body, size_t cap, int code, int subcode, const char *details)
{
	json_t *j = json_pack("{s:{s:s, s:s, s:i, s:i, s:{s:s, s:s}, s:s}}", "error", "message",
		code == 100 ? "(#100) Invalid parameter" : details, "type", "OAuthException", "code", code,
		"error_subcode", subcode, "error_data", "messaging_product", "whatsapp", "details", details,
		"fbtrace_id", "AbCdEfGhIjKlMnOpQr");
	char *text = json_dumps(j, JSON_COMPACT);

	snprintf(body, cap, "%s", text ? text : "{}");
	free(text);
	json_decref(j);
}

void graph_refuse(struct meta *m, struct http_request *req, struct meta_call *c, unsigned status, int code, int subcode,
	const char *details)
{
	char body[512];

	error_body(body, sizeof(body), code, subcode, details);
	if (c) {
		c->rep.refused++;
		meta_timeline(m, c, "graph_refused", details);
	}
	reply(m, req, 0, false, status, body);
}

/* Fails on purpose, as the plan says. */
bool graph_planned_failure(struct meta *m, struct http_request *req, struct meta_call *c, enum plan_verb verb)
{
	const struct plan *p = m->plan;

	if (!p->graph[verb].fail_http || (p->graph[verb].fail_times && m->failed[verb] >= p->graph[verb].fail_times))
		return false;
	m->failed[verb]++;
	graph_refuse(m, req, c, p->graph[verb].fail_http, (int)p->graph[verb].fail_code, 0, "failed on purpose");
	return true;
}

void graph_succeed(struct meta *m, struct http_request *req, enum plan_verb verb, const char *body)
{
	unsigned times = m->plan->graph[verb].drop_times;
	bool drop = m->plan->graph[verb].drop && (!times || m->dropped[verb]++ < times);

	reply(m, req, m->plan->graph[verb].delay_ms, drop, 200, body);
}

/* ---- the control path ---- */

static void answer_control(struct http_request *req, unsigned status, const char *text)
{
	http_reply(req, status, "text/plain", text, strlen(text), NULL);
}

/* {"user": "447700900123", and a step as in the plan}: done at once. */
static void on_step(struct meta *m, struct http_request *req, json_t *body)
{
	const char *number = json_string_value(json_object_get(body, "user"));
	struct meta_user *u = meta_user_find(m, number ? number : m->plan->user, NULL);
	struct plan_step step;
	char why[200];

	if (!u) {
		answer_control(req, 404, "no such user\n");
		return;
	}
	json_object_del(body, "user");
	if (plan_step_read(body, &step, why, sizeof(why)))
		answer_control(req, 400, why);
	else if (meta_act(u, &step, step.at_ms, NULL))
		answer_control(req, 500, "out of memory\n");
	else
		answer_control(req, 200, "done\n");
}

/* ---- requests ---- */

/* "calls" of /v25.0/310000000000002/calls; NULL: not one of the business number's paths. */
static const char *thing_of(const struct meta *m, const char *path)
{
	const char *slash = path[0] == '/' && path[1] == 'v' ? strchr(path + 1, '/') : NULL;
	size_t length = strlen(m->plan->number_id);

	if (!slash || strncmp(slash + 1, m->plan->number_id, length) != 0 || slash[1 + length] != '/')
		return NULL;
	return slash + length + 2;
}

static bool is(const char *a, const char *b)
{
	return a && strcmp(a, b) == 0;
}

static void on_post(struct meta *m, struct http_request *req, const char *thing)
{
	size_t length;
	const uint8_t *bytes = http_request_body(req, &length);
	json_t *body = json_loadb((const char *)bytes, length, 0, NULL);

	if (!json_is_object(body))
		graph_refuse(m, req, NULL, 400, 100, 0, "Body is not a JSON object");
	else if (is(thing, "calls"))
		graph_calls_post(m, req, body);
	else if (is(thing, "messages"))
		graph_messages_post(m, req, body);
	else
		on_step(m, req, body);
	json_decref(body);
}

static void on_request(struct http_request *req, void *arg)
{
	struct meta *m = arg;
	const char *authorization = http_request_header(req, "Authorization");
	const char *thing = thing_of(m, http_request_path(req));
	bool get = is(http_request_method(req), "GET"), post = is(http_request_method(req), "POST");
	char bearer[300];

	m->last_event_us = loop_now_us(m->loop);
	snprintf(bearer, sizeof(bearer), "Bearer %s", m->plan->token);
	if (post && is(http_request_path(req), "/metasim/steps"))
		on_post(m, req, "steps");
	else if (!(post && (is(thing, "calls") || is(thing, "messages"))) && !(get && is(thing, "call_permissions")))
		graph_refuse(m, req, NULL, 404, 100, 0, "Unknown path components");
	else if (!authorization || strcmp(authorization, bearer) != 0)
		graph_refuse(m, req, NULL, 401, 190, 0, "Invalid OAuth access token");
	else if (get)
		graph_permissions_get(m, req);
	else
		on_post(m, req, thing);
}

int graph_api_start(struct meta *m)
{
	const struct http_server_conf conf = {.listen = m->conf.graph_listen,
		.max_body_bytes = 64 * 1024,
		.max_connections = 2000,
		.idle_timeout_s = 120,
		.on_request = on_request,
		.arg = m};
	return http_server_new(m->loop, &conf, &m->server);
}

void graph_api_stop(struct meta *m)
{
	m->server = http_server_free(m->server);
	while (m->late)
		free_late(m->late);
}
