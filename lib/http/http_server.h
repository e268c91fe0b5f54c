/* lib/http/http_server.h
 *
 * HTTP/1.1 server on the control loop (libmicrohttpd with external epoll). Plain HTTP: TLS is the reverse proxy's.
 * Collects the whole body (bounded), then calls on_request once; the answer may be given inside it or later. Owner:
 * control thread.
 */
#ifndef LIB_HTTP_HTTP_SERVER_H
#define LIB_HTTP_HTTP_SERVER_H

#include "lib/base/addr.h"

#include <stddef.h>
#include <stdint.h>

struct loop;
struct http_server;
struct http_request;
struct http_stream;

struct http_server_conf {
	struct addr listen;       /* port 0: the system chooses, see http_server_addr() */
	size_t max_body_bytes;    /* longer: 413, on_request not called */
	unsigned max_connections; /* further ones are refused at accept */
	unsigned max_per_address; /* 0: no limit (behind a proxy all come from one address) */
	unsigned idle_timeout_s;  /* a silent connection is closed after it; a request must be complete within twice
				     that, however slowly it trickles */
	void (*on_request)(struct http_request *req, void *arg);
	void *arg;
};

/* Returns 0, -EADDRINUSE, -EACCES, -EINVAL, -ENOMEM. */
int http_server_new(struct loop *l, const struct http_server_conf *conf, struct http_server **ret_server);
void http_server_addr(const struct http_server *s, struct addr *ret_addr);
/* Requests not answered yet and streams are closed, without a call of their on_gone. Not from within a callback of this
 * server. Accepts NULL; always returns NULL. */
struct http_server *http_server_free(struct http_server *s);

/* All borrowed from the request, valid until it is answered. */
const char *http_request_method(const struct http_request *req);
const char *http_request_path(const struct http_request *req); /* decoded, without query */
const char *http_request_header(
	const struct http_request *req, const char *name); /* NULL when absent; case-insensitive */
const char *http_request_query(const struct http_request *req, const char *name); /* decoded; NULL when absent */
/* Name by name, as they stand there; until fn says false. */
void http_request_each_query(const struct http_request *req, bool (*fn)(const char *name, void *arg), void *arg);
const uint8_t *http_request_body(const struct http_request *req, size_t *ret_length); /* raw bytes as received */
const struct addr *http_request_peer(const struct http_request *req);

/* Answer exactly once; copies body. content_type NULL: text/plain. The request is gone afterwards. headers: extra
 * "Name: value" lines, NULL-terminated array or NULL. */
void http_reply(struct http_request *req, unsigned status, const char *content_type, const void *body, size_t length,
	const char *const *headers);
/* Not answering inside on_request() and later instead: ask to be told when the peer went away first, after which the
 * request must not be used. Call it inside on_request(). */
void http_request_on_gone(struct http_request *req, void (*fn)(void *arg), void *arg);
/* Call fn once when the answer's last byte went to the kernel, or the connection ended without it: for work that must
 * not delay the answer. Call it inside on_request(), before http_reply(). fn is also called by http_server_free() for
 * requests it closes. */
void http_request_on_done(struct http_request *req, void (*fn)(void *arg), void *arg);

/* ---- an answer that goes on (server-sent events) ---- */

/* Instead of http_reply(): status 200, and a body that grows by http_stream_write() until http_stream_end(). At most
 * buffer_bytes wait for a peer that reads slowly. on_gone: the peer went away; the stream is gone, too. Returns NULL
 * when out of memory: the request is still to be answered. */
struct http_stream *http_stream_begin(struct http_request *req, const char *content_type, const char *const *headers,
	size_t buffer_bytes, void (*on_gone)(void *arg), void *arg);
/* Never waits. Returns 0, or -ENOBUFS: the peer is too slow, the connection is closed (counted:
 * CNT_HTTP_STREAMS_CUT), the stream is gone without a call of on_gone. */
int http_stream_write(struct http_stream *st, const void *bytes, size_t length);
/* What is written still goes out. The stream is gone. */
void http_stream_end(struct http_stream *st);

#endif
