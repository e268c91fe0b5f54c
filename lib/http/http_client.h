/* lib/http/http_client.h
 *
 * HTTP client on the control loop (curl multi by sockets): keep-alive connections that stay warm, bounded answers, time
 * limits. Owner: control thread. Follows no redirects; verifies TLS peers; proxies only by environment.
 */
#ifndef LIB_HTTP_HTTP_CLIENT_H
#define LIB_HTTP_HTTP_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct loop;
struct http_client;

struct http_client_conf {
	unsigned max_per_host;       /* connections kept or opened to one host, further requests wait in order; 0: 64 */
	unsigned connect_timeout_ms; /* 0: 3000 */
	const char *user_agent;      /* NULL: "watrunk/VERSION" */
	const char *ca_file;         /* NULL: the system's */
};

struct http_result {
	int error; /* 0, or -ETIMEDOUT, -ECONNREFUSED, -ECONNRESET, -EHOSTUNREACH (name not resolved), -EPROTO (TLS,
		      HTTP), -EMSGSIZE, -ECANCELED */
	char error_text[160]; /* for people, "" when error is 0 */
	unsigned status;      /* HTTP status, 0 when error */
	const char *body;     /* terminated, borrowed for the callback */
	size_t body_length;
	int64_t date_s;                /* Date, Unix time; 0 when absent */
	unsigned retry_after_s;        /* Retry-After in seconds, 0 when absent */
	uint64_t connect_us, total_us; /* connect_us is 0 on a warm connection */
	bool may_have_been_processed;  /* error came after the request went out: the server may have acted */
};

struct http_send {
	const char *method; /* "GET", "POST" ... */
	const char *url;
	const char *const *headers; /* "Name: value", NULL-terminated array, or NULL */
	const void *body;           /* copied */
	size_t body_length;
	unsigned timeout_ms; /* whole exchange */
	void (*on_done)(const struct http_result *result,
		void *arg); /* called once unless cancelled or the client is freed; never from within http_send() */
	void *arg;
};

int http_client_new(struct loop *l, const struct http_client_conf *conf, struct http_client **ret_client);
/* Returns 0 with *ret_id (for http_cancel), or -EINVAL (URL), -ENOMEM. On a warm connection the request is written
 * before this returns. Only GET and HEAD are sent again when a kept connection turns out to be dead; other methods
 * report -ECONNRESET, the caller decides. */
int http_send(struct http_client *c, const struct http_send *send, uint64_t *ret_id);
/* on_done will not be called. Unknown ids are ignored. */
void http_cancel(struct http_client *c, uint64_t id);
/* Open a connection to this URL's host ahead of need and keep one warm (TCP keep-alive; reopened in the background when
 * the server closes it, at most every few seconds). Repeating it for a host changes nothing. */
int http_keep_warm(struct http_client *c, const char *url);
/* Drops what is under way, without a call of on_done. Not from within on_done. Accepts NULL; always returns NULL. */
struct http_client *http_client_free(struct http_client *c);

#endif
