/* SRTP: the RFC's vectors, the replay window, and every refusal, on both back ends. */
#include "lib/base/str.h"
#include "media/srtp/srtp.h"
#include "media/srtp/srtp_key.h"
#include "media/srtp/srtp_window.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <string.h>
#include <cmocka.h>

static size_t unhex(const char *text, uint8_t *dst, size_t cap)
{
	int n = str_unhex(text, dst, cap);
	assert_true(n >= 0);
	return (size_t)n;
}

static struct srtp_conf conf_of(enum srtp_profile profile, enum srtp_backend backend)
{
	struct srtp_conf conf = {.profile = profile, .backend = backend};

	if (profile == SRTP_PROFILE_AEAD_AES_128_GCM) { /* the key of libsrtp's own GCM vector */
		unhex("000102030405060708090a0b0c0d0e0f", conf.tx.key, sizeof(conf.tx.key));
		unhex("a0a1a2a3a4a5a6a7a8a9aaab", conf.tx.salt, sizeof(conf.tx.salt));
	} else { /* RFC 3711 B.3 */
		unhex("e1f97a0d3e018be0d64fa32c06de4139", conf.tx.key, sizeof(conf.tx.key));
		unhex("0ec675ad498afeebb6960b3aabe6", conf.tx.salt, sizeof(conf.tx.salt));
	}
	conf.rx = conf.tx; /* what one sends, the other end of the same key receives */
	return conf;
}

/* RFC 3711 B.3 */
static void key_derivation_vectors(void **state)
{
	static const struct {
		unsigned label;
		const char *hex;
	} want[] = {
		{SRTP_LABEL_CIPHER, "c61e7a93744f39ee10734afe3ff7a087"},
		{SRTP_LABEL_SALT, "30cbbc08863d8c85d49db34a9ae1"},
		{SRTP_LABEL_AUTH,
			"cebe321f6ff7716b6fd4ab49af256a156d38baa48f0a0acf3c34e2359e6cdbcee049646c43d9327ad175578ef72270"
			"98"
			"6371c10c9a369ac2f94a8c5fbcdddc256d6e919a48b610ef17c2041e474035766b68642c59bbfc2f34db60dbdfb2"},
	};
	struct srtp_conf conf = conf_of(SRTP_PROFILE_AES128_CM_SHA1_80, SRTP_BACKEND_EVP);
	uint8_t expected[SRTP_KEY_MAX], got[SRTP_KEY_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
		size_t n = unhex(want[i].hex, expected, sizeof(expected));
		assert_int_equal(srtp_key_derive(&conf.tx, want[i].label, got, n), 0);
		assert_memory_equal(got, expected, n);
	}
	assert_int_equal(srtp_key_derive(&conf.tx, 0, got, SRTP_KEY_MAX + 1), -EINVAL);
}

/* Whole packets under known keys, as published with libsrtp (test/srtp_driver.c). */
static const struct {
	enum srtp_profile profile;
	bool rtcp;
	const char *plain, *sealed;
} packets[] = {
	{SRTP_PROFILE_AES128_CM_SHA1_80, false, "800f1234decafbadcafebabeabababababababababababababababab",
		"800f1234decafbadcafebabe4e55dc4ce79978d88ca4d215949d2402b78d6acc99ea179b8dbb"},
	{SRTP_PROFILE_AES128_CM_SHA1_80, true, "81c8000bcafebabeabababababababababababababababab",
		"81c8000bcafebabe7128035be487b9bdbef89041f977a5a880000001993e08cd54d6c1230798"},
	{SRTP_PROFILE_AEAD_AES_128_GCM, false, "800f1234decafbadcafebabeabababababababababababababababab",
		"800f1234decafbadcafebabec5002ede04cfdd2eb91159e0880aa06ed2976826f796b201df3131a127e8a392"},
	{SRTP_PROFILE_AEAD_AES_128_GCM, true, "81c8000bcafebabeabababababababababababababababab",
		"81c8000bcafebabec98b8b5df0392a55852b6c21ac8e7025c52c6fbea2b3b446ea31123ba88ce61e80000001"},
};

static int protect(struct srtp_session *s, bool rtcp, uint8_t *b, size_t n, size_t cap, size_t *ret)
{
	return rtcp ? srtp_session_protect_rtcp(s, b, n, cap, ret) : srtp_session_protect_rtp(s, b, n, cap, ret);
}

static int unprotect(struct srtp_session *s, bool rtcp, uint8_t *b, size_t n, size_t *ret)
{
	return rtcp ? srtp_session_unprotect_rtcp(s, b, n, ret) : srtp_session_unprotect_rtp(s, b, n, ret);
}

static void known_packets(void **state)
{
	uint8_t b[128], sealed[128], plain[128];

	(void)state;
	for (size_t i = 0; i < sizeof(packets) / sizeof(packets[0]); i++)
		for (enum srtp_backend backend = SRTP_BACKEND_EVP; backend <= SRTP_BACKEND_LIBSRTP; backend++) {
			struct srtp_conf conf = conf_of(packets[i].profile, backend);
			struct srtp_session *s;
			size_t n = unhex(packets[i].plain, plain, sizeof(plain)),
			       m = unhex(packets[i].sealed, sealed, sizeof(sealed)), got;

			assert_int_equal(srtp_session_new(&conf, &s), 0);
			memcpy(b, plain, n);
			assert_int_equal(protect(s, packets[i].rtcp, b, n, m, &got), 0);
			assert_int_equal(got, m);
			assert_memory_equal(b, sealed, m);
			assert_int_equal(unprotect(s, packets[i].rtcp, b, m, &got), 0);
			assert_int_equal(got, n);
			assert_memory_equal(b, plain, n);
			s = srtp_session_free(s);
			assert_null(s);
		}
}

/* seq arrives; what the window makes of it. One stream from the first packet on. */
static void window_over_rollover(void **state)
{
	static const struct {
		uint16_t seq;
		uint64_t index;
		int check;
	} rows[] = {
		{65000, 65000, 0},
		{65000, 65000, -EALREADY},
		{65535, 65535, 0},
		{65530, 65530, 0},       /* late */
		{65400, 65400, -ESTALE}, /* 135 behind */
		{65408, 65408, 0},       /* 127 behind: the last that the window holds */
		{65407, 65407, -ESTALE},
		{0, 65536, 0},     /* rolled over */
		{65534, 65534, 0}, /* late, from before the roll-over */
		{65534, 65534, -EALREADY},
		{2, 65538, 0},
		{1, 65537, 0},
		{70, 65606, 0},
		{65535, 65535, -EALREADY},
		{30000, 95536, 0},
		{60000, 125536, 0},
		{20, 131092, 0},
		{60001, 125537, -ESTALE},
		{20, 131092, -EALREADY},
		{148, 131220, 0}, /* exactly one window further: all older bits fall out but none is misread */
		{21, 131093, 0},
		{20, 131092, -ESTALE},
	};
	struct srtp_window w = {0};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(srtp_window_guess(&w, rows[i].seq), rows[i].index);
		assert_int_equal(srtp_window_check(&w, rows[i].index), rows[i].check);
		if (rows[i].check == 0)
			srtp_window_add(&w, rows[i].index);
	}
}

static size_t make_rtp(uint8_t *b, uint16_t seq, uint32_t ssrc)
{
	memset(b, 0, 12);
	b[0] = 0x80;
	b[1] = 111;
	b[2] = (uint8_t)(seq >> 8);
	b[3] = (uint8_t)seq;
	for (int i = 0; i < 4; i++)
		b[8 + i] = (uint8_t)(ssrc >> (24 - 8 * i));
	memset(b + 12, 0x5a, 40);
	return 52;
}

static size_t make_rtcp(uint8_t *b, uint32_t ssrc)
{
	memset(b, 0, 28);
	b[0] = 0x80;
	b[1] = 200;
	b[3] = 6;
	for (int i = 0; i < 4; i++)
		b[4 + i] = (uint8_t)(ssrc >> (24 - 8 * i));
	return 28;
}

static void refusals(void **state)
{
	static const enum srtp_profile profiles[] = {
		SRTP_PROFILE_AES128_CM_SHA1_80, SRTP_PROFILE_AES128_CM_SHA1_32, SRTP_PROFILE_AEAD_AES_128_GCM};
	uint8_t b[128], copy[128];
	size_t n, m, got;

	(void)state;
	for (size_t p = 0; p < 3; p++)
		for (enum srtp_backend backend = SRTP_BACKEND_EVP; backend <= SRTP_BACKEND_LIBSRTP; backend++) {
			struct srtp_conf conf = conf_of(profiles[p], backend);
			struct srtp_session *s;

			assert_int_equal(srtp_session_new(&conf, &s), 0);
			/* sending: not RTP, no room, the same sequence number twice */
			n = make_rtp(b, 1000, 7);
			assert_int_equal(srtp_session_protect_rtp(s, b, 11, sizeof(b), &m), -EINVAL);
			assert_int_equal(srtp_session_protect_rtp(s, b, n, n, &m), -ENOBUFS);
			assert_int_equal(srtp_session_protect_rtcp(s, b, 7, sizeof(b), &m), -EINVAL);
			assert_int_equal(srtp_session_protect_rtp(s, b, n, sizeof(b), &m), 0);
			memcpy(copy, b, m);
			make_rtp(b, 1000, 7);
			assert_int_equal(srtp_session_protect_rtp(s, b, n, sizeof(b), &got), -EALREADY);
			/* receiving: every flipped bit is noticed and changes nothing; then the real one passes, once
			 */
			for (size_t bit = 0; bit < 8 * m; bit += 5) {
				memcpy(b, copy, m);
				b[bit / 8] ^= (uint8_t)(1u << bit % 8);
				assert_int_not_equal(srtp_session_unprotect_rtp(s, b, m, &got), 0);
			}
			for (size_t cut = 0; cut < m; cut++) {
				memcpy(b, copy, m);
				assert_int_not_equal(srtp_session_unprotect_rtp(s, b, cut, &got), 0);
			}
			memcpy(b, copy, m);
			assert_int_equal(srtp_session_unprotect_rtp(s, b, m, &got), 0);
			assert_int_equal(got, n);
			memcpy(b, copy, m);
			assert_int_equal(srtp_session_unprotect_rtp(s, b, m, &got), -EALREADY);
			s = srtp_session_free(s);
		}
}

static void rtcp_refusals(void **state)
{
	static const enum srtp_profile profiles[] = {SRTP_PROFILE_AES128_CM_SHA1_80, SRTP_PROFILE_AEAD_AES_128_GCM};
	uint8_t b[128], first[128];
	size_t n, m, got;

	(void)state;
	for (size_t p = 0; p < 2; p++)
		for (enum srtp_backend backend = SRTP_BACKEND_EVP; backend <= SRTP_BACKEND_LIBSRTP; backend++) {
			struct srtp_conf conf = conf_of(profiles[p], backend);
			struct srtp_session *s;

			assert_int_equal(srtp_session_new(&conf, &s), 0);
			n = make_rtcp(b, 9);
			assert_int_equal(srtp_session_protect_rtcp(s, b, n, n + 10, &m), -ENOBUFS);
			assert_int_equal(srtp_session_protect_rtcp(s, b, n, sizeof(b), &m), 0);
			memcpy(first, b, m);
			/* E bit cleared: the index word stands before the tag with AES-CM, last with GCM */
			b[p == 0 ? n : m - 4] &= 0x7f;
			assert_int_equal(srtp_session_unprotect_rtcp(s, b, m, &got), -EPROTO);
			for (size_t cut = 0; cut < m; cut++) {
				memcpy(b, first, m);
				assert_int_not_equal(srtp_session_unprotect_rtcp(s, b, cut, &got), 0);
			}
			memcpy(b, first, m);
			b[9] ^= 1;
			assert_int_equal(srtp_session_unprotect_rtcp(s, b, m, &got), -EBADMSG);
			memcpy(b, first, m);
			assert_int_equal(srtp_session_unprotect_rtcp(s, b, m, &got), 0);
			memcpy(b, first, m);
			assert_int_equal(srtp_session_unprotect_rtcp(s, b, m, &got), -EALREADY);
			for (int i = 0; i < 200; i++) { /* the window moves on */
				make_rtcp(b, 9);
				assert_int_equal(srtp_session_protect_rtcp(s, b, n, sizeof(b), &got), 0);
				assert_int_equal(srtp_session_unprotect_rtcp(s, b, got, &got), 0);
			}
			memcpy(b, first, m);
			assert_int_equal(srtp_session_unprotect_rtcp(s, b, m, &got), -ESTALE);
			s = srtp_session_free(s);
		}
}

/* A forged SSRC must not use up a place; a fifth authentic one is refused. */
static void ssrcs_are_bounded(void **state)
{
	uint8_t b[128];
	size_t n, m;

	(void)state;
	for (enum srtp_backend backend = SRTP_BACKEND_EVP; backend <= SRTP_BACKEND_LIBSRTP; backend++) {
		struct srtp_conf conf = conf_of(SRTP_PROFILE_AES128_CM_SHA1_80, backend);
		struct srtp_session *tx, *tx2, *rx;

		assert_int_equal(srtp_session_new(&conf, &tx), 0);
		assert_int_equal(srtp_session_new(&conf, &tx2), 0);
		assert_int_equal(srtp_session_new(&conf, &rx), 0);
		for (uint32_t forged = 100; forged < 110; forged++) {
			n = make_rtp(b, 1, forged);
			assert_int_equal(srtp_session_unprotect_rtp(rx, b, n, &m), -EBADMSG);
		}
		for (uint32_t ssrc = 0; ssrc < SRTP_SSRC_MAX; ssrc++) {
			n = make_rtp(b, 1, ssrc);
			assert_int_equal(srtp_session_protect_rtp(tx, b, n, sizeof(b), &m), 0);
			assert_int_equal(srtp_session_unprotect_rtp(rx, b, m, &m), 0);
			assert_int_equal(m, n);
		}
		n = make_rtp(b, 1, 55);
		assert_int_equal(srtp_session_protect_rtp(tx, b, n, sizeof(b), &m), -ENOSPC);
		assert_int_equal(srtp_session_protect_rtp(tx2, b, n, sizeof(b), &m), 0);
		assert_int_equal(srtp_session_unprotect_rtp(rx, b, m, &m), -ENOSPC);
		n = make_rtcp(b, 55);
		assert_int_equal(srtp_session_protect_rtcp(tx, b, n, sizeof(b), &m), -ENOSPC);
		assert_int_equal(srtp_session_protect_rtcp(tx2, b, n, sizeof(b), &m), 0);
		assert_int_equal(srtp_session_unprotect_rtcp(rx, b, m, &m), -ENOSPC);
		srtp_session_free(tx);
		srtp_session_free(tx2);
		srtp_session_free(rx);
	}
}

/* CSRCs and a header extension stay in the clear; a length that points past the end is malformed. */
static void header_extension(void **state)
{
	uint8_t b[128], plain[128];
	size_t n = 12 + 8 + 4 + 8 + 20, m;

	(void)state;
	for (enum srtp_profile profile = SRTP_PROFILE_AES128_CM_SHA1_80;; profile = SRTP_PROFILE_AEAD_AES_128_GCM) {
		struct srtp_conf conf = conf_of(profile, SRTP_BACKEND_EVP),
				 other = conf_of(profile, SRTP_BACKEND_LIBSRTP);
		struct srtp_session *s, *rx;

		assert_int_equal(srtp_session_new(&conf, &s), 0);
		assert_int_equal(srtp_session_new(&other, &rx), 0);
		make_rtp(b, 5, 5);
		b[0] = 0x92; /* two CSRCs, extension */
		memset(b + 12, 0x11, 8);
		memcpy(b + 20, "\xbe\xde\x00\x02", 4);
		memcpy(plain, b, n);
		assert_int_equal(srtp_session_protect_rtp(s, b, n, sizeof(b), &m), 0);
		assert_memory_equal(b, plain, 32);
		assert_memory_not_equal(b + 32, plain + 32, 20);
		assert_int_equal(srtp_session_unprotect_rtp(rx, b, m, &m), 0);
		assert_int_equal(m, n);
		assert_memory_equal(b, plain, n);
		b[23] = 200;
		assert_int_equal(srtp_session_unprotect_rtp(s, b, n, &m), -EPROTO);
		assert_int_equal(srtp_session_protect_rtp(s, b, n, sizeof(b), &m), -EINVAL);
		srtp_session_free(s);
		srtp_session_free(rx);
		if (profile == SRTP_PROFILE_AEAD_AES_128_GCM)
			break;
	}
}

static void bad_conf(void **state)
{
	struct srtp_conf conf = conf_of(SRTP_PROFILE_AES128_CM_SHA1_80, SRTP_BACKEND_EVP);
	struct srtp_session *s;

	(void)state;
	conf.profile = SRTP_PROFILE_NONE;
	assert_int_equal(srtp_session_new(&conf, &s), -EINVAL);
	conf.profile = SRTP_PROFILE_AES128_CM_SHA1_80;
	conf.backend = (enum srtp_backend)7;
	assert_int_equal(srtp_session_new(&conf, &s), -EINVAL);
	assert_null(srtp_session_free(NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(key_derivation_vectors),
		cmocka_unit_test(known_packets),
		cmocka_unit_test(window_over_rollover),
		cmocka_unit_test(refusals),
		cmocka_unit_test(rtcp_refusals),
		cmocka_unit_test(ssrcs_are_bounded),
		cmocka_unit_test(header_extension),
		cmocka_unit_test(bad_conf),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
