/* store/outbox_rows.h
 *
 * The table `outbox`: its rows, their order, their bounds. Private to store/; store thread, inside a transaction where
 * it writes.
 */
#ifndef STORE_OUTBOX_ROWS_H
#define STORE_OUTBOX_ROWS_H

#include "store/outbox.h"

struct db;

/* Values of the column `state`. */
enum event_state {
	EVENT_BEHIND, /* waits for an earlier one of the same receiver and subject */
	EVENT_FRONT,  /* goes when next_ms has come */
	EVENT_DEAD,
};

enum { OUTBOX_KEEP_DAYS = 30 }; /* whatever its state: bodies name people */

/* What a transaction did to events; to be counted when it is committed. */
struct outbox_toll {
	uint64_t dead, lost;
};

int db_put_event(struct db *db, const struct outbox_event *e, struct outbox_toll *toll);
int db_event_delivered(struct db *db, int64_t seq);
int db_event_retry(struct db *db, int64_t seq, uint64_t next_ms, const char *error);
int db_event_dead(struct db *db, int64_t seq, const char *error, struct outbox_toll *toll);
int db_revive_events(struct db *db, const char *receiver, int64_t seq, size_t *ret_count);

/* The event and its body are valid inside fn; a non-zero answer of fn ends the walk and is returned. */
int db_due_events(struct db *db, const char *receiver, uint64_t now_ms, unsigned limit,
	int (*fn)(const struct outbox_event *e, void *arg), void *arg, uint64_t *ret_next_due_ms);
int db_dead_events(struct db *db, const char *receiver, unsigned limit,
	int (*fn)(const struct outbox_event *e, void *arg), void *arg);

/* For the tests, which ask SQLite how it would go about them. */
extern const char outbox_due_sql[], outbox_dead_sql[], outbox_first_sql[], outbox_oldest_sql[];

#endif
