/* tests/support/call/play_events.c */
#include "tests/support/call/play.h"

#include <string.h>

/* As Meta sends it (Meta: calls webhook, event "connect"; names and numbers made up). */
const char play_wa_offer[] =
	"v=0\r\n"
	"o=- 1790000000123 2 IN IP4 127.0.0.1\r\n"
	"s=-\r\n"
	"t=0 0\r\n"
	"a=group:BUNDLE audio\r\n"
	"a=msid-semantic: WMS 11111111-2222-4333-8444-555555555555\r\n"
	"a=ice-lite\r\n"
	"m=audio 3484 UDP/TLS/RTP/SAVPF 111 126\r\n"
	"c=IN IP4 203.0.113.20\r\n"
	"a=rtcp:9 IN IP4 0.0.0.0\r\n"
	"a=candidate:1111111111 1 udp 2122260223 203.0.113.20 3484 typ host generation 0 network-cost 50\r\n"
	"a=candidate:2222222222 1 udp 2122262783 2001:db8:20::1 3484 typ host generation 0 network-cost 50\r\n"
	"a=ice-ufrag:ExampleUfragMeta\r\n"
	"a=ice-pwd:c3ludGhldGljLXB3ZC0wMQ==\r\n"
	"a=fingerprint:sha-256 00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:00:11:22:33:44:55:66:77:88:99:"
	"AA:BB:CC:DD:EE:FF\r\n"
	"a=setup:actpass\r\n"
	"a=mid:audio\r\n"
	"a=sendrecv\r\n"
	"a=msid:11111111-2222-4333-8444-555555555555 WhatsAppTrack1\r\n"
	"a=rtcp-mux\r\n"
	"a=rtpmap:111 opus/48000/2\r\n"
	"a=rtcp-fb:111 transport-cc\r\n"
	"a=fmtp:111 maxaveragebitrate=20000;maxplaybackrate=16000;minptime=20;sprop-maxcapturerate=16000;"
	"useinbandfec=1\r\n"
	"a=rtpmap:126 telephone-event/8000\r\n"
	"a=maxptime:20\r\n"
	"a=ptime:20\r\n"
	"a=ssrc:1000000001 cname:WhatsAppAudioStream1\r\n";

/* Meta: business-initiated calls, the answer of its sample; ours is the DTLS server there. */
const char play_wa_answer[] =
	"v=0\r\n"
	"o=- 1790000000124 2 IN IP4 127.0.0.1\r\n"
	"s=-\r\n"
	"t=0 0\r\n"
	"a=group:BUNDLE audio\r\n"
	"a=ice-lite\r\n"
	"m=audio 3482 UDP/TLS/RTP/SAVPF 111 126\r\n"
	"c=IN IP4 203.0.113.20\r\n"
	"a=candidate:1111111111 1 udp 2122260223 203.0.113.20 3482 typ host generation 0\r\n"
	"a=ice-ufrag:ExampleUfragMeta\r\n"
	"a=ice-pwd:c3ludGhldGljLXB3ZC0wMQ==\r\n"
	"a=ice-options:trickle\r\n"
	"a=fingerprint:sha-256 00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:00:11:22:33:44:55:66:77:88:99:"
	"AA:BB:CC:DD:EE:FF\r\n"
	"a=setup:active\r\n"
	"a=mid:audio\r\n"
	"a=sendrecv\r\n"
	"a=rtcp-mux\r\n"
	"a=rtpmap:111 opus/48000/2\r\n"
	"a=fmtp:111 minptime=10;useinbandfec=1\r\n"
	"a=rtpmap:126 telephone-event/8000\r\n"
	"a=ssrc:1000000002 cname:WhatsAppAudioStream1\r\n";

#define SIP_HEAD(version, host, port, formats)                                                                         \
	"v=0\r\no=pbx 77 " version " IN IP4 192.0.2.50\r\ns=call\r\nc=IN IP4 " host "\r\nt=0 0\r\nm=audio " port       \
	" RTP/AVP " formats "\r\n"
#define SIP_EVENT "a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-16\r\n"

const char play_sip_answer[] = SIP_HEAD("1", "192.0.2.50", "12000", "0 101") SIP_EVENT "a=ptime:20\r\na=sendrecv\r\n";
static const char alaw_only[] = SIP_HEAD("2", "192.0.2.50", "12000", "8 101") SIP_EVENT "a=ptime:30\r\n";
static const char hold[] = SIP_HEAD("3", "192.0.2.50", "12000", "0 101") SIP_EVENT "a=sendonly\r\n";
static const char g729_only[] = SIP_HEAD("4", "192.0.2.50", "12000", "18");
static const char inactive[] = SIP_HEAD("6", "192.0.2.50", "12000", "0 101") SIP_EVENT "a=inactive\r\n";
static const char hold_zero[] = SIP_HEAD("7", "0.0.0.0", "12000", "0 101") SIP_EVENT;
static const char other_peer[] = SIP_HEAD("1", "192.0.2.60", "14000", "0 101") SIP_EVENT;
static const char no_stream[] = SIP_HEAD("5", "192.0.2.50", "0", "0");

#define TERMINATE(...)                                                                                                 \
	{                                                                                                              \
		.kind = CALL_EV_WA_TERMINATE, .u.wa_terminate = { __VA_ARGS__ }                                        \
	}
#define GRAPH(v, o, ...)                                                                                               \
	{                                                                                                              \
		.kind = CALL_EV_GRAPH_DONE, .u.graph = {.verb = VERB_##v, .outcome = VERB_##o, __VA_ARGS__ }           \
	}
#define SIP(k, ...)                                                                                                    \
	{                                                                                                              \
		.kind = CALL_EV_SIP_##k, .u.sip = { __VA_ARGS__ }                                                      \
	}
#define BODY(text) .sdp = (text), .sdp_length = sizeof(text) - 1
#define BSIP(n, k, ...)                                                                                                \
	{                                                                                                              \
		.kind = CALL_EV_SIP_##k, .leg = CALL_LEG_BRANCH + (n), .u.sip = { __VA_ARGS__ }                        \
	}
#define TSIP(k, ...)                                                                                                   \
	{                                                                                                              \
		.kind = CALL_EV_SIP_##k, .leg = CALL_LEG_TARGET, .u.sip = { __VA_ARGS__ }                              \
	}
#define CONNECT(o, ...) GRAPH(CONNECT, o, __VA_ARGS__)
#define STATUS(s, id)                                                                                                  \
	{                                                                                                              \
		.kind = CALL_EV_WA_STATUS, .u.wa_status = {.status = WA_##s, .wacid = (id) }                           \
	}
#define ANSWER(text)                                                                                                   \
	{                                                                                                              \
		.kind = CALL_EV_WA_ANSWER, .u.wa_answer = {.wacid = WACID, BODY(text) }                                \
	}
#define REFER(k, ok, status, ...)                                                                                      \
	{                                                                                                              \
		.kind = CALL_EV_##k, .u.refer = {.allowed = ok, .code = status, .target = {__VA_ARGS__} }              \
	}
#define ROUTED(r)                                                                                                      \
	{                                                                                                              \
		.kind = CALL_EV_ROUTED, .u.route = (r)                                                                 \
	}
#define TIMER(t)                                                                                                       \
	{                                                                                                              \
		.kind = CALL_EV_TIMER, .u.timer = CALL_TIMER_##t                                                       \
	}
#define FAILED(text)                                                                                                   \
	{                                                                                                              \
		.kind = CALL_EV_MEDIA_FAILED, .u.media_failure.name = (text)                                           \
	}
#define HANGUP(c, b)                                                                                                   \
	{                                                                                                              \
		.kind = CALL_EV_HANGUP, .u.hangup = {.cause = CAUSE_##c, .by = ENDED_BY_##b }                          \
	}

#define WACID "wacid.OUT=="
static const struct call_sip_target moved = {.uri = "sip:602@127.0.0.1:5072"};
static const struct route routed_on = {
	.kind = ROUTE_BRIDGE, .rule = "asked", .gateway_count = 1, .gateways = {"pbx"}, .user = "700"};
static const struct route routed_off = {.kind = ROUTE_REJECT, .rule = "asked", .cause = "closed"};

const struct play_event play_events[] = {
	{"offer", {.kind = CALL_EV_OFFER}},
	{"wa:end", TERMINATE(.failed = false)},
	{"wa:end_answered", TERMINATE(.was_answered = true)},
	{"wa:failed", TERMINATE(.failed = true)},
	{"wa:138021", TERMINATE(.failed = true, .error_code = 138021, .error_text = "no media", .was_answered = true)},
	{"pre_accept:ok", GRAPH(PRE_ACCEPT, OK, .error_code = 0)},
	{"pre_accept:over", GRAPH(PRE_ACCEPT, ALREADY_OVER, .error_code = 100)},
	{"pre_accept:refused", GRAPH(PRE_ACCEPT, REFUSED, .error_code = 138008, .error_text = "SDP")},
	{"pre_accept:failed", GRAPH(PRE_ACCEPT, FAILED, .error_code = 2)},
	{"accept:ok", GRAPH(ACCEPT, OK, .error_code = 0)},
	{"accept:over", GRAPH(ACCEPT, ALREADY_OVER, .error_code = 100)},
	{"accept:refused", GRAPH(ACCEPT, REFUSED, .error_code = 100, .error_text = "SDP differs")},
	{"accept:failed", GRAPH(ACCEPT, FAILED, .error_code = 0)},
	{"reject:ok", GRAPH(REJECT, OK, .error_code = 0)},
	{"reject:over", GRAPH(REJECT, ALREADY_OVER, .error_code = 100)},
	{"reject:failed", GRAPH(REJECT, FAILED, .error_code = 0)},
	{"terminate:ok", GRAPH(TERMINATE, OK, .error_code = 0)},
	{"terminate:over", GRAPH(TERMINATE, ALREADY_OVER, .error_code = 100, .error_text = "already")},
	{"terminate:refused", GRAPH(TERMINATE, REFUSED, .error_code = 190, .error_text = "token")},
	{"terminate:failed", GRAPH(TERMINATE, FAILED, .error_code = 0)},
	{"media:opened", {.kind = CALL_EV_MEDIA_OPENED}}, /* play_step() fills in play_local() */
	{"media:refused", {.kind = CALL_EV_MEDIA_REFUSED}},
	{"media:up", {.kind = CALL_EV_MEDIA_UP}},
	{"media:ice_timeout", FAILED("ice_timeout")},
	{"media:wa_silent", FAILED("wa_silent")},
	{"media:sip_silent", FAILED("sip_silent")},
	{"media:closed", {.kind = CALL_EV_MEDIA_CLOSED}},
	{"sip:180", SIP(PROGRESS, .code = 180, .sip_call_id = "abc@gw")},
	{"sip:183", SIP(PROGRESS, .code = 183, BODY(play_sip_answer))},
	{"sip:200", SIP(ANSWERED, .code = 200, .sip_call_id = "abc@gw", BODY(play_sip_answer))},
	{"sip:200_g729", SIP(ANSWERED, .code = 200, BODY(g729_only))},
	{"sip:200_refused_stream", SIP(ANSWERED, .code = 200, BODY(no_stream))},
	{"sip:200_no_sdp", SIP(ANSWERED, .code = 200)},
	{"sip:480", SIP(REFUSED, .code = 480)},
	{"sip:486", SIP(REFUSED, .code = 486, .q850 = 17)},
	{"sip:488", SIP(REFUSED, .code = 488)},
	{"sip:503", SIP(REFUSED, .code = 503)},
	{"sip:603", SIP(REFUSED, .code = 603)},
	{"sip:bye", SIP(BYE, .q850 = 16)},
	{"sip:lost", {.kind = CALL_EV_SIP_LOST}},
	{"sip:refresh", SIP(OFFER, BODY(play_sip_answer))},
	{"sip:offer_alaw", SIP(OFFER, BODY(alaw_only))},
	{"sip:hold", SIP(OFFER, BODY(hold))},
	{"sip:offer_g729", SIP(OFFER, BODY(g729_only))},
	{"sip:offer_port0", SIP(OFFER, BODY(no_stream))},
	{"sip:offer_garbage", SIP(OFFER, BODY("hello"))},
	{"sip:offerless", SIP(OFFER, .is_update = false)},
	{"sip:update", SIP(OFFER, .is_update = true)},
	{"sip:ack", SIP(ACK, BODY(alaw_only))},
	{"sip:ack_garbage", SIP(ACK, BODY("hello"))},
	{"sip:ack_no_sdp", SIP(ACK, .code = 0)},
	{"timer:window", TIMER(WINDOW)},
	{"timer:ring", TIMER(RING)},
	{"timer:media", TIMER(MEDIA)},
	{"timer:close", TIMER(CLOSE)},
	{"timer:limit", TIMER(LIMIT)},
	{"hangup:admin", HANGUP(ADMIN, ADMIN)},
	{"hangup:shutdown", HANGUP(SHUTDOWN, US)},
	/* Business-initiated calls, transfer, control: at the end, because the fuzz corpus counts from the top. */
	{"routed:bridge", ROUTED(&routed_on)},
	{"routed:reject", ROUTED(&routed_off)},
	{"routed:nowhere", ROUTED(NULL)},
	{"dial", {.kind = CALL_EV_DIAL}},
	{"permission:granted", {.kind = CALL_EV_PERMISSION, .u.permission.granted = true}},
	{"permission:none",
		{.kind = CALL_EV_PERMISSION,
			.u.permission = {.cause = CAUSE_PERMISSION_ASKED, .text = "asked for on 2026-11-20"}}},
	{"permission:nonsense", {.kind = CALL_EV_PERMISSION, .u.permission.cause = CAUSE_COUNT}},
	{"connect:ok", CONNECT(OK, .wacid = WACID)},
	{"connect:nameless", CONNECT(OK, .error_code = 0)},
	{"connect:138006", CONNECT(REFUSED, .error_code = 138006, .error_text = "no permission")},
	{"connect:130429", CONNECT(REFUSED, .error_code = 130429, .error_text = "slow down")},
	{"connect:over", CONNECT(ALREADY_OVER, .error_code = 0)},
	{"connect:failed", CONNECT(FAILED, .error_code = 0)},
	{"wa:answer", ANSWER(play_wa_answer)},
	{"wa:answer_bad", ANSWER("v=0\r\n")},
	{"wa:answer_none", {.kind = CALL_EV_WA_ANSWER, .u.wa_answer.wacid = WACID}},
	{"wa:ringing", STATUS(RINGING, WACID)},
	{"wa:accepted", STATUS(ACCEPTED, WACID)},
	{"wa:rejected", STATUS(REJECTED, WACID)},
	{"wa:other", STATUS(REJECTED, "wacid.OTHER==")},
	{"wa:status_7", {.kind = CALL_EV_WA_STATUS, .u.wa_status = {.wacid = WACID, .status = (enum call_wa_status)7}}},
	{"sip:cancel", SIP(CANCELLED, .code = 0)},
	{"sip:302", SIP(REFUSED, .code = 302, .redirect = &moved)},
	{"sip:302_nowhere", SIP(REFUSED, .code = 302)},
	{"sip:inactive", SIP(OFFER, BODY(inactive))},
	{"sip:hold_zero", SIP(OFFER, BODY(hold_zero))},
	{"refer", REFER(SIP_REFER, true, 0, .uri = "sip:601@127.0.0.1:5070", .referred_by = "<sip:600@pbx>")},
	{"refer:replaces",
		REFER(SIP_REFER, true, 0, .uri = "sip:601@127.0.0.1:5070", .replaces = "x;to-tag=a;from-tag=b")},
	{"refer:forbidden", REFER(SIP_REFER, false, 404, .uri = NULL)},
	{"refer:nowhere", REFER(SIP_REFER, true, 0, .uri = NULL)},
	{"transfer", REFER(TRANSFER, true, 0, .uri = "sip:601@127.0.0.1:5070")},
	{"transfer:forbidden", REFER(TRANSFER, false, 403, .uri = NULL)},
	{"t:100", TSIP(PROGRESS, .code = 100)},
	{"t:180", TSIP(PROGRESS, .code = 180, .sip_call_id = "target@gw")},
	{"t:200", TSIP(ANSWERED, .code = 200, .sip_call_id = "target@gw", BODY(other_peer))},
	{"t:200_g729", TSIP(ANSWERED, .code = 200, BODY(g729_only))},
	{"t:486", TSIP(REFUSED, .code = 486)},
	{"t:302", TSIP(REFUSED, .code = 302, .redirect = &moved)},
	{"t:bye", TSIP(BYE, .q850 = 16)},
	{"t:lost", TSIP(LOST, .code = 0)},
	{"t:update", TSIP(OFFER, .is_update = true)},
	{"t:offer", TSIP(OFFER, BODY(other_peer))},
	{"t:ack", TSIP(ACK, BODY(other_peer))},
	{"t:refer", {.kind = CALL_EV_SIP_REFER, .leg = CALL_LEG_TARGET, .u.refer.allowed = true}},
	{"x:180", {.kind = CALL_EV_SIP_PROGRESS, .leg = CALL_LEG_COUNT, .u.sip.code = 180}},
	{"replaced", TSIP(REPLACED, BODY(other_peer), .sip_call_id = "new@pbx")},
	{"replaced:offerless", TSIP(REPLACED, .code = 0)},
	{"replaced:g729", TSIP(REPLACED, BODY(g729_only))},
	{"hold:on", {.kind = CALL_EV_HOLD, .u.on = true}},
	{"hold:off", {.kind = CALL_EV_HOLD, .u.on = false}},
	{"mute:wa", {.kind = CALL_EV_MUTE, .u.mute = {SIDE_WA, true}}},
	{"mute:nobody", {.kind = CALL_EV_MUTE, .u.mute = {(enum media_side)7, true}}},
	{"dtmf", {.kind = CALL_EV_SEND_DTMF, .u.dtmf = {SIDE_SIP, "12#"}}},
	{"dtmf:none", {.kind = CALL_EV_SEND_DTMF, .u.dtmf = {SIDE_SIP, ""}}},
	{"timer:transfer", TIMER(TRANSFER)},
	/* Several gateways at once, early media. */
	{"sip:183_fork", SIP(PROGRESS, .code = 183, BODY(other_peer))},
	{"sip:180_sdp", SIP(PROGRESS, .code = 180, BODY(play_sip_answer))},
	{"sip:183_g729", SIP(PROGRESS, .code = 183, BODY(g729_only))},
	{"sip:200_fork", SIP(ANSWERED, .code = 200, .sip_call_id = "abc@gw", BODY(other_peer))},
	{"0:180", BSIP(0, PROGRESS, .code = 180, .sip_call_id = "b0@gw")},
	{"0:183", BSIP(0, PROGRESS, .code = 183, BODY(play_sip_answer))},
	{"0:200", BSIP(0, ANSWERED, .code = 200, .sip_call_id = "b0@gw", BODY(play_sip_answer))},
	{"0:200_g729", BSIP(0, ANSWERED, .code = 200, BODY(g729_only))},
	{"0:486", BSIP(0, REFUSED, .code = 486, .q850 = 17)},
	{"0:503", BSIP(0, REFUSED, .code = 503)},
	{"0:302", BSIP(0, REFUSED, .code = 302, .redirect = &moved)},
	{"0:lost", BSIP(0, LOST, .code = 0)},
	{"0:offer", BSIP(0, OFFER, BODY(other_peer))},
	{"0:ack", BSIP(0, ACK, BODY(other_peer))},
	{"0:refer", {.kind = CALL_EV_SIP_REFER, .leg = CALL_LEG_BRANCH, .u.refer.allowed = true}},
	{"1:180", BSIP(1, PROGRESS, .code = 180)},
	{"1:200", BSIP(1, ANSWERED, .code = 200, .sip_call_id = "b1@gw", BODY(other_peer))},
	{"1:200_no_sdp", BSIP(1, ANSWERED, .code = 200)},
	{"1:302_nowhere", BSIP(1, REFUSED, .code = 302)},
	{"1:404", BSIP(1, REFUSED, .code = 404)},
	{"1:408", BSIP(1, REFUSED, .code = 408, .q850 = 38)},
	{"1:484", BSIP(1, REFUSED, .code = 484)},
	{"1:603", BSIP(1, REFUSED, .code = 603)},
	{"1:bye", BSIP(1, BYE, .q850 = 16)},
	{"2:200", BSIP(2, ANSWERED, .code = 200, BODY(play_sip_answer))},
	{"2:500", BSIP(2, REFUSED, .code = 500)},
	{"2:199", BSIP(2, REFUSED, .code = 199)},
	{"2:lost", BSIP(2, LOST, .code = 0)},
	{"7:200", BSIP(7, ANSWERED, .code = 200, BODY(play_sip_answer))},
	{"timer:branch", TIMER(BRANCH)},
	{NULL, {.kind = CALL_EV_OFFER}},
};

size_t play_event_count(void)
{
	return sizeof(play_events) / sizeof(play_events[0]) - 1;
}

const struct play_event *play_event_find(const char *name)
{
	for (const struct play_event *e = play_events; e->name; e++)
		if (strcmp(e->name, name) == 0)
			return e;
	return NULL;
}
