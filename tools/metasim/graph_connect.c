/* tools/metasim/graph_connect.c
 *
 * POST calls, action connect: refused for all that Meta refuses. Meta, "Business-initiated calls" and "Error codes".
 */
#include "lib/base/clock.h"
#include "lib/sdp/sdp_audio.h"
#include "tools/metasim/answer_check.h"
#include "tools/metasim/meta_internal.h"

#include <stdio.h>
#include <string.h>

enum { CODE_PARAMETER = 100, CODE_UNCALLABLE = 138001, CODE_CONCURRENT = 138002, CODE_BUSY = 138003 };
enum { CODE_NO_PERMISSION = 138006, SUBCODE_SDP = 2494010, NUMBER_DIGITS_MIN = 5, NUMBER_DIGITS_MAX = 15 };

struct connect_request {
	const char *to, *recipient, *opaque;
	struct sdp_audio offer;
};

static size_t characters(const char *utf8)
{
	size_t n = 0;

	for (; *utf8; utf8++)
		n += (*utf8 & 0xc0) != 0x80;
	return n;
}

/* NULL: fine. Else what is wrong, with *ret_subcode. */
static const char *read_request(const json_t *body, struct connect_request *r, int *ret_subcode)
{
	const json_t *session = json_object_get(body, "session"), *opaque;
	const char *type = json_string_value(json_object_get(session, "sdp_type"));
	const char *sdp = json_string_value(json_object_get(session, "sdp"));
	const char *why;

	*ret_subcode = 0;
	r->to = json_string_value(json_object_get(body, "to"));
	r->recipient = json_string_value(json_object_get(body, "recipient"));
	opaque = json_object_get(body, "biz_opaque_callback_data");
	r->opaque = opaque ? json_string_value(opaque) : "";
	if (json_object_get(body, "call_id"))
		return "call_id is not allowed with connect";
	if (!r->to && (!r->recipient || !*r->recipient))
		return "to or recipient is required";
	if (r->to && (strspn(r->to, "0123456789") != strlen(r->to) || strlen(r->to) < NUMBER_DIGITS_MIN ||
			     strlen(r->to) > NUMBER_DIGITS_MAX))
		return "to must be a phone number of digits, with its country code";
	if (!r->opaque || characters(r->opaque) > META_OPAQUE_MAX)
		return "biz_opaque_callback_data must be a text of at most 512 characters";
	if (!type || !sdp)
		return "session.sdp_type and session.sdp are required";
	*ret_subcode = SUBCODE_SDP;
	why = offer_check(type, sdp, &r->offer);
	return why;
}

static unsigned live_calls(const struct meta *m)
{
	unsigned n = 0;

	for (const struct meta_call *c = m->calls; c; c = c->next)
		n += c->state != META_ENDED;
	return n;
}

/* 0: the call may be made. Else Meta's code, with its words. */
static int refusal(struct meta *m, struct meta_user *u, char *why, size_t why_cap)
{
	int code;

	if (!u || u->plan->uncallable) {
		snprintf(why, why_cap, "Receiver is uncallable");
		return CODE_UNCALLABLE;
	}
	code = meta_user_may_call(u, why, why_cap);
	if (code)
		return code;
	if (meta_user_is_busy(u)) {
		snprintf(why, why_cap, "A call with this user is already ongoing");
		return CODE_BUSY;
	}
	if (live_calls(m) >= m->plan->limits.concurrent) {
		snprintf(why, why_cap, "Concurrent calls limit reached");
		return CODE_CONCURRENT;
	}
	return 0;
}

static unsigned status_of(int code)
{
	return code == CODE_CONCURRENT ? 429 : code == CODE_NO_PERMISSION ? 401 : 400;
}

static void place_call(struct meta *m, struct http_request *req, struct meta_user *u, const struct connect_request *r)
{
	struct meta_call *c;
	char body[META_WACID_MAX + 100];

	if (meta_call_new(m, u, true, &c)) {
		graph_refuse(m, req, NULL, 500, 138004, 0, "Error while connecting");
		return;
	}
	snprintf(c->opaque, sizeof(c->opaque), "%s", r->opaque);
	if (wa_user_connect(c->user, &r->offer, (enum wa_user_role)m->plan->outbound.dtls, loop_now_us(m->loop), c->sdp,
		    sizeof(c->sdp)) < 0) {
		graph_refuse(m, req, c, 500, 138007, 0, "SDP could not be applied");
		meta_end(c, "meta", 0);
		return;
	}
	snprintf(body, sizeof(body), "{\"messaging_product\":\"whatsapp\",\"calls\":[{\"id\":\"%s\"}]}", c->wacid);
	meta_timeline(m, c, "connect_received", c->opaque);
	if (m->plan->outbound.connect_before_response)
		c->reply = graph_hold(m, req, body);
	else
		graph_succeed(m, req, PLAN_CONNECT, body);
	outbound_begin(c);
}

void graph_connect_post(struct meta *m, struct http_request *req, const json_t *body)
{
	struct connect_request r;
	char text[160] = "";
	int code, subcode;
	const char *why;
	struct meta_user *u;

	if (graph_planned_failure(m, req, NULL, PLAN_CONNECT))
		return;
	why = read_request(body, &r, &subcode);
	if (why) {
		meta_timeline_user(m, NULL, "connect_refused", why);
		graph_refuse(m, req, NULL, 400, CODE_PARAMETER, subcode, why);
		return;
	}
	u = meta_user_find(m, r.to, r.recipient);
	code = refusal(m, u, text, sizeof(text));
	if (code) {
		meta_timeline_user(m, u, "connect_refused", text);
		graph_refuse(m, req, NULL, status_of(code), code, 0, text);
		return;
	}
	place_call(m, req, u, &r);
}
