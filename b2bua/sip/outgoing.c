/* b2bua/sip/outgoing.c
 *
 * Legs that we call: the INVITE.
 */
#include "b2bua/sip/leg.h"

#include "b2bua/sip/headers.h"
#include "b2bua/sip/text.h"
#include "lib/base/crypto.h"
#include "lib/base/str.h"

#include <errno.h>
#include <sofia-sip/sip_protos.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const char *transport_name(enum sip_transport t)
{
	static const char *const names[] = {[SIP_UDP] = "udp", [SIP_TCP] = "tcp", [SIP_TLS] = "tls"};

	return names[t];
}

int contact_build(char *dst, size_t cap, const struct sip_stack *s, const struct sip_listener *listener,
	const struct addr *local, enum sip_transport transport, const char *user)
{
	char host[ADDR_TEXT_MAX];
	struct strbuf sb;
	size_t n;
	uint16_t port = 0;

	strbuf_init(&sb, dst, cap);
	if (s->public_address[0]) {
		(void)sip_hostport_parse(s->public_address, &n, &port);
		strbuf_printf(&sb, "<sip:%s@%.*s", user, (int)n, s->public_address);
	} else if (addr_is_set(local)) {
		addr_host(local, host, sizeof(host));
		strbuf_printf(&sb, addr_is_v6(local) ? "<sip:%s@[%s]" : "<sip:%s@%s", user, host);
	} else {
		return 0;
	}
	strbuf_printf(&sb, ":%u;transport=%s>", port ? port : addr_port(&listener->addr), transport_name(transport));
	return sb.truncated ? -EINVAL : 0;
}

enum { TRANSFER_VALUE_MAX = 1024, TAG_LENGTH = 16 };

static bool one_line(const char *value)
{
	for (; *value; value++)
		if ((unsigned char)*value < 0x20 || *value == 0x7f)
			return false;
	return true;
}

/* Would the library read these? What it cannot read it does not send, and the INVITE with it. */
static bool is_replaces(const char *value)
{
	su_home_t home[1] = {SU_HOME_INIT(home)};
	const sip_replaces_t *rp;
	bool ok;

	su_home_init(home);
	rp = sip_replaces_make(home, value);
	ok = rp && rp->rp_call_id && rp->rp_to_tag && rp->rp_from_tag;
	su_home_deinit(home);
	return ok && one_line(value);
}

static bool is_referred_by(const char *value)
{
	su_home_t home[1] = {SU_HOME_INIT(home)};
	bool ok;

	su_home_init(home);
	ok = sip_referred_by_make(home, value) != NULL;
	su_home_deinit(home);
	return ok && one_line(value);
}

/* Of a call that another party asked for: RFC 3892, RFC 3891. Who does not know Replaces shall refuse rather than ring
 * a second time. */
static int put_transfer_headers(char *headers, size_t cap, const struct sip_invite *in)
{
	struct strbuf sb = {.text = headers, .cap = cap, .length = strlen(headers)};

	if (in->referred_by && *in->referred_by) {
		if (!is_referred_by(in->referred_by))
			return -EINVAL;
		strbuf_put(&sb, "Referred-By: ");
		text_put_line(&sb, in->referred_by, TRANSFER_VALUE_MAX);
		strbuf_put(&sb, "\r\n");
	}
	if (in->replaces && *in->replaces) {
		if (!is_replaces(in->replaces))
			return -EINVAL;
		strbuf_put(&sb, "Require: replaces\r\nReplaces: ");
		text_put_line(&sb, in->replaces, TRANSFER_VALUE_MAX);
		strbuf_put(&sb, "\r\n");
	}
	return sb.truncated ? -EINVAL : 0;
}

/* The outbound proxy's place in the INVITE: a loose route (RFC 3261 s16.12). */
static int put_route(struct invite_text *t, const char *proxy_uri)
{
	t->route[0] = '\0';
	if (!proxy_uri)
		return 0;
	return snprintf(t->route, sizeof(t->route), "<%s>", proxy_uri) >= (int)sizeof(t->route) ? -EINVAL : 0;
}

/* Where the INVITE goes first. */
static const char *next_hop(const struct sip_invite *in)
{
	return in->proxy_uri ? in->proxy_uri : in->target_uri;
}

static int invite_text(
	struct sip_stack *s, const struct sip_invite *in, struct invite_text *t, struct sip_listener **ret_listener)
{
	struct sip_uri target, hop;
	struct addr local = {0};
	const char *domain = in->from_domain && *in->from_domain ? in->from_domain : s->domain;

	if (!in->sdp || !in->target_uri || sip_uri_parse(in->target_uri, &target) ||
		sip_uri_parse(next_hop(in), &hop) || put_route(t, in->proxy_uri))
		return -EINVAL;
	*ret_listener = in->registered_user ? s->listeners[0] : stack_listener_for(s, &hop, &local);
	if (!*ret_listener)
		return -EINVAL;
	if (str_copy(t->target, sizeof(t->target), in->target_uri) || sip_to_build(t->to, sizeof(t->to), &target) ||
		sip_from_build(t->from, sizeof(t->from), in->from_display, in->from_user, domain) ||
		contact_build(t->contact, sizeof(t->contact), s, *ret_listener, &local, hop.transport, CONTACT_USER) ||
		headers_build(t->headers, sizeof(t->headers), in->pai_uri, in->headers, in->header_count))
		return -EINVAL;
	return put_transfer_headers(t->headers, sizeof(t->headers), in);
}

/* One tag for every INVITE of the call (RFC 4028 s7.4, RFC 3261 s22.2). */
static int add_tag(struct invite_text *t)
{
	char tag[TAG_LENGTH + 1];
	struct strbuf sb = {.text = t->from, .cap = sizeof(t->from), .length = strlen(t->from)};

	crypto_random_hex(tag, TAG_LENGTH);
	strbuf_printf(&sb, ";tag=%s", tag);
	return sb.truncated ? -EINVAL : 0;
}

static int keep(struct sip_leg *leg, const struct invite_text *t, const char *sdp)
{
	leg->invite = calloc(1, sizeof(*leg->invite));
	if (!leg->invite)
		return -ENOMEM;
	leg->invite->text = *t;
	leg->invite->sdp = strdup(sdp);
	return leg->invite->sdp ? 0 : -ENOMEM;
}

void outgoing_answered(struct sip_leg *leg)
{
	if (leg->invite)
		free(leg->invite->sdp);
	free(leg->invite);
	leg->invite = NULL;
}

int outgoing_send(struct sip_leg *leg, uint32_t cseq, const char *authorization)
{
	const struct invite_text *t = &leg->invite->text;
	const char *sdp = leg->invite->sdp;
	enum sip_rel100 rel100 = leg->refresh.timer.policy.rel100;
	char cseq_text[32], timer[REFRESH_LINES_MAX];
	const char *via, *route, *contact = hops_now(leg, &via, &route);
	const url_string_t *target = (const url_string_t *)t->target;
	su_home_t home[1] = {SU_HOME_INIT(home)};
	url_t raw;

	way_done(&leg->way);
	leg->sent = false;
	loop_timer_cancel(&leg->unreached);
	su_home_init(home);
	if (contact && raw_url(home, contact, &raw) == 0)
		target = (const url_string_t *)&raw;
	if (!*route)
		route = t->route;
	/* Tags of the handle go into every request of it: body and call data belong to the INVITE alone. */
	leg->nh = nua_handle(leg->listener->nua, leg, NUTAG_URL(target), SIPTAG_TO_STR(t->to), SIPTAG_FROM_STR(t->from),
		SIPTAG_CALL_ID_STR(leg->call_id), TAG_IF(t->contact[0], SIPTAG_CONTACT_STR(t->contact)), TAG_END());
	su_home_deinit(home);
	if (!leg->nh)
		return -ENOMEM;
	(void)snprintf(cseq_text, sizeof(cseq_text), "%u INVITE", (unsigned)cseq);
	refresh_ask(leg, timer);
	if (rel100 == SIP_REL100_OFF)
		nua_set_hparams(leg->nh, SIPTAG_SUPPORTED_STR(STACK_SUPPORTED_NO_100REL), TAG_END());
	nua_invite(leg->nh, TAG_IF(*via, NUTAG_PROXY(via)), TAG_IF(*route, NUTAG_INITIAL_ROUTE_STR(route)),
		TAG_IF(cseq, SIPTAG_CSEQ_STR(cseq_text)), TAG_IF(*t->headers, SIPTAG_HEADER_STR(t->headers)),
		TAG_IF(*timer, SIPTAG_HEADER_STR(timer)),
		TAG_IF(rel100 == SIP_REL100_REQUIRE, SIPTAG_REQUIRE_STR("100rel")),
		TAG_IF(*authorization, SIPTAG_HEADER_STR(authorization)), SIPTAG_CONTENT_TYPE_STR("application/sdp"),
		SIPTAG_PAYLOAD_STR(sdp), TAG_END());
	return 0;
}

bool outgoing_again(struct sip_leg *leg, const sip_t *sip, const char *authorization)
{
	nua_handle_t *old = leg->nh;

	if (!leg->invite || !sip || !sip->sip_cseq)
		return false;
	if (outgoing_send(leg, sip->sip_cseq->cs_seq, authorization)) {
		leg->nh = old;
		return false;
	}
	nua_handle_bind(old, NULL);
	nua_handle_destroy(old);
	return true;
}

static bool is_unheard(const struct sip_leg *leg)
{
	return leg->phase == LEG_CALLING && !leg->way.heard;
}

static void tell_unavailable(struct sip_leg *leg, const char *why)
{
	struct sip_event ev = {
		.kind = SIP_EV_REFUSED, .code = 503, .phrase = "", .local = true, .contact = "", .why = why};

	leg_emit(leg, &ev);
}

static void on_unreached(void *arg)
{
	struct sip_leg *leg = arg;

	if (!is_unheard(leg) || hops_next(leg, 503, true))
		return;
	tell_unavailable(leg, way_why(&leg->way));
	leg_ended(leg);
}

void outgoing_unreached(struct sip_leg *leg, const void *connection)
{
	struct loop *l = leg->stack->loop;

	if (is_unheard(leg) && leg->way.connection == connection)
		(void)loop_timer_set(l, &leg->unreached, loop_now_us(l), on_unreached, leg);
}

void outgoing_unresolved(struct sip_leg *leg)
{
	if (!is_unheard(leg))
		return;
	tell_unavailable(leg, "the name server does not answer");
	if (!leg_cancel(leg, "")) /* should it be known after all */
		leg_ended(leg);
}

int sip_leg_invite(struct sip_stack *s, const struct sip_invite *invite, uint64_t *ret_leg)
{
	struct invite_text t;
	struct sip_listener *listener;
	struct sip_leg *leg;
	int r = invite_text(s, invite, &t, &listener);

	if (r == 0)
		r = add_tag(&t);
	if (r)
		return r;
	leg = leg_new(s, invite->leg_arg, NULL);
	if (!leg)
		return -ENOMEM;
	leg->listener = listener;
	r = way_init(&leg->way, s, invite->tls);
	if (r) {
		leg_drop(leg);
		return r;
	}
	str_copy(leg->contact, sizeof(leg->contact), t.contact);
	refresh_init(leg, invite->policy);
	refresh_keep_sdp(leg, invite->sdp);
	r = keep(leg, &t, invite->sdp);
	if (r == 0 && invite->registered_user)
		r = hops_find(leg, invite->registered_user);
	else if (r == 0)
		r = hops_look_up(leg, next_hop(invite));
	if (r == 0 && invite->credentials)
		r = proof_new(leg, invite->credentials, t.target);
	if (r == 0)
		r = leg->hops ? hops_begin(leg) : outgoing_send(leg, 0, "");
	if (r) {
		leg_drop(leg);
		return r;
	}
	*ret_leg = leg->id;
	return 0;
}

bool sip_target_allowed(const char *uri)
{
	struct sip_uri target;

	return sip_uri_parse(uri, &target) == 0 && strncasecmp(uri, "sips:", 5) != 0;
}
