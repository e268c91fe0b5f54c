/* lib/loop/loop.c
 *
 * su_root gives the poll; the rest is ours:
 *
 *   timers    a binary heap over one timerfd on CLOCK_MONOTONIC. Not su_timer: those follow the wall clock, whose jumps
 * would move our timers, and spin during the last millisecond before each expiry. watches   su_wait registrations.
 * su_root reads no further event of a batch once a callback has registered or deregistered anything, so a watch may be
 * freed in any callback. deferred  a list that is run when the callback that filled it has returned; filled from
 * elsewhere (Sofia's own callbacks), it is run by the timerfd.
 */
#include "lib/loop/loop.h"

#include "lib/base/assert.h"
#include "lib/base/clock.h"
#include "lib/base/counter.h"
#include "lib/loop/loop_su.h"

#include <errno.h>
#include <sofia-sip/su.h>
#include <stdlib.h>
#include <sys/timerfd.h>
#include <unistd.h>
#include <utlist.h>

enum {
	SLOW_CALLBACK_US = 5000,
	TIMERS_PER_ROUND = 1000, /* then descriptors get their turn */
	TIMERS_FIRST = 64,
	IDLE_STEP_MS = 1000,
};

struct heap_entry {
	uint64_t at_us;
	uint64_t order; /* of arming: equal times fire in that order */
	struct loop_timer *timer;
};

struct deferred {
	struct deferred *prev, *next;
	void (*fn)(void *arg);
	void *arg;
};

struct loop_watch {
	struct loop_watch *prev, *next;
	struct loop *loop; /* NULL: the loop is gone */
	int fd;
	int index; /* of the su registration; 0: none, no events wanted */
	void (*fn)(void *arg, int ready);
	void *arg;
};

struct loop {
	su_root_t *root;
	bool stop;
	/* the present callback: */
	bool in_callback;
	uint64_t now_us; /* valid in a callback */
	uint64_t longest_us;
	/* timers: */
	int timer_fd;
	int timer_index;   /* su registration */
	uint64_t armed_us; /* when timer_fd will fire; 0: not armed */
	uint64_t next_order;
	struct heap_entry *heap;
	size_t heap_count, heap_size;

	struct loop_watch *watches;
	struct deferred *deferred;
};

/* ---- callbacks ---- */

static void timer_fd_arm(struct loop *l, uint64_t at_us)
{
	struct itimerspec when = {.it_value = {(time_t)(at_us / 1000000u), (long)(at_us % 1000000u) * 1000}};

	if (l->armed_us && l->armed_us <= at_us)
		return; /* too early a wake-up does no harm */
	ASSERT(timerfd_settime(l->timer_fd, TFD_TIMER_ABSTIME, &when, NULL) == 0);
	l->armed_us = at_us;
}

static void callback_begin(struct loop *l)
{
	l->in_callback = true;
	l->now_us = clock_mono_us();
}

static void callback_end(struct loop *l, uint64_t began_us)
{
	uint64_t took_us = clock_mono_us() - began_us;

	if (took_us > l->longest_us)
		l->longest_us = took_us;
	if (took_us > SLOW_CALLBACK_US)
		counter_inc(CNT_LOOP_SLOW_CALLBACKS);
	l->in_callback = false;
}

/* What is deferred meanwhile waits for the next round, or two functions deferring each other would never let go. */
static void run_deferred(struct loop *l)
{
	struct deferred *list = l->deferred;

	l->deferred = NULL;
	while (list) {
		struct deferred d = *list;
		free(list);
		list = d.next;
		callback_begin(l);
		uint64_t began_us = l->now_us;
		d.fn(d.arg);
		callback_end(l, began_us);
	}
	if (l->deferred)
		timer_fd_arm(l, 1);
}

/* ---- timers ---- */

static bool earlier(const struct heap_entry *a, const struct heap_entry *b)
{
	return a->at_us != b->at_us ? a->at_us < b->at_us : a->order < b->order;
}

/* impl is the place in the heap plus one. */
static void heap_place(struct loop *l, size_t i, struct heap_entry e)
{
	l->heap[i] = e;
	e.timer->impl = (void *)(uintptr_t)(i + 1);
}

static size_t heap_index(const struct loop_timer *t)
{
	return (size_t)(uintptr_t)t->impl - 1;
}

static void heap_up(struct loop *l, size_t i, struct heap_entry e)
{
	while (i && earlier(&e, &l->heap[(i - 1) / 2])) {
		heap_place(l, i, l->heap[(i - 1) / 2]);
		i = (i - 1) / 2;
	}
	heap_place(l, i, e);
}

static void heap_down(struct loop *l, size_t i, struct heap_entry e)
{
	for (;;) {
		size_t child = 2 * i + 1;
		if (child >= l->heap_count)
			break;
		if (child + 1 < l->heap_count && earlier(&l->heap[child + 1], &l->heap[child]))
			child++;
		if (!earlier(&l->heap[child], &e))
			break;
		heap_place(l, i, l->heap[child]);
		i = child;
	}
	heap_place(l, i, e);
}

static void heap_remove(struct loop *l, size_t i)
{
	struct heap_entry last = l->heap[--l->heap_count];

	if (i == l->heap_count)
		return;
	if (i && earlier(&last, &l->heap[(i - 1) / 2]))
		heap_up(l, i, last);
	else
		heap_down(l, i, last);
}

static int heap_reserve(struct loop *l)
{
	size_t size = l->heap_size ? l->heap_size * 2 : TIMERS_FIRST;
	struct heap_entry *heap;

	if (l->heap_count < l->heap_size)
		return 0;
	heap = realloc(l->heap, size * sizeof(*heap));
	if (!heap)
		return -ENOMEM;
	l->heap = heap;
	l->heap_size = size;
	return 0;
}

int loop_timer_set(struct loop *l, struct loop_timer *t, uint64_t at_us, void (*fn)(void *arg), void *arg)
{
	/* Never before the present callback: a timer that is always due would stay at the top of the heap, before all
	 * others. */
	uint64_t earliest_us = l->in_callback ? l->now_us : 1;
	struct heap_entry e = {at_us > earliest_us ? at_us : earliest_us, l->next_order, t};
	int r;

	ASSERT(!t->loop || t->loop == l);
	if (!t->loop) {
		r = heap_reserve(l);
		if (r)
			return r;
	} else {
		heap_remove(l, heap_index(t));
	}
	l->next_order++;
	t->loop = l;
	t->fn = fn;
	t->arg = arg;
	heap_up(l, l->heap_count++, e);
	timer_fd_arm(l, l->heap[0].at_us);
	return 0;
}

void loop_timer_cancel(struct loop_timer *t)
{
	if (!t->loop)
		return;
	heap_remove(t->loop, heap_index(t));
	t->loop = NULL;
	t->impl = NULL;
}

static void run_timers(struct loop *l, uint64_t now_us)
{
	/* A timer armed from now on waits for the next round, even if it is due already. */
	uint64_t first_new = l->next_order;

	for (int n = 0; n < TIMERS_PER_ROUND && l->heap_count; n++) {
		struct loop_timer *t = l->heap[0].timer;
		void (*fn)(void *) = t->fn;
		void *arg = t->arg;

		if (l->heap[0].at_us > now_us || l->heap[0].order >= first_new)
			return;
		loop_timer_cancel(t); /* before fn, which may arm it again or free it */
		callback_begin(l);
		uint64_t began_us = l->now_us;
		fn(arg);
		callback_end(l, began_us);
		if (l->deferred)
			run_deferred(l);
	}
}

static int on_timer_fd(su_root_magic_t *magic, su_wait_t *wait, su_wakeup_arg_t *arg)
{
	struct loop *l = arg;
	uint64_t expirations;

	(void)magic;
	(void)wait;
	/* EAGAIN: armed anew since epoll saw it. */
	if (read(l->timer_fd, &expirations, sizeof(expirations)) == sizeof(expirations))
		l->armed_us = 0;
	if (l->deferred)
		run_deferred(l);
	run_timers(l, clock_mono_us());
	if (l->heap_count)
		timer_fd_arm(l, l->heap[0].at_us);
	return 0;
}

/* ---- watches ---- */

static int su_events(int events)
{
	return (events & LOOP_READ ? SU_WAIT_IN : 0) | (events & LOOP_WRITE ? SU_WAIT_OUT : 0);
}

static int on_watch(su_root_magic_t *magic, su_wait_t *wait, su_wakeup_arg_t *arg)
{
	struct loop_watch *w = arg;
	struct loop *l = w->loop;
	int ready = 0;

	(void)magic;
	if (wait->revents & (SU_WAIT_ERR | SU_WAIT_HUP))
		ready = LOOP_READ | LOOP_WRITE;
	if (wait->revents & SU_WAIT_IN)
		ready |= LOOP_READ;
	if (wait->revents & SU_WAIT_OUT)
		ready |= LOOP_WRITE;
	callback_begin(l);
	uint64_t began_us = l->now_us;
	w->fn(w->arg, ready); /* may free w */
	callback_end(l, began_us);
	if (l->deferred)
		run_deferred(l);
	return 0;
}

static int watch_register(struct loop_watch *w, int events)
{
	su_wait_t wait[1];

	if (su_wait_create(wait, w->fd, su_events(events)) < 0)
		return -errno;
	errno = 0;
	w->index = su_root_register(w->loop->root, wait, on_watch, w, su_pri_normal);
	if (w->index > 0)
		return 0;
	w->index = 0;
	return errno ? -errno : -ENOMEM;
}

int loop_watch(
	struct loop *l, int fd, int events, void (*fn)(void *arg, int ready), void *arg, struct loop_watch **ret_watch)
{
	struct loop_watch *w = calloc(1, sizeof(*w));
	int r = 0;

	if (!w)
		return -ENOMEM;
	*w = (struct loop_watch){.loop = l, .fd = fd, .fn = fn, .arg = arg};
	if (events)
		r = watch_register(w, events);
	if (r) {
		free(w);
		return r;
	}
	DL_APPEND(l->watches, w);
	*ret_watch = w;
	return 0;
}

static void watch_deregister(struct loop_watch *w)
{
	if (w->index)
		su_root_deregister(w->loop->root, w->index);
	w->index = 0;
}

int loop_watch_change(struct loop_watch *w, int events)
{
	if (!events) { /* epoll would go on to report hang-ups */
		watch_deregister(w);
		return 0;
	}
	if (!w->index)
		return watch_register(w, events);
	return su_root_eventmask(w->loop->root, w->index, w->fd, su_events(events)) < 0 ? -errno : 0;
}

struct loop_watch *loop_unwatch(struct loop_watch *w)
{
	if (!w)
		return NULL;
	if (w->loop) {
		watch_deregister(w);
		DL_DELETE(w->loop->watches, w);
	}
	free(w);
	return NULL;
}

/* ---- the loop itself ---- */

int loop_defer(struct loop *l, void (*fn)(void *arg), void *arg)
{
	struct deferred *d = malloc(sizeof(*d));

	if (!d)
		return -ENOMEM;
	*d = (struct deferred){.fn = fn, .arg = arg};
	if (!l->deferred && !l->in_callback)
		timer_fd_arm(l, 1);
	DL_APPEND(l->deferred, d);
	return 0;
}

static int timer_fd_open(struct loop *l)
{
	su_wait_t wait[1];

	l->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	if (l->timer_fd < 0)
		return -errno;
	if (su_wait_create(wait, l->timer_fd, SU_WAIT_IN) < 0)
		return -errno;
	l->timer_index = su_root_register(l->root, wait, on_timer_fd, l, su_pri_first);
	return l->timer_index > 0 ? 0 : -ENOMEM;
}

int loop_new(struct loop **ret_loop)
{
	struct loop *l = calloc(1, sizeof(*l));
	int r = -ENOMEM;

	if (!l)
		return r;
	l->timer_fd = -1;
	su_init();
	l->root = su_root_create(l);
	if (l->root) {
		/* Clones of this root (the SIP stack) run in this thread too. */
		su_root_threading(l->root, 0);
		r = timer_fd_open(l);
	}
	if (r) {
		loop_free(l);
		return r;
	}
	*ret_loop = l;
	return 0;
}

void loop_run(struct loop *l)
{
	ASSERT(!l->in_callback);
	while (!l->stop)
		su_root_step(l->root, IDLE_STEP_MS);
	l->stop = false;
}

void loop_stop(struct loop *l)
{
	l->stop = true;
}

void loop_step(struct loop *l, unsigned ms)
{
	uint64_t now_us = clock_mono_us(), end_us = now_us + (uint64_t)ms * 1000u;

	ASSERT(!l->in_callback);
	do {
		su_root_step(l->root, (su_duration_t)((end_us - now_us + 999) / 1000));
		now_us = clock_mono_us();
	} while (now_us < end_us && !l->stop);
	l->stop = false;
}

struct loop *loop_free(struct loop *l)
{
	struct loop_watch *w, *next;

	if (!l)
		return NULL;
	ASSERT(!l->in_callback);
	while (l->heap_count)
		loop_timer_cancel(l->heap[l->heap_count - 1].timer);
	DL_FOREACH_SAFE (l->watches, w, next) {
		watch_deregister(w);
		w->loop = NULL; /* still its owner's to free */
	}
	while (l->deferred) {
		struct deferred *d = l->deferred;
		l->deferred = d->next;
		free(d);
	}
	if (l->timer_index > 0)
		su_root_deregister(l->root, l->timer_index);
	if (l->timer_fd >= 0)
		close(l->timer_fd);
	if (l->root)
		su_root_destroy(l->root);
	su_deinit();
	free(l->heap);
	free(l);
	return NULL;
}

uint64_t loop_now_us(const struct loop *l)
{
	return l->in_callback ? l->now_us : clock_mono_us();
}

uint64_t loop_wall_ms(const struct loop *l)
{
	(void)l;
	return clock_wall_ms();
}

void loop_refresh_now(struct loop *l)
{
	l->now_us = clock_mono_us();
}

uint64_t loop_take_longest_us(struct loop *l)
{
	uint64_t us = l->longest_us;
	l->longest_us = 0;
	return us;
}

su_root_t *loop_su_root(struct loop *l)
{
	return l->root;
}
