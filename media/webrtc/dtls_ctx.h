/* media/webrtc/dtls_ctx.h
 *
 * The process's self-signed ECDSA P-256 certificate and the SSL_CTX that all sessions share. Created on the control
 * thread at start, read-only afterwards; workers only make SSL objects from it.
 */
#ifndef MEDIA_WEBRTC_DTLS_CTX_H
#define MEDIA_WEBRTC_DTLS_CTX_H

#include <stdint.h>

struct dtls_ctx;

int dtls_ctx_new(struct dtls_ctx **ret_ctx);
/* SHA-256 of the DER certificate, for a=fingerprint (RFC 8122). */
void dtls_ctx_fingerprint(const struct dtls_ctx *ctx, uint8_t ret_fingerprint[32]);
struct dtls_ctx *dtls_ctx_free(struct dtls_ctx *ctx);

#endif
