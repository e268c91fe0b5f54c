/* b2bua/app/resolve.c -- see resolve.h */
#include "b2bua/app/resolve.h"

#include "lib/base/str.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>

/* Cut the host out of the URI: no brackets, no port, no parameters. */
static int host_of(const char *uri, char *host, size_t cap)
{
	const char *start, *at;
	size_t length;

	if (!str_starts(uri, "sip:"))
		return -EINVAL;
	start = uri + 4;
	at = strchr(start, '@');
	if (at)
		start = at + 1;
	if (*start == '[') {
		start++;
		length = strcspn(start, "]");
	} else {
		length = strcspn(start, ":;?");
	}
	return length == 0 ? -EINVAL : str_copy_n(host, cap, start, length);
}

int resolve_sip_uri(const char *uri, struct addr *addrs, size_t cap, size_t *ret_count, char *why, size_t why_cap)
{
	const struct addrinfo hints = {.ai_socktype = SOCK_DGRAM};
	struct addrinfo *list = NULL;
	char host[256];
	size_t n = 0;

	if (host_of(uri, host, sizeof(host))) {
		snprintf(why, why_cap, "\"%s\" is not a SIP URI, such as sip:192.0.2.10:5060;transport=udp", uri);
		return -EINVAL;
	}
	if (cap && addr_set(&addrs[0], host, 0) == 0) {
		*ret_count = 1;
		return 0;
	}
	int r = getaddrinfo(host, NULL, &hints, &list);
	if (r) {
		snprintf(why, why_cap, "host %s cannot be resolved: %s", host, gai_strerror(r));
		return -EHOSTUNREACH;
	}
	for (const struct addrinfo *ai = list; ai && n < cap; ai = ai->ai_next)
		addr_from_sockaddr(&addrs[n++], ai->ai_addr, ai->ai_addrlen);
	freeaddrinfo(list);
	if (n == 0) {
		snprintf(why, why_cap, "host %s has no address", host);
		return -EHOSTUNREACH;
	}
	*ret_count = n;
	return 0;
}
