/* tests/unit/b2bua/call/test_dial.c
 *
 * Business-initiated calls told as tables.
 */
#include "tests/unit/b2bua/call/paths.h"
#include "tests/unit/b2bua/call/story.h"

#include <errno.h>

#define ASK                                                                                                            \
	{0, "dial", "set:window media_open"},                                                                          \
	{                                                                                                              \
		0, "media:opened", "ask_permission"                                                                    \
	}
#define CONNECT_OUT                                                                                                    \
	ASK,                                                                                                           \
	{                                                                                                              \
		100, "permission:granted", "cancel:window graph:connect set:ring"                                      \
	}
#define TUNNEL                                                                                                         \
	{300, "connect:ok", ""}, {900, "wa:answer", "media_set_wa"},                                                   \
	{                                                                                                              \
		1200, "media:up", ""                                                                                   \
	}
#define AGENT_ANSWERED                                                                                                 \
	ASK, {100, "permission:granted", "cancel:window sip_invite set:ring"}, {900, "sip:180", ""},                   \
	{                                                                                                              \
		3000, "sip:200", "cancel:ring media_set_sip graph:connect set:ring"                                    \
	}
#define RELEASE "cancel:close record release"
#define HANGUP  "cancel:limit graph:terminate media_close set:close"
#define BYE_WAIT(at)                                                                                                   \
	{at, "media:closed", ""},                                                                                      \
	{                                                                                                              \
		(at) + 100, "terminate:ok", RELEASE                                                                    \
	}

static const struct story stories[] = {
	/* ---- a SIP caller waits ---- */
	{"a SIP caller, picked up, he hangs up", SIP_CALLS,
		{CONNECT_OUT, TUNNEL, {1500, "wa:ringing", "sip_ring:180"},
			{9000, "wa:accepted", "cancel:ring set:limit sip_accept:200+sdp media_set_sip media_start_wa"},
			{60000, "sip:bye", HANGUP}, BYE_WAIT(60001)},
		CAUSE_NORMAL, ENDED_BY_SIP, CALL_END_COMPLETED},
	{"a SIP caller, picked up, the user hangs up", SIP_CALLS,
		{CONNECT_OUT, TUNNEL, {1500, "wa:ringing", "sip_ring:180"},
			{9000, "wa:accepted", "cancel:ring set:limit sip_accept:200+sdp media_set_sip media_start_wa"},
			{60000, "wa:end_answered", "cancel:limit sip_bye:normal media_close set:close"},
			{60001, "media:closed", RELEASE}},
		CAUSE_NORMAL, ENDED_BY_USER, CALL_END_COMPLETED},
	{"ringback as early media", SIP_CALLS_EARLY,
		{CONNECT_OUT, TUNNEL, {1500, "wa:ringing", "media_set_sip sip_ring:183+sdp play:sip:ringback"},
			{9000, "wa:accepted", "cancel:ring set:limit sip_accept:200+sdp media_start_wa play:sip:none"},
			{60000, "sip:bye", HANGUP}, BYE_WAIT(60001)},
		CAUSE_NORMAL, ENDED_BY_SIP, CALL_END_COMPLETED},
	{"an INVITE without an offer: ours in the 200, his answer in the ACK", SIP_CALLS_OFFERLESS,
		{CONNECT_OUT, TUNNEL, {1500, "wa:ringing", "sip_ring:180+sdp"},
			{9000, "wa:accepted", "cancel:ring set:limit sip_accept:200+sdp media_start_wa"},
			{9050, "sip:ack", "media_set_sip"}, {60000, "sip:bye", HANGUP}, BYE_WAIT(60001)},
		CAUSE_NORMAL, ENDED_BY_SIP, CALL_END_COMPLETED},
	{"an ACK with nothing to talk over", SIP_CALLS_OFFERLESS,
		{CONNECT_OUT, TUNNEL, {9000, "wa:accepted", "cancel:ring set:limit sip_accept:200+sdp media_start_wa"},
			{9050, "sip:ack_garbage",
				"cancel:limit sip_bye:gateway_failed graph:terminate media_close set:close"},
			BYE_WAIT(9051)},
		CAUSE_GATEWAY_FAILED, ENDED_BY_US, CALL_END_FAILED},
	{"webhooks overtake the answer to connect", SIP_CALLS,
		{CONNECT_OUT, {200, "wa:ringing", "sip_ring:180"}, {250, "wa:answer", "media_set_wa"},
			{300, "connect:ok", ""}, {500, "media:up", ""},
			{900, "wa:accepted", "cancel:ring set:limit sip_accept:200+sdp media_set_sip media_start_wa"},
			{2000, "sip:bye", HANGUP}, BYE_WAIT(2001)},
		CAUSE_NORMAL, ENDED_BY_SIP, CALL_END_COMPLETED},
	{"ACCEPTED overtakes RINGING and Meta's SDP", SIP_CALLS,
		{CONNECT_OUT, {300, "connect:ok", ""}, {900, "wa:accepted", "cancel:ring set:media"},
			{950, "wa:ringing", ""},
			{1000, "wa:answer", "media_set_wa set:limit sip_accept:200+sdp media_set_sip media_start_wa"},
			{1300, "media:up", "cancel:media"}, {2000, "sip:bye", HANGUP}, BYE_WAIT(2001)},
		CAUSE_NORMAL, ENDED_BY_SIP, CALL_END_COMPLETED},
	{"ACCEPTED, and Meta's SDP never comes", SIP_CALLS,
		{CONNECT_OUT, {300, "connect:ok", ""}, {900, "wa:accepted", "cancel:ring set:media"},
			{15900, "timer:media", "sip_reject:500 graph:terminate media_close set:close"},
			BYE_WAIT(15901)},
		CAUSE_MEDIA_FAILED, ENDED_BY_US, CALL_END_FAILED},
	{"picked up, and media never comes up", SIP_CALLS,
		{CONNECT_OUT, {300, "connect:ok", ""}, {350, "wa:answer", "media_set_wa"},
			{900, "wa:accepted",
				"cancel:ring set:media set:limit sip_accept:200+sdp media_set_sip media_start_wa"},
			{15900, "timer:media",
				"cancel:limit sip_bye:media_failed graph:terminate media_close set:close"},
			BYE_WAIT(15901)},
		CAUSE_MEDIA_FAILED, ENDED_BY_US, CALL_END_FAILED},
	{"declined", SIP_CALLS,
		{CONNECT_OUT, TUNNEL, {1500, "wa:ringing", "sip_ring:180"},
			{4000, "wa:rejected", "cancel:ring sip_reject:603 media_close set:close"}, {4001, "wa:end", ""},
			{4002, "media:closed", RELEASE}},
		CAUSE_USER_DECLINED, ENDED_BY_USER, CALL_END_REJECTED},
	{"nobody picks up, says Meta", SIP_CALLS,
		{CONNECT_OUT, TUNNEL, {1500, "wa:ringing", "sip_ring:180"},
			{40000, "wa:end", "cancel:ring sip_reject:480 media_close set:close"},
			{40002, "media:closed", RELEASE}},
		CAUSE_NO_ANSWER, ENDED_BY_META, CALL_END_MISSED},
	{"nobody picks up in our time", SIP_CALLS,
		{CONNECT_OUT, TUNNEL, {1500, "wa:ringing", "sip_ring:180"},
			{45100, "timer:ring", "sip_reject:480 graph:terminate media_close set:close"}, BYE_WAIT(45101)},
		CAUSE_NO_ANSWER, ENDED_BY_US, CALL_END_MISSED},
	{"terminate is the first thing Meta says", SIP_CALLS,
		{CONNECT_OUT, {200, "wa:failed", "cancel:ring sip_reject:500 media_close set:close"},
			{210, "connect:ok", ""}, {220, "wa:answer", ""}, {230, "media:closed", RELEASE}},
		CAUSE_META_FAILED, ENDED_BY_META, CALL_END_FAILED},
	{"picked up and hung up before we knew", SIP_CALLS,
		{CONNECT_OUT, {300, "connect:ok", ""}, {900, "wa:accepted", "cancel:ring set:media"},
			{1000, "wa:end_answered", "cancel:media sip_reject:603 media_close set:close"},
			{1001, "media:closed", RELEASE}},
		CAUSE_USER_DECLINED, ENDED_BY_USER, CALL_END_REJECTED},
	{"Meta's SDP is no use", SIP_CALLS,
		{CONNECT_OUT, {300, "connect:ok", ""},
			{900, "wa:answer_bad", "cancel:ring sip_reject:502 graph:terminate media_close set:close"},
			BYE_WAIT(901)},
		CAUSE_BAD_OFFER, ENDED_BY_US, CALL_END_FAILED},
	{"no permission", SIP_CALLS,
		{ASK, {100, "permission:none", "cancel:window sip_reject:403 media_close set:close"},
			{101, "media:closed", RELEASE}},
		CAUSE_PERMISSION_ASKED, ENDED_BY_US, CALL_END_REJECTED},
	{"no permission, for a cause we do not know", USER_FIRST,
		{ASK, {100, "permission:nonsense", "cancel:window media_close set:close"},
			{101, "media:closed", RELEASE}},
		CAUSE_NO_PERMISSION, ENDED_BY_US, CALL_END_REJECTED},
	{"nobody says whether he may be called", SIP_CALLS,
		{ASK, {10000, "timer:window", "sip_reject:504 media_close set:close"}, {10001, "media:closed", RELEASE},
			{10100, "permission:granted", ""}},
		CAUSE_META_UNREACHABLE, ENDED_BY_US, CALL_END_FAILED},
	{"Meta refuses: no permission", SIP_CALLS,
		{CONNECT_OUT, {300, "connect:138006", "cancel:ring sip_reject:403 media_close set:close"},
			{301, "media:closed", RELEASE}},
		CAUSE_NO_PERMISSION, ENDED_BY_META, CALL_END_REJECTED},
	{"Meta refuses: too many", SIP_CALLS,
		{CONNECT_OUT, {300, "connect:130429", "cancel:ring sip_reject:503 media_close set:close"},
			{301, "media:closed", RELEASE}},
		CAUSE_META_LIMIT, ENDED_BY_META, CALL_END_FAILED},
	{"no ports", SIP_CALLS,
		{{0, "dial", "set:window media_open"},
			{0, "media:refused", "cancel:window sip_reject:503 record release"}},
		CAUSE_CONGESTION, ENDED_BY_US, CALL_END_FAILED},

	/* ---- the SIP caller gives up ---- */
	{"CANCEL while media opens", SIP_CALLS,
		{{0, "dial", "set:window media_open"}, {0, "sip:cancel", "cancel:window media_close set:close"},
			{1, "media:closed", RELEASE}},
		CAUSE_CANCELLED, ENDED_BY_SIP, CALL_END_CANCELLED},
	{"CANCEL while permission is asked for", SIP_CALLS,
		{ASK, {50, "sip:cancel", "cancel:window media_close set:close"}, {51, "permission:granted", ""},
			{52, "media:closed", RELEASE}},
		CAUSE_CANCELLED, ENDED_BY_SIP, CALL_END_CANCELLED},
	{"CANCEL while connect is on its way: its answer names the call", SIP_CALLS,
		{CONNECT_OUT, {200, "sip:cancel", "cancel:ring media_close set:close"}, {201, "media:closed", ""},
			{900, "connect:ok", "graph:terminate set:close"}, {1000, "terminate:ok", RELEASE}},
		CAUSE_CANCELLED, ENDED_BY_SIP, CALL_END_CANCELLED},
	{"CANCEL while connect is on its way: a webhook names the call", SIP_CALLS,
		{CONNECT_OUT, {200, "sip:cancel", "cancel:ring media_close set:close"}, {201, "media:closed", ""},
			{700, "wa:ringing", "graph:terminate set:close"}, {900, "connect:ok", ""},
			{1000, "terminate:ok", RELEASE}},
		CAUSE_CANCELLED, ENDED_BY_SIP, CALL_END_CANCELLED},
	{"CANCEL while connect is on its way, which is refused", SIP_CALLS,
		{CONNECT_OUT, {200, "sip:cancel", "cancel:ring media_close set:close"}, {201, "media:closed", ""},
			{900, "connect:138006", RELEASE}},
		CAUSE_CANCELLED, ENDED_BY_SIP, CALL_END_CANCELLED},
	{"CANCEL while connect is on its way, which is never answered", SIP_CALLS,
		{CONNECT_OUT, {200, "sip:cancel", "cancel:ring media_close set:close"}, {201, "media:closed", ""},
			{10200, "timer:close", "record release"}},
		CAUSE_CANCELLED, ENDED_BY_SIP, CALL_END_CANCELLED},
	{"CANCEL while connect is on its way, and he declines", SIP_CALLS,
		{CONNECT_OUT, {200, "sip:cancel", "cancel:ring media_close set:close"}, {201, "media:closed", ""},
			{900, "wa:rejected", RELEASE}},
		CAUSE_CANCELLED, ENDED_BY_SIP, CALL_END_CANCELLED},
	{"CANCEL while it rings", SIP_CALLS,
		{CONNECT_OUT, TUNNEL, {1500, "wa:ringing", "sip_ring:180"},
			{5000, "sip:cancel", "cancel:ring graph:terminate media_close set:close"}, BYE_WAIT(5001)},
		CAUSE_CANCELLED, ENDED_BY_SIP, CALL_END_CANCELLED},
	{"CANCEL crosses the answer", SIP_CALLS,
		{CONNECT_OUT, TUNNEL,
			{5000, "wa:accepted", "cancel:ring set:limit sip_accept:200+sdp media_set_sip media_start_wa"},
			{5000, "sip:cancel", ""}, {5100, "sip:bye", HANGUP}, BYE_WAIT(5101)},
		CAUSE_NORMAL, ENDED_BY_SIP, CALL_END_COMPLETED},
	{"connect of unknown outcome, and nothing more", SIP_CALLS,
		{CONNECT_OUT, {5000, "connect:failed", "cancel:ring sip_reject:504 media_close set:close"},
			{5001, "media:closed", ""}, {8000, "timer:close", "record release"}},
		CAUSE_META_UNREACHABLE, ENDED_BY_US, CALL_END_FAILED},
	{"connect of unknown outcome, but it did ring", SIP_CALLS,
		{CONNECT_OUT, {5000, "connect:failed", "cancel:ring sip_reject:504 media_close set:close"},
			{5001, "media:closed", ""}, {5100, "wa:ringing", "graph:terminate set:close"},
			{5200, "terminate:ok", RELEASE}},
		CAUSE_META_UNREACHABLE, ENDED_BY_US, CALL_END_FAILED},
	{"connect of unknown outcome, and it rings late", SIP_CALLS,
		{CONNECT_OUT, {5000, "connect:failed", "cancel:ring sip_reject:504 media_close set:close"},
			{8000, "timer:close", "set:close"}, {8500, "wa:ringing", "graph:terminate set:close"},
			{8600, "media:closed", ""}, {8700, "terminate:ok", RELEASE}},
		CAUSE_META_UNREACHABLE, ENDED_BY_US, CALL_END_FAILED},
	{"connect of unknown outcome, after it rang", SIP_CALLS,
		{CONNECT_OUT, {900, "wa:answer", "media_set_wa"}, {1000, "wa:ringing", "sip_ring:180"},
			{5000, "connect:failed", ""},
			{5100, "wa:accepted",
				"cancel:ring set:media set:limit sip_accept:200+sdp media_set_sip media_start_wa"},
			{5200, "media:up", "cancel:media"}, {9000, "sip:bye", HANGUP}, BYE_WAIT(9001)},
		CAUSE_NORMAL, ENDED_BY_SIP, CALL_END_COMPLETED},
	{"a status of another call", SIP_CALLS,
		{CONNECT_OUT, {300, "connect:ok", ""}, {400, "wa:other", ""}, {500, "wa:status_7", ""},
			{600, "sip:cancel", "cancel:ring graph:terminate media_close set:close"}, BYE_WAIT(601)},
		CAUSE_CANCELLED, ENDED_BY_SIP, CALL_END_CANCELLED},
	{"UPDATE and REFER of a caller who waits", SIP_CALLS,
		{CONNECT_OUT, {200, "sip:update", "sip_respond:200"}, {210, "sip:hold", "sip_respond:491"},
			{220, "refer", "sip_refer_respond:491"}, {300, "connect:ok", ""},
			{5000, "sip:cancel", "cancel:ring graph:terminate media_close set:close"}, BYE_WAIT(5001)},
		CAUSE_CANCELLED, ENDED_BY_SIP, CALL_END_CANCELLED},

	/* ---- agent first ---- */
	{"agent first, both talk", AGENT_FIRST,
		{AGENT_ANSWERED, {3200, "connect:ok", ""}, {3900, "wa:answer", "media_set_wa"}, {4100, "media:up", ""},
			{4500, "wa:ringing", "play:sip:ringback"},
			{9000, "wa:accepted", "cancel:ring set:limit media_start_wa play:sip:none"},
			{60000, "sip:bye", HANGUP}, BYE_WAIT(60001)},
		CAUSE_NORMAL, ENDED_BY_SIP, CALL_END_COMPLETED},
	{"the agent is busy", AGENT_FIRST,
		{ASK, {100, "permission:granted", "cancel:window sip_invite set:ring"},
			{900, "sip:486", "cancel:ring media_close set:close"}, {901, "media:closed", RELEASE}},
		CAUSE_BUSY, ENDED_BY_SIP, CALL_END_REJECTED},
	{"the agent is elsewhere", AGENT_FIRST,
		{ASK, {100, "permission:granted", "cancel:window sip_invite set:ring"}, {200, "sip:302", "sip_invite"},
			{900, "sip:302_nowhere", "cancel:ring media_close set:close"}, {901, "media:closed", RELEASE}},
		CAUSE_GATEWAY_FAILED, ENDED_BY_SIP, CALL_END_FAILED},
	{"the agent does not answer", AGENT_FIRST,
		{ASK, {100, "permission:granted", "cancel:window sip_invite set:ring"},
			{30100, "timer:ring", "sip_cancel:no_answer media_close set:close"},
			{30101, "media:closed", RELEASE}},
		CAUSE_NO_ANSWER, ENDED_BY_US, CALL_END_MISSED},
	{"the agent cannot talk", AGENT_FIRST,
		{ASK, {100, "permission:granted", "cancel:window sip_invite set:ring"},
			{900, "sip:200_g729", "cancel:ring sip_bye:no_codec media_close set:close"},
			{901, "media:closed", RELEASE}},
		CAUSE_NO_CODEC, ENDED_BY_US, CALL_END_FAILED},
	{"the agent hangs up while the user's phone rings", AGENT_FIRST,
		{AGENT_ANSWERED, {3200, "connect:ok", ""}, {4500, "wa:ringing", "play:sip:ringback"},
			{6000, "sip:bye", "cancel:ring graph:terminate media_close set:close"}, BYE_WAIT(6001)},
		CAUSE_CANCELLED, ENDED_BY_SIP, CALL_END_CANCELLED},
	{"agent first, the user declines", AGENT_FIRST,
		{AGENT_ANSWERED, {3200, "connect:ok", ""}, {4500, "wa:ringing", "play:sip:ringback"},
			{6000, "wa:rejected", "cancel:ring sip_bye:user_declined media_close set:close"},
			{6001, "media:closed", RELEASE}},
		CAUSE_USER_DECLINED, ENDED_BY_USER, CALL_END_REJECTED},

	/* ---- user first ---- */
	{"user first, both talk", USER_FIRST,
		{CONNECT_OUT, TUNNEL, {1500, "wa:ringing", ""},
			{9000, "wa:accepted",
				"cancel:ring set:limit media_start_wa sip_invite set:ring play:wa:ringback"},
			{9900, "sip:180", ""}, {12000, "sip:200", "cancel:ring media_set_sip play:wa:none"},
			{60000, "wa:end_answered", "cancel:limit sip_bye:normal media_close set:close"},
			{60001, "media:closed", RELEASE}},
		CAUSE_NORMAL, ENDED_BY_USER, CALL_END_COMPLETED},
	{"user first, nobody for him", USER_FIRST,
		{CONNECT_OUT, TUNNEL,
			{9000, "wa:accepted",
				"cancel:ring set:limit media_start_wa sip_invite set:ring play:wa:ringback"},
			{9900, "sip:486", "cancel:ring cancel:limit graph:terminate media_close set:close"},
			BYE_WAIT(9901)},
		CAUSE_BUSY, ENDED_BY_SIP, CALL_END_REJECTED},
	{"user first, the SIP side does not answer", USER_FIRST,
		{CONNECT_OUT, TUNNEL,
			{9000, "wa:accepted",
				"cancel:ring set:limit media_start_wa sip_invite set:ring play:wa:ringback"},
			{39000, "timer:ring",
				"cancel:limit sip_cancel:no_answer graph:terminate media_close set:close"},
			BYE_WAIT(39001)},
		CAUSE_NO_ANSWER, ENDED_BY_US, CALL_END_MISSED},
	{"user first, he does not wait", USER_FIRST,
		{CONNECT_OUT, TUNNEL,
			{9000, "wa:accepted",
				"cancel:ring set:limit media_start_wa sip_invite set:ring play:wa:ringback"},
			{11000, "wa:end_answered",
				"cancel:ring cancel:limit sip_cancel:cancelled media_close set:close"},
			{11001, "media:closed", RELEASE}},
		CAUSE_CANCELLED, ENDED_BY_USER, CALL_END_CANCELLED},
	{"an operator ends a dial", USER_FIRST,
		{CONNECT_OUT, {300, "connect:ok", ""},
			{1000, "hangup:admin", "cancel:ring graph:terminate media_close set:close"}, BYE_WAIT(1001)},
		CAUSE_ADMIN, ENDED_BY_ADMIN, CALL_END_REJECTED},
};
enum { STORIES = sizeof(stories) / sizeof(stories[0]) };

static void set_up(struct play *p, const struct story *s)
{
	path_set_up((enum path_setup)s->setup, p);
	assert_int_equal(play_start(p), 0);
}

static void each_story(void **state)
{
	(void)state;
	stories_told(stories, STORIES, set_up, false);
}

static void each_story_with_every_event_twice(void **state)
{
	(void)state;
	stories_told(stories, STORIES, set_up, true);
}

static void timers_alone_end_every_story(void **state)
{
	(void)state;
	stories_cut_short(stories, STORIES, set_up);
}

/* ---- what stands in the actions ---- */

static const struct call_action *find_action(const struct play *p, enum call_action_kind kind)
{
	for (size_t i = 0; i < p->out.count; i++)
		if (p->out.actions[i].kind == kind)
			return &p->out.actions[i];
	fail_msg("no %s in: %s", call_action_name(kind), p->actions);
	return NULL;
}

static void play_to(struct play *p, enum path_setup setup, const char *const events[])
{
	path_set_up(setup, p);
	assert_int_equal(play_start(p), 0);
	for (size_t i = 0; events[i]; i++)
		assert_true(play_named(p, events[i], (unsigned)i * 100));
}

static void a_refusal_says_what_meta_said(void **state)
{
	static const char *const events[] = {PATH_DIAL, "connect:130429", NULL};
	const struct call_action *a;
	struct play p;

	(void)state;
	play_to(&p, SIP_CALLS, events);
	a = find_action(&p, CALL_DO_SIP_REJECT);
	assert_int_equal(a->u.reject.code, 503);
	assert_int_equal(a->u.reject.cause, CAUSE_META_LIMIT);
	assert_int_equal(a->u.reject.q850, 42);
	assert_int_equal(a->u.reject.meta_code, 130429);
	assert_string_equal(a->u.reject.meta_text, "slow down");
	assert_true(a->u.reject.retry_after_s > 0);
	play_done(&p);
}

static void a_refusal_says_why_he_may_not_be_called(void **state)
{
	static const char *const events[] = {"dial", "media:opened", "permission:none", NULL};
	const struct call_action *a;
	struct play p;

	(void)state;
	play_to(&p, SIP_CALLS, events);
	a = find_action(&p, CALL_DO_SIP_REJECT);
	assert_string_equal(a->u.reject.text, "asked for on 2026-11-20");
	assert_int_equal(a->u.reject.retry_after_s, 0);
	assert_int_equal(a->u.reject.meta_code, 0);
	play_done(&p);
}

static const char *header_of(const struct call_action *a, const char *name)
{
	for (size_t i = 0; i < a->u.invite.header_count; i++)
		if (strcmp(a->u.invite.headers[i].name, name) == 0)
			return a->u.invite.headers[i].value;
	return "";
}

static void the_invite_to_the_agent_says_who_is_called(void **state)
{
	static const struct route_header own[] = {{"X-Queue", "sales\r\nX-Evil: 1"}};
	const struct call_action *a;
	struct play p;

	(void)state;
	path_set_up(USER_FIRST, &p);
	p.dial.target.headers = own;
	p.dial.target.header_count = 1;
	p.dial.target.from_display = "Callback";
	assert_int_equal(play_start(&p), 0);
	for (size_t i = 0; i < 8; i++)
		play_named(&p, ((const char *const[]){PATH_OUT})[i], 0);
	a = find_action(&p, CALL_DO_SIP_INVITE);
	assert_string_equal(a->u.invite.target, "sip:600@127.0.0.1:5070");
	assert_string_equal(a->u.invite.from_user, "+447700900123");
	assert_string_equal(a->u.invite.from_display, "Callback");
	assert_string_equal(header_of(a, "X-Queue"), "salesX-Evil: 1");
	assert_string_equal(header_of(a, "X-WA-Call-Id"), "wacid.OUT==");
	assert_string_equal(header_of(a, "X-WA-User-Id"), "GB.1000200030004000500");
	assert_non_null(strstr(a->u.invite.sdp, "m=audio 20000 RTP/AVP 0 8 101"));
	play_done(&p);
}

static void report_of_a_dialled_call(void **state)
{
	static const char *const events[] = {PATH_OUT, NULL};
	struct call_report r;
	struct play p;

	(void)state;
	play_to(&p, SIP_CALLS, events);
	call_report(p.call, &r);
	assert_true(r.outbound);
	assert_int_equal(r.order, DIAL_SIP_CALLS);
	assert_string_equal(r.wacid, "wacid.OUT==");
	assert_string_equal(r.rule, "out");
	assert_string_equal(r.gateway, "pbx");
	assert_string_equal(r.sip_call_id, "their@pbx");
	assert_string_equal(r.sdp_wa_remote, play_wa_answer);
	assert_non_null(strstr(r.sdp_wa_local, "a=setup:actpass"));
	assert_string_equal(r.sdp_sip_remote, play_sip_answer);
	assert_int_equal(r.rang_ms - r.started_ms, 600);
	assert_int_equal(r.answered_ms - r.started_ms, 700);
	assert_int_equal(r.ignored, 0);
	play_done(&p);
}

/* Meta's answer to who begins DTLS; its sample says active. */
static void offering_active_makes_us_the_client(void **state)
{
	static const char *const events[] = {PATH_DIAL, "wa:answer"};
	struct play p;

	(void)state;
	for (int active = 0; active < 2; active++) {
		path_set_up(SIP_CALLS, &p);
		p.dial.offer_active = active;
		assert_int_equal(play_start(&p), 0);
		for (size_t i = 0; i < sizeof(events) / sizeof(events[0]); i++)
			play_named(&p, events[i], 0);
		assert_int_equal(find_action(&p, CALL_DO_MEDIA_SET_WA)->u.wa.we_are_dtls_client, active);
		play_done(&p);
	}
}

static void a_caller_who_cannot_talk_does_not_ring(void **state)
{
	struct play p;

	(void)state;
	path_set_up(SIP_CALLS, &p);
	p.dial.sip_offer = "v=0\r\n";
	p.dial.sip_offer_length = 5;
	assert_int_equal(play_start(&p), 0);
	play_named(&p, "dial", 0);
	play_named(&p, "media:opened", 0);
	assert_string_equal(p.actions, "cancel:window sip_reject:488 media_close set:close");
	play_done(&p);
}

static void a_target_too_long_is_not_dialled(void **state)
{
	static char uri[5000] = "sip:";
	struct play p;

	(void)state;
	memset(uri + 4, 'a', sizeof(uri) - 5);
	path_set_up(AGENT_FIRST, &p);
	p.dial.target.uri = uri;
	assert_int_equal(play_start(&p), -ENOMEM);
	assert_null(p.call);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_story),
		cmocka_unit_test(each_story_with_every_event_twice),
		cmocka_unit_test(timers_alone_end_every_story),
		cmocka_unit_test(a_refusal_says_what_meta_said),
		cmocka_unit_test(a_refusal_says_why_he_may_not_be_called),
		cmocka_unit_test(the_invite_to_the_agent_says_who_is_called),
		cmocka_unit_test(report_of_a_dialled_call),
		cmocka_unit_test(offering_active_makes_us_the_client),
		cmocka_unit_test(a_caller_who_cannot_talk_does_not_ring),
		cmocka_unit_test(a_target_too_long_is_not_dialled),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
