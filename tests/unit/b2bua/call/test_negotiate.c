/* tests/unit/b2bua/call/test_negotiate.c */
#include "b2bua/call/negotiate.h"
#include "b2bua/call/negotiate_opus.h"
#include "tests/support/call/play.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

/* ---- WhatsApp leg ---- */

static void reads_metas_offer(void **state)
{
	struct wa_offer o;
	struct sdp_error error;
	char text[ADDR_TEXT_MAX];

	(void)state;
	assert_int_equal(negotiate_wa_offer(play_wa_offer, strlen(play_wa_offer), &o, &error), 0);
	assert_string_equal(o.remote.ufrag, "ExampleUfragMeta");
	assert_string_equal(o.remote.pwd, "c3ludGhldGljLXB3ZC0wMQ==");
	assert_int_equal(o.remote.fingerprint[1], 0x11);
	assert_true(o.remote.ice_lite);
	assert_true(o.remote.we_are_dtls_client);
	assert_int_equal(o.remote.candidate_count, 2);
	assert_string_equal(addr_format(&o.remote.candidates[0].addr, text, sizeof(text)), "203.0.113.20:3484");
	assert_string_equal(addr_format(&o.remote.candidates[1].addr, text, sizeof(text)), "[2001:db8:20::1]:3484");
	assert_int_equal(o.remote.candidates[1].priority, 2122262783);
	assert_int_equal(o.remote.opus_pt, 111);
	assert_int_equal(o.remote.event_pt, 126);
	assert_int_equal(o.remote.max_bitrate, 20000);
	assert_int_equal(o.remote.opus.max_playback_hz, 16000);
	assert_false(o.remote.opus.cbr || o.remote.opus.no_fec);
	assert_string_equal(o.mid, "audio");
}

/* Meta: calling reference, SDP answer; the union of what is known to be accepted, line by line. */
static void answers_meta_in_the_shape_it_takes(void **state)
{
	static const char wanted[] =
		"v=0\r\n"
		"o=- 6000000001 1 IN IP4 198.51.100.7\r\n"
		"s=-\r\n"
		"t=0 0\r\n"
		"a=group:BUNDLE audio\r\n"
		"a=msid-semantic: WMS watrunk\r\n"
		"m=audio 40000 UDP/TLS/RTP/SAVPF 111 126\r\n"
		"c=IN IP4 198.51.100.7\r\n"
		"a=rtcp:9 IN IP4 0.0.0.0\r\n"
		"a=candidate:1 1 udp 2130706431 198.51.100.7 40000 typ host\r\n"
		"a=end-of-candidates\r\n"
		"a=ice-ufrag:OurUfrag\r\n"
		"a=ice-pwd:OurPwd0123456789abcdefgh\r\n"
		"a=fingerprint:sha-256 "
		"FE:FE:FE:FE:FE:FE:FE:FE:FE:FE:FE:FE:FE:FE:FE:FE:FE:FE:FE:FE:FE:FE:FE:FE:FE:FE:FE:FE:FE:"
		"FE:FE:FE\r\n"
		"a=setup:active\r\n"
		"a=mid:audio\r\n"
		"a=sendrecv\r\n"
		"a=msid:watrunk audio0\r\n"
		"a=rtcp-mux\r\n"
		"a=rtpmap:111 opus/48000/2\r\n"
		"a=fmtp:111 "
		"maxaveragebitrate=20000;maxplaybackrate=16000;minptime=20;sprop-maxcapturerate=16000;useinbandfec=1"
		"\r\n"
		"a=rtpmap:126 telephone-event/8000\r\n"
		"a=fmtp:126 0-15\r\n"
		"a=ptime:20\r\n"
		"a=maxptime:20\r\n"
		"a=ssrc:2000000001 cname:watrunk\r\n";
	struct wa_offer o;
	struct sdp_error error;
	struct media_local local;
	char text[LIMIT_WA_SDP_BYTES];

	(void)state;
	play_local(&local);
	assert_int_equal(negotiate_wa_offer(play_wa_offer, strlen(play_wa_offer), &o, &error), 0);
	assert_int_equal(negotiate_wa_answer(&o, &local.wa, text, sizeof(text)), strlen(wanted));
	assert_string_equal(text, wanted);
	assert_int_equal(negotiate_wa_answer(&o, &local.wa, text, 200), -ENOBUFS);
}

/* The offer with one piece of text replaced. */
static int offer_with(const char *from, const char *to, struct wa_offer *o)
{
	char text[8192];
	struct sdp_error error;
	const char *at = strstr(play_wa_offer, from);
	int n;

	assert_non_null(at);
	n = snprintf(text, sizeof(text), "%.*s%s%s", (int)(at - play_wa_offer), play_wa_offer, to, at + strlen(from));
	return negotiate_wa_offer(text, (size_t)n, o, &error);
}

static void refuses_what_cannot_carry_a_call(void **state)
{
	static const struct {
		const char *from, *to;
	} broken[] = {
		{"v=0", "w=0"},
		{"opus/48000/2", "isac/16000"},
		{"a=fingerprint:sha-256 00:11", "a=fingerprint:sha-1 00:11"},
		{"a=ice-ufrag:ExampleUfragMeta\r\n", ""},
		{"a=ice-pwd:c3ludGhldGljLXB3ZC0wMQ==\r\n", ""},
		{"UDP/TLS/RTP/SAVPF", "RTP/AVP"},
		{"m=audio 3484", "m=audio 0"},
		{"m=audio", "m=video"},
	};
	struct wa_offer o;

	(void)state;
	for (size_t i = 0; i < sizeof(broken) / sizeof(broken[0]); i++)
		assert_int_equal(offer_with(broken[i].from, broken[i].to, &o), -EBADMSG);
}

static void takes_what_differs_from_the_usual_offer(void **state)
{
	struct wa_offer o;
	struct media_local local;
	char text[LIMIT_WA_SDP_BYTES];

	(void)state;
	play_local(&local);
	assert_int_equal(offer_with("a=mid:audio", "a=mid:0", &o), 0);
	assert_true(negotiate_wa_answer(&o, &local.wa, text, sizeof(text)) > 0);
	assert_non_null(strstr(text, "a=group:BUNDLE 0\r\n"));
	assert_non_null(strstr(text, "a=mid:0\r\n"));
	assert_int_equal(offer_with("a=setup:actpass", "a=setup:active", &o), 0); /* it wants to be the client */
	assert_false(o.remote.we_are_dtls_client);
	assert_true(negotiate_wa_answer(&o, &local.wa, text, sizeof(text)) > 0);
	assert_non_null(strstr(text, "a=setup:passive\r\n"));
	assert_int_equal(offer_with("a=rtpmap:126 telephone-event/8000", "a=rtpmap:126 telephone-event/48000", &o), 0);
	assert_int_equal(o.remote.event_pt, 0);
	assert_int_equal(offer_with("maxaveragebitrate=20000", "maxaveragebitrate=-7", &o), 0);
	assert_int_equal(o.remote.max_bitrate, 0);
}

static void without_candidates_the_media_address_is_one(void **state)
{
	static const char minimal[] =
		"v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\nm=audio %s UDP/TLS/RTP/SAVPF 111\r\n"
		"c=IN IP4 %s\r\na=rtpmap:111 opus/48000/2\r\na=ice-ufrag:abcd\r\na=ice-pwd:"
		"0123456789012345678901\r\na=fingerprint:sha-256 %s\r\n";
	static const char print[] = "00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:"
				    "00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF";
	char text[1024];
	struct wa_offer o;
	struct sdp_error error;

	(void)state;
	snprintf(text, sizeof(text), minimal, "3478", "203.0.113.9", print);
	assert_int_equal(negotiate_wa_offer(text, strlen(text), &o, &error), 0);
	assert_int_equal(o.remote.candidate_count, 1);
	assert_int_equal(addr_port(&o.remote.candidates[0].addr), 3478);
	snprintf(text, sizeof(text), minimal, "9", "0.0.0.0", print);
	assert_int_equal(negotiate_wa_offer(text, strlen(text), &o, &error), -EBADMSG);
	assert_string_equal(error.what, "no usable candidate");
}

/* ---- WhatsApp leg, business-initiated ---- */

/* Meta: business-initiated calls; as the answer above, but for who begins DTLS and whose mid it is. */
static void offers_meta_what_it_takes(void **state)
{
	static const char *const lines[] = {
		"o=- 6000000001 1 IN IP4 198.51.100.7\r\n",
		"a=group:BUNDLE audio\r\n",
		"m=audio 40000 UDP/TLS/RTP/SAVPF 111 126\r\n",
		"a=candidate:1 1 udp 2130706431 198.51.100.7 40000 typ host\r\n",
		"a=ice-ufrag:OurUfrag\r\n",
		"a=fingerprint:sha-256 FE:FE",
		"a=mid:audio\r\n",
		"a=sendrecv\r\n",
		"a=rtcp-mux\r\n",
		"a=rtpmap:111 opus/48000/2\r\n",
		"a=rtpmap:126 telephone-event/8000\r\n",
		"a=ptime:20\r\n",
		"a=ssrc:2000000001 cname:watrunk\r\n",
	};
	struct media_local local;
	char text[LIMIT_WA_SDP_BYTES];

	(void)state;
	play_local(&local);
	assert_true(negotiate_wa_make_offer(&local.wa, false, text, sizeof(text)) > 0);
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		if (!strstr(text, lines[i]))
			fail_msg("no %s in %s", lines[i], text);
	assert_non_null(strstr(text, "a=setup:actpass\r\n"));
	assert_null(strstr(text, "a=ice-lite"));
	assert_null(strstr(strstr(text, "a=fingerprint") + 1, "a=fingerprint"));
	assert_true(negotiate_wa_make_offer(&local.wa, true, text, sizeof(text)) > 0);
	assert_non_null(strstr(text, "a=setup:active\r\n"));
	assert_int_equal(negotiate_wa_make_offer(&local.wa, true, text, 200), -ENOBUFS);
}

/* Who is DTLS client, by what Meta's answer says; sources disagree about it. */
static void metas_answer_says_who_begins(void **state)
{
	static const struct {
		const char *setup;
		bool we_offered_active, we_are_client;
	} rows[] = {
		{"a=setup:passive\r\n", false, true},
		{"a=setup:active\r\n", false, false},
		{"a=setup:actpass\r\n", false, true}, /* not an answer, but seen */
		{"a=setup:holdconn\r\n", false, true},
		{"", false, true},
		{"a=setup:passive\r\n", true, true},
		{"a=setup:active\r\n", true, true}, /* cannot be: we are */
		{"", true, true},
	};
	const char *at = strstr(play_wa_answer, "a=setup:active\r\n");

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char text[4096];
		struct sdp_error error;
		struct wa_offer o;
		int n = snprintf(text, sizeof(text), "%.*s%s%s", (int)(at - play_wa_answer), play_wa_answer,
			rows[i].setup, at + strlen("a=setup:active\r\n"));
		assert_int_equal(negotiate_wa_read_answer(text, (size_t)n, rows[i].we_offered_active, &o, &error), 0);
		assert_int_equal(o.remote.we_are_dtls_client, rows[i].we_are_client);
		assert_string_equal(o.remote.ufrag, "ExampleUfragMeta");
		assert_int_equal(o.remote.opus_pt, 111);
		assert_int_equal(o.remote.event_pt, 126);
		assert_int_equal(o.remote.candidate_count, 1);
	}
}

/* Meta: DTMF comes as 126 even when its answer does not list it. */
static void digits_come_as_126_anyhow(void **state)
{
	static const char line[] = "a=rtpmap:126 telephone-event/8000\r\n";
	const char *at = strstr(play_wa_answer, line);
	struct sdp_error error;
	struct wa_offer o;
	char text[4096];
	int n = snprintf(text, sizeof(text), "%.*s%s", (int)(at - play_wa_answer), play_wa_answer, at + strlen(line));

	(void)state;
	assert_int_equal(negotiate_wa_read_answer(text, (size_t)n, false, &o, &error), 0);
	assert_int_equal(o.remote.event_pt, 126);
	assert_int_equal(negotiate_wa_read_answer("v=0\r\n", 5, false, &o, &error), -EBADMSG);
	assert_true(error.what[0] != '\0');
}

/* ---- SIP leg ---- */

static const enum audio_codec g711[4] = {AUDIO_PCMU, AUDIO_PCMA};

static struct arena arena; /* of all tests: their descriptions are small */

/* Called: nothing has been offered yet. */
static void start_called(struct sip_negotiation *n, const enum audio_codec codecs[4])
{
	struct media_local local;

	play_local(&local);
	negotiate_sip_init(n, codecs, 20, &local.sip_rtp, 7, &arena);
}

static void start(struct sip_negotiation *n, const enum audio_codec codecs[4])
{
	const char *text;

	start_called(n, codecs);
	assert_int_equal(negotiate_sip_offer(n, &text), 0);
}

static void offers_what_everybody_takes(void **state)
{
	static const enum audio_codec alaw_first[4] = {AUDIO_OPUS, AUDIO_PCMA, AUDIO_PCMU}, none[4] = {AUDIO_NONE},
				      wide_first[4] = {AUDIO_G722, AUDIO_PCMA};
	struct sip_negotiation n;

	(void)state;
	start(&n, g711);
	assert_string_equal(negotiate_sip_text(&n), "v=0\r\n"
						    "o=- 7 1 IN IP4 198.51.100.7\r\n"
						    "s=-\r\n"
						    "c=IN IP4 198.51.100.7\r\n"
						    "t=0 0\r\n"
						    "m=audio 20000 RTP/AVP 0 8 101\r\n"
						    "a=rtpmap:0 PCMU/8000\r\n"
						    "a=rtpmap:8 PCMA/8000\r\n"
						    "a=rtpmap:101 telephone-event/8000\r\n"
						    "a=fmtp:101 0-16\r\n"
						    "a=ptime:20\r\n"
						    "a=sendrecv\r\n");
	start(&n, alaw_first);
	assert_non_null(strstr(negotiate_sip_text(&n), "m=audio 20000 RTP/AVP 111 8 0 110 101\r\n"));
	assert_non_null(strstr(negotiate_sip_text(&n), "a=rtpmap:111 opus/48000/2\r\n"
						       "a=fmtp:111 useinbandfec=1;maxaveragebitrate=20000\r\n"));
	assert_non_null(strstr(negotiate_sip_text(&n), "a=rtpmap:110 telephone-event/48000\r\n"));
	start(&n, wide_first);
	assert_non_null(strstr(negotiate_sip_text(&n), "m=audio 20000 RTP/AVP 9 8 101\r\na=rtpmap:9 G722/8000\r\n"));
	start(&n, none);
	assert_non_null(strstr(negotiate_sip_text(&n), "m=audio 20000 RTP/AVP 0 8 101\r\n"));
}

/* Lines after "v=0", of an answer or an offer of the peer. */
#define PEER(host, media) "v=0\r\no=- 1 1 IN IP4 192.0.2.50\r\ns=-\r\nc=IN IP4 " host "\r\nt=0 0\r\n" media

struct expected {
	const char *what, *text;
	int status;
	const char *rtp, *rtcp;
	enum audio_codec codec;
	unsigned pt, event_pt, ptime_ms;
	bool send, receive;
	const char *answer_has; /* in our answer, for offers */
};

static const struct expected answers[] = {
	{"usual",
		PEER("192.0.2.50",
			"m=audio 12000 RTP/AVP 0 101\r\na=rtpmap:101 telephone-event/8000\r\na=ptime:20\r\n"),
		1, "192.0.2.50:12000", "192.0.2.50:12001", AUDIO_PCMU, 0, 101, 20, true, true, NULL},
	{"both codecs, its order counts", PEER("192.0.2.50", "m=audio 12000 RTP/AVP 8 0\r\n"), 1, "192.0.2.50:12000",
		"192.0.2.50:12001", AUDIO_PCMA, 8, 0, 20, true, true, NULL},
	{"30 ms, RTCP elsewhere", PEER("192.0.2.50", "m=audio 12000 RTP/AVP 0\r\na=ptime:30\r\na=rtcp:13007\r\n"), 1,
		"192.0.2.50:12000", "192.0.2.50:13007", AUDIO_PCMU, 0, 0, 30, true, true, NULL},
	{"packets longer than we send", PEER("192.0.2.50", "m=audio 12000 RTP/AVP 0\r\na=ptime:200\r\n"), 1,
		"192.0.2.50:12000", "192.0.2.50:12001", AUDIO_PCMU, 0, 0, 60, true, true, NULL},
	{"maxptime below ptime", PEER("192.0.2.50", "m=audio 12000 RTP/AVP 0\r\na=ptime:40\r\na=maxptime:15\r\n"), 1,
		"192.0.2.50:12000", "192.0.2.50:12001", AUDIO_PCMU, 0, 0, 10, true, true, NULL},
	{"telephone-event on another number",
		PEER("192.0.2.50", "m=audio 12000 RTP/AVP 0 96\r\na=rtpmap:96 "
				   "TELEPHONE-EVENT/8000\r\n"),
		1, "192.0.2.50:12000", "192.0.2.50:12001", AUDIO_PCMU, 0, 96, 20, true, true, NULL},
	{"G.711 on a dynamic number", PEER("192.0.2.50", "m=audio 12000 RTP/AVP 97\r\na=rtpmap:97 pcma/8000\r\n"), 1,
		"192.0.2.50:12000", "192.0.2.50:12001", AUDIO_PCMA, 97, 0, 20, true, true, NULL},
	{"IPv6", "v=0\r\no=- 1 1 IN IP6 ::1\r\ns=-\r\nc=IN IP6 2001:db8::5\r\nt=0 0\r\nm=audio 12000 RTP/AVP 0\r\n", 1,
		"[2001:db8::5]:12000", "[2001:db8::5]:12001", AUDIO_PCMU, 0, 0, 20, true, true, NULL},
	{"no common codec", PEER("192.0.2.50", "m=audio 12000 RTP/AVP 18\r\n"), -ENOENT, 0},
	{"G.711 at another clock", PEER("192.0.2.50", "m=audio 12000 RTP/AVP 97\r\na=rtpmap:97 PCMU/16000\r\n"),
		-ENOENT, 0},
	{"stream refused", PEER("192.0.2.50", "m=audio 0 RTP/AVP 0\r\n"), -ENOENT, 0},
	{"no audio", PEER("192.0.2.50", "m=video 12000 RTP/AVP 99\r\n"), -ENOENT, 0},
	{"SRTP nobody offered", PEER("192.0.2.50", "m=audio 12000 RTP/SAVP 0\r\n"), -ENOENT, 0},
	{"a name for an address", PEER("pbx.example", "m=audio 12000 RTP/AVP 0\r\n"), -EBADMSG, 0},
	{"not SDP", "hello", -EBADMSG, 0},
	{"nothing", "", -EBADMSG, 0},
};

static void check_remote(const struct expected *e, const struct sip_negotiation *n)
{
	char text[ADDR_TEXT_MAX];

	if (strcmp(addr_format(&n->remote.rtp, text, sizeof(text)), e->rtp) != 0)
		fail_msg("%s: RTP to %s", e->what, text);
	if (strcmp(addr_format(&n->remote.rtcp, text, sizeof(text)), e->rtcp) != 0)
		fail_msg("%s: RTCP to %s", e->what, text);
	if (n->remote.codec != e->codec || n->remote.pt != e->pt || n->remote.event_pt != e->event_pt ||
		n->remote.ptime_ms != e->ptime_ms || n->remote.send != e->send || n->remote.receive != e->receive)
		fail_msg("%s: codec %d pt %u event %u ptime %u send %d receive %d", e->what, n->remote.codec,
			n->remote.pt, n->remote.event_pt, n->remote.ptime_ms, n->remote.send, n->remote.receive);
}

#define EVENTS(pt, clock) "a=rtpmap:" pt " telephone-event/" clock "\r\n"
#define OPUS(pt)          "a=rtpmap:" pt " opus/48000/2\r\n"

/* Answers to an offer of Opus (111), PCMU and G.722, with telephone-event at 48000 (110) and 8000 (101). */
static const struct {
	const char *what, *media;
	enum audio_codec codec;
	unsigned pt, event_pt, event_pt_own, event_clock_hz, cn_pt, max_bitrate, maxptime_ms;
	const char *also; /* codec and number */
} opus_answers[] = {
	{"as offered", "111 110\r\n" OPUS("111") EVENTS("110", "48000"), AUDIO_OPUS, 111, 110, 0, 48000, 0, 0, 0, ""},
	{"numbers of its own", "96 97\r\n" OPUS("96") EVENTS("97", "48000"), AUDIO_OPUS, 96, 97, 110, 48000, 0, 0, 0,
		"3/111 "},
	{"digits at 8000", "111 96\r\n" OPUS("111") EVENTS("96", "8000"), AUDIO_OPUS, 111, 96, 101, 8000, 0, 0, 0, ""},
	{"digits at both", "111 101 110\r\n" OPUS("111") EVENTS("101", "8000") EVENTS("110", "48000"), AUDIO_OPUS, 111,
		110, 0, 48000, 0, 0, 0, ""},
	{"our number means something else there", "96 111\r\n" OPUS("96") EVENTS("111", "48000"), AUDIO_OPUS, 96, 111,
		110, 48000, 0, 0, 0, ""},
	{"everything",
		"0 111 9 101 110 13 98\r\n" OPUS("111") EVENTS("101", "8000")
			EVENTS("110", "48000") "a=rtpmap:98 CN/16000\r\n",
		AUDIO_PCMU, 0, 101, 0, 8000, 0, 0, 0, "3/111 4/9 "},
	{"comfort noise, bit rate, packet time",
		"9 111 98\r\n" OPUS("111") "a=rtpmap:98 CN/8000\r\n"
					   "a=fmtp:111 maxaveragebitrate=16000; stereo=1\r\na=maxptime:40\r\n",
		AUDIO_G722, 9, 0, 0, 8000, 98, 16000, 40, "3/111 "},
	{"G.722 with digits at its sampling rate", "9 101\r\n" EVENTS("101", "16000"), AUDIO_G722, 9, 101, 0, 16000, 0,
		0, 0, ""},
	{"mono in the map", "111\r\na=rtpmap:111 opus/48000\r\n", AUDIO_OPUS, 111, 0, 0, 8000, 0, 0, 0, ""},
	{"an absurd bit rate", "111\r\n" OPUS("111") "a=fmtp:111 maxaveragebitrate=99999999\r\n", AUDIO_OPUS, 111, 0, 0,
		8000, 0, 510000, 0, ""},
};

/* RFC 7587 s6.1; the same for Meta's descriptions and for those of the SIP side. */
static void reads_what_opus_receivers_say(void **state)
{
	static const struct {
		const char *fmtp;
		unsigned max_bitrate, max_playback_hz;
		bool cbr, no_fec;
	} said[] = {
		{"", 0, 0, false, true}, /* its default is 0 */
		{"useinbandfec=1", 0, 0, false, false},
		{"useinbandfec=0", 0, 0, false, true},
		{"useinbandfec=2", 0, 0, false, true},
		{"maxplaybackrate=16000; sprop-maxcapturerate=16000; maxaveragebitrate=20000; stereo=1; "
		 "useinbandfec=1; "
		 "usedtx=0",
			20000, 16000, false, false},
		{"maxaveragebitrate=5999;maxplaybackrate=7999;cbr=1;useinbandfec=1", 6000, 8000, true, false},
		{"maxaveragebitrate=510001;maxplaybackrate=96000;cbr=0;useinbandfec=1", 510000, 48000, false, false},
		{"maxaveragebitrate=-7;maxplaybackrate=0;usedtx=1", 0, 0, false, true},
		{"maxaveragebitrate=many;maxplaybackrate=;cbr=yes;useinbandfec=1", 0, 0, false, false},
		{"MAXAVERAGEBITRATE=8000;xmaxplaybackrate=8000;useinbandfec = 1", 8000, 0, false, false},
	};
	struct sdp_codec c = {.pt = 111, .name = "opus", .clock_hz = 48000, .channels = 2};

	(void)state;
	for (size_t i = 0; i < sizeof(said) / sizeof(said[0]); i++) {
		snprintf(c.fmtp, sizeof(c.fmtp), "%s", said[i].fmtp);
		const struct media_opus_receiver r = negotiate_opus_receiver(&c);
		if (negotiate_opus_bitrate(&c) != said[i].max_bitrate || r.max_playback_hz != said[i].max_playback_hz ||
			r.cbr != said[i].cbr || r.no_fec != said[i].no_fec)
			fail_msg("%s: bitrate %u playback %u cbr %d no_fec %d", said[i].fmtp,
				negotiate_opus_bitrate(&c), r.max_playback_hz, r.cbr, r.no_fec);
	}
}

/* A re-INVITE that says nothing but this is a change. */
static void another_receiver_is_a_change(void **state)
{
	static const char *const fmtps[] = {"", "useinbandfec=1", "useinbandfec=1;cbr=1",
		"useinbandfec=1;cbr=1;maxplaybackrate=8000", "useinbandfec=1;cbr=1;maxplaybackrate=12000"};
	static const enum audio_codec opus[4] = {AUDIO_OPUS};
	struct sip_negotiation n;

	(void)state;
	start(&n, opus);
	for (size_t i = 0; i < sizeof(fmtps) / sizeof(fmtps[0]); i++) {
		char text[1024];
		int length = snprintf(text, sizeof(text),
			PEER("192.0.2.50", "m=audio 12000 RTP/AVP 111\r\n" OPUS("111") "a=fmtp:111 %s\r\n"), fmtps[i]);
		assert_int_equal(negotiate_sip_answer(&n, text, (size_t)length), 1);
		assert_int_equal(negotiate_sip_answer(&n, text, (size_t)length), 0);
	}
}

static void reads_opus_answers(void **state)
{
	static const enum audio_codec all[4] = {AUDIO_OPUS, AUDIO_PCMU, AUDIO_G722};

	(void)state;
	for (size_t i = 0; i < sizeof(opus_answers) / sizeof(opus_answers[0]); i++) {
		struct sip_negotiation n;
		char text[1024], also[64] = "";
		int length = snprintf(
			text, sizeof(text), PEER("192.0.2.50", "m=audio 12000 RTP/AVP %s"), opus_answers[i].media);
		start(&n, all);
		assert_int_equal(negotiate_sip_answer(&n, text, (size_t)length), 1);
		assert_int_equal(negotiate_sip_answer(&n, text, (size_t)length), 0);
		const struct media_sip_remote *r = &n.remote;
		for (unsigned k = 0; k < r->also_count; k++)
			snprintf(also + strlen(also), sizeof(also) - strlen(also), "%d/%u ", r->also[k].codec,
				r->also[k].pt);
		if (r->codec != opus_answers[i].codec || r->pt != opus_answers[i].pt ||
			r->event_pt != opus_answers[i].event_pt || r->event_pt_own != opus_answers[i].event_pt_own ||
			r->event_clock_hz != opus_answers[i].event_clock_hz || r->cn_pt != opus_answers[i].cn_pt ||
			r->max_bitrate != opus_answers[i].max_bitrate ||
			r->maxptime_ms != opus_answers[i].maxptime_ms || strcmp(also, opus_answers[i].also) != 0)
			fail_msg("%s: codec %d pt %u event %u %u/%u cn %u bitrate %u also %s", opus_answers[i].what,
				r->codec, r->pt, r->event_pt, r->event_pt_own, r->event_clock_hz, r->cn_pt,
				r->max_bitrate, also);
	}
}

/* The peer's numbers, in our answer and in our later offers, where ours would collide with them. */
static void answers_opus(void **state)
{
	static const enum audio_codec all[4] = {AUDIO_PCMU, AUDIO_OPUS};
	static const char offer[] = PEER("192.0.2.50",
		"m=audio 12000 RTP/AVP 101 18 110 96 0\r\n" OPUS("101") EVENTS("96", "48000") EVENTS("110", "8000"));
	struct sip_negotiation n;
	const char *text;

	(void)state;
	start_called(&n, all);
	negotiate_sip_bitrate(&n, 16000);
	assert_int_equal(negotiate_sip_reoffer(&n, offer, strlen(offer), &text), 1);
	assert_non_null(strstr(text, "m=audio 20000 RTP/AVP 101 96\r\na=rtpmap:101 opus/48000/2\r\n"
				     "a=fmtp:101 useinbandfec=1;maxaveragebitrate=16000\r\n"
				     "a=rtpmap:96 telephone-event/48000\r\n"));
	assert_int_equal(n.remote.also_count, 0);
	assert_int_equal(negotiate_sip_offer(&n, &text), 0);
	assert_non_null(strstr(text, "m=audio 20000 RTP/AVP 0 101 96 97\r\n"));
	assert_non_null(strstr(text, "a=rtpmap:97 telephone-event/8000\r\n"));
}

/* The first audio line that will do is answered, the others refused in their places, with their protocols. */
static const struct {
	const char *what, *media;
	int status;
	const char *answer_has;
} several_lines[] = {
	{"SRTP, then plain", "m=audio 12000 RTP/SAVP 0\r\nm=audio 13000 RTP/AVP 8\r\n", 1,
		"m=audio 0 RTP/SAVP 0\r\nm=audio 20000 RTP/AVP 8\r\n"},
	{"DTLS, then plain", "m=audio 12000 UDP/TLS/RTP/SAVPF 0\r\nm=audio 13000 RTP/AVP 8\r\n", 1,
		"m=audio 0 UDP/TLS/RTP/SAVPF 0\r\nm=audio 20000 RTP/AVP 8\r\n"},
	{"no common codec in the first", "m=audio 12000 RTP/AVP 18\r\nm=audio 13000 RTP/AVP 0\r\n", 1,
		"m=audio 0 RTP/AVP 18\r\nm=audio 20000 RTP/AVP 0\r\n"},
	{"none will do", "m=audio 12000 RTP/AVP 18\r\nm=audio 13000 RTP/AVP 3\r\n", -ENOENT, NULL},
	{"the second is refused", "m=audio 12000 RTP/AVP 18\r\nm=audio 0 RTP/AVP 0\r\n", -ENOENT, NULL},
	{"video, fax, audio, text",
		"m=video 12000 RTP/AVP 99\r\nm=image 12002 udptl t38\r\nm=audio 13000 RTP/AVP 0\r\nm=text 1 RTP/AVP "
		"98\r\n",
		1, "m=video 0 RTP/AVP 99\r\nm=image 0 udptl t38\r\nm=audio 20000 RTP/AVP 0\r\n"},
	{"feedback profile", "m=audio 12000 RTP/AVPF 0\r\na=rtcp-fb:* nack\r\n", 1, "m=audio 20000 RTP/AVPF 0\r\n"},
	{"BUNDLE and ICE",
		"a=group:BUNDLE 0\r\nm=audio 12000 RTP/AVP "
		"0\r\na=mid:0\r\na=ice-ufrag:abcd\r\na=ice-pwd:0123456789012345678901\r\n"
		"a=candidate:1 1 udp 1 192.0.2.50 12000 typ host\r\n",
		1, "m=audio 20000 RTP/AVP 0\r\n"},
};

static void answers_several_lines(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(several_lines) / sizeof(several_lines[0]); i++) {
		struct sip_negotiation n;
		char text[1024];
		const char *answer = NULL;
		int length = snprintf(text, sizeof(text), PEER("192.0.2.50", "%s"), several_lines[i].media);
		start_called(&n, g711);
		int r = negotiate_sip_reoffer(&n, text, (size_t)length, &answer);
		if (r != several_lines[i].status)
			fail_msg("%s: %d", several_lines[i].what, r);
		if (r < 0)
			continue;
		if (!strstr(answer, several_lines[i].answer_has) || strstr(answer, "ice") || strstr(answer, "BUNDLE") ||
			strstr(answer, "a=mid"))
			fail_msg("%s: %s", several_lines[i].what, answer);
	}
}

static void reads_answers(void **state)
{
	struct sip_negotiation n;

	(void)state;
	for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
		const struct expected *e = &answers[i];
		int r;
		start(&n, g711);
		r = negotiate_sip_answer(&n, e->text, strlen(e->text));
		if (r != e->status)
			fail_msg("%s: %d", e->what, r);
		if (r >= 0)
			check_remote(e, &n);
		else
			assert_false(n.has_remote);
	}
}

/* After the usual answer, one after the other: each builds on the one before. */
static const struct expected offers[] = {
	{"refresh", PEER("192.0.2.50", "m=audio 12000 RTP/AVP 0 101\r\na=rtpmap:101 telephone-event/8000\r\n"), 0,
		"192.0.2.50:12000", "192.0.2.50:12001", AUDIO_PCMU, 0, 101, 20, true, true, "o=- 7 2 IN"},
	{"refresh again", PEER("192.0.2.50", "m=audio 12000 RTP/AVP 0 101\r\na=rtpmap:101 telephone-event/8000\r\n"), 0,
		"192.0.2.50:12000", "192.0.2.50:12001", AUDIO_PCMU, 0, 101, 20, true, true, "o=- 7 2 IN"},
	{"hold", PEER("192.0.2.50", "m=audio 12000 RTP/AVP 0\r\na=sendonly\r\n"), 1, "192.0.2.50:12000",
		"192.0.2.50:12001", AUDIO_PCMU, 0, 0, 20, false, true, "a=recvonly\r\n"},
	{"hold both ways", PEER("192.0.2.50", "m=audio 12000 RTP/AVP 0\r\na=inactive\r\n"), 1, "192.0.2.50:12000",
		"192.0.2.50:12001", AUDIO_PCMU, 0, 0, 20, false, false, "a=inactive\r\n"},
	{"resume", PEER("192.0.2.50", "m=audio 12000 RTP/AVP 0\r\n"), 1, "192.0.2.50:12000", "192.0.2.50:12001",
		AUDIO_PCMU, 0, 0, 20, true, true, "a=sendrecv\r\n"},
	{"hold the old way", PEER("0.0.0.0", "m=audio 12000 RTP/AVP 0\r\n"), 1, "192.0.2.50:12000", "192.0.2.50:12001",
		AUDIO_PCMU, 0, 0, 20, false, true, "a=recvonly\r\n"},
	{"elsewhere, A-law, 40 ms",
		PEER("192.0.2.77", "m=audio 14000 RTP/AVP 8 96\r\na=rtpmap:96 telephone-event/8000\r\n"
				   "a=ptime:40\r\n"),
		1, "192.0.2.77:14000", "192.0.2.77:14001", AUDIO_PCMA, 8, 96, 40, true, true,
		"m=audio 20000 RTP/AVP 8 96\r\n"},
	{"codec we have not", PEER("192.0.2.50", "m=audio 12000 RTP/AVP 9\r\n"), -ENOENT, "192.0.2.77:14000",
		"192.0.2.77:14001", AUDIO_PCMA, 8, 96, 40, true, true, NULL},
	{"garbage", "v=0\r\nm=audio x RTP/AVP 0\r\n", -EBADMSG, "192.0.2.77:14000", "192.0.2.77:14001", AUDIO_PCMA, 8,
		96, 40, true, true, NULL},
	{"stream taken back", PEER("192.0.2.50", "m=audio 0 RTP/AVP 8\r\n"), 1, "192.0.2.77:14000", "192.0.2.77:14001",
		AUDIO_PCMA, 8, 96, 40, false, false, "m=audio 0 RTP/AVP 8\r\n"},
	{"and given again, with video beside",
		PEER("192.0.2.50", "m=video 15000 RTP/AVP 99\r\nm=audio 12000 RTP/AVP 0\r\n"), 1, "192.0.2.50:12000",
		"192.0.2.50:12001", AUDIO_PCMU, 0, 0, 20, true, true,
		"m=video 0 RTP/AVP 99\r\nm=audio 20000 RTP/AVP 0\r\n"},
	{"RTCP on the same port", PEER("192.0.2.50", "m=audio 12000 RTP/AVP 0\r\na=rtcp-mux\r\n"), 1,
		"192.0.2.50:12000", "192.0.2.50:12001", AUDIO_PCMU, 0, 0, 20, true, true, "a=rtcp-mux\r\n"},
	{"and again not", PEER("192.0.2.50", "m=audio 12000 RTP/AVP 0\r\n"), 1, "192.0.2.50:12000", "192.0.2.50:12001",
		AUDIO_PCMU, 0, 0, 20, true, true, "a=sendrecv\r\n"},
};

static void answers_offers(void **state)
{
	struct sip_negotiation n;
	const char *text;

	(void)state;
	start(&n, g711);
	assert_int_equal(negotiate_sip_answer(&n, answers[0].text, strlen(answers[0].text)), 1);
	for (size_t i = 0; i < sizeof(offers) / sizeof(offers[0]); i++) {
		const struct expected *e = &offers[i];
		int r = negotiate_sip_reoffer(&n, e->text, strlen(e->text), &text);
		if (r != e->status)
			fail_msg("%s: %d", e->what, r);
		check_remote(e, &n);
		if (r >= 0 && !strstr(text, e->answer_has))
			fail_msg("%s: answered\n%s", e->what, text);
		if (r >= 0)
			assert_ptr_equal(text, negotiate_sip_text(&n));
	}
	assert_null(strstr(negotiate_sip_text(&n), "rtcp-mux"));
}

/* RFC 3611 s5: who asks for VoIP metrics gets them, and is asked for its own; who does not, is not. */
static void quality_reports_when_asked(void **state)
{
	static const char asks[] = PEER("192.0.2.50", "m=audio 12000 RTP/AVP 0\r\na=rtcp-xr:voip-metrics\r\n"),
			  silent[] = PEER("192.0.2.50", "m=audio 12000 RTP/AVP 0\r\n");
	struct sip_negotiation n;
	const char *text;

	(void)state;
	start(&n, g711);
	assert_int_equal(negotiate_sip_answer(&n, answers[0].text, strlen(answers[0].text)), 1);
	assert_false(n.remote.xr_voip);
	assert_int_equal(negotiate_sip_reoffer(&n, asks, strlen(asks), &text), 1);
	assert_true(n.remote.xr_voip);
	assert_non_null(strstr(text, "a=rtcp-xr:voip-metrics\r\n"));
	assert_int_equal(negotiate_sip_reoffer(&n, silent, strlen(silent), &text), 1);
	assert_false(n.remote.xr_voip);
	assert_null(strstr(text, "rtcp-xr"));
}

static uint64_t version_of(const struct sip_negotiation *n)
{
	struct sdp_audio sdp;
	const char *text = negotiate_sip_text(n);

	assert_int_equal(sdp_audio_parse(text, strlen(text), &sdp, NULL), 0);
	assert_int_equal(sdp.origin_id, 7);
	return sdp.origin_version;
}

static void version_grows_by_one_only_with_a_change(void **state)
{
	struct sip_negotiation n;
	const char *text, *hold = offers[2].text, *resume = offers[4].text;

	(void)state;
	start(&n, g711);
	assert_int_equal(version_of(&n), 1);
	assert_int_equal(negotiate_sip_offer(&n, &text), 0);
	assert_int_equal(version_of(&n), 1);
	negotiate_sip_answer(&n, answers[0].text, strlen(answers[0].text));
	for (unsigned i = 0; i < 20; i++) {
		negotiate_sip_reoffer(&n, hold, strlen(hold), &text);
		assert_int_equal(version_of(&n), 2 + 2 * i);
		negotiate_sip_reoffer(&n, hold, strlen(hold), &text);
		assert_int_equal(version_of(&n), 2 + 2 * i);
		negotiate_sip_reoffer(&n, "x", 1, &text);
		negotiate_sip_reoffer(&n, resume, strlen(resume), &text);
		assert_int_equal(version_of(&n), 3 + 2 * i);
	}
}

/* RFC 3264 s8: m= lines stay where they are, payload type numbers stay with their format. */
static void our_later_offer_keeps_places_and_numbers(void **state)
{
	static const char two[] = PEER("192.0.2.50", "m=video 0 RTP/AVP 99\r\nm=audio 12000 RTP/AVP 0 96\r\n"
						     "a=rtpmap:96 telephone-event/8000\r\n");
	struct sip_negotiation n;
	const char *text;

	(void)state;
	start(&n, g711);
	negotiate_sip_answer(&n, answers[0].text, strlen(answers[0].text));
	assert_int_equal(negotiate_sip_reoffer(&n, two, strlen(two), &text), 1);
	assert_false(n.offered);
	assert_int_equal(negotiate_sip_offer(&n, &text), 0);
	assert_true(n.offered);
	assert_non_null(strstr(text, "m=video 0 RTP/AVP 99\r\nm=audio 20000 RTP/AVP 0 8 96\r\n"));
}

static void many_streams_do_not_overrun(void **state)
{
	char offer[4096];
	struct sip_negotiation n;
	const char *text;
	int length = snprintf(offer, sizeof(offer), "%s", PEER("192.0.2.50", "m=audio 12000 RTP/AVP 0\r\n"));

	(void)state;
	for (int i = 0; i < 7; i++)
		length += snprintf(offer + length, sizeof(offer) - (size_t)length,
			"m=application0001 1 TCP/long/protocol/name/0000001 aaaaaaaaaabbbbbbbbbbccccccccccd\r\n");
	start(&n, g711);
	negotiate_sip_answer(&n, answers[0].text, strlen(answers[0].text));
	assert_int_equal(negotiate_sip_reoffer(&n, offer, (size_t)length, &text), 1);
	assert_non_null(
		strstr(text, "m=application0001 0 TCP/long/protocol/name/0000001 aaaaaaaaaabbbbbbbbbbccccccccccd\r\n"));
	assert_int_equal(n.remote.codec, AUDIO_PCMU);
}

/* ---- SRTP ---- */

static const struct media_srtp_keys our_keys = {.of = {[MEDIA_SRTP_SHA1_80] = {0x80}, [MEDIA_SRTP_SHA1_32] = {0x32}}};

#define OUR_80 "inline:gAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\r\n"
#define OUR_32 "inline:MgAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\r\n"
/* The first byte of their keys: 'A' 0, 'B' 4, 'C' 8. */
#define KEY(letter) "inline:" letter "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
#define S80         "AES_CM_128_HMAC_SHA1_80 "
#define S32         "AES_CM_128_HMAC_SHA1_32 "
#define AVP(lines)  PEER("192.0.2.50", "m=audio 12000 RTP/AVP 0\r\n" lines)
#define SAVP(lines) PEER("192.0.2.50", "m=audio 12000 RTP/SAVP 0\r\n" lines)

static void start_secure(struct sip_negotiation *n, enum media_srtp_policy policy, bool offer)
{
	struct media_local local;
	const char *text;

	play_local(&local);
	negotiate_sip_init(n, g711, 20, &local.sip_rtp, 7, &arena);
	negotiate_sip_secure(n, policy, &our_keys);
	if (offer)
		assert_int_equal(negotiate_sip_offer(n, &text), 0);
}

static void offers_keys_by_policy(void **state)
{
	struct sip_negotiation n;

	(void)state;
	start_secure(&n, MEDIA_SRTP_OFF, true);
	assert_non_null(strstr(negotiate_sip_text(&n), " RTP/AVP 0"));
	assert_null(strstr(negotiate_sip_text(&n), "crypto"));
	start_secure(&n, MEDIA_SRTP_OFFER, true);
	assert_non_null(strstr(negotiate_sip_text(&n), " RTP/AVP 0"));
	assert_non_null(strstr(negotiate_sip_text(&n), "a=crypto:1 " S80 OUR_80 "a=crypto:2 " S32 OUR_32));
	start_secure(&n, MEDIA_SRTP_REQUIRE, true);
	assert_non_null(strstr(negotiate_sip_text(&n), " RTP/SAVP 0"));
	assert_non_null(strstr(negotiate_sip_text(&n), "a=crypto:1 " S80 OUR_80 "a=crypto:2 " S32 OUR_32));
}

enum { REFUSED = -1 };
static const struct srtp_row {
	const char *what, *text;
	int by_policy[3]; /* OFF, OFFER, REQUIRE: suite or REFUSED */
	int key;          /* first byte of theirs */
} srtp_answers[] = {
	{"plain", AVP(""), {0, 0, REFUSED}, 0},
	{"keys, RTP/SAVP", SAVP("a=crypto:1 " S80 KEY("B") "\r\n"), {REFUSED, 1, 1}, 4},
	{"keys, RTP/AVP", AVP("a=crypto:1 " S80 KEY("B") "\r\n"), {0, 1, 1}, 4},
	{"the other suite", SAVP("a=crypto:2 " S32 KEY("C") "\r\n"), {REFUSED, 2, 2}, 8},
	{"suite of another tag", SAVP("a=crypto:1 " S32 KEY("C") "\r\n"), {REFUSED, REFUSED, REFUSED}, 0},
	{"tag we did not offer", AVP("a=crypto:3 " S80 KEY("B") "\r\n"), {0, REFUSED, REFUSED}, 0},
	{"RTP/SAVP without keys", SAVP(""), {REFUSED, REFUSED, REFUSED}, 0},
	{"key too short", SAVP("a=crypto:1 " S80 "inline:QUJD\r\n"), {REFUSED, REFUSED, REFUSED}, 0},
	{"MKI", SAVP("a=crypto:1 " S80 KEY("B") "|2^20|1:4\r\n"), {REFUSED, REFUSED, REFUSED}, 0},
	{"lifetime only", SAVP("a=crypto:1 " S80 KEY("B") "|2^31\r\n"), {REFUSED, 1, 1}, 4},
	{"DTLS", PEER("192.0.2.50", "m=audio 12000 UDP/TLS/RTP/SAVP 0\r\n"), {REFUSED, REFUSED, REFUSED}, 0},
};

static void check_srtp(const struct srtp_row *row, int policy, int r, const struct sip_negotiation *n)
{
	static const uint8_t first_byte[] = {0, 0x80, 0x32};
	int wanted = row->by_policy[policy];

	if (wanted == REFUSED) {
		if (r != -ENOENT || n->has_remote)
			fail_msg("%s, policy %d: %d", row->what, policy, r);
		return;
	}
	if (r != 1 || (int)n->remote.srtp.suite != wanted)
		fail_msg("%s, policy %d: %d, suite %d", row->what, policy, r, n->remote.srtp.suite);
	assert_int_equal(n->remote.srtp.tx[0], first_byte[wanted]);
	assert_int_equal(n->remote.srtp.rx[0], wanted ? row->key : 0);
}

static void reads_keys_in_answers(void **state)
{
	struct sip_negotiation n;

	(void)state;
	for (size_t i = 0; i < sizeof(srtp_answers) / sizeof(srtp_answers[0]); i++) {
		const struct srtp_row *row = &srtp_answers[i];
		for (int policy = 0; policy < 3; policy++) {
			start_secure(&n, (enum media_srtp_policy)policy, true);
			check_srtp(row, policy, negotiate_sip_answer(&n, row->text, strlen(row->text)), &n);
		}
	}
}

static const struct srtp_row srtp_offers[] = {
	{"plain", AVP(""), {0, 0, REFUSED}, 0},
	{"keys, RTP/SAVP", SAVP("a=crypto:5 " S80 KEY("B") "\r\n"), {REFUSED, 1, 1}, 4},
	{"keys, RTP/AVP", AVP("a=crypto:5 " S80 KEY("B") "\r\n"), {0, 1, 1}, 4},
	{"unknown suites, then ours",
		SAVP("a=crypto:1 AEAD_AES_256_GCM " KEY("A") "\r\na=crypto:2 AES_256_CM_HMAC_SHA1_80 " KEY(
			"A") "\r\n"
			     "a=crypto:5 " S32 KEY("C") "\r\na=crypto:6 " S80 KEY("B") "\r\n"),
		{REFUSED, 2, 2}, 8},
	{"only suites we have not, RTP/AVP", AVP("a=crypto:5 AEAD_AES_256_GCM " KEY("A") "\r\n"), {0, 0, REFUSED}, 0},
	{"only suites we have not", SAVP("a=crypto:5 AEAD_AES_256_GCM " KEY("A") "\r\n"), {REFUSED, REFUSED, REFUSED},
		0},
	{"MKI, then without", SAVP("a=crypto:4 " S80 KEY("A") "|1:1\r\na=crypto:5 " S80 KEY("B") "\r\n"),
		{REFUSED, 1, 1}, 4},
};

static void answers_keys_in_offers(void **state)
{
	struct sip_negotiation n;
	const char *text;

	(void)state;
	for (size_t i = 0; i < sizeof(srtp_offers) / sizeof(srtp_offers[0]); i++) {
		const struct srtp_row *row = &srtp_offers[i];
		for (int policy = 0; policy < 3; policy++) {
			start_secure(&n, (enum media_srtp_policy)policy, false);
			check_srtp(row, policy, negotiate_sip_reoffer(&n, row->text, strlen(row->text), &text), &n);
			if (row->by_policy[policy] == REFUSED)
				continue;
			const char *line = row->by_policy[policy] == 1   ? "a=crypto:5 " S80 OUR_80
					   : row->by_policy[policy] == 2 ? "a=crypto:5 " S32 OUR_32
									 : NULL;
			assert_int_equal(strstr(text, "a=crypto") == NULL, line == NULL);
			if (line)
				assert_non_null(strstr(text, line));
			assert_int_equal(strstr(text, "RTP/SAVP") != NULL, strstr(row->text, "RTP/SAVP") != NULL);
		}
	}
}

/* Refresh, change of their key, and what a peer may not do where SRTP is required. */
static void keys_during_the_call(void **state)
{
	static const struct {
		const char *what, *text;
		int status, suite, key;
	} steps[] = {
		{"refresh", SAVP("a=crypto:1 " S80 KEY("B") "\r\n"), 0, 1, 4},
		{"refresh, more suites", SAVP("a=crypto:1 " S32 KEY("B") "\r\na=crypto:2 " S80 KEY("B") "\r\n"), 0, 1,
			4},
		{"another key", SAVP("a=crypto:1 " S80 KEY("C") "\r\n"), 1, 1, 8},
		{"without", AVP(""), -ENOENT, 1, 8},
		{"hold", SAVP("a=crypto:1 " S80 KEY("C") "\r\na=sendonly\r\n"), 1, 1, 8},
		{"another suite", SAVP("a=crypto:1 " S32 KEY("C") "\r\n"), 1, 2, 8},
	};
	struct sip_negotiation n;
	const char *text;

	(void)state;
	start_secure(&n, MEDIA_SRTP_REQUIRE, true);
	assert_int_equal(negotiate_sip_answer(&n, srtp_answers[1].text, strlen(srtp_answers[1].text)), 1);
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		int r = negotiate_sip_reoffer(&n, steps[i].text, strlen(steps[i].text), &text);
		if (r != steps[i].status || (int)n.remote.srtp.suite != steps[i].suite ||
			n.remote.srtp.rx[0] != steps[i].key)
			fail_msg("%s: %d, suite %d key %d", steps[i].what, r, n.remote.srtp.suite, n.remote.srtp.rx[0]);
	}
	negotiate_sip_wipe(&n);
	assert_int_equal(n.keys.of[MEDIA_SRTP_SHA1_80][0] | n.remote.srtp.rx[0] | *kept_text(&n.text[0]) |
				 *kept_text(&n.text[1]),
		0);
}

/* Offered as RTP/AVP, agreed as RTP/SAVP: later offers of ours are RTP/SAVP too. */
static void our_later_offer_keeps_the_protocol(void **state)
{
	struct sip_negotiation n;
	const char *text;

	(void)state;
	start_secure(&n, MEDIA_SRTP_OFFER, true);
	assert_int_equal(negotiate_sip_answer(&n, srtp_answers[1].text, strlen(srtp_answers[1].text)), 1);
	assert_int_equal(negotiate_sip_offer(&n, &text), 0);
	assert_non_null(strstr(text, "RTP/SAVP"));
	assert_non_null(strstr(text, "a=crypto:1 " S80 OUR_80));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(offers_keys_by_policy),
		cmocka_unit_test(reads_keys_in_answers),
		cmocka_unit_test(answers_keys_in_offers),
		cmocka_unit_test(keys_during_the_call),
		cmocka_unit_test(our_later_offer_keeps_the_protocol),
		cmocka_unit_test(reads_metas_offer),
		cmocka_unit_test(answers_meta_in_the_shape_it_takes),
		cmocka_unit_test(refuses_what_cannot_carry_a_call),
		cmocka_unit_test(takes_what_differs_from_the_usual_offer),
		cmocka_unit_test(without_candidates_the_media_address_is_one),
		cmocka_unit_test(offers_meta_what_it_takes),
		cmocka_unit_test(metas_answer_says_who_begins),
		cmocka_unit_test(digits_come_as_126_anyhow),
		cmocka_unit_test(offers_what_everybody_takes),
		cmocka_unit_test(reads_answers),
		cmocka_unit_test(reads_opus_answers),
		cmocka_unit_test(reads_what_opus_receivers_say),
		cmocka_unit_test(another_receiver_is_a_change),
		cmocka_unit_test(answers_opus),
		cmocka_unit_test(answers_several_lines),
		cmocka_unit_test(answers_offers),
		cmocka_unit_test(quality_reports_when_asked),
		cmocka_unit_test(version_grows_by_one_only_with_a_change),
		cmocka_unit_test(our_later_offer_keeps_places_and_numbers),
		cmocka_unit_test(many_streams_do_not_overrun),
	};
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	arena_done(&arena);
	return failed;
}
