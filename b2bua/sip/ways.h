/* b2bua/sip/ways.h
 *
 * Inside of b2bua/sip: over which connections the requests of one leg, or of one watch of a gateway, travel, and what
 * became of the last. Owner: control thread.
 */
#ifndef B2BUA_SIP_WAYS_H
#define B2BUA_SIP_WAYS_H

#include "b2bua/sip/sip.h"

struct way {
	unsigned policy;        /* of TLS: tls_policy_find(); 0: the stack's own */
	bool came_in;           /* the peer called us: it has a connection of its own making, perhaps */
	const char *to;         /* URI that they are sent to; NULL or "": that is in the request */
	const void *connection; /* the last request's, the library's; compared, never looked into */
	bool heard;             /* somebody answered it, if only with 100 */
	char *why;              /* what went wrong, for people, until somebody is heard; NULL: nothing, or unknown */
};

/* Requests that go this way begin with this policy. Returns 0, or -EINVAL: not one of the stack's. */
int way_init(struct way *w, const struct sip_stack *s, const struct sip_tls *tls);
void way_done(struct way *w);
void way_heard(struct way *w);
const char *way_why(const struct way *w); /* "" nothing, or unknown */
/* That connection of the library's came to nothing. before: of what is known already, what came first is kept. */
void ways_failed(const void *connection, const char *why, bool first_counts);

#endif
