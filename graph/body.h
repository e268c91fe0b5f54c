/* graph/body.h
 *
 * The JSON of one call action (Meta: Calling API reference, POST /{phone_number_id}/calls). Inside this folder only.
 */
#ifndef GRAPH_BODY_H
#define GRAPH_BODY_H

#include "graph/graph.h"

/* *ret_body: terminated, the caller's to free(). Returns 0, -EINVAL (a part the verb needs is missing or too long, or
 * text that is not UTF-8) or -ENOMEM. */
int graph_body(const struct graph_request *request, char **ret_body);

#endif
