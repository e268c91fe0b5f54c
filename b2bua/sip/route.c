/* b2bua/sip/route.c
 *
 * A function that stands before the library's own (like those in tls.c), for INVITEs to a place that a name stands for:
 * an outbound proxy of a handle would be used within the dialog as well, where Contact and Record-Route say where to go
 * (RFC 3261 s12.2.1.1). For requests that watch a gateway, which a handle's proxy does not move at all. And for
 * requests to a caller over the connection that he came by (flow.c).
 */
#include "b2bua/sip/flow.h"
#include "b2bua/sip/ways.h"

#include <sofia-sip/nta.h>
#include <sofia-sip/nta_tag.h>
#include <sofia-sip/sip_header.h>
#include <sofia-sip/su_tagarg.h>
#include <sofia-sip/url.h>

static nta_outgoing_t *(*real)(nta_agent_t *, nta_response_f *, nta_outgoing_magic_t *, url_string_t const *, msg_t *,
	tag_type_t, tag_value_t, ...);

void route_hook(void)
{
	if (!real)
		stack_next_symbol("nta_outgoing_mcreate", &real, sizeof(real));
}

nta_outgoing_t *nta_outgoing_mcreate(nta_agent_t *agent, nta_response_f *callback, nta_outgoing_magic_t *magic,
	url_string_t const *route_url, msg_t *msg, tag_type_t tag, tag_value_t value, ...)
{
	const sip_t *sip = sip_object(msg);
	const struct sip_leg *leg = sip ? stack_leg_of(sip) : NULL;
	const struct way *way = sip && !leg ? stack_way_of(sip) : NULL;
	bool first = sip && sip->sip_to && !sip->sip_to->a_tag;
	const url_t *by_rules = NULL;
	char url[SIP_URI_MAX];
	tport_t *flow = NULL;
	nta_outgoing_t *orq;
	ta_list ta;

	route_hook();
	if (!first && sip)
		by_rules = sip->sip_route ? sip->sip_route->r_url : sip->sip_request ? sip->sip_request->rq_url : NULL;
	if (leg && !route_url && (first || by_rules) && hops_route(leg, by_rules, url, sizeof(url)))
		route_url = (const url_string_t *)url;
	else if (way && way->to && *way->to && !route_url)
		route_url = (const url_string_t *)way->to;
	else if (leg && !first)
		flow = flow_of(leg, sip, by_rules);
	ta_start(ta, tag, value);
	orq = real(agent, callback, magic, route_url, msg, TAG_IF(flow, NTATAG_TPORT(flow)), ta_tags(ta));
	ta_end(ta);
	/* cppcheck-suppress returnDanglingLifetime ; the library has copied the URL */
	return orq;
}
