/* b2bua/sip/ways.c
 *
 * Two functions that stand before the library's own (like those in tls.c):
 *
 *   tport_tsend          a request is sent: over which connection?
 *   tport_error_report   a connection came to nothing: whose requests were on it?
 *
 * The library takes a request to any open connection with its address and port, whatever name it had been made for, and
 * whatever certificate had been asked for. So requests of a gateway bear the number of what is to hold for its
 * connections in the name that the library knows these by, and go over one of this name or a new one.
 */
#include "b2bua/sip/ways.h"

#include "b2bua/sip/leg.h"
#include "b2bua/sip/rehearsal.h"
#include "b2bua/sip/tls.h"
#include "lib/base/str.h"

#include <errno.h>
#include <sofia-sip/msg_addr.h>
#include <sofia-sip/sip_header.h>
#include <sofia-sip/su_tagarg.h>
#include <sofia-sip/tport.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { MARKED_MAX = 300 };

int way_init(struct way *w, const struct sip_stack *s, const struct sip_tls *tls)
{
	if (!tls || !s->tls)
		return 0;
	w->policy = tls_policy_find(s->tls, tls);
	return w->policy ? 0 : -EINVAL;
}

void way_done(struct way *w)
{
	free(w->why);
	w->why = NULL;
	w->connection = NULL;
}

void way_heard(struct way *w)
{
	w->heard = true;
	free(w->why);
	w->why = NULL;
}

const char *way_why(const struct way *w)
{
	return w->why ? w->why : "";
}

static void fail(struct way *w, const char *why)
{
	free(w->why);
	w->why = strdup(why); /* without memory it is unknown */
}

struct failed {
	const void *connection;
	const char *why;
	bool first_counts;
};

static void on_way(struct way *w, void *arg)
{
	const struct failed *f = arg;

	if (w->connection == f->connection && !(f->first_counts && w->why))
		fail(w, f->why);
}

void ways_failed(const void *connection, const char *why, bool first_counts)
{
	struct failed f = {connection, why, first_counts};

	stack_each_way(on_way, &f);
}

/* ---- a request is sent ---- */

static bool is_protocol(const tp_name_t *name, const char *protocol)
{
	return name && name->tpn_proto && strcasecmp(name->tpn_proto, protocol) == 0;
}

/* Over UDP no connection is made. */
static struct way *way_of(const msg_t *msg, const tp_name_t *name)
{
	const sip_t *sip = !is_protocol(name, "udp") ? sip_object(msg) : NULL;

	return sip && sip->sip_request ? stack_way_of(sip) : NULL;
}

static bool is_marked(const tp_name_t *name)
{
	return name && name->tpn_canon && strchr(name->tpn_canon, '/');
}

/* The peer's own connection has no mark. It is good enough for the call that came over it. */
static bool is_peers_own(const struct way *w, const tport_t *t)
{
	return w->came_in && tport_is_secondary(t) && tport_is_clear_to_send(t) && !is_marked(tport_name(t));
}

static bool has_name(const tport_t *t, const char *canon)
{
	const char *own = tport_name(t)->tpn_canon;

	return own && strcasecmp(own, canon) == 0;
}

static enum sip_transport transport_of(const tp_name_t *name)
{
	return is_protocol(name, "tls") ? SIP_TLS : is_protocol(name, "tcp") ? SIP_TCP : SIP_UDP;
}

/* The address that the library has found for the Contact or Path of somebody who registered is one that he may not have
 * called. */
static bool is_forbidden(msg_t *msg, const tp_name_t *name)
{
	const sip_t *sip = msg && name ? sip_object(msg) : NULL;
	struct sip_leg *leg = sip && sip->sip_request ? stack_leg_of(sip) : NULL;
	char host[ADDR_TEXT_MAX];
	struct addr to;
	bool v6;

	if (!leg || leg->phase != LEG_CALLING || !leg->hops || !name->tpn_host || !name->tpn_port)
		return false;
	v6 = name->tpn_host[0] == '[';
	if (str_copy_n(host, sizeof(host), name->tpn_host + v6, strcspn(name->tpn_host + v6, "]")) ||
		addr_set(&to, host, (uint16_t)strtoul(name->tpn_port, NULL, 10)) ||
		hops_may_reach(leg, &to, transport_of(name)))
		return false;
	fail(&leg->way, "the name leads to a gateway, or to ourselves: not for who registered");
	return true;
}

static void note_invite(const msg_t *msg)
{
	const sip_t *sip = sip_object(msg);
	struct sip_leg *leg = sip && sip->sip_request ? stack_leg_of(sip) : NULL;

	if (leg && leg->phase == LEG_CALLING)
		leg->sent = true;
}

static void sent(struct way *w, const tport_t *t, const msg_t *msg)
{
	w->connection = t;
	w->heard = false;
	if (!t && msg_errno(msg) > 0)
		fail(w, strerror(msg_errno(msg)));
}

tport_t *tport_tsend(tport_t *self, msg_t *msg, tp_name_t const *name, tag_type_t tag, tag_value_t value, ...)
{
	static tport_t *(*real)(tport_t *, msg_t *, tp_name_t const *, tag_type_t, tag_value_t, ...);
	struct way *w = way_of(msg, name);
	char canon[MARKED_MAX];
	tp_name_t marked;
	ta_list ta;

	if (!real)
		stack_next_symbol("tport_tsend", &real, sizeof(real));
	if (rehearsal_takes(msg))
		return NULL;
	if (is_forbidden(msg, name)) {
		msg_set_errno(msg, EHOSTUNREACH);
		return NULL;
	}
	if (w && w->policy && is_protocol(name, "tls") && !is_peers_own(w, self)) {
		if (tls_policy_mark(canon, sizeof(canon), w->policy, name->tpn_canon)) {
			msg_set_errno(msg, ENAMETOOLONG);
			return NULL;
		}
		marked = *name;
		marked.tpn_canon = canon;
		name = &marked;
		if (tport_is_secondary(self) && !has_name(self, canon))
			self = tport_parent(self);
	}
	ta_start(ta, tag, value);
	self = real(self, msg, name, ta_tags(ta));
	ta_end(ta);
	if (self)
		note_invite(msg);
	if (w)
		sent(w, self, msg);
	/* cppcheck-suppress returnDanglingLifetime ; what is returned is a connection, not its name */
	return self;
}

/* ---- a connection comes to nothing ---- */

/* Of the library; it is not in its headers. */
void tport_error_report(tport_t *self, int error, su_sockaddr_t const *addr);

void tport_error_report(tport_t *self, int error, su_sockaddr_t const *addr)
{
	static void (*real)(tport_t *, int, su_sockaddr_t const *);

	if (!real)
		stack_next_symbol("tport_error_report", &real, sizeof(real));
	/* What TLS has to say about it came before, and says more. */
	if (error > 0 && tport_is_secondary(self))
		ways_failed(self, strerror(error), true);
	real(self, error, addr);
}
