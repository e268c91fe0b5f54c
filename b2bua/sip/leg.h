/* b2bua/sip/leg.h
 *
 * Inside of b2bua/sip: one leg, that is one nua handle, from the INVITE until the handle is destroyed; longer than the
 * caller knows it.
 */
#ifndef B2BUA_SIP_LEG_H
#define B2BUA_SIP_LEG_H

#include "b2bua/sip/headers.h"
#include "b2bua/sip/stack.h"
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
	LEG_OP_COUNT
};

enum leg_pending { PENDING_NONE, PENDING_INVITE, PENDING_UPDATE };

struct transfer;
struct leg_proof;
struct digits;
struct leg_dialog;

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
	bool answer_in_ack;          /* and its ACK the answer */
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
	/* proof.c: */
	struct leg_proof *proof; /* NULL: no credentials */
	/* digits.c: */
	struct digits *digits;     /* NULL: none was sent yet */
	struct leg_dialog *dialog; /* what a request beside the handle needs; NULL: not known */
};

/* All rules about which request may follow which, in one place (leg.c). */
bool leg_may(const struct sip_leg *leg, enum leg_op op);

/* Each returns false, having done nothing, when leg_may() says so. */
bool leg_cancel(struct sip_leg *leg, const char *reason);
bool leg_bye(struct sip_leg *leg, const char *reason);
bool leg_respond(struct sip_leg *leg, int code, const char *sdp);
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
	char target[SIP_URI_MAX], to[SIP_URI_MAX], from[SIP_NAME_ADDR_MAX], contact[SIP_URI_MAX],
		headers[SIP_HEADERS_MAX];
};
/* A new handle for the leg, and the INVITE on it. cseq 0: the library's choice. authorization: lines, "" none. Returns
 * 0 or -ENOMEM. */
int outgoing_send(
	struct sip_leg *leg, const struct invite_text *t, const char *sdp, uint32_t cseq, const char *authorization);

/* ---- proof.c ---- */

/* Keep what a challenge is answered with. Adds our tag to t->from. Returns 0 or -ENOMEM. */
int proof_new(struct sip_leg *leg, const struct sip_credentials *c, struct invite_text *t, const char *sdp);
void proof_free(struct sip_leg *leg);
/* The INVITE was answered 401 or 407. True: it has been sent again. */
bool proof_invite(struct sip_leg *leg, int status, const sip_t *sip);
/* The INVITE was answered for good. */
void proof_answered(struct sip_leg *leg);
/* A request within the dialog was answered 401 or 407: sent again once, where the library can. */
bool proof_request(struct sip_leg *leg, int status, const sip_t *sip);
/* Authorization lines for a request of ours within the dialog, "" when the library writes them. */
void proof_lines(struct sip_leg *leg, const char *method, char *dst, size_t cap);

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
