/* b2bua/sip/reason.h
 *
 * The Reason header (RFC 3326): why a request ends a call. Pure.
 */
#ifndef B2BUA_SIP_REASON_H
#define B2BUA_SIP_REASON_H

#include <sofia-sip/sip.h>
#include <stddef.h>

enum { REASON_MAX = 320 };

/* SIP;cause=480;text="...", Q.850;cause=19;text="..." ; a part whose code is 0 is left out, both 0 give "". text may be
 * NULL. */
const char *reason_build(char dst[REASON_MAX], int sip_code, int q850, const char *text);

/* Q.850 cause of a message's Reason headers, 1 to 127; 0: none. Accepts NULL. */
int reason_q850(const sip_reason_t *reason);

#endif
