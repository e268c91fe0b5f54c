/* b2bua/app/tombstone.h
 *
 * Names of WhatsApp calls that are over. Meta delivers webhooks late, twice and out of order: a `connect` after the end
 * must not ring anybody. Bounded: the oldest is forgotten first. Time is an argument.
 */
#ifndef B2BUA_APP_TOMBSTONE_H
#define B2BUA_APP_TOMBSTONE_H

#include <stdbool.h>
#include <stdint.h>

enum {
	TOMBSTONES_MAX = 65536,
	TOMBSTONE_LIFE_MS = 15 * 60 * 1000, /* offers older than a minute are refused by their time stamp anyhow */
};

struct tombstones;
struct tombstones *tombstones_new(void);
/* Returns false when out of memory. */
bool tombstones_add(struct tombstones *t, const char *wacid, uint64_t wall_ms);
bool tombstones_has(const struct tombstones *t, const char *wacid, uint64_t wall_ms);
struct tombstones *tombstones_free(struct tombstones *t);

#endif
