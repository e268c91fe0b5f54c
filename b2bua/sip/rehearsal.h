/* b2bua/sip/rehearsal.h
 *
 * Inside of b2bua/sip: a stack whose conf has on_rehearsed says what it would send, and sends nothing. It is caught at
 * the last step before the wire, in functions that stand before the library's own: what is shown is what the very same
 * code would have sent. Owner: control thread.
 */
#ifndef B2BUA_SIP_REHEARSAL_H
#define B2BUA_SIP_REHEARSAL_H

#include "b2bua/sip/places.h"
#include "b2bua/sip/stack.h"

/* What the library binds between these two is bound where nobody can reach it, and keeps the name it asked for: a
 * running program may have that address, or another machine. */
void rehearsal_begin(const struct sip_stack *s);
void rehearsal_end(void);

/* A message of such a stack is complete, with its Via; next it would be resolved, connected, sent. True: it has been
 * told instead. */
bool rehearsal_takes(msg_t *msg);

/* Where this host name would lead, for nobody is asked in a rehearsal. False: it is none. */
bool rehearsal_place(const struct sip_stack *s, const struct sip_uri *uri, struct place *ret_place);

#endif
