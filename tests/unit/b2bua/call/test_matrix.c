/* tests/unit/b2bua/call/test_matrix.c
 *
 * Every event in every state, and every pair of events; what docs/call-states.md says about them; memory that runs out
 * anywhere.
 */
#include "tests/support/oom.h"
#include "tests/unit/b2bua/call/paths.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

enum { FIRES_MAX = 8, LINE_MAX_CHARS = 1024 };

/* Nothing may be broken, and time alone must lead to RELEASE. OFFER is owed by the shell, always. */
static void run_out(struct play *p, const char *what, const char *first, const char *second)
{
	unsigned fired = 0;

	if (play_state(p) == CALL_NEW)
		play_named(p, path_first(p), 0);
	while (play_fire(p))
		assert_in_range(++fired, 1, FIRES_MAX);
	if (p->fault || !p->watch.released)
		fail_msg("%s, %s, %s: %s", what, first, second, p->fault ? p->fault : "not released");
	play_done(p);
}

static void every_event_in_every_state(void **state)
{
	(void)state;
	for (size_t i = 0; i < PATHS; i++) {
		for (const struct play_event *e = play_events; e->name; e++) {
			struct play p;
			assert_int_equal(path_play(&paths[i], &p), 0);
			assert_int_equal(play_state(&p), paths[i].state);
			play_step(&p, &e->ev, PLAY_START_US + path_time(e) * 1000ull);
			if (paths[i].state == CALL_RELEASED)
				assert_int_equal(p.out.count, 0);
			run_out(&p, call_state_name(paths[i].state), e->name, "");
		}
	}
}

/* Of each way into a state every 48th pair; ways differ in which. */
static void every_pair_of_events_in_every_state(void **state)
{
	(void)state;
	for (size_t i = 0; i < PATHS; i++) {
		for (const struct play_event *a = play_events; a->name; a++) {
			for (const struct play_event *b = play_events; b->name; b++) {
				struct play p;
				if ((i + (size_t)(a - play_events) * 5 + (size_t)(b - play_events)) % 48 != 0)
					continue;
				assert_int_equal(path_play(&paths[i], &p), 0);
				play_step(&p, &a->ev, PLAY_START_US + path_time(a) * 1000ull);
				play_step(&p, &b->ev, PLAY_START_US + path_time(b) * 1000ull);
				run_out(&p, call_state_name(paths[i].state), a->name, b->name);
			}
		}
	}
}

/* ---- the page ---- */

static FILE *open_page(void)
{
	FILE *f = fopen("docs/call-states.md", "r");
	if (!f)
		fail_msg("docs/call-states.md: %s", strerror(errno));
	return f;
}

static int state_by_name(const char *name)
{
	for (int s = 0; s < CALL_STATE_COUNT; s++)
		if (strcmp(call_state_name((enum call_state)s), name) == 0)
			return s;
	return -1;
}

static void page_lists_the_states(void **state)
{
	static const struct {
		const char *name, *meaning;
	} defined[] = {
#define CALL_STATE(id, name, meaning) {name, meaning},
#include "b2bua/call/state.def"
#undef CALL_STATE
	};
	char line[LINE_MAX_CHARS], wanted[LINE_MAX_CHARS];
	int next = -1;
	FILE *f = open_page();

	(void)state;
	while (next < CALL_STATE_COUNT && fgets(line, sizeof(line), f)) {
		if (next < 0) {
			if (strcmp(line, "|---|---|\n") == 0)
				next = 0;
			continue;
		}
		snprintf(wanted, sizeof(wanted), "| `%s` | %s |\n", defined[next].name, defined[next].meaning);
		assert_string_equal(line, wanted);
		next++;
	}
	assert_int_equal(next, CALL_STATE_COUNT);
	assert_non_null(fgets(line, sizeof(line), f));
	assert_string_equal(line, "\n");
	fclose(f);
}

static void page_draws_what_the_code_does(void **state)
{
	bool does[CALL_STATE_COUNT][CALL_STATE_COUNT] = {{false}},
	     drawn[CALL_STATE_COUNT][CALL_STATE_COUNT] = {{false}};
	char line[LINE_MAX_CHARS], from[32], to[32];
	FILE *f = open_page();

	(void)state;
	for (size_t i = 0; i < PATHS; i++) {
		for (const struct play_event *e = play_events; e->name; e++) {
			struct play p;
			path_play(&paths[i], &p);
			play_step(&p, &e->ev, PLAY_START_US + path_time(e) * 1000ull);
			does[paths[i].state][play_state(&p)] = true;
			play_done(&p);
		}
	}
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, " %31[a-z] --> %31[a-z]:", from, to) != 2)
			continue;
		assert_true(state_by_name(from) >= 0 && state_by_name(to) >= 0);
		drawn[state_by_name(from)][state_by_name(to)] = true;
	}
	fclose(f);
	for (int a = 0; a < CALL_STATE_COUNT; a++)
		for (int b = 0; b < CALL_STATE_COUNT; b++)
			if (a != b && does[a][b] != drawn[a][b])
				fail_msg("%s --> %s: %s", call_state_name((enum call_state)a),
					call_state_name((enum call_state)b), drawn[a][b] ? "drawn only" : "not drawn");
}

/* Does any event of this kind do anything in this state? */
static bool kind_acts(enum call_event_kind kind, enum call_state s)
{
	bool acts = false;

	for (size_t i = 0; i < PATHS; i++) {
		for (const struct play_event *e = play_events; e->name; e++) {
			struct play p;
			struct call_report before, after;
			if (paths[i].state != s || e->ev.kind != kind)
				continue;
			path_play(&paths[i], &p);
			call_report(p.call, &before);
			play_step(&p, &e->ev, PLAY_START_US + path_time(e) * 1000ull);
			call_report(p.call, &after);
			acts |= after.ignored == before.ignored;
			play_done(&p);
		}
	}
	return acts;
}

static void check_row(char *line)
{
	char *save = NULL, *cell = strtok_r(line, "|", &save);
	char name[64];
	int kind = 0;

	assert_int_equal(sscanf(cell, " `%63[a-z_]`", name), 1);
	while (kind < CALL_EV_KIND_COUNT && strcmp(call_event_name((enum call_event_kind)kind), name) != 0)
		kind++;
	assert_true(kind < CALL_EV_KIND_COUNT);
	for (int s = 0; s < CALL_STATE_COUNT; s++) {
		bool dash;
		cell = strtok_r(NULL, "|", &save);
		assert_non_null(cell);
		dash = strcmp(cell, " - ") == 0;
		if (dash == kind_acts((enum call_event_kind)kind, (enum call_state)s))
			fail_msg("`%s` in %s: the page says %s", name, call_state_name((enum call_state)s), cell);
	}
}

static void page_tells_what_is_ignored(void **state)
{
	char line[LINE_MAX_CHARS];
	int rows = 0;
	bool inside = false;
	FILE *f = open_page();

	(void)state;
	while (fgets(line, sizeof(line), f)) {
		inside |= strcmp(line, "## Events\n") == 0;
		if (inside && strncmp(line, "| `", 3) == 0) {
			check_row(line);
			rows++;
		}
	}
	fclose(f);
	assert_int_equal(rows, CALL_EV_KIND_COUNT);
}

/* ---- out of memory ---- */

static void memory_runs_out_anywhere(void **state)
{
	static const char *const events[] = {"offer", "media:opened", "sip:183", "media:up", "sip:200", "accept:ok",
		"sip:hold", "sip:offerless", "sip:ack", "wa:138021"};

	(void)state;
	for (unsigned n = 1; oom_next(n); n++) {
		struct play p;
		struct call_report r;
		bool failed;
		int made;

		play_init(&p);
		made = play_start(&p);
		for (size_t i = 0; made == 0 && i < sizeof(events) / sizeof(events[0]); i++)
			play_named(&p, events[i], 0);
		failed = oom_off();
		if (made != 0) {
			assert_int_equal(made, -ENOMEM);
			assert_null(p.call);
		} else {
			call_report(p.call, &r);
			assert_int_equal(r.cause, failed ? CAUSE_INTERNAL : CAUSE_MEDIA_TIMEOUT);
			run_out(&p, "out of memory", "", "");
		}
	}
}

/* Dialled, then transferred: what cannot be begun is refused, and only what must end ends. */
static void memory_runs_out_of_a_dialled_call(void **state)
{
	static const char *const events[] = {"dial", "media:opened", "permission:granted", "connect:ok", "wa:answer",
		"media:up", "wa:ringing", "wa:accepted", "sip:200", "refer", "t:302", "t:200", "wa:138021"};

	(void)state;
	for (unsigned n = 1; oom_next(n); n++) {
		struct play p;
		struct call_report r;
		bool failed;
		int made;

		path_set_up(USER_FIRST, &p);
		made = play_start(&p);
		for (size_t i = 0; made == 0 && i < sizeof(events) / sizeof(events[0]); i++)
			play_named(&p, events[i], 0);
		failed = oom_off();
		if (made != 0) {
			assert_int_equal(made, -ENOMEM);
			assert_null(p.call);
		} else {
			call_report(p.call, &r);
			assert_true(r.ended);
			assert_true(failed || (r.cause == CAUSE_MEDIA_TIMEOUT && r.transfers == 1));
			run_out(&p, "out of memory", "", "");
		}
	}
}

/* A dialplan that has no memory left must not leave a half-made route behind. */
static void the_dialplan_runs_out_of_memory(void **state)
{
	struct play p;
	struct call_report r;

	(void)state;
	play_init(&p);
	p.dialplan.status = -ENOMEM;
	assert_int_equal(play_start(&p), 0);
	play_named(&p, "offer", 0);
	assert_string_equal(p.actions, "graph:reject set:close");
	call_report(p.call, &r);
	assert_int_equal(r.cause, CAUSE_INTERNAL);
	assert_string_equal(r.rule, "");
	run_out(&p, "", "", "");
}

/* What a peer repeats for ever must not eat the call's memory. */
static void a_thousand_reoffers_take_no_memory(void **state)
{
	static const char *const rounds[] = {"sip:hold", "sip:offer_alaw", "sip:offerless", "sip:ack",
		"sip:offer_port0", "sip:offer_garbage", "sip:183", "media:up", "terminate:refused", "sip:refresh"};
	struct play p;

	(void)state;
	assert_int_equal(path_play(&paths[10], &p), 0);
	for (int i = 0; i < 1000; i++) {
		oom_fail_nth(1);
		for (size_t k = 0; k < sizeof(rounds) / sizeof(rounds[0]); k++)
			play_named(&p, rounds[k], 0);
		assert_false(oom_off());
	}
	assert_int_equal(play_state(&p), CALL_UP);
	run_out(&p, "", "", "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_event_in_every_state),
		cmocka_unit_test(every_pair_of_events_in_every_state),
		cmocka_unit_test(page_lists_the_states),
		cmocka_unit_test(page_draws_what_the_code_does),
		cmocka_unit_test(page_tells_what_is_ignored),
		cmocka_unit_test(memory_runs_out_anywhere),
		cmocka_unit_test(memory_runs_out_of_a_dialled_call),
		cmocka_unit_test(the_dialplan_runs_out_of_memory),
		cmocka_unit_test(a_thousand_reoffers_take_no_memory),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
