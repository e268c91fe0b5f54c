/* lib/base/assert.c
 *
 * The end of the process after a fault of our own. Not the log module: its thread would not run any more.
 */
#include "lib/base/assert.h"

#include <stdio.h>
#include <stdlib.h>

_Noreturn void assert_failed(const char *expr, const char *file, int line, const char *func)
{
	fprintf(stderr, "assertion failed: %s (%s:%d, %s)\n", expr, file, line, func);
	abort();
}
