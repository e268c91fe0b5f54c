/* b2bua/sip/bindings.h
 *
 * Where the users of a registrar can be reached: its table of bindings, and the rules by which a REGISTER changes it
 * (RFC 3261 s10.3). No Sofia, no clock: times are milliseconds since 1970, given. Owner: control thread.
 */
#ifndef B2BUA_SIP_BINDINGS_H
#define B2BUA_SIP_BINDINGS_H

#include "b2bua/sip/sip.h"

struct bindings;

enum {
	BINDINGS_CONTACTS_MAX = 32, /* of one user, and of one REGISTER */
	BINDINGS_Q_MAX = 1000,      /* q=1 */
	BINDINGS_MIN_S = 60,        /* struct sip_registrar with 0 */
};

/* One Contact of a REGISTER. */
struct binding_wish {
	const char *contact; /* URI */
	bool expires_given;
	unsigned expires_s; /* 0: takes it away */
	unsigned q;         /* thousandths */
};

/* What stands in b, except contact, q and expires_ms, goes into each binding that is made or refreshed. */
struct binding_request {
	const struct sip_binding *common; /* user, call_id, cseq, path, agent, source, ... */
	const struct binding_wish *wishes;
	size_t wish_count;
	bool all; /* Contact: * with expiry 0 */
	uint64_t now_ms;
};

/* What became of a binding: told for each that a request, the time or bindings_drop_user() changed. */
enum binding_change { BINDING_ADDED, BINDING_REFRESHED, BINDING_REMOVED };

int bindings_new(const struct sip_registrar *limits,
	void (*on_change)(enum binding_change change, const struct sip_binding *b, void *arg), void *arg,
	struct bindings **ret_b);
struct bindings *bindings_free(struct bindings *b); /* tells nothing; accepts NULL; returns NULL */
void bindings_limits(struct bindings *b, const struct sip_registrar *limits);

/* All of it, or nothing. Returns the status to answer with:
 *   200  done (also when there was nothing to do: a query)
 *   400  a Contact that cannot be called, or one that stands twice
 *   403  more contacts than one user may have
 *   423  shorter than min_expires_s, which goes into Min-Expires
 *   500  an old request of the same Call-ID came late (s10.3 steps 6 and 7)
 *   503  out of memory, or the table is full */
int bindings_register(struct bindings *b, const struct binding_request *r);

/* Kept by a previous run. Returns 0, -EINVAL, -EEXIST, -ETIME (has expired), -ENOSPC or -ENOMEM. Tells nothing. */
int bindings_restore(struct bindings *b, const struct sip_binding *kept, uint64_t now_ms);

/* In the order in which they are to be called: highest q, then the one refreshed last. Borrowed until the table
 * changes. Returns how many, at most max. */
size_t bindings_of(
	const struct bindings *b, const char *user, uint64_t now_ms, const struct sip_binding **ret, size_t max);
size_t bindings_count(const struct bindings *b);
void bindings_each(const struct bindings *b, void (*fn)(const struct sip_binding *b, void *arg), void *arg);

/* Removes what has expired. Returns when the next one does, UINT64_MAX never. */
uint64_t bindings_expire(struct bindings *b, uint64_t now_ms);
/* Removes those that fn says, and tells. Returns how many. */
size_t bindings_remove_if(struct bindings *b, bool (*fn)(const struct sip_binding *b, void *arg), void *arg);

/* Are these two the same address (RFC 3261 s19.1.4)? Both have passed sip_uri_parse(). */
bool bindings_same_uri(const char *a, const char *b);

#endif
