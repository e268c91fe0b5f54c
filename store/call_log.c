/* What is asked of the call log: records, the list of live calls, questions, flushes. */
#include "store/store_private.h"

#include "lib/base/counter.h"
#include "lib/base/str.h"
#include "store/columns.h"
#include "store/request.h"
#include "store/sqlite.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- records ---- */

struct record_request {
	struct store_request q;
	struct call_record *record; /* owned */
	bool is_new;                /* was not there before */
};

static int record_run(struct db *db, struct store_request *q)
{
	struct record_request *rq = (struct record_request *)q;

	columns_clean_text(rq->record);
	return db_put_record(db, rq->record, &rq->is_new);
}

static void record_written(struct store_request *q)
{
	if (((struct record_request *)q)->is_new)
		counter_inc(CNT_STORE_WRITES);
}

static void record_done(struct store_request *q)
{
	call_record_free(((struct record_request *)q)->record);
}

static const struct request_kind record_kind = {
	.lane = LANE_WRITE,
	.patience_ms = PATIENT_MS,
	.lost = CNT_STORE_ERRORS,
	.run = record_run,
	.written = record_written,
	.done = record_done,
};

int store_give_record(struct store *s, struct call_record *record)
{
	struct store_request *q;

	if (store_request_new(s, &record_kind, false, sizeof(struct record_request), &q) < 0) {
		counter_inc(CNT_STORE_QUEUE_FULL);
		call_record_free(record);
		return -EAGAIN;
	}
	((struct record_request *)q)->record = record;
	store_request_send(s, q);
	return 0;
}

/* ---- live calls ---- */

struct live_request {
	struct store_request q;
	struct live_call live;
	char drop_parked[sizeof(((struct live_call *)0)->id)];
	void (*fn)(int status, void *arg);
};

static int live_run(struct db *db, struct store_request *q)
{
	const struct live_request *lq = (const struct live_request *)q;
	int r = db_put_live(db, &lq->live);

	return r == 0 && lq->drop_parked[0] ? db_drop_parked(db, lq->drop_parked) : r;
}

static void live_deliver(struct store_request *q)
{
	((struct live_request *)q)->fn(q->status, q->arg);
}

static const struct request_kind live_kind = {
	.lane = LANE_WRITE,
	.patience_ms = PATIENT_MS,
	.lost = CNT_STORE_ERRORS,
	.run = live_run,
};

/* A dial that Meta may have taken must be known after a power cut too: nothing else would end that call. */
static const struct request_kind live_then_kind = {
	.lane = LANE_WRITE,
	.patience_ms = IMPATIENT_MS,
	.durable = true,
	.lost = CNT_STORE_ERRORS,
	.run = live_run,
	.deliver = live_deliver,
};

int store_put_live(struct store *s, const struct live_call *live)
{
	struct store_request *q;
	int r = store_request_new(s, &live_kind, false, sizeof(struct live_request), &q);

	if (r < 0)
		return r;
	((struct live_request *)q)->live = *live;
	store_request_send(s, q);
	return 0;
}

int store_put_live_then(struct store *s, const struct live_call *live, const char *drop_parked,
	void (*fn)(int status, void *arg), void *arg)
{
	struct live_request *lq;
	struct store_request *q;
	int r = store_request_new(s, &live_then_kind, true, sizeof(*lq), &q);

	if (r < 0)
		return r;
	lq = (struct live_request *)q;
	lq->live = *live;
	(void)str_copy(lq->drop_parked, sizeof(lq->drop_parked), drop_parked);
	lq->fn = fn;
	q->arg = arg;
	store_request_send(s, q);
	return 0;
}

struct forget_request {
	struct store_request q;
	size_t count;
	char ids[][sizeof(((struct live_call *)0)->id)];
};

static int forget_run(struct db *db, struct store_request *q)
{
	const struct forget_request *fq = (const struct forget_request *)q;
	int r = 0;

	for (size_t i = 0; i < fq->count && r == 0; i++)
		r = db_forget_live(db, fq->ids[i]);
	return r;
}

static const struct request_kind forget_kind = {
	.lane = LANE_WRITE,
	.patience_ms = PATIENT_MS,
	.lost = CNT_STORE_ERRORS,
	.run = forget_run,
};

int store_take_leftovers(struct store *s, void (*fn)(const struct live_call *live, void *arg), void *arg)
{
	struct live_call *list = s->leftovers;
	size_t count = s->leftovers_count;
	struct forget_request *fq;
	struct store_request *q;
	int r;

	if (count == 0)
		return 0;
	r = store_request_new(s, &forget_kind, false, sizeof(*fq) + count * sizeof(fq->ids[0]), &q);
	if (r < 0)
		return r;
	fq = (struct forget_request *)q;
	fq->count = count;
	for (size_t i = 0; i < count; i++)
		memcpy(fq->ids[i], list[i].id, sizeof(fq->ids[i]));
	store_request_send(s, q);
	s->leftovers = NULL;
	s->leftovers_count = 0;
	for (size_t i = 0; i < count; i++)
		fn(&list[i], arg);
	free(list);
	return 0;
}

/* ---- questions ---- */

struct find_request {
	struct store_request q;
	struct store_query query;
	void (*fn)(int status, const struct call_record *const *records, size_t count, void *arg);
	struct call_record **records; /* the answer; owned */
	size_t count, cap;
};

static int keep_found(struct call_record *r, void *arg)
{
	struct find_request *fq = arg;

	if (fq->count == fq->cap) {
		size_t cap = fq->cap ? fq->cap * 2 : 64;
		struct call_record **grown = realloc(fq->records, cap * sizeof(struct call_record *));

		if (!grown) {
			call_record_free(r);
			return -ENOMEM;
		}
		fq->records = grown;
		fq->cap = cap;
	}
	fq->records[fq->count++] = r;
	return 0;
}

static int find_run(struct db *db, struct store_request *q)
{
	struct find_request *fq = (struct find_request *)q;

	return db_find(db, &fq->query, keep_found, fq);
}

static void find_deliver(struct store_request *q)
{
	const struct find_request *fq = (const struct find_request *)q;
	bool found = q->status == 0;

	fq->fn(q->status, found ? (const struct call_record *const *)fq->records : NULL, found ? fq->count : 0, q->arg);
}

static void find_done(struct store_request *q)
{
	struct find_request *fq = (struct find_request *)q;

	for (size_t i = 0; i < fq->count; i++)
		call_record_free(fq->records[i]);
	free(fq->records);
}

static const struct request_kind find_kind = {
	.lane = LANE_READ,
	.run = find_run,
	.deliver = find_deliver,
	.done = find_done,
};

static int query_check(const struct store_query *query)
{
	enum call_status status;

	return query->status[0] ? call_status_parse(query->status, &status) : 0;
}

int store_find(struct store *s, const struct store_query *query,
	void (*fn)(int status, const struct call_record *const *records, size_t count, void *arg), void *arg)
{
	struct find_request *fq;
	struct store_request *q;
	int r = query_check(query);

	if (r == 0)
		r = store_request_new(s, &find_kind, true, sizeof(*fq), &q);
	if (r < 0)
		return r;
	fq = (struct find_request *)q;
	fq->query = *query;
	fq->fn = fn;
	q->arg = arg;
	store_request_send(s, q);
	return 0;
}

/* ---- flushes ---- */

struct flush_request {
	struct store_request q;
	void (*fn)(void *arg);
};

static void flush_deliver(struct store_request *q)
{
	((struct flush_request *)q)->fn(q->arg);
}

static const struct request_kind flush_kind = {.lane = LANE_MARK, .deliver = flush_deliver};

int store_flush(struct store *s, void (*fn)(void *arg), void *arg)
{
	struct store_request *q;
	int r = store_request_new(s, &flush_kind, true, sizeof(struct flush_request), &q);

	if (r < 0)
		return r;
	((struct flush_request *)q)->fn = fn;
	q->arg = arg;
	store_request_send(s, q);
	return 0;
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
	int r = store_url_path(url, &path, why, why_cap);

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
