/* admin/admin.h
 *
 * The HTTP interface for operators and programs, on a listener of its own: live calls, dialling, transfer, permissions,
 * messages, call history, events, counters. JSON; errors as RFC 9457 problem details. Every request but GET /healthz
 * needs "Authorization: Bearer TOKEN" (compared in constant time; refused ones counted: CNT_ADMIN_BAD_TOKEN).
 *
 * The token says whose request it is: the operator's, who sees everything, or a tenant's, for whom what is another's is
 * not there: it is left out of lists, and asked for by name it gets the answer of what does not exist, word for word.
 * admin/routes.c lists the requests, docs/api.md explains them, docs/openapi.yaml says everything.
 *
 * Owner: control thread.
 */
#ifndef ADMIN_ADMIN_H
#define ADMIN_ADMIN_H

#include "admin/api_ops.h"
#include "lib/base/addr.h"
#include "store/store.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct loop;
struct events;
struct admin;

struct admin_call { /* borrowed for the callback */
	const char *id, *tenant, *wacid, *state, *direction, *number, *user, *user_name, *gateway, *rule;
	const char *attempts;  /* JSON array, as in the record; NULL: none */
	const char *recording; /* "on", "paused"; NULL: it is not being recorded */
	uint64_t started_ms, rang_ms, answered_ms;
	bool on_hold, transferring, forked;
};

struct admin_gauge {
	const char *name;
	uint64_t value;
};

struct admin_worker { /* a thread that carries voice */
	unsigned calls, busy_percent, complexity;
};

/* What the shell offers. */
struct admin_ops {
	void (*each_call)(void (*fn)(const struct admin_call *call, void *fn_arg), void *fn_arg, void *arg);
	/* tenant: who asks, "": the operator. 0, or -ENOENT, also for another tenant's. */
	int (*hangup)(const char *id, const char *tenant, void *arg);
	size_t (*gauges)(struct admin_gauge *ret_gauges, size_t cap, void *arg);
	void *arg;
	size_t (*workers)(struct admin_worker *ret_workers, size_t cap, void *arg); /* NULL: none */
};

struct admin_token {
	const char *tenant, *token; /* tenant not "" */
};

struct admin_conf {
	struct addr listen;
	const char *token;                /* the operator's */
	const struct admin_token *tokens; /* of tenants: admin_set_tokens() */
	size_t token_count;
	struct store *store; /* borrowed */
	struct admin_ops ops;
	struct api_ops api;
	struct events *events; /* borrowed; NULL: /v1/events is answered 501 */
	unsigned heartbeat_ms; /* of event streams; 0: 15000 */
};

int admin_new(struct loop *l, const struct admin_conf *conf, struct admin **ret_admin);
/* Other tokens of tenants from now on; their digests are kept. Event streams that were opened with one that is not
 * there any more end. Returns 0, -EINVAL (a name too long) or -ENOMEM (as it was). */
int admin_set_tokens(struct admin *a, const struct admin_token *tokens, size_t count);
void admin_addr(const struct admin *a, struct addr *ret_addr);
/* Before events_free() and store_close(), which answers what is still asked. Accepts NULL; returns NULL. */
struct admin *admin_free(struct admin *a);

/* The JSON of one record, as /v1/history and `watrunk calls --history --json` print it; malloc'd text, NULL when out of
 * memory. */
char *admin_record_json(const struct call_record *record);

#endif
