/* The first words are kept, played in order, and the delay is worked off in pauses. */
#include "media/greeting.h"
#include "tests/support/media/sim_voice.h"
#include "tests/support/oom.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { FRAME = 160, FRAME_US = 20000, LOG_MAX = 1024, LOUD = 1, QUIET = 0 };

/* What went to the line. */
static struct {
	uint64_t at_us;
	uint16_t seq;
	uint32_t ts;
	uint8_t first; /* of the payload */
	size_t length;
	char digit; /* or '+' a new source; 0: audio */
} out[LOG_MAX];
static size_t outs;
static bool digit_on_wire;
static struct greeting *g;
static uint64_t now_us;
static uint16_t seq;
static uint32_t ts;

static void on_audio(void *arg, const struct rtp_hdr *hdr, enum line_format format, const uint8_t *payload,
	size_t length, uint64_t at_us)
{
	(void)arg, (void)format;
	assert_true(outs < LOG_MAX);
	out[outs].at_us = at_us;
	out[outs].seq = hdr->seq;
	out[outs].ts = hdr->ts;
	out[outs].first = payload[0];
	out[outs].length = length;
	out[outs++].digit = 0;
}

static void on_digit(void *arg, const struct tev_report *report, uint64_t at_us)
{
	(void)arg;
	digit_on_wire = report->kind == TEV_BEGIN;
	if (report->kind != TEV_END)
		return;
	out[outs].at_us = at_us;
	out[outs++].digit = report->digit;
}

static void on_new_source(void *arg, uint64_t at_us)
{
	(void)arg;
	out[outs].at_us = at_us;
	out[outs++].digit = '+';
}

static bool is_busy(void *arg)
{
	(void)arg;
	return digit_on_wire;
}

static const struct greeting_io io = {on_audio, on_digit, on_new_source, is_busy};

static int setup(void **state)
{
	const struct line_source source = {0};
	(void)state;
	outs = 0;
	digit_on_wire = false;
	now_us = 5000000;
	seq = 65530;
	ts = 0xfffffd00;
	return greeting_new(&source, &io, NULL, &g);
}

static int teardown(void **state)
{
	(void)state;
	g = greeting_free(g);
	return 0;
}

/* mark: first byte of the payload, to know it again */
static void packet(int loud, uint8_t mark)
{
	uint8_t payload[FRAME];
	const struct rtp_hdr hdr = {.seq = seq++, .ts = ts};

	for (size_t i = 0; i < sizeof(payload); i++)
		payload[i] = loud ? (i & 8 ? 0x90 : 0x10) : 0xff; /* mu-law: +-20000, or silence */
	payload[0] = mark;
	greeting_audio(g, &hdr, LINE_PCMU, payload, sizeof(payload));
	ts += FRAME;
}

/* The same as arrives from a peer: a packet each 20 ms, time goes on. */
static void live(int loud, unsigned ms)
{
	for (; ms; ms -= 20) {
		if (!greeting_is_over(g)) /* else they go to the line */
			packet(loud, loud ? 0x10 : 0xff);
		greeting_tick(g, now_us);
		now_us += FRAME_US;
	}
}

static void run(unsigned ms)
{
	for (; ms; ms -= 20) {
		now_us += FRAME_US;
		greeting_tick(g, now_us);
	}
}

/* One after another, without a hole in sequence and timestamps, each when the one before is over. */
static void assert_one_piece(size_t from)
{
	for (size_t i = from + 1; i < outs; i++) {
		if (out[i].digit || out[i - 1].digit)
			continue;
		assert_int_equal((uint16_t)(out[i].seq - out[i - 1].seq), 1);
		assert_int_equal(out[i].ts - out[i - 1].ts, FRAME);
		assert_int_equal(out[i].at_us - out[i - 1].at_us, FRAME_US);
	}
}

static void test_kept_in_order_and_played_from_the_beginning(void **state)
{
	(void)state;
	assert_int_equal(greeting_deadline(g), UINT64_MAX);
	for (uint8_t i = 0; i < 30; i++)
		packet(LOUD, i);
	greeting_tick(g, now_us + 1000000);
	assert_int_equal(outs, 0);
	assert_int_equal(greeting_backlog_ms(g), 600);
	greeting_start(g, now_us);
	assert_int_equal(outs, 1); /* at once */
	run(29 * 20);
	assert_int_equal(outs, 30);
	for (uint8_t i = 0; i < 30; i++)
		assert_int_equal(out[i].first, i);
	assert_int_equal(out[0].seq, 65530);
	assert_one_piece(0);
	assert_true(greeting_is_over(g));
	assert_int_equal(greeting_stats(g).held_ms, 600);
	assert_int_equal(greeting_shift(g).seq, 0); /* nothing was left out */
	assert_int_equal(greeting_shift(g).ts, 0);
}

/* Someone says "Good morning", pauses, goes on: Meta answers 600 ms after the SIP side. */
static void test_backlog_over_time(void **state)
{
	static const struct {
		int loud;
		unsigned ms;
		unsigned backlog_ms; /* at the end of it */
	} speech[] = {
		{LOUD, 600, 600},                    /* held; now media may flow */
		{LOUD, 400, 600},                    /* no pause: the delay stays */
		{QUIET, 100, 600},                   /* too short: 60 ms after a word and 40 before the next are kept */
		{LOUD, 300, 600}, {QUIET, 300, 400}, /* what is more than that is left out */
		{LOUD, 500, 400}, {QUIET, 240, 260}, {LOUD, 200, 260},
		{QUIET, 600, 0}, /* all that is left is a pause */
	};
	(void)state;
	for (size_t i = 0; i < sizeof(speech) / sizeof(speech[0]); i++) {
		if (i == 1)
			greeting_start(g, now_us);
		live(speech[i].loud, speech[i].ms);
		if (fabs((double)greeting_backlog_ms(g) - speech[i].backlog_ms) > 20)
			fail_msg("line %zu: %u ms, not %u", i, greeting_backlog_ms(g), speech[i].backlog_ms);
		assert_int_equal(greeting_is_over(g), i == 8);
	}
	assert_one_piece(0);
	size_t loud = 0;
	for (size_t i = 0; i < outs; i++)
		loud += out[i].first == 0x10;
	assert_int_equal(loud, (600 + 400 + 300 + 500 + 200) / 20); /* every word of it */
	const struct greeting_shift shift = greeting_shift(g);
	/* packets that came when it was over are of no matter here; the stream's numbers go on where the line's do */
	assert_int_equal((uint32_t)(shift.seq * FRAME), shift.ts);
	assert_true(shift.ts >= 600 * 8 - FRAME && shift.ts <= 620 * 8);
}

static void test_silence_before_the_first_word_is_no_backlog(void **state)
{
	(void)state;
	live(QUIET, 800);
	live(LOUD, 200);
	greeting_start(g, now_us);
	assert_int_equal(greeting_stats(g).held_ms, 240);
	assert_int_equal(out[0].first, 0xff);
	greeting_tick(g, now_us + 2 * FRAME_US);
	assert_int_equal(out[2].first, 0x10);
}

static void test_nothing_said_is_over_at_once(void **state)
{
	(void)state;
	greeting_start(g, now_us);
	assert_true(greeting_is_over(g));
	assert_int_equal(outs, 0);
}

/* Two seconds, the latest; pauses go first. */
static void test_bounded(void **state)
{
	(void)state;
	live(LOUD, 1000);
	live(QUIET, 1000);
	live(LOUD, 900);
	assert_int_equal(greeting_stats(g).lost_ms, 0);
	for (unsigned i = 0; i < 100; i++)
		packet(LOUD, (uint8_t)i);
	assert_int_equal(greeting_backlog_ms(g), GREETING_MAX_MS);
	assert_int_equal(
		greeting_stats(g).lost_ms, 2000 - GREETING_PAUSE_AFTER_MS); /* a pause at the beginning is none */
	greeting_start(g, now_us);
	assert_int_equal(out[0].first, 0);
	run(99 * 20);
	assert_int_equal(outs, 100);
	assert_one_piece(0);
}

static void test_reordered_and_lost(void **state)
{
	/* in tens of milliseconds of the stream; 4 is lost, 0 comes too late */
	static const uint8_t order[] = {1, 3, 2, 6, 5, 8, 7};
	uint16_t seq0 = seq;
	uint32_t ts0 = ts;

	(void)state;
	for (size_t i = 0; i < sizeof(order); i++) {
		seq = (uint16_t)(seq0 + order[i]);
		ts = ts0 + order[i] * FRAME;
		packet(LOUD, order[i]);
	}
	greeting_start(g, now_us);
	seq = seq0;
	ts = ts0;
	packet(LOUD, 0);
	assert_int_equal(greeting_stats(g).late, 1);
	run(200);
	assert_int_equal(outs, 7);
	static const uint8_t heard[] = {1, 2, 3, 5, 6, 7, 8};
	for (size_t i = 0; i < 7; i++) {
		assert_int_equal(out[i].first, heard[i]);
		assert_int_equal(out[i].ts, ts0 + heard[i] * FRAME);
		assert_int_equal(out[i].seq, (uint16_t)(seq0 + 1 + i));
	}
}

/* A peer that sends nothing while it is silent. */
static void test_silence_not_sent(void **state)
{
	(void)state;
	packet(LOUD, 1);
	ts += 8000;
	packet(LOUD, 2);
	assert_int_equal(greeting_backlog_ms(g), 40 + GREETING_PAUSE_AFTER_MS);
	greeting_start(g, now_us);
	greeting_tick(g, now_us + 100000);
	assert_int_equal(outs, 2);
	assert_int_equal(out[1].ts - out[0].ts, FRAME + GREETING_PAUSE_AFTER_MS * 8);
	assert_int_equal(out[1].at_us - out[0].at_us, FRAME_US + GREETING_PAUSE_AFTER_MS * 1000);
	assert_int_equal(greeting_shift(g).ts, 8000 - GREETING_PAUSE_AFTER_MS * 8);
}

static void test_digits_keep_their_place(void **state)
{
	const struct tev_report begin = {TEV_BEGIN, '5', 0}, end = {TEV_END, '5', 100};

	(void)state;
	live(LOUD, 200);
	greeting_digit(g, &begin);
	live(LOUD, 100); /* the tone itself, sent besides: heard twice it would be two digits */
	greeting_digit(g, &end);
	live(LOUD, 60);
	greeting_start(g, now_us);
	greeting_tick(g, now_us + 180000);
	assert_int_equal(outs, 10);
	greeting_tick(g, now_us + 240000);
	assert_int_equal(outs, 14);
	assert_int_equal(out[10].digit, '5');
	assert_true(greeting_is_over(g));
}

static void test_audio_waits_for_the_digit_on_the_wire(void **state)
{
	const struct tev_report begin = {TEV_BEGIN, '#', 0}, end = {TEV_END, '#', 200};

	(void)state;
	greeting_digit(g, &begin);
	greeting_start(g, now_us);
	greeting_tick(g, now_us + 100000);
	assert_int_equal(outs, 0);
	greeting_digit(g, &end);
	packet(LOUD, 1);
	greeting_tick(g, now_us + 120000);
	assert_int_equal(out[0].digit, '#');
	greeting_tick(g, now_us + 140000);
	assert_int_equal(outs, 2);
	assert_true(greeting_is_over(g));
}

static void test_another_source_meanwhile(void **state)
{
	(void)state;
	live(LOUD, 60);
	greeting_new_source(g);
	seq = 7;
	ts = 12345;
	live(LOUD, 60);
	greeting_start(g, now_us);
	greeting_tick(g, now_us + 200000);
	assert_int_equal(outs, 7);
	assert_int_equal(out[3].digit, '+');
	assert_int_equal(out[4].seq, 7);
	assert_int_equal(out[4].ts, 12345);
	assert_int_equal(greeting_shift(g).seq, 0);
}

/* A fan in the room: its noise is louder than what is silence as such. */
static void test_pauses_in_a_noisy_room(void **state)
{
	uint8_t payload[FRAME];
	int16_t pcm[FRAME];
	unsigned random = 1;

	(void)state;
	for (unsigned i = 0; i < 120; i++) {
		bool word = i % 60 < 30;
		const struct rtp_hdr hdr = {.seq = seq++, .ts = ts};
		sim_voice(pcm, FRAME, 1000);
		for (size_t k = 0; k < FRAME; k++) {
			random = random * 1103515245u + 12345;
			int noise = (int)(random >> 16 & 1023) - 512; /* -41 dB */
			pcm[k] = (int16_t)((word ? pcm[k] : 0) + noise);
		}
		g711_from_pcm(G711_MU, pcm, FRAME, payload);
		greeting_audio(g, &hdr, LINE_PCMU, payload, FRAME);
		ts += FRAME;
	}
	greeting_start(g, now_us);
	assert_in_range(greeting_stats(g).held_ms, 1200, 1400); /* 2 x 600 ms of words */
}

/* What is the same all the time, a tone or music, has no pauses, however soft it is. */
static void test_a_steady_tone_has_no_pauses(void **state)
{
	uint8_t payload[FRAME];
	int16_t pcm[FRAME];

	(void)state;
	for (unsigned i = 0; i < 50; i++) {
		const struct rtp_hdr hdr = {.seq = seq++, .ts = ts};
		for (size_t k = 0; k < FRAME; k++)
			pcm[k] = (int16_t)(600 * sin(2 * 3.14159265 * 425 * (double)(i * FRAME + k) / 8000));
		g711_from_pcm(G711_MU, pcm, FRAME, payload);
		greeting_audio(g, &hdr, LINE_PCMU, payload, FRAME);
		ts += FRAME;
	}
	greeting_start(g, now_us);
	assert_int_equal(greeting_stats(g).held_ms, 1000);
}

static void test_hostile_packets(void **state)
{
	uint8_t payload[1400];
	unsigned random = 7;

	(void)state;
	memset(payload, 0x55, sizeof(payload));
	for (unsigned i = 0; i < 3000; i++) {
		random = random * 1103515245u + 12345;
		const struct rtp_hdr hdr = {.seq = (uint16_t)(seq + random % 9), .ts = random * 7};
		seq += (uint16_t)(random >> 8 & 1);
		greeting_audio(g, &hdr,
			random & 64    ? LINE_PCMA
			: random & 128 ? LINE_OPUS
				       : LINE_G722,
			payload, random >> 16 & 0x3ff);
		if (i % 7 == 0)
			greeting_new_source(g);
		if (i % 5 == 0)
			greeting_digit(g, &(struct tev_report){random & 1 ? TEV_BEGIN : TEV_END, '1', 50});
		if (i == 1000)
			greeting_start(g, now_us);
		outs = 0;
		digit_on_wire = false;
		now_us += 10000;
		greeting_tick(g, now_us);
		assert_true(greeting_backlog_ms(g) <= GREETING_MAX_MS);
	}
}

static void test_out_of_memory(void **state)
{
	const struct line_source source = {.wide = true, .g722 = true, .opus = true};
	unsigned n = 1;

	(void)state;
	for (; oom_next(n); n++) {
		struct greeting *made = NULL;
		int r = greeting_new(&source, &io, NULL, &made);
		oom_off();
		assert_true(r == 0 ? made != NULL : r == -ENOMEM && !made);
		greeting_free(made);
	}
	assert_in_range(n, 4, 8);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_kept_in_order_and_played_from_the_beginning),
		TEST(test_backlog_over_time),
		TEST(test_silence_before_the_first_word_is_no_backlog),
		TEST(test_nothing_said_is_over_at_once),
		TEST(test_bounded),
		TEST(test_reordered_and_lost),
		TEST(test_silence_not_sent),
		TEST(test_digits_keep_their_place),
		TEST(test_audio_waits_for_the_digit_on_the_wire),
		TEST(test_another_source_meanwhile),
		TEST(test_pauses_in_a_noisy_room),
		TEST(test_a_steady_tone_has_no_pauses),
		TEST(test_hostile_packets),
		TEST(test_out_of_memory),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
