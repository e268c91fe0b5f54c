/* tools/metasim/graph_api.c
 *
 * POST /vNN.N/{phone_number_id}/calls, as strict as Meta: Meta, "Calling API reference" and "Error codes".
 */
#include "lib/base/clock.h"
#include "lib/base/str.h"
#include "lib/http/http_server.h"
#include "lib/sdp/sdp_audio.h"
#include "tools/metasim/answer_check.h"
#include "tools/metasim/meta_internal.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* An answer that comes later than the request, or never. */
struct late_reply {
	struct meta *meta;
	struct http_request *req; /* NULL: the client gave up */
	char body[512];
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

static void reply(
	struct meta *m, struct http_request *req, unsigned delay_ms, bool drop, unsigned status, const char *body)
{
	struct late_reply *l;

	if (!delay_ms && !drop) {
		http_reply(req, status, "application/json", body, strlen(body), NULL);
		return;
	}
	l = calloc(1, sizeof(*l));
	if (!l)
		abort();
	l->meta = m;
	l->req = req;
	l->status = status;
	snprintf(l->body, sizeof(l->body), "%s", body);
	l->next = m->late;
	m->late = l;
	http_request_on_gone(req, on_gone, l);
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

static void refuse(struct meta *m, struct http_request *req, struct meta_call *c, unsigned status, int code,
	int subcode, const char *details)
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
static bool planned_failure(struct meta *m, struct http_request *req, struct meta_call *c, enum plan_verb verb)
{
	const struct plan *p = m->plan;

	if (!p->graph[verb].fail_http || (p->graph[verb].fail_times && m->failed[verb] >= p->graph[verb].fail_times))
		return false;
	m->failed[verb]++;
	refuse(m, req, c, p->graph[verb].fail_http, (int)p->graph[verb].fail_code, 0, "failed on purpose");
	return true;
}

static void succeed(struct meta *m, struct http_request *req, enum plan_verb verb)
{
	unsigned times = m->plan->graph[verb].drop_times;
	bool drop = m->plan->graph[verb].drop && (!times || m->dropped[verb]++ < times);

	reply(m, req, m->plan->graph[verb].delay_ms, drop, 200,
		"{\"messaging_product\":\"whatsapp\",\"success\":true}");
}

/* Text a business may send more than once, but never another one. Returns why it is refused. */
static const char *take_answer(struct meta_call *c, const json_t *body, struct sdp_audio *sdp)
{
	const json_t *session = json_object_get(body, "session");
	const char *type = json_string_value(json_object_get(session, "sdp_type"));
	const char *text = json_string_value(json_object_get(session, "sdp"));
	const char *why;

	if (!type || !text)
		return "session.sdp_type and session.sdp are required";
	why = answer_check(type, text, sdp);
	if (why)
		return why;
	if (c->answer && strcmp(c->answer, text) != 0)
		return "SDP differs from the one in pre_accept";
	if (!c->answer) {
		c->answer = strdup(text);
		if (!c->answer || wa_user_answer(c->user, sdp, loop_now_us(c->meta->loop)))
			return "SDP could not be applied";
	}
	return NULL;
}

static void do_pre_accept(struct meta *m, struct http_request *req, struct meta_call *c, const json_t *body)
{
	struct sdp_audio sdp;
	const char *why;

	if (c->state != META_OFFERED) {
		refuse(m, req, c, 400, 100, 0, "Call is not in a state to be pre-accepted");
		return;
	}
	why = take_answer(c, body, &sdp);
	if (why) {
		refuse(m, req, c, 400, 100, 2494010, why);
		return;
	}
	c->state = META_PRE_ACCEPTED;
	succeed(m, req, PLAN_PRE_ACCEPT);
}

static void do_accept(struct meta *m, struct http_request *req, struct meta_call *c, const json_t *body)
{
	struct sdp_audio sdp;
	const char *why = take_answer(c, body, &sdp);

	if (why) {
		refuse(m, req, c, 400, 100, 2494010, why);
		return;
	}
	if (c->state != META_ACCEPTED) {
		c->state = META_ACCEPTED;
		c->user_from_us = loop_wall_ms(m->loop) / 1000;
		wa_user_accepted(c->user, loop_now_us(m->loop));
	}
	succeed(m, req, PLAN_ACCEPT);
}

static void do_end(struct meta *m, struct http_request *req, struct meta_call *c, enum plan_verb verb)
{
	if (verb == PLAN_REJECT && c->state == META_ACCEPTED) {
		refuse(m, req, c, 400, 100, 0, "An accepted call cannot be rejected");
		return;
	}
	succeed(m, req, verb);
	meta_end(c, "business", 0);
}

static void run_verb(
	struct meta *m, struct http_request *req, struct meta_call *c, enum plan_verb verb, const json_t *body)
{
	static const char *const events[PLAN_VERBS] = {"pre_accept", "accept", "reject", "terminate"};
	uint64_t *const times[PLAN_VERBS] = {
		&c->rep.pre_accept_us, &c->rep.accept_us, &c->rep.reject_us, &c->rep.terminate_us};

	if (!*times[verb])
		*times[verb] = clock_mono_us();
	meta_timeline(m, c, events[verb], "");
	if (planned_failure(m, req, c, verb))
		return;
	if (c->state == META_ENDED) {
		refuse(m, req, c, 400, 100, 0, "Call has already been terminated");
		return;
	}
	switch (verb) {
	case PLAN_PRE_ACCEPT: do_pre_accept(m, req, c, body); break;
	case PLAN_ACCEPT: do_accept(m, req, c, body); break;
	case PLAN_REJECT:
	case PLAN_TERMINATE: do_end(m, req, c, verb); break;
	case PLAN_VERBS: break;
	}
}

static int verb_of(const char *action)
{
	static const char *const names[PLAN_VERBS] = {"pre_accept", "accept", "reject", "terminate"};

	for (int i = 0; action && i < PLAN_VERBS; i++) {
		if (strcmp(names[i], action) == 0)
			return i;
	}
	return -1;
}

static void on_calls_post(struct meta *m, struct http_request *req, const json_t *body)
{
	const char *product = json_string_value(json_object_get(body, "messaging_product"));
	const char *wacid = json_string_value(json_object_get(body, "call_id"));
	int verb = verb_of(json_string_value(json_object_get(body, "action")));
	struct meta_call *c = wacid ? meta_find(m, wacid) : NULL;

	if (!product || strcmp(product, "whatsapp") != 0)
		refuse(m, req, c, 400, 100, 0, "messaging_product must be whatsapp");
	else if (verb < 0)
		refuse(m, req, c, 400, 100, 0, "action is not one of pre_accept, accept, reject, terminate");
	else if (!c)
		refuse(m, req, NULL, 400, 100, 0, "call_id is unknown");
	else
		run_verb(m, req, c, (enum plan_verb)verb, body);
}

static bool is_calls_path(const struct meta *m, const char *path)
{
	const char *slash = path[0] == '/' && path[1] == 'v' ? strchr(path + 1, '/') : NULL;
	char want[80];

	snprintf(want, sizeof(want), "/%s/calls", m->plan->number_id);
	return slash && strcmp(slash, want) == 0;
}

static void on_request(struct http_request *req, void *arg)
{
	struct meta *m = arg;
	const char *authorization = http_request_header(req, "Authorization");
	char bearer[300];
	size_t length;
	const uint8_t *bytes = http_request_body(req, &length);
	json_t *body;

	snprintf(bearer, sizeof(bearer), "Bearer %s", m->plan->token);
	if (strcmp(http_request_method(req), "POST") != 0 || !is_calls_path(m, http_request_path(req))) {
		refuse(m, req, NULL, 404, 100, 0, "Unknown path components");
		return;
	}
	if (!authorization || strcmp(authorization, bearer) != 0) {
		refuse(m, req, NULL, 401, 190, 0, "Invalid OAuth access token");
		return;
	}
	body = json_loadb((const char *)bytes, length, 0, NULL);
	if (json_is_object(body))
		on_calls_post(m, req, body);
	else
		refuse(m, req, NULL, 400, 100, 0, "Body is not a JSON object");
	json_decref(body);
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
