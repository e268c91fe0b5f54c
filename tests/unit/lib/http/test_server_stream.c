/* Answers that go on, against raw sockets. */
#include "lib/base/counter.h"
#include "lib/http/http_server.h"
#include "lib/loop/loop.h"
#include "tests/support/oom.h"
#include "tests/unit/lib/http/raw_client.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <errno.h>

#include <cmocka.h>

#include "tests/unit/lib/http/until.h"

enum { BUFFER = 8192 };

static struct {
	struct loop *loop;
	struct http_server *server;
	struct addr addr;
	struct http_stream *streams[8];
	unsigned count, gone, done;
	struct http_request *later;
} m;
static struct raw_client c;

static void on_gone(void *arg)
{
	assert_ptr_equal(arg, &m);
	m.gone++;
}

static void on_done(void *arg)
{
	assert_ptr_equal(arg, &m);
	m.done++;
}

static void begin(struct http_request *req)
{
	static const char *const headers[] = {"Cache-Control: no-store", NULL};

	m.streams[m.count] = http_stream_begin(req, "text/event-stream", headers, BUFFER, on_gone, &m);
	if (m.streams[m.count])
		m.count++;
	else
		http_reply(req, 503, NULL, "", 0, NULL);
}

static void on_request(struct http_request *req, void *arg)
{
	(void)arg;
	http_request_on_done(req, on_done, &m);
	if (strcmp(http_request_path(req), "/plain") == 0) {
		for (unsigned i = 0; i < m.count; i++) /* from within MHD's own run */
			assert_int_equal(http_stream_write(m.streams[i], "plain\n", 6), 0);
		http_reply(req, 200, NULL, "answer", 6, NULL);
	} else if (strcmp(http_request_path(req), "/later") == 0) {
		m.later = req;
	} else {
		begin(req);
		if (strcmp(http_request_path(req), "/first") == 0)
			assert_int_equal(http_stream_write(m.streams[m.count - 1], "first\n", 6), 0);
	}
}

static int set_up(void **state)
{
	struct http_server_conf conf = {
		.max_body_bytes = 1024, .max_connections = 20, .idle_timeout_s = 1, .on_request = on_request};

	(void)state;
	memset(&m, 0, sizeof(m));
	assert_int_equal(loop_new(&m.loop), 0);
	assert_int_equal(addr_set(&conf.listen, "127.0.0.1", 0), 0);
	assert_int_equal(http_server_new(m.loop, &conf, &m.server), 0);
	http_server_addr(m.server, &m.addr);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	http_server_free(m.server);
	loop_free(m.loop);
	return 0;
}

static void ask(const char *path)
{
	char text[128];

	snprintf(text, sizeof(text), "GET %s HTTP/1.1\r\nHost: h\r\n\r\n", path);
	raw_open(&c, m.loop, &m.addr);
	raw_say(&c, text);
}

static void headers_come_before_the_first_byte(void **state)
{
	(void)state;
	ask("/");
	UNTIL(m.loop, raw_count(&c, "\r\n\r\n"));
	assert_int_equal(raw_count(&c, "HTTP/1.1 200"), 1);
	assert_int_equal(raw_count(&c, "Content-Type: text/event-stream\r\n"), 1);
	assert_int_equal(raw_count(&c, "Cache-Control: no-store\r\n"), 1);
	assert_int_equal(raw_count(&c, "Transfer-Encoding: chunked"), 1);
	raw_close(&c);
	UNTIL(m.loop, m.gone == 1 && m.done == 1);
}

static void each_write_goes_out_and_the_end_ends(void **state)
{
	char text[16];

	(void)state;
	ask("/first");
	UNTIL(m.loop, raw_count(&c, "first\n") == 1);
	for (int i = 0; i < 50; i++) {
		snprintf(text, sizeof(text), "tick-%d\n", i);
		assert_int_equal(http_stream_write(m.streams[0], text, strlen(text)), 0);
		if (i % 3 == 0)
			UNTIL(m.loop, raw_count(&c, text) == 1);
	}
	http_stream_end(m.streams[0]);
	UNTIL(m.loop, raw_count(&c, "0\r\n\r\n") == 1 && m.done == 1);
	assert_int_equal(raw_count(&c, "tick-"), 50);
	assert_int_equal(m.gone, 0);
	/* The connection goes on. */
	m.count = 0;
	raw_say(&c, "GET /plain HTTP/1.1\r\nHost: h\r\n\r\n");
	UNTIL(m.loop, raw_count(&c, "answer") == 1);
	raw_close(&c);
}

static void a_quiet_stream_outlives_the_idle_time(void **state)
{
	(void)state;
	ask("/");
	UNTIL(m.loop, raw_count(&c, "\r\n\r\n"));
	loop_step(m.loop, 2500); /* of 1 s */
	assert_false(c.closed);
	assert_int_equal(http_stream_write(m.streams[0], "still\n", 6), 0);
	UNTIL(m.loop, raw_count(&c, "still\n") == 1);
	raw_close(&c);
	UNTIL(m.loop, m.gone == 1);
}

static void a_write_from_another_request_reaches_it(void **state)
{
	static struct raw_client other;

	(void)state;
	ask("/");
	UNTIL(m.loop, raw_count(&c, "\r\n\r\n"));
	raw_open(&other, m.loop, &m.addr);
	raw_say(&other, "GET /plain HTTP/1.1\r\nHost: h\r\n\r\n");
	UNTIL(m.loop, raw_count(&c, "plain\n") == 1 && raw_count(&other, "answer") == 1);
	raw_close(&other);
	raw_close(&c);
}

static void a_reader_that_stops_is_cut(void **state)
{
	static char block[1000];
	uint64_t cut = counter_sum(CNT_HTTP_STREAMS_CUT);
	int r = 0, small = 4096;

	(void)state;
	memset(block, 'x', sizeof(block));
	ask("/");
	UNTIL(m.loop, raw_count(&c, "\r\n\r\n"));
	assert_int_equal(setsockopt(c.fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small)), 0);
	c.watch = loop_unwatch(c.watch);
	for (int i = 0; i < 100000 && r == 0; i++) {
		r = http_stream_write(m.streams[0], block, sizeof(block));
		loop_step(m.loop, 0);
	}
	assert_int_equal(r, -ENOBUFS);
	assert_int_equal(counter_sum(CNT_HTTP_STREAMS_CUT), cut + 1);
	UNTIL(m.loop, m.done == 1);
	assert_int_equal(m.gone, 0); /* the write had said so */
	raw_close(&c);
	/* More than the buffer at once is the same. */
	ask("/");
	UNTIL(m.loop, raw_count(&c, "\r\n\r\n"));
	assert_int_equal(http_stream_write(m.streams[1], block, BUFFER + 1), -ENOBUFS);
	UNTIL(m.loop, c.closed && m.done == 2);
	raw_close(&c);
}

static void a_peer_that_leaves_with_bytes_waiting_is_reported(void **state)
{
	static char block[BUFFER / 2];

	(void)state;
	memset(block, 'x', sizeof(block));
	ask("/");
	UNTIL(m.loop, raw_count(&c, "\r\n\r\n"));
	c.watch = loop_unwatch(c.watch);
	assert_int_equal(http_stream_write(m.streams[0], block, sizeof(block)), 0);
	raw_close(&c);
	UNTIL(m.loop, m.gone == 1 && m.done == 1);
}

static void a_stream_may_begin_later(void **state)
{
	(void)state;
	ask("/later");
	UNTIL(m.loop, m.later);
	begin(m.later);
	assert_int_equal(http_stream_write(m.streams[0], "late\n", 5), 0);
	UNTIL(m.loop, raw_count(&c, "late\n") == 1);
	http_stream_end(m.streams[0]);
	UNTIL(m.loop, m.done == 1);
	raw_close(&c);
}

static void freeing_closes_streams_without_a_word(void **state)
{
	static struct raw_client busy;

	(void)state;
	ask("/");
	UNTIL(m.loop, raw_count(&c, "\r\n\r\n"));
	raw_open(&busy, m.loop, &m.addr);
	raw_say(&busy, "GET /first HTTP/1.1\r\nHost: h\r\n\r\n");
	UNTIL(m.loop, m.count == 2);
	assert_int_equal(http_stream_write(m.streams[1], "x", 1), 0);
	m.server = http_server_free(m.server);
	assert_int_equal(m.gone, 0);
	assert_int_equal(m.done, 2);
	UNTIL(m.loop, c.closed && busy.closed);
	raw_close(&c);
	raw_close(&busy);
}

static void memory_may_run_out_anywhere(void **state)
{
	bool failed = true;

	(void)state;
	for (unsigned n = 1; failed; n++) {
		m.count = 0;
		ask("/");
		oom_fail_nth(n);
		UNTIL(m.loop, c.closed || raw_count(&c, "HTTP/1.1 "));
		failed = oom_off();
		raw_close(&c);
		UNTIL(m.loop, m.count == m.gone);
		m.gone = 0;
	}
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		T(headers_come_before_the_first_byte),
		T(each_write_goes_out_and_the_end_ends),
		T(a_quiet_stream_outlives_the_idle_time),
		T(a_write_from_another_request_reaches_it),
		T(a_reader_that_stops_is_cut),
		T(a_peer_that_leaves_with_bytes_waiting_is_reported),
		T(a_stream_may_begin_later),
		T(freeing_closes_streams_without_a_word),
		T(memory_may_run_out_anywhere),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
