/* b2bua/app/config_out.c
 *
 * The sections about the way out: who may call in over SIP, transfer, permission, messages, receivers of events.
 */
#include "b2bua/app/config_load.h"
#include "b2bua/sip/uri.h"
#include "lib/base/str.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void load_allow(struct load *ld, const struct sip_yaml *y)
{
	struct config *c = ld->c;
	char key[32];

	if (y->allow_count == 0)
		return;
	c->sip.allow = calloc(y->allow_count, sizeof(*c->sip.allow));
	if (!c->sip.allow) {
		ld->out_of_memory = true;
		return;
	}
	c->sip.allow_count = y->allow_count;
	for (size_t i = 0; i < y->allow_count; i++) {
		snprintf(key, sizeof(key), "sip.allow[%zu]", i);
		if (addr_net_parse(y->allow[i], &c->sip.allow[i]))
			FAULT(ld, key, "\"%s\" is not an address or network, such as 10.0.0.0/8", y->allow[i]);
	}
}

/* Or anything below it: line ends, tabs. */
static bool has_blank(const char *text)
{
	for (; *text; text++) {
		if ((unsigned char)*text <= ' ' || *text == 0x7f)
			return true;
	}
	return false;
}

static void load_user(struct load *ld, size_t i, const struct sip_user_yaml *y)
{
	struct sip_user *u = &ld->c->sip.users[i];
	char key[48];

	u->name = y->name;
	snprintf(key, sizeof(key), "sip.users[%zu].tenant", i);
	ld->c->sip.user_tenants[i] = load_tenant(ld, key, y->tenant);
	snprintf(key, sizeof(key), "sip.users[%zu].name", i);
	if (!*y->name || has_blank(y->name) || strpbrk(y->name, "\"\\"))
		FAULT(ld, key, "\"%s\": no blanks, quotes or backslashes", y->name);
	for (size_t k = 0; k < i; k++) {
		if (strcmp(ld->c->sip.users[k].name, u->name) == 0)
			FAULT(ld, key, "\"%s\" stands twice", u->name);
	}
	if (config_gateway_by_name(ld->c, u->name))
		FAULT(ld, key, "\"%s\" is the name of a gateway, too", u->name);
	snprintf(key, sizeof(key), "sip.users[%zu].password", i);
	u->password = load_secret(ld, key, y->password);
	u->may_register = load_bool(y->may_register, false);
	snprintf(key, sizeof(key), "sip.users[%zu].register", i);
	if (u->may_register && strlen(y->name) >= SIP_USER_NAME_MAX)
		FAULT(ld, key, "the name is too long for it: %d characters at most", SIP_USER_NAME_MAX - 1);
}

static void load_registrar(struct load *ld, const struct sip_registrar_yaml *y)
{
	struct sip_registrar *g = &ld->c->sip.registrar;

	g->min_expires_s = load_uint(ld, "sip.registrar.min_expires", y ? y->min_expires : NULL, 60, 1, 3600);
	g->max_expires_s = load_uint(ld, "sip.registrar.max_expires", y ? y->max_expires : NULL, 3600, 1, 86400);
	g->max_contacts = load_uint(ld, "sip.registrar.max_contacts", y ? y->max_contacts : NULL, 5, 1, 32);
	if (g->max_expires_s < g->min_expires_s)
		FAULT(ld, "sip.registrar.max_expires", "is below min_expires");
}

static void load_bans(struct load *ld, const struct sip_bans_yaml *y)
{
	struct sip_ban_limits *b = &ld->c->sip.bans;

	b->failures = load_uint(ld, "sip.bans.failures", y ? y->failures : NULL, 10, 0, 100000);
	b->window_s = load_uint(ld, "sip.bans.window", y ? y->window : NULL, 60, 1, 86400);
	b->ban_s = load_uint(ld, "sip.bans.ban", y ? y->ban : NULL, 600, 1, 604800);
}

/* A gateway that registers is one of the users. */
static void check_registered(struct load *ld)
{
	const struct config *c = ld->c;
	char key[64];

	for (size_t g = 0; g < c->gateway_count; g++) {
		const char *name = c->gateway_sources[g].registered_as;
		bool found = false;

		for (size_t i = 0; name && i < c->sip.user_count; i++)
			found = found || (c->sip.users[i].may_register && strcmp(c->sip.users[i].name, name) == 0 &&
						 str_equal(c->sip.user_tenants[i], c->gateway_sources[g].tenant));
		snprintf(key, sizeof(key), "gateways[%zu].registered_as", g);
		if (name && !found)
			FAULT(ld, key, "\"%s\" is not one of sip.users with register: true", name);
	}
}

static enum sip_digest load_digest(struct load *ld, const char *text)
{
	static const char *const names[] = {
		[SIP_DIGEST_BOTH] = "both", [SIP_DIGEST_MD5] = "md5", [SIP_DIGEST_SHA256] = "sha-256"};

	for (size_t i = 0; text && i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(text, names[i]) == 0)
			return (enum sip_digest)i;
	if (text)
		FAULT(ld, "sip.digest", "\"%s\" is not md5, sha-256 or both", text);
	return SIP_DIGEST_MD5;
}

static void load_users(struct load *ld, const struct sip_yaml *y)
{
	struct config *c = ld->c;

	c->sip.realm = y->realm ? y->realm : "";
	if (c->sip.realm[strcspn(c->sip.realm, "\"\\")])
		FAULT(ld, "sip.realm", "\"%s\": no quotes or backslashes", c->sip.realm);
	c->sip.digest = load_digest(ld, y->digest);
	if (y->users_count == 0)
		return;
	c->sip.users = calloc(y->users_count, sizeof(*c->sip.users));
	c->sip.user_tenants = calloc(y->users_count, sizeof(c->sip.user_tenants[0]));
	if (!c->sip.users || !c->sip.user_tenants) {
		ld->out_of_memory = true;
		return;
	}
	c->sip.user_count = y->users_count;
	for (size_t i = 0; i < y->users_count; i++)
		load_user(ld, i, &y->users[i]);
}

static void load_transfer(struct load *ld, const struct transfer_yaml *y)
{
	struct config *c = ld->c;
	char key[40];
	size_t length;
	uint16_t port;

	for (size_t i = 0; y && i < y->domains_count; i++) {
		snprintf(key, sizeof(key), "transfer.domains[%zu]", i);
		if (sip_hostport_parse(y->domains[i], &length, &port) || port)
			FAULT(ld, key, "\"%s\" is not a host name or address", y->domains[i]);
	}
	if (y) {
		c->transfer.domains = y->domains;
		c->transfer.domain_count = y->domains_count;
	}
	if (y && y->tel_gateway) {
		c->transfer.tel_gateway = config_gateway_by_name(c, y->tel_gateway);
		if (!c->transfer.tel_gateway)
			FAULT(ld, "transfer.tel_gateway", "\"%s\" is not the name of a gateway", y->tel_gateway);
	}
	for (size_t i = 0; i < c->number_count; i++)
		c->numbers[i].call.transfer_ring_ms =
			1000 * load_uint(ld, "transfer.ring_timeout", y ? y->ring_timeout : NULL, 30, 1, 120);
}

static void load_permission(struct load *ld, const struct permission_yaml *y)
{
	struct permission_limits *p = &ld->c->permission;

	*p = permission_limits_meta;
	if (!y)
		return;
	p->requests_per_day =
		load_uint(ld, "permission.requests_per_day", y->requests_per_day, p->requests_per_day, 0, 1000);
	p->requests_per_week =
		load_uint(ld, "permission.requests_per_week", y->requests_per_week, p->requests_per_week, 0, 1000);
	p->connected_per_day =
		load_uint(ld, "permission.calls_per_day", y->calls_per_day, p->connected_per_day, 1, 100000);
	p->unanswered_max = load_uint(ld, "permission.unanswered", y->unanswered, p->unanswered_max, 1, 1000);
	p->fresh_ms = 1000ull * load_uint(ld, "permission.fresh", y->fresh, (uint32_t)(p->fresh_ms / 1000), 1, 86400);
}

static void load_messages(struct load *ld, const struct messages_yaml *y)
{
	ld->c->messages.context_texts = load_uint(ld, "messages.context_texts", y ? y->context_texts : NULL, 0, 0, 20);
	ld->c->messages.context_minutes =
		load_uint(ld, "messages.context_minutes", y ? y->context_minutes : NULL, 60, 1, 1440);
}

/* A misspelt type would be a receiver that hears nothing. docs/events.md */
static bool is_event_type(const char *pattern)
{
	static const char *const types[] = {"call.received", "call.dialled", "call.ringing", "call.answered",
		"call.held", "call.resumed", "recording.started", "recording.paused", "recording.resumed",
		"recording.stopped", "recording.failed", "call.transferred", "call.transfer_failed", "call.dtmf",
		"call.ended", "call.missed", "call.failed", "permission.requested", "permission.granted",
		"permission.denied", "permission.expired", "permission.revoked", "dial.parked", "dial.cancelled",
		"dial.expired", "gateway.down", "gateway.up", "message.matched"};

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		if (events_type_matches(pattern, types[i]))
			return true;
	}
	return false;
}

static void load_receiver(struct load *ld, size_t i, const struct event_receiver_yaml *y)
{
	struct events_receiver *r = &ld->c->events[i];
	char key[48];

	r->name = y->name;
	r->url = y->url;
	r->types = (const char *const *)y->types;
	r->type_count = y->types_count;
	snprintf(key, sizeof(key), "events[%zu].name", i);
	if (!*y->name || strlen(y->name) > 63)
		FAULT(ld, key, "\"%s\": 1 to 63 characters", y->name);
	for (size_t k = 0; k < i; k++) {
		if (strcmp(ld->c->events[k].name, r->name) == 0)
			FAULT(ld, key, "\"%s\" stands twice", r->name);
	}
	snprintf(key, sizeof(key), "events[%zu].tenant", i);
	/* The operator's own hears of all of them, and says so: one that was forgotten would tell everything. */
	r->tenant = y->tenant && strcmp(y->tenant, "*") == 0 ? "" : load_tenant(ld, key, y->tenant);
	snprintf(key, sizeof(key), "events[%zu].url", i);
	if ((!str_starts(y->url, "http://") && !str_starts(y->url, "https://")) || has_blank(y->url))
		FAULT(ld, key, "\"%s\" is not an http(s) URL", y->url);
	for (size_t k = 0; k < r->type_count; k++) {
		snprintf(key, sizeof(key), "events[%zu].types[%zu]", i, k);
		if (!is_event_type(r->types[k]))
			FAULT(ld, key, "\"%s\": no event is of this type", r->types[k]);
	}
	snprintf(key, sizeof(key), "events[%zu].secret", i);
	if (y->secret)
		r->secret = load_secret(ld, key, y->secret);
}

static void load_events(struct load *ld, const struct config_file *y)
{
	struct config *c = ld->c;

	snprintf(c->events_source, sizeof(c->events_source), "watrunk/%s", c->sip.domain ? c->sip.domain : "");
	if (y->events_count == 0)
		return;
	c->events = calloc(y->events_count, sizeof(*c->events));
	if (!c->events) {
		ld->out_of_memory = true;
		return;
	}
	c->event_count = y->events_count;
	for (size_t i = 0; i < y->events_count; i++)
		load_receiver(ld, i, &y->events[i]);
}

/* Which of the app secrets signs for a number: its own, else the global one, which stands first. */
static void find_secrets(struct config *c)
{
	for (size_t i = 0; i < c->number_count; i++) {
		for (size_t k = 0; c->numbers[i].app_secret && k < c->webhook.app_secret_count; k++) {
			if (strcmp(c->webhook.app_secrets[k], c->numbers[i].app_secret) == 0)
				c->numbers[i].secret_index = k;
		}
	}
}

static bool known_caller(const struct config *c, const char *tenant, const char *name)
{
	for (size_t i = 0; i < c->sip.user_count; i++) {
		if (strcmp(c->sip.users[i].name, name) == 0 && str_equal(c->sip.user_tenants[i], tenant))
			return true;
	}
	return config_gateway_of_tenant(c, tenant, name) != NULL;
}

/* A rule for calls of somebody who is not there never acts: it is misspelt. */
static void check_callers(struct load *ld, const struct config_file *y)
{
	char key[48];

	for (size_t i = 0; i < y->dialplan_count; i++) {
		const char *name = y->dialplan[i].match.gateway;
		const char *tenant = y->dialplan[i].tenant ? y->dialplan[i].tenant : "";
		if (!name || known_caller(ld->c, tenant, name))
			continue;
		snprintf(key, sizeof(key), "dialplan[%zu].match.gateway", i);
		FAULT(ld, key, "\"%s\" is the name of neither a gateway nor one of sip.users%s", name,
			*tenant ? " of this tenant" : "");
	}
}

void load_way_out(struct load *ld, const struct config_file *y)
{
	load_allow(ld, &y->sip);
	load_users(ld, &y->sip);
	load_registrar(ld, y->sip.registrar);
	load_bans(ld, y->sip.bans);
	check_registered(ld);
	check_callers(ld, y);
	load_transfer(ld, y->transfer);
	load_permission(ld, y->permission);
	load_messages(ld, y->messages);
	load_events(ld, y);
	find_secrets(ld->c);
}

void free_way_out(struct config *c)
{
	for (size_t i = 0; i < c->sip.user_count; i++)
		conf_secret_free((char *)c->sip.users[i].password);
	for (size_t i = 0; i < c->event_count; i++)
		conf_secret_free((char *)c->events[i].secret);
	free(c->sip.users);
	free(c->sip.user_tenants);
	free(c->sip.allow);
	free(c->events);
}
