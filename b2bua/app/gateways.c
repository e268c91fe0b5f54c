/* b2bua/app/gateways.c
 *
 * What each gateway is allowed and wants: registration and watch, limits of calls, passwords, form of numbers.
 */
#include "b2bua/app/dial.h"

#include "b2bua/sip/uri.h"
#include "lib/base/counter.h"
#include "lib/base/ratelimit.h"
#include "lib/base/str.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { E164_DIGITS_MIN = 8, E164_DIGITS_MAX = 15 }; /* shorter ones are extensions */

struct gateway_state {
	struct ratelimit invites;
	uint64_t busy_until_us; /* it asked to be left alone */
};

/* ---- life ---- */

static struct sip_gateway watched(const struct config *c, size_t i)
{
	const struct call_gateway *cg = &c->gateways[i];
	const struct config_gateway *g = &c->gateway_sources[i];

	return (struct sip_gateway){
		.name = cg->name,
		.uri = cg->uri,
		.proxy_uri = g->proxy,
		.tls = config_gateway_tls(c, cg),
		.credentials = g->credentials.user ? &g->credentials : NULL,
		.ping_s = g->ping_s,
		.do_register = g->do_register,
		.register_user = g->credentials.user,
		.contact_user = g->contact_user,
		.expires_s = g->expires_s,
	};
}

/* Those that we ping, or register with. */
static int watch(struct app *app, const struct config *c)
{
	struct sip_gateway *all = calloc(c->gateway_count + 1, sizeof(*all));
	size_t count = 0, which;
	int r;

	if (!all)
		return -ENOMEM;
	for (size_t i = 0; i < c->gateway_count; i++)
		if (c->gateway_sources[i].ping_s || c->gateway_sources[i].do_register)
			all[count++] = watched(c, i);
	r = sip_gateways_set(app->sip, all, count, &which);
	if (r)
		log_error(
			"gateway_not_watched", "gateway=%s error=\"%s\"", count ? all[which].name : "-", strerror(-r));
	free(all);
	return r;
}

static int watch_names(struct app *app, const struct config *c)
{
	const char **uris = calloc(c->gateway_count + 1, sizeof(*uris));
	int r;

	if (!uris)
		return -ENOMEM;
	for (size_t i = 0; i < c->gateway_count; i++)
		uris[i] = config_gateway_place(c, &c->gateways[i]);
	r = sip_names_watch(app->sip, uris, c->gateway_count);
	free(uris);
	return r;
}

static int take_tls(struct app *app, const struct config *c)
{
	struct sip_tls *all = calloc(c->gateway_count + 1, sizeof(*all));
	size_t count = 0;
	int r;

	if (!all)
		return -ENOMEM;
	for (size_t i = 0; i < c->gateway_count; i++)
		if (config_gateway_tls(c, &c->gateways[i]))
			all[count++] = c->gateway_sources[i].tls;
	r = sip_stack_set_gateway_tls(app->sip, all, count);
	free(all);
	return r;
}

int gateways_take(struct app *app, const struct config *c)
{
	struct gateway_state *states = calloc(c->gateway_count + 1, sizeof(*states));
	uint64_t now_us = loop_now_us(app->loop);
	int r = 0;

	if (!states)
		return -ENOMEM;
	r = take_tls(app, c);
	if (r == 0)
		r = watch_names(app, c);
	if (r == 0)
		r = watch(app, c);
	for (size_t i = 0; i < c->gateway_count; i++) {
		unsigned cps = c->gateway_sources[i].calls_per_second;
		ratelimit_init(&states[i].invites, cps, cps, now_us);
	}
	if (r) {
		free(states);
		return r;
	}
	free(app->gateways);
	app->gateways = states;
	return 0;
}

int gateways_start(struct app *app, char *why, size_t why_cap)
{
	int r = gateways_take(app, app->config);

	if (r)
		snprintf(why, why_cap, "gateways: %s", strerror(-r));
	return r;
}

void gateways_stop(struct app *app)
{
	free(app->gateways);
	app->gateways = NULL;
}

void on_gateway_event(const struct sip_gateway_event *ev, void *arg)
{
	struct app *app = arg;

	switch (ev->change) {
	case SIP_GATEWAY_DOWN:
	case SIP_GATEWAY_UP:
		if (ev->change == SIP_GATEWAY_UP)
			log_info("gateway_up", "gateway=%s sip=%d", ev->name, ev->code);
		else
			log_warn("gateway_down", "gateway=%s sip=%d reason=\"%.200s\"", ev->name, ev->code, ev->why);
		emit_gateway(app, ev->name, ev->change == SIP_GATEWAY_UP, ev->code);
		break;
	case SIP_GATEWAY_REGISTERED: log_info("gateway_registered", "gateway=%s", ev->name); break;
	case SIP_GATEWAY_REGISTER_FAILED:
		log_warn("gateway_register_failed", "gateway=%s sip=%d reason=\"%.200s\" note=\"tried again\"",
			ev->name, ev->code, ev->why);
		break;
	}
}

void on_name(const struct sip_name_event *ev, void *arg)
{
	(void)arg;
	if (ev->resolved)
		log_info("gateway_resolved", "uri=%.200s addresses=%zu", ev->uri, ev->addresses);
	else
		log_warn("gateway_unresolved", "uri=%.200s reason=\"%s\" addresses=%zu note=\"asked again\"", ev->uri,
			ev->why, ev->addresses);
}

void on_tls_failure(const struct sip_tls_failure *f, void *arg)
{
	char peer[ADDR_TEXT_MAX];

	(void)arg;
	addr_format(&f->peer, peer, sizeof(peer));
	counter_inc(CNT_SIP_TLS_FAILED);
	log_warn("tls_failed", "host=%.200s peer=%s reason=\"%.160s\"", f->host, peer, f->why);
}

size_t gateways_down(const struct app *app)
{
	struct sip_gateway_status status;
	size_t count = 0;

	for (size_t i = 0; i < app->config->gateway_count; i++)
		count += sip_gateway_status(app->sip, app->config->gateways[i].name, &status) == 0 && !status.up;
	return count;
}

size_t gateways_registered(const struct app *app)
{
	struct sip_gateway_status status;
	size_t count = 0;

	for (size_t i = 0; i < app->config->gateway_count; i++)
		count += sip_gateway_status(app->sip, app->config->gateways[i].name, &status) == 0 && status.registered;
	return count;
}

static unsigned calls_to(const struct app *app, const struct call_gateway *gateway);

void gateways_each(void (*fn)(const struct api_gateway *gateway, void *fn_arg), void *fn_arg, void *arg)
{
	struct app *app = arg;
	const struct config *c = app->config;

	for (size_t i = 0; i < c->gateway_count; i++) {
		struct sip_gateway_status s = {.up = true};
		(void)sip_gateway_status(app->sip, c->gateways[i].name, &s);
		const struct api_gateway g = {
			.name = c->gateways[i].name,
			.tenant = c->gateway_sources[i].tenant,
			.uri = c->gateways[i].uri,
			.watched = s.watched,
			.up = s.up,
			.down_since_ms = s.down_since_ms,
			.ping_ms = s.ping_ms,
			.ping_code = s.ping_code,
			.registers = s.registers,
			.registered = s.registered,
			.register_code = s.register_code,
			.ping_why = s.ping_why ? s.ping_why : "",
			.register_why = s.register_why ? s.register_why : "",
			.calls = calls_to(app, &c->gateways[i]),
			.max_calls = c->gateway_sources[i].max_calls,
		};
		fn(&g, fn_arg);
	}
}

/* ---- limits ---- */

static unsigned calls_to(const struct app *app, const struct call_gateway *gateway)
{
	const struct app_call *ac, *next;
	unsigned count = 0;

	HASH_ITER (by_id, app->by_id, ac, next) {
		for (size_t i = 0; i < CALL_LEG_COUNT; i++)
			count += ac->legs[i].id && ac->legs[i].gateway &&
				 str_equal(ac->legs[i].gateway->name, gateway->name);
	}
	return count;
}

/* What holds now of a gateway; the call may have begun under another configuration. NULL: it is gone. */
static struct gateway_state *state_of(struct app *app, const struct call_gateway *gateway)
{
	const struct call_gateway *now = config_gateway_by_name(app->config, gateway->name);
	const struct config_gateway *g = now ? config_gateway_of(app->config, now) : NULL;

	return g ? &app->gateways[g - app->config->gateway_sources] : NULL;
}

void gateway_is_busy(struct app *app, const struct call_gateway *gateway, unsigned retry_after_s)
{
	struct gateway_state *state = state_of(app, gateway);
	unsigned seconds = retry_after_s < GATEWAY_BUSY_MAX_S ? retry_after_s : GATEWAY_BUSY_MAX_S;

	if (!state)
		return;
	state->busy_until_us = loop_now_us(app->loop) + seconds * 1000000ull;
	log_warn("gateway_busy", "gateway=%s retry_after_s=%u seconds=%u", gateway->name, retry_after_s, seconds);
}

enum cause gateway_refuses(struct app *app, const struct call_gateway *gateway)
{
	/* Of the limits that hold now; the call may have begun under others. */
	const struct call_gateway *now = config_gateway_by_name(app->config, gateway->name);
	const struct config_gateway *g = now ? config_gateway_of(app->config, now) : NULL;
	struct sip_gateway_status status;

	if (!g)
		return CAUSE_NORMAL;
	if (g->registered_as ? !sip_registrar_has(app->sip, g->registered_as)
			     : sip_name_unknown(app->sip, config_gateway_place(app->config, now)))
		return CAUSE_GATEWAY_DOWN;
	if (!g->call_when_down && sip_gateway_status(app->sip, gateway->name, &status) == 0 && !status.up)
		return CAUSE_GATEWAY_DOWN;
	if (state_of(app, gateway)->busy_until_us > loop_now_us(app->loop))
		return CAUSE_CONGESTION;
	if (g->max_calls && calls_to(app, gateway) >= g->max_calls)
		return CAUSE_CONGESTION;
	if (g->calls_per_second &&
		!ratelimit_take(&app->gateways[g - app->config->gateway_sources].invites, loop_now_us(app->loop)))
		return CAUSE_CONGESTION;
	return CAUSE_NORMAL;
}

/* ---- what goes into the INVITE ---- */

/* The gateway's own settings, if it is its host that is called; a transfer or redirect may lead elsewhere. */
static const struct config_gateway *whose_host(
	const struct config *c, const struct call_gateway *gateway, const char *target)
{
	struct sip_uri own, called;

	if (sip_uri_parse(gateway->uri, &own) || sip_uri_parse(target, &called) ||
		own.host_length != called.host_length || strncasecmp(own.host, called.host, own.host_length) != 0)
		return NULL;
	return config_gateway_of(c, gateway);
}

const char *gateway_registered_as(const struct config *c, const struct call_gateway *gateway, const char *target)
{
	const struct config_gateway *g = whose_host(c, gateway, target);

	return g ? g->registered_as : NULL;
}

const struct sip_credentials *gateway_credentials(
	const struct config *c, const struct call_gateway *gateway, const char *target)
{
	const struct config_gateway *g = whose_host(c, gateway, target);

	return g && g->credentials.user ? &g->credentials : NULL;
}

const struct sip_tls *gateway_tls(const struct config *c, const struct call_gateway *gateway, const char *target)
{
	const struct config_gateway *g = config_gateway_of(c, gateway);
	char host[256];
	struct sip_uri called;
	struct addr address;

	/* An address may be one of the gateway's. Another name is somebody else's: transfer.domains. */
	if (!g || g->proxy || whose_host(c, gateway, target))
		return config_gateway_tls(c, gateway);
	if (sip_uri_parse(target, &called) || str_copy_n(host, sizeof(host), called.host, called.host_length))
		return NULL;
	return *host == '[' || addr_set(&address, host, 0) == 0 ? config_gateway_tls(c, gateway) : NULL;
}

const char *gateway_number(
	const struct config *c, const struct call_gateway *gateway, const char *user, char dst[GATEWAY_USER_MAX])
{
	const struct config_gateway *g = config_gateway_of(c, gateway);
	const char *digits = user && *user == '+' ? user + 1 : user;
	size_t length = digits ? strlen(digits) : 0;

	if (!g || g->number_format == NUMBERS_AS_THEY_ARE || length == 0 || strspn(digits, "0123456789") != length)
		return user;
	if (g->number_format == NUMBERS_DIGITS)
		return digits;
	if (length < E164_DIGITS_MIN || length > E164_DIGITS_MAX || *digits == '0')
		return user;
	(void)snprintf(dst, GATEWAY_USER_MAX, "+%s", digits);
	return dst;
}

int gateway_target(const struct config *c, const struct call_gateway *gateway, const char *target, char *dst)
{
	char user[GATEWAY_USER_MAX], number[GATEWAY_USER_MAX];
	struct sip_uri uri;
	const char *wanted;
	int n;

	if (sip_uri_parse(target, &uri))
		return -EINVAL;
	if (!uri.user_length || str_copy_n(user, sizeof(user), uri.user, uri.user_length))
		return str_copy(dst, TARGET_URI_MAX, target) ? -EINVAL : 0;
	wanted = gateway_number(c, gateway, user, number);
	n = snprintf(
		dst, TARGET_URI_MAX, "%.*s%s%s", (int)(uri.user - target), target, wanted, uri.user + uri.user_length);
	return n < 0 || n >= TARGET_URI_MAX ? -EINVAL : 0;
}
