/* b2bua/app/shell.h
 *
 * Shared by the files of b2bua/app only: the program's modules and the calls it holds.
 *
 *   on_webhook.c  on_graph.c  on_sip.c  on_media.c  on_admin.c     translate: module's report -> call_event
 *                          \    |    /
 *                           step.c                                 call_step(), then each action
 *                             |
 *                         perform.c                                translate: action -> module call
 *
 * Calls toward WhatsApp begin as a struct dial (dial.h), wherever they come from:
 *
 *   on_invite.c (SIP)   on_api.c (HTTP)   actions.c (a message, the end of a call)   parking.c (the user agreed)
 *                  \        |              /                                          /
 *                          dial.c: a call of it -> permissions.c: may he be called? -> step.c
 */
#ifndef B2BUA_APP_SHELL_H
#define B2BUA_APP_SHELL_H

#include "b2bua/app/app.h"
#include "b2bua/app/tombstone.h"
#include "graph/graph.h"
#include "lib/loop/loop.h"
#include "store/store.h"
#include "store/store_dial.h"
#include "webhook/receiver.h"

#include <uthash.h>

struct admin;
struct http_client;
struct slotmap;
struct graph_ticket;
struct dial;
struct events;
struct permissions;
struct parking;
struct chats;
struct ask;
struct gateway_state;
struct reload;
struct recorder;
struct listeners;

enum {
	CALL_ID_TEXT = 16,
	PENDING_EVENTS_MAX = 20, /* one for MEDIA_OPEN, one failure of media, one of each INVITE (eight gateways at
				    once), the permission, one for each Graph verb */
};

/* How a leg's id leads to its call. */
struct leg_node {
	uint64_t id; /* 0: none */
	struct app_call *ac;
	const struct call_gateway *gateway; /* that we called with it; NULL: none, or it came in */
	UT_hash_handle hh;
};

/* Events that an action made at once, stepped after the current one; and what is too large for an event. On the stack
 * of whoever steps the call: a call at rest has none. */
struct pending_events {
	struct call_event events[PENDING_EVENTS_MAX];
	size_t count;
	struct media_local media_local;
};

/* One live call: the pure state and the names under which the modules know its parts. */
struct app_call {
	struct app *app;
	uint64_t key; /* in app->calls; what callbacks carry, so that a late one finds nothing */
	struct call *call;
	char id[CALL_ID_TEXT], wacid[WA_CALL_ID_MAX + 1];
	struct config *config; /* as it was when the call began, held */
	const struct config_number *number;
	struct graph_number graph_number;
	uint64_t media_session; /* 0: none */
	struct leg_node legs[CALL_LEG_COUNT];
	struct dial *dial;        /* what it was made from; NULL: user-initiated. Owned */
	struct ask *ask;          /* a question about its route under way; NULL none. Owned */
	struct arena route_arena; /* of the answer to it */
	struct loop_timer timers[CALL_TIMER_COUNT];
	struct timer_arg {
		struct app_call *ac;
		enum call_timer which;
	} timer_args[CALL_TIMER_COUNT];
	struct pending_events *pending; /* while it is stepped, else NULL */
	struct listeners *listeners;    /* recorded, or copied somewhere; NULL: never. Owned */
	bool released;
	/* for the record: */
	uint64_t webhook_us; /* monotonic arrival of the webhook */
	uint64_t answer_us;  /* SIP 200 */
	int64_t setup_invite_us, setup_accept_us, ice_ms, dtls_ms, first_audio_ms[END_COUNT];
	struct media_stats stats; /* only if */
	bool has_stats;
	UT_hash_handle by_id, by_wacid, by_media;
};

struct app {
	struct loop *loop;
	struct config *config, *boot; /* for what comes next; what listeners, media and store were started with */
	struct reload *reload;        /* NULL: none under way */
	struct store *store;
	struct http_client *http;
	struct graph *graph;
	struct webhook_receiver *webhook;
	struct admin *admin;
	struct sip_stack *sip;
	struct media_engine *media;
	struct recorder *recorder;
	struct events *events;
	struct permissions *permissions;
	struct parking *parking;
	struct chats *chats;
	struct ask *asks;          /* under way: ask.c */
	struct incoming *incoming; /* INVITEs whose route is being asked: on_invite.c */
	struct job *jobs;          /* requests under way: job.h */
	struct slotmap *calls;
	struct app_call *by_id, *by_wacid, *by_media; /* uthash heads */
	struct leg_node *by_leg;
	struct tombstones *tombstones;
	struct gateway_state *gateways;     /* one for each of the configuration: gateways.c */
	struct graph_ticket *graph_tickets; /* requests under way: on_graph.c */
	int signal_fd;
	struct loop_watch *signal_watch;
	struct loop_timer stop_timer, quiet_timer, minute_timer;
	bool stopping;
};

/* ---- registry.c ---- */
struct app_call *registry_add(struct app *app, const struct wa_event *ev, const struct config_number *number);
/* A call of this dial; takes it over when it succeeds. gateway: of a SIP caller, whose codecs hold. */
struct app_call *registry_add_dial(
	struct app *app, struct dial *dial, const struct config_number *number, const struct call_dial *from);
void registry_remove(struct app_call *ac); /* frees it and its call */
struct app_call *registry_by_key(struct app *app, uint64_t key);
struct app_call *registry_by_id(struct app *app, const char *id);
struct app_call *registry_by_wacid(struct app *app, const char *wacid);
struct app_call *registry_by_media(struct app *app, uint64_t session);
struct app_call *registry_by_leg(struct app *app, uint64_t leg, enum call_leg *ret_which);
/* A call of this number with this user, NULL none. user: number or BSUID. */
struct app_call *registry_by_user(struct app *app, const struct config_number *number, const char *user);
/* 0 takes it out. Return 0 or -ENOMEM: events of that name would not find the call. */
int registry_set_media(struct app_call *ac, uint64_t session);
int registry_set_leg(struct app_call *ac, enum call_leg which, uint64_t leg);
/* Meta's id of a business-initiated call has become known. Once; later ones change nothing. */
int registry_set_wacid(struct app_call *ac, const char *wacid);
size_t registry_count_number(const struct app *app, const struct config_number *number);
/* Has this tenant as many calls as it may have, those not counted that are to begin? */
bool registry_tenant_full(const struct app *app, const char *tenant, size_t beginning);

/* ---- step.c ---- */
/* Fills in the times, steps the call and performs its actions. The call may be gone afterwards. */
void app_step(struct app_call *ac, struct call_event *ev);
/* From perform.c, while the call is stepped: an event that an action caused at once. */
void app_queue_event(struct app_call *ac, const struct call_event *ev);
void app_step_hangup(struct app_call *ac, enum cause cause, enum call_ended_by by);

/* ---- perform.c ---- */
void perform(struct app_call *ac, const struct call_action *action);
/* The user pressed it, or the API: told to the main leg where its gateway wants INFO. */
void info_digit(struct app_call *ac, char digit, unsigned duration_ms);

/* ---- record.c ---- */
void record_call(struct app_call *ac);
/* What became of each INVITE to a gateway so far, as a JSON array; malloc'd. NULL: nothing was sent, or out of memory.
 */
char *record_attempts(const struct call_report *rep);
/* A call of which nothing was ever opened: only its terminate webhook came, or it was found live after a restart. */
void record_unopened(struct app *app, const struct wa_event *ev, const struct config_number *number);
void record_leftover(struct app *app, const struct live_call *live);

/* ---- translators ---- */
void on_webhook_event(const struct wa_event *ev, void *app);
void on_webhook_fault(const char *what, const struct addr *peer, void *app);
/* Ask the Graph API in the name of a call (key), or of none (0). Returns 0 or negative errno. */
int send_graph(struct app *app, uint64_t key, const struct graph_request *request, const struct config_number *number);
/* A call that Meta has and we do not: ended there. */
void end_orphan(struct app *app, const struct config_number *number, const char *wacid);
void drop_graph_tickets(struct app *app);
void on_sip_event(const struct sip_event *ev, void *app);
void on_sip_invite(struct app *app, const struct sip_event *ev);
/* The caller gave up while his route was being asked. True when it was such a one. */
bool on_sip_incoming_gone(struct app *app, uint64_t leg);
void drop_incoming(struct app *app);
bool on_sip_source(const struct addr *source, void *app);
bool on_sip_gateway_addr(const struct addr *addr, void *app);
const struct sip_tls *on_sip_tls(const struct addr *source, void *app);
const struct sip_dialog_policy *on_sip_policy(const struct addr *source, void *app);
void on_media_event(const struct media_event *ev, void *app);
int on_admin_start(struct app *app);
/* Tokens of this configuration's tenants from now on. Returns 0 or -ENOMEM (as it was). */
int on_admin_take(struct app *app, const struct config *c);

/* ---- gateways.c ---- */
enum { GATEWAY_USER_MAX = 128, GATEWAY_BUSY_MAX_S = 300 };
int gateways_start(struct app *app, char *why, size_t why_cap);
/* Those of a configuration: at start, and before a reloaded one becomes app->config. Returns 0 or a negative errno. */
int gateways_take(struct app *app, const struct config *c);
void gateways_stop(struct app *app);
void on_gateway_event(const struct sip_gateway_event *ev, void *app);
void on_name(const struct sip_name_event *ev, void *app);
void on_tls_failure(const struct sip_tls_failure *f, void *app);
/* CAUSE_NORMAL: it may be called now. Takes from its calls a second. */
enum cause gateway_refuses(struct app *app, const struct call_gateway *gateway);
/* It answered 503 with Retry-After: gateway_refuses() says CONGESTION for so long, but no longer than
 * GATEWAY_BUSY_MAX_S. RFC 3261 s21.5.4. */
void gateway_is_busy(struct app *app, const struct call_gateway *gateway, unsigned retry_after_s);
/* Only for the gateway's own host: a transfer's target elsewhere learns nothing that could be guessed at. */
const struct sip_credentials *gateway_credentials(
	const struct config *c, const struct call_gateway *gateway, const char *target);
/* What holds for TLS connections to this target: the gateway's own, or NULL, sip.tls, where the name is not its. */
const struct sip_tls *gateway_tls(const struct config *c, const struct call_gateway *gateway, const char *target);
/* The user whose bindings are called; NULL: the target itself is. */
const char *gateway_registered_as(const struct config *c, const struct call_gateway *gateway, const char *target);
/* In the form the gateway wants; text that is no number stays. Returns user or dst. */
const char *gateway_number(
	const struct config *c, const struct call_gateway *gateway, const char *user, char dst[GATEWAY_USER_MAX]);
/* dst: TARGET_URI_MAX. Returns 0 or -EINVAL. */
int gateway_target(const struct config *c, const struct call_gateway *gateway, const char *target, char *dst);
size_t gateways_down(const struct app *app);
size_t gateways_registered(const struct app *app);

/* ---- registrations.c ---- */
struct api_ops;
void on_binding(const struct sip_binding_event *ev, void *app);
void on_ban(const struct sip_ban *ban, void *app);
int registrations_start(struct app *app, char *why, size_t why_cap); /* those of a previous run */
void registrations_take(struct app *app, const struct config *c);    /* limits of a reloaded configuration */
void on_registration_ops(struct api_ops *ops);

/* ---- emit.c: what happened to a call, told to the world ---- */
void emit_call_begins(struct app_call *ac);
void emit_call_changes(struct app_call *ac, const struct call_report *before, const struct call_report *after);
void emit_call_ended(struct app *app, const struct call_record *record);
void emit_dtmf(struct app_call *ac, enum media_end end, char digit, unsigned duration_ms);
/* reason NULL, length_ms -1: not said. */
void emit_recording(struct app_call *ac, const char *type, const char *path, const char *reason, int64_t length_ms);
void emit_permission(struct app *app, const char *change, const struct permission *p);
void emit_message_matched(struct app *app, const struct config_number *number, const char *user, const char *rule,
	const char *message_id);
void emit_gateway(struct app *app, const char *gateway, bool up, int code);
void emit_parked(struct app *app, const struct dial *dial, const char *what);

/* ---- messages.c ---- */
void on_webhook_keep(const struct webhook_item *items, size_t count, struct webhook_delivery *delivery, void *app);
int messages_start(struct app *app); /* what a previous run had not dealt with */

/* ---- reload.c ---- */
/* Read the configuration again and, unless it has faults, go on with it. Those who ask while it is read wait for
 * another reading. */
void reload_start(struct app *app);
void reload_drop(struct app *app);

/* For log lines. */
static inline const char *tenant_word(const char *tenant)
{
	return *tenant ? tenant : "-";
}

/* How the Graph API is addressed in this number's name. Borrows from the configuration. */
static inline struct graph_number graph_number_of(const struct config_number *number)
{
	return (struct graph_number){number->phone_number_id, number->token, number->app_secret};
}

/* ---- leftovers.c ---- */
/* What the next run must know of a call, should this one die. */
struct live_call leftovers_entry(const struct app_call *ac);
void leftovers_note(const struct app_call *ac); /* in the background */
int end_leftovers(struct app *app);

/* ---- shutdown.c ---- */
int shutdown_watch_signals(struct app *app);
void shutdown_check(struct app *app); /* after a call was released */

#endif
