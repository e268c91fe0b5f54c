/* metasim against watrunk's own Graph client and webhook reader, on one loop: each side's idea of Meta must be the
 * other's. */
#include "graph/messages.h"
#include "lib/http/http_client.h"
#include "lib/loop/loop.h"
#include "tests/unit/lib/http/until.h"
#include "tools/metasim/meta.h"
#include "webhook/receiver.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define SECRET "app-secret"
#define ANA    "447700900123"

static const char offer[] =
	"v=0\r\no=- 4000000001 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE audio\r\n"
	"m=audio 40000 UDP/TLS/RTP/SAVPF 111 126\r\nc=IN IP4 127.0.0.1\r\n"
	"a=candidate:1 1 udp 2130706431 127.0.0.1 40000 typ host\r\na=ice-ufrag:OurU\r\n"
	"a=ice-pwd:OurPwd0123456789abcdefgh\r\na=fingerprint:sha-256 "
	"00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF\r\n"
	"a=setup:actpass\r\na=mid:audio\r\na=sendrecv\r\na=rtcp-mux\r\na=rtpmap:111 opus/48000/2\r\n"
	"a=rtpmap:126 telephone-event/8000\r\na=ptime:20\r\na=ssrc:1 cname:b\r\n";

static const struct graph_number number = {"310000000000002", "graph-token", SECRET};

/* An event of the webhook reader, in one line of words. */
enum { EVENTS_MAX = 32 };

struct rig {
	struct loop *loop;
	struct http_client *http;
	struct graph *graph;
	struct webhook_receiver *receiver;
	struct meta *meta;
	struct plan plan;
	struct plan_user ana;
	unsigned done;
	struct graph_result call;
	struct graph_message_result message;
	struct graph_permission_result permission;
	char events[EVENTS_MAX][160];
	unsigned event_count;
	char context[300];
	uint64_t expires_s;
};

static void note(struct rig *rig, const struct wa_event *ev, const char *what)
{
	if (rig->event_count < EVENTS_MAX)
		snprintf(rig->events[rig->event_count++], sizeof(rig->events[0]), "%s %s", what,
			*ev->user_number ? ev->user_number : ev->user_id);
}

static void on_event(const struct wa_event *ev, void *arg)
{
	struct rig *rig = arg;
	char what[120];

	switch (ev->kind) {
	case WA_EVENT_CONNECT:
		snprintf(what, sizeof(what), "connect %s %s %s %s",
			ev->direction == WA_BUSINESS_INITIATED ? "business" : "user", ev->sdp_type, ev->opaque,
			ev->payload);
		break;
	case WA_EVENT_TERMINATE:
		snprintf(what, sizeof(what), "terminate %s %s %d", ev->start_time_s ? "talked" : "not", ev->opaque,
			ev->error_code);
		break;
	case WA_EVENT_STATUS: snprintf(what, sizeof(what), "status %s %s", ev->name, ev->opaque); break;
	case WA_EVENT_MESSAGE:
		snprintf(what, sizeof(what), "message %s %.40s %s", ev->message_type, ev->text, ev->reply_id);
		break;
	case WA_EVENT_PERMISSION_REPLY:
		snprintf(what, sizeof(what), "permission %s%s%s", ev->permission_accepted ? "accepted" : "rejected",
			ev->permission_permanent ? " permanent" : "", ev->permission_automatic ? " automatic" : "");
		snprintf(rig->context, sizeof(rig->context), "%s", ev->context_id);
		rig->expires_s = ev->permission_expires_s;
		break;
	case WA_EVENT_ERROR: snprintf(what, sizeof(what), "error %d", ev->error_code); break;
	case WA_EVENT_OTHER: return; /* statuses of messages */
	}
	note(rig, ev, what);
}

static bool saw(const struct rig *rig, const char *event)
{
	for (unsigned i = 0; i < rig->event_count; i++) {
		if (strcmp(rig->events[i], event) == 0)
			return true;
	}
	return false;
}

static void on_call_done(const struct meta_call_report *report, void *arg)
{
	(void)report;
	(void)arg;
}

static void on_all_done(void *arg)
{
	(void)arg;
}

static void on_call(const struct graph_result *result, void *arg)
{
	struct rig *rig = arg;
	rig->call = *result;
	rig->done++;
}

static void on_message(const struct graph_message_result *result, void *arg)
{
	struct rig *rig = arg;
	rig->message = *result;
	rig->done++;
}

static void on_permission(const struct graph_permission_result *result, void *arg)
{
	struct rig *rig = arg;
	rig->permission = *result;
	rig->done++;
}

static void open_receiver(struct rig *rig)
{
	static const char *const secrets[] = {SECRET};
	struct webhook_receiver_conf conf = {.path = "/webhook",
		.verify_token = "v",
		.app_secrets = secrets,
		.app_secret_count = 1,
		.on_event = on_event,
		.arg = rig};
	struct addr addr;

	addr_parse("127.0.0.1:0", &conf.listen);
	assert_int_equal(webhook_receiver_new(rig->loop, &conf, &rig->receiver), 0);
	webhook_receiver_addr(rig->receiver, &addr);
	snprintf(rig->plan.webhook_url, sizeof(rig->plan.webhook_url), "http://127.0.0.1:%u/webhook", addr_port(&addr));
}

static void begin(struct rig *rig)
{
	struct meta_conf conf = {
		.plan = &rig->plan, .on_call_done = on_call_done, .on_all_done = on_all_done, .arg = rig};
	struct graph_conf graph = {.version = "v25.0", .timeout_ms = 10000};
	struct addr addr;
	char url[64];

	addr_parse("127.0.0.1:0", &conf.graph_listen);
	assert_int_equal(meta_new(rig->loop, &conf, &rig->meta), 0);
	meta_graph_addr(rig->meta, &addr);
	snprintf(url, sizeof(url), "http://127.0.0.1:%u", addr_port(&addr));
	graph.base_url = url;
	assert_int_equal(graph_new(rig->loop, rig->http, &graph, &rig->graph), 0);
	meta_start(rig->meta);
}

static int setup(void **state)
{
	struct rig *rig = calloc(1, sizeof(*rig));
	struct http_client_conf http = {0};

	assert_int_equal(loop_new(&rig->loop), 0);
	assert_int_equal(http_client_new(rig->loop, &http, &rig->http), 0);
	plan_init(&rig->plan);
	plan_user_init(&rig->ana);
	strcpy(rig->plan.app_secret, SECRET);
	strcpy(rig->plan.token, number.token);
	strcpy(rig->ana.number, ANA);
	strcpy(rig->ana.user_id, "GB.1");
	rig->plan.calls = 0;
	rig->plan.serve = true;
	rig->plan.users = &rig->ana;
	rig->plan.user_count = 1;
	open_receiver(rig);
	*state = rig;
	return 0;
}

static int teardown(void **state)
{
	struct rig *rig = *state;

	meta_free(rig->meta);
	graph_free(rig->graph);
	http_client_free(rig->http);
	webhook_receiver_free(rig->receiver);
	loop_free(rig->loop);
	free(rig);
	return 0;
}

/* ---- one request, to its answer ---- */

static void connect_to(struct rig *rig, const char *to, const char *recipient)
{
	const struct graph_request request = {.verb = GRAPH_CONNECT,
		.number = &number,
		.sdp = offer,
		.opaque = "leg-7",
		.to = to,
		.recipient = recipient};
	unsigned before = rig->done;
	uint64_t id;

	assert_int_equal(graph_send(rig->graph, &request, on_call, rig, &id), 0);
	UNTIL(rig->loop, rig->done > before);
}

static void terminate(struct rig *rig, const char *wacid)
{
	const struct graph_request request = {.verb = GRAPH_TERMINATE, .number = &number, .call_id = wacid};
	unsigned before = rig->done;
	uint64_t id;

	assert_int_equal(graph_send(rig->graph, &request, on_call, rig, &id), 0);
	UNTIL(rig->loop, rig->done > before);
}

static void write_message(struct rig *rig, const struct graph_message *message)
{
	unsigned before = rig->done;
	uint64_t id;

	assert_int_equal(graph_send_message(rig->graph, &number, message, on_message, rig, &id), 0);
	UNTIL(rig->loop, rig->done > before);
}

static void ask(struct rig *rig)
{
	unsigned before = rig->done;
	uint64_t id;

	assert_int_equal(graph_ask_permission(rig->graph, &number, "+" ANA, NULL, on_permission, rig, &id), 0);
	UNTIL(rig->loop, rig->done > before);
}

/* ---- stories ---- */

static void asked_allowed_called(void **state)
{
	struct rig *rig = *state;
	const struct graph_message request = {.kind = GRAPH_MSG_PERMISSION_REQUEST, .to = "+" ANA, .text = "May we?"};
	char wamid[300], wacid[300];

	rig->ana.window_open = true;
	rig->ana.on_request = PLAN_ACCEPT_FOR_A_WHILE;
	begin(rig);
	ask(rig);
	assert_int_equal(rig->permission.status, GRAPH_PERMISSION_NONE);
	assert_true(rig->permission.has_actions && rig->permission.may_request && !rig->permission.may_call);
	connect_to(rig, "+" ANA, NULL);
	assert_int_equal(rig->call.outcome, GRAPH_REFUSED);
	assert_int_equal(rig->call.code, 138006);
	write_message(rig, &request);
	assert_int_equal(rig->message.outcome, GRAPH_OK);
	assert_string_equal(rig->message.wa_id, ANA);
	snprintf(wamid, sizeof(wamid), "%s", rig->message.wamid);
	UNTIL(rig->loop, saw(rig, "permission accepted " ANA));
	assert_string_equal(rig->context, wamid);
	ask(rig);
	assert_int_equal(rig->permission.status, GRAPH_PERMISSION_TEMPORARY);
	assert_int_equal(rig->permission.expires_s, rig->expires_s);
	assert_true(rig->permission.may_call && !rig->permission.may_request);
	assert_int_equal(rig->permission.requests_24h, 1);
	assert_true(rig->permission.request_limit_expires_s > 0);
	connect_to(rig, "+" ANA, NULL);
	assert_int_equal(rig->call.outcome, GRAPH_OK);
	snprintf(wacid, sizeof(wacid), "%s", rig->call.call_id);
	assert_memory_equal(wacid, "wacid.", 6);
	UNTIL(rig->loop, saw(rig, "connect business answer leg-7  " ANA));
	UNTIL(rig->loop, saw(rig, "status RINGING leg-7 " ANA));
	UNTIL(rig->loop, saw(rig, "status ACCEPTED leg-7 " ANA));
	terminate(rig, wacid);
	assert_int_equal(rig->call.outcome, GRAPH_OK);
	UNTIL(rig->loop, saw(rig, "terminate talked leg-7 0 " ANA));
	terminate(rig, wacid);
	assert_int_equal(rig->call.outcome, GRAPH_ALREADY_OVER);
}

static void by_scoped_id_alone(void **state)
{
	struct rig *rig = *state;

	rig->ana.permission = PLAN_PERMANENT;
	rig->ana.on_call = PLAN_DECLINE;
	rig->ana.answer_after_ms = 0;
	rig->plan.webhook.no_identity = true;
	begin(rig);
	connect_to(rig, NULL, "GB.1");
	assert_int_equal(rig->call.outcome, GRAPH_OK);
	UNTIL(rig->loop, saw(rig, "status REJECTED leg-7 GB.1"));
	UNTIL(rig->loop, saw(rig, "terminate not leg-7 0 GB.1"));
}

static void every_kind_of_message(void **state)
{
	struct rig *rig = *state;
	static const struct {
		struct graph_message message;
		int code;
	} rows[] = {
		{{.kind = GRAPH_MSG_TEXT, .to = "+" ANA, .text = "hello"}, 0},
		{{.kind = GRAPH_MSG_TEXT, .recipient = "GB.1", .text = "hello"}, 0},
		{{.kind = GRAPH_MSG_CALL_BUTTON, .to = ANA, .text = "Tap", .payload = "p-1", .ttl_minutes = 5}, 0},
		{{.kind = GRAPH_MSG_TEMPLATE,
			 .to = ANA,
			 .template_name = "sorry",
			 .template_language = "en_US",
			 .parameters = {"Ana", "2:05"},
			 .parameter_count = 2},
			0},
		{{.kind = GRAPH_MSG_TEMPLATE, .to = ANA, .template_name = "sorry", .template_language = "en_US"},
			132000},
		{{.kind = GRAPH_MSG_TEMPLATE, .to = ANA, .template_name = "other", .template_language = "en_US"},
			132001},
		{{.kind = GRAPH_MSG_TEXT, .to = "+447700900199", .text = "hello"}, 131026},
	};
	const struct plan_template sorry = {.name = "sorry", .language = "en_US", .parameters = 2};

	rig->ana.window_open = true;
	rig->plan.templates[rig->plan.template_count++] = sorry;
	begin(rig);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		write_message(rig, &rows[i].message);
		assert_int_equal(rig->message.code, rows[i].code);
		assert_int_equal(rig->message.outcome, rows[i].code ? GRAPH_REFUSED : GRAPH_OK);
		assert_int_equal(*rig->message.wamid != '\0', rows[i].code == 0);
	}
}

static void what_users_do_is_understood(void **state)
{
	struct rig *rig = *state;
	static struct plan_step steps[] = {
		{.times = 1, .deed = PLAN_DEED_TEXT, .text = "liga\xc3\xa7\xc3\xa3o"},
		{.times = 1, .deed = PLAN_DEED_BUTTON, .id = "b-1", .title = "Yes"},
		{.times = 1, .deed = PLAN_DEED_BUTTON_REPLY, .id = "r-1", .title = "Now"},
		{.times = 1, .deed = PLAN_DEED_LIST_REPLY, .id = "l-1", .title = "Sales"},
		{.times = 1, .deed = PLAN_DEED_GRANT},
		{.times = 1, .deed = PLAN_DEED_CALL, .payload = "link-9"},
	};

	rig->ana.steps = steps;
	rig->ana.step_count = sizeof(steps) / sizeof(steps[0]);
	begin(rig);
	UNTIL(rig->loop, saw(rig, "message text liga\xc3\xa7\xc3\xa3o  " ANA));
	UNTIL(rig->loop, saw(rig, "message button Yes b-1 " ANA));
	UNTIL(rig->loop, saw(rig, "message interactive Now r-1 " ANA));
	UNTIL(rig->loop, saw(rig, "message interactive Sales l-1 " ANA));
	UNTIL(rig->loop, saw(rig, "permission accepted permanent " ANA));
	assert_string_equal(rig->context, "");
	UNTIL(rig->loop, saw(rig, "connect user offer  link-9 " ANA));
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	static const struct CMUnitTest tests[] = {CASE(asked_allowed_called), CASE(by_scoped_id_alone),
		CASE(every_kind_of_message), CASE(what_users_do_is_understood)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
