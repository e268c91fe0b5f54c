/* The handle of the store: requests into one mailbox, answers out of another that the loop watches. What is asked is in
 * call_log.c, store_dial.c, inbox.c, idempotency.c and outbox.c.
 *
 *   control thread --- struct store_request * ---> store thread
 *                  <-- struct store_answer ------
 *
 * The request mailbox always keeps one place for the stop request. Answers always fit: no more than QUESTIONS_MAX +
 * ACKS_MAX are ever owed.
 */
#include "store/store_private.h"

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
	REQUESTS_MAX = 4096,            /* more than any burst of calls that ends together */
	QUESTIONS_MAX = 64,             /* questions and flushes under way */
	ACKS_MAX = 2048,                /* writes under way whose end somebody waits for */
	ACKED_BYTES_MAX = 64 * 1048576, /* memory of these: a webhook's batch of messages may be large */
};

/* ---- requests ---- */

static bool has_room(const struct store *s, const struct request_kind *kind)
{
	/* This one and the stop request. */
	return mailbox_has_room(s->requests, kind->yields ? REQUESTS_MAX / 2 : 2);
}

static bool may_wait(const struct store *s, const struct request_kind *kind, size_t bytes)
{
	if (kind->lane != LANE_WRITE)
		return s->questions < QUESTIONS_MAX;
	return s->acks < ACKS_MAX && s->acked_bytes + bytes <= ACKED_BYTES_MAX;
}

int store_request_new(
	struct store *s, const struct request_kind *kind, bool answered, size_t bytes, struct store_request **ret_q)
{
	struct store_request *q;

	if (!has_room(s, kind) || (answered && !may_wait(s, kind, bytes)))
		return -EAGAIN;
	q = calloc(1, bytes);
	if (!q)
		return -ENOMEM;
	q->kind = kind;
	q->bytes = bytes;
	q->answered = answered;
	*ret_q = q;
	return 0;
}

static void count_owed(struct store *s, const struct store_request *q, bool owed)
{
	if (q->kind->lane != LANE_WRITE) {
		s->questions += owed ? 1 : -1ul;
		return;
	}
	s->acks += owed ? 1 : -1ul;
	s->acked_bytes += owed ? q->bytes : -q->bytes;
}

void store_request_send(struct store *s, struct store_request *q)
{
	if (q->answered)
		count_owed(s, q, true);
	ASSERT(mailbox_put(s->requests, &q) == 0); /* store_request_new() saw room */
}

/* ---- answers ---- */

static void deliver(struct store *s, const struct store_answer *a)
{
	struct store_request *q = a->request;

	if (!q) {
		if (s->on_health)
			s->on_health(a->status, a->why ? a->why : strerror(-a->status), s->on_health_arg);
		free(a->why);
		return;
	}
	count_owed(s, q, false);
	q->kind->deliver(q);
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

int store_url_path(const char *url, const char **ret_path, char *why, size_t why_cap)
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
	struct store_thread_conf conf = {.answers_reserve = QUESTIONS_MAX + ACKS_MAX};
	int r;

	s->path = strdup(db_path(*db));
	r = s->path ? db_each_live(*db, keep_leftover, s) : -ENOMEM;
	if (r == 0)
		r = mailbox_new(sizeof(struct store_request *), REQUESTS_MAX, &s->requests);
	if (r == 0) /* with room for news about health beside every answer owed */
		r = mailbox_new(sizeof(struct store_answer), QUESTIONS_MAX * 2 + ACKS_MAX, &s->answers);
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
	free(s->path);
	free(s);
}

int store_open(struct loop *l, const char *url, struct store **ret_store, char *why, size_t why_cap)
{
	struct store *s;
	struct db *db = NULL;
	const char *path = NULL;
	int r = store_url_path(url, &path, why, why_cap);

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
	static const struct request_kind stop = {.lane = LANE_STOP};
	static struct store_request stop_mark = {.kind = &stop};

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

/* ---- start-up ---- */

int store_load(const struct store *s, int (*fn)(struct db *db, void *arg), void *arg)
{
	struct db *db = NULL;
	char why[STORE_WHY_MAX];
	int r;

	if (str_equal(s->path, ":memory:"))
		return 0; /* there was no previous run */
	r = db_open(s->path, DB_READ, &db, why, sizeof(why));
	if (r < 0)
		return r;
	r = fn(db, arg);
	db_close(db);
	return r;
}
