/* dialplan/dialplan.h
 *
 * (call facts, time) -> route. A table of rules, first match wins; built from configuration, immutable afterwards,
 * swapped in whole on reload. Pure: time is an argument; time zones (tzdata, through GLib's GTimeZone) and regular
 * expressions (PCRE2, bounded match limits) are compiled when the table is built.
 */
#ifndef DIALPLAN_DIALPLAN_H
#define DIALPLAN_DIALPLAN_H

#include "lib/base/arena.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct dialplan;

/* What a rule is asked about. inbound: a WhatsApp user calls the business. outbound: somebody on the SIP side dials a
 * WhatsApp user. message: a user wrote or tapped something. ended: a call is over. */
enum call_direction { CALL_INBOUND, CALL_OUTBOUND, CALL_MESSAGE, CALL_ENDED };

/* What is known about a call before it is routed. All borrowed; NULL or "" when unknown. Numbers as "+E.164". */
struct call_facts {
	enum call_direction direction;
	const char *tenant;       /* whose it is; only his rules are asked. NULL or "": there are no tenants */
	const char *to;           /* business number; outbound: the user's number */
	const char *from;         /* user's number, or "" when only the BSUID is known; outbound: SIP From user */
	const char *from_user_id; /* BSUID */
	const char *name;         /* profile name */
	const char *payload;      /* deeplink or call-button payload */
	const char *phone_number_id;
	const char *call_id;        /* our call id */
	const char *gateway;        /* outbound: the gateway it came from, or the digest user */
	const char *text;           /* message: what the user wrote, or the title he tapped */
	const char *reply_id;       /* message: id or payload of the button or list row */
	const char *status, *cause; /* ended: "completed", "missed" ...; name from the cause table */
	const char *call_direction; /* ended: "inbound", "outbound" */
	unsigned duration_s;        /* ended */
	uint64_t random;            /* chooses among gateways with weights; 0: the first with a weight */
};

enum route_kind {
	ROUTE_NONE,
	ROUTE_BRIDGE,   /* inbound */
	ROUTE_REJECT,   /* inbound, outbound */
	ROUTE_WHATSAPP, /* outbound */
	ROUTE_ACTIONS,  /* message, ended */
	ROUTE_ASK,      /* any: an HTTP service says what to do */
};
enum {
	ROUTE_GATEWAYS_MAX = 8,
	ROUTE_HEADERS_MAX = 16,
	ROUTE_ACTIONS_MAX = 8,
	ROUTE_PARAMETERS_MAX = 8,
	ROUTE_FAILOVER_MAX = 16
};

/* After which causes the next gateway is called. */
struct route_failover {
	size_t count; /* 0: not said, the call logic's own */
	const char *causes[ROUTE_FAILOVER_MAX];
};

struct route_header {
	const char *name, *value; /* value expanded, CR/LF and control characters removed */
};

/* A message template of Meta's. name "": none. */
struct route_template {
	const char *name, *language; /* "en_US" */
	size_t parameter_count;
	const char *parameters[ROUTE_PARAMETERS_MAX]; /* expanded */
};

/* What to do when the user has not allowed calls. */
struct route_permission {
	bool request;                   /* ask him and park the call; false: refuse at once */
	unsigned park_s;                /* how long it stays parked; 0: 86400; at most 7 days */
	const char *text;               /* of the interactive request, inside the 24 h window; "" : a default text */
	struct route_template template; /* outside of it; name "": then refuse */
};

struct route_whatsapp {
	const char *number; /* business number, +E.164; "" : the X-WA-Number-Id header's, or the only one there is */
	const char *user;   /* number to dial, expanded; "" : the dialled one */
	unsigned timeout_s; /* WhatsApp ring time; 0: the default */
	bool ringback;      /* our ringback tone as early media, instead of a bare 180 */
	struct route_permission permission;
};

enum route_action_kind { ROUTE_SEND_TEXT, ROUTE_SEND_TEMPLATE, ROUTE_CALL_BUTTON, ROUTE_CALL_BACK };
struct route_action {
	enum route_action_kind kind;
	const char *text;                  /* SEND_TEXT, CALL_BUTTON */
	const char *button_text, *payload; /* CALL_BUTTON */
	unsigned ttl_minutes;
	struct route_template template; /* SEND_TEMPLATE */
	struct {
		size_t gateway_count;
		const char *gateways[ROUTE_GATEWAYS_MAX];
		bool parallel;
		struct route_failover failover;
		const char *user, *caller_id, *display_name; /* as for bridge */
		bool agent_first;                            /* ring the SIP side first; else the user */
		unsigned timeout_s, agent_timeout_s;         /* WhatsApp ring time, SIP ring time; 0: default */
		bool chat_context;                           /* the user's last texts in X-WA-Chat */
		size_t header_count;
		struct route_header headers[ROUTE_HEADERS_MAX];
		struct route_permission permission;
	} call_back;
};

struct route_ask {
	const char *url;
	unsigned timeout_ms; /* 1000 when not said */
	const char
		*fallback; /* name of the rule that holds when no usable answer comes; "" : the rules after this one */
};

/* Templates are expanded with the call's facts: {from} {to} {name} {payload} {call_id} {from_user_id} {number_id}
 * {tenant}; "{{" is a brace. {text} {status} {cause} {duration} (m:ss) where there are such. An unknown placeholder is
 * a configuration error, an unknown fact is "". */
struct route {
	enum route_kind kind; /* ROUTE_NONE: no rule matched */
	const char *rule;     /* its name */
	/* ROUTE_BRIDGE */
	size_t gateway_count;
	const char *gateways[ROUTE_GATEWAYS_MAX]; /* names, in the order in which they are tried */
	bool parallel;                            /* all at once; failover is empty then */
	bool accept_early;                        /* the call is accepted on early media (never with parallel) */
	unsigned timeouts_s[ROUTE_GATEWAYS_MAX];  /* ring time of each gateway; 0: timeout_s */
	struct route_failover failover;
	const char *user; /* user part of the Request-URI, expanded and safe for one; "" : the called number's digits */
	const char *caller_id;    /* From user part, expanded, not escaped; "" : the user's number */
	const char *display_name; /* expanded; "" : the profile name */
	unsigned timeout_s;       /* ring time, in parallel that of all together; 0: the default */
	size_t header_count;
	struct route_header headers[ROUTE_HEADERS_MAX];
	/* ROUTE_REJECT */
	const char *cause;              /* name from the cause table (b2bua/call/cause.def) */
	struct route_whatsapp whatsapp; /* ROUTE_WHATSAPP */
	size_t action_count;            /* ROUTE_ACTIONS, in order */
	const struct route_action *actions;
	struct route_ask ask; /* ROUTE_ASK */
};

/* Results live in the arena and borrow from the dialplan (keep it while the call is routed; names are copied). wall_ms:
 * time of the call. Returns 0 (ret_route->kind says what) or -ENOMEM. */
int dialplan_route(const struct dialplan *dp, const struct call_facts *facts, uint64_t wall_ms, struct arena *arena,
	struct route *ret_route);

/* What a rule wants beside its actions, from when both sides can talk. Texts are "" where nothing is said. */
struct route_record {
	const char *path;     /* template, as in recording.path */
	const char *format;   /* "wav", "opus" */
	const char *announce; /* who hears the announcement: "none", "user", "both" */
};
struct route_fork {
	const char *to;         /* ADDRESS:PORT */
	const char *directions; /* "both", "user", "agent" */
	const char *format;     /* "pcmu", "l16" */
};
struct route_extras {
	const struct route_record *record; /* NULL: not recorded */
	const struct route_fork *fork;     /* NULL: not copied */
};
/* Of the rule of this name; nothing when there is none. Lives as long as the dialplan. */
struct route_extras dialplan_extras(const struct dialplan *dp, const char *rule);

/* After ROUTE_ASK without a usable answer: the rule its fallback names (its action, whatever its conditions), or the
 * first match among the rules after route->rule. Never a second ROUTE_ASK: such rules are passed over. */
int dialplan_route_fallback(const struct dialplan *dp, const struct call_facts *facts, uint64_t wall_ms,
	const struct route *asked, struct arena *arena, struct route *ret_route);
/* The answer of an asked service, {"actions": [...]} in the words of a rule's actions, checked by the same schema and
 * names as the file. Returns 0, -EBADMSG (why[cap] names the key) or -ENOMEM. ret_route->rule stays the asking rule's
 * name. */
int dialplan_read_answer(const struct dialplan *dp, const struct call_facts *facts, const char *json, size_t length,
	const struct route *asked, struct arena *arena, struct route *ret_route, char *why, size_t why_cap);

/* Why each rule did or did not match, one line a rule, for route-test: calls fn for every rule up to and including the
 * match. */
void dialplan_explain(const struct dialplan *dp, const struct call_facts *facts, uint64_t wall_ms,
	void (*fn)(const char *rule, bool matched, const char *why, void *arg), void *arg);

size_t dialplan_rule_count(const struct dialplan *dp);
struct dialplan *dialplan_free(struct dialplan *dp);

#endif
