/* b2bua/call/names.c
 *
 * Names of states, events and actions, as logs and journals show them.
 */
#include "b2bua/call/call_internal.h"

static const char *const states[CALL_STATE_COUNT] = {
#define CALL_STATE(id, name, meaning) [CALL_##id] = name,
#include "b2bua/call/state.def"
#undef CALL_STATE
};

static const char *const events[CALL_EV_KIND_COUNT] = {
	[CALL_EV_OFFER] = "offer",
	[CALL_EV_WA_TERMINATE] = "wa_terminate",
	[CALL_EV_GRAPH_DONE] = "graph_done",
	[CALL_EV_MEDIA_OPENED] = "media_opened",
	[CALL_EV_MEDIA_REFUSED] = "media_refused",
	[CALL_EV_MEDIA_UP] = "media_up",
	[CALL_EV_MEDIA_FAILED] = "media_failed",
	[CALL_EV_MEDIA_CLOSED] = "media_closed",
	[CALL_EV_SIP_PROGRESS] = "sip_progress",
	[CALL_EV_SIP_ANSWERED] = "sip_answered",
	[CALL_EV_SIP_REFUSED] = "sip_refused",
	[CALL_EV_SIP_BYE] = "sip_bye",
	[CALL_EV_SIP_OFFER] = "sip_offer",
	[CALL_EV_SIP_ACK] = "sip_ack",
	[CALL_EV_SIP_LOST] = "sip_lost",
	[CALL_EV_TIMER] = "timer",
	[CALL_EV_HANGUP] = "hangup",
	[CALL_EV_ROUTED] = "routed",
	[CALL_EV_DIAL] = "dial",
	[CALL_EV_PERMISSION] = "permission",
	[CALL_EV_WA_ANSWER] = "wa_answer",
	[CALL_EV_WA_STATUS] = "wa_status",
	[CALL_EV_SIP_CANCELLED] = "sip_cancelled",
	[CALL_EV_SIP_REFER] = "sip_refer",
	[CALL_EV_SIP_REPLACED] = "sip_replaced",
	[CALL_EV_TRANSFER] = "transfer",
	[CALL_EV_HOLD] = "hold",
	[CALL_EV_MUTE] = "mute",
	[CALL_EV_SEND_DTMF] = "send_dtmf",
};

static const char *const actions[CALL_ACTION_KIND_COUNT] = {
	[CALL_DO_MEDIA_OPEN] = "media_open",
	[CALL_DO_MEDIA_SET_WA] = "media_set_wa",
	[CALL_DO_MEDIA_SET_SIP] = "media_set_sip",
	[CALL_DO_MEDIA_START_WA] = "media_start_wa",
	[CALL_DO_MEDIA_CLOSE] = "media_close",
	[CALL_DO_GRAPH] = "graph",
	[CALL_DO_SIP_INVITE] = "sip_invite",
	[CALL_DO_SIP_CANCEL] = "sip_cancel",
	[CALL_DO_SIP_BYE] = "sip_bye",
	[CALL_DO_SIP_RESPOND] = "sip_respond",
	[CALL_DO_TIMER_SET] = "timer_set",
	[CALL_DO_TIMER_CANCEL] = "timer_cancel",
	[CALL_DO_ASK_ROUTE] = "ask_route",
	[CALL_DO_ASK_PERMISSION] = "ask_permission",
	[CALL_DO_SIP_RING] = "sip_ring",
	[CALL_DO_SIP_ACCEPT] = "sip_accept",
	[CALL_DO_SIP_REJECT] = "sip_reject",
	[CALL_DO_SIP_REFER_RESPOND] = "sip_refer_respond",
	[CALL_DO_SIP_NOTIFY] = "sip_notify",
	[CALL_DO_SIP_PROMOTE] = "sip_promote",
	[CALL_DO_MEDIA_PLAY] = "media_play",
	[CALL_DO_MEDIA_MUTE] = "media_mute",
	[CALL_DO_MEDIA_DTMF] = "media_dtmf",
	[CALL_DO_RECORD] = "record",
	[CALL_DO_RELEASE] = "release",
};

const char *call_state_name(enum call_state s)
{
	ASSERT((unsigned)s < CALL_STATE_COUNT);
	return states[s];
}

const char *call_event_name(enum call_event_kind k)
{
	ASSERT((unsigned)k < CALL_EV_KIND_COUNT);
	return events[k];
}

const char *call_action_name(enum call_action_kind k)
{
	ASSERT((unsigned)k < CALL_ACTION_KIND_COUNT);
	return actions[k];
}
