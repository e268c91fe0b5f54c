#include "media/rtp/jbuf.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "lib/base/pktbuf.h"
#include "media/rtp/jbuf_delay.h"

#include <errno.h>
#include <string.h>

enum { MS = 1000, FRAME = 960 };

static struct pktpool *pool;

static int setup(void **state)
{
	(void)state;
	return pktpool_new(40, &pool);
}

static int teardown(void **state)
{
	(void)state;
	size_t in_use = pktpool_in_use(pool);
	pool = pktpool_free(pool);
	return in_use ? -1 : 0;
}

static struct jbuf *make(uint16_t min_ms, uint16_t max_ms)
{
	const struct jbuf_conf conf = {.pool = pool, .min_ms = min_ms, .max_ms = max_ms};
	struct jbuf *jb = NULL;
	assert_int_equal(jbuf_new(&conf, &jb), 0);
	return jb;
}

/* The packet's one byte is the low byte of its sequence number. */
static int put(struct jbuf *jb, uint16_t seq, uint32_t ts, uint64_t now_us)
{
	struct pkt *p = pkt_get(pool);
	assert_non_null(p);
	p->data[p->offset] = (uint8_t)seq;
	p->length = 1;
	int r = jbuf_put(jb, seq, ts, FRAME, p, now_us);
	if (r < 0)
		pkt_put(pool, p);
	return r;
}

enum { NOTHING = -1 };

/* Expects a kind; of a PACKET also its number. */
static void expect(struct jbuf *jb, uint64_t play_us, enum jbuf_kind kind, int seq)
{
	struct jbuf_out out;
	jbuf_get(jb, play_us, 0, false, &out);
	if (out.kind != kind)
		fail_msg("at %lu ms: %d instead of %d", (unsigned long)play_us / MS, out.kind, kind);
	if (kind == JBUF_PACKET) {
		assert_int_equal(out.pkt->data[out.pkt->offset], (uint8_t)seq);
		pkt_put(pool, out.pkt);
	}
	if (kind == JBUF_MISSING) {
		assert_int_equal(out.next != NULL, seq != NOTHING);
		if (out.next)
			assert_int_equal(out.next->data[out.next->offset], (uint8_t)seq);
	}
}

/* One timeline: packets come, frames are played; the clock is the column. Hold at the start is 40 ms. */
enum step_kind { PUT, GET, SKIP };
struct step {
	unsigned at_ms;
	enum step_kind what;
	int seq;      /* PUT: of the packet. GET: expected packet, or the one to recover from */
	uint32_t ts;  /* PUT */
	int expected; /* PUT: result. GET: kind */
};

static void run(const struct step *steps, size_t count)
{
	struct jbuf *jb = make(20, 200);
	for (size_t i = 0; i < count; i++) {
		uint64_t now_us = 1000000 + steps[i].at_ms * MS;
		if (steps[i].what == PUT) {
			int r = put(jb, (uint16_t)steps[i].seq, steps[i].ts, now_us);
			if (r != steps[i].expected)
				fail_msg("step %zu: put returned %d", i, r);
		} else if (steps[i].what == SKIP) {
			jbuf_skip(jb, (uint16_t)steps[i].seq);
		} else {
			expect(jb, now_us, (enum jbuf_kind)steps[i].expected, steps[i].seq);
		}
	}
	jbuf_free(jb);
}

#define RUN(steps) run(steps, sizeof(steps) / sizeof((steps)[0]))

static void test_late_duplicate_and_reordered(void **state)
{
	(void)state;
	static const struct step steps[] = {
		{0, PUT, 65534, 0, 0},
		{20, GET, 0, 0, JBUF_IDLE}, /* held back */
		{20, PUT, 65535, 960, 0},
		{40, GET, 65534, 0, JBUF_PACKET},
		{42, PUT, 1, 2880, 0}, /* the sequence number wraps; 0 is overtaken */
		{43, PUT, 1, 2880, 1},
		{45, PUT, 0, 1920, 0},
		{60, GET, 65535, 0, JBUF_PACKET},
		{80, GET, 0, 0, JBUF_PACKET},
		{100, GET, 1, 0, JBUF_PACKET},
		{110, PUT, 3, 4800, 0},
		{120, GET, 3, 0, JBUF_MISSING}, /* 2 is lost, 3 follows at once: recover from it */
		{125, PUT, 2, 3840, -ETIME},
		{140, GET, 3, 0, JBUF_PACKET},
	};
	RUN(steps);
}

static void test_two_lost_in_a_row(void **state)
{
	(void)state;
	static const struct step steps[] = {
		{0, PUT, 1, 0, 0},
		{40, GET, 1, 0, JBUF_PACKET},
		{60, PUT, 4, 2880, 0},
		{60, GET, NOTHING, 0, JBUF_MISSING}, /* 4 is not next to 2: nothing to recover 2 from */
		{80, GET, 4, 0, JBUF_MISSING},
		{100, GET, 4, 0, JBUF_PACKET},
	};
	RUN(steps);
}

static void test_silence_of_the_sender_is_not_loss(void **state)
{
	(void)state;
	struct jbuf *jb = make(20, 200);
	put(jb, 1, 0, 1000000);
	expect(jb, 1040000, JBUF_PACKET, 1);
	/* the sender pauses for 200 ms: its next packet has the next number and a leap of the timestamp */
	for (unsigned i = 1; i < 10; i++)
		expect(jb, 1040000 + i * 20000, JBUF_EMPTY, 0);
	assert_int_equal(put(jb, 2, 10 * FRAME, 1200000), 0);
	expect(jb, 1240000, JBUF_PACKET, 2);
	assert_int_equal(jbuf_stats(jb)->empty_ms, 0);
	assert_int_equal(jbuf_stats(jb)->missing_ms, 0);
	/* the same seen in time: the packet after the pause is there before its turn */
	assert_int_equal(put(jb, 3, 12 * FRAME, 1245000), 0);
	expect(jb, 1260000, JBUF_GAP, 0);
	expect(jb, 1280000, JBUF_PACKET, 3);
	jbuf_free(jb);
}

/* What was invented in their place counts as concealed, and the hold is so much longer. */
static void test_late_packets_are_played_late(void **state)
{
	(void)state;
	struct jbuf *jb = make(20, 200);
	put(jb, 1, 0, 1000000);
	expect(jb, 1040000, JBUF_PACKET, 1);
	expect(jb, 1060000, JBUF_EMPTY, 0);
	expect(jb, 1080000, JBUF_EMPTY, 0);
	assert_int_equal(put(jb, 2, FRAME, 1085000), 0);
	assert_int_equal(put(jb, 3, 2 * FRAME, 1086000), 0);
	assert_int_equal(jbuf_stats(jb)->empty_ms, 40);
	expect(jb, 1100000, JBUF_PACKET, 2);
	expect(jb, 1120000, JBUF_PACKET, 3);
	/* 4 is lost: while it was waited for it was concealed; 5 is played when it would have been */
	expect(jb, 1140000, JBUF_EMPTY, 0);
	assert_int_equal(put(jb, 5, 4 * FRAME, 1141000), 0);
	expect(jb, 1160000, JBUF_PACKET, 5);
	assert_int_equal(jbuf_stats(jb)->late, 0);
	assert_int_equal(jbuf_stats(jb)->empty_ms, 60);
	assert_int_equal(jbuf_stats(jb)->missing_ms, 0);
	jbuf_free(jb);
}

/* Nothing is held for longer than max_ms: what comes later than that is dropped. */
static void test_too_late_is_too_late(void **state)
{
	(void)state;
	struct jbuf *jb = make(20, 100);
	put(jb, 1, 0, 1000000);
	expect(jb, 1040000, JBUF_PACKET, 1);
	for (unsigned i = 1; i <= 6; i++)
		expect(jb, 1040000 + i * 20000, JBUF_EMPTY, 0);
	assert_int_equal(put(jb, 2, FRAME, 1165000), -ETIME); /* was due at 1060, was waited for until 1100 */
	assert_int_equal(put(jb, 6, 5 * FRAME, 1166000), 0);  /* 3 to 5 are lost */
	assert_int_equal(jbuf_stats(jb)->late, 1);
	expect(jb, 1180000, JBUF_PACKET, 6);
	assert_true(jbuf_hold_percentile_ms(jb, 95) <= 100);
	assert_int_equal(jbuf_stats(jb)->empty_ms, 120);
	jbuf_free(jb);
}

/* After an outage all of it may come at once: what is old by then is not played. */
static void test_a_burst_after_an_outage(void **state)
{
	(void)state;
	struct jbuf *jb = make(20, 200);
	uint64_t at_us = 1000000;
	for (unsigned i = 0; i < 100; i++, at_us += 20000) {
		put(jb, (uint16_t)i, i * FRAME, at_us);
		if (i >= 2)
			expect(jb, at_us, JBUF_PACKET, (int)i - 2);
	}
	for (unsigned i = 0; i < 150; i++, at_us += 20000) {
		struct jbuf_out out;
		jbuf_get(jb, at_us, 0, false, &out);
		if (out.kind == JBUF_PACKET)
			pkt_put(pool, out.pkt);
	}
	for (unsigned i = 100; i < 250; i++)
		if (put(jb, (uint16_t)i, i * FRAME, at_us) == -EPROTO) {
			jbuf_flush(jb);
			put(jb, (uint16_t)i, i * FRAME, at_us);
		}
	struct jbuf_out out;
	jbuf_get(jb, jbuf_start_us(jb), 0, false, &out);
	assert_int_equal(out.kind, JBUF_PACKET);
	assert_in_range(out.pkt->data[out.pkt->offset], 246, 249); /* near the end of it, not at its begin */
	pkt_put(pool, out.pkt);
	jbuf_free(jb);
}

/* The buffer is full, and then comes one that was overtaken by all of it: there is no place before the oldest. It was
 * kept where no play looks, and the next hole of 64 packets ended the process. */
static void test_overtaken_by_a_full_buffer(void **state)
{
	(void)state;
	for (int playing = 0; playing < 2; playing++) {
		struct jbuf *jb = make(20, 200);
		const uint64_t at_us = 1000000;
		unsigned full = 200 / 20 + JBUF_PACKETS_SPARE;
		if (playing) {
			put(jb, 8, 0, at_us - 40000);
			expect(jb, at_us, JBUF_PACKET, 8);
		}
		for (unsigned i = 0; i < full; i++)
			assert_int_equal(put(jb, (uint16_t)(10 + i), (2 + i) * FRAME, at_us), 0);
		assert_int_equal(put(jb, 9, FRAME, at_us), -ETIME);
		assert_int_equal(jbuf_packets(jb), full - 1);
		for (unsigned i = 0; jbuf_packets(jb) && i < 30; i++) {
			struct jbuf_out out;
			jbuf_get(jb, at_us + 200000 + i * 20000, 0, true, &out);
			if (out.kind == JBUF_PACKET)
				pkt_put(pool, out.pkt);
		}
		assert_int_equal(jbuf_packets(jb), 0);
		put(jb, (uint16_t)(10 + full + 70), (2 + full + 70) * FRAME, at_us + (full + 70) * 20000);
		jbuf_free(jb);
	}
}

/* Held too long in the middle of a word: that is told, and nothing dropped, until a pause comes. */
static void test_too_long_a_hold_is_told(void **state)
{
	(void)state;
	struct jbuf *jb = make(20, 200);
	struct jbuf_out out;
	for (unsigned i = 0; i < 8; i++)
		put(jb, (uint16_t)i, i * FRAME, 1000000 + i * 20000);
	expect(jb, 1040000, JBUF_PACKET, 0);
	jbuf_get(jb, 1100000, 0, false, &out); /* 40 ms later than its turn */
	assert_int_equal(out.kind, JBUF_PACKET);
	assert_int_equal(out.pkt->data[out.pkt->offset], 1);
	assert_int_equal(out.above_us, 40000);
	assert_true(jbuf_is_ready(jb));
	pkt_put(pool, out.pkt);
	jbuf_get(jb, 1140000, 20000, false, &out); /* fetched a frame early */
	assert_int_equal(out.above_us, 40000);
	pkt_put(pool, out.pkt);
	jbuf_get(jb, 1140000, 0, true, &out); /* a pause: two are dropped */
	assert_int_equal(out.pkt->data[out.pkt->offset], 5);
	assert_int_equal(out.above_us, 0);
	pkt_put(pool, out.pkt);
	assert_int_equal(jbuf_stats(jb)->dropped_ms, 40);
	jbuf_free(jb);
}

static void test_events_in_between_are_not_missing(void **state)
{
	(void)state;
	static const struct step steps[] = {
		{0, PUT, 10, 0, 0},
		{20, SKIP, 11, 0, 0},
		{40, SKIP, 12, 0, 0},
		{40, GET, 10, 0, JBUF_PACKET},
		{60, PUT, 13, 2880, 0},
		{60, GET, 0, 0, JBUF_GAP},
		{80, GET, 0, 0, JBUF_GAP},
		{100, GET, 13, 0, JBUF_PACKET},
		{110, SKIP, 15, 0, 0}, /* 14 was lost before the event */
		{111, PUT, 16, 4800, 0},
		{120, GET, 16, 0, JBUF_MISSING},
		{140, GET, 16, 0, JBUF_PACKET},
	};
	RUN(steps);
}

static void test_many_events_do_not_fill_the_buffer(void **state)
{
	(void)state;
	struct jbuf *jb = make(20, 200);
	put(jb, 1, 0, 1000000);
	expect(jb, 1040000, JBUF_PACKET, 1);
	for (unsigned i = 0; i < 1000; i++)
		jbuf_skip(jb, (uint16_t)(2 + i));
	for (unsigned i = 1; i <= 1000; i++)
		expect(jb, 1040000 + i * 20000, JBUF_EMPTY, 0);
	assert_int_equal(put(jb, 1002, 1001 * FRAME, 1000000 + 1001 * 20000), 0);
	expect(jb, 1040000 + 1001 * 20000, JBUF_PACKET, 1002);
	assert_int_equal(jbuf_stats(jb)->empty_ms, 0);
	jbuf_free(jb);
}

static void test_timestamp_leap_asks_for_a_flush(void **state)
{
	(void)state;
	struct jbuf *jb = make(20, 200);
	put(jb, 1, 0, 1000000);
	expect(jb, 1040000, JBUF_PACKET, 1);
	assert_int_equal(put(jb, 2, 48000 * 60, 1020000), -EPROTO); /* a minute ahead */
	assert_int_equal(put(jb, 2, 0u - 48000 * 60, 1020000), -EPROTO);
	jbuf_flush(jb);
	assert_int_equal(put(jb, 2, 48000 * 60, 1020000), 0);
	assert_int_equal(jbuf_start_us(jb), 1060000);
	expect(jb, 1060000, JBUF_PACKET, 2);
	assert_int_equal(jbuf_start_us(jb), 0);
	jbuf_free(jb);
}

/* A sender whose timestamps stand still while it is silent comes back "late" for ever, by less than a leap. */
static void test_frozen_timestamps_after_a_pause(void **state)
{
	(void)state;
	struct jbuf *jb = make(20, 200);
	put(jb, 1, 0, 1000000);
	expect(jb, 1040000, JBUF_PACKET, 1);
	for (unsigned i = 1; i <= 40; i++)
		expect(jb, 1040000 + i * 20000, JBUF_EMPTY, 0);
	assert_int_equal(put(jb, 2, FRAME, 1840000), -EPROTO); /* in a pause a fresh start costs nothing: at once */
	jbuf_flush(jb);
	assert_int_equal(put(jb, 2, FRAME, 1840000), 0);
	/* in the middle of speech it takes a few packets to be sure */
	expect(jb, 1880000, JBUF_PACKET, 2);
	for (unsigned i = 0; i < 9; i++)
		expect(jb, 1900000 + i * 20000, JBUF_EMPTY, 0);
	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(put(jb, (uint16_t)(3 + i), 2 * FRAME + i * 96, 2075000 + i * 2000), -ETIME);
	assert_int_equal(put(jb, 7, 2 * FRAME + 400, 2083000), -EPROTO);
	jbuf_free(jb);
}

static void test_long_outage(void **state)
{
	(void)state;
	struct jbuf *jb = make(20, 200);
	put(jb, 1, 0, 1000000);
	expect(jb, 1040000, JBUF_PACKET, 1);
	for (unsigned i = 1; i < 200; i++)
		expect(jb, 1040000 + i * 20000, JBUF_EMPTY, 0);
	assert_int_equal(put(jb, 201, 200 * FRAME, 1000000 + 200 * 20000), 0);
	expect(jb, 1040000 + 200 * 20000, JBUF_PACKET, 201);
	jbuf_free(jb);
}

/* Nobody reads, or the sender is mad: what is kept is bounded, the oldest goes. */
static void test_bounded(void **state)
{
	(void)state;
	struct jbuf *jb = make(20, 100);
	for (unsigned i = 0; i < 500; i++)
		assert_int_equal(put(jb, (uint16_t)i, i * FRAME, 1000000 + i * 100), 0);
	assert_true(jbuf_packets(jb) <= 100 / 20 + JBUF_PACKETS_SPARE);
	jbuf_flush(jb);
	assert_int_equal(jbuf_packets(jb), 0);
	jbuf_free(jb);
}

/* An hour in which the sender's clock is off by 200 ppm: the hold stays where it is. */
static void check_skew(double ppm)
{
	struct jbuf *jb = make(20, 200);
	double next_put_us = 1000000, hold_max_ms = 0;
	uint64_t play_us = 1040000;
	uint32_t ts = 0;
	uint16_t seq = 0;
	for (unsigned i = 0; i < 50 * 3600; i++, play_us += 20000) {
		while (next_put_us <= (double)play_us) {
			assert_int_equal(put(jb, seq++, ts, (uint64_t)next_put_us), 0);
			ts += FRAME;
			next_put_us += 20000.0 / (1.0 + ppm / 1e6);
		}
		struct jbuf_out out;
		jbuf_get(jb, play_us, 0, i % 100 < 20, &out);
		if (out.kind != JBUF_PACKET) {
			assert_int_equal(out.kind, JBUF_STRETCH);
			continue;
		}
		pkt_put(pool, out.pkt);
		if (i > 500 && out.held_us / 1000.0 > hold_max_ms)
			hold_max_ms = out.held_us / 1000.0;
	}
	assert_true(hold_max_ms < 46.0);
	/* 3600 s at 200 ppm are 720 ms: 36 frames */
	const struct jbuf_stats *st = jbuf_stats(jb);
	if (ppm > 0)
		assert_in_range(st->dropped_ms, 680, 780);
	else
		assert_in_range(st->stretched_ms, 680, 780);
	assert_int_equal(st->late + st->missing_ms + st->empty_ms, 0);
	jbuf_free(jb);
}

static void test_an_hour_with_a_clock_too_fast_or_slow(void **state)
{
	(void)state;
	check_skew(200);
	check_skew(-200);
}

static void test_the_hold_follows_the_jitter(void **state)
{
	(void)state;
	struct jbuf_delay d;
	uint32_t rng = 1;
	jbuf_delay_init(&d);
	assert_int_equal(jbuf_delay_percentile_us(&d, 98), 0);
	for (uint64_t i = 0; i < 1000; i++)
		jbuf_delay_add(&d, -5000000 + (int64_t)((rng = rng * 1664525 + 1013904223) >> 8) % 80000, i * 20000);
	assert_in_range(jbuf_delay_percentile_us(&d, 98), 76000, 84000);
	assert_in_range(jbuf_delay_percentile_us(&d, 50), 36000, 44000);
	/* the network calms down: ten seconds later most of that is forgotten */
	for (uint64_t i = 1000; i < 3500; i++)
		jbuf_delay_add(&d, -5000000, i * 20000);
	assert_int_equal(jbuf_delay_percentile_us(&d, 98), JBUF_BIN_US);
	/* the path becomes 100 ms longer: within two windows that is the new base */
	for (uint64_t i = 3500; i < 4100; i++)
		jbuf_delay_add(&d, -4900000, i * 20000);
	assert_int_equal(jbuf_delay_base_us(&d), -4900000);
}

static void test_bad_configuration(void **state)
{
	(void)state;
	struct jbuf *jb = NULL;
	const struct jbuf_conf no_pool = {.min_ms = 20, .max_ms = 200},
			       crossed = {.pool = pool, .min_ms = 100, .max_ms = 60},
			       too_long = {.pool = pool, .min_ms = 20, .max_ms = 5000};
	assert_int_equal(jbuf_new(&no_pool, &jb), -EINVAL);
	assert_int_equal(jbuf_new(&crossed, &jb), -EINVAL);
	assert_int_equal(jbuf_new(&too_long, &jb), -EINVAL);
	assert_null(jb);
	assert_null(jbuf_free(NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_late_duplicate_and_reordered, setup, teardown),
		cmocka_unit_test_setup_teardown(test_two_lost_in_a_row, setup, teardown),
		cmocka_unit_test_setup_teardown(test_silence_of_the_sender_is_not_loss, setup, teardown),
		cmocka_unit_test_setup_teardown(test_late_packets_are_played_late, setup, teardown),
		cmocka_unit_test_setup_teardown(test_too_late_is_too_late, setup, teardown),
		cmocka_unit_test_setup_teardown(test_a_burst_after_an_outage, setup, teardown),
		cmocka_unit_test_setup_teardown(test_overtaken_by_a_full_buffer, setup, teardown),
		cmocka_unit_test_setup_teardown(test_too_long_a_hold_is_told, setup, teardown),
		cmocka_unit_test_setup_teardown(test_events_in_between_are_not_missing, setup, teardown),
		cmocka_unit_test_setup_teardown(test_many_events_do_not_fill_the_buffer, setup, teardown),
		cmocka_unit_test_setup_teardown(test_timestamp_leap_asks_for_a_flush, setup, teardown),
		cmocka_unit_test_setup_teardown(test_frozen_timestamps_after_a_pause, setup, teardown),
		cmocka_unit_test_setup_teardown(test_long_outage, setup, teardown),
		cmocka_unit_test_setup_teardown(test_bounded, setup, teardown),
		cmocka_unit_test_setup_teardown(test_an_hour_with_a_clock_too_fast_or_slow, setup, teardown),
		cmocka_unit_test(test_the_hold_follows_the_jitter),
		cmocka_unit_test_setup_teardown(test_bad_configuration, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
