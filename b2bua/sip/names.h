/* b2bua/sip/names.h
 *
 * Inside of b2bua/sip: the host names of gateways, kept looked up: asked again when an answer's time is over, without
 * anybody waiting for it. An answer is good until there is a newer one, also when the DNS fails meanwhile.
 */
#ifndef B2BUA_SIP_NAMES_H
#define B2BUA_SIP_NAMES_H

#include "b2bua/sip/places.h"
#include "b2bua/sip/stack.h"

/* The places of this URI's name in the order to try them now. Returns their number; 0: not a name that is watched, or
 * not yet answered. */
size_t names_places(struct sip_stack *s, const char *uri, struct place places[PLACES_MAX]);
/* Watched, and the first answer is on its way. */
bool names_awaited(const struct sip_stack *s, const char *uri);
/* As above; the nth (from 0, round and round) as a URL to send to, with the name in it. False: none. */
bool names_place_url(
	struct sip_stack *s, const char *uri, unsigned nth, struct place *ret_place, char dst[SIP_URI_MAX]);
void names_free(struct sip_stack *s);

#endif
