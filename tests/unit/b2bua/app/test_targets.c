/* Where a call may be sent when somebody outside names the place: the policy as a table. */
#include "b2bua/app/config.h"
#include "b2bua/app/dial.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static struct call_gateway gateways[] = {
	{.name = "pbx", .uri = "sip:10.0.0.1:5070;transport=tcp"},
	{.name = "named", .uri = "sip:trunk@pbx.example;transport=udp"},
	{.name = "second", .uri = "sip:10.0.0.1:5090"},
	{.name = "six", .uri = "sip:[2001:db8::5]:5062"},
};
static struct call_gateway nowhere = {.name = "caller", .uri = ""}; /* a SIP user without an address of his own */
static char *domains[] = {"agents.example", "10.9.9.9"};
static struct config_gateway sources[4];
static struct config config;

static int setup(void **state)
{
	(void)state;
	config.gateways = gateways;
	config.gateway_sources = sources;
	config.gateway_count = sizeof(gateways) / sizeof(gateways[0]);
	config.transfer.domains = domains;
	config.transfer.domain_count = 2;
	config.sip.domain = "trunk.example";
	config.sip.listen_count = 3;
	config.sip.listen[0].transport = SIP_UDP;
	config.sip.listen[1].transport = SIP_TCP;
	config.sip.listen[2].transport = SIP_TLS;
	config.sip.public_address = "203.0.113.7:5060";
	assert_int_equal(addr_set(&sources[0].addrs[0], "10.0.0.1", 5070), 0);
	assert_int_equal(addr_set(&sources[1].addrs[0], "10.0.0.2", 5060), 0);
	assert_int_equal(addr_set(&sources[2].addrs[0], "10.0.0.1", 5090), 0);
	assert_int_equal(addr_set(&sources[3].addrs[0], "2001:db8::5", 5062), 0);
	for (int i = 0; i < 4; i++)
		sources[i].addr_count = 1;
	return 0;
}

struct row {
	int of_call; /* index of its gateway; -1 none, -2 one without a URI */
	const char *wanted;
	int result;
	int gateway; /* index */
	const char *uri;
};

static const struct row rows[] = {
	/* a gateway's host, by name and by address; the port tells two at one host apart */
	{0, "sip:601@10.0.0.1", 0, 0, "sip:601@10.0.0.1:5070;transport=tcp"},
	{0, "sip:601@10.0.0.1:5090", 0, 2, "sip:601@10.0.0.1:5090;transport=udp"},
	{2, "sip:601@10.0.0.1:5070;transport=tcp", 0, 0, "sip:601@10.0.0.1:5070;transport=tcp"},
	{0, "sip:601@10.0.0.1:5999", 0, 0, "sip:601@10.0.0.1:5999;transport=tcp"},
	{0, "sip:601@PBX.example", 0, 1, "sip:601@PBX.example;transport=udp"},
	{0, "sip:601@10.0.0.2", 0, 1, "sip:601@10.0.0.2;transport=udp"},
	{0, "sip:10.0.0.1", 0, 0, "sip:10.0.0.1:5070;transport=tcp"},
	{0, "sip:601@[2001:db8::5]", 0, 3, "sip:601@[2001:db8::5]:5062;transport=udp"},
	{0, "sip:601@[2001:db8:0:0::5]:5062", 0, 3, "sip:601@[2001:db8:0:0::5]:5062;transport=udp"},
	{-1, "sip:601@10.0.0.1", 0, 0, "sip:601@10.0.0.1:5070;transport=tcp"},
	{-2, "sip:601@10.0.0.1", 0, 0, "sip:601@10.0.0.1:5070;transport=tcp"},
	/* our own name means the gateway of the call */
	{0, "sip:601@trunk.example", 0, 0, "sip:601@10.0.0.1:5070;transport=tcp"},
	{1, "sip:601@203.0.113.7", 0, 1, "sip:601@pbx.example;transport=udp"},
	{1, "sip:203.0.113.7", 0, 1, "sip:trunk@pbx.example;transport=udp"},
	{-1, "sip:601@trunk.example", -EPERM, 0, NULL},
	{-2, "sip:601@trunk.example", -EPERM, 0, NULL},
	/* domains that are allowed, those that are not, and what looks like one */
	{0, "sip:anna@agents.example", 0, 0, "sip:anna@agents.example:5070;transport=tcp"},
	{0, "sip:anna@AGENTS.example:5080;transport=udp", 0, 0, "sip:anna@AGENTS.example:5080;transport=udp"},
	{0, "sip:anna@10.9.9.9", 0, 0, "sip:anna@10.9.9.9:5070;transport=tcp"},
	{-1, "sip:anna@agents.example", -EPERM, 0, NULL},
	{0, "sip:anna@evil.example", -EPERM, 0, NULL},
	{0, "sip:anna@agents.example.evil.example", -EPERM, 0, NULL},
	{0, "sip:anna@agents.exampl", -EPERM, 0, NULL},
	{0, "sip:agents.example@evil.example", -EPERM, 0, NULL},
	{0, "sip:anna@127.0.0.1", -EPERM, 0, NULL},
	{0, "sip:anna@[::1]", -EPERM, 0, NULL},
	{0, "sip:anna@[::ffff:10.0.0.2]", 0, 1, "sip:anna@[::ffff:10.0.0.2];transport=udp"},
	{0, "sip:anna@010.0.0.1", -EPERM, 0, NULL},
	/* TLS, which was refused when it had long been spoken */
	{0, "sip:601@10.0.0.1;transport=tls", 0, 0, "sip:601@10.0.0.1;transport=tls"},
	{0, "sip:anna@agents.example:5061;transport=TLS", 0, 0, "sip:anna@agents.example:5061;transport=tls"},
	/* telephone numbers */
	{0, "tel:+44-20 7946.0000;phone-context=x", 0, 0, "sip:+442079460000@10.0.0.1:5070;transport=tcp"},
	{1, "TEL:*21#", 0, 1, "sip:*21%23@pbx.example;transport=udp"},
	{-1, "tel:+442079460000", -EPERM, 0, NULL},
	{-2, "tel:+442079460000", -EPERM, 0, NULL},
	{0, "tel:", -EINVAL, 0, NULL},
	{0, "tel:;x", -EINVAL, 0, NULL},
	{0, "tel:()", -EINVAL, 0, NULL},
	{0, "tel:12@evil.example", -EINVAL, 0, NULL},
	{0, "tel:1\r\n2", -EINVAL, 0, NULL},
	{0, "tel:1111111111222222222233333333334444444444555555555566666666667777777777", -EINVAL, 0, NULL},
	/* not a URI that can be called */
	{0, "", -EINVAL, 0, NULL},
	{0, "sip:", -EINVAL, 0, NULL},
	{0, "sip:@10.0.0.1", -EINVAL, 0, NULL},
	{0, "601@10.0.0.1", -EINVAL, 0, NULL},
	{0, "sips:601@10.0.0.1", -EINVAL, 0, NULL},
	{0, "sips:anna@agents.example", -EINVAL, 0, NULL},
	{0, "http://10.0.0.1/", -EINVAL, 0, NULL},
	{0, "sip:601@10.0.0.1?X-Evil=1", -EINVAL, 0, NULL},
	{0, "sip:601:password@10.0.0.1", -EINVAL, 0, NULL},
	{0, "sip:601@10.0.0.1\r\nX-Evil: 1", -EINVAL, 0, NULL},
	{0, "sip:6 01@10.0.0.1", -EINVAL, 0, NULL},
	{0, "sip:601>@10.0.0.1", -EINVAL, 0, NULL},
	{0, "<sip:601@10.0.0.1>", -EINVAL, 0, NULL},
	{0, "sip:601@10.0.0.1:0", -EINVAL, 0, NULL},
	{0, "sip:601@10.0.0.1:99999", -EINVAL, 0, NULL},
	{0, "sip:601@[2001:db8::5", -EINVAL, 0, NULL},
	{0, "sip:601@a@10.0.0.1", -EINVAL, 0, NULL},
};

static const struct call_gateway *gateway_at(int index)
{
	return index == -1 ? NULL : index == -2 ? &nowhere : &gateways[index];
}

static void the_policy(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct row *row = &rows[i];
		const struct call_gateway *found = NULL;
		char uri[TARGET_URI_MAX] = "";
		int r = target_resolve(&config, NULL, "", gateway_at(row->of_call), row->wanted, uri, &found);
		if (r != row->result || (r == 0 && (found != gateway_at(row->gateway) || strcmp(uri, row->uri) != 0)))
			fail_msg("row %zu, %s: %d, \"%s\" at %s", i, row->wanted, r, uri, found ? found->name : "-");
	}
}

static void without_a_listener_for_it(void **state)
{
	const struct call_gateway *found;
	char uri[TARGET_URI_MAX];
	(void)state;
	config.sip.listen_count = 1;
	assert_int_equal(target_resolve(&config, NULL, "", &gateways[0], "sip:601@10.0.0.1;transport=tls", uri, &found),
		-EINVAL);
	assert_int_equal(target_resolve(&config, NULL, "", &gateways[0], "sip:601@10.0.0.2", uri, &found), 0);
	config.sip.listen_count = 3;
}

static void a_target_of_another_name_has_its_own_certificate(void **state)
{
	(void)state;
	sources[1].tls = (struct sip_tls){.certificate = "ours.pem", .server_name = "pbx.example"};
	assert_ptr_equal(gateway_tls(&config, &gateways[1], "sip:601@PBX.example;transport=tls"), &sources[1].tls);
	assert_ptr_equal(gateway_tls(&config, &gateways[1], "sip:601@10.0.0.2;transport=tls"), &sources[1].tls);
	assert_null(gateway_tls(&config, &gateways[1], "sip:anna@agents.example;transport=tls"));
	sources[1].proxy = "sip:edge.example;lr";
	assert_ptr_equal(gateway_tls(&config, &gateways[1], "sip:anna@agents.example;transport=tls"), &sources[1].tls);
	sources[1].proxy = NULL;
	sources[1].tls = (struct sip_tls){0};
}

static void telephone_numbers_have_a_gateway(void **state)
{
	const struct call_gateway *found;
	char uri[TARGET_URI_MAX];
	(void)state;
	config.transfer.tel_gateway = &gateways[3];
	assert_int_equal(target_resolve(&config, NULL, "", NULL, "tel:+44123", uri, &found), 0);
	assert_ptr_equal(found, &gateways[3]);
	assert_string_equal(uri, "sip:+44123@[2001:db8::5]:5062");
	config.transfer.tel_gateway = NULL;
}

static void nothing_longer_than_its_place(void **state)
{
	static char wanted[2048], user[1024];
	const struct call_gateway *found;
	char uri[TARGET_URI_MAX];
	(void)state;
	for (size_t n = 1; n < 900; n++) {
		memset(user, 'x', n);
		user[n] = '\0';
		snprintf(wanted, sizeof(wanted), "sip:%s@10.0.0.1", user);
		int r = target_resolve(&config, NULL, "", &gateways[0], wanted, uri, &found);
		assert_true(r == -EINVAL || (r == 0 && strlen(uri) < sizeof(uri)));
		snprintf(wanted, sizeof(wanted), "sip:%s@trunk.example", user);
		r = target_resolve(&config, NULL, "", &gateways[0], wanted, uri, &found);
		assert_true(r == -EINVAL || (r == 0 && strlen(uri) < sizeof(uri)));
		snprintf(wanted, sizeof(wanted), "sip:1@%s", user);
		assert_int_not_equal(target_resolve(&config, NULL, "", &gateways[0], wanted, uri, &found), 0);
		r = target_at_gateway(&gateways[0], user, uri);
		assert_true(r == -EINVAL || (r == 0 && strlen(uri) < sizeof(uri)));
	}
}

static void users_at_a_gateway(void **state)
{
	char uri[TARGET_URI_MAX];
	(void)state;
	assert_int_equal(target_at_gateway(&gateways[1], "", uri), 0);
	assert_string_equal(uri, "sip:trunk@pbx.example;transport=udp");
	assert_int_equal(target_at_gateway(&gateways[1], "601", uri), 0);
	assert_string_equal(uri, "sip:601@pbx.example;transport=udp");
	assert_int_equal(target_at_gateway(&gateways[0], "", uri), 0);
	assert_string_equal(uri, "sip:10.0.0.1:5070;transport=tcp");
}

/* pbx and named are a's, second (which has pbx's host) and six b's; both have domains of their own. */
static void tenants_stay_among_themselves(void **state)
{
	static char *domains_a[] = {"agents.example", "2001:db8::5"}, *domains_b[] = {"b.example"};
	static struct config_tenant tenants[] = {
		{.name = "a", .transfer_domains = domains_a, .transfer_domain_count = 2, .tel_gateway = &gateways[1]},
		{.name = "b", .transfer_domains = domains_b, .transfer_domain_count = 1},
	};
	static const struct {
		const char *tenant;
		int of_call;
		const char *wanted;
		int result, gateway;
	} table[] = {
		{"a", 0, "sip:601@pbx.example", 0, 1},
		{"a", 0, "sip:601@10.0.0.1:5090", 0, 0}, /* its own gateway's host, at the port it names */
		{"b", 2, "sip:601@10.0.0.1:5070;transport=tcp", 0, 2},
		{"a", 0, "sip:601@[2001:db8::5]", -EPERM, 0}, /* b's gateway, though a domain of a's allows it */
		{"b", 2, "sip:601@pbx.example", -EPERM, 0},
		{"b", 2, "sip:601@10.0.0.2", -EPERM, 0},
		{"a", 0, "sip:anna@agents.example", 0, 0},
		{"b", 2, "sip:anna@agents.example", -EPERM, 0},
		{"a", 0, "sip:anna@b.example", -EPERM, 0},
		{"b", 2, "sip:anna@b.example", 0, 2},
		{"a", 0, "sip:anna@10.9.9.9", -EPERM, 0}, /* of transfer.domains, which is nobody's now */
		{"a", 0, "tel:+44123", 0, 1},
		{"b", 2, "tel:+44123", 0, 2},
		{"b", 2, "sip:601@trunk.example", 0, 2}, /* our own name */
		{"", -1, "sip:601@pbx.example", -EPERM, 0},
	};
	char uri[TARGET_URI_MAX];

	(void)state;
	sources[0].tenant = sources[1].tenant = "a";
	sources[2].tenant = sources[3].tenant = "b";
	config.tenants = tenants;
	config.tenant_count = 2;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		const struct call_gateway *found = NULL;
		int r = target_resolve(
			&config, NULL, table[i].tenant, gateway_at(table[i].of_call), table[i].wanted, uri, &found);
		if (r != table[i].result || (r == 0 && found != &gateways[table[i].gateway]))
			fail_msg("row %zu, %s of %s: %d at %s", i, table[i].wanted, table[i].tenant, r,
				found ? found->name : "-");
	}
	config.tenant_count = 0;
	config.tenants = NULL;
	for (int i = 0; i < 4; i++)
		sources[i].tenant = NULL;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_policy),
		cmocka_unit_test(without_a_listener_for_it),
		cmocka_unit_test(a_target_of_another_name_has_its_own_certificate),
		cmocka_unit_test(telephone_numbers_have_a_gateway),
		cmocka_unit_test(nothing_longer_than_its_place),
		cmocka_unit_test(users_at_a_gateway),
		cmocka_unit_test(tenants_stay_among_themselves),
	};
	return cmocka_run_group_tests(tests, setup, NULL);
}
