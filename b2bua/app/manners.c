/* b2bua/app/manners.c -- the keys `headers` and `caller` of a gateway */
#include "b2bua/app/manners.h"

#include "b2bua/app/config_load.h"
#include "b2bua/sip/uri.h"
#include "lib/base/str.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { DOMAIN_MAX = 253 }; /* RFC 1035 s2.3.4, as text */

static const struct {
	const char *key, *header;
} facts[MANNERS_FACT_COUNT] = {
	[MANNERS_CALL_ID] = {"call_id", "X-WA-Call-Id"},
	[MANNERS_NUMBER_ID] = {"number_id", "X-WA-Number-Id"},
	[MANNERS_USER] = {"user", "X-WA-User"},
	[MANNERS_USER_ID] = {"user_id", "X-WA-User-Id"},
	[MANNERS_NAME] = {"name", "X-WA-Name"},
	[MANNERS_PAYLOAD] = {"payload", "X-WA-Payload"},
	[MANNERS_TENANT] = {"tenant", "X-WA-Tenant"},
};

const char *manners_fact_key(enum manners_fact fact)
{
	return facts[fact].key;
}

const char *manners_fact_header(enum manners_fact fact)
{
	return facts[fact].header;
}

static const char *name_of(const struct manners *m, size_t fact)
{
	return m->header[fact] ? m->header[fact] : facts[fact].header;
}

static void load_headers(struct load *ld, unsigned i, const struct gateway_headers_yaml *y, struct manners *m)
{
	const char *const given[MANNERS_FACT_COUNT] = {
		y->call_id, y->number_id, y->user, y->user_id, y->name, y->payload, y->tenant};
	char key[64];

	for (size_t k = 0; k < MANNERS_FACT_COUNT; k++) {
		if (!given[k])
			continue;
		snprintf(key, sizeof(key), "gateways[%u].headers.%s", i, facts[k].key);
		if (*given[k] && !sip_header_allowed(given[k]))
			FAULT(ld, key, "\"%s\" is not the name of a header that call data may have", given[k]);
		else
			m->header[k] = given[k];
	}
	for (size_t k = 0; k < MANNERS_FACT_COUNT; k++) {
		for (size_t other = 0; other < k; other++) {
			if (!*name_of(m, k) || !str_equal_nocase(name_of(m, k), name_of(m, other)))
				continue;
			snprintf(key, sizeof(key), "gateways[%u].headers.%s", i, facts[k].key);
			FAULT(ld, key, "\"%s\" is the header of %s, too", name_of(m, k), facts[other].key);
		}
	}
}

static void load_template(
	struct load *ld, const char *key, const char *text, struct arena *arena, struct template *ret_template)
{
	char why[160];
	int r = template_read(arena, text, ret_template, why, sizeof(why));

	if (r == -ENOMEM)
		ld->out_of_memory = true;
	else if (r)
		FAULT(ld, key, "%s", why);
}

static void load_from(struct load *ld, unsigned i, const char *from, struct arena *arena, struct manners *m)
{
	static const char *const words[] = {
		[MANNERS_FROM_USER] = "user", [MANNERS_FROM_NUMBER] = "number", [MANNERS_FROM_ANONYMOUS] = "anonymous"};
	char key[64];

	for (size_t k = 0; k < sizeof(words) / sizeof(words[0]); k++) {
		if (strcmp(from, words[k]) == 0) {
			m->from = (enum manners_from)k;
			return;
		}
	}
	snprintf(key, sizeof(key), "gateways[%u].caller.from", i);
	if (!*from)
		FAULT(ld, key, "is empty: user, number, anonymous, or a text, which may hold {from} and the like");
	m->from = MANNERS_FROM_TEXT;
	load_template(ld, key, from, arena, &m->from_text);
}

static void load_caller(
	struct load *ld, unsigned i, const struct gateway_caller_yaml *y, struct arena *arena, struct manners *m)
{
	char key[64];
	size_t length;
	uint16_t port;

	if (y->from)
		load_from(ld, i, y->from, arena, m);
	if (y->name) {
		snprintf(key, sizeof(key), "gateways[%u].caller.name", i);
		m->has_name = true;
		load_template(ld, key, y->name, arena, &m->name);
	}
	m->pai = load_bool(y->pai, m->from != MANNERS_FROM_ANONYMOUS);
	m->domain = y->domain;
	snprintf(key, sizeof(key), "gateways[%u].caller.domain", i);
	if (y->domain && (sip_hostport_parse(y->domain, &length, &port) || port || length > DOMAIN_MAX))
		FAULT(ld, key, "\"%s\" is not a host name or address", y->domain);
}

void manners_load(struct load *ld, unsigned i, const struct gateway_yaml *y, struct arena *arena, struct manners *ret)
{
	*ret = (struct manners){.pai = true};
	if (y->headers)
		load_headers(ld, i, y->headers, ret);
	if (y->caller)
		load_caller(ld, i, y->caller, arena, ret);
}
