/* media/codec/opus_codec.h
 *
 * Opus (RFC 6716) at the sample rate of the other leg: 8000 for G.711, 16000 for G.722 and for Opus that cannot be
 * passed on as it is; mono. libopus converts inside,
 * so no resampler is needed, and the RTP clock stays 48000 (RFC 7587 s4.1) whatever the rate here. Each object is one
 * block, allocated by its _new; nothing is allocated afterwards. Owner: one thread at a time.
 */
#ifndef MEDIA_CODEC_OPUS_CODEC_H
#define MEDIA_CODEC_OPUS_CODEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct opus_enc;
struct opus_dec;

enum {
	OPUS_CODEC_RTP_CLOCK_HZ = 48000,
	OPUS_CODEC_BITRATE_DEFAULT = 24000,
	OPUS_CODEC_BITRATE_MIN = 6000, /* RFC 6716 s2.1.1 */
	OPUS_CODEC_BITRATE_MAX = 128000,
	OPUS_CODEC_PACKET_MAX_BYTES = 1275, /* RFC 6716 s3.2.1: one frame */
	OPUS_CODEC_PACKET_MAX_MS = 120,     /* RFC 6716 s3.2.5: several frames */
};

struct opus_enc_conf {
	uint32_t rate_hz;     /* 8000 or 16000 */
	uint32_t bitrate;     /* bits a second; 0: default. Clamped to MIN..MAX */
	uint8_t complexity;   /* 0..10 */
	uint8_t loss_percent; /* > 0 turns in-band FEC on, but with no_fec */
	/* What the receiver says of itself (RFC 7587 s6.1); zero: nothing. */
	uint32_t max_playback_hz; /* no wider audio than that */
	bool cbr, no_fec;
};

/* VOIP application, VBR but for receivers that want cbr, no DTX: packets must keep flowing. Returns 0, -EINVAL or
 * -ENOMEM. */
int opus_enc_new(const struct opus_enc_conf *conf, struct opus_enc **ret_enc);
void opus_enc_set_bitrate(struct opus_enc *e, uint32_t bitrate);
void opus_enc_set_receiver(struct opus_enc *e, uint32_t max_playback_hz, bool cbr, bool no_fec);
/* 0..10, from the next frame on. */
void opus_enc_set_complexity(struct opus_enc *e, unsigned complexity);
/* What the peer reports (RTCP): the encoder trades bits for redundancy. 0 turns in-band FEC off. */
void opus_enc_set_loss(struct opus_enc *e, unsigned percent);
/* One frame of 10, 20, 40 or 60 ms. Returns bytes written, or -EINVAL (samples, cap). */
int opus_enc_frame(struct opus_enc *e, const int16_t *pcm, size_t samples, uint8_t *dst, size_t cap);
struct opus_enc *opus_enc_free(struct opus_enc *e);

/* Returns 0, -EINVAL or -ENOMEM. */
int opus_dec_new(uint32_t rate_hz, struct opus_dec **ret_dec);
/* A packet from the peer. Returns samples decoded, or -EPROTO (corrupt, or more than cap): then conceal instead. */
int opus_dec_packet(struct opus_dec *d, const uint8_t *bytes, size_t length, int16_t *pcm, size_t cap);
/* The frame before `next` was lost: recover it from next's redundancy. samples: what was lost, a multiple of 2.5 ms.
 * -EPROTO as above. */
int opus_dec_fec(struct opus_dec *d, const uint8_t *next, size_t length, int16_t *pcm, size_t samples);
/* Invent `samples` (a multiple of 2.5 ms) from the past. Returns samples, or -EINVAL. */
int opus_dec_conceal(struct opus_dec *d, int16_t *pcm, size_t samples);
void opus_dec_reset(struct opus_dec *d); /* the stream starts anew */
struct opus_dec *opus_dec_free(struct opus_dec *d);

/* Length of a packet's audio in RTP clock units, or -EPROTO. Looks at the first two bytes only. */
int opus_packet_duration_ts(const uint8_t *bytes, size_t length);
/* Do its frames add up (RFC 6716 s3.4)? Whoever passes a packet on should ask. */
bool opus_packet_is_whole(const uint8_t *bytes, size_t length);
/* RFC 6716 s3.1: the bit of the first byte. */
bool opus_packet_is_stereo(const uint8_t *bytes, size_t length);
/* Does the packet carry redundancy for the frame before it (LBRR flag, RFC 6716 s4.2.4)? */
bool opus_packet_has_redundancy(const uint8_t *bytes, size_t length);

#endif
