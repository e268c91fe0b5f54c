/* URIs read strictly, From and To written so that nothing escapes its place. */
#include "b2bua/sip/uri.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const struct {
	const char *text, *user, *host;
	uint16_t port;
	enum sip_transport transport;
} good[] = {
	{"sip:600@127.0.0.1:5070;transport=udp", "600", "127.0.0.1", 5070, SIP_UDP},
	{"sip:+447700900123@pbx.example.com", "+447700900123", "pbx.example.com", 0, SIP_UDP},
	{"SIP:a%20b@[2001:db8::1]:5061;Transport=TCP;lr", "a%20b", "[2001:db8::1]", 5061, SIP_TCP},
	{"sip:gw.example;transport=tls", "", "gw.example", 0, SIP_TLS},
	{"sips:600@gw.example", "600", "gw.example", 0, SIP_TLS},
	{"sip:6;phone-context=x@h:65535;user=phone", "6;phone-context=x", "h", 65535, SIP_UDP},
};

static const char *const bad[] = {"", "sip:", "600@127.0.0.1", "tel:+4412", "http://h", "sip:@h", "sip:u@", "sip:u@h:0",
	"sip:u@h:65536", "sip:u@h:123456", "sip:u@h:", "sip:u@h:5060x", "sip:u@h;", "sip:u@h;;a=b", "sip:u@h;transport",
	"sip:u@h;transport=sctp", "sip:u@h;transport=", "sip:u@h?Subject=x", "sip:u@h;x=a?b=c", "sip:u@h\r\nX: y",
	"sip:u@h x", "sip:u u@h", "sip:u<@h", "sip:u\"@h", "sip:u@h>", "sip:u%@h", "sip:u%4@h", "sip:u%zz@h",
	"sip:u@-h", "sip:u@.h", "sip:u@[::1", "sip:u@[127.0.0.1]", "sip:u@[]", "sip:u@[::g]", "sip:u:pw@h", "sip:u@h@i",
	"sip:u@h\xc3\xa9", "sip:u\x01@h", " sip:u@h", "sip:u@h "};

static void test_read(void **state)
{
	char longest[700];

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		struct sip_uri u;
		assert_int_equal(sip_uri_parse(good[i].text, &u), 0);
		assert_int_equal(u.user_length, strlen(good[i].user));
		assert_memory_equal(u.user_length ? u.user : "", good[i].user, u.user_length);
		assert_int_equal(u.host_length, strlen(good[i].host));
		assert_memory_equal(u.host, good[i].host, u.host_length);
		assert_int_equal(u.port, good[i].port);
		assert_int_equal(u.transport, good[i].transport);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct sip_uri u;
		if (sip_uri_parse(bad[i], &u) != -EINVAL)
			fail_msg("taken: %s", bad[i]);
		assert_false(sip_target_allowed(bad[i]));
	}
	memset(longest, 'a', sizeof(longest));
	memcpy(longest, "sip:", 4);
	longest[sizeof(longest) - 1] = '\0';
	assert_false(sip_target_allowed(longest));
	assert_true(sip_target_allowed("sip:600@h"));
	assert_false(sip_target_allowed("sips:600@h")); /* no TLS yet */
}

/* Every byte in every place of a valid URI: never out of bounds (ASan), and what is taken has no character that ends a
 * line or a name-addr. */
static void test_every_byte(void **state)
{
	const char *base = "sip:6%30@h.x:50;transport=udp;a=b";

	(void)state;
	for (size_t at = 0; at < strlen(base); at++) {
		for (int byte = 0; byte < 256; byte++) {
			char text[64];
			struct sip_uri u;
			(void)snprintf(text, sizeof(text), "%s", base);
			text[at] = (char)byte;
			if (sip_uri_parse(text, &u) == 0)
				for (const char *p = text; *p; p++)
					if (*p <= ' ' || *p >= 0x7f || strchr("<>\"?\\", *p))
						fail_msg("taken: %s", text);
		}
	}
}

static void test_to(void **state)
{
	struct sip_uri u;
	char to[64];

	(void)state;
	assert_int_equal(sip_uri_parse("sip:600@h:5070;transport=tcp", &u), 0);
	assert_int_equal(sip_to_build(to, sizeof(to), &u), 0);
	assert_string_equal(to, "<sip:600@h>");
	assert_int_equal(sip_to_build(to, 8, &u), -ENAMETOOLONG);
	assert_int_equal(sip_uri_parse("sip:[::1]:5070", &u), 0);
	assert_int_equal(sip_to_build(to, sizeof(to), &u), 0);
	assert_string_equal(to, "<sip:[::1]>");
}

static const struct {
	const char *display, *user, *domain, *from;
} froms[] = {
	{"Ann", "+4477", "d.example", "\"Ann\" <sip:+4477@d.example>"},
	{"", "+4477", "d.example", "<sip:+4477@d.example>"},
	{NULL, "+4477", "10.0.0.1", "<sip:+4477@10.0.0.1>"},
	{"Ann", "", "d.example", "\"Anonymous\" <sip:anonymous@anonymous.invalid>"},
	{"Ann", NULL, "d.example", "\"Anonymous\" <sip:anonymous@anonymous.invalid>"},
	{"\"><sip:x@y>;tag=1", "1", "d", "\"\\\"><sip:x@y>;tag=1\" <sip:1@d>"},
	{"a\\", "1", "d", "\"a\\\\\" <sip:1@d>"},
	{"a\r\nX-Evil: 1", "1", "d", "\"a  X-Evil: 1\" <sip:1@d>"},
	{"J\xc3\xb6rg \xf0\x9f\x99\x82", "1", "d", "\"J\xc3\xb6rg \xf0\x9f\x99\x82\" <sip:1@d>"},
	{"\xff\xc3 \xed\xa0\x80 \xc0\xaf", "1", "d", "\"?? ??? ??\" <sip:1@d>"},
	{"x\xc2\x85y", "1", "d", "\"x y\" <sip:1@d>"},
	{"x", "front%20desk%2", "d", "\"x\" <sip:front%20desk%252@d>"}, /* escaped once, not twice */
	{"x", "a b@c>\r\n;%", "d", "\"x\" <sip:a%20b%40c%3E%0D%0A%3B%25@d>"},
	{"x", "\xc3\xa9", "d", "\"x\" <sip:%C3%A9@d>"},
};

static void test_from(void **state)
{
	char from[SIP_NAME_ADDR_MAX], many[1000];

	(void)state;
	for (size_t i = 0; i < sizeof(froms) / sizeof(froms[0]); i++) {
		assert_int_equal(
			sip_from_build(from, sizeof(from), froms[i].display, froms[i].user, froms[i].domain), 0);
		assert_string_equal(from, froms[i].from);
	}
	assert_int_equal(sip_from_build(from, sizeof(from), "x", "1", "d e"), -EINVAL);
	assert_int_equal(sip_from_build(from, sizeof(from), "x", "1", "d>"), -EINVAL);
	assert_int_equal(sip_from_build(from, sizeof(from), "x", "1", "d:5060"), -EINVAL);
	assert_int_equal(sip_from_build(from, sizeof(from), "x", "1", ""), -EINVAL);
	assert_int_equal(sip_from_build(from, 10, "x", "1", "d"), -ENAMETOOLONG);
	/* Cut between characters, and always closed; the longest of both parts still fits. */
	memset(many, '"', sizeof(many));
	many[sizeof(many) - 1] = '\0';
	assert_int_equal(sip_from_build(from, sizeof(from), many, many, "d"), 0);
	assert_non_null(strstr(from, "\\\"\" <sip:%22"));
	for (size_t i = 0; i + 2 < sizeof(many); i += 2)
		memcpy(many + i, "\xc3\xb6", 3);
	assert_int_equal(sip_from_build(from, sizeof(from), many, "1", "d"), 0);
	assert_non_null(strstr(from, "\xc3\xb6\" <sip:1@d>"));
}

static void test_hostport(void **state)
{
	size_t n;
	uint16_t port;

	(void)state;
	assert_int_equal(sip_hostport_parse("[::1]:5062", &n, &port), 0);
	assert_int_equal(n, 5);
	assert_int_equal(port, 5062);
	assert_int_equal(sip_hostport_parse("gw.example", &n, &port), 0);
	assert_int_equal(port, 0);
	assert_int_equal(sip_hostport_parse("gw.example;x", &n, &port), -EINVAL);
	assert_int_equal(sip_hostport_parse("a b", &n, &port), -EINVAL);
	assert_int_equal(sip_hostport_parse("", &n, &port), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_read), cmocka_unit_test(test_every_byte),
		cmocka_unit_test(test_to), cmocka_unit_test(test_from), cmocka_unit_test(test_hostport)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
