/* b2bua/sip/flow.h
 *
 * Inside of b2bua/sip: the connection that a leg which came in is reached over (flow.c says when). Owner: control
 * thread.
 */
#ifndef B2BUA_SIP_FLOW_H
#define B2BUA_SIP_FLOW_H

#include "b2bua/sip/leg.h"

#include <sofia-sip/tport.h>

/* What this request of ours is to be sent over; NULL: by the rules, which say by_rules (NULL: nothing). */
tport_t *flow_of(const struct sip_leg *leg, const sip_t *request, const url_t *by_rules);
void flow_forget(struct sip_leg *leg);
/* A listening socket: connections that are accepted there are found out when their peer is gone without a word. */
void flow_listening(int fd);

#endif
