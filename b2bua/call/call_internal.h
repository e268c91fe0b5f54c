/* b2bua/call/call_internal.h
 *
 * What the files of this folder share: the call itself, and the few ways to change it.
 *
 *   make.c      makes                        call.c       steps, emits
 *   inbound.c   user-initiated calls         outbound.c   business-initiated calls; outbound_wa.c, their WhatsApp side
 *   group.c     the next gateway             fork.c       all gateways at once
 *   sip_leg.c   what SIP legs are told       sounds.c     who hears what instead of the other party
 *   midcall.c   re-offers, hold, mute        transfer.c   the second SIP leg
 *   endings.c   why a call ends              closing.c    how it closes
 *   report.c, check.c  what is seen of it
 */
#ifndef B2BUA_CALL_CALL_INTERNAL_H
#define B2BUA_CALL_CALL_INTERNAL_H

#include "b2bua/call/call.h"
#include "b2bua/call/limits.h"
#include "b2bua/call/negotiate.h"
#include "lib/base/assert.h"

enum leg_state {
	LEG_NONE,
	LEG_CALLING,
	LEG_EARLY, /* calling, and its early media is the call's: accepted on it, or about to be */
	LEG_ANSWERED,
	LEG_OVER
};
enum media_state {
	MEDIA_NONE,
	MEDIA_ASKED,
	MEDIA_OPEN,
	MEDIA_CLOSING,
	MEDIA_CLOSED,
};

struct wa_leg {
	bool sent[VERB_COUNT], done[VERB_COUNT];
	enum call_verb_outcome outcome[VERB_COUNT]; /* when done */
	bool over;                                  /* Meta said so: no verb of ours is due */
	bool held;             /* closing: terminate waits for a verb still on its way, or for the call's name */
	bool nameless;         /* closing: Meta never told the call's name; nobody can end it */
	struct wa_offer offer; /* outbound: Meta's answer */
	const char *local_sdp; /* ours, the same in pre_accept and accept; NULL: not yet */
	/* outbound */
	bool answered; /* Meta's answer was read: media may come up */
	bool accepted; /* the user picked up */
};

struct sip_leg {
	enum leg_state state;
	bool theirs;   /* the peer sent the INVITE */
	bool new_peer; /* the next MEDIA_SET_SIP is another party's first */
	bool plain;    /* SRTP was offered and refused: not again */
	unsigned redirects;
	size_t attempt; /* its call_attempt, counted from 1; 0: none */
	const struct call_gateway *gateway;
	struct sip_negotiation sdp;
	const char *referred_by, *replaces; /* header values; NULL: none */
	const char *user, *target;          /* Request-URI user part; the whole of it, for the record */
	const char *from_user, *from_display, *pai_user;
	bool from_said, display_said; /* by the route, not taken from the user */
	const struct route_header *headers;
	size_t header_count;
	char call_id[LIMIT_SIP_CALL_ID_CHARS + 1];
	struct kept_text remote_sdp; /* the latest, as much of it as LIMIT_SIP_REMOTE_SDP_BYTES holds; "" none */
};

/* The gateways of the main leg: one is called, the others wait for it to fail; or all are called. */
struct group {
	bool parallel;
	size_t count, at; /* at: whose turn it is */
	struct call_place places[ROUTE_GATEWAYS_MAX];
	bool next_on[CAUSE_COUNT];
	unsigned attempts;
};

/* Gateways called in parallel. */
struct branch {
	struct sip_leg leg;
	uint64_t give_up_us; /* 0: rings as long as the call does */
	int code, q850;      /* how it failed, 0: without a final response */
	enum cause cause;
	enum call_ended_by by;
};
struct fork {
	size_t count;            /* 0: none */
	struct branch *branches; /* in the arena */
	struct branch *best;     /* of those that failed, NULL: none has */
};

/* How a business-initiated call is set up. */
struct dial {
	enum dial_order order;
	unsigned ring_ms, agent_ring_ms;
	bool early_ringback, offer_active;
	const char *sip_offer; /* in the arena; NULL: an INVITE without one */
	size_t sip_offer_length;
};

/* The second SIP leg, while the call is up. */
struct transfer {
	struct sip_leg *leg; /* in the arena, made at the first transfer, used again; NULL: none yet */
	bool notify;         /* the transferor hears of it */
	bool rang;           /* he was told that it rings */
	unsigned done;       /* that succeeded */
	unsigned tried;
	int code; /* final SIP status of the latest, 0 while it rings */
	const char *target;
};

struct call;
typedef void call_handler(struct call *c, const struct call_event *ev);

struct call {
	struct arena arena; /* holds the call itself, too */
	const struct call_settings *settings;
	call_handler *const *path; /* by event kind; which way the call was set up. NULL entry: no meaning there */
	bool outbound;             /* business-initiated */
	/* what it was made from, in the arena */
	const char *call_id, *wacid, *phone_number_id, *number, *user_number, *user_id, *profile_name, *payload;
	const char *wa_remote_sdp;
	size_t wa_remote_sdp_length;
	/* state */
	enum call_state state;
	struct route route;
	struct dial dial; /* outbound */
	char *wacid_told; /* outbound: LIMIT_ID_CHARS + 1; wacid points here */
	struct wa_leg wa;
	struct sip_leg sip; /* the main leg */
	struct group group; /* of it; count 0: the peer called us */
	struct fork fork;   /* until one of its legs is the main leg */
	struct transfer transfer;
	struct call_attempt *attempts; /* at most LIMIT_ATTEMPTS, in the arena */
	uint64_t *attempt_us;          /* when each began */
	size_t attempt_count, attempt_room;
	bool on_hold;              /* by the API */
	enum media_sound sound[2]; /* by media_side: what was last told */
	enum media_state media;
	bool media_up;
	char media_failure[32];
	struct media_wa_local wa_local;
	struct addr sip_rtp;              /* ours */
	struct media_srtp_keys *sip_keys; /* for one SIP dialog each, in the arena */
	unsigned sip_key_count, sip_keys_used;
	unsigned dialogs;                       /* begun; each describes a session of its own */
	uint64_t timer_at_us[CALL_TIMER_COUNT]; /* 0: not set */
	uint64_t random;                        /* inbound */
	uint64_t window_us;                     /* until when accept makes sense */
	uint64_t close_by_us;                   /* until when closing is waited for, held or not */
	/* the end */
	bool ended;
	enum cause cause;
	enum call_ended_by ended_by;
	int sip_code, q850; /* the peer's own, 0: none */
	int meta_code;
	char meta_text[LIMIT_META_TEXT_CHARS + 1];
	char refusal[LIMIT_META_TEXT_CHARS + 1]; /* for people: why the user may not be called; "" none */
	/* seen */
	uint64_t started_ms, rang_ms, answered_ms, ended_ms;
	uint64_t offer_us, invite_us, sip_answered_us, accept_us, media_up_us;
	unsigned early_media, ignored;
	bool accepted_early;
	unsigned emitted[CALL_ACTION_KIND_COUNT];
	const char *broken; /* an action that should not have been, seen as it was emitted */
	/* the step being made */
	struct call_out *out;
	uint64_t now_us, wall_ms;
};

/* ---- call.c ---- */
struct call_action *call_emit(struct call *c, enum call_action_kind kind);
void call_emit_verb(struct call *c, enum call_verb verb, const char *sdp);
void call_timer_set(struct call *c, enum call_timer which, uint64_t at_us);
void call_timer_cancel(struct call *c, enum call_timer which);
/* Is this TIMER event due? Disarms it then. One that came early is set again; one that is not armed is ignored. */
bool call_timer_take(struct call *c, const struct call_event *ev);
/* Take it, and do what the path's table says: for every timer that is armed before closing. */
void call_run_timer(
	struct call *c, const struct call_event *ev, void (*const by_timer[CALL_TIMER_COUNT])(struct call *));
void call_ignore(struct call *c);
uint64_t call_after_ms(const struct call *c, unsigned ms);
unsigned call_or_default(unsigned value, unsigned fallback);

/* ---- sip_leg.c ---- */
struct sip_leg *call_leg(struct call *c, enum call_leg leg); /* NULL: the call has no such leg */
struct call_action *call_emit_sip(struct call *c, enum call_action_kind kind, enum call_leg leg);
void call_respond(struct call *c, enum call_leg leg, int code, const char *sdp);
/* Take over where a leg goes. Returns 0 or -ENOMEM. */
int call_leg_aim(struct call *c, struct sip_leg *leg, const struct call_sip_target *target);
int call_leg_headers(struct call *c, struct sip_leg *leg, const struct route_header *own, size_t own_count);
/* Our side of media, for the SDPs. Returns 0 or -ENOMEM. */
int call_take_local(struct call *c, const struct media_local *local);
/* A new dialog begins: forget what was offered and answered before. */
int call_leg_begin(struct call *c, struct sip_leg *leg);
/* It is the main leg from now on, and has no texts of its own any more; those that actions of this step point to stay
 * where they are. */
void call_leg_take_place(struct call *c, struct sip_leg *from);
/* Send INVITE with our offer. Returns 0 or -ENOBUFS. */
int call_leg_invite(struct call *c, enum call_leg leg);
/* A 3xx that may be followed was, or SRTP is offered no more to who refused it; or false: it is a refusal. */
bool call_leg_redirected(struct call *c, const struct call_event *ev);
/* REJECT, CANCEL or BYE, whatever is due; nothing when the leg is over. */
void call_leg_close(struct call *c, enum call_leg leg, enum cause cause);
bool call_leg_lives(const struct sip_leg *leg);
/* Our INVITE has no final answer yet. */
bool call_leg_rings(const struct sip_leg *leg);
/* What a provisional response tells, whatever it leads to. */
void call_note_progress(struct call *c, struct sip_leg *leg, const struct call_event *ev);
void call_keep_remote_sdp(struct call *c, struct sip_leg *leg, const char *sdp, size_t length);
void call_keep_call_id(struct sip_leg *leg, const struct call_event *ev);
/* How digits go to this peer, and how they are looked for. */
void call_digit_ways(enum call_dtmf how, struct media_sip_remote *r);
void call_set_sip_media(struct call *c, struct sip_leg *leg);

/* ---- group.c ---- */
void call_group_init(struct call *c, const struct route_failover *causes, bool parallel);
/* Copies the URI. Returns 0 or -ENOMEM. */
int call_group_add(struct call *c, const struct call_place *place);
/* Call the gateway whose turn it is, or all. Returns 0, -ENOBUFS or -ENOMEM. */
int call_group_invite(struct call *c);
/* Give it its ring time. */
void call_group_ring(struct call *c);
/* The gateway has failed. True: its leg is closed, and the next one rings. */
bool call_group_next(struct call *c, enum cause cause);
/* The same; where no next one is due, the call ends. */
void call_gateway_failed(struct call *c, enum cause cause, enum call_ended_by by);

/* An INVITE to a gateway goes out on this leg; it has come to its end, which only counts once. */
void call_attempt_begin(struct call *c, struct sip_leg *leg);
void call_attempt_note(struct call *c, const struct sip_leg *leg, const char *why); /* NULL or "": nothing */
void call_attempt_end(struct call *c, const struct sip_leg *leg, int sip_code, enum cause cause);

/* ---- fork.c ---- */
extern call_handler *const call_branch_path[CALL_EV_KIND_COUNT]; /* events of CALL_LEG_BRANCH and those after it */
/* Returns 0, -ENOBUFS or -ENOMEM; what was called already is there to be closed. */
int call_fork_invite(struct call *c);
/* Some gateway rings. */
bool call_forking(const struct call *c);
/* CALL_TIMER_BRANCH: one or more have rung long enough. */
void call_on_branch_timer(struct call *c);
/* Close those that live. */
void call_fork_close(struct call *c, enum cause cause);

/* ---- inbound.c ---- */
extern call_handler *const call_inbound_path[CALL_EV_KIND_COUNT];
/* The main leg is answered, and media knows. */
void call_inbound_answered(struct call *c);

/* ---- outbound.c, outbound_wa.c ---- */
extern call_handler *const call_outbound_path[CALL_EV_KIND_COUNT];
void call_outbound_connect(struct call *c);
void call_outbound_join(struct call *c);
void call_outbound_up(struct call *c);
void call_outbound_answered(struct call *c); /* as call_inbound_answered() */
void call_outbound_on_wa_answer(struct call *c, const struct call_event *ev);
void call_outbound_on_wa_status(struct call *c, const struct call_event *ev);
void call_outbound_on_wa_terminate(struct call *c, const struct call_event *ev);
void call_outbound_on_graph_done(struct call *c, const struct call_event *ev);
/* Meta's name of the call, the first time it is told. */
void call_take_wacid(struct call *c, const char *wacid);

/* ---- sounds.c ---- */
/* Tell media what changed about who hears what; after every event. */
void call_play_sounds(struct call *c);

/* ---- midcall.c ---- */
void call_on_sip_offer(struct call *c, const struct call_event *ev);
void call_on_sip_ack(struct call *c, const struct call_event *ev);
void call_on_hold(struct call *c, const struct call_event *ev);
void call_on_mute(struct call *c, const struct call_event *ev);
void call_on_send_dtmf(struct call *c, const struct call_event *ev);

/* ---- transfer.c ---- */
extern call_handler *const call_target_path[CALL_EV_KIND_COUNT]; /* events of CALL_LEG_TARGET */
void call_on_sip_refer(struct call *c, const struct call_event *ev);
void call_on_sip_replaced(struct call *c, const struct call_event *ev);
void call_on_transfer(struct call *c, const struct call_event *ev);
void call_on_transfer_timer(struct call *c);
/* A target rings. */
bool call_transferring(const struct call *c);
/* The transferor is gone, the call lives on with the target alone. */
void call_transferor_gone(struct call *c);
/* The call ends: CANCEL, and tell the transferor. */
void call_transfer_abandon(struct call *c);

/* ---- endings.c ---- */
void call_on_wa_terminate(struct call *c, const struct call_event *ev);
void call_on_media_failed(struct call *c, const struct call_event *ev);
void call_on_media_gone(struct call *c, const struct call_event *ev);
void call_on_sip_refused(struct call *c, const struct call_event *ev);
void call_on_sip_bye(struct call *c, const struct call_event *ev);
void call_on_sip_lost(struct call *c, const struct call_event *ev);
void call_on_sip_cancelled(struct call *c, const struct call_event *ev);
void call_on_hangup(struct call *c, const struct call_event *ev);
void call_on_limit(struct call *c);
void call_keep_meta_error(struct call *c, int code, const char *text);

/* ---- closing.c ---- */
extern call_handler *const call_closing_path[CALL_EV_KIND_COUNT];
/* End the call now: whatever is open is told so, the cause is settled. Only in a state before CLOSING. */
void call_end(struct call *c, enum cause cause, enum call_ended_by by);

#endif
