/* Calls to sipp, told by the scenarios in xml/: what the peer does, how we react, what the module says. */
#include "lib/base/clock.h"
#include "tests/scenario/sip/rig.h"
#include "tests/scenario/sip/sipp.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

struct call {
	const char *xml;
	bool tcp;
	struct reaction reactions[4];
	const char *said;
	const char *sdp; /* part of the last SDP */
};

static const struct call calls[] = {
	{"answer_peer_bye", false, {{0}}, "progress/180 answered/200+sdp bye/q16", "m=audio 41000"},
	{"answer_peer_bye", true, {{0}}, "progress/180 answered/200+sdp bye/q16", NULL},
	{"answer_our_bye", false, {{SIP_EV_ANSWERED, 0, ACT_BYE}}, "progress/180 answered/200+sdp", NULL},
	{"answer_our_bye", true, {{SIP_EV_ANSWERED, 0, ACT_BYE}}, "progress/180 answered/200+sdp", NULL},
	{"ring_cancel", false, {{SIP_EV_PROGRESS, 180, ACT_CANCEL}}, "progress/180", NULL},
	{"ring_cancel", true, {{SIP_EV_PROGRESS, 180, ACT_CANCEL}}, "progress/180", NULL},
	{"cancel_crosses_200", false, {{SIP_EV_PROGRESS, 180, ACT_CANCEL}}, "progress/180", NULL},
	{"cancel_crosses_200", true, {{SIP_EV_PROGRESS, 180, ACT_CANCEL}}, "progress/180", NULL},
	{"busy", false, {{0}}, "refused/486/q17", NULL},
	{"unavailable_retry_after", false, {{0}}, "refused/503", NULL},
	{"redirect", false, {{0}}, "refused/302", NULL},
	{"challenge", false, {{0}}, "refused/401", NULL},
	{"challenge_proxy", true, {{0}}, "refused/407", NULL},
	{"early_media", false, {{SIP_EV_ANSWERED, 0, ACT_BYE}}, "progress/183+sdp answered/200+sdp", "o=peer 1 2"},
	{"answer_in_183", false, {{SIP_EV_ANSWERED, 0, ACT_BYE}}, "progress/183+sdp progress/180 answered/200+sdp",
		"o=peer 1 7"},
	{"hold", false, {{SIP_EV_OFFER, 0, ACT_200}}, "progress/180 answered/200+sdp offer+sdp bye", "a=sendonly"},
	{"hold", true, {{SIP_EV_OFFER, 0, ACT_200_LATER}}, "progress/180 answered/200+sdp offer+sdp bye", "a=sendonly"},
	{"hold_refused", false, {{SIP_EV_OFFER, 0, ACT_488}}, "progress/180 answered/200+sdp offer+sdp bye", NULL},
	{"offerless_reinvite", false, {{SIP_EV_OFFER, 0, ACT_200}}, "progress/180 answered/200+sdp offer ack+sdp bye",
		"o=peer 1 3"},
	{"update_refresh", false, {{0}}, "progress/180 answered/200+sdp bye", NULL},
	{"update_offer", false, {{SIP_EV_OFFER, 0, ACT_200}}, "progress/180 answered/200+sdp update+sdp bye", NULL},
	{"update_offer", true, {{SIP_EV_OFFER, 0, ACT_200_LATER}}, "progress/180 answered/200+sdp update+sdp bye",
		NULL},
	{"session_timer_peer", false, {{SIP_EV_OFFER, 0, ACT_200}, {SIP_EV_ACK, 0, ACT_BYE}},
		"progress/180 answered/200+sdp offer+sdp", NULL},
	{"in_dialog_requests", false, {{SIP_EV_REFER, 0, ACT_REFER_603}}, "progress/180 answered/200+sdp refer bye",
		NULL},
};

static void run(struct rig *r, const struct call *c)
{
	struct sipp p = {0};
	bool ended;

	r->said[0] = '\0';
	r->respond_due = false;
	r->reactions = c->reactions;
	sipp_start(&p, c->xml, c->tcp);
	assert_int_equal(rig_invite(r, p.port, c->tcp ? "tcp" : "udp"), 0);
	for (int i = 0; i < 10000 && !sipp_ended(&p); i++) {
		rig_run(r, 2);
		if (r->respond_due) {
			r->respond_due = false;
			rig_run(r, 30);
			sip_leg_respond(r->stack, r->leg, 200, rig_answer);
		}
		if (strcmp(c->xml, "session_timer_peer") == 0 && strstr(r->said, "offer")) {
			rig_run(r, 150);
			sip_leg_bye(r->stack, r->leg, 0, 16, NULL);
		}
	}
	ended = sipp_ended(&p);
	sipp_stop(&p);
	if (!ended || p.status != 0 || strcmp(r->said, c->said) != 0)
		fail_msg("%s: sipp %d, said \"%s\"", c->xml, p.status, r->said);
	if (c->sdp && !strstr(r->sdp, c->sdp))
		fail_msg("%s: SDP was %s", c->xml, r->sdp);
	assert_true(rig_until_idle(r, RIG_T1X64_MS + 6000));
}

static void test_calls(void **state)
{
	struct rig r = {0};

	(void)state;
	rig_open(&r, "");
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		uint64_t began_us = clock_mono_us();
		run(&r, &calls[i]);
		print_message("%-24s %5u ms\n", calls[i].xml, (unsigned)((clock_mono_us() - began_us) / 1000));
	}
	rig_close(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_calls)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
