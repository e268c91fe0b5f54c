/* store/outbox.h
 *
 * Events on their way out, one row for each (event, receiver): delivered at least once, in order for each subject, kept
 * on disk until a receiver has taken them or they are dead. Bounded: at OUTBOX_MAX waiting rows the oldest waiting one
 * becomes dead, and of dead ones the oldest goes, as does whatever is 30 days old (both counted: CNT_EVENTS_DEAD,
 * CNT_EVENTS_LOST). Owner: control thread; conventions as in store_dial.h.
 */
#ifndef STORE_OUTBOX_H
#define STORE_OUTBOX_H

#include "store/store.h"

enum { OUTBOX_MAX = 100000, OUTBOX_DEAD_MAX = 10000, OUTBOX_BODY_MAX = 16384 };

struct outbox_event {
	int64_t seq;       /* order of all; given by the store */
	char receiver[64]; /* name in the configuration */
	char id[40];       /* of the event; the same for all receivers */
	char subject[64];  /* call id, or user: what order is kept for; "" none */
	char type[48];
	const char *body; /* JSON, at most OUTBOX_BODY_MAX */
	uint64_t created_ms, next_ms;
	unsigned attempts;
	char error[128]; /* of the last attempt, "" none */
};
/* seq, next_ms (created_ms: at once), attempts and error are not read. Fire and forget: what does not fit the queue, of
 * which events may take half, is counted lost. -EMSGSIZE: the body is too long. */
int store_put_event(struct store *s, const struct outbox_event *e);
/* Waiting rows of a receiver with next_ms <= now_ms whose subject has no earlier waiting row, the longest due first, at
 * most limit (<= 100). next_due_ms: when the next one is due after these, UINT64_MAX none. What is being sent is given
 * again until it is reported. Asked while the database refuses writes, the answer is that error: ask again later, since
 * what has been delivered would look due. */
int store_due_events(struct store *s, const char *receiver, uint64_t now_ms, unsigned limit,
	void (*fn)(int status, const struct outbox_event *events, size_t count, uint64_t next_due_ms, void *arg),
	void *arg);
int store_event_delivered(struct store *s, int64_t seq);
int store_event_retry(struct store *s, int64_t seq, uint64_t next_ms, const char *error); /* attempts + 1 */
int store_event_dead(struct store *s, int64_t seq, const char *error);                    /* attempts + 1 */
/* Newest dead ones first, for people, at most limit (<= 100); and back to waiting, in their old place in the order (all
 * of a receiver when seq is 0, as far as OUTBOX_MAX allows). fn gives how many. */
int store_dead_events(struct store *s, const char *receiver, unsigned limit,
	void (*fn)(int status, const struct outbox_event *events, size_t count, uint64_t next_due_ms, void *arg),
	void *arg);
int store_revive_events(
	struct store *s, const char *receiver, int64_t seq, void (*fn)(int status, size_t count, void *arg), void *arg);

#endif
