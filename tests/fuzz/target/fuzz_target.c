/* Any text as the place that a peer or a client names: only what the configuration allows is called, and it is a URI.
 */
#include "b2bua/app/config.h"
#include "b2bua/app/dial.h"
#include "b2bua/sip/uri.h"
#include "lib/base/assert.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct call_gateway gateways[] = {
	{.name = "pbx", .uri = "sip:10.0.0.1:5070;transport=tcp"},
	{.name = "named", .uri = "sip:trunk@pbx.example"},
};
static struct config_gateway sources[2];
static char *domains[] = {"agents.example"};
static struct config config = {.gateways = gateways, .gateway_sources = sources, .gateway_count = 2};

static bool is_allowed_host(const struct sip_uri *uri)
{
	static const char *const hosts[] = {"10.0.0.1", "[::ffff:10.0.0.1]", "pbx.example", "agents.example"};
	struct addr wanted, own;
	char host[256];

	ASSERT(uri->host_length < sizeof(host));
	memcpy(host, uri->host, uri->host_length);
	host[uri->host_length] = '\0';
	for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++) {
		if (strcasecmp(host, hosts[i]) == 0)
			return true;
	}
	return addr_set(&wanted, host, 0) == 0 && addr_set(&own, "10.0.0.1", 0) == 0 && addr_equal_host(&wanted, &own);
}

static void resolve(const struct call_gateway *of_call, const char *wanted)
{
	char uri[TARGET_URI_MAX];
	const struct call_gateway *gateway;
	struct sip_uri parsed;
	int r = target_resolve(&config, NULL, "", of_call, wanted, uri, &gateway);

	ASSERT(r == 0 || r == -EPERM || r == -EINVAL);
	if (r)
		return;
	ASSERT(gateway && strlen(uri) < TARGET_URI_MAX);
	for (const char *c = uri; *c; c++)
		ASSERT((unsigned char)*c > ' ' && *c != '<' && *c != '>' && *c != '"');
	ASSERT(sip_uri_parse(uri, &parsed) == 0 && is_allowed_host(&parsed));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);

	ASSERT(text);
	if (size)
		memcpy(text, data, size);
	text[size] = '\0';
	config.transfer.domains = domains;
	config.transfer.domain_count = 1;
	config.sip.domain = "trunk.example";
	config.sip.public_address = "203.0.113.7";
	ASSERT(addr_set(&sources[0].addrs[0], "10.0.0.1", 5070) == 0);
	sources[0].addr_count = 1;
	resolve(NULL, text);
	resolve(&gateways[0], text);
	resolve(&gateways[1], text);
	free(text);
	return 0;
}
