/* b2bua/cli/doctor_gateways.c -- a thread for each gateway: its name, its certificate, what it answers */
#include "b2bua/cli/doctor.h"

#include "b2bua/sip/probe.h"
#include "b2bua/sip/uri.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const transports[] = {[SIP_UDP] = "udp", [SIP_TCP] = "tcp", [SIP_TLS] = "tls"};

struct doctor_gateways {
	struct doctor *doctor;
	size_t count;
	struct one {
		struct doctor *doctor;
		size_t i;
		struct sip_places_probe place;
		bool begun;
		pthread_t thread;
	} all[];
};

static void options_answered(struct doctor *d, const char *subject, const struct sip_probe_result *r)
{
	if (r->error == -EPROTO)
		doctor_find(d, DOCTOR_FAILED, "tls", subject,
			"Check its certificate, the host in its uri, and ca, verify and server_name of its tls or "
			"sip.tls.",
			"the TLS handshake failed: %s", r->why);
	else if (r->error)
		doctor_find(d, DOCTOR_FAILED, "options", subject,
			"Is it up, and may it be reached from here (firewall, address, port, transport)? Some know us "
			"only from "
			"our SIP port and do not answer doctor.",
			"OPTIONS: %s", r->why);
	else if (r->status == 403)
		doctor_find(d, DOCTOR_WARNING, "options", subject, "Does it know our address, or our password?",
			"OPTIONS was answered 403: it is there, but does not want us");
	else if (r->status >= 500)
		doctor_find(d, DOCTOR_WARNING, "options", subject, "Look into its own log.", "OPTIONS was answered %d",
			r->status);
	else
		doctor_find(d, DOCTOR_OK, "options", subject, "", "OPTIONS was answered %d", r->status);
}

static void register_answered(struct doctor *d, const char *subject, const struct sip_probe_result *r)
{
	if (r->error)
		doctor_find(d, DOCTOR_FAILED, "registration", subject, "Is it the registrar?", "REGISTER: %s", r->why);
	else if (r->status < 300)
		doctor_find(d, DOCTOR_OK, "registration", subject, "",
			r->challenged ? "the password is taken" : "nobody asked for the password");
	else if (r->status == 401 || r->status == 407 || r->status == 403)
		doctor_find(d, DOCTOR_FAILED, "registration", subject, "Check user, password and realm.",
			"REGISTER was answered %d: it does not take this user or password", r->status);
	else
		doctor_find(d, DOCTOR_WARNING, "registration", subject, "Look into its own log.",
			"REGISTER was answered %d", r->status);
}

/* What the DNS said of its uri or proxy. */
static bool find_place(struct doctor *d, const char *subject, const struct sip_places_probe *place, struct sip_probe *p)
{
	char where[ADDR_TEXT_MAX];
	struct sip_uri uri;

	if (!place->uri || sip_uri_parse(place->uri, &uri))
		return false; /* it calls us, and has no address of its own */
	if (!place->count) {
		doctor_find(d, DOCTOR_WARNING, "dns", subject,
			"Is the name right? sip.resolver, or /etc/resolv.conf, says who is asked.", "%.*s: %s",
			(int)uri.host_length, uri.host, place->why);
		return false;
	}
	p->peer = place->first;
	doctor_find(d, DOCTOR_OK, "dns", subject, "", "%.*s is %s by %s%s", (int)uri.host_length, uri.host,
		addr_format(&p->peer, where, sizeof(where)), transports[place->transport],
		place->count > 1 ? ", and others" : "");
	return true;
}

/* Where the URI names none, NAPTR or SRV records have chosen it. */
static const char *with_transport(const char *uri, const struct sip_places_probe *place, char *dst, size_t cap)
{
	struct sip_uri u;

	if (sip_uri_parse(uri, &u) || u.transport_given || u.transport == place->transport)
		return uri;
	(void)snprintf(dst, cap, "%s;transport=%s", uri, transports[place->transport]);
	return dst;
}

static void *check(void *arg)
{
	const struct one *one = arg;
	struct doctor *d = one->doctor;
	const struct call_gateway *g = &d->config->gateways[one->i];
	const struct config_gateway *source = &d->config->gateway_sources[one->i];
	struct sip_probe_result r;
	char subject[96], uri[SIP_URI_MAX];
	struct sip_probe p = {.method = "OPTIONS",
		.uri = g->uri,
		.user = "",
		.domain = d->config->sip.domain,
		.tls = config_gateway_tls(d->config, g),
		.credentials = source->credentials.user ? &source->credentials : NULL,
		.timeout_ms = DOCTOR_TIMEOUT_MS};

	(void)snprintf(subject, sizeof(subject), "gateway %.80s", g->name);
	if (source->registered_as)
		doctor_find(d, DOCTOR_OK, "registration", subject, "",
			"it registers with us as %.80s: `watrunk registrations` says from where",
			source->registered_as);
	if (!find_place(d, subject, &one->place, &p))
		return NULL;
	p.uri = with_transport(g->uri, &one->place, uri, sizeof(uri));
	sip_probe(&p, &r);
	if (r.certificate_until)
		doctor_find_until(d, "tls", subject, r.certificate_until);
	options_answered(d, subject, &r);
	if (!source->do_register || r.error)
		return NULL;
	p.method = "REGISTER";
	p.user = source->credentials.user;
	sip_probe(&p, &r);
	register_answered(d, subject, &r);
	return NULL;
}

/* All at once, before anybody is called. */
static int find_places(struct doctor *d, struct doctor_gateways *g)
{
	struct sip_places_probe *all = calloc(g->count + 1, sizeof(*all));
	unsigned have = 0;
	size_t n = 0;
	int r;

	if (!all)
		return -ENOMEM;
	for (size_t i = 0; i < d->config->sip.listen_count; i++)
		have |= 1u << d->config->sip.listen[i].transport;
	for (size_t i = 0; i < g->count; i++)
		if (*config_gateway_place(d->config, &d->config->gateways[i]))
			all[n++].uri = config_gateway_place(d->config, &d->config->gateways[i]);
	r = sip_probe_places(all, n, d->config->sip.resolver, have, DOCTOR_TIMEOUT_MS);
	n = 0;
	for (size_t i = 0; i < g->count; i++)
		if (*config_gateway_place(d->config, &d->config->gateways[i]))
			g->all[i].place = all[n++];
	free(all);
	return r;
}

struct doctor_gateways *doctor_gateways_begin(struct doctor *d)
{
	size_t count = d->config->gateway_count;
	struct doctor_gateways *g = calloc(1, sizeof(*g) + count * sizeof(g->all[0]));

	if (!g) {
		d->out_of_memory = true;
		return NULL;
	}
	g->doctor = d;
	g->count = count;
	if (find_places(d, g)) {
		d->out_of_memory = true;
		free(g);
		return NULL;
	}
	for (size_t i = 0; i < count; i++) {
		g->all[i].doctor = d;
		g->all[i].i = i;
		g->all[i].begun = pthread_create(&g->all[i].thread, NULL, check, &g->all[i]) == 0;
	}
	return g;
}

void doctor_gateways_end(struct doctor_gateways *g)
{
	for (size_t i = 0; g && i < g->count; i++) {
		if (g->all[i].begun)
			pthread_join(g->all[i].thread, NULL);
		else
			g->doctor->out_of_memory = true;
	}
	free(g);
}
