/* tests/unit/b2bua/call/story.h
 *
 * A call told as a table: when, what happened, what is to be done about it. And what must hold of every story: with
 * every event twice nothing is added, and cut short anywhere timers alone bring it to its end.
 */
#ifndef TESTS_UNIT_B2BUA_CALL_STORY_H
#define TESTS_UNIT_B2BUA_CALL_STORY_H

#include "tests/support/call/play.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

struct step {
	unsigned at_ms;
	const char *event, *actions;
};

struct story {
	const char *name;
	int setup; /* the file's own */
	struct step steps[24];
	enum cause cause;
	enum call_ended_by by;
	enum call_end_status status;
};

/* play_init() and play_start(). */
typedef void story_set_up(struct play *p, const struct story *s);

static inline void story_check_end(const struct play *p, const struct story *s)
{
	struct call_report r;

	call_report(p->call, &r);
	if (r.state != CALL_RELEASED || !r.ended || r.cause != s->cause || r.ended_by != s->by || r.status != s->status)
		fail_msg("%s: state %s cause %s by %d status %d", s->name, call_state_name(r.state),
			cause_info(r.cause)->name, r.ended_by, r.status);
}

/* What a second copy may add: offers are answered again, mute and DTMF passed on again, a timer that came early is set
 * again. */
static inline bool story_may_repeat(const struct step *step)
{
	static const char *const repeats[] = {"sip_respond", "sip_refer_respond", "sip_invite",
		"mute:", "dtmf:", "media_set_sip:new", "sip_accept", "t:sip_reject"};

	for (size_t i = 0; i < sizeof(repeats) / sizeof(repeats[0]); i++)
		if (strstr(step->actions, repeats[i]))
			return true;
	return strcmp(step->event, "timer:ring") == 0;
}

static inline void story_step_again(struct play *p, const struct story *s, const struct step *step)
{
	if (story_may_repeat(step))
		return;
	play_named(p, step->event, step->at_ms);
	if (p->fault || (p->actions[0] && strcmp(p->actions, "set:media") != 0 && strcmp(p->actions, "set:close") != 0))
		fail_msg("%s: %s twice: %s, %s", s->name, step->event, p->actions, p->fault ? p->fault : "");
}

static inline void story_tell(const struct story *s, story_set_up *set_up, bool twice)
{
	struct play p;

	set_up(&p, s);
	for (const struct step *step = s->steps; step->event; step++) {
		if (!play_named(&p, step->event, step->at_ms))
			fail_msg("%s: no event %s", s->name, step->event);
		if (p.fault || strcmp(p.actions, step->actions) != 0)
			fail_msg("%s, %u ms, %s:\n  got    %s\n  wanted %s\n  fault  %s", s->name, step->at_ms,
				step->event, p.actions, step->actions, p.fault ? p.fault : "none");
		if (twice)
			story_step_again(&p, s, step);
	}
	story_check_end(&p, s);
	play_done(&p);
}

static inline void stories_told(const struct story *stories, size_t count, story_set_up *set_up, bool twice)
{
	for (size_t i = 0; i < count; i++)
		story_tell(&stories[i], set_up, twice);
}

/* Cut every story short after every step: timers alone must bring it to its end. */
static inline void stories_cut_short(const struct story *stories, size_t count, story_set_up *set_up)
{
	for (size_t i = 0; i < count; i++) {
		for (size_t cut = 1; stories[i].steps[cut - 1].event; cut++) {
			struct play p;
			unsigned fired = 0;
			set_up(&p, &stories[i]);
			for (size_t k = 0; k < cut; k++)
				play_named(&p, stories[i].steps[k].event, stories[i].steps[k].at_ms);
			while (play_fire(&p))
				assert_in_range(++fired, 1, 8);
			if (p.fault || !p.watch.released)
				fail_msg("%s, cut after %zu: %s", stories[i].name, cut,
					p.fault ? p.fault : "not released");
			play_done(&p);
		}
	}
}

#endif
