/* When the SIP side's socket is connected, and when no longer. */
#include "media/session_inner.h"
#include "tests/support/media/session_sim.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <string.h>

enum what { HEARD_A, HEARD_B, TICK, RESET };

struct step {
	unsigned at_ms, until_ms; /* every 20 ms */
	enum what what;
	enum sip_pin_change expected; /* of the last one; of those before: nothing */
};

static const struct step steady[] = {
	{1000, 3980, HEARD_A, SIP_PIN_AS_BEFORE},
	{4000, 4000, HEARD_A, SIP_PIN_CONNECT},
	{4020, 9000, HEARD_A, SIP_PIN_AS_BEFORE},
	{9099, 9099, TICK, SIP_PIN_AS_BEFORE},
	{9100, 9100, TICK, SIP_PIN_RELEASE},
	{9120, 9120, TICK, SIP_PIN_AS_BEFORE},
	{9140, 12120, HEARD_A, SIP_PIN_AS_BEFORE}, /* the window anew */
	{12140, 12140, HEARD_A, SIP_PIN_CONNECT},
};
static const struct step pauses_before[] = {
	{1000, 3900, HEARD_A, SIP_PIN_AS_BEFORE},
	{4100, 7080, HEARD_A, SIP_PIN_AS_BEFORE},
	{7100, 7100, HEARD_A, SIP_PIN_CONNECT},
};
static const struct step moves_before[] = {
	{1000, 3900, HEARD_A, SIP_PIN_AS_BEFORE},
	{3920, 6900, HEARD_B, SIP_PIN_AS_BEFORE},
	{6920, 6920, HEARD_B, SIP_PIN_CONNECT},
};
static const struct step lay_in_the_socket[] = {
	{1000, 3980, HEARD_A, SIP_PIN_AS_BEFORE},
	{4000, 4000, HEARD_A, SIP_PIN_CONNECT},
	{4020, 4020, HEARD_B, SIP_PIN_RELEASE},
	{4040, 7020, HEARD_B, SIP_PIN_AS_BEFORE},
	{7040, 7040, HEARD_B, SIP_PIN_CONNECT},
};
static const struct step new_sdp[] = {
	{1000, 3980, HEARD_A, SIP_PIN_AS_BEFORE},
	{4000, 4000, HEARD_A, SIP_PIN_CONNECT},
	{4010, 4010, RESET, SIP_PIN_RELEASE},
	{4010, 4010, RESET, SIP_PIN_AS_BEFORE},
	{4020, 7000, HEARD_A, SIP_PIN_AS_BEFORE},
	{7020, 7020, HEARD_A, SIP_PIN_CONNECT},
};
/* It sends to another of our addresses than we answer from: connected, we are deaf. Once is enough. */
static const struct step deaf[] = {
	{1000, 3980, HEARD_A, SIP_PIN_AS_BEFORE},
	{4000, 4000, HEARD_A, SIP_PIN_CONNECT},
	{4100, 4100, TICK, SIP_PIN_RELEASE},
	{4120, 60000, HEARD_A, SIP_PIN_AS_BEFORE},
	{60010, 60010, RESET, SIP_PIN_AS_BEFORE},
	{60020, 63000, HEARD_A, SIP_PIN_AS_BEFORE},
	{63020, 63020, HEARD_A, SIP_PIN_CONNECT},
};

static enum sip_pin_change take(struct sip_pin *p, enum what what, uint64_t now_us)
{
	struct addr a, b;

	assert_int_equal(addr_parse("192.0.2.7:4000", &a), 0);
	assert_int_equal(addr_parse("192.0.2.7:4002", &b), 0);
	switch (what) {
	case HEARD_A: return sip_pin_heard(p, &a, now_us);
	case HEARD_B: return sip_pin_heard(p, &b, now_us);
	case TICK: return sip_pin_tick(p, now_us);
	case RESET: break;
	}
	return sip_pin_reset(p);
}

static void play(const char *name, const struct step *steps, size_t count)
{
	struct sip_pin p = {0};

	for (size_t i = 0; i < count; i++) {
		for (unsigned ms = steps[i].at_ms; ms <= steps[i].until_ms; ms += 20) {
			enum sip_pin_change got = take(&p, steps[i].what, ms * UINT64_C(1000));
			if (got != (ms + 20 > steps[i].until_ms ? steps[i].expected : SIP_PIN_AS_BEFORE))
				fail_msg("%s, step %zu, %u ms: %d", name, i, ms, got);
			assert_int_equal(sip_pin_deadline(&p) == UINT64_MAX, !p.on);
		}
	}
}

static void test_stories(void **state)
{
#define PLAY(story) play(#story, story, sizeof(story) / sizeof(story[0]))
	(void)state;
	PLAY(steady);
	PLAY(pauses_before);
	PLAY(moves_before);
	PLAY(lay_in_the_socket);
	PLAY(new_sdp);
	PLAY(deaf);
#undef PLAY
}

/* As the kernel would: while the socket is connected, packets from elsewhere do not come in. */
static bool pinned(struct sim *m)
{
	return m->session->pin.on;
}

/* The peer goes on from another port, with the stream that it had: heard again after the pause that this makes. */
static void test_peer_moves_while_pinned(void **state)
{
	static struct sim m;
	const struct sim_conf conf = {.wa_link = {.delay_ms = 30, .seed = 1}, .sip_link = {.delay_ms = 5, .seed = 2}};
	(void)state;
	sim_init(&m, &conf);
	sim_connect(&m);
	struct media_sip_remote remote = sim_sip_remote(&m);
	sim_run_ms(&m, 4000);
	assert_true(pinned(&m));
	assert_int_equal(sim_count_events(&m, SESSION_SIP_PINNED), 1);
	m.sip_talks = false; /* what it sends is kept from us */
	sim_run_ms(&m, SIP_PIN_PAUSE_MS + 20);
	assert_false(pinned(&m));
	assert_int_equal(sim_count_events(&m, SESSION_SIP_PINNED), 2);
	assert_int_equal(addr_parse("192.0.2.7:5555", &m.sip_addr), 0);
	m.sip_talks = true;
	uint64_t loud = m.wa.loud;
	sim_run_ms(&m, 1000);
	assert_true(m.wa.loud > loud + 10);
	assert_true(addr_equal(rtp_end_rtp_to(&m.session->sip), &m.sip_addr));
	sim_run_ms(&m, 3000);
	assert_true(pinned(&m));
	/* The same SDP again: a session refresh. */
	assert_int_equal(session_set_sip(m.session, &remote, m.now_us), 0);
	assert_true(pinned(&m));
	addr_set_port(&remote.rtp, 6000);
	assert_int_equal(session_set_sip(m.session, &remote, m.now_us), 0);
	assert_false(pinned(&m));
	assert_int_equal(sim_count_events(&m, SESSION_FAILED), 0);
	sim_done(&m);
}

/* Somebody elsewhere sends before the peer does, and goes on: connected to him, we would never hear the peer. */
static void test_stranger_before_the_peer_is_not_pinned(void **state)
{
	static struct sim m;
	const struct sim_conf conf = {.wa_link = {.delay_ms = 30, .seed = 1}, .sip_link = {.delay_ms = 5, .seed = 2}};
	struct addr home;
	(void)state;
	sim_init(&m, &conf);
	home = m.sip_addr;
	sim_connect(&m);
	m.sip_talks = false;
	sim_run_ms(&m, 200);
	struct media_sip_remote remote = sim_sip_remote(&m);
	addr_set_port(&remote.rtp, 7000); /* an SDP that opens the latch */
	addr_set_port(&home, 7000);
	assert_int_equal(session_set_sip(m.session, &remote, m.now_us), 0);
	assert_int_equal(addr_parse("203.0.113.66:4000", &m.sip_addr), 0);
	m.sip_ssrc = 0x666;
	m.sip_talks = true;
	sim_run_ms(&m, 6000);
	assert_true(addr_equal(rtp_end_rtp_to(&m.session->sip), &m.sip_addr));
	assert_false(pinned(&m));
	m.sip_addr = home;
	m.sip_ssrc = 0x7777;
	sim_run_ms(&m, 100);
	assert_true(addr_equal(rtp_end_rtp_to(&m.session->sip), &home));
	sim_run_ms(&m, 4000);
	assert_true(pinned(&m));
	sim_done(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_stories),
		cmocka_unit_test(test_peer_moves_while_pinned),
		cmocka_unit_test(test_stranger_before_the_peer_is_not_pinned),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
