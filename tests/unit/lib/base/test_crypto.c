/* tests/unit/lib/base/test_crypto.c */
#include "lib/base/crypto.h"

#include "lib/base/str.h"

#include <ctype.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static void assert_hex(const uint8_t *bytes, size_t length, const char *expected)
{
	char text[2 * 64 + 1];
	str_hex(text, bytes, length);
	assert_string_equal(text, expected);
}

static void digests(void **state)
{
	uint8_t key[131], out[32];

	(void)state;
	/* FIPS 180-4 examples */
	crypto_sha256("abc", 3, out);
	assert_hex(out, 32, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	crypto_sha256("", 0, out);
	assert_hex(out, 32, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
	/* RFC 4231 s4.2, s4.3, s4.7 */
	memset(key, 0x0b, 20);
	crypto_hmac_sha256(key, 20, "Hi There", 8, out);
	assert_hex(out, 32, "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
	crypto_hmac_sha256("Jefe", 4, "what do ya want for nothing?", 28, out);
	assert_hex(out, 32, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
	memset(key, 0xaa, sizeof(key));
	crypto_hmac_sha256(key, sizeof(key), "Test Using Larger Than Block-Size Key - Hash Key First", 54, out);
	assert_hex(out, 32, "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
	/* RFC 2202 s3 */
	memset(key, 0x0b, 20);
	crypto_hmac_sha1(key, 20, "Hi There", 8, out);
	assert_hex(out, 20, "b617318655057264e28bc0b6fb378c8ef146be00");
	/* empty key and text */
	crypto_hmac_sha256(NULL, 0, "", 0, out);
	assert_hex(out, 32, "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
}

static void random_is_not_constant(void **state)
{
	uint8_t a[32] = {0}, b[32] = {0};
	char text[33];

	(void)state;
	crypto_random(a, sizeof(a));
	crypto_random(b, sizeof(b));
	assert_memory_not_equal(a, b, sizeof(a));
	crypto_random(a, 0);
	assert_true(crypto_random_u64() != crypto_random_u64());
	assert_true(crypto_random_u32() != crypto_random_u32() || crypto_random_u32() != crypto_random_u32());
	text[32] = 'x';
	crypto_random_text(text, 32);
	assert_int_equal(strlen(text), 32);
	for (size_t i = 0; i < 32; i++)
		assert_true(isalnum((unsigned char)text[i]) || text[i] == '+' || text[i] == '/');
	crypto_random_text(text, 0);
	assert_string_equal(text, "");
	text[32] = 'x';
	crypto_random_hex(text, 32);
	assert_int_equal(strspn(text, "0123456789abcdef"), 32);
	assert_int_equal(strlen(text), 32);
}

static void compares_and_wipes(void **state)
{
	char secret[] = "secret";

	(void)state;
	assert_true(crypto_equal("abc", "abc", 3));
	assert_false(crypto_equal("abc", "abd", 3));
	assert_true(crypto_equal("abc", "abd", 2));
	assert_true(crypto_equal(NULL, NULL, 0));
	crypto_wipe(secret, sizeof(secret));
	assert_memory_equal(secret, "\0\0\0\0\0\0", 7);
	crypto_wipe(NULL, 0);
}

static void base64_both_ways(void **state)
{
	/* RFC 4648 s10 */
	static const struct {
		const char *plain, *text;
	} cases[] = {{"", ""}, {"f", "Zg=="}, {"fo", "Zm8="}, {"foo", "Zm9v"}, {"foob", "Zm9vYg=="},
		{"fooba", "Zm9vYmE="}, {"foobar", "Zm9vYmFy"}, {"\xff\xfe\xfb", "//77"}, {"\x3e\x80\xbe", "PoC+"}};
	static const char *const bad[] = {
		"Z", "Zg", "Zg=", "Zg=a", "Z===", "====", "Zm9v\n", "Zm9 ", "Zm-_", "Zh==", "Zm9=", "Zg==Zg=="};
	char text[16];
	uint8_t plain[16];

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		size_t length = strlen(cases[i].plain);
		crypto_base64(text, cases[i].plain, length);
		assert_string_equal(text, cases[i].text);
		assert_int_equal(crypto_unbase64(text, strlen(text), plain, length), length);
		assert_memory_equal(plain, cases[i].plain, length);
		if (length)
			assert_int_equal(crypto_unbase64(text, strlen(text), plain, length - 1), -ENOBUFS);
	}
	for (size_t i = 0; i < COUNT(bad); i++)
		if (crypto_unbase64(bad[i], strlen(bad[i]), plain, sizeof(plain)) != -EINVAL)
			fail_msg("%s", bad[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(digests),
		cmocka_unit_test(random_is_not_constant),
		cmocka_unit_test(compares_and_wipes),
		cmocka_unit_test(base64_both_ways),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
