/* graph/answer.h
 *
 * Reads one answer of the Graph API: errors of all kinds, and what a call action gives. Pure but for the JSON library's
 * allocations. Inside this folder, and its fuzz target.
 */
#ifndef GRAPH_ANSWER_H
#define GRAPH_ANSWER_H

#include "graph/error_table.h"
#include "graph/graph.h"

#include <jansson.h>

struct graph_answer {
	bool ok;                          /* it was done */
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
/* Fills in what an answer says that is not a success: an error in it, or an HTTP status. False, with nothing but zeros:
 * a success by these. root may be NULL (not JSON). */
bool graph_answer_is_error(const json_t *root, unsigned http_status, struct graph_answer *ret_answer);
/* Of an answer that is not ok: may repeating it help, if only later? */
enum graph_outcome graph_answer_outcome(const struct graph_answer *a);
/* A text of Meta's, cut and cleaned as those of graph_answer. src may be NULL. */
void graph_answer_copy_text(char *dst, size_t cap, const char *src);

#endif
