/* Header lines and Reason made from outside text: one line stays one line. */
#include "b2bua/sip/headers.h"
#include "b2bua/sip/reason.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static size_t lines(const char *text)
{
	size_t n = 0;

	for (; (text = strstr(text, "\r\n")); text += 2)
		n++;
	return n;
}

static void test_values(void **state)
{
	const struct sip_header headers[] = {{"X-A", "1\r\nVia: evil"}, {"X-B", "  \r\n "}, {"X-C", NULL},
		{"X-D", "\n\n\nd\xff"}, {"Subject", "h\tk"}};
	char out[SIP_HEADERS_MAX];

	(void)state;
	assert_int_equal(headers_build(out, sizeof(out), "sip:+44@h", headers, 5), 0);
	assert_string_equal(
		out, "P-Asserted-Identity: <sip:+44@h>\r\nX-A: 1  Via: evil\r\nX-D:    d?\r\nSubject: h k\r\n");
	assert_int_equal(lines(out), 4);
	assert_int_equal(headers_build(out, sizeof(out), NULL, NULL, 0), 0);
	assert_string_equal(out, "");
	assert_int_equal(headers_build(out, sizeof(out), "tel:+44-1", NULL, 0), 0);
	assert_string_equal(out, "P-Asserted-Identity: <tel:+44-1>\r\n");
	assert_int_equal(headers_build(out, 12, NULL, headers, 1), -ENAMETOOLONG);
}

static void test_refused(void **state)
{
	static const char *const names[] = {"", "X", "X-A:", "X A", "X-A\r\n", "Via", "content-length", "FROM",
		"Call-ID", "P-Asserted-Identity", "Reason", "i", "v", "X\xc3\xa9", "X-\x01"};
	static const char *const pais[] = {"sip:u@h>\r\nX: y", "tel:", "tel:12;x", "mailto:a@b", "sip:u@h?x=y", "x"};
	char out[256];

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const struct sip_header h = {names[i], "v"};
		assert_int_equal(headers_build(out, sizeof(out), "", &h, 1), -EINVAL);
	}
	for (size_t i = 0; i < sizeof(pais) / sizeof(pais[0]); i++)
		assert_int_equal(headers_build(out, sizeof(out), pais[i], NULL, 0), -EINVAL);
	assert_true(sip_header_allowed("X-WA-Call-ID"));
	assert_true(sip_header_allowed("User-to-User"));
}

static void test_reason_build(void **state)
{
	char r[REASON_MAX], many[400];

	(void)state;
	assert_string_equal(reason_build(r, 0, 16, "Normal"), "Q.850;cause=16;text=\"Normal\"");
	assert_string_equal(reason_build(r, 480, 19, "No \"answer\"\r\nX: y"),
		"SIP;cause=480, Q.850;cause=19;text=\"No \\\"answer\\\"  X: y\"");
	assert_string_equal(reason_build(r, 200, 0, "Elsewhere"), "SIP;cause=200;text=\"Elsewhere\"");
	assert_string_equal(reason_build(r, 0, 0, "x"), "");
	assert_string_equal(reason_build(r, 0, 16, NULL), "Q.850;cause=16");
	memset(many, '"', sizeof(many));
	many[sizeof(many) - 1] = '\0';
	assert_true(strlen(reason_build(r, 480, 19, many)) < REASON_MAX - 1);
	assert_int_equal(r[strlen(r) - 1], '"');
}

static void test_reason_read(void **state)
{
	static const struct {
		const char *protocol, *cause;
		int q850;
	} rows[] = {{"Q.850", "16", 16}, {"q.850", "127", 127}, {"Q.850", "128", 0}, {"Q.850", "0", 0},
		{"Q.850", "-1", 0}, {"Q.850", "16x", 0}, {"Q.850", "", 0}, {"Q.850", NULL, 0}, {"SIP", "16", 0},
		{NULL, "16", 0}, {"Q.850", "99999999999999999999999", 0}};
	sip_reason_t second = {.re_protocol = "Q.850", .re_cause = "17"};
	sip_reason_t first = {.re_next = &second, .re_protocol = "SIP", .re_cause = "486"};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		sip_reason_t re = {.re_protocol = rows[i].protocol, .re_cause = rows[i].cause};
		assert_int_equal(reason_q850(&re), rows[i].q850);
	}
	assert_int_equal(reason_q850(&first), 17);
	assert_int_equal(reason_q850(NULL), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_values), cmocka_unit_test(test_refused),
		cmocka_unit_test(test_reason_build), cmocka_unit_test(test_reason_read)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
