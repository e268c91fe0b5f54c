/* media/webrtc/dtls_inner.h
 *
 * What dtls.c needs of the shared context. Not for use outside this folder.
 */
#ifndef MEDIA_WEBRTC_DTLS_INNER_H
#define MEDIA_WEBRTC_DTLS_INNER_H

#include "media/webrtc/dtls_ctx.h"

#include <openssl/bio.h>
#include <openssl/ssl.h>
#include <stdbool.h>

struct dtls_ctx {
	SSL_CTX *ssl;
	BIO_METHOD *bio; /* of dtls_bio_method() */
	uint8_t fingerprint[32];
};

/* A new self-signed ECDSA P-256 certificate: P-256 is what every WebRTC end knows (RFC 8827 s6.5), and its handshake
 * fits into single datagrams. Returns 0, -ENOMEM or -EIO. */
int cert_new(EVP_PKEY **ret_key, X509 **ret_cert);
/* Returns 0 or -EIO. */
int cert_fingerprint(const X509 *cert, uint8_t ret_sha256[32]);

/* In dtls.c: a BIO that hands datagrams over whole, and the check of the peer's certificate. */
BIO_METHOD *dtls_bio_method(void); /* NULL: no memory */
int dtls_verify_peer(X509_STORE_CTX *store, void *unused);

#endif
