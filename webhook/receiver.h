/* webhook/receiver.h
 *
 * The HTTP endpoint that Meta calls: subscription handshake, signature over the raw bytes, 200 first, then the events.
 * Answers 404 for other paths, 405 for other methods. Owner: control thread.
 */
#ifndef WEBHOOK_RECEIVER_H
#define WEBHOOK_RECEIVER_H

#include "lib/base/addr.h"
#include "webhook/parse.h"

struct loop;
struct webhook_receiver;
struct webhook_delivery;

/* One message, as a delivery of its own: JSON that webhook_parse() takes and makes exactly one event of. Borrowed. */
struct webhook_item {
	const char *message_id; /* wamid: the same message may be delivered again */
	const char *phone_number_id;
	size_t secret_index; /* as in wa_event; the JSON does not say it: check it before keeping */
	const char *json;
	size_t length;
};

struct webhook_receiver_conf {
	struct addr listen;
	const char *path; /* "/webhook" */
	const char *verify_token;
	const char *const *app_secrets; /* every configured app's; each is tried, constant time */
	size_t app_secret_count;
	void (*on_event)(const struct wa_event *ev, void *arg); /* after the 200 was queued */
	/* Messages and permission replies must be on disk before Meta gets its 200. When set, they do not go to
	 * on_event: all of one delivery are given here first, and the 200 (or, failing that, a 503, so that Meta sends
	 * it again) waits for webhook_delivery_done(). Calls of the same delivery are not held back: their events go to
	 * on_event at once, before the answer. items are borrowed for the call. NULL: messages go to on_event. */
	void (*on_keep)(const struct webhook_item *items, size_t count, struct webhook_delivery *delivery, void *arg);
	/* A delivery that was refused or only partly understood, for one log line. what: "bad signature", or the parse
	 * fault. May be NULL. */
	void (*on_fault)(const char *what, const struct addr *peer, void *arg);
	void *arg;
};

/* Copies what it needs. Returns 0, -EADDRINUSE, -EINVAL, -ENOMEM. */
int webhook_receiver_new(
	struct loop *l, const struct webhook_receiver_conf *conf, struct webhook_receiver **ret_receiver);
/* One more app whose signature is taken; one that is known already is found. Returns 0 or -ENOMEM; *ret_index as in
 * wa_event.secret_index. */
int webhook_receiver_add_secret(struct webhook_receiver *r, const char *secret, size_t *ret_index);
void webhook_receiver_addr(const struct webhook_receiver *r, struct addr *ret_addr);
struct webhook_receiver *webhook_receiver_free(struct webhook_receiver *r);

/* Exactly once for each on_keep(), from within it or later, also when Meta has hung up meanwhile; not after
 * webhook_receiver_free(), which closes what is open without an answer: Meta sends it again. */
void webhook_delivery_done(struct webhook_delivery *delivery, bool kept);

/* header: value of X-Hub-Signature-256, or NULL. True when it is the HMAC-SHA-256 of the body under any of the secrets.
 */
bool webhook_signature_ok(
	const char *header, const void *body, size_t length, const char *const *secrets, size_t secret_count);
/* And of which: the first that fits. */
bool webhook_signature_find(const char *header, const void *body, size_t length, const char *const *secrets,
	size_t secret_count, size_t *ret_index);

#endif
