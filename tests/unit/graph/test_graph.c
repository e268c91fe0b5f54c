/* Call actions against a Graph API that answers by script: bodies, errors, second tries, lost answers. */
#include "graph/graph.h"
#include "lib/base/clock.h"
#include "lib/base/counter.h"
#include "lib/base/str.h"
#include "lib/http/http_client.h"
#include "lib/loop/loop.h"
#include "tests/support/oom.h"
#include "tests/unit/lib/http/scripted_server.h"
#include "tests/unit/lib/http/until.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define TOKEN "EAAsecretsecret"

enum { TIMEOUT_MS = 400 };

struct rig {
	struct loop *loop;
	struct http_client *http;
	struct graph *graph;
	struct scripted_server meta;
	unsigned done;
	struct graph_result last;
	bool cancel_other;
	uint64_t other;
};

static const struct graph_number number = {"310000000000002", TOKEN, "app secret"};

static void on_done(const struct graph_result *result, void *arg)
{
	struct rig *rig = arg;
	rig->done++;
	rig->last = *result;
	if (rig->cancel_other)
		graph_cancel(rig->graph, rig->other);
}

static void answer(char *dst, size_t cap, unsigned status, const char *headers, const char *body)
{
	snprintf(dst, cap, "HTTP/1.1 %u X\r\nContent-Type: application/json\r\n%sContent-Length: %zu\r\n\r\n%s", status,
		headers, strlen(body), body);
}

static void open_graph(struct rig *rig, bool proof)
{
	struct graph_conf conf = {
		.base_url = rig->meta.url, .version = "v25.0", .timeout_ms = TIMEOUT_MS, .appsecret_proof = proof};
	graph_free(rig->graph);
	assert_int_equal(graph_new(rig->loop, rig->http, &conf, &rig->graph), 0);
}

static int setup(void **state)
{
	static const struct scripted_step fine[] = {
		{SCRIPT_ANSWER, "HTTP/1.1 200 OK\r\nContent-Length: 16\r\n\r\n{\"success\":true}"}};
	struct rig *rig = calloc(1, sizeof(*rig));
	struct http_client_conf http = {0};
	assert_int_equal(loop_new(&rig->loop), 0);
	assert_int_equal(http_client_new(rig->loop, &http, &rig->http), 0);
	scripted_open(&rig->meta, rig->loop, fine, 1);
	rig->meta.heads_are_free = true;
	open_graph(rig, false);
	UNTIL(rig->loop, rig->meta.accepted == 1); /* warm */
	loop_step(rig->loop, 10);
	*state = rig;
	return 0;
}

static int teardown(void **state)
{
	struct rig *rig = *state;
	graph_free(rig->graph);
	http_client_free(rig->http);
	scripted_close(&rig->meta);
	loop_free(rig->loop);
	free(rig);
	return 0;
}

static void script(struct rig *rig, const struct scripted_step *steps, size_t count)
{
	rig->meta.steps = steps;
	rig->meta.step_count = count;
	rig->meta.step = 0;
	rig->meta.requests = 0;
}

static uint64_t perform(struct rig *rig, enum graph_verb verb)
{
	struct graph_request q = {.verb = verb, .number = &number};
	uint64_t id = 0;
	if (verb == GRAPH_CONNECT)
		q.to = "447700900123";
	else
		q.call_id = "wacid.EXAMPLE+/==";
	if (verb != GRAPH_REJECT && verb != GRAPH_TERMINATE)
		q.sdp = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\n";
	q.opaque = "leg-000042";
	assert_int_equal(graph_send(rig->graph, &q, on_done, rig, &id), 0);
	assert_true(id != 0);
	return id;
}

static void bodies_are_as_meta_wants_them(void **state)
{
#define CALL      "\"call_id\":\"wacid.EXAMPLE+/==\""
#define SDP       "\"sdp\":\"v=0\\r\\no=- 1 1 IN IP4 127.0.0.1\\r\\n\"}"
#define ACTION(x) "{\"messaging_product\":\"whatsapp\",\"action\":\"" x "\","
	static const struct {
		enum graph_verb verb;
		const char *body;
	} cases[] = {
		{GRAPH_PRE_ACCEPT, ACTION("pre_accept") CALL ",\"session\":{\"sdp_type\":\"answer\"," SDP "}"},
		{GRAPH_ACCEPT, ACTION("accept") CALL ",\"session\":{\"sdp_type\":\"answer\"," SDP
						     ",\"biz_opaque_callback_data\":\"leg-000042\"}"},
		{GRAPH_REJECT, ACTION("reject") CALL "}"},
		{GRAPH_TERMINATE, ACTION("terminate") CALL "}"},
		{GRAPH_CONNECT, ACTION("connect") "\"to\":\"447700900123\",\"session\":{\"sdp_type\":\"offer\"," SDP
						  ",\"biz_opaque_callback_data\":\"leg-000042\"}"},
	};
	struct rig *rig = *state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		unsigned before = rig->done;
		perform(rig, cases[i].verb);
		assert_int_equal(rig->done, before);
		UNTIL(rig->loop, rig->done > before);
		assert_non_null(strstr(rig->meta.last_request, "POST /v25.0/310000000000002/calls HTTP/1.1\r\n"));
		assert_non_null(strstr(rig->meta.last_request, "\r\nAuthorization: Bearer " TOKEN "\r\n"));
		assert_non_null(strstr(rig->meta.last_request, "\r\nContent-Type: application/json\r\n"));
		assert_string_equal(strstr(rig->meta.last_request, "\r\n\r\n") + 4, cases[i].body);
		assert_int_equal(rig->last.verb, cases[i].verb);
	}
	assert_int_equal(rig->meta.accepted, 1); /* one warm connection for all */
}

static void proof_of_the_app_secret(void **state)
{
	struct rig *rig = *state;
	open_graph(rig, true);
	perform(rig, GRAPH_TERMINATE);
	UNTIL(rig->loop, rig->done == 1);
	/* HMAC-SHA-256(key "app secret", "EAAsecretsecret") by openssl dgst */
	assert_non_null(strstr(rig->meta.last_request,
		"/calls?appsecret_proof=fc38b8d3f93cdd60de4277567a2b7065c2598c186728034c5245be60b9bd8ac1 HTTP/1.1"));
}

#define E(code, text)                                                                                                  \
	"{\"error\":{\"message\":\"m\",\"code\":" #code ",\"error_data\":{\"details\":\"" text                         \
	"\"},\"fbtrace_id\":\"Tr\"}}"
#define FINE "{\"messaging_product\":\"whatsapp\",\"success\":true}"

/* One or two answers, and what becomes of the action. status 0: no answer, by `act`. */
static const struct scenario {
	enum graph_verb verb;
	struct {
		unsigned status;
		const char *headers, *body;
		enum scripted_act act;
	} steps[2];
	enum graph_outcome outcome;
	int code;
	unsigned attempts;
} scenarios[] = {
	{GRAPH_ACCEPT, {{200, "", FINE}}, GRAPH_OK, 0, 1},
	{GRAPH_REJECT, {{200, "", "{\"success\":true}"}}, GRAPH_OK, 0, 1},
	{GRAPH_CONNECT, {{200, "", "{\"calls\":[{\"id\":\"wacid.NEW\"}]}"}}, GRAPH_OK, 0, 1},
	/* refused: the code decides, whatever the status */
	{GRAPH_ACCEPT, {{400, "", E(100, "fingerprint")}}, GRAPH_REFUSED, 100, 1},
	{GRAPH_ACCEPT, {{500, "", E(190, "")}}, GRAPH_REFUSED, 190, 1},
	{GRAPH_ACCEPT, {{200, "", E(138006, "")}}, GRAPH_REFUSED, 138006, 1},
	{GRAPH_TERMINATE, {{200, "", "{\"success\":false}"}}, GRAPH_REFUSED, 0, 1},
	{GRAPH_TERMINATE, {{404, "", "<html>"}}, GRAPH_REFUSED, 0, 1},
	/* over already */
	{GRAPH_TERMINATE, {{400, "", E(100, "Call already terminated")}}, GRAPH_ALREADY_OVER, 100, 1},
	{GRAPH_REJECT, {{400, "", E(138004, "reject already in progress")}}, GRAPH_ALREADY_OVER, 138004, 1},
	{GRAPH_ACCEPT, {{400, "", E(100, "call is in COMPLETED state")}}, GRAPH_ALREADY_OVER, 100, 1},
	/* the call is up: fine for a pre_accept that came late, and for an accept whose answer was lost */
	{GRAPH_PRE_ACCEPT, {{400, "", E(100, "call in progress")}}, GRAPH_OK, 100, 1},
	{GRAPH_ACCEPT, {{0, NULL, NULL, SCRIPT_CLOSE}, {400, "", E(100, "call already in progress")}}, GRAPH_OK, 100,
		2},
	{GRAPH_ACCEPT, {{400, "", E(100, "call already in progress")}}, GRAPH_ALREADY_OVER, 100, 1},
	/* second tries */
	{GRAPH_ACCEPT, {{500, "", E(138004, "")}, {200, "", FINE}}, GRAPH_OK, 0, 2},
	{GRAPH_ACCEPT, {{500, "", E(138004, "")}, {500, "", E(138007, "")}}, GRAPH_FAILED, 138007, 2},
	{GRAPH_TERMINATE, {{503, "", "<html>"}, {200, "", FINE}}, GRAPH_OK, 0, 2},
	{GRAPH_TERMINATE, {{0, NULL, NULL, SCRIPT_RESET}, {200, "", FINE}}, GRAPH_OK, 0, 2},
	{GRAPH_TERMINATE, {{0, NULL, NULL, SCRIPT_HANG}, {400, "", E(100, "already terminated")}}, GRAPH_ALREADY_OVER,
		100, 2},
	{GRAPH_REJECT, {{0, NULL, NULL, SCRIPT_HANG}, {0, NULL, NULL, SCRIPT_HANG}}, GRAPH_FAILED, 0, 2},
	{GRAPH_ACCEPT, {{500, "", "{\"error\":{\"code\":777777,\"is_transient\":true}}"}, {200, "", FINE}}, GRAPH_OK, 0,
		2},
	/* Retry-After: short enough, too long */
	{GRAPH_ACCEPT, {{429, "Retry-After: 1\r\n", E(4, "")}, {200, "", FINE}}, GRAPH_OK, 0, 2},
	{GRAPH_ACCEPT, {{429, "Retry-After: 30\r\n", E(4, "")}}, GRAPH_REFUSED, 4, 1},
	{GRAPH_ACCEPT, {{429, "", E(4, "")}, {429, "", E(4, "")}}, GRAPH_REFUSED, 4, 2},
	{GRAPH_ACCEPT, {{429, "", ""}, {200, "", FINE}}, GRAPH_OK, 0, 2},
	{GRAPH_ACCEPT, {{503, "Retry-After: 3\r\n", ""}}, GRAPH_FAILED, 0, 1},
	/* never twice */
	{GRAPH_CONNECT, {{500, "", E(138004, "")}}, GRAPH_FAILED, 138004, 1},
	{GRAPH_CONNECT, {{0, NULL, NULL, SCRIPT_CLOSE}}, GRAPH_FAILED, 0, 1},
	{GRAPH_CONNECT, {{0, NULL, NULL, SCRIPT_HANG}}, GRAPH_FAILED, 0, 1},
	{GRAPH_CONNECT, {{200, "", FINE}}, GRAPH_FAILED, 0, 1},
	{GRAPH_CONNECT, {{400, "", E(138012, "call ended")}}, GRAPH_REFUSED, 138012, 1},
	{GRAPH_PRE_ACCEPT, {{500, "", E(138004, "")}}, GRAPH_FAILED, 138004, 1},
	{GRAPH_PRE_ACCEPT, {{0, NULL, NULL, SCRIPT_RESET}}, GRAPH_FAILED, 0, 1},
};

static void answers_become_outcomes(void **state)
{
	struct rig *rig = *state;
	for (size_t i = 0; i < sizeof(scenarios) / sizeof(scenarios[0]); i++) {
		const struct scenario *sc = &scenarios[i];
		struct scripted_step steps[2];
		char texts[2][1024];
		for (size_t k = 0; k < 2; k++) {
			if (sc->steps[k].status)
				answer(texts[k], sizeof(texts[k]), sc->steps[k].status, sc->steps[k].headers,
					sc->steps[k].body);
			steps[k] = (struct scripted_step){sc->steps[k].status ? SCRIPT_ANSWER : sc->steps[k].act,
				sc->steps[k].status ? texts[k] : NULL};
		}
		script(rig, steps, 2);
		rig->done = 0;
		perform(rig, sc->verb);
		assert_int_equal(graph_pending(rig->graph), 1);
		UNTIL(rig->loop, rig->done == 1);
		if (rig->last.outcome != sc->outcome || rig->last.attempts != sc->attempts)
			print_error("scenario %zu\n", i);
		assert_int_equal(rig->last.outcome, sc->outcome);
		assert_int_equal(rig->last.code, sc->code);
		assert_int_equal(rig->last.attempts, sc->attempts);
		assert_int_equal(rig->meta.requests, sc->attempts);
		assert_int_equal(rig->last.http_status, sc->steps[sc->attempts - 1].status);
		assert_int_equal(graph_pending(rig->graph), 0);
		assert_true(rig->last.total_us > 0);
		assert_true(rig->last.outcome == GRAPH_OK || rig->last.message[0] != '\0');
		assert_null(strstr(rig->last.message, TOKEN));
		assert_string_equal(rig->last.call_id,
			rig->last.outcome == GRAPH_OK && sc->verb == GRAPH_CONNECT ? "wacid.NEW" : "");
		assert_string_equal(rig->last.trace_id, sc->code && sc->code != 777777 ? "Tr" : "");
	}
}

static void counters_count(void **state)
{
	static const struct scripted_step steps[] = {{SCRIPT_CLOSE, NULL}};
	uint64_t requests = counter_sum(CNT_GRAPH_REQUESTS), retries = counter_sum(CNT_GRAPH_RETRIES),
		 errors = counter_sum(CNT_GRAPH_ERRORS);
	struct rig *rig = *state;
	script(rig, steps, 1);
	perform(rig, GRAPH_TERMINATE);
	UNTIL(rig->loop, rig->done == 1);
	assert_int_equal(counter_sum(CNT_GRAPH_REQUESTS) - requests, 2);
	assert_int_equal(counter_sum(CNT_GRAPH_RETRIES) - retries, 1);
	assert_int_equal(counter_sum(CNT_GRAPH_ERRORS) - errors, 1);
}

static void cancelled_actions_stay_silent(void **state)
{
	static const struct scripted_step hang[] = {{SCRIPT_HANG, NULL}}, again[] = {{SCRIPT_CLOSE, NULL}};
	struct rig *rig = *state;
	uint64_t id;
	script(rig, hang, 1);
	id = perform(rig, GRAPH_TERMINATE);
	graph_cancel(rig->graph, id);
	graph_cancel(rig->graph, id);
	assert_int_equal(graph_pending(rig->graph), 0);
	UNTIL(rig->loop, rig->meta.requests == 1); /* it was written already */
	/* while it waits for its second try */
	script(rig, again, 1);
	id = perform(rig, GRAPH_TERMINATE);
	UNTIL(rig->loop, rig->meta.requests == 1);
	loop_step(rig->loop, 30);
	assert_int_equal(graph_pending(rig->graph), 1);
	graph_cancel(rig->graph, id);
	loop_step(rig->loop, 400);
	assert_int_equal(rig->meta.requests, 1);
	assert_int_equal(rig->done, 0);
	/* one from within the other's callback */
	script(rig,
		(const struct scripted_step[]){
			{SCRIPT_ANSWER, "HTTP/1.1 200 OK\r\nContent-Length: 16\r\n\r\n{\"success\":true}"},
			{SCRIPT_HANG, NULL}},
		2);
	perform(rig, GRAPH_TERMINATE);
	rig->other = perform(rig, GRAPH_TERMINATE);
	rig->cancel_other = true;
	UNTIL(rig->loop, rig->done == 1);
	assert_int_equal(graph_pending(rig->graph), 0);
}

static void freeing_drops_what_is_under_way(void **state)
{
	static const struct scripted_step hang[] = {{SCRIPT_HANG, NULL}};
	struct rig *rig = *state;
	script(rig, hang, 1);
	for (unsigned i = 0; i < 3; i++)
		perform(rig, GRAPH_TERMINATE);
	rig->graph = graph_free(rig->graph);
	loop_step(rig->loop, 20);
	assert_int_equal(rig->done, 0);
}

static void bad_requests_are_refused(void **state)
{
	static const struct graph_number no_token = {"310", "", NULL}, bad_token = {"310", "a b", NULL},
					 bad_id = {"3/1", "t", NULL};
	static char long_text[600];
	struct rig *rig = *state;
	const struct graph_request bad[] = {
		{.verb = GRAPH_TERMINATE, .number = &number},
		{.verb = GRAPH_TERMINATE, .number = &number, .call_id = long_text},
		{.verb = GRAPH_TERMINATE, .number = NULL, .call_id = "w"},
		{.verb = GRAPH_TERMINATE, .number = &no_token, .call_id = "w"},
		{.verb = GRAPH_TERMINATE, .number = &bad_token, .call_id = "w"},
		{.verb = GRAPH_TERMINATE, .number = &bad_id, .call_id = "w"},
		{.verb = GRAPH_ACCEPT, .number = &number, .call_id = "w"},
		{.verb = GRAPH_ACCEPT, .number = &number, .call_id = "w", .sdp = "v=0", .opaque = long_text},
		{.verb = GRAPH_ACCEPT, .number = &number, .call_id = "w", .sdp = "v=\xff"},
		{.verb = GRAPH_CONNECT, .number = &number, .sdp = "v=0"},
		{.verb = GRAPH_CONNECT, .number = &number, .to = "447700900123"},
		{.verb = (enum graph_verb)9, .number = &number, .call_id = "w"},
	};
	memset(long_text, 'x', sizeof(long_text) - 1);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		uint64_t id = 0;
		assert_int_equal(graph_send(rig->graph, &bad[i], on_done, rig, &id), -EINVAL);
	}
	assert_int_equal(graph_pending(rig->graph), 0);
}

static void bad_configurations_are_refused(void **state)
{
	struct rig *rig = *state;
	struct graph *g = NULL;
	struct graph_conf conf = {.base_url = "ftp://x", .version = "v1"};
	assert_int_equal(graph_new(rig->loop, rig->http, &conf, &g), -EINVAL);
	conf.base_url = "";
	assert_int_equal(graph_new(rig->loop, rig->http, &conf, &g), -EINVAL);
	conf.base_url = rig->meta.url;
	conf.version = "";
	assert_int_equal(graph_new(rig->loop, rig->http, &conf, &g), -EINVAL);
	assert_null(g);
}

static void memory_may_run_out_anywhere(void **state)
{
	struct rig *rig = *state;
	struct graph_request q = {.verb = GRAPH_ACCEPT, .number = &number, .call_id = "w", .sdp = "v=0", .opaque = "x"};
	for (unsigned n = 1; oom_next(n); n++) {
		uint64_t id = 0;
		unsigned before = rig->done;
		int r = graph_send(rig->graph, &q, on_done, rig, &id);
		oom_off();
		assert_true(r == 0 || r == -ENOMEM);
		if (r == 0)
			UNTIL(rig->loop, rig->done == before + 1);
	}
	assert_int_equal(graph_pending(rig->graph), 0);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(bodies_are_as_meta_wants_them),
		TEST(proof_of_the_app_secret),
		TEST(answers_become_outcomes),
		TEST(counters_count),
		TEST(cancelled_actions_stay_silent),
		TEST(freeing_drops_what_is_under_way),
		TEST(bad_requests_are_refused),
		TEST(bad_configurations_are_refused),
		TEST(memory_may_run_out_anywhere),
	};
	unsetenv("http_proxy");
	unsetenv("all_proxy");
	unsetenv("ALL_PROXY");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
