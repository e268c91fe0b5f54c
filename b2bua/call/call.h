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
 *
 * Business-initiated call (outbound.c), three orders, all of them beginning with
 *   DIAL -> MEDIA_OPEN | MEDIA_OPENED -> ASK_PERMISSION | PERMISSION ->
 *
 *   SIP calls:    GRAPH connect; RINGING -> SIP_RING 180; ACCEPTED -> SIP_ACCEPT + MEDIA_START_WA
 *   agent first:  SIP_INVITE; answered -> GRAPH connect; ACCEPTED -> both talk
 *   user first:   GRAPH connect; ACCEPTED -> SIP_INVITE; answered -> both talk
 *
 * A route with several gateways calls one after another (group.c), or all at once (fork.c): then each has a leg of its
 * own, the first that answers becomes the main leg (SIP_PROMOTE), the others get CANCEL.
 *
 * A route with accept_early takes early media for an answer: GRAPH accept follows the first 18x with SDP; the call is
 * EARLY until the SIP side picks up.
 *
 * Transfer (transfer.c), in state UP only: the call has a second SIP leg, the target, until it answers and becomes the
 * main leg (SIP_PROMOTE), or fails and is forgotten. The WhatsApp leg never notices.
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

enum call_verb { VERB_PRE_ACCEPT, VERB_ACCEPT, VERB_REJECT, VERB_TERMINATE, VERB_CONNECT, VERB_COUNT };
enum call_verb_outcome { VERB_OK, VERB_ALREADY_OVER, VERB_REFUSED, VERB_FAILED };

enum call_timer {
	CALL_TIMER_WINDOW,   /* Meta's accept window, from the webhook */
	CALL_TIMER_RING,     /* the route's ring time */
	CALL_TIMER_MEDIA,    /* wait for ICE/DTLS after the SIP answer; later: answered but media never came up */
	CALL_TIMER_CLOSE,    /* what has not reported its end by then is taken as ended */
	CALL_TIMER_LIMIT,    /* longest conversation allowed: a call that nobody ends does not live for ever */
	CALL_TIMER_TRANSFER, /* ring time of a transfer's target */
	CALL_TIMER_BRANCH,   /* gateways called in parallel: the next of them to be given up */
	CALL_TIMER_COUNT
};

enum call_ended_by { ENDED_BY_USER, ENDED_BY_SIP, ENDED_BY_US, ENDED_BY_META, ENDED_BY_ADMIN };

/* ---- what the call is made from (borrowed for the call's life unless said otherwise) ---- */

struct call_gateway {
	const char *name, *uri;     /* "sip:127.0.0.1:5070;transport=udp" */
	enum audio_codec codecs[4]; /* order of preference; AUDIO_NONE ends */
	uint16_t ptime_ms;          /* offered, 20 */
	enum media_srtp_policy srtp;
	/* Digits toward it. RFC 4733 events are offered and understood in any case, and INFO is understood. INBAND: as
	 * tones in the voice, which is also listened to for them. AUTO: so where the peer has no telephone-event. */
	enum call_dtmf { CALL_DTMF_EVENTS, CALL_DTMF_INFO, CALL_DTMF_BOTH, CALL_DTMF_INBAND, CALL_DTMF_AUTO } dtmf;
	unsigned ring_ms; /* when the route says nothing; 0: as the settings say */
};

struct call_settings {
	const struct dialplan *dialplan;
	const char *tenant; /* whose number it is, for the dialplan; NULL or "": there are no tenants */
	const struct call_gateway *gateways;
	size_t gateway_count;
	unsigned accept_window_ms; /* 30000 less a margin of 1000; counted from the webhook's arrival */
	unsigned default_ring_ms;  /* when the route says nothing: 60000 (the window is shorter anyhow) */
	unsigned
		media_wait_ms; /* after the SIP answer, wait at most this long for ICE and DTLS before `accept`: 2000 */
	unsigned media_setup_ms;   /* after `accept`, give media at most this long to come up: 15000 */
	unsigned transfer_ring_ms; /* ring time of a transfer's target; 0: 30000 */
	unsigned max_call_ms;      /* longest conversation, counted from Meta's 200 to `accept`; 0: 12 hours */
	bool use_pre_accept;       /* true */
	const char *sip_domain;    /* host of From and PAI */
};

/* The user-initiated offer. Text is copied into the call's arena. */
struct call_offer {
	const char *call_id;                          /* ours, short: "c-7f3a9c21" */
	const char *wacid, *phone_number_id, *number; /* number: business, +E.164 */
	const char *user_number;                      /* +E.164 or "" */
	const char *user_id, *profile_name, *payload;
	const char *sdp;
	size_t sdp_length;
	uint64_t random; /* chooses among gateways with weights */
};

/* ---- business-initiated calls ---- */

enum dial_order {
	DIAL_SIP_CALLS,   /* a SIP INVITE came in and waits: its leg is the main leg, LEG_CALLING toward us */
	DIAL_AGENT_FIRST, /* ring the SIP side, then the WhatsApp user */
	DIAL_USER_FIRST,  /* ring the WhatsApp user, then the SIP side */
};

/* Which of the call's SIP legs an event or action is about. */
enum call_leg {
	CALL_LEG_MAIN,
	CALL_LEG_TARGET, /* of a transfer */
	CALL_LEG_BRANCH, /* the first of those that ring in parallel; the one that answers becomes the main leg */
	CALL_LEG_COUNT = CALL_LEG_BRANCH + ROUTE_GATEWAYS_MAX
};

/* Where a SIP leg of ours goes. The shell has applied its URI policy; text is copied into the call's arena. */
struct call_sip_target {
	const struct call_gateway *gateway;              /* whose codecs and ptime hold; outlives the call */
	const char *uri;                                 /* the whole Request-URI */
	const char *from_user, *from_display, *pai_user; /* "" or NULL: the user's, as for inbound calls */
	const char *referred_by, *replaces;              /* header values; NULL: none */
	const struct route_header *headers;              /* beside X-WA-* */
	size_t header_count;
};

/* Gateways that are tried when the target's fails, one after another, each with a ring time of its own; or together
 * with it. Who calls and the headers are the target's. Text is copied into the call's arena. */
struct call_fallback {
	bool parallel; /* the causes mean nothing then */
	size_t count;
	struct call_place {
		const struct call_gateway *gateway; /* outlives the call */
		const char *uri;                    /* the whole Request-URI */
		unsigned ring_ms;                   /* 0: as long as the call's */
	} places[ROUTE_GATEWAYS_MAX - 1];
	struct route_failover causes; /* count 0: gateway_down, gateway_failed, congestion */
};

/* What a business-initiated call is made from. Text is copied into the call's arena. */
struct call_dial {
	const char *call_id, *phone_number_id, *number;             /* as in call_offer */
	const char *user_number, *user_id, *profile_name, *payload; /* at least one of number and id is not "" */
	enum dial_order order;
	const char *rule;    /* for the record: the dialplan's rule, or "api" */
	unsigned ring_ms;    /* how long WhatsApp may ring; 0: 45000 */
	bool early_ringback; /* SIP_CALLS: 183 with our ringback tone at RINGING instead of 180. The SIP side of an
				agent-first call always hears ringback while the user's phone rings */
	bool offer_active;   /* Meta's DTLS role is passive: a=setup:active in our offer (actpass otherwise) */
	/* SIP_CALLS: */
	const struct call_gateway *gateway;  /* whose codecs, ptime; outlives the call */
	const char *sip_call_id, *sip_offer; /* sip_offer NULL: an INVITE without one */
	size_t sip_offer_length;
	/* AGENT_FIRST, USER_FIRST: */
	struct call_sip_target target;
	struct call_fallback fallback;
	unsigned agent_ring_ms; /* 0: the gateway's, or 30000 */
};

struct call;

int call_new_dial(const struct call_settings *settings, const struct call_dial *dial, struct call **ret_call);

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
	CALL_EV_SIP_ACK,      /* the peer's answer to an offer of ours within the dialog: in the ACK to an offerless
				 INVITE, in the 200 to a re-INVITE that refreshes the session */
	CALL_EV_SIP_LOST,     /* leg gone without a BYE: transport failure, no ACK, session timer (u.sip.expired) */
	CALL_EV_TIMER,        /* u.timer */
	CALL_EV_HANGUP,       /* u.hangup: admin, shutdown, limit */
	CALL_EV_ROUTED,       /* u.route, answer to ASK_ROUTE */
	CALL_EV_DIAL,         /* first event of a business-initiated call */
	CALL_EV_PERMISSION,   /* u.permission, answer to ASK_PERMISSION */
	CALL_EV_WA_ANSWER, /* Meta's `connect` webhook of a business-initiated call, u.wa_answer: media can come up */
	CALL_EV_WA_STATUS, /* u.wa_status */
	CALL_EV_SIP_CANCELLED, /* the SIP caller gave up before our final answer; leg is over */
	CALL_EV_SIP_REFER,     /* u.refer: the main leg's peer asks for a transfer; answered with SIP_REFER_RESPOND as
				  long as the leg lives */
	CALL_EV_SIP_REPLACED,  /* u.sip: an INVITE with Replaces wants to take the main leg's place; it is
				  CALL_LEG_TARGET. A step without SIP_ACCEPT and SIP_REJECT has not taken it (the call is
				  not up, or a target rings): the shell refuses it */
	CALL_EV_TRANSFER,      /* u.refer, asked by the API: no NOTIFY. The report says whether it has begun */
	CALL_EV_HOLD,          /* u.on: the API holds the user (music), or takes him back */
	CALL_EV_MUTE,          /* u.mute */
	CALL_EV_SEND_DTMF,     /* u.dtmf */
	CALL_EV_KIND_COUNT
};
const char *call_event_name(enum call_event_kind k);

enum call_wa_status { WA_RINGING, WA_ACCEPTED, WA_REJECTED };

struct call_event {
	enum call_event_kind kind;
	enum call_leg leg; /* of SIP events; a leg that the call does not have: ignored */
	uint64_t now_us;   /* monotonic */
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
			const char *wacid; /* connect: Meta's id of the call */
		} graph;
		struct {
			bool granted;
			enum cause cause; /* when not granted: no_permission, permission_asked, user_call_limit ... */
			const char *text; /* for people: "no call permission; asked for on 2026-11-20" */
		} permission;
		struct {
			const char *wacid, *sdp;
			size_t sdp_length;
		} wa_answer;
		struct {
			const char *wacid;
			enum call_wa_status status;
		} wa_status;
		struct {
			bool allowed; /* false: answered with code, nothing happens */
			int code;     /* 403, 404, 420 ... when not allowed */
			struct call_sip_target target;
		} refer;
		const struct route *route; /* its text lives as long as the call */
		bool on;
		struct {
			enum media_side side; /* whose microphone */
			bool on;
		} mute;
		struct {
			enum media_side side; /* who shall hear it */
			char digits[33];
		} dtmf;
		const struct media_local *local; /* copied: far larger than any other event */
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
			bool expired;            /* SIP_LOST: no refresh came in time, or ours was not answered */
			const char *sip_call_id; /* ANSWERED, PROGRESS */
			/* REFUSED: what went wrong with the connection, for people; NULL or "": nothing, or unknown */
			const char *why;
			/* REFUSED with 3xx: where to, when policy allows it; NULL: treat as a failure */
			const struct call_sip_target *redirect;
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
	CALL_DO_MEDIA_CLOSE,       /* -> MEDIA_CLOSED */
	CALL_DO_GRAPH,             /* u.graph -> GRAPH_DONE */
	CALL_DO_SIP_INVITE,        /* u.invite */
	CALL_DO_SIP_CANCEL,        /* u.cause. The leg is over for the call; the SIP module sees to crossing answers */
	CALL_DO_SIP_BYE,           /* u.cause */
	CALL_DO_SIP_RESPOND,       /* u.respond, to SIP_OFFER */
	CALL_DO_TIMER_SET,         /* u.timer */
	CALL_DO_TIMER_CANCEL,      /* u.timer.which */
	CALL_DO_ASK_ROUTE,         /* u.route, a ROUTE_ASK: -> ROUTED, later; once */
	CALL_DO_ASK_PERMISSION,    /* -> PERMISSION, now or later; once */
	CALL_DO_SIP_RING,          /* u.respond: 180 or 183 to the INVITE we have got; SDP: our answer, or offer */
	CALL_DO_SIP_ACCEPT,        /* u.respond.sdp: 200 to the INVITE we have got */
	CALL_DO_SIP_REJECT,        /* u.reject: final failure to the INVITE we have got; the leg is over */
	CALL_DO_SIP_REFER_RESPOND, /* u.respond.code: 202, or why not */
	CALL_DO_SIP_NOTIFY,        /* u.notify: progress of the transfer, to the transferor on the main leg */
	CALL_DO_SIP_PROMOTE,       /* the target leg is the main leg from now on; what was the main leg is over */
	CALL_DO_MEDIA_PLAY,        /* u.play */
	CALL_DO_MEDIA_MUTE,        /* u.mute */
	CALL_DO_MEDIA_DTMF,        /* u.dtmf */
	CALL_DO_RECORD,            /* write the call record from call_report(): once */
	CALL_DO_RELEASE,           /* forget the call: last action of all */
	CALL_ACTION_KIND_COUNT
};
const char *call_action_name(enum call_action_kind k);

struct call_action {
	enum call_action_kind kind;
	enum call_leg leg; /* of SIP actions */
	union {
		struct media_wa_remote wa;
		struct media_sip_remote sip_media;
		struct {
			enum call_verb verb;
			const char *sdp; /* in the call's arena; NULL for reject and terminate */
		} graph;
		struct {
			int code, q850; /* SIP status and Reason */
			enum cause cause;
			const char *text;       /* reason phrase for people */
			unsigned retry_after_s; /* 0: none */
			int meta_code;          /* X-WA-Error: 0 none */
			const char *meta_text;
		} reject;
		struct {
			int code;   /* sipfrag's status */
			bool final; /* the subscription ends */
		} notify;
		struct {
			enum media_side side; /* who hears it, instead of the other party */
			enum media_sound sound;
		} play;
		struct {
			enum media_side side;
			bool on;
		} mute;
		struct {
			enum media_side side;
			char digits[33];
		} dtmf;
		struct {
			const struct call_gateway *gateway;
			const char *user;                   /* Request-URI user part, escaped; "" : target's own */
			const char *referred_by, *replaces; /* header values; NULL: none */
			const char *target;                 /* the whole Request-URI: the gateway's with this user */
			const char *from_user, *from_display, *pai_user; /* "" : none */
			bool from_said, display_said; /* by the route: a gateway's own policy does not replace them */
			const struct route_header *headers; /* X-WA-* and the route's own */
			size_t header_count;
			const char *sdp;
		} invite;
		enum cause cause;
		const struct route *route;
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

enum { CALL_ACTIONS_MAX = 32 }; /* the most: all branches cancelled, all timers too */
struct call_out {
	size_t count;
	struct call_action actions[CALL_ACTIONS_MAX];
};

/* Changes the call and writes what is to be done, in order, into out (emptied first). Text in actions lives as long as
 * the call where nothing else is said. The shell owes these events synchronously: OFFER after call_new(), MEDIA_OPENED
 * or MEDIA_REFUSED after MEDIA_OPEN; everything else may fail to come, because timers take over. */
void call_step(struct call *c, const struct call_event *ev, struct call_out *out);

/* ---- what can be seen of a call ---- */

/* One INVITE to a gateway. */
struct call_attempt {
	const char *gateway;
	int sip_code;     /* its final status, 0: none, it was given up or lost */
	enum cause cause; /* NORMAL: the call went on with it. ANSWERED_ELSEWHERE: another one was faster */
	unsigned ms;      /* from the INVITE to that */
	const char *why;  /* for people: what went wrong with the connection; "" nothing, or unknown */
	bool over;        /* else it rings, and the three above say nothing */
};

struct call_report {
	enum call_state state;
	const char *call_id, *wacid, *phone_number_id, *number, *user_number, *user_id, *profile_name, *payload;
	const char *rule, *gateway, *sip_target, *sip_call_id;
	unsigned attempts;                /* gateways that were called: the last is `gateway` */
	bool parallel, accept_early;      /* as the route wants it */
	const struct call_attempt *tries; /* INVITEs to them, redirections included; in order. Lives as the call */
	size_t try_count;
	bool outbound;               /* business-initiated */
	enum dial_order order;       /* outbound only */
	bool on_hold;                /* by the API */
	bool transferring;           /* a target leg rings */
	unsigned transfers;          /* that succeeded */
	const char *transfer_target; /* the latest, "" none */
	int transfer_code;           /* its final SIP status, 0 while it rings */
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
	unsigned early_media; /* 18x with SDP seen (Meta has no early media: not heard unless accepted_early) */
	bool accepted_early;  /* accept was sent on early media, before the SIP side picked up */
	unsigned ignored;     /* events without meaning in their state */
	const char *sdp_wa_remote, *sdp_wa_local, *sdp_sip_local, *sdp_sip_remote; /* NULL: none yet */
};
void call_report(const struct call *c, struct call_report *ret_report);

/* Written invariants over everything that happened so far; NULL, or the one that is broken. For tests and fuzzing,
 * checked after every step. */
const char *call_check(const struct call *c);

#endif
