/* b2bua/sip/flow.c
 *
 * The connection that a caller's INVITE came over. Requests of ours within its dialog go back over it as long as it
 * lives, whatever Contact says: many telephones take no connection (linphone refuses every one over TLS), or stand
 * behind a NAT, and say so nowhere. That is what RFC 5626 s5.3 has a proxy do with a flow, and RFC 5923 with an alias;
 * a connection that the peer keeps open to us is asked for neither. When it is gone: to the Contact, by the rules.
 *
 *   INVITE over TCP or TLS --18x or 2xx of ours--> remembered --re-INVITE, UPDATE that we answer 2xx--> that one's
 *
 * Not where somebody else holds the other end: the INVITE has come through a proxy that does not stand first in the
 * route set, so that requests of ours are not for him (RFC 3261 s12.2.1.1). And never where the rules ask for TLS and
 * the connection has none.
 *
 * A middlebox may forget a connection that is silent for minutes, and tell nobody: what goes over it then is lost, BYE
 * included. So the kernel asks (TCP keep-alive): what is asked for is not forgotten, and what is dead is closed.
 */
#include "b2bua/sip/flow.h"

#include "lib/base/str.h"

#include <sofia-sip/nta.h>
#include <sofia-sip/nta_tport.h>
#include <sofia-sip/sip_header.h>
#include <sofia-sip/tport.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

enum { KEEP_IDLE_S = 60, KEEP_EVERY_S = 15, KEEP_PROBES = 4 };

/* ---- whose connection ---- */

static bool same_host(const char *a, const char *b)
{
	return a && b && strcasecmp(a, b) == 0;
}

/* The next hop of our requests is at the other end. */
static bool is_next_hop(const struct sip_leg *leg, const sip_t *request, const tport_t *t)
{
	const sip_via_t *via = request->sip_via;
	const url_t *first = request->sip_record_route ? request->sip_record_route->r_url : NULL;

	if (!via)
		return false;
	if (!via->v_next)
		return true;
	if (leg->flow) /* within the dialog Record-Route says nothing new */
		return same_host(tport_name(t)->tpn_host, tport_name(leg->flow)->tpn_host);
	return first &&
	       (same_host(first->url_host, tport_name(t)->tpn_host) || same_host(first->url_host, via->v_host));
}

static bool makes_flow(const struct sip_leg *leg, const sip_t *answer)
{
	int code = answer->sip_status->st_status;
	sip_method_t method = answer->sip_cseq->cs_method;

	if (!leg->came_in || (method != sip_method_invite && method != sip_method_update))
		return false;
	if (*leg->flow_tag)
		return code >= 200 && code < 300 && strcmp(leg->flow_tag, answer->sip_to->a_tag) == 0;
	return code > 100 && code < 300 && strlen(answer->sip_to->a_tag) < sizeof(leg->flow_tag);
}

static void remember(struct sip_leg *leg, nta_incoming_t *irq, const char *tag)
{
	msg_t *request = nta_incoming_getrequest(irq);
	const sip_t *sip = request ? sip_object(request) : NULL;
	tport_t *t = nta_incoming_transport(NULL, irq, NULL); /* ours to release */
	bool good = t && sip && tport_is_secondary(t) && tport_is_stream(t) && is_next_hop(leg, sip, t);

	flow_forget(leg);
	str_copy(leg->flow_tag, sizeof(leg->flow_tag), tag);
	if (good)
		leg->flow = t;
	else
		tport_unref(t);
	if (request)
		msg_destroy(request);
}

/* Stands before the library's own. The transaction knows its connection, and may be gone afterwards. */
int nta_incoming_mreply(nta_incoming_t *irq, msg_t *msg)
{
	static int (*real)(nta_incoming_t *, msg_t *);
	const sip_t *sip = msg ? sip_object(msg) : NULL;
	struct sip_leg *leg = sip && sip->sip_call_id ? stack_leg_of(sip) : NULL;

	if (!real)
		stack_next_symbol("nta_incoming_mreply", &real, sizeof(real));
	if (leg && irq && sip->sip_status && sip->sip_cseq && sip->sip_to && sip->sip_to->a_tag && makes_flow(leg, sip))
		remember(leg, irq, sip->sip_to->a_tag);
	return real(irq, msg);
}

/* ---- requests of ours ---- */

static bool asks_for_tls(const url_t *by_rules)
{
	char transport[8];

	return by_rules->url_type == url_sips ||
	       (by_rules->url_params &&
		       url_param(by_rules->url_params, "transport", transport, sizeof(transport)) > 0 &&
		       strcasecmp(transport, "tls") == 0);
}

tport_t *flow_of(const struct sip_leg *leg, const sip_t *request, const url_t *by_rules)
{
	const char *tag = request->sip_from ? request->sip_from->a_tag : NULL;

	/* The leg was found by its Call-ID alone. */
	if (!leg->flow || !by_rules || !tag || strcmp(tag, leg->flow_tag) != 0)
		return NULL;
	if (!tport_is_clear_to_send(leg->flow) || (asks_for_tls(by_rules) && !tport_has_tls(leg->flow)))
		return NULL;
	return leg->flow;
}

void flow_forget(struct sip_leg *leg)
{
	if (leg->flow)
		tport_unref(leg->flow);
	leg->flow = NULL;
}

/* ---- is it alive? ---- */

void flow_listening(int fd)
{
	static const struct {
		int level, name, value;
	} options[] = {
		{SOL_SOCKET, SO_KEEPALIVE, 1},
		{IPPROTO_TCP, TCP_KEEPIDLE, KEEP_IDLE_S},
		{IPPROTO_TCP, TCP_KEEPINTVL, KEEP_EVERY_S},
		{IPPROTO_TCP, TCP_KEEPCNT, KEEP_PROBES},
	};

	/* Inherited by what is accepted. Without them it works all the same. */
	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++)
		(void)setsockopt(fd, options[i].level, options[i].name, &options[i].value, sizeof(options[i].value));
}
