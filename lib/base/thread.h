/* lib/base/thread.h
 *
 * Named threads. Every signal is blocked in them: the control thread alone handles signals.
 */
#ifndef LIB_BASE_THREAD_H
#define LIB_BASE_THREAD_H

struct thread;

/* Start fn(arg) in a new thread called name (at most 15 characters, seen in top -H). Returns 0 or -EAGAIN/-ENOMEM. */
int thread_start(const char *name, void (*fn)(void *arg), void *arg, struct thread **ret_thread);

/* Wait for its end and free it. Accepts NULL; always returns NULL. */
struct thread *thread_join(struct thread *t);

#endif
