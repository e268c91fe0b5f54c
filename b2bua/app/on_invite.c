/* b2bua/app/on_invite.c
 *
 * An INVITE came in. With Replaces it takes a leg's place in a call we have; else somebody on the SIP side dials a
 * WhatsApp user: the dialplan's outbound rules say from which number, and whether.
 */
#include "b2bua/app/dial.h"

#include "lib/base/counter.h"
#include "lib/base/str.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

enum { ROUTE_BYTES = 64 * 1024, CALLER_PTIME_MS = 20 };

/* Of callers that are no gateway: digest users and networks of sip.allow. Their offers are answered in kind. */
static const struct call_gateway plain_caller = {.name = "",
	.uri = "",
	.codecs = {AUDIO_PCMU, AUDIO_PCMA},
	.ptime_ms = CALLER_PTIME_MS,
	.srtp = MEDIA_SRTP_OFFER};

/* An INVITE whose route is being asked: the dial already holds everything of it. */
struct incoming {
	struct app *app;
	struct dial *dial;
	struct arena arena; /* of facts and route */
	struct call_facts facts;
	const char *number_id; /* X-WA-Number-Id, "" none */
	struct ask *ask;
	struct incoming *prev, *next;
};

static void drop(struct incoming *in)
{
	DL_DELETE(in->app->incoming, in);
	ask_cancel(in->ask);
	dial_free(in->dial);
	arena_done(&in->arena);
	free(in);
}

static void refuse(struct app *app, uint64_t leg, enum cause cause, const char *phrase)
{
	const struct cause_info *info = cause_info(cause);

	counter_inc(CNT_DIALS_REFUSED);
	log_info("sip_caller_refused", "cause=%s sip=%d", info->name, info->sip_code);
	sip_leg_reject(app->sip, leg, info->sip_code, phrase ? phrase : info->text, info->q850, NULL, 0);
}

/* ---- who calls whom ---- */

/* Who proved a password is that user; else the address says it. "": nobody's, or there are no tenants. */
static const char *tenant_of_caller(const struct app *app, const struct sip_incoming *in)
{
	if (in->auth_user)
		return config_tenant_of_user(app->config, in->auth_user);
	return config_tenant_of_gateway(app->config, config_gateway_by_source(app->config, app->sip, &in->source));
}

static const char *header_of(const struct sip_incoming *in, const char *name)
{
	for (size_t i = 0; i < in->header_count; i++) {
		if (str_equal_nocase(in->headers[i].name, name))
			return in->headers[i].value;
	}
	return "";
}

/* Back to who dialled, should the call have to wait for permission. Gateways only: where a digest user sits is not
 * known. */
static int call_back_place(struct dial *d, const struct call_gateway *gateway, const struct sip_incoming *in)
{
	char uri[TARGET_URI_MAX];

	if (!gateway || !*in->from_user ||
		in->from_user[strspn(in->from_user, "0123456789+abcdefghijklmnopqrstuvwxyz"
						    "ABCDEFGHIJKLMNOPQRSTUVWXYZ-_.")] ||
		target_at_gateway(gateway, in->from_user, uri))
		return 0;
	d->gateway = dial_text(d, gateway->name);
	d->uri = dial_text(d, uri);
	return d->gateway && d->uri ? 0 : -ENOMEM;
}

static int read_invite(struct app *app, const struct sip_event *ev, struct dial *d)
{
	const struct sip_incoming *in = ev->in;
	const struct call_gateway *gateway =
		in->auth_user ? NULL : config_gateway_by_source(app->config, app->sip, &in->source);
	char number[24];

	if (str_e164(in->request_user, number, sizeof(number)) == 0)
		d->user_number = dial_text(d, number);
	else
		d->user_id = dial_text(d, in->request_user);
	d->order = DIAL_SIP_CALLS;
	d->sip_leg = ev->leg;
	d->caller = gateway ? gateway : &plain_caller;
	d->config = config_hold(app->config);
	d->tenant = tenant_of_caller(app, in); /* the configuration's */
	d->sip_call_id = dial_text(d, ev->sip_call_id);
	d->payload = "";
	d->sdp = ev->sdp ? arena_strndup(&d->arena, ev->sdp, ev->sdp_length) : NULL;
	d->sdp_length = ev->sdp ? ev->sdp_length : 0;
	if (!d->user_number || !d->user_id || !d->sip_call_id || (ev->sdp && !d->sdp))
		return -ENOMEM;
	return call_back_place(d, gateway, in);
}

static int read_facts(struct incoming *in, const struct sip_incoming *si)
{
	struct arena *a = &in->arena;
	const struct dial *d = in->dial;

	in->number_id = arena_strdup(a, header_of(si, "X-WA-Number-Id"));
	in->facts = (struct call_facts){
		.direction = CALL_OUTBOUND,
		.tenant = d->tenant,
		.to = *d->user_number ? d->user_number : d->user_id,
		.from = arena_strdup(a, si->from_user),
		.from_user_id = d->user_id,
		.name = arena_strdup(a, si->from_display),
		.payload = "",
		.phone_number_id = in->number_id,
		.call_id = d->id,
		.gateway = arena_strdup(a, si->auth_user ? si->auth_user : d->caller->name),
	};
	return in->facts.from && in->facts.name && in->number_id && in->facts.gateway ? 0 : -ENOMEM;
}

/* ---- the route ---- */

static const struct config_number *number_for(const struct incoming *in, const struct route_whatsapp *w)
{
	const struct config *c = in->app->config;
	const struct config_number *n;

	if (*w->number)
		return config_number_of_tenant(c, in->dial->tenant, w->number);
	if (!*in->number_id)
		return config_only_number(c, in->dial->tenant);
	n = config_number_by_id(c, in->number_id);
	return n && str_equal(n->tenant, in->dial->tenant) ? n : NULL;
}

static int take_route(struct incoming *in, const struct route *route)
{
	struct dial *d = in->dial;
	const struct route_whatsapp *w = &route->whatsapp;
	const struct config_number *number = number_for(in, w);
	char user[24];

	if (!number)
		return -ENOENT;
	if (*w->user && str_e164(w->user, user, sizeof(user)))
		return -EINVAL;
	if (!*w->user && d->user_number[0] && d->user_number[1] == '0')
		return -EINVAL; /* as dialled within a country, or with 00 before it: no country's code begins so */
	if (*w->user) {
		d->user_number = dial_text(d, user);
		d->user_id = "";
	}
	d->rule = dial_text(d, route->rule);
	d->ring_s = w->timeout_s;
	d->ringback = w->ringback;
	if (!d->user_number || !d->rule || dial_take_number(d, number))
		return -ENOMEM;
	return dial_take_permission(d, &w->permission);
}

static void on_route(const struct route *route, void *arg)
{
	struct incoming *in = arg;
	struct app *app = in->app;
	struct dial *d = in->dial;
	enum cause cause = CAUSE_NO_ROUTE;
	int r;

	in->ask = NULL;
	if (route->kind == ROUTE_REJECT) {
		if (cause_parse(route->cause, &cause))
			cause = CAUSE_NOT_ALLOWED;
		refuse(app, d->sip_leg, cause, NULL);
	} else if (route->kind != ROUTE_WHATSAPP) {
		refuse(app, d->sip_leg, CAUSE_NO_ROUTE, NULL);
	} else if ((r = take_route(in, route)) != 0) {
		refuse(app, d->sip_leg, r == -ENOMEM ? CAUSE_INTERNAL : CAUSE_NOT_FOUND,
			r == -ENOENT   ? "No such business number"
			: r == -EINVAL ? "Not a number with its country code"
				       : NULL);
	} else {
		in->dial = NULL;
		drop(in);
		(void)dial_start(app, d);
		return;
	}
	drop(in);
}

static void route_invite(struct incoming *in)
{
	struct app *app = in->app;
	struct route route = {0};

	if (dialplan_route(app->config->dialplan, &in->facts, loop_wall_ms(app->loop), &in->arena, &route)) {
		refuse(app, in->dial->sip_leg, CAUSE_INTERNAL, NULL);
		drop(in);
		return;
	}
	if (route.kind == ROUTE_ASK) {
		in->ask = ask_route(app, &route, &in->facts, &in->arena, on_route, in);
		if (in->ask)
			return;
		memset(&route, 0, sizeof(route));
	}
	on_route(&route, in);
}

static void dial_in(struct app *app, const struct sip_event *ev)
{
	struct incoming *in = calloc(1, sizeof(*in));

	if (!in) {
		refuse(app, ev->leg, CAUSE_CONGESTION, NULL);
		return;
	}
	in->app = app;
	arena_init(&in->arena, ROUTE_BYTES);
	DL_APPEND(app->incoming, in);
	in->dial = dial_new(app);
	if (!in->dial || read_invite(app, ev, in->dial) || read_facts(in, ev->in)) {
		refuse(app, ev->leg, CAUSE_CONGESTION, NULL);
		drop(in);
		return;
	}
	if (!*dial_user(in->dial)) {
		refuse(app, ev->leg, CAUSE_NOT_FOUND, "Dial a WhatsApp user's number");
		drop(in);
		return;
	}
	route_invite(in);
}

/* ---- Replaces ---- */

static void replace(struct app *app, const struct sip_event *ev)
{
	enum call_leg which;
	struct app_call *ac = registry_by_leg(app, ev->in->replaces_leg, &which);
	struct call_event ce = {.kind = CALL_EV_SIP_REPLACED, .leg = CALL_LEG_TARGET};
	uint64_t key;

	/* Another tenant's call is no call: as if the dialog were not there. */
	if (ac && !str_equal(ac->number->tenant, tenant_of_caller(app, ev->in)))
		ac = NULL;
	if (!ac || which != CALL_LEG_MAIN || ac->legs[CALL_LEG_TARGET].id ||
		registry_set_leg(ac, CALL_LEG_TARGET, ev->leg)) {
		sip_leg_reject(app->sip, ev->leg, 481, "No such dialog, or a transfer is under way", 0, NULL, 0);
		return;
	}
	log_info("sip_replaces", "call=%s", ac->id);
	ce.u.sip.sdp = ev->sdp;
	ce.u.sip.sdp_length = ev->sdp_length;
	ce.u.sip.sip_call_id = ev->sip_call_id;
	key = ac->key;
	app_step(ac, &ce);
	/* Taken, it is the main leg by now, or its call is over. */
	ac = registry_by_key(app, key);
	if (!ac || ac->legs[CALL_LEG_TARGET].id != ev->leg)
		return;
	(void)registry_set_leg(ac, CALL_LEG_TARGET, 0);
	sip_leg_reject(app->sip, ev->leg, 481, "The dialog cannot be replaced now", 0, NULL, 0);
}

/* ---- the door ---- */

/* An extension as it is; what may be somebody's telephone number, masked. */
static const char *caller_text(char dst[24], const char *user)
{
	enum { EXTENSION_MAX = 6 };
	char number[24];

	if (strlen(user) <= EXTENSION_MAX || str_e164(user, number, sizeof(number)))
		return user;
	return str_mask_number(dst, 24, user);
}

void on_sip_invite(struct app *app, const struct sip_event *ev)
{
	char source[ADDR_TEXT_MAX], caller[24], user[24];

	counter_inc(CNT_SIP_INVITES_IN);
	log_info("sip_incoming", "from=%s user=%s auth=%s tenant=%s to=%s replaces=%d t_us=%llu",
		addr_format(&ev->in->source, source, sizeof(source)), caller_text(caller, ev->in->from_user),
		ev->in->auth_user ? ev->in->auth_user : "-", tenant_word(tenant_of_caller(app, ev->in)),
		str_mask_number(user, sizeof(user), ev->in->request_user), ev->in->replaces_leg != 0,
		(unsigned long long)loop_now_us(app->loop));
	if (ev->in->replaces_leg)
		replace(app, ev);
	else
		dial_in(app, ev);
}

bool on_sip_incoming_gone(struct app *app, uint64_t leg)
{
	struct incoming *in;

	DL_FOREACH (app->incoming, in) {
		if (in->dial->sip_leg == leg) {
			drop(in);
			return true;
		}
	}
	return false;
}

void drop_incoming(struct app *app)
{
	while (app->incoming)
		drop(app->incoming);
}
