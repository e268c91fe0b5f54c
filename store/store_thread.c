/* The store thread: one loop that sleeps until a request comes or a retry is due.
 *
 *   mailbox in --> pending (in order: records, live entries, flush marks) --> one transaction of up to BATCH_MAX -->
 * done \                                    ^______ failed: wait, again _________|
 *               `-> finds: answered at once, after what came before them was tried
 */
#include "store/store_thread.h"

#include "lib/base/assert.h"
#include "lib/base/clock.h"
#include "lib/base/counter.h"
#include "lib/base/mailbox.h"
#include "lib/base/thread.h"
#include "store/columns.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

enum {
	BATCH_MAX = 256,        /* writes in one transaction: some milliseconds */
	PENDING_MAX = 4096,     /* writes waiting for a database that refuses them: 4 KiB each without SDP */
	WRITE_ATTEMPTS = 66,    /* with the pauses below about ten minutes */
	RETRY_MIN_MS = 100,     /* pause after the first failure, doubled after each further one ... */
	RETRY_MAX_MS = 10000,   /* ... up to this */
	CLOSING_RETRY_MS = 200, /* at most, once we were told to stop */
	CLOSING_MS = 3000,      /* then what still cannot be written is lost */
};

struct store_thread {
	struct store_thread_conf conf;
	struct thread *thread;
	/* store thread only: */
	struct store_request *head, **tail; /* pending, oldest first */
	size_t pending;
	struct store_request *finds, **finds_tail;
	uint64_t retry_at_us; /* 0: no failure to wait for */
	unsigned failures;    /* in a row */
	bool more;            /* the mailbox may hold more */
	bool stopping;
	uint64_t give_up_at_us; /* when stopping */
	bool reported_ill;
};

struct store_request *store_request_free(struct store_request *q)
{
	if (!q)
		return NULL;
	if (q->kind == REQUEST_RECORD)
		call_record_free(q->u.record);
	if (q->kind == REQUEST_FORGET)
		free(q->u.forget.list);
	for (size_t i = 0; i < q->count; i++)
		call_record_free(q->records[i]);
	free(q->records);
	free(q);
	return NULL;
}

static void answer(struct store_thread *t, struct store_request *q)
{
	struct store_answer a = {.request = q, .status = q->status};

	ASSERT(mailbox_put(t->conf.out, &a) == 0); /* room was reserved by the control thread */
}

/* Tell the control thread once when writing begins to fail, and once when it works again. */
static void report_health(struct store_thread *t, int status)
{
	struct store_answer a = {.status = status};

	if ((status < 0) == t->reported_ill || !mailbox_has_room(t->conf.out, t->conf.answers_reserve + 1))
		return; /* no room: said with the next failure or success */
	if (status < 0)
		snprintf(a.why, sizeof(a.why), "%s: cannot write: %s", db_path(t->conf.db), db_error(t->conf.db));
	if (mailbox_put(t->conf.out, &a) == 0)
		t->reported_ill = status < 0;
}

/* ---- pending writes ---- */

static struct store_request *pop(struct store_thread *t)
{
	struct store_request *q = t->head;

	t->head = q->next;
	if (!t->head)
		t->tail = &t->head;
	t->pending--;
	return q;
}

static void take_write(struct store_thread *t, struct store_request *q)
{
	if (t->pending >= PENDING_MAX && q->kind != REQUEST_FLUSH) { /* flushes are few: bounded by answers_reserve */
		counter_inc(CNT_STORE_QUEUE_FULL);
		store_request_free(q);
		return;
	}
	if (q->kind == REQUEST_RECORD)
		columns_clean_text(q->u.record);
	q->next = NULL;
	*t->tail = q;
	t->tail = &q->next;
	t->pending++;
}

static int write_one(struct db *db, struct store_request *q)
{
	int r = 0;

	switch (q->kind) {
	case REQUEST_RECORD: return db_put_record(db, q->u.record, &q->is_new);
	case REQUEST_LIVE: return db_put_live(db, &q->u.live);
	case REQUEST_FORGET:
		for (size_t i = 0; i < q->u.forget.count && r == 0; i++)
			r = db_forget_live(db, q->u.forget.list[i].id);
		return r;
	default: return 0; /* flush: a mark in the queue */
	}
}

/* One transaction over the oldest writes. *ret_count: how many it covered (or would have). */
static int write_batch(struct store_thread *t, size_t *ret_count)
{
	size_t n = 0;
	int r = db_begin(t->conf.db);

	for (struct store_request *q = t->head; q && n < BATCH_MAX; q = q->next, n++) {
		if (r < 0)
			continue; /* only count */
		r = write_one(t->conf.db, q);
		q->refused = r == -EINVAL; /* this row alone; SQLite has undone just its statement */
		if (q->refused)
			r = 0;
	}
	if (r == 0)
		r = db_commit(t->conf.db);
	if (r < 0)
		db_rollback(t->conf.db);
	*ret_count = n;
	return r;
}

static void finish(struct store_thread *t, struct store_request *q)
{
	if (q->kind == REQUEST_FLUSH) {
		answer(t, q);
		return;
	}
	if (q->refused)
		counter_inc(CNT_STORE_ERRORS);
	else if (q->kind == REQUEST_RECORD && q->is_new)
		counter_inc(CNT_STORE_WRITES);
	store_request_free(q);
}

static void give_up(struct store_thread *t, struct store_request *q)
{
	if (q->kind == REQUEST_FLUSH) {
		answer(t, q);
		return;
	}
	counter_inc(CNT_STORE_ERRORS);
	store_request_free(q);
}

/* The oldest n have failed once more. They fail together and in order, so those at their limit stand in front. */
static void count_attempts(struct store_thread *t, size_t n)
{
	struct store_request *q = t->head;

	for (size_t i = 0; i < n && q; i++, q = q->next)
		q->attempts++;
	while (t->head && (t->head->attempts >= WRITE_ATTEMPTS || t->head->kind == REQUEST_FLUSH))
		give_up(t, pop(t)); /* nothing stands before a flush mark at the head: it is answered */
}

static uint64_t pause_us(const struct store_thread *t)
{
	unsigned limit = t->stopping ? CLOSING_RETRY_MS : RETRY_MAX_MS;
	unsigned ms = RETRY_MIN_MS;

	for (unsigned i = 1; i < t->failures && ms < limit; i++)
		ms *= 2;
	return (uint64_t)(ms < limit ? ms : limit) * 1000;
}

static bool holds_flush(const struct store_thread *t, size_t n)
{
	const struct store_request *q = t->head;

	for (size_t i = 0; i < n && q; i++, q = q->next) {
		if (q->kind == REQUEST_FLUSH)
			return true;
	}
	return false;
}

static void write_pending(struct store_thread *t)
{
	size_t n;
	int r;

	while (t->head && (t->retry_at_us == 0 || clock_mono_us() >= t->retry_at_us)) {
		r = write_batch(t, &n);
		report_health(t, r);
		if (r < 0) {
			t->failures++;
			t->retry_at_us = clock_mono_us() + pause_us(t);
			count_attempts(t, n);
			return;
		}
		t->failures = 0;
		t->retry_at_us = 0;
		if (holds_flush(t, n))
			(void)db_checkpoint(t->conf.db); /* when it fails the rows are still safe in the log file */
		for (size_t i = 0; i < n; i++)
			finish(t, pop(t));
	}
}

/* ---- finds ---- */

static int keep_found(struct call_record *r, void *arg)
{
	struct store_request *q = arg;

	if (q->count == q->cap) {
		size_t cap = q->cap ? q->cap * 2 : 64;
		struct call_record **grown = realloc(q->records, cap * sizeof(struct call_record *));

		if (!grown) {
			call_record_free(r);
			return -ENOMEM;
		}
		q->records = grown;
		q->cap = cap;
	}
	q->records[q->count++] = r;
	return 0;
}

static void run_finds(struct store_thread *t)
{
	while (t->finds) {
		struct store_request *q = t->finds;

		t->finds = q->next;
		q->status = db_find(t->conf.db, &q->u.query, keep_found, q);
		answer(t, q);
	}
	t->finds_tail = &t->finds;
}

/* ---- the loop ---- */

static void take_requests(struct store_thread *t)
{
	struct store_request *q;
	unsigned taken = 0;

	mailbox_clear(t->conf.in);
	t->more = false;
	while (mailbox_get(t->conf.in, &q)) {
		if (q->kind == REQUEST_STOP) {
			t->stopping = true;
			t->retry_at_us = 0;
			t->give_up_at_us = clock_mono_us() + (uint64_t)CLOSING_MS * 1000;
		} else if (q->kind == REQUEST_FIND) {
			q->next = NULL;
			*t->finds_tail = q;
			t->finds_tail = &q->next;
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
		run_finds(t);
		while (t->stopping && t->head && clock_mono_us() >= t->give_up_at_us)
			give_up(t, pop(t));
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
	t->finds_tail = &t->finds;
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
