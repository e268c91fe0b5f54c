/* media/codec/opus_codec.c
 *
 * libopus lives in here only.
 */
#include "media/codec/opus_codec.h"

#include "lib/base/assert.h"
#include "media/codec/lean_memory.h"

#include <errno.h>
#include <opus/opus.h>
#include <stdalign.h>
#include <stdlib.h>

struct opus_enc {
	uint32_t rate_hz;
	uint8_t loss_percent;
	bool no_fec;
	alignas(16) unsigned char state[];
};

struct opus_dec {
	uint32_t rate_hz;
	alignas(16) unsigned char state[];
};

static OpusEncoder *encoder(struct opus_enc *e)
{
	return (OpusEncoder *)(void *)e->state;
}

static OpusDecoder *decoder(struct opus_dec *d)
{
	return (OpusDecoder *)(void *)d->state;
}

static bool rate_supported(uint32_t rate_hz)
{
	return rate_hz == 8000 || rate_hz == 16000;
}

void opus_enc_set_bitrate(struct opus_enc *e, uint32_t bitrate)
{
	if (!bitrate)
		bitrate = OPUS_CODEC_BITRATE_DEFAULT;
	if (bitrate < OPUS_CODEC_BITRATE_MIN)
		bitrate = OPUS_CODEC_BITRATE_MIN;
	if (bitrate > OPUS_CODEC_BITRATE_MAX)
		bitrate = OPUS_CODEC_BITRATE_MAX;
	opus_encoder_ctl(encoder(e), OPUS_SET_BITRATE((opus_int32)bitrate));
}

void opus_enc_set_complexity(struct opus_enc *e, unsigned complexity)
{
	opus_encoder_ctl(encoder(e), OPUS_SET_COMPLEXITY((opus_int32)(complexity > 10 ? 10 : complexity)));
}

void opus_enc_set_loss(struct opus_enc *e, unsigned percent)
{
	if (percent > 100)
		percent = 100;
	e->loss_percent = (uint8_t)percent;
	opus_encoder_ctl(encoder(e), OPUS_SET_INBAND_FEC(percent > 0 && !e->no_fec));
	opus_encoder_ctl(encoder(e), OPUS_SET_PACKET_LOSS_PERC((opus_int32)percent));
}

static opus_int32 bandwidth(uint32_t playback_hz)
{
	if (!playback_hz || playback_hz > 24000)
		return OPUS_BANDWIDTH_FULLBAND;
	if (playback_hz > 16000)
		return OPUS_BANDWIDTH_SUPERWIDEBAND;
	if (playback_hz > 12000)
		return OPUS_BANDWIDTH_WIDEBAND;
	return playback_hz > 8000 ? OPUS_BANDWIDTH_MEDIUMBAND : OPUS_BANDWIDTH_NARROWBAND;
}

void opus_enc_set_receiver(struct opus_enc *e, uint32_t max_playback_hz, bool cbr, bool no_fec)
{
	e->no_fec = no_fec;
	opus_encoder_ctl(encoder(e), OPUS_SET_MAX_BANDWIDTH(bandwidth(max_playback_hz)));
	opus_encoder_ctl(encoder(e), OPUS_SET_VBR(!cbr));
	opus_enc_set_loss(e, e->loss_percent);
}

int opus_enc_new(const struct opus_enc_conf *conf, struct opus_enc **ret_enc)
{
	if (!rate_supported(conf->rate_hz) || conf->complexity > 10)
		return -EINVAL;
	size_t bytes = sizeof(struct opus_enc) + (size_t)opus_encoder_get_size(1);
	struct opus_enc *e = lean_alloc(bytes);
	if (!e)
		return -ENOMEM;
	e->rate_hz = conf->rate_hz;
	if (opus_encoder_init(encoder(e), (opus_int32)conf->rate_hz, 1, OPUS_APPLICATION_VOIP) != OPUS_OK) {
		opus_enc_free(e);
		return -EINVAL;
	}
	opus_encoder_ctl(encoder(e), OPUS_SET_COMPLEXITY(conf->complexity));
	opus_encoder_ctl(encoder(e), OPUS_SET_SIGNAL(OPUS_SIGNAL_VOICE));
	opus_encoder_ctl(encoder(e), OPUS_SET_DTX(0));
	opus_enc_set_bitrate(e, conf->bitrate);
	opus_enc_set_loss(e, conf->loss_percent);
	opus_enc_set_receiver(e, conf->max_playback_hz, conf->cbr, conf->no_fec);
	lean_drop_zero_pages(e, bytes);
	*ret_enc = e;
	return 0;
}

int opus_enc_frame(struct opus_enc *e, const int16_t *pcm, size_t samples, uint8_t *dst, size_t cap)
{
	if (samples > e->rate_hz * 60 / 1000 || cap > INT32_MAX)
		return -EINVAL;
	int n = opus_encode(encoder(e), pcm, (int)samples, dst, (opus_int32)cap);
	return n < 0 ? -EINVAL : n;
}

struct opus_enc *opus_enc_free(struct opus_enc *e)
{
	free(e);
	return NULL;
}

int opus_dec_new(uint32_t rate_hz, struct opus_dec **ret_dec)
{
	if (!rate_supported(rate_hz))
		return -EINVAL;
	struct opus_dec *d = calloc(1, sizeof(*d) + (size_t)opus_decoder_get_size(1));
	if (!d)
		return -ENOMEM;
	d->rate_hz = rate_hz;
	if (opus_decoder_init(decoder(d), (opus_int32)rate_hz, 1) != OPUS_OK) {
		opus_dec_free(d);
		return -EINVAL;
	}
	*ret_dec = d;
	return 0;
}

int opus_dec_packet(struct opus_dec *d, const uint8_t *bytes, size_t length, int16_t *pcm, size_t cap)
{
	/* libopus takes length 0 for "lost" and would invent cap samples */
	if (!length || length > INT16_MAX || cap > INT32_MAX)
		return -EPROTO;
	int n = opus_decode(decoder(d), bytes, (opus_int32)length, pcm, (int)cap, 0);
	return n < 0 ? -EPROTO : n;
}

int opus_dec_fec(struct opus_dec *d, const uint8_t *next, size_t length, int16_t *pcm, size_t samples)
{
	if (!length || length > INT16_MAX || samples > d->rate_hz * OPUS_CODEC_PACKET_MAX_MS / 1000)
		return -EPROTO;
	int n = opus_decode(decoder(d), next, (opus_int32)length, pcm, (int)samples, 1);
	return n < 0 ? -EPROTO : n;
}

int opus_dec_conceal(struct opus_dec *d, int16_t *pcm, size_t samples)
{
	if (!samples || samples > d->rate_hz * OPUS_CODEC_PACKET_MAX_MS / 1000)
		return -EINVAL;
	int n = opus_decode(decoder(d), NULL, 0, pcm, (int)samples, 0);
	return n < 0 ? -EINVAL : n;
}

void opus_dec_reset(struct opus_dec *d)
{
	opus_decoder_ctl(decoder(d), OPUS_RESET_STATE);
}

struct opus_dec *opus_dec_free(struct opus_dec *d)
{
	free(d);
	return NULL;
}

int opus_packet_duration_ts(const uint8_t *bytes, size_t length)
{
	if (!length || length > INT16_MAX)
		return -EPROTO;
	int n = opus_packet_get_nb_samples(bytes, (opus_int32)length, OPUS_CODEC_RTP_CLOCK_HZ);
	return n <= 0 ? -EPROTO : n;
}

bool opus_packet_is_whole(const uint8_t *bytes, size_t length)
{
	const unsigned char *frames[48];
	opus_int16 sizes[48];
	return length && length <= INT16_MAX &&
	       opus_packet_parse(bytes, (opus_int32)length, NULL, frames, sizes, NULL) > 0;
}

bool opus_packet_is_stereo(const uint8_t *bytes, size_t length)
{
	return length && (bytes[0] & 0x04);
}

bool opus_packet_has_redundancy(const uint8_t *bytes, size_t length)
{
	if (!length || length > INT16_MAX || (bytes[0] & 0x80)) /* RFC 6716 s3.1: configurations 16..31 are CELT only */
		return false;
	const unsigned char *frames[48];
	opus_int16 sizes[48];
	if (opus_packet_parse(bytes, (opus_int32)length, NULL, frames, sizes, NULL) <= 0 || sizes[0] < 1)
		return false;
	/* RFC 6716 s4.2.3: the SILK layer opens with one VAD bit per 20 ms, then the LBRR flag, each of probability one
	 * half */
	int frame_ms = opus_packet_get_samples_per_frame(bytes, 1000);
	int vad_bits = frame_ms <= 20 ? 1 : frame_ms / 20;
	return (frames[0][0] >> (7 - vad_bits)) & 1;
}
