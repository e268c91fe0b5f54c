/* What we send, from which address; and what is refused before anything is sent. */
#include "b2bua/sip/sip.h"
#include "lib/base/clock.h"
#include "lib/loop/loop.h"
#include "tests/scenario/sip/ports.h"
#include "tests/scenario/sip/raw_peer.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

struct world {
	struct rig r;
	struct raw_peer p;
};

static int setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	rig_open(&w->r, "");
	raw_open(&w->p);
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;
	uint64_t began_us;

	raw_close(&w->p);
	began_us = clock_mono_us();
	rig_close(&w->r);
	print_message("shutdown took %u ms\n", (unsigned)((clock_mono_us() - began_us) / 1000));
	free(w);
	return 0;
}

static void test_invite_on_the_wire(void **state)
{
	struct world *w = *state;
	char v[1024], want[256];
	uint64_t began_us, took_us;
	unsigned steps = 0;

	/* The first request of a process pays for the library's resolver. */
	assert_int_equal(rig_invite(&w->r, w->p.port, "udp"), 0);
	assert_true(raw_expect(&w->r, &w->p, "INVITE ", 1000));
	raw_reply(&w->p, w->p.msg, "486 Busy Here", NULL, NULL);
	assert_true(raw_expect(&w->r, &w->p, "ACK ", 1000));
	began_us = clock_mono_us();
	assert_int_equal(rig_invite(&w->r, w->p.port, "udp"), 0);
	while (!raw_poll(&w->p) && steps++ < 10)
		loop_step(w->r.loop, 0);
	took_us = clock_mono_us() - began_us;
	print_message("INVITE left after %u loop steps, %u us\n", steps, (unsigned)took_us);
	assert_true(steps <= 2); /* no wait for a timer in between */
	(void)snprintf(want, sizeof(want), "INVITE sip:600@127.0.0.1:%u;transport=udp SIP/2.0\r\n", w->p.port);
	assert_memory_equal(w->p.msg, want, strlen(want));
	(void)snprintf(want, sizeof(want), "<sip:watrunk@127.0.0.1:%u;transport=udp>", w->r.port);
	assert_string_equal(raw_header(w->p.msg, "Contact", v, sizeof(v)), want);
	raw_header(w->p.msg, "From", v, sizeof(v));
	(void)snprintf(
		want, sizeof(want), "\"Ann \\\"A\\\" \\\\ Smith  X-Evil: 2\" <sip:+447700900123@trunk.example>;tag=");
	assert_memory_equal(v, want, strlen(want));
	assert_string_equal(raw_header(w->p.msg, "To", v, sizeof(v)), "<sip:600@127.0.0.1>");
	assert_string_equal(
		raw_header(w->p.msg, "P-Asserted-Identity", v, sizeof(v)), "<sip:+447700900123@trunk.example>");
	assert_string_equal(raw_header(w->p.msg, "X-WA-Call", v, sizeof(v)), "c-7f3a  X-Evil: 1");
	assert_string_equal(raw_header(w->p.msg, "X-WA-Name", v, sizeof(v)), "J\xc3\xb6rg");
	assert_string_equal(raw_header(w->p.msg, "X-Evil", v, sizeof(v)), "");
	assert_string_equal(raw_header(w->p.msg, "Supported", v, sizeof(v)), "timer, 100rel, replaces");
	assert_string_equal(raw_header(w->p.msg, "Session-Expires", v, sizeof(v)), "");
	assert_non_null(strstr(raw_header(w->p.msg, "Allow", v, sizeof(v)), "REFER"));
	assert_string_equal(strstr(w->p.msg, "\r\n\r\n") + 4, rig_offer);
	/* The body and the call's headers are the INVITE's alone. */
	raw_reply(&w->p, w->p.msg, "200 OK", NULL, rig_answer);
	assert_true(raw_expect(&w->r, &w->p, "ACK sip:raw@127.0.0.1", 1000));
	assert_string_equal(raw_header(w->p.msg, "Content-Length", v, sizeof(v)), "0");
	assert_string_equal(raw_header(w->p.msg, "X-WA-Call", v, sizeof(v)), "");
}

/* Behind NAT: Contact and Via name the public address; the port of Contact may be another than ours. */
static void test_public_address(void **state)
{
	struct rig r = {0};
	struct raw_peer p;
	char v[256];

	(void)state;
	rig_open(&r, "gw.example:5099");
	raw_open(&p);
	assert_int_equal(rig_invite(&r, p.port, "udp"), 0);
	assert_true(raw_expect(&r, &p, "INVITE ", 1000));
	assert_string_equal(raw_header(p.msg, "Contact", v, sizeof(v)), "<sip:watrunk@gw.example:5099;transport=udp>");
	raw_header(p.msg, "Via", v, sizeof(v));
	assert_memory_equal(v, "SIP/2.0/UDP gw.example:", 23);
	raw_reply(&p, p.msg, "486 Busy Here", NULL, NULL);
	assert_true(rig_until_said(&r, "refused/486", 1000));
	raw_close(&p);
	rig_close(&r);
}

static void note_event(const struct sip_event *ev, void *arg)
{
	*(int *)arg = ev->kind == SIP_EV_REFUSED ? ev->code : 0;
}

/* Listening on every address; on IPv6; two addresses, of which the one the kernel would use is taken. */
static void test_listeners(void **state)
{
	static const struct {
		const char *listen[2], *target;
	} rows[] = {
		{{"0.0.0.0"}, "127.0.0.1"},
		{{"::1"}, "[::1]"},
		{{"::1", "127.0.0.1"}, "127.0.0.1"},
		{{"127.0.0.2", "127.0.0.1"}, "127.0.0.1"},
	};
	struct rig r = {0};

	(void)state;
	assert_int_equal(loop_new(&r.loop), 0);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct sip_stack_conf conf = {.domain = "d", .on_event = note_event, .t1x64_ms = RIG_T1X64_MS};
		char uri[64], want[96], v[256];
		struct raw_peer p;
		int refused = 0;
		struct sip_invite invite = {.target_uri = uri, .from_user = "1", .sdp = rig_offer};

		conf.arg = &refused;
		r.port = free_port();
		for (; conf.listen_count < 2 && rows[i].listen[conf.listen_count]; conf.listen_count++)
			assert_int_equal(addr_set(&conf.listen[conf.listen_count].addr,
						 rows[i].listen[conf.listen_count], r.port),
				0);
		assert_int_equal(sip_stack_new(r.loop, &conf, &r.stack), 0);
		raw_open_on(&p, rows[i].target[0] == '[');
		(void)snprintf(uri, sizeof(uri), "sip:%s:%u", rows[i].target, p.port);
		(void)snprintf(want, sizeof(want), "<sip:watrunk@%s:%u;transport=udp>", rows[i].target, r.port);
		assert_int_equal(sip_leg_invite(r.stack, &invite, &r.leg), 0);
		assert_true(raw_expect(&r, &p, "INVITE ", 1000));
		assert_string_equal(raw_header(p.msg, "Contact", v, sizeof(v)), want);
		raw_reply(&p, p.msg, "404 Not Found", NULL, NULL);
		assert_true(raw_expect(&r, &p, "ACK ", 1000));
		rig_run(&r, 5);
		assert_int_equal(refused, 404);
		raw_close(&p);
		r.stack = sip_stack_free(r.stack);
	}
	loop_free(r.loop);
}

static void test_arguments(void **state)
{
	struct world *w = *state;
	struct sip_header header = {"Via", "x"};
	struct sip_invite good = {.target_uri = "sip:1@127.0.0.1:9",
		.from_user = "1",
		.sdp = rig_offer,
		.headers = &header,
		.leg_arg = &w->r};
	struct sip_invite bad;
	uint64_t leg = 77;

	bad = good;
	bad.header_count = 1;
	assert_int_equal(sip_leg_invite(w->r.stack, &bad, &leg), -EINVAL);
	bad = good;
	bad.target_uri = "sip:1@127.0.0.1:9\r\nX: y";
	assert_int_equal(sip_leg_invite(w->r.stack, &bad, &leg), -EINVAL);
	bad.target_uri = "sip:1@127.0.0.1;transport=tls";
	assert_int_equal(sip_leg_invite(w->r.stack, &bad, &leg), -EINVAL);
	bad.target_uri = "sip:1@[::1]:9"; /* no listener of that family */
	assert_int_equal(sip_leg_invite(w->r.stack, &bad, &leg), -EINVAL);
	bad = good;
	bad.sdp = NULL;
	assert_int_equal(sip_leg_invite(w->r.stack, &bad, &leg), -EINVAL);
	bad = good;
	bad.from_domain = "a>b";
	assert_int_equal(sip_leg_invite(w->r.stack, &bad, &leg), -EINVAL);
	bad = good;
	bad.pai_uri = "x";
	assert_int_equal(sip_leg_invite(w->r.stack, &bad, &leg), -EINVAL);
	assert_int_equal(leg, 77);
	assert_int_equal(sip_leg_count(w->r.stack), 0);
	/* Ids that mean nothing. */
	sip_leg_cancel(w->r.stack, 12345, 0, 0, NULL);
	sip_leg_bye(w->r.stack, 0, 0, 0, NULL);
	sip_leg_respond(w->r.stack, UINT64_MAX, 200, NULL);
}

static void no_event(const struct sip_event *ev, void *arg)
{
	(void)ev;
	(void)arg;
}

static void test_stack_conf(void **state)
{
	struct world *w = *state;
	struct sip_stack_conf good = {.listen_count = 1, .domain = "d", .public_address = "", .on_event = no_event},
			      bad;
	struct sip_stack *s = NULL;

	assert_int_equal(addr_set(&good.listen[0].addr, "127.0.0.1", w->r.port), 0);
	assert_int_equal(sip_stack_new(w->r.loop, &good, &s), -EADDRINUSE);
	good.listen[0].transport = SIP_TCP;
	assert_int_equal(sip_stack_new(w->r.loop, &good, &s), -EADDRINUSE);
	bad = good;
	assert_int_equal(addr_set(&bad.listen[0].addr, "192.0.2.1", 5060), 0);
	assert_int_equal(sip_stack_new(w->r.loop, &bad, &s), -EADDRNOTAVAIL);
	bad = good;
	bad.listen[0].transport = SIP_TLS;
	assert_int_equal(sip_stack_new(w->r.loop, &bad, &s), -EINVAL);
	bad = good;
	bad.listen_count = 0;
	assert_int_equal(sip_stack_new(w->r.loop, &bad, &s), -EINVAL);
	bad = good;
	bad.domain = "a b";
	assert_int_equal(sip_stack_new(w->r.loop, &bad, &s), -EINVAL);
	bad = good;
	bad.public_address = "h;x";
	assert_int_equal(sip_stack_new(w->r.loop, &bad, &s), -EINVAL);
	bad = good;
	addr_set_port(&bad.listen[0].addr, 0);
	assert_int_equal(sip_stack_new(w->r.loop, &bad, &s), -EINVAL);
	assert_null(s);
	assert_null(sip_stack_free(NULL));
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {T(test_invite_on_the_wire), cmocka_unit_test(test_public_address),
		cmocka_unit_test(test_listeners), T(test_arguments), T(test_stack_conf)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
