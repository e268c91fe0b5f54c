/* REFER and its NOTIFYs, Replaces, redirection: what a telephone system asks for within and about calls. */
#include "b2bua/sip/sip.h"
#include "tests/scenario/sip/raw_peer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

static void silent(struct world *w, const char *start, unsigned ms)
{
	assert_true(raw_silent(&w->r, &w->p, start, ms));
}

static const char *header(struct world *w, const char *name)
{
	static char v[1024];

	return raw_header(w->p.msg, name, v, sizeof(v));
}

static void ok(struct world *w, const char *status)
{
	raw_reply(&w->p, w->p.msg, status, NULL, NULL);
}

/* A call of the peer's that is up. */
static void call_up_by(struct world *w, const char *record_route)
{
	static const struct reaction accept[] = {{SIP_EV_INVITE, 0, ACT_ACCEPT}, {0}};

	w->r.reactions = accept;
	raw_call_new(&w->c, &w->r, "600");
	say(w, "INVITE", record_route, SDP, rig_offer);
	expect(w, "SIP/2.0 200");
	raw_call_learn(&w->p, &w->c);
	say(w, "ACK", NULL, NULL, NULL);
	rig_run(&w->r, 20);
	w->r.said[0] = '\0';
	w->r.reactions = NULL;
}

static void call_up(struct world *w)
{
	call_up_by(w, NULL);
}

static void refer(struct world *w, const char *to)
{
	char extra[512];

	(void)snprintf(extra, sizeof(extra), "Refer-To: %s\r\nReferred-By: <sip:100@pbx.example>\r\n", to);
	say(w, "REFER", extra, NULL, NULL);
}

static void over(struct world *w)
{
	assert_int_equal(sip_leg_count(w->r.stack), 0);
	assert_true(rig_until_idle(&w->r, RIG_T1X64_MS + 8000));
}

static void hang_up(struct world *w)
{
	sip_leg_bye(w->r.stack, w->r.in_leg, 0, 16, "Normal");
	expect(w, "BYE ");
	ok(w, "200 OK");
	over(w);
}

static void test_blind(void **state)
{
	struct world *w = *state;

	call_up(w);
	refer(w, "<sip:700@127.0.0.1:5070;transport=tcp>");
	assert_true(rig_until_said(&w->r, "refer", 2000));
	assert_string_equal(w->r.refer_to, "sip:700@127.0.0.1:5070;transport=tcp");
	assert_string_equal(w->r.refer_replaces, "");
	assert_string_equal(w->r.referred_by, "<sip:100@pbx.example>");
	sip_leg_notify(w->r.stack, w->r.in_leg, 100, false); /* not before the answer */
	silent(w, "NOTIFY ", 50);
	sip_leg_refer_respond(w->r.stack, w->r.in_leg, 202);
	expect(w, "SIP/2.0 202");
	sip_leg_notify(w->r.stack, w->r.in_leg, 100, false);
	expect(w, "NOTIFY ");
	assert_memory_equal(header(w, "Event"), "refer", 5);
	assert_memory_equal(header(w, "Subscription-State"), "active", 6);
	assert_non_null(strstr(header(w, "Content-Type"), "message/sipfrag"));
	assert_non_null(strstr(w->p.msg, "\r\n\r\nSIP/2.0 100 Trying\r\n"));
	/* While it is unanswered, of what follows only the newest is kept, and what is final stays. */
	sip_leg_notify(w->r.stack, w->r.in_leg, 180, false);
	sip_leg_notify(w->r.stack, w->r.in_leg, 200, true);
	sip_leg_notify(w->r.stack, w->r.in_leg, 183, false);
	ok(w, "200 OK");
	expect(w, "NOTIFY ");
	assert_memory_equal(header(w, "Subscription-State"), "terminated;reason=noresource", 28);
	assert_non_null(strstr(w->p.msg, "\r\n\r\nSIP/2.0 200 OK\r\n"));
	ok(w, "200 OK");
	sip_leg_notify(w->r.stack, w->r.in_leg, 200, true);
	silent(w, "NOTIFY ", 100);
	/* And once more, on the same leg. */
	refer(w, "<tel:+12025550123;phone-context=x>");
	assert_true(rig_until_said(&w->r, "refer refer", 2000));
	assert_string_equal(w->r.refer_to, "tel:+12025550123;phone-context=x");
	sip_leg_refer_respond(w->r.stack, w->r.in_leg, 603);
	expect(w, "SIP/2.0 603");
	refer(w, "<sip:1@h>");
	assert_true(rig_until_said(&w->r, "refer refer refer", 2000));
	sip_leg_refer_respond(w->r.stack, w->r.in_leg, 202);
	expect(w, "SIP/2.0 202");
	sip_leg_notify(w->r.stack, w->r.in_leg, 486, true);
	expect(w, "NOTIFY ");
	assert_non_null(strstr(w->p.msg, "SIP/2.0 486 Busy Here"));
	ok(w, "200 OK");
	hang_up(w);
}

static void test_attended_and_forms(void **state)
{
	static const struct {
		const char *refer_to, *status, *to, *replaces;
	} rows[] = {
		{"<sip:7@h?Replaces=a%40b%3Bto-tag%3D1%3Bfrom-tag%3D2&X=y>", NULL, "sip:7@h",
			"a@b;to-tag=1;from-tag=2"},
		{"<sip:7@h?x=y&replaces=c%3bto-tag%3d1>", NULL, "sip:7@h", "c;to-tag=1"},
		{"\"Desk\" <sip:7@h;method=INVITE>", NULL, "sip:7@h", ""},
		{"sip:7@h", NULL, "sip:7@h", ""},
		{"<sip:7@h;method=BYE>", "SIP/2.0 400", NULL, NULL},
		{"<sip:7@h?Replaces=a%0d%0aX%3a%20y>", "SIP/2.0 400", NULL, NULL},
		{"<http://h/>", "SIP/2.0 400", NULL, NULL},
		{"<mailto:a@b>", "SIP/2.0 400", NULL, NULL},
		{"<sip:>", "SIP/2.0 400", NULL, NULL},
	};
	struct world *w = *state;

	call_up(w);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		w->r.said[0] = '\0';
		refer(w, rows[i].refer_to);
		if (rows[i].status) {
			expect(w, rows[i].status);
			assert_string_equal(w->r.said, "");
			continue;
		}
		assert_true(rig_until_said(&w->r, "refer", 2000));
		assert_string_equal(w->r.refer_to, rows[i].to);
		assert_string_equal(w->r.refer_replaces, rows[i].replaces);
		sip_leg_refer_respond(w->r.stack, w->r.in_leg, 603);
		expect(w, "SIP/2.0 603");
	}
	say(w, "REFER", NULL, NULL, NULL);
	expect(w, "SIP/2.0 400");
	/* An answer that would end the call, too */
	refer(w, "<sip:1@h>");
	assert_true(rig_until_said(&w->r, "refer", 2000));
	sip_leg_refer_respond(w->r.stack, w->r.in_leg, 404);
	expect(w, "SIP/2.0 603");
	assert_int_equal(sip_leg_count(w->r.stack), 1);
	hang_up(w);
}

static void test_one_at_a_time(void **state)
{
	struct world *w = *state;

	call_up(w);
	refer(w, "<sip:1@h>");
	assert_true(rig_until_said(&w->r, "refer", 2000));
	refer(w, "<sip:2@h>");
	expect(w, "SIP/2.0 491");
	sip_leg_refer_respond(w->r.stack, w->r.in_leg, 202);
	expect(w, "SIP/2.0 202");
	refer(w, "<sip:3@h>");
	expect(w, "SIP/2.0 491");
	sip_leg_notify(w->r.stack, w->r.in_leg, 200, true);
	expect(w, "NOTIFY ");
	refer(w, "<sip:4@h>");
	expect(w, "SIP/2.0 491");
	assert_string_equal(w->r.said, "refer");
	hang_up(w);
}

/* What a peer says to a NOTIFY is no reason to end the call. */
static void test_notify_answers(void **state)
{
	static const char *const answers[] = {
		"481 Gone", "405 No", "501 No", "489 Bad Event", "500 Oops", "408 Timeout", "404 No", "200 OK"};
	struct world *w = *state;

	for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
		call_up(w);
		refer(w, "<sip:1@h>");
		assert_true(rig_until_said(&w->r, "refer", 2000));
		sip_leg_refer_respond(w->r.stack, w->r.in_leg, 202);
		sip_leg_notify(w->r.stack, w->r.in_leg, 180, false);
		expect(w, "NOTIFY ");
		ok(w, answers[i]);
		rig_run(&w->r, 100);
		print_message("%s: said %s, legs %zu\n", answers[i], w->r.said, sip_leg_count(w->r.stack));
		sip_leg_notify(w->r.stack, w->r.in_leg, 200, true);
		rig_run(&w->r, 50);
		while (raw_poll(&w->p))
			if (strncmp(w->p.msg, "SIP/2.0", 7) != 0)
				ok(w, "200 OK");
		if (sip_leg_count(w->r.stack))
			hang_up(w);
		else
			over(w);
	}
}

static bool refer_is_taken(void *arg)
{
	struct world *w = arg;

	return raw_poll(&w->p) && strncmp(w->p.msg, "SIP/2.0 ", 8) == 0 && strstr(w->p.msg, " REFER\r\n");
}

/* A peer that never answers a NOTIFY keeps its call; the story is not told to the end, and another may begin. */
static void test_notify_unanswered(void **state)
{
	struct world *w = *state;

	call_up(w);
	refer(w, "<sip:1@h>");
	assert_true(rig_until_said(&w->r, "refer", 2000));
	sip_leg_refer_respond(w->r.stack, w->r.in_leg, 202);
	expect(w, "SIP/2.0 202");
	sip_leg_notify(w->r.stack, w->r.in_leg, 100, false);
	sip_leg_notify(w->r.stack, w->r.in_leg, 486, true);
	expect(w, "NOTIFY ");
	w->r.reactions = (const struct reaction[]){{SIP_EV_REFER, 0, ACT_REFER_603}, {0}};
	for (int i = 0; i < 40; i++) { /* 491 until the NOTIFY is given up */
		refer(w, "<sip:1@h>");
		assert_true(rig_until(&w->r, refer_is_taken, w, 2000));
		if (strncmp(w->p.msg, "SIP/2.0 603", 11) == 0)
			break;
		assert_null(strstr(w->p.msg, "486 Busy Here"));
		rig_run(&w->r, 200);
	}
	assert_string_equal(w->r.said, "refer refer");
	hang_up(w);
}

struct copies {
	struct raw_peer *p;
	const char *of, *before;
	unsigned count;
};

static bool counted(void *arg)
{
	struct copies *c = arg;

	while (raw_poll(c->p)) {
		if (strncmp(c->p->msg, c->before, strlen(c->before)) == 0)
			return true;
		c->count += strncmp(c->p->msg, c->of, strlen(c->of)) == 0;
	}
	return false;
}

/* How often `of` comes before `before`: time as the peer sees it, whatever the machine does. */
static unsigned copies_before(struct world *w, const char *of, const char *before)
{
	struct copies c = {&w->p, of, before, 0};

	assert_true(rig_until(&w->r, counted, &c, 5000));
	return c.count;
}

/* A peer that never answers a NOTIFY: the BYE does not wait for that. */
static void test_bye_beside_notify(void **state)
{
	struct world *w = *state;
	char cseq[64];

	for (int round = 0; round < 2; round++) {
		call_up(w);
		refer(w, "<sip:1@h>");
		assert_true(rig_until_said(&w->r, "refer", 2000));
		sip_leg_refer_respond(w->r.stack, w->r.in_leg, 202);
		sip_leg_notify(w->r.stack, w->r.in_leg, 100, false);
		expect(w, "NOTIFY ");
		sip_leg_notify(w->r.stack, w->r.in_leg, 200, true);
		sip_leg_bye(w->r.stack, w->r.in_leg, 0, 16, "Normal");
		assert_in_range(
			copies_before(w, "NOTIFY ", "BYE "), 0, 4); /* its 6th is sent when half the time is over */
		assert_non_null(strstr(header(w, "Reason"), "cause=16"));
		assert_string_equal(header(w, "Call-ID"), w->c.call_id);
		assert_string_equal(header(w, "From"), w->c.to);
		assert_non_null(strstr(header(w, "To"), w->c.tag));
		snprintf(cseq, sizeof(cseq), "%s", header(w, "CSeq"));
		ok(w, "200 OK");
		/* The library's own comes after; the dialog is gone by then. */
		if (round == 0) {
			expect(w, "BYE ");
			assert_string_not_equal(header(w, "CSeq"), cseq);
			ok(w, "481 Gone");
		}
		over(w);
		assert_string_equal(w->r.said, "refer");
	}
}

/* The peer hangs up while everything is open. */
static void test_peer_bye_in_transfer(void **state)
{
	struct world *w = *state;

	for (int step = 0; step < 3; step++) {
		call_up(w);
		refer(w, "<sip:1@h>");
		assert_true(rig_until_said(&w->r, "refer", 2000));
		if (step > 0)
			sip_leg_refer_respond(w->r.stack, w->r.in_leg, 202);
		if (step > 1) {
			sip_leg_notify(w->r.stack, w->r.in_leg, 100, false);
			expect(w, "NOTIFY ");
			sip_leg_notify(w->r.stack, w->r.in_leg, 200, true);
		}
		say(w, "BYE", NULL, NULL, NULL);
		expect(w, "SIP/2.0 200");
		assert_true(rig_until_said(&w->r, "bye", 2000));
		sip_leg_refer_respond(w->r.stack, w->r.in_leg, 202);
		sip_leg_notify(w->r.stack, w->r.in_leg, 200, true);
		over(w);
	}
}

/* A NOTIFY waits while an INVITE of the peer's has no ACK. */
static void test_notify_waits_for_ack(void **state)
{
	struct world *w = *state;

	call_up(w);
	refer(w, "<sip:1@h>");
	assert_true(rig_until_said(&w->r, "refer", 2000));
	sip_leg_refer_respond(w->r.stack, w->r.in_leg, 202);
	expect(w, "SIP/2.0 202");
	w->c.cseq++;
	say(w, "INVITE", NULL, SDP, rig_offer);
	assert_true(rig_until_said(&w->r, "offer", 2000));
	sip_leg_notify(w->r.stack, w->r.in_leg, 100, false);
	silent(w, "NOTIFY ", 50);
	sip_leg_respond(w->r.stack, w->r.in_leg, 200, rig_answer);
	expect(w, "SIP/2.0 200");
	silent(w, "NOTIFY ", 50);
	say(w, "ACK", NULL, NULL, NULL);
	expect(w, "NOTIFY ");
	ok(w, "200 OK");
	hang_up(w);
}

/* On a leg that we called. */
static void test_refer_of_callee(void **state)
{
	struct world *w = *state;

	assert_int_equal(rig_invite(&w->r, w->p.port, "udp"), 0);
	expect(w, "INVITE ");
	raw_reply(&w->p, w->p.msg, "200 OK", NULL, rig_answer);
	expect(w, "ACK ");
	raw_request(&w->p, "REFER", 10, "Refer-To: <sip:1@h>\r\n", NULL, NULL);
	assert_true(rig_until_said(&w->r, "refer", 2000));
	sip_leg_refer_respond(w->r.stack, w->r.leg, 202);
	expect(w, "SIP/2.0 202");
	assert_non_null(strstr(header(w, "Contact"), "sip:watrunk@"));
	sip_leg_notify(w->r.stack, w->r.leg, 100, false);
	expect(w, "NOTIFY ");
	assert_non_null(strstr(header(w, "Contact"), "sip:watrunk@"));
	sip_leg_bye(w->r.stack, w->r.leg, 0, 16, NULL);
	assert_true(raw_expect(&w->r, &w->p, "BYE ", RIG_T1X64_MS / 4));
	ok(w, "200 OK");
	over(w);
}

static void test_refer_too_early(void **state)
{
	struct world *w = *state;

	assert_int_equal(rig_invite(&w->r, w->p.port, "udp"), 0);
	expect(w, "INVITE ");
	raw_reply(&w->p, w->p.msg, "180 Ringing", NULL, NULL);
	assert_true(rig_until_said(&w->r, "progress", 2000));
	raw_request(&w->p, "REFER", 10, "Refer-To: <sip:1@h>\r\n", NULL, NULL);
	expect(w, "SIP/2.0 4");
	assert_string_equal(w->r.said, "progress/180");
	sip_leg_cancel(w->r.stack, w->r.leg, 0, 0, NULL);
	expect(w, "CANCEL ");
	ok(w, "200 OK");
	raw_reply(&w->p, w->p.invite, "487 Cancelled", NULL, NULL);
	over(w);
}

static void test_replaces_in(void **state)
{
	struct world *w = *state;
	struct raw_call first;
	uint64_t leg;
	char extra[512], our_tag[128];

	call_up(w);
	first = w->c;
	leg = w->r.in_leg;
	snprintf(our_tag, sizeof(our_tag), "%s", strstr(first.to, ";tag=") + 5);
	raw_call_new(&w->c, &w->r, "601");
	snprintf(extra, sizeof(extra), "Require: replaces\r\nReplaces: %s;to-tag=%s;from-tag=%s;early-only\r\n",
		first.call_id, our_tag, first.tag);
	say(w, "INVITE", extra, SDP, rig_offer);
	expect(w, "SIP/2.0 486");
	raw_call_new(&w->c, &w->r, "601");
	snprintf(extra, sizeof(extra), "Require: replaces\r\nReplaces: %s;to-tag=%s;from-tag=%s\r\n", first.call_id,
		our_tag, "wrong");
	say(w, "INVITE", extra, SDP, rig_offer);
	expect(w, "SIP/2.0 481");
	raw_call_new(&w->c, &w->r, "601");
	snprintf(extra, sizeof(extra), "Require: replaces\r\nReplaces: %s;to-tag=%s;from-tag=%s\r\n", first.call_id,
		our_tag, first.tag);
	say(w, "INVITE", extra, SDP, rig_offer);
	assert_true(rig_until_said(&w->r, "invite", 2000));
	assert_true(w->r.replaces_leg == leg);
	assert_true(w->r.in_leg != leg);
	sip_leg_accept(w->r.stack, w->r.in_leg, rig_answer);
	sip_leg_bye(w->r.stack, leg, 0, 0, NULL);
	expect(w, "SIP/2.0 200");
	raw_call_learn(&w->p, &w->c);
	say(w, "ACK", NULL, NULL, NULL);
	rig_run(&w->r, 20);
	assert_int_equal(sip_leg_count(w->r.stack), 1);
	/* It is over now: there is nothing to replace. */
	first = w->c;
	hang_up(w);
}

static void test_transfer_headers_out(void **state)
{
	static const struct {
		const char *referred_by, *replaces;
		int result;
	} rows[] = {{"<sip:100@pbx.example>;x=1", "a@b;to-tag=1;from-tag=2", 0}, {"", "", 0}, {NULL, NULL, 0},
		{"<sip:1@h>", NULL, 0}, {NULL, "a;to-tag=1;from-tag=2\r\nX: y", -22}, {"\r\nX: y", NULL, -22},
		{NULL, ";;", -22}, {NULL, "a@b;to-tag=1", -22}};
	struct world *w = *state;
	char uri[64];

	(void)snprintf(uri, sizeof(uri), "sip:600@127.0.0.1:%u", w->p.port);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct sip_invite invite = {.target_uri = uri,
			.from_user = "1",
			.sdp = rig_offer,
			.leg_arg = &w->r,
			.referred_by = rows[i].referred_by,
			.replaces = rows[i].replaces};
		int r = sip_leg_invite(w->r.stack, &invite, &w->r.leg);
		if (r != rows[i].result)
			fail_msg("row %zu: %d", i, r);
		if (r)
			continue;
		expect(w, "INVITE ");
		assert_string_equal(header(w, "Referred-By"), rows[i].referred_by ? rows[i].referred_by : "");
		assert_string_equal(header(w, "Replaces"), rows[i].replaces ? rows[i].replaces : "");
		if (i == 0)
			assert_string_equal(header(w, "Require"), "replaces");
		ok(w, "486 Busy");
		expect(w, "ACK ");
	}
	over(w);
}

static void test_redirected(void **state)
{
	static const struct {
		const char *status, *extra, *contact;
		unsigned retry_after_s;
	} rows[] = {
		{"302 Moved", "Contact: <tel:+1>, \"x\" <sip:700@h:5070;transport=tcp>;q=0.5\r\n", "", 0},
		{"301 Moved", "", "", 0},
		{"503 Down", "Retry-After: 17\r\n", "", 17},
		{"503 Down", "Retry-After: 17 (soon);duration=5\r\n", "", 17},
		{"486 Busy", "", "", 0},
	};
	struct world *w = *state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		w->r.said[0] = '\0';
		assert_int_equal(rig_invite(&w->r, w->p.port, "udp"), 0);
		expect(w, "INVITE ");
		raw_reply(&w->p, w->p.msg, rows[i].status, rows[i].extra, NULL);
		assert_true(rig_until_said(&w->r, "refused", 2000));
		assert_int_equal(w->r.retry_after_s, rows[i].retry_after_s);
		if (rows[i].status[0] == '3')
			assert_memory_equal(w->r.contact, "sip:raw@127.0.0.1:", 18); /* the first that can be called */
		else
			assert_string_equal(w->r.contact, "");
	}
	over(w);
}

/* Record-Route: the BYE beside the queue takes the same way. */
static void test_route_of_bye(void **state)
{
	struct world *w = *state;
	struct raw_peer proxy;
	char route[160], want[128], v[256];

	raw_open(&proxy);
	(void)snprintf(want, sizeof(want), "<sip:127.0.0.1:%u;lr;x=9>", proxy.port);
	(void)snprintf(route, sizeof(route), "Record-Route: %s\r\n", want);
	call_up_by(w, route);
	refer(w, "<sip:1@h>");
	assert_true(rig_until_said(&w->r, "refer", 2000));
	sip_leg_refer_respond(w->r.stack, w->r.in_leg, 202);
	sip_leg_notify(w->r.stack, w->r.in_leg, 100, false);
	assert_true(raw_expect(&w->r, &proxy, "NOTIFY ", 5000));
	sip_leg_bye(w->r.stack, w->r.in_leg, 0, 16, NULL);
	assert_true(raw_expect(&w->r, &proxy, "BYE sip:100@127.0.0.1:", RIG_T1X64_MS / 4));
	assert_string_equal(raw_header(proxy.msg, "Route", v, sizeof(v)), want);
	raw_reply(&proxy, proxy.msg, "200 OK", NULL, NULL);
	raw_close(&proxy);
	over(w);
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {T(test_blind), T(test_attended_and_forms), T(test_one_at_a_time),
		T(test_notify_answers), T(test_notify_unanswered), T(test_bye_beside_notify),
		T(test_peer_bye_in_transfer), T(test_notify_waits_for_ack), T(test_refer_of_callee),
		T(test_refer_too_early), T(test_replaces_in), T(test_transfer_headers_out), T(test_redirected),
		T(test_route_of_bye)};

	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
