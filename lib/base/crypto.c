/* lib/base/crypto.c
 *
 * A digest that cannot be computed (out of memory inside OpenSSL) ends the process: no value we could return in its
 * place is safe to compare with what a peer sent.
 */
#include "lib/base/crypto.h"

#include "lib/base/assert.h"

#include <errno.h>
#include <limits.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

static void hmac(
	const EVP_MD *md, const void *key, size_t key_length, const void *data, size_t length, uint8_t *ret_mac)
{
	ASSERT(key_length <= INT_MAX);
	/* An empty key is a key; NULL would ask HMAC() to reuse one. */
	ASSERT(HMAC(md, key ? key : "", (int)key_length, data, length, ret_mac, NULL));
}

void crypto_hmac_sha256(const void *key, size_t key_length, const void *data, size_t length, uint8_t ret_mac[32])
{
	hmac(EVP_sha256(), key, key_length, data, length, ret_mac);
}

void crypto_hmac_sha1(const void *key, size_t key_length, const void *data, size_t length, uint8_t ret_mac[20])
{
	hmac(EVP_sha1(), key, key_length, data, length, ret_mac);
}

void crypto_sha256(const void *data, size_t length, uint8_t ret_digest[32])
{
	ASSERT(EVP_Digest(data, length, ret_digest, NULL, EVP_sha256(), NULL) == 1);
}

void crypto_random(void *dst, size_t length)
{
	uint8_t *at = dst;

	while (length) {
		int n = length > INT_MAX ? INT_MAX : (int)length;
		ASSERT(RAND_bytes(at, n) == 1);
		at += n;
		length -= (size_t)n;
	}
}

uint32_t crypto_random_u32(void)
{
	uint32_t v;
	crypto_random(&v, sizeof(v));
	return v;
}

uint64_t crypto_random_u64(void)
{
	uint64_t v;
	crypto_random(&v, sizeof(v));
	return v;
}

static const char alphabet[65] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void crypto_random_text(char *dst, size_t length)
{
	crypto_random(dst, length);
	for (size_t i = 0; i < length; i++)
		dst[i] = alphabet[(uint8_t)dst[i] & 63]; /* 64 characters: no bias */
	dst[length] = '\0';
}

void crypto_random_hex(char *dst, size_t length)
{
	crypto_random(dst, length);
	for (size_t i = 0; i < length; i++)
		dst[i] = "0123456789abcdef"[(uint8_t)dst[i] & 15];
	dst[length] = '\0';
}

bool crypto_equal(const void *a, const void *b, size_t length)
{
	return length == 0 || CRYPTO_memcmp(a, b, length) == 0;
}

void crypto_wipe(void *secret, size_t length)
{
	if (secret && length)
		OPENSSL_cleanse(secret, length);
}

void crypto_base64(char *dst, const void *data, size_t length)
{
	const uint8_t *p = data;

	for (; length >= 3; length -= 3, p += 3) {
		*dst++ = alphabet[p[0] >> 2];
		*dst++ = alphabet[(p[0] & 3) << 4 | p[1] >> 4];
		*dst++ = alphabet[(p[1] & 15) << 2 | p[2] >> 6];
		*dst++ = alphabet[p[2] & 63];
	}
	if (length) {
		*dst++ = alphabet[p[0] >> 2];
		*dst++ = alphabet[(p[0] & 3) << 4 | (length == 2 ? p[1] >> 4 : 0)];
		*dst++ = length == 2 ? alphabet[(p[1] & 15) << 2] : '=';
		*dst++ = '=';
	}
	*dst = '\0';
}

static int sextet(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* Strict, as RFC 4648 s3 asks of security uses (EVP_DecodeBlock is not): no other characters, whole groups, pad bits
 * zero. */
int crypto_unbase64(const char *text, size_t text_length, uint8_t *dst, size_t cap)
{
	size_t pads = 0, bytes, out = 0;

	if (text_length % 4 || text_length / 4 * 3 > INT_MAX)
		return -EINVAL;
	while (pads < 2 && pads < text_length && text[text_length - 1 - pads] == '=')
		pads++;
	bytes = text_length / 4 * 3 - pads;
	if (bytes > cap)
		return -ENOBUFS;
	for (size_t i = 0; i < text_length; i += 4) {
		size_t count = i + 4 == text_length ? 4 - pads : 4;
		uint32_t group = 0;
		for (size_t k = 0; k < 4; k++) {
			int v = k < count ? sextet(text[i + k]) : 0;
			if (v < 0)
				return -EINVAL;
			group = group << 6 | (uint32_t)v;
		}
		if ((count == 3 && (group & 0xff)) || (count == 2 && (group & 0xffff)))
			return -EINVAL;
		for (size_t k = 0; k + 1 < count; k++)
			dst[out++] = (uint8_t)(group >> (16 - 8 * k));
	}
	return (int)out;
}
