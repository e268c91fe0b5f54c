/* tools/metasim/meta_internal.h -- shared by the files that make up struct meta, and by nobody else */
#ifndef TOOLS_METASIM_META_INTERNAL_H
#define TOOLS_METASIM_META_INTERNAL_H

#include "lib/loop/loop.h"
#include "tools/metasim/meta.h"

#include <jansson.h>

struct http_client;
struct http_server;
struct http_request;
struct dtls_ctx;
struct late_reply;

/* CONNECTING and RINGING: business-initiated. OFFERED and PRE_ACCEPTED: user-initiated. */
enum meta_state { META_OFFERED, META_PRE_ACCEPTED, META_CONNECTING, META_RINGING, META_ACCEPTED, META_ENDED };

enum { META_REQUESTS_MAX = 16, META_OPAQUE_MAX = 512, META_PAYLOAD_MAX = 513 };

/* A WhatsApp user as this business number knows him: what he allows, and Meta's counts of what was tried. */
struct meta_user {
	struct meta *meta;
	const struct plan_user *plan;
	enum plan_permission permission;
	uint64_t expires_s;                      /* wall; TEMPORARY */
	uint64_t window_until_ms;                /* wall; free-form messages until then */
	uint64_t requests_ms[META_REQUESTS_MAX]; /* wall, oldest first; forgotten at a connected call */
	size_t request_count;
	uint64_t connected_ms[PLAN_CALLS_PER_DAY_MAX]; /* wall, oldest first */
	size_t connected_count;
	unsigned unanswered;                                               /* in a row */
	char request_wamid[META_WAMID_MAX], message_wamid[META_WAMID_MAX]; /* the last ones sent to him */
	char button_payload[META_PAYLOAD_MAX];                             /* of the last call button sent to him */
	unsigned *fired;                                                   /* by step */
	struct meta_user *next;
};

struct meta_call {
	struct meta *meta;
	struct meta_user *who;
	enum meta_state state;
	bool outbound; /* business-initiated */
	bool planned;  /* one of plan.calls */
	char wacid[META_WACID_MAX];
	char opaque[META_OPAQUE_MAX * 4 + 1]; /* biz_opaque_callback_data, UTF-8 */
	char payload[META_PAYLOAD_MAX];
	bool from_button; /* payload is a cta_payload */
	char *answer;     /* SDP text of pre_accept or accept */
	char sdp[4096];   /* of Meta's answer to a business's offer */
	struct wa_user *user;
	struct meta_call_report rep;
	struct loop_timer phase;  /* business-initiated: what the user's phone does next */
	struct late_reply *reply; /* to connect, waiting for its webhook */
	uint64_t user_from_us;    /* wall seconds when picked up, for start_time */
	uint64_t release_us;      /* when the ended call's socket may go */
	unsigned deliveries;      /* webhooks under way that write into rep */
	struct meta_call *next;
};

struct meta {
	struct loop *loop;
	struct meta_conf conf;
	const struct plan *plan;
	struct http_server *server;
	struct http_client *client;
	struct dtls_ctx *dtls;
	struct meta_call *calls;
	struct meta_user *users;
	struct plan_user usual;      /* the user of the plan's top level */
	struct meta_action *actions; /* what users will do */
	struct delivery *deliveries;
	unsigned numbered, started, done, outbound_done, live, webhooks_pending, deliveries_made;
	unsigned failed[PLAN_VERBS];  /* requests already failed on purpose */
	unsigned dropped[PLAN_VERBS]; /* answers already lost on purpose */
	uint64_t next_start_us, last_event_us;
	struct loop_timer tick;
	int poll_fd; /* sockets of users that are looked at in the tick; 0: none */
	unsigned long long seed;
	bool all_done;
	struct late_reply *late;
};

/* graph_api.c: what all requests share */
int graph_api_start(struct meta *m);
void graph_api_stop(struct meta *m);
/* subcode 0: none. c NULL: no call's. */
void graph_refuse(struct meta *m, struct http_request *req, struct meta_call *c, unsigned status, int code, int subcode,
	const char *details);
/* Answer 200 with body, as late as the plan says, or never. */
void graph_succeed(struct meta *m, struct http_request *req, enum plan_verb verb, const char *body);
/* Keep the answer until graph_release(). */
struct late_reply *graph_hold(struct meta *m, struct http_request *req, const char *body);
void graph_release(struct late_reply *late);
/* Fails on purpose, as the plan says: true, and answered. */
bool graph_planned_failure(struct meta *m, struct http_request *req, struct meta_call *c, enum plan_verb verb);

/* graph_calls.c */
void graph_calls_post(struct meta *m, struct http_request *req, const json_t *body);
/* graph_connect.c */
void graph_connect_post(struct meta *m, struct http_request *req, const json_t *body);
/* graph_messages.c */
void graph_messages_post(struct meta *m, struct http_request *req, const json_t *body);
/* graph_permissions.c */
void graph_permissions_get(struct meta *m, struct http_request *req);

/* delivery.c: value goes to the webhook under "field". connect_of: the call whose connect this is, told by
 * outbound_delivered() when it was answered. again: repeated until answered 200. */
void webhook_deliver(
	struct meta *m, const char *field, json_t *value, struct meta_call *connect_of, bool again, uint64_t delay_us);
void webhooks_drop_all(struct meta *m);
/* webhooks.c */
void webhook_connect(struct meta_call *c);
void webhook_status(struct meta_call *c, const char *status);
void webhook_terminate(struct meta_call *c, int error_code, uint64_t extra_delay_us);
/* What every value begins with; who NULL: no contact. */
json_t *webhook_value(struct meta *m, const struct meta_user *who);
/* user_webhooks.c. message: without from, id and timestamp; taken over. */
void webhook_message(struct meta_user *u, json_t *message);
void webhook_message_status(struct meta_user *u, const char *wamid, const char *status);
/* context: wamid of the request, wacid of a call, or NULL. */
void webhook_permission_reply(struct meta_user *u, const char *context, bool automatic);

/* users.c */
int meta_users_new(struct meta *m);
void meta_users_free(struct meta *m);
struct meta_user *meta_user_find(struct meta *m, const char *number, const char *user_id);
/* "" when none was planned. */
const char *meta_user_id(const struct meta_user *u);
const char *meta_user_name(const struct meta_user *u);
bool meta_user_is_busy(const struct meta_user *u);
/* What became of him, in Meta's books. */
void meta_user_called_us(struct meta_user *u, const char *wacid);
void meta_user_connected(struct meta_user *u);
void meta_user_unanswered(struct meta_user *u);
void meta_user_was_asked(struct meta_user *u, const char *wamid);
/* May he be called, may he be asked? 0, or Meta's error code with why. */
enum plan_permission meta_user_permission(const struct meta_user *u);
int meta_user_may_call(struct meta_user *u, char *why, size_t why_cap);
int meta_user_may_be_asked(struct meta_user *u);
/* Entries of the last window_s seconds, and when the oldest of them leaves it. */
unsigned meta_user_requests(const struct meta_user *u, uint64_t window_s, uint64_t *ret_first_ms);
unsigned meta_user_calls(const struct meta_user *u, uint64_t *ret_first_ms);
bool meta_user_window_open(const struct meta_user *u);
void meta_user_wrote(struct meta_user *u);
/* He accepts (enum plan_answer) or refuses. */
void meta_user_decides(struct meta_user *u, unsigned answer);

/* actions.c */
void meta_trigger(struct meta_user *u, enum plan_trigger trigger);
int meta_act(struct meta_user *u, const struct plan_step *step, uint64_t after_ms, const char *context);
void meta_actions_free(struct meta *m);

/* outbound.c */
void outbound_begin(struct meta_call *c);
void outbound_delivered(struct meta_call *c);
/* A ringing call: picked up, or declined. */
void outbound_answer(struct meta_call *c, bool pick_up);
void outbound_over(struct meta_call *c);

/* meta.c */
struct meta_call *meta_find(struct meta *m, const char *wacid);
void meta_end(struct meta_call *c, const char *by, int error_code);
/* c or u may be NULL. */
void meta_timeline(struct meta *m, const struct meta_call *c, const char *event, const char *detail);
void meta_timeline_user(struct meta *m, const struct meta_user *u, const char *event, const char *detail);
/* A call is made, its user's end too; not yet told to anybody. */
int meta_call_new(struct meta *m, struct meta_user *who, bool outbound, struct meta_call **ret_call);
/* The user calls us. */
int meta_user_calls_us(struct meta_user *u, const char *payload, bool from_button, bool planned);
void meta_message_note(struct meta *m, const struct meta_message_report *rep);
void meta_wamid(char wamid[META_WAMID_MAX]);

#endif
