/* media/webrtc/dtls.c
 *
 * Datagrams reach OpenSSL through a BIO of our own that keeps their boundaries and copies nothing: reading takes the
 * datagram that dtls_input() was called with, writing calls conf.send. Whatever OpenSSL wants to say beyond that it
 * says at a later step.
 *
 * Time. OpenSSL runs its retransmission timer on the system's clock, which would be a second clock in here. Ours
 * decides: timer_span() makes OpenSSL's own wait practically endless, and when ours is due force_retransmit() dates
 * OpenSSL's back before it asks for the retransmission. For that we note where OpenSSL keeps its timer, which versions
 * before 3.2 tell the BIO (BIO_CTRL_DGRAM_SET_NEXT_TIMEOUT); later ones pass a copy, so with them its timer is given
 * the true spans and runs on the system's clock beside ours.
 */
#include "media/webrtc/dtls.h"
#include "lib/base/crypto.h"
#include "media/webrtc/dtls_inner.h"

#include <errno.h>
#include <openssl/err.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

enum {
	CLOSE_RECORD_MAX = 128, /* an alert of two bytes: 13 header, up to 32 of IV, MAC and padding with CBC suites */
	ENDLESS_US = 3600u * 1000 * 1000,
};

struct dtls {
	struct dtls_conf conf;
	enum dtls_state state;
	SSL *ssl;          /* NULL once lean */
	const uint8_t *in; /* the datagram being read; NULL: none */
	size_t in_length;
	bool wrote;                /* something went out in this step */
	struct timeval *ssl_timer; /* OpenSSL's, see above; NULL: out of reach */
	uint64_t timeout_us;       /* end of the handshake's time */
	uint64_t retry_us;         /* when to repeat our flight; UINT64_MAX: nothing is waiting */
	unsigned retry_ms;
	uint64_t linger_us, linger_limit_us; /* server, up */
	enum srtp_profile profile;
	struct srtp_master tx, rx;
	bool capturing; /* close_notify goes here instead of out */
	uint8_t close_record[CLOSE_RECORD_MAX];
	size_t close_length;
};

/* ---- the BIO ---- */

static int bio_write(BIO *bio, const char *bytes, int length)
{
	struct dtls *d = BIO_get_data(bio);

	if (d->capturing) {
		if ((size_t)length <= sizeof(d->close_record)) {
			memcpy(d->close_record, bytes, (size_t)length);
			d->close_length = (size_t)length;
		}
		return length;
	}
	d->wrote = true;
	d->conf.send(d->conf.arg, bytes, (size_t)length);
	return length;
}

static int bio_read(BIO *bio, char *dst, int cap)
{
	struct dtls *d = BIO_get_data(bio);
	size_t n = d->in_length < (size_t)cap ? d->in_length : (size_t)cap;

	BIO_clear_retry_flags(bio);
	if (!d->in) {
		BIO_set_retry_read(bio);
		return -1;
	}
	memcpy(dst, d->in, n); /* what does not fit is cut off, as a socket would */
	d->in = NULL;
	return (int)n;
}

static bool timer_within_reach(void)
{
	return OpenSSL_version_num() < 0x30200000ul;
}

static long bio_ctrl(BIO *bio, int command, long number, void *pointer)
{
	struct dtls *d = BIO_get_data(bio);

	(void)number;
	switch (command) {
	case BIO_CTRL_FLUSH: return 1;
	case BIO_CTRL_DGRAM_QUERY_MTU:
	case BIO_CTRL_DGRAM_GET_FALLBACK_MTU: return DTLS_MTU;
	case BIO_CTRL_DGRAM_SET_NEXT_TIMEOUT:
		if (d && timer_within_reach())
			d->ssl_timer = pointer;
		return 0;
	default: return 0;
	}
}

static int bio_create(BIO *bio)
{
	BIO_set_init(bio, 1);
	return 1;
}

BIO_METHOD *dtls_bio_method(void)
{
	BIO_METHOD *m = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "watrunk datagrams");

	if (m && BIO_meth_set_write(m, bio_write) == 1 && BIO_meth_set_read(m, bio_read) == 1 &&
		BIO_meth_set_ctrl(m, bio_ctrl) == 1 && BIO_meth_set_create(m, bio_create) == 1)
		return m;
	BIO_meth_free(m);
	return NULL;
}

/* ---- the peer's certificate ---- */

int dtls_verify_peer(X509_STORE_CTX *store, void *unused)
{
	SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
	const struct dtls *d = ssl ? SSL_get_app_data(ssl) : NULL;
	X509 *cert = X509_STORE_CTX_get0_cert(store);
	uint8_t fingerprint[32];

	(void)unused;
	if (d && cert && cert_fingerprint(cert, fingerprint) == 0 &&
		crypto_equal(fingerprint, d->conf.peer_fingerprint, sizeof(fingerprint)))
		return 1;
	X509_STORE_CTX_set_error(store, X509_V_ERR_CERT_REJECTED);
	return 0;
}

/* ---- time ---- */

static unsigned timer_span(SSL *ssl, unsigned last_us)
{
	(void)ssl;
	if (timer_within_reach())
		return ENDLESS_US;
	if (last_us == 0)
		return DTLS_RETRY_FIRST_MS * 1000;
	return last_us >= DTLS_RETRY_MAX_MS * 500u ? DTLS_RETRY_MAX_MS * 1000u : 2 * last_us;
}

/* Returns 0, or -EIO when OpenSSL has had enough: twelve times in a row. */
static int force_retransmit(struct dtls *d)
{
	/* All zero: its timer stands still, there is no flight to repeat (it waits for the rest of the peer's). */
	if (d->ssl_timer && (d->ssl_timer->tv_sec || d->ssl_timer->tv_usec))
		*d->ssl_timer = (struct timeval){.tv_sec = 1};
	return DTLSv1_handle_timeout(d->ssl) < 0 ? -EIO : 0;
}

static void schedule_retry(struct dtls *d, unsigned span_ms, uint64_t now_us)
{
	d->retry_ms = span_ms;
	d->retry_us = now_us + span_ms * UINT64_C(1000);
}

/* ---- the handshake ---- */

/* Let go of OpenSSL's connection; of what it could still do only close_notify is wanted. */
static void become_lean(struct dtls *d)
{
	if (!d->ssl)
		return;
	d->capturing = true;
	SSL_shutdown(d->ssl);
	d->capturing = false;
	d->ssl_timer = NULL;
	SSL_free(d->ssl);
	d->ssl = NULL;
	d->retry_us = UINT64_MAX;
	ERR_clear_error();
}

static void fail(struct dtls *d)
{
	d->state = DTLS_FAILED;
	d->retry_us = UINT64_MAX;
}

/* RFC 5764 s4.2: client key, server key, client salt, server salt. */
static int export_keys(struct dtls *d)
{
	static const char label[] = "EXTRACTOR-dtls_srtp";
	const SRTP_PROTECTION_PROFILE *profile = SSL_get_selected_srtp_profile(d->ssl);
	struct srtp_master *client = d->conf.client ? &d->tx : &d->rx, *server = d->conf.client ? &d->rx : &d->tx;
	uint8_t material[2 * (SRTP_MASTER_KEY_BYTES + SRTP_MASTER_SALT_BYTES)], *at = material;
	size_t salt_bytes;

	if (!profile)
		return -EPROTO; /* the peer does not do DTLS-SRTP */
	d->profile = (enum srtp_profile)profile->id;
	salt_bytes = d->profile == SRTP_PROFILE_AEAD_AES_128_GCM ? 12 : SRTP_MASTER_SALT_BYTES;
	if (SSL_export_keying_material(d->ssl, material, 2 * (SRTP_MASTER_KEY_BYTES + salt_bytes), label,
		    sizeof(label) - 1, NULL, 0, 0) != 1)
		return -EIO;
	memcpy(client->key, at, SRTP_MASTER_KEY_BYTES);
	memcpy(server->key, at += SRTP_MASTER_KEY_BYTES, SRTP_MASTER_KEY_BYTES);
	memcpy(client->salt, at += SRTP_MASTER_KEY_BYTES, salt_bytes);
	memcpy(server->salt, at + salt_bytes, salt_bytes);
	crypto_wipe(material, sizeof(material));
	return 0;
}

static void complete(struct dtls *d, uint64_t now_us)
{
	if (export_keys(d) < 0) {
		fail(d);
		return;
	}
	d->state = DTLS_UP;
	d->retry_us = UINT64_MAX;
	d->linger_us = now_us + DTLS_LINGER_MS * UINT64_C(1000);
	d->linger_limit_us = now_us + DTLS_LINGER_LIMIT_MS * UINT64_C(1000);
	if (d->conf.client)
		become_lean(d);
}

static void step_handshake(struct dtls *d, uint64_t now_us)
{
	int r, error;

	d->wrote = false;
	ERR_clear_error(); /* the queue is the thread's, not the session's */
	r = SSL_do_handshake(d->ssl);
	error = r == 1 ? SSL_ERROR_NONE : SSL_get_error(d->ssl, r);
	ERR_clear_error();
	if (r == 1)
		complete(d, now_us);
	else if (error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE)
		fail(d); /* wrong certificate, fatal alert, no common cipher: OpenSSL has told the peer */
	else if (d->wrote)
		schedule_retry(d, DTLS_RETRY_FIRST_MS, now_us);
}

/* Server, up: OpenSSL answers the client's repeated last flight with ours. Data and alerts mean nothing to a DTLS-SRTP
 * session that is up: the call's end is signalled elsewhere. */
static void step_linger(struct dtls *d, uint64_t now_us)
{
	uint8_t unwanted[256];

	d->wrote = false;
	ERR_clear_error();
	while (SSL_read(d->ssl, unwanted, sizeof(unwanted)) > 0)
		;
	ERR_clear_error();
	if (!d->wrote)
		return;
	d->linger_us = now_us + DTLS_LINGER_MS * UINT64_C(1000);
	if (d->linger_us > d->linger_limit_us)
		d->linger_us = d->linger_limit_us;
}

void dtls_input(struct dtls *d, const void *bytes, size_t length, uint64_t now_us)
{
	if (!d->ssl || d->state == DTLS_FAILED)
		return;
	d->in = bytes;
	d->in_length = length;
	if (d->state == DTLS_UP)
		step_linger(d, now_us);
	else
		step_handshake(d, now_us);
	d->in = NULL;
}

void dtls_tick(struct dtls *d, uint64_t now_us)
{
	unsigned next_ms = d->retry_ms >= DTLS_RETRY_MAX_MS / 2 ? DTLS_RETRY_MAX_MS : 2 * d->retry_ms;

	if (!d->ssl || d->state == DTLS_FAILED)
		return;
	if (d->state == DTLS_UP) {
		if (now_us >= d->linger_us)
			become_lean(d);
		return;
	}
	if (now_us >= d->timeout_us) {
		fail(d);
	} else if (now_us >= d->retry_us) {
		ERR_clear_error();
		schedule_retry(d, next_ms, now_us);
		if (force_retransmit(d) < 0)
			fail(d);
		ERR_clear_error();
	}
}

uint64_t dtls_deadline(const struct dtls *d)
{
	if (!d->ssl || d->state == DTLS_FAILED)
		return UINT64_MAX;
	if (d->state == DTLS_UP)
		return d->linger_us;
	return d->retry_us < d->timeout_us ? d->retry_us : d->timeout_us;
}

enum dtls_state dtls_state(const struct dtls *d)
{
	return d->state;
}

bool dtls_is_lean(const struct dtls *d)
{
	return !d->ssl;
}

void dtls_take_keys(struct dtls *d, struct srtp_conf *conf)
{
	conf->profile = d->profile;
	conf->tx = d->tx;
	conf->rx = d->rx;
	crypto_wipe(&d->tx, sizeof(d->tx));
	crypto_wipe(&d->rx, sizeof(d->rx));
}

void dtls_peer_is_up(struct dtls *d)
{
	if (d->state == DTLS_UP)
		become_lean(d);
}

void dtls_close(struct dtls *d)
{
	if (d->state != DTLS_UP)
		return;
	become_lean(d);
	if (d->close_length)
		d->conf.send(d->conf.arg, d->close_record, d->close_length);
	d->close_length = 0;
}

static int attach(struct dtls *d)
{
	BIO *bio = BIO_new(d->conf.ctx->bio);

	if (!bio)
		return -ENOMEM;
	BIO_set_data(bio, d);
	SSL_set_bio(d->ssl, bio, bio); /* takes the one reference for both */
	SSL_set_app_data(d->ssl, d);
	SSL_set_mtu(d->ssl, DTLS_MTU);
	DTLS_set_timer_cb(d->ssl, timer_span);
	if (d->conf.client)
		SSL_set_connect_state(d->ssl);
	else
		SSL_set_accept_state(d->ssl);
	return 0;
}

int dtls_new(const struct dtls_conf *conf, uint64_t now_us, struct dtls **ret_dtls)
{
	struct dtls *d = calloc(1, sizeof(*d));

	if (!d)
		return -ENOMEM;
	d->conf = *conf;
	d->retry_us = UINT64_MAX;
	d->timeout_us = now_us + DTLS_TIMEOUT_MS * UINT64_C(1000);
	d->ssl = SSL_new(conf->ctx->ssl);
	if (!d->ssl || attach(d) < 0) {
		dtls_free(d);
		return -ENOMEM;
	}
	if (conf->client)
		step_handshake(d, now_us);
	*ret_dtls = d;
	return 0;
}

struct dtls *dtls_free(struct dtls *d)
{
	if (d) {
		SSL_free(d->ssl);
		crypto_wipe(d, sizeof(*d));
		free(d);
	}
	return NULL;
}
