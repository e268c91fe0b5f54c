/* A known delay put between the two ends must be the delay that is measured; quantiles of known values. */
#include "media/codec/g711.h"
#include "media/codec/opus_codec.h"
#include "tools/loadgen/delay.h"
#include "tools/loadgen/signal.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

enum { SECONDS = 5 };

static struct speech *bursts(enum speech_coding coding, unsigned hz, struct delay_marks **ret_marks)
{
	int16_t *pcm = calloc(hz * SECONDS, sizeof(*pcm));
	struct speech *s = NULL;

	signal_bursts(pcm, hz, SECONDS);
	assert_int_equal(speech_encode(pcm, hz * SECONDS, hz, coding, &s), 0);
	assert_int_equal(delay_marks_of(s, coding, ret_marks), 0);
	free(pcm);
	return s;
}

/* Every packet of s goes in at its time and comes out `delay_us` later, as it is. */
static void pass(const struct speech *s, const struct delay_marks *marks, bool opus, uint64_t delay_us)
{
	struct samples ms = {0};
	struct delay_line d = {.marks = marks, .ms = &ms};

	if (opus)
		assert_int_equal(opus_dec_new(DELAY_HZ, &d.dec), 0);
	for (size_t i = 0; i < 2 * s->count; i++) {
		const struct speech_packet *p = &s->packets[i % s->count];
		uint64_t now_us = 1000000 + i * 20000;
		delay_sent(&d, i % s->count, now_us);
		delay_heard(&d, p->bytes, p->length, now_us + delay_us);
	}
	/* The first burst comes before there was silence to tell it by. */
	assert_int_equal(ms.count, 2 * SECONDS - 1);
	assert_int_equal(d.missed, 1);
	assert_true(fabs(samples_quantile(&ms, 0.5) - (double)delay_us / 1000) < 0.3);
	assert_true(fabs(samples_quantile(&ms, 1) - (double)delay_us / 1000) < 1.0);
	samples_done(&ms);
	delay_line_done(&d);
}

static void a_known_delay_is_measured(void **state)
{
	struct delay_marks *marks;
	struct speech *s = bursts(SPEECH_PCMU, 8000, &marks);

	(void)state;
	pass(s, marks, false, 0);
	pass(s, marks, false, 47000);
	speech_free(s);
	free(marks);
	s = bursts(SPEECH_OPUS, 16000, &marks);
	pass(s, marks, true, 0);
	pass(s, marks, true, 47000);
	speech_free(s);
	free(marks);
}

/* PCMU in, Opus out: what is left of the delay is the encoder's look-ahead, 6.5 ms. */
static void look_ahead_counts(void **state)
{
	const struct opus_enc_conf conf = {.rate_hz = 8000, .bitrate = 24000};
	struct delay_marks *marks;
	struct speech *s = bursts(SPEECH_PCMU, 8000, &marks);
	struct samples ms = {0};
	struct delay_line d = {.marks = marks, .ms = &ms};
	struct opus_enc *enc;

	(void)state;
	assert_int_equal(opus_dec_new(DELAY_HZ, &d.dec), 0);
	assert_int_equal(opus_enc_new(&conf, &enc), 0);
	for (size_t i = 0; i < s->count; i++) {
		int16_t pcm[160];
		uint8_t packet[400];
		g711_to_pcm(G711_MU, s->packets[i].bytes, 160, pcm);
		int n = opus_enc_frame(enc, pcm, 160, packet, sizeof(packet));
		assert_true(n > 0);
		delay_sent(&d, i, 1000000 + i * 20000);
		delay_heard(&d, packet, (size_t)n, 1000000 + i * 20000);
	}
	assert_true(ms.count >= SECONDS - 1);
	assert_true(fabs(samples_quantile(&ms, 0.5) - 6.5) < 1.0);
	samples_done(&ms);
	delay_line_done(&d);
	opus_enc_free(enc);
	speech_free(s);
	free(marks);
}

static void a_burst_that_never_comes_is_missed(void **state)
{
	struct delay_marks *marks;
	struct speech *s = bursts(SPEECH_PCMU, 8000, &marks);
	struct samples ms = {0};
	struct delay_line d = {.marks = marks, .ms = &ms};

	(void)state;
	for (size_t i = 0; i < s->count; i++)
		delay_sent(&d, i, 1000000 + i * 20000);
	assert_int_equal(d.missed, SECONDS - 1);
	assert_int_equal(ms.count, 0);
	assert_true(isnan(samples_quantile(&ms, 0.5)));
	speech_free(s);
	free(marks);
}

static void silence_has_no_marks(void **state)
{
	int16_t pcm[1600] = {0};
	struct speech *s;
	struct delay_marks *marks = NULL;

	(void)state;
	assert_int_equal(speech_encode(pcm, 1600, 8000, SPEECH_PCMU, &s), 0);
	assert_true(delay_marks_of(s, SPEECH_PCMU, &marks) < 0);
	assert_null(marks);
	speech_free(s);
}

static void quantiles(void **state)
{
	struct samples s = {0};

	(void)state;
	for (int i = 100; i > 0; i--)
		samples_add(&s, i);
	assert_true(samples_quantile(&s, 0.5) == 50);
	assert_true(samples_quantile(&s, 0.99) == 99);
	assert_true(samples_quantile(&s, 1) == 100);
	assert_true(samples_quantile(&s, 0) == 1);
	samples_done(&s);
	assert_int_equal(s.count, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_known_delay_is_measured),
		cmocka_unit_test(look_ahead_counts),
		cmocka_unit_test(a_burst_that_never_comes_is_missed),
		cmocka_unit_test(silence_has_no_marks),
		cmocka_unit_test(quantiles),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
