/* b2bua/app/config_tenants.c
 *
 * The section "tenants", and what may not be shared between them. Everything belongs to one tenant: who could be taken
 * for another tenant, by his address or his token, is a fault.
 */
#include "b2bua/app/config_load.h"
#include "b2bua/sip/uri.h"
#include "lib/base/str.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { TENANT_NAME_MAX = 32, TOKEN_MIN = 8 };

/* ---- the section ---- */

/* Stands in log lines, headers and file names. */
static bool is_tenant_name(const char *name)
{
	size_t length = strlen(name);

	return length > 0 && length <= TENANT_NAME_MAX &&
	       !name[strspn(name, "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_.")];
}

static void load_tokens(struct load *ld, size_t i, const struct tenant_yaml *y)
{
	struct config_tenant *t = &ld->c->tenants[i];
	char key[64];

	if (!y->tokens_count)
		return;
	t->tokens = calloc(y->tokens_count, sizeof(*t->tokens));
	if (!t->tokens) {
		ld->out_of_memory = true;
		return;
	}
	t->token_count = y->tokens_count;
	for (size_t k = 0; k < y->tokens_count; k++) {
		snprintf(key, sizeof(key), "tenants[%zu].tokens[%zu]", i, k);
		t->tokens[k] = load_secret(ld, key, y->tokens[k]);
		if (t->tokens[k] && strlen(t->tokens[k]) < TOKEN_MIN)
			FAULT(ld, key, "is too short: %d characters at least", TOKEN_MIN);
	}
}

static void load_one(struct load *ld, size_t i, const struct tenant_yaml *y)
{
	struct config_tenant *t = &ld->c->tenants[i];
	char key[64];

#define KEY(name) (snprintf(key, sizeof(key), "tenants[%zu]." name, i), key)
	t->name = y->name;
	if (!is_tenant_name(y->name))
		FAULT(ld, KEY("name"), "\"%s\": 1 to %d letters, digits and -_.", y->name, TENANT_NAME_MAX);
	for (size_t k = 0; k < i; k++) {
		if (strcmp(ld->c->tenants[k].name, t->name) == 0)
			FAULT(ld, KEY("name"), "\"%s\" stands twice", t->name);
	}
	t->max_calls = load_uint(ld, KEY("max_calls"), y->max_calls, 0, 0, 100000);
	t->transfer_domains = y->transfer_domains;
	t->transfer_domain_count = y->transfer_domains_count;
	load_tokens(ld, i, y);
#undef KEY
}

void load_tenants(struct load *ld, const struct config_file *y)
{
	if (!y->tenants_count)
		return;
	ld->c->tenants = calloc(y->tenants_count, sizeof(*ld->c->tenants));
	if (!ld->c->tenants) {
		ld->out_of_memory = true;
		return;
	}
	ld->c->tenant_count = y->tenants_count;
	for (size_t i = 0; i < y->tenants_count; i++)
		ld->c->tenants[i].name = "";
	for (size_t i = 0; i < y->tenants_count; i++)
		load_one(ld, i, &y->tenants[i]);
}

void free_tenants(struct config *c)
{
	for (size_t i = 0; i < c->tenant_count; i++) {
		for (size_t k = 0; k < c->tenants[i].token_count; k++)
			conf_secret_free(c->tenants[i].tokens[k]);
		free(c->tenants[i].tokens);
	}
	free(c->tenants);
}

const char *load_tenant(struct load *ld, const char *key, const char *text)
{
	const struct config_tenant *t = text ? config_tenant_by_name(ld->c, text) : NULL;

	if (t)
		return t->name;
	if (text && !ld->c->tenant_count)
		FAULT(ld, key, "there is no section tenants");
	else if (text)
		FAULT(ld, key, "no tenant has the name \"%s\"", text);
	else if (ld->c->tenant_count)
		FAULT(ld, key, "whose is it? With tenants, each names its own");
	return "";
}

/* ---- what holds between tenants ---- */

static bool same_token(const char *a, const char *b)
{
	return a && b && strcmp(a, b) == 0;
}

static void check_token(struct load *ld, size_t i, size_t k)
{
	const struct config *c = ld->c;
	const char *token = c->tenants[i].tokens[k];
	bool twice = same_token(token, c->admin.token);
	char key[64];

	for (size_t other = 0; other < c->tenant_count; other++) {
		for (size_t n = 0; n < c->tenants[other].token_count; n++)
			twice |= (other < i || (other == i && n < k)) && same_token(token, c->tenants[other].tokens[n]);
	}
	snprintf(key, sizeof(key), "tenants[%zu].tokens[%zu]", i, k);
	if (twice)
		FAULT(ld, key, "is another's token, too: it would not say who asks");
}

static void check_transfer(struct load *ld, size_t i, const struct tenant_yaml *y)
{
	struct config_tenant *t = &ld->c->tenants[i];
	char key[80];
	size_t length;
	uint16_t port;

	for (size_t k = 0; k < t->transfer_domain_count; k++) {
		snprintf(key, sizeof(key), "tenants[%zu].transfer_domains[%zu]", i, k);
		if (sip_hostport_parse(t->transfer_domains[k], &length, &port) || port)
			FAULT(ld, key, "\"%s\" is not a host name or address", t->transfer_domains[k]);
	}
	if (!y->tel_gateway)
		return;
	t->tel_gateway = config_gateway_of_tenant(ld->c, t->name, y->tel_gateway);
	snprintf(key, sizeof(key), "tenants[%zu].tel_gateway", i);
	if (!t->tel_gateway)
		FAULT(ld, key, "\"%s\" is not the name of a gateway of this tenant", y->tel_gateway);
}

static bool share_an_address(const struct config_gateway *a, const struct config_gateway *b)
{
	for (size_t i = 0; i < a->addr_count; i++) {
		for (size_t k = 0; k < b->addr_count; k++) {
			if (addr_equal_host(&a->addrs[i], &b->addrs[k]))
				return true;
		}
	}
	return false;
}

static bool share_a_name(const struct config *c, size_t i, size_t k)
{
	struct sip_uri a, b;

	return sip_uri_parse(config_gateway_place(c, &c->gateways[i]), &a) == 0 &&
	       sip_uri_parse(config_gateway_place(c, &c->gateways[k]), &b) == 0 && a.host_length == b.host_length &&
	       strncasecmp(a.host, b.host, a.host_length) == 0;
}

/* A call from an address that two tenants' gateways have would be whose? Ports of a caller prove nothing, headers
 * neither. So neither gateway calls by its address: the user who proves his password says whose call it is. */
static void check_sources(struct load *ld)
{
	const struct config *c = ld->c;
	char key[64];

	for (size_t i = 0; i < c->gateway_count; i++) {
		for (size_t k = 0; k < i; k++) {
			const struct config_gateway *a = &c->gateway_sources[i], *b = &c->gateway_sources[k];
			if (strcmp(a->tenant, b->tenant) == 0 || (!share_an_address(a, b) && !share_a_name(c, i, k)) ||
				(!a->inbound && !b->inbound))
				continue;
			snprintf(key, sizeof(key), "gateways[%zu].%s", i, a->inbound ? "uri" : "inbound");
			FAULT(ld, key,
				"has the address of gateways[%zu], another tenant's: set inbound: false for both, and "
				"let them "
				"call as sip.users",
				k);
		}
	}
}

/* What is of everybody, and may not be when there are tenants. */
static void check_common(struct load *ld, const struct config_file *y)
{
	if (y->sip.allow_count)
		FAULT(ld, "sip.allow", "a network is no tenant: name a gateway at each address, or sip.users");
	if (y->transfer && y->transfer->domains_count)
		FAULT(ld, "transfer.domains", "with tenants, they stand in tenants[].transfer_domains");
	if (y->transfer && y->transfer->tel_gateway)
		FAULT(ld, "transfer.tel_gateway", "with tenants, it stands in tenants[].tel_gateway");
}

void check_tenants(struct load *ld, const struct config_file *y)
{
	if (!ld->c->tenant_count || ld->out_of_memory)
		return;
	check_common(ld, y);
	for (size_t i = 0; i < ld->c->tenant_count; i++) {
		for (size_t k = 0; k < ld->c->tenants[i].token_count; k++)
			check_token(ld, i, k);
		check_transfer(ld, i, &y->tenants[i]);
	}
	check_sources(ld);
}

/* ---- questions ---- */

const struct config_tenant *config_tenant_by_name(const struct config *c, const char *name)
{
	for (size_t i = 0; i < c->tenant_count; i++) {
		if (strcmp(c->tenants[i].name, name) == 0)
			return &c->tenants[i];
	}
	return NULL;
}

const struct call_gateway *config_gateway_of_tenant(const struct config *c, const char *tenant, const char *name)
{
	const struct call_gateway *g = config_gateway_by_name(c, name);

	return g && strcmp(config_tenant_of_gateway(c, g), tenant) == 0 ? g : NULL;
}

const struct config_number *config_number_of_tenant(const struct config *c, const char *tenant, const char *e164)
{
	const struct config_number *n = config_number_by_number(c, e164);

	return n && strcmp(n->tenant, tenant) == 0 ? n : NULL;
}

const struct call_gateway *config_only_gateway(const struct config *c, const char *tenant)
{
	const struct call_gateway *found = NULL;

	for (size_t i = 0; i < c->gateway_count; i++) {
		if (strcmp(c->gateway_sources[i].tenant, tenant) != 0)
			continue;
		if (found)
			return NULL;
		found = &c->gateways[i];
	}
	return found;
}

const struct config_number *config_only_number(const struct config *c, const char *tenant)
{
	const struct config_number *found = NULL;

	for (size_t i = 0; i < c->number_count; i++) {
		if (strcmp(c->numbers[i].tenant, tenant) != 0)
			continue;
		if (found)
			return NULL;
		found = &c->numbers[i];
	}
	return found;
}

const char *config_tenant_of_gateway(const struct config *c, const struct call_gateway *gateway)
{
	const struct config_gateway *g = config_gateway_of(c, gateway);

	return g && g->tenant ? g->tenant : "";
}

const char *config_tenant_of_user(const struct config *c, const char *sip_user)
{
	for (size_t i = 0; i < c->sip.user_count; i++) {
		if (strcmp(c->sip.users[i].name, sip_user) == 0)
			return c->sip.user_tenants[i];
	}
	return "";
}
