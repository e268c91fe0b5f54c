/* b2bua/sip/headers.h
 *
 * The header lines an INVITE gets beside those the stack writes. Pure.
 */
#ifndef B2BUA_SIP_HEADERS_H
#define B2BUA_SIP_HEADERS_H

#include "b2bua/sip/sip.h"

enum { SIP_HEADERS_MAX = 8192 };

/* "Name: value\r\n..." of pai_uri ("" or NULL: none) and headers; one without a value is left out. Returns 0, -EINVAL
 * (name or URI) or -ENAMETOOLONG. */
int headers_build(char *dst, size_t cap, const char *pai_uri, const struct sip_header *headers, size_t count);

#endif
