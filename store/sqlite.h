/* store/sqlite.h
 *
 * The database behind the call log: SQLite 3, one connection, used by one thread at a time. Private to store/;
 * sqlite3.h has its only home in this folder. Everything here may block on the disk.
 *
 * Errors: -EBUSY locked by another connection, -ENOSPC disk full, -EROFS read-only, -EBADMSG corrupt or not a database,
 * -EACCES, -ENOENT, -ENOMEM, -EINVAL (one row that can never be written), -EIO anything else.
 */
#ifndef STORE_SQLITE_H
#define STORE_SQLITE_H

#include "store/store.h"

struct db;

enum db_mode {
	DB_WRITE, /* create or migrate; refuses a file that another DB_WRITE handle of any process holds */
	DB_READ,  /* never changes the file */
};

/* path ":memory:" for a database that dies with the handle. why names the path and what is wrong with it. */
int db_open(const char *path, enum db_mode mode, struct db **ret_db, char *why, size_t why_cap);
struct db *db_close(struct db *db); /* accepts NULL; returns NULL */

const char *db_path(const struct db *db);
/* What SQLite says about the last failure; valid until the next call. */
const char *db_error(const struct db *db);
/* One of the errors above, in words. */
const char *db_words(int r);

/* For schema.c: SQL without results, and the first column of the first row (0 when there is none). */
int db_exec(struct db *db, const char *sql);
int db_number(struct db *db, const char *sql, int *ret_number);

/* A transaction that holds the write lock from the start, so that busy shows here and not half-way. */
int db_begin(struct db *db);
/* The same; durable: db_commit() returns when the rows would survive a power cut, not only a crash of ours. */
int db_begin_as(struct db *db, bool durable);
int db_commit(struct db *db);
void db_rollback(struct db *db);

/* Write the record and forget the live entry of its id. *ret_new: false when a record of this id existed (it is kept).
 */
int db_put_record(struct db *db, const struct call_record *r, bool *ret_new);
int db_put_live(struct db *db, const struct live_call *live);
int db_forget_live(struct db *db, const char *id);
int db_drop_parked(struct db *db, const char *id);
/* Oldest first. A non-zero answer of fn ends the walk and is returned. */
int db_each_live(struct db *db, int (*fn)(const struct live_call *live, void *arg), void *arg);

/* fn takes over each record, newest first; a non-zero answer ends the walk and is returned. */
int db_find(struct db *db, const struct store_query *query, int (*fn)(struct call_record *r, void *arg), void *arg);

/* Sync the write-ahead log to the disk and copy what can be copied into the database file. */
int db_checkpoint(struct db *db);

#endif
