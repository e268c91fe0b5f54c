/* tests/fuzz/call_step/fuzz_call_step.c
 *
 * Random events to one call. Byte 0: how the call is set up; then two bytes an event: which one (the named ones of
 * play_events, the timer due next, or a SIP body taken from the input), and how much later. Afterwards timers alone
 * must lead to RELEASE.
 */
#include "tests/support/call/play.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { FIRES_MAX = 8, OP_FIRE = 0xff, OP_BODY_ANSWER = 0xfe, OP_BODY_OFFER = 0xfd, OP_BODY_ACK = 0xfc };

static void must_hold(const struct play *p)
{
	if (!p->fault)
		return;
	fprintf(stderr, "broken: %s (last actions: %s)\n", p->fault, p->actions);
	abort();
}

static void set_up(struct play *p, uint8_t how)
{
	static const char *const causes[] = {"closed", "nonsense"};

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
	if ((how & 0x60) == 0x60)
		p->settings.accept_window_ms = 3000;
}

/* The next bytes, at most 255, as the body of a SIP message; prefixed so that some of them get past the parser's door.
 */
static size_t body_step(struct play *p, uint8_t op, const uint8_t *data, size_t size)
{
	static const char head[] = "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n";
	char text[sizeof(head) + 256];
	size_t length = size ? data[0] : 0;
	struct call_event ev = {.kind = op == OP_BODY_ANSWER  ? CALL_EV_SIP_ANSWERED
					: op == OP_BODY_OFFER ? CALL_EV_SIP_OFFER
							      : CALL_EV_SIP_ACK};

	if (size == 0)
		return 0;
	if (length > size - 1)
		length = size - 1;
	memcpy(text, head, sizeof(head) - 1);
	memcpy(text + sizeof(head) - 1, data + 1, length);
	ev.u.sip.sdp = text;
	ev.u.sip.sdp_length = sizeof(head) - 1 + length;
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
		} else if (op >= OP_BODY_ACK) {
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
		play_named(&p, "offer", 0);
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
