/* b2bua/sip/tls.h
 *
 * Inside of b2bua/sip: TLS for the library. Debian's Sofia-SIP reads certificates once, from files of its own names,
 * sends no server name, knows neither wildcards nor addresses among a certificate's names, cannot say why a handshake
 * failed, and never frees an SSL object. So it gets, from functions of ours that stand before OpenSSL's and one of its
 * own, connections of an SSL_CTX that is made and checked here, and may be replaced while connections live.
 * Owner: control thread.
 */
#ifndef B2BUA_SIP_TLS_H
#define B2BUA_SIP_TLS_H

#include "b2bua/sip/sip.h"

#include <openssl/ssl.h>

enum { TLS_DIR_MAX = 64, TLS_WHY_MAX = 160 };

/* A connection of ours could not be set up, or its peer ended it with an alert. host: the name it was called by (no
 * name: its address). why: words for people. From inside the library: note it, nothing else. */
struct tls_failure {
	const char *host;
	struct addr peer;
	const char *why;
	const void *connection; /* the library's: tport_t */
	bool never_up;          /* no byte of SIP has come over it */
};

struct tls_keeper;
/* Returns 0, -EINVAL (files; sip_tls_check() says which) or -ENOMEM. */
int tls_keeper_new(const struct sip_tls *conf, void (*on_failure)(const struct tls_failure *f, void *arg), void *arg,
	struct tls_keeper **ret_tls);
/* For connections from now on. Returns 0, or -EINVAL or -ENOMEM and all stays as it was. */
int tls_keeper_renew(struct tls_keeper *t, const struct sip_tls *conf);

/* What some connections have instead. A policy is known by what it says, and numbered from 1 on; it stays until the
 * keeper goes, because dialogs of former calls may need it. Of those that are there already the files are read again;
 * all, or none. Returns 0, -EINVAL or -ENOMEM. */
int tls_keeper_set_policies(struct tls_keeper *t, const struct sip_tls *confs, size_t count);
/* Its number, 0: not known. */
unsigned tls_policy_find(const struct tls_keeper *t, const struct sip_tls *conf);
/* The library keeps connections by name and address. A name with the policy's number before it ("3/pbx.example"; no
 * host has a slash) makes it keep those of each policy apart. -EINVAL: too long. */
int tls_policy_mark(char *dst, size_t cap, unsigned policy, const char *host);
unsigned tls_policy_unmark(const char **host); /* the number, 0: none; *host goes on to the name */

/* (The library has a tls_free() of its own.) Accepts NULL; returns NULL. No library object made under tls_begin() may
 * be left. */
struct tls_keeper *tls_keeper_free(struct tls_keeper *t);

/* tls.c, for SSL_get_ex_new_index(): what was kept with an object is free()d with it. */
void tls_data_free(void *parent, void *ptr, CRYPTO_EX_DATA *ad, int idx, long argl, void *argp);
/* tls.c: can it keep what it has to with OpenSSL's objects? */
bool tls_hooks_ready(void);
/* What the library makes between these two uses t. */
void tls_begin(struct tls_keeper *t);
void tls_end(void);

/* For tls.c: the context of connections that come in, and until it is known whom they are to; */
SSL_CTX *tls_keeper_context(const struct tls_keeper *t);
/* what holds toward this host (no brackets); policy 0: the keeper's own. Returns 0 or -EINVAL. */
int tls_keeper_prepare(const struct tls_keeper *t, SSL *ssl, unsigned policy, const char *host);
void tls_keeper_tell(const struct tls_keeper *t, const struct tls_failure *f);

/* tls_files.c: a context of these files, for both roles. Returns 0, -EINVAL or -ENOMEM. */
int tls_context_new(const struct sip_tls *conf, SSL_CTX **ret_ctx);
/* A directory of mode 0700 in which the library finds authorities to trust, without which it opens no listener; no key
 * of ours. Returns 0 or negative errno. */
int tls_dir_new(const struct sip_tls *conf, char dst[TLS_DIR_MAX]);
void tls_dir_free(const char *dir);

/* tls_peer.c: before a connection of ours begins: who must be there? host: name or address (no brackets). */
int tls_expect(SSL *ssl, const char *host, bool verify);
/* Why a handshake failed, after SSL_connect() or SSL_read(); empties OpenSSL's error queue. */
void tls_why(const SSL *ssl, char dst[TLS_WHY_MAX]);

/* tls_ping.c: a connection of the library's begins; what was read of it (length 0 and less: nothing). False: no memory.
 */
bool tls_ping_init(void);
void tls_ping_begin(SSL *ssl);
void tls_ping_heard(SSL *ssl, const void *bytes, int length);

#endif
