/* tests/unit/b2bua/call/paths.h
 *
 * Ways into each state, with what differs inside one: media up or not, which verbs are pending.
 */
#ifndef TESTS_UNIT_B2BUA_CALL_PATHS_H
#define TESTS_UNIT_B2BUA_CALL_PATHS_H

#include "tests/support/call/play.h"

struct path {
	enum call_state state;
	bool reject; /* the dialplan rejects */
	const char *events[10];
};

#define PATH_RING "offer", "media:opened"

static const struct path paths[] = {
	{CALL_NEW, false, {NULL}},
	{CALL_NEW, true, {NULL}},
	{CALL_OPENING, false, {"offer"}},
	{CALL_RINGING, false, {PATH_RING}},
	{CALL_RINGING, false, {PATH_RING, "media:up"}},
	{CALL_RINGING, false, {PATH_RING, "pre_accept:failed"}},
	{CALL_ANSWERED, false, {PATH_RING, "sip:200"}},
	{CALL_ANSWERED, false, {PATH_RING, "sip:200", "sip:offerless"}},
	{CALL_ACCEPTING, false, {PATH_RING, "sip:200", "media:up"}},
	{CALL_ACCEPTING, false, {PATH_RING, "pre_accept:failed", "sip:200", "sip:offerless"}},
	{CALL_UP, false, {PATH_RING, "media:up", "pre_accept:ok", "sip:200", "accept:ok"}},
	{CALL_UP, false, {PATH_RING, "pre_accept:failed", "sip:200", "accept:ok"}},
	{CALL_UP, false, {PATH_RING, "media:up", "sip:200", "accept:ok", "sip:hold", "sip:offerless"}},
	{CALL_CLOSING, false, {PATH_RING, "sip:486"}},
	{CALL_CLOSING, false, {PATH_RING, "pre_accept:ok", "sip:486"}},
	{CALL_CLOSING, false, {PATH_RING, "sip:486", "media:closed"}},
	{CALL_CLOSING, false, {PATH_RING, "media:up", "sip:200", "sip:bye"}},
	{CALL_CLOSING, false, {PATH_RING, "wa:end"}},
	{CALL_CLOSING, false, {PATH_RING, "media:closed"}},
	{CALL_CLOSING, false, {"offer", "hangup:admin"}},
	{CALL_CLOSING, true, {"offer"}},
	{CALL_RELEASED, false, {PATH_RING, "wa:end", "media:closed"}},
	{CALL_RELEASED, true, {"offer", "reject:ok"}},
};
enum { PATHS = sizeof(paths) / sizeof(paths[0]) };

/* Play it; the call is at path->state then. */
static inline int path_play(const struct path *path, struct play *p)
{
	int r;

	play_init(p);
	if (path->reject)
		p->dialplan.route.kind = ROUTE_NONE;
	r = play_start(p);
	for (size_t i = 0; r == 0 && path->events[i]; i++)
		play_named(p, path->events[i], 0);
	return r;
}

/* Timers only act when they are due. */
static inline unsigned path_time(const struct play_event *e)
{
	return e->ev.kind == CALL_EV_TIMER ? 4000000 : 10;
}

#endif
