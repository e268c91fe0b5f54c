/* b2bua/sip/stack.c
 *
 * The listeners, and the beginning and end of the whole. Listeners with the same address share a nua; each other
 * address has its own, in the same thread.
 */
#include "b2bua/sip/leg.h"

#include "b2bua/sip/bans.h"
#include "b2bua/sip/digest.h"
#include "b2bua/sip/lookup.h"
#include "b2bua/sip/names.h"
#include "b2bua/sip/rehearsal.h"
#include "b2bua/sip/tls.h"
#include "lib/base/id.h"
#include "lib/base/str.h"
#include "lib/loop/loop_su.h"

#include <errno.h>
#include <sofia-sip/msg_addr.h>
#include <sofia-sip/nta_tag.h>
#include <sofia-sip/sresolv.h>
#include <sofia-sip/su_log.h>
#include <sofia-sip/tport_tag.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <utlist.h>

enum {
	LEGS_MAX = 65536,
	UDP_RECEIVE_BYTES = 4 << 20, /* a burst of 200 INVITEs overflows the kernel's default */
	END_LEGS_MS = 1000,          /* for the peers' answers to our last BYE and CANCEL */
	SHUTDOWN_MS = 3000,          /* then a nua that still waits is left behind */
	STEP_MS = 5,
};

/* The stack writes no log of its own: libraries return errors. */
static void discard_log(void *stream, const char *fmt, va_list ap)
{
	(void)stream;
	(void)fmt;
	(void)ap;
}

/* ---- which listener ---- */

/* Our address on the way to a peer, as the kernel would choose it. */
static int source_toward(const struct addr *peer, struct addr *ret_source)
{
	struct addr to = *peer;
	struct sockaddr_storage from;
	socklen_t length = sizeof(from);
	int fd = socket(peer->u.sa.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0), r = -EINVAL;

	if (fd < 0)
		return -errno;
	if (!addr_port(&to))
		addr_set_port(&to, 5060);
	if (connect(fd, &to.u.sa, addr_len(&to)) == 0 && getsockname(fd, (struct sockaddr *)&from, &length) == 0) {
		addr_from_sockaddr(ret_source, (struct sockaddr *)&from, length);
		r = 0;
	}
	close(fd);
	return r;
}

static bool target_addr(const struct sip_uri *target, struct addr *ret_addr)
{
	char host[64];
	bool v6 = target->host[0] == '[';

	return str_copy_n(host, sizeof(host), target->host + v6, target->host_length - (v6 ? 2 : 0)) == 0 &&
	       addr_set(ret_addr, host, target->port) == 0;
}

void stack_local_toward(const struct sip_listener *l, const struct addr *peer, struct addr *ret_local)
{
	*ret_local = l->addr;
	if (addr_is_any(&l->addr) && (!addr_is_set(peer) || source_toward(peer, ret_local)))
		*ret_local = (struct addr){0};
}

bool stack_is_own_address(const struct addr *a)
{
	struct addr source;

	return addr_is_set(a) && source_toward(a, &source) == 0 && addr_equal_host(a, &source);
}

void stack_source_of(const msg_t *msg, struct addr *ret_source)
{
	const su_sockaddr_t *su = msg ? msg_addr((msg_t *)msg) : NULL;

	*ret_source = (struct addr){0};
	if (su)
		addr_from_sockaddr(ret_source, &su->su_sa, sizeof(*su));
}

/* Better is higher; 0: cannot be used. */
static int fitness(const struct sip_listener *l, const struct sip_uri *target, const struct addr *source)
{
	if (!l->transport[target->transport])
		return 0;
	if (!addr_is_set(source))
		return 1; /* a name: the resolver chooses the family */
	if (addr_is_v6(&l->addr) != addr_is_v6(source))
		return 0;
	if (addr_equal_host(&l->addr, source))
		return 4;
	return addr_is_any(&l->addr) ? 3 : 2;
}

struct sip_listener *stack_listener_for(struct sip_stack *s, const struct sip_uri *target, struct addr *ret_local)
{
	struct sip_listener *best = NULL;
	struct addr peer, source = {0};
	int best_fitness = 0;

	if (target_addr(target, &peer) && source_toward(&peer, &source))
		source = peer; /* no route: only its family is of use */
	for (size_t i = 0; i < s->listener_count; i++) {
		int f = fitness(s->listeners[i], target, &source);
		if (f > best_fitness) {
			best_fitness = f;
			best = s->listeners[i];
		}
	}
	if (best)
		*ret_local = addr_is_any(&best->addr) ? source : best->addr;
	return best;
}

/* ---- listeners ---- */

/* sip:HOST:PORT with HOST what Via shall say; maddr what is bound. Without a transport both UDP and TCP are opened.
 * Never a list of them
 * ("udp,tcp"): the library keeps a pointer to an array that has gone out of scope, and crashes as the compiler and the
 * stack's contents will. */
static void listen_url(char *dst, size_t cap, const struct sip_stack *s, const struct sip_listener *l)
{
	const char *scheme = l->transport[SIP_TLS] ? "sips" : "sip";
	char bind_host[ADDR_TEXT_MAX], host[ADDR_TEXT_MAX];
	struct strbuf sb;

	addr_host(&l->addr, host, sizeof(host));
	(void)snprintf(bind_host, sizeof(bind_host), addr_is_v6(&l->addr) ? "[%.45s]" : "%.45s", host);
	strbuf_init(&sb, dst, cap);
	if (s->public_address[0]) {
		size_t n = 0;
		uint16_t port;
		(void)sip_hostport_parse(s->public_address, &n, &port);
		strbuf_printf(
			&sb, "%s:%.*s:%u;maddr=%s", scheme, (int)n, s->public_address, addr_port(&l->addr), bind_host);
	} else {
		strbuf_printf(&sb, "%s:%s:%u", scheme, bind_host, addr_port(&l->addr));
	}
	if (!l->transport[SIP_TLS] && (!l->transport[SIP_TCP] || !l->transport[SIP_UDP]))
		strbuf_put(&sb, l->transport[SIP_TCP] ? ";transport=tcp" : ";transport=udp");
}

/* nua_create() says only that it failed, and leaks then: ask the kernel first. */
static int can_bind(const struct addr *addr, int type)
{
	int fd = socket(addr->u.sa.sa_family, type | SOCK_CLOEXEC, 0), yes = 1, r = 0;

	if (fd < 0)
		return -errno;
	if (type == SOCK_STREAM)
		(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes)); /* as the library does */
	if (bind(fd, &addr->u.sa, addr_len(addr)) < 0)
		r = -errno;
	close(fd);
	return r;
}

static int listener_open(struct sip_stack *s, struct sip_listener *l)
{
	char url[640], dir[TLS_DIR_MAX] = "";
	int r = 0;

	if (l->transport[SIP_UDP] && !s->conf.on_rehearsed)
		r = can_bind(&l->addr, SOCK_DGRAM);
	if (!r && !s->conf.on_rehearsed && (l->transport[SIP_TCP] || l->transport[SIP_TLS]))
		r = can_bind(&l->addr, SOCK_STREAM);
	if (r)
		return r;

	if (l->transport[SIP_TLS])
		r = tls_dir_new(&s->conf.tls, dir);
	if (r)
		return r;
	listen_url(url, sizeof(url), s, l);
	tls_begin(l->transport[SIP_TLS] ? s->tls : NULL);
	rehearsal_begin(s);
	errno = 0;
	l->nua = nua_create(loop_su_root(s->loop), translate_event, l, NUTAG_URL((const url_string_t *)url),
		NUTAG_SIP_PARSER(s->mclass),
		/* Offer and answer are made for both sides of a call together, elsewhere. */
		NUTAG_MEDIA_ENABLE(0), NUTAG_AUTOALERT(0), NUTAG_AUTOANSWER(0), NUTAG_AUTO302(0),
		/* A 503 with Retry-After is for the caller to hear, not for nua to sit out. */
		NUTAG_MAX_RETRY_AFTER(0),
		/* Session timers are refresh.c's. */
		NUTAG_SESSION_TIMER(0),
		/* A large request that changed to TCP by itself can abort the stack, a large ACK is lost. */
		NTATAG_UDP_MTU(65535), TPTAG_UDP_RMEM(UDP_RECEIVE_BYTES),
		/* RFC 5626 s4.4.1; over TLS it is tls_ping.c that answers */
		TPTAG_PONG2PING(1), TAG_IF(*dir, NUTAG_CERTIFICATE_DIR(dir)),
		/* tls.c verifies, during the handshake */
		TAG_IF(*dir, TPTAG_TLS_VERIFY_POLICY(TPTLS_VERIFY_NONE)),
		TAG_IF(resolver_conf_path(s->resolver), SRESTAG_RESOLV_CONF(resolver_conf_path(s->resolver))),
		TAG_IF(s->conf.t1x64_ms, NTATAG_SIP_T1X64(s->conf.t1x64_ms)),
		/* What is not in Allow the stack answers 405 by itself. */
		SIPTAG_ALLOW_STR("INVITE, ACK, BYE, CANCEL, OPTIONS, PRACK, UPDATE, INFO, REFER, NOTIFY, REGISTER"),
		/* No sixth: with the library's own default that fills its list of 8, and it reads past the end.
		 * REGISTER is told of without it. */
		NUTAG_APPL_METHOD("INVITE, UPDATE, INFO, REFER, OPTIONS"), SIPTAG_SUPPORTED_STR(STACK_SUPPORTED),
		SIPTAG_USER_AGENT_STR("watrunk/" WATRUNK_VERSION), TAG_END());
	rehearsal_end();
	tls_end();
	if (*dir) {
		int kept = errno;
		tls_dir_free(dir);
		errno = kept;
	}
	if (l->nua)
		return 0;
	return errno == ENOMEM ? -ENOMEM : -EADDRINUSE;
}

static struct sip_listener *listener_at(struct sip_stack *s, const struct addr *addr)
{
	struct sip_listener *l;

	for (size_t i = 0; i < s->listener_count; i++)
		if (addr_equal(&s->listeners[i]->addr, addr))
			return s->listeners[i];
	l = calloc(1, sizeof(*l));
	if (!l)
		return NULL;
	l->stack = s;
	l->addr = *addr;
	s->listeners[s->listener_count++] = l;
	return l;
}

static void on_tls_failure(const struct tls_failure *f, void *arg)
{
	struct sip_stack *s = arg;
	const struct sip_tls_failure told = {.host = f->host, .peer = f->peer, .why = f->why};
	char why[TLS_WHY_MAX + 8];
	struct sip_leg *leg;

	(void)snprintf(why, sizeof(why), "TLS: %s", f->why);
	ways_failed(f->connection, why, false);
	if (f->never_up)
		DL_FOREACH (s->legs, leg)
			outgoing_unreached(leg, f->connection);
	if (s->conf.on_tls_failure && !s->closing)
		s->conf.on_tls_failure(&told, s->conf.arg);
}

int sip_stack_set_tls(struct sip_stack *s, const struct sip_tls *tls)
{
	return s->tls ? tls_keeper_renew(s->tls, tls) : 0;
}

int sip_stack_set_gateway_tls(struct sip_stack *s, const struct sip_tls *tls, size_t count)
{
	return s->tls ? tls_keeper_set_policies(s->tls, tls, count) : 0;
}

static int listeners_open(struct sip_stack *s)
{
	for (size_t i = 0; i < s->conf.listen_count; i++) {
		struct sip_listener *l = listener_at(s, &s->conf.listen[i].addr);
		if (!l)
			return -ENOMEM;
		l->transport[s->conf.listen[i].transport] = true;
		if (s->conf.listen[i].transport == SIP_TLS && !s->tls && !s->conf.on_rehearsed) {
			int r = tls_keeper_new(&s->conf.tls, on_tls_failure, s, &s->tls);
			if (r)
				return r;
		}
	}
	for (size_t i = 0; i < s->listener_count; i++) {
		int r = listener_open(s, s->listeners[i]);
		if (r)
			return r;
	}
	return 0;
}

/* TLS has a port of its own, and certificates. */
static bool transport_fits(const struct sip_stack_conf *conf, size_t i)
{
	if (conf->listen[i].transport != SIP_TLS)
		return conf->listen[i].transport == SIP_UDP || conf->listen[i].transport == SIP_TCP;
	for (size_t k = 0; k < conf->listen_count; k++)
		if (k != i && addr_equal(&conf->listen[k].addr, &conf->listen[i].addr))
			return false;
	return conf->tls.certificate && conf->tls.key && conf->tls.ca;
}

static int conf_check(const struct sip_stack_conf *conf)
{
	size_t n;
	uint16_t port;

	if (conf->listen_count < 1 || conf->listen_count > SIP_LISTEN_MAX || !conf->on_event)
		return -EINVAL;
	for (size_t i = 0; i < conf->listen_count; i++)
		if (!addr_is_set(&conf->listen[i].addr) || !addr_port(&conf->listen[i].addr) ||
			!transport_fits(conf, i))
			return -EINVAL;
	if (!conf->domain || sip_hostport_parse(conf->domain, &n, &port) || port)
		return -EINVAL;
	if (conf->public_address && *conf->public_address && sip_hostport_parse(conf->public_address, &n, &port))
		return -EINVAL;
	return 0;
}

static int make_digest(struct sip_stack *s, const struct sip_user *users, size_t count, struct digest **ret_digest)
{
	int r = digest_new(s->realm, users, count, ret_digest);

	if (r == 0 && s->conf.digest != SIP_DIGEST_BOTH)
		digest_only(*ret_digest, s->conf.digest == SIP_DIGEST_MD5 ? DIGEST_MD5 : DIGEST_SHA256);
	return r;
}

static int users_copy(struct sip_stack *s, const struct sip_stack_conf *conf)
{
	int r = registrar_set_users(s, conf->users, conf->user_count);

	s->conf.users = NULL;
	if (r)
		return r;
	if (str_copy(s->realm, sizeof(s->realm), conf->realm && *conf->realm ? conf->realm : conf->domain))
		return -EINVAL;
	if (conf->user_count == 0)
		return 0;
	return make_digest(s, conf->users, conf->user_count, &s->digest);
}

int sip_stack_set_users(struct sip_stack *s, const struct sip_user *users, size_t count)
{
	struct digest *fresh = NULL;
	int r = count ? make_digest(s, users, count, &fresh) : 0;

	if (r == 0)
		r = registrar_set_users(s, users, count);
	if (r) {
		digest_free(fresh);
		return r;
	}
	digest_free(s->digest);
	s->digest = fresh;
	return 0;
}

int sip_stack_new(struct loop *l, const struct sip_stack_conf *conf, struct sip_stack **ret_stack)
{
	struct sip_stack *s;
	int r = conf_check(conf);

	if (r)
		return r;
	s = calloc(1, sizeof(*s));
	if (!s)
		return -ENOMEM;
	s->loop = l;
	s->conf = *conf;
	su_log_redirect(NULL, discard_log, NULL);
	su_log_set_level(NULL, 0);
	if (str_copy(s->domain, sizeof(s->domain), conf->domain) ||
		str_copy(s->public_address, sizeof(s->public_address), conf->public_address))
		r = -EINVAL;
	if (!r)
		r = slotmap_new(0, LEGS_MAX, &s->known);
	if (!r)
		r = bans_new(&s->bans);
	if (!r)
		bans_set(s->bans, &conf->bans);
	if (!r)
		r = registrar_new(s);
	if (!r)
		r = users_copy(s, conf);
	if (!r)
		r = strangers_hook(s);
	route_hook();
	if (!r)
		r = resolver_new(l, conf->resolver ? conf->resolver : "", &s->resolver);
	if (!r)
		r = listeners_open(s);
	if (r) {
		sip_stack_free(s);
		return r;
	}
	*ret_stack = s;
	return 0;
}

/* ---- the end ---- */

static bool all_shut_down(const struct sip_stack *s)
{
	for (size_t i = 0; i < s->listener_count; i++)
		if (s->listeners[i]->nua && !s->listeners[i]->shut_down)
			return false;
	return true;
}

static void end_legs(struct sip_stack *s)
{
	uint64_t until_us = loop_now_us(s->loop) + END_LEGS_MS * 1000ull;
	struct sip_leg *leg, *next;

	DL_FOREACH (s->legs, leg)
		if (leg->id)
			sip_leg_bye(s, leg->id, 503, 0, "Shutting down");
	gateways_leave(s);
	while ((s->legs || gateways_leaving(s)) && loop_now_us(s->loop) < until_us)
		loop_step(s->loop, STEP_MS);
	DL_FOREACH_SAFE (s->legs, leg, next)
		leg_drop(leg);
	gateways_free(s);
}

struct sip_stack *sip_stack_free(struct sip_stack *s)
{
	bool all;

	if (!s)
		return NULL;
	s->closing = true;
	if (s->known)
		end_legs(s);
	for (size_t i = 0; i < s->listener_count; i++)
		if (s->listeners[i]->nua)
			nua_shutdown(s->listeners[i]->nua);
	for (uint64_t until_us = loop_now_us(s->loop) + SHUTDOWN_MS * 1000ull;
		!all_shut_down(s) && loop_now_us(s->loop) < until_us;)
		loop_step(s->loop, STEP_MS);
	all = all_shut_down(s);
	for (size_t i = 0; i < s->listener_count; i++) {
		struct sip_listener *l = s->listeners[i];
		l->stack = NULL;
		if (l->nua && !l->shut_down)
			continue; /* must not be destroyed: it and what it refers to stay, deaf, until the process ends
				   */
		if (l->nua)
			nua_destroy(l->nua);
		free(l);
	}
	names_free(s);
	s->resolver = resolver_free(s->resolver);
	s->conf.source_allowed = NULL;
	s->digest = digest_free(s->digest);
	registrar_free(s);
	s->bans = bans_free(s->bans);
	slotmap_free(s->known);
	if (all) {
		tls_keeper_free(s->tls);
		strangers_unhook(s);
		free(s);
	}
	return NULL;
}
