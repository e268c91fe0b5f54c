/* events/cloud_event.h
 *
 * One event as CloudEvents 1.0 JSON (structured mode), and the signature of a delivery. Pure. Internal to events/.
 */
#ifndef EVENTS_CLOUD_EVENT_H
#define EVENTS_CLOUD_EVENT_H

#include "events/events.h"

enum {
	CLOUD_EVENT_TIME_MAX = 32,     /* "2026-11-21T07:05:51.123Z" */
	CLOUD_EVENT_SIGNATURE_MAX = 96 /* "t=SECONDS,v1=HEX" */
};

struct cloud_event {
	const char *source, *id, *type, *subject; /* type without prefix; subject "": none */
	uint64_t time_ms;
	const struct event_field *fields;
	size_t field_count;
};

/* Bytes that are not UTF-8 become U+FFFD. Returns 0, or -EINVAL when it does not fit. */
int cloud_event_write(const struct cloud_event *e, char *dst, size_t cap);
/* RFC 3339, UTC, milliseconds. */
const char *cloud_event_time(uint64_t ms, char dst[CLOUD_EVENT_TIME_MAX]);
/* Value of X-Watrunk-Signature: HMAC-SHA-256 over "SECONDS.BODY". */
void cloud_event_sign(
	const char *secret, uint64_t unix_s, const char *body, size_t length, char dst[CLOUD_EVENT_SIGNATURE_MAX]);

#endif
