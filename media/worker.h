/* media/worker.h
 *
 * A media worker: one thread that owns sockets, sessions and a packet pool. Sleeps until the next slot, then serves
 * every call of that slot together: reads each ready socket once, ticks what is due, sleeps again. No lock, no log, no
 * malloc per packet; the clock is read twice a wake-up, before and after it sleeps. Owner of the handle: control
 * thread.
 */
#ifndef MEDIA_WORKER_H
#define MEDIA_WORKER_H

#include "media/command.h"
#include "media/engine.h"

#include <stddef.h>
#include <stdint.h>

struct worker;
struct mailbox;
struct dtls_ctx;
struct sounds;

/* conf, dtls and sounds are borrowed for the worker's life. index: owner part of its session ids. Returns 0 or negative
 * errno.
 */
int worker_new(unsigned index, const struct media_engine_conf *conf, struct dtls_ctx *dtls, const struct sounds *sounds,
	size_t max_sessions, struct worker **ret_worker);
/* Room is kept so that each of `open_sessions` can still be closed. Returns 0, -EAGAIN or, to open, -ENOMEM. Each
 * session whose OPEN was taken reports MEDIA_CLOSED after its CLOSE, also when it could not be made (MEDIA_FAILED). */
int worker_command(struct worker *w, const struct media_command *command, size_t open_sessions);
/* As of the last half-second; not the number of calls, which the control thread knows. */
void worker_load(const struct worker *w, struct media_worker_load *ret_load);
/* Reports: struct media_event. The control thread is its reader. */
struct mailbox *worker_events(struct worker *w);
/* Stops the thread: sessions are closed, their last events can still be read from worker_events() until worker_free().
 */
void worker_stop(struct worker *w);
struct worker *worker_free(struct worker *w);

#endif
