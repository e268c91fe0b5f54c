/* graph/answer.h
 *
 * An HTTP answer of the Graph API -> graph_result. Pure but for the JSON library's allocations. Internal to graph/.
 */
#ifndef GRAPH_ANSWER_H
#define GRAPH_ANSWER_H

#include "graph/graph.h"

/* Fills in outcome, code, subcode, message, details, trace_id and call_id. attempt: 1 is the first; an accept that had
 * to be repeated and is then told "already accepted" has done its work. */
void graph_answer_read(enum graph_verb verb, unsigned http_status, const char *body, size_t length, unsigned attempt,
	struct graph_result *result);

#endif
