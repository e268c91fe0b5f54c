/* graph/messages_internal.h
 *
 * Writing and reading the JSON of messages.h; pure but for the JSON library's allocations. For this folder and its
 * tests.
 */
#ifndef GRAPH_MESSAGES_INTERNAL_H
#define GRAPH_MESSAGES_INTERNAL_H

#include "graph/answer.h"
#include "graph/messages.h"

enum { GRAPH_BSUID_MAX = 128 };

/* *ret_body: terminated, the caller's to free(). Returns as graph_send_message(). */
int graph_message_body(const struct graph_message *m, char **ret_body);
/* "call_permissions?user_wa_id=447700900123" or "...?recipient=GB.100", the caller's to free(). Returns as
 * graph_ask_permission(). */
int graph_permission_edge(const char *to, const char *recipient, char **ret_edge);

/* ret_result: all but outcome, http_status and uncertain, which the HTTP exchange tells. */
void graph_message_answer_read(unsigned http_status, const void *body, size_t length, struct graph_answer *ret_answer,
	struct graph_message_result *ret_result);
void graph_permission_answer_read(unsigned http_status, const void *body, size_t length,
	struct graph_answer *ret_answer, struct graph_permission_result *ret_result);

#endif
