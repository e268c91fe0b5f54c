/* tests/support/oom.h
 *
 * Out of memory as a test mode: the n-th allocation fails, for every n. Link the test with the library `test_oom` (put
 *it in LIBRARIES of add_unit_test()): it carries this module and the linker's --wrap options for malloc, calloc,
 *realloc, aligned_alloc, strdup, strndup, vasprintf and asprintf. Only calls from objects that are linked statically
 *(all of ours) are seen; shared libraries keep the real functions.
 *
 *	for (unsigned n = 1; oom_next(n); n++) {
 *		struct thing *t = NULL;
 *		int r = thing_new(&t);
 *		oom_off();
 *		assert_true(r == 0 || r == -ENOMEM);
 *		thing_free(t);
 *	}
 *
 * The loop ends after the first round in which nothing failed. Counts allocations of the calling thread only. Leaks on
 *error paths are found by AddressSanitizer.
 */
#ifndef TESTS_SUPPORT_OOM_H
#define TESTS_SUPPORT_OOM_H

#include <stdbool.h>

/* From now on the n-th allocation of this thread fails, once; those before and after it succeed. */
void oom_fail_nth(unsigned n);
/* Allocate normally again. Returns whether an allocation was made to fail since oom_fail_nth(). */
bool oom_off(void);
/* For the loop above: true for n = 1 and as long as the round before had a failure; then calls oom_fail_nth(n). */
bool oom_next(unsigned n);

#endif
