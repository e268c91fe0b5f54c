/* lib/base/assert.h
 *
 * Checks on our own logic, kept in release builds. Never on bytes from outside: what a peer does wrong is data.
 */
#ifndef LIB_BASE_ASSERT_H
#define LIB_BASE_ASSERT_H

/* Prints the expression and its place to stderr and aborts. */
_Noreturn void assert_failed(const char *expr, const char *file, int line, const char *func);

#define ASSERT(expr) ((expr) ? (void)0 : assert_failed(#expr, __FILE__, __LINE__, __func__))

#endif
