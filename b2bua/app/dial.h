/* b2bua/app/dial.h
 *
 * A call toward a WhatsApp user that somebody wants: a SIP caller, the API, a message rule, or one taken out of the
 * parking place. Plain text, so that it can be parked as JSON (dial_json.c).
 */
#ifndef B2BUA_APP_DIAL_H
#define B2BUA_APP_DIAL_H

#include "admin/api_ops.h"
#include "b2bua/app/shell.h"

struct dial {
	struct arena arena;    /* holds the dial itself, and its texts: none is NULL */
	char id[CALL_ID_TEXT]; /* of the call, also of the parked dial */
	const char *tenant;    /* whose it is: the number's when it was wanted */
	const char *number_id;
	const char *user_number, *user_id, *profile_name, *payload;
	enum dial_order order;
	const char *rule; /* the dialplan's, or "api" */
	unsigned ring_s, agent_ring_s;
	bool ringback;
	/* the SIP side; of a SIP caller: where a parked call is called back, gateway "" when that cannot be */
	const char *gateway, *uri, *from_user, *from_display;
	struct dial_fallback { /* other gateways, after those causes */
		bool parallel; /* all at once */
		size_t count, cause_count;
		struct {
			const char *gateway, *uri;
		} places[ROUTE_GATEWAYS_MAX - 1];
		const char *causes[ROUTE_FAILOVER_MAX];
	} fallback;
	struct route_header *headers;
	size_t header_count;
	struct route_permission permission;
	const char *parked_by; /* id of the call that parked it, "" none */
	bool is_parked;        /* in the store: dropped there when it is dialled */
	bool from_last_run; /* read from the store: the run that wrote it died, perhaps after it had asked the user */
	bool waiting;       /* parked until the user agrees; else due at once */
	uint64_t created_ms, expires_ms;
	/* SIP callers only, and never parked: */
	uint64_t sip_leg;
	const char *sip_call_id, *sdp; /* sdp NULL: an INVITE without an offer */
	size_t sdp_length;
	const struct call_gateway *caller;
	struct config *config; /* of the caller, held; NULL: nothing of one is borrowed */
};

/* With an id of its own and every text "". NULL: out of memory. */
struct dial *dial_new(struct app *app);
struct dial *dial_free(struct dial *d); /* accepts NULL; returns NULL */
/* The id of what a rule dials for a message: the same whenever the message is read. */
void dial_id_of_message(char id[CALL_ID_TEXT], const char *message_id);
/* Copies into the dial; "" for NULL. NULL: out of memory. */
const char *dial_text(struct dial *d, const char *text);
const char *dial_user(const struct dial *d); /* number, else BSUID */
/* From this number, and so its tenant's. Returns 0 or -ENOMEM. */
int dial_take_number(struct dial *d, const struct config_number *number);
/* Copies the route's headers and permission policy. Return 0 or -ENOMEM. */
int dial_take_headers(struct dial *d, const struct route_header *headers, size_t count);
int dial_take_permission(struct dial *d, const struct route_permission *p);

/* Make the call. Takes the dial over in any case. Returns the call's id text in ret_id (may be NULL), or what refused
 * it: the cause, for a SIP caller already answered with it. CAUSE_COUNT: it goes on. */
enum cause dial_start(struct app *app, struct dial *d);

/* What is wrong with it before it is made a call: CAUSE_COUNT, nothing. */
enum cause dial_refusal(struct app *app, const struct dial *d, const struct config_number **ret_number);

/* The call of a dial is over: permission and parking learn of it. */
void dial_ended(struct app_call *ac, const struct call_report *rep);

/* ---- dial_json.c ---- malloc'd text, NULL out of memory. */
char *dial_to_json(const struct dial *d);
struct dial *dial_from_json(struct app *app, const char *json); /* NULL: not ours, or out of memory */

/* ---- permissions.c ---- */
int permissions_start(struct app *app);
void permissions_stop(struct app *app);
struct permission *permissions_get(
	struct app *app, const char *number_id, const char *user); /* made when unknown; NULL: full */
void permissions_each(struct app *app, void (*fn)(const struct permission *p, void *arg), void *arg);
/* It was changed by one of permission.h's functions: keep it, tell it, and dial what waits for it. */
void permissions_changed(struct app *app, struct permission *p, enum permission_change change);
/* CALL_DO_ASK_PERMISSION: leads to CALL_EV_PERMISSION. */
void permissions_ask(struct app_call *ac);
/* What Meta said of it. */
struct graph_permission_result;
void permissions_take_answer(struct app *app, struct permission *p, const struct graph_permission_result *result);
/* Send a permission request. done: outcome, once, never from within; code and text of Meta's refusal. Returns 0, -EPERM
 * (why says what forbids it), or a negative errno of graph_send_message(). */
struct permission_ask {
	const struct config_number *number;
	const char *user_number, *user_id, *text;
	const struct route_template *template; /* NULL or name "": none */
};
int permissions_request(struct app *app, const struct permission_ask *ask,
	void (*done)(struct app *app, int code, const char *text, bool ok, void *arg), void *arg, const char **ret_why,
	uint64_t *ret_until_ms);
void permissions_minute(struct app *app);

/* ---- parking.c ---- */
int parking_start(struct app *app);
void parking_stop(struct app *app);
/* Takes the dial over; one for each (number, user): a newer one replaces. on_kept (may be NULL): it is on disk (0), or
 * not. */
void parking_put(struct app *app, struct dial *d, bool waiting, void (*on_kept)(int status, void *arg), void *arg);
void parking_keep(struct app *app, const struct dial *d);          /* for the next run, under another id */
void parking_granted(struct app *app, const struct permission *p); /* he agreed: dial */
void parking_drop(struct app *app, const char *id);
bool parking_has(const struct app *app, const char *id);
void parking_on_call_gone(struct app *app); /* a line is free */
bool parking_cancel(struct app *app, const char *id);
void parking_each(struct app *app, void (*fn)(const struct dial *d, void *arg), void *arg);
void parking_minute(struct app *app);

/* ---- targets.c ---- */
enum { TARGET_URI_MAX = 512 };
/* May a call of this tenant and gateway be sent to this URI (sip:, tel:), and what is it then? Another tenant's gateway
 * is no place to go, whatever else allows its host. names: NULL, or who knows the addresses of gateways' names now.
 * Returns 0, or -EPERM (policy), -EINVAL (not a URI we can call). uri[TARGET_URI_MAX] receives the Request-URI. */
int target_resolve(const struct config *config, const struct sip_stack *names, const char *tenant,
	const struct call_gateway *of_call, const char *wanted, char *uri, const struct call_gateway **ret_gateway);
/* The URI of a user at a gateway. Returns 0 or -EINVAL. user: as it stands in a URI (escaped); "" keeps the gateway's
 * own. */
int target_at_gateway(const struct call_gateway *gateway, const char *user, char *uri);

/* ---- reload.c ---- */
void reload_ask(struct app *app, struct api_reply *reply);

/* ---- on_api.c ---- */
void on_api_ops(struct app *app, struct api_ops *ret_ops);
/* gateways.c */
void gateways_each(void (*fn)(const struct api_gateway *gateway, void *fn_arg), void *fn_arg, void *arg);

/* ---- ask.c ---- */
/* Ask the service of a ROUTE_ASK. Facts and arena stay until done, which comes once, never from within, with the route
 * that holds (never ROUTE_ASK). NULL: out of memory. */
struct ask *ask_route(struct app *app, const struct route *asked, const struct call_facts *facts, struct arena *arena,
	void (*done)(const struct route *route, void *arg), void *arg);
void ask_cancel(struct ask *a); /* accepts NULL */
void asks_drop(struct app *app);

/* ---- permissions.c, chat.c: what is known of a user is known by this ---- */
enum { USER_KEY_MAX = 40 + PERMISSION_USER_MAX + 1 };
void user_key(char key[USER_KEY_MAX], const char *number_id, const char *user);

struct graph_message;
/* Of a template that has a name. Borrows its text. */
void message_set_template(struct graph_message *m, const struct route_template *t);

/* ---- actions.c: what a rule for messages or ended calls does ---- */
struct action_facts {
	const struct config_number *number;
	const char *user_number, *user_id, *profile_name;
	const char *message_id; /* what it answers, NULL none: dealt with once a call back for it is kept */
};
/* on_done: everything is sent or safely kept; once, perhaps from within. */
void actions_run(struct app *app, const struct route *route, const struct action_facts *facts,
	void (*on_done)(void *arg), void *arg);
void actions_on_ended(struct app *app, const struct call_record *record);

/* ---- chat.c: a user's last texts, in memory, bounded, when messages.context_texts is on ---- */
void chat_add(struct app *app, const char *number_id, const char *user, const char *text);
/* As one header value, newest last; "" when there is none. */
const char *chat_context(struct app *app, const char *number_id, const char *user, char *dst, size_t cap);
void chat_forget(struct app *app, const char *number_id); /* it is another tenant's from now on */
void chat_minute(struct app *app);
void chat_stop(struct app *app);

#endif
