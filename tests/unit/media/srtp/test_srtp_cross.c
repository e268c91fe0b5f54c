/* The EVP back end against libsrtp2, packet by packet and byte by byte: both send the same stream, both receive the
 * same loss, reordering, replays and damage, and must agree on every verdict. Seeded; 200,000 packets in all, over
 * several roll-overs. */
#include "media/srtp/srtp.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

enum { PACKET_MAX = 256, HELD = 200, SSRCS = 3 };

struct packet {
	uint8_t bytes[PACKET_MAX];
	size_t length;
	bool rtcp;
};

static uint64_t rng_state;

static uint32_t rnd(uint32_t below) /* splitmix64 */
{
	uint64_t z = rng_state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return (uint32_t)((z ^ z >> 31) >> 32) % below;
}

static void put_u32(uint8_t *b, uint32_t v)
{
	for (int i = 0; i < 4; i++)
		b[i] = (uint8_t)(v >> (24 - 8 * i));
}

/* A packet with everything a header may hold. */
static void make(struct packet *p, uint16_t seq, uint32_t ssrc)
{
	size_t at;

	for (size_t i = 0; i < sizeof(p->bytes); i++)
		p->bytes[i] = (uint8_t)rnd(256);
	p->rtcp = rnd(20) == 0;
	if (p->rtcp) {
		p->bytes[0] = 0x81;
		p->bytes[1] = 200;
		put_u32(p->bytes + 4, ssrc);
		p->length = 8 + 4 * rnd(20);
		return;
	}
	p->bytes[0] = 0x80;
	p->bytes[1] = 111;
	p->bytes[2] = (uint8_t)(seq >> 8);
	p->bytes[3] = (uint8_t)seq;
	put_u32(p->bytes + 8, ssrc);
	at = 12;
	if (rnd(10) == 0) {
		p->bytes[0] |= (uint8_t)rnd(4);
		at += 4u * (p->bytes[0] & 15);
	}
	if (rnd(10) == 0) {
		p->bytes[0] |= 0x10;
		p->bytes[at + 2] = 0;
		p->bytes[at + 3] = (uint8_t)rnd(4);
		at += 4 + 4u * p->bytes[at + 3];
	}
	p->length = at + rnd(120);
}

static int protect(struct srtp_session *s, struct packet *p)
{
	return p->rtcp ? srtp_session_protect_rtcp(s, p->bytes, p->length, sizeof(p->bytes), &p->length)
		       : srtp_session_protect_rtp(s, p->bytes, p->length, sizeof(p->bytes), &p->length);
}

static int unprotect(struct srtp_session *s, struct packet *p)
{
	return p->rtcp ? srtp_session_unprotect_rtcp(s, p->bytes, p->length, &p->length)
		       : srtp_session_unprotect_rtp(s, p->bytes, p->length, &p->length);
}

struct pair {
	struct srtp_session *evp, *lib;
};

static struct pair pair_new(enum srtp_profile profile)
{
	struct srtp_conf conf = {.profile = profile};
	struct pair p;

	for (size_t i = 0; i < sizeof(conf.tx.key); i++)
		conf.tx.key[i] = (uint8_t)(i * 7 + (unsigned)profile);
	for (size_t i = 0; i < sizeof(conf.tx.salt); i++)
		conf.tx.salt[i] = (uint8_t)(i * 13 + 5);
	conf.rx = conf.tx;
	conf.backend = SRTP_BACKEND_EVP;
	assert_int_equal(srtp_session_new(&conf, &p.evp), 0);
	conf.backend = SRTP_BACKEND_LIBSRTP;
	assert_int_equal(srtp_session_new(&conf, &p.lib), 0);
	return p;
}

/* Give the same arrival to both receivers. */
static int arrive(struct pair *rx, const struct packet *sealed)
{
	struct packet a = *sealed, b = *sealed;
	int ra = unprotect(rx->evp, &a), rb = unprotect(rx->lib, &b);

	if (ra != rb)
		print_message("verdicts differ: evp %d, libsrtp %d, %s\n", ra, rb, sealed->rtcp ? "rtcp" : "rtp");
	assert_int_equal(ra, rb);
	if (ra == 0) {
		assert_int_equal(a.length, b.length);
		assert_memory_equal(a.bytes, b.bytes, a.length);
	}
	return ra;
}

static void run(enum srtp_profile profile, unsigned count, uint64_t seed)
{
	static struct packet held[HELD];
	struct pair tx = pair_new(profile), rx = pair_new(profile);
	uint16_t seq[SSRCS];
	unsigned passed = 0, replayed = 0, stale = 0, forged = 0;

	rng_state = seed;
	memset(held, 0, sizeof(held));
	for (int i = 0; i < SSRCS; i++)
		seq[i] = (uint16_t)rnd(65536);
	for (unsigned n = 0; n < count; n++) {
		unsigned which = rnd(SSRCS);
		struct packet a, b;
		int ra, rb;

		/* Mostly the next number, sometimes a gap, rarely a repeated or older one, which both must refuse to
		 * send. */
		seq[which] = (uint16_t)(seq[which] + (rnd(50) == 0 ? rnd(300) : 1) - (rnd(500) == 0 ? 3 : 0));
		make(&a, seq[which], 0xabc00000 + which);
		b = a;
		ra = protect(tx.evp, &a);
		rb = protect(tx.lib, &b);
		assert_int_equal(ra, rb);
		if (ra < 0)
			continue;
		assert_int_equal(a.length, b.length);
		assert_memory_equal(a.bytes, b.bytes, a.length);
		/* The link: holds some packets back, loses some, damages some, delivers some twice. */
		if (rnd(100) < 5)
			continue;
		if (rnd(100) < 10) {
			struct packet *slot = &held[rnd(HELD)], out = *slot;
			*slot = a;
			if (out.length == 0)
				continue;
			a = out;
		}
		if (rnd(100) < 3) {
			struct packet bad = a;
			bad.bytes[rnd((uint32_t)bad.length)] ^= (uint8_t)(1u << rnd(8));
			if (arrive(&rx, &bad) < 0)
				forged++;
		}
		switch (arrive(&rx, &a)) {
		case 0: passed++; break;
		case -ESTALE: stale++; break;
		default: break;
		}
		if (rnd(100) < 5 && arrive(&rx, &a) == -EALREADY)
			replayed++;
	}
	assert_true(passed > count / 2 && replayed > count / 100 && stale > 10 && forged > count / 100);
	srtp_session_free(tx.evp);
	srtp_session_free(tx.lib);
	srtp_session_free(rx.evp);
	srtp_session_free(rx.lib);
}

static void cm_80(void **state)
{
	(void)state;
	run(SRTP_PROFILE_AES128_CM_SHA1_80, 100000, 1);
}

static void cm_32(void **state)
{
	(void)state;
	run(SRTP_PROFILE_AES128_CM_SHA1_32, 40000, 2);
}

static void gcm(void **state)
{
	(void)state;
	run(SRTP_PROFILE_AEAD_AES_128_GCM, 60000, 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cm_80),
		cmocka_unit_test(cm_32),
		cmocka_unit_test(gcm),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
