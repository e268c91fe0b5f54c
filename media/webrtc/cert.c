/* media/webrtc/cert.c
 *
 * The process's certificate. Nobody checks its names or dates: peers compare its fingerprint with the SDP's (RFC 8122
 * s5, RFC 8827 s6.5).
 */
#include "lib/base/crypto.h"
#include "media/webrtc/dtls_inner.h"

#include <errno.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

enum {
	CERT_DAYS_BACK = 1,
	CERT_DAYS = 3650,
	DAY_SECONDS = 86400
}; /* a process may run for years; back: clocks differ */

static bool cert_fill(X509 *cert, EVP_PKEY *key)
{
	X509_NAME *name = X509_get_subject_name(cert);
	uint64_t serial = crypto_random_u64() >> 1; /* positive */

	return X509_set_version(cert, X509_VERSION_3) == 1 &&
	       ASN1_INTEGER_set_uint64(X509_get_serialNumber(cert), serial ? serial : 1) == 1 &&
	       X509_gmtime_adj(X509_getm_notBefore(cert), -(long)CERT_DAYS_BACK * DAY_SECONDS) &&
	       X509_gmtime_adj(X509_getm_notAfter(cert), (long)CERT_DAYS * DAY_SECONDS) &&
	       X509_set_pubkey(cert, key) == 1 &&
	       X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"watrunk", -1, -1, 0) == 1 &&
	       X509_set_issuer_name(cert, name) == 1 && X509_sign(cert, key, EVP_sha256()) > 0;
}

int cert_new(EVP_PKEY **ret_key, X509 **ret_cert)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *cert = X509_new();

	if (key && cert && cert_fill(cert, key)) {
		*ret_key = key;
		*ret_cert = cert;
		return 0;
	}
	EVP_PKEY_free(key);
	X509_free(cert);
	return -EIO;
}

int cert_fingerprint(const X509 *cert, uint8_t ret_sha256[32])
{
	unsigned n = 0;

	return X509_digest(cert, EVP_sha256(), ret_sha256, &n) == 1 && n == 32 ? 0 : -EIO;
}
