/* b2bua/sip/tls_files.c
 *
 * Certificate, key and authorities: checked with words for people, then loaded.
 */
#include "b2bua/sip/tls.h"

#include "lib/base/str.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { CHAIN_MAX = 10, CHAIN_DEPTH = 5 };

/* A key with a passphrase: nobody is there to ask. */
static int no_passphrase(char *buffer, int size, int writing, void *arg)
{
	(void)buffer;
	(void)size;
	(void)writing;
	(void)arg;
	return -1;
}

static void free_chain(X509 **chain, size_t count)
{
	for (size_t i = 0; i < count; i++)
		X509_free(chain[i]);
}

/* All certificates of a file. Returns their number, or negative errno. */
static int read_chain(const char *path, X509 **chain)
{
	FILE *f = fopen(path, "re");
	int count = 0;

	if (!f)
		return -errno;
	while (count < CHAIN_MAX && (chain[count] = PEM_read_X509(f, NULL, no_passphrase, NULL)))
		count++;
	ERR_clear_error();
	(void)fclose(f);
	return count;
}

static EVP_PKEY *read_key(const char *path)
{
	FILE *f = fopen(path, "re");
	EVP_PKEY *key = f ? PEM_read_PrivateKey(f, NULL, no_passphrase, NULL) : NULL;

	ERR_clear_error();
	if (f)
		(void)fclose(f);
	return key;
}

struct faults {
	void (*tell)(void *arg, const char *key, const char *why);
	void *arg;
	bool any;
};

static void fault(struct faults *f, const char *key, const char *format, ...) __attribute__((format(printf, 3, 4)));

static void fault(struct faults *f, const char *key, const char *format, ...)
{
	char why[320];
	va_list ap;

	va_start(ap, format);
	(void)vsnprintf(why, sizeof(why), format, ap);
	va_end(ap);
	f->tell(f->arg, key, why);
	f->any = true;
}

static void check_pair(const struct sip_tls *tls, struct faults *f)
{
	X509 *chain[CHAIN_MAX];
	int count = read_chain(tls->certificate, chain);
	EVP_PKEY *key = read_key(tls->key);

	if (count < 0)
		fault(f, "certificate", "%.100s: %s", tls->certificate, strerror(-count));
	else if (count == 0)
		fault(f, "certificate", "%.100s: no certificate in PEM form", tls->certificate);
	else if (X509_cmp_current_time(X509_get0_notAfter(chain[0])) < 0)
		fault(f, "certificate", "%.100s has run out", tls->certificate);
	if (!key)
		fault(f, "key", "%.100s: no private key in PEM form that can be read without a passphrase", tls->key);
	else if (count > 0 && X509_check_private_key(chain[0], key) != 1)
		fault(f, "key", "%.100s does not belong to the first certificate of %.100s", tls->key,
			tls->certificate);
	ERR_clear_error();
	free_chain(chain, count > 0 ? (size_t)count : 0);
	EVP_PKEY_free(key);
}

static void check_ca(const struct sip_tls *tls, struct faults *f)
{
	X509 *chain[CHAIN_MAX];
	int count = read_chain(tls->ca, chain);

	free_chain(chain, count > 0 ? (size_t)count : 0);
	if (count <= 0)
		fault(f, "ca", "%.100s: %s", tls->ca, count ? strerror(-count) : "no certificate in PEM form");
}

int sip_tls_check(const struct sip_tls *tls, void (*tell)(void *arg, const char *key, const char *why), void *arg)
{
	struct faults f = {tell, arg, false};
	SSL_CTX *ctx = NULL;
	int r;

	check_pair(tls, &f);
	check_ca(tls, &f);
	if (f.any)
		return -EINVAL;
	r = tls_context_new(tls, &ctx);
	SSL_CTX_free(ctx);
	if (r)
		fault(&f, "certificate", "%.100s: OpenSSL does not take it (a key too short, a hash too old?)",
			tls->certificate);
	return r;
}

int tls_context_new(const struct sip_tls *conf, SSL_CTX **ret_ctx)
{
	static const unsigned char session_of[] = "watrunk";
	SSL_CTX *ctx = SSL_CTX_new(TLS_method());
	bool good = ctx != NULL;

	if (!ctx)
		return -ENOMEM;
	SSL_CTX_set_default_passwd_cb(ctx, no_passphrase);
	good = SSL_CTX_set_min_proto_version(ctx, conf->min_version_13 ? TLS1_3_VERSION : TLS1_2_VERSION) == 1 &&
	       SSL_CTX_use_certificate_chain_file(ctx, conf->certificate) == 1 &&
	       SSL_CTX_use_PrivateKey_file(ctx, conf->key, SSL_FILETYPE_PEM) == 1 &&
	       SSL_CTX_check_private_key(ctx) == 1 && SSL_CTX_load_verify_file(ctx, conf->ca) == 1 &&
	       SSL_CTX_set_session_id_context(ctx, session_of, sizeof(session_of)) == 1;
	/* Whether a peer is verified, and by what name, each connection says (tls_expect()). */
	SSL_CTX_set_verify_depth(ctx, CHAIN_DEPTH);
	ERR_clear_error();
	if (!good) {
		SSL_CTX_free(ctx);
		return -EINVAL;
	}
	*ret_ctx = ctx;
	return 0;
}

/* ---- the directory ---- */

static const char ca_name[] = "cafile.pem";

int tls_dir_new(const struct sip_tls *conf, char dst[TLS_DIR_MAX])
{
	char path[TLS_DIR_MAX + 16];
	X509 *chain[CHAIN_MAX];
	int count = read_chain(conf->ca, chain), fd;
	bool good = count > 0;
	FILE *f;

	str_copy(dst, TLS_DIR_MAX, P_tmpdir "/watrunk-tls-XXXXXX");
	if (!mkdtemp(dst)) { /* mode 0700 */
		free_chain(chain, count > 0 ? (size_t)count : 0);
		return -errno;
	}
	(void)snprintf(path, sizeof(path), "%s/%s", dst, ca_name);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	f = fd < 0 ? NULL : fdopen(fd, "w");
	good = f && good && PEM_write_X509(f, chain[0]) == 1; /* any: ours are used, not the library's */
	if (f)
		good = fclose(f) == 0 && good;
	free_chain(chain, count > 0 ? (size_t)count : 0);
	if (good)
		return 0;
	tls_dir_free(dst);
	return -EIO;
}

void tls_dir_free(const char *dir)
{
	char path[TLS_DIR_MAX + 16];

	(void)snprintf(path, sizeof(path), "%s/%s", dir, ca_name);
	(void)unlink(path);
	(void)rmdir(dir);
}
