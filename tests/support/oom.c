/* tests/support/oom.c */
#include "tests/support/oom.h"

#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static _Thread_local unsigned countdown; /* 0: off */
static _Thread_local bool failed, failed_last_round;

void oom_fail_nth(unsigned n)
{
	countdown = n;
	failed = false;
}

bool oom_off(void)
{
	countdown = 0;
	failed_last_round = failed;
	failed = false;
	return failed_last_round;
}

bool oom_next(unsigned n)
{
	if (n > 1 && !failed_last_round)
		return false;
	oom_fail_nth(n);
	return true;
}

static bool fails_now(void)
{
	if (!countdown || --countdown)
		return false;
	failed = true;
	errno = ENOMEM;
	return true;
}

/* The linker turns each call of X into __wrap_X, and __real_X into X (ld(1), --wrap). */
void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *at, size_t size);
void *__real_aligned_alloc(size_t alignment, size_t size);
char *__real_strdup(const char *text);
char *__real_strndup(const char *text, size_t length);
int __real_vasprintf(char **ret_text, const char *fmt, va_list ap);

void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *at, size_t size);
void *__wrap_aligned_alloc(size_t alignment, size_t size);
char *__wrap_strdup(const char *text);
char *__wrap_strndup(const char *text, size_t length);
int __wrap_vasprintf(char **ret_text, const char *fmt, va_list ap);
int __wrap_asprintf(char **ret_text, const char *fmt, ...);

void *__wrap_malloc(size_t size)
{
	return fails_now() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
	return fails_now() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *at, size_t size)
{
	return fails_now() ? NULL : __real_realloc(at, size);
}

void *__wrap_aligned_alloc(size_t alignment, size_t size)
{
	return fails_now() ? NULL : __real_aligned_alloc(alignment, size);
}

char *__wrap_strdup(const char *text)
{
	return fails_now() ? NULL : __real_strdup(text);
}

char *__wrap_strndup(const char *text, size_t length)
{
	return fails_now() ? NULL : __real_strndup(text, length);
}

int __wrap_vasprintf(char **ret_text, const char *fmt, va_list ap)
{
	return fails_now() ? -1 : __real_vasprintf(ret_text, fmt, ap);
}

int __wrap_asprintf(char **ret_text, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = __wrap_vasprintf(ret_text, fmt, ap);
	va_end(ap);
	return n;
}
