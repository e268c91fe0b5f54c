/* events/events.c -- an event goes to the outbox, once for each receiver that wants it, and to the listeners */
#include "events/events.h"

#include "events/cloud_event.h"
#include "events/receiver.h"
#include "lib/base/crypto.h"
#include "lib/base/str.h"
#include "lib/loop/loop.h"
#include "store/outbox.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

enum { LISTENERS_MAX = 64, TIMEOUT_MS = 5000, MAX_AGE_S = 86400, RETRY_FIRST_MS = 1000, RETRY_MAX_MS = 300000 };

struct events_listener {
	struct events *events;
	void (*fn)(const char *id, const char *tenant, const char *type, const char *json, void *arg); /* NULL: has
													   unlistened */
	void *arg;
	struct events_listener *prev, *next;
};

struct events {
	struct loop *loop;
	struct store *store;
	struct events_conf conf; /* receivers: not kept */
	char *source;
	struct receiver **receivers;
	size_t receiver_count;
	struct events_listener *listeners;
	unsigned listener_count;
	unsigned emitting; /* depth: listeners are taken out when it is 0 again */
};

/* ---- listeners ---- */

struct events_listener *events_listen(struct events *e,
	void (*fn)(const char *id, const char *tenant, const char *type, const char *json, void *arg), void *arg)
{
	struct events_listener *l = e->listener_count < LISTENERS_MAX ? calloc(1, sizeof(*l)) : NULL;

	if (!l)
		return NULL;
	l->events = e;
	l->fn = fn;
	l->arg = arg;
	DL_PREPEND(e->listeners, l); /* an event being told now is not for it */
	e->listener_count++;
	return l;
}

static void sweep_listeners(struct events *e)
{
	struct events_listener *l, *next;

	DL_FOREACH_SAFE (e->listeners, l, next) {
		if (l->fn)
			continue;
		DL_DELETE(e->listeners, l);
		free(l);
	}
}

struct events_listener *events_unlisten(struct events_listener *l)
{
	struct events *e;

	if (!l)
		return NULL;
	e = l->events;
	l->fn = NULL;
	e->listener_count--;
	if (!e->emitting)
		sweep_listeners(e);
	return NULL;
}

static void tell_listeners(struct events *e, const char *tenant, const struct outbox_event *event)
{
	struct events_listener *l;

	e->emitting++;
	DL_FOREACH (e->listeners, l) {
		if (l->fn)
			l->fn(event->id, tenant, event->type, event->body, l->arg);
	}
	if (--e->emitting == 0)
		sweep_listeners(e);
}

/* ---- emitting ---- */

/* Begins with the time, so that ids sort as the events came. */
static void new_id(char *dst, size_t cap, uint64_t now_ms)
{
	snprintf(dst, cap, "ev-%012" PRIx64 "%016" PRIx64, now_ms & 0xffffffffffff, crypto_random_u64());
}

int events_emit(struct events *e, const char *tenant, const char *type, const char *subject,
	const struct event_field *fields, size_t count)
{
	struct outbox_event event = {.created_ms = loop_wall_ms(e->loop)};
	char body[OUTBOX_BODY_MAX + 1];
	struct cloud_event cloud = {
		.source = e->source,
		.id = event.id,
		.type = type,
		.subject = subject ? subject : "",
		.time_ms = event.created_ms,
		.fields = fields,
		.field_count = count,
	};

	new_id(event.id, sizeof(event.id), event.created_ms);
	if (str_copy(event.type, sizeof(event.type), type) || str_copy(event.subject, sizeof(event.subject), subject) ||
		cloud_event_write(&cloud, body, sizeof(body)))
		return -EINVAL;
	event.body = body;
	for (size_t i = 0; i < e->receiver_count; i++) {
		struct receiver *r = e->receivers[i];
		if (!receiver_wants(r, tenant, type))
			continue;
		str_copy(event.receiver, sizeof(event.receiver), receiver_name(r));
		(void)store_put_event(e->store, &event); /* what is lost there is counted there */
		receiver_pump(r);
	}
	tell_listeners(e, tenant, &event);
	return 0;
}

void events_kick(struct events *e)
{
	for (size_t i = 0; i < e->receiver_count; i++)
		receiver_kick(e->receivers[i]);
}

bool events_receiver_is_of(const struct events *e, const char *receiver, const char *tenant)
{
	for (size_t i = 0; *tenant && i < e->receiver_count; i++) {
		if (str_equal(receiver_name(e->receivers[i]), receiver))
			return str_equal(receiver_tenant(e->receivers[i]), tenant);
	}
	return !*tenant;
}

size_t events_pending(const struct events *e)
{
	size_t n = 0;

	for (size_t i = 0; i < e->receiver_count; i++)
		n += receiver_pending(e->receivers[i]);
	return n;
}

/* ---- life ---- */

static void take_conf(struct events *e, const struct events_conf *conf)
{
	e->conf = *conf;
	e->conf.receivers = NULL;
	e->conf.receiver_count = 0;
	e->conf.timeout_ms = conf->timeout_ms ? conf->timeout_ms : TIMEOUT_MS;
	e->conf.max_age_s = conf->max_age_s ? conf->max_age_s : MAX_AGE_S;
	e->conf.retry_first_ms = conf->retry_first_ms ? conf->retry_first_ms : RETRY_FIRST_MS;
	e->conf.retry_max_ms = conf->retry_max_ms ? conf->retry_max_ms : RETRY_MAX_MS;
}

int events_new(struct loop *l, struct http_client *http, struct store *store, const struct events_conf *conf,
	struct events **ret_events)
{
	struct events *e = calloc(1, sizeof(*e));
	int r = -ENOMEM;

	if (!e)
		return r;
	e->loop = l;
	e->store = store;
	take_conf(e, conf);
	e->source = strdup(conf->source);
	e->receivers = calloc(conf->receiver_count ? conf->receiver_count : 1, sizeof(struct receiver *));
	if (!e->source || !e->receivers)
		goto fail;
	for (; e->receiver_count < conf->receiver_count; e->receiver_count++) {
		r = receiver_new(l, http, store, &e->conf, &conf->receivers[e->receiver_count],
			&e->receivers[e->receiver_count]);
		if (r)
			goto fail;
	}
	for (size_t i = 0; i < e->receiver_count; i++)
		receiver_pump(e->receivers[i]);
	*ret_events = e;
	return 0;
fail:
	events_free(e);
	return r;
}

struct events *events_free(struct events *e)
{
	if (!e)
		return NULL;
	while (e->listeners) {
		struct events_listener *l = e->listeners;
		DL_DELETE(e->listeners, l);
		free(l);
	}
	for (size_t i = 0; i < e->receiver_count; i++)
		receiver_free(e->receivers[i]);
	free(e->receivers);
	free(e->source);
	free(e);
	return NULL;
}
