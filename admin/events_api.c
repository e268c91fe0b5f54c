/* admin/events_api.c
 *
 * What happens, as it happens: server-sent events (WHATWG HTML s9.2). Nothing is kept for a client that was away, so
 * Last-Event-ID brings nothing back; who must not miss an event configures a receiver. And what receivers did not take:
 * dead events, to look at and to revive.
 */
#include "admin/admin_internal.h"

#include "admin/admin_json.h"
#include "events/events.h"
#include "lib/base/crypto.h"
#include "lib/base/str.h"
#include "lib/http/http_server.h"
#include "store/outbox.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

enum {
	STREAMS_MAX = 32,
	STREAM_BUFFER_BYTES = 256 * 1024, /* sixteen of the longest events */
	HEARTBEAT_MS = 15000,             /* WHATWG HTML s9.2.7: a comment "every 15 seconds or so" */
	PATTERNS_MAX = 16,
	DEAD_LIMIT_DEFAULT = 100,
	DEAD_LIMIT_MAX = 100,
};

/* ---- streams ---- */

struct event_stream {
	struct admin *admin;
	struct asker asker;
	struct http_stream *http;
	struct events_listener *listener;
	char patterns[256]; /* separated by NUL */
	size_t pattern_count;
	struct event_stream *prev, *next;
};

static void stream_forget(struct event_stream *st)
{
	struct admin *a = st->admin;

	events_unlisten(st->listener);
	DL_DELETE(a->streams, st);
	a->stream_count--;
	if (!a->streams)
		loop_timer_cancel(&a->heartbeat);
	free(st);
}

static void on_stream_gone(void *arg)
{
	stream_forget(arg);
}

static bool stream_wants(const struct event_stream *st, const char *type)
{
	const char *pattern = st->patterns;

	for (size_t i = 0; i < st->pattern_count; i++, pattern += strlen(pattern) + 1) {
		if (events_type_matches(pattern, type))
			return true;
	}
	return st->pattern_count == 0;
}

static void on_event(const char *id, const char *tenant, const char *type, const char *json, void *arg)
{
	struct event_stream *st = arg;
	char frame[OUTBOX_BODY_MAX + 256];
	int n;

	if ((*st->asker.tenant && strcmp(st->asker.tenant, tenant) != 0) || !stream_wants(st, type))
		return;
	n = snprintf(frame, sizeof(frame), "id: %s\nevent: com.watrunk.%s\ndata: %s\n\n", id, type, json);
	if (n < 0 || (size_t)n >= sizeof(frame))
		return; /* never: an event fits the outbox */
	if (http_stream_write(st->http, frame, (size_t)n))
		stream_forget(st);
}

/* Proxies and clients see that the connection lives; we see when it does not. */
static void on_heartbeat(void *arg)
{
	struct admin *a = arg;
	struct event_stream *st, *next;

	DL_FOREACH_SAFE (a->streams, st, next) {
		if (http_stream_write(st->http, ": alive\n\n", 9))
			stream_forget(st);
	}
	if (a->streams)
		(void)loop_timer_set(a->loop, &a->heartbeat, loop_now_us(a->loop) + (uint64_t)a->heartbeat_ms * 1000,
			on_heartbeat, a);
}

static int read_patterns(struct event_stream *st, const char *types)
{
	size_t used = 0;

	while (types && *types) {
		size_t n = strcspn(types, ",");
		if (n == 0 || st->pattern_count == PATTERNS_MAX ||
			str_copy_n(st->patterns + used, sizeof(st->patterns) - used, types, n))
			return -EINVAL;
		used += n + 1;
		st->pattern_count++;
		types += n + (types[n] == ',');
	}
	return 0;
}

/* The reply is answered by what goes on: begin, and let go of it. */
static int stream_begin(struct api_reply *r, struct event_stream *st)
{
	static const char *const headers[] = {"Cache-Control: no-store", "X-Accel-Buffering: no", NULL};
	static const char first[] = "retry: 2000\n: what happens from now on\n\n";
	struct admin *a = r->admin;

	st->admin = a;
	st->asker = r->asker;
	st->listener = events_listen(a->events, on_event, st);
	if (!st->listener)
		return -ENOMEM;
	st->http = http_stream_begin(r->req, "text/event-stream", headers, STREAM_BUFFER_BYTES, on_stream_gone, st);
	if (!st->http) {
		events_unlisten(st->listener);
		return -ENOMEM;
	}
	reply_answered(r);
	DL_APPEND(a->streams, st);
	a->stream_count++;
	(void)http_stream_write(st->http, first, sizeof(first) - 1); /* fits */
	if (!a->heartbeat_ms)
		a->heartbeat_ms = HEARTBEAT_MS;
	if (!a->heartbeat.loop)
		(void)loop_timer_set(a->loop, &a->heartbeat, loop_now_us(a->loop) + (uint64_t)a->heartbeat_ms * 1000,
			on_heartbeat, a);
	return 0;
}

void get_events(struct api_reply *r)
{
	struct event_stream *st;

	if (!r->admin->events) {
		reply_problem(r, API_NOT_OFFERED, NULL);
		return;
	}
	st = r->admin->stream_count < STREAMS_MAX ? calloc(1, sizeof(*st)) : NULL;
	if (!st) {
		reply_problem(r, API_BUSY, "too many event streams");
	} else if (read_patterns(st, reply_query(r, "types"))) {
		free(st);
		reply_problem(r, API_BAD_REQUEST, "types: at most 16, separated by commas");
	} else if (stream_begin(r, st)) {
		free(st);
		reply_problem(r, API_BUSY, "too many event streams");
	}
}

static bool is_valid(const struct admin *a, const struct asker *asker)
{
	for (size_t i = 0; *asker->tenant && i < a->token_count; i++) {
		if (strcmp(a->tokens[i].tenant, asker->tenant) == 0 &&
			crypto_equal(a->tokens[i].digest, asker->token, sizeof(asker->token)))
			return true;
	}
	return !*asker->tenant;
}

void events_api_check(struct admin *a)
{
	struct event_stream *st, *next;

	DL_FOREACH_SAFE (a->streams, st, next) {
		if (is_valid(a, &st->asker))
			continue;
		http_stream_end(st->http);
		stream_forget(st);
	}
}

void events_api_close(struct admin *a)
{
	while (a->streams)
		stream_forget(a->streams);
	loop_timer_cancel(&a->heartbeat);
}

/* ---- what receivers did not take ---- */

struct revive {
	const char *receiver;
	int64_t seq;
};
static const struct body_field revive_fields[] = {
	{"receiver", BODY_TEXT, offsetof(struct revive, receiver), 1, 63, .required = true},
	{"seq", BODY_INT64, offsetof(struct revive, seq)},
};
const struct body_schema revive_body = {
	revive_fields, sizeof(revive_fields) / sizeof(revive_fields[0]), sizeof(struct revive)};

static json_t *dead_json(const struct outbox_event *e)
{
	json_t *event = json_loads(e->body, 0, NULL);

	return json_pack("{s:I, s:o, s:s, s:s, s:I, s:i, s:o, s:o}", "seq", (json_int_t)e->seq, "receiver",
		admin_json_text(e->receiver), "id", e->id, "type", e->type, "created_ms", (json_int_t)e->created_ms,
		"attempts", (int)e->attempts, "error", admin_json_text(e->error), "event", event ? event : json_null());
}

static void on_dead(int status, const struct outbox_event *events, size_t count, uint64_t next_due_ms, void *arg)
{
	struct api_reply *r = arg;
	json_t *list;
	bool incomplete = false;

	(void)next_due_ms;
	if (status) {
		reply_problem(r, API_BUSY, "the outbox cannot be read");
		return;
	}
	list = json_array();
	for (size_t i = 0; i < count; i++)
		incomplete |= json_array_append_new(list, dead_json(&events[i])) != 0;
	reply_list(r, "events", list, incomplete);
}

void get_dead_events(struct api_reply *r)
{
	const char *receiver = reply_query(r, "receiver");
	uint64_t limit;

	if (!r->admin->events)
		reply_problem(r, API_NOT_OFFERED, NULL);
	else if (!receiver || !*receiver)
		reply_problem(r, API_BAD_REQUEST, "receiver: whose? its name in the configuration");
	else if (reply_query_uint(r, "limit", DEAD_LIMIT_MAX, &limit))
		reply_problem(r, API_BAD_REQUEST, "limit: 1 to 1000");
	else if (!events_receiver_is_of(r->admin->events, receiver, api_tenant(r)))
		reply_list(r, "events", json_array(), false); /* as of a receiver that nobody knows */
	else if (store_dead_events(r->admin->store, receiver, limit ? (unsigned)limit : DEAD_LIMIT_DEFAULT, on_dead, r))
		reply_problem(r, API_BUSY, "the store is busy");
}

static void on_revived(int status, size_t count, void *arg)
{
	struct api_reply *r = arg;

	if (status) {
		reply_problem(r, API_BUSY, "the outbox cannot be written");
		return;
	}
	if (r->admin && r->admin->events)
		events_kick(r->admin->events);
	reply_ok(r, json_pack("{s:I}", "revived", (json_int_t)count));
}

void post_revive(struct api_reply *r)
{
	struct revive revive;
	struct body body;

	if (!reply_read_body(r, &body, &revive))
		return;
	if (!r->admin->events)
		reply_problem(r, API_NOT_OFFERED, NULL);
	else if (!events_receiver_is_of(r->admin->events, revive.receiver, api_tenant(r)))
		reply_ok(r, json_pack("{s:i}", "revived", 0));
	else if (store_revive_events(r->admin->store, revive.receiver, revive.seq, on_revived, r))
		reply_problem(r, API_BUSY, "the store is busy");
	body_done(&body);
}
