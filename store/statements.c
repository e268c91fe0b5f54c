/* The statements of the call log: a row in and out of struct call_record, the list of live calls, and the question of
 * the admin API. */
#include "store/sqlite_private.h"

#include "lib/base/str.h"
#include "store/columns.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SQL_MAX = 4096 };

/* ---- preparing ---- */

/* Run a prepared statement that returns no rows, and make it ready for the next time. */
static int run(sqlite3_stmt *st)
{
	int r = db_errno(sqlite3_step(st));

	sqlite3_reset(st);
	sqlite3_clear_bindings(st);
	return r;
}

static int prepare(struct db *db, const char *sql, sqlite3_stmt **ret_st)
{
	return db_errno(sqlite3_prepare_v3(db->handle, sql, -1, SQLITE_PREPARE_PERSISTENT, ret_st, NULL));
}

int db_prepare(struct db *db)
{
	char sql[SQL_MAX];
	struct strbuf sb;
	int r;

	strbuf_init(&sb, sql, sizeof(sql));
	strbuf_put(&sb, "INSERT INTO calls (");
	for (size_t i = 0; i < columns_count; i++)
		strbuf_printf(&sb, "%s%s", i ? "," : "", columns[i].name);
	strbuf_put(&sb, ") VALUES (");
	for (size_t i = 0; i < columns_count; i++)
		strbuf_put(&sb, i ? ",?" : "?");
	strbuf_put(&sb, ") ON CONFLICT (id) DO NOTHING");
	r = sb.truncated ? -EIO : prepare(db, sql, &db->put_record);
	/* A live entry that is retried after the record of its call was written must not come back to life. */
	if (r == 0)
		r = prepare(db,
			"INSERT OR REPLACE INTO live_calls (id, wacid, number_id, user_number, started_ms, outbound, "
			"tenant)"
			" SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7 WHERE NOT EXISTS (SELECT 1 FROM calls WHERE id = ?1)",
			&db->put_live);
	if (r == 0)
		r = prepare(db, "DELETE FROM live_calls WHERE id = ?", &db->forget_live);
	return r;
}

void db_unprepare(struct db *db)
{
	sqlite3_finalize(db->put_record);
	sqlite3_finalize(db->put_live);
	sqlite3_finalize(db->forget_live);
	for (size_t i = 0; i < STATEMENT_COUNT; i++)
		sqlite3_finalize(db->kept[i]);
}

/* ---- a row <-> struct call_record ---- */

static int bind_column(sqlite3_stmt *st, int at, const struct column *c, const struct call_record *r)
{
	const char *field = (const char *)r + c->offset;
	union {
		const char *text;
		enum call_status status;
		int number;
		int64_t amount;
		uint64_t length;
		double real;
	} v;

	if (c->kind == COLUMN_TEXT)
		return sqlite3_bind_text(st, at, field, (int)strnlen(field, c->bytes), SQLITE_STATIC);
	memcpy(&v, field, c->bytes);
	switch (c->kind) {
	case COLUMN_HEAP:
		return v.text ? sqlite3_bind_text(st, at, v.text, -1, SQLITE_STATIC) : sqlite3_bind_null(st, at);
	case COLUMN_STATUS: return sqlite3_bind_text(st, at, call_status_name(v.status), -1, SQLITE_STATIC);
	case COLUMN_INT: return sqlite3_bind_int(st, at, v.number);
	case COLUMN_AMOUNT: return v.amount < 0 ? sqlite3_bind_null(st, at) : sqlite3_bind_int64(st, at, v.amount);
	case COLUMN_TIME:
		return v.length == 0 ? sqlite3_bind_null(st, at) : sqlite3_bind_int64(st, at, (int64_t)v.length);
	case COLUMN_LENGTH: return sqlite3_bind_int64(st, at, (int64_t)v.length);
	case COLUMN_REAL:
		return !isfinite(v.real) || v.real < 0 ? sqlite3_bind_null(st, at)
						       : sqlite3_bind_double(st, at, v.real);
	default: return SQLITE_MISUSE;
	}
}

/* Put one value of the current row into its field; a null leaves what call_record_new() put there. */
static int read_column(sqlite3_stmt *st, int at, const struct column *c, struct call_record *r)
{
	char *field = (char *)r + c->offset;
	union {
		char *text;
		enum call_status status;
		int number;
		int64_t amount;
		double real;
	} v;

	if (sqlite3_column_type(st, at) == SQLITE_NULL)
		return 0;
	switch (c->kind) {
	case COLUMN_TEXT: {
		const char *text = (const char *)sqlite3_column_text(st, at);

		if (!text)
			return -ENOMEM;
		(void)str_copy(field, c->bytes, text); /* longer only if somebody edited the table */
		return 0;
	}
	case COLUMN_HEAP: {
		const char *text = (const char *)sqlite3_column_text(st, at);

		v.text = text ? strdup(text) : NULL;
		if (!v.text)
			return -ENOMEM;
		break;
	}
	case COLUMN_STATUS:
		if (call_status_parse((const char *)sqlite3_column_text(st, at), &v.status) < 0)
			v.status = CALL_STATUS_FAILED;
		break;
	case COLUMN_INT: v.number = sqlite3_column_int(st, at); break;
	case COLUMN_REAL: v.real = sqlite3_column_double(st, at); break;
	default: v.amount = sqlite3_column_int64(st, at); break;
	}
	memcpy(field, &v, c->bytes);
	return 0;
}

static int read_record(sqlite3_stmt *st, struct call_record **ret_record)
{
	struct call_record *r = call_record_new();

	if (!r)
		return -ENOMEM;
	for (size_t i = 0; i < columns_count; i++) {
		if (read_column(st, (int)i, &columns[i], r) < 0) {
			call_record_free(r);
			return -ENOMEM;
		}
	}
	*ret_record = r;
	return 0;
}

/* ---- writing ---- */

int db_forget_live(struct db *db, const char *id)
{
	int rc = sqlite3_bind_text(db->forget_live, 1, id, -1, SQLITE_STATIC);

	return rc == SQLITE_OK ? run(db->forget_live) : db_errno(rc);
}

int db_put_record(struct db *db, const struct call_record *r, bool *ret_new)
{
	int rc = SQLITE_OK;
	int status;

	for (size_t i = 0; i < columns_count && rc == SQLITE_OK; i++)
		rc = bind_column(db->put_record, (int)i + 1, &columns[i], r);
	if (rc != SQLITE_OK)
		return db_errno(rc);
	status = run(db->put_record);
	if (status < 0)
		return status;
	*ret_new = sqlite3_changes(db->handle) > 0;
	return db_forget_live(db, r->id);
}

int db_put_live(struct db *db, const struct live_call *live)
{
	sqlite3_stmt *st = db->put_live;
	int rc = sqlite3_bind_text(st, 1, live->id, -1, SQLITE_STATIC);

	if (rc == SQLITE_OK)
		rc = sqlite3_bind_text(st, 2, live->wacid, -1, SQLITE_STATIC);
	if (rc == SQLITE_OK)
		rc = sqlite3_bind_text(st, 3, live->number_id, -1, SQLITE_STATIC);
	if (rc == SQLITE_OK)
		rc = sqlite3_bind_text(st, 4, live->user_number, -1, SQLITE_STATIC);
	if (rc == SQLITE_OK)
		rc = sqlite3_bind_int64(st, 5, (int64_t)live->started_ms);
	if (rc == SQLITE_OK)
		rc = sqlite3_bind_int(st, 6, live->outbound);
	if (rc == SQLITE_OK)
		rc = sqlite3_bind_text(st, 7, live->tenant, -1, SQLITE_STATIC);
	return rc == SQLITE_OK ? run(st) : db_errno(rc);
}

int db_each_live(struct db *db, int (*fn)(const struct live_call *live, void *arg), void *arg)
{
	sqlite3_stmt *st = NULL;
	struct live_call live;
	int rc = SQLITE_OK;
	int r = prepare(db,
		"SELECT id, wacid, number_id, user_number, started_ms, outbound, tenant FROM live_calls"
		" ORDER BY started_ms, rowid",
		&st);

	while (r == 0 && (rc = sqlite3_step(st)) == SQLITE_ROW) {
		(void)str_copy(live.id, sizeof(live.id), (const char *)sqlite3_column_text(st, 0));
		(void)str_copy(live.wacid, sizeof(live.wacid), (const char *)sqlite3_column_text(st, 1));
		(void)str_copy(live.number_id, sizeof(live.number_id), (const char *)sqlite3_column_text(st, 2));
		(void)str_copy(live.user_number, sizeof(live.user_number), (const char *)sqlite3_column_text(st, 3));
		live.started_ms = (uint64_t)sqlite3_column_int64(st, 4);
		live.outbound = sqlite3_column_int(st, 5) != 0;
		(void)str_copy(live.tenant, sizeof(live.tenant), (const char *)sqlite3_column_text(st, 6));
		r = fn(&live, arg);
	}
	sqlite3_finalize(st);
	return r != 0 ? r : db_errno(rc);
}

/* ---- finding ---- */

enum { FIND_LIMIT_DEFAULT = 100, FIND_LIMIT_MAX = 1000 };

/* Numbers are kept as they came, E.164 with or without '+'; a question may be put either way. ":n" is the text asked
 * for. */
#define NUMBER_MATCHES(column, n) " AND " column " IN (" n ", '+' || " n ", ltrim(" n ", '+'))"

static int find_sql(const struct store_query *q, char *sql, size_t cap)
{
	struct strbuf sb;

	strbuf_init(&sb, sql, cap);
	strbuf_put(&sb, "SELECT ");
	for (size_t i = 0; i < columns_count; i++)
		strbuf_printf(&sb, "%s%s", i ? "," : "", columns[i].name);
	strbuf_put(&sb, " FROM calls WHERE 1");
	if (q->id[0])
		strbuf_put(&sb, " AND id = :id");
	if (q->user_number[0])
		strbuf_put(&sb, NUMBER_MATCHES("user_number", ":user_number"));
	if (q->number[0])
		strbuf_put(&sb, NUMBER_MATCHES("number", ":number"));
	if (q->status[0])
		strbuf_put(&sb, " AND status = :status");
	if (q->direction[0])
		strbuf_put(&sb, " AND direction = :direction");
	if (q->gateway[0])
		strbuf_put(&sb, " AND gateway = :gateway");
	if (q->tenant[0])
		strbuf_put(&sb, " AND tenant = :tenant");
	if (q->from_ms)
		strbuf_put(&sb, " AND started_ms >= :from");
	if (q->to_ms)
		strbuf_put(&sb, " AND started_ms < :to");
	/* The place of a record is its own values, so that it holds even when the record has been deleted since.
	 * Records without a start, of which there should be none, are on no page but the first. */
	if (q->after_started_ms || q->after_id[0])
		strbuf_put(&sb, " AND started_ms <= :after AND (started_ms < :after OR id < :after_id)");
	strbuf_put(&sb, " ORDER BY started_ms DESC, id DESC LIMIT :limit OFFSET :offset");
	return sb.truncated ? -EIO : 0;
}

/* A name that the question does not use has index 0 and is left out. */
static int bind_name(sqlite3_stmt *st, const char *name, const char *text, uint64_t number)
{
	int at = sqlite3_bind_parameter_index(st, name);

	if (at == 0)
		return SQLITE_OK;
	if (text)
		return sqlite3_bind_text(st, at, text, -1, SQLITE_STATIC);
	return sqlite3_bind_int64(st, at, number > INT64_MAX ? INT64_MAX : (int64_t)number);
}

static int bind_query(sqlite3_stmt *st, const struct store_query *q)
{
	unsigned limit = q->limit == 0 ? FIND_LIMIT_DEFAULT : q->limit;
	int rc = bind_name(st, ":id", q->id, 0);

	if (limit > FIND_LIMIT_MAX)
		limit = FIND_LIMIT_MAX;
	if (rc == SQLITE_OK)
		rc = bind_name(st, ":user_number", q->user_number, 0);
	if (rc == SQLITE_OK)
		rc = bind_name(st, ":number", q->number, 0);
	if (rc == SQLITE_OK)
		rc = bind_name(st, ":status", q->status, 0);
	if (rc == SQLITE_OK)
		rc = bind_name(st, ":direction", q->direction, 0);
	if (rc == SQLITE_OK)
		rc = bind_name(st, ":gateway", q->gateway, 0);
	if (rc == SQLITE_OK)
		rc = bind_name(st, ":tenant", q->tenant, 0);
	if (rc == SQLITE_OK)
		rc = bind_name(st, ":after", NULL, q->after_started_ms);
	if (rc == SQLITE_OK)
		rc = bind_name(st, ":after_id", q->after_id, 0);
	if (rc == SQLITE_OK)
		rc = bind_name(st, ":from", NULL, q->from_ms);
	if (rc == SQLITE_OK)
		rc = bind_name(st, ":to", NULL, q->to_ms);
	if (rc == SQLITE_OK)
		rc = bind_name(st, ":limit", NULL, limit);
	if (rc == SQLITE_OK)
		rc = bind_name(st, ":offset", NULL, q->offset);
	return db_errno(rc);
}

int db_find(struct db *db, const struct store_query *query, int (*fn)(struct call_record *r, void *arg), void *arg)
{
	sqlite3_stmt *st = NULL;
	struct call_record *record;
	char sql[SQL_MAX];
	int rc = SQLITE_OK;
	int r = find_sql(query, sql, sizeof(sql));

	if (r == 0)
		r = db_errno(sqlite3_prepare_v2(db->handle, sql, -1, &st, NULL));
	if (r == 0)
		r = bind_query(st, query);
	while (r == 0 && (rc = sqlite3_step(st)) == SQLITE_ROW) {
		r = read_record(st, &record);
		if (r == 0)
			r = fn(record, arg);
	}
	sqlite3_finalize(st);
	return r != 0 ? r : db_errno(rc);
}
