/* Two ends, one link, virtual time: what a call's set-up does on good, bad and hostile networks. */
#include "media/webrtc/demux.h"
#include "tests/support/oom.h"
#include "tests/unit/media/webrtc/link.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static struct link link_;

static uint64_t ms_of(uint64_t at_us)
{
	return (at_us - 1000000) / 1000;
}

static void set_dtls_client(struct link *l, int side)
{
	l->side[side].remote.we_are_dtls_client = true;
	l->side[!side].remote.we_are_dtls_client = false;
}

/* 20 ms one way: ICE takes two round trips, DTLS two more. Not a millisecond beyond. */
static void comes_up_in_four_round_trips(void **state)
{
	struct link *l = &link_;

	(void)state;
	for (int client = OUR; client <= PEER; client++) {
		link_init(l, 1);
		set_dtls_client(l, client);
		link_open(l);
		assert_int_equal(webrtc_end_send_rtp(l->side[OUR].end, (uint8_t[64]){0x80}, 20, 64), -ENOTCONN);
		assert_true(link_run(l, 1000, link_both_up));
		assert_int_equal(ms_of(l->side[OUR].nominated_us), 80);
		assert_true(link_now_ms(l) <= 180);
		assert_true(webrtc_end_rtt_ms(l->side[OUR].end) == 40);
		l->media = true;
		l->media_us = l->now_us;
		link_run(l, link_now_ms(l) + 2020, NULL);
		assert_int_equal(l->side[OUR].rtp_tx, 101);
		assert_int_equal(l->side[OUR].rtp_rx, 100);
		assert_int_equal(l->side[PEER].rtp_rx, 100);
		link_done(l);
	}
}

static void both_back_ends_talk_to_each_other(void **state)
{
	struct link *l = &link_;

	(void)state;
	link_init(l, 1);
	l->side[PEER].conf.srtp_backend = SRTP_BACKEND_LIBSRTP;
	link_open(l);
	assert_true(link_run(l, 1000, link_both_up));
	for (int i = 0; i < 50; i++) {
		uint8_t rtcp[64] = {0x80, 200, 0, 6, 1};
		link_send_rtp(l, i & 1);
		assert_int_equal(webrtc_end_send_rtcp(l->side[i & 1].end, rtcp, 28, sizeof(rtcp)), 0);
	}
	link_run(l, 2000, NULL);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(l->side[i].rtp_rx, 25);
		assert_int_equal(l->side[i].rtcp_rx, 25);
	}
	link_done(l);
}

/* Loss, jitter (reordering) and duplicates in both directions. Every run must come up; most of them soon. */
static void comes_up_over_bad_links(void **state)
{
	static const struct {
		unsigned loss, duplicates, jitter_ms, median_ms, worst_ms;
	} rows[] = {
		{0, 0, 30, 300, 600},
		{5, 5, 10, 300, 1500},
		{10, 10, 30, 400, 3000},
		{20, 0, 30, 600, 6000},
		{30, 10, 50, 1000, 12000},
	};
	struct link *l = &link_;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		unsigned slow = 0;
		for (uint64_t seed = 1; seed <= 40; seed++) {
			link_init(l, seed * 100 + i);
			l->loss_percent = rows[i].loss;
			l->duplicate_percent = rows[i].duplicates;
			l->jitter_ms = rows[i].jitter_ms;
			set_dtls_client(l, (int)(seed & 1));
			l->media = true;
			l->media_us = l->now_us;
			link_open(l);
			if (!link_run(l, rows[i].worst_ms, link_both_up))
				fail_msg("loss %u %%, seed %u: not up", rows[i].loss, (unsigned)seed);
			slow += link_now_ms(l) > rows[i].median_ms;
			l->side[OUR].rtp_tx = l->side[OUR].rtp_rx = l->side[PEER].rtp_tx = l->side[PEER].rtp_rx = 0;
			link_run(l, link_now_ms(l) + 1000, NULL);
			assert_true(l->side[OUR].rtp_rx >= 50 * (95 - rows[i].loss - 20) / 100);
			assert_true(l->side[PEER].rtp_rx >= 50 * (95 - rows[i].loss - 20) / 100);
			assert_true(l->side[PEER].rtp_rx <= l->side[OUR].rtp_tx + 10);
			link_done(l);
		}
		assert_true(slow <= 20);
	}
}

static bool drop_first_dtls(struct link *l, int from, const uint8_t *bytes, size_t length)
{
	(void)from;
	return demux(bytes, length) != DEMUX_DTLS || l->filter_count++ != 0;
}

static void lost_client_hello_costs_100_ms(void **state)
{
	struct link *l = &link_;

	(void)state;
	for (int client = OUR; client <= PEER; client++) {
		uint64_t clean_ms;
		link_init(l, 3);
		set_dtls_client(l, client);
		link_open(l);
		assert_true(link_run(l, 1000, link_both_up));
		clean_ms = link_now_ms(l);
		link_done(l);
		link_init(l, 3);
		set_dtls_client(l, client);
		l->filter = drop_first_dtls;
		link_open(l);
		assert_true(link_run(l, 1000, link_both_up));
		assert_int_equal(link_now_ms(l), clean_ms + 100);
		link_done(l);
	}
}

static bool peer_deaf_for_3_s(struct link *l, int from, const uint8_t *bytes, size_t length)
{
	(void)bytes;
	(void)length;
	return from != OUR || link_now_ms(l) >= 3000;
}

/* Meta's relay ignores checks until it has processed our SDP. */
static void peer_that_ignores_checks_for_3_s(void **state)
{
	struct link *l = &link_;

	(void)state;
	link_init(l, 4);
	l->filter = peer_deaf_for_3_s;
	link_open(l);
	assert_true(link_run(l, 5000, link_both_up));
	assert_true(ms_of(l->side[OUR].nominated_us) <= 3000 + 100 + 80);
	assert_true(link_now_ms(l) <= 3000 + 100 + 180);
	assert_true(l->side[OUR].sent_stun >= 30 && l->side[OUR].sent_stun <= 62);
	link_done(l);
}

static void wrong_credentials_never_connect(void **state)
{
	struct link *l = &link_;

	(void)state;
	for (int variant = 0; variant < 3; variant++) {
		link_init(l, 5);
		switch (variant) { /* what one side has is not what the other was told */
		case 0: l->side[PEER].conf.pwd[5] ^= 1; break;
		case 1: l->side[PEER].conf.ufrag[5] ^= 1; break;
		default: l->side[OUR].conf.ufrag[2] ^= 1; break;
		}
		link_open(l);
		assert_true(link_run(l, 20000, link_both_failed));
		assert_int_equal(l->side[OUR].failure, MEDIA_FAIL_ICE);
		assert_int_equal(l->side[PEER].failure, MEDIA_FAIL_ICE);
		assert_int_equal(ms_of(l->side[OUR].failed_us), 15000);
		assert_false(l->side[OUR].connected);
		assert_true(webrtc_end_deadline(l->side[OUR].end) == UINT64_MAX);
		link_done(l);
	}
}

static void wrong_fingerprint_is_refused(void **state)
{
	struct link *l = &link_;

	(void)state;
	for (int variant = 0; variant < 4; variant++) {
		int client = variant & 1, deceived = variant >> 1;
		link_init(l, 6);
		set_dtls_client(l, client);
		l->side[deceived].remote.fingerprint[31] ^= 1;
		link_open(l);
		assert_true(link_run(l, 2000, link_both_failed)); /* the other one learns it by alert, not by waiting */
		assert_int_equal(l->side[OUR].failure, MEDIA_FAIL_DTLS);
		assert_int_equal(l->side[PEER].failure, MEDIA_FAIL_DTLS);
		assert_true(l->side[deceived].up_us == 0);
		link_done(l);
	}
}

static bool drop_everything(struct link *l, int from, const uint8_t *bytes, size_t length)
{
	(void)l;
	(void)from;
	(void)bytes;
	(void)length;
	return false;
}

static void consent_expires_30_s_after_the_last_answer(void **state)
{
	struct link *l = &link_;

	(void)state;
	link_init(l, 7);
	link_open(l);
	assert_true(link_run(l, 1000, link_both_up));
	link_run(l, 60000, NULL);
	assert_false(link_any_failed(l));
	l->filter = drop_everything;
	assert_true(link_run(l, 120000, link_any_failed));
	assert_int_equal(l->side[OUR].failure, MEDIA_FAIL_CONSENT);
	assert_true(link_now_ms(l) >= 84000 && link_now_ms(l) <= 90100);
	assert_int_equal(webrtc_end_send_rtp(l->side[OUR].end, (uint8_t[64]){0x80}, 20, 64), -ENOTCONN);
	link_done(l);
}

static bool drop_our_checks(struct link *l, int from, const uint8_t *bytes, size_t length)
{
	(void)l;
	return !(from == OUR && length && bytes[0] < 4); /* RFC 7983: 0..3 is STUN */
}

/* Meta does not say that its relay answers checks in mid-call: media that passes authentication is consent enough. */
static void media_without_answered_checks_keeps_the_call(void **state)
{
	struct link *l = &link_;

	(void)state;
	link_init(l, 9);
	l->media = true;
	link_open(l);
	assert_true(link_run(l, 1000, link_both_up));
	l->filter = drop_our_checks;
	link_run(l, 120000, NULL);
	assert_false(link_any_failed(l));
	l->media = false;
	assert_true(link_run(l, 180000, link_any_failed));
	assert_int_equal(l->side[OUR].failure, MEDIA_FAIL_CONSENT);
	assert_true(link_now_ms(l) >= 149000 && link_now_ms(l) <= 151000);
	link_done(l);
}

static void consent_holds_for_an_hour(void **state)
{
	struct link *l = &link_;
	unsigned before;

	(void)state;
	link_init(l, 8);
	l->loss_percent = 10;
	link_open(l);
	assert_true(link_run(l, 5000, link_both_up));
	before = l->side[OUR].sent_stun;
	link_run(l, 3605000, NULL);
	assert_false(link_any_failed(l));
	before = l->side[OUR].sent_stun - before;
	assert_true(before >= 3600 / 6 && before <= 3600 / 4 + 2);
	assert_true(webrtc_end_rtt_ms(l->side[OUR].end) == 40);
	link_done(l);
}

/* Both full agents, both controlling: the one with the smaller tie-breaker gives way. */
static void role_conflict_is_settled(void **state)
{
	struct link *l = &link_;

	(void)state;
	for (uint64_t seed = 1; seed <= 20; seed++) {
		link_init(l, seed);
		l->side[PEER].conf.ice_lite = false;
		l->side[OUR].remote.ice_lite = false;
		l->loss_percent = seed > 10 ? 20 : 0;
		l->jitter_ms = seed > 5 ? 20 : 0;
		link_open(l);
		assert_true(link_run(l, 10000, link_both_up));
		l->loss_percent = 0;
		link_run(l, link_now_ms(l) + 40000, NULL); /* consent works in both roles */
		assert_false(link_any_failed(l));
		link_done(l);
	}
}

/* We know no address that works, the peer knows ours: its check shows us where it is. */
static void peer_reflexive_candidate(void **state)
{
	struct link *l = &link_;

	(void)state;
	link_init(l, 9);
	l->side[PEER].conf.ice_lite = false;
	l->side[OUR].remote.ice_lite = false;
	assert_int_equal(addr_parse("198.51.100.99:9", &l->side[OUR].remote.candidates[0].addr), 0);
	link_open(l);
	assert_true(link_run(l, 2000, link_both_up));
	link_done(l);
}

static void ipv6_candidates_are_skipped(void **state)
{
	struct link *l = &link_;
	struct media_wa_remote *r = &l->side[OUR].remote;

	(void)state;
	link_init(l, 10);
	r->candidates[1] = r->candidates[0];
	r->candidate_count = 2;
	assert_int_equal(addr_parse("[2001:db8:20::1]:3484", &r->candidates[0].addr), 0);
	r->candidates[0].priority = 2122262783;
	link_open(l);
	assert_true(link_run(l, 1000, link_both_up));
	assert_int_equal(ms_of(l->side[OUR].nominated_us), 80); /* nobody waited for the better one */
	link_done(l);
	link_init(l, 10);
	assert_int_equal(addr_parse("[2001:db8:20::1]:3484", &r->candidates[0].addr), 0);
	assert_int_equal(webrtc_end_new(&l->side[OUR].conf, &l->side[OUR].end), 0);
	assert_int_equal(webrtc_end_start(l->side[OUR].end, r, l->now_us), -EINVAL);
	r->candidates[0].addr = l->side[PEER].addr;
	assert_int_equal(webrtc_end_start(l->side[OUR].end, r, l->now_us), 0); /* a refused start may be made good */
	assert_int_equal(webrtc_end_start(l->side[OUR].end, r, l->now_us), -EALREADY);
	link_done(l);
}

/* A better candidate that never answers costs the settling time, no more. */
static void unreachable_better_candidate(void **state)
{
	struct link *l = &link_;
	struct media_wa_remote *r = &l->side[OUR].remote;

	(void)state;
	link_init(l, 11);
	r->candidates[1] = r->candidates[0];
	r->candidate_count = 2;
	assert_int_equal(addr_parse("198.51.100.99:3484", &r->candidates[0].addr), 0);
	r->candidates[0].priority = 2122262783;
	link_open(l);
	assert_true(link_run(l, 1000, link_both_up));
	assert_int_equal(ms_of(l->side[OUR].nominated_us), 5 + 40 + 100 + 40);
	link_done(l);
}

static bool drop_second_stun_answer_once(struct link *l, int from, const uint8_t *bytes, size_t length)
{
	return from != PEER || demux(bytes, length) != DEMUX_STUN || ++l->filter_count != 2;
}

/* The peer is DTLS client and starts as soon as our USE-CANDIDATE reaches it; its answer to that is lost. */
static void client_hello_before_nomination_is_kept(void **state)
{
	struct link *l = &link_;

	(void)state;
	link_init(l, 12);
	set_dtls_client(l, PEER);
	l->filter = drop_second_stun_answer_once;
	link_open(l);
	assert_true(link_run(l, 1000, link_both_up));
	assert_int_equal(l->side[PEER].sent_dtls, 2); /* ClientHello, once, and the second flight */
	link_done(l);
}

static void garbage_flood_changes_nothing(void **state)
{
	struct link *l = &link_;
	struct rng rng;
	uint8_t bytes[256];

	(void)state;
	rng_init(&rng, 99);
	link_init(l, 13);
	for (unsigned i = 0; i < 3000; i++) {
		struct addr from;
		size_t n = rng_below(&rng, sizeof(bytes) + 1);
		uint64_t at_us = l->now_us + rng_below(&rng, 400000);
		int to = (int)rng_below(&rng, 2);

		rng_bytes(&rng, bytes, n);
		if (n > 20 && i % 3 == 0) { /* plausible at first sight */
			static const uint8_t heads[][4] = {{0x00, 0x01, 0, 0}, {0x01, 0x01, 0, 0}, {22, 0xfe, 0xfd, 0},
				{0x80, 111, 0, 0}, {0x80, 200, 0, 6}};
			n &= ~(size_t)3;
			memcpy(bytes, heads[rng_below(&rng, 5)], 4);
			if (bytes[0] < 2) {
				bytes[3] = (uint8_t)(n - 20);
				memcpy(bytes + 4, "\x21\x12\xa4\x42", 4);
			}
		}
		/* Anyone may send anything; from the peer's own address it comes too, except plain DTLS handshake
		 * records: whoever can forge those there can break any DTLS handshake. */
		from = l->side[!to].addr;
		if (i % 2 || demux(bytes, n) == DEMUX_DTLS)
			addr_set_port(&from, (uint16_t)(1024 + rng_below(&rng, 60000)));
		link_inject(l, to, &from, bytes, n, at_us);
	}
	l->media = true;
	l->media_us = l->now_us;
	link_open(l);
	assert_true(link_run(l, 1000, link_both_up));
	assert_true(link_now_ms(l) <= 200);
	link_run(l, 3000, NULL);
	assert_false(link_any_failed(l));
	assert_true(l->side[OUR].rtp_rx >= 135 && l->side[PEER].rtp_rx >= 135);
	link_done(l);
}

static void every_packet_twice(void **state)
{
	struct link *l = &link_;

	(void)state;
	link_init(l, 14);
	l->duplicate_percent = 100;
	l->jitter_ms = 5;
	link_open(l);
	assert_true(link_run(l, 1000, link_both_up));
	for (int i = 0; i < 100; i++)
		link_send_rtp(l, i & 1);
	link_run(l, 2000, NULL);
	assert_int_equal(l->side[OUR].rtp_rx, 50);
	assert_int_equal(l->side[PEER].rtp_rx, 50);
	link_done(l);
}

static struct {
	uint8_t bytes[64][LINK_PACKET_MAX];
	size_t length[64], count;
} tape;

static bool record_rtp(struct link *l, int from, const uint8_t *bytes, size_t length)
{
	(void)l;
	if (from == PEER && demux(bytes, length) == DEMUX_RTP && tape.count < 64) {
		memcpy(tape.bytes[tape.count], bytes, length);
		tape.length[tape.count++] = length;
	}
	return true;
}

static void replayed_and_foreign_media_is_dropped(void **state)
{
	struct link *l = &link_;
	struct addr elsewhere;

	(void)state;
	link_init(l, 15);
	tape.count = 0;
	l->filter = record_rtp;
	link_open(l);
	assert_true(link_run(l, 1000, link_both_up));
	for (int i = 0; i < 30; i++)
		link_send_rtp(l, PEER);
	link_run(l, 1500, NULL);
	assert_int_equal(l->side[OUR].rtp_rx, 30);
	for (size_t i = 0; i < tape.count; i++)
		link_inject(l, OUR, &l->side[PEER].addr, tape.bytes[i], tape.length[i], l->now_us + i);
	link_run(l, 2000, NULL);
	assert_int_equal(l->side[OUR].rtp_rx, 30);
	/* fresh and authentic, but from another address */
	l->filter = drop_everything;
	tape.count = 0;
	link_send_rtp(l, PEER);
	l->filter = record_rtp;
	link_send_rtp(l, PEER);
	assert_int_equal(addr_parse("198.51.100.99:9", &elsewhere), 0);
	l->queue[0].from = elsewhere;
	link_run(l, 2500, NULL);
	assert_int_equal(l->side[OUR].rtp_rx, 30);
	link_inject(l, OUR, &l->side[PEER].addr, tape.bytes[0], tape.length[0], l->now_us);
	link_run(l, 3000, NULL);
	assert_int_equal(l->side[OUR].rtp_rx, 31);
	link_done(l);
}

static void input_from_connected_socket_needs_no_address(void **state)
{
	struct link *l = &link_;

	(void)state;
	link_init(l, 16);
	tape.count = 0;
	link_open(l);
	assert_true(link_run(l, 1000, link_both_up));
	l->filter = record_rtp;
	link_send_rtp(l, PEER);
	webrtc_end_input(l->side[OUR].end, tape.bytes[0], tape.length[0], NULL, l->now_us);
	assert_int_equal(l->side[OUR].rtp_rx, 1);
	link_done(l);
}

static bool count_alerts(struct link *l, int from, const uint8_t *bytes, size_t length)
{
	(void)from;
	if (length > 13 && bytes[0] == 21)
		l->filter_count++;
	return true;
}

static void freeing_says_good_bye(void **state)
{
	struct link *l = &link_;

	(void)state;
	link_init(l, 17);
	l->filter = count_alerts;
	link_open(l);
	assert_true(link_run(l, 1000, link_both_up));
	assert_int_equal(l->filter_count, 0);
	l->side[OUR].end = webrtc_end_free(l->side[OUR].end);
	assert_int_equal(l->filter_count, 1);
	l->side[PEER].end = webrtc_end_free(l->side[PEER].end);
	assert_int_equal(l->filter_count, 2);
	link_done(l);
	/* nothing to say when there was no connection */
	link_init(l, 17);
	l->filter = count_alerts;
	link_open(l);
	link_done(l);
	assert_int_equal(l->filter_count, 0);
	assert_null(webrtc_end_free(NULL));
}

static void bad_arguments(void **state)
{
	struct link *l = &link_;
	struct webrtc_end *e = NULL;
	struct webrtc_end_conf conf;
	uint8_t rtp[64] = {0x80, 111};

	(void)state;
	link_init(l, 18);
	conf = l->side[OUR].conf;
	strcpy(conf.ufrag, "abc");
	assert_int_equal(webrtc_end_new(&conf, &e), -EINVAL);
	conf = l->side[OUR].conf;
	strcpy(conf.pwd, "tooshort");
	assert_int_equal(webrtc_end_new(&conf, &e), -EINVAL);
	conf = l->side[OUR].conf;
	memset(conf.pwd, 'x', sizeof(conf.pwd));
	assert_int_equal(webrtc_end_new(&conf, &e), -EINVAL);
	conf = l->side[OUR].conf;
	conf.dtls = NULL;
	assert_int_equal(webrtc_end_new(&conf, &e), -EINVAL);
	assert_int_equal(webrtc_end_new(&l->side[OUR].conf, &e), 0);
	assert_true(webrtc_end_deadline(e) == UINT64_MAX);
	assert_true(webrtc_end_rtt_ms(e) == -1);
	webrtc_end_tick(e, l->now_us);
	l->side[OUR].remote.pwd[0] = 0;
	assert_int_equal(webrtc_end_start(e, &l->side[OUR].remote, l->now_us), -EINVAL);
	webrtc_end_free(e);
	link_init(l, 18);
	link_open(l);
	assert_true(link_run(l, 1000, link_both_up));
	assert_int_equal(webrtc_end_send_rtp(l->side[OUR].end, rtp, 20, 25), -ENOBUFS);
	assert_int_equal(webrtc_end_send_rtp(l->side[OUR].end, rtp, 10, 64), -EINVAL);
	assert_int_equal(webrtc_end_send_rtcp(l->side[OUR].end, rtp, 4, 64), -EINVAL);
	link_done(l);
}

/* The n-th allocation fails: an end says so, or comes up without what it wanted to keep; nothing leaks. */
static void out_of_memory(void **state)
{
	struct link *l = &link_;

	(void)state;
	for (unsigned n = 1; oom_next(n); n++) {
		int ok = 1;

		link_init(l, 12);
		set_dtls_client(l, PEER);
		l->filter = drop_second_stun_answer_once; /* so that datagrams are held, too */
		for (int i = 0; i < 2; i++)
			ok &= webrtc_end_new(&l->side[i].conf, &l->side[i].end) == 0;
		if (ok) {
			assert_int_equal(webrtc_end_start(l->side[PEER].end, &l->side[PEER].remote, l->now_us), 0);
			assert_int_equal(webrtc_end_start(l->side[OUR].end, &l->side[OUR].remote, l->now_us), 0);
			if (link_run(l, 1000, link_any_failed))
				assert_true(l->side[OUR].failure == MEDIA_FAIL_RESOURCES ||
					    l->side[PEER].failure == MEDIA_FAIL_RESOURCES);
			else
				assert_true(link_both_up(l));
		}
		oom_off();
		link_done(l);
	}
}

static int free_contexts(void **state)
{
	(void)state;
	dtls_ctx_free(link_dtls(OUR));
	dtls_ctx_free(link_dtls(PEER));
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(comes_up_in_four_round_trips),
		cmocka_unit_test(both_back_ends_talk_to_each_other),
		cmocka_unit_test(comes_up_over_bad_links),
		cmocka_unit_test(lost_client_hello_costs_100_ms),
		cmocka_unit_test(peer_that_ignores_checks_for_3_s),
		cmocka_unit_test(wrong_credentials_never_connect),
		cmocka_unit_test(wrong_fingerprint_is_refused),
		cmocka_unit_test(consent_expires_30_s_after_the_last_answer),
		cmocka_unit_test(media_without_answered_checks_keeps_the_call),
		cmocka_unit_test(consent_holds_for_an_hour),
		cmocka_unit_test(role_conflict_is_settled),
		cmocka_unit_test(peer_reflexive_candidate),
		cmocka_unit_test(ipv6_candidates_are_skipped),
		cmocka_unit_test(unreachable_better_candidate),
		cmocka_unit_test(client_hello_before_nomination_is_kept),
		cmocka_unit_test(garbage_flood_changes_nothing),
		cmocka_unit_test(every_packet_twice),
		cmocka_unit_test(replayed_and_foreign_media_is_dropped),
		cmocka_unit_test(input_from_connected_socket_needs_no_address),
		cmocka_unit_test(freeing_says_good_bye),
		cmocka_unit_test(bad_arguments),
		cmocka_unit_test(out_of_memory),
	};
	return cmocka_run_group_tests(tests, NULL, free_contexts);
}
