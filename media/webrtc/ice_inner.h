/* media/webrtc/ice_inner.h
 *
 * Between ice.c (state, time, what goes out) and ice_request.c (the peer's checks). Not for others.
 */
#ifndef MEDIA_WEBRTC_ICE_INNER_H
#define MEDIA_WEBRTC_ICE_INNER_H

#include "media/webrtc/ice.h"

/* A Binding request from the peer: check it, answer it, learn from it. */
void ice_on_request(
	struct ice *ice, const struct stun_msg *m, const void *bytes, const struct addr *from, uint64_t now_us);

struct ice_pair *ice_pair_of(struct ice *ice, const struct addr *remote); /* or NULL */
/* NULL when the table is full. */
struct ice_pair *ice_pair_add(struct ice *ice, const struct addr *remote, uint32_t priority, uint64_t now_us);
/* A new check of this pair at once, with a transaction id of its own. */
void ice_pair_restart(struct ice *ice, struct ice_pair *p, uint64_t now_us);
void ice_nominate(struct ice *ice, const struct ice_pair *p, uint64_t now_us);
/* Controlling becomes controlled or the reverse (RFC 8445 s7.2.5.1, s7.3.1.1); what is in progress starts again in the
 * new role. */
void ice_switch_role(struct ice *ice, uint64_t now_us);

#endif
