/* webhook/parse.h
 *
 * JSON of one delivery -> events, in the order they stand in it. Pure but for the JSON library's allocations.
 */
#ifndef WEBHOOK_PARSE_H
#define WEBHOOK_PARSE_H

#include "webhook/wa_event.h"

struct webhook_parse_report {
	size_t events;  /* handed to fn */
	size_t unknown; /* of them WA_EVENT_OTHER */
	size_t skipped; /* items without the fields they cannot do without */
	char what[128]; /* first fault, naming the field ("entry[0].changes[1].value.calls[0].id: missing"), "" when
			   none */
};

/* Returns 0 (even when items were skipped: see the report), -EBADMSG (not JSON, or not Meta's envelope), -ENOMEM. */
int webhook_parse(const void *body, size_t length, void (*fn)(const struct wa_event *ev, void *arg), void *arg,
	struct webhook_parse_report *ret_report);

#endif
