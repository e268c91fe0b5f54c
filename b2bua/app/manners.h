/* b2bua/app/manners.h
 *
 * What a gateway wants to read in an INVITE of ours: under which header names call data come, and who the caller is.
 * Part of the configuration, immutable. invite.c applies it.
 */
#ifndef B2BUA_APP_MANNERS_H
#define B2BUA_APP_MANNERS_H

#include "dialplan/template.h"

#include <stdbool.h>

/* Call data that travel in headers. */
enum manners_fact {
	MANNERS_CALL_ID,
	MANNERS_NUMBER_ID,
	MANNERS_USER,
	MANNERS_USER_ID,
	MANNERS_NAME,
	MANNERS_PAYLOAD,
	MANNERS_TENANT,
	MANNERS_FACT_COUNT
};

enum manners_from { MANNERS_FROM_USER, MANNERS_FROM_NUMBER, MANNERS_FROM_ANONYMOUS, MANNERS_FROM_TEXT };

struct manners {
	const char *header[MANNERS_FACT_COUNT]; /* NULL: the name the call logic uses (X-WA-...); "" : not sent */
	enum manners_from from;                 /* user part of From, when the rule says no caller_id */
	struct template from_text;              /* MANNERS_FROM_TEXT */
	bool has_name;                          /* display name, when the rule says none */
	struct template name;
	bool pai;           /* P-Asserted-Identity: the user's number */
	const char *domain; /* host of From and P-Asserted-Identity; NULL: sip.domain */
};

/* "call_id", for messages and the file. */
const char *manners_fact_key(enum manners_fact fact);
/* "X-WA-Call-Id": how the call logic names it. */
const char *manners_fact_header(enum manners_fact fact);

struct load;
struct gateway_yaml;
/* Read and check; faults go where those of the load go. i: of the gateway. */
void manners_load(struct load *ld, unsigned i, const struct gateway_yaml *y, struct arena *arena, struct manners *ret);

#endif
