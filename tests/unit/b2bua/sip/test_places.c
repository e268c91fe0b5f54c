/* The places of a name: their order, and the URL that one is reached by. */
#include "b2bua/sip/places.h"

#include <errno.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static uint32_t given(void *arg)
{
	return *(uint32_t *)arg;
}

/* The digits are ports, first tried first. */
static void test_order(void **state)
{
	(void)state;
	static const struct {
		uint32_t random;
		struct {
			uint16_t port, priority, weight;
		} in[4];
		const char *out;
	} rows[] = {
		{0, {{1, 10, 0}}, "1"},
		{0, {{1, 20, 0}, {2, 10, 0}}, "21"},
		{0, {{1, 30, 9}, {2, 20, 9}, {3, 10, 9}, {4, 0, 0}}, "4321"},
		/* by weight: 0-2 is the first, 3-9 the second */
		{2, {{1, 10, 3}, {2, 10, 7}}, "12"},
		{3, {{1, 10, 3}, {2, 10, 7}}, "21"},
		{9, {{1, 10, 3}, {2, 10, 7}}, "21"},
		{10, {{1, 10, 3}, {2, 10, 7}}, "12"},
		/* weight 0 after others, however the draw falls */
		{0, {{1, 10, 0}, {2, 10, 5}}, "21"},
		{4, {{1, 10, 0}, {2, 10, 5}}, "21"},
		{1, {{1, 10, 0}, {2, 10, 0}}, "21"},
		/* another priority takes no part */
		{5, {{1, 10, 5}, {2, 20, 100}, {3, 10, 5}}, "312"},
		{UINT32_MAX, {{1, 10, 65535}, {2, 10, 65535}, {3, 10, 65535}, {4, 10, 65535}}, ""},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct place places[4] = {0};
		char got[5] = "";
		size_t n = 0, seen = 0;
		uint32_t random = rows[i].random;

		for (; n < 4 && rows[i].in[n].port; n++) {
			assert_int_equal(addr_set(&places[n].addr, "192.0.2.1", rows[i].in[n].port), 0);
			places[n].priority = rows[i].in[n].priority;
			places[n].weight = rows[i].in[n].weight;
		}
		places_order(places, n, given, &random);
		for (size_t k = 0; k < n; k++) {
			got[k] = (char)('0' + addr_port(&places[k].addr));
			seen |= 1u << addr_port(&places[k].addr);
		}
		if (*rows[i].out)
			assert_string_equal(got, rows[i].out);
		assert_int_equal(seen, ((1u << n) - 1) << 1);
	}
}

static void test_url(void **state)
{
	(void)state;
	struct place place = {.transport = SIP_TLS};
	char url[128], small[20];

	assert_int_equal(addr_set(&place.addr, "192.0.2.7", 5061), 0);
	assert_int_equal(place_url(url, sizeof(url), &place, "pbx.example"), 0);
	assert_string_equal(url, "sip:pbx.example:5061;maddr=192.0.2.7;transport=tls");
	assert_int_equal(addr_set(&place.addr, "2001:db8::7", 5060), 0);
	place.transport = SIP_UDP;
	assert_int_equal(place_url(url, sizeof(url), &place, "pbx.example"), 0);
	assert_string_equal(url, "sip:pbx.example:5060;maddr=[2001:db8::7];transport=udp");
	assert_int_equal(place_url(small, sizeof(small), &place, "pbx.example"), -ENAMETOOLONG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_url),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
