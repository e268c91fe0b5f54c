/* dialplan/header_name.h
 *
 * Inside dialplan: which SIP headers a dialplan may set.
 */
#ifndef DIALPLAN_HEADER_NAME_H
#define DIALPLAN_HEADER_NAME_H

#include <stdbool.h>

bool header_name_is_token(const char *name); /* RFC 3261 s25.1, at most 64 characters */
/* One the SIP stack or the call logic writes itself, in long or compact form. */
bool header_name_is_reserved(const char *name);

#endif
