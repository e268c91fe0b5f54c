/* Statements that are prepared once and used often: binding and reading with one error to look at, at the end. */
#include "store/sqlite_private.h"

#include "lib/base/str.h"

#include <string.h>

struct stmt stmt_begin(struct db *db, enum statement which, const char *sql)
{
	struct stmt s = {.rc = SQLITE_OK};

	if (!db->kept[which])
		s.rc = sqlite3_prepare_v3(db->handle, sql, -1, SQLITE_PREPARE_PERSISTENT, &db->kept[which], NULL);
	s.st = db->kept[which];
	return s;
}

void stmt_text(struct stmt *s, const char *text)
{
	s->at++;
	if (s->rc == SQLITE_OK && text) /* nothing bound is NULL */
		s->rc = sqlite3_bind_text(s->st, s->at, text, -1, SQLITE_STATIC);
}

void stmt_bytes(struct stmt *s, const char *text, size_t length)
{
	s->at++;
	if (s->rc == SQLITE_OK)
		s->rc = sqlite3_bind_text64(s->st, s->at, text, length, SQLITE_STATIC, SQLITE_UTF8);
}

void stmt_number(struct stmt *s, uint64_t number)
{
	s->at++;
	if (s->rc == SQLITE_OK)
		s->rc = sqlite3_bind_int64(s->st, s->at, number > INT64_MAX ? INT64_MAX : (int64_t)number);
}

bool stmt_next(struct stmt *s)
{
	if (s->rc == SQLITE_OK || s->rc == SQLITE_ROW)
		s->rc = sqlite3_step(s->st);
	return s->rc == SQLITE_ROW;
}

int stmt_end(struct stmt *s)
{
	if (s->st) {
		sqlite3_reset(s->st);
		sqlite3_clear_bindings(s->st);
	}
	s->st = NULL;
	return db_errno(s->rc);
}

int stmt_run(struct stmt *s)
{
	(void)stmt_next(s);
	return stmt_end(s);
}

uint64_t stmt_column(struct stmt *s, int column)
{
	int64_t number = sqlite3_column_int64(s->st, column);

	return number < 0 ? 0 : (uint64_t)number; /* below zero only if somebody edited the table */
}

const char *stmt_column_text(struct stmt *s, int column)
{
	const char *text = (const char *)sqlite3_column_text(s->st, column);

	if (!text && sqlite3_errcode(sqlite3_db_handle(s->st)) == SQLITE_NOMEM)
		s->rc = SQLITE_NOMEM;
	return text ? text : "";
}

void stmt_column_copy(struct stmt *s, int column, char *dst, size_t cap)
{
	(void)str_copy(dst, cap, stmt_column_text(s, column)); /* longer only if somebody edited the table */
}
