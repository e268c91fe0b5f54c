/* CPU nanoseconds per SRTP packet, both back ends, many sessions in turn so that caches are as cold as in a busy
 * bridge. Prints the minimum and the median of several rounds; the machine may be shared. Not a test. */
#include "lib/base/clock.h"
#include "media/srtp/srtp.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SESSIONS = 500, ROUNDS = 9, PACKETS_EACH = 20, PAYLOAD_BYTES = 60, PACKET_MAX = 128 };

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

static void make(uint8_t *b, uint16_t seq)
{
	memset(b, 0, 12 + PAYLOAD_BYTES);
	b[0] = 0x80;
	b[1] = 111;
	b[2] = (uint8_t)(seq >> 8);
	b[3] = (uint8_t)seq;
	b[11] = 9;
}

static int measure(const char *name, enum srtp_profile profile, enum srtp_backend backend)
{
	static struct srtp_session *sessions[SESSIONS];
	static uint8_t packets[SESSIONS][PACKET_MAX];
	double seal[ROUNDS], open[ROUNDS];
	struct srtp_conf conf = {.profile = profile, .backend = backend};
	size_t length[SESSIONS], n;
	uint16_t seq = 0;

	for (int i = 0; i < SESSIONS; i++)
		if (srtp_session_new(&conf, &sessions[i]) < 0)
			return 1;
	for (int r = 0; r < ROUNDS; r++) {
		uint64_t sealing = 0, opening = 0;
		for (int k = 0; k < PACKETS_EACH; k++) {
			uint64_t t0, t1;
			seq++;
			for (int i = 0; i < SESSIONS; i++)
				make(packets[i], seq);
			t0 = clock_thread_cpu_us();
			for (int i = 0; i < SESSIONS; i++)
				if (srtp_session_protect_rtp(
					    sessions[i], packets[i], 12 + PAYLOAD_BYTES, PACKET_MAX, &length[i]) < 0)
					return 1;
			t1 = clock_thread_cpu_us();
			for (int i = 0; i < SESSIONS; i++)
				if (srtp_session_unprotect_rtp(sessions[i], packets[i], length[i], &n) < 0)
					return 1;
			sealing += t1 - t0;
			opening += clock_thread_cpu_us() - t1;
		}
		seal[r] = (double)sealing * 1000 / (SESSIONS * PACKETS_EACH);
		open[r] = (double)opening * 1000 / (SESSIONS * PACKETS_EACH);
	}
	qsort(seal, ROUNDS, sizeof(seal[0]), by_value);
	qsort(open, ROUNDS, sizeof(open[0]), by_value);
	printf("%-28s protect min %6.0f median %6.0f ns   unprotect min %6.0f median %6.0f ns\n", name, seal[0],
		seal[ROUNDS / 2], open[0], open[ROUNDS / 2]);
	for (int i = 0; i < SESSIONS; i++)
		sessions[i] = srtp_session_free(sessions[i]);
	return 0;
}

int main(void)
{
	return measure("AES_CM_128_SHA1_80 evp", SRTP_PROFILE_AES128_CM_SHA1_80, SRTP_BACKEND_EVP) ||
	       measure("AES_CM_128_SHA1_80 libsrtp2", SRTP_PROFILE_AES128_CM_SHA1_80, SRTP_BACKEND_LIBSRTP) ||
	       measure("AEAD_AES_128_GCM evp", SRTP_PROFILE_AEAD_AES_128_GCM, SRTP_BACKEND_EVP) ||
	       measure("AEAD_AES_128_GCM libsrtp2", SRTP_PROFILE_AEAD_AES_128_GCM, SRTP_BACKEND_LIBSRTP);
}
