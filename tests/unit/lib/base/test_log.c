/* tests/unit/lib/base/test_log.c */
#include "lib/base/counter.h"
#include "lib/base/log.h"
#include "lib/base/log_record.h"
#include "lib/base/thread.h"

#include "tests/support/oom.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* 2024-02-29T12:34:56.007Z */
#define WALL_MS   UINT64_C(1709210096007)
#define TEXT_HEAD "2024-02-29T12:34:56.007Z info event=ev"
#define JSON_HEAD "{\"time\":\"2024-02-29T12:34:56.007Z\",\"level\":\"info\",\"event\":\"ev\""

static void renders(const struct log_record *rec, const char *text, const char *json)
{
	char line[LOG_LINE_MAX], expected[LOG_LINE_MAX];

	size_t length = log_record_render(rec, LOG_FORMAT_TEXT, line, sizeof(line));

	assert_int_equal(length, strlen(line));
	snprintf(expected, sizeof(expected), TEXT_HEAD "%s\n", text);
	assert_string_equal(line, expected);
	log_record_render(rec, LOG_FORMAT_JSON, line, sizeof(line));
	snprintf(expected, sizeof(expected), JSON_HEAD "%s}\n", json);
	assert_string_equal(line, expected);
}

#define CHECK(text, json, ...)                                                                                         \
	do {                                                                                                           \
		struct log_record rec_;                                                                                \
		log_record_begin(&rec_, LOG_LEVEL_INFO, "ev", WALL_MS);                                                \
		log_record_add(&rec_, __VA_ARGS__);                                                                    \
		renders(&rec_, text, json);                                                                            \
	} while (0)

static void pairs(void **state)
{
	const char *volatile null_text = NULL; /* volatile: the compiler would rightly complain */

	(void)state;
	CHECK(" call=7f3a leg=sip code=200 ms=840",
		",\"call\":\"7f3a\",\"leg\":\"sip\",\"code\":\"200\",\"ms\":\"840\"", "call=%x leg=%s code=%d ms=%llu",
		0x7f3a, "sip", 200, 840ULL);
	CHECK(" a=1 b=\"two words\"", ",\"a\":\"1\",\"b\":\"two words\"", "a=%d b=\"%s %s\"", 1, "two", "words");
	CHECK(" a=10% b=x-2", ",\"a\":\"10%\",\"b\":\"x-2\"", "a=%d%%   b=%c-%zu", 10, 'x', (size_t)2);
	CHECK(" a=0.50 b=-3 c=4 d=5", ",\"a\":\"0.50\",\"b\":\"-3\",\"c\":\"4\",\"d\":\"5\"",
		"a=%.2f b=%ld c=%hu d=%jd", 0.5, -3L, (unsigned short)4, (intmax_t)5);
	CHECK(" a=- b=ab c=xy d=007", ",\"a\":\"-\",\"b\":\"ab\",\"c\":\"xy\",\"d\":\"007\"",
		"a=%s b=%.2s c=%.*s d=%03d", null_text, "abcd", 2, "xyz", 7);
	CHECK(" msg=\"listening on 5060\"", ",\"msg\":\"listening on 5060\"", "listening on %d", 5060);
	CHECK(" a=1 msg=\"and words\"", ",\"a\":\"1\",\"msg\":\"and words\"", "and a=%d words", 1);
	CHECK(" url=\"http://h/?a=b\"", ",\"url\":\"http://h/?a=b\"", "url=%s", "http://h/?a=b");
	CHECK(" a=\"\"", ",\"a\":\"\"", "a=%s", "");
}

/* Nothing that a peer sends ends a line, closes a quote or makes a pair. */
static void hostile_values(void **state)
{
	(void)state;
	CHECK(" name=\"x level=error event=forged\"", ",\"name\":\"x level=error event=forged\"", "name=%s",
		"x level=error event=forged");
	CHECK(" a=\"x\\\" b=\\\"y\"", ",\"a\":\"x\\\" b=\\\"y\"", "a=\"%s\"", "x\" b=\"y");
	CHECK(" a=\"1\\n2024 fake\\r\\t\\\\\"", ",\"a\":\"1\\n2024 fake\\r\\t\\\\\"", "a=%s", "1\n2024 fake\r\t\\");
	CHECK(" a=\"\\u001b[31m\\u007f\\u009b\"", ",\"a\":\"\\u001b[31m\\u007f\\u009b\"", "a=%s",
		"\x1b[31m\x7f\xc2\x9b");
	CHECK(" a=\"grün \\xff\\xc3\"", ",\"a\":\"grün \\ufffd\\ufffd\"", "a=%s", "grün \xff\xc3");
	CHECK(" msg=\"%s%n a=b\"", ",\"msg\":\"%s%n a=b\"", "%s", "%s%n a=b");
}

static void long_values_are_cut(void **state)
{
	char big[3000], line[LOG_LINE_MAX];
	struct log_record rec;
	size_t length;

	(void)state;
	memset(big, 0x01, sizeof(big));
	big[sizeof(big) - 1] = '\0';
	log_record_begin(&rec, LOG_LEVEL_ERROR, "a_name_that_is_longer_than_any_event_name_should_ever_be", WALL_MS);
	log_record_add(&rec, "a=%s b=%s c=%s d=1", big, big, big);
	for (int format = LOG_FORMAT_TEXT; format <= LOG_FORMAT_JSON; format++) {
		length = log_record_render(&rec, (enum log_format)format, line, sizeof(line));
		assert_true(length < LOG_LINE_MAX - 1); /* LOG_LINE_MAX suffices, even if each byte becomes \u0001 */
		assert_int_equal(line[length - 1], '\n');
		assert_ptr_equal(strchr(line, '\n'), line + length - 1);
		assert_non_null(
			strstr(line, format == LOG_FORMAT_TEXT ? " truncated=true\n" : ",\"truncated\":\"true\"}\n"));
	}
}

/* ---- the thread ---- */

struct sink {
	int fds[2];
	char text[256 * 1024];
	size_t length;
};

static struct sink sink;

static void sink_open(void)
{
	assert_int_equal(pipe(sink.fds), 0);
	sink.length = 0;
}

static void sink_close(void)
{
	close(sink.fds[0]);
	close(sink.fds[1]);
}

/* Reads until what was read holds the text; fails after ten seconds of silence. */
static void sink_wait_for(const char *text)
{
	struct pollfd p = {.fd = sink.fds[0], .events = POLLIN};

	sink.text[sink.length] = '\0';
	while (!strstr(sink.text, text)) {
		assert_int_equal(poll(&p, 1, 10000), 1);
		ssize_t n = read(sink.fds[0], sink.text + sink.length, sizeof(sink.text) - 1 - sink.length);
		assert_true(n > 0);
		sink.length += (size_t)n;
		sink.text[sink.length] = '\0';
	}
}

static size_t count_of(const char *needle)
{
	size_t n = 0;
	for (const char *at = sink.text; (at = strstr(at, needle)); at++)
		n++;
	return n;
}

static void lines_reach_the_descriptor(void **state)
{
	(void)state;
	sink_open();
	assert_int_equal(log_start(sink.fds[1], LOG_LEVEL_INFO, LOG_FORMAT_JSON), 0);
	assert_int_equal(log_start(sink.fds[1], LOG_LEVEL_INFO, LOG_FORMAT_JSON), -EALREADY);
	log_info("first", "n=%d", 1);
	log_debug("hidden", "n=%d", 2);
	sink_wait_for("\"event\":\"first\",\"n\":\"1\"}\n");
	log_set_level(LOG_LEVEL_DEBUG);
	assert_true(log_enabled(LOG_LEVEL_DEBUG));
	log_debug("shown", "n=%d", 3);
	log_stop();
	sink_wait_for("\"event\":\"shown\""); /* stop flushes */
	assert_null(strstr(sink.text, "hidden"));
	log_stop();
	assert_int_equal(log_start(sink.fds[1], LOG_LEVEL_WARN, LOG_FORMAT_TEXT), 0); /* again */
	log_info("hidden", "n=%d", 4);
	log_warn("again", "n=%d", 5);
	log_stop();
	sink_wait_for("warn event=again n=5\n");
	assert_null(strstr(sink.text, "hidden"));
	sink_close();
}

/* All of them fit into one ring, should one thread after the other take it over. */
enum { THREAD_LINES = 20 };

static void say_many(void *arg)
{
	for (int i = 0; i < THREAD_LINES; i++)
		log_info("line", "who=%s n=%d end=yes", (const char *)arg, i);
}

static void many_threads_whole_lines(void **state)
{
	static const char *const names[] = {"one", "two", "three", "four"};
	struct thread *t[4];

	(void)state;
	sink_open();
	assert_int_equal(log_start(sink.fds[1], LOG_LEVEL_INFO, LOG_FORMAT_TEXT), 0);
	for (int round = 0; round < 3; round++) { /* later threads take over the rings of ended ones */
		for (int i = 0; i < 4; i++)
			assert_int_equal(thread_start("talker", say_many, (void *)names[i], &t[i]), 0);
		for (int i = 0; i < 4; i++)
			thread_join(t[i]);
		log_info("round", "n=%d", round);
		char end[32];
		snprintf(end, sizeof(end), "event=round n=%d\n", round);
		sink_wait_for(end);
	}
	log_stop();
	log_start(sink.fds[1], LOG_LEVEL_INFO, LOG_FORMAT_TEXT);
	log_info("end", "of=test");
	log_stop();
	sink_wait_for("event=end");
	assert_int_equal(count_of("event=line"), count_of("end=yes\n"));
	assert_int_equal(count_of("who=one "), 3 * THREAD_LINES);
	sink_close();
}

/* Nobody reads our output: callers go on, lines are dropped and counted, and log_stop() returns. */
static void a_stuck_reader_blocks_nobody(void **state)
{
	uint64_t before = counter_sum(CNT_LOG_LINES_DROPPED);
	char filler[400];
	int flags;

	(void)state;
	memset(filler, 'x', sizeof(filler));
	filler[sizeof(filler) - 1] = '\0';
	sink_open();
	assert_int_equal(log_start(sink.fds[1], LOG_LEVEL_INFO, LOG_FORMAT_TEXT), 0);
	for (int i = 0; i < 2000; i++)
		log_info("flood", "n=%d filler=%s", i, filler);
	assert_true(counter_sum(CNT_LOG_LINES_DROPPED) > before);
	/* When it moves again, the log says what is missing. */
	flags = fcntl(sink.fds[0], F_GETFL);
	assert_int_equal(fcntl(sink.fds[0], F_SETFL, flags | O_NONBLOCK), 0);
	sink_wait_for("event=log_lines_dropped count=");
	for (int i = 0; i < 2000; i++)
		log_info("flood", "n=%d filler=%s", i, filler);
	log_stop();
	sink_close();
}

static void a_closed_reader_kills_nobody(void **state)
{
	(void)state;
	sink_open();
	assert_int_equal(log_start(sink.fds[1], LOG_LEVEL_INFO, LOG_FORMAT_TEXT), 0);
	close(sink.fds[0]);
	log_info("into", "the=void");
	log_stop();
	close(sink.fds[1]);
}

static void log_out_of_memory(void **state)
{
	(void)state;
	sink_open();
	for (unsigned n = 1; oom_next(n); n++) {
		int r = log_start(sink.fds[1], LOG_LEVEL_INFO, LOG_FORMAT_TEXT);
		bool failed = oom_off();
		assert_int_equal(r, failed ? -ENOMEM : 0);
		log_stop();
	}
	sink_close();
}

static void say_without_memory(void *arg)
{
	(void)arg;
	oom_fail_nth(1);
	log_info("poor", "n=%d", 1); /* no ring: dropped */
	oom_off();
	log_info("rich", "n=%d", 2);
}

static void a_thread_without_memory_drops_its_line(void **state)
{
	struct thread *t;

	(void)state;
	sink_open();
	assert_int_equal(log_start(sink.fds[1], LOG_LEVEL_INFO, LOG_FORMAT_TEXT), 0);
	assert_int_equal(thread_start("poor", say_without_memory, NULL, &t), 0);
	thread_join(t);
	log_stop();
	sink_wait_for("event=rich");
	sink_close();
}

static void level_names(void **state)
{
	enum log_level level = LOG_LEVEL_DEBUG;

	(void)state;
	assert_int_equal(log_level_parse("error", &level), 0);
	assert_int_equal(level, LOG_LEVEL_ERROR);
	assert_int_equal(log_level_parse("debug", &level), 0);
	assert_int_equal(level, LOG_LEVEL_DEBUG);
	assert_int_equal(log_level_parse("verbose", &level), -EINVAL);
	assert_int_equal(log_level_parse(NULL, &level), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pairs),
		cmocka_unit_test(hostile_values),
		cmocka_unit_test(long_values_are_cut),
		cmocka_unit_test(
			a_thread_without_memory_drops_its_line), /* first, while no ring waits for a new owner */
		cmocka_unit_test(lines_reach_the_descriptor),
		cmocka_unit_test(many_threads_whole_lines),
		cmocka_unit_test(a_stuck_reader_blocks_nobody),
		cmocka_unit_test(a_closed_reader_kills_nobody),
		cmocka_unit_test(log_out_of_memory),
		cmocka_unit_test(level_names),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
