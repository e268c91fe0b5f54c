/* Silence is coded once, and nobody hears that: what is decoded is compared with what an encoder says that codes each
 * frame. */
#include "media/opus_quiet.h"
#include "tests/support/media/sim_voice.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

enum { FRAME = 160, WIDE_FRAME = 320, FRAMES_MAX = 400, PACKET_MAX = 400, SOFT = 8000 };

struct coding {
	uint32_t rate_hz, bitrate;
	uint8_t complexity, loss_percent;
};

static const struct coding codings[] = {
	{8000, 20000, 0, 0},
	{8000, 24000, 0, 20}, /* with redundancy */
	{8000, 20000, 2, 5},
	{8000, 20000, 5, 0},
	{16000, 20000, 0, 0},
	{16000, 24000, 5, 10},
};

enum { CODINGS = sizeof(codings) / sizeof(codings[0]) };

/* One way to the listener's ear. */
struct way {
	struct opus_enc *enc;
	struct opus_dec *dec;
	struct opus_quiet quiet;
	bool saves;
	uint8_t packet[PACKET_MAX];
	int length;
	int16_t heard[FRAMES_MAX * WIDE_FRAME];
};

static struct way plain, quiet;
static int16_t said[FRAMES_MAX * WIDE_FRAME];
static unsigned frame_samples, frames;

static void open_way(struct way *w, const struct coding *c, bool saves)
{
	const struct opus_enc_conf conf = {.rate_hz = c->rate_hz,
		.bitrate = c->bitrate,
		.complexity = c->complexity,
		.loss_percent = c->loss_percent};

	memset(w, 0, sizeof(*w));
	w->saves = saves;
	assert_int_equal(opus_enc_new(&conf, &w->enc), 0);
	assert_int_equal(opus_dec_new(c->rate_hz, &w->dec), 0);
}

static void step(struct way *w, const int16_t *pcm)
{
	if (w->saves)
		w->length = opus_quiet_frame(&w->quiet, w->enc, pcm, frame_samples, w->packet, PACKET_MAX);
	else
		w->length = opus_enc_frame(w->enc, pcm, frame_samples, w->packet, PACKET_MAX);
	assert_true(w->length > 0);
	assert_int_equal(
		opus_dec_packet(w->dec, w->packet, (size_t)w->length, w->heard + frames * frame_samples, frame_samples),
		frame_samples);
}

static void begin(const struct coding *c)
{
	frame_samples = c->rate_hz / 50;
	frames = 0;
	open_way(&plain, c, false);
	open_way(&quiet, c, true);
}

static void end(void)
{
	opus_enc_free(plain.enc);
	opus_dec_free(plain.dec);
	opus_enc_free(quiet.enc);
	opus_dec_free(quiet.dec);
}

static void say_frame(const int16_t *pcm)
{
	assert_true(frames < FRAMES_MAX);
	memcpy(said + frames * frame_samples, pcm, frame_samples * sizeof(*pcm));
	step(&plain, pcm);
	step(&quiet, pcm);
	frames++;
}

/* From `at` on, in a word or in its middle; 8 kHz, made wide by repetition. */
static void say_voice(unsigned count, uint64_t at)
{
	for (unsigned i = 0; i < count; i++) {
		int16_t narrow[FRAME], pcm[WIDE_FRAME];
		sim_voice(narrow, FRAME, at + (uint64_t)i * FRAME);
		for (unsigned k = 0; k < frame_samples; k++)
			pcm[k] = narrow[k * FRAME / frame_samples];
		say_frame(pcm);
	}
}

static void say_level(unsigned count, int16_t even, int16_t odd)
{
	for (unsigned i = 0; i < count; i++) {
		int16_t pcm[WIDE_FRAME];
		for (unsigned k = 0; k < frame_samples; k++)
			pcm[k] = k % 2 ? odd : even;
		say_frame(pcm);
	}
}

static int peak(const int16_t *pcm, unsigned from_frame, unsigned count)
{
	int most = 0;
	for (unsigned i = from_frame * frame_samples; i < (from_frame + count) * frame_samples; i++)
		most = abs(pcm[i]) > most ? abs(pcm[i]) : most;
	return most;
}

static double energy(const int16_t *pcm, const int16_t *less, unsigned from_frame, unsigned count)
{
	double sum = 0;
	for (unsigned i = from_frame * frame_samples; i < (from_frame + count) * frame_samples; i++) {
		double v = pcm[i] - (less ? less[i] : 0);
		sum += v * v;
	}
	return sum / (count * frame_samples);
}

/* ---- what is silence ---- */

static void test_what_is_silence(void **state)
{
	static const struct {
		int16_t even, odd;
		unsigned frames, saved;
	} levels[] = {
		{0, 0, 60, 50}, {0, 0, 10, 0}, /* shorter than it takes to come to rest */
		{0, 0, 11, 1}, {8, 8, 60, 50}, /* A-law's idle byte */
		{8, -8, 60, 50},               /* and its hiss */
		{9, -9, 60, 0},                /* somebody is there */
		{1000, 1000, 60, 0},           /* a step back from it would be heard */
	};
	(void)state;
	for (size_t c = 0; c < CODINGS; c += CODINGS - 1) {
		for (size_t i = 0; i < sizeof(levels) / sizeof(levels[0]); i++) {
			begin(&codings[c]);
			say_voice(20, 0);
			say_level(levels[i].frames, levels[i].even, levels[i].odd);
			assert_int_equal(quiet.quiet.saved, levels[i].saved);
			say_voice(20, 0);
			assert_int_equal(quiet.quiet.saved, levels[i].saved);
			end();
		}
	}
}

/* One sample is enough to end it. */
static void test_a_click_is_sound(void **state)
{
	int16_t pcm[WIDE_FRAME] = {0};

	(void)state;
	begin(&codings[0]);
	for (unsigned i = 0; i < 100; i++) {
		pcm[i % FRAME] = i % 10 == 9 ? -4000 : 0;
		say_frame(pcm);
		pcm[i % FRAME] = 0;
	}
	assert_int_equal(quiet.quiet.saved, 0);
	end();
}

/* ---- what is heard ---- */

/* At rest nothing is heard, and where voice begins again, in a word or in the middle of one, it is what it would have
 * been. */
static void test_no_click(void **state)
{
	(void)state;
	for (size_t c = 0; c < CODINGS; c++) {
		for (unsigned silent = 5; silent <= 165; silent += silent < 20 ? 7 : 144) {
			for (unsigned at = 0; at <= SOFT / 4; at += SOFT / 4) {
				begin(&codings[c]);
				say_voice(30, 0);
				say_level(silent, 0, 0);
				unsigned again = frames;
				say_voice(20, at);
				/* at rest */
				assert_in_range(peak(quiet.heard, 34, silent - 4), 0, 4);
				/* the very first moments, before what is louder hides it; the decoder's delay is 6.5 ms
				 */
				int first = peak(said, again, 1), heard = peak(quiet.heard, again, 1);
				assert_in_range(heard, 0, peak(plain.heard, again, 1) * 5 / 4 + first / 8 + 16);
				/* and all that follows */
				double most = energy(plain.heard, NULL, again, 20),
				       off = energy(quiet.heard, plain.heard, again, 20);
				if (off > most / 10)
					print_error("coding %zu, %u silent frames, voice from %u: off by %f of %f\n", c,
						silent, at, off, most);
				assert_true(off <= most / 10);
				end();
			}
		}
	}
}

/* Voice and silence of any length after one another: no frame is louder than what was said around it, beyond what
 * coding does anyhow. */
static void test_random_talk(void **state)
{
	uint32_t random = 1;

	(void)state;
	for (size_t c = 0; c < CODINGS; c += 2) {
		begin(&codings[c]);
		while (frames < FRAMES_MAX - 100) {
			random = random * 1664525u + 1013904223u;
			say_voice(1 + (random >> 8) % 8, (random >> 12) % 6400);
			say_level(1 + (random >> 24) % 40, 0, (random >> 20) % 2 ? 8 : 0);
		}
		assert_true(quiet.quiet.saved > 50);
		for (unsigned i = 2; i + 1 < frames; i++) {
			int around = peak(said, i - 2, 3), usual = peak(plain.heard, i, 1);
			assert_in_range(peak(quiet.heard, i, 1), 0, (around > usual ? around : usual) * 3 / 2 + 64);
		}
		end();
	}
}

/* ---- the packet ---- */

static void test_same_packet_until_sound(void **state)
{
	uint8_t rest[PACKET_MAX];
	int length;

	(void)state;
	begin(&codings[1]);
	say_voice(20, 0);
	say_level(QUIET_SETTLE_FRAMES, 0, 0);
	length = quiet.length;
	memcpy(rest, quiet.packet, (size_t)length);
	assert_in_range(length, 3, QUIET_PACKET_MAX);
	assert_false(opus_packet_has_redundancy(rest, (size_t)length));
	for (unsigned i = 0; i < 50; i++) {
		say_level(1, 0, 0);
		assert_int_equal(quiet.length, length);
		assert_memory_equal(quiet.packet, rest, (size_t)length);
	}
	opus_quiet_forget(&quiet.quiet); /* and from the beginning */
	say_level(QUIET_SETTLE_FRAMES, 0, 0);
	assert_int_equal(quiet.quiet.saved, 50);
	say_level(1, 0, 0);
	assert_int_equal(quiet.quiet.saved, 51);
	end();
}

/* Longer frames than ours, or a buffer without room: as the encoder has it. */
static void test_odd_sizes(void **state)
{
	static const int16_t pcm[961];
	struct opus_quiet q = {0};
	uint8_t packet[PACKET_MAX];

	(void)state;
	begin(&codings[0]);
	for (int i = 0; i < 30; i++)
		assert_true(opus_quiet_frame(&q, quiet.enc, pcm, 480, packet, sizeof(packet)) > 0);
	assert_int_equal(q.saved, 0);
	for (int i = 0; i < 20; i++)
		assert_true(opus_quiet_frame(&q, quiet.enc, pcm, FRAME, packet, sizeof(packet)) > 0);
	assert_int_equal(q.saved, 10);
	assert_true(opus_quiet_frame(&q, quiet.enc, pcm, FRAME, packet, 1) <= 1); /* no room for what is kept */
	assert_int_equal(q.saved, 10);
	assert_true(opus_quiet_frame(&q, quiet.enc, pcm, 961, packet, sizeof(packet)) < 0);
	end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_is_silence),
		cmocka_unit_test(test_a_click_is_sound),
		cmocka_unit_test(test_no_click),
		cmocka_unit_test(test_random_talk),
		cmocka_unit_test(test_same_packet_until_sound),
		cmocka_unit_test(test_odd_sizes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
