/* Digest users: who may call in from anywhere, by a password. The peers here compute their responses with the module's
 * own functions, which the unit test holds against the RFCs' examples. */
#include "b2bua/sip/digest.h"
#include "lib/base/counter.h"
#include "lib/base/str.h"
#include "tests/scenario/sip/raw_peer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define SDP "application/sdp"

static const struct sip_user users[] = {{"desk1", "s3cret"}, {"desk2", "other"}};
static const struct reaction accept_all[] = {{SIP_EV_INVITE, 0, ACT_ACCEPT}, {0}};
static const struct reaction ring_all[] = {{SIP_EV_INVITE, 0, ACT_RING}, {0}};

struct world {
	struct rig r;
	struct raw_peer p;
	struct raw_call c;
	char nonce[128];
};

static int open_world(void **state, bool drop)
{
	struct world *w = calloc(1, sizeof(*w));

	w->r.users = users;
	w->r.user_count = 2;
	w->r.allow_nobody = true;
	w->r.drop_strangers = drop;
	w->r.reactions = accept_all;
	rig_open(&w->r, "");
	raw_open(&w->p);
	raw_call_new(&w->c, &w->r, "600");
	*state = w;
	return 0;
}

static int setup(void **state)
{
	return open_world(state, false);
}

static int setup_drop(void **state)
{
	return open_world(state, true);
}

static int teardown(void **state)
{
	struct world *w = *state;

	raw_close(&w->p);
	rig_close(&w->r);
	free(w);
	return 0;
}

static void say(struct world *w, const char *method, const char *extra, const char *body)
{
	raw_call_send(&w->p, &w->r, &w->c, method, extra, body ? SDP : NULL, body);
}

static void expect(struct world *w, const char *start)
{
	if (!raw_expect(&w->r, &w->p, start, 5000))
		fail_msg("%s did not come; said: %s", start, w->r.said);
}

/* The ACK to a refusal: in the transaction of the INVITE, with its To. */
static void ack_refusal(struct world *w)
{
	char to[256];

	memcpy(to, w->c.to, sizeof(to));
	raw_call_learn(&w->p, &w->c);
	say(w, "ACK", NULL, NULL);
	memcpy(w->c.to, to, sizeof(to));
}

static void take_nonce(struct world *w)
{
	char v[1024];
	const char *at = strstr(raw_header(w->p.msg, "WWW-Authenticate", v, sizeof(v)), "nonce=\"");

	assert_non_null(at);
	str_copy_n(w->nonce, sizeof(w->nonce), at + 7, strcspn(at + 7, "\""));
}

static void challenged(struct world *w)
{
	say(w, "INVITE", NULL, rig_offer);
	expect(w, "SIP/2.0 401");
	take_nonce(w);
	ack_refusal(w);
	w->c.cseq++;
}

/* INVITE with the response of this user and password. */
static void prove(struct world *w, enum digest_algorithm a, const char *user, const char *password, const char *nc,
	const char *uri)
{
	struct digest_credentials c = {.username = user,
		.realm = "trunk.example",
		.nonce = w->nonce,
		.uri = uri ? uri : w->c.target,
		.cnonce = "0a4f113b",
		.qop = nc ? "auth" : NULL,
		.nc = nc};
	char ha1[DIGEST_HEX_MAX], response[DIGEST_HEX_MAX], line[1024], count[64] = "";

	digest_ha1(a, user, c.realm, password, ha1);
	digest_response(a, ha1, "INVITE", &c, response);
	if (nc)
		snprintf(count, sizeof(count), ", qop=auth, nc=%s, cnonce=\"%s\"", nc, c.cnonce);
	snprintf(line, sizeof(line),
		"Authorization: Digest username=\"%s\", realm=\"%s\", nonce=\"%s\", uri=\"%s\", response=\"%s\", "
		"algorithm=%s%s\r\n",
		user, c.realm, c.nonce, c.uri, response, a == DIGEST_MD5 ? "MD5" : "SHA-256", count);
	say(w, "INVITE", line, rig_offer);
}

static void assert_in(struct world *w, const char *user)
{
	char want[64];

	expect(w, "SIP/2.0 200");
	snprintf(want, sizeof(want), "auth=%s", user);
	assert_non_null(strstr(w->r.in_text, want));
	raw_call_learn(&w->p, &w->c);
	say(w, "ACK", NULL, NULL);
	say(w, "BYE", NULL, NULL);
	expect(w, "SIP/2.0 200");
	assert_true(rig_until_said(&w->r, "bye", 2000));
	raw_call_new(&w->c, &w->r, "600");
}

static void assert_out(struct world *w, bool stale)
{
	char v[1024];

	expect(w, "SIP/2.0 401");
	assert_int_equal(strstr(raw_header(w->p.msg, "WWW-Authenticate", v, sizeof(v)), "stale=true") != NULL, stale);
	ack_refusal(w);
	raw_call_new(&w->c, &w->r, "600");
}

static void test_both_algorithms(void **state)
{
	struct world *w = *state;
	const char *first, *second;

	say(w, "INVITE", NULL, rig_offer);
	expect(w, "SIP/2.0 401");
	first = strstr(w->p.msg, "WWW-Authenticate: Digest realm=\"trunk.example\"");
	assert_non_null(first);
	second = strstr(first + 1, "WWW-Authenticate: Digest ");
	assert_non_null(second);
	assert_non_null(strstr(first, "algorithm=MD5, qop=\"auth\""));
	assert_non_null(strstr(second, "algorithm=SHA-256, qop=\"auth\""));
	take_nonce(w);
	ack_refusal(w);
	w->c.cseq++;
	prove(w, DIGEST_MD5, "desk1", "s3cret", "00000001", NULL);
	assert_in(w, "desk1");
	challenged(w);
	prove(w, DIGEST_SHA256, "desk2", "other", "00000001", NULL);
	assert_in(w, "desk2");
	challenged(w);
	prove(w, DIGEST_MD5, "desk1", "s3cret", NULL, NULL); /* as before RFC 2617 */
	assert_in(w, "desk1");
	assert_int_equal(sip_leg_count(w->r.stack), 0);
}

static void test_wrong(void **state)
{
	struct world *w = *state;
	uint64_t failed = counter_sum(CNT_SIP_AUTH_FAILED);

	challenged(w);
	prove(w, DIGEST_MD5, "desk1", "wrong", "00000001", NULL);
	assert_out(w, false);
	prove(w, DIGEST_MD5, "nobody", "s3cret", "00000001", NULL);
	assert_out(w, false);
	prove(w, DIGEST_SHA256, "desk1", "other", "00000001", NULL);
	assert_out(w, false);
	prove(w, DIGEST_MD5, "desk1", "s3cret", "00000001", "sip:900@127.0.0.1"); /* proved for another number */
	assert_out(w, false);
	say(w, "INVITE", "Authorization: Digest username=\"desk1\", realm=\"trunk.example\"\r\n", rig_offer);
	assert_out(w, false);
	assert_int_equal(counter_sum(CNT_SIP_AUTH_FAILED) - failed, 5);
	say(w, "INVITE", "Authorization: Basic QWxhZGRpbg==\r\n", rig_offer);
	assert_out(w, false);
	say(w, "INVITE", "Authorization: Digest realm=\"elsewhere\", username=\"x\"\r\n", rig_offer);
	assert_out(w, false);
	assert_int_equal(counter_sum(CNT_SIP_AUTH_FAILED) - failed, 5);
	assert_string_equal(w->r.said, "");
}

/* A recorded INVITE is worth nothing. */
static void test_replay(void **state)
{
	struct world *w = *state;

	challenged(w);
	prove(w, DIGEST_MD5, "desk1", "s3cret", "00000001", NULL);
	assert_in(w, "desk1");
	prove(w, DIGEST_MD5, "desk1", "s3cret", "00000001", NULL);
	assert_out(w, true);
	prove(w, DIGEST_MD5, "desk1", "s3cret", "00000002", NULL);
	assert_in(w, "desk1");
	w->nonce[3] ^= 1; /* a nonce that we did not make */
	prove(w, DIGEST_MD5, "desk1", "s3cret", "00000003", NULL);
	assert_out(w, true);
}

/* CANCEL cannot be challenged; it is the user's because it fits. */
static void test_cancel(void **state)
{
	struct world *w = *state;

	challenged(w);
	w->r.reactions = ring_all;
	prove(w, DIGEST_MD5, "desk1", "s3cret", "00000001", NULL);
	expect(w, "SIP/2.0 180");
	say(w, "CANCEL", NULL, NULL);
	expect(w, "SIP/2.0 487");
	assert_true(rig_until_said(&w->r, "cancelled", 2000));
}

/* With drop_strangers too: an INVITE has to be answered, all else is silence. */
static void test_drop_strangers(void **state)
{
	static const char *const methods[] = {"OPTIONS", "REGISTER", "BYE", "CANCEL", "REFER", "SUBSCRIBE", "ACK"};
	struct world *w = *state;

	for (unsigned i = 0; i < sizeof(methods) / sizeof(methods[0]); i++)
		raw_send_new(&w->p, w->r.port, methods[i], i, "Refer-To: <sip:1@h>\r\n");
	assert_true(raw_silent(&w->r, &w->p, "SIP/2.0", 100));
	challenged(w);
	prove(w, DIGEST_SHA256, "desk1", "s3cret", "00000001", NULL);
	assert_in(w, "desk1");
}

/* Guessing is rationed; who knows a password gets in meanwhile. */
static void test_flood(void **state)
{
	struct world *w = *state;
	struct raw_peer guesser;
	unsigned answers = 0;

	challenged(w);
	raw_open(&guesser);
	for (unsigned i = 0; i < 300; i++) {
		raw_send_new(&guesser, w->r.port, "INVITE", i,
			"Authorization: Digest username=\"desk1\", realm=\"trunk.example\", nonce=\"x\", "
			"uri=\"sip:600@x\", "
			"response=\"0\"\r\n");
		rig_run(&w->r, 0);
	}
	prove(w, DIGEST_MD5, "desk1", "s3cret", "00000001", NULL);
	assert_in(w, "desk1");
	while (raw_poll(&guesser))
		answers += strncmp(guesser.msg, "SIP/2.0 401", 11) == 0;
	print_message("%u of 300 were answered\n", answers);
	assert_in_range(answers, 5, 200);
	raw_close(&guesser);
}

static void test_bad_users(void **state)
{
	static const struct {
		struct sip_user user;
		const char *realm;
	} rows[] = {{{"", "x"}, "r"}, {{"x", ""}, "r"}, {{NULL, "x"}, "r"}, {{"x", NULL}, "r"}, {{"x", "y"}, "a\"b"}};
	struct digest *d;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_true(digest_new(rows[i].realm, &rows[i].user, 1, &d) < 0);
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {T(test_both_algorithms), T(test_wrong), T(test_replay), T(test_cancel),
		cmocka_unit_test_setup_teardown(test_drop_strangers, setup_drop, teardown), T(test_flood),
		cmocka_unit_test(test_bad_users)};

	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
