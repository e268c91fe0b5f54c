/* Digits in INFO bodies. */
#include "b2bua/sip/info.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static const char relay[] = "application/dtmf-relay", plain[] = "application/dtmf";

static void test_bodies(void **state)
{
	static const struct {
		const char *type, *body;
		char digit; /* 0: refused */
		unsigned ms;
	} rows[] = {
		{relay, "Signal=5\r\nDuration=160\r\n", '5', 160},
		{relay, "Signal= 5 \r\n Duration = 100", '5', 100},
		{relay, "signal=#\nDURATION=99999\n", '#', INFO_DTMF_MS_MAX},
		{relay, "Signal=*", '*', INFO_DTMF_MS},
		{relay, "Signal=10\r\n", '*', INFO_DTMF_MS},
		{relay, "Signal=11\r\n", '#', INFO_DTMF_MS},
		{relay, "Signal=15\r\n", 'D', INFO_DTMF_MS},
		{relay, "\r\nDuration=90\r\nX=y\r\nSignal=d\r\n", 'D', 90},
		{"Application/DTMF-Relay", "Signal=0", '0', INFO_DTMF_MS},
		{plain, "7", '7', INFO_DTMF_MS},
		{plain, " b\r\n", 'B', INFO_DTMF_MS},
		{plain, "11", '#', INFO_DTMF_MS},
		{relay, "", 0, 0},
		{relay, "Signal=", 0, 0},
		{relay, "Signal=16", 0, 0},
		{relay, "Signal=e", 0, 0},
		{relay, "Signal=12345", 0, 0},
		{relay, "Signal", 0, 0},
		{relay, "=5", 0, 0},
		{relay, "Duration=100", 0, 0},
		{relay, "Signal=1\nDuration=0", 0, 0},
		{relay, "Signal=1\nDuration=x", 0, 0},
		{relay, "Signal=1\nDuration=99999999999999999999", 0, 0},
		{relay, "Signal=1\nDuration=", 0, 0},
		{plain, "", 0, 0},
		{plain, "  ", 0, 0},
		{plain, "5 6", 0, 0},
		{plain, "Signal=5", 0, 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char digit = 0;
		unsigned ms = 0;
		int r = info_dtmf(rows[i].type, rows[i].body, strlen(rows[i].body), &digit, &ms);
		if (r != (rows[i].digit ? 0 : -EINVAL) || digit != rows[i].digit || ms != rows[i].ms)
			fail_msg("row %zu: %d %d %u", i, r, digit, ms);
	}
}

static void test_edges(void **state)
{
	char big[400], digit;
	unsigned ms;

	(void)state;
	memset(big, '5', sizeof(big));
	assert_int_equal(info_dtmf(plain, big, sizeof(big), &digit, &ms), -EINVAL);
	assert_int_equal(info_dtmf(plain, "5\0", 2, &digit, &ms), -EINVAL);
	assert_int_equal(info_dtmf(plain, big, 1, &digit, &ms), 0); /* not terminated */
	assert_int_equal(info_dtmf(relay, "Signal=12", 8, &digit, &ms), 0);
	assert_int_equal(digit, '1');
	assert_true(info_is_dtmf(relay));
	assert_true(info_is_dtmf("APPLICATION/DTMF"));
	assert_false(info_is_dtmf("application/dtmf-relays"));
	assert_false(info_is_dtmf(NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_bodies), cmocka_unit_test(test_edges)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
