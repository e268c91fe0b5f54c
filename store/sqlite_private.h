/* store/sqlite_private.h
 *
 * The inside of struct db, shared by sqlite.c (file, transactions) and statements.c (rows). Nobody else includes it.
 */
#ifndef STORE_SQLITE_PRIVATE_H
#define STORE_SQLITE_PRIVATE_H

#include "store/sqlite.h"

#include <sqlite3.h>

struct db {
	char *path;
	int lock_fd; /* "PATH-lock", held by flock while a writer has the database open; -1 otherwise */
	sqlite3 *handle;
	sqlite3_stmt *put_record, *put_live, *forget_live; /* prepared at open */
};

/* A result code of SQLite, extended or not, as 0 or negative errno. */
int db_errno(int rc);

/* Prepare what a writer runs for each call; needs the tables. db_unprepare() takes a half-prepared handle. */
int db_prepare(struct db *db);
void db_unprepare(struct db *db);

#endif
