/* b2bua/sip/lookup.h
 *
 * Inside of b2bua/sip: one question to the DNS, by the library's own resolver on the control thread: what places does
 * this URI have? RFC 3263 s4.1, s4.2:
 *
 *   port named                 addresses of the host
 *   transport named            _sip._udp, _sip._tcp or _sips._tcp SRV, else addresses with the transport's usual port
 *   neither                    NAPTR, else SRV of each transport that we have, else addresses, by UDP
 *
 * IPv4 addresses. Answers are kept by the resolver as long as their TTL says. Owner: control thread.
 */
#ifndef B2BUA_SIP_LOOKUP_H
#define B2BUA_SIP_LOOKUP_H

#include "b2bua/sip/places.h"

struct loop;
struct resolver;

/* server: "127.0.0.1:5353"; "" : those of the system. Returns 0, -EINVAL, -ENOMEM, or why its file could not be
 * written. */
int resolver_new(struct loop *l, const char *server, struct resolver **ret_resolver);
/* Never from a lookup's answer. Accepts NULL; returns NULL. */
struct resolver *resolver_free(struct resolver *r);
/* The resolv.conf it goes by, NULL: the system's. For the library's own resolvers. */
const char *resolver_conf_path(const struct resolver *r);

struct lookup_answer {
	const struct place *places;
	size_t count;   /* 0: why says why */
	unsigned ttl_s; /* how long it holds */
	const char *why;
};

struct lookup;
/* have: transports that we can send by, as bits. done comes later, once, never from inside; the lookup is gone then.
 * Returns 0 or -ENOMEM. */
int lookup_start(struct resolver *r, const struct sip_uri *uri, unsigned have,
	void (*done)(const struct lookup_answer *answer, void *arg), void *arg, struct lookup **ret_lookup);
/* done will not come. Accepts NULL; returns NULL. */
struct lookup *lookup_cancel(struct lookup *l);

#endif
