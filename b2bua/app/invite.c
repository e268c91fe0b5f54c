/* b2bua/app/invite.c */
#include "b2bua/app/invite.h"

#include "lib/base/str.h"

#include <errno.h>
#include <stdio.h>

/* ---- headers ---- */

/* The gateway's name for one of ours; "" : it wants none. Others stay as they are. */
static const char *header_name(const struct manners *m, const char *name)
{
	for (size_t i = 0; i < MANNERS_FACT_COUNT; i++)
		if (m->header[i] && str_equal_nocase(name, manners_fact_header((enum manners_fact)i)))
			return m->header[i];
	return name;
}

static bool stands_later(const struct call_action *a, size_t i, const char *name)
{
	for (size_t k = i + 1; k < a->u.invite.header_count; k++)
		if (str_equal_nocase(a->u.invite.headers[k].name, name))
			return true;
	return false;
}

static void put(struct invite_parts *ret, const char *name, const char *value)
{
	if (ret->invite.header_count < sizeof(ret->headers) / sizeof(ret->headers[0]))
		ret->headers[ret->invite.header_count++] = (struct sip_header){name, value};
}

/* The route's own stand behind ours: where a gateway's name for ours is one of them, the route's is sent. */
static void put_headers(const struct manners *m, const struct call_action *a, struct invite_parts *ret)
{
	for (size_t i = 0; i < a->u.invite.header_count; i++) {
		const char *name = header_name(m, a->u.invite.headers[i].name);
		if (*name && (name == a->u.invite.headers[i].name || !stands_later(a, i, name)))
			put(ret, name, a->u.invite.headers[i].value);
	}
}

/* The call logic knows no tenants. */
static void put_tenant(const struct config *c, const struct manners *m, const struct call_action *a,
	const struct call_facts *facts, struct invite_parts *ret)
{
	const struct config_number *number = config_number_by_id(c, facts->phone_number_id);
	const char *name = m->header[MANNERS_TENANT] ? m->header[MANNERS_TENANT] : manners_fact_header(MANNERS_TENANT);

	for (size_t i = 0; i < a->u.invite.header_count; i++)
		if (str_equal_nocase(a->u.invite.headers[i].name, name))
			return; /* the route's own */
	if (number && *number->tenant && *name)
		put(ret, name, number->tenant);
}

/* ---- who calls ---- */

static const char *from_user(
	const struct manners *m, const struct call_action *a, const struct call_facts *facts, struct arena *arena)
{
	if (a->u.invite.from_said)
		return a->u.invite.from_user;
	switch (m->from) {
	case MANNERS_FROM_NUMBER: return facts->to;
	case MANNERS_FROM_ANONYMOUS: return "";
	case MANNERS_FROM_TEXT: return template_user(&m->from_text, facts, arena);
	case MANNERS_FROM_USER: break;
	}
	return a->u.invite.from_user;
}

static const char *from_display(
	const struct manners *m, const struct call_action *a, const struct call_facts *facts, struct arena *arena)
{
	if (a->u.invite.display_said)
		return a->u.invite.from_display;
	if (m->has_name)
		return template_text(&m->name, facts, arena);
	return m->from == MANNERS_FROM_ANONYMOUS && !a->u.invite.from_said ? "Anonymous" : a->u.invite.from_display;
}

static bool hides_caller(const struct manners *m, const struct call_action *a)
{
	return m->from == MANNERS_FROM_ANONYMOUS && !a->u.invite.from_said;
}

/* ---- the door ---- */

/* Whoever called: our number is `to`. */
struct call_facts invite_facts(const struct call_report *rep, const char *tenant)
{
	return (struct call_facts){
		.direction = rep->outbound ? CALL_OUTBOUND : CALL_INBOUND,
		.tenant = tenant,
		.to = rep->number,
		.from = rep->user_number,
		.from_user_id = rep->user_id,
		.name = rep->profile_name,
		.payload = rep->payload,
		.phone_number_id = rep->phone_number_id,
		.call_id = rep->call_id,
	};
}

int invite_make(const struct config *c, const struct call_action *a, const struct call_facts *facts,
	struct arena *arena, struct invite_parts *ret)
{
	static const struct manners plain = {.pai = true};
	const struct call_gateway *gw = a->u.invite.gateway;
	const struct config_gateway *source = config_gateway_of(c, gw);
	const struct manners *m = source ? &source->manners : &plain;
	const char *from = from_user(m, a, facts, arena), *display = from_display(m, a, facts, arena);
	const char *pai_user = gateway_number(c, gw, a->u.invite.pai_user, ret->asserted);
	const char *domain = m->domain ? m->domain : c->sip.domain;

	if (!from || !display)
		return -ENOMEM;
	if (gateway_target(c, gw, a->u.invite.target, ret->target))
		return -EINVAL;
	ret->pai[0] = '\0';
	if (m->pai && pai_user && *pai_user)
		snprintf(ret->pai, sizeof(ret->pai), "sip:%s@%s", pai_user, domain);
	ret->invite = (struct sip_invite){
		.target_uri = ret->target,
		.proxy_uri = source ? source->proxy : NULL,
		.from_user = gateway_number(c, gw, from, ret->from),
		.from_display = display,
		.from_domain = domain,
		.pai_uri = ret->pai,
		.headers = ret->headers,
		.sdp = a->u.invite.sdp,
		.referred_by = a->u.invite.referred_by,
		.replaces = a->u.invite.replaces,
		.credentials = gateway_credentials(c, gw, ret->target),
		.tls = gateway_tls(c, gw, ret->target),
		.policy = config_dialog_policy(c, gw),
		.registered_user = gateway_registered_as(c, gw, ret->target),
	};
	put_headers(m, a, ret);
	put_tenant(c, m, a, facts, ret);
	if (*ret->pai && hides_caller(m, a))
		put(ret, "Privacy", "id"); /* RFC 3325 s9.3: for whoever trusts us, and nobody behind it */
	return 0;
}
