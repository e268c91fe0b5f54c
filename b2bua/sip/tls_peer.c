/* b2bua/sip/tls_peer.c
 *
 * Is the server we called the one we meant? Names as RFC 6125 and RFC 5922 have them: dNSName among the alternative
 * names, a wildcard only as the whole left label; iPAddress for hosts given as addresses; the common name only of a
 * certificate that has no alternative names at all.
 */
#include "b2bua/sip/tls.h"

#include "lib/base/str.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>

/* OpenSSL looks for a host in the common name by itself, for an address never. */
static int verified(int ok, X509_STORE_CTX *store)
{
	X509 *cert = X509_STORE_CTX_get_current_cert(store);
	char common[64], *wanted;

	if (ok || X509_STORE_CTX_get_error(store) != X509_V_ERR_IP_ADDRESS_MISMATCH || !cert ||
		X509_get_ext_by_NID(cert, NID_subject_alt_name, -1) >= 0)
		return ok;
	wanted = X509_VERIFY_PARAM_get1_ip_asc(X509_STORE_CTX_get0_param(store));
	if (wanted &&
		X509_NAME_get_text_by_NID(X509_get_subject_name(cert), NID_commonName, common, sizeof(common)) > 0 &&
		strcmp(common, wanted) == 0) {
		X509_STORE_CTX_set_error(store, X509_V_OK);
		ok = 1;
	}
	OPENSSL_free(wanted);
	return ok;
}

int tls_expect(SSL *ssl, const char *host, bool verify)
{
	struct addr numeric;
	bool is_address = addr_set(&numeric, host, 0) == 0;
	X509_VERIFY_PARAM *param = SSL_get0_param(ssl);
	int good = 1;

	SSL_set_verify(ssl, verify ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, verified);
	if (!is_address)
		good = SSL_set_tlsext_host_name(ssl, host) == 1; /* RFC 6066 s3: never an address */
	X509_VERIFY_PARAM_set_hostflags(param, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
	if (verify && is_address)
		good = good && X509_VERIFY_PARAM_set1_ip_asc(param, host) == 1;
	else if (verify)
		good = good && X509_VERIFY_PARAM_set1_host(param, host, 0) == 1;
	ERR_clear_error();
	return good ? 0 : -EINVAL;
}

static const char *certificate_words(long result)
{
	switch (result) {
	case X509_V_ERR_CERT_HAS_EXPIRED: return "its certificate has run out";
	case X509_V_ERR_CERT_NOT_YET_VALID: return "its certificate is not valid yet";
	case X509_V_ERR_HOSTNAME_MISMATCH:
	case X509_V_ERR_IP_ADDRESS_MISMATCH: return "its certificate is of another name";
	case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
	case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
	case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE: return "its certificate comes from an unknown authority";
	case X509_V_ERR_INVALID_PURPOSE: return "its certificate is not one of a server";
	default: return X509_verify_cert_error_string(result);
	}
}

void tls_why(const SSL *ssl, char dst[TLS_WHY_MAX])
{
	long result = SSL_get_verify_result(ssl);
	unsigned long e = ERR_peek_error();
	const char *reason = e ? ERR_reason_error_string(e) : NULL;

	/* Without verification the result is kept all the same. */
	if (result != X509_V_OK && SSL_get_verify_mode(ssl) != SSL_VERIFY_NONE)
		(void)snprintf(dst, TLS_WHY_MAX, "%s", certificate_words(result));
	else if (!reason)
		(void)snprintf(dst, TLS_WHY_MAX, "it closed the connection");
	else if (strstr(reason, "alert"))
		(void)snprintf(dst, TLS_WHY_MAX, "it refused the handshake: %s", reason);
	else
		(void)snprintf(dst, TLS_WHY_MAX, "%s", reason);
	ERR_clear_error();
}
