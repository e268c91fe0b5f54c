/* Requests of nobody we called: from strangers, from a gateway without a call, and noise. */
#include "b2bua/sip/sip.h"
#include "lib/base/counter.h"
#include "tests/scenario/sip/raw_peer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char *const methods[] = {"INVITE", "OPTIONS", "REGISTER", "MESSAGE", "SUBSCRIBE", "NOTIFY", "REFER",
	"PUBLISH", "INFO", "UPDATE", "PRACK", "BYE", "CANCEL", "ACK", "FOO"};

/* What each method gets; NULL: silence. */
struct expected {
	const char *status[sizeof(methods) / sizeof(methods[0])];
};

static const struct expected refuse = {{"403 Forbidden", "403 Forbidden"}};
static const struct expected silence = {{NULL}};
/* INVITE: the caller of the module rejects it. */
static const struct expected gateway = {{"403 Not  you", "200 OK", "405", "405", "405", "481", "400", "405", "405",
	"481", "481", "481", "481", NULL, "501"}};

static void send_all(struct rig *r, struct raw_peer *p, const struct expected *e)
{
	char want[80];

	for (unsigned i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
		raw_send_new(p, r->port, methods[i], i, "Refer-To: <sip:1@127.0.0.1>\r\nEvent: presence\r\n");
		(void)snprintf(want, sizeof(want), "SIP/2.0 %s", e->status[i] ? e->status[i] : "");
		if (!e->status[i])
			assert_true(raw_silent(r, p, "SIP/2.0 ", 40));
		else if (!raw_expect(r, p, want, 500))
			fail_msg("%s: %.40s", methods[i], p->msg);
		else if (i == 0)
			raw_ack(p, r->port);
	}
}

static void run(bool nobody, bool drop, const struct expected *e)
{
	static const struct reaction reject[] = {{SIP_EV_INVITE, 0, ACT_REJECT}, {0}};
	struct rig r = {.allow_nobody = nobody, .drop_strangers = drop, .reactions = reject};
	uint64_t refused = counter_sum(CNT_SIP_REFUSED_SOURCE);
	struct raw_peer p;

	rig_open(&r, "");
	raw_open(&p);
	send_all(&r, &p, e);
	assert_string_equal(r.said, nobody ? "" : "invite+sdp");
	assert_true(rig_until_idle(&r, RIG_T1X64_MS + 8000));
	refused = counter_sum(CNT_SIP_REFUSED_SOURCE) - refused;
	assert_int_equal(refused > 0, nobody);
	raw_close(&p);
	rig_close(&r);
}

static void test_strangers_refused(void **state)
{
	(void)state;
	run(true, false, &refuse);
}

static void test_strangers_dropped(void **state)
{
	(void)state;
	run(true, true, &silence);
}

static void test_gateway_without_call(void **state)
{
	(void)state;
	run(false, false, &gateway);
}

static void test_options_of_gateway(void **state)
{
	struct rig r = {0};
	struct raw_peer p;
	char v[256];

	(void)state;
	rig_open(&r, "");
	raw_open(&p);
	raw_send_new(&p, r.port, "OPTIONS", 1, NULL);
	assert_true(raw_expect(&r, &p, "SIP/2.0 200", 500));
	assert_string_equal(raw_header(p.msg, "Accept", v, sizeof(v)), "application/sdp");
	assert_string_equal(raw_header(p.msg, "Supported", v, sizeof(v)), "timer, 100rel, replaces");
	raw_header(p.msg, "Allow", v, sizeof(v));
	assert_non_null(strstr(v, "UPDATE"));
	assert_non_null(strstr(v, "REFER"));
	raw_close(&p);
	rig_close(&r);
}

/* 403s are rationed; a call of ours does not feel it. */
static void test_flood(void **state)
{
	struct rig r = {.allow_nobody = true};
	struct raw_peer p, gateway_peer;
	unsigned answers = 0;

	(void)state;
	rig_open(&r, "");
	raw_open(&p);
	raw_open(&gateway_peer);
	for (unsigned i = 0; i < 500; i++) {
		raw_send_new(&p, r.port, "OPTIONS", i, NULL);
		rig_run(&r, 0);
	}
	assert_int_equal(rig_invite(&r, gateway_peer.port, "udp"), 0);
	assert_true(raw_expect(&r, &gateway_peer, "INVITE ", 1000));
	raw_reply(&gateway_peer, gateway_peer.msg, "200 OK", NULL, rig_answer);
	assert_true(rig_until_said(&r, "answered", 1000));
	while (raw_poll(&p))
		answers++;
	print_message("%u of 500 were answered\n", answers);
	assert_in_range(answers, 10, 80);
	raw_close(&p);
	raw_close(&gateway_peer);
	rig_close(&r);
}

/* A stranger who knows a Call-ID but no dialog's To tag, or a tag but no Call-ID of ours, is still a stranger. */
static void test_guesses(void **state)
{
	struct rig r = {.drop_strangers = true};
	struct raw_peer p;
	char bye[65536], *at;

	(void)state;
	rig_open(&r, "");
	raw_open(&p);
	assert_int_equal(rig_invite(&r, p.port, "udp"), 0);
	assert_true(raw_expect(&r, &p, "INVITE ", 1000));
	raw_reply(&p, p.msg, "200 OK", NULL, rig_answer);
	assert_true(raw_expect(&r, &p, "ACK ", 1000));
	r.allow_nobody = true;
	raw_request(&p, "BYE", 10, NULL, NULL, bye);
	at = strstr(bye, "Call-ID: ");
	at[9] = at[9] == 'a' ? 'b' : 'a';
	raw_send(&p, r.port, bye, strlen(bye));
	assert_true(raw_silent(&r, &p, "SIP/2.0", 50));
	raw_request(&p, "BYE", 10, NULL, NULL, bye);
	at = strstr(strstr(bye, "\r\nTo: "), ";tag=");
	memcpy(at, ";tog=", 5);
	raw_send(&p, r.port, bye, strlen(bye));
	assert_true(raw_silent(&r, &p, "SIP/2.0", 50));
	assert_string_equal(r.said, "answered/200+sdp");
	raw_close(&p);
	rig_close(&r);
}

static void test_noise(void **state)
{
	static const char *const noise[] = {"", "\r\n\r\n", "x", "GET / HTTP/1.1\r\nHost: x\r\n\r\n", "INVITE\r\n\r\n",
		"INVITE sip: SIP/2.0\r\n\r\n", "SIP/2.0 200 OK\r\n\r\n", "SIP/2.0 999999999999 OK\r\nVia: x\r\n\r\n",
		"OPTIONS sip:x SIP/2.0\r\nVia: SIP/2.0/UDP h\r\nContent-Length: 99999999999\r\n\r\n",
		"OPTIONS sip:x SIP/2.0\r\nVia: SIP/2.0/UDP h\r\nContent-Length: -1\r\n\r\n",
		"BYE sip:x@y SIP/2.0\r\nCall-ID\r\nTo\r\n\r\n",
		"OPTIONS sip:x SIP/2.0\nVia:\nTo:\nFrom:\nCall-ID:\nCSeq:\n\n"};
	static const unsigned char bytes[] = {0, 0, 0, 0, 0xff, 0xfe, 0, 1, 2, 3};

	(void)state;
	for (int drop = 0; drop < 2; drop++) {
		struct rig r = {.drop_strangers = drop, .allow_nobody = drop};
		struct raw_peer p;
		rig_open(&r, "");
		raw_open(&p);
		for (size_t i = 0; i < sizeof(noise) / sizeof(noise[0]); i++) {
			raw_send(&p, r.port, noise[i], strlen(noise[i]));
			rig_run(&r, 1);
		}
		raw_send(&p, r.port, bytes, sizeof(bytes));
		rig_run(&r, 5);
		r.allow_nobody = false;
		raw_send_new(&p, r.port, "OPTIONS", 7, NULL);
		assert_true(raw_expect(&r, &p, "SIP/2.0 200", 500));
		assert_int_equal(r.events, 0);
		raw_close(&p);
		rig_close(&r);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_strangers_refused),
		cmocka_unit_test(test_strangers_dropped), cmocka_unit_test(test_gateway_without_call),
		cmocka_unit_test(test_options_of_gateway), cmocka_unit_test(test_flood), cmocka_unit_test(test_guesses),
		cmocka_unit_test(test_noise)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
