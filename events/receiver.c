/* events/receiver.c -- see receiver.h */
#include "events/receiver.h"

#include "events/cloud_event.h"
#include "lib/base/counter.h"
#include "lib/base/str.h"
#include "lib/http/http_client.h"
#include "lib/loop/loop.h"
#include "store/outbox.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	IN_FLIGHT_MAX = 8,
	/* Rows on their way are due in the store's eyes, so that many more must be asked for. */
	DUE_LIMIT = 2 * IN_FLIGHT_MAX,
	STORE_RETRY_MS = 500,      /* the store is busy or cannot be read */
	LOOK_AGAIN_MS = 60 * 1000, /* at the latest: the wall clock, in which events are due, may be set */
};

enum slot_state { SLOT_FREE, SLOT_SENDING, SLOT_TELLING, SLOT_TOLD };
enum verdict { VERDICT_DELIVERED, VERDICT_RETRY, VERDICT_DEAD };

struct slot {
	struct receiver *receiver;
	enum slot_state state;
	enum verdict verdict;
	int64_t seq;
	unsigned attempts; /* before this one */
	uint64_t created_ms, next_ms;
	uint64_t request;
	char error[128];
};

/* A question to the store; outlives the receiver. */
struct question {
	struct receiver *receiver; /* NULL: it has gone */
};

struct receiver {
	struct loop *loop;
	struct http_client *http;
	struct store *store;
	const struct events_conf *conf;
	char *name, *url, *secret, *tenant; /* secret NULL: not signed */
	char **types;
	size_t type_count;
	struct slot slots[IN_FLIGHT_MAX];
	struct question *question; /* asked, not answered */
	bool ask_again;            /* something happened meanwhile */
	struct loop_timer pump_timer, tell_timer;
	bool faulty;             /* and on_fault() was told */
	unsigned failures;       /* pauses in a row; while not 0 one request at a time */
	uint64_t pause_until_us; /* monotonic */
};

/* ---- slots ---- */

static struct slot *slot_of(struct receiver *r, int64_t seq)
{
	for (size_t i = 0; i < IN_FLIGHT_MAX; i++) {
		if (r->slots[i].state != SLOT_FREE && r->slots[i].seq == seq)
			return &r->slots[i];
	}
	return NULL;
}

static struct slot *slot_free(struct receiver *r)
{
	for (size_t i = 0; i < IN_FLIGHT_MAX; i++) {
		if (r->slots[i].state == SLOT_FREE)
			return &r->slots[i];
	}
	return NULL;
}

size_t receiver_pending(const struct receiver *r)
{
	size_t n = 0;

	for (size_t i = 0; i < IN_FLIGHT_MAX; i++)
		n += r->slots[i].state == SLOT_SENDING;
	return n;
}

/* ---- telling the store ---- */

static void tell_store(struct receiver *r);

static void on_tell_timer(void *arg)
{
	tell_store(arg);
	receiver_pump(arg);
}

static int tell_one(struct receiver *r, const struct slot *s)
{
	switch (s->verdict) {
	case VERDICT_DELIVERED: return store_event_delivered(r->store, s->seq);
	case VERDICT_RETRY: return store_event_retry(r->store, s->seq, s->next_ms, s->error);
	case VERDICT_DEAD: return store_event_dead(r->store, s->seq, s->error);
	}
	return 0;
}

/* While a question is open its answer may still show the row as waiting: the slot remembers it until then. */
static void tell_store(struct receiver *r)
{
	bool refused = false;

	for (size_t i = 0; i < IN_FLIGHT_MAX; i++) {
		struct slot *s = &r->slots[i];
		if (s->state != SLOT_TELLING)
			continue;
		if (tell_one(r, s))
			refused = true;
		else
			s->state = r->question ? SLOT_TOLD : SLOT_FREE;
	}
	if (refused)
		(void)loop_timer_set(
			r->loop, &r->tell_timer, loop_now_us(r->loop) + STORE_RETRY_MS * 1000, on_tell_timer, r);
}

/* ---- answers ---- */

static unsigned backoff_ms(const struct receiver *r, unsigned failures)
{
	uint64_t ms = r->conf->retry_first_ms;

	while (failures-- && ms < r->conf->retry_max_ms)
		ms *= 2;
	return (unsigned)(ms < r->conf->retry_max_ms ? ms : r->conf->retry_max_ms);
}

/* RFC 9110 s15.5: the request is wrong and stays so; but 408, 409, 425 and 429 speak of the moment. */
static bool is_final(unsigned status)
{
	return status >= 400 && status < 500 && status != 408 && status != 409 && status != 425 && status != 429;
}

static void set_fault(struct receiver *r, const char *what)
{
	if (r->faulty == (what != NULL))
		return;
	r->faulty = what != NULL;
	if (r->conf->on_fault)
		r->conf->on_fault(r->name, what, r->conf->arg);
}

/* Several requests that fail together are one failure. */
static void pause_receiver(struct receiver *r, unsigned retry_after_s)
{
	uint64_t now = loop_now_us(r->loop), ms;

	if (now < r->pause_until_us)
		return;
	ms = backoff_ms(r, r->failures++);
	if ((uint64_t)retry_after_s * 1000 > ms)
		ms = (uint64_t)retry_after_s * 1000;
	if (ms > r->conf->retry_max_ms)
		ms = r->conf->retry_max_ms;
	r->pause_until_us = now + ms * 1000;
}

static void slot_delivered(struct receiver *r, struct slot *s)
{
	counter_inc(CNT_EVENTS_DELIVERED);
	s->verdict = VERDICT_DELIVERED;
	r->failures = 0;
	r->pause_until_us = 0;
	set_fault(r, NULL);
}

static void slot_failed(struct receiver *r, struct slot *s, const struct http_result *result)
{
	uint64_t now_ms = loop_wall_ms(r->loop), now_us = loop_now_us(r->loop);
	bool all_fail = result->error || result->status == 429 || result->status == 503;
	uint64_t wait_ms = backoff_ms(r, s->attempts);

	counter_inc(CNT_EVENTS_FAILED);
	if (result->error)
		str_copy(s->error, sizeof(s->error), result->error_text);
	else
		snprintf(s->error, sizeof(s->error), "HTTP %u", result->status);
	set_fault(r, s->error);
	if (all_fail) {
		pause_receiver(r, result->retry_after_s);
		wait_ms = r->pause_until_us > now_us ? (r->pause_until_us - now_us) / 1000 : 0;
	}
	s->next_ms = now_ms + wait_ms;
	s->verdict = VERDICT_RETRY;
	if ((!result->error && is_final(result->status)) ||
		now_ms >= s->created_ms + (uint64_t)r->conf->max_age_s * 1000)
		s->verdict = VERDICT_DEAD;
}

static void on_answer(const struct http_result *result, void *arg)
{
	struct slot *s = arg;
	struct receiver *r = s->receiver;

	s->state = SLOT_TELLING;
	if (!result->error && result->status >= 200 && result->status < 300)
		slot_delivered(r, s);
	else
		slot_failed(r, s, result);
	tell_store(r);
	receiver_pump(r);
}

/* ---- sending ---- */

static void send_event(struct receiver *r, struct slot *s, const struct outbox_event *e)
{
	char signature[CLOUD_EVENT_SIGNATURE_MAX], line[32 + CLOUD_EVENT_SIGNATURE_MAX];
	const char *headers[3] = {"Content-Type: application/cloudevents+json; charset=utf-8"};
	const struct http_send send = {
		.method = "POST",
		.url = r->url,
		.headers = headers,
		.body = e->body,
		.body_length = strlen(e->body),
		.timeout_ms = r->conf->timeout_ms,
		.on_done = on_answer,
		.arg = s,
	};
	int error;

	if (r->secret) {
		cloud_event_sign(r->secret, loop_wall_ms(r->loop) / 1000, e->body, send.body_length, signature);
		snprintf(line, sizeof(line), "X-Watrunk-Signature: %s", signature);
		headers[1] = line;
	}
	*s = (struct slot){.receiver = r,
		.state = SLOT_SENDING,
		.seq = e->seq,
		.attempts = e->attempts,
		.created_ms = e->created_ms};
	error = http_send(r->http, &send, &s->request);
	if (error) {
		struct http_result result = {.error = error};
		snprintf(result.error_text, sizeof(result.error_text), "%s",
			error == -EINVAL ? "not a URL that can be posted to" : strerror(-error));
		s->state = SLOT_TELLING;
		slot_failed(r, s, &result);
	}
}

/* While the receiver fails, one request asks whether it works again; what is too old meanwhile is given up unasked. */
static void take_due(struct receiver *r, const struct outbox_event *events, size_t count)
{
	uint64_t now_ms = loop_wall_ms(r->loop);
	struct slot *s;

	for (size_t i = 0; i < count && (s = slot_free(r)) != NULL; i++) {
		const struct outbox_event *e = &events[i];
		if (loop_now_us(r->loop) < r->pause_until_us)
			return;
		if (slot_of(r, e->seq))
			continue;
		if (r->failures && receiver_pending(r)) {
			if (now_ms < e->created_ms + (uint64_t)r->conf->max_age_s * 1000)
				continue;
			*s = (struct slot){
				.receiver = r, .state = SLOT_TELLING, .verdict = VERDICT_DEAD, .seq = e->seq};
			str_copy(s->error, sizeof(s->error), "too old; the receiver does not answer");
			continue;
		}
		send_event(r, s, e);
	}
}

/* ---- asking the store ---- */

static void on_pump_timer(void *arg)
{
	receiver_pump(arg);
}

static void pump_in(struct receiver *r, uint64_t ms)
{
	if (ms > LOOK_AGAIN_MS)
		ms = LOOK_AGAIN_MS;
	(void)loop_timer_set(r->loop, &r->pump_timer, loop_now_us(r->loop) + ms * 1000, on_pump_timer, r);
}

static void on_due(int status, const struct outbox_event *events, size_t count, uint64_t next_due_ms, void *arg)
{
	struct question *q = arg;
	struct receiver *r = q->receiver;
	uint64_t now_ms;

	free(q);
	if (!r)
		return;
	r->question = NULL;
	if (status == 0)
		take_due(r, events, count);
	for (size_t i = 0; i < IN_FLIGHT_MAX; i++) {
		if (r->slots[i].state == SLOT_TOLD)
			r->slots[i].state = SLOT_FREE;
	}
	tell_store(r);
	now_ms = loop_wall_ms(r->loop);
	if (status)
		pump_in(r, STORE_RETRY_MS);
	else if (r->ask_again)
		receiver_pump(r);
	else if (next_due_ms != UINT64_MAX)
		pump_in(r, next_due_ms > now_ms ? next_due_ms - now_ms : 1);
}

void receiver_pump(struct receiver *r)
{
	uint64_t now = loop_now_us(r->loop);

	if (r->question) {
		r->ask_again = true;
		return;
	}
	if (!slot_free(r) || (r->failures && receiver_pending(r)))
		return; /* an answer will come, and call again */
	if (now < r->pause_until_us) {
		pump_in(r, (r->pause_until_us - now + 999) / 1000);
		return;
	}
	r->ask_again = false;
	r->question = calloc(1, sizeof(*r->question));
	if (!r->question) {
		pump_in(r, STORE_RETRY_MS);
		return;
	}
	r->question->receiver = r;
	if (store_due_events(r->store, r->name, loop_wall_ms(r->loop), DUE_LIMIT, on_due, r->question)) {
		free(r->question);
		r->question = NULL;
		pump_in(r, STORE_RETRY_MS);
	}
}

void receiver_kick(struct receiver *r)
{
	r->pause_until_us = 0;
	receiver_pump(r);
}

/* ---- life ---- */

const char *receiver_name(const struct receiver *r)
{
	return r->name;
}

const char *receiver_tenant(const struct receiver *r)
{
	return r->tenant;
}

bool receiver_wants(const struct receiver *r, const char *tenant, const char *type)
{
	if (*r->tenant && strcmp(r->tenant, tenant) != 0)
		return false;
	for (size_t i = 0; i < r->type_count; i++) {
		if (events_type_matches(r->types[i], type))
			return true;
	}
	return r->type_count == 0;
}

static int copy_types(struct receiver *r, const struct events_receiver *from)
{
	r->types = calloc(from->type_count ? from->type_count : 1, sizeof(*r->types));
	if (!r->types)
		return -ENOMEM;
	for (; r->type_count < from->type_count; r->type_count++) {
		r->types[r->type_count] = strdup(from->types[r->type_count]);
		if (!r->types[r->type_count])
			return -ENOMEM;
	}
	return 0;
}

int receiver_new(struct loop *l, struct http_client *http, struct store *store, const struct events_conf *conf,
	const struct events_receiver *from, struct receiver **ret_receiver)
{
	struct receiver *r = calloc(1, sizeof(*r));

	if (!r)
		return -ENOMEM;
	r->loop = l;
	r->http = http;
	r->store = store;
	r->conf = conf;
	r->name = strdup(from->name);
	r->url = strdup(from->url);
	r->secret = from->secret ? strdup(from->secret) : NULL;
	r->tenant = strdup(from->tenant ? from->tenant : "");
	if (!r->name || !r->url || !r->tenant || (from->secret && !r->secret) || copy_types(r, from)) {
		receiver_free(r);
		return -ENOMEM;
	}
	*ret_receiver = r;
	return 0;
}

struct receiver *receiver_free(struct receiver *r)
{
	if (!r)
		return NULL;
	for (size_t i = 0; i < IN_FLIGHT_MAX; i++) {
		if (r->slots[i].state == SLOT_SENDING)
			http_cancel(r->http, r->slots[i].request);
	}
	if (r->question)
		r->question->receiver = NULL;
	loop_timer_cancel(&r->pump_timer);
	loop_timer_cancel(&r->tell_timer);
	for (size_t i = 0; i < r->type_count; i++)
		free(r->types[i]);
	free(r->types);
	free(r->name);
	free(r->url);
	free(r->secret);
	free(r->tenant);
	free(r);
	return NULL;
}
