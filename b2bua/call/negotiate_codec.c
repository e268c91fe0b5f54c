/* b2bua/call/negotiate_codec.c
 *
 * PCMU, PCMA, G.722 and Opus, with telephone-event in the clock of each: 8000 for the first three (G.722's, too: RFC
 * 3551 s4.5.2), 48000 beside Opus, where many peers write 8000 all the same.
 */
#include "b2bua/call/negotiate_codec.h"

#include "b2bua/call/negotiate_opus.h"
#include "lib/base/str.h"

#include <errno.h>
#include <string.h>

enum {
	EVENT_PT = 101,
	EVENT_PT_48K = 110,
	OPUS_PT = 111,
	PT_DYNAMIC = 96, /* RFC 3551 s3 */
	PT_CN = 13,
	PT_NONE = 128,
	CLOCK_HZ = 8000,
	CLOCK_WIDE_HZ = 16000, /* some count the digits beside G.722 so */
	CLOCK_OPUS_HZ = 48000, /* RFC 7587 s4.1 */
	OPUS_BITRATE = 20000,  /* what Meta's descriptions say, where there is none yet */
};

static const struct known {
	enum audio_codec codec;
	const char *name;
	uint8_t pt; /* RFC 3551 s6; dynamic: as agreed */
	uint32_t clock_hz;
	uint8_t channels;
} known_codecs[] = {
	{AUDIO_PCMU, "PCMU", 0, CLOCK_HZ, 1}, {AUDIO_PCMA, "PCMA", 8, CLOCK_HZ, 1},
	{AUDIO_G722, "G722", 9, CLOCK_HZ, 1},
	{AUDIO_OPUS, "opus", PT_NONE, CLOCK_OPUS_HZ, 2}, /* RFC 7587 s7: always written so */
};
enum { KNOWN_CODECS = sizeof(known_codecs) / sizeof(known_codecs[0]) };

static const struct known *known(enum audio_codec codec)
{
	for (size_t i = 0; i < KNOWN_CODECS; i++)
		if (known_codecs[i].codec == codec)
			return &known_codecs[i];
	return NULL;
}

bool negotiate_codec_known(enum audio_codec codec)
{
	return known(codec) != NULL;
}

void negotiate_codec_init(struct sip_negotiation *n)
{
	n->opus_pt = OPUS_PT;
	n->event_pt = EVENT_PT;
	n->event_pt_48k = EVENT_PT_48K;
}

void negotiate_sip_bitrate(struct sip_negotiation *n, uint32_t opus_bitrate)
{
	n->opus_bitrate = opus_bitrate;
}

static bool has_opus(const struct sip_negotiation *n)
{
	for (size_t i = 0; i < 4; i++)
		if (n->codecs[i] == AUDIO_OPUS)
			return true;
	return false;
}

/* ---- writing ---- */

static bool is_taken(const struct sdp_audio *s, uint8_t pt)
{
	for (size_t i = 0; i < s->codec_count; i++)
		if (s->codecs[i].pt == pt)
			return true;
	return false;
}

/* The peer's numbers of before may have come to collide. */
static uint8_t free_pt(const struct sdp_audio *s, uint8_t wanted)
{
	uint8_t pt = wanted;
	for (uint8_t next = PT_DYNAMIC; is_taken(s, pt); next++)
		pt = next;
	return pt;
}

static void add_codec(const struct sip_negotiation *n, enum audio_codec codec, uint8_t pt, struct sdp_audio *s)
{
	const struct known *k = known(codec);
	char text[64] = "";
	struct strbuf fmtp;

	strbuf_init(&fmtp, text, sizeof(text));
	/* What the peer sends is passed on to WhatsApp as it is: it has to keep to what that takes. */
	if (codec == AUDIO_OPUS)
		strbuf_printf(&fmtp, "useinbandfec=1;maxaveragebitrate=%u",
			(unsigned)(n->opus_bitrate ? n->opus_bitrate : OPUS_BITRATE));
	sdp_add_codec(s, pt, k->name, k->clock_hz, k->channels, text);
}

static void add_event(struct sdp_audio *s, uint8_t pt, uint32_t clock_hz)
{
	sdp_add_codec(s, pt, "telephone-event", clock_hz, 1, "0-16");
}

void negotiate_codec_offer(const struct sip_negotiation *n, struct sdp_audio *offer)
{
	for (size_t i = 0; i < 4 && n->codecs[i] != AUDIO_NONE; i++) {
		const struct known *k = known(n->codecs[i]);
		add_codec(n, k->codec, k->pt == PT_NONE ? n->opus_pt : k->pt, offer);
	}
	if (has_opus(n))
		add_event(offer, free_pt(offer, n->event_pt_48k), CLOCK_OPUS_HZ);
	add_event(offer, free_pt(offer, n->event_pt), CLOCK_HZ);
}

void negotiate_codec_answer(const struct sip_negotiation *n, const struct media_sip_remote *r, struct sdp_audio *answer)
{
	add_codec(n, r->codec, r->pt, answer);
	if (r->event_pt)
		add_event(answer, r->event_pt, r->event_clock_hz);
}

/* ---- reading ---- */

static enum audio_codec codec_of(const struct sip_negotiation *n, const struct sdp_codec *c)
{
	for (size_t j = 0; j < 4 && n->codecs[j] != AUDIO_NONE; j++) {
		const struct known *k = known(n->codecs[j]);
		if (c->clock_hz == k->clock_hz && c->channels <= k->channels && str_equal_nocase(c->name, k->name))
			return k->codec;
	}
	return AUDIO_NONE;
}

static void add_also(struct media_sip_remote *r, enum audio_codec codec, uint8_t pt)
{
	bool known_already = codec == r->codec && pt == r->pt;
	for (unsigned i = 0; i < r->also_count; i++)
		known_already |= r->also[i].pt == pt;
	if (!known_already && r->also_count < MEDIA_FORMATS_MAX)
		r->also[r->also_count++] = (struct media_sip_format){codec, pt};
}

static void read_event(
	const struct sip_negotiation *n, const struct sdp_audio *peer, bool is_answer, struct media_sip_remote *r)
{
	const uint32_t clocks[] = {known(r->codec)->clock_hz, CLOCK_HZ, CLOCK_WIDE_HZ};
	const struct sdp_codec *event = NULL;
	uint8_t own;

	for (size_t i = 0; i < 3 && !event; i++)
		event = sdp_find_codec(peer, "telephone-event", clocks[i]);
	r->event_pt = r->event_pt_own = 0;
	r->event_clock_hz = event ? event->clock_hz : CLOCK_HZ;
	if (!event)
		return;
	r->event_pt = event->pt;
	own = event->clock_hz == CLOCK_OPUS_HZ ? n->event_pt_48k : n->event_pt;
	if (is_answer && own != event->pt && !is_taken(peer, own))
		r->event_pt_own = own;
}

int negotiate_codec_read(
	const struct sip_negotiation *n, const struct sdp_audio *peer, bool is_answer, struct media_sip_remote *r)
{
	const struct sdp_codec *noise = sdp_find_codec(peer, "CN", 0);

	r->codec = AUDIO_NONE;
	r->also_count = 0;
	memset(r->also, 0, sizeof(r->also));
	r->max_bitrate = 0;
	r->opus = (struct media_opus_receiver){0};
	for (size_t i = 0; i < peer->codec_count; i++) {
		const struct sdp_codec *c = &peer->codecs[i];
		enum audio_codec codec = codec_of(n, c);
		if (codec == AUDIO_NONE)
			continue;
		if (codec == AUDIO_OPUS) {
			r->max_bitrate = negotiate_opus_bitrate(c);
			r->opus = negotiate_opus_receiver(c);
		}
		if (r->codec == AUDIO_NONE) {
			r->codec = codec;
			r->pt = c->pt;
		} else if (is_answer) { /* ours names one only */
			add_also(r, codec, c->pt);
		}
		if (codec == AUDIO_OPUS && is_answer && !is_taken(peer, n->opus_pt))
			add_also(r, codec, n->opus_pt);
	}
	if (r->codec == AUDIO_NONE)
		return -ENOENT;
	read_event(n, peer, is_answer, r);
	r->cn_pt = noise && noise->pt != PT_CN ? noise->pt : 0;
	r->maxptime_ms = peer->maxptime_ms;
	return 0;
}

void negotiate_codec_keep(struct sip_negotiation *n, const struct media_sip_remote *r)
{
	if (r->event_pt && r->event_clock_hz == CLOCK_OPUS_HZ)
		n->event_pt_48k = r->event_pt;
	else if (r->event_pt)
		n->event_pt = r->event_pt;
	if (r->codec == AUDIO_OPUS)
		n->opus_pt = r->pt;
}

bool negotiate_codec_equal(const struct media_sip_remote *a, const struct media_sip_remote *b)
{
	for (unsigned i = 0; i < MEDIA_FORMATS_MAX; i++)
		if (a->also[i].codec != b->also[i].codec || a->also[i].pt != b->also[i].pt)
			return false;
	return a->codec == b->codec && a->pt == b->pt && a->event_pt == b->event_pt &&
	       a->event_pt_own == b->event_pt_own && a->event_clock_hz == b->event_clock_hz && a->cn_pt == b->cn_pt &&
	       a->maxptime_ms == b->maxptime_ms && a->max_bitrate == b->max_bitrate &&
	       a->opus.max_playback_hz == b->opus.max_playback_hz && a->opus.cbr == b->opus.cbr &&
	       a->opus.no_fec == b->opus.no_fec && a->also_count == b->also_count;
}
