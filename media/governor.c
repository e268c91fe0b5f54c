/* media/governor.c */
#include "media/governor.h"

#include <stddef.h>
#include <string.h>

/* Where libopus' SILK encoder really does something else: 4 is 5, 7 is hardly more than 6, 9 is 8
 * (silk/control_codec.c, silk_setup_complexity()). */
static const uint8_t steps[] = {0, 1, 2, 3, 5, 6, 8, 10};

enum { STEPS = sizeof(steps) / sizeof(steps[0]) };

/* What a call takes with each of them, us in 20 ms: its frame (docs/encoder.md, those not measured in between) and 40
 * for all the rest. */
static const uint8_t cost_us[GOVERNOR_COMPLEXITY_MAX + 1] = {73, 73, 90, 108, 108, 108, 125, 130, 150, 150, 160};

static uint8_t up(const struct governor *g)
{
	for (size_t i = 0; i < STEPS; i++)
		if (steps[i] > g->complexity)
			return steps[i] < g->most ? steps[i] : g->most;
	return g->most;
}

static uint8_t down(const struct governor *g)
{
	for (size_t i = STEPS; i > 0; i--)
		if (steps[i - 1] < g->complexity)
			return steps[i - 1] > g->least ? steps[i - 1] : g->least;
	return g->least;
}

static void fall(struct governor *g, uint8_t to, uint64_t now_us)
{
	if (to != g->complexity)
		g->calm_for_us = GOVERNOR_CALM_AFTER_FALL_US;
	g->complexity = to;
	g->calm_since_us = now_us;
}

static void judge(struct governor *g, uint64_t now_us)
{
	if (g->busy_percent > GOVERNOR_DANGER_PERCENT) {
		fall(g, g->least, now_us);
	} else if (g->busy_percent > GOVERNOR_HIGH_PERCENT) {
		fall(g, down(g), now_us);
	} else if (g->busy_percent >= GOVERNOR_CALM_PERCENT) {
		g->calm_since_us = now_us;
	} else if (now_us - g->calm_since_us >= g->calm_for_us) {
		g->complexity = up(g);
		g->calm_since_us = now_us;
		g->calm_for_us = GOVERNOR_CALM_US;
	}
}

static void note_load(struct governor *g, uint64_t passed_us)
{
	const uint64_t whole_us = (uint64_t)GOVERNOR_LOAD_WINDOWS * GOVERNOR_WINDOW_US;
	int64_t now = (int64_t)g->busy_percent * 10 * cost_us[g->least] / cost_us[g->complexity];
	int64_t share = (int64_t)(passed_us < whole_us ? passed_us : whole_us);

	g->load_permille = (uint16_t)(g->load_permille + (now - g->load_permille) * share / (int64_t)whole_us);
}

bool governor_note(struct governor *g, uint64_t busy_us, uint64_t now_us)
{
	uint64_t passed_us = now_us - g->window_us;

	g->busy_us += busy_us;
	if (passed_us < GOVERNOR_WINDOW_US)
		return false;
	g->busy_percent = (uint8_t)(g->busy_us >= passed_us ? 100 : g->busy_us * 100 / passed_us);
	note_load(g, passed_us);
	judge(g, now_us);
	g->window_us = now_us;
	g->busy_us = 0;
	return true;
}

void governor_init(struct governor *g, unsigned least, unsigned most, uint64_t now_us)
{
	memset(g, 0, sizeof(*g));
	g->least = (uint8_t)(least < GOVERNOR_COMPLEXITY_MAX ? least : GOVERNOR_COMPLEXITY_MAX);
	g->most = (uint8_t)(most < GOVERNOR_COMPLEXITY_MAX ? most : GOVERNOR_COMPLEXITY_MAX);
	if (g->most < g->least)
		g->most = g->least;
	g->complexity = g->least;
	g->window_us = g->calm_since_us = now_us;
	g->calm_for_us = GOVERNOR_CALM_US;
}
