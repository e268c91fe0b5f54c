/* lib/sdp/sdp_codec.c
 *
 * Codecs: from payload types, rtpmap and fmtp while parsing, and helpers for those who negotiate.
 */
#include "lib/sdp/sdp_reader.h"

#include "lib/base/str.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

/* RFC 3551 s6, tables 4 and 5: audio types that need no rtpmap. */
static const struct {
	uint8_t pt;
	const char *name;
	uint32_t clock_hz;
	uint8_t channels;
} static_types[] = {
	{0, "PCMU", 8000, 1},
	{3, "GSM", 8000, 1},
	{4, "G723", 8000, 1},
	{5, "DVI4", 8000, 1},
	{6, "DVI4", 16000, 1},
	{7, "LPC", 8000, 1},
	{8, "PCMA", 8000, 1},
	{9, "G722", 8000, 1}, /* sampled at 16 kHz; the clock is 8000 by an old mistake (s4.5.2) */
	{10, "L16", 44100, 2},
	{11, "L16", 44100, 1},
	{12, "QCELP", 8000, 1},
	{13, "CN", 8000, 1},
	{14, "MPA", 90000, 1},
	{15, "G728", 8000, 1},
	{16, "DVI4", 11025, 1},
	{17, "DVI4", 22050, 1},
	{18, "G729", 8000, 1},
};

static bool codec_static(uint8_t pt, struct sdp_codec *c)
{
	for (size_t i = 0; i < sizeof(static_types) / sizeof(static_types[0]); i++) {
		if (static_types[i].pt == pt) {
			str_copy(c->name, sizeof(c->name), static_types[i].name);
			c->clock_hz = static_types[i].clock_hz;
			c->channels = static_types[i].channels;
			return true;
		}
	}
	return false;
}

/* "opus/48000/2" (RFC 8866 s6.6). */
static bool codec_from_rtpmap(struct sdp_word map, struct sdp_codec *c)
{
	struct sdp_word text = sdp_word_next(&map);
	struct sdp_word name = sdp_word_until(&text, '/');
	struct sdp_word clock = sdp_word_until(&text, '/');
	uint64_t clock_hz, channels = 1;

	if (!sdp_word_copy(name, c->name, sizeof(c->name)))
		return false;
	if (!sdp_word_number(clock, UINT32_MAX, &clock_hz) || clock_hz == 0)
		return false;
	if (text.length && (!sdp_word_number(text, UINT8_MAX, &channels) || channels == 0))
		return false;
	c->clock_hz = (uint32_t)clock_hz;
	c->channels = (uint8_t)channels;
	return true;
}

/* A malformed rtpmap of a static type is overlooked; a dynamic type without one means nothing to us. */
static bool codec_resolve(const struct sdp_reader *r, uint8_t pt, struct sdp_codec *c)
{
	memset(c, 0, sizeof(*c));
	c->pt = pt;
	if (r->rtpmap[pt].length == 0 || !codec_from_rtpmap(r->rtpmap[pt], c)) {
		memset(c->name, 0, sizeof(c->name));
		if (!codec_static(pt, c))
			return false;
	}
	/* Too long to be kept means no parameters rather than half of them. */
	(void)sdp_word_copy(r->fmtp[pt], c->fmtp, sizeof(c->fmtp));
	return true;
}

void sdp_codecs_resolve(struct sdp_reader *r)
{
	struct sdp_audio *sdp = &r->sdp;
	struct sdp_word rest = r->formats;
	bool met[SDP_PT_COUNT] = {false};

	for (;;) {
		struct sdp_word w = sdp_word_next(&rest);
		struct sdp_codec c;
		uint64_t pt;
		if (w.length == 0)
			return;
		if (!sdp_word_number(w, SDP_PT_COUNT - 1, &pt) || met[pt])
			continue;
		met[pt] = true;
		if (!codec_resolve(r, (uint8_t)pt, &c))
			continue;
		if (sdp->codec_count < SDP_CODECS_MAX)
			sdp->codecs[sdp->codec_count++] = c;
		else if (str_equal_nocase(c.name, "telephone-event") && !sdp_find_codec(sdp, c.name, 0))
			sdp->codecs[SDP_CODECS_MAX - 1] =
				c; /* usually the last of a long list, and the one not to lose */
	}
}

const struct sdp_codec *sdp_find_codec(const struct sdp_audio *sdp, const char *name, uint32_t clock_hz)
{
	for (size_t i = 0; i < sdp->codec_count; i++) {
		const struct sdp_codec *c = &sdp->codecs[i];
		if (str_equal_nocase(c->name, name) && (clock_hz == 0 || c->clock_hz == clock_hz))
			return c;
	}
	return NULL;
}

int sdp_add_codec(
	struct sdp_audio *sdp, uint8_t pt, const char *name, uint32_t clock_hz, uint8_t channels, const char *fmtp)
{
	struct sdp_codec c = {.pt = pt, .clock_hz = clock_hz, .channels = channels ? channels : 1};

	if (pt >= SDP_PT_COUNT || str_copy(c.name, sizeof(c.name), name) < 0 ||
		str_copy(c.fmtp, sizeof(c.fmtp), fmtp) < 0)
		return -EINVAL;
	if (sdp->codec_count >= SDP_CODECS_MAX)
		return -ENOSPC;
	sdp->codecs[sdp->codec_count++] = c;
	return 0;
}

long sdp_fmtp_int(const struct sdp_codec *codec, const char *key, long fallback)
{
	struct sdp_word rest = {codec->fmtp, strlen(codec->fmtp)};

	while (rest.length) {
		struct sdp_word param = sdp_word_until(&rest, ';');
		struct sdp_word name = sdp_word_trim(sdp_word_until(&param, '='));
		uint64_t value;
		if (!sdp_word_is(name, key))
			continue;
		param = sdp_word_trim(param);
		bool negative = param.length && param.at[0] == '-';
		if (negative) {
			param.at++;
			param.length--;
		}
		if (!sdp_word_number(param, LONG_MAX, &value))
			return fallback;
		return negative ? -(long)value : (long)value;
	}
	return fallback;
}
