/* The ICE agent against hand-made messages: what it answers, what it ignores, whom it nominates. */
#include "media/webrtc/ice.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

#define US(ms) ((uint64_t)(ms)*1000)

static struct {
	unsigned count;
	uint8_t bytes[STUN_MESSAGE_MAX];
	size_t length;
	struct addr to;
	struct stun_msg m;
} sent;

static void on_send(void *arg, const void *bytes, size_t length, const struct addr *to)
{
	(void)arg;
	sent.count++;
	memcpy(sent.bytes, bytes, length);
	sent.length = length;
	sent.to = *to;
	assert_int_equal(stun_decode(sent.bytes, length, &sent.m), 0);
	assert_true(sent.m.has_fingerprint);
}

static struct rng rng;
static struct ice ice;
static struct media_wa_remote remote;
static struct addr peer, other;

#define OUR_PWD  "OurPwd0123456789abcdefgh"
#define PEER_PWD "c3ludGhldGljLXB3ZC0wMQ=="

static void setup(bool lite, bool start)
{
	struct ice_conf conf = {.ufrag = "OurU", .pwd = OUR_PWD, .lite = lite, .rng = &rng, .send = on_send};

	rng_init(&rng, 42);
	memset(&sent, 0, sizeof(sent));
	memset(&remote, 0, sizeof(remote));
	strcpy(remote.ufrag, "Meta/Ufrag");
	strcpy(remote.pwd, PEER_PWD);
	assert_int_equal(addr_parse("203.0.113.20:3484", &peer), 0);
	assert_int_equal(addr_parse("203.0.113.21:3484", &other), 0);
	remote.candidate_count = 1;
	remote.candidates[0].addr = peer;
	remote.candidates[0].priority = 2122260223;
	ice_init(&ice, &conf);
	if (start)
		assert_int_equal(ice_start(&ice, &remote, US(1000)), 0);
}

struct request {
	const char *username_remote, *username_local, *pwd;
	bool controlling, controlled, use_candidate, unknown;
	uint64_t tie_breaker;
};

static void request(const struct request *q, const struct addr *from, uint64_t now_us)
{
	static const uint8_t txid[STUN_TXID_BYTES] = "abcdefghijkl";
	uint8_t b[STUN_MESSAGE_MAX];
	struct wr w = wr_init(b, sizeof(b));
	int n;

	stun_begin(&w, STUN_REQUEST, txid);
	if (q->username_remote)
		stun_put_username(&w, q->username_remote, q->username_local);
	stun_put_priority(&w, 1234567);
	if (q->controlling || q->controlled)
		stun_put_role(&w, q->controlling, q->tie_breaker);
	if (q->use_candidate)
		stun_put_use_candidate(&w);
	if (q->unknown)
		wr_u32(&w, 0x70010000);
	n = stun_finish(&w, q->pwd, q->pwd ? strlen(q->pwd) : 0);
	assert_true(n > 0);
	ice_input(&ice, b, (size_t)n, from, now_us);
}

static void respond(
	enum stun_class class, enum stun_error_code code, const char *pwd, const struct addr *from, uint64_t now_us)
{
	uint8_t b[STUN_MESSAGE_MAX];
	struct wr w = wr_init(b, sizeof(b));
	int n;

	stun_begin(&w, class, sent.m.txid);
	if (class == STUN_SUCCESS)
		stun_put_mapped(&w, from);
	else
		stun_put_error(&w, code);
	n = stun_finish(&w, pwd, pwd ? strlen(pwd) : 0);
	ice_input(&ice, b, (size_t)n, from, now_us);
}

/* What a check looks like on the wire: reference for interop. */
static void our_check(void **state)
{
	(void)state;
	setup(false, true);
	assert_int_equal(sent.count, 1);
	assert_true(addr_equal(&sent.to, &peer));
	assert_int_equal(sent.m.class, STUN_REQUEST);
	assert_int_equal(sent.m.username_length, 15);
	assert_memory_equal(sent.m.username, "Meta/Ufrag:OurU", 15);
	assert_true(sent.m.has_controlling && !sent.m.use_candidate);
	assert_true(sent.m.priority == ICE_PRIORITY_PRFLX);
	assert_true(stun_check_integrity(&sent.m, sent.bytes, PEER_PWD, strlen(PEER_PWD)));
	assert_true(ice_deadline(&ice) == US(1050));
}

static void regular_nomination(void **state)
{
	uint8_t first[STUN_TXID_BYTES];

	(void)state;
	setup(false, true);
	memcpy(first, sent.m.txid, sizeof(first));
	ice_tick(&ice, US(1050));
	assert_int_equal(sent.count, 2);
	assert_memory_equal(first, sent.m.txid, sizeof(first)); /* a repetition, not a new transaction */
	respond(STUN_SUCCESS, 0, PEER_PWD, &peer, US(1060));
	assert_int_equal(ice.state, ICE_CHECKING);
	assert_int_equal(sent.count, 3);
	assert_true(sent.m.use_candidate && memcmp(first, sent.m.txid, sizeof(first)) != 0);
	respond(STUN_SUCCESS, 0, PEER_PWD, &peer, US(1070));
	assert_int_equal(ice.state, ICE_NOMINATED);
	assert_true(addr_equal(&ice.nominated, &peer));
	assert_true(ice_rtt_ms(&ice) == 10);
	assert_true(ice_knows(&ice, &peer) && !ice_knows(&ice, &other));
}

static void responses_that_do_not_count(void **state)
{
	(void)state;
	setup(false, true);
	respond(STUN_SUCCESS, 0, NULL, &peer, US(1010));      /* not authenticated */
	respond(STUN_SUCCESS, 0, OUR_PWD, &peer, US(1010));   /* by the wrong password */
	respond(STUN_SUCCESS, 0, PEER_PWD, &other, US(1010)); /* from elsewhere */
	respond(STUN_ERROR, STUN_ROLE_CONFLICT, NULL, &peer, US(1010));
	sent.m.txid[3] ^= 1;
	respond(STUN_SUCCESS, 0, PEER_PWD, &peer, US(1010)); /* to something never asked */
	assert_int_equal(sent.count, 1);
	assert_true(ice.controlling && ice.state == ICE_CHECKING && ice.pairs[0].state == PAIR_CHECKING);
	assert_false(ice_knows(&ice, &peer));
}

static void errors_delay_but_do_not_end(void **state)
{
	uint8_t first[STUN_TXID_BYTES];
	uint64_t tie_breaker;

	(void)state;
	setup(false, true);
	memcpy(first, sent.m.txid, sizeof(first));
	respond(STUN_ERROR, STUN_UNAUTHENTICATED, PEER_PWD, &peer, US(1010));
	assert_int_equal(sent.count, 1);
	ice_tick(&ice, US(1050));
	assert_memory_not_equal(first, sent.m.txid, sizeof(first));
	/* 487 from a full agent turns us round, at once */
	tie_breaker = ice.tie_breaker;
	respond(STUN_ERROR, STUN_ROLE_CONFLICT, PEER_PWD, &peer, US(1060));
	assert_true(!ice.controlling && sent.count == 3 && sent.m.has_controlled && ice.tie_breaker != tie_breaker);
	respond(STUN_ERROR, STUN_ROLE_CONFLICT, PEER_PWD, &peer, US(1070));
	assert_true(ice.controlling && sent.m.has_controlling);
	/* a lite one cannot control: we stay */
	setup(false, false);
	remote.ice_lite = true;
	assert_int_equal(ice_start(&ice, &remote, US(1000)), 0);
	respond(STUN_ERROR, STUN_ROLE_CONFLICT, PEER_PWD, &peer, US(1060));
	assert_true(ice.controlling);
}

static void requests_table(void **state)
{
	static const struct {
		const char *why;
		struct request q;
		unsigned answers;
		uint16_t error; /* 0: success */
	} rows[] = {
		{"good", {"OurU", "Meta/Ufrag", OUR_PWD, false, true}, 1, 0},
		{"no role: answered all the same", {"OurU", "Meta/Ufrag", OUR_PWD}, 1, 0},
		{"their name is not theirs", {"OurU", "Someone", OUR_PWD, false, true}, 0, 0},
		{"our name is longer", {"OurU2", "Meta/Ufrag", OUR_PWD, false, true}, 0, 0},
		{"our name is shorter", {"Our", "U:Meta/Ufrag", OUR_PWD, false, true}, 0, 0},
		{"no name", {NULL, NULL, OUR_PWD, false, true}, 0, 0},
		{"no integrity", {"OurU", "Meta/Ufrag", NULL, false, true}, 0, 0},
		{"their own password", {"OurU", "Meta/Ufrag", PEER_PWD, false, true}, 0, 0},
		{"unknown attribute", {"OurU", "Meta/Ufrag", OUR_PWD, false, true, false, true}, 1,
			STUN_UNKNOWN_ATTRIBUTE},
		{"controls too, smaller number", {"OurU", "Meta/Ufrag", OUR_PWD, true, false, false, false, 0}, 1,
			STUN_ROLE_CONFLICT},
		{"controls too, greater number", {"OurU", "Meta/Ufrag", OUR_PWD, true, false, false, false, UINT64_MAX},
			1, 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		unsigned before;

		setup(false, true);
		before = sent.count;
		request(&rows[i].q, &peer, US(1001));
		if (rows[i].q.tie_breaker == UINT64_MAX) { /* turned round: a check in the new role went out first */
			assert_int_equal(sent.count, before + 2);
			assert_false(ice.controlling);
		} else {
			if (sent.count != before + rows[i].answers)
				print_message("%s\n", rows[i].why);
			assert_int_equal(sent.count, before + rows[i].answers);
		}
		if (rows[i].answers && sent.m.class != STUN_REQUEST) {
			assert_int_equal(sent.m.error_code, rows[i].error);
			assert_true(stun_check_integrity(&sent.m, sent.bytes, OUR_PWD, strlen(OUR_PWD)));
			assert_true(rows[i].error || addr_equal(&sent.m.mapped, &peer));
		}
		assert_true(ice_knows(&ice, &peer) == (rows[i].answers && !rows[i].error));
	}
}

static void lite_takes_the_first_nomination(void **state)
{
	static const struct request check = {"OurU", "Meta/Ufrag", OUR_PWD, true},
				    nominate = {"OurU", "Meta/Ufrag", OUR_PWD, true, false, true},
				    wrong_role = {"OurU", "Meta/Ufrag", OUR_PWD, false, true, true, false, 1};

	(void)state;
	setup(true, true);
	assert_int_equal(sent.count, 0);       /* it asks nothing */
	request(&wrong_role, &peer, US(1001)); /* beside a lite end the other must control */
	assert_int_equal(sent.m.error_code, STUN_ROLE_CONFLICT);
	request(&check, &other, US(1002));
	assert_int_equal(sent.m.class, STUN_SUCCESS);
	assert_int_equal(ice.state, ICE_CHECKING);
	request(&nominate, &peer, US(1003));
	assert_int_equal(ice.state, ICE_NOMINATED);
	assert_true(addr_equal(&ice.nominated, &peer));
	assert_true(ice_deadline(&ice) == UINT64_MAX);
	sent.count = 0;
	request(&nominate, &peer, US(1004)); /* repeated: answered again */
	assert_int_equal(sent.count, 1);
	request(&nominate, &other, US(1005)); /* the pair stands */
	assert_int_equal(sent.count, 1);
	assert_true(addr_equal(&ice.nominated, &peer));
	ice_tick(&ice, US(100000));
	assert_int_equal(ice.state, ICE_NOMINATED);
}

/* The peer's checks may be here before our own side knows its description. */
static void requests_before_start(void **state)
{
	static const struct request nominate = {"OurU", "Whoever", OUR_PWD, true, false, true};
	static const struct request real = {"OurU", "Meta/Ufrag", OUR_PWD, true, false, true};

	(void)state;
	setup(true, false);
	request(&nominate, &peer, US(900));
	assert_int_equal(sent.count, 1);
	assert_int_equal(ice.state, ICE_NEW);
	assert_int_equal(ice_start(&ice, &remote, US(1000)), 0);
	assert_int_equal(ice.state, ICE_NOMINATED);
	setup(false, false);
	request(&real, &other, US(900)); /* both control: no answer can settle it before we know who is lite */
	assert_int_equal(ice_start(&ice, &remote, US(1000)), 0);
	assert_int_equal(ice.state, ICE_CHECKING);
}

static void peer_reflexive_candidates_are_bounded(void **state)
{
	static const struct request check = {"OurU", "Meta/Ufrag", OUR_PWD, false, true};
	struct addr from = other;

	(void)state;
	setup(false, true);
	for (uint16_t port = 1000; port < 1100; port++) {
		addr_set_port(&from, port);
		request(&check, &from, US(1001));
		assert_int_equal(sent.m.class, STUN_SUCCESS); /* answered, even when it finds no place */
	}
	assert_int_equal(ice.pair_count, ICE_PAIRS_MAX);
}

static void better_pair_wins_if_it_answers_in_time(void **state)
{
	uint8_t txid[2][STUN_TXID_BYTES];

	(void)state;
	setup(false, false);
	remote.candidates[1].addr = other;
	remote.candidates[1].priority = remote.candidates[0].priority + 1000;
	remote.candidate_count = 2;
	assert_int_equal(ice_start(&ice, &remote, US(1000)), 0);
	memcpy(txid[0], sent.m.txid, STUN_TXID_BYTES);
	assert_true(ice_deadline(&ice) == US(1005)); /* paced */
	ice_tick(&ice, US(1005));
	memcpy(txid[1], sent.m.txid, STUN_TXID_BYTES);
	assert_true(addr_equal(&sent.to, &other));
	memcpy(sent.m.txid, txid[0], STUN_TXID_BYTES);
	respond(STUN_SUCCESS, 0, PEER_PWD, &peer, US(1020));
	assert_int_equal(sent.count, 2); /* waits for the better one */
	memcpy(sent.m.txid, txid[1], STUN_TXID_BYTES);
	respond(STUN_SUCCESS, 0, PEER_PWD, &other, US(1040));
	assert_int_equal(sent.count, 3);
	assert_true(sent.m.use_candidate && addr_equal(&sent.to, &other));
	/* while that is on its way nothing is due before its repetition */
	assert_true(ice_deadline(&ice) == US(1090));
}

static void times_out(void **state)
{
	(void)state;
	for (int lite = 0; lite < 2; lite++) {
		uint64_t now_us = US(1000);
		setup(lite, true);
		while (ice.state == ICE_CHECKING) {
			now_us = ice_deadline(&ice);
			ice_tick(&ice, now_us);
		}
		assert_int_equal(ice.state, ICE_FAILED);
		assert_int_equal(ice.failure, MEDIA_FAIL_ICE);
		assert_true(now_us == US(1000 + ICE_TIMEOUT_MS));
		assert_true(lite ? sent.count == 0 : sent.count > 140 && sent.count < 170);
		assert_true(ice_deadline(&ice) == UINT64_MAX);
		request(&(struct request){"OurU", "Meta/Ufrag", OUR_PWD}, &peer, now_us);
		ice_tick(&ice, now_us);
		assert_int_equal(ice.state, ICE_FAILED);
	}
}

static void refused_starts(void **state)
{
	(void)state;
	setup(false, false);
	remote.ufrag[0] = 0;
	assert_int_equal(ice_start(&ice, &remote, US(1000)), -EINVAL);
	strcpy(remote.ufrag, "Meta/Ufrag");
	remote.candidate_count = 0;
	assert_int_equal(ice_start(&ice, &remote, US(1000)), -EINVAL);
	remote.candidate_count = 1;
	addr_set_port(&remote.candidates[0].addr, 0);
	assert_int_equal(ice_start(&ice, &remote, US(1000)), -EINVAL);
	remote.candidates[0].addr = peer;
	assert_int_equal(ice_start(&ice, &remote, US(1000)), 0);
	assert_int_equal(ice_start(&ice, &remote, US(1000)), -EALREADY);
}

/* RFC 8445 s6.1.2.3: 2^32 * MIN(G, D) + 2 * MAX(G, D) + (G > D) */
static void pair_priority(void **state)
{
	(void)state;
	assert_true(ice_pair_priority(3, 5) == (UINT64_C(3) << 32) + 10);
	assert_true(ice_pair_priority(5, 3) == (UINT64_C(3) << 32) + 11);
	assert_true(
		ice_pair_priority(UINT32_MAX, UINT32_MAX) == (UINT64_C(0xffffffff) << 32) + 2 * UINT64_C(0xffffffff));
}

/* The longest names that RFC 8445 s5.3 allows, both ways. */
static void longest_credentials(void **state)
{
	char ufrag[MEDIA_UFRAG_MAX], pwd[MEDIA_PWD_MAX];
	struct ice_conf conf = {.ufrag = ufrag, .pwd = pwd, .rng = &rng, .send = on_send};

	(void)state;
	setup(false, false);
	memset(ufrag, 'u', sizeof(ufrag));
	memset(pwd, 'p', sizeof(pwd));
	ufrag[sizeof(ufrag) - 1] = pwd[sizeof(pwd) - 1] = 0;
	strcpy(remote.ufrag, ufrag);
	strcpy(remote.pwd, pwd);
	ice_init(&ice, &conf);
	assert_int_equal(ice_start(&ice, &remote, US(1000)), 0);
	assert_int_equal(sent.m.username_length, 513);
	assert_true(stun_check_integrity(&sent.m, sent.bytes, pwd, strlen(pwd)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(our_check),
		cmocka_unit_test(regular_nomination),
		cmocka_unit_test(responses_that_do_not_count),
		cmocka_unit_test(errors_delay_but_do_not_end),
		cmocka_unit_test(requests_table),
		cmocka_unit_test(lite_takes_the_first_nomination),
		cmocka_unit_test(requests_before_start),
		cmocka_unit_test(peer_reflexive_candidates_are_bounded),
		cmocka_unit_test(better_pair_wins_if_it_answers_in_time),
		cmocka_unit_test(times_out),
		cmocka_unit_test(refused_starts),
		cmocka_unit_test(pair_priority),
		cmocka_unit_test(longest_credentials),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
