/* b2bua/sip/names.c -- see names.h */
#include "b2bua/sip/names.h"

#include "b2bua/sip/lookup.h"
#include "b2bua/sip/rehearsal.h"
#include "lib/base/counter.h"
#include "lib/base/crypto.h"
#include "lib/base/str.h"
#include "lib/loop/loop.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <utlist.h>

enum { RETRY_FIRST_S = 2, RETRY_MAX_S = 60 };

struct name {
	struct name *next;
	struct sip_stack *stack;
	char uri[SIP_URI_MAX];
	struct sip_uri parsed; /* points into uri */
	struct place places[PLACES_MAX];
	size_t place_count;
	bool answered, failing, kept;
	unsigned retry_s;
	struct lookup *lookup;
	struct loop_timer timer;
};

static uint32_t any(void *arg)
{
	(void)arg;
	return (uint32_t)crypto_random_u64();
}

static bool is_name(const struct sip_uri *u)
{
	struct addr a;
	char host[256];

	return u->host[0] != '[' && !str_copy_n(host, sizeof(host), u->host, u->host_length) && addr_set(&a, host, 0);
}

/* The same place: whatever the user part, or other parameters. */
static bool same_place(const struct sip_uri *a, const struct sip_uri *b)
{
	return a->host_length == b->host_length && strncasecmp(a->host, b->host, a->host_length) == 0 &&
	       a->port == b->port && a->transport == b->transport && a->transport_given == b->transport_given;
}

static struct name *find(const struct sip_stack *s, const char *uri)
{
	struct sip_uri u;
	struct name *n = NULL;

	if (!s->names || sip_uri_parse(uri, &u))
		return NULL;
	LL_FOREACH (s->names, n)
		if (same_place(&n->parsed, &u))
			break;
	return n;
}

/* ---- asking ---- */

static void ask(void *arg);

static void ask_in(struct name *n, unsigned seconds)
{
	struct loop *l = n->stack->loop;

	(void)loop_timer_set(l, &n->timer, loop_now_us(l) + seconds * 1000000ull, ask, n);
}

static void tell(struct name *n, bool resolved, const char *why)
{
	const struct sip_name_event ev = {.uri = n->uri, .resolved = resolved, .why = why, .addresses = n->place_count};

	if (n->stack->conf.on_name && !n->stack->closing)
		n->stack->conf.on_name(&ev, n->stack->conf.arg);
}

static void on_answer(const struct lookup_answer *a, void *arg)
{
	struct name *n = arg;
	bool first = !n->answered, was_failing = n->failing;

	n->lookup = NULL;
	n->answered = true;
	n->failing = a->count == 0;
	if (a->count) {
		memcpy(n->places, a->places, a->count * sizeof(n->places[0]));
		n->place_count = a->count;
		n->retry_s = 0;
	} else {
		counter_inc(CNT_SIP_NAME_FAILED);
		n->retry_s = !n->retry_s ? RETRY_FIRST_S : 2 * n->retry_s > RETRY_MAX_S ? RETRY_MAX_S : 2 * n->retry_s;
	}
	ask_in(n, n->failing ? n->retry_s : a->ttl_s);
	if (n->failing ? !was_failing : first || was_failing)
		tell(n, !n->failing, a->why);
}

static void ask(void *arg)
{
	struct name *n = arg;
	unsigned have = 0;

	for (size_t i = 0; i < n->stack->listener_count; i++)
		for (int t = SIP_UDP; t <= SIP_TLS; t++)
			have |= n->stack->listeners[i]->transport[t] ? 1u << t : 0;
	if (lookup_start(n->stack->resolver, &n->parsed, have, on_answer, n, &n->lookup))
		ask_in(n, 1);
}

/* ---- the door ---- */

static void forget(struct sip_stack *s, struct name *n)
{
	LL_DELETE(s->names, n);
	loop_timer_cancel(&n->timer);
	lookup_cancel(n->lookup);
	free(n);
}

static int watch(struct sip_stack *s, const char *uri)
{
	struct name *n = find(s, uri);
	struct sip_uri u;

	if (n) {
		n->kept = true;
		return 0;
	}
	if (sip_uri_parse(uri, &u) || !is_name(&u))
		return 0;
	n = calloc(1, sizeof(*n));
	if (!n || str_copy(n->uri, sizeof(n->uri), uri) || sip_uri_parse(n->uri, &n->parsed)) {
		free(n);
		return -ENOMEM;
	}
	n->stack = s;
	n->kept = true;
	LL_PREPEND(s->names, n);
	ask(n);
	return 0;
}

int sip_names_watch(struct sip_stack *s, const char *const *uris, size_t count)
{
	struct name *n, *next;
	int r = 0;

	LL_FOREACH (s->names, n)
		n->kept = false;
	for (size_t i = 0; r == 0 && i < count; i++)
		r = watch(s, uris[i]);
	LL_FOREACH_SAFE(s->names, n, next)
	{
		if (!n->kept && r == 0)
			forget(s, n);
	}
	return r;
}

bool sip_name_holds(const struct sip_stack *s, const char *uri, const struct addr *source)
{
	const struct name *n = find(s, uri);

	for (size_t i = 0; n && i < n->place_count; i++)
		if (addr_equal_host(&n->places[i].addr, source))
			return true;
	return false;
}

bool sip_name_unknown(const struct sip_stack *s, const char *uri)
{
	const struct name *n = find(s, uri);

	return n && n->answered && n->place_count == 0;
}

bool names_awaited(const struct sip_stack *s, const char *uri)
{
	const struct name *n = find(s, uri);

	return n && !n->answered;
}

size_t names_places(struct sip_stack *s, const char *uri, struct place places[PLACES_MAX])
{
	const struct name *n = find(s, uri);
	struct sip_uri u;

	if (!sip_uri_parse(uri, &u) && is_name(&u) && rehearsal_place(s, &u, &places[0]))
		return 1;
	if (!n || !n->place_count)
		return 0;
	memcpy(places, n->places, n->place_count * sizeof(places[0]));
	places_order(places, n->place_count, any, NULL);
	return n->place_count;
}

bool names_place_url(struct sip_stack *s, const char *uri, unsigned nth, struct place *ret_place, char dst[SIP_URI_MAX])
{
	struct place places[PLACES_MAX];
	struct sip_uri u;
	char host[256];
	size_t count = names_places(s, uri, places);

	if (!count || sip_uri_parse(uri, &u) || str_copy_n(host, sizeof(host), u.host, u.host_length))
		return false;
	*ret_place = places[nth % count];
	return place_url(dst, SIP_URI_MAX, ret_place, host) == 0;
}

void names_free(struct sip_stack *s)
{
	while (s->names)
		forget(s, s->names);
}
