/* tests/unit/b2bua/call/test_random.c
 *
 * Calls that anything happens to: seeded random events, some of them likely ones so that calls get far, with the clock
 * moving by fits and starts. Every step is held against the invariants; afterwards timers alone must end the call.
 */
#include "tests/unit/b2bua/call/paths.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

enum { EVENTS = 1200000, EVENTS_OF_A_CALL_MAX = 120, FIRES_MAX = 8, SETUPS = PATH_SETUPS };

/* splitmix64 */
static uint64_t next_random(uint64_t *seed)
{
	uint64_t z = *seed += UINT64_C(0x9e3779b97f4a7c15);
	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

/* What usually comes next; anything else may come at any time. */
static const char *likely(const struct play *p, uint64_t r)
{
	static const char *const by_state[CALL_STATE_COUNT][4] = {
		[CALL_OPENING] = {"media:opened", "media:opened", "media:opened", "media:refused"},
		[CALL_RINGING] = {"media:up", "pre_accept:ok", "sip:200", "sip:180"},
		[CALL_ANSWERED] = {"media:up", "media:up", "sip:offerless", "timer:media"},
		[CALL_ACCEPTING] = {"accept:ok", "accept:ok", "media:up", "sip:hold"},
		[CALL_AGENT] = {"sip:180", "sip:200", "sip:200", "sip:302"},
		[CALL_DIALLING] = {"connect:ok", "wa:answer", "wa:ringing", "wa:accepted"},
		[CALL_ALERTING] = {"connect:ok", "wa:answer", "media:up", "wa:accepted"},
		[CALL_EARLY] = {"sip:200", "sip:183_fork", "sip:486", "sip:180"},
		[CALL_JOINING] = {"sip:200", "sip:180", "media:up", "sip:302"},
		[CALL_UP] = {"refer", "t:200", "hold:on", "replaced:offerless"},
		[CALL_CLOSING] = {"media:closed", "terminate:ok", "connect:ok", "wa:ringing"},
	};
	static const char *const by_branch[] = {
		"0:180", "0:486", "1:180", "2:500", "1:302_nowhere", "0:200", "1:200", "2:200"};
	enum call_state s = play_state(p);

	if (r % 2 && p->dial.fallback.parallel && (s == CALL_RINGING || s == CALL_AGENT || s == CALL_JOINING))
		return by_branch[(r >> 4) % 8];
	if (r % 2 && p->dialplan.route.accept_early && s == CALL_RINGING)
		return "sip:183";
	if (s == CALL_NEW)
		return path_first(p);
	if (s == CALL_ASKING)
		return p->outbound ? "permission:granted" : "routed:bridge";
	return by_state[s][r % 4] ? by_state[s][r % 4] : "sip:bye";
}

/* What happened to the call of this seed, for the one who has to find out why. */
static struct {
	char text[EVENTS_OF_A_CALL_MAX * 32];
} history;

/* Over all calls: so that the run cannot quietly stop short of something. */
static unsigned states_seen[CALL_STATE_COUNT], actions_seen[CALL_ACTION_KIND_COUNT];

static void note(const struct play *p, const char *event)
{
	states_seen[play_state(p)]++;
	for (size_t i = 0; i < p->out.count; i++)
		actions_seen[p->out.actions[i].kind]++;
	strncat(history.text, event, sizeof(history.text) - strlen(history.text) - 1);
	strncat(history.text, p->fault ? "!" : " ", sizeof(history.text) - strlen(history.text) - 1);
}

static void one_step(struct play *p, uint64_t *seed)
{
	static const unsigned later_ms[] = {0, 0, 0, 1, 20, 300, 2000, 11000};
	uint64_t r = next_random(seed);
	uint64_t now_us = p->now_us + later_ms[r % 8] * 1000ull;

	const struct play_event *e;

	r >>= 8;
	if (r % 16 == 0) {
		play_fire(p);
		note(p, "fire");
		return;
	}
	e = r % 16 < 12 ? play_event_find(likely(p, r >> 8)) : &play_events[(r >> 8) % play_event_count()];
	play_step(p, &e->ev, now_us);
	note(p, e->name);
}

static unsigned one_call(uint64_t seed)
{
	uint64_t first_seed = seed;
	struct play p;
	unsigned n = 0, fired = 0;
	unsigned length = 1 + (unsigned)(next_random(&seed) % EVENTS_OF_A_CALL_MAX);

	history.text[0] = '\0';
	path_set_up((enum path_setup)(next_random(&seed) % SETUPS), &p);
	p.settings.use_pre_accept = next_random(&seed) % 4 != 0;
	p.dial.offer_active = next_random(&seed) % 2;
	assert_int_equal(play_start(&p), 0);
	for (; n < length && !p.fault; n++) {
		one_step(&p, &seed);
		if (p.watch.released && next_random(&seed) % 4 == 0)
			break;
	}
	if (play_state(&p) == CALL_NEW)
		play_named(&p, path_first(&p), 0);
	while (!p.fault && play_fire(&p))
		assert_in_range(++fired, 1, FIRES_MAX);
	if (p.fault || !p.watch.released)
		fail_msg("seed %llu, %u events: %s (last: %s)\n%s", (unsigned long long)first_seed, n,
			p.fault ? p.fault : "not released", p.actions, history.text);
	play_done(&p);
	return n + fired;
}

static void anything_may_happen(void **state)
{
	uint64_t seed = 20261121;

	(void)state;
	for (unsigned n = 0; n < EVENTS;)
		n += one_call(next_random(&seed));
	for (int s = 0; s < CALL_STATE_COUNT; s++)
		if (states_seen[s] < 1000)
			fail_msg("%s was seen %u times", call_state_name((enum call_state)s), states_seen[s]);
	for (int k = 0; k < CALL_ACTION_KIND_COUNT; k++)
		if (actions_seen[k] < 100)
			fail_msg("%s was seen %u times", call_action_name((enum call_action_kind)k), actions_seen[k]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(anything_may_happen),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
