/* The load generator's honesty: a bridge that passes voice on is believed, whatever the codec and a lossy network do to
 * it; one that only looks busy is not. */
#include "media/codec/g711.h"
#include "media/codec/opus_codec.h"
#include "media/rtp/rtp.h"
#include "tools/loadgen/ear.h"
#include "tools/loadgen/signal.h"
#include "tools/metasim/speech.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

enum { SECONDS = 10, FRAME = 160, FRAME_US = 20000, PACKETS = 250, START_US = 1000000, HOLD_US = 40000 };

enum fault {
	HONEST,
	LOSSY,     /* every tenth packet is lost */
	OVERTAKEN, /* every fifth comes twice, the second time late */
	MUTE,
	FROZEN,    /* the same packet again and again */
	NOISY,     /* noise as loud as speech */
	STUTTERS,  /* every second second is silence */
	ELSEWHERE, /* another call's: the same speech, begun two seconds later */
	BACKWARDS, /* right packets, wrong order */
	TOO_LATE,
	DEAD, /* nothing at all */
};

static const struct {
	const char *name;
	enum fault fault;
	bool good;
} bridges[] = {
	{"honest", HONEST, true},
	{"lossy", LOSSY, true},
	{"overtaken", OVERTAKEN, true},
	{"mute", MUTE, false},
	{"frozen", FROZEN, false},
	{"noisy", NOISY, false},
	{"stutters", STUTTERS, false},
	{"another call's", ELSEWHERE, false},
	{"backwards", BACKWARDS, false},
	{"too late", TOO_LATE, false},
	{"dead", DEAD, false},
};

static struct speech *speech[2]; /* enum ear_kind: what is said */

static struct speech *made(enum speech_coding coding, unsigned hz)
{
	int16_t *pcm = calloc(hz * SECONDS, sizeof(*pcm));
	struct speech *s = NULL;

	assert_non_null(pcm);
	signal_speechlike(pcm, hz, SECONDS);
	assert_int_equal(speech_encode(pcm, hz * SECONDS, hz, coding, &s), 0);
	free(pcm);
	return s;
}

static int set_up(void **state)
{
	(void)state;
	speech[EAR_TO_AGENT] = made(SPEECH_OPUS, 16000);
	speech[EAR_TO_USER] = made(SPEECH_PCMU, 8000);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	speech_free(speech[0]);
	speech_free(speech[1]);
	return 0;
}

/* ---- a bridge ---- */

struct bridge {
	enum ear_kind kind;
	enum fault fault;
	struct opus_dec *dec;
	struct opus_enc *enc;
	unsigned random;
};

static void bridge_open(struct bridge *b, enum ear_kind kind, enum fault fault)
{
	const struct opus_enc_conf conf = {.rate_hz = 8000, .bitrate = 20000};

	*b = (struct bridge){.kind = kind, .fault = fault, .random = 1};
	assert_int_equal(opus_dec_new(8000, &b->dec), 0);
	assert_int_equal(opus_enc_new(&conf, &b->enc), 0);
}

static void bridge_close(struct bridge *b)
{
	opus_dec_free(b->dec);
	opus_enc_free(b->enc);
}

static void spoil(struct bridge *b, unsigned i, int16_t *pcm)
{
	for (int k = 0; k < FRAME; k++) {
		b->random = b->random * 1664525u + 1013904223u;
		if (b->fault == MUTE || (b->fault == STUTTERS && i / 50 % 2))
			pcm[k] = 0;
		else if (b->fault == NOISY)
			pcm[k] = (int16_t)((int)(b->random >> 19) - 4096);
	}
}

/* Which packet of the speech comes out at this place. */
static size_t place(const struct bridge *b, unsigned i)
{
	switch (b->fault) {
	case FROZEN: return 20;
	case ELSEWHERE: return i + 100;
	case BACKWARDS: return PACKETS - 1 - i;
	default: return i;
	}
}

/* Returns the length of the payload. */
static size_t transcode(struct bridge *b, unsigned i, uint8_t *payload, size_t cap)
{
	const struct speech_packet *p = &speech[b->kind]->packets[place(b, i)];
	int16_t pcm[FRAME];

	if (b->kind == EAR_TO_AGENT)
		assert_int_equal(opus_dec_packet(b->dec, p->bytes, p->length, pcm, FRAME), FRAME);
	else
		g711_to_pcm(G711_MU, p->bytes, FRAME, pcm);
	spoil(b, i, pcm);
	if (b->kind == EAR_TO_USER)
		return (size_t)opus_enc_frame(b->enc, pcm, FRAME, payload, cap);
	g711_from_pcm(G711_MU, pcm, FRAME, payload);
	return FRAME;
}

static void hear(struct ear *e, const struct bridge *b, unsigned i, const uint8_t *payload, size_t length)
{
	unsigned ticks = b->kind == EAR_TO_AGENT ? FRAME : 960;
	const struct rtp_hdr hdr = {.seq = (uint16_t)(65500 + i),
		.ts = 0xffffff00u + i * ticks, /* past the wrap */
		.payload_length = (uint16_t)length};

	ear_heard(e, &hdr, payload, START_US + i * (uint64_t)FRAME_US + (b->fault == TOO_LATE ? 1000000 : 0) + HOLD_US);
}

static struct ear_verdict through(enum ear_kind kind, enum fault fault)
{
	struct ear_verdict v;
	struct bridge b;
	struct ear *e;

	bridge_open(&b, kind, fault);
	assert_int_equal(ear_new(kind, &e), 0);
	for (unsigned i = 0; i < PACKETS; i++) {
		const struct speech_packet *p = &speech[kind]->packets[i];
		uint8_t payload[400];
		size_t length = transcode(&b, i, payload, sizeof(payload));
		ear_said(e, p->bytes, p->length, START_US + i * (uint64_t)FRAME_US);
		if (fault == DEAD || (fault == LOSSY && i % 10 == 3))
			continue;
		hear(e, &b, i, payload, length);
		if (fault == OVERTAKEN && i % 5 == 3)
			hear(e, &b, i - 2, payload, length);
	}
	assert_int_equal(ear_judge(e, &v), 0);
	ear_free(e);
	bridge_close(&b);
	return v;
}

static void test_only_what_was_said_is_good(void **state)
{
	static const char *const names[] = {"to the agent", "to the user"};

	(void)state;
	for (size_t i = 0; i < sizeof(bridges) / sizeof(bridges[0]); i++) {
		for (int kind = 0; kind < 2; kind++) {
			struct ear_verdict v = through((enum ear_kind)kind, bridges[i].fault);
			print_message("%-14s %s: %.2f alike, %.0f ms later\n", bridges[i].name, names[kind], v.likeness,
				v.delay_ms);
			if (v.good != bridges[i].good)
				fail_msg("%s: %s", bridges[i].name, v.good ? "believed" : "not believed");
			if (bridges[i].good)
				assert_true(v.likeness > 0.8 && v.delay_ms >= 20 && v.delay_ms <= 70);
		}
	}
}

static void test_too_little_says_nothing(void **state)
{
	static const uint8_t silence[FRAME] = {[0 ... FRAME - 1] = 0xff};
	struct ear_verdict v;
	struct ear *e;

	(void)state;
	assert_int_equal(ear_new(EAR_TO_USER, &e), 0);
	assert_int_equal(ear_judge(e, &v), -ENODATA);
	for (int i = 0; i < EAR_LEAST_MS / 20; i++) {
		assert_int_equal(ear_judge(e, &v), -ENODATA);
		ear_said(e, silence, FRAME, START_US + (uint64_t)i * FRAME_US);
	}
	assert_int_equal(ear_judge(e, &v), 0); /* nothing was heard */
	assert_false(v.good);
	ear_free(e);
	assert_null(ear_free(NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_only_what_was_said_is_good),
		cmocka_unit_test(test_too_little_says_nothing),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
