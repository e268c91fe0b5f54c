/* The control thread's side of the call log: requests into one mailbox, answers out of another that the loop watches.
 *
 *   control thread --- struct store_request * ---> store thread
 *                  <-- struct store_answer ------
 *
 * The request mailbox always keeps one place for the stop request. Answers always fit: no more than ANSWERS_MAX are
 * ever owed.
 */
#include "store/store.h"

#include "lib/base/assert.h"
#include "lib/base/counter.h"
#include "lib/base/mailbox.h"
#include "lib/base/str.h"
#include "lib/loop/loop.h"
#include "store/store_thread.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	REQUESTS_MAX = 4096, /* more than any burst of calls that ends together */
	ANSWERS_MAX = 64,    /* questions and flushes under way */
};

struct store {
	struct store_thread *thread;
	struct mailbox *requests, *answers;
	struct loop_watch *watch;
	size_t answers_owed;
	struct live_call *leftovers;
	size_t leftovers_count;
	void (*on_health)(int status, const char *why, void *arg);
	void *on_health_arg;
	bool in_callback;
};

/* ---- requests ---- */

static bool has_room(const struct store *s)
{
	return mailbox_has_room(s->requests, 2); /* this one and the stop request */
}

static struct store_request *request_new(enum request_kind kind)
{
	struct store_request *q = calloc(1, sizeof(*q));

	if (q)
		q->kind = kind;
	return q;
}

static void send(struct store *s, struct store_request *q)
{
	ASSERT(mailbox_put(s->requests, &q) == 0); /* the caller saw room */
}

int store_give_record(struct store *s, struct call_record *record)
{
	struct store_request *q = has_room(s) ? request_new(REQUEST_RECORD) : NULL;

	if (!q) {
		counter_inc(CNT_STORE_QUEUE_FULL);
		call_record_free(record);
		return -EAGAIN;
	}
	q->u.record = record;
	send(s, q);
	return 0;
}

int store_put_live(struct store *s, const struct live_call *live)
{
	struct store_request *q;

	if (!has_room(s))
		return -EAGAIN;
	q = request_new(REQUEST_LIVE);
	if (!q)
		return -ENOMEM;
	q->u.live = *live;
	send(s, q);
	return 0;
}

int store_take_leftovers(struct store *s, void (*fn)(const struct live_call *live, void *arg), void *arg)
{
	struct live_call *list = s->leftovers;
	size_t count = s->leftovers_count;
	struct store_request *q;

	if (count == 0)
		return 0;
	if (!has_room(s))
		return -EAGAIN;
	q = request_new(REQUEST_FORGET);
	if (!q)
		return -ENOMEM;
	q->u.forget.list = calloc(count, sizeof(*list));
	if (!q->u.forget.list) {
		store_request_free(q);
		return -ENOMEM;
	}
	memcpy(q->u.forget.list, list, count * sizeof(*list));
	q->u.forget.count = count;
	send(s, q);
	s->leftovers = NULL;
	s->leftovers_count = 0;
	for (size_t i = 0; i < count; i++)
		fn(&list[i], arg);
	free(list);
	return 0;
}

static int query_check(const struct store_query *query)
{
	enum call_status status;

	return query->status[0] ? call_status_parse(query->status, &status) : 0;
}

int store_find(struct store *s, const struct store_query *query,
	void (*fn)(int status, const struct call_record *const *records, size_t count, void *arg), void *arg)
{
	struct store_request *q;
	int r = query_check(query);

	if (r < 0)
		return r;
	if (s->answers_owed == ANSWERS_MAX || !has_room(s))
		return -EAGAIN;
	q = request_new(REQUEST_FIND);
	if (!q)
		return -ENOMEM;
	q->u.query = *query;
	q->on_found = fn;
	q->arg = arg;
	s->answers_owed++;
	send(s, q);
	return 0;
}

int store_flush(struct store *s, void (*fn)(void *arg), void *arg)
{
	struct store_request *q;

	if (s->answers_owed == ANSWERS_MAX || !has_room(s))
		return -EAGAIN;
	q = request_new(REQUEST_FLUSH);
	if (!q)
		return -ENOMEM;
	q->on_flushed = fn;
	q->arg = arg;
	s->answers_owed++;
	send(s, q);
	return 0;
}

/* ---- answers ---- */

static void deliver(struct store *s, const struct store_answer *a)
{
	struct store_request *q = a->request;

	if (!q) {
		if (s->on_health)
			s->on_health(a->status, a->why, s->on_health_arg);
		return;
	}
	s->answers_owed--;
	if (q->kind == REQUEST_FLUSH) {
		q->on_flushed(q->arg);
	} else {
		bool found = q->status == 0;

		q->on_found(q->status, found ? (const struct call_record *const *)q->records : NULL,
			found ? q->count : 0, q->arg);
	}
	store_request_free(q);
}

static void deliver_all(struct store *s)
{
	struct store_answer a;

	s->in_callback = true;
	while (mailbox_get(s->answers, &a))
		deliver(s, &a);
	s->in_callback = false;
}

static void on_answers(void *arg, int ready)
{
	struct store *s = arg;

	(void)ready;
	mailbox_clear(s->answers);
	deliver_all(s);
}

void store_on_health(struct store *s, void (*fn)(int status, const char *why, void *arg), void *arg)
{
	s->on_health = fn;
	s->on_health_arg = arg;
}

/* ---- open and close ---- */

static int url_path(const char *url, const char **ret_path, char *why, size_t why_cap)
{
	static const char scheme[] = "sqlite:";

	if (!url || !str_starts(url, scheme)) {
		snprintf(why, why_cap, "store: only sqlite:PATH is supported");
		return -EPROTONOSUPPORT;
	}
	if (url[sizeof(scheme) - 1] == '\0') {
		snprintf(why, why_cap, "store: the path is missing in sqlite:PATH");
		return -EINVAL;
	}
	*ret_path = url + sizeof(scheme) - 1;
	return 0;
}

static int keep_leftover(const struct live_call *live, void *arg)
{
	struct store *s = arg;
	size_t n = s->leftovers_count;

	if ((n & (n - 1)) == 0) { /* full at 0 and at each power of two: double */
		struct live_call *grown = realloc(s->leftovers, (n ? n * 2 : 1) * sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		s->leftovers = grown;
	}
	s->leftovers[s->leftovers_count++] = *live;
	return 0;
}

static int start(struct store *s, struct loop *l, struct db **db)
{
	struct store_thread_conf conf = {.answers_reserve = ANSWERS_MAX};
	int r = db_each_live(*db, keep_leftover, s);

	if (r == 0)
		r = mailbox_new(sizeof(struct store_request *), REQUESTS_MAX, &s->requests);
	if (r == 0) /* twice: room for news about health beside every answer owed */
		r = mailbox_new(sizeof(struct store_answer), (size_t)ANSWERS_MAX * 2, &s->answers);
	if (r == 0)
		r = loop_watch(l, mailbox_fd(s->answers), LOOP_READ, on_answers, s, &s->watch);
	if (r < 0)
		return r;
	conf.db = *db;
	conf.in = s->requests;
	conf.out = s->answers;
	r = store_thread_new(&conf, &s->thread);
	if (r == 0)
		*db = NULL; /* the thread has it now */
	return r;
}

/* Also of a half-built store: without a thread nothing is owed. */
static void release(struct store *s)
{
	loop_unwatch(s->watch);
	mailbox_free(s->requests);
	mailbox_free(s->answers);
	free(s->leftovers);
	free(s);
}

int store_open(struct loop *l, const char *url, struct store **ret_store, char *why, size_t why_cap)
{
	struct store *s;
	struct db *db = NULL;
	const char *path = NULL;
	int r = url_path(url, &path, why, why_cap);

	if (r < 0)
		return r;
	r = db_open(path, DB_WRITE, &db, why, why_cap);
	if (r < 0)
		return r;
	s = calloc(1, sizeof(*s));
	r = s ? start(s, l, &db) : -ENOMEM;
	if (r == 0) {
		*ret_store = s;
		return 0;
	}
	snprintf(why, why_cap, "%s: cannot start the call log: %s", path, strerror(-r));
	if (s)
		release(s);
	db_close(db);
	return r;
}

struct store *store_close(struct store *s)
{
	struct store_request *q;
	static struct store_request stop_mark = {.kind = REQUEST_STOP};

	if (!s)
		return NULL;
	ASSERT(!s->in_callback);
	q = &stop_mark;
	ASSERT(mailbox_put(s->requests, &q) == 0); /* its place is always kept */
	store_thread_free(s->thread);
	deliver_all(s);
	release(s);
	return NULL;
}

/* ---- without a thread ---- */

struct reader {
	void (*fn)(const struct call_record *record, void *arg);
	void *arg;
};

static int read_one(struct call_record *r, void *arg)
{
	const struct reader *reader = arg;

	reader->fn(r, reader->arg);
	call_record_free(r);
	return 0;
}

int store_read(const char *url, const struct store_query *query,
	void (*fn)(const struct call_record *record, void *arg), void *arg, char *why, size_t why_cap)
{
	struct reader reader = {fn, arg};
	struct db *db = NULL;
	const char *path = NULL;
	int r = url_path(url, &path, why, why_cap);

	if (r < 0)
		return r;
	if (query_check(query) < 0) {
		snprintf(why, why_cap, "no call ends with the status \"%s\"", query->status);
		return -EINVAL;
	}
	r = db_open(path, DB_READ, &db, why, why_cap);
	if (r < 0)
		return r;
	r = db_find(db, query, read_one, &reader);
	if (r < 0)
		snprintf(why, why_cap, "%s: cannot read: %s", path, db_error(db));
	db_close(db);
	return r;
}
