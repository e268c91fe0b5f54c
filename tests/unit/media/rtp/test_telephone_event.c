#include "media/rtp/telephone_event.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* RTP clock 48000 beside Opus, durations in 8000 Hz units: the trap. */
static const struct {
	const char *what;
	unsigned at_ms;
	uint32_t ts;
	uint8_t event;
	bool end;
	uint16_t duration;
	const char *expected; /* B<digit> begin, E<digit><ms> end */
} rx_table[] = {
	{"5 begins", 0, 48000, 5, false, 160, "B5"},
	{"goes on", 20, 48000, 5, false, 320, ""},
	{"update lost, next one", 60, 48000, 5, false, 640, ""},
	{"reordered update", 61, 48000, 5, false, 480, ""},
	{"ends", 80, 48000, 5, true, 800, "E5 100"},
	{"second end packet", 81, 48000, 5, true, 800, ""},
	{"third end packet", 82, 48000, 5, true, 800, ""},
	{"the same key again", 300, 62400, 5, false, 160, "B5"},
	{"end lost, another key", 400, 67200, 11, false, 160, "E5 20 B#"},
	{"late packet of the key before", 410, 62400, 5, true, 400, ""},
	{"# ends", 450, 67200, 11, true, 560, "E# 70"},
	{"only the end arrives", 600, 76800, 10, true, 400, "E* 50"},
	{"A", 700, 81600, 12, false, 80, "BA"},
	{"flash hook is not a digit", 720, 82560, 16, true, 80, ""},
	{"silence: A is over", 900, 0, 0, false, 0, "EA 10"},
	{"A's late end", 910, 81600, 12, true, 800, ""},
};

static void describe(const struct tev_report *reports, size_t count, char *dst)
{
	*dst = 0;
	for (size_t i = 0; i < count; i++) {
		dst += sprintf(dst, "%s%c%c", i ? " " : "", reports[i].kind == TEV_BEGIN ? 'B' : 'E', reports[i].digit);
		if (reports[i].kind == TEV_END)
			dst += sprintf(dst, " %u", reports[i].duration_ms);
	}
}

static void test_receive_table(void **state)
{
	(void)state;
	struct tev_rx rx;
	tev_rx_init(&rx, 48000, 8000);
	for (size_t i = 0; i < sizeof(rx_table) / sizeof(rx_table[0]); i++) {
		struct tev_report reports[TEV_REPORTS_MAX];
		char got[64];
		uint64_t now_us = 5000000 + rx_table[i].at_ms * 1000;
		size_t n;
		if (!rx_table[i].ts) {
			n = tev_rx_tick(&rx, now_us, reports);
		} else {
			const uint8_t payload[] = {rx_table[i].event, (uint8_t)((rx_table[i].end ? 0x80 : 0) | 10),
				(uint8_t)(rx_table[i].duration >> 8), (uint8_t)rx_table[i].duration};
			n = tev_rx_packet(&rx, rx_table[i].ts, payload, sizeof(payload), now_us, reports);
		}
		describe(reports, n, got);
		if (strcmp(got, rx_table[i].expected))
			fail_msg("%s: \"%s\"", rx_table[i].what, got);
	}
	assert_int_equal(tev_rx_deadline(&rx), UINT64_MAX);
}

static void test_hostile_payloads(void **state)
{
	(void)state;
	struct tev_rx rx;
	struct tev_report reports[TEV_REPORTS_MAX];
	tev_rx_init(&rx, 8000, 8000);
	for (size_t length = 0; length < 4; length++)
		assert_int_equal(tev_rx_packet(&rx, 1, (const uint8_t *)"\x01\x80\x01\x00", length, 1, reports), 0);
	assert_int_equal(tev_rx_packet(&rx, 1, (const uint8_t *)"\xff\x80\x01\x00", 4, 1, reports), 0);
	assert_int_equal(tev_digit(16), 0);
	assert_int_equal(tev_event('x'), -1);
	assert_int_equal(tev_event(0), -1);
	for (unsigned e = 0; e < 16; e++)
		assert_int_equal(tev_event(tev_digit(e)), e);
}

static void test_send_one_digit(void **state)
{
	(void)state;
	struct tev_tx tx;
	struct tev_packet p[TEV_PACKETS_MAX];
	tev_tx_init(&tx, 8000, 8000);
	assert_int_equal(tev_tx_step(&tx, 0, 20, p), 0);
	assert_int_equal(tev_tx_begin(&tx, '7'), 0);
	for (unsigned i = 0; i < 4; i++) {
		assert_int_equal(tev_tx_step(&tx, 1000 + i * 160, 20, p), 1);
		assert_int_equal(p[0].marker, i == 0);
		assert_int_equal(p[0].ts, 1000);
		assert_memory_equal(p[0].payload,
			((uint8_t[]){7, TEV_VOLUME, (uint8_t)(160 * (i + 1) >> 8), (uint8_t)(160 * (i + 1))}), 4);
	}
	tev_tx_end(&tx, 95);
	assert_int_equal(tev_tx_step(&tx, 1640, 20, p), 3);
	for (unsigned i = 0; i < 3; i++) {
		assert_false(p[i].marker);
		assert_int_equal(p[i].ts, 1000);
		assert_memory_equal(p[i].payload, ((uint8_t[]){7, 0x80 | TEV_VOLUME, 800 >> 8, 800 & 0xff}), 4);
	}
	assert_false(tev_tx_active(&tx));
}

/* What one side sends the other understands, at either clock, and longer than 16 bits of duration. */
static void check_round_trip(uint32_t clock_hz, unsigned press_ms)
{
	struct tev_tx tx;
	struct tev_rx rx;
	struct tev_packet p[TEV_PACKETS_MAX];
	struct tev_report reports[TEV_REPORTS_MAX];
	unsigned begins = 0, ends = 0, duration_ms = 0;
	tev_tx_init(&tx, clock_hz, 8000);
	tev_rx_init(&rx, clock_hz, 8000);
	assert_int_equal(tev_tx_begin(&tx, '#'), 0);
	for (unsigned t = 0; tev_tx_active(&tx); t += 20) {
		if (t >= press_ms)
			tev_tx_end(&tx, press_ms);
		size_t n = tev_tx_step(&tx, 77777 + t * (clock_hz / 1000), 20, p);
		for (size_t i = 0; i < n; i++) {
			size_t told = tev_rx_packet(
				&rx, p[i].ts, p[i].payload, sizeof(p[i].payload), 1000000 + t * 1000, reports);
			for (size_t k = 0; k < told; k++) {
				begins += reports[k].kind == TEV_BEGIN;
				ends += reports[k].kind == TEV_END;
				duration_ms = reports[k].duration_ms;
				assert_int_equal(reports[k].digit, '#');
			}
		}
	}
	assert_int_equal(begins, 1);
	assert_int_equal(ends, 1);
	assert_in_range(duration_ms, press_ms, press_ms + 20);
}

static void test_round_trips(void **state)
{
	(void)state;
	check_round_trip(8000, 100);
	check_round_trip(48000, 100);
	check_round_trip(8000, 8180);  /* just below a segment */
	check_round_trip(8000, 20000); /* RFC 4733 s2.5.1.3: three segments */
	check_round_trip(48000, 20000);
}

static void test_digits_wait_for_each_other(void **state)
{
	(void)state;
	struct tev_tx tx;
	struct tev_packet p[TEV_PACKETS_MAX];
	char sent[8] = "";
	tev_tx_init(&tx, 8000, 8000);
	for (const char *d = "12*"; *d; d++) {
		assert_int_equal(tev_tx_begin(&tx, *d), 0);
		tev_tx_end(&tx, 1); /* too short to be recognised: lengthened */
	}
	for (unsigned t = 0, k = 0; tev_tx_active(&tx); t += 20)
		if (tev_tx_step(&tx, t * 8, 20, p) == 3)
			sent[k++] = tev_digit(p[0].payload[0]);
	assert_string_equal(sent, "12*");
	assert_int_equal(tev_tx_begin(&tx, 'z'), -EINVAL);
	for (int i = 0; i < TEV_TX_QUEUE; i++)
		assert_int_equal(tev_tx_begin(&tx, '1'), 0);
	assert_int_equal(tev_tx_begin(&tx, '1'), -ENOBUFS);
	tev_tx_drop(&tx);
	assert_false(tev_tx_active(&tx));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_receive_table),
		cmocka_unit_test(test_hostile_payloads),
		cmocka_unit_test(test_send_one_digit),
		cmocka_unit_test(test_round_trips),
		cmocka_unit_test(test_digits_wait_for_each_other),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
