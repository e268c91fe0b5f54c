#include "media/rtp/rtp_end.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>

/* SDP said .7:4000. Hosts: 7 the PBX, 8 its other face, 66 and 67 strangers. */
struct step {
	const char *what;
	unsigned at_ms;
	const char *from;
	uint32_t ssrc;
	uint16_t seq;
	bool taken, moved;
	const char *then_to;
	enum rtp_end_trust trust;
};

/* It is where its SDP says, but for the port. */
static const struct step at_home[] = {
	{"first packet from another port", 0, "192.0.2.7:4400", 1, 100, true, true, "192.0.2.7:4400"},
	{"stranger", 20, "192.0.2.66:9", 5, 1, false, false, "192.0.2.7:4400"},
	{"stranger, again and again", 25, "192.0.2.66:9", 5, 2, false, false, "192.0.2.7:4400"},
	{"stranger, again and again", 29, "192.0.2.66:9", 5, 3, false, false, "192.0.2.7:4400"},
	{"stranger with our SSRC, wrong sequence", 30, "192.0.2.66:9", 1, 30000, false, false, "192.0.2.7:4400"},
	{"somebody else on its host", 35, "192.0.2.7:9999", 9, 1, false, false, "192.0.2.7:4400"},
	{"the peer goes on", 40, "192.0.2.7:4400", 1, 101, true, false, "192.0.2.7:4400"},
	{"its NAT moves it: same SSRC, next number", 60, "192.0.2.8:5000", 1, 102, true, true, "192.0.2.8:5000"},
	{"from the signalled address after all", 80, "192.0.2.7:4000", 2, 7, true, true, "192.0.2.7:4000"},
	{"the other one again, other SSRC", 100, "192.0.2.8:5000", 1, 103, false, false, "192.0.2.7:4000"},
	{"too soon to take over, even on its host", 1900, "192.0.2.7:6000", 6, 1, false, false, "192.0.2.7:4000"},
	{"silent for two seconds: its host may", 2080, "192.0.2.7:6000", 9, 1, true, true, "192.0.2.7:6000"},
	{"a pause of half a minute: no stranger", 32000, "192.0.2.66:9", 7, 1, false, false, "192.0.2.7:6000"},
	{"nor a stream of his", 32020, "192.0.2.66:9", 7, 2, false, false, "192.0.2.7:6000"},
	{"nor one of an unknown payload type from where it may", 32030, "192.0.2.7:4000", 7, 2, false, false,
		"192.0.2.7:6000", RTP_END_STRANGE},
	{"the peer speaks again", 32040, "192.0.2.7:6000", 9, 2, true, false, "192.0.2.7:6000"},
	{"with whatever payload type", 32060, "192.0.2.7:6000", 9, 3, true, false, "192.0.2.7:6000", RTP_END_STRANGE},
};

/* It is behind a NAT that its SDP knows nothing of. */
static const struct step behind_nat[] = {
	{"a stray packet", 0, "198.51.100.9:7", 1, 1, false, false, "192.0.2.7:4000"},
	{"first packet", 10, "198.51.100.1:7000", 3, 100, false, false, "192.0.2.7:4000"},
	{"a stray packet between", 15, "198.51.100.9:7", 1, 3, false, false, "192.0.2.7:4000"},
	{"another SSRC", 20, "198.51.100.9:7", 2, 4, false, false, "192.0.2.7:4000"},
	{"begins again", 30, "198.51.100.1:7000", 3, 101, false, false, "192.0.2.7:4000"},
	{"second in a row", 50, "198.51.100.1:7000", 3, 102, true, true, "198.51.100.1:7000"},
	{"stranger", 60, "198.51.100.9:7", 2, 5, false, false, "198.51.100.1:7000"},
	{"stranger", 61, "198.51.100.9:7", 2, 6, false, false, "198.51.100.1:7000"},
	{"a pause of three seconds is not enough", 3100, "198.51.100.9:7", 2, 7, false, false, "198.51.100.1:7000"},
	{"nor the second", 3110, "198.51.100.9:7", 2, 8, false, false, "198.51.100.1:7000"},
	{"for another port of the same NAT it is", 3120, "198.51.100.1:7100", 8, 1, true, true, "198.51.100.1:7100"},
	{"ten seconds", 13130, "203.0.113.1:80", 9, 8, false, false, "198.51.100.1:7100"},
	{"ten seconds, and the second", 13150, "203.0.113.1:80", 9, 9, true, true, "203.0.113.1:80"},
	{"the host of the SDP is stronger", 13160, "192.0.2.7:4321", 10, 1, true, true, "192.0.2.7:4321"},
	{"than where it had been", 13170, "203.0.113.1:80", 9, 10, false, false, "192.0.2.7:4321"},
};

/* Somebody is there first, on a port that the peer will use in 30 s. */
static const struct step too_early[] = {
	{"a thief", 0, "203.0.113.66:1", 1, 1, false, false, "192.0.2.7:4000"},
	{"is believed", 20, "203.0.113.66:1", 1, 2, true, true, "203.0.113.66:1"},
	{"until the peer comes", 30000, "192.0.2.7:4000", 2, 1, true, true, "192.0.2.7:4000"},
	{"and never again", 30020, "203.0.113.66:1", 1, 3, false, false, "192.0.2.7:4000"},
	{"never", 90000, "203.0.113.66:1", 1, 4, false, false, "192.0.2.7:4000"},
	{"ever", 90020, "203.0.113.66:1", 1, 5, false, false, "192.0.2.7:4000"},
};

/* SRTP: what is authentic is the peer, wherever it is. */
static const struct step authentic[] = {
	{"first packet", 0, "203.0.113.5:1", 1, 1, true, true, "203.0.113.5:1", RTP_END_AUTHENTIC},
	{"elsewhere", 20, "203.0.113.6:1", 7, 1, true, true, "203.0.113.6:1", RTP_END_AUTHENTIC},
};

static struct addr address(const char *text)
{
	struct addr a;
	assert_int_equal(addr_parse(text, &a), 0);
	return a;
}

static void start(struct rtp_end *e, bool rtcp)
{
	const struct rtp_stream_conf conf = {.clock_hz = 8000, .ssrc = 3, .cname = "x", .random_seed = 1};
	struct addr a = address("192.0.2.7:4000"), b = {0};
	if (rtcp)
		b = address("192.0.2.7:4001");
	rtp_end_init(e, &conf);
	assert_null(rtp_end_rtp_to(e));
	rtp_end_set_remote(e, &a, &b);
}

static void assert_to(const struct addr *a, const char *text)
{
	char got[ADDR_TEXT_MAX];
	assert_non_null(a);
	assert_string_equal(addr_format(a, got, sizeof(got)), text);
}

static unsigned walk(const struct step *steps, size_t count)
{
	struct rtp_end e;
	start(&e, false);
	assert_to(rtp_end_rtp_to(&e), "192.0.2.7:4000");
	for (size_t i = 0; i < count; i++) {
		const struct rtp_hdr h = {.ssrc = steps[i].ssrc, .seq = steps[i].seq};
		struct addr from = address(steps[i].from);
		uint64_t now_us = 1000000 + steps[i].at_ms * 1000ull;
		bool moved, is_new;
		if (rtp_end_accept(&e, &h, &from, steps[i].trust, now_us, &moved) != steps[i].taken ||
			moved != steps[i].moved)
			fail_msg("%s (%u ms)", steps[i].what, steps[i].at_ms);
		if (steps[i].taken)
			rtp_stream_received(&e.stream, &h, true, now_us, &is_new);
		assert_to(rtp_end_rtp_to(&e), steps[i].then_to);
	}
	return (unsigned)e.wrong_source;
}

#define WALK(table) walk(table, sizeof(table) / sizeof((table)[0]))

static void test_latch_tables(void **state)
{
	(void)state;
	assert_int_equal(WALK(at_home), 10);
	assert_int_equal(WALK(behind_nat), 11);
	assert_int_equal(WALK(too_early), 4);
	assert_int_equal(WALK(authentic), 0);
}

static void test_new_sdp_opens_the_latch(void **state)
{
	(void)state;
	struct rtp_end e;
	bool moved;
	const struct rtp_hdr h = {.ssrc = 1, .seq = 1};
	struct addr nat = address("192.0.2.7:4400"), same = address("192.0.2.7:4000"),
		    other = address("192.0.2.9:6000"), none = {0};
	start(&e, false);
	assert_true(rtp_end_accept(&e, &h, &nat, RTP_END_PLAIN, 1000000, &moved));
	rtp_end_set_remote(&e, &same, &none); /* session refresh: the same SDP again */
	assert_to(rtp_end_rtp_to(&e), "192.0.2.7:4400");
	rtp_end_set_remote(&e, &other, &none);
	assert_to(rtp_end_rtp_to(&e), "192.0.2.9:6000");
	assert_true(rtp_end_accept(&e, &h, &other, RTP_END_PLAIN, 1010000, &moved));
	assert_false(moved);
}

static void test_rtcp(void **state)
{
	(void)state;
	struct rtp_end e;
	struct addr to, nat_rtp = address("198.51.100.1:7000"), nat_rtcp = address("198.51.100.1:7777"),
			stranger = address("203.0.113.9:7001");
	const struct rtp_hdr h = {.ssrc = 1, .seq = 1};
	bool moved;
	start(&e, false);
	assert_null(rtp_end_rtcp_to(&e, &to)); /* not signalled: none is sent */
	start(&e, true);
	assert_to(rtp_end_rtcp_to(&e, &to), "192.0.2.7:4001");
	assert_true(rtp_end_accept(&e, &h, &nat_rtp, RTP_END_AUTHENTIC, 1000000, &moved));
	assert_to(rtp_end_rtcp_to(&e, &to), "198.51.100.1:7001");
	assert_false(rtp_end_accept_rtcp(&e, &stranger));
	assert_true(rtp_end_accept_rtcp(&e, &nat_rtcp));
	assert_to(rtp_end_rtcp_to(&e, &to), "198.51.100.1:7777");
}

static bool takes(struct rtp_end *e, const char *from, uint32_t ssrc, uint16_t seq, uint64_t at_ms)
{
	const struct rtp_hdr h = {.ssrc = ssrc, .seq = seq};
	struct addr a = address(from);
	bool moved, is_new;
	if (!rtp_end_accept(e, &h, &a, RTP_END_PLAIN, 1000000 + at_ms * 1000, &moved))
		return false;
	rtp_stream_received(&e->stream, &h, true, 1000000 + at_ms * 1000, &is_new);
	return true;
}

static void set_peer(struct rtp_end *e, const char *rtp, bool another)
{
	struct addr a = address(rtp), rtcp = a;
	addr_set_port(&rtcp, (uint16_t)(addr_port(&a) + 1));
	if (another)
		rtp_end_set_new_peer(e, &a, &rtcp);
	else
		rtp_end_set_remote(e, &a, &rtcp);
}

static void test_another_peer(void **state)
{
	(void)state;
	struct rtp_end e;
	struct addr rtcp = address("192.0.2.7:4001");
	start(&e, true);
	assert_true(takes(&e, "192.0.2.7:4400", 1, 100, 0)); /* behind a NAT */
	set_peer(&e, "192.0.2.9:6000", true);
	assert_false(e.stream.has_peer);
	assert_to(rtp_end_rtp_to(&e), "192.0.2.9:6000");
	assert_false(takes(&e, "192.0.2.7:4400", 1, 101, 20));
	assert_false(takes(&e, "192.0.2.7:4000", 1, 101, 20));
	assert_false(takes(&e, "192.0.2.7:4400", 1, 300, 60000)); /* nor ever */
	assert_false(rtp_end_accept_rtcp(&e, &rtcp));
	assert_int_equal(e.wrong_source, 4);
	assert_true(takes(&e, "192.0.2.9:7000", 1, 5, 60020)); /* the latch is open again */
	assert_to(rtp_end_rtp_to(&e), "192.0.2.9:7000");
	/* the same one, on another port: a re-INVITE */
	set_peer(&e, "192.0.2.9:6002", false);
	assert_false(takes(&e, "192.0.2.7:4400", 1, 102, 60040));
	/* back to the first, who is still where its NAT put it */
	set_peer(&e, "192.0.2.7:4000", true);
	assert_true(takes(&e, "192.0.2.7:4400", 1, 103, 60060));
	assert_false(takes(&e, "192.0.2.9:6002", 1, 6, 60080));
	/* on hold without an address, and another one in the same place */
	rtp_end_set_new_peer(&e, &(struct addr){0}, &(struct addr){0});
	assert_null(rtp_end_rtp_to(&e));
	set_peer(&e, "192.0.2.7:4000", true);
	assert_true(takes(&e, "192.0.2.7:4000", 8, 103, 60100));
}

static void test_many_peers(void **state)
{
	(void)state;
	struct rtp_end e;
	char text[32];
	start(&e, true);
	for (int i = 0; i < 20; i++) {
		snprintf(text, sizeof(text), "192.0.2.%d:6000", 10 + i);
		set_peer(&e, text, true);
		assert_true(takes(&e, text, 1, 7, (uint64_t)i));
	}
	for (int i = 15; i < 19; i++) { /* the last few are remembered */
		snprintf(text, sizeof(text), "192.0.2.%d:6000", 10 + i);
		assert_false(takes(&e, text, 1, 8, 100000));
	}
	assert_int_equal(e.stream.ssrc_changes, 19);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_latch_tables),
		cmocka_unit_test(test_another_peer),
		cmocka_unit_test(test_many_peers),
		cmocka_unit_test(test_new_sdp_opens_the_latch),
		cmocka_unit_test(test_rtcp),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
