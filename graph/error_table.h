/* graph/error_table.h
 *
 * What each of Meta's error codes means for us. One table (error_table.def); decided on error.code, never on the HTTP
 * status, because sources differ on the status. Pure.
 */
#ifndef GRAPH_ERROR_TABLE_H
#define GRAPH_ERROR_TABLE_H

#include "graph/graph.h"

enum graph_error_class {
	GRAPH_ERR_TOKEN,      /* token invalid or expired: a person must act */
	GRAPH_ERR_PERMISSION, /* app, capability or settings: a person must act */
	GRAPH_ERR_RATE,       /* rate or concurrency limit: later */
	GRAPH_ERR_PARAMETER,  /* our request, or our SDP, was refused */
	GRAPH_ERR_USER,       /* the user cannot or may not be called */
	GRAPH_ERR_OVER,       /* the call is already over */
	GRAPH_ERR_MEDIA,      /* media could not be set up or died */
	GRAPH_ERR_TRANSIENT,  /* Meta's side: may work when repeated */
	GRAPH_ERR_UNKNOWN,
};

struct graph_error_info {
	int code;
	enum graph_error_class class;
	const char *name;    /* short, for records and logs: "no_permission" */
	const char *meaning; /* a sentence for people */
};

/* Never NULL; unknown codes give the UNKNOWN row. */
const struct graph_error_info *graph_error_info(int code);
/* Might the same request succeed when repeated soon? code 0: none was given; http_status 0: no answer came. */
bool graph_error_is_passing(int code, unsigned http_status);
/* May this verb be sent again after this error on its n-th attempt (1 = first)? Only terminate, reject and accept
 * (idempotent enough: a second one yields an "already" error), once, on transient and rate classes, HTTP 5xx or 429, or
 * a lost answer; connect never; pre_accept never (accept carries the same SDP). */
bool graph_may_retry(enum graph_verb verb, int code, unsigned http_status, unsigned attempt);

/* What an error's words say of the call, where Meta has no code for it. */
enum graph_call_state {
	GRAPH_CALL_UNTOLD,
	GRAPH_CALL_ENDED, /* terminated, rejected, completed, failed, not found */
	GRAPH_CALL_LIVE,  /* "already in progress", "already accepted" */
};
enum graph_call_state graph_text_call_state(int code, const char *text);

#endif
