/* media/webrtc/dtls_ctx.c */
#include "media/webrtc/dtls_inner.h"

#include <errno.h>
#include <openssl/err.h>
#include <stdlib.h>
#include <string.h>

/* RFC 8827 s6.5 names the first; RSA because the peer, as server, may hold an RSA key. All with forward secrecy. */
static const char dtls_ciphers[] =
	"ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-"
	"POLY1305:"
	"ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-AES128-SHA:ECDHE-RSA-AES128-SHA";
/* In order of preference. Of these only the first is known to work with Meta's relays. */
static const char dtls_srtp_profiles[] = "SRTP_AES128_CM_SHA1_80:SRTP_AEAD_AES_128_GCM";

static int configure(SSL_CTX *ssl, EVP_PKEY *key, X509 *cert)
{
	SSL_CTX_set_options(
		ssl, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_NO_QUERY_MTU);
	SSL_CTX_set_mode(ssl, SSL_MODE_RELEASE_BUFFERS);
	SSL_CTX_set_session_cache_mode(ssl, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_quiet_shutdown(ssl, 0);
	/* No authority has signed these certificates; the fingerprint from the peer's SDP decides (dtls_verify_peer).
	 */
	SSL_CTX_set_verify(ssl, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
	SSL_CTX_set_cert_verify_callback(ssl, dtls_verify_peer, NULL);
	if (SSL_CTX_set_min_proto_version(ssl, DTLS1_2_VERSION) != 1 ||
		SSL_CTX_set_max_proto_version(ssl, DTLS1_2_VERSION) != 1 ||
		SSL_CTX_set_cipher_list(ssl, dtls_ciphers) != 1 || SSL_CTX_use_certificate(ssl, cert) != 1 ||
		SSL_CTX_use_PrivateKey(ssl, key) != 1 ||
		SSL_CTX_set_tlsext_use_srtp(ssl, dtls_srtp_profiles) != 0) /* 0: good */
		return -EIO;
	return 0;
}

int dtls_ctx_new(struct dtls_ctx **ret_ctx)
{
	struct dtls_ctx *ctx = calloc(1, sizeof(*ctx));
	EVP_PKEY *key = NULL;
	X509 *cert = NULL;
	int r = -ENOMEM;

	if (!ctx)
		return r;
	ctx->ssl = SSL_CTX_new(DTLS_method());
	ctx->bio = dtls_bio_method();
	if (ctx->ssl && ctx->bio)
		r = cert_new(&key, &cert);
	if (r == 0)
		r = configure(ctx->ssl, key, cert);
	if (r == 0)
		r = cert_fingerprint(cert, ctx->fingerprint);
	EVP_PKEY_free(key);
	X509_free(cert);
	ERR_clear_error();
	if (r < 0) {
		dtls_ctx_free(ctx);
		return r;
	}
	*ret_ctx = ctx;
	return 0;
}

void dtls_ctx_fingerprint(const struct dtls_ctx *ctx, uint8_t ret_fingerprint[32])
{
	memcpy(ret_fingerprint, ctx->fingerprint, sizeof(ctx->fingerprint));
}

struct dtls_ctx *dtls_ctx_free(struct dtls_ctx *ctx)
{
	if (ctx) {
		SSL_CTX_free(ctx->ssl);
		BIO_meth_free(ctx->bio);
		free(ctx);
	}
	return NULL;
}
