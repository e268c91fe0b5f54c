/* b2bua/sip/bans.c -- see bans.h */
#include "b2bua/sip/bans.h"

#include "lib/base/str.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>
#include <utlist.h>

enum {
	FAILURE_POINTS = 10, /* of a wrong proof or a malformed message */
	UNPROVEN_POINTS = 1,
	PROVED_S = 3600, /* longer than between two registrations */
	KEY_BYTES = 8,
};

struct source {
	uint8_t key[1 + KEY_BYTES]; /* family, then 4 bytes of IPv4 or the 8 first of IPv6 */
	uint64_t since_us;          /* of the first offence of this window */
	uint64_t until_us;          /* banned; 0 not */
	uint64_t proved_until_us;   /* somebody there knows a password */
	unsigned points;
	uint64_t dropped;
	enum ban_offence last;
	struct source *prev, *next; /* utlist: heard longest ago first */
	UT_hash_handle hh;
};

struct bans {
	struct sip_ban_limits limits;
	struct source *by_key, *by_age;
	size_t count;
};

/* ---- sources ---- */

static void key_of(const struct addr *a, uint8_t key[1 + KEY_BYTES])
{
	const uint8_t *v6 = a->u.in6.sin6_addr.s6_addr;

	memset(key, 0, 1 + KEY_BYTES);
	if (!addr_is_v6(a)) {
		key[0] = 4;
		memcpy(key + 1, &a->u.in.sin_addr, 4);
	} else if (IN6_IS_ADDR_V4MAPPED(&a->u.in6.sin6_addr)) {
		key[0] = 4;
		memcpy(key + 1, v6 + 12, 4);
	} else {
		key[0] = 6;
		memcpy(key + 1, v6, KEY_BYTES);
	}
}

static void text_of(const struct source *s, char dst[ADDR_TEXT_MAX])
{
	struct addr a = {0};

	if (s->key[0] == 4) {
		a.u.in.sin_family = AF_INET;
		memcpy(&a.u.in.sin_addr, s->key + 1, 4);
		addr_host(&a, dst, ADDR_TEXT_MAX);
		return;
	}
	a.u.in6.sin6_family = AF_INET6;
	memcpy(a.u.in6.sin6_addr.s6_addr, s->key + 1, KEY_BYTES);
	addr_host(&a, dst, ADDR_TEXT_MAX - 4);
	memcpy(dst + strlen(dst), "/64", 4);
}

static bool is_banned(const struct source *s, uint64_t now_us)
{
	return s->until_us > now_us;
}

static struct source *find(const struct bans *b, const struct addr *source)
{
	uint8_t key[1 + KEY_BYTES];
	struct source *s;

	key_of(source, key);
	HASH_FIND(hh, b->by_key, key, sizeof(key), s);
	return s;
}

static void heard(struct bans *b, struct source *s)
{
	DL_DELETE(b->by_age, s);
	DL_APPEND(b->by_age, s);
}

static void forget(struct bans *b, struct source *s)
{
	HASH_DEL(b->by_key, s);
	DL_DELETE(b->by_age, s);
	b->count--;
	free(s);
}

/* Who is not banned goes first: a flood of made-up sources must not free those that are. */
static void make_room(struct bans *b, uint64_t now_us)
{
	struct source *s;

	DL_FOREACH (b->by_age, s)
		if (!is_banned(s, now_us))
			break;
	forget(b, s ? s : b->by_age);
}

static struct source *get(struct bans *b, const struct addr *source, uint64_t now_us)
{
	struct source *s = find(b, source);

	if (s)
		return s;
	if (b->count >= BANS_SOURCES_MAX)
		make_room(b, now_us);
	s = calloc(1, sizeof(*s));
	if (!s)
		return NULL;
	key_of(source, s->key);
	s->since_us = now_us;
	HASH_ADD(hh, b->by_key, key, sizeof(s->key), s);
	DL_APPEND(b->by_age, s);
	b->count++;
	return s;
}

/* ---- what happens ---- */

bool bans_note(struct bans *b, const struct addr *source, enum ban_offence offence, uint64_t now_us)
{
	struct source *s;

	if (!b->limits.failures || !addr_is_set(source))
		return false;
	s = get(b, source, now_us);
	if (!s || is_banned(s, now_us))
		return false;
	heard(b, s);
	if (offence == BAN_UNPROVEN && s->proved_until_us > now_us)
		return false;
	if (now_us - s->since_us >= b->limits.window_s * 1000000ull) {
		s->since_us = now_us;
		s->points = 0;
	}
	s->points += offence == BAN_UNPROVEN ? UNPROVEN_POINTS : FAILURE_POINTS;
	s->last = offence;
	if (s->points < b->limits.failures * FAILURE_POINTS)
		return false;
	s->until_us = now_us + b->limits.ban_s * 1000000ull;
	s->points = 0;
	s->dropped = 0;
	return true;
}

void bans_proved(struct bans *b, const struct addr *source, uint64_t now_us)
{
	struct source *s = b->limits.failures && addr_is_set(source) ? get(b, source, now_us) : NULL;

	if (!s)
		return;
	heard(b, s);
	s->proved_until_us = now_us + PROVED_S * 1000000ull;
	if (s->points >= UNPROVEN_POINTS)
		s->points -= UNPROVEN_POINTS;
}

bool bans_drop(struct bans *b, const struct addr *source, uint64_t now_us)
{
	struct source *s = b->limits.failures && b->by_key ? find(b, source) : NULL;

	if (!s || !is_banned(s, now_us))
		return false;
	heard(b, s);
	s->dropped++;
	return true;
}

size_t bans_count(const struct bans *b, uint64_t now_us)
{
	const struct source *s;
	size_t n = 0;

	DL_FOREACH (b->by_age, s)
		n += b->limits.failures && is_banned(s, now_us);
	return n;
}

void bans_each(const struct bans *b, uint64_t now_us, void (*fn)(const struct sip_ban *ban, void *arg), void *arg)
{
	static const char *const words[] = {
		[BAN_WRONG_PROOF] = "wrong_proof", [BAN_MALFORMED] = "malformed", [BAN_UNPROVEN] = "unproven"};
	const struct source *s;

	DL_FOREACH (b->by_age, s) {
		struct sip_ban ban = {.reason = words[s->last], .dropped = s->dropped};

		if (!b->limits.failures || !is_banned(s, now_us))
			continue;
		text_of(s, ban.source);
		ban.left_s = (unsigned)((s->until_us - now_us + 999999) / 1000000);
		fn(&ban, arg);
	}
}

int bans_lift(struct bans *b, const struct addr *source, uint64_t now_us)
{
	struct source *s = find(b, source);

	if (!s || !is_banned(s, now_us))
		return -ENOENT;
	forget(b, s);
	return 0;
}

/* ---- life ---- */

void bans_set(struct bans *b, const struct sip_ban_limits *limits)
{
	b->limits = *limits;
	while (!b->limits.failures && b->by_age)
		forget(b, b->by_age);
}

int bans_new(struct bans **ret_b)
{
	struct bans *b = calloc(1, sizeof(*b));

	if (!b)
		return -ENOMEM;
	*ret_b = b;
	return 0;
}

struct bans *bans_free(struct bans *b)
{
	if (!b)
		return NULL;
	while (b->by_age)
		forget(b, b->by_age);
	free(b);
	return NULL;
}
