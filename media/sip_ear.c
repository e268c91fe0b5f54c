#include "media/sip_ear.h"

#include <errno.h>
#include <stdlib.h>

enum {
	SAMPLES_MS = LINE_RATE_HZ / 1000,
	OPUS_UNIT = OPUS_CODEC_RTP_CLOCK_HZ / LINE_RATE_HZ,
	PACKET_SAMPLES_MAX = OPUS_CODEC_PACKET_MAX_MS * SAMPLES_MS,
};

struct sip_ear {
	struct dtmf_ear *ear;
	struct g722_dec *g722; /* these two NULL until they are needed */
	struct opus_dec *opus;
	bool known;       /* the next two mean something */
	int kind;         /* of the last packet */
	uint32_t next_ts; /* of the packet after it */
	uint64_t heard_us;
};

int sip_ear_new(struct sip_ear **ret_ear)
{
	struct sip_ear *e = calloc(1, sizeof(*e));
	if (!e)
		return -ENOMEM;
	int r = dtmf_ear_new(&e->ear);
	if (r < 0) {
		free(e);
		return r;
	}
	*ret_ear = e;
	return 0;
}

int sip_ear_learn(struct sip_ear *e, const struct line_source *source)
{
	int r = source->g722 && !e->g722 ? g722_dec_new(LINE_RATE_HZ, &e->g722) : 0;
	if (r == 0 && source->opus && !e->opus)
		r = opus_dec_new(LINE_RATE_HZ, &e->opus);
	return r;
}

static size_t told(const struct dtmf_heard *heard, size_t count, struct tev_report *ret_reports)
{
	for (size_t i = 0; i < count; i++)
		ret_reports[i] =
			(struct tev_report){heard[i].ended ? TEV_END : TEV_BEGIN, heard[i].digit, heard[i].duration_ms};
	return count;
}

size_t sip_ear_reset(struct sip_ear *e, struct tev_report ret_reports[1])
{
	struct dtmf_heard heard[1] = {0};
	e->known = false;
	return told(heard, dtmf_ear_reset(e->ear, heard), ret_reports);
}

/* Between the packet before and this one. A pause, or another timeline, is told by a number beyond
 * SIP_EAR_MISSED_MAX_MS. */
static uint32_t missed_samples(const struct sip_ear *e, const struct reorder_packet *p)
{
	uint32_t unit = p->kind == LINE_OPUS ? OPUS_UNIT : 1;
	return (p->ts - e->next_ts) / unit;
}

static bool decode(struct sip_ear *e, const struct reorder_packet *p, unsigned samples, int16_t *pcm)
{
	switch (p->kind) {
	case LINE_OPUS: return e->opus && opus_dec_packet(e->opus, p->payload, p->length, pcm, samples) == (int)samples;
	case LINE_G722:
		if (e->g722)
			g722_to_pcm(e->g722, p->payload, samples, pcm);
		return e->g722 != NULL;
	default: g711_to_pcm(p->kind == LINE_PCMA ? G711_A : G711_MU, p->payload, samples, pcm); return true;
	}
}

static size_t goes_on(const struct sip_ear *e, struct tev_report *ret_report)
{
	unsigned ms;
	char digit = dtmf_ear_digit(e->ear, &ms);
	*ret_report = (struct tev_report){TEV_UPDATE, digit, ms};
	return digit != 0;
}

size_t sip_ear_packet(struct sip_ear *e, const struct reorder_packet *p, unsigned samples, uint64_t now_us,
	struct tev_report ret_reports[SIP_EAR_REPORTS_MAX])
{
	int16_t pcm[PACKET_SAMPLES_MAX];
	struct dtmf_heard heard[DTMF_HEARD_MAX];
	size_t n = 0;

	if (samples > PACKET_SAMPLES_MAX || !decode(e, p, samples, pcm))
		return 0;
	uint32_t missed = e->known && p->kind == e->kind ? missed_samples(e, p) : 0;
	if (missed > SIP_EAR_MISSED_MAX_MS * SAMPLES_MS)
		n = told(heard, dtmf_ear_reset(e->ear, heard), ret_reports);
	else if (missed)
		dtmf_ear_miss(e->ear, missed);
	e->known = true;
	e->kind = p->kind;
	e->next_ts = p->ts + samples * (p->kind == LINE_OPUS ? OPUS_UNIT : 1);
	e->heard_us = now_us;
	n += told(heard, dtmf_ear_hear(e->ear, pcm, samples, heard), ret_reports + n);
	if (n == 0)
		n = goes_on(e, ret_reports);
	return n;
}

bool sip_ear_suspects(const struct sip_ear *e)
{
	return dtmf_ear_suspects(e->ear);
}

uint64_t sip_ear_deadline(const struct sip_ear *e)
{
	unsigned ms;
	return e && dtmf_ear_digit(e->ear, &ms) ? e->heard_us + SIP_EAR_SILENCE_MS * 1000 : UINT64_MAX;
}

size_t sip_ear_tick(struct sip_ear *e, uint64_t now_us, struct tev_report ret_reports[1])
{
	return e && sip_ear_deadline(e) <= now_us ? sip_ear_reset(e, ret_reports) : 0;
}

struct sip_ear *sip_ear_free(struct sip_ear *e)
{
	if (!e)
		return NULL;
	dtmf_ear_free(e->ear);
	g722_dec_free(e->g722);
	opus_dec_free(e->opus);
	free(e);
	return NULL;
}
