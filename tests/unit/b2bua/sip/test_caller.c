/* What messages of callers say, read through the library's parser. */
#include "b2bua/sip/caller.h"
#include "lib/base/str.h"

#include <errno.h>
#include <setjmp.h>
#include <sofia-sip/msg.h>
#include <sofia-sip/sip_header.h>
#include <sofia-sip/sip_protos.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

struct message {
	msg_t *msg;
	const sip_t *sip;
};

static void read_message(struct message *m, const char *uri, const char *headers)
{
	char text[32768];
	int n = snprintf(text, sizeof(text),
		"INVITE %s SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\nCall-ID: 1\r\nCSeq: 1 INVITE\r\n%s"
		"Content-Length: 0\r\n\r\n",
		uri, headers);

	assert_in_range(n, 1, sizeof(text) - 1);
	m->msg = msg_make(sip_default_mclass(), 0, text, n);
	assert_non_null(m->msg);
	m->sip = sip_object(m->msg);
	assert_non_null(m->sip);
	assert_non_null(m->sip->sip_request);
}

static void done(struct message *m)
{
	msg_destroy(m->msg);
}

static void test_users(void **state)
{
	static const struct {
		const char *uri, *user;
	} rows[] = {{"sip:+447700900123@h", "+447700900123"}, {"sip:%2B44%41@h", "+44A"}, {"tel:+44-7700", "+44-7700"},
		{"sip:h", ""}, {"sip:a%0d%0ac@h", "a  c"}, {"sips:1@[::1]:5061;x=y", "1"}};
	struct caller_text t;
	struct sip_incoming in;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct message m;
		read_message(&m, rows[i].uri, "From: <sip:1@f>;tag=1\r\nTo: <sip:2@t>\r\n");
		assert_int_equal(caller_read(m.sip, &t, &in), 0);
		assert_string_equal(in.request_user, rows[i].user);
		assert_string_equal(in.from_host, "f");
		assert_string_equal(in.to_user, "2");
		done(&m);
	}
}

static void test_unescape(void **state)
{
	static const struct {
		const char *escaped;
		size_t cap;
		const char *plain;
		int result;
	} rows[] = {{"a%00%7f%1Fb", 16, "a   b", 0}, {"%", 16, "%", 0}, {"%4", 16, "%4", 0}, {"%zz%41", 16, "%zzA", 0},
		{"1234", 5, "1234", 0}, {"12345", 5, "1234", -ENAMETOOLONG}, {"%31%32", 2, "1", -ENAMETOOLONG},
		{"", 1, "", 0}};
	char text[16];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(
			caller_unescape(text, rows[i].cap, rows[i].escaped, strlen(rows[i].escaped)), rows[i].result);
		assert_string_equal(text, rows[i].plain);
	}
	assert_int_equal(caller_unescape(text, sizeof(text), NULL, 0), 0);
	assert_string_equal(text, "");
}

static void test_asserted(void **state)
{
	static const struct {
		const char *value, *user;
	} rows[] = {{"<sip:+44@h>", "+44"}, {"sip:+44@h", "+44"}, {"\"<sip:x@y>\" <sip:+44@h;user=phone>", "+44"},
		{"\"a\\\"<sip:x@y>\" <tel:+44;ext=1>", "+44"}, {"tel:+44", "+44"}, {"<sips:a%20b@h>", "a b"},
		{"<sip:h>", ""}, {"<sip:>", ""}, {"<mailto:a@b>", ""}, {"", ""}, {"\"", ""}, {"<", ""}, {"\"\\", ""}};
	struct caller_text t;
	struct sip_incoming in;
	char line[256];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct message m;
		(void)snprintf(line, sizeof(line),
			"From: x <sip:1@f>;tag=1\r\nTo: <sip:2@t>\r\nP-Asserted-Identity: %s\r\n", rows[i].value);
		read_message(&m, "sip:1@h", line);
		assert_int_equal(caller_read(m.sip, &t, &in), 0);
		if (strcmp(in.pai_user, rows[i].user) != 0)
			fail_msg("%s: %s", rows[i].value, in.pai_user);
		assert_string_equal(in.from_display, "x");
		done(&m);
	}
}

static void test_header_bounds(void **state)
{
	static char lines[16384], value[3000];
	struct caller_text t;
	struct sip_incoming in;
	struct message m;
	struct strbuf sb;

	(void)state;
	strbuf_init(&sb, lines, sizeof(lines));
	for (int i = 0; i < 50; i++)
		strbuf_printf(&sb, "X-%d: v%d\r\n", i, i);
	read_message(&m, "sip:1@h", lines);
	assert_int_equal(caller_read(m.sip, &t, &in), 0);
	assert_int_equal(in.header_count, SIP_IN_HEADERS_MAX);
	assert_string_equal(in.headers[31].value, "v31");
	done(&m);
	memset(value, 'v', sizeof(value) - 1);
	strbuf_init(&sb, lines, sizeof(lines));
	for (int i = 0; i < 5; i++)
		strbuf_printf(&sb, "X-%d: %s\r\n", i, value);
	strbuf_put(&sb, "X-Empty:\r\n");
	read_message(&m, "sip:1@h", lines);
	assert_int_equal(caller_read(m.sip, &t, &in), 0);
	assert_int_equal(in.header_count, 6);
	assert_int_equal(strlen(in.headers[0].value), 1024);
	assert_string_equal(in.headers[5].name, "X-Empty");
	assert_string_equal(in.headers[5].value, "");
	done(&m);
}

static void test_credentials(void **state)
{
	static const struct {
		const char *lines;
		bool found;
		const char *username;
	} rows[] = {
		{"Authorization: Digest username=\"a\\\"b\", realm=\"r\", nonce=\"n\", nc=00000001, qop=auth\r\n", true,
			"a\"b"},
		{"Authorization: digest realm = \"r\" , username = x\r\n", true, "x"},
		{"Authorization: Digest realm=\"q\", username=\"1\"\r\nAuthorization: Digest realm=\"r\", "
		 "username=\"2\"\r\n",
			true, "2"},
		{"Authorization: Basic abc\r\n", false, NULL},
		{"Authorization: Digest\r\n", false, NULL},
		{"Authorization: Digest realm\r\n", false, NULL},
		{"", false, NULL},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct credentials_text store;
		struct digest_credentials c;
		struct message m;
		read_message(&m, "sip:1@h", rows[i].lines);
		if (caller_credentials(m.sip, "r", &store, &c) != rows[i].found)
			fail_msg("row %zu", i);
		if (rows[i].found)
			assert_string_equal(c.username, rows[i].username);
		done(&m);
	}
}

static void test_fit(void **state)
{
	static const struct {
		const char *request, *proved;
		bool fits;
	} rows[] = {{"sip:600@h", "sip:600@h", true}, {"sip:600@h:5060;x=y", "sip:600@other", true},
		{"sip:%2b44@h", "sip:+44@h", true}, {"sip:600@h", "sip:601@h", false}, {"sip:h", "sip:h", true},
		{"sip:600@h", "sip:h", false}, {"sip:600@h", "", false}, {"sip:600@h", NULL, false},
		{"tel:+44", "tel:+44;x=y", true}, {"tel:+44", "tel:+45", false}};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct digest_credentials c = {.uri = rows[i].proved};
		struct message m;
		read_message(&m, rows[i].request, "");
		if (caller_credentials_fit(m.sip, &c) != rows[i].fits)
			fail_msg("row %zu", i);
		done(&m);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_users), cmocka_unit_test(test_unescape),
		cmocka_unit_test(test_asserted), cmocka_unit_test(test_header_bounds),
		cmocka_unit_test(test_credentials), cmocka_unit_test(test_fit)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
