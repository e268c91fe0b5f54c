/* tests/unit/b2bua/call/test_fork.c
 *
 * Calls to several gateways at once, and calls that are accepted on early media: who wins, who is told to stop, which
 * of several failures is the call's, and what the record says of each attempt.
 */
#include "tests/unit/b2bua/call/paths.h"
#include "tests/unit/b2bua/call/story.h"

#define OPENED(invites)                                                                                                \
	{0, "offer", "set:window media_open"},                                                                         \
		{0, "media:opened", "media_set_wa " invites " graph:pre_accept set:ring"}, {150, "pre_accept:ok", ""}, \
	{                                                                                                              \
		400, "media:up", ""                                                                                    \
	}
#define THREE "0:sip_invite 1:sip_invite 2:sip_invite set:branch"
#define END                                                                                                            \
	{29990, "media:closed", ""},                                                                                   \
	{                                                                                                              \
		29999, "terminate:ok", RELEASE                                                                         \
	}
#define RELEASE "cancel:close record release"
#define TALK                                                                                                           \
	{9000, "accept:ok", "cancel:media set:limit media_start_wa"},                                                  \
		{65000, "wa:end_answered", "cancel:limit sip_bye:normal media_close set:close"},                       \
	{                                                                                                              \
		65002, "media:closed", RELEASE                                                                         \
	}
#define ACCEPT "graph:accept cancel:window set:media"
#define DIALLED                                                                                                        \
	{0, "dial", "set:window media_open"},                                                                          \
	{                                                                                                              \
		0, "media:opened", "ask_permission"                                                                    \
	}

static const struct story stories[] = {
	{"the first to answer has the call", IN_FORK,
		{OPENED(THREE), {500, "0:180", ""}, {600, "1:180", ""},
			{5000, "1:200",
				"0:sip_cancel:answered_elsewhere 2:sip_cancel:answered_elsewhere cancel:branch "
				"cancel:ring "
				"1:sip_promote media_set_sip " ACCEPT},
			{5001, "0:200", ""}, {5002, "2:lost", ""}, TALK},
		CAUSE_NORMAL, ENDED_BY_USER, CALL_END_COMPLETED},
	{"failures are waited out", IN_FORK,
		{OPENED(THREE), {500, "0:486", ""}, {600, "1:404", "cancel:branch"},
			{5000, "2:200", "cancel:ring 2:sip_promote media_set_sip " ACCEPT}, TALK},
		CAUSE_NORMAL, ENDED_BY_USER, CALL_END_COMPLETED},
	{"the lowest class is the best answer", IN_FORK,
		{OPENED(THREE), {500, "0:503", ""}, {600, "1:404", "cancel:branch"},
			{700, "2:500", "cancel:window cancel:ring graph:terminate media_close set:close"}, END},
		CAUSE_NOT_FOUND, ENDED_BY_SIP, CALL_END_FAILED},
	{"an answer is better than silence", IN_FORK,
		{OPENED(THREE), {500, "1:408", "cancel:branch"}, {600, "2:lost", ""},
			{700, "0:486", "cancel:window cancel:ring graph:terminate media_close set:close"}, END},
		CAUSE_BUSY, ENDED_BY_SIP, CALL_END_REJECTED},
	{"what tells the caller more goes before", IN_FORK,
		{OPENED(THREE), {500, "0:486", ""}, {600, "2:lost", ""},
			{700, "1:484", "cancel:window cancel:ring cancel:branch graph:terminate media_close set:close"},
			END},
		CAUSE_NOT_FOUND, ENDED_BY_SIP, CALL_END_FAILED},
	{"a 6xx speaks for all", IN_FORK,
		{OPENED(THREE), {500, "0:486", ""},
			{600, "1:603",
				"cancel:window cancel:ring cancel:branch 2:sip_cancel:declined graph:terminate "
				"media_close "
				"set:close"},
			END},
		CAUSE_DECLINED, ENDED_BY_SIP, CALL_END_REJECTED},
	{"the second has rung for its own time", IN_FORK,
		{OPENED(THREE), {10000, "timer:branch", "1:sip_cancel:no_answer"}, {10001, "1:200", ""},
			{12000, "0:200",
				"2:sip_cancel:answered_elsewhere cancel:ring 0:sip_promote media_set_sip " ACCEPT},
			TALK},
		CAUSE_NORMAL, ENDED_BY_USER, CALL_END_COMPLETED},
	{"its own time was the last of all", IN_FORK,
		{OPENED(THREE), {500, "2:lost", ""}, {600, "0:503", ""},
			{10000, "timer:branch",
				"1:sip_cancel:no_answer cancel:window cancel:ring graph:terminate media_close "
				"set:close"},
			END},
		CAUSE_NO_ANSWER, ENDED_BY_US, CALL_END_MISSED},
	{"the time of all is over", IN_FORK,
		{OPENED(THREE), {10000, "timer:branch", "1:sip_cancel:no_answer"},
			{25000, "timer:ring",
				"cancel:window 0:sip_cancel:no_answer 2:sip_cancel:no_answer graph:terminate "
				"media_close "
				"set:close"},
			END},
		CAUSE_NO_ANSWER, ENDED_BY_US, CALL_END_MISSED},
	{"a winner that cannot talk is none", IN_FORK,
		{OPENED(THREE), {500, "0:200_g729", "0:sip_bye:no_codec"},
			{600, "1:200_no_sdp", "1:sip_bye:gateway_failed cancel:branch"},
			{5000, "2:200", "cancel:ring 2:sip_promote media_set_sip " ACCEPT}, TALK},
		CAUSE_NORMAL, ENDED_BY_USER, CALL_END_COMPLETED},
	{"one is redirected, and rings on elsewhere", IN_FORK,
		{OPENED(THREE), {500, "0:302", "0:sip_invite"}, {600, "1:302_nowhere", "cancel:branch"},
			{5000, "0:200",
				"2:sip_cancel:answered_elsewhere cancel:ring 0:sip_promote media_set_sip " ACCEPT},
			TALK},
		CAUSE_NORMAL, ENDED_BY_USER, CALL_END_COMPLETED},
	{"the user gives up", IN_FORK,
		{OPENED(THREE), {500, "0:offer", "0:sip_respond:491"}, {600, "0:refer", "0:sip_refer_respond:491"},
			{700, "0:ack", ""},
			{4000, "wa:end",
				"cancel:window cancel:ring cancel:branch 0:sip_cancel:cancelled 1:sip_cancel:cancelled "
				"2:sip_cancel:cancelled media_close set:close"},
			{4001, "media:closed", RELEASE}},
		CAUSE_CANCELLED, ENDED_BY_USER, CALL_END_CANCELLED},
	{"agent first: whoever of them answers", AGENT_FORK,
		{DIALLED, {10, "permission:granted", "cancel:window 0:sip_invite 1:sip_invite set:branch set:ring"},
			{700, "0:503", ""},
			{900, "1:200", "cancel:branch cancel:ring 1:sip_promote media_set_sip graph:connect set:ring"},
			{1000, "connect:138006", "cancel:ring sip_bye:no_permission media_close set:close"},
			{1001, "media:closed", RELEASE}},
		CAUSE_NO_PERMISSION, ENDED_BY_META, CALL_END_REJECTED},
	/* early media */
	{"heard, then answered", IN_EARLY,
		{OPENED("sip_invite"), {500, "sip:180", ""}, {900, "sip:183", "media_set_sip " ACCEPT},
			{1000, "accept:ok", "cancel:media set:limit media_start_wa"}, {4000, "sip:180", ""},
			{8000, "sip:200", "cancel:ring"},
			{65000, "wa:end_answered", "cancel:limit sip_bye:normal media_close set:close"},
			{65002, "media:closed", RELEASE}},
		CAUSE_NORMAL, ENDED_BY_USER, CALL_END_COMPLETED},
	{"answered before accept was", IN_EARLY,
		{OPENED("sip_invite"), {900, "sip:180_sdp", "media_set_sip " ACCEPT}, {950, "sip:200", "cancel:ring"},
			TALK},
		CAUSE_NORMAL, ENDED_BY_USER, CALL_END_COMPLETED},
	{"another phone, and a third one answers", IN_EARLY,
		{OPENED("sip_invite"), {900, "sip:183", "media_set_sip " ACCEPT},
			{1000, "accept:ok", "cancel:media set:limit media_start_wa"},
			{2000, "sip:183_fork", "media_set_sip:new"}, {3000, "sip:183_g729", ""},
			{8000, "sip:200", "cancel:ring media_set_sip:new"},
			{65000, "wa:end_answered", "cancel:limit sip_bye:normal media_close set:close"},
			{65002, "media:closed", RELEASE}},
		CAUSE_NORMAL, ENDED_BY_USER, CALL_END_COMPLETED},
	{"heard, then busy", IN_EARLY,
		{OPENED("sip_invite"), {900, "sip:183", "media_set_sip " ACCEPT},
			{1000, "accept:ok", "cancel:media set:limit media_start_wa"},
			{4000, "sip:486", "cancel:ring cancel:limit graph:terminate media_close set:close"}, END},
		CAUSE_BUSY, ENDED_BY_SIP, CALL_END_REJECTED},
	{"busy while accept is on its way: terminate waits for it", IN_EARLY,
		{OPENED("sip_invite"), {900, "sip:183", "media_set_sip " ACCEPT},
			{950, "sip:486", "cancel:ring cancel:media media_close set:close"},
			{1000, "accept:ok", "graph:terminate set:close"}, END},
		CAUSE_BUSY, ENDED_BY_SIP, CALL_END_REJECTED},
	{"nobody picks up behind the announcement", IN_EARLY,
		{OPENED("sip_invite"), {900, "sip:183", "media_set_sip " ACCEPT},
			{1000, "accept:ok", "cancel:media set:limit media_start_wa"},
			{25000, "timer:ring",
				"cancel:limit sip_cancel:no_answer graph:terminate media_close set:close"},
			END},
		CAUSE_NO_ANSWER, ENDED_BY_US, CALL_END_MISSED},
	{"the user hangs up on the announcement", IN_EARLY,
		{OPENED("sip_invite"), {900, "sip:183", "media_set_sip " ACCEPT},
			{1000, "accept:ok", "cancel:media set:limit media_start_wa"},
			{4000, "wa:end_answered",
				"cancel:ring cancel:limit sip_cancel:cancelled media_close set:close"},
			{4001, "media:closed", RELEASE}},
		CAUSE_CANCELLED, ENDED_BY_USER, CALL_END_CANCELLED},
	{"an operator ends it: that was no conversation", IN_EARLY,
		{OPENED("sip_invite"), {900, "sip:183", "media_set_sip " ACCEPT},
			{1000, "accept:ok", "cancel:media set:limit media_start_wa"},
			{4000, "hangup:admin",
				"cancel:ring cancel:limit sip_cancel:admin graph:terminate media_close set:close"},
			END},
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

static void timers_alone_end_every_story(void **state)
{
	(void)state;
	stories_cut_short(stories, STORIES, set_up);
}

static void play_all(struct play *p, enum path_setup setup, const char *const *events, size_t count)
{
	path_set_up(setup, p);
	assert_int_equal(play_start(p), 0);
	for (size_t i = 0; i < count; i++) {
		assert_true(play_named(p, events[i], (unsigned)i * 100));
		assert_null(p->fault);
	}
}

#define PLAY_ALL(p, setup, events) play_all(p, setup, events, sizeof(events) / sizeof((events)[0]))

/* One port, and a description of its own for each. */
static void each_gateway_has_an_offer_of_its_own(void **state)
{
	static const char *const events[] = {"offer", "media:opened"};
	static const char *const uris[] = {
		"sip:600@127.0.0.1:5070;transport=udp", "sip:600@192.0.2.9;transport=tcp", "sip:600@192.0.2.10"};
	const char *texts[3];
	struct play p;
	size_t n = 0;

	(void)state;
	PLAY_ALL(&p, IN_FORK, events);
	for (size_t i = 0; i < p.out.count; i++) {
		const struct call_action *a = &p.out.actions[i];
		if (a->kind != CALL_DO_SIP_INVITE)
			continue;
		assert_int_equal(a->leg, CALL_LEG_BRANCH + n);
		assert_string_equal(a->u.invite.target, uris[n]);
		assert_non_null(strstr(a->u.invite.sdp, "m=audio 20000 "));
		assert_string_equal(a->u.invite.from_user, "+447700900123");
		assert_true(a->u.invite.header_count > 3);
		texts[n++] = a->u.invite.sdp;
	}
	assert_int_equal(n, 3);
	assert_non_null(strstr(texts[0], "RTP/AVP 0 8 "));
	assert_null(strstr(texts[1], "RTP/AVP 0 8 "));
	assert_non_null(strstr(texts[2], "a=crypto:"));
	assert_string_not_equal(texts[0], texts[1]);
	play_done(&p);
}

static void the_record_tells_every_attempt(void **state)
{
	static const char *const events[] = {
		"offer", "media:opened", "0:180", "0:302", "1:404", "2:200", "media:up", "accept:ok"};
	static const struct {
		const char *gateway;
		int code;
		enum cause cause;
		unsigned ms;
	} want[] = {
		{"pbx", 302, CAUSE_GATEWAY_FAILED, 200},
		{"spare", 404, CAUSE_NOT_FOUND, 300},
		{"last", 200, CAUSE_NORMAL, 400},
		{"pbx", 0, CAUSE_ANSWERED_ELSEWHERE, 200},
	};
	struct call_report r;
	struct play p;

	(void)state;
	PLAY_ALL(&p, IN_FORK, events);
	call_report(p.call, &r);
	assert_int_equal(r.state, CALL_UP);
	assert_string_equal(r.gateway, "last");
	assert_string_equal(r.sip_target, "sip:600@192.0.2.10");
	assert_int_equal(r.attempts, 3);
	assert_int_equal(r.try_count, 4);
	for (size_t i = 0; i < r.try_count; i++) {
		assert_string_equal(r.tries[i].gateway, want[i].gateway);
		assert_true(r.tries[i].over);
		if (r.tries[i].sip_code != want[i].code || r.tries[i].cause != want[i].cause ||
			r.tries[i].ms != want[i].ms)
			fail_msg("%zu: %d %s after %u ms", i, r.tries[i].sip_code, cause_info(r.tries[i].cause)->name,
				r.tries[i].ms);
	}
	play_done(&p);
}

static void the_record_tells_what_was_heard(void **state)
{
	static const char *const heard[] = {"offer", "media:opened", "media:up", "sip:183", "accept:ok", "sip:486"};
	static const char *const unheard[] = {"offer", "media:opened", "media:up", "sip:183", "sip:200", "accept:ok"};
	struct call_report r;
	struct play p;

	(void)state;
	PLAY_ALL(&p, IN_EARLY, heard);
	call_report(p.call, &r);
	assert_true(r.accepted_early && r.answered_ms && r.early_media == 1);
	assert_int_equal(r.sip_code, 486);
	play_done(&p);
	PLAY_ALL(&p, IN, unheard);
	call_report(p.call, &r);
	assert_true(!r.accepted_early && r.answered_ms && r.early_media == 1);
	play_done(&p);
}

/* Serial: the ring time of each. */
static void each_gateway_has_its_own_ring_time(void **state)
{
	static const char *const events[] = {"offer", "media:opened", "sip:503"};
	struct play p;

	(void)state;
	path_set_up(IN_FORK, &p);
	p.dialplan.route.parallel = false;
	assert_int_equal(play_start(&p), 0);
	for (size_t i = 0; i < 3; i++)
		play_named(&p, events[i], 0);
	assert_string_equal(p.actions, "sip_invite set:ring");
	assert_int_equal(p.watch.timer_at_us[CALL_TIMER_RING], PLAY_START_US + 10 * 1000000);
	play_named(&p, "sip:503", 1000);
	assert_int_equal(p.watch.timer_at_us[CALL_TIMER_RING], PLAY_START_US + 26 * 1000000);
	assert_null(p.fault);
	play_done(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_story),
		cmocka_unit_test(timers_alone_end_every_story),
		cmocka_unit_test(each_gateway_has_an_offer_of_its_own),
		cmocka_unit_test(the_record_tells_every_attempt),
		cmocka_unit_test(the_record_tells_what_was_heard),
		cmocka_unit_test(each_gateway_has_its_own_ring_time),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
