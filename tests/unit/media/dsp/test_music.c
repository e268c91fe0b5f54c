/* Music out of files of all kinds, good and bad; and our own. */
#include "media/dsp/music.h"
#include "tests/support/media/tone_probe.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sndfile.h>

static char folder[] = "/tmp/test_music.XXXXXX", path[64];

static int make_folder(void **state)
{
	(void)state;
	if (!mkdtemp(folder))
		return -1;
	snprintf(path, sizeof(path), "%s/music.wav", folder);
	return 0;
}

static int remove_folder(void **state)
{
	(void)state;
	unlink(path);
	return rmdir(folder);
}

static void write_wav(int format, int rate, int channels, double seconds, double hz)
{
	SF_INFO info = {.samplerate = rate, .channels = channels, .format = SF_FORMAT_WAV | format};
	SNDFILE *f = sf_open(path, SFM_WRITE, &info);
	enum { CHUNK = 4000 };
	static float frames[CHUNK * 4];
	assert_non_null(f);
	for (sf_count_t at = 0, all = (sf_count_t)(seconds * rate); at < all;) {
		sf_count_t n = all - at < CHUNK ? all - at : CHUNK;
		for (sf_count_t i = 0; i < n; i++)
			for (int c = 0; c < channels; c++)
				frames[i * channels + c] =
					hz > 0 ? (float)(0.5 * sin(2 * 3.14159265358979 * hz * (double)(at + i) / rate))
					       : 0;
		assert_int_equal(sf_writef_float(f, frames, n), n);
		at += n;
	}
	sf_close(f);
}

static const struct {
	int format, rate, channels;
} good[] = {
	{SF_FORMAT_PCM_16, 44100, 2},
	{SF_FORMAT_PCM_16, 8000, 1},
	{SF_FORMAT_FLOAT, 48000, 1},
	{SF_FORMAT_PCM_24, 96000, 2},
	{SF_FORMAT_PCM_U8, 11025, 1},
	{SF_FORMAT_ULAW, 8000, 1},
	{SF_FORMAT_PCM_16, 192000, 1},
	{SF_FORMAT_PCM_16, 4000, 1},
};

static void test_files_of_all_kinds(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		struct sound s;
		char why[80] = "";
		write_wav(good[i].format, good[i].rate, good[i].channels, 2.0, 1000);
		assert_int_equal(music_check(path, why, sizeof(why)), 0);
		assert_int_equal(music_read(path, &s, why, sizeof(why)), 0);
		assert_int_equal(s.samples, 16000);
		assert_true(tone_share(s.pcm + 400, 15200, 1000) > 0.97);
		assert_true(fabs(tone_level_db(s.pcm + 400, 15200) + 9.0) < 1.0); /* half of full scale, a sine */
		sound_done(&s);
	}
}

/* What a telephone cannot carry is filtered, not folded back. */
static void test_high_tones_do_not_alias(void **state)
{
	(void)state;
	struct sound s;
	write_wav(SF_FORMAT_PCM_16, 48000, 1, 1.0, 7000);
	assert_int_equal(music_read(path, &s, NULL, 0), 0);
	assert_true(tone_level_db(s.pcm + 100, s.samples - 200) < -45);
	sound_done(&s);
}

static void check_bad(int error)
{
	struct sound s = {0};
	char why[80] = "";
	int r = music_check(path, why, sizeof(why));
	if (r != error)
		fail_msg("%d, not %d: %s", r, error, why);
	assert_true(strlen(why) > 5);
	why[0] = '\0';
	assert_int_equal(music_read(path, &s, why, sizeof(why)), error);
	assert_true(strlen(why) > 5);
	assert_null(s.pcm);
	assert_int_equal(music_read(path, &s, NULL, 0), error);
}

static void write_text(const char *text, size_t length)
{
	FILE *f = fopen(path, "w");
	assert_non_null(f);
	assert_int_equal(fwrite(text, 1, length, f), length);
	fclose(f);
}

static void test_bad_files(void **state)
{
	(void)state;
	unlink(path);
	check_bad(-ENOENT);
	write_text("", 0);
	check_bad(-EPROTO);
	write_text("this is no music at all, it is text", 35);
	check_bad(-EPROTO);
	write_text("RIFF\xff\xff\xff\xffWAVEfmt \x10\0\0\0\1\0\1\0\0\0\0\0\0\0\0\0\2\0\x10\0data\xff\xff\xff\x7f", 44);
	assert_true(music_check(path, NULL, 0) < 0); /* a rate of nothing, endless */
	write_wav(SF_FORMAT_PCM_16, 8000, 1, 0, 0);
	check_bad(-EPROTO);
	write_wav(SF_FORMAT_PCM_16, 8000, 3, 0.1, 0);
	check_bad(-ENOTSUP);
	write_wav(SF_FORMAT_PCM_16, 2000, 1, 0.1, 0);
	check_bad(-ENOTSUP);
	write_wav(SF_FORMAT_PCM_16, 384000, 1, 0.1, 0);
	check_bad(-ENOTSUP);
	write_wav(SF_FORMAT_PCM_U8, 4000, 1, MUSIC_MAX_SECONDS + 1, 0);
	check_bad(-EFBIG);
	snprintf(path, sizeof(path), "%s", folder);
	check_bad(-EINVAL); /* a folder */
	snprintf(path, sizeof(path), "/dev/zero");
	check_bad(-EINVAL);
	snprintf(path, sizeof(path), "%s/music.wav", folder);
}

/* Its header promises more than there is: what is there is played. */
static void test_file_cut_off(void **state)
{
	(void)state;
	struct sound s;
	write_wav(SF_FORMAT_PCM_16, 8000, 1, 2.0, 1000);
	assert_int_equal(truncate(path, 44 + 16000), 0);
	assert_int_equal(music_read(path, &s, NULL, 0), 0);
	assert_in_range(s.samples, 7900, 8000);
	sound_done(&s);
}

static void test_our_chords(void **state)
{
	(void)state;
	struct sound s;
	int steepest = 0, loudest = 0;
	assert_int_equal(music_chords(&s), 0);
	assert_int_equal(s.samples, 16 * SOUND_RATE_HZ);
	for (size_t i = 0; i < s.samples; i++) { /* around the seam, too */
		int step = abs(s.pcm[(i + 1) % s.samples] - s.pcm[i]);
		steepest = step > steepest ? step : steepest;
		loudest = abs(s.pcm[i]) > loudest ? abs(s.pcm[i]) : loudest;
	}
	assert_in_range(loudest, 3000, 6000); /* soft, and never near clipping */
	assert_true(steepest < 2400);
	assert_true(abs(s.pcm[0]) < 50 && abs(s.pcm[s.samples - 1]) < 50);
	static const double first_chord[] = {261.63, 329.63, 392.00, 493.88};
	double share = 0;
	for (int i = 0; i < 4; i++)
		share += tone_share(s.pcm + 8000, 16000, first_chord[i]);
	assert_true(share > 0.7);
	assert_true(tone_level_db(s.pcm, s.samples) > -35 && tone_level_db(s.pcm, s.samples) < -18);
	sound_done(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_files_of_all_kinds),
		cmocka_unit_test(test_high_tones_do_not_alias),
		cmocka_unit_test(test_bad_files),
		cmocka_unit_test(test_file_cut_off),
		cmocka_unit_test(test_our_chords),
	};
	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
