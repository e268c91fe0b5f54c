/* store/store_thread.h
 *
 * The store thread: takes requests from the control thread, writes them in order and in batches, answers. Private to
 * store/.
 *
 * A write that fails waits and is tried again with growing pauses for as long as its kind has patience, then it is
 * given up and counted. Meanwhile new writes queue behind it, up to PENDING_MAX; beyond that the newest is lost and
 * counted (CNT_STORE_QUEUE_FULL, or what its kind says). Questions are answered even while writing fails. An answer to
 * a write comes after the commit, or when it is given up.
 */
#ifndef STORE_STORE_THREAD_H
#define STORE_STORE_THREAD_H

#include "store/request.h"
#include "store/sqlite.h"

enum { STORE_WHY_MAX = 256 };

/* Store thread -> control thread, by value. */
struct store_answer {
	struct store_request *request; /* changes owner; NULL: this is about the health of the database */
	int status;                    /* health: 0 writing works again, or why it fails */
	char *why;                     /* health: malloc'd, changes owner; NULL: no memory for it */
};

struct store_thread_conf {
	struct db *db;          /* taken over: closed when the thread ends */
	struct mailbox *in;     /* of struct store_request *; the last is of LANE_STOP */
	struct mailbox *out;    /* of struct store_answer */
	size_t answers_reserve; /* the control thread never waits for more answers than this: their room in `out` is
				   kept free */
};

struct store_thread;
int store_thread_new(const struct store_thread_conf *conf, struct store_thread **ret_t);
/* After the stop request was sent: wait for the last writes (a few seconds at most when the database refuses them).
 * Accepts NULL. */
struct store_thread *store_thread_free(struct store_thread *t);

#endif
