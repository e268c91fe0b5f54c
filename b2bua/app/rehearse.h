/* b2bua/app/rehearse.h
 *
 * The very INVITE that would be sent: composed by a SIP stack of the same configuration, which is kept from sending it.
 * Nothing but what is random differs from the one of the running program.
 */
#ifndef B2BUA_APP_REHEARSE_H
#define B2BUA_APP_REHEARSE_H

#include "b2bua/app/config.h"

/* What the configuration says to the SIP stack, without any callback. Borrows from c. */
struct sip_stack_conf sip_conf_of(const struct config *c);

/* The message as it would stand on the wire, with words in the place of what is random: branch, From tag, Call-ID,
 * CSeq. registered_user is not looked for: the Request-URI is target_uri. Opens no port that can be reached, asks no
 * name server. Returns 0 with malloc'd text, or -EINVAL (cannot be sent: no listener with this transport), -ENOMEM, or
 * why there is no such stack. */
int rehearse_invite(const struct config *c, const struct sip_invite *invite, char **ret_text);

#endif
