/* What is asked of the outbox by the control thread. The rows are in outbox_rows.c. */
#include "store/outbox.h"

#include "lib/base/str.h"
#include "store/columns.h"
#include "store/outbox_rows.h"
#include "store/request.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { EVENTS_AT_ONCE = 100 };

static void count_toll(const struct outbox_toll *toll)
{
	if (toll->dead)
		counter_add(CNT_EVENTS_DEAD, toll->dead);
	if (toll->lost)
		counter_add(CNT_EVENTS_LOST, toll->lost);
}

/* ---- in ---- */

struct put_request {
	struct store_request q;
	struct outbox_event event; /* body points behind the struct */
	struct outbox_toll toll;
	char body[];
};

static int put_run(struct db *db, struct store_request *q)
{
	struct put_request *pq = (struct put_request *)q;

	memset(&pq->toll, 0, sizeof(pq->toll));
	return db_put_event(db, &pq->event, &pq->toll);
}

static void put_written(struct store_request *q)
{
	count_toll(&((const struct put_request *)q)->toll);
}

static const struct request_kind put_kind = {
	.lane = LANE_WRITE,
	.patience_ms = PATIENT_MS,
	.yields = true, /* a flood of news must not cost a call record */
	.lost = CNT_EVENTS_LOST,
	.run = put_run,
	.written = put_written,
};

int store_put_event(struct store *s, const struct outbox_event *e)
{
	size_t length = strlen(e->body);
	struct put_request *pq;
	struct store_request *q;
	int r = length > OUTBOX_BODY_MAX ? -EMSGSIZE : 0;

	if (r == 0)
		r = store_request_new(s, &put_kind, false, sizeof(*pq) + length + 1, &q);
	if (r < 0) {
		counter_inc(CNT_EVENTS_LOST);
		return r;
	}
	pq = (struct put_request *)q;
	pq->event = *e;
	memcpy(pq->body, e->body, length + 1);
	pq->event.body = pq->body;
	store_request_send(s, q);
	return 0;
}

/* ---- what became of one ---- */

struct report_request {
	struct store_request q;
	int64_t seq;
	uint64_t next_ms;
	char error[sizeof(((struct outbox_event *)0)->error)];
	struct outbox_toll toll;
};

static int delivered_run(struct db *db, struct store_request *q)
{
	return db_event_delivered(db, ((const struct report_request *)q)->seq);
}

static int retry_run(struct db *db, struct store_request *q)
{
	const struct report_request *rq = (const struct report_request *)q;

	return db_event_retry(db, rq->seq, rq->next_ms, rq->error);
}

static int dead_run(struct db *db, struct store_request *q)
{
	struct report_request *rq = (struct report_request *)q;

	memset(&rq->toll, 0, sizeof(rq->toll));
	return db_event_dead(db, rq->seq, rq->error, &rq->toll);
}

static void report_written(struct store_request *q)
{
	count_toll(&((const struct report_request *)q)->toll);
}

static const struct request_kind delivered_kind = {
	.lane = LANE_WRITE,
	.patience_ms = PATIENT_MS,
	.lost = CNT_STORE_ERRORS,
	.run = delivered_run,
};
static const struct request_kind retry_kind = {
	.lane = LANE_WRITE,
	.patience_ms = PATIENT_MS,
	.lost = CNT_STORE_ERRORS,
	.run = retry_run,
};
static const struct request_kind dead_kind = {
	.lane = LANE_WRITE,
	.patience_ms = PATIENT_MS,
	.lost = CNT_STORE_ERRORS,
	.run = dead_run,
	.written = report_written,
};

static int report(struct store *s, const struct request_kind *kind, int64_t seq, uint64_t next_ms, const char *error)
{
	struct report_request *rq;
	struct store_request *q;
	int r = store_request_new(s, kind, false, sizeof(*rq), &q);

	if (r < 0)
		return r;
	rq = (struct report_request *)q;
	rq->seq = seq;
	rq->next_ms = next_ms;
	(void)str_copy(rq->error, sizeof(rq->error), error);
	columns_clean(rq->error); /* may be a stranger's words, and is cut */
	store_request_send(s, q);
	return 0;
}

int store_event_delivered(struct store *s, int64_t seq)
{
	return report(s, &delivered_kind, seq, 0, NULL);
}

int store_event_retry(struct store *s, int64_t seq, uint64_t next_ms, const char *error)
{
	return report(s, &retry_kind, seq, next_ms, error);
}

int store_event_dead(struct store *s, int64_t seq, const char *error)
{
	return report(s, &dead_kind, seq, 0, error);
}

/* ---- out ---- */

struct list_request {
	struct store_request q;
	char receiver[sizeof(((struct outbox_event *)0)->receiver)];
	uint64_t now_ms;
	unsigned limit;
	void (*fn)(int status, const struct outbox_event *events, size_t count, uint64_t next_due_ms, void *arg);
	struct outbox_event *events; /* the answer; owned, and so are the bodies */
	size_t count;
	uint64_t next_due_ms;
};

static int keep_event(const struct outbox_event *e, void *arg)
{
	struct list_request *lq = arg;
	char *body;

	if (!lq->events)
		lq->events = calloc(lq->limit, sizeof(*lq->events));
	body = lq->events ? strdup(e->body) : NULL;
	if (!body)
		return -ENOMEM;
	lq->events[lq->count] = *e;
	lq->events[lq->count++].body = body;
	return 0;
}

static int due_run(struct db *db, struct store_request *q)
{
	struct list_request *lq = (struct list_request *)q;

	return db_due_events(db, lq->receiver, lq->now_ms, lq->limit, keep_event, lq, &lq->next_due_ms);
}

static int dead_list_run(struct db *db, struct store_request *q)
{
	struct list_request *lq = (struct list_request *)q;

	lq->next_due_ms = UINT64_MAX;
	return db_dead_events(db, lq->receiver, lq->limit, keep_event, lq);
}

static void list_deliver(struct store_request *q)
{
	const struct list_request *lq = (const struct list_request *)q;
	bool found = q->status == 0;

	lq->fn(q->status, found ? lq->events : NULL, found ? lq->count : 0, found ? lq->next_due_ms : UINT64_MAX,
		q->arg);
}

static void list_done(struct store_request *q)
{
	struct list_request *lq = (struct list_request *)q;

	for (size_t i = 0; i < lq->count; i++)
		free((char *)lq->events[i].body);
	free(lq->events);
}

/* While writes wait, what was delivered still looks due: asking would send it again and again. */
static const struct request_kind due_kind = {
	.lane = LANE_READ,
	.after_writes = true,
	.run = due_run,
	.deliver = list_deliver,
	.done = list_done,
};
static const struct request_kind dead_list_kind = {
	.lane = LANE_READ,
	.run = dead_list_run,
	.deliver = list_deliver,
	.done = list_done,
};

static int ask_list(struct store *s, const struct request_kind *kind, const struct list_request *asked, void *arg)
{
	struct store_request *q, common;
	int r = store_request_new(s, kind, true, sizeof(*asked), &q);

	if (r < 0)
		return r;
	common = *q;
	*(struct list_request *)q = *asked;
	*q = common;
	q->arg = arg;
	store_request_send(s, q);
	return 0;
}

int store_due_events(struct store *s, const char *receiver, uint64_t now_ms, unsigned limit,
	void (*fn)(int status, const struct outbox_event *events, size_t count, uint64_t next_due_ms, void *arg),
	void *arg)
{
	struct list_request asked = {.now_ms = now_ms, .fn = fn};

	asked.limit = limit < EVENTS_AT_ONCE ? limit : EVENTS_AT_ONCE;
	(void)str_copy(asked.receiver, sizeof(asked.receiver), receiver);
	return ask_list(s, &due_kind, &asked, arg);
}

int store_dead_events(struct store *s, const char *receiver, unsigned limit,
	void (*fn)(int status, const struct outbox_event *events, size_t count, uint64_t next_due_ms, void *arg),
	void *arg)
{
	struct list_request asked = {.fn = fn};

	asked.limit = limit < EVENTS_AT_ONCE ? limit : EVENTS_AT_ONCE;
	(void)str_copy(asked.receiver, sizeof(asked.receiver), receiver);
	return ask_list(s, &dead_list_kind, &asked, arg);
}

/* ---- back to life ---- */

struct revive_request {
	struct store_request q;
	char receiver[sizeof(((struct outbox_event *)0)->receiver)];
	int64_t seq;
	size_t count; /* the answer */
	void (*fn)(int status, size_t count, void *arg);
};

static int revive_run(struct db *db, struct store_request *q)
{
	struct revive_request *rq = (struct revive_request *)q;

	return db_revive_events(db, rq->receiver, rq->seq, &rq->count);
}

static void revive_deliver(struct store_request *q)
{
	const struct revive_request *rq = (const struct revive_request *)q;

	rq->fn(q->status, q->status == 0 ? rq->count : 0, q->arg);
}

static const struct request_kind revive_kind = {
	.lane = LANE_WRITE,
	.patience_ms = IMPATIENT_MS,
	.lost = CNT_STORE_ERRORS,
	.run = revive_run,
	.deliver = revive_deliver,
};

int store_revive_events(
	struct store *s, const char *receiver, int64_t seq, void (*fn)(int status, size_t count, void *arg), void *arg)
{
	struct revive_request *rq;
	struct store_request *q;
	int r = store_request_new(s, &revive_kind, true, sizeof(*rq), &q);

	if (r < 0)
		return r;
	rq = (struct revive_request *)q;
	(void)str_copy(rq->receiver, sizeof(rq->receiver), receiver);
	rq->seq = seq;
	rq->fn = fn;
	q->arg = arg;
	q->weight = 256; /* perhaps thousands of rows: a transaction of its own */
	store_request_send(s, q);
	return 0;
}
