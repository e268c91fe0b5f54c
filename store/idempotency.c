/* Answers given to an Idempotency-Key: the first request with a key claims it, later ones are given what is there. */
#include "store/store_dial.h"

#include "lib/base/str.h"
#include "store/request.h"
#include "store/sqlite_private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
	KEY_KEEP_MS = 24 * 3600 * 1000,
	PRUNE_MAX = 16, /* old keys that go with each claim: more than come */
};

/* ---- claims ---- */

struct claim_request {
	struct store_request q;
	struct idempotent_answer claim;    /* what is asked for */
	struct idempotent_answer existing; /* the answer; its body is owned */
	bool taken;                        /* there is one */
	char *body;
	void (*fn)(int status, const struct idempotent_answer *existing, void *arg);
};

static uint64_t oldest_kept(uint64_t now_ms)
{
	return now_ms > KEY_KEEP_MS ? now_ms - KEY_KEEP_MS : 0;
}

/* Forget keys whose time is over, this one if it is among them in any case. */
static int prune(struct db *db, const struct idempotent_answer *claim)
{
	struct stmt s = stmt_begin(db, STATEMENT_FREE_KEY, "DELETE FROM idempotency WHERE key = ? AND created_ms < ?");
	int r;

	stmt_text(&s, claim->key);
	stmt_number(&s, oldest_kept(claim->created_ms));
	r = stmt_run(&s);
	if (r < 0)
		return r;
	s = stmt_begin(db, STATEMENT_PRUNE_KEYS,
		"DELETE FROM idempotency WHERE rowid IN"
		" (SELECT rowid FROM idempotency WHERE created_ms < ? ORDER BY created_ms LIMIT ?)");
	stmt_number(&s, oldest_kept(claim->created_ms));
	stmt_number(&s, PRUNE_MAX);
	return stmt_run(&s);
}

static int find_key(struct db *db, struct claim_request *cq)
{
	struct idempotent_answer *a = &cq->existing;
	struct stmt s = stmt_begin(
		db, STATEMENT_FIND_KEY, "SELECT request_hash, status, body, created_ms FROM idempotency WHERE key = ?");

	stmt_text(&s, cq->claim.key);
	if (stmt_next(&s)) {
		memcpy(a->key, cq->claim.key, sizeof(a->key));
		stmt_column_copy(&s, 0, a->request_hash, sizeof(a->request_hash));
		a->status = (int)stmt_column(&s, 1);
		a->created_ms = stmt_column(&s, 3);
		cq->body = strdup(stmt_column_text(&s, 2));
		if (!cq->body && s.rc == SQLITE_ROW)
			s.rc = SQLITE_NOMEM;
		a->body = cq->body;
		cq->taken = true;
	}
	return stmt_end(&s);
}

static int claim_run(struct db *db, struct store_request *q)
{
	struct claim_request *cq = (struct claim_request *)q;
	struct stmt s;
	int r = prune(db, &cq->claim);

	free(cq->body); /* of a run that had to be repeated */
	cq->body = NULL;
	cq->taken = false;
	if (r < 0)
		return r;
	s = stmt_begin(db, STATEMENT_CLAIM_KEY,
		"INSERT INTO idempotency (key, request_hash, status, body, created_ms) VALUES (?,?,0,'',?)"
		" ON CONFLICT (key) DO NOTHING");
	stmt_text(&s, cq->claim.key);
	stmt_text(&s, cq->claim.request_hash);
	stmt_number(&s, cq->claim.created_ms);
	r = stmt_run(&s);
	return r == 0 && sqlite3_changes(db->handle) == 0 ? find_key(db, cq) : r;
}

static void claim_deliver(struct store_request *q)
{
	const struct claim_request *cq = (const struct claim_request *)q;

	cq->fn(q->status, q->status == 0 && cq->taken ? &cq->existing : NULL, q->arg);
}

static void claim_done(struct store_request *q)
{
	free(((struct claim_request *)q)->body);
}

/* Durable: what is done under the key (a call to somebody) must not be done again after a power cut. */
static const struct request_kind claim_kind = {
	.lane = LANE_WRITE,
	.patience_ms = IMPATIENT_MS,
	.durable = true,
	.lost = CNT_STORE_ERRORS,
	.run = claim_run,
	.deliver = claim_deliver,
	.done = claim_done,
};

int store_claim_key(struct store *s, const char *key, const char *request_hash, uint64_t now_ms,
	void (*fn)(int status, const struct idempotent_answer *existing, void *arg), void *arg)
{
	struct idempotent_answer claim = {.created_ms = now_ms};
	struct claim_request *cq;
	struct store_request *q;
	int r;

	if (str_copy(claim.key, sizeof(claim.key), key) < 0 ||
		str_copy(claim.request_hash, sizeof(claim.request_hash), request_hash) < 0)
		return -EINVAL;
	r = store_request_new(s, &claim_kind, true, sizeof(*cq), &q);
	if (r < 0)
		return r;
	cq = (struct claim_request *)q;
	cq->claim = claim;
	cq->fn = fn;
	q->arg = arg;
	store_request_send(s, q);
	return 0;
}

/* ---- answers ---- */

struct answer_request {
	struct store_request q;
	char key[sizeof(((struct idempotent_answer *)0)->key)];
	int http_status;
	char body[];
};

static int answer_run(struct db *db, struct store_request *q)
{
	const struct answer_request *aq = (const struct answer_request *)q;
	struct stmt s =
		stmt_begin(db, STATEMENT_ANSWER_KEY, "UPDATE idempotency SET status = ?, body = ? WHERE key = ?");

	stmt_number(&s, aq->http_status > 0 ? (uint64_t)aq->http_status : 0);
	stmt_text(&s, aq->body);
	stmt_text(&s, aq->key);
	return stmt_run(&s);
}

static const struct request_kind answer_kind = {
	.lane = LANE_WRITE,
	.patience_ms = PATIENT_MS,
	.lost = CNT_STORE_ERRORS,
	.run = answer_run,
};

int store_answer_key(struct store *s, const char *key, int http_status, const char *body)
{
	size_t length = strlen(body);
	struct answer_request *aq;
	struct store_request *q;
	int r = store_request_new(s, &answer_kind, false, sizeof(*aq) + length + 1, &q);

	if (r < 0)
		return r;
	aq = (struct answer_request *)q;
	(void)str_copy(aq->key, sizeof(aq->key), key);
	aq->http_status = http_status;
	memcpy(aq->body, body, length + 1);
	store_request_send(s, q);
	return 0;
}
