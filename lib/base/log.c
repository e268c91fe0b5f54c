/* lib/base/log.c
 *
 * Three steps, so that nothing a peer sends can break a line or forge a pair:
 *
 *   log_line()    any thread   walks the format pair by pair and expands each value by itself -> struct record
 * (key\0value\0...) mailbox       per thread   bounded; full: the record is dropped and counted log thread    one
 * renders records as text or JSON, where every value is quoted and escaped as needed, and writes
 *
 * A value that came through %s with a space, a quote or a newline in it therefore stays one value, also where the
 * format did not put it in quotes.
 */
#include "lib/base/log.h"

#include "lib/base/clock.h"
#include "lib/base/counter.h"
#include "lib/base/log_record.h"
#include "lib/base/mailbox.h"
#include "lib/base/str.h"
#include "lib/base/thread.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

enum {
	RING_LINES = 256, /* per thread; a burst longer than this is dropped */
	THREADS_MAX = 128,
	STOP_DEADLINE_MS = 2000, /* log_stop() waits no longer than this for a stuck reader of our output */
	WAIT_MS = 500,
};

struct ring {
	struct mailbox *lines;
	atomic_bool taken; /* false: its thread has ended, the next new one may have it */
};

/* any thread: */
static _Atomic int max_level = LOG_LEVEL_INFO;
static atomic_bool running;
static _Atomic uint64_t dropped; /* since the log thread last said so */
static _Thread_local struct ring *my_ring;
/* under rings_lock, which is taken only when a thread logs for the first time, and by the log thread before it polls:
 */
static pthread_mutex_t rings_lock = PTHREAD_MUTEX_INITIALIZER;
static struct ring *rings[THREADS_MAX];
static size_t ring_count;
static pthread_key_t ring_key;
static bool ring_key_made;
/* log_start() and log_stop() only: */
static struct thread *thread;
static struct mailbox *wake; /* log_start's and log_stop's thread to the log thread: "look again" */
/* log thread, fixed while it runs: */
static int out_fd = STDERR_FILENO;
static enum log_format out_format;
static _Atomic uint64_t give_up_us; /* 0: not stopping */

/* pthread key destructor: the thread has ended, its ring may serve another. */
static void ring_release(void *arg)
{
	struct ring *ring = arg;
	atomic_store_explicit(&ring->taken, false, memory_order_release);
}

static struct ring *ring_new(void)
{
	struct ring *ring = calloc(1, sizeof(*ring));
	if (ring && mailbox_new(sizeof(struct log_record), RING_LINES, &ring->lines)) {
		free(ring);
		return NULL;
	}
	return ring;
}

/* This thread's ring. A new thread waits here for the log thread's look at the list, never for its output. */
static struct ring *ring_get(void)
{
	struct ring *ring = my_ring;

	if (ring)
		return ring;
	pthread_mutex_lock(&rings_lock);
	if (!ring_key_made)
		ring_key_made = pthread_key_create(&ring_key, ring_release) == 0;
	for (size_t i = 0; i < ring_count && !ring; i++)
		if (!atomic_load_explicit(&rings[i]->taken, memory_order_acquire))
			ring = rings[i];
	if (!ring && ring_count < THREADS_MAX && ring_key_made) {
		ring = ring_new();
		if (ring)
			rings[ring_count++] = ring;
	}
	if (ring) {
		atomic_store_explicit(&ring->taken, true, memory_order_relaxed);
		pthread_setspecific(ring_key, ring);
		my_ring = ring;
	}
	pthread_mutex_unlock(&rings_lock);
	return ring;
}

/* Never blocks for good: pieces of at most PIPE_BUF after POLLOUT, and none after the deadline of log_stop(). */
static bool write_out(int fd, const char *text, size_t length)
{
	while (length) {
		struct pollfd p = {.fd = fd, .events = POLLOUT};
		uint64_t deadline = atomic_load(&give_up_us);
		ssize_t n;

		if (deadline && clock_mono_us() > deadline)
			return false;
		if (poll(&p, 1, WAIT_MS) == 0)
			continue;
		n = write(fd, text, length < 4096 ? length : 4096);
		if (n > 0) {
			text += n;
			length -= (size_t)n;
		} else if (errno != EINTR && errno != EAGAIN) {
			return false; /* nobody reads us any more, or the disk is full: go on with the next line */
		}
	}
	return true;
}

static void write_record(const struct log_record *rec, int fd, enum log_format format)
{
	char text[LOG_LINE_MAX];
	size_t length = log_record_render(rec, format, text, sizeof(text));
	if (!write_out(fd, text, length))
		counter_inc(CNT_LOG_LINES_DROPPED);
}

static void say_dropped(void)
{
	uint64_t n = atomic_exchange_explicit(&dropped, 0, memory_order_relaxed);
	struct log_record rec;

	if (!n)
		return;
	log_record_begin(&rec, LOG_LEVEL_WARN, "log_lines_dropped", clock_wall_ms());
	log_record_add(&rec, "count=%llu", (unsigned long long)n);
	write_record(&rec, out_fd, out_format);
}

static bool drain(struct mailbox *lines)
{
	struct log_record rec;
	bool any = false;

	mailbox_clear(lines);
	while (mailbox_get(lines, &rec)) {
		write_record(&rec, out_fd, out_format);
		any = true;
	}
	return any;
}

static void wait_for_lines(void)
{
	struct pollfd fds[THREADS_MAX + 1];
	size_t n = 0;

	pthread_mutex_lock(&rings_lock);
	for (size_t i = 0; i < ring_count; i++)
		fds[n++] = (struct pollfd){.fd = mailbox_fd(rings[i]->lines), .events = POLLIN};
	pthread_mutex_unlock(&rings_lock);
	fds[n++] = (struct pollfd){.fd = mailbox_fd(wake), .events = POLLIN};
	/* The time limit is for a ring that was added meanwhile. */
	(void)poll(fds, n, WAIT_MS);
}

static void log_thread(void *arg)
{
	bool stopping;

	(void)arg;
	do {
		wait_for_lines();
		/* Looked at before draining: what was put before log_stop() is written. */
		stopping = atomic_load(&give_up_us) != 0;
		mailbox_clear(wake);
		pthread_mutex_lock(&rings_lock);
		size_t n = ring_count;
		pthread_mutex_unlock(&rings_lock);
		for (size_t i = 0; i < n; i++) /* rings[i] never changes once set */
			drain(rings[i]->lines);
		say_dropped();
	} while (!stopping);
}

int log_start(int fd, enum log_level level, enum log_format format)
{
	int r;

	if (thread)
		return -EALREADY;
	r = mailbox_new(1, 1, &wake);
	if (r)
		return r;
	out_fd = fd;
	out_format = format;
	atomic_store(&give_up_us, 0);
	log_set_level(level);
	r = thread_start("log", log_thread, NULL, &thread);
	if (r) {
		wake = mailbox_free(wake);
		return r;
	}
	atomic_store(&running, true);
	return 0;
}

void log_stop(void)
{
	if (!thread)
		return;
	atomic_store(&running, false);
	atomic_store(&give_up_us, clock_mono_us() + STOP_DEADLINE_MS * 1000u);
	(void)mailbox_put(wake, "");
	thread = thread_join(thread);
	wake = mailbox_free(wake);
	atomic_store(&give_up_us, 0);
}

void log_set_level(enum log_level level)
{
	atomic_store_explicit(&max_level, (int)level, memory_order_relaxed);
}

bool log_enabled(enum log_level level)
{
	return (int)level <= atomic_load_explicit(&max_level, memory_order_relaxed);
}

int log_level_parse(const char *text, enum log_level *ret_level)
{
	for (int i = LOG_LEVEL_ERROR; i <= LOG_LEVEL_DEBUG; i++) {
		if (str_equal(text, log_level_name((enum log_level)i))) {
			*ret_level = (enum log_level)i;
			return 0;
		}
	}
	return -EINVAL;
}

void log_line(enum log_level level, const char *event, const char *fmt, ...)
{
	struct log_record rec;
	struct ring *ring;
	va_list ap;

	if (!log_enabled(level))
		return;
	log_record_begin(&rec, level, event, clock_wall_ms());
	va_start(ap, fmt);
	log_record_add_v(&rec, fmt, ap);
	va_end(ap);

	if (!atomic_load_explicit(&running, memory_order_acquire)) {
		write_record(&rec, STDERR_FILENO, LOG_FORMAT_TEXT);
		return;
	}
	ring = ring_get();
	if (!ring || mailbox_put(ring->lines, &rec)) {
		counter_inc(CNT_LOG_LINES_DROPPED);
		atomic_fetch_add_explicit(&dropped, 1, memory_order_relaxed);
	}
}
