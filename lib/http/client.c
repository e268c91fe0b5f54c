/* lib/http/client.c
 *
 * The HTTP client: a curl multi handle whose sockets and timer are the control loop's. Names are looked up by curl's
 * own resolver threads.
 *
 *   http_send() -> curl writes the request at once when a kept connection is free -> ... -> finished transfers are
 * collected after each entry into curl, and handed to their owners from the loop only: an owner may send, cancel and
 * free others there.
 *
 * curl repeats a request by itself when a kept connection proves dead before the first byte of an answer. For a POST
 * that is not ours to risk (RFC 9110 s9.2.2: it may have been acted on), so on_before_request() stops the second
 * sending.
 */
#include "lib/http/http_client.h"

#include "lib/base/assert.h"
#include "lib/base/id.h"
#include "lib/base/str.h"
#include "lib/http/keep_warm.h"
#include "lib/loop/loop.h"

#include <curl/curl.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <utlist.h>

enum {
	DEFAULT_MAX_PER_HOST = 64,
	DEFAULT_CONNECT_TIMEOUT_MS = 3000,
	ANSWER_MAX_BYTES = 1 << 20,
	TRANSFERS_MAX = 65536,
	IDLE_KEEP_S =
		24 * 3600, /* a kept connection is judged by its liveness, not by its age (curl's default: 118 s) */
	TCP_KEEP_IDLE_S =
		20, /* under the idle limits of common NATs (RFC 5382 asks for 2 h 4 min, many give 1 to 5 min) */
	TCP_KEEP_INTERVAL_S = 5,
	TCP_KEEP_PROBES = 3,
	WARM_TIMEOUT_MS = 10000,
};

struct transfer {
	struct http_client *client;
	uint64_t id;
	CURL *easy;
	struct curl_slist *headers;
	char *origin;
	char *body; /* of the answer */
	size_t length, cap;
	bool too_long;
	bool may_repeat;
	unsigned sendings;
	CURLcode code;
	char error_text[CURL_ERROR_SIZE];
	struct loop_timer timer;
	uint64_t started_us;
	void (*on_done)(const struct http_result *result, void *arg);
	void *arg;
	bool collected;
	struct transfer *prev, *next; /* in client->collected */
};

struct socket_watch {
	struct http_client *client;
	curl_socket_t fd;
	int own_fd; /* a duplicate, which is what we watch: curl 7.88 closes a socket that is still connecting before it
		       says CURL_POLL_REMOVE */
	struct loop_watch *watch; /* NULL: out of memory or descriptors */
	struct socket_watch *prev, *next;
};

struct http_client {
	struct loop *loop;
	struct http_client_conf conf;
	char *user_agent, *ca_file;
	CURLM *multi;
	struct loop_timer curl_timer, deliver_timer;
	struct socket_watch *sockets;
	struct slotmap *transfers;
	struct transfer *collected; /* finished, their owners not told yet */
	bool delivering;
	struct keep_warm *warm;
};

/* ---- answers to curl's questions: called from within curl, so nothing here may call curl ---- */

static size_t on_answer_bytes(char *bytes, size_t size, size_t count, void *arg)
{
	struct transfer *t = arg;
	size_t n = size * count;

	if (n > ANSWER_MAX_BYTES - t->length) {
		t->too_long = true;
		return 0;
	}
	if (t->length + n + 1 > t->cap) {
		size_t cap = t->cap ? t->cap : 1024;
		char *bigger;
		while (cap < t->length + n + 1)
			cap *= 2;
		bigger = realloc(t->body, cap);
		if (!bigger)
			return 0;
		t->body = bigger;
		t->cap = cap;
	}
	memcpy(t->body + t->length, bytes, n);
	t->length += n;
	t->body[t->length] = '\0';
	return n;
}

static int on_before_request(void *arg, char *ip, char *local_ip, int port, int local_port)
{
	struct transfer *t = arg;
	(void)ip;
	(void)local_ip;
	(void)port;
	(void)local_port;
	return t->sendings++ && !t->may_repeat ? CURL_PREREQFUNC_ABORT : CURL_PREREQFUNC_OK;
}

static int on_socket_made(void *arg, curl_socket_t fd, curlsocktype purpose)
{
	int probes = TCP_KEEP_PROBES;
	(void)arg;
	(void)purpose;
	(void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &probes, sizeof(probes));
	return CURL_SOCKOPT_OK;
}

static int on_socket_close(void *arg, curl_socket_t fd)
{
	struct http_client *c = arg;
	keep_warm_closed(c->warm, fd);
	return close(fd);
}

/* ---- finished transfers ---- */

static struct transfer *transfer_free(struct transfer *t)
{
	struct http_client *c;
	if (!t)
		return NULL;
	c = t->client;
	loop_timer_cancel(&t->timer);
	if (t->id)
		slotmap_remove(c->transfers, t->id);
	if (t->collected)
		DL_DELETE(c->collected, t);
	if (t->easy) {
		(void)curl_multi_remove_handle(c->multi, t->easy);
		curl_easy_cleanup(t->easy);
	}
	curl_slist_free_all(t->headers);
	free(t->origin);
	free(t->body);
	free(t);
	return NULL;
}

static int error_of(const struct transfer *t)
{
	long os_error = 0;

	switch (t->code) {
	case CURLE_OK: return 0;
	case CURLE_OPERATION_TIMEDOUT: return -ETIMEDOUT;
	case CURLE_COULDNT_RESOLVE_HOST:
	case CURLE_COULDNT_RESOLVE_PROXY: return -EHOSTUNREACH;
	case CURLE_COULDNT_CONNECT:
		(void)curl_easy_getinfo(t->easy, CURLINFO_OS_ERRNO, &os_error);
		return os_error == EHOSTUNREACH || os_error == ENETUNREACH ? -EHOSTUNREACH : -ECONNREFUSED;
	case CURLE_WRITE_ERROR: return t->too_long ? -EMSGSIZE : -ENOMEM;
	case CURLE_OUT_OF_MEMORY: return -ENOMEM;
	case CURLE_SEND_ERROR:
	case CURLE_RECV_ERROR:
	case CURLE_GOT_NOTHING:
	case CURLE_PARTIAL_FILE:
	case CURLE_HTTP2:
	case CURLE_HTTP2_STREAM:
	case CURLE_ABORTED_BY_CALLBACK: return -ECONNRESET;
	default: return -EPROTO;
	}
}

static void explain(const struct transfer *t, struct http_result *res)
{
	const char *text = t->error_text[0] ? t->error_text : curl_easy_strerror(t->code);
	if (t->code == CURLE_ABORTED_BY_CALLBACK)
		text = "connection closed before the answer";
	else if (res->error == -EMSGSIZE)
		text = "answer too long";
	(void)str_copy(res->error_text, sizeof(res->error_text), text);
}

static int64_t date_of(CURL *easy)
{
	struct curl_header *h;
	time_t at;

	if (curl_easy_header(easy, "date", 0, CURLH_HEADER, -1, &h) != CURLHE_OK)
		return 0;
	at = curl_getdate(h->value, NULL);
	return at > 0 ? (int64_t)at : 0;
}

static void fill_result(struct transfer *t, struct http_result *res)
{
	long status = 0, connections = 0, sent_bytes = 0;
	curl_off_t retry_after = 0, connect_us = 0, tls_us = 0;

	*res = (struct http_result){.error = error_of(t), .body = t->body ? t->body : "", .body_length = t->length};
	(void)curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
	(void)curl_easy_getinfo(t->easy, CURLINFO_RETRY_AFTER, &retry_after);
	(void)curl_easy_getinfo(t->easy, CURLINFO_NUM_CONNECTS, &connections);
	(void)curl_easy_getinfo(t->easy, CURLINFO_CONNECT_TIME_T, &connect_us);
	(void)curl_easy_getinfo(t->easy, CURLINFO_APPCONNECT_TIME_T, &tls_us);
	(void)curl_easy_getinfo(t->easy, CURLINFO_REQUEST_SIZE, &sent_bytes);
	loop_refresh_now(t->client->loop);
	res->total_us = loop_now_us(t->client->loop) - t->started_us;
	if (connections)
		res->connect_us = (uint64_t)(tls_us > connect_us ? tls_us : connect_us);
	if (res->error) {
		res->may_have_been_processed = sent_bytes > 0;
		res->body = "";
		res->body_length = 0;
		explain(t, res);
		return;
	}
	res->status = (unsigned)status;
	res->retry_after_s = (unsigned)(retry_after > 86400 ? 86400 : retry_after);
	res->date_s = date_of(t->easy);
}

/* Tell the owner and forget the transfer. */
static void transfer_finish(struct transfer *t)
{
	struct http_client *c = t->client;
	struct http_result res;
	curl_socket_t fd = CURL_SOCKET_BAD;

	fill_result(t, &res);
	if (curl_easy_getinfo(t->easy, CURLINFO_ACTIVESOCKET, &fd) != CURLE_OK)
		fd = CURL_SOCKET_BAD;
	keep_warm_opened(c->warm, t->origin, res.error ? -1 : fd);
	slotmap_remove(c->transfers, t->id); /* its id is no longer known to http_cancel() */
	t->id = 0;
	if (t->on_done)
		t->on_done(&res, t->arg);
	transfer_free(t);
}

static void deliver(struct http_client *c)
{
	if (c->delivering)
		return;
	c->delivering = true;
	while (c->collected) {
		struct transfer *t = c->collected;
		DL_DELETE(c->collected, t);
		t->collected = false;
		transfer_finish(t);
	}
	c->delivering = false;
}

static void collect(struct http_client *c)
{
	CURLMsg *m;
	int left;

	while ((m = curl_multi_info_read(c->multi, &left))) {
		struct transfer *t = NULL;
		if (m->msg != CURLMSG_DONE)
			continue;
		(void)curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &t);
		t->code = m->data.result;
		t->collected = true;
		loop_timer_cancel(&t->timer);
		DL_APPEND(c->collected, t);
	}
}

static void on_deliver(void *arg)
{
	deliver(arg);
}

static void deliver_later(struct http_client *c)
{
	if (c->collected && !c->delivering)
		(void)loop_timer_set(c->loop, &c->deliver_timer, loop_now_us(c->loop), on_deliver, c);
}

static void on_time_limit(void *arg)
{
	struct transfer *t = arg;
	t->code = CURLE_OPERATION_TIMEDOUT;
	(void)str_copy(t->error_text, sizeof(t->error_text), "no answer in time");
	t->collected = true;
	DL_APPEND(t->client->collected, t);
	deliver(t->client);
}

/* ---- curl's sockets and timer on the loop ---- */

static void curl_enter(struct http_client *c, curl_socket_t fd, int events)
{
	int running;
	(void)curl_multi_socket_action(c->multi, fd, events, &running);
	collect(c);
}

static void on_curl_timer(void *arg)
{
	struct http_client *c = arg;
	curl_enter(c, CURL_SOCKET_TIMEOUT, 0);
	deliver(c);
}

static int on_timer_change(CURLM *multi, long timeout_ms, void *arg)
{
	struct http_client *c = arg;
	(void)multi;
	if (timeout_ms < 0)
		loop_timer_cancel(&c->curl_timer);
	else
		(void)loop_timer_set(
			c->loop, &c->curl_timer, loop_now_us(c->loop) + (uint64_t)timeout_ms * 1000, on_curl_timer, c);
	return 0;
}

static void on_socket_ready(void *arg, int ready)
{
	struct socket_watch *w = arg;
	struct http_client *c = w->client;
	int events = (ready & LOOP_READ ? CURL_CSELECT_IN : 0) | (ready & LOOP_WRITE ? CURL_CSELECT_OUT : 0);
	curl_enter(c, w->fd, events); /* may free w */
	deliver(c);
}

static void socket_watch_free(struct socket_watch *w)
{
	loop_unwatch(w->watch);
	if (w->own_fd >= 0)
		close(w->own_fd);
	DL_DELETE(w->client->sockets, w);
	free(w);
}

/* Returns 0 even when out of memory: an error here would make the whole multi handle unusable, while an unwatched
 * transfer merely meets its time limit. */
static int on_socket_change(CURL *easy, curl_socket_t fd, int what, void *arg, void *socket_arg)
{
	struct http_client *c = arg;
	struct socket_watch *w = socket_arg;
	int events = (what != CURL_POLL_OUT ? LOOP_READ : 0) | (what != CURL_POLL_IN ? LOOP_WRITE : 0);

	(void)easy;
	if (what == CURL_POLL_REMOVE) {
		if (w)
			socket_watch_free(w);
		return 0;
	}
	if (!w) {
		w = calloc(1, sizeof(*w));
		if (!w)
			return 0;
		w->client = c;
		w->fd = fd;
		w->own_fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
		DL_APPEND(c->sockets, w);
		(void)curl_multi_assign(c->multi, fd, w);
	}
	if (w->watch)
		(void)loop_watch_change(w->watch, events);
	else if (w->own_fd >= 0)
		(void)loop_watch(c->loop, w->own_fd, events, on_socket_ready, w, &w->watch);
	return 0;
}

/* ---- making a request ---- */

/* "https://host:443": what a connection is kept for. Returns 0, -EINVAL or -ENOMEM. */
static int origin_of(const char *url, char **ret_origin)
{
	CURLU *u = curl_url();
	char *scheme = NULL, *host = NULL, *port = NULL;
	int r = -EINVAL;

	if (!u)
		return -ENOMEM;
	if (curl_url_set(u, CURLUPART_URL, url, 0) == CURLUE_OK &&
		curl_url_get(u, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK &&
		(str_equal(scheme, "http") || str_equal(scheme, "https")) &&
		curl_url_get(u, CURLUPART_HOST, &host, 0) == CURLUE_OK && host[0] &&
		curl_url_get(u, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT) == CURLUE_OK) {
		size_t size = strlen(scheme) + strlen(host) + strlen(port) + 5;
		*ret_origin = malloc(size);
		r = *ret_origin ? 0 : -ENOMEM;
		if (*ret_origin)
			(void)snprintf(*ret_origin, size, "%s://%s:%s", scheme, host, port);
	}
	curl_free(scheme);
	curl_free(host);
	curl_free(port);
	curl_url_cleanup(u);
	return r;
}

static int set_headers(struct transfer *t, const char *const *headers)
{
	static const char *const no_expect[] = {"Expect:", NULL}; /* a round trip for nothing */
	const char *const *lists[] = {no_expect, headers};

	for (size_t i = 0; i < 2; i++) {
		for (const char *const *h = lists[i]; h && *h; h++) {
			struct curl_slist *longer;
			if (strpbrk(*h, "\r\n"))
				return -EINVAL;
			longer = curl_slist_append(t->headers, *h);
			if (!longer)
				return -ENOMEM;
			t->headers = longer;
		}
	}
	return curl_easy_setopt(t->easy, CURLOPT_HTTPHEADER, t->headers) == CURLE_OK ? 0 : -ENOMEM;
}

static CURLcode set_method(struct transfer *t, const struct http_send *send)
{
	CURL *e = t->easy;
	CURLcode code = CURLE_OK;

	if (str_equal(send->method, "GET")) {
		t->may_repeat = true;
		return curl_easy_setopt(e, CURLOPT_HTTPGET, 1L);
	}
	if (str_equal(send->method, "HEAD")) {
		t->may_repeat = true;
		return curl_easy_setopt(e, CURLOPT_NOBODY, 1L);
	}
	if (send->body_length || str_equal(send->method, "POST")) {
		code = curl_easy_setopt(e, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)send->body_length);
		if (code == CURLE_OK)
			code = curl_easy_setopt(e, CURLOPT_COPYPOSTFIELDS, send->body_length ? send->body : "");
	}
	if (code == CURLE_OK && !str_equal(send->method, "POST"))
		code = curl_easy_setopt(e, CURLOPT_CUSTOMREQUEST, send->method);
	return code;
}

static CURLcode set_tls(struct http_client *c, CURL *e)
{
	CURLcode code = curl_easy_setopt(e, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	if (code == CURLE_OK && c->ca_file)
		code = curl_easy_setopt(e, CURLOPT_CAINFO, c->ca_file);
	/* curl reads the certificate bundle once (some 30 ms) instead of for each connection only when no CA folder is
	 * set as well. */
	if (code == CURLE_OK && (c->ca_file || curl_version_info(CURLVERSION_NOW)->cainfo))
		code = curl_easy_setopt(e, CURLOPT_CAPATH, NULL);
	return code;
}

static int set_options(struct transfer *t, const struct http_send *send)
{
	struct http_client *c = t->client;
	CURL *e = t->easy;
	CURLcode bad = CURLE_OK;
#define SET(option, value)                                                                                             \
	do {                                                                                                           \
		if (bad == CURLE_OK)                                                                                   \
			bad = curl_easy_setopt(e, option, value);                                                      \
	} while (0)
	SET(CURLOPT_PRIVATE, t);
	SET(CURLOPT_URL, send->url);
	SET(CURLOPT_PROTOCOLS_STR, "http,https");
	SET(CURLOPT_ERRORBUFFER, t->error_text);
	SET(CURLOPT_USERAGENT, c->user_agent);
	SET(CURLOPT_NOSIGNAL, 1L);
	SET(CURLOPT_NOPROGRESS, 1L);
	SET(CURLOPT_CONNECTTIMEOUT_MS, (long)c->conf.connect_timeout_ms);
	SET(CURLOPT_TCP_NODELAY, 1L);
	SET(CURLOPT_TCP_KEEPALIVE, 1L);
	SET(CURLOPT_TCP_KEEPIDLE, (long)TCP_KEEP_IDLE_S);
	SET(CURLOPT_TCP_KEEPINTVL, (long)TCP_KEEP_INTERVAL_S);
	SET(CURLOPT_MAXAGE_CONN, (long)IDLE_KEEP_S);
	SET(CURLOPT_SOCKOPTFUNCTION, on_socket_made);
	SET(CURLOPT_CLOSESOCKETFUNCTION, on_socket_close);
	SET(CURLOPT_CLOSESOCKETDATA, c);
	SET(CURLOPT_PREREQFUNCTION, on_before_request);
	SET(CURLOPT_PREREQDATA, t);
	SET(CURLOPT_WRITEFUNCTION, on_answer_bytes);
	SET(CURLOPT_WRITEDATA, t);
#undef SET
	if (bad == CURLE_OK)
		bad = set_tls(c, e);
	if (bad == CURLE_OK)
		bad = set_method(t, send);
	return bad == CURLE_OK ? set_headers(t, send->headers) : -ENOMEM;
}

static int transfer_new(struct http_client *c, const struct http_send *send, struct transfer **ret_t)
{
	struct transfer *t = calloc(1, sizeof(*t));
	int r = -ENOMEM;

	if (!t)
		return r;
	t->client = c;
	t->started_us = loop_now_us(c->loop);
	t->on_done = send->on_done;
	t->arg = send->arg;
	r = origin_of(send->url, &t->origin);
	if (r)
		goto fail;
	r = -ENOMEM;
	t->easy = curl_easy_init();
	if (!t->easy)
		goto fail;
	r = set_options(t, send);
	if (r)
		goto fail;
	r = -ENOMEM;
	t->id = slotmap_add(c->transfers, t);
	if (t->id && loop_timer_set(c->loop, &t->timer, t->started_us + (uint64_t)send->timeout_ms * 1000,
			     on_time_limit, t) == 0) {
		*ret_t = t;
		return 0;
	}
fail:
	transfer_free(t);
	return r;
}

int http_send(struct http_client *c, const struct http_send *send, uint64_t *ret_id)
{
	struct transfer *t;
	int r;

	if (!send->method || !send->url || !send->timeout_ms)
		return -EINVAL;
	r = transfer_new(c, send, &t);
	if (r)
		return r;
	if (curl_multi_add_handle(c->multi, t->easy) != CURLM_OK) {
		transfer_free(t);
		return -ENOMEM;
	}
	*ret_id = t->id;
	/* Write now rather than in the next turn of the loop. What finishes by it waits: on_done never runs in here. */
	curl_enter(c, CURL_SOCKET_TIMEOUT, 0);
	deliver_later(c);
	return 0;
}

void http_cancel(struct http_client *c, uint64_t id)
{
	transfer_free(slotmap_get(c->transfers, id));
}

/* ---- keeping a connection ---- */

static void open_warm(const char *url, void *arg)
{
	struct http_client *c = arg;
	struct http_send head = {.method = "HEAD", .url = url, .timeout_ms = WARM_TIMEOUT_MS};
	uint64_t id;
	char *origin = NULL;

	if (http_send(c, &head, &id) == 0)
		return;
	if (origin_of(url, &origin) == 0)
		keep_warm_opened(c->warm, origin, -1); /* later, then */
	free(origin);
}

int http_keep_warm(struct http_client *c, const char *url)
{
	char *origin = NULL;
	int r = origin_of(url, &origin);
	if (r == 0)
		r = keep_warm_add(c->warm, origin, url);
	free(origin);
	return r;
}

/* ---- entry points ---- */

static int multi_setup(struct http_client *c)
{
	CURLMcode bad = CURLM_OK;

	c->multi = curl_multi_init();
	if (!c->multi)
		return -ENOMEM;
#define SET(option, value)                                                                                             \
	do {                                                                                                           \
		if (bad == CURLM_OK)                                                                                   \
			bad = curl_multi_setopt(c->multi, option, value);                                              \
	} while (0)
	SET(CURLMOPT_SOCKETFUNCTION, on_socket_change);
	SET(CURLMOPT_SOCKETDATA, c);
	SET(CURLMOPT_TIMERFUNCTION, on_timer_change);
	SET(CURLMOPT_TIMERDATA, c);
	SET(CURLMOPT_MAX_HOST_CONNECTIONS, (long)c->conf.max_per_host);
	SET(CURLMOPT_MAXCONNECTS, (long)c->conf.max_per_host * 2);
#undef SET
	return bad == CURLM_OK ? 0 : -ENOMEM;
}

int http_client_new(struct loop *l, const struct http_client_conf *conf, struct http_client **ret_client)
{
	struct http_client *c;
	int r = -ENOMEM;

	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		return r;
	c = calloc(1, sizeof(*c));
	if (!c) {
		curl_global_cleanup();
		return r;
	}
	c->loop = l;
	c->conf = *conf;
	if (!c->conf.max_per_host)
		c->conf.max_per_host = DEFAULT_MAX_PER_HOST;
	if (!c->conf.connect_timeout_ms)
		c->conf.connect_timeout_ms = DEFAULT_CONNECT_TIMEOUT_MS;
	c->user_agent = strdup(conf->user_agent ? conf->user_agent : "watrunk/" WATRUNK_VERSION);
	c->ca_file = conf->ca_file ? strdup(conf->ca_file) : NULL;
	if (c->user_agent && !c->ca_file == !conf->ca_file)
		r = multi_setup(c);
	if (r == 0)
		r = slotmap_new(0, TRANSFERS_MAX, &c->transfers);
	if (r == 0)
		r = keep_warm_new(l, open_warm, c, &c->warm);
	if (r) {
		http_client_free(c);
		return r;
	}
	*ret_client = c;
	return 0;
}

struct http_client *http_client_free(struct http_client *c)
{
	struct transfer *t;
	size_t cursor = 0;

	if (!c)
		return NULL;
	ASSERT(!c->delivering);
	while (c->transfers && (t = slotmap_next(c->transfers, &cursor)))
		transfer_free(t);
	if (c->multi)
		(void)curl_multi_cleanup(c->multi); /* closes the kept connections: on_socket_close() */
	while (c->sockets)
		socket_watch_free(c->sockets);
	loop_timer_cancel(&c->curl_timer);
	loop_timer_cancel(&c->deliver_timer);
	keep_warm_free(c->warm);
	slotmap_free(c->transfers);
	free(c->user_agent);
	free(c->ca_file);
	free(c);
	curl_global_cleanup();
	return NULL;
}
