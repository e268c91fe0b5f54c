/* tests/unit/b2bua/call/test_group.c
 *
 * Calls with several gateways: which failure lets the next one ring, and which ends the call.
 */
#include "tests/unit/b2bua/call/story.h"

enum { USUAL, ON_NO_ANSWER, SECURE, THREE, AGENT, USER };

#define OPENED                                                                                                         \
	{0, "offer", "set:window media_open"},                                                                         \
		{0, "media:opened", "media_set_wa sip_invite graph:pre_accept set:ring"}, {150, "pre_accept:ok", ""},  \
	{                                                                                                              \
		400, "media:up", ""                                                                                    \
	}
#define TALKS(at)                                                                                                      \
	{at, "sip:200", "cancel:ring media_set_sip graph:accept cancel:window set:media"},                             \
		{(at) + 80, "accept:ok", "cancel:media set:limit media_start_wa"},                                     \
		{65000, "wa:end_answered", "cancel:limit sip_bye:normal media_close set:close"},                       \
	{                                                                                                              \
		65002, "media:closed", RELEASE                                                                         \
	}
#define RELEASE "cancel:close record release"
#define END                                                                                                            \
	{29990, "media:closed", ""},                                                                                   \
	{                                                                                                              \
		29999, "terminate:ok", RELEASE                                                                         \
	}
#define GIVEN_UP "cancel:window cancel:ring graph:terminate media_close set:close"
#define NEXT     "sip_invite set:ring"
#define DIALLED                                                                                                        \
	{0, "dial", "set:window media_open"},                                                                          \
	{                                                                                                              \
		0, "media:opened", "ask_permission"                                                                    \
	}

static const struct story stories[] = {
	{"the first gateway is down, the second answers", USUAL, {OPENED, {700, "sip:503", NEXT}, TALKS(5000)},
		CAUSE_NORMAL, ENDED_BY_USER, CALL_END_COMPLETED},
	{"the first gateway is lost while it rings", USUAL, {OPENED, {700, "sip:lost", NEXT}, TALKS(5000)},
		CAUSE_NORMAL, ENDED_BY_USER, CALL_END_COMPLETED},
	{"both are down", USUAL, {OPENED, {700, "sip:503", NEXT}, {900, "sip:503", GIVEN_UP}, END}, CAUSE_GATEWAY_DOWN,
		ENDED_BY_SIP, CALL_END_FAILED},
	{"busy is an answer, and no reason to ask elsewhere", USUAL, {OPENED, {700, "sip:486", GIVEN_UP}, END},
		CAUSE_BUSY, ENDED_BY_SIP, CALL_END_REJECTED},
	{"not picked up, by default no reason either", USUAL,
		{OPENED,
			{25000, "timer:ring",
				"cancel:window sip_cancel:no_answer graph:terminate media_close set:close"},
			END},
		CAUSE_NO_ANSWER, ENDED_BY_US, CALL_END_MISSED},
	{"not picked up, and the next one rings", ON_NO_ANSWER,
		{OPENED, {10000, "timer:ring", "sip_cancel:no_answer sip_invite set:ring"}, TALKS(12000)}, CAUSE_NORMAL,
		ENDED_BY_USER, CALL_END_COMPLETED},
	{"an answer without a codec of ours", ON_NO_ANSWER,
		{OPENED, {900, "sip:200_g729", "cancel:ring sip_bye:no_codec sip_invite set:ring"}, TALKS(5000)},
		CAUSE_NORMAL, ENDED_BY_USER, CALL_END_COMPLETED},
	{"SRTP refused: the same gateway once more, without", SECURE,
		{OPENED, {700, "sip:488", "sip_invite"}, TALKS(5000)}, CAUSE_NORMAL, ENDED_BY_USER, CALL_END_COMPLETED},
	{"and refused then, too", SECURE, {OPENED, {700, "sip:488", "sip_invite"}, {900, "sip:488", GIVEN_UP}, END},
		CAUSE_NO_CODEC, ENDED_BY_SIP, CALL_END_FAILED},
	{"Meta's window bounds all of them", THREE,
		{OPENED, {10000, "timer:ring", "sip_cancel:no_answer sip_invite set:ring"},
			{20000, "timer:ring", "sip_cancel:no_answer sip_invite set:ring"},
			{29000, "timer:window",
				"cancel:ring sip_cancel:no_answer graph:terminate media_close set:close"},
			END},
		CAUSE_NO_ANSWER, ENDED_BY_US, CALL_END_MISSED},
	{"the user gives up while the second one rings", USUAL,
		{OPENED, {700, "sip:503", NEXT},
			{4000, "wa:end", "cancel:window cancel:ring sip_cancel:cancelled media_close set:close"},
			{4001, "media:closed", RELEASE}},
		CAUSE_CANCELLED, ENDED_BY_USER, CALL_END_CANCELLED},
	{"agent first: another agent's gateway", AGENT,
		{DIALLED, {10, "permission:granted", "cancel:window sip_invite set:ring"}, {700, "sip:503", NEXT},
			{900, "sip:503", "cancel:ring media_close set:close"}, {901, "media:closed", RELEASE}},
		CAUSE_GATEWAY_DOWN, ENDED_BY_SIP, CALL_END_FAILED},
	{"a caller who is gone is not looked for elsewhere", USUAL,
		{OPENED, {5000, "sip:200", "cancel:ring media_set_sip graph:accept cancel:window set:media"},
			{5080, "accept:ok", "cancel:media set:limit media_start_wa"},
			{9000, "sip:lost", "cancel:limit graph:terminate media_close set:close"}, END},
		CAUSE_GATEWAY_DOWN, ENDED_BY_SIP, CALL_END_FAILED},
};
enum { STORIES = sizeof(stories) / sizeof(stories[0]) };

static const struct call_gateway gateways[] = {
	{"pbx", "sip:127.0.0.1:5070;transport=udp", {AUDIO_PCMU, AUDIO_PCMA}, 20},
	{"spare", "sip:trunk@192.0.2.9;transport=tcp", {AUDIO_PCMU}, 20},
	{"last", "sip:192.0.2.10", {AUDIO_PCMU}, 20},
};

static const struct call_gateway offers_srtp[] = {
	{"pbx", "sip:127.0.0.1:5070;transport=udp", {AUDIO_PCMU}, 20, .srtp = MEDIA_SRTP_OFFER},
	{"spare", "sip:192.0.2.9", {AUDIO_PCMU}, 20, .srtp = MEDIA_SRTP_REQUIRE},
};

static void choose(struct play *p, int setup)
{
	struct route *r = &p->dialplan.route;

	p->settings.gateways = gateways;
	p->settings.gateway_count = 3;
	r->gateway_count = setup == THREE ? 3 : 2;
	r->gateways[1] = "spare";
	r->gateways[2] = "last";
	if (setup == SECURE)
		p->settings.gateways = offers_srtp, p->settings.gateway_count = 2;
	if (setup == ON_NO_ANSWER || setup == THREE) {
		r->timeout_s = 10;
		r->failover = (struct route_failover){.count = 2, .causes = {"no_answer", "no_codec"}};
	}
	p->dial.fallback.count = 1;
	p->dial.fallback.places[0] = (struct call_place){&gateways[1], "sip:601@192.0.2.9;transport=tcp"};
}

static void set_up(struct play *p, const struct story *s)
{
	if (s->setup == AGENT || s->setup == USER)
		play_init_dial(p, s->setup == AGENT ? DIAL_AGENT_FIRST : DIAL_USER_FIRST);
	else
		play_init(p);
	choose(p, s->setup);
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

static const struct call_action *invite_of(const struct play *p)
{
	for (size_t i = 0; i < p->out.count; i++)
		if (p->out.actions[i].kind == CALL_DO_SIP_INVITE)
			return &p->out.actions[i];
	fail_msg("no INVITE in %s", p->actions);
	return NULL;
}

/* The same user and headers, the next gateway's address and codecs, and a session description of its own. */
static void the_next_invite_is_for_the_next_gateway(void **state)
{
	const struct call_action *a;
	struct call_report r;
	struct play p;
	char first[2048];

	(void)state;
	play_init(&p);
	choose(&p, USUAL);
	assert_int_equal(play_start(&p), 0);
	play_named(&p, "offer", 0);
	play_named(&p, "media:opened", 0);
	a = invite_of(&p);
	assert_string_equal(a->u.invite.target, "sip:600@127.0.0.1:5070;transport=udp");
	assert_non_null(strstr(a->u.invite.sdp, "RTP/AVP 0 8 "));
	strncpy(first, a->u.invite.sdp, sizeof(first) - 1);
	first[sizeof(first) - 1] = '\0';
	play_named(&p, "sip:503", 100);
	a = invite_of(&p);
	assert_string_equal(a->u.invite.target, "sip:600@192.0.2.9;transport=tcp");
	assert_string_equal(a->u.invite.gateway->name, "spare");
	assert_non_null(strstr(a->u.invite.sdp, "RTP/AVP 0 1"));
	assert_string_not_equal(a->u.invite.sdp, first);
	call_report(p.call, &r);
	assert_int_equal(r.attempts, 2);
	assert_string_equal(r.gateway, "spare");
	assert_string_equal(r.sip_target, "sip:600@192.0.2.9;transport=tcp");
	play_done(&p);
}

/* User first: he waits, and hears ringback all the while. */
static void a_waiting_user_is_joined_by_the_second_gateway(void **state)
{
	static const char *const events[] = {"dial", "media:opened", "permission:granted", "connect:ok", "wa:answer",
		"media:up", "wa:ringing", "wa:accepted", "sip:503", "sip:200"};
	struct call_report r;
	struct play p;

	(void)state;
	play_init_dial(&p, DIAL_USER_FIRST);
	choose(&p, USER);
	assert_int_equal(play_start(&p), 0);
	for (size_t i = 0; i < sizeof(events) / sizeof(events[0]); i++) {
		assert_true(play_named(&p, events[i], (unsigned)i * 100));
		assert_null(p.fault);
	}
	assert_int_equal(play_state(&p), CALL_UP);
	call_report(p.call, &r);
	assert_int_equal(r.attempts, 2);
	assert_string_equal(r.sip_target, "sip:601@192.0.2.9;transport=tcp");
	play_done(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_story),
		cmocka_unit_test(timers_alone_end_every_story),
		cmocka_unit_test(the_next_invite_is_for_the_next_gateway),
		cmocka_unit_test(a_waiting_user_is_joined_by_the_second_gateway),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
