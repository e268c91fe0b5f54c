/* 500 calls to gateways that misbehave, all at once: afterwards nothing is left of them. And random operations on
 * random legs. */
#include "b2bua/sip/sip.h"
#include "lib/base/clock.h"
#include "lib/base/str.h"
#include "tests/scenario/sip/raw_peer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { CALLS = 500 };

struct reset_gateway {
	int fd;
	uint16_t port;
};

/* Answers everything that has come. silent: nothing gets an answer. */
static void gateway_turn(struct raw_peer *p, bool silent)
{
	while (raw_poll(p)) {
		if (silent)
			continue;
		if (str_starts(p->msg, "INVITE ")) {
			raw_reply(p, p->msg, "180 Ringing", NULL, NULL);
		} else if (str_starts(p->msg, "CANCEL ")) {
			char *cseq;
			raw_reply(p, p->msg, "200 OK", NULL, NULL);
			/* and the call is answered all the same */
			cseq = strstr(p->msg, " CANCEL\r\n");
			if (cseq)
				memcpy(cseq, " INVITE\r\n", 9);
			raw_reply(p, p->msg, "200 OK", NULL, rig_answer);
		} else if (!str_starts(p->msg, "ACK ") && !str_starts(p->msg, "SIP/2.0")) {
			raw_reply(p, p->msg, "200 OK", NULL, NULL);
		}
	}
}

static void reset_open(struct reset_gateway *g)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t length = sizeof(a);

	g->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(g->fd, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(getsockname(g->fd, (struct sockaddr *)&a, &length), 0);
	assert_int_equal(listen(g->fd, 600), 0);
	g->port = ntohs(a.sin_port);
}

static void reset_turn(struct reset_gateway *g)
{
	struct linger reset = {1, 0};

	for (int fd; (fd = accept4(g->fd, NULL, NULL, SOCK_CLOEXEC)) >= 0; close(fd))
		(void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
}

static void test_churn(void **state)
{
	struct rig r = {0};
	static struct raw_peer late, silent;
	static uint64_t legs[CALLS];
	struct reset_gateway g;
	uint64_t until_us;

	(void)state;
	rig_open(&r, "");
	raw_open(&late);
	raw_open(&silent);
	reset_open(&g);
	for (int i = 0; i < CALLS; i++) {
		assert_int_equal(rig_invite(&r,
					 i % 3 == 0   ? silent.port
					 : i % 3 == 1 ? late.port
						      : g.port,
					 i % 3 == 2 ? "tcp" : "udp"),
			0);
		legs[i] = r.leg;
		r.said[0] = '\0';
		if (i % 10 == 9) {
			rig_run(&r, 1);
			gateway_turn(&late, false);
			reset_turn(&g);
		}
	}
	until_us = clock_mono_us() + 600000;
	while (clock_mono_us() < until_us) {
		rig_run(&r, 2);
		r.said[0] = '\0';
		gateway_turn(&late, false);
		gateway_turn(&silent, true);
		reset_turn(&g);
	}
	for (int i = 0; i < CALLS; i++)
		sip_leg_cancel(r.stack, legs[i], 480, 19, "No answer");
	assert_int_equal(sip_leg_count(r.stack), 0);
	print_message("%zu legs linger\n", sip_lingering_count(r.stack));
	until_us = clock_mono_us() + (RIG_T1X64_MS + 8000) * 1000ull;
	while (sip_lingering_count(r.stack) && clock_mono_us() < until_us) {
		rig_run(&r, 2);
		gateway_turn(&late, false);
		reset_turn(&g);
	}
	assert_int_equal(sip_lingering_count(r.stack), 0);
	assert_int_equal(r.events > 0, 1);
	raw_close(&late);
	raw_close(&silent);
	close(g.fd);
	rig_run(&r, 50);
	assert_int_equal(count_fds(), r.fds);
	rig_close(&r);
}

/* ---- random ---- */

static uint64_t seed;

static unsigned pick(unsigned n)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (unsigned)(seed >> 20) % n;
}

/* A peer that answers, delays, loses and collides at random. */
static void random_peer_turn(struct raw_peer *p)
{
	static const char *const finals[] = {
		"200 OK", "486 Busy Here", "401 Unauthorized", "302 Moved", "503 Down", "491 Pending"};
	static char kept[8][65536];
	static unsigned cseq = 100;

	while (raw_poll(p)) {
		bool answered = false;
		if (pick(5) == 0)
			continue; /* lost */
		if (str_starts(p->msg, "INVITE ")) {
			unsigned what = pick(6);
			memcpy(kept[pick(8)], p->msg, strlen(p->msg) + 1);
			if (what < 3)
				raw_reply(p, p->msg, pick(2) ? "180 Ringing" : "183 Progress", NULL,
					pick(2) ? rig_answer : NULL);
			if (what > 1) {
				const char *final = finals[pick(8) % 6];
				answered = *final == '2';
				raw_reply(p, p->msg, final, NULL, rig_answer);
			}
		} else if (!str_starts(p->msg, "ACK ") && !str_starts(p->msg, "SIP/2.0")) {
			raw_reply(p, p->msg, pick(4) ? "200 OK" : "481 Gone", NULL, NULL);
		}
		if (!p->invite[0] || pick(3))
			continue;
		static const char *const methods[] = {"INVITE", "UPDATE", "BYE", "INFO", "ACK", "UPDATE"};
		const char *method = methods[pick(6)];
		if (str_equal(method, "BYE") && !answered)
			continue; /* in an early dialog the library leaks */
		raw_request(p, method, pick(4) ? cseq++ : cseq, NULL,
			(str_equal(method, "INVITE") || str_equal(method, "UPDATE")) && pick(2) ? rig_offer : NULL,
			NULL);
	}
	if (pick(4) == 0 && kept[0][0])
		raw_reply(p, kept[pick(8) % 1], finals[pick(6)], NULL, rig_answer); /* very late */
}

/* A caller that calls, gives up, answers, transfers and collides at random; some of its calls have the same Call-ID. */
enum { CALLERS = 40 };

static void random_caller_turn(struct rig *r, struct raw_peer *p, struct raw_call *calls)
{
	static const char *const methods[] = {"ACK", "BYE", "CANCEL", "REFER", "INFO", "UPDATE", "INVITE", "OPTIONS",
		"ACK", "REFER", "ACK", "NOTIFY"};
	struct raw_call *c = &calls[pick(CALLERS)];
	char id[64];

	while (raw_poll(p)) {
		raw_header(p->msg, "Call-ID", id, sizeof(id));
		if (pick(6) == 0)
			continue; /* lost */
		if (!str_starts(p->msg, "SIP/2.0")) {
			static const char *const answers[] = {
				"200 OK", "200 OK", "481 Gone", "404 No", "401 Who", "500 Oops"};
			if (!str_starts(p->msg, "ACK ") && pick(4))
				raw_reply(p, p->msg, answers[pick(6)], NULL, NULL);
			continue;
		}
		for (int i = 0; i < CALLERS; i++) {
			if (!str_equal(calls[i].call_id, id))
				continue;
			raw_call_learn(p, &calls[i]);
			if (strstr(p->msg, " INVITE\r\n") && !str_starts(p->msg, "SIP/2.0 1") && pick(3))
				raw_call_send(
					p, r, &calls[i], "ACK", NULL, pick(4) ? NULL : "application/sdp", rig_answer);
			break;
		}
	}
	if (!c->call_id[0] || pick(5) == 0) {
		raw_call_new(c, r, "600");
		if (pick(6) == 0)
			str_copy(c->call_id, sizeof(c->call_id), "the-same");
		raw_call_send(p, r, c, "INVITE", NULL, pick(3) ? "application/sdp" : NULL, pick(3) ? rig_offer : NULL);
		return;
	}
	const char *method = methods[pick(12)];
	if (str_equal(method, "INVITE"))
		c->cseq++;
	raw_call_send(p, r, c, method,
		str_equal(method, "REFER") ? (pick(5) ? "Refer-To: <sip:1@h?Replaces=a%3Bto-tag%3D1%3Bfrom-tag%3D2>\r\n"
						      : "Refer-To: x\r\n")
					   : NULL,
		str_equal(method, "INFO")                                      ? "application/dtmf"
		: (str_equal(method, "UPDATE") || str_equal(method, "INVITE")) ? "application/sdp"
									       : NULL,
		str_equal(method, "INFO")                                      ? "5"
		: (str_equal(method, "UPDATE") || str_equal(method, "INVITE")) ? rig_offer
									       : NULL);
}

static void random_callee_act(struct rig *r, uint64_t leg)
{
	switch (pick(9)) {
	case 0: sip_leg_ring(r->stack, leg, pick(2) ? 180 : 183, pick(2) ? rig_answer : NULL); break;
	case 1:
	case 2: sip_leg_accept(r->stack, leg, rig_answer); break;
	case 3: sip_leg_reject(r->stack, leg, 300 + (int)pick(400), "x", 16, NULL, 0); break;
	case 4: sip_leg_refer_respond(r->stack, leg, pick(3) ? 202 : 400 + (int)pick(300)); break;
	case 5:
	case 6: sip_leg_notify(r->stack, leg, 100 + (int)pick(500), pick(3) == 0); break;
	case 7: sip_leg_respond(r->stack, leg, 200, rig_answer); break;
	default:
		if (pick(4) == 0)
			sip_leg_bye(r->stack, leg, 0, 16, "x");
		break;
	}
}

static void test_random_callers(void **state)
{
	struct rig r = {.incoming_max = 200};
	static struct raw_peer p;
	static struct raw_call calls[CALLERS];
	uint64_t legs[64] = {0}, until_us = clock_mono_us() + 8000000;
	const char *given = getenv("WATRUNK_TEST_SEED");
	unsigned n = 0;

	(void)state;
	seed = given ? strtoull(given, NULL, 0) : 0x5eed5eed7654321ull;
	rig_open(&r, "");
	raw_open(&p);
	while (clock_mono_us() < until_us) {
		r.said[0] = '\0';
		r.in_leg = 0;
		random_caller_turn(&r, &p, calls);
		rig_run(&r, pick(2));
		if (r.in_leg)
			legs[n++ % 64] = r.in_leg;
		for (int i = 0; i < 4; i++)
			random_callee_act(&r, legs[pick(64)]);
	}
	print_message("%u calls, %u events, %zu legs, %zu linger\n", n, r.events, sip_leg_count(r.stack),
		sip_lingering_count(r.stack));
	assert_true(n > 10);
	for (int i = 0; i < 64; i++)
		sip_leg_bye(r.stack, legs[i], 0, 16, "x");
	/* Whatever is left ends by itself: the legs that fell out of the array by their peers' silence. */
	raw_close(&p);
	rig_close(&r);
}

static void test_random(void **state)
{
	struct rig r = {0};
	static struct raw_peer p;
	uint64_t legs[60] = {0}, until_us = clock_mono_us() + 8000000;
	const char *given = getenv("WATRUNK_TEST_SEED");
	unsigned calls = 0;

	(void)state;
	seed = given ? strtoull(given, NULL, 0) : 0x5eed5eed1234567ull;
	rig_open(&r, "");
	raw_open(&p);
	while (clock_mono_us() < until_us) {
		unsigned i = pick(60);
		switch (pick(6)) {
		case 0:
		case 1:
			if (sip_leg_count(r.stack) < 60 && rig_invite(&r, p.port, "udp") == 0) {
				legs[i] = r.leg;
				calls++;
			}
			break;
		case 2: sip_leg_cancel(r.stack, legs[i], 0, 16, "x"); break;
		case 3: sip_leg_bye(r.stack, legs[i], 0, 16, "x"); break;
		case 4: sip_leg_respond(r.stack, legs[i], pick(3) ? 200 : 488, pick(4) ? rig_answer : NULL); break;
		default: break;
		}
		r.said[0] = '\0';
		if (pick(3) == 0)
			rig_run(&r, pick(3));
		if (pick(3) == 0)
			random_peer_turn(&p);
	}
	print_message("%u calls, %u events\n", calls, r.events);
	raw_close(&p);
	rig_close(&r);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_churn), cmocka_unit_test(test_random), cmocka_unit_test(test_random_callers)};

	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
