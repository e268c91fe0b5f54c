/* Requests as a user agent sends them, and what is no request. */
#include "tools/loadgen/sip_message.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static const char invite[] = "INVITE sip:600@127.0.0.1:5080 SIP/2.0\r\n"
			     "Via: SIP/2.0/UDP 127.0.0.1:5060;branch=z9hG4bKa;rport\r\n"
			     "v: SIP/2.0/UDP 127.0.0.1:5061;branch=z9hG4bKb\r\n"
			     "Record-Route: <sip:127.0.0.1;lr>\r\n"
			     "From: \"Ana;tag=no\" <sip:447700900123@example.org;tag=no>;tag=abc\r\n"
			     "To: <sip:600@127.0.0.1:5080>\r\n"
			     "Call-ID: 12ab@watrunk\r\n"
			     "CSeq: 7 INVITE\r\n"
			     "X-WA-Call-Id: wacid.HBgM/+A==\r\n"
			     "Content-Type: application/sdp\r\n\r\n"
			     "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
			     "m=audio 20000 RTP/AVP 0 8 101\r\na=rtpmap:101 telephone-event/8000\r\n";

static void assert_text(struct sip_text t, const char *text)
{
	assert_int_equal(t.length, strlen(text));
	assert_memory_equal(t.at, text, t.length);
}

static void an_invite_is_read(void **state)
{
	struct sip_request q;
	struct sip_offer offer;

	(void)state;
	assert_int_equal(sip_request_parse(invite, strlen(invite), &q), 0);
	assert_text(q.method, "INVITE");
	assert_text(q.call_id, "12ab@watrunk");
	assert_text(q.wa_call_id, "wacid.HBgM/+A==");
	assert_int_equal(q.cseq, 7);
	assert_text(q.cseq_method, "INVITE");
	assert_int_equal(q.via_count, 2);
	assert_int_equal(q.route_count, 1);
	assert_text(sip_text_tag(q.from), "abc");
	assert_int_equal(sip_text_tag(q.to).length, 0);
	assert_int_equal(sip_offer_parse(q.body, &offer), 0);
	assert_int_equal(addr_port(&offer.rtp), 20000);
	assert_int_equal(offer.event_pt, 101);
}

static void a_response_repeats_what_it_must(void **state)
{
	const struct sip_response resp = {200, "OK", "xyz", "<sip:a@127.0.0.1:1>", "v=0\r\n"};
	struct sip_request q;
	char text[2000];
	int n;

	(void)state;
	assert_int_equal(sip_request_parse(invite, strlen(invite), &q), 0);
	n = sip_response_write(&q, &resp, text, sizeof(text));
	assert_true(n > 0);
	assert_int_equal(n, strlen(text));
	assert_ptr_equal(strstr(text, "SIP/2.0 200 OK\r\n"), text);
	char *first = strstr(text, "branch=z9hG4bKa"), *second = strstr(text, "branch=z9hG4bKb");
	assert_true(first && second && first < second);
	assert_non_null(strstr(text, "Record-Route: <sip:127.0.0.1;lr>\r\n"));
	assert_non_null(strstr(text, "To: <sip:600@127.0.0.1:5080>;tag=xyz\r\n"));
	assert_non_null(strstr(text, "CSeq: 7 INVITE\r\n"));
	assert_non_null(strstr(text, "Content-Length: 5\r\n\r\nv=0\r\n"));
	for (size_t cap = 1; cap < (size_t)n + 1; cap++)
		assert_int_equal(sip_response_write(&q, &resp, text, cap), -ENOBUFS);
}

static void what_is_no_request_is_refused(void **state)
{
	static const struct {
		const char *text;
		int r;
	} cases[] = {
		{"", -EPROTO},
		{"\r\n\r\n", -EPROTO},
		{"SIP/2.0 200 OK\r\nVia: x\r\n\r\n", -ENOTSUP},
		{"INVITE sip:a SIP/3.0\r\nVia: x\r\n\r\n", -EPROTO},
		{"INVITE  SIP/2.0\r\nVia: x\r\n\r\n", -EPROTO},
		{"INVITE sip:a SIP/2.0\r\nFrom: a\r\nTo: b\r\nCall-ID: c\r\nCSeq: 1 INVITE\r\n\r\n", -EPROTO},
		{"INVITE sip:a SIP/2.0\r\nVia: v\r\nFrom: a\r\nTo: b\r\nCall-ID: c\r\nCSeq: x INVITE\r\n\r\n", -EPROTO},
		{"INVITE sip:a SIP/2.0\r\nVia: v\r\nFrom: a\r\nTo: b\r\nCall-ID: c\r\nCSeq: 99999999999 A\r\n\r\n",
			-EPROTO},
		{"INVITE sip:a SIP/2.0\nv:1\nv:2\nv:3\nv:4\nv:5\nv:6\nv:7\nv:8\nv:9\n\n", -E2BIG},
	};
	struct sip_request q;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(sip_request_parse(cases[i].text, strlen(cases[i].text), &q), cases[i].r);
}

/* Cut anywhere, in memory of exactly that size: the sanitizer sees every byte read too many. */
static void cut_anywhere(void **state)
{
	(void)state;
	for (size_t length = 0; length <= strlen(invite); length++) {
		char *exact = malloc(length ? length : 1);
		struct sip_request q;
		struct sip_offer offer;
		assert_non_null(exact);
		memcpy(exact, invite, length);
		if (sip_request_parse(exact, length, &q) == 0)
			(void)sip_offer_parse(q.body, &offer);
		free(exact);
	}
}

static void offers(void **state)
{
	static const struct {
		const char *sdp;
		int r;
	} cases[] = {
		{"c=IN IP4 127.0.0.1\nm=audio 4000 RTP/AVP 0\n", 0},
		{"m=audio 4000 RTP/AVP 8 0\r\nc=IN IP4 127.0.0.1\r\n", 0},
		{"c=IN IP4 127.0.0.1\nm=audio 4000 RTP/AVP 8\n", -ENOTSUP},
		{"c=IN IP4 127.0.0.1\nm=audio 0 RTP/AVP 0\n", -EPROTO},
		{"c=IN IP4 127.0.0.1\nm=audio 70000 RTP/AVP 0\n", -EPROTO},
		{"c=IN IP4 host\nm=audio 4000 RTP/AVP 0\n", -EPROTO},
		{"m=audio 4000 RTP/AVP 0\n", -EPROTO},
		{"m=video 4000 RTP/AVP 0\nc=IN IP4 127.0.0.1\n", -EPROTO},
		{"", -EPROTO},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct sip_offer offer;
		struct sip_text body = {cases[i].sdp, strlen(cases[i].sdp)};
		assert_int_equal(sip_offer_parse(body, &offer), cases[i].r);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_invite_is_read),
		cmocka_unit_test(a_response_repeats_what_it_must),
		cmocka_unit_test(what_is_no_request_is_refused),
		cmocka_unit_test(cut_anywhere),
		cmocka_unit_test(offers),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
