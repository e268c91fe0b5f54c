/* lib/http/server_stream.c
 *
 * An answer that goes on. MHD asks for bytes when the socket takes some; when there are none the connection is
 * suspended until the next write:
 *
 *   begin --> RUNNING --nothing to send--> suspended --write--> RUNNING ...
 *                |
 *                +-- end: the rest goes out, END_OF_STREAM      peer gone, or too slow: cut
 *
 * The stream's memory belongs to its request, and goes with it.
 */
#include "lib/http/server_internal.h"

#include "lib/base/assert.h"
#include "lib/base/counter.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK_BYTES = 4096 }; /* MHD's buffer for one chunk */

struct http_stream {
	struct http_request *req;
	void (*on_gone)(void *arg);
	void *arg;
	bool over; /* ended, cut or gone: its owner has let go of it */
	size_t cap, length;
	char buffer[]; /* length bytes wait */
};

static void on_peer_gone(void *arg)
{
	struct http_stream *st = arg;

	if (st->over)
		return;
	st->over = true;
	st->on_gone(st->arg);
}

static ssize_t give_bytes(void *arg, uint64_t position, char *dst, size_t cap)
{
	struct http_stream *st = arg;
	size_t n = st->length < cap ? st->length : cap;

	(void)position;
	if (st->req->abort)
		return MHD_CONTENT_READER_END_WITH_ERROR;
	if (n) {
		memcpy(dst, st->buffer, n);
		memmove(st->buffer, st->buffer + n, st->length - n);
		st->length -= n;
		return (ssize_t)n;
	}
	if (st->over)
		return MHD_CONTENT_READER_END_OF_STREAM;
	st->req->on_gone = on_peer_gone;
	st->req->gone_arg = st;
	request_suspend(st->req);
	return 0;
}

struct http_stream *http_stream_begin(struct http_request *req, const char *content_type, const char *const *headers,
	size_t buffer_bytes, void (*on_gone)(void *arg), void *arg)
{
	struct http_stream *st = calloc(1, sizeof(*st) + buffer_bytes);
	struct MHD_Response *response;

	if (!st)
		return NULL;
	response = MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, BLOCK_BYTES, give_bytes, st, NULL);
	if (!response) {
		free(st);
		return NULL;
	}
	st->req = req;
	st->on_gone = on_gone;
	st->arg = arg;
	st->cap = buffer_bytes;
	req->stream = st;
	request_give_response(req, MHD_HTTP_OK, response, content_type, headers);
	return st;
}

int http_stream_write(struct http_stream *st, const void *bytes, size_t length)
{
	ASSERT(!st->over);
	if (length > st->cap - st->length) {
		counter_inc(CNT_HTTP_STREAMS_CUT);
		st->over = true;
		request_cut(st->req);
		return -ENOBUFS;
	}
	memcpy(st->buffer + st->length, bytes, length);
	st->length += length;
	if (st->req->suspended)
		request_resume(st->req);
	return 0;
}

void http_stream_end(struct http_stream *st)
{
	ASSERT(!st->over);
	st->over = true;
	if (st->req->suspended)
		request_resume(st->req);
}

void stream_over(struct http_stream *st, bool tell)
{
	if (st && tell)
		on_peer_gone(st);
	free(st);
}
