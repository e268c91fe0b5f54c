/* Texts meant to hurt, and the errors they get. */
#include "tests/unit/lib/sdp/sdp_tests.h"

#include "lib/base/str.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HEAD "v=0\r\nc=IN IP4 192.0.2.1\r\n"

static void refused_with_line_and_reason(void **state)
{
	static const struct {
		const char *text;
		int result, line;
		const char *what;
	} rows[] = {
		{"", -EBADMSG, 0, "v=0"},
		{"\r\n\r\n", -EBADMSG, 0, "v=0"},
		{"v=1\r\n", -EBADMSG, 1, "v=0"},
		{"o=- 1 1 IN IP4 192.0.2.1\r\nv=0\r\n", -EBADMSG, 1, "v=0"},
		{"<html>", -EBADMSG, 1, "x="},
		{HEAD "m=audio 4000 RTP/AVP 0\r\nrubbish\r\n", -EBADMSG, 4, "x="},
		{HEAD "m=audio 4000 RTP/AVP 0\r\na=sendonly\ra=recvonly\r\n", -EBADMSG, 4, "x="},
		{HEAD, -ENOENT, 0, "no audio"},
		{HEAD "m=video 4000 RTP/AVP 31\r\n", -ENOENT, 0, "no audio"},
		{HEAD "m=audio 4000 TCP/RTP/AVP 0\r\n", -ENOENT, 0, "no audio"},
		{HEAD "m=audio 4000 RTP/AVP\r\n", -EBADMSG, 3, "no payload"},
		{HEAD "m=audio 4000 RTP/AVP 96 97\r\na=rtpmap:96 \r\n", -EBADMSG, 3, "meaning"},
		{HEAD "m=audio 4000 RTP/AVP 128 999 -1 x 99999999999999999999\r\n", -EBADMSG, 3, "meaning"},
		{HEAD "m=\r\n", -EBADMSG, 3, "media type"},
		{HEAD "m=audio\r\n", -EBADMSG, 3, "port"},
		{HEAD "m=audio 65536 RTP/AVP 0\r\n", -EBADMSG, 3, "port"},
		{HEAD "m=audio -1 RTP/AVP 0\r\n", -EBADMSG, 3, "port"},
		{HEAD "m=audio 18446744073709551617 RTP/AVP 0\r\n", -EBADMSG, 3, "port"},
		{HEAD "m=audio 4000\r\n", -EBADMSG, 3, "protocol"},
		{HEAD "m=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa 4000 RTP/AVP 0\r\n", -EBADMSG, 3, "media type"},
		{"v=0\r\nm=audio 4000 RTP/AVP 0\r\n", -EBADMSG, 2, "no c="},
		{"v=0\r\nm=audio 4000 RTP/AVP 0\r\nc=IN IP4 media.example.net\r\n", -EBADMSG, 3, "numeric"},
		{"v=0\r\nc=IN IP4 media.example.net\r\nm=audio 4000 RTP/AVP 0\r\n", -EBADMSG, 2, "numeric"},
		{"v=0\r\nc=TN RFC2543 +1-201-406-4090\r\nm=audio 4000 RTP/AVP 0\r\n", -EBADMSG, 2, "numeric"},
		{"v=0\r\nc=IN IP4 1.2.3.4.5\r\nm=audio 4000 RTP/AVP 0\r\n", -EBADMSG, 2, "numeric"},
	};
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct sdp_error error = {.line = -1};
		struct sdp_audio sdp, untouched;
		memset(&sdp, 0x5a, sizeof(sdp));
		memcpy(&untouched, &sdp, sizeof(sdp));
		int r = parse_text(rows[i].text, &sdp, &error);
		if (r != rows[i].result || error.line != rows[i].line || !strstr(error.what, rows[i].what))
			fail_msg("row %zu: %d, line %d: %s", i, r, error.line, error.what);
		assert_memory_equal(&sdp, &untouched, sizeof(sdp));
		assert_int_equal(parse_text(rows[i].text, &sdp, NULL), rows[i].result);
	}
}

static void nul_bytes(void **state)
{
	static const char text[] = "v=0\r\nc=IN IP4 192.0.2.1\r\nm=audio 4000 RTP/AVP 0\r\na=mid:a\0b\r\n";
	struct sdp_audio sdp;
	struct sdp_error error;
	(void)state;
	assert_int_equal(sdp_audio_parse(text, sizeof(text) - 1, &sdp, &error), -EBADMSG);
	assert_non_null(strstr(error.what, "NUL"));
}

static void too_long_and_too_many(void **state)
{
	static char text[300 * 1000];
	struct sdp_audio sdp;
	struct sdp_error error;
	(void)state;
	for (size_t i = 0; i + 3 <= sizeof(text); i += 3)
		memcpy(text + i, "a=\n", 3);
	memcpy(text, "v=0\nb", 5);
	assert_int_equal(sdp_audio_parse(text, sizeof(text), &sdp, &error), -E2BIG); /* 100 000 lines */
	assert_int_equal(sdp_audio_parse(text, SDP_TEXT_MAX + 1, &sdp, &error), -E2BIG);
	assert_int_equal(sdp_audio_parse(text, SDP_TEXT_MAX, &sdp, &error), -EBADMSG);

	struct strbuf sb;
	strbuf_init(&sb, text, sizeof(text));
	strbuf_put(&sb, HEAD);
	for (int i = 0; i < SDP_MEDIA_MAX; i++)
		strbuf_put(&sb, "m=audio 4000 RTP/AVP 0\r\n");
	assert_int_equal(sdp_audio_parse(text, sb.length, &sdp, &error), 0);
	strbuf_put(&sb, "m=audio 4000 RTP/AVP 0\r\n");
	assert_int_equal(sdp_audio_parse(text, sb.length, &sdp, &error), -E2BIG);
	assert_int_equal(error.line, 2 + SDP_MEDIA_MAX + 1);
}

static void lists_are_cut_not_overrun(void **state)
{
	char text[SDP_TEXT_MAX];
	struct strbuf sb;
	(void)state;
	strbuf_init(&sb, text, sizeof(text));
	strbuf_put(&sb, HEAD "m=audio 4000 RTP/SAVP");
	for (int pt = 96; pt < 127; pt++)
		strbuf_printf(&sb, " %d", pt);
	strbuf_put(&sb, " 127 96 96\r\n");
	for (int pt = 96; pt < 127; pt++)
		strbuf_printf(&sb, "a=rtpmap:%d opus/48000/2\r\n", pt);
	strbuf_put(&sb, "a=rtpmap:127 telephone-event/8000\r\n");
	for (int i = 0; i < 40; i++)
		strbuf_printf(&sb, "a=candidate:%d 1 udp %d 192.0.2.1 %d typ host\r\n", i, i, 1000 + i);
	for (int i = 0; i < 40; i++)
		strbuf_printf(&sb, "a=crypto:%d AES_CM_128_HMAC_SHA1_80 inline:QUJD\r\n", i);
	assert_false(sb.truncated);
	struct sdp_audio s = parsed(text);
	assert_int_equal(s.codec_count, SDP_CODECS_MAX);
	assert_int_equal(s.codecs[0].pt, 96);
	/* a long list must not cost the DTMF that stands at its end */
	assert_int_equal(s.codecs[SDP_CODECS_MAX - 1].pt, 127);
	assert_int_equal(s.candidate_count, SDP_CANDIDATES_MAX);
	assert_int_equal(s.candidates[SDP_CANDIDATES_MAX - 1].priority, SDP_CANDIDATES_MAX - 1);
	assert_int_equal(s.crypto_count, SDP_CRYPTO_MAX);
}

static void of_doubled_attributes_the_first_counts(void **state)
{
	(void)state;
	struct sdp_audio s =
		parsed(HEAD "m=audio 4000 RTP/AVP 96 96 96 0\r\na=rtpmap:96 opus/48000/2\r\na=rtpmap:96 PCMA/8000\r\n"
			    "a=fmtp:96 a=1\r\na=fmtp:96 a=2\r\na=sendonly\r\na=inactive\r\na=ptime:20\r\na=ptime:60\r\n"
			    "a=mid:one\r\na=mid:two\r\na=ssrc:1 cname:x\r\na=ssrc:2 cname:y\r\n"
			    "a=ice-ufrag:aaaa\r\na=ice-ufrag:bbbb\r\na=setup:active\r\na=setup:passive\r\n");
	assert_int_equal(s.codec_count, 2);
	assert_string_equal(s.codecs[0].name, "opus");
	assert_string_equal(s.codecs[0].fmtp, "a=1");
	assert_int_equal(s.direction, SDP_SENDONLY);
	assert_int_equal(s.ptime_ms, 20);
	assert_string_equal(s.mid, "one");
	assert_int_equal(s.ssrc, 1);
	assert_string_equal(s.cname, "x");
	assert_string_equal(s.ice_ufrag, "aaaa");
	assert_int_equal(s.setup, SDP_SETUP_ACTIVE);
}

static void malformed_attributes_count_as_absent(void **state)
{
	(void)state;
	struct sdp_audio s = parsed(HEAD
		"m=audio 4000 RTP/AVP 0 96 97 98 99 100\r\n"
		"a=rtpmap:0 PCMU\r\na=rtpmap:96 opus/0/2\r\na=rtpmap:97 opus/48000/0\r\na=rtpmap:98 opus/48000/2/3\r\n"
		"a=rtpmap:99 /48000\r\na=rtpmap:100 a-name-longer-than-any-codec-has/8000\r\n"
		"a=rtpmap:200 opus/48000/2\r\na=rtpmap:\r\na=rtpmap\r\na=fmtp:0\r\na=fmtp:x y\r\n"
		"a=ptime:\r\na=maxptime:99999999999999999999\r\na=setup:sideways\r\na=mid:\r\na=msid:\x01\r\n"
		"a=ssrc:0 cname:z\r\na=ssrc:4294967296 cname:z\r\na=ssrc:x\r\n"
		"a=fingerprint:sha-256 00:11\r\na=fingerprint:sha-256\r\na=fingerprint:\r\n"
		"a=candidate:\r\na=candidate:1 0 udp 1 192.0.2.1 1 typ host\r\na=candidate:1 1 udp 1 192.0.2.1 0 typ "
		"host\r\n"
		"a=candidate:1 1 udp 99999999999 192.0.2.1 1 typ host\r\na=candidate:1 1 udp 1 192.0.2.1 1 typ odd\r\n"
		"a=candidate:1 1 udp 1 192.0.2.1 1 host\r\na=candidate:1 256 udp 1 192.0.2.1 1 typ host\r\n"
		"a=candidate:123456789012345678901234567890123 1 udp 1 192.0.2.1 1 typ host\r\n"
		"a=candidate:1 1 udp 1 0.0.0.0 1 typ host\r\n"
		"a=\r\na=:\r\na=::\r\n");
	assert_int_equal(s.codec_count, 1); /* PCMU needs no rtpmap, so a bad one does no harm */
	assert_string_equal(s.codecs[0].name, "PCMU");
	assert_string_equal(s.codecs[0].fmtp, "");
	assert_int_equal(s.ptime_ms, 0);
	assert_int_equal(s.maxptime_ms, 0);
	assert_int_equal(s.setup, SDP_SETUP_NONE);
	assert_string_equal(s.mid, "");
	assert_string_equal(s.msid, "");
	assert_int_equal(s.ssrc, 0);
	assert_false(s.has_fingerprint);
	assert_int_equal(s.fingerprint_lines, 3);
	assert_int_equal(s.candidate_count, 0);
}

static void very_long_values(void **state)
{
	char text[SDP_TEXT_MAX], value[4096];
	struct strbuf sb;
	(void)state;
	memset(value, 'x', sizeof(value) - 1);
	value[sizeof(value) - 1] = '\0';
	strbuf_init(&sb, text, sizeof(text));
	strbuf_put(&sb, HEAD "m=audio 4000 RTP/AVP 0 101\r\na=rtpmap:101 telephone-event/8000\r\n");
	strbuf_printf(&sb,
		"a=fmtp:101 %.300s\r\na=mid:%.64s\r\na=msid:%.128s\r\na=ice-ufrag:%.257s\r\na=ice-pwd:%.256s\r\n",
		value, value, value, value, value);
	strbuf_printf(&sb, "a=%s\r\na=ssrc:7 cname:%.64s\r\n", value, value);
	struct sdp_audio s = parsed(text);
	assert_string_equal(s.codecs[1].fmtp, "");
	assert_string_equal(s.mid, "");
	assert_string_equal(s.msid, "");
	assert_string_equal(s.ice_ufrag, "");
	assert_int_equal(strlen(s.ice_pwd), 256);
	assert_int_equal(s.ssrc, 7);
	assert_string_equal(s.cname, "");
}

/* Every prefix of a good text, and every text with one byte replaced, ends in an answer; each in memory of its exact
 * size. */
static void cut_and_bent_anywhere(void **state)
{
	char text[4096];
	FILE *f = fopen("tests/fuzz/corpus/sdp/meta-offer.sdp", "rb");
	(void)state;
	assert_non_null(f);
	size_t length = fread(text, 1, sizeof(text), f);
	fclose(f);
	for (size_t n = 0; n <= length; n++) {
		struct sdp_audio s;
		char *copy = malloc(n ? n : 1);
		assert_non_null(copy);
		memcpy(copy, text, n);
		(void)sdp_audio_parse(copy, n, &s, NULL);
		if (n) {
			copy[n / 2] = (char)(n * 37);
			(void)sdp_audio_parse(copy, n, &s, NULL);
		}
		free(copy);
	}
}

int sdp_tests_hostile(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refused_with_line_and_reason),
		cmocka_unit_test(nul_bytes),
		cmocka_unit_test(too_long_and_too_many),
		cmocka_unit_test(lists_are_cut_not_overrun),
		cmocka_unit_test(of_doubled_attributes_the_first_counts),
		cmocka_unit_test(malformed_attributes_count_as_absent),
		cmocka_unit_test(very_long_values),
		cmocka_unit_test(cut_and_bent_anywhere),
	};
	return cmocka_run_group_tests_name("sdp hostile", tests, NULL, NULL);
}
