/* media/worker_inner.h
 *
 * Inside of the media worker: what worker.c (the loop, and the control thread's side), worker_io.c (sockets and reports
 * of one call) and worker_commands.c (what the control thread asks for) share. Thread: the worker's own.
 */
#ifndef MEDIA_WORKER_INNER_H
#define MEDIA_WORKER_INNER_H

#include "lib/base/pktbuf.h"
#include "media/governor.h"
#include "media/session.h"
#include "media/wheel.h"
#include "media/worker.h"

#include <stdatomic.h>

enum {
	WORKER_REPORT_AGAIN_US = 10 * WHEEL_SLOT_US,
	WORKER_PACKETS_SPARE = 128, /* of the pool: for bursts, when there are few calls */
};

enum socket_role { ROLE_WA, ROLE_RTP, ROLE_RTCP, ROLE_COUNT };

/* One call on this worker: the session and its sockets. */
struct media_call {
	struct wheel_entry due; /* first: wheel_entry* is media_call* */
	struct worker *worker;
	struct session *session; /* NULL: could not be made, or closed */
	uint64_t id;
	struct call_socket {
		struct media_call *call;
		int fd;
		enum socket_role role;
		bool connected;
		uint64_t last_turn; /* wake-up in which it was last ready */
	} socket[ROLE_COUNT];
	bool closing; /* session gone, CLOSED not yet reported */
	/* A failure that the full mailbox refused; MEDIA_FAIL_NONE: none. */
	enum media_failure owed_failure;
	enum media_end owed_end;
	struct media_stats last_stats;
	struct media_call *next_dead;
};

struct worker {
	/* fixed after worker_new(): */
	unsigned index;
	const struct media_engine_conf *conf;
	struct dtls_ctx *dtls;
	const struct sounds *sounds;
	size_t max_sessions;
	struct thread *thread;
	struct mailbox *commands; /* control -> worker */
	struct mailbox *events;   /* worker -> control */
	int epoll_fd;
	/* worker thread only: */
	int copy_fd[2]; /* IPv4, IPv6: RTP copies leave here; -1 none */
	struct pktpool *pool;
	struct wheel wheel;
	struct media_call **by_slot; /* index: slot part of the id */
	size_t call_count;
	struct media_call *dead; /* unlinked, freed after the batch: epoll events of it may still be in hand */
	uint64_t now_us;
	uint64_t turn;        /* wake-ups so far */
	uint64_t slot_end_us; /* when it was to wake; 0: whenever there is something to do */
	uint64_t busy_us;     /* in the wake-up before */
	struct governor governor;
	bool stopping;
	/* for the control thread to read: */
	_Atomic unsigned complexity, busy_percent, load_permille;
	uint8_t rx[PKT_DATA_BYTES];
};

/* ---- worker_io.c ---- */

extern const struct session_io worker_session_io; /* arg: the media_call */

/* What the control thread can do without, or will learn from a time-out. */
void worker_report(struct worker *w, const struct media_event *ev);
/* Told until the control thread has it: without this report it would keep up a call that has no media. */
void worker_report_failed(struct media_call *c, enum media_end end, enum media_failure failure);
void worker_reschedule(struct media_call *c);
void worker_read_socket(struct call_socket *s);
void worker_close_sockets(struct media_call *c);

/* ---- worker_commands.c ---- */

void worker_run_commands(struct worker *w);
void worker_close_call(struct worker *w, struct media_call *c);
/* false: the mailbox is full; the call stays, and its timer asks again. */
bool worker_report_closed(struct worker *w, struct media_call *c);
/* Frees the calls reported closed; when no socket event of theirs is in hand any more. */
void worker_bury_dead(struct worker *w);

#endif
