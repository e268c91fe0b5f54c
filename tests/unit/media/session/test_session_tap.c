/* A recording: the announcement first, to whom it is for, then what both say, and nothing else. */
#include "media/session_inner.h"
#include "media/sounds.h"
#include "media/tap/record_ring.h"
#include "tests/support/media/session_sim.h"
#include "tests/support/media/tone_probe.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sndfile.h>

enum { ANNOUNCED_MS = 1000, ANNOUNCED_HZ = 1000 };

static struct sim m;
static struct sounds *sounds;
static struct record_ring *ring;

static int make_sounds(void **state)
{
	char path[] = "/tmp/test_announcement.XXXXXX";
	SF_INFO info = {.samplerate = 8000, .channels = 1, .format = SF_FORMAT_WAV | SF_FORMAT_PCM_16};
	int16_t pcm[8 * ANNOUNCED_MS];
	int fd = mkstemp(path);
	SNDFILE *f = sf_open_fd(fd, SFM_WRITE, &info, 0);

	(void)state;
	for (int i = 0; i < 8 * ANNOUNCED_MS; i++)
		pcm[i] = (int16_t)(8000 * sin(2 * 3.14159265 * ANNOUNCED_HZ * i / 8000.0));
	sf_writef_short(f, pcm, 8 * ANNOUNCED_MS);
	sf_close(f);
	close(fd);
	int r = sounds_new("uk", "", &sounds);
	if (r == 0)
		r = sounds_read_announcement(sounds, path);
	unlink(path);
	return r;
}

static int free_sounds(void **state)
{
	(void)state;
	sounds = sounds_free(sounds);
	return 0;
}

static void call(bool opus)
{
	const struct sim_conf conf = {.wa_link = {.delay_ms = 30, .seed = 1},
		.sip_link = {.delay_ms = 5, .seed = 2},
		.sounds = sounds,
		.opus = opus};
	sim_init(&m, &conf);
	sim_connect(&m);
	sim_run_ms(&m, 1000);
	assert_int_equal(record_ring_new(RECORD_RING_BYTES, &ring), 0);
}

static void hang_up(void)
{
	uint64_t end_us;

	sim_done(&m);
	assert_true(record_ring_closed(ring, &end_us));
	ring = record_ring_free(ring);
}

/* What came into the ring: frames of each side, the first one's time. */
struct kept {
	unsigned frames[2];
	uint64_t first_us;
	bool opus;
};

static struct kept take_all(void)
{
	struct kept k = {.first_us = UINT64_MAX};
	uint8_t bytes[TAP_FRAME_BYTES_MAX];
	struct tap_frame f;

	while (record_ring_get(ring, &f, bytes)) {
		k.frames[f.side]++;
		k.opus |= f.kind == TAP_OPUS;
		if (f.at_us < k.first_us)
			k.first_us = f.at_us;
	}
	return k;
}

static bool announces(const struct sim_received *r)
{
	enum { SAMPLES = 8 * 400 };
	assert_true(r->heard_samples >= SAMPLES);
	return tone_share(r->heard + r->heard_samples - SAMPLES, SAMPLES, ANNOUNCED_HZ) > 0.7;
}

static void test_announced_to_those_who_shall_hear(void **state)
{
	static const struct {
		bool opus, to_wa, to_sip;
	} calls[] = {{false, true, false}, {false, true, true}, {false, false, true}, {true, true, true}};

	(void)state;
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		call(calls[i].opus);
		uint64_t begun_us = m.now_us;
		session_record(m.session, ring, calls[i].to_wa, calls[i].to_sip, m.now_us);
		sim_run_ms(&m, 800);
		assert_int_equal(announces(&m.wa), calls[i].to_wa);
		assert_int_equal(announces(&m.sip), calls[i].to_sip);
		sim_run_ms(&m, 180);
		struct kept before = take_all();
		assert_int_equal(before.frames[0] + before.frames[1], 0); /* not yet */
		uint64_t wa_loud = m.wa.loud, sip_loud = m.sip.loud;
		sim_run_ms(&m, 2000);
		assert_false(announces(&m.wa) || announces(&m.sip)); /* once */
		assert_true(m.wa.loud > wa_loud + 40 && m.sip.loud > sip_loud + 40);
		struct kept after = take_all();
		assert_true(after.first_us >= begun_us + ANNOUNCED_MS * 1000);
		assert_in_range(after.frames[SIDE_WA], 93, 101);
		assert_in_range(after.frames[SIDE_SIP], 93, 101);
		assert_int_equal(after.opus, calls[i].opus);
		assert_int_equal(m.wa.other_ssrc + m.wa.seq_steps_not_one + m.wa.ts_not_forward, 0);
		hang_up();
	}
}

/* Music on hold plays on: whoever hears it does not hear the announcement. */
static void test_music_plays_on(void **state)
{
	(void)state;
	call(false);
	session_play(m.session, SIDE_WA, SOUND_MUSIC, m.now_us);
	session_record(m.session, ring, true, true, m.now_us);
	sim_run_ms(&m, 800);
	assert_false(announces(&m.wa));
	assert_true(announces(&m.sip));
	sim_run_ms(&m, 1000);
	struct kept k = take_all();
	assert_int_equal(k.frames[SIDE_SIP], 0); /* the agent is not heard, and so not recorded */
	assert_in_range(k.frames[SIDE_WA], 35, 45);
	hang_up();
}

/* Stopped in the middle of its announcement, begun again, ended with the call. */
static void test_stopped_and_paused(void **state)
{
	struct record_ring *first;
	uint64_t end_us;

	(void)state;
	call(false);
	session_record(m.session, ring, true, false, m.now_us);
	sim_run_ms(&m, 300);
	session_record_stop(m.session, m.now_us);
	assert_true(record_ring_closed(ring, &end_us));
	assert_int_equal(end_us, m.now_us);
	sim_run_ms(&m, 600);
	assert_false(announces(&m.wa)); /* nobody is recorded: nothing is said of it */
	first = ring;
	assert_int_equal(record_ring_new(RECORD_RING_BYTES, &ring), 0);
	session_record(m.session, ring, false, false, m.now_us);
	sim_run_ms(&m, 1000);
	assert_in_range(take_all().frames[SIDE_WA], 49, 51);
	session_record_pause(m.session, true);
	sim_run_ms(&m, 1000);
	struct kept paused = take_all();
	assert_int_equal(paused.frames[SIDE_WA] + paused.frames[SIDE_SIP], 0);
	session_record_pause(m.session, false);
	sim_run_ms(&m, 1000);
	assert_in_range(take_all().frames[SIDE_SIP], 49, 51);
	record_ring_free(first);
	hang_up();
}

/* What one says while it is muted is not in it. */
static void test_muted_is_not_recorded(void **state)
{
	(void)state;
	call(false);
	session_record(m.session, ring, false, false, m.now_us);
	session_mute(m.session, SIDE_SIP, true, m.now_us);
	sim_run_ms(&m, 1000);
	struct kept k = take_all();
	assert_in_range(k.frames[SIDE_SIP], 0, 1); /* a slot that it had begun */
	assert_in_range(k.frames[SIDE_WA], 49, 51);
	hang_up();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_announced_to_those_who_shall_hear),
		cmocka_unit_test(test_music_plays_on),
		cmocka_unit_test(test_stopped_and_paused),
		cmocka_unit_test(test_muted_is_not_recorded),
	};
	return cmocka_run_group_tests(tests, make_sounds, free_sounds);
}
