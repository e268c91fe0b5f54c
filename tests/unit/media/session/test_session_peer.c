/* Another party on the SIP side: transfer, another branch of a fork, and back. */
#include "media/session_inner.h"
#include "tests/support/media/session_sim.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

static struct sim m;
static uint16_t old_seq;
static uint32_t old_ts;

static void connected(void)
{
	const struct sim_conf conf = {.wa_link = {.delay_ms = 30, .seed = 1}, .sip_link = {.delay_ms = 0, .seed = 2}};
	sim_init(&m, &conf);
	sim_connect(&m);
	sim_run_ms(&m, 1000);
	m.wa.longest_gap_us = 0;
}

static struct addr address(const char *text)
{
	struct addr a;
	assert_int_equal(addr_parse(text, &a), 0);
	return a;
}

/* The PBX is now somebody else, at another place and with another stream. */
static void move_pbx(const char *rtp, uint32_t ssrc, uint16_t seq)
{
	old_seq = m.sip_seq;
	old_ts = m.sip_ts;
	m.sip_addr = address(rtp);
	m.sip_ssrc = ssrc;
	m.sip_seq = seq;
	m.sip_ts = seq * 1000u;
}

static void new_peer(const char *rtp, const char *rtcp)
{
	struct media_sip_remote remote = sim_sip_remote(&m);
	remote.rtp = address(rtp);
	remote.rtcp = address(rtcp);
	remote.new_peer = true;
	assert_int_equal(session_set_sip(m.session, &remote, m.now_us), 0);
}

/* A packet of the party before, loud. */
static void old_one_sends(const char *from, uint32_t ssrc)
{
	uint8_t packet[RTP_HEADER_BYTES + 160];
	const struct rtp_hdr h = {.seq = old_seq++, .ts = old_ts += 160, .ssrc = ssrc};
	const struct addr a = address(from);
	rtp_write(&h, packet);
	for (size_t i = 0; i < 160; i++)
		packet[RTP_HEADER_BYTES + i] = i % 8 < 4 ? 0x80 : 0x00; /* full scale, 1 kHz */
	session_input(m.session, END_SIP, SESSION_RTP, packet, sizeof(packet), &a, m.now_us);
}

static void assert_line_to_wa(void)
{
	assert_int_equal(m.wa.other_ssrc + m.wa.seq_steps_not_one + m.wa.ts_not_forward + m.wa.ts_odd_steps, 0);
	assert_int_equal(m.sip.other_ssrc + m.sip.seq_steps_not_one + m.sip.ts_not_forward, 0);
	assert_int_equal(sim_count_events(&m, SESSION_FAILED), 0);
}

static void assert_sends_to(const char *text)
{
	char got[ADDR_TEXT_MAX];
	assert_string_equal(addr_format(rtp_end_rtp_to(&m.session->sip), got, sizeof(got)), text);
}

static void test_transfer(void **state)
{
	(void)state;
	connected();
	move_pbx("192.0.2.9:6000", 0x99, 3);
	m.sip_talks = false; /* the new one has not begun */
	new_peer("192.0.2.9:6000", "192.0.2.9:6001");
	session_play(m.session, SIDE_WA, SOUND_SILENCE, m.now_us);
	session_play(m.session, SIDE_WA, SOUND_NONE, m.now_us);
	sim_run_ms(&m, 100);
	uint64_t loud = m.wa.loud, wrong = m.session->sip.wrong_source;
	for (int i = 0; i < 200; i++) { /* longer than a silence that would let anybody take over */
		old_one_sends("192.0.2.7:4000", 0x22220000);
		assert_sends_to("192.0.2.9:6000");
		sim_run_ms(&m, 20);
	}
	assert_int_equal(m.wa.loud, loud);
	assert_int_equal(m.session->sip.wrong_source, wrong + 200);
	m.sip_talks = true;
	sim_run_ms(&m, 1000);
	assert_true(m.wa.loud > loud + 15);
	assert_int_equal(m.session->sip.stream.peer_ssrc, 0x99);
	/* behind a NAT after all, and the old one does not give up */
	addr_set_port(&m.sip_addr, 7777);
	for (int i = 0; i < 50; i++) {
		old_one_sends("192.0.2.7:4000", 0x22220000);
		sim_run_ms(&m, 20);
	}
	assert_sends_to("192.0.2.9:7777");
	assert_true(m.wa.longest_gap_us <= 60000);
	assert_line_to_wa();
	struct media_stats st;
	session_stats(m.session, &st);
	assert_int_equal(st.rx[END_SIP].lost, 0);
	assert_in_range(st.rx[END_SIP].packets, 145, 155); /* of both */
	sim_done(&m);
}

/* The same SSRC, the sequence far behind: nothing of the new stream is thrown away as a stray. */
static void test_first_packet_of_the_new_one_counts(void **state)
{
	(void)state;
	connected();
	m.sip_talks = false;
	uint64_t before = m.session->sip.stream.rx_packets;
	move_pbx("192.0.2.9:6000", 0x22220000, (uint16_t)(m.sip_seq - 20000));
	new_peer("192.0.2.9:6000", "192.0.2.9:6001");
	assert_false(m.session->sip.stream.has_peer);
	m.sip_talks = true;
	sim_run_ms(&m, 200);
	assert_in_range(m.session->sip.stream.rx_packets - before, 9, 11);
	assert_int_equal(m.session->sip.stream.rx.received, m.session->sip.stream.rx_packets - before);
	assert_int_equal(rtp_stream_lost(&m.session->sip.stream), 0);
	assert_line_to_wa();
	sim_done(&m);
}

/* The transfer fails: back to the one before, who is where its NAT put it. */
static void test_and_back(void **state)
{
	(void)state;
	const struct sim_conf conf = {.sip_link = {.seed = 2}, .wa_link = {.delay_ms = 30, .seed = 1}};
	sim_init(&m, &conf);
	sim_connect(&m);
	addr_set_port(&m.sip_addr, 45678); /* its SDP says 4000 */
	sim_run_ms(&m, 500);
	assert_sends_to("192.0.2.7:45678");
	const struct addr first = m.sip_addr;
	for (int round = 0; round < 3; round++) {
		char rtp[32];
		snprintf(rtp, sizeof(rtp), "192.0.2.%d:6000", 20 + round);
		move_pbx(rtp, 0x500u + (uint32_t)round, 100);
		new_peer(rtp, "192.0.2.9:6001");
		sim_run_ms(&m, 300);
		assert_sends_to(rtp);
	}
	move_pbx("192.0.2.7:45678", 0x22220000, 9);
	assert_true(addr_equal(&m.sip_addr, &first));
	new_peer("192.0.2.7:4000", "192.0.2.7:4001");
	uint64_t loud = m.wa.loud;
	sim_run_ms(&m, 1000);
	assert_sends_to("192.0.2.7:45678");
	assert_true(m.wa.loud > loud + 20);
	assert_line_to_wa();
	sim_done(&m);
}

/* A PBX that stands in the middle: another party, the same address. */
static void test_same_place(void **state)
{
	(void)state;
	connected();
	move_pbx("192.0.2.7:4000", 0x77, 50);
	new_peer("192.0.2.7:4000", "192.0.2.7:4001");
	uint64_t loud = m.wa.loud;
	sim_run_ms(&m, 1000);
	assert_true(m.wa.loud > loud + 20);
	assert_true(m.wa.longest_gap_us <= 60000);
	assert_line_to_wa();
	sim_done(&m);
}

/* Its key was held down when it left: the tone toward WhatsApp ends. Ours for it are not for the next one. */
static void test_digits_end_with_their_party(void **state)
{
	(void)state;
	connected();
	m.sip_talks = false;
	uint32_t ts = m.sip_ts;
	for (unsigned i = 1; i <= 4; i++) {
		sim_sip_sends(&m, SIM_SIP_EVENT_PT, i == 1, ts, (uint8_t[]){6, 10, 0, (uint8_t)(i * 40)}, 4);
		sim_run_ms(&m, 20);
	}
	session_send_dtmf(m.session, SIDE_SIP, "123", m.now_us);
	sim_run_ms(&m, 60);
	move_pbx("192.0.2.9:6000", 0x99, 3);
	new_peer("192.0.2.9:6000", "192.0.2.9:6001");
	m.sip.digit_count = 0;
	memset(m.sip.digits, 0, sizeof(m.sip.digits));
	m.sip_talks = true;
	sim_run_ms(&m, 2000);
	assert_string_equal(m.wa.digits, "6");
	assert_int_equal(m.sip.digit_count, 0);
	assert_int_equal(sim_count_events(&m, SESSION_DTMF), 1);
	assert_false(tev_tx_active(&m.session->to_wa.events));
	assert_false(tev_tx_active(&m.session->to_sip.events));
	assert_true(m.wa.loud > 40);
	assert_line_to_wa();
	sim_done(&m);
}

/* The same, when only the SSRC tells. */
static void test_digit_ends_with_its_stream(void **state)
{
	(void)state;
	connected();
	m.sip_talks = false;
	sim_sip_sends(&m, SIM_SIP_EVENT_PT, true, m.sip_ts, (uint8_t[]){6, 10, 0, 160}, 4);
	sim_run_ms(&m, 20);
	m.sip_ssrc = 0x77;
	m.sip_talks = true;
	sim_run_ms(&m, 1000);
	assert_string_equal(m.wa.digits, "6");
	assert_false(tev_tx_active(&m.session->to_wa.events));
	/* and WhatsApp's, whose next digit has earlier timestamps */
	sim_wa_sends(&m, SIM_WA_EVENT_PT, m.wa_ts, (uint8_t[]){7, 10, 0, 160}, 4);
	sim_run_ms(&m, 60);
	m.wa_ssrc = 0x66;
	m.wa_ts -= 48000 * 60;
	sim_run_ms(&m, 200);
	sim_wa_sends(&m, SIM_WA_EVENT_PT, m.wa_ts, (uint8_t[]){8, 0x8a, 3, 0x20}, 4);
	sim_run_ms(&m, 1000);
	assert_string_equal(m.sip.digits, "78");
	assert_line_to_wa();
	sim_done(&m);
}

/* RTCP of the one before, from the host where the new one is too. */
static void test_reports_of_the_old_one(void **state)
{
	(void)state;
	connected();
	move_pbx("192.0.2.7:4400", 0x99, 3);
	new_peer("192.0.2.7:4400", "192.0.2.7:4401");
	sim_run_ms(&m, 200);
	uint8_t rr[8] = {0x80, 201, 0, 1, 0x22, 0x22, 0, 0};
	struct addr old = address("192.0.2.7:4001"), to;
	uint64_t wrong = m.session->sip.wrong_source;
	session_input(m.session, END_SIP, SESSION_RTCP, rr, sizeof(rr), &old, m.now_us);
	assert_int_equal(m.session->sip.wrong_source, wrong + 1);
	assert_non_null(rtp_end_rtcp_to(&m.session->sip, &to));
	assert_int_equal(addr_port(&to), 4401);
	sim_done(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_transfer),
		cmocka_unit_test(test_first_packet_of_the_new_one_counts),
		cmocka_unit_test(test_and_back),
		cmocka_unit_test(test_same_place),
		cmocka_unit_test(test_digits_end_with_their_party),
		cmocka_unit_test(test_digit_ends_with_its_stream),
		cmocka_unit_test(test_reports_of_the_old_one),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
