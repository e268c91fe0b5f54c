/* b2bua/sip/uri.h
 *
 * SIP URIs and the header text made from outside data: read strictly, written so that nothing can leave its place.
 * Pure.
 */
#ifndef B2BUA_SIP_URI_H
#define B2BUA_SIP_URI_H

#include "b2bua/sip/sip.h"

enum {
	SIP_URI_MAX = 512,       /* text of a URI, with terminator */
	SIP_NAME_ADDR_MAX = 768, /* display name and URI */
};

/* Points into the text it was read from. */
struct sip_uri {
	const char *user; /* escaped; user_length 0: none */
	size_t user_length;
	const char *host; /* IPv6 with brackets */
	size_t host_length;
	uint16_t port;                /* 0: none */
	enum sip_transport transport; /* SIP_UDP when none is named (RFC 3263 s4.1 for numeric hosts) */
	bool transport_given;
};

/* RFC 3261 s19.1, narrowed: no headers ('?': the library reads past their end), no password. Returns 0 or -EINVAL. */
int sip_uri_parse(const char *text, struct sip_uri *ret_uri);

/* "host", "host:port", "[v6]:port". Returns 0 or -EINVAL; *ret_port 0: none. */
int sip_hostport_parse(const char *text, size_t *ret_host_length, uint16_t *ret_port);

/* "<sip:user@host>" of a URI without its port and parameters, for To. Returns 0 or -ENAMETOOLONG. */
int sip_to_build(char *dst, size_t cap, const struct sip_uri *uri);

/* From: "display" <sip:user@domain>. No user: anonymous (RFC 3323 s4.1.1.3). Whatever user and display hold is escaped,
 * cut or replaced; %HH in user is taken as escaped. Returns 0, -EINVAL (domain is not a host) or -ENAMETOOLONG. */
int sip_from_build(char *dst, size_t cap, const char *display, const char *user, const char *domain);

#endif
