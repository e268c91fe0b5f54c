/* tests/support/path_count.c */
#include "tests/support/path_count.h"

#include "lib/base/log.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#ifdef __has_feature
#if __has_feature(address_sanitizer)
#define IN_ASAN 1
#elif __has_feature(thread_sanitizer)
#define IN_TSAN 1
#endif
#endif
#ifdef __SANITIZE_ADDRESS__
#define IN_ASAN 1
#endif
#ifdef __SANITIZE_THREAD__
#define IN_TSAN 1
#endif

static _Thread_local bool counting;
static _Thread_local struct path_count count;

static _Thread_local size_t allowed_bytes;

#define NOTE(what) ((void)(counting && ++count.what))

static void note_taken(size_t bytes)
{
	if (allowed_bytes && bytes == allowed_bytes)
		NOTE(allowed);
	else
		NOTE(taken);
}

/* ---- memory ---- */

#if defined(IN_ASAN) || defined(IN_TSAN)

/* sanitizer/allocator_interface.h, which not every compiler brings along */
int __sanitizer_install_malloc_and_free_hooks(
	void (*taken)(const volatile void *, size_t), void (*given)(const volatile void *));

static void on_taken(const volatile void *at, size_t size)
{
	(void)at;
	note_taken(size);
}

static void on_given(const volatile void *at)
{
	(void)at;
	NOTE(given);
}

static void watch_memory(void)
{
	static bool done;

	if (!done)
		(void)__sanitizer_install_malloc_and_free_hooks(on_taken, on_given);
	done = true;
}

#else

/* glibc's own, under the names it keeps for those who stand before it. */
extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t n, size_t size);
extern void *__libc_realloc(void *at, size_t size);
extern void *__libc_memalign(size_t alignment, size_t size);
extern void __libc_free(void *at);

void *malloc(size_t size)
{
	note_taken(size);
	return __libc_malloc(size);
}

void *calloc(size_t n, size_t size)
{
	note_taken(n * size);
	return __libc_calloc(n, size);
}

void *realloc(void *at, size_t size)
{
	note_taken(size);
	return __libc_realloc(at, size);
}

void *aligned_alloc(size_t alignment, size_t size)
{
	note_taken(size);
	return __libc_memalign(alignment, size);
}

void free(void *at)
{
	if (at)
		NOTE(given);
	__libc_free(at);
}

static void watch_memory(void)
{
}

#endif

/* ---- locks ---- */

#ifndef IN_TSAN

/* Looked up before main(): dlsym() takes memory and locks itself. */
#define WATCH_LOCK(name, type)                                                                                         \
	static int (*real_##name)(type *);                                                                             \
	__attribute__((constructor)) static void find_##name(void)                                                     \
	{                                                                                                              \
		*(void **)&real_##name = dlsym(RTLD_NEXT, #name);                                                      \
	}                                                                                                              \
	int name(type *lock)                                                                                           \
	{                                                                                                              \
		NOTE(locks);                                                                                           \
		if (!real_##name)                                                                                      \
			find_##name();                                                                                 \
		return real_##name(lock);                                                                              \
	}

WATCH_LOCK(pthread_mutex_lock, pthread_mutex_t)
WATCH_LOCK(pthread_mutex_trylock, pthread_mutex_t)
WATCH_LOCK(pthread_rwlock_rdlock, pthread_rwlock_t)
WATCH_LOCK(pthread_rwlock_wrlock, pthread_rwlock_t)

#endif

bool path_count_sees_locks(void)
{
#ifdef IN_TSAN
	return false;
#else
	return true;
#endif
}

/* ---- the system ---- */

int clock_gettime(clockid_t clock, struct timespec *ret_time)
{
	NOTE(clocks);
	return (int)syscall(SYS_clock_gettime, clock, ret_time);
}

ssize_t write(int fd, const void *bytes, size_t length)
{
	NOTE(writes);
	return syscall(SYS_write, fd, bytes, length);
}

/* Of ours, by the linker (--wrap). */
void __wrap_log_line(enum log_level level, const char *event, const char *fmt, ...);

void __wrap_log_line(enum log_level level, const char *event, const char *fmt, ...)
{
	(void)level, (void)event, (void)fmt;
	NOTE(log_lines);
}

/* ---- the count ---- */

void path_count_start(size_t allowed)
{
	allowed_bytes = allowed;
	watch_memory();
	count = (struct path_count){0};
	counting = true;
}

struct path_count path_count_stop(void)
{
	counting = false;
	return count;
}
