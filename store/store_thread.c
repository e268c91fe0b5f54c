/* The store thread: one loop that sleeps until a request comes or a retry is due.
 *
 *   mailbox in --> pending writes and marks, in order --> one transaction of about BATCH_MAX rows --> done, answered
 *             \                          ^______ failed: wait, again _________|
 *               `-> reads: answered at once, after what came before them was tried
 */
#include "store/store_thread.h"

#include "lib/base/assert.h"
#include "lib/base/clock.h"
#include "lib/base/counter.h"
#include "lib/base/mailbox.h"
#include "lib/base/thread.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	BATCH_MAX = 256,           /* rows in one transaction: some milliseconds */
	PENDING_MAX = 4096,        /* writes waiting for a database that refuses them: 4 KiB each without SDP */
	RETRY_MIN_MS = 100,        /* pause after the first failure, doubled after each further one ... */
	RETRY_MAX_MS = 10000,      /* ... up to this, ... */
	RETRY_IMPATIENT_MS = 1000, /* ... or this while somebody waits for an answer */
	CLOSING_RETRY_MS = 200,    /* at most, once we were told to stop */
	CLOSING_MS = 3000,         /* then what still cannot be written is lost */
};

struct store_thread {
	struct store_thread_conf conf;
	struct thread *thread;
	/* store thread only: */
	struct store_request *head, **tail; /* pending, oldest first */
	size_t pending, impatient;          /* how many; of these, how many will not wait long */
	struct store_request *reads, **reads_tail;
	uint64_t retry_at_us; /* 0: no failure to wait for */
	unsigned failures;    /* in a row */
	int failure;          /* the last one; 0: writing works */
	bool more;            /* the mailbox may hold more */
	bool stopping;
	uint64_t give_up_at_us; /* when stopping */
	bool reported_ill;
};

struct store_request *store_request_free(struct store_request *q)
{
	if (q && q->kind->done)
		q->kind->done(q);
	free(q);
	return NULL;
}

/* The end of a request here: answered, or freed when nobody waits. */
static void conclude(struct store_thread *t, struct store_request *q, int status)
{
	struct store_answer a = {.request = q};

	if (!q->answered) {
		store_request_free(q);
		return;
	}
	q->status = status;
	ASSERT(mailbox_put(t->conf.out, &a) == 0); /* room was reserved by the control thread */
}

static void lose(struct store_thread *t, struct store_request *q, int status)
{
	counter_inc(q->kind->lost);
	conclude(t, q, status);
}

/* Tell the control thread once when writing begins to fail, and once when it works again. */
static void report_health(struct store_thread *t, int status)
{
	struct store_answer a = {.status = status};
	char why[STORE_WHY_MAX];

	if ((status < 0) == t->reported_ill || !mailbox_has_room(t->conf.out, t->conf.answers_reserve + 1))
		return; /* no room: said with the next failure or success */
	if (status < 0) {
		snprintf(why, sizeof(why), "%s: cannot write: %s", db_path(t->conf.db), db_words(status));
		a.why = strdup(why);
	}
	ASSERT(mailbox_put(t->conf.out, &a) == 0); /* seen above */
	t->reported_ill = status < 0;
}

/* ---- pending writes ---- */

static bool is_impatient(const struct store_request *q)
{
	return q->kind->lane == LANE_WRITE && q->kind->patience_ms < PATIENT_MS;
}

/* Take out the request that *at points to. */
static struct store_request *unlink_at(struct store_thread *t, struct store_request **at)
{
	struct store_request *q = *at;

	*at = q->next;
	if (!q->next)
		t->tail = at;
	t->pending--;
	t->impatient -= is_impatient(q);
	return q;
}

static void take_write(struct store_thread *t, struct store_request *q)
{
	size_t room = q->kind->yields ? PENDING_MAX / 2 : PENDING_MAX;
	uint64_t now = clock_mono_us();

	if (q->kind->lane == LANE_WRITE && t->pending >= room) { /* marks are few: bounded by answers_reserve */
		lose(t, q, -EAGAIN);
		return;
	}
	q->give_up_us = now + q->kind->patience_ms * 1000ull;
	q->next = NULL;
	*t->tail = q;
	t->tail = &q->next;
	t->pending++;
	if (!is_impatient(q))
		return;
	t->impatient++;
	if (t->retry_at_us > now + RETRY_IMPATIENT_MS * 1000ull)
		t->retry_at_us = now + RETRY_IMPATIENT_MS * 1000ull;
}

/* How many of the oldest requests make the next transaction, and whether it must outlive a power cut. */
static size_t next_batch(const struct store_thread *t, bool *ret_durable)
{
	size_t n = 0, rows = 0;

	*ret_durable = false;
	for (const struct store_request *q = t->head; q && rows < BATCH_MAX; q = q->next, n++) {
		rows += q->weight ? q->weight : 1;
		*ret_durable |= q->kind->durable;
	}
	return n;
}

/* *ret_q: the request that failed. */
static int write_rows(struct store_thread *t, size_t n, struct store_request **ret_q)
{
	struct store_request *q = t->head;

	for (; n > 0; n--, q = q->next) {
		int r = q->refused || q->kind->lane == LANE_MARK ? 0 : q->kind->run(t->conf.db, q);

		if (r < 0) {
			*ret_q = q;
			return r;
		}
	}
	return 0;
}

/* One transaction over the oldest n. A request that can never be written is marked, and the others are written without
 * it: of what it consists of, nothing must stay. */
static int write_batch(struct store_thread *t, size_t n, bool durable)
{
	struct store_request *bad;
	int r;

	do {
		bad = NULL;
		r = db_begin_as(t->conf.db, durable);
		if (r == 0)
			r = write_rows(t, n, &bad);
		if (r == 0)
			r = db_commit(t->conf.db);
		if (r == 0)
			return 0;
		db_rollback(t->conf.db);
		if (bad && r == -EINVAL)
			bad->refused = true;
	} while (bad && bad->refused);
	return r;
}

static void finish(struct store_thread *t, struct store_request *q)
{
	if (q->refused) {
		lose(t, q, -EINVAL);
		return;
	}
	if (q->kind->written)
		q->kind->written(q);
	conclude(t, q, 0);
}

static void give_up(struct store_thread *t, struct store_request *q)
{
	if (q->kind->lane == LANE_MARK)
		conclude(t, q, 0);
	else
		lose(t, q, t->failure < 0 ? t->failure : -EIO);
}

/* After a failure: let go those whose time is over. Nothing stands before a mark at the head: it is answered. */
static void give_up_old(struct store_thread *t)
{
	uint64_t now = clock_mono_us();
	struct store_request **at = &t->head;

	while (*at) {
		const struct store_request *q = *at;

		if (q->kind->lane == LANE_MARK ? at == &t->head : q->give_up_us <= now)
			give_up(t, unlink_at(t, at));
		else
			at = &(*at)->next;
	}
}

static uint64_t pause_us(const struct store_thread *t)
{
	unsigned limit = t->stopping ? CLOSING_RETRY_MS : t->impatient > 0 ? RETRY_IMPATIENT_MS : RETRY_MAX_MS;
	unsigned ms = RETRY_MIN_MS;

	for (unsigned i = 1; i < t->failures && ms < limit; i++)
		ms *= 2;
	return (uint64_t)(ms < limit ? ms : limit) * 1000;
}

static bool holds_mark(const struct store_thread *t, size_t n)
{
	const struct store_request *q = t->head;

	for (size_t i = 0; i < n && q; i++, q = q->next) {
		if (q->kind->lane == LANE_MARK)
			return true;
	}
	return false;
}

static void write_pending(struct store_thread *t)
{
	while (t->head && (t->retry_at_us == 0 || clock_mono_us() >= t->retry_at_us)) {
		bool durable;
		size_t n = next_batch(t, &durable);

		t->failure = write_batch(t, n, durable);
		report_health(t, t->failure);
		if (t->failure < 0) {
			t->failures++;
			give_up_old(t);
			t->retry_at_us = clock_mono_us() + pause_us(t);
			return;
		}
		t->failures = 0;
		t->retry_at_us = 0;
		if (holds_mark(t, n))
			(void)db_checkpoint(t->conf.db); /* when it fails the rows are still safe in the log file */
		for (size_t i = 0; i < n; i++)
			finish(t, unlink_at(t, &t->head));
	}
}

/* ---- reads ---- */

static void run_reads(struct store_thread *t)
{
	while (t->reads) {
		struct store_request *q = t->reads;

		t->reads = q->next;
		/* Whatever still waits now could not be written. */
		if (q->kind->after_writes && t->head && t->failure < 0)
			conclude(t, q, t->failure);
		else
			conclude(t, q, q->kind->run(t->conf.db, q));
	}
	t->reads_tail = &t->reads;
}

/* ---- the loop ---- */

static void take_requests(struct store_thread *t)
{
	struct store_request *q;
	unsigned taken = 0;

	mailbox_clear(t->conf.in);
	t->more = false;
	while (mailbox_get(t->conf.in, &q)) {
		if (q->kind->lane == LANE_STOP) {
			t->stopping = true;
			t->retry_at_us = 0;
			t->give_up_at_us = clock_mono_us() + (uint64_t)CLOSING_MS * 1000;
		} else if (q->kind->lane == LANE_READ) {
			q->next = NULL;
			*t->reads_tail = q;
			t->reads_tail = &q->next;
		} else {
			take_write(t, q);
		}
		if (++taken == BATCH_MAX) {
			t->more = true;
			return;
		}
	}
}

static void wait_for_work(const struct store_thread *t)
{
	struct pollfd p = {.fd = mailbox_fd(t->conf.in), .events = POLLIN};
	int timeout_ms = -1;

	if (t->more)
		return;
	if (t->head) {
		uint64_t now = clock_mono_us();

		timeout_ms = t->retry_at_us > now ? (int)((t->retry_at_us - now + 999) / 1000) : 0;
	}
	(void)poll(&p, 1, timeout_ms); /* early return does no harm */
}

static void store_thread_main(void *arg)
{
	struct store_thread *t = arg;

	while (!t->stopping || t->head || t->more) {
		wait_for_work(t);
		take_requests(t);
		write_pending(t);
		run_reads(t);
		while (t->stopping && t->head && clock_mono_us() >= t->give_up_at_us)
			give_up(t, unlink_at(t, &t->head));
	}
	t->conf.db = db_close(t->conf.db);
}

int store_thread_new(const struct store_thread_conf *conf, struct store_thread **ret_t)
{
	struct store_thread *t = calloc(1, sizeof(*t));
	int r;

	if (!t)
		return -ENOMEM;
	t->conf = *conf;
	t->tail = &t->head;
	t->reads_tail = &t->reads;
	r = thread_start("store", store_thread_main, t, &t->thread);
	if (r < 0) {
		free(t);
		return r;
	}
	*ret_t = t;
	return 0;
}

struct store_thread *store_thread_free(struct store_thread *t)
{
	if (t) {
		thread_join(t->thread);
		free(t);
	}
	return NULL;
}
