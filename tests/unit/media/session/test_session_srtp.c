/* SRTP with the SIP side: keys from the SDP, and what changes of them during the call. */
#include "media/session_inner.h"
#include "media/srtp/srtp.h"
#include "tests/support/media/session_sim.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

static struct sim m;

static struct media_sip_srtp keys(enum media_srtp_suite suite, uint8_t tx, uint8_t rx)
{
	struct media_sip_srtp k = {.suite = suite};
	memset(k.tx, tx, sizeof(k.tx));
	memset(k.rx, rx, sizeof(k.rx));
	return k;
}

static void connected(const struct media_sip_srtp *srtp)
{
	const struct sim_conf conf = {
		.wa_link = {.delay_ms = 30, .seed = 1}, .sip_link = {.delay_ms = 5, .seed = 2}, .srtp = *srtp};
	sim_init(&m, &conf);
	sim_connect(&m);
}

static void set_keys(const struct media_sip_srtp *srtp)
{
	struct media_sip_remote remote = sim_sip_remote(&m);
	remote.srtp = *srtp;
	assert_int_equal(session_set_sip(m.session, &remote, m.now_us), 0);
}

static void assert_line_to_wa(void)
{
	assert_int_equal(m.wa.other_ssrc + m.wa.seq_steps_not_one + m.wa.ts_not_forward + m.wa.ts_odd_steps, 0);
	assert_int_equal(sim_count_events(&m, SESSION_FAILED), 0);
}

/* Both suites, both ways, RTP and RTCP, over a wrap of the peer's sequence numbers. */
static void test_both_suites(void **state)
{
	(void)state;
	for (unsigned suite = MEDIA_SRTP_SHA1_80; suite <= MEDIA_SRTP_SHA1_32; suite++) {
		struct media_sip_srtp k = keys((enum media_srtp_suite)suite, 1, 2);
		connected(&k);
		sim_run_ms(&m, 12000);
		assert_true(m.wa.loud > 200);
		assert_true(m.sip.loud > 200);
		assert_true(m.sip.rtcp > 1);
		assert_int_equal(m.sip.undecipherable, 0);
		assert_int_equal(m.session->discarded[END_SIP], 0);
		assert_line_to_wa();
		sim_done(&m);
	}
}

static void test_plain_packets_are_not_listened_to(void **state)
{
	struct media_sip_srtp k = keys(MEDIA_SRTP_SHA1_80, 1, 2), other = keys(MEDIA_SRTP_SHA1_80, 1, 3), none = {0};

	(void)state;
	connected(&k);
	sim_sip_keys(&m, &none);
	sim_run_ms(&m, 1000);
	assert_int_equal(m.wa.loud, 0);
	assert_false(addr_is_set(&m.session->sip.rtp)); /* nor do they latch */
	assert_true(m.session->discarded[END_SIP] > 40);
	sim_sip_keys(&m, &other);
	sim_run_ms(&m, 1000);
	assert_int_equal(m.wa.loud, 0);
	assert_int_equal(sim_count_events(&m, SESSION_FIRST_AUDIO), 1); /* WhatsApp's */
	sim_done(&m);
}

/* The offer says the new key, the peer uses it once it has our answer: 100 ms later. */
static void test_the_peer_changes_its_key(void **state)
{
	struct media_sip_srtp k = keys(MEDIA_SRTP_SHA1_80, 1, 2), next = keys(MEDIA_SRTP_SHA1_80, 1, 3);

	(void)state;
	connected(&k);
	sim_run_ms(&m, 1000);
	set_keys(&next);
	assert_non_null(m.session->sip_srtp.rx_before);
	sim_run_ms(&m, 100);
	/* ours has not changed, and goes on: the PBX keeps its state of it */
	struct srtp_conf conf = {.profile = SRTP_PROFILE_AES128_CM_SHA1_80, .backend = SRTP_BACKEND_EVP};
	memcpy(&conf.tx, next.rx, sizeof(next.rx));
	memcpy(&conf.rx, next.tx, sizeof(next.tx));
	srtp_session_free(m.srtp);
	assert_int_equal(srtp_session_new(&conf, &m.srtp), 0);
	sim_run_ms(&m, 1000);
	assert_null(m.session->sip_srtp.rx_before);
	assert_int_equal(m.session->discarded[END_SIP], 0);
	assert_int_equal(m.sip.undecipherable, 0);
	assert_line_to_wa();
	sim_done(&m);
}

static void test_from_plain_to_srtp_and_back(void **state)
{
	struct media_sip_srtp k = keys(MEDIA_SRTP_SHA1_32, 1, 2), none = {0};

	(void)state;
	connected(&none);
	sim_run_ms(&m, 500);
	set_keys(&k);
	sim_sip_keys(&m, &k);
	uint64_t loud = m.wa.loud;
	sim_run_ms(&m, 1000);
	assert_true(m.wa.loud > loud + 10);
	assert_int_equal(m.sip.undecipherable, 0);
	set_keys(&none);
	sim_sip_keys(&m, &none);
	loud = m.wa.loud;
	sim_run_ms(&m, 1000);
	assert_true(m.wa.loud > loud + 10);
	assert_line_to_wa();
	sim_done(&m);
}

/* PBXs that change their SSRC with every announcement are heard after the fourth, too. */
static void test_many_ssrcs(void **state)
{
	struct media_sip_srtp k = keys(MEDIA_SRTP_SHA1_80, 1, 2);

	(void)state;
	connected(&k);
	for (unsigned i = 0; i < 3 * SRTP_SSRC_MAX; i++) {
		struct srtp_conf conf = {.profile = SRTP_PROFILE_AES128_CM_SHA1_80, .backend = SRTP_BACKEND_EVP};
		memcpy(&conf.tx, k.rx, sizeof(k.rx));
		memcpy(&conf.rx, k.tx, sizeof(k.tx));
		srtp_session_free(m.srtp); /* the PBX has its own bounds */
		assert_int_equal(srtp_session_new(&conf, &m.srtp), 0);
		m.sip_ssrc = 0x5000 + i;
		m.sip_seq = (uint16_t)(100 * i);
		uint64_t loud = m.wa.loud;
		sim_run_ms(&m, 1000);
		assert_true(m.wa.loud > loud + 5);
	}
	assert_line_to_wa();
	sim_done(&m);
}

static void test_replayed_packets_are_dropped(void **state)
{
	struct media_sip_srtp k = keys(MEDIA_SRTP_SHA1_80, 1, 2);
	uint8_t packet[256] = {0x80, 0, 0xff, 0x00, 0, 0, 0, 1, 0x22, 0x22}, copy[256];
	size_t length;

	(void)state;
	connected(&k);
	assert_int_equal(srtp_session_protect_rtp(m.srtp, packet, 172, sizeof(packet), &length), 0);
	memcpy(copy, packet, length);
	session_input(m.session, END_SIP, SESSION_RTP, copy, length, &m.sip_addr, m.now_us);
	assert_int_equal(m.session->discarded[END_SIP], 0);
	session_input(m.session, END_SIP, SESSION_RTP, packet, length, &m.sip_addr, m.now_us);
	assert_int_equal(m.session->discarded[END_SIP], 1);
	sim_done(&m);
}

/* RFC 5761: reports on RTP's port, in both kinds of call; and what arrives there is understood. */
static void test_rtcp_mux(void **state)
{
	(void)state;
	for (unsigned suite = MEDIA_SRTP_NONE; suite <= MEDIA_SRTP_SHA1_32; suite++) {
		struct media_sip_srtp k = keys((enum media_srtp_suite)suite, 1, 2);
		struct media_sip_remote remote;
		connected(&k);
		remote = sim_sip_remote(&m);
		remote.rtcp_mux = true;
		assert_int_equal(session_set_sip(m.session, &remote, m.now_us), 0);
		sim_run_ms(&m, 12000);
		assert_true(m.sip.rtcp > 1);
		assert_int_equal(m.sip.rtcp_muxed, m.sip.rtcp);
		assert_int_equal(m.sip.undecipherable, 0);
		sim_done(&m);
	}
}

/* RFC 3389: a packet of comfort noise is neither audio, nor loss, nor of unknown type. */
static void test_comfort_noise(void **state)
{
	static const uint8_t level[] = {60};
	struct media_sip_srtp k = keys(MEDIA_SRTP_SHA1_80, 1, 2);

	(void)state;
	connected(&k);
	sim_run_ms(&m, 1000);
	for (int i = 0; i < 5; i++) {
		m.sip_talks = false;
		sim_sip_sends(&m, 13, false, m.sip_ts, level, sizeof(level));
		sim_run_ms(&m, 300);
		m.sip_talks = true;
		sim_run_ms(&m, 300);
	}
	struct media_stats st;
	session_stats(m.session, &st);
	assert_int_equal(st.rx[END_SIP].lost, 0);
	assert_int_equal(st.rx[END_SIP].discarded, 0);
	assert_line_to_wa();
	sim_done(&m);
}

static void test_bad_suite(void **state)
{
	struct media_sip_srtp none = {0}, bad = keys((enum media_srtp_suite)7, 1, 2);
	struct media_sip_remote remote;

	(void)state;
	connected(&none);
	remote = sim_sip_remote(&m);
	remote.srtp = bad;
	assert_int_equal(session_set_sip(m.session, &remote, m.now_us), -EINVAL);
	sim_run_ms(&m, 500);
	assert_true(m.wa.loud > 10); /* as it was */
	sim_done(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_both_suites),
		cmocka_unit_test(test_plain_packets_are_not_listened_to),
		cmocka_unit_test(test_the_peer_changes_its_key),
		cmocka_unit_test(test_from_plain_to_srtp_and_back),
		cmocka_unit_test(test_many_ssrcs),
		cmocka_unit_test(test_replayed_packets_are_dropped),
		cmocka_unit_test(test_rtcp_mux),
		cmocka_unit_test(test_comfort_noise),
		cmocka_unit_test(test_bad_suite),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
