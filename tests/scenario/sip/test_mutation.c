/* 5,000 mutated messages to a stack with a live call, from a source that is let in: requests within the call and
 * outside of it, responses. Seeded; WATRUNK_TEST_SEED repeats another run. */
#include "b2bua/sip/sip.h"
#include "lib/base/str.h"
#include "tests/scenario/sip/raw_peer.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { MESSAGES = 5000, TCP_EVERY = 50 };

static uint64_t seed;

static size_t pick(size_t n)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (size_t)(seed >> 20) % n;
}

static size_t mutate_once(char *text, size_t length, size_t cap)
{
	static const char *const bits[] = {"\r\n", "\r\n\r\n", ";", ",", "\"", "<", ">", "=", "%", "%00", ":", "@",
		"[::", " ", "\t", "\r\n ", "4294967296", "-1", ";tag=", ";branch=z9hG4bK", ";lr",
		"?Replaces=x%3Bto-tag%3D1", "sips:", "tel:", "\xff\xfe", "\x01", "Content-Length: 70000\r\n",
		"Require: x\r\n", "Supported: 100rel\r\n", "l: 0\r\n", "Session-Expires: 1\r\n",
		"Min-SE: 4000000000\r\n", "Reason: Q.850;cause=\r\n", "Retry-After: 1\r\n", "Contact: *\r\n",
		"Contact: <sip:>\r\n", "Route: <sip:127.0.0.1:9;lr>\r\n", "Expires: x\r\n"};
	size_t at = pick(length), n;
	const char *bit;

	switch (pick(7)) {
	case 0: text[at] = (char)pick(256); return length;
	case 1: text[at] ^= (char)(1 << pick(8)); return length;
	case 2: /* cut out */
		n = 1 + pick(20);
		if (at + n >= length)
			return length;
		memmove(text + at, text + at + n, length - at - n);
		return length - n;
	case 3: /* repeat a part */
		n = 1 + pick(200);
		if (at + n > length || length + n > cap)
			return length;
		memmove(text + at + n, text + at, length - at);
		return length + n;
	case 4: /* end early */ return pick(10) ? length : at + 1;
	case 5: /* at the start of a line */
		while (at && text[at - 1] != '\n')
			at--;
		/* fall through */
	default:
		bit = bits[pick(sizeof(bits) / sizeof(bits[0]))];
		n = strlen(bit);
		if (length + n > cap)
			return length;
		memmove(text + at + n, text + at, length - at);
		memcpy(text + at, bit, n);
		return length + n;
	}
}

/* A response to our INVITE, text only. */
static size_t response(struct raw_peer *p, char *dst, size_t cap)
{
	static const char *const statuses[] = {"100 Trying", "180 Ringing", "183 Progress", "200 OK", "302 Moved",
		"401 No", "422 x", "486 Busy", "491 Pending", "503 x"};
	static const char *const names[] = {"Via", "From", "To", "Call-ID", "CSeq"};
	struct strbuf sb;
	char v[2048];

	strbuf_init(&sb, dst, cap);
	strbuf_printf(&sb, "SIP/2.0 %s\r\n", statuses[pick(10)]);
	for (size_t i = 0; i < 5; i++)
		strbuf_printf(&sb, "%s: %s%s\r\n", names[i], raw_header(p->invite, names[i], v, sizeof(v)),
			i == 2 ? ";tag=raw" : "");
	strbuf_printf(&sb, "Contact: <sip:raw@127.0.0.1:%u>\r\nContent-Length: 0\r\n\r\n", p->port);
	return sb.length;
}

static void answer_what_came(struct raw_peer *p)
{
	while (raw_poll(p)) {
		if (str_starts(p->msg, "INVITE "))
			raw_reply(p, p->msg, "200 OK", NULL, rig_answer);
		else if (str_starts(p->msg, "BYE ") || str_starts(p->msg, "CANCEL "))
			raw_reply(p, p->msg, "200 OK", NULL, NULL);
	}
}

static void send_tcp(uint16_t port, const char *text, size_t length)
{
	struct sockaddr_in to = {
		.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (connect(fd, (struct sockaddr *)&to, sizeof(to)) == 0)
		(void)send(fd, text, length, MSG_NOSIGNAL);
	close(fd);
}

static void test_mutation(void **state)
{
	static const char *const methods[] = {
		"INVITE", "UPDATE", "BYE", "INFO", "ACK", "OPTIONS", "CANCEL", "PRACK", "REFER", "MESSAGE", "FOO"};
	const char *given = getenv("WATRUNK_TEST_SEED");
	struct rig r = {0};
	static struct raw_peer p;
	static char text[65536];
	unsigned calls = 0;

	(void)state;
	seed = given ? strtoull(given, NULL, 0) : 0x0c0ffee123456789ull;
	r.reactions = (const struct reaction[]){{SIP_EV_OFFER, 0, ACT_200}, {0}};
	rig_open(&r, "");
	raw_open(&p);
	for (unsigned i = 0; i < MESSAGES; i++) {
		size_t length;
		if (sip_leg_count(r.stack) == 0) {
			r.said[0] = '\0';
			assert_int_equal(rig_invite(&r, p.port, "udp"), 0);
			assert_true(raw_expect(&r, &p, "INVITE ", 1000));
			bool answers = pick(3);
			raw_reply(&p, p.msg, answers ? "200 OK" : "180 Ringing", NULL, rig_answer);
			assert_true(rig_until_said(&r, answers ? "answered" : "progress", 1000));
			calls++;
		}
		const char *method = methods[pick(11)];
		if (str_equal(method, "BYE") && !strstr(r.said, "answered"))
			continue; /* early BYE: the library leaks */
		raw_request(&p, method, 10 + i, NULL, pick(2) ? rig_offer : NULL, text);
		length = pick(4) ? strlen(text) : response(&p, text, sizeof(text));
		for (size_t n = 1 + pick(6); n; n--)
			length = mutate_once(text, length, sizeof(text));
		if (i % TCP_EVERY == 0)
			send_tcp(r.port, text, length);
		else
			raw_send(&p, r.port, text, length);
		if (i % 10 == 0)
			rig_run(&r, 1);
		if (i % 500 == 499)
			sip_leg_bye(r.stack, r.leg, 0, 16, NULL);
		answer_what_came(&p);
		if (strlen(r.said) > 1000)
			strcpy(r.said, "answered");
	}
	print_message("%u calls, %u events: %s\n", calls, r.events, r.said);
	/* Still there, and of use. */
	sip_leg_bye(r.stack, r.leg, 0, 16, NULL);
	if (!rig_until_idle(&r, RIG_T1X64_MS + 6000))
		fail_msg("left: %zu legs, %zu lingering; then said: %s", sip_leg_count(r.stack),
			sip_lingering_count(r.stack), r.said);
	r.said[0] = '\0';
	while (raw_poll(&p))
		;
	assert_int_equal(rig_invite(&r, p.port, "udp"), 0);
	assert_true(raw_expect(&r, &p, "INVITE ", 1000));
	raw_reply(&p, p.msg, "486 Busy Here", NULL, NULL);
	assert_true(rig_until_said(&r, "refused/486", 1000));
	raw_close(&p);
	rig_close(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_mutation)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
