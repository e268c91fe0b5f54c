/* b2bua/app/targets.c
 *
 * Where a call may be sent when somebody outside names the place: a transfer's Refer-To, a redirect's Contact, a URI
 * given to the API. A gateway's host, or one of transfer.domains; telephone numbers go to a gateway.
 */
#include "b2bua/app/dial.h"

#include "b2bua/sip/uri.h"
#include "lib/base/str.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

int target_at_gateway(const struct call_gateway *gateway, const char *user, char *uri)
{
	const char *colon = strchr(gateway->uri, ':'), *rest = colon ? colon + 1 : gateway->uri,
		   *at = strchr(rest, '@');
	int n;

	if (!*user && at)
		return str_copy(uri, TARGET_URI_MAX, gateway->uri) ? -EINVAL : 0;
	n = snprintf(uri, TARGET_URI_MAX, "%.*s%s%s%s", (int)(rest - gateway->uri), gateway->uri, user,
		*user ? "@" : "", at ? at + 1 : rest);
	return n < 0 || n >= TARGET_URI_MAX ? -EINVAL : 0;
}

static bool same_host(const char *a, size_t a_length, const char *b, size_t b_length)
{
	return a_length == b_length && strncasecmp(a, b, a_length) == 0;
}

/* The gateway that has this host, by name or by address; the port, when one is given, tells two at one host apart.
 * ret_foreign: another tenant's has it. */
static const struct call_gateway *gateway_of_host(const struct config *c, const struct sip_stack *names,
	const char *tenant, const struct sip_uri *wanted, bool *ret_foreign)
{
	const struct call_gateway *found = NULL;
	char host[256] = "";
	struct addr address = {0};
	bool numeric;

	*ret_foreign = false;
	(void)str_copy_n(host, sizeof(host), wanted->host, wanted->host_length);
	numeric = addr_set(&address, host, 0) == 0;
	for (size_t i = 0; i < c->gateway_count; i++) {
		struct sip_uri own;
		bool same;
		if (sip_uri_parse(c->gateways[i].uri, &own))
			continue;
		same = same_host(own.host, own.host_length, wanted->host, wanted->host_length);
		for (size_t k = 0; numeric && !same && k < c->gateway_sources[i].addr_count; k++)
			same = addr_equal_host(&c->gateway_sources[i].addrs[k], &address);
		if (numeric && !same && names)
			same = sip_name_holds(names, config_gateway_place(c, &c->gateways[i]), &address);
		if (!same)
			continue;
		if (strcmp(config_tenant_of_gateway(c, &c->gateways[i]), tenant) != 0) {
			/* One that registers has our own name for a host, which is everybody's. */
			*ret_foreign |= !c->gateway_sources[i].registered_as;
			continue;
		}
		if (!wanted->port || wanted->port == (own.port ? own.port : 5060))
			return &c->gateways[i];
		if (!found)
			found = &c->gateways[i];
	}
	return found;
}

static bool domain_allowed(const struct config *c, const char *tenant, const struct sip_uri *wanted)
{
	const struct config_tenant *t = config_tenant_by_name(c, tenant);
	char *const *domains = t ? t->transfer_domains : c->transfer.domains;
	size_t count = t ? t->transfer_domain_count : c->transfer.domain_count;

	for (size_t i = 0; i < count; i++) {
		if (same_host(domains[i], strlen(domains[i]), wanted->host, wanted->host_length))
			return true;
	}
	return false;
}

static const struct call_gateway *tel_gateway(const struct config *c, const char *tenant)
{
	const struct config_tenant *t = config_tenant_by_name(c, tenant);

	return t ? t->tel_gateway : c->transfer.tel_gateway;
}

/* "sip:watrunk@OURS": a PBX that knows only our name means its own extension. */
static bool is_our_name(const struct config *c, const struct sip_uri *wanted)
{
	size_t length;
	uint16_t port;

	if (same_host(c->sip.domain, strlen(c->sip.domain), wanted->host, wanted->host_length))
		return true;
	return *c->sip.public_address && sip_hostport_parse(c->sip.public_address, &length, &port) == 0 &&
	       same_host(c->sip.public_address, length, wanted->host, wanted->host_length);
}

/* "tel:+44-20 7946 0000;phone-context=x" -> "+442079460000" */
static int tel_user(const char *wanted, char *user, size_t cap)
{
	size_t n = 0;

	for (const char *p = wanted + 4; *p && *p != ';'; p++) {
		if (strchr("-.() ", *p))
			continue;
		if (!strchr("0123456789*#+", *p) || n + 4 > cap)
			return -EINVAL;
		if (*p == '#') { /* RFC 3261 s25.1 does not allow it in a user part */
			memcpy(user + n, "%23", 3);
			n += 3;
		} else {
			user[n++] = *p;
		}
	}
	user[n] = '\0';
	return n ? 0 : -EINVAL;
}

/* With the gateway's transport, and its port when none is named: who refers by host alone means the peer we know. */
static int complete(const struct call_gateway *gateway, const struct sip_uri *wanted, char *uri)
{
	static const char *const names[] = {[SIP_UDP] = "udp", [SIP_TCP] = "tcp", [SIP_TLS] = "tls"};
	struct sip_uri own;
	uint16_t port = wanted->port;
	int n;

	if (sip_uri_parse(gateway->uri, &own))
		return -EINVAL;
	if (!port && !wanted->transport_given)
		port = own.port;
	n = snprintf(uri, TARGET_URI_MAX, "sip:%.*s%s%.*s", (int)wanted->user_length,
		wanted->user_length ? wanted->user : "", wanted->user_length ? "@" : "", (int)wanted->host_length,
		wanted->host);
	if (port && n > 0 && n < TARGET_URI_MAX)
		n += snprintf(uri + n, (size_t)(TARGET_URI_MAX - n), ":%u", port);
	if (n > 0 && n < TARGET_URI_MAX)
		n += snprintf(uri + n, (size_t)(TARGET_URI_MAX - n), ";transport=%s",
			names[wanted->transport_given ? wanted->transport : own.transport]);
	return n <= 0 || n >= TARGET_URI_MAX || !sip_target_allowed(uri) ? -EINVAL : 0;
}

int target_resolve(const struct config *c, const struct sip_stack *names, const char *tenant,
	const struct call_gateway *of_call, const char *wanted, char *uri, const struct call_gateway **ret_gateway)
{
	struct sip_uri parsed;
	char user[64];
	bool foreign;

	*ret_gateway = of_call;
	if (strncasecmp(wanted, "tel:", 4) == 0) {
		if (tel_gateway(c, tenant))
			*ret_gateway = tel_gateway(c, tenant);
		if (!*ret_gateway || !*(*ret_gateway)->uri)
			return -EPERM;
		return tel_user(wanted, user, sizeof(user)) ? -EINVAL : target_at_gateway(*ret_gateway, user, uri);
	}
	if (sip_uri_parse(wanted, &parsed))
		return -EINVAL;
	/* TLS all the way to whoever it is (RFC 3261 s26.2.2): more than the next hop's connection can promise. */
	if (strncasecmp(wanted, "sips:", 5) == 0)
		return -EINVAL;
	if (parsed.transport_given && !config_has_listener(c, parsed.transport))
		return -EINVAL;
	const struct call_gateway *gateway = gateway_of_host(c, names, tenant, &parsed, &foreign);
	if (gateway) {
		*ret_gateway = gateway;
		return complete(gateway, &parsed, uri);
	}
	if (foreign || !of_call || !*of_call->uri)
		return -EPERM;
	if (is_our_name(c, &parsed)) {
		char own[256];
		return str_copy_n(own, sizeof(own), parsed.user, parsed.user_length)
			       ? -EINVAL
			       : target_at_gateway(of_call, own, uri);
	}
	return domain_allowed(c, tenant, &parsed) ? complete(of_call, &parsed, uri) : -EPERM;
}
