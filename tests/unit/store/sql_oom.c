/* malloc of this program as SQLite's, with the size in front. */
#include "tests/unit/store/sql_oom.h"

#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

enum { HEADER = 16 };

static void *sql_malloc(int size)
{
	char *p = malloc((size_t)size + HEADER);

	if (!p)
		return NULL;
	memcpy(p, &size, sizeof(size));
	return p + HEADER;
}

static void sql_free(void *at)
{
	if (at)
		free((char *)at - HEADER);
}

static void *sql_realloc(void *at, int size)
{
	char *p = realloc((char *)at - HEADER, (size_t)size + HEADER);

	if (!p)
		return NULL;
	memcpy(p, &size, sizeof(size));
	return p + HEADER;
}

static int sql_size(void *at)
{
	int size = 0;

	if (at)
		memcpy(&size, (char *)at - HEADER, sizeof(size));
	return size;
}

static int sql_roundup(int size)
{
	return (size + 7) & ~7;
}

static int sql_init(void *arg)
{
	(void)arg;
	return SQLITE_OK;
}

static void sql_shutdown(void *arg)
{
	(void)arg;
}

int sql_oom_set_up(void **state)
{
	static sqlite3_mem_methods methods = {
		sql_malloc, sql_free, sql_realloc, sql_size, sql_roundup, sql_init, sql_shutdown, NULL};

	(void)state;
	return sqlite3_config(SQLITE_CONFIG_MALLOC, &methods) == SQLITE_OK &&
			       sqlite3_config(SQLITE_CONFIG_LOOKASIDE, 0, 0) == SQLITE_OK && /* see every allocation */
			       sqlite3_initialize() == SQLITE_OK
		       ? 0
		       : -1;
}
