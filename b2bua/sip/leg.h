/* b2bua/sip/leg.h
 *
 * Inside of b2bua/sip: one leg, that is one nua handle, from the INVITE until the handle is destroyed; longer than the
 * caller knows it.
 */
#ifndef B2BUA_SIP_LEG_H
#define B2BUA_SIP_LEG_H

#include "b2bua/sip/headers.h"
#include "b2bua/sip/session_timer.h"
#include "b2bua/sip/stack.h"
#include "b2bua/sip/ways.h"
#include "lib/loop/loop.h"

#include <uthash.h>

enum leg_phase {
	LEG_CALLING,   /* INVITE sent, no final answer */
	LEG_INCOMING,  /* INVITE received, no final answer of ours */
	LEG_ANSWERED,  /* our 200 sent, its ACK not yet received */
	LEG_UP,        /* answered and ACKed, whoever called */
	LEG_CANCELLED, /* CANCEL asked for; the INVITE may still be answered */
	LEG_ENDING,    /* refused, BYE sent or BYE received: nothing but destroy */
	LEG_PHASE_COUNT
};

/* What we may ask nua to do on a handle. */
enum leg_op {
	LEG_OP_CANCEL,
	LEG_OP_BYE,
	LEG_OP_RESPOND, /* to a request within the dialog, early or not */
	LEG_OP_RING,    /* answers to the INVITE that made the leg */
	LEG_OP_ANSWER,
	LEG_OP_NOTIFY,
	LEG_OP_INFO,
	LEG_OP_REFRESH, /* UPDATE or re-INVITE */
	LEG_OP_COUNT
};

enum leg_pending { PENDING_NONE, PENDING_INVITE, PENDING_UPDATE };

struct transfer;
struct leg_proof;
struct digits;
struct leg_dialog;
struct invite_kept;

/* refresh.c */
struct leg_refresh {
	struct session_timer timer;
	struct session_words asked; /* by the peer's request that waits for our answer */
	struct loop_timer due;
	char *sdp;         /* what we sent last, offer or answer; NULL: nothing yet */
	bool under_way;    /* a refresh of ours is unanswered, */
	bool by_update;    /* that it is an UPDATE */
	bool no_update;    /* the peer has refused one */
	bool peer_updates; /* its Allow has UPDATE */
};
struct leg_hops;

struct sip_leg {
	struct sip_leg *prev, *next;
	struct sip_stack *stack;
	uint64_t id; /* 0: the caller does not know it any more */
	void *arg;
	struct sip_listener *listener;
	nua_handle_t *nh;
	enum leg_phase phase;
	char *call_id;
	UT_hash_handle hh; /* by call_id, which others may share where the peer chose it */
	/* peer's offer that the caller has to answer */
	enum leg_pending pending;
	nua_saved_event_t update[1]; /* PENDING_UPDATE */
	bool offerless;              /* the INVITE to be answered had no SDP: our 200 carries the offer, */
	bool answer_in_ack;          /* and its ACK the answer, */
	bool offer_in_18x;           /* unless a reliable response carried it before, */
	char *answer_in_prack;       /* and this was its answer; NULL: none yet */
	bool unacked;                /* our 200 to an INVITE of the peer waits for its ACK */
	/* last SDP of a provisional response, for a 2xx without (RFC 6337 s3.1.1) */
	char *early_sdp;
	char early_tag[64];
	struct loop_timer linger;
	char contact[SIP_URI_MAX]; /* ours, "": the stack's */
	/* legs that came in (incoming.c) */
	bool came_in;
	char *bye_reason; /* hang up as soon as the ACK (LEG_ANSWERED), or the answer to the last NOTIFY (LEG_UP), is
			     there; "" without a reason, NULL: not hung up */
	/* transfer.c */
	struct transfer *transfer;
	struct loop_timer bye_timer; /* that answer has had its time */
	char *route;                 /* Route header of requests in the dialog, NULL: none */
	/* outgoing.c: until the INVITE is answered for good, to send it again */
	struct invite_kept *invite;
	/* proof.c: */
	struct leg_proof *proof; /* NULL: no credentials */
	/* digits.c: */
	struct digits *digits;     /* NULL: none was sent yet */
	struct leg_dialog *dialog; /* what a request beside the handle needs; NULL: not known */
	struct leg_refresh refresh;
	bool wants_100rel;    /* the caller's INVITE requires it, or its gateway's policy does */
	struct tport_s *flow; /* flow.c: the connection that the peer is reached over, a reference; NULL: by Contact */
	char flow_tag[64];    /* our tag in the dialog that it belongs to; "" until our first answer */
	struct way way;
	struct loop_timer unreached; /* its connection could not be made */
	bool sent;                   /* our INVITE has left: its next hop was known */
	struct leg_hops *hops;       /* hops.c; NULL: to its one address, or where the library finds it */
};

/* All rules about which request may follow which, in one place (leg.c). */
bool leg_may(const struct sip_leg *leg, enum leg_op op);

/* Each returns false, having done nothing, when leg_may() says so. */
bool leg_cancel(struct sip_leg *leg, const char *reason);
bool leg_bye(struct sip_leg *leg, const char *reason);
bool leg_respond(struct sip_leg *leg, int code, const char *sdp);
/* Something that a request of ours waited for is over. */
void leg_continue(struct sip_leg *leg);
/* The code to answer a request within the dialog with: that, or one that does not end the dialog besides. */
int leg_refusal(int code, sip_method_t method);

/* call_id: of a leg that came in; NULL: one is made. NULL without memory. */
struct sip_leg *leg_new(struct sip_stack *s, void *arg, const char *call_id);
/* Tell the caller. Ids end here with the events that end a leg. ev->leg, leg_arg and sip_call_id are filled in. */
void leg_emit(struct sip_leg *leg, struct sip_event *ev);
/* The dialog is over, or will be without our doing anything more. */
void leg_ended(struct sip_leg *leg);
/* The caller hangs up; what is left of the leg looks after itself. */
void leg_let_go(struct sip_leg *leg);
/* Destroys handle and leg. Never while the stack's events of this leg are still worth hearing. */
void leg_drop(struct sip_leg *leg);
void leg_keep_early_sdp(struct sip_leg *leg, const char *sdp, size_t length, const char *tag);

/* ---- outgoing.c ---- */

#define CONTACT_USER "watrunk"
/* Contact: where in-dialog requests of the peer shall come. "" where only the stack knows. 0 or -EINVAL. */
int contact_build(char *dst, size_t cap, const struct sip_stack *s, const struct sip_listener *listener,
	const struct addr *local, enum sip_transport transport, const char *user);

/* The texts of an INVITE of ours. */
struct invite_text {
	char target[SIP_URI_MAX], route[SIP_URI_MAX + 2], to[SIP_URI_MAX], from[SIP_NAME_ADDR_MAX],
		contact[SIP_URI_MAX], headers[SIP_HEADERS_MAX];
};
struct invite_kept {
	struct invite_text text;
	char *sdp;
};
/* A new handle for the leg, and the INVITE on it. cseq 0: the library's choice. authorization: lines, "" none. Returns
 * 0 or -ENOMEM. */
int outgoing_send(struct sip_leg *leg, uint32_t cseq, const char *authorization);
/* The INVITE once more, as the next request of the same call: on a new handle, the old one is destroyed. False: cannot
 * be. */
bool outgoing_again(struct sip_leg *leg, const sip_t *sip, const char *authorization);
/* That connection could not be made: of an INVITE on it nothing can come any more, and the library would find out when
 * its timer B fires. From inside the library. */
void outgoing_unreached(struct sip_leg *leg, const void *connection);
/* Nobody says where it is to go: it is over, before the caller has lost all his patience. */
void outgoing_unresolved(struct sip_leg *leg);
/* The INVITE was answered for good. */
void outgoing_answered(struct sip_leg *leg);

/* ---- hops.c ---- */

/* The bindings of this user. Returns 0, -ENOENT (none that can be called) or -ENOMEM. */
int hops_find(struct sip_leg *leg, const char *user);
/* May the binding's user have calls sent to where it says? */
bool hops_may(const struct sip_stack *s, const struct sip_binding *b);
/* As hops_may(), of what a name has turned out to be, for the INVITE that is about to go there. */
bool hops_may_reach(const struct sip_leg *leg, const struct addr *to, enum sip_transport transport);
/* leg->invite to the one whose turn it is. Returns 0 or -ENOMEM. */
int hops_begin(struct sip_leg *leg);
/* The places that this URI's name stands for now. Without any (it is an address, or not watched): as it was. Returns 0,
 * -EINVAL (no listener of ours can reach one) or -ENOMEM. */
int hops_look_up(struct sip_leg *leg, const char *uri);
/* It was refused there; local: by nobody. True: sent to the next one. */
bool hops_next(struct sip_leg *leg, int status, bool local);
void hops_heard(struct sip_leg *leg); /* somebody is there, or nobody waits any more */
/* A response came from there, also a 100, which the library keeps to itself. */
void hops_tried(struct sip_leg *leg, const struct addr *source);
/* Where a request of this leg has to be sent, when that is not what its URI and routes say. by_rules: where it would go
 * by those, NULL for the INVITE. False: by the rules. */
bool hops_route(const struct sip_leg *leg, const url_t *by_rules, char *dst, size_t cap);
void hops_free(struct sip_leg *leg);
/* What the INVITE needs now: its Request-URI, NULL without hops; the URI it is sent to and its Route, "" none. */
const char *hops_now(const struct sip_leg *leg, const char **ret_via, const char **ret_route);

/* ---- proof.c ---- */

/* Keep what a challenge is answered with. Returns 0 or -ENOMEM. */
int proof_new(struct sip_leg *leg, const struct sip_credentials *c, const char *target);
void proof_free(struct sip_leg *leg);
/* The INVITE was answered 401 or 407. True: it has been sent again. */
bool proof_invite(struct sip_leg *leg, int status, const sip_t *sip);
/* The INVITE begins anew on a new handle, for another reason: its challenges may be answered again. */
void proof_restart(struct sip_leg *leg);
/* A request within the dialog was answered 401 or 407: sent again once, where the library can. */
bool proof_request(struct sip_leg *leg, int status, const sip_t *sip);
/* A request within the dialog was answered with 2xx: the next challenge may be answered again. */
void proof_accepted(struct sip_leg *leg);
/* Authorization lines for a request of ours within the dialog, "" when the library writes them. */
void proof_lines(struct sip_leg *leg, const char *method, char *dst, size_t cap);

/* ---- refresh.c ---- */

/* Take the session timer out of a message that has just been parsed: the library would keep one of its own. */
void refresh_hide(msg_t *msg, sip_t *sip);
/* The status of an answer as it came. */
int refresh_status(const sip_t *sip, int status);

/* Is token among the items of a Supported, Require or Allow header (or NULL)? */
bool leg_list_has(const void *header, const char *token);

void refresh_init(struct sip_leg *leg, const struct sip_dialog_policy *policy);
void refresh_free(struct sip_leg *leg);
/* Nothing more is sent on the leg. */
void refresh_stop(struct sip_leg *leg);
/* What we have just sent, offer or answer. */
void refresh_keep_sdp(struct sip_leg *leg, const char *sdp);

enum { REFRESH_LINES_MAX = 128 };
/* Header lines of an INVITE or UPDATE of ours. */
void refresh_ask(const struct sip_leg *leg, char dst[REFRESH_LINES_MAX]);
/* Our first INVITE was answered 422. True: it has been sent again. */
bool refresh_invite_again(struct sip_leg *leg, const sip_t *sip);
/* It was answered 2xx. */
void refresh_begin(struct sip_leg *leg, const sip_t *sip);

/* The peer's INVITE or UPDATE. Returns 0, or the status to refuse it with and header lines for that. */
int refresh_check(struct sip_leg *leg, const sip_t *sip, char dst[REFRESH_LINES_MAX]);
/* It is answered with 2xx now: header lines of that. */
void refresh_answer(struct sip_leg *leg, char dst[REFRESH_LINES_MAX]);

/* Our re-INVITE or UPDATE was answered; at, the peer's answer, is told. */
void refresh_answered(struct sip_leg *leg, int status, const sip_t *sip, struct sip_event *ev);
/* Is an UPDATE of ours unanswered? A BYE would wait behind it, as behind a NOTIFY. */
bool refresh_blocks_bye(const struct sip_leg *leg);
/* Something that a refresh waited for is over. */
void refresh_continue(struct sip_leg *leg);

/* ---- incoming.c ---- */

/* An INVITE that belongs to no leg, of somebody who may: makes the leg and tells, or refuses. */
void incoming_invite(
	struct sip_listener *listener, nua_handle_t *nh, const sip_t *sip, const msg_t *msg, const char *auth_user);
/* Refuse before the caller answered anything. headers: lines, "" none. phrase is copied. False: not unanswered. */
bool incoming_refuse(struct sip_leg *leg, int code, const char *phrase, const char *reason, const char *headers);
/* Our 200 has its ACK. */
void incoming_acked(struct sip_leg *leg);

/* ---- digits.c ---- */

enum { DIGITS_WAITING_MAX = 32 }; /* more are lost */
/* Something that an INFO of ours waited for is over. */
void digits_continue(struct sip_leg *leg);
/* An INFO of ours was answered. */
void digits_answered(struct sip_leg *leg, int status);
/* As they are learned; NULL: as before. */
void digits_keep_dialog(
	struct sip_leg *leg, const sip_contact_t *contact, const sip_from_t *local, const sip_to_t *remote);
/* Is an INFO of ours unanswered? A BYE would wait behind it, for 64*T1. */
bool digits_block_bye(const struct sip_leg *leg);
/* The BYE beside the queue of the handle. */
void digits_bye_now(struct sip_leg *leg, const char *reason);
void digits_free(struct sip_leg *leg);

/* ---- transfer.c ---- */

/* A REFER within the dialog: saved and told, or refused on the spot. */
void transfer_refer(struct sip_leg *leg, nua_t *nua, const sip_t *sip, const tagi_t *tags);
/* The caller is gone, or the dialog: nothing more is sent. */
void transfer_stop(struct sip_leg *leg);
/* Our NOTIFY was answered (or nua ended the subscription by itself). */
void transfer_notified(struct sip_leg *leg, int status, bool terminated);
/* Something that a NOTIFY waited for is over. */
void transfer_continue(struct sip_leg *leg);
bool transfer_under_way(const struct sip_leg *leg);
/* Is a NOTIFY of ours unanswered? A BYE would wait behind it, for 64*T1. */
bool transfer_blocks_bye(const struct sip_leg *leg);
/* The caller hangs up while NOTIFYs are unanswered or unsent: the transferor shall hear what became of it, so the BYE
 * follows the last one's answer, or NOTIFY_WAIT_MS. False: nothing to wait for. */
bool transfer_holds_bye(struct sip_leg *leg, const char *reason);
/* The BYE beside the queue of the handle. */
void transfer_bye_now(struct sip_leg *leg, const char *reason);
void transfer_free(struct sip_leg *leg);
/* Keep what a request to the peer needs beside the handle. */
void transfer_keep_route(struct sip_leg *leg, const sip_record_route_t *rr, bool reverse);

#endif
