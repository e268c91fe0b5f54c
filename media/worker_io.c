/* media/worker_io.c
 *
 * One call's sockets on its worker: packets in and out, and what is reported of it to the control thread.
 */
#include "media/worker_inner.h"

#include "lib/base/counter.h"
#include "lib/base/mailbox.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	BACKLOG_PACKETS = 64, /* of one socket in one wake-up, when it also was ready in the one before */
};

/* ---- reports to the control thread ---- */

void worker_report(struct worker *w, const struct media_event *ev)
{
	if (mailbox_put(w->events, ev))
		counter_inc(CNT_MEDIA_EVENTS_LOST);
}

void worker_report_failed(struct media_call *c, enum media_end end, enum media_failure failure)
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
	worker_report(c->worker, &ev);
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
	case SESSION_FAILED: worker_report_failed(c, se->end, se->failure); break;
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

const struct session_io worker_session_io = {on_session_send, on_session_event, on_session_copy};

void worker_reschedule(struct media_call *c)
{
	uint64_t deadline_us = c->session ? session_deadline(c->session) : UINT64_MAX;

	if (c->owed_failure != MEDIA_FAIL_NONE && deadline_us > c->worker->now_us + WORKER_REPORT_AGAIN_US)
		deadline_us = c->worker->now_us + WORKER_REPORT_AGAIN_US;
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
void worker_read_socket(struct call_socket *s)
{
	struct worker *w = s->call->worker;
	unsigned left = s->last_turn + 1 == w->turn ? BACKLOG_PACKETS : 1;

	if (!s->call->session)
		return;
	s->last_turn = w->turn;
	while (left-- && read_packet(s)) {
	}
	worker_reschedule(s->call);
}

void worker_close_sockets(struct media_call *c)
{
	for (int i = 0; i < ROLE_COUNT; i++) {
		if (c->socket[i].fd >= 0)
			close(c->socket[i].fd);
		c->socket[i].fd = -1;
	}
}
