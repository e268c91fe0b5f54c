/* media/codec/g722.h
 *
 * G.722 at 64 kbit/s (ITU-T G.722): one byte stands for two samples at 16 kHz, and for one tick of its RTP clock, which
 * is 8000 by an old mistake (RFC 3551 s4.5.2). Adaptive: each object is one direction of one stream. Not thread-safe;
 * allocates only in _new().
 */
#ifndef MEDIA_CODEC_G722_H
#define MEDIA_CODEC_G722_H

#include <stddef.h>
#include <stdint.h>

struct g722_enc;
struct g722_dec;

/* Return 0 or -ENOMEM. */
int g722_enc_new(struct g722_enc **ret_enc);
/* rate_hz of the PCM: 16000, or 8000, which leaves the upper band out; -EINVAL for others. */
int g722_dec_new(uint32_t rate_hz, struct g722_dec **ret_dec);
/* count bytes; pcm holds 2 * count samples, of an 8000 Hz decoder count. */
void g722_from_pcm(struct g722_enc *e, const int16_t *pcm, size_t count, uint8_t *bytes);
void g722_to_pcm(struct g722_dec *d, const uint8_t *bytes, size_t count, int16_t *pcm);
/* Accept NULL; always return NULL. */
struct g722_enc *g722_enc_free(struct g722_enc *e);
struct g722_dec *g722_dec_free(struct g722_dec *d);

#endif
