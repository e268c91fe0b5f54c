/* What peers are known to send, and what we make of it. */
#include "tests/unit/lib/sdp/sdp_tests.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define HEAD "v=0\r\no=- 1 2 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n"

static size_t read_corpus(const char *name, char *text, size_t cap)
{
	char path[256];
	snprintf(path, sizeof(path), "tests/fuzz/corpus/sdp/%s", name);
	FILE *f = fopen(path, "rb");
	assert_non_null(f);
	size_t n = fread(text, 1, cap - 1, f);
	fclose(f);
	text[n] = '\0';
	return n;
}

static void meta_offer(void **state)
{
	char text[4096];
	(void)state;
	read_corpus("meta-offer.sdp", text, sizeof(text));
	struct sdp_audio s = parsed(text);

	assert_int_equal(s.origin_id, 1790000000123);
	assert_int_equal(s.origin_version, 2);
	assert_int_equal(s.proto, SDP_UDP_TLS_RTP_SAVPF);
	assert_string_equal(addr_text(&s.rtp), "203.0.113.20:3484");
	assert_true(s.rtcp_mux);
	assert_false(addr_is_set(&s.rtcp));
	assert_false(s.hold_address);
	assert_int_equal(s.direction, SDP_SENDRECV);
	assert_int_equal(s.ptime_ms, 20);
	assert_int_equal(s.maxptime_ms, 20);
	assert_int_equal(s.codec_count, 2);
	assert_int_equal(s.codecs[0].pt, 111);
	assert_string_equal(s.codecs[0].name, "opus");
	assert_int_equal(s.codecs[0].clock_hz, 48000);
	assert_int_equal(s.codecs[0].channels, 2);
	assert_int_equal(sdp_fmtp_int(&s.codecs[0], "maxaveragebitrate", 0), 20000);
	assert_int_equal(s.codecs[1].pt, 126);
	assert_int_equal(s.codecs[1].channels, 1);
	assert_string_equal(s.codecs[1].fmtp, "");
	assert_true(s.ice_lite);
	assert_string_equal(s.ice_ufrag, "ExampleUfragMeta");
	assert_string_equal(s.ice_pwd, "c3ludGhldGljLXB3ZC0wMQ==");
	assert_int_equal(s.candidate_count, 2);
	assert_int_equal(s.candidates[0].priority, 2122260223);
	assert_string_equal(addr_text(&s.candidates[1].addr), "[2001:db8:20::1]:3484");
	assert_true(s.has_fingerprint);
	assert_int_equal(s.fingerprint_lines, 1);
	assert_int_equal(s.fingerprint[15], 0xff);
	assert_int_equal(s.fingerprint[31], 0xff);
	assert_int_equal(s.fingerprint[30], 0xee);
	assert_int_equal(s.setup, SDP_SETUP_ACTPASS);
	assert_string_equal(s.mid, "audio");
	assert_string_equal(s.msid, "11111111-2222-4333-8444-555555555555 WhatsAppTrack1");
	assert_int_equal(s.ssrc, 1000000001);
	assert_string_equal(s.cname, "WhatsAppAudioStream1");
	assert_int_equal(s.media_count, 1);
}

static void meta_older_answer(void **state)
{
	char text[4096];
	(void)state;
	read_corpus("meta-answer-old.sdp", text, sizeof(text));
	struct sdp_audio s = parsed(text);

	assert_int_equal(s.codec_count, 6);
	assert_int_equal(s.codecs[1].pt, 9);
	assert_int_equal(sdp_find_codec(&s, "telephone-event", 8000)->pt, 126);
	assert_int_equal(s.candidate_count, 2); /* not the TCP one, not the mDNS name */
	assert_int_equal(s.setup, SDP_SETUP_ACTIVE);
	assert_string_equal(s.ice_ufrag, "6O0H/b+a");
	assert_int_equal(strlen(s.ice_pwd), 32);
	assert_int_equal(s.ssrc, 2345678901);
	assert_string_equal(s.cname, "WhatsAppAudioStream1");
	assert_int_equal(s.ptime_ms, 0);
	assert_string_equal(s.mid, "0");
}

/* Session-level ICE and DTLS attributes count, those of the stream overrule them. */
static void session_level_attributes(void **state)
{
	(void)state;
	struct sdp_audio s =
		parsed("v=0\r\na=ice-ufrag:sess\r\na=ice-pwd:sessionpassword\r\na=setup:passive\r\n"
		       "a=fingerprint:sha-256 "
		       "00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:"
		       "00:00\r\n"
		       "a=inactive\r\na=ptime:40\r\n"
		       "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\nc=IN IP4 0.0.0.0\r\n"
		       "a=rtpmap:111 OPUS/48000/2\r\na=ice-ufrag:medi\r\na=setup:active\r\na=sendonly\r\n"
		       "a=fingerprint:sha-512 AA:BB\r\n"
		       "a=fingerprint:SHA-256 "
		       "aa:bb:cc:dd:ee:ff:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:"
		       "00:01\r\n");
	assert_string_equal(s.ice_ufrag, "medi");
	assert_string_equal(s.ice_pwd, "sessionpassword");
	assert_int_equal(s.setup, SDP_SETUP_ACTIVE);
	assert_int_equal(s.direction, SDP_SENDONLY);
	assert_int_equal(s.ptime_ms, 40);
	assert_int_equal(s.fingerprint[0], 0xaa);
	assert_int_equal(s.fingerprint[31], 0x01);
	assert_int_equal(s.fingerprint_lines, 3);
	assert_non_null(sdp_find_codec(&s, "opus", 48000));
	/* c=0.0.0.0 and port 9 with ICE: not a hold, not refused, simply no default address */
	assert_false(s.hold_address);
	assert_false(sdp_is_refused(&s));
	assert_true(addr_is_any(&s.rtp));
	assert_int_equal(addr_port(&s.rtp), 9);
}

static void direction_of_session_counts(void **state)
{
	(void)state;
	struct sdp_audio s = parsed(HEAD "a=recvonly\r\nm=audio 4000 RTP/AVP 0\r\n");
	assert_int_equal(s.direction, SDP_RECVONLY);
	s = parsed(
		HEAD "a=recvonly\r\nm=video 4000 RTP/AVP 31\r\na=inactive\r\nm=audio 4000 RTP/AVP 0\r\na=sendrecv\r\n");
	assert_int_equal(s.direction, SDP_SENDRECV);
	s = parsed(HEAD "m=audio 4000 RTP/AVP 0\r\n");
	assert_int_equal(s.direction, SDP_SENDRECV);
}

static void pbx_offer_with_bare_lf(void **state)
{
	char text[4096];
	(void)state;
	read_corpus("pbx-lf-only.sdp", text, sizeof(text));
	struct sdp_audio s = parsed(text);

	assert_int_equal(s.proto, SDP_RTP_AVP);
	assert_string_equal(addr_text(&s.rtp), "192.0.2.10:11234");
	assert_string_equal(addr_text(&s.rtcp), "192.0.2.10:11235"); /* no a=rtcp: the next port */
	assert_int_equal(s.codec_count, 3);
	assert_string_equal(s.codecs[0].name, "PCMU"); /* static, no rtpmap */
	assert_string_equal(s.codecs[1].name, "PCMA");
	assert_string_equal(s.codecs[2].fmtp, "0-16");
	assert_int_equal(s.ptime_ms, 30);
	assert_int_equal(s.maxptime_ms, 150);
	assert_int_equal(s.direction, SDP_SENDONLY);
}

static void srtp_offer_among_other_media(void **state)
{
	char text[4096];
	(void)state;
	read_corpus("srtp-many-media.sdp", text, sizeof(text));
	struct sdp_audio s = parsed(text);

	assert_int_equal(s.media_count, 3);
	assert_int_equal(s.media_index, 2);
	assert_string_equal(s.others[0].media, "image");
	assert_string_equal(s.others[0].proto, "udptl");
	assert_string_equal(s.others[0].fmt, "t38");
	assert_int_equal(s.proto, SDP_RTP_SAVP);
	assert_int_equal(s.origin_version, UINT64_MAX); /* absurdly long */
	assert_string_equal(addr_text(&s.rtp), "[2001:db8::5]:4002");
	assert_string_equal(addr_text(&s.rtcp), "[2001:db8::6]:4010");
	assert_int_equal(s.direction, SDP_RECVONLY);
	assert_int_equal(s.crypto_count, 2);
	assert_int_equal(s.crypto[0].tag, 1);
	assert_string_equal(s.crypto[0].suite, "AES_CM_128_HMAC_SHA1_80");
	assert_string_equal(s.crypto[0].inline_key, "WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz");
	assert_true(s.crypto[0].has_mki);
	assert_false(s.crypto[1].has_mki);
	assert_string_equal(s.codecs[0].name, "G729");
	assert_int_equal(s.codecs[1].clock_hz, 8000); /* G722 */
}

static void crypto_lines(void **state)
{
	(void)state;
	struct sdp_audio s =
		parsed(HEAD "m=audio 4000 RTP/SAVP 0\r\n"
			    "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:AAAA UNENCRYPTED_SRTP\r\n" /* not for us */
			    "a=crypto:2 AES_CM_128_HMAC_SHA1_80 inline:BBBB WSH=128 -X=1\r\n"
			    "a=crypto:3 AES_CM_128_HMAC_SHA1_80 inline:CCCC|1:4;inline:DDDD|2:4\r\n"
			    "a=crypto:99999 AES_CM_128_HMAC_SHA1_80 inline:EEEE\r\n"
			    "a=crypto:4 AES_CM_128_HMAC_SHA1_80 outline:FFFF\r\n"
			    "a=crypto:5 AES_CM_128_HMAC_SHA1_80\r\n"
			    "a=crypto:\r\n");
	assert_int_equal(s.crypto_count, 2);
	assert_string_equal(s.crypto[0].inline_key, "BBBB");
	assert_string_equal(s.crypto[1].inline_key, "CCCC");
	assert_true(s.crypto[1].has_mki);
}

/* RFC 3264 s8.4, and what a modern peer means by sendonly beside it. */
static void old_hold(void **state)
{
	char text[4096];
	(void)state;
	read_corpus("old-hold.sdp", text, sizeof(text));
	struct sdp_audio s = parsed(text);
	assert_true(s.hold_address);
	assert_false(sdp_is_refused(&s));
	assert_false(addr_is_set(&s.origin)); /* a name */
	assert_false(addr_is_set(&s.rtcp));
	assert_true(parsed("v=0\nm=audio 4000 RTP/AVP 0\nc=IN IP6 ::\n").hold_address);
}

static void refused_stream(void **state)
{
	char text[4096];
	(void)state;
	read_corpus("refused.sdp", text, sizeof(text));
	struct sdp_audio s = parsed(text);
	assert_true(sdp_is_refused(&s));
	assert_int_equal(s.codec_count, 0);

	s = parsed(HEAD "m=audio 0 RTP/AVP 0 8\r\n");
	assert_true(sdp_is_refused(&s));
	assert_int_equal(addr_port(&s.rtp), 0);

	/* With port 0 nobody needs the name in c=. */
	s = parsed("v=0\r\nc=IN IP4 media.example.net\r\nm=audio 0 RTP/AVP 0\r\n");
	assert_true(sdp_is_refused(&s));
	assert_false(addr_is_set(&s.rtp));
}

static void first_usable_audio_is_taken(void **state)
{
	(void)state;
	struct sdp_audio s =
		parsed(HEAD "m=audio 0 RTP/AVP 0\r\nm=audio 4000 TCP/RTP/AVP 0\r\nm=audio 4002 RTP/SAVP\r\n"
			    "m=audio 4004 RTP/AVP 8\r\na=sendonly\r\nm=audio 4006 RTP/AVP 0\r\na=inactive\r\n");
	assert_int_equal(s.media_count, 5);
	assert_int_equal(s.media_index, 3);
	assert_int_equal(addr_port(&s.rtp), 4004);
	assert_int_equal(s.codecs[0].pt, 8);
	assert_int_equal(s.direction, SDP_SENDONLY);
	assert_string_equal(s.others[1].proto, "TCP/RTP/AVP");
	assert_string_equal(s.others[2].fmt, "0");
}

static void media_level_c_overrules(void **state)
{
	(void)state;
	struct sdp_audio s =
		parsed(HEAD "m=audio 4000 RTP/AVP 0\r\nc=IN IP4 198.51.100.1/127\r\nc=IN IP4 198.51.100.2\r\n");
	assert_string_equal(addr_text(&s.rtp), "198.51.100.1:4000");
	/* the c= of another stream is not ours */
	s = parsed(HEAD "m=video 4000 RTP/AVP 31\r\nc=IN IP4 198.51.100.1\r\nm=audio 4000 RTP/AVP 0\r\n");
	assert_string_equal(addr_text(&s.rtp), "192.0.2.1:4000");
}

static void rtcp_attribute(void **state)
{
	static const struct {
		const char *line, *rtcp;
	} rows[] = {
		{"", "192.0.2.1:65001"},
		{"a=rtcp:5000\r\n", "192.0.2.1:5000"},
		{"a=rtcp:5000 IN IP4 192.0.2.9\r\n", "192.0.2.9:5000"},
		{"a=rtcp:5000 IN IP4 name.example\r\n", "192.0.2.1:5000"},
		{"a=rtcp:5000 IN IP4 0.0.0.0\r\n", "192.0.2.1:5000"},
		{"a=rtcp:0\r\n", "192.0.2.1:65001"},
		{"a=rtcp:70000\r\n", "192.0.2.1:65001"},
		{"a=rtcp:\r\n", "192.0.2.1:65001"},
	};
	char text[512];
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		snprintf(text, sizeof(text), HEAD "m=audio 65000 RTP/AVP 0\r\n%s", rows[i].line);
		struct sdp_audio row = parsed(text);
		assert_string_equal(addr_text(&row.rtcp), rows[i].rtcp);
	}
	struct sdp_audio s = parsed(HEAD "m=audio 4000 RTP/AVP 0\r\na=rtcp-mux\r\n");
	assert_false(addr_is_set(&s.rtcp));
	assert_false(s.xr_voip);
	s = parsed(HEAD "m=audio 4000 RTP/AVP 0\r\na=rtcp-xr:rcvr-rtt=all:10000 voip-metrics\r\n"); /* RFC 3611 s5.1 */
	assert_true(s.xr_voip);
	s = parsed(HEAD "m=audio 4000 RTP/AVP 0\r\na=rtcp-xr:pkt-loss-rle voip-metricsx\r\n");
	assert_false(s.xr_voip);
	s = parsed(HEAD "m=audio 65535 RTP/AVP 0\r\n"); /* there is no port after it */
	assert_false(addr_is_set(&s.rtcp));
}

static void odd_spellings(void **state)
{
	(void)state;
	/* blanks at line ends and between words, upper case, blank lines, no last line end, fraction in ptime */
	struct sdp_audio s =
		parsed("v=0 \r\n\r\nc=in ip4  192.0.2.1 \r\nm=AUDIO\t4000  rtp/avp  101   8 \r\n\r\n"
		       "A=sendonly\r\na=RTPMAP: 101  Telephone-Event/8000/1 \r\na=ptime: 20.0\r\na=SENDONLY");
	assert_int_equal(s.codec_count, 2);
	assert_string_equal(s.codecs[0].name, "Telephone-Event");
	assert_int_equal(s.ptime_ms, 20);
	assert_int_equal(s.direction, SDP_SENDONLY);
	assert_non_null(sdp_find_codec(&s, "telephone-event", 8000));
}

int sdp_tests_read(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(meta_offer),
		cmocka_unit_test(meta_older_answer),
		cmocka_unit_test(session_level_attributes),
		cmocka_unit_test(direction_of_session_counts),
		cmocka_unit_test(pbx_offer_with_bare_lf),
		cmocka_unit_test(srtp_offer_among_other_media),
		cmocka_unit_test(crypto_lines),
		cmocka_unit_test(old_hold),
		cmocka_unit_test(refused_stream),
		cmocka_unit_test(first_usable_audio_is_taken),
		cmocka_unit_test(media_level_c_overrules),
		cmocka_unit_test(rtcp_attribute),
		cmocka_unit_test(odd_spellings),
	};
	return cmocka_run_group_tests_name("sdp read", tests, NULL, NULL);
}
