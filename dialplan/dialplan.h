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

enum call_direction { CALL_INBOUND, CALL_OUTBOUND, CALL_MESSAGE }; /* inbound: a WhatsApp user calls the business */

/* What is known about a call before it is routed. All borrowed; NULL or "" when unknown. Numbers as "+E.164". */
struct call_facts {
	enum call_direction direction;
	const char *to;           /* business number */
	const char *from;         /* user's number, or "" when only the BSUID is known */
	const char *from_user_id; /* BSUID */
	const char *name;         /* profile name */
	const char *payload;      /* deeplink or call-button payload */
	const char *phone_number_id;
	const char *call_id; /* our call id */
	const char *gateway; /* outbound only (later): where it came from */
};

enum route_kind { ROUTE_NONE, ROUTE_BRIDGE, ROUTE_REJECT };
enum { ROUTE_GATEWAYS_MAX = 8, ROUTE_HEADERS_MAX = 16 };

struct route_header {
	const char *name, *value; /* value expanded, CR/LF and control characters removed */
};

/* Templates are expanded with the call's facts: {from} {to} {name} {payload} {call_id} {from_user_id} {number_id}; "{{"
 * is a brace. An unknown placeholder is a configuration error, an unknown fact is "". */
struct route {
	enum route_kind kind; /* ROUTE_NONE: no rule matched */
	const char *rule;     /* its name */
	/* ROUTE_BRIDGE */
	size_t gateway_count;
	const char *gateways[ROUTE_GATEWAYS_MAX]; /* names; the first is used (failover, forking: later) */
	const char *user; /* user part of the Request-URI, expanded and safe for one; "" : the called number's digits */
	const char *caller_id;    /* From user part, expanded, not escaped; "" : the user's number */
	const char *display_name; /* expanded; "" : the profile name */
	unsigned timeout_s;       /* ring time; 0: the default */
	size_t header_count;
	struct route_header headers[ROUTE_HEADERS_MAX];
	/* ROUTE_REJECT */
	const char *cause; /* name from the cause table (b2bua/call/cause.def) */
};

/* Results live in the arena and borrow from the dialplan (keep it while the call is routed; names are copied). wall_ms:
 * time of the call. Returns 0 (ret_route->kind says what) or -ENOMEM. */
int dialplan_route(const struct dialplan *dp, const struct call_facts *facts, uint64_t wall_ms, struct arena *arena,
	struct route *ret_route);

/* Why each rule did or did not match, one line a rule, for route-test: calls fn for every rule up to and including the
 * match. */
void dialplan_explain(const struct dialplan *dp, const struct call_facts *facts, uint64_t wall_ms,
	void (*fn)(const char *rule, bool matched, const char *why, void *arg), void *arg);

size_t dialplan_rule_count(const struct dialplan *dp);
struct dialplan *dialplan_free(struct dialplan *dp);

#endif
