/* b2bua/app/config_gateways.c -- the section "gateways" */
#include "b2bua/app/config_load.h"
#include "b2bua/sip/uri.h"
#include "lib/base/str.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	SESSION_EXPIRES_S = 1800, /* RFC 4028 s4: recommended */
	SESSION_EXPIRES_MAX_S = 86400,
	MIN_SE_S = 90,     /* RFC 4028 s4: the least allowed, */
	MIN_SE_TEST_S = 2, /* but for tests, which cannot wait */
};

static enum audio_codec codec_by_name(const char *name)
{
	if (str_equal_nocase(name, "PCMU"))
		return AUDIO_PCMU;
	if (str_equal_nocase(name, "G722"))
		return AUDIO_G722;
	if (str_equal_nocase(name, "OPUS"))
		return AUDIO_OPUS;
	return str_equal_nocase(name, "PCMA") ? AUDIO_PCMA : AUDIO_NONE;
}

static bool srtp_by_name(const char *name, enum media_srtp_policy *ret_policy)
{
	static const char *const names[] = {
		[MEDIA_SRTP_OFF] = "off", [MEDIA_SRTP_OFFER] = "offer", [MEDIA_SRTP_REQUIRE] = "require"};

	for (unsigned i = 0; name && i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcmp(name, names[i]) == 0) {
			*ret_policy = (enum media_srtp_policy)i;
			return true;
		}
	}
	return name == NULL;
}

static bool dtmf_by_name(const char *name, enum call_dtmf *ret_dtmf)
{
	static const char *const names[] = {[CALL_DTMF_EVENTS] = "rfc4733",
		[CALL_DTMF_INFO] = "info",
		[CALL_DTMF_BOTH] = "both",
		[CALL_DTMF_INBAND] = "inband",
		[CALL_DTMF_AUTO] = "auto"};

	for (unsigned i = 0; name && i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcmp(name, names[i]) == 0) {
			*ret_dtmf = (enum call_dtmf)i;
			return true;
		}
	}
	return name == NULL;
}

/* An INVITE leaves from the listener whose transport the gateway's URI names. */
static bool has_listener(const struct config *c, const char *uri)
{
	struct sip_uri target;

	return sip_uri_parse(uri, &target) == 0 && config_has_listener(c, target.transport);
}

/* Of hosts given as an address. Names are looked up while we run. */
static void add_source(struct config_gateway *src, const char *uri)
{
	struct sip_uri u;
	char host[256];
	bool v6;

	if (sip_uri_parse(uri, &u))
		return;
	v6 = u.host[0] == '[';
	if (!str_copy_n(host, sizeof(host), u.host + v6, u.host_length - (v6 ? 2 : 0)) &&
		addr_set(&src->addrs[src->addr_count], host, 0) == 0)
		src->addr_count++;
}

static bool is_loose_route(const char *uri)
{
	const char *lr = strstr(uri, ";lr");

	return lr && (lr[3] == '\0' || lr[3] == ';' || lr[3] == '=');
}

static void load_proxy(struct load *ld, size_t i, const char *proxy)
{
	struct config_gateway *src = &ld->c->gateway_sources[i];
	char key[64];

	if (!proxy)
		return;
	snprintf(key, sizeof(key), "gateways[%zu].proxy", i);
	src->proxy = proxy;
	add_source(src, proxy);
	if (!sip_target_allowed(proxy) || strchr(proxy, '@'))
		FAULT(ld, key, "\"%s\" is not sip:HOST[:PORT];lr with ;transport=udp, tcp or tls", proxy);
	else if (!is_loose_route(proxy))
		FAULT(ld, key, "\"%s\" needs ;lr (a loose route, RFC 3261)", proxy);
	else if (!has_listener(ld->c, proxy))
		FAULT(ld, key, "\"%s\": no entry of sip.listen has this transport", proxy);
}

/* Where it is called: at its uri, or where it registered. */
static void load_place(struct load *ld, size_t i, const struct gateway_yaml *y)
{
	struct call_gateway *g = &ld->c->gateways[i];
	struct config_gateway *src = &ld->c->gateway_sources[i];
	char key[64];

	snprintf(key, sizeof(key), "gateways[%zu].uri", i);
	src->registered_as = y->registered_as;
	g->uri = y->registered_as ? ld->c->registered_uri : y->uri;
	if (y->registered_as && y->uri)
		FAULT(ld, key, "cannot stand beside registered_as: the gateway says where it is");
	else if (y->registered_as && y->proxy)
		FAULT(ld, key, "registered_as cannot stand beside proxy: the gateway says where it is");
	else if (y->registered_as)
		return;
	else if (!y->uri) {
		g->uri = "";
		if (!ld->c->presets.told[i])
			FAULT(ld, key,
				"is missing: sip:HOST[:PORT] of the gateway, a preset that has it, or registered_as");
	} else if (!sip_target_allowed(y->uri))
		FAULT(ld, key, "\"%s\" cannot be called: sip:HOST[:PORT] with ;transport=udp, tcp or tls", y->uri);
	else if (!y->proxy && !has_listener(ld->c, y->uri))
		FAULT(ld, key, "\"%s\": no entry of sip.listen has this transport", y->uri);
	add_source(src, g->uri);
	load_proxy(ld, i, y->proxy);
}

static void load_gateway(struct load *ld, size_t i, const struct gateway_yaml *y)
{
	struct call_gateway *g = &ld->c->gateways[i];
	struct config_gateway *src = &ld->c->gateway_sources[i];
	char key[64];

#define KEY(name) (snprintf(key, sizeof(key), "gateways[%zu]." name, i), key)
	g->name = y->name;
	src->inbound = load_bool(y->inbound, true);
	src->tenant = load_tenant(ld, KEY("tenant"), y->tenant);
	g->ptime_ms = (uint16_t)load_uint(ld, KEY("ptime_ms"), y->ptime_ms, 20, 10, 60);
	g->ring_ms = y->ring_timeout ? 1000 * load_uint(ld, KEY("ring_timeout"), y->ring_timeout, 60, 1, 120) : 0;
	load_place(ld, i, y);
	if (!dtmf_by_name(y->dtmf, &g->dtmf))
		FAULT(ld, KEY("dtmf"), "\"%s\" is not rfc4733, info, both, inband or auto", y->dtmf);
	if (!srtp_by_name(y->srtp, &g->srtp))
		FAULT(ld, KEY("srtp"), "\"%s\" is not off, offer or require", y->srtp);
	if (y->codecs_count == 0) {
		g->codecs[0] = AUDIO_PCMU;
		g->codecs[1] = AUDIO_PCMA;
	}
	for (size_t k = 0; k < y->codecs_count; k++) {
		char codec_key[64];
		g->codecs[k] = codec_by_name(y->codecs[k]);
		snprintf(codec_key, sizeof(codec_key), "gateways[%zu].codecs[%zu]", i, k);
		if (g->codecs[k] == AUDIO_NONE)
			FAULT(ld, codec_key, "\"%s\" is not known: PCMU, PCMA, G722 or OPUS", y->codecs[k]);
		for (size_t before = 0; before < k; before++) {
			if (g->codecs[k] != AUDIO_NONE && g->codecs[before] == g->codecs[k])
				FAULT(ld, codec_key, "\"%s\" stands twice", y->codecs[k]);
		}
	}
	for (size_t k = 0; k < i; k++) {
		if (strcmp(ld->c->gateways[k].name, g->name) == 0)
			FAULT(ld, KEY("name"), "\"%s\" stands twice: gateways[%zu] has it already", g->name, k);
	}
#undef KEY
}

static void load_credentials(struct load *ld, size_t i, const struct gateway_yaml *y)
{
	struct sip_credentials *cr = &ld->c->gateway_sources[i].credentials;
	char key[64];

	cr->user = y->user;
	snprintf(key, sizeof(key), "gateways[%zu].registered_as", i);
	if (y->registered_as && (y->user || y->do_register || y->ping))
		FAULT(ld, key, "cannot stand beside user, register and ping");
	cr->realm = y->realm ? y->realm : "";
	snprintf(key, sizeof(key), "gateways[%zu].user", i);
	if (y->user && (!*y->user || y->user[strcspn(y->user, "\"\\: \t")]))
		FAULT(ld, key, "\"%s\": no blanks, colons, quotes or backslashes", y->user);
	if (!y->user && (y->password || y->realm))
		FAULT(ld, key, "is missing: password and realm belong to it");
	snprintf(key, sizeof(key), "gateways[%zu].password", i);
	if (y->user && !y->password)
		FAULT(ld, key, "is missing: user needs it");
	if (y->password)
		cr->password = load_secret(ld, key, y->password);
	snprintf(key, sizeof(key), "gateways[%zu].realm", i);
	if (cr->realm[strcspn(cr->realm, "\"\\")])
		FAULT(ld, key, "\"%s\": no quotes or backslashes", cr->realm);
}

/* Fit to stand in a URI as it is. */
static bool is_plain_user(const char *user)
{
	return *user && strlen(user) < 64 &&
	       !user[strspn(user, "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_.+")];
}

static void load_registration(struct load *ld, size_t i, const struct gateway_yaml *y)
{
	struct config_gateway *g = &ld->c->gateway_sources[i];
	char key[64];

#define KEY(name) (snprintf(key, sizeof(key), "gateways[%zu]." name, i), key)
	g->do_register = load_bool(y->do_register, false);
	g->expires_s = load_uint(ld, KEY("expires"), y->expires, 600, 10, 86400);
	g->contact_user = y->contact_user ? y->contact_user : y->user;
	if (g->do_register && !y->user)
		FAULT(ld, KEY("register"), "needs user");
	else if (g->do_register && !is_plain_user(y->user))
		FAULT(ld, KEY("user"), "\"%s\": to register with, letters, digits and -_.+ only", y->user);
	if (y->contact_user && !is_plain_user(y->contact_user))
		FAULT(ld, KEY("contact_user"), "\"%s\": letters, digits and -_.+ only", y->contact_user);
	g->ping_s = load_uint(ld, KEY("ping"), y->ping, 0, 0, 3600);
	g->call_when_down = load_bool(y->call_when_down, false);
	g->max_calls = load_uint(ld, KEY("max_calls"), y->max_calls, 0, 0, 100000);
	g->calls_per_second = load_uint(ld, KEY("calls_per_second"), y->calls_per_second, 0, 0, 1000);
	if (y->number_format && strcmp(y->number_format, "e164") == 0)
		g->number_format = NUMBERS_E164;
	else if (y->number_format && strcmp(y->number_format, "digits") == 0)
		g->number_format = NUMBERS_DIGITS;
	else if (y->number_format)
		FAULT(ld, KEY("number_format"), "\"%s\" is not e164 or digits", y->number_format);
#undef KEY
}

/* ---- how dialogs live ---- */

/* Its index; false: none of them. Absent is the first. */
static bool one_of(const char *word, const char *const words[], unsigned count, unsigned *ret_index)
{
	*ret_index = 0;
	for (unsigned i = 0; word && i < count; i++) {
		if (strcmp(word, words[i]) == 0) {
			*ret_index = i;
			return true;
		}
	}
	return word == NULL;
}

static void load_dialog(struct load *ld, size_t i, const struct gateway_yaml *y)
{
	static const char *const refreshers[] = {
		[SIP_REFRESHER_AUTO] = "auto", [SIP_REFRESHER_US] = "us", [SIP_REFRESHER_PEER] = "peer"};
	static const char *const methods[] = {
		[SIP_REFRESH_AUTO] = "auto", [SIP_REFRESH_UPDATE] = "update", [SIP_REFRESH_INVITE] = "invite"};
	static const char *const rel100s[] = {
		[SIP_REL100_SUPPORT] = "support", [SIP_REL100_OFF] = "off", [SIP_REL100_REQUIRE] = "require"};
	struct sip_dialog_policy *p = &ld->c->gateway_sources[i].dialog;
	unsigned refresher, method, rel100;
	char key[64];

#define KEY(name) (snprintf(key, sizeof(key), "gateways[%zu]." name, i), key)
	p->session_expires_s =
		load_uint(ld, KEY("session_expires"), y->session_expires, SESSION_EXPIRES_S, 0, SESSION_EXPIRES_MAX_S);
	p->min_se_s = load_uint(ld, KEY("min_se"), y->min_se, MIN_SE_S, MIN_SE_TEST_S, SESSION_EXPIRES_MAX_S);
	if (p->session_expires_s && p->session_expires_s < p->min_se_s)
		FAULT(ld, KEY("session_expires"), "%u is less than min_se, %u", p->session_expires_s, p->min_se_s);
	if (!one_of(y->refresher, refreshers, 3, &refresher))
		FAULT(ld, KEY("refresher"), "\"%s\" is not auto, us or peer", y->refresher);
	if (!one_of(y->refresh_method, methods, 3, &method))
		FAULT(ld, KEY("refresh_method"), "\"%s\" is not auto, update or invite", y->refresh_method);
	if (!one_of(y->rel100, rel100s, 3, &rel100))
		FAULT(ld, KEY("rel100"), "\"%s\" is not off, support or require", y->rel100);
#undef KEY
	p->refresher = (enum sip_refresher)refresher;
	p->refresh_method = (enum sip_refresh_method)method;
	p->rel100 = (enum sip_rel100)rel100;
}

const struct sip_tls *config_gateway_tls(const struct config *c, const struct call_gateway *gateway)
{
	const struct config_gateway *g = gateway ? config_gateway_of(c, gateway) : NULL;

	return g && g->tls.certificate && !g->registered_as ? &g->tls : NULL;
}

const struct sip_dialog_policy *config_dialog_policy(const struct config *c, const struct call_gateway *gateway)
{
	static const struct sip_dialog_policy others = {.session_expires_s = SESSION_EXPIRES_S, .min_se_s = MIN_SE_S};
	const struct config_gateway *g = gateway ? config_gateway_of(c, gateway) : NULL;

	return g ? &g->dialog : &others;
}

void load_gateways(struct load *ld, const struct config_file *y)
{
	struct config *c = ld->c;

	struct config_file merged = *y;

	if (presets_merge(&c->presets, y->gateways, y->gateways_count, c->path, c->file, ld->errors)) {
		ld->out_of_memory = true;
		return;
	}
	/* From here on a gateway is what its preset and itself say together. */
	merged.gateways = c->presets.merged;
	y = &merged;
	c->gateways = calloc(y->gateways_count, sizeof(*c->gateways));
	c->gateway_sources = calloc(y->gateways_count, sizeof(*c->gateway_sources));
	if (!c->gateways || !c->gateway_sources) {
		ld->out_of_memory = true;
		return;
	}
	if (asprintf(&c->registered_uri, "sip:%s", c->sip.domain) < 0) {
		c->registered_uri = NULL;
		ld->out_of_memory = true;
		return;
	}
	c->gateway_count = y->gateways_count;
	for (size_t i = 0; i < y->gateways_count; i++)
		load_gateway(ld, i, &y->gateways[i]);
	for (size_t i = 0; i < y->gateways_count; i++)
		load_gateway_tls(ld, i, y->gateways[i].tls);
	for (size_t i = 0; i < y->gateways_count; i++)
		load_credentials(ld, i, &y->gateways[i]);
	for (size_t i = 0; i < y->gateways_count; i++)
		load_registration(ld, i, &y->gateways[i]);
	for (unsigned i = 0; i < y->gateways_count; i++)
		manners_load(ld, i, &y->gateways[i], &c->presets.arena, &c->gateway_sources[i].manners);
	for (size_t i = 0; i < y->gateways_count; i++)
		load_dialog(ld, i, &y->gateways[i]);
}

void free_gateways(struct config *c)
{
	for (size_t i = 0; i < c->gateway_count; i++)
		conf_secret_free((char *)c->gateway_sources[i].credentials.password);
	free(c->registered_uri);
	free(c->gateways);
	free(c->gateway_sources);
	presets_free(&c->presets);
}

const struct call_gateway *config_gateway_by_name(const struct config *c, const char *name)
{
	for (size_t i = 0; i < c->gateway_count; i++) {
		if (strcmp(c->gateways[i].name, name) == 0)
			return &c->gateways[i];
	}
	return NULL;
}

bool config_has_listener(const struct config *c, enum sip_transport transport)
{
	for (size_t i = 0; i < c->sip.listen_count; i++)
		if (c->sip.listen[i].transport == transport)
			return true;
	return false;
}

const char *config_gateway_place(const struct config *c, const struct call_gateway *gateway)
{
	const struct config_gateway *g = config_gateway_of(c, gateway);

	return g->registered_as ? "" : g->proxy ? g->proxy : gateway->uri;
}

bool config_gateway_has(const struct config *c, size_t i, const struct sip_stack *names, const struct addr *addr)
{
	const struct config_gateway *g = &c->gateway_sources[i];

	for (size_t k = 0; k < g->addr_count; k++)
		if (addr_equal_host(&g->addrs[k], addr))
			return true;
	return names && sip_name_holds(names, config_gateway_place(c, &c->gateways[i]), addr);
}

const struct call_gateway *config_gateway_by_source(
	const struct config *c, const struct sip_stack *names, const struct addr *source)
{
	const struct call_gateway *found = NULL;
	const char *tenant = NULL;

	for (size_t i = 0; i < c->gateway_count; i++) {
		const struct config_gateway *g = &c->gateway_sources[i];
		if (!config_gateway_has(c, i, names, source))
			continue;
		/* Where two tenants' names have met, nobody can say whose call it is. */
		if (tenant && strcmp(tenant, g->tenant) != 0)
			return NULL;
		tenant = g->tenant;
		if (!found && g->inbound)
			found = &c->gateways[i];
	}
	return found;
}

const struct config_gateway *config_gateway_of(const struct config *c, const struct call_gateway *gateway)
{
	for (size_t i = 0; i < c->gateway_count; i++) {
		if (&c->gateways[i] == gateway)
			return &c->gateway_sources[i];
	}
	return NULL;
}
