/* tools/loadgen/sip_message.c -- see sip_message.h */
#include "tools/loadgen/sip_message.h"

#include "lib/base/str.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { SDP_LINE_MAX = 200 };

static const struct sip_text nothing = {"", 0};

bool sip_text_is(struct sip_text t, const char *text)
{
	return t.length == strlen(text) && memcmp(t.at, text, t.length) == 0;
}

static bool is_nocase(struct sip_text t, const char *text)
{
	return t.length == strlen(text) && strncasecmp(t.at, text, t.length) == 0;
}

static struct sip_text trim(struct sip_text t)
{
	while (t.length && (t.at[0] == ' ' || t.at[0] == '\t')) {
		t.at++;
		t.length--;
	}
	while (t.length && (t.at[t.length - 1] == ' ' || t.at[t.length - 1] == '\t' || t.at[t.length - 1] == '\r'))
		t.length--;
	return t;
}

/* Up to the separator, which is taken out of *rest too. Without one: everything. */
static struct sip_text cut(struct sip_text *rest, char separator)
{
	const char *end = memchr(rest->at, separator, rest->length);
	struct sip_text piece = {rest->at, end ? (size_t)(end - rest->at) : rest->length};
	size_t gone = end ? piece.length + 1 : piece.length;

	rest->at += gone;
	rest->length -= gone;
	return piece;
}

static int to_u32(struct sip_text t, uint32_t *ret_value)
{
	char digits[11];
	uint64_t value;

	if (t.length >= sizeof(digits))
		return -EPROTO;
	memcpy(digits, t.at, t.length);
	digits[t.length] = '\0';
	if (str_to_u64(digits, 0, UINT32_MAX, &value))
		return -EPROTO;
	*ret_value = (uint32_t)value;
	return 0;
}

/* A tag inside <...> belongs to the URI: look behind it. */
struct sip_text sip_text_tag(struct sip_text t)
{
	const char *close = memchr(t.at, '>', t.length);
	struct sip_text rest = t;

	if (close) {
		rest.length -= (size_t)(close - t.at);
		rest.at = close;
	}
	(void)cut(&rest, ';');
	while (rest.length) {
		struct sip_text value = cut(&rest, ';'), name = cut(&value, '=');
		if (is_nocase(trim(name), "tag"))
			return trim(value);
	}
	return nothing;
}

/* ---- reading ---- */

static int read_request_line(struct sip_text line, struct sip_request *q)
{
	q->method = cut(&line, ' ');
	if (str_starts(q->method.at, "SIP/"))
		return -ENOTSUP;
	q->uri = cut(&line, ' ');
	if (!q->method.length || !q->uri.length || !sip_text_is(trim(line), "SIP/2.0"))
		return -EPROTO;
	return 0;
}

static int keep(struct sip_text *list, size_t *count, size_t max, struct sip_text value)
{
	if (*count == max)
		return -E2BIG;
	list[(*count)++] = value;
	return 0;
}

static int read_header(struct sip_text line, struct sip_request *q)
{
	struct sip_text name = trim(cut(&line, ':')), value = trim(line);

	if (is_nocase(name, "Via") || is_nocase(name, "v"))
		return keep(q->vias, &q->via_count, SIP_VIAS_MAX, value);
	if (is_nocase(name, "Record-Route"))
		return keep(q->routes, &q->route_count, SIP_ROUTES_MAX, value);
	if (is_nocase(name, "From") || is_nocase(name, "f")) {
		q->from = value;
	} else if (is_nocase(name, "To") || is_nocase(name, "t")) {
		q->to = value;
	} else if (is_nocase(name, "Call-ID") || is_nocase(name, "i")) {
		q->call_id = value;
	} else if (is_nocase(name, "X-WA-Call-Id")) {
		q->wa_call_id = value;
	} else if (is_nocase(name, "CSeq")) {
		struct sip_text number = cut(&value, ' ');
		q->cseq_method = trim(value);
		return to_u32(number, &q->cseq);
	}
	return 0;
}

int sip_request_parse(const char *text, size_t length, struct sip_request *ret_req)
{
	struct sip_text rest = {text, length};
	struct sip_request q = {.from = nothing,
		.to = nothing,
		.call_id = nothing,
		.cseq_method = nothing,
		.wa_call_id = nothing,
		.body = nothing};
	int r;

	if (length < 16) /* also what lets str_starts() above look at four bytes */
		return -EPROTO;
	r = read_request_line(trim(cut(&rest, '\n')), &q);
	while (r == 0 && rest.length) {
		struct sip_text line = trim(cut(&rest, '\n'));
		if (!line.length)
			break;
		r = read_header(line, &q);
	}
	if (r)
		return r;
	q.body = rest;
	if (!q.via_count || !q.from.length || !q.to.length || !q.call_id.length || !q.cseq_method.length)
		return -EPROTO;
	*ret_req = q;
	return 0;
}

/* ---- writing ---- */

static void put_line(struct strbuf *sb, const char *name, struct sip_text value)
{
	strbuf_printf(sb, "%s: ", name);
	strbuf_put_n(sb, value.at, value.length);
	strbuf_put(sb, "\r\n");
}

int sip_response_write(const struct sip_request *req, const struct sip_response *resp, char *text, size_t cap)
{
	struct strbuf sb;

	strbuf_init(&sb, text, cap);
	strbuf_printf(&sb, "SIP/2.0 %u %s\r\n", resp->code, resp->reason);
	for (size_t i = 0; i < req->via_count; i++)
		put_line(&sb, "Via", req->vias[i]);
	for (size_t i = 0; i < req->route_count; i++)
		put_line(&sb, "Record-Route", req->routes[i]);
	put_line(&sb, "From", req->from);
	strbuf_put(&sb, "To: ");
	strbuf_put_n(&sb, req->to.at, req->to.length);
	if (resp->to_tag && !sip_text_tag(req->to).length)
		strbuf_printf(&sb, ";tag=%s", resp->to_tag);
	strbuf_put(&sb, "\r\n");
	put_line(&sb, "Call-ID", req->call_id);
	strbuf_printf(&sb, "CSeq: %u ", (unsigned)req->cseq);
	strbuf_put_n(&sb, req->cseq_method.at, req->cseq_method.length);
	strbuf_put(&sb, "\r\n");
	if (resp->contact)
		strbuf_printf(&sb, "Contact: %s\r\n", resp->contact);
	strbuf_put(&sb, "Allow: INVITE, ACK, CANCEL, BYE, OPTIONS\r\n");
	if (resp->body)
		strbuf_put(&sb, "Content-Type: application/sdp\r\n");
	strbuf_printf(&sb, "Content-Length: %zu\r\n\r\n", resp->body ? strlen(resp->body) : 0);
	if (resp->body)
		strbuf_put(&sb, resp->body);
	return sb.truncated ? -ENOBUFS : (int)sb.length;
}

/* ---- the offer ---- */

struct offer_reader {
	char host[64];
	uint32_t port;
	bool in_audio, has_pcmu;
	int event_pt;
};

/* "m=audio 20000 RTP/AVP 0 8 101" */
static int read_m_line(struct offer_reader *o, const char *line)
{
	struct sip_text rest = {line + 2, strlen(line + 2)};

	o->in_audio = !o->port && is_nocase(cut(&rest, ' '), "audio");
	if (!o->in_audio)
		return 0;
	if (to_u32(cut(&rest, ' '), &o->port) || !o->port || o->port > 65535)
		return -EPROTO;
	(void)cut(&rest, ' ');
	while (rest.length)
		o->has_pcmu |= sip_text_is(cut(&rest, ' '), "0");
	return 0;
}

static int read_sdp_line(struct offer_reader *o, const char *line)
{
	unsigned pt;
	int at = 0;

	if (str_starts(line, "m="))
		return read_m_line(o, line);
	if (str_starts(line, "c=IN IP4 ") && (o->in_audio || !*o->host))
		return str_copy_n(o->host, sizeof(o->host), line + 9, strcspn(line + 9, "/ ")) ? -EPROTO : 0;
	if (o->in_audio && sscanf(line, "a=rtpmap:%3u telephone-event/8000%n", &pt, &at) == 1 && at && pt < 128)
		o->event_pt = (int)pt;
	return 0;
}

int sip_offer_parse(struct sip_text body, struct sip_offer *ret_offer)
{
	struct offer_reader o = {.event_pt = -1};
	char line[SDP_LINE_MAX];

	while (body.length) {
		struct sip_text t = trim(cut(&body, '\n'));
		if (str_copy_n(line, sizeof(line), t.at, t.length))
			continue; /* too long to be a line we look at */
		if (read_sdp_line(&o, line))
			return -EPROTO;
	}
	if (!o.port || addr_set(&ret_offer->rtp, o.host, (uint16_t)o.port))
		return -EPROTO;
	if (!o.has_pcmu)
		return -ENOTSUP;
	ret_offer->event_pt = o.event_pt;
	return 0;
}
