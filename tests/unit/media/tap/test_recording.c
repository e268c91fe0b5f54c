/* One recording in virtual time: both parties on one clock, pauses, limits, disks that say no. */
#include "media/codec/opus_codec.h"
#include "media/tap/record_file.h"
#include "media/tap/recording.h"
#include "media/tap/tap.h"
#include "tests/support/oom.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmocka.h>
#include <sndfile.h>

enum { START_US = 5000000, RATE = 8000, FRAME = 160, FRAME_US = 20000 };

/* The disk: so many bytes of a file fit on it. What was written before can be written again. */
static uint64_t disk_bytes = UINT64_MAX;

ssize_t pwrite(int fd, const void *bytes, size_t length, off_t at)
{
	if ((uint64_t)at >= disk_bytes) {
		errno = ENOSPC;
		return -1;
	}
	if (length > disk_bytes - (uint64_t)at)
		length = disk_bytes - (uint64_t)at;
	return syscall(SYS_pwrite64, fd, bytes, length, at);
}

struct bench {
	char dir[64];
	struct recording *recording;
	struct record_ring *ring;
	struct tap tap;
	struct recorder_event begun, ended;
	int begun_count, ended_count;
	int16_t pcm[2 * RATE * 20];
	int frames, rate;
};

static int set_up(void **state)
{
	struct bench *b = calloc(1, sizeof(*b));

	strcpy(b->dir, "/tmp/watrunk-recording-XXXXXX");
	assert_non_null(mkdtemp(b->dir));
	*state = b;
	return 0;
}

static int tear_down(void **state)
{
	struct bench *b = *state;
	char command[100];

	recording_free(b->recording);
	snprintf(command, sizeof(command), "rm -rf %s", b->dir);
	assert_int_equal(system(command), 0);
	free(b);
	return 0;
}

static void start(struct bench *b, struct recording_conf conf)
{
	if (!conf.directory)
		conf.directory = b->dir;
	if (!conf.name)
		conf.name = "2026-11-21/c-1";
	conf.id = 42;
	assert_int_equal(recording_new(&conf, &b->recording, &b->ring), 0);
	tap_record(&b->tap, b->ring, START_US);
}

static void step(struct bench *b, uint64_t at_us)
{
	struct recorder_event ev;

	while (recording_step(b->recording, at_us, &ev)) {
		assert_int_equal(ev.id, 42);
		if (ev.kind == RECORDER_BEGUN) {
			b->begun = ev;
			b->begun_count++;
		} else {
			b->ended = ev;
			b->ended_count++;
		}
	}
}

/* 20 ms of one value from a party. */
static void say(struct bench *b, enum media_side side, int16_t value, uint64_t at_us)
{
	int16_t pcm[FRAME];

	for (int i = 0; i < FRAME; i++)
		pcm[i] = value;
	tap_pcm(&b->tap, side, pcm, FRAME, RATE, at_us);
}

static void stop(struct bench *b, uint64_t at_us)
{
	tap_record_stop(&b->tap, at_us);
	step(b, at_us);
	assert_int_equal(b->ended_count, 1);
	assert_true(recording_is_over(b->recording));
}

static void load(struct bench *b)
{
	char path[700];
	SF_INFO info = {0};
	struct stat st;

	snprintf(path, sizeof(path), "%s/%s", b->dir, b->ended.path);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	SNDFILE *f = sf_open(path, SFM_READ, &info);
	assert_non_null(f);
	assert_int_equal(info.channels, 2);
	b->rate = info.samplerate;
	b->frames = (int)sf_readf_short(f, b->pcm, RATE * 20);
	sf_close(f);
}

static int left(const struct bench *b, int ms)
{
	return b->pcm[2 * (b->rate / 1000 * ms)];
}

static int right(const struct bench *b, int ms)
{
	return b->pcm[2 * (b->rate / 1000 * ms) + 1];
}

static void test_two_parties_on_one_clock(void **state)
{
	struct bench *b = *state;

	start(b, (struct recording_conf){0});
	for (int i = 0; i < 250; i++) { /* 5 s */
		uint64_t at = START_US + (uint64_t)i * FRAME_US;
		if (i < 100 || i >= 150)
			say(b, SIDE_WA, (int16_t)(1000 + i), at);
		if (i >= 50)
			say(b, SIDE_SIP, (int16_t)(-1000 - i), at + (uint64_t)(i % 3) * 7000); /* jitter: no clicks */
		if (i % 10 == 9)
			step(b, at);
	}
	stop(b, START_US + 5000000);
	assert_int_equal(b->begun_count, 1);
	assert_string_equal(b->begun.path, "2026-11-21/c-1.wav");
	assert_int_equal(b->ended.error, 0);
	assert_false(b->ended.limit);
	assert_int_equal(b->ended.length_ms, 5000);
	assert_int_equal(b->ended.lost_frames, 0);
	load(b);
	assert_int_equal(b->frames, 5 * RATE);
	assert_int_equal(b->ended.bytes, 5 * RATE * 4 + 44);
	for (int i = 0; i < 250; i++) {
		assert_int_equal(left(b, i * 20 + 10), i < 100 || i >= 150 ? 1000 + i : 0);
		assert_int_equal(right(b, i * 20 + 18), i >= 50 ? -1000 - i : 0);
	}
}

static void test_pause_is_silence(void **state)
{
	struct bench *b = *state;

	start(b, (struct recording_conf){0});
	for (int i = 0; i < 150; i++) {
		if (i == 50 || i == 100)
			tap_record_pause(&b->tap, i == 50);
		say(b, SIDE_WA, 500, START_US + (uint64_t)i * FRAME_US);
		step(b, START_US + (uint64_t)i * FRAME_US);
	}
	stop(b, START_US + 3000000);
	load(b);
	assert_int_equal(b->frames, 3 * RATE); /* time goes on */
	assert_int_equal(left(b, 990), 500);
	assert_int_equal(left(b, 1010), 0);
	assert_int_equal(left(b, 1990), 0);
	assert_int_equal(left(b, 2010), 500);
}

/* Paused before anything was heard: its rate is not known, but time goes on, and on the disk as it passes. */
static void test_paused_from_its_first_moment(void **state)
{
	struct bench *b = *state;

	start(b, (struct recording_conf){0});
	tap_record_pause(&b->tap, true);
	for (int i = 0; i <= 4000; i += 200)
		step(b, START_US + (uint64_t)i * 1000);
	assert_int_equal(b->ended_count, 0);
	tap_record_pause(&b->tap, false);
	say(b, SIDE_WA, 500, START_US + 4000000);
	stop(b, START_US + 5000000);
	assert_int_equal(b->ended.error, 0);
	assert_int_equal(b->ended.length_ms, 5000);
	load(b);
	assert_int_equal(left(b, 3990), 0);
	assert_int_equal(left(b, 4010), 500);
	b->recording = recording_free(b->recording);
	b->ended_count = 0;
	start(b, (struct recording_conf){.name = "c-2", .max_ms = 2000});
	tap_record_pause(&b->tap, true);
	step(b, START_US + 9000000);
	assert_int_equal(b->ended_count, 1); /* its limit holds, too */
	assert_true(b->ended.limit);
	assert_int_equal(b->ended.length_ms, 2000);
	tap_record_stop(&b->tap, START_US + 9000000);
}

/* A recording that begins after an announcement: what was said before is not in it. */
static void test_what_came_before_is_not_in_it(void **state)
{
	struct bench *b = *state;

	start(b, (struct recording_conf){0});
	b->tap.from_us = START_US + 1000000;
	record_ring_begin(b->ring, b->tap.from_us);
	for (int i = 0; i < 100; i++)
		say(b, SIDE_SIP, (int16_t)(i + 1), START_US + (uint64_t)i * FRAME_US);
	stop(b, START_US + 2000000);
	load(b);
	assert_int_equal(b->frames, RATE);
	assert_int_equal(right(b, 10), 51);
}

static void test_limits(void **state)
{
	struct bench *b = *state;
	static const struct recording_conf confs[] = {
		{.max_ms = 2000},
		{.max_bytes = 2 * RATE * 4 + 44},
	};

	for (size_t k = 0; k < 2; k++) {
		memset(&b->tap, 0, sizeof(b->tap));
		b->ended_count = 0;
		start(b, confs[k]);
		for (int i = 0; i < 250; i++) {
			say(b, SIDE_WA, 700, START_US + (uint64_t)i * FRAME_US);
			step(b, START_US + (uint64_t)i * FRAME_US);
		}
		assert_int_equal(b->ended_count, 1); /* told once, while it goes on being fed */
		assert_int_equal(b->ended.error, 0);
		assert_true(b->ended.limit);
		assert_false(recording_is_over(b->recording));
		tap_record_stop(&b->tap, START_US + 5000000);
		assert_true(recording_is_over(b->recording));
		assert_string_equal(
			b->ended.path, k ? "2026-11-21/c-1-2.wav" : "2026-11-21/c-1.wav"); /* not replaced */
		load(b);
		assert_in_range(b->frames, 2 * RATE - 320, 2 * RATE);
		b->recording = recording_free(b->recording);
	}
}

/* The disk is full in the middle, of a byte of it: what came before is kept, whole and playable, and it is said why it
 * ends. */
static void test_disk_full(void **state)
{
	struct bench *b = *state;

	for (int opus = 0; opus < 2; opus++) {
		memset(&b->tap, 0, sizeof(b->tap));
		b->ended_count = 0;
		disk_bytes = opus ? 7001 : 40001;
		start(b, (struct recording_conf){.opus = opus});
		for (int i = 0; i < 900 && !b->ended_count; i++) {
			say(b, SIDE_WA, (int16_t)(i % 7 * 700), START_US + (uint64_t)i * FRAME_US);
			step(b, START_US + (uint64_t)i * FRAME_US);
		}
		disk_bytes = UINT64_MAX;
		assert_int_equal(b->ended_count, 1);
		assert_int_equal(b->ended.error, -ENOSPC);
		assert_false(b->ended.limit);
		assert_false(
			recording_is_over(b->recording)); /* the worker goes on putting: nobody waits for the disk */
		say(b, SIDE_WA, 700, START_US);
		tap_record_stop(&b->tap, START_US);
		step(b, START_US);
		assert_int_equal(b->ended_count, 1);
		assert_true(recording_is_over(b->recording));
		assert_string_equal(b->ended.path, opus ? "2026-11-21/c-1.opus" : "2026-11-21/c-1.wav");
		if (!opus) {
			load(b);
			assert_in_range(b->frames, RATE, 40000 / 4);
		}
		b->recording = recording_free(b->recording);
	}
}

static void test_directories_that_cannot_be(void **state)
{
	struct bench *b = *state;
	char file[100], link[100];
	struct {
		struct recording_conf conf;
		int error;
	} cases[] = {
		{{.directory = "/nowhere/at/all"}, -ENOENT}, {{.directory = file}, -ENOTDIR},
		{{.name = "file/c-1"}, -ENOTDIR}, {{.name = "link/c-1"}, -ENOTDIR}, /* O_NOFOLLOW with O_DIRECTORY */
	};

	snprintf(file, sizeof(file), "%s/file", b->dir);
	snprintf(link, sizeof(link), "%s/link", b->dir);
	FILE *f = fopen(file, "w");
	assert_non_null(f);
	fclose(f);
	assert_int_equal(symlink("/tmp", link), 0);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		b->ended_count = 0;
		start(b, cases[i].conf);
		step(b, START_US);
		assert_int_equal(b->begun_count, 0);
		assert_int_equal(b->ended_count, 1);
		assert_int_equal(b->ended.error, cases[i].error);
		assert_string_equal(b->ended.path, "");
		say(b, SIDE_WA, 1, START_US);
		step(b, START_US);
		assert_false(recording_is_over(b->recording)); /* the worker still has the ring */
		tap_record_stop(&b->tap, START_US);
		assert_true(recording_is_over(b->recording));
		b->recording = recording_free(b->recording);
	}
}

static void test_nothing_was_said(void **state)
{
	struct bench *b = *state;

	start(b, (struct recording_conf){.opus = true});
	stop(b, START_US - 1);
	assert_int_equal(b->ended.error, 0);
	assert_int_equal(b->ended.length_ms, 0);
	assert_string_equal(b->ended.path, "2026-11-21/c-1.opus");
}

/* A full ring: silence in the file, counted, and it goes on. */
static void test_a_slow_disk_loses_and_goes_on(void **state)
{
	struct bench *b = *state;

	start(b, (struct recording_conf){0});
	for (int i = 0; i < 500; i++) { /* 10 s, read only at 8 s */
		say(b, SIDE_WA, 600, START_US + (uint64_t)i * FRAME_US);
		if (i >= 400)
			step(b, START_US + (uint64_t)i * FRAME_US);
	}
	stop(b, START_US + 10000000);
	assert_in_range(b->ended.lost_frames, 1, 100);
	load(b);
	assert_int_equal(b->frames, 10 * RATE);
	assert_int_equal(left(b, 1000), 600);
	assert_int_equal(left(b, 7900), 0);
	assert_int_equal(left(b, 9000), 600);
}

/* Opus as it is passed on is decoded here, at 16 kHz; PCM of another rate fits in. */
static void test_opus_and_other_rates(void **state)
{
	struct bench *b = *state;
	const struct opus_enc_conf conf = {.rate_hz = 16000, .complexity = 0};
	struct opus_enc *enc;
	int16_t pcm[320];
	uint8_t bytes[400];
	uint32_t noise = 1;
	long long sum[2] = {0, 0};

	assert_int_equal(opus_enc_new(&conf, &enc), 0);
	start(b, (struct recording_conf){.opus = true});
	for (int i = 0; i < 100; i++) {
		for (int k = 0; k < 320; k++) {
			noise = noise * 1664525 + 1013904223;
			pcm[k] = (int16_t)((k / 20 % 2 ? 3000 : -3000) + (int)(noise >> 24));
		}
		int n = opus_enc_frame(enc, pcm, 320, bytes, sizeof(bytes));
		assert_true(n > 0);
		tap_opus(&b->tap, SIDE_WA, bytes, (size_t)n, START_US + (uint64_t)i * FRAME_US);
		say(b, SIDE_SIP, i % 2 ? 2000 : -2000, START_US + (uint64_t)i * FRAME_US);
		step(b, START_US + (uint64_t)i * FRAME_US);
	}
	tap_opus(&b->tap, SIDE_WA, (const uint8_t *)"\xff\xff\xff", 3, START_US + 2000000); /* not Opus at all */
	opus_enc_free(enc);
	stop(b, START_US + 2000000);
	assert_int_equal(b->ended.error, 0);
	load(b);
	assert_int_equal(b->ended.length_ms, 2000);
	for (int i = 0; i < b->frames; i++) {
		sum[0] += abs(b->pcm[2 * i]);
		sum[1] += abs(b->pcm[2 * i + 1]);
	}
	assert_in_range(sum[0] / b->frames, 1000, 4000);
	assert_in_range(sum[1] / b->frames, 1000, 4000);
}

static void test_a_wav_file_ends_where_its_length_would(void **state)
{
	(void)state;
	assert_int_equal(record_file_limit(&(struct record_file_conf){0}), RECORD_WAV_BYTES_MAX);
	assert_int_equal(record_file_limit(&(struct record_file_conf){.max_bytes = 5000000000}), RECORD_WAV_BYTES_MAX);
	assert_int_equal(record_file_limit(&(struct record_file_conf){.max_bytes = 1000}), 1000);
	assert_int_equal(record_file_limit(&(struct record_file_conf){.opus = true}), 0);
	assert_int_equal(
		record_file_limit(&(struct record_file_conf){.opus = true, .max_bytes = 5000000000}), 5000000000);
}

/* Each allocation fails once: it is told, the ring goes on being emptied, nothing is left behind. */
static void test_out_of_memory(void **state)
{
	struct bench *b = *state;
	const uint8_t silk_20ms[] = {0x48, 1, 2, 3};
	const struct recording_conf conf = {.id = 42, .directory = b->dir, .name = "c-1"};
	unsigned n = 1;

	for (; oom_next(n); n++) {
		b->ended_count = 0;
		int r = recording_new(&conf, &b->recording, &b->ring);
		if (r == 0) {
			memset(&b->tap, 0, sizeof(b->tap));
			tap_record(&b->tap, b->ring, START_US);
			tap_opus(&b->tap, SIDE_WA, silk_20ms, sizeof(silk_20ms), START_US);
			tap_opus(&b->tap, SIDE_SIP, silk_20ms, sizeof(silk_20ms), START_US);
			stop(b, START_US + 1000000);
			r = b->ended.error;
		}
		assert_int_equal(r, oom_off() ? -ENOMEM : 0);
		b->recording = recording_free(b->recording);
	}
	assert_in_range(n, 6, 10); /* recording, ring, file, two decoders */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
		T(test_two_parties_on_one_clock),
		T(test_pause_is_silence),
		T(test_paused_from_its_first_moment),
		T(test_what_came_before_is_not_in_it),
		T(test_limits),
		T(test_disk_full),
		T(test_directories_that_cannot_be),
		T(test_nothing_was_said),
		T(test_a_slow_disk_loses_and_goes_on),
		T(test_opus_and_other_rates),
		T(test_a_wav_file_ends_where_its_length_would),
		T(test_out_of_memory),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
