/* tests/unit/lib/base/test_addr.c */
#include "lib/base/addr.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static struct addr make(const char *host, uint16_t port)
{
	struct addr a;
	assert_int_equal(addr_set(&a, host, port), 0);
	return a;
}

static void parses_and_formats(void **state)
{
	static const struct {
		const char *text;
		int r;
		const char *formatted, *host;
		uint16_t port;
		bool v6;
	} cases[] = {
		{"127.0.0.1:5060", 0, "127.0.0.1:5060", "127.0.0.1", 5060, false},
		{"0.0.0.0:0", 0, "0.0.0.0:0", "0.0.0.0", 0, false},
		{"[::1]:65535", 0, "[::1]:65535", "::1", 65535, true},
		{"[2001:DB8::1]:1", 0, "[2001:db8::1]:1", "2001:db8::1", 1, true},
		{"[ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255]:65535", 0,
			"[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
			65535, true},
		{"127.0.0.1:65536", -EINVAL},
		{"127.0.0.1:", -EINVAL},
		{"127.0.0.1", -EINVAL},
		{"127.0.0.1:-1", -EINVAL},
		{"127.1:1", -EINVAL},
		{"256.0.0.1:1", -EINVAL},
		{"::1:5060", -EINVAL},
		{"[::1]", -EINVAL},
		{"[::1:5060", -EINVAL},
		{"[127.0.0.1]:1", -EINVAL},
		{"localhost:1", -EINVAL},
		{":1", -EINVAL},
		{"", -EINVAL},
		{NULL, -EINVAL},
		{"[ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255.255.255.255.255]:1", -EINVAL},
	};
	char text[ADDR_TEXT_MAX];

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct addr a;
		int r = addr_parse(cases[i].text, &a);
		if (r != cases[i].r)
			fail_msg("%s: %d", cases[i].text, r);
		if (r)
			continue;
		assert_string_equal(addr_format(&a, text, sizeof(text)), cases[i].formatted);
		assert_string_equal(addr_host(&a, text, sizeof(text)), cases[i].host);
		assert_int_equal(addr_port(&a), cases[i].port);
		assert_int_equal(addr_is_v6(&a), cases[i].v6);
		assert_int_equal(addr_len(&a), cases[i].v6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in));
	}
}

static void no_address(void **state)
{
	struct addr none = {0}, set = make("127.0.0.1", 1);
	char text[ADDR_TEXT_MAX];

	(void)state;
	assert_false(addr_is_set(&none));
	assert_true(addr_is_set(&set));
	assert_string_equal(addr_format(&none, text, sizeof(text)), "-");
	assert_int_equal(addr_port(&none), 0);
	assert_int_equal(addr_len(&none), 0);
	assert_false(addr_is_any(&none));
	assert_true(addr_equal(&none, &none));
	assert_false(addr_equal(&none, &set));
	assert_int_equal(addr_set(&none, "", 1), -EINVAL);
	assert_int_equal(addr_set(&none, NULL, 1), -EINVAL);
	assert_false(addr_is_set(&none));
}

static void from_sockaddr(void **state)
{
	struct addr in = make("192.0.2.1", 7), in6 = make("[2001:db8::7]", 9), a;

	(void)state;
	addr_from_sockaddr(&a, &in.u.sa, addr_len(&in));
	assert_true(addr_equal(&a, &in));
	addr_from_sockaddr(&a, &in6.u.sa, sizeof(struct sockaddr_storage));
	assert_true(addr_equal(&a, &in6));
	addr_from_sockaddr(&a, &in6.u.sa, sizeof(struct sockaddr_in)); /* cut short */
	assert_false(addr_is_set(&a));
	addr_from_sockaddr(&a, NULL, 0);
	assert_false(addr_is_set(&a));
	in.u.sa.sa_family = AF_UNIX;
	addr_from_sockaddr(&a, &in.u.sa, sizeof(in));
	assert_false(addr_is_set(&a));
}

static void equality_sees_through_mapped(void **state)
{
	struct addr v4 = make("192.0.2.1", 5), mapped = make("::ffff:192.0.2.1", 5),
		    other = make("::ffff:192.0.2.2", 5), v6 = make("2001:db8::1", 5), port = make("192.0.2.1", 6);
	struct addr any4 = make("0.0.0.0", 1), any6 = make("::", 1), mapped_any = make("::ffff:0.0.0.0", 1);

	(void)state;
	assert_true(addr_equal(&v4, &mapped) && addr_equal(&mapped, &v4));
	assert_false(addr_equal(&v4, &other));
	assert_false(addr_equal(&v4, &v6));
	assert_false(addr_equal(&v4, &port));
	assert_true(addr_equal_host(&v4, &port));
	assert_true(addr_is_any(&any4) && addr_is_any(&any6) && addr_is_any(&mapped_any));
	assert_false(addr_is_any(&v4) || addr_is_any(&v6));
	addr_set_port(&v6, 77);
	assert_int_equal(addr_port(&v6), 77);
}

static void networks(void **state)
{
	static const struct {
		const char *net, *host;
		bool holds;
	} cases[] = {
		{"10.0.0.0/8", "10.255.1.2", true},
		{"10.0.0.0/8", "11.0.0.0", false},
		{"10.1.2.3/8", "10.9.9.9", true}, /* host bits do not count */
		{"192.0.2.7", "192.0.2.7", true},
		{"192.0.2.7", "192.0.2.6", false},
		{"192.0.2.128/25", "192.0.2.127", false},
		{"192.0.2.128/25", "192.0.2.129", true},
		{"0.0.0.0/0", "8.8.8.8", true},
		{"0.0.0.0/0", "2001:db8::1", false},
		{"::/0", "2001:db8::1", true},
		{"2001:db8::/32", "2001:db8:ffff::1", true},
		{"2001:db8::/33", "2001:db8:8000::1", false},
		{"2001:db8::1", "2001:db8::1", true},
		{"10.0.0.0/8", "::ffff:10.1.1.1", true},
		{"::ffff:10.0.0.0/104", "10.1.1.1", true},
		{"::ffff:10.0.0.0/104", "11.1.1.1", false},
	};
	static const char *const bad[] = {"10.0.0.0/33", "10.0.0.0/", "10.0.0.0/-1", "10.0.0/8", "2001:db8::/129",
		"example.com", "", "/8", "::ffff:10.0.0.0/95"};
	struct addr none = {0};
	struct addr_net net;

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct addr a = make(cases[i].host, 0);
		assert_int_equal(addr_net_parse(cases[i].net, &net), 0);
		if (addr_net_holds(&net, &a) != cases[i].holds)
			fail_msg("%s holds %s", cases[i].net, cases[i].host);
		assert_false(addr_net_holds(&net, &none));
	}
	for (size_t i = 0; i < COUNT(bad); i++)
		if (addr_net_parse(bad[i], &net) != -EINVAL)
			fail_msg("%s", bad[i]);
	assert_int_equal(addr_net_parse(NULL, &net), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parses_and_formats),
		cmocka_unit_test(no_address),
		cmocka_unit_test(from_sockaddr),
		cmocka_unit_test(equality_sees_through_mapped),
		cmocka_unit_test(networks),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
