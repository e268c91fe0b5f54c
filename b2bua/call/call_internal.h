/* b2bua/call/call_internal.h
 *
 * What the files of this folder share: the call itself, and the few ways to change it.
 *
 *   call.c      makes, steps, emits          inbound.c  user-initiated calls, until they are up
 *   midcall.c   re-offers, during the call   endings.c  why a call ends
 *   closing.c   how it closes                report.c, check.c  what is seen of it
 */
#ifndef B2BUA_CALL_CALL_INTERNAL_H
#define B2BUA_CALL_CALL_INTERNAL_H

#include "b2bua/call/call.h"
#include "b2bua/call/limits.h"
#include "b2bua/call/negotiate.h"
#include "lib/base/assert.h"

enum leg_state { LEG_NONE, LEG_CALLING, LEG_ANSWERED, LEG_OVER };
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
	bool held;                                  /* closing: terminate waits for a verb still on its way */
	struct wa_offer offer;
	const char *answer; /* our SDP, the same in pre_accept and accept; NULL: not yet */
};

struct sip_leg {
	enum leg_state state;
	const struct call_gateway *gateway;
	struct sip_negotiation sdp;
	const char *user, *target; /* Request-URI user part; the whole of it, for the record */
	const char *from_user, *from_display, *pai_user;
	const struct route_header *headers;
	size_t header_count;
	char call_id[LIMIT_SIP_CALL_ID_CHARS + 1];
	char remote_sdp[LIMIT_SIP_REMOTE_SDP_BYTES]; /* the latest, as much of it as fits; "" none */
};

struct call;
typedef void call_handler(struct call *c, const struct call_event *ev);

struct call {
	struct arena arena; /* holds the call itself, too */
	const struct call_settings *settings;
	call_handler *const *path; /* by event kind; which way the call was set up. NULL entry: no meaning there */
	/* what it was made from, in the arena */
	const char *call_id, *wacid, *phone_number_id, *number, *user_number, *user_id, *profile_name, *payload;
	const char *wa_remote_sdp;
	size_t wa_remote_sdp_length;
	/* state */
	enum call_state state;
	struct route route;
	struct wa_leg wa;
	struct sip_leg sip;
	enum media_state media;
	bool media_up;
	char media_failure[32];
	struct media_local local;
	uint64_t timer_at_us[CALL_TIMER_COUNT]; /* 0: not set */
	uint64_t window_us;                     /* until when accept makes sense */
	uint64_t close_by_us;                   /* until when closing is waited for, held or not */
	/* the end */
	bool ended;
	enum cause cause;
	enum call_ended_by ended_by;
	int sip_code, q850; /* the peer's own, 0: none */
	int meta_code;
	char meta_text[LIMIT_META_TEXT_CHARS + 1];
	/* seen */
	uint64_t started_ms, rang_ms, answered_ms, ended_ms;
	uint64_t offer_us, invite_us, sip_answered_us, accept_us, media_up_us;
	unsigned early_media, ignored;
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
void call_ignore(struct call *c);

/* ---- inbound.c ---- */
extern call_handler *const call_inbound_path[CALL_EV_KIND_COUNT];

/* ---- midcall.c ---- */
void call_on_sip_offer(struct call *c, const struct call_event *ev);
void call_on_sip_ack(struct call *c, const struct call_event *ev);
void call_keep_remote_sdp(struct call *c, const char *sdp, size_t length);
void call_set_sip_media(struct call *c);

/* ---- endings.c ---- */
void call_on_wa_terminate(struct call *c, const struct call_event *ev);
void call_on_media_failed(struct call *c, const struct call_event *ev);
void call_on_media_gone(struct call *c, const struct call_event *ev);
void call_on_sip_refused(struct call *c, const struct call_event *ev);
void call_on_sip_bye(struct call *c, const struct call_event *ev);
void call_on_sip_lost(struct call *c, const struct call_event *ev);
void call_on_hangup(struct call *c, const struct call_event *ev);
void call_keep_meta_error(struct call *c, int code, const char *text);

/* ---- closing.c ---- */
extern call_handler *const call_closing_path[CALL_EV_KIND_COUNT];
/* End the call now: whatever is open is told so, the cause is settled. Only in a state before CLOSING. */
void call_end(struct call *c, enum cause cause, enum call_ended_by by);

#endif
