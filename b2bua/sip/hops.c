/* b2bua/sip/hops.c
 *
 * A leg that can be called at several places, one after another, each with an INVITE on a handle of its own (same
 * Call-ID, as from a proxy that forks in series). Of a host name they are what the DNS says, and the next one is called
 * when one cannot be reached, answers 503, or says nothing for NO_ANSWER_MS (RFC 3263 s4.3). Of a user who has
 * registered they are his bindings:
 *
 *   calling a binding -- 1xx --> ringing there -- 2xx, 3xx, 6xx --> told, over
 *        |                            |
 *        +-- nothing for NO_ANSWER_MS-+-- any other refusal --> the next one; told when it was the last
 *
 * The Request-URI is the Contact, byte for byte. Where it goes is another matter:
 *
 *   Path given            to the first of it (RFC 3327), with all of it as Route
 *   came over TCP or TLS  over the same connection, as long as this run has it: to the source of the REGISTER
 *   came over UDP, and    to the source of the REGISTER: the Contact's address means nothing outside of his network
 *   the Contact's host is
 *   a private address,
 *   not the source's
 *   else                  to the Contact
 *
 * Never to ourselves; and to an address of a gateway, of `sip.allow` or of this machine only if the REGISTER came from
 * there, or from one that may call without a password, too: such a peer trusts us, and whoever registered would call
 * there in our name, with a Request-URI of his choice. Of a host name that is known when the library has looked it up:
 * hops_may() at the REGISTER and before the call, hops_may_reach() when the INVITE goes out.
 */
#include "b2bua/sip/leg.h"

#include "b2bua/sip/bindings.h"
#include "b2bua/sip/names.h"
#include "lib/base/counter.h"
#include "lib/base/str.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { NO_ANSWER_MS = 4000 }; /* four INVITEs by UDP (RFC 3261 s17.1.1.2) */

struct hop {
	char contact[SIP_CONTACT_MAX], route[SIP_PATH_MAX]; /* "": the INVITE's own */
	char via[ADDR_TEXT_MAX + 32];                       /* URI that it is sent to instead, "" none */
	char from[SIP_URI_MAX];                             /* our Contact toward it */
	struct addr source;                                 /* of the REGISTER */
	struct sip_listener *listener;
	struct place place; /* of a name */
};

struct leg_hops {
	struct sip_leg *leg;
	struct loop_timer no_answer;
	char name[256]; /* whose places these are, "": bindings */
	size_t count, at;
	struct hop hops[];
};

static struct leg_hops *hops_new(struct sip_leg *leg, size_t max)
{
	struct leg_hops *x = calloc(1, sizeof(*x) + max * sizeof(x->hops[0]));

	if (x)
		x->leg = leg;
	leg->hops = x;
	return x;
}

/* ---- where to ---- */

static bool is_in(const char *const *nets, const struct addr *a)
{
	struct addr_net net;

	for (; *nets; nets++)
		if (addr_net_parse(*nets, &net) == 0 && addr_net_holds(&net, a))
			return true;
	return false;
}

/* Means something within one network only. */
static bool is_private(const struct addr *a)
{
	static const char *const nets[] = {"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10",
		"169.254.0.0/16", "127.0.0.0/8", "0.0.0.0/8", "fc00::/7", "fe80::/10", "::1/128", NULL};

	return is_in(nets, a);
}

/* Within this machine. The kernel takes 0.0.0.0 and :: for it, too. */
static bool is_loopback(const struct addr *a)
{
	static const char *const nets[] = {"127.0.0.0/8", "0.0.0.0/8", "::1/128", "::/128", NULL};

	return is_in(nets, a);
}

static bool ends_in_invalid(const struct sip_uri *u)
{
	static const char tail[] = ".invalid"; /* RFC 2606: of clients that have no address of their own */
	size_t n = sizeof(tail) - 1;

	return u->host_length > n && strncasecmp(u->host + u->host_length - n, tail, n) == 0;
}

static bool host_of(const struct sip_uri *u, struct addr *ret_addr)
{
	char text[64];
	bool v6 = u->host[0] == '[';

	return str_copy_n(text, sizeof(text), u->host + v6, u->host_length - (v6 ? 2 : 0)) == 0 &&
	       addr_set(ret_addr, text, u->port) == 0;
}

static bool to_source(const struct sip_binding *b, const struct sip_uri *contact)
{
	struct addr host;

	if (b->transport != SIP_UDP)
		return b->connected;
	if (ends_in_invalid(contact))
		return true;
	return host_of(contact, &host) && is_private(&host) && !addr_equal_host(&host, &b->source);
}

static struct sip_listener *listener_at(struct sip_stack *s, const struct sip_binding *b)
{
	for (size_t i = 0; i < s->listener_count; i++)
		if (s->listeners[i]->transport[b->transport] && addr_equal(&s->listeners[i]->addr, &b->local))
			return s->listeners[i];
	return NULL;
}

/* First URI of "<sip:a;lr>, <sip:b;lr>". */
static int first_of(const char *path, char dst[SIP_PATH_MAX])
{
	return *path == '<' ? str_copy_n(dst, SIP_PATH_MAX, path + 1, strcspn(path + 1, ">")) : -EINVAL;
}

/* Where it goes; *ret_back: to where the REGISTER came from. */
static int next_of(const struct sip_binding *b, char next[SIP_PATH_MAX], bool *ret_back)
{
	static const char *const names[] = {[SIP_UDP] = "udp", [SIP_TCP] = "tcp", [SIP_TLS] = "tls"};
	char text[ADDR_TEXT_MAX];
	struct sip_uri uri;

	*ret_back = false;
	if (sip_uri_parse(b->contact, &uri))
		return -EINVAL;
	if (*b->path)
		return first_of(b->path, next);
	*ret_back = to_source(b, &uri);
	if (!*ret_back)
		return str_copy(next, SIP_PATH_MAX, b->contact);
	(void)snprintf(next, SIP_PATH_MAX, "sip:%s;transport=%s", addr_format(&b->source, text, sizeof(text)),
		names[b->transport]);
	return 0;
}

static bool is_name(const struct sip_uri *u, const char *name)
{
	size_t n;
	uint16_t port;

	return sip_hostport_parse(name, &n, &port) == 0 && n == u->host_length && strncasecmp(u->host, name, n) == 0;
}

static bool is_ours(const struct sip_stack *s, const struct sip_uri *u, const struct addr *a)
{
	if (addr_is_any(a)) /* leads to whoever listens on this machine */
		return true;
	for (size_t i = 0; i < s->listener_count; i++) {
		const struct sip_listener *l = s->listeners[i];
		struct addr own;

		if (addr_port(&l->addr) != (u->port ? u->port : u->transport == SIP_TLS ? 5061 : 5060))
			continue;
		if (is_name(u, s->domain) || is_name(u, s->public_address))
			return true;
		stack_local_toward(l, a, &own); /* the way to an address of our own begins at itself */
		if (addr_is_set(a) && addr_equal_host(&own, a))
			return true;
	}
	return false;
}

static bool is_trusted(const struct sip_stack *s, const struct addr *a)
{
	return s->conf.source_allowed && s->conf.source_allowed(a, s->conf.arg);
}

static bool is_gateway(const struct sip_stack *s, const struct addr *a)
{
	return s->conf.is_gateway && s->conf.is_gateway(a, s->conf.arg);
}

/* The library sends to that address instead of the host (RFC 3261 s19.1.1). */
static bool has_maddr(const char *uri)
{
	for (const char *p = strchr(uri, ';'); p; p = strchr(p + 1, ';'))
		if (strncasecmp(p, ";maddr", 6) == 0 && (p[6] == '=' || p[6] == ';' || !p[6]))
			return true;
	return false;
}

/* A gateway, or we, may listen there as well, whatever address of this machine the configuration has for it; and who
 * calls from within is trusted by many. */
static bool is_within(const struct addr *to, const struct addr *source)
{
	return is_loopback(to) || (stack_is_own_address(to) && !is_loopback(source) && !stack_is_own_address(source));
}

/* May who registered from source have calls sent to this address? */
static bool may_reach(const struct sip_stack *s, const struct addr *to, const struct addr *source)
{
	return addr_equal_host(to, source) || is_trusted(s, source) ||
	       (!is_trusted(s, to) && !is_gateway(s, to) && !is_within(to, source));
}

bool hops_may(const struct sip_stack *s, const struct sip_binding *b)
{
	char next[SIP_PATH_MAX];
	struct addr a = {0};
	struct sip_uri uri;
	bool back;

	if (next_of(b, next, &back) || back || sip_uri_parse(next, &uri))
		return back;
	(void)host_of(&uri, &a);
	if (is_ours(s, &uri, &a) || has_maddr(next))
		return false;
	return may_reach(s, &a, &b->source);
}

bool hops_may_reach(const struct sip_leg *leg, const struct addr *to, enum sip_transport transport)
{
	const struct leg_hops *x = leg->hops;
	const struct hop *h = x ? &x->hops[x->at] : NULL;
	struct sip_uri uri = {.transport = transport, .port = addr_port(to)};
	char host[ADDR_TEXT_MAX];

	if (!h || x->name[0] || *h->via)
		return true;
	uri.host = addr_host(to, host, sizeof(host));
	uri.host_length = strlen(host);
	return !is_ours(leg->stack, &uri, to) && may_reach(leg->stack, to, &h->source);
}

static int hop_read(struct sip_stack *s, const struct sip_binding *b, struct hop *h)
{
	char next[SIP_PATH_MAX];
	struct addr local = {0};
	struct sip_uri uri;
	bool back;

	if (!hops_may(s, b) || next_of(b, next, &back) || sip_uri_parse(next, &uri))
		return -EINVAL;
	str_copy(h->contact, sizeof(h->contact), b->contact);
	str_copy(h->route, sizeof(h->route), b->path);
	h->source = b->source;
	if (back) {
		str_copy(h->via, sizeof(h->via), next);
		h->listener = listener_at(s, b);
	}
	if (h->listener)
		stack_local_toward(h->listener, &b->source, &local);
	else
		h->listener = stack_listener_for(s, &uri, &local);
	if (!h->listener)
		return -EINVAL; /* its transport is none of ours */
	return contact_build(h->from, sizeof(h->from), s, h->listener, &local, uri.transport, CONTACT_USER);
}

int hops_find(struct sip_leg *leg, const char *user)
{
	const struct sip_binding *found[BINDINGS_CONTACTS_MAX];
	size_t n = registrar_bindings(leg->stack, user, found, BINDINGS_CONTACTS_MAX);
	struct leg_hops *x = n ? hops_new(leg, n) : NULL;

	if (!x)
		return n ? -ENOMEM : -ENOENT;
	for (size_t i = 0; i < n; i++) {
		memset(&x->hops[x->count], 0, sizeof(x->hops[0]));
		x->count += hop_read(leg->stack, found[i], &x->hops[x->count]) == 0;
	}
	return x->count ? 0 : -ENOENT;
}

static int hop_at(struct sip_stack *s, const struct place *place, struct hop *h)
{
	struct sip_uri uri = {.transport = place->transport, .port = addr_port(&place->addr)};
	struct addr local = {0};
	char host[ADDR_TEXT_MAX];

	uri.host = addr_host(&place->addr, host, sizeof(host));
	uri.host_length = strlen(host);
	h->place = *place;
	h->listener = stack_listener_for(s, &uri, &local);
	if (!h->listener)
		return -EINVAL;
	return contact_build(h->from, sizeof(h->from), s, h->listener, &local, place->transport, CONTACT_USER);
}

int hops_look_up(struct sip_leg *leg, const char *uri)
{
	struct place places[PLACES_MAX];
	size_t n = names_places(leg->stack, uri, places);
	struct leg_hops *x;
	struct sip_uri u;

	if (n == 0)
		return 0;
	x = hops_new(leg, n);
	if (!x)
		return -ENOMEM;
	if (sip_uri_parse(uri, &u) || str_copy_n(x->name, sizeof(x->name), u.host, u.host_length))
		return -EINVAL;
	for (size_t i = 0; i < n; i++) {
		memset(&x->hops[x->count], 0, sizeof(x->hops[0]));
		x->count += hop_at(leg->stack, &places[i], &x->hops[x->count]) == 0;
	}
	return x->count ? 0 : -EINVAL;
}

/* ---- one after another ---- */

static void on_no_answer(void *arg)
{
	struct leg_hops *x = arg;

	if (!hops_next(x->leg, 408, true) && !x->leg->sent)
		outgoing_unresolved(x->leg);
}

int hops_begin(struct sip_leg *leg)
{
	struct leg_hops *x = leg->hops;
	const struct hop *h = &x->hops[x->at];
	uint64_t at_us = loop_now_us(leg->stack->loop) + NO_ANSWER_MS * 1000ull;

	leg->listener = h->listener;
	str_copy(leg->contact, sizeof(leg->contact), h->from);
	str_copy(leg->invite->text.contact, sizeof(leg->invite->text.contact), h->from);
	loop_timer_cancel(&x->no_answer);
	/* The last one has all the time the caller gives it, when its name is known by then. */
	(void)loop_timer_set(leg->stack->loop, &x->no_answer, at_us, on_no_answer, x);
	return outgoing_send(leg, 0, "");
}

/* Of a name the next place is another way to the same; of a user another telephone. */
static bool goes_on(const struct leg_hops *x, int status, bool local)
{
	if (x->name[0])
		return status == 503 || status >= 700 || (local && status == 408);
	return !(status >= 300 && status < 400) && !(status >= 600 && status < 700);
}

bool hops_next(struct sip_leg *leg, int status, bool local)
{
	struct leg_hops *x = leg->hops;
	nua_handle_t *old = leg->nh;

	if (!x || !leg->invite || leg->phase != LEG_CALLING || x->at + 1 >= x->count || !goes_on(x, status, local))
		return false;
	x->at++;
	leg->nh = NULL;
	proof_restart(leg);
	if (hops_begin(leg)) {
		leg->nh = old;
		x->count = x->at--; /* no memory: the one before was the last */
		return false;
	}
	/* What may still come of it (a late 200) the library ends by itself. */
	nua_handle_bind(old, NULL);
	nua_handle_destroy(old);
	if (x->name[0])
		counter_inc(CNT_SIP_NEXT_HOP);
	return true;
}

void hops_tried(struct sip_leg *leg, const struct addr *source)
{
	struct leg_hops *x = leg->hops;

	if (x && x->name[0] && addr_equal_host(&x->hops[x->at].place.addr, source))
		hops_heard(leg);
}

void hops_heard(struct sip_leg *leg)
{
	if (leg->hops)
		loop_timer_cancel(&leg->hops->no_answer);
}

void hops_free(struct sip_leg *leg)
{
	hops_heard(leg);
	free(leg->hops);
	leg->hops = NULL;
}

const char *hops_now(const struct sip_leg *leg, const char **ret_via, const char **ret_route)
{
	const struct hop *h = leg->hops ? &leg->hops->hops[leg->hops->at] : NULL;

	*ret_via = h ? h->via : "";
	*ret_route = h ? h->route : "";
	return h && *h->contact ? h->contact : NULL;
}

/* ---- routes ---- */

static bool is_at(const struct place *place, const url_t *u)
{
	struct addr a;
	char host[64];
	size_t length = u->url_host ? strlen(u->url_host) : 0, bracket = length && u->url_host[0] == '[';

	if (length < 2 || str_copy_n(host, sizeof(host), u->url_host + bracket, length - 2 * bracket) ||
		addr_set(&a, host, 0))
		return false;
	return addr_equal_host(&a, &place->addr);
}

/* A Contact of bare digits at the address where the peer proved its name: it is asked for that name again, not for a
 * certificate of its address, and an open connection is found again. */
bool hops_route(const struct sip_leg *leg, const url_t *by_rules, char *dst, size_t cap)
{
	const struct leg_hops *x = leg->hops;
	struct place place;

	if (!x || !x->name[0])
		return false;
	place = x->hops[x->at].place;
	if (!by_rules)
		return place_url(dst, cap, &place, x->name) == 0;
	if (place.transport != SIP_TLS || !is_at(&place, by_rules))
		return false;
	if (by_rules->url_port && *by_rules->url_port)
		addr_set_port(&place.addr, (uint16_t)strtoul(by_rules->url_port, NULL, 10));
	return place_url(dst, cap, &place, x->name) == 0;
}
