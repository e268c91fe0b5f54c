/* media/worker.c
 *
 *   mailbox of commands --+
 *   sockets of calls -----+--> epoll --> session_input() --> session's send callback --> sendto()
 *   wheel of deadlines ---+------------> session_tick()  --^
 *
 * With few calls the worker sleeps in epoll until a packet or a deadline comes. With many it wakes in slots of 2
 * ms: a hundred packets then cost one wake-up instead of a hundred, for half a slot of delay on the average.
 */
#include "media/worker_inner.h"

#include "lib/base/assert.h"
#include "lib/base/clock.h"
#include "lib/base/counter.h"
#include "lib/base/mailbox.h"
#include "lib/base/thread.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

enum {
	BATCH_EVENTS = 256,     /* sockets served between two looks at the deadlines */
	SLOT_FROM_SESSIONS = 8, /* fewer calls than this: wake for each packet */
	SLOT_US = 2000,         /* docs/benchmarks.md: delay budget is 2 ms at the median */
	EVENTS_CAPACITY = 2048,
	COMMANDS_SPARE = 256,
	LATE_FROM_US = 250, /* what a timer takes anyhow */
};

/* ---- the loop ---- */

static void run_due(struct worker *w)
{
	struct wheel_entry *e;

	while ((e = wheel_next_due(&w->wheel, w->now_us))) {
		struct media_call *c = (struct media_call *)e;
		if (c->closing) {
			worker_report_closed(w, c);
			continue;
		}
		if (c->owed_failure != MEDIA_FAIL_NONE)
			worker_report_failed(c, c->owed_end, c->owed_failure);
		if (c->session &&
			session_deadline(c->session) <= w->now_us) /* else: farther off than the wheel is wide */
			session_tick(c->session, w->now_us);
		worker_reschedule(c);
	}
}

static void publish_load(struct worker *w, unsigned busy_percent, unsigned load_permille)
{
	atomic_store_explicit(&w->complexity, w->governor.complexity, memory_order_relaxed);
	atomic_store_explicit(&w->busy_percent, busy_percent, memory_order_relaxed);
	atomic_store_explicit(&w->load_permille, load_permille, memory_order_relaxed);
}

static void sleep_until(uint64_t at_us)
{
	const struct timespec ts = {(time_t)(at_us / 1000000), (long)(at_us % 1000000) * 1000};
	clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL);
}

/* How long epoll may wait. In slot mode the waiting is done here, up to the next slot's edge, and epoll only collects.
 */
static int wait_ms(struct worker *w, uint64_t now_us)
{
	w->slot_end_us = 0;
	if (w->call_count >= SLOT_FROM_SESSIONS) {
		w->slot_end_us = (w->now_us / SLOT_US + 1) * SLOT_US;
		sleep_until(w->slot_end_us);
		return 0;
	}
	if (w->call_count == 0) {
		publish_load(w, 0, 0); /* it may be long until there is anything to measure */
		return -1;
	}
	uint64_t deadline = wheel_deadline(&w->wheel);
	if (deadline == UINT64_MAX)
		return WHEEL_SLOTS * WHEEL_SLOT_US / 1000;
	return deadline <= now_us ? 0 : (int)((deadline - now_us + 999) / 1000);
}

/* Waking late is no headroom either: others want the processor. */
static uint64_t late_us(const struct worker *w)
{
	uint64_t in_time_us = w->slot_end_us + LATE_FROM_US;
	return w->slot_end_us && w->now_us > in_time_us ? w->now_us - in_time_us : 0;
}

static void govern(struct worker *w)
{
	if (governor_note(&w->governor, w->busy_us + late_us(w), w->now_us))
		publish_load(w, w->governor.busy_percent, w->governor.load_permille);
}

static void serve_once(struct worker *w)
{
	struct epoll_event ready[BATCH_EVENTS];
	uint64_t done_us = clock_mono_us();
	w->busy_us = done_us - w->now_us;
	int n = epoll_wait(w->epoll_fd, ready, BATCH_EVENTS, wait_ms(w, done_us));

	w->now_us = clock_mono_us();
	w->turn++;
	govern(w);
	for (int i = 0; i < n; i++) {
		if (ready[i].data.ptr)
			worker_read_socket(ready[i].data.ptr);
		else
			worker_run_commands(w);
	}
	run_due(w);
	worker_bury_dead(w);
}

static void close_everything(struct worker *w)
{
	for (size_t i = 0; i < w->max_sessions; i++) {
		struct media_call *c = w->by_slot[i];
		if (!c)
			continue;
		if (!c->closing)
			worker_close_call(w, c);
		if (w->by_slot[i]) { /* the mailbox is full and nobody reads it any more */
			wheel_remove(&c->due);
			w->by_slot[i] = NULL;
			free(c);
		}
	}
	worker_bury_dead(w);
}

static void worker_main(void *arg)
{
	struct worker *w = arg;

	counter_add(CNT_MEDIA_SILENCE_REUSED, 0); /* a thread's first addition allocates */
	w->now_us = clock_mono_us();
	wheel_init(&w->wheel, w->now_us);
	governor_init(&w->governor, w->conf->opus_complexity, w->conf->opus_complexity_max, w->now_us);
	while (!w->stopping)
		serve_once(w);
	close_everything(w);
}

/* ---- the control thread's side ---- */

static int set_up(struct worker *w)
{
	struct epoll_event ev = {.events = EPOLLIN, .data.ptr = NULL};
	int r = mailbox_new(sizeof(struct media_command), w->max_sessions + COMMANDS_SPARE, &w->commands);

	if (r == 0)
		r = mailbox_new(sizeof(struct media_event), EVENTS_CAPACITY, &w->events);
	if (r == 0)
		r = pktpool_new(WORKER_PACKETS_SPARE, &w->pool);
	if (r)
		return r;
	/* without IPv6 there are no copies to such places */
	w->copy_fd[0] = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	w->copy_fd[1] = socket(AF_INET6, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	w->by_slot = calloc(w->max_sessions, sizeof(struct media_call *));
	if (!w->by_slot)
		return -ENOMEM;
	w->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (w->epoll_fd < 0 || epoll_ctl(w->epoll_fd, EPOLL_CTL_ADD, mailbox_fd(w->commands), &ev))
		return -errno;
	return 0;
}

int worker_new(unsigned index, const struct media_engine_conf *conf, struct dtls_ctx *dtls, const struct sounds *sounds,
	size_t max_sessions, struct worker **ret_worker)
{
	struct worker *w = calloc(1, sizeof(*w));
	char name[16];
	int r;

	if (!w)
		return -ENOMEM;
	w->index = index;
	w->conf = conf;
	w->dtls = dtls;
	w->sounds = sounds;
	w->max_sessions = max_sessions;
	w->epoll_fd = w->copy_fd[0] = w->copy_fd[1] = -1;
	r = set_up(w);
	snprintf(name, sizeof(name), "media-%u", index);
	if (r == 0)
		r = thread_start(name, worker_main, w, &w->thread);
	if (r) {
		worker_free(w);
		return r;
	}
	*ret_worker = w;
	return 0;
}

/* With the memory of the call already in hand, the worker can always keep it, and so always report its end. */
static int put_open(struct worker *w, const struct media_command *command)
{
	struct media_command open = *command;
	int r;

	open.u.open.memory = calloc(1, sizeof(struct media_call));
	if (!open.u.open.memory)
		return -ENOMEM;
	r = mailbox_put(w->commands, &open);
	if (r)
		free(open.u.open.memory);
	return r;
}

int worker_command(struct worker *w, const struct media_command *command, size_t open_sessions)
{
	if (command->kind != MEDIA_CMD_CLOSE && command->kind != MEDIA_CMD_STOP &&
		!mailbox_has_room(w->commands, open_sessions + 2)) {
		counter_inc(CNT_MEDIA_COMMANDS_REFUSED);
		return -EAGAIN;
	}
	return command->kind == MEDIA_CMD_OPEN ? put_open(w, command) : mailbox_put(w->commands, command);
}

void worker_load(const struct worker *w, struct media_worker_load *ret_load)
{
	ret_load->busy_percent = atomic_load_explicit(&w->busy_percent, memory_order_relaxed);
	ret_load->load_permille = atomic_load_explicit(&w->load_permille, memory_order_relaxed);
	ret_load->complexity = atomic_load_explicit(&w->complexity, memory_order_relaxed);
}

struct mailbox *worker_events(struct worker *w)
{
	return w->events;
}

void worker_stop(struct worker *w)
{
	const struct media_command stop = {.kind = MEDIA_CMD_STOP};

	if (!w->thread)
		return;
	ASSERT(worker_command(w, &stop, 0) == 0);
	w->thread = thread_join(w->thread);
}

struct worker *worker_free(struct worker *w)
{
	struct media_command cmd;

	if (!w)
		return NULL;
	worker_stop(w);
	while (w->commands && mailbox_get(w->commands, &cmd)) { /* what came after STOP */
		if (cmd.kind == MEDIA_CMD_SET_WA)
			free(cmd.u.wa);
		if (cmd.kind == MEDIA_CMD_RECORD)
			record_ring_close(cmd.u.record.ring, 0);
		if (cmd.kind == MEDIA_CMD_OPEN) {
			close(cmd.u.open.wa_fd);
			close(cmd.u.open.rtp_fd);
			close(cmd.u.open.rtcp_fd);
			free(cmd.u.open.memory);
		}
	}
	if (w->epoll_fd >= 0)
		close(w->epoll_fd);
	for (int i = 0; i < 2; i++)
		if (w->copy_fd[i] >= 0)
			close(w->copy_fd[i]);
	free(w->by_slot);
	pktpool_free(w->pool);
	mailbox_free(w->commands);
	mailbox_free(w->events);
	free(w);
	return NULL;
}
