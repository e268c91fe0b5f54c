/* tests/unit/b2bua/call/paths.h
 *
 * Ways into each state, with what differs inside one: media up or not, which verbs are pending, which way the call was
 * set up.
 */
#ifndef TESTS_UNIT_B2BUA_CALL_PATHS_H
#define TESTS_UNIT_B2BUA_CALL_PATHS_H

#include "tests/support/call/play.h"

enum path_setup {
	IN,
	IN_REJECT, /* the dialplan rejects */
	IN_ASK,    /* the dialplan asks a service */
	SIP_CALLS,
	SIP_CALLS_EARLY,
	SIP_CALLS_OFFERLESS,
	AGENT_FIRST,
	USER_FIRST,
};

struct path {
	enum call_state state;
	enum path_setup setup;
	const char *events[14];
};

#define PATH_RING  "offer", "media:opened"
#define PATH_UP    PATH_RING, "media:up", "pre_accept:ok", "sip:200", "accept:ok"
#define PATH_DIAL  "dial", "media:opened", "permission:granted"
#define PATH_AGENT PATH_DIAL, "sip:200"
#define PATH_OUT   PATH_DIAL, "connect:ok", "wa:answer", "media:up", "wa:ringing", "wa:accepted"

static const struct path paths[] = {
	{CALL_NEW, IN, {NULL}},
	{CALL_NEW, IN_REJECT, {NULL}},
	{CALL_OPENING, IN, {"offer"}},
	{CALL_RINGING, IN, {PATH_RING}},
	{CALL_RINGING, IN, {PATH_RING, "media:up"}},
	{CALL_RINGING, IN, {PATH_RING, "pre_accept:failed"}},
	{CALL_ANSWERED, IN, {PATH_RING, "sip:200"}},
	{CALL_ANSWERED, IN, {PATH_RING, "sip:200", "sip:offerless"}},
	{CALL_ACCEPTING, IN, {PATH_RING, "sip:200", "media:up"}},
	{CALL_ACCEPTING, IN, {PATH_RING, "pre_accept:failed", "sip:200", "sip:offerless"}},
	{CALL_UP, IN, {PATH_UP}},
	{CALL_UP, IN, {PATH_RING, "pre_accept:failed", "sip:200", "accept:ok"}},
	{CALL_UP, IN, {PATH_RING, "media:up", "sip:200", "accept:ok", "sip:hold", "sip:offerless"}},
	{CALL_CLOSING, IN, {PATH_RING, "sip:486"}},
	{CALL_CLOSING, IN, {PATH_RING, "pre_accept:ok", "sip:486"}},
	{CALL_CLOSING, IN, {PATH_RING, "sip:486", "media:closed"}},
	{CALL_CLOSING, IN, {PATH_RING, "media:up", "sip:200", "sip:bye"}},
	{CALL_CLOSING, IN, {PATH_RING, "wa:end"}},
	{CALL_CLOSING, IN, {PATH_RING, "media:closed"}},
	{CALL_CLOSING, IN, {"offer", "hangup:admin"}},
	{CALL_CLOSING, IN_REJECT, {"offer"}},
	{CALL_RELEASED, IN, {PATH_RING, "wa:end", "media:closed"}},
	{CALL_RELEASED, IN_REJECT, {"offer", "reject:ok"}},
	/* the dialplan asks */
	{CALL_NEW, IN_ASK, {NULL}},
	{CALL_ASKING, IN_ASK, {"offer"}},
	/* transfer */
	{CALL_UP, IN, {PATH_UP, "refer"}},
	{CALL_UP, IN, {PATH_UP, "refer:replaces", "t:180", "sip:bye"}},
	{CALL_UP, IN, {PATH_UP, "transfer"}},
	{CALL_UP, IN, {PATH_UP, "hold:on", "transfer", "t:200"}},
	{CALL_UP, IN, {PATH_UP, "replaced:offerless"}},
	{CALL_UP, IN, {PATH_UP, "sip:inactive", "refer", "t:302"}},
	{CALL_CLOSING, IN, {PATH_UP, "refer", "hangup:admin"}},
	/* business-initiated */
	{CALL_NEW, SIP_CALLS, {NULL}},
	{CALL_NEW, USER_FIRST, {NULL}},
	{CALL_OPENING, SIP_CALLS, {"dial"}},
	{CALL_OPENING, AGENT_FIRST, {"dial"}},
	{CALL_ASKING, SIP_CALLS, {"dial", "media:opened"}},
	{CALL_ASKING, USER_FIRST, {"dial", "media:opened"}},
	{CALL_ASKING, AGENT_FIRST, {"dial", "media:opened"}},
	{CALL_AGENT, AGENT_FIRST, {PATH_DIAL}},
	{CALL_DIALLING, SIP_CALLS, {PATH_DIAL}},
	{CALL_DIALLING, SIP_CALLS_EARLY, {PATH_DIAL, "connect:ok", "wa:answer"}},
	{CALL_DIALLING, SIP_CALLS, {PATH_DIAL, "wa:accepted"}},
	{CALL_DIALLING, AGENT_FIRST, {PATH_AGENT, "connect:nameless", "sip:offerless"}},
	{CALL_DIALLING, USER_FIRST, {PATH_DIAL, "connect:ok", "wa:answer"}},
	{CALL_ALERTING, SIP_CALLS, {PATH_DIAL, "connect:ok", "wa:answer", "wa:ringing"}},
	{CALL_ALERTING, SIP_CALLS_EARLY, {PATH_DIAL, "wa:answer", "media:up", "wa:ringing"}},
	{CALL_ALERTING, SIP_CALLS_OFFERLESS, {PATH_DIAL, "wa:answer", "media:up", "wa:ringing"}},
	{CALL_ALERTING, AGENT_FIRST, {PATH_AGENT, "wa:answer", "wa:ringing", "sip:offerless"}},
	{CALL_ALERTING, USER_FIRST, {PATH_DIAL, "wa:ringing", "wa:accepted"}},
	{CALL_JOINING, USER_FIRST, {PATH_OUT}},
	{CALL_JOINING, USER_FIRST, {PATH_DIAL, "wa:accepted", "wa:answer"}},
	{CALL_UP, SIP_CALLS, {PATH_OUT}},
	{CALL_UP, SIP_CALLS_OFFERLESS, {PATH_OUT}},
	{CALL_UP, SIP_CALLS_EARLY, {PATH_OUT, "refer", "sip:bye"}},
	{CALL_UP, AGENT_FIRST, {PATH_AGENT, "wa:answer", "wa:accepted"}},
	{CALL_UP, USER_FIRST, {PATH_OUT, "sip:200", "transfer"}},
	{CALL_CLOSING, SIP_CALLS, {PATH_DIAL, "sip:cancel"}},
	{CALL_CLOSING, SIP_CALLS, {PATH_DIAL, "sip:cancel", "media:closed"}},
	{CALL_CLOSING, SIP_CALLS, {PATH_DIAL, "connect:138006"}},
	{CALL_CLOSING, AGENT_FIRST, {PATH_AGENT, "connect:failed"}},
	{CALL_CLOSING, AGENT_FIRST, {PATH_DIAL, "sip:486"}},
	{CALL_CLOSING, USER_FIRST, {PATH_OUT, "sip:486", "media:closed"}},
	{CALL_RELEASED, USER_FIRST, {PATH_OUT, "wa:end", "media:closed"}},
};
enum { PATHS = sizeof(paths) / sizeof(paths[0]) };

static inline void path_set_up(enum path_setup setup, struct play *p)
{
	static const enum dial_order orders[] = {[SIP_CALLS] = DIAL_SIP_CALLS,
		[SIP_CALLS_EARLY] = DIAL_SIP_CALLS,
		[SIP_CALLS_OFFERLESS] = DIAL_SIP_CALLS,
		[AGENT_FIRST] = DIAL_AGENT_FIRST,
		[USER_FIRST] = DIAL_USER_FIRST};

	if (setup < SIP_CALLS)
		play_init(p);
	else
		play_init_dial(p, orders[setup]);
	if (setup == IN_REJECT)
		p->dialplan.route.kind = ROUTE_NONE;
	if (setup == IN_ASK)
		p->dialplan.route.kind = ROUTE_ASK;
	p->dial.early_ringback = setup == SIP_CALLS_EARLY;
	if (setup == SIP_CALLS_OFFERLESS)
		p->dial.sip_offer = NULL;
}

/* Play it; the call is at path->state then. */
static inline int path_play(const struct path *path, struct play *p)
{
	int r;

	path_set_up(path->setup, p);
	r = play_start(p);
	for (size_t i = 0; r == 0 && path->events[i]; i++)
		play_named(p, path->events[i], 0);
	return r;
}

/* The event that the shell owes to a new call. */
static inline const char *path_first(const struct play *p)
{
	return p->outbound ? "dial" : "offer";
}

/* Timers only act when they are due. */
static inline unsigned path_time(const struct play_event *e)
{
	return e->ev.kind == CALL_EV_TIMER ? 4000000 : 10;
}

#endif
