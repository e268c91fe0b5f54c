/* b2bua/app/config_tls.c
 *
 * `sip.tls`, and what a gateway's own `tls` puts in its place for connections that we open toward it.
 */
#include "b2bua/app/config_load.h"
#include "b2bua/sip/uri.h"
#include "lib/base/str.h"

#include <stdio.h>
#include <string.h>

/* Fit to be asked for in a handshake: a host name (RFC 1123 s2.1) or an address. */
static bool is_server_name(const char *name)
{
	size_t length;
	uint16_t port;

	return *name && *name != '[' && *name != '.' && sip_hostport_parse(name, &length, &port) == 0 && !port;
}

static void load_min_version(struct load *ld, const char *key, const char *text, bool *ret_13)
{
	if (!text)
		return;
	*ret_13 = str_equal(text, "1.3");
	if (!*ret_13 && !str_equal(text, "1.2"))
		FAULT(ld, key, "\"%s\" is not \"1.2\" or \"1.3\"", text);
}

static void check_listeners(struct load *ld, bool has_tls)
{
	char key[40];

	for (size_t i = 0; i < ld->c->sip.listen_count; i++) {
		if (ld->c->sip.listen[i].transport != SIP_TLS)
			continue;
		snprintf(key, sizeof(key), "sip.listen[%zu]", i);
		if (!has_tls)
			FAULT(ld, key, "needs sip.tls: certificate and key");
		for (size_t k = 0; k < ld->c->sip.listen_count; k++) {
			if (k != i && addr_equal(&ld->c->sip.listen[k].addr, &ld->c->sip.listen[i].addr))
				FAULT(ld, key, "TLS needs an address and port of its own");
		}
	}
}

struct files_of {
	struct load *ld;
	const char *section;
};

static void on_fault(void *arg, const char *name, const char *why)
{
	const struct files_of *f = arg;
	char key[96];

	(void)snprintf(key, sizeof(key), "%s.%s", f->section, name);
	FAULT(f->ld, key, "%s", why);
}

static void check_files(struct load *ld, const char *section, const struct sip_tls *tls)
{
	struct files_of f = {ld, section};
	(void)sip_tls_check(tls, on_fault, &f);
}

void load_tls(struct load *ld, const struct sip_tls_yaml *y)
{
	struct sip_tls *tls = &ld->c->sip.tls;

	check_listeners(ld, y != NULL);
	if (!y)
		return;
	tls->certificate = y->certificate;
	tls->key = y->key;
	tls->ca = y->ca ? y->ca : "/etc/ssl/certs/ca-certificates.crt";
	tls->verify = load_bool(y->verify, true);
	load_min_version(ld, "sip.tls.min_version", y->min_version, &tls->min_version_13);
	check_files(ld, "sip.tls", tls);
}

/* ---- gateways ---- */

/* It is called by TLS, or may be: NAPTR records can say so where the URI does not. */
static bool may_be_tls(const char *uri)
{
	struct sip_uri u;

	return sip_uri_parse(uri, &u) || !u.transport_given || u.transport == SIP_TLS;
}

static bool is_in_place(struct load *ld, size_t i, const char *key)
{
	const struct config_gateway *g = &ld->c->gateway_sources[i];

	if (g->registered_as)
		FAULT(ld, key, "cannot stand beside registered_as: it is the gateway that connects");
	else if (!config_has_listener(ld->c, SIP_TLS))
		FAULT(ld, key, "needs an entry tls:ADDRESS:PORT in sip.listen");
	else if (!may_be_tls(g->proxy ? g->proxy : ld->c->gateways[i].uri))
		FAULT(ld, key, "is for a %s with ;transport=tls", g->proxy ? "proxy" : "uri");
	else
		return true;
	return false;
}

void load_gateway_tls(struct load *ld, size_t i, const struct gateway_tls_yaml *y)
{
	struct config_gateway *g = &ld->c->gateway_sources[i];
	struct sip_tls *tls = &g->tls;
	char key[64];

	*tls = ld->c->sip.tls;
	if (!y)
		return;
	snprintf(key, sizeof(key), "gateways[%zu].tls", i);
	if (!is_in_place(ld, i, key))
		return;
	tls->verify = load_bool(y->verify, tls->verify);
	tls->ca = y->ca ? y->ca : tls->ca;
	if (!y->certificate != !y->key)
		FAULT(ld, key, "certificate and key belong together");
	else if (y->certificate) {
		tls->certificate = y->certificate;
		tls->key = y->key;
	}
	tls->server_name = y->server_name;
	if (((y->certificate && y->key) || y->ca) && tls->certificate)
		check_files(ld, key, tls);
	snprintf(key, sizeof(key), "gateways[%zu].tls.min_version", i);
	load_min_version(ld, key, y->min_version, &tls->min_version_13);
	snprintf(key, sizeof(key), "gateways[%zu].tls.server_name", i);
	if (y->server_name && !is_server_name(y->server_name))
		FAULT(ld, key, "\"%s\" is not a host name or address", y->server_name);
}
