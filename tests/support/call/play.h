/* tests/support/call/play.h
 *
 * Plays a call to itself: named events in, actions out as text, time as an argument. Every step is held against
 * call_check() and against a second set of invariants (play_watch.c), written from the shell's side and knowing nothing
 * of the call's inside. The dialplan is a fake with one route.
 */
#ifndef TESTS_SUPPORT_CALL_PLAY_H
#define TESTS_SUPPORT_CALL_PLAY_H

#include "b2bua/call/call.h"

/* The fake: dialplan_route() copies this out. */
struct dialplan {
	struct route route;
	int status;
};

struct play_event {
	const char *name;
	struct call_event ev; /* now_us and wall_ms are filled in when it is played */
};
/* One of each worth telling apart; ends with name NULL. */
extern const struct play_event play_events[];
size_t play_event_count(void);
const struct play_event *play_event_find(const char *name); /* NULL: no such name */

extern const char play_wa_offer[], play_wa_answer[], play_sip_answer[];
/* Our addresses and credentials, as media would report them. */
void play_local(struct media_local *ret_local);

struct play_watch_leg {
	bool alive, answered, early;
	bool theirs; /* they called us */
};

/* What the shell knows of a call, from the outside. */
struct play_watch {
	bool outbound, accept_early;
	bool begun;                                   /* OFFER or DIAL was given */
	bool media_opened, media_ready, media_closed; /* asked for; reported open */
	struct play_watch_leg leg[CALL_LEG_COUNT];
	bool subscribed; /* the transferor waits for NOTIFY */
	bool verb_sent[VERB_COUNT], verb_done[VERB_COUNT];
	bool accepted, meta_over;              /* accept returned 200; Meta said the call is over */
	char wacid[64];                        /* outbound: what Meta has called it */
	bool wa_answered, user_there, no_call; /* outbound: its SDP came; he picked up; connect was refused */
	bool asked_permission, granted;
	bool recorded, released;
	enum media_sound sound[2];
	uint64_t timer_at_us[CALL_TIMER_COUNT];
	uint64_t window_us;
	char pre_accept_sdp[8192];
};

struct play {
	struct dialplan dialplan;
	struct call_gateway gateway;
	struct call_settings settings;
	struct call_offer offer;
	struct call_dial dial;
	bool outbound; /* made from dial */
	struct call *call;
	uint64_t now_us;
	struct call_out out; /* of the last step */
	char actions[1024];  /* the same as text: "sip_bye:normal graph:terminate" */
	struct play_watch watch;
	const char *fault; /* first broken invariant, NULL none */
};

enum { PLAY_START_US = 1000000 };

/* A usual call: one gateway, route found, pre_accept on. Change what is to be different, then play_start(). */
void play_init(struct play *p);
/* A usual business-initiated call. */
void play_init_dial(struct play *p, enum dial_order order);
int play_start(struct play *p); /* 0 or -ENOMEM */
void play_done(struct play *p);

/* One event at at_us (monotonic). */
void play_step(struct play *p, const struct call_event *ev, uint64_t at_us);
/* By name, at_ms after the start. "fire": the timer due next, at its own time. False: no such event. */
bool play_named(struct play *p, const char *name, unsigned at_ms);
/* Fire the timer that is due next; false when none is armed. */
bool play_fire(struct play *p);
enum call_state play_state(const struct play *p);

/* play_watch.c: NULL, or what the last step should not have done. */
const char *play_watch_step(struct play_watch *w, const struct call_event *ev, const struct call_out *out);

#endif
