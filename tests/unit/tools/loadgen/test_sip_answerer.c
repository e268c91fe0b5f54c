/* The answering agent against a caller made of two sockets. */
#include "lib/loop/loop.h"
#include "media/rtp/rtp.h"
#include "tools/loadgen/sip_answerer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>
#include <cmocka.h>

struct bench {
	struct loop *loop;
	struct sip_answerer *agent;
	int sip, rtp;
	char rtp_port[8];
	struct addr peer;
	char wa_call_id[64];
	unsigned ended, heard, sent;
	struct answered_report last;
	char text[4096]; /* what came last */
};

static void *on_invite(struct answered_call *call, const char *wa_call_id, struct answered_wish *wish, void *arg)
{
	struct bench *b = arg;

	(void)call;
	(void)wish;
	snprintf(b->wa_call_id, sizeof(b->wa_call_id), "%s", wa_call_id);
	return b;
}

static void on_heard(void *handle, const struct rtp_hdr *hdr, const uint8_t *payload)
{
	(void)hdr;
	(void)payload;
	((struct bench *)handle)->heard++;
}

static void on_end(void *handle, const struct answered_report *report)
{
	struct bench *b = handle;

	b->ended++;
	b->last = *report;
}

static int udp(struct addr *ret_local)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	socklen_t length = sizeof(ret_local->u);

	assert_true(fd >= 0);
	addr_set(ret_local, "127.0.0.1", 0);
	assert_int_equal(bind(fd, &ret_local->u.sa, addr_len(ret_local)), 0);
	assert_int_equal(getsockname(fd, &ret_local->u.sa, &length), 0);
	return fd;
}

static void bench_open(struct bench *b, unsigned ring_ms)
{
	struct sip_answerer_conf conf = {
		.ring_ms = ring_ms, .on_invite = on_invite, .on_heard = on_heard, .on_end = on_end, .arg = b};
	struct addr local;

	memset(b, 0, sizeof(*b));
	addr_set(&conf.listen, "127.0.0.1", 0);
	assert_int_equal(loop_new(&b->loop), 0);
	assert_int_equal(sip_answerer_new(b->loop, &conf, &b->agent), 0);
	sip_answerer_addr(b->agent, &b->peer);
	b->rtp = udp(&local);
	snprintf(b->rtp_port, sizeof(b->rtp_port), "%u", (unsigned)addr_port(&local));
	b->sip = udp(&local);
}

static void bench_close(struct bench *b)
{
	close(b->sip);
	close(b->rtp);
	sip_answerer_free(b->agent);
	loop_free(b->loop);
}

static void say(struct bench *b, const char *method, unsigned cseq, const char *cseq_method, const char *to_tag,
	const char *sdp)
{
	char text[2000];
	int n = snprintf(text, sizeof(text),
		"%s sip:600@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1;branch=z9hG4bK%u\r\nFrom: "
		"<sip:a@x>;tag=f\r\n"
		"To: <sip:600@127.0.0.1>%s%s\r\nCall-ID: call-1\r\nCSeq: %u %s\r\nX-WA-Call-Id: wacid.X\r\n\r\n%s",
		method, cseq, to_tag ? ";tag=" : "", to_tag ? to_tag : "", cseq, cseq_method, sdp);
	assert_true(sendto(b->sip, text, (size_t)n, 0, &b->peer.u.sa, addr_len(&b->peer)) == n);
}

static void invite(struct bench *b)
{
	char sdp[300];

	snprintf(sdp, sizeof(sdp),
		"v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio %s RTP/AVP 0 101\r\n"
		"a=rtpmap:101 telephone-event/8000\r\n",
		b->rtp_port);
	say(b, "INVITE", 1, "INVITE", NULL, sdp);
}

/* The next datagram on fd within limit_ms, the agent running meanwhile. Returns its length, 0 when none comes. */
static size_t next(struct bench *b, int fd, unsigned limit_ms)
{
	for (unsigned ms = 0; ms < limit_ms; ms += 2) {
		ssize_t n = recv(fd, b->text, sizeof(b->text) - 1, MSG_DONTWAIT);
		if (n > 0) {
			b->text[n] = '\0';
			return (size_t)n;
		}
		loop_step(b->loop, 2);
	}
	return 0;
}

static void expect(struct bench *b, const char *status)
{
	assert_true(next(b, b->sip, 5000) > 0);
	assert_memory_equal(b->text, status, strlen(status));
}

static void tag_of_last(const struct bench *b, char tag[32])
{
	const char *at = strstr(b->text, "To: ");
	assert_non_null(at);
	at = strstr(at, ";tag=");
	assert_non_null(at);
	assert_int_equal(sscanf(at, ";tag=%31[^\r]", tag), 1);
}

static void a_call_is_answered_and_ended(void **state)
{
	struct bench b;
	char tag[32];
	struct rtp_hdr h, first;

	(void)state;
	bench_open(&b, 0);
	invite(&b);
	expect(&b, "SIP/2.0 100 ");
	expect(&b, "SIP/2.0 180 ");
	expect(&b, "SIP/2.0 200 ");
	assert_string_equal(b.wa_call_id, "wacid.X");
	assert_non_null(strstr(b.text, "RTP/AVP 0 101\r\n"));
	tag_of_last(&b, tag);
	say(&b, "ACK", 1, "ACK", tag, "");
	assert_int_equal(next(&b, b.rtp, 5000), 172);
	assert_int_equal(rtp_parse(b.text, 172, &first), 0);
	assert_true(first.marker && first.pt == 0);
	assert_int_equal(next(&b, b.rtp, 5000), 172);
	assert_int_equal(rtp_parse(b.text, 172, &h), 0);
	assert_int_equal((uint16_t)(h.seq - first.seq), 1);
	assert_int_equal(h.ts - first.ts, 160);
	assert_int_equal(sip_answerer_live(b.agent), 1);
	say(&b, "BYE", 2, "BYE", tag, "");
	expect(&b, "SIP/2.0 200 ");
	assert_int_equal(b.ended, 1);
	assert_int_equal(b.last.end, ANSWERED_BYE);
	assert_true(b.last.ack_us >= b.last.ok_us && b.last.ok_us >= b.last.invite_us && b.last.invite_us);
	say(&b, "BYE", 2, "BYE", tag, ""); /* its answer was lost */
	expect(&b, "SIP/2.0 200 ");
	assert_int_equal(b.ended, 1);
	assert_int_equal(sip_answerer_live(b.agent), 0);
	bench_close(&b);
}

static void packets_are_counted_with_their_gaps(void **state)
{
	static const uint16_t seqs[] = {65534, 65535, 2, 1, 3};
	struct bench b;
	uint8_t packet[172] = {0};
	unsigned port = 0;
	struct addr to;

	(void)state;
	bench_open(&b, 0);
	invite(&b);
	expect(&b, "SIP/2.0 100 ");
	expect(&b, "SIP/2.0 180 ");
	expect(&b, "SIP/2.0 200 ");
	assert_int_equal(sscanf(strstr(b.text, "m=audio "), "m=audio %u", &port), 1);
	addr_set(&to, "127.0.0.1", (uint16_t)port);
	for (size_t i = 0; i < sizeof(seqs) / sizeof(seqs[0]); i++) {
		rtp_write(&(struct rtp_hdr){.seq = seqs[i], .ssrc = 7}, packet);
		sendto(b.rtp, packet, sizeof(packet), 0, &to.u.sa, addr_len(&to));
	}
	sendto(b.rtp, "no RTP", 6, 0, &to.u.sa, addr_len(&to));
	for (int i = 0; i < 1000 && b.heard < 5; i++)
		loop_step(b.loop, 2);
	assert_int_equal(b.heard, 5);
	loop_step(b.loop, 20);
	say(&b, "BYE", 2, "BYE", "t", "");
	expect(&b, "SIP/2.0 200 ");
	assert_int_equal(b.last.rx_packets, 5);
	assert_int_equal(b.last.rx_strange, 1);
	assert_int_equal(b.last.rx_lost, 2 + 1); /* 0 and 1; then 2, counted when 3 follows 1 */
	bench_close(&b);
}

static void an_invite_that_comes_twice_is_one_call(void **state)
{
	struct bench b;

	(void)state;
	bench_open(&b, 60000);
	invite(&b);
	expect(&b, "SIP/2.0 100 ");
	expect(&b, "SIP/2.0 180 ");
	invite(&b);
	expect(&b, "SIP/2.0 180 ");
	assert_int_equal(sip_answerer_live(b.agent), 1);
	bench_close(&b);
}

static void a_ringing_call_can_be_cancelled(void **state)
{
	struct bench b;

	(void)state;
	bench_open(&b, 60000);
	invite(&b);
	expect(&b, "SIP/2.0 100 ");
	expect(&b, "SIP/2.0 180 ");
	say(&b, "CANCEL", 1, "CANCEL", NULL, "");
	expect(&b, "SIP/2.0 200 ");
	expect(&b, "SIP/2.0 487 ");
	assert_int_equal(b.last.end, ANSWERED_CANCELLED);
	bench_close(&b);
}

/* RFC 3261 s13.3.1.4: again after T1. */
static void a_200_is_sent_until_it_is_acknowledged(void **state)
{
	struct bench b;
	char tag[32];

	(void)state;
	bench_open(&b, 0);
	invite(&b);
	expect(&b, "SIP/2.0 100 ");
	expect(&b, "SIP/2.0 180 ");
	expect(&b, "SIP/2.0 200 ");
	expect(&b, "SIP/2.0 200 ");
	tag_of_last(&b, tag);
	say(&b, "ACK", 1, "ACK", tag, "");
	assert_int_equal(next(&b, b.sip, 1200), 0);
	bench_close(&b);
}

static void what_cannot_be_answered_is_refused(void **state)
{
	struct bench b;

	(void)state;
	bench_open(&b, 0);
	say(&b, "INVITE", 1, "INVITE", NULL, "c=IN IP4 127.0.0.1\r\nm=audio 4000 RTP/AVP 8\r\n");
	expect(&b, "SIP/2.0 100 ");
	expect(&b, "SIP/2.0 488 ");
	assert_int_equal(b.last.end, ANSWERED_REFUSED);
	bench_close(&b);

	bench_open(&b, 0);
	say(&b, "BYE", 2, "BYE", "t", "");
	expect(&b, "SIP/2.0 481 ");
	say(&b, "OPTIONS", 3, "OPTIONS", NULL, "");
	expect(&b, "SIP/2.0 200 ");
	assert_int_equal(sendto(b.sip, "noise", 5, 0, &b.peer.u.sa, addr_len(&b.peer)), 5);
	for (int i = 0; i < 1000 && !sip_answerer_malformed(b.agent); i++)
		loop_step(b.loop, 2);
	assert_int_equal(sip_answerer_malformed(b.agent), 1);
	assert_int_equal(sip_answerer_live(b.agent), 0);
	bench_close(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_call_is_answered_and_ended),
		cmocka_unit_test(packets_are_counted_with_their_gaps),
		cmocka_unit_test(an_invite_that_comes_twice_is_one_call),
		cmocka_unit_test(a_ringing_call_can_be_cancelled),
		cmocka_unit_test(a_200_is_sent_until_it_is_acknowledged),
		cmocka_unit_test(what_cannot_be_answered_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
