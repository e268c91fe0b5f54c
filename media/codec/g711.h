/* media/codec/g711.h
 *
 * G.711 at 8 kHz (ITU-T G.711), one byte a sample. Stateless; any thread.
 */
#ifndef MEDIA_CODEC_G711_H
#define MEDIA_CODEC_G711_H

#include <stddef.h>
#include <stdint.h>

enum g711_law { G711_MU, G711_A };

void g711_to_pcm(enum g711_law law, const uint8_t *bytes, size_t count, int16_t *pcm);
void g711_from_pcm(enum g711_law law, const int16_t *pcm, size_t count, uint8_t *bytes);

#endif
