/* Permissions and parked dials: small rows that the control thread has in memory and writes through. */
#include "store/store_dial.h"

#include "lib/base/str.h"
#include "store/request.h"
#include "store/sqlite_private.h"

#include <errno.h>
#include <string.h>

/* ---- permissions ---- */

struct permission_request {
	struct store_request q;
	struct permission permission;
};

static int permission_run(struct db *db, struct store_request *q)
{
	const struct permission *p = &((const struct permission_request *)q)->permission;
	struct stmt s = stmt_begin(db, STATEMENT_PUT_PERMISSION,
		"INSERT OR REPLACE INTO permissions (number_id, user, status, source, expires_ms, checked_ms, "
		"requested_ms,"
		" requested_before_ms, request_pending, unanswered, window_start_ms, connected, blocked_until_ms,"
		" request_blocked_until_ms, last_message_ms) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)");

	stmt_text(&s, p->number_id);
	stmt_text(&s, p->user);
	stmt_text(&s, permission_status_name(p->status));
	stmt_text(&s, permission_source_name(p->source));
	stmt_number(&s, p->expires_ms);
	stmt_number(&s, p->checked_ms);
	stmt_number(&s, p->requested_ms[0]);
	stmt_number(&s, p->requested_ms[1]);
	stmt_number(&s, p->request_pending);
	stmt_number(&s, p->unanswered);
	stmt_number(&s, p->window_start_ms);
	stmt_number(&s, p->connected);
	stmt_number(&s, p->blocked_until_ms);
	stmt_number(&s, p->request_blocked_until_ms);
	stmt_number(&s, p->last_message_ms);
	return stmt_run(&s);
}

static const struct request_kind permission_kind = {
	.lane = LANE_WRITE,
	.patience_ms = PATIENT_MS,
	.lost = CNT_STORE_ERRORS,
	.run = permission_run,
};

int store_put_permission(struct store *s, const struct permission *p)
{
	struct store_request *q;
	int r = store_request_new(s, &permission_kind, false, sizeof(struct permission_request), &q);

	if (r < 0)
		return r;
	((struct permission_request *)q)->permission = *p;
	store_request_send(s, q);
	return 0;
}

struct permission_reader {
	void (*fn)(const struct permission *p, void *arg);
	void *arg;
};

static int load_permissions(struct db *db, void *arg)
{
	const struct permission_reader *reader = arg;
	struct stmt s = stmt_begin(db, STATEMENT_LOAD_PERMISSIONS,
		"SELECT number_id, user, status, source, expires_ms, checked_ms, requested_ms, requested_before_ms,"
		" request_pending, unanswered, window_start_ms, connected, blocked_until_ms, request_blocked_until_ms,"
		" last_message_ms FROM permissions");

	while (stmt_next(&s)) {
		struct permission p = {0};

		stmt_column_copy(&s, 0, p.number_id, sizeof(p.number_id));
		stmt_column_copy(&s, 1, p.user, sizeof(p.user));
		/* A word that somebody edited, or of a later version: we do not know, and shall ask. */
		if (permission_status_parse(stmt_column_text(&s, 2), &p.status) < 0)
			p.status = PERMISSION_UNKNOWN;
		if (permission_source_parse(stmt_column_text(&s, 3), &p.source) < 0)
			p.source = PERMISSION_FROM_NOTHING;
		p.expires_ms = stmt_column(&s, 4);
		p.checked_ms = stmt_column(&s, 5);
		p.requested_ms[0] = stmt_column(&s, 6);
		p.requested_ms[1] = stmt_column(&s, 7);
		p.request_pending = stmt_column(&s, 8) != 0;
		p.unanswered = (unsigned)stmt_column(&s, 9);
		p.window_start_ms = stmt_column(&s, 10);
		p.connected = (unsigned)stmt_column(&s, 11);
		p.blocked_until_ms = stmt_column(&s, 12);
		p.request_blocked_until_ms = stmt_column(&s, 13);
		p.last_message_ms = stmt_column(&s, 14);
		if (s.rc == SQLITE_ROW)
			reader->fn(&p, reader->arg);
	}
	return stmt_end(&s);
}

int store_load_permissions(struct store *s, void (*fn)(const struct permission *p, void *arg), void *arg)
{
	struct permission_reader reader = {fn, arg};

	return store_load(s, load_permissions, &reader);
}

/* ---- parked dials ---- */

struct parked_request {
	struct store_request q;
	struct parked_dial dial; /* json points behind the struct */
	void (*fn)(int status, void *arg);
	char json[];
};

static int parked_run(struct db *db, struct store_request *q)
{
	const struct parked_dial *p = &((const struct parked_request *)q)->dial;
	struct stmt s = stmt_begin(db, STATEMENT_PUT_PARKED,
		"INSERT OR REPLACE INTO parked (id, number_id, user, created_ms, expires_ms, json) VALUES "
		"(?,?,?,?,?,?)");

	stmt_text(&s, p->id);
	stmt_text(&s, p->number_id);
	stmt_text(&s, p->user);
	stmt_number(&s, p->created_ms);
	stmt_number(&s, p->expires_ms);
	stmt_text(&s, p->json);
	return stmt_run(&s);
}

static void parked_deliver(struct store_request *q)
{
	((struct parked_request *)q)->fn(q->status, q->arg);
}

/* Durable: the asker is told "accepted, will be dialled". */
static const struct request_kind parked_kind = {
	.lane = LANE_WRITE,
	.patience_ms = IMPATIENT_MS,
	.durable = true,
	.lost = CNT_STORE_ERRORS,
	.run = parked_run,
	.deliver = parked_deliver,
};

int store_put_parked(struct store *s, const struct parked_dial *p, void (*fn)(int status, void *arg), void *arg)
{
	size_t length = strlen(p->json);
	struct parked_request *pq;
	struct store_request *q;
	int r = length > PARKED_JSON_MAX ? -EMSGSIZE : 0;

	if (r == 0)
		r = store_request_new(s, &parked_kind, fn != NULL, sizeof(*pq) + length + 1, &q);
	if (r < 0)
		return r;
	pq = (struct parked_request *)q;
	pq->dial = *p;
	memcpy(pq->json, p->json, length + 1);
	pq->dial.json = pq->json;
	pq->fn = fn;
	q->arg = arg;
	store_request_send(s, q);
	return 0;
}

struct drop_request {
	struct store_request q;
	char id[sizeof(((struct parked_dial *)0)->id)];
};

int db_drop_parked(struct db *db, const char *id)
{
	struct stmt s = stmt_begin(db, STATEMENT_DROP_PARKED, "DELETE FROM parked WHERE id = ?");

	stmt_text(&s, id);
	return stmt_run(&s);
}

static int drop_run(struct db *db, struct store_request *q)
{
	return db_drop_parked(db, ((const struct drop_request *)q)->id);
}

static const struct request_kind drop_kind = {
	.lane = LANE_WRITE,
	.patience_ms = PATIENT_MS,
	.lost = CNT_STORE_ERRORS,
	.run = drop_run,
};

int store_drop_parked(struct store *s, const char *id)
{
	struct store_request *q;
	int r = store_request_new(s, &drop_kind, false, sizeof(struct drop_request), &q);

	if (r < 0)
		return r;
	(void)str_copy(((struct drop_request *)q)->id, sizeof(((struct drop_request *)q)->id), id);
	store_request_send(s, q);
	return 0;
}

struct parked_reader {
	void (*fn)(const struct parked_dial *p, void *arg);
	void *arg;
};

static int load_parked(struct db *db, void *arg)
{
	const struct parked_reader *reader = arg;
	struct stmt s = stmt_begin(db, STATEMENT_LOAD_PARKED,
		"SELECT id, number_id, user, created_ms, expires_ms, json FROM parked ORDER BY created_ms, rowid");

	while (stmt_next(&s)) {
		struct parked_dial p = {.created_ms = stmt_column(&s, 3), .expires_ms = stmt_column(&s, 4)};

		stmt_column_copy(&s, 0, p.id, sizeof(p.id));
		stmt_column_copy(&s, 1, p.number_id, sizeof(p.number_id));
		stmt_column_copy(&s, 2, p.user, sizeof(p.user));
		p.json = stmt_column_text(&s, 5);
		if (s.rc == SQLITE_ROW)
			reader->fn(&p, reader->arg);
	}
	return stmt_end(&s);
}

int store_load_parked(struct store *s, void (*fn)(const struct parked_dial *p, void *arg), void *arg)
{
	struct parked_reader reader = {fn, arg};

	return store_load(s, load_parked, &reader);
}
