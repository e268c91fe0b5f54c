/* graph/answer.h
 *
 * Reads one answer of the Graph API to a call action. Pure but for the JSON library's allocations. Inside this folder,
 * and its fuzz target.
 */
#ifndef GRAPH_ANSWER_H
#define GRAPH_ANSWER_H

#include "graph/error_table.h"
#include "graph/graph.h"

struct graph_answer {
	bool ok;                          /* the verb was performed */
	bool refused;                     /* plainly said no, if only by HTTP status or "success": false */
	bool transient;                   /* error.is_transient */
	enum graph_call_state call_state; /* of an error */
	int code, subcode;
	/* As in graph_result. Control characters and double quotes are replaced, so that they can stand in a log line;
	 * cut at whole characters. */
	char message[128], details[256], trace_id[48], call_id[257];
};

void graph_answer_read(
	enum graph_verb verb, unsigned http_status, const void *body, size_t length, struct graph_answer *ret_answer);

#endif
