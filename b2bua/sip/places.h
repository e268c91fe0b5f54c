/* b2bua/sip/places.h
 *
 * Inside of b2bua/sip: where a request for a URI may be sent, one place after the other (RFC 3263 s4). Pure.
 */
#ifndef B2BUA_SIP_PLACES_H
#define B2BUA_SIP_PLACES_H

#include "b2bua/sip/uri.h"

enum { PLACES_MAX = 16 };

struct place {
	enum sip_transport transport;
	struct addr addr;          /* with port */
	uint16_t priority, weight; /* RFC 2782: lower priority first; among equals by weight */
};

/* Put them in the order in which they are to be tried now: RFC 2782's draw by weight among those of equal priority.
 * random: a number for each draw. */
void places_order(struct place *places, size_t count, uint32_t (*random)(void *arg), void *arg);

/* "sip:HOST:PORT;maddr=ADDRESS;transport=tcp": sent to that address, while the name stays known (for TLS). Returns 0 or
 * -ENAMETOOLONG. */
int place_url(char *dst, size_t cap, const struct place *place, const char *host);

#endif
