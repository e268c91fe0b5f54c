/* Sequences that end, or once ended, the whole process: Debian's Sofia-SIP (1.12.11 of April 2011) aborts or uses freed
 * memory in them when a user agent goes about it in the obvious way. Each test passes if we are still here, and the
 * stack still works. */
#include "b2bua/sip/sip.h"
#include "tests/scenario/sip/raw_peer.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
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

	raw_close(&w->p);
	rig_close(&w->r);
	free(w);
	return 0;
}

static void call_and_answer(struct world *w)
{
	w->r.said[0] = '\0';
	while (raw_poll(&w->p))
		; /* repeats of what came before */
	assert_int_equal(rig_invite(&w->r, w->p.port, "udp"), 0);
	assert_true(raw_expect(&w->r, &w->p, "INVITE ", 1000));
	raw_reply(&w->p, w->p.msg, "200 OK", NULL, rig_answer);
	assert_true(raw_expect(&w->r, &w->p, "ACK ", 1000));
}

static void assert_still_works(struct world *w)
{
	assert_true(rig_until_idle(&w->r, RIG_T1X64_MS + 6000));
	w->r.reactions = NULL;
	call_and_answer(w);
	assert_string_equal(w->r.said, "answered/200+sdp");
	raw_request(&w->p, "BYE", 100, NULL, NULL, NULL);
	assert_true(raw_expect(&w->r, &w->p, "SIP/2.0 200", 1000));
	assert_true(rig_until_idle(&w->r, RIG_T1X64_MS + 6000));
	assert_int_equal(count_fds(), w->r.fds + 1);
}

/* Use after free: our 200 to a re-INVITE has no ACK yet, we hang up, then the ACK comes. */
static void test_ack_after_our_bye(void **state)
{
	struct world *w = *state;

	w->r.reactions = (const struct reaction[]){{SIP_EV_OFFER, 0, ACT_200}, {0}};
	call_and_answer(w);
	raw_request(&w->p, "INVITE", 10, NULL, rig_offer, NULL);
	assert_true(raw_expect(&w->r, &w->p, "SIP/2.0 200", 1000));
	sip_leg_bye(w->r.stack, w->r.leg, 0, 16, NULL);
	sip_leg_respond(w->r.stack, w->r.leg, 200, rig_answer); /* nothing goes out on a leg that is ending */
	assert_true(raw_expect(&w->r, &w->p, "BYE ", RIG_T1X64_MS));
	raw_request(&w->p, "ACK", 10, NULL, NULL, NULL);
	rig_run(&w->r, 50);
	raw_reply(&w->p, w->p.msg, "200 OK", NULL, NULL);
	raw_request(&w->p, "ACK", 10, NULL, NULL, NULL);
	assert_still_works(w);
}

/* The same with the caller's answer still to come when the call ends. */
static void test_bye_with_offer_unanswered(void **state)
{
	struct world *w = *state;

	call_and_answer(w);
	raw_request(&w->p, "INVITE", 10, NULL, rig_offer, NULL);
	assert_true(rig_until_said(&w->r, "offer", 1000));
	sip_leg_bye(w->r.stack, w->r.leg, 0, 16, NULL);
	sip_leg_respond(w->r.stack, w->r.leg, 200, rig_answer);
	rig_run(&w->r, 100);
	raw_request(&w->p, "ACK", 10, NULL, NULL, NULL);
	rig_run(&w->r, 50);
	assert_still_works(w);
}

static void test_update_unanswered_at_bye(void **state)
{
	struct world *w = *state;

	call_and_answer(w);
	raw_request(&w->p, "UPDATE", 10, NULL, rig_offer, NULL);
	assert_true(rig_until_said(&w->r, "update", 1000));
	sip_leg_bye(w->r.stack, w->r.leg, 0, 16, NULL);
	raw_request(&w->p, "UPDATE", 11, NULL, rig_offer, NULL);
	raw_request(&w->p, "INFO", 12, NULL, NULL, NULL);
	raw_request(&w->p, "INVITE", 13, NULL, rig_offer, NULL);
	assert_still_works(w);
}

/* Both refresh at once: our UPDATE is out and unanswered when the call ends. */
static void test_bye_behind_unanswered_update(void **state)
{
	struct world *w = *state;

	assert_int_equal(rig_invite(&w->r, w->p.port, "udp"), 0);
	assert_true(raw_expect(&w->r, &w->p, "INVITE ", 1000));
	raw_reply(&w->p, w->p.msg, "200 OK", "Allow: UPDATE\r\nRequire: timer\r\nSession-Expires: 4;refresher=uac\r\n",
		rig_answer);
	assert_true(raw_expect(&w->r, &w->p, "UPDATE ", 4000));
	sip_leg_bye(w->r.stack, w->r.leg, 0, 16, NULL);
	assert_int_equal(sip_leg_count(w->r.stack), 0);
	assert_still_works(w);
}

/* Abort in timer B: an INVITE too large for UDP moved to TCP by itself, was answered there, and came back to UDP when
 * the connection closed. With us it never leaves UDP: a listener on the peer's TCP port hears nothing. */
static void test_large_invite_stays_on_udp(void **state)
{
	struct world *w = *state;
	struct sockaddr_in a = {
		.sin_family = AF_INET, .sin_port = htons(w->p.port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int tcp = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	static char sdp[6000];
	char uri[64];
	struct sip_invite invite = {.target_uri = uri, .from_user = "1", .sdp = sdp, .leg_arg = &w->r};

	assert_int_equal(bind(tcp, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(listen(tcp, 1), 0);
	strcpy(sdp, rig_offer);
	while (strlen(sdp) < sizeof(sdp) - 100)
		strcat(sdp, "a=candidate:1 1 UDP 2130706431 192.0.2.1 40000 typ host\r\n");
	/* Without a transport parameter: there the library feels free to choose. */
	(void)snprintf(uri, sizeof(uri), "sip:600@127.0.0.1:%u", w->p.port);
	assert_int_equal(sip_leg_invite(w->r.stack, &invite, &w->r.leg), 0);
	assert_true(raw_expect(&w->r, &w->p, "INVITE ", 1000));
	raw_reply(&w->p, w->p.msg, "180 Ringing", NULL, NULL);
	assert_true(rig_until_said(&w->r, "progress", 1000));
	sip_leg_cancel(w->r.stack, w->r.leg, 0, 0, NULL);
	assert_true(raw_expect(&w->r, &w->p, "CANCEL ", 1000));
	/* Silence from now on, past 64*T1. */
	assert_true(rig_until_idle(&w->r, RIG_T1X64_MS + 6000));
	assert_int_equal(accept(tcp, NULL, NULL), -1);
	close(tcp);
	assert_still_works(w);
}

/* Answers of every kind just before and after timer B, and for calls that are long over. */
static void test_answers_around_timer_b(void **state)
{
	static const int offset_ms[] = {-60, -10, -1, 1, 10, 60};
	struct world *w = *state;

	for (size_t i = 0; i < sizeof(offset_ms) / sizeof(offset_ms[0]); i += 2) {
		w->r.said[0] = '\0';
		assert_int_equal(rig_invite(&w->r, w->p.port, "udp"), 0);
		assert_true(raw_expect(&w->r, &w->p, "INVITE ", 1000));
		if (i % 4 == 0)
			sip_leg_cancel(w->r.stack, w->r.leg, 0, 0, NULL);
		rig_run(&w->r, (unsigned)(RIG_T1X64_MS + offset_ms[i]));
		raw_reply(&w->p, w->p.invite, "180 Ringing", NULL, NULL);
		rig_run(&w->r, 2);
		raw_reply(&w->p, w->p.invite, "200 OK", NULL, rig_answer);
		rig_run(&w->r, 20);
		sip_leg_bye(w->r.stack, w->r.leg, 0, 16, NULL);
	}
	assert_still_works(w);
}

/* Two branches of a fork answer: the second dialog is ACKed and ended by the stack, the call stays with the first. */
static void test_second_answer_of_a_fork(void **state)
{
	struct world *w = *state;
	char fork[65536], *tag;

	call_and_answer(w);
	raw_request(&w->p, "INFO", 5, NULL, NULL, NULL);
	assert_true(raw_expect(&w->r, &w->p, "SIP/2.0 200", 1000));
	(void)snprintf(fork, sizeof(fork), "%s", w->p.invite);
	/* Answer with another To tag: put one into the request we mirror. */
	tag = strstr(strstr(fork, "\r\nTo: "), ">") + 1;
	memmove(tag + 9, tag, strlen(tag) + 1);
	memcpy(tag, ";tag=fork", 9);
	raw_reply(&w->p, fork, "200 OK", NULL, rig_answer);
	assert_true(raw_expect(&w->r, &w->p, "BYE ", 1000));
	assert_non_null(strstr(w->p.msg, ";tag=fork"));
	raw_reply(&w->p, w->p.msg, "200 OK", NULL, NULL);
	rig_run(&w->r, 50);
	assert_string_equal(w->r.said, "answered/200+sdp");
	assert_int_equal(sip_leg_count(w->r.stack), 1);
	sip_leg_bye(w->r.stack, w->r.leg, 0, 16, NULL);
	assert_still_works(w);
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {T(test_ack_after_our_bye), T(test_bye_with_offer_unanswered),
		T(test_update_unanswered_at_bye), T(test_bye_behind_unanswered_update),
		T(test_large_invite_stays_on_udp), T(test_answers_around_timer_b), T(test_second_answer_of_a_fork)};

	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
