/* webhook/walk.h
 *
 * JSON tree of a delivery -> events. Inside this folder only.
 */
#ifndef WEBHOOK_WALK_H
#define WEBHOOK_WALK_H

#include "webhook/parse.h"

#include <jansson.h>

/* Where in the tree an event stands. */
struct webhook_place {
	const json_t *entry, *value;
	json_t *item;    /* of calls[], statuses[], messages[] or errors[]; NULL: the whole value */
	json_t *contact; /* the one of contacts[] that belongs to it, or NULL */
};

typedef void webhook_walk_fn(const struct wa_event *ev, const struct webhook_place *place, void *arg);

/* root: an object with an array "entry". Overwrites *ret_report. */
void webhook_walk(const json_t *root, size_t secret_index, webhook_walk_fn *fn, void *arg,
	struct webhook_parse_report *ret_report);

#endif
