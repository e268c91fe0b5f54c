/* graph/exchange.h
 *
 * One request to the Graph API from sending to its result, whatever it is about:
 *
 *   send -> answer -> judge -> done
 *                       |
 *                       +-- wants another try -> wait RETRY_DELAY -> send once more -> ...
 *
 * Embedded, as the first member, in what each kind of request needs beside. Inside this folder only.
 */
#ifndef GRAPH_EXCHANGE_H
#define GRAPH_EXCHANGE_H

#include "graph/answer.h"
#include "lib/http/http_client.h"
#include "lib/loop/loop.h"

struct slotmap;

struct graph {
	struct loop *loop;
	struct http_client *http;
	char *base; /* "https://graph.facebook.com/v25.0" */
	unsigned timeout_ms;
	bool appsecret_proof;
	struct slotmap *pending; /* of struct graph_exchange */
};

struct graph_exchange {
	struct graph *graph;
	uint64_t id, http_id;
	const char *method;
	char *url, *authorization;
	char *body; /* NULL: none */
	uint64_t started_us;
	struct loop_timer retry_timer;
	unsigned attempts;
	/* of the last attempt: */
	unsigned http_status;
	struct graph_answer answer; /* judge() fills it in; what failed below HTTP is there already */
	enum graph_outcome outcome;
	bool uncertain; /* FAILED, and Meta may have acted all the same */
	/* Reads one attempt's answer and sets outcome. True: worth another try (outcome counts if there is none). */
	bool (*judge)(struct graph_exchange *x, const struct http_result *http);
	/* Hands the result over, once; x is freed afterwards, and its id no longer known. */
	void (*done)(struct graph_exchange *x);
};

/* Send it. x: from calloc(), with method, body, judge and done set; taken over, also when this fails. edge: what
 * follows the number in the URL: "calls", "call_permissions?user_wa_id=1". Returns 0 with *ret_id, -EINVAL or -ENOMEM.
 */
int graph_exchange_start(struct graph *g, struct graph_exchange *x, const struct graph_number *number, const char *edge,
	uint64_t *ret_id);
/* Accepts NULL; always returns NULL. Nothing is told. */
struct graph_exchange *graph_exchange_free(struct graph_exchange *x);

#endif
