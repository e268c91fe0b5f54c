/* The packet path of the EVP back end allocates nothing, neither here nor inside OpenSSL; and a session that finds no
 * memory says so. */
#include "media/srtp/srtp.h"
#include "tests/support/oom.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static unsigned openssl_allocations;
static bool openssl_may_fail; /* does oom_fail_nth() reach OpenSSL's allocations? */

void *__real_malloc(size_t n); /* past the hook of test_oom */
void *__real_realloc(void *p, size_t n);

static void *count_malloc(size_t n, const char *file, int line)
{
	(void)file;
	(void)line;
	openssl_allocations++;
	return openssl_may_fail ? malloc(n) : __real_malloc(n);
}

static void *count_realloc(void *p, size_t n, const char *file, int line)
{
	(void)file;
	(void)line;
	openssl_allocations++;
	return openssl_may_fail ? realloc(p, n) : __real_realloc(p, n);
}

static void count_free(void *p, const char *file, int line)
{
	(void)file;
	(void)line;
	free(p);
}

static int exchange(struct srtp_session *s, uint16_t seq)
{
	uint8_t rtp[128] = {0x80, 111, (uint8_t)(seq >> 8), (uint8_t)seq}, rtcp[128] = {0x80, 200, 0, 6};
	size_t n;

	if (srtp_session_protect_rtp(s, rtp, 72, sizeof(rtp), &n) < 0 ||
		srtp_session_unprotect_rtp(s, rtp, n, &n) < 0 || n != 72)
		return -1;
	if (srtp_session_protect_rtcp(s, rtcp, 28, sizeof(rtcp), &n) < 0 ||
		srtp_session_unprotect_rtcp(s, rtcp, n, &n) < 0 || n != 28)
		return -1;
	return 0;
}

static void packets_allocate_nothing(void **state)
{
	static const enum srtp_profile profiles[] = {SRTP_PROFILE_AES128_CM_SHA1_80, SRTP_PROFILE_AEAD_AES_128_GCM};

	(void)state;
	for (size_t p = 0; p < 2; p++) {
		struct srtp_conf conf = {.profile = profiles[p]};
		struct srtp_session *s;
		unsigned before;
		int failed = 0;

		assert_int_equal(srtp_session_new(&conf, &s), 0);
		assert_true(openssl_allocations > 0); /* the hook works */
		before = openssl_allocations;
		oom_fail_nth(1);
		for (uint16_t seq = 0; seq < 1000; seq++)
			failed |= exchange(s, seq); /* from the very first packet on */
		assert_false(oom_off());
		assert_int_equal(failed, 0);
		/* four packets a round; HMAC-SHA1 copies its state twice each */
		assert_true(openssl_allocations - before <=
			    (profiles[p] == SRTP_PROFILE_AEAD_AES_128_GCM ? 0u : 8 * 1000u));
		srtp_session_free(s);
	}
}

static void out_of_memory(void **state)
{
	(void)state;
	for (enum srtp_backend b = SRTP_BACKEND_EVP; b <= SRTP_BACKEND_LIBSRTP; b++)
		for (unsigned n = 1; oom_next(n); n++) {
			struct srtp_conf conf = {.profile = SRTP_PROFILE_AES128_CM_SHA1_80, .backend = b};
			struct srtp_session *s = NULL;
			int r;

			openssl_may_fail = true;
			r = srtp_session_new(&conf, &s);
			openssl_may_fail = false;
			if (oom_off()) /* OpenSSL may also carry on, without a cached thing */
				assert_true(r == -ENOMEM || r == -EIO || r == 0);
			else
				assert_int_equal(r, 0);
			srtp_session_free(s);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(packets_allocate_nothing),
		cmocka_unit_test(out_of_memory),
	};
	if (CRYPTO_set_mem_functions(count_malloc, count_realloc, count_free) != 1)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
