/* lib/http/server_internal.h
 *
 * What the server's files share: a request, and how it waits.
 */
#ifndef LIB_HTTP_SERVER_INTERNAL_H
#define LIB_HTTP_SERVER_INTERNAL_H

#include "lib/http/http_server.h"

#include <microhttpd.h>
#include <stdbool.h>

struct connection;

struct http_request {
	struct http_server *server;
	struct MHD_Connection *mhd;
	struct connection *connection;
	const char *method, *path;
	struct addr peer;
	uint8_t *body;
	size_t length, cap;
	size_t swallowed;
	bool too_long;
	bool suspended, handed_over; /* handed_over: on_request() was called */
	bool answered, abort;
	unsigned status;
	struct MHD_Response *response;
	struct http_stream *stream; /* NULL: an answer of one piece */
	void (*on_gone)(void *arg);
	void *gone_arg;
	void (*on_done)(void *arg);
	void *done_arg;
	struct http_request *prev, *next; /* while suspended */
};

/* MHD leaves the connection alone until request_resume(); on_gone, where set, is called when the peer goes first. */
void request_suspend(struct http_request *req);
void request_resume(struct http_request *req);
/* Make MHD notice that this connection is over. */
void request_cut(struct http_request *req);
/* Answer with this response, which the request takes over. */
void request_give_response(struct http_request *req, unsigned status, struct MHD_Response *response,
	const char *content_type, const char *const *headers);

/* The request is over; tell: the peer ended it. Accepts NULL. */
void stream_over(struct http_stream *st, bool tell);

#endif
