/* graph/body.h
 *
 * The JSON of one call action (Meta: Calling API reference, POST /{phone_number_id}/calls). Inside this folder only.
 */
#ifndef GRAPH_BODY_H
#define GRAPH_BODY_H

#include "graph/graph.h"

#include <jansson.h>

/* *ret_body: terminated, the caller's to free(). Returns 0, -EINVAL (a part the verb needs is missing or too long, or
 * text that is not UTF-8) or -ENOMEM. */
int graph_body(const struct graph_request *request, char **ret_body);

/* As Meta writes numbers: "+44 7700-900123" -> "447700900123". Returns 0, -EINVAL or -ENAMETOOLONG. */
enum { GRAPH_NUMBER_CAP = 32 };
int graph_wa_number(const char *text, char dst[GRAPH_NUMBER_CAP]);
/* Adds nothing for NULL or "". Text that is not UTF-8, or no memory: -1. */
int graph_body_add(json_t *object, const char *name, const char *text);
bool graph_is_utf8(const char *text); /* NULL is */

#endif
