/* media/codec/lean_memory.h
 *
 * Memory of large codec states, parts of which are set to zero and never used: the encoder's analysis of music, its
 * other channel. Such pages are given back; they are zero again when somebody reads or writes them after all.
 */
#ifndef MEDIA_CODEC_LEAN_MEMORY_H
#define MEDIA_CODEC_LEAN_MEMORY_H

#include <stddef.h>

/* Zeroed, at the beginning of a page; free() it. NULL: no memory. */
void *lean_alloc(size_t bytes);
/* Of so many bytes from lean_alloc(). The contents do not change. */
void lean_drop_zero_pages(void *memory, size_t bytes);

#endif
