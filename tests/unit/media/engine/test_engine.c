/* Engine and workers: commands reach their session, reports come back, everything opened is closed. */
#include "lib/base/id.h"
#include "lib/loop/loop.h"
#include "media/command.h"
#include "tests/unit/media/engine/engine_bench.h"
#include "tests/unit/media/engine/fake_session.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static void start(struct bench *b, unsigned max_sessions)
{
	struct media_engine_conf conf = bench_conf(b);

	conf.max_sessions = max_sessions;
	bench_init(b, &conf);
}

static struct media_wa_remote wa_remote(struct bench *b, bool candidate)
{
	struct media_wa_remote remote = {.ufrag = "meta", .pwd = "0123456789012345678901"};
	socklen_t length = sizeof(remote.candidates[0].addr.u);

	if (candidate) {
		remote.candidate_count = 1;
		getsockname(b->peer, &remote.candidates[0].addr.u.sa, &length);
	}
	return remote;
}

static void test_addresses_for_our_sdp(void **state)
{
	(void)state;
	struct bench b = {0};
	const struct media_engine_conf conf = bench_conf(&b);
	struct media_local one, two;

	start(&b, 10);
	bench_open(&b, &one);
	bench_open(&b, &two);
	const struct media_local *const both[] = {&one, &two};
	for (int i = 0; i < 2; i++) {
		char host[ADDR_TEXT_MAX];
		uint16_t wa = addr_port(&both[i]->wa.addr), sip = addr_port(&both[i]->sip_rtp);
		assert_string_equal(addr_host(&both[i]->wa.addr, host, sizeof(host)), "192.0.2.1");
		assert_string_equal(addr_host(&both[i]->sip_rtp, host, sizeof(host)), "192.0.2.1");
		assert_true(wa >= conf.wa_port_min && wa <= conf.wa_port_max);
		assert_true(sip >= conf.sip_port_min && sip < conf.sip_port_max && sip % 2 == 0);
		assert_int_equal(strlen(both[i]->wa.ufrag), 8); /* RFC 8445 s5.3: at least 4 and 22 */
		assert_int_equal(strlen(both[i]->wa.pwd), 24);
		assert_true(both[i]->wa.ssrc != 0);
	}
	assert_string_not_equal(one.wa.ufrag, two.wa.ufrag);
	assert_string_not_equal(one.wa.pwd, two.wa.pwd);
	assert_true(one.wa.ssrc != two.wa.ssrc);
	assert_true(addr_port(&one.wa.addr) != addr_port(&two.wa.addr));
	assert_int_equal(media_ports_in_use(b.engine), 4);
	bench_done(&b);
}

static void test_a_thousand_sessions_open_and_close(void **state)
{
	(void)state;
	enum { ROUNDS = 10, AT_ONCE = 100 };
	struct bench b = {0};
	uint64_t ids[AT_ONCE];
	struct media_local local;

	start(&b, AT_ONCE);
	for (int round = 0; round < ROUNDS; round++) {
		for (int i = 0; i < AT_ONCE; i++)
			ids[i] = bench_open(&b, &local);
		assert_int_equal(media_session_count(b.engine), AT_ONCE);
		assert_int_equal(media_open(b.engine, &ids[0], &local), -ENOSPC);
		for (int i = 0; i < AT_ONCE; i++)
			media_close(b.engine, ids[i]);
		media_close(b.engine, ids[0]); /* twice: ignored */
		bench_wait(&b, MEDIA_CLOSED, 0, (size_t)(round + 1) * AT_ONCE);
		assert_int_equal(media_session_count(b.engine), 0);
		assert_int_equal(media_ports_in_use(b.engine), 0);
		for (int i = 0; i < AT_ONCE; i++)
			assert_int_equal(bench_count(&b, MEDIA_CLOSED, ids[i]), 1);
	}
	assert_int_equal(bench_count(&b, MEDIA_FAILED, 0), 0);
	assert_int_equal(fake_sessions_alive(), 0);
	bench_done(&b);
}

static void test_commands_reach_their_session(void **state)
{
	(void)state;
	enum { MANY = 20 };
	struct bench b = {0};
	struct media_local local[MANY];
	uint64_t ids[MANY];

	start(&b, MANY);
	for (int i = 0; i < MANY; i++)
		ids[i] = bench_open(&b, &local[i]);
	for (int i = 0; i < MANY; i++) {
		const struct media_wa_remote wa = wa_remote(&b, false);
		const struct media_sip_remote sip = {.codec = AUDIO_PCMU};
		assert_int_equal(media_set_wa(b.engine, ids[i], &wa), 0);
		assert_int_equal(media_set_sip(b.engine, ids[i], &sip), 0);
		assert_int_equal(media_start_wa(b.engine, ids[i]), 0);
		assert_int_equal(media_ask_stats(b.engine, ids[i]), 0);
	}
	for (int i = 0; i < MANY; i++) {
		bench_wait(&b, MEDIA_STATS, ids[i], 1);
		assert_int_equal(bench_count(&b, MEDIA_DTMF, ids[i]), 2);
		assert_int_equal(bench_last(&b, MEDIA_DTLS_UP, ids[i])->duration_ms, local[i].wa.ssrc & 0xffff);
		assert_int_equal(bench_last(&b, MEDIA_DTMF, ids[i])->duration_ms, local[i].wa.ssrc & 0xffff);
		assert_int_equal(bench_last(&b, MEDIA_DTMF, ids[i])->digit, 'A');
		assert_int_equal(bench_last(&b, MEDIA_STATS, ids[i])->stats.dtmf_digits, local[i].wa.ssrc);
	}
	media_close(b.engine, ids[7]);
	bench_wait(&b, MEDIA_CLOSED, ids[7], 1);
	assert_int_equal(bench_last(&b, MEDIA_CLOSED, ids[7])->stats.dtmf_digits, local[7].wa.ssrc);
	bench_done(&b);
}

static bool hears(struct bench *b, int peer, uint16_t port, const char *text)
{
	char answer[64];
	int kept = b->peer;
	bool ok;

	b->peer = peer;
	ok = bench_ask(b, port, text, answer) && strcmp(answer, text) == 0;
	b->peer = kept;
	return ok;
}

/* The SIP side's socket is connected to its peer: others are not heard until it is let go, and its port stays. */
static void test_sip_socket_connected_and_let_go(void **state)
{
	(void)state;
	struct bench b = {0};
	struct media_local local;
	struct addr here;
	int other = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	char answer[64];

	start(&b, 4);
	assert_int_equal(addr_set(&here, "127.0.0.1", 0), 0);
	assert_int_equal(bind(other, &here.u.sa, addr_len(&here)), 0);
	uint64_t id = bench_open(&b, &local);
	uint16_t port = addr_port(&local.sip_rtp);
	for (int i = 0; i < 3; i++) {
		assert_true(hears(&b, other, port, "hello"));
		assert_true(bench_ask(&b, port, "P", answer));
		/* Loopback hands packets over in order: the stranger's is refused before the peer's arrives. */
		struct addr to = here;
		addr_set_port(&to, port);
		assert_int_equal(sendto(other, "stranger", 8, 0, &to.u.sa, addr_len(&to)), 8);
		assert_true(bench_ask(&b, port, "still", answer));
		assert_string_equal(answer, "still");
		assert_int_equal(recv(other, answer, sizeof(answer), MSG_DONTWAIT), -1);
		assert_true(bench_ask(&b, port, "U", answer));
	}
	assert_true(hears(&b, other, port, "again"));
	media_close(b.engine, id);
	bench_wait(&b, MEDIA_CLOSED, id, 1);
	bench_done(&b); /* as many descriptors as at the start: `other` is one of those */
	close(other);
}

static void test_load_of_each_worker(void **state)
{
	(void)state;
	struct bench b = {0};
	struct media_engine_conf conf = bench_conf(&b);
	struct media_worker_load loads[3] = {[2] = {.complexity = 99}};
	struct media_local local;
	uint64_t ids[3];

	conf.opus_complexity = 3; /* and no more: fixed */
	bench_init(&b, &conf);
	for (int i = 0; i < 3; i++) {
		ids[i] = bench_open(&b, &local);
		assert_int_equal(media_ask_stats(b.engine, ids[i]), 0);
	}
	for (int i = 0; i < 3; i++)
		bench_wait(&b, MEDIA_STATS, ids[i], 1);
	assert_int_equal(media_worker_loads(b.engine, loads, 3), 2);
	assert_int_equal(loads[0].calls + loads[1].calls, 3);
	for (int i = 0; i < 2; i++) {
		assert_in_range(loads[i].calls, 1, 2);
		assert_int_equal(loads[i].complexity, 3);
		assert_in_range(loads[i].busy_percent, 0, 100);
	}
	assert_int_equal(loads[2].complexity, 99);
	assert_int_equal(media_worker_loads(b.engine, NULL, 0), 2);
	bench_done(&b);
}

static void test_sounds_and_digits_reach_their_session(void **state)
{
	(void)state;
	struct bench b = {0};
	struct media_local local;
	char many[100];

	start(&b, 4);
	uint64_t id = bench_open(&b, &local), other = bench_open(&b, &local);
	memset(many, '7', sizeof(many) - 1);
	many[sizeof(many) - 1] = '\0';
	assert_int_equal(media_play(b.engine, id, SIDE_SIP, SOUND_MUSIC), 0);
	assert_int_equal(media_mute(b.engine, id, SIDE_WA, true), 0);
	assert_int_equal(media_mute(b.engine, id, SIDE_WA, false), 0);
	assert_int_equal(media_send_dtmf(b.engine, id, SIDE_WA, "1x 2"), 0);
	assert_int_equal(media_send_dtmf(b.engine, id, SIDE_WA, "xyz"), 0); /* nothing to send */
	assert_int_equal(media_send_dtmf(b.engine, id, SIDE_WA, ""), 0);
	assert_int_equal(media_send_dtmf(b.engine, id, SIDE_SIP, many), 0);
	bench_wait(&b, MEDIA_DTMF, id, 5 + MEDIA_DTMF_MAX);
	media_ask_stats(b.engine, id);
	bench_wait(&b, MEDIA_STATS, id, 1);
	char told[5 + 1] = "";
	size_t n = 0;
	for (size_t i = 0; i < b.event_count && n < 5; i++)
		if (b.events[i].kind == MEDIA_DTMF)
			told[n++] = b.events[i].digit;
	assert_string_equal(told, "2Qq12");
	assert_int_equal(bench_count(&b, MEDIA_DTMF, id), 5 + MEDIA_DTMF_MAX);
	assert_int_equal(bench_count(&b, MEDIA_DTMF, other), 0);
	bench_done(&b);
}

/* A configuration that was not checked before: the engine does not start, and leaves nothing behind. */
static void test_sounds_that_cannot_be_had(void **state)
{
	(void)state;
	struct bench b = {0};
	struct media_engine_conf conf = bench_conf(&b);
	struct media_engine *e = NULL;
	char why[80] = "";

	assert_int_equal(loop_new(&b.loop), 0);
	conf.tone_country = "atlantis";
	assert_int_equal(media_engine_new(b.loop, &conf, &e), -EINVAL);
	conf.tone_country = "fr";
	conf.music_path = "/nonexistent/music.wav";
	assert_int_equal(media_engine_new(b.loop, &conf, &e), -ENOENT);
	assert_null(e);
	assert_int_equal(media_music_check(conf.music_path, why, sizeof(why)), -ENOENT);
	assert_true(strlen(why) > 5);
	assert_int_equal(media_music_check("", why, sizeof(why)), 0);
	assert_int_equal(media_music_check(NULL, why, sizeof(why)), 0);
	assert_true(media_tone_known("") && media_tone_known("fr") && !media_tone_known("atlantis"));
	loop_free(b.loop);
}

static void test_packets_reach_their_session_and_end(void **state)
{
	(void)state;
	struct bench b = {0};
	struct media_local one, two;
	char answer[64];

	start(&b, 4);
	uint64_t first = bench_open(&b, &one), second = bench_open(&b, &two);
	const uint16_t ports[] = {addr_port(&one.wa.addr), addr_port(&one.sip_rtp),
		(uint16_t)(addr_port(&one.sip_rtp) + 1), addr_port(&two.wa.addr)};
	for (int round = 0; round < 3; round++) {
		for (size_t i = 0; i < sizeof(ports) / sizeof(ports[0]); i++) {
			char text[32];
			snprintf(text, sizeof(text), "round %d port %zu", round, i);
			assert_true(bench_ask(&b, ports[i], text, answer));
			assert_string_equal(answer, text);
		}
		/* The WhatsApp socket is connected from now on. */
		const struct media_wa_remote wa = wa_remote(&b, true);
		media_set_wa(b.engine, first, &wa);
		bench_wait(&b, MEDIA_ICE_UP, first, (size_t)round + 1);
	}
	bench_send(&b, ports[0], ""); /* an empty datagram is nobody's */
	assert_true(bench_ask(&b, ports[0], "still here", answer));
	media_close(b.engine, first);
	media_close(b.engine, second);
	bench_wait(&b, MEDIA_CLOSED, 0, 2);
	assert_int_equal(bench_last(&b, MEDIA_CLOSED, first)->stats.rx[END_WA].packets, 10);
	assert_int_equal(bench_last(&b, MEDIA_CLOSED, second)->stats.rx[END_WA].packets, 3);
	bench_done(&b);
}

static void test_sessions_are_ticked(void **state)
{
	(void)state;
	enum { MANY = 40 }; /* enough for slots */
	struct bench b = {0};
	struct media_local local;

	start(&b, MANY);
	for (int i = 0; i < MANY; i++)
		bench_open(&b, &local);
	unsigned before = fake_ticks();
	for (int i = 0; i < 1000 && fake_ticks() < before + 10 * MANY; i++)
		loop_step(b.loop, 10);
	assert_true(fake_ticks() >= before + 10 * MANY);
	bench_done(&b);
}

static void test_unknown_ids_are_ignored(void **state)
{
	(void)state;
	struct bench b = {0};
	struct media_local local;

	start(&b, 4);
	uint64_t id = bench_open(&b, &local);
	const uint64_t wrong[] = {
		0, 1, id + 1, id ^ (1ull << 24), id ^ (1ull << 56), id | 0xff00000000000000ull, ~0ull};
	const struct media_wa_remote wa = wa_remote(&b, false);
	const struct media_sip_remote sip = {.codec = AUDIO_PCMU};
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		assert_int_equal(media_set_wa(b.engine, wrong[i], &wa), 0);
		assert_int_equal(media_set_sip(b.engine, wrong[i], &sip), 0);
		assert_int_equal(media_start_wa(b.engine, wrong[i]), 0);
		assert_int_equal(media_ask_stats(b.engine, wrong[i]), 0);
		media_close(b.engine, wrong[i]);
	}
	media_ask_stats(b.engine, id);
	bench_wait(&b, MEDIA_STATS, id, 1);
	media_close(b.engine, id);
	/* Between close and CLOSED: not ours any more. */
	assert_int_equal(media_set_wa(b.engine, id, &wa), 0);
	assert_int_equal(media_ask_stats(b.engine, id), 0);
	bench_wait(&b, MEDIA_CLOSED, id, 1);
	assert_int_equal(b.event_count, 2);
	bench_done(&b);
}

static void test_engine_ends_with_live_sessions(void **state)
{
	(void)state;
	struct bench b = {0};
	struct media_local local;

	start(&b, 50);
	for (int i = 0; i < 50; i++) {
		uint64_t id = bench_open(&b, &local);
		const struct media_wa_remote wa = wa_remote(&b, false);
		media_set_wa(b.engine, id, &wa);
		if (i % 3 == 0)
			media_close(b.engine, id);
	}
	bench_done(&b);
}

static void test_bad_conf(void **state)
{
	(void)state;
	struct bench b = {0};
	struct media_engine_conf conf = bench_conf(&b);
	struct media_engine *engine = NULL;

	assert_int_equal(loop_new(&b.loop), 0);
	int fds = open_descriptors();
	conf.sip_port_min = 14001;
	conf.sip_port_max = 14002;
	assert_int_equal(media_engine_new(b.loop, &conf, &engine), -EINVAL);
	assert_null(engine);
	assert_int_equal(open_descriptors(), fds);
	assert_null(media_engine_free(NULL));
	loop_free(b.loop);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_addresses_for_our_sdp),
		cmocka_unit_test(test_a_thousand_sessions_open_and_close),
		cmocka_unit_test(test_commands_reach_their_session),
		cmocka_unit_test(test_sip_socket_connected_and_let_go),
		cmocka_unit_test(test_load_of_each_worker),
		cmocka_unit_test(test_sounds_and_digits_reach_their_session),
		cmocka_unit_test(test_sounds_that_cannot_be_had),
		cmocka_unit_test(test_packets_reach_their_session_and_end),
		cmocka_unit_test(test_sessions_are_ticked),
		cmocka_unit_test(test_unknown_ids_are_ignored),
		cmocka_unit_test(test_engine_ends_with_live_sessions),
		cmocka_unit_test(test_bad_conf),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
