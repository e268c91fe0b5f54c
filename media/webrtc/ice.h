/* media/webrtc/ice.h
 *
 * ICE agent (RFC 8445) for one component over one socket: a single local host candidate, no servers, no trickle.
 * Stepped: no socket, no clock.
 *
 *   full  controlling, unless a conflict of roles says otherwise. Sends checks to every remote candidate until
 * answered, nominates one pair (regular nomination), then asks for consent (RFC 7675). Never leaves the pair again.
 *   lite  answers checks (RFC 8445 s2.5) and takes the first pair that the peer nominates.
 *
 *            ice_start()            a check succeeded: the same pair again, with USE-CANDIDATE, answered
 *   ICE_NEW ------------> ICE_CHECKING ---------------------------------------------------> ICE_NOMINATED
 *                              | nothing nominated within timeout_ms                              | no consent for 30 s
 *                              +------------------------> ICE_FAILED <----------------------------+
 *
 * Only authenticated messages have effect. What fails the integrity check is dropped in silence, not answered with 400
 * or 401 as RFC 8489 s9.1.3 has it: such an answer could not be authenticated by its receiver and would only tell
 * scanners that we are here.
 */
#ifndef MEDIA_WEBRTC_ICE_H
#define MEDIA_WEBRTC_ICE_H

#include "media/media_types.h"
#include "media/webrtc/consent.h"
#include "media/webrtc/rng.h"
#include "media/webrtc/stun.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	ICE_TA_MS = 5,             /* between first checks to several candidates: the least of RFC 8445 s14.2 */
	ICE_RETRY_FAST_MS = 50,    /* Meta's relay ignores us until it has read our SDP, which takes it an unknown time:
				      RFC 8445's 500 ms */
	ICE_RETRY_SLOW_MS = 100,   /* would add up to that to each call's set-up. One flow, one small packet: no harm */
	ICE_RETRY_FAST_COUNT = 20, /* so many checks of a pair at the fast pace */
	ICE_SETTLE_MS = 100,       /* a better pair than the first valid one may still answer for so long */
	ICE_TIMEOUT_MS = 15000,
	ICE_PAIRS_MAX = MEDIA_CANDIDATES_MAX + 4, /* room for peer-reflexive candidates */
	ICE_PRIORITY_HOST = 2130706431,           /* RFC 8445 s5.1.2.1: type 126, local preference 65535, component 1 */
	ICE_PRIORITY_PRFLX = 1862270975,          /* type 110 */
};

enum ice_state { ICE_NEW, ICE_CHECKING, ICE_NOMINATED, ICE_FAILED };

enum ice_pair_state {
	PAIR_CHECKING,   /* checks go out until one is answered (RFC 8445: Waiting, In-Progress) */
	PAIR_VALID,      /* answered (Succeeded) */
	PAIR_NOMINATING, /* controlling: checks with USE-CANDIDATE go out */
};

struct ice_pair {
	struct addr remote;
	uint32_t remote_priority;
	enum ice_pair_state state;
	bool authenticated;  /* the address has sent us something under the right password */
	bool peer_nominated; /* controlled: the peer's check carried USE-CANDIDATE */
	uint8_t txid[STUN_TXID_BYTES];
	uint64_t first_sent_us, next_send_us;
	unsigned sends; /* with this txid */
};

struct ice_conf {
	const char *ufrag, *pwd; /* ours; borrowed for the agent's life */
	bool lite;
	bool ipv6;           /* false: remote IPv6 candidates are skipped, our socket is IPv4 */
	uint32_t timeout_ms; /* 0: ICE_TIMEOUT_MS */
	struct rng *rng;     /* borrowed */
	/* to is never NULL. */
	void (*send)(void *arg, const void *bytes, size_t length, const struct addr *to);
	void *arg;
};

/* Embedded in its owner; look, do not touch. */
struct ice {
	struct ice_conf conf;
	enum ice_state state;
	enum media_failure failure;            /* in ICE_FAILED */
	const char *remote_ufrag, *remote_pwd; /* NULL before ice_start() */
	bool remote_lite;
	bool controlling;
	uint64_t tie_breaker;
	uint64_t timeout_us; /* when to give up checking */
	uint64_t settle_us;  /* when to stop waiting for a better pair; 0: none is valid yet */
	struct ice_pair pairs[ICE_PAIRS_MAX];
	size_t pair_count;
	struct addr nominated;
	struct consent consent;
	double rtt_ms; /* of the first check that needed no repetition; -1 */
};

void ice_init(struct ice *ice, const struct ice_conf *conf);

/* The peer's description is known. remote's text is borrowed for the agent's life. Returns 0, -EALREADY, or -EINVAL
 * (empty or too short credentials, or nothing to check for a full agent). Sends the first checks. */
int ice_start(struct ice *ice, const struct media_wa_remote *remote, uint64_t now_us);

/* One datagram for which stun_is() holds. Before ice_start() authentic requests are answered and remembered. Afterwards
 * look at state. */
void ice_input(struct ice *ice, const void *bytes, size_t length, const struct addr *from, uint64_t now_us);
void ice_tick(struct ice *ice, uint64_t now_us);
uint64_t ice_deadline(const struct ice *ice); /* UINT64_MAX: nothing to do */

/* Has this address proved that it knows our credentials or, answering, its own? */
bool ice_knows(const struct ice *ice, const struct addr *from);
double ice_rtt_ms(const struct ice *ice); /* -1: unknown */
/* Authenticated media came over the nominated pair. */
void ice_heard_media(struct ice *ice, uint64_t now_us);

/* RFC 8445 s6.1.2.3, G being the controlling side's candidate priority. */
uint64_t ice_pair_priority(uint32_t controlling, uint32_t controlled);

#endif
