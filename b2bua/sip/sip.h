/* b2bua/sip/sip.h
 *
 * The SIP user agent: Sofia-SIP's nua in the control thread, hidden. Legs are named by ids; after SIP_EV_REFUSED,
 * SIP_EV_BYE, SIP_EV_LOST, sip_leg_cancel() or sip_leg_bye() the id means nothing any more to the caller: what is left
 * (crossing answers, repeats, waiting for the peer) is this module's business. Owner: control thread.
 */
#ifndef B2BUA_SIP_SIP_H
#define B2BUA_SIP_SIP_H

#include "b2bua/sip/dialog_policy.h"
#include "lib/base/addr.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct loop;
struct sip_stack;

enum sip_transport { SIP_UDP, SIP_TCP, SIP_TLS };
enum { SIP_LISTEN_MAX = 8 };

enum sip_event_kind {
	SIP_EV_PROGRESS,  /* 1xx but 100; never after ANSWERED */
	SIP_EV_ANSWERED,  /* 2xx to our INVITE, ACK sent. One without SDP gets that of the same dialog's last 1xx */
	SIP_EV_REFUSED,   /* final failure (also 408 by timer, 503 by transport); the leg is over */
	SIP_EV_BYE,       /* peer hung up; the leg is over */
	SIP_EV_LOST,      /* gone without a BYE of the peer (session timer, 481/408 in the dialog); the leg is over */
	SIP_EV_OFFER,     /* re-INVITE or UPDATE: answer with sip_leg_respond(), now or later */
	SIP_EV_ACK,       /* ACK to a 200 that carried our offer (offerless INVITE or re-INVITE), with the answer */
	SIP_EV_INVITE,    /* a new leg: somebody who may calls us; in. Answer with ring, accept, reject; 100 has gone */
	SIP_EV_CANCELLED, /* the caller gave up before our final answer; the leg is over */
	SIP_EV_REFER,     /* refer_to...: answer with sip_leg_refer_respond(), then sip_leg_notify() */
	SIP_EV_INFO_DTMF, /* digit, duration_ms: INFO with application/dtmf-relay or application/dtmf; answered here */
	/* A refresh of ours (RFC 4028) was answered with 2xx; by re-INVITE with what we had sent last, and sdp is the
	 * peer's answer to it; by UPDATE without either. */
	SIP_EV_REFRESHED,
};

enum { SIP_IN_HEADERS_MAX = 32 };

/* An INVITE that came in. All text borrowed for the callback. */
struct sip_incoming {
	struct addr source;
	const char *auth_user;                   /* digest user who proved himself, NULL: let in by source */
	const char *request_user, *request_host; /* unescaped user part: "+447700900123" */
	const char *to_user, *from_user, *from_display, *from_host;
	const char *pai_user;  /* P-Asserted-Identity, "" none */
	uint64_t replaces_leg; /* Replaces names this leg of ours; 0: no Replaces header */
	size_t header_count;   /* X-* headers */
	struct sip_in_header {
		const char *name, *value;
	} headers[SIP_IN_HEADERS_MAX];
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
	bool is_update; /* OFFER, REFRESHED */
	bool expired;   /* LOST: no refresh came in time, or ours was not answered */
	const char *sip_call_id;
	bool local;                    /* REFUSED: made up here (no answer, transport), not sent by the peer */
	const char *why;               /* REFUSED, local: what went wrong with the connection, for people; "" unknown */
	const char *contact;           /* REFUSED 3xx: first Contact's URI, "" none */
	unsigned retry_after_s;        /* REFUSED, 0 none */
	const struct sip_incoming *in; /* INVITE */
	const char *refer_to;          /* REFER: URI without its headers; sip: or tel: */
	const char *refer_replaces;    /* Replaces in Refer-To, unescaped; NULL none */
	const char *referred_by;       /* header value, NULL none */
	char digit;                    /* INFO_DTMF */
	unsigned duration_ms;
};

struct sip_user {
	const char *name, *password;
	bool may_register; /* with us: REGISTER */
};

/* What a challenge offers. RFC 8760 s2.4 has a client take the first challenge it knows of several; many fail at the
 * first they do not know (baresip 1.0: wherever it stands). */
enum sip_digest { SIP_DIGEST_BOTH, SIP_DIGEST_MD5, SIP_DIGEST_SHA256 };

/* What we prove ourselves with when a peer challenges (401, 407). */
struct sip_credentials {
	const char *user, *password; /* user: no quotes, backslashes or colons */
	const char *realm;           /* only this one is answered; "" or NULL: any */
};

/* Files in PEM form. */
struct sip_tls {
	const char *certificate; /* ours first, then the intermediate ones; also shown to gateways that ask for one */
	const char *key;         /* without a passphrase */
	const char *ca;          /* whom we trust */
	bool verify;             /* a gateway's certificate must be good, and name the host of its URI */
	bool min_version_13;     /* TLS 1.3 or nothing; else 1.2 will do */
	/* Asked for (SNI), and expected in a gateway's certificate, instead of the host that is called. NULL: that. */
	const char *server_name;
};

/* A TLS connection of ours that came to nothing, or was ended by an alert of the peer's. */
struct sip_tls_failure {
	const char *host; /* that was called; its address where there is no name */
	struct addr peer;
	const char *why; /* for people: "its certificate has run out" */
};

enum sip_gateway_change {
	SIP_GATEWAY_DOWN,            /* three pings in a row without an answer (408, 503) */
	SIP_GATEWAY_UP,              /* two answered after that */
	SIP_GATEWAY_REGISTERED,      /* not told again for each refresh */
	SIP_GATEWAY_REGISTER_FAILED, /* refused or unanswered; tried again, and not told again before it works */
};

struct sip_gateway_event {
	enum sip_gateway_change change;
	const char *name;
	int code;        /* what was answered, 408: nothing; 401 or 407: the password is wrong */
	const char *why; /* what went wrong with the connection, for people; "" nothing, or unknown */
};

/* Bounds for those who register with us (RFC 3261 s10.3). All 0: 60, 3600, 5. */
struct sip_registrar {
	unsigned min_expires_s, max_expires_s; /* shorter is refused (423), longer cut */
	unsigned max_contacts;                 /* of a user; the one refreshed longest ago makes room for a new one */
};

enum { SIP_CONTACT_MAX = 512, SIP_PATH_MAX = 512, SIP_USER_NAME_MAX = 64 };

/* Where a user who registered can be reached. Text is as it came. */
struct sip_binding {
	char id[24]; /* of this program's: for people and the store */
	char user[SIP_USER_NAME_MAX];
	char contact[SIP_CONTACT_MAX]; /* the URI, byte for byte but for the form of escapes */
	char path[SIP_PATH_MAX];       /* RFC 3327: value of the Path headers, "" none */
	char call_id[256], agent[128]; /* agent: User-Agent */
	uint32_t cseq;
	unsigned q;                           /* thousandths */
	struct addr source, local;            /* where the REGISTER came from, and to */
	enum sip_transport transport;         /* over which */
	bool connected;                       /* TCP, TLS: over a connection of this run */
	uint64_t registered_ms, refreshed_ms; /* since 1970 */
	uint64_t expires_ms;
};

struct sip_binding_event {
	bool removed; /* else made, or refreshed */
	bool news;    /* made or removed: not told for each refresh */
	const struct sip_binding *binding;
};

/* Who does wrong so often is not listened to for a while: b2bua/sip/bans.h. failures 0: nobody is banned. */
struct sip_ban_limits {
	unsigned failures, window_s, ban_s;
};

struct sip_ban {
	char source[ADDR_TEXT_MAX]; /* "192.0.2.7", "2001:db8::/64" */
	const char *reason;         /* "wrong_proof", "malformed", "unproven" */
	unsigned left_s;
	uint64_t dropped; /* messages since */
};

/* The name of a gateway that sip_names_watch() watches: found in the DNS, or not (any more; then the last answer
 * counts). */
struct sip_name_event {
	const char *uri;
	bool resolved;
	const char *why;  /* not resolved: for people */
	size_t addresses; /* that are known now */
};

struct sip_stack_conf {
	struct {
		enum sip_transport transport;
		struct addr addr;
	} listen[SIP_LISTEN_MAX]; /* TLS at an address without TCP */
	size_t listen_count;
	struct sip_tls tls; /* read by sip_stack_new() and sip_stack_set_tls(); needed when a listener has TLS */
	const char *domain; /* host part of our From and Contact user identity */
	const char *public_address; /* host[:port] for Contact and Via when behind NAT; "" : the listener's own */
	/* May this source send us requests? Others get 403 to INVITE and OPTIONS, as many as the rate limit lets, and
	 * silence to everything else. Requests within a dialog of ours are let in from anywhere, responses too. Called
	 * by the parser hook: must be quick. NULL: nobody may. */
	bool (*source_allowed)(const struct addr *source, void *arg);
	/* Is it an address that we call by configuration? A stranger who registers is not called there. NULL: none is.
	 */
	bool (*is_gateway)(const struct addr *addr, void *arg);
	/* What holds for connections that we open toward who calls us from there, as in struct sip_invite. NULL, or
	 * returning NULL: tls. */
	const struct sip_tls *(*tls_of)(const struct addr *source, void *arg);
	/* How to keep a dialog with who calls us from there; the callee's memory, looked at once. NULL, or returning
	 * NULL: all zero. */
	const struct sip_dialog_policy *(*policy_of)(const struct addr *source, void *arg);
	bool drop_strangers; /* silence instead of 403 */
	/* Digest users (RFC 3261 s22, RFC 8760 SHA-256 beside MD5): who is not let in by source and sends INVITE is
	 * challenged when there are any (also with drop_strangers), and let in when he proves one of them. Copied;
	 * passwords are wiped on free. */
	const struct sip_user *users;
	size_t user_count;
	enum sip_digest digest;
	const char *realm; /* "" or NULL: domain */
	struct sip_registrar registrar;
	void (*on_binding)(const struct sip_binding_event *ev, void *arg); /* NULL: nobody asks */
	/* Sources that source_allowed() lets in are never banned. */
	struct sip_ban_limits bans;
	void (*on_ban)(const struct sip_ban *ban, void *arg); /* it begins; NULL: nobody asks */
	size_t incoming_max; /* legs that came in and are not over; others get 503. 0: 4000 */
	void (*on_event)(const struct sip_event *ev, void *arg);
	void (*on_gateway)(const struct sip_gateway_event *ev, void *arg);  /* NULL: nobody asks */
	void (*on_tls_failure)(const struct sip_tls_failure *f, void *arg); /* NULL: nobody asks */
	void (*on_name)(const struct sip_name_event *ev, void *arg);        /* NULL: nobody asks */
	/* Set: a rehearsal. Every request that is due is told here, as it would stand on the wire, and fails as if
	 * nobody were there; nothing is sent, no listener can be reached, no key of tls is read, no name is looked up.
	 */
	void (*on_rehearsed)(const char *message, size_t length, void *arg);
	const char *resolver; /* name server, "127.0.0.1:5353"; NULL or "": those of /etc/resolv.conf */
	void *arg;
	unsigned t1x64_ms; /* 0: 32000; tests use less */
	unsigned min_se_s; /* where a policy says nothing; 0: 90 (RFC 4028 s4) */
};

/* Returns 0, -EINVAL, -ENOMEM, or why an address could not be bound: -EADDRINUSE, -EADDRNOTAVAIL, -EACCES. conf is
 * copied, its text too. */
int sip_stack_new(struct loop *l, const struct sip_stack_conf *conf, struct sip_stack **ret_stack);
/* Other Digest users from now on; conf.realm and conf.digest stay. Returns 0, -EINVAL or -ENOMEM (as it was). Never
 * from a callback of the stack's. */
int sip_stack_set_users(struct sip_stack *s, const struct sip_user *users, size_t count);
/* The files, read again, are those of every TLS connection that begins from now on; the others live on with what they
 * began with. Returns 0 (also without a TLS listener, where nothing is read), or -EINVAL or -ENOMEM: as it was. */
int sip_stack_set_tls(struct sip_stack *s, const struct sip_tls *tls);
/* What gateways have instead, each of a listener's `tls` or not: files read (again), for connections that begin from
 * now on. Those of former calls stay known. What differs in any of it never shares a connection. Returns as
 * sip_stack_set_tls(). */
int sip_stack_set_gateway_tls(struct sip_stack *s, const struct sip_tls *tls, size_t count);
/* Ends what is left of legs (BYE, CANCEL), waits for the stack's own shutdown by stepping the loop: usually
 * milliseconds, up to 1 s for peers that do not answer, at most 4 s. Tells nothing any more; never from a callback.
 * Accepts NULL; returns NULL. */
struct sip_stack *sip_stack_free(struct sip_stack *s);

struct sip_header {
	const char *name, *value;
};

struct sip_invite {
	const char *target_uri; /* "sip:600@127.0.0.1:5070;transport=udp" */
	/* Outbound proxy (RFC 3261 s8.1.2), with ;lr: stands in a Route header and gets the INVITE. NULL: none. */
	const char *proxy_uri;
	const char *from_user, *from_display; /* "" : anonymous */
	const char *from_domain;
	const char *pai_uri; /* P-Asserted-Identity, "" : none */
	const struct sip_header *headers;
	size_t header_count;
	const char *sdp;                    /* the offer */
	const char *referred_by, *replaces; /* header values; NULL none */
	/* A challenge is answered once; the next one, unless it only says that the nonce is stale, is a refusal like
	 * any other. Copied, wiped with the leg. NULL: challenges are refusals. */
	const struct sip_credentials *credentials;
	/* Of connections that are made for it: the like of one given to sip_stack_set_gateway_tls(). NULL: the stack's.
	 */
	const struct sip_tls *tls;
	const struct sip_dialog_policy *policy; /* NULL: all zero */
	/* A user who has registered: the INVITE goes to his bindings, one after another until one answers or declines
	 * for all (6xx), with the binding's Contact as Request-URI; target_uri is for To alone. NULL: to target_uri. */
	const char *registered_user;
	void *leg_arg;
};

/* Sends the INVITE before the loop waits again. Returns 0 with the leg, or -EINVAL (URI, header name, no SDP, no
 * listener with this transport, tls not known), -ENOENT (registered_user has no binding), -ENOMEM. The first event
 * never comes before this has returned. */
int sip_leg_invite(struct sip_stack *s, const struct sip_invite *invite, uint64_t *ret_leg);
/* Before the answer: CANCEL (held back until a 1xx came); a crossing 200 is ACKed and BYEd here. sip_code/q850/text:
 * Reason header; 0 and 0: none. */
void sip_leg_cancel(struct sip_stack *s, uint64_t leg, int sip_code, int q850, const char *text);
/* After the answer: BYE with a Reason header. A leg that came in gets it after its ACK to our 200. */
void sip_leg_bye(struct sip_stack *s, uint64_t leg, int sip_code, int q850, const char *text);
/* A digit (0-9 * # A-D) as INFO with application/dtmf-relay; duration_ms 0: 160. One after another; lost when the leg
 * is not up, or 32 wait. */
void sip_leg_digit(struct sip_stack *s, uint64_t leg, char digit, unsigned duration_ms);
/* Answer SIP_EV_OFFER. sdp NULL: none. */
void sip_leg_respond(struct sip_stack *s, uint64_t leg, int code, const char *sdp);

/* Legs that came in (SIP_EV_INVITE). sip_leg_cancel() or _bye() on one without a final answer is a 487 or 480. */
/* 180; 183 with SDP. Where the INVITE had none, sdp is our offer: it goes out when the response is reliable, the PRACK
 * brings its answer, and both are told as if they stood in the 200 and its ACK. */
void sip_leg_ring(struct sip_stack *s, uint64_t leg, int code, const char *sdp);
/* sdp: the answer, or the offer when the INVITE had none (SIP_EV_ACK then brings the answer). */
void sip_leg_accept(struct sip_stack *s, uint64_t leg, const char *sdp);
/* RFC 3261 s20.43: goes with every 488 */
#define SIP_WARNING_MEDIA "305 watrunk \"Incompatible media format\""

/* code 300..699; headers beside Reason (X-WA-Error, Retry-After, Warning). */
void sip_leg_reject(struct sip_stack *s, uint64_t leg, int code, const char *phrase, int q850,
	const struct sip_header *headers, size_t header_count);

/* Answer SIP_EV_REFER: 202, or a refusal. Codes that would end the dialog (404, 410...) go out as 603; a further REFER
 * meanwhile gets 491. */
void sip_leg_refer_respond(struct sip_stack *s, uint64_t leg, int code);
/* NOTIFY with message/sipfrag "SIP/2.0 CODE phrase" (RFC 3515 s2.4.5); final ends the subscription. After 202 only;
 * while one is unanswered the newest waits. A NOTIFY that the peer refuses ends the subscription, not the call. */
void sip_leg_notify(struct sip_stack *s, uint64_t leg, int code, bool final);

/* ---- gateways that we register with, or watch ---- */

struct sip_gateway {
	const char *name, *uri;
	const char *proxy_uri;                     /* as in struct sip_invite */
	const struct sip_tls *tls;                 /* as in struct sip_invite */
	const struct sip_credentials *credentials; /* NULL none */
	unsigned ping_s;                           /* an OPTIONS so often; 0: not watched, and always up */
	bool do_register;
	const char *register_user; /* of the address of record: sip:USER@host of uri */
	const char *contact_user;  /* where calls for us come to: the user part of their Request-URI */
	unsigned expires_s;        /* asked for; the registrar decides */
};

struct sip_gateway_status {
	bool up, watched, registers, registered;
	int register_code;               /* last answer, 0: none yet */
	int ping_code;                   /* last answer to OPTIONS, 408: none came; 0: not asked yet */
	uint64_t ping_ms, down_since_ms; /* wall; 0 never, 0 while it is up */
	/* What went wrong with the connection of the last one, for people; "" nothing, or unknown. Borrowed. */
	const char *ping_why, *register_why;
};

/* From now on these, and no others. One that is as it was goes on; one at the same place keeps what is known of it,
 * and, with the same addresses, its registration; that of one that is gone, or has other addresses, is taken back, as
 * sip_stack_free() does for all. Copied. Returns 0, or -EINVAL (URI, no listener with this transport) of
 * gws[*ret_which], or -ENOMEM: nothing has changed. Never from a callback of the stack's. */
int sip_gateways_set(struct sip_stack *s, const struct sip_gateway *gws, size_t count, size_t *ret_which);
/* Returns 0, or -ENOENT: not one of them. */
int sip_gateway_status(const struct sip_stack *s, const char *name, struct sip_gateway_status *ret_status);

/* ---- those who register with us ---- */

/* A binding of a previous run: call before the loop runs. Returns 0, -EINVAL, -EEXIST, -ETIME (has expired), -ENOENT
 * (no user of this name may register), -ENOSPC or -ENOMEM. */
int sip_registrar_restore(struct sip_stack *s, const struct sip_binding *kept);
/* From now on. What is there stays as it was granted. */
void sip_registrar_set(struct sip_stack *s, const struct sip_registrar *limits);
size_t sip_registrar_count(const struct sip_stack *s);
bool sip_registrar_has(const struct sip_stack *s, const char *user); /* is there a binding to call? */
/* Borrowed for the callback, which must not change anything. */
void sip_registrar_each(const struct sip_stack *s, void (*fn)(const struct sip_binding *b, void *arg), void *arg);
/* The operator's doing: told as removed. Returns 0 or -ENOENT. */
int sip_registrar_drop(struct sip_stack *s, const char *id);

/* ---- sources that are banned ---- */

void sip_bans_set(struct sip_stack *s, const struct sip_ban_limits *limits); /* from now on */
size_t sip_bans_count(const struct sip_stack *s);
void sip_bans_each(const struct sip_stack *s, void (*fn)(const struct sip_ban *ban, void *arg), void *arg);
/* source: as in struct sip_ban, or any address of it. Returns 0, -EINVAL or -ENOENT. */
int sip_bans_lift(struct sip_stack *s, const char *source);

/* ---- host names ---- */

/* The hosts of these URIs, as far as they are names, are kept looked up from now on (RFC 3263: NAPTR, SRV, A), by their
 * TTL; others no longer. An INVITE to one of them goes to its places one after the other. Other names are left to the
 * library. Returns 0 or -ENOMEM. Never from a callback of the stack's. */
int sip_names_watch(struct sip_stack *s, const char *const *uris, size_t count);
/* Is that one of the addresses of this watched name? Quick. */
bool sip_name_holds(const struct sip_stack *s, const char *uri, const struct addr *source);
/* Watched, and the DNS has never had an address for it: nothing can be sent there. */
bool sip_name_unknown(const struct sip_stack *s, const char *uri);

/* Can these files be used? Tells every fault; key: "certificate", "key" or "ca". Returns 0 or -EINVAL. */
int sip_tls_check(const struct sip_tls *tls, void (*fault)(void *arg, const char *key, const char *why), void *arg);
/* For checking a configuration: would sip_leg_invite() take this target, this header name? Reserved are the headers the
 * stack itself writes. */
bool sip_target_allowed(const char *uri);
bool sip_header_allowed(const char *name);

size_t sip_leg_count(const struct sip_stack *s);       /* legs the caller still knows */
size_t sip_lingering_count(const struct sip_stack *s); /* handles kept for repeats and crossing answers */

#endif
