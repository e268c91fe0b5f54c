/* The handshake alone, in virtual time: every datagram lost in turn, the wrong peer, when OpenSSL's connection is let
 * go, and the keys. */
#include "media/webrtc/dtls.h"
#include "media/webrtc/dtls_inner.h"
#include "tests/support/oom.h"

#include <errno.h>
#include <openssl/err.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

enum { CLIENT, SERVER, DELAY_US = 10000, QUEUE_MAX = 64 };

struct wire;
struct side {
	struct wire *wire;
	struct dtls *dtls;
	int self;
};

static struct wire {
	struct side side[2];
	uint64_t now_us;
	int drop;      /* number of the datagram that is lost; -1: none */
	int drop_from; /* -1: counts both sides' datagrams */
	int sent;
	unsigned sent_by[2];
	struct {
		uint64_t at_us;
		int to;
		size_t length;
		uint8_t *bytes;
	} queue[QUEUE_MAX];
	size_t queued;
} w;

static struct dtls_ctx *ctx[2];

static void on_send(void *arg, const void *bytes, size_t length)
{
	struct side *s = arg;
	bool lost = w.sent == w.drop && (w.drop_from < 0 || w.drop_from == s->self);

	assert_true(length <= DTLS_MTU);
	if (w.drop_from < 0 || w.drop_from == s->self)
		w.sent++;
	w.sent_by[s->self]++;
	if (lost)
		return;
	assert_true(w.queued < QUEUE_MAX);
	w.queue[w.queued].at_us = w.now_us + DELAY_US;
	w.queue[w.queued].to = !s->self;
	w.queue[w.queued].length = length;
	w.queue[w.queued].bytes = malloc(length);
	memcpy(w.queue[w.queued++].bytes, bytes, length);
}

static int open_side(int self, const uint8_t *fingerprint)
{
	struct dtls_conf conf = {.ctx = ctx[self], .client = self == CLIENT, .send = on_send, .arg = &w.side[self]};

	w.side[self].self = self;
	if (fingerprint)
		memcpy(conf.peer_fingerprint, fingerprint, sizeof(conf.peer_fingerprint));
	else
		dtls_ctx_fingerprint(ctx[!self], conf.peer_fingerprint);
	return dtls_new(&conf, w.now_us, &w.side[self].dtls);
}

static void open_wire(int drop, int drop_from)
{
	memset(&w, 0, sizeof(w));
	w.now_us = 1000000;
	w.drop = drop;
	w.drop_from = drop_from;
	assert_int_equal(open_side(SERVER, NULL), 0);
	assert_int_equal(open_side(CLIENT, NULL), 0);
}

static bool ended(int self)
{
	return dtls_state(w.side[self].dtls) != DTLS_HANDSHAKING;
}

/* Until both sides' handshakes ended or the time is up. */
static void run(unsigned until_ms, bool stop_when_ended)
{
	uint64_t until_us = 1000000 + until_ms * UINT64_C(1000);

	while (!(stop_when_ended && ended(CLIENT) && ended(SERVER))) {
		uint64_t next = until_us;
		int tick = -1;

		for (int i = 0; i < 2; i++)
			if (dtls_deadline(w.side[i].dtls) < next) {
				next = dtls_deadline(w.side[i].dtls);
				tick = i;
			}
		if (w.queued && w.queue[0].at_us <= next) { /* equal delays: a FIFO */
			uint8_t *bytes = w.queue[0].bytes;
			size_t length = w.queue[0].length;
			int to = w.queue[0].to;

			w.now_us = w.queue[0].at_us;
			memmove(&w.queue[0], &w.queue[1], --w.queued * sizeof(w.queue[0]));
			dtls_input(w.side[to].dtls, bytes, length, w.now_us);
			free(bytes);
			continue;
		}
		w.now_us = next;
		if (tick < 0)
			return;
		dtls_tick(w.side[tick].dtls, w.now_us);
	}
}

static unsigned now_ms(void)
{
	return (unsigned)((w.now_us - 1000000) / 1000);
}

static void close_wire(void)
{
	for (int i = 0; i < 2; i++)
		w.side[i].dtls = dtls_free(w.side[i].dtls);
	for (size_t i = 0; i < w.queued; i++)
		free(w.queue[i].bytes);
	w.queued = 0;
	assert_true(ERR_peek_error() == 0); /* the thread's queue is left clean */
}

static void two_round_trips_and_equal_keys(void **state)
{
	struct srtp_conf keys[2], zero;

	(void)state;
	memset(keys, 0, sizeof(keys));
	open_wire(-1, -1);
	run(1000, true);
	assert_int_equal(now_ms(), 4 * DELAY_US / 1000);
	assert_int_equal(w.sent, 4); /* one datagram a flight: nothing is split */
	for (int i = 0; i < 2; i++) {
		assert_int_equal(dtls_state(w.side[i].dtls), DTLS_UP);
		dtls_take_keys(w.side[i].dtls, &keys[i]);
		assert_int_equal(keys[i].profile, SRTP_PROFILE_AES128_CM_SHA1_80);
	}
	assert_memory_equal(&keys[CLIENT].tx, &keys[SERVER].rx, sizeof(struct srtp_master));
	assert_memory_equal(&keys[CLIENT].rx, &keys[SERVER].tx, sizeof(struct srtp_master));
	assert_memory_not_equal(&keys[CLIENT].rx, &keys[CLIENT].tx, sizeof(struct srtp_master));
	dtls_take_keys(w.side[CLIENT].dtls, &keys[CLIENT]); /* forgotten once taken */
	memset(&zero, 0, sizeof(zero));
	assert_memory_equal(&keys[CLIENT].tx, &zero.tx, sizeof(zero.tx));
	close_wire();
}

/* Whichever of the four flights is lost, it costs one short wait. */
static void any_lost_datagram_costs_a_tenth_of_a_second(void **state)
{
	(void)state;
	for (int drop = 0; drop < 4; drop++) {
		open_wire(drop, -1);
		run(5000, true);
		assert_int_equal(dtls_state(w.side[CLIENT].dtls), DTLS_UP);
		assert_int_equal(dtls_state(w.side[SERVER].dtls), DTLS_UP);
		assert_in_range(now_ms(), 100, 40 + 100 + 20);
		close_wire();
	}
}

static void server_lingers_for_the_last_flight(void **state)
{
	(void)state;
	open_wire(-1, -1);
	run(1000, true);
	assert_true(dtls_is_lean(w.side[CLIENT].dtls));
	assert_false(dtls_is_lean(w.side[SERVER].dtls));
	run(6000, false);
	assert_true(dtls_is_lean(w.side[SERVER].dtls));
	assert_true(dtls_deadline(w.side[SERVER].dtls) == UINT64_MAX);
	close_wire();
	/* or until the client shows that it is up */
	open_wire(-1, -1);
	run(1000, true);
	dtls_peer_is_up(w.side[SERVER].dtls);
	assert_true(dtls_is_lean(w.side[SERVER].dtls));
	assert_int_equal(dtls_state(w.side[SERVER].dtls), DTLS_UP);
	dtls_input(w.side[SERVER].dtls, "\x16\xfe\xfd", 3, w.now_us); /* late: no harm */
	close_wire();
}

static void close_notify_works_lean_and_not(void **state)
{
	(void)state;
	for (int lean = 0; lean < 2; lean++) {
		open_wire(-1, -1);
		run(1000, true);
		if (lean)
			dtls_peer_is_up(w.side[SERVER].dtls);
		for (int i = 0; i < 2; i++) {
			unsigned before = w.sent_by[i];
			dtls_close(w.side[i].dtls);
			assert_int_equal(w.sent_by[i], before + 1);
			assert_int_equal(w.queue[w.queued - 1].bytes[0], 21); /* alert */
			dtls_close(w.side[i].dtls);                           /* once */
			assert_int_equal(w.sent_by[i], before + 1);
		}
		run(2000, false);
		close_wire();
	}
	open_wire(-1, -1);
	dtls_close(w.side[SERVER].dtls);
	assert_int_equal(w.sent_by[SERVER], 0);
	close_wire();
}

static void wrong_fingerprint(void **state)
{
	static const uint8_t other[32] = {1, 2, 3};

	(void)state;
	for (int deceived = CLIENT; deceived <= SERVER; deceived++) {
		memset(&w, 0, sizeof(w));
		w.now_us = 1000000;
		w.drop = -1;
		w.drop_from = -1;
		assert_int_equal(open_side(SERVER, deceived == SERVER ? other : NULL), 0);
		assert_int_equal(open_side(CLIENT, deceived == CLIENT ? other : NULL), 0);
		run(1000, true);
		assert_int_equal(dtls_state(w.side[CLIENT].dtls), DTLS_FAILED);
		assert_int_equal(dtls_state(w.side[SERVER].dtls), DTLS_FAILED);
		assert_true(now_ms() <= 40);
		close_wire();
	}
}

static void silent_peer(void **state)
{
	(void)state;
	memset(&w, 0, sizeof(w));
	w.now_us = 1000000;
	w.drop = -1;
	assert_int_equal(open_side(SERVER, NULL), 0); /* and no client ever comes */
	w.side[CLIENT].dtls = NULL;
	assert_true(dtls_deadline(w.side[SERVER].dtls) == w.now_us + DTLS_TIMEOUT_MS * UINT64_C(1000));
	dtls_tick(w.side[SERVER].dtls, dtls_deadline(w.side[SERVER].dtls));
	assert_int_equal(dtls_state(w.side[SERVER].dtls), DTLS_FAILED);
	close_wire();
	/* a client's attempts: 0, 100, 300, 700, 1500, 2500, ... until OpenSSL's twelve are used up */
	memset(&w, 0, sizeof(w));
	w.now_us = 1000000;
	w.drop = -1;
	assert_int_equal(open_side(CLIENT, NULL), 0);
	while (dtls_state(w.side[CLIENT].dtls) == DTLS_HANDSHAKING) {
		w.now_us = dtls_deadline(w.side[CLIENT].dtls);
		dtls_tick(w.side[CLIENT].dtls, w.now_us);
		if (w.sent_by[CLIENT] == 5)
			assert_int_equal(now_ms(), 1500);
	}
	assert_in_range(now_ms(), 8000, DTLS_TIMEOUT_MS);
	assert_in_range(w.sent_by[CLIENT], 12, 15);
	w.side[SERVER].dtls = NULL;
	close_wire();
}

/* A peer that speaks DTLS but not DTLS-SRTP. */
static void peer_without_srtp(void **state)
{
	struct dtls_ctx *plain;

	(void)state;
	assert_int_equal(dtls_ctx_new(&plain), 0);
	SSL_CTX_set_options(plain->ssl, SSL_OP_NO_QUERY_MTU);
	SSL_CTX_free(plain->ssl);
	plain->ssl = SSL_CTX_new(DTLS_method());
	EVP_PKEY *key;
	X509 *cert;
	assert_int_equal(cert_new(&key, &cert), 0);
	assert_int_equal(cert_fingerprint(cert, plain->fingerprint), 0);
	SSL_CTX_use_certificate(plain->ssl, cert);
	SSL_CTX_use_PrivateKey(plain->ssl, key);
	SSL_CTX_set_options(plain->ssl, SSL_OP_NO_QUERY_MTU);
	EVP_PKEY_free(key);
	X509_free(cert);
	struct dtls_ctx *kept = ctx[SERVER];
	ctx[SERVER] = plain;
	open_wire(-1, -1);
	run(1000, false);
	assert_int_equal(dtls_state(w.side[CLIENT].dtls), DTLS_FAILED);
	close_wire();
	ctx[SERVER] = kept;
	dtls_ctx_free(plain);
}

static void certificate(void **state)
{
	uint8_t fingerprint[2][32];

	(void)state;
	dtls_ctx_fingerprint(ctx[0], fingerprint[0]);
	dtls_ctx_fingerprint(ctx[1], fingerprint[1]);
	assert_memory_not_equal(fingerprint[0], fingerprint[1], 32);
	X509 *cert = SSL_CTX_get0_certificate(ctx[0]->ssl);
	assert_int_equal(EVP_PKEY_get_bits(X509_get0_pubkey(cert)), 256);
	assert_int_equal(X509_verify(cert, X509_get0_pubkey(cert)), 1);
	assert_null(dtls_ctx_free(NULL));
	assert_null(dtls_free(NULL));
}

static void out_of_memory(void **state)
{
	(void)state;
	for (unsigned n = 1; oom_next(n); n++) {
		struct dtls_ctx *c = NULL;
		int r = dtls_ctx_new(&c);
		assert_int_equal(r, oom_off() ? -ENOMEM : 0);
		dtls_ctx_free(c);
	}
	for (unsigned n = 1; oom_next(n); n++) {
		memset(&w, 0, sizeof(w));
		int r = open_side(SERVER, NULL);
		assert_int_equal(r, oom_off() ? -ENOMEM : 0);
		close_wire();
	}
}

static int make_contexts(void **state)
{
	(void)state;
	return dtls_ctx_new(&ctx[0]) || dtls_ctx_new(&ctx[1]);
}

static int free_contexts(void **state)
{
	(void)state;
	dtls_ctx_free(ctx[0]);
	dtls_ctx_free(ctx[1]);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(two_round_trips_and_equal_keys),
		cmocka_unit_test(any_lost_datagram_costs_a_tenth_of_a_second),
		cmocka_unit_test(server_lingers_for_the_last_flight),
		cmocka_unit_test(close_notify_works_lean_and_not),
		cmocka_unit_test(wrong_fingerprint),
		cmocka_unit_test(silent_peer),
		cmocka_unit_test(peer_without_srtp),
		cmocka_unit_test(certificate),
		cmocka_unit_test(out_of_memory),
	};
	return cmocka_run_group_tests(tests, make_contexts, free_contexts);
}
