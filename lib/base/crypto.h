/* lib/base/crypto.h
 *
 * The few primitives that need a library (OpenSSL): digests, random, constant-time comparison, base64. Any thread.
 */
#ifndef LIB_BASE_CRYPTO_H
#define LIB_BASE_CRYPTO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

void crypto_hmac_sha256(const void *key, size_t key_length, const void *data, size_t length, uint8_t ret_mac[32]);
void crypto_hmac_sha1(const void *key, size_t key_length, const void *data, size_t length, uint8_t ret_mac[20]);
void crypto_sha256(const void *data, size_t length, uint8_t ret_digest[32]);
/* Cryptographic random bytes; aborts the process if the system has none (there is nothing safe left to do). */
void crypto_random(void *dst, size_t length);
uint32_t crypto_random_u32(void);
uint64_t crypto_random_u64(void);
/* length random characters of the ICE-char alphabet (letters, digits, + and /), terminated: dst needs length + 1. RFC
 * 8839 s5.4 */
void crypto_random_text(char *dst, size_t length);
/* length random hexadecimal digits, terminated: a token wherever one is asked for (SIP's leaves out the slash: RFC 3261
 * s25.1). */
void crypto_random_hex(char *dst, size_t length);
bool crypto_equal(const void *a, const void *b, size_t length); /* constant time */
/* Overwrite a secret so that the compiler cannot drop the store. */
void crypto_wipe(void *secret, size_t length);
/* Standard alphabet with padding. Encode: dst needs 4 * ((length + 2) / 3) + 1. Decode: bytes written, or
 * -EINVAL/-ENOBUFS. */
void crypto_base64(char *dst, const void *data, size_t length);
int crypto_unbase64(const char *text, size_t text_length, uint8_t *dst, size_t cap);

#endif
