/* b2bua/sip/bindings.c -- see bindings.h
 *
 * A REGISTER is looked at as a whole first (check()), then carried out (carry_out()), so that nothing is half done when
 * one of its Contacts is refused. Matching Contacts are found by the rules of RFC 3261 s19.1.4, but kept and given out
 * as they came: 3CX finds its trunk by the parameter `rinstance` that it put there.
 */
#include "b2bua/sip/bindings.h"

#include "b2bua/sip/uri.h"
#include "lib/base/crypto.h"
#include "lib/base/str.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <uthash.h>
#include <utlist.h>

enum {
	TOTAL_MAX = 20000,
	DEFAULT_MAX_S = 3600,
	DEFAULT_CONTACTS = 5,
	ID_BYTES = 6,
};

struct entry {
	struct sip_binding b;
	uint64_t order; /* rises with each refresh: several may fall into one millisecond */
	struct entry *prev, *next;
};

struct user {
	char name[SIP_USER_NAME_MAX];
	struct entry *entries; /* utlist */
	UT_hash_handle hh;
};

struct bindings {
	struct sip_registrar limits;
	struct user *users;
	size_t count;
	uint64_t order;
	void (*on_change)(enum binding_change change, const struct sip_binding *b, void *arg);
	void *arg;
};

/* ---- comparing URIs ---- */

/* Value of a parameter in ";a=1;b", -1: not there. name need not be terminated. */
static int param_find(const char *params, const char *name, size_t name_length, const char **ret_value)
{
	while (*params == ';') {
		size_t length = strcspn(++params, ";"), n = strcspn(params, ";=");

		if (n == name_length && strncasecmp(params, name, n) == 0) {
			*ret_value = params + n + (n < length);
			return (int)(length - n - (n < length));
		}
		params += length;
	}
	return -1;
}

/* Parameters that make a difference also where only one of the two has them. */
static bool is_weighty(const char *name, size_t length)
{
	static const char *const names[] = {"user", "ttl", "method", "maddr", "transport"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strlen(names[i]) == length && strncasecmp(names[i], name, length) == 0)
			return true;
	return false;
}

/* Does b allow each parameter of a? */
static bool params_fit(const char *a, const char *b)
{
	while (*a == ';') {
		size_t length = strcspn(++a, ";"), n = strcspn(a, ";=");
		const char *other = NULL, *own = a + n + (n < length);
		int other_length = param_find(b, a, n, &other);

		if (other_length < 0 && is_weighty(a, n))
			return false;
		if (other_length >= 0 && ((size_t)other_length != length - n - (n < length) ||
						 strncasecmp(own, other, (size_t)other_length) != 0))
			return false;
		a += length;
	}
	return true;
}

static const char *params_of(const struct sip_uri *u)
{
	const char *end = u->host + u->host_length;

	return end + strcspn(end, ";");
}

bool bindings_same_uri(const char *a, const char *b)
{
	struct sip_uri x, y;

	if (sip_uri_parse(a, &x) || sip_uri_parse(b, &y))
		return false;
	if (strncasecmp(a, b, strcspn(a, ":") + 1) != 0 || x.port != y.port || x.user_length != y.user_length ||
		x.host_length != y.host_length)
		return false;
	if (x.user_length && memcmp(x.user, y.user, x.user_length) != 0)
		return false;
	return strncasecmp(x.host, y.host, x.host_length) == 0 && params_fit(params_of(&x), params_of(&y)) &&
	       params_fit(params_of(&y), params_of(&x));
}

/* ---- the table ---- */

static struct user *user_find(const struct bindings *b, const char *name)
{
	struct user *u;

	HASH_FIND_STR(b->users, name, u);
	return u;
}

static struct user *user_get(struct bindings *b, const char *name)
{
	struct user *u = user_find(b, name);

	if (u)
		return u;
	u = calloc(1, sizeof(*u));
	if (!u)
		return NULL;
	str_copy(u->name, sizeof(u->name), name);
	HASH_ADD_STR(b->users, name, u);
	return u;
}

static void user_drop_if_empty(struct bindings *b, struct user *u)
{
	if (!u || u->entries)
		return;
	HASH_DEL(b->users, u);
	free(u);
}

static void entry_remove(struct bindings *b, struct user *u, struct entry *e)
{
	DL_DELETE(u->entries, e);
	b->count--;
	b->on_change(BINDING_REMOVED, &e->b, b->arg);
	free(e);
}

/* The very same text first: by s19.1.4 "sip:a" is the address "sip:a;x=1", and "sip:a;x=2" too, which are two. */
static struct entry *entry_of(const struct user *u, const char *contact)
{
	struct entry *e;

	DL_FOREACH (u->entries, e)
		if (strcmp(e->b.contact, contact) == 0)
			return e;
	DL_FOREACH (u->entries, e)
		if (bindings_same_uri(e->b.contact, contact))
			return e;
	return NULL;
}

static size_t entry_count(const struct user *u)
{
	const struct entry *e;
	size_t n = 0;

	DL_FOREACH (u->entries, e)
		n++;
	return n;
}

/* Who was refreshed longest ago makes room. */
static void make_room(struct bindings *b, struct user *u)
{
	while (entry_count(u) >= b->limits.max_contacts) {
		struct entry *e, *oldest = u->entries;

		DL_FOREACH (u->entries, e)
			if (e->order < oldest->order)
				oldest = e;
		entry_remove(b, u, oldest);
	}
}

/* ---- one REGISTER ---- */

static unsigned granted_s(const struct bindings *b, const struct binding_wish *w)
{
	if (!w->expires_given || w->expires_s > b->limits.max_expires_s)
		return b->limits.max_expires_s;
	return w->expires_s;
}

/* A request of the same Call-ID that is not newer came late, or is a repeat (s10.3 steps 6 and 7). */
static bool out_of_order(const struct entry *e, const struct sip_binding *common)
{
	return e && strcmp(e->b.call_id, common->call_id) == 0 && common->cseq <= e->b.cseq;
}

static int check_wish(
	const struct bindings *b, const struct user *u, const struct binding_request *r, const struct binding_wish *w)
{
	struct sip_uri uri;

	if (strlen(w->contact) >= SIP_CONTACT_MAX || sip_uri_parse(w->contact, &uri) || w->q > BINDINGS_Q_MAX ||
		strncasecmp(w->contact, "sip:", 4) != 0)
		return 400;
	for (const struct binding_wish *before = r->wishes; before < w; before++)
		if (bindings_same_uri(before->contact, w->contact))
			return 400;
	if (w->expires_given && w->expires_s && w->expires_s < b->limits.min_expires_s)
		return 423;
	return u && out_of_order(entry_of(u, w->contact), r->common) ? 500 : 200;
}

static int check(const struct bindings *b, const struct user *u, const struct binding_request *r)
{
	const struct entry *e;
	size_t wanted = 0;

	if (r->all) {
		if (u)
			DL_FOREACH (u->entries, e)
				if (out_of_order(e, r->common))
					return 500;
		return r->wish_count ? 400 : 200;
	}
	for (size_t i = 0; i < r->wish_count; i++) {
		int status = check_wish(b, u, r, &r->wishes[i]);
		if (status != 200)
			return status;
		wanted += granted_s(b, &r->wishes[i]) > 0;
	}
	if (wanted > b->limits.max_contacts)
		return 403;
	return b->count + wanted > TOTAL_MAX ? 503 : 200;
}

static void new_id(char *dst)
{
	uint8_t random[ID_BYTES];

	crypto_random(random, sizeof(random));
	memcpy(dst, "b-", 2);
	str_hex(dst + 2, random, sizeof(random));
}

/* Makes or refreshes one. Returns 0 or -ENOMEM. */
static int put(struct bindings *b, struct user *u, const struct binding_request *r, const struct binding_wish *w)
{
	struct entry *e = entry_of(u, w->contact);
	struct sip_binding fresh = *r->common;
	bool is_new = !e;

	if (is_new) {
		e = calloc(1, sizeof(*e));
		if (!e)
			return -ENOMEM;
		make_room(b, u);
		new_id(fresh.id);
		fresh.registered_ms = r->now_ms;
		DL_APPEND(u->entries, e);
		b->count++;
	} else {
		str_copy(fresh.id, sizeof(fresh.id), e->b.id);
		fresh.registered_ms = e->b.registered_ms;
	}
	str_copy(fresh.contact, sizeof(fresh.contact), w->contact);
	fresh.q = w->q;
	fresh.refreshed_ms = r->now_ms;
	fresh.expires_ms = r->now_ms + granted_s(b, w) * 1000ull;
	e->b = fresh;
	e->order = ++b->order;
	b->on_change(is_new ? BINDING_ADDED : BINDING_REFRESHED, &e->b, b->arg);
	return 0;
}

/* The first Contact is the one preferred among those of equal q: put last, it is the newest. */
static int carry_out(struct bindings *b, struct user *u, const struct binding_request *r)
{
	struct entry *e, *next;

	if (r->all) {
		DL_FOREACH_SAFE (u->entries, e, next)
			entry_remove(b, u, e);
		return 200;
	}
	for (size_t i = r->wish_count; i-- > 0;) {
		const struct binding_wish *w = &r->wishes[i];
		if (granted_s(b, w)) {
			if (put(b, u, r, w))
				return 503;
			continue;
		}
		e = entry_of(u, w->contact);
		if (e)
			entry_remove(b, u, e);
	}
	return 200;
}

int bindings_register(struct bindings *b, const struct binding_request *r)
{
	struct user *u;
	int status;

	(void)bindings_expire(b, r->now_ms);
	u = user_find(b, r->common->user);
	status = check(b, u, r);
	if (status != 200 || (r->wish_count == 0 && !r->all))
		return status;
	u = user_get(b, r->common->user);
	if (!u)
		return 503;
	status = carry_out(b, u, r);
	user_drop_if_empty(b, u);
	return status;
}

/* ---- reading ---- */

static bool before(const struct entry *a, const struct entry *b)
{
	return a->b.q != b->b.q ? a->b.q > b->b.q : a->order > b->order;
}

size_t bindings_of(
	const struct bindings *b, const char *user, uint64_t now_ms, const struct sip_binding **ret, size_t max)
{
	const struct user *u = user_find(b, user);
	const struct entry *sorted[BINDINGS_CONTACTS_MAX], *e;
	size_t n = 0, at;

	if (!u)
		return 0;
	DL_FOREACH (u->entries, e) {
		if (e->b.expires_ms <= now_ms || n == BINDINGS_CONTACTS_MAX)
			continue;
		for (at = n++; at > 0 && before(e, sorted[at - 1]); at--)
			sorted[at] = sorted[at - 1];
		sorted[at] = e;
	}
	for (at = 0; at < n && at < max; at++)
		ret[at] = &sorted[at]->b;
	return at;
}

size_t bindings_count(const struct bindings *b)
{
	return b->count;
}

void bindings_each(const struct bindings *b, void (*fn)(const struct sip_binding *b, void *arg), void *arg)
{
	const struct user *u, *next;
	const struct entry *e;

	HASH_ITER (hh, b->users, u, next)
		DL_FOREACH (u->entries, e)
			fn(&e->b, arg);
}

/* ---- removing ---- */

size_t bindings_remove_if(struct bindings *b, bool (*fn)(const struct sip_binding *b, void *arg), void *arg)
{
	struct user *u, *next_user;
	struct entry *e, *next;
	size_t before_count = b->count;

	HASH_ITER (hh, b->users, u, next_user) {
		DL_FOREACH_SAFE (u->entries, e, next)
			if (fn(&e->b, arg))
				entry_remove(b, u, e);
		user_drop_if_empty(b, u);
	}
	return before_count - b->count;
}

struct expiry {
	uint64_t now_ms, next_ms;
};

static bool has_expired(const struct sip_binding *b, void *arg)
{
	struct expiry *x = arg;

	if (b->expires_ms <= x->now_ms)
		return true;
	if (b->expires_ms < x->next_ms)
		x->next_ms = b->expires_ms;
	return false;
}

uint64_t bindings_expire(struct bindings *b, uint64_t now_ms)
{
	struct expiry x = {now_ms, UINT64_MAX};

	(void)bindings_remove_if(b, has_expired, &x);
	return x.next_ms;
}

/* ---- life ---- */

int bindings_restore(struct bindings *b, const struct sip_binding *kept, uint64_t now_ms)
{
	struct sip_uri uri;
	struct entry *e;
	struct user *u;

	if (!*kept->user || !*kept->id || sip_uri_parse(kept->contact, &uri))
		return -EINVAL;
	if (kept->expires_ms <= now_ms)
		return -ETIME;
	if (b->count >= TOTAL_MAX)
		return -ENOSPC;
	u = user_get(b, kept->user);
	if (!u)
		return -ENOMEM;
	e = entry_of(u, kept->contact) ? NULL : calloc(1, sizeof(*e));
	if (!e) {
		int r = entry_of(u, kept->contact) ? -EEXIST : -ENOMEM;
		user_drop_if_empty(b, u);
		return r;
	}
	e->b = *kept;
	e->order = ++b->order;
	DL_APPEND(u->entries, e);
	b->count++;
	return 0;
}

void bindings_limits(struct bindings *b, const struct sip_registrar *limits)
{
	b->limits = *limits;
	if (!b->limits.min_expires_s)
		b->limits.min_expires_s = BINDINGS_MIN_S;
	if (!b->limits.max_expires_s)
		b->limits.max_expires_s = DEFAULT_MAX_S;
	if (!b->limits.max_contacts)
		b->limits.max_contacts = DEFAULT_CONTACTS;
	if (b->limits.max_contacts > BINDINGS_CONTACTS_MAX)
		b->limits.max_contacts = BINDINGS_CONTACTS_MAX;
}

int bindings_new(const struct sip_registrar *limits,
	void (*on_change)(enum binding_change change, const struct sip_binding *b, void *arg), void *arg,
	struct bindings **ret_b)
{
	struct bindings *b = calloc(1, sizeof(*b));

	if (!b)
		return -ENOMEM;
	bindings_limits(b, limits);
	b->on_change = on_change;
	b->arg = arg;
	*ret_b = b;
	return 0;
}

struct bindings *bindings_free(struct bindings *b)
{
	struct user *u, *next_user;
	struct entry *e, *next;

	if (!b)
		return NULL;
	HASH_ITER (hh, b->users, u, next_user) {
		DL_FOREACH_SAFE (u->entries, e, next)
			free(e);
		HASH_DEL(b->users, u);
		free(u);
	}
	free(b);
	return NULL;
}
