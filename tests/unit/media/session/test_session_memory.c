/* No allocation on the packet path; every failed one while a session is made is told and leaves nothing behind. */
#include "lib/base/counter.h"
#include "lib/base/pktbuf.h"
#include "media/session.h"
#include "media/sounds.h"
#include "tests/support/media/session_sim.h"
#include "tests/support/oom.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>

static struct sim m;

static void packet_path(bool opus)
{
	struct sounds *sounds;
	assert_int_equal(sounds_new("jp", "", &sounds), 0);
	const struct sim_conf conf = {
		.wa_link = {.delay_ms = 30, .jitter_ms = 40, .loss_percent = 5, .reorders = true, .seed = 1},
		.sip_link = {.delay_ms = 5, .jitter_ms = 30, .loss_percent = 2, .reorders = true, .seed = 2},
		.sounds = sounds,
		.opus = opus};
	sim_init(&m, &conf);
	sim_connect(&m);
	m.no_copies = true;                       /* the simulation's own allocation per packet */
	counter_add(CNT_MEDIA_SILENCE_REUSED, 0); /* a thread's first addition allocates, as media workers have done */
	oom_fail_nth(1);
	sim_run_ms(&m, 20000);
	struct media_sip_remote remote = sim_sip_remote(&m);
	remote.receive = false;
	session_set_sip(m.session, &remote, m.now_us);
	sim_run_ms(&m, 2000);
	remote.receive = true;
	session_set_sip(m.session, &remote, m.now_us);
	m.wa_ssrc++;
	m.sip_ssrc++;
	sim_run_ms(&m, 10000);
	session_send_dtmf(m.session, SIDE_WA, "123", m.now_us);
	session_send_dtmf(m.session, SIDE_SIP, "456", m.now_us);
	for (int sound = SOUND_SILENCE; sound >= SOUND_NONE; sound--) {
		session_play(m.session, SIDE_WA, (enum media_sound)sound, m.now_us);
		session_play(m.session, SIDE_SIP, (enum media_sound)sound, m.now_us);
		session_mute(m.session, SIDE_WA, sound > SOUND_NONE, m.now_us);
		sim_run_ms(&m, 1000);
	}
	remote.new_peer = true;
	addr_set_port(&m.sip_addr, 5555);
	remote.rtp = m.sip_addr;
	session_set_sip(m.session, &remote, m.now_us);
	sim_run_ms(&m, 2000);
	assert_false(oom_off());
	assert_true(m.sip.loud > 500 && m.wa.loud > 500);
	sim_done(&m);
	sounds_free(sounds);
}

static void test_packet_path_allocates_nothing(void **state)
{
	(void)state;
	packet_path(false);
	packet_path(true);
}

/* Each allocation that a change of the codec makes fails once: it is told, and the call goes on as it was or as it
 * shall be. */
static void test_codec_change_out_of_memory(void **state)
{
	const struct sim_conf conf = {
		.wa_link = {.delay_ms = 30, .seed = 1}, .sip_link = {.seed = 2}, .srtp = {.suite = MEDIA_SRTP_SHA1_80}};
	unsigned n = 1;
	int r = -ENOMEM;

	(void)state;
	for (; r < 0; n++) {
		sim_init(&m, &conf);
		sim_connect(&m);
		sim_run_ms(&m, 200);
		m.conf.opus = true;
		const struct media_sip_remote remote = sim_sip_remote(&m);
		oom_fail_nth(n);
		r = session_set_sip(m.session, &remote, m.now_us);
		oom_off();
		if (r < 0)
			assert_int_equal(r, -ENOMEM);
		else
			m.sip_pt = remote.pt;
		sim_run_ms(&m, 500);
		assert_int_equal(m.wa.seq_steps_not_one + m.wa.ts_not_forward + m.wa.other_ssrc, 0);
		sim_done(&m);
	}
	assert_true(n > 5);
}

/* The line's decoder is gone already when a later allocation of the change fails, and the peer, whose offer is refused,
 * goes on with its codec until the call has ended. */
static void test_codec_is_given_up_out_of_memory(void **state)
{
	(void)state;
	for (int opus = 0; opus < 2; opus++) {
		const struct sim_conf conf = {
			.wa_link = {.delay_ms = 30, .seed = 1}, .sip_link = {.seed = 2}, .g722 = !opus, .opus = opus};
		int r = -ENOMEM;
		unsigned n = 1;
		for (; r < 0; n++) {
			sim_init(&m, &conf);
			sim_connect(&m);
			sim_run_ms(&m, 200);
			struct media_sip_remote remote = sim_sip_remote(&m);
			remote.codec = AUDIO_PCMU;
			remote.pt = 0;
			remote.tones_in = true;
			oom_fail_nth(n);
			r = session_set_sip(m.session, &remote, m.now_us);
			oom_off();
			assert_true(r == 0 || r == -ENOMEM);
			sim_run_ms(&m, 200);
			assert_int_equal(m.wa.seq_steps_not_one + m.wa.ts_not_forward + m.wa.other_ssrc, 0);
			sim_done(&m);
		}
		assert_true(n > 3);
	}
}

static void ignore_send(void *arg, enum media_end end, enum session_channel channel, const void *bytes, size_t length,
	const struct addr *to)
{
	(void)arg, (void)end, (void)channel, (void)bytes, (void)length, (void)to;
}

static void ignore_event(void *arg, const struct session_event *ev)
{
	(void)arg, (void)ev;
}

static void test_out_of_memory(void **state)
{
	(void)state;
	static const struct session_io io = {ignore_send, ignore_event};
	struct pktpool *pool;
	unsigned n = 1;
	assert_int_equal(pktpool_new(4, &pool), 0);
	const struct session_conf conf = {.pool = pool, .io = &io, .random_seed = 1};
	for (; oom_next(n); n++) {
		struct session *s = NULL;
		int r = session_new(&conf, 1, &s);
		oom_off();
		assert_true(r == 0 || r == -ENOMEM);
		assert_int_equal(r == 0, s != NULL);
		session_close(s, 2);
	}
	assert_in_range(n, 5, 20); /* session, jitter buffer, decoder, encoder, WhatsApp end */
	pktpool_free(pool);
}

static void test_sounds_out_of_memory(void **state)
{
	(void)state;
	unsigned n = 1;
	for (; oom_next(n); n++) {
		struct sounds *sounds = NULL;
		int r = sounds_new("sg", NULL, &sounds);
		oom_off();
		assert_true(r == 0 ? sounds != NULL : r == -ENOMEM && !sounds);
		sounds_free(sounds);
	}
	assert_in_range(n, 4, 8);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_packet_path_allocates_nothing),
		cmocka_unit_test(test_codec_change_out_of_memory),
		cmocka_unit_test(test_codec_is_given_up_out_of_memory),
		cmocka_unit_test(test_out_of_memory),
		cmocka_unit_test(test_sounds_out_of_memory),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
