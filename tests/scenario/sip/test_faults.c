/* Peers that are silent, late, gone or wrong. */
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

static void call_and_answer(struct world *w)
{
	w->r.said[0] = '\0';
	assert_int_equal(rig_invite(&w->r, w->p.port, "udp"), 0);
	assert_true(raw_expect(&w->r, &w->p, "INVITE ", 1000));
	raw_reply(&w->p, w->p.msg, "200 OK", NULL, rig_answer);
	assert_true(raw_expect(&w->r, &w->p, "ACK ", 1000));
	assert_string_equal(w->r.said, "answered/200+sdp");
}

static void assert_no_leak(struct world *w)
{
	assert_true(rig_until_idle(&w->r, RIG_T1X64_MS + 6000));
	assert_int_equal(count_fds(), w->r.fds + (w->p.fd >= 0));
}

/* ---- no answer ---- */

static void test_silence(void **state)
{
	struct world *w = *state;

	assert_int_equal(rig_invite(&w->r, w->p.port, "udp"), 0);
	assert_true(rig_until_said(&w->r, "refused", RIG_T1X64_MS + 1000));
	assert_string_equal(w->r.said, "refused/408/local");
	assert_int_equal(sip_leg_count(w->r.stack), 0);
	assert_no_leak(w);
}

static void test_tcp_refused(void **state)
{
	struct world *w = *state;

	assert_int_equal(rig_invite(&w->r, free_port(), "tcp"), 0);
	assert_true(rig_until_said(&w->r, "refused", 1000));
	assert_string_equal(w->r.said, "refused/503/local");
	assert_no_leak(w);
}

static bool acceptable(void *arg)
{
	int *fds = arg;

	if (fds[1] < 0)
		fds[1] = accept4(fds[0], NULL, NULL, SOCK_CLOEXEC);
	return fds[1] >= 0;
}

static bool readable(void *arg)
{
	int *fds = arg;
	char b[8192];

	return recv(fds[1], b, sizeof(b), MSG_DONTWAIT) > 0;
}

static void test_tcp_reset(void **state)
{
	struct world *w = *state;
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t length = sizeof(a);
	struct linger reset = {1, 0};
	int fds[2] = {socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), -1};

	assert_int_equal(bind(fds[0], (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(getsockname(fds[0], (struct sockaddr *)&a, &length), 0);
	assert_int_equal(listen(fds[0], 4), 0);
	assert_int_equal(rig_invite(&w->r, ntohs(a.sin_port), "tcp"), 0);
	assert_true(rig_until(&w->r, acceptable, fds, 1000));
	assert_true(rig_until(&w->r, readable, fds, 1000));
	assert_int_equal(setsockopt(fds[1], SOL_SOCKET, SO_LINGER, &reset, sizeof(reset)), 0);
	close(fds[1]);
	close(fds[0]);
	assert_true(rig_until_said(&w->r, "refused", RIG_T1X64_MS + 1000));
	assert_string_equal(w->r.said, "refused/503/local");
	assert_no_leak(w);
}

/* ---- CANCEL ---- */

static void test_cancel_waits_for_provisional(void **state)
{
	struct world *w = *state;

	assert_int_equal(rig_invite(&w->r, w->p.port, "udp"), 0);
	assert_true(raw_expect(&w->r, &w->p, "INVITE ", 1000));
	sip_leg_cancel(w->r.stack, w->r.leg, 0, 0, NULL);
	assert_int_equal(sip_leg_count(w->r.stack), 0);
	assert_int_equal(sip_lingering_count(w->r.stack), 1);
	assert_true(raw_silent(&w->r, &w->p, "CANCEL ", 150));
	raw_reply(&w->p, w->p.invite, "180 Ringing", NULL, NULL);
	assert_true(raw_expect(&w->r, &w->p, "CANCEL ", 1000));
	raw_reply(&w->p, w->p.msg, "200 OK", NULL, NULL);
	raw_reply(&w->p, w->p.invite, "487 Request Terminated", NULL, NULL);
	assert_true(raw_expect(&w->r, &w->p, "ACK ", 1000));
	assert_true(rig_until_idle(&w->r, 500));
	assert_string_equal(w->r.said, "");
}

static void test_cancel_before_invite_left(void **state)
{
	struct world *w = *state;

	assert_int_equal(rig_invite(&w->r, w->p.port, "udp"), 0);
	sip_leg_cancel(w->r.stack, w->r.leg, 0, 0, NULL);
	assert_no_leak(w);
	assert_string_equal(w->r.said, "");
}

/* Rings, then not a word any more: no 200 to the CANCEL, no 487. */
static void test_cancel_unanswered(void **state)
{
	struct world *w = *state;

	assert_int_equal(rig_invite(&w->r, w->p.port, "udp"), 0);
	assert_true(raw_expect(&w->r, &w->p, "INVITE ", 1000));
	raw_reply(&w->p, w->p.msg, "180 Ringing", NULL, NULL);
	assert_true(rig_until_said(&w->r, "progress", 1000));
	sip_leg_cancel(w->r.stack, w->r.leg, 0, 0, NULL);
	assert_no_leak(w);
	assert_string_equal(w->r.said, "progress/180");
}

/* 200 that comes before the CANCEL could leave. */
static void test_cancel_held_back_meets_200(void **state)
{
	struct world *w = *state;

	assert_int_equal(rig_invite(&w->r, w->p.port, "udp"), 0);
	assert_true(raw_expect(&w->r, &w->p, "INVITE ", 1000));
	sip_leg_cancel(w->r.stack, w->r.leg, 0, 0, NULL);
	rig_run(&w->r, 20);
	raw_reply(&w->p, w->p.invite, "200 OK", NULL, rig_answer);
	assert_true(raw_expect(&w->r, &w->p, "ACK ", 1000));
	assert_true(raw_expect(&w->r, &w->p, "BYE ", 1000));
	raw_reply(&w->p, w->p.msg, "200 OK", NULL, NULL);
	assert_true(rig_until_idle(&w->r, 500));
	assert_string_equal(w->r.said, "");
}

/* ---- after the answer ---- */

static void test_provisional_after_answer(void **state)
{
	struct world *w = *state;

	call_and_answer(w);
	raw_reply(&w->p, w->p.invite, "183 Session Progress", NULL, rig_offer);
	raw_reply(&w->p, w->p.invite, "180 Ringing", NULL, NULL);
	raw_reply(&w->p, w->p.invite, "200 OK", NULL, rig_answer); /* a repeat */
	assert_true(raw_expect(&w->r, &w->p, "ACK ", 1000));
	rig_run(&w->r, 50);
	assert_string_equal(w->r.said, "answered/200+sdp");
	raw_request(&w->p, "BYE", 10, NULL, NULL, NULL);
	assert_true(raw_expect(&w->r, &w->p, "SIP/2.0 200", 1000));
	assert_no_leak(w);
	assert_string_equal(w->r.said, "answered/200+sdp bye");
}

static void test_bye_unanswered(void **state)
{
	struct world *w = *state;

	call_and_answer(w);
	sip_leg_bye(w->r.stack, w->r.leg, 0, 16, "x");
	assert_int_equal(sip_leg_count(w->r.stack), 0);
	assert_no_leak(w);
}

static void test_bye_refused(void **state)
{
	struct world *w = *state;

	call_and_answer(w);
	sip_leg_bye(w->r.stack, w->r.leg, 0, 16, "x");
	assert_true(raw_expect(&w->r, &w->p, "BYE ", 1000));
	raw_reply(&w->p, w->p.msg, "481 Call Does Not Exist", NULL, NULL);
	assert_true(rig_until_idle(&w->r, 500));
}

static void test_byes_cross(void **state)
{
	struct world *w = *state;

	call_and_answer(w);
	sip_leg_bye(w->r.stack, w->r.leg, 0, 16, "x");
	assert_true(raw_expect(&w->r, &w->p, "BYE ", 1000));
	raw_request(&w->p, "BYE", 10, NULL, NULL, NULL);
	assert_true(raw_expect(&w->r, &w->p, "SIP/2.0 ", 1000));
	assert_no_leak(w);
	assert_string_equal(w->r.said, "answered/200+sdp");
}

/* Our 200 to a re-INVITE never gets its ACK: the stack gives the call up. */
static void test_no_ack(void **state)
{
	struct world *w = *state;

	w->r.reactions = (const struct reaction[]){{SIP_EV_OFFER, 0, ACT_200}, {0}};
	call_and_answer(w);
	raw_request(&w->p, "INVITE", 10, NULL, rig_offer, NULL);
	assert_true(raw_expect(&w->r, &w->p, "SIP/2.0 200", 1000));
	assert_true(raw_expect(&w->r, &w->p, "BYE ", RIG_T1X64_MS + 3000));
	raw_reply(&w->p, w->p.msg, "200 OK", NULL, NULL);
	assert_true(rig_until_said(&w->r, "lost", 1000));
	assert_no_leak(w);
	assert_string_equal(w->r.said, "answered/200+sdp offer+sdp lost");
}

static void test_two_offers_at_once(void **state)
{
	struct world *w = *state;

	call_and_answer(w);
	raw_request(&w->p, "UPDATE", 10, NULL, rig_offer, NULL);
	assert_true(rig_until_said(&w->r, "update+sdp", 1000));
	raw_request(&w->p, "UPDATE", 11, NULL, rig_offer, NULL);
	assert_true(raw_expect(&w->r, &w->p, "SIP/2.0 491", 1000));
	raw_request(&w->p, "INVITE", 12, NULL, rig_offer, NULL);
	assert_true(raw_expect(&w->r, &w->p, "SIP/2.0 500", 1000)); /* by the stack */
	raw_request(&w->p, "UPDATE", 13, NULL, NULL, NULL);
	assert_true(raw_expect(&w->r, &w->p, "SIP/2.0 200", 1000)); /* a refresh is none */
	sip_leg_respond(w->r.stack, w->r.leg, 200, rig_answer);
	assert_true(raw_expect(&w->r, &w->p, "SIP/2.0 200", 1000));
	assert_non_null(strstr(w->p.msg, "CSeq: 10 UPDATE"));
	sip_leg_respond(w->r.stack, w->r.leg, 200, rig_answer); /* once too often */
	raw_request(&w->p, "BYE", 14, NULL, NULL, NULL);
	assert_true(raw_expect(&w->r, &w->p, "SIP/2.0 200", 1000));
	assert_no_leak(w);
	assert_string_equal(w->r.said, "answered/200+sdp update+sdp bye");
}

/* A re-INVITE taken back by CANCEL, or overtaken by BYE, before we answered. */
static void test_offer_withdrawn(void **state)
{
	struct world *w = *state;
	char text[65536];

	call_and_answer(w);
	raw_request(&w->p, "INVITE", 10, NULL, rig_offer, text);
	raw_send(&w->p, w->r.port, text, strlen(text));
	assert_true(rig_until_said(&w->r, "offer+sdp", 1000));
	char cancel[65536], via[256], v[512];
	(void)snprintf(cancel, sizeof(cancel), "CANCEL sip:watrunk@127.0.0.1:%u;transport=udp SIP/2.0\r\nVia: %s\r\n",
		w->r.port, raw_header(text, "Via", via, sizeof(via)));
	for (size_t i = 0; i < 3; i++) {
		const char *name = (const char *[]){"From", "To", "Call-ID"}[i];
		(void)snprintf(cancel + strlen(cancel), 1024, "%s: %s\r\n", name, raw_header(text, name, v, sizeof(v)));
	}
	strcat(cancel, "CSeq: 10 CANCEL\r\nContent-Length: 0\r\n\r\n");
	raw_send(&w->p, w->r.port, cancel, strlen(cancel));
	assert_true(raw_expect(&w->r, &w->p, "SIP/2.0 487", 1000));
	sip_leg_respond(w->r.stack, w->r.leg, 200, rig_answer);
	rig_run(&w->r, 30);
	raw_request(&w->p, "INVITE", 11, NULL, rig_offer, NULL);
	rig_run(&w->r, 30);
	raw_request(&w->p, "BYE", 12, NULL, NULL, NULL);
	assert_true(rig_until_said(&w->r, "bye", 1000));
	sip_leg_respond(w->r.stack, w->r.leg, 200, rig_answer);
	assert_no_leak(w);
}

/* The dialog's requests may come from an address that is no gateway's: the machine behind the one that was called. */
static void test_bye_from_elsewhere(void **state)
{
	struct world *w = *state;
	struct raw_peer other;
	char text[65536];

	call_and_answer(w);
	w->r.allow_nobody = true;
	raw_request(&w->p, "BYE", 10, NULL, NULL, text);
	raw_open(&other);
	raw_send(&other, w->r.port, text, strlen(text));
	assert_true(rig_until_said(&w->r, "bye", 1000));
	raw_close(&other);
	assert_no_leak(w);
}

/* ---- refreshes that fall to us ---- */

static void test_we_refresh_by_update(void **state)
{
	struct world *w = *state;

	assert_int_equal(rig_invite(&w->r, w->p.port, "udp"), 0);
	assert_true(raw_expect(&w->r, &w->p, "INVITE ", 1000));
	raw_reply(&w->p, w->p.msg, "200 OK",
		"Allow: INVITE, ACK, BYE, UPDATE\r\nRequire: timer\r\nSupported: timer\r\nSession-Expires: "
		"4;refresher=uac\r\n",
		rig_answer);
	assert_true(raw_expect(&w->r, &w->p, "UPDATE ", 4000));
	raw_reply(&w->p, w->p.msg, "200 OK", "Session-Expires: 4;refresher=uac\r\n", NULL);
	assert_true(raw_expect(&w->r, &w->p, "UPDATE ", 4000));
	/* The call is gone over there. */
	raw_reply(&w->p, w->p.msg, "481 Call Does Not Exist", NULL, NULL);
	assert_true(rig_until_said(&w->r, "lost", 4000));
	assert_no_leak(w);
	assert_string_equal(w->r.said, "answered/200+sdp refreshed lost");
}

/* ---- the end of it all ---- */

static void test_free_with_live_legs(void **state)
{
	struct world *w = *state;

	call_and_answer(w);
	assert_int_equal(rig_invite(&w->r, w->p.port, "udp"), 0);
	assert_true(raw_expect(&w->r, &w->p, "INVITE ", 1000));
	raw_reply(&w->p, w->p.msg, "180 Ringing", NULL, NULL);
	rig_run(&w->r, 20);
	assert_int_equal(rig_invite(&w->r, w->p.port, "udp"), 0); /* teardown does the rest: nobody answers */
	assert_int_equal(sip_leg_count(w->r.stack), 3);
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {T(test_silence), T(test_tcp_refused), T(test_tcp_reset),
		T(test_cancel_waits_for_provisional), T(test_cancel_before_invite_left), T(test_cancel_unanswered),
		T(test_cancel_held_back_meets_200), T(test_provisional_after_answer), T(test_bye_unanswered),
		T(test_bye_refused), T(test_byes_cross), T(test_no_ack), T(test_two_offers_at_once),
		T(test_offer_withdrawn), T(test_bye_from_elsewhere), T(test_we_refresh_by_update),
		T(test_free_with_live_legs)};

	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
