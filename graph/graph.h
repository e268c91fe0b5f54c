/* graph/graph.h
 *
 * What we tell Meta: POST /{phone_number_id}/calls; messages and call permissions are in graph/messages.h. One request
 * a call action, retried by the error table, over a warm connection. Owner: control thread. Source: Meta, "Calling API
 * reference" and "Error codes".
 */
#ifndef GRAPH_GRAPH_H
#define GRAPH_GRAPH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct loop;
struct http_client;
struct graph;

enum graph_verb { GRAPH_PRE_ACCEPT, GRAPH_ACCEPT, GRAPH_REJECT, GRAPH_TERMINATE, GRAPH_CONNECT };
const char *graph_verb_name(enum graph_verb verb); /* "pre_accept" ... as Meta spells it */

enum graph_outcome {
	GRAPH_OK,
	GRAPH_ALREADY_OVER, /* the call had ended already: success for terminate and reject, an ended call for the
			       others */
	GRAPH_REFUSED,      /* Meta said no, and repeating would not help */
	GRAPH_FAILED,       /* no usable answer after the retries that are allowed */
};

struct graph_conf {
	const char *base_url, *version; /* "https://graph.facebook.com", "v25.0" */
	unsigned timeout_ms;            /* one attempt; 0: 5000 */
	bool appsecret_proof;           /* add appsecret_proof when the number has an app secret */
};

struct graph_number { /* borrowed for the call of graph_send() */
	const char *phone_number_id, *token, *app_secret;
};

struct graph_request {
	enum graph_verb verb;
	const struct graph_number *number;
	const char *call_id; /* wacid; not for connect */
	const char *sdp;     /* answer for pre_accept and accept, offer for connect; NULL else. CRLF text */
	const char *opaque;  /* biz_opaque_callback_data, at most 512 characters; NULL: none. accept and connect only */
	const char *to;      /* connect: user's number, with or without '+' */
	const char *recipient; /* connect: BSUID */
};

struct graph_result {
	enum graph_verb verb;
	enum graph_outcome outcome;
	int code, subcode;    /* error.code; 0 when none (Meta's code 0 means what 190 means, and is given as that) */
	unsigned http_status; /* of the last attempt */
	unsigned attempts;
	bool uncertain;    /* FAILED without a word of Meta's: it may have acted all the same */
	char message[128]; /* error.message, or what failed below HTTP */
	char details[256]; /* error_data.details */
	char trace_id[48]; /* fbtrace_id */
	char call_id[257]; /* connect: the wacid */
	uint64_t total_us; /* from graph_send() to here */
};

int graph_new(struct loop *l, struct http_client *http, const struct graph_conf *conf, struct graph **ret_graph);
/* on_done is called exactly once, never from within, unless cancelled or graph_free()d. Returns 0 with *ret_id (never
 * 0), -EINVAL or -ENOMEM. */
int graph_send(struct graph *g, const struct graph_request *request,
	void (*on_done)(const struct graph_result *result, void *arg), void *arg, uint64_t *ret_id);
void graph_cancel(struct graph *g, uint64_t id);
size_t graph_pending(const struct graph *g);
struct graph *graph_free(struct graph *g);

#endif
