/* lib/loop/loop.h
 *
 * The control thread's event loop: timers, descriptors, deferred calls. Wraps Sofia-SIP's su_root so that SIP, HTTP,
 * curl and our own timers run in one thread, one callback at a time. Everything here belongs to the thread that runs
 * loop_run(), except where marked. Callbacks that take over 5 ms are counted (CNT_LOOP_SLOW_CALLBACKS) and the longest
 * is remembered.
 */
#ifndef LIB_LOOP_LOOP_H
#define LIB_LOOP_LOOP_H

#include <stdbool.h>
#include <stdint.h>

struct loop;

int loop_new(struct loop **ret_loop);
/* Run until loop_stop(). */
void loop_run(struct loop *l);
/* From a callback: loop_run() returns soon. */
void loop_stop(struct loop *l);
/* Run callbacks for ms, or until loop_stop() (tests, shutdown). */
void loop_step(struct loop *l, unsigned ms);
/* Outside callbacks. Timers still armed become idle, so they must still exist; watches stay their owners' to free.
 * Accepts NULL; returns NULL. */
struct loop *loop_free(struct loop *l);

/* Monotonic time, read once when the current callback began (outside callbacks: now). */
uint64_t loop_now_us(const struct loop *l);
uint64_t loop_wall_ms(const struct loop *l);
/* Read the clock again (a long callback, or one that Sofia calls directly). */
void loop_refresh_now(struct loop *l);
/* Longest callback since the last call of this function. */
uint64_t loop_take_longest_us(struct loop *l);

/* A one-shot timer, embedded in its owner's struct; zero-initialised means idle. Millisecond resolution. */
struct loop_timer {
	struct loop *loop; /* set while armed */
	void *impl;
	void (*fn)(void *arg);
	void *arg;
};
/* Arm, or re-arm, to fire once at monotonic time at_us; past times: as soon as possible, after the timers already due.
 * Returns 0 or -ENOMEM; re-arming an armed timer never fails. */
int loop_timer_set(struct loop *l, struct loop_timer *t, uint64_t at_us, void (*fn)(void *arg), void *arg);
/* Idle afterwards; fn will not be called. Accepts an idle timer. */
void loop_timer_cancel(struct loop_timer *t);

/* Watch a descriptor. events: LOOP_READ | LOOP_WRITE. fn gets what is ready (errors and hang-ups as both). The
 * descriptor is borrowed and must be unwatched before it is closed. */
enum { LOOP_READ = 1, LOOP_WRITE = 2 };
struct loop_watch;
int loop_watch(
	struct loop *l, int fd, int events, void (*fn)(void *arg, int ready), void *arg, struct loop_watch **ret_watch);
int loop_watch_change(struct loop_watch *w, int events);
struct loop_watch *loop_unwatch(struct loop_watch *w); /* safe inside its own callback. Accepts NULL; returns NULL */

/* Call fn(arg) once, after the current callback has returned (from outside callbacks: in the loop's next round).
 * Returns 0 or -ENOMEM. Dropped by loop_free(). */
int loop_defer(struct loop *l, void (*fn)(void *arg), void *arg);

#endif
