/* The client against our server, and against one that breaks HTTP's rules on purpose. */
#include "lib/base/clock.h"
#include "lib/base/str.h"
#include "lib/http/http_client.h"
#include "lib/http/http_server.h"
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

#define OK_ANSWER "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

struct rig {
	struct loop *loop;
	struct http_client *client;
	struct scripted_server peer;
	bool peer_open;
	unsigned done, failed;
	struct http_result last; /* body is not kept here */
	char body[64];
	uint64_t ids[8];
	bool send_again, cancel_others;
};

static uint64_t send_to(struct rig *rig, const char *method, const char *url, unsigned timeout_ms);

static void on_done(const struct http_result *res, void *arg)
{
	struct rig *rig = arg;
	rig->last = *res;
	str_copy(rig->body, sizeof(rig->body), res->body);
	if (res->error)
		rig->failed++;
	rig->done++;
	if (rig->send_again) {
		rig->send_again = false;
		send_to(rig, "GET", rig->peer.url, 5000);
		assert_int_equal(rig->done, 1); /* never from within http_send() */
	}
	if (rig->cancel_others) {
		for (size_t i = 0; i < 8; i++)
			http_cancel(rig->client, rig->ids[i]);
	}
}

static uint64_t send_to(struct rig *rig, const char *method, const char *url, unsigned timeout_ms)
{
	static const char *const headers[] = {"Content-Type: application/json", "X-Test: 1", NULL};
	struct http_send send = {.method = method,
		.url = url,
		.headers = headers,
		.body = "{}",
		.body_length = str_equal(method, "POST") ? 2 : 0,
		.timeout_ms = timeout_ms,
		.on_done = on_done,
		.arg = rig};
	uint64_t id = 0;
	assert_int_equal(http_send(rig->client, &send, &id), 0);
	assert_true(id != 0);
	return id;
}

static void peer(struct rig *rig, const struct scripted_step *steps, size_t count)
{
	scripted_open(&rig->peer, rig->loop, steps, count);
	rig->peer_open = true;
}

static int setup(void **state)
{
	struct rig *rig = calloc(1, sizeof(*rig));
	struct http_client_conf conf = {.max_per_host = 4, .connect_timeout_ms = 2000};
	assert_int_equal(loop_new(&rig->loop), 0);
	assert_int_equal(http_client_new(rig->loop, &conf, &rig->client), 0);
	*state = rig;
	return 0;
}

static int teardown(void **state)
{
	struct rig *rig = *state;
	http_client_free(rig->client);
	if (rig->peer_open)
		scripted_close(&rig->peer);
	loop_free(rig->loop);
	free(rig);
	return 0;
}

static void posts_and_reads_the_answer(void **state)
{
	static const struct scripted_step steps[] = {
		{SCRIPT_ANSWER, "HTTP/1.1 503 No\r\nRetry-After: 7\r\nContent-Length: 5\r\n\r\nlater"}};
	struct rig *rig = *state;
	peer(rig, steps, 1);
	send_to(rig, "POST", rig->peer.url, 5000);
	assert_int_equal(rig->done, 0);
	UNTIL(rig->loop, rig->done);
	assert_int_equal(rig->last.error, 0);
	assert_int_equal(rig->last.status, 503);
	assert_int_equal(rig->last.retry_after_s, 7);
	assert_string_equal(rig->body, "later");
	assert_true(rig->last.connect_us > 0);
	assert_true(rig->last.total_us >= rig->last.connect_us);
	assert_non_null(strstr(rig->peer.last_request, "POST / HTTP/1.1\r\n"));
	assert_non_null(strstr(rig->peer.last_request, "X-Test: 1\r\n"));
	assert_non_null(strstr(rig->peer.last_request, "Content-Type: application/json\r\n"));
	assert_null(strstr(rig->peer.last_request, "Expect:"));
	assert_non_null(strstr(rig->peer.last_request, "\r\n\r\n{}"));
}

static void warm_request_takes_under_a_millisecond(void **state)
{
	static const struct scripted_step steps[] = {{SCRIPT_ANSWER, OK_ANSWER}};
	struct rig *rig = *state;
	uint64_t sum = 0, best = UINT64_MAX;
	peer(rig, steps, 1);
	assert_int_equal(http_keep_warm(rig->client, rig->peer.url), 0);
	assert_int_equal(http_keep_warm(rig->client, rig->peer.url), 0);
	UNTIL(rig->loop, rig->peer.requests == 1);
	assert_non_null(strstr(rig->peer.last_request, "HEAD / HTTP/1.1"));
	loop_step(rig->loop, 20);
	for (unsigned i = 0; i < 50; i++) {
		unsigned before = rig->done;
		send_to(rig, "POST", rig->peer.url, 5000);
		UNTIL(rig->loop, rig->done > before);
		assert_int_equal(rig->last.error, 0);
		assert_int_equal(rig->last.connect_us, 0);
		sum += rig->last.total_us;
		best = rig->last.total_us < best ? rig->last.total_us : best;
	}
	printf("warm POST on loopback: mean %llu us, best %llu us\n", (unsigned long long)(sum / 50),
		(unsigned long long)best);
	assert_true(best < 1000);
	assert_int_equal(rig->peer.accepted, 1);
}

static void errors_have_their_numbers(void **state)
{
	static const struct {
		struct scripted_step step;
		int error;
		bool processed;
	} cases[] = {
		{{SCRIPT_CLOSE, NULL}, -ECONNRESET, true},
		{{SCRIPT_RESET, NULL}, -ECONNRESET, true},
		{{SCRIPT_CLOSE, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf"}, -ECONNRESET, true},
		{{SCRIPT_HANG, NULL}, -ETIMEDOUT, true},
		{{SCRIPT_HANG, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf"}, -ETIMEDOUT, true},
		{{SCRIPT_CLOSE, "SSH-2.0-OpenSSH_9.2\r\n"}, -EPROTO, true},
	};
	struct rig *rig = *state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		peer(rig, &cases[i].step, 1);
		rig->done = 0;
		send_to(rig, "POST", rig->peer.url, 300);
		UNTIL(rig->loop, rig->done);
		assert_int_equal(rig->last.error, cases[i].error);
		assert_int_equal(rig->last.may_have_been_processed, cases[i].processed);
		assert_int_equal(rig->last.status, 0);
		assert_true(rig->last.error_text[0] != '\0');
		assert_string_equal(rig->body, "");
		assert_int_equal(rig->peer.requests, 1);
		scripted_close(&rig->peer);
		rig->peer_open = false;
	}
}

static void refused_and_unresolved(void **state)
{
	static const struct scripted_step steps[] = {{SCRIPT_ANSWER, OK_ANSWER}};
	struct rig *rig = *state;
	char url[64];
	peer(rig, steps, 1);
	str_copy(url, sizeof(url), rig->peer.url);
	scripted_close(&rig->peer); /* nobody listens on that port now */
	rig->peer_open = false;
	send_to(rig, "POST", url, 5000);
	UNTIL(rig->loop, rig->done == 1);
	assert_int_equal(rig->last.error, -ECONNREFUSED);
	assert_false(rig->last.may_have_been_processed);
	send_to(rig, "POST", "http://no-such-host.invalid/", 8000);
	UNTIL(rig->loop, rig->done == 2);
	assert_true(rig->last.error == -EHOSTUNREACH || rig->last.error == -ETIMEDOUT);
	assert_false(rig->last.may_have_been_processed);
}

static void tls_to_a_plain_server_fails_before_the_request(void **state)
{
	static const struct scripted_step steps[] = {{SCRIPT_ANSWER, OK_ANSWER}};
	struct rig *rig = *state;
	char url[64];
	peer(rig, steps, 1);
	snprintf(url, sizeof(url), "https://127.0.0.1:%u/", addr_port(&rig->peer.addr));
	send_to(rig, "POST", url, 500);
	UNTIL(rig->loop, rig->done == 1);
	assert_true(rig->last.error == -EPROTO || rig->last.error == -ETIMEDOUT);
	assert_false(rig->last.may_have_been_processed);
}

static void bad_urls_are_refused(void **state)
{
	static const char *const urls[] = {"", "nonsense url", "ftp://127.0.0.1/", "http://", "file:///etc/passwd"};
	struct rig *rig = *state;
	for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++) {
		struct http_send send = {.method = "GET", .url = urls[i], .timeout_ms = 1000};
		uint64_t id = 0;
		assert_int_equal(http_send(rig->client, &send, &id), -EINVAL);
		assert_int_equal(http_keep_warm(rig->client, urls[i]), -EINVAL);
	}
}

static void header_with_a_line_end_is_refused(void **state)
{
	static const char *const headers[] = {"X: a\r\nY: b", NULL};
	struct rig *rig = *state;
	struct http_send send = {.method = "GET", .url = "http://127.0.0.1:9/", .headers = headers, .timeout_ms = 1000};
	uint64_t id = 0;
	assert_int_equal(http_send(rig->client, &send, &id), -EINVAL);
}

/* The server acted on it, perhaps, and died: asking twice might place a call twice. */
static void post_on_a_dying_connection_is_not_repeated(void **state)
{
	static const struct scripted_step steps[] = {
		{SCRIPT_ANSWER, OK_ANSWER}, {SCRIPT_CLOSE, NULL}, {SCRIPT_ANSWER, OK_ANSWER}};
	struct rig *rig = *state;
	peer(rig, steps, 3);
	send_to(rig, "POST", rig->peer.url, 5000);
	UNTIL(rig->loop, rig->done == 1);
	send_to(rig, "POST", rig->peer.url, 5000);
	UNTIL(rig->loop, rig->done == 2);
	assert_int_equal(rig->last.error, -ECONNRESET);
	assert_true(rig->last.may_have_been_processed);
	assert_int_equal(rig->peer.requests, 2);
}

static void get_on_a_dying_connection_is_repeated(void **state)
{
	static const struct scripted_step steps[] = {
		{SCRIPT_ANSWER, OK_ANSWER}, {SCRIPT_CLOSE, NULL}, {SCRIPT_ANSWER, OK_ANSWER}};
	struct rig *rig = *state;
	peer(rig, steps, 3);
	send_to(rig, "GET", rig->peer.url, 5000);
	UNTIL(rig->loop, rig->done == 1);
	send_to(rig, "GET", rig->peer.url, 5000);
	UNTIL(rig->loop, rig->done == 2);
	assert_int_equal(rig->last.error, 0);
	assert_int_equal(rig->peer.requests, 3);
}

/* A connection the server closed while idle is noticed before use: no request is lost on it. */
static void closed_idle_connection_is_replaced(void **state)
{
	static const struct scripted_step steps[] = {{SCRIPT_ANSWER, OK_ANSWER}};
	struct rig *rig = *state;
	peer(rig, steps, 1);
	send_to(rig, "POST", rig->peer.url, 5000);
	UNTIL(rig->loop, rig->done == 1);
	scripted_hang_up(&rig->peer);
	send_to(rig, "POST", rig->peer.url, 5000);
	UNTIL(rig->loop, rig->done == 2);
	assert_int_equal(rig->last.error, 0);
	assert_int_equal(rig->peer.accepted, 2);
}

static void warm_connection_is_reopened(void **state)
{
	static const struct scripted_step steps[] = {{SCRIPT_ANSWER, "HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n"}};
	struct rig *rig = *state;
	peer(rig, steps, 1);
	assert_int_equal(http_keep_warm(rig->client, rig->peer.url), 0);
	UNTIL(rig->loop, rig->peer.requests == 1);
	loop_step(rig->loop, 20);
	uint64_t at = clock_mono_us();
	scripted_hang_up(&rig->peer);
	UNTIL(rig->loop, rig->peer.requests == 2);
	assert_true(clock_mono_us() - at > 1500000); /* not at once again and again */
	loop_step(rig->loop, 20);
	send_to(rig, "POST", rig->peer.url, 5000);
	UNTIL(rig->loop, rig->done == 1);
	assert_int_equal(rig->last.connect_us, 0);
	assert_int_equal(rig->peer.accepted, 2);
}

static void cancelled_requests_stay_silent(void **state)
{
	static const struct scripted_step steps[] = {{SCRIPT_HANG, NULL}};
	struct rig *rig = *state;
	uint64_t a, b;
	peer(rig, steps, 1);
	a = send_to(rig, "POST", rig->peer.url, 5000);
	b = send_to(rig, "POST", rig->peer.url, 200);
	http_cancel(rig->client, a); /* before it connected */
	UNTIL(rig->loop, rig->done == 1);
	http_cancel(rig->client, a);
	http_cancel(rig->client, b);
	http_cancel(rig->client, 0);
	assert_int_equal(rig->last.error, -ETIMEDOUT);
	assert_int_equal(rig->done, 1);
}

static void callbacks_may_send_and_cancel(void **state)
{
	static const struct scripted_step steps[] = {{SCRIPT_ANSWER, OK_ANSWER}};
	struct rig *rig = *state;
	peer(rig, steps, 1);
	rig->send_again = true;
	send_to(rig, "GET", rig->peer.url, 5000);
	UNTIL(rig->loop, rig->done == 2);
	assert_int_equal(rig->failed, 0);
	rig->done = 0;
	rig->cancel_others = true;
	for (size_t i = 0; i < 8; i++)
		rig->ids[i] = send_to(rig, "GET", rig->peer.url, 5000);
	UNTIL(rig->loop, rig->done == 1);
	loop_step(rig->loop, 50);
	assert_int_equal(rig->done, 1);
}

static void beyond_max_per_host_requests_wait(void **state)
{
	static const struct scripted_step steps[] = {{SCRIPT_ANSWER, OK_ANSWER}};
	struct rig *rig = *state;
	peer(rig, steps, 1);
	for (unsigned i = 0; i < 40; i++)
		send_to(rig, "POST", rig->peer.url, 5000);
	UNTIL(rig->loop, rig->done == 40);
	assert_int_equal(rig->failed, 0);
	assert_true(rig->peer.accepted <= 4);
}

/* Waiting for a free connection counts, too. */
static void waiting_requests_time_out(void **state)
{
	static const struct scripted_step steps[] = {{SCRIPT_HANG, NULL}};
	struct rig *rig = *state;
	peer(rig, steps, 1);
	for (unsigned i = 0; i < 6; i++)
		send_to(rig, "POST", rig->peer.url, i < 4 ? 5000 : 200);
	UNTIL_WITHIN(rig->loop, rig->done == 2, 2000);
	assert_int_equal(rig->last.error, -ETIMEDOUT);
	assert_false(rig->last.may_have_been_processed);
}

static void freeing_drops_what_is_under_way(void **state)
{
	static const struct scripted_step steps[] = {{SCRIPT_HANG, NULL}};
	struct rig *rig = *state;
	peer(rig, steps, 1);
	assert_int_equal(http_keep_warm(rig->client, rig->peer.url), 0);
	send_to(rig, "POST", rig->peer.url, 5000);
	UNTIL(rig->loop, rig->peer.requests == 2);
	send_to(rig, "POST", rig->peer.url, 5000);
	rig->client = http_client_free(rig->client);
	loop_step(rig->loop, 20);
	assert_int_equal(rig->done, 0);
	assert_int_equal(scripted_connected(&rig->peer), 0);
}

/* Against our own server: long answers, and the bound on them. */
static size_t answer_length;
static void serve(struct http_request *req, void *arg)
{
	char *body = calloc(1, answer_length + 1);
	(void)arg;
	http_reply(req, 200, NULL, body, answer_length, NULL);
	free(body);
}

static void answers_are_bounded(void **state)
{
	struct rig *rig = *state;
	struct http_server_conf conf = {
		.max_body_bytes = 1000, .max_connections = 8, .idle_timeout_s = 5, .on_request = serve};
	struct http_server *server;
	struct addr addr;
	char url[64];
	addr_set(&conf.listen, "127.0.0.1", 0);
	assert_int_equal(http_server_new(rig->loop, &conf, &server), 0);
	http_server_addr(server, &addr);
	snprintf(url, sizeof(url), "http://127.0.0.1:%u/", addr_port(&addr));
	answer_length = 1 << 20;
	send_to(rig, "GET", url, 5000);
	UNTIL(rig->loop, rig->done == 1);
	assert_int_equal(rig->last.error, 0);
	assert_int_equal(rig->last.body_length, 1 << 20);
	answer_length++;
	send_to(rig, "GET", url, 5000);
	UNTIL(rig->loop, rig->done == 2);
	assert_int_equal(rig->last.error, -EMSGSIZE);
	http_server_free(server);
}

static void memory_may_run_out_anywhere(void **state)
{
	static const struct scripted_step steps[] = {{SCRIPT_ANSWER, OK_ANSWER}};
	struct rig *rig = *state;
	struct http_client_conf conf = {.user_agent = "x", .ca_file = "/dev/null"};
	struct http_send send = {.method = "POST", .timeout_ms = 300, .on_done = on_done, .arg = rig};

	for (unsigned n = 1; oom_next(n); n++) {
		struct http_client *c = NULL;
		int r = http_client_new(rig->loop, &conf, &c);
		oom_off();
		assert_int_equal(r, c ? 0 : -ENOMEM);
		http_client_free(c);
	}
	peer(rig, steps, 1);
	send.url = rig->peer.url;
	for (unsigned n = 1; oom_next(n); n++) {
		unsigned before = rig->done;
		uint64_t id = 0;
		int r = http_send(rig->client, &send, &id);
		bool failed;
		if (r == 0) /* memory may run out later, too: then the time limit ends it */
			UNTIL(rig->loop, rig->done > before);
		failed = oom_off();
		assert_true(r == 0 || (r == -ENOMEM && failed));
		assert_true(r || rig->last.error == 0 || failed);
	}
	for (unsigned n = 1; oom_next(n); n++) {
		int r = http_keep_warm(rig->client, rig->peer.url);
		oom_off();
		assert_true(r == 0 || r == -ENOMEM);
	}
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(posts_and_reads_the_answer),
		TEST(warm_request_takes_under_a_millisecond),
		TEST(errors_have_their_numbers),
		TEST(refused_and_unresolved),
		TEST(tls_to_a_plain_server_fails_before_the_request),
		TEST(bad_urls_are_refused),
		TEST(header_with_a_line_end_is_refused),
		TEST(post_on_a_dying_connection_is_not_repeated),
		TEST(get_on_a_dying_connection_is_repeated),
		TEST(closed_idle_connection_is_replaced),
		TEST(warm_connection_is_reopened),
		TEST(cancelled_requests_stay_silent),
		TEST(callbacks_may_send_and_cancel),
		TEST(beyond_max_per_host_requests_wait),
		TEST(waiting_requests_time_out),
		TEST(freeing_drops_what_is_under_way),
		TEST(answers_are_bounded),
		TEST(memory_may_run_out_anywhere),
	};
	/* Proxies are taken from the environment; these tests must not meet one. */
	unsetenv("http_proxy");
	unsetenv("https_proxy");
	unsetenv("HTTPS_PROXY");
	unsetenv("all_proxy");
	unsetenv("ALL_PROXY");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
