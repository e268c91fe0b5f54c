/* The server against raw sockets and the real curl program. */
#include "lib/base/clock.h"
#include "lib/base/str.h"
#include "lib/http/http_server.h"
#include "lib/loop/loop.h"
#include "tests/support/oom.h"
#include "tests/unit/lib/http/raw_client.h"
#include "tests/unit/lib/http/until.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <errno.h>

#include <cmocka.h>

enum { MAX_BODY = 64 * 1024 };

struct rig {
	struct loop *loop;
	struct http_server *server;
	struct addr addr;
	unsigned requests, gone, done;
	struct http_request *held[8];
	unsigned held_count;
	size_t last_body;
	char last_method[16], last_path[128], last_header[64], last_query[64], last_peer[ADDR_TEXT_MAX];
};

static void on_gone(void *arg)
{
	((struct rig *)arg)->gone++;
}

static void on_done(void *arg)
{
	((struct rig *)arg)->done++;
}

static void remember(struct rig *rig, struct http_request *req)
{
	const char *header = http_request_header(req, "x-test");
	const char *query = http_request_query(req, "q");
	(void)http_request_body(req, &rig->last_body);
	str_copy(rig->last_method, sizeof(rig->last_method), http_request_method(req));
	str_copy(rig->last_path, sizeof(rig->last_path), http_request_path(req));
	str_copy(rig->last_header, sizeof(rig->last_header), header ? header : "(none)");
	str_copy(rig->last_query, sizeof(rig->last_query), query ? query : "(none)");
	addr_host(http_request_peer(req), rig->last_peer, sizeof(rig->last_peer));
}

static void on_request(struct http_request *req, void *arg)
{
	static const char *const headers[] = {"X-One: 1", "X-Two:2", NULL};
	struct rig *rig = arg;
	size_t n;
	const uint8_t *body = http_request_body(req, &n);

	rig->requests++;
	remember(rig, req);
	if (str_equal(http_request_path(req), "/later") || str_equal(http_request_path(req), "/unwatched")) {
		if (str_equal(http_request_path(req), "/later"))
			http_request_on_gone(req, on_gone, rig);
		http_request_on_done(req, on_done, rig);
		rig->held[rig->held_count++ % 8] = req;
	} else if (str_equal(http_request_path(req), "/big")) {
		static char big[200 * 1024];
		memset(big, 'b', sizeof(big));
		http_reply(req, 200, NULL, big, sizeof(big), NULL);
	} else {
		http_request_on_done(req, on_done, rig);
		http_reply(req, 200, "application/x-echo", body, n, headers);
	}
}

static int setup_with(void **state, unsigned max_connections, unsigned per_address, unsigned idle_s)
{
	struct rig *rig = calloc(1, sizeof(*rig));
	struct http_server_conf conf = {.max_body_bytes = MAX_BODY,
		.max_connections = max_connections,
		.max_per_address = per_address,
		.idle_timeout_s = idle_s,
		.on_request = on_request,
		.arg = rig};
	assert_int_equal(loop_new(&rig->loop), 0);
	assert_int_equal(addr_set(&conf.listen, "127.0.0.1", 0), 0);
	assert_int_equal(http_server_new(rig->loop, &conf, &rig->server), 0);
	http_server_addr(rig->server, &rig->addr);
	assert_true(addr_port(&rig->addr) != 0);
	*state = rig;
	return 0;
}

static int setup(void **state)
{
	return setup_with(state, 100, 0, 5);
}

static int setup_few(void **state)
{
	return setup_with(state, 3, 0, 5);
}

static int setup_few_per_address(void **state)
{
	return setup_with(state, 100, 2, 5);
}

static int setup_impatient(void **state)
{
	return setup_with(state, 100, 0, 1);
}

static int teardown(void **state)
{
	struct rig *rig = *state;
	http_server_free(rig->server);
	loop_free(rig->loop);
	free(rig);
	return 0;
}

static void echoes_a_request_with_its_facts(void **state)
{
	struct rig *rig = *state;
	static struct raw_client c;
	raw_open(&c, rig->loop, &rig->addr);
	raw_say(&c, "POST /a%20b?q=x%26y HTTP/1.1\r\nHost: h\r\nX-TEST: yes\r\nContent-Length: 5\r\n\r\nhello");
	UNTIL(rig->loop, raw_count(&c, "hello"));
	assert_int_equal(raw_count(&c, "HTTP/1.1 200"), 1);
	assert_int_equal(raw_count(&c, "X-One: 1\r\n"), 1);
	assert_int_equal(raw_count(&c, "X-Two: 2\r\n"), 1);
	assert_int_equal(raw_count(&c, "Content-Type: application/x-echo\r\n"), 1);
	assert_string_equal(rig->last_method, "POST");
	assert_string_equal(rig->last_path, "/a b");
	assert_string_equal(rig->last_query, "x&y");
	assert_string_equal(rig->last_header, "yes");
	assert_string_equal(rig->last_peer, "127.0.0.1");
	assert_int_equal(rig->done, 1);
	raw_close(&c);
}

static void answers_pipelined_requests_in_order(void **state)
{
	struct rig *rig = *state;
	static struct raw_client c;
	const char *one, *two, *three;
	raw_open(&c, rig->loop, &rig->addr);
	raw_say(&c, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\none"
		    "POST /later HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\ntwo"
		    "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nthree");
	UNTIL(rig->loop, rig->held_count == 1);
	assert_int_equal(rig->requests, 2); /* the third waits for the second's answer */
	http_reply(rig->held[0], 202, NULL, "two", 3, NULL);
	UNTIL(rig->loop, raw_count(&c, "three"));
	one = strstr(c.heard, "\r\n\r\none");
	two = strstr(c.heard, "\r\n\r\ntwo");
	three = strstr(c.heard, "\r\n\r\nthree");
	assert_true(one && two && three && one < two && two < three);
	assert_int_equal(rig->gone, 0);
	raw_close(&c);
}

static void takes_a_request_in_single_bytes(void **state)
{
	struct rig *rig = *state;
	static struct raw_client c;
	const char *text =
		"POST /slow HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n";
	raw_open(&c, rig->loop, &rig->addr);
	for (; *text; text++) {
		char one[2] = {*text, 0};
		raw_say(&c, one);
		loop_step(rig->loop, 0);
	}
	UNTIL(rig->loop, raw_count(&c, "abcde"));
	assert_int_equal(rig->last_body, 5);
	raw_close(&c);
}

static void head_gets_no_body(void **state)
{
	struct rig *rig = *state;
	static struct raw_client c;
	raw_open(&c, rig->loop, &rig->addr);
	raw_say(&c, "HEAD /big HTTP/1.1\r\nHost: h\r\n\r\n");
	UNTIL(rig->loop, raw_count(&c, "\r\n\r\n"));
	assert_int_equal(raw_count(&c, "Content-Length: 204800"), 1);
	assert_string_equal(strstr(c.heard, "\r\n\r\n"), "\r\n\r\n");
	raw_close(&c);
}

static void body_too_long_gets_413(void **state)
{
	struct rig *rig = *state;
	static const struct {
		const char *head;
		size_t send;
	} cases[] = {
		{"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 65537\r\n\r\n", 65537},
		{"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 999999999999\r\n\r\n", 0},
		{"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 99999\r\nExpect: 100-continue\r\n\r\n", 0},
		{"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n10001\r\n", 65537},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		static struct raw_client c;
		raw_open(&c, rig->loop, &rig->addr);
		raw_say(&c, cases[i].head);
		for (size_t sent = 0; sent < cases[i].send; sent++)
			raw_say(&c, "x");
		if (strstr(cases[i].head, "chunked"))
			raw_say(&c, "\r\n0\r\n\r\n");
		UNTIL(rig->loop, raw_count(&c, "HTTP/1.1 413"));
		UNTIL(rig->loop, c.closed);
		assert_int_equal(raw_count(&c, "100 Continue"), 0);
		raw_close(&c);
	}
	assert_int_equal(rig->requests, 0);
}

static void exact_limit_is_accepted(void **state)
{
	struct rig *rig = *state;
	static struct raw_client c;
	static char body[MAX_BODY + 1];
	memset(body, 'y', MAX_BODY);
	raw_open(&c, rig->loop, &rig->addr);
	raw_say(&c, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 65536\r\n\r\n");
	raw_say(&c, body);
	UNTIL(rig->loop, c.length > MAX_BODY);
	assert_int_equal(rig->last_body, MAX_BODY);
	raw_close(&c);
}

static void endless_chunked_body_is_cut(void **state)
{
	struct rig *rig = *state;
	static struct raw_client c;
	static char bytes[65536];
	memset(bytes, 'z', sizeof(bytes));
	raw_open(&c, rig->loop, &rig->addr);
	raw_say(&c, "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n7fffffff\r\n");
	for (uint64_t end = clock_mono_us() + 10000000; !c.closed && clock_mono_us() < end;) {
		raw_try_say(&c, bytes, sizeof(bytes));
		loop_step(rig->loop, 0);
	}
	assert_true(c.closed);
	assert_int_equal(rig->requests, 0);
	raw_close(&c);
}

static void two_lengths_are_refused(void **state)
{
	struct rig *rig = *state;
	static struct raw_client c;
	raw_open(&c, rig->loop, &rig->addr);
	raw_say(&c, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n");
	UNTIL(rig->loop, c.closed);
	assert_int_equal(raw_count(&c, "HTTP/1.1 400"), 1);
	assert_int_equal(rig->requests, 0);
	raw_close(&c);
}

static void nonsense_ends_only_its_own_connection(void **state)
{
	struct rig *rig = *state;
	static struct raw_client good, bad;
	static const char *const texts[] = {"\r\n\r\n\r\n", "GET\r\n\r\n",
		"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
		"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: -5\r\n\r\n", "GET / HTTP/9.9\r\n: \r\n\r\n",
		"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"};
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		raw_open(&bad, rig->loop, &rig->addr);
		raw_say(&bad, texts[i]);
		raw_open(&good, rig->loop, &rig->addr);
		raw_say(&good, "GET / HTTP/1.1\r\nHost: h\r\n\r\n");
		UNTIL(rig->loop, raw_count(&good, "HTTP/1.1 200") == 1);
		raw_close(&good);
		raw_close(&bad);
	}
}

static void later_answer_goes_out_promptly(void **state)
{
	struct rig *rig = *state;
	static struct raw_client c;
	uint64_t best_us = UINT64_MAX;
	raw_open(&c, rig->loop, &rig->addr);
	for (unsigned i = 1; i <= 20; i++) {
		raw_say(&c, "GET /later HTTP/1.1\r\nHost: h\r\n\r\n");
		UNTIL(rig->loop, rig->held_count == i);
		uint64_t at = clock_mono_us();
		http_reply(rig->held[(i - 1) % 8], 200, NULL, "x", 1, NULL);
		UNTIL(rig->loop, raw_count(&c, "HTTP/1.1 200") == i);
		uint64_t took = c.heard_us - at;
		best_us = took < best_us ? took : best_us;
	}
	printf("deferred answer: best %llu us\n", (unsigned long long)best_us);
	assert_true(best_us < 1000);
	assert_int_equal(rig->done, 20);
	raw_close(&c);
}

static void peer_that_leaves_is_reported(void **state)
{
	struct rig *rig = *state;
	static struct raw_client a, b;
	raw_open(&a, rig->loop, &rig->addr);
	raw_open(&b, rig->loop, &rig->addr);
	raw_say(&a, "GET /later HTTP/1.1\r\nHost: h\r\n\r\n");
	UNTIL(rig->loop, rig->held_count == 1);
	raw_say(&b, "GET /later HTTP/1.1\r\nHost: h\r\n\r\n");
	UNTIL(rig->loop, rig->held_count == 2);
	raw_close(&a);
	UNTIL(rig->loop, rig->gone == 1);
	UNTIL(rig->loop, rig->done == 1);
	/* With a request pipelined behind, its unread bytes do not hide the hang-up. */
	raw_say(&b, "GET / HTTP/1.1\r\nHost: h\r\n\r\n");
	loop_step(rig->loop, 20);
	assert_int_equal(rig->gone, 1);
	raw_close(&b);
	UNTIL(rig->loop, rig->gone == 2);
	UNTIL(rig->loop, rig->done == 2);
}

static void answer_to_a_peer_that_left_unseen(void **state)
{
	struct rig *rig = *state;
	static struct raw_client a;
	raw_open(&a, rig->loop, &rig->addr);
	raw_say(&a, "GET /unwatched HTTP/1.1\r\nHost: h\r\n\r\n");
	UNTIL(rig->loop, rig->held_count == 1);
	raw_close(&a);
	loop_step(rig->loop, 5);
	http_reply(rig->held[0], 200, NULL, "x", 1, NULL);
	UNTIL(rig->loop, rig->done == 1);
	assert_int_equal(rig->gone, 0);
}

static void half_closed_peer_still_gets_its_answer(void **state)
{
	struct rig *rig = *state;
	static struct raw_client a;
	raw_open(&a, rig->loop, &rig->addr);
	raw_say(&a, "GET / HTTP/1.1\r\nHost: h\r\n\r\n");
	shutdown(a.fd, SHUT_WR);
	UNTIL(rig->loop, a.closed);
	assert_int_equal(raw_count(&a, "HTTP/1.1 200"), 1);
	raw_close(&a);
}

static void connections_beyond_the_limit_are_closed(void **state)
{
	struct rig *rig = *state;
	static struct raw_client c[4];
	for (size_t i = 0; i < 3; i++) {
		raw_open(&c[i], rig->loop, &rig->addr);
		raw_say(&c[i], "GET / HTTP/1.1\r\nHost: h\r\n\r\n");
		UNTIL(rig->loop, raw_count(&c[i], "HTTP/1.1 200") == 1);
	}
	raw_open(&c[3], rig->loop, &rig->addr);
	UNTIL(rig->loop, c[3].closed);
	raw_close(&c[3]);
	raw_close(&c[0]);
	loop_step(rig->loop, 20);
	raw_open(&c[0], rig->loop, &rig->addr);
	raw_say(&c[0], "GET / HTTP/1.1\r\nHost: h\r\n\r\n");
	UNTIL(rig->loop, raw_count(&c[0], "HTTP/1.1 200") == 1);
	for (size_t i = 0; i < 3; i++)
		raw_close(&c[i]);
}

static void connections_beyond_the_limit_of_one_address_are_closed(void **state)
{
	struct rig *rig = *state;
	static struct raw_client c[3];
	for (size_t i = 0; i < 3; i++)
		raw_open(&c[i], rig->loop, &rig->addr);
	UNTIL(rig->loop, c[0].closed || c[1].closed || c[2].closed);
	for (size_t i = 0; i < 3; i++)
		raw_close(&c[i]);
}

static void idle_connection_is_closed(void **state)
{
	struct rig *rig = *state;
	static struct raw_client c;
	raw_open(&c, rig->loop, &rig->addr);
	raw_say(&c, "GET / HTTP/1.1\r\nHost: h\r\n\r\n");
	UNTIL(rig->loop, raw_count(&c, "HTTP/1.1 200") == 1);
	UNTIL_WITHIN(rig->loop, c.closed, 4000);
	raw_close(&c);
}

/* A byte now and then keeps MHD's own time-out from ever expiring. */
static void trickling_request_is_cut(void **state)
{
	struct rig *rig = *state;
	static struct raw_client head, body;
	uint64_t began = clock_mono_us(), next = 0;
	raw_open(&head, rig->loop, &rig->addr);
	raw_open(&body, rig->loop, &rig->addr);
	raw_say(&head, "GET / HTTP/1.1\r\nHost: h\r\nX: ");
	raw_say(&body, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1000\r\n\r\n");
	while ((!head.closed || !body.closed) && clock_mono_us() - began < 6000000) {
		if (clock_mono_us() >= next) {
			next = clock_mono_us() + 100000;
			raw_try_say(&head, "x", 1);
			raw_try_say(&body, "x", 1);
		}
		loop_step(rig->loop, 20);
	}
	assert_true(head.closed && body.closed);
	assert_true(clock_mono_us() - began > 1500000);
	assert_int_equal(rig->requests, 0);
	raw_close(&head);
	raw_close(&body);
}

/* Longer than idle time-out and deadline together: our own slowness is not the client's. */
static void suspended_request_outlives_the_deadline(void **state)
{
	struct rig *rig = *state;
	static struct raw_client c;
	raw_open(&c, rig->loop, &rig->addr);
	raw_say(&c, "GET /later HTTP/1.1\r\nHost: h\r\n\r\n");
	UNTIL(rig->loop, rig->held_count == 1);
	for (uint64_t end = clock_mono_us() + 2500000; clock_mono_us() < end;)
		loop_step(rig->loop, 100);
	assert_false(c.closed);
	http_reply(rig->held[0], 200, NULL, "patience", 8, NULL);
	UNTIL(rig->loop, raw_count(&c, "patience") == 1);
	raw_close(&c);
}

/* The real thing: run curl, turn the loop until it ends. */
static int run_curl(struct rig *rig, const char *args, char *out, size_t cap)
{
	char command[512];
	char file[] = "/tmp/watrunk-test-curl-XXXXXX";
	int fd = mkstemp(file), status = -1;
	pid_t pid;
	ssize_t n;

	assert_true(fd >= 0);
	snprintf(command, sizeof(command), "exec curl -s --noproxy '*' -m 8 %s http://127.0.0.1:%u/", args,
		addr_port(&rig->addr));
	pid = fork();
	if (pid == 0) {
		dup2(fd, 1);
		execl("/bin/sh", "sh", "-c", command, (char *)NULL);
		_exit(127);
	}
	UNTIL(rig->loop, waitpid(pid, &status, WNOHANG) == pid);
	n = pread(fd, out, cap - 1, 0);
	out[n > 0 ? n : 0] = '\0';
	close(fd);
	unlink(file);
	return WEXITSTATUS(status);
}

static void the_curl_program_agrees(void **state)
{
	struct rig *rig = *state;
	char out[4096];
	assert_int_equal(run_curl(rig, "-d 'a=b&c' -w '|%{http_code}|%{content_type}'", out, sizeof(out)), 0);
	assert_string_equal(out, "a=b&c|200|application/x-echo");
	assert_int_equal(run_curl(rig, "-I -w '|%{http_code}'", out, sizeof(out)), 0);
	assert_non_null(strstr(out, "|200"));
	assert_int_equal(run_curl(rig, "-o /dev/null -w '%{http_code}' --data-binary @/bin/sh", out, sizeof(out)), 0);
	assert_string_equal(out, "413");
	assert_int_equal(
		run_curl(rig, "-o /dev/null -w '%{http_code}' -H 'Transfer-Encoding: chunked' --data-binary @/bin/sh",
			out, sizeof(out)),
		0);
	assert_string_equal(out, "413");
}

static void freeing_closes_what_is_unanswered(void **state)
{
	struct rig *rig = *state;
	static struct raw_client a, b;
	raw_open(&a, rig->loop, &rig->addr);
	raw_open(&b, rig->loop, &rig->addr);
	raw_say(&a, "GET /later HTTP/1.1\r\nHost: h\r\n\r\n");
	raw_say(&b, "GET /later HTTP/1.1\r\nHost: h\r\n\r\nGET /");
	UNTIL(rig->loop, rig->held_count == 2);
	rig->server = http_server_free(rig->server);
	assert_int_equal(rig->gone, 0);
	assert_int_equal(rig->done, 2);
	UNTIL(rig->loop, a.closed && b.closed);
	raw_close(&a);
	raw_close(&b);
}

static void says_why_it_cannot_listen(void **state)
{
	struct rig *rig = *state;
	struct http_server *s = NULL;
	struct http_server_conf conf = {.listen = rig->addr,
		.max_body_bytes = 1,
		.max_connections = 1,
		.idle_timeout_s = 1,
		.on_request = on_request,
		.arg = rig};
	assert_int_equal(http_server_new(rig->loop, &conf, &s), -EADDRINUSE);
	conf.max_connections = 0;
	assert_int_equal(http_server_new(rig->loop, &conf, &s), -EINVAL);
	assert_null(s);
}

/* Each request gets its answer or a closed connection, and the server lives on. */
static void memory_may_run_out_anywhere(void **state)
{
	struct rig *rig = *state;
	static struct raw_client c;
	struct http_server_conf conf = {
		.max_body_bytes = 1, .max_connections = 1, .idle_timeout_s = 1, .on_request = on_request};

	addr_set(&conf.listen, "127.0.0.1", 0);
	for (unsigned n = 1; oom_next(n); n++) {
		struct http_server *s = NULL;
		int r = http_server_new(rig->loop, &conf, &s);
		oom_off();
		assert_int_equal(r, s ? 0 : -ENOMEM);
		http_server_free(s);
	}
	for (unsigned n = 1, failed = 1; failed; n++) {
		raw_open(&c, rig->loop, &rig->addr);
		oom_fail_nth(n);
		raw_say(&c, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello");
		UNTIL(rig->loop, c.closed || raw_count(&c, "hello"));
		failed = oom_off();
		raw_close(&c);
	}
}

int main(void)
{
#define TEST(f, s) cmocka_unit_test_setup_teardown(f, s, teardown)
	const struct CMUnitTest tests[] = {
		TEST(echoes_a_request_with_its_facts, setup),
		TEST(answers_pipelined_requests_in_order, setup),
		TEST(takes_a_request_in_single_bytes, setup),
		TEST(head_gets_no_body, setup),
		TEST(body_too_long_gets_413, setup),
		TEST(exact_limit_is_accepted, setup),
		TEST(endless_chunked_body_is_cut, setup),
		TEST(two_lengths_are_refused, setup),
		TEST(nonsense_ends_only_its_own_connection, setup),
		TEST(later_answer_goes_out_promptly, setup),
		TEST(peer_that_leaves_is_reported, setup),
		TEST(answer_to_a_peer_that_left_unseen, setup),
		TEST(half_closed_peer_still_gets_its_answer, setup),
		TEST(connections_beyond_the_limit_are_closed, setup_few),
		TEST(connections_beyond_the_limit_of_one_address_are_closed, setup_few_per_address),
		TEST(idle_connection_is_closed, setup_impatient),
		TEST(trickling_request_is_cut, setup_impatient),
		TEST(suspended_request_outlives_the_deadline, setup_impatient),
		TEST(the_curl_program_agrees, setup),
		TEST(freeing_closes_what_is_unanswered, setup),
		TEST(says_why_it_cannot_listen, setup),
		TEST(memory_may_run_out_anywhere, setup),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
