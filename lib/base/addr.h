/* lib/base/addr.h
 *
 * An IPv4 or IPv6 transport address. Plain value, all pure but for nothing: no name look-ups here.
 */
#ifndef LIB_BASE_ADDR_H
#define LIB_BASE_ADDR_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

enum { ADDR_TEXT_MAX = 56 }; /* "[ipv6]:port" with terminator */

struct addr {
	union {
		struct sockaddr sa;
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
	} u; /* sa_family AF_UNSPEC (0): no address */
};

/* Numeric host only. Returns 0 or -EINVAL. */
int addr_set(struct addr *a, const char *host, uint16_t port);
/* "127.0.0.1:5060", "[::1]:5060". Returns 0 or -EINVAL. */
int addr_parse(const char *text, struct addr *ret_addr);
void addr_from_sockaddr(struct addr *a, const struct sockaddr *sa, socklen_t length);
const char *addr_format(const struct addr *a, char *dst, size_t cap); /* with port */
const char *addr_host(const struct addr *a, char *dst, size_t cap);   /* without port, no brackets */
uint16_t addr_port(const struct addr *a);
void addr_set_port(struct addr *a, uint16_t port);
socklen_t addr_len(const struct addr *a);
bool addr_is_set(const struct addr *a);
bool addr_is_v6(const struct addr *a);
bool addr_is_any(const struct addr *a);                           /* 0.0.0.0 or :: */
bool addr_equal(const struct addr *a, const struct addr *b);      /* host and port; IPv4-mapped IPv6 equals IPv4 */
bool addr_equal_host(const struct addr *a, const struct addr *b); /* host only */

/* "10.0.0.0/8", "192.0.2.7", "2001:db8::/32". */
struct addr_net {
	struct addr base;
	uint8_t prefix_bits;
};
int addr_net_parse(const char *text, struct addr_net *ret_net);
bool addr_net_holds(const struct addr_net *net, const struct addr *a);

#endif
