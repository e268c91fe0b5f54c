/* admin/api_reply.h
 *
 * One request on its way to an answer: what was asked, who waits for it, and its Idempotency-Key. Internal to admin/.
 *
 *   on_request --> reply_new --> route->run --+-- answered at once
 *                                  ^          +-- the shell or the store owes an answer; the client may leave meanwhile
 *                                  |          +-- reply_claims_key: the store is asked whether the key is free
 *                                  +--- free -----------+
 */
#ifndef ADMIN_API_REPLY_H
#define ADMIN_API_REPLY_H

#include "admin/api_body.h"
#include "admin/api_ops.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

struct admin;
struct api_route;
struct http_request;

enum { API_ID_MAX = 80, API_KEY_MAX = 128, API_TENANT_MAX = 40, API_REPLIES_MAX = 1000 };

enum key_state {
	KEY_NONE,
	KEY_ASKED,   /* the store is being asked; the body is a copy from here on */
	KEY_CLAIMED, /* ours: the answer is to be kept */
};

struct api_reply {
	struct admin *admin;      /* NULL: it has gone */
	struct http_request *req; /* NULL: the client has gone */
	const struct api_route *route;
	char id[API_ID_MAX]; /* what stands for {id} or {user} in the route's path */
	char instance[160];  /* the path, as a URI reference */
	struct asker {
		char tenant[API_TENANT_MAX]; /* "": the operator */
		bool known;                  /* false: of a route that needs no token */
		uint8_t token[32];           /* digest of what he showed */
	} asker;
	json_t *done; /* the body of api_done(); NULL: {} */
	enum key_state key_state;
	char key[API_KEY_MAX], hash[65];
	char *body; /* copy, while keyed */
	size_t body_length;
	struct api_reply *prev, *next;
};

/* In the admin's list, until answered. NULL: too many, or out of memory. */
struct api_reply *reply_new(struct admin *a, struct http_request *req, const struct api_route *route, const char *id,
	const char *instance, const struct asker *asker);
/* May who asks see what is this tenant's? */
bool reply_may_see(const struct api_reply *r, const char *tenant);
/* The admin goes: replies still owed by others live on until those have answered. */
void reply_detach_all(struct admin *a);

/* Answer and be gone. body is taken over; NULL: out of memory. */
void reply_json(struct api_reply *r, unsigned status, json_t *body);
/* With the route's own status. */
void reply_ok(struct api_reply *r, json_t *body);
/* Rather no answer than a list from which something is missing. */
void reply_list(struct api_reply *r, const char *name, json_t *list, bool incomplete);
/* The same, with "next": the cursor of what follows, null when cursor is NULL. */
void reply_page(struct api_reply *r, const char *name, json_t *list, bool incomplete, const char *cursor);
/* It was answered otherwise. */
void reply_answered(struct api_reply *r);
void reply_problem(struct api_reply *r, enum api_problem problem, const char *detail);

/* Read the body; false: refused, the reply is gone. Call body_done() when true. */
bool reply_read_body(struct api_reply *r, struct body *body, void *ret_struct);
/* Close a body that a check of one's own refused. */
void reply_refuse_body(struct api_reply *r, struct body *body);
/* Everything is in order: may it be done now? true: not now, the route runs again when the store has said that the key
 * is free, or the request has been answered otherwise. */
bool reply_waits_for_key(struct api_reply *r);
/* Query parameter; NULL when absent. Only inside on_request(). */
const char *reply_query(const struct api_reply *r, const char *name);
/* Whole number in a query; -EINVAL. Absent: 0. */
int reply_query_uint(const struct api_reply *r, const char *name, uint64_t max, uint64_t *ret_value);
/* Phone number in a query, "" when absent; -EINVAL. */
int reply_query_phone(const struct api_reply *r, const char *name, char *dst, size_t cap);

#endif
