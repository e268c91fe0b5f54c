/* events/events.h
 *
 * What happened, told to the world: CloudEvents 1.0 (structured mode, application/cloudevents+json) posted to every
 * configured receiver, and given to those who listen on the API (server-sent events). At least once, in order for each
 * subject; store/outbox.h keeps what is not delivered. A receiver that fails is asked again after 1 s, 2 s, 4 s ... up
 * to 5 min, for max_age_s; then its event is dead (and can be revived). 410 Gone and other 4xx but 408, 409, 425, 429
 * are dead at once. At most 8 requests to a receiver at a time, one for a subject.
 *
 * Signature: X-Watrunk-Signature: t=UNIX_SECONDS,v1=HEX, HMAC-SHA-256 over "SECONDS.BODY" with the receiver's secret.
 * Owner: control thread.
 */
#ifndef EVENTS_EVENTS_H
#define EVENTS_EVENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct loop;
struct http_client;
struct store;
struct events;

struct events_receiver {
	const char *name, *url, *secret; /* secret NULL: not signed */
	const char *const *types;        /* "call.*", "permission.granted"; count 0: all */
	size_t type_count;
	const char *tenant; /* whose events it is told; NULL or "": everybody's */
};

struct events_conf {
	const char *source;                      /* CloudEvents source, "watrunk/" + sip domain */
	const struct events_receiver *receivers; /* copied */
	size_t receiver_count;
	unsigned timeout_ms;                   /* of one request; 0: 5000 */
	unsigned max_age_s;                    /* 0: 86400 */
	unsigned retry_first_ms, retry_max_ms; /* 0: 1000, 300000 */
	void (*on_fault)(const char *receiver, const char *what,
		void *arg); /* begins to fail (what), works again (NULL): one log line */
	void *arg;
};

/* Starts with what a previous run left in the outbox. */
int events_new(struct loop *l, struct http_client *http, struct store *store, const struct events_conf *conf,
	struct events **ret_events);
/* After its listeners' owners, before http_client_free() and store_close(). What is on its way stays in the outbox.
 * Accepts NULL; returns NULL. */
struct events *events_free(struct events *e);

/* A value of an event's data. */
enum event_field_kind {
	FIELD_TEXT,
	FIELD_INT,
	FIELD_BOOL,
	FIELD_HUNDREDTHS, /* of number; below 0: not measured, the field is left out */
	FIELD_TIME_MS,    /* milliseconds since 1970, told as RFC 3339; 0: left out */
};
struct event_field {
	const char *name;
	enum event_field_kind kind;
	const char *text; /* NULL or "": the field is left out */
	int64_t number;
};

/* tenant: whose it is, "": the operator's alone; receivers and listeners that are another's are not told. type without
 * prefix: "call.answered"; becomes "com.watrunk.call.answered". subject: call id or user. Returns 0,
 * -EINVAL (does not fit OUTBOX_BODY_MAX) or -ENOMEM. */
int events_emit(struct events *e, const char *tenant, const char *type, const char *subject,
	const struct event_field *fields, size_t count);

/* Listeners, for server-sent events: fn for every event from now on, from within events_emit(). json: the CloudEvent,
 * borrowed. Returns a handle, NULL out of memory or too many (64). */
struct events_listener;
struct events_listener *events_listen(struct events *e,
	void (*fn)(const char *id, const char *tenant, const char *type, const char *json, void *arg), void *arg);
struct events_listener *events_unlisten(struct events_listener *l);

/* Does a receiver's pattern take this type? "call.*" takes what begins with "call.", "*" takes all. */
bool events_type_matches(const char *pattern, const char *type);

/* After dead events were revived, or a receiver was repaired: try all receivers now, whatever they are waiting for. */
void events_kick(struct events *e);

/* Is it this tenant's receiver? "" asks for the operator, whose all names are, known or not. */
bool events_receiver_is_of(const struct events *e, const char *receiver, const char *tenant);

size_t events_pending(const struct events *e); /* requests on their way */

#endif
