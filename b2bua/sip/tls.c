/* b2bua/sip/tls.c
 *
 * The functions that stand between the library and OpenSSL. The linker prefers a program's own symbols, also for calls
 * inside of shared libraries, so that these are called instead; each does nothing but pass the call on when it is not
 * about a connection of the library's (curl uses OpenSSL, too):
 *
 *   SSL_CTX_new    from nua_create(): the new context is marked as belonging to our struct tls_keeper
 *   SSL_new        of a marked context: a connection of our present context instead
 *   tls_connect    the library's own step of a handshake: tells which connection SSL_connect() is about
 *   SSL_connect    before its first step: server name, and whose certificate must be shown; after a failure: why
 *   SSL_read       an alert after the handshake (in TLS 1.3 that is when a server refuses our certificate)
 *   SSL_get1_peer_certificate   of those connections: none
 *   SSL_shutdown   called only when a connection is given up, and never followed by SSL_free(): 26 KB each; also the
 *                  last place to ask why, where the library did not read
 */
#include "b2bua/sip/tls.h"

#include "b2bua/sip/stack.h"
#include "lib/base/assert.h"
#include "lib/base/str.h"

#include <dlfcn.h>
#include <errno.h>
#include <openssl/err.h>
#include <sofia-sip/su_wait.h>
#include <sofia-sip/tport.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

/* What belongs to one connection that we opened. */
struct peer {
	struct tls_keeper *tls;
	const tport_t *connection;
	char host[256];
	bool heard; /* a byte of SIP came */
	bool failed;
};

static struct tls_keeper *beginning; /* tls_begin() */
static const tport_t *connecting;    /* tls_connect() */
static int ctx_index = -1, ssl_index = -1, peer_index = -1;

/* ISO C has no cast from object to function pointer. */
void stack_next_symbol(const char *name, void *ret_fn, size_t size)
{
	void *symbol = dlsym(RTLD_NEXT, name);

	ASSERT(symbol && size == sizeof(symbol));
	memcpy(ret_fn, &symbol, size);
}

#define NEXT(fn, name)                                                                                                 \
	do {                                                                                                           \
		if (!(fn))                                                                                             \
			stack_next_symbol(name, &(fn), sizeof(fn));                                                    \
	} while (0)

void tls_data_free(void *parent, void *ptr, CRYPTO_EX_DATA *ad, int idx, long argl, void *argp)
{
	(void)parent;
	(void)ad;
	(void)idx;
	(void)argl;
	(void)argp;
	free(ptr);
}

/* ---- contexts ---- */

SSL_CTX *SSL_CTX_new(const SSL_METHOD *method)
{
	static SSL_CTX *(*real)(const SSL_METHOD *);
	SSL_CTX *ctx;

	NEXT(real, "SSL_CTX_new");
	ctx = real(method);
	if (ctx && beginning)
		(void)SSL_CTX_set_ex_data(ctx, ctx_index, beginning);
	return ctx;
}

SSL *SSL_new(SSL_CTX *ctx)
{
	static SSL *(*real)(SSL_CTX *);
	struct tls_keeper *t = ctx && ctx_index >= 0 ? SSL_CTX_get_ex_data(ctx, ctx_index) : NULL;
	SSL *ssl;

	NEXT(real, "SSL_new");
	/* The library frees its context with each connection as well. */
	if (t)
		SSL_CTX_up_ref(ctx);
	ssl = real(t ? tls_keeper_context(t) : ctx);
	if (ssl && t) {
		(void)SSL_set_ex_data(ssl, ssl_index, t);
		tls_ping_begin(ssl);
	}
	return ssl;
}

static struct tls_keeper *tls_of(const SSL *ssl)
{
	return ssl_index >= 0 ? SSL_get_ex_data(ssl, ssl_index) : NULL;
}

/* ---- connections of ours ---- */

static struct peer *peer_of(const SSL *ssl)
{
	return peer_index >= 0 ? SSL_get_ex_data(ssl, peer_index) : NULL;
}

static void tell(const SSL *ssl, struct peer *p)
{
	struct tls_failure f = {.host = p->host, .connection = p->connection, .never_up = !p->heard};
	struct sockaddr_storage sa;
	socklen_t length = sizeof(sa);
	char why[TLS_WHY_MAX];

	tls_why(ssl, why);
	f.why = why;
	if (p->failed)
		return;
	p->failed = true;
	if (getpeername(SSL_get_fd(ssl), (struct sockaddr *)&sa, &length) == 0)
		addr_from_sockaddr(&f.peer, (struct sockaddr *)&sa, length);
	tls_keeper_tell(p->tls, &f);
}

/* False: without memory; the connection must not go on. */
static bool begin_peer(SSL *ssl, struct tls_keeper *t)
{
	const tp_name_t *name = tport_name(connecting);
	struct peer *p = calloc(1, sizeof(*p));
	const char *host = name && name->tpn_canon ? name->tpn_canon : "";
	unsigned policy = tls_policy_unmark(&host);
	size_t length = strlen(host), bracket = *host == '[';

	if (!p)
		return false;
	p->tls = t;
	p->connection = connecting;
	if (SSL_set_ex_data(ssl, peer_index, p) != 1) {
		free(p);
		return false;
	}
	return length > 2 * bracket && !str_copy_n(p->host, sizeof(p->host), host + bracket, length - 2 * bracket) &&
	       tls_keeper_prepare(t, ssl, policy, p->host) == 0;
}

static bool is_over(const SSL *ssl, int r)
{
	int e;

	if (r > 0)
		return false;
	e = SSL_get_error(ssl, r);
	return e == SSL_ERROR_SSL || e == SSL_ERROR_SYSCALL || e == SSL_ERROR_ZERO_RETURN;
}

int SSL_connect(SSL *ssl)
{
	static int (*real)(SSL *);
	struct tls_keeper *t = tls_of(ssl);
	int r;

	NEXT(real, "SSL_connect");
	if (!t || !connecting)
		return real(ssl);
	if (!peer_of(ssl) && !begin_peer(ssl, t)) {
		/* Fails closed: without a name to expect, nothing that anybody shows is good. */
		SSL_set_verify(ssl, SSL_VERIFY_PEER, NULL);
		SSL_set_max_proto_version(ssl, TLS1_VERSION);
	}
	ERR_clear_error();
	r = real(ssl);
	if (is_over(ssl, r) && peer_of(ssl)) {
		int kept = errno;
		tell(ssl, peer_of(ssl));
		errno = kept;
	}
	return r;
}

static int read_ssl(SSL *ssl, void *buffer, int length)
{
	static int (*real)(SSL *, void *, int);

	NEXT(real, "SSL_read");
	return real(ssl, buffer, length);
}

int SSL_read(SSL *ssl, void *buffer, int length)
{
	struct peer *p = peer_of(ssl);
	int r;

	if (p)
		ERR_clear_error();
	r = read_ssl(ssl, buffer, length);
	tls_ping_heard(ssl, buffer, r);
	if (!p)
		return r;
	p->heard = p->heard || r > 0;
	if (r <= 0 && SSL_get_error(ssl, r) == SSL_ERROR_SSL)
		tell(ssl, p);
	return r;
}

/* Given up before the peer said anything: its alert may lie unread behind a reset connection. */
static void last_words(SSL *ssl)
{
	struct peer *p = peer_of(ssl);
	char byte;

	if (!p || p->heard || p->failed)
		return;
	ERR_clear_error();
	if (read_ssl(ssl, &byte, 1) <= 0)
		tell(ssl, p);
}

int SSL_shutdown(SSL *s)
{
	static int (*real)(SSL *);
	BIO *b;
	int r;

	NEXT(real, "SSL_shutdown");
	if (tls_of(s))
		last_words(s);
	r = real(s);
	if (!tls_of(s))
		return r;
	b = SSL_get_rbio(s);
	if (b)
		(void)BIO_up_ref(b); /* the library frees that one itself */
	ERR_clear_error();
	SSL_free(s);
	return r;
}

/* The library would take a request for any name in a peer's certificate to that connection, whoever had been asked for
 * when it was made, and whether anybody believed it: it sees no certificate. */
X509 *SSL_get1_peer_certificate(const SSL *ssl)
{
	static X509 *(*real)(const SSL *);

	NEXT(real, "SSL_get1_peer_certificate");
	return tls_of(ssl) ? NULL : real(ssl);
}

/* Of the library; it is not in its headers. */
int tls_connect(su_root_magic_t *magic, su_wait_t *w, tport_t *self);

int tls_connect(su_root_magic_t *magic, su_wait_t *w, tport_t *self)
{
	static int (*real)(su_root_magic_t *, su_wait_t *, tport_t *);
	const tport_t *before = connecting;
	int r;

	NEXT(real, "tls_connect");
	connecting = self;
	r = real(magic, w, self);
	connecting = before;
	return r;
}

/* ---- life ---- */

bool tls_hooks_ready(void)
{
	if (ctx_index < 0)
		ctx_index = SSL_CTX_get_ex_new_index(0, NULL, NULL, NULL, NULL);
	if (ssl_index < 0)
		ssl_index = SSL_get_ex_new_index(0, NULL, NULL, NULL, NULL);
	if (peer_index < 0)
		peer_index = SSL_get_ex_new_index(0, NULL, NULL, NULL, tls_data_free);
	return tls_ping_init() && ctx_index >= 0 && ssl_index >= 0 && peer_index >= 0;
}

void tls_begin(struct tls_keeper *t)
{
	beginning = t;
}

void tls_end(void)
{
	beginning = NULL;
}
