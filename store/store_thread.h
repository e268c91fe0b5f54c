/* store/store_thread.h
 *
 * The store thread: takes requests from the control thread, writes them in order and in batches, answers. Private to
 * store/.
 *
 * A write that fails waits and is tried again with growing pauses, up to WRITE_ATTEMPTS times (about ten minutes), then
 * it is given up and counted (CNT_STORE_ERRORS). Meanwhile new writes queue behind it, up to PENDING_MAX; beyond that
 * the newest is lost and counted (CNT_STORE_QUEUE_FULL). Questions are answered even while writing fails.
 */
#ifndef STORE_STORE_THREAD_H
#define STORE_STORE_THREAD_H

#include "store/sqlite.h"

enum { STORE_WHY_MAX = 256 };

enum request_kind { REQUEST_RECORD, REQUEST_LIVE, REQUEST_FORGET, REQUEST_FLUSH, REQUEST_FIND, REQUEST_STOP };

/* On the heap, but for the stop request, which is nobody's; belongs to the control thread until it is in the mailbox,
 * then to the store thread, which frees it or, for the kinds with an answer (flush, find), gives it back. */
struct store_request {
	enum request_kind kind;
	union {
		struct call_record *record; /* owned */
		struct live_call live;
		struct {
			struct live_call *list; /* owned */
			size_t count;
		} forget;
		struct store_query query;
	} u;
	void (*on_flushed)(void *arg);
	void (*on_found)(int status, const struct call_record *const *records, size_t count, void *arg);
	void *arg;
	/* the answer to a find; the records are owned */
	int status;
	struct call_record **records;
	size_t count, cap;
	/* store thread only */
	struct store_request *next;
	unsigned attempts;
	bool is_new;  /* the record was not there before */
	bool refused; /* the database will never take it */
};
struct store_request *store_request_free(struct store_request *q); /* accepts NULL; returns NULL */

/* Store thread -> control thread, by value. */
struct store_answer {
	struct store_request *request; /* changes owner; NULL: this is about the health of the database */
	int status;                    /* health: 0 writing works again, or why it fails */
	char why[STORE_WHY_MAX];
};

struct store_thread_conf {
	struct db *db;          /* taken over: closed when the thread ends */
	struct mailbox *in;     /* of struct store_request *; the last is REQUEST_STOP */
	struct mailbox *out;    /* of struct store_answer */
	size_t answers_reserve; /* the control thread never waits for more answers than this: their room in `out` is
				   kept free */
};

struct store_thread;
int store_thread_new(const struct store_thread_conf *conf, struct store_thread **ret_t);
/* After REQUEST_STOP was sent: wait for the last writes (a few seconds at most when the database refuses them). Accepts
 * NULL. */
struct store_thread *store_thread_free(struct store_thread *t);

#endif
