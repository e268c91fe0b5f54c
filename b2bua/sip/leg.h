/* b2bua/sip/leg.h
 *
 * Inside of b2bua/sip: one leg, that is one nua handle, from the INVITE until the handle is destroyed; longer than the
 * caller knows it.
 */
#ifndef B2BUA_SIP_LEG_H
#define B2BUA_SIP_LEG_H

#include "b2bua/sip/stack.h"
#include "lib/loop/loop.h"

#include <uthash.h>

enum leg_phase {
	LEG_CALLING,   /* INVITE sent, no final answer */
	LEG_UP,        /* 2xx received, ACK sent */
	LEG_CANCELLED, /* CANCEL asked for; the INVITE may still be answered */
	LEG_ENDING,    /* refused, BYE sent or BYE received: nothing but destroy */
	LEG_PHASE_COUNT
};

/* What we may ask nua to do on a handle. */
enum leg_op { LEG_OP_CANCEL, LEG_OP_BYE, LEG_OP_RESPOND };

enum leg_pending { PENDING_NONE, PENDING_INVITE, PENDING_UPDATE };

struct sip_leg {
	struct sip_leg *prev, *next;
	struct sip_stack *stack;
	uint64_t id; /* 0: the caller does not know it any more */
	void *arg;
	nua_handle_t *nh;
	enum leg_phase phase;
	char call_id[40];
	UT_hash_handle hh; /* by call_id */
	/* peer's offer that the caller has to answer */
	enum leg_pending pending;
	nua_saved_event_t update[1]; /* PENDING_UPDATE */
	bool offerless;              /* PENDING_INVITE without SDP: our 200 carries the offer, */
	bool answer_in_ack;          /* and its ACK the answer */
	/* last SDP of a provisional response, for a 2xx without (RFC 6337 s3.1.1) */
	char *early_sdp;
	char early_tag[64];
	struct loop_timer linger;
};

/* All rules about which request may follow which, in one place (leg.c). */
bool leg_may(const struct sip_leg *leg, enum leg_op op);

/* Each returns false, having done nothing, when leg_may() says so. */
bool leg_cancel(struct sip_leg *leg, const char *reason);
bool leg_bye(struct sip_leg *leg, const char *reason);
bool leg_respond(struct sip_leg *leg, int code, const char *sdp);

/* Tell the caller. Ids end here with the events that end a leg. ev->leg, leg_arg and sip_call_id are filled in. */
void leg_emit(struct sip_leg *leg, struct sip_event *ev);
/* The dialog is over, or will be without our doing anything more. */
void leg_ended(struct sip_leg *leg);
/* Destroys handle and leg. Never while the stack's events of this leg are still worth hearing. */
void leg_drop(struct sip_leg *leg);
void leg_keep_early_sdp(struct sip_leg *leg, const char *sdp, size_t length, const char *tag);

#endif
