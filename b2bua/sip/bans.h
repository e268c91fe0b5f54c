/* b2bua/sip/bans.h
 *
 * Sources that try passwords, send rubbish or flood are not listened to for a while. A source is an IPv4 address, or
 * the /64 of an IPv6 address, which one host has to itself. The table is bounded: the source heard longest ago makes
 * room, one that is banned only when all are. No Sofia, no clock: times are monotonic microseconds, given.
 * Owner: control thread.
 */
#ifndef B2BUA_SIP_BANS_H
#define B2BUA_SIP_BANS_H

#include "b2bua/sip/sip.h"

struct bans;

enum { BANS_SOURCES_MAX = 4096 };

enum ban_offence {
	BAN_WRONG_PROOF, /* a user or password that is wrong */
	BAN_MALFORMED,   /* a message that cannot be read */
	BAN_UNPROVEN, /* a request without proof that needs one: a tenth of the others, as every honest client begins so
		       */
};

int bans_new(struct bans **ret_b);
struct bans *bans_free(struct bans *b); /* accepts NULL; returns NULL */
/* What stands in the table stays. failures 0: nobody is banned, and those who are, are free. */
void bans_set(struct bans *b, const struct sip_ban_limits *limits);

/* True: this one made it too many, the source is banned from now on. */
bool bans_note(struct bans *b, const struct addr *source, enum ban_offence offence, uint64_t now_us);
/* It proved itself. For an hour its requests without proof are no offence: somebody there is no stranger, and
 * telephones ask much that we do not offer (OPTIONS to keep a way through a NAT open, SUBSCRIBE for messages). */
void bans_proved(struct bans *b, const struct addr *source, uint64_t now_us);
/* Is it banned now? Counts what it sent. */
bool bans_drop(struct bans *b, const struct addr *source, uint64_t now_us);

size_t bans_count(const struct bans *b, uint64_t now_us); /* banned now */
void bans_each(const struct bans *b, uint64_t now_us, void (*fn)(const struct sip_ban *ban, void *arg), void *arg);
/* 0 or -ENOENT. */
int bans_lift(struct bans *b, const struct addr *source, uint64_t now_us);

#endif
