/* webhook/walk.h
 *
 * JSON tree of a delivery -> events. Inside this folder only.
 */
#ifndef WEBHOOK_WALK_H
#define WEBHOOK_WALK_H

#include "webhook/parse.h"

#include <jansson.h>

/* root: an object with an array "entry". Overwrites *ret_report. */
void webhook_walk(const json_t *root, void (*fn)(const struct wa_event *ev, void *arg), void *arg,
	struct webhook_parse_report *ret_report);

#endif
