/* Keys as sound: what we make is heard, what is no key is not. */
#include "media/dsp/dtmf_ear.h"
#include "media/dsp/dtmf_tone.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { RATE = 8000, MS = RATE / 1000, SECONDS_MAX = 4, HEARD_MAX = 64, PACKET = 160 };
#define TWO_PI 6.283185307179586

static int16_t signal_[RATE * SECONDS_MAX];
static size_t length;
static struct dtmf_heard heard[HEARD_MAX];
static size_t heard_count, suspected;

static void say(char digit, unsigned ms)
{
	struct dtmf_tone t = {0};
	assert_true(length + ms * MS <= RATE * SECONDS_MAX);
	dtmf_tone_read(&t, digit, RATE, signal_ + length, ms * MS);
	length += ms * MS;
}

static void add_noise(double rms)
{
	uint32_t seed = 1;
	for (size_t i = 0; i < length; i++) {
		double sum = 0;
		for (int k = 0; k < 12; k++) {
			seed = seed * 1664525 + 1013904223;
			sum += seed / 4294967296.0;
		}
		signal_[i] = (int16_t)(signal_[i] + (sum - 6.0) * rms);
	}
}

static void listen(struct dtmf_ear *e, size_t from, size_t to)
{
	for (size_t at = from; at < to; at += PACKET) {
		struct dtmf_heard some[DTMF_HEARD_MAX];
		size_t n = dtmf_ear_hear(e, signal_ + at, to - at < PACKET ? to - at : PACKET, some);
		assert_true(heard_count + n <= HEARD_MAX);
		memcpy(heard + heard_count, some, n * sizeof(some[0]));
		heard_count += n;
		suspected += dtmf_ear_suspects(e);
	}
}

static void listen_to_all(void)
{
	struct dtmf_ear *e;
	heard_count = 0;
	assert_int_equal(dtmf_ear_new(&e), 0);
	listen(e, 0, length);
	unsigned ms;
	assert_int_equal(dtmf_ear_digit(e, &ms), 0);
	assert_false(dtmf_ear_suspects(e));
	assert_null(dtmf_ear_free(e));
}

/* Begin and end of each, in turn. */
static void assert_heard(const char *digits, unsigned ms)
{
	assert_int_equal(heard_count, 2 * strlen(digits));
	for (size_t i = 0; digits[i]; i++) {
		assert_int_equal(heard[2 * i].digit, digits[i]);
		assert_false(heard[2 * i].ended);
		assert_int_equal(heard[2 * i + 1].digit, digits[i]);
		assert_true(heard[2 * i + 1].ended);
		assert_in_range(heard[2 * i + 1].duration_ms, ms > 20 ? ms - 20 : 0, ms + 20);
	}
}

/* ITU-T Q.24: 40 ms are a key, and 40 ms between two; any phase against the detector's blocks. */
static const struct {
	unsigned on_ms, off_ms;
	double noise;
} rhythms[] = {{40, 40, 0}, {45, 45, 0}, {60, 40, 0}, {100, 60, 0}, {100, 60, 100}, {230, 50, 0}};

static void test_every_key_in_every_rhythm(void **state)
{
	(void)state;
	static const char keys[] = "0123456789*#ABCD";
	for (size_t i = 0; i < sizeof(rhythms) / sizeof(rhythms[0]); i++) {
		length = 0;
		size_t n = rhythms[i].on_ms > 100 ? 8 : 16;
		for (size_t k = 0; k < n; k++) {
			say(keys[k], rhythms[i].on_ms);
			say(0, rhythms[i].off_ms);
		}
		say(0, 100);
		add_noise(rhythms[i].noise);
		listen_to_all();
		char expected[17] = "";
		memcpy(expected, keys, n);
		assert_heard(expected, rhythms[i].on_ms);
	}
}

static void test_the_same_key_again(void **state)
{
	(void)state;
	length = 0;
	for (int i = 0; i < 5; i++) {
		say('5', 60);
		say(0, 50);
	}
	say(0, 100);
	listen_to_all();
	assert_heard("55555", 60);
}

static void test_too_short_is_none(void **state)
{
	(void)state;
	for (unsigned phase = 0; phase < 13; phase++) { /* any phase against the detector's blocks */
		length = 0;
		say(0, 50 + phase);
		say('5', 15);
		say(0, 100);
		listen_to_all();
		assert_int_equal(heard_count, 0);
	}
}

static void test_lost_packets_break_no_key(void **state)
{
	(void)state;
	struct dtmf_ear *e;
	length = heard_count = 0;
	say('5', 200);
	say(0, 100);
	assert_int_equal(dtmf_ear_new(&e), 0);
	listen(e, 0, 4 * PACKET);
	dtmf_ear_miss(e, 2 * PACKET);
	listen(e, 6 * PACKET, length);
	dtmf_ear_free(e);
	assert_heard("5", 200);
}

static void test_reset_ends_a_key(void **state)
{
	(void)state;
	struct dtmf_ear *e;
	struct dtmf_heard end[1];
	length = heard_count = 0;
	say('5', 100);
	say(0, 300);
	assert_int_equal(dtmf_ear_new(&e), 0);
	listen(e, 0, 5 * PACKET);
	unsigned ms;
	assert_int_equal(dtmf_ear_digit(e, &ms), '5');
	assert_in_range(ms, 60, 90);
	assert_true(dtmf_ear_suspects(e));
	assert_int_equal(dtmf_ear_reset(e, end), 1);
	assert_int_equal(end[0].digit, '5');
	assert_true(end[0].ended);
	assert_int_equal(dtmf_ear_reset(e, end), 0);
	listen(e, 5 * PACKET, length);
	assert_int_equal(heard_count, 1);
	dtmf_ear_free(e);
}

/* Talk-off: vowels by a pulse train through formants that sometimes lie on a key's frequencies, gliding pitch,
 * whistles, and one of a key's tones alone. */
static double formant(double *state, double in, double hz, double bandwidth)
{
	double r = exp(-TWO_PI / 2 * bandwidth / RATE), c = 2 * r * cos(TWO_PI * hz / RATE);
	double out = in + c * state[0] - r * r * state[1];
	state[1] = state[0];
	state[0] = out;
	return out;
}

static void speak(unsigned seed)
{
	static const double vowels[][3] = {{697, 1209, 2500}, {730, 1090, 2440}, {770, 1336, 2600}, {530, 1840, 2480},
		{660, 1720, 2410}, {852, 1477, 2550}, {941, 1633, 2500}, {440, 1020, 2240}, {300, 870, 2240}};
	double f[3][2] = {{0}}, phase = 0;
	length = RATE * SECONDS_MAX;
	for (size_t i = 0; i < length; i++) {
		unsigned syllable = (unsigned)(i / (RATE / 5)) + seed;
		const double *v = vowels[syllable * 7 % 9];
		double pitch = 90 + seed * 13 % 170 + 25 * sin((double)i / RATE * 5 + seed);
		phase += pitch / RATE;
		double in = phase >= 1 ? 1 : 0;
		phase -= floor(phase);
		double envelope = sin((double)(i % (RATE / 5)) / (RATE / 5) * TWO_PI / 2);
		double out = formant(f[0], in, v[0], 60) + formant(f[1], in, v[1], 80) * 0.7 +
			     formant(f[2], in, v[2], 120) * 0.3;
		double pcm = out * 4000 * envelope;
		signal_[i] = (int16_t)(pcm > 32000 ? 32000 : pcm < -32000 ? -32000 : pcm);
	}
}

static void whistle(double hz, double glide)
{
	double phase = 0;
	length = RATE * SECONDS_MAX;
	for (size_t i = 0; i < length; i++) {
		phase += TWO_PI * (hz + glide * (double)i / RATE) / RATE;
		signal_[i] = (int16_t)(9000 * sin(phase));
	}
}

static void test_talk_off(void **state)
{
	(void)state;
	suspected = 0;
	for (unsigned seed = 1; seed <= 15; seed++) { /* a minute of speech */
		speak(seed);
		listen_to_all();
		assert_int_equal(heard_count, 0);
	}
	printf("%zu packets of a minute suspected\n", suspected);
	assert_true(suspected < 5); /* those are kept back */
	static const double whistles[][2] = {{697, 0}, {941, 0}, {1209, 0}, {1633, 0}, {500, 300}, {1200, 150}};
	for (size_t i = 0; i < sizeof(whistles) / sizeof(whistles[0]); i++) {
		whistle(whistles[i][0], whistles[i][1]);
		listen_to_all();
		assert_int_equal(heard_count, 0);
	}
}

static void test_wide_band(void **state)
{
	(void)state;
	int16_t wide[2 * 800];
	struct dtmf_tone t = {0};
	length = 0;
	dtmf_tone_read(&t, '9', 2 * RATE, wide, 800); /* in two pieces: the phase goes on */
	dtmf_tone_read(&t, '9', 2 * RATE, wide + 800, 800);
	for (size_t i = 0; i < 800; i++)
		signal_[length++] = wide[2 * i];
	say(0, 100);
	listen_to_all();
	assert_heard("9", 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_key_in_every_rhythm),
		cmocka_unit_test(test_the_same_key_again),
		cmocka_unit_test(test_too_short_is_none),
		cmocka_unit_test(test_lost_packets_break_no_key),
		cmocka_unit_test(test_reset_ends_a_key),
		cmocka_unit_test(test_talk_off),
		cmocka_unit_test(test_wide_band),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
