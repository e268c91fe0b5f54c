/* b2bua/app/config.c
 *
 * From what libcyaml loaded to what the program runs on. Every check goes on after a fault, so that one look shows all
 * of them.
 */
#include "b2bua/app/config.h"

#include "b2bua/app/config_load.h"
#include "b2bua/sip/uri.h"
#include "lib/base/str.h"
#include "media/governor.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	DEFAULT_ACCEPT_WINDOW_S = 30, /* Meta: 30 to 60 s from the connect webhook to accept; plan for 30 */
	ACCEPT_MARGIN_MS = 1000,      /* our accept must have reached Meta before the window closes */
	DEFAULT_MAX_CALLS = 1000,     /* Meta: simultaneous calls per business number */
	DEFAULT_MEDIA_WAIT_MS = 2000,
	MEDIA_SETUP_MS = 15000, /* Meta's client gives up after 20 s without media (138021) */
	DEFAULT_RING_S = 60,
	DEFAULT_T1X64_MS = 32000, /* RFC 3261 s17.1.1.2: timer B, and how long ended transactions are kept */
	DEFAULT_OPUS_BITRATE = 24000,
	DOMAIN_MAX = 253, /* RFC 1035 s2.3.4, as text */
};

static uint32_t uint_or(const uint32_t *value, uint32_t fallback)
{
	return value ? *value : fallback;
}

bool load_bool(const bool *value, bool fallback)
{
	return value ? *value : fallback;
}

uint32_t load_uint(
	struct load *ld, const char *key, const uint32_t *value, uint32_t fallback, uint32_t min, uint32_t max)
{
	uint32_t v = uint_or(value, fallback);

	if (v < min || v > max) {
		FAULT(ld, key, "%u is out of range: %u to %u", v, min, max);
		return fallback;
	}
	return v;
}

char *load_secret(struct load *ld, const char *key, const char *text)
{
	char why[160], *value = NULL;
	int r = conf_secret(text, &value, why, sizeof(why));

	if (r == -ENOMEM)
		ld->out_of_memory = true;
	else if (r)
		FAULT(ld, key, "%s", why);
	return value;
}

static void listen_addr(struct load *ld, const char *key, const char *text, struct addr *ret_addr)
{
	if (addr_parse(text, ret_addr))
		FAULT(ld, key, "\"%s\" is not ADDRESS:PORT, such as 127.0.0.1:8080 or [::1]:8080", text);
}

/* ---- sections ---- */

static void add_app_secret(struct load *ld, char *value)
{
	struct config *c = ld->c;
	char **grown;

	for (size_t i = 0; i < c->webhook.app_secret_count; i++) {
		if (strcmp(c->webhook.app_secrets[i], value) == 0)
			return;
	}
	grown = realloc(c->webhook.app_secrets, (c->webhook.app_secret_count + 1) * sizeof(*grown));
	if (!grown) {
		ld->out_of_memory = true;
		return;
	}
	c->webhook.app_secrets = grown;
	grown[c->webhook.app_secret_count] = strdup(value);
	if (grown[c->webhook.app_secret_count])
		c->webhook.app_secret_count++;
	else
		ld->out_of_memory = true;
}

static void load_webhook(struct load *ld, const struct webhook_yaml *y)
{
	struct config *c = ld->c;
	char *app_secret = load_secret(ld, "webhook.app_secret", y->app_secret);

	listen_addr(ld, "webhook.listen", y->listen, &c->webhook.listen);
	c->webhook.path = y->path ? y->path : "/webhook";
	if (c->webhook.path[0] != '/')
		FAULT(ld, "webhook.path", "\"%s\" must begin with /", c->webhook.path);
	c->webhook.verify_token = load_secret(ld, "webhook.verify_token", y->verify_token);
	if (app_secret)
		add_app_secret(ld, app_secret);
	conf_secret_free(app_secret);
}

static void load_admin(struct load *ld, const struct admin_yaml *y)
{
	listen_addr(ld, "admin.listen", y->listen, &ld->c->admin.listen);
	ld->c->admin.token = load_secret(ld, "admin.token", y->token);
}

static void load_graph(struct load *ld, const struct graph_yaml *y)
{
	struct config *c = ld->c;

	c->graph.base_url = y && y->base_url ? y->base_url : "https://graph.facebook.com";
	c->graph.version = y && y->version ? y->version : "v25.0";
	c->graph.timeout_ms = load_uint(ld, "graph.timeout_ms", y ? y->timeout_ms : NULL, 5000, 100, 60000);
	if (!str_starts(c->graph.base_url, "https://") && !str_starts(c->graph.base_url, "http://"))
		FAULT(ld, "graph.base_url", "\"%s\" is not an http(s) URL", c->graph.base_url);
	if (c->graph.version[0] != 'v')
		FAULT(ld, "graph.version", "\"%s\" is not a Graph API version, such as v25.0", c->graph.version);
}

static void load_number(struct load *ld, size_t i, const struct number_yaml *y)
{
	struct config_number *n = &ld->c->numbers[i];
	char key[64];

	n->config = ld->c;

#define KEY(name) (snprintf(key, sizeof(key), "numbers[%zu]." name, i), key)
	n->tenant = load_tenant(ld, KEY("tenant"), y->tenant);
	n->phone_number_id = y->phone_number_id;
	if (!*n->phone_number_id || n->phone_number_id[strspn(n->phone_number_id, "0123456789")])
		FAULT(ld, KEY("phone_number_id"), "\"%s\" is not an id of Meta's: digits only", n->phone_number_id);
	if (str_e164(y->number, n->number, sizeof(n->number)) || n->number[1] == '0')
		FAULT(ld, KEY("number"), "\"%s\" is not a phone number in international form, such as +12025550123",
			y->number);
	n->token = load_secret(ld, KEY("token"), y->token);
	if (y->app_secret) {
		n->app_secret = load_secret(ld, KEY("app_secret"), y->app_secret);
		if (n->app_secret)
			add_app_secret(ld, n->app_secret);
	}
	n->enabled = load_bool(y->enabled, true);
	n->inbound = load_bool(y->inbound, true);
	n->outbound = load_bool(y->outbound, true);
	if (y->offer_setup && strcmp(y->offer_setup, "active") == 0)
		n->offer_active = true;
	else if (y->offer_setup && strcmp(y->offer_setup, "actpass") != 0)
		FAULT(ld, KEY("offer_setup"), "\"%s\" is not actpass or active", y->offer_setup);
	n->accept_window_s = load_uint(ld, KEY("accept_window"), y->accept_window, DEFAULT_ACCEPT_WINDOW_S, 3, 120);
	n->max_calls = load_uint(ld, KEY("max_calls"), y->max_calls, DEFAULT_MAX_CALLS, 1, 100000);
	for (size_t k = 0; k < i; k++) {
		if (strcmp(ld->c->numbers[k].phone_number_id, n->phone_number_id) == 0)
			FAULT(ld, KEY("phone_number_id"), "stands twice: numbers[%zu] has it already", k);
		else if (strcmp(ld->c->numbers[k].number, n->number) == 0 && *n->number)
			FAULT(ld, KEY("number"), "stands twice: numbers[%zu] has it already", k);
	}
#undef KEY
}

static void load_numbers(struct load *ld, const struct config_file *y)
{
	ld->c->numbers = calloc(y->numbers_count, sizeof(*ld->c->numbers));
	if (!ld->c->numbers) {
		ld->out_of_memory = true;
		return;
	}
	ld->c->number_count = y->numbers_count;
	for (size_t i = 0; i < y->numbers_count; i++)
		load_number(ld, i, &y->numbers[i]);
}

static void load_sip_listen(struct load *ld, size_t i, const char *text)
{
	struct config *c = ld->c;
	char key[32];
	const char *address = strchr(text, ':');

	snprintf(key, sizeof(key), "sip.listen[%zu]", i);
	if (str_starts(text, "udp:"))
		c->sip.listen[i].transport = SIP_UDP;
	else if (str_starts(text, "tcp:"))
		c->sip.listen[i].transport = SIP_TCP;
	else if (str_starts(text, "tls:"))
		c->sip.listen[i].transport = SIP_TLS;
	else
		address = NULL;
	if (!address || addr_parse(address + 1, &c->sip.listen[i].addr) || !addr_port(&c->sip.listen[i].addr))
		FAULT(ld, key, "\"%s\" is not udp:ADDRESS:PORT, tcp:ADDRESS:PORT or tls:ADDRESS:PORT", text);
	c->sip.listen_count = i + 1;
}

static void load_sip(struct load *ld, const struct sip_yaml *y)
{
	struct addr server;
	size_t length;
	uint16_t port;

	for (size_t i = 0; i < y->listen_count && i < SIP_LISTEN_MAX; i++)
		load_sip_listen(ld, i, y->listen[i]);
	load_tls(ld, y->tls);
	ld->c->sip.domain = y->domain;
	ld->c->sip.public_address = y->public_address ? y->public_address : "";
	ld->c->sip.resolver = y->resolver ? y->resolver : "";
	if (y->resolver && (addr_parse(y->resolver, &server) || !addr_port(&server)))
		FAULT(ld, "sip.resolver", "\"%s\" is not ADDRESS:PORT", y->resolver);
	ld->c->sip.drop_strangers = load_bool(y->drop_strangers, false);
	ld->c->sip.t1x64_ms = load_uint(ld, "sip.t1x64_ms", y->t1x64_ms, DEFAULT_T1X64_MS, 1000, 32000);
	if (sip_hostport_parse(y->domain, &length, &port) || port || length > DOMAIN_MAX)
		FAULT(ld, "sip.domain", "\"%s\" is not a host name or address", y->domain);
	if (*ld->c->sip.public_address && sip_hostport_parse(ld->c->sip.public_address, &length, &port))
		FAULT(ld, "sip.public_address", "\"%s\" is not HOST or HOST:PORT", ld->c->sip.public_address);
}

/* "40000-49999" */
static bool port_range(
	struct load *ld, const char *key, const char *text, bool pairs, uint16_t *ret_min, uint16_t *ret_max)
{
	char first[8], last[8], rest;
	uint64_t min, max;

	if (sscanf(text, "%5[0-9]-%5[0-9]%c", first, last, &rest) != 2 || str_to_u64(first, 1, 65535, &min) ||
		str_to_u64(last, 1, 65535, &max) || max <= min) {
		FAULT(ld, key, "\"%s\" is not a range of ports, such as 40000-49999", text);
		return false;
	}
	if (pairs && min % 2 && max == min + 1) {
		FAULT(ld, key, "\"%s\" holds no pair: an even port and the next one", text);
		return false;
	}
	*ret_min = (uint16_t)min;
	*ret_max = (uint16_t)max;
	return true;
}

/* auto, the default: from 0 up to the most, as the load allows; a number: that, always. */
static void load_complexity(struct load *ld, const struct media_yaml *y)
{
	struct media_engine_conf *m = &ld->c->media;
	const char *text = y->opus_complexity ? y->opus_complexity : "auto";
	uint32_t most = load_uint(ld, "media.opus_complexity_max", y->opus_complexity_max, GOVERNOR_DEFAULT_MAX, 0, 10);
	uint64_t fixed;

	m->opus_complexity = 0;
	m->opus_complexity_max = (uint8_t)most;
	if (strcmp(text, "auto") == 0)
		return;
	if (str_to_u64(text, 0, GOVERNOR_COMPLEXITY_MAX, &fixed))
		FAULT(ld, "media.opus_complexity", "\"%s\" is neither auto nor a number from 0 to 10", text);
	else
		m->opus_complexity = m->opus_complexity_max = (uint8_t)fixed;
}

static void load_media(struct load *ld, const struct media_yaml *y)
{
	struct media_engine_conf *m = &ld->c->media;
	char why[200];

	if (addr_set(&m->public_addr, y->public_address, 0) || addr_is_any(&m->public_addr) ||
		addr_is_v6(&m->public_addr))
		FAULT(ld, "media.public_address", "\"%s\" is not an IPv4 address that peers can send to",
			y->public_address);
	if (addr_set(&m->bind, y->bind_address ? y->bind_address : addr_is_v6(&m->public_addr) ? "::" : "0.0.0.0", 0))
		FAULT(ld, "media.bind_address", "\"%s\" is not an address", y->bind_address);
	bool wa = port_range(ld, "media.webrtc_ports", y->webrtc_ports ? y->webrtc_ports : "40000-49999", false,
		&m->wa_port_min, &m->wa_port_max);
	bool sip = port_range(ld, "media.rtp_ports", y->rtp_ports ? y->rtp_ports : "20000-29999", true,
		&m->sip_port_min, &m->sip_port_max);
	if (wa && sip && m->wa_port_min <= m->sip_port_max && m->sip_port_min <= m->wa_port_max)
		FAULT(ld, "media.rtp_ports", "overlaps media.webrtc_ports");
	m->workers = load_uint(ld, "media.workers", y->workers, 0, 0, MEDIA_WORKERS_MAX);
	m->max_sessions = load_uint(ld, "media.max_calls", y->max_calls, 2000, 1, 100000);
	m->jbuf_min_ms = (uint16_t)load_uint(ld, "media.jitter_min_ms", y->jitter_min_ms, 20, 20, 500);
	m->jbuf_max_ms = (uint16_t)load_uint(ld, "media.jitter_max_ms", y->jitter_max_ms, 200, 20, 500);
	if (m->jbuf_max_ms < m->jbuf_min_ms)
		FAULT(ld, "media.jitter_max_ms", "is below jitter_min_ms");
	m->opus_bitrate = load_uint(ld, "media.opus_bitrate", y->opus_bitrate, DEFAULT_OPUS_BITRATE, 6000, 128000);
	load_complexity(ld, y);
	m->opus_loss_percent =
		(uint8_t)load_uint(ld, "media.expected_loss_percent", y->expected_loss_percent, 5, 0, 50);
	ld->c->keep_greeting = load_bool(y->keep_greeting, true);
	m->ice_timeout_ms = 1000 * load_uint(ld, "media.ice_timeout", y->ice_timeout, 15, 1, 60);
	m->wa_silence_timeout_ms = 1000 * load_uint(ld, "media.wa_silence_timeout", y->wa_silence_timeout, 30, 1, 3600);
	m->music_path = y->music;
	m->tone_country = y->ringback ? y->ringback : "";
	if (y->music && media_music_check(y->music, why, sizeof(why)))
		FAULT(ld, "media.music", "\"%s\": %s", y->music, why);
	if (y->ringback && !media_tone_known(y->ringback))
		FAULT(ld, "media.ringback", "\"%s\" is not a country whose tones are known, such as uk, us, de or br",
			y->ringback);
	m->sip_silence_timeout_ms =
		1000 * load_uint(ld, "media.sip_silence_timeout", y->sip_silence_timeout, 60, 1, 3600);
}

static bool known_gateway(const char *name, void *arg)
{
	return config_gateway_by_name(arg, name) != NULL;
}

static bool known_tenant(const char *name, void *arg)
{
	return config_tenant_by_name(arg, name) != NULL;
}

static bool tenant_has_gateway(const char *tenant, const char *gateway, void *arg)
{
	return config_gateway_of_tenant(arg, tenant, gateway) != NULL;
}

static bool tenant_has_number(const char *tenant, const char *e164, void *arg)
{
	return config_number_of_tenant(arg, tenant, e164) != NULL;
}

static bool known_cause(const char *name, void *arg)
{
	enum cause cause;

	(void)arg;
	return cause_parse(name, &cause) == 0;
}

static bool known_number(const char *e164, void *arg)
{
	return config_number_by_number(arg, e164) != NULL;
}

/* The dialplan knows what no header may be; which ones the SIP stack writes itself, it does not. */
static bool allowed_header(const char *name, void *arg)
{
	(void)arg;
	return sip_header_allowed(name);
}

static void load_dialplan(struct load *ld, const struct config_file *y)
{
	const struct dialplan_names names = {.known_gateway = known_gateway,
		.known_cause = known_cause,
		.known_number = known_number,
		.allowed_header = allowed_header,
		.known_tenant = ld->c->tenant_count ? known_tenant : NULL,
		.tenant_has_gateway = tenant_has_gateway,
		.tenant_has_number = tenant_has_number,
		.check_record = config_check_record,
		.check_fork = config_check_fork,
		.arg = ld->c};

	if (dialplan_build(y->dialplan, y->dialplan_count, &names, ld->c->file, ld->errors, &ld->c->dialplan) ==
		-ENOMEM)
		ld->out_of_memory = true;
}

static void load_log(struct load *ld, const struct log_yaml *y)
{
	struct config *c = ld->c;

	c->log.level = LOG_LEVEL_INFO;
	if (y && y->level && log_level_parse(y->level, &c->log.level))
		FAULT(ld, "log.level", "\"%s\" is not error, warn, info or debug", y->level);
	if (y && y->format) {
		if (strcmp(y->format, "json") == 0)
			c->log.format = LOG_FORMAT_JSON;
		else if (strcmp(y->format, "text") != 0)
			FAULT(ld, "log.format", "\"%s\" is not text or json", y->format);
	}
}

static void load_store(struct load *ld, const struct store_yaml *y)
{
	ld->c->store.url = y->url;
	ld->c->store.keep_sdp = load_bool(y->keep_sdp, false);
	if (!str_starts(y->url, "sqlite:"))
		FAULT(ld, "store.url", "\"%s\" is not known: sqlite:/path/to/calls.db", y->url);
}

static void load_call(struct load *ld, const struct call_yaml *y)
{
	struct config *c = ld->c;
	const struct call_settings common = {
		.dialplan = c->dialplan,
		.gateways = c->gateways,
		.gateway_count = c->gateway_count,
		.default_ring_ms =
			1000 * load_uint(ld, "call.ring_timeout", y ? y->ring_timeout : NULL, DEFAULT_RING_S, 1, 120),
		.media_wait_ms = load_uint(
			ld, "call.media_wait_ms", y ? y->media_wait_ms : NULL, DEFAULT_MEDIA_WAIT_MS, 0, 10000),
		.media_setup_ms = MEDIA_SETUP_MS,
		.use_pre_accept = load_bool(y ? y->pre_accept : NULL, true),
		.sip_domain = c->sip.domain,
	};

	for (size_t i = 0; i < c->number_count; i++) {
		c->numbers[i].call = common;
		c->numbers[i].call.tenant = c->numbers[i].tenant;
		c->numbers[i].call.accept_window_ms = c->numbers[i].accept_window_s * 1000 - ACCEPT_MARGIN_MS;
	}
}

/* ---- the door ---- */

static void load_all(struct load *ld)
{
	const struct config_file *y = ld->c->raw;

	load_tenants(ld, y);
	load_webhook(ld, &y->webhook);
	load_admin(ld, &y->admin);
	load_graph(ld, y->graph);
	load_numbers(ld, y);
	load_sip(ld, &y->sip);
	load_media(ld, &y->media);
	load_gateways(ld, y);
	load_listeners(ld, y);
	load_dialplan(ld, y);
	load_store(ld, &y->store);
	load_log(ld, y->log);
	load_call(ld, y->call);
	load_way_out(ld, y);
	check_tenants(ld, y);
}

int config_load(const char *path, struct config **ret_config, struct conf_errors *errors)
{
	struct config *c = calloc(1, sizeof(*c));
	struct load ld = {.c = c, .errors = errors};
	void *raw = NULL;
	int r;

	if (!c)
		return -ENOMEM;
	c->refs = 1;
	r = conf_load(path, &config_file_schema, &c->file, &raw, errors);
	c->raw = raw;
	if (c->raw) { /* unknown keys have been told; there may be other faults */
		c->path = strdup(path);
		ld.out_of_memory = !c->path;
		if (c->path)
			load_all(&ld);
		/* dropped: also a fault that found no memory */
		r = ld.out_of_memory ? -ENOMEM : errors->count || errors->dropped ? -EBADMSG : 0;
	}
	if (r) {
		config_free(c);
		return r;
	}
	*ret_config = c;
	return 0;
}

struct config *config_hold(struct config *c)
{
	c->refs++;
	return c;
}

struct config *config_free(struct config *c)
{
	if (!c || --c->refs)
		return NULL;
	for (size_t i = 0; i < c->webhook.app_secret_count; i++)
		conf_secret_free(c->webhook.app_secrets[i]);
	free(c->webhook.app_secrets);
	conf_secret_free(c->webhook.verify_token);
	conf_secret_free(c->admin.token);
	for (size_t i = 0; i < c->number_count; i++) {
		conf_secret_free(c->numbers[i].token);
		conf_secret_free(c->numbers[i].app_secret);
	}
	free(c->numbers);
	free_way_out(c);
	free_tenants(c);
	free_listeners(c);
	free_gateways(c);
	dialplan_free(c->dialplan);
	if (c->raw)
		conf_data_free(&config_file_schema, c->raw);
	conf_file_free(c->file);
	free(c->path);
	free(c);
	return NULL;
}

const struct config_number *config_number_by_id(const struct config *c, const char *phone_number_id)
{
	for (size_t i = 0; i < c->number_count; i++) {
		if (strcmp(c->numbers[i].phone_number_id, phone_number_id) == 0)
			return &c->numbers[i];
	}
	return NULL;
}

const struct config_number *config_number_by_number(const struct config *c, const char *e164)
{
	for (size_t i = 0; i < c->number_count; i++) {
		if (strcmp(c->numbers[i].number, e164) == 0)
			return &c->numbers[i];
	}
	return NULL;
}

bool config_same_number(const struct config_number *a, const struct config_number *b)
{
	return a == b || strcmp(a->phone_number_id, b->phone_number_id) == 0;
}
