/* b2bua/call/sip_leg.c
 *
 * What a SIP leg is told, and where it goes. Every SIP action passes here, and is held against the state of its leg:
 * CANCEL before an answer, BYE after it, a final failure to an INVITE we have got.
 */
#include "b2bua/call/call_internal.h"

#include "b2bua/call/headers.h"
#include "lib/base/str.h"

#include <errno.h>
#include <string.h>

/* Dialogs that can have keys although no gateway wanted any when the call began: a reload may bring one that does. */
enum { KEYS_SPARE = 4 };

struct sip_leg *call_leg(struct call *c, enum call_leg leg)
{
	size_t branch = (size_t)leg - CALL_LEG_BRANCH;

	if (leg == CALL_LEG_MAIN)
		return &c->sip;
	if (leg == CALL_LEG_TARGET)
		return c->transfer.leg;
	return branch < c->fork.count ? &c->fork.branches[branch].leg : NULL;
}

bool call_leg_lives(const struct sip_leg *leg)
{
	return leg && (leg->state == LEG_CALLING || leg->state == LEG_EARLY || leg->state == LEG_ANSWERED);
}

bool call_leg_rings(const struct sip_leg *leg)
{
	return (leg->state == LEG_CALLING || leg->state == LEG_EARLY) && !leg->theirs;
}

static const char *fault_of(
	const struct call *c, enum call_action_kind kind, enum call_leg which, const struct sip_leg *leg)
{
	bool calling = leg->state == LEG_CALLING || leg->state == LEG_EARLY, answered = leg->state == LEG_ANSWERED;

	switch (kind) {
	case CALL_DO_SIP_INVITE: return calling || answered ? "INVITE on a leg that lives" : NULL;
	case CALL_DO_SIP_CANCEL: return calling && !leg->theirs ? NULL : "CANCEL where no INVITE of ours waits";
	case CALL_DO_SIP_BYE: return answered ? NULL : "BYE on a leg that is not answered";
	case CALL_DO_SIP_ACCEPT:
		if (which == CALL_LEG_MAIN && !c->wa.accepted)
			return "the SIP caller is answered before the user is there";
		return calling && leg->theirs ? NULL : "an answer where no INVITE waits for one";
	case CALL_DO_SIP_RING:
	case CALL_DO_SIP_REJECT: return calling && leg->theirs ? NULL : "an answer where no INVITE waits for one";
	case CALL_DO_SIP_NOTIFY: return answered && c->transfer.notify ? NULL : "NOTIFY to nobody";
	case CALL_DO_SIP_REFER_RESPOND: return calling || answered ? NULL : "an answer to a REFER from nobody";
	case CALL_DO_SIP_PROMOTE:
		return answered && !call_leg_lives(&c->sip) ? NULL : "a target made main that cannot be";
	default: return NULL;
	}
}

struct call_action *call_emit_sip(struct call *c, enum call_action_kind kind, enum call_leg which)
{
	const struct sip_leg *leg = call_leg(c, which);
	const char *fault = leg ? fault_of(c, kind, which, leg) : "SIP action on a leg that the call lacks";
	struct call_action *a = call_emit(c, kind);

	if (fault)
		c->broken = fault;
	a->leg = which;
	return a;
}

void call_respond(struct call *c, enum call_leg leg, int code, const char *sdp)
{
	struct call_action *a = call_emit_sip(c, CALL_DO_SIP_RESPOND, leg);

	a->u.respond.code = code;
	a->u.respond.sdp = sdp;
}

/* ---- where it goes ---- */

static bool given(const char *text)
{
	return text && text[0];
}

/* Cut, a URI or a Replaces would say something else: too long is as good as no memory for it. */
static int copy_whole(struct call *c, const char **ret_copy, const char *text)
{
	if (!text || strlen(text) > LIMIT_URI_CHARS)
		return -ENOMEM;
	*ret_copy = header_text(&c->arena, text, LIMIT_URI_CHARS);
	return *ret_copy ? 0 : -ENOMEM;
}

int call_leg_headers(struct call *c, struct sip_leg *leg, const struct route_header *own, size_t own_count)
{
	const struct header_facts facts = {
		.tenant = c->settings->tenant,
		.wacid = c->wacid,
		.phone_number_id = c->phone_number_id,
		.user_number = c->user_number,
		.user_id = c->user_id,
		.profile_name = c->profile_name,
		.payload = c->payload,
	};

	return header_list(&c->arena, &facts, own, own_count, &leg->headers, &leg->header_count);
}

static int copy_headers(struct call *c, const struct call_sip_target *t, const struct route_header **ret_headers)
{
	struct route_header *list = arena_alloc(&c->arena, (t->header_count + 1) * sizeof(*list));

	if (!list)
		return -ENOMEM;
	for (size_t i = 0; i < t->header_count; i++) {
		list[i].name = header_text(&c->arena, t->headers[i].name, LIMIT_NAME_CHARS);
		list[i].value = header_text(&c->arena, t->headers[i].value, LIMIT_URI_CHARS);
		if (!list[i].name || !list[i].value)
			return -ENOMEM;
	}
	*ret_headers = list;
	return 0;
}

static int name_caller(struct call *c, struct sip_leg *leg, const struct call_sip_target *t)
{
	leg->user = "";
	leg->from_user =
		header_uri_user(&c->arena, given(t->from_user) ? t->from_user : c->user_number, LIMIT_USER_CHARS);
	leg->from_display =
		header_text(&c->arena, given(t->from_display) ? t->from_display : c->profile_name, LIMIT_NAME_CHARS);
	leg->from_said = given(t->from_user);
	leg->display_said = given(t->from_display);
	leg->pai_user = header_uri_user(&c->arena, given(t->pai_user) ? t->pai_user : c->user_number, LIMIT_USER_CHARS);
	return leg->from_user && leg->from_display && leg->pai_user ? 0 : -ENOMEM;
}

int call_leg_aim(struct call *c, struct sip_leg *leg, const struct call_sip_target *t)
{
	const struct route_header *own = NULL;
	size_t count = t->header_count < ROUTE_HEADERS_MAX ? t->header_count : ROUTE_HEADERS_MAX;
	struct call_sip_target bounded = *t;

	bounded.header_count = count;
	leg->gateway = t->gateway;
	leg->referred_by = leg->replaces = NULL;
	leg->redirects = 0;
	leg->plain = false;
	if (copy_whole(c, &leg->target, t->uri) < 0 || name_caller(c, leg, t) < 0 ||
		copy_headers(c, &bounded, &own) < 0)
		return -ENOMEM;
	if ((given(t->referred_by) && copy_whole(c, &leg->referred_by, t->referred_by) < 0) ||
		(given(t->replaces) && copy_whole(c, &leg->replaces, t->replaces) < 0))
		return -ENOMEM;
	return call_leg_headers(c, leg, own, count);
}

static bool may_need_keys(const struct call *c)
{
	for (size_t i = 0; i < c->settings->gateway_count; i++)
		if (c->settings->gateways[i].srtp != MEDIA_SRTP_OFF)
			return true;
	return false;
}

int call_take_local(struct call *c, const struct media_local *local)
{
	size_t count = may_need_keys(c) ? MEDIA_SIP_LEGS : KEYS_SPARE;

	c->wa_local = local->wa;
	c->sip_rtp = local->sip_rtp;
	c->sip_keys = arena_alloc(&c->arena, count * sizeof(*c->sip_keys));
	if (!c->sip_keys)
		return -ENOMEM;
	memcpy(c->sip_keys, local->sip_keys, count * sizeof(*c->sip_keys));
	c->sip_key_count = (unsigned)count;
	return 0;
}

int call_leg_begin(struct call *c, struct sip_leg *leg)
{
	static const enum audio_codec any[4] = {AUDIO_NONE};
	const struct call_gateway *gw = leg->gateway;
	const struct kept_text rooms[2] = {leg->sdp.text[0], leg->sdp.text[1]};

	negotiate_sip_wipe(&leg->sdp);
	negotiate_sip_init(&leg->sdp, gw ? gw->codecs : any, gw ? gw->ptime_ms : 0, &c->sip_rtp,
		(uint64_t)c->wa_local.ssrc + ++c->dialogs, &c->arena);
	memcpy(leg->sdp.text, rooms, sizeof(rooms));
	negotiate_sip_bitrate(&leg->sdp, c->wa.offer.remote.max_bitrate);
	if (!gw || gw->srtp == MEDIA_SRTP_OFF || leg->plain)
		return 0;
	/* Whoever was called before knows the keys of then. */
	if (c->sip_keys_used == c->sip_key_count)
		return -ENOBUFS;
	negotiate_sip_secure(&leg->sdp, gw->srtp, &c->sip_keys[c->sip_keys_used++]);
	return 0;
}

int call_leg_invite(struct call *c, enum call_leg which)
{
	struct sip_leg *leg = call_leg(c, which);
	const char *sdp = NULL;
	struct call_action *a;

	if (call_leg_begin(c, leg) < 0)
		return -ENOBUFS;
	leg->theirs = false;
	leg->call_id[0] = '\0';
	kept_text_wipe(&leg->remote_sdp);
	if (negotiate_sip_offer(&leg->sdp, &sdp) < 0)
		return -ENOBUFS;
	a = call_emit_sip(c, CALL_DO_SIP_INVITE, which);
	a->u.invite.gateway = leg->gateway;
	a->u.invite.user = leg->user;
	a->u.invite.target = leg->target;
	a->u.invite.referred_by = leg->referred_by;
	a->u.invite.replaces = leg->replaces;
	a->u.invite.from_user = leg->from_user;
	a->u.invite.from_display = leg->from_display;
	a->u.invite.pai_user = leg->pai_user;
	a->u.invite.from_said = leg->from_said;
	a->u.invite.display_said = leg->display_said;
	a->u.invite.headers = leg->headers;
	a->u.invite.header_count = leg->header_count;
	a->u.invite.sdp = sdp;
	leg->state = LEG_CALLING;
	if (which != CALL_LEG_TARGET)
		call_attempt_begin(c, leg);
	if (!c->invite_us)
		c->invite_us = c->now_us;
	return 0;
}

/* A peer that forbids SRTP refuses the keys beside plain RTP with 488, too. To offer is not to insist: it is asked once
 * more, without them. */
static bool call_without_srtp(struct call *c, struct sip_leg *leg, const struct call_event *ev)
{
	if (ev->u.sip.code != 488 || leg->plain || leg->sdp.srtp != MEDIA_SRTP_OFFER)
		return false;
	call_attempt_end(c, leg, ev->u.sip.code, CAUSE_NO_CODEC);
	leg->plain = true;
	leg->state = LEG_OVER;
	return call_leg_invite(c, ev->leg) == 0;
}

/* The same caller calls elsewhere: only the address changes (RFC 3261 s8.1.3.4). The ring time goes on. */
bool call_leg_redirected(struct call *c, const struct call_event *ev)
{
	const struct call_sip_target *to = ev->u.sip.redirect;
	struct sip_leg *leg = call_leg(c, ev->leg);

	if (call_without_srtp(c, leg, ev))
		return true;
	if (!to || ev->u.sip.code < 300 || ev->u.sip.code > 399 || leg->redirects >= LIMIT_REDIRECTS)
		return false;
	if (copy_whole(c, &leg->target, to->uri) < 0)
		return false;
	if (to->gateway)
		leg->gateway = to->gateway;
	leg->plain = false;
	leg->redirects++;
	call_attempt_end(c, leg, ev->u.sip.code, cause_from_sip(ev->u.sip.code, ev->u.sip.q850));
	leg->state = LEG_OVER;
	return call_leg_invite(c, ev->leg) == 0;
}

/* ---- how it ends ---- */

static int reject_code(const struct call *c, enum cause cause)
{
	int code = cause_info(cause)->sip_code;

	if (cause == CAUSE_BAD_OFFER && c->outbound)
		return 502; /* the fault is not the caller's */
	return code >= 300 ? code : 480;
}

static void reject(struct call *c, enum call_leg which, enum cause cause)
{
	struct call_action *a = call_emit_sip(c, CALL_DO_SIP_REJECT, which);

	a->u.reject.code = reject_code(c, cause);
	a->u.reject.q850 = cause_info(cause)->q850;
	a->u.reject.cause = cause;
	a->u.reject.text = c->refusal[0] ? c->refusal : cause_info(cause)->text;
	a->u.reject.retry_after_s = a->u.reject.code == 503 ? LIMIT_RETRY_AFTER_S : 0;
	a->u.reject.meta_code = c->meta_code;
	a->u.reject.meta_text = c->meta_text;
}

void call_leg_close(struct call *c, enum call_leg which, enum cause cause)
{
	struct sip_leg *leg = call_leg(c, which);

	if (!call_leg_lives(leg))
		return;
	if (leg->state == LEG_ANSWERED)
		call_emit_sip(c, CALL_DO_SIP_BYE, which)->u.cause = cause;
	else if (leg->theirs)
		reject(c, which, cause);
	else
		call_emit_sip(c, CALL_DO_SIP_CANCEL, which)->u.cause = cause;
	call_attempt_end(c, leg, 0, cause);
	leg->state = LEG_OVER;
}

/* ---- what was heard of it ---- */

void call_leg_take_place(struct call *c, struct sip_leg *from)
{
	c->sip = *from;
	from->state = LEG_NONE;
	from->remote_sdp = from->sdp.text[0] = from->sdp.text[1] = (struct kept_text){0};
}

void call_keep_remote_sdp(struct call *c, struct sip_leg *leg, const char *sdp, size_t length)
{
	if (length >= LIMIT_SIP_REMOTE_SDP_BYTES)
		length = LIMIT_SIP_REMOTE_SDP_BYTES - 1;
	if (kept_text_set(&leg->remote_sdp, &c->arena, sdp, sdp ? length : 0) < 0)
		kept_text_wipe(&leg->remote_sdp); /* the record goes without */
	if (leg->remote_sdp.at)
		sdp_redact_keys(leg->remote_sdp.at);
}

void call_keep_call_id(struct sip_leg *leg, const struct call_event *ev)
{
	if (ev->u.sip.sip_call_id)
		str_copy(leg->call_id, sizeof(leg->call_id), ev->u.sip.sip_call_id);
}

void call_note_progress(struct call *c, struct sip_leg *leg, const struct call_event *ev)
{
	if (!c->outbound && !c->rang_ms && ev->u.sip.code >= 180)
		c->rang_ms = c->wall_ms;
	if (ev->u.sip.sdp)
		c->early_media++;
	call_keep_call_id(leg, ev);
}

/* Opus keeps voices, not tones: there they are no way to send digits, or to find them. */
void call_digit_ways(enum call_dtmf how, struct media_sip_remote *r)
{
	bool has_events = r->event_pt != 0, can_tone = r->codec != AUDIO_OPUS;

	r->tones_in = r->tones_out = can_tone && (how == CALL_DTMF_INBAND || (how == CALL_DTMF_AUTO && !has_events));
	r->no_events_out = how == CALL_DTMF_INFO || (how == CALL_DTMF_INBAND && can_tone);
}

void call_set_sip_media(struct call *c, struct sip_leg *leg)
{
	struct call_action *a = call_emit(c, CALL_DO_MEDIA_SET_SIP);

	a->u.sip_media = leg->sdp.remote;
	a->u.sip_media.new_peer = leg->new_peer;
	call_digit_ways(leg->gateway ? leg->gateway->dtmf : CALL_DTMF_EVENTS, &a->u.sip_media);
	leg->new_peer = false;
}
