/* The host of a SIP URI, as addresses. Names other than localhost would need somebody's DNS. */
#include "b2bua/app/resolve.h"

#include <errno.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static void test_hosts(void **state)
{
	(void)state;
	static const struct {
		const char *uri;
		int r;
		const char *host;
	} rows[] = {
		{"sip:192.0.2.10", 0, "192.0.2.10"},
		{"sip:192.0.2.10:5080", 0, "192.0.2.10"},
		{"sip:192.0.2.10;transport=tcp", 0, "192.0.2.10"},
		{"sip:192.0.2.10:5080;transport=udp", 0, "192.0.2.10"},
		{"sip:user@192.0.2.10:5080", 0, "192.0.2.10"},
		{"sip:+1202@192.0.2.10?x=y", 0, "192.0.2.10"},
		{"sip:[2001:db8::1]:5080", 0, "2001:db8::1"},
		{"sip:u@[::1];transport=tcp", 0, "::1"},
		{"", -EINVAL, NULL},
		{"sip:", -EINVAL, NULL},
		{"sip:@", -EINVAL, NULL},
		{"sip::5060", -EINVAL, NULL},
		{"sip:[]", -EINVAL, NULL},
		{"192.0.2.10", -EINVAL, NULL},
		{"tel:+12025550123", -EINVAL, NULL},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct addr addrs[4];
		char why[160] = "", host[ADDR_TEXT_MAX];
		size_t count = 99;

		assert_int_equal(resolve_sip_uri(rows[i].uri, addrs, 4, &count, why, sizeof(why)), rows[i].r);
		if (rows[i].r) {
			assert_int_equal(count, 99);
			assert_non_null(strstr(why, "is not a SIP URI"));
			continue;
		}
		assert_int_equal(count, 1);
		assert_string_equal(addr_host(&addrs[0], host, sizeof(host)), rows[i].host);
	}
}

static void test_names(void **state)
{
	(void)state;
	struct addr addrs[2];
	char why[160] = "", longest[400] = "sip:";
	size_t count = 0;

	assert_int_equal(resolve_sip_uri("sip:localhost:5060", addrs, 2, &count, why, sizeof(why)), 0);
	assert_true(count >= 1 && count <= 2);
	assert_int_equal(resolve_sip_uri("sip:no..host:5060", addrs, 2, &count, why, sizeof(why)), -EHOSTUNREACH);
	assert_non_null(strstr(why, "host no..host cannot be resolved"));
	memset(longest + 4, 'a', 300);
	assert_true(resolve_sip_uri(longest, addrs, 2, &count, why, sizeof(why)) < 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hosts),
		cmocka_unit_test(test_names),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
