/* store/request.h
 *
 * What travels from the control thread to the store thread and, when somebody waits for an answer, back. A request
 * begins with struct store_request; what else is in it is known to its kind alone, the functions of one static const
 * struct request_kind beside the public function that makes the request. Private to store/.
 */
#ifndef STORE_REQUEST_H
#define STORE_REQUEST_H

#include "lib/base/counter.h"
#include "store/store.h"

struct db;
struct store_request;

enum request_lane {
	LANE_WRITE, /* in order, in batches, tried again when it fails */
	LANE_MARK,  /* nothing to write: answered when all before it is written or given up */
	LANE_READ,  /* answered at once, also while writing fails */
	LANE_STOP,
};

enum {
	PATIENT_MS = 600000, /* nobody waits: kept about ten minutes for a database that refuses */
	IMPATIENT_MS = 5000, /* somebody waits for the answer: a caller, or Meta's HTTP request */
};

struct request_kind {
	enum request_lane lane;
	unsigned patience_ms; /* LANE_WRITE: how long a failure is tried again */
	/* LANE_WRITE: something was promised on the strength of it (Meta was told that we have the message), so that it
	 * must outlive a power cut too: synced to the disk before the answer. */
	bool durable;
	bool yields;       /* LANE_WRITE: leaves half of every queue to the others */
	bool after_writes; /* LANE_READ: of no use while writes wait: then answered with the reason of their failure */
	enum counter lost; /* counted when it is given up or finds no room in the store thread */
	/* Store thread. A write runs inside a transaction and may run again when that failed: it sets all its results
	 * anew. -EINVAL: can never be written. */
	int (*run)(struct db *db, struct store_request *q);
	void (*written)(struct store_request *q); /* store thread, after the commit; NULL: nothing to do */
	void (*deliver)(struct store_request *q); /* control thread: call the asker; q->status */
	void (*done)(struct store_request *q);    /* free what it owns but not itself; NULL: nothing */
};

/* On the heap, but for the stop request, which is nobody's; belongs to the control thread until it is sent, then to the
 * store thread, which frees it or, when it is to be answered, gives it back. */
struct store_request {
	const struct request_kind *kind;
	size_t bytes;    /* of memory */
	unsigned weight; /* rows that it writes, about */
	bool answered;   /* goes back to the control thread */
	int status;      /* the answer */
	void *arg;       /* of the callback, which is in the kind's own struct */
	/* store thread only: */
	struct store_request *next;
	uint64_t give_up_us;
	bool refused; /* the database will never take it */
};
struct store_request *store_request_free(struct store_request *q); /* accepts NULL; returns NULL */

/* Control thread. A zeroed request of so many bytes for which there is room in the queue (and for its answer), to be
 * sent at once; ret_request is a pointer to a pointer to it. Returns 0, -EAGAIN or -ENOMEM. */
int store_request_new(
	struct store *s, const struct request_kind *kind, bool answered, size_t bytes, struct store_request **ret_q);
void store_request_send(struct store *s, struct store_request *q);

/* For start-up: read rows of a previous run on a connection of its own. fn: one of the functions of the header named.
 * Returns 0 or negative errno; nothing to read in a database in memory. */
int store_load(const struct store *s, int (*fn)(struct db *db, void *arg), void *arg);

#endif
