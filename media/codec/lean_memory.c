#include "media/codec/lean_memory.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static size_t page_bytes(void)
{
	long n = sysconf(_SC_PAGESIZE);

	return n > 0 ? (size_t)n : 4096;
}

static size_t whole_pages(size_t bytes)
{
	size_t page = page_bytes();

	return (bytes + page - 1) / page * page;
}

void *lean_alloc(size_t bytes)
{
	size_t all = whole_pages(bytes);
	void *memory = aligned_alloc(page_bytes(), all);

	return memory ? memset(memory, 0, all) : NULL;
}

static bool is_zero(const unsigned char *at, size_t bytes)
{
	return at[0] == 0 && memcmp(at, at + 1, bytes - 1) == 0;
}

void lean_drop_zero_pages(void *memory, size_t bytes)
{
	size_t page = page_bytes(), all = whole_pages(bytes);
	unsigned char *at = memory;

	for (size_t i = 0; i < all; i += page)
		if (is_zero(at + i, page))
			(void)madvise(at + i, page, MADV_DONTNEED); /* private memory: it reads as zero again */
}
