#include "tests/scenario/sip/raw_peer.h"

#include "lib/base/str.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include <cmocka.h>

void raw_open_on(struct raw_peer *p, bool v6)
{
	struct addr a;
	struct sockaddr_storage bound;
	socklen_t length = sizeof(bound);

	memset(p, 0, sizeof(*p));
	assert_int_equal(addr_set(&a, v6 ? "::1" : "127.0.0.1", 0), 0);
	p->fd = socket(a.u.sa.sa_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	assert_true(p->fd >= 0);
	assert_int_equal(bind(p->fd, &a.u.sa, addr_len(&a)), 0);
	assert_int_equal(getsockname(p->fd, (struct sockaddr *)&bound, &length), 0);
	addr_from_sockaddr(&a, (struct sockaddr *)&bound, length);
	p->port = addr_port(&a);
}

void raw_open(struct raw_peer *p)
{
	raw_open_on(p, false);
}

void raw_close(struct raw_peer *p)
{
	close(p->fd);
	p->fd = -1;
}

bool raw_poll(struct raw_peer *p)
{
	socklen_t length = sizeof(p->from);
	ssize_t n = recvfrom(p->fd, p->msg, sizeof(p->msg) - 1, 0, (struct sockaddr *)&p->from, &length);

	p->from_length = length;
	if (n < 0)
		return false;
	p->msg[n] = '\0';
	if (str_starts(p->msg, "INVITE "))
		memcpy(p->invite, p->msg, (size_t)n + 1);
	return true;
}

struct expect {
	struct raw_peer *p;
	const char *start;
};

static bool has_come(void *arg)
{
	struct expect *e = arg;

	if (str_starts(e->p->msg, e->start))
		return true;
	while (raw_poll(e->p))
		if (str_starts(e->p->msg, e->start))
			return true;
	return false;
}

bool raw_silent(struct rig *r, struct raw_peer *p, const char *start, unsigned ms)
{
	p->msg[0] = '\0';
	return !rig_until(r, has_come, &(struct expect){p, start}, ms);
}

bool raw_expect(struct rig *r, struct raw_peer *p, const char *start, unsigned ms)
{
	p->msg[0] = '\0';
	if (rig_until(r, has_come, &(struct expect){p, start}, ms + RIG_GRACE_MS))
		return true;
	print_message("expected %s, last was %.30s\n", start, p->msg);
	return false;
}

const char *raw_header(const char *msg, const char *name, char *dst, size_t cap)
{
	size_t n = strlen(name);

	dst[0] = '\0';
	for (const char *line = strstr(msg, "\r\n"); line; line = strstr(line + 2, "\r\n")) {
		if (strncasecmp(line + 2, name, n) != 0 || line[2 + n] != ':')
			continue;
		const char *value = line + 3 + n + strspn(line + 3 + n, " ");
		str_copy_n(dst, cap, value, strcspn(value, "\r"));
		break;
	}
	return dst;
}

static void put_body(struct strbuf *sb, const char *extra, const char *sdp)
{
	strbuf_put(sb, extra ? extra : "");
	if (sdp)
		strbuf_put(sb, "Content-Type: application/sdp\r\n");
	strbuf_printf(sb, "Content-Length: %zu\r\n\r\n%s", sdp ? strlen(sdp) : 0, sdp ? sdp : "");
	assert_false(sb->truncated);
}

void raw_reply(struct raw_peer *p, const char *msg, const char *status, const char *extra, const char *sdp)
{
	char out[65536], v[2048];
	struct strbuf sb;
	bool in_dialog = strstr(raw_header(msg, "To", v, sizeof(v)), ";tag=");

	strbuf_init(&sb, out, sizeof(out));
	strbuf_printf(&sb, "SIP/2.0 %s\r\n", status);
	strbuf_printf(&sb, "Via: %s\r\n", raw_header(msg, "Via", v, sizeof(v)));
	strbuf_printf(&sb, "From: %s\r\n", raw_header(msg, "From", v, sizeof(v)));
	strbuf_printf(&sb, "To: %s%s\r\n", raw_header(msg, "To", v, sizeof(v)),
		in_dialog || str_starts(status, "100") ? "" : ";tag=raw");
	strbuf_printf(&sb, "Call-ID: %s\r\n", raw_header(msg, "Call-ID", v, sizeof(v)));
	strbuf_printf(&sb, "CSeq: %s\r\n", raw_header(msg, "CSeq", v, sizeof(v)));
	strbuf_printf(&sb, "Contact: <sip:raw@127.0.0.1:%u>\r\n", p->port);
	put_body(&sb, extra, sdp);
	assert_int_equal(
		sendto(p->fd, out, sb.length, 0, (struct sockaddr *)&p->from, p->from_length), (ssize_t)sb.length);
}

void raw_request(struct raw_peer *p, const char *method, unsigned cseq, const char *extra, const char *sdp, char *dst)
{
	static unsigned branch;
	char out[65536], v[2048], uri[256];
	struct strbuf sb;

	raw_header(p->invite, "Contact", v, sizeof(v));
	str_copy_n(uri, sizeof(uri), v + 1, strcspn(v + 1, ">"));
	strbuf_init(&sb, out, sizeof(out));
	strbuf_printf(&sb, "%s %s SIP/2.0\r\n", method, uri);
	strbuf_printf(&sb, "Via: SIP/2.0/UDP 127.0.0.1:%u;branch=z9hG4bKraw%u\r\n", p->port, ++branch);
	strbuf_printf(&sb, "From: %s;tag=raw\r\n", raw_header(p->invite, "To", v, sizeof(v)));
	strbuf_printf(&sb, "To: %s\r\n", raw_header(p->invite, "From", v, sizeof(v)));
	strbuf_printf(&sb, "Call-ID: %s\r\n", raw_header(p->invite, "Call-ID", v, sizeof(v)));
	strbuf_printf(&sb, "CSeq: %u %s\r\nMax-Forwards: 70\r\n", cseq, method);
	strbuf_printf(&sb, "Contact: <sip:raw@127.0.0.1:%u>\r\n", p->port);
	put_body(&sb, extra, sdp);
	if (dst)
		memcpy(dst, out, sb.length + 1);
	else
		assert_int_equal(sendto(p->fd, out, sb.length, 0, (struct sockaddr *)&p->from, p->from_length),
			(ssize_t)sb.length);
}

void raw_send(struct raw_peer *p, uint16_t port, const void *bytes, size_t length)
{
	struct sockaddr_in to = {
		.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};

	(void)sendto(p->fd, bytes, length, 0, (struct sockaddr *)&to, sizeof(to));
}

void raw_ack(struct raw_peer *p, uint16_t port)
{
	static const char *const names[] = {"Via", "From", "To", "Call-ID"};
	char out[4096], v[1024];
	struct strbuf sb;

	strbuf_init(&sb, out, sizeof(out));
	strbuf_printf(&sb, "ACK sip:600@127.0.0.1:%u SIP/2.0\r\n", port);
	for (size_t i = 0; i < 4; i++)
		strbuf_printf(&sb, "%s: %s\r\n", names[i], raw_header(p->msg, names[i], v, sizeof(v)));
	strbuf_put(&sb, "CSeq: 1 ACK\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n");
	raw_send(p, port, out, sb.length);
}

void raw_send_new(struct raw_peer *p, uint16_t port, const char *method, unsigned number, const char *extra)
{
	char out[4096];
	struct strbuf sb;

	strbuf_init(&sb, out, sizeof(out));
	strbuf_printf(&sb, "%s sip:600@127.0.0.1:%u SIP/2.0\r\n", method, port);
	strbuf_printf(&sb, "Via: SIP/2.0/UDP 127.0.0.1:%u;branch=z9hG4bKnew%s%u\r\n", p->port, method, number);
	strbuf_printf(&sb, "From: <sip:x@127.0.0.1>;tag=f%u\r\nTo: <sip:600@127.0.0.1>\r\n", number);
	strbuf_printf(&sb, "Call-ID: new%s%u\r\nCSeq: 1 %s\r\nMax-Forwards: 70\r\n", method, number, method);
	strbuf_printf(&sb, "Contact: <sip:x@127.0.0.1:%u>\r\n", p->port);
	put_body(&sb, extra, str_equal(method, "INVITE") ? rig_offer : NULL);
	raw_send(p, port, out, sb.length);
}

void raw_call_new(struct raw_call *c, struct rig *r, const char *user)
{
	static unsigned number;

	memset(c, 0, sizeof(*c));
	number++;
	(void)snprintf(c->target, sizeof(c->target), "sip:%s@127.0.0.1:%u", user, r->port);
	(void)snprintf(c->to, sizeof(c->to), "<sip:%s@127.0.0.1>", user);
	(void)snprintf(c->call_id, sizeof(c->call_id), "in-%u-%d@pbx", number, (int)getpid());
	(void)snprintf(c->tag, sizeof(c->tag), "pbx%u", number);
	c->cseq = 10;
}

void raw_call_send(struct raw_peer *p, struct rig *r, struct raw_call *c, const char *method, const char *extra,
	const char *type, const char *body)
{
	static unsigned branch;
	bool same_cseq = str_equal(method, "INVITE") || str_equal(method, "ACK") || str_equal(method, "CANCEL");
	char out[65536], own[64];
	struct strbuf sb;

	(void)snprintf(own, sizeof(own), "z9hG4bKin%u-%d", ++branch, (int)getpid());
	if (str_equal(method, "INVITE"))
		memcpy(c->branch, own, sizeof(own));
	else if (str_equal(method, "CANCEL"))
		memcpy(own, c->branch, sizeof(own));
	if (!same_cseq)
		c->cseq++;
	strbuf_init(&sb, out, sizeof(out));
	strbuf_printf(
		&sb, "%s %s SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:%u;branch=%s\r\n", method, c->target, p->port, own);
	strbuf_printf(&sb, "From: \"An\\\"n\" <sip:100@pbx.example>;tag=%s\r\nTo: %s\r\n", c->tag, c->to);
	strbuf_printf(&sb, "Call-ID: %s\r\nCSeq: %u %s\r\nMax-Forwards: 70\r\n", c->call_id, c->cseq, method);
	strbuf_printf(&sb, "Contact: <sip:100@127.0.0.1:%u>\r\n%s", p->port, extra ? extra : "");
	if (type)
		strbuf_printf(&sb, "Content-Type: %s\r\n", type);
	strbuf_printf(&sb, "Content-Length: %zu\r\n\r\n%s", body ? strlen(body) : 0, body ? body : "");
	assert_false(sb.truncated);
	raw_send(p, r->port, out, sb.length);
}

void raw_call_learn(struct raw_peer *p, struct raw_call *c)
{
	char v[512];

	raw_header(p->msg, "To", c->to, sizeof(c->to));
	if (raw_header(p->msg, "Contact", v, sizeof(v))[0] == '<')
		str_copy_n(c->target, sizeof(c->target), v + 1, strcspn(v + 1, ">"));
}
