/* lib/base/arena.h
 *
 * Bump allocator: what lives as long as one call (or one request) and dies with it. One thread.
 */
#ifndef LIB_BASE_ARENA_H
#define LIB_BASE_ARENA_H

#include <stddef.h>

struct arena_block;
struct arena {
	struct arena_block *blocks; /* newest first */
	size_t used_bytes;          /* handed out in all */
	size_t limit_bytes;         /* refuse beyond; 0 = no limit */
	size_t block_bytes;         /* of the last block */
};

/* limit_bytes bounds what one call may hold, however hostile the peer. Allocates nothing yet. */
void arena_init(struct arena *a, size_t limit_bytes);
/* Zeroed memory aligned for any type, or NULL (out of memory, or over the limit). */
void *arena_alloc(struct arena *a, size_t bytes);
/* Copies; NULL in gives NULL out. NULL also when out of memory. */
char *arena_strdup(struct arena *a, const char *text);
char *arena_strndup(struct arena *a, const char *text, size_t length);
char *arena_printf(struct arena *a, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Frees everything; the arena may be used again. */
void arena_done(struct arena *a);

#endif
