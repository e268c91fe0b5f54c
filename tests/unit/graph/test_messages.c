/* Messages and questions about permission against a Graph API that answers by script: bodies and URLs as Meta wants
 * them, outcomes, who tries twice. */
#include "graph/error_table.h"
#include "graph/messages.h"
#include "lib/base/counter.h"
#include "lib/base/str.h"
#include "lib/http/http_client.h"
#include "lib/loop/loop.h"
#include "tests/support/oom.h"
#include "tests/unit/lib/http/scripted_server.h"
#include "tests/unit/lib/http/until.h"

#include <errno.h>
#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define TOKEN "EAAsecretsecret"
#define SENT                                                                                                           \
	"{\"messaging_product\":\"whatsapp\",\"contacts\":[{\"input\":\"447700900123\",\"wa_id\":\"447700900123\"}],"  \
	"\"messages\":[{\"id\":\"wamid.NEW\"}]}"

enum { TIMEOUT_MS = 400 };

struct rig {
	struct loop *loop;
	struct http_client *http;
	struct graph *graph;
	struct scripted_server meta;
	unsigned done;
	struct graph_message_result sent;
	struct graph_permission_result told;
	struct graph_result called;
};

static const struct graph_number number = {"310000000000002", TOKEN, "app secret"};

static void on_sent(const struct graph_message_result *result, void *arg)
{
	struct rig *rig = arg;
	rig->done++;
	rig->sent = *result;
}

static void on_told(const struct graph_permission_result *result, void *arg)
{
	struct rig *rig = arg;
	rig->done++;
	rig->told = *result;
}

static void on_called(const struct graph_result *result, void *arg)
{
	struct rig *rig = arg;
	rig->done++;
	rig->called = *result;
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
	static char text[1024];
	static struct scripted_step fine[] = {{SCRIPT_ANSWER, text}};
	struct rig *rig = calloc(1, sizeof(*rig));
	struct http_client_conf http = {0};
	answer(text, sizeof(text), 200, "", SENT);
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

/* ---- what is sent ---- */

#define TO "{\"messaging_product\":\"whatsapp\",\"recipient_type\":\"individual\",\"to\":\"447700900123\","
#define TO_BSUID                                                                                                       \
	"{\"messaging_product\":\"whatsapp\",\"recipient_type\":\"individual\",\"recipient\":\"GB."                    \
	"1000200030004000500\","

static const struct {
	struct graph_message message;
	const char *body;
} bodies[] = {
	{{.kind = GRAPH_MSG_TEXT, .to = "+447700900123", .text = "We are calling you now."},
		TO "\"type\":\"text\",\"text\":{\"body\":\"We are calling you now.\"}}"},
	{{.kind = GRAPH_MSG_TEXT, .to = "+44 7700-900123", .recipient = "GB.1", .text = "a\n\"\xc3\xa9"},
		TO "\"type\":\"text\",\"text\":{\"body\":\"a\\n\\\"\xc3\xa9\"}}"},
	{{.kind = GRAPH_MSG_TEXT, .to = "", .recipient = "GB.1000200030004000500", .text = "x"},
		TO_BSUID "\"type\":\"text\",\"text\":{\"body\":\"x\"}}"},
	{{.kind = GRAPH_MSG_CALL_BUTTON,
		 .to = "447700900123",
		 .text = "Tap to talk to us",
		 .button_text = "Talk",
		 .payload = "escalation-9",
		 .ttl_minutes = 60},
		TO
		"\"type\":\"interactive\",\"interactive\":{\"type\":\"voice_call\",\"body\":{\"text\":\"Tap to talk to "
		"us\"},\"action\":{\"name\":\"voice_call\",\"parameters\":{\"display_text\":\"Talk\",\"payload\":"
		"\"escalation-9\",\"ttl_minutes\":60}}}}"},
	{{.kind = GRAPH_MSG_CALL_BUTTON, .to = "447700900123", .text = "T", .button_text = "", .payload = ""},
		TO "\"type\":\"interactive\",\"interactive\":{\"type\":\"voice_call\",\"body\":{\"text\":\"T\"},"
		   "\"action\":{\"name\":\"voice_call\",\"parameters\":{\"display_text\":\"Call now\"}}}}"},
	{{.kind = GRAPH_MSG_PERMISSION_REQUEST, .to = "447700900123", .text = "May we call you about your order?"},
		TO "\"type\":\"interactive\",\"interactive\":{\"type\":\"call_permission_request\",\"body\":{\"text\":"
		   "\"May we call you about your order?\"},\"action\":{\"name\":\"call_permission_request\"}}}"},
	{{.kind = GRAPH_MSG_TEMPLATE,
		 .to = "447700900123",
		 .template_name = "may_we_call",
		 .template_language = "en_GB"},
		TO "\"type\":\"template\",\"template\":{\"name\":\"may_we_call\",\"language\":{\"code\":\"en_GB\"}}}"},
	{{.kind = GRAPH_MSG_TEMPLATE,
		 .recipient = "GB.1000200030004000500",
		 .template_name = "summary",
		 .template_language = "pt_BR",
		 .parameters = {"Ana", "3 min"},
		 .parameter_count = 2},
		TO_BSUID
		"\"type\":\"template\",\"template\":{\"name\":\"summary\",\"language\":{\"code\":\"pt_BR\"},"
		"\"components\":[{\"type\":\"body\",\"parameters\":[{\"type\":\"text\",\"text\":\"Ana\"},{\"type\":"
		"\"text\",\"text\":\"3 min\"}]}]}}"},
};

static void bodies_are_as_meta_wants_them(void **state)
{
	struct rig *rig = *state;
	for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
		uint64_t id = 0;
		json_t *sent, *wanted = json_loads(bodies[i].body, 0, NULL);
		rig->done = 0;
		assert_non_null(wanted);
		assert_int_equal(graph_send_message(rig->graph, &number, &bodies[i].message, on_sent, rig, &id), 0);
		assert_true(id != 0);
		assert_int_equal(graph_pending(rig->graph), 1);
		assert_int_equal(rig->done, 0);
		UNTIL(rig->loop, rig->done == 1);
		assert_non_null(strstr(rig->meta.last_request, "POST /v25.0/310000000000002/messages HTTP/1.1\r\n"));
		assert_non_null(strstr(rig->meta.last_request, "\r\nAuthorization: Bearer " TOKEN "\r\n"));
		assert_non_null(strstr(rig->meta.last_request, "\r\nContent-Type: application/json\r\n"));
		sent = json_loads(strstr(rig->meta.last_request, "\r\n\r\n") + 4, 0, NULL);
		if (!json_equal(sent, wanted))
			fail_msg("%s", strstr(rig->meta.last_request, "\r\n\r\n") + 4);
		json_decref(sent);
		json_decref(wanted);
		assert_int_equal(rig->sent.outcome, GRAPH_OK);
		assert_string_equal(rig->sent.wamid, "wamid.NEW");
		assert_string_equal(rig->sent.wa_id, "447700900123");
		assert_int_equal(graph_pending(rig->graph), 0);
	}
}

static char *filled(const char *unit, unsigned count)
{
	char *text = calloc(count + 1, strlen(unit));
	for (unsigned i = 0; i < count; i++)
		memcpy(text + i * strlen(unit), unit, strlen(unit));
	return text;
}

/* Limits are in characters, not bytes. */
static void the_longest_texts(void **state)
{
	static const struct {
		enum graph_message_kind kind;
		unsigned text, button, payload, name, parameter, ttl;
		bool ok;
	} cases[] = {
		{GRAPH_MSG_TEXT, 4096, 0, 0, 0, 0, 0, true},
		{GRAPH_MSG_TEXT, 4097, 0, 0, 0, 0, 0, false},
		{GRAPH_MSG_TEXT, 0, 0, 0, 0, 0, 0, false},
		{GRAPH_MSG_CALL_BUTTON, 1024, 20, 512, 0, 0, 43200, true},
		{GRAPH_MSG_CALL_BUTTON, 1025, 20, 512, 0, 0, 0, false},
		{GRAPH_MSG_CALL_BUTTON, 1, 21, 512, 0, 0, 0, false},
		{GRAPH_MSG_CALL_BUTTON, 1, 20, 513, 0, 0, 0, false},
		{GRAPH_MSG_CALL_BUTTON, 1, 20, 512, 0, 0, 43201, false},
		{GRAPH_MSG_PERMISSION_REQUEST, 1024, 0, 0, 0, 0, 0, true},
		{GRAPH_MSG_PERMISSION_REQUEST, 1025, 0, 0, 0, 0, 0, false},
		{GRAPH_MSG_PERMISSION_REQUEST, 0, 0, 0, 0, 0, 0, false},
		{GRAPH_MSG_TEMPLATE, 0, 0, 0, 512, 1024, 0, true},
		{GRAPH_MSG_TEMPLATE, 0, 0, 0, 513, 1, 0, false},
		{GRAPH_MSG_TEMPLATE, 0, 0, 0, 0, 1, 0, false},
		{GRAPH_MSG_TEMPLATE, 0, 0, 0, 1, 0, 0, false},
		{GRAPH_MSG_TEMPLATE, 0, 0, 0, 1, 1025, 0, false},
	};
	struct rig *rig = *state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *text = filled("\xc3\xa9", cases[i].text), *button = filled("\xe2\x82\xac", cases[i].button);
		char *payload = filled("p", cases[i].payload), *name = filled("n", cases[i].name);
		char *parameter = filled("\xf0\x9f\x93\x9e", cases[i].parameter);
		struct graph_message m = {.kind = cases[i].kind,
			.to = "447700900123",
			.text = text,
			.button_text = button,
			.payload = payload,
			.ttl_minutes = cases[i].ttl,
			.template_name = name,
			.template_language = "en",
			.parameters = {parameter},
			.parameter_count = 1};
		uint64_t id = 0;
		int r = graph_send_message(rig->graph, &number, &m, on_sent, rig, &id);
		if (r != (cases[i].ok ? 0 : -EINVAL))
			fail_msg("case %zu: %d", i, r);
		graph_cancel(rig->graph, id);
		free(text);
		free(button);
		free(payload);
		free(name);
		free(parameter);
	}
	assert_int_equal(graph_pending(rig->graph), 0);
}

static void bad_messages_are_refused(void **state)
{
	static const struct graph_number no_token = {"310", "", NULL}, bad_id = {"3/1", "t", NULL};
	static const struct graph_message bad[] = {
		{.kind = GRAPH_MSG_TEXT, .text = "x"},
		{.kind = GRAPH_MSG_TEXT, .to = "", .recipient = "", .text = "x"},
		{.kind = GRAPH_MSG_TEXT, .to = "ana", .recipient = "GB.1", .text = "x"},
		{.kind = GRAPH_MSG_TEXT, .to = "+", .text = "x"},
		{.kind = GRAPH_MSG_TEXT, .to = "447700900123447700900123447700900123", .text = "x"},
		{.kind = GRAPH_MSG_TEXT, .recipient = "GB.\xff", .text = "x"},
		{.kind = GRAPH_MSG_TEXT, .to = "1", .text = "\xff"},
		{.kind = GRAPH_MSG_TEXT, .to = "1", .text = NULL},
		{.kind = GRAPH_MSG_CALL_BUTTON, .to = "1", .text = "x", .button_text = "\xc3"},
		{.kind = GRAPH_MSG_TEMPLATE, .to = "1", .template_name = "x"},
		{.kind = GRAPH_MSG_TEMPLATE, .to = "1", .template_language = "en"},
		{.kind = GRAPH_MSG_TEMPLATE,
			.to = "1",
			.template_name = "x",
			.template_language = "en",
			.parameter_count = GRAPH_TEMPLATE_PARAMETERS_MAX + 1},
		{.kind = GRAPH_MSG_TEMPLATE,
			.to = "1",
			.template_name = "x",
			.template_language = "en",
			.parameter_count = 1},
		{.kind = (enum graph_message_kind)9, .to = "1", .text = "x"},
	};
	struct graph_message fine = {.kind = GRAPH_MSG_TEXT, .to = "1", .text = "x"};
	struct rig *rig = *state;
	uint64_t id = 0;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(graph_send_message(rig->graph, &number, &bad[i], on_sent, rig, &id), -EINVAL);
	assert_int_equal(graph_send_message(rig->graph, &no_token, &fine, on_sent, rig, &id), -EINVAL);
	assert_int_equal(graph_send_message(rig->graph, &bad_id, &fine, on_sent, rig, &id), -EINVAL);
	assert_int_equal(graph_ask_permission(rig->graph, &number, NULL, NULL, on_told, rig, &id), -EINVAL);
	assert_int_equal(graph_ask_permission(rig->graph, &number, "", "", on_told, rig, &id), -EINVAL);
	assert_int_equal(graph_ask_permission(rig->graph, &number, "x", NULL, on_told, rig, &id), -EINVAL);
	assert_int_equal(graph_ask_permission(rig->graph, NULL, "1", NULL, on_told, rig, &id), -EINVAL);
	assert_int_equal(graph_pending(rig->graph), 0);
}

static void questions_are_as_meta_wants_them(void **state)
{
	static const struct {
		const char *to, *recipient, *line;
		bool proof;
	} cases[] = {
		{"+447700900123", "GB.1",
			"GET /v25.0/310000000000002/call_permissions?user_wa_id=447700900123 HTTP/1.1\r\n", false},
		{"", "GB.100", "GET /v25.0/310000000000002/call_permissions?recipient=GB.100 HTTP/1.1\r\n", false},
		{NULL, "G&B=1 \xc3\xa9",
			"GET /v25.0/310000000000002/call_permissions?recipient=G%26B%3D1%20%C3%A9 HTTP/1.1\r\n", false},
		/* HMAC-SHA-256(key "app secret", "EAAsecretsecret") by openssl dgst */
		{"1", NULL,
			"GET /v25.0/310000000000002/call_permissions?user_wa_id=1&appsecret_proof="
			"fc38b8d3f93cdd60de4277567a2b7065c2598c186728034c5245be60b9bd8ac1 HTTP/1.1\r\n",
			true},
	};
	struct rig *rig = *state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint64_t id = 0;
		open_graph(rig, cases[i].proof);
		rig->done = 0;
		assert_int_equal(
			graph_ask_permission(rig->graph, &number, cases[i].to, cases[i].recipient, on_told, rig, &id),
			0);
		UNTIL(rig->loop, rig->done == 1);
		assert_non_null(strstr(rig->meta.last_request, cases[i].line));
		assert_non_null(strstr(rig->meta.last_request, "\r\nAuthorization: Bearer " TOKEN "\r\n"));
		assert_null(strstr(rig->meta.last_request, "Content-Type"));
	}
}

/* ---- what comes of it ---- */

#define E(code, text)                                                                                                  \
	"{\"error\":{\"message\":\"m\",\"code\":" #code ",\"error_data\":{\"details\":\"" text                         \
	"\"},\"fbtrace_id\":\"Tr\"}}"

struct scenario {
	struct {
		unsigned status;
		const char *headers, *body;
		enum scripted_act act;
	} steps[2];
	enum graph_outcome outcome;
	int code;
	unsigned attempts;
	bool uncertain;
};

static void play(struct rig *rig, const struct scenario *sc, char texts[2][1024], struct scripted_step steps[2])
{
	for (size_t k = 0; k < 2; k++) {
		bool answers = sc->steps[k].status != 0;
		if (answers)
			answer(texts[k], 1024, sc->steps[k].status, sc->steps[k].headers, sc->steps[k].body);
		steps[k] =
			(struct scripted_step){answers ? SCRIPT_ANSWER : sc->steps[k].act, answers ? texts[k] : NULL};
	}
	script(rig, steps, 2);
	rig->done = 0;
}

static void messages_are_never_sent_twice(void **state)
{
	static const struct scenario scenarios[] = {
		{{{200, "", SENT}}, GRAPH_OK, 0, 1, false},
		{{{200, "", "{\"messages\":[{\"id\":\"wamid.NEW\"}]}"}}, GRAPH_OK, 0, 1, false},
		{{{400, "", E(131047, "window")}}, GRAPH_REFUSED, 131047, 1, false},
		{{{500, "", E(138009, "limit")}}, GRAPH_REFUSED, 138009, 1, false},
		{{{400, "", E(138017, "permanent")}}, GRAPH_REFUSED, 138017, 1, false},
		{{{400, "", E(132001, "template")}}, GRAPH_REFUSED, 132001, 1, false},
		{{{401, "", E(190, "")}}, GRAPH_REFUSED, 190, 1, false},
		{{{429, "Retry-After: 1\r\n", E(131056, "")}}, GRAPH_REFUSED, 131056, 1, false},
		{{{500, "", E(131000, "")}}, GRAPH_FAILED, 131000, 1, false},
		{{{503, "", "<html>"}}, GRAPH_FAILED, 0, 1, true},
		{{{404, "", "<html>"}}, GRAPH_REFUSED, 0, 1, false},
		{{{0, NULL, NULL, SCRIPT_CLOSE}}, GRAPH_FAILED, 0, 1, true},
		{{{0, NULL, NULL, SCRIPT_RESET}}, GRAPH_FAILED, 0, 1, true},
		{{{0, NULL, NULL, SCRIPT_HANG}}, GRAPH_FAILED, 0, 1, true},
		{{{200, "", "{}"}}, GRAPH_FAILED, 0, 1, true},
		{{{200, "", "{\"messages\":[{\"id\":7}]}"}}, GRAPH_FAILED, 0, 1, true},
		{{{200, "", "{\"messages\":{}}"}}, GRAPH_FAILED, 0, 1, true},
	};
	struct graph_message m = {.kind = GRAPH_MSG_TEXT, .to = "447700900123", .text = "x"};
	struct rig *rig = *state;
	for (size_t i = 0; i < sizeof(scenarios) / sizeof(scenarios[0]); i++) {
		const struct scenario *sc = &scenarios[i];
		struct scripted_step steps[2];
		char texts[2][1024];
		uint64_t id;
		play(rig, sc, texts, steps);
		assert_int_equal(graph_send_message(rig->graph, &number, &m, on_sent, rig, &id), 0);
		UNTIL(rig->loop, rig->done == 1);
		if (rig->sent.outcome != sc->outcome || rig->sent.uncertain != sc->uncertain)
			print_error("scenario %zu\n", i);
		assert_int_equal(rig->sent.outcome, sc->outcome);
		assert_int_equal(rig->sent.code, sc->code);
		assert_int_equal(rig->sent.uncertain, sc->uncertain);
		assert_int_equal(rig->sent.http_status, sc->steps[0].status);
		assert_int_equal(rig->meta.requests, 1);
		assert_true(rig->sent.outcome == GRAPH_OK || rig->sent.message[0]);
		assert_string_equal(rig->sent.wamid, sc->outcome == GRAPH_OK ? "wamid.NEW" : "");
		assert_string_equal(rig->sent.trace_id, sc->code ? "Tr" : "");
		assert_int_equal(graph_pending(rig->graph), 0);
	}
}

#define NONE "{\"permission\":{\"status\":\"no_permission\"}}"

static void questions_are_asked_once_more(void **state)
{
	static const struct scenario scenarios[] = {
		{{{200, "", NONE}}, GRAPH_OK, 0, 1, false},
		{{{429, "", E(613, "")}, {200, "", NONE}}, GRAPH_OK, 0, 2, false},
		{{{429, "", E(613, "")}, {429, "", E(613, "")}}, GRAPH_REFUSED, 613, 2, false},
		{{{429, "Retry-After: 60\r\n", E(613, "")}}, GRAPH_REFUSED, 613, 1, false},
		{{{500, "", E(2, "")}, {200, "", NONE}}, GRAPH_OK, 0, 2, false},
		{{{503, "", "<html>"}, {200, "", NONE}}, GRAPH_OK, 0, 2, false},
		{{{0, NULL, NULL, SCRIPT_HANG}, {200, "", NONE}}, GRAPH_OK, 0, 2, false},
		{{{0, NULL, NULL, SCRIPT_HANG}, {0, NULL, NULL, SCRIPT_HANG}}, GRAPH_FAILED, 0, 2, false},
		{{{400, "", "{\"error\":{\"code\":777777,\"is_transient\":true,\"fbtrace_id\":\"Tr\"}}"},
			 {200, "", NONE}},
			GRAPH_OK, 0, 2, false},
		{{{401, "", E(190, "")}}, GRAPH_REFUSED, 190, 1, false},
		{{{400, "", E(100, "")}}, GRAPH_REFUSED, 100, 1, false},
		{{{200, "", "{\"permission\":{\"status\":\"perhaps\"}}"}}, GRAPH_FAILED, 0, 1, false},
		{{{200, "", "<html>"}}, GRAPH_FAILED, 0, 1, false},
	};
	struct rig *rig = *state;
	for (size_t i = 0; i < sizeof(scenarios) / sizeof(scenarios[0]); i++) {
		const struct scenario *sc = &scenarios[i];
		struct scripted_step steps[2];
		char texts[2][1024];
		uint64_t id;
		play(rig, sc, texts, steps);
		assert_int_equal(graph_ask_permission(rig->graph, &number, "447700900123", NULL, on_told, rig, &id), 0);
		UNTIL(rig->loop, rig->done == 1);
		if (rig->told.outcome != sc->outcome || rig->meta.requests != sc->attempts)
			print_error("scenario %zu\n", i);
		assert_int_equal(rig->told.outcome, sc->outcome);
		assert_int_equal(rig->told.code, sc->code);
		assert_int_equal(rig->meta.requests, sc->attempts);
		assert_true(rig->told.outcome == GRAPH_OK || rig->told.message[0]);
		assert_int_equal(graph_pending(rig->graph), 0);
	}
}

static void cancelled_ones_stay_silent(void **state)
{
	static const struct scripted_step hang[] = {{SCRIPT_HANG, NULL}};
	struct graph_message m = {.kind = GRAPH_MSG_TEXT, .to = "447700900123", .text = "x"};
	struct graph_request terminate = {.verb = GRAPH_TERMINATE, .number = &number, .call_id = "w"};
	struct rig *rig = *state;
	uint64_t ids[3];
	script(rig, hang, 1);
	assert_int_equal(graph_send_message(rig->graph, &number, &m, on_sent, rig, &ids[0]), 0);
	assert_int_equal(graph_ask_permission(rig->graph, &number, "1", NULL, on_told, rig, &ids[1]), 0);
	assert_int_equal(graph_send(rig->graph, &terminate, on_called, rig, &ids[2]), 0);
	assert_int_equal(graph_pending(rig->graph), 3);
	graph_cancel(rig->graph, ids[0]);
	graph_cancel(rig->graph, ids[0]);
	assert_int_equal(graph_pending(rig->graph), 2);
	graph_cancel(rig->graph, ids[1]);
	rig->graph = graph_free(rig->graph);
	loop_step(rig->loop, 20);
	assert_int_equal(rig->done, 0);
}

/* A call to a user: what the answer says, and how sure a failure is. */
static void connect_end_to_end(void **state)
{
	static const struct scenario scenarios[] = {
		{{{200, "", "{\"messaging_product\":\"whatsapp\",\"calls\":[{\"id\":\"wacid.NEW\"}]}"}}, GRAPH_OK, 0, 1,
			false},
		{{{401, "", E(138006, "no permission")}}, GRAPH_REFUSED, 138006, 1, false},
		{{{400, "", E(138012, "next call at 1790090000")}}, GRAPH_REFUSED, 138012, 1, false},
		{{{400, "", E(138003, "a call is in progress")}}, GRAPH_REFUSED, 138003, 1, false},
		{{{500, "", E(138004, "")}}, GRAPH_FAILED, 138004, 1, false},
		{{{429, "Retry-After: 1\r\n", E(138002, "")}}, GRAPH_REFUSED, 138002, 1, false},
		{{{503, "", "<html>"}}, GRAPH_FAILED, 0, 1, true},
		{{{0, NULL, NULL, SCRIPT_HANG}}, GRAPH_FAILED, 0, 1, true},
		{{{0, NULL, NULL, SCRIPT_RESET}}, GRAPH_FAILED, 0, 1, true},
		{{{200, "", "{\"success\":true}"}}, GRAPH_FAILED, 0, 1, true},
	};
	struct graph_request q = {.verb = GRAPH_CONNECT,
		.number = &number,
		.to = "+44 7700 900123",
		.recipient = "GB.100",
		.sdp = "v=0\r\n",
		.opaque = "leg-000042"};
	struct rig *rig = *state;
	open_graph(rig, true);
	for (size_t i = 0; i < sizeof(scenarios) / sizeof(scenarios[0]); i++) {
		const struct scenario *sc = &scenarios[i];
		struct scripted_step steps[2];
		char texts[2][1024];
		uint64_t id;
		play(rig, sc, texts, steps);
		assert_int_equal(graph_send(rig->graph, &q, on_called, rig, &id), 0);
		UNTIL(rig->loop, rig->done == 1);
		if (rig->called.outcome != sc->outcome || rig->called.uncertain != sc->uncertain)
			print_error("scenario %zu\n", i);
		assert_int_equal(rig->called.outcome, sc->outcome);
		assert_int_equal(rig->called.code, sc->code);
		assert_int_equal(rig->called.uncertain, sc->uncertain);
		assert_int_equal(rig->called.attempts, 1);
		assert_int_equal(rig->meta.requests, 1);
		assert_string_equal(rig->called.call_id, sc->outcome == GRAPH_OK ? "wacid.NEW" : "");
		assert_non_null(strstr(rig->meta.last_request, "/calls?appsecret_proof=fc38b8d3f93cdd60"));
		assert_string_equal(strstr(rig->meta.last_request, "\r\n\r\n") + 4,
			"{\"messaging_product\":\"whatsapp\",\"action\":\"connect\",\"to\":\"447700900123\","
			"\"recipient\":\"GB.100\",\"session\":{\"sdp_type\":\"offer\",\"sdp\":\"v=0\\r\\n\"},"
			"\"biz_opaque_callback_data\":\"leg-000042\"}");
	}
	assert_string_equal(graph_error_info(138012)->name, "user_call_limit");
	q.to = "ana";
	assert_int_equal(graph_send(rig->graph, &q, on_called, rig, &(uint64_t){0}), -EINVAL);
}

/* Nobody listens: then nothing was sent. */
static void refused_connections_are_certain(void **state)
{
	struct graph_message m = {.kind = GRAPH_MSG_TEXT, .to = "447700900123", .text = "x"};
	struct rig *rig = *state;
	uint64_t id;
	scripted_close(&rig->meta);
	for (int i = 0; i < 5; i++)
		loop_step(rig->loop, 10);
	assert_int_equal(graph_send_message(rig->graph, &number, &m, on_sent, rig, &id), 0);
	UNTIL(rig->loop, rig->done == 1);
	assert_int_equal(rig->sent.outcome, GRAPH_FAILED);
	assert_int_equal(rig->sent.http_status, 0);
	assert_false(rig->sent.uncertain);
	scripted_open(&rig->meta, rig->loop, NULL, 0); /* for teardown */
}

static void *counted_malloc(size_t n)
{
	return malloc(n);
}

static void counted_free(void *p)
{
	free(p);
}

static void memory_may_run_out_anywhere(void **state)
{
	struct rig *rig = *state;
	json_set_alloc_funcs(counted_malloc, counted_free);
	for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
		for (unsigned n = 1; oom_next(n); n++) {
			uint64_t id = 0;
			int r = graph_send_message(rig->graph, &number, &bodies[i].message, on_sent, rig, &id);
			oom_off();
			assert_true(r == 0 || r == -ENOMEM);
			graph_cancel(rig->graph, id);
		}
	}
	for (unsigned n = 1; oom_next(n); n++) {
		uint64_t id = 0;
		int r = graph_ask_permission(rig->graph, &number, "1", NULL, on_told, rig, &id);
		oom_off();
		assert_true(r == 0 || r == -ENOMEM);
		graph_cancel(rig->graph, id);
	}
	json_set_alloc_funcs(malloc, free);
	assert_int_equal(graph_pending(rig->graph), 0);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(bodies_are_as_meta_wants_them),
		TEST(the_longest_texts),
		TEST(bad_messages_are_refused),
		TEST(questions_are_as_meta_wants_them),
		TEST(messages_are_never_sent_twice),
		TEST(questions_are_asked_once_more),
		TEST(cancelled_ones_stay_silent),
		TEST(connect_end_to_end),
		TEST(refused_connections_are_certain),
		TEST(memory_may_run_out_anywhere),
	};
	unsetenv("http_proxy");
	unsetenv("all_proxy");
	unsetenv("ALL_PROXY");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
