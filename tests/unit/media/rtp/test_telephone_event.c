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
	{"goes on", 20, 48000, 5, false, 320, "U5 40"},
	{"update lost, next one", 60, 48000, 5, false, 640, "U5 80"},
	{"reordered update", 61, 48000, 5, false, 480, "U5 80"},
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
	{"timestamps began anew, long after", 4000, 60000, 1, true, 800, "E1 100"},
	{"and again, from far back", 4300, 4294000000, 2, true, 800, "E2 100"},
	{"a key held long", 5000, 0x40000000, 3, false, 65000, "B3"},
	{"its field runs over", 5400, 0x40000000, 3, false, 3000, "U3 8567"},
	{"reordered", 5401, 0x40000000, 3, false, 2600, "U3 8567"},
	{"ends", 5500, 0x40000000, 3, true, 3400, "E3 8617"},
	{"another, in segments", 6000, 0x40100000, 4, false, 65535, "B4"},
	{"the next one", 6020, 0x40100000 + 6 * 65535, 4, false, 160, "U4 8211"},
	{"the last of the one before, late", 6021, 0x40100000, 4, false, 65535, ""},
	{"ends", 6040, 0x40100000 + 6 * 65535, 4, true, 320, "E4 8231"},
};

static void describe(const struct tev_report *reports, size_t count, char *dst)
{
	*dst = 0;
	for (size_t i = 0; i < count; i++) {
		dst += sprintf(dst, "%s%c%c", i ? " " : "", "-BUE"[reports[i].kind], reports[i].digit);
		if (reports[i].kind != TEV_BEGIN)
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

/* What is left of a press when the peer's SSRC or sequence changes in the middle of it: told already. */
static void test_press_goes_on_in_another_stream(void **state)
{
	(void)state;
	struct tev_rx rx;
	struct tev_report reports[TEV_REPORTS_MAX];
	const uint8_t held[] = {5, 10, 0, 160}, ended[] = {5, 0x8a, 1, 64}, other[] = {6, 0x8a, 1, 64};
	tev_rx_init(&rx, 8000, 8000);
	assert_int_equal(tev_rx_packet(&rx, 9000, held, 4, 1000000, reports), 1);
	for (unsigned i = 1; i <= 6; i++) { /* its voice has another SSRC, and comes in between */
		size_t n = tev_rx_reset(&rx, reports);
		assert_int_equal(n, i == 1);
		assert_true(!n || (reports[0].kind == TEV_END && reports[0].duration_ms == 20));
		assert_int_equal(tev_rx_packet(&rx, 9000, i < 4 ? held : ended, 4, 1000000 + i * 20000, reports), 0);
	}
	/* the other stream's own timestamps, however far back: */
	assert_int_equal(tev_rx_packet(&rx, 8000, other, 4, 1140000, reports), 1);
	assert_int_equal(reports[0].digit, '6');
	assert_int_equal(tev_rx_packet(&rx, 7500, held, 4, 1141000, reports), 0); /* late in this one */
	/* long after it is no remainder, but chance */
	tev_rx_reset(&rx, reports);
	assert_int_equal(tev_rx_packet(&rx, 8000, other, 4, 4000000, reports), 1);
}

/* No press is longer than the time that it has taken, and three segments (24.6 s). */
static void test_hostile_durations(void **state)
{
	(void)state;
	for (int segments = 0; segments < 2; segments++) {
		struct tev_rx rx;
		struct tev_report reports[TEV_REPORTS_MAX];
		size_t n = 0;
		tev_rx_init(&rx, 8000, 8000);
		for (unsigned i = 0; i <= 200000;
			i++) { /* the field runs over, or a segment follows, with each packet */
			uint8_t full = segments || i % 2 ? 0xff : 0;
			const uint8_t payload[] = {7, (uint8_t)(i == 200000 ? 0x8a : 10), full, full};
			n = tev_rx_packet(&rx, segments ? i * 65535u : 1, payload, 4, 1000000 + i * 10, reports);
			assert_int_equal(n, 1);
			assert_int_equal(reports[0].kind, i == 200000 ? TEV_END : i ? TEV_UPDATE : TEV_BEGIN);
			assert_true(reports[0].duration_ms <= i / 100 + 3 * 8192);
		}
	}
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
		assert_memory_equal(p[i].payload, ((uint8_t[]){7, 0x80 | TEV_VOLUME, 760 >> 8, 760 & 0xff}),
			4); /* as long as it was */
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
	char slots[16] = "";
	for (unsigned t = 0, k = 0; tev_tx_active(&tx); t += 20) {
		size_t n = tev_tx_step(&tx, t * 8, 20, p);
		slots[t / 20] = n ? tev_digit(p[0].payload[0]) : '-';
		if (n == 3)
			sent[k++] = tev_digit(p[0].payload[0]);
	}
	assert_string_equal(sent, "12*");
	assert_string_equal(slots, "11--22--**"); /* 40 ms each, and 40 between: ITU-T Q.24 */
	assert_int_equal(tev_tx_begin(&tx, 'z'), -EINVAL);
	for (int i = 0; i < TEV_TX_QUEUE; i++)
		assert_int_equal(tev_tx_begin(&tx, '1'), 0);
	assert_int_equal(tev_tx_begin(&tx, '1'), -ENOBUFS);
	tev_tx_drop(&tx);
	assert_false(tev_tx_active(&tx));
}

/* Every 20 ms: what is heard of the key that the sender holds, and what is told. */
static const struct {
	const char *what;
	int heard_ms; /* -1 nothing, else the sender's own word */
	bool ends;
	unsigned told_ms; /* 0: nothing more to be told */
} held[] = {
	{"begins", 20, false, 20},
	{"goes on", 40, false, 40},
	{"a word of it is lost", -1, false, 60},
	{"and the next", -1, false, 60},
	{"and the next", -1, false, 60},
	{"it is held", 120, false, 120},
	{"its end is lost", -1, false, 140},
	{"no more is made up", -1, false, 140},
	{"it has ended, say a timeout or a late packet", 130, true, 140},
	{"and that was it", -1, false, 0},
};

static void test_what_is_not_known_is_not_told(void **state)
{
	(void)state;
	struct tev_tx tx;
	struct tev_packet p[TEV_PACKETS_MAX];
	tev_tx_init(&tx, 48000, 8000);
	assert_int_equal(tev_tx_begin(&tx, '8'), 0);
	for (unsigned i = 0; i < sizeof(held) / sizeof(held[0]); i++) {
		if (held[i].ends)
			tev_tx_end(&tx, (unsigned)held[i].heard_ms);
		else if (held[i].heard_ms >= 0)
			tev_tx_update(&tx, (unsigned)held[i].heard_ms);
		size_t n = tev_tx_step(&tx, i * 960, 20, p);
		unsigned told = n ? (unsigned)(p[n - 1].payload[2] << 8 | p[n - 1].payload[3]) / 8 : 0;
		if (told != held[i].told_ms || n != (held[i].ends ? 3 : held[i].told_ms ? 1 : 0))
			fail_msg("%s: %zu packets, %u ms", held[i].what, n, told);
	}
}

/* A minute without a word, then the end: segments one after another, and the sum is right. */
static void test_late_word_of_a_very_long_press(void **state)
{
	(void)state;
	struct tev_tx tx;
	struct tev_rx rx;
	struct tev_packet p[TEV_PACKETS_MAX];
	struct tev_report reports[TEV_REPORTS_MAX] = {0};
	size_t told = 0;
	tev_tx_init(&tx, 8000, 8000);
	tev_rx_init(&rx, 8000, 8000);
	assert_int_equal(tev_tx_begin(&tx, '#'), 0);
	tev_tx_update(&tx, 20);
	for (unsigned t = 0; tev_tx_active(&tx); t += 20) {
		if (t == 60000)
			tev_tx_end(&tx, 60000);
		size_t n = tev_tx_step(&tx, t * 8, 20, p);
		for (size_t i = 0; i < n; i++) {
			size_t k = tev_rx_packet(&rx, p[i].ts, p[i].payload, 4, 1000 + t * 1000, reports);
			told += k;
			if (t >= 60000)
				assert_true(k == 0 || reports[k - 1].kind != TEV_BEGIN);
		}
		assert_true(t < 61000);
	}
	assert_true(told > 3000);
	assert_int_equal(reports[0].kind, TEV_END);
	assert_int_equal(reports[0].duration_ms, 60000);
}

static void test_tones(void **state)
{
	(void)state;
	struct tev_tx tx;
	char slots[32] = "", digit = 0;
	unsigned ms[32] = {0};
	tev_tx_init(&tx, 8000, 8000);
	assert_int_equal(tev_tx_tone(&tx, 0, 20, &digit), 0);
	tev_tx_begin(&tx, '5');
	tev_tx_end(&tx, 70);
	tev_tx_begin(&tx, '6');
	for (unsigned i = 0; tev_tx_active(&tx); i++) {
		if (i == 8)
			tev_tx_end(&tx, 10); /* released long before it could be begun: heard all the same */
		ms[i] = tev_tx_tone(&tx, i * 160, 20, &digit);
		slots[i] = ms[i] ? digit : '-';
	}
	assert_string_equal(slots, "5555--66-");
	assert_int_equal(ms[3], 10);
	assert_int_equal(ms[6] + ms[7], 40);
	/* half a day later no pause is left over */
	tev_tx_begin(&tx, '7');
	assert_true(tev_tx_due(&tx, tx.rests_until_ts - 0x7fff0000));
	assert_false(tev_tx_due(&tx, tx.rests_until_ts - 1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_receive_table),
		cmocka_unit_test(test_press_goes_on_in_another_stream),
		cmocka_unit_test(test_hostile_durations),
		cmocka_unit_test(test_hostile_payloads),
		cmocka_unit_test(test_send_one_digit),
		cmocka_unit_test(test_round_trips),
		cmocka_unit_test(test_digits_wait_for_each_other),
		cmocka_unit_test(test_what_is_not_known_is_not_told),
		cmocka_unit_test(test_late_word_of_a_very_long_press),
		cmocka_unit_test(test_tones),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
