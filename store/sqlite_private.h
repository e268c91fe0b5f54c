/* store/sqlite_private.h
 *
 * The inside of struct db, shared by the files of this folder that hold SQL. Nobody else includes it.
 */
#ifndef STORE_SQLITE_PRIVATE_H
#define STORE_SQLITE_PRIVATE_H

#include "store/sqlite.h"

#include <sqlite3.h>

/* Statements that are prepared when first needed and kept. */
enum statement {
	STATEMENT_PUT_PERMISSION,
	STATEMENT_LOAD_PERMISSIONS,
	STATEMENT_PUT_PARKED,
	STATEMENT_DROP_PARKED,
	STATEMENT_LOAD_PARKED,
	STATEMENT_PUT_BINDING,
	STATEMENT_DROP_BINDING,
	STATEMENT_LOAD_BINDINGS,
	STATEMENT_PUT_INBOX,
	STATEMENT_DONE_INBOX,
	STATEMENT_PRUNE_INBOX,
	STATEMENT_LOAD_INBOX,
	STATEMENT_PRUNE_KEYS,
	STATEMENT_FREE_KEY,
	STATEMENT_CLAIM_KEY,
	STATEMENT_FIND_KEY,
	STATEMENT_ANSWER_KEY,
	STATEMENT_COUNT_OUTBOX,
	STATEMENT_PUT_EVENT,
	STATEMENT_OLDEST_EVENT,
	STATEMENT_OLD_EVENT,
	STATEMENT_FIND_EVENT,
	STATEMENT_DUE_EVENTS,
	STATEMENT_DELETE_EVENT,
	STATEMENT_EVENT_STATE,
	STATEMENT_FIRST_OF_SUBJECT,
	STATEMENT_RETRY_EVENT,
	STATEMENT_DEAD_EVENT,
	STATEMENT_DEAD_EVENTS,
	STATEMENT_NEXT_DEAD,
	STATEMENT_REVIVE_EVENT,
	STATEMENT_COUNT,
};

struct db {
	char *path;
	int lock_fd; /* "PATH-lock", held by flock while a writer has the database open; -1 otherwise */
	sqlite3 *handle;
	bool full_sync;
	sqlite3_stmt *put_record, *put_live, *forget_live; /* prepared at open */
	sqlite3_stmt *kept[STATEMENT_COUNT];               /* NULL: not needed so far */
	int64_t outbox_waiting, outbox_dead;               /* rows, kept up by outbox_rows.c; -1: must be counted */
};

/* A result code of SQLite, extended or not, as 0 or negative errno. */
int db_errno(int rc);

/* Prepare what a writer runs for each call; needs the tables. db_unprepare() takes a half-prepared handle. */
int db_prepare(struct db *db);
void db_unprepare(struct db *db);

/* One use of a kept statement: bind the values in the order of its question marks, then stmt_run(), or stmt_next()
 * until it is false and stmt_end(). The first error stops it and is what the end returns. */
struct stmt {
	sqlite3_stmt *st;
	int at; /* bound so far */
	int rc;
};
struct stmt stmt_begin(struct db *db, enum statement which, const char *sql);
/* Borrowed until the end; NULL text is NULL. */
void stmt_text(struct stmt *s, const char *text);
void stmt_bytes(struct stmt *s, const char *text, size_t length);
void stmt_number(struct stmt *s, uint64_t number); /* more than INT64_MAX becomes INT64_MAX */
bool stmt_next(struct stmt *s);                    /* true: there is a row */
int stmt_end(struct stmt *s);
int stmt_run(struct stmt *s); /* to the end, without a row */
/* Columns of the row, from 0. A text is valid until the next step; "" where there is none, never NULL. */
uint64_t stmt_column(struct stmt *s, int column);
const char *stmt_column_text(struct stmt *s, int column);
void stmt_column_copy(struct stmt *s, int column, char *dst, size_t cap);

#endif
