/* SQLite: the file, opening it, errors in our words, transactions. What is written and read is in statements.c.
 *
 * Write-ahead log with synchronous=NORMAL: a crash of the process (kill -9 too) loses nothing that was committed, a
 * power cut may lose the last transactions but never leaves the file inconsistent
 * (sqlite.org/pragma.html#pragma_synchronous). That is the right price for a call log; db_checkpoint() syncs when
 * somebody asks for it. Where a promise was made on the strength of the commit, it is made with synchronous=FULL, which
 * syncs the log file: Meta, once told that we have a message, never sends it again.
 */
#include "store/sqlite.h"

#include "lib/base/str.h"
#include "store/schema.h"
#include "store/sqlite_private.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	BUSY_MS = 1000, /* wait this long for another connection's lock; the writer's own retries come on top */
	WAL_KEEP_BYTES = 16 * 1048576, /* shrink the log file back to this after a checkpoint */
};

/* ---- errors ---- */

int db_errno(int rc)
{
	switch (rc & 0xff) { /* primary code of an extended one */
	case SQLITE_OK:
	case SQLITE_ROW:
	case SQLITE_DONE: return 0;
	case SQLITE_BUSY:
	case SQLITE_LOCKED: return -EBUSY;
	case SQLITE_READONLY: return -EROFS;
	case SQLITE_FULL: return -ENOSPC;
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB: return -EBADMSG;
	case SQLITE_NOMEM: return -ENOMEM;
	case SQLITE_PERM:
	case SQLITE_AUTH: return -EACCES;
	case SQLITE_CANTOPEN: return -ENOENT;
	case SQLITE_CONSTRAINT:
	case SQLITE_TOOBIG:
	case SQLITE_MISMATCH:
	case SQLITE_RANGE: return -EINVAL;
	default: return -EIO;
	}
}

const char *db_words(int r)
{
	switch (r) {
	case -EBUSY: return "locked by another process";
	case -EROFS: return "read-only";
	case -ENOSPC: return "disk full";
	case -EBADMSG: return "damaged, or not an SQLite database";
	case -ENOMEM: return "out of memory";
	case -EACCES: return "permission denied";
	case -ENOENT: return "cannot be opened";
	default: return "input/output error";
	}
}

const char *db_path(const struct db *db)
{
	return db->path;
}

const char *db_error(const struct db *db)
{
	return db->handle ? sqlite3_errmsg(db->handle) : "not open";
}

static int explain(const struct db *db, int r, char *why, size_t why_cap)
{
	snprintf(why, why_cap, "%s: %s (%s)", db->path, db_words(r), db_error(db));
	return r;
}

/* ---- the file ---- */

static bool in_memory(const char *path)
{
	return strcmp(path, ":memory:") == 0;
}

static int explain_errno(const char *path, int r, char *why, size_t why_cap)
{
	char copy[4096];
	const char *directory;
	struct stat st;

	if (r == -ENOENT && str_copy(copy, sizeof(copy), path) == 0) {
		directory = dirname(copy);
		if (stat(directory, &st) < 0) {
			snprintf(why, why_cap, "%s: the directory %s does not exist", path, directory);
			return r;
		}
	}
	snprintf(why, why_cap, "%s: %s", path, strerror(-r));
	return r;
}

/* Create the database for us alone: it holds telephone numbers. The log files that SQLite adds take over the mode. A
 * file that exists is not opened here, because closing a descriptor would drop this process's POSIX locks on it
 * (sqlite.org/howtocorrupt.html s2.2). */
static int create_file(const char *path, char *why, size_t why_cap)
{
	struct stat st;
	int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, S_IRUSR | S_IWUSR);

	if (fd >= 0) {
		close(fd);
		return 0;
	}
	if (errno != EEXIST)
		return explain_errno(path, -errno, why, why_cap);
	if (stat(path, &st) < 0)
		return explain_errno(path, -errno, why, why_cap);
	if (!S_ISREG(st.st_mode)) {
		snprintf(why, why_cap, "%s: is not a file", path);
		return -EISDIR;
	}
	if (access(path, R_OK | W_OK) < 0)
		return explain_errno(path, -errno, why, why_cap);
	return 0;
}

/* A second watrunk on the same call log would take the first one's live calls for leftovers of a crash and end them. */
static int lock_file(struct db *db, char *why, size_t why_cap)
{
	char name[4096];

	if ((size_t)snprintf(name, sizeof(name), "%s-lock", db->path) >= sizeof(name)) {
		snprintf(why, why_cap, "%s: %s", db->path, strerror(ENAMETOOLONG));
		return -ENAMETOOLONG;
	}
	db->lock_fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC, S_IRUSR | S_IWUSR);
	if (db->lock_fd < 0)
		return explain_errno(name, -errno, why, why_cap);
	if (flock(db->lock_fd, LOCK_EX | LOCK_NB) < 0) {
		int r = errno == EWOULDBLOCK ? -EBUSY : -errno;

		snprintf(why, why_cap, "%s: %s", db->path,
			r == -EBUSY ? "in use by another watrunk process" : strerror(-r));
		return r;
	}
	return 0;
}

/* ---- statements ---- */

int db_exec(struct db *db, const char *sql)
{
	return db_errno(sqlite3_exec(db->handle, sql, NULL, NULL, NULL));
}

int db_number(struct db *db, const char *sql, int *ret_number)
{
	sqlite3_stmt *st = NULL;
	int rc = sqlite3_prepare_v2(db->handle, sql, -1, &st, NULL);

	if (rc == SQLITE_OK) {
		rc = sqlite3_step(st);
		if (db_errno(rc) == 0)
			*ret_number = rc == SQLITE_ROW ? sqlite3_column_int(st, 0) : 0;
	}
	sqlite3_finalize(st);
	return db_errno(rc);
}

int db_begin(struct db *db)
{
	return db_exec(db, "BEGIN IMMEDIATE");
}

int db_begin_as(struct db *db, bool durable)
{
	int r = 0;

	if (durable != db->full_sync)
		r = db_exec(db, durable ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = NORMAL");
	if (r < 0)
		return r;
	db->full_sync = durable;
	return db_begin(db);
}

int db_commit(struct db *db)
{
	return db_exec(db, "COMMIT");
}

void db_rollback(struct db *db)
{
	db->outbox_waiting = db->outbox_dead = -1; /* counted anew when next needed */
	/* Some errors (disk full, out of memory) have rolled back already; then there is nothing to do. */
	if (!sqlite3_get_autocommit(db->handle))
		(void)db_exec(db, "ROLLBACK");
}

/* ---- open and close ---- */

static int set_up_writer(struct db *db, char *why, size_t why_cap)
{
	char sql[128];
	int r = schema_check(db, true, why, why_cap); /* first: a file of somebody else stays as it is */

	if (r < 0)
		return r;
	snprintf(sql, sizeof(sql),
		"PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA journal_size_limit = %d",
		WAL_KEEP_BYTES);
	r = db_exec(db, sql);
	if (r < 0)
		return explain(db, r, why, why_cap);
	r = schema_migrate(db, why, why_cap);
	if (r < 0)
		return r;
	r = db_prepare(db);
	if (r < 0)
		explain(db, r, why, why_cap);
	return r;
}

static int open_handle(struct db *db, enum db_mode mode, char *why, size_t why_cap)
{
	int flags = mode == DB_WRITE ? SQLITE_OPEN_READWRITE : SQLITE_OPEN_READONLY;
	int r;

	if (in_memory(db->path))
		flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_MEMORY;
	r = db_errno(sqlite3_open_v2(db->path, &db->handle, flags | SQLITE_OPEN_NOMUTEX, NULL));
	if (r < 0 && db->handle && sqlite3_system_errno(db->handle) != 0)
		return explain_errno(db->path, -sqlite3_system_errno(db->handle), why, why_cap);
	if (r < 0)
		return explain(db, r, why, why_cap);
	sqlite3_extended_result_codes(db->handle, 1);
	sqlite3_busy_timeout(db->handle, BUSY_MS);
	if (mode == DB_WRITE && sqlite3_db_readonly(db->handle, "main") == 1) {
		snprintf(why, why_cap, "%s: %s", db->path, db_words(-EROFS));
		return -EROFS;
	}
	/* The schema of a file from elsewhere must not run functions of its choice. */
	r = db_exec(db, "PRAGMA trusted_schema = OFF");
	if (r < 0)
		return explain(db, r, why, why_cap);
	return mode == DB_WRITE ? set_up_writer(db, why, why_cap) : schema_check(db, false, why, why_cap);
}

int db_open(const char *path, enum db_mode mode, struct db **ret_db, char *why, size_t why_cap)
{
	struct db *db = calloc(1, sizeof(*db));
	int r = -ENOMEM;

	snprintf(why, why_cap, "%s: %s", path, db_words(r));
	if (!db)
		return r;
	db->lock_fd = -1;
	db->outbox_waiting = db->outbox_dead = -1;
	db->path = strdup(path);
	if (!db->path)
		goto fail;
	r = 0;
	if (mode == DB_WRITE && !in_memory(path)) {
		r = create_file(path, why, why_cap);
		if (r == 0)
			r = lock_file(db, why, why_cap);
	}
	if (r == 0)
		r = open_handle(db, mode, why, why_cap);
	if (r == 0) {
		if (why_cap > 0)
			why[0] = '\0';
		*ret_db = db;
		return 0;
	}
fail:
	db_close(db);
	return r;
}

struct db *db_close(struct db *db)
{
	if (!db)
		return NULL;
	db_unprepare(db);
	sqlite3_close_v2(db->handle);
	if (db->lock_fd >= 0)
		close(db->lock_fd); /* the file stays: removing it could take another process's fresh lock away */
	free(db->path);
	free(db);
	return NULL;
}

int db_checkpoint(struct db *db)
{
	return db_errno(sqlite3_wal_checkpoint_v2(db->handle, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL));
}
