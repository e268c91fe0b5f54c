/* media/worker_commands.c
 *
 * What the control thread asks of a worker: calls opened, steered and closed.
 */
#include "media/worker_inner.h"

#include "lib/base/assert.h"
#include "lib/base/crypto.h"
#include "lib/base/mailbox.h"
#include "media/rtp/jbuf.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

enum {
	POOL_STEP_SESSIONS = 64, /* it grows by so many calls' share: large blocks are fresh pages, small ones would be
				    cut from memory that handshakes have touched */
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

/* ---- opening and closing ---- */

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

	return pktpool_reserve(w->pool, WORKER_PACKETS_SPARE + sessions * each);
}

static int start_session(struct worker *w, struct media_call *c, const struct media_wa_local *wa)
{
	const struct media_engine_conf *e = w->conf;
	struct session_conf conf = {
		.pool = w->pool,
		.dtls = w->dtls,
		.sounds = w->sounds,
		.wa = *wa,
		.io = &worker_session_io,
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
		worker_close_sockets(c);
		worker_report_failed(c, END_WA, MEDIA_FAIL_RESOURCES);
	}
	worker_reschedule(c);
}

/* The control thread forgets the call only when it has read this: a full mailbox means trying again, never losing it.
 */
bool worker_report_closed(struct worker *w, struct media_call *c)
{
	struct media_event ev = {.kind = MEDIA_CLOSED, .session = c->id, .at_us = w->now_us, .stats = c->last_stats};

	if (mailbox_put(w->events, &ev)) {
		wheel_set(&w->wheel, &c->due, w->now_us + WORKER_REPORT_AGAIN_US);
		return false;
	}
	wheel_remove(&c->due);
	w->by_slot[slot_of(c->id)] = NULL;
	w->call_count--;
	c->next_dead = w->dead;
	w->dead = c;
	return true;
}

void worker_close_call(struct worker *w, struct media_call *c)
{
	if (c->session)
		session_stats(c->session, &c->last_stats);
	c->session = session_close(c->session, w->now_us);
	c->closing = true;
	worker_close_sockets(c);
	worker_report_closed(w, c);
}

static void cmd_close(struct worker *w, uint64_t id)
{
	struct media_call *c = find_call(w, id);

	if (c)
		worker_close_call(w, c);
}

void worker_bury_dead(struct worker *w)
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
	worker_report(w, &ev);
}

static void set_remote(struct media_call *c, const struct media_command *cmd)
{
	uint64_t now_us = c->worker->now_us;
	bool wa = cmd->kind == MEDIA_CMD_SET_WA;
	int r = wa ? session_set_wa(c->session, cmd->u.wa, now_us) : session_set_sip(c->session, &cmd->u.sip, now_us);

	if (r)
		worker_report_failed(
			c, wa ? END_WA : END_SIP, wa && r != -ENOMEM ? MEDIA_FAIL_ICE : MEDIA_FAIL_RESOURCES);
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
	worker_reschedule(c);
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

void worker_run_commands(struct worker *w)
{
	struct media_command cmd;

	mailbox_clear(w->commands);
	while (mailbox_get(w->commands, &cmd))
		run_command(w, &cmd);
	crypto_wipe(&cmd, sizeof(cmd)); /* it may have held keys */
}
