/* b2bua/app/on_sip.c -- what the SIP leg does -> call events */
#include "b2bua/app/shell.h"

enum { Q850_NETWORK_OUT_OF_ORDER = 38 }; /* ITU-T Q.850 */

bool on_sip_source(const struct addr *source, void *arg)
{
	const struct app *app = arg;
	const struct config *c = app->config;

	for (size_t g = 0; g < c->gateway_count; g++) {
		for (size_t i = 0; i < c->gateway_sources[g].addr_count; i++) {
			if (addr_equal_host(&c->gateway_sources[g].addrs[i], source))
				return true;
		}
	}
	return false;
}

static enum call_event_kind kind_of(enum sip_event_kind k)
{
	switch (k) {
	case SIP_EV_PROGRESS: return CALL_EV_SIP_PROGRESS;
	case SIP_EV_ANSWERED: return CALL_EV_SIP_ANSWERED;
	case SIP_EV_REFUSED: return CALL_EV_SIP_REFUSED;
	case SIP_EV_BYE: return CALL_EV_SIP_BYE;
	case SIP_EV_OFFER: return CALL_EV_SIP_OFFER;
	case SIP_EV_ACK: return CALL_EV_SIP_ACK;
	case SIP_EV_INVITE: /* not of a call yet: never asked */
	case SIP_EV_INFO_DTMF:
	case SIP_EV_LOST: break;
	case SIP_EV_CANCELLED: return CALL_EV_SIP_CANCELLED;
	case SIP_EV_REFER: return CALL_EV_SIP_REFER;
	}
	return CALL_EV_SIP_LOST;
}

static const char *log_name(enum sip_event_kind k)
{
	static const char *const names[] = {
		[SIP_EV_PROGRESS] = "sip_progress",
		[SIP_EV_ANSWERED] = "sip_answered",
		[SIP_EV_REFUSED] = "sip_refused",
		[SIP_EV_BYE] = "sip_bye",
		[SIP_EV_LOST] = "sip_lost",
		[SIP_EV_OFFER] = "sip_offer",
		[SIP_EV_ACK] = "sip_ack",
		[SIP_EV_INVITE] = "sip_incoming",
		[SIP_EV_CANCELLED] = "sip_cancelled",
		[SIP_EV_REFER] = "sip_refer",
		[SIP_EV_INFO_DTMF] = "sip_info_dtmf",
	};
	return names[k];
}

/* A 408 made here is timer B: not one byte came from the gateway (RFC 3261 s17.1.1.2). That is no phone that nobody
 * picked up, as a 408 from the peer would say. */
static int q850_of(const struct sip_event *se)
{
	bool nothing_came = se->kind == SIP_EV_REFUSED && se->local && se->code == 408;
	return nothing_came && !se->q850 ? Q850_NETWORK_OUT_OF_ORDER : se->q850;
}

void on_sip_event(const struct sip_event *se, void *arg)
{
	struct app *app = arg;
	struct app_call *ac = registry_by_leg(app, se->leg);
	struct call_event ev = {.kind = kind_of(se->kind)};

	if (!ac)
		return;
	loop_refresh_now(app->loop);
	ev.u.sip.code = se->code;
	ev.u.sip.q850 = q850_of(se);
	ev.u.sip.sdp = se->sdp;
	ev.u.sip.sdp_length = se->sdp_length;
	ev.u.sip.is_update = se->is_update;
	ev.u.sip.sip_call_id = se->sip_call_id;
	if (se->kind == SIP_EV_ANSWERED)
		ac->answer_us = loop_now_us(app->loop);
	if (se->kind == SIP_EV_REFUSED || se->kind == SIP_EV_BYE || se->kind == SIP_EV_LOST)
		(void)registry_set_leg(ac, 0);
	log_info(log_name(se->kind), "call=%s code=%d q850=%d sdp=%d t_us=%llu", ac->id, se->code, ev.u.sip.q850,
		se->sdp != NULL, (unsigned long long)loop_now_us(app->loop));
	app_step(ac, &ev);
}
