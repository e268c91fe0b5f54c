/* b2bua/call/headers.h
 *
 * Text that came from Meta or from the dialplan, made safe for SIP; and the X-WA-* headers of an INVITE.
 */
#ifndef B2BUA_CALL_HEADERS_H
#define B2BUA_CALL_HEADERS_H

#include "dialplan/dialplan.h"
#include "lib/base/arena.h"

#include <stddef.h>

/* A header value: control characters out (so no line can be begun), what is not UTF-8 replaced by '?', outer blanks
 * cut, at most max_chars bytes, cut between characters. NULL in gives "". NULL: out of memory. */
char *header_text(struct arena *a, const char *text, size_t max_chars);

/* User part of a SIP URI: what RFC 3261 s25.1 does not allow there is percent-escaped. NULL: out of memory. */
char *header_uri_user(struct arena *a, const char *text, size_t max_chars);

/* "+1 202 555-0123" -> "12025550123". NULL: out of memory. */
char *header_digits(struct arena *a, const char *text);

/* What a call tells the SIP side about itself. */
struct header_facts {
	const char *tenant, *wacid, *phone_number_id, *user_number, *user_id, *profile_name, *payload;
};
/* X-WA-Call-Id, X-WA-Number-Id, X-WA-User, X-WA-User-Id, X-WA-Name, X-WA-Payload, X-WA-Tenant (each only when known),
 * then the route's own (borrowed); where both name the same header, the route's stands. Returns 0 or -ENOMEM. */
int header_list(struct arena *a, const struct header_facts *facts, const struct route_header *route, size_t route_count,
	const struct route_header **ret_headers, size_t *ret_count);

#endif
