/* b2bua/sip/sip.h
 *
 * The SIP user agent: Sofia-SIP's nua in the control thread, hidden. Legs are named by ids; after SIP_EV_REFUSED,
 * SIP_EV_BYE, SIP_EV_LOST, sip_leg_cancel() or sip_leg_bye() the id means nothing any more to the caller: what is left
 * (crossing answers, repeats, waiting for the peer) is this module's business. Owner: control thread.
 */
#ifndef B2BUA_SIP_SIP_H
#define B2BUA_SIP_SIP_H

#include "lib/base/addr.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct loop;
struct sip_stack;

enum sip_transport { SIP_UDP, SIP_TCP, SIP_TLS };
enum { SIP_LISTEN_MAX = 8 };

enum sip_event_kind {
	SIP_EV_PROGRESS, /* 1xx but 100; never after ANSWERED */
	SIP_EV_ANSWERED, /* 2xx to our INVITE, ACK sent. One without SDP gets that of the same dialog's last 1xx */
	SIP_EV_REFUSED,  /* final failure (also 408 by timer, 503 by transport); the leg is over */
	SIP_EV_BYE,      /* peer hung up; the leg is over */
	SIP_EV_LOST,     /* gone without a BYE of the peer (session timer, 481/408 in the dialog); the leg is over */
	SIP_EV_OFFER,    /* re-INVITE or UPDATE: answer with sip_leg_respond(), now or later */
	SIP_EV_ACK,      /* ACK to a 200 that carried our offer (offerless re-INVITE), with the answer */
};

struct sip_event {
	enum sip_event_kind kind;
	uint64_t leg;
	void *leg_arg;
	int code; /* PROGRESS, ANSWERED, REFUSED */
	const char *phrase;
	int q850;        /* from a Reason header, 0: none */
	const char *sdp; /* NULL: none; borrowed */
	size_t sdp_length;
	bool is_update; /* OFFER */
	const char *sip_call_id;
	bool local; /* REFUSED: made up here (no answer, transport), not sent by the peer */
};

struct sip_stack_conf {
	struct {
		enum sip_transport transport;
		struct addr addr;
	} listen[SIP_LISTEN_MAX]; /* UDP and TCP */
	size_t listen_count;
	const char *domain;         /* host part of our From and Contact user identity */
	const char *public_address; /* host[:port] for Contact and Via when behind NAT; "" : the listener's own */
	/* May this source send us requests? Others get 403 to INVITE and OPTIONS, as many as the rate limit lets, and
	 * silence to everything else. Requests within a dialog of ours are let in from anywhere, responses too. Called
	 * by the parser hook: must be quick. NULL: nobody may. */
	bool (*source_allowed)(const struct addr *source, void *arg);
	bool drop_strangers; /* silence instead of 403 */
	void (*on_event)(const struct sip_event *ev, void *arg);
	void *arg;
	unsigned t1x64_ms; /* 0: 32000; tests use less */
	unsigned min_se_s; /* 0: 90 (RFC 4028 s4); tests use less */
};

/* Returns 0, -EINVAL, -ENOMEM, or why an address could not be bound: -EADDRINUSE, -EADDRNOTAVAIL, -EACCES. conf is
 * copied, its text too. */
int sip_stack_new(struct loop *l, const struct sip_stack_conf *conf, struct sip_stack **ret_stack);
/* Ends what is left of legs (BYE, CANCEL), waits for the stack's own shutdown by stepping the loop: usually
 * milliseconds, up to 1 s for peers that do not answer, at most 4 s. Tells nothing any more; never from a callback.
 * Accepts NULL; returns NULL. */
struct sip_stack *sip_stack_free(struct sip_stack *s);

struct sip_header {
	const char *name, *value;
};

struct sip_invite {
	const char *target_uri;               /* "sip:600@127.0.0.1:5070;transport=udp" */
	const char *from_user, *from_display; /* "" : anonymous */
	const char *from_domain;
	const char *pai_uri; /* P-Asserted-Identity, "" : none */
	const struct sip_header *headers;
	size_t header_count;
	const char *sdp; /* the offer */
	void *leg_arg;
};

/* Sends the INVITE before the loop waits again. Returns 0 with the leg, or -EINVAL (URI, header name, no SDP, no
 * listener with this transport), -ENOMEM. The first event never comes before this has returned. */
int sip_leg_invite(struct sip_stack *s, const struct sip_invite *invite, uint64_t *ret_leg);
/* Before the answer: CANCEL (held back until a 1xx came); a crossing 200 is ACKed and BYEd here. sip_code/q850/text:
 * Reason header; 0 and 0: none. */
void sip_leg_cancel(struct sip_stack *s, uint64_t leg, int sip_code, int q850, const char *text);
/* After the answer: BYE with a Reason header. */
void sip_leg_bye(struct sip_stack *s, uint64_t leg, int sip_code, int q850, const char *text);
/* Answer SIP_EV_OFFER. sdp NULL: none. */
void sip_leg_respond(struct sip_stack *s, uint64_t leg, int code, const char *sdp);

/* For checking a configuration: would sip_leg_invite() take this target, this header name? Reserved are the headers the
 * stack itself writes. */
bool sip_target_allowed(const char *uri);
bool sip_header_allowed(const char *name);

size_t sip_leg_count(const struct sip_stack *s);       /* legs the caller still knows */
size_t sip_lingering_count(const struct sip_stack *s); /* handles kept for repeats and crossing answers */

#endif
