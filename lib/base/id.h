/* lib/base/id.h
 *
 * Names for objects that other threads or later events know: slot number plus generation, so that a late message finds
 * nothing rather than the wrong thing. An id is never 0. struct slotmap belongs to one thread; ids go anywhere.
 *
 *   bits 63..56 owner (media worker index) | 55..24 generation (32 bits) | 23..0 slot
 */
#ifndef LIB_BASE_ID_H
#define LIB_BASE_ID_H

#include <stddef.h>
#include <stdint.h>

struct slotmap;

/* owner: 0..255; max_slots bounds memory (< 2^24). Returns 0, -EINVAL or -ENOMEM. */
int slotmap_new(uint8_t owner, size_t max_slots, struct slotmap **ret_map);
/* Store a pointer; returns its new id, or 0 when full or out of memory. A slot is reused as late as possible. */
uint64_t slotmap_add(struct slotmap *m, void *object);
/* The object of this id, or NULL when it is gone. */
void *slotmap_get(const struct slotmap *m, uint64_t id);
/* Forget it; returns the object or NULL. */
void *slotmap_remove(struct slotmap *m, uint64_t id);
size_t slotmap_count(const struct slotmap *m);
/* Iterate: *cursor = 0 first; NULL at the end. Removing the returned object while iterating is allowed. */
void *slotmap_next(const struct slotmap *m, size_t *cursor);
struct slotmap *slotmap_free(struct slotmap *m); /* not the objects. Accepts NULL; returns NULL */

static inline uint8_t id_owner(uint64_t id)
{
	return (uint8_t)(id >> 56);
}

#endif
