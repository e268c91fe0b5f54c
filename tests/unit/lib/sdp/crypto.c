/* Keys in session descriptions. */
#include "tests/unit/lib/sdp/sdp_tests.h"

#include <errno.h>
#include <string.h>

static void keys_read_and_written(void **state)
{
	struct sdp_audio s = {0};
	uint8_t key[30], back[30];

	(void)state;
	for (size_t i = 0; i < sizeof(key); i++)
		key[i] = (uint8_t)(i * 37);
	assert_int_equal(sdp_add_crypto(&s, 7, "AES_CM_128_HMAC_SHA1_80", key, sizeof(key)), 0);
	assert_int_equal(s.crypto_count, 1);
	assert_int_equal(s.crypto[0].tag, 7);
	assert_int_equal(strlen(s.crypto[0].inline_key), 40);
	assert_int_equal(sdp_crypto_key(&s.crypto[0], back, sizeof(back)), 0);
	assert_memory_equal(key, back, sizeof(key));
	assert_int_equal(sdp_crypto_key(&s.crypto[0], back, 29), -EBADMSG);
	strcpy(s.crypto[0].inline_key, "not base64 at all, and forty characters!");
	assert_int_equal(sdp_crypto_key(&s.crypto[0], back, sizeof(back)), -EBADMSG);
	while (s.crypto_count < SDP_CRYPTO_MAX)
		assert_int_equal(sdp_add_crypto(&s, 1, "X", key, sizeof(key)), 0);
	assert_int_equal(sdp_add_crypto(&s, 1, "X", key, sizeof(key)), -ENOSPC);
	assert_int_equal(sdp_add_crypto(&s, 1, "A_SUITE_WHOSE_NAME_IS_LONGER_THAN_ANY_OF_THEM", key, 30), -EINVAL);
}

static void redaction(void **state)
{
	static const struct {
		const char *text, *wanted;
	} rows[] = {
		{"", ""},
		{"v=0\r\na=sendrecv\r\n", "v=0\r\na=sendrecv\r\n"},
		{"a=crypto:1 S inline:QUJDREVG\r\na=x\r\n", "a=crypto:1 S inline:x\r\na=x\r\n"},
		{"a=crypto:1 S inline:QUJD|2^31|1:4\r\n", "a=crypto:1 S inline:x|2^31|1:4\r\n"},
		{"a=crypto:1 S INLINE:QUJD|1:4;inline:REVG|2:4 WSH=64\n",
			"a=crypto:1 S INLINE:x|1:4;inline:x|2:4 WSH=64\n"},
		{"a=crypto:1 S inline:\r\n", "a=crypto:1 S inline:\r\n"},
		{"a=crypto:1 S inline:Q", "a=crypto:1 S inline:x"},
		{"inline:inline:KEY", "inline:x"},
		{"inlin", "inlin"},
	};
	char text[200];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		strcpy(text, rows[i].text);
		sdp_redact_keys(text);
		assert_string_equal(text, rows[i].wanted);
	}
}

/* The suites everybody has stand behind those few have. */
static void long_lists(void **state)
{
	struct sdp_audio s = parsed("v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n"
				    "m=audio 4000 RTP/SAVP 0\r\n"
				    "a=crypto:1 AEAD_AES_256_GCM_8 inline:AAAA\r\n"
				    "a=crypto:2 AEAD_AES_256_GCM inline:AAAA\r\n"
				    "a=crypto:3 AEAD_AES_128_GCM_8 inline:AAAA\r\n"
				    "a=crypto:4 AEAD_AES_128_GCM inline:AAAA\r\n"
				    "a=crypto:5 AES_256_CM_HMAC_SHA1_80 inline:AAAA\r\n"
				    "a=crypto:6 AES_192_CM_HMAC_SHA1_80 inline:AAAA\r\n"
				    "a=crypto:7 AES_CM_128_HMAC_SHA1_80 inline:AAAA\r\n");

	(void)state;
	assert_int_equal(s.crypto_count, 7);
	assert_string_equal(s.crypto[6].suite, "AES_CM_128_HMAC_SHA1_80");
}

static void wiping(void **state)
{
	char secret[] = "secret";

	(void)state;
	sdp_wipe(secret, sizeof(secret));
	for (size_t i = 0; i < sizeof(secret); i++)
		assert_int_equal(secret[i], 0);
}

int sdp_tests_crypto(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keys_read_and_written),
		cmocka_unit_test(redaction),
		cmocka_unit_test(long_lists),
		cmocka_unit_test(wiping),
	};
	return cmocka_run_group_tests_name("sdp crypto", tests, NULL, NULL);
}
