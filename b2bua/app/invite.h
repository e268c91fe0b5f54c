/* b2bua/app/invite.h
 *
 * From the call logic's INVITE action to what the SIP stack is given, with the manners of the gateway: names of
 * headers, who the caller is, form of numbers. Nothing but data; route-test shows the same.
 */
#ifndef B2BUA_APP_INVITE_H
#define B2BUA_APP_INVITE_H

#include "b2bua/app/dial.h"
#include "b2bua/sip/uri.h"

struct invite_parts {
	struct sip_invite invite; /* points into the rest, into the action and the configuration */
	struct sip_header headers[ROUTE_HEADERS_MAX + 16];
	char target[TARGET_URI_MAX], pai[SIP_URI_MAX], from[GATEWAY_USER_MAX], asserted[GATEWAY_USER_MAX];
};

/* What templates are filled in with: of a call, whoever called. */
struct call_facts invite_facts(const struct call_report *rep, const char *tenant);

/* facts: of the call, for templates, with our number in `to` and the user's in `from`, whoever called. Texts of
 * templates go into the arena. leg_arg is left NULL. Returns 0, -EINVAL (no URI came out) or -ENOMEM. */
int invite_make(const struct config *c, const struct call_action *a, const struct call_facts *facts,
	struct arena *arena, struct invite_parts *ret);

#endif
