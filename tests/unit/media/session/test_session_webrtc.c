/* A session against the real WhatsApp end: ICE, DTLS and SRTP in virtual time, the peer ice-lite as Meta's relay. */
#include "lib/base/pktbuf.h"
#include "media/codec/opus_codec.h"
#include "media/rtp/rtp.h"
#include "media/session.h"
#include "media/webrtc/dtls_ctx.h"
#include "media/webrtc/webrtc_end.h"
#include "tests/support/media/sim_link.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <malloc.h>
#include <string.h>

enum { OPUS_PT = 111, START_US = 1000000 };

static struct {
	uint64_t now_us;
	struct pktpool *pool;
	struct dtls_ctx *our_ctx, *meta_ctx;
	struct session *session;
	struct webrtc_end *meta;
	struct sim_link to_meta, to_us;
	struct addr our_addr, meta_addr, sip_addr;
	uint64_t meta_rtp, meta_rtcp, sip_rtp, events[SESSION_FAILED + 1];
	enum media_failure failure;
	uint16_t seq;
	uint32_t ts;
} w;

static void session_sends(void *arg, enum media_end end, enum session_channel channel, const void *bytes, size_t length,
	const struct addr *to)
{
	(void)arg, (void)to;
	if (end == END_WA)
		sim_link_send(&w.to_meta, bytes, length, w.now_us);
	else if (channel == SESSION_RTP)
		w.sip_rtp++;
}

static void session_tells(void *arg, const struct session_event *ev)
{
	(void)arg;
	w.events[ev->kind]++;
	w.failure = ev->failure;
}

static const struct session_io session_io = {session_sends, session_tells};

static void meta_sends(void *arg, const void *bytes, size_t length, const struct addr *to)
{
	(void)arg, (void)to;
	sim_link_send(&w.to_us, bytes, length, w.now_us);
}

static void meta_hears(void *arg, uint8_t *bytes, size_t length, bool is_rtcp, uint64_t now_us)
{
	struct rtp_hdr h;
	(void)arg, (void)now_us;
	if (is_rtcp) {
		w.meta_rtcp++;
		return;
	}
	assert_int_equal(rtp_parse(bytes, length, &h), 0);
	assert_int_equal(h.ssrc, 0x4444);
	assert_int_equal(h.pt, OPUS_PT);
	w.meta_rtp++;
}

static void meta_event(
	void *arg, enum webrtc_end_event ev, enum media_failure failure, const struct addr *remote, uint64_t now_us)
{
	(void)arg, (void)ev, (void)failure, (void)remote, (void)now_us;
}

static const struct webrtc_end_io meta_io = {meta_sends, meta_hears, meta_event};

static void deliver(void)
{
	struct sim_packet p;
	while (sim_link_receive(&w.to_meta, w.now_us, &p))
		webrtc_end_input(w.meta, p.bytes, p.length, &w.our_addr, w.now_us);
	while (sim_link_receive(&w.to_us, w.now_us, &p))
		session_input(w.session, END_WA, SESSION_RTP, p.bytes, p.length, &w.meta_addr, w.now_us);
}

static void run_ms(unsigned ms, bool meta_talks)
{
	static const uint8_t opus[] = {0x08, 0x0b, 0xe4, 0xc1, 0x36, 0xec, 0xc5, 0x80};
	for (unsigned i = 0; i < ms; i++, w.now_us += 1000) {
		deliver();
		if (webrtc_end_deadline(w.meta) <= w.now_us)
			webrtc_end_tick(w.meta, w.now_us);
		if (session_deadline(w.session) <= w.now_us)
			session_tick(w.session, w.now_us);
		if (meta_talks && i % 20 == 0) {
			uint8_t packet[100];
			const struct rtp_hdr h = {.pt = OPUS_PT, .seq = w.seq++, .ts = w.ts += 960, .ssrc = 0x5555};
			rtp_write(&h, packet);
			memcpy(packet + RTP_HEADER_BYTES, opus, sizeof(opus));
			webrtc_end_send_rtp(w.meta, packet, RTP_HEADER_BYTES + sizeof(opus), sizeof(packet));
		}
	}
}

static void make_ends(uint8_t *ret_our_print, uint8_t *ret_meta_print)
{
	struct webrtc_end_conf meta = {.ufrag = "metaufrag",
		.pwd = "metapwd0123456789012345",
		.ice_lite = true,
		.io = &meta_io,
		.random_seed = 3};
	struct session_conf conf = {
		.wa = {.ufrag = "ourU", .pwd = "ourpwd0123456789012345", .ssrc = 0x4444, .cname = "us"},
		.io = &session_io,
		.random_seed = 4};
	assert_int_equal(dtls_ctx_new(&w.our_ctx), 0);
	assert_int_equal(dtls_ctx_new(&w.meta_ctx), 0);
	dtls_ctx_fingerprint(w.our_ctx, ret_our_print);
	dtls_ctx_fingerprint(w.meta_ctx, ret_meta_print);
	assert_int_equal(pktpool_new(SESSION_PACKETS, &w.pool), 0);
	meta.dtls = w.meta_ctx;
	conf.dtls = w.our_ctx;
	conf.pool = w.pool;
	assert_int_equal(webrtc_end_new(&meta, &w.meta), 0);
	assert_int_equal(session_new(&conf, w.now_us, &w.session), 0);
}

/* Everything there, and nothing begun. */
static struct media_wa_remote make(double loss_percent, bool we_are_client, struct media_wa_remote *ret_us)
{
	struct media_wa_remote us = {.ufrag = "ourU",
		.pwd = "ourpwd0123456789012345",
		.we_are_dtls_client = !we_are_client, /* Meta's view of us */
		.candidate_count = 1,
		.opus_pt = OPUS_PT};
	struct media_wa_remote meta = {.ufrag = "metaufrag",
		.pwd = "metapwd0123456789012345",
		.ice_lite = true,
		.we_are_dtls_client = we_are_client,
		.candidate_count = 1,
		.opus_pt = OPUS_PT};
	const struct sim_link_conf link = {.delay_ms = 30, .loss_percent = loss_percent, .seed = 5};
	memset(&w, 0, sizeof(w));
	w.now_us = START_US;
	addr_parse("198.51.100.7:40000", &w.our_addr);
	addr_parse("203.0.113.20:3484", &w.meta_addr);
	addr_parse("192.0.2.7:4000", &w.sip_addr);
	sim_link_init(&w.to_meta, &link);
	sim_link_init(&w.to_us, &link);
	make_ends(us.fingerprint, meta.fingerprint);
	us.candidates[0].addr = w.our_addr;
	meta.candidates[0].addr = w.meta_addr;
	*ret_us = us;
	return meta;
}

static void start(double loss_percent, bool right_fingerprint, bool we_are_client)
{
	struct media_wa_remote us, meta = make(loss_percent, we_are_client, &us);
	if (!right_fingerprint)
		meta.fingerprint[0] ^= 1;
	assert_int_equal(webrtc_end_start(w.meta, &us, w.now_us), 0);
	assert_int_equal(session_set_wa(w.session, &meta, w.now_us), 0);
}

static void done(void)
{
	w.session = session_close(w.session, w.now_us);
	w.meta = webrtc_end_free(w.meta);
	assert_int_equal(pktpool_in_use(w.pool), 0);
	pktpool_free(w.pool);
	dtls_ctx_free(w.our_ctx);
	dtls_ctx_free(w.meta_ctx);
}

static void check_call(double loss_percent, bool we_are_client)
{
	struct media_sip_remote sip = {.codec = AUDIO_PCMU, .ptime_ms = 20, .send = true, .receive = true};
	start(loss_percent, true, we_are_client);
	run_ms(3000, false);
	assert_int_equal(w.events[SESSION_ICE_NOMINATED], 1);
	assert_int_equal(w.events[SESSION_DTLS_UP], 1);
	assert_int_equal(w.meta_rtp + w.meta_rtcp, 0); /* only STUN and DTLS before accept */
	sip.rtp = w.sip_addr;
	assert_int_equal(session_set_sip(w.session, &sip, w.now_us), 0);
	session_start_wa(w.session, w.now_us);
	run_ms(10000, true);
	assert_true(w.meta_rtp >= (uint64_t)(497 * (1 - 2 * loss_percent / 100)) && w.meta_rtp <= 501);
	assert_true(w.meta_rtcp >= 1);
	assert_in_range(w.sip_rtp, 499, 502);
	struct media_stats st;
	session_stats(w.session, &st);
	assert_true(st.rx[END_WA].packets >= (int64_t)(495 * (1 - 2 * loss_percent / 100)));
	assert_true(st.rx[END_WA].rtt_ms > 55 && st.rx[END_WA].rtt_ms < 90);
	assert_true(st.ice_us > 0 && st.dtls_us > st.ice_us && st.dtls_us < 2500000);
	assert_int_equal(w.events[SESSION_FAILED], 0);
	done();
}

static void test_call(void **state)
{
	(void)state;
	check_call(0, true);
	check_call(0, false); /* as Meta's answer to our offer may ask */
}

static void test_call_with_loss(void **state)
{
	(void)state;
	check_call(10, true);
	check_call(10, false);
}

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define IN_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define IN_SANITIZER 1
#endif
#endif
#ifdef IN_SANITIZER
size_t __sanitizer_get_current_allocated_bytes(void);
static size_t bytes_in_use(void)
{
	return __sanitizer_get_current_allocated_bytes();
}
#else
static size_t bytes_in_use(void)
{
	struct mallinfo2 m = mallinfo2();
	return m.uordblks + m.hblkhd;
}
#endif

/* What a call takes while it is up: two codecs, 62 KB of it, and not what its handshake took. */
static void test_memory_of_a_call(void **state)
{
	enum { LEAST = 64 * 1024, MOST = 90 * 1024 };
	const struct media_sip_remote sip = {.codec = AUDIO_PCMU, .ptime_ms = 20, .send = true, .receive = true};

	(void)state;
	for (int client = 0; client < 2; client++) {
		start(0, true, client);
		run_ms(3000, false);
		assert_int_equal(session_set_sip(w.session, &sip, w.now_us), 0);
		session_start_wa(w.session, w.now_us);
		run_ms(8000, true); /* a server of DTLS lets go late */
		assert_int_equal(w.events[SESSION_DTLS_UP], 1);
		size_t before = bytes_in_use();
		w.session = session_close(w.session, w.now_us);
		size_t taken = before - bytes_in_use();
		print_message("%s of DTLS: %zu bytes\n", client ? "client" : "server", taken);
		assert_in_range(taken, LEAST, MOST);
		done();
	}
}

static void test_wrong_fingerprint(void **state)
{
	(void)state;
	for (int client = 0; client < 2; client++) {
		start(0, false, client);
		run_ms(3000, false);
		assert_int_equal(w.events[SESSION_DTLS_UP], 0);
		assert_int_equal(w.events[SESSION_FAILED], 1);
		assert_int_equal(w.failure, MEDIA_FAIL_DTLS);
		done();
	}
}

static void test_nobody_answers(void **state)
{
	(void)state;
	start(100, true, true);
	run_ms(16000, false);
	assert_int_equal(w.events[SESSION_FAILED], 1);
	assert_int_equal(w.failure, MEDIA_FAIL_ICE);
	done();
}

/* We call the user: our offer is out, the SIP side hears ringback, and Meta's answer takes its time. Nothing is missed
 * before it, and the time-outs count from it. */
static void test_answer_comes_late(void **state)
{
	(void)state;
	struct media_wa_remote us, meta = make(0, false, &us);
	struct media_sip_remote sip = {.codec = AUDIO_PCMU, .ptime_ms = 20, .send = true, .receive = true};
	sip.rtp = w.sip_addr;
	assert_true(session_deadline(w.session) == UINT64_MAX);
	assert_int_equal(session_set_sip(w.session, &sip, w.now_us), 0);
	session_play(w.session, SIDE_SIP, SOUND_RINGBACK, w.now_us);
	run_ms(120000, false);
	assert_int_equal(w.events[SESSION_FAILED] + w.events[SESSION_ICE_NOMINATED], 0);
	assert_in_range(w.sip_rtp, 5998, 6001);
	assert_int_equal(webrtc_end_start(w.meta, &us, w.now_us), 0);
	assert_int_equal(session_set_wa(w.session, &meta, w.now_us), 0);
	run_ms(3000, false);
	assert_int_equal(w.events[SESSION_DTLS_UP], 1);
	session_start_wa(w.session, w.now_us);
	session_play(w.session, SIDE_SIP, SOUND_NONE, w.now_us);
	run_ms(5000, true);
	assert_in_range(w.meta_rtp, 245, 251);
	struct media_stats st;
	session_stats(w.session, &st);
	assert_true(st.ice_us > 0 && st.ice_us < 1000000); /* counted from the answer */
	assert_int_equal(w.events[SESSION_FAILED], 0);
	done();
}

/* It never comes: the session ends as it was. */
static void test_answer_never_comes(void **state)
{
	(void)state;
	struct media_wa_remote us;
	make(0, false, &us);
	run_ms(100000, false);
	assert_int_equal(w.events[SESSION_FAILED], 0);
	session_start_wa(w.session, w.now_us);
	run_ms(100000, false);
	assert_int_equal(w.events[SESSION_FAILED], 0);
	done();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_call),
		cmocka_unit_test(test_call_with_loss),
		cmocka_unit_test(test_memory_of_a_call),
		cmocka_unit_test(test_wrong_fingerprint),
		cmocka_unit_test(test_nobody_answers),
		cmocka_unit_test(test_answer_comes_late),
		cmocka_unit_test(test_answer_never_comes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
