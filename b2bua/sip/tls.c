/* b2bua/sip/tls.c -- see tls.h */
#include "b2bua/sip/tls.h"

#include "lib/base/str.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { CHAIN_MAX = 10 };

/* ---- the leak ---- */

/* The library calls SSL_shutdown() only when it gives a connection up, and never SSL_free(): 26 KB each. This symbol
 * wins over OpenSSL's; calls that come from anybody else are passed on as they are. */
int SSL_shutdown(SSL *s)
{
	static int (*real)(SSL *);
	Dl_info caller;
	BIO *b;
	int r;

	if (!real) {
		void *symbol = dlsym(RTLD_NEXT, "SSL_shutdown");
		memcpy(&real, &symbol, sizeof(real)); /* ISO C has no cast from object to function pointer */
	}
	r = real(s);
	if (!dladdr(__builtin_return_address(0), &caller) || !caller.dli_fname ||
		!strstr(caller.dli_fname, "libsofia-sip-ua"))
		return r;
	b = SSL_get_rbio(s);
	if (b)
		(void)BIO_up_ref(b); /* the library frees that one itself */
	SSL_CTX_up_ref(SSL_get_SSL_CTX(s));
	SSL_free(s);
	return r;
}

/* ---- the files ---- */

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

static int check_pair(const struct sip_tls *tls, char *why, size_t cap)
{
	X509 *chain[CHAIN_MAX];
	int count = read_chain(tls->certificate, chain);
	EVP_PKEY *key = read_key(tls->key);
	int r = -EINVAL;

	if (count < 0)
		snprintf(why, cap, "certificate %.100s: %s", tls->certificate, strerror(-count));
	else if (count == 0)
		snprintf(why, cap, "certificate %.100s: no certificate in PEM form", tls->certificate);
	else if (!key)
		snprintf(why, cap, "key %.100s: no private key in PEM form that can be read without a passphrase",
			tls->key);
	else if (X509_check_private_key(chain[0], key) != 1)
		snprintf(why, cap, "key %.100s does not belong to the first certificate of %.100s", tls->key,
			tls->certificate);
	else if (X509_cmp_current_time(X509_get0_notAfter(chain[0])) < 0)
		snprintf(why, cap, "certificate %.100s has run out", tls->certificate);
	else
		r = 0;
	ERR_clear_error();
	free_chain(chain, count > 0 ? (size_t)count : 0);
	EVP_PKEY_free(key);
	return r;
}

int sip_tls_check(const struct sip_tls *tls, char *why, size_t cap)
{
	X509 *chain[CHAIN_MAX];
	int count;

	if (check_pair(tls, why, cap))
		return -EINVAL;
	count = read_chain(tls->ca, chain);
	free_chain(chain, count > 0 ? (size_t)count : 0);
	if (count > 0)
		return 0;
	snprintf(why, cap, "ca %.100s: %s", tls->ca, count ? strerror(-count) : "no certificate in PEM form");
	return -EINVAL;
}

/* ---- the directory ---- */

static FILE *create(const char *dir, const char *name)
{
	char path[TLS_DIR_MAX + 16];
	int fd;

	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	return fd < 0 ? NULL : fdopen(fd, "w");
}

static bool append(FILE *to, const char *path)
{
	FILE *from = fopen(path, "re");
	bool good = from != NULL;
	int c;

	while (good && (c = getc(from)) != EOF)
		good = putc(c, to) != EOF;
	good = good && !ferror(from) && putc('\n', to) != EOF;
	if (from)
		(void)fclose(from);
	return good;
}

/* The library sends the first certificate of agent.pem alone; OpenSSL adds what it finds among the trusted ones. Those
 * that sign themselves stay out: they would be trusted. */
static bool append_intermediates(FILE *to, const char *path)
{
	X509 *chain[CHAIN_MAX];
	int count = read_chain(path, chain);
	bool good = count > 0;

	for (int i = 1; good && i < count; i++) {
		if (X509_self_signed(chain[i], 0) != 1)
			good = PEM_write_X509(to, chain[i]) == 1;
	}
	free_chain(chain, count > 0 ? (size_t)count : 0);
	return good;
}

static bool written(FILE *f, bool good)
{
	return f && fclose(f) == 0 && good;
}

int tls_dir_new(const struct sip_tls *tls, char dst[TLS_DIR_MAX])
{
	FILE *agent, *ca;
	bool good;

	str_copy(dst, TLS_DIR_MAX, P_tmpdir "/watrunk-tls-XXXXXX");
	if (!mkdtemp(dst)) /* mode 0700 */
		return -errno;
	agent = create(dst, "agent.pem");
	good = written(agent, agent && append(agent, tls->key) && append(agent, tls->certificate));
	ca = create(dst, "cafile.pem");
	good = written(ca, ca && append(ca, tls->ca) && append_intermediates(ca, tls->certificate)) && good;
	if (good)
		return 0;
	tls_dir_free(dst);
	return -EIO;
}

void tls_dir_free(const char *dir)
{
	static const char *const names[] = {"agent.pem", "cafile.pem"};
	char path[TLS_DIR_MAX + 16];

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
		(void)unlink(path);
	}
	(void)rmdir(dir);
}
