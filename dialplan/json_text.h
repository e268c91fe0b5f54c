/* dialplan/json_text.h
 *
 * Inside dialplan: JSON from a stranger, made safe for the configuration's YAML reader.
 *
 * JSON is nearly YAML, and what is between the two is where surprises live: anchors, tags, several documents,
 * unquoted text, surrogate pairs. So the text is first held against JSON's own grammar (RFC 8259), whole and strictly,
 * and written anew: nothing that only YAML knows can be in it.
 */
#ifndef DIALPLAN_JSON_TEXT_H
#define DIALPLAN_JSON_TEXT_H

#include "lib/base/arena.h"

#include <stddef.h>

enum {
	JSON_TEXT_DEPTH_MAX = 12,
	JSON_TEXT_VALUES_MAX = 256, /* bounds what the checks after it cost, whatever the length */
	JSON_TEXT_KEY_MAX_BYTES = 64,
	JSON_TEXT_STRING_MAX_BYTES = 20000, /* the longest text that means something has 4096 characters */
};

/* One object. Members whose value is null are left out, as if they were not there. The result is in the arena. Returns
 * 0, -EBADMSG (why[cap]: what, and at which byte) or -ENOMEM. */
int json_text_read(const char *json, size_t length, struct arena *arena, const char **ret_text, size_t *ret_length,
	char *why, size_t cap);

#endif
