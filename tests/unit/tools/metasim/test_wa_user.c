/* A user called by the business, which is a full ICE agent of ours on a socket: both DTLS roles, sound both ways, and
 * what is held against the business. */
#include "lib/base/crypto.h"
#include "lib/loop/loop.h"
#include "lib/sdp/sdp_audio.h"
#include "media/rtp/rtp.h"
#include "media/webrtc/dtls_ctx.h"
#include "media/webrtc/webrtc_end.h"
#include "tools/metasim/answer_check.h"
#include "tools/metasim/wa_user.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { STEP_MS = 5, PATIENCE_MS = 20000, TONE_HZ = 440, RATE_HZ = 16000 };

struct business {
	struct loop *loop;
	struct dtls_ctx *dtls;
	struct webrtc_end *end;
	int fd;
	struct addr peer;
	struct speech *tone;
	struct wa_user *user;
	unsigned heard;
	bool sound, failed;
	uint16_t seq;
	uint32_t ts;
};

static void on_send(void *arg, const void *bytes, size_t length, const struct addr *to)
{
	struct business *b = arg;
	const struct addr *dst = to ? to : &b->peer;

	(void)sendto(b->fd, bytes, length, MSG_DONTWAIT, &dst->u.sa, addr_len(dst));
}

static void on_media(void *arg, uint8_t *bytes, size_t length, bool is_rtcp, uint64_t now_us)
{
	(void)bytes;
	(void)length;
	(void)now_us;
	((struct business *)arg)->heard += !is_rtcp;
}

static void on_end(
	void *arg, enum webrtc_end_event ev, enum media_failure failure, const struct addr *remote, uint64_t now_us)
{
	struct business *b = arg;

	(void)failure;
	(void)now_us;
	if (ev == WEBRTC_NOMINATED)
		b->peer = *remote;
	b->failed |= ev == WEBRTC_FAILED;
}

static const struct webrtc_end_io io = {on_send, on_media, on_end};

static void on_user_event(const char *event, void *arg)
{
	((struct business *)arg)->sound |= strcmp(event, "audio_heard") == 0;
}

static int setup(void **state)
{
	struct business *b = calloc(1, sizeof(*b));
	int16_t *pcm = calloc(RATE_HZ, sizeof(*pcm));
	struct webrtc_end_conf conf = {.ufrag = "OurU", .pwd = "OurPwd0123456789abcdefgh", .io = &io, .io_arg = b};
	struct addr local;
	struct wa_user_conf user = {.listen = true, .on_event = on_user_event, .arg = b};

	assert_int_equal(loop_new(&b->loop), 0);
	assert_int_equal(dtls_ctx_new(&b->dtls), 0);
	b->fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	addr_set(&local, "127.0.0.1", 0);
	assert_int_equal(bind(b->fd, &local.u.sa, addr_len(&local)), 0);
	conf.dtls = user.dtls = b->dtls;
	assert_int_equal(webrtc_end_new(&conf, &b->end), 0);
	for (int i = 0; i < RATE_HZ; i++)
		pcm[i] = (int16_t)(8000 * sin(2 * 3.14159265 * TONE_HZ * i / RATE_HZ));
	assert_int_equal(speech_encode(pcm, RATE_HZ, RATE_HZ, SPEECH_OPUS, &b->tone), 0);
	free(pcm);
	user.loop = b->loop;
	user.speech = b->tone;
	assert_int_equal(wa_user_new(&user, &b->user), 0);
	*state = b;
	return 0;
}

static int teardown(void **state)
{
	struct business *b = *state;

	wa_user_free(b->user);
	webrtc_end_free(b->end);
	dtls_ctx_free(b->dtls);
	speech_free(b->tone);
	loop_free(b->loop);
	close(b->fd);
	free(b);
	return 0;
}

static void write_offer(const struct business *b, const char *setup_word, char *text, size_t cap)
{
	uint8_t fp[32];
	char fp_text[97];

	dtls_ctx_fingerprint(b->dtls, fp);
	for (int i = 0; i < 32; i++)
		snprintf(fp_text + i * 3, 4, "%02X%s", fp[i], i < 31 ? ":" : "");
	assert_true(snprintf(text, cap,
			    "v=0\r\no=- 4000000001 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE leg\r\n"
			    "m=audio 40000 UDP/TLS/RTP/SAVPF 111 126\r\nc=IN IP4 127.0.0.1\r\n"
			    "a=candidate:1 1 udp 2130706431 127.0.0.1 40000 typ host\r\na=ice-ufrag:OurU\r\n"
			    "a=ice-pwd:OurPwd0123456789abcdefgh\r\na=fingerprint:sha-256 %s\r\na=setup:%s\r\n"
			    "a=mid:leg\r\na=sendrecv\r\na=rtcp-mux\r\na=rtpmap:111 opus/48000/2\r\n"
			    "a=rtpmap:126 telephone-event/8000\r\na=ptime:20\r\na=ssrc:1 cname:b\r\n",
			    fp_text, setup_word) < (int)cap);
}

/* The answer as Meta wrote it, applied as a business would. */
static void apply(struct business *b, const struct sdp_audio *answer)
{
	struct media_wa_remote remote = {.we_are_dtls_client = answer->setup != SDP_SETUP_ACTIVE,
		.ice_lite = answer->ice_lite,
		.opus_pt = 111,
		.event_pt = 126};

	snprintf(remote.ufrag, sizeof(remote.ufrag), "%s", answer->ice_ufrag);
	snprintf(remote.pwd, sizeof(remote.pwd), "%s", answer->ice_pwd);
	memcpy(remote.fingerprint, answer->fingerprint, sizeof(remote.fingerprint));
	remote.candidates[0].addr = answer->candidates[0].addr;
	remote.candidates[0].priority = answer->candidates[0].priority;
	remote.candidate_count = 1;
	assert_int_equal(webrtc_end_start(b->end, &remote, loop_now_us(b->loop)), 0);
}

static void step(struct business *b)
{
	struct addr from = {0};
	socklen_t length = sizeof(from.u);
	uint8_t bytes[1600];
	ssize_t n;

	loop_step(b->loop, STEP_MS);
	while ((n = recvfrom(b->fd, bytes, sizeof(bytes), MSG_DONTWAIT, &from.u.sa, &length)) > 0)
		webrtc_end_input(b->end, bytes, (size_t)n, &from, loop_now_us(b->loop));
	if (webrtc_end_deadline(b->end) <= loop_now_us(b->loop))
		webrtc_end_tick(b->end, loop_now_us(b->loop));
	wa_user_tick(b->user, loop_now_us(b->loop));
}

static void say(struct business *b)
{
	const struct speech_packet *p = &b->tone->packets[b->seq % b->tone->count];
	const struct rtp_hdr h = {.pt = 111, .seq = b->seq++, .ts = b->ts, .ssrc = 1};
	uint8_t bytes[600];

	b->ts += 960;
	rtp_write(&h, bytes);
	memcpy(bytes + RTP_HEADER_BYTES, p->bytes, p->length);
	(void)webrtc_end_send_rtp(b->end, bytes, RTP_HEADER_BYTES + p->length, sizeof(bytes));
}

static void connect_user(struct business *b, const char *offered, enum wa_user_role role, const char *setup_wanted)
{
	struct sdp_audio offer, answer;
	char text[4096], want[40];

	write_offer(b, offered, text, sizeof(text));
	assert_null(offer_check("offer", text, &offer));
	assert_true(wa_user_connect(b->user, &offer, role, loop_now_us(b->loop), text, sizeof(text)) > 0);
	snprintf(want, sizeof(want), "\r\na=setup:%s\r\n", setup_wanted);
	assert_non_null(strstr(text, want));
	assert_non_null(strstr(text, "\r\na=mid:leg\r\n"));
	assert_int_equal(sdp_audio_parse(text, strlen(text), &answer, NULL), 0);
	assert_true(answer.ice_lite);
	apply(b, &answer);
	for (int waited = 0; !webrtc_end_is_up(b->end) && waited < PATIENCE_MS; waited += STEP_MS)
		step(b);
	assert_true(webrtc_end_is_up(b->end));
}

static void both_hear_each_other(struct business *b, const char *offered, enum wa_user_role role, const char *wanted)
{
	struct wa_user_report rep;

	connect_user(b, offered, role, wanted);
	wa_user_accepted(b->user, loop_now_us(b->loop));
	for (int waited = 0; (!b->sound || b->heard < 5) && waited < PATIENCE_MS; waited += STEP_MS) {
		say(b);
		step(b);
	}
	wa_user_report(b->user, &rep);
	assert_true(b->sound);
	assert_true(b->heard >= 5);
	assert_false(b->failed);
	assert_int_equal(rep.violation_count, 0);
	assert_true(rep.ice_us && rep.dtls_us && rep.rx_packets);
}

static void meta_is_dtls_server(void **state)
{
	both_hear_each_other(*state, "actpass", WA_USER_PASSIVE, "passive");
}

static void meta_is_dtls_client(void **state)
{
	both_hear_each_other(*state, "actpass", WA_USER_ACTIVE, "active");
}

static void meta_says_actpass(void **state)
{
	both_hear_each_other(*state, "actpass", WA_USER_ACTPASS, "actpass");
}

static void an_active_offer_makes_meta_server(void **state)
{
	both_hear_each_other(*state, "active", WA_USER_ACTIVE, "passive");
}

static void talking_before_he_picks_up_is_a_violation(void **state)
{
	struct business *b = *state;
	struct wa_user_report rep;

	connect_user(b, "actpass", WA_USER_PASSIVE, "passive");
	rep.early_rtp = 0;
	for (int waited = 0; rep.early_rtp == 0 && waited < PATIENCE_MS; waited += STEP_MS) {
		say(b);
		step(b);
		wa_user_report(b->user, &rep);
	}
	assert_true(rep.early_rtp > 0);
	assert_string_equal(rep.violations[0], "RTP before the user picked up");
	assert_int_equal(b->heard, 0);
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	static const struct CMUnitTest tests[] = {CASE(meta_is_dtls_server), CASE(meta_is_dtls_client),
		CASE(meta_says_actpass), CASE(an_active_offer_makes_meta_server),
		CASE(talking_before_he_picks_up_is_a_violation)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
