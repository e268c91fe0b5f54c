/* events/receiver.h
 *
 * Brings the outbox's events to one receiver: which are due, requests on their way, what to do with answers. Internal
 * to events/.
 *
 *   store_due_events() --> slot: SENDING --answer--> TELLING the store --told--> free
 *        ^                                             (again when its queue is full)
 *        +-- a new event, a free slot, the next one due, the end of a pause
 *
 * A receiver that does not answer at all, or says 429 or 503, is paused as a whole, longer each time, and then tried
 * with one request. One that refuses a single event (500) goes on with the others; that event's subject waits.
 */
#ifndef EVENTS_RECEIVER_H
#define EVENTS_RECEIVER_H

#include "events/events.h"

struct receiver;

/* conf: with its zeros replaced by the defaults; borrowed, as loop, http and store. */
int receiver_new(struct loop *l, struct http_client *http, struct store *store, const struct events_conf *conf,
	const struct events_receiver *from, struct receiver **ret_receiver);
const char *receiver_name(const struct receiver *r);
const char *receiver_tenant(const struct receiver *r); /* "": it is told everybody's */
bool receiver_wants(const struct receiver *r, const char *tenant, const char *type);
/* There may be something to send. */
void receiver_pump(struct receiver *r);
/* And if it is paused, that is over. */
void receiver_kick(struct receiver *r);
size_t receiver_pending(const struct receiver *r);
struct receiver *receiver_free(struct receiver *r);

#endif
