/* Nothing on the packet path takes memory, a lock or the time, or writes: both ways, each codec, with keys and without,
 * silence, digits and sounds included. libcrypto's and libopus' doings are counted, too. */
#include "lib/base/counter.h"
#include "lib/base/log.h"
#include "media/sounds.h"
#include "media/srtp/srtp.h"
#include "tests/support/media/session_sim.h"
#include "tests/support/path_count.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
	PT_PCMA = 8,
	PACKETS = 500,
	PACKET_BYTES = 172,
	/* OpenSSL before 3.5 copies the state of a digest into new memory, twice an HMAC; what does without costs
	 * half as much again (docs/benchmarks.md). Nothing else may be taken, and this is given back. */
	SHA1_STATE_BYTES = 96,
};

static struct sim m;
static struct sounds *sounds;

static void assert_nothing(const char *what, struct path_count c)
{
	if (c.taken || c.given != c.allowed || c.locks || c.clocks || c.writes || c.log_lines)
		fail_msg("%s: memory taken %u, given back %u; locks %u, clocks %u, writes %u, log lines %u", what,
			c.taken, c.given, c.locks, c.clocks, c.writes, c.log_lines);
}

/* Out of the compiler's sight, which leaves out what comes to nothing. */
static void take_and_give(void *at)
{
	void *volatile kept = at;
	free(kept);
}

/* A count of nothing means nothing unless it counts. */
static void test_everything_is_counted(void **state)
{
	static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
	static pthread_rwlock_t rwlock = PTHREAD_RWLOCK_INITIALIZER;
	struct timespec now;
	struct path_count c;

	(void)state;
	path_count_start(0);
	void *volatile one = malloc(10);
	void *volatile two = calloc(2, 10);
	free(one);
	free(two);
	pthread_mutex_lock(&mutex);
	pthread_mutex_unlock(&mutex);
	pthread_rwlock_rdlock(&rwlock);
	pthread_rwlock_unlock(&rwlock);
	assert_int_equal(clock_gettime(CLOCK_MONOTONIC, &now), 0);
	assert_int_equal(write(STDOUT_FILENO, "", 0), 0);
	log_info("nothing", "really=%d", 1);
	c = path_count_stop();
	assert_int_equal(c.taken, 2);
	assert_int_equal(c.given, 2);
	assert_int_equal(c.locks, path_count_sees_locks() ? 2 : 0);
	assert_int_equal(c.clocks, 1);
	assert_int_equal(c.writes, 1);
	assert_int_equal(c.log_lines, 1);
	assert_int_equal(c.allowed, 0);
	take_and_give(malloc(10));
	assert_int_equal(path_count_stop().taken, 2); /* while not counting */
	path_count_start(24);
	take_and_give(malloc(24));
	take_and_give(calloc(3, 8));
	take_and_give(malloc(25));
	c = path_count_stop();
	assert_int_equal(c.allowed, 2);
	assert_int_equal(c.taken, 1);
	assert_int_equal(c.given, 3);
}

/* ---- a session ---- */

static const struct route {
	const char *name;
	bool g722, opus, pcma;
	enum media_srtp_suite suite;
} routes[] = {
	{.name = "PCMU"},
	{.name = "PCMA", .pcma = true},
	{.name = "G.722", .g722 = true},
	{.name = "Opus", .opus = true},
	{.name = "PCMU, SRTP", .suite = MEDIA_SRTP_SHA1_80},
	{.name = "Opus, SRTP", .opus = true, .suite = MEDIA_SRTP_SHA1_32},
};

static void talk(void)
{
	sim_run_ms(&m, 3000);
	m.sip_talks = false; /* pauses */
	sim_run_ms(&m, 1000);
	m.sip_talks = true;
	session_send_dtmf(m.session, SIDE_WA, "1", m.now_us);
	session_send_dtmf(m.session, SIDE_SIP, "2", m.now_us);
	sim_run_ms(&m, 500);
	session_play(m.session, SIDE_WA, SOUND_MUSIC, m.now_us);
	session_mute(m.session, SIDE_WA, true, m.now_us);
	sim_run_ms(&m, 500);
	session_play(m.session, SIDE_WA, SOUND_NONE, m.now_us);
	session_mute(m.session, SIDE_WA, false, m.now_us);
	sim_run_ms(&m, 500);
}

static void test_sessions(void **state)
{
	(void)state;
	counter_add(CNT_MEDIA_SILENCE_REUSED, 0); /* a thread's first addition allocates, as media workers have done */
	assert_int_equal(sounds_new("uk", "", &sounds), 0);
	for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++) {
		const struct route *r = &routes[i];
		const struct sim_conf conf = {
			.wa_link = {.delay_ms = 30, .jitter_ms = 30, .loss_percent = 5, .reorders = true, .seed = 1},
			.sip_link = {.delay_ms = 5, .jitter_ms = 20, .loss_percent = 2, .reorders = true, .seed = 2},
			.wa_sends_fec = true,
			.sounds = sounds,
			.srtp = {.suite = r->suite},
			.g722 = r->g722,
			.opus = r->opus};
		sim_init(&m, &conf);
		sim_connect(&m);
		if (r->pcma)
			m.sip_pt = PT_PCMA;
		m.no_copies = true; /* the simulation's own allocation per packet */
		sim_run_ms(&m, 500);
		path_count_start(r->suite != MEDIA_SRTP_NONE ? SHA1_STATE_BYTES : 0);
		talk();
		assert_nothing(r->name, path_count_stop());
		assert_true(m.wa.audio > 250 && m.sip.audio > 200);
		sim_done(&m);
	}
	sounds_free(sounds);
}

/* ---- SRTP, as the WhatsApp side has it ---- */

static void packet_of(uint8_t *bytes, uint16_t seq)
{
	memset(bytes, 0x55, PACKET_BYTES);
	bytes[0] = 0x80;
	bytes[1] = 111;
	bytes[2] = (uint8_t)(seq >> 8);
	bytes[3] = (uint8_t)seq;
}

static struct path_count srtp_path(enum srtp_profile profile, enum srtp_backend backend, size_t allowed_bytes)
{
	struct srtp_conf one = {.profile = profile, .backend = backend}, two;
	struct srtp_session *tx, *rx;
	uint8_t bytes[PACKET_BYTES + SRTP_TRAILER_MAX];
	struct path_count c;

	memset(&one.tx, 1, sizeof(one.tx));
	memset(&one.rx, 2, sizeof(one.rx));
	two = one;
	two.tx = one.rx;
	two.rx = one.tx;
	assert_int_equal(srtp_session_new(&one, &tx), 0);
	assert_int_equal(srtp_session_new(&two, &rx), 0);
	for (unsigned i = 0; i < 2 * PACKETS; i++) {
		size_t length;
		if (i == PACKETS) /* the first ones make their streams */
			path_count_start(allowed_bytes);
		packet_of(bytes, (uint16_t)(65000 + i)); /* past the roll-over */
		assert_int_equal(srtp_session_protect_rtp(tx, bytes, PACKET_BYTES, sizeof(bytes), &length), 0);
		assert_int_equal(srtp_session_unprotect_rtp(rx, bytes, length, &length), 0);
		assert_int_equal(length, PACKET_BYTES);
	}
	c = path_count_stop();
	srtp_session_free(tx);
	srtp_session_free(rx);
	return c;
}

static void test_srtp(void **state)
{
	static const struct {
		const char *name;
		enum srtp_profile profile;
	} profiles[] = {{"AES_CM_128_HMAC_SHA1_80", SRTP_PROFILE_AES128_CM_SHA1_80},
		{"AES_CM_128_HMAC_SHA1_32", SRTP_PROFILE_AES128_CM_SHA1_32},
		{"AEAD_AES_128_GCM", SRTP_PROFILE_AEAD_AES_128_GCM}};

	(void)state;
	for (size_t i = 0; i < sizeof(profiles) / sizeof(profiles[0]); i++) {
		bool gcm = profiles[i].profile == SRTP_PROFILE_AEAD_AES_128_GCM;
		struct path_count c = srtp_path(profiles[i].profile, SRTP_BACKEND_EVP, gcm ? 0 : SHA1_STATE_BYTES);
		assert_nothing(profiles[i].name, c);
		assert_in_range(c.allowed, 0, gcm ? 0 : 4 * PACKETS);
		c = srtp_path(profiles[i].profile, SRTP_BACKEND_LIBSRTP, 0);
		print_message("libsrtp2, %s, %d packets: memory taken %u, locks %u\n", profiles[i].name, PACKETS,
			c.taken, c.locks);
		/* whatever its back end does: itself it is clean */
		assert_int_equal(c.clocks + c.writes + c.log_lines, 0);
		assert_int_equal(c.taken, c.given);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_everything_is_counted),
		cmocka_unit_test(test_sessions),
		cmocka_unit_test(test_srtp),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
