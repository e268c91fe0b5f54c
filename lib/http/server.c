/* lib/http/server.c
 *
 * The HTTP server: libmicrohttpd without a thread of its own. MHD keeps all its sockets in one epoll set; the control
 * loop watches that set's descriptor and runs MHD when it is ready, or when MHD's own time-out is due.
 *
 *   accept -> RECEIVING --headers, body--> on_request() --+-- http_reply() inside: written in the same run of MHD
 *                 ^                                       +-- later: suspended; http_reply() resumes, and MHD's own
 * eventfd makes the |                                           epoll set ready in the next turn of the loop
 *                 +------------- completed <--------------+
 *
 * MHD's time-out counts from the last byte, so a client that sends one byte now and then could hold a connection for
 * ever: RECEIVING has a deadline of its own. A suspended connection is not watched by MHD at all, so a second epoll set
 * waits for its hang-up.
 */
#include "lib/http/http_server.h"

#include "lib/base/assert.h"
#include "lib/base/str.h"
#include "lib/http/server_internal.h"
#include "lib/loop/loop.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>
#include <utlist.h>

enum {
	LISTEN_BACKLOG = 256,
	RUNS_PER_TURN =
		16, /* MHD reads one buffer a run; go on while it says there is more, but let others have a turn */
	CONNECTION_MEMORY = 32 * 1024, /* request line and headers: longer ones get 431 from MHD */
	SPARE_CONNECTIONS =
		16, /* above max_connections, so that we see and refuse what MHD would leave in the backlog */
	SWALLOW_MAX_BYTES = 4 << 20, /* of a body too long: read on so far, because closing with unread data would reset
					our 413 away */
	BODY_FIRST_BYTES = 4096,
	RECEIVE_DEADLINE_FACTOR = 2, /* times idle_timeout_s: see http_server.h */
	LISTEN_CHECK_MS =
		500,       /* MHD stops to listen when accept() finds no descriptor, and looks again only when run */
	FRUITLESS_MAX = 4, /* turns in which nothing could be accepted and there was nothing else to do: then wait */
};

struct connection {
	struct http_server *server;
	int fd;
	bool receiving;       /* in server->receiving */
	uint64_t deadline_us; /* while receiving */
	struct connection *prev, *next;
};

struct http_server {
	struct loop *loop;
	struct http_server_conf conf;
	struct addr addr;
	struct MHD_Daemon *daemon;
	struct loop_watch *watch, *gone_watch;
	struct loop_timer mhd_timer, deadline_timer;
	int gone_epoll;
	unsigned connections;
	uint64_t accepted;  /* so far */
	unsigned fruitless; /* turns, one after the other */
	bool paused;        /* watch is off until the next LISTEN_CHECK_MS */
	bool running, stopping;
	struct connection *receiving; /* ordered by deadline: all have the same allowance */
	struct http_request *suspended;
};

/* Deadlines of connections from which a request is awaited. */

static void deadline_expired(void *arg);

static void deadline_rearm(struct http_server *s)
{
	loop_timer_cancel(&s->deadline_timer);
	if (s->receiving)
		(void)loop_timer_set(s->loop, &s->deadline_timer, s->receiving->deadline_us, deadline_expired, s);
}

static void deadline_stop(struct connection *c)
{
	if (!c->receiving)
		return;
	c->receiving = false;
	DL_DELETE(c->server->receiving, c);
}

static void deadline_start(struct connection *c)
{
	struct http_server *s = c->server;
	deadline_stop(c);
	c->deadline_us = loop_now_us(s->loop) + (uint64_t)s->conf.idle_timeout_s * RECEIVE_DEADLINE_FACTOR * 1000000;
	c->receiving = true;
	DL_APPEND(s->receiving, c);
	if (s->receiving == c || !s->deadline_timer.loop)
		deadline_rearm(s);
}

/* MHD owns the socket; shut down, it reads the end and closes. */
static void deadline_expired(void *arg)
{
	struct http_server *s = arg;
	uint64_t now = loop_now_us(s->loop);
	while (s->receiving && s->receiving->deadline_us <= now) {
		struct connection *c = s->receiving;
		deadline_stop(c);
		(void)shutdown(c->fd, SHUT_RDWR);
	}
	deadline_rearm(s);
}

/* Running MHD. */

static void server_run(struct http_server *s);

static void server_timer(void *arg)
{
	struct http_server *s = arg;
	if (s->paused && loop_watch_change(s->watch, LOOP_READ) == 0)
		s->paused = false;
	server_run(s);
}

static void server_run(struct http_server *s)
{
	MHD_UNSIGNED_LONG_LONG wait_ms = 0;
	enum MHD_Result wait = MHD_NO;

	ASSERT(!s->running);
	s->running = true;
	for (int i = 0; i < RUNS_PER_TURN; i++) {
		(void)MHD_run(s->daemon);
		wait = MHD_get_timeout(s->daemon, &wait_ms);
		if (wait != MHD_YES || wait_ms > 0)
			break;
	}
	s->running = false;
	loop_timer_cancel(&s->mhd_timer);
	if (wait != MHD_YES || wait_ms > LISTEN_CHECK_MS)
		wait_ms = LISTEN_CHECK_MS;
	(void)loop_timer_set(s->loop, &s->mhd_timer, loop_now_us(s->loop) + (uint64_t)wait_ms * 1000, server_timer, s);
}

/* Without any connection only a new one can have made us ready. When none can be accepted, for lack of descriptors, MHD
 * leaves its listening socket ready ("busy waiting"), and the loop would turn without a pause. */
static void server_ready(void *arg, int ready)
{
	struct http_server *s = arg;
	uint64_t accepted = s->accepted;
	bool idle = s->connections == 0;

	(void)ready;
	server_run(s);
	s->fruitless = idle && s->accepted == accepted ? s->fruitless + 1 : 0;
	if (s->fruitless < FRUITLESS_MAX)
		return;
	s->fruitless = 0;
	s->paused = true;
	(void)loop_watch_change(s->watch, 0);
}

/* The peer of a suspended request went away. */

static void gone_watch_add(struct http_request *req)
{
	struct epoll_event ev = {.events = EPOLLRDHUP, .data = {.ptr = req}};
	(void)epoll_ctl(req->server->gone_epoll, EPOLL_CTL_ADD, req->connection->fd, &ev);
}

void request_suspend(struct http_request *req)
{
	req->suspended = true;
	DL_APPEND(req->server->suspended, req);
	if (req->on_gone)
		gone_watch_add(req);
	MHD_suspend_connection(req->mhd);
}

void request_cut(struct http_request *req)
{
	req->abort = true;
	(void)shutdown(req->connection->fd, SHUT_RDWR);
	if (req->suspended)
		request_resume(req);
}

void request_resume(struct http_request *req)
{
	struct epoll_event none = {0};
	struct http_server *s = req->server;
	if (req->on_gone)
		(void)epoll_ctl(s->gone_epoll, EPOLL_CTL_DEL, req->connection->fd, &none);
	req->on_gone = NULL;
	req->suspended = false;
	DL_DELETE(s->suspended, req);
	MHD_resume_connection(req->mhd);
	/* Without a thread of its own MHD has no descriptor that would wake us. Inside MHD_run() its time-out becomes
	 * 0. */
	if (!s->running)
		(void)loop_timer_set(s->loop, &s->mhd_timer, loop_now_us(s->loop), server_timer, s);
}

static void gone_ready(void *arg, int ready)
{
	struct http_server *s = arg;
	struct epoll_event events[16];
	int n = epoll_wait(s->gone_epoll, events, 16, 0);

	(void)ready;
	/* A request answered by an earlier on_gone of this round is still in memory: only MHD_run() ends requests. */
	for (int i = 0; i < n; i++) {
		struct http_request *req = events[i].data.ptr;
		void (*fn)(void *) = req->on_gone;
		if (!req->suspended || !fn)
			continue;
		req->abort = true;
		request_resume(req);
		fn(req->gone_arg);
	}
}

/* What MHD calls. */

static enum MHD_Result on_accept(void *arg, const struct sockaddr *sa, socklen_t length)
{
	struct http_server *s = arg;
	(void)sa;
	(void)length;
	s->accepted++;
	return s->connections < s->conf.max_connections ? MHD_YES : MHD_NO;
}

static void on_connection(
	void *arg, struct MHD_Connection *mhd, void **context, enum MHD_ConnectionNotificationCode code)
{
	struct http_server *s = arg;
	struct connection *c = *context;

	if (code == MHD_CONNECTION_NOTIFY_STARTED) {
		const union MHD_ConnectionInfo *fd = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD);
		s->connections++;
		c = calloc(1, sizeof(*c));
		if (!c)
			return; /* its request will be refused for lack of a context */
		c->server = s;
		c->fd = fd->connect_fd;
		*context = c;
		deadline_start(c);
	} else {
		s->connections--;
		*context = NULL;
		if (c)
			deadline_stop(c);
		free(c);
	}
}

static enum MHD_Result queue_plain(struct MHD_Connection *mhd, unsigned status, const char *text)
{
	struct MHD_Response *response =
		MHD_create_response_from_buffer(strlen(text), (void *)(uintptr_t)text, MHD_RESPMEM_PERSISTENT);
	enum MHD_Result r;
	if (!response)
		return MHD_NO;
	(void)MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, "text/plain");
	(void)MHD_add_response_header(response, MHD_HTTP_HEADER_CONNECTION, "close");
	r = MHD_queue_response(mhd, status, response);
	MHD_destroy_response(response);
	return r;
}

static enum MHD_Result request_begin(
	struct http_server *s, struct MHD_Connection *mhd, const char *url, const char *method, void **context)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
	const char *length_text = MHD_lookup_connection_value(mhd, MHD_HEADER_KIND, MHD_HTTP_HEADER_CONTENT_LENGTH);
	struct http_request *req;
	uint64_t length = 0;

	if (!info || !info->socket_context)
		return MHD_NO;
	/* Two lengths for one body: the proxy in front may have believed the other one (RFC 9112 s6.1). */
	if (length_text && MHD_lookup_connection_value(mhd, MHD_HEADER_KIND, MHD_HTTP_HEADER_TRANSFER_ENCODING))
		return queue_plain(mhd, MHD_HTTP_BAD_REQUEST, "two body lengths\n");
	if (length_text && str_to_u64(length_text, 0, UINT64_MAX, &length) == 0 && length > s->conf.max_body_bytes &&
		(length - s->conf.max_body_bytes > SWALLOW_MAX_BYTES ||
			MHD_lookup_connection_value(mhd, MHD_HEADER_KIND, MHD_HTTP_HEADER_EXPECT)))
		return queue_plain(mhd, MHD_HTTP_CONTENT_TOO_LARGE, "body too large\n");
	req = calloc(1, sizeof(*req));
	if (!req)
		return MHD_NO;
	req->server = s;
	req->mhd = mhd;
	req->connection = info->socket_context;
	req->method = method;
	req->path = url;
	info = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	if (info && info->client_addr)
		addr_from_sockaddr(&req->peer, info->client_addr,
			info->client_addr->sa_family == AF_INET6 ? sizeof(struct sockaddr_in6)
								 : sizeof(struct sockaddr_in));
	*context = req;
	return MHD_YES;
}

static enum MHD_Result request_body(struct http_request *req, const char *data, size_t n)
{
	size_t max = req->server->conf.max_body_bytes;

	if (req->too_long || n > max - req->length) {
		req->too_long = true;
		free(req->body);
		req->body = NULL;
		req->swallowed += n;
		return req->swallowed > SWALLOW_MAX_BYTES ? MHD_NO : MHD_YES;
	}
	/* Grown by what came, not by what Content-Length promises. */
	if (req->length + n > req->cap) {
		size_t cap = req->cap ? req->cap : BODY_FIRST_BYTES;
		uint8_t *bigger;
		while (cap < req->length + n)
			cap *= 2;
		bigger = realloc(req->body, cap);
		if (!bigger)
			return MHD_NO;
		req->body = bigger;
		req->cap = cap;
	}
	memcpy(req->body + req->length, data, n);
	req->length += n;
	return MHD_YES;
}

static enum MHD_Result request_answer(struct http_request *req)
{
	if (req->abort || !req->response)
		return MHD_NO; /* closes the connection */
	return MHD_queue_response(req->mhd, req->status, req->response);
}

static enum MHD_Result request_complete(struct http_request *req)
{
	struct http_server *s = req->server;

	if (req->handed_over) /* MHD asks again after a resume */
		return req->suspended ? MHD_YES : request_answer(req);
	deadline_stop(req->connection);
	if (req->too_long) {
		req->handed_over = req->answered = true;
		return queue_plain(req->mhd, MHD_HTTP_CONTENT_TOO_LARGE, "body too large\n");
	}
	req->handed_over = true;
	s->conf.on_request(req, s->conf.arg);
	if (req->answered)
		return request_answer(req);
	request_suspend(req);
	return MHD_YES;
}

static enum MHD_Result on_access(void *arg, struct MHD_Connection *mhd, const char *url, const char *method,
	const char *version, const char *upload, size_t *upload_length, void **context)
{
	struct http_request *req = *context;
	size_t n = *upload_length;

	(void)version;
	if (!req)
		return request_begin(arg, mhd, url, method, context);
	if (n == 0)
		return request_complete(req);
	*upload_length = 0;
	return request_body(req, upload, n);
}

static void on_completed(void *arg, struct MHD_Connection *mhd, void **context, enum MHD_RequestTerminationCode code)
{
	struct http_request *req = *context;
	void (*done)(void *);

	(void)arg;
	(void)mhd;
	(void)code;
	if (!req)
		return;
	*context = NULL;
	deadline_start(req->connection); /* for the next request; ends with the connection */
	done = req->on_done;
	if (done)
		done(req->done_arg);
	stream_over(req->stream, !req->server->stopping);
	if (req->response)
		MHD_destroy_response(req->response);
	free(req->body);
	free(req);
}

/* Entry points. */

static int listen_open(const struct addr *a, int *ret_fd)
{
	int on = 1, r;
	int fd = socket(a->u.sa.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	/* Inherited by accepted sockets: an answer never waits for the peer's ACK of the one before. */
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (bind(fd, &a->u.sa, addr_len(a)) || listen(fd, LISTEN_BACKLOG)) {
		r = -errno;
		close(fd);
		return r;
	}
	*ret_fd = fd;
	return 0;
}

static int daemon_start(struct http_server *s)
{
	struct sockaddr_storage ss;
	socklen_t length = sizeof(ss);
	unsigned flags = MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME;
	int fd = -1, r = listen_open(&s->conf.listen, &fd);

	if (r)
		return r;
	if (getsockname(fd, (struct sockaddr *)&ss, &length) == 0)
		addr_from_sockaddr(&s->addr, (struct sockaddr *)&ss, length);
	if (addr_is_v6(&s->addr))
		flags |= MHD_USE_IPv6;
	s->daemon = MHD_start_daemon(flags, 0, on_accept, s, on_access, s, MHD_OPTION_LISTEN_SOCKET, fd,
		MHD_OPTION_CONNECTION_LIMIT, s->conf.max_connections + SPARE_CONNECTIONS,
		MHD_OPTION_PER_IP_CONNECTION_LIMIT, s->conf.max_per_address, MHD_OPTION_CONNECTION_TIMEOUT,
		s->conf.idle_timeout_s, MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_MEMORY,
		MHD_OPTION_NOTIFY_COMPLETED, on_completed, s, MHD_OPTION_NOTIFY_CONNECTION, on_connection, s,
		MHD_OPTION_END);
	if (s->daemon)
		return 0;
	/* MHD closes the socket in some of its failures only. */
	if (fcntl(fd, F_GETFD) >= 0)
		close(fd);
	return -ENOMEM;
}

static int server_watch(struct http_server *s)
{
	const union MHD_DaemonInfo *info = MHD_get_daemon_info(s->daemon, MHD_DAEMON_INFO_EPOLL_FD);
	int r;

	if (!info)
		return -ENOMEM;
	r = loop_watch(s->loop, info->listen_fd, LOOP_READ, server_ready, s, &s->watch);
	if (r)
		return r;
	return loop_watch(s->loop, s->gone_epoll, LOOP_READ, gone_ready, s, &s->gone_watch);
}

int http_server_new(struct loop *l, const struct http_server_conf *conf, struct http_server **ret_server)
{
	struct http_server *s;
	int r;

	if (!conf->on_request || !addr_is_set(&conf->listen) || !conf->max_connections || !conf->idle_timeout_s)
		return -EINVAL;
	s = calloc(1, sizeof(*s));
	if (!s)
		return -ENOMEM;
	s->loop = l;
	s->conf = *conf;
	s->gone_epoll = epoll_create1(EPOLL_CLOEXEC);
	r = s->gone_epoll < 0 ? -errno : daemon_start(s);
	if (r == 0)
		r = server_watch(s);
	if (r) {
		http_server_free(s);
		return r;
	}
	server_run(s);
	*ret_server = s;
	return 0;
}

void http_server_addr(const struct http_server *s, struct addr *ret_addr)
{
	*ret_addr = s->addr;
}

struct http_server *http_server_free(struct http_server *s)
{
	if (!s)
		return NULL;
	ASSERT(!s->running);
	while (s->suspended) { /* MHD_stop_daemon() refuses to stop with suspended connections */
		s->suspended->abort = true;
		request_resume(s->suspended);
	}
	loop_unwatch(s->watch);
	loop_unwatch(s->gone_watch);
	s->running = s->stopping = true;
	if (s->daemon)
		MHD_stop_daemon(s->daemon);
	loop_timer_cancel(&s->mhd_timer);
	loop_timer_cancel(&s->deadline_timer);
	if (s->gone_epoll >= 0)
		close(s->gone_epoll);
	free(s);
	return NULL;
}

const char *http_request_method(const struct http_request *req)
{
	return req->method;
}

const char *http_request_path(const struct http_request *req)
{
	return req->path;
}

const char *http_request_header(const struct http_request *req, const char *name)
{
	return MHD_lookup_connection_value(req->mhd, MHD_HEADER_KIND, name);
}

const char *http_request_query(const struct http_request *req, const char *name)
{
	return MHD_lookup_connection_value(req->mhd, MHD_GET_ARGUMENT_KIND, name);
}

struct each_query {
	bool (*fn)(const char *name, void *arg);
	void *arg;
};

static enum MHD_Result each_query(void *arg, enum MHD_ValueKind kind, const char *name, const char *value)
{
	const struct each_query *q = arg;

	(void)kind;
	(void)value;
	return q->fn(name, q->arg) ? MHD_YES : MHD_NO;
}

void http_request_each_query(const struct http_request *req, bool (*fn)(const char *name, void *arg), void *arg)
{
	struct each_query q = {fn, arg};

	(void)MHD_get_connection_values(req->mhd, MHD_GET_ARGUMENT_KIND, each_query, &q);
}

const uint8_t *http_request_body(const struct http_request *req, size_t *ret_length)
{
	*ret_length = req->length;
	return req->body ? req->body : (const uint8_t *)"";
}

const struct addr *http_request_peer(const struct http_request *req)
{
	return &req->peer;
}

static void add_header_line(struct MHD_Response *response, const char *line)
{
	char name[64];
	const char *colon = strchr(line, ':');

	if (!colon || str_copy_n(name, sizeof(name), line, (size_t)(colon - line)))
		return;
	colon++;
	while (*colon == ' ')
		colon++;
	(void)MHD_add_response_header(response, name, colon);
}

void request_give_response(struct http_request *req, unsigned status, struct MHD_Response *response,
	const char *content_type, const char *const *headers)
{
	ASSERT(!req->answered && !req->abort);
	req->answered = true;
	req->status = status;
	req->response = response; /* NULL, out of memory: the connection is closed instead */
	if (req->response) {
		(void)MHD_add_response_header(
			req->response, MHD_HTTP_HEADER_CONTENT_TYPE, content_type ? content_type : "text/plain");
		for (; headers && *headers; headers++)
			add_header_line(req->response, *headers);
	}
	if (req->suspended)
		request_resume(req);
}

void http_reply(struct http_request *req, unsigned status, const char *content_type, const void *body, size_t length,
	const char *const *headers)
{
	request_give_response(req, status,
		MHD_create_response_from_buffer(
			length, length ? (void *)(uintptr_t)body : (void *)(uintptr_t) "", MHD_RESPMEM_MUST_COPY),
		content_type, headers);
}

void http_request_on_gone(struct http_request *req, void (*fn)(void *arg), void *arg)
{
	ASSERT(!req->suspended && !req->answered);
	req->on_gone = fn;
	req->gone_arg = arg;
}

void http_request_on_done(struct http_request *req, void (*fn)(void *arg), void *arg)
{
	ASSERT(!req->suspended && !req->answered);
	req->on_done = fn;
	req->done_arg = arg;
}
