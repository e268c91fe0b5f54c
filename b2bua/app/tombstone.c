/* b2bua/app/tombstone.c -- see tombstone.h. uthash keeps insertion order, so the head of the table is the oldest. */
#include "b2bua/app/tombstone.h"

#include <stdlib.h>
#include <string.h>

/* Out of memory is told, not the end of the program. uthash then leaves the element out, its table pointer NULL. */
#define HASH_NONFATAL_OOM 1
#include <uthash.h>

struct tombstone {
	UT_hash_handle hh;
	uint64_t added_ms;
	char wacid[];
};

struct tombstones {
	struct tombstone *table;
};

struct tombstones *tombstones_new(void)
{
	return calloc(1, sizeof(struct tombstones));
}

static bool expired(const struct tombstone *e, uint64_t wall_ms)
{
	return wall_ms > e->added_ms + TOMBSTONE_LIFE_MS;
}

static void drop(struct tombstones *t, struct tombstone *e)
{
	HASH_DEL(t->table, e);
	free(e);
}

bool tombstones_add(struct tombstones *t, const char *wacid, uint64_t wall_ms)
{
	size_t length = strlen(wacid);
	struct tombstone *e;

	HASH_FIND(hh, t->table, wacid, (unsigned)length, e);
	if (e && !expired(e, wall_ms))
		return true;
	if (e)
		drop(t, e);
	while (t->table && (expired(t->table, wall_ms) || HASH_COUNT(t->table) >= TOMBSTONES_MAX))
		drop(t, t->table);
	e = calloc(1, sizeof(*e) + length + 1);
	if (!e)
		return false;
	e->added_ms = wall_ms;
	memcpy(e->wacid, wacid, length + 1);
	HASH_ADD(hh, t->table, wacid[0], (unsigned)length, e);
	if (!e->hh.tbl) {
		free(e);
		return false;
	}
	return true;
}

bool tombstones_has(const struct tombstones *t, const char *wacid, uint64_t wall_ms)
{
	struct tombstone *e;

	HASH_FIND(hh, t->table, wacid, (unsigned)strlen(wacid), e);
	return e && !expired(e, wall_ms);
}

struct tombstones *tombstones_free(struct tombstones *t)
{
	if (t) {
		while (t->table)
			drop(t, t->table);
		free(t);
	}
	return NULL;
}
