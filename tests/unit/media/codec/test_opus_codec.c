#include "media/codec/opus_codec.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "media/dsp/level.h"

#include <errno.h>
#include <math.h>
#include <string.h>

enum { RATE = 8000, FRAME = 160 };

static void sine(int16_t *pcm, size_t samples, size_t from)
{
	for (size_t i = 0; i < samples; i++)
		pcm[i] = (int16_t)(8000.0 * sin(2.0 * 3.14159265358979 * 440.0 * (double)(from + i) / RATE));
}

static struct opus_enc *new_enc(uint8_t complexity, uint8_t loss_percent)
{
	const struct opus_enc_conf conf = {.rate_hz = RATE, .complexity = complexity, .loss_percent = loss_percent};
	struct opus_enc *e = NULL;
	assert_int_equal(opus_enc_new(&conf, &e), 0);
	return e;
}

static void test_tone_survives(void **state)
{
	(void)state;
	struct opus_enc *e = new_enc(0, 0);
	struct opus_dec *d = NULL;
	int16_t in[FRAME], out[FRAME];
	uint8_t packet[400];
	assert_int_equal(opus_dec_new(RATE, &d), 0);
	for (size_t i = 0; i < 50; i++) {
		sine(in, FRAME, i * FRAME);
		int n = opus_enc_frame(e, in, FRAME, packet, sizeof(packet));
		assert_in_range(n, 10, 120); /* 24 kb/s is 60 bytes */
		assert_int_equal(opus_packet_duration_ts(packet, (size_t)n), 960);
		assert_int_equal(opus_dec_packet(d, packet, (size_t)n, out, FRAME), FRAME);
	}
	assert_true(fabs(level_dbov(in, FRAME) - level_dbov(out, FRAME)) < 1.0);
	/* one frame lost, then more: concealment sounds on at first and fades */
	assert_int_equal(opus_dec_conceal(d, out, FRAME), FRAME);
	assert_true(level_dbov(out, FRAME) > -25.0);
	for (int i = 0; i < 30; i++)
		assert_int_equal(opus_dec_conceal(d, out, FRAME), FRAME);
	assert_true(level_dbov(out, FRAME) < -35.0);
	opus_enc_free(e);
	opus_dec_free(d);
}

/* Speech-like: a pulse train through changing pitch, which SILK codes with redundancy when told of loss. */
static void buzz(int16_t *pcm, size_t samples, size_t from)
{
	for (size_t i = 0; i < samples; i++) {
		size_t t = from + i, period = 60 + (t / 1600) % 40;
		pcm[i] = (int16_t)(t % period < 4 ? 12000 : -(int)(12000 * 4 / period));
	}
}

static void test_redundancy_restores_a_lost_frame(void **state)
{
	(void)state;
	struct opus_enc *e = new_enc(5, 20);
	struct opus_dec *d = NULL;
	int16_t in[FRAME], out[FRAME];
	uint8_t packet[400];
	int with_redundancy = 0;
	assert_int_equal(opus_dec_new(RATE, &d), 0);
	for (size_t i = 0; i < 100; i++) {
		buzz(in, FRAME, i * FRAME);
		int n = opus_enc_frame(e, in, FRAME, packet, sizeof(packet));
		assert_true(n > 0);
		if (i % 10 == 4)
			continue; /* lost */
		bool redundant = opus_packet_has_redundancy(packet, (size_t)n);
		with_redundancy += redundant;
		if (i % 10 == 5 && i > 20 && redundant) {
			assert_int_equal(opus_dec_fec(d, packet, (size_t)n, out, FRAME), FRAME);
			assert_true(fabs(level_dbov(in, FRAME) - level_dbov(out, FRAME)) < 6.0);
		}
		assert_int_equal(opus_dec_packet(d, packet, (size_t)n, out, FRAME), FRAME);
	}
	assert_true(with_redundancy > 10);
	opus_enc_set_loss(e, 0);
	for (size_t i = 100; i < 110; i++) {
		buzz(in, FRAME, i * FRAME);
		int n = opus_enc_frame(e, in, FRAME, packet, sizeof(packet));
		assert_true(n > 0);
		if (i > 102)
			assert_false(opus_packet_has_redundancy(packet, (size_t)n));
	}
	opus_enc_free(e);
	opus_dec_free(d);
}

/* Of 40 frames of a buzz at 16 kHz: the widest audio bandwidth (RFC 6716 s3.1, table 2: configurations in fours from
 * narrow to wide), whether all have one length, how many carry redundancy. */
struct made {
	unsigned bandwidth, lengths, redundant;
};

static struct made make(struct opus_enc *e)
{
	struct made made = {0};
	int16_t in[2 * FRAME];
	uint8_t packet[400];
	int last = 0;

	for (size_t i = 0; i < 60; i++) {
		buzz(in, 2 * FRAME, i * 2 * FRAME);
		int n = opus_enc_frame(e, in, 2 * FRAME, packet, sizeof(packet));
		assert_true(n > 0);
		if (i < 20)
			continue; /* it does not change its ways at once */
		made.bandwidth = packet[0] >> 5 > made.bandwidth ? packet[0] >> 5 : made.bandwidth;
		made.lengths += n != last;
		made.redundant += opus_packet_has_redundancy(packet, (size_t)n);
		last = n;
	}
	return made;
}

static void test_what_the_receiver_wants(void **state)
{
	static const struct {
		uint32_t max_playback_hz;
		bool cbr, no_fec;
		unsigned bandwidth;
	} wants[] = {{0, false, false, 2}, {8000, false, false, 0}, {12000, false, false, 1}, {16000, true, false, 2},
		{48000, false, true, 2}, {24000, true, true, 2}, {0, false, false, 2}};
	const struct opus_enc_conf conf = {.rate_hz = 16000, .bitrate = 40000, .complexity = 5, .loss_percent = 20};
	struct opus_enc *e, *begun;

	(void)state;
	assert_int_equal(opus_enc_new(&conf, &e), 0);
	for (size_t i = 0; i < sizeof(wants) / sizeof(wants[0]); i++) {
		struct opus_enc_conf from_the_start = conf;
		from_the_start.max_playback_hz = wants[i].max_playback_hz;
		from_the_start.cbr = wants[i].cbr;
		from_the_start.no_fec = wants[i].no_fec;
		assert_int_equal(opus_enc_new(&from_the_start, &begun), 0);
		opus_enc_set_receiver(e, wants[i].max_playback_hz, wants[i].cbr, wants[i].no_fec);
		opus_enc_set_loss(e, 20); /* a report comes in: it does not turn on what the receiver cannot use */
		const struct made both[] = {make(e), make(begun)};
		for (size_t k = 0; k < 2; k++) {
			assert_int_equal(both[k].lengths == 1, wants[i].cbr);
			if (wants[i].no_fec)
				assert_int_equal(both[k].redundant, 0);
		}
		/* in the middle of a stream SILK waits for a pause to change its bandwidth, up to 5 s */
		assert_int_equal(both[1].bandwidth, wants[i].bandwidth);
		if (!wants[i].no_fec)
			assert_true(both[1].redundant > 10);
		opus_enc_free(begun);
	}
	opus_enc_free(e);
}

static void test_hostile_packets(void **state)
{
	(void)state;
	struct opus_dec *d = NULL;
	int16_t out[960];
	static const uint8_t five_frames_of_60ms[] = {0x1b, 0x05, 1, 2, 3, 4, 5};
	assert_int_equal(opus_dec_new(RATE, &d), 0);
	assert_int_equal(opus_dec_packet(d, (const uint8_t *)"", 0, out, 960), -EPROTO);
	assert_int_equal(opus_packet_duration_ts((const uint8_t *)"", 0), -EPROTO);
	assert_int_equal(opus_packet_duration_ts(five_frames_of_60ms, sizeof(five_frames_of_60ms)), -EPROTO);
	assert_int_equal(opus_dec_packet(d, five_frames_of_60ms, sizeof(five_frames_of_60ms), out, 960), -EPROTO);
	uint32_t rng = 1;
	for (int i = 0; i < 20000; i++) {
		uint8_t bytes[40];
		for (size_t k = 0; k < sizeof(bytes); k++)
			bytes[k] = (uint8_t)((rng = rng * 1664525 + 1013904223) >> 24);
		size_t length = 1 + (size_t)bytes[0] % sizeof(bytes);
		(void)opus_packet_has_redundancy(bytes, length);
		int n = opus_dec_packet(d, bytes, length, out, 960);
		assert_true(n == -EPROTO || (n > 0 && n <= 960));
	}
	assert_int_equal(opus_dec_conceal(d, out, 0), -EINVAL);
	opus_dec_reset(d);
	opus_dec_free(d);
}

static void test_bad_configuration(void **state)
{
	(void)state;
	struct opus_enc *e = NULL;
	struct opus_dec *d = NULL;
	const struct opus_enc_conf rate = {.rate_hz = 11025}, complexity = {.rate_hz = 8000, .complexity = 11};
	assert_int_equal(opus_enc_new(&rate, &e), -EINVAL);
	assert_int_equal(opus_enc_new(&complexity, &e), -EINVAL);
	assert_int_equal(opus_dec_new(44100, &d), -EINVAL);
	assert_null(e);
	assert_null(d);
	assert_null(opus_enc_free(NULL));
	assert_null(opus_dec_free(NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tone_survives),
		cmocka_unit_test(test_redundancy_restores_a_lost_frame),
		cmocka_unit_test(test_what_the_receiver_wants),
		cmocka_unit_test(test_hostile_packets),
		cmocka_unit_test(test_bad_configuration),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
