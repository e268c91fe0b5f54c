/* tests/support/path_count.h
 *
 * What a stretch of code does that the packet path must not: memory taken or given back, locks, system clocks, writes,
 * log lines. Everything in the process is seen, shared libraries included: the test program defines these functions
 * itself (memory under a sanitizer: by its hooks). Link the test with the library `path_count` (put it in LIBRARIES of
 * add_unit_test()). Counts the calling thread only.
 *
 * Under ThreadSanitizer locks are not seen, because it needs their functions for itself.
 */
#ifndef TESTS_SUPPORT_PATH_COUNT_H
#define TESTS_SUPPORT_PATH_COUNT_H

#include <stdbool.h>
#include <stddef.h>

struct path_count {
	unsigned taken, given; /* malloc, calloc, realloc, ...; free */
	unsigned allowed;      /* of exactly so many bytes as path_count_start() was told; not in taken */
	unsigned locks;        /* mutexes, read-write locks */
	unsigned clocks, writes, log_lines;
};

void path_count_start(size_t allowed_bytes); /* 0: none */
struct path_count path_count_stop(void);
bool path_count_sees_locks(void);

#endif
