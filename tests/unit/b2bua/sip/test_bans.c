/* Who is banned when, and for how long. The clock is a column. */
#include "b2bua/sip/bans.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum what { WRONG = BAN_WRONG_PROOF, BROKEN = BAN_MALFORMED, UNPROVEN = BAN_UNPROVEN, PROVED, DROP, LIFT };

struct step {
	unsigned at_ms;
	const char *source;
	enum what what;
	unsigned times;
	int last; /* what the last one gives */
};

static const struct sip_ban_limits limits = {3, 10, 60};
#define S1 "192.0.2.1:5060"
#define S2 "192.0.2.2:5060"

static const struct step wrong_passwords[] = {
	{0, S1, WRONG, 2, 0},
	{0, S1, DROP, 1, 0},
	{9999, S1, WRONG, 1, 1}, /* the third within the window */
	{9999, S1, DROP, 5, 1},
	{9999, "192.0.2.1:9", DROP, 1, 1}, /* whatever the port */
	{9999, "[::ffff:192.0.2.1]:5060", DROP, 1, 1},
	{9999, S2, DROP, 1, 0},
	{20000, S1, WRONG, 1, 0}, /* banned already */
	{69998, S1, DROP, 1, 1},
	{69999, S1, DROP, 1, 0},  /* over */
	{70000, S1, WRONG, 2, 0}, /* counted anew */
	{70000, S1, BROKEN, 1, 1},
};
static const struct step slow_is_no_scan[] = {
	{0, S1, WRONG, 2, 0},
	{10000, S1, WRONG, 2, 0},
	{20000, S1, WRONG, 2, 0},
};
static const struct step without_proof[] = {
	{0, S1, UNPROVEN, 29, 0},
	{0, S1, UNPROVEN, 1, 1},
	/* who then proves himself, as a telephone does, is never over it */
	{0, S2, UNPROVEN, 20, 0},
	{0, S2, PROVED, 20, 0},
	{0, S2, UNPROVEN, 29, 0},
	{0, S2, PROVED, 50, 0},
	{0, S2, UNPROVEN, 29, 0},
	/* nor does what else he asks in the hour after it get him banned; wrong passwords do */
	{1000, S2, PROVED, 1, 0},
	{1000, S2, UNPROVEN, 500, 0},
	{3600999, S2, UNPROVEN, 500, 0},
	{3601000, S2, UNPROVEN, 30, 1},
	{3700000, S2, PROVED, 1, 0},
	{3700000, S2, WRONG, 2, 0},
	{3700000, S2, BROKEN, 1, 1},
};
static const struct step networks[] = {
	{0, "[2001:db8:1:2::1]:5060", WRONG, 1, 0},
	{0, "[2001:db8:1:2::2]:5060", WRONG, 1, 0},
	{0, "[2001:db8:1:2:3::3]:5060", WRONG, 1, 1}, /* one /64 */
	{0, "[2001:db8:1:2:ffff::]:5060", DROP, 1, 1},
	{0, "[2001:db8:1:3::1]:5060", DROP, 1, 0},
};
static const struct step lifted[] = {
	{0, S1, LIFT, 1, -ENOENT},
	{0, S1, WRONG, 3, 1},
	{1, S1, LIFT, 1, 0},
	{1, S1, DROP, 1, 0},
	{1, S1, WRONG, 2, 0},
};

static int act(struct bans *b, const struct step *s)
{
	uint64_t now_us = 1 + s->at_ms * 1000ull;
	struct addr a;

	assert_int_equal(addr_parse(s->source, &a), 0);
	switch (s->what) {
	case WRONG:
	case BROKEN:
	case UNPROVEN: return bans_note(b, &a, (enum ban_offence)s->what, now_us);
	case PROVED: bans_proved(b, &a, now_us); return 0;
	case DROP: return bans_drop(b, &a, now_us);
	case LIFT: return bans_lift(b, &a, now_us);
	}
	return -1;
}

static void play(const struct step *steps, size_t count)
{
	struct bans *b;

	assert_int_equal(bans_new(&b), 0);
	bans_set(b, &limits);
	for (size_t i = 0; i < count; i++) {
		int last = 0;
		for (unsigned k = 0; k < steps[i].times; k++) {
			last = act(b, &steps[i]);
			if (k + 1 < steps[i].times && last && steps[i].what < PROVED)
				fail_msg("step %zu: banned at %u", i, k);
		}
		if (last != steps[i].last)
			fail_msg("step %zu: %d", i, last);
	}
	bans_free(b);
}

#define STORY(name)                                                                                                    \
	static void test_##name(void **state)                                                                          \
	{                                                                                                              \
		(void)state;                                                                                           \
		play(name, sizeof(name) / sizeof(name[0]));                                                            \
	}
STORY(wrong_passwords)
STORY(slow_is_no_scan)
STORY(without_proof)
STORY(networks)
STORY(lifted)

static void take_ban(const struct sip_ban *ban, void *arg)
{
	*(struct sip_ban *)arg = *ban;
}

static void test_listed(void **state)
{
	struct sip_ban ban = {0};
	struct addr v4, v6;
	struct bans *b;

	(void)state;
	assert_int_equal(bans_new(&b), 0);
	addr_parse(S1, &v4);
	addr_parse("[2001:db8:1:2:3:4:5:6]:5060", &v6);
	assert_false(bans_note(b, &v4, BAN_WRONG_PROOF, 1)); /* no limits: nobody */
	bans_set(b, &limits);
	for (int i = 0; i < 3; i++)
		(void)bans_note(b, &v6, BAN_MALFORMED, 1);
	assert_true(bans_drop(b, &v6, 1000001));
	assert_int_equal(bans_count(b, 1000001), 1);
	bans_each(b, 1000001, take_ban, &ban);
	assert_string_equal(ban.source, "2001:db8:1:2::/64");
	assert_string_equal(ban.reason, "malformed");
	assert_int_equal(ban.left_s, 59);
	assert_int_equal(ban.dropped, 1);
	assert_int_equal(bans_count(b, 60000001), 0);
	bans_set(b, &(struct sip_ban_limits){0});
	assert_false(bans_drop(b, &v6, 1000001));
	bans_free(b);
}

/* A flood of made-up sources neither grows the table without bound nor frees who is banned. */
static void test_bounded(void **state)
{
	struct addr banned, a;
	struct bans *b;

	(void)state;
	assert_int_equal(bans_new(&b), 0);
	bans_set(b, &limits);
	addr_parse(S1, &banned);
	for (int i = 0; i < 3; i++)
		(void)bans_note(b, &banned, BAN_WRONG_PROOF, 1);
	for (unsigned i = 0; i < 2 * BANS_SOURCES_MAX; i++) {
		char text[32];
		(void)snprintf(text, sizeof(text), "10.0.%u.%u:5060", i / 256, i % 256);
		addr_parse(text, &a);
		(void)bans_note(b, &a, BAN_WRONG_PROOF, 2 + i);
	}
	assert_true(bans_drop(b, &banned, 1000000));
	/* All banned: then the one heard longest ago. */
	for (unsigned i = 0; i < 2 * BANS_SOURCES_MAX; i++) {
		char text[32];
		(void)snprintf(text, sizeof(text), "10.1.%u.%u:5060", i / 256, i % 256);
		addr_parse(text, &a);
		for (int k = 0; k < 3; k++)
			(void)bans_note(b, &a, BAN_WRONG_PROOF, 1000000);
	}
	assert_int_equal(bans_count(b, 1000001), BANS_SOURCES_MAX);
	assert_false(bans_drop(b, &banned, 1000001));
	bans_free(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_wrong_passwords),
		cmocka_unit_test(test_slow_is_no_scan),
		cmocka_unit_test(test_without_proof),
		cmocka_unit_test(test_networks),
		cmocka_unit_test(test_lifted),
		cmocka_unit_test(test_listed),
		cmocka_unit_test(test_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
