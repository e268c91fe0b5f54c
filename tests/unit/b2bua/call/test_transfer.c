/* tests/unit/b2bua/call/test_transfer.c
 *
 * Transfer, hold and control of a call that is up, told as tables.
 */
#include "tests/unit/b2bua/call/paths.h"
#include "tests/unit/b2bua/call/story.h"

#define CONNECTED                                                                                                      \
	{0, "offer", "set:window media_open"},                                                                         \
		{0, "media:opened", "media_set_wa sip_invite graph:pre_accept set:ring"}, {100, "pre_accept:ok", ""},  \
		{400, "media:up", ""},                                                                                 \
		{900, "sip:200", "cancel:ring media_set_sip graph:accept cancel:window set:media"},                    \
	{                                                                                                              \
		980, "accept:ok", "cancel:media set:limit media_start_wa"                                              \
	}
#define REFERRED                                                                                                       \
	{                                                                                                              \
		5000, "refer", "sip_refer_respond:202 sip_notify:100 t:sip_invite set:transfer"                        \
	}
#define RELEASE "cancel:close record release"
#define HANGUP  "cancel:limit graph:terminate media_close set:close"
#define USER_GONE(at)                                                                                                  \
	{at, "wa:end_answered", "cancel:limit sip_bye:normal media_close set:close"},                                  \
	{                                                                                                              \
		(at) + 1, "media:closed", RELEASE                                                                      \
	}
#define SIP_GONE(at)                                                                                                   \
	{at, "sip:bye", HANGUP}, {(at) + 1, "media:closed", ""},                                                       \
	{                                                                                                              \
		(at) + 100, "terminate:ok", RELEASE                                                                    \
	}
#define TAKEN_OVER "media_set_sip:new sip_bye:normal t:sip_promote"

static const struct story stories[] = {
	{"a blind transfer, answered", IN,
		{CONNECTED, REFERRED, {5100, "t:100", ""}, {5200, "t:180", "sip_notify:180"}, {5300, "t:180", ""},
			{8000, "t:200", "cancel:transfer sip_notify:200/final " TAKEN_OVER},
			{8001, "sip:update", "sip_respond:200"}, SIP_GONE(60000)},
		CAUSE_NORMAL, ENDED_BY_SIP, CALL_END_COMPLETED},
	{"an attended transfer that we are to pass on", IN,
		{CONNECTED, {5000, "refer:replaces", "sip_refer_respond:202 sip_notify:100 t:sip_invite set:transfer"},
			{5500, "t:200", "cancel:transfer sip_notify:200/final " TAKEN_OVER}, USER_GONE(60000)},
		CAUSE_NORMAL, ENDED_BY_USER, CALL_END_COMPLETED},
	{"the target is busy, the transferor goes on", IN,
		{CONNECTED, REFERRED, {5200, "t:180", "sip_notify:180"},
			{8000, "t:486", "cancel:transfer sip_notify:486/final"}, {9000, "t:200", ""}, SIP_GONE(60000)},
		CAUSE_NORMAL, ENDED_BY_SIP, CALL_END_COMPLETED},
	{"the target does not answer", IN,
		{CONNECTED, REFERRED, {35000, "timer:transfer", "t:sip_cancel:no_answer sip_notify:408/final"},
			SIP_GONE(60000)},
		CAUSE_NORMAL, ENDED_BY_SIP, CALL_END_COMPLETED},
	{"the target cannot talk", IN,
		{CONNECTED, REFERRED, {8000, "t:200_g729", "t:sip_bye:no_codec cancel:transfer sip_notify:488/final"},
			SIP_GONE(60000)},
		CAUSE_NORMAL, ENDED_BY_SIP, CALL_END_COMPLETED},
	{"the target is lost", IN,
		{CONNECTED, REFERRED, {8000, "t:lost", "cancel:transfer sip_notify:503/final"}, SIP_GONE(60000)},
		CAUSE_NORMAL, ENDED_BY_SIP, CALL_END_COMPLETED},
	{"the target is elsewhere", IN,
		{CONNECTED, REFERRED, {6000, "t:302", "t:sip_invite"}, {6100, "t:302", "t:sip_invite"},
			{6200, "t:302", "t:sip_invite"}, {6300, "t:302", "cancel:transfer sip_notify:302/final"},
			SIP_GONE(60000)},
		CAUSE_NORMAL, ENDED_BY_SIP, CALL_END_COMPLETED},
	{"two transfers, one after the other", IN,
		{CONNECTED, REFERRED, {8000, "t:200", "cancel:transfer sip_notify:200/final " TAKEN_OVER},
			{9000, "refer", "sip_refer_respond:202 sip_notify:100 t:sip_invite set:transfer"},
			{9500, "t:200", "cancel:transfer sip_notify:200/final " TAKEN_OVER}, SIP_GONE(60000)},
		CAUSE_NORMAL, ENDED_BY_SIP, CALL_END_COMPLETED},
	{"a second transfer at the same time", IN,
		{CONNECTED, REFERRED, {6000, "refer", "sip_refer_respond:491"}, {6100, "transfer", ""},
			{6200, "replaced", ""}, {6300, "t:refer", "t:sip_refer_respond:491"},
			{8000, "t:486", "cancel:transfer sip_notify:486/final"}, SIP_GONE(60000)},
		CAUSE_NORMAL, ENDED_BY_SIP, CALL_END_COMPLETED},
	{"a transfer that is not allowed, or leads nowhere", IN,
		{CONNECTED, {5000, "refer:forbidden", "sip_refer_respond:404"},
			{6000, "refer:nowhere", "sip_refer_respond:500"}, {7000, "transfer:forbidden", ""},
			SIP_GONE(60000)},
		CAUSE_NORMAL, ENDED_BY_SIP, CALL_END_COMPLETED},
	{"REFER before the call is up", IN,
		{{0, "offer", "set:window media_open"},
			{0, "media:opened", "media_set_wa sip_invite graph:pre_accept set:ring"},
			{500, "refer", "sip_refer_respond:491"},
			{600, "sip:486", "cancel:window cancel:ring media_close set:close"}, {601, "media:closed", ""},
			{602, "refer", ""}, {700, "pre_accept:ok", "graph:terminate set:close"},
			{800, "terminate:ok", RELEASE}},
		CAUSE_BUSY, ENDED_BY_SIP, CALL_END_REJECTED},

	/* ---- somebody hangs up meanwhile ---- */
	{"the transferor hangs up, the target answers", IN,
		{CONNECTED, REFERRED, {5200, "t:180", "sip_notify:180"},
			{6000, "sip:bye", "media_set_sip play:wa:ringback"},
			{8000, "t:200", "cancel:transfer media_set_sip:new t:sip_promote play:wa:none"},
			SIP_GONE(60000)},
		CAUSE_NORMAL, ENDED_BY_SIP, CALL_END_COMPLETED},
	{"the transferor hangs up, the target is busy", IN,
		{CONNECTED, REFERRED, {6000, "sip:bye", "media_set_sip play:wa:ringback"},
			{8000, "t:486", "cancel:transfer " HANGUP}, {8001, "media:closed", ""},
			{8100, "terminate:ok", RELEASE}},
		CAUSE_BUSY, ENDED_BY_SIP, CALL_END_REJECTED},
	{"the transferor is lost, the target does not answer", IN,
		{CONNECTED, REFERRED, {6000, "sip:lost", "media_set_sip play:wa:ringback"},
			{35000, "timer:transfer", "t:sip_cancel:no_answer " HANGUP}, {35001, "media:closed", ""},
			{35100, "terminate:ok", RELEASE}},
		CAUSE_NO_ANSWER, ENDED_BY_US, CALL_END_MISSED},
	{"the user hangs up while the target rings", IN,
		{CONNECTED, REFERRED, {5200, "t:180", "sip_notify:180"},
			{6000, "wa:end_answered",
				"cancel:limit cancel:transfer sip_notify:487/final t:sip_cancel:normal sip_bye:normal "
				"media_close set:close"},
			{6001, "t:200", ""}, {6002, "media:closed", RELEASE}},
		CAUSE_NORMAL, ENDED_BY_USER, CALL_END_COMPLETED},
	{"both hang up while the target rings", IN,
		{CONNECTED, REFERRED, {6000, "sip:bye", "media_set_sip play:wa:ringback"},
			{6100, "wa:end_answered",
				"cancel:limit cancel:transfer t:sip_cancel:normal media_close set:close"},
			{6101, "media:closed", RELEASE}},
		CAUSE_NORMAL, ENDED_BY_USER, CALL_END_COMPLETED},
	{"an operator ends the call while the target rings", IN,
		{CONNECTED, REFERRED,
			{6000, "hangup:admin",
				"cancel:limit cancel:transfer sip_notify:487/final t:sip_cancel:admin sip_bye:admin "
				"graph:terminate media_close set:close"},
			{6001, "media:closed", ""}, {6100, "terminate:ok", RELEASE}},
		CAUSE_ADMIN, ENDED_BY_ADMIN, CALL_END_COMPLETED},

	/* ---- offers meanwhile ---- */
	{"held by the transferor, who stays held", IN,
		{CONNECTED, {4000, "sip:inactive", "media_set_sip sip_respond:200+sdp play:wa:music"}, REFERRED,
			{6000, "t:offer", "t:sip_respond:491"}, {6001, "t:update", "t:sip_respond:200"},
			{6100, "sip:hold", "media_set_sip sip_respond:200+sdp play:wa:none"},
			{6200, "sip:inactive", "media_set_sip sip_respond:200+sdp play:wa:music"},
			{8000, "t:486", "cancel:transfer sip_notify:486/final"},
			{9000, "sip:refresh", "media_set_sip sip_respond:200+sdp play:wa:none"}, SIP_GONE(60000)},
		CAUSE_NORMAL, ENDED_BY_SIP, CALL_END_COMPLETED},
	{"held by the transferor, the target talks", IN,
		{CONNECTED, {4000, "sip:hold_zero", "media_set_sip sip_respond:200+sdp play:wa:music"}, REFERRED,
			{8000, "t:200", "cancel:transfer sip_notify:200/final " TAKEN_OVER " play:wa:none"},
			SIP_GONE(60000)},
		CAUSE_NORMAL, ENDED_BY_SIP, CALL_END_COMPLETED},

	/* ---- by the API, by Replaces ---- */
	{"the API transfers", IN,
		{CONNECTED, {5000, "transfer", "t:sip_invite set:transfer"}, {5200, "t:180", ""},
			{8000, "t:200", "cancel:transfer " TAKEN_OVER}, SIP_GONE(60000)},
		CAUSE_NORMAL, ENDED_BY_SIP, CALL_END_COMPLETED},
	{"the API transfers, and the target declines", IN,
		{CONNECTED, {5000, "transfer", "t:sip_invite set:transfer"}, {8000, "t:486", "cancel:transfer"},
			SIP_GONE(60000)},
		CAUSE_NORMAL, ENDED_BY_SIP, CALL_END_COMPLETED},
	{"somebody takes the place", IN,
		{CONNECTED, {5000, "replaced", "t:sip_accept:200+sdp " TAKEN_OVER}, SIP_GONE(60000)}, CAUSE_NORMAL,
		ENDED_BY_SIP, CALL_END_COMPLETED},
	{"somebody takes the place, his answer is in the ACK", IN,
		{CONNECTED, {5000, "replaced:offerless", "t:sip_accept:200+sdp sip_bye:normal t:sip_promote"},
			{5050, "sip:ack", "media_set_sip:new"}, SIP_GONE(60000)},
		CAUSE_NORMAL, ENDED_BY_SIP, CALL_END_COMPLETED},
	{"somebody takes the place, and cannot talk", IN,
		{CONNECTED, {5000, "replaced:g729", "t:sip_reject:488"}, {6000, "sip:update", "sip_respond:200"},
			SIP_GONE(60000)},
		CAUSE_NORMAL, ENDED_BY_SIP, CALL_END_COMPLETED},

	/* ---- control ---- */
	{"hold, mute and digits by the API", IN,
		{CONNECTED, {5000, "hold:on", "play:wa:music play:sip:silence"}, {5100, "mute:wa", "mute:wa:on"},
			{5200, "mute:nobody", ""}, {5300, "dtmf", "dtmf:sip:12#"}, {5400, "dtmf:none", ""},
			{5500, "sip:inactive", "media_set_sip sip_respond:200+sdp"},
			{6000, "hold:off", "play:sip:none"},
			{6100, "sip:refresh", "media_set_sip sip_respond:200+sdp play:wa:none"}, SIP_GONE(60000)},
		CAUSE_NORMAL, ENDED_BY_SIP, CALL_END_COMPLETED},
	{"an event of a leg that no call has", IN,
		{CONNECTED, {5000, "x:180", ""}, {5100, "t:bye", ""}, SIP_GONE(60000)}, CAUSE_NORMAL, ENDED_BY_SIP,
		CALL_END_COMPLETED},
	{"a dialled call is transferred", USER_FIRST,
		{{0, "dial", "set:window media_open"}, {0, "media:opened", "ask_permission"},
			{100, "permission:granted", "cancel:window graph:connect set:ring"}, {300, "connect:ok", ""},
			{900, "wa:answer", "media_set_wa"}, {1200, "media:up", ""},
			{2000, "wa:accepted",
				"cancel:ring set:limit media_start_wa sip_invite set:ring play:wa:ringback"},
			{3000, "sip:200", "cancel:ring media_set_sip play:wa:none"}, REFERRED,
			{8000, "t:200", "cancel:transfer sip_notify:200/final " TAKEN_OVER}, SIP_GONE(60000)},
		CAUSE_NORMAL, ENDED_BY_SIP, CALL_END_COMPLETED},
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

static void call_up(struct play *p)
{
	static const char *const events[] = {PATH_UP};

	path_set_up(IN, p);
	assert_int_equal(play_start(p), 0);
	for (size_t i = 0; i < sizeof(events) / sizeof(events[0]); i++)
		assert_true(play_named(p, events[i], 0));
}

static void report_of_a_transfer(void **state)
{
	struct call_report r;
	struct play p;

	(void)state;
	call_up(&p);
	call_report(p.call, &r);
	assert_false(r.transferring);
	assert_string_equal(r.transfer_target, "");
	play_named(&p, "hold:on", 10);
	play_named(&p, "refer", 20);
	call_report(p.call, &r);
	assert_true(r.transferring);
	assert_true(r.on_hold);
	assert_string_equal(r.transfer_target, "sip:601@127.0.0.1:5070");
	assert_string_equal(r.sip_target, "sip:600@127.0.0.1:5070;transport=udp");
	assert_int_equal(r.transfer_code, 0);
	play_named(&p, "t:200", 30);
	call_report(p.call, &r);
	assert_false(r.transferring);
	assert_int_equal(r.transfers, 1);
	assert_int_equal(r.transfer_code, 200);
	assert_string_equal(r.sip_target, "sip:601@127.0.0.1:5070");
	assert_string_equal(r.sip_call_id, "target@gw");
	play_named(&p, "refer", 40);
	play_named(&p, "t:486", 50);
	call_report(p.call, &r);
	assert_int_equal(r.transfers, 1);
	assert_int_equal(r.transfer_code, 486);
	assert_int_equal(r.state, CALL_UP);
	assert_null(p.fault);
	play_done(&p);
}

static void the_invite_to_the_target_says_who_refers(void **state)
{
	const struct call_action *a;
	struct play p;

	(void)state;
	call_up(&p);
	play_named(&p, "refer", 10);
	a = &p.out.actions[2];
	assert_int_equal(a->kind, CALL_DO_SIP_INVITE);
	assert_int_equal(a->leg, CALL_LEG_TARGET);
	assert_string_equal(a->u.invite.target, "sip:601@127.0.0.1:5070");
	assert_string_equal(a->u.invite.referred_by, "<sip:600@pbx>");
	assert_null(a->u.invite.replaces);
	assert_string_equal(a->u.invite.from_user, "+447700900123");
	assert_string_equal(a->u.invite.gateway->name, "pbx");
	assert_non_null(strstr(a->u.invite.sdp, "m=audio 20000 ")); /* the port the peer before it had */
	play_done(&p);
}

/* The WhatsApp leg is set up once, whatever happens on the other side. */
static void the_new_peer_is_told_to_media(void **state)
{
	struct play p;
	bool seen = false;

	(void)state;
	call_up(&p);
	play_named(&p, "transfer", 10);
	play_named(&p, "t:200", 20);
	for (size_t i = 0; i < p.out.count; i++) {
		const struct call_action *a = &p.out.actions[i];
		assert_int_not_equal(a->kind, CALL_DO_MEDIA_SET_WA);
		assert_int_not_equal(a->kind, CALL_DO_MEDIA_START_WA);
		if (a->kind != CALL_DO_MEDIA_SET_SIP)
			continue;
		assert_true(a->u.sip_media.new_peer);
		assert_int_equal(addr_port(&a->u.sip_media.rtp), 14000);
		seen = true;
	}
	assert_true(seen);
	play_named(&p, "sip:hold", 30);
	assert_false(p.out.actions[0].u.sip_media.new_peer);
	play_done(&p);
}

/* A peer that transfers for ever fills no memory: from some point on he is refused, and the call goes on. */
static void transfers_without_end_are_refused(void **state)
{
	struct play p;
	int refused = 0;

	(void)state;
	call_up(&p);
	for (int i = 0; i < 200; i++) {
		play_named(&p, "refer", 10);
		refused += strcmp(p.actions, "sip_refer_respond:500") == 0;
		play_named(&p, i % 2 ? "t:486" : "t:200", 10);
		assert_null(p.fault);
	}
	assert_in_range(refused, 100, 199);
	assert_int_equal(play_state(&p), CALL_UP);
	play_done(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_story),
		cmocka_unit_test(each_story_with_every_event_twice),
		cmocka_unit_test(timers_alone_end_every_story),
		cmocka_unit_test(report_of_a_transfer),
		cmocka_unit_test(the_invite_to_the_target_says_who_refers),
		cmocka_unit_test(the_new_peer_is_told_to_media),
		cmocka_unit_test(transfers_without_end_are_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
