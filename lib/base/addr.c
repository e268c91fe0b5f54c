/* lib/base/addr.c */
#include "lib/base/addr.h"

#include "lib/base/str.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

int addr_set(struct addr *a, const char *host, uint16_t port)
{
	struct addr new = {0};
	char bare[INET6_ADDRSTRLEN];
	size_t length = host ? strlen(host) : 0;

	/* URIs write IPv6 in brackets (RFC 3986 s3.2.2), SDP does not: take both. */
	if (length > 2 && host[0] == '[' && host[length - 1] == ']') {
		if (str_copy_n(bare, sizeof(bare), host + 1, length - 2) || !strchr(bare, ':'))
			return -EINVAL;
		host = bare;
	}
	if (!length)
		return -EINVAL;
	if (inet_pton(AF_INET, host, &new.u.in.sin_addr) == 1)
		new.u.sa.sa_family = AF_INET;
	else if (inet_pton(AF_INET6, host, &new.u.in6.sin6_addr) == 1)
		new.u.sa.sa_family = AF_INET6;
	else
		return -EINVAL;
	addr_set_port(&new, port);
	*a = new;
	return 0;
}

int addr_parse(const char *text, struct addr *ret_addr)
{
	char host[ADDR_TEXT_MAX];
	const char *colon = text ? strrchr(text, ':') : NULL;
	uint64_t port;

	if (!colon || str_copy_n(host, sizeof(host), text, (size_t)(colon - text)))
		return -EINVAL;
	/* Without brackets "::1" would read as host ":" and port 1. */
	if (strchr(host, ':') && host[0] != '[')
		return -EINVAL;
	if (str_to_u64(colon + 1, 0, UINT16_MAX, &port))
		return -EINVAL;
	return addr_set(ret_addr, host, (uint16_t)port);
}

void addr_from_sockaddr(struct addr *a, const struct sockaddr *sa, socklen_t length)
{
	struct addr new = {0};

	if (sa && length >= sizeof(new.u.in) && sa->sa_family == AF_INET)
		memcpy(&new.u.in, sa, sizeof(new.u.in));
	else if (sa && length >= sizeof(new.u.in6) && sa->sa_family == AF_INET6)
		memcpy(&new.u.in6, sa, sizeof(new.u.in6));
	*a = new;
}

const char *addr_host(const struct addr *a, char *dst, size_t cap)
{
	const void *bytes = addr_is_v6(a) ? (const void *)&a->u.in6.sin6_addr : (const void *)&a->u.in.sin_addr;
	char text[INET6_ADDRSTRLEN];

	if (!addr_is_set(a) || !inet_ntop(a->u.sa.sa_family, bytes, text, sizeof(text)))
		(void)str_copy(text, sizeof(text), "-");
	(void)str_copy(dst, cap, text);
	return dst;
}

const char *addr_format(const struct addr *a, char *dst, size_t cap)
{
	char host[INET6_ADDRSTRLEN];

	addr_host(a, host, sizeof(host));
	if (!addr_is_set(a))
		(void)str_copy(dst, cap, host);
	else
		snprintf(dst, cap, addr_is_v6(a) ? "[%s]:%u" : "%s:%u", host, addr_port(a));
	return dst;
}

uint16_t addr_port(const struct addr *a)
{
	if (a->u.sa.sa_family == AF_INET)
		return ntohs(a->u.in.sin_port);
	return addr_is_v6(a) ? ntohs(a->u.in6.sin6_port) : 0;
}

void addr_set_port(struct addr *a, uint16_t port)
{
	if (a->u.sa.sa_family == AF_INET)
		a->u.in.sin_port = htons(port);
	else if (addr_is_v6(a))
		a->u.in6.sin6_port = htons(port);
}

socklen_t addr_len(const struct addr *a)
{
	if (a->u.sa.sa_family == AF_INET)
		return sizeof(a->u.in);
	return addr_is_v6(a) ? sizeof(a->u.in6) : 0;
}

bool addr_is_set(const struct addr *a)
{
	return a->u.sa.sa_family == AF_INET || a->u.sa.sa_family == AF_INET6;
}

bool addr_is_v6(const struct addr *a)
{
	return a->u.sa.sa_family == AF_INET6;
}

/* An address as its bare bytes; IPv4-mapped IPv6 (RFC 4291 s2.5.5.2) as the IPv4 address it is. 0 bytes: none. */
static size_t host_bytes(const struct addr *a, const uint8_t **ret_bytes)
{
	if (a->u.sa.sa_family == AF_INET) {
		*ret_bytes = (const uint8_t *)&a->u.in.sin_addr;
		return 4;
	}
	if (!addr_is_v6(a)) {
		*ret_bytes = NULL;
		return 0;
	}
	*ret_bytes = a->u.in6.sin6_addr.s6_addr;
	if (!IN6_IS_ADDR_V4MAPPED(&a->u.in6.sin6_addr))
		return 16;
	*ret_bytes += 12;
	return 4;
}

bool addr_is_any(const struct addr *a)
{
	static const uint8_t zeros[16];
	const uint8_t *bytes;
	size_t n = host_bytes(a, &bytes);
	return n && memcmp(bytes, zeros, n) == 0;
}

bool addr_equal_host(const struct addr *a, const struct addr *b)
{
	const uint8_t *in_a, *in_b;
	size_t n = host_bytes(a, &in_a);
	return n == host_bytes(b, &in_b) && (!n || memcmp(in_a, in_b, n) == 0);
}

bool addr_equal(const struct addr *a, const struct addr *b)
{
	return addr_equal_host(a, b) && addr_port(a) == addr_port(b);
}

int addr_net_parse(const char *text, struct addr_net *ret_net)
{
	const char *slash = text ? strchr(text, '/') : NULL;
	char host[ADDR_TEXT_MAX];
	struct addr_net net = {0};
	const uint8_t *bytes;
	uint64_t bits, max;

	if (!text || str_copy_n(host, sizeof(host), text, slash ? (size_t)(slash - text) : strlen(text)))
		return -EINVAL;
	if (addr_set(&net.base, host, 0))
		return -EINVAL;
	max = bits = addr_is_v6(&net.base) ? 128 : 32;
	if (slash && str_to_u64(slash + 1, 0, max, &bits))
		return -EINVAL;
	/* addr_net_holds() compares mapped addresses as IPv4: count the prefix in those bits too. */
	if (max == 128 && host_bytes(&net.base, &bytes) == 4) {
		if (bits < 96)
			return -EINVAL;
		bits -= 96;
	}
	net.prefix_bits = (uint8_t)bits;
	*ret_net = net;
	return 0;
}

bool addr_net_holds(const struct addr_net *net, const struct addr *a)
{
	const uint8_t *in_net, *in_a;
	size_t n = host_bytes(&net->base, &in_net);
	size_t whole = net->prefix_bits / 8;
	unsigned rest = net->prefix_bits % 8;

	if (!n || n != host_bytes(a, &in_a) || whole > n)
		return false;
	if (memcmp(in_net, in_a, whole))
		return false;
	return !rest || (in_net[whole] ^ in_a[whole]) >> (8 - rest) == 0;
}
