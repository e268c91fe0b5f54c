/* store/columns.h
 *
 * Which column of the table `calls` holds which field of struct call_record: one table, used for writing and for
 * reading. Private to store/. Pure.
 */
#ifndef STORE_COLUMNS_H
#define STORE_COLUMNS_H

#include "store/call_record.h"

#include <stddef.h>

enum column_kind {
	COLUMN_TEXT,   /* char array */
	COLUMN_HEAP,   /* malloc'd text or NULL */
	COLUMN_STATUS, /* enum call_status, by name */
	COLUMN_INT,    /* int */
	COLUMN_AMOUNT, /* int64_t; negative (not measured) is NULL in the database */
	COLUMN_TIME,   /* uint64_t, milliseconds since 1970; 0 (never) is NULL */
	COLUMN_LENGTH, /* uint64_t */
	COLUMN_REAL,   /* double; negative or not finite is NULL */
};

struct column {
	const char *name;
	enum column_kind kind;
	size_t offset, bytes; /* within struct call_record */
};

/* The first column is always "id". */
extern const struct column columns[];
extern const size_t columns_count;

/* Replace bytes that are not UTF-8 (a peer's, or a character cut by a full field) by '?': readers of the table, and the
 * JSON of the admin API, can rely on the encoding. */
void columns_clean_text(struct call_record *r);
void columns_clean(char *text); /* the same for one text */

#endif
