/* b2bua/sip/uri.c
 *
 * sip:user@host:port;transport=udp, read by our own hand: what is not in the grammar of RFC 3261 s25.1 is refused, so
 * that the text can be put into a request line as it is.
 */
#include "b2bua/sip/uri.h"

#include "b2bua/sip/text.h"
#include "lib/base/str.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

enum {
	DISPLAY_MAX = 128, /* bytes of a display name we send on */
	USER_MAX = 64,     /* of a user part made from outside text, before escaping */
	HOST_MAX = 253,    /* RFC 1035 s2.3.4 */
};

static bool is_alnum(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

static bool is_hex(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'F') || (c >= 'a' && c <= 'f');
}

static bool is_one_of(char c, const char *set)
{
	return c && strchr(set, c);
}

/* Every character a letter, a digit, one of marks, or %HH. */
static bool holds_only(const char *p, size_t length, const char *marks)
{
	for (size_t i = 0; i < length; i++) {
		if (is_alnum(p[i]) || is_one_of(p[i], marks))
			continue;
		if (p[i] != '%' || length - i < 3 || !is_hex(p[i + 1]) || !is_hex(p[i + 2]))
			return false;
		i += 2;
	}
	return true;
}

/* Length of the host at text; 0: none. Letters, digits, '-' and '.', or an IPv6 address in brackets. */
static size_t host_length(const char *text)
{
	size_t n = 0;

	if (*text == '[') {
		struct addr a;
		char v6[48];
		const char *end = strchr(text, ']');
		if (!end || str_copy_n(v6, sizeof(v6), text + 1, (size_t)(end - text - 1)) || addr_set(&a, v6, 0))
			return 0;
		return addr_is_v6(&a) ? (size_t)(end - text + 1) : 0;
	}
	while (is_alnum(text[n]) || text[n] == '-' || text[n] == '.')
		n++;
	if (n == 0 || n > HOST_MAX || text[0] == '-' || text[0] == '.')
		return 0;
	return n;
}

/* ":5060" at *p, if there is one. */
static int port_parse(const char **p, uint16_t *ret_port)
{
	unsigned port = 0;
	const char *digit = *p + 1;

	*ret_port = 0;
	if (**p != ':')
		return 0;
	for (; *digit >= '0' && *digit <= '9' && digit - *p <= 5; digit++)
		port = port * 10 + (unsigned)(*digit - '0');
	if (port == 0 || port > 65535)
		return -EINVAL;
	*ret_port = (uint16_t)port;
	*p = digit;
	return 0;
}

int sip_hostport_parse(const char *text, size_t *ret_host_length, uint16_t *ret_port)
{
	size_t n = host_length(text);
	const char *p = text + n;
	uint16_t port;

	if (n == 0 || port_parse(&p, &port) || *p)
		return -EINVAL;
	*ret_host_length = n;
	*ret_port = port;
	return 0;
}

static int transport_parse(struct sip_uri *u, const char *value, size_t length)
{
	static const struct {
		const char *name;
		enum sip_transport transport;
	} known[] = {{"udp", SIP_UDP}, {"tcp", SIP_TCP}, {"tls", SIP_TLS}};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (length != strlen(known[i].name) || strncasecmp(value, known[i].name, length) != 0)
			continue;
		u->transport = known[i].transport;
		u->transport_given = true;
		return 0;
	}
	return -EINVAL;
}

/* ;name=value;name */
static int params_parse(struct sip_uri *u, const char *p)
{
	while (*p) {
		size_t length, name;
		if (*p++ != ';')
			return -EINVAL;
		length = strcspn(p, ";");
		name = strcspn(p, ";=");
		if (name == 0 || !holds_only(p, name, "-_.!~*'()[]/:&+$"))
			return -EINVAL;
		if (name < length && !holds_only(p + name + 1, length - name - 1, "-_.!~*'()[]/:&+$"))
			return -EINVAL;
		if (name == 9 && strncasecmp(p, "transport", 9) == 0 &&
			(name == length || transport_parse(u, p + name + 1, length - name - 1)))
			return -EINVAL;
		p += length;
	}
	return 0;
}

int sip_uri_parse(const char *text, struct sip_uri *ret_uri)
{
	struct sip_uri u = {0};
	bool sips = strncasecmp(text, "sips:", 5) == 0;
	const char *p = text, *at;

	if (strlen(text) >= SIP_URI_MAX || (!sips && strncasecmp(text, "sip:", 4) != 0))
		return -EINVAL;
	p += sips ? 5 : 4;
	at = strchr(p, '@');
	if (at) {
		u.user = p;
		u.user_length = (size_t)(at - p);
		if (u.user_length == 0 || !holds_only(p, u.user_length, "-_.!~*'()&=+$,;/"))
			return -EINVAL;
		p = at + 1;
	}
	u.host = p;
	u.host_length = host_length(p);
	p += u.host_length;
	if (u.host_length == 0 || port_parse(&p, &u.port) || params_parse(&u, p))
		return -EINVAL;
	if (sips)
		u.transport = SIP_TLS;
	*ret_uri = u;
	return 0;
}

int sip_to_build(char *dst, size_t cap, const struct sip_uri *uri)
{
	struct strbuf sb;

	strbuf_init(&sb, dst, cap);
	strbuf_put(&sb, "<sip:");
	if (uri->user_length) {
		strbuf_put_n(&sb, uri->user, uri->user_length);
		strbuf_put(&sb, "@");
	}
	strbuf_put_n(&sb, uri->host, uri->host_length);
	strbuf_put(&sb, ">");
	return sb.truncated ? -ENAMETOOLONG : 0;
}

/* Escaped already where it holds %HH: the call logic did that. */
static void put_user(struct strbuf *sb, const char *user)
{
	for (size_t i = 0; i < USER_MAX && user[i]; i++) {
		if (is_alnum(user[i]) || is_one_of(user[i], "-_.!~*'()&=+$")) {
			strbuf_put_n(sb, &user[i], 1);
		} else if (user[i] == '%' && is_hex(user[i + 1]) && is_hex(user[i + 2])) {
			strbuf_put_n(sb, &user[i], 3);
			i += 2;
		} else {
			strbuf_printf(sb, "%%%02X", (unsigned)(unsigned char)user[i]);
		}
	}
}

int sip_from_build(char *dst, size_t cap, const char *display, const char *user, const char *domain)
{
	struct strbuf sb;

	strbuf_init(&sb, dst, cap);
	if (!user || !*user) {
		strbuf_put(&sb, "\"Anonymous\" <sip:anonymous@anonymous.invalid>");
		return sb.truncated ? -ENAMETOOLONG : 0;
	}
	size_t n = host_length(domain);
	if (n == 0 || domain[n])
		return -EINVAL;
	if (display && *display) {
		text_put_quoted(&sb, display, DISPLAY_MAX);
		strbuf_put(&sb, " ");
	}
	strbuf_put(&sb, "<sip:");
	put_user(&sb, user);
	strbuf_printf(&sb, "@%s>", domain);
	return sb.truncated ? -ENAMETOOLONG : 0;
}
