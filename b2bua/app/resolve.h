/* b2bua/app/resolve.h
 *
 * Host names of SIP URIs to addresses, for the doctor only (it blocks on DNS); what runs asks sip_names_watch().
 */
#ifndef B2BUA_APP_RESOLVE_H
#define B2BUA_APP_RESOLVE_H

#include "lib/base/addr.h"

#include <stddef.h>

/* "sip:host[:port][;params]" or with a user part. Returns 0 with at least one address, or -EINVAL / -EHOSTUNREACH with
 * why for people. */
int resolve_sip_uri(const char *uri, struct addr *addrs, size_t cap, size_t *ret_count, char *why, size_t why_cap);

#endif
