/* b2bua/sip/stack.h
 *
 * Inside of b2bua/sip: what stack.c, leg.c, translate.c and strangers.c share. Owner: control thread.
 */
#ifndef B2BUA_SIP_STACK_H
#define B2BUA_SIP_STACK_H

#include "b2bua/sip/sip.h"
#include "b2bua/sip/uri.h"
#include "lib/base/ratelimit.h"

struct sip_listener;
struct sip_leg;
#define NUA_MAGIC_T  struct sip_listener
#define NUA_HMAGIC_T struct sip_leg
#include <sofia-sip/nua.h>
#include <sofia-sip/nua_tag.h>
#include <sofia-sip/sip.h>
#include <sofia-sip/sip_tag.h>

#define STACK_SUPPORTED           "timer, 100rel, replaces"
#define STACK_SUPPORTED_NO_100REL "timer, replaces"

/* One address we listen on, with UDP, TCP or both: one nua. */
struct sip_listener {
	struct sip_stack *stack; /* NULL: the stack has been freed, this nua did not end in time */
	struct addr addr;
	bool transport[SIP_TLS + 1];
	nua_t *nua;
	bool shut_down; /* nua_r_shutdown said so */
};

struct slotmap;
struct msg_mclass_s;

struct sip_stack {
	struct loop *loop;
	struct sip_stack_conf conf;
	char domain[256], public_address[256];
	struct sip_listener *listeners[SIP_LISTEN_MAX];
	size_t listener_count;
	struct slotmap *known;   /* legs the caller still knows */
	struct sip_leg *legs;    /* all of them, utlist */
	struct sip_leg *by_call; /* all of them, uthash by Call-ID */
	size_t leg_total;
	size_t incoming_total; /* of these, legs that came in */
	bool closing;
	/* strangers.c: */
	struct msg_mclass_s *mclass; /* parser with our hook */
	struct sip_stack *next;      /* of those with a hook */
	struct ratelimit stranger_answers;
	struct digest *digest; /* NULL: no users */
	char realm[256];
	struct gateway *gateways; /* gateway.c; utlist */
	struct tls_keeper *tls;   /* NULL: no listener has it */
	struct registrar *registrar;
	struct bans *bans;
	struct ratelimit register_answers;
	struct resolver *resolver;
	struct name *names; /* names.c; utlist */
};

/* The listener a request to this URI leaves from, or NULL: none speaks its transport. ret_local: our address as the
 * peer sees it, unset when unknown. */
struct sip_listener *stack_listener_for(struct sip_stack *s, const struct sip_uri *target, struct addr *ret_local);
/* This listener's address as the peer sees it, unset when unknown. */
void stack_local_toward(const struct sip_listener *l, const struct addr *peer, struct addr *ret_local);
/* An address of one of this machine's interfaces: the way to it begins at itself. */
bool stack_is_own_address(const struct addr *a);
/* Where a message came from; unset when it came from nowhere. */
void stack_source_of(const msg_t *msg, struct addr *ret_source);

/* translate.c: the nua callback. */
void translate_event(nua_event_t event, int status, const char *phrase, nua_t *nua, struct sip_listener *listener,
	nua_handle_t *nh, struct sip_leg *leg, const sip_t *sip, tagi_t tags[]);

/* gateway.c: answers to our own REGISTER and OPTIONS; local: made up here, not the peer's. */
void gateway_response(struct sip_stack *s, nua_handle_t *nh, int status, const sip_t *sip, bool local);
struct way *gateways_way_of(struct sip_stack *s, const char *call_id); /* NULL none */
void gateways_each_way(struct sip_stack *s, void (*fn)(struct way *w, void *arg), void *arg);
void gateways_leave(struct sip_stack *s);         /* take registrations back, */
bool gateways_leaving(const struct sip_stack *s); /* as long as that is not answered */
void gateways_free(struct sip_stack *s);

/* registrar.c */
int registrar_new(struct sip_stack *s); /* 0 or -ENOMEM */
void registrar_free(struct sip_stack *s);
/* Others lose their bindings. Returns 0, -EINVAL (a name that is too long) or -ENOMEM. */
int registrar_set_users(struct sip_stack *s, const struct sip_user *users, size_t count);
bool registrar_offered(const struct sip_stack *s); /* may anybody? */
bool registrar_may(const struct sip_stack *s, const char *user);
/* In the order to call them; borrowed until something changes. */
size_t registrar_bindings(const struct sip_stack *s, const char *user, const struct sip_binding **ret, size_t max);
/* A REGISTER of a user who has proved himself: answered; the handle stays the caller's. */
void registrar_request(struct sip_listener *listener, nua_t *nua, nua_handle_t *nh, const sip_t *sip, const msg_t *msg,
	const char *user);
/* A URI for the library that leaves its bytes as they are; text on home. Returns 0 or -EINVAL. */
int raw_url(su_home_t *home, const char *text, url_t *ret_url);
/* route.c: find the library's function that stands behind ours. */
void route_hook(void);
/* strangers.c: the stack that has this message, by its parser; NULL: none of ours. */
struct sip_stack *stack_of_message(const msg_t *msg);
/* strangers.c: the leg with this message's Call-ID, of whatever stack; NULL none. */
struct sip_leg *stack_leg_of(const sip_t *sip);
struct way;
/* strangers.c: how this request of ours travels; NULL: it is no leg's, and no gateway's. */
struct way *stack_way_of(const sip_t *sip);
void stack_each_way(void (*fn)(struct way *w, void *arg), void *arg);
/* tls.c: the function that stands behind one of ours with its name. */
void stack_next_symbol(const char *name, void *ret_fn, size_t size);

/* strangers.c */
int strangers_hook(struct sip_stack *s);    /* 0 or -ENOMEM: sets s->mclass */
void strangers_unhook(struct sip_stack *s); /* only when no nua uses s->mclass any more */
/* A request outside of every leg: made one, answered or refused; but for the first its handle is destroyed. */
void strangers_request(
	struct sip_listener *listener, nua_event_t event, int status, nua_t *nua, nua_handle_t *nh, const sip_t *sip);

#endif
