/* admin/admin_internal.h
 *
 * The interface's own state, and the table of its routes, which dispatch and the tests against docs/openapi.yaml share.
 */
#ifndef ADMIN_ADMIN_INTERNAL_H
#define ADMIN_ADMIN_INTERNAL_H

#include "admin/admin.h"
#include "admin/api_reply.h"
#include "lib/loop/loop.h"

struct http_server;
struct event_stream;

struct admin {
	struct loop *loop;
	struct http_server *server;
	uint8_t token_digest[32]; /* SHA-256: equal lengths, so that the comparison tells nothing */
	struct token_of {
		uint8_t digest[32];
		char tenant[API_TENANT_MAX];
	} * tokens; /* of tenants */
	size_t token_count;
	struct store *store;
	struct admin_ops ops;
	struct api_ops api;
	struct events *events;
	struct api_reply *replies; /* not answered yet */
	size_t reply_count;
	struct event_stream *streams;
	size_t stream_count;
	struct loop_timer heartbeat;
	unsigned heartbeat_ms;
};

/* What a tenant's token gets. A route says it; a new one that does not is the operator's alone, and a test fails. */
enum api_scope {
	API_SCOPE_UNDECIDED,
	API_SCOPE_OPERATOR, /* 404, as where there is no such path */
	API_SCOPE_TENANT,   /* what is his */
};

struct api_route {
	const char *method, *path; /* "/v1/calls/{id}/hold": one {name} at most */
	void (*run)(struct api_reply *r);
	unsigned ok;          /* status of success */
	const char *problems; /* which may come beside unauthorized and internal, as types: "bad-request not-found" */
	const struct body_schema *body; /* NULL: it has none */
	const char *query;              /* "number user": parameters it knows */
	bool open;                      /* needs no token */
	enum api_scope scope;
	bool keyed; /* heeds Idempotency-Key */
};

extern const struct api_route api_routes[];
extern const size_t api_route_count;

/* ret_id: what stands for {id}. ret_allow: the methods that the path has ("GET, POST"), "": no such path. NULL: not
 * with this method. */
const struct api_route *route_find(
	const char *method, const char *path, char *ret_id, size_t cap, char *ret_allow, size_t allow_cap);

/* health_api.c */
void get_health(struct api_reply *r);
void get_counters(struct api_reply *r);
/* calls_api.c */
void get_calls(struct api_reply *r);
void get_call(struct api_reply *r);
void post_call(struct api_reply *r);
void post_hangup(struct api_reply *r);
void post_transfer(struct api_reply *r);
void post_hold(struct api_reply *r);
void post_mute(struct api_reply *r);
void post_recording(struct api_reply *r);
void post_fork(struct api_reply *r);
void post_dtmf(struct api_reply *r);
extern const struct body_schema call_body, transfer_body, hold_body, mute_body, dtmf_body, recording_body, fork_body;
/* history_api.c */
void get_history(struct api_reply *r);
/* One record of the call log, else 404. */
void history_find_one(struct api_reply *r, const char *id);
/* permissions_api.c */
void get_permissions(struct api_reply *r);
void get_permission(struct api_reply *r);
void post_permission_request(struct api_reply *r);
extern const struct body_schema permission_request_body;
/* parked_api.c */
void get_parked(struct api_reply *r);
void delete_parked(struct api_reply *r);
/* registrations_api.c */
void get_registrations(struct api_reply *r);
void delete_registration(struct api_reply *r);
void get_bans(struct api_reply *r);
void get_gateways(struct api_reply *r); /* gateways_api.c */
void delete_ban(struct api_reply *r);
/* messages_api.c */
void post_message(struct api_reply *r);
extern const struct body_schema message_body;
void post_reload(struct api_reply *r);
/* events_api.c */
void get_events(struct api_reply *r);
void get_dead_events(struct api_reply *r);
void post_revive(struct api_reply *r);
extern const struct body_schema revive_body;
void events_api_close(struct admin *a);
void events_api_check(struct admin *a); /* ends the streams of tokens that are no more */

/* What several bodies have in common. */
#define BODY_PARTY_FIELDS(type, member)                                                                                \
	{"number", BODY_PHONE, offsetof(type, member.number)}, {"to", BODY_PHONE, offsetof(type, member.user_number)}, \
	{                                                                                                              \
		"user_id", BODY_TEXT, offsetof(type, member.user_id), 1, PERMISSION_USER_MAX - 1                       \
	}
#define BODY_TARGET_FIELDS(type, member)                                                                               \
	{"gateway", BODY_TEXT, offsetof(type, member.gateway), 1, 63},                                                 \
		{"user", BODY_TEXT, offsetof(type, member.user), 1, 128},                                              \
	{                                                                                                              \
		"uri", BODY_TEXT, offsetof(type, member.uri), 5, 255                                                   \
	}
/* 0 or -EINVAL with body->why. */
int body_check_party(struct body *body, const struct api_party *party);
int body_check_target(struct body *body, const struct api_target *target);

/* Opaque marks of where a list goes on. base64url (RFC 4648 s5) of the parts, joined by line feeds. */
enum { CURSOR_MAX = 256 };
void cursor_write(char dst[CURSOR_MAX], const char *one, const char *two);
int cursor_read(const char *cursor, char *one, size_t one_cap, char *two, size_t two_cap);

#endif
