/* media/worker.c
 *
 *   mailbox of commands --+
 *   sockets of calls -----+--> epoll --> session_input() --> session's send callback --> sendto()
 *   wheel of deadlines ---+------------> session_tick()  --^
 *
 * With few calls the worker sleeps in epoll until a packet or a deadline comes. With many it wakes in slots of 1 or 2
 * ms: a hundred packets then cost one wake-up instead of a hundred, for half a slot of delay on the average.
 */
#include "media/worker.h"

#include "lib/base/assert.h"
#include "lib/base/clock.h"
#include "lib/base/counter.h"
#include "lib/base/crypto.h"
#include "lib/base/mailbox.h"
#include "lib/base/pktbuf.h"
#include "lib/base/thread.h"
#include "media/governor.h"
#include "media/rtp/jbuf.h"
#include "media/session.h"
#include "media/wheel.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

enum {
	BATCH_EVENTS = 256,     /* sockets served between two looks at the deadlines */
	SLOT_FROM_SESSIONS = 8, /* fewer calls than this: wake for each packet */
	SLOT_US = 1000,
	WIDE_SLOT_FROM_SESSIONS = 32,
	WIDE_SLOT_US = 2000,     /* docs/benchmarks.md: delay budget is 2 ms at the median */
	PACKETS_SPARE = 128,     /* of the pool: for bursts, when there are few calls */
	POOL_STEP_SESSIONS = 64, /* it grows by so many calls' share: large blocks are fresh pages, small ones would be
				    cut from memory that handshakes have touched */
	EVENTS_CAPACITY = 2048,
	COMMANDS_SPARE = 256,
	RX_BYTES = PKT_DATA_BYTES,
	LATE_FROM_US = 250, /* what a timer takes anyhow */
	REPORT_AGAIN_US = 10 * WHEEL_SLOT_US,
	BACKLOG_PACKETS = 64, /* of one socket in one wake-up, when it also was ready in the one before */
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
	uint8_t rx[RX_BYTES];
};

static size_t slot_of(uint64_t id)
{
	return (size_t)(id & 0xffffff); /* lib/base/id.h: bits 23..0 */
}

static struct media_call *find_call(struct worker *w, uint64_t id)
{
	size_t slot = slot_of(id);
	struct media_call *c = slot < w->max_sessions ? w->by_slot[slot] : NULL;
	return c && c->id == id && !c->closing ? c : NULL;
}

/* ---- reports to the control thread ---- */

/* What the control thread can do without, or will learn from a time-out. */
static void report(struct worker *w, const struct media_event *ev)
{
	if (mailbox_put(w->events, ev))
		counter_inc(CNT_MEDIA_EVENTS_LOST);
}

/* Told until the control thread has it: without this report it would keep up a call that has no media. */
static void report_failed(struct media_call *c, enum media_end end, enum media_failure failure)
{
	struct worker *w = c->worker;
	const struct media_event ev = {
		.kind = MEDIA_FAILED, .session = c->id, .at_us = w->now_us, .end = end, .failure = failure};

	c->owed_failure = mailbox_put(w->events, &ev) ? failure : MEDIA_FAIL_NONE;
	c->owed_end = end;
}

static void report_plain(struct media_call *c, enum media_event_kind kind, const struct session_event *se)
{
	struct media_event ev = {.kind = kind,
		.session = c->id,
		.at_us = se->at_us,
		.end = se->end,
		.digit = se->digit,
		.way = se->way,
		.duration_ms = se->duration_ms};
	report(c->worker, &ev);
}

static void connect_socket(struct media_call *c, enum socket_role role, const struct addr *remote)
{
	struct call_socket *s = &c->socket[role];
	/* Fails only where no route leads there; then sendto() keeps doing what it did. */
	if (connect(s->fd, &remote->u.sa, addr_len(remote)) == 0)
		s->connected = true;
}

/* Its port stays bound. */
static void release_socket(struct media_call *c, enum socket_role role)
{
	struct call_socket *s = &c->socket[role];
	const struct sockaddr nobody = {.sa_family = AF_UNSPEC};

	if (s->connected && connect(s->fd, &nobody, sizeof(nobody)) == 0)
		s->connected = false;
}

static void on_session_event(void *arg, const struct session_event *se)
{
	struct media_call *c = arg;

	switch (se->kind) {
	case SESSION_ICE_NOMINATED:
		connect_socket(c, ROLE_WA, &se->remote);
		report_plain(c, MEDIA_ICE_UP, se);
		break;
	case SESSION_DTLS_UP: report_plain(c, MEDIA_DTLS_UP, se); break;
	case SESSION_FIRST_AUDIO: report_plain(c, MEDIA_FIRST_AUDIO, se); break;
	case SESSION_FIRST_SENT: report_plain(c, MEDIA_FIRST_SENT, se); break;
	case SESSION_SIP_LATCHED: break;
	case SESSION_SIP_PINNED:
		if (addr_is_set(&se->remote))
			connect_socket(c, ROLE_RTP, &se->remote);
		else
			release_socket(c, ROLE_RTP);
		break;
	case SESSION_DTMF: report_plain(c, MEDIA_DTMF, se); break;
	case SESSION_FAILED: report_failed(c, se->end, se->failure); break;
	}
}

/* ---- packets ---- */

/* A connected socket keeps what ICMP said of an earlier packet and tells it instead of sending this one. */
static ssize_t send_connected(int fd, const void *bytes, size_t length)
{
	ssize_t n = send(fd, bytes, length, MSG_DONTWAIT | MSG_NOSIGNAL);

	if (n < 0 && errno == ECONNREFUSED)
		n = send(fd, bytes, length, MSG_DONTWAIT | MSG_NOSIGNAL);
	return n;
}

static void on_session_send(void *arg, enum media_end end, enum session_channel channel, const void *bytes,
	size_t length, const struct addr *to)
{
	struct media_call *c = arg;
	struct call_socket *s = &c->socket[end == END_WA ? ROLE_WA : channel == SESSION_RTP ? ROLE_RTP : ROLE_RTCP];
	ssize_t n;

	if (s->connected)
		n = send_connected(s->fd, bytes, length);
	else if (to)
		n = sendto(s->fd, bytes, length, MSG_DONTWAIT | MSG_NOSIGNAL, &to->u.sa, addr_len(to));
	else
		n = -1;
	if (n < 0)
		counter_inc(CNT_MEDIA_SEND_FAILED);
}

/* Nobody waits for it, and what becomes of it is not the call's business. */
static void on_session_copy(void *arg, const uint8_t *bytes, size_t length, const struct addr *to)
{
	struct media_call *c = arg;
	int fd = c->worker->copy_fd[addr_is_v6(to)];

	if (fd < 0 || sendto(fd, bytes, length, MSG_DONTWAIT | MSG_NOSIGNAL, &to->u.sa, addr_len(to)) < 0)
		counter_inc(CNT_MEDIA_COPY_FAILED);
	else
		counter_inc(CNT_MEDIA_COPY_SENT);
}

static const struct session_io session_io = {on_session_send, on_session_event, on_session_copy};

static void reschedule(struct media_call *c)
{
	uint64_t deadline_us = c->session ? session_deadline(c->session) : UINT64_MAX;

	if (c->owed_failure != MEDIA_FAIL_NONE && deadline_us > c->worker->now_us + REPORT_AGAIN_US)
		deadline_us = c->worker->now_us + REPORT_AGAIN_US;
	wheel_set(&c->worker->wheel, &c->due, deadline_us);
}

static bool read_packet(struct call_socket *s)
{
	struct media_call *c = s->call;
	struct worker *w = c->worker;
	struct addr from = {0};
	socklen_t from_length = sizeof(from.u);
	ssize_t n;

	n = recvfrom(s->fd, w->rx, sizeof(w->rx), MSG_DONTWAIT, &from.u.sa, &from_length);
	if (n < 0)
		return false; /* ICMP errors of connected sockets land here: the time-outs judge, not they */
	if (n > 0)
		session_input(c->session, s->role == ROLE_WA ? END_WA : END_SIP,
			s->role == ROLE_RTCP ? SESSION_RTCP : SESSION_RTP, w->rx, (size_t)n, &from, w->now_us);
	return true;
}

/* Once per wake-up and socket: epoll is level-triggered, so what is left comes again without a second read for EAGAIN.
 * A socket that is ready in two wake-ups running has more than a call sends: a burst, or a stranger's flood, in which
 * the call's own packets would drown if they were taken at one a slot.
 */
static void read_socket(struct call_socket *s)
{
	struct worker *w = s->call->worker;
	unsigned left = s->last_turn + 1 == w->turn ? BACKLOG_PACKETS : 1;

	if (!s->call->session)
		return;
	s->last_turn = w->turn;
	while (left-- && read_packet(s)) {
	}
	reschedule(s->call);
}

/* ---- opening and closing ---- */

static void close_sockets(struct media_call *c)
{
	for (int i = 0; i < ROLE_COUNT; i++) {
		if (c->socket[i].fd >= 0)
			close(c->socket[i].fd);
		c->socket[i].fd = -1;
	}
}

static int watch_socket(struct worker *w, struct call_socket *s)
{
	struct epoll_event ev = {.events = EPOLLIN, .data.ptr = s};
	return epoll_ctl(w->epoll_fd, EPOLL_CTL_ADD, s->fd, &ev) ? -errno : 0;
}

/* As many as its jitter buffer may hold: a network that stalls stalls for all calls at once, and an empty pool would
 * turn their delay into loss. Memory is not touched before it is needed (lib/base/pktbuf.c), so room costs nothing. */
static int reserve_packets(struct worker *w)
{
	size_t each = w->conf->jbuf_max_ms / 20u + JBUF_PACKETS_SPARE;
	size_t sessions = (w->call_count / POOL_STEP_SESSIONS + 1) * POOL_STEP_SESSIONS;

	return pktpool_reserve(w->pool, PACKETS_SPARE + sessions * each);
}

static int start_session(struct worker *w, struct media_call *c, const struct media_wa_local *wa)
{
	const struct media_engine_conf *e = w->conf;
	struct session_conf conf = {
		.pool = w->pool,
		.dtls = w->dtls,
		.sounds = w->sounds,
		.wa = *wa,
		.io = &session_io,
		.io_arg = c,
		.jbuf_min_ms = e->jbuf_min_ms,
		.jbuf_max_ms = e->jbuf_max_ms,
		.opus_bitrate = e->opus_bitrate,
		.opus_complexity = w->governor.complexity,
		.opus_complexity_now = &w->governor.complexity,
		.opus_loss_percent = e->opus_loss_percent,
		.ice_timeout_ms = e->ice_timeout_ms,
		.wa_silence_timeout_ms = e->wa_silence_timeout_ms,
		.sip_silence_timeout_ms = e->sip_silence_timeout_ms,
	};
	int r = reserve_packets(w);

	for (int i = 0; r == 0 && i < ROLE_COUNT; i++)
		r = watch_socket(w, &c->socket[i]);
	return r ? r : session_new(&conf, w->now_us, &c->session);
}

static void cmd_open(struct worker *w, const struct media_command *cmd)
{
	const int fds[ROLE_COUNT] = {cmd->u.open.wa_fd, cmd->u.open.rtp_fd, cmd->u.open.rtcp_fd};
	struct media_call *c = cmd->u.open.memory;

	c->worker = w;
	c->id = cmd->session;
	for (int i = 0; i < ROLE_COUNT; i++)
		c->socket[i] = (struct call_socket){.call = c, .fd = fds[i], .role = (enum socket_role)i};
	ASSERT(!w->by_slot[slot_of(c->id)]);
	w->by_slot[slot_of(c->id)] = c;
	w->call_count++;
	if (start_session(w, c, &cmd->u.open.wa)) { /* it stays, without a session, until it is closed */
		close_sockets(c);
		report_failed(c, END_WA, MEDIA_FAIL_RESOURCES);
	}
	reschedule(c);
}

/* The control thread forgets the call only when it has read this: a full mailbox means trying again, never losing it.
 */
static bool report_closed(struct worker *w, struct media_call *c)
{
	struct media_event ev = {.kind = MEDIA_CLOSED, .session = c->id, .at_us = w->now_us, .stats = c->last_stats};

	if (mailbox_put(w->events, &ev)) {
		wheel_set(&w->wheel, &c->due, w->now_us + REPORT_AGAIN_US);
		return false;
	}
	wheel_remove(&c->due);
	w->by_slot[slot_of(c->id)] = NULL;
	w->call_count--;
	c->next_dead = w->dead;
	w->dead = c;
	return true;
}

static void close_call(struct worker *w, struct media_call *c)
{
	if (c->session)
		session_stats(c->session, &c->last_stats);
	c->session = session_close(c->session, w->now_us);
	c->closing = true;
	close_sockets(c);
	report_closed(w, c);
}

static void cmd_close(struct worker *w, uint64_t id)
{
	struct media_call *c = find_call(w, id);

	if (c)
		close_call(w, c);
}

static void bury_dead(struct worker *w)
{
	while (w->dead) {
		struct media_call *c = w->dead;
		w->dead = c->next_dead;
		free(c);
	}
}

/* ---- commands ---- */

static void report_stats(struct worker *w, struct media_call *c)
{
	struct media_event ev = {.kind = MEDIA_STATS, .session = c->id, .at_us = w->now_us};
	session_stats(c->session, &ev.stats);
	report(w, &ev);
}

static void set_remote(struct media_call *c, const struct media_command *cmd)
{
	uint64_t now_us = c->worker->now_us;
	bool wa = cmd->kind == MEDIA_CMD_SET_WA;
	int r = wa ? session_set_wa(c->session, cmd->u.wa, now_us) : session_set_sip(c->session, &cmd->u.sip, now_us);

	if (r)
		report_failed(c, wa ? END_WA : END_SIP, wa && r != -ENOMEM ? MEDIA_FAIL_ICE : MEDIA_FAIL_RESOURCES);
}

static void steer(struct media_call *c, const struct media_command *cmd)
{
	uint64_t now_us = c->worker->now_us;

	switch (cmd->kind) {
	case MEDIA_CMD_SET_WA:
	case MEDIA_CMD_SET_SIP: set_remote(c, cmd); break;
	case MEDIA_CMD_KEEP_GREETING: session_keep_greeting(c->session, now_us); break;
	case MEDIA_CMD_START_WA: session_start_wa(c->session, now_us); break;
	case MEDIA_CMD_PLAY: session_play(c->session, cmd->u.play.side, cmd->u.play.sound, now_us); break;
	case MEDIA_CMD_MUTE: session_mute(c->session, cmd->u.mute.side, cmd->u.mute.on, now_us); break;
	case MEDIA_CMD_SEND_DTMF: session_send_dtmf(c->session, cmd->u.dtmf.side, cmd->u.dtmf.digits, now_us); break;
	case MEDIA_CMD_RECORD:
		session_record(
			c->session, cmd->u.record.ring, cmd->u.record.announce_wa, cmd->u.record.announce_sip, now_us);
		break;
	case MEDIA_CMD_RECORD_PAUSE: session_record_pause(c->session, cmd->u.on); break;
	case MEDIA_CMD_RECORD_STOP: session_record_stop(c->session, now_us); break;
	case MEDIA_CMD_COPY: session_copy(c->session, &cmd->u.copy, now_us); break;
	case MEDIA_CMD_COPY_STOP: session_copy_stop(c->session); break;
	case MEDIA_CMD_SIP_DIGIT:
		session_info_digit(c->session, cmd->u.digit.digit, cmd->u.digit.duration_ms, now_us);
		break;
	case MEDIA_CMD_ASK_STATS: report_stats(c->worker, c); break;
	case MEDIA_CMD_OPEN:
	case MEDIA_CMD_CLOSE:
	case MEDIA_CMD_STOP: break;
	}
	reschedule(c);
}

static void run_command(struct worker *w, struct media_command *cmd)
{
	struct media_call *c = find_call(w, cmd->session);

	switch (cmd->kind) {
	case MEDIA_CMD_OPEN: cmd_open(w, cmd); break;
	case MEDIA_CMD_CLOSE: cmd_close(w, cmd->session); break;
	case MEDIA_CMD_STOP: w->stopping = true; break;
	default:
		if (c && c->session)
			steer(c, cmd);
		else if (cmd->kind == MEDIA_CMD_RECORD)
			record_ring_close(cmd->u.record.ring, w->now_us);
		break;
	}
	if (cmd->kind == MEDIA_CMD_SET_WA)
		free(cmd->u.wa);
}

static void run_commands(struct worker *w)
{
	struct media_command cmd;

	mailbox_clear(w->commands);
	while (mailbox_get(w->commands, &cmd))
		run_command(w, &cmd);
	crypto_wipe(&cmd, sizeof(cmd)); /* it may have held keys */
}

/* ---- the loop ---- */

static void run_due(struct worker *w)
{
	struct wheel_entry *e;

	while ((e = wheel_next_due(&w->wheel, w->now_us))) {
		struct media_call *c = (struct media_call *)e;
		if (c->closing) {
			report_closed(w, c);
			continue;
		}
		if (c->owed_failure != MEDIA_FAIL_NONE)
			report_failed(c, c->owed_end, c->owed_failure);
		if (c->session &&
			session_deadline(c->session) <= w->now_us) /* else: farther off than the wheel is wide */
			session_tick(c->session, w->now_us);
		reschedule(c);
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
		uint64_t slot_us = w->call_count >= WIDE_SLOT_FROM_SESSIONS ? WIDE_SLOT_US : SLOT_US;
		w->slot_end_us = (w->now_us / slot_us + 1) * slot_us;
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
			read_socket(ready[i].data.ptr);
		else
			run_commands(w);
	}
	run_due(w);
	bury_dead(w);
}

static void close_everything(struct worker *w)
{
	for (size_t i = 0; i < w->max_sessions; i++) {
		struct media_call *c = w->by_slot[i];
		if (!c)
			continue;
		if (!c->closing)
			close_call(w, c);
		if (w->by_slot[i]) { /* the mailbox is full and nobody reads it any more */
			wheel_remove(&c->due);
			w->by_slot[i] = NULL;
			free(c);
		}
	}
	bury_dead(w);
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
		r = pktpool_new(PACKETS_SPARE, &w->pool);
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
