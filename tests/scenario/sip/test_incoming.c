/* Calls that come in: a telephone system as a bare socket calls us, well and badly. */
#include "b2bua/sip/sip.h"
#include "lib/base/counter.h"
#include "tests/scenario/sip/raw_peer.h"

#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#define SDP "application/sdp"

struct world {
	struct rig r;
	struct raw_peer p;
	struct raw_call c;
};

static int setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	rig_open(&w->r, "");
	raw_open(&w->p);
	raw_call_new(&w->c, &w->r, "600");
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

static void say(struct world *w, const char *method, const char *extra, const char *type, const char *body)
{
	raw_call_send(&w->p, &w->r, &w->c, method, extra, type, body);
}

static void expect(struct world *w, const char *start)
{
	if (!raw_expect(&w->r, &w->p, start, 5000))
		fail_msg("%s did not come; said: %s", start, w->r.said);
}

static const char *header(struct world *w, const char *name)
{
	static char v[1024];

	return raw_header(w->p.msg, name, v, sizeof(v));
}

/* A call that is up. */
static void call_up(struct world *w)
{
	static const struct reaction accept[] = {{SIP_EV_INVITE, 0, ACT_ACCEPT}, {0}};

	w->r.reactions = accept;
	say(w, "INVITE", NULL, SDP, rig_offer);
	expect(w, "SIP/2.0 200");
	raw_call_learn(&w->p, &w->c);
	say(w, "ACK", NULL, NULL, NULL);
	rig_run(&w->r, 20);
	w->r.said[0] = '\0';
	w->r.reactions = NULL;
}

static void over(struct world *w)
{
	assert_int_equal(sip_leg_count(w->r.stack), 0);
	assert_true(rig_until_idle(&w->r, RIG_T1X64_MS + 8000));
}

static void test_ring_accept_bye(void **state)
{
	struct world *w = *state;
	char tag[256];

	say(w, "INVITE", NULL, SDP, rig_offer);
	expect(w, "SIP/2.0 100");
	assert_true(rig_until_said(&w->r, "invite+sdp", 2000));
	assert_string_equal(w->r.sdp, rig_offer);
	sip_leg_ring(w->r.stack, w->r.in_leg, 180, NULL);
	expect(w, "SIP/2.0 180");
	snprintf(tag, sizeof(tag), "%s", header(w, "To"));
	assert_non_null(strstr(tag, ";tag="));
	assert_non_null(strstr(header(w, "Contact"), "<sip:watrunk@127.0.0.1:"));
	sip_leg_ring(w->r.stack, w->r.in_leg, 183, rig_answer);
	expect(w, "SIP/2.0 183");
	assert_string_equal(header(w, "To"), tag);
	assert_non_null(strstr(w->p.msg, rig_answer));
	sip_leg_accept(w->r.stack, w->r.in_leg, rig_answer);
	expect(w, "SIP/2.0 200");
	assert_string_equal(header(w, "To"), tag);
	assert_non_null(strstr(w->p.msg, rig_answer));
	raw_call_learn(&w->p, &w->c);
	say(w, "ACK", NULL, NULL, NULL);
	rig_run(&w->r, 50);
	assert_string_equal(w->r.said, "invite+sdp"); /* an ACK without an answer is no news */
	say(w, "BYE", "Reason: Q.850;cause=16\r\n", NULL, NULL);
	expect(w, "SIP/2.0 200");
	assert_string_equal(w->r.said, "invite+sdp bye/q16");
	over(w);
}

static void test_we_hang_up(void **state)
{
	struct world *w = *state;

	call_up(w);
	sip_leg_bye(w->r.stack, w->r.in_leg, 0, 16, "Normal");
	expect(w, "BYE ");
	assert_non_null(strstr(header(w, "Reason"), "Q.850;cause=16"));
	raw_reply(&w->p, w->p.msg, "200 OK", NULL, NULL);
	over(w);
	assert_string_equal(w->r.said, "");
}

/* The caller's hang-up waits for the ACK to our 200. */
static void test_hang_up_before_ack(void **state)
{
	static const struct reaction accept[] = {{SIP_EV_INVITE, 0, ACT_ACCEPT}, {0}};
	struct world *w = *state;

	w->r.reactions = accept;
	say(w, "INVITE", NULL, SDP, rig_offer);
	expect(w, "SIP/2.0 200");
	raw_call_learn(&w->p, &w->c);
	sip_leg_bye(w->r.stack, w->r.in_leg, 0, 16, "Normal");
	assert_int_equal(sip_leg_count(w->r.stack), 0);
	rig_run(&w->r, 50);
	while (raw_poll(&w->p))
		assert_int_not_equal(strncmp(w->p.msg, "BYE ", 4), 0);
	say(w, "ACK", NULL, NULL, NULL);
	expect(w, "BYE ");
	assert_non_null(strstr(header(w, "Reason"), "cause=16"));
	raw_reply(&w->p, w->p.msg, "200 OK", NULL, NULL);
	over(w);
}

static void test_no_ack(void **state)
{
	static const struct reaction accept[] = {{SIP_EV_INVITE, 0, ACT_ACCEPT}, {0}};
	struct world *w = *state;

	w->r.reactions = accept;
	say(w, "INVITE", NULL, SDP, rig_offer);
	expect(w, "SIP/2.0 200");
	expect(w, "SIP/2.0 200"); /* it is repeated */
	assert_true(rig_until_said(&w->r, "lost", RIG_T1X64_MS + 5000));
	expect(w, "BYE ");
	say(w, "ACK", NULL, NULL, NULL); /* too late */
	over(w);
	assert_string_equal(w->r.said, "invite+sdp lost");
}

static void test_cancel(void **state)
{
	static const struct reaction ring[] = {{SIP_EV_INVITE, 0, ACT_RING}, {0}};
	struct world *w = *state;

	w->r.reactions = ring;
	say(w, "INVITE", NULL, SDP, rig_offer);
	expect(w, "SIP/2.0 180");
	say(w, "CANCEL", "Reason: SIP;cause=200, Q.850;cause=26\r\n", NULL, NULL);
	expect(w, "SIP/2.0 487");
	raw_call_learn(&w->p, &w->c);
	say(w, "ACK", NULL, NULL, NULL);
	assert_string_equal(w->r.said, "invite+sdp cancelled/q26");
	/* whatever the caller of the module believes */
	sip_leg_accept(w->r.stack, w->r.in_leg, rig_answer);
	sip_leg_bye(w->r.stack, w->r.in_leg, 0, 16, NULL);
	over(w);
}

static void test_early_bye(void **state)
{
	static const struct reaction ring[] = {{SIP_EV_INVITE, 0, ACT_RING}, {0}};
	struct world *w = *state;

	w->r.reactions = ring;
	say(w, "INVITE", NULL, SDP, rig_offer);
	expect(w, "SIP/2.0 180");
	raw_call_learn(&w->p, &w->c);
	say(w, "BYE", NULL, NULL, NULL);
	expect(w, "SIP/2.0 ");
	assert_true(rig_until_said(&w->r, "cancelled", 2000));
	over(w);
	assert_string_equal(w->r.said, "invite+sdp cancelled");
}

static void test_reject(void **state)
{
	static const struct reaction reject[] = {{SIP_EV_INVITE, 0, ACT_REJECT}, {0}};
	struct world *w = *state;

	w->r.reactions = reject;
	say(w, "INVITE", NULL, SDP, rig_offer);
	expect(w, "SIP/2.0 403 Not  you\r\n");
	assert_string_equal(header(w, "X-WA-Error"), "138006");
	assert_string_equal(header(w, "Retry-After"), "7");
	assert_string_equal(header(w, "Reason"), "Q.850;cause=21");
	raw_call_learn(&w->p, &w->c);
	say(w, "ACK", NULL, NULL, NULL);
	over(w);
	assert_string_equal(w->r.said, "invite+sdp");
}

static void test_hang_up_while_ringing(void **state)
{
	static const struct reaction ring[] = {{SIP_EV_INVITE, 0, ACT_RING}, {0}};
	struct world *w = *state;

	w->r.reactions = ring;
	for (int i = 0; i < 2; i++) {
		raw_call_new(&w->c, &w->r, "600");
		say(w, "INVITE", NULL, SDP, rig_offer);
		expect(w, "SIP/2.0 180");
		if (i)
			sip_leg_bye(w->r.stack, w->r.in_leg, 480, 19, "No answer");
		else
			sip_leg_cancel(w->r.stack, w->r.in_leg, 480, 19, "No answer");
		expect(w, i ? "SIP/2.0 480" : "SIP/2.0 487");
		assert_non_null(strstr(w->p.msg, "Q.850;cause=19"));
		raw_call_learn(&w->p, &w->c);
		say(w, "ACK", NULL, NULL, NULL);
	}
	over(w);
}

/* No offer in the INVITE: it is in our 200, the answer in the ACK, told once. */
static void test_offerless(void **state)
{
	static const struct reaction accept[] = {{SIP_EV_INVITE, 0, ACT_ACCEPT}, {0}};
	struct world *w = *state;

	w->r.reactions = accept;
	say(w, "INVITE", NULL, NULL, NULL);
	expect(w, "SIP/2.0 200");
	assert_non_null(strstr(w->p.msg, rig_answer));
	raw_call_learn(&w->p, &w->c);
	say(w, "ACK", NULL, SDP, rig_offer);
	assert_true(rig_until_said(&w->r, "ack+sdp", 2000));
	say(w, "ACK", NULL, SDP, rig_offer);
	rig_run(&w->r, 50);
	assert_string_equal(w->r.said, "invite ack+sdp");
	assert_string_equal(w->r.sdp, rig_offer);
	sip_leg_bye(w->r.stack, w->r.in_leg, 0, 0, NULL);
	expect(w, "BYE ");
	raw_reply(&w->p, w->p.msg, "200 OK", NULL, NULL);
	over(w);
}

static void test_repeated_and_merged(void **state)
{
	static const struct reaction ring[] = {{SIP_EV_INVITE, 0, ACT_RING}, {0}};
	struct world *w = *state;
	char invite[8192];
	int n;

	w->r.reactions = ring;
	for (int i = 0; i < 3; i++) {
		n = snprintf(invite, sizeof(invite),
			"INVITE sip:600@127.0.0.1:%u SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:%u;branch=z9hG4bKm%d\r\n"
			"From: <sip:1@x>;tag=a\r\nTo: <sip:600@x>\r\nCall-ID: merged\r\nCSeq: 1 INVITE\r\n"
			"Contact: <sip:1@127.0.0.1:%u>\r\nContent-Length: 0\r\n\r\n",
			w->r.port, w->p.port, i == 2 ? 2 : 1, w->p.port);
		raw_send(&w->p, w->r.port, invite, (size_t)n);
		expect(w, i == 2 ? "SIP/2.0 482" : "SIP/2.0 180");
	}
	assert_string_equal(w->r.said, "invite");
	assert_int_equal(sip_leg_count(w->r.stack), 1);
	sip_leg_cancel(w->r.stack, w->r.in_leg, 0, 0, NULL);
	over(w);
}

static void test_what_it_says(void **state)
{
	struct world *w = *state;
	char long_user[300];

	raw_call_new(&w->c, &w->r, "%2b44%207700");
	say(w, "INVITE",
		"P-Asserted-Identity: \"Desk <1>\" <sip:+1202@pbx>, <tel:+1202>\r\nX-A: 1\r\nx-b:  two \tparts\r\n"
		"Subject: no\r\nX-C: \xff\xc3\xb6\r\n",
		SDP, rig_offer);
	assert_true(rig_until_said(&w->r, "invite", 2000));
	assert_string_equal(w->r.in_text, "user=+44 7700 host=127.0.0.1 to=+44 7700 from=100 display=An\"n "
					  "fromhost=pbx.example pai=+1202 auth=- X-A=1 x-b=two  parts X-C=?\xc3\xb6");
	sip_leg_cancel(w->r.stack, w->r.in_leg, 0, 0, NULL);
	w->r.said[0] = '\0';
	memset(long_user, '1', sizeof(long_user));
	long_user[200] = '\0';
	raw_call_new(&w->c, &w->r, long_user);
	say(w, "INVITE", NULL, SDP, rig_offer);
	expect(w, "SIP/2.0 414");
	assert_string_equal(w->r.said, "");
	over(w);
}

static void test_not_taken(void **state)
{
	static const struct {
		const char *extra, *type, *body, *status;
	} rows[] = {
		{NULL, "text/plain", "x", "SIP/2.0 415"},
		{NULL, "multipart/mixed;boundary=x", "--x--", "SIP/2.0 415"},
		{NULL, NULL, "v=0", "SIP/2.0 415"},
		{"Content-Encoding: gzip\r\n", SDP, "x", "SIP/2.0 415"},
		{"Require: foo\r\n", SDP, "x", "SIP/2.0 420"},
		{"Replaces: nobody;to-tag=1;from-tag=2\r\n", SDP, "x", "SIP/2.0 481"},
	};
	struct world *w = *state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		raw_call_new(&w->c, &w->r, "600");
		say(w, "INVITE", rows[i].extra, rows[i].type, rows[i].body);
		expect(w, rows[i].status);
		if (i < 4)
			assert_string_equal(header(w, "Accept"), "application/sdp");
		raw_call_learn(&w->p, &w->c);
		say(w, "ACK", NULL, NULL, NULL);
	}
	assert_string_equal(w->r.said, "");
	over(w);
}

static void test_limit(void **state)
{
	struct rig r = {.incoming_max = 2};
	struct raw_peer p;
	struct raw_call c;
	char v[64];

	(void)state;
	rig_open(&r, "");
	raw_open(&p);
	for (int i = 0; i < 3; i++) {
		raw_call_new(&c, &r, "600");
		raw_call_send(&p, &r, &c, "INVITE", NULL, SDP, rig_offer);
		assert_true(raw_expect(&r, &p, i == 2 ? "SIP/2.0 503" : "SIP/2.0 100", 5000));
	}
	assert_string_equal(raw_header(p.msg, "Retry-After", v, sizeof(v)), "5");
	assert_string_equal(r.said, "invite+sdp invite+sdp");
	raw_close(&p);
	rig_close(&r);
}

/* A hosted telephone system sends the rest of the dialog from elsewhere; who only knows the Call-ID gets nothing. */
static void test_dialog_from_elsewhere(void **state)
{
	struct world *w = *state;
	struct raw_peer other;
	struct raw_call guess;

	call_up(w);
	w->r.allow_nobody = true;
	raw_open(&other);
	guess = w->c;
	strcpy(strstr(guess.to, ";tag=") + 5, "wrong");
	raw_call_send(&other, &w->r, &guess, "BYE", NULL, NULL, NULL);
	assert_true(raw_expect(&w->r, &other, "SIP/2.0 481", 5000));
	assert_string_equal(w->r.said, "");
	strcpy(guess.call_id, "x");
	raw_call_send(&other, &w->r, &guess, "BYE", NULL, NULL, NULL);
	assert_true(raw_silent(&w->r, &other, "SIP/2.0", 100));
	raw_call_send(&other, &w->r, &w->c, "BYE", NULL, NULL, NULL);
	assert_true(raw_expect(&w->r, &other, "SIP/2.0 200", 5000));
	assert_string_equal(w->r.said, "bye");
	raw_close(&other);
	over(w);
}

static void test_reinvite_and_update(void **state)
{
	static const struct reaction ok[] = {{SIP_EV_OFFER, 0, ACT_200}, {0}};
	struct world *w = *state;

	call_up(w);
	w->r.reactions = ok;
	w->c.cseq++;
	say(w, "INVITE", NULL, SDP, rig_offer);
	expect(w, "SIP/2.0 200");
	say(w, "ACK", NULL, NULL, NULL);
	say(w, "UPDATE", NULL, SDP, rig_offer);
	expect(w, "SIP/2.0 200");
	assert_non_null(strstr(header(w, "CSeq"), "UPDATE"));
	assert_string_equal(w->r.said, "offer+sdp update+sdp");
	sip_leg_bye(w->r.stack, w->r.in_leg, 0, 0, NULL);
	expect(w, "BYE ");
	raw_reply(&w->p, w->p.msg, "200 OK", NULL, NULL);
	over(w);
}

static void test_info(void **state)
{
	static const struct {
		const char *type, *body, *status;
	} rows[] = {
		{"application/dtmf-relay", "Signal=5\r\nDuration=250\r\n", "SIP/2.0 200"},
		{"application/dtmf-relay", "Signal= 11\nDuration= 90", "SIP/2.0 200"},
		{"application/dtmf", "a", "SIP/2.0 200"},
		{"application/dtmf", "xx", "SIP/2.0 200"},
		{"application/dtmf-relay", "Duration=1", "SIP/2.0 200"},
		{"application/media_control+xml", "<x/>", "SIP/2.0 415"},
		{NULL, NULL, "SIP/2.0 200"},
	};
	struct world *w = *state;
	uint64_t ignored = counter_sum(CNT_SIP_INFO_IGNORED);

	call_up(w);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		say(w, "INFO", NULL, rows[i].type, rows[i].body);
		expect(w, rows[i].status);
		if (i == 0)
			assert_int_equal(w->r.duration_ms, 250);
	}
	assert_string_equal(w->r.digits, "5#A");
	assert_string_equal(w->r.said, "dtmf dtmf dtmf");
	assert_int_equal(counter_sum(CNT_SIP_INFO_IGNORED) - ignored, 3);
}

/* The refresh falls to us (RFC 4028 s9): an UPDATE, not an INVITE. */
static void test_session_timer(void **state)
{
	static const struct reaction accept[] = {{SIP_EV_INVITE, 0, ACT_ACCEPT}, {0}};
	struct world *w = *state;

	w->r.reactions = accept;
	say(w, "INVITE", "Supported: timer\r\nAllow: INVITE, ACK, BYE, UPDATE\r\nSession-Expires: 4;refresher=uas\r\n",
		SDP, rig_offer);
	expect(w, "SIP/2.0 200");
	assert_memory_equal(header(w, "Session-Expires"), "4;refresher=uas", 15);
	raw_call_learn(&w->p, &w->c);
	say(w, "ACK", NULL, NULL, NULL);
	assert_true(raw_expect(&w->r, &w->p, "UPDATE ", 8000));
	raw_reply(&w->p, w->p.msg, "200 OK", "Session-Expires: 4;refresher=uac\r\n", NULL);
	assert_true(rig_until_said(&w->r, "refreshed", 1000));
	sip_leg_bye(w->r.stack, w->r.in_leg, 0, 16, NULL);
	expect(w, "BYE ");
	raw_reply(&w->p, w->p.msg, "200 OK", NULL, NULL);
	over(w);
	assert_string_equal(w->r.said, "invite+sdp refreshed");
}

struct stream {
	int fd;
	char text[8192];
	size_t length;
	const char *want;
};

static bool has_read(void *arg)
{
	struct stream *s = arg;
	ssize_t n = recv(s->fd, s->text + s->length, sizeof(s->text) - 1 - s->length, MSG_DONTWAIT);

	if (n > 0)
		s->length += (size_t)n;
	s->text[s->length] = '\0';
	return strstr(s->text, s->want) != NULL;
}

static void test_tcp(void **state)
{
	struct world *w = *state;
	struct sockaddr_in to = {
		.sin_family = AF_INET, .sin_port = htons(w->r.port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct stream s = {.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), .want = "SIP/2.0 180"};
	static const char invite[] =
		"INVITE sip:600@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/TCP 127.0.0.1:9;branch=z9hG4bKt1\r\n"
		"From: <sip:1@x>;tag=t\r\nTo: <sip:600@x>\r\nCall-ID: tcp-1\r\nCSeq: 1 INVITE\r\n"
		"Contact: <sip:1@127.0.0.1:9;transport=tcp>\r\nContent-Length: 0\r\n\r\n";

	w->r.reactions = (const struct reaction[]){{SIP_EV_INVITE, 0, ACT_RING}, {0}};
	assert_int_equal(connect(s.fd, (struct sockaddr *)&to, sizeof(to)), 0);
	assert_int_equal(send(s.fd, invite, sizeof(invite) - 1, 0), (ssize_t)sizeof(invite) - 1);
	assert_true(rig_until(&w->r, has_read, &s, 5000));
	assert_non_null(strstr(s.text, ";transport=tcp>"));
	/* The connection breaks: the call does not end by that, but whatever we say reaches nobody. */
	close(s.fd);
	rig_run(&w->r, 50);
	assert_string_equal(w->r.said, "invite");
	sip_leg_cancel(w->r.stack, w->r.in_leg, 0, 0, NULL);
	over(w);
}

/* The stack goes down in the middle of everything. */
static void test_free_with_legs(void **state)
{
	struct world *w = *state;

	call_up(w);
	raw_call_new(&w->c, &w->r, "601");
	say(w, "INVITE", NULL, SDP, rig_offer);
	rig_run(&w->r, 20);
	raw_call_new(&w->c, &w->r, "602");
	w->r.reactions = (const struct reaction[]){{SIP_EV_INVITE, 0, ACT_ACCEPT}, {0}};
	say(w, "INVITE", NULL, SDP, rig_offer);
	rig_run(&w->r, 20);
	w->r.reactions = NULL;
	assert_int_equal(sip_leg_count(w->r.stack), 3);
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {T(test_ring_accept_bye), T(test_we_hang_up), T(test_hang_up_before_ack),
		T(test_no_ack), T(test_cancel), T(test_early_bye), T(test_reject), T(test_hang_up_while_ringing),
		T(test_offerless), T(test_repeated_and_merged), T(test_what_it_says), T(test_not_taken),
		cmocka_unit_test(test_limit), T(test_dialog_from_elsewhere), T(test_reinvite_and_update), T(test_info),
		T(test_session_timer), T(test_tcp), T(test_free_with_legs)};

	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
