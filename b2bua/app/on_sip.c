/* b2bua/app/on_sip.c -- what the SIP leg does -> call events */
#include "b2bua/app/dial.h"

#include "b2bua/sip/uri.h"
#include "lib/base/str.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { Q850_NETWORK_OUT_OF_ORDER = 38 }; /* ITU-T Q.850 */

bool on_sip_source(const struct addr *source, void *arg)
{
	const struct app *app = arg;
	const struct config *c = app->config;

	for (size_t i = 0; i < c->sip.allow_count; i++) {
		if (addr_net_holds(&c->sip.allow[i], source))
			return true;
	}
	return config_gateway_by_source(c, app->sip, source) != NULL;
}

bool on_sip_gateway_addr(const struct addr *addr, void *arg)
{
	const struct app *app = arg;

	for (size_t i = 0; i < app->config->gateway_count; i++)
		if (config_gateway_has(app->config, i, app->sip, addr))
			return true;
	return false;
}

const struct sip_dialog_policy *on_sip_policy(const struct addr *source, void *arg)
{
	const struct app *app = arg;

	return config_dialog_policy(app->config, config_gateway_by_source(app->config, app->sip, source));
}

const struct sip_tls *on_sip_tls(const struct addr *source, void *arg)
{
	const struct app *app = arg;

	return config_gateway_tls(app->config, config_gateway_by_source(app->config, app->sip, source));
}

static enum call_event_kind kind_of(enum sip_event_kind k)
{
	switch (k) {
	case SIP_EV_PROGRESS: return CALL_EV_SIP_PROGRESS;
	case SIP_EV_ANSWERED: return CALL_EV_SIP_ANSWERED;
	case SIP_EV_REFUSED: return CALL_EV_SIP_REFUSED;
	case SIP_EV_BYE: return CALL_EV_SIP_BYE;
	case SIP_EV_OFFER: return CALL_EV_SIP_OFFER;
	case SIP_EV_ACK: return CALL_EV_SIP_ACK;
	case SIP_EV_INVITE: /* not of a call yet: never asked */
	case SIP_EV_INFO_DTMF:
	case SIP_EV_LOST: break;
	case SIP_EV_REFRESHED: return CALL_EV_SIP_ACK; /* the answer to what we offered once more */
	case SIP_EV_CANCELLED: return CALL_EV_SIP_CANCELLED;
	case SIP_EV_REFER: return CALL_EV_SIP_REFER;
	}
	return CALL_EV_SIP_LOST;
}

static const char *log_name(enum sip_event_kind k)
{
	static const char *const names[] = {
		[SIP_EV_PROGRESS] = "sip_progress",
		[SIP_EV_ANSWERED] = "sip_answered",
		[SIP_EV_REFUSED] = "sip_refused",
		[SIP_EV_BYE] = "sip_bye",
		[SIP_EV_LOST] = "sip_lost",
		[SIP_EV_OFFER] = "sip_offer",
		[SIP_EV_ACK] = "sip_ack",
		[SIP_EV_INVITE] = "sip_incoming",
		[SIP_EV_CANCELLED] = "sip_cancelled",
		[SIP_EV_REFER] = "sip_refer",
		[SIP_EV_INFO_DTMF] = "sip_info_dtmf",
		[SIP_EV_REFRESHED] = "sip_refreshed",
	};
	return names[k];
}

/* A 408 made here is timer B: not one byte came from the gateway (RFC 3261 s17.1.1.2). That is no phone that nobody
 * picked up, as a 408 from the peer would say. */
static int q850_of(const struct sip_event *se)
{
	bool nothing_came = se->kind == SIP_EV_REFUSED && se->local && se->code == 408;
	return nothing_came && !se->q850 ? Q850_NETWORK_OUT_OF_ORDER : se->q850;
}

/* ---- places that the peer names ---- */

static const struct call_gateway *gateway_of(const struct app_call *ac, enum call_leg leg)
{
	struct call_report rep;
	const struct call_gateway *g = ac->legs[leg].gateway;

	if (leg >= CALL_LEG_BRANCH && g)
		return g;

	call_report(ac->call, &rep);
	g = rep.gateway ? config_gateway_by_name(ac->config, rep.gateway) : NULL;
	return g ? g : ac->dial ? ac->dial->caller : NULL;
}

/* Refused: code says how. uri lives as long as the event. */
static bool find_target(
	struct app_call *ac, enum call_leg leg, const char *wanted, char *uri, struct call_sip_target *t, int *ret_code)
{
	int r = target_resolve(
		ac->config, ac->app->sip, ac->number->tenant, gateway_of(ac, leg), wanted, uri, &t->gateway);

	t->uri = uri;
	if (r == 0)
		return true;
	*ret_code = r == -EPERM ? 403 : 400;
	log_warn("sip_target_refused",
		"call=%s reason=\"%s\" advice=\"transfer.domains names what is allowed beside gateways\"", ac->id,
		r == -EPERM ? "neither a gateway nor an allowed domain" : "not a URI that can be called");
	return false;
}

/* Who referred, but not where he sits: his user part at our domain. What else the header has (display name, parameters,
 * RFC 3892 s2's cid of a signature over what is another header now) stays here. dst "": nothing to be told. */
static void hide_referrer(const struct config *c, const char *value, char dst[TARGET_URI_MAX])
{
	const char *open = strchr(value, '<'), *start = open ? open + 1 : value;
	size_t length = strcspn(start, open ? ">" : ";, \t");
	char text[TARGET_URI_MAX];
	struct sip_uri uri;
	int n = -1;

	if (str_copy_n(text, sizeof(text), start, length) == 0 && sip_uri_parse(text, &uri) == 0)
		n = snprintf(dst, TARGET_URI_MAX, "<sip:%.*s%s%s>", (int)uri.user_length,
			uri.user_length ? uri.user : "", uri.user_length ? "@" : "", c->sip.domain);
	if (n < 0 || n >= TARGET_URI_MAX)
		dst[0] = '\0';
}

static void on_refer(struct app_call *ac, const struct sip_event *se, struct call_event *ev, char *uri)
{
	char referrer[TARGET_URI_MAX] = "";

	if (se->referred_by)
		hide_referrer(ac->config, se->referred_by, referrer);
	ev->u.refer.target =
		(struct call_sip_target){.referred_by = *referrer ? referrer : NULL, .replaces = se->refer_replaces};
	ev->u.refer.allowed = find_target(ac, ev->leg, se->refer_to, uri, &ev->u.refer.target, &ev->u.refer.code);
	app_step(ac, ev);
}

/* The media session tells of it (MEDIA_DTMF) when it is not one that it knows from the peer's stream. */
static void on_digit(struct app_call *ac, const struct sip_event *se)
{
	if (ac->media_session) {
		(void)media_sip_digit(ac->app->media, ac->media_session, se->digit, se->duration_ms);
		return;
	}
	log_info("dtmf", "call=%s leg=sip ms=%u by=info", ac->id, se->duration_ms);
	emit_dtmf(ac, END_SIP, se->digit, se->duration_ms);
}

/* ---- the door ---- */

static bool ends_leg(enum sip_event_kind k)
{
	return k == SIP_EV_REFUSED || k == SIP_EV_BYE || k == SIP_EV_LOST || k == SIP_EV_CANCELLED;
}

void on_sip_event(const struct sip_event *se, void *arg)
{
	struct app *app = arg;
	struct call_event ev = {.kind = kind_of(se->kind)};
	struct call_sip_target redirect = {0};
	char uri[TARGET_URI_MAX];
	struct app_call *ac;
	int code;

	loop_refresh_now(app->loop);
	if (se->kind == SIP_EV_INVITE) {
		on_sip_invite(app, se);
		return;
	}
	ac = registry_by_leg(app, se->leg, &ev.leg);
	if (!ac) {
		(void)(ends_leg(se->kind) && on_sip_incoming_gone(app, se->leg));
		return;
	}
	if (se->kind == SIP_EV_REFER) {
		log_info("sip_refer", "call=%s replaces=%d t_us=%llu", ac->id, se->refer_replaces != NULL,
			(unsigned long long)loop_now_us(app->loop));
		on_refer(ac, se, &ev, uri);
		return;
	}
	if (se->kind == SIP_EV_INFO_DTMF) {
		on_digit(ac, se);
		return;
	}
	if (se->kind == SIP_EV_REFRESHED && !se->sdp) {
		log_debug("sip_refreshed", "call=%s method=UPDATE", ac->id);
		return;
	}
	ev.u.sip.code = se->code;
	ev.u.sip.q850 = q850_of(se);
	ev.u.sip.sdp = se->sdp;
	ev.u.sip.sdp_length = se->sdp_length;
	ev.u.sip.is_update = se->is_update;
	ev.u.sip.expired = se->expired;
	ev.u.sip.sip_call_id = se->sip_call_id;
	ev.u.sip.why = se->why;
	if (se->kind == SIP_EV_REFUSED && se->code / 100 == 3 && se->contact && *se->contact &&
		find_target(ac, ev.leg, se->contact, uri, &redirect, &code))
		ev.u.sip.redirect = &redirect;
	if (se->kind == SIP_EV_ANSWERED)
		ac->answer_us = loop_now_us(app->loop);
	if (se->kind == SIP_EV_REFUSED && se->code == 503 && se->retry_after_s && !se->local &&
		ac->legs[ev.leg].gateway)
		gateway_is_busy(app, ac->legs[ev.leg].gateway, se->retry_after_s);
	if (ends_leg(se->kind))
		(void)registry_set_leg(ac, ev.leg, 0);
	log_info(log_name(se->kind), "call=%s code=%d q850=%d sdp=%d t_us=%llu", ac->id, se->code, ev.u.sip.q850,
		se->sdp != NULL, (unsigned long long)loop_now_us(app->loop));
	app_step(ac, &ev);
}
