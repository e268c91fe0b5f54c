/* tools/metasim/meta_internal.h -- shared by meta.c, graph_api.c and webhooks.c only */
#ifndef TOOLS_METASIM_META_INTERNAL_H
#define TOOLS_METASIM_META_INTERNAL_H

#include "lib/loop/loop.h"
#include "tools/metasim/meta.h"

struct http_client;
struct http_server;
struct dtls_ctx;

enum meta_state { META_OFFERED, META_PRE_ACCEPTED, META_ACCEPTED, META_ENDED };

struct meta_call {
	struct meta *meta;
	enum meta_state state;
	char wacid[META_WACID_MAX];
	char *answer; /* SDP text of pre_accept or accept */
	struct wa_user *user;
	struct meta_call_report rep;
	uint64_t user_from_us; /* wall seconds when picked up, for start_time */
	uint64_t release_us;   /* when the ended call's socket may go */
	unsigned deliveries;   /* webhooks under way that write into rep */
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
	unsigned started, done, live, webhooks_pending;
	unsigned failed[PLAN_VERBS];  /* requests already failed on purpose */
	unsigned dropped[PLAN_VERBS]; /* answers already lost on purpose */
	uint64_t next_start_us;
	struct loop_timer tick;
	int poll_fd; /* sockets of users that are looked at in the tick; 0: none */
	unsigned long long seed;
	bool all_done;
	struct late_reply *late;
};

/* graph_api.c */
int graph_api_start(struct meta *m);
void graph_api_stop(struct meta *m);
/* webhooks.c */
void webhook_connect(struct meta_call *c);
void webhook_terminate(struct meta_call *c, int error_code, uint64_t extra_delay_us);
/* meta.c */
struct meta_call *meta_find(struct meta *m, const char *wacid);
void meta_end(struct meta_call *c, const char *by, int error_code);
void meta_timeline(struct meta *m, const struct meta_call *c, const char *event, const char *detail);

#endif
