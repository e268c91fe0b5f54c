/* tests/bench/codec_loop.c
 *
 * What the codecs of N calls cost when they are called as a server calls them: each call's two frames every 20 ms, at
 * moments of their own, collected in slots of 1 ms (2 ms from 16 calls on, 8 a core); between slots the thread sleeps.
 * No socket, no SRTP, no jitter buffer. A server that transcodes cannot cost less; how much more it costs is the
 * measure.
 *
 *   WhatsApp -> SIP   Opus decode at 8 kHz (wideband stream, 24 kb/s, in-band FEC), G.711 encode
 *   SIP -> WhatsApp   G.711 decode, Opus encode at 8 kHz, complexity 0, 24 kb/s, loss 5 % (as loadgen has
 *                     watrunk do)
 *
 * usage: codec_loop CALLS [SECONDS]      prints processor microseconds per call per 20 ms
 */
#include "lib/base/clock.h"
#include "media/codec/g711.h"
#include "media/codec/opus_codec.h"
#include "tools/loadgen/proc.h"
#include "tools/loadgen/signal.h"
#include "tools/metasim/speech.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum { FRAME_US = 20000, FRAME = 160, WIDE_FROM_CALLS = 16, SECONDS = 10, WARM_UP_US = 1000000 };

struct call {
	struct opus_dec *dec;
	struct opus_enc *enc;
	size_t opus_at, pcmu_at; /* next packet: each call is at another place of the speech */
	uint64_t to_sip_due_us, to_wa_due_us;
	uint8_t out[OPUS_CODEC_PACKET_MAX_BYTES];
};

static struct speech *make_speech(enum speech_coding coding, unsigned hz)
{
	int16_t *pcm = calloc(hz * SECONDS, sizeof(*pcm));
	struct speech *s = NULL;

	if (!pcm)
		return NULL;
	signal_speechlike(pcm, hz, SECONDS);
	(void)speech_encode(pcm, hz * SECONDS, hz, coding, &s);
	free(pcm);
	return s;
}

static void to_sip(struct call *c, const struct speech *opus)
{
	const struct speech_packet *p = &opus->packets[c->opus_at];
	int16_t pcm[FRAME * 6];

	(void)opus_dec_packet(c->dec, p->bytes, p->length, pcm, FRAME * 6);
	g711_from_pcm(G711_MU, pcm, FRAME, c->out);
	c->opus_at = (c->opus_at + 1) % opus->count;
}

static void to_wa(struct call *c, const struct speech *pcmu)
{
	int16_t pcm[FRAME];

	g711_to_pcm(G711_MU, pcmu->packets[c->pcmu_at].bytes, FRAME, pcm);
	(void)opus_enc_frame(c->enc, pcm, FRAME, c->out, sizeof(c->out));
	c->pcmu_at = (c->pcmu_at + 1) % pcmu->count;
}

static void serve(struct call *calls, unsigned n, const struct speech *opus, const struct speech *pcmu, uint64_t now_us)
{
	for (unsigned i = 0; i < n; i++) {
		struct call *c = &calls[i];
		if (c->to_sip_due_us <= now_us) {
			to_sip(c, opus);
			c->to_sip_due_us += FRAME_US;
		}
		if (c->to_wa_due_us <= now_us) {
			to_wa(c, pcmu);
			c->to_wa_due_us += FRAME_US;
		}
	}
}

static void serve_until(
	struct call *calls, unsigned n, const struct speech *opus, const struct speech *pcmu, uint64_t end_us)
{
	uint64_t slot_us = n >= WIDE_FROM_CALLS ? 2000 : 1000, now_us = clock_mono_us();

	while (now_us < end_us) {
		uint64_t at_us = (now_us / slot_us + 1) * slot_us;
		const struct timespec ts = {(time_t)(at_us / 1000000), (long)(at_us % 1000000) * 1000};
		clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL);
		now_us = clock_mono_us();
		serve(calls, n, opus, pcmu, now_us);
	}
}

static int open_calls(struct call *calls, unsigned n, const struct speech *opus, const struct speech *pcmu)
{
	const struct opus_enc_conf conf = {.rate_hz = 8000, .bitrate = 24000, .complexity = 0, .loss_percent = 5};
	uint64_t now_us = clock_mono_us();

	for (unsigned i = 0; i < n; i++) {
		struct call *c = &calls[i];
		if (opus_dec_new(8000, &c->dec) || opus_enc_new(&conf, &c->enc))
			return -1;
		c->opus_at = i * 37 % opus->count;
		c->pcmu_at = i * 53 % pcmu->count;
		c->to_sip_due_us = now_us + (uint64_t)i * FRAME_US / n;
		c->to_wa_due_us = now_us + (uint64_t)(i * 7 + 3) % n * FRAME_US / n;
	}
	return 0;
}

int main(int argc, char **argv)
{
	unsigned n = argc > 1 ? (unsigned)atoi(argv[1]) : 0;
	double seconds = argc > 2 ? atof(argv[2]) : 5;
	struct speech *opus = make_speech(SPEECH_OPUS, 16000), *pcmu = make_speech(SPEECH_PCMU, 8000);
	struct call *calls = n ? calloc(n, sizeof(*calls)) : NULL;
	struct proc_cpu from, to;
	uint64_t began_us;

	if (!n || seconds <= 0 || !calls || !opus || !pcmu || open_calls(calls, n, opus, pcmu)) {
		fprintf(stderr, "usage: codec_loop CALLS [SECONDS]\n");
		return 2;
	}
	serve_until(calls, n, opus, pcmu, clock_mono_us() + WARM_UP_US);
	began_us = clock_mono_us();
	if (proc_cpu(getpid(), &from))
		return 2;
	serve_until(calls, n, opus, pcmu, began_us + (uint64_t)(seconds * 1e6));
	if (proc_cpu(getpid(), &to))
		return 2;
	printf("%.1f\n", (double)(to.total_us - from.total_us) / (n * (double)(clock_mono_us() - began_us) / FRAME_US));
	for (unsigned i = 0; i < n; i++) {
		opus_dec_free(calls[i].dec);
		opus_enc_free(calls[i].enc);
	}
	free(calls);
	speech_free(opus);
	speech_free(pcmu);
	return 0;
}
