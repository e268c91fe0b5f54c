/* The exact text we send. */
#include "tests/unit/lib/sdp/sdp_tests.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static struct sdp_audio answer_to_meta(void)
{
	struct sdp_audio s = {
		.origin_id = 4000000001,
		.origin_version = 1,
		.proto = SDP_UDP_TLS_RTP_SAVPF,
		.rtcp_mux = true,
		.direction = SDP_SENDRECV,
		.ptime_ms = 20,
		.maxptime_ms = 20,
		.ice_ufrag = "OurU",
		.ice_pwd = "OurPwd0123456789abcdefgh",
		.candidate_count = 1,
		.candidates = {{.foundation = "1", .component = 1, .priority = 2130706431, .type = SDP_CAND_HOST}},
		.has_fingerprint = true,
		.setup = SDP_SETUP_ACTIVE,
		.mid = "audio",
		.msid = "b2bua audio0",
		.ssrc = 2000000001,
		.cname = "b2bua",
	};
	assert_int_equal(addr_set(&s.origin, "198.51.100.7", 0), 0);
	assert_int_equal(addr_set(&s.rtp, "198.51.100.7", 40000), 0);
	s.candidates[0].addr = s.rtp;
	for (size_t i = 0; i < SDP_FINGERPRINT_BYTES; i++)
		s.fingerprint[i] = (uint8_t)(0xff - 0x11 * (i % 16));
	assert_int_equal(sdp_add_codec(&s, 111, "opus", 48000, 2,
				 "maxaveragebitrate=20000;maxplaybackrate=16000;minptime=20;sprop-maxcapturerate=16000;"
				 "useinbandfec=1"),
		0);
	assert_int_equal(sdp_add_codec(&s, 126, "telephone-event", 8000, 1, "0-15"), 0);
	return s;
}

static const char answer_text[] =
	"v=0\r\n"
	"o=- 4000000001 1 IN IP4 198.51.100.7\r\n"
	"s=-\r\n"
	"t=0 0\r\n"
	"a=group:BUNDLE audio\r\n"
	"a=msid-semantic: WMS b2bua\r\n"
	"m=audio 40000 UDP/TLS/RTP/SAVPF 111 126\r\n"
	"c=IN IP4 198.51.100.7\r\n"
	"a=rtcp:9 IN IP4 0.0.0.0\r\n"
	"a=candidate:1 1 udp 2130706431 198.51.100.7 40000 typ host\r\n"
	"a=end-of-candidates\r\n"
	"a=ice-ufrag:OurU\r\n"
	"a=ice-pwd:OurPwd0123456789abcdefgh\r\n"
	"a=fingerprint:sha-256 "
	"FF:EE:DD:CC:BB:AA:99:88:77:66:55:44:33:22:11:00:FF:EE:DD:CC:BB:AA:99:88:77:66:55:44:33:22:11:00\r\n"
	"a=setup:active\r\n"
	"a=mid:audio\r\n"
	"a=sendrecv\r\n"
	"a=msid:b2bua audio0\r\n"
	"a=rtcp-mux\r\n"
	"a=rtpmap:111 opus/48000/2\r\n"
	"a=fmtp:111 "
	"maxaveragebitrate=20000;maxplaybackrate=16000;minptime=20;sprop-maxcapturerate=16000;useinbandfec=1\r\n"
	"a=rtpmap:126 telephone-event/8000\r\n"
	"a=fmtp:126 0-15\r\n"
	"a=ptime:20\r\n"
	"a=maxptime:20\r\n"
	"a=ssrc:2000000001 cname:b2bua\r\n";

static void answer_in_the_shape_meta_accepts(void **state)
{
	char text[SDP_TEXT_MAX];
	struct sdp_audio s = answer_to_meta();
	(void)state;
	assert_int_equal(sdp_write(&s, text, sizeof(text)), (int)strlen(answer_text));
	assert_string_equal(text, answer_text);
}

static void plain_offer_for_sip(void **state)
{
	char text[SDP_TEXT_MAX];
	struct sdp_audio s = {.origin_id = 17, .origin_version = 3, .proto = SDP_RTP_AVP, .ptime_ms = 20};
	(void)state;
	assert_int_equal(addr_set(&s.rtp, "192.0.2.1", 30000), 0);
	sdp_add_codec(&s, 0, "PCMU", 8000, 1, NULL);
	sdp_add_codec(&s, 8, "PCMA", 8000, 1, NULL);
	sdp_add_codec(&s, 101, "telephone-event", 8000, 1, "0-15");
	assert_true(sdp_write(&s, text, sizeof(text)) > 0);
	assert_string_equal(text, "v=0\r\n"
				  "o=- 17 3 IN IP4 192.0.2.1\r\n"
				  "s=-\r\n"
				  "c=IN IP4 192.0.2.1\r\n"
				  "t=0 0\r\n"
				  "m=audio 30000 RTP/AVP 0 8 101\r\n"
				  "a=rtpmap:0 PCMU/8000\r\n"
				  "a=rtpmap:8 PCMA/8000\r\n"
				  "a=rtpmap:101 telephone-event/8000\r\n"
				  "a=fmtp:101 0-15\r\n"
				  "a=ptime:20\r\n"
				  "a=sendrecv\r\n");
}

static void srtp_answer_refuses_other_media(void **state)
{
	char text[SDP_TEXT_MAX];
	struct sdp_audio offer = parsed("v=0\r\nc=IN IP6 2001:db8::9\r\nm=video 5000 RTP/AVP 31 34\r\n"
					"m=audio 6000 RTP/SAVP 8\r\nm=application 7000 TCP/BFCP *\r\n");
	struct sdp_audio s = {.proto = SDP_RTP_SAVP, .direction = SDP_RECVONLY};
	(void)state;
	assert_int_equal(addr_set(&s.rtp, "2001:db8::1", 30002), 0);
	sdp_add_codec(&s, 8, "PCMA", 8000, 1, "");
	s.crypto_count = 1;
	s.crypto[0] = (struct sdp_crypto){.tag = 1, .suite = "AES_CM_128_HMAC_SHA1_80", .inline_key = "QUJD"};
	sdp_answer_media(&s, &offer);
	assert_true(sdp_write(&s, text, sizeof(text)) > 0);
	assert_string_equal(text, "v=0\r\n"
				  "o=- 0 0 IN IP6 2001:db8::1\r\n"
				  "s=-\r\n"
				  "c=IN IP6 2001:db8::1\r\n"
				  "t=0 0\r\n"
				  "m=video 0 RTP/AVP 31\r\n"
				  "m=audio 30002 RTP/SAVP 8\r\n"
				  "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:QUJD\r\n"
				  "a=rtpmap:8 PCMA/8000\r\n"
				  "a=recvonly\r\n"
				  "m=application 0 TCP/BFCP *\r\n");

	/* nothing known about the others but their number */
	memset(s.others, 0, sizeof(s.others));
	assert_true(sdp_write(&s, text, sizeof(text)) > 0);
	assert_non_null(strstr(text, "t=0 0\r\nm=audio 0 RTP/AVP 0\r\nm=audio 30002 "));
}

static void hold_and_refusal(void **state)
{
	char text[SDP_TEXT_MAX];
	struct sdp_audio s = {.proto = SDP_RTP_AVP, .hold_address = true, .direction = SDP_INACTIVE};
	(void)state;
	assert_int_equal(addr_set(&s.rtp, "192.0.2.1", 30000), 0);
	sdp_add_codec(&s, 0, "PCMU", 8000, 1, NULL);
	assert_true(sdp_write(&s, text, sizeof(text)) > 0);
	assert_non_null(strstr(text, "o=- 0 0 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 0.0.0.0\r\n"));

	struct sdp_audio refusal = {.proto = SDP_RTP_SAVP};
	assert_true(sdp_write(&refusal, text, sizeof(text)) > 0);
	assert_non_null(strstr(text, "m=audio 0 RTP/SAVP 0\r\n"));
}

static void rtcp_is_written_only_where_it_says_something(void **state)
{
	static const struct {
		const char *host;
		uint16_t port;
		const char *line; /* NULL: none */
	} rows[] = {
		{"192.0.2.1", 30001, NULL},
		{"192.0.2.1", 30005, "a=rtcp:30005\r\n"},
		{"192.0.2.2", 30001, "a=rtcp:30001 IN IP4 192.0.2.2\r\n"},
		{"2001:db8::2", 30001, "a=rtcp:30001 IN IP6 2001:db8::2\r\n"},
	};
	char text[SDP_TEXT_MAX];
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct sdp_audio s = {.proto = SDP_RTP_AVP};
		addr_set(&s.rtp, "192.0.2.1", 30000);
		addr_set(&s.rtcp, rows[i].host, rows[i].port);
		sdp_add_codec(&s, 0, "PCMU", 8000, 1, NULL);
		assert_true(sdp_write(&s, text, sizeof(text)) > 0);
		if (rows[i].line)
			assert_non_null(strstr(text, rows[i].line));
		else
			assert_null(strstr(text, "a=rtcp"));
	}
}

static void every_short_buffer_is_refused(void **state)
{
	char text[sizeof(answer_text)];
	struct sdp_audio s = answer_to_meta();
	(void)state;
	for (size_t cap = 0; cap < sizeof(text); cap++)
		assert_int_equal(sdp_write(&s, text, cap), -ENOBUFS);
	assert_int_equal(sdp_write(&s, text, sizeof(text)), (int)sizeof(text) - 1);
}

static void what_was_read_is_written_and_read_again(void **state)
{
	static const char *const files[] = {"meta-offer.sdp", "meta-answer-old.sdp", "pbx-lf-only.sdp",
		"srtp-many-media.sdp", "old-hold.sdp", "refused.sdp"};
	char path[256], text[SDP_TEXT_MAX], once[SDP_TEXT_MAX], twice[SDP_TEXT_MAX];
	(void)state;
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		snprintf(path, sizeof(path), "tests/fuzz/corpus/sdp/%s", files[i]);
		FILE *f = fopen(path, "rb");
		assert_non_null(f);
		size_t n = fread(text, 1, sizeof(text) - 1, f);
		fclose(f);
		text[n] = '\0';
		struct sdp_audio s = parsed(text);
		assert_true(sdp_write(&s, once, sizeof(once)) > 0);
		struct sdp_audio t = parsed(once);
		assert_true(sdp_write(&t, twice, sizeof(twice)) > 0);
		assert_string_equal(once, twice);
		assert_int_equal(s.codec_count, t.codec_count);
		assert_memory_equal(s.codecs, t.codecs, sizeof(s.codecs));
		assert_int_equal(s.media_index, t.media_index);
	}
}

/* The fullest struct there can be fits into what the parser takes. */
static void the_longest_text_fits(void **state)
{
	struct sdp_audio s = answer_to_meta();
	char text[SDP_TEXT_MAX], fmtp[192], name[24];
	(void)state;
	memset(fmtp, 'f', sizeof(fmtp) - 1);
	fmtp[sizeof(fmtp) - 1] = '\0';
	memset(name, 'n', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	for (uint8_t pt = 96; s.codec_count < SDP_CODECS_MAX; pt++)
		assert_int_equal(sdp_add_codec(&s, pt, name, 4294967295u, 255, fmtp), 0);
	memset(s.ice_ufrag, 'u', sizeof(s.ice_ufrag) - 1);
	memset(s.ice_pwd, 'p', sizeof(s.ice_pwd) - 1);
	memset(s.msid, 'm', sizeof(s.msid) - 1);
	for (s.candidate_count = 0; s.candidate_count < SDP_CANDIDATES_MAX; s.candidate_count++) {
		struct sdp_candidate *c = &s.candidates[s.candidate_count];
		*c = (struct sdp_candidate){.component = 255, .priority = 4294967295u, .type = SDP_CAND_SRFLX};
		memset(c->foundation, 'c', sizeof(c->foundation) - 1);
		addr_set(&c->addr, "2001:db8:1111:2222:3333:4444:5555:6666", 65535);
	}
	assert_true(sdp_write(&s, text, sizeof(text)) > 6000);
	struct sdp_audio t = parsed(text);
	assert_int_equal(t.candidate_count, SDP_CANDIDATES_MAX);
	assert_string_equal(t.ice_pwd, s.ice_pwd);
	assert_memory_equal(t.codecs, s.codecs, sizeof(s.codecs));
}

int sdp_tests_write(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answer_in_the_shape_meta_accepts),
		cmocka_unit_test(plain_offer_for_sip),
		cmocka_unit_test(srtp_answer_refuses_other_media),
		cmocka_unit_test(hold_and_refusal),
		cmocka_unit_test(rtcp_is_written_only_where_it_says_something),
		cmocka_unit_test(every_short_buffer_is_refused),
		cmocka_unit_test(what_was_read_is_written_and_read_again),
		cmocka_unit_test(the_longest_text_fits),
	};
	return cmocka_run_group_tests_name("sdp write", tests, NULL, NULL);
}
