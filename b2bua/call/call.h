/* b2bua/call/call.h
 *
 * The whole door to the call logic. One call = both legs together. Pure: events in, actions out; no I/O, no clock, no
 * allocation outside the call's arena. Every event is legal in every state: it acts, or is counted in call->ignored.
 * docs/call-states.md draws the states.
 *
 * User-initiated call, fast path:
 *   OFFER -> MEDIA_OPEN | MEDIA_OPENED -> MEDIA_SET_WA + SIP_INVITE + GRAPH pre_accept, at once and in parallel
 *   SIP_ANSWERED -> GRAPH accept (same SDP), as soon as ICE and DTLS are up or the wait for them is over
 *   GRAPH_DONE(accept, ok) -> MEDIA_START_WA
 */
#ifndef B2BUA_CALL_CALL_H
#define B2BUA_CALL_CALL_H

#include "b2bua/call/cause.h"
#include "dialplan/dialplan.h"
#include "lib/base/arena.h"
#include "lib/sdp/media_desc.h"
#include "lib/sdp/sdp_audio.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum call_state {
#define CALL_STATE(id, name, meaning) CALL_##id,
#include "b2bua/call/state.def"
#undef CALL_STATE
	CALL_STATE_COUNT
};
const char *call_state_name(enum call_state s);

enum call_verb { VERB_PRE_ACCEPT, VERB_ACCEPT, VERB_REJECT, VERB_TERMINATE, VERB_COUNT };
enum call_verb_outcome { VERB_OK, VERB_ALREADY_OVER, VERB_REFUSED, VERB_FAILED };

enum call_timer {
	CALL_TIMER_WINDOW, /* Meta's accept window, from the webhook */
	CALL_TIMER_RING,   /* the route's ring time */
	CALL_TIMER_MEDIA,  /* wait for ICE/DTLS after the SIP answer; later: answered but media never came up */
	CALL_TIMER_CLOSE,  /* what has not reported its end by then is taken as ended */
	CALL_TIMER_LIMIT,  /* longest conversation allowed: a call that nobody ends does not live for ever */
	CALL_TIMER_COUNT
};

enum call_ended_by { ENDED_BY_USER, ENDED_BY_SIP, ENDED_BY_US, ENDED_BY_META, ENDED_BY_ADMIN };

/* ---- what the call is made from (borrowed for the call's life unless said otherwise) ---- */

struct call_gateway {
	const char *name, *uri;     /* "sip:127.0.0.1:5070;transport=udp" */
	enum audio_codec codecs[4]; /* order of preference; AUDIO_NONE ends */
	uint16_t ptime_ms;          /* offered, 20 */
};

struct call_settings {
	const struct dialplan *dialplan;
	const struct call_gateway *gateways;
	size_t gateway_count;
	unsigned accept_window_ms; /* 30000 less a margin of 1000; counted from the webhook's arrival */
	unsigned default_ring_ms;  /* when the route says nothing: 60000 (the window is shorter anyhow) */
	unsigned
		media_wait_ms; /* after the SIP answer, wait at most this long for ICE and DTLS before `accept`: 2000 */
	unsigned media_setup_ms; /* after `accept`, give media at most this long to come up: 15000 */
	unsigned max_call_ms;    /* longest conversation, counted from Meta's 200 to `accept`; 0: 12 hours */
	bool use_pre_accept;     /* true */
	const char *sip_domain;  /* host of From and PAI */
};

/* The user-initiated offer. Text is copied into the call's arena. */
struct call_offer {
	const char *call_id;                          /* ours, short: "c-7f3a9c21" */
	const char *wacid, *phone_number_id, *number; /* number: business, +E.164 */
	const char *user_number;                      /* +E.164 or "" */
	const char *user_id, *profile_name, *payload;
	const char *sdp;
	size_t sdp_length;
};

struct call;

/* Returns 0 or -ENOMEM. settings must outlive the call. */
int call_new(const struct call_settings *settings, const struct call_offer *offer, struct call **ret_call);
struct call *call_free(struct call *c);

/* ---- events ---- */

enum call_event_kind {
	CALL_EV_OFFER,         /* first event of a user-initiated call */
	CALL_EV_WA_TERMINATE,  /* Meta says the WhatsApp leg is over */
	CALL_EV_GRAPH_DONE,    /* answer to one GRAPH action */
	CALL_EV_MEDIA_OPENED,  /* u.local */
	CALL_EV_MEDIA_REFUSED, /* no ports, no memory, too many sessions */
	CALL_EV_MEDIA_UP,      /* ICE and DTLS done */
	CALL_EV_MEDIA_FAILED,  /* u.media_failure; MEDIA_CLOSE still due */
	CALL_EV_MEDIA_CLOSED,
	CALL_EV_SIP_PROGRESS, /* 1xx, u.sip */
	CALL_EV_SIP_ANSWERED, /* 200 to our INVITE, u.sip with the answer */
	CALL_EV_SIP_REFUSED,  /* final failure; leg is over */
	CALL_EV_SIP_BYE,      /* peer hung up; leg is over */
	CALL_EV_SIP_OFFER,    /* re-INVITE or UPDATE: to be answered locally with SIP_RESPOND. No SDP: an offerless
				 re-INVITE, or a mere refresh (UPDATE) */
	CALL_EV_SIP_ACK,      /* ACK to an offerless re-INVITE, with the answer */
	CALL_EV_SIP_LOST,     /* leg gone without a BYE: transport failure, no ACK, session timer */
	CALL_EV_TIMER,        /* u.timer */
	CALL_EV_HANGUP,       /* u.hangup: admin, shutdown, limit */
	CALL_EV_KIND_COUNT
};
const char *call_event_name(enum call_event_kind k);

struct call_event {
	enum call_event_kind kind;
	uint64_t now_us; /* monotonic */
	uint64_t wall_ms;
	union {
		struct {
			bool failed;    /* status FAILED */
			int error_code; /* 0: none */
			const char *error_text;
			bool was_answered; /* start_time present */
		} wa_terminate;
		struct {
			enum call_verb verb;
			enum call_verb_outcome outcome;
			int error_code;
			const char *error_text;
		} graph;
		struct media_local local;
		struct {
			bool from_wa_side; /* which side's media failed */
			const char *name;  /* "ice_timeout", "dtls_failed", "consent_lost", "wa_silent", "sip_silent",
					      "resources" */
		} media_failure;
		struct {
			int code;        /* SIP status */
			int q850;        /* from Reason, 0: none */
			const char *sdp; /* NULL: none. Borrowed */
			size_t sdp_length;
			bool is_update;          /* SIP_OFFER: UPDATE rather than re-INVITE */
			const char *sip_call_id; /* ANSWERED, PROGRESS */
		} sip;
		enum call_timer timer;
		struct {
			enum cause cause;
			enum call_ended_by by;
		} hangup;
	} u;
};

/* ---- actions ---- */

enum call_action_kind {
	CALL_DO_MEDIA_OPEN,    /* -> MEDIA_OPENED or MEDIA_REFUSED, synchronously */
	CALL_DO_MEDIA_SET_WA,  /* u.wa */
	CALL_DO_MEDIA_SET_SIP, /* u.sip_media */
	CALL_DO_MEDIA_START_WA,
	CALL_DO_MEDIA_CLOSE,  /* -> MEDIA_CLOSED */
	CALL_DO_GRAPH,        /* u.graph -> GRAPH_DONE */
	CALL_DO_SIP_INVITE,   /* u.invite */
	CALL_DO_SIP_CANCEL,   /* u.cause. The leg is over for the call; the SIP module sees to crossing answers */
	CALL_DO_SIP_BYE,      /* u.cause */
	CALL_DO_SIP_RESPOND,  /* u.respond, to SIP_OFFER */
	CALL_DO_TIMER_SET,    /* u.timer */
	CALL_DO_TIMER_CANCEL, /* u.timer.which */
	CALL_DO_RECORD,       /* write the call record from call_report(): once */
	CALL_DO_RELEASE,      /* forget the call: last action of all */
	CALL_ACTION_KIND_COUNT
};
const char *call_action_name(enum call_action_kind k);

struct call_action {
	enum call_action_kind kind;
	union {
		struct media_wa_remote wa;
		struct media_sip_remote sip_media;
		struct {
			enum call_verb verb;
			const char *sdp; /* in the call's arena; NULL for reject and terminate */
		} graph;
		struct {
			const struct call_gateway *gateway;
			const char *user;   /* Request-URI user part, escaped */
			const char *target; /* the whole Request-URI: the gateway's with this user */
			const char *from_user, *from_display, *pai_user; /* "" : none */
			const struct route_header *headers;              /* X-WA-* and the route's own */
			size_t header_count;
			const char *sdp;
		} invite;
		enum cause cause;
		struct {
			int code;        /* 200, 488, 491 (UPDATE with an offer while our own is unanswered) */
			const char *sdp; /* NULL: none. Lives until the next step */
		} respond;
		struct {
			enum call_timer which;
			uint64_t at_us;
		} timer;
	} u;
};

enum { CALL_ACTIONS_MAX = 12 };
struct call_out {
	size_t count;
	struct call_action actions[CALL_ACTIONS_MAX];
};

/* Changes the call and writes what is to be done, in order, into out (emptied first). Text in actions lives as long as
 * the call where nothing else is said. The shell owes these events synchronously: OFFER after call_new(), MEDIA_OPENED
 * or MEDIA_REFUSED after MEDIA_OPEN; everything else may fail to come, because timers take over. */
void call_step(struct call *c, const struct call_event *ev, struct call_out *out);

/* ---- what can be seen of a call ---- */

struct call_report {
	enum call_state state;
	const char *call_id, *wacid, *phone_number_id, *number, *user_number, *user_id, *profile_name, *payload;
	const char *rule, *gateway, *sip_target, *sip_call_id;
	bool ended;
	enum cause cause; /* when ended */
	enum call_ended_by ended_by;
	enum call_end_status
		status; /* when ended: the cause's, but never COMPLETED for a call that Meta has not accepted */
	int sip_code;   /* the peer's final code when it refused, else the cause's face */
	int q850;
	int meta_code;
	const char *meta_text;
	const char *media_failure;                                /* name given with MEDIA_FAILED, "" none */
	uint64_t started_ms, rang_ms, answered_ms, ended_ms;      /* wall; 0 never. answered: Meta's 200 to accept */
	uint64_t offer_us, invite_us, sip_answered_us, accept_us; /* monotonic; 0 never */
	uint64_t media_up_us;
	enum audio_codec sip_codec;
	unsigned early_media; /* 18x with SDP seen (Meta has no early media: not heard) */
	unsigned ignored;     /* events without meaning in their state */
	const char *sdp_wa_remote, *sdp_wa_local, *sdp_sip_local, *sdp_sip_remote; /* NULL: none yet */
};
void call_report(const struct call *c, struct call_report *ret_report);

/* Written invariants over everything that happened so far; NULL, or the one that is broken. For tests and fuzzing,
 * checked after every step. */
const char *call_check(const struct call *c);

#endif
