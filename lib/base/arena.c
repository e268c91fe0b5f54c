/* lib/base/arena.c
 *
 * Each block is a quarter of what there is already, from 1 KiB to 16 KiB: little is left unused in the last one. What
 * is larger gets a block of its own.
 */
#include "lib/base/arena.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK_MIN_BYTES = 1024, BLOCK_MAX_BYTES = 16 * 1024, ALIGN_BYTES = _Alignof(max_align_t) };

struct arena_block {
	struct arena_block *next;
	size_t size, used; /* of data[] */
	_Alignas(max_align_t) unsigned char data[];
};

void arena_init(struct arena *a, size_t limit_bytes)
{
	*a = (struct arena){.limit_bytes = limit_bytes};
}

static struct arena_block *block_add(struct arena *a, size_t bytes)
{
	size_t size = a->used_bytes / 4;
	struct arena_block *b;

	if (size < BLOCK_MIN_BYTES)
		size = BLOCK_MIN_BYTES;
	if (size > BLOCK_MAX_BYTES)
		size = BLOCK_MAX_BYTES;
	if (size < bytes)
		size = bytes;
	a->block_bytes = size;
	b = calloc(1, sizeof(*b) + size);
	if (!b)
		return NULL;
	b->size = size;
	b->next = a->blocks;
	a->blocks = b;
	return b;
}

void *arena_alloc(struct arena *a, size_t bytes)
{
	struct arena_block *b = a->blocks;
	void *at;

	if (bytes > SIZE_MAX / 2)
		return NULL;
	/* Never two objects at one address, not even empty ones. */
	bytes = (bytes ? bytes + ALIGN_BYTES - 1 : ALIGN_BYTES) / ALIGN_BYTES * ALIGN_BYTES;
	if (a->limit_bytes && (a->used_bytes > a->limit_bytes || bytes > a->limit_bytes - a->used_bytes))
		return NULL;
	if (!b || b->size - b->used < bytes)
		b = block_add(a, bytes);
	if (!b)
		return NULL;
	at = b->data + b->used;
	b->used += bytes;
	a->used_bytes += bytes;
	return at;
}

char *arena_strndup(struct arena *a, const char *text, size_t length)
{
	char *copy;

	if (!text || length == SIZE_MAX)
		return NULL;
	length = strnlen(text, length);
	copy = arena_alloc(a, length + 1);
	if (copy)
		memcpy(copy, text, length);
	return copy;
}

char *arena_strdup(struct arena *a, const char *text)
{
	return text ? arena_strndup(a, text, strlen(text)) : NULL;
}

char *arena_printf(struct arena *a, const char *fmt, ...)
{
	va_list ap, again;
	char *text = NULL;
	int n;

	va_start(ap, fmt);
	va_copy(again, ap);
	n = vsnprintf(NULL, 0, fmt, ap);
	if (n >= 0)
		text = arena_alloc(a, (size_t)n + 1);
	if (text)
		vsnprintf(text, (size_t)n + 1, fmt, again);
	va_end(again);
	va_end(ap);
	return text;
}

void arena_done(struct arena *a)
{
	while (a->blocks) {
		struct arena_block *b = a->blocks;
		a->blocks = b->next;
		free(b);
	}
	a->used_bytes = a->block_bytes = 0;
}
