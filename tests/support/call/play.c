/* tests/support/call/play.c */
#include "tests/support/call/play.h"

#include "lib/base/str.h"

#include <errno.h>
#include <string.h>

int dialplan_route(const struct dialplan *dp, const struct call_facts *facts, uint64_t wall_ms, struct arena *arena,
	struct route *ret_route)
{
	(void)facts;
	(void)wall_ms;
	if (dp->status == 0 && !arena_alloc(arena, 64)) /* so that it is seen by the out-of-memory tests */
		return -ENOMEM;
	if (dp->status == 0)
		*ret_route = dp->route;
	return dp->status;
}

void play_local(struct media_local *ret_local)
{
	memset(ret_local, 0, sizeof(*ret_local));
	addr_set(&ret_local->wa.addr, "198.51.100.7", 40000);
	addr_set(&ret_local->sip_rtp, "198.51.100.7", 20000);
	str_copy(ret_local->wa.ufrag, sizeof(ret_local->wa.ufrag), "OurUfrag");
	str_copy(ret_local->wa.pwd, sizeof(ret_local->wa.pwd), "OurPwd0123456789abcdefgh");
	memset(ret_local->wa.fingerprint, 0xfe, sizeof(ret_local->wa.fingerprint));
	ret_local->wa.ssrc = 2000000001;
	str_copy(ret_local->wa.cname, sizeof(ret_local->wa.cname), "watrunk");
}

void play_init(struct play *p)
{
	memset(p, 0, sizeof(*p));
	p->dialplan.route.kind = ROUTE_BRIDGE;
	p->dialplan.route.rule = "all";
	p->dialplan.route.gateway_count = 1;
	p->dialplan.route.gateways[0] = "pbx";
	p->dialplan.route.user = "600";
	p->dialplan.route.timeout_s = 25;
	p->gateway = (struct call_gateway){
		.name = "pbx",
		.uri = "sip:127.0.0.1:5070;transport=udp",
		.codecs = {AUDIO_PCMU, AUDIO_PCMA},
		.ptime_ms = 20,
	};
	p->settings = (struct call_settings){
		.dialplan = &p->dialplan,
		.gateways = &p->gateway,
		.gateway_count = 1,
		.accept_window_ms = 29000,
		.default_ring_ms = 60000,
		.media_wait_ms = 2000,
		.media_setup_ms = 15000,
		.max_call_ms = 3600 * 1000,
		.use_pre_accept = true,
		.sip_domain = "gw.example",
	};
	p->offer = (struct call_offer){
		.call_id = "c-1",
		.wacid = "wacid.EXAMPLE+/==",
		.phone_number_id = "310000000000002",
		.number = "+12025550123",
		.user_number = "+447700900123",
		.user_id = "GB.1000200030004000500",
		.profile_name = "Ana Example",
		.payload = "order-77",
		.sdp = play_wa_offer,
		.sdp_length = strlen(play_wa_offer),
	};
	p->now_us = PLAY_START_US;
}

void play_init_dial(struct play *p, enum dial_order order)
{
	play_init(p);
	p->outbound = true;
	p->dial = (struct call_dial){
		.call_id = "c-2",
		.phone_number_id = "310000000000002",
		.number = "+12025550123",
		.user_number = "+447700900123",
		.user_id = "GB.1000200030004000500",
		.profile_name = "Ana Example",
		.payload = "",
		.order = order,
		.rule = "out",
	};
	if (order == DIAL_SIP_CALLS) {
		p->dial.gateway = &p->gateway;
		p->dial.sip_call_id = "their@pbx";
		p->dial.sip_offer = play_sip_answer;
		p->dial.sip_offer_length = strlen(play_sip_answer);
	} else {
		p->dial.target = (struct call_sip_target){.gateway = &p->gateway, .uri = "sip:600@127.0.0.1:5070"};
	}
}

int play_start(struct play *p)
{
	p->watch.outbound = p->outbound;
	p->watch.accept_early = p->dialplan.route.accept_early;
	if (!p->outbound)
		return call_new(&p->settings, &p->offer, &p->call);
	if (p->dial.order == DIAL_SIP_CALLS)
		p->watch.leg[CALL_LEG_MAIN] = (struct play_watch_leg){.alive = true, .theirs = true};
	return call_new_dial(&p->settings, &p->dial, &p->call);
}

void play_done(struct play *p)
{
	p->call = call_free(p->call);
}

static const char *verb_name(enum call_verb verb)
{
	static const char *const names[VERB_COUNT] = {"pre_accept", "accept", "reject", "terminate", "connect"};
	return names[verb];
}

static const char *timer_name(enum call_timer which)
{
	static const char *const names[CALL_TIMER_COUNT] = {
		"window", "ring", "media", "close", "limit", "transfer", "branch"};
	return names[which];
}

static bool put_sip_action(struct strbuf *sb, const struct call_action *a)
{
	const char *name = call_action_name(a->kind);

	switch (a->kind) {
	case CALL_DO_SIP_CANCEL:
	case CALL_DO_SIP_BYE: strbuf_printf(sb, "%s:%s", name, cause_info(a->u.cause)->name); break;
	case CALL_DO_SIP_RESPOND:
	case CALL_DO_SIP_RING:
	case CALL_DO_SIP_ACCEPT:
	case CALL_DO_SIP_REFER_RESPOND:
		strbuf_printf(sb, "%s:%d%s", name, a->u.respond.code, a->u.respond.sdp ? "+sdp" : "");
		break;
	case CALL_DO_SIP_REJECT: strbuf_printf(sb, "%s:%d", name, a->u.reject.code); break;
	case CALL_DO_SIP_NOTIFY:
		strbuf_printf(sb, "%s:%d%s", name, a->u.notify.code, a->u.notify.final ? "/final" : "");
		break;
	default: return false;
	}
	return true;
}

static void put_action(struct strbuf *sb, const struct call_action *a)
{
	static const char *const sides[] = {"wa", "sip"};
	static const char *const sounds[] = {"none", "ringback", "music", "silence"};

	if (sb->length)
		strbuf_put(sb, " ");
	if (a->leg == CALL_LEG_TARGET)
		strbuf_put(sb, "t:");
	if (a->leg >= CALL_LEG_BRANCH)
		strbuf_printf(sb, "%d:", (int)a->leg - CALL_LEG_BRANCH);
	if (put_sip_action(sb, a))
		return;
	switch (a->kind) {
	case CALL_DO_TIMER_SET: strbuf_printf(sb, "set:%s", timer_name(a->u.timer.which)); break;
	case CALL_DO_TIMER_CANCEL: strbuf_printf(sb, "cancel:%s", timer_name(a->u.timer.which)); break;
	case CALL_DO_GRAPH: strbuf_printf(sb, "graph:%s", verb_name(a->u.graph.verb)); break;
	case CALL_DO_MEDIA_PLAY: strbuf_printf(sb, "play:%s:%s", sides[a->u.play.side], sounds[a->u.play.sound]); break;
	case CALL_DO_MEDIA_MUTE:
		strbuf_printf(sb, "mute:%s:%s", sides[a->u.mute.side], a->u.mute.on ? "on" : "off");
		break;
	case CALL_DO_MEDIA_DTMF: strbuf_printf(sb, "dtmf:%s:%s", sides[a->u.dtmf.side], a->u.dtmf.digits); break;
	case CALL_DO_MEDIA_SET_SIP: strbuf_printf(sb, "media_set_sip%s", a->u.sip_media.new_peer ? ":new" : ""); break;
	default: strbuf_put(sb, call_action_name(a->kind)); break;
	}
}

static void note_fault(struct play *p, const char *fault)
{
	if (fault && !p->fault)
		p->fault = fault;
}

void play_step(struct play *p, const struct call_event *ev, uint64_t at_us)
{
	struct call_event timed = *ev;
	struct media_local local;
	struct strbuf sb;

	if (at_us > p->now_us)
		p->now_us = at_us;
	timed.now_us = p->now_us;
	timed.wall_ms = 1790000000000u + p->now_us / 1000;
	if (timed.kind == CALL_EV_MEDIA_OPENED) {
		play_local(&local);
		timed.u.local = &local;
	}
	call_step(p->call, &timed, &p->out);
	strbuf_init(&sb, p->actions, sizeof(p->actions));
	for (size_t i = 0; i < p->out.count; i++)
		put_action(&sb, &p->out.actions[i]);
	note_fault(p, play_watch_step(&p->watch, &timed, &p->out));
	note_fault(p, call_check(p->call));
}

bool play_fire(struct play *p)
{
	struct call_event ev = {.kind = CALL_EV_TIMER};
	uint64_t at_us = UINT64_MAX;

	for (int t = 0; t < CALL_TIMER_COUNT; t++) {
		if (p->watch.timer_at_us[t] && p->watch.timer_at_us[t] < at_us) {
			at_us = p->watch.timer_at_us[t];
			ev.u.timer = (enum call_timer)t;
		}
	}
	if (at_us == UINT64_MAX)
		return false;
	play_step(p, &ev, at_us);
	return true;
}

bool play_named(struct play *p, const char *name, unsigned at_ms)
{
	const struct play_event *e = play_event_find(name);

	if (strcmp(name, "fire") == 0)
		return play_fire(p);
	if (e)
		play_step(p, &e->ev, PLAY_START_US + (uint64_t)at_ms * 1000);
	return e != NULL;
}

enum call_state play_state(const struct play *p)
{
	struct call_report r;
	call_report(p->call, &r);
	return r.state;
}
