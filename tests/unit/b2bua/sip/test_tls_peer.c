/* Handshakes in memory: which server name we send, whose certificate we take, and what we say of the others. */
#include "b2bua/sip/tls.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <openssl/ec.h>
#include <openssl/x509v3.h>

enum { DAY_S = 86400, ROUNDS = 20, BIO_BYTES = 16384 };

static const struct {
	const char *names, *host;
	int days;
	const char *why; /* NULL: taken */
} shown[] = {
	{"DNS:pbx.example", "pbx.example", 1, NULL},
	{"DNS:other.example,DNS:pbx.example", "pbx.example", 1, NULL},
	{"DNS:*.example.com", "pbx.example.com", 1, NULL}, /* RFC 6125 s6.4.3 */
	{"DNS:*.example.com", "PBX.Example.COM", 1, NULL},
	{"DNS:*.example.com", "a.pbx.example.com", 1, "another name"},
	{"DNS:*.example.com", "example.com", 1, "another name"},
	{"DNS:p*.example.com", "pbx.example.com", 1, "another name"},
	{"DNS:other.example", "pbx.example", 1, "another name"},
	{"DNS:pbx.example", "pbx.example", -1, "run out"},
	{"IP:192.0.2.1", "192.0.2.1", 1, NULL},
	{"IP:192.0.2.2", "192.0.2.1", 1, "another name"},
	{"DNS:192.0.2.1", "192.0.2.1", 1, "another name"},
	{"IP:2001:db8::1", "2001:db8::1", 1, NULL},
};

static char seen_name[256];
static bool seen_alpn;

static int on_name(SSL *ssl, int *alert, void *arg)
{
	const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);

	(void)alert;
	(void)arg;
	(void)snprintf(seen_name, sizeof(seen_name), "%s", name ? name : "");
	return SSL_TLSEXT_ERR_OK;
}

static int on_alpn(SSL *ssl, const unsigned char **out, unsigned char *out_length, const unsigned char *in,
	unsigned length, void *arg)
{
	(void)ssl;
	(void)out;
	(void)out_length;
	(void)in;
	(void)length;
	(void)arg;
	seen_alpn = true;
	return SSL_TLSEXT_ERR_ALERT_FATAL;
}

static X509 *certificate_new(EVP_PKEY *key, const char *names, int days)
{
	X509 *x = X509_new();
	X509_NAME *subject = X509_get_subject_name(x);
	X509_EXTENSION *alternative = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, names);

	assert_non_null(alternative);
	assert_int_equal(X509_set_version(x, X509_VERSION_3), 1);
	assert_int_equal(ASN1_INTEGER_set(X509_get_serialNumber(x), 1), 1);
	assert_non_null(X509_gmtime_adj(X509_getm_notBefore(x), -7 * DAY_S));
	assert_non_null(X509_gmtime_adj(X509_getm_notAfter(x), (long)days * DAY_S));
	assert_int_equal(
		X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, (const uint8_t *)"test", -1, -1, 0), 1);
	assert_int_equal(X509_set_issuer_name(x, subject), 1);
	assert_int_equal(X509_set_pubkey(x, key), 1);
	assert_int_equal(X509_add_ext(x, alternative, -1), 1);
	assert_true(X509_sign(x, key, EVP_sha256()) > 0);
	X509_EXTENSION_free(alternative);
	return x;
}

static SSL_CTX *server_new(EVP_PKEY *key, X509 *x)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());

	assert_non_null(ctx);
	assert_int_equal(SSL_CTX_use_certificate(ctx, x), 1);
	assert_int_equal(SSL_CTX_use_PrivateKey(ctx, key), 1);
	SSL_CTX_set_tlsext_servername_callback(ctx, on_name);
	SSL_CTX_set_alpn_select_cb(ctx, on_alpn, NULL);
	return ctx;
}

/* Whether our side took the other; why not. */
static bool shake(SSL_CTX *of_client, SSL_CTX *of_server, const char *host, bool verify, char why[TLS_WHY_MAX])
{
	SSL *client = SSL_new(of_client), *server = SSL_new(of_server);
	BIO *near, *far;
	int r = 0;

	assert_int_equal(BIO_new_bio_pair(&near, BIO_BYTES, &far, BIO_BYTES), 1);
	SSL_set_bio(client, near, near);
	SSL_set_bio(server, far, far);
	SSL_set_accept_state(server);
	assert_int_equal(tls_expect(client, host, verify), 0);
	seen_name[0] = '\0';
	for (int i = 0; i < ROUNDS && r != 1; i++) {
		r = SSL_connect(client);
		if (r != 1 && SSL_get_error(client, r) == SSL_ERROR_SSL) {
			tls_why(client, why);
			break;
		}
		(void)SSL_do_handshake(server);
	}
	SSL_free(client);
	SSL_free(server);
	return r == 1;
}

static void one(size_t i, EVP_PKEY *key, bool verify)
{
	X509 *x = certificate_new(key, shown[i].names, shown[i].days);
	SSL_CTX *server = server_new(key, x), *client = SSL_CTX_new(TLS_client_method());
	char why[TLS_WHY_MAX] = "";
	bool is_name = shown[i].host[0] > '9', taken;

	assert_int_equal(X509_STORE_add_cert(SSL_CTX_get_cert_store(client), x), 1);
	taken = shake(client, server, shown[i].host, verify, why);
	if (taken != (!verify || !shown[i].why) || (!taken && !strstr(why, shown[i].why)))
		fail_msg("%s called as %s: %d, %s", shown[i].names, shown[i].host, taken, why);
	assert_string_equal(seen_name, is_name ? shown[i].host : ""); /* RFC 6066 s3: never an address */
	assert_false(seen_alpn);
	SSL_CTX_free(client);
	SSL_CTX_free(server);
	X509_free(x);
}

static void test_who_is_taken(void **state)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");

	(void)state;
	assert_non_null(key);
	for (size_t i = 0; i < sizeof(shown) / sizeof(shown[0]); i++) {
		one(i, key, true);
		one(i, key, false);
	}
	EVP_PKEY_free(key);
}

static void test_unknown_authority(void **state)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *x = certificate_new(key, "DNS:pbx.example", 1);
	SSL_CTX *server = server_new(key, x), *client = SSL_CTX_new(TLS_client_method());
	char why[TLS_WHY_MAX] = "";

	(void)state;
	assert_false(shake(client, server, "pbx.example", true, why));
	assert_string_equal(why, "its certificate comes from an unknown authority");
	SSL_CTX_free(client);
	SSL_CTX_free(server);
	X509_free(x);
	EVP_PKEY_free(key);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_who_is_taken),
		cmocka_unit_test(test_unknown_authority),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
