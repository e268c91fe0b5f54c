/* media/srtp/srtp_key.c */
#include "media/srtp/srtp_key.h"

#include <errno.h>
#include <openssl/evp.h>
#include <string.h>

int srtp_key_derive(const struct srtp_master *master, unsigned label, uint8_t *ret_key, size_t length)
{
	static const uint8_t zeros[SRTP_KEY_MAX];
	uint8_t iv[16] = {0};
	EVP_CIPHER_CTX *ctx;
	int n, r = -EIO;

	if (length > SRTP_KEY_MAX)
		return -EINVAL;
	/* x = (label || 48-bit index/rate, here 0) XOR salt, right-aligned in 112 bits; IV = x * 2^16. The label so
	 * falls on byte 7. */
	memcpy(iv, master->salt, SRTP_MASTER_SALT_BYTES);
	iv[7] ^= (uint8_t)label;
	ctx = EVP_CIPHER_CTX_new();
	if (ctx && EVP_EncryptInit_ex(ctx, EVP_aes_128_ctr(), NULL, master->key, iv) == 1 &&
		EVP_EncryptUpdate(ctx, ret_key, &n, zeros, (int)length) == 1)
		r = 0;
	EVP_CIPHER_CTX_free(ctx);
	return r;
}
