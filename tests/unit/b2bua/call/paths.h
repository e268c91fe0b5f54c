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
	IN_FORK,   /* three gateways in parallel, the second for 10 s */
	IN_EARLY,  /* accepted on early media */
	SIP_CALLS,
	SIP_CALLS_EARLY,
	SIP_CALLS_OFFERLESS,
	AGENT_FIRST,
	USER_FIRST,
	AGENT_FORK, /* two gateways in parallel */
	USER_FORK,
};
enum { PATH_SETUPS = USER_FORK + 1 };

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
	/* gateways in parallel */
	{CALL_NEW, IN_FORK, {NULL}},
	{CALL_RINGING, IN_FORK, {PATH_RING}},
	{CALL_RINGING, IN_FORK, {PATH_RING, "0:180", "0:486", "2:500"}},
	{CALL_RINGING, IN_FORK, {PATH_RING, "0:302", "1:200_no_sdp"}},
	{CALL_ANSWERED, IN_FORK, {PATH_RING, "1:200"}},
	{CALL_ACCEPTING, IN_FORK, {PATH_RING, "media:up", "1:404", "0:200"}},
	{CALL_UP, IN_FORK, {PATH_RING, "media:up", "pre_accept:ok", "2:200", "accept:ok"}},
	{CALL_UP, IN_FORK, {PATH_RING, "media:up", "pre_accept:ok", "2:200", "accept:ok", "refer"}},
	{CALL_CLOSING, IN_FORK, {PATH_RING, "0:180", "1:603"}},
	{CALL_CLOSING, IN_FORK, {PATH_RING, "0:486", "2:lost", "1:404"}},
	{CALL_AGENT, AGENT_FORK, {PATH_DIAL}},
	{CALL_DIALLING, AGENT_FORK, {PATH_DIAL, "0:503", "1:200"}},
	{CALL_JOINING, USER_FORK, {PATH_OUT}},
	{CALL_UP, USER_FORK, {PATH_OUT, "0:200"}},
	/* early media */
	{CALL_RINGING, IN_EARLY, {PATH_RING, "sip:183_g729"}},
	{CALL_ANSWERED, IN_EARLY, {PATH_RING, "sip:183"}},
	{CALL_ANSWERED, IN_EARLY, {PATH_RING, "sip:183", "sip:200"}},
	{CALL_ACCEPTING, IN_EARLY, {PATH_RING, "media:up", "sip:180_sdp"}},
	{CALL_EARLY, IN_EARLY, {PATH_RING, "media:up", "sip:183", "accept:ok"}},
	{CALL_EARLY, IN_EARLY, {PATH_RING, "pre_accept:failed", "sip:183", "sip:183_fork", "accept:ok"}},
	{CALL_UP, IN_EARLY, {PATH_RING, "media:up", "pre_accept:ok", "sip:183", "accept:ok", "sip:200_fork"}},
	{CALL_CLOSING, IN_EARLY, {PATH_RING, "media:up", "pre_accept:ok", "sip:183", "accept:ok", "sip:486"}},
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

static const struct call_gateway path_gateways[] = {
	{"pbx", "sip:127.0.0.1:5070;transport=udp", {AUDIO_PCMU, AUDIO_PCMA}, 20, MEDIA_SRTP_OFF},
	{"spare", "sip:trunk@192.0.2.9;transport=tcp", {AUDIO_PCMU}, 20, MEDIA_SRTP_OFF},
	{"last", "sip:192.0.2.10", {AUDIO_PCMU}, 20, MEDIA_SRTP_OFFER},
};

static inline void path_set_up_fork(struct play *p)
{
	struct route *r = &p->dialplan.route;

	p->settings.gateways = path_gateways;
	p->settings.gateway_count = 3;
	r->gateway_count = 3;
	r->gateways[1] = "spare";
	r->gateways[2] = "last";
	r->parallel = true;
	r->timeouts_s[1] = 10;
	p->dial.fallback.parallel = true;
	p->dial.fallback.count = 1;
	p->dial.fallback.places[0] = (struct call_place){&path_gateways[1], "sip:601@192.0.2.9;transport=tcp", 10000};
}

static inline void path_set_up(enum path_setup setup, struct play *p)
{
	static const enum dial_order orders[] = {[SIP_CALLS] = DIAL_SIP_CALLS,
		[SIP_CALLS_EARLY] = DIAL_SIP_CALLS,
		[SIP_CALLS_OFFERLESS] = DIAL_SIP_CALLS,
		[AGENT_FIRST] = DIAL_AGENT_FIRST,
		[USER_FIRST] = DIAL_USER_FIRST,
		[AGENT_FORK] = DIAL_AGENT_FIRST,
		[USER_FORK] = DIAL_USER_FIRST};

	if (setup < SIP_CALLS)
		play_init(p);
	else
		play_init_dial(p, orders[setup]);
	if (setup == IN_REJECT)
		p->dialplan.route.kind = ROUTE_NONE;
	if (setup == IN_ASK)
		p->dialplan.route.kind = ROUTE_ASK;
	p->dialplan.route.accept_early = setup == IN_EARLY;
	if (setup == IN_FORK || setup == AGENT_FORK || setup == USER_FORK)
		path_set_up_fork(p);
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
