/* webhook/receiver.c
 *
 * The endpoint. A delivery that is not answered in time counts as failed and comes again, so the answer never waits for
 * the call logic:
 *
 *   POST -> signature over the raw bytes -> is it JSON? -> 200 goes out -> its events, one by one
 *
 * Except for messages, which must not be lost once Meta has its 200 (and it waits about 20 s for that):
 *
 *   POST -> ... -> events of calls in it -> on_keep -> (peer may go) -> webhook_delivery_done -> 200 or 503
 */
#include "webhook/receiver.h"

#include "lib/base/counter.h"
#include "lib/base/crypto.h"
#include "lib/base/str.h"
#include "lib/http/http_server.h"
#include "webhook/document.h"
#include "webhook/keep.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <utlist.h>

enum {
	BODY_MAX_BYTES = 3 << 20, /* Meta: "up to 3 MB" */
	CONNECTIONS_MAX = 512,
	IDLE_TIMEOUT_S = 30,
};

struct webhook_receiver {
	struct webhook_receiver_conf conf; /* with copies of its texts */
	char *path, *verify_token;
	char **secrets;
	struct http_server *server;
	struct webhook_delivery *kept; /* waiting for webhook_delivery_done() */
	bool closing;
};

/* A delivery whose answer is on its way. */
struct answered {
	struct webhook_receiver *receiver;
	struct webhook_document *doc;
	size_t secret_index;
	struct addr peer;
};

/* A delivery whose answer waits until its messages are kept. */
struct webhook_delivery {
	struct webhook_receiver *receiver;
	struct http_request *req; /* NULL: the peer went away */
	struct webhook_delivery *prev, *next;
};

static void reply_text(struct http_request *req, unsigned status, const char *text)
{
	static const char *const headers[] = {"X-Content-Type-Options: nosniff", "Cache-Control: no-store", NULL};
	http_reply(req, status, "text/plain", text, strlen(text), headers);
}

static void report_fault(struct webhook_receiver *r, const char *what, const struct addr *peer)
{
	if (r->conf.on_fault)
		r->conf.on_fault(what, peer, r->conf.arg);
}

static bool token_ok(const struct webhook_receiver *r, const char *token)
{
	uint8_t a[32], b[32];
	if (!token || !*r->verify_token)
		return false;
	crypto_sha256(token, strlen(token), a); /* equal lengths, so that the time does not tell ours */
	crypto_sha256(r->verify_token, strlen(r->verify_token), b);
	return crypto_equal(a, b, sizeof(a));
}

/* Meta: webhooks, "Verification requests". */
static void on_handshake(struct webhook_receiver *r, struct http_request *req)
{
	const char *challenge = http_request_query(req, "hub.challenge");
	struct addr peer = *http_request_peer(req);

	if (challenge && str_equal(http_request_query(req, "hub.mode"), "subscribe") &&
		token_ok(r, http_request_query(req, "hub.verify_token"))) {
		reply_text(req, 200, challenge);
		return;
	}
	counter_inc(CNT_WEBHOOK_BAD_VERIFY);
	reply_text(req, 403, "verify token\n");
	report_fault(r, "bad verify token", &peer);
}

static void tell_any(const struct wa_event *ev, const struct webhook_place *place, void *arg)
{
	const struct webhook_receiver *r = arg;
	(void)place;
	r->conf.on_event(ev, r->conf.arg);
}

static void tell_not_kept(const struct wa_event *ev, const struct webhook_place *place, void *arg)
{
	if (!webhook_is_kept(ev->kind))
		tell_any(ev, place, arg);
}

static void tell_events(struct webhook_receiver *r, const struct webhook_document *doc, size_t secret_index,
	webhook_walk_fn *tell, const struct addr *peer)
{
	struct webhook_parse_report report;

	webhook_document_walk(doc, secret_index, tell, r, &report);
	if (report.what[0])
		report_fault(r, report.what, peer);
}

/* The 200 is out. */
static void on_answered(void *arg)
{
	struct answered *d = arg;

	if (!d->receiver->closing)
		tell_events(d->receiver, d->doc, d->secret_index, tell_any, &d->peer);
	webhook_document_free(d->doc);
	free(d);
}

static void reply_later(struct webhook_receiver *r, struct http_request *req)
{
	struct addr peer = *http_request_peer(req);
	reply_text(req, 503, "later\n"); /* it will be sent again */
	report_fault(r, "out of memory", &peer);
}

/* Takes doc. */
static void answer_first(
	struct webhook_receiver *r, struct http_request *req, struct webhook_document *doc, size_t secret_index)
{
	struct answered *d = calloc(1, sizeof(*d));

	if (!d) {
		webhook_document_free(doc);
		reply_later(r, req);
		return;
	}
	*d = (struct answered){
		.receiver = r, .doc = doc, .secret_index = secret_index, .peer = *http_request_peer(req)};
	http_request_on_done(req, on_answered, d);
	reply_text(req, 200, "ok\n");
}

/* ---- messages: kept first ---- */

static void on_gone(void *arg)
{
	struct webhook_delivery *d = arg;
	d->req = NULL;
}

static void delivery_free(struct webhook_delivery *d)
{
	DL_DELETE(d->receiver->kept, d);
	free(d);
}

void webhook_delivery_done(struct webhook_delivery *d, bool kept)
{
	if (d->req)
		reply_text(d->req, kept ? 200 : 503, kept ? "ok\n" : "later\n");
	delivery_free(d);
}

/* The events of calls come first, whatever becomes of the messages: a delivery that comes again brings them too late.
 */
static void keep_first(struct webhook_receiver *r, struct http_request *req, const struct webhook_document *doc,
	size_t secret_index, const struct webhook_keep *keep)
{
	struct addr peer = *http_request_peer(req);
	struct webhook_delivery *d = keep->error ? NULL : calloc(1, sizeof(*d));

	tell_events(r, doc, secret_index, tell_not_kept, &peer);
	if (d) {
		d->receiver = r;
		d->req = req;
		DL_APPEND(r->kept, d);
		http_request_on_gone(req, on_gone, d);
		r->conf.on_keep(keep->items, keep->count, d, r->conf.arg);
		return;
	}
	if (keep->error != -EMSGSIZE) {
		reply_later(r, req);
		return;
	}
	reply_text(req, 400, "messages\n");
	report_fault(r, "messages too long", &peer);
}

/* Takes doc. */
static void on_document(
	struct webhook_receiver *r, struct http_request *req, struct webhook_document *doc, size_t secret_index)
{
	struct webhook_keep keep = {0};
	int e = r->conf.on_keep ? webhook_keep_collect(doc, secret_index, &keep) : 0;

	if (e == 0 && !keep.count) {
		answer_first(r, req, doc, secret_index);
	} else {
		keep_first(r, req, doc, secret_index, &keep);
		webhook_document_free(doc);
	}
	webhook_keep_done(&keep);
}

static void on_delivery(struct webhook_receiver *r, struct http_request *req, size_t secret_index)
{
	struct addr peer = *http_request_peer(req);
	struct webhook_document *doc;
	char what[128];
	size_t length;
	const uint8_t *body = http_request_body(req, &length);
	int e = webhook_document_load(body, length, &doc, what);

	if (e == 0) {
		on_document(r, req, doc, secret_index);
	} else if (e == -ENOMEM) {
		reply_later(r, req);
	} else {
		counter_inc(CNT_WEBHOOK_BAD_JSON);
		reply_text(req, 400, "body\n");
		report_fault(r, what, &peer);
	}
}

static void on_post(struct webhook_receiver *r, struct http_request *req)
{
	size_t length, index;
	const uint8_t *body = http_request_body(req, &length);
	const char *signature = http_request_header(req, "X-Hub-Signature-256");
	struct addr peer = *http_request_peer(req);

	if (webhook_signature_find(
		    signature, body, length, (const char *const *)r->secrets, r->conf.app_secret_count, &index)) {
		counter_inc(CNT_WEBHOOK_POSTS);
		on_delivery(r, req, index);
		return;
	}
	counter_inc(CNT_WEBHOOK_BAD_SIGNATURE);
	reply_text(req, 401, "signature\n");
	report_fault(r, signature ? "bad signature" : "no signature", &peer);
}

static void on_request(struct http_request *req, void *arg)
{
	static const char *const allow[] = {"Allow: GET, POST", NULL};
	struct webhook_receiver *r = arg;

	if (!str_equal(http_request_path(req), r->path))
		reply_text(req, 404, "not found\n");
	else if (str_equal(http_request_method(req), "GET"))
		on_handshake(r, req);
	else if (str_equal(http_request_method(req), "POST"))
		on_post(r, req);
	else
		http_reply(req, 405, NULL, "method\n", 7, allow);
}

static int copy_secrets(struct webhook_receiver *r, const struct webhook_receiver_conf *conf)
{
	r->secrets = calloc(conf->app_secret_count, sizeof(*r->secrets));
	if (!r->secrets)
		return -ENOMEM;
	for (size_t i = 0; i < conf->app_secret_count; i++) {
		if (!conf->app_secrets[i] || !*conf->app_secrets[i])
			return -EINVAL; /* an empty key would let anybody sign */
		r->secrets[i] = strdup(conf->app_secrets[i]);
		if (!r->secrets[i])
			return -ENOMEM;
	}
	return 0;
}

static int receiver_setup(struct webhook_receiver *r, const struct webhook_receiver_conf *conf)
{
	r->conf = *conf;
	r->path = strdup(conf->path);
	r->verify_token = strdup(conf->verify_token);
	if (!r->path || !r->verify_token)
		return -ENOMEM;
	return copy_secrets(r, conf);
}

int webhook_receiver_new(
	struct loop *l, const struct webhook_receiver_conf *conf, struct webhook_receiver **ret_receiver)
{
	struct webhook_receiver *r;
	struct http_server_conf http = {.listen = conf->listen,
		.max_body_bytes = BODY_MAX_BYTES,
		.max_connections = CONNECTIONS_MAX,
		.idle_timeout_s = IDLE_TIMEOUT_S,
		.on_request = on_request};
	int e;

	if (!conf->path || conf->path[0] != '/' || !conf->verify_token || !conf->on_event || !conf->app_secret_count)
		return -EINVAL;
	r = calloc(1, sizeof(*r));
	if (!r)
		return -ENOMEM;
	e = receiver_setup(r, conf);
	http.arg = r;
	if (e == 0)
		e = http_server_new(l, &http, &r->server);
	if (e) {
		webhook_receiver_free(r);
		return e;
	}
	*ret_receiver = r;
	return 0;
}

int webhook_receiver_add_secret(struct webhook_receiver *r, const char *secret, size_t *ret_index)
{
	size_t count = r->conf.app_secret_count;
	char **grown;

	for (size_t i = 0; i < count; i++) {
		if (strcmp(r->secrets[i], secret) == 0) {
			*ret_index = i;
			return 0;
		}
	}
	grown = realloc(r->secrets, (count + 1) * sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	r->secrets = grown;
	grown[count] = strdup(secret);
	if (!grown[count])
		return -ENOMEM;
	r->conf.app_secret_count++;
	*ret_index = count;
	return 0;
}

void webhook_receiver_addr(const struct webhook_receiver *r, struct addr *ret_addr)
{
	http_server_addr(r->server, ret_addr);
}

static void free_secret(char *secret)
{
	if (secret)
		crypto_wipe(secret, strlen(secret));
	free(secret);
}

struct webhook_receiver *webhook_receiver_free(struct webhook_receiver *r)
{
	if (!r)
		return NULL;
	r->closing = true;
	http_server_free(r->server);
	while (r->kept)
		delivery_free(r->kept);
	for (size_t i = 0; r->secrets && i < r->conf.app_secret_count; i++)
		free_secret(r->secrets[i]);
	free(r->secrets);
	free_secret(r->verify_token);
	free(r->path);
	free(r);
	return NULL;
}
