/* tests/fuzz/call_step/fuzz_call_step.c
 *
 * Random events to one call. Byte 0: how the call is set up, 0xc0 and above: business-initiated; then two bytes an
 * event: which one (the named ones of play_events, the timer due next, or a body taken from the input: SIP, or Meta's
 * answer), and how much later. Afterwards timers alone must lead to RELEASE.
 */
#include "tests/support/call/play.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
	FIRES_MAX = 16,
	DIALLED = 0xc0,
	OP_FIRE = 0xff,
	OP_BODY_ANSWER = 0xfe,
	OP_BODY_OFFER = 0xfd,
	OP_BODY_ACK = 0xfc,
	OP_BODY_TARGET = 0xfb,
	OP_BODY_WA = 0xfa,
};

static void must_hold(const struct play *p)
{
	if (!p->fault)
		return;
	fprintf(stderr, "broken: %s (last actions: %s)\n", p->fault, p->actions);
	abort();
}

static void set_up_dial(struct play *p, uint8_t how)
{
	play_init_dial(p, (enum dial_order)((how & 3) % 3));
	p->dial.early_ringback = how & 4;
	p->dial.offer_active = how & 8;
	if (how & 0x10)
		p->dial.sip_offer = NULL;
	if (how & 0x20)
		p->dial.user_number = "";
}

/* As many as there may be, at once; every other one for a time of its own. */
static void set_up_fork(struct route *r)
{
	r->parallel = true;
	r->gateway_count = ROUTE_GATEWAYS_MAX;
	for (unsigned i = 0; i < ROUTE_GATEWAYS_MAX; i++) {
		r->gateways[i] = "pbx";
		r->timeouts_s[i] = i % 2 ? 5 + i : 0;
	}
}

static void set_up(struct play *p, uint8_t how)
{
	static const char *const causes[] = {"closed", "nonsense"};

	if (how >= DIALLED) {
		set_up_dial(p, how);
		return;
	}
	play_init(p);
	p->settings.use_pre_accept = !(how & 1);
	if (how & 2)
		p->settings.media_wait_ms = 0;
	if (how & 4)
		p->offer.user_number = "";
	if ((how & 0x18) == 0x18) {
		p->dialplan.route.kind = ROUTE_REJECT;
		p->dialplan.route.cause = causes[how >> 7];
	}
	if ((how & 0x48) == 0x48)
		p->dialplan.route.kind = ROUTE_ASK;
	if ((how & 0x60) == 0x60)
		p->settings.accept_window_ms = 3000;
	p->dialplan.route.accept_early = (how & 0x90) == 0x80;
	if ((how & 0x90) == 0x90)
		set_up_fork(&p->dialplan.route);
}

static struct call_event body_event(uint8_t op, const char *text, size_t length)
{
	static const enum call_event_kind kinds[] = {
		[OP_BODY_ANSWER - OP_BODY_TARGET] = CALL_EV_SIP_ANSWERED,
		[OP_BODY_OFFER - OP_BODY_TARGET] = CALL_EV_SIP_OFFER,
		[OP_BODY_ACK - OP_BODY_TARGET] = CALL_EV_SIP_ACK,
		[OP_BODY_TARGET - OP_BODY_TARGET] = CALL_EV_SIP_ANSWERED,
	};
	struct call_event ev = {.kind = CALL_EV_WA_ANSWER};

	if (op == OP_BODY_WA) {
		ev.u.wa_answer.wacid = "wacid.OUT==";
		ev.u.wa_answer.sdp = text;
		ev.u.wa_answer.sdp_length = length;
		return ev;
	}
	ev.kind = kinds[op - OP_BODY_TARGET];
	ev.leg = op == OP_BODY_TARGET ? CALL_LEG_TARGET : CALL_LEG_MAIN;
	ev.u.sip.sdp = text;
	ev.u.sip.sdp_length = length;
	return ev;
}

/* The next bytes, at most 255, as a body; prefixed so that some of them get past the parser's door. */
static size_t body_step(struct play *p, uint8_t op, const uint8_t *data, size_t size)
{
	static const char head[] = "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n";
	char text[sizeof(head) + 256];
	size_t length = size ? data[0] : 0;
	struct call_event ev;

	if (size == 0)
		return 0;
	if (length > size - 1)
		length = size - 1;
	memcpy(text, head, sizeof(head) - 1);
	memcpy(text + sizeof(head) - 1, data + 1, length);
	ev = body_event(op, text, sizeof(head) - 1 + length);
	play_step(p, &ev, p->now_us);
	return length + 1;
}

static void run(struct play *p, const uint8_t *data, size_t size)
{
	static const unsigned later_ms[] = {0, 0, 1, 20, 100, 1000, 5000, 30000};
	size_t at = 0;

	while (size - at >= 2) {
		uint8_t op = data[at], when = data[at + 1];
		uint64_t now_us = p->now_us + (uint64_t)later_ms[when % 8] * 1000;
		at += 2;
		if (op == OP_FIRE) {
			play_fire(p);
		} else if (op >= OP_BODY_WA) {
			at += body_step(p, op, data + at, size - at);
		} else {
			play_step(p, &play_events[op % play_event_count()].ev, now_us);
		}
		must_hold(p);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct play p;
	unsigned fired = 0;

	if (size == 0)
		return 0;
	set_up(&p, data[0]);
	if (play_start(&p) < 0)
		return 0;
	run(&p, data + 1, size - 1);
	if (play_state(&p) == CALL_NEW)
		play_named(&p, p.outbound ? "dial" : "offer", 0);
	while (play_fire(&p) && ++fired <= FIRES_MAX)
		must_hold(&p);
	must_hold(&p);
	if (!p.watch.released) {
		fprintf(stderr, "not released after %u timers\n", fired);
		abort();
	}
	play_done(&p);
	return 0;
}
